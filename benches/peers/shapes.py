"""The workloads of examples/workloads/shapes.rs in PyTorch and JAX: see peers.py."""

import numpy as np

from peers import ARGS, BATCHES, RNG, measure

WORK = ARGS.workload
RECURRENT = {"W9": 4, "W10": 3}  # Gates of a cell.
ONE_SAMPLE = {"W15": [784, 30, 10], "W21": [784, 256, 128, 10]}
# The shape of a sample and the batch; PyTorch has channels first, JAX here channels last.
SAMPLES = {
    "W9": ((41, 30), 17),
    "W10": ((41, 30), 17),
    "W11": ((301,), 33),
    "W12": ((3, 32, 32), 48),
    "W13": ((3, 32, 32), 16),
    "W14": ((50, 96), 9),
    "W15": ((784,), 1),
    "W21": ((784,), 1),
}


def batches(channels_last=False):
    shape, size = SAMPLES[WORK]
    if channels_last and len(shape) == 3:
        shape = shape[1:] + shape[:1]
    for _ in range(BATCHES):
        x, labels = RNG.random((size, *shape), dtype=np.float32), RNG.integers(0, 10, size)
        yield x, np.eye(10, dtype=np.float32)[labels] if WORK in ONE_SAMPLE else labels


def run():
    {"torch": run_torch, "jax": run_jax}[ARGS.peer]()


def run_torch():
    import torch
    from torch import func, nn
    from torch.nn import functional as F

    torch.set_num_threads(ARGS.threads)
    torch.manual_seed(0)

    class Recurrent(nn.Module):
        def __init__(self, kind):
            super().__init__()
            self.cells, self.head = kind(30, 96, num_layers=2, batch_first=True), nn.Linear(96, 10)

        def forward(self, x):
            return self.head(self.cells(x)[0][:, -1])

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.TransformerEncoderLayer(96, 6, 384, dropout=0.0, batch_first=True, norm_first=True)
            self.head = nn.Linear(96, 10)

        def forward(self, x):
            return self.head(self.block(x).mean(1))

    def dense(widths, activation, after_last=False):
        layers = []
        for a, b in zip(widths[:-1], widths[1:]):
            layers += [nn.Linear(a, b), activation()]
        return nn.Sequential(*(layers if after_last else layers[:-1]))

    def convolutions():
        if WORK == "W12":
            strided = lambda a, b: [nn.Conv2d(a, b, 5, stride=2, padding=2), nn.ReLU()]
            return [*strided(3, 32), *strided(32, 64), nn.Flatten(), nn.Linear(4096, 10)]
        layers = []
        for a, b in [(3, 64), (64, 64), (64, 128)]:
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()]
        return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)]

    if WORK in SAMPLES:
        if WORK in RECURRENT:
            model = Recurrent(nn.LSTM if WORK == "W9" else nn.GRU)
        elif WORK == "W11":
            model = dense([301, 207, 101, 10], nn.ReLU)
        elif WORK in ONE_SAMPLE:
            model = dense(ONE_SAMPLE[WORK], nn.Sigmoid, after_last=True)
        else:
            model = Transformer() if WORK == "W14" else nn.Sequential(*convolutions())
        data = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches()]
        if WORK in ONE_SAMPLE:
            optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
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
    if WORK == "W16":
        a, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (1.1, 0.2))

        def chain():
            x = torch.tensor(0.3, dtype=torch.float64)
            for _ in range(5000):
                x = torch.sin(a * x + b) + 0.1 * x
            torch.autograd.grad(x, [a, b])

        return measure(chain)
    if WORK == "W17":
        x, w = torch.rand(200, 50) - 0.5, torch.rand(50) - 0.5
        y = torch.tensor([1.0, -1.0] * 100)
        hessian = func.hessian(lambda w: F.softplus(-(y * (x @ w))).mean())
        return measure(lambda: hessian(w))
    if WORK == "W18":
        a, b, c = ((torch.rand(64, 64) - 0.5) * 0.5 for _ in range(3))
        x = torch.rand(64) * 0.5 - 0.25
        jacobian = func.jacrev(lambda x: torch.tanh(torch.tanh(x @ a) @ b) @ c)
        return measure(lambda: jacobian(x))
    if WORK in ("W19", "W20"):
        rows = 1 if WORK == "W19" else 10_000
        model, x = dense([784, 256, 128, 10], nn.ReLU).eval(), torch.rand(rows, 784)
        inner = 10 if rows == 1 else 1

        def predict():
            with torch.inference_mode():
                for _ in range(inner):
                    model(x)

        return measure(predict, inner)
    raise SystemExit(f"torch: {WORK} is not written")


def run_jax():
    import jax
    from jax import lax
    from jax import numpy as jnp

    if WORK == "W16":
        jax.config.update("jax_enable_x64", True)
    sigmoid, relu = jax.nn.sigmoid, jax.nn.relu

    def tensor(*shape, fan_in):
        return jnp.asarray(RNG.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(fan_in)))

    def layer(a, b):
        return tensor(a, b, fan_in=a), jnp.zeros(b, np.float32)

    def dense(model, x, activation, after_last=False):
        for i, (w, b) in enumerate(model):
            x = x @ w + b
            x = activation(x) if after_last or i < len(model) - 1 else x
        return x

    def norm(x, axes, gain, shift):
        return (x - x.mean(axes, keepdims=True)) * lax.rsqrt(x.var(axes, keepdims=True) + 1e-5) * gain + shift

    def convolve(x, w, stride, padding):
        names = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, w, (stride, stride), [(padding, padding)] * 2, dimension_numbers=names)

    def network(widths, activation, after_last=False):
        model = [layer(a, b) for a, b in zip(widths[:-1], widths[1:])]
        return model, lambda model, x: dense(model, x, activation, after_last)

    def cell_of(gates):
        """A step of a cell: the state and its input's share of the gates, to the next state."""

        def lstm(state, x, w, _):
            hidden, cell = state
            i, f, g, o = jnp.split(x + hidden @ w, 4, -1)
            cell = sigmoid(f) * cell + sigmoid(i) * jnp.tanh(g)
            hidden = sigmoid(o) * jnp.tanh(cell)
            return (hidden, cell), hidden

        def gru(state, x, w, b):
            xr, xz, xn = jnp.split(x, 3, -1)
            hr, hz, hn = jnp.split(state[0] @ w + b, 3, -1)
            r, z = sigmoid(xr + hr), sigmoid(xz + hz)
            hidden = (1 - z) * jnp.tanh(xn + r * hn) + z * state[0]
            return (hidden, state[1]), hidden

        return lstm if gates == 4 else gru

    def recurrent(gates):
        cell = cell_of(gates)
        part = lambda width: {"x": layer(width, 96 * gates), "h": layer(96, 96 * gates)}
        model = {"cells": [part(30), part(96)], "head": layer(96, 10)}

        def forward(model, x):
            steps, zeros = x.transpose(1, 0, 2), jnp.zeros((len(x), 96))
            for one in model["cells"]:
                (wx, bx), (wh, bh) = one["x"], one["h"]
                step = lambda state, x: cell(state, x, wh, bh)
                steps = lax.scan(step, (zeros, zeros), steps @ wx + bx)[1]
            w, b = model["head"]
            return steps[-1] @ w + b

        return model, forward

    def convolutions():
        if WORK == "W12":
            model = {"1": (tensor(5, 5, 3, 32, fan_in=75), jnp.zeros(32)), "head": layer(4096, 10),
                     "2": (tensor(5, 5, 32, 64, fan_in=800), jnp.zeros(64))}

            def forward(model, x):
                for name in "12":
                    w, b = model[name]
                    x = relu(convolve(x, w, 2, 2) + b)
                w, b = model["head"]
                return x.reshape(len(x), -1) @ w + b

            return model, forward
        pairs = [(3, 64), (64, 64), (64, 128)]
        parts = [(tensor(3, 3, a, b, fan_in=9 * a), jnp.zeros(b), jnp.ones(b), jnp.zeros(b)) for a, b in pairs]

        def forward(model, x):
            for w, b, gain, shift in model["parts"]:
                x = relu(norm(convolve(x, w, 1, 1) + b, (0, 1, 2), gain, shift))
            w, b = model["head"]
            return x.mean((1, 2)) @ w + b

        return {"parts": parts, "head": layer(128, 10)}, forward

    def transformer():
        model = {"qkv": layer(96, 288), "out": layer(96, 96), "1": layer(96, 384), "2": layer(384, 96),
                 "head": layer(96, 10), "gain": jnp.ones((2, 96)), "shift": jnp.zeros((2, 96))}

        def forward(model, x):
            linear = lambda name, x: x @ model[name][0] + model[name][1]
            normal = lambda i, x: norm(x, -1, model["gain"][i], model["shift"][i])
            n, t, _ = x.shape
            q, k, v = linear("qkv", normal(0, x)).reshape(n, t, 3, 6, 16).transpose(2, 0, 3, 1, 4)
            found = jax.nn.softmax(q @ k.swapaxes(-1, -2) * 16**-0.5) @ v
            x = x + linear("out", found.transpose(0, 2, 1, 3).reshape(n, t, 96))
            x = x + linear("2", relu(linear("1", normal(1, x))))
            return linear("head", x.mean(1))

        return model, forward

    if WORK in SAMPLES:
        if WORK in RECURRENT:
            model, forward = recurrent(RECURRENT[WORK])
        elif WORK == "W11":
            model, forward = network([301, 207, 101, 10], relu)
        elif WORK in ONE_SAMPLE:
            model, forward = network(ONE_SAMPLE[WORK], sigmoid, after_last=True)
        else:
            model, forward = transformer() if WORK == "W14" else convolutions()

        def loss(model, x, target):
            y = forward(model, x)
            if WORK in ONE_SAMPLE:
                return 0.5 * ((y - target) ** 2).sum() / len(x)
            return -jnp.take_along_axis(jax.nn.log_softmax(y), target[:, None], 1).mean()

        @jax.jit
        def update(model, state, t, x, target):
            gradients = jax.grad(loss)(model, x, target)
            if WORK in ONE_SAMPLE:
                return jax.tree.map(lambda w, g: w - 0.001 * g, model, gradients), state
            m, v = state
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
            rate, root = 0.001 / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
            step = lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + 1e-8)
            return jax.tree.map(step, model, m, v), (m, v)

        data = [(jnp.asarray(x), jnp.asarray(y)) for x, y in batches(channels_last=True)]
        zeros = jax.tree.map(jnp.zeros_like, model)
        state, count = (zeros, zeros), 0

        def step():
            nonlocal model, state, count
            x, target = data[count % BATCHES]
            count += 1
            model, state = update(model, state, float(count), x, target)
            jax.block_until_ready(model)

        return measure(step)
    if WORK == "W16":
        link = lambda a, b: lambda x, _: (jnp.sin(a * x + b) + 0.1 * x, None)
        chain = lambda a, b: lax.scan(link(a, b), jnp.float64(0.3), None, length=5000)[0]
        gradient = jax.jit(jax.grad(chain, (0, 1)))
        return measure(lambda: jax.block_until_ready(gradient(1.1, 0.2)))
    if WORK == "W17":
        x, w = (jnp.asarray(RNG.random(shape, dtype=np.float32) - 0.5) for shape in ((200, 50), (50,)))
        y = jnp.asarray(np.array([1, -1] * 100, np.float32))
        hessian = jax.jit(jax.hessian(lambda w: jax.nn.softplus(-(y * (x @ w))).mean()))
        return measure(lambda: jax.block_until_ready(hessian(w)))
    if WORK == "W18":
        a, b, c = (jnp.asarray((RNG.random((64, 64), dtype=np.float32) - 0.5) * 0.5) for _ in range(3))
        x = jnp.asarray(RNG.random(64, dtype=np.float32) * 0.5 - 0.25)
        jacobian = jax.jit(jax.jacrev(lambda x: jnp.tanh(jnp.tanh(x @ a) @ b) @ c))
        return measure(lambda: jax.block_until_ready(jacobian(x)))
    if WORK in ("W19", "W20"):
        rows = 1 if WORK == "W19" else 10_000
        model, forward = network([784, 256, 128, 10], relu)
        x, predict = jnp.asarray(RNG.random((rows, 784), dtype=np.float32)), jax.jit(forward)
        inner = 10 if rows == 1 else 1

        def step():
            for _ in range(inner):
                jax.block_until_ready(predict(model, x))

        return measure(step, inner)
    raise SystemExit(f"jax: {WORK} is not written")
