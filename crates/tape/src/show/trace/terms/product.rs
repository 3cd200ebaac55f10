//! How the terms of all elements of a contribution are a product of matrices.

use ops::{Family, Float, Shape};

use super::element::indices;
use super::{Product, Term, contribution};
use crate::show::trace::{Backward, Layout};
use crate::words::Language;

/// The largest matrix whose terms are looked at.
const MOST_ELEMENTS: usize = 64;
/// The longest rows and columns of the table.
const LONGEST: usize = 4;

/// The product that a contribution to a matrix is, if the op is bilinear and its terms have that
/// pattern: the indices of the factors tell.
pub(super) fn of<A: Float>(
    user: &Backward<'_, A>,
    operand: usize,
    layout: Layout,
) -> Option<Product> {
    {
        let graph = user.node.tape().graph();
        let op = graph[user.node.index()].source.op()?;
        (op.family() == Family::Bilinear).then_some(())?;
    }
    let to = user.contributions[operand].operand;
    let shape = to.shape();
    let [rows, columns] = shape[..] else { return None };
    if rows * columns > MOST_ELEMENTS || rows * columns == 0 {
        return None;
    }
    let all: Vec<(Shape, Vec<Term<A>>)> = indices(&shape)
        .map(|index| {
            let Backward { node, adjoint, .. } = user;
            let terms = contribution::terms(*node, adjoint, operand, &index, layout.rounding);
            (index, terms.list)
        })
        .collect();
    let [first, second] = [0, 1].map(|factor| Pattern::of(&all, factor));
    let (first, second) = (first?, second?);
    let table = if rows <= LONGEST && columns <= LONGEST {
        let cells: Vec<String> = all.iter().map(|(_, terms)| cell(terms)).collect();
        cells.chunks(columns).map(<[String]>::to_vec).collect()
    } else {
        Vec::new()
    };
    written(&to.adjoint_label(), [first, second], table, layout.language)
}

fn cell<A: Float>(terms: &[Term<A>]) -> String {
    match terms {
        [] => "0".to_owned(),
        [only] => only.names.clone(),
        [first, ..] => format!("{} + …", first.names),
    }
}

/// What an index of a factor follows: the row or the column of the element, or the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    Row,
    Column,
    Term,
}

/// A factor of the terms, and what its indices follow.
struct Pattern {
    name: String,
    follows: Vec<Follows>,
}

impl Pattern {
    fn of<A: Float>(all: &[(Shape, Vec<Term<A>>)], factor: usize) -> Option<Self> {
        let factors = || {
            all.iter().flat_map(move |(index, terms)| {
                terms.iter().filter_map(move |term| Some((index, term.factors.get(factor)?)))
            })
        };
        let (_, one) = factors().next()?;
        if factors().any(|(_, f)| f.name != one.name) {
            return None;
        }
        let longest = [0, 1].map(|axis| all.iter().map(|(index, _)| index[axis]).max());
        let follows = |axis: usize| {
            let same = |own: usize| factors().all(|(index, f)| f.index[axis] == index[own]);
            // Along an axis of length 1 every index is 0 and tells nothing.
            match (same(0) && longest[0] > Some(0), same(1) && longest[1] > Some(0)) {
                (true, _) => Follows::Row,
                (_, true) => Follows::Column,
                _ => Follows::Term,
            }
        };
        let follows = (0..one.index.len()).map(follows).collect();
        Some(Self { name: one.name.clone(), follows })
    }

    fn element(&self) -> String {
        let letter = |follows: &Follows| match follows {
            Follows::Row => "i",
            Follows::Column => "j",
            Follows::Term => "k",
        };
        let letters: Vec<&str> = self.follows.iter().map(letter).collect();
        format!("{}[{}]", self.name, letters.join(","))
    }
}

/// The product of two factors, of which one brings the row and one the column.
fn written(
    to: &str,
    [a, b]: [Pattern; 2],
    table: Vec<Vec<String>>,
    language: Language,
) -> Option<Product> {
    use Follows::{Column, Row, Term};
    let terms = format!("{}·{}", a.element(), b.element());
    let (left, right) = if a.follows.contains(&Row) { (a, b) } else { (b, a) };
    let turned = match (&left.follows[..], &right.follows[..]) {
        ([Row], [Column]) => {
            return Some(outer(to, &terms, [&left.name, &right.name], table, language));
        }
        ([Row, Term], [Term, Column]) => [false, false],
        ([Term, Row], [Term, Column]) => [true, false],
        ([Row, Term], [Column, Term]) => [false, true],
        ([Term, Row], [Column, Term]) => [true, true],
        _ => return None,
    };
    let sides = [(&left.name, turned[0]), (&right.name, turned[1])];
    let [l, r] = sides.map(|(side, turned)| format!("{side}{}", if turned { "ᵀ" } else { "" }));
    let mut why = vec![language.product_of_matrices().to_owned()];
    let turned = sides.into_iter().filter(|side| side.1);
    why.extend(turned.map(|(side, _)| language.product_turned(side)));
    Some(Product {
        element: format!("{to}[i,j] = Σₖ {terms}"),
        product: format!("{to} = {l} @ {r}"),
        why: why.join("; "),
        table,
    })
}

/// A column times a row: each element has one term.
fn outer(
    to: &str,
    terms: &str,
    [left, right]: [&str; 2],
    table: Vec<Vec<String>>,
    language: Language,
) -> Product {
    Product {
        element: format!("{to}[i,j] = {terms}"),
        product: format!("{to} = {left} {right}ᵀ"),
        why: language.product_of_vectors(left, right),
        table,
    }
}
