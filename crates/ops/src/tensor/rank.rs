//! Which elements are the largest.

use ndarray::IxDyn;

use crate::ground::{Problem, resolve_axis};
use crate::number::Float;
use crate::tensor::{Indices, Tensor};

impl<A: Float> Tensor<A> {
    /// For each lane along `axis`, the index of its largest element: the first of equals, or of a
    /// NaN. The axis is removed.
    ///
    /// ```
    /// use ops::Tensor;
    /// let x = Tensor::from([[1.0, 5.0, 3.0], [4.0, 0.0, 4.0]]);
    /// assert_eq!(x.argmax(1)?.elements(), [1, 0]);
    /// assert_eq!(x.argmin(0)?.elements(), [0, 1, 0]);
    /// # Ok::<(), ops::Problem>(())
    /// ```
    ///
    /// # Errors
    /// If the axis does not exist or is empty.
    pub fn argmax(&self, axis: isize) -> Result<Indices, Problem> {
        self.ranked(axis, 1, true)?.without_axis(axis)
    }

    /// For each lane along `axis`, the index of its smallest element, as [`argmax`](Self::argmax).
    ///
    /// # Errors
    /// If the axis does not exist or is empty.
    pub fn argmin(&self, axis: isize) -> Result<Indices, Problem> {
        self.ranked(axis, 1, false)?.without_axis(axis)
    }

    /// For each lane along `axis`, the indices of its `k` largest elements, the largest first; of
    /// equals the first. NaN counts as larger than all. Give them to
    /// [`take_along_axis`](crate::methods::LayoutMethods::take_along_axis) for the values, through
    /// which gradients flow.
    ///
    /// # Errors
    /// If the axis does not exist or is shorter than `k`.
    pub fn top_k(&self, axis: isize, k: usize) -> Result<Indices, Problem> {
        self.ranked(axis, k, true)
    }

    fn ranked(&self, axis: isize, k: usize, largest: bool) -> Result<Indices, Problem> {
        let position = resolve_axis(axis, self.ndim())?;
        let length = self.shape()[position];
        if k > length || length == 0 {
            let (setting, given) = ("the number of elements asked for", k.to_string());
            let allowed = format!("at most the length {length} of axis {position}, and that not 0");
            return Err(Problem::Setting { setting, given, allowed });
        }
        let mut shape = self.shape().to_vec();
        shape[position] = k;
        let mut indices = ndarray::ArrayD::<usize>::zeros(IxDyn(&shape));
        let along = ndarray::Axis(position);
        let key = |value: A| if value.is_nan() { f64::INFINITY } else { value.to_f64() };
        let nan_first = |a: A, b: A| b.is_nan().cmp(&a.is_nan());
        for (lane, mut best) in self.view().lanes(along).into_iter().zip(indices.lanes_mut(along)) {
            let mut order: Vec<usize> = (0..length).collect();
            order.sort_by(|&i, &j| {
                let (a, b) = (lane[i], lane[j]);
                let by_size = key(b).total_cmp(&key(a));
                nan_first(a, b).then(if largest { by_size } else { by_size.reverse() })
            });
            best.iter_mut().zip(order).for_each(|(to, index)| *to = index);
        }
        let elements = indices.iter().copied().collect();
        Ok(Indices::new(&shape, elements).expect("one index for each place"))
    }
}
