//! The terms of an element of what an op passes to an operand.

use ops::{Call, Family, Float, Formula, Tensor};

use super::Terms;
use super::element::{Symbol, at, broadcast_index, index_of, product, readers};
use super::probe::{column, partners};
use crate::graph::op::Op;
use crate::graph::var::Var;
use crate::show::trace::Rounding;

/// The terms of an element of the contribution of `node`, whose adjoint is given, to an operand.
pub(super) fn terms<A: Float>(
    node: Var<'_, A>,
    adjoint: &Tensor<A>,
    operand: usize,
    index: &[usize],
    rounding: Rounding,
) -> Terms<A> {
    let graph = node.tape().graph();
    let Some(op) = graph[node.index()].source.op() else { return Terms::default() };
    let operands = node.operands();
    let part = Part { node, adjoint, operands, op, operand, index, rounding };
    match op.family() {
        Family::Elementwise => part.elementwise().unwrap_or_else(|| part.slopes()),
        Family::Linear | Family::View | Family::Part(_) | Family::LinearIn(_) => part.linear(),
        Family::Bilinear => part.bilinear().unwrap_or_else(|| part.slopes()),
        Family::Constant => Terms::default(),
        _ => part.slopes(),
    }
}

/// An element of a contribution.
struct Part<'a, 't, A: Float> {
    node: Var<'t, A>,
    adjoint: &'a Tensor<A>,
    operands: Vec<Var<'t, A>>,
    op: &'a dyn Op<A>,
    operand: usize,
    index: &'a [usize],
    rounding: Rounding,
}

impl<A: Float> Part<'_, '_, A> {
    fn values(&self) -> Vec<Tensor<A>> {
        self.operands.iter().map(|x| x.value()).collect()
    }

    fn column(&self) -> Tensor<A> {
        column(self.op, &self.values(), self.operand, self.index)
    }

    fn adjoint_at(&self, index: &[usize]) -> Symbol {
        Symbol::adjoint(self.node, self.adjoint, index, self.rounding)
    }

    /// The rule's formula, read with the elements that the operand's is broadcast to.
    fn elementwise(&self) -> Option<Terms<A>> {
        let (values, output) = (self.values(), self.node.value());
        let values: Vec<&Tensor<A>> = values.iter().collect();
        let wanted: Vec<bool> = (0..values.len()).map(|i| i == self.operand).collect();
        let call = Call { operands: &values, output: &output, wanted: &wanted };
        let given = self.op.vjp(&call, self.adjoint).get_mut(self.operand)?.take()?;
        if given.shape() != output.shape() {
            return None;
        }
        let mut terms = Terms::default();
        let shape = self.operands[self.operand].shape();
        for place in readers(output.shape(), &shape, self.index) {
            terms.push(at(&given, &place), || self.written(&place, &wanted));
        }
        Some(terms)
    }

    /// What one element of the result passes on.
    fn written(&self, place: &[usize], wanted: &[bool]) -> (String, String, Vec<super::Factor>) {
        let element =
            |&x: &Var<'_, A>| Symbol::value(x, &broadcast_index(&x.shape(), place), self.rounding);
        let symbols: Vec<Symbol> = self.operands.iter().map(element).collect();
        let output = Symbol::value(self.node, place, self.rounding);
        let adjoint = self.adjoint_at(place);
        let write = |part: fn(&Symbol) -> &Formula| {
            let operands: Vec<&Formula> = symbols.iter().map(part).collect();
            let call = Call { operands: &operands, output: part(&output), wanted };
            let mut formulas = self.op.vjp_formulas(&call, part(&adjoint));
            let formula = formulas.get_mut(self.operand).and_then(Option::take);
            formula.map_or_else(|| "0".to_owned(), |formula| formula.compact().to_string())
        };
        let (names, numbers) = (write(|s| &s.name), write(|s| &s.number));
        (names, numbers, vec![adjoint.factor])
    }

    /// What multiplies each element of the adjoint, and that element.
    fn linear(&self) -> Terms<A> {
        self.products(|c, adjoint| {
            let (names, numbers) = product(c, std::slice::from_ref(&adjoint), self.rounding);
            (names, numbers, vec![adjoint.factor])
        })
    }

    /// The elements of the adjoint times the derivatives that forward mode gives.
    fn slopes(&self) -> Terms<A> {
        let operand = Symbol::value(self.operands[self.operand], self.index, self.rounding);
        self.products(|c, adjoint| {
            let result = super::element::name(&self.node.enclosed_label(), &adjoint.factor.index);
            let slope = Symbol {
                name: Formula::symbol(format!("∂{result}/∂{}", operand.name), &[]),
                number: crate::show::trace::formula::scalar(c, self.rounding),
                factor: operand.factor.clone(),
            };
            let symbols = [adjoint, slope];
            let (names, numbers) = product(A::from_f64(1.0), &symbols, self.rounding);
            (names, numbers, symbols.map(|symbol| symbol.factor).to_vec())
        })
    }

    fn products(
        &self,
        write: impl Fn(A, Symbol) -> (String, String, Vec<super::Factor>),
    ) -> Terms<A> {
        let mut terms = Terms::default();
        let (column, shape) = (self.column(), self.node.shape());
        for (number, (&c, &g)) in column.view().iter().zip(self.adjoint.view()).enumerate() {
            if c.to_f64() != 0.0 {
                terms.push(c * g, || write(c, self.adjoint_at(&index_of(&shape, number))));
            }
        }
        terms
    }

    /// The products of an element of the adjoint and one of the other operand.
    fn bilinear(&self) -> Option<Terms<A>> {
        let (values, other) = (self.values(), 1 - self.operand);
        let read = |operands: &[Tensor<A>]| column(self.op, operands, self.operand, self.index);
        let all = partners(&values, other, read)?;
        let (shape, other_shape) = (self.node.shape(), values[other].shape().to_vec());
        let (adjoint, elements) = (self.adjoint.to_vec(), values[other].to_vec());
        let mut terms = Terms::default();
        for (number, partners) in all.into_iter().enumerate() {
            for partner in partners {
                let value = partner.coefficient * adjoint[number] * elements[partner.number];
                terms.push(value, || {
                    let index = index_of(&other_shape, partner.number);
                    let factor = Symbol::value(self.operands[other], &index, self.rounding);
                    let symbols = [self.adjoint_at(&index_of(&shape, number)), factor];
                    let (names, numbers) = product(partner.coefficient, &symbols, self.rounding);
                    (names, numbers, symbols.map(|symbol| symbol.factor).to_vec())
                });
            }
        }
        Some(terms)
    }
}
