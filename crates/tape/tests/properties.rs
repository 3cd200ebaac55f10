//! Random graphs of random ops: reverse mode, forward mode and finite differences agree, and the
//! order of recording is topological.

use approx::assert_relative_eq;
use ops::Tensor;
use ops::declare::sample;
use petgraph::algo::toposort;
use proptest::prelude::*;
use tape::check::Check;
use tape::prelude::*;

/// One op of a random program: which op, and which earlier values it takes.
#[derive(Clone, Debug)]
struct Instruction {
    op: u8,
    left: prop::sample::Index,
    right: prop::sample::Index,
}

fn instruction() -> impl Strategy<Value = Instruction> {
    (0..24_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>())
        .prop_map(|(op, left, right)| Instruction { op, left, right })
}

/// Runs the program on values of shape `[2, 3]`, `[3]` and `[]`, which broadcast in every pair.
/// Ops are smooth and bounded, so that finite differences are accurate however deep it is.
fn run<'t>(program: &[Instruction], inputs: &[Var<'t, f64>]) -> Var<'t, f64> {
    let mut values = inputs.to_vec();
    for Instruction { op, left, right } in program {
        let (a, b) = (values[left.index(values.len())], values[right.index(values.len())]);
        let full = || a.stretch_to_full();
        values.push(match op {
            0 => a + b,
            1 => a * b,
            2 => a - b,
            3 => a / (b.square() + 1.0),
            4 => a.tanh(),
            5 => a.sin(),
            6 => a.cos(),
            7 => a.sigmoid(),
            8 => a.softplus(),
            9 => (-a.square()).exp(),
            10 => (a.square() + 1.0).ln(),
            11 => (a.square() + 1.0).sqrt(),
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
            _ => a.sigmoid_cross_entropy(b.sigmoid()),
        });
    }
    let last = values.len() - 1;
    values[inputs.len().min(last)..].iter().map(|v| v.sin().mean()).reduce(|a, b| a + b).unwrap()
}

trait Full {
    fn stretch_to_full(self) -> Self;
}
impl Full for Var<'_, f64> {
    fn stretch_to_full(self) -> Self {
        if self.shape()[..] == [2, 3] { self } else { self.broadcast_to(&[2, 3]) }
    }
}

fn inputs(seed: usize) -> Vec<Tensor<f64>> {
    [&[2, 3][..], &[3], &[]].iter().enumerate().map(|(i, s)| sample(s, seed + i)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reverse_forward_and_differences_agree(
        program in prop::collection::vec(instruction(), 1..14),
        seed in 0..50_usize,
    ) {
        // Detached values change with the input but are constant to the gradient.
        let smooth: Vec<Instruction> = program.iter().filter(|i| i.op != 22).cloned().collect();
        let inputs = inputs(seed);
        if !smooth.is_empty() {
            // Up to 13 ops deep, the fifth derivative, and with it the error of the stencil, is up
            // to a thousand times that of one op. Forward against reverse is exact, below.
            Check::new()
                .fast()
                .tolerance(1e-5, 1e-7)
                .run(|x| run(&smooth, x), &inputs)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
        }

        let tape = Tape::new();
        let x: Vec<_> = inputs.iter().map(|x| tape.var(x)).collect();
        let y = run(&program, &x);
        let gradients = y.backward();
        let along: Vec<_> = x.iter().map(|&x| (x, sample(&x.shape(), 9))).collect();
        let forward = y.tangent(&along).item();
        let reverse: f64 = along
            .iter()
            .filter_map(|(x, t)| Some(gradients.try_wrt(*x).ok()?.mul(t).sum().item()))
            .sum();
        assert_relative_eq!(forward, reverse, epsilon = 1e-12, max_relative = 1e-11);

        // The same sweep, recorded, gives the same gradient.
        let recorded = y.backward_recorded();
        for &x in &x {
            if let Ok(gradient) = gradients.try_wrt(x) {
                assert_relative_eq!(recorded.wrt(x).value(), gradient, epsilon = 1e-12, max_relative = 1e-11);
            }
        }
    }

    #[test]
    fn second_order_matches_differences(
        program in prop::collection::vec(instruction(), 1..6),
        seed in 0..50_usize,
    ) {
        let smooth: Vec<Instruction> = program.iter().filter(|i| i.op != 22).cloned().collect();
        if !smooth.is_empty() {
            Check::new()
                .second_order()
                .fast()
                .tolerance(1e-5, 1e-7)
                .run(|x| run(&smooth, x), &inputs(seed))
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
        }
    }

    #[test]
    fn recording_order_is_topological(program in prop::collection::vec(instruction(), 1..30)) {
        let tape = Tape::new();
        let x: Vec<_> = inputs(1).iter().map(|x| tape.var(x)).collect();
        run(&program, &x);
        let graph = tape.to_petgraph();
        prop_assert_eq!(toposort(&graph, None).map(|order| order.len()).ok(), Some(tape.len()));
        for edge in graph.edge_indices() {
            let (from, to) = graph.edge_endpoints(edge).unwrap();
            prop_assert!(from < to);
        }
    }
}
