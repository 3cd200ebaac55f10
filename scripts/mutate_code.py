#!/usr/bin/env python3
"""Breaks the code around the rules, one operator at a time: do the tests notice?

    python3 scripts/mutate_code.py                 all mutants; ends with `caught N of N`
    python3 scripts/mutate_code.py PATH ...        those in files below these paths
    python3 scripts/mutate_code.py --list          what would be changed; builds nothing
    python3 scripts/mutate_code.py --sample K/N    the Kth of N parts; without K/N a hundredth,
                                                   another one at each commit and on each day
    python3 scripts/mutate_code.py --limit N       at most N mutants, spread evenly
    python3 scripts/mutate_code.py --keep DIR      works in DIR and leaves it there

`mutate.py` knows what a rule of differentiation is; this script knows only Rust. In the bodies of
functions it changes

    compare    `<` to `<=`, `==` to `!=`, and so on, at its bound and to the contrary
    arithmetic `+` to `-`, `*` to `/`, and the reverse; `%` to `*`
    number     1 is added to a literal
    truth      true and false exchanged; a condition turned into the contrary; `!x` to x
    sign       `-x` to x
    extreme    min and max exchanged
    statement  a statement that has an effect is left out

As in `mutate.py`, all changes are compiled at once in a copy of the workspace, and the environment
variable MUTANT says which one is in force. What does not compile is left out, as the compiler says.
The judges are the tests of the crate that the file is in. Each test is run once by itself to see which
changes it comes past; a mutant faces only those that come past it, the quick ones first.

A mutant that no test comes past is a survivor like any other, and is marked so.
"""

import argparse
import bisect
import collections
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mutate
from mutate import Unknown, blocks, closing, code, functions, replaced, short

# What is mutated, and with the tests of which crate it is judged.
PARTS = {
    "crates/ops/src/kernel/": "ops",
    "crates/ops/src/readings/": "ops",
    "crates/ops/src/tensor/": "ops",
    "crates/tape/src/sweep/": "tape",
    "crates/tape/src/graph/": "tape",
    "crates/tape/src/replay/": "tape",
    "crates/tape/src/transform/": "tape",
    "crates/tape/src/check/": "tape",
    "crates/nn/src/": "nn",
}
# Text for readers only, or data.
LEFT_OUT = ("/error", "/ground/", "/summary.rs", "/proto.rs", "/accuracy/", "/tests.rs", "/plot.rs")

# Changes that no test can see, because what is computed stays the same: the file, some of the code
# after the change, and why.
EQUIVALENT = []

SUPPORT = r"""
//! Switches between mutants; written by scripts/mutate_code.py.
#![allow(warnings)]
use std::io::Write;
use std::ops::{Add, Div, Mul, Neg, Not, Rem, Sub};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

const UNSET: usize = usize::MAX;
const RECORD: usize = usize::MAX - 1;
static ACTIVE: AtomicUsize = AtomicUsize::new(UNSET);
static SEEN: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];

#[cold]
fn start() -> usize {
    let recording = std::env::var_os("MUTANT_RECORD").is_some();
    let chosen = || std::env::var("MUTANT").map_or(0, |id| id.parse().unwrap());
    let active = if recording { RECORD } else { chosen() };
    ACTIVE.store(active, Relaxed);
    active
}

#[cold]
fn record(id: usize) {
    if !SEEN[id].swap(true, Relaxed) {
        let path = std::env::var("MUTANT_RECORD").unwrap();
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{id}\n").as_bytes()).unwrap();
    }
}

#[inline(always)]
pub fn on(id: usize) -> bool {
    let mut active = ACTIVE.load(Relaxed);
    if active >= RECORD {
        if active == UNSET {
            active = start();
        }
        if active == RECORD {
            record(id);
        }
    }
    active == id
}

macro_rules! compare {
    ($($name:ident $bound:ident: $now:tt $near:tt $far:tt;)*) => {$(
        #[inline(always)]
        pub fn $name<A: $bound<B> + ?Sized, B: ?Sized>(id: usize, a: &A, b: &B) -> bool {
            if on(id) { a $near b } else if on(id + 1) { a $far b } else { a $now b }
        }
    )*};
}
compare! {
    lt PartialOrd: < <= >=; le PartialOrd: <= < >; gt PartialOrd: > >= <=; ge PartialOrd: >= > <;
}
#[inline(always)]
pub fn eq<A: PartialEq<B> + ?Sized, B: ?Sized>(id: usize, a: &A, b: &B) -> bool {
    (a == b) != on(id)
}
#[inline(always)]
pub fn ne<A: PartialEq<B> + ?Sized, B: ?Sized>(id: usize, a: &A, b: &B) -> bool {
    (a != b) != on(id)
}
macro_rules! arithmetic {
    ($($name:ident $now:ident $method:ident $other:ident $changed:ident;)*) => {$(
        #[inline(always)]
        pub fn $name<A: $now<B> + $other<B, Output = <A as $now<B>>::Output>, B>(
            id: usize, a: A, b: B,
        ) -> <A as $now<B>>::Output {
            if on(id) { $other::$changed(a, b) } else { $now::$method(a, b) }
        }
    )*};
}
arithmetic! {
    add Add add Sub sub; sub Sub sub Add add; mul Mul mul Div div; div Div div Mul mul;
    rem Rem rem Mul mul;
}
#[inline(always)]
pub fn truth(id: usize, x: bool) -> bool {
    x != on(id)
}
#[inline(always)]
pub fn not<T: Not<Output = T>>(id: usize, x: T) -> T {
    if on(id) { x } else { !x }
}
#[inline(always)]
pub fn neg<T: Neg<Output = T>>(id: usize, x: T) -> T {
    if on(id) { x } else { -x }
}
pub trait Numeric: Copy {
    fn next(self) -> Self;
    fn less(self, other: Self) -> Self;
    fn more(self, other: Self) -> Self;
    #[inline(always)]
    fn mutant_min(self, id: usize, other: Self) -> Self {
        if on(id) { self.more(other) } else { self.less(other) }
    }
    #[inline(always)]
    fn mutant_max(self, id: usize, other: Self) -> Self {
        if on(id) { self.less(other) } else { self.more(other) }
    }
}
macro_rules! numeric {
    ($one:literal: $($number:ty)*) => {$(
        impl Numeric for $number {
            #[inline(always)]
            fn next(self) -> Self { self + $one }
            #[inline(always)]
            fn less(self, other: Self) -> Self { self.min(other) }
            #[inline(always)]
            fn more(self, other: Self) -> Self { self.max(other) }
        }
    )*};
}
numeric!(1: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
numeric!(1.0: f32 f64);
#[inline(always)]
pub fn number<T: Numeric>(id: usize, x: T) -> T {
    if on(id) { x.next() } else { x }
}
"""

Mutant = collections.namedtuple("Mutant", "key file line kind after size")

# Reading Rust as tokens.

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<text>b?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|b?'(?:\\(?:u\{[0-9a-f]+\}|x..|.)|[^'\\])')
    |(?P<lifetime>'\w+)
    |(?P<number>\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?(?:_?[iuf]\w+)?|0x\w+|0b\w+)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<operator>\.\.=|\.\.\.|<<=|>>=|\.\.|=>|->|::|&&|\|\||==|!=|<=|>=|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|[^\s\w])
    """,
    re.S | re.X,
)
Token = collections.namedtuple("Token", "kind text start end")

LEVELS = [["||"], ["&&"], ["==", "!=", "<", "<=", ">", ">="], ["|"], ["^"], ["&"], ["<<", ">>"]]
LEVELS += [["+", "-"], ["*", "/", "%"]]
LEVEL = {operator: level for level, operators in enumerate(LEVELS) for operator in operators}
COMPARE = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
NEAR = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
FAR = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
ARITHMETIC = {"+": ("add", "-"), "-": ("sub", "+"), "*": ("mul", "/"), "/": ("div", "*")}
ARITHMETIC["%"] = ("rem", "*")
ENDS = {",", ";", "=", "=>", "..", "..=", "->", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="}
ENDS |= {"<<=", ">>=", "#"}
WORDS = {"if", "while", "match", "return", "in", "else", "let", "for", "loop", "break", "unsafe"}
WORDS |= {"move", "where", "fn", "impl", "dyn", "const", "static", "use", "continue", "async"}


class Body:
    """The tokens of one function's body, with the brackets paired."""

    def __init__(self, text, start, end):
        self.text, self.tokens, at = text, [], start
        while match := TOKEN.search(text, at, end):
            at = match.end()
            if match.lastgroup != "comment" and match["comment"] is None:
                kind = next(k for k in ("text", "lifetime", "number", "word", "operator") if match[k])
                self.tokens.append(Token(kind, match.group(), match.start(), match.end()))
        self.pair, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token.kind == "operator" and token.text in "([{":
                stack.append(i)
            elif token.kind == "operator" and token.text in ")]}":
                if not stack:
                    raise Unknown(f"unbalanced brackets in {text[start:start + 60]!r}")
                self.pair[i] = stack.pop()
                self.pair[self.pair[i]] = i

    def spaced(self, i):
        """Whether an operator stands between blanks, as rustfmt writes binary ones."""
        token = self.tokens[i]
        before, after = self.text[token.start - 1], self.text[token.end : token.end + 1]
        return before.isspace() and after.isspace()

    def binary(self, i):
        """The level of a binary operator; none if it is something else."""
        token = self.tokens[i]
        if token.kind != "operator" or token.text not in LEVEL or not self.spaced(i) or i == 0:
            return None
        before = self.tokens[i - 1]
        ends_value = before.kind in ("word", "number", "text") or before.text in (")", "]", "}", "?")
        if not ends_value or before.text in WORDS:
            return None
        return LEVEL[token.text]

    def left(self, i, level):
        """Where the left operand of a binary operator starts."""
        j = i
        while j > 0:
            k = j - 1
            token = self.tokens[k]
            if token.kind == "operator":
                if token.text in ")]}":
                    if token.text == "}" and j < i and self.tokens[j].text not in (".", "?"):
                        return j  # The end of an earlier statement.
                    j = self.pair[k]
                    continue
                other = self.binary(k)
                if token.text in "([{" or token.text in ENDS or (other is not None and other < level):
                    return j
                if other is None and token.text in ("|", "||"):
                    return j  # The parameters of a closure.
            elif token.kind == "word" and token.text in WORDS:
                return j
            j = k
        return j

    def right(self, i, level):
        """Where the right operand of a binary operator ends: after which token."""
        j = i + 1
        first = self.tokens[j]
        if first.text in WORDS or first.text in ("|", "||"):
            return None
        while j < len(self.tokens):
            token = self.tokens[j]
            if token.kind == "operator":
                other = self.binary(j) if j > i + 1 else None
                if token.text in ")]}{" or token.text in ENDS:
                    return j
                if other is not None and other <= level:
                    return j
                if token.text in "([":
                    j = self.pair[j]
            elif token.kind == "word" and token.text in WORDS:
                return j
            j += 1
        return j


def skipped(plain):
    """Where nothing is changed: tests, definitions of macros, attributes."""
    spans = [(a, b) for _, a, b in blocks(plain, r"\bmacro_rules!\s+\w+")]
    spans += [(a, b) for _, a, b in blocks(plain, r"#\[cfg\((?:test|all\(test[^\]]*)\)\]\s*mod\s+\w+")]
    spans += [(a, b) for _, a, b in blocks(plain, r"\b(?:matches!|thread_local!)")]
    for match in re.finditer(r"#!?\[|\bmatches!\(|\b(?:const|static)\s+\w+\s*:", plain):
        end = plain.find(";", match.start()) if match.group()[0] in "cs" else None
        spans.append((match.start(), end or closing(plain, match.end() - 1)))
    return spans


class Finder:
    """The changes to one file, each as insertions into its text."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.found = []  # (mutant, start, end, edits); an edit is (start, end, template)

    def note(self, kind, start, end, after, edits, size=1):
        line = self.text.count("\n", 0, start) + 1
        key = f"{self.path}:{kind}:{start}:{end}"
        mutants = [Mutant(key, self.path, line, kind, short(text), size) for text in after]
        self.found.append((mutants, start, end, edits))

    def around(self, start, end, new):
        """The line on which a change is, after it."""
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        return (self.text[first:start] + new + self.text[end:last]).strip()

    def search(self):
        plain = code(self.text)
        left_out = skipped(plain)
        inside = 0
        for _, signature, a, b in functions(plain, 0, len(plain)):
            before = plain[max(0, a - len(signature) - 30) : a - len(signature)]
            if a < inside or re.search(r"\bconst\s+(unsafe\s+)?$", before):
                continue
            inside = b
            self.body(Body(self.text, a + 1, b), left_out)

    def body(self, body, left_out):
        def free(at):
            return not any(a <= at < b for a, b in left_out)

        for i, token in enumerate(body.tokens):
            if not free(token.start):
                continue
            if token.kind == "operator":
                self.operator(body, i)
            elif token.kind == "number":
                before = body.tokens[i - 1].text if i else ""
                if before not in (".", "#") and "x" not in token.text:
                    what = self.around(token.start, token.end, f"({token.text} + 1)")
                    new = f"crate::mutant::number(@, {token.text})"
                    self.note("number", token.start, token.end, [what], [(token.start, token.end, new)])
            elif token.kind == "word":
                self.word(body, i)
            if token.text in (";", "{", "}") and i + 1 < len(body.tokens):
                self.statement(body, i + 1)
        if body.tokens:
            self.statement(body, 0)

    def operator(self, body, i):
        token = body.tokens[i]
        level = body.binary(i)
        if level is not None and (token.text in COMPARE or token.text in ARITHMETIC):
            first, last = body.left(i, level), body.right(i, level)
            if last is None or first >= i or last <= i + 1:
                return
            start, end = body.tokens[first].start, body.tokens[last - 1].end
            after = lambda new: self.around(token.start, token.end, new)
            if token.text in COMPARE:
                name, whats = COMPARE[token.text], [after(NEAR[token.text])]
                if token.text in FAR:
                    whats.append(after(FAR[token.text]))
                pieces = (f"crate::mutant::{name}(@, &(", "), &(", "))")
                kind = "compare"
            else:
                name, other = ARITHMETIC[token.text]
                whats = [after(other)]
                pieces = (f"crate::mutant::{name}(@, ", ", ", ")")
                kind = "arithmetic"
            edits = [(start, start, pieces[0]), (token.start, token.end, pieces[1]), (end, end, pieces[2])]
            self.note(kind, start, end, whats, edits, len(whats))
        elif token.text in "!-" and i + 1 < len(body.tokens) and not body.spaced(i):
            before = body.tokens[i - 1] if i else None
            prefix = before is None or before.kind == "operator" and before.text not in (")", "]", "?")
            prefix = prefix or before is not None and before.text in WORDS
            following = body.tokens[i + 1]
            if not prefix or following.start != token.end or following.text in ("[", "=", "-"):
                return
            last = body.right(i, len(LEVELS))
            if last is None or last <= i + 1:
                return
            start, end = token.start, body.tokens[last - 1].end
            name, kind = ("not", "truth") if token.text == "!" else ("neg", "sign")
            edits = [(start, token.end, f"crate::mutant::{name}(@, "), (end, end, ")")]
            self.note(kind, start, end, [self.around(start, token.end, "")], edits)

    def word(self, body, i):
        token = body.tokens[i]
        following = body.tokens[i + 1] if i + 1 < len(body.tokens) else None
        if token.text in ("true", "false"):
            other = {"true": "false", "false": "true"}[token.text]
            what = self.around(token.start, token.end, other)
            new = f"crate::mutant::truth(@, {token.text})"
            self.note("truth", token.start, token.end, [what], [(token.start, token.end, new)])
        elif token.text in ("min", "max") and i and body.tokens[i - 1].text == "." and following:
            close = body.pair.get(i + 1)
            if following.text == "(" and close is not None and close > i + 2:
                other = {"min": "max", "max": "min"}[token.text]
                what = self.around(token.start, token.end, other)
                edits = [(token.start, following.end, f"mutant_{token.text}(@, ")]
                self.note("extreme", token.start, following.end, [what], edits)
        elif token.text in ("if", "while") and following and following.text != "let":
            j = i + 1
            while j < len(body.tokens) and body.tokens[j].text != "{":
                if body.tokens[j].text in ("let", "=>"):
                    return
                plain = body.tokens[j].text in COMPARE and body.spaced(j)
                if plain or body.tokens[j].text == "!":
                    return  # It is changed itself.
                j = body.pair[j] + 1 if body.tokens[j].text in "([" else j + 1
            if j < len(body.tokens):
                start, end = body.tokens[i + 1].start, body.tokens[j - 1].end
                what = self.around(start, end, f"!({self.text[start:end]})")
                edits = [(start, start, "crate::mutant::truth(@, "), (end, end, ")")]
                self.note("truth", start, end, [what], edits)

    def statement(self, body, i):
        """A statement that is an expression with `;`, from its first token."""
        first = body.tokens[i]
        if first.kind not in ("word", "operator") or first.text in (WORDS | {"pub", "type", "struct"}):
            return
        if first.kind == "operator" and first.text not in ("*", "("):
            return
        j, effect = i, False
        while j < len(body.tokens) and body.tokens[j].text != ";":
            text = body.tokens[j].text
            if text in ")]}," or text == "=>" or text in WORDS:
                return
            # A call, or an assignment; what is needed for a value is not left out.
            effect = effect or text == "(" or text in ENDS - {",", ";", "->", "=>", "..", "..=", "#"}
            j = body.pair[j] + 1 if text in "([{" and body.tokens[j].kind == "operator" else j + 1
        if j < len(body.tokens) and effect and j > i + 1:
            start, end = first.start, body.tokens[j].end
            text = self.text[start:end]
            if re.match(r"(debug_)?assert|unreachable|panic|crate::mutant", text):
                return
            edits = [(start, start, "if !crate::mutant::on(@) { "), (end, end, " }")]
            self.note("statement", start, end, [f"without `{short(text)}`"], edits)


def instrumented(finder, refused, first):
    """The text with the changes that compile: (text, mutants with numbers, spans of numbers)."""
    edits, numbered, at = [], [], first
    for order, (mutants, start, end, pieces) in enumerate(finder.found):
        if mutants[0].key in refused:
            continue
        numbered += [(at + k, mutant) for k, mutant in enumerate(mutants)]
        for a, b, template in pieces:
            # At one place what ends comes before what begins, and the wider begins first.
            opens = a == start
            rank = (1, -(end - start), order) if opens or b > a else (0, end - start, -order)
            edits.append((a, rank, b, template.replace("@", str(at)), at))
        at += len(mutants)
    edits.sort(key=lambda edit: (edit[0], edit[1]))
    out, position, spans, length = [], 0, [], 0
    begins = {}
    for a, _, b, new, number in edits:
        if a < position:
            raise Unknown(f"{finder.path}: changes overlap at {finder.text[a:a + 40]!r}")
        out += [finder.text[position:a], new]
        length += a - position
        begins.setdefault(number, length)
        length += len(new)
        spans.append((begins[number], length, number))
        position = b
    out.append(finder.text[position:])
    widest = {}
    for a, b, number in spans:
        widest[number] = (a, b)
    return "".join(out), numbered, widest


def choose(found):
    """Leaves out changes that lie across each other, of which text cannot hold both."""
    taken, kept = [], []
    for entry in found:
        _, start, end, pieces = entry
        across = any(
            (a < start < b < end) or (start < a < end < b)
            or any(x < y and a < y and x < b for x, y, _ in pieces for a, b, _ in other)
            for a, b, other in taken
        )
        if not across:
            taken.append((start, end, pieces))
            kept.append(entry)
    return kept


def part_of(path):
    """The crate with whose tests a file is judged; none if it is not mutated."""
    if not path.endswith(".rs") or any(word in path for word in LEFT_OUT):
        return None
    return next((crate for part, crate in PARTS.items() if path.startswith(part)), None)


class Copy:
    """The workspace with all changes written in."""

    def __init__(self, root, paths, directory):
        self.root, self.directory = root, directory
        self.source = directory / "source"
        self.refused_file = directory / "refused.json"
        names = mutate.workspace_files(root)
        self.names = names
        chosen = [n for n in names if part_of(n) and (not paths or any(n.startswith(p) for p in paths))]
        self.finders = {}
        for name in chosen:
            finder = Finder(name, (root / name).read_text())
            finder.search()
            finder.found = choose(finder.found)
            if finder.found:
                self.finders[name] = finder
        self.refused = set()

    def candidates(self):
        return sum(len(m) for f in self.finders.values() for m, _, _, _ in f.found)

    def crates(self):
        return sorted({part_of(name) for name in self.finders})

    def write(self):
        self.numbered, self.spans, self.texts = {}, {}, {}
        at = 1
        for name, finder in self.finders.items():
            text, numbered, spans = instrumented(finder, self.refused, at)
            at += sum(1 for _ in numbered)
            self.numbered |= dict(numbered)
            self.texts[name], self.spans[name] = text, spans
        changed = dict(self.texts)
        for name in self.texts:
            if ".mutant_m" in self.texts[name]:
                place = re.search(r"^(?!//!|$|#!)", self.texts[name], re.M).start()
                use = "use crate::mutant::Numeric as _;\n"
                changed[name] = self.texts[name][:place] + use + self.texts[name][place:]
                self.texts[name] = changed[name]
                moved = self.spans[name]
                shift = len(use)
                self.spans[name] = {k: (a + shift, b + shift) for k, (a, b) in moved.items()}
        for crate in ("ops", "tape", "nn"):
            library = f"crates/{crate}/src/lib.rs"
            text = changed.get(library) or (self.root / library).read_text()
            match = re.search(r"^(#\[\w[^\n]*\]\n)*(pub )?mod \w+;", text, re.M)
            changed[library] = text[: match.start()] + "mod mutant;\n" + text[match.start() :]
            support = SUPPORT.lstrip().replace("COUNT", str(at + 1))
            changed[f"crates/{crate}/src/mutant.rs"] = support
        mutate.write_copy(self.root, self.names, changed, self.source)

    def compile(self):
        """Writes and compiles, and leaves out what the compiler refuses, until nothing is."""
        if self.refused_file.is_file():
            self.refused = set(json.loads(self.refused_file.read_text()))
        for attempt in range(60):
            self.write()
            errors = self.errors()
            if not errors:
                return
            before = len(self.refused)
            for name, start, end in errors:
                self.refuse(name, start, end)
            print(f"  {len(errors)} errors, {len(self.refused) - before} changes left out", flush=True)
            if len(self.refused) == before:
                raise Unknown(f"it does not compile, and no change is to blame: {errors[:3]}")
            self.refused_file.write_text(json.dumps(sorted(self.refused)))
        raise Unknown("it does not compile after many attempts")

    def errors(self):
        flags = ["--all-features", "--message-format", "json"]
        for crate in ("ops", "tape", "nn"):
            done = cargo(["check", "-p", crate, *flags], self.source, self.directory / "target")
            errors = []
            for line in done.stdout.splitlines():
                message = json.loads(line) if line.startswith("{") else {}
                inner = message.get("message", {})
                if message.get("reason") != "compiler-message" or inner.get("level") != "error":
                    continue
                for span in inner["spans"]:
                    while span.get("expansion") and span["file_name"] not in self.texts:
                        span = span["expansion"]["span"]
                    if span["is_primary"] and span["file_name"] in self.texts:
                        name = span["file_name"]
                        whole = self.texts[name].encode()
                        place = [len(whole[: span[k]].decode()) for k in ("byte_start", "byte_end")]
                        errors.append((name, *place))
            if errors:
                return errors
            if done.returncode != 0:
                print(done.stderr[-3000:], file=sys.stderr)
                raise Unknown(f"{crate} with the mutants does not compile")
        return []

    def refuse(self, name, start, end):
        """Leaves out the narrowest change around an error; if there is none, those on its lines."""
        spans = self.spans[name]
        around = [(b - a, number) for number, (a, b) in spans.items() if a <= start and end <= b]
        if around:
            numbers = [min(around)[1]]
        else:
            text = self.texts[name]
            a, b = text.rfind("\n", 0, start), text.find("\n", end)
            numbers = [n for n, (x, y) in spans.items() if x < b and a < y]
        while not numbers:  # A type that was inferred from further on.
            a, b = max(0, a - 400), b + 400
            numbers = [n for n, (x, y) in spans.items() if x < b and a < y]
            if a == 0 and b > len(text):
                break
        self.refused |= {self.numbered[number].key for number in numbers}


def cargo(arguments, directory, target):
    environment = os.environ | {"CARGO_TARGET_DIR": str(target), "RUSTFLAGS": "-A warnings"}
    environment |= {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_INCREMENTAL": "0"}
    environment |= {"CARGO_PROFILE_DEV_OPT_LEVEL": "1"}
    return subprocess.run(
        ["cargo", *arguments], cwd=directory, env=environment, capture_output=True, text=True
    )


# Building and running.


Test = collections.namedtuple("Test", "program directory name seconds")


class Suite:
    """The tests of one crate, and which mutants each of them comes past."""

    def __init__(self, crate, copy, jobs):
        self.jobs, self.work = jobs, copy.directory
        build = ["test", "-p", crate, "--all-features", "--lib", "--test", "*", "--no-run"]
        build += ["--message-format", "json"]
        done = cargo(build, copy.source, copy.directory / "target")
        if done.returncode != 0:
            print(done.stderr[-3000:], file=sys.stderr)
            raise Unknown(f"the tests of {crate} with the mutants do not compile")
        programs = []
        for line in done.stdout.splitlines():
            message = json.loads(line) if line.startswith("{") else {}
            kinds = message.get("target", {}).get("kind", [])
            if message.get("executable") and kinds in (["lib"], ["test"]):
                programs.append((message["executable"], Path(message["manifest_path"]).parent))
        tests = []
        for program, directory in programs:
            listed = self.run(program, directory, ["--list"], {}, 60)
            names = re.findall(r"^(\S+): test$", listed.stdout, re.M) if listed else []
            for name in names:
                if not name.startswith(("book::", "properties::", "architecture::")):
                    tests.append((program, directory, name))
        self.tests, self.reached = [], collections.defaultdict(list)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for test, numbers in pool.map(self.recorded, enumerate(tests)):
                if test is None:
                    continue
                self.tests.append(test)
                for number in numbers:
                    self.reached[number].append(test)

    def recorded(self, numbered):
        """The test, if it passes without a mutant, and what it comes past."""
        number, (program, directory, name) = numbered
        start = time.monotonic()
        plain = self.run(program, directory, ["--exact", name], {"MUTANT": "0"}, 600)
        seconds = time.monotonic() - start
        if plain is None or plain.returncode != 0:
            print(f"  {name} fails without a mutant, and judges none", flush=True)
            return None, []
        record = self.work / f"record-{number}"
        record.unlink(missing_ok=True)
        self.run(program, directory, ["--exact", name], {"MUTANT_RECORD": str(record)}, 600)
        seen = set(map(int, record.read_text().split())) if record.exists() else set()
        record.unlink(missing_ok=True)
        return Test(program, directory, name, seconds), seen

    def run(self, program, directory, arguments, settings, limit):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MUTANT")}
        environment |= {"RUST_BACKTRACE": "0", **settings}
        try:
            return subprocess.run(
                [program, "--test-threads", "1", *arguments], cwd=directory, env=environment,
                timeout=limit, capture_output=True, text=True, errors="replace",
            )
        except subprocess.TimeoutExpired:
            return None

    def face(self, number):
        """The tests that caught a mutant; none if it survived."""
        tests = sorted(self.reached.get(number, []), key=lambda test: test.seconds)
        groups = [tests[:8], tests[8:40], tests[40:]]
        for group in groups:
            programs = collections.defaultdict(list)
            for test in group:
                programs[test.program, test.directory].append(test)
            for (program, directory), chosen in programs.items():
                limit = 20 + 10 * sum(test.seconds for test in chosen)
                names = [test.name for test in chosen]
                done = self.run(program, directory, ["--exact", *names], {"MUTANT": str(number)}, limit)
                if done is None:
                    return ["no end within the time limit"]
                if done.returncode != 0:
                    failed = re.findall(r"^test (\S+) .*FAILED$", done.stdout, re.M)
                    return failed or ["the program ended early"]
        return []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", help="files or folders; all parts if none is given")
    parser.add_argument("--list", action="store_true", help="show the candidates and stop")
    parser.add_argument("--sample", metavar="K/N", nargs="?", const="", help="one part of N")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N mutants")
    parser.add_argument("--keep", metavar="DIR", help="work in DIR and leave it there")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--verbose", action="store_true", help="a line for every mutant")
    options = parser.parse_args()
    root = Path(__file__).resolve().parent.parent

    start = time.monotonic()
    work = Path(options.keep or tempfile.mkdtemp(prefix="mutate-")).resolve()
    work.mkdir(parents=True, exist_ok=True)
    try:
        copy = Copy(root, options.paths, work)
        if not copy.finders:
            raise Unknown("there is nothing to change")
        if options.list:
            for finder in copy.finders.values():
                for mutants, *_ in finder.found:
                    for m in mutants:
                        print(f"{m.file}:{m.line} {m.kind}: {m.after}")
            print(f"{copy.candidates()} candidates in {len(copy.finders)} files")
            return 0
        print(f"changed in a copy: {', '.join(copy.finders)}", flush=True)
        copy.compile()
        mutants = sorted(copy.numbered.items())
        equivalent = [
            number for number, m in mutants
            if any(m.file == file and after in m.after for file, after, _ in EQUIVALENT)
        ]
        mutants = [(number, m) for number, m in mutants if number not in equivalent]
        total = len(mutants)
        mutants = mutate.sample(mutants, options.sample, root, 100)
        if options.limit and len(mutants) > options.limit:
            mutants = [mutants[i * len(mutants) // options.limit] for i in range(options.limit)]
        left_out = copy.candidates() - total - len(equivalent)
        print(
            f"{len(mutants)} of {total} mutants; {left_out} changes do not compile, "
            f"{len(equivalent)} are equivalent; {time.monotonic() - start:.0f} s",
            flush=True,
        )
        suites = {crate: Suite(crate, copy, options.jobs) for crate in copy.crates()}
        print(f"compiled, and tests recorded, after {time.monotonic() - start:.0f} s", flush=True)

        def face(entry):
            number, mutant = entry
            suite = suites[part_of(mutant.file)]
            return mutant, suite.face(number), bool(suite.reached.get(number))

        survivors, late = 0, 0
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for mutant, failed, reached in pool.map(face, mutants):
                survivors += not failed
                late += failed == ["no end within the time limit"]
                if options.verbose or not failed:
                    label = "caught" if failed else "SURVIVED" if reached else "UNREACHED"
                    by = f"  [{', '.join(failed[:3])}]" if failed else ""
                    where = f"{mutant.file}:{mutant.line}"
                    print(f"{label} {where} {mutant.kind}: {mutant.after}{by}", flush=True)
        print(f"{late} caught by the time limit; {time.monotonic() - start:.0f} s in all")
        print(f"caught {len(mutants) - survivors} of {len(mutants)}")
        return 1 if survivors else 0
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unknown as problem:
        print(f"mutate_code: {problem}", file=sys.stderr)
        sys.exit(2)
