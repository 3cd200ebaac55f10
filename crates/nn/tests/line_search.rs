//! The points that the line search of L-BFGS tries, worked out by hand. A script says what loss and
//! slope the search sees at each.

use nn::ops::Shape;
use nn::prelude::*;
use nn::{Error, Gradients};

/// A model of one weight, 0 in the beginning.
struct Point(Parameter<f64>);

impl Module<f64> for Point {
    fn forward<'t>(&self, _: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        x
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        visit("w", &self.0);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        visit("w", &mut self.0);
    }
}

/// Goes down from t = 0, where the loss is 0 and its slope −1, with `first` as the first t to try,
/// `most` more, and no bracket narrower than `narrow`. Trial after trial sees the losses and slopes
/// of the script. Gives each t that was tried, and the t that was chosen.
fn search(first: f64, most: usize, narrow: f64, script: &[[f64; 2]]) -> (Vec<f64>, f64) {
    let optimizer = Lbfgs::new().line_search().rate(first).unwrap().iterations(1).unwrap();
    let optimizer = optimizer.evaluations(1 + most).unwrap();
    let mut optimizer = optimizer.tolerances(0.0, narrow).unwrap();
    let (mut model, mut tried) = (Point(Parameter::new(0.0)), Vec::new());
    let mut script = [[0.0, -1.0]].iter().chain(script);
    let evaluate = |model: &dyn Module<f64>| {
        let (_, w) = model.parameters()[0].clone();
        // The direction is −1.
        tried.push(-w.value.item());
        let [loss, slope] = *script.next().expect("a trial that is in the script");
        let mut gradients = Gradients::default();
        gradients.insert(w, Tensor::scalar(-slope));
        Ok((loss, gradients))
    };
    optimizer.step(&mut model, evaluate).unwrap();
    tried.remove(0);
    (tried, -model.0.value.item())
}

/// Slopes that are too steep to be taken, the limit being 0.9 of that at the start; and one that is
/// not.
const DOWN: f64 = -0.95;
const UP: f64 = 0.95;
const FLAT: f64 = 0.0;

fn assert_tried(tried: &[f64], expected: &[f64]) {
    assert_eq!(tried.len(), expected.len(), "{tried:?}");
    for (t, expected) in tried.iter().zip(expected) {
        assert!((t - expected).abs() <= 1e-9 * expected.abs(), "{tried:?}");
    }
}

/// −t + t²/2 has its minimum at 1, which is up to ten times as far as the last trial.
#[test]
fn steps_grow_tenfold_at_most() {
    let script = [0.008, 0.08, 0.8].map(|t| [-t + 0.5 * t * t, t - 1.0]);
    let (tried, chosen) = search(0.008, 10, 0.0, &script);
    assert_tried(&tried, &[0.008, 0.08, 0.8]);
    assert_eq!(chosen, tried[2]);
}

/// A loss that falls far more than its slopes say has the minimum of its cubic just behind the last
/// trial: then a hundredth of the last move is added.
#[test]
fn steps_grow_by_a_hundredth_at_least() {
    let script = [[-100.0, DOWN], [-200.0, DOWN], [-300.0, DOWN], [-400.0, FLAT]];
    let (tried, chosen) = search(1.0, 10, 0.0, &script);
    assert_tried(&tried, &[1.0, 1.01, 1.0101, 1.010_101]);
    assert_eq!(chosen, tried[3]);
}

/// From the third trial on, a loss that is no lower than the one before ends the growth, although it
/// is lower than at the start.
#[test]
fn a_loss_that_grows_again_lies_behind_a_minimum() {
    let script = [[-100.0, DOWN], [-50.0, DOWN], [-50.0, DOWN], [-200.0, FLAT]];
    let (tried, chosen) = search(1.0, 10, 0.0, &script);
    assert!(tried[0] < tried[1] && tried[1] < tried[2], "{tried:?}");
    // The cubic through equal losses and slopes falls, rises and falls: its minimum is on the left,
    // a half less √3/6 of the way.
    let part = 0.5 - 3_f64.sqrt() / 6.0;
    assert_tried(&tried[3..], &[tried[1] + part * (tried[2] - tried[1])]);
    assert_eq!(chosen, tried[3]);
}

#[test]
fn no_more_trials_are_made_than_allowed() {
    // While steps grow: the first, and three more. The last is the best.
    let growing = [-100.0, -200.0, -300.0, -400.0].map(|loss| [loss, DOWN]);
    let (tried, chosen) = search(1.0, 3, 0.0, &growing);
    assert_eq!((tried.len(), chosen), (4, tried[3]));
    // In a bracket: all fail, and the start stays the best.
    let (tried, chosen) = search(1.0, 3, 0.0, &[[5.0, UP]; 4]);
    assert_eq!((tried.len(), chosen), (4, 0.0));
}

#[test]
fn a_narrow_bracket_is_not_searched() {
    // From 0 to 1, which is no narrower than 1.
    let (tried, chosen) = search(1.0, 10, 1.0, &[[5.0, UP], [-1.0, FLAT]]);
    assert_eq!((tried.len(), chosen), (2, tried[1]));
    // From 1 to 1.01. The better end is taken.
    let (tried, chosen) = search(1.0, 10, 0.5, &[[-100.0, DOWN], [5.0, UP]]);
    assert_tried(&tried, &[1.0, 1.01]);
    assert_eq!(chosen, 1.0);
}

/// The first trial is lower than the start, but behind the minimum. Where the second lies in the
/// bracket decides which part of it is searched on.
#[test]
fn a_bracket_keeps_the_minimum() {
    let third = |second: [f64; 2]| {
        let script = [[-1.0, UP], second, [-3.0, FLAT]];
        let (tried, chosen) = search(1.0, 10, 0.0, &script);
        assert!(tried.len() == 3 && 0.0 < tried[1] && tried[1] < 1.0, "{tried:?}");
        assert_eq!(chosen, tried[2]);
        assert!(0.0 < tried[2] && tried[2] < 1.0, "{tried:?}");
        (tried[1], tried[2])
    };
    // Higher than the first trial, or as high: behind it, whatever the slope is.
    for second in [[5.0, UP], [-0.5, UP], [-1.0, UP]] {
        let (second, third) = third(second);
        assert!(second < third, "{second} {third}");
    }
    // Lower: where it goes down to.
    let (second, up) = third([-2.0, UP]);
    assert!(up < second);
    let (second, down) = third([-2.0, DOWN]);
    assert!(second < down);
    // Of equal losses and opposite slopes, a parabola has its minimum in the middle.
    let (second, middle) = third([-1.0, DOWN]);
    assert!((middle - f64::midpoint(second, 1.0)).abs() < 1e-12);
}

/// A loss that is lower than at the start, but by less than a ten-thousandth of what the slope
/// says, has not fallen enough; it is still the best of two.
#[test]
fn the_best_is_chosen_where_nothing_falls_enough() {
    let (tried, chosen) = search(1.0, 1, 0.0, &[[5.0, UP], [-1e-9, UP]]);
    assert_eq!((tried.len(), chosen), (2, tried[1]));
    // Of the first trial too, what is just enough is taken, and less is not.
    let (tried, chosen) = search(1.0, 10, 0.0, &[[-1e-4, -0.9]]);
    assert_eq!((tried.len(), chosen), (1, 1.0));
    let (tried, chosen) = search(1.0, 10, 0.0, &[[-0.99e-4, -0.9], [-1.0, FLAT]]);
    assert!(tried[1] < 1.0 && chosen == tried[1], "{tried:?}");
}

/// A minimum of the cubic that is next to an end of the bracket is tried once. If the next one is
/// there too, a tenth of the bracket is left between them.
#[test]
fn brackets_shrink_by_a_tenth_at_least() {
    // On the left, at 0, while the loss at the other end is a million.
    let (tried, chosen) = search(1.0, 10, 0.0, &[[1e6, UP], [1e6, UP], [-1.0, FLAT]]);
    assert!(0.0 < tried[1] && tried[1] < 0.1, "{tried:?}");
    assert_tried(&tried[2..], &[0.1 * tried[1]]);
    assert_eq!(chosen, tried[2]);
    // On the right, at 1, where the loss is −1000.
    let (tried, chosen) = search(1.0, 10, 0.0, &[[-1000.0, UP], [5.0, DOWN], [-2000.0, FLAT]]);
    assert!(0.9 < tried[1] && tried[1] < 1.0, "{tried:?}");
    assert_tried(&tried[2..], &[1.0 - 0.1 * (1.0 - tried[1])]);
    assert_eq!(chosen, tried[2]);
    // On the left, at the second trial.
    let (tried, chosen) = search(1.0, 10, 0.0, &[[-1000.0, UP], [-2000.0, DOWN], [-3000.0, FLAT]]);
    assert_tried(&tried[2..], &[tried[1] + 0.1 * (1.0 - tried[1])]);
    assert_eq!(chosen, tried[2]);
}

/// A minimum that is a tenth of the bracket away from its end is not near: the next one, which is
/// near, is the first and is tried. −t + t²/2 has its minimum at 1, in a bracket from 0 to 10.
#[test]
fn a_tenth_of_the_bracket_is_not_near_its_end() {
    let (tried, chosen) = search(10.0, 10, 0.0, &[[40.0, 9.0], [1e6, UP], [-1.0, FLAT]]);
    assert_eq!(tried[..2], [10.0, 1.0]);
    assert!(0.0 < tried[2] && tried[2] < 0.1, "{tried:?}");
    assert_eq!(chosen, tried[2]);
}

/// The loss at one end is so high that the minimum of the cubic rounds to the other.
#[test]
fn an_end_of_the_bracket_is_not_tried_again() {
    let (tried, _) = search(1.0, 10, 0.0, &[[1e20, UP], [-1.0, FLAT]]);
    assert_tried(&tried, &[1.0, 0.1]);
    let (tried, _) = search(1.0, 10, 0.0, &[[-1e20, UP], [-2e20, FLAT]]);
    assert_tried(&tried, &[1.0, 0.9]);
}

/// After a trial that was moved away from an end, another one next to it is tried as it is.
#[test]
fn a_trial_that_was_moved_is_not_near_an_end() {
    let script = [[1e6, UP], [1e6, UP], [1e6, UP], [-1.0, FLAT]];
    let (tried, _) = search(1.0, 10, 0.0, &script);
    assert_tried(&tried[2..3], &[0.1 * tried[1]]);
    assert!(0.0 < tried[3] && tried[3] < 0.1 * tried[2], "{tried:?}");
}

/// Of two ends with the same loss the one that was there first is the better one, as in PyTorch.
#[test]
fn a_loss_that_stays_is_no_reason_to_move() {
    let (tried, chosen) = search(1.0, 0, 0.0, &[[0.0, DOWN]]);
    assert_eq!((&tried[..], chosen), (&[1.0][..], 0.0));
}
