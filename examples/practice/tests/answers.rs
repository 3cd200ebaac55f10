//! Numbers and formulas, right and wrong, and what is said of the wrong ones.

use practice::answer::{Judge, LONGEST, Verdict};
use practice::problem::Problem;
use practice::{answer, names};

/// A problem of a level that has a line with this formula.
fn with_line(level: usize, name: &str, formula: &str) -> Problem {
    let has = |problem: &Problem| {
        let mut lines = problem.lines.iter();
        lines.any(|line| line.name == name && line.formula.as_deref() == Some(formula))
    };
    (0..200).map(|seed| Problem::new(level, seed)).find(has).unwrap()
}

struct Asked {
    problem: Problem,
    judge: Judge,
}

impl Asked {
    fn new(problem: Problem) -> Self {
        Self { judge: Judge::new(&problem), problem }
    }

    fn judge(&self, symbol: &str, answer: &str) -> Verdict {
        let symbols: Vec<&str> = self.problem.questions.iter().map(|q| &q.symbol[..]).collect();
        let number = symbols.iter().position(|s| names::flat(s) == names::flat(symbol));
        let number = number.unwrap_or_else(|| panic!("{symbol} in {symbols:?}"));
        self.judge.judge(number, &self.problem.questions[number], answer)
    }

    fn right(&self, symbol: &str, answer: &str) {
        assert_eq!(self.judge(symbol, answer), Verdict::Right, "{symbol} = {answer}");
    }

    fn wrong(&self, symbol: &str, answer: &str, words: &str) {
        match self.judge(symbol, answer) {
            Verdict::Wrong(said) => assert!(said.contains(words), "{symbol} = {answer}: {said}"),
            other => panic!("{symbol} = {answer}: {other:?}"),
        }
    }
}

/// z = w·x + b, a = tanh(z), c = …, L = (c - t)².
fn chain() -> Asked {
    Asked::new(with_line(2, "a", "tanh(z)"))
}

#[test]
fn formulas_are_right_in_any_form() {
    let asked = Asked::new(with_line(2, "c", "tanh(a)"));
    for formula in ["1 - c^2", "1 - c²", "1-c*c", "1 − c·c", "(1 - c)*(1 + c)", "1 - tanh(a)^2"]
    {
        asked.right("∂c/∂a", formula);
    }
    for formula in
        ["2*e*(1 - c^2)", "2*(c - t)*(1 - c²)", "ē*(1-c^2)", "ebar*(1 - c^2)", "c̄·(1-c²)"]
    {
        asked.right("ā", formula);
    }
    asked.wrong("∂c/∂a", "1 - a^2", "`1 - a^2` is ");
    asked.wrong("∂c/∂a", "1 - c", "`1 - c` is ");
}

#[test]
fn numbers_may_be_products_and_fractions() {
    let asked = chain();
    let at = |name: &str| {
        let sample = asked.problem.here();
        sample.values.iter().find(|(known, _)| known == name).unwrap().1
    };
    let error = at("e");
    asked.right("∂L/∂e", &format!("2*{error}"));
    asked.right("∂L/∂e", &format!("{error} / (1/2)"));
    asked.right("∂L/∂e", &format!("{:.4}", 2.0 * error));
    asked.right("∂L/∂e", &format!("{:.3}", 2.0 * error).replace('.', ","));
    asked.wrong("∂L/∂e", &format!("{}", -2.0 * error), "the sign is the wrong way round");
}

#[test]
fn the_first_wrong_factor_is_named() {
    let asked = Asked::new(with_line(2, "c", "tanh(a)"));
    asked.wrong(
        "ā",
        "2*e*(1 - a^2)",
        "the first wrong factor is ∂c/∂a: in its place is `(1 - a^2)`",
    );
    asked.wrong("ā", "ē*(1 - a)", "the first wrong factor is ∂c/∂a: in its place is `(1 - a)`");
    let asked = chain();
    asked.wrong("w̄", "z̄*w", "the first wrong factor is ");
    asked.wrong("x̄", "w*z̄*(1 - a^2)", "a factor too many: `(1 - a^2)`");
    asked.wrong("z̄", "-ā*(1 - a^2)", "the sign is the wrong way round");
}

#[test]
fn a_factor_that_is_missing_from_a_product_of_numbers_is_named() {
    let asked = chain();
    let sample = asked.problem.here();
    let value = |name: &str| {
        let mut all = sample.values.iter().chain(&sample.adjoints);
        all.find(|(known, _)| known == name).unwrap().1
    };
    let (bar, w) = (value(&names::adjoint("c")), value("w"));
    let slope = value(&names::adjoint("a")) / bar;
    asked.wrong("x̄", &format!("{bar:.4}*{slope:.4}*{w}"), "the factor ∂a/∂z is missing");
    let right = format!("{bar:.4}*{slope:.4}*{:.4}*{w}", 1.0 - value("a").powi(2));
    asked.right("x̄", &right);
}

#[test]
fn a_contribution_that_is_missing_is_named() {
    let asked = Asked::new(with_line(3, "q", "w · h"));
    asked.right("w̄", "q̄*h + p̄*x");
    asked.right("w̄", "p̄*x + h*q̄");
    asked.wrong("w̄", "q̄*h", "is missing");
    asked.wrong("w̄", "q̄*h + p̄*w", "in the contribution ");
    asked.wrong("w̄", "q̄*h - p̄*x", "the sign is the wrong way round");
}

#[test]
fn elements_of_tensors_are_named_with_indices() {
    let asked = Asked::new(with_line(4, "z", "W @ x"));
    let symbols: Vec<String> = asked.problem.questions.iter().map(|q| q.symbol.clone()).collect();
    let weight = symbols.iter().find(|s| s.starts_with("W̄")).unwrap();
    let inside = &weight[weight.find('[').unwrap() + 1..weight.len() - 1];
    let (i, j) = inside.split_once(',').unwrap();
    asked.right(weight, &format!("z̄[{i}]*x[{j}]"));
    asked.right(weight, &format!("zbar[{i}] * x[ {j} ]"));
    let other = (j.parse::<usize>().unwrap() + 1) % 3;
    asked.wrong(weight, &format!("z̄[{i}]*x[{other}]"), "the first wrong factor is ∂z");
    match asked.judge(weight, "z̄[7]*x[0]") {
        Verdict::Unreadable(words) => assert!(words.contains("z̄[7] is known here"), "{words}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_formula_must_hold_at_other_numbers_too() {
    let asked = chain();
    let error = asked.problem.here().values.iter().find(|(n, _)| n == "e").unwrap().1;
    asked.wrong(
        "∂L/∂e",
        &format!("2*{error} + 0*e"),
        "with other numbers in the program it does not",
    );
}

#[test]
fn an_adjoint_that_is_asked_later_cannot_be_used() {
    let asked = chain();
    for (symbol, answer) in [("z̄", "z̄"), ("z̄", "w̄/x"), ("∂L/∂e", "ē")] {
        match asked.judge(symbol, answer) {
            Verdict::Unreadable(words) => assert!(words.contains("is known here"), "{words}"),
            other => panic!("{symbol} = {answer}: {other:?}"),
        }
    }
}

/// Texts that are no answer.
pub const HOSTILE: [&str; 22] = [
    "",
    " ",
    "\u{0}",
    "(",
    ")",
    "1/",
    "*",
    "--",
    "1 2",
    "2x",
    "[1, 2]",
    "[[1], [2, 3]]",
    "1/0",
    "ln(-1)",
    "1e999",
    "foo(1)",
    "x.y",
    "'; DROP TABLE",
    "z = 3; q",
    "[",
    "w[99999999999]",
    "\u{202e}",
];

#[test]
fn what_is_no_answer_gets_a_sentence() {
    let asked = chain();
    let deep = "(".repeat(10_000);
    let nested = format!("{}1{}", "(".repeat(90), ")".repeat(90));
    let long = "1+".repeat(LONGEST);
    let factors = ["w"; 60].join("*");
    let all = HOSTILE.iter().copied().chain([&deep[..], &nested, &long]);
    for text in all {
        match asked.judge("z̄", text) {
            Verdict::Unreadable(words) => {
                assert!(words.len() > 10 && !words.contains("__"), "{text}: {words}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(asked.judge("z̄", &factors), Verdict::Wrong(_)));
}

#[test]
fn tolerance_is_one_percent_and_half_a_thousandth() {
    assert!(answer::agrees(1.0101, 1.0) && !answer::agrees(1.011, 1.0));
    assert!(answer::agrees(0.0204, 0.02) && !answer::agrees(0.0, 0.02));
}

#[test]
fn names_are_read_as_they_are_written() {
    for (written, flat) in [
        ("W[1,0]", "W__1_0"),
        ("ȳ", "y\u{304}"),
        ("zbar + z_bar[2]", "z\u{304} + z\u{304}__2"),
        ("bar", "bar"),
        ("[1, 2]", "[1, 2]"),
        ("2*[1]", "2*[1]"),
    ] {
        assert_eq!(names::flat(written), flat);
    }
    assert_eq!(names::unflat("W__1_0 and b__x"), "W[1,0] and b__x");
}
