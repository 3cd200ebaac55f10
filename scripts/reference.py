"""Computes the reference for the Rust tests with JAX, in f64.

    python scripts/reference.py

needs `jax` and `numpy`, takes about four minutes, and writes
crates/tape/tests/reference.json.gz, which is part of the repository: the Rust test
crates/tape/tests/reference.rs reads that file and needs no Python.

What an op means is written here a second time, with JAX's own functions wherever it has one, and
plain NumPy indexing where it has none. JAX differentiates; no gradient is written here.

A case is a small program: inputs, and steps that apply an op to earlier values (the inputs come
first, then one value a step). A case of a single op has one step. With y the value of the last
step, the file holds for each case

    c          weights in the shape of y
    v          a direction in the shape of each input
    value      y
    gradients  of L = sum(c * sin(y + 1/2)) with respect to each input
    hvp        the product of the Hessian of L (over all inputs together) with v

The sine makes the second order of linear ops visible; the half keeps zeros from its flat point,
and sin(asin x) from being x. Tensors are stored as [shape, elements].
Inputs, c and v are multiples of 1/256 (a few inputs are small powers of 2), so they are the same
numbers in f32 and in f64.
"""

import gzip
import json
import math
import pathlib
import random

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)

OUT = pathlib.Path(__file__).parent.parent / "crates" / "tape" / "tests" / "reference.json.gz"


# ---------------------------------------------------------------------------------------------
# What the ops mean.


def axes_of(s):
    """The axes of a reduction; none given means all."""
    return None if s["axes"] is None else tuple(s["axes"])


def reduction(f):
    return lambda x, s: f(x[0], axis=axes_of(s), keepdims=s.get("keepdims", False))


def mask(f):
    return lambda x, s: f(x[0], x[1]).astype(x[0].dtype)


def cut(x, part):
    """ndarray's slices: a negative step walks the range start..end from its end."""
    index = tuple(p if isinstance(p, int) else slice(p[0], p[1]) for p in part)
    steps = tuple(slice(None, None, p[2]) for p in part if not isinstance(p, int))
    return x[index][steps]


def put(x, part, shape):
    """Zeros of `shape` with x in the place that `cut` would take it from."""
    place = cut(np.arange(math.prod(shape)).reshape(shape), part)
    return jnp.zeros(math.prod(shape)).at[place.ravel()].set(x.ravel()).reshape(shape)


def rows(x):
    return x.reshape(-1, x.shape[-1])


def pick(x, indices):
    return rows(x)[np.arange(len(indices)), np.array(indices, int)].reshape(x.shape[:-1])


def label_cross_entropy(x, labels):
    places = labels.astype(int)[..., None]
    return -jnp.take_along_axis(jax.nn.log_softmax(x), places, axis=-1)[..., 0]


def place(x, indices, columns):
    zeros = jnp.zeros((len(indices), columns))
    filled = zeros.at[np.arange(len(indices)), np.array(indices, int)].set(x.ravel())
    return filled.reshape(*x.shape, columns)


def indices_of(s):
    shape, elements = s["indices"]
    return np.array(elements, int).reshape(shape)


def scatter_add(x, s):
    indices, axis = indices_of(s), s["axis"] % x.ndim
    where = list(np.indices(indices.shape))
    where[axis] = indices
    shape = list(x.shape)
    shape[axis] = s["length"]
    return jnp.zeros(shape).at[tuple(where)].add(x)


def index_add(x, s):
    moved = jnp.moveaxis(x, s["axis"], 0)
    zeros = jnp.zeros((s["length"], *moved.shape[1:]))
    return jnp.moveaxis(zeros.at[np.array(s["indices"], int)].add(moved), 0, s["axis"])


def along_axis(x, axis, matrix):
    """A matrix applied along one axis."""
    return jnp.moveaxis(jnp.tensordot(jnp.asarray(matrix), x, axes=(1, axis)), 0, axis)


def axis_map(x, s):
    matrix = np.zeros((len(s["rows"]), s["length"]))
    for o, row in enumerate(s["rows"]):
        for i, weight in row:
            matrix[o, i] += weight
    return along_axis(x, s["axis"], matrix.T if s["adjoint"] else matrix)


def upsample_linear(x, s):
    """The centre of each output, in the operand's coordinates, held inside the outer centres."""
    length, n = s["length"], x.shape[s["axis"]]
    centres = (np.arange(length) + 0.5) * n / length - 0.5
    columns = [np.interp(centres, np.arange(n), unit) for unit in np.eye(n)]
    return along_axis(x, s["axis"], np.stack(columns, axis=1))


def upsample_nearest(x, s):
    n = x.shape[s["axis"]]
    return jnp.take(x, np.arange(s["length"]) * n // s["length"], axis=s["axis"])


def adaptive_avg_pool(x, s):
    n, length, axis = x.shape[s["axis"]], s["length"], s["axis"]
    parts = []
    for o in range(length):
        start, end = math.floor(o * n / length), math.ceil((o + 1) * n / length)
        parts.append(jnp.take(x, np.arange(start, end), axis=axis).mean(axis=axis))
    return jnp.stack(parts, axis=axis)


def padded(x, s):
    widths = [(0, 0)] * x.ndim
    widths[s["axis"]] = (s["before"], s["after"])
    if s["mode"] == "constant":
        return jnp.pad(x, widths, constant_values=s["value"])
    return jnp.pad(x, widths, mode=s["mode"])


def tile(x, s):
    times = [1] * x.ndim
    times[s["axis"]] = s["times"]
    return jnp.tile(x, times)


# Slides are [kernel, stride, padding before, padding after, dilation], one for each spatial axis.


def dimensions(ndim):
    letters = "DHW"[5 - ndim :]
    return ("NC" + letters, "OI" + letters, "NC" + letters)


def conv(x, w, s):
    slides = s["slides"]
    return lax.conv_general_dilated(
        x,
        w,
        window_strides=[k[1] for k in slides],
        padding=[(k[2], k[3]) for k in slides],
        rhs_dilation=[k[4] for k in slides],
        feature_group_count=s["groups"],
        dimension_numbers=dimensions(x.ndim),
        precision=lax.Precision.HIGHEST,
    )


def conv_transposed(x, w, s):
    """A convolution of the input, its elements spread by the stride, with the mirrored weight."""
    slides, groups = s["slides"], s["groups"]
    channels, outputs, *kernel = w.shape
    w = jnp.flip(w, axis=range(2, w.ndim)).reshape(groups, channels // groups, outputs, *kernel)
    w = jnp.swapaxes(w, 1, 2).reshape(groups * outputs, channels // groups, *kernel)
    padding = []
    for (k, _, before, after, dilation), extra in zip(slides, s["output_padding"]):
        span = (k - 1) * dilation
        padding.append((span - before, span - after + extra))
    return lax.conv_general_dilated(
        x,
        w,
        window_strides=[1] * len(slides),
        padding=padding,
        lhs_dilation=[k[1] for k in slides],
        rhs_dilation=[k[4] for k in slides],
        feature_group_count=groups,
        dimension_numbers=dimensions(x.ndim),
        precision=lax.Precision.HIGHEST,
    )


def conv_weight(x, g, s):
    """The gradient of the weight of a convolution, given that of its output."""
    kernel = [k[0] for k in s["slides"]]
    w = jnp.zeros((g.shape[1], x.shape[1] // s["groups"], *kernel))
    _, pull = jax.vjp(lambda w: conv(x, w, s), w)
    return pull(g)[0]


def window_starts(length, slide, ceil):
    """Where the windows begin along an axis, counted from the start of the padding.

    With `ceil` a last window may reach beyond the padded axis, as long as it begins inside the
    axis or the padding before it: PyTorch's rule.
    """
    kernel, stride, before, after, dilation = slide
    span = (kernel - 1) * dilation + 1
    room = length + before + after - span
    last = -(-room // stride) if ceil else room // stride
    if ceil and last * stride >= length + before:
        last -= 1
    return [i * stride for i in range(last + 1)]


def pool(x, s, of_window):
    """`of_window` of each window's elements (last axis), its clipped positions having been taken;
    it is given how many positions of the window lie in the axis and its own padding, too."""
    slides, ceil = s["slides"], s["ceil"]
    lengths = x.shape[2:]
    starts = [window_starts(n, k, ceil) for n, k in zip(lengths, slides)]
    results = []
    for corner in np.ndindex(*[len(w) for w in starts]):
        inside, counted = [], 1
        for axis, o in enumerate(corner):
            kernel, _, before, after, dilation = slides[axis]
            n = lengths[axis]
            positions = [starts[axis][o] - before + k * dilation for k in range(kernel)]
            inside.append([p for p in positions if 0 <= p < n])
            counted *= sum(-before <= p < n + after for p in positions)
        elements = x
        for axis, positions in enumerate(inside):
            elements = jnp.take(elements, np.array(positions, int), axis=axis + 2)
        results.append(of_window(elements.reshape(*x.shape[:2], -1), counted))
    return jnp.stack(results, axis=-1).reshape(*x.shape[:2], *[len(w) for w in starts])


def max_pool(x, s):
    return pool(x, s, lambda elements, counted: elements.max(axis=-1))


def avg_pool(x, s):
    def mean(elements, counted):
        return elements.sum(axis=-1) / (counted if s["count_padding"] else elements.shape[-1])

    return pool(x, s, mean)


def windows(x, s):
    """Every window side by side: [batch, channels, kernel, ...windows]."""
    slides = s["slides"]
    padding = [(0, 0), (0, 0)] + [(k[2], k[3]) for k in slides]
    x = jnp.pad(x, padding, constant_values=s["fill"])
    counts = [(n - (k[0] - 1) * k[4] - 1) // k[1] + 1 for n, k in zip(x.shape[2:], slides)]
    columns = []
    for offset in np.ndindex(*[k[0] for k in slides]):
        part = x
        for axis, (o, k, count) in enumerate(zip(offset, slides, counts)):
            part = jnp.take(part, o * k[4] + np.arange(count) * k[1], axis=axis + 2)
        columns.append(part)
    return jnp.stack(columns, axis=2)


def windows_adjoint(x, s):
    forward = {"slides": s["slides"], "fill": 0.0}
    image = jnp.zeros((*x.shape[:2], *s["shape"]))
    _, pull = jax.vjp(lambda image: windows(image, forward), image)
    return pull(x)[0]


def layer_norm(x, s):
    x, gain, shift = x
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt(x.var(-1, keepdims=True) + s["epsilon"]) * gain + shift


def rms_norm(x, s):
    x, gain = x
    return x / jnp.sqrt((x**2).mean(-1, keepdims=True) + s["epsilon"]) * gain


def normalize(x, s):
    axes = axes_of(s)
    if s["centred"]:
        x = x - x.mean(axes, keepdims=True)
    return x / jnp.sqrt((x**2).mean(axes, keepdims=True) + s["epsilon"])


def along(f):
    """The derivative of an op at the first operand along the second."""
    return lambda x, s: jax.jvp(lambda x: f(x, s), (x[0],), (x[1],))[1]


def adjoint(f):
    """The adjoint of the derivative of an op at the first operand, of the second."""
    return lambda x, s: jax.vjp(lambda x: f(x, s), x[0])[1](x[1])[0]


def cofactor(x, s):
    """The gradient of the determinants."""
    return jax.grad(lambda x: jnp.linalg.det(x).sum())(x)


def gather_adjoint(x, s):
    index, added = x[0].astype(int), x[1]
    return jnp.zeros((s["rows"], *added.shape[index.ndim:])).at[index].add(added)


def lower_symmetric(x):
    """The symmetric matrix of which the lower triangle is that of x."""
    return jnp.tril(x) + jnp.swapaxes(jnp.tril(x, -1), -1, -2)


def diagonal_adjoint(x, s):
    base = np.arange(s["size"][0] * s["size"][1]).reshape(s["size"])
    place = np.diagonal(base, s["offset"])
    flat = jnp.zeros((*x.shape[:-1], base.size)).at[..., place].set(x)
    return flat.reshape(*x.shape[:-1], *s["size"])


UNARY = {
    "neg": lambda x: -x,
    "exp": jnp.exp,
    "exp_m1": jnp.expm1,
    "ln": jnp.log,
    "ln_1p": jnp.log1p,
    "sqrt": jnp.sqrt,
    "square": lambda x: x**2,
    "recip": lambda x: 1 / x,
    "abs": jnp.abs,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "softplus": jax.nn.softplus,
    "log_sigmoid": jax.nn.log_sigmoid,
    "exp2": jnp.exp2,
    "log2": jnp.log2,
    "log10": jnp.log10,
    "rsqrt": lax.rsqrt,
    "tan": jnp.tan,
    "asin": jnp.arcsin,
    "acos": jnp.arccos,
    "atan": jnp.arctan,
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "asinh": jnp.arcsinh,
    "acosh": jnp.arccosh,
    "atanh": jnp.arctanh,
    "erf": lax.erf,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
    "silu": jax.nn.silu,
    "selu": jax.nn.selu,
    "mish": jax.nn.mish,
    "softsign": jax.nn.soft_sign,
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "hard_tanh": jax.nn.hard_tanh,
    "sign": jnp.sign,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "round": jnp.round,
    "step": lambda x: jnp.heaviside(lax.stop_gradient(x), 0.0),
}

BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: jnp.power(a, b),
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "prelu": lambda x, a: jnp.where(x > 0, x, a * x),
    "logaddexp": jnp.logaddexp,
    "hypot": jnp.hypot,
    "atan2": jnp.arctan2,
    "greater": lambda a, b: (a > b) + 0.0,
    "greater_equal": lambda a, b: (a >= b) + 0.0,
    "less": lambda a, b: (a < b) + 0.0,
    "less_equal": lambda a, b: (a <= b) + 0.0,
    "equal": lambda a, b: (a == b) + 0.0,
    "not_equal": lambda a, b: (a != b) + 0.0,
    "sigmoid_cross_entropy": lambda x, t: (
        -t * jax.nn.log_sigmoid(x) - (1 - t) * jax.nn.log_sigmoid(-x)
    ),
}

# Everything else: from the list of operands and the settings.
OPS = {
    "leaky_relu": lambda x, s: jax.nn.leaky_relu(x[0], s["alpha"]),
    "elu": lambda x, s: jax.nn.elu(x[0], s["alpha"]),
    "celu": lambda x, s: jax.nn.celu(x[0], s["alpha"]),
    "clamp": lambda x, s: jnp.clip(x[0], s["low"], s["high"]),
    "scale": lambda x, s: s["factor"] * x[0],
    "powf": lambda x, s: jnp.power(x[0], s["exponent"]),
    "where": lambda x, s: jnp.where(x[0] != 0, x[1], x[2]),
    "detach": lambda x, s: lax.stop_gradient(x[0]),
    "identity": lambda x, s: x[0],
    "sum": reduction(jnp.sum),
    "mean": reduction(jnp.mean),
    "max": reduction(jnp.max),
    "min": reduction(jnp.min),
    "logsumexp": reduction(jax.nn.logsumexp),
    "norm": reduction(lambda x, **k: jnp.sqrt(jnp.sum(x**2, **k))),
    "norm_l1": reduction(lambda x, **k: jnp.sum(jnp.abs(x), **k)),
    "norm_max": reduction(lambda x, **k: jnp.max(jnp.abs(x), **k)),
    "norm_lp": lambda x, s: jnp.sum(jnp.abs(x[0]) ** s["p"], axis=axes_of(s)) ** (1 / s["p"]),
    "prod": reduction(jnp.prod),
    "var": lambda x, s: jnp.var(x[0], axis=axes_of(s), ddof=s["correction"]),
    "std": lambda x, s: jnp.std(x[0], axis=axes_of(s), ddof=s["correction"]),
    "broadcast_to": lambda x, s: jnp.broadcast_to(x[0], s["shape"]),
    "reshape": lambda x, s: x[0].reshape(s["shape"]),
    "expand_dims": lambda x, s: jnp.expand_dims(x[0], s["axis"]),
    "squeeze": lambda x, s: jnp.squeeze(x[0], s["axis"]),
    "permute": lambda x, s: jnp.transpose(x[0], s["axes"]),
    "t": lambda x, s: x[0].T,
    "slice": lambda x, s: cut(x[0], s["part"]),
    "slice_adjoint": lambda x, s: put(x[0], s["part"], s["shape"]),
    "concat": lambda x, s: jnp.concatenate(x, axis=s["axis"]),
    "stack": lambda x, s: jnp.stack(x, axis=s["axis"]),
    "split": lambda x, s: jnp.split(x[0], np.cumsum(s["lengths"])[:-1], s["axis"])[s["which"]],
    "index_select": lambda x, s: jnp.take(x[0], np.array(s["indices"], int), axis=s["axis"]),
    "index_add": lambda x, s: index_add(x[0], s),
    "pick": lambda x, s: pick(x[0], s["indices"]),
    "place": lambda x, s: place(x[0], s["indices"], s["columns"]),
    "axis_map": lambda x, s: axis_map(x[0], s),
    "flip": lambda x, s: jnp.flip(x[0], s["axis"]),
    "roll": lambda x, s: jnp.roll(x[0], s["shift"], s["axis"]),
    "repeat": lambda x, s: jnp.repeat(x[0], s["times"], axis=s["axis"]),
    "tile": lambda x, s: tile(x[0], s),
    "pad": lambda x, s: padded(x[0], s),
    "cumsum": lambda x, s: jnp.cumsum(x[0], axis=s["axis"]),
    "cumsum_reverse": lambda x, s: lax.cumsum(x[0], axis=s["axis"] % x[0].ndim, reverse=True),
    "take_along_axis": lambda x, s: jnp.take_along_axis(x[0], indices_of(s), axis=s["axis"]),
    "scatter_add": lambda x, s: scatter_add(x[0], s),
    "diagonal": lambda x, s: jnp.diagonal(x[0], s["offset"], axis1=-2, axis2=-1),
    "diagonal_adjoint": lambda x, s: diagonal_adjoint(x[0], s),
    "triu": lambda x, s: jnp.triu(x[0], s["offset"]),
    "tril": lambda x, s: jnp.tril(x[0], s["offset"]),
    "outer": lambda x, s: jnp.tensordot(x[0], x[1], axes=0),
    "matmul": lambda x, s: jnp.matmul(x[0], x[1], precision=lax.Precision.HIGHEST),
    "einsum": lambda x, s: jnp.einsum(s["text"], *x, precision=lax.Precision.HIGHEST),
    "softmax": lambda x, s: jax.nn.softmax(x[0], axis=s["axis"]),
    "log_softmax": lambda x, s: jax.nn.log_softmax(x[0], axis=s["axis"]),
    "softmax_cross_entropy": lambda x, s: -(x[1] * jax.nn.log_softmax(x[0])).sum(-1),
    "sparse_softmax_cross_entropy": lambda x, s: -pick(jax.nn.log_softmax(x[0]), s["labels"]),
    "label_cross_entropy": lambda x, s: label_cross_entropy(*x),
    "one_hot": lambda x, s: jax.nn.one_hot(x[0].astype(int), s["classes"], dtype=x[0].dtype),
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "normalize": lambda x, s: normalize(x[0], s),
    "normalize_slope": along(normalize),
    "gather": lambda x, s: x[0][x[1].astype(int)],
    "gather_adjoint": gather_adjoint,
    "upsample_nearest": lambda x, s: upsample_nearest(x[0], s),
    "upsample_linear": lambda x, s: upsample_linear(x[0], s),
    "upsample_bilinear": lambda x, s: jax.image.resize(
        x[0], (*x[0].shape[:2], *s["lengths"]), method="linear", antialias=False
    ),
    "adaptive_avg_pool": lambda x, s: adaptive_avg_pool(x[0], s),
    "conv": lambda x, s: conv(x[0], x[1], s),
    "conv_transposed": lambda x, s: conv_transposed(x[0], x[1], s),
    "conv_weight": lambda x, s: conv_weight(x[0], x[1], s),
    "max_pool": lambda x, s: max_pool(x[0], s),
    "max_pool_slope": along(max_pool),
    "max_pool_adjoint": adjoint(max_pool),
    "avg_pool": lambda x, s: avg_pool(x[0], s),
    "windows": lambda x, s: windows(x[0], s),
    "windows_adjoint": lambda x, s: windows_adjoint(x[0], s),
    "inverse": lambda x, s: jnp.linalg.inv(x[0]),
    "solve": lambda x, s: jnp.linalg.solve(x[0], x[1]),
    "det": lambda x, s: jnp.linalg.det(x[0]),
    "cofactor": lambda x, s: cofactor(x[0], s),
    "cofactor_slope": along(cofactor),
    "weigh": lambda x, s: jnp.where(x[0] == 0, 0, x[0] * x[1]),
    "logdet": lambda x, s: jnp.linalg.slogdet(x[0])[1],
    "cholesky": lambda x, s: lax.linalg.cholesky(lower_symmetric(x[0]), symmetrize_input=False),
}
for name, f in UNARY.items():
    OPS[name] = lambda x, s, f=f: f(x[0])
for name, f in BINARY.items():
    OPS[name] = lambda x, s, f=f: f(x[0], x[1])
    # With a number in the place of the left or the right operand.
    OPS[name + "_left"] = lambda x, s, f=f: f(s["number"], x[0])
    OPS[name + "_right"] = lambda x, s, f=f: f(x[0], s["number"])


def run(steps, inputs):
    """The value of every step, after the inputs."""
    values = list(inputs)
    for op, of, settings in steps:
        values.append(OPS[op]([values[i] for i in of], settings))
    return values


# ---------------------------------------------------------------------------------------------
# Inputs. Every number is a multiple of 1/256.

GRID = 256


def draw(rng, shape, low=-2.0, high=2.0, avoid=(0.0,), margin=0.1):
    """Distinct numbers between two bounds, none near those to avoid."""
    grid = [i / GRID for i in range(math.ceil(low * GRID), math.floor(high * GRID) + 1)]
    allowed = [x for x in grid if all(abs(x - a) >= margin for a in avoid)]
    return np.array(rng.sample(allowed, math.prod(shape))).reshape(shape)


def weights(rng, shape):
    """Weights and directions: of both signs, none near 0."""
    numbers = [
        rng.choice([-1, 1]) * rng.randrange(GRID // 4, GRID + GRID // 2) / GRID
        for _ in range(math.prod(shape))
    ]
    return np.array(numbers).reshape(shape)


# For each function of one operand, how its inputs are drawn: in its domain, away from its kinks.
DOMAIN = {
    "ln": dict(low=0.2, high=3.0),
    "ln_1p": dict(low=-0.7, high=3.0),
    "sqrt": dict(low=0.2, high=3.0),
    "log2": dict(low=0.2, high=3.0),
    "log10": dict(low=0.2, high=3.0),
    "rsqrt": dict(low=0.2, high=3.0),
    "recip": dict(margin=0.3),
    "tan": dict(low=-1.2, high=1.2),
    "asin": dict(low=-0.85, high=0.85),
    "acos": dict(low=-0.85, high=0.85),
    "atanh": dict(low=-0.85, high=0.85),
    "acosh": dict(low=1.2, high=3.5),
    "hard_sigmoid": dict(low=-4.5, high=4.5, avoid=(-3.0, 0.0, 3.0)),
    "hard_tanh": dict(avoid=(-1.0, 0.0, 1.0)),
    "clamp": dict(avoid=(-0.9, 0.0, 1.1)),
    "floor": dict(avoid=tuple(range(-3, 4))),
    "ceil": dict(avoid=tuple(range(-3, 4))),
    "round": dict(avoid=tuple(i + 0.5 for i in range(-3, 4))),
}
FOR_POW = [dict(low=0.3, high=2.0), dict(low=-1.5, high=2.0)]
FOR_PRELU = [dict(), dict(low=-1.0, high=1.0)]
FOR_DIV = [dict(), dict(margin=0.5)]
FOR_CROSS_ENTROPY = [dict(low=-3.0, high=3.0), dict(low=0.0, high=1.0)]


# Ops whose gradient is zero everywhere.
FLAT = (
    "sign floor ceil round step greater greater_equal less less_equal equal not_equal where"
).split()


class Cases:
    def __init__(self):
        self.cases = []
        self.rng = random.Random(20240)

    def case(self, name, steps, inputs):
        rng = self.rng
        inputs = [np.asarray(x, float) for x in inputs]
        for x in inputs:
            assert (x == x.astype(np.float32)).all(), name
        y = np.asarray(jax.eval_shape(lambda x: run(steps, x)[-1], inputs).shape, int)
        c = weights(rng, [int(n) for n in y])
        v = [weights(rng, x.shape) for x in inputs]

        def loss(x):
            return jnp.sum(c * jnp.sin(run(steps, x)[-1] + 0.5))

        @jax.jit
        def all_of(x, v):
            gradients, hvp = jax.jvp(jax.grad(loss), (x,), (v,))
            return run(steps, x)[-1], gradients, hvp

        value, gradients, hvp = all_of(inputs, v)
        result = dict(
            name=name,
            steps=[[op, of, settings] for op, of, settings in steps],
            inputs=inputs,
            c=c,
            v=v,
            value=np.asarray(value),
            gradients=[np.asarray(g) for g in gradients],
            hvp=[np.asarray(h) for h in hvp],
        )
        for x in [result["value"], *result["gradients"], *result["hvp"]]:
            assert x.dtype == np.float64 and np.isfinite(x).all(), name
        return result

    def add(self, op, inputs, label="", **settings):
        """A case of one op. An input is an array, a function that draws one, a shape to draw, or
        a shape and bounds."""

        def array(x):
            if isinstance(x, np.ndarray):
                return x
            if callable(x):
                return x()
            shape, bounds = x if isinstance(x, tuple) else (x, {})
            return draw(self.rng, shape, **bounds)

        step = (op, list(range(len(inputs))), settings)
        shown = ", ".join(f"{k} {v}" for k, v in settings.items())
        for _ in range(100):
            drawn = [array(x) for x in inputs]
            shapes = " ".join(str(list(x.shape)) for x in drawn)
            name = " ".join(filter(None, [op, shapes, label, shown]))
            case = self.case(name, [step], drawn)
            flat = op.removesuffix("_left").removesuffix("_right") in FLAT or label
            # Numbers for which nothing is left of the gradient are drawn again.
            if flat or not self.vanishes(case):
                self.cases.append(case)
                return
        raise ValueError(f"{name}: only zeros")

    @staticmethod
    def vanishes(case):
        """Whether the gradient of an input, or the whole second order, is nearly zero."""
        sizes = [np.abs(g).max() for g in case["gradients"] if g.size]
        return min(sizes) < 0.02 or max(np.abs(h).max(initial=0) for h in case["hvp"]) < 0.02


def elementwise(cases):
    rng = cases.rng
    single = [[], [1], [1, 3], [2, 1], [2, 1, 2]]
    settings = {
        "leaky_relu": dict(alpha=0.25),
        "elu": dict(alpha=0.75),
        "celu": dict(alpha=0.75),
        "clamp": dict(low=-0.9, high=1.1),
        "scale": dict(factor=-1.75),
        "powf": dict(exponent=3.0),
    }
    for i, op in enumerate([*UNARY, *settings]):
        for shape in [[2, 3], single[i % len(single)]]:
            cases.add(op, [(shape, DOMAIN.get(op, {}))], **settings.get(op, {}))
    cases.add("powf", [([3], FOR_POW[0])], exponent=-1.5)
    cases.add("powf", [([3], FOR_POW[0])], exponent=0.5)
    cases.add("powf", [[3]], exponent=2.0)
    # Far out, where formulas without care overflow or cancel; beside a number of the middle, by
    # which a difference is measured: slopes like y(1 - y) lose digits of their own as y nears 1.
    far = np.array([-30.0, -12.0, 0.75, 12.0, 30.0])
    for op in ["sigmoid", "tanh", "softplus", "log_sigmoid", "silu", "gelu", "mish"]:
        cases.add(op, [far], label="far out")
    small = np.array([2.0**-20, -(2.0**-30), 2.0**-40])
    for op in ["exp_m1", "ln_1p"]:
        cases.add(op, [small], label="near 0")

    together = [
        ([2, 3], [2, 3]),
        ([2, 3], [3]),
        ([2, 1], [2, 3]),
        ([], [2, 2]),
        ([1, 3], [2, 1]),
        ([2, 1, 2], [3, 1]),
        ([], []),
    ]
    how = {
        "pow": FOR_POW,
        "prelu": FOR_PRELU,
        "div": FOR_DIV,
        "sigmoid_cross_entropy": FOR_CROSS_ENTROPY,
    }
    for op in BINARY:
        compares = op in ["greater", "greater_equal", "less", "less_equal", "equal", "not_equal"]
        for shapes in together[:3] if compares else together:
            if compares:  # Some ties, at which a mask has the slope 0 as everywhere.
                cases.add(op, [np.round(draw(rng, s)) for s in shapes])
            elif op in ["maximum", "minimum"] and [] in shapes:
                # Each must win somewhere for both to have a gradient, and a scalar cannot.
                a = draw(rng, shapes[0])
                b = draw(rng, shapes[1], avoid=a.ravel().tolist(), margin=0.05)
                cases.add(op, [a, b], label="with a scalar")
            elif op in ["maximum", "minimum"]:  # No ties, and none near: on two grids.
                a, b = (np.round(draw(rng, s) * 16) / 16 for s in shapes)
                cases.add(op, [a, b + 1 / 32], label="apart")
            elif op == "prelu":
                cases.add(op, list(zip(shapes, FOR_PRELU)), label="" if shapes[0] else "of one")
            else:
                cases.add(op, list(zip(shapes, how.get(op, [{}, {}]))))
        if compares:  # With the number among the elements.
            for side in ["_left", "_right"]:
                cases.add(op + side, [np.array([-1.0, 1.0, 2.0])], number=1.0)
            continue
        a, b = (([2, 2], h) for h in how.get(op, [{}, {}]))
        # The number must lie in the domain, and not tie with an element.
        left, right = dict(pow=(1.5, 3.0), prelu=(-0.7, 0.3)).get(op, (0.7, 0.3))
        cases.add(op + "_left", [b], number=left)
        cases.add(op + "_right", [a], number=right)
    cases.add("pow_right", [([3], dict(low=-1.8, high=-0.3))], label="of negatives", number=3.0)
    for shapes in [([2, 3],) * 3, ([2, 1], [3], [2, 3]), ([3], [2, 1], []), ([],) * 3]:
        m = np.array([1.0, 0.0] * 3)[: math.prod(shapes[0])]
        cases.add("where", [m.reshape(shapes[0]), shapes[1], shapes[2]])


def reductions(cases):
    rng = cases.rng
    how = [
        ([2, 3], None, False),
        ([2, 3], [0], False),
        ([2, 3], [-1], True),
        ([2, 3, 2], [0, 2], False),
        ([2, 2], None, True),
        ([2, 1], [1], False),
        ([], None, False),
        ([2, 2, 2], [1, -1], True),
    ]
    for op in ["sum", "mean", "max", "min", "logsumexp", "norm"]:
        for shape, axes, keepdims in how:
            cases.add(op, [shape], axes=axes, keepdims=keepdims)
    for shape, axes in [([0, 2], [0]), ([2, 0], [1]), ([0], None)]:
        cases.add("sum", [np.zeros(shape)], label="empty", axes=axes)
    for op in ["norm_l1", "norm_max"]:
        for shape, axes in [([2, 3], None), ([2, 3], [0]), ([2, 3, 2], [0, -1])]:
            cases.add(op, [shape], axes=axes)
    for p, shape, axes in [(3.0, [2, 3], [1]), (1.5, [2, 3], None), (2.5, [2, 2, 2], [0, 2])]:
        cases.add("norm_lp", [shape], p=p, axes=axes)
    for shape, axes in [([2, 3], None), ([2, 3], [1]), ([5, 2], [0]), ([2, 3, 2], [0, 2])]:
        cases.add("prod", [(shape, dict(low=-1.5, high=1.5, margin=0.4))], axes=axes)
    cases.add("prod", [np.array([[0.0, 1.5, -0.5], [0.75, 0.0, 0.0]])], label="zeros", axes=[1])
    cases.add("prod", [np.array([0.0, 1.5, -0.5, 2.0, -1.25])], label="a zero", axes=None)
    cases.add("prod", [np.array([1.25])], axes=[0])
    for op in ["var", "std"]:
        for shape, axes, correction in [
            ([2, 3], None, 0.0),
            ([2, 3], None, 1.0),
            ([2, 3], [1], 1.0),
            ([3, 2, 2], [0, -1], 0.5),
        ]:
            cases.add(op, [shape], axes=axes, correction=correction)


def layouts(cases):
    cases.add("identity", [[2, 3]])
    cases.add("identity", [[]])
    cases.add("broadcast_to", [[2]], shape=[2, 2])
    cases.add("broadcast_to", [[2, 1]], shape=[2, 3])
    cases.add("broadcast_to", [[]], shape=[2, 1, 2])
    cases.add("broadcast_to", [[2, 1]], shape=[2, 2, 3])
    cases.add("reshape", [[2, 3]], shape=[3, -1])
    cases.add("reshape", [[2, 1, 2]], shape=[-1])
    cases.add("reshape", [[]], shape=[1, 1])
    cases.add("reshape", [[1]], shape=[])
    for axis in [0, 1, -1]:
        cases.add("expand_dims", [[2, 3]], axis=axis)
    cases.add("squeeze", [[2, 1, 2]], axis=1)
    cases.add("squeeze", [[2, 1]], axis=-1)
    cases.add("permute", [[2, 3, 2]], axes=[2, 0, 1])
    cases.add("permute", [[2, 3, 1]], axes=[0, -1, 1])
    for shape in [[2, 3], [2, 1, 3], [3], []]:
        cases.add("t", [shape])
    for shape, part in [
        ([2, 4], [[0, None, 1], [1, 3, 1]]),
        ([2, 3], [-1, [0, None, 2]]),
        ([3, 2], [[0, None, -1], [0, None, 1]]),
        ([2, 5], [1, [1, 5, -2]]),
        ([5], [[0, 4, -3]]),
        ([2, 4], [[0, None, 1], [-3, -1, 1]]),
        ([2, 3], [1, 0]),
        ([2, 2, 3], [[0, None, -1], 1, [0, None, -2]]),
        ([2, 2], [[1, 1, 1], [0, None, 1]]),
    ]:
        cut_shape = list(cut(np.zeros(shape), part).shape)
        label = "" if all(cut_shape) else "empty"
        cases.add("slice", [shape], label=label, part=part)
        cases.add("slice_adjoint", [cut_shape], label=label, part=part, shape=shape)
    cases.add("concat", [[2, 1], [2, 2]], axis=1)
    cases.add("concat", [[1, 2], [2, 2], [1, 2]], axis=-2)
    cases.add("concat", [[3]], axis=0)
    cases.add("concat", [np.zeros([0, 2]), [2, 2]], axis=0)
    cases.add("stack", [[3], [3]], axis=0)
    cases.add("stack", [[2, 2], [2, 2], [2, 2]], axis=-1)
    cases.add("stack", [[], []], axis=0)
    for which in [0, 1, 2]:
        cases.add("split", [[2, 5]], axis=-1, lengths=[2, 1, 2], which=which)
    cases.add("split", [[3, 2]], axis=0, lengths=[1, 2], which=1)
    cases.add("index_select", [[3, 2]], axis=0, indices=[2, 0, 2])
    cases.add("index_select", [[2, 3]], axis=-1, indices=[1])
    cases.add("index_select", [[2, 3, 2]], axis=1, indices=[2, 2, 0, 2])
    cases.add("index_add", [[3, 2]], axis=0, indices=[1, 0, 1], length=3)
    cases.add("index_add", [[2, 3]], axis=1, indices=[0, 2, 2], length=4)
    cases.add("index_add", [[2, 2, 2]], axis=-2, indices=[1, 1], length=2)
    cases.add("pick", [[3, 2]], indices=[1, 0, 1])
    cases.add("pick", [[3]], indices=[2])
    cases.add("pick", [[2, 2, 2]], indices=[0, 1, 1, 0])
    cases.add("place", [[2]], indices=[1, 0], columns=3)
    cases.add("place", [[]], indices=[1], columns=2)
    cases.add("place", [[2, 2]], indices=[1, 0, 0, 2], columns=3)
    blend = [[[0, 0.5], [2, 2.0]], [], [[1, -1.0]], [[2, 1.0], [2, 0.25]]]
    cases.add("axis_map", [[2, 3]], name="blend", axis=1, length=3, rows=blend, adjoint=False)
    cases.add("axis_map", [[4, 2]], name="blend", axis=0, length=3, rows=blend, adjoint=True)
    nothing = dict(name="none", axis=0, length=2, rows=[], adjoint=False)
    cases.add("axis_map", [[2, 2]], label="empty", **nothing)
    for shape, axis in [([2, 3], 1), ([2, 3], 0), ([2, 2, 2], -2), ([1], 0)]:
        cases.add("flip", [shape], axis=axis)
    for shape, axis, shift in [([5], 0, 2), ([2, 3], -1, -1), ([3, 2], 0, 7)]:
        cases.add("roll", [shape], axis=axis, shift=shift)
    for op in ["repeat", "tile"]:
        for shape, axis, times in [([3], 0, 2), ([2, 2], -1, 3), ([2, 2], 0, 2), ([2], 0, 1)]:
            cases.add(op, [shape], axis=axis, times=times)
    for axis, before, after in [(1, 2, 1), (0, 0, 1), (-1, 1, 0)]:
        for mode, value in [("constant", 0.0), ("constant", 1.5), ("edge", 0.0), ("reflect", 0.0)]:
            cases.add(
                "pad", [[2, 3]], axis=axis, before=before, after=after, mode=mode, value=value
            )
    for op in ["cumsum", "cumsum_reverse"]:
        for shape, axis in [([2, 3], 1), ([2, 3], 0), ([2, 2, 2], -2), ([1], 0)]:
            cases.add(op, [shape], axis=axis)
    for shape, axis, indices in [
        ([2, 3], 1, [[2, 2], [2, 0, 1, 1]]),
        ([2, 3], 0, [[1, 3], [1, 0, 1]]),
        ([2, 2, 2], -2, [[2, 3, 2], [0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1]]),
    ]:
        cases.add("take_along_axis", [shape], axis=axis, indices=indices)
        cases.add("scatter_add", [indices[0]], axis=axis, indices=indices, length=4)
    for shape, offset in [([2, 3], 0), ([2, 3], 1), ([2, 3], -1), ([2, 3, 3], 0), ([3, 2], -2)]:
        cases.add("diagonal", [shape], offset=offset)
        length = np.diagonal(np.zeros(shape), offset, -2, -1).shape
        cases.add("diagonal_adjoint", [[*shape[:-2], *length[-1:]]], offset=offset, size=shape[-2:])
        cases.add("triu", [shape], offset=offset)
        cases.add("tril", [shape], offset=offset)
    for shapes in [([2], [3]), ([2, 2], [2]), ([], [3]), ([2], [])]:
        cases.add("outer", shapes)
    for length in [5, 2, 4, 1]:
        cases.add("upsample_nearest", [[2, 3]], axis=1, length=length)
        cases.add("upsample_linear", [[2, 3]], axis=1, length=length)
        cases.add("adaptive_avg_pool", [[2, 3]], axis=1, length=length)
    cases.add("upsample_linear", [[1, 2]], axis=0, length=3)
    cases.add("upsample_bilinear", [[1, 2, 2, 3]], lengths=[4, 5])
    cases.add("upsample_bilinear", [[1, 1, 2, 2]], lengths=[3, 6])
    cases.add("adaptive_avg_pool", [[1, 5, 2]], axis=-2, length=2)


def products(cases):
    rng = cases.rng
    for a, b in [
        ([2, 3], [3, 2]),
        ([2, 3], [3]),
        ([3], [3, 2]),
        ([3], [3]),
        ([2, 2, 3], [2, 3, 2]),
        ([2, 2, 3], [3, 2]),
        ([2, 3], [2, 3, 2]),
        ([2, 1, 2, 3], [3, 3, 1]),
        ([2, 2, 3], [3]),
        ([3], [2, 3, 2]),
        ([1, 1], [1, 1]),
        ([1, 2, 2], [3, 2, 1]),
        ([4, 5], [5, 3]),
    ]:
        cases.add("matmul", [a, b])
    cases.add("matmul", [np.zeros([2, 0]), np.zeros([0, 3])], label="empty")
    for text, *shapes in [
        ("ij,jk->ik", [2, 3], [3, 2]),
        ("ij,jk", [2, 3], [3, 2]),
        ("ba", [2, 3]),
        ("ii", [3, 3]),
        ("ii->i", [3, 3]),
        ("ijj->i", [2, 3, 3]),
        ("iij,jk->ki", [2, 2, 3], [3, 2]),
        ("iii", [2, 2, 2]),
        ("bij,bjk->bik", [2, 2, 3], [2, 3, 1]),
        ("bhqd,bhkd->bhqk", [1, 2, 2, 2], [1, 2, 3, 2]),
        ("i,j->ij", [2], [3]),
        ("ij->ji", [2, 3]),
        ("ij->", [2, 3]),
        ("ijk->j", [2, 3, 2]),
        ("ij,ij->", [2, 3], [2, 3]),
        ("ij,ij->ij", [2, 3], [2, 3]),
        ("ij,j", [2, 3], [3]),
        ("i,i,i->i", [3], [3], [3]),
        ("ab,bc,cd->ad", [2, 3], [3, 2], [2, 2]),
        ("ab,cd,bd->ca", [2, 2], [2, 3], [2, 3]),
        ("ij,->i", [2, 3], []),
        ("ij,kj->", [2, 3], [2, 3]),
    ]:
        cases.add("einsum", shapes, text=text)

    for op in ["softmax", "log_softmax"]:
        for shape, axis in [([2, 3], 1), ([2, 3], 0), ([2, 2, 2], -2), ([3], -1)]:
            cases.add(op, [shape], axis=axis)
        cases.add(op, [[2, 1]], label="of one", axis=1)
        cases.add(op, [np.array([40.0, -40.0, 39.5])], label="far out", axis=0)
    for shape in [[3], [2, 3], [2, 2, 2]]:
        cases.add("softmax_cross_entropy", [shape, (shape, dict(low=0.05, high=1.0))])
    for shape, labels in [([3], [1]), ([2, 3], [2, 0]), ([2, 2, 2], [0, 1, 1, 0])]:
        cases.add("sparse_softmax_cross_entropy", [shape], labels=labels)
    for shape in [[2, 3], [1, 2, 3], [4]]:  # Of two numbers hardly a gradient would be left.
        n = shape[-1]
        cases.add("layer_norm", [shape, [n], [n]], epsilon=1e-5)
        cases.add("rms_norm", [shape, [n]], epsilon=1e-5)
    cases.add("layer_norm", [[2, 3], [3], [3]], epsilon=0.5)


def labels_as_operands(cases):
    for shape, labels in [([3], 1), ([2, 3], [2, 0]), ([2, 2, 2], [[0, 1], [1, 0]])]:
        labels = np.array(labels, float)
        cases.add("label_cross_entropy", [shape, labels], label="labels an operand")
        cases.add("one_hot", [labels], label="of labels", classes=shape[-1])


def moving_windows(cases):
    for x, w, slides, groups in [
        ([1, 1, 5], [1, 1, 3], [[3, 1, 0, 0, 1]], 1),
        ([2, 2, 4], [3, 2, 2], [[2, 1, 1, 1, 1]], 1),
        ([1, 2, 6], [2, 2, 3], [[3, 2, 1, 1, 1]], 1),
        ([1, 1, 7], [2, 1, 3], [[3, 1, 0, 0, 2]], 1),
        ([1, 4, 4], [2, 2, 2], [[2, 1, 0, 0, 1]], 2),
        ([1, 2, 5], [4, 1, 2], [[2, 2, 1, 0, 2]], 2),
        ([2, 3, 1], [2, 3, 1], [[1, 1, 0, 0, 1]], 1),
        ([1, 1, 4, 4], [1, 1, 3, 3], [[3, 1, 0, 0, 1], [3, 1, 0, 0, 1]], 1),
        ([1, 2, 3, 4], [2, 2, 3, 2], [[3, 1, 1, 1, 1], [2, 2, 0, 0, 1]], 1),
        ([1, 1, 5, 4], [1, 1, 2, 2], [[2, 2, 1, 1, 2], [2, 1, 0, 1, 3]], 1),
        ([2, 2, 3, 3], [2, 1, 2, 2], [[2, 1, 0, 0, 1], [2, 1, 0, 0, 1]], 2),
    ]:
        cases.add("conv", [x, w], slides=slides, groups=groups)
    for x, channels, slides, groups in [
        ([1, 1, 4], [2, 1], [[2, 1, 0, 0, 1]], 1),
        ([2, 2, 5], [2, 2], [[3, 2, 1, 1, 1]], 1),
        ([1, 4, 4], [2, 2], [[2, 1, 0, 0, 2]], 2),
        ([1, 1, 3, 4], [2, 1], [[3, 1, 1, 1, 1], [2, 2, 0, 0, 1]], 1),
        ([1, 2, 3, 3], [2, 1], [[2, 1, 0, 0, 1], [2, 1, 1, 0, 1]], 2),
    ]:
        settings = dict(slides=slides, groups=groups)
        w = np.zeros([*channels, *[k[0] for k in slides]])
        g = conv(jnp.zeros(x), jnp.asarray(w), settings).shape
        cases.add("conv_weight", [x, list(g)], **settings)
    for x, w, slides, groups, extra in [
        ([1, 1, 3], [1, 2, 3], [[3, 1, 0, 0, 1]], 1, [0]),
        ([2, 2, 3], [2, 1, 2], [[2, 2, 0, 0, 1]], 1, [0]),
        ([1, 2, 3], [2, 2, 3], [[3, 2, 1, 1, 1]], 1, [1]),
        ([1, 1, 3], [1, 2, 3], [[3, 3, 1, 0, 2]], 1, [2]),
        ([1, 4, 2], [4, 1, 2], [[2, 1, 0, 0, 1]], 2, [0]),
        ([1, 1, 2, 2], [1, 2, 2, 3], [[2, 2, 0, 0, 1], [3, 1, 1, 1, 1]], 1, [0, 0]),
        ([1, 2, 2, 2], [2, 1, 2, 2], [[2, 2, 1, 0, 1], [2, 2, 0, 0, 2]], 2, [1, 0]),
        ([1, 2, 2, 3], [2, 2, 2, 2], [[2, 1, 0, 0, 1], [2, 2, 0, 0, 1]], 1, [0, 1]),
    ]:
        cases.add("conv_transposed", [x, w], slides=slides, groups=groups, output_padding=extra)
    for x, slides, ceil in [
        ([1, 2, 4], [[2, 2, 0, 0, 1]], False),
        ([1, 1, 5], [[2, 2, 0, 0, 1]], False),
        ([1, 1, 5], [[2, 2, 0, 0, 1]], True),
        ([1, 1, 6], [[3, 2, 1, 1, 1]], False),
        ([1, 1, 6], [[3, 2, 1, 1, 1]], True),
        ([1, 1, 7], [[3, 3, 1, 0, 1]], True),
        ([1, 1, 2], [[2, 3, 1, 1, 1]], True),
        ([1, 1, 7], [[2, 3, 1, 1, 2]], True),
        ([1, 1, 5], [[4, 2, 2, 2, 1]], True),
        ([2, 1, 5], [[3, 1, 0, 0, 2]], False),
        ([1, 1, 4, 4], [[2, 2, 0, 0, 1], [2, 2, 0, 0, 1]], False),
        ([1, 1, 3, 4], [[2, 2, 0, 0, 1], [3, 2, 1, 1, 1]], True),
        ([1, 1, 5, 3], [[3, 2, 1, 1, 1], [2, 1, 0, 1, 1]], False),
        ([1, 2, 3, 3], [[2, 2, 0, 0, 1], [2, 2, 0, 0, 1]], True),
    ]:
        cases.add("max_pool", [x], slides=slides, ceil=ceil)
        for count_padding in [True, False]:
            cases.add("avg_pool", [x], slides=slides, ceil=ceil, count_padding=count_padding)
    for x, slides, fill in [
        ([1, 1, 4], [[2, 1, 0, 0, 1]], 0.0),
        ([1, 1, 4], [[2, 3, 1, 1, 1]], -1.5),
        ([2, 1, 4, 3], [[2, 1, 0, 0, 2], [3, 2, 1, 1, 1]], 0.0),
    ]:
        cases.add("windows", [x], slides=slides, fill=fill)
        side_by_side = windows(jnp.zeros(x), dict(slides=slides, fill=fill)).shape
        cases.add("windows_adjoint", [list(side_by_side)], slides=slides, shape=x[2:])


def matrices(cases):
    rng = cases.rng

    def regular(shape):
        """Off-diagonal numbers below 1 in sum, a larger diagonal: far from singular."""
        x = draw(rng, shape, -0.6, 0.6, margin=0.05)
        return x + np.eye(shape[-1]) * (2 + np.arange(shape[-1]) / 4)

    def definite(shape):
        x = regular(shape)
        return np.tril(x) + np.swapaxes(np.tril(x, -1), -1, -2)

    shapes = [[3, 3], [2, 2, 2], [1, 1], [4, 4], [2, 3, 3]]
    for op in ["inverse", "det", "logdet"]:
        for shape in shapes:
            # Half the size for a determinant: the sine of a large value is rough.
            half = op == "det" and shape[-1] > 2
            x = lambda: np.round(regular(shape) * 128) / 256 if half else regular(shape)
            cases.add(op, [x])
        flipped = np.array([[0.5, 1.75], [2.0, -0.25]])  # A negative determinant; rows exchanged.
        cases.add(op, [flipped], label="rows exchanged")
        zeros = np.array([[0.0, 1.5, 0.25], [0.75, 0.0, -0.5], [0.5, -0.25, 1.25]])
        cases.add(op, [zeros], label="rows exchanged")
    for a, b in [([3, 3], [3, 2]), ([2, 2], [2, 1]), ([2, 2, 2], [2, 2, 1]), ([1, 1], [1, 3])]:
        cases.add("solve", [lambda: regular(a), b])
    cases.add("solve", [np.array([[0.0, 1.5], [0.75, 0.25]]), [2, 2]])
    for shape in shapes:
        cases.add("cholesky", [lambda: definite(shape)])
    cases.add("cholesky", [lambda: regular([3, 3])], label="of which the lower triangle is read")


# ---------------------------------------------------------------------------------------------
# Random programs.


def gap(x, least=0.02):
    return np.abs(x).min(initial=np.inf) > least


def broadcasts(a, b):
    try:
        return len(np.broadcast_shapes(a.shape, b.shape)) >= 0
    except ValueError:
        return False


SMOOTH = (
    "tanh sin cos sigmoid softplus log_sigmoid silu gelu gelu_tanh mish erf atan asinh square neg "
    "exp_m1 sinh cosh exp exp2"
).split()
KINKED = "abs relu selu softsign hard_tanh".split()
POSITIVE = "ln sqrt rsqrt ln_1p log2 log10".split()


def some_step(rng, values, loose):
    """One step that fits the values so far, or None: an op, its operands and its settings.

    Values that nothing has used yet, `loose`, are preferred, so that programs grow deep.
    """

    def prefer(fitting, is_loose):
        if rng.random() < 0.8:
            fitting = list(filter(is_loose, fitting)) or fitting
        return rng.choice(fitting) if fitting else None

    def one(fits=lambda x: True):
        fitting = [i for i, x in enumerate(values) if fits(x)]
        return prefer(fitting, lambda i: i in loose)

    def two(fits):
        n = range(len(values))
        fitting = [(i, j) for i in n for j in n if fits(values[i], values[j])]
        pair = prefer(fitting, lambda p: p[0] in loose or p[1] in loose)
        return pair and list(pair)

    def some_axis(x):
        return rng.randrange(-x.ndim, x.ndim)

    kind = rng.randrange(30)
    if kind < 5:
        op = rng.choice(SMOOTH)
        i = one()
    elif kind == 5:
        op = rng.choice(KINKED)
        i = one(lambda x: gap(x) and gap(np.abs(x) - 1))
    elif kind == 6:
        op = rng.choice(POSITIVE)
        i = one(lambda x: (x > 0.3).all())
    elif kind == 7:
        op = "recip"
        i = one(lambda x: gap(x, 0.5))
    elif kind < 11:
        op = rng.choice(["add", "sub", "mul", "mul", "logaddexp"])
        i = two(broadcasts)
        return i and (op, i, {})
    elif kind == 11:
        i = two(lambda a, b: broadcasts(a, b) and gap(b, 0.5))
        return i and ("div", i, {})
    elif kind == 12:
        i = two(lambda a, b: broadcasts(a, b) and (a > 0.3).all() and np.abs(b).max() < 2.5)
        return i and ("pow", i, {})
    elif kind == 13:
        op = rng.choice(["maximum", "minimum"])
        i = two(lambda a, b: broadcasts(a, b) and gap(a - b))
        return i and (op, i, {})
    elif kind == 14:
        op = rng.choice(["hypot", "atan2"])
        i = two(lambda a, b: broadcasts(a, b) and gap(np.hypot(a, b), 0.3) and gap(b))
        return i and (op, i, {})
    elif kind == 15:
        i = two(lambda a, b: broadcasts(a, b) and gap(a))
        return i and ("prelu", i, {})
    elif kind == 16:
        op = rng.choice(["mul_left", "add_right", "sub_left", "add_left"])
        i = one()
        return (op, [i], {"number": rng.choice([-1.5, 0.75, 1.25])})
    elif kind == 17:
        i = one(lambda x: gap(x, 0.2) and (x > 0).all())
        return i is not None and ("pow_right", [i], {"number": rng.choice([1.5, -0.5, 3.0])})
    elif kind == 18:
        op = rng.choice(["sum", "mean", "logsumexp"])
        i = one(lambda x: x.ndim > 0)
        s = {"axes": [some_axis(values[i])], "keepdims": rng.random() < 0.5}
        return (op, [i], s)
    elif kind == 19:
        i = one(lambda x: x.ndim > 0)
        x, axis = values[i], some_axis(values[i])
        op = rng.choice(["max", "min", "norm", "var"])
        ordered = np.sort(x, axis=axis)
        if op in ["max", "min"] and not gap(np.diff(ordered, axis=axis)):
            return None
        if op == "norm" and not gap(np.linalg.norm(x, axis=axis), 0.3):
            return None
        return (op, [i], {"axes": [axis], **({"correction": 0.0} if op == "var" else {})})
    elif kind == 20:
        i = one(lambda x: x.ndim > 0 and x.shape[-1] > 1)
        op = rng.choice(["softmax", "log_softmax"])
        return i is not None and (op, [i], {"axis": -1})
    elif kind in [21, 22]:
        i = two(lambda a, b: a.ndim < 3 and a.shape[-1:] == b.shape[-2:][:1] != ())
        return i and ("matmul", i, {})
    elif kind == 23:
        i = two(lambda a, b: a.ndim == 2 and b.ndim == 2 and a.shape[1] == b.shape[1])
        return i and ("einsum", i, {"text": rng.choice(["ij,kj->ik", "ij,kj->k", "ij,kj->jki"])})
    elif kind == 24:
        i = two(lambda a, b: a.ndim == b.ndim > 0 and a.shape == b.shape)
        op = rng.choice(["concat", "stack"])
        return i and (op, i, {"axis": some_axis(values[i[0]])})
    elif kind in [25, 26]:
        i = one(lambda x: x.ndim > 0)
        x, axis = values[i], some_axis(values[i])
        n = x.shape[axis]
        op, s = rng.choice(
            [
                ("t", {}),
                ("flip", {"axis": axis}),
                ("roll", {"axis": axis, "shift": 1}),
                ("cumsum", {"axis": axis}),
                ("reshape", {"shape": [-1]}),
                ("expand_dims", {"axis": axis}),
                ("index_select", {"axis": axis, "indices": [n - 1, 0, n - 1]}),
                ("repeat", {"axis": axis, "times": 2}),
                ("pad", {"axis": axis, "before": 1, "after": 0, "mode": "edge", "value": 0.0}),
                ("slice", {"part": [[0, None, -1]] * x.ndim}),
                ("slice", {"part": [[x.shape[0] - 1, None, 1]] + [[0, None, 2]] * (x.ndim - 1)}),
            ]
        )
        return (op, [i], s)
    elif kind == 27:
        i = one(lambda x: x.ndim == 2)
        op = rng.choice(["triu", "tril", "diagonal"])
        return i is not None and (op, [i], {"offset": rng.choice([0, 0, 1])})
    elif kind == 28:
        i = one(lambda x: x.ndim == 2 and x.shape[0] == x.shape[1] and abs(np.linalg.det(x)) > 0.7)
        return i is not None and (rng.choice(["inverse", "det", "logdet"]), [i], {})
    else:
        i = two(lambda a, b: broadcasts(a, b) and gap(a - b))
        if i is None:
            return None
        op = rng.choice(["greater", "less_equal"])
        return (op, i, {})
    return i is not None and (op, [i], {})


def program(rng):
    """Steps and inputs of a random program, every value of which goes into the last."""
    inputs = [draw(rng, s, -1.5, 1.5, margin=0.2) for s in [[2, 3], [3], [], [2, 2]]]
    steps, values = [], list(inputs)
    length = rng.randrange(6, 15)
    while len(steps) < length:
        used = {i for _, of, _ in steps for i in of}
        step = some_step(rng, values, set(range(len(values))) - used)
        if not step:
            continue
        value = np.asarray(OPS[step[0]]([values[i] for i in step[1]], step[2]))
        size = np.abs(value).max(initial=0)
        if value.size == 0 or value.size > 18 or value.ndim > 3 or not 0.02 < size < 5:
            continue
        steps.append(step)
        values.append(value)
    # The mean of everything that nothing else has used is added to the last value.
    used = {i for _, of, _ in steps for i in of}
    loose = [i for i in range(len(values) - 1) if i not in used]
    result = len(values) - 1
    count = len(values)
    for i in loose:
        steps += [("mean", [i], {"axes": None}), ("add", [result, count], {})]
        result = count + 1
        count += 2
    return steps, inputs


def programs(cases, number):
    """A program is drawn again where a gradient vanishes or explodes, which would compare noise."""
    rng = random.Random(50)
    while number:
        steps, inputs = program(rng)
        case = cases.case(f"program {number} of {len(steps)} steps", steps, inputs)
        first = max(np.abs(g).max() for g in case["gradients"])
        second = max(np.abs(h).max() for h in case["hvp"])
        explodes = first > 30 or second > 300 or np.abs(case["value"]).max() > 6
        if explodes or cases.vanishes(case):
            continue
        cases.cases.append(case)
        number -= 1


# ---------------------------------------------------------------------------------------------


def stored(x):
    """Tensors as [shape, elements]; an integer is written without a point, which JSON allows."""
    if isinstance(x, np.ndarray):
        return [list(x.shape), [int(e) if e == int(e) else e for e in x.ravel().tolist()]]
    if isinstance(x, dict):
        return {k: stored(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [stored(v) for v in x]
    return x


def of_layers(cases):
    """Ops that layers of networks are made of."""
    for shape, axes, centred in [
        ([2, 3], [1], True),
        ([3, 2], [0], True),
        ([2, 2, 3], [0, 2], True),
        ([2, 2, 3], [1], False),
        ([2, 2, 3], [1, 2], True),
        ([2, 2, 2, 2], [0, 2, 3], True),
        ([1, 4, 2], [-1, -2], False),
        ([3], None, True),
    ]:
        for epsilon in [1e-5, 0.5]:
            settings = dict(axes=axes, epsilon=epsilon, centred=centred)
            cases.add("normalize", [shape], **settings)
        cases.add("normalize_slope", [shape, shape], **settings)
    # The indices have no gradient, which the label says.
    for table, indices in [
        ([3, 2], [2.0, 0.0, 2.0]),
        ([4], [[3.0, 0.0], [1.0, 1.0]]),
        ([3, 2, 2], [[1.0, 2.0]]),
        ([2, 3], 1.0),
    ]:
        indices = np.array(indices)
        cases.add("gather", [table, indices], label="by an operand")
        added = [*indices.shape, *table[1:]]
        cases.add("gather_adjoint", [indices, added], label="by an operand", rows=table[0])
    for x, slides in [
        ([1, 2, 4], [[2, 2, 0, 0, 1]]),
        ([2, 1, 5], [[3, 1, 1, 1, 1]]),
        ([1, 1, 5, 4], [[2, 2, 1, 0, 1], [3, 1, 0, 0, 1]]),
        ([1, 2, 4, 3], [[2, 1, 0, 0, 2], [2, 1, 1, 1, 1]]),
    ]:
        settings = dict(slides=slides, ceil=False)
        pooled = max_pool(jnp.zeros(x), settings).shape
        label = "of the second operand"  # The first has no gradient.
        cases.add("max_pool_slope", [x, x], label=label, **settings)
        cases.add("max_pool_adjoint", [x, list(pooled)], label=label, **settings)


def volumes(cases):
    """Three spatial axes."""
    for x, w, slides, groups in [
        ([1, 1, 3, 2, 3], [2, 1, 2, 1, 2], [[2, 1, 1, 1, 1], [1, 1, 0, 0, 1], [2, 2, 1, 0, 1]], 1),
        ([1, 2, 4, 3, 3], [2, 1, 2, 3, 2], [[2, 2, 0, 0, 1], [3, 1, 1, 1, 1], [2, 1, 0, 0, 2]], 2),
    ]:
        settings = dict(slides=slides, groups=groups)
        cases.add("conv", [x, w], **settings)
        g = conv(jnp.zeros(x), jnp.zeros(w), settings).shape
        cases.add("conv_weight", [x, list(g)], **settings)
        settings["output_padding"] = [0, 0, 0]
        cases.add("conv_transposed", [list(g), w], **settings)
    for x, slides, ceil in [
        ([1, 1, 3, 2, 4], [[2, 1, 0, 0, 1], [1, 1, 0, 0, 1], [2, 2, 0, 0, 1]], False),
        ([1, 2, 3, 3, 3], [[2, 2, 0, 0, 1], [3, 1, 1, 1, 1], [2, 1, 0, 0, 2]], True),
    ]:
        cases.add("max_pool", [x], slides=slides, ceil=ceil)
        cases.add("avg_pool", [x], slides=slides, ceil=ceil, count_padding=False)
        cases.add("windows", [x], slides=slides, fill=0.0)


def cofactors(cases):
    rng = cases.rng
    for shape in [[2, 2], [3, 3], [2, 3, 3]]:
        noise = lambda: draw(rng, shape, -0.6, 0.6, margin=0.05)
        x = lambda: noise() + np.eye(shape[-1])
        cases.add("cofactor", [x])
        if shape[-1] > 2:  # Of two rows the cofactors are linear: their slope does not change.
            cases.add("cofactor_slope", [x, shape])
    cases.add("weigh", [[2, 3], [3]])
    cases.add("weigh", [[], []])


def main():
    cases = Cases()
    elementwise(cases)
    reductions(cases)
    layouts(cases)
    products(cases)
    moving_windows(cases)
    matrices(cases)
    # A value that gradients do not pass, beside itself.
    x = draw(cases.rng, [3])
    steps = [("detach", [0], {}), ("mul", [0, 1], {}), ("square", [2], {})]
    cases.cases.append(cases.case("detach", steps, [x]))
    programs(cases, 50)
    # After the programs, so that what is drawn for the others stays.
    of_layers(cases)
    labels_as_operands(cases)
    volumes(cases)
    cofactors(cases)
    singles = len(cases.cases) - 50
    names = [case["name"] for case in cases.cases]
    assert len(set(names)) == len(names), {n for n in names if names.count(n) > 1}
    lines = [json.dumps(stored(case), separators=(",", ":")) for case in cases.cases]
    head = f'"about":"made by scripts/reference.py with jax {jax.__version__}, in f64"'
    text = "{" + head + ',"cases":[\n' + ",\n".join(lines) + "\n]}\n"
    with open(OUT, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
        out.write(text.encode())
    kib = OUT.stat().st_size / 1024
    print(f"{singles} cases of ops, {len(names) - singles} programs, {kib:.0f} KiB: {OUT.name}")


if __name__ == "__main__":
    main()
