"""Writes crates/nn/tests/saved/mlp.safetensors: the state dict of a PyTorch network, saved as users
of PyTorch save it, and crates/nn/tests/saved/mlp_outputs.safetensors: inputs and its outputs.

    python scripts/torch_mlp.py        (torch, safetensors)
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

folder = Path(__file__).parent.parent / "crates/nn/tests/saved"
torch.manual_seed(1)
model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))
inputs = torch.randn(4, 5)
save_file(model.state_dict(), folder / "mlp.safetensors")
with torch.no_grad():
    save_file({"inputs": inputs, "outputs": model(inputs)}, folder / "mlp_outputs.safetensors")
