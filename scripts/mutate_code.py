#!/usr/bin/env python3
"""Breaks the code around the rules, one operator at a time: do the tests notice?

    python3 scripts/mutate_code.py                the standing set; ends with `caught N of N`
    python3 scripts/mutate_code.py PATH ...       of it, those in files below these paths
    python3 scripts/mutate_code.py --all          every change this script knows, some thousands
    python3 scripts/mutate_code.py --only TEXT    those whose code after the change has TEXT in it
    python3 scripts/mutate_code.py --open         the survivors that OPEN lists: are they caught now?
    python3 scripts/mutate_code.py --by-hand      the slips that BY_HAND lists, and nothing else
    python3 scripts/mutate_code.py --list         what would be changed; builds nothing
    python3 scripts/mutate_code.py --sample       an eighth of those of one crate, another one at
                                                  each commit and on each day
    python3 scripts/mutate_code.py --sample K/N   the Kth of N parts
    python3 scripts/mutate_code.py --limit N      at most N mutants, spread evenly
    python3 scripts/mutate_code.py --keep DIR     works in DIR and leaves it there, so that the next
                                                  run with the same DIR compiles little
    python3 scripts/mutate_code.py --target DIR   compiles into DIR, where the crates that the workspace
                                                  depends on may be compiled already, and not the copy
                                                  that --keep leaves
    python3 scripts/mutate_code.py --verbose      also says which tests caught each mutant

`mutate.py` knows what a rule of differentiation is; this script knows only Rust. In the bodies of
functions it changes

    compare    `<` to `<=` and to `>=`, `==` to `!=`, and so on
    arithmetic `+` to `-`, `*` to `/`, and the reverse; `%` to `*`; `+=`, `-=`, `*=`, `/=` likewise
    number     1 is added to a literal
    truth      true and false exchanged; a condition turned into the contrary; `!x` to x; && and ||
    sign       `-x` to x
    extreme    min and max exchanged
    statement  a statement that has an effect is left out

and, as BY_HAND lists, some slips of another kind. Every other change has a number that is computed
from its file and its code. The standing set is BY_HAND and the changes whose number is below a bound,
which PARTS gives for each part of the workspace; so an edit changes the set only where it changes
the code.

As in `mutate.py`, all changes are compiled at once in a copy of the workspace, and the environment
variable MUTANT says which one is in force. What does not compile is left out, as the compiler says.
One crate comes after the other. Each test is run once by itself to see which changes it comes past,
and a mutant faces only the tests that come past it, the quick ones first. The judges of `ops` are its
tests and the quick ones of `tape`, the others' are their own. Tests that fail or cannot run in the copy
without any mutant (those that read the sources, or measure memory) are named and judge nobody.

A mutant is caught if a test fails: an assertion, a panic, too much memory, or no end within a
limit of processor time (the last are counted apart). A survivor is printed with its file, its line
and the code after the change: write a test that fails then, with a value from elsewhere, or, if none
can, list it under EQUIVALENT with the reason. OPEN lists survivors whose test is still to be written.
The exit status is 1 if anything else survives, 2 if the script could not do its work.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import hashlib
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

import mutate
from mutate import Unknown, blocks, closing, code, functions, replaced, short

# What is mutated: the crate, and how much of it is in the standing set.
PARTS = {
    "crates/ops/src/kernel/": ("ops", 0.065),
    "crates/ops/src/readings/": ("ops", 0.40),
    "crates/ops/src/tensor/": ("ops", 0.40),
    "crates/tape/src/graph/": ("tape", 0.20),
    "crates/tape/src/sweep/": ("tape", 0.14),
    "crates/tape/src/replay/": ("tape", 0.16),
    "crates/tape/src/transform/": ("tape", 0.20),
    "crates/tape/src/check/": ("tape", 0.055),
    "crates/nn/src/ground/": ("nn", 0.15),
    "crates/nn/src/model/": ("nn", 0.25),
    "crates/nn/src/layers/": ("nn", 0.055),
    "crates/nn/src/loss/": ("nn", 0.14),
    "crates/nn/src/metrics/": ("nn", 0.18),
    "crates/nn/src/optim/": ("nn", 0.065),
    "crates/nn/src/schedule/": ("nn", 0.13),
    "crates/nn/src/data/": ("nn", 0.05),
    "crates/nn/src/train/": ("nn", 0.10),
    "crates/nn/src/save/": ("nn", 0.08),
}
# Whose tests judge a crate's mutants.
JUDGES = {"ops": ["ops", "tape"], "tape": ["tape"], "nn": ["nn"]}
# The features besides the usual ones without which some of its code, or some tests, are left out.
FEATURES = {"ops": "linalg", "tape": "linalg", "nn": "linalg,images,npz,onnx,plot"}
# Seconds of processor time up to which a test of another crate is a judge.
QUICK = 1.5
# Text for readers only, data, and tests.
LEFT_OUT = ("/error", "/summary.rs", "/proto.rs", "/accuracy/", "/tests.rs", "/plot.rs")
LEFT_OUT += ("/progress.rs", "/words.rs", "/instances.rs")
# Tests that run other programs, draw their cases at random, or read the sources.
NO_JUDGES = ("book::", "properties::", "architecture::", "listings::", "guides::", "course::")

# Changes of another kind, each a slip that tests once let pass; all are in the standing set. The file,
# some code that stands before the place, the code at the place, and what it is changed to.
BY_HAND = [
    (
        "crates/ops/src/kernel/map.rs",
        "fn update<",
        "&g[start..][..w.len()]",
        "&g[..w.len()]",
    ),
    (
        "crates/ops/src/kernel/product/mod.rs",
        "fn batched_into",
        "(nth(a, leading, start / size + i), nth(b, leading, start / size + i))",
        "(nth(a, leading, i), nth(b, leading, i))",
    ),
    (
        "crates/ops/src/kernel/convolve/mod.rs",
        "fn pieces",
        "images.div_ceil((PER_THREAD",
        "images.div_euclid((PER_THREAD",
    ),
    (
        "crates/ops/src/kernel/convolve/rows.rs",
        "fn output",
        "result.chunks_mut(block * output)",
        "{ let n = result.len() / (block * output) * block * output; result[..n].chunks_mut(block * output) }",
    ),
    (
        "crates/ops/src/kernel/convolve/rows.rs",
        "fn weight",
        "input[range.start * image..range.end * image].chunks(block * image)",
        "input[range.start * image..(range.start + range.len() / block * block) * image].chunks(block * image)",
    ),
    (
        "crates/ops/src/kernel/convolve/rows.rs",
        "fn input",
        "result.chunks_mut(block * image)",
        "{ let n = result.len() / (block * image) * block * image; result[..n].chunks_mut(block * image) }",
    ),
    (
        "crates/ops/src/kernel/convolve/planes.rs",
        "fn for_each_group",
        "out.chunks_exact_mut(size)",
        "{ let n = out.len() - size; out[..n].chunks_exact_mut(size) }",
    ),
    (
        "crates/ops/src/kernel/simd.rs",
        "pub fn fill",
        "value.is_nan()",
        "(start == 0 && value.is_nan())",
    ),
    (
        "crates/ops/src/kernel/pool/interleaved.rs",
        "fn shares",
        "if most.is_nan() { most } else { A::one() / ties }",
        "A::one() / ties.maximum(A::one())",
    ),
    (
        "crates/tape/src/sweep/swept.rs",
        "Swept<'t, A> for Tensor<A>",
        "matches!(op.family(), Family::Part(_)) && wanted[0]",
        "matches!(op.family(), Family::Part(_))",
    ),
    (
        "crates/tape/src/sweep/swept.rs",
        "Swept<'t, A> for Var<'t, A>",
        "matches!(op.family(), Family::Part(_)) && wanted[0]",
        "matches!(op.family(), Family::Part(_))",
    ),
    (
        "crates/tape/src/replay/mod.rs",
        "Drop for Changed",
        "self.before.pop()",
        "(!self.before.is_empty()).then(|| self.before.remove(0))",
    ),
    ("crates/tape/src/graph/tape.rs", "pub fn reset", "self.names.get_mut().clear()", "()"),
    (
        "crates/nn/src/train/evaluate.rs",
        "fn evaluate_checked",
        "Pass::evaluate(&tape)",
        "Pass::train(&tape, 0)",
    ),
    (
        "crates/nn/src/train/evaluate.rs",
        "pub fn add(",
        "self.of.counted(outputs.shape(), targets)",
        "1.0",
    ),
    (
        "crates/nn/src/train/callbacks/early_stopping.rs",
        "fn load_state",
        'number("best")?;',
        "self.monitor.worst();",
    ),
    (
        "crates/nn/src/train/callbacks/early_stopping.rs",
        "fn load_state",
        'number("mark").unwrap_or(self.best)',
        "self.monitor.worst()",
    ),
    (
        "crates/nn/src/train/callbacks/early_stopping.rs",
        "fn load_state",
        'number("waited")?',
        "0.0",
    ),
    (
        "crates/nn/src/train/callbacks/early_stopping.rs",
        "fn restore",
        "parameter.value = value.clone()",
        "if !parameter.is_buffer() { parameter.value = value.clone() }",
    ),
    (
        "crates/nn/src/train/callbacks/early_stopping.rs",
        "fn on_end",
        "self.restore && self.best_epoch > 0",
        "self.restore && self.best_epoch > 0 && run.history.stopped.is_some()",
    ),
    (
        "crates/nn/src/train/callbacks/save_checkpoint.rs",
        "fn on_epoch_end",
        "log.loss().is_finite() && validation.is_finite()",
        "true",
    ),
    (
        "crates/nn/src/train/callbacks/terminate_on_nan.rs",
        "fn on_epoch_end",
        "log.values.iter().find(|(_, value)| !value.is_finite()).cloned()",
        "None",
    ),
    (
        "crates/nn/src/train/callbacks/csv_log.rs",
        "fn begin",
        "File::create(&self.path)",
        "File::options().append(true).create(true).open(&self.path)",
    ),
    (
        "crates/nn/src/train/fit.rs",
        "Validation::Split(fraction) =>",
        "loader.dataset().split(fraction, self.seed)",
        "loader.dataset().split(fraction, 0)",
    ),
    (
        "crates/nn/src/optim/driver.rs",
        "fn group_of",
        "all.overridden_by(next.group)",
        "next.group.overridden_by(all)",
    ),
]

# Changes that no test can see, because what is computed stays the same: the file, some of the code
# after the change, and why. They are not run and not counted; an entry that fits no change is an
# error, so that none is left behind when the code is rewritten.
EQUIVALENT = [
    (
        "crates/ops/src/kernel/crew.rs",
        "without `self.join();`",
        "the caller does what no helper takes",
    ),
    (
        "crates/ops/src/kernel/fuse/chain.rs",
        "let all = rows - inputs",
        "how long a stretch is changes no number",
    ),
    (
        "crates/ops/src/kernel/fuse/chain.rs",
        "size_of::<A>() * all.max(1)",
        "how long a stretch is changes no number",
    ),
    (
        "crates/ops/src/kernel/fuse/chain.rs",
        "let unit = if aligned < row / 4",
        "how long a stretch is changes no number",
    ),
    (
        "crates/ops/src/kernel/fuse/chain.rs",
        "let unit = if aligned > row / 4",
        "how long a stretch is changes no number",
    ),
    (
        "crates/ops/src/kernel/fuse/chain.rs",
        "let unit = if aligned <= row / (4 + 1)",
        "how long a stretch is changes no number",
    ),
    (
        "crates/ops/src/kernel/fuse/chain.rs",
        "let row = (row * unit * unit)",
        "how long a stretch is changes no number",
    ),
    (
        "crates/ops/src/kernel/fuse/fused.rs",
        "0 | 1 => (1 + 1)",
        "the number of pieces changes no number",
    ),
    (
        "crates/ops/src/kernel/geometry.rs",
        "size * slide.kernel == 0",
        "windows that divide the image are summed as those that overlap",
    ),
    (
        "crates/ops/src/kernel/map.rs",
        "if to.ndim() >= 2 {",
        "a matrix is then taken apart into its rows, too",
    ),
    (
        "crates/ops/src/kernel/nest.rs",
        "last <= CHUNK * 2",
        "how long a chunk is changes no number",
    ),
    (
        "crates/ops/src/kernel/product/method.rs",
        "m.max(k).min(n) >= LARGE",
        "all methods give the same product",
    ),
    (
        "crates/ops/src/kernel/product/method.rs",
        "let copied = m.min(n) > MANY",
        "all methods give the same product",
    ),
    (
        "crates/ops/src/kernel/product/method.rs",
        "let copied = m.min(n) < MANY",
        "all methods give the same product",
    ),
    (
        "crates/ops/src/kernel/product/method.rs",
        "(tiles == Tiles::Outer && true)",
        "a copy has the same numbers",
    ),
    (
        "crates/ops/src/kernel/product/turn.rs",
        "x.ncols() / side / side",
        "what is not turned in squares is assigned",
    ),
    (
        "crates/ops/src/kernel/reduction.rs",
        "true if self.inner => (1, PER_THREAD / self.size.max((1 + 1)))",
        "the number of pieces changes no number",
    ),
    (
        "crates/ops/src/kernel/reduction.rs",
        "true => (COLUMNS, PER_THREAD / self.size.max((1 + 1)))",
        "the number of pieces changes no number",
    ),
    (
        "crates/ops/src/kernel/reduction.rs",
        "least.max((1 + 1))",
        "the number of pieces changes no number",
    ),
    (
        "crates/ops/src/kernel/product/method.rs",
        "false if m > ENOUGH",
        "all methods give the same product",
    ),
    (
        "crates/ops/src/kernel/product/method.rs",
        "job.out.1[1] != 1 && true",
        "both ways of writing give the same bits",
    ),
    (
        "crates/ops/src/kernel/simd.rs",
        "without `*to = point.at(each_at(first, i), each_at(second, i));`",
        "only a processor without multiply-adds comes there",
    ),
    (
        "crates/ops/src/kernel/threads.rs",
        "length * least.max(1)",
        "the number of pieces changes no number",
    ),
    (
        "crates/ops/src/tensor/tensor.rs",
        "array.ndim() > (0 + 1)",
        "what is not shared in place is shared by a new handle",
    ),
    (
        "crates/ops/src/tensor/tensor.rs",
        "if stride <= 0 {",
        "a stride of 0 reaches nowhere, on either side",
    ),
    (
        "crates/tape/src/check/fault.rs",
        "(3 + 1)).cast()",
        "any cotangent in general position will do",
    ),
    (
        "crates/tape/src/check/fault.rs",
        "looks <= LOOKS",
        "one look more",
    ),
    (
        "crates/tape/src/replay/copies.rs",
        "for node in (0 + 1)..self.nodes.class.len()",
        "the first node is a leaf, which copies nothing",
    ),
    (
        "crates/tape/src/replay/copies.rs",
        "copies.retain(|_, copy| copy.uses >= 1)",
        "a copy for one op alone has the same numbers",
    ),
    (
        "crates/tape/src/replay/allocate.rs",
        "places: vec![(0 + 1); count]",
        "a place counts only where the op is that of the place",
    ),
    (
        "crates/tape/src/replay/expand.rs",
        "without `(0..needed.len()).find(is_composed)?;`",
        "a recording without composed ops is copied as it is",
    ),
    (
        "crates/tape/src/replay/expand.rs",
        "((0 + 1)..needed.len()).find(is_composed)",
        "the first value is a leaf",
    ),
    (
        "crates/tape/src/replay/run.rs",
        "rule.copies(&operands)) != Some(number)",
        "the op makes the copy itself then",
    ),
    (
        "crates/tape/src/replay/schedule.rs",
        "value.ndim() > 0 && true",
        "nothing is computed for an empty value, in whatever class",
    ),
    (
        "crates/tape/src/replay/schedule.rs",
        "value.ndim() >= 0 &&",
        "a pointwise rule of scalars is in the class before",
    ),
    (
        "crates/tape/src/replay/schedule.rs",
        "for node in (0 + 1)..self.class.len()",
        "the first node is a leaf",
    ),
    (
        "crates/tape/src/replay/schedule.rs",
        "((0 + 1)..keys.len()).collect()",
        "the first node is a leaf, which nothing runs",
    ),
    (
        "crates/tape/src/replay/schedule.rs",
        "without `self.states[member] = State::Ready;`",
        "a group that is closed is found no more",
    ),
    (
        "crates/tape/src/replay/schedule.rs",
        "without `self.states[node] = State::Ready;`",
        "a group that is closed is found no more",
    ),
    (
        "crates/tape/src/sweep/gradients.rs",
        "self.output.position() + (1 + 1)",
        "one place more, which nothing comes to",
    ),
    (
        "crates/tape/src/sweep/swept.rs",
        "without `self.count += 1;`",
        "scalars are then read as other tensors are",
    ),
    (
        "crates/tape/src/sweep/way.rs",
        "if most * passage.gain <= least",
        "no product of numbers in general position is just the least",
    ),
    (
        "crates/tape/src/replay/slopes.rs",
        "for node in ((0 + 1)..needed.len()).filter(|&node| needed[node]) {",
        "the first node is a leaf, which reads nothing",
    ),
    (
        "crates/tape/src/replay/slopes.rs",
        "let mut ops = Vec::with_capacity(product + 1 + first);",
        "how much room there is at first changes no number",
    ),
    (
        "crates/tape/src/transform/jacobian.rs",
        "forward_jacobian(y, x, (0 + 1))",
        "the first node is the input, which has no operands",
    ),
    (
        "crates/tape/src/transform/jacobian.rs",
        "for first in (0..directions.max((1 + 1))).step_by(at_once) {",
        "one turn more has no directions, and adds no rows",
    ),
    (
        "crates/tape/src/check/modes.rs",
        "absolute / level",
        "what is not let pass here is judged, and agrees",
    ),
    (
        "crates/nn/src/data/csv/table.rs",
        "width: (0 + 1)",
        "it is set before the first row is read",
    ),
    (
        "crates/nn/src/loss/targets.rs",
        "(sum - 1.0).abs() >= 1e-2",
        "no f64 is 0.01 away from 1 exactly",
    ),
    (
        "crates/nn/src/metrics/classification.rs",
        "unwrap_or((0 + 1))",
        "an output without axes is refused either way",
    ),
    (
        "crates/nn/src/metrics/confusion.rs",
        "self.count(truth, prediction, (1 + 1));",
        "all counts double, and scores are their quotients",
    ),
    (
        "crates/nn/src/model/check.rs",
        "Mode::Train { seed: (1 + 1) }",
        "any seed will do",
    ),
    (
        "crates/nn/src/model/inside.rs",
        "is_path_missing.replace(true)",
        "parameters that know their paths are passed over",
    ),
    (
        "crates/nn/src/model/init.rs",
        "if !(sigma >= 0.0 && true)",
        "the distribution refuses an infinite deviation in the same words",
    ),
    (
        "crates/nn/src/model/parameter.rs",
        "NEXT.fetch_add((1 + 1)",
        "numbers are as different with gaps",
    ),
    (
        "crates/nn/src/model/pass.rs",
        "Self::train(tape, (0 + 1))",
        "any seed will do",
    ),
    (
        "crates/nn/src/optim/adam.rs",
        "(true, 0.0) => (R::lit((0.0 + 1)), one)",
        "no formula reads a decay in the gradient that is apart from it",
    ),
    (
        "crates/nn/src/optim/adam.rs",
        "(true, decay) => (R::lit((0.0 + 1))",
        "no formula reads a decay in the gradient that is apart from it",
    ),
    (
        "crates/nn/src/optim/clip.rs",
        "if factor <= 1.0 {",
        "a factor of 1 changes nothing",
    ),
    (
        "crates/nn/src/optim/clip.rs",
        "if factor > f64::from(f32::MIN_POSITIVE) {",
        "a product with a power of two is rounded once, on either way",
    ),
    (
        "crates/nn/src/optim/clip.rs",
        "Ok(((1.0 + 1), total))",
        "an infinite or NaN gradient is an error before",
    ),
    (
        "crates/nn/src/optim/clip.rs",
        "if x.abs() < most { most } else { x.abs() }",
        "of equal numbers either is the largest",
    ),
    (
        "crates/nn/src/optim/driver.rs",
        "group.weight_decay.unwrap_or((0",
        "any decay that is not negative passes",
    ),
    (
        "crates/nn/src/optim/lbfgs/curvature.rs",
        "if self.iterations >= 0 {",
        "before the first iteration there is no change to learn from",
    ),
    (
        "crates/nn/src/optim/lbfgs/mod.rs",
        "without `gradients.check_owner(model)?;`",
        "so does the check that all is finite",
    ),
    (
        "crates/nn/src/optim/lbfgs/line_search.rs",
        "if trial.slope > 0.0 {",
        "a slope of 0 is flat enough, and taken before",
    ),
    (
        "crates/nn/src/optim/lbfgs/line_search.rs",
        "if trial.slope / (ends[high].t - ends[low].t) >= 0.0 {",
        "a quotient has the sign of the product",
    ),
    (
        "crates/nn/src/optim/lbfgs/line_search.rs",
        "if trial.slope * (ends[high].t - ends[low].t) > 0.0 {",
        "a slope of 0 is flat enough, and between equal t the loss is no lower; both are taken before",
    ),
    (
        "crates/nn/src/optim/lbfgs/line_search.rs",
        "if a.t < b.t { (a, b) } else { (b, a) }",
        "of equal t, the minimum is NaN in either order",
    ),
    (
        "crates/nn/src/optim/lbfgs/line_search.rs",
        "(t - right).abs() <= (t - left).abs()",
        "what is near one end is not as near to the other",
    ),
    (
        "crates/nn/src/optim/lion.rs",
        "R::lit((0.0 + 1))",
        "no formula of an optimiser is differentiated",
    ),
    (
        "crates/nn/src/optim/rms_prop.rs",
        "let mu = mu.map_or(R::lit((0.0 + 1))",
        "without a momentum, no formula reads it",
    ),
    (
        "crates/nn/src/optim/sgd.rs",
        "let share = if at.step == 1.0 || false {",
        "a dampening of 0 leaves a share of 1, in numbers and in text",
    ),
    (
        "crates/nn/src/optim/sgd.rs",
        "|| dampening == (0.0 + 1) {",
        "a dampening of 0 leaves a share of 1, in numbers and in text",
    ),
    (
        "crates/nn/src/optim/driver.rs",
        "group.rate_factor.unwrap_or((1.0",
        "any factor that is not negative passes",
    ),
    (
        "crates/nn/src/save/onnx/translate/layout.rs",
        "if step >= 0 {",
        "no slice has a step of 0",
    ),
    (
        "crates/nn/src/train/callbacks/save_checkpoint.rs",
        "unwrap_or((0.0 + 1))",
        "any finite number will do",
    ),
    (
        "crates/nn/src/train/evaluate.rs",
        "without `tape.reset();`",
        "the tape only holds a part besides",
    ),
    (
        "crates/nn/src/train/resume.rs",
        "return Ok((0.0 + 1));",
        "it is held against itself",
    ),
    (
        "crates/nn/src/save/onnx/translate/elementwise.rs",
        "without `self.unary_with::<rules::Square>(|graph, x, _| graph.node(\"Mul\", &[x,…",
        "by its value, a square is the same product",
    ),
    (
        "crates/nn/src/train/callbacks/learning_rate.rs",
        "true",
        "recorded or replayed, a step gives the same bits",
    ),
]

# Survivors that still ask for a test: the file, and some of the code after the change. They are run
# and counted, but are no failure; one that is caught by now is named, to be taken off.
OPEN = []

SUPPORT = r"""
//! Switches between mutants; written by scripts/mutate_code.py.
#![allow(warnings)]
use std::io::Write;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Not, Rem, Sub, SubAssign};
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
macro_rules! assign {
    ($($name:ident $now:ident $method:ident $other:ident $changed:ident;)*) => {$(
        #[inline(always)]
        pub fn $name<A: $now<B> + $other<B>, B>(id: usize, a: &mut A, b: B) {
            if on(id) { $other::$changed(a, b) } else { $now::$method(a, b) }
        }
    )*};
}
assign! {
    add_assign AddAssign add_assign SubAssign sub_assign;
    sub_assign SubAssign sub_assign AddAssign add_assign;
    mul_assign MulAssign mul_assign DivAssign div_assign;
    div_assign DivAssign div_assign MulAssign mul_assign;
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
pub fn or_true(id: usize, x: bool) -> bool {
    x || on(id)
}
#[inline(always)]
pub fn and_false(id: usize, x: bool) -> bool {
    x && !on(id)
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

Mutant = collections.namedtuple("Mutant", "key file line kind after")

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
ASSIGN = {"+=": ("add_assign", "-="), "-=": ("sub_assign", "+=")}
ASSIGN |= {"*=": ("mul_assign", "/="), "/=": ("div_assign", "*=")}
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
        self.path, self.text, self.seen = path, text, collections.Counter()
        self.found = []  # (mutant, start, end, edits); an edit is (start, end, template)

    def note(self, kind, start, end, after, edits):
        """Notes mutants with a common switch; their key says what they are, not where."""
        line = self.text.count("\n", 0, start) + 1
        key = f"{self.path}:{kind}:{' '.join(after[0].split())}"
        self.seen[key] += 1
        key += f":{self.seen[key]}"
        mutants = [Mutant(key, self.path, line, kind, short(text)) for text in after]
        self.found.append((mutants, start, end, edits))

    def around(self, start, end, new):
        """The line on which a change is, after it."""
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        return (self.text[first:start] + new + self.text[end:last]).strip()

    def search(self):
        plain = code(self.text)
        left_out = skipped(plain)
        for file, before, old, new in BY_HAND:
            if file == self.path:
                self.by_hand(before, old, new)
        inside = 0
        for _, signature, a, b in functions(plain, 0, len(plain)):
            before = plain[max(0, a - len(signature) - 30) : a - len(signature)]
            if a < inside or re.search(r"\bconst\s+(unsafe\s+)?$", before):
                continue
            inside = b
            self.body(Body(self.text, a + 1, b), left_out)

    def by_hand(self, before, old, new):
        start = self.text.find(old, max(self.text.find(before), 0))
        if before not in self.text or start < 0:
            raise Unknown(f"BY_HAND: {self.path} has no `{old}` after `{before}`")
        # The statement ends where it did.
        old, new = old.removesuffix(";"), new.removesuffix(";")
        end = start + len(old)
        head = f"(if crate::mutant::on(@) {{ {new} }} else {{ "
        what = self.around(start, end, new)
        self.note("by hand", start, end, [what], [(start, start, head), (end, end, " })")])

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
                after = body.tokens[i + 1].text if i + 1 < len(body.tokens) else ""
                constant = before in (".", "#", "|", "..=", "<") or after in ("=>", "|", "..=")
                length = before == ";" and after == "]"
                if not constant and not length and "x" not in token.text:
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
            self.note(kind, start, end, whats, edits)
        elif level is not None and token.text in ("&&", "||"):
            last = body.right(i, level)
            if last is None or last <= i + 1:
                return
            start, end = body.tokens[i + 1].start, body.tokens[last - 1].end
            name, now = {"&&": ("or_true", "true"), "||": ("and_false", "false")}[token.text]
            edits = [(start, start, f"crate::mutant::{name}(@, "), (end, end, ")")]
            self.note("truth", start, end, [self.around(start, end, now)], edits)
        elif token.text in ASSIGN:
            self.assignment(body, i)
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

    def assignment(self, body, i):
        """`a += b;` and the like, from the start of the statement to its end."""
        first, last = i, i
        while first > 0 and body.tokens[first - 1].text not in (";", "{", "}", "=>"):
            first = body.pair[first - 1] if body.tokens[first - 1].text in ")]" else first - 1
        while last < len(body.tokens) and body.tokens[last].text not in (";", "}", ","):
            opens = body.tokens[last].kind == "operator" and body.tokens[last].text in "([{"
            last = body.pair[last] + 1 if opens else last + 1
        if first == i or last <= i + 1:
            return
        token = body.tokens[i]
        start, end = body.tokens[first].start, body.tokens[last - 1].end
        name, other = ASSIGN[token.text]
        edits = [(start, start, f"crate::mutant::{name}(@, &mut ("), (token.start, token.end, "), ")]
        what = self.around(token.start, token.end, other)
        self.note("arithmetic", start, end, [what], [*edits, (end, end, ")")])

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
    """The part of the workspace that a file is in; none if it is not mutated."""
    if not path.endswith(".rs") or any(word in path for word in LEFT_OUT):
        return None
    return next((part for part in PARTS if path.startswith(part)), None)


def in_set(mutant):
    """Whether a mutant is in the standing set."""
    if mutant.kind == "by hand":
        return True
    number = int.from_bytes(hashlib.sha256(mutant.key.encode()).digest()[:8], "big")
    return number / 2**64 < PARTS[part_of(mutant.file)][1]


def candidates(root, names):
    """All changes to the files, by file."""
    finders = {}
    for name in filter(part_of, names):
        finder = Finder(name, (root / name).read_text())
        finder.search()
        finders[name] = finder
    every = [mutant for finder in finders.values() for found in finder.found for mutant in found[0]]
    for entry in EQUIVALENT + OPEN:
        if not any(fits(entry, mutant) for mutant in every):
            raise Unknown(f"EQUIVALENT or OPEN: no change of {entry[0]} has `{entry[1]}`")
    return finders


def fits(entry, mutant):
    """Whether an entry of a list means this mutant: by its file and some of its code, not too little."""
    file, after = entry[:2]
    found = after in mutant.after if len(after) > 8 else after == mutant.after
    return file == mutant.file and found


def is_equivalent(mutant):
    return any(fits(entry, mutant) for entry in EQUIVALENT)


def is_open(mutant):
    return any(fits(entry, mutant) for entry in OPEN)


def select(finders, options, root):
    """The changes that were asked for, as (file, change)."""
    changes = []
    for name, finder in finders.items():
        if options.paths and not any(name.startswith(path) for path in options.paths):
            continue
        found = finder.found
        if options.open or options.by_hand:
            is_asked = lambda m: options.open and is_open(m) or options.by_hand and m.kind == "by hand"
            found = [f for f in found if any(map(is_asked, f[0]))]
        elif options.only:
            found = [f for f in found if any(options.only in m.after for m in f[0])]
        elif not options.all:
            found = [f for f in found if in_set(f[0][0])]
        changes += [(name, f) for f in choose(found)]
    if options.sample == "":
        number = mutate.turn(root)
        crate, part = list(JUDGES)[number % 3], number // 3 % 8
        changes = [c for c in changes if PARTS[part_of(c[0])][0] == crate]
        print(f"part {part + 1} of 8 of {crate}")
        return changes[part::8]
    changes = mutate.sample(changes, options.sample, root)
    if options.limit and len(changes) > options.limit:
        changes = [changes[i * len(changes) // options.limit] for i in range(options.limit)]
    return changes


class Copy:
    """The workspace with the changes to one crate written in."""

    def __init__(self, root, names, crate, finders, directory, target):
        self.root, self.names, self.crate, self.finders = root, names, crate, finders
        self.directory, self.source, self.target = directory, directory / "code", target
        self.refused_file = directory / f"refused-{crate}.json"
        self.refused = set()
        if self.refused_file.is_file():
            self.refused = set(json.loads(self.refused_file.read_text()))

    def write(self):
        self.numbered, self.spans, changed = {}, {}, {}
        at = 1
        for name, finder in self.finders.items():
            text, numbered, spans = instrumented(finder, self.refused, at)
            at += len(numbered)
            self.numbered |= dict(numbered)
            if ".mutant_m" in text:
                place = re.search(r"^(?!//!|$|#!)", text, re.M).start()
                use = "use crate::mutant::Numeric as _;\n"
                text = text[:place] + use + text[place:]
                spans = {number: (a + len(use), b + len(use)) for number, (a, b) in spans.items()}
            changed[name], self.spans[name] = text, spans
        self.texts = dict(changed)
        library = f"crates/{self.crate}/src/lib.rs"
        text = changed.get(library) or (self.root / library).read_text()
        match = re.search(r"^(#\[\w[^\n]*\]\n)*(pub )?mod \w+;", text, re.M)
        changed[library] = text[: match.start()] + "mod mutant;\n" + text[match.start() :]
        support = SUPPORT.lstrip().replace("COUNT", str(at + 1))
        changed[f"crates/{self.crate}/src/mutant.rs"] = support
        mutate.write_copy(self.root, self.names, changed, self.source)

    def compile(self):
        """Writes and compiles, leaving out what the compiler refuses; gives the programs of tests."""
        while True:
            self.write()
            programs, errors = self.build()
            if not errors:
                return programs
            before = len(self.refused)
            for name, start, end in errors:
                self.refuse(name, start, end)
            print(f"  {len(errors)} errors, {len(self.refused) - before} changes left out", flush=True)
            if len(self.refused) == before:
                raise Unknown(f"it does not compile, and no change is to blame: {errors[:3]}")
            self.refused_file.write_text(json.dumps(sorted(self.refused)))

    def build(self):
        environment = os.environ | {"CARGO_TARGET_DIR": str(self.target), "CARGO_INCREMENTAL": "0"}
        tests = "*" if JUDGES[self.crate] == [self.crate] else "all"
        command = ["cargo", "test", "--features", FEATURES[self.crate], "--lib", "--test", tests]
        command += ["--no-run"]
        command += ["--message-format", "json"]
        for crate in JUDGES[self.crate]:
            command += ["-p", crate]
        done = subprocess.run(
            command, cwd=self.source, env=environment, capture_output=True, text=True
        )
        programs, errors = [], set()
        for line in done.stdout.splitlines():
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("executable") and message["target"]["kind"] in (["lib"], ["test"]):
                programs.append((message["executable"], Path(message["manifest_path"]).parent))
            inner = message.get("message", {})
            if message.get("reason") != "compiler-message" or inner.get("level") != "error":
                continue
            for span in inner["spans"]:
                while span.get("expansion") and span["file_name"] not in self.texts:
                    span = span["expansion"]["span"]
                name = span["file_name"]
                if span["is_primary"] and name in self.texts:
                    whole = self.texts[name].encode()
                    place = [len(whole[: span[k]].decode()) for k in ("byte_start", "byte_end")]
                    errors.add((name, *place))
        if done.returncode != 0 and not errors:
            print(done.stderr[-3000:], file=sys.stderr)
            raise Unknown(f"the tests of {self.crate} with the mutants do not compile")
        return programs, sorted(errors)

    def refuse(self, name, start, end):
        """Leaves out the narrowest change around an error; if there is none, those on its lines."""
        spans, text = self.spans[name], self.texts[name]
        around = [(b - a, number) for number, (a, b) in spans.items() if a <= start and end <= b]
        numbers = [min(around)[1]] if around else []
        a, b = text.rfind("\n", 0, start), text.find("\n", end)
        while not numbers and (a > 0 or b < len(text)):  # A type that is inferred from further on.
            numbers = [n for n, (x, y) in spans.items() if x < b and a < y]
            a, b = max(0, a - 400), b + 400
        self.refused |= {self.numbered[number].key for number in numbers}


# Running.

Test = collections.namedtuple("Test", "program directory name seconds")


WAIT = 3  # Seconds of waiting for each second of processor time.


def limited(seconds):
    """In a process that is about to run tests: a mutant must not fill the memory or the disk.

    The limit is of processor time, so that it says the same on a busy machine.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10))
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 29, 1 << 29))


def run(program, directory, arguments, settings, limit):
    """Runs tests in a process group and a temporary folder of their own.

    Gives the exit status, the output and the seconds of processor time; none if it takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MUTANT")}
        environment |= {"RUST_BACKTRACE": "0", "TMPDIR": folder, **settings}
        with open(Path(folder) / "output", "w+b") as output:
            process = subprocess.Popen(
                [program, "--test-threads", "1", *arguments], cwd=directory, env=environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL,
                start_new_session=True, preexec_fn=lambda: limited(int(limit)),
            )
            late = threading.Event()

            def end():
                late.set()
                with contextlib.suppress(ProcessLookupError):  # It ended just now.
                    os.killpg(process.pid, signal.SIGKILL)

            timer = threading.Timer(WAIT * limit, end)
            timer.start()
            _, status, usage = os.wait4(process.pid, 0)
            timer.cancel()
            with contextlib.suppress(ProcessLookupError):  # What the tests started and left running.
                os.killpg(process.pid, signal.SIGKILL)
            output.seek(0)
            text = output.read().decode(errors="replace")
    late = late.is_set() or os.waitstatus_to_exitcode(status) == -signal.SIGXCPU
    return None if late else (status, text, usage.ru_utime + usage.ru_stime)


class Suite:
    """The tests that judge a crate, and which mutants each of them comes past."""

    def __init__(self, crate, programs, directory, jobs):
        self.directory = directory
        tests = []
        for program, folder in programs:
            listed = run(program, folder, ["--list"], {}, 60)
            names = re.findall(r"^(\S+): test$", listed[1], re.M) if listed else []
            tests += [(program, folder, name) for name in names if not name.startswith(NO_JUDGES)]
        self.tests, self.reached, unfit = [], collections.defaultdict(list), []
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for passed, test, numbers in pool.map(self.recorded, enumerate(tests)):
                if not passed:
                    unfit.append(test.name)
                    continue
                if test.directory.name != crate and test.seconds > QUICK:
                    continue
                self.tests.append(test)
                for number in numbers:
                    self.reached[number].append(test)
        if unfit:
            print(f"  no judges, for they fail without a mutant: {', '.join(unfit)}")
        if len(unfit) * 10 > len(tests):
            raise Unknown("more than a tenth of the tests fail without a mutant")
        for tests in self.reached.values():
            tests.sort(key=lambda test: test.seconds)

    def recorded(self, numbered):
        """Whether the test passes without a mutant, and what it comes past."""
        number, (program, folder, name) = numbered
        record = self.directory / f"record-{number}"
        record.unlink(missing_ok=True)
        done = run(program, folder, ["--exact", name], {"MUTANT_RECORD": str(record)}, 600)
        test = Test(program, folder, name, done[2] if done else 0.0)
        seen = set(map(int, record.read_text().split())) if record.exists() else set()
        record.unlink(missing_ok=True)
        return done is not None and done[0] == 0, test, seen

    def face(self, number):
        """The tests that caught a mutant; none if it survived."""
        for group in portions(self.reached.get(number, [])):
            programs = collections.defaultdict(list)
            for test in group:
                programs[test.program, test.directory].append(test)
            for (program, folder), chosen in programs.items():
                limit = 30 + 20 * sum(test.seconds for test in chosen)
                names = [test.name for test in chosen]
                done = run(program, folder, ["--exact", *names], {"MUTANT": str(number)}, limit)
                if done is None:
                    return ["no end within the time limit"]
                if done[0] != 0:
                    failed = re.findall(r"^test (\S+) .*FAILED$", done[1], re.M)
                    return failed or ["the program ended early"]
        return []


def portions(tests):
    """Tests in the order given, in portions that take ever longer."""
    portion, taken, limit = [], 0.0, 0.5
    for test in tests:
        portion.append(test)
        taken += test.seconds
        if taken > limit:
            yield portion
            portion, taken, limit = [], 0.0, 3 * limit
    if portion:
        yield portion


def face_all(copy, jobs, verbose):
    """The mutants of one crate before its judges: how many, survivors, and late ones."""
    start = time.monotonic()
    programs = copy.compile()
    mutants = {n: m for n, m in copy.numbered.items() if not is_equivalent(m)}
    print(f"{copy.crate}: {len(mutants)} mutants, {time.monotonic() - start:.0f} s to compile", flush=True)
    suite = Suite(copy.crate, programs, copy.directory, jobs)
    print(f"{copy.crate}: {len(suite.tests)} tests recorded, {time.monotonic() - start:.0f} s", flush=True)
    survivors, known, late = 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for (number, mutant), failed in zip(mutants.items(), pool.map(suite.face, mutants)):
            listed = is_open(mutant)
            survivors += not failed
            known += listed and not failed
            late += failed == ["no end within the time limit"]
            if verbose or not failed or listed:
                label = "caught" if failed else "SURVIVED" if suite.reached.get(number) else "UNREACHED"
                if listed:
                    label = "caught by now, to be taken off OPEN:" if failed else "open:"
                by = f"  [{', '.join(failed[:3])}]" if failed else ""
                print(f"{label} {mutant.file}:{mutant.line} {mutant.kind}: {mutant.after}{by}", flush=True)
    return len(mutants), survivors, known, late


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", help="files or folders; all parts if none is given")
    parser.add_argument("--all", action="store_true", help="not the standing set alone")
    parser.add_argument("--only", metavar="TEXT", help="only changes with this in the code after them")
    parser.add_argument("--open", action="store_true", help="only the known survivors")
    parser.add_argument("--by-hand", action="store_true", help="only the slips listed by hand")
    parser.add_argument("--list", action="store_true", help="show the changes and stop")
    parser.add_argument("--sample", metavar="K/N", nargs="?", const="", help="one part of N")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N changes, spread evenly")
    parser.add_argument("--keep", metavar="DIR", help="work in DIR and leave it there")
    parser.add_argument("--target", metavar="DIR", help="compile into DIR")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--verbose", action="store_true", help="a line for every mutant")
    options = parser.parse_args()
    root = Path(__file__).resolve().parent.parent

    start = time.monotonic()
    names = mutate.workspace_files(root)
    finders = candidates(root, names)
    changes = select(finders, options, root)
    equivalent = sum(is_equivalent(m) for _, (mutants, *_) in changes for m in mutants)
    if options.list:
        for _, (mutants, *_) in changes:
            for m in mutants:
                print(f"{m.file}:{m.line} {m.kind}: {m.after}")
        parts = collections.Counter(part_of(name) for name, (mutants, *_) in changes for _ in mutants)
        print(", ".join(f"{part} {count}" for part, count in parts.items()))
        print(f"{sum(parts.values())} changes")
        return 0
    if not changes:
        raise Unknown("there is nothing to change")
    chosen = collections.defaultdict(dict)
    for name, found in changes:
        crate = PARTS[part_of(name)][0]
        finder = chosen[crate].setdefault(name, Finder(name, finders[name].text))
        finder.found.append(found)
    files = [name for crate in JUDGES for name in chosen[crate]]
    print(f"changed in a copy: {', '.join(files)}", flush=True)

    work, target = mutate.folders(options)
    work.mkdir(parents=True, exist_ok=True)
    totals = [0, 0, 0, 0]
    try:
        for crate in JUDGES:
            if chosen[crate]:
                copy = Copy(root, names, crate, chosen[crate], work, target)
                found = face_all(copy, options.jobs, options.verbose)
                totals = [total + more for total, more in zip(totals, found)]
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    count, survivors, known, late = totals
    tried = sum(len(mutants) for _, (mutants, *_) in changes)
    print(
        f"{tried - equivalent - count} changes do not compile, {equivalent} are equivalent; "
        f"{known} survivors are known; {late} caught by the time limit; {time.monotonic() - start:.0f} s in all"
    )
    print(f"caught {count - survivors} of {count}")
    return 1 if survivors > known else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unknown as problem:
        print(f"mutate_code: {problem}", file=sys.stderr)
        sys.exit(2)
