"""Computes the references for the tests of `nn` with PyTorch, in float64 on the CPU.

    python scripts/torch_reference.py [layers] [losses] [optimizers] [models]

needs `torch`, `numpy` and `safetensors`, takes less than a minute, and writes the files of
crates/nn/tests/torch, which are part of the repository: the Rust tests read them and need no
Python. crates/nn/tests/torch/README.md says what is in them, key by key.

PyTorch computes every value, gradient and update. What PyTorch has not is written here from its
publication: Lion, and the hinge loss of two classes.

Every input, parameter, buffer and cotangent of a layer or a loss is a multiple of 1/256, so it is
the same number in f32 and in f64. A case is checked before it is stored:

- every gradient against central differences of the sixth order, element by element;
- nothing that it computes lies within MARGIN of a kink (a relu's zero, two equal elements under a
  max pool); a draw that does is drawn again. An op that is neither in SMOOTH nor in KINKS is
  refused, so that no kink goes unseen;
- no gradient is zero throughout;
- PyTorch's own results in f32 are within 3e-6 of the largest element, so that a test in f32 with a
  tolerance of 1e-5 tells a mistake from rounding.

The steps of an optimiser are taken a second time, each gradient changed in its last place: they
must end where they did to 1e-13.

The draws come from Python's own generator, seeded by the name of the case: a case does not change
when others are added, nor with the version of PyTorch.
"""

import gzip
import inspect
import json
import math
import pathlib
import random
import sys
import warnings

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
# PyTorch warns of a padding "same" that needs a copy of the input, which changes no number.
warnings.filterwarnings("ignore", message="Using padding='same'")
warnings.filterwarnings("ignore", message="reduction: 'mean' divides the total loss")

OUT = pathlib.Path(__file__).parent.parent / "crates" / "nn" / "tests" / "torch"


# ---------------------------------------------------------------------------------------------
# Numbers. Every one is a multiple of 1/256.

GRID = 256


def on_grid(low, high):
    return [i / GRID for i in range(math.ceil(low * GRID), math.floor(high * GRID) + 1)]


def distinct(rng, shape, low=-2.0, high=2.0):
    """Inputs: distinct numbers between two bounds, so that no maximum is tied. No zero."""
    allowed = [x for x in on_grid(low, high) if x != 0]
    return np.array(rng.sample(allowed, math.prod(shape))).reshape(shape)


def uniform(rng, shape, low, high):
    numbers = [rng.choice(on_grid(low, high)) for _ in range(math.prod(shape))]
    return np.array(numbers).reshape(shape)


def away_from_zero(rng, shape):
    """Cotangents: of both signs, none near 0."""
    sizes = on_grid(0.25, 1.5)
    numbers = [rng.choice([-1, 1]) * rng.choice(sizes) for _ in range(math.prod(shape))]
    return np.array(numbers).reshape(shape)


def drawn_state(rng, name, tensor):
    """A parameter or a buffer: never what it starts as, so that one that is not loaded shows."""
    shape = list(tensor.shape)
    last = name.rsplit(".")[-1]
    if last == "num_batches_tracked":
        return np.array(3)
    if last == "running_var":
        return uniform(rng, shape, 0.5, 2.0)
    if last == "running_mean":
        return uniform(rng, shape, -0.75, 0.75)
    if last == "weight" and (len(shape) == 1 or "norm" in name):
        return uniform(rng, shape, 0.5, 1.5)
    if "bias" in last or len(shape) == 1:
        return uniform(rng, shape, -0.75, 0.75)
    bound = max(0.25, 1.75 / math.sqrt(math.prod(shape[1:])))
    return uniform(rng, shape, -bound, bound)


# ---------------------------------------------------------------------------------------------
# What a case is held against before it is stored.

MARGIN = 2e-3


def window_gaps(x, kernel, stride=None, padding=0, dilation=1, ceil_mode=False):
    """How far the largest element of each window is above the next."""
    assert not ceil_mode
    spatial = x.dim() - 2
    per_axis = lambda v: [v] * spatial if isinstance(v, int) else list(v) * (spatial // len(v))
    kernel, padding, dilation = per_axis(kernel), per_axis(padding), per_axis(dilation)
    stride = per_axis(stride) if stride else kernel
    x = F.pad(x, [p for n in reversed(padding) for p in (n, n)], value=-math.inf)
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation)):
        x = x.unfold(axis + 2, (k - 1) * d + 1, s)[..., ::d]
    best = x.flatten(2 + spatial).topk(2, dim=-1).values
    return best[..., 0] - best[..., 1]


def multi_margin_gaps(x, target, p=1, margin=1.0, *_):
    of_target = x.gather(1, target[:, None])
    gaps = margin - of_target + x
    return gaps[torch.arange(x.shape[1])[None] != target[:, None]]


# The distance from a kink of every element: of the op's arguments.
KINKS = {
    "relu": lambda x: x,
    "abs": lambda x: x,
    "leaky_relu": lambda x, *_: x,
    "elu": lambda x, *_: x,
    "_prelu_kernel": lambda x, _: x,
    "hardtanh": lambda x, low=-1.0, high=1.0: torch.minimum((x - low).abs(), (x - high).abs()),
    "hardswish": lambda x: x.abs() - 3,
    # Above the threshold PyTorch returns x itself, which is off by less than exp(-20) / beta.
    "softplus": lambda x, beta=1.0, threshold=20.0: threshold / beta - x,
    "clamp_min": lambda x, low: x - low,
    "smooth_l1_loss": lambda x, t, _=1, beta=1.0: (x - t).abs() - beta,
    "huber_loss": lambda x, t, _=1, delta=1.0: (x - t).abs() - delta,
    "multi_margin_loss": multi_margin_gaps,
    "max_pool2d_with_indices": window_gaps,
    "adaptive_max_pool2d": lambda x, _: window_gaps(x, list(x.shape[2:])),
}

SMOOTH = set(
    "add addmm avg_pool2d baddbmm binary_cross_entropy binary_cross_entropy_with_logits bmm cat "
    "clone constant_pad_nd convolution copy div embedding empty exp expand gelu "
    "log_sigmoid_forward _log_softmax mean mish mm mse_loss mul native_batch_norm "
    "native_group_norm native_layer_norm neg nll_loss2d_forward nll_loss_forward permute pow rsqrt "
    "rsub _safe_softmax select sigmoid silu _softmax split squeeze stack sub sum t tanh transpose "
    "unbind unsafe_split _unsafe_view unsqueeze view xlogy zeros zeros_like "
    # Of masks and labels, never of what is differentiated.
    "bitwise_not eq gather masked_fill ones triu".split()
)


class KinkWatch(TorchDispatchMode):
    """Measures how near to a kink a computation comes."""

    def __init__(self):
        super().__init__()
        self.nearest, self.unknown = math.inf, set()

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        # The name of an op that works in place ends in an underscore.
        name = op.overloadpacket.__name__.removesuffix("_")
        if name in KINKS:
            distances = KINKS[name](*args, **kwargs)
            if distances.numel():
                self.nearest = min(self.nearest, distances.abs().min().item())
        elif name not in SMOOTH:
            self.unknown.add(name)
        return op(*args, **kwargs)


def near_a_kink(compute):
    """Whether what is computed comes within MARGIN of a kink."""
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), KinkWatch() as watch:
        compute()
    assert not watch.unknown, f"ops that may have a kink: {watch.unknown}"
    return watch.nearest < MARGIN


def check_gradient(name, what, loss, x, gradient, untrained_row=None):
    """Holds a gradient against central differences of the sixth order. An untrained row has a
    gradient of zero by definition."""
    h, coefficients = 2e-4, {-3: -1, -2: 9, -1: -45, 1: 45, 2: -9, 3: 1}
    flat, differences = x.data.view(-1), torch.zeros(x.numel(), dtype=torch.float64)
    for i in range(flat.numel()):
        at = flat[i].item()
        for steps, coefficient in coefficients.items():
            flat[i] = at + steps * h
            with torch.no_grad():
                differences[i] += coefficient * loss().item() / (60 * h)
        flat[i] = at
    differences = differences.reshape(gradient.shape)
    if untrained_row is not None:
        differences[untrained_row] = 0
    error = (differences - gradient).abs().max().item()
    largest = gradient.abs().max().item()
    assert error <= 1e-10 * max(1.0, largest), f"{name}: {what} is off by {error:.1e}"
    assert largest > 1e-3, f"{name}: {what} vanishes: {largest:.1e}"


def check_single(name, what, single, reference):
    """Holds what PyTorch computes in f32 against the reference, so that 1e-5 is within reach."""
    assert single.dtype == torch.float32
    error = (single - reference).abs().max() / reference.abs().max()
    assert error < 3e-6, f"{name}: {what} is off by {error:.1e} in f32"


# ---------------------------------------------------------------------------------------------
# What is stored.


def plain(x):
    """What JSON holds. A tensor is {shape, data}; a whole number is written without a point."""
    if isinstance(x, torch.Tensor):
        x = x.detach().numpy()
    if isinstance(x, np.ndarray):
        elements = x.ravel().tolist()
        if x.dtype.kind == "f":
            assert np.isfinite(x).all()
            elements = [int(e) if e == int(e) else e for e in elements]
        return {"shape": list(x.shape), "data": elements}
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, float) and math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return x


def write(name, **lists):
    """One line a case, so that a change of one case is a change of one line."""
    about = f"made by scripts/torch_reference.py with torch {torch.__version__}, in float64"
    parts = [f'"about":{json.dumps(about)}']
    for key, items in lists.items():
        names = [item["name"] for item in items]
        assert len(set(names)) == len(names), {n for n in names if names.count(n) > 1}
        lines = [json.dumps(plain(item), separators=(",", ":"), allow_nan=False) for item in items]
        parts.append(f'"{key}":[\n' + ",\n".join(lines) + "\n]")
    text = "{" + ",\n".join(parts) + "}\n"
    path = OUT / f"{name}.json.gz"
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
        out.write(text.encode())
    counts = ", ".join(f"{len(items)} {key}" for key, items in lists.items())
    print(f"{path.name}: {counts}, {path.stat().st_size / 1024:.0f} KiB", flush=True)


def tensor(x, gradient=False):
    x = torch.tensor(x, dtype=torch.float64 if x.dtype.kind == "f" else None)
    return x.requires_grad_() if gradient and x.is_floating_point() else x


def in_words(settings):
    return ", ".join(f"{k}={v}" for k, v in settings.items())


# ---------------------------------------------------------------------------------------------
# Layers.


# The gradients of PyTorch's own hardsigmoid and celu are good to single precision only, in float64
# too: one has 1/6 as a float, the other 1/alpha. These are the same functions, of its other ops.


class Hardsigmoid(nn.Module):
    def forward(self, x):
        return F.relu6(x + 3) / 6


class CELU(nn.Module):
    def __init__(self, alpha):
        super().__init__()
        self.alpha = alpha

    def forward(self, x):
        return self.alpha * F.elu(x / self.alpha)


# The layers that are not a class of PyTorch's with the same name and settings.
BUILT_OF = {
    "Hardsigmoid": Hardsigmoid,
    "CELU": CELU,
    "GlobalAvgPool1d": lambda: nn.AdaptiveAvgPool1d(1),
    "GlobalAvgPool2d": lambda: nn.AdaptiveAvgPool2d(1),
    "GlobalMaxPool1d": lambda: nn.AdaptiveMaxPool1d(1),
    "GlobalMaxPool2d": lambda: nn.AdaptiveMaxPool2d(1),
}

RECURRENT = dict(
    num_layers=1, bias=True, batch_first=True, bidirectional=False, dropout=0.0, proj_size=0
)


def all_settings(kind, given):
    """The settings with the defaults of PyTorch, and those of an axis each as a list."""
    if kind.startswith("Global"):
        return {}
    if kind in ("RNN", "LSTM", "GRU"):
        settings = RECURRENT | ({"nonlinearity": "tanh"} if kind == "RNN" else {}) | given
        return {k: v for k, v in settings.items() if k not in ("dropout", "proj_size")}
    settings = {}
    for name, parameter in inspect.signature(getattr(nn, kind)).parameters.items():
        known = name in given or parameter.default is not inspect.Parameter.empty
        if known and not name.startswith("_") and name not in ("device", "dtype", "inplace"):
            settings[name] = given.get(name, parameter.default)
    assert set(given) <= set(settings), f"{kind} has no {set(given) - set(settings)}"
    rank = next((r for r in (1, 2) if kind.endswith(f"{r}d")), None)
    windows = ("kernel_size", "stride", "padding", "dilation", "output_padding")
    if rank and "kernel_size" in settings:
        if settings["stride"] is None:
            settings["stride"] = settings["kernel_size"]
        for key in windows:
            if isinstance(settings.get(key), int):
                settings[key] = [settings[key]] * rank
    return settings


def build(kind, settings):
    as_tuple = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    make = BUILT_OF.get(kind) or getattr(nn, kind)
    return make(**as_tuple).double()


def attention_mask(length, causal):
    return torch.ones(length, length, dtype=torch.bool).triu(1) if causal else None


def run(kind, module, x, causal):
    """All outputs of a layer by name."""
    if kind in ("RNN", "GRU"):
        output, h_n = module(x["input"], x.get("h_0"))
        return {"output": output, "h_n": h_n}
    if kind == "LSTM":
        state = (x["h_0"], x["c_0"]) if "h_0" in x else None
        output, (h_n, c_n) = module(x["input"], state)
        return {"output": output, "h_n": h_n, "c_n": c_n}
    if kind == "MultiheadAttention":
        query = x["input"] if "input" in x else x["query"]
        output, attention = module(
            query,
            x.get("key", query),
            x.get("value", query),
            key_padding_mask=x.get("key_padding_mask"),
            attn_mask=attention_mask(query.shape[1], causal),
            average_attn_weights=False,
        )
        return {"output": output, "attention": attention}
    if kind == "TransformerEncoderLayer":
        x, mask = x["input"], x.get("key_padding_mask")
        mask = {"src_mask": attention_mask(x.shape[1], causal), "src_key_padding_mask": mask}
        return {"output": module(x, **mask)}
    return {"output": module(x["input"])}


# Of the outputs, those whose gradient is taken unless a case says otherwise.
DIFFERENTIATED = ("output", "h_n", "c_n")


class Layers:
    def __init__(self):
        self.cases = []

    def case(self, kind, given, inputs, note="", **options):
        """`inputs` by name, or the shape of the only one: shapes of what is drawn, or arrays."""
        settings = all_settings(kind, given)
        inputs = inputs if isinstance(inputs, dict) else {"input": inputs}
        shapes = [list(x.shape) if isinstance(x, np.ndarray) else x for x in inputs.values()]
        name = f"{kind}({in_words(given)}) of {' and '.join(map(str, shapes))}"
        name += f", {note}" if note else ""
        for attempt in range(200):
            rng = random.Random(f"{name} {attempt}")
            case = self.attempt(rng, name, kind, settings, inputs, **options)
            if case:
                self.cases.append(case)
                return
        raise AssertionError(f"{name}: always near a kink")

    def attempt(
        self,
        rng,
        name,
        kind,
        settings,
        inputs,
        training=True,
        causal=None,
        through=DIFFERENTIATED,
        span=2.0,
    ):
        module = build(kind, settings).train(training)
        state = {k: tensor(drawn_state(rng, k, v)) for k, v in module.state_dict().items()}
        if settings.get("padding_idx") is not None:
            assert state["weight"][settings["padding_idx"]].abs().min() > 0
        x = {
            k: tensor(v if isinstance(v, np.ndarray) else distinct(rng, v, -span, span), True)
            for k, v in inputs.items()
        }

        def outputs():
            with torch.no_grad():
                for key, buffer in module.named_buffers():
                    buffer.copy_(state[key])
            with sdpa_kernel(SDPBackend.MATH):
                return run(kind, module, x, causal)

        module.load_state_dict(state)
        if near_a_kink(outputs):
            return None

        y = outputs()
        buffers = {k: v.clone() for k, v in module.named_buffers()}
        cotangents = {k: tensor(away_from_zero(rng, v.shape)) for k, v in y.items() if k in through}
        loss = lambda y: sum((y[k] * c).sum() for k, c in cotangents.items())
        loss(y).backward()

        parameters = dict(module.named_parameters())
        differentiable = {k: v for k, v in x.items() if v.requires_grad}
        value = lambda: loss(outputs())
        for key, of in {**differentiable, **parameters}.items():
            check_gradient(name, key, value, of, of.grad, settings.get("padding_idx"))
        self.in_single(name, kind, settings, training, causal, state, x, y, cotangents, parameters)
        case = {
            "name": name,
            "layer": kind,
            "settings": settings,
            "training": training,
            "state": state,
            "inputs": x,
            "outputs": y,
            "cotangents": cotangents,
            "input_gradients": {k: v.grad for k, v in differentiable.items()},
            "parameter_gradients": {k: v.grad for k, v in parameters.items()},
        }
        if causal is not None:
            case["causal"] = causal
        if buffers:
            case["buffers_after"] = buffers
        return case

    def in_single(
        self, name, kind, settings, training, causal, state, inputs, outputs, cotangents, parameters
    ):
        module = build(kind, settings).float().train(training)
        module.load_state_dict(state)
        x = {
            k: v.detach().float().requires_grad_() if v.requires_grad else v
            for k, v in inputs.items()
        }
        y = run(kind, module, x, causal)
        for key, output in y.items():
            check_single(name, key, output, outputs[key])
        sum((y[k] * c.float()).sum() for k, c in cotangents.items()).backward()
        for key, of in {**inputs, **parameters}.items():
            if of.requires_grad:
                single = x[key] if key in x else module.get_parameter(key)
                check_single(name, f"the gradient of {key}", single.grad, of.grad)


def linear(layers):
    layers.case("Linear", dict(in_features=3, out_features=5), [4, 3])
    layers.case("Linear", dict(in_features=5, out_features=2, bias=False), [3, 5])
    layers.case("Linear", dict(in_features=4, out_features=3), [1, 4])
    layers.case("Linear", dict(in_features=1, out_features=1), [3, 1])
    layers.case("Linear", dict(in_features=3, out_features=4), [2, 5, 3])


def convolutions(layers):
    def conv1(given, shape):
        layers.case("Conv1d", dict(in_channels=shape[1]) | given, shape)

    conv1(dict(out_channels=3, kernel_size=3), [2, 2, 7])
    conv1(dict(out_channels=3, kernel_size=1), [1, 2, 5])
    conv1(dict(out_channels=2, kernel_size=3, stride=2, padding=1), [2, 3, 8])
    conv1(dict(out_channels=2, kernel_size=4, stride=3, padding=2, dilation=2), [2, 3, 11])
    conv1(dict(out_channels=3, kernel_size=3, padding="same"), [2, 2, 7])
    conv1(dict(out_channels=3, kernel_size=4, padding="same"), [2, 2, 7])
    conv1(dict(out_channels=2, kernel_size=4, padding="same", dilation=3), [1, 2, 11])
    conv1(dict(out_channels=2, kernel_size=3, padding="valid", bias=False), [2, 3, 6])
    conv1(dict(out_channels=6, kernel_size=3, groups=2), [2, 4, 7])
    conv1(dict(out_channels=6, kernel_size=3, groups=3, padding=1), [1, 3, 6])
    conv1(dict(out_channels=2, kernel_size=5), [2, 3, 5])

    def conv2(given, shape):
        layers.case("Conv2d", dict(in_channels=shape[1]) | given, shape)

    conv2(dict(out_channels=3, kernel_size=[3, 2]), [2, 2, 5, 7])
    conv2(dict(out_channels=3, kernel_size=1), [1, 2, 3, 4])
    conv2(dict(out_channels=2, kernel_size=3, stride=2, padding=1), [2, 3, 7, 6])
    conv2(dict(out_channels=2, kernel_size=[2, 3], stride=[3, 1], padding=[0, 2]), [2, 2, 8, 5])
    conv2(dict(out_channels=2, kernel_size=[3, 2], dilation=[2, 3], padding=[1, 2]), [1, 2, 7, 6])
    conv2(dict(out_channels=3, kernel_size=3, padding="same"), [2, 2, 4, 5])
    conv2(dict(out_channels=2, kernel_size=[2, 4], padding="same"), [1, 2, 5, 6])
    conv2(dict(out_channels=2, kernel_size=[4, 3], padding="same", dilation=[1, 2]), [1, 2, 6, 5])
    conv2(dict(out_channels=2, kernel_size=3, padding="valid", bias=False), [2, 3, 5, 4])
    conv2(dict(out_channels=6, kernel_size=[2, 3], groups=2, stride=2, padding=1), [2, 4, 5, 6])
    conv2(dict(out_channels=3, kernel_size=3, groups=3, padding=1), [2, 3, 4, 5])
    conv2(dict(out_channels=4, kernel_size=3, groups=2, padding=1, bias=False), [1, 2, 5, 4])
    conv2(dict(out_channels=3, kernel_size=[4, 5]), [2, 2, 4, 5])

    def up1(given, shape):
        layers.case("ConvTranspose1d", dict(in_channels=shape[1]) | given, shape)

    up1(dict(out_channels=3, kernel_size=3), [2, 2, 5])
    up1(dict(out_channels=2, kernel_size=4, stride=2, padding=1), [2, 3, 5])
    up1(dict(out_channels=2, kernel_size=3, stride=3, padding=1, output_padding=2), [1, 3, 4])
    up1(dict(out_channels=4, kernel_size=3, stride=2, groups=2, bias=False), [2, 4, 4])
    up1(dict(out_channels=2, kernel_size=3, stride=2, dilation=2, output_padding=1), [2, 3, 4])

    def up2(given, shape):
        layers.case("ConvTranspose2d", dict(in_channels=shape[1]) | given, shape)

    up2(dict(out_channels=3, kernel_size=[3, 2]), [2, 2, 3, 4])
    up2(dict(out_channels=2, kernel_size=4, stride=2, padding=1), [1, 3, 3, 4])
    up2(dict(out_channels=2, kernel_size=3, stride=2, padding=1, output_padding=1), [2, 3, 2, 3])
    up2(
        dict(
            out_channels=2,
            kernel_size=[2, 3],
            stride=[3, 2],
            padding=[1, 0],
            output_padding=[2, 1],
            dilation=[1, 2],
        ),
        [1, 2, 3, 2],
    )
    up2(dict(out_channels=6, kernel_size=[3, 2], stride=[1, 2], groups=2), [2, 4, 2, 3])
    up2(dict(out_channels=3, kernel_size=3, groups=3, bias=False, padding=[2, 1]), [1, 3, 4, 3])


def pooling(layers):
    layers.case("MaxPool1d", dict(kernel_size=2), [2, 3, 7])
    layers.case("MaxPool1d", dict(kernel_size=3, stride=2, padding=1), [2, 2, 8])
    layers.case("MaxPool1d", dict(kernel_size=3, stride=1, dilation=2), [1, 2, 9])
    layers.case("MaxPool2d", dict(kernel_size=2), [2, 2, 5, 6])
    layers.case("MaxPool2d", dict(kernel_size=[3, 2], stride=[2, 3], padding=[1, 0]), [2, 2, 5, 8])
    layers.case("MaxPool2d", dict(kernel_size=3, stride=1, padding=1), [1, 2, 4, 5])
    layers.case("MaxPool2d", dict(kernel_size=2, stride=2, dilation=[2, 3]), [1, 3, 6, 7])
    layers.case("AvgPool1d", dict(kernel_size=2), [2, 3, 7])
    layers.case("AvgPool2d", dict(kernel_size=2), [2, 2, 5, 6])
    for count in (True, False):
        one = dict(kernel_size=3, stride=2, padding=1, count_include_pad=count)
        layers.case("AvgPool1d", one, [2, 2, 8])
        two = dict(kernel_size=[3, 2], stride=[2, 1], padding=[1, 1], count_include_pad=count)
        layers.case("AvgPool2d", two, [1, 2, 5, 4])
    for reduction in ("Avg", "Max"):
        layers.case(f"Global{reduction}Pool1d", {}, [2, 3, 5])
        layers.case(f"Global{reduction}Pool2d", {}, [2, 3, 4, 5])


def normalisations(layers):
    for training in (True, False):
        note = "training" if training else "evaluation"

        def batch_norm(kind, given, shape):
            given = dict(num_features=shape[1]) | given
            layers.case(kind, given, shape, note, training=training)

        batch_norm("BatchNorm1d", {}, [5, 3])
        batch_norm("BatchNorm1d", dict(eps=1e-3, momentum=0.3), [4, 3])
        batch_norm("BatchNorm1d", dict(affine=False), [4, 2])
        batch_norm("BatchNorm1d", dict(momentum=0.25), [2, 3, 5])
        batch_norm("BatchNorm2d", {}, [2, 3, 3, 4])
        batch_norm("BatchNorm2d", dict(eps=2e-2, momentum=0.7), [3, 2, 4, 3])
        batch_norm("BatchNorm2d", dict(affine=False, momentum=0.05), [2, 2, 2, 5])
        batch_norm("BatchNorm2d", {}, [1, 3, 3, 2])
    without = dict(num_features=3, track_running_stats=False)
    layers.case("BatchNorm1d", without, [4, 3], "evaluation", training=False)

    layers.case("LayerNorm", dict(normalized_shape=[5]), [3, 5])
    layers.case("LayerNorm", dict(normalized_shape=[4], eps=1e-2), [2, 3, 4])
    layers.case("LayerNorm", dict(normalized_shape=[3, 4]), [2, 3, 4])
    layers.case("LayerNorm", dict(normalized_shape=[5], bias=False), [1, 5])
    layers.case("LayerNorm", dict(normalized_shape=[4, 3], elementwise_affine=False), [2, 4, 3])
    layers.case("RMSNorm", dict(normalized_shape=[5], eps=1e-5), [3, 5])
    layers.case("RMSNorm", dict(normalized_shape=[3, 4], eps=1e-2), [2, 3, 4])
    without = dict(normalized_shape=[4], eps=1e-6, elementwise_affine=False)
    layers.case("RMSNorm", without, [1, 3, 4])
    layers.case("GroupNorm", dict(num_groups=2, num_channels=4), [2, 4, 3, 2])
    layers.case("GroupNorm", dict(num_groups=3, num_channels=6, eps=1e-2), [2, 6, 5])
    layers.case("GroupNorm", dict(num_groups=1, num_channels=3), [1, 3, 2, 3])
    layers.case("GroupNorm", dict(num_groups=3, num_channels=3), [2, 3, 4])
    layers.case("GroupNorm", dict(num_groups=2, num_channels=6, affine=False), [3, 6])


def embeddings(layers):
    def embedding(given, indices):
        layers.case("Embedding", given, {"input": np.array(indices)})

    # An index that comes twice adds up; one that never comes has a gradient of zero.
    embedding(dict(num_embeddings=6, embedding_dim=3), [[1, 4, 1], [0, 5, 4]])
    embedding(dict(num_embeddings=4, embedding_dim=5), [3, 0, 3, 1, 3])
    embedding(dict(num_embeddings=5, embedding_dim=2, padding_idx=0), [[0, 2, 4], [2, 0, 0]])
    embedding(dict(num_embeddings=5, embedding_dim=3, padding_idx=4), [[1, 4, 0, 4]])


def recurrent(layers):
    def case(kind, given, shape, initial=False, note="", through=DIFFERENTIATED):
        given = dict(input_size=shape[2], hidden_size=4) | given
        inputs = {"input": shape}
        if initial:
            batch = shape[0] if given.get("batch_first", True) else shape[1]
            directions = given.get("num_layers", 1) * (2 if given.get("bidirectional") else 1)
            inputs["h_0"] = [directions, batch, given["hidden_size"]]
            if kind == "LSTM":
                inputs["c_0"] = [directions, batch, given["hidden_size"]]
        layers.case(kind, given, inputs, note, through=through)

    for kind in ("RNN", "LSTM", "GRU"):
        case(kind, {}, [2, 5, 3])
        case(kind, {}, [3, 4, 2], initial=True)
        case(kind, dict(num_layers=2), [2, 4, 3])
        case(kind, dict(num_layers=2, hidden_size=3), [1, 5, 2], initial=True)
        case(kind, dict(bidirectional=True), [2, 4, 3])
        case(kind, dict(bidirectional=True, hidden_size=3), [3, 3, 2], initial=True)
        both = dict(num_layers=2, bidirectional=True, hidden_size=3)
        case(kind, both, [2, 4, 2])
        case(kind, both, [2, 5, 2], initial=True)
        case(kind, dict(bias=False, hidden_size=2), [2, 3, 3], initial=True)
        case(kind, dict(batch_first=False, hidden_size=3), [4, 2, 3], initial=True)
        case(kind, {}, [1, 1, 3], initial=True)
        through = {"output": "through the outputs", "h_n": "through the last hidden state"}
        if kind == "LSTM":
            through["c_n"] = "through the last cell state"
        for output, note in through.items():
            case(kind, dict(hidden_size=3), [2, 4, 2], True, note, (output,))
    both = dict(nonlinearity="relu", num_layers=2, bidirectional=True, hidden_size=3)
    case("RNN", dict(nonlinearity="relu"), [2, 4, 3])
    case("RNN", dict(nonlinearity="relu", hidden_size=3), [2, 4, 2], initial=True)
    case("RNN", both, [2, 3, 2], initial=True)


# True marks a key that is not looked at: two sequences, of 5 and of 3 words.
PADDING = np.array([[False] * 5, [False, False, False, True, True]])
# Padding in front.
PADDING_BEFORE = np.array([[True, False, False, False], [False, False, False, False]])


def attention(layers):
    def self_attention(given, shape, causal=False, mask=None, through=("output",)):
        given = dict(embed_dim=shape[2], batch_first=True) | given
        inputs = {"input": shape} | ({} if mask is None else {"key_padding_mask": mask})
        note = "causal" if causal else ""
        layers.case("MultiheadAttention", given, inputs, note, causal=causal, through=through)

    self_attention(dict(num_heads=2), [2, 3, 6])
    self_attention(dict(num_heads=1), [1, 4, 3])
    self_attention(dict(num_heads=3), [1, 4, 6], causal=True)
    self_attention(dict(num_heads=2), [2, 5, 4], mask=PADDING)
    self_attention(dict(num_heads=2), [2, 4, 4], mask=PADDING_BEFORE)
    self_attention(dict(num_heads=2), [2, 5, 6], causal=True, mask=PADDING)
    self_attention(dict(num_heads=2, bias=False), [2, 3, 4])
    self_attention(dict(num_heads=2, bias=False), [2, 5, 4], causal=True, mask=PADDING)
    self_attention(dict(num_heads=2), [2, 1, 4])

    cross = {"query": [2, 3, 4], "key": [2, 5, 4], "value": [2, 5, 4]}
    given = dict(embed_dim=4, num_heads=2, batch_first=True)
    layers.case("MultiheadAttention", given, cross, causal=False, through=("output",))
    cross["key_padding_mask"] = PADDING
    layers.case("MultiheadAttention", given, cross, causal=False, through=("output",))


def transformers(layers):
    for norm_first in (True, False):
        for activation in ("relu", "gelu"):
            given = dict(d_model=6, nhead=2, dim_feedforward=7, dropout=0.0, activation=activation)
            given |= dict(norm_first=norm_first, batch_first=True)
            kind = "TransformerEncoderLayer"
            layers.case(kind, given, [1, 4, 6], "causal", causal=True)
            masked = {"input": [2, 5, 6], "key_padding_mask": PADDING}
            layers.case(kind, given | dict(layer_norm_eps=1e-3), masked, causal=False)
    given = dict(d_model=4, nhead=2, dim_feedforward=5, dropout=0.0, activation="relu")
    given |= dict(batch_first=True)
    layers.case("TransformerEncoderLayer", given | dict(bias=False), [2, 3, 4], causal=False)
    masked = {"input": [2, 5, 4], "key_padding_mask": PADDING}
    layers.case("TransformerEncoderLayer", given, masked, "causal", causal=True)


def activations(layers):
    def case(kind, given=None, shape=(3, 5), span=2.0):
        layers.case(kind, given or {}, list(shape), span=span)

    for kind in ("ReLU", "Sigmoid", "Tanh", "Softsign", "LogSigmoid", "SiLU", "Mish", "SELU"):
        case(kind, span=4.0)
    for kind in ("Hardswish", "Hardsigmoid"):
        case(kind, span=5.0)
    for slope in (0.01, 0.3):
        case("LeakyReLU", dict(negative_slope=slope))
    for alpha in (1.0, 0.7):
        case("ELU", dict(alpha=alpha))
        case("CELU", dict(alpha=alpha))
    for form in ("none", "tanh"):
        case("GELU", dict(approximate=form), span=4.0)
    case("Softplus", span=4.0)
    case("Softplus", dict(beta=2.5), span=4.0)
    case("Hardtanh")
    case("Hardtanh", dict(min_val=-0.5, max_val=1.25))
    for kind in ("Softmax", "LogSoftmax"):
        case(kind, dict(dim=-1), [3, 4])
        case(kind, dict(dim=1), [2, 3, 4])
    case("PReLU")
    case("PReLU", dict(num_parameters=3), [2, 3])
    case("PReLU", dict(num_parameters=3), [2, 3, 4])
    case("PReLU", dict(num_parameters=2), [1, 2, 3, 4])


def make_layers():
    layers = Layers()
    for group in (
        linear,
        convolutions,
        pooling,
        normalisations,
        embeddings,
        recurrent,
        attention,
        transformers,
        activations,
    ):
        group(layers)
    write("layers", cases=layers.cases)


# ---------------------------------------------------------------------------------------------
# Losses.


def hinge(x, target, reduction):
    """max(0, 1 - t x) of targets -1 and 1: PyTorch has it for several classes only."""
    losses = (1 - target * x).clamp_min(0)
    return losses.mean() if reduction == "mean" else losses.sum()


# What computes a loss, and PyTorch's settings of it.
LOSSES = {
    "mse": (F.mse_loss, {}),
    "l1": (F.l1_loss, {}),
    "huber": (F.huber_loss, dict(delta=1.0)),
    "smooth_l1": (F.smooth_l1_loss, dict(beta=1.0)),
    "bce": (F.binary_cross_entropy, {}),
    "bce_with_logits": (F.binary_cross_entropy_with_logits, {}),
    "cross_entropy": (F.cross_entropy, dict(ignore_index=-100, label_smoothing=0.0)),
    "nll": (F.nll_loss, dict(ignore_index=-100)),
    "hinge": (hinge, {}),
    "multi_margin": (F.multi_margin_loss, dict(p=1, margin=1.0)),
    "kl_div": (F.kl_div, dict(log_target=False)),
}


class Losses:
    def __init__(self):
        self.cases = []

    def case(self, loss, settings, input, target, note="", **weights):
        """`input` and `target` are functions of a generator; the weights are lists."""
        settings = {"reduction": "mean"} | settings
        shape = list(input(random.Random(0)).shape)
        name = f"{loss}({in_words(settings)}) of {shape}"
        name += f" with {', '.join(weights)}" if weights else ""
        name += f", {note}" if note else ""
        compute, defaults = LOSSES[loss]
        settings = defaults | settings
        for attempt in range(100):
            rng = random.Random(f"{name} {attempt}")
            x, t = tensor(input(rng), True), tensor(target(rng))
            extra = {k: tensor(np.array(v, float)) for k, v in weights.items()}
            value = lambda: compute(x, t, **extra, **settings)
            if not near_a_kink(value):
                break
        else:
            raise AssertionError(f"{name}: always near a kink")
        y = value()
        y.backward()
        check_gradient(name, "the gradient", value, x, x.grad)
        single = x.detach().float().requires_grad_()
        as_single = lambda v: v.float() if v.is_floating_point() else v
        more = {k: as_single(v) for k, v in extra.items()}
        y_single = compute(single, as_single(t), **more, **settings)
        y_single.backward()
        check_single(name, "the value", y_single, y)
        check_single(name, "the gradient", single.grad, x.grad)
        self.cases.append(
            {
                "name": name,
                "loss": loss,
                "settings": settings,
                "input": x,
                "target": t,
                **extra,
                "value": y.item(),
                "gradient": x.grad,
            }
        )


def normalised(x, axis):
    """Positive numbers as probabilities, still multiples of 1/256."""
    units = np.floor(x / x.sum(axis, keepdims=True) * GRID)
    index = [slice(None)] * x.ndim
    index[axis] = 0
    units[tuple(index)] += GRID - units.sum(axis)
    return units / GRID


def make_losses():
    losses = Losses()
    logits = lambda shape: lambda rng: distinct(rng, shape)
    chances = lambda shape: lambda rng: distinct(rng, shape, 0.05, 0.95)
    probabilities = lambda shape: lambda rng: normalised(uniform(rng, shape, 0.25, 1.0), 1)
    fixed = lambda values: lambda _: np.array(values)
    log_probabilities = lambda shape: lambda rng: -distinct(rng, shape, 0.1, 3.0)

    for reduction in ("mean", "sum"):
        of = dict(reduction=reduction)
        losses.case("mse", of, logits([3, 4]), logits([3, 4]))
        losses.case("mse", of, logits([2, 3, 2]), logits([2, 3, 2]))
        losses.case("l1", of, logits([3, 4]), logits([3, 4]))
        for width in (0.7, 1.5):
            losses.case("huber", of | dict(delta=width), logits([4, 3]), logits([4, 3]))
            losses.case("smooth_l1", of | dict(beta=width), logits([4, 3]), logits([4, 3]))
        losses.case("smooth_l1", of, logits([4, 3]), logits([4, 3]))
        yes_no = fixed([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        losses.case("bce", of, chances([3, 2]), yes_no, "targets 0 and 1")
        losses.case("bce", of, chances([4, 3]), chances([4, 3]), "soft targets")
        losses.case("bce_with_logits", of, logits([3, 2]), yes_no, "targets 0 and 1")
        losses.case("bce_with_logits", of, logits([4, 3]), chances([4, 3]), "soft targets")
    losses.case("mse", {}, logits([1, 3]), logits([1, 3]))
    by_element = [[0.5], [2.0], [1.25], [0.0]]
    by_class = [0.25, 3.0, 1.5]
    soft = chances([4, 3])
    losses.case("bce", {}, chances([4, 3]), soft, weight=by_element)
    losses.case("bce_with_logits", {}, logits([4, 3]), soft, pos_weight=by_class)
    losses.case("bce_with_logits", {}, logits([4, 3]), soft, weight=by_element, pos_weight=by_class)

    labels, of_labels = fixed([2, 0, 3, 3, 1]), logits([5, 4])
    grid, of_grid = fixed([[2, 0, 1, 1], [0, 2, 2, 1]]), logits([2, 3, 4])
    ignored = fixed([[2, 0, -100, 1], [-100, 2, 2, -100]])
    class_weights, grid_weights = [0.5, 2.0, 1.25, 0.75], [0.5, 2.0, 1.25]
    for reduction in ("mean", "sum"):
        for smoothing in ({}, dict(label_smoothing=0.1)):
            of = dict(reduction=reduction) | smoothing
            entropy = lambda x, t, note, more={}, **k: losses.case(
                "cross_entropy", of | more, x, t, note, **k
            )
            entropy(of_labels, labels, "labels")
            entropy(of_labels, labels, "labels", weight=class_weights)
            entropy(of_labels, labels, "labels", dict(ignore_index=3))
            entropy(of_labels, labels, "labels", dict(ignore_index=3), weight=class_weights)
            entropy(of_grid, grid, "labels")
            entropy(of_grid, ignored, "labels, some of them -100", weight=grid_weights)
            entropy(of_grid, ignored, "labels, some of them -100")
            entropy(of_labels, probabilities([5, 4]), "probabilities")
            entropy(of_labels, probabilities([5, 4]), "probabilities", weight=class_weights)
            entropy(of_grid, probabilities([2, 3, 4]), "probabilities")
            entropy(of_grid, probabilities([2, 3, 4]), "probabilities", weight=grid_weights)
        of = dict(reduction=reduction)
        losses.case("nll", of, log_probabilities([5, 4]), labels)
        losses.case("nll", of, log_probabilities([5, 4]), labels, weight=class_weights)
        losses.case("nll", of | dict(ignore_index=0), log_probabilities([5, 4]), labels)
        losses.case("nll", of, log_probabilities([2, 3, 4]), ignored, weight=grid_weights)
    losses.case("cross_entropy", {}, logits([1, 4]), fixed([2]), "labels")
    image = fixed([[[0, 2], [1, 1]], [[2, 0], [0, 1]]])
    losses.case("cross_entropy", {}, logits([2, 3, 2, 2]), image, "labels")

    signs = fixed([[1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]])
    for reduction in ("mean", "sum"):
        of = dict(reduction=reduction)
        losses.case("hinge", of, logits([3, 2]), signs)
        for more in ({}, dict(p=2), dict(margin=0.5), dict(p=2, margin=1.75)):
            losses.case("multi_margin", of | more, of_labels, labels)
        losses.case("multi_margin", of, of_labels, labels, weight=class_weights)
    for reduction in ("batchmean", "mean", "sum"):
        of = dict(reduction=reduction)
        with_zero = lambda rng: np.array([[0.5, 0.0, 0.25, 0.25], [0.125, 0.625, 0.25, 0.0]])
        for shape in ([3, 4], [2, 3, 2]):
            plain_of = of | dict(log_target=False)
            losses.case("kl_div", plain_of, log_probabilities(shape), probabilities(shape))
            log_of = of | dict(log_target=True)
            losses.case("kl_div", log_of, log_probabilities(shape), log_probabilities(shape))
        plain_of = of | dict(log_target=False)
        losses.case("kl_div", plain_of, log_probabilities([2, 4]), with_zero, "targets with zeros")
    write("losses", cases=losses.cases)


# ---------------------------------------------------------------------------------------------
# Optimisers.

STEPS = 50


class Regression:
    """tanh(x Wᵀ + b) held against targets it cannot meet, two samples a step: the gradients go
    with the parameters, and never die out."""

    def __init__(self):
        rng = random.Random("regression")
        self.x = tensor(distinct(rng, [9, 3]))
        self.t = tensor(uniform(rng, [9, 2], -0.9, 0.9))
        self.start = {
            "weight": tensor(uniform(rng, [2, 3], -0.75, 0.75)),
            "bias": tensor(uniform(rng, [2], -0.75, 0.75)),
        }

    def loss(self, parameters, step):
        rows = [(2 * step) % 9, (2 * step + 1) % 9]
        y = torch.tanh(self.x[rows] @ parameters["weight"].T + parameters["bias"])
        return ((y - self.t[rows]) ** 2).sum() * 1.5


class Lion(torch.optim.Optimizer):
    """Chen et al., Symbolic Discovery of Optimization Algorithms, 2023, algorithm 2, in NumPy."""

    def __init__(self, parameters, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(parameters, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (beta1, beta2), rate, decay = group["betas"], group["lr"], group["weight_decay"]
            for parameter in group["params"]:
                gradient, theta = parameter.grad.numpy(), parameter.numpy()
                mean = self.state[parameter].get("mean", np.zeros_like(theta))
                direction = beta1 * mean + (1 - beta1) * gradient
                assert np.abs(direction).min() > 1e-6, "a sign that rounding may turn"
                theta = theta - rate * (np.sign(direction) + decay * theta)
                self.state[parameter]["mean"] = beta2 * mean + (1 - beta2) * gradient
                parameter.copy_(torch.from_numpy(theta))


# Settings of PyTorch about how to compute, not what.
NOT_STORED = ("params", "foreach", "capturable", "differentiable", "fused", "maximize")


def optimizer_steps(kind, groups, settings, rates, skips, gradients_of):
    """Takes 50 steps with gradients_of(parameters, step): the optimiser as it was built, the names
    of its parameters, and the gradients and the parameters of all steps."""
    start = Regression().start
    parameters = {k: v.clone().requires_grad_() for k, v in start.items()}
    given = [dict(params=[parameters[k]], **of) for k, of in groups.items()]
    make = Lion if kind == "Lion" else getattr(torch.optim, kind)
    optimizer = make(given or list(parameters.values()), **settings)
    names = {id(v): k for k, v in parameters.items()}
    built = [
        {
            "parameters": [names[id(p)] for p in group["params"]],
            "settings": {k: v for k, v in group.items() if k not in NOT_STORED},
        }
        for group in optimizer.param_groups
    ]
    gradients, after = {k: [] for k in parameters}, {k: [] for k in parameters}
    for step in range(STEPS):
        if rates:
            optimizer.param_groups[0]["lr"] = rates[step]
        for key, gradient in gradients_of(parameters, step).items():
            skipped = step in skips.get(key, ())
            parameters[key].grad = None if skipped else gradient.clone()
            gradients[key].append(torch.zeros_like(gradient) if skipped else gradient)
        optimizer.step()
        for key, parameter in parameters.items():
            after[key].append(parameter.detach().clone())
    stack = lambda lists: {k: torch.stack(v) for k, v in lists.items()}
    return built, stack(gradients), stack(after)


def optimizer_case(kind, note="", groups=None, rates=None, skips=None, **settings):
    """50 steps. `groups` gives settings to each parameter of its own; `rates` the learning rate of
    each step; `skips` the steps in which a parameter has no gradient."""
    name = f"{kind}({in_words(settings)})" + (f", {note}" if note else "")
    problem = Regression()
    steps = lambda gradients_of: optimizer_steps(
        kind, groups or {}, settings, rates, skips or {}, gradients_of
    )

    def slopes(parameters, step):
        loss = problem.loss(parameters, step)
        return dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))

    built, gradients, after = steps(slopes)
    noise = random.Random(name)
    shaken = lambda g: g * (1 + noise.choice([-1, 1]) * 2.0**-52)
    _, _, others = steps(lambda _, step: {k: shaken(g[step]) for k, g in gradients.items()})
    for key, parameter in after.items():
        spread = (others[key] - parameter).abs().max().item()
        assert spread < 1e-13, f"{name}: rounding alone moves {key} by {spread:.1e}"
        assert parameter.abs().max() < 20, f"{name} goes astray"
    stored = {
        "name": name,
        "optimizer": kind,
        "groups": built,
        "start": problem.start,
        "gradients": gradients,
        "parameters": after,
    }
    if rates:
        stored["rates"] = rates
    if skips:
        stored["skips"] = skips
    return stored


def optimizer_cases():
    case = optimizer_case
    yield case("SGD", lr=0.05)
    yield case("SGD", lr=0.05, weight_decay=0.1)
    yield case("SGD", lr=0.03, momentum=0.9)
    yield case("SGD", lr=0.03, momentum=0.8, nesterov=True)
    yield case("SGD", lr=0.03, momentum=0.9, dampening=0.4)
    yield case("SGD", lr=0.03, momentum=0.9, weight_decay=0.05)
    yield case("SGD", lr=0.02, momentum=0.7, nesterov=True, weight_decay=0.2)
    yield case("Adagrad", lr=0.1)
    yield case("Adagrad", lr=0.2, lr_decay=0.05)
    yield case("Adagrad", lr=0.1, initial_accumulator_value=0.3, eps=1e-3)
    yield case("Adagrad", lr=0.1, lr_decay=0.01, weight_decay=0.1, initial_accumulator_value=0.1)
    yield case("RMSprop", lr=0.02)
    yield case("RMSprop", lr=0.02, alpha=0.9, eps=1e-3)
    yield case("RMSprop", lr=0.01, alpha=0.95, centered=True, eps=1e-4)
    yield case("RMSprop", lr=0.01, alpha=0.9, momentum=0.8)
    yield case(
        "RMSprop", lr=0.01, alpha=0.9, momentum=0.6, centered=True, weight_decay=0.1, eps=1e-4
    )
    yield case("Adadelta")
    yield case("Adadelta", lr=0.7, rho=0.8, eps=1e-4)
    yield case("Adadelta", rho=0.95, eps=1e-5, weight_decay=0.1)
    yield case("Adam", lr=0.02)
    yield case("Adam", lr=0.03, betas=(0.8, 0.95), eps=1e-4)
    yield case("Adam", lr=0.03, betas=(0.8, 0.9), amsgrad=True)
    yield case("Adam", lr=0.02, weight_decay=0.1)
    yield case("Adam", lr=0.02, weight_decay=0.05, amsgrad=True, betas=(0.7, 0.9))
    yield case("AdamW", lr=0.02)
    yield case("AdamW", lr=0.03, weight_decay=0.3, betas=(0.85, 0.97), eps=1e-5)
    yield case("AdamW", lr=0.03, weight_decay=0.1, amsgrad=True, betas=(0.8, 0.9))
    yield case("NAdam", lr=0.02)
    yield case("NAdam", lr=0.03, betas=(0.8, 0.95), eps=1e-4, momentum_decay=0.02)
    yield case("NAdam", lr=0.02, weight_decay=0.1)
    yield case("NAdam", lr=0.02, weight_decay=0.2, decoupled_weight_decay=True)
    yield case("Lion", lr=0.01)
    yield case("Lion", lr=0.02, betas=(0.8, 0.95), weight_decay=0.2)

    rates = [0.03 * 0.95**i for i in range(STEPS)]
    for kind in ("SGD", "Adam", "NAdam"):
        more = dict(momentum=0.9) if kind == "SGD" else {}
        yield case(kind, "the learning rate changing", rates=rates, lr=rates[0], **more)
    groups = {"weight": dict(lr=0.02, weight_decay=0.1), "bias": dict(lr=0.05)}
    yield case("SGD", "two groups", groups=groups, momentum=0.8)
    yield case("AdamW", "two groups", groups=groups, weight_decay=0.0)
    skips = {"bias": [i for i in range(STEPS) if i % 3 == 1]}
    yield case("SGD", "bias without a gradient at times", skips=skips, lr=0.03, momentum=0.9)
    yield case("Adam", "bias without a gradient at times", skips=skips, lr=0.02)


# The functions that L-BFGS minimises, of a vector x.

BOWL = [[4.0, 1.0, 0.0, 0.5], [1.0, 9.0, 2.0, 0.0], [0.0, 2.0, 25.0, 3.0], [0.5, 0.0, 3.0, 1.5]]
SLOPE = [1.0, -2.0, 3.0, 0.5]


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def quadratic(x):
    a, b = torch.tensor(BOWL, dtype=torch.float64), torch.tensor(SLOPE, dtype=torch.float64)
    return 0.5 * x @ (a @ x) - b @ x


FUNCTIONS = {
    "rosenbrock": (rosenbrock, "sum over i of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2"),
    "quadratic": (quadratic, f"x.A.x / 2 - b.x with A = {BOWL}, b = {SLOPE}"),
}


def lbfgs_run(function, start, steps, settings, noise=None):
    """The iterates, the values at them and the calls of the closure after each step. `noise`
    changes each element of each gradient by a unit in its last place or so."""
    x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([x], **settings)
    calls = 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        value = function(x)
        value.backward()
        if noise:
            signs = [noise.choice([-1, 0, 1]) for _ in start]
            x.grad *= 1 + 2.0**-52 * torch.tensor(signs, dtype=torch.float64)
        return value

    iterates, values, counts = [], [], []
    for _ in range(steps):
        optimizer.step(closure)
        iterates.append(x.detach().clone())
        values.append(function(x).item())
        counts.append(calls)
    return torch.stack(iterates), values, counts


def lbfgs_case(function, start, **settings):
    """`spread` is how far, after each step, ten runs whose gradients are changed in the last place
    come from the one that is stored: what rounding alone may do."""
    compute, formula = FUNCTIONS[function]
    x, values, calls = lbfgs_run(compute, start, STEPS, settings)
    spread = np.zeros(STEPS)
    for seed in range(10):
        noise = random.Random(f"{function} {settings} {seed}")
        other, _, other_calls = lbfgs_run(compute, start, STEPS, settings, noise)
        spread = np.maximum(spread, (other - x).abs().max(dim=1).values.numpy())
        assert calls == other_calls, f"{function} {settings}: rounding changes the path"
    assert spread.max() < 1e-10, f"{function} {settings}: spread {spread.max():.1e}"
    print(f"  L-BFGS on {function}: {values[-1]:.2e} after {calls[-1]} calls, {spread.max():.0e}")
    optimizer = torch.optim.LBFGS([torch.zeros(1)], **settings)
    stored = {k: v for k, v in optimizer.param_groups[0].items() if k not in NOT_STORED}
    return {
        "name": f"LBFGS({in_words(settings)}) on {function} from {start}",
        "function": function,
        "formula": formula,
        "settings": stored,
        "start": torch.tensor(start, dtype=torch.float64),
        "parameters": x,
        "values": values,
        "closure_calls": calls,
        "spread": spread.tolist(),
    }


def lbfgs_cases():
    case, wolfe = lbfgs_case, dict(line_search_fn="strong_wolfe")
    # Without a line search the start must be near, and the steps short.
    near, two, four = [0.75, 0.25], [-1.25, 1.5], [0.5, -0.75, 1.25, 0.25]
    yield case("rosenbrock", near, lr=0.3, max_iter=1)
    yield case("rosenbrock", near, lr=0.5, max_iter=1, history_size=5)
    yield case("rosenbrock", near, lr=0.5, max_iter=4)
    # With a line search and one iteration a step, max_eval would leave no call for the search.
    yield case("rosenbrock", two, max_iter=1, max_eval=25, **wolfe)
    yield case("rosenbrock", two, **wolfe)
    yield case("rosenbrock", two, lr=0.5, max_iter=5, **wolfe)
    yield case("rosenbrock", four, max_iter=1, max_eval=25, history_size=3, **wolfe)
    yield case("quadratic", four, lr=0.1, max_iter=1)
    yield case("quadratic", four, lr=0.5, max_iter=1)
    yield case("quadratic", four, lr=0.1, max_iter=1, history_size=2)
    yield case("quadratic", four, lr=0.1, max_iter=3, history_size=4, tolerance_grad=1e-4)
    yield case("quadratic", four, max_iter=1, max_eval=25, **wolfe)
    yield case("quadratic", four, lr=0.3, max_iter=2, tolerance_change=1e-7, **wolfe)


def clipping_cases():
    rng = random.Random("clipping")
    gradients = {
        "weight": tensor(away_from_zero(rng, [3, 2])),
        "bias": tensor(away_from_zero(rng, [2])),
    }

    def clip(kind, **settings):
        parameters = [torch.zeros_like(g).requires_grad_() for g in gradients.values()]
        for parameter, gradient in zip(parameters, gradients.values()):
            parameter.grad = gradient.clone()
        total = getattr(nn.utils, f"clip_grad_{kind}_")(parameters, **settings)
        case = {
            "name": f"clip_grad_{kind}_({in_words(settings)})",
            "kind": kind,
            "settings": settings,
            "gradients": gradients,
            "clipped": dict(zip(gradients, [p.grad for p in parameters])),
        }
        return case | ({"total_norm": total.item()} if kind == "norm" else {})

    for norm_type in (2.0, 1.0, 3.0, math.inf):
        yield clip("norm", max_norm=0.75, norm_type=norm_type)
    yield clip("norm", max_norm=100.0, norm_type=2.0)
    yield clip("value", clip_value=0.6)
    yield clip("value", clip_value=10.0)


RATES = 60


def build_schedule(optimizer, name, settings):
    if name == "SequentialLR":
        parts = settings["schedules"]
        parts = [build_schedule(optimizer, part["schedule"], part["settings"]) for part in parts]
        return torch.optim.lr_scheduler.SequentialLR(optimizer, parts, settings["milestones"])
    return getattr(torch.optim.lr_scheduler, name)(optimizer, **settings)


def schedule_case(schedule, lr=0.1, losses=None, **settings):
    """The learning rate of epochs 0 to 59; of a plateau, the rate after each loss."""
    parameter = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=lr)
    scheduler = build_schedule(optimizer, schedule, settings)
    rates = []
    for epoch in range(RATES):
        if losses is None:
            rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if losses is not None:
            scheduler.step(losses[epoch])
            rates.append(optimizer.param_groups[0]["lr"])
        elif epoch < RATES - 1:
            scheduler.step()
    words = {k: v for k, v in settings.items() if k != "schedules"}
    if "schedules" in settings:
        parts = [f"{s['schedule']}({in_words(s['settings'])})" for s in settings["schedules"]]
        words["schedules"] = " then ".join(parts)
    case = {
        "name": f"{schedule}({in_words(words)}) from {lr}",
        "schedule": schedule,
        "settings": settings,
        "lr": lr,
        "rates": [float(rate) for rate in rates],
    }
    return case | ({} if losses is None else {"losses": losses})


def schedule_cases():
    yield schedule_case("StepLR", step_size=7, gamma=0.5)
    yield schedule_case("StepLR", lr=0.03, step_size=20, gamma=0.1)
    yield schedule_case("MultiStepLR", milestones=[5, 11, 40], gamma=0.3)
    yield schedule_case("ExponentialLR", gamma=0.93)
    yield schedule_case("CosineAnnealingLR", T_max=59)
    yield schedule_case("CosineAnnealingLR", T_max=59, eta_min=0.004)
    # The rate climbs again after T_max.
    yield schedule_case("CosineAnnealingLR", T_max=25, eta_min=0.01)
    yield schedule_case("CosineAnnealingWarmRestarts", T_0=12)
    yield schedule_case("CosineAnnealingWarmRestarts", T_0=5, T_mult=2, eta_min=0.002)
    one_cycle = dict(max_lr=0.2, total_steps=RATES, cycle_momentum=False)
    yield schedule_case("OneCycleLR", **one_cycle)
    yield schedule_case(
        "OneCycleLR",
        **one_cycle,
        pct_start=0.2,
        anneal_strategy="linear",
        div_factor=10.0,
        final_div_factor=50.0,
    )
    yield schedule_case("OneCycleLR", **one_cycle, pct_start=0.4, three_phase=True)
    yield schedule_case("LinearLR", start_factor=0.1, end_factor=1.0, total_iters=15)
    warm_up = {
        "schedule": "LinearLR",
        "settings": dict(start_factor=0.05, end_factor=1.0, total_iters=10),
    }
    for eta_min in (0.0, 0.003):
        cosine = {"schedule": "CosineAnnealingLR", "settings": dict(T_max=50, eta_min=eta_min)}
        yield schedule_case("SequentialLR", milestones=[10], schedules=[warm_up, cosine])

    rng = random.Random("plateau")
    # Falls, stays, falls again, stays: with noise that is now and then an improvement.
    levels = [max(0.35, 1 - 0.05 * i) + (0.3 if i < 30 else 0.0) for i in range(RATES)]
    losses = [level + rng.randrange(-8, 9) / GRID for level in levels]
    plateau = lambda **k: schedule_case("ReduceLROnPlateau", losses=losses, **k)
    yield plateau(mode="min", factor=0.5, patience=3)
    yield plateau(mode="min", factor=0.3, patience=2, threshold=0.02, cooldown=4)
    yield plateau(
        mode="min", factor=0.5, patience=1, threshold=0.05, threshold_mode="abs", min_lr=0.004
    )
    accuracies = [1 - loss / 2 for loss in losses]
    yield schedule_case(
        "ReduceLROnPlateau", losses=accuracies, mode="max", factor=0.2, patience=4, threshold=1e-3
    )
    yield schedule_case(
        "ReduceLROnPlateau",
        losses=accuracies,
        mode="max",
        factor=0.5,
        patience=2,
        threshold=0.03,
        threshold_mode="abs",
        cooldown=1,
        min_lr=0.001,
    )


def make_optimizers():
    # A schedule is called without an optimiser's step having been taken.
    warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
    # NAdam keeps the product of its momenta in the default type, which is f32 otherwise.
    torch.set_default_dtype(torch.float64)
    write(
        "optimizers",
        optimizers=list(optimizer_cases()),
        lbfgs=list(lbfgs_cases()),
        clipping=list(clipping_cases()),
        schedules=list(schedule_cases()),
    )
    torch.set_default_dtype(torch.float32)


# ---------------------------------------------------------------------------------------------
# Models, saved as PyTorch's users save them.


class Tagger(nn.Module):
    """An LSTM and a linear layer on the output of every step."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


def models():
    return {
        "mlp": nn.Sequential(
            nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3)
        ),
        "cnn_batch_norm": nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 5, 3, bias=False),
            nn.BatchNorm2d(5),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(10, 3),
        ),
        "lstm": Tagger(),
        "transformer_encoder_layer": nn.TransformerEncoderLayer(
            6, 2, dim_feedforward=9, dropout=0.0, activation="gelu", batch_first=True
        ),
    }


INPUTS = {
    "mlp": [4, 6],
    "cnn_batch_norm": [3, 2, 8, 6],
    "lstm": [2, 5, 3],
    "transformer_encoder_layer": [2, 5, 6],
}


def save(state, file):
    path = OUT / f"{file}.safetensors"
    safetensors.torch.save_file(state, path, metadata={"format": "pt"})
    path.chmod(0o644)
    print(f"{path.name}: {len(state)} tensors, {path.stat().st_size} bytes")


def drawn_weights(rng, model):
    """Weights of full precision, scaled by fan-in. One is so small as to be subnormal in f16."""
    for name, parameter in model.named_parameters():
        fan_in = math.prod(parameter.shape[1:]) if parameter.dim() > 1 else 4
        numbers = [rng.gauss(0, 1 / math.sqrt(fan_in)) for _ in range(parameter.numel())]
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        parameter.data = torch.tensor(numbers).reshape(parameter.shape) + centre
    last = list(model.parameters())[-1]
    last.data[0] = 3e-6


def model_case(name, file, dtype):
    """Saves a model and computes what it must give: from the saved numbers, in float64."""
    rng = random.Random(name)
    model = models()[name]
    drawn_weights(rng, model)
    # Running statistics as after five batches of training.
    with torch.no_grad():
        for _ in range(5):
            model.train()(torch.tensor(distinct(rng, INPUTS[name]), dtype=torch.float32))
    state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in model.state_dict().items()}
    precise = models()[name].double()
    precise.load_state_dict(state)
    # Attention in evaluation takes a shortcut of PyTorch's; with dropout 0, training gives the
    # same. Batch norm must evaluate.
    precise.train(name == "transformer_encoder_layer")
    x = tensor(distinct(rng, INPUTS[name]))
    save(state, file)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        y = precise(x)
        single = models()[name]
        single.load_state_dict(state)
        error = (single.eval()(x.float()) - y).abs().max() / y.abs().max()
        assert error < 1e-6, f"{name} differs by {error:.1e} in f32"
    case = {
        "name": file,
        "file": f"{file}.safetensors",
        "dtype": str(dtype).removeprefix("torch."),
        "model": repr(models()[name]),
        "tensors": {k: list(v.shape) for k, v in state.items()},
        "input": x,
        "output": y,
    }
    if name == "transformer_encoder_layer":
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            masks = dict(src_mask=attention_mask(5, True))
            masks["src_key_padding_mask"] = torch.from_numpy(PADDING)
            case["key_padding_mask"] = PADDING
            case["output_causal_and_masked"] = precise(x, **masks)
    return case


def mismatched_case():
    """The MLP's file with a tensor missing, one too many and one transposed."""
    state = safetensors.torch.load_file(OUT / "mlp.safetensors")
    expected = {k: list(v.shape) for k, v in state.items()}
    del state["2.bias"]
    state["5.weight"] = torch.ones(2, 3)
    state["0.weight"] = state["0.weight"].T.contiguous()
    save(state, "mlp_mismatched")
    return {
        "name": "mlp_mismatched",
        "file": "mlp_mismatched.safetensors",
        "of": "mlp",
        "missing": ["2.bias"],
        "unexpected": ["5.weight"],
        "misshapen": {
            "0.weight": {
                "expected": expected["0.weight"],
                "found": list(state["0.weight"].shape),
            }
        },
    }


def make_models():
    cases = [model_case(name, name, torch.float32) for name in INPUTS]
    cases.append(model_case("mlp", "mlp_f16", torch.float16))
    cases.append(model_case("mlp", "mlp_bf16", torch.bfloat16))
    write("models", models=cases, mismatched=[mismatched_case()])


def main():
    makers = {
        "layers": make_layers,
        "losses": make_losses,
        "optimizers": make_optimizers,
        "models": make_models,
    }
    for name in sys.argv[1:] or makers:
        makers[name]()


if __name__ == "__main__":
    main()
