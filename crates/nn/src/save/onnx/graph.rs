//! The graph that is being written.

use std::collections::{HashMap, HashSet};

use super::proto::{self, Attribute, FLOAT, INT64, Node, Tensor};
use super::symint::{Settings, SymInt};

/// The name of what goes in.
pub(super) const INPUT: &str = "input";
/// The name of what comes out.
pub(super) const OUTPUT: &str = "output";

/// Nodes and constants, in the order in which they were added. Values are known by name.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    constants: Vec<Tensor>,
    names: HashSet<String>,
    /// Constants by content, and multiples of the batch, so that each occurs once.
    known: HashMap<String, String>,
    /// What comes before the names of new values: the layer that they belong to.
    pub scope: String,
    /// By the name of their result, the windows that were laid out: operand and settings.
    pub windows: HashMap<String, (String, Vec<Attribute>, i64)>,
}

impl Graph {
    pub fn new() -> Self {
        let names = [INPUT, OUTPUT].map(str::to_owned).into();
        Self { names, ..Self::default() }
    }

    /// An unused name that begins with `wish`.
    fn name(&mut self, wish: &str) -> String {
        let numbered = (2..).map(|number| format!("{wish}.{number}"));
        let free = std::iter::once(wish.to_owned())
            .chain(numbered)
            .find(|name| !self.names.contains(name));
        let free = free.expect("one of infinitely many");
        self.names.insert(free.clone());
        free
    }

    /// Adds a node of one result, and returns its name.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let wish = match &*self.scope {
            "" => op.to_owned(),
            scope => format!("{scope}.{op}"),
        };
        let output = self.name(&wish);
        self.nodes.push(Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            op_type: op.to_owned(),
            attribute: attributes,
        });
        output
    }

    /// Adds a tensor of floats under a name of its own.
    pub fn tensor(&mut self, wish: &str, shape: &[usize], numbers: &[f32]) -> String {
        let name = self.name(wish);
        self.constants.push(Tensor {
            dims: shape.iter().map(|&length| length as i64).collect(),
            data_type: FLOAT,
            name: name.clone(),
            raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        });
        name
    }

    /// A number, as a scalar.
    pub fn number(&mut self, number: f32) -> String {
        let key = format!("float {:x}", number.to_bits());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let name = self.tensor(&format!("{number}"), &[], &[number]);
        self.known.insert(key, name.clone());
        name
    }

    /// Whole numbers, as a vector.
    pub fn integers(&mut self, numbers: &[i64]) -> String {
        self.shaped_integers(&[numbers.len() as i64], numbers)
    }

    /// Whole numbers in a shape.
    pub fn shaped_integers(&mut self, shape: &[i64], numbers: &[i64]) -> String {
        let key = format!("integers {shape:?} {numbers:?}");
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let few = numbers.len() <= 8;
        let name = self.name(&if few { format!("{numbers:?}") } else { "integers".to_owned() });
        self.constants.push(Tensor {
            dims: shape.to_vec(),
            data_type: INT64,
            name: name.clone(),
            raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        });
        self.known.insert(key, name.clone());
        name
    }

    /// Whole numbers as a vector; what depends on the batch is computed.
    pub fn counts(&mut self, counts: &[SymInt]) -> String {
        let fixed: Option<Vec<i64>> = counts.iter().map(|count| count.fixed()).collect();
        if let Some(fixed) = fixed {
            return self.integers(&fixed);
        }
        let parts: Vec<String> = counts
            .iter()
            .map(|&count| match count {
                SymInt::Fixed(number) => self.integers(&[number]),
                SymInt::Batch(times) => self.batch(times),
            })
            .collect();
        match &parts[..] {
            [part] => part.clone(),
            parts => {
                let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
                self.node("Concat", &parts, vec![integer("axis", 0)])
            }
        }
    }

    /// A multiple of the size of the batch, as a vector of one.
    fn batch(&mut self, times: i64) -> String {
        let key = format!("batch {times}");
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let scope = std::mem::replace(&mut self.scope, "batch".to_owned());
        let name = if times == 1 {
            self.node("Shape", &[INPUT], vec![integer("start", 0), integer("end", 1)])
        } else {
            let (batch, times) = (self.batch(1), self.integers(&[times]));
            self.node("Mul", &[&batch, &times], vec![])
        };
        self.scope = scope;
        self.known.insert(key, name.clone());
        name
    }

    /// All that `output` needs, with `output` under its final name.
    pub fn finish(mut self, output: &str) -> proto::Graph {
        let mut needed = HashSet::from([output.to_owned()]);
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        while let Some(node) = self.nodes.pop() {
            if node.output.iter().any(|name| needed.contains(name)) {
                needed.extend(node.input.iter().cloned());
                nodes.push(node);
            }
        }
        nodes.reverse();
        let is_result = nodes.iter().any(|node| node.output[0] == output);
        if is_result {
            let names =
                nodes.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
            names.filter(|name| *name == output).for_each(|name| OUTPUT.clone_into(name));
        } else {
            nodes.push(Node {
                input: vec![output.to_owned()],
                output: vec![OUTPUT.to_owned()],
                op_type: "Identity".to_owned(),
                attribute: vec![],
            });
        }
        self.constants.retain(|constant| needed.contains(&constant.name));
        let (node, initializer) = (nodes, self.constants);
        proto::Graph { node, initializer, name: "model".to_owned(), input: vec![], output: vec![] }
    }
}

pub(super) fn integer(name: &str, number: i64) -> Attribute {
    Attribute { name: name.to_owned(), i: Some(number), r#type: 2, ..Attribute::default() }
}

pub(super) fn integers(name: &str, numbers: impl Into<Vec<i64>>) -> Attribute {
    Attribute { name: name.to_owned(), ints: numbers.into(), r#type: 7, ..Attribute::default() }
}

pub(super) fn number(name: &str, number: f64) -> Attribute {
    Attribute { name: name.to_owned(), f: Some(number as f32), r#type: 1, ..Attribute::default() }
}

/// How windows slide, as attributes of a convolution or pooling.
pub(super) fn slides(settings: &Settings) -> Result<Vec<Attribute>, String> {
    let mut pads = settings.list("padding_before")?;
    pads.extend(settings.list("padding_after")?);
    Ok(vec![
        integers("kernel_shape", settings.list("kernel")?),
        integers("strides", settings.list("stride")?),
        integers("pads", pads),
        integers("dilations", settings.list("dilation")?),
    ])
}
