//! The ops that an expression can call, from the registry of rules.

use std::sync::LazyLock;

use ops::declare::{Example, Refusal};
use ops::registry::{Visitor, visit};
use ops::rules::{Extreme, LogSoftmax, Matmul, Mean, Norm, Softmax, SoftmaxCrossEntropy, Sum};
use ops::{Axes, Elementwise, Lift, Rule};

use crate::graph::error::TapeError;
use crate::graph::var::Var;

/// The object-safe face of a rule, as far as an expression needs it. `None`: the rule has another
/// number of settings.
trait Record: std::fmt::Debug + Send + Sync {
    fn record<'t>(&self, x: &[&Var<'t, f64>], settings: &[f64]) -> Option<Recorded<'t>>;
}

type Recorded<'t> = Result<Var<'t, f64>, TapeError>;

impl<E: Elementwise<N>, const N: usize> Record for Lift<E, N> {
    fn record<'t>(&self, x: &[&Var<'t, f64>], settings: &[f64]) -> Option<Recorded<'t>> {
        Some(Var::try_apply(Lift(self.0.with_settings(settings)?), x))
    }
}

/// A rule with the settings that it has.
#[derive(Debug)]
struct Whole<R>(R);

impl<R: Rule> Record for Whole<R> {
    fn record<'t>(&self, x: &[&Var<'t, f64>], settings: &[f64]) -> Option<Recorded<'t>> {
        settings.is_empty().then(|| Var::try_apply(self.0.clone(), x))
    }
}

/// An op that an expression can call.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    operands: usize,
    settings: Vec<&'static str>,
    rule: Box<dyn Record>,
}

impl Function {
    fn whole<R: Rule>(name: &'static str, operands: usize, rule: R) -> Self {
        Self { name, operands, settings: Vec::new(), rule: Box::new(Whole(rule)) }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The number of its operands.
    pub fn operands(&self) -> usize {
        self.operands
    }

    /// The names of its settings: numbers that follow the operands, as in `leaky_relu(x, 0.01)`.
    pub fn settings(&self) -> &[&'static str] {
        &self.settings
    }

    /// The number of arguments of a call: operands and settings.
    pub(super) fn arguments(&self) -> usize {
        self.operands + self.settings.len()
    }

    pub(super) fn record<'t>(&self, x: &[&Var<'t, f64>], settings: &[f64]) -> Recorded<'t> {
        self.rule.record(x, settings).expect("as many settings as the function has")
    }
}

/// Other names by which many know an op: the name, the number of operands, the op's own name.
const ALIASES: [(&str, usize, &str); 4] =
    [("log", 1, "ln"), ("σ", 1, "sigmoid"), ("max", 2, "maximum"), ("min", 2, "minimum")];

/// The ops that an expression can call: every elementwise rule, and some that reduce a tensor or go
/// along its last axis.
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
        Function::whole("sum", 1, Sum { axes: axes.clone(), keepdims }),
        Function::whole("mean", 1, Mean { axes: axes.clone(), keepdims }),
        Function::whole("max", 1, extreme(true)),
        Function::whole("min", 1, extreme(false)),
        Function::whole("norm", 1, Norm { axes, keepdims }),
        Function::whole("softmax", 1, Softmax { axis: -1 }),
        Function::whole("log_softmax", 1, LogSoftmax { axis: -1 }),
        Function::whole("softmax_cross_entropy", 2, SoftmaxCrossEntropy),
        Function::whole("matmul", 2, Matmul),
        Function::whole("dot", 2, Matmul),
    ]);
    functions
}

/// The functions, for all expressions: a visit to every rule takes longer than to record one.
pub(super) fn all() -> &'static [Function] {
    static ALL: LazyLock<Vec<Function>> = LazyLock::new(functions);
    &ALL
}

/// The function that is called so, with that many arguments.
pub(super) fn find<'f>(
    functions: &'f [Function],
    name: &str,
    arguments: usize,
) -> Option<&'f Function> {
    let alias = ALIASES.iter().find(|alias| (alias.0, alias.1) == (name, arguments));
    let own = alias.map_or(name, |alias| alias.2);
    functions.iter().find(|f| f.name == own && f.arguments() == arguments)
}

/// All names, those of [`ALIASES`] too.
pub(super) fn names(functions: &[Function]) -> impl Iterator<Item = (&str, usize)> {
    let own = functions.iter().map(|f| (f.name, f.operands));
    own.chain(ALIASES.iter().map(|&(name, operands, _)| (name, operands)))
}

/// Collects the elementwise rules.
struct ElementwiseRules(Vec<Function>);

impl Visitor for ElementwiseRules {
    fn rule<R: Rule>(&mut self, _: &[Example<R>], _: &[Refusal<R>]) {}

    fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
        let settings: Vec<&str> = rule.settings().into_iter().map(|(name, _)| name).collect();
        // A rule of two operands with a number for one of them is told by its own entry.
        if rule.with_settings(&vec![1.0; settings.len()]).is_some() {
            let rule = Box::new(Lift::<E, N>(rule));
            self.0.push(Function { name: E::NAME, operands: N, settings, rule });
        }
    }
}
