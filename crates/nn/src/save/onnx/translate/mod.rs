//! From rules to ONNX operators.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::LazyLock;

use ops::Shape;
use ops::describe::{AnyRule, Term};
use ops::rules::{Lift, WithNumber};
use ops::{Binary, Reading, Rule, Unary};

use super::graph::{Graph, integer, number};
use super::symint::{BatchSizes, Settings, SymInt};

mod elementwise;
mod layout;
mod sums;

/// One op of the two recordings.
pub(super) struct RecordedOp<'a> {
    pub rules: [&'a dyn AnyRule; 2],
    /// The names of the operands in the graph.
    pub inputs: Vec<String>,
    /// The shapes of the operands, in both recordings.
    pub shapes: [Vec<Shape>; 2],
    /// The shape of the result, in both recordings.
    pub output: [Shape; 2],
}

/// Adds the nodes that compute an op, and returns the name of their result: of its counterpart,
/// or of the ops that it is composed of.
///
/// # Errors
/// If neither exists: why.
pub(super) fn add(
    graph: &mut Graph,
    recorded: &RecordedOp<'_>,
    batches: BatchSizes,
) -> Result<String, String> {
    if recorded.rules[0].rule() != recorded.rules[1].rule() {
        return Err("it is another op for a batch of another size or for other data".into());
    }
    let rule = recorded.rules[0].rule();
    if let Some(translate) = TABLE.get(&rule) {
        let attributes = recorded.rules.map(AnyRule::settings);
        let settings = Settings::of(attributes, batches)?;
        let shape =
            |i: usize| SymInt::shape([&recorded.shapes[0][i], &recorded.shapes[1][i]], batches);
        let op = Op {
            settings: &settings,
            inputs: &recorded.inputs.iter().map(|input| &**input).collect::<Vec<_>>(),
            shapes: (0..recorded.inputs.len()).map(shape).collect::<Result<_, _>>()?,
            output: SymInt::shape([&recorded.output[0], &recorded.output[1]], batches)?,
        };
        return translate(graph, &op);
    }
    let terms = expand(recorded, 0).zip(expand(recorded, 1));
    let Some((first, second)) = terms.filter(|(term, _)| !is_itself(term, rule)) else {
        return Err("it has no counterpart in ONNX".into());
    };
    let mut written = Written { graph, inputs: &recorded.inputs, batches, known: HashMap::new() };
    written.add([&first, &second])
}

fn expand(recorded: &RecordedOp<'_>, recording: usize) -> Option<Term> {
    let shapes = recorded.shapes[recording].iter().enumerate();
    let operands: Vec<Term> = shapes.map(|(i, shape)| Term::operand(i, shape)).collect();
    recorded.rules[recording].compose(&operands.iter().collect::<Vec<_>>())
}

/// Whether a rule written out is only itself: a primitive, in which other rules are written.
fn is_itself(term: &Term, rule: TypeId) -> bool {
    term.op().is_some_and(|(op, operands)| {
        op.rule() == rule && operands.iter().all(|operand| operand.as_operand().is_some())
    })
}

/// A rule that is being written out.
struct Written<'g> {
    graph: &'g mut Graph,
    inputs: &'g [String],
    batches: BatchSizes,
    known: HashMap<usize, String>,
}

impl Written<'_> {
    fn add(&mut self, terms: [&Term; 2]) -> Result<String, String> {
        if let Some(known) = self.known.get(&terms[0].address()) {
            return Ok(known.clone());
        }
        if let Some(position) = terms[0].as_operand() {
            return Ok(self.inputs[position].clone());
        }
        if let Some(number) = terms[0].as_number() {
            let same =
                terms[1].as_number().is_some_and(|other| other.to_bits() == number.to_bits());
            return if same {
                Ok(self.graph.number(number as f32))
            } else {
                Err("a number in it depends on the batch".into())
            };
        }
        let [Some((first, operands)), Some((second, others))] = terms.map(Term::op) else {
            return Err("what it is composed of depends on the batch".into());
        };
        if operands.len() != others.len() {
            return Err("what it is composed of depends on the batch".into());
        }
        let pairs = operands.iter().zip(others);
        let inputs = pairs.map(|(a, b)| self.add([a, b])).collect::<Result<_, _>>()?;
        let shapes = [operands, others].map(|terms| terms.iter().map(Reading::shape).collect());
        let output = terms.map(Reading::shape);
        let recorded = RecordedOp { rules: [first, second], inputs, shapes, output };
        let name = add(self.graph, &recorded, self.batches)?;
        self.known.insert(terms[0].address(), name.clone());
        Ok(name)
    }
}

/// One op as the table below sees it.
struct Op<'a> {
    settings: &'a Settings,
    inputs: &'a [&'a str],
    shapes: Vec<Vec<SymInt>>,
    output: Vec<SymInt>,
}

impl Op<'_> {
    /// A setting that names an axis, counted from 0.
    fn axis(&self, name: &str) -> Result<i64, String> {
        let axis = self.settings.integer(name)?;
        Ok(if axis < 0 { axis + self.shapes[0].len() as i64 } else { axis })
    }
}

type Translate = Box<dyn Fn(&mut Graph, &Op<'_>) -> Result<String, String> + Send + Sync>;

/// The rules that have counterparts, by their types. A rule that is not here is written out in
/// others if it can be, as all elementwise rules can.
static TABLE: LazyLock<HashMap<TypeId, Translate>> = LazyLock::new(|| {
    let mut table = Translations(HashMap::new());
    table.elementwise();
    table.layouts();
    table.reductions();
    table.products();
    table.0
});

struct Translations(HashMap<TypeId, Translate>);

impl Translations {
    fn rule<R: Rule>(
        &mut self,
        translate: impl Fn(&mut Graph, &Op<'_>) -> Result<String, String> + Send + Sync + 'static,
    ) {
        self.0.insert(TypeId::of::<R>(), Box::new(translate));
    }

    /// A rule of one operand that is one operator without settings.
    fn unary<U: Unary>(&mut self, op: &'static str) {
        self.unary_with::<U>(move |graph, x, _| graph.node(op, &[x], vec![]));
    }

    /// A rule of one operand with one setting alpha.
    fn with_alpha<U: Unary>(&mut self, op: &'static str) {
        self.unary_with::<U>(move |graph, x, settings| {
            let alpha = settings.number("alpha").map(|alpha| number("alpha", alpha));
            graph.node(op, &[x], alpha.into_iter().collect())
        });
    }

    /// A rule of one operand that is a few nodes.
    fn unary_with<U: Unary>(
        &mut self,
        nodes: impl Fn(&mut Graph, &str, &Settings) -> String + Send + Sync + 'static,
    ) {
        self.rule::<Lift<U, 1>>(move |graph, op| Ok(nodes(graph, op.inputs[0], op.settings)));
    }

    /// A rule of two operands that is one operator.
    fn binary<B: Binary>(&mut self, op: &'static str) {
        self.binary_with::<B>(move |graph, a, b| graph.node(op, &[a, b], vec![]));
    }

    /// A rule of two operands that is a few nodes, and the same with a number for one of them.
    fn binary_with<B: Binary>(
        &mut self,
        nodes: impl Fn(&mut Graph, &str, &str) -> String + Clone + Send + Sync + 'static,
    ) {
        let of_two = nodes.clone();
        self.rule::<Lift<B, 2>>(move |graph, op| Ok(of_two(graph, op.inputs[0], op.inputs[1])));
        self.rule::<Lift<WithNumber<B>, 1>>(move |graph, op| {
            let x = op.inputs[0];
            match (op.settings.number("left"), op.settings.number("right")) {
                (Some(left), _) => {
                    let left = graph.number(left as f32);
                    Ok(nodes(graph, &left, x))
                }
                (None, Some(right)) => {
                    let right = graph.number(right as f32);
                    Ok(nodes(graph, x, &right))
                }
                (None, None) => Err("its number is not known".into()),
            }
        });
    }
}

/// Axes counted from 0.
fn from_zero(axes: Vec<i64>, ndim: i64) -> Vec<i64> {
    axes.into_iter().map(|axis| if axis < 0 { axis + ndim } else { axis }).collect()
}

/// A reshape. One length that depends on the batch need not be computed.
fn reshape(graph: &mut Graph, x: &str, to: &[SymInt]) -> String {
    let empty = to.contains(&SymInt::Fixed(0));
    let batch = to.iter().filter(|count| count.fixed().is_none()).count();
    let to = if batch == 1 && !empty {
        let lengths: Vec<i64> = to.iter().map(|count| count.fixed().unwrap_or(-1)).collect();
        graph.integers(&lengths)
    } else {
        graph.counts(to)
    };
    // Without it, a length of 0 means the operand's.
    let attributes = if empty { vec![integer("allowzero", 1)] } else { vec![] };
    graph.node("Reshape", &[x, &to], attributes)
}
