//! The vectorised functions against wider references: in f32 against f64, in f64 against values that
//! `scripts/wide_reference.py` computed with 60 digits.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use flate2::read::GzDecoder;

use crate::number::Number;
use crate::number::fast::{Fast, Machine};

/// The value of a function by polynomials.
#[inline(always)]
fn approximation<A: Machine>(x: Fast<A>) -> A {
    let (value, is_approximate) = x.into_parts();
    assert!(is_approximate, "a function that has no part by polynomials");
    value
}

/// Calls `f` with each element, in a loop that may use AVX2 and fused multiply-add.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn each_avx2<A: Copy>(f: impl Fn(A) -> A, x: &[A], y: &mut [A]) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
}

/// The same with AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
fn each_avx512<A: Copy>(f: impl Fn(A) -> A, x: &[A], y: &mut [A]) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
}

/// The instructions that a loop may use.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// Those that this machine has, the slowest first.
    fn available() -> Vec<Self> {
        let mut levels = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            levels.extend(avx2.then_some(Self::Avx2));
            levels.extend((avx2 && avx512).then_some(Self::Avx512));
        }
        levels
    }

    fn fastest() -> Self {
        Self::available().pop().expect("at least the plain loop")
    }

    #[allow(unsafe_code)]
    #[inline]
    fn each<A: Copy>(self, f: impl Fn(A) -> A, x: &[A], y: &mut [A]) {
        match self {
            Self::Plain => y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x)),
            // SAFETY: a level is only made by `available`, which has asked the processor.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { each_avx2(f, x, y) },
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { each_avx512(f, x, y) },
        }
    }
}

/// A function in all the ways that the tests compute it, and bounds of its error in units in the last
/// place: the largest that was measured over many millions of arguments, and a little more.
struct Function {
    name: &'static str,
    f32: fn(Level, &[f32], &mut [f32]),
    f64: fn(Level, &[f64], &mut [f64]),
    own_f32: fn(f32) -> f32,
    own_f64: fn(f64) -> f64,
    wide: fn(f64) -> f64,
    bounds: (f64, f64),
    except: Except,
}

/// Where a function may be further off.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Except {
    Nothing,
    /// NaN for an angle above the largest that is reduced.
    LargeAngles,
    /// Anything from 0 to the smallest normal number where the value is below that.
    Subnormals,
}
use Except::{LargeAngles, Nothing, Subnormals};

/// The sigmoid in f64, as a reference for f32.
fn sigmoid(x: f64) -> f64 {
    (1.0 + (-x).exp()).recip()
}

macro_rules! functions_under_test {
    ($($name:ident: $wide:path, $f32:literal, $f64:literal, $except:ident;)*) => {
        const FUNCTIONS: &[Function] = &[$(Function {
            name: stringify!($name),
            f32: |level, x, y| level.each(|x| approximation(Fast::new(x).$name()), x, y),
            f64: |level, x, y| level.each(|x| approximation(Fast::new(x).$name()), x, y),
            own_f32: |x| Number::$name(x),
            own_f64: |x| Number::$name(x),
            wide: $wide,
            bounds: ($f32, $f64),
            except: $except,
        }),*];

        /// One test a function, so that they run side by side.
        mod f32_against_f64 {
            $(
                #[test]
                fn $name() {
                    super::sweep(stringify!($name), super::Level::fastest(), [1009, 31 * 1009]);
                }
            )*
        }
    };
}

functions_under_test! {
    exp: f64::exp, 1.02, 1.02, Nothing;
    exp2: f64::exp2, 0.96, 0.95, Nothing;
    exp_m1: f64::exp_m1, 1.37, 1.57, Nothing;
    ln: f64::ln, 0.86, 0.85, Nothing;
    log2: f64::log2, 1.04, 1.07, Nothing;
    log10: f64::log10, 1.02, 1.02, Nothing;
    ln_1p: f64::ln_1p, 0.91, 0.83, Nothing;
    sin: f64::sin, 1.52, 1.48, LargeAngles;
    cos: f64::cos, 1.52, 1.47, LargeAngles;
    tan: f64::tan, 1.32, 1.19, LargeAngles;
    tanh: f64::tanh, 1.36, 1.34, Nothing;
    sinh: f64::sinh, 1.68, 1.62, Nothing;
    cosh: f64::cosh, 1.5, 1.5, Nothing;
    erf: libm::erf, 1.02, 0.92, Nothing;
    // What is promised.
    sigmoid: sigmoid, 3.0, 3.0, Subnormals;
}

fn function(name: &str) -> &'static Function {
    FUNCTIONS.iter().find(|f| f.name == name).expect("a function under test")
}

/// The distance between neighbours in f32 at `value`.
fn ulp_f32(value: f64) -> f64 {
    let exponent = (value.abs().to_bits() >> 52) as i32 - 1023;
    f64::from_bits(((exponent.clamp(-126, 127) - 23 + 1023) as u64) << 52)
}

/// The distance between neighbours at a finite `value`.
fn ulp_f64(value: f64) -> f64 {
    let exponent = (value.abs().to_bits() >> 52).max(1);
    f64::from_bits(exponent << 52) * f64::EPSILON
}

/// The error of `y`, in units in the last place of f32; infinite where it is another kind of number
/// than `wide` calls for.
fn error_f32(y: f32, wide: f64) -> f64 {
    let rounded = wide as f32;
    if rounded.is_nan() || y.is_nan() {
        return if rounded.is_nan() && y.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let same_sign = y.is_sign_negative() == wide.is_sign_negative();
    let kind = |v: f32| (v == 0.0, v.is_infinite());
    if !same_sign || (wide == 0.0 || wide.is_infinite()) && kind(y) != kind(rounded) {
        return f64::INFINITY;
    }
    let beyond = 2.0_f64.powi(128); // where the numbers would go on
    let bounded = |v: f64| v.clamp(-beyond, beyond);
    (bounded(f64::from(y)) - bounded(wide)).abs() / ulp_f32(wide)
}

/// Where the results are not just 0, 1, the argument, or without bounds: below, the second term of each series
/// is lost in f32, and above are the largest angle, 2¹⁵, and the arguments that overflow. A logarithm goes
/// on beyond, and computes the same of every binade but for a whole number.
const BENDS: std::ops::Range<f32> = 1.0 / (1 << 25) as f32..(1 << 16) as f32;

/// Every `near`th of the numbers of f32 in [`BENDS`], of either sign, and every `far`th of all others.
fn sweep(name: &str, level: Level, [near, far]: [u32; 2]) {
    let function = function(name);
    let mut worst = (0.0, 0.0);
    let mut y = [0.0; 4096];
    let step = |bits: u32| if BENDS.contains(&f32::from_bits(bits).abs()) { near } else { far };
    let mut all = std::iter::successors(Some(0_u32), |&bits| bits.checked_add(step(bits)));
    loop {
        let x: Vec<f32> = all.by_ref().take(y.len()).map(f32::from_bits).collect();
        if x.is_empty() {
            break;
        }
        (function.f32)(level, &x, &mut y[..x.len()]);
        for (&x, &y) in x.iter().zip(&y) {
            if y.is_nan() && function.except == LargeAngles && x.abs() > f32::LARGEST_ANGLE {
                continue;
            }
            let wide = (function.wide)(f64::from(x));
            let tiny = 0.0..f64::from(f32::MIN_POSITIVE);
            if function.except == Subnormals && tiny.contains(&wide) {
                assert!((0.0..=f32::MIN_POSITIVE).contains(&y), "{name}({x:e}) is {y:e}");
                continue;
            }
            let error = error_f32(y, wide);
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    let (error, x) = worst;
    println!("{name} in f32: at most {error:.4} ulp, at {x:e}");
    assert!(error <= function.bounds.0, "{name}({x:e}) in f32 is {error} ulp off");
}

#[test]
#[ignore = "all numbers of f32: some minutes in a release build"]
fn f32_everywhere() {
    for function in FUNCTIONS {
        sweep(function.name, Level::fastest(), [1, 1]);
    }
}

/// Rows of a function: the bits of an argument, those of the nearest f64 to the result, and how far
/// the result is above that in units in the last place.
type Reference = BTreeMap<String, Vec<(u64, u64, f64)>>;

#[test]
fn f64_against_60_digits() {
    let file = include_bytes!("reference.json.gz");
    let reference: Reference = serde_json::from_reader(GzDecoder::new(&file[..])).unwrap();
    assert_eq!(reference.len(), FUNCTIONS.len());
    for (name, rows) in reference {
        let function = function(&name);
        let x: Vec<f64> = rows.iter().map(|row| f64::from_bits(row.0)).collect();
        let mut y = vec![0.0; x.len()];
        (function.f64)(Level::fastest(), &x, &mut y);
        let mut worst: f64 = 0.0;
        for ((&x, &y), &(_, nearest, above)) in x.iter().zip(&y).zip(&rows) {
            let nearest = f64::from_bits(nearest);
            let tiny = 0.0..f64::MIN_POSITIVE;
            if function.except == Subnormals && tiny.contains(&nearest) {
                assert!((0.0..=f64::MIN_POSITIVE).contains(&y), "{name}({x:e}) is {y:e}");
                continue;
            }
            if y.to_bits() == nearest.to_bits() && (y == 0.0 || y.is_infinite()) {
                continue;
            }
            let error = ((y - nearest) / ulp_f64(nearest) - above).abs();
            assert!(error <= function.bounds.1, "{name}({x:e}) is {y:e}, {error} ulp off");
            worst = worst.max(error);
        }
        println!("{name} in f64: at most {worst:.4} ulp at {} arguments", rows.len());
    }
}

/// Where functions do something special: numbers of either type.
const SPECIAL: [f64; 22] = [
    0.0,
    0.5,
    1.0,
    1.5,
    2.0,
    2.5,
    3.0,
    10.0,
    1e-30,
    1e-45,
    1e-40,
    5e-324,
    1e-310,
    88.0,
    104.0,
    709.0,
    746.0,
    1e30,
    f32::MAX as f64,
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

fn specials() -> impl Iterator<Item = f64> + Clone {
    SPECIAL.into_iter().flat_map(|x| [x, -x])
}

/// Whether `y` is what a fast function may give where the float itself gives `own`: the same
/// bits where that is 0 or not finite, a finite number elsewhere.
macro_rules! assert_fits {
    ($y:expr, $own:expr, $asks:expr, $($what:tt)*) => {
        let (y, own) = ($y, $own);
        let fits = if own.is_nan() || $asks {
            y.is_nan()
        } else if own == 0.0 || own.is_infinite() {
            y.to_bits() == own.to_bits()
        } else {
            y.is_finite()
        };
        assert!(fits, "{} is {y:e}, not {own:e}", format!($($what)*));
    };
}

#[test]
fn special_values_are_the_floats_own() {
    for level in Level::available() {
        for &Function { name, f32, f64, own_f32, own_f64, except, .. } in FUNCTIONS {
            let (x32, x64): (Vec<_>, Vec<_>) = specials().map(|x| (x as f32, x)).unzip();
            let (mut y32, mut y64) = (x32.clone(), x64.clone());
            f32(level, &x32, &mut y32);
            f64(level, &x64, &mut y64);
            for (&x, &y) in x32.iter().zip(&y32) {
                let asks = except == LargeAngles && x.abs() > f32::LARGEST_ANGLE;
                assert_fits!(y, own_f32(x), asks, "{name}({x:e}) in f32 with {level:?}");
            }
            for (&x, &y) in x64.iter().zip(&y64) {
                let asks = except == LargeAngles && x.abs() > f64::LARGEST_ANGLE;
                assert_fits!(y, own_f64(x), asks, "{name}({x:e}) in f64 with {level:?}");
            }
        }
    }
}

/// Compares methods of the fast reading with the float's own, bit for bit.
macro_rules! assert_own {
    ($float:ident: $($one:ident)*, $($two:ident)*) => {
        for x in specials().map(|x| x as $float) {
            $(
                let (fast, is_approximate) = Fast::new(x).$one().into_parts();
                assert_eq!(
                    fast.to_bits(), Number::$one(x).to_bits(), "{}({x:e})", stringify!($one)
                );
                assert!(!is_approximate, "{}", stringify!($one));
            )*
            for y in specials().map(|y| y as $float) {
                $(
                    let (fast, is_approximate) = Fast::new(x).$two(Fast::new(y)).into_parts();
                    assert_eq!(
                        fast.to_bits(), Number::$two(x, y).to_bits(),
                        "{}({x:e}, {y:e})", stringify!($two)
                    );
                    assert!(!is_approximate, "{}", stringify!($two));
                )*
                for (fast, own) in [
                    (Fast::new(x) + Fast::new(y), x + y),
                    (Fast::new(x) - Fast::new(y), x - y),
                    (Fast::new(x) * Fast::new(y), x * y),
                    (Fast::new(x) / Fast::new(y), x / y),
                ] {
                    let (fast, is_approximate) = fast.into_parts();
                    assert!(!is_approximate, "arithmetic is the float's own");
                    assert_eq!(fast.is_nan(), own.is_nan());
                    assert!(own.is_nan() || fast.to_bits() == own.to_bits(), "{x:e} and {y:e}");
                }
                let chosen = Fast::new(x).select(Fast::new(y), Fast::new(1.0)).into_parts().0;
                assert_eq!(chosen.to_bits(), x.select(y, 1.0).to_bits(), "select({x:e}, {y:e}, 1)");
            }
        }
    };
}

#[test]
fn the_rest_is_the_floats_own_bit_for_bit() {
    assert_own!(f32: sqrt abs square recip sign floor ceil round asin acos atan asinh acosh atanh,
        maximum minimum greater equal atan2 hypot pow);
    assert_own!(f64: sqrt abs square recip sign floor ceil round asin acos atan asinh acosh atanh,
        maximum minimum greater equal atan2 hypot pow);
}

/// What a polynomial had a part in is known, through all that is done with it.
#[test]
fn an_approximate_number_knows_that_it_is_one() {
    let (sine, one) = (Fast::new(1e30_f64).sin(), Fast::new(1.0));
    let through: [Fast<f64>; 11] = [
        sine,
        sine + one,
        one - sine,
        sine * one,
        one / sine,
        -sine,
        sine.sqrt(),
        one.maximum(sine),
        sine.select(one, one),
        one.select(one, sine),
        one.select(sine, one),
    ];
    for (i, x) in through.into_iter().enumerate() {
        assert!(x.into_parts().1, "number {i}");
    }
    assert!(!one.select(one, one).into_parts().1);
}

/// The time that `f` takes for one of `count` elements, in nanoseconds: the best of many runs.
fn nanoseconds(count: usize, mut f: impl FnMut()) -> f64 {
    let mut run = || {
        let start = Instant::now();
        (0..20).for_each(|_| f());
        start.elapsed().as_secs_f64() * 1e9 / (20 * count) as f64
    };
    (0..60).map(|_| run()).fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "a measurement, for a release build: prints nanoseconds an element"]
fn time() {
    let x64: Vec<f64> = (0..4096).map(|i| f64::from(i * 2477 % 4096) / 512.0 - 4.0).collect();
    let x32: Vec<f32> = x64.iter().map(|&x| x as f32).collect();
    let (mut y32, mut y64) = (x32.clone(), x64.clone());
    for function in FUNCTIONS {
        print!("{:8}", function.name);
        for level in Level::available() {
            let f32 = nanoseconds(4096, || (function.f32)(level, black_box(&x32), &mut y32));
            let f64 = nanoseconds(4096, || (function.f64)(level, black_box(&x64), &mut y64));
            print!("  {level:?} {f32:.2} {f64:.2}");
        }
        let (own_f32, own_f64) = (function.own_f32, function.own_f64);
        let f32 = nanoseconds(4096, || Level::Plain.each(own_f32, black_box(&x32), &mut y32));
        let f64 = nanoseconds(4096, || Level::Plain.each(own_f64, black_box(&x64), &mut y64));
        println!("  the float's own {f32:.2} {f64:.2}");
    }
}
