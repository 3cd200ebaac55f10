//! Lesson 3 in English.

use super::Words;

pub static WORDS: Words = Words {
    four_equations: "LESSON 3. THE TEXTBOOK'S THREE-LAYER NETWORK

Two inputs x, two hidden units a₂ = σ(W₂x + b₂), one output a₃ = σ(W₃a₂ + b₃), and the cost of
one sample with target t, C = ½ (a₃ - t)². The other names below: z is what goes into a σ, e is
the error a₃ - t, s its square, S their sum.

The textbook calls δ = ∂C/∂z the error of a layer and proves four equations:

BP1: δ₃ = (a₃ - t) ⊙ σ′(z₃). Look for it below at a₃ = sigmoid(z₃): what arrives is a₃ - t, the
slope is a₃ · (1 - a₃).

BP2: δ₂ = (W₃ᵀ δ₃) ⊙ σ′(z₂). Look at W₃a₂ = W₃ @ a₂, which passes W₃ᵀ @ its adjoint
to a₂, and at
a₂ = sigmoid(z₂).

BP3: ∂C/∂b = δ. A sum passes on what arrives.

BP4: ∂C/∂W = δ aᵀ, with a of the layer before: what a matrix product passes to its first operand.
There, reshape makes a column of δ, and column times row is a matrix.",
    now_by_hand: "Now the four equations by hand, without the tape, and beside them what the sweep gave:",
    by_hand_and_swept: "  ∂C/∂{name}   by hand   {by_hand}
           sweep     {swept}",
    the_textbooks_delta: "the sweep gives the textbook's δ, to {worst}, and {count} derivatives of first and second order agree with finite differences, to a relative error of {error}",
}
.checked();
