//! What the chapter on sequences says of the picture of attention.

use nn::prelude::*;

#[path = "../../../docs/figures/pictured.rs"]
mod pictured;
/// The program of that chapter.
#[allow(dead_code)]
#[path = "../../../examples/names.rs"]
mod program;

use pictured::NAMES;
use program::look::{HEADS, look, next, shares_by_distance, text, trained, unseen};

#[test]
fn a_row_of_weights_sums_to_1_and_looks_at_no_later_letter() {
    for name in NAMES {
        let looked = look(name).unwrap();
        assert_eq!(looked.letters.iter().collect::<String>(), format!("·{name}"));
        assert_eq!(looked.heads.len(), HEADS);
        for rows in &looked.heads {
            assert_eq!(rows.len(), looked.letters.len());
            for (at, row) in rows.iter().enumerate() {
                assert_eq!(row.len(), looked.letters.len());
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{name}: {row:?}");
                assert!(row.iter().all(|&weight| weight >= 0.0), "{name}: {row:?}");
                assert!(row[at + 1..].iter().all(|&weight| weight == 0.0), "{name}: {row:?}");
            }
        }
    }
}

#[test]
fn the_names_of_the_picture_are_unseen_and_the_network_knows_how_they_end() {
    let unseen = unseen().unwrap();
    assert_eq!(unseen.len(), 840);
    for name in NAMES {
        assert!(unseen.iter().any(|other| other == name), "{name}");
        let (likeliest, chance) = next(name).unwrap()[0];
        assert!(likeliest == '\n' && chance > 0.8, "{name} ends: {likeliest:?} {chance}");
    }
}

/// The weight with which the last letter of a beginning looks at one of its letters.
fn weight(head: usize, beginning: &str, at: usize) -> f64 {
    f64::from(look(beginning).unwrap().heads[head - 1].last().unwrap()[at])
}

#[test]
fn the_picture_shows_what_the_chapter_says() {
    for (head, beginning, at, percent) in [
        (1, "sha", 2, 88.0),
        (2, "sha", 1, 84.0),
        (1, "shar", 2, 5.0),
        (1, "sharo", 2, 51.0),
        (1, "the", 2, 97.0),
        (1, "theo", 2, 76.0),
        (1, "theod", 2, 58.0),
        (2, "the", 1, 86.0),
        (1, "matthe", 5, 88.0),
        (2, "matthe", 5, 70.0),
        (2, "matthe", 4, 15.0),
        (2, "sharon", 5, 79.0),
        (1, "ma", 0, 37.0),
        (1, "matthew", 0, 15.0),
    ] {
        let weight = 100.0 * weight(head, beginning, at);
        assert!((weight - percent).abs() < 0.6, "{beginning}, head {head}: {weight}");
    }
    let mut dark = vec![];
    for rows in NAMES.iter().flat_map(|name| look(name).unwrap().heads) {
        for (at, row) in rows.iter().enumerate().skip(1) {
            let columns = row.iter().enumerate().filter(|(_, weight)| **weight >= 0.4);
            dark.extend(columns.map(|(column, _)| at - column));
        }
    }
    let before = dark.iter().filter(|&&back| back == 1).count();
    assert!(2 * before > dark.len(), "{before} of {}", dark.len());
    let heads = look("theodora").unwrap().heads;
    assert!(heads.iter().all(|rows| rows[6..].iter().all(|row| row[0] < 0.1)));
    assert_eq!(trained().unwrap().parameter_count(), 8931);
    let shares = shares_by_distance().unwrap();
    for (shares, percents) in
        shares.iter().zip([[22.0, 34.0, 20.0, 11.0, 7.0], [20.0, 47.0, 16.0, 9.0, 6.0]])
    {
        for (share, percent) in shares.iter().zip(percents) {
            assert!((100.0 * share - percent).abs() < 0.6, "{shares:?}");
        }
    }
}

#[test]
fn a_later_letter_changes_no_earlier_row() {
    let (one, other) = (look("theodora").unwrap(), look("theodore").unwrap());
    for (one, other) in one.heads.iter().zip(&other.heads) {
        let apart = |at: usize| {
            one[at].iter().zip(&other[at]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!((0..8).all(|at| apart(at) < 1e-6));
        assert!(apart(8) > 0.01);
    }
}

#[test]
fn a_name_with_another_letter_is_refused_in_a_sentence() {
    let error = text("Ada").unwrap_err().to_string();
    assert!(error.contains("'A'"), "{error}");
    let error = text(&"a".repeat(40)).unwrap_err().to_string();
    assert!(error.contains("has 40 letters"), "{error}");
}
