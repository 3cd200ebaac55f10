//! Criterion benches of every rule, forward and backward.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench rules -- softmax`
//!
//! - `elementwise`: each elementwise rule of the registry on 100,000 numbers, as plain tensors.
//! - `declared`: each other rule of the registry on the first case it declares, which is tiny: what
//!   a call costs beside the arithmetic.
//! - `sized`: the families at sizes that networks have, on a tape, each with the sweep back. The
//!   list is held against the registry: a rule that is in none of these graphs is an error.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use ops::declare::{Example, Refusal, sample};
use ops::registry::{Visitor, visit};
use ops::rules::{Indices, Lift, Padding, Slide};
use ops::{Call, Elementwise, Reading, Rule, Tensor, apply};
use tape::prelude::*;
use tape::{Tape, Var};

mod measured;

/// How many numbers an elementwise rule gets.
fn count() -> usize {
    if measured::is_measured() { 100_000 } else { 1_000 }
}

/// Times `run`, which makes `elements` numbers. Not generic, so that hundreds of rules compile in
/// little time.
fn bench(
    criterion: &mut Criterion,
    group: &str,
    name: String,
    elements: usize,
    run: &mut dyn FnMut(),
) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(elements.max(1) as u64));
    group.bench_function(name, |b| b.iter(&mut *run));
    group.finish();
}

/// Times a rule on plain tensors, of which the one at `fixed` has no gradient.
fn bench_rule<R: Rule>(
    criterion: &mut Criterion,
    group: &str,
    rule: &R,
    operands: &[Tensor<f32>],
    fixed: Option<usize>,
) {
    let operands: Vec<&Tensor<f32>> = operands.iter().collect();
    let output = apply(rule, &operands).expect("a case that the rule declares");
    let wanted: Vec<bool> = (0..operands.len()).map(|i| Some(i) != fixed).collect();
    let cotangent: Tensor<f32> = sample(output.shape(), 9).cast();
    let call = Call { operands: &operands, output: &output, wanted: &wanted };
    let (name, elements) = (rule.name(), output.len());
    bench(criterion, group, format!("{name}, forward"), elements, &mut || {
        black_box(apply(rule, &operands).expect("a case that the rule declares"));
    });
    bench(criterion, group, format!("{name}, backward"), elements, &mut || {
        black_box(rule.vjp(&call, &cotangent));
    });
}

/// Times what the registry shows it.
struct Every<'c>(&'c mut Criterion);

impl Visitor for Every<'_> {
    fn rule<R: Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
        let Example { rule, operands, fixed, .. } = &examples[0];
        let operands: Vec<Tensor<f32>> = operands.iter().map(Tensor::cast).collect();
        bench_rule(self.0, "declared", rule, &operands, *fixed);
    }

    fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
        let count = count();
        let operands = E::DECLARED.samples.map(|samples| {
            let numbers = samples.iter().copied().cycle().take(count).collect();
            Tensor::from_shape_vec(&[count], numbers).expect("one axis").cast()
        });
        bench_rule(self.0, "elementwise", &Lift(rule), &operands, None);
    }
}

/// A name, the operands, and what is recorded of them.
type Case = (&'static str, fn() -> Vec<Tensor<f32>>, for<'t> fn(&[Var<'t, f32>]) -> Var<'t, f32>);

fn x(shape: &[usize]) -> Tensor<f32> {
    sample(shape, shape.len()).cast()
}

/// A symmetric matrix with positive eigenvalues, far from singular.
fn positive(n: usize) -> Tensor<f32> {
    let (a, identity) = (x(&[n, n]), Tensor::from(ndarray::Array2::eye(n)));
    a.matmul(a.t()).scale(1.0 / n as f64).add(identity)
}

/// Indices below `length`, each as often as the others.
fn indices(count: usize, length: usize) -> Vec<usize> {
    (0..count).map(|i| i * 7 % length).collect()
}

fn along(shape: &[usize], length: usize) -> Indices {
    Indices::new(shape, indices(shape.iter().product(), length)).expect("as many as places")
}

fn images() -> Tensor<f32> {
    x(&[64, 16, 26, 26])
}

fn numbers(count: usize, length: usize) -> Tensor<f32> {
    let numbers = indices(count, length).into_iter().map(|i| i as f32).collect();
    Tensor::from_shape_vec(&[count], numbers).expect("one axis")
}

const SQUARE: [Slide; 2] = [Slide::new(3), Slide::new(3)];
const HALVES: [Slide; 2] = [Slide::new(2).stride(2), Slide::new(2).stride(2)];

const SIZED: &[Case] = &[
    // Rules of the linear family.
    ("identity, 512×512", || vec![x(&[512, 512])], |v| Var::apply(ops::rules::Identity, &[&v[0]])),
    ("sum of all, 512×512", || vec![x(&[512, 512])], |v| v[0].sum()),
    ("sum of rows, 512×512", || vec![x(&[512, 512])], |v| v[0].sum_axes(1)),
    ("sum of columns, 512×512", || vec![x(&[512, 512])], |v| v[0].sum_axes(0)),
    ("mean of rows, 512×512", || vec![x(&[512, 512])], |v| v[0].mean_axes(1)),
    ("bias broadcast and added, 512×512", || vec![x(&[512, 512]), x(&[512])], |v| v[0] + v[1]),
    ("broadcast, 512 to 512×512", || vec![x(&[512])], |v| v[0].broadcast_to(&[512, 512])),
    ("flattened, 64×16×26×26", || vec![images()], |v| v[0].reshape([64, -1])),
    ("transposed and added to, 512×512", || vec![x(&[512, 512])], |v| v[0].t() + v[0]),
    ("half of the rows, 512×512", || vec![x(&[512, 512])], |v| v[0].slice(ndarray::s![..256, ..])),
    (
        "half of the columns, 512×512",
        || vec![x(&[512, 512])],
        |v| v[0].slice(ndarray::s![.., ..256]),
    ),
    ("concatenated, 2 of 512×256", || vec![x(&[512, 256]); 2], |v| v[0].concat(&[v[1]], 1)),
    (
        "512 of 1,000 rows of 64",
        || vec![x(&[1_000, 64])],
        |v| v[0].index_select(0, &indices(512, 1_000)),
    ),
    (
        "512 rows of 64 added to 1,000",
        || vec![x(&[512, 64])],
        |v| v[0].index_add(0, &indices(512, 1_000), 1_000),
    ),
    ("one of each row, 512×10", || vec![x(&[512, 10])], |v| v[0].pick(&indices(512, 10))),
    // Layout.
    ("flipped, 512×512", || vec![x(&[512, 512])], |v| v[0].flip(1)),
    ("padded by 1, 64×16×26×26", || vec![images()], |v| v[0].pad(2, 1, 1, Padding::Reflect)),
    ("running sum, 512×512", || vec![x(&[512, 512])], |v| v[0].cumsum(1)),
    (
        "taken along an axis, 512×64",
        || vec![x(&[512, 64])],
        |v| v[0].take_along_axis(1, &along(&[512, 64], 64)),
    ),
    (
        "scattered along an axis, 512×64",
        || vec![x(&[512, 64])],
        |v| v[0].scatter_add(1, &along(&[512, 64], 64), 64),
    ),
    ("diagonal, 512×512", || vec![x(&[512, 512])], |v| v[0].diagonal(0)),
    ("upper triangle, 512×512", || vec![x(&[512, 512])], |v| v[0].triu(0)),
    ("lower triangle, 512×512", || vec![x(&[512, 512])], |v| v[0].tril(0)),
    // Rows of a table.
    (
        "gathered, 512 of 1,000 rows of 64",
        || vec![x(&[1_000, 64])],
        |v| {
            let indices = v[0].tape().constant(numbers(512, 1_000));
            v[0].gather(&indices)
        },
    ),
    // Products.
    ("product, 10×784×30", || vec![x(&[10, 784]), x(&[784, 30])], |v| v[0].matmul(v[1])),
    ("product, 64×784×256", || vec![x(&[64, 784]), x(&[784, 256])], |v| v[0].matmul(v[1])),
    ("product, 512×512×512", || vec![x(&[512, 512]); 2], |v| v[0].matmul(v[1])),
    ("product, 512×512 with a vector", || vec![x(&[512, 512]), x(&[512])], |v| v[0].matmul(v[1])),
    ("64 products, 64×32×64", || vec![x(&[64, 64, 32]), x(&[64, 32, 64])], |v| v[0].matmul(v[1])),
    (
        "64 sums of weighted rows, 64×64×32",
        || vec![x(&[64, 64, 64]), x(&[64, 64, 32])],
        |v| v[0].weighted_sum(v[1]),
    ),
    // Reductions.
    ("maxima of rows, 512×512", || vec![x(&[512, 512])], |v| v[0].max_axes(1)),
    ("minima of rows, 512×512", || vec![x(&[512, 512])], |v| v[0].min_axes(1)),
    ("logsumexp of rows, 512×512", || vec![x(&[512, 512])], |v| v[0].logsumexp(1)),
    ("norms of rows, 512×512", || vec![x(&[512, 512])], |v| v[0].norm(1)),
    // Softmax and cross-entropy.
    ("softmax, 512×512", || vec![x(&[512, 512])], |v| v[0].softmax(1)),
    ("log-softmax, 512×512", || vec![x(&[512, 512])], |v| v[0].log_softmax(1)),
    (
        "cross-entropy with distributions, 512×10",
        || vec![x(&[512, 10]), x(&[512, 10])],
        |v| v[0].softmax_cross_entropy(v[1]),
    ),
    (
        "cross-entropy, 512×10",
        || vec![x(&[512, 10])],
        |v| v[0].sparse_softmax_cross_entropy(&indices(512, 10)),
    ),
    (
        "cross-entropy with labels that are an operand, 512×10",
        || vec![x(&[512, 10])],
        |v| {
            let labels = v[0].tape().constant(numbers(512, 10));
            v[0].label_cross_entropy(labels)
        },
    ),
    (
        "one-hot rows times a table, 512×10",
        || vec![x(&[10, 64])],
        |v| {
            let labels = v[0].tape().constant(numbers(512, 10));
            labels.one_hot(10).matmul(v[0])
        },
    ),
    (
        "64 rows taken apart and added, 64×512",
        || vec![x(&[64, 512])],
        |v| {
            let row = |i: isize| v[0].slice([i.into(), (..).into()]);
            (1..64).fold(row(0), |sum, i| sum + row(i))
        },
    ),
    // Normalisation.
    ("variances of rows, 512×512", || vec![x(&[512, 512])], |v| v[0].var(1, 0.0)),
    ("layers normalised, 1,024×128", || vec![x(&[1_024, 128])], |v| v[0].normalize(1, 1e-5)),
    ("batch normalised, 64×16×26×26", || vec![images()], |v| v[0].normalize([0, 2, 3], 1e-5)),
    // Linear algebra.
    ("inverse, 64×64", || vec![positive(64)], |v| v[0].inverse()),
    ("solution, 64×64", || vec![positive(64), x(&[64, 8])], |v| v[0].solve(v[1])),
    ("determinant, 8×8", || vec![positive(8)], |v| v[0].det()),
    (
        "gradient of the determinant, 8×8",
        || vec![positive(8)],
        |v| v[0].det().backward_recorded().wrt(v[0]),
    ),
    ("log-determinant, 64×64", || vec![positive(64)], |v| v[0].logdet()),
    ("Cholesky factor, 64×64", || vec![positive(64)], |v| v[0].cholesky()),
    // Windows.
    (
        "convolution, 64×1×28×28 to 16",
        || vec![x(&[64, 1, 28, 28]), x(&[16, 1, 3, 3])],
        |v| v[0].conv(v[1], &SQUARE, 1),
    ),
    (
        "convolution, 64×16×13×13 to 32",
        || vec![x(&[64, 16, 13, 13]), x(&[32, 16, 3, 3])],
        |v| v[0].conv(v[1], &SQUARE, 1),
    ),
    (
        "depthwise convolution, 64×16×26×26",
        || vec![images(), x(&[16, 1, 3, 3])],
        |v| v[0].conv(v[1], &SQUARE, 16),
    ),
    ("maxima of 2×2, 64×16×26×26", || vec![images()], |v| v[0].max_pool(&HALVES, false)),
    ("means of 2×2, 64×16×26×26", || vec![images()], |v| v[0].avg_pool(&HALVES, false, true)),
    // Compositions.
    (
        "layer normalisation, 1,024×128",
        || vec![x(&[1_024, 128]), x(&[128]), x(&[128])],
        |v| v[0].layer_norm(&v[1], &v[2], 1e-5),
    ),
    ("standard deviations of rows, 512×512", || vec![x(&[512, 512])], |v| v[0].std(1, 1.0)),
    (
        "einsum bij,bjk->bik, 16×64×32",
        || vec![x(&[16, 64, 32]), x(&[16, 32, 64])],
        |v| Var::einsum("bij,bjk->bik", &[&v[0], &v[1]]),
    ),
    ("upsampled to 52×26, 64×16×26×26", || vec![images()], |v| v[0].upsample_linear(2, 52)),
];

fn sized(criterion: &mut Criterion) {
    for (name, operands, record) in SIZED {
        let operands = operands();
        let tape = Tape::new();
        let vars: Vec<_> = operands.iter().map(|x| tape.var(x)).collect();
        let output = record(&vars);
        let elements = output.value().len();
        let cotangent: Tensor<f32> = sample(&output.shape(), 9).cast();
        bench(criterion, "sized", format!("{name}, backward"), elements, &mut || {
            black_box(output.backward_with(&cotangent).expect("a seed of the shape"));
        });
        let mut tape = Tape::new();
        bench(criterion, "sized", format!("{name}, forward"), elements, &mut || {
            tape.reset();
            let vars: Vec<_> = operands.iter().map(|x| tape.var(x)).collect();
            black_box(record(&vars));
        });
    }
}

/// The names of each rule that is not elementwise: most have one, some another with each setting.
struct Names(Vec<BTreeSet<&'static str>>);

impl Visitor for Names {
    fn rule<R: Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
        self.0.push(examples.iter().map(|example| example.rule.name()).collect());
    }
    fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, _: E) {}
}

/// Holds that each rule of the registry is in the graph, or the sweep, of a case of `SIZED`.
fn check_that_none_is_missing() {
    let mut names = Names(Vec::new());
    visit(&mut names);
    for (_, operands, record) in SIZED {
        let tape = Tape::new();
        let vars: Vec<_> = operands().iter().map(|x| tape.var(x)).collect();
        record(&vars).sum().backward_recorded();
        let there: BTreeSet<_> = tape.vars().filter_map(Var::op).collect();
        names.0.retain(|names| names.is_disjoint(&there));
    }
    assert!(names.0.is_empty(), "no bench at a size that matters has these rules: {:?}", names.0);
}

fn main() {
    check_that_none_is_missing();
    // Some hundred figures: little time for each.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .sample_size(20)
        .nresamples(2_000)
        .configure_from_args();
    visit(&mut Every(&mut criterion));
    sized(&mut criterion);
    criterion.final_summary();
}
