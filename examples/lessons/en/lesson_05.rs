//! Lesson 5 in English.

use super::Words;

pub static WORDS: Words = Words {
    ten_layers_of_sigmoids_and_relus: "LESSON 5. VANISHING GRADIENTS

On the way back, each layer multiplies the adjoint by its weights and by the slopes of its units.
The slope of a sigmoid is at most 1/4; that of a relu is 1 or 0. Two networks of ten layers of
{units} units show what this does. Each starts with the weights advised for its units: of variance
1/n for sigmoids (Glorot and Bengio 2010), 2/n for relus (He et al. 2015), with n = {units}.

Below, from the last layer to the first as the sweep goes: the mean slope of the layer's units,
and the size of the gradient with respect to its weights (the root of its mean square).",
    head_of_layers: "             sigmoid: slope   gradient     relu: slope   gradient",
    layer: "layer {number}",
    what_is_left_of_the_gradient: "With sigmoids the gradient of layer 1 is {sigmoids} of that of layer 10. Nine layers lie between, and
the product of their slopes alone is {product}. A step that is right for the last layer hardly
moves the first. With relus about half of the slopes are 1 and half are 0, the weights of
variance 2/n make up for the halving, and the ratio is {relus}: all layers learn at a similar rate.",
    sigmoids_lose_relus_keep: "from layer 10 to layer 1, sigmoids lose at least a factor of a thousand, relus less than ten",
}
.checked();
