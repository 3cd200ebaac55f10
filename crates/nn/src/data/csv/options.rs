//! How a table is to be read.

/// A column of a table, by its number or by its name in the header line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Column {
    /// The first column.
    First,
    /// The last column.
    Last,
    /// The column of this index, counted from 0.
    Index(usize),
    /// The column of this name.
    Name(String),
}

impl From<usize> for Column {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

/// Which columns of a table hold the targets, and what kind they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CsvTargets {
    /// Labels that are whole numbers from 0; the number of classes is the largest plus 1, or that
    /// of [`CsvOptions::class_names`]. A column without a 0 is refused unless there are names.
    Labels(Column),
    /// Names of classes. The labels count the names in their sorted order (by code points), or in
    /// the order of [`CsvOptions::class_names`]; the dataset keeps the names.
    Classes(Column),
    /// Numbers that are to be predicted: values of shape `[rows, columns]`, in this order.
    Values(Vec<Column>),
    /// The inputs themselves, as an autoencoder needs them.
    Inputs,
}

/// What to do about missing values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// Refuse the table, with the number of missing values and where the first are.
    #[default]
    Refuse,
    /// Replace a missing input by the mean of the column's other values. A missing target
    /// is refused. The mean is taken over the whole table; if the table is split afterwards, it
    /// has seen the test set, if only a little.
    ///
    /// To leave the test set out, [`Keep`](Self::Keep) the missing inputs, divide, and use
    /// [`FillMeans`](crate::data::FillMeans).
    FillMean,
    /// Leave out rows with a missing value.
    DropRows,
    /// Keep a missing input as NaN, to be filled by [`FillMeans`](crate::data::FillMeans) when the
    /// table has been divided. A missing target is refused.
    Keep,
}

/// How a CSV file is to be read.
///
/// ```
/// use nn::data::{CsvOptions, CsvTargets, Missing};
///
/// let options = CsvOptions::classes("species");
/// assert!(options.header);
/// let options = CsvOptions { missing: Missing::DropRows, delimiter: b';', ..options };
/// assert_eq!(options.targets, CsvTargets::Classes("species".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CsvOptions {
    /// Whether the first line holds the names of the columns. The default is true.
    pub header: bool,
    /// The columns of the targets. The default is labels in the last column.
    pub targets: CsvTargets,
    /// The names of the classes in the order of their labels, if they are known: for a test set,
    /// the names of the training set. Another name in the column is then refused.
    pub class_names: Option<Vec<String>>,
    /// Columns that are not read: row numbers, remarks. The default is none.
    pub ignored: Vec<Column>,
    /// What to do about missing values. The default is to refuse them.
    pub missing: Missing,
    /// The character between two columns. The default is the comma.
    pub delimiter: u8,
    /// The most bytes that are read, after decompression. The default is 2²⁸ (256 MiB).
    pub max_bytes: u64,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            header: true,
            targets: CsvTargets::Labels(Column::Last),
            class_names: None,
            ignored: Vec::new(),
            missing: Missing::Refuse,
            delimiter: b',',
            max_bytes: 1 << 28,
        }
    }
}

impl CsvOptions {
    /// A table with labels, whole numbers from 0, in a column.
    pub fn labels(column: impl Into<Column>) -> Self {
        Self { targets: CsvTargets::Labels(column.into()), ..Self::default() }
    }

    /// A table with names of classes in a column.
    pub fn classes(column: impl Into<Column>) -> Self {
        Self { targets: CsvTargets::Classes(column.into()), ..Self::default() }
    }

    /// A table with numbers in some columns that are to be predicted from the others.
    pub fn values<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { targets: CsvTargets::Values(columns), ..Self::default() }
    }

    /// A table without targets: the inputs are their own.
    pub fn inputs() -> Self {
        Self { targets: CsvTargets::Inputs, ..Self::default() }
    }
}
