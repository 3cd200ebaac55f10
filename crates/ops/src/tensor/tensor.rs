//! The value type: an n-dimensional array that is cheap to clone.

use std::fmt::{self, Debug, Display};
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use approx::{AbsDiffEq, RelativeEq};
use ndarray::{ArcArray, Array, ArrayD, ArrayView, ArrayViewD, ArrayViewMutD, Dimension, IxDyn};
use smallvec::SmallVec;
use thiserror::Error;

use crate::ground::memory;
use crate::ground::shape::{count, room};
use crate::number::Float;

/// An n-dimensional array of `f32` or `f64`.
///
/// Cloning is cheap: the elements are shared until one owner changes them (copy on write). A
/// scalar (no axes) is stored inline, without a heap allocation. The storage is
/// [ndarray](https://docs.rs/ndarray)'s; conversions from and to its arrays of every dimension
/// move the elements and do not copy them.
///
/// ```
/// use ndarray::array;
/// use ops::Tensor;
///
/// let x = Tensor::from(array![[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(x.shape(), [2, 2]);
/// assert_eq!(x.to_array::<ndarray::Ix2>()?, array![[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(Tensor::from(3.5).item(), 3.5);
/// # Ok::<(), ops::TensorError>(())
/// ```
#[derive(Clone)]
pub struct Tensor<A: Float>(pub(super) Repr<A>);

// A node of a graph holds one of these: two words, where an `ArcArray` by itself is over a dozen.
// Invariant: `Array` has at least one axis.
pub(super) enum Repr<A: Float> {
    Scalar(A),
    Array(Arc<Stored<A>>),
}

impl<A: Float> Clone for Repr<A> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Scalar(value) => Self::Scalar(*value),
            Self::Array(stored) => Self::Array(another_owner(stored)),
        }
    }
}

/// Not inlined: the compiler would copy a number and its tag as one, and the processor wait for both
/// where they were just written one by one.
#[inline(never)]
fn another_owner<A: Float>(stored: &Arc<Stored<A>>) -> Arc<Stored<A>> {
    Arc::clone(stored)
}

/// An array whose buffer is used again when its last owner is gone.
#[derive(Clone)]
pub(super) struct Stored<A: Float>(pub(super) Option<ArcArray<A, IxDyn>>);

impl<A: Float> Stored<A> {
    /// The array, which only `drop` and `into_inner` take away.
    fn into_inner(mut self) -> ArcArray<A, IxDyn> {
        self.0.take().expect("an array")
    }
}

impl<A: Float> Deref for Stored<A> {
    type Target = ArcArray<A, IxDyn>;
    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("an array")
    }
}

impl<A: Float> DerefMut for Stored<A> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_mut().expect("an array")
    }
}

impl<A: Float> Drop for Stored<A> {
    fn drop(&mut self) {
        if let Some(Ok(array)) = self.0.take().map(ArcArray::try_into_owned_nocopy) {
            memory::give(array.into_raw_vec_and_offset().0);
        }
    }
}

/// A conversion that does not fit the tensor's shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TensorError {
    /// Another number of elements than the shape holds.
    #[error("a tensor of shape {shape:?} {}", elements_needed(shape, *given))]
    Elements {
        /// The shape.
        shape: Vec<usize>,
        /// How many elements were given.
        given: usize,
    },
    /// Another number of axes than the array type has.
    #[error("a tensor of shape {shape:?} has {} axes, but an array of {wanted} axes was asked for", shape.len())]
    Axes {
        /// The shape.
        shape: Vec<usize>,
        /// How many axes the array type has.
        wanted: usize,
    },
}

/// How many elements a shape holds, and how many were given.
fn elements_needed(shape: &[usize], given: usize) -> String {
    let count = count(shape, 1).ok();
    let elements = |n: usize| format!("{n} element{}", if n == 1 { "" } else { "s" });
    match count.filter(|&count| count != given) {
        Some(count) => {
            let were = if given == 1 { "was" } else { "were" };
            format!("holds {}, but {given} {were} given", elements(count))
        }
        None => "is larger than memory can be addressed, even if an axis has length 0".into(),
    }
}

impl<A: Float> Tensor<A> {
    /// A tensor without axes, which holds one number.
    #[inline]
    pub fn scalar(value: A) -> Self {
        Self(Repr::Scalar(value))
    }

    /// A tensor of `shape` from its elements, the last axis fastest.
    ///
    /// # Errors
    /// If the shape holds another number of elements.
    ///
    /// ```
    /// use ops::Tensor;
    ///
    /// assert_eq!(Tensor::from_shape_vec(&[2, 1], vec![1.0, 2.0])?, Tensor::from([[1.0], [2.0]]));
    /// let error = Tensor::from_shape_vec(&[2, 3], vec![1.0, 2.0]).unwrap_err();
    /// assert_eq!(error.to_string(), "a tensor of shape [2, 3] holds 6 elements, but 2 were given");
    /// # Ok::<(), ops::TensorError>(())
    /// ```
    pub fn from_shape_vec(shape: &[usize], elements: Vec<A>) -> Result<Self, TensorError> {
        let given = elements.len();
        if let ([], [value]) = (shape, &elements[..]) {
            return Ok(Self::scalar(*value));
        }
        let array = ArrayD::from_shape_vec(IxDyn(shape), elements)
            .map_err(|_| TensorError::Elements { shape: shape.to_vec(), given })?;
        Ok(Self::from(array))
    }

    /// A tensor of `shape`, every element `value`.
    ///
    /// # Panics
    /// If memory cannot hold it.
    #[track_caller]
    pub fn full(shape: &[usize], value: A) -> Self {
        if shape.is_empty() {
            return Self::scalar(value);
        }
        let count = match room(shape, size_of::<A>()) {
            Ok(count) => count,
            Err(problem) => panic!("{problem}"),
        };
        Self::from_buffer(shape, memory::filled(count, value))
    }

    /// A tensor of `shape` whose elements are yet to be written: what they are is not said.
    pub(crate) fn unset(shape: &[usize]) -> Self {
        if shape.is_empty() {
            return Self::default();
        }
        Self::from_buffer(shape, memory::take(shape.iter().product()))
    }

    /// A tensor of zeros.
    ///
    /// # Panics
    /// If memory cannot hold it.
    #[track_caller]
    pub fn zeros(shape: &[usize]) -> Self {
        Self::full(shape, A::zero())
    }

    /// A tensor of ones.
    ///
    /// # Panics
    /// If memory cannot hold it.
    #[track_caller]
    pub fn ones(shape: &[usize]) -> Self {
        Self::full(shape, A::one())
    }

    /// The lengths of the axes.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        match &self.0 {
            Repr::Scalar(_) => &[],
            Repr::Array(array) => array.shape(),
        }
    }

    /// The number of axes.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one element of a tensor that has one.
    ///
    /// # Panics
    /// If there is more than one element, or none.
    #[inline]
    #[track_caller]
    pub fn item(&self) -> A {
        match &self.0 {
            Repr::Scalar(value) => *value,
            Repr::Array(array) => {
                let count = array.len();
                assert!(
                    count == 1,
                    "item() takes the one element of a tensor, but a tensor of shape {:?} has {count}",
                    array.shape()
                );
                *array.first().expect("one element")
            }
        }
    }

    /// The number of a tensor without axes; `None` if it has axes.
    #[inline]
    pub fn as_scalar(&self) -> Option<A> {
        match self.0 {
            Repr::Scalar(value) => Some(value),
            Repr::Array(_) => None,
        }
    }

    /// The number of a tensor without axes, to change it.
    #[inline]
    pub(crate) fn as_scalar_mut(&mut self) -> Option<&mut A> {
        match &mut self.0 {
            Repr::Scalar(value) => Some(value),
            Repr::Array(_) => None,
        }
    }

    /// A view of the elements as an ndarray.
    pub fn view(&self) -> ArrayViewD<'_, A> {
        match &self.0 {
            Repr::Scalar(value) => {
                ArrayView::from_shape(IxDyn(&[]), std::slice::from_ref(value)).expect("one element")
            }
            Repr::Array(array) => array.view(),
        }
    }

    /// A view through which the elements can be changed; copies them first if they are shared.
    pub fn view_mut(&mut self) -> ArrayViewMutD<'_, A> {
        match &mut self.0 {
            Repr::Scalar(value) => {
                ArrayViewMutD::from_shape(IxDyn(&[]), std::slice::from_mut(value))
                    .expect("one element")
            }
            Repr::Array(array) => Arc::make_mut(array).view_mut(),
        }
    }

    /// The elements in whatever order they are stored, to change them, if there are no gaps, and the
    /// lengths of the steps along the axes.
    pub(crate) fn stored_mut(&mut self) -> Option<(&mut [A], SmallVec<[isize; 6]>)> {
        match &mut self.0 {
            Repr::Scalar(value) => Some((std::slice::from_mut(value), SmallVec::new())),
            Repr::Array(array) => {
                let array = Arc::make_mut(array);
                let strides = SmallVec::from_slice(array.strides());
                Some((array.as_slice_memory_order_mut()?, strides))
            }
        }
    }

    /// The lengths of the steps along the axes.
    pub(crate) fn strides(&self) -> &[isize] {
        match &self.0 {
            Repr::Scalar(_) => &[],
            Repr::Array(array) => array.strides(),
        }
    }

    /// The elements in whatever order they are stored, if there are no gaps.
    pub(crate) fn stored(&self) -> Option<(&[A], &[isize])> {
        match &self.0 {
            Repr::Scalar(value) => Some((std::slice::from_ref(value), &[])),
            Repr::Array(array) => Some((array.as_slice_memory_order()?, array.strides())),
        }
    }

    /// The elements in the order of the axes, the last axis fastest, if they are stored so.
    pub(crate) fn elements(&self) -> Option<&[A]> {
        match &self.0 {
            Repr::Scalar(value) => Some(std::slice::from_ref(value)),
            Repr::Array(array) => array.as_slice(),
        }
    }

    /// The same, to change them.
    pub(crate) fn elements_mut(&mut self) -> Option<&mut [A]> {
        match &mut self.0 {
            Repr::Scalar(value) => Some(std::slice::from_mut(value)),
            Repr::Array(array) => Arc::make_mut(array).as_slice_mut(),
        }
    }

    /// Shares the elements of another tensor instead of its own, without an allocation if nothing
    /// else shares its handle.
    #[doc(hidden)] // For the tape's programs.
    pub fn share(&mut self, other: &Self) {
        self.share_array(other.shared());
    }

    pub(crate) fn share_array(&mut self, array: ArcArray<A, IxDyn>) {
        if let Repr::Array(stored) = &mut self.0
            && let Some(Stored(own)) = Arc::get_mut(stored)
            && array.ndim() > 0
        {
            drop(Stored(own.replace(array)));
        } else {
            *self = Self::from(array);
        }
    }

    /// The elements in the order of the axes, the last axis fastest.
    ///
    /// ```
    /// use ops::Tensor;
    /// assert_eq!(Tensor::from([[1.0, 2.0], [3.0, 4.0]]).to_vec(), [1.0, 2.0, 3.0, 4.0]);
    /// ```
    pub fn to_vec(&self) -> Vec<A> {
        self.elements().map_or_else(|| self.view().iter().copied().collect(), <[A]>::to_vec)
    }

    /// The tensor as an ndarray of a fixed number of axes, or of any number for `IxDyn`. The
    /// elements are moved if no other tensor shares them, and copied otherwise. They may begin after
    /// the beginning of the array's memory, as
    /// [`into_raw_vec_and_offset`](ndarray::ArrayBase::into_raw_vec_and_offset) tells.
    ///
    /// # Errors
    /// If the tensor has another number of axes.
    pub fn into_array<D: Dimension>(self) -> Result<Array<A, D>, TensorError> {
        let array = match self.0 {
            Repr::Scalar(value) => ArrayD::from_elem(IxDyn(&[]), value),
            Repr::Array(array) => Arc::unwrap_or_clone(array).into_inner().into_owned(),
        };
        let shape = array.shape().to_vec();
        array
            .into_dimensionality()
            .map_err(|_| TensorError::Axes { shape, wanted: D::NDIM.unwrap_or_default() })
    }

    /// A copy of the elements as an ndarray.
    ///
    /// # Errors
    /// If the tensor has another number of axes than `D`.
    pub fn to_array<D: Dimension>(&self) -> Result<Array<A, D>, TensorError> {
        self.clone().into_array()
    }

    /// A tensor of the same shape, each element under `f`.
    pub fn map<B: Float>(&self, f: impl FnMut(A) -> B) -> Tensor<B> {
        let mut f = f;
        match &self.0 {
            Repr::Scalar(value) => Tensor::scalar(f(*value)),
            Repr::Array(array) => Tensor::from(array.mapv(f)),
        }
    }

    /// The same numbers in another element type.
    ///
    /// ```
    /// use ops::Tensor;
    /// assert_eq!(Tensor::from([0.5_f64, 2.0]).cast::<f32>(), Tensor::from([0.5_f32, 2.0]));
    /// ```
    pub fn cast<B: Float>(&self) -> Tensor<B> {
        self.map(|value| B::from_f64(value.to_f64()))
    }

    /// Whether no element is infinite or NaN.
    pub fn is_finite(&self) -> bool {
        match self.stored() {
            Some((elements, _)) => elements.iter().all(|value| value.is_finite()),
            None => self.view().iter().all(|value| value.is_finite()),
        }
    }

    /// Whether two tensors share elements in memory, or have elements of one array between each
    /// other.
    pub fn shares_memory_with(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Array(a), Repr::Array(b)) => {
                let (a, b) = (addresses(&a.view()), addresses(&b.view()));
                a.start < b.end && b.start < a.end
            }
            _ => false,
        }
    }

    pub(crate) fn shared(&self) -> ArcArray<A, IxDyn> {
        match &self.0 {
            Repr::Scalar(value) => ArcArray::from_elem(IxDyn(&[]), *value),
            Repr::Array(array) => ArcArray::clone(array),
        }
    }
}

/// The addresses from the first element in memory to the last. Those of two columns of one array
/// overlap.
fn addresses<A>(x: &ArrayViewD<'_, A>) -> Range<usize> {
    let (mut first, mut last) = (x.as_ptr().addr(), x.as_ptr().addr());
    if x.is_empty() {
        return 0..0;
    }
    for (&length, &stride) in x.shape().iter().zip(x.strides()) {
        let reach = (length - 1) * stride.unsigned_abs() * size_of::<A>();
        if stride < 0 { first -= reach } else { last += reach }
    }
    first..last + size_of::<A>()
}

impl<A: Float> PartialEq for Tensor<A> {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl<A: Float> AbsDiffEq for Tensor<A>
where
    A: AbsDiffEq<Epsilon = A>,
{
    type Epsilon = A;
    fn default_epsilon() -> A {
        A::default_epsilon()
    }
    fn abs_diff_eq(&self, other: &Self, epsilon: A) -> bool {
        self.shape() == other.shape()
            && self.view().iter().zip(other.view()).all(|(a, b)| a.abs_diff_eq(b, epsilon))
    }
}

impl<A: Float> RelativeEq for Tensor<A>
where
    A: RelativeEq + AbsDiffEq<Epsilon = A>,
{
    fn default_max_relative() -> A {
        A::default_max_relative()
    }
    fn relative_eq(&self, other: &Self, epsilon: A, max_relative: A) -> bool {
        self.shape() == other.shape()
            && self
                .view()
                .iter()
                .zip(other.view())
                .all(|(a, b)| a.relative_eq(b, epsilon, max_relative))
    }
}

impl<A: Float> Display for Tensor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Scalar(value) => Display::fmt(value, f),
            Repr::Array(array) => Display::fmt(&***array, f),
        }
    }
}

impl<A: Float> Debug for Tensor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor<{}> {:?} {self}", A::NAME, self.shape())
    }
}
