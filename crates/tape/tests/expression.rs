//! Expressions that a user types: what they mean, and what is said of those that mean nothing.

use std::fmt::Write as _;

use ops::Tensor;
use proptest::prelude::*;
use tape::expression::{DEEPEST, Expression, ExpressionError, Kind, functions, value};
use tape::{Tape, Trace};

/// The value of an expression in which `x` is given.
fn at(source: &str, x: f64) -> f64 {
    run(source, &[("x", Tensor::scalar(x))]).unwrap_or_else(|error| panic!("{error}"))
}

fn run(source: &str, given: &[(&str, Tensor<f64>)]) -> Result<f64, ExpressionError> {
    let tape = Tape::new();
    Expression::parse(source)?.record(&tape, given).map(|y| y.item())
}

fn error(source: &str, given: &[(&str, f64)]) -> ExpressionError {
    let given: Vec<_> = given.iter().map(|&(name, x)| (name, Tensor::scalar(x))).collect();
    match run(source, &given) {
        Ok(value) => panic!("{source:?} gives {value}"),
        Err(error) => error,
    }
}

#[test]
fn operators_bind_as_in_mathematics() {
    let x = 3.0;
    for (source, value) in [
        ("x + 2*4 - 1", 10.0),
        ("(x + 2)*4", 20.0),
        ("12/x/2", 2.0),
        ("10 - x - 2", 5.0),
        ("-x^2", -9.0),
        ("(-x)^2", 9.0),
        ("2^x^2", 512.0),
        ("2^-x", 0.125),
        ("2*-x", -6.0),
        ("--x", 3.0),
        ("x**2", 9.0),
        ("x²", 9.0),
        ("-x³", -27.0),
        ("2^x²", 512.0),
        ("x·2 − 6÷3 × 2", 2.0),
        ("  x\t+ 1.5e1 ", 18.0),
        (".5*x + 1.", 2.5),
        ("(x\n + 1)", 4.0),
        ("sum(x*[1, -2, 3.5])", 7.5),
        ("[1, 2] @ (x*[1, 4])", 27.0),
        ("sum([[1, 2], [3, 4]] @ (x*[1, 2]))", 48.0),
        ("mean(x*[1, 2])", 4.5),
        ("max(x, 5) + min(x, 2)", 7.0),
        ("log(x^0 + 0)", 0.0),
        ("leaky_relu(-x, 0.5)", -1.5),
        ("leaky_relu(-x, 1/4)", -0.75),
        ("clamp(x, -1, 2) + elu(x, 1)", 5.0),
    ] {
        assert_eq!(at(source, x), value, "{source}");
    }
}

#[test]
fn statements_name_what_they_compute() {
    let tape = Tape::new();
    let expression = Expression::parse("z₁ = w₁*x\n z₂ = z₁ + b; \n\n L = (z₂ - 1)²;\n").unwrap();
    assert_eq!(expression.names(), ["w₁", "x", "b"]);
    let given = [("b", 0.5), ("x", 2.0), ("w₁", 3.0)].map(|(n, x)| (n, Tensor::scalar(x)));
    let loss = expression.record(&tape, &given).unwrap();
    let labels: Vec<String> = Trace::of(loss).unwrap().nodes().iter().map(|x| x.label()).collect();
    assert_eq!(labels, ["w₁", "x", "b", "z₁", "z₂", "z₂ - 1", "L"]);
    assert_eq!(loss.item(), 5.5_f64.powi(2));
    assert_eq!(loss.place().to_string(), "<expression>:4:6");
    assert_eq!(loss.place().text.as_deref(), Some("L = (z₂ - 1)²;"));
}

#[test]
fn a_second_name_is_a_copy_and_the_first_stays() {
    let tape = Tape::new();
    let expression = Expression::parse("z = w; y = z*w").unwrap();
    let y = expression.record(&tape, &[("w", Tensor::scalar(3.0))]).unwrap();
    let labels: Vec<String> = y.operands().iter().map(|x| x.label()).collect();
    assert_eq!(
        (labels, y.backward().wrt(y.operands()[1]).item()),
        (vec!["z".into(), "w".into()], 6.0)
    );
}

#[test]
fn a_result_without_a_name_gets_one_that_is_free() {
    for (source, label) in [("2*w", "y"), ("2*y", "f"), ("y*f", "L"), ("tanh(-x)", "y")] {
        let (tape, expression) = (Tape::new(), Expression::parse(source).unwrap());
        let given: Vec<_> =
            expression.names().into_iter().map(|name| (name, Tensor::scalar(2.0))).collect();
        assert_eq!(expression.record(&tape, &given).unwrap().label(), label, "{source}");
    }
}

/// Every function can be called with variables, and with numbers among them.
#[test]
fn all_functions_can_be_called() {
    for function in functions() {
        let mut arguments = vec!["x"; function.operands()];
        arguments.extend(vec!["0.5"; function.settings().len()]);
        let call = format!("{}({})", function.name(), arguments.join(", "));
        let vector = ["matmul", "dot", "softmax", "log_softmax", "softmax_cross_entropy"];
        let (x, call) = if vector.contains(&function.name()) {
            (Tensor::from([0.25, 0.75]), format!("sum({call})"))
        } else {
            (Tensor::scalar(0.25), call)
        };
        run(&call, &[("x", x)]).unwrap_or_else(|error| panic!("{error}"));
        if function.operands() == 2 && !vector.contains(&function.name()) {
            at(&format!("{}(x, 2)", function.name()), 0.25);
        }
    }
    assert!(functions().len() > 60);
}

#[test]
fn errors_point_at_the_place_and_say_what_was_expected() {
    for (source, wanted) in [
        ("", "error: the expression is empty\n  |\n1 |\n  | ^ expected a number, a name or `(`"),
        (
            "w * ",
            "the expression ends too early\n  |\n1 | w * \n  |     ^ expected a number, a name or `(`",
        ),
        (
            "tanh(w",
            "ends before its bracket is closed\n  |\n1 | tanh(w\n  |       ^ expected an operator, `,` or `)`",
        ),
        ("w + * b", "unexpected `*`\n  |\n1 | w + * b\n  |     ^ expected a number, a name or `(`"),
        (
            "2 w",
            "  |   ^ expected an operator, `;` or the end\n  |\n  = help: a product is written with `*`",
        ),
        (
            "w)",
            "  |  ^ expected an operator, `;` or the end\n  |\n  = help: this bracket was never opened",
        ),
        ("w + 1 = b", "help: a name stands alone on the left"),
        ("y = w\nz = (y +", "2 | z = (y +\n  |         ^ expected a number"),
        ("w $ b", "unexpected `$`"),
        ("w₁ + ∂", "unexpected `∂`\n  |\n1 | w₁ + ∂\n  |      ^ expected"),
        ("1e999*w", "this number is too large"),
        ("[1, 2", "expected an operator, `,` or `]`"),
        ("z = w;; y = (z,)", "unexpected `,`"),
    ] {
        let error = error(source, &[("w", 1.0), ("b", 1.0)]);
        assert_eq!(error.kind(), &Kind::Syntax, "{error}");
        assert!(error.to_string().contains(wanted), "{error}\n\nwanted: {wanted}");
    }
}

#[test]
fn unknown_names_and_functions_get_the_nearest_known() {
    for (source, wanted) in [
        (
            "tahn(w*b)",
            "there is no function tahn\n  |\n1 | tahn(w*b)\n  | ^^^^ not a function\n  |\n  = help: did you mean tanh or ",
        ),
        ("sigmiod(w*b)", "did you mean sigmoid?"),
        ("frobnicate(w*b)", "there are exp, ln, sqrt"),
        ("w(b)", "a product is written with `*`: w*(…)"),
        ("tanh(w, b)", "tanh takes 1 operand, but 2 are given"),
        ("hypot(w*b)", "hypot takes 2 operands, but 1 is given"),
        ("leaky_relu(w*b)", "leaky_relu takes 1 operand and alpha, but 1 is given"),
        ("clamp(w*b)", "clamp takes 1 operand and low and high, but 1 is given"),
        ("leaky_relu(w, b)", "alpha of leaky_relu is a setting, which is a number\n"),
        ("log(w, b)", "log takes 1 operand, but 2 are given"),
        ("w*bb", "bb has no value"),
        ("w*bb", "did you mean b?"),
        ("w*b + tanh", "to call the function, write tanh(…)"),
        ("y = w*z; z = b; q = y*z", "z is named in a later statement; move that up"),
        ("y = w; y = b", "y has a value already"),
        ("w = b", "w has a value already"),
        ("z = w*b; y = w", "z is not used in what follows"),
        ("w*b; w", "only the last statement may stand without a name"),
        ("w", "b is given a value, but is not used"),
        ("sum([1, w, b])", "`w` is not a number"),
        ("[1, [2, 3]] @ w*b", "have one shape, but this has [2] and the first []"),
        ("[1, 2] @ [1, 2, 3]*w*b", "matmul"),
        ("w*b*[1, 2]", "the result has shape [2], but the sweep starts from a scalar"),
    ] {
        let error = error(source, &[("w", 1.0), ("b", 1.0)]);
        assert!(error.to_string().contains(wanted), "{error}\n\nwanted: {wanted}");
    }
    let nothing = error("1 + 2", &[]);
    assert_eq!(nothing.kind(), &Kind::NoGradient, "{nothing}");
    let twice = error("w", &[("w", 1.0), ("w", 2.0)]);
    assert_eq!(twice.kind(), &Kind::TwoValues("w".to_owned()), "{twice}");
}

#[test]
fn values_are_numbers_and_lists() {
    for (source, number) in
        [("0.5", 0.5), ("-1e-3", -1e-3), (" 1/4 ", 0.25), ("2^0.5", 2_f64.sqrt())]
    {
        assert_eq!(value(source).unwrap(), Tensor::scalar(number), "{source}");
    }
    assert_eq!(value("[[1, -2]]").unwrap(), Tensor::from([[1.0, -2.0]]));
    for source in ["", "x", "tanh(1)", "1; 2", "y = 1", "1,5", "0x10", "[1, [2]]", "[1]*2", "NaN"] {
        let error = value(source).unwrap_err();
        assert!(!error.to_string().is_empty(), "{source}");
    }
}

#[test]
fn nesting_is_limited_and_length_is_not() {
    let nested = |n: usize| [&"(".repeat(n)[..], "x", &")".repeat(n)].concat();
    assert_eq!(at(&nested(DEEPEST), 2.0), 2.0);
    for source in [
        nested(DEEPEST + 1),
        nested(100_000),
        "-".repeat(100_000) + "x",
        "2^".repeat(100_000) + "x",
        "tanh(".repeat(100_000),
        "[".repeat(100_000),
    ] {
        let error = Expression::parse(&source).unwrap_err();
        assert_eq!(error.kind(), &Kind::TooDeep);
        assert!(error.title().contains("more than 64 levels deep"), "{}", error.title());
    }
    let long = format!("x{}", " + x".repeat(20_000));
    assert_eq!(at(&long, 1.0), 20_001.0);
}

/// An expression of the test's own, with its value by the host's arithmetic.
#[derive(Clone, Debug)]
enum Tree {
    Number(f64),
    Name(usize),
    Negative(Box<Tree>),
    Infix(char, Box<Tree>, Box<Tree>),
    Call(&'static str, Box<Tree>),
}

const NAMES: [(&str, f64); 3] = [("w", 0.75), ("x₁", -1.25), ("bias", 2.5)];

impl Tree {
    /// How tightly it binds.
    fn strength(&self) -> u8 {
        match self {
            Self::Infix('+' | '-', ..) => 1,
            Self::Infix('*' | '/', ..) => 2,
            Self::Negative(_) => 3,
            Self::Infix(..) => 4,
            Self::Number(_) | Self::Name(_) | Self::Call(..) => 5,
        }
    }

    /// With no more brackets than needed.
    fn write(&self, space: &str) -> String {
        let within = |tree: &Self, least: u8| {
            let text = tree.write(space);
            if tree.strength() < least { format!("({text})") } else { text }
        };
        match self {
            Self::Number(number) => format!("{number:?}"),
            Self::Name(name) => NAMES[*name].0.to_owned(),
            Self::Call(name, x) => format!("{name}({})", x.write(space)),
            Self::Negative(x) => format!("-{space}{}", within(x, 3)),
            Self::Infix(sign, a, b) => {
                let strength = self.strength();
                // A power takes a sign on its right without brackets.
                let (left, right) = match sign {
                    '^' => (within(a, 5), within(b, 3)),
                    _ => (within(a, strength), within(b, strength + 1)),
                };
                format!("{left}{space}{sign}{space}{right}")
            }
        }
    }

    fn value(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Name(name) => NAMES[*name].1,
            Self::Negative(x) => -x.value(),
            Self::Call("sin", x) => x.value().sin(),
            Self::Call("abs", x) => x.value().abs(),
            Self::Call(name, _) => unreachable!("{name}"),
            Self::Infix(sign, a, b) => {
                let (a, b) = (a.value(), b.value());
                match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    '/' => a / b,
                    _ => a.powf(b),
                }
            }
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (0..400_u32).prop_map(|n| Tree::Number(f64::from(n) / 8.0)),
        (0.0..1e300).prop_map(Tree::Number),
        (0..NAMES.len()).prop_map(Tree::Name),
    ];
    leaf.prop_recursive(8, 64, 2, |inner| {
        let sign = prop::sample::select(vec!['+', '-', '*', '/', '^']);
        let name = prop::sample::select(vec!["sin", "abs"]);
        prop_oneof![
            inner.clone().prop_map(|x| Tree::Negative(Box::new(x))),
            (name, inner.clone()).prop_map(|(name, x)| Tree::Call(name, Box::new(x))),
            (sign, inner.clone(), inner).prop_map(|(sign, a, b)| Tree::Infix(
                sign,
                Box::new(a),
                Box::new(b)
            )),
        ]
    })
}

proptest! {
    /// What is printed is read as the same, and computed as the host computes it.
    #[test]
    fn printed_expressions_are_read_as_the_same(
        tree in trees(),
        space in prop::sample::select(vec!["", " ", " \t "]),
    ) {
        let source = tree.write(space);
        let expression = Expression::parse(&source).unwrap();
        let names = expression.names();
        if names.is_empty() {
            return Ok(()); // There is nothing to differentiate by.
        }
        let given: Vec<_> = NAMES
            .iter()
            .filter(|(name, _)| names.contains(name))
            .map(|&(name, x)| (name, Tensor::scalar(x)))
            .collect();
        let tape = Tape::new();
        let read = expression.record(&tape, &given).unwrap().item();
        let value = tree.value();
        prop_assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan(),
            "{source}: {read} for {value}");
    }

    #[test]
    fn no_text_makes_it_panic(source in any::<String>()) {
        hostile(&source);
    }

    #[test]
    fn no_text_of_its_own_signs_makes_it_panic(
        source in r"([a-cw₁²³−·=;,()\[\]+*/^@ \n.0-9e-]|tanh|sum|\PC){0,60}",
    ) {
        hostile(&source);
    }
}

/// Reads and records anything: an error points into the text, and can be shown.
fn hostile(source: &str) {
    let outcome = Expression::parse(source).and_then(|expression| {
        let given: Vec<_> =
            expression.names().into_iter().map(|name| (name, Tensor::scalar(0.5))).collect();
        let tape = Tape::new();
        expression.record(&tape, &given).map(|y| y.backward().wrt(y).item())
    });
    for error in [outcome.err(), value(source).err()].into_iter().flatten() {
        let place = error.place();
        assert!(source.get(place.clone()).is_some(), "{place:?}");
        assert!(!error.to_string().is_empty() && !error.render(true).is_empty());
    }
}

/// As many statements as a program writes take time in proportion: on one line, each with a name
/// of its own, and with as many names given.
#[test]
fn a_long_expression_is_read_in_a_moment() {
    let started = std::time::Instant::now();
    let count = 20_000;
    for separator in ["; ", "\n"] {
        let mut text = "a0 = w0*2".to_owned();
        for i in 1..count {
            let _ = write!(text, "{separator}a{i} = a{} + w{i}", i - 1);
        }
        let expression = Expression::parse(&text).unwrap();
        let names = expression.names();
        assert_eq!((names.len(), names[count - 1]), (count, "w19999"));
        let given: Vec<(&str, Tensor<f64>)> =
            names.into_iter().map(|name| (name, Tensor::scalar(1.0))).collect();
        let tape = Tape::new();
        let y = expression.record(&tape, &given).unwrap();
        assert_eq!(y.item(), 20_001.0);
        let column = y.place().column as usize;
        let start = text.rfind("a19998 +").unwrap();
        let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
        assert_eq!(column, start - line + 1);
    }
    // Hundreds of times what it takes, and a hundredth of what it took when every name was looked
    // for from the start.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
