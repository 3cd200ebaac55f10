//! Settings that must lie in a range.

use super::Error;

/// Refuses a learning rate that is not positive and finite.
pub(crate) fn check_rate(rate: f64) -> Result<(), Error> {
    check("the learning rate", rate, positive(rate), "positive and finite")
}

/// Refuses a setting that is not positive and finite.
pub(crate) fn check_positive(setting: &'static str, given: f64) -> Result<(), Error> {
    check(setting, given, positive(given), "positive and finite")
}

/// Refuses a setting that is not at least 0 and finite.
pub(crate) fn check_not_negative(setting: &'static str, given: f64) -> Result<(), Error> {
    check(setting, given, given >= 0.0 && given.is_finite(), "at least 0 and finite")
}

/// Refuses the decay of a running mean that is not at least 0 and below 1.
pub(crate) fn check_decay(setting: &'static str, given: f64) -> Result<(), Error> {
    check(setting, given, (0.0..1.0).contains(&given), "at least 0 and below 1")
}

fn positive(number: f64) -> bool {
    number > 0.0 && number.is_finite()
}

/// Refuses a setting unless it is `fine`.
#[expect(clippy::needless_pass_by_value, reason = "numbers read better without a &")]
pub(crate) fn check(
    setting: &'static str,
    given: impl ToString,
    fine: bool,
    allowed: &'static str,
) -> Result<(), Error> {
    if fine { Ok(()) } else { Err(Error::Setting { setting, given: given.to_string(), allowed }) }
}
