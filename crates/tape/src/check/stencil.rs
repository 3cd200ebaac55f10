//! The finite difference.

/// f near x along a direction, at steps of h.
pub(super) struct Stencil {
    far_left: f64,
    pub left: f64,
    centre: f64,
    pub right: f64,
    far_right: f64,
    h: f64,
}

impl Stencil {
    pub fn slope(&self) -> f64 {
        (self.far_left - 8.0 * self.left + 8.0 * self.right - self.far_right) / (12.0 * self.h)
    }

    /// The slopes from the left and from the right, by three points each.
    fn sides(&self) -> (f64, f64) {
        let left = (3.0 * self.centre - 4.0 * self.left + self.far_left) / (2.0 * self.h);
        let right = (-3.0 * self.centre + 4.0 * self.right - self.far_right) / (2.0 * self.h);
        (left, right)
    }

    /// Tells whether the slopes of both sides differ by far more than a smooth function's would, and
    /// `slope` lies between them.
    pub fn has_kink_at(&self, slope: f64) -> bool {
        let (left, right) = self.sides();
        let jump = (left - right).abs();
        let most = left.abs().max(right.abs());
        let slack = 1e-3 * most;
        jump > 1e-2 * most && slope >= left.min(right) - slack && slope <= left.max(right) + slack
    }
}

/// Evaluates a function at the five points.
pub(super) fn stencil<E>(h: f64, mut at: impl FnMut(f64) -> Result<f64, E>) -> Result<Stencil, E> {
    Ok(Stencil {
        far_left: at(-2.0)?,
        left: at(-1.0)?,
        centre: at(0.0)?,
        right: at(1.0)?,
        far_right: at(2.0)?,
        h,
    })
}
