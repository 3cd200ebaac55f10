//! The derivatives of a function, each held against finite differences.

use ops::{Float, Tensor};

use super::found::Found;
use super::judge::{Judged, Verdict};
use super::probe::{Along, Probe, direction, inner};
use super::report::{CheckError, Comparison, Reason, Unclear};

/// How many parts of a direction are looked at to find the elements to blame.
const PARTS: usize = 200;

/// What is compared, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    pub order: u8,
    pub point: Option<usize>,
    pub fast: bool,
}

impl Site {
    /// Compares the derivatives of `probe` with `analytic`, at every element or along directions.
    pub fn compare<A: Float>(
        self,
        probe: &Probe<'_, A>,
        analytic: &[Tensor<A>],
        found: &mut Found,
    ) -> Result<(), CheckError> {
        for (input, x) in probe.inputs.iter().enumerate().filter(|(_, x)| !x.is_empty()) {
            let gradient = &analytic[input];
            if self.fast {
                self.compare_direction(probe, input, gradient, found)?;
                continue;
            }
            for i in 0..x.len() {
                let judged = self.judge(probe, input, &[(i, 1.0)], gradient)?;
                self.file(probe, input, &[(i, 1.0)], gradient, judged, found);
            }
        }
        Ok(())
    }

    /// Compares along a direction, and where that does not agree along its halves, and so on down
    /// to the elements to blame: one that is wrong is enough.
    fn compare_direction<A: Float>(
        self,
        probe: &Probe<'_, A>,
        input: usize,
        gradient: &Tensor<A>,
        found: &mut Found,
    ) -> Result<(), CheckError> {
        let whole = direction(&probe.inputs[input], 5 + input);
        let mut parts = vec![whole];
        let mut looked_at = 0;
        while let Some(part) = parts.pop() {
            let part = if let [(i, _)] = part[..] { vec![(i, 1.0)] } else { part };
            let judged = self.judge(probe, input, &part, gradient)?;
            looked_at += 1;
            if judged.verdict == Verdict::Agrees || part.len() == 1 {
                self.file(probe, input, &part, gradient, judged, found);
                if judged.verdict == Verdict::Wrong {
                    break;
                }
                continue;
            }
            if looked_at > PARTS {
                // Many kinks can look smooth together, and their gradient wrong. One element tells.
                let (one, of_one) = self.descend(probe, input, part.clone(), gradient)?;
                if of_one.verdict == Verdict::Wrong {
                    self.file(probe, input, &one, gradient, of_one, found);
                    break;
                }
                let unclear = Judged { verdict: Verdict::Unclear(Reason::Kinks), ..judged };
                self.file(probe, input, &part, gradient, unclear, found);
                continue;
            }
            let (left, right) = part.split_at(part.len() / 2);
            parts.extend([right.to_vec(), left.to_vec()]);
        }
        Ok(())
    }

    /// Halves a direction that does not agree down to one element, each time taking a half that
    /// does not.
    fn descend<A: Float>(
        self,
        probe: &Probe<'_, A>,
        input: usize,
        mut part: Vec<(usize, f64)>,
        gradient: &Tensor<A>,
    ) -> Result<(Vec<(usize, f64)>, Judged), CheckError> {
        while part.len() > 1 {
            let right = part.split_off(part.len() / 2);
            if self.judge(probe, input, &part, gradient)?.verdict == Verdict::Agrees {
                part = right;
            }
        }
        let one = vec![(part[0].0, 1.0)];
        let judged = self.judge(probe, input, &one, gradient)?;
        Ok((one, judged))
    }

    #[allow(clippy::unused_self)] // Called as the other steps of a comparison.
    fn judge<A: Float>(
        self,
        probe: &Probe<'_, A>,
        input: usize,
        along: &Along,
        gradient: &Tensor<A>,
    ) -> Result<Judged, CheckError> {
        let judged = probe.judge(input, along, inner(gradient, along));
        judged.map_err(|value| {
            let element = element(along, &probe.inputs[input]);
            CheckError::NotFinite { input, element, value }
        })
    }

    fn file<A: Float>(
        self,
        probe: &Probe<'_, A>,
        input: usize,
        along: &Along,
        gradient: &Tensor<A>,
        judged: Judged,
        found: &mut Found,
    ) {
        let x = &probe.inputs[input];
        let Judged { verdict, numeric, error, allowed } = judged;
        let element = element(along, x);
        let at = element.as_ref().map(|index| x.view()[&index[..]].to_f64());
        let both = (inner(gradient, along), numeric);
        let mut comparison = Comparison::new(self.order, (input, element), both, allowed);
        (comparison.at, comparison.point) = (at, self.point);
        comparison.uncertainty = error;
        match verdict {
            Verdict::Agrees => found.comparisons.push(comparison),
            Verdict::Wrong => found.wrong(comparison),
            Verdict::Kink => found.kinks.push(comparison),
            Verdict::Unclear(reason) => found.unclear.push(Unclear { comparison, reason }),
        }
    }
}

/// The index of the element that a direction consists of, if it is one.
pub(super) fn element<A: Float>(along: &Along, x: &Tensor<A>) -> Option<Vec<usize>> {
    let &[(i, _)] = along else { return None };
    Some(position(i, x.shape()))
}

/// The index of element number `i` in the order of the axes.
pub(super) fn position(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (at, &length) in index.iter_mut().zip(shape).rev() {
        *at = i % length;
        i /= length;
    }
    index
}
