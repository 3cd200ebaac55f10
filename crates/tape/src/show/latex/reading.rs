//! Reads rules with marks for their operands, and puts names or numbers in the place of the marks.

use ops::methods::LinearMethods;
use ops::{Binding, Call, Family, Float, Formula, Tensor};

use super::math::{Math, hole};
use super::name::name;
use crate::graph::var::Var;
use crate::show::trace::Rounding;

/// A formula in names, and with their numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written {
    pub names: Math,
    pub numbers: Math,
}

/// A value as it stands in a formula.
type Symbol = (Math, Binding);

/// What a rule is read with: its operands, its output and the adjoint of that.
struct Symbols {
    operands: Vec<Symbol>,
    output: Symbol,
    adjoint: Symbol,
}

impl Symbols {
    fn names<A: Float>(node: Var<'_, A>) -> Self {
        let symbol = |x: Var<'_, A>| name(&x.label());
        Self {
            operands: node.operands().into_iter().map(symbol).collect(),
            output: symbol(node),
            adjoint: (bar(node), Binding::Atom),
        }
    }

    fn numbers<A: Float>(
        node: Var<'_, A>,
        adjoint: Option<&Tensor<A>>,
        rounding: Rounding,
    ) -> Self {
        let names = Self::names(node);
        let number = |x: &Tensor<A>, name: Symbol| quantity(x, rounding).unwrap_or(name);
        let operands = node.operands().into_iter().zip(names.operands);
        Self {
            operands: operands.map(|(x, name)| number(&x.value(), name)).collect(),
            output: number(&node.value(), names.output),
            adjoint: adjoint.map_or(names.adjoint.clone(), |x| number(x, names.adjoint)),
        }
    }

    /// Reads a rule with marks of these shapes, and puts what they stand for in their places.
    fn read<A: Float>(
        &self,
        node: Var<'_, A>,
        read: impl Fn(&[&Formula], &Formula, &Formula) -> Option<Formula>,
    ) -> Option<Math> {
        let mark = |number: usize, symbol: &Symbol, shape: &[usize]| {
            Formula::new(hole(number), symbol.1, shape)
        };
        let shapes: Vec<_> = node.operands().iter().map(|x| Var::shape(*x)).collect();
        let operands = self.operands.iter().zip(&shapes).enumerate();
        let operands: Vec<Formula> = operands.map(|(i, (s, shape))| mark(i, s, shape)).collect();
        let (count, shape) = (operands.len(), node.shape());
        let output = mark(count, &self.output, &shape);
        let adjoint = mark(count + 1, &self.adjoint, &shape);
        let text = read(&operands.iter().collect::<Vec<_>>(), &output, &adjoint)?.to_string();
        let all = self.operands.iter().chain([&self.output, &self.adjoint]);
        let all: Vec<Math> = all.map(|symbol| symbol.0.clone()).collect();
        Some(Math::read(&text).filled(&all))
    }
}

/// The adjoint of a node: its name with a bar.
pub(super) fn bar<A: Float>(node: Var<'_, A>) -> Math {
    Math::Bar(Box::new(name(&node.label()).0))
}

/// A value in numbers, if it has few.
pub(super) fn numbers<A: Float>(value: &Tensor<A>, rounding: Rounding) -> Option<Math> {
    quantity(value, rounding).map(|(math, _)| math)
}

fn quantity<A: Float>(value: &Tensor<A>, rounding: Rounding) -> Option<Symbol> {
    let elements: Vec<Symbol> = value
        .to_vec()
        .into_iter()
        .take(rounding.elements + 1)
        .map(|x| scalar(x, rounding))
        .collect();
    if elements.len() > rounding.elements && value.ndim() > 0 || elements.is_empty() {
        return None;
    }
    let elements = elements.into_iter();
    match value.shape() {
        [] => elements.into_iter().next(),
        [_] => Some((Math::List(elements.map(|e| e.0).collect()), Binding::Atom)),
        &[_, columns] => {
            let elements: Vec<Math> = elements.map(|e| e.0).collect();
            let rows = elements.chunks(columns).map(<[Math]>::to_vec).collect();
            Some((Math::Matrix(rows), Binding::Atom))
        }
        _ => None,
    }
}

fn scalar<A: Float>(value: A, rounding: Rounding) -> Symbol {
    let text = rounding.number(value);
    match text.strip_prefix('-') {
        Some(digits) => {
            let sign = [Math::Sign("−"), Math::Number(digits.to_owned())];
            (Math::Row(sign.to_vec()), Binding::Sign)
        }
        None if text.contains('e') => (Math::Number(text), Binding::Power),
        None => (Math::Number(text), Binding::Atom),
    }
}

/// The formula of a value.
pub(super) fn value<A: Float>(node: Var<'_, A>, rounding: Rounding) -> Option<Written> {
    let write = |symbols: Symbols| {
        symbols.read(node, |operands, _, _| {
            Some(node.tape().graph()[node.index()].source.op()?.write(operands))
        })
    };
    let names = write(Symbols::names(node))?;
    Some(Written { names, numbers: write(Symbols::numbers(node, None, rounding))? })
}

/// What a rule passes on to an operand for an adjoint, in the shape of the operand.
fn passed<A: Float>(
    node: Var<'_, A>,
    operand: usize,
    (operands, output, adjoint): (&[&Formula], &Formula, &Formula),
) -> Option<Formula> {
    let wanted: Vec<bool> = (0..operands.len()).map(|i| i == operand).collect();
    let graph = node.tape().graph();
    let op = graph[node.index()].source.op()?;
    let call = Call { operands, output, wanted: &wanted };
    op.vjp_formulas(&call, adjoint).get_mut(operand)?.take()
}

/// The contribution to an operand.
pub(super) fn contribution<A: Float>(
    node: Var<'_, A>,
    adjoint: &Tensor<A>,
    operand: usize,
    rounding: Rounding,
) -> Option<Written> {
    let write = |symbols: Symbols| {
        symbols.read(node, |operands, output, adjoint| {
            let formula = passed(node, operand, (operands, output, adjoint))?;
            Some(formula.sum_to(&operands[operand].lengths()[..]))
        })
    };
    let names = write(Symbols::names(node))?;
    Some(Written { names, numbers: write(Symbols::numbers(node, Some(adjoint), rounding))? })
}

/// The local derivative of an elementwise op; `None` for others.
pub(super) fn local<A: Float>(
    node: Var<'_, A>,
    operand: usize,
    rounding: Rounding,
) -> Option<Written> {
    if node.tape().graph()[node.index()].source.op()?.family() != Family::Elementwise {
        return None;
    }
    let write = |symbols: Symbols| {
        symbols.read(node, |operands, output, _| {
            passed(node, operand, (operands, output, &Formula::unwritten()))
        })
    };
    let names = write(Symbols::names(node))?;
    Some(Written { names, numbers: write(Symbols::numbers(node, None, rounding))? })
}
