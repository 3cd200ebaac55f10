//! Formulas in MathML, which browsers set without help.

use crate::show::latex::Math;
use crate::show::trace::visible;

/// A formula as an element of its own.
pub(super) fn math(formula: &Math) -> String {
    format!("<math>{}</math>", element(formula))
}

/// A formula inside of another: always one element.
pub(super) fn element(formula: &Math) -> String {
    match formula {
        Math::Number(text) => number(text),
        Math::Name(name) => format!("<mi>{}</mi>", escaped(name)),
        Math::Text(text) => format!("<mtext>{}</mtext>", escaped(text)),
        Math::Hole(_) => "<mi>?</mi>".to_owned(),
        Math::Row(parts) => row(&parts.iter().map(element).collect::<Vec<_>>()),
        Math::Sign(sign) => operator(sign),
        Math::Fraction(a, b) => format!("<mfrac>{}{}</mfrac>", element(a), element(b)),
        Math::Power(a, b) => format!("<msup>{}{}</msup>", element(a), element(b)),
        Math::Sub(a, b) => format!("<msub>{}{}</msub>", element(a), element(b)),
        Math::Bar(a) => bar(a),
        Math::Transposed(a) => format!("<msup>{}<mo>⊤</mo></msup>", element(a)),
        Math::Root(a) => format!("<msqrt>{}</msqrt>", element(a)),
        Math::Call(name, arguments) => {
            let name = if name == "sigmoid" { "σ" } else { name };
            let inside = fence("(", &comma(arguments), ")");
            row(&[format!("<mi mathvariant=\"normal\">{}</mi>", escaped(name)), inside])
        }
        Math::Fence(open, a, close) => fence(&open.to_string(), &element(a), &close.to_string()),
        Math::Matrix(rows) => {
            let cell = |x: &Math| format!("<mtd>{}</mtd>", element(x));
            let row = |row: &Vec<Math>| {
                format!("<mtr>{}</mtr>", row.iter().map(cell).collect::<Vec<_>>().concat())
            };
            let rows: Vec<String> = rows.iter().map(row).collect();
            fence("[", &format!("<mtable>{}</mtable>", rows.concat()), "]")
        }
        Math::List(parts) => fence("[", &comma(parts), "]"),
    }
}

fn row(parts: &[String]) -> String {
    format!("<mrow>{}</mrow>", parts.concat())
}

fn comma(parts: &[Math]) -> String {
    parts.iter().map(element).collect::<Vec<_>>().join("<mo separator=\"true\">,</mo>")
}

fn fence(open: &str, inside: &str, close: &str) -> String {
    row(&[
        format!("<mo fence=\"true\">{open}</mo>"),
        inside.to_owned(),
        format!("<mo fence=\"true\">{close}</mo>"),
    ])
}

/// A bar: over the letter of a name with an index, over all of what is longer.
fn bar(formula: &Math) -> String {
    match formula {
        Math::Sub(name, index) => format!("<msub>{}{}</msub>", bar(name), element(index)),
        other => format!("<mover accent=\"true\">{}<mo>¯</mo></mover>", element(other)),
    }
}

fn number(text: &str) -> String {
    match (text, text.split_once('e')) {
        ("inf", _) => "<mn>∞</mn>".to_owned(),
        (_, Some((digits, exponent))) => {
            let power = format!("<msup><mn>10</mn><mn>{}</mn></msup>", exponent.replace('-', "−"));
            row(&[format!("<mn>{digits}</mn><mo>·</mo>"), power])
        }
        _ => format!("<mn>{text}</mn>"),
    }
}

fn operator(sign: &str) -> String {
    match sign {
        "−" => "<mo form=\"prefix\">−</mo>".to_owned(),
        "-" => "<mo>−</mo>".to_owned(),
        "@" => "<mspace width=\"0.2em\"/>".to_owned(),
        "∂" => "<mi>∂</mi>".to_owned(),
        sign => format!("<mo>{}</mo>", escaped(sign)),
    }
}

/// Text as it stands in HTML, with nothing in it that cannot be seen.
pub(super) fn escaped(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
