//! Small data sets that come with the library.

use std::path::Path;

use ops::{Float, Tensor};

use super::csv::{CsvOptions, parse};
use super::dataset::Dataset;
use super::source::Source;
use crate::ground::Targets;

const IRIS: &str = include_str!("iris.csv");
const NAMES: &str = include_str!("names.txt");
const YEARLY: &str = include_str!("sunspots.csv");
const MONTHLY: &str = include_str!("sunspots_monthly.csv");

/// Fisher's 150 irises, 50 of each of three species, read from within the library.
///
/// The inputs have the shape `[150, 4]`: length and width of a sepal, length and width of a petal,
/// in centimetres. The labels are 0 to 2, and the names of the classes `setosa`, `versicolor` and
/// `virginica`; the samples are sorted by them, so shuffle. The numbers come from scikit-learn's
/// copy, under the BSD-3-Clause licence.
///
/// R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annual Eugenics 7
/// (1936), 179–188.
///
/// ```
/// let iris = nn::data::iris::<f32>();
/// assert_eq!(iris.inputs().shape(), [150, 4]);
/// assert_eq!(iris.class_names().unwrap(), ["setosa", "versicolor", "virginica"]);
/// ```
pub fn iris<A: Float>() -> Dataset<A> {
    // The first line counts samples and features and names the classes.
    let (first, rows) = IRIS.split_once('\n').expect("a header line");
    let names = first.trim_end().split(',').skip(2);
    table("iris.csv", rows, CsvOptions { header: false, ..CsvOptions::default() })
        .with_class_names(names)
        .expect("a name for each class")
}

/// 8,403 English first names, in lower case, of the letters a to z, sorted: for models that learn
/// to spell.
///
/// From the lists of the stdlib project, in the public domain (CC0-1.0, PDDL-1.0).
///
/// ```
/// let names = nn::data::names();
/// assert_eq!((names.len(), names[0], names[8402]), (8403, "aaren", "zuzana"));
/// ```
pub fn names() -> Vec<&'static str> {
    NAMES.lines().collect()
}

/// The yearly number of sunspots from 1700 to 2008, of shape `[309]`.
///
/// Means of the relative sunspot number over each year, which follow a cycle of about 11 years.
/// From statsmodels' copy, in the public domain. See [`windows`](super::windows) to learn from it.
///
/// ```
/// let sunspots = nn::data::sunspots_yearly::<f64>().to_vec();
/// assert_eq!((sunspots.len(), sunspots[1957 - 1700]), (309, 190.2));
/// ```
pub fn sunspots_yearly<A: Float>() -> Tensor<A> {
    last_column("sunspots.csv", YEARLY)
}

/// The monthly number of sunspots from January 1749 to June 2009, of shape `[3126]`.
///
/// Means of the relative sunspot number over each month. From statsmodels' copy, in the public
/// domain.
///
/// ```
/// let sunspots = nn::data::sunspots_monthly::<f64>().to_vec();
/// let october_1957 = (1957 - 1749) * 12 + 9;
/// assert_eq!((sunspots.len(), sunspots[october_1957]), (3126, 253.8));
/// ```
pub fn sunspots_monthly<A: Float>() -> Tensor<A> {
    last_column("sunspots_monthly.csv", MONTHLY)
}

fn table<A: Float>(name: &str, text: &'static str, options: CsvOptions) -> Dataset<A> {
    Source::new(Path::new(name), text.as_bytes())
        .and_then(|source| parse(source, options))
        .expect("the files within the library are checked by tests")
}

fn last_column<A: Float>(name: &str, text: &'static str) -> Tensor<A> {
    let data = table::<A>(name, text, CsvOptions::values([super::Column::Last]));
    let Targets::Values(values) = data.targets() else { unreachable!("values were asked for") };
    let numbers = values.to_vec();
    Tensor::from_shape_vec(&[numbers.len()], numbers).expect("one axis holds all")
}
