"""Exports the models of crates/nn/tests/models to ONNX, runs each file with onnxruntime, and compares
its outputs with the model's own. If all agree, files and outputs go to crates/nn/tests/onnx, where
the tests hold them.

    python scripts/onnx_reference.py        (onnx, onnxruntime, safetensors, numpy)
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).parent.parent
STORED = ROOT / "crates/nn/tests/onnx"
# Both compute in float32, in another order: a few units in the last place of the largest number.
TOLERANCE = 1e-6
# Writes its models and their outputs to the folder CHAINRULE_ONNX.
TEST = "onnx::writes_the_models_if_asked"


def run(model: Path) -> dict[str, np.ndarray]:
    """Checks a file, runs it on its inputs, and gives inputs and onnxruntime's outputs."""
    onnx.checker.check_model(onnx.load(model), full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    own = load_file(model.with_suffix(".safetensors"))
    stored, worst = {}, 0.0
    for name, numbers in sorted(own.items()):
        kind, batch = name.split()
        if kind != "input":
            continue
        (output,) = session.run(None, {"input": numbers})
        expected = own[f"output {batch}"]
        assert output.shape == expected.shape, f"{model.stem}: {output.shape} {expected.shape}"
        assert np.isfinite(expected).all(), f"{model.stem}: outputs that are not finite"
        worst = max(worst, np.abs(output - expected).max() / np.abs(expected).max())
        stored |= {name: numbers, f"output {batch}": output}
    operators = sorted({node.op_type for node in onnx.load(model).graph.node})
    print(f"{model.stem:24} {worst:.1e}  {' '.join(operators)}")
    if worst > TOLERANCE:
        sys.exit(f"{model.stem}: onnxruntime computes something else")
    return stored


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["cargo", "test", "-q", "-p", "nn", "--features", "onnx", "--test", "all", TEST],
            cwd=ROOT, env=os.environ | {"CHAINRULE_ONNX": folder}, check=True, stdout=subprocess.DEVNULL,
        )
        outputs = {model: run(model) for model in sorted(Path(folder).glob("*.onnx"))}
        shutil.rmtree(STORED, ignore_errors=True)
        STORED.mkdir()
        for model, numbers in outputs.items():
            shutil.copyfile(model, STORED / model.name)
            save_file(numbers, STORED / f"{model.stem}.safetensors")
            (STORED / f"{model.stem}.safetensors").chmod(0o644)
    print(f"{len(outputs)} models agree with onnxruntime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
