//! Puts a document together.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use ops::{Float, Tensor, visible, visible_whole};

use super::why::{Reasons, Why};
use super::{Contribution, Document, FORMAT, File, Formula, Kind, Node, Scope, Settings, Step};
use super::{Miniature, Product, VERSION, Value, open};
use crate::graph::node::Source;
use crate::graph::var::Var;
use crate::show::trace::formula;
use crate::show::trace::{
    Backward, Layout, NothingFlows, RunStep, Trace, Update, Use, Written, document,
};

/// A document in the making.
pub(super) struct Builder<'a, 't, A: Float> {
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
    /// The characters of openings that there is room for.
    room: usize,
    /// The cells of miniatures that there is room for.
    cells: usize,
    reasons: Reasons,
    /// The numbers of the values, by shape, bits and cells.
    known: HashMap<(Vec<usize>, Vec<u64>, String), usize>,
}

impl<'a, 't, A: Float> Builder<'a, 't, A> {
    pub fn new(trace: &'a Trace<'t, A>, settings: &'a Settings) -> Self {
        let (taken, since) = nearest(trace, settings.nodes.max(1));
        let scopes = scopes_of(&taken);
        let (files, values, known) = (Vec::new(), Vec::new(), HashMap::new());
        let (room, cells) = (settings.openings, settings.miniatures);
        let reasons = Reasons::new(trace, settings.language);
        Self { trace, settings, taken, since, files, scopes, values, room, cells, reasons, known }
    }

    pub fn document(mut self, run: Option<&RunStep<'t, A>>) -> Document<A> {
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
        let updates = run.into_iter().flat_map(RunStep::updates);
        let updates = updates.filter_map(|update| self.update(update)).collect();
        let loss_after = run.map(|step| self.value(&Tensor::scalar(step.loss_after())));
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
            updates,
            loss_after,
        }
    }

    /// The optimiser's step for a parameter; none if its node is left out.
    fn update(&mut self, update: &Update<'t, A>) -> Option<document::Update> {
        let position = update.node().position();
        let node = self.taken.binary_search_by_key(&position, |x| x.position()).ok()?;
        let rounding = self.settings.rounding;
        let change = update.change();
        let [before, after] = [&change.before, &change.after].map(|x| self.value(x));
        let lines = super::update::lines(update, rounding, |x| self.value(x));
        let opened = super::update::openings(update, self.settings, &mut self.room);
        let remark = update.remark_in(self.settings.language).to_owned();
        let largest = if opened.is_empty() {
            super::update::largest(update, rounding, |x| self.value(x))
        } else {
            None
        };
        Some(document::Update { node, before, after, lines, remark, opened, largest })
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
        let is_data = matches!(x.tape().graph()[x.index()].source, Source::Constant);
        let place = x.place();
        let file = self.file(&place.file);
        if let Some(text) = place.text {
            self.files[file].lines.insert(place.line, visible_whole(&text).into_owned());
        }
        Node {
            position: x.position(),
            label: x.label(),
            enclosed: Some(x.enclosed_label()).filter(|enclosed| *enclosed != x.label()),
            bar: x.adjoint_label(),
            named: x.name().is_some(),
            spelled: x.is_spelled_out(),
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
            formula: formula::value(x, self.settings.rounding)
                .filter(|_| whole)
                .map_or_else(Formula::default, Formula::from),
            value: self.listed(&x.value(), is_data),
            opened: if whole {
                open::value(self.trace, x, self.settings, &mut self.room)
            } else {
                Vec::new()
            },
            gradient: gradient.ok().map(|gradient| self.value(&gradient)),
            nothing,
            why: if is_data { Vec::new() } else { self.why(x) },
            backward: step.and(turn).map(|turn| self.taken.len() + turn),
        }
    }

    fn why(&mut self, x: Var<'t, A>) -> Vec<Why> {
        let Self { trace, settings, taken, reasons, .. } = self;
        reasons.of(trace, x, settings.elements, |position| {
            taken.binary_search_by_key(&position, |x| x.position()).ok()
        })
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
        let layout = Layout::from(rounding).language(self.settings.language);
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
            opened: open::contribution(step, position, self.settings, &mut self.room),
            product: step.product(position, layout).map(|product| Product {
                element: product.element,
                product: product.product,
                why: product.why,
            }),
            after: received.ok().map(|received| self.value(&received.after)),
        }
    }

    /// The number of a value, which is listed once.
    fn value(&mut self, x: &Tensor<A>) -> usize {
        self.listed(x, false)
    }

    /// The same, told whether it is data that the program was given.
    fn listed(&mut self, x: &Tensor<A>, data: bool) -> usize {
        let mut value = Value::new(x, self.settings.elements);
        let numbers = value.numbers().iter().map(|x| x.to_f64().to_bits()).collect();
        let small = if value.tensor().is_none() { Miniature::new(x, data) } else { None };
        let cells = small.as_ref().map_or_else(String::new, |small| small.cells.clone());
        let (next, length) = (self.values.len(), cells.len());
        let index = *self.known.entry((x.shape().to_vec(), numbers, cells)).or_insert(next);
        if index == next {
            if let Some(room) = self.cells.checked_sub(length) {
                self.cells = room;
                value.show(small);
            }
            self.values.push(value);
        }
        index
    }

    fn file(&mut self, path: &str) -> usize {
        let path = visible_whole(path);
        let known = self.files.iter().position(|file| file.path == path);
        known.unwrap_or_else(|| {
            self.files.push(File { path: path.into_owned(), lines: BTreeMap::new() });
            self.files.len() - 1
        })
    }

    fn scope_list(&self) -> Vec<Scope> {
        let all = self.trace.output().tape().scopes();
        let scope = |&number: &usize| Scope {
            name: visible(&all[number].name).into_owned(),
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
                self.lines.insert(line, visible_whole(text.trim()).into_owned());
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
