//! Text as numbers: one for each character.

use std::collections::BTreeSet;

use crate::ground::error::DataError;

/// The characters of a text, numbered from 0 in their order by code point.
///
/// A character is a Unicode scalar value, a `char` of Rust.
///
/// ```
/// use nn::data::{DataError, Vocabulary};
///
/// let vocabulary = Vocabulary::new("hello\n");
/// assert_eq!(vocabulary.characters(), ['\n', 'e', 'h', 'l', 'o']);
/// assert_eq!(vocabulary.encode("hole")?, [2, 4, 3, 1]);
/// assert_eq!(vocabulary.decode(&[2, 1, 3, 3])?, "hell");
/// let error = vocabulary.encode("help").unwrap_err().to_string();
/// assert_eq!(error, "the character 'p' at position 3 is not in the vocabulary of 5");
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    // Sorted, each once.
    characters: Vec<char>,
}

impl Vocabulary {
    /// The characters of a text, each once.
    pub fn new(text: &str) -> Self {
        Self { characters: text.chars().collect::<BTreeSet<_>>().into_iter().collect() }
    }

    /// The characters, in the order of their indices.
    pub fn characters(&self) -> &[char] {
        &self.characters
    }

    /// The number of characters.
    pub fn len(&self) -> usize {
        self.characters.len()
    }

    /// Whether there are no characters.
    pub fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// The index of a character, if it is there.
    pub fn index(&self, character: char) -> Option<usize> {
        self.characters.binary_search(&character).ok()
    }

    /// The index of each character of a text.
    ///
    /// # Errors
    /// If a character is not in the vocabulary.
    pub fn encode(&self, text: &str) -> Result<Vec<usize>, DataError> {
        let size = self.len();
        let indices = text.chars().enumerate().map(|(position, character)| {
            self.index(character).ok_or(DataError::Character { character, position, size })
        });
        indices.collect()
    }

    /// The text of indices.
    ///
    /// # Errors
    /// If an index is not below [`len`](Self::len).
    pub fn decode(&self, indices: &[usize]) -> Result<String, DataError> {
        let size = self.len();
        let characters = indices.iter().enumerate().map(|(position, &index)| {
            let character = self.characters.get(index).copied();
            character.ok_or(DataError::CharacterIndex { index, position, size })
        });
        characters.collect()
    }
}
