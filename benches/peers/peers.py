"""The workloads of examples/workloads.rs in PyTorch, JAX, TensorFlow and NumPy by hand, timed.

    python benches/peers/peers.py --peer torch --workload W2 --threads 1 --steps 200

prints `torch,W2,1,<median ms>,<min ms>,<note>`. It needs numpy and the peer: `pip install numpy torch jax
tensorflow-cpu`. The workloads from W9 on stand in shapes.py, those of the last two peers in hand.py.
"""

import argparse
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--peer", choices=["torch", "jax", "tensorflow", "numpy"], required=True)
parser.add_argument("--workload", required=True)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--fused", action="store_true", help="PyTorch's Adam as one kernel")
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--max-seconds", type=float, default=8.0)
ARGS = parser.parse_args()
for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"]:
    os.environ[name] = str(ARGS.threads)
if ARGS.peer == "jax":
    # XLA takes as many threads as the process may use processors.
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: ARGS.threads]))

import numpy as np

RNG = np.random.default_rng(0)
BATCHES = 8
# The layers of each dense network: the widths, the batch.
DENSE = {"W1": ([784, 30, 10], 10), "W2": ([784, 256, 128, 10], 64), "W2b": ([784, 256, 128, 10], 512)}
SAMPLES = {"W3": ((1, 28, 28), 64), "W4": ((28, 28), 64), "W7": ((64, 128), 16)}


def measure(step, inner=1):
    """Times `step` after a warm-up and prints the line; `inner` is of how many parts a step consists."""
    start = time.perf_counter()
    for _ in range(max(3, ARGS.steps // 10)):
        step()
        if time.perf_counter() - start > ARGS.max_seconds / 2:
            break
    times, start = [], time.perf_counter()
    for _ in range(ARGS.steps):
        begin = time.perf_counter()
        step()
        times.append((time.perf_counter() - begin) * 1e3 / inner)
        if time.perf_counter() - start > ARGS.max_seconds and len(times) >= 5:
            break
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    line = [ARGS.peer, ARGS.workload, ARGS.threads, f"{np.median(times):.6f}", f"{min(times):.6f}"]
    print(*line, f"n={len(times)} rss_mb={peak:.0f}", sep=",")


def batches():
    """Random inputs with labels, or one-hot targets for W1."""
    shape, size = SAMPLES.get(ARGS.workload) or ((784,), DENSE[ARGS.workload][1])
    for _ in range(BATCHES):
        x = RNG.random((size, *shape), dtype=np.float32)
        labels = RNG.integers(0, 10, size)
        yield x, np.eye(10, dtype=np.float32)[labels] if ARGS.workload == "W1" else labels


def run_torch():
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(ARGS.threads)
    torch.manual_seed(0)
    work = ARGS.workload

    class Lstm(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)

        def forward(self, x):
            _, (hidden, _) = self.lstm(x)
            return self.head(hidden[-1])

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True, norm_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x):
            return self.head(self.block(x).mean(1))

    def dense(widths, activation):
        layers = []
        for i, (a, b) in enumerate(zip(widths[:-1], widths[1:])):
            last = i == len(widths) - 2
            layers += [nn.Linear(a, b)] + ([] if last and work != "W1" else [activation()])
        return nn.Sequential(*layers)

    if work in DENSE or work in SAMPLES:
        if work in DENSE:
            model = dense(DENSE[work][0], nn.Sigmoid if work == "W1" else nn.ReLU)
        elif work == "W3":
            conv = lambda a, b: [nn.Conv2d(a, b, 3), nn.ReLU(), nn.MaxPool2d(2)]
            model = nn.Sequential(*conv(1, 16), *conv(16, 32), nn.Flatten(), nn.Linear(800, 10))
        else:
            model = Lstm() if work == "W4" else Transformer()
        data = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches()]
        if work == "W1":
            optimizer = torch.optim.SGD(model.parameters(), lr=3.0)
            loss = lambda y, t: 0.5 * (y - t).square().sum() / len(t)
        else:
            optimizer, loss = torch.optim.Adam(model.parameters(), lr=0.001, fused=ARGS.fused or None), F.cross_entropy
        count = 0

        def step():
            nonlocal count
            x, target = data[count % BATCHES]
            count += 1
            optimizer.zero_grad()
            loss(model(x), target).backward()
            optimizer.step()

        return measure(step)
    if work in ("W6", "W6s"):
        shape = (8,) if work == "W6" else ()
        x, w, b = (torch.rand(shape, requires_grad=True) for _ in range(3))

        def step():
            y = x
            for i in range(1000):
                y = [lambda y: y * w, torch.sin, lambda y: y + b][i % 3](y)
            torch.autograd.grad(y.sum(), [x, w, b])

        return measure(step)
    if work == "W8":
        x = torch.randn(1_000_000, requires_grad=True)
        return measure(lambda: torch.autograd.grad((x.sigmoid() * x.tanh() + x.relu()).sum(), x))
    raise SystemExit(f"torch: {work} is not written")


def run_jax():
    import jax
    from jax import lax
    from jax import numpy as jnp

    work = ARGS.workload

    def tensor(*shape, fan_in):
        return jnp.asarray(RNG.uniform(-1, 1, shape).astype(np.float32) / np.sqrt(fan_in))

    def layer(a, b):
        return tensor(a, b, fan_in=a), jnp.zeros(b)

    def cross_entropy(logits, labels):
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()

    def norm(x):
        return (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)

    if work in DENSE:
        widths = DENSE[work][0]
        model = [layer(a, b) for a, b in zip(widths[:-1], widths[1:])]
        activation = jax.nn.sigmoid if work == "W1" else jax.nn.relu

        def forward(model, x):
            for i, (w, b) in enumerate(model):
                x = x @ w + b
                if work == "W1" or i < len(model) - 1:
                    x = activation(x)
            return x
    elif work == "W3":
        model = {"1": tensor(16, 1, 3, 3, fan_in=9), "2": tensor(32, 16, 3, 3, fan_in=144),
                 "b1": jnp.zeros((16, 1, 1)), "b2": jnp.zeros((32, 1, 1)), "head": layer(800, 10)}

        def forward(model, x):
            for i in "12":
                x = jax.nn.relu(lax.conv(x, model[i], (1, 1), "VALID") + model["b" + i])
                x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
            w, b = model["head"]
            return x.reshape(len(x), -1) @ w + b
    elif work == "W4":
        model = {"x": layer(28, 512), "h": layer(128, 512), "head": layer(128, 10)}

        def forward(model, x):
            (wx, bx), (wh, bh), (w, b) = model["x"], model["h"], model["head"]

            def cell(state, x):
                hidden, cell = state
                i, f, g, o = jnp.split(x + hidden @ wh + bh, 4, -1)
                cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
                return (jax.nn.sigmoid(o) * jnp.tanh(cell), cell), None

            zeros = jnp.zeros((len(x), 128))
            (hidden, _), _ = lax.scan(cell, (zeros, zeros), (x @ wx + bx).transpose(1, 0, 2))
            return hidden @ w + b
    elif work == "W7":
        model = {"qkv": layer(128, 384), "out": layer(128, 128), "1": layer(128, 512), "2": layer(512, 128),
                 "head": layer(128, 10), "gain": jnp.ones((2, 128)), "shift": jnp.zeros((2, 128))}

        def forward(model, x):
            dense = lambda name, x: x @ model[name][0] + model[name][1]
            normal = lambda i, x: norm(x) * model["gain"][i] + model["shift"][i]
            n, t, _ = x.shape
            q, k, v = dense("qkv", normal(0, x)).reshape(n, t, 3, 4, 32).transpose(2, 0, 3, 1, 4)
            found = jax.nn.softmax(q @ k.swapaxes(-1, -2) * 32**-0.5) @ v
            x = x + dense("out", found.transpose(0, 2, 1, 3).reshape(n, t, 128))
            x = x + dense("2", jax.nn.relu(dense("1", normal(1, x))))
            return dense("head", x.mean(1))
    elif work in ("W6", "W6s"):
        shape = (8,) if work == "W6" else ()
        x, w, b = (jnp.asarray(RNG.random(shape, dtype=np.float32)) for _ in range(3))

        def chain(x, w, b):
            for i in range(1000):
                x = [lambda y: y * w, jnp.sin, lambda y: y + b][i % 3](x)
            return x.sum()

        gradient = jax.jit(jax.grad(chain, (0, 1, 2)))
        return measure(lambda: jax.block_until_ready(gradient(x, w, b)))
    elif work == "W8":
        x = jnp.asarray(RNG.standard_normal(1_000_000, dtype=np.float32))
        gradient = jax.jit(jax.grad(lambda x: (jax.nn.sigmoid(x) * jnp.tanh(x) + jax.nn.relu(x)).sum()))
        return measure(lambda: jax.block_until_ready(gradient(x)))
    else:
        raise SystemExit(f"jax: {work} is not written")

    def loss(model, x, target):
        y = forward(model, x)
        return 0.5 * ((y - target) ** 2).sum() / len(x) if work == "W1" else cross_entropy(y, target)

    @jax.jit
    def update(model, state, t, x, target):
        gradients = jax.grad(loss)(model, x, target)
        if work == "W1":
            return jax.tree.map(lambda w, g: w - 3.0 * g, model, gradients), state
        m, v = state
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        rate, root = 0.001 / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        step = lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + 1e-8)
        return jax.tree.map(step, model, m, v), (m, v)

    data = [(jnp.asarray(x), jnp.asarray(y)) for x, y in batches()]
    zeros = jax.tree.map(jnp.zeros_like, model)
    state, count = (zeros, zeros), 0

    def step():
        nonlocal model, state, count
        x, target = data[count % BATCHES]
        count += 1
        model, state = update(model, state, float(count), x, target)
        jax.block_until_ready(model)

    measure(step)


if __name__ == "__main__":
    import importlib

    # Those modules import this one, under this name.
    sys.modules["peers"] = sys.modules["__main__"]
    if ARGS.peer in ("tensorflow", "numpy"):
        importlib.import_module("hand").run()
    elif ARGS.workload[1:].rstrip("bs").isdigit() and int(ARGS.workload[1:].rstrip("bs")) >= 9:
        importlib.import_module("shapes").run()
    else:
        {"torch": run_torch, "jax": run_jax}[ARGS.peer]()
