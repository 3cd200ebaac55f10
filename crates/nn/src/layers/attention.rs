//! Attention.

use ndarray::Array2;
use ops::methods::{BinaryMethods, LinearMethods, MatmulMethods, SoftmaxMethods};
use ops::shape::room;
use ops::{Float, Reading, Shape, Tensor};
use rand::Rng;
use tape::Var;

use super::dense::Dense;
use super::dropout::Dropout;
use super::window::settled;
use crate::ground::Error;
use crate::ground::words::counted;
use crate::model::{Init, Module, Parameter, Pass};

/// The score where a query may not look: its exponential is 0 beside any other.
const LOWEST: f64 = -1e30;

/// Which keys each query may look at; all of them at first.
///
/// ```
/// use nn::layers::AttentionMask;
///
/// // Two sequences of 5 and of 3 elements, padded to 5; no element looks at a later one.
/// let mask = AttentionMask::new().lengths(&[5, 3], 5).causal();
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttentionMask {
    causal: bool,
    padding: Option<Array2<bool>>,
    forbidden: Option<Array2<bool>>,
}

impl AttentionMask {
    /// Every query may look at every key.
    pub fn new() -> Self {
        Self::default()
    }

    /// No query looks at a key after its own place, as when the next element is to be predicted.
    #[must_use]
    pub fn causal(self) -> Self {
        Self { causal: true, ..self }
    }

    /// No query looks at a key that is padding: `true` in `padding`, `[N, keys]`, as PyTorch's
    /// `key_padding_mask`.
    #[must_use]
    pub fn padding(self, padding: Array2<bool>) -> Self {
        Self { padding: Some(padding), ..self }
    }

    /// [`padding`](AttentionMask::padding) of sequences of the given lengths, filled up to
    /// `steps` at their ends.
    ///
    /// # Panics
    /// If a length is greater than `steps`.
    #[must_use]
    #[track_caller]
    pub fn lengths(self, lengths: &[usize], steps: usize) -> Self {
        if let Some(row) = lengths.iter().position(|&length| length > steps) {
            panic!(
                "sequence {row} has length {}, but sequences are padded to {steps}",
                lengths[row]
            );
        }
        if let Err(problem) = room(&[lengths.len(), steps], size_of::<bool>()) {
            panic!("a mask of {} sequences of {steps} steps: {problem}", lengths.len());
        }
        self.padding(Array2::from_shape_fn((lengths.len(), steps), |(n, t)| t >= lengths[n]))
    }

    /// Query l does not look at key s where `forbidden`, `[queries, keys]`, is `true`, in all
    /// sequences, as with PyTorch's `attn_mask`.
    #[must_use]
    pub fn forbid(self, forbidden: Array2<bool>) -> Self {
        Self { forbidden: Some(forbidden), ..self }
    }

    /// The mask for N sequences of L queries and S keys, if it hides anything.
    ///
    /// # Errors
    /// If it is of other shapes: in words.
    fn resolve<A: Float>(&self, [n, l, s]: [usize; 3]) -> Result<Option<Allowed<A>>, String> {
        let check = |mask: &Option<Array2<bool>>, wanted: [usize; 2], of: &str| match mask {
            Some(mask) if mask.shape() != wanted => {
                Err(format!("{of} has shape {:?}, but {wanted:?} is needed", mask.shape()))
            }
            _ => Ok(()),
        };
        check(&self.padding, [n, s], "the mask of padded keys")?;
        check(&self.forbidden, [l, s], "the mask of forbidden keys")?;
        if self.causal && l != s {
            return Err(format!(
                "causal attention needs as many queries as keys, but there are {l} queries and {s} \
                 keys"
            ));
        }
        if *self == Self::default() {
            return Ok(None);
        }
        let hides = |mask: &Option<Array2<bool>>, at| mask.as_ref().is_some_and(|mask| mask[at]);
        let sequences = if self.padding.is_some() { n } else { 1 };
        let allowed = ndarray::Array4::from_shape_fn((sequences, 1, l, s), |(n, _, l, s)| {
            let hidden = self.causal && s > l
                || hides(&self.padding, (n, s))
                || hides(&self.forbidden, (l, s));
            if hidden { A::zero() } else { A::one() }
        });
        let blind = allowed.rows().into_iter().any(|row| row.iter().all(|&x| x == A::zero()));
        let seen = ndarray::Array3::from_shape_fn((sequences, s, 1), |(n, s, _)| {
            let queries = allowed.slice(ndarray::s![n, 0, .., s]);
            if queries.iter().any(|&x| x != A::zero()) { A::one() } else { A::zero() }
        });
        let unseen = seen.iter().any(|&x| x == A::zero());
        let seen = unseen.then(|| Tensor::from(seen));
        Ok(Some(Allowed { mask: Tensor::from(allowed), blind, seen }))
    }
}

/// A mask in numbers.
struct Allowed<A: Float> {
    /// 1 where a query may look at a key, else 0: `[N or 1, 1, L, S]`.
    mask: Tensor<A>,
    /// Whether some query may look at nothing.
    blind: bool,
    /// 1 where some query may look at a key, else 0, `[N or 1, S, 1]`, if there is such a 0.
    seen: Option<Tensor<A>>,
}

/// What [`MultiHeadAttention::attend`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'t, A: Float> {
    /// What the queries found, `[N, L, width]`.
    pub output: Var<'t, A>,
    /// How each head shared its attention out, before dropout: `[N, heads, L, S]`. The weights of
    /// a query sum to 1, or are all 0 if the mask hides every key from it.
    #[doc(alias = "need_weights")]
    #[doc(alias = "return_attention_scores")]
    pub weights: Var<'t, A>,
}

/// Attention with several heads: `[N, T, width] → [N, T, width]`.
///
/// Each head projects the queries, keys and values to `width / heads` numbers and computes
/// softmax(Q Kᵀ / √d) V; the results of all heads, side by side, are projected once more. Vaswani
/// et al., *Attention is all you need*, 2017, section 3.2.
///
/// `forward` is self-attention: queries, keys and values are the elements of the same sequence.
/// [`attend`](MultiHeadAttention::attend) does the rest: cross-attention, masks, a look at the
/// weights. What a query may not look at does not reach its output, were it NaN, and what no query
/// may look at reaches no gradient either. A query that the mask leaves nothing to look at gets
/// weights of 0, not NaN, and so the bias of the last projection as its output.
///
/// Parameters have PyTorch's names and layouts: `in_proj_weight` (queries, keys and values, one
/// below the other), `in_proj_bias`, `out_proj.weight` and `out_proj.bias`. Weights start
/// Xavier-uniform, biases at 0.
///
/// ```
/// use nn::layers::AttentionMask;
/// use nn::prelude::*;
///
/// let layer = MultiHeadAttention::<f32>::new(8, 2, &mut nn::rng(0));
/// let tape = Tape::new();
/// let pass = Pass::evaluate(&tape);
/// let text = pass.input(&Tensor::ones(&[3, 5, 8]));
/// let image = pass.input(&Tensor::ones(&[3, 9, 8]));
/// let found = layer.attend(&pass, text, image, image, &AttentionMask::new());
/// assert_eq!(found.output.shape()[..], [3, 5, 8]);
/// assert_eq!(found.weights.shape()[..], [3, 2, 5, 9]);
/// ```
#[derive(Clone, Debug)]
pub struct MultiHeadAttention<A: Float> {
    /// `W_q`, `W_k` and `W_v`, one below the other, `[3 · width, width]`.
    pub in_proj_weight: Parameter<A>,
    /// Their biases, `[3 · width]`.
    pub in_proj_bias: Parameter<A>,
    /// The projection of the heads' results, `width → width`.
    pub out_proj: Dense<A>,
    heads: usize,
    dropout: Dropout,
    causal: bool,
}

impl<A: Float> MultiHeadAttention<A> {
    /// Attention over elements of `width` numbers, without dropout, not causal.
    ///
    /// # Panics
    /// If the number of heads does not divide the width, or one of them is 0.
    #[track_caller]
    pub fn new(width: usize, heads: usize, rng: &mut impl Rng) -> Self {
        assert!(
            width > 0 && heads > 0 && width.is_multiple_of(heads),
            "attention of width {width} cannot have {heads} heads: the number of heads must divide \
             the width"
        );
        let rows = width.saturating_mul(3);
        let weight = Init::XavierUniform.tensor(&[rows, width], width, rows, rng);
        Self {
            in_proj_weight: Parameter::new(settled(weight)),
            in_proj_bias: Parameter::new(Tensor::zeros(&[rows])),
            out_proj: Dense::new(width, width, rng),
            heads,
            dropout: Dropout::new(0.0).expect("a probability"),
            causal: false,
        }
    }

    /// The same, in which no element looks at a later one.
    #[must_use]
    pub fn causal(self) -> Self {
        Self { causal: true, ..self }
    }

    /// The same, in which each weight of attention is dropped with probability `p` in training.
    ///
    /// # Panics
    /// If it is not from 0 to 1.
    #[must_use]
    #[track_caller]
    pub fn dropout(self, p: f64) -> Self {
        Self { dropout: settled(Dropout::new(p)), ..self }
    }

    /// The number of heads.
    pub fn heads(&self) -> usize {
        self.heads
    }

    // ANCHOR: attend
    /// Lets each element of `query`, `[N, L, width]`, look at the elements of `key`,
    /// `[N, S, width]`, and take from `value`, of the same shape. A causal layer is causal under
    /// any mask.
    ///
    /// # Panics
    /// If the shapes do not fit the layer, each other or the mask, or there is nothing to look at.
    #[track_caller]
    pub fn attend<'t>(
        &self,
        pass: &Pass<'t, A>,
        query: Var<'t, A>,
        key: Var<'t, A>,
        value: Var<'t, A>,
        mask: &AttentionMask,
    ) -> Attention<'t, A> {
        let sizes = settled(self.sizes(&query.shape(), &key.shape(), &value.shape()));
        let _inside = pass.begin(self);
        let mask = AttentionMask { causal: mask.causal || self.causal, ..mask.clone() };
        let allowed = match mask.resolve(sizes) {
            Ok(allowed) => allowed,
            Err(why) => panic!("{}: {why}", self.describe()),
        };

        let [key, value] = [key, value].map(|x| without_unseen(x, allowed.as_ref()));
        let [q, k, v] =
            [(0, query), (1, key), (2, value)].map(|(part, x)| self.project(pass, part, x));
        let scale = 1.0 / (self.head_width() as f64).sqrt();
        let scores = q.scale(scale).matmul(k.permute(&[0, 1, 3, 2]));
        let weights = shares(scores, allowed);
        let found = self.dropout.forward(pass, weights).weighted_sum(v);

        let [n, l, _] = sizes;
        let side_by_side = found.permute(&[0, 2, 1, 3]).reshape(&[n, l, self.width()][..]);
        Attention { output: self.out_proj.forward(pass, side_by_side), weights }
    }

    /// The queries (part 0), keys (1) or values (2) of all heads: `[N, heads, T, width / heads]`.
    fn project<'t>(&self, pass: &Pass<'t, A>, part: usize, x: Var<'t, A>) -> Var<'t, A> {
        let rows = part * self.width()..(part + 1) * self.width();
        let weight = pass.parameter(&self.in_proj_weight).slice(ndarray::s![rows.clone(), ..]);
        let bias = pass.parameter(&self.in_proj_bias).slice(ndarray::s![rows]);
        let (n, t) = (x.shape()[0], x.shape()[1]);
        let all = x.matmul(weight.t()) + bias;
        all.reshape(&[n, t, self.heads, self.head_width()][..]).permute(&[0, 2, 1, 3])
    }
    // ANCHOR_END: attend

    /// N, L and S, if the shapes fit.
    fn sizes(&self, query: &[usize], key: &[usize], value: &[usize]) -> Result<[usize; 3], Error> {
        self.output_shape(query)?;
        self.output_shape(key)?;
        if key[0] != query[0] {
            let wanted = format!("[{}, S, {}] for its keys", query[0], self.width());
            return Err(Error::layer_input(self.describe(), wanted, key));
        }
        if value != key {
            let wanted = format!("{key:?} for its values, as for its keys");
            return Err(Error::layer_input(self.describe(), wanted, value));
        }
        Ok([query[0], query[1], key[1]])
    }

    fn width(&self) -> usize {
        self.out_proj.weight.value.shape()[0]
    }

    fn head_width(&self) -> usize {
        self.width() / self.heads
    }
}

/// Keys or values with 0 for those that no query may look at: whatever they hold, were it NaN,
/// reaches no result and no gradient, since 0 times NaN never arises.
fn without_unseen<'t, A: Float>(x: Var<'t, A>, allowed: Option<&Allowed<A>>) -> Var<'t, A> {
    let seen = allowed.and_then(|allowed| allowed.seen.clone());
    seen.map_or(x, |seen| x.tape().constant(seen).select(x, x.scalar(0.0)))
}

/// Softmax over the keys that a query may look at; the others get 0.
fn shares<A: Float>(scores: Var<'_, A>, allowed: Option<Allowed<A>>) -> Var<'_, A> {
    let Some(Allowed { mask, blind, .. }) = allowed else { return scores.softmax(-1) };
    let mask = scores.tape().constant(mask);
    let weights = mask.select(scores, scores.scalar(LOWEST)).softmax(-1);
    if blind { weights * mask } else { weights }
}

impl<A: Float> Module<A> for MultiHeadAttention<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        self.attend(pass, x, x, x, &AttentionMask::new()).output
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        match *input {
            [_, steps, width] if steps > 0 && width == self.width() => Ok(Shape::from_slice(input)),
            _ => {
                let wanted = format!("[N, T, {}] with at least one step", self.width());
                Err(Error::layer_input(self.describe(), wanted, input))
            }
        }
    }

    fn describe(&self) -> String {
        let causal = if self.causal { ", causal" } else { "" };
        format!("MultiHeadAttention({}, {}{causal})", self.width(), counted(self.heads, "head"))
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("in_proj_weight", &self.in_proj_weight);
        visit("in_proj_bias", &self.in_proj_bias);
        self.out_proj.visit(&mut |path, parameter| visit(&format!("out_proj.{path}"), parameter));
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("in_proj_weight", &mut self.in_proj_weight);
        visit("in_proj_bias", &mut self.in_proj_bias);
        let out_proj = &mut self.out_proj;
        out_proj.visit_mut(&mut |path, parameter| visit(&format!("out_proj.{path}"), parameter));
    }
}
