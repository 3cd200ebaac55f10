//! What all optimisers share: the walk over the model, and what is kept for each parameter.

use std::array;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use ndarray::ArrayViewMutD;
use ops::{Float, Tensor, Unnamed, UpdateRule};
use tape::trace::{Change, Kept};

use crate::ground::setting::{check_not_negative, check_rate};
use crate::ground::{Error, State, StateReader};
use crate::model::{Gradients, Module, ParameterId};

/// Settings for some of the parameters. What is not set is as for all others.
///
/// ```
/// use nn::prelude::*;
///
/// // No weight decay of biases, and small steps in the layers that are trained already.
/// let optimizer = AdamW::<f32>::new(0.001)?
///     .group(|path| path.ends_with("bias"), Group::new().weight_decay(0.0))?
///     .group(|path| path.starts_with("0."), Group::new().rate_factor(0.1))?;
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Group {
    rate_factor: Option<f64>,
    weight_decay: Option<f64>,
}

impl Group {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the learning rate is multiplied by. A factor and not a rate, so that a schedule acts on
    /// every group.
    #[must_use]
    pub fn rate_factor(self, factor: f64) -> Self {
        Self { rate_factor: Some(factor), ..self }
    }

    /// The weight decay λ.
    #[must_use]
    pub fn weight_decay(self, decay: f64) -> Self {
        Self { weight_decay: Some(decay), ..self }
    }

    /// This group's settings, and `later`'s where it has them.
    fn overridden_by(self, later: Self) -> Self {
        Self {
            rate_factor: later.rate_factor.or(self.rate_factor),
            weight_decay: later.weight_decay.or(self.weight_decay),
        }
    }
}

/// A group, which parameters it is for, and where in the program it was added.
#[derive(Clone)]
struct Chosen {
    chooses: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    group: Group,
    added: &'static Location<'static>,
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} added at {}", self.group, self.added)
    }
}

/// What is kept for one parameter.
#[derive(Clone, Debug)]
struct Memory<A: Float> {
    group: Group,
    /// The number of groups that were looked at for it.
    groups: usize,
    steps: u64,
    /// A number that the formula keeps, which starts at 1.
    product: f64,
    /// Tensors in the parameter's shape, in standard layout, which start at 0.
    slots: Vec<Tensor<A>>,
}

/// The names of what a formula keeps for each parameter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slots {
    pub(super) tensors: &'static [&'static str],
    pub(super) product: Option<&'static str>,
}

impl Slots {
    pub(super) const fn tensors(tensors: &'static [&'static str]) -> Self {
        Self { tensors, product: None }
    }
}

/// What a formula is told about its parameter, all in `f64`.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    /// The number of the parameter's step, from 1.
    pub(super) step: f64,
    /// The learning rate η.
    pub(super) rate: f64,
    /// The weight decay λ.
    pub(super) decay: f64,
}

/// The settings that every optimiser has, and what it keeps for each parameter.
#[derive(Clone, Debug)]
pub(super) struct Driver<A: Float> {
    rate: f64,
    decay: f64,
    groups: Vec<Chosen>,
    groups_checked: bool,
    memory: HashMap<ParameterId, Memory<A>>,
    /// A gradient in standard layout, if it comes in another.
    straight: Vec<A>,
    /// What the step did with each parameter, if someone looks.
    watched: Option<Vec<(ParameterId, Change<A>)>>,
}

impl<A: Float> Driver<A> {
    pub(super) fn new(rate: f64) -> Result<Self, Error> {
        check_rate(rate)?;
        let (groups, memory, straight) = (Vec::new(), HashMap::new(), Vec::new());
        let (decay, groups_checked, watched) = (0.0, false, None);
        Ok(Self { rate, decay, groups, groups_checked, memory, straight, watched })
    }

    pub(super) fn learning_rate(&self) -> f64 {
        self.rate
    }

    pub(super) fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error> {
        check_not_negative("the learning rate", rate)?;
        self.rate = rate;
        Ok(())
    }

    pub(super) fn set_weight_decay(&mut self, decay: f64) -> Result<(), Error> {
        check_not_negative("the weight decay", decay)?;
        self.decay = decay;
        Ok(())
    }

    /// The weight decay, and what groups set otherwise.
    pub(super) fn settings(&self, model: &dyn Module<A>) -> BTreeMap<String, f64> {
        let mut all = BTreeMap::from([("weight decay".to_owned(), self.decay)]);
        if self.groups.is_empty() {
            return all;
        }
        for (path, _) in model.parameters() {
            let Group { rate_factor, weight_decay } = group_of(&self.groups, &path);
            let of_path = |name: &str| format!("{name} of {path}");
            all.extend(rate_factor.map(|factor| (of_path("rate factor"), factor)));
            all.extend(weight_decay.map(|decay| (of_path("weight decay"), decay)));
        }
        all
    }

    #[track_caller]
    pub(super) fn add_group(
        &mut self,
        chosen: impl Fn(&str) -> bool + Send + Sync + 'static,
        group: Group,
    ) -> Result<(), Error> {
        check_not_negative("the group's rate factor", group.rate_factor.unwrap_or(1.0))?;
        check_not_negative("the group's weight decay", group.weight_decay.unwrap_or(0.0))?;
        self.groups.push(Chosen { chooses: Arc::new(chosen), group, added: Location::caller() });
        self.groups_checked = false;
        Ok(())
    }

    /// Notes what the next step does with each parameter.
    pub(super) fn watch(&mut self) {
        self.watched = Some(Vec::new());
    }

    /// What was noted since [`watch`](Self::watch).
    pub(super) fn watched(&mut self) -> Vec<(ParameterId, Change<A>)> {
        self.watched.take().unwrap_or_default()
    }

    /// One step of all parameters that have a gradient. `formula` is asked once for each parameter,
    /// with the number that it keeps, and what it returns is applied to each number w, its gradient
    /// g and what is kept for it.
    #[inline(never)] // Compiled once, in this crate.
    pub(super) fn step<const K: usize, const N: usize, F: UpdateRule<K, N>>(
        &mut self,
        model: &mut dyn Module<A>,
        gradients: &Gradients<A>,
        mut formula: impl FnMut(At, &mut f64) -> F,
    ) -> Result<(), Error> {
        gradients.check_owner(model)?;
        self.check_groups(model)?;
        self.check_shapes(model, gradients)?;
        super::update_buffers(model, gradients);
        let Self { rate, decay, groups, memory, straight, watched, .. } = self;
        model.visit_mut(&mut |path, parameter| {
            let Some(gradient) = gradients.of(parameter).filter(|_| parameter.is_trained()) else {
                return;
            };
            let memory = memory
                .entry(parameter.id())
                .or_insert_with(|| Memory::new(groups, path, N, parameter.value.shape()));
            memory.count_step(groups, path);
            let at = At {
                step: memory.steps as f64,
                rate: *rate * memory.group.rate_factor.unwrap_or(1.0),
                decay: memory.group.weight_decay.unwrap_or(*decay),
            };
            let rule = formula(at, &mut memory.product);
            let constants = rule.constants(&mut Unnamed).map(A::from_f64);
            let before = watched.as_ref().map(|_| (parameter.value.clone(), memory.slots.clone()));
            let mut slots = memory.slots.iter_mut();
            let slots = array::from_fn(|_| {
                elements_mut(slots.next().expect("as many slots as the formula keeps"))
            });
            ops::update(
                elements_mut(&mut parameter.value),
                elements(gradient, straight),
                slots,
                move |w, g, kept| rule.number(&mut Unnamed, constants, w, g, kept),
            );
            if let (Some(watched), Some((value, kept))) = (watched.as_mut(), before) {
                let kept = F::KEPT.iter().zip(kept).zip(&memory.slots);
                watched.push((
                    parameter.id(),
                    Change {
                        before: value,
                        gradient: gradient.clone(),
                        after: parameter.value.clone(),
                        kept: kept
                            .map(|((&name, before), after)| Kept {
                                name,
                                before,
                                after: after.clone(),
                            })
                            .collect(),
                        rule: Some(ops::any_update(rule)),
                    },
                ));
            }
        });
        Ok(())
    }

    /// Refuses a group that chooses no parameter, at the first step.
    fn check_groups(&mut self, model: &dyn Module<A>) -> Result<(), Error> {
        if self.groups_checked || self.groups.is_empty() {
            return Ok(());
        }
        let paths: Vec<_> = model.parameters().into_iter().map(|(path, _)| path).collect();
        for Chosen { chooses, added, .. } in &self.groups {
            if !paths.iter().any(|path| chooses(path)) {
                let choice = format!("the group of parameters added at {added}");
                return Err(Error::Unmatched { choice, parameters: paths });
            }
        }
        self.groups_checked = true;
        Ok(())
    }

    /// Refuses a gradient or a memory of another shape than its parameter, before any parameter has
    /// changed.
    fn check_shapes(&self, model: &dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let mut wrong = Ok(());
        model.visit(&mut |path, parameter| {
            let shape = parameter.value.shape();
            let Some(gradient) = gradients.of(parameter) else { return };
            let kept = self.memory.get(&parameter.id()).and_then(|memory| memory.slots.first());
            let has_another = |tensor: &&Tensor<A>| tensor.shape() != shape;
            if wrong.is_ok()
                && let Some(other) = [Some(gradient), kept].into_iter().flatten().find(has_another)
            {
                wrong = Err(Error::GradientShape {
                    parameter: path.to_owned(),
                    shape: shape.to_vec(),
                    gradient: other.shape().to_vec(),
                });
            }
        });
        wrong
    }

    #[inline(never)] // Compiled once, in this crate.
    pub(super) fn state(&self, model: &dyn Module<A>, name: &str, slots: Slots) -> State<A> {
        let mut state = State::new();
        state.texts.insert("optimizer".into(), name.into());
        state.numbers.insert("learning_rate".into(), self.rate);
        for (path, parameter) in model.parameters() {
            let memory = self.memory.get(&parameter.id());
            let steps = memory.map_or(0, |memory| memory.steps);
            state.numbers.insert(format!("step.{path}"), steps as f64);
            let Some(memory) = memory else { continue };
            if let Some(product) = slots.product {
                state.numbers.insert(format!("{product}.{path}"), memory.product);
            }
            for (slot, tensor) in slots.tensors.iter().zip(&memory.slots) {
                state.tensors.insert(format!("{slot}.{path}"), tensor.clone());
            }
        }
        state
    }

    #[inline(never)] // Compiled once, in this crate.
    pub(super) fn load_state(
        &mut self,
        model: &dyn Module<A>,
        name: &'static str,
        slots: Slots,
        state: &State<A>,
    ) -> Result<(), Error> {
        let mut reader = StateReader::new(state);
        reader.expect_text("optimizer", name);
        let rate = reader.number("learning_rate");
        let mut all = HashMap::new();
        for (path, parameter) in model.parameters() {
            let shape = parameter.value.shape();
            let mut memory = Memory::new(&self.groups, &path, 0, shape);
            memory.steps = reader.count(&format!("step.{path}"));
            if memory.steps == 0 {
                continue;
            }
            if let Some(product) = slots.product {
                memory.product = reader.number(&format!("{product}.{path}"));
            }
            let tensors = slots.tensors.iter();
            memory
                .slots
                .extend(tensors.map(|slot| reader.tensor(&format!("{slot}.{path}"), shape)));
            all.insert(parameter.id(), memory);
        }
        reader.finish(name)?;
        self.set_learning_rate(rate)?;
        self.memory = all;
        Ok(())
    }
}

/// The settings of all groups that choose a parameter.
fn group_of(groups: &[Chosen], path: &str) -> Group {
    let chosen = groups.iter().filter(|group| (group.chooses)(path));
    chosen.fold(Group::new(), |all, next| all.overridden_by(next.group))
}

impl<A: Float> Memory<A> {
    fn new(groups: &[Chosen], path: &str, slots: usize, shape: &[usize]) -> Self {
        Self {
            group: group_of(groups, path),
            groups: groups.len(),
            steps: 0,
            product: 1.0,
            slots: (0..slots).map(|_| Tensor::zeros(shape)).collect(),
        }
    }

    /// One more step, by the groups that there are now.
    fn count_step(&mut self, groups: &[Chosen], path: &str) {
        if self.groups < groups.len() {
            (self.group, self.groups) = (group_of(groups, path), groups.len());
        }
        self.steps += 1;
    }
}

/// The elements of a tensor in the order of its axes, to change them.
pub(super) fn elements_mut<A: Float>(tensor: &mut Tensor<A>) -> &mut [A] {
    if !tensor.view().is_standard_layout() {
        *tensor = Tensor::from(tensor.view().as_standard_layout().into_owned());
    }
    tensor.view_mut().into_slice().expect("a tensor in standard layout")
}

/// The elements of a tensor in the order of its axes, copied to `straight` if they are stored in
/// another order.
fn elements<'t, A: Float>(tensor: &'t Tensor<A>, straight: &'t mut Vec<A>) -> &'t [A] {
    let view = tensor.view();
    if let Some(elements) = view.to_slice() {
        return elements;
    }
    // Axis by axis: ndarray's iterator over another layout takes some 100 instructions an element.
    straight.resize(view.len(), A::zero());
    ArrayViewMutD::from_shape(view.shape(), straight.as_mut_slice())
        .expect("as many elements as the shape holds")
        .assign(&view);
    straight
}
