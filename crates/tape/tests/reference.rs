//! Values, gradients and Hessian-vector products against an independent program.
//!
//! `reference.json.gz` holds cases that `scripts/reference.py` has computed with JAX in f64; see
//! there for what a case consists of. Each case is run here
//!
//! - in f64: the value; the gradient, plain and recorded; the Hessian-vector product, in reverse
//!   and forwards over the recorded gradient;
//! - the same in f64 with inputs that are transposed, reversed and cut out of larger arrays;
//! - in f32: the value and the gradient. The inputs are the same numbers in both types.
//!
//! Tolerances are relative. In f64 an element may differ by 1e-10 of itself, or, where it is
//! smaller than a thousandth of the largest of its tensor, of that thousandth: what is left of a
//! cancellation carries the rounding of what cancelled. In f32 an element may differ by 1e-5 of
//! the largest of its tensor.

use std::collections::BTreeSet;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ndarray::{ArrayD, Axis, SliceInfoElem};
use ops::declare::{Example, Refusal};
use ops::registry::{Visitor, visit};
use ops::rules::{self, AxisMap, Conv, Indices, Padding, Part, Slide, Slides, Windows};
use ops::{Axes, Float, Reading, Rule, Shape, Tensor, WithNumber};
use serde_json::Value;
use tape::error::NoGradient;
use tape::prelude::*;

/// An op applied to earlier values: the inputs come first, then one value a step.
struct Step {
    op: String,
    of: Vec<usize>,
    settings: Settings,
}

struct Case {
    name: String,
    steps: Vec<Step>,
    inputs: Vec<Tensor<f64>>,
    /// The loss is sum(c · sin(y + 1/2)), y being the value of the last step.
    c: Tensor<f64>,
    /// The direction along which the Hessian is multiplied.
    v: Vec<Tensor<f64>>,
    value: Tensor<f64>,
    gradients: Vec<Tensor<f64>>,
    hvp: Vec<Tensor<f64>>,
}

fn cases() -> Vec<Case> {
    let mut text = String::new();
    let file = &include_bytes!("reference.json.gz")[..];
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("a gzip file");
    let file: Value = serde_json::from_str(&text).expect("a JSON file");
    list(&file["cases"]).iter().map(Case::from_json).collect()
}

impl Case {
    fn from_json(case: &Value) -> Self {
        let step = |step: &Value| Step {
            op: step[0].as_str().expect("the name of an op").to_owned(),
            of: counts(&step[1]),
            settings: Settings(step[2].clone()),
        };
        let tensors = |key: &str| list(&case[key]).iter().map(tensor).collect();
        Self {
            name: case["name"].as_str().expect("a name").to_owned(),
            steps: list(&case["steps"]).iter().map(step).collect(),
            inputs: tensors("inputs"),
            c: tensor(&case["c"]),
            v: tensors("v"),
            value: tensor(&case["value"]),
            gradients: tensors("gradients"),
            hvp: tensors("hvp"),
        }
    }

    /// The value of the last step.
    fn run<'t, A: Float>(&self, inputs: &[Var<'t, A>]) -> Var<'t, A> {
        let mut values = inputs.to_vec();
        for Step { op, of, settings } in &self.steps {
            let x: Vec<Var<'t, A>> = of.iter().map(|&i| values[i]).collect();
            let value = elementwise(op, &x, settings)
                .or_else(|| reduction(op, &x, settings))
                .or_else(|| layout(op, &x, settings))
                .or_else(|| indexing(op, &x, settings))
                .or_else(|| along_axis(op, &x, settings))
                .or_else(|| product(op, &x, settings))
                .or_else(|| window(op, &x, settings))
                .or_else(|| matrix(op, &x))
                .unwrap_or_else(|| panic!("the test does not know the op {op}"));
            values.push(value);
        }
        *values.last().expect("a step")
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn integer(value: &Value) -> isize {
    value.as_i64().expect("an integer") as isize
}

fn count(value: &Value) -> usize {
    value.as_u64().expect("a count") as usize
}

fn integers(value: &Value) -> Vec<isize> {
    list(value).iter().map(integer).collect()
}

fn counts(value: &Value) -> Vec<usize> {
    list(value).iter().map(count).collect()
}

fn tensor(value: &Value) -> Tensor<f64> {
    let elements = list(&value[1]).iter().map(number).collect();
    Tensor::from_shape_vec(&counts(&value[0]), elements).expect("as many as the shape holds")
}

/// The settings of an op, by name.
struct Settings(Value);

impl Settings {
    fn number(&self, key: &str) -> f64 {
        number(&self.0[key])
    }
    fn integer(&self, key: &str) -> isize {
        integer(&self.0[key])
    }
    fn count(&self, key: &str) -> usize {
        count(&self.0[key])
    }
    fn integers(&self, key: &str) -> Vec<isize> {
        integers(&self.0[key])
    }
    fn counts(&self, key: &str) -> Vec<usize> {
        counts(&self.0[key])
    }
    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().expect("a text")
    }
    fn flag(&self, key: &str) -> bool {
        self.0[key].as_bool().unwrap_or(false)
    }
    fn axis(&self) -> isize {
        self.integer("axis")
    }
    fn axes(&self) -> Axes {
        if self.0["axes"].is_null() { Axes::ALL } else { self.integers("axes").into() }
    }
    fn shape(&self) -> Shape {
        Shape::from_vec(self.counts("shape"))
    }
    /// An index, or `[start, end or null, step]`, for each axis.
    fn part(&self) -> Vec<SliceInfoElem> {
        let elem = |elem: &Value| match elem.as_array() {
            None => SliceInfoElem::Index(integer(elem)),
            Some(range) => SliceInfoElem::Slice {
                start: integer(&range[0]),
                end: range[1].as_i64().map(|end| end as isize),
                step: integer(&range[2]),
            },
        };
        list(&self.0["part"]).iter().map(elem).collect()
    }
    fn indices(&self) -> Indices {
        let indices = &self.0["indices"];
        Indices::new(&counts(&indices[0]), counts(&indices[1])).expect("as many as the shape holds")
    }
    /// `[kernel, stride, padding before, padding after, dilation]` for each spatial axis.
    fn slides(&self) -> Slides {
        let slide = |slide: &Value| {
            let numbers = counts(slide);
            let [kernel, stride, before, after, dilation] = numbers[..] else {
                panic!("a slide has five numbers")
            };
            Slide { kernel, stride, padding: (before, after), dilation }
        };
        list(&self.0["slides"]).iter().map(slide).collect()
    }
    fn normalize(&self) -> rules::Normalize {
        let (epsilon, centred) = (self.number("epsilon"), self.flag("centred"));
        rules::Normalize { axes: self.axes(), epsilon, centred }
    }
    fn padding(&self) -> Padding {
        match self.text("mode") {
            "constant" => Padding::Constant(self.number("value")),
            "edge" => Padding::Edge,
            "reflect" => Padding::Reflect,
            mode => panic!("there is no padding {mode}"),
        }
    }
    fn axis_map(&self) -> AxisMap {
        let name = match self.text("name") {
            "blend" => "blend",
            _ => "none",
        };
        let row = |row: &Value| list(row).iter().map(|e| (count(&e[0]), number(&e[1]))).collect();
        let rows: Vec<_> = list(&self.0["rows"]).iter().map(row).collect();
        let map = AxisMap::new(name, self.axis(), self.count("length"), rows);
        AxisMap { adjoint: self.flag("adjoint"), ..map }
    }
}

/// The method of each named op of one operand, if `$op` is one of them.
macro_rules! unary {
    ($op:expr, $x:expr, $($name:ident)*) => {
        match $op {
            $(stringify!($name) => Some($x[0].$name()),)*
            _ => None,
        }
    };
}

/// The method of each named op of two operands, or its rule with a number in the place of one.
macro_rules! binary {
    ($op:expr, $x:expr, $s:expr, $($name:ident $Rule:ident)*) => {
        match $op {
            $(
                stringify!($name) => Some($x[0].$name($x[1])),
                concat!(stringify!($name), "_left") => {
                    Some($x[0].unary(WithNumber::left($s.number("number"), rules::$Rule)))
                }
                concat!(stringify!($name), "_right") => {
                    Some($x[0].unary(WithNumber::right(rules::$Rule, $s.number("number"))))
                }
            )*
            _ => None,
        }
    };
}

fn elementwise<'t, A: Float>(op: &str, x: &[Var<'t, A>], s: &Settings) -> Option<Var<'t, A>> {
    let plain = unary!(op, x,
        neg exp exp_m1 ln ln_1p sqrt square recip abs sin cos tanh sigmoid relu softplus
        log_sigmoid exp2 log2 log10 rsqrt tan asin acos atan sinh cosh asinh acosh atanh erf gelu
        gelu_tanh silu selu mish softsign hard_sigmoid hard_tanh sign floor ceil round step);
    let plain = plain.or_else(|| {
        binary!(op, x, s,
            add Add sub Sub mul Mul div Div pow Pow maximum Maximum minimum Minimum prelu Prelu
            logaddexp LogAddExp hypot Hypot atan2 Atan2 greater Greater
            greater_equal GreaterEqual less Less less_equal LessEqual equal Equal
            not_equal NotEqual sigmoid_cross_entropy SigmoidCrossEntropy)
    });
    plain.or_else(|| {
        Some(match op {
            "leaky_relu" => x[0].leaky_relu(s.number("alpha")),
            "elu" => x[0].elu(s.number("alpha")),
            "celu" => x[0].celu(s.number("alpha")),
            "clamp" => x[0].clamp(s.number("low"), s.number("high")),
            "scale" => x[0].scale(s.number("factor")),
            "powf" => x[0].powf(s.number("exponent")),
            "weigh" => x[0].weigh(x[1]),
            "where" => Var::apply(rules::Lift(rules::Where), &[&x[0], &x[1], &x[2]]),
            "identity" => Var::apply(rules::Identity, &[&x[0]]),
            "detach" => x[0].detach(),
            _ => return None,
        })
    })
}

fn reduction<'t, A: Float>(op: &str, x: &[Var<'t, A>], s: &Settings) -> Option<Var<'t, A>> {
    let &x = x.first()?;
    let axes = || s.axes();
    let keepdims = s.flag("keepdims");
    Some(match (op, keepdims) {
        ("sum", false) => x.sum_axes(axes()),
        ("sum", true) => x.sum_keepdims(axes()),
        ("mean", false) => x.mean_axes(axes()),
        ("mean", true) => x.mean_keepdims(axes()),
        ("max", false) => x.max_axes(axes()),
        ("max", true) => x.max_keepdims(axes()),
        ("min", false) => x.min_axes(axes()),
        ("min", _) => Var::apply(rules::Extreme { largest: false, axes: axes(), keepdims }, &[&x]),
        ("logsumexp", false) => x.logsumexp(axes()),
        ("logsumexp", _) => Var::apply(rules::LogSumExp { axes: axes(), keepdims }, &[&x]),
        ("norm", false) => x.norm(axes()),
        ("norm", _) => Var::apply(rules::Norm { axes: axes(), keepdims }, &[&x]),
        ("norm_l1", _) => x.norm_l1(axes()),
        ("norm_max", _) => x.norm_max(axes()),
        ("norm_lp", _) => x.norm_lp(s.number("p"), axes()),
        ("prod", _) => x.prod(axes()),
        ("var", _) => x.var(axes(), s.number("correction")),
        ("std", _) => x.std(axes(), s.number("correction")),
        _ => return None,
    })
}

fn layout<'t, A: Float>(op: &str, x: &[Var<'t, A>], s: &Settings) -> Option<Var<'t, A>> {
    let (&first, others) = x.split_first()?;
    Some(match op {
        "broadcast_to" => first.broadcast_to(&s.shape()),
        "reshape" => first.reshape(&s.integers("shape")[..]),
        "expand_dims" => first.expand_dims(s.axis()),
        "squeeze" => first.squeeze(s.axis()),
        "permute" => first.permute(&s.integers("axes")),
        "t" => first.t(),
        "slice" => first.slice(s.part()),
        "slice_adjoint" => {
            Var::apply(rules::SliceAdjoint { part: s.part().into(), shape: s.shape() }, &[&first])
        }
        "concat" => first.concat(others, s.axis()),
        "stack" => first.stack(others, s.axis()),
        "split" => first.split(s.axis(), &s.counts("lengths"))[s.count("which")],
        "triu" => first.triu(s.integer("offset")),
        "tril" => first.tril(s.integer("offset")),
        "diagonal" => first.diagonal(s.integer("offset")),
        "diagonal_adjoint" => {
            let size = s.counts("size");
            let (offset, size) = (s.integer("offset"), [size[0], size[1]]);
            Var::apply(rules::DiagonalAdjoint { offset, size }, &[&first])
        }
        _ => return None,
    })
}

fn indexing<'t, A: Float>(op: &str, x: &[Var<'t, A>], s: &Settings) -> Option<Var<'t, A>> {
    let operands = x;
    let &x = x.first()?;
    Some(match op {
        "gather" => x.gather(&operands[1]),
        "gather_adjoint" => {
            Var::apply(rules::GatherAdjoint { rows: s.count("rows") }, &[&x, &operands[1]])
        }
        "index_select" => x.index_select(s.axis(), &s.counts("indices")),
        "index_add" => x.index_add(s.axis(), &s.counts("indices"), s.count("length")),
        "pick" => x.pick(&s.counts("indices")),
        "place" => {
            let (indices, columns) = (s.counts("indices").into(), s.count("columns"));
            Var::apply(rules::Place { indices, columns }, &[&x])
        }
        "take_along_axis" => x.take_along_axis(s.axis(), &s.indices()),
        "scatter_add" => x.scatter_add(s.axis(), &s.indices(), s.count("length")),
        _ => return None,
    })
}

fn along_axis<'t, A: Float>(op: &str, x: &[Var<'t, A>], s: &Settings) -> Option<Var<'t, A>> {
    let &x = x.first()?;
    Some(match op {
        "axis_map" => Var::apply(s.axis_map(), &[&x]),
        "flip" => x.flip(s.axis()),
        "roll" => x.roll(s.axis(), s.integer("shift")),
        "repeat" => x.repeat(s.axis(), s.count("times")),
        "tile" => x.tile(s.axis(), s.count("times")),
        "pad" => x.pad(s.axis(), s.count("before"), s.count("after"), s.padding()),
        "cumsum" => x.cumsum(s.axis()),
        "cumsum_reverse" => Var::apply(rules::Cumsum { axis: s.axis(), reverse: true }, &[&x]),
        "upsample_nearest" => x.upsample_nearest(s.axis(), s.count("length")),
        "upsample_linear" => x.upsample_linear(s.axis(), s.count("length")),
        "upsample_bilinear" => {
            let lengths = s.counts("lengths");
            x.upsample_linear(-2, lengths[0]).upsample_linear(-1, lengths[1])
        }
        "adaptive_avg_pool" => x.adaptive_avg_pool(s.axis(), s.count("length")),
        _ => return None,
    })
}

fn product<'t, A: Float>(op: &str, x: &[Var<'t, A>], s: &Settings) -> Option<Var<'t, A>> {
    Some(match op {
        "matmul" => x[0].matmul(x[1]),
        "outer" => x[0].outer(&x[1]),
        "einsum" => Var::einsum(s.text("text"), &x.iter().collect::<Vec<_>>()),
        "softmax" => x[0].softmax(s.axis()),
        "log_softmax" => x[0].log_softmax(s.axis()),
        "softmax_cross_entropy" => x[0].softmax_cross_entropy(x[1]),
        "sparse_softmax_cross_entropy" => x[0].sparse_softmax_cross_entropy(&s.counts("labels")),
        "label_cross_entropy" => x[0].label_cross_entropy(x[1]),
        "one_hot" => x[0].one_hot(s.count("classes")),
        "normalize" => Var::apply(s.normalize(), &[&x[0]]),
        "normalize_slope" => Var::apply(rules::NormalizeSlope(s.normalize()), &[&x[0], &x[1]]),
        "layer_norm" => x[0].layer_norm(&x[1], &x[2], s.number("epsilon")),
        "rms_norm" => x[0].rms_norm(&x[1], s.number("epsilon")),
        _ => return None,
    })
}

fn window<'t, A: Float>(op: &str, x: &[Var<'t, A>], s: &Settings) -> Option<Var<'t, A>> {
    let groups = || s.count("groups");
    Some(match op {
        "conv" => x[0].conv(x[1], &s.slides(), groups()),
        "conv_transposed" => {
            x[0].conv_transposed(x[1], &s.slides(), groups(), &s.counts("output_padding"))
        }
        "conv_weight" => {
            let rule = Conv { slides: s.slides(), groups: groups(), part: Part::Weight };
            Var::apply(rule, &[&x[0], &x[1]])
        }
        "max_pool" => x[0].max_pool(&s.slides(), s.flag("ceil")),
        "max_pool_slope" | "max_pool_adjoint" => {
            let adjoint = op == "max_pool_adjoint";
            Var::apply(rules::MaxPoolSlope { slides: s.slides(), adjoint }, &[&x[0], &x[1]])
        }
        "avg_pool" => x[0].avg_pool(&s.slides(), s.flag("ceil"), s.flag("count_padding")),
        "windows" => {
            let rule = Windows { slides: s.slides(), adjoint: None };
            let windows = Var::apply(rule.clone(), &[&x[0]]);
            // Padding with a number is zeros where a window of ones shows the padding.
            let ones = x[0].scalar(1.0).broadcast_to(&x[0].shape());
            Var::apply(rule, &[&ones]).select(windows, x[0].scalar(s.number("fill")))
        }
        "windows_adjoint" => {
            let rule = Windows { slides: s.slides(), adjoint: Some(s.shape()) };
            Var::apply(rule, &[&x[0]])
        }
        _ => return None,
    })
}

fn matrix<'t, A: Float>(op: &str, x: &[Var<'t, A>]) -> Option<Var<'t, A>> {
    Some(match op {
        "inverse" => x[0].inverse(),
        "solve" => x[0].solve(x[1]),
        "det" => x[0].det(),
        "cofactor" => Var::apply(rules::Cofactor, &[&x[0]]),
        "cofactor_slope" => Var::apply(rules::CofactorSlope, &[&x[0], &x[1]]),
        "logdet" => x[0].logdet(),
        "cholesky" => x[0].cholesky(),
        _ => return None,
    })
}

/// What of a case disagrees, and the largest error that was seen, as a share of the tolerance.
#[derive(Default)]
struct Report {
    disagreements: Vec<String>,
    worst: f64,
    compared: usize,
}

/// How far two tensors may differ: `relative` times the larger of the reference's element and
/// `share` of its largest element.
struct Tolerance {
    relative: f64,
    share: f64,
}

const DOUBLE: Tolerance = Tolerance { relative: 1e-10, share: 1e-3 };
const SINGLE: Tolerance = Tolerance { relative: 1e-5, share: 1.0 };

impl Report {
    fn compare<A: Float>(
        &mut self,
        what: &str,
        ours: &Tensor<A>,
        reference: &Tensor<f64>,
        tolerance: &Tolerance,
    ) {
        if ours.shape() != reference.shape() {
            let (ours, reference) = (ours.shape(), reference.shape());
            self.disagreements.push(format!("{what}: shape {ours:?}, should be {reference:?}"));
            return;
        }
        let (ours, reference) = (ours.cast::<f64>().to_vec(), reference.to_vec());
        let largest = reference.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (i, (a, b)) in ours.iter().zip(&reference).enumerate() {
            let allowed = tolerance.relative * b.abs().max(tolerance.share * largest);
            let error = (a - b).abs();
            self.compared += 1;
            if error <= allowed {
                self.worst = self.worst.max(if error == 0.0 { 0.0 } else { error / allowed });
            } else {
                self.disagreements.push(format!(
                    "{what}, element {i}: {a:e}, should be {b:e}: off by {error:.1e}, where \
                     {allowed:.1e} is allowed"
                ));
            }
        }
    }

    fn add(&mut self, case: &str, of: &Self) {
        self.worst = self.worst.max(of.worst);
        self.compared += of.compared;
        self.disagreements.extend(of.disagreements.iter().map(|text| format!("{case}: {text}")));
    }
}

/// Runs `test` on every case and fails with all disagreements at once.
fn every_case(test: impl Fn(&Case, &mut Report)) {
    let mut total = Report::default();
    for case in cases() {
        let mut report = Report::default();
        if catch_unwind(AssertUnwindSafe(|| test(&case, &mut report))).is_err() {
            report.disagreements.push("panics, with the message above".into());
        }
        total.add(&case.name, &report);
    }
    println!("{} numbers, the largest error {:.3} of the tolerance", total.compared, total.worst);
    let Report { disagreements, .. } = total;
    let (number, all) = (disagreements.len(), disagreements.join("\n"));
    assert!(disagreements.is_empty(), "{number} disagreements:\n{all}");
}

/// The scalar that a case differentiates.
fn loss<'t, A: Float>(y: Var<'t, A>, c: Var<'t, A>) -> Var<'t, A> {
    (y + A::from_f64(0.5)).sin().mul(c).sum()
}

type Layout = fn(&Tensor<f64>) -> Tensor<f64>;

/// Everything about a case in f64, its inputs, weights and directions put in a memory layout.
fn check_in_double(case: &Case, layout: Layout, report: &mut Report) {
    let tape = Tape::new();
    let x: Vec<Var<'_, f64>> = case.inputs.iter().map(|x| tape.var(layout(x))).collect();
    let y = case.run(&x);
    report.compare("value", &y.value(), &case.value, &DOUBLE);
    let loss = loss(y, tape.constant(layout(&case.c)));

    let (plain, recorded) = (loss.backward(), loss.backward_recorded());
    let mut slopes = Vec::new();
    for (i, (&x, reference)) in x.iter().zip(&case.gradients).enumerate() {
        report.compare(&format!("gradient {i}"), &plain.wrt(x), reference, &DOUBLE);
        let slope = recorded.wrt(x);
        report.compare(&format!("recorded gradient {i}"), &slope.value(), reference, &DOUBLE);
        slopes.push(slope);
    }

    let directions: Vec<_> = case.v.iter().map(layout).collect();
    let along = slopes
        .iter()
        .zip(&directions)
        .map(|(slope, v)| slope.mul(tape.constant(v)).sum())
        .reduce(|a, b| a + b)
        .expect("an input");
    // Where no slope depends on an input there is nothing to differentiate: zeros.
    let second = along.is_tracked().then(|| along.backward());
    let tangents: Vec<_> = x.iter().copied().zip(directions.iter().cloned()).collect();
    for (i, (&x, reference)) in x.iter().zip(&case.hvp).enumerate() {
        let reverse = match second.as_ref().map(|second| second.try_wrt(x)) {
            Some(Ok(product)) => product,
            None | Some(Err(NoGradient::NotAncestor { .. })) => Tensor::zeros(&x.shape()),
            Some(Err(error)) => {
                report.disagreements.push(format!("Hessian-vector product {i}: {error}"));
                continue;
            }
        };
        report.compare(&format!("Hessian-vector product {i}"), &reverse, reference, &DOUBLE);
        let forward = slopes[i].tangent(&tangents);
        let what = format!("Hessian-vector product {i}, forwards");
        report.compare(&what, &forward, reference, &DOUBLE);
    }
}

#[test]
fn values_and_both_orders_of_gradients_agree_in_double() {
    every_case(|case, report| check_in_double(case, Tensor::clone, report));
}

fn column_major(x: &Tensor<f64>) -> Tensor<f64> {
    let copy = x.view().reversed_axes().as_standard_layout().into_owned();
    Tensor::from(copy.reversed_axes())
}

fn reversed(x: &Tensor<f64>) -> Tensor<f64> {
    let mut copy = x.view();
    (0..x.ndim()).for_each(|axis| copy.invert_axis(Axis(axis)));
    let mut copy = copy.as_standard_layout().into_owned();
    (0..x.ndim()).for_each(|axis| copy.invert_axis(Axis(axis)));
    Tensor::from(copy)
}

fn cut_out(x: &Tensor<f64>) -> Tensor<f64> {
    let larger: Vec<usize> = x.shape().iter().map(|n| 2 * n + 1).collect();
    let mut larger = ArrayD::from_elem(larger, f64::NAN);
    for (axis, &length) in x.shape().iter().enumerate() {
        let part = ndarray::Slice::new(1, Some(1 + 2 * length as isize), 2);
        larger.slice_axis_inplace(Axis(axis), part);
    }
    larger.assign(&x.view());
    Tensor::from(larger)
}

#[test]
fn transposed_inputs_agree() {
    every_case(|case, report| check_in_double(case, column_major, report));
}

#[test]
fn reversed_inputs_agree() {
    every_case(|case, report| check_in_double(case, reversed, report));
}

#[test]
fn inputs_cut_out_of_larger_arrays_agree() {
    every_case(|case, report| check_in_double(case, cut_out, report));
}

#[test]
fn values_and_gradients_agree_in_single() {
    every_case(|case, report| {
        let tape = Tape::<f32>::new();
        let x: Vec<Var<'_, f32>> = case.inputs.iter().map(|x| tape.var(x.cast())).collect();
        for (x, input) in x.iter().zip(&case.inputs) {
            assert_eq!(x.value().cast::<f64>(), *input, "an input that f32 does not hold");
        }
        let y = case.run(&x);
        report.compare("value", &y.value(), &case.value, &SINGLE);
        let gradients = loss(y, tape.constant(case.c.cast())).backward();
        for (i, (&x, reference)) in x.iter().zip(&case.gradients).enumerate() {
            report.compare(&format!("gradient {i}"), &gradients.wrt(x), reference, &SINGLE);
        }
    });
}

#[test]
fn there_are_enough_cases_and_every_rule_is_among_them_or_has_known_values() {
    /// The names of the rules, and of those with a value that another program has computed.
    #[derive(Default)]
    struct Names {
        all: BTreeSet<&'static str>,
        known: BTreeSet<&'static str>,
    }
    impl Visitor for Names {
        fn rule<R: Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
            self.all.extend(examples.iter().map(|example| example.rule.name()));
            let known = examples.iter().filter(|example| example.value.is_some());
            self.known.extend(known.map(|example| example.rule.name()));
        }
    }
    let mut names = Names::default();
    visit(&mut names);
    let cases = cases();
    let programs = cases.iter().filter(|case| case.steps.len() > 3).count();
    assert!(cases.len() - programs >= 300, "{} cases of single ops", cases.len() - programs);
    assert!(programs >= 50, "{programs} programs");
    // What the forward runs record, not what the gradients need.
    let mut recorded = BTreeSet::new();
    for case in &cases {
        let tape = Tape::new();
        let inputs: Vec<_> = case.inputs.iter().map(|x| tape.var(x)).collect();
        case.run(&inputs);
        recorded.extend(tape.vars().filter_map(Var::op));
    }
    let missing = names.all.difference(&recorded).filter(|name| !names.known.contains(*name));
    let missing: Vec<_> = missing.collect();
    assert!(
        missing.is_empty(),
        "neither a known value nor a case in scripts/reference.py for the rules {missing:?}"
    );
    // What the file holds is not given up: a new rule may do without a case, no old one.
    let covered = names.all.intersection(&recorded).count();
    assert!(covered >= 121, "only {covered} of {} rules are among the cases", names.all.len());
}
