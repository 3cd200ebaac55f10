//! The terms of an element of a value.

use ops::shape::{reduced, resolve_axis};
use ops::{Axes, Family, Float, Formula, Shape, Tensor};

use super::element::{Symbol, broadcast_index, index_of, indices, name, product};
use super::probe::{partners, row};
use super::{Factor, Terms};
use crate::graph::node::Source;
use crate::graph::op::Op;
use crate::graph::var::Var;
use crate::show::trace::Rounding;

/// The number of elements that a call lists.
const MOST_LISTED: usize = 8;

/// The terms of an element of an op's result; none of what is given.
pub(super) fn terms<A: Float>(x: Var<'_, A>, index: &[usize], rounding: Rounding) -> Terms<A> {
    let graph = x.tape().graph();
    let operands = x.operands();
    let op = match &graph[x.index()].source {
        Source::Op(op) => &**op,
        Source::Detached => return copied(operands[0], index, rounding),
        Source::Variable | Source::Constant => return Terms::default(),
    };
    let element = Element { x, operands, op, index, rounding };
    match op.family() {
        Family::Elementwise => element.written(),
        Family::Linear | Family::View | Family::Part(_) | Family::LinearIn(_) => element.linear(),
        Family::Bilinear => element.bilinear().unwrap_or_else(|| element.call(None)),
        Family::Reduction(axes, keepdims) => element.call(Some((&axes, keepdims))),
        _ => element.call(None),
    }
}

/// An element as it is in the operand.
fn copied<A: Float>(operand: Var<'_, A>, index: &[usize], rounding: Rounding) -> Terms<A> {
    let symbol = Symbol::value(operand, index, rounding);
    let (names, numbers) = (symbol.name.to_string(), symbol.number.to_string());
    let mut terms = Terms::default();
    let value = super::element::at(&operand.value(), index);
    terms.push(value, || (names, numbers, vec![symbol.factor]));
    terms
}

/// An element of an op's result.
struct Element<'a, 't, A: Float> {
    x: Var<'t, A>,
    operands: Vec<Var<'t, A>>,
    op: &'a dyn Op<A>,
    index: &'a [usize],
    rounding: Rounding,
}

impl<A: Float> Element<'_, '_, A> {
    fn value(&self) -> A {
        super::element::at(&self.x.value(), self.index)
    }

    fn values(&self) -> Vec<Tensor<A>> {
        self.operands.iter().map(|x| x.value()).collect()
    }

    /// The rule's formula, read with the elements.
    fn written(&self) -> Terms<A> {
        let symbols: Vec<Symbol> = self
            .operands
            .iter()
            .map(|&x| Symbol::value(x, &broadcast_index(&x.shape(), self.index), self.rounding))
            .collect();
        let write = |part: fn(&Symbol) -> &Formula| {
            self.op.write(&symbols.iter().map(part).collect::<Vec<_>>()).compact().to_string()
        };
        let (names, numbers) = (write(|s| &s.name), write(|s| &s.number));
        let factors = symbols.into_iter().map(|symbol| symbol.factor).collect();
        self.single(names, numbers, factors)
    }

    fn single(&self, names: String, numbers: String, factors: Vec<Factor>) -> Terms<A> {
        let mut terms = Terms::default();
        terms.push(self.value(), || (names, numbers, factors));
        terms
    }

    /// What multiplies each element of the operands, and that element.
    fn linear(&self) -> Terms<A> {
        let mut terms = Terms::default();
        let coefficients = row(self.op, &self.values(), self.index);
        for (&operand, coefficients) in self.operands.iter().zip(coefficients) {
            let Some(coefficients) = coefficients else { continue };
            let (shape, value) = (operand.shape(), operand.value());
            for (number, (&c, &x)) in coefficients.view().iter().zip(value.view()).enumerate() {
                if c.to_f64() == 0.0 {
                    continue;
                }
                terms.push(c * x, || {
                    let index = index_of(&shape, number);
                    let symbol = Symbol::value(operand, &index, self.rounding);
                    let (names, numbers) = product(c, std::slice::from_ref(&symbol), self.rounding);
                    (names, numbers, vec![symbol.factor])
                });
            }
        }
        terms
    }

    /// The products of an element of each operand.
    fn bilinear(&self) -> Option<Terms<A>> {
        let values = self.values();
        let read = |operands: &[Tensor<A>]| {
            let row = row(self.op, operands, self.index).swap_remove(0);
            row.unwrap_or_else(|| Tensor::zeros(operands[0].shape()))
        };
        let all = partners(&values, 1, read)?;
        let shapes = [0, 1].map(|i| values[i].shape().to_vec());
        let elements = [0, 1].map(|i| values[i].to_vec());
        let mut terms = Terms::default();
        for (number, partners) in all.into_iter().enumerate() {
            for partner in partners {
                let value = partner.coefficient * elements[0][number] * elements[1][partner.number];
                terms.push(value, || {
                    let symbols = [(0, number), (1, partner.number)].map(|(operand, number)| {
                        let index = index_of(&shapes[operand], number);
                        Symbol::value(self.operands[operand], &index, self.rounding)
                    });
                    let (names, numbers) = product(partner.coefficient, &symbols, self.rounding);
                    (names, numbers, symbols.map(|symbol| symbol.factor).to_vec())
                });
            }
        }
        Some(terms)
    }

    /// The op as it is written, with the elements that this one is computed from.
    fn call(&self, reduction: Option<(&Axes, bool)>) -> Terms<A> {
        let listed = reduction.and_then(|(axes, keepdims)| {
            let shape = self.operands[0].shape();
            read_by(&shape, axes, keepdims, self.index)
        });
        let Some(listed) = listed else {
            let formula = |write: &dyn Fn(Var<'_, A>) -> Formula| {
                let operands: Vec<Formula> = self.operands.iter().map(|&x| write(x)).collect();
                self.op.write(&operands.iter().collect::<Vec<_>>()).to_string()
            };
            let names = name(&formula(&|x| x.symbol()), self.index);
            return self.single(names.clone(), names, Vec::new());
        };
        let symbols: Vec<Symbol> = listed
            .iter()
            .take(MOST_LISTED)
            .map(|index| Symbol::value(self.operands[0], index, self.rounding))
            .collect();
        let write = |part: fn(&Symbol) -> &Formula| {
            let mut words: Vec<String> = symbols.iter().map(|s| part(s).to_string()).collect();
            if listed.len() > symbols.len() {
                words.push("…".to_owned());
            }
            let all = Formula::symbol(words.join(", "), &[]);
            let rest = self.operands[1..].iter().map(|x| x.symbol());
            let operands: Vec<Formula> = std::iter::once(all).chain(rest).collect();
            self.op.write(&operands.iter().collect::<Vec<_>>()).to_string()
        };
        let (names, numbers) = (write(|s| &s.name), write(|s| &s.number));
        self.single(names, numbers, symbols.into_iter().map(|symbol| symbol.factor).collect())
    }
}

/// The elements of an operand that an element of its reduction reads.
fn read_by(shape: &[usize], axes: &Axes, keepdims: bool, index: &[usize]) -> Option<Vec<Shape>> {
    let axes: Vec<usize> = match axes.named() {
        None => (0..shape.len()).collect(),
        Some(named) => {
            named.iter().map(|&axis| resolve_axis(axis, shape.len()).ok()).collect::<Option<_>>()?
        }
    };
    (reduced(shape, &axes, keepdims).len() == index.len()).then_some(())?;
    let mut free: Shape = shape.into();
    let mut kept = index.iter();
    let mut fixed: Vec<Option<usize>> = Vec::new();
    for axis in 0..shape.len() {
        let is_reduced = axes.contains(&axis);
        let own = if is_reduced && !keepdims { None } else { kept.next().copied() };
        fixed.push(own.filter(|_| !is_reduced));
        if !is_reduced {
            free[axis] = 1;
        }
    }
    let place = |mut index: Shape| {
        for (own, fixed) in index.iter_mut().zip(&fixed) {
            *own = fixed.unwrap_or(*own);
        }
        index
    };
    Some(indices(&free).map(place).collect())
}
