//! A gradient as the sum over the paths from a node to the output.

use std::fmt::{self, Display};

use ops::Float;
use petgraph::graph::NodeIndex;

use super::formula::scalar;
use super::step::Use;
use super::text::{Layout, Role, Span, Text, span, visible};
use super::{NothingFlows, Rounding, Trace};
use crate::graph::var::Var;
use crate::words::Language;

/// The paths from a node to the output, along which its gradient flows.
#[derive(Clone, Debug, PartialEq)]
pub struct Paths<'t, A: Float> {
    /// The output.
    pub output: Var<'t, A>,
    /// The node.
    pub node: Var<'t, A>,
    /// The number of paths; the largest `u128` stands for more.
    pub count: u128,
    /// The edges of all paths together: as many factors have all products.
    pub walked_alone: u128,
    /// The edges that they have between them, each of which the sweep walks once.
    pub edges: usize,
    /// The first of the paths.
    pub listed: Vec<Path<'t, A>>,
    /// The gradient, as the sweep computed it.
    pub gradient: A,
}

/// A path from a node to the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Path<'t, A: Float> {
    /// The uses that it goes through: each is an operand of the next.
    pub uses: Vec<Use<'t, A>>,
    /// The local derivative of each use.
    pub factors: Vec<A>,
    /// Their product.
    pub product: A,
}

/// The reason that there are no paths to show.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathsError {
    /// No gradient reaches the node.
    NoGradient {
        /// The name of the node.
        name: String,
        /// Why.
        reason: NothingFlows,
    },
    /// There is a tensor on the way, whose local derivative is no single number.
    Tensor {
        /// The name of the node.
        name: String,
        /// The name of the tensor.
        tensor: String,
    },
}

impl PathsError {
    /// The reason in words.
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::NoGradient { name, reason } => {
                language.paths_no_gradient(name, reason.text(language))
            }
            Self::Tensor { name, tensor } => language.paths_through_tensor(name, tensor),
        }
    }
}

impl Display for PathsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::ENGLISH))
    }
}

impl std::error::Error for PathsError {}

impl<'t, A: Float> Trace<'t, A> {
    /// The gradient with respect to a node as the sum over the paths from it to the output, of which
    /// the first `most` are listed. Each path contributes the product of its local derivatives.
    ///
    /// ```
    /// use tape::{Tape, Trace, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let mut x = tape.var(1.0).named("x");
    /// let first = x;
    /// for _ in 0..10 {
    ///     x = x + x; // A diamond: twice as many paths.
    /// }
    /// let trace = Trace::of(x)?;
    /// let paths = trace.paths(first, 4)?;
    /// assert_eq!((paths.count, paths.edges, paths.listed.len()), (1024, 20, 4));
    /// assert_eq!((paths.listed[0].product, paths.gradient), (1.0, 1024.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If no gradient reaches the node, or there is a tensor on the way.
    pub fn paths(&self, node: Var<'t, A>, most: usize) -> Result<Paths<'t, A>, PathsError> {
        let name = visible(&node.label());
        let gradient = self
            .gradient(node)
            .map_err(|reason| PathsError::NoGradient { name: name.clone(), reason })?;
        let tensor = |tensor: Var<'t, A>| {
            let tensor = visible(&tensor.label());
            PathsError::Tensor { name: name.clone(), tensor }
        };
        if node.value().ndim() > 0 {
            return Err(tensor(node));
        }
        // From the node on to the output, against the order of the sweep.
        let mut ways: Vec<Option<Ways>> = vec![None; self.output.position() + 1];
        let mut edges = 0;
        let above = self.above(node);
        for &position in &above {
            let at = Var::new(node.tape(), NodeIndex::new(position));
            if at.value().ndim() > 0 {
                return Err(tensor(at));
            }
            if at != node {
                let operands = at.operands();
                let is_tensor = |x: &&Var<'t, A>| x.value().ndim() > 0;
                if let Some(&operand) = operands.iter().find(is_tensor) {
                    return Err(tensor(operand));
                }
            }
            if position != self.output.position() {
                edges += self.flowing(at).count();
            }
        }
        for &position in above.iter().rev() {
            let at = Var::new(node.tape(), NodeIndex::new(position));
            let own =
                if at == self.output { Ways { count: 1, length: 0 } } else { Ways::default() };
            let all = self.flowing(at).fold(own, |sum, u| {
                let on = ways[u.node.position()].unwrap_or_default();
                Ways {
                    count: sum.count.saturating_add(on.count),
                    length: sum.length.saturating_add(on.length).saturating_add(on.count),
                }
            });
            ways[position] = Some(all);
        }
        let Ways { count, length } = ways[node.position()].unwrap_or_default();
        let listed = self.listed(node, most);
        let gradient = gradient.item();
        let (output, walked_alone) = (self.output, length);
        Ok(Paths { output, node, count, walked_alone, edges, listed, gradient })
    }

    /// The uses of a node through which something flows back to it.
    fn flowing(&self, node: Var<'t, A>) -> impl Iterator<Item = Use<'t, A>> + '_ {
        let own = self.turns.get(node.position()).copied().flatten();
        let uses = own.map_or(&[][..], |turn| &self.backward[turn as usize].uses);
        uses.iter().copied().filter(|u| {
            let turn = self.turns[u.node.position()].expect("a use that reported had its turn");
            self.backward[turn as usize].contributions[u.position].received.is_ok()
        })
    }

    /// The positions of the nodes on the way from a node to the output, in the order of recording.
    fn above(&self, node: Var<'t, A>) -> Vec<usize> {
        let mut among = vec![false; self.output.position() + 1];
        let mut open = vec![node];
        among[node.position()] = true;
        while let Some(at) = open.pop() {
            for u in self.flowing(at) {
                if !std::mem::replace(&mut among[u.node.position()], true) {
                    open.push(u.node);
                }
            }
        }
        (0..among.len()).filter(|&position| among[position]).collect()
    }

    /// The first paths, each use in turn.
    fn listed(&self, node: Var<'t, A>, most: usize) -> Vec<Path<'t, A>> {
        let mut listed = Vec::new();
        let mut open: Vec<Vec<Use<'t, A>>> = vec![Vec::new()];
        while let Some(uses) = open.pop().filter(|_| listed.len() < most) {
            let at = uses.last().map_or(node, |u| u.node);
            if at == self.output {
                let factors: Vec<A> = uses.iter().map(|u| self.slope(*u)).collect();
                let product = factors.iter().fold(A::from_f64(1.0), |product, &f| product * f);
                listed.push(Path { uses, factors, product });
                continue;
            }
            let next: Vec<Use<'t, A>> = self.flowing(at).collect();
            for u in next.into_iter().rev() {
                open.push(uses.iter().copied().chain([u]).collect());
            }
        }
        listed
    }

    /// The local derivative of a use of a number.
    fn slope(&self, u: Use<'t, A>) -> A {
        let turn = self.turns[u.node.position()].expect("a use that reported had its turn");
        let step = &self.backward[turn as usize];
        match step.local(u.position) {
            Some(slope) => slope.item(),
            // Of an op that is not elementwise: what it makes of an adjoint of 1.
            None => super::terms::slope_of_numbers(step.node, u.position),
        }
    }
}

/// The ways on to the output from a node: their number, and their edges together.
#[derive(Clone, Copy, Debug, Default)]
struct Ways {
    count: u128,
    length: u128,
}

impl<A: Float> Path<'_, A> {
    /// `w → z → y`.
    fn names(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for u in &self.uses {
            if names.is_empty() {
                names.push(u.node.operands()[u.position].label());
            }
            names.push(u.node.label());
        }
        visible(&names.join(" → "))
    }

    fn derivatives(&self) -> String {
        let derivative = |u: &Use<'_, A>| {
            let operand = u.node.operands()[u.position];
            format!("∂{}/∂{}", u.node.enclosed_label(), operand.enclosed_label())
        };
        visible(&self.uses.iter().map(derivative).collect::<Vec<_>>().join(" · "))
    }

    fn numbers(&self, rounding: Rounding) -> String {
        let number = |(i, &factor): (usize, &A)| {
            let text = scalar(factor, rounding).to_string();
            if i > 0 && text.starts_with('-') { format!("({text})") } else { text }
        };
        self.factors.iter().enumerate().map(number).collect::<Vec<_>>().join(" · ")
    }
}

impl<A: Float> Paths<'_, A> {
    /// The sum as text: each path with its factors, and how the sweep saves work.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        let whose = format!("∂{}/∂{}", self.output.enclosed_label(), self.node.enclosed_label());
        let whose = visible(&whose);
        let (from, to) = (visible(&self.node.label()), visible(&self.output.label()));
        let language = layout.language;
        let title = match self.count {
            u128::MAX => language.paths_uncounted(&whose, from, to),
            count => language.paths_of(count, &whose, from, to),
        };
        text.note(Role::Heading, 0, &title);
        for path in &self.listed {
            text.blank();
            text.note(Role::Note, 2, &path.names());
            let sides: Vec<Span> = vec![
                span(Role::Numbers, path.numbers(layout.rounding)),
                span(Role::Value, layout.rounding.number(path.product)),
            ];
            text.equation(2, &[span(Role::Formula, path.derivatives())], "=", sides);
        }
        text.blank();
        let more = self.count.saturating_sub(self.listed.len() as u128);
        if more > 0 {
            text.note(Role::Note, 2, &language.and_more_paths(more));
        }
        let products =
            |text: String| if text.starts_with('-') { format!("({text})") } else { text };
        let mut sides = Vec::new();
        if more == 0 && self.listed.len() > 1 {
            let numbers = self.listed.iter().enumerate().map(|(i, path)| {
                let number = layout.rounding.number(path.product);
                if i > 0 { products(number) } else { number }
            });
            sides.push(span(Role::Numbers, numbers.collect::<Vec<_>>().join(" + ")));
        }
        sides.push(span(Role::Value, layout.rounding.number(self.gradient)));
        text.equation(2, &[span(Role::Formula, whose)], "=", sides);
        text.note(Role::Note, 2, &language.paths_saved(self.walked_alone, self.edges));
        text
    }
}

impl<A: Float> Display for Paths<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Layout::of(f)))
    }
}
