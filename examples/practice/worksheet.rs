//! A sheet to print: problems with room for the answers, and the key on a page of its own.

use std::fmt::Write;

use crate::Sheet;
use crate::page::{escape, hash};
use crate::problem::{Line, Problem};

const STYLE: &str = "\
@page { size: A4; margin: 18mm 16mm }
body { margin: 0 auto; padding: 1rem; max-width: 180mm; color: #000; background: #fff;
  font: 11pt/1.45 Georgia, 'DejaVu Serif', serif }
h1 { font-size: 16pt; margin: 0 0 2mm } h2 { font-size: 12pt; margin: 6mm 0 2mm }
.head { display: flex; justify-content: space-between; border-bottom: 1px solid #000; padding-bottom: 2mm }
.line { display: inline-block; min-width: 55mm; border-bottom: 1px solid #000 }
section { break-inside: avoid }
table { border-collapse: collapse; margin: 0 0 3mm }
td, th { padding: .5mm 3mm .5mm 0; vertical-align: bottom; text-align: left }
.program { font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 9.5pt }
.questions { width: 100% } .questions td { height: 10mm }
.questions td:nth-child(2) { white-space: nowrap } .questions td:last-child { width: 55mm; border-bottom: 1px solid #000 }
.key { break-before: page } .key td { height: auto }
.rule { color: #444 }
";

/// The sheet as the text of an HTML file.
pub fn html(sheet: &Sheet) -> String {
    let (title, style, speech) = (escape(&sheet.title()), hash(STYLE), sheet.speech);
    let policy =
        format!("default-src 'none'; style-src '{style}'; base-uri 'none'; form-action 'none'");
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<p class=\"head\"><span>{} <span class=\"line\"></span></span>\
         <span>{}</span></p>\n<p>{}</p>\n",
        speech.code(),
        escape(speech.your_name()),
        escape(&speech.seed(sheet.seed)),
        escape(speech.bar_means())
    );
    for (number, problem) in sheet.problems.iter().enumerate() {
        write_problem(&mut page, number + 1, problem);
    }
    let _ = writeln!(page, "<div class=\"key\">\n<h1>{}</h1>", escape(speech.key()));
    for (number, problem) in sheet.problems.iter().enumerate() {
        write_key(&mut page, number + 1, problem);
    }
    page + "</div>\n</body>\n</html>\n"
}

/// The lines of a program as a table.
pub(crate) fn program(problem: &Problem) -> String {
    let mut table = "<table class=\"program\">\n".to_owned();
    for Line { name, formula, value, constant } in &problem.lines {
        let value = format!("= {value}");
        let (middle, right) = match formula {
            Some(formula) => (format!("= {formula}"), value),
            None if *constant => (value, problem.speech.constant().to_owned()),
            None => (value, String::new()),
        };
        let cells = [name, &middle, &right].map(|text| format!("<td>{}</td>", escape(text)));
        let _ = writeln!(table, "<tr>{}</tr>", cells.concat());
    }
    table + "</table>\n"
}

fn write_problem(page: &mut String, number: usize, problem: &Problem) {
    let _ = write!(
        page,
        "<section>\n<h2>{}</h2>\n{}<table class=\"questions\">\n",
        escape(&problem.speech.problem(number)),
        program(problem)
    );
    for (i, question) in problem.questions.iter().enumerate() {
        let letter = letter(i);
        let (symbol, words) = (escape(&question.symbol), escape(&question.words));
        let _ =
            writeln!(page, "<tr><td>{letter}</td><td>{symbol}</td><td>{words}</td><td></td></tr>");
    }
    *page += "</table>\n</section>\n";
}

fn write_key(page: &mut String, number: usize, problem: &Problem) {
    let title = escape(&problem.speech.problem(number));
    let _ = writeln!(page, "<section>\n<h2>{title}</h2>\n<table>");
    for (i, question) in problem.questions.iter().enumerate() {
        // The last hint has the sum with its numbers.
        let way = question.hints.last().map_or("", |hint| &hint[..]);
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td><b>{}</b></td><td class=\"rule\">{}</td></tr>",
            letter(i),
            escape(&question.symbol),
            question.answer(),
            escape(way)
        );
    }
    *page += "</table>\n</section>\n";
}

/// The letter of a question.
fn letter(number: usize) -> char {
    char::from(b'a' + u8::try_from(number % 26).expect("below 26"))
}
