//! Recurrent layers, attention, positions and the transformer block.

use approx::assert_relative_eq;
use ndarray::{Array2, s};
use nn::layers::{
    AttentionMask, Cell, GruCell, LstmCell, Nonlinearity, Recurrence, Recurrent, RecurrentState,
    Returns, SimpleCell,
};
use nn::ops::declare::sample;
use nn::prelude::*;
use nn::tape::check::Check;

/// A tensor in general position.
fn data(shape: &[usize], seed: usize) -> Tensor<f64> {
    sample(shape, seed)
}

fn settings(layers: usize, bidirectional: bool, returns: Returns) -> Recurrence {
    Recurrence { layers, bidirectional, dropout: 0.0, returns }
}

fn recurrent<C: Cell + Default>(settings: Recurrence) -> Recurrent<f64, C> {
    Recurrent::with_settings(3, 2, settings, &mut nn::rng(1)).unwrap()
}

/// `f` of the model with its parameters taken from the first of `x`, and of the rest of `x`.
fn evaluate<'t, M: Module<f64>>(
    model: &M,
    f: impl Fn(&M, &Pass<'t, f64>, &[Var<'t, f64>]) -> Var<'t, f64>,
    x: &[Var<'t, f64>],
) -> Var<'t, f64> {
    let pass = Pass::evaluate(x[0].tape());
    let parameters = model.parameters();
    for ((_, parameter), &x) in parameters.iter().zip(x) {
        pass.substitute(parameter, x);
    }
    f(model, &pass, &x[parameters.len()..])
}

/// All elements, weighted so that none can hide.
fn weighted(x: Var<'_, f64>, seed: usize) -> Var<'_, f64> {
    (x * x.tape().constant(data(&x.shape(), seed))).sum()
}

/// Both orders, at every element.
fn every_element() -> Check {
    Check::new().second_order()
}

/// Both orders, along a direction of each input: for functions of many numbers.
fn every_input() -> Check {
    Check::new().second_order().fast()
}

/// Holds the gradients of a function of the model's parameters, and of the inputs after them,
/// against finite differences.
fn check_gradients<M: Module<f64>>(
    model: &M,
    inputs: &[Tensor<f64>],
    check: &Check,
    f: impl for<'t> Fn(&M, &Pass<'t, f64>, &[Var<'t, f64>]) -> Var<'t, f64>,
) {
    let parameters = model.parameters();
    let mut all: Vec<Tensor<f64>> = parameters.iter().map(|(_, p)| p.value.clone()).collect();
    all.extend_from_slice(inputs);
    check
        .run(|x| evaluate(model, &f, x), &all)
        .unwrap_or_else(|error| panic!("{}: {error}", model.describe()));
    // No input or parameter may be idle, or its check would say nothing.
    let tape = Tape::new();
    let x: Vec<_> = all.iter().map(|x| tape.var(x)).collect();
    let gradients = evaluate(model, &f, &x).square().sum().backward();
    for (number, &x) in x.iter().enumerate() {
        let gradient = gradients.wrt(x);
        let idle = gradient.view().iter().all(|&g| g == 0.0);
        assert!(!idle, "{}: input {number} does not matter", model.describe());
    }
}

fn forward(model: &impl Module<f64>, x: &Tensor<f64>) -> Tensor<f64> {
    predict(model, x).unwrap()
}

/// What running a recurrent layer gives: the sequence, the hidden and the cell state.
fn run<C: Cell>(
    layer: &Recurrent<f64, C>,
    x: &Tensor<f64>,
    initial: Option<&RecurrentState<Tensor<f64>>>,
) -> (Tensor<f64>, RecurrentState<Tensor<f64>>) {
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let initial = initial.map(|state| state.on(&pass));
    let output = layer.run(&pass, pass.input(x), initial);
    (output.sequence.value(), output.state.values())
}

fn panic_message<T>(f: impl FnOnce() -> T) -> String {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(f())));
    let panic = result.expect_err("a refusal");
    panic.downcast_ref::<String>().expect("a panic with a sentence").clone()
}

/// Runs a test for each of the three cells.
macro_rules! for_each_cell {
    ($test:ident) => {
        $test::<SimpleCell>();
        $test::<LstmCell>();
        $test::<GruCell>();
    };
}

#[test]
fn recurrent_shapes_are_inferred_as_computed() {
    fn test<C: Cell + Default>() {
        for (layers, bidirectional) in [(1, false), (2, false), (1, true), (3, true)] {
            for returns in [Returns::Sequence, Returns::Last] {
                for shape in [[1, 1, 3], [2, 4, 3], [0, 2, 3]] {
                    let layer = recurrent::<C>(settings(layers, bidirectional, returns));
                    let computed = forward(&layer, &data(&shape, 1));
                    assert_eq!(&layer.output_shape(&shape).unwrap()[..], computed.shape());
                    let (_, state) = run(&layer, &data(&shape, 1), None);
                    let directions = if bidirectional { 2 } else { 1 };
                    assert_eq!(state.hidden.shape(), [layers * directions, shape[0], 2]);
                    assert_eq!(state.cell.is_some(), C::HAS_CELL_STATE);
                }
            }
        }
    }
    for_each_cell!(test);
}

#[test]
fn recurrent_parameters_have_the_names_and_shapes_of_pytorch() {
    let layer = recurrent::<LstmCell>(settings(2, true, Returns::Sequence));
    let list: Vec<_> = layer
        .parameters()
        .iter()
        .map(|(path, parameter)| format!("{path} {:?}", parameter.value.shape()))
        .collect();
    assert_eq!(
        list,
        [
            "weight_ih_l0 [8, 3]",
            "weight_hh_l0 [8, 2]",
            "bias_ih_l0 [8]",
            "bias_hh_l0 [8]",
            "weight_ih_l0_reverse [8, 3]",
            "weight_hh_l0_reverse [8, 2]",
            "bias_ih_l0_reverse [8]",
            "bias_hh_l0_reverse [8]",
            "weight_ih_l1 [8, 4]",
            "weight_hh_l1 [8, 2]",
            "bias_ih_l1 [8]",
            "bias_hh_l1 [8]",
            "weight_ih_l1_reverse [8, 4]",
            "weight_hh_l1_reverse [8, 2]",
            "bias_ih_l1_reverse [8]",
            "bias_hh_l1_reverse [8]",
        ]
    );
    let mut again = layer.clone();
    let mut paths = Vec::new();
    again.visit_mut(&mut |path, _| paths.push(path.to_owned()));
    let named = |line: &String| line.split(' ').next().unwrap().to_owned();
    assert_eq!(paths, list.iter().map(named).collect::<Vec<_>>());
    assert_eq!(recurrent::<GruCell>(Recurrence::default()).weights()[0].bias_hh.value.len(), 6);
}

#[test]
fn recurrent_gradients_match_differences_at_both_orders() {
    fn test<C: Cell + Default>() {
        let one = recurrent::<C>(settings(1, false, Returns::Sequence));
        check_gradients(&one, &[data(&[1, 2, 3], 1)], &every_element(), |layer, pass, x| {
            layer.forward(pass, x[0])
        });
        // Two layers, both directions, and every part of the state, into it and out of it.
        let two = recurrent::<C>(settings(2, true, Returns::Last));
        let state = [data(&[4, 2, 2], 2), data(&[4, 2, 2], 3)];
        let states = if C::HAS_CELL_STATE { &state[..] } else { &state[..1] };
        let inputs = [&[data(&[2, 2, 3], 1)], states].concat();
        check_gradients(&two, &inputs, &every_input(), |layer, pass, x| {
            let initial = RecurrentState { hidden: x[1], cell: x.get(2).copied() };
            let run = layer.run(pass, x[0], Some(initial));
            let sum = weighted(run.sequence, 5) + weighted(run.state.hidden, 6);
            run.state.cell.map_or(sum, |cell| sum + weighted(cell, 7))
        });
        check_gradients(&two, &inputs[..1], &Check::new().fast(), |layer, pass, x| {
            layer.forward(pass, x[0])
        });
    }
    for_each_cell!(test);
}

#[test]
fn a_relu_network_has_the_gradient_of_its_active_units() {
    let mut layer = recurrent::<SimpleCell>(Recurrence::default()).nonlinearity(Nonlinearity::Relu);
    layer.weights_mut()[0].bias_ih.value = Tensor::full(&[2], 3.0);
    let x = [data(&[2, 3, 3], 1)];
    check_gradients(&layer, &x, &Check::new(), |layer, pass, x| layer.forward(pass, x[0]));
    assert!(forward(&layer, &x[0]).view().iter().any(|&h| h > 1.0), "units that tanh would bound");
}

/// One unit with one input, whose weights are as given, block by block.
fn unit<C: Cell + Default>(
    weight_ih: &[f64],
    weight_hh: &[f64],
    bias_ih: &[f64],
    bias_hh: &[f64],
) -> Recurrent<f64, C> {
    let mut layer = Recurrent::<f64, C>::new(1, 1, &mut nn::rng(0));
    let column = |x: &[f64]| Tensor::from(x).reshape([-1, 1]);
    let weights = &mut layer.weights_mut()[0];
    weights.weight_ih.value = column(weight_ih);
    weights.weight_hh.value = column(weight_hh);
    weights.bias_ih.value = bias_ih.into();
    weights.bias_hh.value = bias_hh.into();
    layer
}

/// Takes one step with one unit: the hidden and the cell state after it.
fn one_step<C: Cell>(
    layer: &Recurrent<f64, C>,
    x: f64,
    hidden: f64,
    cell: Option<f64>,
) -> (f64, Option<f64>) {
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let put = |x: f64| tape.constant([[[x]]]);
    let state = RecurrentState { hidden: put(hidden), cell: cell.map(put) };
    let (output, after) = layer.step(&pass, tape.constant([[x]]), Some(state));
    assert_eq!(output.item(), after.hidden.item());
    (output.item(), after.cell.map(Var::item))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[test]
fn one_step_of_each_cell_is_its_formula() {
    let (x, h, c) = (0.8, -0.4, 0.3);

    let rnn = unit::<SimpleCell>(&[0.5], &[-0.3], &[0.1], &[0.05]);
    let sum: f64 = 0.5 * x + 0.1 - 0.3 * h + 0.05;
    assert_relative_eq!(one_step(&rnn, x, h, None).0, sum.tanh(), max_relative = 1e-14);
    let relu = rnn.clone().nonlinearity(Nonlinearity::Relu);
    assert_relative_eq!(one_step(&relu, x, h, None).0, sum, max_relative = 1e-14);
    assert_eq!(one_step(&relu, -5.0, h, None).0, 0.0);

    let lstm = unit::<LstmCell>(
        &[0.5, -0.2, 0.9, 0.3],
        &[-0.3, 0.7, 0.4, -0.6],
        &[0.1, 0.2, -0.3, 0.4],
        &[0.05, -0.15, 0.25, -0.35],
    );
    let input_gate = sigmoid(0.5 * x + 0.1 - 0.3 * h + 0.05);
    let forget_gate = sigmoid(-0.2 * x + 0.2 + 0.7 * h - 0.15);
    let candidate = (0.9 * x - 0.3 + 0.4 * h + 0.25).tanh();
    let output_gate = sigmoid(0.3 * x + 0.4 - 0.6 * h - 0.35);
    let cell = forget_gate * c + input_gate * candidate;
    let (hidden, given) = one_step(&lstm, x, h, Some(c));
    assert_relative_eq!(given.unwrap(), cell, max_relative = 1e-14);
    assert_relative_eq!(hidden, output_gate * cell.tanh(), max_relative = 1e-14);

    let gru = unit::<GruCell>(
        &[0.5, -0.2, 0.9],
        &[-0.3, 0.7, 0.4],
        &[0.1, 0.2, -0.3],
        &[0.05, -0.15, 0.25],
    );
    let reset = sigmoid(0.5 * x + 0.1 - 0.3 * h + 0.05);
    let update = sigmoid(-0.2 * x + 0.2 + 0.7 * h - 0.15);
    let candidate = (0.9 * x - 0.3 + reset * (0.4 * h + 0.25)).tanh();
    let hidden = (1.0 - update) * candidate + update * h;
    assert_relative_eq!(one_step(&gru, x, h, None).0, hidden, max_relative = 1e-14);
}

#[test]
fn the_backward_direction_is_a_run_over_the_reversed_sequence() {
    fn test<C: Cell + Default>() {
        let both = recurrent::<C>(settings(1, true, Returns::Sequence));
        let mut one = recurrent::<C>(Recurrence::default());
        let x = data(&[2, 4, 3], 1);
        let (sequence, state) = run(&both, &x, None);
        for (direction, half) in [s![.., .., ..2], s![.., .., 2..]].into_iter().enumerate() {
            one.weights_mut()[0] = both.weights()[direction].clone();
            let ordered = |x: &Tensor<f64>| if direction == 1 { x.flip(1) } else { x.clone() };
            let (alone, last) = run(&one, &ordered(&x), None);
            assert_eq!(sequence.slice(half), ordered(&alone));
            assert_eq!(state.hidden.slice(s![direction, .., ..]), last.hidden.slice(s![0, .., ..]));
        }
        // What `last` returns: forwards at the last step, backwards at the first.
        let ends = forward(&both.clone().last(), &x);
        assert_eq!(ends.slice(s![.., ..2]), sequence.slice(s![.., 3, ..2]));
        assert_eq!(ends.slice(s![.., 2..]), sequence.slice(s![.., 0, 2..]));
    }
    for_each_cell!(test);
}

#[test]
fn a_run_goes_on_from_the_state_of_the_one_before() {
    fn test<C: Cell + Default>() {
        let layer = recurrent::<C>(settings(2, false, Returns::Sequence));
        let x = data(&[2, 5, 3], 1);
        let (whole, end) = run(&layer, &x, None);
        let (first, state) = run(&layer, &x.slice(s![.., ..2, ..]), None);
        let (second, last) = run(&layer, &x.slice(s![.., 2.., ..]), Some(&state));
        assert_relative_eq!(whole, first.concat(&[second], 1), max_relative = 1e-14);
        assert_relative_eq!(end.hidden, last.hidden, max_relative = 1e-14);
        // Step by step too.
        let mut state = None::<RecurrentState<Tensor<f64>>>;
        for t in 0..5 {
            let tape = Tape::new();
            let pass = Pass::evaluate(&tape);
            let x = pass.input(&x.slice(s![.., t, ..]));
            let (output, after) = layer.step(&pass, x, state.map(|state| state.on(&pass)));
            assert_relative_eq!(output.value(), whole.slice(s![.., t, ..]), max_relative = 1e-14);
            state = Some(after.values());
        }
        assert_eq!(state.unwrap().cell.is_some(), C::HAS_CELL_STATE);
    }
    for_each_cell!(test);
}

/// On a stack of which no more is left to each of the values than two dozen bytes.
#[test]
fn thousands_of_steps_are_recorded_and_swept_without_recursion() {
    const STEPS: usize = 2_000;
    fn run() {
        let layer = Gru::<f64>::new(2, 2, &mut nn::rng(2)).last();
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let x = tape.var(Tensor::full(&[1, STEPS, 2], 0.1));
        let loss = layer.forward(&pass, x).sum();
        assert!(tape.len() > 15 * STEPS, "{} values", tape.len());
        let gradients = loss.backward();
        // The early steps are forgotten, the last is not.
        let of_input = gradients.wrt(x);
        assert_eq!(of_input.slice(s![0, 0, ..]), Tensor::from([0.0, 0.0]));
        assert!(of_input.slice(s![0, STEPS - 1, ..]).view().iter().all(|&g| g != 0.0));
        let weight = &layer.weights()[0].weight_hh;
        assert!(pass.gradients(loss).unwrap().of(weight).unwrap().is_finite());
    }
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap();
    thread.join().unwrap();
}

#[test]
fn dropout_between_layers_acts_in_training_only() {
    let settings = Recurrence { layers: 2, dropout: 0.5, ..Recurrence::default() };
    let dropping = recurrent::<LstmCell>(settings);
    let mut plain = dropping.clone();
    plain = {
        let mut other = recurrent::<LstmCell>(Recurrence { dropout: 0.0, ..settings });
        other.weights_mut().clone_from_slice(plain.weights());
        other
    };
    let x = data(&[2, 5, 3], 1);
    let train = |layer: &Recurrent<f64, LstmCell>, seed| {
        let tape = Tape::new();
        let pass = Pass::train(&tape, seed);
        layer.forward(&pass, pass.input(&x)).value()
    };
    assert_eq!(forward(&dropping, &x), forward(&plain, &x));
    assert_eq!(train(&plain, 1), forward(&plain, &x));
    assert_eq!(train(&dropping, 1), train(&dropping, 1));
    assert_ne!(train(&dropping, 1), train(&dropping, 2));
    assert_ne!(train(&dropping, 1), forward(&dropping, &x));
}

#[test]
fn recurrent_weights_start_uniform_and_the_forget_bias_as_asked() {
    let layer = Lstm::<f64>::new(50, 100, &mut nn::rng(3)).forget_bias(1.5);
    let weights = &layer.weights()[0];
    let of = |x: &Tensor<f64>| x.to_vec();
    for weight in [&weights.weight_ih, &weights.weight_hh] {
        let values = of(&weight.value);
        let largest = values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        assert!((0.0999..=0.1).contains(&largest), "±1/√100, not {largest}");
        // A uniform variable on ±b has variance b²/3; its estimate from n values is off by about
        // b² · 0.3/√n.
        let variance = values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64;
        assert!((variance - 0.01 / 3.0).abs() < 5.0 * 0.003 / (values.len() as f64).sqrt());
    }
    let (ih, hh) = (of(&weights.bias_ih.value), of(&weights.bias_hh.value));
    assert!(ih[100..200].iter().all(|&b| b == 1.5) && hh[100..200].iter().all(|&b| b == 0.0));
    for other in [&ih[..100], &ih[200..], &hh[..100], &hh[200..]] {
        assert!(other.iter().all(|b| b.abs() <= 0.1) && other.iter().any(|&b| b != 0.0));
    }
}

#[test]
fn recurrent_layers_refuse_in_sentences() {
    let layer = Lstm::<f64>::new(3, 2, &mut nn::rng(0));
    let refusal = |shape: &[usize]| layer.output_shape(shape).unwrap_err().to_string();
    assert_eq!(
        refusal(&[2, 0, 3]),
        "layer Lstm(3 → 2) takes an input of shape [N, T, 3] with at least one step, but is given \
         [2, 0, 3]"
    );
    assert!(refusal(&[2, 3]).ends_with("but is given [2, 3]"));
    assert!(refusal(&[2, 5, 4]).ends_with("but is given [2, 5, 4]"));

    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let x = |shape: &[usize]| pass.input(&data(shape, 1));
    let message = panic_message(|| layer.forward(&pass, x(&[2, 0, 3])));
    assert!(message.contains("at least one step"), "{message}");
    let state = RecurrentState::with_cell(x(&[1, 2, 2]), x(&[1, 1, 2]));
    let message = panic_message(|| layer.run(&pass, x(&[2, 4, 3]), Some(state)));
    assert_eq!(
        message,
        "Lstm(3 → 2) takes an initial cell state of shape [1, 2, 2] for 2 sequences, but is given \
         [1, 1, 2]"
    );
    let state = RecurrentState::hidden(x(&[1, 2, 2]));
    let message = panic_message(|| layer.run(&pass, x(&[2, 4, 3]), Some(state)));
    assert_eq!(message, "Lstm(3 → 2) has a cell state, but is given a state with no cell state");
    let message = panic_message(|| layer.step(&pass, x(&[2, 4, 3]), None));
    assert!(message.contains("[N, 3], but is given [2, 4, 3]"), "{message}");
    let both = recurrent::<GruCell>(settings(1, true, Returns::Last));
    let message = panic_message(|| both.step(&pass, x(&[2, 3]), None));
    assert!(message.contains("Gru(3 → 2, both directions) cannot go step by step"), "{message}");

    let wrong = |settings, inputs, hidden| {
        Lstm::<f64>::with_settings(inputs, hidden, settings, &mut nn::rng(0))
            .unwrap_err()
            .to_string()
    };
    let good = Recurrence::default();
    assert!(wrong(good, 0, 2).contains("the number of inputs of a recurrent layer is 0"));
    assert!(wrong(good, 3, 0).contains("the number of hidden units"));
    assert!(wrong(Recurrence { layers: 0, ..good }, 3, 2).contains("the number of layers"));
    let two = Recurrence { layers: 2, ..good };
    assert!(wrong(Recurrence { dropout: 1.5, ..two }, 3, 2).contains("from 0 to 1"));
    assert!(wrong(Recurrence { dropout: f64::NAN, ..two }, 3, 2).contains("NaN"));
    assert!(wrong(Recurrence { dropout: 0.5, ..good }, 3, 2).contains("only one layer"));
}

/// The softmax over one key is 1, so attention of one number to itself is its value, projected.
#[test]
fn attention_may_be_one_wide() {
    let layer = MultiHeadAttention::<f64>::new(1, 1, &mut nn::rng(0));
    let x = Tensor::from([[[0.5]]]);
    let value = layer.in_proj_weight.value.to_vec()[2] * 0.5;
    let projected = layer.out_proj.weight.value.item() * value;
    assert_relative_eq!(predict(&layer, &x).unwrap().item(), projected, epsilon = 1e-15);
}

/// Attention of width 4 with two heads, whose biases are not 0.
fn attention() -> MultiHeadAttention<f64> {
    let mut layer = MultiHeadAttention::new(4, 2, &mut nn::rng(5));
    layer.in_proj_bias.value = data(&[12], 6).scale(0.3);
    layer.out_proj.bias.value = data(&[4], 7).scale(0.3);
    layer
}

/// What attention gives: the output and the weights.
fn attend(
    layer: &MultiHeadAttention<f64>,
    [query, key, value]: [&Tensor<f64>; 3],
    mask: &AttentionMask,
) -> (Tensor<f64>, Tensor<f64>) {
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let [q, k, v] = [query, key, value].map(|x| pass.input(x));
    let found = layer.attend(&pass, q, k, v, mask);
    (found.output.value(), found.weights.value())
}

/// A model in evaluation.
type Model<'m> = dyn Fn(&Tensor<f64>) -> Tensor<f64> + 'm;

/// Self-attention under a mask.
fn look(layer: &MultiHeadAttention<f64>, x: &Tensor<f64>, mask: &AttentionMask) -> Tensor<f64> {
    attend(layer, [x; 3], mask).0
}

/// `x` with the elements of step `t` of every sequence replaced.
fn with_step(x: &Tensor<f64>, t: usize, by: f64) -> Tensor<f64> {
    let mut x = x.clone();
    x.view_mut().slice_mut(s![.., t, ..]).mapv_inplace(|x| by - 3.0 * x);
    x
}

#[test]
fn attention_is_its_formula_written_out() {
    let layer = attention();
    let (query, key, value) = (data(&[2, 3, 4], 1), data(&[2, 5, 4], 2), data(&[2, 5, 4], 3));
    let (output, weights) = attend(&layer, [&query, &key, &value], &AttentionMask::new());
    let (w, b) = (layer.in_proj_weight.value.view(), layer.in_proj_bias.value.view());
    let (w_out, b_out) = (layer.out_proj.weight.value.view(), layer.out_proj.bias.value.view());
    // Number `row` of a projection of one element.
    let project = |x: &Tensor<f64>, n: usize, t: usize, row: usize| {
        b[row] + (0..4).map(|k| w[[row, k]] * x.view()[[n, t, k]]).sum::<f64>()
    };
    for (n, l) in [(0, 0), (0, 2), (1, 1)] {
        let mut found = [0.0; 4];
        for head in 0..2 {
            let rows = [2 * head, 2 * head + 1];
            let score = |s| {
                let dot = |row: usize| project(&query, n, l, row) * project(&key, n, s, 4 + row);
                (rows.map(dot).iter().sum::<f64>() / 2.0_f64.sqrt()).exp()
            };
            let total: f64 = (0..5).map(score).sum();
            for s in 0..5 {
                let share = score(s) / total;
                assert_relative_eq!(weights.view()[[n, head, l, s]], share, max_relative = 1e-12);
                for row in rows {
                    found[row] += share * project(&value, n, s, 8 + row);
                }
            }
        }
        for out in 0..4 {
            let expected = b_out[out] + (0..4).map(|k| w_out[[out, k]] * found[k]).sum::<f64>();
            assert_relative_eq!(output.view()[[n, l, out]], expected, max_relative = 1e-12);
        }
    }
}

#[test]
fn attention_gradients_match_differences_at_both_orders() {
    let small = MultiHeadAttention::<f64>::new(2, 2, &mut nn::rng(5));
    check_gradients(&small, &[data(&[1, 2, 2], 1)], &every_element(), |layer, pass, x| {
        layer.forward(pass, x[0])
    });
    // Cross-attention with a mask: what is looked for, where, and what is found.
    let inputs = [data(&[2, 2, 4], 1), data(&[2, 3, 4], 2), data(&[2, 3, 4], 3)];
    check_gradients(&attention(), &inputs, &every_input(), |layer, pass, x| {
        let mask = AttentionMask::new().lengths(&[3, 2], 3);
        let found = layer.attend(pass, x[0], x[1], x[2], &mask);
        weighted(found.output, 8) + weighted(found.weights, 9)
    });
    // A query that sees nothing.
    check_gradients(&attention(), &inputs, &every_input(), |layer, pass, x| {
        let mask = AttentionMask::new().lengths(&[3, 0], 3);
        layer.attend(pass, x[0], x[1], x[2], &mask).output
    });
}

#[test]
fn a_causal_layer_does_not_see_what_comes_later() {
    let x = data(&[2, 4, 4], 1);
    let block = || TransformerBlock::new(4, 2, 6, &mut nn::rng(2));
    let models: [(&str, Box<Model<'_>>); 5] = [
        ("layer", Box::new(|x| forward(&attention().causal(), x))),
        ("mask", Box::new(|x| look(&attention(), x, &AttentionMask::new().causal()))),
        (
            "forbidden",
            Box::new(|x| {
                let later = Array2::from_shape_fn((4, 4), |(l, s)| s > l);
                look(&attention(), x, &AttentionMask::new().forbid(later))
            }),
        ),
        ("post-norm", Box::new(move |x| forward(&block().causal(), x))),
        ("pre-norm", Box::new(move |x| forward(&block().causal().pre_norm(), x))),
    ];
    for (name, model) in &models {
        let y = model(&x);
        for t in 0..4 {
            let changed = model(&with_step(&x, t, 5.0));
            assert_eq!(changed.slice(s![.., ..t, ..]), y.slice(s![.., ..t, ..]), "{name}, {t}");
            for later in t..4 {
                let at = s![.., later, ..];
                assert_ne!(changed.slice(at), y.slice(at), "{name}: {later} sees {t}");
            }
        }
    }
    // Nor what is not a number.
    for (name, model) in models {
        let y = model(&x);
        for (t, poison) in [(1, f64::NAN), (3, f64::INFINITY)] {
            let changed = model(&with_step(&x, t, poison));
            assert_eq!(changed.slice(s![.., ..t, ..]), y.slice(s![.., ..t, ..]), "{name}, {t}");
            assert!(
                changed.slice(s![.., t.., ..]).to_vec().iter().all(|y| !y.is_finite()),
                "{name}, {t}"
            );
        }
    }
    // Without the mask all see all.
    let (y, changed) = (forward(&attention(), &x), forward(&attention(), &with_step(&x, 3, 5.0)));
    assert_ne!(changed.slice(s![.., 0, ..]), y.slice(s![.., 0, ..]));
}

#[test]
fn padded_keys_have_no_influence() {
    let x = data(&[2, 4, 4], 1);
    let mask = AttentionMask::new().lengths(&[4, 2], 4);
    let block = TransformerBlock::<f64>::new(4, 2, 6, &mut nn::rng(2));
    let masked = |x: &Tensor<f64>| {
        let tape = Tape::new();
        let pass = Pass::evaluate(&tape);
        block.forward_masked(&pass, pass.input(x), &mask).value()
    };
    let layer = attention();
    let models: [(&Model<'_>, &Model<'_>); 2] = [
        (&|x| look(&layer, x, &mask), &|x| forward(&layer, x)),
        (&masked, &|x| forward(&block, x)),
    ];
    for (masked, plain) in models {
        let y = masked(&x);
        for t in [2, 3] {
            let changed = masked(&with_step(&x, t, 50.0));
            let real = s![1, ..2, ..];
            assert_eq!(changed.slice(real), y.slice(real));
            assert_ne!(changed.slice(s![0, .., ..]), y.slice(s![0, .., ..]));
        }
        // What is left of a padded sequence is the short sequence alone.
        let alone = plain(&x.slice(s![1..2, ..2, ..]));
        assert_relative_eq!(y.slice(s![1..2, ..2, ..]), alone, max_relative = 1e-12);
    }
    let same = AttentionMask::new()
        .padding(ndarray::arr2(&[[false, false, false, false], [false, false, true, true]]));
    assert_eq!(same, mask);
}

#[test]
fn a_query_that_sees_nothing_gets_weights_of_zero() {
    let layer = attention();
    let x = data(&[2, 3, 4], 1);
    let (output, weights) = attend(&layer, [&x; 3], &AttentionMask::new().lengths(&[0, 3], 3));
    assert_eq!(weights.slice(s![0, .., .., ..]), Tensor::zeros(&[2, 3, 3]));
    let bias = layer.out_proj.bias.value.broadcast_to(&[3, 4]);
    assert_eq!(output.slice(s![0, .., ..]), bias);
    assert_eq!(output.slice(s![1, .., ..]), forward(&layer, &x).slice(s![1, .., ..]));
    let sums = weights.sum_axes(-1).slice(s![1, .., ..]);
    assert_relative_eq!(sums, Tensor::ones(&[2, 3]), max_relative = 1e-14);
    // A tape that stops at what is not finite finds nothing.
    let tape = Tape::new().stop_at_non_finite();
    let pass = Pass::train(&tape, 0);
    let mask = AttentionMask::new().lengths(&[0, 0], 3);
    let x = tape.var(&x);
    let loss = layer.attend(&pass, x, x, x, &mask).output.square().sum();
    assert_eq!(loss.backward().wrt(x), Tensor::zeros(&[2, 3, 4]));
}

#[test]
fn attention_drops_weights_in_training_only() {
    let x = data(&[2, 4, 4], 1);
    let (plain, dropping) = (attention(), attention().dropout(0.5));
    let train = |layer: &MultiHeadAttention<f64>, seed| {
        let tape = Tape::new();
        let pass = Pass::train(&tape, seed);
        layer.forward(&pass, pass.input(&x)).value()
    };
    assert_eq!(forward(&dropping, &x), forward(&plain, &x));
    assert_eq!(train(&plain, 1), forward(&plain, &x));
    assert_eq!(train(&dropping, 1), train(&dropping, 1));
    assert_ne!(train(&dropping, 1), train(&dropping, 2));
    assert_ne!(train(&dropping, 1), forward(&dropping, &x));

    let block = TransformerBlock::<f64>::new(4, 2, 6, &mut nn::rng(2));
    let train = |block: &TransformerBlock<f64>, seed| {
        let tape = Tape::new();
        let pass = Pass::train(&tape, seed);
        block.forward(&pass, pass.input(&x)).value()
    };
    assert_ne!(train(&block, 1), forward(&block, &x));
    assert_ne!(train(&block, 1), train(&block, 2));
    let calm = block.clone().dropout(0.0);
    assert_eq!(train(&calm, 1), forward(&block, &x));
}

#[test]
fn a_transformer_block_drops_inside_and_after_each_part() {
    let x = data(&[2, 4, 4], 1);
    let block = || {
        let mut block = TransformerBlock::<f64>::new(4, 2, 6, &mut nn::rng(2)).pre_norm();
        // So that a result of 0 is one that was dropped.
        block.linear2.bias.value = data(&[4], 3);
        block.self_attn.out_proj.bias.value = data(&[4], 4);
        block.dropout(0.5)
    };
    let silence = |dense: &mut Dense<f64>| {
        dense.visit_mut(&mut |_, parameter| parameter.value = parameter.value.zeros_like());
    };
    let (mut only_dense, mut only_attention) = (block(), block());
    silence(&mut only_dense.self_attn.out_proj);
    silence(&mut only_attention.linear2);
    for block in [only_dense, only_attention] {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 1);
        let added = &block.forward(&pass, pass.input(&x)).value() - &x;
        let calm = &forward(&block, &x) - &x;
        // What was dropped after the part is 0, the rest is doubled; and it differs from the
        // part's result without dropout, since inside something was dropped too.
        let pairs: Vec<(f64, f64)> = added.to_vec().into_iter().zip(calm.to_vec()).collect();
        assert!(pairs.iter().any(|&(added, calm)| added == 0.0 && calm != 0.0));
        assert!(
            pairs.iter().any(|&(added, calm)| added != 0.0 && (added - 2.0 * calm).abs() > 1e-9)
        );
    }
}

#[test]
fn attention_refuses_in_sentences() {
    let layer = attention();
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let message = |shapes: [&[usize]; 3], mask: &AttentionMask| {
        let [q, k, v] = shapes.map(|shape| pass.input(&data(shape, 1)));
        panic_message(|| layer.attend(&pass, q, k, v, mask))
    };
    let (x, all) = (&[2, 3, 4][..], AttentionMask::new());
    assert_eq!(
        message([x, &[2, 0, 4], &[2, 0, 4]], &all),
        "layer MultiHeadAttention(4, 2 heads) takes an input of shape [N, T, 4] with at least one \
         step, but is given [2, 0, 4]"
    );
    assert!(message([&[2, 3, 5], x, x], &all).contains("given [2, 3, 5]"));
    assert!(message([x, &[1, 3, 4], &[1, 3, 4]], &all).contains("[2, S, 4] for its keys"));
    assert!(
        message([x, x, &[2, 5, 4]], &all).contains("[2, 3, 4] for its values, as for its keys")
    );
    let causal = AttentionMask::new().causal();
    let longer = &[2, 5, 4][..];
    assert!(message([x, longer, longer], &causal).contains("there are 3 queries and 5 keys"));
    let padded = AttentionMask::new().lengths(&[3, 3], 4);
    assert_eq!(
        message([x; 3], &padded),
        "MultiHeadAttention(4, 2 heads): the mask of padded keys has shape [2, 4], but [2, 3] is \
         needed"
    );
    let forbidden = AttentionMask::new().forbid(Array2::from_elem((3, 2), true));
    assert!(message([x; 3], &forbidden).contains("forbidden keys has shape [3, 2]"));
    let message = panic_message(|| AttentionMask::new().lengths(&[2, 6], 5));
    assert_eq!(message, "sequence 1 has length 6, but sequences are padded to 5");
    let message = panic_message(|| MultiHeadAttention::<f64>::new(6, 4, &mut nn::rng(0)));
    assert!(message.contains("width 6 cannot have 4 heads"), "{message}");
    assert!(panic_message(|| attention().dropout(1.5)).contains("1.5"));
}

#[test]
fn positions_are_added() {
    let x = data(&[2, 3, 5], 1);
    let waves = SinusoidalPosition::new(5);
    let y = forward(&waves, &x);
    for (n, t, column) in [(0, 0, 0), (1, 2, 1), (0, 1, 2), (1, 2, 3), (0, 2, 4)] {
        let angle = t as f64 / 10_000_f64.powf([0.0, 0.0, 0.4, 0.4, 0.8][column]);
        let wave = if column % 2 == 0 { angle.sin() } else { angle.cos() };
        let at = [n, t, column];
        assert_relative_eq!(y.view()[at], x.view()[at] + wave, max_relative = 1e-15);
    }
    let mut learned = LearnedPosition::<f64>::new(4, 5, &mut nn::rng(1));
    let sigma = learned.weight.value.square().mean().item().sqrt();
    assert!((0.01..0.03).contains(&sigma), "{sigma}");
    learned.weight.value = data(&[4, 5], 2);
    let rows = learned.weight.value.slice(s![..3, ..]);
    assert_eq!(forward(&learned, &x), x.add(&rows));
    check_gradients(
        &LearnedPosition::new(3, 5, &mut nn::rng(1)),
        &[x],
        &every_input(),
        |layer, pass, x| layer.forward(pass, x[0]),
    );
    let refusal = Module::<f64>::output_shape(&waves, &[2, 3, 1]).unwrap_err().to_string();
    assert!(
        refusal.contains("SinusoidalPosition(5) takes an input of shape [N, T, 5]"),
        "{refusal}"
    );
    // Broadcasting does not hide a wrong width.
    let message = panic_message(|| {
        let tape = Tape::new();
        let pass = Pass::evaluate(&tape);
        learned.forward(&pass, pass.input(&data(&[2, 3, 1], 1))).value()
    });
    assert!(message.contains("but is given [2, 3, 1]"), "{message}");
}

#[test]
fn attention_does_not_know_the_order_without_positions() {
    let x = data(&[1, 4, 4], 1);
    let layer = attention();
    assert_relative_eq!(
        forward(&layer, &x.flip(1)),
        forward(&layer, &x).flip(1),
        max_relative = 1e-13
    );
    let model = || Sequential::new().then(SinusoidalPosition::new(4)).then(attention());
    let (there, back) = (forward(&model(), &x.flip(1)), forward(&model(), &x).flip(1));
    assert!((&there - &back).norm_max(..).item() > 1e-3);
}

#[test]
fn transformer_blocks_have_the_right_gradients_and_shapes() {
    let x = [data(&[2, 3, 4], 1)];
    let block = || TransformerBlock::<f64>::new(4, 2, 5, &mut nn::rng(2)).gelu();
    for block in [block(), block().pre_norm(), block().causal()] {
        check_gradients(&block, &x, &every_input(), |block, pass, x| {
            let mask = AttentionMask::new().lengths(&[3, 2], 3);
            block.forward_masked(pass, x[0], &mask)
        });
        assert_eq!(&block.output_shape(x[0].shape()).unwrap()[..], forward(&block, &x[0]).shape());
    }
    let relu = TransformerBlock::<f64>::new(4, 2, 5, &mut nn::rng(2));
    check_gradients(&relu, &x, &Check::new().fast(), |block, pass, x| block.forward(pass, x[0]));
    assert_ne!(forward(&relu, &x[0]), forward(&block(), &x[0]));
    assert_ne!(forward(&block(), &x[0]), forward(&block().pre_norm(), &x[0]));
    let refusal = relu.output_shape(&[2, 3, 5]).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "layer TransformerBlock(4, 2 heads, 5 hidden) takes an input of shape [N, T, 4] with at \
         least one step, but is given [2, 3, 5]"
    );
}

#[test]
fn a_transformer_block_is_its_parts_in_order() {
    let x = data(&[2, 3, 4], 1);
    let mut block = TransformerBlock::<f64>::new(4, 2, 5, &mut nn::rng(2));
    // Every parameter in general position: the two normalisations differ.
    block.visit_mut(&mut |path, parameter| {
        parameter.value = data(parameter.value.shape(), path.len());
    });
    block.norm2.weight.value = data(&[4], 30);
    let attention = |x: &Tensor<f64>| forward(&block.self_attn, x);
    let dense = |x: &Tensor<f64>| forward(&block.linear2, &forward(&block.linear1, x).relu());
    let (norm1, norm2) =
        (|x: &Tensor<f64>| forward(&block.norm1, x), |x: &Tensor<f64>| forward(&block.norm2, x));
    let middle = norm1(&(&x + &attention(&x)));
    assert_eq!(forward(&block, &x), norm2(&(&middle + &dense(&middle))));
    let middle = &x + &attention(&norm1(&x));
    let expected = &middle + &dense(&norm2(&middle));
    assert_eq!(forward(&block.clone().pre_norm(), &x), expected);
}

#[test]
fn a_transformer_block_has_the_parameters_of_pytorchs_encoder_layer() {
    let mut block = TransformerBlock::<f64>::new(4, 2, 5, &mut nn::rng(2));
    let list: Vec<String> = block
        .parameters()
        .iter()
        .map(|(path, parameter)| format!("{path} {:?}", parameter.value.shape()))
        .collect();
    assert_eq!(
        list,
        [
            "self_attn.in_proj_weight [12, 4]",
            "self_attn.in_proj_bias [12]",
            "self_attn.out_proj.weight [4, 4]",
            "self_attn.out_proj.bias [4]",
            "linear1.weight [5, 4]",
            "linear1.bias [5]",
            "linear2.weight [4, 5]",
            "linear2.bias [4]",
            "norm1.weight [4]",
            "norm1.bias [4]",
            "norm2.weight [4]",
            "norm2.bias [4]",
        ]
    );
    let mut paths = Vec::new();
    block.visit_mut(&mut |path, _| paths.push(path.to_owned()));
    let named = |line: &String| line.split(' ').next().unwrap().to_owned();
    assert_eq!(paths, list.iter().map(named).collect::<Vec<_>>());
}

#[test]
fn the_vector_of_padding_stays_zero_when_weights_are_loaded() {
    let layer = || Embedding::<f32>::new(4, 2, &mut nn::rng(0)).padding_index(1);
    let full = Embedding::<f32>::new(4, 2, &mut nn::rng(3));
    let bytes = nn::save::Weights::of(&full).unwrap().to_bytes().unwrap();
    let mut loaded = Sequential::new().then(layer());
    nn::save::Loading::new()
        .rename(|name| Some(format!("0.{name}")))
        .bytes(&mut loaded, &bytes)
        .unwrap();
    let y = predict(&loaded, &Tensor::from([1.0, 0.0])).unwrap().to_vec();
    assert_eq!(y[..2], [0.0, 0.0]);
    assert_eq!(y[2..], full.weight.value.to_vec()[..2]);
    let rows = loaded.layer::<Embedding<f32>>("0").unwrap().weight.value.to_vec();
    assert_eq!(rows[2..4], [0.0, 0.0]);
    // Nor does it get a gradient.
    let layer = loaded.layer::<Embedding<f32>>("0").unwrap();
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let y = layer.forward(&pass, tape.constant([1.0, 0.0]));
    let gradient = pass.gradients(y.sum()).unwrap().of(&layer.weight).unwrap().to_vec();
    assert_eq!(gradient, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    // A clone is of the same kind.
    let mut copy = layer.clone();
    nn::save::Loading::new().bytes(&mut copy, &bytes).unwrap();
    assert_eq!(copy.weight.value, layer.weight.value);
}

#[test]
fn nan_under_the_mask_stays_there() {
    let layer = MultiHeadAttention::<f64>::new(4, 2, &mut nn::rng(3));
    let mut padded = data(&[2, 3, 4], 0);
    let clean = padded.clone();
    padded.view_mut().slice_mut(s![1, 2, ..]).fill(f64::NAN);
    let mask = AttentionMask::new().lengths(&[3, 2], 3);
    let run = |keys: &Tensor<f64>| {
        let tape = Tape::new();
        let pass = Pass::evaluate(&tape);
        let (query, key) = (tape.var(&clean), tape.var(keys));
        let output = layer.attend(&pass, query, key, key, &mask).output;
        let weight = pass.parameter(&layer.in_proj_weight);
        let gradients = output.square().sum().backward();
        (output.value(), gradients.wrt(query), gradients.wrt(weight), gradients.wrt(key))
    };
    let (expected, seen) = (run(&clean), run(&padded));
    assert!(expected.0.is_finite());
    assert_eq!(seen, expected);
    assert!(seen.3.view().slice(s![1, 2, ..]).iter().all(|&slope| slope == 0.0));
}
