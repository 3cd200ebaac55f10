//! The graph of recorded ops.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

use ops::{Float, Rule, Tensor};
use petgraph::graph::{DiGraph, NodeIndex};
use smallbox::smallbox;
use smallvec::SmallVec;

use crate::graph::error::{Origin, RecordError, TapeError};
use crate::graph::line::Lines;
use crate::graph::node::{Graph, Node, Source};
use crate::graph::non_finite::non_finite_value;
use crate::graph::op::{BoxedOp, Op};
use crate::graph::scope::{Scope, ScopeId, Scopes};
use crate::graph::slope::SlopeNote;
use crate::graph::var::{Place, Var};

/// Records what is computed with its variables, as a directed acyclic graph.
///
/// Values are put on the tape with [`var`](Tape::var) or [`constant`](Tape::constant); whatever
/// is then computed from the returned handles is recorded too. The order of recording is a
/// topological order, since an op can only use values that exist. [`reset`](Tape::reset) forgets
/// the graph and keeps its memory for the next one; handles borrow the tape, so the compiler
/// rejects a program that uses one after a reset:
///
/// ```compile_fail
/// let mut tape = tape::Tape::<f64>::new();
/// let x = tape.var(1.0);
/// tape.reset();
/// println!("{}", x.value());
/// ```
#[derive(Debug)]
pub struct Tape<A: Float> {
    graph: RefCell<Graph<A>>,
    names: RefCell<HashMap<usize, String>>,
    /// Names of values that the program gave none, by position.
    default_names: RefCell<Vec<(usize, Arc<str>)>>,
    /// Of values that were asked for elsewhere than in the program.
    places: RefCell<HashMap<usize, Place>>,
    /// Of formulas that a program may run as one step.
    pub(super) slopes: RefCell<Vec<SlopeNote<A>>>,
    scopes: RefCell<Scopes>,
    pub(super) lines: Lines,
    stop_at_non_finite: bool,
    values_were_read: Cell<bool>,
    /// Whether a function of the user's was recorded as one node, which sees its operands' values.
    has_functions: Cell<bool>,
}

impl<A: Float> Default for Tape<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Float> Tape<A> {
    /// An empty tape.
    ///
    /// Write `Tape::<f64>::new()` where numbers of the program stand on the left of an operator
    /// (`2.0 * x`): the compiler must know then whether they are `f32` or `f64`.
    pub fn new() -> Self {
        Self {
            graph: RefCell::default(),
            names: RefCell::new(HashMap::new()),
            default_names: RefCell::default(),
            places: RefCell::new(HashMap::new()),
            slopes: RefCell::default(),
            scopes: RefCell::default(),
            lines: Lines::default(),
            stop_at_non_finite: false,
            values_were_read: Cell::new(false),
            has_functions: Cell::new(false),
        }
    }

    /// The same tape, which refuses to record a value that is infinite or NaN, and to pass one on
    /// in a sweep: at the first, it says which op, where, from which operands, and what would be
    /// stable in its place. It costs a look at every value, so it is off otherwise.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::<f64>::new().stop_at_non_finite();
    /// let x = tape.var([1000.0, 0.0]).named("x");
    /// let error = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| x.exp())).unwrap_err();
    /// let message = error.downcast_ref::<String>().unwrap();
    /// assert!(message.contains("exp gives inf at index [0]"), "{message}");
    /// ```
    #[must_use]
    pub fn stop_at_non_finite(mut self) -> Self {
        self.stop_at_non_finite = true;
        self
    }

    pub(crate) fn stops_at_non_finite(&self) -> bool {
        self.stop_at_non_finite
    }

    /// Puts a value on the tape, with respect to which gradients can be taken.
    ///
    /// ```
    /// let tape = tape::Tape::new();
    /// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.shape()[..], [2, 2]);
    /// ```
    #[track_caller]
    pub fn var(&self, value: impl Into<Tensor<A>>) -> Var<'_, A> {
        self.leaf(value.into(), Source::Variable)
    }

    /// Puts a value on the tape that no gradient is wanted of: data, labels, a mask.
    #[track_caller]
    pub fn constant(&self, value: impl Into<Tensor<A>>) -> Var<'_, A> {
        self.leaf(value.into(), Source::Constant)
    }

    #[track_caller]
    fn leaf(&self, value: Tensor<A>, source: Source<A>) -> Var<'_, A> {
        let tracked = matches!(source, Source::Variable);
        let (location, scope) = (self.lines.here(), self.scopes.borrow().open());
        let node = || Node { value, source, location, scope, tracked };
        Var::new(self, self.graph.borrow_mut().add(std::iter::empty(), node))
    }

    /// Forgets everything recorded and keeps the memory for the next recording.
    pub fn reset(&mut self) {
        self.graph.get_mut().clear();
        self.names.get_mut().clear();
        self.default_names.get_mut().clear();
        self.places.get_mut().clear();
        self.slopes.get_mut().clear();
        self.scopes.get_mut().clear();
        self.values_were_read.set(false);
        self.has_functions.set(false);
    }

    /// Whether the program looked at a number of this recording, by [`Var::value`], [`Var::item`],
    /// [`Var::backward`], [`Var::tangent`] or a function of its own that is one node. What it recorded
    /// after that may depend on the numbers, and a [`Program`](crate::Program) of it would not.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(-2.0);
    /// assert!(!tape.values_were_read());
    /// let y = if x.item() > 0.0 { x } else { 0.1 * x };
    /// assert!(tape.values_were_read());
    /// # let _ = y;
    /// ```
    pub fn values_were_read(&self) -> bool {
        self.values_were_read.get() || self.has_functions.get()
    }

    pub(crate) fn note_reading(&self) {
        self.values_were_read.set(true);
    }

    /// Whether a value was looked at since this was asked last.
    fn forget_reading(&self) -> bool {
        self.values_were_read.replace(false)
    }

    /// What `record` gives, and whether it read a value.
    pub(crate) fn with_reading<T>(&self, record: impl FnOnce() -> T) -> (T, bool) {
        let read_before = self.forget_reading();
        let given = record();
        let read = self.forget_reading();
        if read_before || read {
            self.note_reading();
        }
        (given, read)
    }

    /// Runs `record` so that everything it records belongs to a named scope, such as a layer of a
    /// network. Scopes nest; a picture of the graph can show one as a single box.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]);
    /// let y = tape.scope("model", || tape.scope("0 Tanh", || x.tanh()).sum());
    /// let [tanh, sum] = [y.operands()[0], y];
    /// assert_eq!(tanh.scope_path(), ["model", "0 Tanh"]);
    /// assert_eq!(sum.scope_path(), ["model"]);
    /// assert_eq!(tape.scopes()[1].parent, Some(0));
    /// ```
    pub fn scope<T>(&self, name: impl Into<Arc<str>>, record: impl FnOnce() -> T) -> T {
        let entered = self.scopes.borrow_mut().enter(name.into());
        self.in_scope(entered, record)
    }

    /// All scopes that were entered, in the order of entering.
    pub fn scopes(&self) -> Vec<Scope> {
        self.scopes.borrow().list.clone()
    }

    pub(crate) fn scope_path(&self, scope: ScopeId) -> Vec<String> {
        self.scopes.borrow().path(scope)
    }

    /// Runs `record` in a scope, and leaves it also if `record` panics.
    pub(crate) fn in_scope<T>(&self, scope: ScopeId, record: impl FnOnce() -> T) -> T {
        struct Leave<'a>(&'a RefCell<Scopes>, ScopeId);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.borrow_mut().open = self.1;
            }
        }
        let outer = std::mem::replace(&mut self.scopes.borrow_mut().open, scope);
        let _leave = Leave(&self.scopes, outer);
        record()
    }

    /// The number of values recorded.
    pub fn len(&self) -> usize {
        self.graph.borrow().nodes().len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values recorded, in the order of recording, which is a topological order.
    pub fn vars(&self) -> impl Iterator<Item = Var<'_, A>> {
        (0..self.len()).map(|index| Var::new(self, NodeIndex::new(index)))
    }

    /// The structure of what is recorded, for petgraph's algorithms: each node's op (`None` for a
    /// variable or constant), each edge's operand position. Node indices are in the order of
    /// [`vars`](Tape::vars).
    pub fn to_petgraph(&self) -> DiGraph<Option<&'static str>, u32> {
        let graph = self.graph();
        graph.edges().map(|node, ()| graph[node].source.op().map(Op::name), |_, &position| position)
    }

    pub(crate) fn graph(&self) -> Ref<'_, Graph<A>> {
        self.graph.borrow()
    }

    /// The name of the value at a position, if it has one.
    pub(crate) fn name(&self, position: usize) -> Option<String> {
        self.names.borrow().get(&position).cloned().or_else(|| {
            let names = self.default_names.borrow();
            let found = names.binary_search_by_key(&position, |name| name.0).ok()?;
            Some(names[found].1.to_string())
        })
    }

    pub(crate) fn set_name(&self, index: NodeIndex, name: String) {
        self.names.borrow_mut().insert(index.index(), name);
    }

    pub(crate) fn set_default_name(&self, index: NodeIndex, name: Arc<str>) {
        let (mut names, position) = (self.default_names.borrow_mut(), index.index());
        match names.binary_search_by_key(&position, |name| name.0) {
            Ok(found) => names[found].1 = name,
            Err(place) => names.insert(place, (position, name)), // Nearly always at the end.
        }
    }

    pub(crate) fn places(&self) -> Ref<'_, HashMap<usize, Place>> {
        self.places.borrow()
    }

    pub(crate) fn set_place(&self, index: NodeIndex, place: Place) {
        self.places.borrow_mut().insert(index.index(), place);
    }

    /// Applies a rule to recorded values and records the result.
    #[track_caller]
    #[inline]
    pub(crate) fn record<'t, R: Rule>(
        &'t self,
        rule: R,
        operands: &[&Var<'t, A>],
    ) -> Result<Var<'t, A>, TapeError> {
        let location = self.lines.here();
        if let Some(foreign) = self.foreign(operands) {
            return Err(other_tape(rule.name(), operands, foreign, location));
        }
        let mut graph = self.graph.borrow_mut();
        if let Some(number) = value_at_numbers(&graph, &rule, operands)
            && !self.stop_at_non_finite
        {
            return Ok(self.push(&mut graph, operands, location, || {
                (Tensor::scalar(number), smallbox!(rule))
            }));
        }
        self.record_tensors(graph, smallbox!(rule), operands, location)
    }

    /// [`record`](Tape::record) of a rule on tensors, which need not know its type.
    fn record_tensors<'t>(
        &'t self,
        mut graph: RefMut<'_, Graph<A>>,
        rule: BoxedOp<A>,
        operands: &[&Var<'t, A>],
        location: &'static Location<'static>,
    ) -> Result<Var<'t, A>, TapeError> {
        let mut value = Tensor::default();
        let result = {
            let values: SmallVec<[&Tensor<A>; 3]> =
                operands.iter().map(|x| &graph[x.index()].value).collect();
            rule.forward(&values, &mut value)
        };
        if let Err(error) = result {
            drop(graph);
            let operands = operands.iter().map(|x| Origin::of(**x)).collect();
            return Err(RecordError { error, operands, location }.into());
        }
        if self.stop_at_non_finite && !value.is_finite() {
            drop(graph);
            let op = (rule.name(), rule.remarks());
            return Err(non_finite_value(op, &value, operands, location));
        }
        Ok(self.push(&mut graph, operands, location, || (value, rule)))
    }

    /// The position of an operand that is on another tape.
    #[inline]
    fn foreign(&self, operands: &[&Var<'_, A>]) -> Option<usize> {
        operands.iter().position(|x| !std::ptr::eq(x.tape(), self))
    }

    /// Whether one of the operands has a gradient.
    #[inline]
    fn tracks(graph: &Graph<A>, operands: &[&Var<'_, A>]) -> bool {
        operands.iter().any(|x| graph[x.index()].tracked)
    }

    /// Records a value that is known already.
    pub(crate) fn push_value<'t>(
        &'t self,
        value: &Tensor<A>,
        op: BoxedOp<A>,
        operands: &[&Var<'t, A>],
        location: &'static Location<'static>,
    ) -> Var<'t, A> {
        self.push(&mut self.graph.borrow_mut(), operands, location, || (value.clone(), op))
    }

    /// Adds the node of an op's result to the graph.
    #[inline(always)] // To make the node where it stays: see `Graph::add`.
    fn push<'t>(
        &'t self,
        graph: &mut Graph<A>,
        operands: &[&Var<'t, A>],
        location: &'static Location<'static>,
        result: impl FnOnce() -> (Tensor<A>, BoxedOp<A>),
    ) -> Var<'t, A> {
        let tracked = Self::tracks(graph, operands);
        let scope = self.scopes.borrow().open();
        let node = || {
            let (value, op) = result();
            Node { value, source: Source::Op(op), location, scope, tracked }
        };
        Var::new(self, graph.add(operands.iter().map(|x| x.index()), node))
    }

    /// Records an op that is no rule: a function as one node.
    #[track_caller]
    pub(crate) fn record_op<'t>(
        &'t self,
        op: impl Op<A> + 'static,
        operands: &[Var<'t, A>],
    ) -> Result<Var<'t, A>, TapeError> {
        let location = self.lines.here();
        self.has_functions.set(true);
        self.record_boxed(smallbox!(op), operands, location)
    }

    /// Records an op whose type is not known.
    pub(crate) fn record_boxed<'t>(
        &'t self,
        op: BoxedOp<A>,
        operands: &[Var<'t, A>],
        location: &'static Location<'static>,
    ) -> Result<Var<'t, A>, TapeError> {
        let operands: Vec<&Var<'t, A>> = operands.iter().collect();
        if let Some(foreign) = self.foreign(&operands) {
            return Err(other_tape(op.name(), &operands, foreign, location));
        }
        let graph = self.graph();
        let values: Vec<Tensor<A>> =
            operands.iter().map(|x| graph[x.index()].value.clone()).collect();
        drop(graph); // The op may be a function that records.
        let mut value = Tensor::default();
        op.forward(&values.iter().collect::<Vec<_>>(), &mut value).map_err(|error| {
            RecordError {
                error,
                operands: operands.iter().map(|x| Origin::of(**x)).collect(),
                location,
            }
        })?;
        Ok(self.push(&mut self.graph.borrow_mut(), &operands, location, || (value, op)))
    }

    /// Makes gradients flow through a value whatever it was computed from.
    pub(crate) fn track(&self, x: Var<'_, A>) {
        self.graph.borrow_mut().track(x.index());
    }

    /// Records a copy of a value that gradients do not pass.
    #[track_caller]
    pub(crate) fn record_detached(&self, operand: Var<'_, A>) -> Var<'_, A> {
        let location = self.lines.here();
        let mut graph = self.graph.borrow_mut();
        let value = graph[operand.index()].value.clone();
        let scope = self.scopes.borrow().open();
        let source = Source::Detached;
        let node = || Node { value, source, location, scope, tracked: false };
        Var::new(self, graph.add(std::iter::once(operand.index()), node))
    }
}

/// The value of a rule on scalars, computed without a look at shapes.
#[inline]
fn value_at_numbers<A: Float, R: Rule>(
    graph: &Graph<A>,
    rule: &R,
    operands: &[&Var<'_, A>],
) -> Option<A> {
    let mut numbers = [A::default(); 3];
    let numbers = numbers.get_mut(..operands.len())?;
    for (number, operand) in numbers.iter_mut().zip(operands) {
        *number = graph[operand.index()].value.as_scalar()?;
    }
    rule.shortcuts()?.at_numbers()?.value(numbers)
}

#[cold]
fn other_tape<A: Float>(
    op: &'static str,
    operands: &[&Var<'_, A>],
    foreign: usize,
    location: &'static Location<'static>,
) -> TapeError {
    TapeError::OtherTape {
        op,
        operand: foreign + 1,
        first: Origin::of(*operands[0]),
        foreign: Origin::of(*operands[foreign]),
        location,
    }
}
