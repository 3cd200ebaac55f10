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

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::{fmt, fs};

use ops::{Float, Tensor};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::summary::Summary;
use super::{Backward, NothingFlows, Rounding, Trace, Use, Written};
use crate::graph::tape::Source;
use crate::graph::var::Var;

/// The version of the schema.
pub const VERSION: u32 = 1;
const FORMAT: &str = "chainrule trace";

/// What a document takes in, and how exactly its formulas are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A tensor of more elements than this is summarised.
    pub elements: usize,
    /// The numbers in formulas. They are for reading; the values are always exact.
    pub rounding: Rounding,
    /// Of a larger graph, only this many nodes, the nearest to the output in the order of the
    /// sweep, and what they were computed from.
    pub nodes: usize,
    /// Whether to take in the lines of the program that recorded the nodes, where the files can be
    /// read from the current directory or one above, such as the root of the workspace.
    pub sources: bool,
}

impl Default for Settings {
    /// Tensors of up to 64 elements in full, all nodes, no lines of the program.
    fn default() -> Self {
        Self { elements: 64, rounding: Rounding::default(), nodes: usize::MAX, sources: false }
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
    /// How many nodes the graph has beyond those listed.
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

/// Where a node's value comes from.
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
    /// Its name, or `v` and the position.
    pub label: String,
    /// Whether the program gave it the name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub named: bool,
    /// Where its value comes from.
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
    /// Whether it was computed from nodes that are left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: bool,
    /// Its uses that report in the sweep, in that order: the node, and as which operand.
    #[serde(default, skip_serializing_if = "is_default")]
    pub uses: Vec<[usize; 2]>,
    /// How it was computed.
    #[serde(flatten)]
    pub formula: Formula,
    /// Its value.
    pub value: usize,
    /// The gradient of the output with respect to it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gradient: Option<usize>,
    /// Why no gradient reaches it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nothing: Option<NothingFlows>,
    /// The step in which it passes its adjoint on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub backward: Option<usize>,
}

/// A formula in labels, and with numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formula {
    /// In labels; `ȳ` is the adjoint of the step's node.
    #[serde(rename = "formula", default, skip_serializing_if = "is_default")]
    pub names: Option<String>,
    /// With rounded numbers, where that differs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub numbers: Option<String>,
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
        /// What it passes on, one entry for each operand.
        #[serde(default, skip_serializing_if = "is_default")]
        contributions: Vec<Contribution>,
    },
}

/// What an operand receives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The operand.
    pub operand: usize,
    /// Why it receives nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nothing: Option<NothingFlows>,
    /// The local derivative as a formula.
    #[serde(default, skip_serializing_if = "is_default")]
    pub local: Option<String>,
    /// The same with numbers, where that differs.
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
    /// The operand's adjoint so far; none before the first contribution.
    #[serde(default, skip_serializing_if = "is_default")]
    pub before: Option<usize>,
    /// The operand's adjoint with this contribution.
    #[serde(default, skip_serializing_if = "is_default")]
    pub after: Option<usize>,
}

/// A value: a number, a tensor, or the summary of a large tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, bound = "")]
pub enum Value<A: Float> {
    /// A tensor without axes.
    Scalar(Number<A>),
    /// A tensor in full.
    Tensor {
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// The elements, the last axis fastest.
        data: Vec<Number<A>>,
    },
    /// A large tensor.
    Summary {
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// The first three indices along each of the last two axes, at index 0 of the others.
        corner: Box<Self>,
        /// The smallest finite element.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<Number<A>>,
        /// The mean of the finite elements.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mean: Option<Number<A>>,
        /// The largest finite element.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<Number<A>>,
        /// How many elements are infinite or NaN.
        #[serde(default, skip_serializing_if = "is_default")]
        not_finite: usize,
    },
}

/// A number that every format can carry: where it is not finite, as `"NaN"`, `"inf"` or `"-inf"`.
/// Equal if the bits are, or both are NaN.
#[derive(Clone, Copy, Debug)]
pub struct Number<A>(pub A);

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl<A: Float> Document<A> {
    /// The trace as data.
    pub fn new(trace: &Trace<'_, A>, settings: &Settings) -> Self {
        Builder::new(trace, settings).document()
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

    /// Refuses indices that lead nowhere.
    fn check(&self) -> Result<(), DocumentError> {
        let (values, nodes) =
            (Range::new("values", &self.values), Range::new("nodes", &self.nodes));
        let (files, scopes) =
            (Range::new("files", &self.files), Range::new("scopes", &self.scopes));
        nodes.check([self.output])?;
        for (i, scope) in self.scopes.iter().enumerate() {
            // A scope is entered after the one around it.
            Range { list: "scopes", length: i }.check(scope.parent)?;
        }
        for (i, node) in self.nodes.iter().enumerate() {
            files.check([node.at[0] as usize])?;
            scopes.check(node.scope)?;
            Range { list: "nodes", length: i }.check(node.operands.iter().copied())?;
            nodes.check(node.uses.iter().map(|u| u[0]))?;
            values.check([node.value].into_iter().chain(node.gradient))?;
            Range::new("steps", &self.steps).check(node.backward)?;
        }
        for step in &self.steps {
            match step {
                Step::Forward { node } => nodes.check([*node])?,
                Step::Backward { node, adjoint, contributions } => {
                    nodes.check([*node])?;
                    values.check([*adjoint])?;
                    for c in contributions {
                        nodes.check([c.operand])?;
                        values.check(
                            [c.local_value, c.value, c.before, c.after].into_iter().flatten(),
                        )?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A list that indices point into.
#[derive(Clone, Copy)]
struct Range {
    list: &'static str,
    length: usize,
}

impl Range {
    fn new<T>(list: &'static str, of: &[T]) -> Self {
        Self { list, length: of.len() }
    }

    fn check(self, indices: impl IntoIterator<Item = usize>) -> Result<(), DocumentError> {
        let Self { list, length } = self;
        match indices.into_iter().find(|&index| index >= length) {
            Some(index) => Err(DocumentError::Index { list, index, length }),
            None => Ok(()),
        }
    }
}

/// A document that cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// No JSON, or fields missing or of another type.
    #[error("this is no trace: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON of another kind.
    #[error("this is no trace: its format is {found:?}, but {FORMAT:?} is read")]
    Format {
        /// Its `format`.
        found: String,
    },
    /// Another version.
    #[error("the trace has version {found} of the schema, but version {VERSION} is read")]
    Version {
        /// Its version.
        found: u32,
    },
    /// Another element type.
    #[error("the trace holds numbers of type {found}, but {wanted} were asked for")]
    Element {
        /// Its element type.
        found: String,
        /// The one asked for.
        wanted: &'static str,
    },
    /// An index that leads nowhere.
    #[error("the trace refers to number {index} of its {list}, where only {length} are allowed")]
    Index {
        /// Which list.
        list: &'static str,
        /// The index.
        index: usize,
        /// How many there are before.
        length: usize,
    },
}

/// What is read first.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
    element: String,
}

impl Header {
    fn check<A: Float>(self) -> Result<(), DocumentError> {
        if self.format != FORMAT {
            return Err(DocumentError::Format { found: self.format });
        }
        if self.version != VERSION {
            return Err(DocumentError::Version { found: self.version });
        }
        if self.element != A::NAME {
            return Err(DocumentError::Element { found: self.element, wanted: A::NAME });
        }
        Ok(())
    }
}

/// Puts a document together.
struct Builder<'a, 't, A: Float> {
    trace: &'a Trace<'t, A>,
    settings: &'a Settings,
    /// The nodes taken in, in the order of recording.
    taken: Vec<Var<'t, A>>,
    /// The first position on the tape of which everything is taken in. What lies before it is there
    /// as an operand only.
    since: usize,
    files: Vec<File>,
    /// The scopes of the tape, by their numbers there, and their numbers here.
    scopes: BTreeMap<usize, usize>,
    values: Vec<Value<A>>,
    /// The numbers of the values, by shape and bits.
    known: HashMap<(Vec<usize>, Vec<u64>), usize>,
}

impl<'a, 't, A: Float> Builder<'a, 't, A> {
    fn new(trace: &'a Trace<'t, A>, settings: &'a Settings) -> Self {
        let (taken, since) = nearest(trace, settings.nodes.max(1));
        let scopes = scopes_of(&taken);
        let (files, values, known) = (Vec::new(), Vec::new(), HashMap::new());
        Self { trace, settings, taken, since, files, scopes, values, known }
    }

    fn document(mut self) -> Document<A> {
        let taken = self.taken.clone();
        let nodes: Vec<Node> = taken.iter().map(|&x| self.node(x)).collect();
        let mut steps: Vec<Step> = (0..taken.len()).map(|node| Step::Forward { node }).collect();
        let (turns, since) = (self.trace.backward(), self.since);
        for step in turns.iter().take_while(|step| step.node.position() >= since) {
            steps.push(self.backward(step));
        }
        if self.settings.sources {
            for (number, file) in self.files.iter_mut().enumerate() {
                let here = nodes.iter().filter(|node| node.at[0] as usize == number);
                file.read(here.map(|node| node.at[1]));
            }
        }
        Document {
            format: FORMAT.to_owned(),
            version: VERSION,
            element: A::NAME.to_owned(),
            output: taken.len() - 1,
            left_out: self.trace.nodes().len() - taken.len(),
            scopes: self.scope_list(),
            files: self.files,
            values: self.values,
            nodes,
            steps,
        }
    }

    /// The number of a node in the document.
    fn index(&self, node: Var<'t, A>) -> usize {
        let found = self.taken.binary_search_by_key(&node.position(), |x| x.position());
        found.expect("operands and users of a node that is taken in are taken in too")
    }

    fn node(&mut self, x: Var<'t, A>) -> Node {
        let turn = self.trace.backward_step_of(x).map(|n| n - self.trace.nodes().len());
        let whole = x.position() >= self.since;
        let operands = x.operands();
        let step = turn.filter(|_| whole).map(|turn| &self.trace.backward()[turn]);
        let gradient = self.trace.gradient(x);
        let nothing = match gradient {
            Ok(_) => turn.is_none().then_some(NothingFlows::ZeroSlope),
            Err(reason) => Some(reason),
        };
        let place = x.place();
        let file = self.file(&place.file);
        if let Some(text) = place.text {
            self.files[file].lines.insert(place.line, text.to_string());
        }
        Node {
            position: x.position(),
            label: x.label(),
            named: x.name().is_some(),
            kind: match x.tape().graph()[x.index()].source {
                Source::Variable => Kind::Variable,
                Source::Constant => Kind::Constant,
                Source::Detached => Kind::Detached,
                Source::Op(_) => Kind::Op,
            },
            op: x.op().map(str::to_owned),
            at: [file as u32, place.line, place.column],
            scope: x.scope().map(|scope| self.scopes[&scope]),
            shape: x.shape().to_vec(),
            cut: !whole && !operands.is_empty(),
            operands: operands.iter().filter(|_| whole).map(|&x| self.index(x)).collect(),
            uses: step.map_or_else(Vec::new, |step| {
                step.uses.iter().map(|u: &Use<'t, A>| [self.index(u.node), u.position]).collect()
            }),
            formula: crate::show::trace::formula::value(x, self.settings.rounding)
                .filter(|_| whole)
                .map_or_else(Formula::default, Formula::from),
            value: self.value(&x.value()),
            gradient: gradient.ok().map(|gradient| self.value(&gradient)),
            nothing,
            backward: step.and(turn).map(|turn| self.taken.len() + turn),
        }
    }

    fn backward(&mut self, step: &Backward<'t, A>) -> Step {
        let contributions = (0..step.contributions.len()).map(|i| self.contribution(step, i));
        let contributions = contributions.collect();
        let (node, adjoint) = (self.index(step.node), self.value(&step.adjoint));
        Step::Backward { node, adjoint, contributions }
    }

    fn contribution(&mut self, step: &Backward<'t, A>, position: usize) -> Contribution {
        let rounding = self.settings.rounding;
        let Formula { names: local, numbers: local_numbers } =
            step.local_formula(position, rounding).map_or_else(Formula::default, Formula::from);
        let contribution = &step.contributions[position];
        let received = contribution.received.as_ref();
        let before = received.ok().and_then(|received| received.before.as_ref());
        Contribution {
            operand: self.index(contribution.operand),
            nothing: received.err().copied(),
            local,
            local_numbers,
            local_value: step.local(position).map(|local| self.value(&local)),
            formula: step.formula(position, rounding).map_or_else(Formula::default, Formula::from),
            before: before.map(|before| self.value(before)),
            value: received.ok().map(|received| self.value(&received.value)),
            after: received.ok().map(|received| self.value(&received.after)),
        }
    }

    /// The number of a value, which is listed once.
    fn value(&mut self, x: &Tensor<A>) -> usize {
        let value = Value::new(x, self.settings.elements);
        let numbers = value.numbers().iter().map(|x| x.to_f64().to_bits()).collect();
        let next = self.values.len();
        let index = *self.known.entry((x.shape().to_vec(), numbers)).or_insert(next);
        if index == next {
            self.values.push(value);
        }
        index
    }

    fn file(&mut self, path: &str) -> usize {
        let known = self.files.iter().position(|file| file.path == path);
        known.unwrap_or_else(|| {
            self.files.push(File { path: path.to_owned(), lines: BTreeMap::new() });
            self.files.len() - 1
        })
    }

    fn scope_list(&self) -> Vec<Scope> {
        let all = self.trace.output().tape().scopes();
        let scope = |&number: &usize| Scope {
            name: all[number].name.to_string(),
            parent: all[number].parent.map(|parent| self.scopes[&parent]),
        };
        self.scopes.keys().map(scope).collect()
    }
}

/// The last `limit` nodes and their operands; and the position of the first of those nodes.
fn nearest<'t, A: Float>(trace: &Trace<'t, A>, limit: usize) -> (Vec<Var<'t, A>>, usize) {
    let all = trace.nodes();
    let (before, whole) = all.split_at(all.len().saturating_sub(limit));
    let since = whole[0].position();
    let operands = whole.iter().flat_map(|x| x.operands());
    let mut taken: Vec<usize> =
        operands.map(Var::position).filter(|&position| position < since).collect();
    taken.sort_unstable();
    taken.dedup();
    let operand = |position: usize| {
        let found = before.binary_search_by_key(&position, |x| x.position());
        before[found.expect("an operand takes part")]
    };
    (taken.into_iter().map(operand).chain(whole.iter().copied()).collect(), since)
}

/// The scopes that nodes belong to and those around them, numbered in the order of entering.
fn scopes_of<A: Float>(nodes: &[Var<'_, A>]) -> BTreeMap<usize, usize> {
    let all = nodes[0].tape().scopes();
    let mut scopes = BTreeMap::new();
    for scope in nodes.iter().filter_map(|x| x.scope()) {
        let mut outwards = Some(scope);
        while let Some(scope) = outwards.filter(|scope| !scopes.contains_key(scope)) {
            scopes.insert(scope, 0);
            outwards = all[scope].parent;
        }
    }
    scopes.values_mut().enumerate().for_each(|(number, scope)| *scope = number);
    scopes
}

impl File {
    /// Takes in the lines of these numbers, if the file can be read.
    fn read(&mut self, lines: impl Iterator<Item = u32>) {
        let Ok(here) = std::env::current_dir() else { return };
        let mut texts = here.ancestors().map(|folder| fs::read_to_string(folder.join(&self.path)));
        let Some(text) = texts.find_map(Result::ok) else { return };
        let text: Vec<&str> = text.lines().collect();
        for line in lines {
            if let Some(text) = text.get(line as usize - 1) {
                self.lines.insert(line, text.trim().to_owned());
            }
        }
    }
}

impl From<Written> for Formula {
    fn from(Written { names, numbers }: Written) -> Self {
        let numbers = Some(numbers).filter(|numbers| *numbers != names);
        Self { names: Some(names), numbers }
    }
}

impl<A: Float> Value<A> {
    /// A tensor in full up to so many elements, and summarised above.
    pub fn new(x: &Tensor<A>, elements: usize) -> Self {
        if x.ndim() == 0 {
            return Self::Scalar(Number(x.item()));
        }
        let shape = x.shape().to_vec();
        if x.len() <= elements {
            let data = x.view().iter().copied().map(Number).collect();
            return Self::Tensor { shape, data };
        }
        let Summary { shape, corner, min, mean, max, not_finite } = Summary::new(x);
        Self::Summary {
            shape,
            corner: Box::new(Self::new(&corner, usize::MAX)),
            min: min.map(Number),
            mean: mean.map(Number),
            max: max.map(Number),
            not_finite,
        }
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Scalar(_) => &[],
            Self::Tensor { shape, .. } | Self::Summary { shape, .. } => shape,
        }
    }

    /// The numbers that are there: all elements, or those of the summary.
    pub fn numbers(&self) -> Vec<A> {
        match self {
            Self::Scalar(number) => vec![number.0],
            Self::Tensor { data, .. } => data.iter().map(|number| number.0).collect(),
            Self::Summary { corner, min, mean, max, .. } => {
                let summary = [min, mean, max].into_iter().flatten().map(|number| number.0);
                corner.numbers().into_iter().chain(summary).collect()
            }
        }
    }

    /// The tensor, unless it is summarised.
    pub fn tensor(&self) -> Option<Tensor<A>> {
        match self {
            Self::Scalar(number) => Some(Tensor::scalar(number.0)),
            Self::Tensor { shape, .. } => Tensor::from_shape_vec(shape, self.numbers()).ok(),
            Self::Summary { .. } => None,
        }
    }
}

impl<A: Float> PartialEq for Number<A> {
    fn eq(&self, other: &Self) -> bool {
        let bits = |x: A| x.to_f64().to_bits();
        bits(self.0) == bits(other.0) || (self.0.is_nan() && other.0.is_nan())
    }
}

impl<A: Float> Serialize for Number<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.0.to_f64();
        if value.is_finite() {
            serializer.serialize_f64(short_f64(self.0))
        } else {
            serializer.serialize_str(if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "inf"
            } else {
                "-inf"
            })
        }
    }
}

/// The `f64` that is written in the place of a number, and becomes that number again when it is
/// read: for an `f32` the one of fewest digits. (Of all `f32`, 7.038531e-26 alone does not come back
/// from its shortest decimal by way of an `f64`.)
fn short_f64<A: Float>(value: A) -> f64 {
    let exact = value.to_f64();
    let short = value.to_string().parse().unwrap_or(exact);
    if A::from_f64(short) == value { short } else { exact }
}

impl<'de, A: Float> Deserialize<'de> for Number<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor(PhantomData))
    }
}

struct NumberVisitor<A>(PhantomData<A>);

impl<A: Float> Visitor<'_> for NumberVisitor<A> {
    type Value = Number<A>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"inf\" or \"-inf\"")
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number<A>, E> {
        Ok(Number(A::from_f64(value)))
    }
    fn visit_f32<E: de::Error>(self, value: f32) -> Result<Number<A>, E> {
        Ok(Number(A::from_f64(value.into())))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number<A>, E> {
        Ok(Number(A::from_f64(value as f64)))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number<A>, E> {
        Ok(Number(A::from_f64(value as f64)))
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Number<A>, E> {
        let value = match value {
            "NaN" => f64::NAN,
            "inf" => f64::INFINITY,
            "-inf" => f64::NEG_INFINITY,
            _ => return Err(E::invalid_value(de::Unexpected::Str(value), &self)),
        };
        Ok(Number(A::from_f64(value)))
    }
}
