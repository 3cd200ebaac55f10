//! The steps of both passes: order, numbers, formulas, and who waits for whom.

use ops::{Number, Tensor};
use tape::prelude::*;
use tape::trace::{Backward, NothingFlows, Rounding, Step, Trace, Use};
use tape::{checkpoint, custom_vjp};

fn backward<'a, 't>(trace: &'a Trace<'t, f64>, node: Var<'t, f64>) -> &'a Backward<'t, f64> {
    match trace.step(trace.backward_step_of(node).expect("a step of the sweep")) {
        Some(Step::Backward(step)) => step,
        other => panic!("{other:?}"),
    }
}

fn bits(x: &Tensor<f64>) -> Vec<u64> {
    x.view().iter().map(|x| x.to_bits()).collect()
}

/// One layer, with broadcasting, a shared weight and a value used twice.
fn layer(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.constant([[0.5, -1.0, 0.25], [2.0, 0.125, -0.75]]).named("x");
    let w = tape.var([[0.1, 0.3], [-0.2, 0.7], [0.9, -0.4]]).named("w");
    let b = tape.var([0.05, -0.15]).named("b");
    let h = tape.scope("layer", || (x.matmul(w) + b).tanh()).named("h");
    ((h * h).sum() + w.sum().exp()).named("loss")
}

#[test]
fn the_numbers_are_those_of_backward() {
    let tape = Tape::new();
    let loss = layer(&tape);
    let plain = loss.backward();
    let trace = Trace::of(loss).unwrap();
    let mut seen = 0;
    for step in trace.backward() {
        assert_eq!(bits(&step.adjoint), bits(&plain.wrt(step.node)));
        for received in step.contributions.iter().filter_map(|c| c.received.as_ref().ok()) {
            let sum = match received.before.clone() {
                Some(before) => {
                    let mut sum = before;
                    ops::Reading::accumulate(&mut sum, received.value.clone());
                    sum
                }
                None => received.value.clone(),
            };
            assert_eq!(bits(&sum), bits(&received.after));
            seen += 1;
        }
        // What it ends with is what the last of its uses left.
        if let Some(last) = step.uses.last() {
            let after = backward(&trace, last.node).contributions[last.position].received.as_ref();
            assert_eq!(bits(&after.unwrap().after), bits(&step.adjoint));
        }
    }
    assert!(seen >= 10, "{seen} contributions");
    for x in trace.nodes() {
        let ours = trace.gradient(*x).ok();
        assert_eq!(ours.as_ref().map(bits), plain.try_wrt(*x).ok().as_ref().map(bits));
    }
}

#[test]
fn a_node_is_ready_when_all_its_uses_have_reported() {
    let tape = Tape::new();
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    let c = (b + b).named("c");
    let trace = Trace::of(c).unwrap();
    let order: Vec<String> = trace.steps().map(|step| step.node().label()).collect();
    assert_eq!(order, ["a", "b", "c", "c", "b", "a"]);

    assert_eq!(backward(&trace, c).uses, []);
    let uses = |node| [0, 1].map(|position| Use { node, position });
    assert_eq!(backward(&trace, b).uses, uses(c));
    assert_eq!(backward(&trace, a).uses, uses(b));

    let before = trace.waiting(2); // After the forward pass.
    let missing: Vec<_> = before.iter().map(|w| (w.node, w.missing.len())).collect();
    assert_eq!(missing, [(c, 0), (b, 2), (a, 2)]);
    let after_c = trace.waiting(3);
    assert_eq!((after_c[0].node, &after_c[0].reported[..]), (b, &uses(c)[..]));
    assert_eq!((after_c[1].node, &after_c[1].missing[..]), (a, &uses(b)[..]));
    assert_eq!(trace.waiting(4).len(), 1);
    assert_eq!(trace.waiting(5), []);
    assert_eq!(trace.waiting(99), []);
    assert!(trace.step(6).is_none());
}

#[test]
fn at_every_step_the_next_node_misses_nothing_and_no_reported_use_is_missing() {
    let tape = Tape::new();
    let trace = Trace::of(layer(&tape)).unwrap();
    for n in trace.nodes().len()..trace.len() {
        let waiting = trace.waiting(n);
        let Some(next) = waiting.first() else {
            assert_eq!(n, trace.len() - 1);
            break;
        };
        assert_eq!(next.missing, []);
        assert_eq!(Some(n + 1), trace.backward_step_of(next.node));
        for w in waiting {
            let step = |u: &Use<'_, f64>| trace.backward_step_of(u.node).unwrap();
            assert!(w.reported.iter().all(|u| step(u) <= n));
            assert!(w.missing.iter().all(|u| step(u) > n));
        }
    }
}

#[test]
fn an_operand_that_comes_twice_reports_twice() {
    let tape = Tape::new();
    let x = tape.var(3.0).named("x");
    let y = (x * x).named("y");
    let trace = Trace::of(y).unwrap();
    let step = backward(&trace, y);
    let received: Vec<_> = step
        .contributions
        .iter()
        .map(|c| c.received.as_ref().unwrap())
        .map(|r| (r.value.item(), r.before.as_ref().map(Tensor::item), r.after.item()))
        .collect();
    assert_eq!(received, [(3.0, None, 3.0), (3.0, Some(3.0), 6.0)]);
    assert_eq!([0, 1].map(|i| step.local(i).unwrap().item()), [3.0, 3.0]);
}

#[test]
fn where_nothing_flows_the_step_says_why() {
    let tape = Tape::new();
    let x = tape.var(0.3);
    let c = tape.constant(2.0);
    let from_constants = c + 1.0;
    let detached = x.sin().detach();
    let hidden = detached.operands()[0];
    let step = x.step();
    let y = x * c + x * detached + x * from_constants + step;
    let trace = Trace::of(y).unwrap();
    let to = |operand| {
        let mut all = trace.backward().iter().flat_map(|step| &step.contributions);
        all.find(|c| c.operand == operand).unwrap().received.as_ref().err().copied()
    };
    assert_eq!(to(c), Some(NothingFlows::Constant));
    assert_eq!(to(detached), Some(NothingFlows::Detached));
    assert_eq!(to(from_constants), Some(NothingFlows::Untracked));
    assert_eq!(to(step), None);
    let of_step = &backward(&trace, step).contributions[0];
    assert_eq!(of_step.received.as_ref().err(), Some(&NothingFlows::ZeroSlope));
    assert!(backward(&trace, step).formula(0, Rounding::default()).is_none());
    // The forward pass needs what is behind the detached value; the sweep does not go there.
    assert!(trace.nodes().contains(&hidden));
    assert_eq!(trace.backward_step_of(hidden), None);
    assert_eq!(trace.gradient(hidden), Err(NothingFlows::Cut));
    // A use that never reports keeps nobody waiting.
    assert!(backward(&trace, x).uses.iter().all(|u| u.node != hidden));
}

#[test]
fn constants_get_nothing_from_functions_that_are_one_node() {
    let tape = Tape::new();
    let (x, c) = (tape.var(2.0), tape.constant(5.0));
    let y = checkpoint(|v| v[0] * v[1], &[x, c]);
    let z = custom_vjp("product", |v| v[0] * v[1], |v, _, g| vec![g * v[1], g * v[0]], &[y, c]);
    let trace = Trace::of(z).unwrap();
    assert_eq!(trace.gradient(x).unwrap().item(), 25.0);
    for node in [y, z] {
        let constant = &backward(&trace, node).contributions[1];
        assert_eq!(constant.received.as_ref().err(), Some(&NothingFlows::Constant));
    }
    let written = backward(&trace, z).formula(0, Rounding::default()).unwrap();
    assert_eq!(written.names, "product's own gradient of adj(#3)");
}

#[test]
fn formulas_are_the_rule_read_with_names_and_with_numbers() {
    let tape = Tape::new();
    let (w, x, b) = (tape.var(-0.5).named("w"), tape.var(2.0).named("x"), tape.var(0.1).named("b"));
    let z = (w * x).named("z");
    let y = (z + b).tanh().named("y");
    let trace = Trace::of(y).unwrap();
    let digits = Rounding::default();
    let forward: Vec<_> = trace
        .steps()
        .filter_map(|step| match step {
            Step::Forward(step) => step.formula(digits),
            Step::Backward(_) => None,
        })
        .map(|w| (w.names, w.numbers))
        .collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(forward[0], pair("w · x", "-0.5 · 2"));
    assert_eq!(forward[1], pair("z + b", "-1 + 0.1"));
    assert_eq!(forward[2], pair("tanh(z + b)", "tanh(-0.9)"));
    let written = |w: Option<tape::trace::Written>| w.map(|w| (w.names, w.numbers)).unwrap();
    let step = backward(&trace, y);
    assert_eq!(written(step.local_formula(0, digits)), pair("1 - y²", "1 - (-0.7163)²"));
    assert_eq!(written(step.formula(0, digits)), pair("ȳ · (1 - y²)", "1 · (1 - (-0.7163)²)"));
    let step = backward(&trace, z);
    assert_eq!(written(step.local_formula(1, digits)), pair("w", "-0.5"));
    assert_eq!(written(step.formula(1, digits)), pair("z̄ · w", "0.4869 · (-0.5)"));
    let two = Rounding { digits: 2, ..digits };
    assert_eq!(written(step.formula(1, two)).1, "0.49 · (-0.5)");
}

#[test]
fn the_formula_of_a_broadcast_operand_says_that_its_gradient_is_summed() {
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0], [3.0, 4.0]]).named("x");
    let b = tape.var([0.5, -0.5]).named("b");
    let sum = (x + b).named("s");
    let product = x.matmul(b).named("p");
    let trace = Trace::of(sum.square().sum() + product.sum()).unwrap();
    let digits = Rounding::default();
    let to_b = backward(&trace, sum).formula(1, digits).unwrap();
    assert_eq!(
        (&to_b.names[..], &to_b.numbers[..]),
        ("sum(s̄, axes 0)", "sum([[3, 3], [7, 7]], axes 0)")
    );
    // No number for each element: the local derivative is a map.
    let step = backward(&trace, product);
    assert!(step.local(1).is_none());
    let map = step.local_formula(1, digits).unwrap();
    assert_eq!((&map.names[..], &map.numbers[..]), ("p̄ ↦ xᵀ @ p̄", "p̄ ↦ [[1, 2], [3, 4]]ᵀ @ p̄"));
    // Of many elements the label stays.
    let none = Rounding { elements: 0, ..digits };
    assert_eq!(step.formula(1, none).unwrap().numbers, "xᵀ @ p̄");
}

#[test]
fn large_tensors_are_shared_with_the_sweep() {
    let tape = Tape::new();
    let x = tape.var(Tensor::full(&[100, 100], 0.5));
    let y = x.tanh();
    let trace = Trace::of(y.sum()).unwrap();
    let step = backward(&trace, y);
    let received = step.contributions[0].received.as_ref().unwrap();
    assert!(received.value.shares_memory_with(&received.after));
    assert!(received.after.shares_memory_with(&backward(&trace, x).adjoint));
    assert!(trace.gradients().wrt(x).shares_memory_with(&received.value));
}

#[test]
fn numbers_that_are_not_finite_are_shown_also_on_a_tape_that_stops_at_them() {
    let tape = Tape::new().stop_at_non_finite();
    let x = tape.var(0.0);
    let y = x.sqrt();
    assert!(y.try_backward().is_err());
    let trace = Trace::of(y).unwrap();
    assert_eq!(trace.gradient(x).unwrap().item(), f64::INFINITY);
    let formula = backward(&trace, y).formula(0, Rounding::default()).unwrap();
    assert!(!formula.numbers.is_empty());
}

#[test]
fn what_cannot_be_traced_is_refused_as_backward_does() {
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0]);
    assert_eq!(Trace::of(x).unwrap_err(), x.try_backward().unwrap_err());
    assert_eq!(Trace::with_seed(x, 1.0).unwrap_err(), x.backward_with(1.0).unwrap_err());
    let c = tape.constant(1.0).sin();
    assert_eq!(Trace::of(c).unwrap_err(), c.try_backward().unwrap_err());
    let trace = Trace::with_seed(x * 3.0, [1.0, -2.0]).unwrap();
    assert_eq!(trace.gradient(x).unwrap(), Tensor::from([3.0, -6.0]));
}

#[test]
fn only_what_the_output_was_computed_from_takes_part() {
    let tape = Tape::new();
    let x = tape.var(2.0);
    let aside = x.exp();
    let y = x.square();
    let later = y.sin();
    let trace = Trace::of(y).unwrap();
    assert_eq!(trace.nodes(), [x, y]);
    assert_eq!((trace.forward_step_of(aside), trace.backward_step_of(later)), (None, None));
    assert_eq!(backward(&trace, x).uses, [Use { node: y, position: 0 }]);
}

#[test]
fn a_long_chain_is_traced() {
    let tape = Tape::new();
    let x = tape.var(0.5);
    let y = (0..100_000).fold(x, |y, _| y + 1e-6);
    let trace = Trace::of(y).unwrap();
    assert_eq!(trace.len(), 200_002);
    assert_eq!(trace.steps().next_back().unwrap().node(), x);
}

#[test]
fn a_rule_of_the_users_own_shows_its_slope() {
    #[derive(Clone, Copy, Debug)]
    struct Bump;
    impl ops::Unary for Bump {
        const NAME: &'static str = "bump";
        fn value<R: Number>(self, x: R) -> R {
            (-x.square()).exp()
        }
        fn slope<R: Number>(self, x: R, y: R) -> R {
            R::lit(-2.0) * x * y
        }
    }
    let tape = Tape::new();
    let x = tape.var(1.0).named("x");
    let y = x.unary(Bump).named("y");
    let trace = Trace::of(y).unwrap();
    let local = backward(&trace, y).local_formula(0, Rounding::default()).unwrap();
    assert_eq!((&local.names[..], &local.numbers[..]), ("-2 · x · y", "-2 · 1 · 0.3679"));
}

#[test]
fn what_a_recorded_sweep_records_belongs_to_lines_of_the_program() {
    let tape = Tape::new();
    let x = tape.var(4.0).named("x");
    let slope = (x * x * x).backward_recorded().wrt(x);
    let trace = Trace::of(slope).unwrap();
    assert!(trace.nodes().iter().filter(|node| node.op() == Some("add")).count() >= 2);
    for node in trace.nodes() {
        assert_eq!(node.location().file(), file!(), "{}", node.label());
    }
}
