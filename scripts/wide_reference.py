"""Computes the reference for the vectorised functions in f64, with 60 digits.

    python scripts/wide_reference.py

Needs mpmath, takes seconds, and writes crates/ops/src/kernel/accuracy/reference.json.gz, which
the tests of that module read. The file maps a function to its rows: the bits of an argument; the
bits of the f64 nearest to the result; and how far the result is above that one, in units in its
last place. Arguments: over all exponents, evenly where the function does something, beside the
points where it changes its formula, and where it overflows, vanishes or loses its leading digits.
"""

import gzip
import json
import math
import pathlib
import random
import struct

import mpmath as m

TARGET = pathlib.Path(__file__).parent.parent / "crates/ops/src/kernel/accuracy/reference.json.gz"
m.mp.dps = 60
LARGEST_ANGLE = 2**30


FUNCTIONS = {
    "exp": m.exp,
    "exp2": lambda x: m.mpf(2) ** x,
    "exp_m1": m.expm1,
    "ln": m.log,
    "log2": lambda x: m.log(x) / m.log(2),
    "log10": lambda x: m.log(x) / m.log(10),
    "ln_1p": m.log1p,
    "sin": m.sin,
    "cos": m.cos,
    "tan": m.tan,
    "tanh": m.tanh,
    "sinh": m.sinh,
    "cosh": m.cosh,
    "erf": m.erf,
    "sigmoid": lambda x: 1 / (1 + m.exp(-x)),
}
POSITIVE = {"ln", "log2", "log10"}
ANGLES = {"sin", "cos", "tan"}
# Where results overflow, become subnormal and vanish; where one formula gives way to another.
EDGES = {
    "exp": [709.782712893384, -708.3964185322641, -745.1332191019411],
    "exp2": [1024, -1022, -1075],
    "exp_m1": [709.782712893384, -37.5, -52],
    "sinh": [1, 710.4758600739439],
    "cosh": [710.4758600739439],
    "tanh": [0.55, 19.06, 20.8],
    "erf": [1, 5.92, 6],
    "sigmoid": [709.782712893384, 708.3964185322641, 745.1332191019411, 37.5],
}


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def arguments(name, draw):
    power = lambda low, high: draw.choice([-1, 1]) * 2 ** draw.uniform(low, high)
    yield from (power(-1074, 1023.99) for _ in range(100))
    yield from (power(-60, 10) for _ in range(150))
    yield from (draw.uniform(-1, 1) for _ in range(100))
    yield from (draw.uniform(-12, 12) for _ in range(150))
    for edge in EDGES.get(name, []):
        for x in (edge, -edge):
            yield from (x * (1 + power(-53, -5)) for _ in range(20))
    if name in POSITIVE:
        yield from (1 + power(-52, -1) for _ in range(100))
        yield from (2 ** draw.uniform(-1074, -1020) for _ in range(50))
        yield from (math.sqrt(2) * (1 + power(-53, -10)) for _ in range(25))
    if name == "ln_1p":
        yield from (2 ** draw.uniform(-53, 0) - 1 for _ in range(100))
    if name in ANGLES:
        for _ in range(150):
            turns = draw.randrange(-2 ** draw.randrange(1, 30), 2 ** draw.randrange(1, 30))
            yield float(turns * m.pi / 2) * (1 + draw.choice([0, 0, power(-53, -20)]))
        yield from (power(3, 30) for _ in range(100))


def allowed(name, x):
    if name in POSITIVE:
        return x > 0
    if name == "ln_1p":
        return x > -1
    return not (name in ANGLES and abs(x) > LARGEST_ANGLE)


def row(f, x):
    exact = f(m.mpf(x))
    if exact > 2 ** m.mpf(1024) * (1 - 2 ** m.mpf(-54)):
        return [bits(x), bits(math.inf), 0]
    if exact < -(2 ** m.mpf(1024)) * (1 - 2 ** m.mpf(-54)):
        return [bits(x), bits(-math.inf), 0]
    exponent = m.frexp(exact)[1] if exact else -2000
    ulp = 2 ** m.mpf(max(exponent - 53, -1074))
    nearest = m.nint(exact / ulp) * ulp
    above = float((exact - nearest) / ulp)
    return [bits(x), bits(float(nearest)), round(above, 4)]


def main():
    rows = {}
    for name, f in FUNCTIONS.items():
        draw = random.Random(name)
        points = sorted({x for x in arguments(name, draw) if math.isfinite(x)})
        if name in POSITIVE:
            points = sorted({abs(x) for x in points})
        rows[name] = [row(f, x) for x in points if x and allowed(name, x)]
        print(name, len(rows[name]))
    text = json.dumps(rows, separators=(",", ":")).encode()
    TARGET.write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main()
