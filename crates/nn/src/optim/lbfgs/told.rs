//! A step of L-BFGS as a trace tells it: along which direction each iteration went, how far, and how
//! often it evaluated the loss to find that out.

use std::fmt::Write;
use std::sync::Arc;

use ops::{
    AnyUpdate, Binding, Float, Tensor, UpdateKind, UpdateLabels, UpdateLine, UpdateNumber,
    WriteNumber,
};
use tape::trace::{Change, Kept};

use crate::model::{Gradients, Module, ParameterId};
use crate::optim::Changes;

/// What the directions are called.
const DIRECTIONS: [&str; 20] = [
    "d₁", "d₂", "d₃", "d₄", "d₅", "d₆", "d₇", "d₈", "d₉", "d₁₀", "d₁₁", "d₁₂", "d₁₃", "d₁₄", "d₁₅",
    "d₁₆", "d₁₇", "d₁₈", "d₁₉", "d₂₀",
];

/// One iteration of a step. All parameters are one long vector here.
#[derive(Clone, Debug)]
pub(super) struct Move<A> {
    pub direction: Vec<A>,
    /// How far along the direction it went.
    pub length: f64,
    /// The evaluations of the loss that a line search made to find the length.
    pub searched: Option<usize>,
    /// The changes from which the direction knew the curvature.
    pub changes: usize,
    /// Whether it is the first of all, whose length the gradient limits.
    pub first: bool,
}

/// The formula of a step for one number: w + t₁ d₁ + t₂ d₂ …
#[derive(Debug)]
struct Along {
    /// Of each iteration: the length, how it was found, and from how many changes the direction.
    moves: Vec<(f64, String, usize)>,
}

impl<A: Float> AnyUpdate<A> for Along {
    fn kept(&self) -> &'static [&'static str] {
        &DIRECTIONS[..self.moves.len()]
    }

    fn remark(&self) -> &'static str {
        "Each direction d is -H g, g being the gradients of all parameters where the iteration began, \
         and H the inverse of the Hessian as the last changes of all weights and gradients show it. \
         The numbers of H and of those gradients are not shown here"
    }

    fn lines(
        &self,
        labels: UpdateLabels<'_>,
        [w, _]: [A; 2],
        kept: &[A],
        number: WriteNumber<'_, A>,
    ) -> Vec<UpdateLine<A>> {
        let mut lines = Vec::new();
        let of_one = |name: &str| format!("{name}{}", labels.index);
        let parameter = of_one(labels.parameter);
        let (mut names, mut after) = (parameter.clone(), w);
        let mut numbers = number(UpdateNumber::Element(w)).within(Binding::Sum);
        for (k, ((length, how, changes), &d)) in self.moves.iter().zip(kept).enumerate() {
            let direction = DIRECTIONS[k];
            let symbol = format!("t{}", direction.trim_start_matches('d'));
            let formula = match changes {
                0 => "-g".to_owned(),
                1 => "-H g, H from 1 change".to_owned(),
                _ => format!("-H g, H from {changes} changes"),
            };
            lines.push(UpdateLine {
                kind: UpdateKind::Kept,
                symbol: of_one(direction),
                names: formula.clone(),
                numbers: formula,
                value: UpdateNumber::Element(d),
            });
            lines.push(UpdateLine {
                kind: UpdateKind::Once,
                symbol: symbol.clone(),
                names: how.clone(),
                numbers: how.clone(),
                value: UpdateNumber::Same(*length),
            });
            let _ = write!(names, " + {symbol} · {}", of_one(direction));
            let [t, by] = [UpdateNumber::Same(*length), UpdateNumber::Element(d)]
                .map(|x| number(x).within(Binding::Product));
            let _ = write!(numbers, " + {t} · {by}");
            after += A::from_f64(*length) * d;
        }
        lines.push(UpdateLine {
            kind: UpdateKind::Parameter,
            symbol: parameter,
            names,
            numbers,
            value: UpdateNumber::Element(after),
        });
        lines
    }
}

/// What became of each trained parameter, given its value before the step. Of a step of more
/// iterations than there are names, the values alone.
pub(super) fn changes<A: Float>(
    model: &dyn Module<A>,
    before: &[A],
    gradients: &Gradients<A>,
    moves: &[Move<A>],
) -> Changes<A> {
    let told = moves.iter().map(|step| (step.length, how(step), step.changes)).collect();
    let rule: Arc<dyn AnyUpdate<A>> = Arc::new(Along { moves: told });
    let mut all: Vec<(ParameterId, Change<A>)> = Vec::new();
    let mut from = 0;
    model.visit(&mut |_, parameter| {
        if !parameter.is_trained() {
            return;
        }
        let here = from..from + parameter.value.len();
        from = here.end;
        let part = |x: &[A]| {
            let shape = parameter.value.shape();
            Tensor::from_shape_vec(shape, x[here.clone()].to_vec()).expect("a part of its shape")
        };
        let is_told = moves.len() <= DIRECTIONS.len();
        let directions = moves.iter().filter(|_| is_told).zip(DIRECTIONS);
        let kept = directions.map(|(step, name)| {
            let direction = part(&step.direction);
            Kept { name, before: direction.clone(), after: direction }
        });
        let gradient = gradients.of(parameter).cloned();
        let gradient = gradient.unwrap_or_else(|| Tensor::zeros(parameter.value.shape()));
        let change = Change {
            before: part(before),
            gradient,
            after: parameter.value.clone(),
            kept: kept.collect(),
            rule: is_told.then(|| Arc::clone(&rule)),
        };
        all.push((parameter.id(), change));
    });
    all
}

/// How a length was found.
fn how<A>(step: &Move<A>) -> String {
    match step.searched {
        Some(1) => "line search, 1 evaluation of the loss".to_owned(),
        Some(count) => format!("line search, {count} evaluations of the loss"),
        None if step.first => "η, and no more than η / Σ|g|".to_owned(),
        None => "η".to_owned(),
    }
}
