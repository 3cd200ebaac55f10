//! Lesson 2 in English.

use super::Words;

pub static WORDS: Words = Words {
    when_may_a_node_pass_on: "LESSON 2. WHY THE ORDER MATTERS

b = a + a and c = b + b, so c is 4a and ∂c/∂a is 4. But b is used twice, and a is used twice.
Every use of a value sends it a contribution, and the contributions add up. When may a node
pass on what it has? The sweep waits until all of its uses have reported:",
    haste_and_every_path: "What if b did not wait? If it passed on the first contribution, 1, as soon as that came, and the
second not at all, a would get 1 from each of its two uses: {hasty}, which is wrong.

If each contribution went its own way alone, the answer would be right, at a price. Here a is
doubled again and again, and contributions are counted:",
    head_of_doublings: "  doublings   ∂c/∂a   passed on alone   passed on by the sweep",
    to_wait_is_right_and_fast: "The paths double with every doubling; the edges of the graph do not. To wait is both right and
fast. It needs an order in which every node comes after all its uses: the order of recording,
backwards.",
    the_sweep_gives_4: "the sweep gives 4, haste gives 2, and walking every path of n doublings passes on 2ⁿ⁺¹-2 contributions where the sweep passes on 2n",
}
.checked();
