//! An element of a value or of an adjoint, opened into the terms that it is the sum of.
//!
//! No rule says its terms. Elementwise rules are read at the element. What is linear in an operand is
//! asked with unit tensors, through the rule's own gradient and forward mode; what is bilinear also
//! with tensors that tell which element of the other operand stands in a term. What is composed of
//! other ops is opened into their elements.

mod contribution;
mod element;
mod parts;
mod probe;
mod product;
mod request;
mod text;
mod value;

use ops::{Float, Shape};

use super::step::Backward;
use super::{Layout, Trace};
use crate::graph::var::Var;
use crate::words::Language;
pub(crate) use element::index_of;
#[cfg(feature = "json")]
pub(super) use element::indices;
pub use request::ElementError;
use request::Wanted;

/// The number of terms that are kept; of more, the others are added up.
const MOST: usize = 256;

/// One of the terms that an element is the sum of.
#[derive(Clone, Debug, PartialEq)]
pub struct Term<A: Float> {
    /// In names: `W[1,0]·x[0]`.
    pub names: String,
    /// In numbers: `0.25·0.05`.
    pub numbers: String,
    /// Its value.
    pub value: A,
    /// The elements that stand in it.
    factors: Vec<Factor>,
}

/// An element that stands in a term.
#[derive(Clone, Debug, PartialEq)]
struct Factor {
    /// The position of its value on the tape.
    position: usize,
    /// The name of its value or adjoint.
    name: String,
    index: Shape,
}

/// The terms of a sum, in the order in which they are added.
#[derive(Clone, Debug, Default, PartialEq)]
struct Terms<A: Float> {
    list: Vec<Term<A>>,
    /// The number of those that are not listed, and their sum.
    more: usize,
    rest: A,
}

impl<A: Float> Terms<A> {
    /// Adds a term, which is written if there are not too many.
    fn push(&mut self, value: A, write: impl FnOnce() -> (String, String, Vec<Factor>)) {
        if self.list.len() < MOST {
            let (names, numbers, factors) = write();
            self.list.push(Term { names, numbers, value, factors });
        } else {
            self.more += 1;
            self.rest += value;
        }
    }
}

/// An element, or a contribution to it, as a sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum<A: Float> {
    /// What it is: `z[1]`, `W̄[1,0]`.
    pub name: String,
    /// Of a contribution, the use that it comes from: `operand 1 of z = W @ x`.
    pub from: Option<String>,
    /// The terms, in the order in which they are added; none of what is given.
    pub terms: Vec<Term<A>>,
    /// The number of terms that are not listed.
    pub more: usize,
    /// The sum of the terms that are not listed.
    pub rest: A,
    /// The number that the program computed.
    pub value: A,
    /// How the terms of all elements together are a product of matrices.
    pub product: Option<Product>,
}

/// The terms of all elements of a contribution as a product of matrices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The sum for any element: `W̄[i,j] = z̄[i]·x[j]`.
    pub element: String,
    /// What that is: `W̄ = z̄ xᵀ`.
    pub product: String,
    /// Why, in a sentence.
    pub why: String,
    /// The first term of each element, row by row, if they are few.
    pub table: Vec<Vec<String>>,
}

/// An element of a value or of an adjoint, opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened<A: Float> {
    /// What it is: `z[1]`, `W̄[1,0]`.
    pub name: String,
    /// The number that the program computed.
    pub value: A,
    /// What it was computed from inside a composed op, in order.
    pub parts: Vec<Sum<A>>,
    /// Of a value, the sum that it is; of an adjoint, the contributions in the order in which they are
    /// added.
    pub sums: Vec<Sum<A>>,
    /// Why there is no sum.
    pub note: Option<String>,
}

impl<'t, A: Float> Trace<'t, A> {
    /// Opens an element of a value into the terms that it is the sum of.
    ///
    /// ```
    /// use tape::{Tape, Trace, prelude::*};
    /// use tape::trace::Rounding;
    ///
    /// let tape = Tape::new();
    /// let w = tape.var([[0.5, 1.0], [2.0, -1.0]]).named("W");
    /// let z = w.matmul(tape.constant([3.0, 4.0]).named("x")).named("z");
    /// let trace = Trace::of(z.sum())?;
    /// let opened = trace.terms(z, &[1], Rounding::default())?;
    /// let terms: Vec<&str> = opened.sums[0].terms.iter().map(|term| &term.names[..]).collect();
    /// assert_eq!(terms, ["W[1,0]·x[0]", "W[1,1]·x[1]"]);
    /// assert_eq!(opened.to_string(), "\
    /// z[1] = W[1,0]·x[0] + W[1,1]·x[1] = 2·3 + (-1·4) = 2
    /// ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the node takes no part in the trace, or has no such element.
    pub fn terms(
        &self,
        node: Var<'t, A>,
        index: &[usize],
        layout: impl Into<Layout>,
    ) -> Result<Opened<A>, ElementError> {
        let Layout { rounding, language, .. } = layout.into();
        self.check_element(node, index)?;
        let name = element::name(&node.enclosed_label(), index);
        let value = element::at(&node.value(), index);
        let sum = |terms: Terms<A>| Sum {
            name: name.clone(),
            from: None,
            terms: terms.list,
            more: terms.more,
            rest: terms.rest,
            value,
            product: None,
        };
        let (parts, terms) = parts::open(node, index, rounding);
        let note = node.op().is_none().then(|| language.opened_given().to_owned());
        let sums = if note.is_some() { Vec::new() } else { vec![sum(terms)] };
        Ok(Opened { name: name.clone(), value, parts, sums, note })
    }

    /// Opens an element of an adjoint into the contributions of its uses, and each of these into the
    /// terms that it is the sum of.
    ///
    /// ```
    /// use tape::{Tape, Trace, prelude::*};
    /// use tape::trace::Rounding;
    ///
    /// let tape = Tape::new();
    /// let w = tape.var([[0.5, 1.0], [2.0, -1.0]]).named("W");
    /// let z = w.matmul(tape.constant([3.0, 4.0]).named("x")).named("z");
    /// let trace = Trace::of(z.square().sum())?;
    /// let opened = trace.adjoint_terms(w, &[1, 0], Rounding::default())?;
    /// let sum = &opened.sums[0];
    /// assert_eq!((&sum.name[..], &sum.terms[0].names[..]), ("W̄[1,0]", "z̄[1]·x[0]"));
    /// assert_eq!(sum.product.as_ref().unwrap().product, "W̄ = z̄ xᵀ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the node takes no part in the trace, or has no such element.
    pub fn adjoint_terms(
        &self,
        node: Var<'t, A>,
        index: &[usize],
        layout: impl Into<Layout>,
    ) -> Result<Opened<A>, ElementError> {
        let layout = layout.into();
        let language = layout.language;
        self.check_element(node, index)?;
        let name = element::name(&node.adjoint_label(), index);
        let (parts, sums) = (Vec::new(), Vec::new());
        let Some(n) = self.backward_step_of(node) else {
            let why = self.gradient(node).err();
            let why = why.map_or(language.nothing_reaches, |why| why.text(language));
            let (value, note) = (A::from_f64(0.0), Some(why.to_owned()));
            return Ok(Opened { name, value, parts, sums, note });
        };
        let step = &self.backward[n - self.nodes.len()];
        let value = element::at(&step.adjoint, index);
        let mut opened = Opened { name, value, parts, sums, note: None };
        if node == self.output {
            opened.note = Some(language.opened_output().to_owned());
        }
        for u in &step.uses {
            let turn = self.turns[u.node.position()].expect("a use that reported had its turn");
            let user = &self.backward[turn as usize];
            if let Some(mut sum) = user.terms(u.position, index, layout) {
                sum.product = user.product(u.position, layout);
                opened.sums.push(sum);
            }
        }
        Ok(opened)
    }

    /// Opens the element that a text asks for: `z[1]`, or `grad W[1,0]` of an adjoint, which may also
    /// be written `W̄[1,0]`.
    ///
    /// # Errors
    /// If there is no such value or element; the message says what there is.
    pub fn element(
        &self,
        request: &str,
        layout: impl Into<Layout>,
    ) -> Result<Opened<A>, ElementError> {
        let Wanted { node, adjoint, index } = self.wanted(request)?;
        if adjoint {
            self.adjoint_terms(node, &index, layout)
        } else {
            self.terms(node, &index, layout)
        }
    }
}

impl<A: Float> Backward<'_, A> {
    /// An element of the contribution to operand number `operand` as a sum; `None` where nothing
    /// flows. The matrix product is left out.
    ///
    /// # Panics
    /// If the operand has no such element.
    pub fn terms(
        &self,
        operand: usize,
        index: &[usize],
        layout: impl Into<Layout>,
    ) -> Option<Sum<A>> {
        let Layout { rounding, language, .. } = layout.into();
        let given = self.contributions.get(operand)?;
        let received = given.received.as_ref().ok()?;
        let terms = contribution::terms(self.node, &self.adjoint, operand, index, rounding);
        let of = self.node.formula().filter(|_| !self.node.is_spelled_out());
        let of = of.map_or(String::new(), |formula| format!(" = {formula}"));
        let of = format!("{}{of}", self.node.label());
        Some(Sum {
            name: element::name(&given.operand.adjoint_label(), index),
            from: Some(which_operand(operand, self.contributions.len(), &of, language)),
            terms: terms.list,
            more: terms.more,
            rest: terms.rest,
            value: element::at(&received.value, index),
            product: None,
        })
    }

    /// How the terms of all elements of the contribution to operand number `operand` are a product of
    /// matrices: where a transpose comes from. `None` if they are not, or for a matrix of more than
    /// 64 elements.
    pub fn product(&self, operand: usize, layout: impl Into<Layout>) -> Option<Product> {
        self.contributions.get(operand)?.received.as_ref().ok()?;
        product::of(self, operand, layout.into())
    }
}

/// An operand, by its number from 0 among `count`, of a value.
fn which_operand(operand: usize, count: usize, value: &str, language: Language) -> String {
    match count {
        1 => language.only_operand_of(value),
        _ => language.operand_of(operand + 1, value),
    }
}

/// The derivative of an op on numbers with respect to an operand, by forward mode.
pub(super) fn slope_of_numbers<A: Float>(node: Var<'_, A>, operand: usize) -> A {
    let graph = node.tape().graph();
    let Some(op) = graph[node.index()].source.op() else { return A::from_f64(0.0) };
    let operands: Vec<_> = node.operands().iter().map(|x| x.value()).collect();
    probe::column(op, &operands, operand, &[]).item()
}
