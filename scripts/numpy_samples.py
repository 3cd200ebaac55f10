"""Writes crates/nn/tests/numpy.npz: arrays as NumPy itself writes them, for the tests of the reader.

    python scripts/numpy_samples.py

Needs NumPy. Each array holds the whole numbers 0 to 23 in shape (2, 3, 4), less 12 if signed, or
whether they are odd; its name is element type, byte order, memory order, version of the format.
"""

import io
import pathlib
import zipfile

import numpy as np

TARGET = pathlib.Path(__file__).parent.parent / "crates/nn/tests/numpy.npz"
KINDS = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]


def numbers(kind):
    plain = np.arange(24).reshape(2, 3, 4)
    if kind == "b1":
        return plain % 2 == 1
    return plain if kind[0] == "u" else plain - 12


def npy(array, version):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


arrays = {}
for kind in KINDS:
    for order, letter in [("<", "little"), (">", "big")]:
        for memory in "CF":
            array = np.array(numbers(kind), dtype=order + kind, order=memory)
            for version in [1, 2, 3]:
                arrays[f"{kind}_{letter}_{memory}_v{version}"] = npy(array, (version, 0))
arrays["scalar"] = npy(np.float64(2.5) * np.ones(()), None)
arrays["vector"] = npy(np.array([0.5, np.inf, np.nan]), None)
arrays["empty"] = npy(np.zeros((0, 3)), None)
arrays["labels"] = npy(np.array([3, 0, 2]), None)
arrays["complex"] = npy(np.array([1j]), None)
arrays["text"] = npy(np.array(["a"]), None)
arrays["record"] = npy(np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), None)

with zipfile.ZipFile(TARGET, "w") as archive:
    for i, (name, data) in enumerate(arrays.items()):
        entry = zipfile.ZipInfo(name + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
        entry.compress_type = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED][i % 2]
        archive.writestr(entry, data)
