//! How the terms of all elements of a contribution are a product of matrices.

use ops::{Family, Float, Shape};

use super::element::{indices, name};
use super::{Product, Term, contribution};
use crate::show::trace::{Backward, Rounding};

/// The largest matrix whose terms are looked at.
const MOST_ELEMENTS: usize = 64;
/// The longest rows and columns of the table.
const LONGEST: usize = 4;

/// The product that a contribution to a matrix is, if the op is bilinear and its terms have that
/// pattern: the indices of the factors tell.
pub(super) fn of<A: Float>(
    user: &Backward<'_, A>,
    operand: usize,
    rounding: Rounding,
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
            let terms = contribution::terms(user.node, &user.adjoint, operand, &index, rounding);
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
    written(&to.adjoint_label(), first, second, table)
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
fn written(to: &str, a: Pattern, b: Pattern, table: Vec<Vec<String>>) -> Option<Product> {
    use Follows::{Column, Row, Term};
    let terms = format!("{}·{}", a.element(), b.element());
    let (left, right) = if a.follows.contains(&Row) { (a, b) } else { (b, a) };
    let element = name(to, &[]) + "[i,j]";
    match (&left.follows[..], &right.follows[..]) {
        ([Row], [Column]) => Some(Product {
            element: format!("{element} = {terms}"),
            product: format!("{to} = {} {}ᵀ", left.name, right.name),
            why: format!(
                "row i has the number {}[i], column j the number {}[j]: a column times a row, and ᵀ \
                 makes the row",
                left.name, right.name
            ),
            table,
        }),
        ([..], [..]) => {
            let turned = match (&left.follows[..], &right.follows[..]) {
                ([Row, Term], [Term, Column]) => [false, false],
                ([Term, Row], [Term, Column]) => [true, false],
                ([Row, Term], [Column, Term]) => [false, true],
                ([Term, Row], [Column, Term]) => [true, true],
                _ => return None,
            };
            let sides = [(&left, turned[0]), (&right, turned[1])];
            let [l, r] =
                sides.map(
                    |(side, turned)| {
                        if turned { format!("{}ᵀ", side.name) } else { side.name.clone() }
                    },
                );
            let mut why = "a product of matrices runs along the rows of the first and down the \
                           columns of the second"
                .to_owned();
            for (side, _) in sides.into_iter().filter(|side| side.1) {
                why += &format!("; {} is read the other way round, so it is transposed", side.name);
            }
            Some(Product {
                element: format!("{element} = Σₖ {terms}"),
                product: format!("{to} = {l} @ {r}"),
                why,
                table,
            })
        }
    }
}
