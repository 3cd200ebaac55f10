"""Runs the workloads here and in the peers in turn, and prints a table.

    cargo build --release --example workloads
    pip install numpy torch jax tensorflow-cpu
    for peer in candle burn scalars; do cargo build --release --manifest-path benches/peers/$peer/Cargo.toml; done
    python benches/peers/compare.py --threads 1 W1 W2 W2b W3 W4 W6 W6s W7 W8
    python benches/peers/compare.py --threads 1 W9 W10 W11 W12 W13 W14 W15 W16 W17 W18 W19 W20 W21
    python benches/peers/compare.py --threads 1 --recorded W5 W6s --peers reverse easy_ml

Each program runs --rounds times for --seconds, all in turn, so that whatever else the machine does meets
all of them; each figure is the median of the rounds' medians, in ms. "floor" is the step's matrix
products alone, on buffers that are there already. A peer that is not installed or not built is left
out. All are built with the flags that a plain `cargo build --release` or `pip install` gives.

    python benches/peers/compare.py W2 --memory

prints the peak of the resident memory of each program, in MB, in place of times.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys

# The peers in Rust, each with the folder of its package.
RUST = {"candle": "candle", "burn": "burn", "reverse": "scalars", "easy_ml": "scalars"}

parser = argparse.ArgumentParser()
parser.add_argument("workloads", nargs="+")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=2.0)
parser.add_argument("--peers", nargs="*", default=["torch", "jax", "tensorflow", "numpy", *RUST])
parser.add_argument("--recorded", action="store_true", help="record every step of chainrule anew")
parser.add_argument("--fused", action="store_true", help="PyTorch's Adam as one kernel, which it is not by default")
parser.add_argument("--memory", action="store_true", help="peak resident memory in place of times")
ARGS = parser.parse_args()

HERE = os.path.dirname(os.path.abspath(__file__))
FLOORS = ["W1", "W2", "W2b"]


def release(manifest, *path):
    """A program that Cargo built, next to its manifest or where CARGO_TARGET_DIR says."""
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(HERE, manifest, "target")
    return os.path.join(target, "release", *path)


def command(program):
    """How to run a program, or None if it is not there."""
    if program in ("chainrule", "floor"):
        found = [release("../..", "examples", "workloads")]
        extra = ["--floor"] if program == "floor" else ["--recorded"] * ARGS.recorded
    elif program in RUST:
        found, extra = [release(RUST[program], f"peer_{program}")], []
    else:
        module = importlib.util.find_spec(program)
        found, extra = [sys.executable, os.path.join(HERE, "peers.py"), "--peer", program], []
        extra += ["--fused"] * (ARGS.fused and program == "torch")
        return found + extra if module else None
    return found + extra if os.path.exists(found[0]) else None


def run(program, workload):
    """The median and the peak memory of one run, or None if the program does not have the workload."""
    options = ["--workload", workload, "--threads", str(ARGS.threads), "--max-seconds", str(ARGS.seconds)]
    result = subprocess.run(
        [*command(program), *options, "--steps", "300"], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        if "is not written" not in result.stderr:
            print(f"{program}, {workload}: {result.stderr.strip()}", file=sys.stderr)
        return None
    line = result.stdout.strip().splitlines()[-1]
    return float(line.split(",")[3]), float(line.split("rss_mb=")[1].split()[0])


def measure(workload, programs):
    """The median of each program's rounds, all programs in turn."""
    found = {program: [] for program in programs}
    for _ in range(1 if ARGS.memory else ARGS.rounds):
        for program in programs:
            found[program].append(run(program, workload))
    figure = 1 if ARGS.memory else 0
    there = {program: runs for program, runs in found.items() if None not in runs}
    return {program: statistics.median(run[figure] for run in runs) for program, runs in there.items()}


if command("chainrule") is None:
    sys.exit("the workloads are not built: cargo build --release --example workloads")
for peer in [peer for peer in ARGS.peers if command(peer) is None]:
    print(f"{peer} is left out: it is not {'built' if peer in RUST else 'installed'}", file=sys.stderr)
peers = [peer for peer in ARGS.peers if command(peer)]
programs = ["chainrule", *peers]
head = [*programs, *(f"{peer} / chainrule" for peer in peers)]
if not ARGS.memory:
    head += ["floor", "chainrule / floor"]
print(f"| {'MB' if ARGS.memory else 'ms'}, threads: {ARGS.threads} | " + " | ".join(head) + " |")
print("|---" * (len(head) + 1) + "|")
for workload in ARGS.workloads:
    with_floor = workload in FLOORS and not ARGS.memory
    figures = measure(workload, programs + ["floor"] * with_floor)
    ours, floor = figures["chainrule"], figures.get("floor")
    cells = [f"{figures[program]:.3g}" if program in figures else "" for program in programs]
    cells += [f"{figures[peer] / ours:.1f}" if peer in figures else "" for peer in peers]
    if not ARGS.memory:
        cells += [f"{floor:.3g}", f"{ours / floor:.2f}"] if floor else ["", ""]
    print(f"| {workload} | " + " | ".join(cells) + " |", flush=True)
