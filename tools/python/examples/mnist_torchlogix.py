"""Trains a small logic-gate network on MNIST with torchlogix, and exports it.

    python mnist_torchlogix.py FOLDER_OF_IDX_FILES OUT.safetensors [STEPS]

Pixels above one half are bits; four layers of 1,000 gates; about five minutes on one core.
"""

import gzip
import pathlib
import sys
import time
import types

import numpy as np
import torch

if sys.version_info < (3, 12):
    # torchlogix 0.2.2 has a module that older Pythons cannot read; training does not need it.
    sys.modules["torchlogix.circuit"] = types.SimpleNamespace(Circuit=None)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from leafgate_export import export  # noqa: E402
from torchlogix.layers import FixedBinarization, GroupSum, LogicDense  # noqa: E402


def images(folder, name):
    pixels = np.frombuffer(gzip.open(folder / f"{name}-images-idx3-ubyte.gz").read()[16:], np.uint8)
    labels = np.frombuffer(gzip.open(folder / f"{name}-labels-idx1-ubyte.gz").read()[8:], np.uint8)
    return torch.from_numpy(pixels.reshape(-1, 784) / np.float32(255)), torch.from_numpy(labels.astype(np.int64))


def main(folder, out, steps=20_000, width=1_000, depth=4):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    folder = pathlib.Path(folder)
    (x, y), (test_x, test_y) = images(folder, "train"), images(folder, "t10k")
    layers = [LogicDense(784 if layer == 0 else width, width) for layer in range(depth)]
    model = torch.nn.Sequential(FixedBinarization(torch.tensor([0.5])), torch.nn.Flatten(), *layers, GroupSum(10, tau=10.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    began = time.time()
    for step in range(steps):
        batch = torch.randint(0, len(x), (100,))
        loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 1000 == 0:
            print(step + 1, f"loss {loss.item():.3f}, {time.time() - began:.0f} s", flush=True)
    model.eval()
    with torch.no_grad():
        right = (model(test_x).argmax(1) == test_y).double().mean().item()
    print(f"{100 * right:.2f} % of {len(test_y)} test images with hard gates")
    export(model, out, name="mnist-torchlogix", scale=1 / 255, zero_point=-128)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
