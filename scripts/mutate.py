#!/usr/bin/env python3
"""Breaks every rule of differentiation, one sign or factor at a time: do the tests notice?

    python3 scripts/mutate.py               all mutants; ends with `caught N of N`
    python3 scripts/mutate.py --only Tanh   those of one rule, by its type (or its method)
    python3 scripts/mutate.py --list        what would be changed; builds nothing
    python3 scripts/mutate.py --sample      a twentieth of them, the next one at each commit
                                            and on each day
    python3 scripts/mutate.py --sample K/N  the Kth of N parts
    python3 scripts/mutate.py --keep DIR    works in DIR and leaves it there, so that the next
                                            run with the same DIR compiles little
    python3 scripts/mutate.py --target DIR  compiles into DIR, where the crates that the workspace
                                            depends on may be compiled already, and not the copy
                                            that --keep leaves
    python3 scripts/mutate.py --verbose     also says which test caught each mutant

A mutant is the engine with one change. There are many hundreds, far too many to compile one by
one, so all are compiled at once: the workspace is copied (what git tracks, and new files it does
not ignore), every change is written into the copy beside what it replaces, and the environment
variable MUTANT, a number, says which one is in force. The tests, above all those of
crates/tape/tests/rules.rs, are compiled once and run once for each mutant. The workspace itself is
not touched; the files that are changed in the copy are named at the start.

What is changed, with the source read as text:

  elementwise rules (`unary_rules!`, `binary_rules!`, `impl Elementwise`, `impl Unary for WithNumber`)
      each slope, and each slope times a cotangent where a rule says that too: negated; doubled; one
      that is literally 0: 1 added
      the value: times 1.001
      in slopes and values: each + and - flipped, each factor doubled, each divisor doubled, each
      literal negated, or 1 where it is 0
  rules over whole tensors (`impl Rule for ...`)
      each contribution to an operand's gradient, in every branch: negated; doubled
      the family, from which forward mode follows: that of a constant (or linear, if it is that)
      the forward-mode tangent: negated; doubled
      the value: times 1.001
      in gradients, tangents and compositions, and in the functions that they share: each add and
      sub exchanged, each neg left out, each scale negated, each mul and div doubled
  forward mode itself (`pushforward`): either term of bilinear rules negated and doubled, the sum
      of terms turned into a difference, and what is changed in gradients

A mutant is caught if a test fails: an assertion, a panic, or no end within a limit of processor
time (the last are counted apart). First it faces the tests with the registry cut down to the rule
that was changed, then the tests that count rules and so need all of them, then the tests of the
rules with every rule, then all tests of `tape` and `ops`. Only what survives all four is a survivor.
The unchanged engine must pass in the same four ways, so no mutant is caught by the set-up itself: in
the first three before any mutant is run, in the fourth those tests that a mutant fails.

How to read the output: one line for each survivor, with the rule, the part, and the code as it
reads after the change. A survivor means that this line of the rule could be wrong without a
test's noticing: give the rule a sample, a kink or a known value that tells, or, if the change
cannot be observed at all, list it under EQUIVALENT below, with the reason. The exit status is 1 if
anything survives, 2 if the script could not do its work, for instance because a rule of the
registry is written in a way it does not know how to change.
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

# Changes that no test can see, because what the rule computes stays the same. Each entry: the
# types of the rules, their parts, some of the code after the change, and why nothing changes.
# They are not run and not counted; an entry that fits no mutant is an error, so that none is left
# behind when a rule is rewritten.
EQUIVALENT = [
    (
        ["Gather"],
        ["contribution 1"],
        "contribution 1",
        "there is none: indices have no gradient",
    ),
    (
        ["OneHot"],
        ["contribution 0", "contribution 1"],
        "contribution",
        "there is none: labels have no gradient, and there is no second operand",
    ),
    (
        ["LabelCrossEntropy"],
        ["contribution 1"],
        "contribution 1",
        "there is none: labels have no gradient",
    ),
    (
        ["GatherAdjoint", "MaxPoolSlope"],
        ["contribution 0"],
        "contribution 0",
        "there is none: indices have no gradient, and which element is the largest has none",
    ),
    (
        ["Elu", "Selu", "Celu"],
        ["value"],
        "x.minimum(R::lit(1.0))",
        "the exponential is chosen for x ≤ 0 only, where min(x, 1) is x as min(x, 0) is; either "
        "bound keeps it from overflowing where it is not chosen",
    ),
    (
        ["LogAddExp"],
        ["value"],
        "select(d, R::lit(1.0)).abs()",
        "the number stands in for the difference of equal infinities only, where a finite "
        "logarithm is added to an infinite maximum",
    ),
]

RULES = "crates/ops/src/rules"
FORWARD = "crates/ops/src/readings/forward.rs"
WITH_NUMBER = "crates/ops/src/number/with_number.rs"
REGISTRY = "crates/ops/src/rules/registry.rs"
LIBRARY = "crates/ops/src/lib.rs"
MODULE = "crates/ops/src/mutant.rs"

# The module that is added to the copy of `ops`. Every function gives back what it was given
# unless the mutant with its number is in force.
SUPPORT = r"""
//! Switches between mutants; written by scripts/mutate.py.
use std::borrow::Borrow;
use std::io::Write;
use std::sync::OnceLock;

use crate::declare::{Example, Refusal};
use crate::methods::{BinaryMethods, UnaryMethods};
use crate::registry::Visitor;
use crate::{Contributions, Elementwise, Family, Float, Number, Out, Reading, Rule};

fn on(id: usize) -> bool {
    static ACTIVE: OnceLock<usize> = OnceLock::new();
    *ACTIVE.get_or_init(|| std::env::var("MUTANT").map_or(0, |id| id.parse().unwrap())) == id
}

pub fn sign<R: Number>(id: usize) -> R {
    R::lit(if on(id) { -1.0 } else { 1.0 })
}
pub fn factor<R: Number>(id: usize) -> R {
    R::lit(if on(id) { 2.0 } else { 1.0 })
}
pub fn literal(id: usize, x: f64) -> f64 {
    match on(id) {
        false => x,
        true if x == 0.0 => 1.0,
        true => -x,
    }
}
pub fn value<R: Number>(id: usize, x: R) -> R {
    if on(id) { x * R::lit(1.001) } else { x }
}
pub fn slope<R: Number>(id: usize, x: R) -> R {
    if on(id) {
        -x
    } else if on(id + 1) {
        x * R::lit(2.0)
    } else {
        x
    }
}
pub fn zero_slope<R: Number>(id: usize, x: R) -> R {
    if on(id) { x + R::lit(1.0) } else { x }
}
pub fn value_in<A: Float>(id: usize, out: Out<'_, A>) {
    if on(id) {
        let tensor = out.tensor();
        *tensor = tensor.scale(1.001);
    }
}
pub fn family(id: usize, family: Family<'_>) -> Family<'_> {
    match (on(id), &family) {
        (false, _) => family,
        (true, Family::Constant) => Family::Linear,
        (true, _) => Family::Constant,
    }
}
/// The tangent of a rule, by the name of its type.
pub fn tangent<T: Reading, R>(x: T) -> T {
    let name = std::any::type_name::<R>().rsplit("::").next().unwrap_or_default();
    match TANGENTS.iter().find(|(rule, id)| *rule == name && (on(*id) || on(id + 1))) {
        Some((_, id)) => tensor(*id, x),
        None => x,
    }
}
pub fn tensor<T: Reading>(id: usize, x: T) -> T {
    if on(id) {
        x.neg()
    } else if on(id + 1) {
        x.scale(2.0)
    } else {
        x
    }
}
pub fn nth<T: Reading>(id: usize, operand: usize, mut all: Contributions<T>) -> Contributions<T> {
    if let Some(contribution) = all.get_mut(operand) {
        *contribution = contribution.take().map(|x| tensor(id, x));
    }
    all
}

pub trait Methods: Reading {
    fn mutant_add(&self, id: usize, other: impl Borrow<Self>) -> Self {
        if on(id) { self.sub(other) } else { self.add(other) }
    }
    fn mutant_sub(&self, id: usize, other: impl Borrow<Self>) -> Self {
        if on(id) { self.add(other) } else { self.sub(other) }
    }
    fn mutant_mul(&self, id: usize, other: impl Borrow<Self>) -> Self {
        if on(id) { self.mul(other).scale(2.0) } else { self.mul(other) }
    }
    fn mutant_div(&self, id: usize, other: impl Borrow<Self>) -> Self {
        if on(id) { self.div(other).scale(2.0) } else { self.div(other) }
    }
    fn mutant_accumulate(&mut self, id: usize, other: Self) {
        if on(id) { *self = self.sub(&other) } else { self.accumulate(other) }
    }
    fn mutant_neg(&self, id: usize) -> Self {
        if on(id) { self.clone() } else { self.neg() }
    }
    fn mutant_scale(&self, id: usize, factor: f64) -> Self {
        self.scale(if on(id) { -factor } else { factor })
    }
}
impl<T: Reading> Methods for T {}

/// Shows a visitor only the rules whose type is named in MUTANT_RULES, if that is set.
pub struct Filter<'v, V>(pub &'v mut V);

fn selected<R>() -> bool {
    static RULES: OnceLock<Option<Vec<String>>> = OnceLock::new();
    let name = std::any::type_name::<R>();
    if let Ok(path) = std::env::var("MUTANT_REGISTRY") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(file, "{name}").unwrap();
    }
    let rules = RULES.get_or_init(|| {
        let rules = std::env::var("MUTANT_RULES").ok()?;
        Some(rules.split(',').map(str::to_owned).collect())
    });
    let words = || name.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
    rules.as_ref().is_none_or(|rules| words().any(|word| rules.iter().any(|rule| rule == word)))
}

impl<V: Visitor> Visitor for Filter<'_, V> {
    fn rule<R: Rule>(&mut self, examples: &[Example<R>], refusals: &[Refusal<R>]) {
        if selected::<R>() {
            self.0.rule(examples, refusals);
        }
    }
    fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
        if selected::<E>() {
            self.0.elementwise::<E, N>(rule);
        }
    }
}
"""


class Unknown(Exception):
    """The source is written in a way that this script does not know."""


Mutant = collections.namedtuple("Mutant", "id rule part after rules aliases")


class Mutants:
    """The changes found so far; each gets a number."""

    def __init__(self):
        self.all = []
        self.tangents = {}  # of the types of rules, the number of the first mutant of its tangent

    def add(self, rule, part, after, rules=None, aliases=()):
        """A mutant of the type `rule`, tested on the types `rules` (itself if not given)."""
        number = len(self.all) + 1
        after = re.sub(r"\s+", " ", after).strip()
        names = tuple(sorted(rules or [rule]))
        self.all.append(Mutant(number, rule, part, after, names, tuple(aliases)))
        return number


# Reading Rust as text.

SKIPPED = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(\#*)".*?"\1|b?"(?:\\.|[^"\\])*"|'(?:\\(?:u\{[0-9a-f]+\}|.)|[^'\\])'""",
    re.S,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}


def code(text):
    """The text with comments and literals of text blanked, every other character in its place."""
    return SKIPPED.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def closing(plain, start):
    """Where the bracket at `start` is closed."""
    depth = 0
    for i in range(start, len(plain)):
        if plain[i] in "([{":
            depth += 1
        elif plain[i] in ")]}":
            depth -= 1
            if depth == 0:
                return i
    raise Unknown(f"unbalanced brackets after: {plain[start:start + 60]!r}")


def pieces(plain, start, end, separator):
    """The spans between separators that are in no bracket, without blanks around them."""
    spans, depth, begin = [], 0, start
    for i in range(start, end + 1):
        if i == end or (depth == 0 and plain[i] == separator):
            span = trimmed(plain, begin, i)
            if span[0] < span[1]:
                spans.append(span)
            begin = i + 1
        elif plain[i] in "([{":
            depth += 1
        elif plain[i] in ")]}":
            depth -= 1
    return spans


def trimmed(plain, start, end):
    while start < end and plain[start].isspace():
        start += 1
    while end > start and plain[end - 1].isspace():
        end -= 1
    return start, end


def replaced(text, edits):
    """The text after edits (start, end, replacement), none of which overlap."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def around(text, start, end, new):
    """What some code reads like after a change, as far as it takes to recognise it."""
    before, after = text[:start], text[end:]
    before = before if len(before) <= 44 else "…" + before[-42:]
    after = after if len(after) <= 44 else after[:42] + "…"
    return before + new + after


def short(text):
    """Some code on one line, without its end if it is long."""
    text = " ".join(text.split())
    return text if len(text) < 80 else text[:78] + "…"


def functions(plain, start, end):
    """The functions with a body between two places: (name, signature, open brace, close brace)."""
    found, at = [], start
    while match := re.compile(r"\bfn\s+(\w+)").search(plain, at, end):
        brace = match.end()
        while brace < end and plain[brace] not in "{;":
            brace = closing(plain, brace) + 1 if plain[brace] in "([" else brace + 1
        at = brace
        if brace < end and plain[brace] == "{":
            at = closing(plain, brace)
            found.append((match.group(1), plain[match.start() : brace], brace, at))
    return found


def blocks(plain, head):
    """The braced blocks after each match of `head`: (match, open brace, close brace)."""
    for match in re.finditer(head + r"\s*\{", plain):
        yield match, match.end() - 1, closing(plain, match.end() - 1)


# Elementwise rules.

TOKEN = re.compile(
    r"(?P<literal>\bR::lit\()|(?P<other>->|=>|[-+*/]=|&&|\|\||::)|(?P<operator>[-+*/])"
)


def mutate_operators(text, note):
    """An expression over `R: Number` with a switch at each sign, factor and literal.

    A switch is a literal 1 multiplied in beside the operator, which every reading drops, so that
    precedence stays what it was: `a + b·c` becomes `a + s·b·c`.
    """
    plain, edits, at = code(text), [], 0
    while match := TOKEN.search(plain, at):
        at = match.end()
        if match["literal"]:
            close = closing(plain, match.end() - 1)
            inside = text[match.end() : close]
            zero = re.fullmatch(r"-?0\.?0*", inside.strip()) is not None
            changed = "1.0" if zero else inside[1:] if inside[0] == "-" else f"-{inside}"
            if not zero and not re.fullmatch(r"[\w.]+", inside.strip("-")):
                changed = f"-({inside})"
            number = note(around(text, match.end(), close, changed))
            edits.append((match.end(), close, f"crate::mutant::literal({number}, {inside})"))
            at = close
        elif match["operator"]:
            before = plain[: match.start()].rstrip()
            binary = re.search(r"[\w)\]}]$", before) is not None
            sign = match["operator"]
            if sign in "+-":
                new = {"+": "-", "-": "+" if binary else ""}[sign]
                switch = "sign"
            elif binary:
                new, switch = f"{sign} 2 {sign}", "factor"
            else:
                continue  # a dereference
            number = note(around(text, match.start(), match.end(), new))
            then = "/" if sign == "/" else "*"
            new = f" crate::mutant::{switch}::<R>({number}) {then}"
            edits.append((match.end(), match.end(), new))
    return replaced(text, edits)


def mutate_number(mutants, text, rule, part, aliases=(), rules=None):
    """The expression of a value or of a slope, with all its switches."""
    note = lambda what: mutants.add(rule, part, what, rules, aliases)
    is_value = part == "value"
    shown = short(text)
    if is_value:
        number = note(f"({shown}) * 1.001")
        return f"crate::mutant::value({number}, {mutate_operators(text, note)})"
    if re.fullmatch(r"R::lit\(-?0\.?0*\)", text.strip()):
        return f"crate::mutant::zero_slope({note(f'{shown} + 1')}, {text})"
    number = note(f"-({shown})")
    note(f"2 * ({shown})")
    # A slope that is one literal has no sign or factor of its own.
    alone = re.fullmatch(r"R::lit\([^()]*\)", text.strip())
    inner = text if alone else mutate_operators(text, note)
    return f"crate::mutant::slope({number}, {inner})"


def mutate_tables(text, mutants):
    """The entries of `unary_rules!` and `binary_rules!`."""
    plain, edits = code(text), []
    for _, opened, closed in blocks(plain, r"\b(?:unary|binary)_rules!"):
        for start, end in pieces(plain, opened + 1, closed, ";"):
            name = re.compile(r"(\w+)\s+(\w+)").match(plain, start)
            rule, aliases = name.group(1), (name.group(2),)
            found = {}
            for match in re.finditer(r",\s*(value|slope|slopes)\s*\|[^|]*\|\s*", plain[start:end]):
                at = start + match.end()
                found[match.group(1)] = pieces(plain, at, end, ",")[0]
            if "value" not in found or len(found) != 2:
                raise Unknown(f"the entry of {rule} has not one value and its slopes")
            slopes = [found["slope"]] if "slope" in found else None
            if slopes is None:
                first, last = found["slopes"]
                slopes = pieces(plain, first + 1, last - 1, ",")
            spans = [("value", found["value"])]
            spans += [(f"slope {i}", span) for i, span in enumerate(slopes)]
            for part, (a, b) in spans:
                edits.append((a, b, mutate_number(mutants, text[a:b], rule, part, aliases)))
    return replaced(text, edits)


def mutate_elementwise(text, mutants):
    """Rules that are elementwise without an entry in a table: `impl Elementwise<N> for ...`."""
    plain, edits = code(text), []
    for match, opened, closed in blocks(plain, r"\bimpl\s+Elementwise<\d+>\s+for\s+(\w+)"):
        rule = match.group(1)
        bodies = {name: (a + 1, b) for name, _, a, b in functions(plain, opened, closed)}
        a, b = trimmed(plain, *bodies["value"])
        edits.append((a, b, mutate_number(mutants, text[a:b], rule, "value")))
        for name in [name for name in ("slope", "times_slope") if name in bodies]:
            a, b = trimmed(plain, *bodies[name])
            arms = re.compile(r"match\s+operand\s*\{").match(plain, a)
            if arms is None or closing(plain, arms.end() - 1) != b - 1:
                raise Unknown(f"the {name} of {rule} is not one match on the operand")
            for i, (a, b) in enumerate(pieces(plain, arms.end(), b - 1, ",")):
                a = trimmed(plain, plain.index("=>", a) + 2, b)[0]
                edits.append((a, b, mutate_number(mutants, text[a:b], rule, f"{name} {i}")))
    return replaced(text, edits)


# Rules over whole tensors.


def expand_macros(text):
    """The text with macros without arguments written out where they stand for parts of a rule."""
    plain, bodies = code(text), {}
    for match, opened, closed in blocks(plain, r"\bmacro_rules!\s+(\w+)"):
        arm = re.compile(r"\{\s*\(\s*\)\s*=>\s*\{").match(plain, opened)
        if arm:
            bodies[match.group(1)] = text[arm.end() : closing(plain, arm.end() - 1)]
    if not bodies:
        return text
    call = re.compile(r"\b(" + "|".join(bodies) + r")!\(\);")
    edits = [(m.start(), m.end(), bodies[m.group(1)]) for m in call.finditer(plain)]
    return replaced(text, edits)


METHOD = re.compile(r"\.\s*(add|sub|mul|div|neg|scale)\(")


def mutate_methods(text, path, mutants):
    """The sums, differences, signs and factors of code that is generic over `Reading`."""
    plain = code(text)
    owners = [(a, b, m.group(1)) for m, a, b in blocks(plain, r"\bimpl\s+Rule\s+for\s+(\w+)")]
    rules = [rule for _, _, rule in owners]
    owners += [(a, b, m.group(1)) for m, a, b in blocks(plain, r"\bimpl\s+(\w+)")]
    taken = [(a, b) for _, a, b in blocks(plain, r"\b(?:impl|trait|mod|macro_rules!)\b[^{};]*")]
    edits = []

    def mutate(name, start, end, rule, tested):
        for match in METHOD.finditer(plain, start, end):
            method = match.group(1)
            a, b = match.span(1)
            if method == "scale":
                arguments = closing(plain, b)
                argument = text[b + 1 : arguments]
                after = around(text[start:end], b + 1 - start, arguments - start, f"-({argument})")
            elif method == "neg":
                after = around(text[start:end], match.start() - start, b + 2 - start, "")
            else:
                other = {"add": "sub", "sub": "add", "mul": "scale(2).mul", "div": "scale(2).div"}
                other = other[method]
                after = around(text[start:end], a - start, b - start, other)
            number = mutants.add(rule, f"fn {name}", after, tested)
            comma = "" if method == "neg" else ", "
            edits.append((a, b + 1, f"mutant_{method}({number}{comma}"))

    for start, end, rule in owners:
        for name, signature, a, b in functions(plain, start, end):
            if "T: Reading" in signature:
                mutate(name, a + 1, b, rule, None)
    for name, signature, a, b in functions(plain, 0, len(plain)):
        if "T: Reading" in signature and not any(x < a < y for x, y in taken):
            mutate(name, a + 1, b, Path(path).name, rules)
    return replaced(text, edits)


def mutate_contributions(text, mutants):
    """Each closure of `call.contributions([...])`, whichever function of the rule it is in."""
    plain, edits = code(text), []
    for match, start, end in blocks(plain, r"\bimpl\s+(?:Rule\s+for\s+)?(\w+)"):
        operand = re.compile(r"\.contributions\(\s*\[")
        for call in operand.finditer(plain, start, end):
            close = closing(plain, call.end() - 1)
            for i, (a, b) in enumerate(pieces(plain, call.end(), close, ",")):
                closure = re.compile(r"&\s*\|\|\s*").match(plain, a)
                body = text[closure.end() : b] if closure else f"({text[a:b]})()"
                shown = re.sub(r"mutant_(\w+)\(\d+(, )?", r"\1(", text[a:b])
                shown = short(shown.lstrip("&| \n"))
                number = mutants.add(match.group(1), f"contribution {i}", f"-({shown})")
                mutants.add(match.group(1), f"contribution {i}", f"2 * ({shown})")
                edits.append((a, b, f"&|| crate::mutant::tensor({number}, (|| {body})())"))
    return replaced(text, edits)


def mutate_results(text, mutants):
    """Values, tangents, and gradients that are not made by `call.contributions`."""
    plain, edits = code(text), []

    def wrap(span, before, after):
        a, b = span
        edits.append((a, a + 1, "{ " + before))
        edits.append((b, b + 1, after + " }"))

    inherent = {}
    for match, start, end in blocks(plain, r"\bimpl\s+(\w+)"):
        for name, _, a, b in functions(plain, start, end):
            inherent[match.group(1), name] = (a, b)
    for match, start, end in blocks(plain, r"\bimpl\s+Rule\s+for\s+(\w+)"):
        rule = match.group(1)
        bodies = {name: (a, b) for name, _, a, b in functions(plain, start, end)}
        if not {"forward", "vjp", "family"} <= bodies.keys():
            raise Unknown(f"{rule} has no value, no gradient or no family of its own")

        number = mutants.add(rule, "value", "1.001 * value")
        before = "let mut whole = out; { let mut out = whole.again(); (|| -> Result<(), Problem> {"
        after = f"}})()?; }} crate::mutant::value_in({number}, whole); Ok(())"
        wrap(bodies["forward"], before, after)

        a, b = bodies["family"]
        shown = short(text[a + 1 : b])
        other = "Family::Linear" if shown == "Family::Constant" else "Family::Constant"
        number = mutants.add(rule, "family", f"{other} for {shown}")
        wrap((a, b), f"crate::mutant::family({number}, {{", "})")

        if shown != "Family::Constant":
            number = mutants.add(rule, "tangent", "-(tangent)")
            mutants.add(rule, "tangent", "2 * (tangent)")
            mutants.tangents[rule] = number

        a, b = bodies["vjp"]
        if ".contributions(" not in plain[a:b].replace("\n", "").replace(" ", ""):
            before = after = ""
            for operand in (0, 1):
                part = f"contribution {operand}"
                number = mutants.add(rule, part, f"-(contribution {operand})")
                mutants.add(rule, part, f"2 * (contribution {operand})")
                before += f"crate::mutant::nth({number}, {operand}, "
                after += ")"
            wrap((a, b), before + "(|| -> Contributions<T> {", "})()" + after)
    return replaced(text, edits)


def mutate_forward(text, mutants):
    """Forward mode, as it follows from the families of rules."""
    plain, edits = code(text), []
    found = {name: (a, b) for name, _, a, b in functions(plain, 0, len(plain))}
    if not {"pushforward", "push", "sum"} <= found.keys():
        raise Unknown("there is no function pushforward, push or sum")
    bilinear = re.search(r"Family::Bilinear\s*=>\s*\{", plain)
    if bilinear is None:
        raise Unknown("push has no bilinear rules")
    end = closing(plain, bilinear.end() - 1)
    terms = list(re.compile(r"\brule\.apply\(").finditer(plain, bilinear.end(), end))
    if len(terms) != 2:
        raise Unknown("the tangent of bilinear rules has not two terms")
    for term in terms:
        end = closing(plain, term.end() - 1) + 1
        shown = text[term.start() : end]
        number = mutants.add("pushforward", "bilinear", f"-{shown}", ["Matmul", "Conv"])
        mutants.add("pushforward", "bilinear", f"2 * {shown}", ["Matmul", "Conv"])
        edits.append((term.start(), end, f"crate::mutant::tensor({number}, {shown})"))

    tested = ["Matmul", "Conv", "Sub", "Mul", "Atan2", "Solve", "Norm"]
    sums = list(re.compile(r"\.accumulate\(").finditer(plain, *found["sum"]))
    if len(sums) != 1:
        raise Unknown("there is not one sum of the terms of a tangent")
    number = mutants.add("pushforward", "sum", "accumulate as a difference", tested)
    edits.append((*sums[0].span(), f".mutant_accumulate({number}, "))

    for method in METHOD.finditer(plain, *found["push"]):
        if method.group(1) not in ("neg", "mul", "add", "sub"):
            continue
        a, b = method.span(1)
        other = {"add": "sub", "sub": "add", "mul": "scale(2).mul", "neg": "clone"}[method.group(1)]
        number = mutants.add("pushforward", "tangent", around(text, a, b, other), tested)
        comma = "" if method.group(1) == "neg" else ", "
        edits.append((a, b + 1, f"mutant_{method.group(1)}({number}{comma}"))

    a, b = found["pushforward"]
    edits.append((a + 1, a + 1, " (|| -> Option<T> {"))
    edits.append((b, b, "})().map(crate::mutant::tangent::<T, R>) "))
    return replaced(text, edits)


def mutate_with_number(text, mutants):
    """Rules with a number in the place of an operand."""
    plain, edits = code(text), []
    for _, start, end in blocks(plain, r"\bimpl<B: Binary>\s+Unary\s+for\s+WithNumber<B>"):
        tested = ["Sub", "Mul", "Div", "Pow"]
        for name, _, a, b in functions(plain, start, end):
            if name not in ("value", "slope"):
                continue
            for call in re.compile(r"self\.rule\.\w+\(").finditer(plain, a, b):
                last = closing(plain, call.end() - 1) + 1
                new = mutate_number(mutants, text[call.start() : last], "WithNumber", name, (), tested)
                edits.append((call.start(), last, new))
    return replaced(text, edits)


def instrument(sources):
    """The sources with every mutant written in: (changed files, mutants, types of whole rules)."""
    mutants, changed = Mutants(), {}
    for path in sorted(sources):
        if not (path.startswith(RULES + "/") and path.endswith(".rs")):
            continue
        before = len(mutants.all)
        try:
            text = mutate_tables(sources[path], mutants)
            text = mutate_elementwise(text, mutants)
            text = expand_macros(text)
            text = mutate_methods(text, path, mutants)
            text = mutate_contributions(text, mutants)
            text = mutate_results(text, mutants)
        except Unknown as problem:
            raise Unknown(f"{path}: {problem}") from None
        if len(mutants.all) > before:
            at = re.search(r"^(?!//!|$)", text, re.M).start()  # after the text about the module
            changed[path] = text[:at] + "use crate::mutant::Methods as _;\n" + text[at:]
    text = mutate_forward(sources[FORWARD], mutants)
    changed[FORWARD] = text.replace("use crate::", "use crate::mutant::Methods as _;\nuse crate::", 1)
    changed[WITH_NUMBER] = mutate_with_number(sources[WITH_NUMBER], mutants)

    visit = re.compile(r"pub fn visit\(visitor: &mut impl Visitor\) \{")
    if len(visit.findall(sources[REGISTRY])) != 1:
        raise Unknown(f"{REGISTRY}: there is not one `pub fn visit(visitor: &mut impl Visitor)`")
    through = visit.pattern.replace("\\", "") + (
        "\n    visit_all(&mut crate::mutant::Filter(visitor));\n}\n\n"
        "fn visit_all(visitor: &mut impl Visitor) {"
    )
    changed[REGISTRY] = visit.sub(through, sources[REGISTRY])
    module = re.compile(r"^mod readings;", re.M)
    changed[LIBRARY] = module.sub("mod mutant;\nmod readings;", sources[LIBRARY])
    if changed[LIBRARY] == sources[LIBRARY]:
        raise Unknown(f"{LIBRARY}: there is no `mod readings;` to put a module beside")
    tangents = ", ".join(f'("{rule}", {number})' for rule, number in mutants.tangents.items())
    changed[MODULE] = SUPPORT.lstrip() + f"\nstatic TANGENTS: &[(&str, usize)] = &[{tangents}];\n"
    return changed, mutants.all


def without_equivalents(mutants):
    """The mutants but for those that are listed as changing nothing."""
    left = list(mutants)
    for rules, parts, after, _ in EQUIVALENT:
        for rule, part in itertools.product(rules, parts):
            fits = [m for m in left if (m.rule, m.part) == (rule, part) and after in m.after]
            if not fits:
                raise Unknown(f"EQUIVALENT: no mutant of {rule}, {part} has `{after}`")
            left = [m for m in left if m not in fits]
    return left


def turn(root):
    """A number that grows with each commit and each day."""
    counted = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=root, capture_output=True, text=True
    )
    commits = int(counted.stdout) if counted.returncode == 0 else 0
    return commits + int(time.time() / 86400)


def sample(mutants, part, root):
    """The mutants of one part, K/N; if it is empty, of the twentieth of this commit and day."""
    if part is None:
        return mutants
    if part == "":
        part = f"{turn(root) % 20 + 1}/20"
    match = re.fullmatch(r"(\d+)/(\d+)", part)
    k, n = map(int, match.groups()) if match else (0, 0)
    if not 1 <= k <= n:
        raise Unknown(f"{part} is not a part like 3/20")
    print(f"part {k} of {n}")
    return mutants[k - 1 :: n]


# Building and running.


def folders(options):
    """Where the copy is, and what cargo compiles into."""
    keep = options.keep and Path(options.keep).resolve()
    if keep and options.target and keep.is_relative_to(Path(options.target).resolve()):
        # Cargo takes what was compiled from another copy in there for what this one's files give.
        raise Unknown("the folder of --keep must not lie in that of --target")
    work = keep or Path(tempfile.mkdtemp(prefix="mutate-")).resolve()
    return work, Path(options.target or work / "target").resolve()


def workspace_files(root):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True, text=True,
    ).stdout
    return sorted({name for name in listed.split("\0") if name and (root / name).is_file()})


def write_copy(root, names, changed, to):
    """Brings `to` up to date; files that are as they should be keep their times."""
    wanted = {name: (root / name).read_bytes() for name in names}
    # Not by a setting of the compiler, for which all dependencies would be compiled again.
    lints = b"[workspace.lints.rust]\n"
    if lints not in wanted["Cargo.toml"]:
        raise Unknown("Cargo.toml has no lints to be allowed")
    allowed = lints + b'warnings = { level = "allow", priority = 1 }\n'
    wanted["Cargo.toml"] = wanted["Cargo.toml"].replace(lints, allowed)
    wanted |= {name: text.encode() for name, text in changed.items()}
    for name, content in wanted.items():
        path = to / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in [p for p in to.rglob("*") if p.is_file()]:
        if path.relative_to(to).as_posix() not in wanted:
            path.unlink()


def build(source, target):
    """Compiles the tests and gives the paths of the programs of `tape` and of `ops`."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(target), "CARGO_INCREMENTAL": "0"}
    command = ["cargo", "test", "-p", "tape", "-p", "ops", "--features", "linalg"]
    command += ["--test", "all", "--no-run", "--message-format", "json-render-diagnostics"]
    done = subprocess.run(
        command, cwd=source, env=environment, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise Unknown("the workspace with all mutants written in does not compile")
    programs = {}
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "all":
            crate = Path(message["manifest_path"]).parent
            programs[crate.name] = (message["executable"], crate)
    if programs.keys() != {"tape", "ops"}:
        raise Unknown("cargo did not build the programs of the tests of tape and of ops")
    return programs


Outcome = collections.namedtuple("Outcome", "passed failed timed_out")
LATE = Outcome(False, ["no end within the time limit"], True)
WAIT = 3  # Seconds of waiting for each second of processor time.


class Suite:
    """The compiled tests."""

    def __init__(self, programs):
        self.programs = programs
        self.limit = 600
        self.counting = []
        self.lock, self.demanded = threading.Lock(), set()
        # Some of them read plans and count the ops of slopes, to which the mutants' switches add some.
        names = ("book::", "properties::", "program::a_slope_is_one_step")
        names += ("slopes::a_plan_writes_out", "slopes::slopes_of_scalars_run_in_rounds")
        self.skip = [word for name in names for word in ("--skip", name)]
        program, directory = programs["tape"]
        listed = subprocess.run(
            [program, "--list"], cwd=directory, check=True, capture_output=True, text=True
        ).stdout
        self.rules = re.findall(r"^(rules::.*): test$", listed, re.M)
        if not self.rules:
            raise Unknown("there are no tests of the rules")

    def run(self, mutant=0, rules=None, only=(), skip=(), registry=None, whole=False):
        """Runs tests of the rules: `only` these, or all without `skip`."""
        only = list(only) or [name for name in self.rules if name not in skip]
        return self.start("tape", ["--exact", *only], mutant, rules, registry, whole)

    def run_all(self, mutant):
        """Runs all tests of both crates but those that run other programs or are random."""
        for crate in self.programs:
            outcome = self.start(crate, self.skip, mutant)
            if not outcome.passed:
                self.demand(crate, outcome.failed)
                break
        return outcome

    def start(self, crate, arguments, mutant, rules=None, registry=None, whole=False):
        """Runs tests of a crate up to the first that fails, or, as a `whole`, to the end."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MUTANT")}
        environment |= {"MUTANT": str(mutant), "RUST_BACKTRACE": "0"}
        if rules is not None:
            environment["MUTANT_RULES"] = ",".join(rules)
        if registry is not None:
            environment["MUTANT_REGISTRY"] = str(registry)
        program, directory = self.programs[crate]
        # The limit is of processor time, so that it says the same on a busy machine; a test that waits
        # for ever, and so takes none, ends a good while later.
        limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (self.limit, self.limit + 10))
        failed, late = [], threading.Event()
        with subprocess.Popen(
            [program, "--test-threads", "1", *arguments], cwd=directory, env=environment,
            preexec_fn=limit, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            errors="replace",
        ) as running:
            clock = threading.Timer(WAIT * self.limit, lambda: (late.set(), running.kill()))
            clock.start()
            for line in running.stdout:
                failed += re.findall(r"^test (\S+) .*FAILED$", line)
                if failed and not whole:
                    running.kill()
                    break
        clock.cancel()
        if not failed and (late.is_set() or running.returncode == -signal.SIGXCPU):
            return LATE
        return Outcome(running.returncode == 0, failed or ["the program ended early"], False)

    def prepare(self, every_rules, work, jobs):
        """Demands that the unchanged engine passes; gives the types of the registry."""
        registry = work / "registry.txt"
        registry.unlink(missing_ok=True)

        def with_all():
            start = time.monotonic()
            return self.run(registry=registry), time.monotonic() - start

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            all_rules = pool.submit(with_all)
            # Tests that fail when there are no rules count them, so they need the whole registry.
            none = pool.submit(self.run, rules=[], whole=True).result()
            whole, whole_time = all_rules.result()
        if not whole.passed:
            raise Unknown(f"the tests fail without any mutant: {', '.join(whole.failed)}")
        self.counting = [] if none.passed else none.failed
        if self.counting and not self.run(only=self.counting).passed:
            raise Unknown("the tests that count rules fail without any mutant")

        def alone(rules):
            start = time.monotonic()
            outcome = self.run(rules=rules, skip=self.counting)
            return rules, outcome, time.monotonic() - start

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for rules, outcome, taken in pool.map(alone, every_rules):
                if not outcome.passed:
                    raise Unknown(f"tests of {rules} fail without any mutant: {outcome.failed}")
                whole_time = max(whole_time, taken)
        self.limit = 30 + int(10 * whole_time)
        return set(registry.read_text().splitlines())

    def face(self, mutant):
        """The first of the four ways in which the mutant is caught, or that it is not."""
        outcome = self.run(mutant.id, rules=mutant.rules, skip=self.counting)
        if outcome.passed and self.counting:
            outcome = self.run(mutant.id, only=self.counting)
        if outcome.passed:
            outcome = self.run(mutant.id)
        if outcome.passed:
            outcome = self.run_all(mutant.id)
        return mutant, outcome

    def demand(self, crate, tests):
        """Demands, of each once, that tests which caught a mutant pass without one."""
        with self.lock:
            new = [test for test in tests if (crate, test) not in self.demanded]
            # One that ended early names no test, so all of them are asked.
            asked = ["--exact", *new] if all("::" in test for test in new) else self.skip
            if new and not self.start(crate, asked, 0).passed:
                raise Unknown(f"tests of {crate} fail without any mutant: {', '.join(new)}")
            self.demanded |= {(crate, test) for test in new}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="show the mutants and stop")
    parser.add_argument("--only", metavar="NAME", help="only the mutants of this rule")
    parser.add_argument(
        "--sample", metavar="K/N", nargs="?", const="", help="one part of N; by default of 20"
    )
    parser.add_argument("--keep", metavar="DIR", help="work in DIR and leave it there")
    parser.add_argument("--target", metavar="DIR", help="compiles into DIR")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--verbose", action="store_true", help="a line for every mutant")
    options = parser.parse_args()
    root = Path(__file__).resolve().parent.parent

    start = time.monotonic()
    names = workspace_files(root)
    rust = [n for n in names if n.startswith("crates/ops/src/") and n.endswith(".rs")]
    sources = {n: (root / n).read_text() for n in rust}
    changed, every = instrument(sources)
    mutants = without_equivalents(every)
    if options.only:
        name = options.only.lower()
        known = lambda m: name in (m.rule.lower(), *m.aliases)
        mutants = [m for m in mutants if known(m)]
        if not mutants:
            raise Unknown(f"there is no rule {options.only}")
    mutants = sample(mutants, options.sample, root)
    if options.list:
        for m in mutants:
            print(f"{m.id:4} {m.rule}, {m.part}: {m.after}")
        print(f"{len(mutants)} mutants of {len({m.rule for m in mutants})} rules")
        return 0

    work, target = folders(options)
    try:
        source = work / "source"
        source.mkdir(parents=True, exist_ok=True)
        write_copy(root, names, changed, source)
        print(f"changed in a copy: {', '.join(sorted(changed))}", flush=True)
        suite = Suite(build(source, target))
        print(f"{len(mutants)} mutants, built in {time.monotonic() - start:.0f} s", flush=True)
        registry = suite.prepare(sorted({m.rules for m in mutants}), work, options.jobs)

        mutated = {m.rule for m in without_equivalents(every)}
        visited = {re.findall(r"::(\w+)\b(?!::|<)", name)[-1] for name in registry}
        if missing := sorted(visited - mutated):
            raise Unknown(f"rules of the registry without a mutant: {', '.join(missing)}")

        survivors, late = [], 0
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for mutant, outcome in pool.map(suite.face, mutants):
                late += outcome.timed_out
                if outcome.passed:
                    survivors.append(mutant)
                label = "SURVIVED" if outcome.passed else "caught"
                if outcome.passed or options.verbose:
                    by = "" if outcome.passed else f"  [{', '.join(outcome.failed)}]"
                    what = f"{mutant.rule}, {mutant.part}: {mutant.after}"
                    print(f"{label} {mutant.id}: {what}{by}", flush=True)

        of_registry = len({m.rule for m in mutants} & visited)
        print(
            f"{of_registry} of the registry's {len(visited)} rules mutated; "
            f"{late} mutants caught by the time limit of {suite.limit:.0f} s; "
            f"{len(every) - len(without_equivalents(every))} changes left out as equivalent; "
            f"{time.monotonic() - start:.0f} s in all"
        )
        print(f"caught {len(mutants) - len(survivors)} of {len(mutants)}")
        return 1 if survivors else 0
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unknown as problem:
        print(f"mutate: {problem}", file=sys.stderr)
        sys.exit(2)
