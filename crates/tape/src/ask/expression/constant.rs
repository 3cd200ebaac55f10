//! Numbers and lists: what an expression says without names.

use std::ops::Range;

use ops::Tensor;

use super::{Content, Expression, ExpressionError, Kind};

/// A list as it is read, before it is known to have rows of one length.
fn stack(elements: &[Tensor<f64>]) -> Option<Tensor<f64>> {
    let shape: Vec<usize> = elements.first().map_or(Vec::new(), |x| x.shape().to_vec());
    let fits = elements.iter().all(|x| x.shape() == shape);
    let numbers = elements.iter().flat_map(Tensor::to_vec).collect();
    let shape: Vec<usize> = std::iter::once(elements.len()).chain(shape).collect();
    fits.then(|| Tensor::from_shape_vec(&shape, numbers).ok())?
}

/// The value of a list, given those of its elements.
pub(super) fn list(
    expression: &Expression,
    elements: &[usize],
    value: impl Fn(usize) -> Option<Tensor<f64>>,
) -> Result<Tensor<f64>, ExpressionError> {
    let place = |x: usize| expression.terms[x].place.clone();
    let mut parts: Vec<Tensor<f64>> = Vec::new();
    for &x in elements {
        let Some(part) = value(x) else {
            return Err(not_a_number(expression, place(x)));
        };
        parts.push(part);
    }
    stack(&parts).ok_or_else(|| {
        let unlike = parts.iter().position(|x| x.shape() != parts[0].shape()).unwrap_or_default();
        let [shape, first] = [unlike, 0].map(|part| format!("{:?}", parts[part].shape()));
        let title = expression.language.typed_list_shapes(shape, first);
        expression.error(Kind::Shape, place(elements[unlike]), title)
    })
}

fn not_a_number(expression: &Expression, place: Range<usize>) -> ExpressionError {
    let language = expression.language;
    let title = language.typed_not_a_number(expression.text(&place));
    expression.error(Kind::NotANumber, place, title).label(language.typed_expected_number())
}

/// The value of an expression without names.
pub(super) fn constant(expression: &Expression) -> Result<Tensor<f64>, ExpressionError> {
    let mut values: Vec<Tensor<f64>> = Vec::new();
    if let [_, second, ..] = &expression.statements[..] {
        let place = expression.terms[second.value].place.clone();
        let title = expression.language.typed_one_expression();
        return Err(expression.error(Kind::NotANumber, place, title));
    }
    for term in &expression.terms {
        let one = |x: &usize| Some(&values[*x]).filter(|x| x.ndim() == 0).map(Tensor::item);
        let value = match &term.content {
            Content::Number(number) => Some(Tensor::scalar(*number)),
            Content::List(elements) => {
                Some(list(expression, elements, |x| Some(values[x].clone()))?)
            }
            Content::Negative(x) => Some(values[*x].map(|x| -x)),
            Content::Power(x, exponent) => one(x).map(|x| Tensor::scalar(x.powf(*exponent))),
            Content::Infix(infix, a, b) => {
                one(a).zip(one(b)).and_then(|(a, b)| infix.of_numbers(a, b)).map(Tensor::scalar)
            }
            Content::Name(_) | Content::Call { .. } => None,
        };
        values.push(value.ok_or_else(|| not_a_number(expression, term.place.clone()))?);
    }
    let value = values.swap_remove(expression.statements[0].value);
    if expression.statements[0].name.is_some() {
        let whole = 0..expression.source.len();
        return Err(not_a_number(expression, whole));
    }
    Ok(value)
}
