//! A table of misuses: every layer, loss, optimiser, schedule and data constructor with arguments at
//! which arithmetic goes wrong. Each call gives a value, a typed error, or a panic at the caller's
//! line with a sentence; none takes more than a second or a gigabyte.
//!
//! A program of its own: the panic hook and the allocator are those of the process.

#[path = "../../tape/tests/common/accidents.rs"]
mod accidents;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nn::data::{blobs, circles, line, spirals, two_moons, windows};
use nn::layers::*;
use nn::loss::Loss;
use nn::metrics::{Accuracy, ConfusionMatrix};
use nn::prelude::*;
use nn::schedule::{
    Chain, Constant, Cosine, CosineRestarts, Exponential, Linear, MultiStep, OneCycle, Plateau,
    StepDecay,
};
use nn::{Error, init::Init};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MOST_MEMORY: usize = 1 << 30;
const MOST_TIME: Duration = Duration::from_secs(1);

const HALF: usize = 1 << 63;
const SIZES: [usize; 6] = [0, 1, 2, 1 << 50, HALF, usize::MAX];
const NUMBERS: [f64; 9] =
    [0.0, 1.0, -1.0, 0.5, 1e308, 1e-308, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

thread_local! {
    /// The place and message of the last panic.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Table {
    counts: BTreeMap<&'static str, [usize; 2]>,
    faults: Vec<String>,
}

/// What a call gave.
trait Given {
    /// Whether it is a value.
    fn is_value(&self) -> bool {
        true
    }
}

impl<T> Given for Result<T, Error> {
    fn is_value(&self) -> bool {
        let Err(error) = self else { return true };
        assert!(error.to_string().contains(' '), "no sentence: {error}");
        false
    }
}

impl<T> Given for Result<T, nn::data::DataError> {
    fn is_value(&self) -> bool {
        let Err(error) = self else { return true };
        assert!(error.to_string().contains(' '), "no sentence: {error}");
        false
    }
}

macro_rules! values {
    ($($Type:ty),*) => { $(impl Given for $Type {})* };
}
values!((), f64, bool, Tensor<f32>, Tensor<f64>, ConfusionMatrix);

impl Table {
    fn call<T: Given>(&mut self, method: &'static str, shown: &str, run: impl Fn() -> T) {
        let mut fault = |what: String| self.faults.push(format!("{method}({shown}): {what}"));
        for attempt in 1.. {
            LAST.take();
            MEMORY.reset_peak_usage();
            let (before, started) = (MEMORY.current_usage(), Instant::now());
            let outcome = catch_unwind(AssertUnwindSafe(|| run().is_value()));
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
            let counts = self.counts.entry(method).or_default();
            match outcome {
                Ok(true) => counts[0] += 1,
                Ok(false) => counts[1] += 1,
                Err(_) => {
                    counts[1] += 1;
                    let (place, message) = LAST.take().expect("the hook saw it");
                    if !place.contains("tests/misuse.rs") {
                        fault(format!("it panicked at {place}, not here: {message}"));
                    }
                    if let Some(word) =
                        accidents::ACCIDENTS.iter().find(|word| message.contains(**word))
                    {
                        fault(format!("{word:?} is no sentence of ours: {message}"));
                    }
                    if message.len() < 15 || !message.contains(' ') {
                        fault(format!("no sentence: {message:?}"));
                    }
                }
            }
            return;
        }
    }
}

macro_rules! call {
    ($table:ident, $method:ident($($argument:expr),*), $body:expr) => {
        $table.call(stringify!($method), &format!("{:?}", ($(&$argument,)*)), || $body)
    };
}

/// Makes a layer, asks it for shapes, and runs it on inputs that do not fit.
macro_rules! layer {
    ($table:ident, $method:ident($($argument:expr),*), $body:expr) => {{
        $table.call(stringify!($method), &format!("{} {:?}", stringify!($body), ($(&$argument,)*)), || {
            let layer = $body;
            for shape in SHAPES {
                let given = Module::<f32>::output_shape(&layer, shape);
                assert!(given.is_ok() || given.is_err_and(|e| e.to_string().contains(' ')));
            }
            let _ = Module::<f32>::describe(&layer);
        });
        if [$($argument),*].iter().all(|&size| size < 8) {
            for shape in SHAPES.iter().filter(|shape| shape.iter().all(|&n| n < 8)) {
                $table.call("forward", &format!("{} {:?} on {shape:?}", stringify!($body), ($(&$argument,)*)), || {
                    let tape = Tape::<f32>::new();
                    let Ok(layer) = catch_unwind(AssertUnwindSafe(|| $body)) else { return };
                    for pass in [Pass::evaluate(&tape), Pass::train(&tape, 0)] {
                        let y = Module::<f32>::forward(&layer, &pass, tape.var(Tensor::full(shape, 0.5)));
                        let _ = y.sum().try_backward();
                    }
                });
            }
        }
    }};
}

const SHAPES: [&[usize]; 13] = [
    &[],
    &[0],
    &[2],
    &[2, 2],
    &[0, 2],
    &[2, 0],
    &[1, 2, 3],
    &[1, 2, 0],
    &[2, 1, 2, 2],
    &[1, 2, 3, 3],
    &[1, HALF],
    &[HALF, HALF, 2],
    &[1, 2, usize::MAX, usize::MAX],
];

fn boxed<S: Schedule + 'static>(schedule: S) -> Box<dyn Schedule> {
    Box::new(schedule)
}

/// What layers have besides `forward`, on all pairs of small inputs.
fn passes(t: &mut Table) {
    use nn::layers::AttentionMask;
    let (rng, mask) = (|| nn::rng(0), AttentionMask::default().causal());
    let small = || SHAPES.iter().filter(|shape| shape.iter().all(|&n| n < 8));
    for name in ["", "a.b", "taken", "\u{1b}[31m"] {
        let model = || Sequential::<f32>::new().named("taken", Relu);
        call!(t, named(name), drop(model().named(name, Relu)));
    }
    for a in small() {
        call!(t, run(a), {
            let tape = Tape::<f32>::new();
            let lstm = Lstm::new(3, 2, &mut rng());
            let _ = lstm.run(&Pass::train(&tape, 0), tape.var(Tensor::full(a, 0.5)), None);
        });
        call!(t, step(a), {
            let tape = Tape::<f32>::new();
            let gru = Gru::new(2, 2, &mut rng());
            let _ = gru.step(&Pass::evaluate(&tape), tape.var(Tensor::full(a, 0.5)), None);
        });
        call!(t, forward_masked(a), {
            let tape = Tape::<f32>::new();
            let block = TransformerBlock::new(2, 1, 2, &mut rng());
            let x = tape.var(Tensor::full(a, 0.5));
            let _ = block.forward_masked(&Pass::train(&tape, 0), x, &mask);
        });
        for b in small() {
            call!(t, attend(a, b), {
                let tape = Tape::<f32>::new();
                let attention = MultiHeadAttention::new(2, 1, &mut rng());
                let [q, k] = [a, b].map(|shape| tape.var(Tensor::full(shape, 0.5)));
                let _ = attention.attend(&Pass::train(&tape, 0), q, k, k, &mask);
            });
        }
    }
}

fn layers(t: &mut Table) {
    let rng = || nn::rng(0);
    for a in SIZES {
        layer!(t, per_channel(a), PRelu::<f32>::per_channel(a));
        layer!(t, new(a), Perceptron::<f32>::new(a));
        layer!(t, new(a), BatchNorm1d::<f32>::new(a));
        layer!(t, new(a), BatchNorm2d::<f32>::new(a));
        layer!(t, new(a), LayerNorm::<f32>::new(&[a]));
        layer!(t, new(a), RmsNorm::<f32>::new(&[a]));
        layer!(t, new(a), SinusoidalPosition::new(a));
        layer!(t, new(a), MaxPool1d::new(a));
        layer!(t, new(a), AvgPool2d::new(a));
        layer!(t, from_axis(a), Flatten::from_axis(a));
        for b in SIZES {
            layer!(t, new(a, b), Dense::<f32>::new(a, b, &mut rng()));
            layer!(t, new(a, b), Embedding::<f32>::new(a, b, &mut rng()));
            layer!(
                t,
                padding_index(a, b),
                Embedding::<f32>::new(a.min(3), 2, &mut rng()).padding_index(b)
            );
            layer!(t, new(a, b), LearnedPosition::<f32>::new(a, b, &mut rng()));
            layer!(t, new(a, b), LayerNorm::<f32>::new(&[a, b]));
            layer!(t, new(a, b), GroupNorm::<f32>::new(a, b));
            layer!(t, new(a, b), MultiHeadAttention::<f32>::new(a, b, &mut rng()));
            layer!(t, new(a, b), SimpleRnn::<f32>::new(a, b, &mut rng()));
            layer!(t, new(a, b), Gru::<f32>::new(a, b, &mut rng()));
            layer!(t, new(a, b), Lstm::<f32>::new(a, b, &mut rng()));
            layer!(t, new(a, b), TransformerBlock::<f32>::new(a, 1, b, &mut rng()));
            layer!(t, new(a, b), Conv1d::<f32>::new(a, 2, b, &mut rng()));
            layer!(t, new(a, b), Conv2d::<f32>::new(2, a, b, &mut rng()));
            layer!(t, new(a, b), ConvTranspose1d::<f32>::new(a, 2, b, &mut rng()));
            let conv = || Conv1d::<f32>::new(2, 2, 2, &mut rng());
            let back = || ConvTranspose2d::<f32>::new(2, 2, 2, &mut rng());
            layer!(t, stride(a, b), conv().stride(a).padding(b));
            layer!(t, dilation(a, b), conv().dilation(a).padding(b));
            layer!(t, padding(a, b), conv().padding(Padding::Same).stride(a).dilation(b));
            layer!(t, groups(a), conv().groups(a, &mut rng()));
            layer!(t, stride(a, b), back().stride(a).padding(b));
            layer!(t, dilation(a, b), back().dilation(a).output_padding(b));
            layer!(t, output_padding(a, b), back().stride(a).output_padding(b));
            layer!(t, padding(a, b), back().padding(Padding::Same).stride(a).dilation(b));
            layer!(t, groups(a), back().groups(a, &mut rng()));
            layer!(t, stride(a, b), MaxPool1d::new(a).stride(b));
            layer!(t, padding(a, b), MaxPool2d::new(a).padding(b).ceil_mode());
            layer!(t, dilation(a, b), MaxPool1d::new(a).dilation(b));
            layer!(t, padding(a, b), AvgPool1d::new(a).stride(2).padding(b).ceil_mode());
            call!(t, table(a, b), SinusoidalPosition::new(a).table::<f32>(b));
            call!(t, lengths(a, b), drop(AttentionMask::new().lengths(&[a, 0], b)));
            call!(t, tensor(a, b), Init::HeUniform.tensor::<f32>(&[a.min(9), 2], a, b, &mut rng()));
            call!(t, tensor(a, b), Init::XavierNormal.tensor::<f32>(&[a, b], a, b, &mut rng()));
        }
    }
    for a in [0, 1, -1, isize::MIN, isize::MAX] {
        for b in [0, 2, -1, isize::MIN, isize::MAX] {
            call!(t, new(a, b), {
                let layer = Reshape::new([a, b]);
                for shape in SHAPES {
                    drop(Module::<f32>::output_shape(&layer, shape));
                }
            });
        }
        call!(
            t,
            over(a),
            SHAPES.iter().for_each(|shape| {
                let _ = Module::<f32>::output_shape(&Softmax::over(a), shape);
                let _ = Module::<f32>::output_shape(&LogSoftmax::over(a), shape);
            })
        );
    }
    for p in NUMBERS {
        call!(t, new(p), Dropout::new(p));
        call!(t, new(p), Dropout2d::new(p));
        call!(t, momentum(p), drop(BatchNorm1d::<f32>::new(2).momentum(p)));
        call!(t, epsilon(p), drop(BatchNorm1d::<f32>::new(2).epsilon(p)));
        call!(t, epsilon(p), drop(LayerNorm::<f32>::new(&[2]).epsilon(p)));
        call!(t, epsilon(p), drop(RmsNorm::<f32>::new(&[2]).epsilon(p)));
        call!(t, epsilon(p), drop(GroupNorm::<f32>::new(1, 2).epsilon(p)));
        call!(t, dropout(p), drop(MultiHeadAttention::<f32>::new(2, 1, &mut rng()).dropout(p)));
        call!(t, dropout(p), drop(TransformerBlock::<f32>::new(2, 1, 2, &mut rng()).dropout(p)));
        call!(t, tensor(p), Init::Normal { sigma: p }.tensor::<f32>(&[2], 1, 1, &mut rng()));
        for q in NUMBERS {
            let init = Init::Uniform { low: p, high: q };
            call!(t, tensor(p, q), init.tensor::<f64>(&[2], 1, 1, &mut rng()));
        }
    }
}

fn losses_and_metrics(t: &mut Table) {
    let all: Vec<Box<dyn Loss<f64>>> = vec![
        Box::new(MeanSquaredError),
        Box::new(HalfSquaredError),
        Box::new(MeanAbsoluteError),
        Box::new(BinaryCrossEntropy),
        Box::new(BinaryCrossEntropyWithLogits),
        Box::new(Hinge),
        Box::new(SquaredHinge),
        Box::new(CrossEntropy),
        Box::new(CrossEntropy.ignore(i64::MIN)),
        Box::new(NegativeLogLikelihood::new()),
        Box::new(MultiMargin::new()),
        Box::new(Huber::new(1.0).expect("in range")),
        Box::new(SmoothL1::new(1.0).expect("in range")),
    ];
    let shapes: [&[usize]; 9] =
        [&[], &[0], &[1], &[2], &[2, 1], &[2, 3], &[0, 3], &[2, 0], &[2, 3, 2]];
    for loss in &all {
        for shape in shapes {
            let mut targets: Vec<Targets<f64>> =
                shapes.iter().map(|shape| Targets::Values(Tensor::full(shape, 0.5))).collect();
            targets.extend(NUMBERS.map(|x| Targets::Values(Tensor::full(shape, x))));
            targets
                .extend([vec![], vec![0], vec![0, 2], vec![HALF, usize::MAX]].map(Targets::Labels));
            for targets in targets {
                call!(t, loss(loss.name(), shape, targets), {
                    let tape = Tape::new();
                    let y = tape.var(Tensor::full(shape, 0.25));
                    loss.loss(y, &targets).map(|value| drop(value.sum().try_backward()))
                });
                call!(
                    t,
                    of(shape, targets),
                    ConfusionMatrix::of(&Tensor::full(shape, 0.5), &targets, f64::NAN)
                );
            }
        }
    }
    for x in NUMBERS {
        call!(t, new(x), Huber::new(x));
        call!(t, new(x), SmoothL1::new(x));
        call!(t, label_smoothing(x), CrossEntropy.label_smoothing(x));
        call!(t, margin(x), MultiMargin::new().margin(x));
        for y in NUMBERS {
            call!(t, class_weights(x, y), CrossEntropy.class_weights(&[x, y]));
            call!(t, class_weights(x, y), MultiMargin::new().class_weights(&[x, y]));
            call!(t, class_weights(x, y), NegativeLogLikelihood::new().class_weights(&[x, y]));
            call!(
                t,
                positive_weights(x, y),
                BinaryCrossEntropyWithLogits.positive_weights(&[x, y])
            );
        }
    }
    call!(t, class_weights(), CrossEntropy.class_weights(&[]));
    for classes in SIZES {
        call!(t, new(classes), ConfusionMatrix::new(classes));
    }
    let _ = Accuracy::new;
}

fn optimisers_and_schedules(t: &mut Table) {
    for x in NUMBERS {
        call!(t, new(x), Sgd::<f64>::new(x));
        call!(t, new(x), Adam::<f64>::new(x));
        call!(t, new(x), AdamW::<f64>::new(x));
        call!(t, new(x), NAdam::<f64>::new(x));
        call!(t, new(x), Lion::<f64>::new(x));
        call!(t, new(x), RmsProp::<f64>::new(x));
        call!(t, new(x), AdaGrad::<f64>::new(x));
        call!(t, new(x), AdaDelta::<f64>::new(x));
        call!(t, rate(x), Lbfgs::<f64>::new().rate(x));
        call!(t, l1(x), Penalty::l1(x));
        call!(t, l2(x), Penalty::l2(x));
        for y in NUMBERS {
            call!(t, momentum(x, y), Sgd::<f64>::momentum(x, y));
            call!(t, nesterov(x, y), Sgd::<f64>::nesterov(x, y));
            call!(t, tolerances(x, y), Lbfgs::<f64>::new().tolerances(x, y));
            call!(t, l1_l2(x, y), Penalty::l1_l2(x, y));
            call!(t, betas(x, y), Adam::<f64>::new(0.1).and_then(|adam| adam.betas(x, y)));
            call!(t, clip_norm(x, y), {
                let model = Dense::<f64>::new(1, 1, &mut nn::rng(0));
                let mut gradients = nn::Gradients::default();
                gradients.insert(&model.weight, [[y]]);
                clip_norm(&mut gradients, &model, x)
            });
            call!(t, clip_value(x, y), {
                let model = Dense::<f64>::new(1, 1, &mut nn::rng(0));
                let mut gradients = nn::Gradients::default();
                gradients.insert(&model.weight, [[y]]);
                clip_value(&mut gradients, &model, x)
            });
        }
    }
    for n in SIZES {
        call!(t, iterations(n), Lbfgs::<f64>::new().iterations(n));
        call!(t, evaluations(n), Lbfgs::<f64>::new().evaluations(n));
        call!(t, history(n), Lbfgs::<f64>::new().history(n));
        for at in SIZES {
            let rate = |schedule: Result<Box<dyn Schedule>, Error>| {
                schedule.map(|mut schedule| {
                    schedule.observe(at, f64::NAN);
                    schedule.rate(1e308, at)
                })
            };
            call!(t, new(n, at), rate(StepDecay::new(n, 0.5).map(boxed)));
            call!(t, new(n, at), rate(MultiStep::new(vec![n, at], 0.5).map(boxed)));
            call!(t, new(n, at), rate(Cosine::new(n).map(boxed)));
            call!(t, new(n, at), rate(CosineRestarts::new(n).map(boxed)));
            call!(
                t,
                growing(n, at),
                rate(CosineRestarts::new(3).and_then(|s| s.growing(n)).map(boxed))
            );
            call!(
                t,
                growing(n, at),
                rate(CosineRestarts::new(n).and_then(|s| s.growing(2)).map(boxed))
            );
            call!(t, new(n, at), rate(OneCycle::new(n).map(boxed)));
            call!(t, warm_up(n, at), rate(Linear::warm_up(n).map(boxed)));
            call!(t, new(n, at), rate(Linear::new(f64::NAN, 1.0, n).map(boxed)));
            let constant = || Constant::new(1.0).expect("in range");
            call!(t, then(n, at), rate(Chain::new(constant()).then(n, constant()).map(boxed)));
            call!(t, new(n, at), rate(Exponential::new(0.5).map(boxed)));
        }
    }
    for x in NUMBERS {
        call!(t, new(x), Constant::new(x).map(drop));
        call!(t, new(x), Exponential::new(x).map(drop));
        call!(t, new(x), Plateau::new(x).map(drop));
        call!(t, new(x), StepDecay::new(1, x).map(drop));
        call!(t, rise(x), OneCycle::new(9).and_then(|s| s.rise(x)).map(drop));
        call!(t, divisors(x), OneCycle::new(9).and_then(|s| s.divisors(x, x)).map(drop));
        call!(t, to(x), Cosine::new(9).and_then(|s| s.to(x)).map(drop));
    }
}

fn data(t: &mut Table) {
    for n in SIZES {
        for x in NUMBERS {
            call!(t, two_moons(n, x), two_moons::<f64>(n, x, 0));
            call!(t, circles(n, x), circles::<f64>(n, x, x, 0));
            call!(t, line(n, x), line::<f64>(n, x, x, x, u64::MAX));
            for m in SIZES {
                call!(t, spirals(n, m, x), spirals::<f64>(n, m, x, 0));
                call!(t, blobs(n, m, x), blobs::<f64>(n, m, x, 0));
            }
        }
    }
    let shapes: [&[usize]; 6] = [&[], &[0], &[2], &[2, 3], &[0, 3], &[2, 0]];
    for shape in shapes {
        let x = Tensor::<f64>::full(shape, 0.5);
        for a in SIZES {
            for b in SIZES {
                call!(t, windows(shape, a, b), windows(&x, a, b));
                call!(
                    t,
                    classification(shape, a, b),
                    Dataset::classification(x.clone(), vec![a, 0], b)
                );
            }
            call!(t, one_hot(shape, a), {
                Dataset::classification(x.clone(), vec![0, 0], a).and_then(|data| data.one_hot())
            });
        }
        for other in shapes {
            call!(
                t,
                regression(shape, other),
                Dataset::regression(x.clone(), Tensor::full(other, 1.0))
            );
        }
    }
    let data =
        Dataset::regression(Tensor::<f64>::ones(&[4, 2]), Tensor::ones(&[4, 1])).expect("fits");
    for a in SIZES {
        call!(t, select(a), data.select(&[a]));
        call!(t, first_rows(a), data.first_rows(a));
        call!(t, split_at(a), data.split_at(a).map(drop));
        call!(t, batches(a), data.batches(a, Some(0)).map(drop));
        for b in SIZES {
            call!(t, reshape_samples(a, b), data.reshape_samples(&[a, b]));
        }
    }
    for x in NUMBERS {
        call!(t, split(x), data.split(x, 0).map(drop));
        for y in NUMBERS {
            call!(t, split_three(x, y), data.split_three(x, y, 0).map(drop));
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of the repository");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// The constructors and settings of layers that panic at the caller's line.
fn tracked_methods() -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/layers")) {
        let text = std::fs::read_to_string(&path).expect("a source");
        let mut tracked = false;
        for line in text.lines().map(str::trim) {
            if line == "#[track_caller]" {
                tracked = true;
            } else if line.contains("fn ") {
                if let Some(rest) = line.strip_prefix("pub fn ").filter(|_| tracked) {
                    let name = rest.split(['(', '<']).next().unwrap_or_default();
                    // `$setting` stands for several, in a macro.
                    if !name.starts_with('$') {
                        methods.insert(name.to_owned());
                    }
                }
                tracked = false;
            }
        }
    }
    methods
}

#[test]
fn every_misuse_is_refused_in_a_sentence() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no text");
        let place = info.location().map_or(String::new(), ToString::to_string);
        LAST.set(Some((place, text.to_owned())));
    }));
    let mut table = Table::default();
    layers(&mut table);
    passes(&mut table);
    losses_and_metrics(&mut table);
    optimisers_and_schedules(&mut table);
    data(&mut table);
    std::panic::set_hook(default);
    let [values, refusals] = table.counts.values().fold([0; 2], |[a, b], [c, d]| [a + c, b + d]);
    println!("{} methods: {values} values, {refusals} refusals", table.counts.len());
    let faults = table.faults.len();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    table.faults.retain(|fault| {
        let count =
            seen.entry(fault.split(['[', '<']).next().unwrap_or("").to_owned()).or_default();
        *count += 1;
        *count <= 2
    });
    assert!(faults == 0, "{faults} faults, such as:\n{}", table.faults.join("\n"));
    let called: BTreeSet<String> = table.counts.keys().map(|&name| name.to_owned()).collect();
    let missing: Vec<_> = tracked_methods().difference(&called).cloned().collect();
    assert!(missing.is_empty(), "these methods need a case here: {missing:?}");
    assert!(values > 1000 && refusals > 1000, "{values} values, {refusals} refusals");
}
