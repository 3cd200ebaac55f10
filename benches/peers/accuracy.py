"""Prints the largest errors of the peers' functions in f32, from 2⁻¹² to 8, in units in the last place.

    python benches/peers/accuracy.py

Ours are held to 2 (the sigmoid to 3) by `cargo test -p ops --lib accuracy`.
"""

import jax
import numpy as np
import torch

FUNCTIONS = {
    "tanh": (np.tanh, torch.tanh, jax.jit(jax.numpy.tanh)),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), torch.sigmoid, jax.jit(jax.nn.sigmoid)),
}


def error(given, right):
    """The largest error of f32 numbers against f64 ones."""
    unit = 2.0 ** (np.floor(np.log2(np.abs(right))) - 23)
    return np.max(np.abs(given.astype(np.float64) - right) / unit)


def numbers():
    """Parts of a million numbers each, of both signs, from 2⁻¹² to 2³."""
    random = np.random.default_rng(0)
    for power in np.arange(-12, 3, 0.25):
        for sign in (1, -1):
            yield (sign * random.uniform(2**power, 2 ** (power + 0.25), 1_000_000)).astype(np.float32)


def main():
    worst = {(name, peer): 0.0 for name in FUNCTIONS for peer in ("torch", "jax")}
    for x in numbers():
        for name, (wide, by_torch, by_jax) in FUNCTIONS.items():
            right = wide(x.astype(np.float64))
            results = {"torch": by_torch(torch.from_numpy(x)).numpy(), "jax": np.asarray(by_jax(x))}
            for peer, result in results.items():
                worst[name, peer] = max(worst[name, peer], error(result, right))
    for (name, peer), units in worst.items():
        print(f"{name} of {peer}: {units:.1f}")


if __name__ == "__main__":
    main()
