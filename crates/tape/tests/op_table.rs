//! The table of ops in the documentation is what the registry gives.

#[path = "../../../examples/op_table.rs"]
#[allow(missing_docs)]
mod table;

#[test]
fn the_documented_table_is_true() {
    let documented = include_str!("../../../docs/ops.md");
    let (page, documented): (Vec<_>, Vec<_>) =
        (table::page().lines().map(str::to_owned).collect(), documented.lines().collect());
    for (now, then) in page.iter().zip(&documented) {
        assert_eq!(
            now, then,
            "docs/ops.md is stale; cargo run --features linalg --example op_table > docs/ops.md"
        );
    }
    assert_eq!(page.len(), documented.len(), "docs/ops.md has another number of lines");
}
