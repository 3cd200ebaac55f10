//! Formulas in LaTeX, of the kind that KaTeX reads too.

use super::math::Math;
#[cfg(feature = "svg")]
use super::name::lowered;
use crate::show::trace::visible;

/// A formula in LaTeX, for mathematics mode.
pub(crate) fn tex(math: &Math) -> String {
    match math {
        Math::Number(text) => number(text),
        Math::Name(name) => word(name),
        Math::Text(text) => words(text),
        Math::Hole(_) => "?".to_owned(),
        Math::Row(parts) => row(parts),
        Math::Sign(sign) => relation(sign).trim().to_owned(),
        Math::Fraction(a, b) => format!("\\frac{{{}}}{{{}}}", tex(a), tex(b)),
        Math::Power(a, b) => format!("{}^{{{}}}", base(a), tex(b)),
        Math::Sub(a, b) => format!("{}_{{{}}}", base(a), tex(b)),
        Math::Bar(a) => bar(a),
        Math::Transposed(a) => format!("{}^{{\\top}}", base(a)),
        Math::Root(a) => format!("\\sqrt{{{}}}", tex(a)),
        Math::Call(name, arguments) => {
            format!("{}{}", function(name), fence('(', &comma(arguments), ')', math.is_tall()))
        }
        Math::Fence(open, a, close) => fence(*open, &tex(a), *close, a.is_tall()),
        Math::Matrix(rows) => {
            let row = |row: &Vec<Math>| row.iter().map(tex).collect::<Vec<_>>().join(" & ");
            let rows: Vec<String> = rows.iter().map(row).collect();
            format!("\\begin{{bmatrix}} {} \\end{{bmatrix}}", rows.join(" \\\\ "))
        }
        Math::List(parts) => format!("[{}]", comma(parts)),
    }
}

fn comma(parts: &[Math]) -> String {
    parts.iter().map(tex).collect::<Vec<_>>().join(", ")
}

fn row(parts: &[Math]) -> String {
    let part = |part: &Math| match part {
        Math::Sign(sign) => relation(sign).to_owned(),
        other => tex(other),
    };
    parts.iter().map(part).collect()
}

/// An operator with the space around it.
fn relation(sign: &str) -> &str {
    match sign {
        "·" => " \\cdot ",
        "@" => "\\, ",
        "×" => " \\times ",
        "−" => "-", // A sign, which is no operator.
        "+" => " + ",
        "-" => " - ",
        ">" => " > ",
        "<" => " < ",
        "≥" => " \\ge ",
        "≤" => " \\le ",
        "≠" => " \\ne ",
        "∂" => "\\partial ",
        _ => " = ",
    }
}

fn fence(open: char, inside: &str, close: char, tall: bool) -> String {
    if tall {
        format!("\\left{open}{inside}\\right{close}")
    } else {
        format!("{open}{inside}{close}")
    }
}

/// What an exponent is set on: one thing for LaTeX.
fn base(math: &Math) -> String {
    match math {
        Math::Power(..) | Math::Sub(..) | Math::Transposed(_) | Math::Row(_) => {
            format!("{{{}}}", tex(math))
        }
        other => tex(other),
    }
}

/// A bar: over the letter of a name with an index, over all of what is longer.
fn bar(math: &Math) -> String {
    match math {
        Math::Name(name) if name.chars().count() == 1 => format!("\\bar{{{}}}", word(name)),
        Math::Sub(name, index) => format!("{}_{{{}}}", bar(name), tex(index)),
        other => format!("\\overline{{{}}}", tex(other)),
    }
}

fn number(text: &str) -> String {
    match (text, text.split_once('e')) {
        ("inf", _) => "\\infty".to_owned(),
        ("-inf", _) => "-\\infty".to_owned(),
        ("NaN", _) => "\\mathrm{NaN}".to_owned(),
        (_, Some((digits, exponent))) => format!("{digits} \\cdot 10^{{{exponent}}}"),
        _ => text.to_owned(),
    }
}

/// The functions that LaTeX sets by itself.
const KNOWN: [&str; 11] =
    ["exp", "ln", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min", "det"];

fn function(name: &str) -> String {
    match name {
        "sigmoid" => "\\sigma".to_owned(),
        known if KNOWN.contains(&known) => format!("\\{known}"),
        other => match other.strip_suffix('ᵀ') {
            Some(name) => format!("{}^{{\\top}}", function(name)),
            None => format!("\\operatorname{{{}}}", escaped(other)),
        },
    }
}

/// The Greek letters that do not look like Latin ones.
const GREEK: [(char, &str); 33] = [
    ('α', "alpha"),
    ('β', "beta"),
    ('γ', "gamma"),
    ('δ', "delta"),
    ('ε', "varepsilon"),
    ('ζ', "zeta"),
    ('η', "eta"),
    ('θ', "theta"),
    ('ι', "iota"),
    ('κ', "kappa"),
    ('λ', "lambda"),
    ('μ', "mu"),
    ('ν', "nu"),
    ('ξ', "xi"),
    ('π', "pi"),
    ('ρ', "rho"),
    ('σ', "sigma"),
    ('τ', "tau"),
    ('υ', "upsilon"),
    ('φ', "varphi"),
    ('χ', "chi"),
    ('ψ', "psi"),
    ('ω', "omega"),
    ('Γ', "Gamma"),
    ('Δ', "Delta"),
    ('Θ', "Theta"),
    ('Λ', "Lambda"),
    ('Ξ', "Xi"),
    ('Π', "Pi"),
    ('Σ', "Sigma"),
    ('Φ', "Phi"),
    ('Ψ', "Psi"),
    ('Ω', "Omega"),
];

/// A letter, or a word in upright letters.
fn word(name: &str) -> String {
    let mut letters = name.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => match GREEK.iter().find(|(greek, _)| *greek == letter) {
            Some((_, command)) => format!("\\{command}"),
            None if letter == 'ℝ' => "\\mathbb{R}".to_owned(),
            None if letter == 'ȳ' => "\\bar{y}".to_owned(),
            None if letter.is_ascii_alphabetic() => letter.to_string(),
            None => words(name),
        },
        // A bar that stands in the name.
        (Some(letter), Some('\u{304}')) if letters.next().is_none() => {
            format!("\\bar{{{}}}", word(&letter.to_string()))
        }
        _ if name.bytes().all(|c| c.is_ascii_alphanumeric()) => format!("\\mathrm{{{name}}}"),
        _ => words(name),
    }
}

/// Text in a formula. The signs in it, as in the label `y·ln p`, are signs of the formula.
fn words(text: &str) -> String {
    let (mut pieces, mut letters) = (Vec::new(), String::new());
    let flush = |letters: &mut String, pieces: &mut Vec<String>| {
        if !letters.is_empty() {
            pieces.push(format!("\\text{{{}}}", escaped(letters)));
            letters.clear();
        }
    };
    for c in text.chars() {
        let sign = match c {
            '·' => "{\\cdot}",
            '×' => "{\\times}",
            '−' => "{-}",
            '√' => "{\\surd}",
            '²' => "{}^{2}",
            '³' => "{}^{3}",
            'ᵀ' => "{}^{\\top}",
            _ => {
                letters.push(c);
                continue;
            }
        };
        flush(&mut letters, &mut pieces);
        pieces.push(sign.to_owned());
    }
    flush(&mut letters, &mut pieces);
    match &pieces[..] {
        [] => "\\text{}".to_owned(),
        [only] if only.starts_with("\\text") => only.clone(),
        _ => format!("{{{}}}", pieces.concat()),
    }
}

/// Text as LaTeX sets it: none of it is a command.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in visible(text).chars() {
        match c {
            '\\' => escaped += "\\textbackslash{}",
            '^' => escaped += "\\textasciicircum{}",
            '~' => escaped += "\\textasciitilde{}",
            '{' | '}' | '$' | '%' | '&' | '#' | '_' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A line of text with signs in it that no text font of LaTeX has, such as `z₂ = W₂x + b₂`.
#[cfg(feature = "svg")]
pub(crate) fn line(text: &str) -> String {
    let letters: Vec<char> = visible(text).chars().collect();
    let (mut line, mut at) = (String::new(), 0);
    while at < letters.len() {
        let c = letters[at];
        at += 1;
        if letters.get(at) == Some(&'\u{304}') {
            line.extend(["$\\bar{", &word(&c.to_string()), "}$"]);
            at += 1;
            continue;
        }
        match c {
            'ȳ' => line += "$\\bar{y}$",
            '·' => line += "$\\cdot$",
            '×' => line += "$\\times$",
            '−' => line += "$-$",
            '≥' => line += "$\\ge$",
            '≤' => line += "$\\le$",
            '≠' => line += "$\\ne$",
            '∂' => line += "$\\partial$",
            '²' => line += "$^{2}$",
            '³' => line += "$^{3}$",
            'ᵀ' => line += "$^{\\top}$",
            '…' => line += "\\dots{}",
            '<' | '>' | '|' => line.extend(['$', c, '$']),
            _ if GREEK.iter().any(|(greek, _)| *greek == c) => {
                line.extend(["$", &word(&c.to_string()), "$"]);
            }
            _ => match lowered(c) {
                Some(on_line) => line.extend(["$_{", &on_line.to_string(), "}$"]),
                None => line += &escaped(&c.to_string()),
            },
        }
    }
    line
}
