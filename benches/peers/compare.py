"""Runs the workloads here and in the peers in turn, and prints a table.

    cargo build --release --example workloads
    python benches/peers/compare.py --threads 1 W1 W2 W2b W3 W4 W6 W6s W7 W8

Each program runs --rounds times for --seconds, all in turn, so that whatever else the machine does meets
all of them; each figure is the median of the rounds' medians, in ms. "floor" is the step's matrix
products alone, on buffers that are there already.
"""

import argparse
import os
import statistics
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("workloads", nargs="+")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=2.0)
parser.add_argument("--peers", nargs="*", default=["torch", "jax"])
ARGS = parser.parse_args()

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "..", "target"))
OURS = os.path.join(TARGET, "release", "examples", "workloads")
FLOORS = ["W1", "W2", "W2b"]


def run(program, workload):
    """The median of one run, or None if the program does not have the workload."""
    common = ["--workload", workload, "--threads", str(ARGS.threads), "--max-seconds", str(ARGS.seconds)]
    if program in ("chainrule", "floor"):
        command = [OURS, *common, "--steps", "100000"] + (["--floor"] if program == "floor" else [])
    else:
        script = os.path.join(HERE, "peers.py")
        command = [sys.executable, script, "--peer", program, *common, "--steps", "100000"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(result.stdout.split(",")[3]) if result.returncode == 0 else None


programs = ["chainrule", "floor", *ARGS.peers]
print("| ms | " + " | ".join(programs) + " | " + " | ".join(f"{peer} / chainrule" for peer in ARGS.peers) + " |")
print("|---|" + "---|" * (len(programs) + len(ARGS.peers)))
for workload in ARGS.workloads:
    there = [p for p in programs if p != "floor" or workload in FLOORS]
    times = {program: [] for program in programs}
    for _ in range(ARGS.rounds):
        for program in there:
            times[program].append(run(program, workload))
    median = {p: statistics.median(t) if t and None not in t else None for p, t in times.items()}
    cells = [f"{median[p]:.3g}" if median[p] else "" for p in programs]
    ratios = [f"{median[p] / median['chainrule']:.1f}" if median[p] else "" for p in ARGS.peers]
    print(f"| {workload} | " + " | ".join(cells + ratios) + " |", flush=True)
