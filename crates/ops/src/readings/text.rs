//! The reading that gives text.

use smallvec::SmallVec;

use crate::ground::{Formula, Shape};
use crate::number::Elementwise;
use crate::readings::times_slope;
use crate::rule::{Call, ReadScalar, Reading, Rule, Scalar, checked_shape, or_panic};
use crate::rules::methods::BinaryMethods;

impl Reading for Formula {
    fn shape(&self) -> Shape {
        self.lengths().clone()
    }

    fn apply<R: Rule>(rule: R, operands: &[&Self]) -> Self {
        let shape = or_panic(checked_shape(&rule, &shapes(operands)));
        rule.write(operands).of_shape(shape)
    }

    fn scalar(&self, value: f64) -> Self {
        Self::number(value)
    }

    fn stop_gradient(&self) -> Self {
        Self::call("stop_gradient", &[self], "").of_shape(self.lengths().clone())
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
        if !v.is_unwritten() {
            return times_slope(rule, operand, operands, output, v);
        }
        // The slope itself, as a reader writes it.
        match Self::slope_of(rule, operand, operands, output) {
            Scalar::Literal(0.0) => None,
            Scalar::Literal(slope) => Some(Self::number(slope)),
            Scalar::Value(slope) => Some(slope),
        }
    }
}

/// What each operand contributes under `rule`, as text in the operands' own names, `y` for the
/// output and `ȳ` for its cotangent; `None` where the contribution is zero everywhere.
///
/// # Panics
/// If the rule refuses the operands' shapes.
pub fn gradient_formulas<R: Rule>(rule: &R, operands: &[Formula]) -> Vec<Option<Formula>> {
    let operands: Vec<&Formula> = operands.iter().collect();
    let shape = Formula::apply(rule.clone(), &operands).shape();
    let output = Formula::symbol("y", &shape);
    let cotangent = Formula::symbol("ȳ", &shape);
    let wanted = vec![true; operands.len()];
    let call = Call { operands: &operands, output: &output, wanted: &wanted };
    rule.vjp(&call, &cotangent).into_vec()
}

fn shapes<'a>(operands: &[&'a Formula]) -> SmallVec<[&'a [usize]; 3]> {
    operands.iter().map(|x| &x.lengths()[..]).collect()
}

/// The value of an elementwise rule as text in the names of its operands: the rule itself, read
/// with formulas.
///
/// ```
/// use ops::{rules::Softplus, value_formula};
/// assert_eq!(value_formula(Softplus, ["x"]).to_string(), "maximum(x, 0) + ln_1p(exp(-|x|))");
/// ```
pub fn value_formula<E: Elementwise<N>, const N: usize>(rule: E, names: [&str; N]) -> Formula {
    let symbols = names.map(|name| Formula::symbol(name, &[]));
    match Formula::value_of(rule, symbols.each_ref()) {
        Scalar::Literal(value) => Formula::number(value),
        Scalar::Value(formula) => formula,
    }
}
