//! Elements opened into their terms: of every rule, they add up to what the program computed.

use ops::Tensor;
use ops::declare::sample;
use ops::rules::Slide;
use tape::prelude::*;
use tape::trace::{ElementError, Opened, Rounding, Sum, Trace};

use crate::any_rule::{AnyExample, every_example};

const DIGITS: Rounding = Rounding { digits: 4, elements: 6 };

/// The largest operand or result whose elements are opened.
const LARGEST: usize = 64;

fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let count = shape.iter().product();
    let index = |mut number: usize| {
        let mut index = vec![0; shape.len()];
        for axis in (0..shape.len()).rev() {
            index[axis] = number % shape[axis];
            number /= shape[axis];
        }
        index
    };
    (0..count).map(index).collect()
}

/// The terms added in the order in which they are shown.
fn adds_up(sum: &Sum<f64>) -> Result<(), String> {
    let terms = || sum.terms.iter().map(|term| term.value).chain([sum.rest]);
    let (total, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
    let same = total.to_bits() == sum.value.to_bits() || total.is_nan() && sum.value.is_nan();
    // The sums inside a composed op, of numbers of size 1, are rounded too.
    if same || (total - sum.value).abs() <= 1e-11 * (1.0 + size) {
        return Ok(());
    }
    Err(format!("{} = {} = {total}, not {}", sum.name, sum.names(), sum.value))
}

fn element_adds_up(opened: &Opened<f64>) -> Result<(), String> {
    opened.parts.iter().chain(&opened.sums).try_for_each(adds_up)?;
    let total = opened.sums.iter().map(|sum| sum.value).reduce(|a, b| a + b);
    match total {
        Some(total) if total.to_bits() != opened.value.to_bits() && !total.is_nan() => {
            Err(format!("the contributions to {} are {total}, not {}", opened.name, opened.value))
        }
        _ => Ok(()),
    }
}

/// Opens every element of every example of every rule.
#[derive(Default)]
struct EveryElement {
    opened: usize,
    terms: usize,
}

impl EveryElement {
    fn example(&mut self, example: &AnyExample<'_>) -> Result<(), String> {
        // What is infinite in between has no sum to compare.
        let finite = |x: &Tensor<f64>| x.to_vec().iter().all(|x| x.abs() < 100.0);
        if !example.operands.iter().all(finite) {
            return Ok(());
        }
        let tape = Tape::new();
        let x: Vec<Var<'_, f64>> = example.operands.iter().map(|x| tape.var(x)).collect();
        let y = example.rule.recorded(&x);
        if x.iter().chain([&y]).any(|x| x.value().len() > LARGEST) {
            return Ok(());
        }
        let trace = Trace::with_seed(y, sample(&y.shape(), 1)).map_err(|e| e.to_string())?;
        let mut elements = Vec::new();
        for index in indices(&y.shape()) {
            let opened = trace.terms(y, &index, DIGITS).map_err(|e| e.to_string())?;
            if opened.sums.len() != 1 {
                return Err(format!("{} is {} sums", opened.name, opened.sums.len()));
            }
            elements.push(opened);
        }
        for &x in &x {
            for index in indices(&x.shape()) {
                elements.push(trace.adjoint_terms(x, &index, DIGITS).map_err(|e| e.to_string())?);
            }
        }
        for opened in &elements {
            element_adds_up(opened)?;
            self.terms += opened.sums.iter().map(|sum| sum.terms.len()).sum::<usize>();
        }
        self.opened += elements.len();
        Ok(())
    }
}

#[test]
fn the_terms_of_every_element_of_every_rule_add_up() {
    let mut every = EveryElement::default();
    every_example(|example| every.example(example));
    let EveryElement { opened, terms } = every;
    assert!(opened > 5_000 && terms > opened, "{opened} elements, {terms} terms");
}

fn names(sum: &Sum<f64>) -> Vec<&str> {
    sum.terms.iter().map(|term| &term.names[..]).collect()
}

#[test]
fn a_product_opens_and_its_gradient_tells_where_the_transpose_comes_from() {
    let tape = Tape::new();
    let x = tape.constant([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]]).named("x");
    let w = tape.var([[0.5, 1.0], [2.0, -1.0]]).named("w");
    let z = x.matmul(w).named("z");
    let trace = Trace::of(z.square().sum().named("L")).unwrap();
    let opened = trace.element("z[1,0]", DIGITS).unwrap();
    assert_eq!(names(&opened.sums[0]), ["x[1,0]·w[0,0]", "x[1,1]·w[1,0]"]);
    assert_eq!(
        opened.to_string(),
        "z[1,0] = x[1,0]·w[0,0] + x[1,1]·w[1,0] = 0.5·0.5 + 3·2 = 6.25\n"
    );

    let opened = trace.element("grad w[0,1]", DIGITS).unwrap();
    let [sum] = &opened.sums[..] else { panic!("{opened}") };
    let z_bar = z.adjoint_label();
    assert_eq!(names(sum), [0, 1, 2].map(|k| format!("{z_bar}[{k},1]·x[{k},0]")));
    let product = sum.product.as_ref().unwrap();
    let w_bar = w.adjoint_label();
    assert_eq!(product.element, format!("{w_bar}[i,j] = Σₖ {z_bar}[k,j]·x[k,i]"));
    assert_eq!(product.product, format!("{w_bar} = xᵀ @ {z_bar}"));
    // It is the rule's own formula.
    let tape::trace::Step::Backward(step) = trace.step(trace.backward_step_of(z).unwrap()).unwrap()
    else {
        unreachable!()
    };
    assert_eq!(step.formula(1, DIGITS).unwrap().names, format!("xᵀ @ {z_bar}"));
    assert_eq!(product.table.len(), 2);
    assert_eq!(product.table[1][0], format!("{z_bar}[0,0]·x[0,1] + …"));
}

#[test]
fn what_is_broadcast_receives_a_sum() {
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0], [3.0, 4.0]]).named("x");
    let b = tape.var([0.5, -0.5]).named("b");
    let s = (x + b).named("s");
    let trace = Trace::of(s.square().sum().named("L")).unwrap();
    let opened = trace.element("grad b[1]", DIGITS).unwrap();
    let s_bar = s.adjoint_label();
    assert_eq!(names(&opened.sums[0]), [format!("{s_bar}[0,1]"), format!("{s_bar}[1,1]")]);
    assert_eq!(opened.value, 2.0 * (1.5 + 3.5));
    let opened = trace.element("s[1,0]", DIGITS).unwrap();
    assert_eq!(opened.to_string(), "s[1,0] = x[1,0] + b[0] = 3 + 0.5 = 3.5\n");
}

#[test]
fn a_value_used_twice_has_a_sum_for_each_use() {
    let tape = Tape::new();
    let a = tape.var([3.0, 1.0]).named("a");
    let y = ((a * a).sum() + a.sum() * 2.0).named("y");
    let trace = Trace::of(y).unwrap();
    let opened = trace.element("grad a[0]", DIGITS).unwrap();
    assert_eq!(opened.sums.len(), 3);
    assert_eq!(opened.value, 8.0);
    assert!(opened.to_string().contains("from its use as the operand of sum(a):"), "{opened}");
}

#[test]
fn a_convolution_opens_into_its_window() {
    let tape = Tape::new();
    let image = Tensor::from_shape_vec(&[1, 1, 3, 3], (1..10).map(f64::from).collect()).unwrap();
    let kernel = Tensor::from_shape_vec(&[1, 1, 2, 2], vec![1.0, 10.0, 100.0, 1000.0]).unwrap();
    let (x, k) = (tape.var(image).named("x"), tape.var(kernel).named("k"));
    let c = x.conv(k, &[Slide::new(2); 2], 1).named("c");
    let trace = Trace::of(c.sum()).unwrap();
    let opened = trace.terms(c, &[0, 0, 1, 1], DIGITS).unwrap();
    assert_eq!(
        names(&opened.sums[0]),
        [
            "x[0,0,1,1]·k[0,0,0,0]",
            "x[0,0,1,2]·k[0,0,0,1]",
            "x[0,0,2,1]·k[0,0,1,0]",
            "x[0,0,2,2]·k[0,0,1,1]"
        ]
    );
    // The element in the middle lies in all four windows.
    let opened = trace.adjoint_terms(x, &[0, 0, 1, 1], DIGITS).unwrap();
    assert_eq!(opened.sums[0].terms.len(), 4);
    assert_eq!(opened.value, 1111.0);
}

#[test]
fn a_composed_op_opens_into_its_parts() {
    let tape = Tape::new();
    let z = tape.var([2.0, 0.5, -1.0]).named("z");
    let p = z.softmax(-1).named("p");
    let trace = Trace::of(p.square().sum()).unwrap();
    let opened = trace.element("p[1]", DIGITS).unwrap();
    let text = opened.to_string();
    assert!(opened.parts.len() >= 3 && text.contains("exp("), "{text}");
    let opened = trace.element("grad z[1]", DIGITS).unwrap();
    let p_bar = p.adjoint_label();
    let term = |i: usize| format!("{p_bar}[{i}]·∂p[{i}]/∂z[1]");
    assert_eq!(names(&opened.sums[0]), [0, 1, 2].map(term));
}

#[test]
fn what_cannot_be_opened_says_why() {
    let tape = Tape::new();
    let (w, c) = (tape.var(2.0).named("w"), tape.constant(3.0).named("c"));
    let aside = w.exp();
    let y = (w * c).named("y");
    let trace = Trace::of(y).unwrap();
    assert_eq!(trace.element("w", DIGITS).unwrap().note.as_deref(), Some("it was given"));
    let opened = trace.element("grad y", DIGITS).unwrap();
    assert_eq!((opened.value, opened.note.as_deref()), (1.0, Some("the sweep starts from it")));
    let opened = trace.element("grad c", DIGITS).unwrap();
    assert_eq!((opened.sums.len(), opened.note.as_deref()), (0, Some("a constant")));
    assert!(matches!(trace.terms(aside, &[], DIGITS), Err(ElementError::NoPart { .. })));
    assert!(matches!(trace.element("w[0]", DIGITS), Err(ElementError::NoElement { .. })));
}

#[test]
fn a_gradient_is_the_sum_over_its_paths() {
    let tape = Tape::<f64>::new();
    let (w, x) = (tape.var(0.5).named("w"), tape.constant(2.0).named("x"));
    let h = (w * x).named("h");
    let y = (h.tanh() * h + w.exp()).named("y");
    let trace = Trace::of(y).unwrap();
    let paths = trace.paths(w, 10).unwrap();
    assert_eq!((paths.count, paths.listed.len(), paths.edges), (3, 3, 7));
    let sum: f64 = paths.listed.iter().map(|path| path.product).sum();
    assert!((sum - trace.gradient(w).unwrap().item()).abs() < 1e-15);
    for path in &paths.listed {
        assert_eq!(path.factors.iter().product::<f64>(), path.product);
        assert_eq!(path.uses.last().unwrap().node, y);
    }
    let text = paths.to_string();
    assert!(text.starts_with("∂y/∂w: the sum over 3 paths from w to y\n"), "{text}");
    assert!(text.contains("w → h → tanh(h) → tanh(h)·h → y"), "{text}");

    // They double with each diamond; the edges do not.
    let mut z = w;
    for _ in 0..200 {
        z = (z + z) * 0.5;
    }
    let trace = Trace::of(z).unwrap();
    let paths = trace.paths(w, 2).unwrap();
    assert_eq!((paths.count, paths.edges, paths.gradient), (u128::MAX, 600, 1.0));
    let error = trace.paths(x, 2).unwrap_err().to_string();
    assert!(error.contains("no gradient reaches x: a constant"), "{error}");

    let v = tape.var([1.0, 2.0]).named("v");
    let trace = Trace::of(v.sum() * w).unwrap();
    assert!(trace.paths(w, 2).is_ok());
    let error = trace.paths(v, 2).unwrap_err().to_string();
    assert!(error.contains("go through v, which is a tensor"), "{error}");
}

/// Opens every element of every value and adjoint of a trace.
fn every_element_adds_up(trace: &Trace<'_, f64>) {
    for &node in trace.nodes() {
        for index in indices(&node.shape()) {
            let value = trace.terms(node, &index, DIGITS).unwrap();
            let adjoint = trace.adjoint_terms(node, &index, DIGITS);
            for opened in [Ok(value), adjoint].into_iter().flatten() {
                element_adds_up(&opened).unwrap_or_else(|problem| panic!("{problem}\n{opened}"));
            }
        }
    }
}

#[test]
fn attention_of_three_words_opens_by_name() {
    let tape = Tape::new();
    let q = tape.var([[1.0, 0.0], [0.5, -1.0], [0.0, 2.0]]).named("Q");
    let k = tape.var([[1.0, 1.0], [-1.0, 0.5], [0.0, 1.0]]).named("K");
    let v = tape.var([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]]).named("V");
    let s = (q.matmul(k.t()).named("QKᵀ") * 0.5_f64.sqrt()).named("S");
    let a = s.softmax(1).named("A");
    let y = a.matmul(v).named("Y");
    let trace = Trace::of(y.square().sum().named("L")).unwrap();
    every_element_adds_up(&trace);

    // A score is the product of a query with a key.
    let opened = trace.element("QKᵀ[1,2]", DIGITS).unwrap();
    assert_eq!(opened.value, 0.5 * 0.0 - 1.0);
    assert_eq!(opened.sums[0].terms.len(), 2);
    assert!(names(&opened.sums[0])[0].starts_with("Q[1,0]·"), "{opened}");
    // A word's result is the values of all words, each by its share of the attention.
    let opened = trace.element("Y[2,1]", DIGITS).unwrap();
    assert_eq!(names(&opened.sums[0]), ["A[2,0]·V[0,1]", "A[2,1]·V[1,1]", "A[2,2]·V[2,1]"]);
    // A share comes of the three scores of its row, and no others.
    let opened = trace.element("A[0,1]", DIGITS).unwrap();
    let text = opened.to_string();
    for score in ["S[0,0]", "S[0,1]", "S[0,2]"] {
        assert!(text.contains(score), "{score}\n{text}");
    }
    assert!(!text.contains("S[1,"), "{text}");
    // A value's gradient gathers from the words that attended to it.
    let opened = trace.element("grad V[1,0]", DIGITS).unwrap();
    let y_bar = y.adjoint_label();
    assert_eq!(names(&opened.sums[0]), [0, 1, 2].map(|i| format!("{y_bar}[{i},0]·A[{i},1]")));
    assert_eq!(opened.value.to_bits(), trace.gradient(v).unwrap().view()[[1, 0]].to_bits());
}

#[test]
fn a_step_of_an_lstm_opens_by_name() {
    let tape = Tape::new();
    let x = tape.constant([0.5, -1.0]).named("x");
    let h = tape.constant([0.25, 0.5]).named("h");
    let c = tape.var([1.0, -0.5]).named("c");
    let [i, f, o, g] = ["i", "f", "o", "g"].map(|gate| {
        let shift = f64::from(gate.as_bytes()[0]) / 100.0;
        let w = tape.var([[0.5, shift], [-0.25, 1.0]]).named(format!("W_{gate}"));
        let u = tape.var([[shift, 0.5], [0.75, -shift]]).named(format!("U_{gate}"));
        let b = tape.var([0.1, -0.1]).named(format!("b_{gate}"));
        let (wx, uh) = (w.matmul(x).named(format!("W_{gate}x")), u.matmul(h));
        let z = (wx + uh.named(format!("U_{gate}h")) + b).named(format!("z_{gate}"));
        if gate == "g" { z.tanh().named("g") } else { z.sigmoid().named(gate) }
    });
    let cell = ((f * c).named("fc") + (i * g).named("ig")).named("c′");
    let out = (o * cell.tanh().named("t")).named("h′");
    let trace = Trace::of(out.square().sum().named("L")).unwrap();
    every_element_adds_up(&trace);

    // A gate is what the input and the state before say, each unit for itself.
    let opened = trace.element("W_fx[1]", DIGITS).unwrap();
    assert_eq!(names(&opened.sums[0]), ["W_f[1,0]·x[0]", "W_f[1,1]·x[1]"]);
    let opened = trace.element("U_fh[0]", DIGITS).unwrap();
    assert_eq!(names(&opened.sums[0]), ["U_f[0,0]·h[0]", "U_f[0,1]·h[1]"]);
    // The cell keeps what the forget gate leaves, and adds what the input gate lets in.
    let opened = trace.element("c′[1]", DIGITS).unwrap();
    assert!(opened.to_string().starts_with("c′[1] = fc[1] + ig[1] = "), "{opened}");
}
