//! Questions for Moodle, in its XML format: numbers with a tolerance, and what is wrong with the
//! mistakes that are often made.

use std::fmt::Write;

use crate::Sheet;
use crate::answer::tolerance;
use crate::page::escape;
use crate::problem::{Problem, Question};
use crate::worksheet;

/// The sheet as the text of a file that Moodle imports.
pub fn xml(sheet: &Sheet) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<quiz>\n".to_owned();
    let speech = sheet.speech;
    let category = format!("$course$/top/{}", speech.category(sheet.title(), sheet.seed));
    let _ = writeln!(
        xml,
        "<question type=\"category\"><category><text>{}</text></category></question>",
        escape(&category)
    );
    for (number, problem) in sheet.problems.iter().enumerate() {
        for (i, question) in problem.questions.iter().enumerate() {
            let name = speech.question(number + 1, i + 1);
            write_question(&mut xml, &name, problem, question);
        }
    }
    xml + "</quiz>\n"
}

/// HTML as the text of an element: in a section of its own, which none of it can end.
fn html(content: &str) -> String {
    format!("<text><![CDATA[{}]]></text>", content.replace("]]>", "]]]]><![CDATA[>"))
}

fn write_question(xml: &mut String, name: &str, problem: &Problem, question: &Question) {
    let text = format!(
        "{}<p>{} = ? ({})</p>",
        worksheet::program(problem),
        escape(&question.symbol),
        escape(&question.words)
    );
    let steps: Vec<String> =
        question.hints.iter().map(|hint| format!("<p>{}</p>", escape(hint))).collect();
    let _ = writeln!(
        xml,
        "<question type=\"numerical\">\n<name><text>{}</text></name>\n\
         <questiontext format=\"html\">{}</questiontext>\n\
         <generalfeedback format=\"html\">{}</generalfeedback>\n\
         <defaultgrade>1</defaultgrade>\n<penalty>0.3333333</penalty>\n<hidden>0</hidden>",
        escape(name),
        html(&text),
        html(&steps.concat())
    );
    write_answer(xml, 100, question.key, problem.speech.right_alone());
    for slip in &question.slips {
        write_answer(xml, 0, slip.value, &problem.speech.unreadable(&slip.words));
    }
    for hint in &question.hints {
        let hint = html(&format!("<p>{}</p>", escape(hint)));
        let _ = writeln!(xml, "<hint format=\"html\">{hint}</hint>");
    }
    *xml += "<unitgradingtype>0</unitgradingtype>\n<unitpenalty>0.1</unitpenalty>\n\
             <showunits>3</showunits>\n<unitsleft>0</unitsleft>\n</question>\n";
}

fn write_answer(xml: &mut String, fraction: u8, number: f64, feedback: &str) {
    let _ = writeln!(
        xml,
        "<answer fraction=\"{fraction}\" format=\"moodle_auto_format\"><text>{number}</text>\
         <feedback format=\"html\">{}</feedback><tolerance>{}</tolerance></answer>",
        html(&escape(feedback)),
        tolerance(number)
    );
}
