//! From rules to ONNX operators.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::LazyLock;

use ops::Shape;
use ops::describe::{AnyRule, Term};
use ops::rules::{self, Lift, WithNumber};
use ops::{Binary, Reading, Rule, Unary};

use super::count::{Batches, Count, Settings};
use super::graph::{Graph, integer, integers, number, slides};

/// One op of the two recordings.
pub(super) struct Call<'a> {
    pub rules: [&'a dyn AnyRule; 2],
    /// The names of the operands in the graph.
    pub inputs: Vec<String>,
    /// The shapes of the operands, in both recordings.
    pub shapes: [Vec<Shape>; 2],
    /// The shape of the result, in both recordings.
    pub output: [Shape; 2],
}

/// Adds the nodes that compute an op, and gives the name of their result: its counterpart, or
/// those of the ops that it is composed of.
///
/// # Errors
/// If there are none: why.
pub(super) fn add(graph: &mut Graph, call: &Call<'_>, batches: Batches) -> Result<String, String> {
    if call.rules[0].rule() != call.rules[1].rule() {
        return Err("it is another op for a batch of another size or for other data".into());
    }
    let rule = call.rules[0].rule();
    if let Some(translate) = TABLE.get(&rule) {
        let attributes = call.rules.map(AnyRule::attributes);
        let settings = Settings::of(attributes, batches)?;
        let shape = |i: usize| Count::shape([&call.shapes[0][i], &call.shapes[1][i]], batches);
        let op = Op {
            settings: &settings,
            inputs: &call.inputs.iter().map(|input| &**input).collect::<Vec<_>>(),
            shapes: (0..call.inputs.len()).map(shape).collect::<Result<_, _>>()?,
            output: Count::shape([&call.output[0], &call.output[1]], batches)?,
        };
        return translate(graph, &op);
    }
    let terms = expand(call, 0).zip(expand(call, 1));
    let Some((first, second)) = terms.filter(|(term, _)| !is_itself(term, rule)) else {
        return Err("it has no counterpart in ONNX".into());
    };
    let mut written = Written { graph, inputs: &call.inputs, batches, known: HashMap::new() };
    written.add([&first, &second])
}

fn expand(call: &Call<'_>, recording: usize) -> Option<Term> {
    let shapes = call.shapes[recording].iter().enumerate();
    let operands: Vec<Term> = shapes.map(|(i, shape)| Term::operand(i, shape)).collect();
    call.rules[recording].expand(&operands.iter().collect::<Vec<_>>())
}

/// Whether a rule written out is only the rule again: one of the words in which rules are written.
fn is_itself(term: &Term, rule: TypeId) -> bool {
    term.op().is_some_and(|(op, operands)| {
        op.rule() == rule && operands.iter().all(|operand| operand.as_operand().is_some())
    })
}

/// A rule that is being written out.
struct Written<'g> {
    graph: &'g mut Graph,
    inputs: &'g [String],
    batches: Batches,
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
        let call = Call { rules: [first, second], inputs, shapes, output };
        let name = add(self.graph, &call, self.batches)?;
        self.known.insert(terms[0].address(), name.clone());
        Ok(name)
    }
}

/// One op as the table below sees it.
struct Op<'a> {
    settings: &'a Settings,
    inputs: &'a [&'a str],
    shapes: Vec<Vec<Count>>,
    output: Vec<Count>,
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
    let mut table = Table(HashMap::new());
    table.elementwise();
    table.masks();
    table.layouts();
    table.reductions();
    table.products();
    table.0
});

struct Table(HashMap<TypeId, Translate>);

impl Table {
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

    fn elementwise(&mut self) {
        self.unary::<rules::Neg>("Neg");
        self.unary::<rules::Exp>("Exp");
        self.unary::<rules::Ln>("Log");
        self.unary::<rules::Sqrt>("Sqrt");
        self.unary::<rules::Reciprocal>("Reciprocal");
        self.unary::<rules::Abs>("Abs");
        self.unary::<rules::Sin>("Sin");
        self.unary::<rules::Cos>("Cos");
        self.unary::<rules::Tan>("Tan");
        self.unary::<rules::Asin>("Asin");
        self.unary::<rules::Acos>("Acos");
        self.unary::<rules::Atan>("Atan");
        self.unary::<rules::Sinh>("Sinh");
        self.unary::<rules::Cosh>("Cosh");
        self.unary::<rules::Asinh>("Asinh");
        self.unary::<rules::Acosh>("Acosh");
        self.unary::<rules::Atanh>("Atanh");
        self.unary::<rules::Tanh>("Tanh");
        self.unary::<rules::Erf>("Erf");
        self.unary::<rules::Floor>("Floor");
        self.unary::<rules::Ceil>("Ceil");
        self.unary::<rules::Round>("Round");
        self.unary::<rules::Sign>("Sign");
        self.unary::<rules::Sigmoid>("Sigmoid");
        self.unary::<rules::Relu>("Relu");
        self.unary::<rules::Softplus>("Softplus");
        self.unary::<rules::Softsign>("Softsign");
        self.unary::<rules::Selu>("Selu");
        self.unary::<rules::Mish>("Mish");
        self.with_alpha::<rules::LeakyRelu>("LeakyRelu");
        self.with_alpha::<rules::Elu>("Elu");
        self.with_alpha::<rules::Celu>("Celu");
        self.unary_with::<rules::HardSigmoid>(|graph, x, _| {
            graph.node("HardSigmoid", &[x], vec![number("alpha", 1.0 / 6.0), number("beta", 0.5)])
        });
        self.unary_with::<rules::Square>(|graph, x, _| graph.node("Mul", &[x, x], vec![]));
        // Words of the rules for which ONNX has none, in others.
        self.unary_with::<rules::Expm1>(|graph, x, _| {
            let (exp, one) = (graph.node("Exp", &[x], vec![]), graph.number(1.0));
            graph.node("Sub", &[&exp, &one], vec![])
        });
        self.unary_with::<rules::Log1p>(|graph, x, _| {
            let one = graph.number(1.0);
            let sum = graph.node("Add", &[x, &one], vec![]);
            graph.node("Log", &[&sum], vec![])
        });
        self.unary_with::<rules::Exp2>(|graph, x, _| {
            let two = graph.number(2.0);
            graph.node("Pow", &[&two, x], vec![])
        });
        self.unary_with::<rules::Log2>(|graph, x, _| logarithm(graph, x, std::f32::consts::LN_2));
        self.unary_with::<rules::Log10>(|graph, x, _| logarithm(graph, x, std::f32::consts::LN_10));
        self.binary::<rules::Add>("Add");
        self.binary::<rules::Sub>("Sub");
        self.binary::<rules::Mul>("Mul");
        self.binary::<rules::Div>("Div");
        self.binary::<rules::Pow>("Pow");
        self.binary::<rules::Maximum>("Max");
        self.binary::<rules::Minimum>("Min");
        self.binary_with::<rules::Hypot>(|graph, a, b| {
            let (a, b) = (graph.node("Mul", &[a, a], vec![]), graph.node("Mul", &[b, b], vec![]));
            let sum = graph.node("Add", &[&a, &b], vec![]);
            graph.node("Sqrt", &[&sum], vec![])
        });
    }

    /// Comparisons: masks of 1 and 0, where ONNX has truth values.
    fn masks(&mut self) {
        self.binary_with::<rules::Greater>(|graph, a, b| mask(graph, "Greater", a, b));
        self.binary_with::<rules::GreaterEqual>(|graph, a, b| mask(graph, "GreaterOrEqual", a, b));
        self.binary_with::<rules::Less>(|graph, a, b| mask(graph, "Less", a, b));
        self.binary_with::<rules::LessEqual>(|graph, a, b| mask(graph, "LessOrEqual", a, b));
        self.binary_with::<rules::Equal>(|graph, a, b| mask(graph, "Equal", a, b));
        self.rule::<Lift<rules::Where, 3>>(|graph, op| {
            let to_bool = vec![integer("to", super::proto::BOOL.into())];
            let mask = graph.node("Cast", &[op.inputs[0]], to_bool);
            Ok(graph.node("Where", &[&mask, op.inputs[1], op.inputs[2]], vec![]))
        });
    }

    fn layouts(&mut self) {
        self.rule::<rules::Identity>(|_, op| Ok(op.inputs[0].to_owned()));
        self.rule::<rules::Reshape>(|graph, op| Ok(reshape(graph, op.inputs[0], &op.output)));
        self.rule::<rules::BroadcastTo>(|graph, op| {
            let shape = graph.counts(&op.output);
            Ok(graph.node("Expand", &[op.inputs[0], &shape], vec![]))
        });
        self.rule::<rules::Permute>(|graph, op| {
            let ndim = op.shapes[0].len() as i64;
            let axes = op.settings.integers("axes")?.unwrap_or_else(|| (0..ndim).rev().collect());
            let axes = from_zero(axes, ndim);
            Ok(graph.node("Transpose", op.inputs, vec![integers("perm", axes)]))
        });
        self.rule::<rules::Concat>(|graph, op| {
            let axis = op.axis("axis")?;
            Ok(graph.node("Concat", op.inputs, vec![integer("axis", axis)]))
        });
        self.rule::<rules::Slice>(slice);
        self.rule::<rules::IndexSelect>(|graph, op| {
            let indices = graph.integers(&op.settings.list("indices")?);
            let axis = op.axis("axis")?;
            Ok(graph.node("Gather", &[op.inputs[0], &indices], vec![integer("axis", axis)]))
        });
        self.rule::<rules::Gather>(|graph, op| {
            let indices = whole_numbers(graph, op.inputs[1]);
            Ok(graph.node("Gather", &[op.inputs[0], &indices], vec![integer("axis", 0)]))
        });
        self.rule::<rules::OneHot>(|graph, op| {
            let labels = whole_numbers(graph, op.inputs[0]);
            let classes = graph.shaped_integers(&[], &[op.settings.integer("classes")?]);
            let off_and_on = graph.tensor("off_and_on", &[2], &[0.0, 1.0]);
            Ok(graph.node("OneHot", &[&labels, &classes, &off_and_on], vec![]))
        });
        self.rule::<rules::TakeAlong>(|graph, op| {
            let (shape, indices) = (op.settings.list("shape")?, op.settings.list("indices")?);
            let indices = graph.shaped_integers(&shape, &indices);
            let axis = op.axis("axis")?;
            Ok(graph.node("GatherElements", &[op.inputs[0], &indices], vec![integer("axis", axis)]))
        });
        self.rule::<rules::AxisMap>(axis_map);
        self.rule::<rules::Triangle>(|graph, op| {
            let offset = graph.shaped_integers(&[], &[op.settings.integer("offset")?]);
            let upper = integer("upper", op.settings.flag("upper").into());
            Ok(graph.node("Trilu", &[op.inputs[0], &offset], vec![upper]))
        });
        self.rule::<rules::Cumsum>(|graph, op| {
            let axis = graph.shaped_integers(&[], &[op.axis("axis")?]);
            let reverse = integer("reverse", op.settings.flag("reverse").into());
            Ok(graph.node("CumSum", &[op.inputs[0], &axis], vec![reverse]))
        });
    }

    fn reductions(&mut self) {
        self.rule::<rules::Sum>(|graph, op| match pooled_sum(graph, op)? {
            Some(sum) => Ok(sum),
            None => reduce(graph, op, "ReduceSum"),
        });
        self.rule::<rules::Mean>(|graph, op| reduce(graph, op, "ReduceMean"));
        self.rule::<rules::Norm>(|graph, op| reduce(graph, op, "ReduceL2"));
        self.rule::<rules::Extreme>(|graph, op| {
            let largest = op.settings.flag("largest");
            reduce(graph, op, if largest { "ReduceMax" } else { "ReduceMin" })
        });
        self.rule::<rules::Softmax>(|graph, op| {
            let axis = op.axis("axis")?;
            Ok(graph.node("Softmax", op.inputs, vec![integer("axis", axis)]))
        });
        self.rule::<rules::LogSoftmax>(|graph, op| {
            let axis = op.axis("axis")?;
            Ok(graph.node("LogSoftmax", op.inputs, vec![integer("axis", axis)]))
        });
    }

    fn products(&mut self) {
        self.rule::<rules::Matmul>(|graph, op| Ok(graph.node("MatMul", op.inputs, vec![])));
        self.rule::<rules::Conv>(conv);
        self.rule::<rules::Windows>(windows);
        self.rule::<rules::MaxPool>(|graph, op| {
            Ok(graph.node("MaxPool", op.inputs, slides(op.settings)?))
        });
    }
}

fn logarithm(graph: &mut Graph, x: &str, of_base: f32) -> String {
    let (log, of_base) = (graph.node("Log", &[x], vec![]), graph.number(of_base));
    graph.node("Div", &[&log, &of_base], vec![])
}

fn mask(graph: &mut Graph, op: &str, a: &str, b: &str) -> String {
    let truth = graph.node(op, &[a, b], vec![]);
    graph.node("Cast", &[&truth], vec![integer("to", super::proto::FLOAT.into())])
}

/// Indices and labels, which are floats here.
fn whole_numbers(graph: &mut Graph, x: &str) -> String {
    graph.node("Cast", &[x], vec![integer("to", super::proto::INT64.into())])
}

/// Axes counted from 0.
fn from_zero(axes: Vec<i64>, ndim: i64) -> Vec<i64> {
    axes.into_iter().map(|axis| if axis < 0 { axis + ndim } else { axis }).collect()
}

/// A reshape to lengths of which one may depend on the batch without being computed.
fn reshape(graph: &mut Graph, x: &str, to: &[Count]) -> String {
    let empty = to.contains(&Count::Fixed(0));
    let batch = to.iter().filter(|count| count.fixed().is_none()).count();
    let to = if batch == 1 && !empty {
        let lengths: Vec<i64> = to.iter().map(|count| count.fixed().unwrap_or(-1)).collect();
        graph.integers(&lengths)
    } else {
        graph.counts(to)
    };
    // Without it, a length of 0 stands for that of the operand.
    let attributes = if empty { vec![integer("allowzero", 1)] } else { vec![] };
    graph.node("Reshape", &[x, &to], attributes)
}

fn reduce(graph: &mut Graph, op: &Op<'_>, node: &str) -> Result<String, String> {
    let keepdims = integer("keepdims", op.settings.flag("keepdims").into());
    let Some(axes) = op.settings.integers("axes")? else {
        return Ok(graph.node(node, op.inputs, vec![keepdims]));
    };
    if axes.is_empty() {
        return Ok(op.inputs[0].to_owned());
    }
    let axes = graph.integers(&from_zero(axes, op.shapes[0].len() as i64));
    Ok(graph.node(node, &[op.inputs[0], &axes], vec![keepdims]))
}

fn slice(graph: &mut Graph, op: &Op<'_>) -> Result<String, String> {
    let of = |name| op.settings.counts(name).ok_or("it is not known what is taken");
    let (starts, ends, steps) = (of("starts")?, of("ends")?, op.settings.list("steps")?);
    let whole = |&axis: &usize| {
        (starts[axis], ends[axis], steps[axis]) == (Count::Fixed(0), Count::Fixed(END), 1)
    };
    let axes: Vec<usize> = (0..steps.len()).filter(|axis| !whole(axis)).collect();
    let mut x = op.inputs[0].to_owned();
    if !axes.is_empty() {
        let bounds = axes.iter().map(|&axis| bounds(starts[axis], ends[axis], steps[axis]));
        let (starts, ends): (Vec<Count>, Vec<Count>) =
            bounds.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let steps: Vec<i64> = axes.iter().map(|&axis| steps[axis]).collect();
        let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        let (starts, ends) = (graph.counts(&starts), graph.counts(&ends));
        let (axes, steps) = (graph.integers(&axes), graph.integers(&steps));
        x = graph.node("Slice", &[&x, &starts, &ends, &axes, &steps], vec![]);
    }
    let removed = op.settings.list("removed")?;
    if removed.is_empty() {
        return Ok(x);
    }
    let removed = graph.integers(&removed);
    Ok(graph.node("Squeeze", &[&x, &removed], vec![]))
}

/// What stands for the end of an axis, in rules as in ONNX.
const END: i64 = i64::MAX;

/// The bounds of a slice as ONNX has them. A negative step goes from the last element of the
/// range backwards: in ONNX such a slice starts at its end.
fn bounds(start: Count, end: Count, step: i64) -> Result<(Count, Count), String> {
    if step > 0 {
        return Ok((start, end));
    }
    let (Count::Fixed(start), Count::Fixed(end)) = (start, end) else {
        return Err("a slice that goes backwards depends on the batch".into());
    };
    let from = if end == END { -1 } else { end - 1 };
    let to = if start == 0 { i64::MIN } else { start - 1 };
    Ok((Count::Fixed(from), Count::Fixed(to)))
}

/// A linear map along an axis: indices that are taken, or a matrix product.
fn axis_map(graph: &mut Graph, op: &Op<'_>) -> Result<String, String> {
    let list = |name| op.settings.list(name);
    let (mut to, mut from) = (list("to")?, list("from")?);
    let (mut rows, mut length) = (op.settings.integer("rows")?, op.settings.integer("length")?);
    if op.settings.flag("adjoint") {
        (to, from) = (from, to);
        (rows, length) = (length, rows);
    }
    let (weights, axis, x) = (op.settings.numbers("weights"), op.axis("axis")?, op.inputs[0]);
    let copies = weights.iter().all(|&weight| weight == 1.0) && to.iter().copied().eq(0..rows);
    if copies {
        let from = graph.integers(&from);
        return Ok(graph.node("Gather", &[x, &from], vec![integer("axis", axis)]));
    }
    let mut matrix = vec![0.0_f32; (length * rows) as usize];
    for ((&to, &from), &weight) in to.iter().zip(&from).zip(weights) {
        matrix[(from * rows + to) as usize] += weight as f32;
    }
    let matrix = graph.tensor("map", &[length as usize, rows as usize], &matrix);
    let ndim = op.shapes[0].len() as i64;
    let mut last: Vec<i64> = (0..ndim).collect();
    last.swap(axis as usize, ndim as usize - 1);
    let x = graph.node("Transpose", &[x], vec![integers("perm", &last[..])]);
    let product = graph.node("MatMul", &[&x, &matrix], vec![]);
    Ok(graph.node("Transpose", &[&product], vec![integers("perm", last)]))
}

fn conv(graph: &mut Graph, op: &Op<'_>) -> Result<String, String> {
    let mut attributes = slides(op.settings)?;
    attributes.push(integer("group", op.settings.integer("groups")?));
    if op.settings.flag("weight") {
        return Err("the gradient of a convolution's weight has no counterpart in ONNX".into());
    }
    let Some(to) = op.settings.integers("input")? else {
        return Ok(graph.node("Conv", op.inputs, attributes));
    };
    // What a convolution whose last step does not reach the end of the axis leaves over.
    let list = |name| op.settings.list(name);
    let (kernel, stride, dilation) = (list("kernel")?, list("stride")?, list("dilation")?);
    let (before, after) = (list("padding_before")?, list("padding_after")?);
    let mut rest = Vec::with_capacity(to.len());
    for (i, &to) in to.iter().enumerate() {
        let count = op.shapes[0][i + 2].fixed().ok_or("its image depends on the batch")?;
        let span = (kernel[i] - 1) * dilation[i] + 1;
        rest.push(to + before[i] + after[i] - (count - 1) * stride[i] - span);
    }
    attributes.push(integers("output_padding", rest));
    Ok(graph.node("ConvTranspose", op.inputs, attributes))
}

/// Every window side by side: a convolution of each channel by itself with kernels that are 1 in
/// one place. Where the windows are only summed, [`pooled_sum`] takes their place.
fn windows(graph: &mut Graph, op: &Op<'_>) -> Result<String, String> {
    if op.settings.number("fill") != Some(0.0) || op.settings.counts("adjoint").is_some() {
        return Err("windows with padding other than zeros have no counterpart in ONNX".into());
    }
    let kernel = op.settings.list("kernel")?;
    let size: i64 = kernel.iter().product();
    let [batch, channels, spatial @ ..] = &op.shapes[0][..] else {
        return Err("windows need a batch and channels".into());
    };
    let channels = channels.fixed().ok_or("its channels depend on the batch")?;
    let images = match *batch {
        Count::Fixed(number) => Count::Fixed(number * channels),
        Count::Batch(times) => Count::Batch(times * channels),
    };
    let with_images = |rest: &[Count]| -> Vec<Count> {
        [images].into_iter().chain(rest.iter().copied()).collect()
    };
    let one = [Count::Fixed(1)];
    let x = reshape(graph, op.inputs[0], &with_images(&[&one[..], spatial].concat()));
    let mut ones = vec![0.0; (size * size) as usize];
    ones.iter_mut().step_by(size as usize + 1).for_each(|one| *one = 1.0);
    let shape: Vec<usize> =
        [size, 1].iter().chain(&kernel).map(|&length| length as usize).collect();
    let ones = graph.tensor("one_by_one", &shape, &ones);
    let attributes = slides(op.settings)?;
    let laid_out = graph.node("Conv", &[&x, &ones], attributes.clone());
    let result = reshape(graph, &laid_out, &op.output);
    let pooling = (op.inputs[0].to_owned(), attributes, size);
    graph.windows.insert(result.clone(), pooling);
    Ok(result)
}

/// The sum over every window: the average times their size.
fn pooled_sum(graph: &mut Graph, op: &Op<'_>) -> Result<Option<String>, String> {
    let Some((x, mut attributes, size)) = graph.windows.get(op.inputs[0]).cloned() else {
        return Ok(None);
    };
    // ONNX has dilation in average pooling only from opset 19 on.
    let plain = attributes.pop().is_some_and(|dilations| dilations.ints.iter().all(|&d| d == 1));
    let over_window = op.settings.integers("axes")? == Some(vec![2]);
    if !plain || !over_window || op.settings.flag("keepdims") {
        return Ok(None);
    }
    attributes.push(integer("count_include_pad", 1));
    let average = graph.node("AveragePool", &[&x], attributes);
    let size = graph.number(size as f32);
    Ok(Some(graph.node("Mul", &[&average, &size], vec![])))
}
