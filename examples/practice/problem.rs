//! A problem: a program that was drawn, its numbers, and its questions with their keys.

use ops::Tensor;
use tape::trace::{Backward, Layout, short, tensor_text};
use tape::{Tape, Trace, Var};

use crate::draw::Draw;
use crate::facts::{Facts, facts};
use crate::names;
use crate::programs::{Asked, LEVELS, Program};
use crate::words::{ENGLISH, Speech};
use crate::{hints, slips};

/// Significant digits of the numbers that are shown.
pub(crate) const DIGITS: usize = 4;
/// How often a program is drawn again because a number of it is too large or too small.
const TRIES: u64 = 400;
/// Keys are not smaller, so that 0 is never near enough, and not larger.
const KEYS: std::ops::Range<f64> = 0.02..50.0;

/// A problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The level, from 1.
    pub level: usize,
    /// The seed that draws it.
    pub seed: u64,
    /// What is given, and what is computed from it, in order.
    pub lines: Vec<Line>,
    /// The name of the value that is differentiated.
    pub output: String,
    /// The questions, in the order of the sweep.
    pub questions: Vec<Question>,
    /// The language of all that is said.
    pub speech: Speech,
}

/// A line of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The name of the value.
    pub name: String,
    /// The formula of it; none for what is given.
    pub formula: Option<String>,
    /// The value as text.
    pub value: String,
    /// Whether it is a constant.
    pub constant: bool,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The derivative as it is written: `z̄`, `W̄[1,0]`, `∂a/∂z`.
    pub symbol: String,
    /// The question in words.
    pub words: String,
    /// The answer.
    pub key: f64,
    /// The hints, each of which tells more.
    pub hints: Vec<String>,
    /// Mistakes that are often made, and the number that each gives.
    pub slips: Vec<Slip>,
    /// The sums of products that the answer is.
    pub facts: Facts,
}

/// A mistake that is often made.
#[derive(Clone, Debug, PartialEq)]
pub struct Slip {
    /// The number that it gives.
    pub value: f64,
    /// What is wrong with it.
    pub words: String,
}

impl Problem {
    /// Draws a problem of a level, from 1, in English.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn new(level: usize, seed: u64) -> Self {
        Self::new_in(ENGLISH, level, seed)
    }

    /// Draws the same problem in another language.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn new_in(speech: Speech, level: usize, seed: u64) -> Self {
        // Seeds of neighbours have nothing in common.
        let start = (seed ^ (level as u64) << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let fits = |seed: &u64| {
            let tape = Tape::new();
            is_fit(&draw(level, &mut Draw::new(&tape, *seed)))
        };
        let seed = (0..TRIES).map(|i| start.wrapping_add(i)).find(fits);
        Self::drawn(speech, level, seed.expect("one of the programs has fit numbers"))
    }

    /// The problem of a seed, whatever its numbers are.
    fn drawn(speech: Speech, level: usize, seed: u64) -> Self {
        let tape = Tape::new();
        let program = draw(level, &mut Draw::new(&tape, seed));
        let trace = Trace::of(program.output).expect("a scalar of variables");
        let lines = trace.nodes().iter().map(|&node| Line::new(node, speech)).collect();
        let question = |&asked: &Asked<'_>| Question::new(&trace, asked, speech);
        let questions = program.asked.iter().map(question).collect();
        Self { level, seed, lines, output: program.output.label(), questions, speech }
    }

    /// The numbers at other values of the variables, of which there are as many as there are points.
    pub fn at(&self, point: u64) -> Sample {
        let tape = Tape::new();
        let program = draw(self.level, &mut Draw::moved(&tape, self.seed, point));
        Sample::new(&program)
    }

    /// The numbers at the values of the problem.
    pub fn here(&self) -> Sample {
        let tape = Tape::new();
        Sample::new(&draw(self.level, &mut Draw::new(&tape, self.seed)))
    }

    /// Records the program, with other variables if any are given, and gives its result.
    pub fn record<'t>(&self, tape: &'t Tape<f64>, variables: &[Var<'t, f64>]) -> Var<'t, f64> {
        self.program(tape, variables).output
    }

    /// The derivatives that are asked for, on a program that is recorded again.
    pub fn program<'t>(&self, tape: &'t Tape<f64>, variables: &[Var<'t, f64>]) -> Program<'t> {
        if variables.is_empty() {
            return draw(self.level, &mut Draw::new(tape, self.seed));
        }
        draw(self.level, &mut Draw::given(tape, self.seed, variables))
    }

    /// The values of the variables, in the order in which they are recorded.
    pub fn variables(&self) -> Vec<Tensor<f64>> {
        let tape = Tape::new();
        let mut drawing = Draw::new(&tape, self.seed);
        draw(self.level, &mut drawing);
        drawing.variables().iter().map(|x| x.value()).collect()
    }

    /// The word for its level.
    pub fn name(&self) -> &'static str {
        (LEVELS[self.level - 1].name)(&self.speech)
    }
}

fn draw<'t>(level: usize, draw: &mut Draw<'t>) -> Program<'t> {
    let mut program = (LEVELS[level - 1].draw)(draw);
    let mut asked: Vec<Asked<'t>> = Vec::new();
    for question in program.asked {
        if !asked.contains(&question) {
            asked.push(question);
        }
    }
    program.asked = asked;
    program
}

/// Whether the numbers can be reckoned with by hand.
fn is_fit(program: &Program<'_>) -> bool {
    let moderate = |x: f64| x.abs() < KEYS.end;
    let gradients = program.output.backward();
    let key = |asked: &Asked<'_>| match *asked {
        Asked::Adjoint { node, element } => gradients.wrt(node).to_vec()[element],
        Asked::Local { .. } => crate::facts::local(*asked),
    };
    let nodes = program.output.tape().vars();
    nodes.into_iter().all(|x| x.value().to_vec().into_iter().all(moderate))
        && program.asked.iter().map(key).all(|key| KEYS.contains(&key.abs()))
}

impl Line {
    fn new(node: Var<'_, f64>, speech: Speech) -> Self {
        let layout = Layout::default().digits(DIGITS).language(speech.views());
        Self {
            name: node.label(),
            formula: node.formula(),
            value: tensor_text(&node.value(), layout),
            constant: node.op().is_none() && !node.is_tracked(),
        }
    }
}

impl Question {
    fn new(trace: &Trace<'_, f64>, asked: Asked<'_>, speech: Speech) -> Self {
        let facts = facts(trace, asked);
        Self {
            symbol: symbol(asked),
            words: words(trace, asked, speech),
            key: facts.key,
            hints: hints::of(trace, asked, &facts, speech),
            slips: slips::of(trace, asked, &facts, speech),
            facts,
        }
    }

    /// The answer as it is shown.
    pub fn answer(&self) -> String {
        short(self.key, DIGITS)
    }
}

/// A value of a program, or an element of it, as it is written.
pub(crate) fn element(node: Var<'_, f64>, element: usize) -> String {
    node.label() + &names::indices(&node.shape(), element)
}

/// An adjoint, or an element of it, as it is written.
pub(crate) fn adjoint(node: Var<'_, f64>, element: usize) -> String {
    names::adjoint(&node.label()) + &names::indices(&node.shape(), element)
}

pub(crate) fn symbol(asked: Asked<'_>) -> String {
    match asked {
        Asked::Adjoint { node, element } => adjoint(node, element),
        Asked::Local { node, element: of_node, operand, of } => {
            let operand = node.operands()[operand];
            format!("∂{}/∂{}", element(node, of_node), element(operand, of))
        }
    }
}

fn words(trace: &Trace<'_, f64>, asked: Asked<'_>, speech: Speech) -> String {
    match asked {
        Asked::Adjoint { node, element: number } => {
            speech.adjoint_of(element(node, number), trace.output().label())
        }
        Asked::Local { node, .. } => {
            speech.local_at(node.label(), node.formula().unwrap_or_default())
        }
    }
}

/// The numbers of a program at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Values and their elements, by name.
    pub values: Vec<(String, f64)>,
    /// Adjoints and their elements, by name, the first of the sweep first.
    pub adjoints: Vec<(String, f64)>,
    /// What is so for each question.
    pub facts: Vec<Facts>,
}

impl Sample {
    fn new(program: &Program<'_>) -> Self {
        let trace = Trace::of(program.output).expect("a scalar of variables");
        let mut values = Vec::new();
        for &node in trace.nodes() {
            let elements = node.value().to_vec().into_iter().enumerate();
            values.extend(elements.map(|(i, x)| (names::flat(&element(node, i)), x)));
        }
        let mut adjoints = Vec::new();
        for Backward { node, adjoint: value, .. } in trace.backward() {
            let elements = value.to_vec().into_iter().enumerate();
            adjoints.extend(elements.map(|(i, x)| (names::flat(&adjoint(*node, i)), x)));
        }
        let facts = program.asked.iter().map(|&asked| facts(&trace, asked)).collect();
        Self { values, adjoints, facts }
    }

    /// The names that an answer to question number `question` can use: all values, and the adjoints
    /// that are known before it in the sweep.
    pub fn known(&self, question: usize) -> impl Iterator<Item = &(String, f64)> {
        let before = &self.adjoints[..self.facts[question].known];
        self.values.iter().chain(before)
    }
}
