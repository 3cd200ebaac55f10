//! Lengths and settings that hold for any size of the batch.
//!
//! A model is recorded twice, with two sizes of the batch. A whole number that is the same in both
//! recordings is fixed; one that grows as the batch does is a multiple of it; any other is
//! unknown for other sizes of the batch.

use ops::Shape;
use ops::describe::{Attribute, Attributes};

/// A whole number of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SymInt {
    /// Always the same.
    Fixed(i64),
    /// A multiple of the size of the batch.
    Batch(i64),
}

/// The sizes of the batch in the two recordings; equal if the batch is fixed.
pub(super) type BatchSizes = [usize; 2];

impl SymInt {
    pub fn of([a, b]: [i64; 2], batches: BatchSizes) -> Result<Self, String> {
        let [first, second] = batches.map(|batch| batch as i64);
        let grows = first != second
            && i128::from(a) * i128::from(second) == i128::from(b) * i128::from(first);
        if a == b {
            Ok(Self::Fixed(a))
        } else if grows && a % first == 0 {
            Ok(Self::Batch(a / first))
        } else {
            Err(format!(
                "it depends on the batch in a way that cannot be written down: {a} for a batch of \
                 {first}, {b} for one of {second}"
            ))
        }
    }

    pub fn shape(shapes: [&Shape; 2], batches: BatchSizes) -> Result<Vec<Self>, String> {
        if shapes[0].len() != shapes[1].len() {
            return Err("its number of axes depends on the batch".into());
        }
        let lengths = shapes[0].iter().zip(shapes[1]);
        lengths.map(|(&a, &b)| Self::of([a as i64, b as i64], batches)).collect()
    }

    pub fn fixed(self) -> Option<i64> {
        match self {
            Self::Fixed(number) => Some(number),
            Self::Batch(_) => None,
        }
    }
}

/// One setting of a rule, as both recordings have it.
#[derive(Clone, Debug)]
enum Setting {
    Integers(Vec<SymInt>),
    Other(Attribute),
}

/// The settings of a rule, as both recordings have them.
pub(super) struct Settings(Vec<(&'static str, Setting)>);

impl Settings {
    pub fn of([a, b]: [Attributes; 2], batches: BatchSizes) -> Result<Self, String> {
        let same_names = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0);
        if !same_names {
            return Err("its settings depend on the batch or the data".into());
        }
        let pairs = a.into_iter().zip(b);
        let settings = pairs.map(|((name, a), (_, b))| {
            let setting =
                both(a, &b, batches).map_err(|why| format!("of its setting {name}: {why}"))?;
            Ok((name, setting))
        });
        Ok(Self(settings.collect::<Result<_, String>>()?))
    }

    fn get(&self, name: &str) -> Option<&Setting> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, setting)| setting)
    }

    /// Whole numbers that may depend on the size of the batch; none if the setting is missing.
    pub fn counts(&self, name: &str) -> Option<&[SymInt]> {
        match self.get(name) {
            Some(Setting::Integers(counts)) => Some(counts),
            _ => None,
        }
    }

    /// Whole numbers that do not depend on it.
    ///
    /// # Errors
    /// If they depend on it.
    pub fn integers(&self, name: &str) -> Result<Option<Vec<i64>>, String> {
        let Some(counts) = self.counts(name) else { return Ok(None) };
        let fixed: Option<Vec<i64>> = counts.iter().map(|count| count.fixed()).collect();
        fixed.map(Some).ok_or_else(|| format!("its setting {name} depends on the batch"))
    }

    /// Whole numbers that every such op has.
    pub fn list(&self, name: &str) -> Result<Vec<i64>, String> {
        self.integers(name)?.ok_or_else(|| format!("its setting {name} is not known"))
    }

    pub fn integer(&self, name: &str) -> Result<i64, String> {
        match self.list(name)?[..] {
            [number] => Ok(number),
            _ => Err(format!("its setting {name} is not a number")),
        }
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Setting::Other(Attribute::Number(number))) => Some(*number),
            _ => None,
        }
    }

    pub fn numbers(&self, name: &str) -> &[f64] {
        match self.get(name) {
            Some(Setting::Other(Attribute::Numbers(numbers))) => numbers,
            _ => &[],
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Setting::Other(Attribute::Flag(true))))
    }
}

fn both(a: Attribute, b: &Attribute, batches: BatchSizes) -> Result<Setting, String> {
    let integers = |a: &[i64], b: &[i64]| {
        if a.len() != b.len() {
            return Err(format!("{} numbers in one recording, {} in another", a.len(), b.len()));
        }
        let pairs = a.iter().zip(b);
        pairs.map(|(&a, &b)| SymInt::of([a, b], batches)).collect::<Result<_, _>>()
    };
    match (&a, b) {
        (&Attribute::Integer(a), &Attribute::Integer(b)) => {
            Ok(Setting::Integers(integers(&[a], &[b])?))
        }
        (Attribute::Integers(a), Attribute::Integers(b)) => Ok(Setting::Integers(integers(a, b)?)),
        _ if a == *b => Ok(Setting::Other(a)),
        _ => Err("it depends on the batch or the data".into()),
    }
}
