//! A table of misuses: every public method with arguments at which arithmetic goes wrong.
//!
//! Each call gives a value, a typed error, or a panic whose location is the caller's and whose
//! message is a sentence; none takes more than a second or a gigabyte. What is recorded carries the
//! caller's line. The methods are read from the sources, so that a new one needs a case here.
//!
//! A program of its own: the panic hook and the allocator are those of the process.

#[path = "common/accidents.rs"]
mod accidents;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, Location, PanicHookInfo, catch_unwind};
use std::path::{Path, PathBuf};
use std::slice;
use std::time::{Duration, Instant};

use ndarray::SliceInfoElem;
use ops::Tensor;
use ops::rules::{Exp, Indices, Lift, Matmul, Mul, Padding, Slide};
use peak_alloc::PeakAlloc;
use tape::check::Check;
use tape::prelude::*;
use tape::trace::{Change, Update};
use tape::transform::nested;
use tape::words::Language;
use tape::{checkpoint, custom_vjp};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MOST_MEMORY: usize = 1 << 30;
const MOST_TIME: Duration = Duration::from_secs(1);

const HALF: usize = 1 << 63;
const SIZES: [usize; 7] = [0, 1, 2, 3, 1 << 50, HALF, usize::MAX];
const OFFSETS: [isize; 7] = [0, 1, -1, 2, -3, isize::MIN, isize::MAX];
const NUMBERS: [f64; 9] =
    [0.0, 1.0, -1.0, 2.5, 1e308, 1e-308, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

thread_local! {
    /// The file, line and message of the last panic.
    static LAST: RefCell<Option<(String, u32, String)>> = const { RefCell::new(None) };
}

fn message_of(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no text").to_owned()
}

/// The outcomes of all calls.
#[derive(Default)]
struct Table {
    /// Calls that gave a value, and calls that were refused, by method.
    counts: BTreeMap<&'static str, [usize; 2]>,
    faults: Vec<String>,
}

impl Table {
    /// Makes a call; `shown` are its arguments.
    fn call(&mut self, method: &'static str, shown: &str, run: &dyn Fn() -> Result<(), String>) {
        let mut fault = |what: String| self.faults.push(format!("{method}({shown}): {what}"));
        for attempt in 1.. {
            LAST.take();
            MEMORY.reset_peak_usage();
            let (before, started) = (MEMORY.current_usage(), Instant::now());
            let outcome = catch_unwind(AssertUnwindSafe(run));
            let (taken, time) = (MEMORY.peak_usage().saturating_sub(before), started.elapsed());
            // Another program may have had the processor.
            if time > MOST_TIME && attempt < 3 {
                continue;
            }
            if time > MOST_TIME {
                fault(format!("it took {time:?}"));
            }
            if taken > MOST_MEMORY {
                fault(format!("it took {taken} bytes"));
            }
            match outcome {
                Ok(Ok(())) => self.counts.entry(method).or_default()[0] += 1,
                Ok(Err(what)) => fault(what),
                Err(_) => {
                    let (file, line, message) = LAST.take().expect("the hook saw it");
                    if !file.ends_with(file!()) && !file!().ends_with(&file) {
                        fault(format!("it panicked at {file}:{line}, not here: {message}"));
                    }
                    if let Some(word) =
                        accidents::ACCIDENTS.iter().find(|word| message.contains(**word))
                    {
                        fault(format!("{word:?} is no sentence of ours: {message}"));
                    }
                    if message.len() < 15 || !message.contains(' ') || message.len() > 2000 {
                        fault(format!("no sentence: {message:?}"));
                    }
                    self.counts.entry(method).or_default()[1] += 1;
                }
            }
            return;
        }
    }
}

/// What a call gave: swept backwards where that can be, so that rules are misused in the sweep too.
trait Given {
    fn sweep(self);
}

impl Given for Var<'_, f64> {
    fn sweep(self) {
        let gradients = self.sum().try_backward();
        if let (Ok(_), true) = (gradients, self.value().len() < 100) {
            let _ = self.sum().backward_recorded();
        }
        let _ = (self.formula(), self.gradient_formulas(), self.mult_adds(), format!("{self:?}"));
        let _ = self.described().map(|op| op.settings());
    }
}

impl<T: Given> Given for Vec<T> {
    fn sweep(self) {
        self.into_iter().for_each(Given::sweep);
    }
}

impl<T: Given> Given for (T, Indices) {
    fn sweep(self) {
        self.0.sweep();
    }
}

macro_rules! nothing_to_sweep {
    ($($Type:ty),*) => { $(impl Given for $Type { fn sweep(self) {} })* };
}
nothing_to_sweep!((), f64, usize, Tensor<f64>, String);

impl<T: Given, E: std::error::Error> Given for Result<T, E> {
    fn sweep(self) {
        if let Ok(value) = self {
            value.sweep();
        }
    }
}

impl Given for tape::Gradients<'_, f64, Tensor<f64>> {
    fn sweep(self) {}
}

impl<'t> Given for tape::Gradients<'t, f64, Var<'t, f64>> {
    fn sweep(self) {}
}

/// Functions that record what comes of others: what they add themselves has their own line.
const TRANSFORMS: [&str; 7] = ["vmap", "vjp", "jvp", "hvp", "grad", "hessian", "jacobian"];

/// Whether all values on a tape carry a line of this file.
fn recorded_here(method: &str, tape: &Tape<f64>) -> Result<(), String> {
    if TRANSFORMS.contains(&method) {
        return Ok(());
    }
    let elsewhere = tape
        .vars()
        .map(Var::location)
        .find(|place: &&Location<'_>| !place.file().ends_with("misuse.rs"));
    elsewhere.map_or(Ok(()), |place| Err(format!("a value was recorded at {place}, not here")))
}

/// Calls a method, with its arguments, on a tape of its own.
macro_rules! call {
    ($table:ident, $method:ident($($argument:expr),*), |$tape:ident| $body:expr) => {
        $table.call(stringify!($method), &format!("{:?}", ($(&$argument,)*)), &|| {
            let tape = Tape::<f64>::new();
            let $tape = &tape;
            Given::sweep($body);
            recorded_here(stringify!($method), &tape)
        })
    };
}

fn full(shape: &[usize]) -> Tensor<f64> {
    let count: usize = shape.iter().product();
    let numbers = (0..count).map(|i| (i as f64 * 0.7).sin() + 0.1).collect();
    Tensor::from_shape_vec(shape, numbers).expect("as many numbers")
}

/// Operands of all kinds: no axes, none along an axis, many axes, numbers that are none.
fn operands() -> Vec<Tensor<f64>> {
    let shapes: [&[usize]; 10] = [
        &[],
        &[0],
        &[1],
        &[3],
        &[2, 3],
        &[3, 3],
        &[0, 3],
        &[2, 0],
        &[2, 2, 2],
        &[1, 2, 1, 2, 1, 2],
    ];
    let mut all: Vec<_> = shapes.iter().map(|shape| full(shape)).collect();
    all.push(Tensor::from(NUMBERS));
    all
}

fn shapes() -> Vec<Vec<usize>> {
    let mut all = vec![vec![], vec![0], vec![3], vec![2, 3], vec![0, HALF], vec![HALF, 2]];
    all.extend([vec![usize::MAX], vec![2, 1 << 50], vec![1 << 50, 0], vec![1; 40]]);
    all
}

macro_rules! on_all {
    ($table:ident; $($method:ident)*) => {
        for x in operands() {
            $(call!($table, $method(x.shape()), |tape| tape.var(&x).$method());)*
        }
    };
}

macro_rules! on_pairs {
    ($table:ident; $($method:ident)*) => {
        for a in operands() {
            for b in operands() {
                $(call!($table, $method(a.shape(), b.shape()), |tape| {
                    let (a, b) = (tape.var(&a), tape.var(&b));
                    a.$method(&b)
                });)*
            }
        }
    };
}

/// Methods of one argument from a list.
macro_rules! with_each {
    ($table:ident; $list:expr; $($method:ident)*) => {
        for x in operands() {
            for argument in $list {
                $(call!($table, $method(x.shape(), argument), |tape| {
                    tape.var(&x).$method(argument.clone())
                });)*
            }
        }
    };
}

fn elementwise(t: &mut Table) {
    on_all!(t; neg exp exp_m1 ln ln_1p sqrt square recip abs sin cos tanh sigmoid relu softplus
        log_sigmoid exp2 log2 log10 rsqrt tan asin acos atan sinh cosh asinh acosh atanh erf gelu
        gelu_tanh silu selu mish softsign hard_sigmoid hard_tanh sign floor ceil round step);
    with_each!(t; NUMBERS; leaky_relu elu celu scale powf);
    on_pairs!(t; add sub mul weigh div pow maximum minimum prelu logaddexp hypot atan2 greater
        greater_equal less less_equal equal not_equal sigmoid_cross_entropy);
    for x in operands() {
        for low in NUMBERS {
            for high in NUMBERS {
                call!(t, clamp(x.shape(), low, high), |tape| tape.var(&x).clamp(low, high));
            }
        }
        for y in operands() {
            call!(t, select(x.shape(), y.shape()), |tape| {
                tape.var(&x).select(tape.var(&y), tape.var(&x))
            });
        }
    }
}

fn settings_of_checks(t: &mut Table) {
    for low in NUMBERS {
        for high in NUMBERS {
            call!(t, steps(low, high), |tape| {
                let _ = Check::new().steps(low, high);
                tape.var(1.0)
            });
            call!(t, tolerance(low, high), |tape| {
                let _ = Check::new().tolerance(low, high);
                tape.var(1.0)
            });
            call!(t, random_points(low, high), |tape| {
                let _ = Check::new().random_points(3, low..high);
                tape.var(1.0)
            });
        }
    }
}

fn axes() -> Vec<Vec<isize>> {
    let mut all: Vec<Vec<isize>> = OFFSETS.iter().map(|&axis| vec![axis]).collect();
    all.extend([vec![], vec![0, 1], vec![0, 0], vec![-1, 0], vec![0, isize::MIN], vec![0; 20]]);
    all
}

fn linear(t: &mut Table) {
    on_all!(t; zeros_like sum mean t);
    with_each!(t; axes(); sum_axes sum_keepdims mean_axes mean_keepdims);
    with_each!(t; OFFSETS; expand_dims);
    for x in operands() {
        for shape in shapes() {
            call!(t, stretch_to(x.shape(), shape), |tape| tape.var(&x).stretch_to(&shape));
            call!(t, sum_to(x.shape(), shape), |tape| tape.var(&x).sum_to(&shape));
            call!(t, broadcast_to(x.shape(), shape), |tape| tape.var(&x).broadcast_to(&shape));
            call!(t, reshape(x.shape(), shape), |tape| tape.var(&x).reshape(&shape[..]));
        }
        let lengths = OFFSETS.iter().flat_map(|&a| OFFSETS.map(|b| [a, b]));
        for shape in lengths {
            call!(t, reshape(x.shape(), shape), |tape| tape.var(&x).reshape(shape));
        }
        for order in axes() {
            call!(t, permute(x.shape(), order), |tape| tape.var(&x).permute(&order));
        }
        for start in OFFSETS {
            for step in [1, -1, 2, 0, isize::MIN, isize::MAX] {
                for end in [None, Some(0), Some(-1), Some(isize::MAX), Some(isize::MIN)] {
                    let mut part = vec![SliceInfoElem::Slice { start, end, step }];
                    part.resize(x.ndim().max(1), SliceInfoElem::Index(start));
                    call!(t, slice(x.shape(), part), |tape| tape.var(&x).slice(&part));
                }
            }
        }
        call!(t, slice(x.shape()), |tape| tape.var(&x).slice([SliceInfoElem::NewAxis]));
        for axis in OFFSETS {
            for y in operands() {
                call!(t, concat(x.shape(), y.shape(), axis), |tape| {
                    tape.var(&x).concat(&[tape.var(&y)], axis)
                });
                call!(t, stack(x.shape(), y.shape(), axis), |tape| {
                    tape.var(&x).stack(&[tape.var(&y)], axis)
                });
            }
            call!(t, concat(x.shape(), axis), |tape| tape
                .var(&x)
                .concat::<Var<'_, f64>>(&[], axis));
            for indices in [vec![], vec![0], vec![1, 0], vec![usize::MAX], vec![HALF, 0, 0]] {
                call!(t, index_select(x.shape(), axis, indices), |tape| {
                    tape.var(&x).index_select(axis, &indices)
                });
                call!(t, pick(x.shape(), indices), |tape| tape.var(&x).pick(&indices));
                for length in SIZES {
                    call!(t, index_add(x.shape(), axis, indices, length), |tape| {
                        tape.var(&x).index_add(axis, &indices, length)
                    });
                }
            }
        }
    }
}

fn layout(t: &mut Table) {
    with_each!(t; OFFSETS; length flip cumsum diagonal triu tril squeeze);
    on_pairs!(t; outer);
    let paddings =
        [Padding::Constant(0.0), Padding::Constant(f64::NAN), Padding::Edge, Padding::Reflect];
    let some = Indices::new(&[2, 1], vec![0, 1]).expect("two");
    let indices = [
        Indices::new(&[], vec![0]).expect("one"),
        Indices::new(&[0], vec![]).expect("none"),
        Indices::new(&[1], vec![usize::MAX]).expect("one"),
        Indices::new(&[0, 3], vec![]).expect("none"),
        some,
    ];
    for x in operands() {
        for axis in OFFSETS {
            for shift in OFFSETS {
                call!(t, roll(x.shape(), axis, shift), |tape| tape.var(&x).roll(axis, shift));
            }
            for size in SIZES {
                call!(t, repeat(x.shape(), axis, size), |tape| tape.var(&x).repeat(axis, size));
                call!(t, tile(x.shape(), axis, size), |tape| tape.var(&x).tile(axis, size));
                call!(t, split(x.shape(), axis, size), |tape| tape.var(&x).split(axis, &[size, 3]));
                for padding in paddings {
                    call!(t, pad(x.shape(), axis, size, padding), |tape| {
                        tape.var(&x).pad(axis, size, 1, padding)
                    });
                    call!(t, pad(x.shape(), axis, padding, size), |tape| {
                        tape.var(&x).pad(axis, 0, size, padding)
                    });
                }
                for indices in &indices {
                    call!(t, scatter_add(x.shape(), axis, indices, size), |tape| {
                        tape.var(&x).scatter_add(axis, indices, size)
                    });
                }
            }
            call!(t, split(x.shape(), axis), |tape| tape.var(&x).split(axis, &[]));
            for indices in &indices {
                call!(t, take_along_axis(x.shape(), axis, indices), |tape| {
                    tape.var(&x).take_along_axis(axis, indices)
                });
            }
        }
    }
}

fn reductions(t: &mut Table) {
    on_all!(t; max min);
    with_each!(t; axes(); max_axes max_keepdims min_axes logsumexp norm prod norm_l1 norm_max);
    with_each!(t; OFFSETS; softmax log_softmax);
    with_each!(t; SIZES; one_hot);
    on_pairs!(t; softmax_cross_entropy label_cross_entropy gather matmul weighted_sum);
    for x in operands() {
        for axes in axes() {
            for number in NUMBERS {
                let a = || axes.clone();
                call!(t, var(x.shape(), axes, number), |tape| tape.var(&x).var(a(), number));
                call!(t, std(x.shape(), axes, number), |tape| tape.var(&x).std(a(), number));
                call!(t, norm_lp(x.shape(), axes, number), |tape| tape
                    .var(&x)
                    .norm_lp(number, a()));
                call!(t, normalize(x.shape(), axes, number), |tape| {
                    tape.var(&x).normalize(a(), number)
                });
                call!(t, rms_normalize(x.shape(), axes, number), |tape| {
                    tape.var(&x).rms_normalize(a(), number)
                });
            }
        }
        for labels in [vec![], vec![0], vec![0, 2], vec![usize::MAX], vec![HALF, 1, 1]] {
            call!(t, sparse_softmax_cross_entropy(x.shape(), labels), |tape| {
                tape.var(&x).sparse_softmax_cross_entropy(&labels)
            });
        }
        for y in operands() {
            call!(t, layer_norm(x.shape(), y.shape()), |tape| {
                let y = tape.var(&y);
                tape.var(&x).layer_norm(&y, &y, 0.0)
            });
            call!(t, rms_norm(x.shape(), y.shape()), |tape| {
                tape.var(&x).rms_norm(&tape.var(&y), f64::NAN)
            });
        }
    }
}

fn resampling_and_einsum(t: &mut Table) {
    for x in operands() {
        for axis in OFFSETS {
            for size in SIZES {
                call!(t, upsample_nearest(x.shape(), axis, size), |tape| {
                    tape.var(&x).upsample_nearest(axis, size)
                });
                call!(t, upsample_linear(x.shape(), axis, size), |tape| {
                    tape.var(&x).upsample_linear(axis, size)
                });
                call!(t, adaptive_avg_pool(x.shape(), axis, size), |tape| {
                    tape.var(&x).adaptive_avg_pool(axis, size)
                });
            }
        }
        for text in [
            "",
            "->",
            "i",
            "ij",
            "ij->ji",
            "ii",
            "ij,jk",
            "ij,ij->",
            "i,j->ij",
            "i->ii",
            "é",
            "i\n->",
            "i->j",
            ",,,",
            "iii->i",
            "ijk,ikl->ijl",
            "->i->",
        ] {
            call!(t, einsum(text, x.shape()), |tape| Var::einsum(text, &[&tape.var(&x)]));
            call!(t, einsum(text, x.shape(), 2), |tape| {
                let x = tape.var(&x);
                Var::einsum(text, &[&x, &x])
            });
        }
    }
    call!(t, einsum(), |_tape| {
        Var::<f64>::einsum("", &[]);
    });
}

fn windows(t: &mut Table) {
    let mut slides = vec![vec![], vec![Slide::new(1); 4], vec![Slide::new(2); 3]];
    for n in SIZES {
        let two = Slide::new(2);
        slides.extend([
            vec![Slide::new(n)],
            vec![two.stride(n)],
            vec![two.dilation(n)],
            vec![two.padding(n)],
            vec![Slide { padding: (0, n), ..two }],
            vec![Slide { padding: (n / 2, n / 2), ..Slide::new(n) }],
            vec![two.stride(n).padding(1).dilation(n), two],
        ]);
    }
    let images: [&[usize]; 9] = [
        &[],
        &[1, 2],
        &[1, 2, 3],
        &[0, 2, 3],
        &[1, 0, 3],
        &[1, 2, 0],
        &[1, 2, 3, 3],
        &[1, 1, 2, 2, 3],
        &[1, 2, 0, 3],
    ];
    let weights: [&[usize]; 8] = [
        &[],
        &[2, 2, 2],
        &[1, 1, 0],
        &[2, 0, 2],
        &[0, 2, 2],
        &[2, 2, 2, 2],
        &[2, 1, 1],
        &[1, 1, 2, 2, 2],
    ];
    for x in images.map(full) {
        for slides in &slides {
            for flag in [false, true] {
                call!(t, max_pool(x.shape(), slides, flag), |tape| tape
                    .var(&x)
                    .max_pool(slides, flag));
                call!(t, avg_pool(x.shape(), slides, flag), |tape| {
                    tape.var(&x).avg_pool(slides, flag, !flag)
                });
                call!(t, avg_pool(x.shape(), slides, flag, true), |tape| {
                    tape.var(&x).avg_pool(slides, flag, flag)
                });
            }
            // Weights of as many axes, and one that has none.
            let fitting = weights.iter().filter(|w| w.is_empty() || w.len() == x.ndim());
            for w in fitting.map(|shape| full(shape)) {
                for groups in [0, 1, HALF] {
                    call!(t, conv(x.shape(), w.shape(), slides, groups), |tape| {
                        tape.var(&x).conv(tape.var(&w), slides, groups)
                    });
                    for more in [0, usize::MAX] {
                        call!(
                            t,
                            conv_transposed(x.shape(), w.shape(), slides, groups, more),
                            |tape| {
                                let more = vec![more; slides.len()];
                                tape.var(&x).conv_transposed(tape.var(&w), slides, groups, &more)
                            }
                        );
                    }
                }
            }
        }
        call!(t, conv_transposed(x.shape()), |tape| {
            tape.var(&x).conv_transposed(tape.var(&x), &[Slide::new(2)], 1, &[])
        });
    }
}

/// The methods that are there with the feature `linalg` alone.
const LINALG: [&str; 5] = ["inverse", "det", "logdet", "cholesky", "solve"];

#[cfg(feature = "linalg")]
fn matrices(t: &mut Table) {
    on_all!(t; inverse det logdet cholesky);
    on_pairs!(t; solve);
    for x in [
        full(&[0, 0]),
        full(&[2, 0, 0]),
        full(&[0, 2, 2]),
        Tensor::zeros(&[2, 2]),
        Tensor::full(&[2, 2], f64::NAN),
        Tensor::full(&[2, 2], f64::INFINITY),
    ] {
        call!(t, det(x), |tape| tape.var(&x).det());
        call!(t, logdet(x), |tape| tape.var(&x).logdet());
        call!(t, inverse(x), |tape| tape.var(&x).inverse());
        call!(t, cholesky(x), |tape| tape.var(&x).cholesky());
        call!(t, solve(x), |tape| tape.var(&x).solve(tape.var(&x)));
        call!(t, solve(x, 0), |tape| tape.var(&x).solve(tape.var(full(&[2, 0]))));
    }
}

fn variables(t: &mut Table) {
    on_all!(t; item detach backward backward_recorded);
    for x in operands() {
        call!(t, var(x.shape()), |tape| tape.var(&x));
        call!(t, constant(x.shape()), |tape| tape.constant(&x));
        call!(t, backward_observed(x.shape()), |tape| tape.var(&x).backward_observed(|_| {}));
        call!(t, unary(x.shape()), |tape| tape.var(&x).unary(Exp));
        call!(t, checkpoint(x.shape()), |tape| checkpoint(|x| x[0].max(), &[tape.var(&x)]));
        call!(t, custom_vjp(x.shape()), |tape| {
            custom_vjp("f", |x| x[0].sum(), |x, _, _| vec![x[0]], &[tape.var(&x)])
        });
        for y in operands() {
            call!(t, binary(x.shape(), y.shape()), |tape| tape.var(&x).binary(Mul, tape.var(&y)));
            call!(t, try_apply(x.shape(), y.shape()), |tape| {
                Var::try_apply(Matmul, &[&tape.var(&x), &tape.var(&y)])
            });
            call!(t, tangent(x.shape(), y.shape()), |tape| {
                let x = tape.var(&x);
                x.exp().tangent(&[(x, y.clone())])
            });
            call!(t, new(x.shape(), y.shape()), |tape| {
                let (before, gradient, after) = (x.clone(), y.clone(), x.clone());
                let change = Change { before, gradient, after, kept: Vec::new(), rule: None };
                drop(Update::new(tape.var(&x), change));
            });
            call!(t, wrt(x.shape(), y.shape()), |tape| {
                let (a, b) = (tape.var(&x), tape.constant(&y));
                (a.sum() + b.sum()).backward().wrt(b)
            });
            call!(t, vjp(x.shape(), y.shape()), |tape| {
                nested::vjp(|x| x[0].exp(), &[tape.var(&x)], tape.var(&y)).1
            });
            call!(t, jvp(x.shape(), y.shape()), |tape| {
                nested::jvp(|x| x[0].exp(), &[tape.var(&x)], &[tape.var(&y)]).1
            });
            call!(t, hvp(x.shape(), y.shape()), |tape| {
                nested::hvp(|x| x[0].exp().sum(), &[tape.var(&x)], &[tape.var(&y)])
            });
            call!(t, hvp(x.shape(), y.shape(), 0), |_tape| {
                tape::transform::hvp(|x| x[0].exp().sum(), slice::from_ref(&x), slice::from_ref(&y))
                    .map(drop)
            });
        }
        call!(t, hvp(x.shape()), |_tape| {
            tape::transform::hvp(|x| x[0].exp().sum(), slice::from_ref(&x), &[]).map(drop)
        });
        call!(t, jvp(x.shape()), |tape| nested::jvp(|x| x[0].exp(), &[tape.var(&x)], &[]).1);
        call!(t, grad(x.shape()), |tape| nested::grad(|x| x[0].exp(), &[tape.var(&x)]));
        call!(t, hessian(x.shape()), |tape| nested::hessian(|x| x.exp(), tape.var(&x)));
        call!(t, jacobian(x.shape()), |tape| nested::jacobian(|x| x.exp(), tape.var(&x)));
        for axis in OFFSETS {
            call!(t, vmap(x.shape(), axis), |tape| {
                nested::vmap(
                    |x| x[0].exp() * x[1],
                    &[tape.var(&x), tape.var(1.0)],
                    &[Some(axis), None],
                )
            });
            call!(t, vmap(x.shape(), axis, 2), |tape| {
                let x = tape.var(&x);
                nested::vmap(|x| x[0].exp() * x[1], &[x, x], &[Some(axis), Some(0)])
            });
            for size in SIZES {
                call!(t, top_k(x.shape(), axis, size), |tape| tape.var(&x).top_k(axis, size));
            }
        }
        for index in [vec![], vec![0], vec![usize::MAX], vec![HALF; 8]] {
            call!(t, why_at(x.shape(), index), |tape| {
                let x = tape.var(&x);
                x.sum().backward().why_at(x, &index)
            });
            call!(t, why_in(x.shape(), index), |tape| {
                let x = tape.var(&x);
                x.sum().backward().why_in(Language::ENGLISH, x, &index)
            });
        }
        call!(t, value(x.shape()), |tape| tape.compile(&[tape.var(&x)]).value(usize::MAX).clone());
        call!(t, compile(x.shape()), |tape| {
            let (other, x) = (Tape::new(), tape.var(&x));
            let mut program = tape.compile(&[x.exp(), x]);
            let _ = program.run();
            let _ = program.set(usize::MAX, &Tensor::scalar(1.0));
            let _ = program.run_with(&[(x.position(), &full(&[7]))]);
            tape.compile(&[other.var(1.0)]).len()
        });
    }
    call!(t, vmap(), |tape| nested::vmap(|_| tape.var(1.0), &[], &[]));
    for files in ["", file!(), "a file that is not there", "\u{1b}[31m"] {
        // A refusal has the line of the call, whatever line the value of it would have.
        call!(t, on_behalf(files), |tape| {
            let _line = tape.on_behalf(files);
            tape.var(full(&[2])) + tape.var(full(&[3]))
        });
    }
    call!(t, grad(), |tape| nested::grad(|_| tape.var(1.0), &[]));
    call!(t, checkpoint(), |_tape| checkpoint::<f64>(|x| x[0], &[]));
    call!(t, custom_vjp(), |_tape| custom_vjp::<f64>("f", |x| x[0], |x, _, _| x.to_vec(), &[]));
    call!(t, backward_recorded(), |tape| tape.constant(1.0).backward_recorded());
    call!(t, backward(), |tape| tape.constant(1.0).backward());
    call!(t, unary(), |tape| Var::apply(Lift::unary(Exp), &[&tape.var(1.0), &tape.var(1.0)]));
}

/// Every `.rs` file under a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of the repository");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// The methods that call themselves the caller's: of variables and tapes, and of every reading.
fn public_methods() -> BTreeSet<String> {
    let tape = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rules = tape.join("../../ops/src/rules");
    let mut methods = BTreeSet::new();
    let name = |line: &str| line.split(['(', '<']).next().unwrap_or_default().trim().to_owned();
    for path in sources(&tape).into_iter().chain(sources(&rules)) {
        let text = std::fs::read_to_string(&path).expect("a source");
        let mut of_trait = false;
        let mut tracked = false;
        for line in text.lines().map(str::trim) {
            of_trait = (of_trait || line.starts_with("pub trait ")) && !line.starts_with("impl");
            if line == "#[track_caller]" {
                tracked = true;
            } else if let Some(rest) = line.strip_prefix("pub fn ") {
                if tracked {
                    methods.insert(name(rest));
                }
                tracked = false;
            } else if let Some(rest) = line.strip_prefix("fn ") {
                if tracked && of_trait {
                    methods.insert(name(rest));
                }
                tracked = false;
            }
        }
        // Entries of the table of elementwise rules: `Exp exp,`.
        if path.ends_with("rules/elementwise.rs") {
            for line in text.lines().filter(|line| line.starts_with("    ")) {
                let mut words = line.trim().split([' ', ',']);
                let (rule, method) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
                let is_name = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '_');
                if rule.starts_with(char::is_uppercase)
                    && is_name(rule)
                    && method.starts_with(char::is_lowercase)
                    && is_name(method)
                {
                    methods.insert(method.to_owned());
                }
            }
        }
    }
    methods
}

#[test]
fn every_misuse_is_refused_at_the_callers_line_in_a_sentence() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(("", 0), |place| (place.file(), place.line()));
        LAST.set(Some((place.0.to_owned(), place.1, message_of(info))));
    }));
    let mut table = Table::default();
    let t = &mut table;
    elementwise(t);
    settings_of_checks(t);
    linear(t);
    layout(t);
    reductions(t);
    resampling_and_einsum(t);
    windows(t);
    #[cfg(feature = "linalg")]
    matrices(t);
    variables(t);
    std::panic::set_hook(default);

    let [values, refusals] = table.counts.values().fold([0; 2], |[a, b], [c, d]| [a + c, b + d]);
    println!("{} methods: {values} values, {refusals} refusals", table.counts.len());
    let faults = table.faults.len();
    let mut of_method: BTreeMap<&str, usize> = BTreeMap::new();
    table.faults.retain(|fault| {
        let seen =
            of_method.entry(fault.split('(').next().unwrap_or("").to_owned().leak()).or_default();
        *seen += 1;
        *seen <= 3
    });
    assert!(faults == 0, "{faults} faults, such as:\n{}", table.faults.join("\n"));
    let called: BTreeSet<String> = table.counts.keys().map(|&name| name.to_owned()).collect();
    // Inherent constructors of a tape, whose misuse is that of the tensor given.
    let mut missing: Vec<_> = public_methods().difference(&called).cloned().collect();
    if cfg!(not(feature = "linalg")) {
        missing.retain(|method| !LINALG.contains(&&method[..]));
    }
    assert!(missing.is_empty(), "these methods need a case here: {missing:?}");
    assert!(values > 2000 && refusals > 2000, "{values} values, {refusals} refusals");
}
