//! A trace as data: what other programs, such as a page in a browser, read as JSON.
//!
//! The schema is described field by field in `docs/src/schema.md`. A [`Document`] is written and
//! read with [`to_json`](Document::to_json) and [`from_json`](Document::from_json), or with any
//! format of serde; numbers come back bit for bit.
//!
//! ```
//! use tape::{Tape, Trace, prelude::*};
//! use tape::trace::document::{Document, Settings};
//!
//! let tape = Tape::new();
//! let (w, x) = (tape.var(0.5).named("w"), tape.constant(2.0).named("x"));
//! let trace = Trace::of((w * x).tanh().named("y"))?;
//! let document = Document::new(&trace, &Settings::default());
//! let read = Document::<f64>::from_json(&document.to_json())?;
//! assert_eq!(read, document);
//! let w = &read.nodes[0];
//! assert_eq!((w.label.as_str(), read.value(w.gradient.unwrap()).numbers()[0]), ("w", 2.0 * (1.0 - 1_f64.tanh().powi(2))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod miniature;
mod open;
mod read;
mod update;
mod value;
mod why;

use std::collections::BTreeMap;

use ops::Float;
use serde::{Deserialize, Serialize};

use super::{NothingFlows, Rounding, RunStep, Trace};
use crate::words::Language;
use build::Builder;
pub use miniature::Miniature;
pub use read::DocumentError;
use read::Header;
pub use update::{Largest, Line, LineKind, Update};
pub use value::{Number, Value};
pub use why::{Stop, Why};

/// The version of the schema.
pub const VERSION: u32 = 1;
const FORMAT: &str = "chainrule trace";

/// The extent of a document, and the precision of its formulas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A tensor of more elements than this is summarised.
    pub elements: usize,
    /// The numbers in formulas. They are for reading; the values are always exact.
    pub rounding: Rounding,
    /// The largest number of nodes: the nearest to the output in the order of the sweep. Their
    /// operands come on top.
    pub nodes: usize,
    /// Takes in, if true, the lines of the program that recorded the nodes, where the files can be
    /// read from the current directory or one above, such as the root of the workspace.
    pub sources: bool,
    /// The number of characters that the [openings](Opening) of elements may take. The first that fit
    /// are taken in; 0 for none.
    pub openings: usize,
    /// The number of characters that the [miniatures](Miniature) of summarised tensors may take. The
    /// first that fit are taken in; 0 for none.
    pub miniatures: usize,
    /// The language of the sentences in it, and of the page that shows it.
    pub language: Language,
}

impl Default for Settings {
    /// Tensors of up to 64 elements in full, all nodes, no lines of the program, 50,000 characters of
    /// openings and of miniatures, English.
    fn default() -> Self {
        Self {
            elements: 64,
            rounding: Rounding::default(),
            nodes: usize::MAX,
            sources: false,
            openings: 50_000,
            miniatures: 50_000,
            language: Language::ENGLISH,
        }
    }
}

/// A trace as data. Nodes, values, files, scopes and steps refer to each other by their indices
/// in these lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Document<A: Float> {
    /// `"chainrule trace"`.
    pub format: String,
    /// The version of the schema, [`VERSION`].
    pub version: u32,
    /// The element type: `"f32"` or `"f64"`.
    pub element: String,
    /// The node that is differentiated.
    pub output: usize,
    /// The number of nodes that are left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub left_out: usize,
    /// The files of the program that recorded the nodes.
    pub files: Vec<File>,
    /// The named scopes that the nodes belong to.
    pub scopes: Vec<Scope>,
    /// Every distinct value, once.
    pub values: Vec<Value<A>>,
    /// The nodes, in the order of recording.
    pub nodes: Vec<Node>,
    /// The steps of both passes.
    pub steps: Vec<Step>,
    /// What the optimiser did with each parameter, in a step of training.
    #[serde(default, skip_serializing_if = "is_default")]
    pub updates: Vec<Update>,
    /// The loss of the same data with the new parameters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub loss_after: Option<usize>,
}

/// A file of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its path as the compiler saw it.
    pub path: String,
    /// The text of the lines that recorded nodes, by line number.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lines: BTreeMap<u32, String>,
}

/// A named scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// The scope around it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parent: Option<usize>,
}

/// The source of a node's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Given, and differentiated with respect to.
    Variable,
    /// Given.
    Constant,
    /// A copy that gradients do not pass.
    Detached,
    /// Computed by an op.
    Op,
}

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its position on the tape.
    pub position: usize,
    /// What it is called: its name, the expression that computed it, or `#` and the position.
    pub label: String,
    /// The label in parentheses, where it needs them to stand in `∂L/∂(w·x)`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub enclosed: Option<String>,
    /// What its adjoint is called.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bar: String,
    /// True if the program gave it the name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub named: bool,
    /// True if the label is the expression that computed it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spelled: bool,
    /// The source of its value.
    pub kind: Kind,
    /// The op that computed it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub op: Option<String>,
    /// The file, line and column that recorded it.
    pub at: [u32; 3],
    /// The innermost scope that it belongs to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scope: Option<usize>,
    /// The lengths of its axes; none for a scalar.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shape: Vec<usize>,
    /// The nodes that it was computed from, in order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub operands: Vec<usize>,
    /// True if it was computed from nodes that are left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: bool,
    /// Its uses that report in the sweep, in that order: the node, and as which operand.
    #[serde(default, skip_serializing_if = "is_default")]
    pub uses: Vec<[usize; 2]>,
    /// The formula of its value.
    #[serde(flatten)]
    pub formula: Formula,
    /// Its value.
    pub value: usize,
    /// What each element of the value is the sum of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub opened: Vec<Opening>,
    /// The gradient of the output with respect to it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gradient: Option<usize>,
    /// The reason that no gradient reaches it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nothing: Option<NothingFlows>,
    /// Why its gradient is zero or missing, where it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub why: Vec<Why>,
    /// The step in which it passes its adjoint on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub backward: Option<usize>,
}

/// A formula in labels, and with numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formula {
    /// The formula in labels.
    #[serde(rename = "formula", default, skip_serializing_if = "is_default")]
    pub names: Option<String>,
    /// The formula with rounded numbers, where that differs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub numbers: Option<String>,
}

/// An element as the sum of its terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The terms in names: `W[1,0]·x[0] + W[1,1]·x[1]`.
    pub names: String,
    /// The terms with rounded numbers, where that differs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub numbers: String,
    /// What it was computed from inside a composed op, each an equation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parts: Vec<String>,
}

/// The elements of a contribution, all together, as a product of matrices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The sum for any element: `W̄[i,j] = z̄[i]·x[j]`.
    pub element: String,
    /// What that is: `W̄ = z̄ xᵀ`.
    pub product: String,
    /// Why, in a sentence.
    pub why: String,
}

/// A step of one of the passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "pass", rename_all = "lowercase")]
pub enum Step {
    /// A node is computed or given.
    Forward {
        /// The node.
        node: usize,
    },
    /// A node passes its adjoint on.
    Backward {
        /// The node.
        node: usize,
        /// Its adjoint.
        adjoint: usize,
        /// The contributions, one for each operand.
        #[serde(default, skip_serializing_if = "is_default")]
        contributions: Vec<Contribution>,
    },
}

/// A contribution to an operand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The operand.
    pub operand: usize,
    /// The reason that it receives nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nothing: Option<NothingFlows>,
    /// The local derivative as a formula.
    #[serde(default, skip_serializing_if = "is_default")]
    pub local: Option<String>,
    /// The local derivative with numbers, where that differs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub local_numbers: Option<String>,
    /// Its value, for an elementwise op: a number for each element of the node.
    #[serde(default, skip_serializing_if = "is_default")]
    pub local_value: Option<usize>,
    /// The contribution as a formula.
    #[serde(flatten)]
    pub formula: Formula,
    /// Its value.
    #[serde(default, skip_serializing_if = "is_default")]
    pub value: Option<usize>,
    /// What each element of it is the sum of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub opened: Vec<Opening>,
    /// How all of them are a product of matrices.
    #[serde(default, skip_serializing_if = "is_default")]
    pub product: Option<Product>,
    /// The operand's adjoint so far; none before the first contribution.
    #[serde(default, skip_serializing_if = "is_default")]
    pub before: Option<usize>,
    /// The operand's adjoint with this contribution.
    #[serde(default, skip_serializing_if = "is_default")]
    pub after: Option<usize>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl<A: Float> Document<A> {
    /// The trace as data.
    pub fn new(trace: &Trace<'_, A>, settings: &Settings) -> Self {
        Builder::new(trace, settings).document(None)
    }

    /// A step of training as data: both passes, the updates, and the loss after them.
    pub fn of_step(step: &RunStep<'_, A>, settings: &Settings) -> Self {
        Builder::new(step.trace(), settings).document(Some(step))
    }

    /// A value of [`values`](Self::values).
    ///
    /// # Panics
    /// If there is none of that number.
    pub fn value(&self, index: usize) -> &Value<A> {
        &self.values[index]
    }

    /// Compact JSON, on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("lists, texts and numbers can all be written")
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// If it is no JSON, no trace, a trace of another version or element type, or refers to what it
    /// does not contain.
    pub fn from_json(json: &str) -> Result<Self, DocumentError> {
        let header: Header = serde_json::from_str(json)?;
        header.check::<A>()?;
        let document: Self = serde_json::from_str(json)?;
        document.check()?;
        Ok(document)
    }
}
