//! The reading of an optimiser's formula that gives text and every number on the way.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use typed_arena::Arena;

use crate::ground::{Binding, Formula};
use crate::number::{Float, Number};
use crate::readings::AsNumber;
use crate::rule::{Naming, UpdateRule};

/// What a line of an update is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpdateKind {
    /// A setting, or the number of the step.
    Setting,
    /// A number that is the same for the whole parameter.
    Once,
    /// A number on the way to the new ones.
    Between,
    /// A number that the literature has and the formula does not need.
    Aside,
    /// The new value of what is kept for the next step.
    Kept,
    /// The new value of the parameter.
    Parameter,
}

/// A number of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UpdateNumber<A> {
    /// The same for all elements, as it was computed.
    Same(f64),
    /// Of one element.
    Element(A),
}

impl<A: Float> UpdateNumber<A> {
    /// The number as an `f64`, exactly.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Same(value) => value,
            Self::Element(value) => value.to_f64(),
        }
    }
}

/// A line of an update: `m ← β₁ · m + (1 - β₁) · w̄ = 0.9 · 0 + (1 - 0.9) · 0.7184 = 0.0718`.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateLine<A> {
    /// What it is about.
    pub kind: UpdateKind,
    /// What is computed.
    pub symbol: String,
    /// How, in symbols; empty for a setting.
    pub names: String,
    /// How, in numbers; empty for a setting.
    pub numbers: String,
    /// The result.
    pub value: UpdateNumber<A>,
}

/// What the parameter and its gradient are called, and the index behind what each element has of
/// its own, such as `[1,0]`.
#[derive(Clone, Copy, Debug)]
pub struct UpdateLabels<'a> {
    /// `w`.
    pub parameter: &'a str,
    /// `w̄`.
    pub gradient: &'a str,
    /// Nothing, or an index in brackets.
    pub index: &'a str,
}

/// A number as it stands in a formula.
pub type WriteNumber<'a, A> = &'a dyn Fn(UpdateNumber<A>) -> Formula;

/// The steps of an update of one number, in the order in which they are computed: the rule itself,
/// read with floats and with formulas.
///
/// ```
/// use ops::{Formula, Naming, Number, UpdateLabels, UpdateRule, update_lines};
///
/// /// w ← w − η g.
/// #[derive(Clone, Copy, Debug)]
/// struct Descent(f64);
/// impl UpdateRule<1, 0> for Descent {
///     const KEPT: [&'static str; 0] = [];
///     fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 1] {
///         [names.setting("η", self.0)]
///     }
///     fn number<R: Number>(
///         self, _: &mut impl Naming<R>, [rate]: [R; 1], w: R, g: R, []: [R; 0],
///     ) -> (R, [R; 0]) {
///         (w - rate * g, [])
///     }
/// }
///
/// let labels = UpdateLabels { parameter: "w", gradient: "w̄", index: "" };
/// let lines = update_lines(Descent(0.1), labels, [0.5, 0.7184], [], &|x| Formula::number(x.to_f64()));
/// let w = lines.last().unwrap();
/// assert_eq!((&w.names[..], &w.numbers[..]), ("w - η · w̄", "0.5 - 0.1 · 0.7184"));
/// assert_eq!(w.value.to_f64(), 0.5 - 0.1 * 0.7184);
/// ```
pub fn update_lines<A: Float, U, const K: usize, const N: usize>(
    rule: U,
    labels: UpdateLabels<'_>,
    [w, g]: [A; 2],
    kept: [A; N],
    number: WriteNumber<'_, A>,
) -> Vec<UpdateLine<A>>
where
    U: UpdateRule<K, N>,
{
    // The numbers first: formulas in numbers have those of the steps before.
    let mut once = Heard::<f64>::default();
    let constants = rule.constants(&mut once).map(A::from_f64);
    let mut each = Heard::<A>::default();
    let (new, _) = rule.number(&mut each, constants, w, g, kept);

    let symbol = |text: String| Formula::symbol(text, &[]);
    let own = |text: &str| symbol(format!("{text}{}", labels.index));
    let names = Stand {
        once: once.0.iter().map(|said| symbol(said.symbol.to_owned())).collect(),
        each: each.0.iter().map(|said| own(said.symbol)).collect(),
        operands: [own(labels.parameter), own(labels.gradient)],
        kept: U::KEPT.map(own).to_vec(),
    };
    let numbers = Stand {
        once: once.0.iter().map(|said| number(UpdateNumber::Same(said.value))).collect(),
        each: each.0.iter().map(|said| number(UpdateNumber::Element(said.value))).collect(),
        operands: [w, g].map(|x| number(UpdateNumber::Element(x))),
        kept: kept.map(|x| number(UpdateNumber::Element(x))).to_vec(),
    };
    let [mut names, mut numbers] =
        [&names, &numbers].map(|stand| texts(rule, stand, &once, &each).into_iter());
    let of_all = once.0.iter().map(|said| {
        let (kind, symbol) = (said.kind.once(), said.symbol.to_owned());
        // A setting of 0 is left out of the formulas.
        (kind, symbol, UpdateNumber::Same(said.value), zero(said))
    });
    let of_each = each.0.iter().map(|said| {
        let kept = U::KEPT.contains(&said.symbol);
        let kind = if kept { UpdateKind::Kept } else { said.kind };
        let symbol = format!("{}{}", said.symbol, labels.index);
        (kind, symbol, UpdateNumber::Element(said.value), said.left_out)
    });
    let parameter = format!("{}{}", labels.parameter, labels.index);
    let last = (UpdateKind::Parameter, parameter, UpdateNumber::Element(new), false);
    let all = of_all.chain(of_each).chain([last]);
    all.filter_map(|(kind, symbol, value, left_out)| {
        let (names, numbers) = (names.next()?, numbers.next()?);
        (!left_out).then_some(UpdateLine { kind, symbol, names, numbers, value })
    })
    .collect()
}

/// All that a rule says, with what stands in formulas for its numbers; the new number last.
fn texts<A: Float, U: UpdateRule<K, N>, const K: usize, const N: usize>(
    rule: U,
    stand: &Stand,
    once: &Heard<f64>,
    each: &Heard<A>,
) -> Vec<String> {
    let arena = Arena::new();
    let mut of_all = Texts::new(&arena, &stand.once, once.0.iter().map(zero).collect());
    let constants = rule.constants(&mut of_all);
    let left_out = each.0.iter().map(|said| said.left_out).collect();
    let mut of_each = Texts::new(&arena, &stand.each, left_out);
    let kept = std::array::from_fn(|k| AsNumber::new(&arena, &stand.kept[k]));
    let [w, g] = stand.operands.each_ref().map(|x| AsNumber::new(&arena, x));
    let (new, _) = rule.number(&mut of_each, constants, w, g, kept);
    of_all.said.into_iter().chain(of_each.said).chain([text_of(new)]).collect()
}

impl UpdateKind {
    /// The kind of what is said of the whole parameter.
    fn once(self) -> Self {
        if self == Self::Between { Self::Once } else { self }
    }
}

/// Something that a rule said.
struct Said<R> {
    kind: UpdateKind,
    symbol: &'static str,
    value: R,
    /// A sum that is its first summand.
    left_out: bool,
}

/// Whether it is a setting that says nothing.
fn zero(said: &Said<f64>) -> bool {
    said.kind == UpdateKind::Setting && said.value == 0.0
}

/// Hears all that a rule says of its numbers.
struct Heard<R>(Vec<Said<R>>);

impl<R> Default for Heard<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R: Float> Heard<R> {
    fn push(&mut self, kind: UpdateKind, symbol: &'static str, value: R, left_out: bool) -> R {
        self.0.push(Said { kind, symbol, value, left_out });
        value
    }
}

impl<R: Float> Naming<R> for Heard<R> {
    fn setting(&mut self, symbol: &'static str, value: f64) -> R {
        self.push(UpdateKind::Setting, symbol, R::lit(value), false)
    }
    fn named(&mut self, symbol: &'static str, value: R) -> R {
        self.push(UpdateKind::Between, symbol, value, false)
    }
    fn plus(&mut self, symbol: &'static str, x: R, factor: R, other: R) -> R {
        let is_zero = factor == R::lit(0.0);
        self.push(UpdateKind::Between, symbol, x + factor * other, is_zero)
    }
    fn aside(&mut self, symbol: &'static str, value: impl FnOnce() -> R) {
        self.push(UpdateKind::Aside, symbol, value(), false);
    }
}

/// What stands in formulas for the numbers of a rule.
struct Stand {
    once: Vec<Formula>,
    each: Vec<Formula>,
    operands: [Formula; 2],
    kept: Vec<Formula>,
}

/// Writes down the formula of each number that a rule names, and puts a symbol or a number in its
/// place.
struct Texts<'a, 's> {
    arena: &'a Arena<Formula>,
    stand_in: &'s [Formula],
    /// Of a setting, whether it is 0; of a sum, whether it is its first summand.
    nothing: Vec<bool>,
    said: Vec<String>,
}

type Text<'a> = AsNumber<'a, Formula>;

impl<'a, 's> Texts<'a, 's> {
    fn new(arena: &'a Arena<Formula>, stand_in: &'s [Formula], nothing: Vec<bool>) -> Self {
        Self { arena, stand_in, nothing, said: Vec::new() }
    }

    /// Notes a formula, and gives what stands for it from here on.
    fn push(&mut self, text: String) -> Text<'a> {
        let stand_in = AsNumber::new(self.arena, &self.stand_in[self.said.len()]);
        self.said.push(text);
        stand_in
    }
}

impl<'a> Naming<Text<'a>> for Texts<'a, '_> {
    fn setting(&mut self, _: &'static str, _: f64) -> Text<'a> {
        let is_zero = self.nothing[self.said.len()];
        let stand_in = self.push(String::new());
        if is_zero { Text::lit(0.0) } else { stand_in }
    }
    fn named(&mut self, _: &'static str, value: Text<'a>) -> Text<'a> {
        self.push(text_of(value))
    }
    fn plus(
        &mut self,
        _: &'static str,
        x: Text<'a>,
        factor: Text<'a>,
        other: Text<'a>,
    ) -> Text<'a> {
        if self.nothing[self.said.len()] {
            self.push(String::new());
            return x;
        }
        self.push(text_of(x + factor * other))
    }
    fn aside(&mut self, _: &'static str, value: impl FnOnce() -> Text<'a>) {
        self.push(text_of(value()));
    }
}

fn text_of(value: Text<'_>) -> String {
    match value {
        AsNumber::Lit(value) => Formula::number(value).to_string(),
        AsNumber::Value(_, formula) => formula.within(Binding::Sum),
    }
}

/// An [`UpdateRule`] of any kind, to be read number by number.
pub trait AnyUpdate<A: Float>: Debug + Send + Sync {
    /// The names of what is kept between steps.
    fn kept(&self) -> &'static [&'static str];

    /// How the formula and that of the literature are the same, where they look different.
    fn remark(&self) -> &'static str;

    /// [`update_lines`] of a number, its gradient and what is kept for it.
    ///
    /// # Panics
    /// If there are fewer kept numbers than the rule keeps.
    fn lines(
        &self,
        labels: UpdateLabels<'_>,
        operands: [A; 2],
        kept: &[A],
        number: WriteNumber<'_, A>,
    ) -> Vec<UpdateLine<A>>;
}

/// A rule of any kind.
pub fn any_update<A: Float, U, const K: usize, const N: usize>(rule: U) -> Arc<dyn AnyUpdate<A>>
where
    U: UpdateRule<K, N>,
{
    Arc::new(Any::<U, K, N>(rule, PhantomData))
}

#[derive(Clone, Copy, Debug)]
struct Any<U, const K: usize, const N: usize>(U, PhantomData<([(); K], [(); N])>);

impl<U: UpdateRule<K, N>, const K: usize, const N: usize> Any<U, K, N> {
    const KEPT: &'static [&'static str] = &U::KEPT;
}

impl<A: Float, U: UpdateRule<K, N>, const K: usize, const N: usize> AnyUpdate<A> for Any<U, K, N> {
    fn kept(&self) -> &'static [&'static str] {
        Self::KEPT
    }
    fn remark(&self) -> &'static str {
        U::REMARK
    }
    #[inline(never)] // Compiled once, in the crate of its rule.
    fn lines(
        &self,
        labels: UpdateLabels<'_>,
        operands: [A; 2],
        kept: &[A],
        number: WriteNumber<'_, A>,
    ) -> Vec<UpdateLine<A>> {
        update_lines(self.0, labels, operands, std::array::from_fn(|k| kept[k]), number)
    }
}
