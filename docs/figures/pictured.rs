//! What the picture of attention shows.

/// The names in whose letters attention is shown, all of them unseen in training.
pub const NAMES: [&str; 3] = ["sharon", "theodora", "matthew"];
