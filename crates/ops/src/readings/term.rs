//! Rules as plain data, for other formats and other programs: what a rule is, its settings, and
//! what it is composed of.

use std::any::TypeId;
use std::fmt::Debug;
use std::rc::Rc;

use smallvec::SmallVec;

use crate::ground::{Attributes, Shape};
use crate::number::{Elementwise, Remarks};
use crate::readings::times_slope;
use crate::rule::{Reading, Rule, checked_shape, or_panic};
use crate::rules::methods::BinaryMethods;

/// A rule of any type, as data. Every [`Rule`] is one.
///
/// ```
/// use ops::describe::{Attribute, AnyRule, Term};
/// use ops::rules::{LeakyRelu, Lift, Maximum, Relu};
///
/// let leaky: &dyn AnyRule = &Lift::unary(LeakyRelu { alpha: 0.01 });
/// assert_eq!(leaky.name(), "leaky_relu");
/// assert_eq!(leaky.settings(), [("alpha", Attribute::Number(0.01))]);
///
/// // A rule composed of others can be written out in them.
/// let relu: &dyn AnyRule = &Lift::unary(Relu);
/// let term = relu.compose(&[&Term::operand(0, &[3])]).unwrap();
/// let (rule, operands) = term.op().unwrap();
/// assert_eq!((rule.name(), operands.len()), ("maximum", 1));
/// assert_eq!(rule.settings(), [("right", Attribute::Number(0.0))]);
/// ```
pub trait AnyRule: Debug {
    /// The name in formulas and messages.
    fn name(&self) -> &'static str;

    /// What tells its type from every other, of whatever name.
    fn rule(&self) -> TypeId;

    /// Its settings.
    fn settings(&self) -> Attributes;

    /// What else is known of it.
    fn remarks(&self) -> Remarks;

    /// [`Rule::compose`], as data.
    fn compose(&self, operands: &[&Term]) -> Option<Term>;
}

impl<R: Rule> AnyRule for R {
    fn name(&self) -> &'static str {
        Rule::name(self)
    }
    fn rule(&self) -> TypeId {
        TypeId::of::<R>()
    }
    fn settings(&self) -> Attributes {
        Rule::settings(self)
    }
    fn remarks(&self) -> Remarks {
        Rule::remarks(self)
    }
    #[inline(never)]
    fn compose(&self, operands: &[&Term]) -> Option<Term> {
        Rule::compose(self, operands)
    }
}

/// A value as the expression that computes it. Operations on it give larger expressions; parts
/// that are used twice are shared.
#[derive(Clone, Debug)]
pub struct Term(Rc<Node>);

#[derive(Debug)]
struct Node {
    shape: Shape,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Operand(usize),
    Number(f64),
    Op(Box<dyn AnyRule>, Vec<Term>),
}

impl Term {
    fn new(shape: Shape, content: Content) -> Self {
        Self(Rc::new(Node { shape, content }))
    }

    fn of_op(shape: Shape, rule: Box<dyn AnyRule>, operands: &[&Self]) -> Self {
        Self::new(shape, Content::Op(rule, operands.iter().map(|&x| x.clone()).collect()))
    }

    /// An operand of the rule that is written out, by its position, with its shape.
    pub fn operand(position: usize, shape: &[usize]) -> Self {
        Self::new(Shape::from_slice(shape), Content::Operand(position))
    }

    /// The position, if it is an operand.
    pub fn as_operand(&self) -> Option<usize> {
        match self.0.content {
            Content::Operand(position) => Some(position),
            _ => None,
        }
    }

    /// The number, if it is a constant.
    pub fn as_number(&self) -> Option<f64> {
        match self.0.content {
            Content::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The rule and the operands, if it is the result of a rule.
    pub fn op(&self) -> Option<(&dyn AnyRule, &[Self])> {
        match &self.0.content {
            Content::Op(rule, operands) => Some((&**rule, operands)),
            _ => None,
        }
    }

    /// What tells it from every other term that lives.
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }
}

fn shapes<'a>(operands: &[&'a Term]) -> SmallVec<[&'a [usize]; 3]> {
    operands.iter().map(|x| &x.0.shape[..]).collect()
}

impl Reading for Term {
    fn shape(&self) -> Shape {
        self.0.shape.clone()
    }

    fn apply<R: Rule>(rule: R, operands: &[&Self]) -> Self {
        let shape = or_panic(checked_shape(&rule, &shapes(operands)));
        Self::of_op(shape, Box::new(rule), operands)
    }

    fn scalar(&self, value: f64) -> Self {
        Self::new(Shape::new(), Content::Number(value))
    }

    fn stop_gradient(&self) -> Self {
        self.clone()
    }

    fn accumulate(&mut self, other: Self) {
        *self = self.add(&other);
    }

    fn times_slope<E: Elementwise<N>, const N: usize>(
        rule: E,
        operand: usize,
        operands: [&Self; N],
        output: &Self,
        v: &Self,
    ) -> Option<Self> {
        times_slope(rule, operand, operands, output, v)
    }
}
