//! The rooms of the crates: which folder may import which, and how long files and functions are.
//!
//! The sources are read as text. An arrow from one room to another is a `use` line or a path in an
//! expression that leads there: from `crate`, from `super`, from the name of a module, or by way of
//! a name that the crate's first page re-exports. Modules for tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rooms of a crate: the folders of its `src`.
struct Rooms {
    /// The rooms, the lowest first. A room may import those before it and no others.
    order: &'static [&'static str],
    /// The rooms that show. The others, which are the engine, import none of them.
    views: &'static [&'static str],
}

const CRATES: [(&str, Rooms); 3] = [("ops", OPS), ("tape", TAPE), ("nn", NN)];

const OPS: Rooms = Rooms {
    order: &["ground", "number", "tensor", "kernel", "rule", "rules", "readings"],
    views: &[],
};

const TAPE: Rooms = Rooms {
    order: &["words", "graph", "sweep", "check", "transform", "replay", "ask", "show"],
    views: &["ask", "show"],
};

const NN: Rooms = Rooms {
    order: &[
        "ground", "model", "data", "layers", "loss", "metrics", "optim", "schedule", "save",
        "train",
    ],
    views: &[],
};

/// The crates that are not held to this yet.
const UNFINISHED: &[&str] = &[];

/// The longest that a file and a function may be, in lines.
const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 60;

/// Files of this name are data.
const TABLES: [&str; 2] = ["constants_f32.rs", "constants_f64.rs"];

#[test]
fn the_crates_keep_to_their_rooms() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let held = CRATES.iter().filter(|(name, _)| !UNFINISHED.contains(name));
    let mut faults = Vec::new();
    for (name, rooms) in held {
        let mut files = Vec::new();
        read(&crates.join(name).join("src"), "", &mut files);
        assert!(files.len() > 10, "the sources of {name} were found");
        let sources: Vec<(&str, &str)> = files.iter().map(|(p, s)| (&p[..], &s[..])).collect();
        faults.extend(faults_of(&sources, rooms).iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Reads the sources of a folder, with their paths from there.
fn read(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{name}/"), files);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            files.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// Lists what is wrong with a crate, given its files by their paths in `src`.
fn faults_of(files: &[(&str, &str)], rooms: &Rooms) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, source) in files {
        let lines = source.lines().count();
        if lines > LONGEST_FILE && !TABLES.iter().any(|table| path.ends_with(table)) {
            faults.push(format!("{path} has {lines} lines; the most is {LONGEST_FILE}"));
        }
        for (name, line, length) in long_functions(&tokens(source)) {
            faults.push(format!(
                "{path}:{line}: fn {name} has {length} lines; the most is {LONGEST_FUNCTION}"
            ));
        }
    }
    let modules = Modules::new(files);
    let level = |room: &str| rooms.order.iter().position(|known| *known == room);
    let unlisted = modules.rooms().filter(|room| level(room).is_none());
    faults.extend(unlisted.map(|room| format!("{room} is missing in the list of rooms")));
    let arrows = modules.arrows();
    for Arrow { from, to, at } in &arrows {
        if rooms.views.contains(&&to[..]) && !rooms.views.contains(&&from[..]) {
            faults.push(format!("{at}: {from} is of the engine, but imports the view {to}"));
        } else if let (Some(own), Some(other)) = (level(from), level(to))
            && own < other
        {
            faults.push(format!("{at}: {from} imports {to}, which stands above it"));
        }
    }
    faults.dedup(); // Several names in one line.
    faults.extend(circle(&arrows).map(|rooms| format!("a circle: {}", rooms.join(" -> "))));
    faults
}

/// An import from one room to another, and the line that it stands on.
struct Arrow {
    from: String,
    to: String,
    at: String,
}

/// The shortest way from a room back to itself, if there is one.
fn circle(arrows: &[Arrow]) -> Option<Vec<String>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Arrow { from, to, .. } in arrows {
        next.entry(from).or_default().insert(to);
    }
    let circles = next.keys().filter_map(|&start| {
        let mut ways = vec![vec![start]];
        let mut seen = BTreeSet::new();
        let mut at = 0;
        while let Some(way) = ways.get(at).cloned() {
            for &room in next.get(way[way.len() - 1]).into_iter().flatten() {
                let way: Vec<&str> = way.iter().copied().chain([room]).collect();
                if room == start {
                    return Some(way);
                }
                if seen.insert(room) {
                    ways.push(way);
                }
            }
            at += 1;
        }
        None
    });
    let shortest = circles.min_by_key(Vec::len)?;
    Some(shortest.into_iter().map(str::to_owned).collect())
}

/// The modules of a crate, and the tokens of their files.
struct Modules<'s> {
    files: Vec<(&'s str, Vec<&'s str>, Vec<Token<'s>>)>,
    known: BTreeSet<Vec<&'s str>>,
    /// Names that the first page re-exports, with where they are from.
    exports: BTreeMap<&'s str, Vec<&'s str>>,
}

impl<'s> Modules<'s> {
    fn new(files: &[(&'s str, &'s str)]) -> Self {
        let file = |&(path, source): &(&'s str, &'s str)| {
            (path, module(path), without_tests(&tokens(source)))
        };
        let files: Vec<_> = files.iter().map(file).collect();
        let known = files.iter().flat_map(|(_, module, _)| {
            // The folder of a file is a module too, also where the source in hand lacks it.
            (1..=module.len()).map(|length| module[..length].to_vec())
        });
        let mut modules = Self { known: known.collect(), exports: BTreeMap::new(), files };
        let pages = modules.files.iter().filter(|(_, module, _)| module.is_empty());
        let exports = pages.flat_map(|(_, module, tokens)| {
            paths(tokens, module).into_iter().filter_map(|found| {
                Some((found.name, modules.resolve(&found.path, &found.module)?))
            })
        });
        modules.exports = exports.collect();
        modules
    }

    /// The folders and files next to the first page.
    fn rooms(&self) -> impl Iterator<Item = &'s str> {
        self.known.iter().filter(|module| module.len() == 1).map(|module| module[0])
    }

    /// Every import from one room to another.
    fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (file, module, tokens) in self.files.iter().filter(|file| !file.1.is_empty()) {
            for found in paths(tokens, module) {
                let Some(room) = self.room(&found) else { continue };
                if room != module[0] {
                    let (from, to) = (module[0].to_owned(), room.to_owned());
                    arrows.push(Arrow { from, to, at: format!("{file}:{}", found.line) });
                }
            }
        }
        arrows
    }

    /// The room that a path leads to, if it leads to one of this crate.
    fn room(&self, found: &Found<'s>) -> Option<&'s str> {
        let path = self.resolve(&found.path, &found.module)?;
        let first = *path.first()?;
        if self.known.contains(&vec![first]) {
            return Some(first);
        }
        self.exports.get(first).and_then(|path| path.first()).copied()
    }

    /// A path from the root of the crate; `None` if it leads to another crate.
    fn resolve(&self, path: &[&'s str], module: &[&'s str]) -> Option<Vec<&'s str>> {
        let mut base = module.to_vec();
        let mut rest = path;
        match path.first()? {
            &"crate" => (base, rest) = (Vec::new(), &path[1..]),
            &"self" => rest = &path[1..],
            &"super" => {
                while let Some((&"super", others)) = rest.split_first() {
                    base.pop();
                    rest = others;
                }
            }
            name => {
                base.push(name);
                let is_ours = self.known.contains(&base);
                base.pop();
                is_ours.then_some(())?;
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }
}

/// The module of a file, from the root of the crate.
fn module(path: &str) -> Vec<&str> {
    let mut module: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if ["mod", "lib", "main"].contains(&module[module.len() - 1]) {
        module.pop();
    }
    module
}

/// A word or a sign, and its line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'s> {
    text: &'s str,
    line: usize,
}

impl Token<'_> {
    fn is_word(self) -> bool {
        self.text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    }
}

/// The words and signs of a source, without comments and the contents of texts.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(c) = rest.chars().next() {
        let before = tokens.last().map_or("", |token: &Token<'_>| token.text);
        let is_raw = ["r", "br", "cr"].contains(&before);
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if is_raw && (c == '"' || rest.trim_start_matches('#').starts_with('"')) {
            let hashes = &rest[..rest.find('"').unwrap_or(0)];
            let close = format!("\"{hashes}");
            let open = close.len();
            rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len())
        } else if c == '"' {
            quoted(rest, '"')
        } else if c == '\'' && is_letter(rest) {
            quoted(rest, '\'')
        } else if c.is_alphanumeric() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        let text = &rest[..end];
        let is_sign = text == "::" || text.chars().count() == 1;
        if (c.is_alphanumeric() || c == '_' || is_sign) && !c.is_whitespace() && c != '\'' {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = &rest[end..];
    }
    tokens
}

/// Tells whether a quote begins a letter, `'a'`, and no lifetime.
fn is_letter(rest: &str) -> bool {
    let mut letters = rest.chars().skip(1);
    letters.next() == Some('\\') || letters.next() == Some('\'')
}

/// The length of a text in quotes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, c)) = letters.next() {
        if c == '\\' {
            letters.next();
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// The number of the token that closes the brace at `open`.
fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0;
    for (number, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return number;
        }
    }
    tokens.len() - 1
}

/// The tokens without the items that are compiled for tests alone.
fn without_tests<'s>(tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_marked = tokens[at..].iter().map(|token| token.text).take(7).eq(MARK);
        if is_marked {
            let ends = |token: &Token<'_>| ["{", ";"].contains(&token.text);
            let end = tokens[at..].iter().position(ends).map_or(tokens.len() - 1, |n| at + n);
            at = if tokens[end].text == "{" { closing(tokens, end) } else { end };
        } else {
            kept.push(tokens[at]);
        }
        at += 1;
    }
    kept
}

/// A path that a source names, the name that it gets there, and where it stands.
struct Found<'s> {
    path: Vec<&'s str>,
    name: &'s str,
    module: Vec<&'s str>,
    line: usize,
}

/// The paths of `use` lines, and those in between that begin with `crate` or `super`.
fn paths<'s>(tokens: &[Token<'s>], module: &[&'s str]) -> Vec<Found<'s>> {
    let mut found = Vec::new();
    let (mut module, mut inner) = (module.to_vec(), Vec::new());
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut at = 0;
    while at < tokens.len() {
        let begins = ["crate", "super"].contains(&text(at)) && text(at + 1) == "::";
        if text(at) == "use" && text(at + 1) != "<" {
            let (first, before) = (at + 1, found.len());
            at = use_tree(tokens, first, &Vec::new(), &mut found);
            for path in &mut found[before..] {
                path.module.clone_from(&module);
            }
        } else if begins && (at == 0 || text(at - 1) != "::") {
            let (start, mut path) = (at, vec![text(at)]);
            while text(at + 1) == "::" && tokens.get(at + 2).is_some_and(|token| token.is_word()) {
                path.push(text(at + 2));
                at += 2;
            }
            let (name, line) = (path[path.len() - 1], tokens[start].line);
            found.push(Found { path, name, module: module.clone(), line });
        } else if text(at) == "mod" && text(at + 2) == "{" {
            module.push(text(at + 1));
            inner.push(closing(tokens, at + 2));
        } else if inner.last() == Some(&at) {
            module.pop();
            inner.pop();
        }
        at += 1;
    }
    found
}

/// Reads a tree of `use` from `at` on, and gives the number of the token that ends it.
fn use_tree<'s>(
    tokens: &[Token<'s>],
    mut at: usize,
    prefix: &[&'s str],
    found: &mut Vec<Found<'s>>,
) -> usize {
    let mut path = prefix.to_vec();
    let line = tokens[at].line;
    while at < tokens.len() {
        match tokens[at].text {
            "::" => {}
            "{" => {
                while tokens[at].text != "}" {
                    at = use_tree(tokens, at + 1, &path, found);
                }
                return at + 1;
            }
            "as" => {
                let name = tokens[at + 1].text;
                found.push(Found { path, name, module: Vec::new(), line });
                return at + 2;
            }
            "," | "}" | ";" => break,
            // `a::{self}` is a; at the beginning it is the module at hand.
            "self" if !path.is_empty() => {}
            word => path.push(word),
        }
        at += 1;
    }
    if path.len() > prefix.len() || tokens[at - 1].text == "self" {
        let name = path[path.len() - 1];
        found.push(Found { path, name, module: Vec::new(), line });
    }
    at
}

/// The functions that are too long: name, first line and number of lines.
fn long_functions<'s>(tokens: &[Token<'s>]) -> Vec<(&'s str, usize, usize)> {
    let mut long = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        if pair[0].text != "fn" || !pair[1].is_word() {
            continue;
        }
        let ends = |token: &Token<'_>| ["{", ";"].contains(&token.text);
        let mut depth = 0_i32;
        // A semicolon in brackets is of an array's type.
        let end = tokens.iter().enumerate().skip(at).find(|(_, token)| {
            match token.text {
                "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                _ => {}
            }
            depth == 0 && ends(token)
        });
        if let Some((open, Token { text: "{", .. })) = end {
            let lines = tokens[closing(tokens, open)].line - pair[0].line + 1;
            if lines > LONGEST_FUNCTION {
                long.push((pair[1].text, pair[0].line, lines));
            }
        }
    }
    long
}

/// A crate of three rooms, which the tests below build wrongly.
const SMALL: Rooms = Rooms { order: &["low", "middle", "high"], views: &["high"] };

fn small(files: &[(&str, &str)]) -> Vec<String> {
    faults_of(files, &SMALL)
}

/// The names of the functions of a block, without those inside them.
fn methods(block: &str) -> Vec<&str> {
    let lines = block.lines().filter_map(|line| line.strip_prefix("    fn "));
    lines.map(|line| line.split(['(', '<']).next().unwrap()).collect()
}

#[test]
fn rules_have_their_methods_in_the_order_of_the_contract() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/src");
    let contract = fs::read_to_string(sources.join("rule/rule.rs")).unwrap();
    let (_, contract) = contract.split_once("pub trait Rule").unwrap();
    let contract = methods(contract);
    let mut rules = 0;
    let mut folders = vec![sources.join("rules")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for block in text.split("\nimpl").filter(|block| block.contains("Rule for ")) {
                let (head, body) = block.split_once("{\n").unwrap();
                if !head.trim_end().contains(" Rule for ") {
                    continue;
                }
                let names = methods(body.split("\n}").next().unwrap());
                let places: Vec<usize> = names
                    .iter()
                    .map(|name| contract.iter().position(|m| m == name).expect("its method"))
                    .collect();
                assert!(places.is_sorted(), "{}: {names:?}", path.display());
                rules += 1;
            }
        }
    }
    assert!(rules > 40, "{rules} rules were found");
}

#[test]
fn arrows_downwards_are_no_fault() {
    let files = [
        (
            "lib.rs",
            "mod high; mod low; mod middle;\npub use high::View;\npub use low::{Thing, other::Name as Alias};",
        ),
        ("low/mod.rs", "pub mod other;\nuse std::fmt;\nuse super::low::other::Name;"),
        ("low/other.rs", "use super::Thing; use crate::Alias;\npub struct Name;"),
        ("middle/mod.rs", "use crate::low::{self, Thing, other::*};\nfn f() { crate::low::g() }"),
        ("high/mod.rs", "use crate::{Alias, middle}; use super::middle::f;"),
    ];
    assert_eq!(small(&files), [""; 0]);
}

#[test]
fn an_arrow_upwards_is_found_however_it_is_written() {
    let arrows = [
        "use crate::middle::f;",
        "use crate::{low::Thing, middle::{f, g}};",
        "use super::super::middle;",
        "pub(crate) use super::super::middle::*;",
        "fn f() {\n    crate::middle::g();\n}",
        "fn f(x: &super::super::middle::Thing) {}",
        "mod inner {\n    use super::super::super::middle::f;\n}",
        "use crate::Middle;",
        "use crate::Renamed;",
        "macro_rules! m { () => { $crate::middle::g() } }",
    ];
    for arrow in arrows {
        let files = [
            ("lib.rs", "mod low; mod middle;\npub use middle::{Middle, Other as Renamed};"),
            ("low/mod.rs", "mod inner;"),
            ("low/inner.rs", arrow),
            ("middle/mod.rs", ""),
        ];
        let faults = small(&files);
        assert!(
            faults.len() == 1 && faults[0].contains("low imports middle"),
            "{arrow} {faults:?}"
        );
        assert!(faults[0].starts_with("low/inner.rs:"), "{faults:?}");
    }
}

#[test]
fn a_circle_is_found_without_an_order() {
    let files = [
        ("a/mod.rs", "use crate::b;"),
        ("b/mod.rs", "use crate::c::{self, f};"),
        ("c.rs", "fn f() { crate::a::g() }"),
    ];
    assert_eq!(circle(&Modules::new(&files).arrows()).unwrap(), ["a", "b", "c", "a"]);
    assert!(circle(&Modules::new(&files[..2]).arrows()).is_none());
    let faults = small(&[("low/a.rs", "use crate::middle;"), ("middle/a.rs", "use crate::low;")]);
    assert!(faults.contains(&"a circle: low -> middle -> low".to_owned()), "{faults:?}");
}

#[test]
fn a_view_in_the_engine_is_found() {
    let files = [("middle/mod.rs", "use crate::high;"), ("high/mod.rs", "")];
    assert_eq!(
        small(&files),
        ["middle/mod.rs:1: middle is of the engine, but imports the view high"]
    );
}

#[test]
fn a_room_must_be_in_the_list() {
    let files = [("new/mod.rs", "use crate::low;"), ("low/mod.rs", "")];
    assert_eq!(small(&files), ["new is missing in the list of rooms"]);
}

#[test]
fn comments_texts_and_tests_draw_no_arrows() {
    let low = r##"
        // use crate::high;
        /* use crate::high; */
        const A: &str = "\" use crate::high; {";
        const B: &str = r#"use crate::high; " {"#;
        const C: [char; 3] = ['"', '\'', '{'];
        fn f<'high>(x: &'high str) {}
        #[cfg(test)]
        mod tests {
            use crate::high;
        }
        #[cfg(test)]
        use crate::high;
    "##;
    assert_eq!(small(&[("low/mod.rs", low), ("high/mod.rs", "")]), [""; 0]);
    let after = format!("{low}use crate::high;");
    assert_eq!(small(&[("low/mod.rs", &after), ("high/mod.rs", "")]).len(), 1);
}

#[test]
fn long_files_and_functions_are_found() {
    let lines = |count: usize| "    f();\n".repeat(count);
    let file = |count: usize| "\n".repeat(count);
    assert_eq!(small(&[("low/mod.rs", &file(500)), ("low/constants_f32.rs", &file(900))]), [""; 0]);
    let faults = small(&[("low/mod.rs", &file(501))]);
    assert_eq!(faults, ["low/mod.rs has 501 lines; the most is 500"]);
    let function =
        |count: usize| format!("struct A;\nfn f(x: [u8; 2]) {{\n{}}}\n", lines(count - 2));
    assert_eq!(small(&[("low/mod.rs", &function(60))]), [""; 0]);
    let faults = small(&[("low/mod.rs", &function(61))]);
    assert_eq!(faults, ["low/mod.rs:2: fn f has 61 lines; the most is 60"]);
    let method = format!("impl A {{\n{}}}\ntrait B {{ fn g(); }}", function(61));
    assert_eq!(small(&[("low/mod.rs", &method)]).len(), 1);
}
