//! What is so of a question: the key, from the sweep, and the products that it is the sum of.

use tape::trace::Backward;
use tape::{Trace, Var};

use crate::problem::{adjoint, element};
use crate::programs::Asked;

/// A factor of a product: a local derivative, or an adjoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// As it is written: `∂a/∂z`.
    pub name: String,
    /// Its number.
    pub value: f64,
}

/// A product of factors, those of the output first.
pub type Product = Vec<Factor>;

/// What is so of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The answer.
    pub key: f64,
    /// How many elements of adjoints are known when it is asked.
    pub known: usize,
    /// The answer as a sum over uses: the adjoint of each times a local derivative.
    pub uses: Vec<Product>,
    /// The answer as a sum over paths, of local derivatives alone. Empty where there are tensors.
    pub paths: Vec<Product>,
}

/// The largest number of paths that are told one by one.
const MOST_PATHS: usize = 16;

/// Finds what is so of a question.
pub fn facts(trace: &Trace<'_, f64>, asked: Asked<'_>) -> Facts {
    let Asked::Adjoint { node, element: number } = asked else {
        return Facts { key: local(asked), known: 0, uses: Vec::new(), paths: Vec::new() };
    };
    let before = trace.backward().iter().take_while(|step| step.node != node);
    let known = before.map(|step| step.adjoint.len()).sum();
    let key = gradient(trace, node)[number];
    Facts { key, known, uses: uses(trace, node, number), paths: paths(trace, node) }
}

pub(crate) fn gradient(trace: &Trace<'_, f64>, node: Var<'_, f64>) -> Vec<f64> {
    let step = trace.backward().iter().find(|step| step.node.position() == node.position());
    step.map_or(Vec::new(), |step| step.adjoint.to_vec())
}

/// The local derivative that is asked for, as the rule gives it in a sweep from its node alone.
pub fn local(asked: Asked<'_>) -> f64 {
    let Asked::Local { node, element, operand, of } = asked else { return f64::NAN };
    row(node, element)[operand].as_ref().map_or(f64::NAN, |row| row[of])
}

/// The derivatives of one element of a node by the elements of each operand.
fn row(node: Var<'_, f64>, element: usize) -> Vec<Option<Vec<f64>>> {
    let length = node.shape().iter().product();
    let unit = (0..length).map(|i| f64::from(u8::from(i == element))).collect();
    let unit = ops::Tensor::from_shape_vec(&node.shape(), unit).expect("one number an element");
    let trace = Trace::with_seed(node, unit).expect("a node that was computed from variables");
    let received = trace.backward()[0].contributions.iter().map(|c| c.received.as_ref().ok());
    received.map(|received| received.map(|received| received.value.to_vec())).collect()
}

/// The contributions to an element of an adjoint, one for each element that it goes into.
fn uses(trace: &Trace<'_, f64>, node: Var<'_, f64>, number: usize) -> Vec<Product> {
    let step = trace.backward().iter().find(|step| step.node == node);
    let mut products = Vec::new();
    for of in step.map_or(&[][..], |step| &step.uses[..]) {
        for (i, bar) in gradient(trace, of.node).into_iter().enumerate() {
            let slope = row(of.node, i)[of.position].as_ref().map_or(0.0, |row| row[number]);
            if slope != 0.0 {
                let name = format!("∂{}/∂{}", element(of.node, i), element(node, number));
                products.push(vec![
                    Factor { name: adjoint(of.node, i), value: bar },
                    Factor { name, value: slope },
                ]);
            }
        }
    }
    products
}

/// The paths from the output to a number, if all values are numbers and the paths are few.
fn paths(trace: &Trace<'_, f64>, node: Var<'_, f64>) -> Vec<Product> {
    if trace.nodes().iter().any(|node| !node.shape().is_empty()) {
        return Vec::new();
    }
    let (mut open, mut whole) = (vec![(trace.output(), Product::new())], Vec::new());
    while let Some((at, product)) = open.pop() {
        if at == node {
            whole.push(product);
            continue;
        }
        let Some(step) = trace.backward().iter().find(|step| step.node == at) else { continue };
        for (operand, slope) in slopes(step) {
            let name = format!("∂{}/∂{}", at.label(), operand.label());
            let mut product = product.clone();
            product.push(Factor { name, value: slope });
            open.push((operand, product));
        }
        if open.len() + whole.len() > 4 * MOST_PATHS {
            return Vec::new();
        }
    }
    if whole.len() > MOST_PATHS { Vec::new() } else { whole }
}

fn slopes<'t>(step: &Backward<'t, f64>) -> Vec<(Var<'t, f64>, f64)> {
    let operands = step.contributions.iter().enumerate();
    operands.filter_map(|(i, c)| Some((c.operand, step.local(i)?.to_vec()[0]))).collect()
}
