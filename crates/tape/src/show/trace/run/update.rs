//! What an optimiser's step did with one parameter.

use std::sync::Arc;

use ops::{
    AnyUpdate, Float, Formula, Tensor, UpdateKind, UpdateLabels, UpdateLine, UpdateNumber, visible,
};

use crate::graph::var::Var;
use crate::show::trace::formula::{self, Rounding};
use crate::show::trace::terms::index_of;
use crate::words::Language;

/// A number of an update as it stands in a formula.
fn number<A: Float>(x: UpdateNumber<A>, rounding: Rounding) -> Formula {
    match x {
        UpdateNumber::Same(x) => formula::scalar(x, rounding),
        UpdateNumber::Element(x) => formula::scalar(x, rounding),
    }
}

/// What an optimiser's step did with one parameter.
#[derive(Clone, Debug)]
pub struct Change<A: Float> {
    /// The parameter before the step.
    pub before: Tensor<A>,
    /// Its gradient.
    pub gradient: Tensor<A>,
    /// The parameter after the step.
    pub after: Tensor<A>,
    /// What the optimiser keeps for it between steps.
    pub kept: Vec<Kept<A>>,
    /// The formula that ran; none of an optimiser that does not tell it.
    pub rule: Option<Arc<dyn AnyUpdate<A>>>,
}

/// Something that an optimiser keeps for a parameter between steps, such as a velocity.
#[derive(Clone, Debug)]
pub struct Kept<A: Float> {
    /// Its name in the formula: `v`.
    pub name: &'static str,
    /// It before the step, in the shape of the parameter.
    pub before: Tensor<A>,
    /// It after the step.
    pub after: Tensor<A>,
}

/// The optimiser's step for one parameter of a [`RunStep`](super::RunStep).
#[derive(Clone, Debug)]
pub struct Update<'t, A: Float> {
    node: Var<'t, A>,
    change: Change<A>,
}

impl<'t, A: Float> Update<'t, A> {
    /// The change of the parameter that `node` stands for.
    ///
    /// # Panics
    /// If one of the tensors has another shape than the node, or the formula keeps other things than
    /// are given.
    #[track_caller]
    pub fn new(node: Var<'t, A>, change: Change<A>) -> Self {
        if let Some(rule) = &change.rule {
            let given: Vec<&str> = change.kept.iter().map(|kept| kept.name).collect();
            let kept = rule.kept();
            assert!(
                given == kept,
                "the formula of the update keeps {kept:?}, but is given {given:?}"
            );
        }
        let kept = change.kept.iter().flat_map(|kept| [&kept.before, &kept.after]);
        let shape = node.shape();
        for tensor in [&change.before, &change.gradient, &change.after].into_iter().chain(kept) {
            let given = tensor.shape();
            assert!(
                given == &shape[..],
                "a change of shape {given:?} was given for a parameter of shape {shape:?}"
            );
        }
        Self { node, change }
    }

    /// The variable that stands for the parameter in the pass.
    pub fn node(&self) -> Var<'t, A> {
        self.node
    }

    /// What became of it.
    pub fn change(&self) -> &Change<A> {
        &self.change
    }

    /// The step for one number of the parameter, each line with its formula in symbols, in numbers,
    /// and its result: settings first, then what is computed, the new number last. `None` if there
    /// is no such element, or the optimiser does not tell its formula.
    ///
    /// The lines are the formula that ran, read with text; their results are the numbers of the run,
    /// bit for bit.
    pub fn lines(&self, index: &[usize], rounding: Rounding) -> Option<Vec<UpdateLine<A>>> {
        let places: Vec<String> = index.iter().map(usize::to_string).collect();
        let suffix =
            if places.is_empty() { String::new() } else { format!("[{}]", places.join(",")) };
        self.read(index, &suffix, rounding)
    }

    /// The formula read at an element, with `suffix` behind what each element has of its own.
    fn read(
        &self,
        index: &[usize],
        suffix: &str,
        rounding: Rounding,
    ) -> Option<Vec<UpdateLine<A>>> {
        let at = |x: &Tensor<A>| x.view().get(index).copied();
        let Change { before, gradient, kept, rule, .. } = &self.change;
        let operands = [at(before)?, at(gradient)?];
        let kept: Vec<A> = kept.iter().map(|kept| at(&kept.before)).collect::<Option<_>>()?;
        let (parameter, gradient) = (self.node.label(), self.node.adjoint_label());
        let labels = UpdateLabels {
            parameter: &visible(&parameter),
            gradient: &visible(&gradient),
            index: suffix,
        };
        Some(rule.as_ref()?.lines(labels, operands, &kept, &|x| number(x, rounding)))
    }

    /// How the formula and that of the literature are the same, where they look different; empty
    /// where there is nothing to say.
    pub fn remark(&self) -> &'static str {
        self.change.rule.as_ref().map_or("", |rule| rule.remark())
    }

    /// The same remark in a language, if it is one that the catalogue has.
    pub(crate) fn remark_in(&self, language: Language) -> &'static str {
        let remark = self.remark();
        let sentences = language.catalogue().sentences();
        if remark == Language::ENGLISH.remark_of_adam() {
            sentences.remark_of_adam()
        } else {
            remark
        }
    }

    /// The same formulas of the whole parameter, in symbols, each with what it is about. Empty if the
    /// optimiser does not tell its formula.
    pub(crate) fn formulas(&self, rounding: Rounding) -> Vec<UpdateLine<A>> {
        if self.change.before.is_empty() {
            return Vec::new();
        }
        self.read(&self.largest(), "", rounding).unwrap_or_default()
    }

    /// The index of the element with the largest gradient, whose step tells most.
    pub(crate) fn largest(&self) -> Vec<usize> {
        let (mut most, mut number) = (-1.0, 0);
        for (i, g) in self.change.gradient.view().iter().enumerate() {
            if g.to_f64().abs() > most {
                (most, number) = (g.to_f64().abs(), i);
            }
        }
        index_of(&self.node.shape(), number).to_vec()
    }

    /// The tensor that a line of [`formulas`](Self::formulas) gives, where there is one.
    pub(crate) fn tensor_of(&self, line: &UpdateLine<A>) -> Option<&Tensor<A>> {
        match line.kind {
            UpdateKind::Parameter => Some(&self.change.after),
            UpdateKind::Kept => {
                let kept = self.change.kept.iter().find(|kept| kept.name == line.symbol);
                kept.map(|kept| &kept.after)
            }
            _ => None,
        }
    }
}
