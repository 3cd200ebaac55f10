"""Prints the constants of the vectorised functions, one file for each type:

    python scripts/minimax.py f32 > crates/ops/src/number/fast/constants_f32.rs
    python scripts/minimax.py f64 > crates/ops/src/number/fast/constants_f64.rs

Needs mpmath and numpy. Every polynomial is the minimax polynomial of a smooth function under the
weight that makes its error the relative error of the result, found by the exchange algorithm of
Remez on a fine grid, in 60 digits; see Muller et al., Handbook of Floating-Point Arithmetic, 2nd
edition, section 10.3. The coefficients are then rounded to the type. The comment above each
polynomial gives the error before rounding. Constants of an argument reduction are split into parts,
each the number of the type nearest to what the parts before it leave (Cody & Waite, Software Manual
for the Elementary Functions, 1980).
"""

import sys

import mpmath as m
import numpy as np

m.mp.dps = 60
TYPES = {"f32": np.float32, "f64": np.float64}
POINTS = 600  # of the grid on which the error is looked at


def remez(f, weight, interval, degree):
    """Coefficients, the constant first, and the largest weighted error."""
    low, high = (m.mpf(end) for end in interval)
    nodes = [m.cos(m.pi * (2 * i + 1) / (2 * POINTS)) for i in range(POINTS)]
    grid = [(low + high) / 2 - (high - low) / 2 * node for node in nodes]
    values, weights = [f(x) for x in grid], [weight(x) for x in grid]
    size = degree + 2
    chosen = [round(i * (POINTS - 1) / (size - 1)) for i in range(size)]
    for _ in range(40):
        system, right = m.matrix(size, size), m.matrix(size, 1)
        for row, i in enumerate(chosen):
            for k in range(degree + 1):
                system[row, k] = grid[i] ** k
            system[row, degree + 1] = (-1) ** row / weights[i]
            right[row] = values[i]
        solution = m.lu_solve(system, right)
        coefficients = [solution[k] for k in range(degree + 1)]
        errors = [
            (m.polyval(coefficients[::-1], x) - value) * w
            for x, value, w in zip(grid, values, weights)
        ]
        extrema = alternating(errors)
        while len(extrema) > size:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        largest = max(abs(e) for e in errors)
        if len(extrema) < size:
            raise SystemExit("the exchange lost a sign change: try another interval")
        if extrema == chosen or largest < abs(solution[degree + 1]) * m.mpf("1.001"):
            return coefficients, largest
        chosen = extrema
    raise SystemExit("the exchange did not converge")


def alternating(errors):
    """Where the error is largest, between each two changes of its sign."""
    runs = [[0]]
    for i in range(1, len(errors)):
        if (errors[i] > 0) == (errors[i - 1] > 0):
            runs[-1].append(i)
        else:
            runs.append([i])
    return [max(run, key=lambda i: abs(errors[i])) for run in runs]


def relative(part, whole):
    """The weight of an error in a factor of `part`, relative to `whole`."""
    return lambda x: abs(part(x) / whole(x))


def odd(f):
    """f(x) = x + x³·P(x²): the function that P stands for, in z = x², and its weight."""
    ratio = lambda z: f(m.sqrt(z)) / m.sqrt(z)
    return (lambda z: (ratio(z) - 1) / z), relative(lambda z: z, ratio)


NEAR_0 = m.mpf(10) ** -15
HALF_LN_2 = m.log(2) / 2 * m.mpf("1.001")
QUARTER_PI = m.pi / 4 + m.mpf("0.01")  # the quotient may be rounded the wrong way by a little
ATANH = (m.sqrt(2) - 1) / (m.sqrt(2) + 1)
TANH_SMALL, SINH_SMALL, ERF_SMALL, ERF_CENTRE = map(m.mpf, ["0.55", "1", "1", "2"])
ERF_ONE = {"f32": 4, "f64": 6}  # from here on erf is 1 to the last place


def polynomials(kind):
    """Name, description, function, weight, interval and degree of each."""
    square = lambda x: x * x
    single = kind == "f32"
    expm1_tail = lambda r: (m.expm1(r) - r) / r**2
    tan, tanh, sinh = odd(m.tan), odd(m.tanh), odd(m.sinh)
    sin = odd(m.sin)
    yield (
        "EXP", "(e^r − 1 − r)/r² for |r| ≤ ln 2/2, for e^r",
        expm1_tail, relative(square, m.exp), (-HALF_LN_2, HALF_LN_2), 4 if single else 9,
    )
    yield (
        "EXP_M1", "(e^r − 1 − r)/r² for |r| ≤ ln 2/2, for e^r − 1",
        expm1_tail, relative(square, m.expm1), (-HALF_LN_2, HALF_LN_2), 5 if single else 10,
    )
    yield (
        "EXP_2", "(2^r − 1)/r for |r| ≤ 1/2",
        lambda r: (2**r - 1) / r, relative(lambda r: r, lambda r: 2**r), (-0.5, 0.5),
        5 if single else 10,
    )
    yield (
        "LN", "(ln((1 + s)/(1 − s)) − 2s)/s³ in s², for (1 + s)/(1 − s) between √2/2 and √2",
        lambda z: (2 * m.atanh(m.sqrt(z)) / m.sqrt(z) - 2) / z,
        relative(lambda z: z, lambda z: 2 * m.atanh(m.sqrt(z)) / m.sqrt(z)),
        (NEAR_0, ATANH**2), 2 if single else 6,
    )
    yield (
        "SIN", "(sin r − r)/r³ in r², for |r| ≤ π/4",
        *sin, (NEAR_0, QUARTER_PI**2), 3 if single else 5,
    )
    yield (
        "COS", "(cos r − 1 + r²/2)/r⁴ in r², for |r| ≤ π/4",
        lambda z: (m.cos(m.sqrt(z)) - 1 + z / 2) / z**2,
        relative(square, lambda z: m.cos(m.sqrt(z))),
        (NEAR_0, QUARTER_PI**2), 2 if single else 5,
    )
    yield (
        "TAN", "(tan r − r)/r³ in r², for |r| ≤ π/4",
        *tan, (NEAR_0, QUARTER_PI**2), 6 if single else 14,
    )
    yield (
        "TANH", f"(tanh x − x)/x³ in x², for |x| ≤ {m.nstr(TANH_SMALL)}",
        *tanh, (NEAR_0, TANH_SMALL**2), 4 if single else 9,
    )
    yield (
        "SINH", f"(sinh x − x)/x³ in x², for |x| ≤ {m.nstr(SINH_SMALL)}",
        *sinh, (NEAR_0, SINH_SMALL**2), 3 if single else 6,
    )
    yield (
        "ERF", f"erf(x)/x − 1 in x², for |x| ≤ {m.nstr(ERF_SMALL)}",
        lambda z: m.erf(m.sqrt(z)) / m.sqrt(z) - 1,
        lambda z: m.sqrt(z) / m.erf(m.sqrt(z)),
        (NEAR_0, ERF_SMALL**2), 6 if single else 12,
    )
    yield (
        "ERFCX", f"e^(x²)·(1 − erf x) in x − {m.nstr(ERF_CENTRE)}, for x from "
        f"{m.nstr(ERF_SMALL)} to {ERF_ONE[kind]}; the error is that of erf",
        lambda t: m.exp((t + ERF_CENTRE) ** 2) * m.erfc(t + ERF_CENTRE),
        lambda t: m.exp(-((t + ERF_CENTRE) ** 2)),
        (ERF_SMALL - ERF_CENTRE, ERF_ONE[kind] - ERF_CENTRE), 8 if single else 20,
    )


def parts(kind, value, count):
    """`value` as a sum of `count` numbers of the type, each the nearest to what is left."""
    found = []
    for _ in range(count):
        found.append(TYPES[kind](float(value) if kind == "f64" else m.nstr(value, 30)))
        value -= m.mpf(float(found[-1]))
    return found


def literal(number):
    text = np.format_float_positional(number, unique=True, trim="0")
    if abs(number) < 1e-4 or abs(number) >= 1e16:
        text = np.format_float_scientific(number, unique=True, trim="-").replace("e+", "e")
    return text


def array(name, kind, numbers):
    body = ", ".join(map(literal, numbers))
    print(f"pub const {name}: [{kind}; {len(numbers)}] = [{body}];")


def constant(name, kind, number, comment):
    print(f"/// {comment}\npub const {name}: {kind} = {literal(number)};")


def main(kind):
    print(f"//! Constants of the vectorised functions in `{kind}`, printed by scripts/minimax.py.\n")
    print("#![allow(clippy::approx_constant)] // parts of constants, rounded to this type\n")
    print("/// ln 2 in two parts.")
    array("LN_2", kind, parts(kind, m.log(2), 2))
    print("/// log₁₀ 2 in two parts.")
    array("LOG10_2", kind, parts(kind, m.log10(2), 2))
    print("/// log₁₀ e in two parts.")
    array("LOG10_E", kind, parts(kind, m.log10(m.e), 2))
    print("/// log₂ e in two parts.")
    array("LOG2_E", kind, parts(kind, 1 / m.log(2), 2))
    print("/// π/2 in three parts.")
    array("FRAC_PI_2", kind, parts(kind, m.pi / 2, 3))
    constant("TANH_SMALL", kind, TYPES[kind](float(TANH_SMALL)), "Below this `TANH` is used.")
    constant("SINH_SMALL", kind, TYPES[kind](float(SINH_SMALL)), "Below this `SINH` is used.")
    constant("ERF_SMALL", kind, TYPES[kind](float(ERF_SMALL)), "Below this `ERF` is used.")
    constant("ERF_CENTRE", kind, TYPES[kind](float(ERF_CENTRE)), "The point around which `ERFCX` is.")
    constant("ERF_ONE", kind, TYPES[kind](ERF_ONE[kind]), "From here on erf is 1.")
    for name, description, f, weight, interval, degree in polynomials(kind):
        coefficients, error = remez(f, weight, interval, degree)
        print(f"/// {description}; error 2^{m.nstr(m.log(error, 2), 4)}.".replace("-", "−"))
        array(name, kind, [TYPES[kind](m.nstr(c, 30)) for c in coefficients])


if __name__ == "__main__":
    if sys.argv[1:] not in (["f32"], ["f64"]):
        raise SystemExit(__doc__)
    main(sys.argv[1])
