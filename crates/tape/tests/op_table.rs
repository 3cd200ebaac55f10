//! The table of ops in the documentation is what the registry gives.

#[path = "../../../examples/op_table.rs"]
#[allow(missing_docs)]
mod table;

#[test]
fn the_documented_table_is_true() {
    let documented = include_str!("../../../docs/src/ops.md");
    let (page, documented): (Vec<_>, Vec<_>) =
        (table::page().lines().map(str::to_owned).collect(), documented.lines().collect());
    let refresh = "docs/src/ops.md is stale; write it again by \
                   `cargo run -p tape --features linalg --example op_table -- docs/src/ops.md`";
    for (now, then) in page.iter().zip(&documented) {
        assert_eq!(now, then, "{refresh}");
    }
    assert_eq!(page.len(), documented.len(), "{refresh}");
}
