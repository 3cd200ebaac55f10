//! Programs compute what a fresh recording computes, bit for bit.

use ops::declare::{Example, Refusal, Samples, sample};
use ops::registry::{Visitor, visit};
use ops::rules::Lift;
use ops::{Elementwise, Float, Number, Reading, Rule, Tensor};
use proptest::prelude::*;
use tape::prelude::*;
use tape::{PlannedStep, PlannedValue, Program, ProgramError, Storage};

/// One op of a random program: which op, and which earlier values it takes.
#[derive(Clone, Debug)]
struct Instruction {
    op: u8,
    left: prop::sample::Index,
    right: prop::sample::Index,
}

fn instruction() -> impl Strategy<Value = Instruction> {
    (0..30_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>())
        .prop_map(|(op, left, right)| Instruction { op, left, right })
}

const SHAPES: [&[usize]; 4] = [&[2, 3], &[3], &[], &[2, 1]];

/// Runs the ops on values of shapes that broadcast in every pair.
fn record<'t>(ops: &[Instruction], inputs: &[Var<'t, f64>]) -> Vec<Var<'t, f64>> {
    let mut values = inputs.to_vec();
    for Instruction { op, left, right } in ops {
        let (a, b) = (values[left.index(values.len())], values[right.index(values.len())]);
        let full = || {
            if a.shape()[..] == [2, 3] { a } else { a.broadcast_to(&[2, 3]) }
        };
        values.push(match op {
            0 => a + b,
            1 => a * b,
            2 => a - b,
            3 => a / (b.square() + 1.0),
            4 => a.tanh(),
            5 => a.sin(),
            6 => 3.0 * a,
            7 => a.sigmoid(),
            8 => a.relu(),
            9 => (-a.square()).exp(),
            10 => (a.square() + 1.0).ln(),
            11 => a.maximum(b),
            12 => (a.square() + 0.5).pow(b.tanh()),
            13 => full().softmax(-1),
            14 => full().log_softmax(0).tanh(),
            15 => full().sum_axes(0).tanh(),
            16 => full().mean_keepdims(-1) * b,
            17 => full().matmul(full().t()).tanh().sum_axes(1).mean() * b,
            18 => full().index_select(1, &[2, 0, 0]),
            19 => full().slice(ndarray::s![..;-1, ..]) * 0.5,
            20 => full().reshape([3, 2]).t().reshape([2, 3]),
            21 => full().concat(&[full()], 0).slice(ndarray::s![1..3, ..]),
            22 => 1.0 - a.detach() * b,
            23 => full().t().reshape([6]).reshape([2, 3]).t().t(),
            24 => full().slice(ndarray::s![0, ..]) + full().slice(ndarray::s![1, ..]).sin(),
            25 => full().max_axes(0),
            26 => full().sum(),
            27 => tape::checkpoint(|v| v[0].sin() * v[1], &[a, b]),
            28 => full().cumsum(1),
            _ => a.sigmoid_cross_entropy(b.sigmoid()),
        });
    }
    values.split_off(inputs.len())
}

fn inputs(seed: usize) -> Vec<Tensor<f64>> {
    SHAPES.iter().enumerate().map(|(i, shape)| sample(shape, seed + i)).collect()
}

/// The values that a program is to give: every third value, a loss, and its gradients.
fn outputs<'t>(ops: &[Instruction], x: &[Var<'t, f64>]) -> Vec<Var<'t, f64>> {
    let values = record(ops, x);
    let loss = values.iter().map(|v| v.sin().mean()).reduce(|a, b| a + b).unwrap();
    let mut outputs: Vec<_> = values.iter().copied().step_by(3).collect();
    outputs.push(loss);
    if loss.is_tracked() {
        let gradients = loss.backward_recorded();
        outputs.extend(x.iter().filter_map(|&x| gradients.try_wrt(x).ok()));
    }
    outputs
}

fn bits(x: &Tensor<f64>) -> Vec<u64> {
    // Zeros of both signs are equal, as are all NaNs.
    x.to_vec().iter().map(|&x| if x.is_nan() { u64::MAX } else { (x + 0.0).to_bits() }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replayed_is_as_recorded(
        ops in prop::collection::vec(instruction(), 1..24),
        seeds in prop::collection::vec(0..50_usize, 1..4),
    ) {
        let tape = Tape::new();
        let x: Vec<_> = inputs(7).iter().map(|x| tape.var(x)).collect();
        let asked = outputs(&ops, &x);
        let mut program = tape.compile(&asked);
        for (number, asked) in asked.iter().enumerate() {
            prop_assert_eq!(bits(program.value(number)), bits(&asked.value()), "before it ran");
        }
        for seed in seeds {
            let inputs = inputs(seed);
            let fresh = Tape::new();
            let fresh_x: Vec<_> = inputs.iter().map(|x| fresh.var(x)).collect();
            let wanted = outputs(&ops, &fresh_x);
            let leaves: Vec<_> = x.iter().map(|x| x.position()).zip(&inputs).collect();
            // A leaf that no output needs cannot be set.
            let leaves: Vec<_> = leaves
                .into_iter()
                .filter(|(position, value)| program.set(*position, value).is_ok())
                .collect();
            program.run_with(&leaves).unwrap();
            for (number, wanted) in wanted.iter().enumerate() {
                let (value, wanted) = (program.value(number), wanted.value());
                prop_assert_eq!(value.shape(), wanted.shape());
                prop_assert_eq!(
                    bits(value), bits(&wanted),
                    "output {} is {} and not {}\n{}", number, value, wanted, program.plan()
                );
            }
        }
    }
}

/// The value of a rule at its samples, 300 elements of each, its gradients, and the gradients of
/// their sum: as they were recorded, and as they are replayed.
fn recorded_and_replayed<A: Float>(
    apply: &dyn for<'t> Fn(&[&Var<'t, A>]) -> Var<'t, A>,
    samples: &[&[f64]],
    scalar: bool,
) -> Vec<(Tensor<A>, Tensor<A>)> {
    let tape = Tape::<A>::new();
    let cut = |samples: &[f64]| {
        let mut numbers = samples.iter().map(|&x| A::from_f64(x)).cycle();
        if scalar {
            return Tensor::scalar(numbers.next().unwrap());
        }
        Tensor::from_shape_vec(&[300], numbers.take(300).collect()).unwrap()
    };
    let x: Vec<_> = samples.iter().map(|samples| tape.var(cut(samples))).collect();
    let y = apply(&x.iter().collect::<Vec<_>>());
    let first = (y * tape.constant(cut(&[0.7, -1.3, 2.1]))).sum().backward_recorded();
    let first: Vec<_> = x.iter().filter_map(|&x| first.try_wrt(x).ok()).collect();
    let sum = first.iter().map(|g| g.sin().sum()).reduce(|a, b| a + b);
    let second = sum.filter(|sum| sum.is_tracked()).map(Var::backward_recorded);
    let second =
        second.iter().flat_map(|second| x.iter().filter_map(move |&x| second.try_wrt(x).ok()));
    let asked: Vec<_> = [y].into_iter().chain(first.iter().copied()).chain(second).collect();
    let mut replayed = Vec::new();
    // All of them, and the first gradients alone.
    for asked in [&asked[..], &first[..]] {
        let mut program = tape.compile(asked);
        program.run().unwrap();
        let values = (0..asked.len()).map(|number| program.value(number).clone());
        replayed.extend(asked.iter().map(|x| x.value()).zip(values));
    }
    replayed
}

#[test]
fn slopes_in_one_step_are_their_formulas() {
    struct Every;
    impl Visitor for Every {
        fn rule<R: Rule>(&mut self, _: &[Example<R>], _: &[Refusal<R>]) {}
        fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
            for scalar in [false, true] {
                for (recorded, replayed) in recorded_and_replayed::<f64>(
                    &|x| Var::apply(Lift(rule), x),
                    &E::DECLARED.samples,
                    scalar,
                ) {
                    assert_eq!(bits(&replayed), bits(&recorded), "{rule:?}, scalar: {scalar}");
                }
                for (recorded, replayed) in recorded_and_replayed::<f32>(
                    &|x| Var::apply(Lift(rule), x),
                    &E::DECLARED.samples,
                    scalar,
                ) {
                    let (replayed, recorded) = (replayed.cast::<f64>(), recorded.cast::<f64>());
                    assert_eq!(bits(&replayed), bits(&recorded), "{rule:?}, scalar: {scalar}");
                }
            }
        }
    }
    visit(&mut Every);
}

/// eᵃᵇᶜ, whose slopes read two of the operands and the value.
#[derive(Clone, Copy, Debug)]
struct ExpOfProduct;

impl Elementwise<3> for ExpOfProduct {
    const NAME: &'static str = "exp_of_product";
    const DECLARED: Samples<3> = Samples::anywhere();
    fn value<R: Number>(self, [a, b, c]: [R; 3]) -> R {
        (a * b * c).exp()
    }
    fn slope<R: Number>(self, operand: usize, [a, b, c]: [R; 3], y: R) -> R {
        [b * c, a * c, a * b][operand] * y
    }
}

/// A slope of two operands and the value times a cotangent reads four numbers.
#[test]
fn a_step_of_scalars_may_read_four_of_them() {
    let tape = Tape::new();
    let [a, b, c, weight] = [1.5, -0.5, 0.25, 1.0].map(|x: f64| tape.var(x));
    let y = Var::apply(Lift(ExpOfProduct), &[&a, &b, &c]);
    let slopes = (y * weight).backward_recorded();
    let mut program = tape.compile(&[slopes.wrt(a), slopes.wrt(b), slopes.wrt(c)]);
    let new = [0.5, 2.0, 1.0, 3.0].map(Tensor::scalar);
    let leaves: Vec<_> = [a, b, c, weight].iter().map(|x| x.position()).zip(&new).collect();
    program.run_with(&leaves).unwrap();
    // e¹ times 3, and bc = 2, ac = ½, ab = 1.
    for (number, factor) in [2.0, 0.5, 1.0].into_iter().enumerate() {
        let expected = 3.0 * std::f64::consts::E * factor;
        let given = program.value(number).item();
        assert!((given - expected).abs() <= 1e-15 * expected, "{given} for {expected}");
    }
}

/// The number of ops that the gradient of the sum of a function of 300 elements takes.
fn ops_of_gradient(tape: &Tape<f64>, f: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>) -> usize {
    let x = tape.var(sample(&[300], 0));
    let gradient = (f(x) * tape.constant(sample(&[300], 1))).sum().backward_recorded().wrt(x);
    let program = tape.compile(&[gradient]);
    let fused = program.plan().steps().iter().map(|step| match step {
        PlannedStep::Fused(values) => values.len(),
        _ => 0,
    });
    fused.sum()
}

#[test]
fn a_slope_is_one_step_where_that_saves_something() {
    // The value, the cotangent 1 times the constant, and the slope.
    assert_eq!(ops_of_gradient(&Tape::new(), |x| x.tanh()), 3);
    assert_eq!(ops_of_gradient(&Tape::new(), |x| x.sigmoid()), 3);
    // Of the slope of a square, 2 · x¹, the power was dropped; no value.
    assert_eq!(ops_of_gradient(&Tape::new(), |x| x.powf(2.0)), 3);
    // A value within the formula could be the first that is not finite.
    assert_eq!(ops_of_gradient(&Tape::new().stop_at_non_finite(), |x| x.tanh()), 6);
    // What is broadcast has a slope of fewer elements than the product: 1/c is computed once.
    assert_eq!(ops_of_gradient(&Tape::new(), |x| x / x.tape().constant([0.5])), 3);
}

/// A function of two variables.
type OfTwo = for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Var<'t, f64>;

/// An op that reads a broadcast reads what it repeats, also where the two are in different passes.
#[test]
fn a_broadcast_is_computed_only_for_what_is_not_elementwise() {
    let tape = Tape::<f64>::new();
    let [x, row] = [tape.var(sample(&[3, 4], 0)), tape.var(sample(&[4], 1))];
    let stretched = row.broadcast_to(&[3, 4]);
    let y = (x * stretched).sum_axes(1).reshape([3, 1]) * stretched.broadcast_to(&[2, 3, 4]);
    let wanted = y.value();
    let mut program = tape.compile(&[y]);
    let plan = program.plan().to_string();
    assert!(!plan.contains("broadcast_to"), "{plan}");
    let (new_x, new_row) = (sample(&[3, 4], 2), sample(&[4], 3));
    let two = [(x.position(), &new_x), (row.position(), &new_row)];
    program.run_with(&two).unwrap();
    let again = (two[0].1 * two[1].1).sum_axes(1).reshape([3, 1]) * two[1].1;
    assert_eq!(program.value(0), &again.broadcast_to(&[2, 3, 4]));
    assert_ne!(program.value(0), &wanted);
    // A product reads it as a tensor, a sum of all its elements, too, and so does whoever asks for it.
    let others: [OfTwo; 4] = [
        |x, y| x.matmul(y.t()).sum(),
        |x, y| y.sum() + (x * y).sum(),
        |_, y| y,
        |x, y| (y.detach() * x).t().exp() + y.expand_dims(0).broadcast_to(&[4, 3, 4]).sum_axes(2),
    ];
    for other in others {
        let mut program = tape.compile(&[other(x, row.broadcast_to(&[3, 4])), x * stretched]);
        let plan = program.plan().to_string();
        assert!(plan.contains("broadcast_to"), "{plan}");
        program.run_with(&two).unwrap();
        let tape = Tape::new();
        let [x, row] = [tape.var(two[0].1), tape.var(two[1].1)];
        let wanted = other(x, row.broadcast_to(&[3, 4])).value();
        assert_eq!(program.value(0), &wanted, "{plan}");
        assert_eq!(program.value(1), &(two[0].1 * two[1].1), "{plan}");
    }
    // A plan names what is read, also where the broadcast is there.
    let stretched = row.named("row").broadcast_to(&[3, 4]).named("stretched");
    let plan = tape.compile(&[x.named("x") * stretched, stretched]).plan().to_string();
    assert!(plan.contains("= x · row"), "{plan}");
    // Where each value is looked at, each is computed.
    let tape = Tape::new().stop_at_non_finite();
    let x = tape.var([1.0, 2.0]);
    let y = x * tape.var(3.0).broadcast_to(&[2]);
    assert!(tape.compile(&[y]).plan().to_string().contains("broadcast_to"));
}

/// A program of a function of one variable.
fn compiled<A: Float>(
    x: impl Into<Tensor<A>>,
    f: impl for<'t> Fn(Var<'t, A>) -> Var<'t, A>,
) -> (usize, Program<A>) {
    let tape = Tape::new();
    let x = tape.var(x);
    let y = f(x);
    (x.position(), tape.compile(&[y]))
}

#[test]
fn an_elementwise_chain_is_one_pass_without_buffers_of_its_own() {
    let tape = Tape::<f64>::new();
    let x = tape.var(sample(&[64, 10], 0)).named("x");
    let y = (x.tanh() * x.sigmoid() + x.relu()).exp();
    let program = tape.compile(&[y]);
    let [PlannedStep::Fused(values)] = program.plan().steps() else {
        panic!("{}", program.plan());
    };
    let storage: Vec<Storage> = values.iter().map(|value| value.storage).collect();
    assert_eq!(storage[..5], [Storage::Row; 5]);
    assert_eq!(storage[5], Storage::Buffer(0));
    assert_eq!(program.plan().buffers().len(), 1);
    assert_eq!(program.plan().recorded_bytes(), 6 * 640 * 8);
    assert_eq!(program.plan().bytes(), 640 * 8);
    assert_eq!(values[0].formula, "tanh(x)");
}

#[test]
fn forward_and_backward_of_an_elementwise_function_are_one_pass() {
    // Nothing waits for the sum: its gradient is 1 whatever it is.
    let tape = Tape::<f64>::new();
    let x = tape.var(sample(&[100], 0));
    let loss = (x.sigmoid() * x.tanh()).sum();
    let gradient = loss.backward_recorded().wrt(x);
    let program = tape.compile(&[loss, gradient]);
    let fused = |step: &&PlannedStep| matches!(step, PlannedStep::Fused(_));
    assert_eq!(program.plan().steps().iter().filter(fused).count(), 1, "{}", program.plan());
}

#[test]
fn a_sum_is_taken_in_the_pass_that_computes_its_operand() {
    let planned = |tape: Tape<f64>| {
        let x = tape.var(sample(&[64, 10], 0));
        let y = x.tanh();
        let (sum, mean, centred) = (y.sum(), y.square().mean(), y - y.mean());
        tape.compile(&[sum, mean, centred, y.sum_axes(0)]).plan().clone()
    };
    let plan = planned(Tape::new());
    let [first, second, third] = plan.steps() else { panic!("{plan}") };
    let PlannedStep::Fused(values) = first else { panic!("{plan}") };
    let storages: Vec<(&str, Storage)> =
        values.iter().map(|value| (&value.formula[..], value.storage)).collect();
    let expected = [
        ("tanh(#0)", Storage::Buffer(0)),
        ("sum(#1)", Storage::Number),
        ("#1²", Storage::Row),
        ("mean(#3)", Storage::Number),
        ("mean(#1)", Storage::Number),
    ];
    assert_eq!(storages, expected, "{plan}");
    // What reads a sum of the pass is another pass.
    let is_fused = |step: &PlannedStep| matches!(step, PlannedStep::Fused(_));
    assert!(is_fused(second) != is_fused(third), "{plan}");
    // Where each value is looked at, a sum is an op by itself.
    let plan = planned(Tape::new().stop_at_non_finite());
    let single = |step: &&PlannedStep| matches!(step, PlannedStep::Single(_));
    assert_eq!(plan.steps().iter().filter(single).count(), 4, "{plan}");
}

/// Passes that end with sums, on every length of a last row and of a last block, against recordings.
#[test]
fn sums_in_passes_are_those_of_tensors() {
    fn of<'t>(x: Var<'t, f32>, bias: Var<'t, f32>) -> Vec<Var<'t, f32>> {
        let y = (x + bias).tanh();
        let loss = (y * x.sigmoid()).sum() + (y - y.mean()).square().mean() * 3.0;
        let all = x.tape().constant([2.0]).broadcast_to(&x.shape()).sum();
        vec![loss, loss.backward_recorded().wrt(x), y.t().exp().sum(), all]
    }
    // Sums are taken in blocks of 16,384, and up to as many threads as there are blocks take part.
    for shape in [[1, 7], [3, 10], [17, 1021], [1_701, 10], [513, 64], [3, 16_384]] {
        let bias = sample(&shape[1..], 2).cast::<f32>();
        let [before, now] = [0, 1].map(|seed| {
            let turned = sample(&[shape[1], shape[0]], seed).cast::<f32>();
            [
                sample(&shape, seed).cast::<f32>(),
                Tensor::from(turned.view().reversed_axes().to_shared()),
            ]
        });
        for (before, now) in before.iter().zip(&now) {
            let fresh = Tape::new();
            let wanted = of(fresh.var(now), fresh.var(&bias)).into_iter().map(Var::value);
            let wanted: Vec<_> = wanted.collect();
            for threads in [1, 2, 3] {
                ops::with_threads(threads, || {
                    let tape = Tape::new();
                    let (x, b) = (tape.var(before), tape.var(&bias));
                    let mut program = tape.compile(&of(x, b));
                    program.run_with(&[(x.position(), now)]).unwrap();
                    for (number, wanted) in wanted.iter().enumerate() {
                        let (same, plan) = (program.value(number) == wanted, program.plan());
                        assert!(same, "{number} of {shape:?}, {threads} threads\n{plan}");
                    }
                });
            }
        }
    }
}

#[test]
fn values_that_do_not_live_at_the_same_time_share_a_buffer() {
    let layers = 20;
    let tape = Tape::<f64>::new();
    let x = tape.var(sample(&[8, 8], 0));
    let w = tape.var(sample(&[8, 8], 1));
    let y = (0..layers).fold(x, |y, _| y.matmul(w).tanh());
    let mut program = tape.compile(&[y]);
    // Of 20 products and 20 activations, two live at a time.
    assert_eq!(program.plan().buffers().len(), 2, "{}", program.plan());
    program.run().unwrap();
    assert_eq!(*program.value(0), y.value());
}

/// What several products copy of a weight stays as it is until the last of them has read it.
#[test]
fn a_copy_lives_as_long_as_it_is_read() {
    // Of a weight that lies by columns, and for 16 rows, products make a copy. It is made in the first
    // step, and all values have one size: a buffer that is let go too early is taken at once.
    fn of<'t>(x: Var<'t, f64>, w: Var<'t, f64>) -> Var<'t, f64> {
        (0..5).fold(x, |y, _| y.matmul(w).tanh())
    }
    let [x, w, rows] = [0, 1, 2].map(|seed| sample(&[16, 16], seed));
    let columns = |w: &Tensor<f64>| Tensor::from(w.view().reversed_axes().to_shared());
    let (w, other) = (columns(&w), columns(&rows));
    let tape = Tape::new();
    let (v, weight) = (tape.var(&x), tape.var(&w));
    let mut program = tape.compile(&[of(v, weight)]);
    for w in [&w, &other, &rows, &w] {
        program.run_with(&[(weight.position(), w)]).unwrap();
        let fresh = Tape::new();
        let wanted = of(fresh.var(&x), fresh.var(w)).value();
        assert_eq!(*program.value(0), wanted, "{}", program.plan());
    }
}

/// The passes of a program over one shape, in which each `true` records an elementwise op of the same
/// nine elements and each `false` a sum of two numbers a column over the rows of a matrix.
fn passes(ops: &[bool], columns: usize) -> usize {
    let tape = Tape::<f64>::new();
    let (x, matrix) = (tape.var(sample(&[3, 3], 0)), tape.var(sample(&[4, columns], 1)));
    let record = |&op: &bool| if op { x.sin() } else { matrix.sum_axes(0) };
    let outputs: Vec<_> = ops.iter().map(record).collect();
    let program = tape.compile(&outputs);
    let steps = program.plan().steps().iter();
    steps.filter(|step| matches!(step, PlannedStep::Fused(_))).count()
}

/// A pass is closed when two ops on whole tensors have run since an op last joined it; one of a
/// single number is none.
#[test]
fn a_pass_waits_for_ops_that_come_soon() {
    let (joins, other) = (true, false);
    assert_eq!(passes(&[joins, joins], 2), 1);
    assert_eq!(passes(&[joins, other, joins], 2), 1);
    assert_eq!(passes(&[joins, other, other, joins], 2), 2);
    assert_eq!(passes(&[joins, other, other, joins], 5), 2);
    assert_eq!(passes(&[joins, other, joins, other, joins], 2), 1, "each that joins counts anew");
    assert_eq!(passes(&[joins, other, other, other, joins], 1), 1);
}

#[test]
fn a_product_is_added_to_a_sum_in_place() {
    let tape = Tape::<f64>::new();
    let x: Vec<_> = (0..8).map(|seed| tape.var(sample(&[6, 6], seed))).collect();
    // The products' operands live until they are added, which is at once and not at the end.
    let t: Vec<_> = x.iter().map(|x| x.matmul(*x)).collect();
    let products: Vec<_> = t.iter().map(|t| t.matmul(x[0])).collect();
    let sum = products.into_iter().reduce(|a, b| a + b).unwrap();
    let mut program = tape.compile(&[sum]);
    assert_eq!(*program.value(0), sum.value(), "before it runs, it has what was recorded");
    assert!(program.plan().buffers().len() <= 3, "{}", program.plan());
    for _ in 0..2 {
        program.run().unwrap();
        assert_eq!(*program.value(0), sum.value());
    }
}

/// Two steps of a recurrent network, the slopes of which read the weight again.
fn two_steps<'t, A: Float>(x: Var<'t, A>, w: Var<'t, A>) -> [Var<'t, A>; 2] {
    let weight = w.t();
    let first = x.matmul(weight).tanh();
    let second = first.concat(&[first], 1).matmul(weight).sin();
    let loss = second.sum() + first.sum();
    [second, loss.backward_recorded().wrt(w)]
}

fn copied_once<A: Float>() {
    let leaves = |seed| [sample(&[20, 10], seed), sample(&[5, 10], seed + 1)].map(|x| x.cast());
    let [x, w]: [Tensor<A>; 2] = leaves(0);
    let tape = Tape::new();
    let (x, w) = (tape.var(x), tape.var(w));
    let mut program = tape.compile(&two_steps(x, w));
    let plan = program.plan().to_string();
    let copies = plan.matches(" by rows = ").count();
    // Without wide registers another library multiplies, and makes its own.
    #[cfg(target_arch = "x86_64")]
    let wide = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let wide = true;
    assert_eq!(copies, usize::from(wide), "one for both products:\n{plan}");
    for seed in [3, 8] {
        let [new_x, new_w]: [Tensor<A>; 2] = leaves(seed);
        let turned = Tensor::from(new_w.t().view().as_standard_layout().into_owned()).t();
        for new_w in [&new_w, &turned] {
            let fresh = Tape::new();
            let wanted = two_steps(fresh.var(&new_x), fresh.var(new_w)).map(Var::value);
            program.run_with(&[(x.position(), &new_x), (w.position(), new_w)]).unwrap();
            assert!(*program.value(0) == wanted[0] && *program.value(1) == wanted[1]);
        }
    }
}

#[test]
fn what_several_products_copy_is_copied_once() {
    copied_once::<f32>();
    copied_once::<f64>();
}

#[test]
fn a_leaf_that_lies_otherwise_is_multiplied_as_it_would_be_without_a_copy() {
    let every_second = ndarray::s![.., ..;2];
    let stepped = |seed| {
        let x = sample(&[16, 96], seed).view().into_owned().slice_move(every_second);
        assert_eq!(x.strides(), [96, 2]);
        Tensor::from(x)
    };
    let wanted = |x: &Tensor<f64>, y: &Tensor<f64>, w: &Tensor<f64>| {
        let tape = Tape::new();
        let [x, y, w] = [x, y, w].map(|leaf| tape.var(leaf));
        [x, y].map(|x| x.matmul(w.t()).value())
    };
    let tape = Tape::new();
    let [x, y, w] = [stepped(1), stepped(2), sample(&[5, 48], 3)].map(|leaf| tape.var(leaf));
    let mut program = tape.compile(&[x, y].map(|x| x.matmul(w.t())));
    let dense = Tensor::from(sample(&[16, 48], 4).view().as_standard_layout().into_owned());
    for new in [dense, stepped(5)] {
        program.run_with(&[(x.position(), &new)]).unwrap();
        let [first, second] = wanted(&new, &y.value(), &w.value());
        assert!(*program.value(0) == first && *program.value(1) == second);
    }
}

#[test]
fn nothing_is_added_to_a_leaf_in_place() {
    let tape = Tape::<f64>::new();
    let [x, u, v] = [0, 1, 2].map(|seed| tape.var(sample(&[5, 5], seed)));
    let mut program = tape.compile(&[x + u.matmul(v)]);
    let wanted = &x.value() + &u.value().matmul(v.value());
    for run in 0..3 {
        program.run().unwrap();
        assert_eq!(*program.value(0), wanted, "run {run}");
    }
}

#[test]
fn a_plan_says_what_is_added_to_what_and_numbers_parts_from_1() {
    let tape = Tape::<f64>::new();
    let names = ["x", "u", "v"];
    let [x, u, v] = [0, 1, 2].map(|i| tape.var(sample(&[5, 5], i)).named(names[i]));
    let first = x.matmul(x).named("first");
    let plan = tape.compile(&[first + u.matmul(v)]).plan().to_string();
    assert!(plan.contains("first + u @ v"), "{plan}");
    let y = x.softmax(-1).named("y");
    let plan = tape.compile(&[y.matmul(u)]).plan().to_string();
    assert!(plan.contains("y.1 = ") && plan.contains("y.2 = "), "{plan}");
}

#[test]
fn a_plan_gives_positions_on_the_tape() {
    let tape = Tape::<f64>::new();
    let [x, u] = [0, 1].map(|seed| tape.var(sample(&[5, 5], seed)));
    // A program has softmax as several values, behind which its own positions are others.
    let product = x.softmax(-1).matmul(u).named("product");
    let bent = (product.tanh() * product).named("bent");
    let sine = bent.sum().sin();
    let (mut single, mut fused, mut scalar) = (None, None, None);
    for step in tape.compile(&[bent, sine]).plan().steps() {
        let found = |value: &PlannedValue, label| (value.label == label).then_some(value.position);
        match step {
            PlannedStep::Single(value) => single = single.or(found(value, "product")),
            PlannedStep::Fused(values) => {
                fused = fused.or(values.iter().find_map(|value| found(value, "bent")));
            }
            PlannedStep::Scalars(runs) => {
                scalar =
                    scalar.or(runs.iter().find(|(op, _)| *op == "sin").map(|run| run.1.clone()));
            }
            _ => {}
        }
    }
    assert_eq!((single, fused), (Some(product.position()), Some(bent.position())));
    assert_eq!(scalar, Some(vec![sine.position() as u32]));
}

#[test]
fn scalars_are_in_runs_of_equal_ops() {
    let tape = Tape::<f64>::new();
    let x: Vec<_> = (0..10).map(|i| tape.var(f64::from(i))).collect();
    let y = x.iter().map(|&x| (2.0 * x).sin() * (3.0 * x)).reduce(|a, b| a + b).unwrap();
    let mut program = tape.compile(&[y]);
    let [PlannedStep::Scalars(runs)] = program.plan().steps() else { panic!() };
    let runs: Vec<_> = runs.iter().map(|(op, positions)| (*op, positions.len())).collect();
    // Multiplications by 2 and by 3 are different ops.
    assert_eq!(runs[..4], [("mul", 10), ("sin", 10), ("mul", 10), ("mul", 10)], "{runs:?}");
    program.set(x[1].position(), &Tensor::scalar(0.5)).unwrap();
    program.run().unwrap();
    let wanted: f64 = (0..10)
        .map(|i| if i == 1 { 0.5 } else { f64::from(i) })
        .map(|x| (2.0 * x).sin() * (3.0 * x))
        .reduce(|a, b| a + b)
        .unwrap();
    assert_eq!(program.value(0).item(), wanted);
}

/// The names of the ops of a program of scalars, and the number of each run's results.
fn runs_of(program: &Program<f64>) -> Vec<(&'static str, usize)> {
    let [PlannedStep::Scalars(runs)] = program.plan().steps() else { panic!("no scalars") };
    runs.iter().map(|(op, positions)| (*op, positions.len())).collect()
}

#[test]
fn a_chain_of_equal_ops_is_computed_result_by_result() {
    let tape = Tape::<f64>::new();
    let y = (0..5).fold(tape.var(0.7), |y, _| y.sin());
    assert_eq!(runs_of(&tape.compile(&[y])), [("sin", 1); 5]);
}

/// What hangs on a chain is left until no longer chain waits.
#[test]
fn the_longest_chain_of_scalars_comes_first() {
    let tape = Tape::<f64>::new();
    let (mut y, mut sides) = (tape.var(0.7), Vec::new());
    for _ in 0..20 {
        sides.push(y.cos()); // Recorded before the op of the chain.
        y = (y + 0.5).sin();
    }
    let outputs: Vec<_> = sides.iter().copied().chain([y * y]).collect();
    let mut program = tape.compile(&outputs);
    let runs = runs_of(&program);
    let (chain, rest) = runs.split_at(40);
    assert!(chain.chunks(2).all(|pair| pair == [("add", 1), ("sin", 1)]), "{runs:?}");
    assert_eq!(rest, [("cos", 20), ("mul", 1)]);
    program.run().unwrap();
    for (index, output) in outputs.iter().enumerate() {
        assert_eq!(program.value(index), &output.value());
    }
}

/// Ops of the chain's own rule, too, of which those that have been taken are none.
#[test]
fn what_hangs_on_a_chain_of_scalars_is_left_until_it_is_many() {
    let tape = Tape::<f64>::new();
    let (mut y, mut outputs) = (tape.var(0.7), Vec::new());
    for _ in 0..7 {
        outputs.push(y.sin());
        y = (y + 0.5).sin();
    }
    outputs.push(y * y);
    let runs = runs_of(&tape.compile(&outputs));
    let (alone, last) = runs.split_at(12);
    assert!(alone.chunks(2).all(|pair| pair == [("add", 1), ("sin", 1)]), "{runs:?}");
    assert_eq!(last, [("add", 1), ("sin", 8), ("mul", 1)], "seven sides and the chain's");
}

/// Graphs of some hundred scalars of few ops, so that runs are long, short, of taken and of late ops. The
/// program runs on leaves of other values than were recorded: what it does not compute would be seen.
#[test]
fn replayed_graphs_of_scalars_are_as_recorded() {
    use rand::RngExt;
    let mut rng: chacha20::ChaCha8Rng = rand::SeedableRng::seed_from_u64(3);
    for round in 0..200 {
        // Operands are among the last few, or any.
        let reach = [2, 5, 30, 1000][round % 4];
        let ops: Vec<[usize; 3]> = (4..304_usize)
            .map(|count| [4, reach.min(count), reach.min(count)].map(|n| rng.random_range(0..n)))
            .collect();
        let recorded = |tape: &Tape<f64>, first: f64| {
            let mut values: Vec<_> = (0..4).map(|i| tape.var(first + 0.2 * f64::from(i))).collect();
            for [op, x, y] in &ops {
                let [x, y] = [x, y].map(|back| values[values.len() - 1 - back]);
                values.push(match op {
                    0 => (x + y) * 0.5,
                    1 => x * y,
                    2 => (3.0 * x).sin(),
                    _ => x.cos(),
                });
            }
            let y = values.iter().copied().reduce(|a, b| a + b).unwrap();
            let gradients = y.backward_recorded();
            let asked: Vec<_> = values[..4].iter().map(|&x| gradients.wrt(x)).chain([y]).collect();
            (tape.compile(&asked), asked.iter().map(|x| x.value()).collect::<Vec<_>>())
        };
        let (mut program, before) = recorded(&Tape::new(), 0.1);
        let (_, wanted) = recorded(&Tape::new(), 0.15);
        let new: Vec<_> = (0..4).map(|i| Tensor::scalar(0.15 + 0.2 * f64::from(i))).collect();
        program.run_with(&new.iter().enumerate().collect::<Vec<_>>()).unwrap();
        for (index, wanted) in wanted.iter().enumerate() {
            assert_eq!(program.value(index), wanted, "round {round}, output {index}");
        }
        assert_ne!(before[4], wanted[4], "round {round}");
    }
}

#[test]
fn threads_change_nothing() {
    let value = sample(&[3_000, 100], 3).cast::<f32>();
    let [one, two, three] = [1, 2, 3].map(|threads| {
        ops::with_threads(threads, || {
            let (x, mut program) = compiled(Tensor::<f32>::ones(&[3_000, 100]), |x| {
                (x.sin() * x.mean_axes(0) + x.relu()).tanh() * x.mean_keepdims(1)
            });
            program.run_with(&[(x, &value)]).unwrap();
            program.value(0).clone()
        })
    });
    assert!(one == two && two == three);
}

#[test]
fn the_tape_may_go() {
    let (x, mut program) = compiled([1.0, 2.0], |x| (x * x).sum());
    program.set(x, &Tensor::from([3.0, 4.0])).unwrap();
    program.run().unwrap();
    assert_eq!(program.value(0).item(), 25.0);
}

#[test]
fn leaves_lent_for_a_run_are_given_back() {
    let (x, mut program) = compiled([1.0, 2.0], |x| x.t().reshape([2, 1]) * 2.0);
    let mut value = Tensor::from([5.0, 6.0]);
    let place = value.view().as_ptr();
    program.run_with(&[(x, &value)]).unwrap();
    assert_eq!(*program.value(0), Tensor::from([[10.0], [12.0]]));
    assert_eq!(value.view_mut().as_ptr(), place, "nothing else holds it");
    program.run().unwrap();
    assert_eq!(*program.value(0), Tensor::from([[2.0], [4.0]]));
    // Also if the leaf is given twice, of which the last counts.
    program.run_with(&[(x, &Tensor::from([7.0, 8.0])), (x, &value)]).unwrap();
    assert_eq!(*program.value(0), Tensor::from([[10.0], [12.0]]));
    program.run().unwrap();
    assert_eq!(*program.value(0), Tensor::from([[2.0], [4.0]]));
    // Also if it is refused, or the run fails.
    assert!(program.run_with(&[(x, &value), (x, &Tensor::scalar(1.0))]).is_err());
    assert_eq!(value.view_mut().as_ptr(), place);
    program.run().unwrap();
    assert_eq!(*program.value(0), Tensor::from([[2.0], [4.0]]));
}

#[test]
fn outputs_may_be_leaves_views_scalars_and_the_same() {
    let tape = Tape::new();
    let (x, s) = (tape.var([[1.0, 2.0], [3.0, 4.0]]), tape.var(2.0));
    let y = x * s;
    let mut program = tape.compile(&[x, x.t(), s, y, y.t(), y, y.detach(), s * s]);
    assert_eq!((program.len(), program.is_empty()), (8, false));
    for _ in 0..3 {
        let (new_x, new_s) = (Tensor::from([[5.0, 6.0], [7.0, 8.0]]), Tensor::scalar(3.0));
        program.run_with(&[(x.position(), &new_x), (s.position(), &new_s)]).unwrap();
        let y = &new_x * 3.0;
        let wanted = [&new_x, &new_x.t(), &new_s, &y, &y.t(), &y, &y, &Tensor::scalar(9.0)];
        for (number, wanted) in wanted.into_iter().enumerate() {
            assert_eq!(program.value(number), wanted, "output {number}");
        }
    }
    let mut nothing = tape.compile(&[]);
    nothing.run().unwrap();
    assert!(nothing.is_empty());
}

#[test]
fn a_value_that_the_user_kept_is_not_overwritten() {
    let (x, mut program) = compiled([1.0, 2.0], |x| x * 2.0);
    program.run().unwrap();
    let kept = program.value(0).clone();
    program.set(x, &Tensor::from([3.0, 4.0])).unwrap();
    program.run().unwrap();
    assert_eq!(kept, Tensor::from([2.0, 4.0]));
    assert_eq!(*program.value(0), Tensor::from([6.0, 8.0]));
}

#[test]
fn leaves_of_another_layout_are_read_as_what_they_are() {
    fn f(x: Var<'_, f64>) -> Var<'_, f64> {
        let y = (x.reshape([6]).sum() + x.tanh() * x.t().reshape([2, 3])).sin();
        y.matmul(x.t()).reshape([4])
    }
    let straight = sample(&[2, 3], 4);
    let turned = Tensor::from(straight.t().view().as_standard_layout().into_owned()).t();
    assert_eq!(straight, turned);
    assert!(!turned.view().is_standard_layout());
    for (recorded, given) in [(&straight, &turned), (&turned, &straight)] {
        let (x, mut program) = compiled(recorded, f);
        for _ in 0..2 {
            program.run_with(&[(x, given)]).unwrap();
            let tape = Tape::new();
            assert_eq!(*program.value(0), f(tape.var(given)).value());
        }
    }
}

#[test]
fn a_tensor_taken_apart_gets_its_gradient_in_one_place() {
    let tape = Tape::new();
    let x = tape.var(sample(&[12, 4], 0));
    let parts = x.split(0, &[2, 3, 4, 3]);
    let loss = parts.iter().map(|part| part.sin().sum()).reduce(|a, b| a + b).unwrap();
    let gradient = loss.backward_recorded().wrt(x);
    let mut program = tape.compile(&[loss, gradient]);
    let whole = program.plan().buffers().iter().filter(|shape| shape[..] == [12, 4]).count();
    assert_eq!(whole, 1, "{}", program.plan());
    let value = sample(&[12, 4], 1);
    for _ in 0..2 {
        program.run_with(&[(x.position(), &value)]).unwrap();
        assert_eq!(*program.value(1), value.cos());
    }
}

#[test]
fn empty_tensors_and_no_ops() {
    let (x, mut program) = compiled(Tensor::<f64>::zeros(&[0, 3]), |x| x.tanh().sum_axes(0) + 1.0);
    program.run_with(&[(x, &Tensor::zeros(&[0, 3]))]).unwrap();
    assert_eq!(*program.value(0), Tensor::from([1.0, 1.0, 1.0]));
}

#[cfg(feature = "linalg")]
#[test]
fn errors_are_sentences() {
    let tape = Tape::new();
    let x = tape.var([[2.0, 0.0], [0.0, 4.0]]).named("x");
    let unused = tape.var(1.0);
    let y = x.inverse().sum();
    let mut program = tape.compile(&[y]);
    let says = |error: ProgramError| error.to_string();
    assert_eq!(
        says(program.set(x.position(), &Tensor::from([1.0])).unwrap_err()),
        "the leaf x was recorded with shape [2, 2], so it cannot be set to a value of shape [1]; \
         record and compile once for each shape"
    );
    for position in [y.position(), unused.position()] {
        let says = says(program.set(position, &Tensor::scalar(1.0)).unwrap_err());
        assert!(says.contains("no variable or constant that the program's outputs"), "{says}");
    }
    let after = says(program.set(99, &Tensor::scalar(1.0)).unwrap_err());
    assert!(after.starts_with("the value at position 99 cannot be set: the tape held"), "{after}");

    let singular = Tensor::from([[1.0, 2.0], [2.0, 4.0]]);
    let refused = program.run_with(&[(x.position(), &singular)]).unwrap_err();
    assert!(matches!(refused, ProgramError::Op(_)));
    let says = says(refused);
    assert!(says.contains("singular") && says.contains("x, recorded at"), "{says}");
    assert!(says.contains("program.rs:"), "{says}");
    // It goes on with numbers that it can take.
    program.run().unwrap();
    assert_eq!(program.value(0).item(), 0.75);
}

#[test]
fn a_function_must_keep_its_shape() {
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0]);
    let y =
        tape::checkpoint(|v| if v[0].value().to_vec()[0] > 5.0 { v[0].sum() } else { v[0] }, &[x]);
    let mut program = tape.compile(&[y]);
    let error = program.run_with(&[(x.position(), &Tensor::from([6.0, 2.0]))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "checkpoint gave a value of shape [], but of shape [2] when it was recorded; a program can \
         only replay what keeps its shape"
    );
    program.run().unwrap();
    assert_eq!(*program.value(0), Tensor::from([1.0, 2.0]));
}

#[test]
fn it_stops_at_what_is_not_finite_if_the_tape_does() {
    let tape = Tape::new().stop_at_non_finite();
    let (x, s) = (tape.var([1.0, 2.0]), tape.var(1.0));
    let y = (x.exp() * 0.0).sum() + s.ln();
    let mut program = tape.compile(&[y]);
    program.run().unwrap();
    let found = |error: ProgramError| match error {
        ProgramError::NonFinite { op, value, .. } => (op, value),
        other => panic!("{other}"),
    };
    let large = program.run_with(&[(x.position(), &Tensor::from([1.0, 1000.0]))]);
    assert_eq!(found(large.unwrap_err()), ("exp", f64::INFINITY));
    let zero = program.run_with(&[(s.position(), &Tensor::scalar(0.0))]);
    assert_eq!(found(zero.unwrap_err()), ("ln", f64::NEG_INFINITY));
}

#[test]
#[should_panic(expected = "output number 1 is a value of another tape")]
fn outputs_of_another_tape_are_refused() {
    let (a, b) = (Tape::new(), Tape::new());
    let (x, y) = (a.var(1.0), b.var(1.0));
    a.compile(&[x, y]);
}

#[test]
#[should_panic(expected = "there is no output number 1: the program has 1")]
fn outputs_that_are_not_there_are_refused() {
    let tape = Tape::new();
    tape.compile(&[tape.var(1.0)]).value(1);
}

/// Sums go by the layout of what they add up, so that a buffer which was recorded in another is not used
/// for a value as it lies.
#[test]
fn a_buffer_is_used_again_only_as_a_new_one_would_lie() {
    let differs = |axis: isize, case: usize| {
        let [recorded, other] = [0, 1].map(|i| sample(&[3, 3], 2 * case + i));
        let graph = |tape: &Tape<f64>, x: &Tensor<f64>, program: Option<&Tensor<f64>>| {
            let x = tape.var(x);
            let product = x.matmul(x);
            let y = product.sum_axes(axis);
            let slope = y.sum().backward_recorded().wrt(x);
            let quotient = tape.constant(2.0) / product;
            let outputs = [y, slope, quotient];
            let Some(given) = program else { return outputs.map(Var::value) };
            let mut program = tape.compile(&outputs);
            program.run_with(&[(x.position(), given)]).unwrap();
            [0, 1, 2].map(|i| program.value(i).clone())
        };
        graph(&Tape::new(), &recorded, Some(&other)) != graph(&Tape::new(), &other, None)
    };
    for axis in [0, -1] {
        let count = (0..100).filter(|&case| differs(axis, case)).count();
        assert_eq!(count, 0, "of 100 sums along axis {axis} differ");
    }
}

/// 0 and −0 are equal, and no reason to compute with one in place of the other.
#[test]
fn settings_of_both_zeros_are_told_apart() {
    let tape = Tape::new();
    let zero = |i: usize| if i.is_multiple_of(2) { 0.0 } else { -0.0 };
    let outputs: Vec<Var<'_, f64>> =
        (0..20).map(|i| tape.var(-1.0).clamp(zero(i), 1.0).recip()).collect();
    let mut program = tape.compile(&outputs);
    program.run().unwrap();
    for (i, y) in outputs.iter().enumerate() {
        assert_eq!(y.item(), zero(i).recip(), "{i}, recorded");
        assert_eq!(program.value(i).item(), zero(i).recip(), "{i}, replayed");
    }
}
