//! What is known of a rule beyond its formula, for messages to its users.

/// Remarks on a rule, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remarks {
    /// What to write instead where the value or a gradient is not finite: each with the op that
    /// the operand comes from, or with nothing for any. The first that fits is the advice.
    pub instead: &'static [(&'static str, &'static str)],
    /// How the rule can keep a gradient from passing.
    pub stops: Option<Stops>,
}

/// How a rule can keep a gradient from passing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// Its slope is 0 on one side, where a unit is off.
    Off,
    /// It is flat at and beyond its bounds.
    Bounds,
    /// The other factor is 0.
    Factor,
    /// The mask chooses the other operand.
    Mask,
    /// Another operand, or another element, was chosen.
    Choice,
    /// It is so far out that its slope rounds to 0.
    Saturation,
}

impl Remarks {
    /// Nothing to remark.
    pub const NONE: Self = Self { instead: &[], stops: None };

    /// Advice where a number is not finite.
    pub const fn instead(instead: &'static [(&'static str, &'static str)]) -> Self {
        Self { instead, stops: None }
    }

    /// How the rule stops a gradient.
    pub const fn stops(how: Stops) -> Self {
        Self { instead: &[], stops: Some(how) }
    }

    /// The advice for an operand that comes from the op `from`.
    pub fn advice(self, from: Option<&str>) -> Option<&'static str> {
        let fits = |(op, _): &&(&str, &str)| op.is_empty() || Some(*op) == from;
        self.instead.iter().find(fits).map(|(_, advice)| *advice)
    }
}
