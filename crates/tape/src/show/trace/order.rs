//! Which nodes could have been next in the sweep.

use ops::Float;

use super::step::Backward;

/// By the turns of the sweep, when each node became ready and how many were ready beside the one
/// whose turn it was.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The first turn that a node could have had.
    since: Vec<u32>,
    beside: Vec<u32>,
}

impl Order {
    pub fn new<A: Float>(steps: &[Backward<'_, A>], turns: &[Option<u32>]) -> Self {
        let turn = |position: usize| turns[position].map_or(0, |turn| turn + 1);
        let since: Vec<u32> = steps
            .iter()
            .map(|step| step.uses.iter().map(|u| turn(u.node.position())).max().unwrap_or(0))
            .collect();
        // A node is ready beside others from the turn when it became so until its own.
        let mut change = vec![0_i64; steps.len() + 1];
        for (own, &since) in since.iter().enumerate() {
            change[since as usize] += 1;
            change[own] -= 1;
        }
        let mut ready = 0;
        let count = change.iter().take(steps.len()).map(|change| {
            ready += change;
            u32::try_from(ready).unwrap_or(0)
        });
        Self { beside: count.collect(), since }
    }

    pub fn ready_count(&self, turn: usize) -> usize {
        self.beside.get(turn).map_or(0, |&count| count as usize)
    }

    /// The turns of the first `most` that were ready beside the one of this turn.
    pub fn ready_beside(&self, turn: usize, most: usize) -> impl Iterator<Item = usize> + '_ {
        let ready = move |later: &usize| self.since[*later] as usize <= turn;
        (turn + 1..self.since.len()).filter(ready).take(most.min(self.ready_count(turn)))
    }
}
