//! The rule that CONTRIBUTING adds compiles as it stands there, keeps what it declares, and everything
//! that the text sends its reader to is there.

use std::path::{Path, PathBuf};

use ops::declare::{Cases, Example, Refusal, example, refusal, samples};
use ops::prelude::*;
use ops::shape::resolve_axis;
use ops::{
    Batched, Call, Contributions, Family, Float, Out, Problem, Reading, Rule, Shape, Tensor, apply,
    arity, checked_shape,
};

// What follows is compared with the text, from here
/// The two halves of the last axis, exchanged. Self-adjoint.
#[derive(Clone, Copy, Debug)]
pub struct Swap;

impl Rule for Swap {
    fn name(&self) -> &'static str {
        "swap"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axis = resolve_axis(-1, operands[0].len())?;
        let length = operands[0][axis];
        if !length.is_multiple_of(2) {
            return Err(Problem::AxisLength { axis, length, expected: length + 1 });
        }
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let half = out.shape()[out.shape().len() - 1] / 2;
        out.set(operands[0].roll(-1, half as isize))
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(*self, &[cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
}

impl Cases for Swap {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self, [Tensor::from([1.0, 2.0, 3.0, 4.0])]).gives([3.0, 4.0, 1.0, 2.0]),
            example(Self, samples(&[&[3, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self, &[&[3]], "axis 0 has length 3, but 4 is needed")]
    }
}
// to here.

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text() -> String {
    std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap()
}

/// What stands between two backticks, outside of blocks.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn the_rule_of_the_text_is_the_one_that_is_compiled_here() {
    let here = include_str!("contributing.rs");
    let (_, from) = here.split_once("with the text, from here\n").unwrap();
    let (rule, _) = from.split_once("// to here.").unwrap();
    let text = text();
    let (_, block) = text.split_once("//! The two halves of the last axis, exchanged.\n").unwrap();
    let lines = block.split("   ```").next().unwrap().lines();
    let block: Vec<&str> = lines.map(|line| line.strip_prefix("   ").unwrap_or(line)).collect();
    let (imports, shown) = block.split_at(block.iter().position(|l| l.starts_with("///")).unwrap());
    assert_eq!(shown.join("\n").trim(), rule.trim());
    // Names that the crate's own paths lead to.
    for name in ["resolve_axis", "Float", "refusal", "samples", "LayoutMethods", "Tensor"] {
        assert!(imports.iter().any(|line| line.contains(name)), "{name} in {imports:?}");
    }
}

#[test]
fn the_rule_of_the_text_keeps_what_it_declares() {
    for Example { rule, operands, value, .. } in Swap::examples() {
        let result = apply(&rule, &operands.iter().collect::<Vec<_>>()).unwrap();
        assert!(value.is_none_or(|value| value == result));
        let back = apply(&rule, &[&result]).unwrap();
        assert_eq!(back, operands[0], "twice is once round");
    }
    for Refusal { rule, shapes, says } in Swap::refusals() {
        let error = checked_shape(&rule, &shapes.iter().map(Vec::as_slice).collect::<Vec<_>>())
            .unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn the_places_that_the_text_names_are_there() {
    let text = text();
    let mut files = 0;
    for name in quoted(&text) {
        let path = name.split([':', ' ']).next().unwrap();
        let folders = ["crates/", "examples/", "scripts/", "docs/", ".ci/"];
        // The file of the rule is the reader's to make.
        if !folders.iter().any(|folder| path.starts_with(folder)) || path.ends_with("swap.rs") {
            continue;
        }
        let found = path.split('*').next().unwrap();
        assert!(root().join(found).exists(), "{name}");
        files += 1;
    }
    assert!(files > 10, "{files} files are named");
    // What edits are made beside.
    for (file, line) in [
        ("crates/ops/src/rules/elementwise.rs", "unary_rules! {\n"),
        ("crates/ops/src/rules/registry.rs", "visit_declared::<rules::AxisMap>(visitor);"),
        ("crates/ops/src/rules/layout/methods.rs", "use super::{"),
        ("crates/ops/src/rules/mod.rs", "pub use layout::"),
        ("crates/tape/tests/misuse.rs", "fn elementwise(t: &mut Table) {\n    on_all!(t; "),
        ("crates/tape/tests/misuse.rs", "fn layout(t: &mut Table) {\n"),
        ("crates/tape/tests/batch.rs", "fn it_is_known_which_rules_loop() {"),
        ("crates/nn/src/layers/mod.rs", "pub use ops::rules::{"),
        ("crates/nn/src/lib.rs", "pub mod prelude {"),
    ] {
        let source = std::fs::read_to_string(root().join(file)).unwrap();
        assert!(source.contains(line), "{file}: {line}");
    }
}
