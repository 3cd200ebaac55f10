//! Formulas as trees: what a rule writes, read again, to be set in LaTeX or MathML.

/// A formula.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Math {
    /// A number: digits, with an exponent at most.
    Number(String),
    /// A letter, or a word that is a name.
    Name(String),
    /// Text as it stands.
    Text(String),
    /// What stands in the place of an operand.
    Hole(usize),
    Row(Vec<Math>),
    /// An operator or a relation.
    Sign(&'static str),
    Fraction(Box<Math>, Box<Math>),
    Power(Box<Math>, Box<Math>),
    Sub(Box<Math>, Box<Math>),
    Bar(Box<Math>),
    Transposed(Box<Math>),
    Root(Box<Math>),
    Call(String, Vec<Math>),
    Fence(char, Box<Math>, char),
    /// Rows of a matrix.
    Matrix(Vec<Vec<Math>>),
    /// Elements with commas between.
    List(Vec<Math>),
}

/// The first of the characters that stand for operands while a rule is read.
const HOLES: u32 = 0xf_0000;

/// The character that stands for an operand.
pub(super) fn hole(number: usize) -> char {
    // There are 65,534 of them, and no op has as many operands.
    char::from_u32(HOLES + number as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn hole_number(c: char) -> Option<usize> {
    (HOLES..HOLES + 0xfffe).contains(&(c as u32)).then(|| (c as u32 - HOLES) as usize)
}

impl Math {
    /// Reads what a rule wrote. What it cannot read stays text.
    pub fn read(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let mut reader = Reader { letters: &letters, at: 0, names: false, depth: 0 };
        let whole = reader.sum().filter(|_| reader.at == letters.len());
        whole.unwrap_or_else(|| raw(&letters))
    }

    /// Reads a formula in names, such as `w·c`; `None` if it is none.
    pub fn read_names(text: &str) -> Option<Self> {
        let letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let mut reader = Reader { letters: &letters, at: 0, names: true, depth: 0 };
        reader.sum().filter(|_| reader.at == letters.len())
    }

    /// Puts what is given in the places of operands.
    pub fn filled(self, with: &[Self]) -> Self {
        let all = |parts: Vec<Self>| parts.into_iter().map(|part| part.filled(with)).collect();
        let inner = |part: Box<Self>| Box::new(part.filled(with));
        match self {
            Self::Hole(number) => {
                with.get(number).cloned().unwrap_or_else(|| Self::Text("?".to_owned()))
            }
            Self::Row(parts) => Self::Row(all(parts)),
            Self::List(parts) => Self::List(all(parts)),
            Self::Call(name, parts) => Self::Call(name, all(parts)),
            Self::Fraction(a, b) => Self::Fraction(inner(a), inner(b)),
            Self::Power(a, b) => Self::Power(inner(a), inner(b)),
            Self::Sub(a, b) => Self::Sub(inner(a), inner(b)),
            Self::Bar(a) => Self::Bar(inner(a)),
            Self::Transposed(a) => Self::Transposed(inner(a)),
            Self::Root(a) => Self::Root(inner(a)),
            Self::Fence(open, a, close) => Self::Fence(open, inner(a), close),
            other => other,
        }
    }

    /// Whether it is higher than a line.
    pub fn is_tall(&self) -> bool {
        match self {
            Self::Fraction(..) => true,
            Self::Matrix(rows) => rows.len() > 1,
            Self::Row(parts) | Self::List(parts) | Self::Call(_, parts) => {
                parts.iter().any(Self::is_tall)
            }
            Self::Power(a, _) | Self::Transposed(a) | Self::Root(a) | Self::Fence(_, a, _) => {
                a.is_tall()
            }
            _ => false,
        }
    }

    /// About how many letters wide it is.
    pub fn width(&self) -> usize {
        let sum = |parts: &[Self]| parts.iter().map(|part| part.width() + 1).sum::<usize>();
        match self {
            Self::Number(text) | Self::Name(text) | Self::Text(text) => text.chars().count(),
            Self::Row(parts) | Self::List(parts) => sum(parts),
            Self::Call(name, parts) => name.len() + 1 + sum(parts),
            Self::Fraction(a, b) => a.width().max(b.width()),
            Self::Power(a, b) | Self::Sub(a, b) => a.width() + b.width(),
            Self::Bar(a) | Self::Transposed(a) | Self::Root(a) => a.width() + 1,
            Self::Fence(_, a, _) => a.width() + 2,
            Self::Matrix(rows) => rows.iter().map(|row| sum(row)).max().unwrap_or(0),
            Self::Hole(_) | Self::Sign(_) => 1,
        }
    }
}

/// Text with operands in it.
fn raw(letters: &[char]) -> Math {
    let mut parts = Vec::new();
    let mut text = String::new();
    for &c in letters {
        match hole_number(c) {
            Some(number) => {
                if !text.is_empty() {
                    parts.push(Math::Text(std::mem::take(&mut text)));
                }
                parts.push(Math::Hole(number));
            }
            None => text.push(c),
        }
    }
    if !text.is_empty() {
        parts.push(Math::Text(text));
    }
    Math::Row(parts)
}

/// The deepest that brackets are read.
const DEEPEST: usize = 40;

/// Reads the notation of rules: `a + b`, `a · b`, `a / b`, `a @ b`, `-a`, `1/a`, `a²`, `aᵀ`, `a^b`,
/// `f(a, settings)`, `|a|`, `[a > b]`.
struct Reader<'l> {
    letters: &'l [char],
    at: usize,
    /// Whether names stand for values.
    names: bool,
    depth: usize,
}

impl Reader<'_> {
    fn taken(&mut self, word: &str) -> bool {
        let found =
            word.chars().enumerate().all(|(i, c)| self.letters.get(self.at + i) == Some(&c));
        if found {
            self.at += word.chars().count();
        }
        found
    }

    /// An operator, with spaces around it or without.
    fn operator(&mut self, signs: &[(&str, &'static str)]) -> Option<&'static str> {
        signs.iter().find_map(|(written, sign)| {
            let spaced = format!(" {written} ");
            (self.taken(&spaced) || self.taken(written)).then_some(*sign)
        })
    }

    fn sum(&mut self) -> Option<Math> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut parts = vec![self.product()?];
        while let Some(sign) = self.operator(&[("+", "+"), ("-", "-"), ("−", "-")]) {
            parts.extend([Math::Sign(sign), self.product()?]);
        }
        self.depth -= 1;
        Some(single(parts))
    }

    fn product(&mut self) -> Option<Math> {
        let mut parts = vec![self.factor()?];
        let signs = [("·", "·"), ("*", "·"), ("@", "@"), ("/", "/")];
        while let Some(sign) = self.operator(&signs) {
            let right = self.factor()?;
            if sign == "/" {
                let over = bare(single(std::mem::take(&mut parts)));
                parts.push(Math::Fraction(Box::new(over), Box::new(bare(right))));
            } else {
                parts.extend([Math::Sign(sign), right]);
            }
        }
        // A fraction needs no brackets among factors.
        let parts = parts.into_iter().map(|part| match part {
            Math::Fence('(', inside, ')') if matches!(*inside, Math::Fraction(..)) => *inside,
            part => part,
        });
        Some(single(parts.collect()))
    }

    fn factor(&mut self) -> Option<Math> {
        if self.taken("-") || self.taken("−") {
            self.depth += 1;
            let inside = if self.depth > DEEPEST { None } else { self.factor() };
            self.depth -= 1;
            return Some(Math::Row(vec![Math::Sign("−"), inside?]));
        }
        if self.taken("1/") {
            let under = self.factor()?;
            return Some(Math::Fraction(Box::new(Math::Number("1".into())), Box::new(bare(under))));
        }
        let mut base = self.atom()?;
        loop {
            let raised = |base: Math, to: Math| Math::Power(Box::new(base), Box::new(to));
            base = if self.taken("²") {
                raised(base, Math::Number("2".into()))
            } else if self.taken("³") {
                raised(base, Math::Number("3".into()))
            } else if self.taken("ᵀ") {
                Math::Transposed(Box::new(base))
            } else if self.taken("^") {
                let to = self.factor()?;
                raised(base, bare(to))
            } else {
                return Some(base);
            };
        }
    }

    fn atom(&mut self) -> Option<Math> {
        let &first = self.letters.get(self.at)?;
        if let Some(number) = hole_number(first).filter(|_| !self.names) {
            self.at += 1;
            return Some(Math::Hole(number));
        }
        match first {
            '(' => {
                self.at += 1;
                let inside = self.sum()?;
                self.taken(")").then(|| Math::Fence('(', Box::new(inside), ')'))
            }
            '|' => {
                self.at += 1;
                let inside = self.sum()?;
                self.taken("|").then(|| Math::Fence('|', Box::new(inside), '|'))
            }
            '[' => self.bracket(),
            '0'..='9' => Some(self.number()),
            _ => self.word(),
        }
    }

    /// `[a > b]`, or a list.
    fn bracket(&mut self) -> Option<Math> {
        self.at += 1;
        let relations = [(">", ">"), ("≥", "≥"), ("<", "<"), ("≤", "≤"), ("=", "="), ("≠", "≠")];
        let left = self.sum()?;
        if let Some(relation) = self.operator(&relations) {
            let row = Math::Row(vec![left, Math::Sign(relation), self.sum()?]);
            return self.taken("]").then(|| Math::Fence('[', Box::new(row), ']'));
        }
        let mut parts = vec![left];
        while self.taken(", ") || self.taken(",") {
            parts.push(self.sum()?);
        }
        self.taken("]").then_some(Math::List(parts))
    }

    fn number(&mut self) -> Math {
        let start = self.at;
        let digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
        while digit(self.letters.get(self.at))
            || self.letters.get(self.at) == Some(&'.') && digit(self.letters.get(self.at + 1))
        {
            self.at += 1;
        }
        if self.letters.get(self.at) == Some(&'e') {
            let sign = usize::from(self.letters.get(self.at + 1) == Some(&'-'));
            if digit(self.letters.get(self.at + 1 + sign)) {
                self.at += 1 + sign;
                while digit(self.letters.get(self.at)) {
                    self.at += 1;
                }
            }
        }
        Math::Number(self.letters[start..self.at].iter().collect())
    }

    /// A call, or a name where there can be one.
    fn word(&mut self) -> Option<Math> {
        let within = |c: &char| {
            (c.is_alphanumeric() || matches!(c, '_' | '\u{300}'..='\u{36f}'))
                && !matches!(c, '²' | '³' | 'ᵀ')
        };
        let count = self.letters[self.at..].iter().take_while(|c| within(c)).count();
        let word: String = self.letters[self.at..self.at + count].iter().collect();
        if word.is_empty() {
            return None;
        }
        self.at += count;
        // An adjoint op of the library is called with a raised mark: `flipᵀ(ȳ)`.
        let mark =
            self.letters.get(self.at) == Some(&'ᵀ') && self.letters.get(self.at + 1) == Some(&'(');
        self.at += usize::from(mark);
        if !self.taken("(") {
            return match &word[..] {
                "inf" => Some(Math::Number("inf".into())),
                "NaN" => Some(Math::Number("NaN".into())),
                _ if self.names => Some(Math::Name(word)),
                _ => None,
            };
        }
        let mut arguments = Vec::new();
        while !self.taken(")") {
            arguments.push(self.argument()?);
            if !(self.taken(", ") || self.taken(",")) {
                self.taken(")").then_some(())?;
                break;
            }
        }
        Some(call(if mark { word + "ᵀ" } else { word }, arguments))
    }

    /// An operand of a call, or a setting, which is text.
    fn argument(&mut self) -> Option<Math> {
        let (start, depth) = (self.at, self.depth);
        let ends = |reader: &Self| matches!(reader.letters.get(reader.at), Some(',' | ')'));
        if let Some(value) = self.sum().filter(|_| ends(self)) {
            return Some(value);
        }
        (self.at, self.depth) = (start, depth);
        let mut open = 0_usize;
        while let Some(&c) = self.letters.get(self.at) {
            match c {
                ',' | ')' if open == 0 => return Some(raw(&self.letters[start..self.at])),
                '(' | '[' => open += 1,
                ')' | ']' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        None
    }
}

fn call(name: String, mut arguments: Vec<Math>) -> Math {
    match (&name[..], arguments.len()) {
        ("sqrt", 1) => Math::Root(Box::new(arguments.remove(0))),
        _ => Math::Call(name, arguments),
    }
}

fn single(mut parts: Vec<Math>) -> Math {
    if parts.len() == 1 { parts.remove(0) } else { Math::Row(parts) }
}

/// Without its brackets, where a fraction or an exponent stands for them.
fn bare(math: Math) -> Math {
    match math {
        Math::Fence('(', inside, ')') => *inside,
        math => math,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::latex::tex::tex;

    #[test]
    fn the_notation_of_rules_is_read() {
        for (written, latex) in [
            ("a + b", "a + b"),
            ("ȳ·(1 - y²)", r"\bar{y} \cdot (1 - y^{2})"),
            ("g @ bᵀ", r"g\, b^{\top}"),
            ("0.5 / y", r"\frac{0.5}{y}"),
            ("g · (1/x)", r"g \cdot \frac{1}{x}"),
            ("-(1/sqrt(1 - x²))", r"-\left(\frac{1}{\sqrt{1 - x^{2}}}\right)"),
            ("g · [x > 0]", r"g \cdot [x > 0]"),
            ("|x|^(b - 1)", r"|x|^{b - 1}"),
            ("softmax(x, axes -1)", r"\operatorname{softmax}(x, \text{axes -1})"),
            ("broadcast_to(g, [2, 3])", r"\operatorname{broadcast\_to}(g, [2, 3])"),
            ("1.5e-9", r"1.5 \cdot 10^{-9}"),
        ] {
            let spaced: String = written.to_owned();
            let letters: Vec<char> = spaced.chars().collect();
            let mut reader = Reader { letters: &letters, at: 0, names: true, depth: 0 };
            let read = reader.sum().filter(|_| reader.at == letters.len());
            assert_eq!(read.map(|math| tex(&math)).as_deref(), Some(latex), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_read_stays_text() {
        let odd = format!("my op: {} and {}", hole(0), hole(1));
        let filled = Math::read(&odd).filled(&[Math::Name("a".into()), Math::Name("b".into())]);
        assert_eq!(tex(&filled), r"\text{my op: }a\text{ and }b");
        assert!(Math::read_names("ln p").is_some_and(|math| math == Math::Name("lnp".into())));
        assert_eq!(Math::read_names("0.weight"), None);
        assert_eq!(Math::read_names(&"(".repeat(10_000)), None);
        assert_eq!(Math::read_names(&"-".repeat(10_000)), None);
    }
}
