"""Runs one op at a time here, in PyTorch and in JAX, and prints a table.

    pip install numpy torch jax
    python benches/peers/one_op.py --threads 1
    python benches/peers/one_op.py --threads 1 --only conv

Each computes the value and the gradients of the sum of its squares with respect to all operands:
here replayed, in JAX compiled by jit. The cases are those of `benches/one_op.rs`, in turn: of each
case --rounds rounds of half a second of ours, PyTorch's and JAX's; each figure is the median of the
rounds' medians, in ms.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--only", default="", help="cases whose name has this in it")
ARGS = parser.parse_args()

HERE = os.path.dirname(os.path.abspath(__file__))
if ARGS.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F
from jax import lax, nn

torch.set_num_threads(ARGS.threads)


def indices(count, length):
    return [(i * 7919 + i // 3) % length for i in range(count)]


INDICES = indices(2048, 5000)
TORCH_INDICES, JAX_INDICES = torch.tensor(INDICES), jnp.array(INDICES)
NAMES = {1: ("NCH", "OIH", "NCH"), 2: ("NCHW", "OIHW", "NCHW"), 3: ("NCDHW", "OIDHW", "NCDHW")}


def conv(stride=1, padding=1, groups=1, axes=2):
    return lambda x, w: lax.conv_general_dilated(
        x, w, (stride,) * axes, [(padding, padding)] * axes,
        feature_group_count=groups, dimension_numbers=NAMES[axes],
    )


def conv_transposed(x, w):
    names = ("NCHW", "IOHW", "NCHW")
    flipped = w[:, :, ::-1, ::-1]
    return lax.conv_general_dilated(
        x, flipped, (1, 1), [(2, 2)] * 2, lhs_dilation=(2, 2), dimension_numbers=names
    )


def pool(kernel, stride, padding, op, start):
    window, steps = (1, 1, kernel, kernel), (1, 1, stride, stride)
    around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    return lambda x: lax.reduce_window(x, start, op, window, steps, around)


def layer_norm(x, gain, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * gain + shift


# The operands' shapes, PyTorch's function, JAX's.
CASES = {
    "gelu": ([(256, 1024)], F.gelu, lambda x: nn.gelu(x, approximate=False)),
    "silu": ([(256, 1024)], F.silu, nn.silu),
    "softplus": ([(256, 1024)], F.softplus, nn.softplus),
    "sin": ([(256, 1024)], torch.sin, jnp.sin),
    "add a row": ([(256, 1024), (1024,)], torch.add, jnp.add),
    "multiply by a column": ([(256, 1024), (256, 1)], torch.mul, jnp.multiply),
    "multiply a transpose": ([(512, 512)] * 2, lambda a, b: a.T * b, lambda a, b: a.T * b),
    "outer": ([(1000,)] * 2, torch.outer, jnp.outer),
    "softmax": ([(256, 1000)], lambda x: x.softmax(-1), nn.softmax),
    "softmax of short rows": ([(4096, 16)], lambda x: x.softmax(-1), nn.softmax),
    "softmax of columns": ([(1000, 256)], lambda x: x.softmax(0), lambda x: nn.softmax(x, 0)),
    "logsumexp": ([(256, 1000)], lambda x: x.logsumexp(-1), lambda x: nn.logsumexp(x, -1)),
    "layer_norm": (
        [(256, 768), (768,), (768,)],
        lambda x, gain, shift: F.layer_norm(x, (768,), gain, shift), layer_norm,
    ),
    "sum of rows": ([(1000, 1000)], lambda x: x.sum(1), lambda x: x.sum(1)),
    "sum of columns": ([(1000, 1000)], lambda x: x.sum(0), lambda x: x.sum(0)),
    "max of rows": ([(1000, 1000)], lambda x: x.amax(1), lambda x: x.max(1)),
    "max of columns": ([(1000, 1000)], lambda x: x.amax(0), lambda x: x.max(0)),
    "norm of rows": (
        [(1000, 1000)], lambda x: x.norm(dim=1), lambda x: jnp.linalg.norm(x, axis=1),
    ),
    "variance of rows": ([(1000, 1000)], lambda x: x.var(1), lambda x: x.var(1, ddof=1)),
    "cumsum along rows": ([(256, 1024)], lambda x: x.cumsum(1), lambda x: x.cumsum(1)),
    "cumsum along columns": ([(1024, 256)], lambda x: x.cumsum(0), lambda x: x.cumsum(0)),
    "concat": (
        [(256, 512)] * 2,
        lambda a, b: torch.cat([a, b], 1), lambda a, b: jnp.concatenate([a, b], 1),
    ),
    "every other column": ([(256, 1024)], lambda x: x[:, ::2], lambda x: x[:, ::2]),
    "flip": ([(256, 1024)], lambda x: x.flip(1), lambda x: x[:, ::-1]),
    "roll": ([(256, 1024)], lambda x: x.roll(5, 1), lambda x: jnp.roll(x, 5, 1)),
    "repeat": (
        [(256, 256)], lambda x: x.repeat_interleave(4, 1), lambda x: jnp.repeat(x, 4, 1),
    ),
    "tile": ([(256, 256)], lambda x: x.repeat(1, 4), lambda x: jnp.tile(x, (1, 4))),
    "tril": ([(512, 512)], torch.tril, jnp.tril),
    "pad": (
        [(64, 16, 28, 28)], lambda x: F.pad(x, (1, 1, 1, 1)),
        lambda x: jnp.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))),
    ),
    "permute": (
        [(32, 64, 32, 16)], lambda x: x.permute(0, 2, 1, 3),
        lambda x: x.transpose(0, 2, 1, 3),
    ),
    "index_select": (
        [(5000, 128)], lambda x: x.index_select(0, TORCH_INDICES),
        lambda x: x[JAX_INDICES],
    ),
    "upsample_nearest": (
        [(16, 16, 32, 32)], lambda x: F.interpolate(x, scale_factor=2),
        lambda x: x.repeat(2, 2).repeat(2, 3),
    ),
    "upsample_linear": (
        [(16, 16, 32, 32)], lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
        lambda x: jax.image.resize(x, (16, 16, 64, 64), "bilinear"),
    ),
    "matmul": ([(300, 300)] * 2, torch.matmul, jnp.matmul),
    "matmul of stacks": ([(64, 32, 128), (64, 128, 32)], torch.matmul, jnp.matmul),
    "einsum": (
        [(8, 8, 64, 32)] * 2, lambda a, b: torch.einsum("bhqd,bhkd->bhqk", a, b),
        lambda a, b: jnp.einsum("bhqd,bhkd->bhqk", a, b),
    ),
    "inverse": ([(64, 64)], torch.linalg.inv, jnp.linalg.inv),
    "solve": ([(64, 64), (64, 8)], torch.linalg.solve, jnp.linalg.solve),
    "conv 3 by 3": (
        [(32, 16, 28, 28), (32, 16, 3, 3)], lambda x, w: F.conv2d(x, w, padding=1), conv(),
    ),
    "conv 1 by 1": ([(16, 64, 28, 28), (64, 64, 1, 1)], F.conv2d, conv(padding=0)),
    "conv by 2": (
        [(16, 32, 32, 32), (64, 32, 3, 3)],
        lambda x, w: F.conv2d(x, w, padding=1, stride=2), conv(2),
    ),
    "conv, depthwise": (
        [(16, 64, 28, 28), (64, 1, 3, 3)],
        lambda x, w: F.conv2d(x, w, padding=1, groups=64), conv(groups=64),
    ),
    "conv of four groups": (
        [(16, 64, 28, 28), (64, 16, 3, 3)],
        lambda x, w: F.conv2d(x, w, padding=1, groups=4), conv(groups=4),
    ),
    "conv of volumes": (
        [(2, 8, 16, 16, 16), (16, 8, 3, 3, 3)],
        lambda x, w: F.conv3d(x, w, padding=1), conv(axes=3),
    ),
    "conv, transposed": (
        [(16, 32, 14, 14), (32, 16, 4, 4)],
        lambda x, w: F.conv_transpose2d(x, w, padding=1, stride=2), conv_transposed,
    ),
    "max_pool 2": (
        [(32, 32, 28, 28)], lambda x: F.max_pool2d(x, 2), pool(2, 2, 0, lax.max, -jnp.inf),
    ),
    "max_pool 3 by 1": (
        [(32, 32, 28, 28)], lambda x: F.max_pool2d(x, 3, 1, 1), pool(3, 1, 1, lax.max, -jnp.inf),
    ),
    "avg_pool 2": (
        [(32, 32, 28, 28)], lambda x: F.avg_pool2d(x, 2),
        lambda x: pool(2, 2, 0, lax.add, 0.0)(x) / 4,
    ),
    "avg_pool 3 by 1": (
        [(32, 32, 28, 28)], lambda x: F.avg_pool2d(x, 3, 1, 1),
        lambda x: pool(3, 1, 1, lax.add, 0.0)(x) / 9,
    ),
}


def operands(shapes):
    """Numbers between -1 and 1; 12 more on the diagonal of a matrix of 64 rows, as ours are."""
    random = np.random.default_rng(1)
    all_of_them = [random.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]
    return [x + 12 * np.eye(64, dtype=np.float32) if x.shape == (64, 64) else x for x in all_of_them]


def median(run):
    """The median, in ms, of half a second of runs after two to warm up."""
    run()
    run()
    begin, times = time.perf_counter(), []
    while len(times) < 5 or time.perf_counter() - begin < 0.5:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def of_torch(shapes, op):
    x = [torch.tensor(x, requires_grad=True) for x in operands(shapes)]

    def run():
        y = op(*x)
        torch.autograd.grad((y * y).sum(), x)

    return run


def of_jax(shapes, op):
    x = [jnp.array(x) for x in operands(shapes)]
    of_all = tuple(range(len(shapes)))
    compiled = jax.jit(jax.value_and_grad(lambda *x: (op(*x) ** 2).sum(), of_all))
    return lambda: jax.block_until_ready(compiled(*x))


def build():
    """Builds our side and gives its program."""
    manifest = os.path.join(HERE, "..", "Cargo.toml")
    command = ["cargo", "bench", "--manifest-path", manifest, "--bench", "one_op", "--no-run"]
    lines = subprocess.run(
        [*command, "--message-format=json"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    built = [json.loads(line) for line in lines]
    return next(b["executable"] for b in built if b.get("executable"))


def ours(program, name):
    """The median of one run of ours."""
    environment = os.environ | {"RAYON_NUM_THREADS": str(ARGS.threads)}
    lines = subprocess.run(
        [program, "--bench", "--exact", name], check=True, capture_output=True, text=True, env=environment
    ).stdout.splitlines()
    return next(float(line.split(";")[1]) for line in lines if line.split(";")[0] == name)


def main():
    program = build()
    print(f"| ms, threads: {ARGS.threads} | chainrule | torch | jax | torch / chainrule | jax / chainrule |")
    print("|---|---|---|---|---|---|")
    for name, (shapes, torch_op, jax_op) in CASES.items():
        if ARGS.only not in name:
            continue
        sides = [
            lambda: ours(program, name),
            lambda run=of_torch(shapes, torch_op): median(run),
            lambda run=of_jax(shapes, jax_op): median(run),
        ]
        rounds = [[side() for side in sides] for _ in range(ARGS.rounds)]
        mine, torchs, jaxs = (statistics.median(times) for times in zip(*rounds))
        figures = " | ".join(f"{ms:.3g}" for ms in (mine, torchs, jaxs))
        print(f"| {name} | {figures} | {torchs / mine:.1f} | {jaxs / mine:.1f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
