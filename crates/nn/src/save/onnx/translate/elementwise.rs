//! Elementwise rules.

use ops::rules::{self, Lift};

use super::super::graph::{Graph, integer, number};
use super::super::proto;
use super::Translations;

impl Translations {
    pub(super) fn elementwise(&mut self) {
        self.functions();
        self.activations();
        self.composed();
        self.of_two();
        self.masks();
    }

    /// Functions that are one operator.
    fn functions(&mut self) {
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
    }

    fn activations(&mut self) {
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
    }

    /// Functions that ONNX lacks, by other operators.
    fn composed(&mut self) {
        self.unary_with::<rules::Square>(|graph, x, _| graph.node("Mul", &[x, x], vec![]));
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
    }

    fn of_two(&mut self) {
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
            let to_bool = vec![integer("to", proto::BOOL.into())];
            let mask = graph.node("Cast", &[op.inputs[0]], to_bool);
            Ok(graph.node("Where", &[&mask, op.inputs[1], op.inputs[2]], vec![]))
        });
    }
}

fn logarithm(graph: &mut Graph, x: &str, of_base: f32) -> String {
    let (log, of_base) = (graph.node("Log", &[x], vec![]), graph.number(of_base));
    graph.node("Div", &[&log, &of_base], vec![])
}

fn mask(graph: &mut Graph, op: &str, a: &str, b: &str) -> String {
    let truth = graph.node(op, &[a, b], vec![]);
    graph.node("Cast", &[&truth], vec![integer("to", proto::FLOAT.into())])
}
