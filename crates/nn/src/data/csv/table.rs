//! A table as it is read, row by row.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use ::csv::ByteRecord;
use ops::Float;

use super::{Column, CsvOptions, CsvTargets, Missing};
use crate::data::dataset::{Dataset, tensor};
use crate::ground::error::{DataError, TableError};

/// The most classes that a label column may tell apart. A larger label is taken for a sign that
/// the column holds something else.
pub const MAX_CLASSES: usize = 1_000_000;

/// The fields that mean a missing value, in upper or lower case. In a column of class names only
/// an empty field does: the others may be names.
pub const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "?"];

/// The places of missing values that an error names; the others are only counted.
const PLACES: usize = 5;

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Input,
    Label,
    Class,
    /// The value of this index in a row of values.
    Value(usize),
    Ignored,
}

/// A table as far as it has been read.
pub(super) struct Table<A: Float> {
    path: PathBuf,
    options: CsvOptions,
    headings: Option<Vec<String>>,
    /// One for each column, known from the first row on.
    roles: Vec<Role>,
    /// How many of the columns are inputs.
    width: usize,
    rows: usize,
    dropped: usize,
    /// NaN where a value is missing, and nowhere else.
    inputs: Vec<A>,
    values: Vec<A>,
    labels: Vec<usize>,
    /// The lowest label of all rows, those left out too.
    least_label: usize,
    classes: HashMap<String, usize>,
    /// Missing values that the options do not provide for.
    missing: u64,
    places: Vec<String>,
}

impl<A: Float> Table<A> {
    pub(super) fn new(path: PathBuf, options: CsvOptions, headings: Option<Vec<String>>) -> Self {
        let names = options.class_names.iter().flatten().cloned();
        Self {
            classes: names.zip(0..).collect(),
            path,
            options,
            headings,
            roles: Vec::new(),
            width: 0,
            rows: 0,
            dropped: 0,
            inputs: Vec::new(),
            values: Vec::new(),
            labels: Vec::new(),
            least_label: usize::MAX,
            missing: 0,
            places: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, line: u64, record: &ByteRecord) -> Result<(), TableError> {
        if self.roles.is_empty() {
            let expected = self.headings.as_ref().map_or(record.len(), Vec::len);
            self.same_length(line, expected, record.len())?;
            self.roles = self.roles_of(record.len())?;
            self.width = self.roles.iter().filter(|role| **role == Role::Input).count();
        }
        self.same_length(line, self.roles.len(), record.len())?;
        let before = (self.inputs.len(), self.values.len(), self.labels.len());
        let first_value = self.values.len();
        let outputs = self.roles.iter().filter(|role| matches!(role, Role::Value(_))).count();
        self.values.resize(first_value + outputs, A::zero());
        let mut complete = true;
        for (index, field) in record.iter().enumerate() {
            complete &= self.field(line, index, field.trim_ascii(), first_value)?;
        }
        if complete || self.options.missing != Missing::DropRows {
            self.rows += 1;
        } else {
            self.dropped += 1;
            self.inputs.truncate(before.0);
            self.values.truncate(before.1);
            self.labels.truncate(before.2);
        }
        Ok(())
    }

    fn same_length(&self, line: u64, expected: usize, found: usize) -> Result<(), TableError> {
        if expected == found {
            return Ok(());
        }
        Err(TableError::Ragged { path: self.path.clone(), line, expected, found })
    }

    /// Adds a field to its row; returns whether it holds a value.
    fn field(
        &mut self,
        line: u64,
        index: usize,
        field: &[u8],
        first_value: usize,
    ) -> Result<bool, TableError> {
        let role = self.roles[index];
        let refuse = |table: &Self, expected: String| {
            let (path, heading) = (table.path.clone(), table.heading(index));
            let found = shown(field);
            Err(TableError::Field { path, line, column: index + 1, heading, expected, found })
        };
        let absent = match role {
            Role::Ignored => return Ok(true),
            Role::Class => field.is_empty(),
            _ => MISSING.iter().any(|marker| field.eq_ignore_ascii_case(marker.as_bytes())),
        };
        if absent {
            self.note_missing(line, index);
            match role {
                Role::Input => self.inputs.push(A::from_f64(f64::NAN)),
                Role::Label | Role::Class => self.labels.push(0),
                Role::Value(_) | Role::Ignored => {}
            }
            return Ok(false);
        }
        let text = std::str::from_utf8(field);
        if role == Role::Class {
            let Ok(text) = text else { return refuse(self, "a name in UTF-8".to_owned()) };
            match self.class(text) {
                Ok(label) => self.labels.push(label),
                Err(expected) => return refuse(self, expected),
            }
            return Ok(true);
        }
        let number = text.ok().and_then(|text| text.parse::<f64>().ok());
        if role == Role::Label {
            let classes = self.options.class_names.as_ref().map_or(MAX_CLASSES, Vec::len);
            let most = classes.saturating_sub(1);
            let expected = format!("a label, a whole number from 0 to {most}");
            let hint = " (names of classes are read with `CsvOptions::classes`)";
            let Some(number) = number else { return refuse(self, expected + hint) };
            let Some(label) = label(number, classes) else { return refuse(self, expected) };
            self.least_label = self.least_label.min(label);
            self.labels.push(label);
            return Ok(true);
        }
        let Some(number) = number else { return refuse(self, "a number".to_owned()) };
        let number = A::from_f64(number);
        if !number.is_finite() {
            return refuse(self, format!("a finite number that fits {}", A::NAME));
        }
        match role {
            Role::Value(index) => self.values[first_value + index] = number,
            _ => self.inputs.push(number),
        }
        Ok(true)
    }

    /// The label of a class, or what was expected instead.
    fn class(&mut self, name: &str) -> Result<usize, String> {
        if let Some(&label) = self.classes.get(name) {
            return Ok(label);
        }
        if let Some(names) = &self.options.class_names {
            let known: Vec<_> =
                names.iter().take(PLACES).map(|name| shown(name.as_bytes())).collect();
            let more = if names.len() > PLACES { ", ..." } else { "" };
            return Err(format!("one of the {} classes {}{more}", names.len(), known.join(", ")));
        }
        let label = self.classes.len();
        if label == MAX_CLASSES {
            return Err(format!("one of the {MAX_CLASSES} classes found before"));
        }
        self.classes.insert(name.to_owned(), label);
        Ok(label)
    }

    fn note_missing(&mut self, line: u64, index: usize) {
        let provided_for = match self.options.missing {
            Missing::Refuse => false,
            Missing::FillMean | Missing::Keep => self.roles[index] == Role::Input,
            Missing::DropRows => true,
        };
        if provided_for {
            return;
        }
        self.missing += 1;
        if self.places.len() < PLACES {
            let heading = self.heading(index).map(|name| format!(" ({name})")).unwrap_or_default();
            self.places.push(format!("line {line}, column {}{heading}", index + 1));
        }
    }

    fn heading(&self, index: usize) -> Option<String> {
        Some(shown(self.headings.as_ref()?.get(index)?.as_bytes()))
    }

    fn roles_of(&self, columns: usize) -> Result<Vec<Role>, TableError> {
        let mut roles = vec![Role::Input; columns];
        let mut assign = |column: &Column, role| {
            let index = self.index(column, columns)?;
            if roles[index] != Role::Input {
                let (path, column) = (self.path.clone(), index + 1);
                return Err(TableError::ColumnTwice { path, column, heading: self.heading(index) });
            }
            roles[index] = role;
            Ok(())
        };
        match &self.options.targets {
            CsvTargets::Labels(column) => assign(column, Role::Label)?,
            CsvTargets::Classes(column) => assign(column, Role::Class)?,
            CsvTargets::Values(columns) => {
                for (index, column) in columns.iter().enumerate() {
                    assign(column, Role::Value(index))?;
                }
            }
            CsvTargets::Inputs => {}
        }
        for column in &self.options.ignored {
            assign(column, Role::Ignored)?;
        }
        if !roles.contains(&Role::Input) {
            return Err(TableError::NoInputs { path: self.path.clone(), columns });
        }
        Ok(roles)
    }

    fn index(&self, column: &Column, columns: usize) -> Result<usize, TableError> {
        let (index, wanted) = match column {
            Column::First => (Some(0), String::new()),
            Column::Last => (Some(columns - 1), String::new()),
            Column::Index(index) => {
                (Some(*index).filter(|&index| index < columns), format!("with index {index}"))
            }
            Column::Name(name) => {
                let headings = self.headings.iter().flatten().enumerate();
                let mut found = headings.filter(|(_, heading)| *heading == name).map(|(i, _)| i);
                match (found.next(), found.next()) {
                    (Some(_), Some(_)) => (None, format!("of the unique name {name:?}")),
                    (index, _) => (index, format!("named {name:?}")),
                }
            }
        };
        index.ok_or_else(|| {
            let names = self.headings.iter().flatten().take(PLACES);
            let names = names.map(|name| shown(name.as_bytes())).collect();
            TableError::NoColumn { path: self.path.clone(), wanted, columns, names }
        })
    }

    pub(super) fn finish(mut self) -> Result<Dataset<A>, DataError> {
        let path = self.path.clone();
        if self.rows == 0 {
            let (header, dropped) = (self.headings.is_some(), self.dropped);
            return Err(TableError::NoRows { path, header, dropped }.into());
        }
        if self.missing > 0 {
            let (count, places) = (self.missing, self.places);
            return Err(TableError::MissingValues { path, count, places }.into());
        }
        if self.options.missing == Missing::FillMean {
            self.fill_means()?;
        }
        let rows = self.rows;
        let inputs = tensor(&[rows, self.width], self.inputs);
        match &self.options.targets {
            CsvTargets::Labels(_) => {
                let most = *self.labels.iter().max().expect("a label in each row");
                match self.options.class_names {
                    Some(names) => Dataset::classification(inputs, self.labels, names.len())?
                        .with_class_names(names),
                    None if self.least_label > 0 => {
                        let least = self.least_label;
                        Err(TableError::NoFirstClass { path, least, most }.into())
                    }
                    None => Dataset::classification(inputs, self.labels, most + 1),
                }
            }
            CsvTargets::Classes(_) => {
                let (labels, names) = in_order(self.labels, self.classes, self.options.class_names);
                Dataset::classification(inputs, labels, names.len())?.with_class_names(names)
            }
            CsvTargets::Values(columns) => {
                Dataset::regression(inputs, tensor(&[rows, columns.len()], self.values))
            }
            CsvTargets::Inputs => Dataset::regression(inputs.clone(), inputs),
        }
    }

    fn fill_means(&mut self) -> Result<(), TableError> {
        let inputs = (0..self.roles.len()).filter(|&index| self.roles[index] == Role::Input);
        for (number, index) in inputs.enumerate() {
            let column = || self.inputs.iter().skip(number).step_by(self.width);
            if column().all(|x| !x.is_nan()) {
                continue;
            }
            let (mut mean, mut count) = (0.0, 0.0);
            for x in column().filter(|x| !x.is_nan()) {
                count += 1.0;
                // Divided before they are added, as a sum may overflow.
                mean += x.to_f64() / count - mean / count;
            }
            if count == 0.0 {
                let (path, heading) = (self.path.clone(), self.heading(index));
                return Err(TableError::EmptyColumn { path, column: index + 1, heading });
            }
            let column = self.inputs.iter_mut().skip(number).step_by(self.width);
            column.filter(|x| x.is_nan()).for_each(|x| *x = A::from_f64(mean));
        }
        Ok(())
    }
}

/// The labels and names of classes in the order that was given, or else sorted. The labels so far
/// count the names in the order in which they appeared.
fn in_order(
    labels: Vec<usize>,
    classes: HashMap<String, usize>,
    given: Option<Vec<String>>,
) -> (Vec<usize>, Vec<String>) {
    if let Some(names) = given {
        return (labels, names);
    }
    // A class that occurs only in rows left out does not count.
    let used: HashSet<usize> = labels.iter().copied().collect();
    let mut names: Vec<_> = classes.into_iter().filter(|(_, label)| used.contains(label)).collect();
    names.sort_unstable();
    let sorted: HashMap<_, _> = names.iter().map(|&(_, label)| label).zip(0..).collect();
    let labels = labels.iter().map(|label| sorted[label]).collect();
    (labels, names.into_iter().map(|(name, _)| name).collect())
}

fn label(number: f64, classes: usize) -> Option<usize> {
    let whole = number >= 0.0 && number < classes as f64 && number.fract() == 0.0;
    whole.then_some(number as usize)
}

/// A field as an error message shows it: in quotes, and not longer than a line.
fn shown(field: &[u8]) -> String {
    const LONGEST: usize = 40;
    if field.is_empty() {
        return "nothing".to_owned();
    }
    let text = String::from_utf8_lossy(&field[..field.len().min(4 * LONGEST)]);
    let start: String = text.chars().take(LONGEST).collect();
    if start.len() < field.len() && text.chars().count() > LONGEST {
        format!("{start:?}...")
    } else {
        format!("{start:?}")
    }
}
