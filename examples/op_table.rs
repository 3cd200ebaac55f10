//! The table of all ops: value, gradients as read from the rule, kinks, and the orders of
//! derivative that were checked against finite differences while the table was made.
//!
//! `cargo run -p tape --features linalg --example op_table` prints it; with the name of a file,
//! as in `-- docs/src/ops.md`, it is written there.

use std::fmt::Write as _;
use std::io::Write as _;

use ops::declare::{Example, Refusal};
use ops::prelude::*;
use ops::registry::{Visitor, elementwise_examples, visit};
use ops::rules::{Padding, Slide};
use ops::{Elementwise, Formula, Reading, Rule, Tensor, gradient_formulas, value_formula};
use tape::Var;
use tape::check::Check;

/// Names of operands, as formulas have them.
const NAMES: [&[&str]; 4] = [&[], &["x"], &["a", "b"], &["m", "a", "b"]];

struct Table(String);

impl Table {
    fn row(&mut self, op: &str, value: &str, gradients: &str, kinks: &str, orders: &str) {
        let cell = |text: &str| {
            if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) }
        };
        let _ = writeln!(
            self.0,
            "| {} | {} | {gradients} | {kinks} | {orders} |",
            cell(op),
            cell(value)
        );
    }
}

/// The orders at which the gradient of the rule agrees with finite differences on its examples.
fn orders<R: Rule>(examples: &[Example<R>]) -> &'static str {
    let passes = |check: Check| {
        // Small numbers only: at the extremes that examples hold too, nothing can be resolved.
        let mild = |x: &Tensor<f64>| x.to_vec().iter().all(|v| v.abs() < 5.0);
        let mut examples = examples.iter().filter(|e| e.operands.iter().all(mild)).take(2);
        examples.all(|example| check.run(|x| apply(example, x), &example.varied()).is_ok())
    };
    // A check of the second order is one of the first too.
    if passes(Check::new().second_order()) {
        "1, 2"
    } else if passes(Check::new()) {
        "1"
    } else {
        "none"
    }
}

fn apply<'t, R: Rule>(example: &Example<R>, varied: &[Var<'t, f64>]) -> Var<'t, f64> {
    let x = example.complete(varied, |fixed| varied[0].tape().constant(fixed));
    Var::apply(example.rule.clone(), &x.iter().collect::<Vec<_>>())
}

/// `a: ȳ · b` for each operand that receives something.
fn gradients<R: Rule>(rule: &R, operands: &[Formula]) -> String {
    let list = gradient_formulas(rule, operands).into_iter().zip(operands);
    let texts = list.map(|(gradient, x)| {
        let text = gradient.map_or("0".to_owned(), |g| g.to_string()).replace('|', "\\|");
        format!("{x}: `{text}`")
    });
    texts.collect::<Vec<_>>().join("<br>")
}

impl Visitor for Table {
    fn rule<R: Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
        let example = &examples[0];
        let names = NAMES.get(example.operands.len()).copied().unwrap_or(&[]);
        let operands: Vec<Formula> = example
            .operands
            .iter()
            .zip(names)
            .map(|(x, name)| Formula::symbol(*name, x.shape()))
            .collect();
        let value = Formula::apply(example.rule.clone(), &operands.iter().collect::<Vec<_>>());
        let gradients = gradients(&example.rule, &operands);
        self.row(example.rule.name(), &value.to_string(), &gradients, "", orders(examples));
    }

    fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
        // A rule with a number in the place of an operand is the rule of two operands.
        if std::any::type_name::<E>().contains("WithNumber") {
            return;
        }
        let examples = elementwise_examples(rule);
        let names: [&str; N] = std::array::from_fn(|i| NAMES[N][i]);
        let operands = names.map(|name| Formula::symbol(name, &[]));
        let kinks: Vec<String> = E::DECLARED
            .kinks
            .iter()
            .map(|kink| {
                let list = |v: [f64; N]| {
                    v.map(|v| {
                        format!("{v:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
                    })
                    .join(", ")
                };
                format!("{} → {}", list(kink.at), list(kink.slopes))
            })
            .collect();
        let value = value_formula(rule, names).to_string();
        let gradients = gradients(&examples[0].rule, &operands);
        self.row(E::NAME, &value, &gradients, &kinks.join("<br>"), orders(&examples));
    }
}

/// Functions that are composed of rules, as formulas on small shapes.
fn composed() -> String {
    let x = |shape: &[usize]| Formula::symbol("x", shape);
    let named = |name: &str, shape: &[usize]| Formula::symbol(name, shape);
    let pool = [Slide::new(2).stride(2)];
    let rows: Vec<(&str, Formula)> = vec![
        ("prod", x(&[4]).prod(..)),
        ("std", x(&[4]).std(.., 0.0)),
        ("norm_l1", x(&[4]).norm_l1(..)),
        ("norm_max", x(&[4]).norm_max(..)),
        ("norm_lp", x(&[4]).norm_lp(3.0, ..)),
        ("layer_norm", x(&[2, 4]).layer_norm(&named("g", &[4]), &named("s", &[4]), 1e-5)),
        ("rms_norm", x(&[2, 4]).rms_norm(&named("g", &[4]), 1e-5)),
        ("expand_dims", x(&[4]).expand_dims(0)),
        ("squeeze", x(&[1, 4]).squeeze(0)),
        ("stack", x(&[4]).stack(&[named("b", &[4])], 0)),
        ("flip", x(&[4]).flip(0)),
        ("roll", x(&[4]).roll(0, 1)),
        ("repeat", x(&[4]).repeat(0, 2)),
        ("tile", x(&[4]).tile(0, 2)),
        ("split", x(&[4]).split(0, &[1, 3]).remove(1)),
        ("pad, constant", x(&[4]).pad(0, 1, 1, Padding::Constant(2.0))),
        ("pad, edge", x(&[4]).pad(0, 1, 1, Padding::Edge)),
        ("pad, reflect", x(&[4]).pad(0, 1, 1, Padding::Reflect)),
        ("outer", named("a", &[2]).outer(&named("b", &[3]))),
        ("upsample_nearest", x(&[4]).upsample_nearest(0, 8)),
        ("upsample_linear", x(&[4]).upsample_linear(0, 8)),
        ("adaptive_avg_pool", x(&[4]).adaptive_avg_pool(0, 3)),
        (
            "einsum \"ij,kj->ki\"",
            Formula::einsum("ij,kj->ki", &[&named("a", &[2, 3]), &named("b", &[4, 3])]),
        ),
        ("avg_pool", x(&[1, 1, 4]).avg_pool(&pool, false, true)),
    ];
    rows.iter().fold(String::new(), |mut text, (op, formula)| {
        let formula = formula.to_string().replace('|', "\\|");
        let _ = writeln!(text, "| `{op}` | `{formula}` |");
        text
    })
}

/// The whole page.
pub fn page() -> String {
    let mut table = Table(String::new());
    visit(&mut table);
    format!(
        "# All ops\n\n\
         What each op computes, and what it passes on to each operand in the reverse sweep, both \
         read from its rule: `y` is the output, `ȳ` its adjoint. Where the derivative jumps, the \
         column *kinks* gives the point and the slope that is taken there. The last column says at \
         which orders the gradient was held against finite differences when this page was made, \
         by `cargo run -p tape --features linalg --example op_table -- docs/src/ops.md`.\n\n\
         | op | value | passes on | kinks | orders checked |\n|---|---|---|---|---|\n{}\n\
         ## Functions composed of ops\n\n\
         Their gradients are those of their parts. Shapes are small, so that the formulas are \
         short.\n\n\
         | function | composed as |\n|---|---|\n{}",
        table.0,
        composed()
    )
}

#[allow(dead_code)] // A test includes this file for its page.
fn main() -> std::io::Result<()> {
    let page = page();
    match std::env::args_os().nth(1) {
        // Only now, when the page is complete, so that none is lost.
        Some(file) => std::fs::write(file, page),
        None => std::io::stdout().write_all(page.as_bytes()),
    }
}
