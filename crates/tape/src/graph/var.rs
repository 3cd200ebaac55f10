//! Handles to recorded values.

use std::fmt::{self, Debug, Display};
use std::panic::Location;
use std::sync::Arc;

use ops::describe::AnyRule;
use ops::methods::LayoutMethods;
use ops::rules::Indices;
use ops::{Binary, Elementwise, Float, Lift, Reading, Rule, Shape, Tensor, Unary, visible};
use petgraph::graph::NodeIndex;

use crate::graph::error::TapeError;
use crate::graph::node::{Source, operands};
use crate::graph::op::Op;
use crate::graph::tape::Tape;

/// A handle to a value on a [`Tape`]: `Copy`, two words.
///
/// Arithmetic operators and the methods of [`ops::methods`] record their results on the same
/// tape. Operators panic on misuse at the caller's line, in a sentence;
/// [`try_apply`](Var::try_apply) returns the same sentence as an error.
pub struct Var<'t, A: Float> {
    tape: &'t Tape<A>,
    index: NodeIndex,
}

impl<A: Float> Clone for Var<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A: Float> Copy for Var<'_, A> {}

impl<A: Float> Debug for Var<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {:?}", self.label(), self.value())
    }
}

/// A source position, as it is shown: where a value was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path of the file, or what stands for one.
    pub file: Arc<str>,
    /// The number of the line, from 1.
    pub line: u32,
    /// The number of the column, from 1.
    pub column: u32,
    /// The line itself, where it is known.
    pub text: Option<Arc<str>>,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", visible(&self.file), self.line, self.column)
    }
}

/// Two handles are equal if they are of the same value on the same tape.
impl<A: Float> PartialEq for Var<'_, A> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tape, other.tape) && self.index == other.index
    }
}

impl<'t, A: Float> Var<'t, A> {
    pub(crate) fn new(tape: &'t Tape<A>, index: NodeIndex) -> Self {
        Self { tape, index }
    }

    pub(crate) fn index(self) -> NodeIndex {
        self.index
    }

    /// The tape that holds the value.
    pub fn tape(self) -> &'t Tape<A> {
        self.tape
    }

    /// The position of the value in the order of recording, from 0.
    pub fn position(self) -> usize {
        self.index.index()
    }

    /// The value. Cheap: the elements are shared.
    pub fn value(self) -> Tensor<A> {
        self.tape.note_reading();
        self.tape.graph()[self.index].value.clone()
    }

    /// The one number that the value consists of.
    ///
    /// # Panics
    /// If the value has more than one element.
    #[track_caller]
    pub fn item(self) -> A {
        self.value().item()
    }

    /// The lengths of the axes.
    pub fn shape(self) -> Shape {
        Shape::from_slice(self.tape.graph()[self.index].value.shape())
    }

    /// Tells whether the value shares elements in memory with a tensor, as by [`Tape::var`] of it.
    pub fn shares_memory_with(self, tensor: &Tensor<A>) -> bool {
        self.tape.graph()[self.index].value.shares_memory_with(tensor)
    }

    /// Gives the value a name, for messages and for showing the graph.
    pub fn named(self, name: impl Into<String>) -> Self {
        self.tape.set_name(self.index, name.into());
        self
    }

    /// Gives the value a name that is shown as long as [`named`](Var::named) gives it no other. It
    /// costs less than that: a library calls the parameters of a model so.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(1.0).named_by_default("0.weight");
    /// assert_eq!(x.label(), "0.weight");
    /// assert_eq!(x.named("w").named_by_default("1.weight").label(), "w");
    /// ```
    pub fn named_by_default(self, name: impl Into<Arc<str>>) -> Self {
        self.tape.set_default_name(self.index, name.into());
        self
    }

    /// The name given with [`named`](Var::named) or [`named_by_default`](Var::named_by_default).
    pub fn name(self) -> Option<String> {
        self.tape.name(self.position())
    }

    /// The line of the program that recorded the value.
    pub fn location(self) -> &'static Location<'static> {
        self.tape.graph()[self.index].location
    }

    /// The source position to show: the [`location`](Var::location) in the program, unless
    /// [`written_at`](Var::written_at) set another.
    pub fn place(self) -> Place {
        self.tape.places().get(&self.position()).cloned().unwrap_or_else(|| {
            let location = self.location();
            let (line, column) = (location.line(), location.column());
            Place { file: location.file().into(), line, column, text: None }
        })
    }

    /// Sets the source position to show, of a value that comes from text the program read, such as an
    /// expression.
    ///
    /// ```
    /// use tape::{Place, Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let line = Place { file: "input".into(), line: 1, column: 5, text: Some("y = 2x".into()) };
    /// let y = (tape.var(1.0) * 2.0).written_at(line);
    /// assert_eq!(y.place().to_string(), "input:1:5");
    /// ```
    pub fn written_at(self, place: Place) -> Self {
        self.tape.set_place(self.index, place);
        self
    }

    /// The index in [`Tape::scopes`] of the innermost scope it was recorded in, if any.
    pub fn scope(self) -> Option<usize> {
        self.tape.graph()[self.index].scope.index()
    }

    /// The names of the scopes it was recorded in, the outermost first.
    pub fn scope_path(self) -> Vec<String> {
        self.tape.scope_path(self.tape.graph()[self.index].scope)
    }

    /// The name of the op that computed the value, `None` for a variable or a constant.
    pub fn op(self) -> Option<&'static str> {
        match &self.tape.graph()[self.index].source {
            Source::Op(op) => Some(op.name()),
            Source::Detached => Some("detach"),
            Source::Variable | Source::Constant => None,
        }
    }

    /// Whether the value is another's, kept from gradients by [`detach`](Var::detach).
    pub fn is_detached(self) -> bool {
        matches!(self.tape.graph()[self.index].source, Source::Detached)
    }

    /// The op that computed the value as data, with its settings; `None` for a variable, a
    /// constant, a detached value, or a function of the user's own as a single node.
    ///
    /// ```
    /// use ops::describe::Attribute;
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([[1.0, 2.0]]);
    /// let op = x.softmax(-1).described().unwrap();
    /// assert_eq!(op.settings(), [("axis", Attribute::Integer(-1))]);
    /// ```
    pub fn described(self) -> Option<Box<dyn AnyRule>> {
        self.tape.graph()[self.index].source.op()?.as_rule()
    }

    /// The values that it was computed from, in order.
    pub fn operands(self) -> Vec<Self> {
        let graph = self.tape.graph();
        operands(&graph, self.index).iter().map(|&index| Self::new(self.tape, index)).collect()
    }

    /// The multiply-adds it took to compute: of a matrix product or convolution, else 0.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::<f32>::new();
    /// let (a, b) = (tape.var(ops::Tensor::zeros(&[2, 3])), tape.var(ops::Tensor::zeros(&[3, 4])));
    /// assert_eq!(a.matmul(b).mult_adds(), 2 * 3 * 4);
    /// ```
    pub fn mult_adds(self) -> u64 {
        let shapes: Vec<Shape> = self.operands().iter().map(Reading::shape).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(|shape| &shape[..]).collect();
        let graph = self.tape.graph();
        let node = &graph[self.index];
        let shortcuts = node.source.op().and_then(Op::shortcuts);
        shortcuts.map_or(0, |rule| rule.mult_adds(&shapes, node.value.shape()))
    }

    /// Tells whether a gradient flows to it: it is a variable, or computed from one.
    pub fn is_tracked(self) -> bool {
        self.tape.graph()[self.index].tracked
    }

    /// The same value, through which no gradient flows back.
    #[track_caller]
    pub fn detach(self) -> Self {
        self.tape.record_detached(self)
    }

    /// Applies any rule and records the result.
    ///
    /// # Errors
    /// If an operand is of another tape, or the rule refuses the operands; the message says which
    /// operands, of what shapes, where they were recorded, and what would fit.
    ///
    /// ```
    /// use ops::rules::Matmul;
    /// use tape::{Tape, Var};
    ///
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var([[1.0, 2.0]]), tape.var([3.0, 4.0, 5.0]).named("b"));
    /// let error = Var::try_apply(Matmul, &[&a, &b]).unwrap_err().to_string();
    /// assert!(error.contains("b, recorded at"));
    /// ```
    #[track_caller]
    pub fn try_apply<R: Rule>(rule: R, operands: &[&Self]) -> Result<Self, TapeError> {
        let Some(first) = operands.first() else {
            return Err(TapeError::NoOperands { op: rule.name() });
        };
        first.tape.record(rule, operands)
    }

    /// Takes the `k` largest elements of each lane along `axis`, the largest first, with their indices.
    /// Gradients flow to the elements that were taken; the indices have none.
    ///
    /// # Panics
    /// If the axis does not exist or is shorter than `k`.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([3.0, 5.0, 4.0]);
    /// let (values, indices) = x.top_k(0, 2);
    /// assert_eq!((values.value().to_vec(), indices.elements()), (vec![5.0, 4.0], &[1, 2][..]));
    /// assert_eq!(values.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn top_k(self, axis: isize, k: usize) -> (Self, Indices) {
        let indices = match self.value().top_k(axis, k) {
            Ok(indices) => indices,
            Err(problem) => panic!("top_k: {problem}"),
        };
        (self.take_along_axis(axis, &indices), indices)
    }

    /// Applies an elementwise rule of one operand, for instance one of the caller's own.
    #[track_caller]
    pub fn unary<U: Unary>(self, rule: U) -> Self {
        Self::apply(Lift::unary(rule), &[&self])
    }

    /// Applies an elementwise rule of two operands, for instance one of the caller's own.
    ///
    /// # Panics
    /// If the operands are of two tapes, or their shapes do not broadcast.
    #[track_caller]
    pub fn binary<B: Binary>(self, rule: B, other: Self) -> Self {
        Self::apply(Lift::binary(rule), &[&self, &other])
    }
}

impl<A: Float> Reading for Var<'_, A> {
    fn shape(&self) -> Shape {
        Var::shape(*self)
    }

    #[track_caller]
    #[inline]
    fn apply<R: Rule>(rule: R, operands: &[&Self]) -> Self {
        match Self::try_apply(rule, operands) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    #[track_caller]
    fn scalar(&self, value: f64) -> Self {
        self.tape.constant(Tensor::scalar(A::from_f64(value)))
    }

    #[track_caller]
    fn stop_gradient(&self) -> Self {
        self.detach()
    }

    #[track_caller]
    fn times_slope<E: Elementwise<N>, const N: usize>(
        rule: E,
        operand: usize,
        operands: [&Self; N],
        output: &Self,
        v: &Self,
    ) -> Option<Self> {
        let first = v.tape.len();
        let product = ops::times_slope(rule, operand, operands, output, v)?;
        v.tape.note_slope((first, product), (rule, operand), operands, [output, v]);
        Some(product)
    }

    /// Recorded at the line, and in the scope, that the second contribution comes from.
    #[track_caller]
    fn accumulate(&mut self, other: Self) {
        let place = {
            let node = &self.tape.graph()[other.index];
            (node.location, node.scope)
        };
        *self = self.tape.at(place, || *self + other);
    }
}
