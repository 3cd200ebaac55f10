//! The macros that turn one entry of the table of elementwise rules into a rule, a method of
//! every reading, and a line of the registry.

/// Rules of one operand. An entry holds the doc, the names of the rule and of its method, its
/// settings (with the values to test at), the value, the slope, and what the generated tests need
/// to know.
macro_rules! unary_rules {
    ($(
        $(#[$doc:meta])*
        $Rule:ident $method:ident
        $(with ($($param:ident = $sample:literal),+))?
        $(as $notation:expr)?,
        value |$x:ident| $value:expr,
        slope |$sx:ident, $sy:ident| $slope:expr,
        on $samples:expr
        $(, kinks [$($at:literal => $taken:literal),* $(,)?])?
        $(, known [$($input:literal => $output:literal),* $(,)?])?
        $(, remarks $remarks:expr)?;
    )*) => {
        $(
            unary_struct!($(#[$doc])* $Rule $($($param)+)?);

            impl Unary for $Rule {
                const NAME: &'static str = stringify!($method);
                $(const NOTATION: Notation = $notation;)?
                $(const REMARKS: Remarks = $remarks;)?
                const DECLARED: Samples<1> = Samples {
                    samples: [$samples],
                    kinks: &[$($(Kink { at: [$at], slopes: [$taken] }),*)?],
                    known: &[$($(([$input], $output)),*)?],
                };
                #[inline(always)]
                fn value<R: Number>(self, $x: R) -> R {
                    $($(let $param = R::lit(self.$param);)+)?
                    $value
                }
                #[inline(always)]
                #[allow(unused_variables)] // The slope may not need every setting.
                fn slope<R: Number>(self, $sx: R, $sy: R) -> R {
                    $($(let $param = R::lit(self.$param);)+)?
                    $slope
                }
                $(fn write(self, x: &Formula) -> Formula {
                    let settings = [$(format!("{} {}", stringify!($param), self.$param)),+];
                    Formula::call(<Self as Unary>::NAME, &[x], &settings.join(", "))
                }
                fn settings(self) -> Attributes {
                    vec![$((stringify!($param), self.$param.into())),+]
                }
                fn with_settings(self, settings: &[f64]) -> Option<Self> {
                    let [$($param),+] = *settings else { return None };
                    Some(Self { $($param),+ })
                })?
            }
        )*

        /// A method for each elementwise rule of one operand, for every reading of tensors.
        pub trait UnaryMethods: Reading {
            $(
                $(#[$doc])*
                #[track_caller]
                fn $method(&self $($(, $param: f64)+)?) -> Self {
                    Self::apply(Lift::unary($Rule $({ $($param),+ })?), &[self])
                }
            )*
        }
        impl<T: Reading> UnaryMethods for T {}

        /// Shows every elementwise rule of one operand to `visitor`.
        pub(crate) fn visit_unary(visitor: &mut impl Visitor) {
            $(visitor.elementwise::<$Rule, 1>($Rule $({ $($param: $sample),+ })?);)*
        }
    };
}

/// The type of a rule: a unit, or a struct of its settings.
macro_rules! unary_struct {
    ($(#[$doc:meta])* $Rule:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $Rule;
    };
    ($(#[$doc:meta])* $Rule:ident $($param:ident)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $Rule {
            $(
                #[doc = concat!("The setting `", stringify!($param), "` of the formula.")]
                pub $param: f64,
            )+
        }
    };
}

/// Rules of two operands; an entry like that of [`unary_rules`] with a slope for each.
macro_rules! binary_rules {
    ($(
        $(#[$doc:meta])*
        $Rule:ident $method:ident $(as $notation:expr)?,
        value |$a:ident, $b:ident| $value:expr,
        slopes |$sa:ident, $sb:ident, $sy:ident| [$slope_a:expr, $slope_b:expr],
        on $samples:expr
        $(, kinks [$($at:expr => $taken:expr),* $(,)?])?
        $(, known [$($input:expr => $output:literal),* $(,)?])?
        $(, remarks $remarks:expr)?;
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $Rule;

            impl Binary for $Rule {
                const NAME: &'static str = stringify!($method);
                $(const NOTATION: Notation = $notation;)?
                $(const REMARKS: Remarks = $remarks;)?
                const DECLARED: Samples<2> = Samples {
                    samples: $samples,
                    kinks: &[$($(Kink { at: $at, slopes: $taken }),*)?],
                    known: &[$($(($input, $output)),*)?],
                };
                #[inline(always)]
                fn value<R: Number>(self, $a: R, $b: R) -> R {
                    $value
                }
                #[inline(always)]
                #[allow(unused_variables)] // The entry names them once for both slopes.
                fn slope_a<R: Number>(self, $sa: R, $sb: R, $sy: R) -> R {
                    $slope_a
                }
                #[inline(always)]
                #[allow(unused_variables)] // The entry names them once for both slopes.
                fn slope_b<R: Number>(self, $sa: R, $sb: R, $sy: R) -> R {
                    $slope_b
                }
            }
        )*

        /// A method for each elementwise rule of two operands, for every reading of tensors.
        ///
        /// Operands broadcast by NumPy's rule; methods panic with a sentence where they do not.
        pub trait BinaryMethods: Reading {
            $(
                $(#[$doc])*
                ///
                /// # Panics
                /// If the shapes do not broadcast.
                #[track_caller]
                fn $method(&self, other: impl Borrow<Self>) -> Self {
                    Self::apply(Lift::binary($Rule), &[self, other.borrow()])
                }
            )*

            /// Every element times a number.
            #[track_caller]
            fn scale(&self, factor: f64) -> Self {
                Self::apply(Lift::unary(WithNumber::left(factor, Mul)), &[self])
            }

            /// Reads `self` as a mask: `then` where it is not 0, `otherwise` where it is 0.
            ///
            /// ```
            /// use ops::{Tensor, prelude::*};
            /// let x = Tensor::from([-2.0, 3.0]);
            /// let positive = x.greater(Tensor::scalar(0.0));
            /// assert_eq!(positive.select(&x, Tensor::scalar(9.0)), Tensor::from([9.0, 3.0]));
            /// ```
            ///
            /// # Panics
            /// If the shapes do not broadcast.
            #[track_caller]
            fn select(&self, then: impl Borrow<Self>, otherwise: impl Borrow<Self>) -> Self {
                Self::apply(Lift::<_, 3>(Where), &[self, then.borrow(), otherwise.borrow()])
            }

            /// Every element to a constant power.
            #[track_caller]
            fn powf(&self, exponent: f64) -> Self {
                Self::apply(Lift::unary(WithNumber::right(Pow, exponent)), &[self])
            }
        }
        impl<T: Reading> BinaryMethods for T {}

        /// Shows every elementwise rule of two operands to `visitor`, also with a number
        /// for either.
        pub(crate) fn visit_binary(visitor: &mut impl Visitor) {
            $(
                visitor.elementwise::<$Rule, 2>($Rule);
                visitor.elementwise::<_, 1>(WithNumber::right($Rule, 3.0));
                visitor.elementwise::<_, 1>(WithNumber::left(2.5, $Rule));
            )*
        }
    };
}
