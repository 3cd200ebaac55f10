//! Practice in the terminal.

use std::ffi::OsString;
use std::io::Cursor;

use practice::cli::{self, Failure};
use practice::session::{self, Score};
use practice::{Sheet, page};

use super::words::marks::unmarked;

fn play(sheet: &Sheet, input: &[u8]) -> (Score, String) {
    let mut out = Vec::new();
    let score = session::run(sheet, &mut Cursor::new(input), &mut out).unwrap();
    (score, String::from_utf8(out).unwrap())
}

fn run(arguments: &[&str]) -> Result<String, Failure> {
    let mut out = Vec::new();
    let arguments = arguments.iter().map(OsString::from);
    cli::run(arguments, &mut Cursor::new(b""), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn all_right_answers_score_in_full() {
    for level in 1..=9 {
        let sheet = Sheet::new(level, 3, 2);
        let questions = sheet.problems.iter().flat_map(|problem| &problem.questions);
        let answers: Vec<String> = questions.map(|q| q.answer() + "\n").collect();
        let (score, text) = play(&sheet, answers.concat().as_bytes());
        let all = answers.len();
        assert_eq!(score, Score { asked: all, right: all, first: all, shown: 0 }, "{text}");
        assert!(text.contains(&format!("Score: {all} of {all} questions right")), "{text}");
    }
}

#[test]
fn hints_come_in_order_and_wrong_answers_count() {
    let sheet = Sheet::new(2, 7, 1);
    let question = &sheet.problems[0].questions[0];
    let mut input =
        "hint\n".repeat(question.hints.len() + 1) + "1000\n" + &question.answer() + "\n";
    input += "nonsense(\nshow\nquit\n";
    let (score, text) = play(&sheet, input.as_bytes());
    assert_eq!(score, Score { asked: 2, right: 1, first: 0, shown: 1 });
    let plain = text.replace('\n', " ");
    let mut at = 0;
    for hint in &question.hints {
        at += plain[at..].find(&hint[..]).unwrap_or_else(|| panic!("{hint} in {text}"));
    }
    for said in ["There are no more hints", "No: 1000 is not it.", "The expression ends too early."]
    {
        assert!(text.contains(said), "{said} in {text}");
    }
}

#[test]
fn hostile_input_gets_sentences() {
    let sheet = Sheet::new(5, 1, 2);
    let mut input: Vec<u8> = vec![0xff, 0xfe, b'\n', 0, b'\n', 0x1b, b'[', b'2', b'J', b'\n'];
    input.extend("9".repeat(1 << 20).into_bytes());
    input.extend(b"\n\r\n");
    for text in crate::answers::HOSTILE {
        input.extend(text.as_bytes());
        input.push(b'\n');
    }
    input.extend([b'('; 5000]);
    let (score, text) = play(&sheet, &input);
    assert_eq!(score, Score::default());
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "the terminal obeys nothing");
    assert!(text.contains("That is longer than 400 characters."), "{text}");
    assert!(
        text.ends_with(
            "Score: 0 of 0 questions right, 0 at the first try without a hint, 0 shown.\n"
        )
    );
}

#[test]
fn a_command_line_that_cannot_be_gets_a_sentence() {
    for (arguments, words) in [
        (&["--level", "0"][..], "--level 0: it is a whole number from 1 to 9"),
        (&["--level", "10"], "from 1 to 9"),
        (&["--level", "two"], "from 1 to 9"),
        (&["--problems", "51"], "from 1 to 50"),
        (&["--seed", "-1"], "a seed is a whole number"),
        (&["--seed", "\u{1b}[2J"], "--seed \\u{1b}[2J: a seed"),
        (&["--level"], "--level stands without a value\n`--help` tells what there is."),
        (&["-l"], "there is no option -l\n"),
        (&["--leve", "1"], "there is no option --leve. Did you mean --level?"),
        (&["loops"], "`loops` is neither an option nor the value of one"),
        (&["--lvel", "1"], "Did you mean --level?"),
    ] {
        let failure = run(arguments).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        let text = failure.to_string();
        assert!(text.contains(words) && text.contains("`--help` tells"), "{text}");
        // In a language of brackets nothing is said outside of them, wherever it is asked for.
        let marked = run(&[arguments, &["--language=en-x-marked"]].concat());
        let marked = marked.unwrap_err().to_string();
        if !arguments.ends_with(&["--level"]) {
            assert_eq!(
                marked,
                run(&[&["--language=en-x-marked"], arguments].concat()).unwrap_err().to_string()
            );
        }
        assert!(unmarked(&marked, &[]).is_empty() && !marked.contains('\u{1b}'), "{marked}");
    }
    let failure = run(&["--html", "/nowhere/page.html"]).unwrap_err();
    assert!(failure.exit_code() == 1 && failure.to_string().contains("/nowhere/page.html cannot"));
    assert_eq!(run(&["--level", "4", "--html", "-"]).unwrap(), page::html(&Sheet::new(4, 1, 5)));
}

#[test]
fn the_book_shows_what_the_program_prints() {
    let printed = |name: &str| {
        let path = format!("{}/tests/printed/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        (std::fs::read_to_string(&path).unwrap_or_default(), path)
    };
    let help = run(&["--help"]).unwrap();
    let sheet = Sheet::new(3, 7, 1);
    let input = "2*e\nȳ*(1 - q^2)\nhint\nhint\n-1.573*0.7635\nquit\n";
    let (_, played) = play(&sheet, input.as_bytes());
    // With what is typed after each question, as a terminal shows it.
    let mut typed = input.lines();
    let prompts: Vec<String> =
        sheet.problems[0].questions.iter().map(|q| format!("{} = ", q.symbol)).collect();
    let mut shown: Vec<&str> = Vec::new();
    for line in played.lines() {
        let asked =
            prompts.iter().find_map(|prompt| Some((prompt, line.strip_prefix(&prompt[..])?)));
        let Some((prompt, said)) = asked else {
            shown.extend([line, "\n"]);
            continue;
        };
        shown.extend([&prompt[..], typed.next().unwrap_or_default(), "\n"]);
        if !said.is_empty() {
            shown.extend([said, "\n"]);
        }
    }
    let shown = shown.concat();
    for (name, text) in [("help", help), ("session", shown)] {
        let (known, path) = printed(name);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&path, &text).unwrap();
        } else {
            assert_eq!(known, text, "{path}; UPDATE_SNAPSHOTS=1 writes it");
        }
    }
}
