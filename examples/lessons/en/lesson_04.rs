//! Lesson 4 in English.

use super::Words;

pub static WORDS: Words = Words {
    a_bend_and_its_slope: "LESSON 4. ACTIVATION FUNCTIONS AND THEIR SLOPES

Without a bend between them, two layers are no more than one. Each function below is a bend.
What learning sees of it is its slope: on the way back, the derivative that arrives is multiplied
by it, so where the slope is 0, nothing is passed on. For each function: its slope as a formula,
read from its rule, then values and slopes at six points.",
    value: "value",
    slope: "slope",
    no_slope_anywhere: "0 everywhere",
    which_learn: "The step has no slope, so nothing can be learned through it: the perceptron needed a rule of its
own. Sigmoid and tanh are flat far from 0: a unit that is sure of itself passes almost nothing
back, and a sigmoid never more than 1/4. Relu passes on everything or nothing; a unit that is
below 0 for every sample is dead. The leaky relu keeps a tenth there, and the smooth relatives of
relu keep something near 0.",
    plots_are_in: "{count} plots are in {folder}.",
    slopes_agree: "at all these points, slopes and finite differences agree to {worst}",
}
.checked();
