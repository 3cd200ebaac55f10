//! The ops that an expression can call, from the registry of rules.

use ops::declare::{Example, Refusal};
use ops::registry::{Visitor, visit};
use ops::rules::{Extreme, LogSoftmax, Matmul, Mean, Norm, Softmax, SoftmaxCrossEntropy, Sum};
use ops::{Axes, Elementwise, Lift, Rule};

use crate::error::TapeError;
use crate::var::Var;

/// The object-safe face of a rule, as far as an expression needs it.
trait Record: std::fmt::Debug {
    fn record<'t>(&self, x: &[&Var<'t, f64>]) -> Result<Var<'t, f64>, TapeError>;
}

impl<R: Rule> Record for R {
    fn record<'t>(&self, x: &[&Var<'t, f64>]) -> Result<Var<'t, f64>, TapeError> {
        Var::try_apply(self.clone(), x)
    }
}

/// An op that an expression can call.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    operands: usize,
    rule: Box<dyn Record>,
}

impl Function {
    fn new<R: Rule>(name: &'static str, operands: usize, rule: R) -> Self {
        Self { name, operands, rule: Box::new(rule) }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The number of its operands.
    pub fn operands(&self) -> usize {
        self.operands
    }

    pub(super) fn record<'t>(&self, x: &[&Var<'t, f64>]) -> Result<Var<'t, f64>, TapeError> {
        self.rule.record(x)
    }
}

/// Other names by which many know an op: the name, the number of operands, the op's own name.
const ALIASES: [(&str, usize, &str); 4] =
    [("log", 1, "ln"), ("σ", 1, "sigmoid"), ("max", 2, "maximum"), ("min", 2, "minimum")];

/// The ops that an expression can call: every elementwise rule without settings, and some that
/// reduce a tensor or go along its last axis.
///
/// ```
/// let functions = tape::expression::functions();
/// let operands = |name| functions.iter().find(|f| f.name() == name).map(|f| f.operands());
/// assert_eq!((operands("tanh"), operands("hypot"), operands("sum")), (Some(1), Some(2), Some(1)));
/// ```
pub fn functions() -> Vec<Function> {
    let mut elementwise = ElementwiseRules(Vec::new());
    visit(&mut elementwise);
    let (axes, keepdims) = (Axes::ALL, false);
    let extreme = |largest| Extreme { largest, axes: Axes::ALL, keepdims };
    let mut functions = elementwise.0;
    functions.extend([
        Function::new("sum", 1, Sum { axes: axes.clone(), keepdims }),
        Function::new("mean", 1, Mean { axes: axes.clone(), keepdims }),
        Function::new("max", 1, extreme(true)),
        Function::new("min", 1, extreme(false)),
        Function::new("norm", 1, Norm { axes, keepdims }),
        Function::new("softmax", 1, Softmax { axis: -1 }),
        Function::new("log_softmax", 1, LogSoftmax { axis: -1 }),
        Function::new("softmax_cross_entropy", 2, SoftmaxCrossEntropy),
        Function::new("matmul", 2, Matmul),
        Function::new("dot", 2, Matmul),
    ]);
    functions
}

/// The function that is called so, with that many operands.
pub(super) fn find<'f>(
    functions: &'f [Function],
    name: &str,
    operands: usize,
) -> Option<&'f Function> {
    let alias = ALIASES.iter().find(|alias| (alias.0, alias.1) == (name, operands));
    let own = alias.map_or(name, |alias| alias.2);
    functions.iter().find(|f| f.name == own && f.operands == operands)
}

/// All names, those of [`ALIASES`] too.
pub(super) fn names(functions: &[Function]) -> impl Iterator<Item = (&str, usize)> {
    let own = functions.iter().map(|f| (f.name, f.operands));
    own.chain(ALIASES.iter().map(|&(name, operands, _)| (name, operands)))
}

/// Collects the elementwise rules that need no setting.
struct ElementwiseRules(Vec<Function>);

impl Visitor for ElementwiseRules {
    fn rule<R: Rule>(&mut self, _: &[Example<R>], _: &[Refusal<R>]) {}

    fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
        // One with a number in the place of an operand has that number as a setting.
        if rule.attributes().is_empty() {
            self.0.push(Function::new(E::NAME, N, Lift::<E, N>(rule)));
        }
    }
}
