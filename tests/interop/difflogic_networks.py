"""Makes small difflogic networks from a seed, runs them with the package's Python path in evaluation mode, and writes both.

    python difflogic_networks.py FOLDER SOURCE

SOURCE is the unpacked source of difflogic: its build wants CUDA, its Python does not.
"""

import contextlib
import io
import pathlib
import sys
import types

import numpy as np
import torch
from logic_networks import BITS, PIXELS, expect, inputs, numbers, save_export, save_graph, save_state

sys.modules["difflogic_cuda"] = types.ModuleType("difflogic_cuda")
sys.path.insert(0, sys.argv[2])
from difflogic import GroupSum, LogicLayer  # noqa: E402


def chain(widths, connections, groups, tau):
    layers = [LogicLayer(a, b, device="cpu", connections=connections) for a, b in zip(widths, widths[1:])]
    return torch.nn.Sequential(torch.nn.Flatten(), *layers, GroupSum(groups, tau, device="cpu"))


def wiring(model):
    return {i: [index.numpy() for index in layer.indices] for i, layer in enumerate(model) if isinstance(layer, LogicLayer)}


def bits(folder):
    """Bits as they come; the wiring stands in the graph file's text."""
    torch.manual_seed(11)
    model = chain((40, 64, 64, 60), "random", 5, 3.0)
    x = numbers(inputs(1, 40, 0, 1), BITS)
    expect(folder, "bits", model, x, model[-1], 1, BITS)
    save_state(folder, "bits", model, as_pickle=True)
    layers = [{"op": "logic_dense", "prefix": f"{i}.", "a": a.tolist(), "b": b.tolist()} for i, (a, b) in wiring(model).items()]
    group_sum = {"op": "group_sum", "groups": 5, "tau": 3.0}
    save_graph(folder, "bits", 40, BITS, [{"op": "binarization", "thresholds": [0.5]}, *layers, group_sum])
    save_export(folder, "bits", model, BITS)


def colours(folder):
    """Thresholds on an image in difflogic's order, all colours for one threshold after the other; the wiring is in tensors."""
    torch.manual_seed(12)
    model = chain((144, 100, 96, 90), "unique", 10, 5.0)
    thresholds = [0.25, 0.5, 0.75]
    x = numbers(inputs(2, 48, -128, 127), PIXELS).reshape(-1, 3, 4, 4)
    encoded = np.concatenate([x > np.float32(t) for t in thresholds], axis=1).astype(np.float32)
    expect(folder, "colours", model, encoded, model[-1], 2, PIXELS)
    save_state(folder, "colours", model, as_pickle=False)
    layers = [{"op": "logic_dense", "prefix": f"{i}."} for i in wiring(model)]
    tensors = {f"{i}.{key}": index.astype(np.int32) for i, pair in wiring(model).items() for key, index in zip("ab", pair)}
    first = {"op": "binarization", "shape": [3, 4, 4], "thresholds": thresholds, "order": "threshold"}
    save_graph(folder, "colours", 48, PIXELS, [first, *layers, {"op": "group_sum", "groups": 10, "tau": 5.0}], tensors)
    save_export(folder, "colours", model, PIXELS, thresholds=thresholds, input_shape=(3, 4, 4))


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for network in (bits, colours):
        # The package prints the types of its indices.
        with contextlib.redirect_stdout(io.StringIO()) as said:
            network(folder)
        print(said.getvalue().splitlines()[-1])


if __name__ == "__main__":
    main(sys.argv[1])
