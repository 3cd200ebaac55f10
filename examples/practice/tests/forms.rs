//! The page, the worksheet and the questions for Moodle.

use practice::answer::agrees;
use practice::{Sheet, moodle, page, worksheet};

fn sheets() -> impl Iterator<Item = Sheet> {
    (1..=9).map(|level| Sheet::new(level, 7, 3))
}

#[test]
fn moodle_gets_every_question_with_its_key() {
    for sheet in sheets() {
        let xml = moodle::xml(&sheet);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let quiz = document.root_element();
        assert_eq!(quiz.tag_name().name(), "quiz");
        let of_type = |kind: &'static str| {
            quiz.children().filter(move |node| node.attribute("type") == Some(kind))
        };
        assert_eq!(of_type("category").count(), 1);
        let asked: Vec<_> = of_type("numerical").collect();
        let questions: Vec<_> = sheet.problems.iter().flat_map(|p| &p.questions).collect();
        assert_eq!(asked.len(), questions.len());
        for (node, question) in asked.iter().zip(questions) {
            let children = |name: &'static str| {
                node.children().filter(move |child| child.tag_name().name() == name)
            };
            let text = |node: roxmltree::Node<'_, '_>| {
                let text = node.descendants().find(|child| child.tag_name().name() == "text");
                text.unwrap().text().unwrap_or_default().to_owned()
            };
            for needed in ["name", "questiontext", "generalfeedback", "defaultgrade", "penalty"] {
                assert_eq!(children(needed).count(), 1, "{needed}");
            }
            assert!(text(children("questiontext").next().unwrap()).contains(&question.symbol));
            assert_eq!(children("hint").count(), question.hints.len());
            let answers: Vec<_> = children("answer").collect();
            assert_eq!(answers.len(), 1 + question.slips.len());
            for (i, answer) in answers.iter().enumerate() {
                let number: f64 = text(*answer).parse().unwrap();
                let right = answer.attribute("fraction") == Some("100");
                assert_eq!(right, i == 0);
                assert_eq!(right, agrees(number, question.key));
                let tolerance = answer.children().find(|c| c.tag_name().name() == "tolerance");
                let tolerance: f64 = tolerance.unwrap().text().unwrap().parse().unwrap();
                // No answer is in the reach of the key and of a mistake.
                assert!(right || (number - question.key).abs() > tolerance);
            }
        }
    }
}

#[test]
fn the_worksheet_has_every_question_and_the_key_on_a_page_of_its_own() {
    for sheet in sheets() {
        let html = worksheet::html(&sheet);
        let (problems, key) = html.split_once("<div class=\"key\">").unwrap();
        assert!(html.contains(".key { break-before: page }"));
        assert!(!html.contains("<script") && html.contains("default-src 'none'"));
        for question in sheet.problems.iter().flat_map(|problem| &problem.questions) {
            assert!(problems.contains(&question.symbol) && key.contains(&question.symbol));
            assert!(key.contains(&format!("<b>{}</b>", question.answer())));
            let way = question.hints.last().unwrap().replace('&', "&amp;");
            assert!(!problems.contains(&way), "no answer stands with the questions");
        }
        assert_eq!(problems.matches("<section>").count(), 3);
        assert_eq!(key.matches("<section>").count(), 3);
    }
}

#[test]
fn the_page_needs_nothing_else_and_allows_its_own_script_only() {
    for sheet in sheets() {
        let html = page::html(&sheet);
        assert!(html.len() < 300_000, "{} bytes", html.len());
        for address in ["http://", "https://", "src=", "href=", "@import", "url("] {
            assert!(!html.contains(address), "{address}");
        }
        assert!(html.contains("default-src 'none'; script-src 'sha256-"));
        assert_eq!(html.matches("<script").count(), 3);
        let data = html.split("type=\"application/json\">").nth(1).unwrap();
        let data = data.split("</script>").next().unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        let problems = data["problems"].as_array().unwrap();
        for (problem, written) in sheet.problems.iter().zip(problems) {
            let keys = written["points"][0]["keys"].as_array().unwrap();
            for (question, key) in problem.questions.iter().zip(keys) {
                assert_eq!(key.as_f64(), Some(question.key));
            }
        }
    }
}
