//! The transformer block.

use ops::methods::UnaryMethods;
use ops::{Float, Shape};
use rand::Rng;
use tape::Var;

use super::attention::{Attention, AttentionMask, MultiHeadAttention};
use super::dense::Dense;
use super::dropout::Dropout;
use super::norm::LayerNorm;
use super::window::settled;
use crate::ground::Error;
use crate::ground::words::counted;
use crate::model::{Module, Parameter, Pass};

/// A transformer block: self-attention, then the same two dense layers at each place, each with a
/// way around it and a normalisation. `[N, T, width] → [N, T, width]`, so that blocks stack in a
/// [`Sequential`](super::Sequential).
///
/// | | |
/// |---|---|
/// | post-norm | `x ← norm1(x + attention(x))`, `x ← norm2(x + feed_forward(x))` |
/// | pre-norm | `x ← x + attention(norm1(x))`, `x ← x + feed_forward(norm2(x))` |
///
/// with `feed_forward(x) = linear2(f(linear1(x)))`. Post-norm is the block of Vaswani et al.,
/// *Attention is all you need*, 2017. Pre-norm leaves a free way from end to end, and trains
/// without a warm-up of the learning rate (Xiong et al., *On layer normalization in the transformer
/// architecture*, 2020); a stack of such blocks wants a last [`LayerNorm`] after it.
///
/// Names, layouts and defaults are as in PyTorch's `TransformerEncoderLayer`: post-norm, relu,
/// dropout 0.1 (of the attention weights, of the hidden units and of both results). Weights start
/// Xavier-uniform, biases at 0.
///
/// ```
/// use nn::prelude::*;
///
/// let mut rng = nn::rng(0);
/// let block = || TransformerBlock::new(32, 4, 128, &mut nn::rng(0)).pre_norm().gelu().causal();
/// let model = Sequential::<f32>::new()
///     .named("position", LearnedPosition::new(64, 32, &mut rng))
///     .then(block())
///     .then(block())
///     .named("norm", LayerNorm::new(&[32]));
/// assert_eq!(model.output_shape(&[8, 50, 32])?[..], [8, 50, 32]);
/// assert!(model.parameters().iter().any(|(path, _)| path == "1.self_attn.in_proj_weight"));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TransformerBlock<A: Float> {
    /// The self-attention.
    pub self_attn: MultiHeadAttention<A>,
    /// The first dense layer, `width → hidden`.
    pub linear1: Dense<A>,
    /// The second dense layer, `hidden → width`.
    pub linear2: Dense<A>,
    /// The normalisation that belongs to the attention.
    pub norm1: LayerNorm<A>,
    /// The normalisation that belongs to the dense layers.
    pub norm2: LayerNorm<A>,
    dropout: Dropout,
    pre_norm: bool,
    activation: Activation,
}

/// What is applied between the two dense layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activation {
    Relu,
    Gelu,
}

impl<A: Float> TransformerBlock<A> {
    /// A block for elements of `width` numbers, with `hidden` hidden units between its two dense
    /// layers (four times the width is usual).
    ///
    /// # Panics
    /// If the number of heads does not divide the width, or one of them or of the units is 0.
    #[track_caller]
    pub fn new(width: usize, heads: usize, hidden: usize, rng: &mut impl Rng) -> Self {
        assert!(hidden > 0, "a transformer block needs at least one hidden unit, but is given 0");
        let block = Self {
            self_attn: MultiHeadAttention::new(width, heads, rng),
            linear1: Dense::new(width, hidden, rng),
            linear2: Dense::new(hidden, width, rng),
            norm1: LayerNorm::new(&[width]),
            norm2: LayerNorm::new(&[width]),
            dropout: Dropout::new(0.0).expect("a probability"),
            pre_norm: false,
            activation: Activation::Relu,
        };
        block.dropout(0.1)
    }

    /// The same, with the normalisations before attention and dense layers.
    #[must_use]
    pub fn pre_norm(self) -> Self {
        Self { pre_norm: true, ..self }
    }

    /// The same, with gelu instead of relu.
    #[must_use]
    pub fn gelu(self) -> Self {
        Self { activation: Activation::Gelu, ..self }
    }

    /// The same, in which no element looks at a later one.
    #[must_use]
    pub fn causal(self) -> Self {
        Self { self_attn: self.self_attn.causal(), ..self }
    }

    /// The same with another probability of dropout.
    ///
    /// # Panics
    /// If it is not from 0 to 1.
    #[must_use]
    #[track_caller]
    pub fn dropout(self, p: f64) -> Self {
        Self { dropout: settled(Dropout::new(p)), self_attn: self.self_attn.dropout(p), ..self }
    }

    // ANCHOR: forward
    /// The forward pass with a mask, for instance of padded elements.
    ///
    /// # Panics
    /// If the block or the mask cannot take an input of this shape.
    #[track_caller]
    pub fn forward_masked<'t>(
        &self,
        pass: &Pass<'t, A>,
        x: Var<'t, A>,
        mask: &AttentionMask,
    ) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let attention = |x| self.dropout.forward(pass, self.attention(pass, x, mask).output);
        let feed_forward = |x| self.dropout.forward(pass, self.feed_forward(pass, x));
        let (norm1, norm2) = (|x| self.norm1.forward(pass, x), |x| self.norm2.forward(pass, x));
        if self.pre_norm {
            let x = x + attention(norm1(x));
            x + feed_forward(norm2(x))
        } else {
            let x = norm1(x + attention(x));
            norm2(x + feed_forward(x))
        }
    }
    // ANCHOR_END: forward

    /// The block's self-attention alone, for a look at its weights: of `norm1(x)` if the block is
    /// pre-norm, else of `x`.
    ///
    /// ```
    /// use nn::layers::AttentionMask;
    /// use nn::prelude::*;
    ///
    /// let block = TransformerBlock::<f32>::new(8, 2, 32, &mut nn::rng(0)).causal();
    /// let tape = Tape::new();
    /// let pass = Pass::evaluate(&tape);
    /// let x = pass.input(&Tensor::ones(&[1, 3, 8])); // all alike: each takes the same share
    /// let weights = block.attend(&pass, x, &AttentionMask::new()).weights.value();
    /// assert_eq!(weights.shape(), [1, 2, 3, 3]);
    /// assert_eq!(weights.to_vec()[..6], [1.0, 0.0, 0.0, 0.5, 0.5, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the block or the mask cannot take an input of this shape.
    #[doc(alias = "need_weights")]
    #[doc(alias = "return_attention_scores")]
    #[track_caller]
    pub fn attend<'t>(
        &self,
        pass: &Pass<'t, A>,
        x: Var<'t, A>,
        mask: &AttentionMask,
    ) -> Attention<'t, A> {
        let _inside = pass.enter(self, x);
        self.attention(pass, if self.pre_norm { self.norm1.forward(pass, x) } else { x }, mask)
    }

    #[track_caller]
    fn attention<'t>(
        &self,
        pass: &Pass<'t, A>,
        x: Var<'t, A>,
        mask: &AttentionMask,
    ) -> Attention<'t, A> {
        pass.scope("self_attn", || self.self_attn.attend(pass, x, x, x, mask))
    }

    fn feed_forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        pass.scope("feed_forward", || {
            let hidden = self.linear1.forward(pass, x);
            let hidden = match self.activation {
                Activation::Relu => hidden.relu(),
                Activation::Gelu => hidden.gelu(),
            };
            self.linear2.forward(pass, self.dropout.forward(pass, hidden))
        })
    }

    fn parts(&self) -> [(&'static str, &dyn Module<A>); 5] {
        let Self { self_attn, linear1, linear2, norm1, norm2, .. } = self;
        [
            ("self_attn", self_attn),
            ("linear1", linear1),
            ("linear2", linear2),
            ("norm1", norm1),
            ("norm2", norm2),
        ]
    }
}

impl<A: Float> Module<A> for TransformerBlock<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        self.forward_masked(pass, x, &AttentionMask::new())
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let (name, width) = (self.describe(), self.linear2.bias.value.len());
        let wanted = format!("[N, T, {width}] with at least one step");
        self.self_attn.output_shape(input).map_err(|_| Error::layer_input(name, wanted, input))
    }

    fn describe(&self) -> String {
        let (hidden, width) = (self.linear1.bias.value.len(), self.linear2.bias.value.len());
        format!(
            "TransformerBlock({width}, {}, {hidden} hidden)",
            counted(self.self_attn.heads(), "head")
        )
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        for (name, part) in self.parts() {
            part.visit(&mut |path, parameter| visit(&format!("{name}.{path}"), parameter));
        }
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        let Self { self_attn, linear1, linear2, norm1, norm2, .. } = self;
        let parts: [(&str, &mut dyn Module<A>); 5] = [
            ("self_attn", self_attn),
            ("linear1", linear1),
            ("linear2", linear2),
            ("norm1", norm1),
            ("norm2", norm2),
        ];
        for (name, part) in parts {
            part.visit_mut(&mut |path, parameter| visit(&format!("{name}.{path}"), parameter));
        }
    }
}

#[cfg(test)]
mod tests {
    use tape::Tape;

    use super::*;

    #[test]
    fn what_is_looked_at_is_the_attention_in_the_block() {
        let numbers = (0..12_u32).map(|i| f64::from(i * i % 7) - 2.0).collect();
        let numbers = ops::Tensor::from_shape_vec(&[1, 3, 4], numbers).unwrap();
        for pre_norm in [false, true] {
            let mut block = TransformerBlock::<f64>::new(4, 2, 8, &mut crate::rng(3));
            block.pre_norm = pre_norm;
            let tape = Tape::new();
            let pass = Pass::evaluate(&tape);
            let x = pass.input(&numbers);
            let attended = x + block.attend(&pass, x, &AttentionMask::new()).output;
            let norm2 = |x| block.norm2.forward(&pass, x);
            let expected = if pre_norm {
                attended + block.feed_forward(&pass, norm2(attended))
            } else {
                let x = block.norm1.forward(&pass, attended);
                norm2(x + block.feed_forward(&pass, x))
            };
            assert_eq!(block.forward(&pass, x).value(), expected.value(), "pre-norm: {pre_norm}");
        }
    }
}
