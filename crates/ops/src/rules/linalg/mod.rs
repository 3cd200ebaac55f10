//! Linear algebra for small systems: inverse, solution, determinant, Cholesky factor, of a matrix
//! or a stack of matrices. Factorisations are nalgebra's, done in `f64`.
//!
//! Source of the gradients: Giles, *Collected matrix derivative results for forward and reverse
//! mode algorithmic differentiation*, 2008; for the Cholesky factor, Murray, *Differentiation of
//! the Cholesky decomposition*, 2016, equation 10.

mod cholesky;
mod cofactor;
mod det;
mod inverse;
mod methods;
mod shared;
mod solve;

pub use cholesky::Cholesky;
pub use cofactor::{Cofactor, CofactorSlope};
pub use det::{Det, LogDet};
pub use inverse::Inverse;
pub use methods::LinalgMethods;
pub use solve::Solve;
