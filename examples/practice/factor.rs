//! The first wrong factor of an answer that is a product, or a sum of products.

use crate::answer::{agrees, same};
use crate::facts::{Facts, Product};
use crate::words::Speech;

/// The largest number of factors that are compared with one another.
const MOST: usize = 8;

/// A factor as it was written, with its value at each point.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    values: Vec<f64>,
}

/// A factor that is expected, with its value at each point.
#[derive(Clone, Debug)]
struct Expected {
    name: String,
    values: Vec<f64>,
}

/// Names the first wrong factor. `None` if the answer is not written as factors, or nothing can be
/// said.
///
/// `facts` are those of the points at which `evaluate` gives values, the problem's own first;
/// `rounded` says that numbers were reckoned by hand.
pub fn first_wrong(
    text: &str,
    facts: &[&Facts],
    rounded: bool,
    speech: Speech,
    evaluate: impl Fn(&str) -> Option<Vec<f64>>,
) -> Option<String> {
    let terms = terms(text);
    let mut written: Vec<Vec<Written>> = Vec::new();
    for term in &terms {
        let factors = factors(term);
        if factors.len() > MOST {
            return None;
        }
        let with_values = factors.into_iter().map(|(text, source)| {
            let values = evaluate(&source)?.into_iter().take(facts.len()).collect();
            Some(Written { text, values })
        });
        written.push(with_values.collect::<Option<_>>()?);
    }
    if written.iter().map(Vec::len).sum::<usize>() < 2 {
        return None;
    }
    let ways = [expected(facts, |facts| &facts.paths), expected(facts, |facts| &facts.uses)];
    let compare = Compare { rounded, speech };
    let told = ways.iter().filter_map(|way| compare.sum(way, &written));
    told.max_by_key(|told| told.matched).map(|told| told.words)
}

/// The products at all points, side by side; none if the points do not have the same.
fn expected<'f>(
    facts: &[&'f Facts],
    way: impl Fn(&'f Facts) -> &'f Vec<Product>,
) -> Vec<Vec<Expected>> {
    let first = way(facts[0]);
    let alike = |other: &&&'f Facts| {
        let other = way(other);
        other.len() == first.len() && other.iter().zip(first).all(|(a, b)| a.len() == b.len())
    };
    if !facts.iter().all(|f| alike(&f)) {
        return Vec::new();
    }
    let factor = |i: usize, j: usize| Expected {
        name: first[i][j].name.clone(),
        values: facts.iter().map(|facts| way(facts)[i][j].value).collect(),
    };
    (0..first.len()).map(|i| (0..first[i].len()).map(|j| factor(i, j)).collect()).collect()
}

/// What was found, and in how many parts in a hundred of the expected factors.
struct Told {
    words: String,
    matched: usize,
}

struct Compare {
    rounded: bool,
    speech: Speech,
}

impl Compare {
    fn equal(&self, a: &[f64], b: &[f64]) -> bool {
        let equal = if self.rounded { agrees } else { same };
        // Signs are counted at the end, for nobody writes a factor -1.
        a.iter().zip(b).all(|(a, b)| equal(a.abs(), b.abs()))
    }

    fn sum(&self, expected: &[Vec<Expected>], written: &[Vec<Written>]) -> Option<Told> {
        match (expected, written) {
            ([product], [factors]) => self.product(product, factors),
            ([_, _, ..], [_, _, ..]) => self.terms(expected, written),
            _ => None,
        }
    }

    /// Finds the term that is missing, or the wrong factor in one.
    fn terms(&self, expected: &[Vec<Expected>], written: &[Vec<Written>]) -> Option<Told> {
        let mut left: Vec<&Vec<Written>> = written.iter().collect();
        let mut missing: Vec<&Vec<Expected>> = Vec::new();
        for product in expected {
            let value = times(product.iter().map(|f| &f.values));
            let equal = |term: &&Vec<Written>| {
                let term = times(term.iter().map(|f| &f.values));
                self.equal(&term, &value) && term[0].signum() == value[0].signum()
            };
            match left.iter().position(equal) {
                Some(at) => drop(left.remove(at)),
                None => missing.push(product),
            }
        }
        let matched = 100 * (expected.len() - missing.len()) / expected.len();
        let names = |product: &[Expected]| {
            product.iter().map(|f| &f.name[..]).collect::<Vec<_>>().join(" · ")
        };
        let first = missing.first()?;
        if left.is_empty() {
            let words = self.speech.contribution_missing(names(first));
            return Some(Told { words, matched });
        }
        let inside = left.iter().filter_map(|term| self.product(first, term));
        let best = inside.max_by_key(|told| told.matched)?;
        let words = self.speech.in_contribution(names(first), best.words);
        Some(Told { words, matched: matched + best.matched / (1 + expected.len()) })
    }

    /// Walks along a product from the output, looking for each factor among those that are written.
    fn product(&self, expected: &[Expected], written: &[Written]) -> Option<Told> {
        let mut left: Vec<&Written> = written.iter().collect();
        let (mut at, mut wrong) = (0, None);
        while at < expected.len() {
            if let Some(count) = self.take(&expected[at..], &mut left) {
                at += count;
            } else if wrong.is_none() {
                (wrong, at) = (Some(at), at + 1);
            } else {
                at += 1;
            }
        }
        if left.len() == written.len() {
            return None; // Of an answer that has nothing of it, no factor is the first wrong one.
        }
        left.retain(|factor| !factor.values.iter().all(|x| same(x.abs(), 1.0)));
        let others = left.iter().map(|f| format!("`{}`", f.text)).collect::<Vec<_>>().join(" · ");
        let matched = wrong.unwrap_or(expected.len()) * 100 / expected.len().max(1);
        let words = match wrong {
            Some(at) if left.is_empty() => self.speech.factor_missing(&expected[at].name),
            Some(at) => self.speech.factor_wrong(&expected[at].name, others),
            None if !left.is_empty() => self.speech.factor_too_many(others),
            None => {
                let value = times(expected.iter().map(|f| &f.values));
                let given = times(written.iter().map(|f| &f.values));
                if value[0].signum() == given[0].signum() {
                    return None;
                }
                self.speech.sign_of_product().to_owned()
            }
        };
        Some(Told { words, matched })
    }

    /// Takes the fewest factors whose product is the next that is expected, or the next few, which
    /// may have been written as one number. Gives how many of the expected that were.
    fn take(&self, expected: &[Expected], left: &mut Vec<&Written>) -> Option<usize> {
        let is_one = |f: &Expected| f.values.iter().all(|x| same(x.abs(), 1.0));
        let subsets = {
            let mut subsets: Vec<u32> = (1..1 << left.len()).collect();
            subsets.sort_by_key(|subset: &u32| subset.count_ones());
            subsets
        };
        for count in 1..=expected.len().min(3) {
            let value = times(expected[..count].iter().map(|f| &f.values));
            let of = |subset: u32| {
                let within = (0..left.len()).filter(move |i| subset >> i & 1 == 1);
                times(within.map(|i| &left[i].values))
            };
            if let Some(&subset) = subsets.iter().find(|&&s| self.equal(&of(s), &value)) {
                let mut number = 0..;
                left.retain(|_| subset >> number.next().unwrap_or(0) & 1 == 0);
                return Some(count);
            }
            if count == 1 && is_one(&expected[0]) {
                return Some(1); // Nobody has to write a factor 1.
            }
        }
        None
    }
}

fn times<'v>(factors: impl Iterator<Item = &'v Vec<f64>>) -> Vec<f64> {
    factors.fold(Vec::new(), |product, factor| {
        if product.is_empty() {
            return factor.clone();
        }
        product.iter().zip(factor).map(|(a, b)| a * b).collect()
    })
}

/// The terms of a sum, with their signs: `a*b - c` as `a*b` and `-c`.
fn terms(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    for Piece { text, sign, .. } in pieces(text) {
        if matches!(text, "+" | "-" | "−") && !sign {
            terms.push(if text == "+" { String::new() } else { "-".to_owned() });
        } else {
            terms.last_mut().expect("there is one").push_str(text);
        }
    }
    terms
}

/// The factors of a product, as they are written and as an expression: what is divided by is its
/// reciprocal.
fn factors(term: &str) -> Vec<(String, String)> {
    let mut factors = vec![(String::new(), false)];
    for Piece { text, star, .. } in pieces(term) {
        match text {
            "*" | "·" | "×" if !star => factors.push((String::new(), false)),
            "/" | "÷" => factors.push((String::new(), true)),
            _ => factors.last_mut().expect("there is one").0.push_str(text),
        }
    }
    let expression = |(text, divides): (String, bool)| {
        let text = text.trim().to_owned();
        if divides { (format!("/ {text}"), format!("1/({text})")) } else { (text.clone(), text) }
    };
    factors.into_iter().map(expression).collect()
}

/// A character outside of brackets, or a whole pair of brackets with what is in them.
struct Piece<'s> {
    text: &'s str,
    /// A plus or minus that belongs to what follows it: `-a`, `2^-1`, `1e-3`.
    sign: bool,
    /// A star that is half of `**`.
    star: bool,
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    let mut before = String::new(); // What stands before, without spaces.
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        match c {
            '(' | '[' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    pieces.push(Piece { text: &text[start..end], sign: false, star: false });
                    before.push(c);
                }
            }
            _ if depth == 0 => {
                let next = text[end..].chars().next();
                let star = c == '*' && (next == Some('*') || before.ends_with('*'));
                pieces.push(Piece { text: &text[at..end], sign: is_sign(&before), star });
                if !c.is_whitespace() {
                    before.push(c);
                }
            }
            _ => {}
        }
    }
    pieces
}

/// Whether a plus or minus after this belongs to what follows.
fn is_sign(before: &str) -> bool {
    let exponent = before.strip_suffix(['e', 'E']).is_some_and(|number| {
        let digits = number.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        digits.len() < number.len() && !digits.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    });
    before.is_empty() || exponent || before.ends_with(['*', '·', '×', '/', '÷', '^', '+', '-', '−'])
}
