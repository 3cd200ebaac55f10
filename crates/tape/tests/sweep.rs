//! The reverse sweep on graphs whose gradients are known.

use approx::assert_relative_eq;
use ndarray::s;
use ops::declare::sample;
use ops::{Number, Reading, Tensor, Unary};
use petgraph::algo::toposort;
use tape::check::Check;
use tape::prelude::*;
use tape::trace::Rounding;

#[test]
fn a_value_used_twice_receives_both_contributions() {
    let tape = Tape::new();
    let x = tape.var(3.0);
    assert_eq!((x * x).backward().wrt(x).item(), 6.0);
    assert_eq!((x + x).backward().wrt(x).item(), 2.0);
    let b = x + x;
    assert_eq!((b + b).backward().wrt(x).item(), 4.0);
    let y = x * x + x.sin();
    assert_eq!(y.backward().wrt(x).item(), 6.0 + 3.0_f64.cos());
}

#[test]
fn the_order_of_operands_is_kept() {
    let tape = Tape::new();
    let (a, b) = (tape.var(6.0), tape.var(2.0));
    let g = (a - b).backward();
    assert_eq!((g.wrt(a).item(), g.wrt(b).item()), (1.0, -1.0));
    let g = (a / b).backward();
    assert_eq!((g.wrt(a).item(), g.wrt(b).item()), (0.5, -1.5));
    assert_eq!((b / a).operands(), [b, a]);
}

#[test]
fn numbers_of_the_host_stand_on_either_side() {
    let tape = Tape::<f64>::new();
    let x = tape.var(4.0);
    let y = 1.0 - 2.0 / (3.0 * x + 1.0) + (x - 2.0) / 2.0;
    assert_relative_eq!(y.item(), 1.0 - 2.0 / 13.0 + 1.0);
    assert_relative_eq!(y.backward().wrt(x).item(), 6.0 / 169.0 + 0.5);
    let single = Tape::new();
    let x = single.var(4.0_f32);
    assert_eq!((2.0_f32 * x).backward().wrt(x).item(), 2.0);
}

#[test]
fn broadcasting_sums_the_gradient_back() {
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let (row, column, number) =
        (tape.var([0.1, 0.2, 0.3]), tape.var([[10.0], [20.0]]), tape.var(7.0));
    let g = (x * row + column * number).sum().backward();
    assert_eq!(g.wrt(row), Tensor::from([5.0, 7.0, 9.0]));
    assert_eq!(g.wrt(column), Tensor::from([[21.0], [21.0]]));
    assert_eq!(g.wrt(number).item(), 90.0);
}

#[test]
fn gradients_of_gradients() {
    let tape = Tape::new();
    let x = tape.var(0.7);
    let mut y = x.sin();
    for expected in [0.7_f64.cos(), -0.7_f64.sin(), -0.7_f64.cos(), 0.7_f64.sin()] {
        y = y.backward_recorded().wrt(x);
        assert_relative_eq!(y.item(), expected, epsilon = 1e-15);
    }
}

#[test]
fn a_recorded_gradient_remembers_the_line_of_its_op() {
    let tape = Tape::new();
    let x = tape.var(0.7);
    let y = x.tanh();
    let line = y.location().line();
    let before = tape.len();
    y.backward_recorded();
    let recorded: Vec<_> = tape.vars().skip(before + 1).collect();
    assert!(recorded.len() >= 3);
    assert!(recorded.iter().all(|v| v.location().line() == line), "{recorded:?}");
}

#[test]
fn a_seed_weighs_the_elements() {
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0]);
    let gradient = x.square().backward_with([10.0, 100.0]).unwrap().wrt(x);
    assert_eq!(gradient, Tensor::from([20.0, 400.0]));
}

#[test]
fn a_step_gives_a_gradient_of_zero() {
    let tape = Tape::new();
    let (x, w) = (tape.var(0.3), tape.var(2.0));
    let g = (x.step() * w).backward();
    assert_eq!((g.wrt(x).item(), g.wrt(w).item()), (0.0, 1.0));
}

/// Swish, as a user of the crate would write it.
#[derive(Clone, Copy, Debug)]
struct Swish;
impl Unary for Swish {
    const NAME: &'static str = "swish";
    fn value<R: Number>(self, x: R) -> R {
        x * x.sigmoid()
    }
    fn slope<R: Number>(self, x: R, y: R) -> R {
        let s = x.sigmoid();
        y * (R::lit(1.0) - s) + s
    }
}

#[test]
fn an_op_of_the_users_own_needs_no_registration() {
    let x = Tensor::from([[-1.5, 0.4], [2.0, -0.3]]);
    Check::new().second_order().run(|v| v[0].unary(Swish), &[x]).unwrap();
    let tape = Tape::new();
    let x = tape.var(0.5).named("x");
    let y = x.unary(Swish).named("y");
    assert_eq!(y.formula().unwrap(), "swish(x)");
    assert_eq!(y.gradient_formulas(), [Some("ȳ · (y · (1 - sigmoid(x)) + sigmoid(x))".to_owned())]);
}

#[test]
fn the_observed_sweep_is_the_sweep() {
    let tape = Tape::new();
    let (x, w, b) = (tape.var(2.0).named("x"), tape.var(0.5).named("w"), tape.var(0.1).named("b"));
    let y = ((w * x).named("z") + b).tanh();
    let mut steps = Vec::new();
    let observed = y.backward_observed(|step| steps.push(step));
    let plain = y.backward();
    for v in [x, w, b] {
        assert_eq!(observed.wrt(v), plain.wrt(v));
    }
    // Each node comes once, with its adjoint complete, after everything that uses it.
    assert_eq!(steps.len(), 6);
    for step in &steps {
        assert_eq!(step.adjoint, plain.wrt(step.node));
    }
    assert!(steps.windows(2).all(|pair| pair[0].node.position() > pair[1].node.position()));
    let product = &steps[2];
    assert_eq!(product.node.label(), "z");
    assert_eq!(product.formula(0, Rounding::default()).unwrap().names, "z̄ · x");
    assert_eq!(product.local(0).unwrap().item(), 2.0);
    assert_eq!(product.contributions[0].received.as_ref().unwrap().value, plain.wrt(w));
}

#[test]
fn parts_add_up_in_place_as_they_do_when_observed() {
    let tape = Tape::new();
    let x = tape.var(ops::declare::sample(&[4, 3], 1));
    // Parts that overlap, run backwards, skip and lose an axis; the value as a whole; a sum that
    // begins as another value's adjoint.
    let parts = [
        x.slice(s![1..3, ..]).square().sum(),
        x.slice(s![..;-2, 1..]).exp().sum(),
        x.slice(s![2, ..]).sin().sum(),
        x.slice(s![3, 0]),
        x.slice(s![..0, ..]).sum(),
        x.cos().sum(),
        (x.slice(s![..2, ..]) + x.slice(s![2.., ..])).tanh().sum(),
    ];
    let y = parts.into_iter().rev().reduce(|a, b| a + b).unwrap();
    assert_eq!(y.backward().wrt(x), y.backward_observed(|_| {}).wrt(x));
    let value = x.value();
    Check::new().run(|x| x[0].slice(s![1.., ..2]).mul(x[0].slice(s![..3, 1..])), &[value]).unwrap();
}

#[test]
fn totals_within_a_step_count_an_operand_that_comes_twice() {
    let tape = Tape::new();
    let x = tape.var(3.0);
    let mut totals = Vec::new();
    (x * x).backward_observed(|step| {
        let received = step.contributions.iter().map(|c| c.received.as_ref().unwrap());
        totals.extend(received.map(|received| received.after.item()));
    });
    assert_eq!(totals, [3.0, 6.0]);
}

/// A stack, and ops that overflow it if each takes as little of it as a call can: the address to
/// return to.
const STACK: usize = 1 << 18;
const DEEP: usize = STACK / size_of::<usize>() + 1;

/// Runs a test on the small stack.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(test).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_deep_chain_of_ops_does_not_recurse() {
    on_a_small_stack(|| {
        let tape = Tape::new();
        let x = tape.var(0.5);
        let y = (0..DEEP).fold(x, |y, _| y + 1e-6);
        assert_relative_eq!(y.item(), 0.5 + DEEP as f64 * 1e-6, max_relative = 1e-9);
        assert_eq!(y.backward().wrt(x).item(), 1.0);
        assert_eq!(y.tangent(&[(x, 1.0.into())]).item(), 1.0);
    });
}

#[test]
fn a_deep_chain_of_ops_each_used_twice_does_not_recurse() {
    on_a_small_stack(|| {
        let tape = Tape::new();
        let x = tape.var(0.5);
        let mut y = x;
        for _ in 0..DEEP.div_ceil(2) {
            y = (y + y) * 0.5;
        }
        assert_eq!(y.item(), 0.5);
        assert_eq!(y.backward().wrt(x).item(), 1.0);
    });
}

#[test]
fn the_order_of_recording_is_a_topological_order() {
    let tape = Tape::new();
    let (a, b) = (tape.var(1.0), tape.var([1.0, 2.0]));
    let y = (a * b + b.sin()).sum() * a;
    y.backward_recorded();
    let graph = tape.to_petgraph();
    assert!(toposort(&graph, None).is_ok());
    assert!(graph.edge_indices().all(|edge| {
        let (from, to) = graph.edge_endpoints(edge).unwrap();
        from < to
    }));
}

#[test]
fn scalars_share_nothing_and_arrays_share_their_elements() {
    let tape = Tape::new();
    let value = Tensor::from([1.0, 2.0]);
    let x = tape.var(&value);
    assert!(x.value().shares_memory_with(&value));
    assert!(x.t().value().shares_memory_with(&value));
    let mut copy = x.value();
    copy.view_mut()[0] = 9.0;
    assert_eq!((x.value().to_vec()[0], copy.to_vec()[0]), (1.0, 9.0));
}

#[test]
fn recorded_constants_fold() {
    // The slope of 2x is the literal 2: one node for the seed, one for the product.
    let tape = Tape::<f64>::new();
    let x = tape.var(1.0);
    let y = 2.0 * x;
    let before = tape.len();
    let g = y.backward_recorded().wrt(x);
    assert_eq!((g.item(), tape.len() - before), (2.0, 2));
    assert_eq!(g.shape(), Reading::shape(&x));
}

#[test]
fn many_parts_of_one_value_cost_what_the_parts_hold() {
    // n slices of n numbers: the recorded adjoint of the whole is one node put together from all of
    // them, where n nodes of n numbers would be quadratic.
    let recorded = |n: usize| {
        let tape = Tape::new();
        let x = tape.var(sample(&[n], 1));
        let parts: Vec<Var<'_, f64>> = (0..n as isize).map(|i| x.slice([i.into()])).collect();
        let y = parts.iter().fold(x.sum(), |sum, part| sum + part.sin());
        let gradient = y.backward_recorded().wrt(x);
        assert_eq!(gradient.value(), y.backward().wrt(x));
        // d²/dx² Σ sin xᵢ = −sin xᵢ.
        let second = gradient.sum().backward().wrt(x);
        assert_relative_eq!(second, -x.sin().value(), max_relative = 1e-14);
        tape.vars().map(|v| v.shape().iter().product::<usize>()).sum::<usize>()
    };
    let (small, large) = (recorded(64), recorded(512));
    assert!(large <= 8 * small, "{small} numbers for 64 parts, {large} for 512");
}

#[test]
fn parts_that_meet_and_parts_of_parts_are_put_together_in_order() {
    let tape = Tape::new();
    let x = tape.var(sample(&[4, 3], 2));
    let rows = x.slice(ndarray::s![1..3, ..]);
    let cross = x.slice(ndarray::s![.., 1]);
    let inner = rows.slice(ndarray::s![0, 1..]);
    let y = rows.sin().sum() + cross.exp().sum() + inner.cos().sum();
    let (plain, recorded) = (y.backward(), y.backward_recorded());
    assert_eq!(recorded.wrt(x).value(), plain.wrt(x));
    assert_eq!(recorded.wrt(x).op(), Some("assemble"));
    // By hand: eˣ in column 1, cos x in rows 1 and 2, −sin x in row 1 from column 1 on.
    let v = x.value();
    for i in 0..4 {
        for j in 0..3 {
            let at = v.view()[[i, j]];
            let expected = if j == 1 { at.exp() } else { 0.0 }
                + if (1..3).contains(&i) { at.cos() } else { 0.0 }
                - if i == 1 && j > 0 { at.sin() } else { 0.0 };
            approx::assert_relative_eq!(plain.wrt(x).view()[[i, j]], expected, epsilon = 1e-15);
        }
    }
}
