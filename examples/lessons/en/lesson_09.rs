//! Lesson 9 in English.

use super::Words;

pub static WORDS: Words = Words {
    how_little_was_it_expected: "LESSON 9. SOFTMAX, CROSS-ENTROPY, AND THEIR GRADIENT p - y

A classifier gives a number z for each class. Softmax makes probabilities p of them: the powers e
of z, divided by their sum S. The cross-entropy L = -Σ y ln p asks how little the right class was
expected; y is 1 for it, and 0 for the others. Step by step, with q = ln p and r = y · q:",
    what_comes_out_is_simple: "The sweep went back through {ops} ops, and what comes out at their end is simple: p\u{a0}-\u{a0}y.",
    pushed_up_and_down: "The right class is pushed up by what it lacks, every other down by what it was given: a model that
is sure and wrong is corrected most.

Step by step is also unsafe: of a large z, the power overflows. As one op, softmax cross-entropy
takes the largest z off first, and its gradient is written as p\u{a0}-\u{a0}y. With each z a thousand
times as large:",
    naive_and_safe: "  step by step   L = {naive}
  as one op      L = {safe}
",
    p_minus_y: "the sweep gives p\u{a0}-\u{a0}y, and the one op does so where the power overflows",
}
.checked();
