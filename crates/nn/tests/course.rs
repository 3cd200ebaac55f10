//! The stages of "Build your own": every solution holds, every gap fails first. Chapters quote what
//! is printed, figures are those that are drawn, and every listing and link of the book leads somewhere.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[path = "../../../examples/build/report.rs"]
mod report;

#[path = "../../../docs/figures/chapters.rs"]
mod chapter_figures;
#[path = "../../../docs/figures/figures.rs"]
mod figures;
#[path = "../../../docs/figures/invented.rs"]
mod invented_figures;
#[path = "../../../docs/figures/quoted.rs"]
mod quoted_figures;
#[path = "../../../docs/figures/svg.rs"]
mod svg;

/// Programs whose output the book quotes.
#[allow(dead_code)]
#[path = "../../../examples"]
mod programs {
    pub mod bumps;
    pub mod cheap;
    pub mod line;
}

use report::{TITLES, Verdict, report};

/// An engine of these stages, each the reader's file, the solution or a mistake.
macro_rules! engine {
    ($name:ident: $one:literal $two:literal $three:literal $four:literal
     $five:literal $six:literal $seven:literal $eight:literal) => {
        #[allow(dead_code, unused_mut, unused_variables, clippy::match_same_arms)]
        #[allow(clippy::duplicate_mod)]
        #[path = "../../../examples/build"]
        mod $name {
            #[path = "checks/mod.rs"]
            pub mod checks;
            #[path = "matrix.rs"]
            mod matrix;
            #[path = $one]
            mod stage_1;
            #[path = $two]
            mod stage_2;
            #[path = $three]
            mod stage_3;
            #[path = $four]
            mod stage_4;
            #[path = $five]
            mod stage_5;
            #[path = $six]
            mod stage_6;
            #[path = $seven]
            mod stage_7;
            #[path = $eight]
            mod stage_8;
        }
    };
}

engine!(solved: "solutions/stage_1.rs" "solutions/stage_2.rs" "solutions/stage_3.rs"
    "solutions/stage_4.rs" "solutions/stage_5.rs" "solutions/stage_6.rs" "solutions/stage_7.rs"
    "solutions/stage_8.rs");
engine!(gap_1: "stage_1.rs" "solutions/stage_2.rs" "solutions/stage_3.rs" "solutions/stage_4.rs"
    "solutions/stage_5.rs" "solutions/stage_6.rs" "solutions/stage_7.rs" "solutions/stage_8.rs");
engine!(gap_2: "solutions/stage_1.rs" "stage_2.rs" "solutions/stage_3.rs" "solutions/stage_4.rs"
    "solutions/stage_5.rs" "solutions/stage_6.rs" "solutions/stage_7.rs" "solutions/stage_8.rs");
engine!(gap_3: "solutions/stage_1.rs" "solutions/stage_2.rs" "stage_3.rs" "solutions/stage_4.rs"
    "solutions/stage_5.rs" "solutions/stage_6.rs" "solutions/stage_7.rs" "solutions/stage_8.rs");
engine!(gap_4: "solutions/stage_1.rs" "solutions/stage_2.rs" "solutions/stage_3.rs" "stage_4.rs"
    "solutions/stage_5.rs" "solutions/stage_6.rs" "solutions/stage_7.rs" "solutions/stage_8.rs");
engine!(gap_5: "solutions/stage_1.rs" "solutions/stage_2.rs" "solutions/stage_3.rs"
    "solutions/stage_4.rs" "stage_5.rs" "solutions/stage_6.rs" "solutions/stage_7.rs"
    "solutions/stage_8.rs");
engine!(gap_6: "solutions/stage_1.rs" "solutions/stage_2.rs" "solutions/stage_3.rs"
    "solutions/stage_4.rs" "solutions/stage_5.rs" "stage_6.rs" "solutions/stage_7.rs"
    "solutions/stage_8.rs");
engine!(gap_7: "solutions/stage_1.rs" "solutions/stage_2.rs" "solutions/stage_3.rs"
    "solutions/stage_4.rs" "solutions/stage_5.rs" "solutions/stage_6.rs" "stage_7.rs"
    "solutions/stage_8.rs");
engine!(gap_8: "solutions/stage_1.rs" "solutions/stage_2.rs" "solutions/stage_3.rs"
    "solutions/stage_4.rs" "solutions/stage_5.rs" "solutions/stage_6.rs" "solutions/stage_7.rs"
    "stage_8.rs");

engine!(swapped: "../../crates/nn/tests/mistakes/stage_1_swapped.rs" "solutions/stage_2.rs"
    "solutions/stage_3.rs" "solutions/stage_4.rs" "solutions/stage_5.rs" "solutions/stage_6.rs"
    "solutions/stage_7.rs" "solutions/stage_8.rs");
engine!(every_path: "solutions/stage_1.rs" "solutions/stage_2.rs"
    "../../crates/nn/tests/mistakes/stage_3_every_path.rs" "solutions/stage_4.rs"
    "solutions/stage_5.rs" "solutions/stage_6.rs" "solutions/stage_7.rs" "solutions/stage_8.rs");
engine!(overwrites: "solutions/stage_1.rs" "solutions/stage_2.rs" "solutions/stage_3.rs"
    "../../crates/nn/tests/mistakes/stage_4_overwrites.rs" "solutions/stage_5.rs"
    "solutions/stage_6.rs" "../../crates/nn/tests/mistakes/stage_7_uphill.rs"
    "../../crates/nn/tests/mistakes/stage_8_nan.rs");

/// The check of each stage, run where only that stage has its gap.
const GAPS: [fn(usize) -> Verdict; 8] = [
    gap_1::checks::stage,
    gap_2::checks::stage,
    gap_3::checks::stage,
    gap_4::checks::stage,
    gap_5::checks::stage,
    gap_6::checks::stage,
    gap_7::checks::stage,
    gap_8::checks::stage,
];

/// Lets only one test at a time write chapters.
fn one_at_a_time() -> std::sync::MutexGuard<'static, ()> {
    static WRITING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    WRITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `cargo run --example build -- STAGE` prints to a reader who has filled the stages before.
fn with_gap(stage: usize) -> (String, bool) {
    report(stage, "examples/build", GAPS[stage - 1])
}

/// What it prints with `--solution`, run once for all tests.
fn solution(stage: usize) -> (String, bool) {
    static REPORTS: [OnceLock<(String, bool)>; TITLES.len()] =
        [const { OnceLock::new() }; TITLES.len()];
    let run = || report(stage, "examples/build/solutions", solved::checks::stage);
    REPORTS[stage - 1].get_or_init(run).clone()
}

#[test]
fn every_solution_holds() {
    for stage in 1..=TITLES.len() {
        let (text, holds) = solution(stage);
        assert!(holds && text.contains(&format!("STAGE {stage} HOLDS.")), "{text}");
    }
}

#[test]
fn every_gap_fails_first_with_its_sentence() {
    let sentences = [
        "y = a - b at 3 and -4, where the adjoint 1 arrives, should pass back 1 and -1; yours",
        "w * x of w = 3 and x = -4 should be -12; yours is 0.",
        "the way back from c is c, b, a: [2, 1, 0]; yours is [2].",
        "∂y/∂y should be 1; yours is 0.",
        "for an operand of shape [1, 2] should be [[9, 12]]; yours is [[1, 2], [3, 4], [5, 6]].",
        "sums to [[0.75, 1.15]] before tanh, should be [[0.635149, 0.817754]]; yours is [[1, 0.5]].",
        "the weight after one step of rate 0.9 should be 0.75798; yours is 0.5.",
        "distance(3.0, 6.0) should be more than 1e-12; yours is 0e0.",
    ];
    for (stage, sentence) in (1..).zip(sentences) {
        let (text, holds) = with_gap(stage);
        assert!(
            !holds,
            "the gap of examples/build/stage_{stage}.rs is filled; to test the repository, put it \
             back: git checkout examples/build"
        );
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&text).contains(&words(sentence)), "{text}");
        assert!(text.contains("  not yet: "), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

/// The check of a stage with a mistake in it.
type Mistake = fn(usize) -> Verdict;

#[test]
fn a_mistake_that_many_make_has_its_sentence() {
    let mistakes: [(Mistake, usize, &str); 5] = [
        (swapped::checks::stage, 1, "should pass back -4 and 3; yours passes back 3 and -4."),
        (every_path::checks::stage, 3, "should come after it; in your order it comes before."),
        (overwrites::checks::stage, 4, "∂y/∂a of y = a * a at a = 3 should be 6; yours is 3."),
        (overwrites::checks::stage, 7, "should be 0.75798; yours is 0.24202, which is uphill."),
        (overwrites::checks::stage, 8, "distance(NaN, 1.0) should be more than 1e-12; yours is"),
    ];
    for (check, stage, sentence) in mistakes {
        let verdict = check(stage).expect_err("a mistake");
        assert!(verdict.contains(sentence), "stage {stage}: {verdict}");
    }
}

#[test]
fn a_gap_is_marked_and_its_file_is_otherwise_the_solution() {
    let folder = root().join("examples/build");
    for stage in 1..=TITLES.len() {
        let read = |file: String| std::fs::read_to_string(folder.join(file)).unwrap();
        let (gap, solution) =
            (read(format!("stage_{stage}.rs")), read(format!("solutions/stage_{stage}.rs")));
        assert!(gap.contains("// YOUR LINE"), "stage {stage} marks its gap");
        assert!(!solution.contains("YOUR LINE"), "the solution of stage {stage} has no gap");
        let theirs: Vec<&str> = solution.lines().collect();
        let added = gap.lines().filter(|line| !theirs.contains(line)).count();
        assert!((1..=8).contains(&added), "stage {stage} adds {added} lines to its solution");
    }
}

/// What a block that begins with a call of `build` should say, and which stage it calls.
fn quotation(block: &str) -> Option<(String, (usize, bool))> {
    let command = block.lines().next()?;
    let call = command.strip_prefix("$ cargo run --example build -- ")?;
    let (stage, solved) = call.split_once(' ').map_or((call, false), |(stage, _)| (stage, true));
    let stage = stage.parse().expect("the number of a stage");
    let (output, _) = if solved { solution(stage) } else { with_gap(stage) };
    Some((output.trim_end().to_owned(), (stage, solved)))
}

#[test]
fn the_chapters_quote_what_the_stages_print() {
    let _one_at_a_time = one_at_a_time();
    let mut seen = vec![];
    for entry in std::fs::read_dir(root().join("docs/src/build")).unwrap() {
        let chapter = entry.unwrap().path();
        let text = std::fs::read_to_string(&chapter).unwrap();
        let mut parts = text.split("```console\n");
        let mut right = parts.next().unwrap().to_owned();
        for part in parts {
            let (block, after) = part.split_once("```").expect("the end of a block");
            right += "```console\n";
            if let Some((output, which)) = quotation(block) {
                right += block.lines().next().expect("a command");
                right.extend(["\n", &output, "\n"]);
                seen.push(which);
            } else {
                right += block;
            }
            right += "```";
            right += after;
        }
        if std::env::var_os("UPDATE_CHAPTERS").is_some() {
            std::fs::write(&chapter, &right).unwrap();
        } else {
            let stale = text.lines().zip(right.lines()).find(|(shown, right)| shown != right);
            assert!(
                text == right,
                "{}: {stale:?}; UPDATE_CHAPTERS=1 cargo test -p nn --test all course",
                chapter.display()
            );
        }
    }
    for stage in 1..=TITLES.len() {
        for solved in [false, true] {
            assert!(seen.contains(&(stage, solved)), "stage {stage}, solution: {solved}");
        }
    }
}

/// The Markdown files of the book, with their texts.
fn chapters() -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join("docs/src")];
    let mut chapters = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                chapters.push((path, text));
            }
        }
    }
    assert!(chapters.len() > 30, "the chapters were found");
    chapters
}

/// Whether the parts of a quotation, between lines of `…`, stand in the text as whole lines, in
/// this order.
fn quotes(quotation: &str, text: &str) -> bool {
    let mut rest = text.lines();
    let mut parts = quotation.split("…").map(|part| part.trim_matches('\n'));
    parts.all(|part| {
        let mut wanted = part.lines();
        let Some(first) = wanted.next() else { return true };
        rest.any(|line| line == first) && wanted.all(|line| rest.next() == Some(line))
    })
}

#[test]
fn a_quotation_is_told_from_a_misquotation() {
    let text = "a\nb\nc\nd\n";
    assert!(["a\nb\nc\nd", "…\nb\n…\nd", "a\n…\nc\nd"].iter().all(|right| quotes(right, text)));
    assert!(["a\nc", "…\nc\n…\nb", "…\ne", "a\n…\nb c"].iter().all(|wrong| !quotes(wrong, text)));
}

/// A chapter with its quotations of files as they should be: in a block behind
/// `<!-- quoted: file file -->` stand commands, and the lines of these files one after the other, or
/// parts of them with `…` for what is left out.
fn with_quoted_files(folder: &Path, chapter: &str) -> String {
    let mut right = String::new();
    let mut lines = chapter.lines();
    while let Some(line) = lines.next() {
        right.extend([line, "\n"]);
        let names = line.strip_prefix("<!-- quoted: ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some(names) = names else { continue };
        let read = |name| std::fs::read_to_string(folder.join(name)).expect("a file to quote");
        let text: String = names.split(' ').map(read).collect();
        right.extend([lines.next().expect("a block"), "\n"]);
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut goes_on = false;
        let (commands, quotation): (Vec<&str>, Vec<&str>) =
            block.iter().copied().partition(|line: &&str| {
                let command = goes_on || line.starts_with("$ ");
                goes_on = command && line.ends_with('\\');
                command
            });
        let one_command = commands.iter().filter(|line| line.starts_with("$ ")).count() == 1;
        let quotation = quotation.join("\n");
        if one_command && !quotation.contains('…') {
            right.extend([&*commands.join("\n"), "\n", text.trim_matches('\n'), "\n"]);
        } else {
            assert!(quotes(&quotation, &text), "{names}:\n{quotation}\n{text}");
            right.extend([&*block.join("\n"), "\n"]);
        }
        right += "```\n";
    }
    right
}

#[test]
fn the_chapters_quote_what_other_tests_keep_as_files() {
    let _one_at_a_time = one_at_a_time();
    let mut quoted = 0;
    for (file, text) in chapters() {
        let right = with_quoted_files(file.parent().unwrap(), &text);
        quoted += text.matches("<!-- quoted: ").count();
        if std::env::var_os("UPDATE_CHAPTERS").is_some() {
            std::fs::write(&file, &right).unwrap();
        } else {
            assert!(text == right, "{}: a stale quotation", file.display());
        }
    }
    assert!(quoted > 5, "the quotations were found");
}

#[test]
fn a_quoted_file_is_shown_whole_or_in_true_parts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("one"), "a\nb\n").unwrap();
    std::fs::write(folder.path().join("two"), "c\nd\n").unwrap();
    let block =
        |names: &str, lines: &str| format!("<!-- quoted: {names} -->\n```console\n{lines}```\n");
    let right = |chapter: &str| with_quoted_files(folder.path(), chapter);
    for true_one in [
        block("one", "$ run \\\n    --it\na\nb\n"),
        block("one two", "$ run\na\nb\n…\nd\n"),
        block("one two", "$ run\na\nb\n$ again\nc\nd\n"),
    ] {
        assert_eq!(right(&true_one), true_one);
    }
    assert_eq!(right(&block("one", "$ run\na\n")), block("one", "$ run\na\nb\n"), "stale");
    for false_one in ["$ run\n…\nc\n", "$ run\na\n$ again\nc\n"] {
        let chapter = block("one", false_one);
        assert!(std::panic::catch_unwind(|| right(&chapter)).is_err(), "{false_one}");
    }
}

#[test]
fn the_first_chapters_quote_what_their_programs_print() {
    let _one_at_a_time = one_at_a_time();
    let programs = [
        ("line", programs::line::text().unwrap()),
        ("cheap", programs::cheap::text().unwrap()),
        ("bumps", programs::bumps::text().unwrap()),
    ];
    for (name, text) in programs {
        hold_quotations(name, &text);
    }
}

/// Holds all quotations of a program to what it prints, or writes them.
fn hold_quotations(name: &str, text: &str) {
    let command = format!("```console\n$ cargo run --example {name}\n");
    let mut quoted = 0;
    for (file, chapter) in chapters() {
        let mut parts = chapter.split(&command as &str);
        let mut right = parts.next().unwrap().to_owned();
        for part in parts {
            let (quotation, after) = part.split_once("```").expect("the end of a block");
            let whole = format!("{}\n", text.trim_matches('\n'));
            let update = std::env::var_os("UPDATE_CHAPTERS").is_some();
            // What quotes a part with … is not written anew, but must be true.
            let quotation = if update && !quotation.contains('…') { &*whole } else { quotation };
            assert!(quotes(quotation, text), "{}:\n{quotation}\n{text}", file.display());
            assert!(quotation.lines().count() > 3, "{}: a quotation", file.display());
            quoted += 1;
            right.extend([&*command, quotation, "```", after]);
        }
        if right != chapter {
            std::fs::write(&file, &right).unwrap();
        }
    }
    assert!(quoted > 0, "{name} is quoted");
}

#[test]
fn a_drawing_may_differ_by_a_pixel_and_its_words_may_not() {
    let drawn = "<line x1=\"10.0\" fill=\"#1f5fa8\"/><text>loss</text>";
    for alike in [drawn, &drawn.replace("10.0", "11.4"), &drawn.replace("1f5fa8", "1f65a8")] {
        assert!(svg::look_alike(alike, drawn), "{alike}");
    }
    for other in
        [("10.0", "11.6"), ("1f5fa8", "c25700"), ("loss", "cost"), ("/><text>", " z/><text>")]
    {
        assert!(!svg::look_alike(&drawn.replace(other.0, other.1), drawn), "{other:?}");
    }
}

#[test]
fn the_figures_are_those_that_are_drawn() {
    let folder = root().join("docs/src/figures");
    let all = figures::ALL.iter().chain(chapter_figures::ALL);
    for (name, draw) in all.chain(invented_figures::ALL).chain(quoted_figures::ALL) {
        let drawn = draw();
        if std::env::var_os("UPDATE_CHAPTERS").is_some() {
            std::fs::write(folder.join(format!("{name}.svg")), &drawn).unwrap();
        }
        let shown = std::fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap_or_default();
        assert!(shown == drawn, "{name} is stale; cargo run --example figures");
    }
}

#[test]
fn every_figure_is_shown_in_a_chapter() {
    let chapters = chapters();
    let mut figures = 0;
    for entry in std::fs::read_dir(root().join("docs/src/figures")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let shown = format!("figures/{name})");
        assert!(chapters.iter().any(|(_, text)| text.contains(&shown)), "{name} is in no chapter");
        figures += 1;
    }
    assert!(figures > 40, "the figures were found");
}

#[test]
fn the_glossary_has_each_word_once_in_order() {
    let text = std::fs::read_to_string(root().join("docs/src/glossary.md")).unwrap();
    let entries = text.split("\n\n").filter_map(|entry| entry.strip_prefix("**"));
    let words: Vec<String> = entries
        .map(|entry| entry.split("**").next().unwrap().replace('`', "").to_lowercase())
        .collect();
    assert!(words.len() > 90, "the entries were found");
    assert!(words.is_sorted_by(|a, b| a < b), "{words:?}");
}

/// Overviews and lists, in which there is nothing to work out.
const NO_CHAPTERS: [&str; 6] =
    ["introduction.md", "gallery.md", "guides/index.md", "ops.md", "schema.md", "glossary.md"];

/// How many items a text numbers, from 1 on at the left edge.
fn numbered(text: &str) -> usize {
    let numbers = text.lines().filter_map(|line| line.split_once(". ")?.0.parse().ok());
    let numbers: Vec<usize> = numbers.collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "{numbers:?}: {text}");
    numbers.len()
}

#[test]
fn every_chapter_ends_in_exercises_and_shows_a_figure_and_a_page() {
    let summary = std::fs::read_to_string(root().join("docs/src/SUMMARY.md")).unwrap();
    let listed = summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let mut seen = 0;
    for name in listed.filter(|name| !NO_CHAPTERS.contains(name)) {
        let text = std::fs::read_to_string(root().join("docs/src").join(name)).unwrap();
        let (chapter, exercises) =
            text.split_once("\n## Exercises\n").unwrap_or_else(|| panic!("{name} has exercises"));
        let (asked, solved) = exercises
            .split_once("<summary>Solutions</summary>")
            .unwrap_or_else(|| panic!("{name} has solutions"));
        let (asked, solved) =
            (numbered(asked), numbered(solved.split("</details>").next().unwrap()));
        assert!((3..=6).contains(&asked), "{name} has {asked} exercises");
        assert_eq!(asked, solved, "exercises and solutions of {name}");
        assert!(chapter.contains("\n![") || chapter.contains("<img "), "{name} has a figure");
        assert!(text.contains("gallery/"), "{name} leads to a page of the gallery");
        seen += 1;
    }
    assert!(seen > 45, "the chapters were found");
}

#[test]
fn every_picture_has_words_in_its_place() {
    for (file, text) in chapters() {
        for picture in text.split("\n![").skip(1) {
            let words = picture.split("](").next().unwrap();
            assert!(words.len() > 20, "{}: what does it show? {words:?}", file.display());
        }
    }
}

#[test]
fn every_listing_and_link_of_the_book_leads_somewhere() {
    for (file, text) in chapters() {
        let folder = file.parent().unwrap();
        // A forge shows the braces of an inclusion and not what it means.
        assert!(!text.contains("{{#"), "{}: a listing or a text in its place", file.display());
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            let path = target.split('#').next().unwrap();
            let inside = !path.is_empty() && !path.contains(':') && !path.contains(' ');
            assert!(!inside || folder.join(path).exists(), "{}: {target}", file.display());
        }
    }
}

/// The part of a file that a listing shows: between the marks of an anchor, from a line on, or all;
/// without what all its lines are indented by.
fn listed(path: &Path, part: &str) -> String {
    let text = std::fs::read_to_string(path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let from = part.trim_end_matches(':').parse::<usize>();
    let mut shown = part.is_empty();
    let mut lines = vec![];
    for (number, line) in (1..).zip(text.lines()) {
        let mark = line.trim_start().trim_start_matches(['/', '#', ' ']);
        if mark.starts_with("ANCHOR") {
            let is = |name: &str| mark == format!("{name}: {part}");
            shown = (shown || is("ANCHOR")) && !is("ANCHOR_END");
        } else if shown || from.as_ref().is_ok_and(|&from| number >= from) {
            lines.push(line);
        }
    }
    assert!(!lines.is_empty(), "nothing at {part} of {}", path.display());
    let depth = |line: &&str| line.len() - line.trim_start().len();
    let filled = lines.iter().filter(|line| !line.trim().is_empty());
    let margin = filled.map(depth).min().unwrap_or(0);
    let lines: Vec<&str> = lines.iter().map(|line| line.get(margin..).unwrap_or("")).collect();
    lines.join("\n")
}

/// What stands behind a text that is another file.
const END: &str = "<!-- end of the text -->";

/// A chapter with its listings as they should be: behind `<!-- listing: file:part -->` stands what
/// is in the file, and behind `<!-- text: file -->` a whole text, so that the chapter reads well where
/// nobody includes it. A block that mdbook includes becomes such a listing if that is wished.
fn with_listings(folder: &Path, chapter: &str, includes_too: bool) -> String {
    let mut right = String::new();
    let mut lines = chapter.lines().peekable();
    while let Some(line) = lines.next() {
        let named = |kind| line.strip_prefix(kind).and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(path) = named("<!-- text: ") {
            let text = std::fs::read_to_string(folder.join(path)).expect(path);
            right.extend([line, "\n", &text, "\n", END, "\n"]);
            assert!(lines.any(|line| line == END), "the end of {path}");
            continue;
        }
        let comment = named("<!-- listing: ");
        let include = includes_too
            && line.starts_with("```")
            && lines.peek().is_some_and(|next| next.starts_with("{{#include "));
        let (fence, target) = match (comment, include) {
            (Some(target), _) => (lines.next().expect("a block"), target),
            (None, true) => {
                let next = lines.peek().expect("the include");
                (line, next["{{#include ".len()..].trim_end_matches('}'))
            }
            (None, false) => {
                right += line;
                right.push('\n');
                continue;
            }
        };
        let (path, part) = target.split_once(':').unwrap_or((target, ""));
        let shown = listed(&folder.join(path), part);
        right.extend(["<!-- listing: ", target, " -->\n", fence, "\n", &shown, "\n```\n"]);
        assert!(lines.any(|line| line == "```"), "the end of the block of {target}");
    }
    right
}

#[test]
fn the_listings_are_what_stands_in_the_files() {
    let _one_at_a_time = one_at_a_time();
    let update = std::env::var_os("UPDATE_CHAPTERS").is_some();
    for (file, text) in chapters() {
        let right = with_listings(file.parent().unwrap(), &text, update);
        if update {
            std::fs::write(&file, &right).unwrap();
        }
        assert!(
            update || text == right,
            "{}: a stale listing; UPDATE_CHAPTERS=1 cargo test -p nn --test all course",
            file.display()
        );
    }
}

#[test]
fn a_listing_is_the_part_of_the_file_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let code = "//! Says.\n\n// ANCHOR: one\nfn one() {}\n// ANCHOR_END: one\nfn two() {}\n";
    let deep = "    // ANCHOR: deep\n    a {\n        b\n    }\n    // ANCHOR_END: deep\n";
    std::fs::write(folder.path().join("code.rs"), code).unwrap();
    std::fs::write(folder.path().join("deep.rs"), deep).unwrap();
    let shown = |part: &str| listed(&folder.path().join("code.rs"), part);
    assert_eq!(shown("one"), "fn one() {}");
    assert_eq!(shown("3:"), "fn one() {}\nfn two() {}");
    assert_eq!(listed(&folder.path().join("deep.rs"), "deep"), "a {\n    b\n}");
    assert_eq!(shown(""), "//! Says.\n\nfn one() {}\nfn two() {}");

    let include = "text\n```rust,ignore\n{{#include code.rs:one}}\n```\n";
    let listing = "text\n<!-- listing: code.rs:one -->\n```rust,ignore\nfn one() {}\n```\n";
    assert_eq!(with_listings(folder.path(), include, true), listing);
    assert_eq!(with_listings(folder.path(), include, false), include);
    let stale = listing.replace("one() {}", "old() {}");
    assert_eq!(with_listings(folder.path(), &stale, false), listing);

    std::fs::write(folder.path().join("text.md"), "# Text\n\nWords.\n").unwrap();
    let whole = format!("<!-- text: text.md -->\n# Text\n\nWords.\n\n{END}\nmore\n");
    let stale = whole.replace("Words", "Old words");
    assert_eq!(with_listings(folder.path(), &stale, false), whole);
    assert_eq!(with_listings(folder.path(), &whole, false), whole);
}
