//! Formulas of a step: the rule, read with labels or with numbers for symbols.

use ops::methods::LinearMethods;
use ops::{Binding, Call, Family, Float, Formula, Reading, Tensor};

use crate::graph::var::Var;

/// The precision of the numbers in formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// Significant digits. From 17 on, as few as give the same number when they are read.
    pub digits: usize,
    /// A tensor of more elements than this keeps its label.
    pub elements: usize,
}

impl Default for Rounding {
    /// Four digits, and tensors of up to six elements.
    fn default() -> Self {
        Self { digits: 4, elements: 6 }
    }
}

impl Rounding {
    /// All digits: what is written can be read as the same number.
    ///
    /// ```
    /// use tape::trace::Rounding;
    ///
    /// assert_eq!(Rounding::EXACT.number(0.1_f32), "0.1");
    /// assert_eq!(Rounding::EXACT.number(0.1 + 0.2), "0.30000000000000004");
    /// ```
    pub const EXACT: Self = Self { digits: usize::MAX, elements: 6 };

    /// A number as text.
    pub fn number<A: Float>(self, value: A) -> String {
        if self.digits >= EXACT_DIGITS { exact(value) } else { short(value.to_f64(), self.digits) }
    }
}

/// The number of digits that tell any two `f64` apart.
const EXACT_DIGITS: usize = 17;

/// The fewest digits that give the same number.
fn exact<A: Float>(value: A) -> String {
    match value.to_f64().abs() {
        most if most.is_finite() && most != 0.0 && !(1e-4..1e16).contains(&most) => {
            format!("{value:e}")
        }
        _ => value.to_string(),
    }
}

/// A formula in the labels of what goes into it, and with their numbers in place of the labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// `z̄ · x`.
    pub names: String,
    /// `-0.138 · 0.5`. Tensors of many elements keep their labels.
    pub numbers: String,
}

impl Written {
    fn new(write: impl Fn(&Symbols) -> Option<String>, sets: [&Symbols; 2]) -> Option<Self> {
        let [names, numbers] = sets.map(write);
        Some(Self { names: names?, numbers: numbers? })
    }
}

/// The formulas that a rule is read with.
struct Symbols {
    operands: Vec<Formula>,
    output: Formula,
    cotangent: Formula,
}

impl Symbols {
    fn names<A: Float>(node: Var<'_, A>) -> Self {
        Self {
            operands: node.operands().into_iter().map(Var::symbol).collect(),
            output: node.symbol(),
            cotangent: Formula::symbol(node.adjoint_label(), &node.shape()),
        }
    }

    /// The formulas with numbers where they are few; the cotangent stays a symbol if it is not given.
    fn numbers<A: Float>(
        node: Var<'_, A>,
        cotangent: Option<&Tensor<A>>,
        rounding: Rounding,
    ) -> Self {
        let number = |x: Var<'_, A>, name: Formula| quantity(&x.value(), name, rounding);
        let names = Self::names(node);
        let operands = node.operands().into_iter().zip(names.operands);
        Self {
            operands: operands.map(|(x, name)| number(x, name)).collect(),
            output: number(node, names.output),
            cotangent: match cotangent {
                Some(value) => quantity(value, names.cotangent, rounding),
                None => names.cotangent,
            },
        }
    }

    /// Reads a rule with these symbols for its operands and its output.
    fn call<T>(&self, operand: usize, read: impl FnOnce(&Call<'_, Formula>) -> T) -> T {
        let operands: Vec<&Formula> = self.operands.iter().collect();
        let wanted: Vec<bool> = (0..operands.len()).map(|i| i == operand).collect();
        read(&Call { operands: &operands, output: &self.output, wanted: &wanted })
    }
}

/// The formula of a value.
pub(super) fn value<A: Float>(node: Var<'_, A>, rounding: Rounding) -> Option<Written> {
    let sets = [&Symbols::names(node), &Symbols::numbers(node, None, rounding)];
    let graph = node.tape().graph();
    let op = graph[node.index()].source.op()?;
    let write = |symbols: &Symbols| {
        Some(op.write(&symbols.operands.iter().collect::<Vec<_>>()).to_string())
    };
    Written::new(write, sets)
}

/// The contribution to an operand, in its own shape.
fn received<A: Float>(node: Var<'_, A>, symbols: &Symbols, operand: usize) -> Option<String> {
    let graph = node.tape().graph();
    let op = graph[node.index()].source.op()?;
    let mut formulas = symbols.call(operand, |call| op.vjp_formulas(call, &symbols.cotangent));
    let formula = formulas.get_mut(operand)?.take()?;
    Some(formula.sum_to(&symbols.operands[operand].shape()).to_string())
}

/// The contribution to an operand in a step.
pub(super) fn contribution<A: Float>(
    node: Var<'_, A>,
    adjoint: &Tensor<A>,
    operand: usize,
    rounding: Rounding,
) -> Option<Written> {
    let sets = [&Symbols::names(node), &Symbols::numbers(node, Some(adjoint), rounding)];
    Written::new(|symbols| received(node, symbols, operand), sets)
}

/// The local derivative: the slope of an elementwise op, the map of the adjoint of any other.
pub(super) fn local<A: Float>(
    node: Var<'_, A>,
    operand: usize,
    rounding: Rounding,
) -> Option<Written> {
    let sets = [&Symbols::names(node), &Symbols::numbers(node, None, rounding)];
    let graph = node.tape().graph();
    let op = graph[node.index()].source.op()?;
    let write = |symbols: &Symbols| {
        if op.family() != Family::Elementwise {
            return Some(format!("{} ↦ {}", symbols.cotangent, received(node, symbols, operand)?));
        }
        let slopes = symbols.call(operand, |call| op.vjp_formulas(call, &Formula::unwritten()));
        let slope = slopes.into_iter().nth(operand)?;
        Some(slope.unwrap_or(Formula::number(0.0)).to_string())
    };
    Written::new(write, sets)
}

/// A value as its numbers, if it has few.
fn quantity<A: Float>(value: &Tensor<A>, name: Formula, rounding: Rounding) -> Formula {
    if value.ndim() == 0 {
        return scalar(value.item(), rounding);
    }
    if value.len() > rounding.elements || value.is_empty() {
        return name;
    }
    let text = value.view().map(|&x| rounding.number(x));
    let text = text.to_string().replace('\n', " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    Formula::symbol(words.join(" "), value.shape())
}

pub(super) fn scalar<A: Float>(value: A, rounding: Rounding) -> Formula {
    let text = rounding.number(value);
    let binding = match &text {
        text if text.starts_with('-') => Binding::Sign,
        text if text.contains('e') => Binding::Power, // 1e-9² would read as 1e-81.
        _ => Binding::Atom,
    };
    Formula::new(text, binding, &[])
}

/// A number to the given significant digits, without zeros at the end: `-0.138`, `2`, `1.5e-9`. Zero
/// has no sign, unless all digits are asked for.
///
/// ```
/// # use tape::trace::short;
/// assert_eq!(short(0.5, 4), "0.5");
/// assert_eq!(short(2.0 / 3.0, 4), "0.6667");
/// assert_eq!(short(12345.678, 4), "12346");
/// assert_eq!(short(-1.5e-9, 4), "-1.5e-9");
/// assert_eq!((short(-0.0, 4), short(-0.0, 17)), ("0".to_owned(), "-0".to_owned()));
/// ```
pub fn short(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    if digits >= EXACT_DIGITS {
        return exact(value);
    }
    let significant = format!("{value:.*e}", digits.saturating_sub(1));
    let rounded: f64 = significant.parse().expect("a number that was just written");
    match value.abs() {
        0.0 => "0".to_owned(),
        most if !(1e-4..1e6).contains(&most) => format!("{rounded:e}"),
        most if most >= 10_f64.powi(digits as i32) => value.round().to_string(),
        _ => rounded.to_string(),
    }
}
