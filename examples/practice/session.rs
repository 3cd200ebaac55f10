//! Practice in the terminal: a question a line, hints, and the score at the end.

use std::io::{self, BufRead, Read, Write};

use crate::Sheet;
use crate::answer::{Judge, LONGEST, Verdict};
use crate::problem::{Line, Problem, Question};
use crate::words::Speech;

/// The columns of the text.
const WIDTH: usize = 80;
/// The most bytes of a line that are kept; the rest is not looked at.
const MOST_BYTES: u64 = 16 * LONGEST as u64;

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Questions that were asked.
    pub asked: usize,
    /// Questions that were answered rightly.
    pub right: usize,
    /// Those of them that needed one answer and no hint.
    pub first: usize,
    /// Questions whose answer was shown.
    pub shown: usize,
}

/// How a question ended.
enum Ending {
    Right { first: bool },
    Shown,
    Left,
}

/// Asks the questions of a sheet, reading answers from `input`, until it ends.
///
/// # Errors
/// If the output cannot be written or the input cannot be read.
pub fn run(sheet: &Sheet, input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<Score> {
    let mut score = Score::default();
    let speech = sheet.speech;
    writeln!(out, "{}\n{}", sheet.title(), speech.keys())?;
    'all: for (number, problem) in sheet.problems.iter().enumerate() {
        writeln!(out, "{}", speech.problem_of(number + 1, sheet.problems.len()))?;
        out.write_all(program(problem).as_bytes())?;
        let judge = Judge::new(problem);
        for at in 0..problem.questions.len() {
            match ask(problem, &judge, at, input, out)? {
                Ending::Left => break 'all,
                Ending::Right { first } => {
                    score.right += 1;
                    score.first += usize::from(first);
                }
                Ending::Shown => score.shown += 1,
            }
            score.asked += 1;
        }
        writeln!(out)?;
    }
    let Score { asked, right, first, shown } = score;
    writeln!(out, "{}", speech.score(asked, right, first, shown))?;
    Ok(score)
}

/// The lines of a program, the equals signs below each other.
pub fn program(problem: &Problem) -> String {
    let columns = |text: &str| textwrap::core::display_width(text);
    let width = problem.lines.iter().map(|line| columns(&line.name)).max().unwrap_or(0);
    let formulas = problem.lines.iter().filter_map(|line| line.formula.as_deref());
    let wide = formulas.map(columns).max().unwrap_or(0);
    let mut text = String::new();
    for Line { name, formula, value, constant } in &problem.lines {
        let space = " ".repeat(width - columns(name));
        let line = match formula {
            Some(formula) => {
                let fill = " ".repeat(wide - columns(formula));
                format!("  {name}{space} = {formula}{fill} = {value}")
            }
            None if *constant => {
                format!("  {name}{space} = {value}  ({})", problem.speech.constant())
            }
            None => format!("  {name}{space} = {value}"),
        };
        text += &line;
        text.push('\n');
    }
    text
}

fn ask(
    problem: &Problem,
    judge: &Judge,
    at: usize,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<Ending> {
    let (question, speech) = (&problem.questions[at], problem.speech);
    let (mut tries, mut hints) = (0, 0);
    writeln!(out)?;
    let count = problem.questions.len();
    say(out, &format!("{}/{count}  {}, {}", at + 1, question.symbol, question.words))?;
    loop {
        write!(out, "{} = ", question.symbol)?;
        out.flush()?;
        let Some(line) = line(input)? else {
            writeln!(out)?;
            return Ok(Ending::Left);
        };
        match line.trim() {
            "quit" | "q" => return Ok(Ending::Left),
            "help" | "?" => out.write_all(speech.keys().as_bytes())?,
            "show" | "skip" => {
                say(out, &speech.the_answer(question.answer()))?;
                return Ok(Ending::Shown);
            }
            "hint" | "h" => {
                hints += 1;
                say(out, hint(question, hints, speech))?;
            }
            text => match judge.judge(at, question, text) {
                Verdict::Right => {
                    say(out, &speech.right(question.answer()))?;
                    return Ok(Ending::Right { first: tries == 0 && hints == 0 });
                }
                Verdict::Wrong(words) => {
                    tries += 1;
                    say(out, &speech.wrong(words))?;
                }
                Verdict::Unreadable(words) => {
                    say(out, &capital(&speech.unreadable(words)))?;
                }
            },
        }
    }
}

/// Hint number `number`, from 1.
fn hint(question: &Question, number: usize, speech: Speech) -> &str {
    question.hints.get(number - 1).map_or(speech.words().no_more_hints(), |hint| &hint[..])
}

/// Prints a sentence, with nothing in it that a terminal would obey.
fn say(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let plain: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    writeln!(out, "{}", textwrap::fill(&plain, WIDTH))
}

/// A sentence with a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map_or(String::new(), |first| first.to_uppercase().collect());
    first + letters.as_str()
}

/// The next line, whatever bytes it is made of; `None` at the end.
fn line(input: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    input.take(MOST_BYTES).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == MOST_BYTES {
        skip_line(input)?;
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (count, whole) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(count);
        if whole {
            return Ok(());
        }
    }
}
