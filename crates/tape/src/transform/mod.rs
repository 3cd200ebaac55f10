//! Transformations of functions: gradients, products with Jacobians, Jacobians, Hessians.
//!
//! The functions here take a function of variables and tensors, and give tensors. Those of
//! [`nested`] take and give variables, so that they can stand inside a function that is itself
//! transformed, to any depth.
//!
//! | | gives | by |
//! |---|---|---|
//! | [`grad`], [`value_and_grad`] | the gradient of a scalar function | one reverse sweep |
//! | [`vjp`] | a cotangent times the Jacobian | one reverse sweep |
//! | [`jvp`] | the Jacobian times a tangent | forward mode, nothing recorded |
//! | [`vmap`] | the values for every row of a batch | the same ops with one more axis |
//! | [`jacobian`] | the Jacobian | whichever mode has fewer directions, all in one sweep |
//! | [`hessian`] | the matrix of second derivatives | forward over reverse, all in one sweep |
//! | [`hvp`] | the Hessian times a vector | forward over reverse, one sweep each |
//!
//! ```
//! use tape::transform::{grad, hessian};
//! use tape::prelude::*;
//!
//! // Rosenbrock's function at (1, 2).
//! fn f<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
//!     let (x, y) = (v[0].slice(ndarray::s![0]), v[0].slice(ndarray::s![1]));
//!     (1.0 - x).square() + 100.0 * (y - x.square()).square()
//! }
//! let x = ops::Tensor::from([1.0, 2.0]);
//! assert_eq!(grad(f, &[x.clone()])?, [ops::Tensor::from([-400.0, 200.0])]);
//! assert_eq!(hessian(f, &x)?, ops::Tensor::from([[402.0, -400.0], [-400.0, 200.0]]));
//! # Ok::<(), tape::error::TapeError>(())
//! ```

mod batch;
pub(crate) mod custom;
mod jacobian;
mod vmap;

use ops::{Float, Tensor};

use crate::graph::error::TapeError;
use crate::graph::tape::Tape;
use crate::graph::var::Var;
use crate::sweep::adjoints::{Adjoints, Reach};
use crate::sweep::sweep::sweep;

use jacobian::forward_jacobian;
pub use jacobian::{jacobian, jacobian_forward, jacobian_reverse, jacobians, value_and_jacobian};

pub use ops::jvp;
pub use vmap::{vmap, vmap_loops};

/// The gradient of a scalar function with respect to each input, in its shape; zeros where the
/// function does not depend on it.
///
/// # Errors
/// If the function is not scalar.
pub fn grad<A: Float>(
    f: impl for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    inputs: &[Tensor<A>],
) -> Result<Vec<Tensor<A>>, TapeError> {
    value_and_grad(f, inputs).map(|(_, gradients)| gradients)
}

/// The value of a scalar function and its gradient with respect to each input.
///
/// # Errors
/// If the function is not scalar.
pub fn value_and_grad<A: Float>(
    f: impl for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    inputs: &[Tensor<A>],
) -> Result<(A, Vec<Tensor<A>>), TapeError> {
    let tape = Tape::new();
    let x = variables(&tape, inputs);
    let y = f(&x);
    scalar_shape(y)?;
    let adjoints = sweep(y, Tensor::ones(&y.shape()), Reach::All, &mut ());
    Ok((y.item(), at(&adjoints, &x)))
}

/// The value of a function, and the product of a cotangent with its Jacobian with respect to each
/// input: the gradient of `(f(x) * cotangent).sum()`.
///
/// # Errors
/// If the cotangent has another shape than the value.
pub fn vjp<A: Float>(
    f: impl for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    inputs: &[Tensor<A>],
    cotangent: &Tensor<A>,
) -> Result<(Tensor<A>, Vec<Tensor<A>>), TapeError> {
    let tape = Tape::new();
    let x = variables(&tape, inputs);
    let y = f(&x);
    y.check_seed(cotangent.shape())?;
    let adjoints = sweep(y, cotangent.clone(), Reach::All, &mut ());
    Ok((y.value(), at(&adjoints, &x)))
}

/// The Hessian of a scalar function of one input: the shape of the input twice. Forward over
/// reverse, one forward sweep for all elements.
///
/// # Errors
/// If the function is not scalar.
pub fn hessian<A: Float>(
    f: impl for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    input: &Tensor<A>,
) -> Result<Tensor<A>, TapeError> {
    let tape = Tape::new();
    let x = tape.var(input);
    let y = f(&[x]);
    scalar_shape(y)?;
    Ok(match recorded_gradient(y, x, 0) {
        Some(gradient) => forward_jacobian(gradient, x, 0).value(),
        None => Tensor::zeros(&[input.shape(), input.shape()].concat()),
    })
}

/// The Hessian of a scalar function times a vector for each input, without the Hessian: forward
/// over reverse, at a small multiple of the cost of the function.
///
/// # Errors
/// If the function is not scalar.
///
/// # Panics
/// If there is not one vector for each input, in its shape.
#[track_caller]
pub fn hvp<A: Float>(
    f: impl for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    inputs: &[Tensor<A>],
    vectors: &[Tensor<A>],
) -> Result<Vec<Tensor<A>>, TapeError> {
    let (given, wanted) = (vectors.len(), inputs.len());
    assert!(given == wanted, "hvp: {given} vectors were given for {wanted} inputs");
    for (i, (input, vector)) in inputs.iter().zip(vectors).enumerate() {
        let (shape, given) = (input.shape(), vector.shape());
        assert!(
            shape == given,
            "hvp: vector {i} has shape {given:?}, but input {i} has shape {shape:?}"
        );
    }
    let tape = Tape::new();
    let x = variables(&tape, inputs);
    let y = f(&x);
    scalar_shape(y)?;
    let seed = tape.constant(Tensor::ones(&y.shape()));
    let gradients = sweep(y, seed, Reach::All, &mut ());
    let along: Vec<_> = x.iter().copied().zip(vectors.iter().cloned()).collect();
    let product = |x: Var<'_, A>| match gradients.get(x.position()) {
        Some(gradient) => gradient.tangent(&along),
        None => Tensor::zeros(&x.shape()),
    };
    Ok(x.iter().map(|&x| product(x)).collect())
}

/// The same transformations from variables to variables, for use inside functions that are
/// themselves transformed.
///
/// Each call differentiates with respect to nodes of its own, so that a derivative is never taken
/// with respect to an outer variable of the same value ("perturbation confusion").
///
/// ```
/// use tape::transform::{grad, nested};
/// use tape::prelude::*;
///
/// // d/dx [x · d/dy (x + y) at y = 1] = d/dx [x · 1] = 1, at any x.
/// fn f<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
///     let x = v[0];
///     let one = x.tape().constant(1.0);
///     x * nested::grad(|y| x + y[0], &[one])[0]
/// }
/// assert_eq!(grad(f, &[ops::Tensor::scalar(5.0)])?, [ops::Tensor::scalar(1.0)]);
/// # Ok::<(), tape::error::TapeError>(())
/// ```
pub mod nested {
    use ops::rules::Identity;
    use ops::{Float, Reading, Tensor};

    use super::jacobian::{forward_jacobian, reverse_jacobian};
    use super::vmap::over_rows;
    use super::{elements, recorded_gradient, scalar_shape};
    use crate::graph::var::Var;
    use crate::sweep::adjoints::Reach;
    use crate::sweep::forward::push;
    use crate::sweep::sweep::sweep;

    /// Nodes of their own for the inputs, and the number of the first.
    #[track_caller]
    fn apart<'t, A: Float>(inputs: &[Var<'t, A>]) -> (Vec<Var<'t, A>>, usize) {
        let since = inputs.first().map_or(0, |x| x.tape().len());
        (inputs.iter().map(|&x| x.alias()).collect(), since)
    }

    /// Refuses another number of tangents than inputs, or a tangent of another shape.
    #[track_caller]
    fn check_tangents<A: Float>(inputs: &[Var<'_, A>], tangents: &[Var<'_, A>]) {
        let (given, wanted) = (tangents.len(), inputs.len());
        assert!(given == wanted, "{given} tangents were given for {wanted} inputs");
        for (i, (x, tangent)) in inputs.iter().zip(tangents).enumerate() {
            let (shape, given) = (x.shape(), tangent.shape());
            assert!(
                shape == given,
                "tangent {i} has shape {given:?}, but input {i} has shape {shape:?}"
            );
        }
    }

    impl<A: Float> Var<'_, A> {
        /// A node of its own with the same value, through which gradients flow.
        #[track_caller]
        pub(crate) fn alias(self) -> Self {
            let alias = Self::apply(Identity, &[&self]);
            alias.tape().track(alias);
            alias
        }
    }

    /// The gradient of a scalar function with respect to each input.
    ///
    /// # Panics
    /// If the function is not scalar.
    #[track_caller]
    pub fn grad<'t, A: Float>(
        f: impl Fn(&[Var<'t, A>]) -> Var<'t, A>,
        inputs: &[Var<'t, A>],
    ) -> Vec<Var<'t, A>> {
        let (x, since) = apart(inputs);
        let y = f(&x);
        if let Err(error) = scalar_shape(y) {
            panic!("{error}");
        }
        vjp_of(y, y.tape().constant(Tensor::ones(&y.shape())), &x, since)
    }

    /// The value of a function and the product of a cotangent with its Jacobian.
    ///
    /// # Panics
    /// If the cotangent has another shape than the value.
    #[track_caller]
    pub fn vjp<'t, A: Float>(
        f: impl Fn(&[Var<'t, A>]) -> Var<'t, A>,
        inputs: &[Var<'t, A>],
        cotangent: Var<'t, A>,
    ) -> (Var<'t, A>, Vec<Var<'t, A>>) {
        let (x, since) = apart(inputs);
        let y = f(&x);
        if let Err(error) = y.check_seed(&cotangent.shape()) {
            panic!("{error}");
        }
        (y, vjp_of(y, cotangent, &x, since))
    }

    fn vjp_of<'t, A: Float>(
        y: Var<'t, A>,
        seed: Var<'t, A>,
        x: &[Var<'t, A>],
        since: usize,
    ) -> Vec<Var<'t, A>> {
        let adjoints = sweep(y, seed, Reach::Since(since), &mut ());
        let zeros = |x: Var<'t, A>| x.tape().constant(Tensor::zeros(&x.shape()));
        let of = |&x: &Var<'t, A>| adjoints.get(x.position()).copied().unwrap_or_else(|| zeros(x));
        x.iter().map(of).collect()
    }

    /// The value of a function and its Jacobian times a tangent for each input.
    ///
    /// # Panics
    /// If there is not one tangent for each input, in its shape.
    #[track_caller]
    pub fn jvp<'t, A: Float>(
        f: impl Fn(&[Var<'t, A>]) -> Var<'t, A>,
        inputs: &[Var<'t, A>],
        tangents: &[Var<'t, A>],
    ) -> (Var<'t, A>, Var<'t, A>) {
        check_tangents(inputs, tangents);
        let (x, since) = apart(inputs);
        let y = f(&x);
        let along: Vec<_> = x.into_iter().zip(tangents.iter().copied()).collect();
        let tangent = push(y, since, &along);
        (y, tangent.unwrap_or_else(|| y.tape().constant(Tensor::zeros(&y.shape()))))
    }

    /// The Jacobian of a function of one input: the shape of the value, then that of the input.
    #[track_caller]
    pub fn jacobian<'t, A: Float>(
        f: impl Fn(Var<'t, A>) -> Var<'t, A>,
        input: Var<'t, A>,
    ) -> Var<'t, A> {
        let (x, since) = apart(&[input]);
        let y = f(x[0]);
        if elements(&input.shape()) < elements(&y.shape()) {
            forward_jacobian(y, x[0], since)
        } else {
            reverse_jacobian(y, &x, since)[0]
        }
    }

    /// The values of a function for every row of a batch at once: [`vmap`](super::vmap) on
    /// variables. Nests with all the others: inside it they take one row, around it the whole batch.
    ///
    /// # Panics
    /// If there is not one axis for each input, an axis does not exist, the inputs have different
    /// numbers of rows, or none has rows.
    #[track_caller]
    pub fn vmap<'t, A: Float>(
        f: impl Fn(&[Var<'t, A>]) -> Var<'t, A>,
        inputs: &[Var<'t, A>],
        axes: &[Option<isize>],
    ) -> Var<'t, A> {
        let Some(first) = inputs.first() else { panic!("vmap: it needs at least one input") };
        match over_rows(first.tape(), f, inputs, axes) {
            Ok((value, _)) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// The Hessian of a scalar function of one input: the shape of the input twice.
    ///
    /// # Panics
    /// If the function is not scalar.
    #[track_caller]
    pub fn hessian<'t, A: Float>(
        f: impl Fn(Var<'t, A>) -> Var<'t, A>,
        input: Var<'t, A>,
    ) -> Var<'t, A> {
        let (x, since) = apart(&[input]);
        let y = f(x[0]);
        if let Err(error) = scalar_shape(y) {
            panic!("{error}");
        }
        let shape = input.shape();
        let zeros = || y.tape().constant(Tensor::zeros(&[&shape[..], &shape[..]].concat()));
        recorded_gradient(y, x[0], since)
            .map_or_else(zeros, |gradient| forward_jacobian(gradient, x[0], since))
    }

    /// The Hessian of a scalar function times a vector for each input.
    ///
    /// # Panics
    /// If the function is not scalar.
    #[track_caller]
    pub fn hvp<'t, A: Float>(
        f: impl Fn(&[Var<'t, A>]) -> Var<'t, A>,
        inputs: &[Var<'t, A>],
        vectors: &[Var<'t, A>],
    ) -> Vec<Var<'t, A>> {
        check_tangents(inputs, vectors);
        let (x, since) = apart(inputs);
        let gradients = grad(f, &x);
        let along: Vec<_> = x.iter().copied().zip(vectors.iter().copied()).collect();
        let zeros = |x: Var<'t, A>| x.tape().constant(Tensor::zeros(&x.shape()));
        gradients.iter().map(|&g| push(g, since, &along).unwrap_or_else(|| zeros(g))).collect()
    }
}

fn variables<'t, A: Float>(tape: &'t Tape<A>, inputs: &[Tensor<A>]) -> Vec<Var<'t, A>> {
    inputs.iter().map(|x| tape.var(x)).collect()
}

/// The adjoints at `x`: zeros where there are none.
fn at<A: Float>(adjoints: &Adjoints<Tensor<A>>, x: &[Var<'_, A>]) -> Vec<Tensor<A>> {
    let of = |x: Var<'_, A>| adjoints.get(x.position()).cloned();
    x.iter().map(|&x| of(x).unwrap_or_else(|| Tensor::zeros(&x.shape()))).collect()
}

fn elements(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn scalar_shape<A: Float>(y: Var<'_, A>) -> Result<(), TapeError> {
    let shape = y.shape();
    if elements(&shape) == 1 {
        Ok(())
    } else {
        Err(TapeError::NotScalar { output: y.into(), shape: shape.to_vec() })
    }
}

/// The recorded gradient of `y` with respect to `x`, if it depends on it.
fn recorded_gradient<'t, A: Float>(
    y: Var<'t, A>,
    x: Var<'t, A>,
    since: usize,
) -> Option<Var<'t, A>> {
    let seed = y.tape().constant(Tensor::ones(&y.shape()));
    sweep(y, seed, Reach::Since(since), &mut ()).get(x.position()).copied()
}
