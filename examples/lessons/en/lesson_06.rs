//! Lesson 6 in English.

use super::Words;

pub static WORDS: Words = Words {
    one_bias_used_three_times: "LESSON 6. BROADCASTING, AND WHY ITS GRADIENT SUMS

x has three rows of two numbers, and the bias b has two numbers. In x + b, b is added to each of
the rows: it is broadcast. It is one b all the same, used three times, and over the uses of a
value contributions add up. So the gradient of b is the sum over the rows, and has the shape of
b. In the step s = x + b below it is written sum(s̄, axes 0).",
    three_biases: "The same without broadcasting, with three biases, one for each row:",
    row: "  row {number}         ∂C/∂b = {gradient}",
    their_sum: "  their sum             {sum}",
    the_other_way_round:
        "The other way round, a sum has a gradient that is broadcast: C = sum(q) sends the same 1 to
every element of q. Each is the other's gradient.",
    the_one_is_the_sum: "the gradient of the one b is the sum of those of the three",
}
.checked();
