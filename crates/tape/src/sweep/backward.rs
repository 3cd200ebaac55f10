//! Backpropagation as users call it: where the sweep starts, and which gradients are kept.

use ops::{Float, Tensor};

use super::adjoints::Reach;
use super::gradients::Gradients;
use super::non_finite::StopAtNonFinite;
use super::sweep::sweep;
use crate::graph::error::TapeError;
use crate::graph::var::Var;

impl<'t, A: Float> Var<'t, A> {
    /// Backpropagation: the gradient of this scalar with respect to everything it was computed
    /// from.
    ///
    /// # Panics
    /// If the value is not a scalar (or has more than one element), or no variable went into it.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0, 3.0]);
    /// let gradients = x.square().sum().backward();
    /// assert_eq!(gradients.wrt(x), ops::Tensor::from([2.0, 4.0, 6.0]));
    /// ```
    #[must_use = "the gradients are returned, not stored in the variables"]
    #[track_caller]
    pub fn backward(self) -> Gradients<'t, A, Tensor<A>> {
        match self.try_backward() {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// [`backward`](Var::backward), with an error in place of a panic.
    ///
    /// # Errors
    /// If the value is not a scalar, or no variable went into it.
    pub fn try_backward(self) -> Result<Gradients<'t, A, Tensor<A>>, TapeError> {
        let seed = self.scalar_seed()?;
        self.plain_sweep(seed)
    }

    /// [`try_backward`](Var::try_backward) for the gradients with respect to `wanted` alone: those of
    /// values in between are dropped as soon as they have been passed on, and their memory is used
    /// again. It is what training wants.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0, 3.0]);
    /// let y = x.square();
    /// let gradients = y.sum().backward_wrt(&[x])?;
    /// assert_eq!(gradients.wrt(x), ops::Tensor::from([2.0, 4.0, 6.0]));
    /// assert!(gradients.try_wrt(y).unwrap_err().to_string().contains("was not asked for"));
    /// # Ok::<(), tape::error::TapeError>(())
    /// ```
    ///
    /// # Errors
    /// If the value is not a scalar, or no variable went into it.
    pub fn backward_wrt(self, wanted: &[Self]) -> Result<Gradients<'t, A, Tensor<A>>, TapeError> {
        let seed = self.scalar_seed()?;
        if self.tape().stops_at_non_finite() {
            return self.plain_sweep(seed);
        }
        let mut marked = vec![false; self.position() + 1];
        for x in wanted {
            if let Some(marked) = marked.get_mut(x.position()) {
                *marked = true;
            }
        }
        let adjoints = sweep(self, seed, Reach::Marked(&marked), &mut ());
        Ok(Gradients::of_marked(self, adjoints, marked))
    }

    /// The sweep with numbers, watched if the tape stops at what is not finite.
    fn plain_sweep(self, seed: Tensor<A>) -> Result<Gradients<'t, A, Tensor<A>>, TapeError> {
        self.tape().note_reading();
        if !self.tape().stops_at_non_finite() {
            return Ok(Gradients::new(self, sweep(self, seed, Reach::All, &mut ())));
        }
        let mut watch = StopAtNonFinite::new(self.tape());
        let adjoints = sweep(self, seed, Reach::All, &mut watch);
        watch.first.map_or_else(|| Ok(Gradients::new(self, adjoints)), Err)
    }

    /// Backpropagation from a value of any shape, given the cotangent of each of its elements:
    /// the gradient of `(self * seed).sum()`.
    ///
    /// # Errors
    /// If the seed has another shape than the value, or no variable went into it.
    pub fn backward_with(
        self,
        seed: impl Into<Tensor<A>>,
    ) -> Result<Gradients<'t, A, Tensor<A>>, TapeError> {
        let seed = seed.into();
        self.check_tracked()?;
        self.check_seed(seed.shape())?;
        self.plain_sweep(seed)
    }

    /// [`backward`](Var::backward), recorded: the gradients are variables of the same tape, and
    /// can be differentiated again.
    ///
    /// # Panics
    /// If the value is not a scalar, or no variable went into it.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(2.0);
    /// let slope = x.powf(3.0).backward_recorded().wrt(x); // 3x²
    /// let curvature = slope.backward().wrt(x); // 6x
    /// assert_eq!((slope.item(), curvature.item()), (12.0, 12.0));
    /// ```
    #[track_caller]
    pub fn backward_recorded(self) -> Gradients<'t, A, Self> {
        let seed = match self.scalar_seed() {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        };
        let seed = self.tape().constant(seed);
        Gradients::new(self, sweep(self, seed, Reach::All, &mut ()))
    }

    pub(crate) fn check_seed(self, seed: &[usize]) -> Result<(), TapeError> {
        let shape = self.shape();
        if *seed == shape[..] {
            return Ok(());
        }
        Err(TapeError::Seed { shape: shape.to_vec(), seed: seed.to_vec() })
    }

    pub(crate) fn check_tracked(self) -> Result<(), TapeError> {
        if self.is_tracked() { Ok(()) } else { Err(TapeError::Untracked { output: self.into() }) }
    }

    pub(crate) fn scalar_seed(self) -> Result<Tensor<A>, TapeError> {
        self.check_tracked()?;
        let shape = self.shape();
        if shape.iter().product::<usize>() == 1 {
            Ok(Tensor::ones(&shape))
        } else {
            Err(TapeError::NotScalar { output: self.into(), shape: shape.to_vec() })
        }
    }
}
