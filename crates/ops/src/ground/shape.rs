//! Shapes, axes and broadcasting.

use smallvec::SmallVec;

use crate::ground::Problem;

/// The lengths of the axes of a tensor; empty for a scalar.
pub type Shape = SmallVec<[usize; 4]>;

/// A set of axes as the caller writes it: one (`0`, `-1`), several (`[0, -1]`), or all (`..`).
///
/// Negative numbers count from the last axis, as in NumPy.
///
/// ```
/// use ops::Tensor;
/// use ops::prelude::*;
///
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(x.sum_axes(-1), Tensor::from([3.0, 7.0]));
/// assert_eq!(x.sum_axes([0, 1]), Tensor::scalar(10.0));
/// assert_eq!(x.sum_axes(..), Tensor::scalar(10.0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes(Option<SmallVec<[isize; 4]>>);

impl Axes {
    /// All axes.
    pub const ALL: Self = Self(None);

    /// The axes as they were named; `None` for all of them.
    pub fn named(&self) -> Option<&[isize]> {
        self.0.as_deref()
    }

    /// The axes as sorted positions in a shape of `ndim` axes.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    pub fn resolve(&self, ndim: usize) -> Result<SmallVec<[usize; 4]>, Problem> {
        let Some(axes) = &self.0 else { return Ok((0..ndim).collect()) };
        let mut resolved = SmallVec::new();
        for &axis in axes {
            let position = resolve_axis(axis, ndim)?;
            if resolved.contains(&position) {
                return Err(Problem::DuplicateAxis { axis });
            }
            resolved.push(position);
        }
        resolved.sort_unstable();
        Ok(resolved)
    }
}

impl std::fmt::Display for Axes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            None => f.write_str("all"),
            Some(axes) => {
                for (i, axis) in axes.iter().enumerate() {
                    write!(f, "{}{axis}", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Self {
        Self(Some(SmallVec::from_slice(&[axis])))
    }
}
impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Self {
        Self(Some(SmallVec::from_slice(&axes)))
    }
}
impl From<&[isize]> for Axes {
    fn from(axes: &[isize]) -> Self {
        Self(Some(SmallVec::from_slice(axes)))
    }
}
impl From<Vec<isize>> for Axes {
    fn from(axes: Vec<isize>) -> Self {
        Self(Some(SmallVec::from_vec(axes)))
    }
}
impl From<std::ops::RangeFull> for Axes {
    fn from(_: std::ops::RangeFull) -> Self {
        Self::ALL
    }
}

/// The position of an axis that may count from the end.
///
/// # Errors
/// If the axis is not one of `ndim`.
pub fn resolve_axis(axis: isize, ndim: usize) -> Result<usize, Problem> {
    let position = if axis < 0 { axis + ndim as isize } else { axis };
    usize::try_from(position)
        .ok()
        .filter(|&position| position < ndim)
        .ok_or(Problem::AxisOutOfRange { axis, ndim })
}

/// Larger results, in bytes, are asked of the allocator before they are computed.
const LARGE: usize = 1 << 30;

/// The number of elements of a shape, where an element takes so many bytes.
///
/// This and [`room`] are the only places where lengths are multiplied that nobody has checked.
///
/// # Errors
/// If memory cannot address them, or the lengths that are not 0 by themselves.
///
/// ```
/// use ops::shape::count;
///
/// assert_eq!(count(&[2, 3], 8), Ok(6));
/// assert_eq!(count(&[2, 0], 8), Ok(0));
/// let error = count(&[1 << 40, 1 << 40], 8).unwrap_err().to_string();
/// assert!(error.contains("would take 9.7e24 bytes"), "{error}");
/// ```
pub fn count(shape: &[usize], bytes: usize) -> Result<usize, Problem> {
    let lengths = shape.iter().filter(|&&length| length != 0);
    let all = lengths.copied().try_fold(bytes, usize::checked_mul);
    match all.filter(|&all| isize::try_from(all).is_ok()) {
        Some(_) if shape.contains(&0) => Ok(0),
        Some(all) => Ok(all / bytes),
        None => Err(Problem::TooLarge { shape: Shape::from_slice(shape), bytes }),
    }
}

/// The number of elements of a shape, if memory for all of them can be had now.
///
/// # Errors
/// If they cannot be addressed, or the allocator refuses to give so much.
pub fn room(shape: &[usize], bytes: usize) -> Result<usize, Problem> {
    let count = count(shape, bytes)?;
    if count * bytes > LARGE {
        let mut probe = Vec::<u8>::new();
        let given = probe.try_reserve_exact(count * bytes);
        std::hint::black_box(&mut probe); // Or the compiler leaves the allocation out.
        given.map_err(|_| Problem::TooLarge { shape: Shape::from_slice(shape), bytes })?;
    }
    Ok(count)
}

/// The shape that the given ones broadcast to by NumPy's rule: shapes are aligned at their last
/// axes, and lengths along an axis must be equal or 1.
///
/// # Errors
/// If two lengths along an axis differ and neither is 1.
pub fn broadcast(shapes: &[&[usize]]) -> Result<Shape, Problem> {
    if shapes.iter().all(|shape| shape.is_empty()) {
        return Ok(Shape::new());
    }
    if let [first, rest @ ..] = shapes
        && rest.iter().all(|shape| same(shape, first))
    {
        return Ok(Shape::from_slice(first));
    }
    let ndim = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut result = Shape::from_elem(1, ndim);
    for shape in shapes {
        let offset = ndim - shape.len();
        for (axis, &length) in shape.iter().enumerate() {
            let known = &mut result[offset + axis];
            if *known == 1 {
                *known = length;
            } else if length != 1 && length != *known {
                return Err(Problem::Broadcast {
                    from_last: ndim - offset - axis,
                    lengths: (*known, length),
                });
            }
        }
    }
    Ok(result)
}

/// Whether two shapes are equal. They have few axes: the call of a comparison of memory would take longer.
#[inline]
pub(crate) fn same(a: &[usize], b: &[usize]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

/// Whether a shape of no elements has more rows of none than a loop should visit.
pub(crate) fn has_endless_rows(shape: &[usize]) -> bool {
    const MOST: usize = 1 << 24;
    let mut rows = shape.iter().filter(|&&length| length > 0);
    shape.contains(&0)
        && rows.try_fold(1, |rows: usize, &n| rows.checked_mul(n)).is_none_or(|rows| rows > MOST)
}

/// `shape` with the given (resolved) axes at length 1, or removed.
pub fn reduced(shape: &[usize], axes: &[usize], keepdims: bool) -> Shape {
    shape
        .iter()
        .enumerate()
        .filter(|(axis, _)| keepdims || !axes.contains(axis))
        .map(|(axis, &length)| if axes.contains(&axis) { 1 } else { length })
        .collect()
}

/// The axes over which a value of shape `from` is summed to get back to a `to` that was
/// broadcast to it: all axes that were added or stretched.
///
/// # Errors
/// If `to` does not broadcast to `from`.
pub fn stretched_axes(from: &[usize], to: &[usize]) -> Result<SmallVec<[isize; 4]>, Problem> {
    let fits = |added: usize| from[added..].iter().zip(to).all(|(&n, &to)| to == n || to == 1);
    let Some(added) = from.len().checked_sub(to.len()).filter(|&added| fits(added)) else {
        return Err(Problem::SumTo { to: Shape::from_slice(to) });
    };
    let axes = (0..from.len())
        .filter(|&axis| axis < added || (to[axis - added] == 1 && from[axis] != 1))
        .map(|axis| axis as isize);
    Ok(axes.collect())
}
