//! Recurrent layers, attention, positions and the transformer block.

use approx::assert_relative_eq;
use ndarray::s;
use nn::layers::{
    Cell, GruCell, LstmCell, Nonlinearity, Recurrence, Recurrent, RecurrentState, Returns,
    SimpleCell,
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

#[test]
fn ten_thousand_steps_are_recorded_and_swept_in_linear_time_and_without_recursion() {
    let mut rng = nn::rng(2);
    let layer = Gru::<f64>::new(2, 2, &mut rng).last();
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let x = tape.var(Tensor::full(&[1, 10_000, 2], 0.1));
    let loss = layer.forward(&pass, x).sum();
    let gradients = loss.backward();
    // The early steps are forgotten, the last is not.
    let of_input = gradients.wrt(x);
    assert_eq!(of_input.slice(s![0, 0, ..]), Tensor::from([0.0, 0.0]));
    assert!(of_input.slice(s![0, 9_999, ..]).view().iter().all(|&g| g != 0.0));
    assert!(pass.gradients(loss).unwrap().of(&layer.weights()[0].weight_hh).unwrap().is_finite());
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
    assert!(wrong(Recurrence { dropout: 1.0, ..two }, 3, 2).contains("less than 1"));
    assert!(wrong(Recurrence { dropout: f64::NAN, ..two }, 3, 2).contains("NaN"));
    assert!(wrong(Recurrence { dropout: 0.5, ..good }, 3, 2).contains("only one layer"));
}
