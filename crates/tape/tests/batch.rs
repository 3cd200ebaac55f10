//! Functions over a whole batch, against the loop over its rows: every rule of the registry, its
//! gradient and its forward mode.

use std::collections::BTreeSet;

use approx::assert_relative_eq;
use ops::Tensor;
use ops::declare::sample;
use ops::prelude::*;
use tape::prelude::*;
use tape::transform::{
    hessian, jacobian, jacobian_forward, jacobian_reverse, jacobians, nested, value_and_jacobian,
    vmap, vmap_loops,
};

use crate::any_rule::{AnyExample, AnyRule, every_example};

const ROWS: usize = 3;

/// The operands for each row: those of the example, a little smaller each time. Indices stay.
fn rows_of(example: &AnyExample<'_>) -> Vec<Vec<Tensor<f64>>> {
    let row = |row: usize| {
        let shrunk = |(i, x): (usize, &Tensor<f64>)| {
            if example.fixed == Some(i) { x.clone() } else { x.scale(1.0 - 0.03 * row as f64) }
        };
        example.operands.iter().enumerate().map(shrunk).collect()
    };
    (0..ROWS).map(row).collect()
}

/// One of the operands with rows, the others shared; and all of them with rows.
fn choices(operands: usize) -> Vec<Vec<Option<isize>>> {
    let one = |i: usize| (0..operands).map(|j| (i == j).then_some(0)).collect();
    let mut choices: Vec<Vec<Option<isize>>> = (0..operands).map(one).collect();
    if operands > 1 {
        choices.push(vec![Some(0); operands]);
    }
    choices
}

fn stacked(rows: &[Tensor<f64>]) -> Tensor<f64> {
    rows[0].stack(&rows[1..], 0)
}

/// The inputs of a batch: with rows where there is an axis, the first row's where there is none.
fn inputs(rows: &[Vec<Tensor<f64>>], axes: &[Option<isize>]) -> Vec<Tensor<f64>> {
    let of = |(i, axis): (usize, &Option<isize>)| match axis {
        Some(_) => stacked(&rows.iter().map(|row| row[i].clone()).collect::<Vec<_>>()),
        None => rows[0][i].clone(),
    };
    axes.iter().enumerate().map(of).collect()
}

fn same(
    what: &str,
    f: impl for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    rows: &[Vec<Tensor<f64>>],
    (inputs, axes): (&[Tensor<f64>], &[Option<isize>]),
) -> Result<(), String> {
    let alone = |row: &Vec<Tensor<f64>>| {
        let tape = Tape::new();
        let x: Vec<_> = axes
            .iter()
            .enumerate()
            .map(|(i, axis)| tape.var(if axis.is_some() { &row[i] } else { &rows[0][i] }))
            .collect();
        f(&x).value()
    };
    let expected = stacked(&rows.iter().map(alone).collect::<Vec<_>>());
    let batch = vmap(&f, inputs, axes).map_err(|error| error.to_string())?;
    let equal = |(a, b): (&f64, &f64)| {
        (a.is_nan() && b.is_nan())
            || approx::relative_eq!(a, b, epsilon = 1e-12, max_relative = 1e-12)
    };
    if batch.shape() == expected.shape()
        && batch.view().iter().zip(expected.view().iter()).all(equal)
    {
        return Ok(());
    }
    Err(format!("{what} with rows {axes:?}: {batch:?} is not {expected:?}"))
}

/// The value, the gradients and forward mode of one example.
fn check(example: &AnyExample<'_>) -> Result<(), String> {
    let mut rows = rows_of(example);
    let count = example.operands.len();
    let rule = example.rule;
    let tape = Tape::new();
    let x: Vec<_> = example.operands.iter().map(|x| tape.var(x)).collect();
    let shape = rule.recorded(&x).shape().to_vec();
    // The last inputs: a cotangent, and a tangent for each operand.
    for (number, row) in rows.iter_mut().enumerate() {
        row.push(sample(&shape, number));
        let tangents: Vec<_> = row[..count].iter().map(|x| sample(x.shape(), number + 7)).collect();
        row.extend(tangents);
    }
    for chosen in choices(count) {
        let mut axes = chosen.clone();
        axes.extend(vec![Some(0); count + 1]);
        let inputs = inputs(&rows, &axes);
        let batch = (&inputs[..], &axes[..]);
        same("the value", |v| rule.recorded(&v[..count]), &rows, batch)?;
        for i in (0..count).filter(|&i| example.fixed != Some(i)) {
            same(
                &format!("the gradient of operand {i}"),
                |v| gradient(rule, v, count, i),
                &rows,
                batch,
            )?;
        }
        same("forward mode", |v| tangent(rule, v, count, example.fixed), &rows, batch)?;
    }
    Ok(())
}

/// The contribution of a rule to operand `i`, for the cotangent behind the operands.
fn gradient<'t>(rule: &dyn AnyRule, v: &[Var<'t, f64>], count: usize, i: usize) -> Var<'t, f64> {
    let apply = |x: &[Var<'t, f64>]| {
        let mut operands = v[..count].to_vec();
        operands[i] = x[0];
        rule.recorded(&operands)
    };
    nested::vjp(apply, &[v[i]], v[count]).1[0]
}

fn tangent<'t>(
    rule: &dyn AnyRule,
    v: &[Var<'t, f64>],
    count: usize,
    fixed: Option<usize>,
) -> Var<'t, f64> {
    let varied: Vec<usize> = (0..count).filter(|&i| fixed != Some(i)).collect();
    let apply = |x: &[Var<'t, f64>]| {
        let mut operands = v[..count].to_vec();
        for (&x, &i) in x.iter().zip(&varied) {
            operands[i] = x;
        }
        rule.recorded(&operands)
    };
    let of = |from: usize| varied.iter().map(|&i| v[from + i]).collect::<Vec<_>>();
    nested::jvp(apply, &of(0), &of(count + 1)).1
}

#[test]
fn every_rule_over_a_batch_is_the_loop() {
    every_example(check);
}

#[test]
fn it_is_known_which_rules_loop() {
    #[derive(Default)]
    struct Looped {
        alone: BTreeSet<&'static str>,
        together: BTreeSet<&'static str>,
    }
    let mut looped = Looped::default();
    every_example(|example| {
        let rows = rows_of(example);
        for axes in choices(example.operands.len()) {
            let together = axes.iter().all(Option::is_some);
            let loops = vmap_loops(|v| example.rule.recorded(v), &inputs(&rows, &axes), &axes);
            let into = if together { &mut looped.together } else { &mut looped.alone };
            into.extend(loops.map_err(|error| error.to_string())?);
        }
        Ok(())
    });
    let together: Vec<_> = looped.together.into_iter().collect();
    let alone: Vec<_> = looped.alone.into_iter().collect();
    // What sums over the images of one row cannot sum over the batch, nor can a table of its own be
    // looked up for each row.
    let convolutions = ["conv1d", "conv1d_transposed", "conv1d_weight", "conv2d"];
    let convolutions = convolutions.into_iter().chain(["conv2d_transposed", "conv2d_weight"]);
    let convolutions = convolutions.chain(["conv3d", "conv3d_transposed", "conv3d_weight"]);
    let expected: Vec<_> = convolutions.chain(["gather", "gather_adjoint"]).collect();
    assert_eq!(together, expected);
    assert_eq!(alone, expected);
}

/// A layer of a network with everything that a batch meets: a product with shared weights, a
/// reduction, a softmax.
fn network(x: Var<'_, f64>) -> Var<'_, f64> {
    let w = x.tape().constant(sample(&[4, 3], 1));
    (x.matmul(w).tanh() + x.sum()).softmax(0)
}

#[test]
fn jacobians_are_those_of_the_loop() {
    let x: Tensor<f64> = sample(&[4], 2);
    let rows: Vec<Tensor<f64>> = (0..3)
        .map(|i| {
            let tape = Tape::new();
            let v = tape.var(&x);
            network(v).slice(ndarray::s![i]).backward().wrt(v)
        })
        .collect();
    let loop_over_rows = stacked(&rows);
    for jacobian in [jacobian(network, &x), jacobian_forward(network, &x)] {
        assert_relative_eq!(jacobian, loop_over_rows, max_relative = 1e-12, epsilon = 1e-14);
    }
    let (value, reverse) = value_and_jacobian(network, &x);
    assert_relative_eq!(reverse, jacobian_reverse(network, &x), max_relative = 1e-12);
    let tape = Tape::new();
    assert_eq!(value, network(tape.var(&x)).value());
    // Two inputs: d(a b)/da = b on the diagonal, and the input that is ignored has zeros.
    let inputs = [x.clone(), sample(&[4], 3), Tensor::scalar(1.0)];
    let of = jacobians(|v: &[Var<'_, f64>]| v[0] * v[1], &inputs);
    for (jacobian, other) in of.iter().zip([&inputs[1], &inputs[0]]) {
        for i in 0..4 {
            for j in 0..4 {
                let expected = if i == j { other.to_vec()[i] } else { 0.0 };
                assert_eq!(jacobian.view()[[i, j]], expected);
            }
        }
    }
    assert_eq!(of[2], Tensor::zeros(&[4]));
}

#[test]
fn the_largest_jacobians_are_taken_in_turns() {
    // 2,100 directions of 2,100 numbers are more than a batch takes at once.
    let x: Tensor<f64> = sample(&[2_100], 5);
    let jacobian = jacobian_reverse(|x: Var<'_, f64>| x.square(), &x);
    assert_eq!(jacobian.shape(), [2_100, 2_100]);
    let (view, x) = (jacobian.view(), x.to_vec());
    for i in [0, 1, 1_996, 1_997, 1_998, 2_099] {
        assert_eq!(view[[i, i]], 2.0 * x[i]);
    }
    assert_eq!(jacobian.sum().item(), x.iter().map(|x| 2.0 * x).sum::<f64>());
}

#[test]
fn a_batch_nests_with_gradients_and_itself() {
    // The Hessians of f(x) = Σ sin x · Σ x at each row: by two batches, one in the other.
    fn f<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        v[0].sin().sum() * v[0].sum()
    }
    let x: Tensor<f64> = sample(&[5, 3], 4);
    let hessians =
        vmap(|v| nested::hessian(|x| f(&[x]), v[0]), std::slice::from_ref(&x), &[Some(0)]).unwrap();
    for row in 0..5 {
        let alone = hessian(f, &x.slice(ndarray::s![row, ..])).unwrap();
        let of_batch = hessians.slice(ndarray::s![row, .., ..]);
        assert_relative_eq!(of_batch, alone, max_relative = 1e-12, epsilon = 1e-13);
    }
    // A gradient around a batch: Σ over rows of the row's own loss.
    let tape = Tape::new();
    let v = tape.var(&x);
    let around = nested::vmap(f, &[v], &[Some(0)]).sum().backward().wrt(v);
    let inside = nested::vmap(|v| nested::grad(f, v)[0], &[v], &[Some(0)]).value();
    assert_relative_eq!(around, inside, max_relative = 1e-12, epsilon = 1e-14);
    // Rows along another axis, and a function that ignores them.
    let columns = vmap(|v| v[0].sum(), std::slice::from_ref(&x), &[Some(-1)]).unwrap();
    assert_relative_eq!(columns, x.sum_axes(0), max_relative = 1e-14);
    let constant = vmap(|v| v[1].exp(), &[x.clone(), x.clone()], &[Some(0), None]).unwrap();
    assert_eq!(constant.shape(), [5, 5, 3]);
    let none = vmap(|v| v[0].exp().sum(), &[Tensor::<f64>::zeros(&[0, 3])], &[Some(0)]).unwrap();
    assert_eq!(none.shape(), [0]);
    // No rows of what is computed row by row: tables of their own.
    let tables = [Tensor::<f64>::zeros(&[0, 4, 2]), Tensor::from([1.0, 3.0, 0.0])];
    let none = vmap(|v| v[0].gather(&v[1]), &tables, &[Some(0), None]).unwrap();
    assert_eq!(none.shape(), [0, 3, 2]);
}

/// A batch is a variable where its rows are, and only there.
#[test]
fn a_batch_of_constants_is_constant() {
    let tape = Tape::<f64>::new();
    let rows = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    let of = |x| nested::vmap(|v| v[0].exp(), &[x], &[Some(0)]);
    assert!(!of(tape.constant(&rows)).is_tracked());
    assert!(of(tape.var(&rows)).is_tracked());
}

#[test]
fn functions_and_inputs_that_have_no_batch_are_refused() {
    let x = || Tensor::<f64>::zeros(&[2, 3]);
    let says =
        |f: for<'t> fn(&[Var<'t, f64>]) -> Var<'t, f64>,
         inputs: &[Tensor<f64>],
         axes: &[Option<isize>]| vmap(f, inputs, axes).unwrap_err().to_string();
    assert!(says(|v| v[0], &[x()], &[]).contains("0 axes were given for 1 inputs"));
    assert!(says(|v| v[0], &[x()], &[Some(2)]).contains("axis 2 of input 1"));
    assert!(says(|v| v[0], &[x()], &[None]).contains("no input has rows"));
    let rows = says(|v| v[0], &[x(), x()], &[Some(0), Some(1)]);
    assert!(rows.contains("input 1 has 2 rows but input 2 has 3"), "{rows}");
    let read =
        says(|v| if v[0].sum().item() > 0.0 { v[0] } else { v[0].exp() }, &[x()], &[Some(0)]);
    assert!(read.contains("looked at a number"), "{read}");
    // The gradient of the first row would be that of all.
    let swept =
        says(|v| v[0] * v[0].tape().constant(v[0].sum().backward().wrt(v[0])), &[x()], &[Some(0)]);
    assert!(swept.contains("nested::grad()"), "{swept}");
}
