//! Lesson 1 in English.

use super::Words;

pub static WORDS: Words = Words {
    a_neuron_and_its_adjoints: "LESSON 1. ONE NEURON

A neuron multiplies its input x by a weight w, adds a bias b, and bends the sum with tanh.
How would its output y change if w, x or b were a little larger? The chain rule answers from
the end to the beginning. At each step it multiplies two things: the derivative that arrives
from behind, and the step's own slope. The product is what the step passes on, with +=. The
derivative of y with respect to z is called the adjoint of z, and is written z̄.",
    three_kinds_of_step: "Three kinds of step, three slopes. The bend multiplies by 1 - y² = {bend}. The sum passes on what
it got, unchanged. The product gives each factor the other: w gets {bend} · {twice} = {slope}, for if
w grows by a little, the product grows {twice} times as much. The derivative of a long calculation
is nothing but this, step after step.

What does {slope} mean? Make w larger by a thousandth, and compute y again.",
    grew_and_promised: "  y grew by                 {grew}
  ∂y/∂w · 0.001 promised    {promised}
",
    the_rest_is_the_curve: "The rest is the curve of tanh: a slope is exact only for steps that are very small.",
    all_derivatives_agree: "all {count} derivatives agree with finite differences, to a relative error of {error}, and w moved y as its slope promised",
}
.checked();
