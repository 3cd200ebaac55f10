//! What README and book say of the engine's own code is true of the code they show.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    let file = root().join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The lines between the marks of a listing, as the book shows them.
fn listing(path: &str, mark: &str) -> String {
    let source = read(path);
    let open = format!("// ANCHOR: {mark}\n");
    let (_, rest) = source.split_once(&open).unwrap_or_else(|| panic!("no {mark} in {path}"));
    rest.split(&format!("// ANCHOR_END: {mark}")).next().unwrap().to_owned()
}

/// The lines of a source that are no comments.
fn code(source: &str) -> impl Iterator<Item = &str> {
    source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"))
}

fn walk() -> String {
    listing("crates/tape/src/sweep/sweep.rs", "sweep")
}

fn adder() -> String {
    listing("crates/tape/src/sweep/adjoints.rs", "add")
}

/// The sources of the crate, by their paths in `src`.
fn sources() -> BTreeMap<String, String> {
    fn collect(folder: &Path, prefix: &str, sources: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                collect(&entry.path(), &format!("{name}/"), sources);
            } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
                sources.insert(name, std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let mut sources = BTreeMap::new();
    collect(&root().join("crates/tape/src"), "", &mut sources);
    assert!(sources.len() > 50, "the sources were found");
    sources
}

/// The lines of code that hold one of these calls, with the names of their files.
fn lines_that_call(sources: &BTreeMap<String, String>, calls: &[&str]) -> Vec<(String, String)> {
    let lines =
        sources.iter().flat_map(|(file, source)| code(source).map(move |line| (file, line)));
    // A definition is no call.
    let is_call = |line: &str, call: &str| line.replace(&format!("fn {call}"), "").contains(call);
    let found = lines.filter(|(_, line)| calls.iter().any(|call| is_call(line, call)));
    found.map(|(file, line)| (file.clone(), line.to_owned())).collect()
}

#[test]
fn the_walk_is_as_long_as_readme_and_book_say() {
    let words = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"];
    let length = code(&walk()).count();
    let said = words.get(length - 10).unwrap_or_else(|| panic!("the walk has {length} lines"));
    for (file, sentence) in [
        ("README.md", format!("Backpropagation is one walk, {said} lines long")),
        ("docs/src/tape.md", format!("in full, {said} lines")),
    ] {
        assert!(read(file).contains(&sentence), "{file} does not say: {sentence}");
    }
    let chapter = read("docs/src/tape.md");
    for shown in ["sweep/sweep.rs:sweep", "sweep/adjoints.rs:add"] {
        let listing = format!("<!-- listing: ../../crates/tape/src/{shown} -->");
        assert!(chapter.contains(&listing), "docs/src/tape.md shows {shown}");
    }
}

#[test]
fn one_function_walks_and_is_called_by_all_sweeps() {
    let sources = sources();
    let walks = sources.values().flat_map(|source| code(source)).filter(|line| {
        line.contains(".nodes().rev()") || line.contains("fn sweep<") || line.contains("fn walk")
    });
    assert_eq!(walks.count(), 2, "its name and its loop");
    let calls = lines_that_call(&sources, &["sweep("]);
    for (file, caller) in [
        ("sweep/backward.rs", "the gradients"),
        ("show/trace/record.rs", "the sweep that is shown"),
        ("transform/mod.rs", "the nested sweep"),
    ] {
        assert!(calls.iter().any(|(name, _)| name == file), "{caller}: {file} in {calls:?}");
    }
}

#[test]
fn contributions_are_added_in_one_method_of_one_file() {
    let mut sources = sources();
    // A program does not sweep: it runs what was recorded, sums among it.
    sources.retain(|file, _| !file.starts_with("replay/"));
    let adders = ["accumulate(", "plus(", "add_to_part(", "add_part("];
    let found = lines_that_call(&sources, &adders);
    let expected = [
        // The one adder: what is added to a part, to a whole, and what adds it.
        ("sweep/adjoints.rs", "T::add_part(tape, operand, sum, &mut self.parts, part, value)"),
        ("sweep/adjoints.rs", "plus(sum, value)"),
        ("sweep/adjoints.rs", "plus(sum, value)"),
        ("sweep/adjoints.rs", "sum.accumulate(value)"),
        // Tangents: the seeds of forward mode, and what ops push on.
        ("sweep/forward.rs", "plus(slot, tangent.clone())"),
        ("sweep/forward.rs", "plus(&mut tangents[node.index()], tangent)"),
        // What the adder does with a part, and what puts recorded parts together.
        ("sweep/swept.rs", "sum.add_to_part(part, &value)"),
        ("sweep/swept.rs", "Self::add_part("),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((file, line), (in_file, call)) in found.iter().zip(expected) {
        assert!(file == in_file && line.contains(call), "{file}: {line}\nis not {in_file}: {call}");
    }
    let adder = adder();
    let in_listing: usize = adders.iter().map(|call| adder.matches(call).count()).sum();
    assert_eq!(in_listing, 3, "all but what adds two values stand in the listing");
    // The sums themselves are a private field of this file.
    assert!(sources["sweep/adjoints.rs"].contains("\n    sums: Vec<Option<T>>,"));
}

#[test]
fn nothing_branches_on_whether_a_sweep_is_watched() {
    assert!(!walk().contains("if "), "{}", walk());
    for line in code(&adder()).filter(|line| line.contains("watch")) {
        assert!(!line.contains("if ") && !line.contains("match "), "{line}");
    }
    // An observer answers nothing that one could branch on.
    let sources = sources();
    let watch = code(&sources["sweep/watch.rs"]).filter(|line| line.starts_with("fn "));
    let mut methods = 0;
    for method in watch {
        methods += 1;
        assert!(method.ends_with(") {}"), "{method} returns something, or does something");
    }
    assert_eq!(methods, 3);
}

#[test]
fn the_sweep_sums_back_what_was_broadcast_in_one_place() {
    let mut sources = sources();
    // `why` reads what an op would pass on once more, to explain it; it sweeps nothing.
    sources.retain(|file, _| file.starts_with("sweep/") && file != "sweep/way.rs");
    let found = lines_that_call(&sources, &["sum_to("]);
    assert!(matches!(&found[..], [(file, _)] if file == "sweep/adjoints.rs"), "{found:?}");
    assert_eq!(adder().matches("sum_to(").count(), 1);
}

/// The rows of a table of the design notes: file, its lines, and the lines to read.
fn ways() -> Vec<Vec<(String, usize, usize)>> {
    let chapter = read("docs/src/design.md");
    let tables = chapter.split("| file | lines | read | adds |\n").skip(1);
    let row = |row: &str| -> Option<(String, usize, usize)> {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let &[_, file, lines, to_read, ..] = &cells[..] else { return None };
        Some((file.trim_matches('`').to_owned(), lines.parse().ok()?, to_read.parse().ok()?))
    };
    tables.map(|table| table.lines().skip(1).map_while(row).collect()).collect()
}

#[test]
fn the_way_through_the_code_is_as_long_as_the_book_says() {
    let ways = ways();
    assert_eq!(ways.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5]);
    for (file, said, to_read) in ways.iter().flatten() {
        let lines = read(file).lines().count();
        assert!(lines.abs_diff(*said) * 10 <= lines, "{file} has {lines} lines, not about {said}");
        assert!(to_read <= said, "{file}: {to_read} of {said}");
    }
    let scalars: usize = ways[0].iter().map(|(_, _, to_read)| to_read).sum();
    assert!(scalars <= 500, "{scalars} lines from y.backward() to 1 - y²");
    let table = &ways[0][4].0;
    assert!(read(table).contains("dy/dx = 1 − y²"), "{table} is where the way ends");
}

#[test]
fn the_rooms_of_the_book_are_those_that_are_held() {
    let held = read("crates/nn/tests/architecture.rs");
    let chapter = read("docs/src/design.md");
    for (name, list) in [("ops", "OPS"), ("tape", "TAPE"), ("nn", "NN")] {
        let (_, rooms) = held.split_once(&format!("const {list}: Rooms = ")).expect("a list");
        let (_, order) = rooms.split_once("order: &[").expect("an order");
        let order = order.split(']').next().unwrap();
        let order: Vec<&str> = order.split('"').skip(1).step_by(2).collect();

        let (_, table) = chapter.split_once(&format!("| `{name}` | holds |\n")).expect("a table");
        let rows = table.lines().skip(1).map_while(|row| row.strip_prefix("| "));
        let firsts = rows.map(|row| row.split('|').next().unwrap());
        let told: Vec<&str> = firsts.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert_eq!(told, order, "the rooms of {name}");
    }
}
