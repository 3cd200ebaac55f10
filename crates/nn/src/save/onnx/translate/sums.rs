//! Rules that add up or compare along axes, matrix products, convolution and pooling.

use ops::rules;

use super::super::graph::{Graph, integer, integers, slides};
use super::super::symint::SymInt;
use super::{Op, Translations, from_zero, reshape};

impl Translations {
    pub(super) fn reductions(&mut self) {
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

    pub(super) fn products(&mut self) {
        self.rule::<rules::Matmul>(|graph, op| Ok(graph.node("MatMul", op.inputs, vec![])));
        self.rule::<rules::WeightedSum>(|graph, op| Ok(graph.node("MatMul", op.inputs, vec![])));
        self.rule::<rules::Conv>(conv);
        self.rule::<rules::Windows>(windows);
        self.rule::<rules::MaxPool>(|graph, op| {
            Ok(graph.node("MaxPool", op.inputs, slides(op.settings)?))
        });
    }
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

fn conv(graph: &mut Graph, op: &Op<'_>) -> Result<String, String> {
    let mut attributes = slides(op.settings)?;
    attributes.push(integer("group", op.settings.integer("groups")?));
    if op.settings.flag("weight") {
        return Err("the gradient of a convolution's weight has no counterpart in ONNX".into());
    }
    let Some(to) = op.settings.integers("input")? else {
        return Ok(graph.node("Conv", op.inputs, attributes));
    };
    // What is left over where the last step of the convolution does not reach the end.
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
/// one place. Where the windows are only summed, [`pooled_sum`] is used instead.
fn windows(graph: &mut Graph, op: &Op<'_>) -> Result<String, String> {
    if op.settings.counts("adjoint").is_some() {
        return Err("windows that are added back have no counterpart in ONNX".into());
    }
    let kernel = op.settings.list("kernel")?;
    let size: i64 = kernel.iter().product();
    let [batch, channels, spatial @ ..] = &op.shapes[0][..] else {
        return Err("windows need a batch and channels".into());
    };
    let channels = channels.fixed().ok_or("its channels depend on the batch")?;
    let images = match *batch {
        SymInt::Fixed(number) => SymInt::Fixed(number * channels),
        SymInt::Batch(times) => SymInt::Batch(times * channels),
    };
    let with_images = |rest: &[SymInt]| -> Vec<SymInt> {
        [images].into_iter().chain(rest.iter().copied()).collect()
    };
    let one = [SymInt::Fixed(1)];
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
