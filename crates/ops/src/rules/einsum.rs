//! Einstein summation, composed of diagonals, sums, permutations and matrix products.

use crate::ground::problem::{counted, number_were};
use crate::ground::{Shape, visible_whole};
use crate::rule::Reading;
use crate::rules::methods::{LayoutMethods, LinearMethods, MatmulMethods};

/// A message about one place of an einsum string.
fn at(text: &str, position: usize, what: &str) -> String {
    let (shown, before) = (visible_whole(text), visible_whole(&text[..position]));
    format!("{what}\n  {shown}\n  {}^", " ".repeat(before.chars().count()))
}

/// An operand with the letter of each of its axes.
struct Labelled<T> {
    value: T,
    letters: Vec<char>,
}

/// The letters of one part of an einsum string, which begins at `start`.
fn letters_of(text: &str, part: &str, start: usize) -> Result<Vec<char>, String> {
    let letters = part.char_indices().filter(|(_, c)| !c.is_whitespace());
    letters
        .map(|(i, c)| {
            let what = || format!("{c:?} is not a letter; axes are named a to z or A to Z");
            if c.is_ascii_alphabetic() { Ok(c) } else { Err(at(text, start + i, &what())) }
        })
        .collect()
}

/// The letters of each operand, checked against the operands' shapes.
fn operand_letters(text: &str, left: &str, shapes: &[Shape]) -> Result<Vec<Vec<char>>, String> {
    let mut start = 0;
    let mut terms = Vec::new();
    for part in left.split(',') {
        terms.push((start, letters_of(text, part, start)?));
        start += part.len() + 1;
    }
    if terms.len() != shapes.len() {
        let named = counted(terms.len(), "operand", "operands");
        let what = format!("it names {named}, but {} given", number_were(shapes.len()));
        return Err(at(text, 0, &what));
    }
    let mut lengths: Vec<(char, usize)> = Vec::new();
    for ((start, letters), shape) in terms.iter().zip(shapes) {
        if letters.len() != shape.len() {
            let (has, shape) = (shape.len(), &shape[..]);
            let named = counted(letters.len(), "axis", "axes");
            let what = format!("it names {named}, but the operand has {has} (shape {shape:?})");
            return Err(at(text, *start, &what));
        }
        for (i, (&letter, &length)) in letters.iter().zip(shape).enumerate() {
            match lengths.iter().find(|(known, _)| *known == letter) {
                Some(&(_, known)) if known != length => {
                    let what =
                        format!("{letter:?} stands for length {known} before, {length} here");
                    return Err(at(text, *start + i, &what));
                }
                Some(_) => {}
                None => lengths.push((letter, length)),
            }
        }
    }
    Ok(terms.into_iter().map(|(_, letters)| letters).collect())
}

/// The letters of the result, given or those that come once.
fn output_letters(
    text: &str,
    right: Option<(usize, &str)>,
    terms: &[Vec<char>],
) -> Result<Vec<char>, String> {
    let all: Vec<char> = terms.iter().flatten().copied().collect();
    let Some((start, right)) = right else {
        let once = |c: &char| all.iter().filter(|d| *d == c).count() == 1;
        let mut once: Vec<char> = all.iter().copied().filter(once).collect();
        once.sort_unstable();
        return Ok(once);
    };
    let output = letters_of(text, right, start)?;
    for (i, letter) in output.iter().enumerate() {
        if !all.contains(letter) {
            return Err(at(text, start + i, &format!("{letter:?} names no axis of an operand")));
        }
        if output[..i].contains(letter) {
            return Err(at(text, start + i, &format!("{letter:?} comes twice in the result")));
        }
    }
    Ok(output)
}

#[track_caller]
pub(super) fn einsum<T: Reading>(text: &str, operands: &[&T]) -> Result<T, String> {
    let (left, right) = match text.find("->") {
        Some(arrow) => (&text[..arrow], Some((arrow + 2, &text[arrow + 2..]))),
        None => (text, None),
    };
    let shapes: Vec<Shape> = operands.iter().map(|x| x.shape()).collect();
    let terms = operand_letters(text, left, &shapes)?;
    let output = output_letters(text, right, &terms)?;
    let mut rest: Vec<Labelled<T>> = Vec::with_capacity(terms.len());
    // Loops and not closures, so that every step is recorded at the caller's line.
    for (letters, &value) in terms.into_iter().zip(operands) {
        rest.push(take_diagonals(Labelled { value: value.clone(), letters }));
    }
    let mut result = rest.remove(0); // Even an empty string names one operand.
    while !rest.is_empty() {
        let next = rest.remove(0);
        let needed = |c: char| output.contains(&c) || rest.iter().any(|x| x.letters.contains(&c));
        result = contract(&result, &next, needed);
    }
    let result = sum_out(result, |c| output.contains(&c));
    let place = |c: &char| {
        result.letters.iter().position(|d| d == c).expect("a letter that is kept") as isize
    };
    let order: Vec<isize> = output.iter().map(place).collect();
    let in_order = order.iter().enumerate().all(|(i, &axis)| i as isize == axis);
    Ok(if in_order { result.value } else { result.value.permute(&order) })
}

/// A letter that comes twice stands for the diagonal of its two axes.
#[track_caller]
fn take_diagonals<T: Reading>(mut x: Labelled<T>) -> Labelled<T> {
    while let Some((first, second)) = (0..x.letters.len()).find_map(|i| {
        let again = x.letters[i + 1..].iter().position(|c| *c == x.letters[i])?;
        Some((i, i + 1 + again))
    }) {
        let mut order: Vec<isize> = (0..x.letters.len() as isize).collect();
        order.retain(|&axis| axis != first as isize && axis != second as isize);
        let mut letters: Vec<char> = order.iter().map(|&axis| x.letters[axis as usize]).collect();
        order.extend([first as isize, second as isize]);
        letters.push(x.letters[first]);
        x = Labelled { value: x.value.permute(&order).diagonal(0), letters };
    }
    x
}

/// Sums over the letters that are not kept.
#[track_caller]
fn sum_out<T: Reading>(x: Labelled<T>, keep: impl Fn(char) -> bool) -> Labelled<T> {
    let (kept, gone): (Vec<usize>, Vec<usize>) =
        (0..x.letters.len()).partition(|&axis| keep(x.letters[axis]));
    if gone.is_empty() {
        return x;
    }
    let axes: Vec<isize> = gone.iter().map(|&axis| axis as isize).collect();
    let letters = kept.iter().map(|&axis| x.letters[axis]).collect();
    Labelled { value: x.value.sum_axes(axes), letters }
}

/// The lengths of the axes of these letters.
fn sizes<T: Reading>(x: &Labelled<T>, letters: &[char]) -> Vec<usize> {
    let (shape, place) = (x.value.shape(), |c| x.letters.iter().position(|&d| d == c));
    letters.iter().map(|&c| shape[place(c).expect("a letter of the operand")]).collect()
}

/// The axes of the first letters as they are, those of the second as one, those of the third as one.
#[track_caller]
fn arrange<T: Reading>(x: &Labelled<T>, [stack, first, second]: [&[char]; 3]) -> T {
    let letters = stack.iter().chain(first).chain(second);
    let order: Vec<isize> = letters
        .map(|c| x.letters.iter().position(|d| d == c).expect("a letter") as isize)
        .collect();
    let mut shape = Shape::from_slice(&sizes(x, stack));
    shape.push(sizes(x, first).iter().product());
    shape.push(sizes(x, second).iter().product());
    x.value.permute(&order).reshape(&shape[..])
}

/// Two operands as one stack of matrix products: letters of both that are needed later are the
/// stack, letters of both that are not are contracted.
#[track_caller]
fn contract<T: Reading>(
    a: &Labelled<T>,
    b: &Labelled<T>,
    needed: impl Fn(char) -> bool,
) -> Labelled<T> {
    let relabel = |x: &Labelled<T>| Labelled { value: x.value.clone(), letters: x.letters.clone() };
    let a = sum_out(relabel(a), |c| needed(c) || b.letters.contains(&c));
    let b = sum_out(relabel(b), |c| needed(c) || a.letters.contains(&c));
    let shared: Vec<char> = a.letters.iter().copied().filter(|c| b.letters.contains(c)).collect();
    let (stack, inner): (Vec<char>, Vec<char>) = shared.iter().partition(|&&c| needed(c));
    let only = |x: &Labelled<T>| -> Vec<char> {
        x.letters.iter().copied().filter(|c| !shared.contains(c)).collect()
    };
    let (rows, columns) = (only(&a), only(&b));
    let product =
        arrange(&a, [&stack, &rows, &inner]).matmul(arrange(&b, [&stack, &inner, &columns]));
    let mut shape = sizes(&a, &stack);
    shape.extend(sizes(&a, &rows));
    shape.extend(sizes(&b, &columns));
    let letters = stack.iter().chain(&rows).chain(&columns).copied().collect();
    Labelled { value: product.reshape(&shape[..]), letters }
}
