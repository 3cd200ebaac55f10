//! Lesson 7 in English.

use super::Words;

pub static WORDS: Words = Words {
    three_ways_to_a_gradient: "LESSON 7. FORWARD MODE, REVERSE MODE, FINITE DIFFERENCES

Three ways to the same gradient, here of Σ tanh(xᵢ · xᵢ₊₁) with n numbers x. Finite differences
compute the function twice for each xᵢ, a little to the right and a little to the left. Forward
mode takes one pass for each xᵢ, which carries the derivative with respect to it along with
every value. Reverse mode goes back once, for all of them. Counted is how often an op is computed
or visited, the forward pass included.",
    head_of_three_ways: "       n    differences   forward mode   reverse mode",
    two_passes_whatever_n: "Reverse mode costs two passes, whatever n: that is why networks, with their one loss and many
weights, learn by it. Differences are inexact on top, here by {worst} at most. They are for checking
the other two.

Forward mode is the right one for few inputs and many outputs. One x, ten ops from x to h, and
n outputs tanh(k · h). One pass gives all n derivatives, while reverse mode goes back through
the ten ops from each output anew:",
    head_of_two_modes: "       n    forward mode   reverse mode",
    the_three_agree: "the three agree, and for one output only the cost of reverse mode stays at two passes",
}
.checked();
