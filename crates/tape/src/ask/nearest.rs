//! Names that look like another.

/// Finds the known names most like `name`, the most like first; none where none is like it.
///
/// ```
/// use tape::expression::nearest;
///
/// assert_eq!(nearest("tahn", ["sin", "tan", "tanh", "relu"]), ["tanh", "tan"]);
/// assert!(nearest("loss", ["w", "x"]).is_empty());
/// ```
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    const MOST: usize = 3;
    let length = |text: &str| text.chars().count();
    let distance = |other: &str| strsim::osa_distance(&name.to_lowercase(), &other.to_lowercase());
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .map(|other| (distance(other), other))
        // At most every third character is wrong, or at least one.
        .filter(|(distance, other)| {
            let longest = length(name).max(length(other));
            *distance < longest && *distance <= (longest / 3).max(1)
        })
        .collect();
    // Letters that changed places are likelier than one that is missing.
    near.sort_by_key(|(distance, other)| (*distance, length(name).abs_diff(length(other))));
    let mut names: Vec<&str> = near.into_iter().map(|(_, other)| other).collect();
    names.dedup();
    names.truncate(MOST);
    names
}
