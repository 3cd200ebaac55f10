//! Lesson 8 in English.

use super::Words;

pub static WORDS: Words = Words {
    a_gradient_is_computed_too: "LESSON 8. THE GRADIENT OF A GRADIENT

A gradient is computed by ops too: the sweep multiplies and adds. If these ops are recorded as
well, the gradient is a value on the tape like any other, and can be differentiated again. Take
y = x³ at x = 4:",
    what_the_sweep_recorded: "There were {before} values on the tape before the first sweep, and that sweep recorded {recorded} more. Each
belongs to the line of the op whose gradient it is. Here is how they lead to the slope, and a
second sweep, back through them, to the curvature:",
    newtons_method: "What for? Newton's method divides the slope by the curvature and so knows how far to go. Here it
looks for the lowest point of t⁴/4 - 2t, which is at the cube root of 2. The right digits double
with every round:",
    round: "  round {number}: t = {t}, off by {off}",
    exact_and_the_cube_root: "64, 48, 24 and 6 are exact, and Newton's method found ∛2",
}
.checked();
