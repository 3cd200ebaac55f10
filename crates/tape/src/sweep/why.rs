//! Why a gradient is zero, missing or not a number.

use ops::{Float, Tensor};

use super::gradients::Gradients;
use super::non_finite::non_finite_contribution;
use super::way::Way;
use crate::graph::error::{NoGradient, Origin};
use crate::graph::node::{Graph, operands};
use crate::graph::var::Var;
use crate::words::Language;

/// A reason in words, and the places that it speaks of: an op, and the operand that it keeps the
/// gradient from, or a value that gradients do not pass.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "json"),
    allow(
        dead_code,
        reason = "a document asks for all of it, the screen not for the reason alone"
    )
)]
pub(crate) struct Reason<'t, A: Float> {
    pub text: String,
    /// Of what is zero, the reason alone; else nothing.
    pub because: String,
    pub places: Vec<(Var<'t, A>, Option<usize>)>,
}

/// How many reasons are listed.
const LISTED: usize = 12;

impl<'t, A: Float> Gradients<'t, A, Tensor<A>> {
    /// Explains in a sentence why the gradient with respect to `x` is missing, zero or not a
    /// number, or that it is none of these. It names everything on the way that stops a gradient,
    /// the nearest to the output first.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([-1.0, -2.0]).named("x");
    /// let why = x.relu().sum().backward().why(x);
    /// assert!(why.contains("all 2 units of relu") && why.contains("are off"), "{why}");
    /// ```
    pub fn why(&self, x: Var<'t, A>) -> String {
        self.why_in(Language::ENGLISH, x, &[])
    }

    /// Explains the same of one element of `x`, or of all that begin with `index`, such as a row.
    ///
    /// # Panics
    /// If `x` has no such element.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, -2.0]).named("x");
    /// let why = x.relu().sum().backward().why_at(x, &[1]);
    /// assert!(why.contains("the one unit of relu") && why.contains("is off"), "{why}");
    /// ```
    #[track_caller]
    pub fn why_at(&self, x: Var<'t, A>, index: &[usize]) -> String {
        self.why_in(Language::ENGLISH, x, index)
    }

    /// Explains the same in another language: of the element of `x` at `index`, one number for each
    /// axis, or of the whole of `x` with an empty index.
    ///
    /// # Panics
    /// If `x` has no such element.
    ///
    /// ```
    /// use tape::words::Language;
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, -2.0]).named("x");
    /// let gradients = x.relu().sum().backward();
    /// assert_eq!(gradients.why_in(Language::ENGLISH, x, &[1]), gradients.why_at(x, &[1]));
    /// ```
    #[track_caller]
    pub fn why_in(&self, language: Language, x: Var<'t, A>, index: &[usize]) -> String {
        let shape = x.shape();
        assert!(
            index.len() <= shape.len() && index.iter().zip(&shape).all(|(i, n)| i < n),
            "there is no element {index:?} in a value of shape {shape:?} ({})",
            Origin::of(x)
        );
        self.reason(language, x, index, language.why_ask_of_one()).text
    }

    /// The same with the places that it speaks of: of all of `x` if `index` is empty, else of what
    /// begins with it, which there has to be. `how` says how one asks for an element.
    pub(crate) fn reason(
        &self,
        language: Language,
        x: Var<'t, A>,
        index: &[usize],
        how: &str,
    ) -> Reason<'t, A> {
        let gradient = match self.try_wrt(x) {
            Ok(gradient) => gradient,
            Err(reason) => {
                let (places, because) = (self.cuts(x, &reason), String::new());
                return Reason { text: reason.text(language), because, places };
            }
        };
        let only = |text| Reason { text, because: String::new(), places: Vec::new() };
        let part = part(gradient.shape(), index);
        let elements: Vec<f64> = gradient.view().iter().map(|g| g.to_f64()).collect();
        let elements: Vec<f64> =
            elements.into_iter().zip(&part).filter(|&(_, &asked)| asked).map(|(g, _)| g).collect();
        let (origin, all) = (Origin::of(x).text(language), elements.len());
        let subject = match index {
            [] => language.why_of_gradient(origin),
            _ => language.why_of_element(format!("{index:?}"), origin),
        };
        if elements.is_empty() {
            return only(language.why_empty(subject));
        }
        let bad = elements.iter().filter(|g| !g.is_finite()).count();
        if bad > 0 {
            return only(language.why_not_finite(subject, bad, all, self.culprit(language)));
        }
        let most = elements.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        if most != 0.0 {
            let zeros = elements.iter().filter(|&&g| g == 0.0).count();
            let most = format!("{most:e}");
            return only(match zeros {
                0 => language.why_not_zero(subject, most),
                _ => language.why_some_zero(subject, most, zeros, all, how),
            });
        }
        let way = Way::new(x, self.position(), part, language);
        let mut reasons = way.reasons(|node| self.adjoint(node));
        let more = reasons.len().saturating_sub(LISTED);
        reasons.truncate(LISTED);
        let (reasons, places): (Vec<String>, Vec<_>) = reasons.into_iter().unzip();
        let listed = reasons.into_iter().reduce(|a, b| language.why_and(a, b)).unwrap_or_default();
        let because = if more > 0 { language.why_more(more, listed) } else { listed };
        let text = language.why_zero(subject, because.clone());
        let tape = self.output().tape();
        let places = places.into_iter().flatten();
        let places = places.map(|(node, operand)| (Var::new(tape, node), Some(operand)));
        Reason { text, because, places: places.collect() }
    }

    /// The place that a missing gradient is missing for: the detached value on its way, or `x`.
    fn cuts(&self, x: Var<'t, A>, reason: &NoGradient) -> Vec<(Var<'t, A>, Option<usize>)> {
        let place = match reason {
            NoGradient::Cut { .. } => self.cut_of(x),
            NoGradient::Constant { .. } | NoGradient::Detached { .. } => Some(x),
            _ => None,
        };
        place.into_iter().map(|place| (place, None)).collect()
    }

    /// Says which op first passed on what is not finite.
    fn culprit(&self, language: Language) -> String {
        let tape = self.output().tape();
        let graph = tape.graph();
        let nodes = (0..=self.position()).rev().map(petgraph::graph::NodeIndex::new);
        for node in nodes {
            let Some(adjoint) = self.adjoint(node.index()) else { continue };
            if !adjoint.is_finite() {
                continue;
            }
            let Some(given) = contributions(&graph, node, adjoint) else { continue };
            for (position, given) in given.iter().enumerate() {
                let here = Var::new(tape, node);
                let Some(given) = given else { continue };
                if let Some(error) = non_finite_contribution(here, adjoint, position, given) {
                    return error.to_string();
                }
            }
        }
        language.why_no_culprit().to_owned()
    }
}

/// What the op at `node` gives its tracked operands; `None` at a leaf.
fn contributions<A: Float>(
    graph: &Graph<A>,
    node: petgraph::graph::NodeIndex,
    adjoint: &Tensor<A>,
) -> Option<ops::Contributions<Tensor<A>>> {
    let op = graph[node].source.op()?;
    let operands = operands(graph, node);
    let wanted: Vec<bool> = operands.iter().map(|&x| graph[x].tracked).collect();
    let values: Vec<&Tensor<A>> = operands.iter().map(|&x| &graph[x].value).collect();
    let call = ops::Call { operands: &values, output: &graph[node].value, wanted: &wanted };
    Some(op.vjp(&call, adjoint))
}

/// Which elements of a shape begin with an index.
fn part(shape: &[usize], index: &[usize]) -> Vec<bool> {
    let below: usize = shape[index.len()..].iter().product();
    let first = index.iter().zip(shape).fold(0, |at, (i, n)| at * n + i) * below;
    let all: usize = shape.iter().product();
    (0..all).map(|i| (first..first + below).contains(&i)).collect()
}
