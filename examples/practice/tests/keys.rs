//! Every key is the sweep's own gradient, and what finite differences give.

use std::sync::LazyLock;

use ops::Tensor;
use practice::Sheet;
use practice::answer::{Judge, Verdict, agrees};
use practice::problem::Problem;
use practice::programs::{Asked, LEVELS};
use tape::check::Check;
use tape::expression::Expression;
use tape::{Tape, Var};

/// The seeds that are checked, divided among the levels.
const SEEDS: u64 = 1000;

fn problems() -> impl Iterator<Item = &'static Problem> {
    static PROBLEMS: LazyLock<Vec<Problem>> = LazyLock::new(|| {
        let levels = LEVELS.len() as u64;
        (0..SEEDS).map(|seed| Problem::new(1 + (seed % levels) as usize, seed)).collect()
    });
    PROBLEMS.iter()
}

#[test]
fn every_key_of_an_adjoint_is_the_gradient_of_backward() {
    let mut compared = 0;
    for problem in problems() {
        let tape = Tape::new();
        let program = problem.program(&tape, &[]);
        let gradients = program.output.backward();
        assert_eq!(program.asked.len(), problem.questions.len());
        for (asked, question) in program.asked.iter().zip(&problem.questions) {
            if let &Asked::Adjoint { node, element } = asked {
                let wanted = gradients.wrt(node).to_vec()[element];
                assert_eq!(question.key.to_bits(), wanted.to_bits(), "{question:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 4 * SEEDS, "{compared}");
}

#[test]
fn the_gradients_agree_with_finite_differences() {
    for problem in problems() {
        let variables = problem.variables();
        let report = Check::new().fast().run(|v| problem.record(v[0].tape(), v), &variables);
        let report = report.unwrap_or_else(|error| panic!("{problem:?}\n{error}"));
        assert!(report.compared >= variables.len(), "{problem:?}\n{report}");
    }
}

/// A number as a function of one element of an operand: of the line of the program, read by the
/// parser of expressions, the element that is asked about.
fn line_at(node: Var<'_, f64>, element: usize, operand: usize, of: usize, shift: f64) -> f64 {
    let formula = node.formula().unwrap();
    // What is written after an op's operands is not read.
    let formula = formula.replace(", axes -1)", ")");
    let mut mask = vec![0.0; node.shape().iter().product()];
    mask[element] = 1.0;
    let mask = Tensor::from_shape_vec(&node.shape(), mask).unwrap();
    let mut given: Vec<(String, Tensor<f64>)> = vec![("mask".to_owned(), mask)];
    for (position, x) in node.operands().into_iter().enumerate() {
        let mut numbers = x.value().to_vec();
        if position == operand {
            numbers[of] += shift;
        }
        given.push((x.label(), Tensor::from_shape_vec(&x.shape(), numbers).unwrap()));
    }
    let given: Vec<(&str, Tensor<f64>)> = given.iter().map(|(n, x)| (&n[..], x.clone())).collect();
    let expression = Expression::parse(&format!("sum(({formula}) * mask)")).unwrap();
    expression.record(&Tape::new(), &given).unwrap_or_else(|error| panic!("{error}")).item()
}

#[test]
fn every_local_derivative_agrees_with_finite_differences_of_its_line() {
    let mut compared = 0;
    for problem in problems() {
        let tape = Tape::new();
        let program = problem.program(&tape, &[]);
        for (asked, question) in program.asked.iter().zip(&problem.questions) {
            let &Asked::Local { node, element, operand, of } = asked else { continue };
            let at = |shift| line_at(node, element, operand, of, shift);
            let h = 1e-3;
            // Five points: the error is of the fourth order.
            let slope = (at(-2.0 * h) - 8.0 * at(-h) + 8.0 * at(h) - at(2.0 * h)) / (12.0 * h);
            let error = (slope - question.key).abs() / question.key.abs();
            assert!(error < 1e-7, "{}: {slope}, but the key is {}", question.words, question.key);
            compared += 1;
        }
    }
    assert!(compared > SEEDS as usize, "{compared}");
}

#[test]
fn the_products_of_a_question_add_up_to_its_key() {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
    for problem in problems() {
        for question in &problem.questions {
            for way in [&question.facts.uses, &question.facts.paths] {
                let products = way.iter().map(|p| p.iter().map(|f| f.value).product::<f64>());
                let sum: f64 = products.sum();
                assert!(way.is_empty() || near(sum, question.key), "{question:?}");
            }
        }
    }
}

#[test]
fn the_key_is_right_and_no_listed_mistake_is() {
    for problem in problems().step_by(7) {
        let judge = Judge::new(problem);
        for (number, question) in problem.questions.iter().enumerate() {
            assert_eq!(judge.judge(number, question, &question.answer()), Verdict::Right);
            assert!(!agrees(0.0, question.key), "{question:?}");
            for slip in &question.slips {
                let verdict = judge.judge(number, question, &slip.value.to_string());
                assert_eq!(verdict, Verdict::Wrong(slip.words.clone()), "{question:?}");
            }
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_sheet_and_another_another() {
    for level in 1..=LEVELS.len() {
        let sheet = Sheet::new(level, 7, 3);
        assert_eq!(sheet, Sheet::new(level, 7, 3));
        assert_eq!(sheet.problems[..2], Sheet::new(level, 7, 2).problems[..]);
        assert_ne!(sheet.problems, Sheet::new(level, 8, 3).problems);
        assert_ne!(sheet.problems[0], sheet.problems[1]);
    }
}
