//! A value as text: what is written, and how tightly it binds.

use std::fmt::{self, Display};

use crate::ground::Shape;

/// How an op is written around its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `name(a, b)`.
    Call,
    /// `-x`.
    Prefix(&'static str),
    /// `x²`, `bᵀ`.
    Postfix(&'static str),
    /// `|x|`, `[a > b]`: the mark between the operands, the fence around them.
    Fence(&'static str, &'static str, &'static str),
    /// `a + b`, with how tightly it binds.
    Infix(&'static str, Binding),
}

/// How tightly an operator binds, from loose to tight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// `a + b`, `a - b`.
    Sum,
    /// `a · b`, `a / b`, `a @ b`.
    Product,
    /// `-a`.
    Sign,
    /// `a^b`, `a²`, `aᵀ`.
    Power,
    /// A name, a number, a call.
    Atom,
}

/// A value as text. Operations on it give the text of the result.
///
/// ```
/// use ops::{Formula, gradient_formulas, rules::{Lift, Tanh}};
///
/// let x = Formula::symbol("x", &[]);
/// let [slope] = &gradient_formulas(&Lift::unary(Tanh), &[x])[..] else { unreachable!() };
/// assert_eq!(slope.as_ref().unwrap().to_string(), "ȳ · (1 - y²)");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    text: String,
    binding: Binding,
    shape: Shape,
}

impl Formula {
    /// A named value of a shape.
    pub fn symbol(name: impl Into<String>, shape: &[usize]) -> Self {
        Self::new(name, Binding::Atom, shape)
    }

    /// A number.
    pub fn number(value: f64) -> Self {
        let binding = if value < 0.0 { Binding::Sign } else { Binding::Atom };
        Self { text: value.to_string(), binding, shape: Shape::new() }
    }

    /// A number to four significant digits, as a name for itself.
    pub fn rounded(value: f64) -> Self {
        let four: f64 = format!("{value:.3e}").parse().unwrap_or(value);
        Self::number(four)
    }

    /// A text that binds as told, such as a rounded number: `-0.138`.
    pub fn new(text: impl Into<String>, binding: Binding, shape: &[usize]) -> Self {
        Self { text: text.into(), binding, shape: Shape::from_slice(shape) }
    }

    /// The text of an op around its operands. The shape is that of a scalar until the reading
    /// sets it.
    pub fn notate(name: &str, notation: Notation, operands: &[&Self]) -> Self {
        let list =
            |mark: &str| operands.iter().map(|x| x.text.as_str()).collect::<Vec<_>>().join(mark);
        let (text, binding) = match notation {
            Notation::Call => (format!("{name}({})", list(", ")), Binding::Atom),
            Notation::Prefix(mark) => {
                (format!("{mark}{}", operands[0].within(Binding::Power)), Binding::Sign)
            }
            Notation::Postfix(mark) => {
                (format!("{}{mark}", operands[0].within(Binding::Atom)), Binding::Power)
            }
            Notation::Fence(open, mark, close) => {
                (format!("{open}{}{close}", list(mark)), Binding::Atom)
            }
            Notation::Infix(mark, binding) => {
                let left = if binding == Binding::Power { Binding::Atom } else { binding };
                let right = match binding {
                    Binding::Sum => Binding::Product,
                    Binding::Product => Binding::Power,
                    _ => Binding::Atom,
                };
                // Two signs in a row are hard to read: a + (-b).
                let signed = binding == Binding::Sum && operands[1].binding == Binding::Sign;
                let right = if signed { Binding::Atom } else { right };
                let (left, right) = (operands[0].within(left), operands[1].within(right));
                (format!("{left}{mark}{right}"), binding)
            }
        };
        Self { text, binding, shape: Shape::new() }
    }

    /// A call with settings after the operands: `sum(x, axes 0)`.
    pub fn call(name: &str, operands: &[&Self], settings: &str) -> Self {
        let mut words: Vec<&str> = operands.iter().map(|x| x.text.as_str()).collect();
        if !settings.is_empty() {
            words.push(settings);
        }
        Self {
            text: format!("{name}({})", words.join(", ")),
            binding: Binding::Atom,
            shape: Shape::new(),
        }
    }

    /// The same text for a value of a shape.
    #[must_use]
    pub fn of_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The factor 1 as nobody writes it: given to a rule for a cotangent, it leaves the slope by
    /// itself.
    pub fn unwritten() -> Self {
        Self::new("", Binding::Atom, &[])
    }

    /// Whether it is a factor that is not written.
    pub(crate) fn is_unwritten(&self) -> bool {
        self.text.is_empty()
    }

    /// The lengths of the axes of what it stands for.
    pub fn lengths(&self) -> &Shape {
        &self.shape
    }

    /// The same text without the spaces around products and quotients: `w·x + b`.
    #[must_use]
    pub fn compact(self) -> Self {
        Self { text: self.text.replace(" · ", "·").replace(" / ", "/"), ..self }
    }

    /// The text, in parentheses if it binds less tightly than `least`.
    pub fn within(&self, least: Binding) -> String {
        if self.binding < least { format!("({})", self.text) } else { self.text.clone() }
    }
}

impl Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
