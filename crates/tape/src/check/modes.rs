//! Forward mode against reverse mode.

use ops::{Float, Tensor};

use super::compare::element;
use super::fault;
use super::function::{Recorded, record};
use super::judge::Verdict;
use super::probe::{Probe, direction, inner, tangent};
use super::report::{CheckError, Mode};
use crate::graph::tape::Tape;

/// Holds forward mode against reverse mode, at every element or along a direction of each input.
/// Where they differ, finite differences say which is right.
pub(super) fn compare<A: Float>(
    function: &Recorded<'_, A>,
    probe: &Probe<'_, A>,
    reverse: &[Tensor<A>],
    fast: bool,
) -> Result<(), CheckError> {
    let tape = Tape::new();
    let (y, x) = record(function, &tape);
    let level = y.item().to_f64().abs().max(1.0);
    for (input, &x) in x.iter().enumerate() {
        let shape = x.shape();
        let whole = direction(&function.inputs[input], 5 + input);
        let parts: Vec<Vec<(usize, f64)>> =
            if fast { vec![whole] } else { whole.iter().map(|&(i, _)| vec![(i, 1.0)]).collect() };
        for along in parts.iter().filter(|along| !along.is_empty()) {
            let backward = inner(&reverse[input], along);
            let forward = y.tangent(&[(x, tangent(&shape, along))]).item().to_f64();
            let most = forward.abs().max(backward.abs());
            let (relative, absolute) = (probe.measure.relative, probe.measure.absolute);
            if (forward - backward).abs() <= relative * most + absolute * level {
                continue;
            }
            let judged = probe.judge(input, along, forward).ok();
            let numeric = judged.map(|judged| judged.numeric).filter(|n| n.is_finite());
            match judged.map(|judged| judged.verdict) {
                Some(Verdict::Agrees) => continue,
                Some(Verdict::Wrong) => {}
                // Nobody can say; a difference that may be rounding is let pass.
                _ if (forward - backward).abs() <= 1e-6 * most + 1e-12 * level => continue,
                _ => {}
            }
            let fault = fault::find(function, probe.measure, 1, Mode::Forward).map(Box::new);
            let element = element(along, &function.inputs[input]);
            let reverse = backward;
            return Err(CheckError::Modes { input, element, forward, reverse, numeric, fault });
        }
    }
    Ok(())
}
