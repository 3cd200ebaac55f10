//! A fused chain computes what its steps compute one after another.

use std::collections::HashSet;

use ndarray::IxDyn;
use ops::declare::sample;
use ops::fuse::{Chain, Input, Layout, NonFinite, Numbers, Step, Value, fill_at};
use ops::{Tensor, apply, prelude::*, rules};

/// A rule as a step.
#[derive(Clone, Copy, Debug)]
enum Op {
    Add,
    Multiply,
    Tanh,
    Reciprocal,
}

impl Op {
    fn apply(self, operands: &[&Tensor<f64>]) -> Tensor<f64> {
        match self {
            Self::Add => apply(&rules::Lift::binary(rules::Add), operands),
            Self::Multiply => apply(&rules::Lift::binary(rules::Mul), operands),
            Self::Tanh => apply(&rules::Lift::unary(rules::Tanh), operands),
            Self::Reciprocal => apply(&rules::Lift::unary(rules::Reciprocal), operands),
        }
        .expect("operands that fit")
    }
}

/// Computes a result of each pair.
fn each_pair(operands: &[&[f64]], out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    let pairs = operands[0].iter().zip(operands[1]);
    out.iter_mut().zip(pairs).for_each(|(out, (&a, &b))| *out = f(a, b));
}

impl Step<f64> for Op {
    fn fill(&self, operands: &[&[f64]], out: &mut [f64]) {
        // What the rules compute, without their way to the loop. The hyperbolic tangent is theirs.
        match self {
            Self::Add => return each_pair(operands, out, |a, b| a + b),
            Self::Multiply => return each_pair(operands, out, |a, b| a * b),
            Self::Reciprocal => {
                return out.iter_mut().zip(operands[0]).for_each(|(out, a)| *out = 1.0 / a);
            }
            Self::Tanh => {}
        }
        let operands: Vec<_> = operands.iter().map(|&x| Tensor::from(x)).collect();
        let result = self.apply(&operands.iter().collect::<Vec<_>>());
        out.copy_from_slice(&result.to_vec());
    }
    fn fill_at(&self, numbers: &mut [f64], to: usize, last: f64, indices: &[u32]) -> f64 {
        match self {
            Self::Add => fill_at(numbers, to, last, indices, |[a, b]| a + b),
            Self::Multiply => fill_at(numbers, to, last, indices, |[a, b]| a * b),
            Self::Tanh => fill_at(numbers, to, last, indices, |[a]: [f64; 1]| a.tanh()),
            Self::Reciprocal => fill_at(numbers, to, last, indices, |[a]: [f64; 1]| 1.0 / a),
        }
    }
}

/// A chain that is run both ways: fused, and step by step.
struct Both<'x> {
    /// Two chains of the same steps; in the second, all their results are summed.
    chains: [Chain<Op>; 2],
    inputs: Vec<&'x Tensor<f64>>,
    values: Vec<(Value, Tensor<f64>)>,
}

impl<'x> Both<'x> {
    fn new(inputs: &[&'x Tensor<f64>]) -> Self {
        let mut chains = [0, 1].map(|_| Chain::new(Layout::of(inputs[0])));
        let mut input = |x| chains.each_mut().map(|chain| chain.input(x))[0];
        let values = inputs.iter().map(|&x| (input(x), x.clone())).collect();
        Self { chains, inputs: inputs.to_vec(), values }
    }

    fn step(&mut self, op: Op, operands: &[usize]) -> usize {
        let values: Vec<_> = operands.iter().map(|&x| self.values[x].0).collect();
        let tensors: Vec<_> = operands.iter().map(|&x| &self.values[x].1).collect();
        let [value, summed] = self.chains.each_mut().map(|chain| chain.step(op, &values));
        self.chains[1].sum(summed);
        self.values.push((value, op.apply(&tensors)));
        self.values.len() - 1
    }

    /// Compares the results of some steps, in two runs with the same memory.
    fn check(self, outputs: &[usize]) {
        self.check_by(outputs, |run_twice| run_twice());
    }

    /// The same with each of these numbers of threads.
    #[cfg(feature = "threads")]
    fn check_with_threads(self, threads: &[usize], outputs: &[usize]) {
        self.check_by(outputs, |run_twice| {
            for &threads in threads {
                ops::with_threads(threads, run_twice);
            }
        });
    }

    fn check_by(self, outputs: &[usize], how: impl Fn(&(dyn Fn() + Sync))) {
        let values: Vec<_> = outputs.iter().map(|&x| self.values[x].0).collect();
        let inputs: Vec<_> = self.inputs.iter().map(|x| input(x)).collect();
        let layout = Layout::of(self.inputs[0]);
        let steps = self.values[self.inputs.len()..].iter();
        let all_sums: Vec<f64> =
            steps.map(|(_, value)| in_memory_like(value, self.inputs[0]).sum().item()).collect();
        let expected =
            outputs.iter().map(|&output| in_memory_like(&self.values[output].1, self.inputs[0]));
        let expected: Vec<_> = expected.collect();
        for (chain, sums) in self.chains.into_iter().zip([&[][..], &all_sums]) {
            let fused = chain.compile::<f64>(&values);
            let run_twice = || {
                let mut results = vec![Tensor::full(&[1], f64::NAN); outputs.len()];
                let mut scratch = Vec::new();
                for run in 0..2 {
                    assert_eq!(&fused.run(&inputs, &mut results, &mut scratch)[..], sums);
                    for (i, result) in results.iter().enumerate() {
                        assert_eq!(Layout::of(result), layout);
                        let same = in_memory(result) == in_memory(&expected[i]);
                        assert!(same, "output {i} in run {run}");
                    }
                }
                assert_eq!(fused.run_checked(&inputs, &mut results, &mut scratch), None);
            };
            how(&run_twice);
        }
    }
}

/// The elements in the order of memory.
fn in_memory(x: &Tensor<f64>) -> Vec<f64> {
    x.view().as_slice_memory_order().expect("elements without gaps").to_vec()
}

fn input(x: &Tensor<f64>) -> Input<'_, f64> {
    x.as_scalar().map_or(Input::Tensor(x), Input::Number)
}

/// The tensor with its axes the other way round in memory.
fn backwards(x: &Tensor<f64>) -> Tensor<f64> {
    let order: Vec<usize> = (0..x.ndim()).rev().collect();
    let view = x.view().permuted_axes(IxDyn(&order));
    Tensor::from(view.as_standard_layout().into_owned().permuted_axes(IxDyn(&order)))
}

/// The tensor with its elements in memory in the order of another's.
fn in_memory_like(x: &Tensor<f64>, other: &Tensor<f64>) -> Tensor<f64> {
    let forwards = Tensor::from(x.view().as_standard_layout().into_owned());
    let mut all = [x.clone(), forwards, backwards(x)].into_iter();
    all.find(|x| Layout::of(x) == Layout::of(other)).expect("one of these orders")
}

#[test]
fn operands_of_every_kind() {
    // Less than a row, several rows, and two blocks of a sum.
    for shape in [vec![7], vec![3, 5], vec![14, 3, 50], vec![500, 33], vec![0, 3]] {
        let last = shape[shape.len() - 1];
        let (x, y, row) = (sample(&shape, 0), sample(&shape, 1), sample(&[last], 2));
        let (two, one) = (Tensor::scalar(2.0), Tensor::full(&[1], 0.25));
        for x in [x.clone(), backwards(&x)] {
            for y in [y.clone(), backwards(&y)] {
                let mut both = Both::new(&[&x, &y, &row, &two, &one]);
                let a = both.step(Op::Add, &[0, 1]);
                let b = both.step(Op::Multiply, &[a, 2]);
                let unused = both.step(Op::Tanh, &[b]);
                let c = both.step(Op::Multiply, &[3, b]);
                let d = both.step(Op::Add, &[c, 4]);
                let e = both.step(Op::Multiply, &[d, d]);
                let f = both.step(Op::Tanh, &[e]);
                let g = both.step(Op::Add, &[f, 2]);
                assert!(unused < g);
                both.check(&[g, a, e]);
            }
        }
    }
}

/// Rows are then a multiple of both periods, or one input is gathered anew for each.
#[cfg(feature = "threads")]
#[test]
fn inputs_that_repeat() {
    // Four steps of 57,344 elements are worth seven threads, of 24,576 three (`PER_THREAD` in `fused.rs`); a
    // sum of more than 16,384 elements has several blocks. The last two are worth two, and one.
    let cases: [(&[usize], &[usize], &[usize]); 7] = [
        (&[901, 64], &[64], &[1, 64]),
        (&[35, 4, 6, 30], &[6, 30], &[4, 1, 1]),
        (&[35, 4, 6, 30], &[6, 30], &[4, 6, 30]),
        (&[25, 33, 31], &[31], &[33, 31]),
        (&[24, 7, 150], &[7, 150], &[150]),
        (&[9, 2_000], &[2_000], &[9, 1]),
        (&[5, 1, 3], &[1, 3], &[3]),
    ];
    for (shape, first, second) in cases {
        let (x, a, b) = (sample(shape, 0), sample(first, 1), sample(second, 2));
        for x in [x.clone(), backwards(&x)] {
            let mut both = Both::new(&[&x, &a, &b]);
            let sum = both.step(Op::Add, &[0, 1]);
            let product = both.step(Op::Multiply, &[sum, 2]);
            let inverse = both.step(Op::Reciprocal, &[product]);
            let again = both.step(Op::Add, &[inverse, 1]);
            both.check_with_threads(&[1, 2, 7], &[again, sum]);
        }
    }
}

#[test]
fn long_chains_use_few_rows() {
    // Of f64, at most 1,024 elements make a row: there are two, and a short one.
    let (x, y) = (sample(&[2_100], 0), sample(&[2_100], 1));
    let mut both = Both::new(&[&x, &y]);
    let mut value = 0;
    for i in 0..100 {
        let other = if i % 3 == 0 { 1 } else { value };
        value = both.step(Op::Add, &[value, other]);
        value = both.step(Op::Reciprocal, &[value]);
    }
    both.check(&[value]);
}

#[cfg(feature = "threads")]
#[test]
fn the_number_of_threads_changes_nothing() {
    // Seven blocks of a sum, of 16,384 elements each; three steps are worth seven threads (`PER_THREAD` in
    // `fused.rs`).
    let (x, y) = (sample(&[100_003], 0), sample(&[100_003], 1));
    let mut both = Both::new(&[&x, &y]);
    let mut value = 0;
    for _ in 0..3 {
        value = both.step(Op::Add, &[value, 1]);
    }
    both.check_with_threads(&[1, 2, 7], &[value]);
}

#[test]
fn the_first_step_that_gives_an_infinity_is_found() {
    let mut array = sample(&[5_000], 0).view().to_owned();
    (array[[4_000]], array[[1_000]]) = (0.0, 1e200);
    let x = Tensor::from(array);
    let mut chain = Chain::new(Layout::of(&x));
    let value = chain.input(&x);
    let square = chain.step(Op::Multiply, &[value, value]);
    let inverse = chain.step(Op::Reciprocal, &[value]);
    let sum = chain.step(Op::Add, &[square, inverse]);
    let fused = chain.compile::<f64>(&[sum]);
    let mut out = [Tensor::default()];
    let found = fused.run_checked(&[Input::Tensor(&x)], &mut out, &mut Vec::new());
    // In memory the infinite square comes first, too; among the steps it is the first.
    assert_eq!(found, Some(NonFinite { step: 0, element: 1_000, value: f64::INFINITY }));
    let mut chain = Chain::new(Layout::of(&x));
    let value = chain.input(&x);
    let inverse = chain.step(Op::Reciprocal, &[value]);
    let square = chain.step(Op::Multiply, &[value, value]);
    let fused = chain.compile::<f64>(&[square, inverse]);
    let mut out = [Tensor::default(), Tensor::default()];
    let found = fused.run_checked(&[Input::Tensor(&x)], &mut out, &mut Vec::new());
    assert_eq!(found, Some(NonFinite { step: 0, element: 4_000, value: f64::INFINITY }));
}

#[test]
#[should_panic(expected = "an input of shape [4] for results of [3]")]
fn an_input_that_does_not_broadcast_is_named() {
    let (x, row) = (sample(&[3], 0), sample(&[2], 1));
    let mut chain = Chain::new(Layout::of(&x));
    let operands = [chain.input(&x), chain.input(&row)];
    let sum = chain.step(Op::Add, &operands);
    let fused = chain.compile::<f64>(&[sum]);
    let inputs = [Input::Tensor(&x), Input::Tensor(&sample(&[4], 2))];
    fused.run(&inputs, &mut [Tensor::default()], &mut Vec::new());
}

#[test]
fn a_chain_without_elements_computes_none() {
    let (x, row) = (Tensor::zeros(&[3, 0]), Tensor::zeros(&[0]));
    let mut chain = Chain::new(Layout::of(&x));
    let operands = [chain.input(&x), chain.input(&row)];
    let sum = chain.step(Op::Add, &operands);
    chain.sum(sum);
    let fused = chain.compile::<f64>(&[sum]);
    let mut out = [Tensor::scalar(1.0)];
    let sums = fused.run(&[Input::Tensor(&x), Input::Tensor(&row)], &mut out, &mut Vec::new());
    assert_eq!((out[0].shape(), &sums[..]), (&[3, 0][..], &[0.0][..]));
}

/// A register that lies in two lines of the cache takes two accesses.
#[test]
fn rows_of_scratch_memory_begin_at_a_line_of_the_cache() {
    struct Aligned;
    impl Step<f32> for Aligned {
        fn fill(&self, operands: &[&[f32]], out: &mut [f32]) {
            assert_eq!(operands[0].as_ptr().addr() % 64, 0, "the operand");
            assert_eq!(out.as_ptr().addr() % 64, 0, "the result");
            out.copy_from_slice(operands[0]);
        }
        fn fill_at(&self, _: &mut [f32], _: usize, last: f32, _: &[u32]) -> f32 {
            last
        }
    }
    for (length, sums) in [(1001, 0), (3000, 1), (3000, 2), (3000, 3), (100_000, 4)] {
        let x = Tensor::<f32>::zeros(&[length]);
        let mut chain = Chain::new(Layout::of(&x));
        let number = chain.input(&Tensor::scalar(2.0));
        let mut last = number;
        // Many rows that are all kept, so that fewer elements than the most fit.
        let kept: Vec<_> = (0..20).map(|_| chain.step(Aligned, &[number])).collect();
        for step in kept {
            last = chain.step(Aligned, &[step, last]);
        }
        for _ in 0..sums {
            chain.sum(last);
        }
        let fused = chain.compile::<f32>(&[]);
        fused.run(&[Input::Number(2.0)], &mut [], &mut Vec::new());
    }
}

/// Functions whose values stay apart, however often they are applied.
#[derive(Clone, Copy)]
enum Wave {
    OfOne,
    OfTwo,
}

impl Wave {
    fn of_one([a]: [f64; 1]) -> f64 {
        (3.0 * a + 0.5).sin()
    }
    fn of_two([a, b]: [f64; 2]) -> f64 {
        (2.0 * a - 3.0 * b).cos()
    }
}

impl Step<f64> for Wave {
    fn fill(&self, _: &[&[f64]], _: &mut [f64]) {}
    fn fill_at(&self, numbers: &mut [f64], to: usize, last: f64, indices: &[u32]) -> f64 {
        match self {
            Self::OfOne => fill_at(numbers, to, last, indices, Self::of_one),
            Self::OfTwo => fill_at(numbers, to, last, indices, Self::of_two),
        }
    }
}

/// Single results and runs of several, of numbers given, of the result before and of older ones.
#[test]
fn numbers_are_what_their_steps_give_one_after_another() {
    let mut random = 1_u32;
    let mut below = |bound: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % bound
    };
    let mut wanted = vec![0.5, -1.25, 0.75];
    let mut steps = Numbers::new(wanted.len());
    for _ in 0..200 {
        let (wave, arity) = [(Wave::OfOne, 1), (Wave::OfTwo, 2)][below(2)];
        steps.begin(wave, arity);
        for _ in 0..[1, 1, 1, 2, 5][below(5)] {
            let operands: Vec<usize> = (0..arity).map(|_| wanted.len() - 1 - below(3)).collect();
            wanted.push(match operands[..] {
                [a] => Wave::of_one([wanted[a]]),
                [a, b] => Wave::of_two([wanted[a], wanted[b]]),
                _ => unreachable!("one or two"),
            });
            steps.result(operands.iter().map(|&x| x as u32));
        }
    }
    let mut numbers = vec![f64::NAN; wanted.len()];
    numbers[..3].copy_from_slice(&wanted[..3]);
    assert_eq!(steps.run(&mut numbers), &wanted[3..]);
    let different: HashSet<u64> = wanted.iter().map(|x| x.to_bits()).collect();
    assert!(different.len() * 2 > wanted.len(), "{wanted:?}");
}

#[test]
#[should_panic(expected = "operands come before the result")]
fn an_operand_that_is_not_computed_yet_is_refused() {
    let mut steps = Numbers::new(2);
    steps.begin(Op::Add, 2);
    steps.result([0, 1]);
    steps.result([2, 3]);
}

#[test]
#[should_panic(expected = "a step has operands")]
fn a_step_without_operands_is_refused() {
    Numbers::new(2).begin(Op::Add, 0);
}
