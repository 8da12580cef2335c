"""Makes small torchlogix networks from a seed, runs them with the package in evaluation mode, and writes both.

    python torchlogix_networks.py FOLDER
"""

import pathlib
import sys
import types

import torch
from logic_networks import BITS, PIXELS, TENTHS, expect, inputs, numbers, save_export, save_graph, save_state

if sys.version_info < (3, 12):
    # Version 0.2.2 has a module that older Pythons cannot read; no layer needs it.
    sys.modules["torchlogix.circuit"] = types.SimpleNamespace(Circuit=None)
from torchlogix.layers import FixedBinarization, GroupSum, LogicConv2d, LogicDense, OrPooling2d  # noqa: E402
from torchlogix.layers.binarization import Binarization  # noqa: E402


ROOTS = {
    "RawLUTParametrization": [1.5 if gate in (1, 2, 4, 8) else 0.0 for gate in range(16)],
    "LightLUTParametrization": [-0.8],
    "WarpLUTParametrization": [1.5, 0.0, 0.0, 0.0],
}


def write(folder, seed, name, shape, spec, layers, as_pickle):
    """Gates of all kinds in the layers: what they are initialised to is nearly all wires."""
    model = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "connections" not in key:
                parameter.copy_(torch.randn(parameter.shape))
        for layer in layers:
            if isinstance(layer, LogicConv2d):
                # The roots are mostly 0, or pooling would leave little but ones.
                root = layer.tree_weights[-1]
                root += torch.tensor(ROOTS[type(layer.parametrization).__name__])
    length = int(torch.tensor(shape).prod())
    x = numbers(inputs(seed, length, spec["min"], spec["max"]), spec).reshape(-1, *shape)
    expect(folder, name, model, x, model[-1], seed, spec)
    save_state(folder, name, model, as_pickle)
    save_export(folder, name, model, spec, input_shape=shape)
    return length


def dense(parametrization, in_dim, out_dim, **options):
    return LogicDense(in_dim, out_dim, parametrization=parametrization, **options)


def bits(folder, seed, name, parametrization, as_pickle, **options):
    """Three layers on bits."""
    torch.manual_seed(seed)
    sizes = ((40, 64), (64, 64), (64, 60))
    layers = [dense(parametrization, *size, **options) for size in sizes]
    length = write(folder, seed, name, (40,), BITS, [*layers, GroupSum(5, 3.0)], as_pickle)
    described = [{"op": "logic_dense", "prefix": f"{i}.", "parametrization": parametrization} for i in range(3)]
    first = {"op": "binarization", "thresholds": [0.5]}
    save_graph(folder, name, length, BITS, [first, *described, {"op": "group_sum", "groups": 5, "tau": 3.0}])


def quantiles(folder):
    """Thresholds of each feature that are numbers of the data: one equal to it is not above it."""
    torch.manual_seed(7)
    data = torch.randint(-128, 128, (200, 16)).float() / 10
    encoder = FixedBinarization(Binarization.get_distributive_thresholds(data, 3, "feature"))
    layers = [encoder, torch.nn.Flatten(), dense("warp", 48, 64), dense("warp", 64, 60), GroupSum(4, 2.0)]
    length = write(folder, 7, "quantiles", (16,), TENTHS, layers, False)
    described = [{"op": "logic_dense", "prefix": f"{i}.", "parametrization": "warp"} for i in (2, 3)]
    first = {"op": "binarization", "prefix": "0."}
    save_graph(folder, "quantiles", length, TENTHS, [first, *described, {"op": "group_sum", "groups": 4, "tau": 2.0}])


def conv(prefix, parametrization, shape, padding):
    keys = {"prefix": prefix, "parametrization": parametrization, "shape": shape, "padding": padding}
    return {"op": "logic_conv2d", **keys}


def pool(shape, kernel, stride, padding=0):
    return {"op": "or_pool2d", "shape": shape, "kernel": kernel, "stride": stride, "padding": padding}


def conv_raw(folder):
    """Two convolutions with padding, thresholds of each channel, a group sum with an offset."""
    torch.manual_seed(1108)
    encoder = FixedBinarization(torch.tensor([[0.2, 0.6], [0.4, 0.8]]), feature_dim=1)
    layers = [
        encoder,
        LogicConv2d(8, 4, num_kernels=4, tree_depth=2, receptive_field_size=3, padding=1),
        OrPooling2d(2, 2),
        LogicConv2d(4, 4, num_kernels=6, tree_depth=1, receptive_field_size=3),
        torch.nn.Flatten(),
        dense("raw", 24, 30),
        GroupSum(3, 2.0, beta=3.0),
    ]
    length = write(folder, 8, "conv_raw", (2, 8, 8), PIXELS, layers, True)
    described = [
        {"op": "binarization", "prefix": "0.", "shape": [2, 8, 8], "order": "channel"},
        conv("1.", "raw", [4, 8, 8], 1),
        pool([4, 8, 8], 2, 2),
        conv("3.", "raw", [4, 4, 4], 0),
        {"op": "logic_dense", "prefix": "5."},
        {"op": "group_sum", "groups": 3, "tau": 2.0, "beta": 3.0},
    ]
    save_graph(folder, "conv_raw", length, PIXELS, described)


def conv_light(folder):
    """Trees of three levels, a stride, windows that overlap and reach beyond the image."""
    torch.manual_seed(209)
    options = {"parametrization": "light"}
    layers = [
        LogicConv2d(9, 1, num_kernels=5, tree_depth=3, receptive_field_size=3, stride=2, padding=1, **options),
        OrPooling2d(3, 2, padding=1),
        torch.nn.Flatten(),
        dense("light", 45, 60),
        GroupSum(4, 1.0),
    ]
    length = write(folder, 9, "conv_light", (1, 9, 9), BITS, layers, False)
    described = [
        {"op": "binarization", "thresholds": [0.5]},
        conv("0.", "light", [1, 9, 9], 1),
        pool([5, 5, 5], 3, 2, 1),
        {"op": "logic_dense", "prefix": "3.", "parametrization": "light"},
        {"op": "group_sum", "groups": 4, "tau": 1.0},
    ]
    save_graph(folder, "conv_light", length, BITS, described)


def conv_warp(folder):
    """Two channels to a tree, an image that is no square, windows that are none."""
    torch.manual_seed(410)
    options = {"parametrization": "warp", "connections_kwargs": {"channel_group_size": 2}}
    layers = [
        LogicConv2d((6, 5), 3, num_kernels=4, tree_depth=2, receptive_field_size=(3, 2), **options),
        OrPooling2d((3, 2), (1, 2)),
        torch.nn.Flatten(),
        dense("warp", 16, 24),
        GroupSum(3, 1.0),
    ]
    length = write(folder, 10, "conv_warp", (3, 6, 5), BITS, layers, True)
    described = [
        {"op": "binarization", "thresholds": [0.5]},
        conv("0.", "warp", [3, 6, 5], 0),
        pool([4, 4, 4], [3, 2], [1, 2]),
        {"op": "logic_dense", "prefix": "3.", "parametrization": "warp"},
        {"op": "group_sum", "groups": 3, "tau": 1.0},
    ]
    save_graph(folder, "conv_warp", length, BITS, described)


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    bits(folder, 3, "raw", "raw", True)
    bits(folder, 4, "light", "light", False)
    bits(folder, 5, "warp", "warp", True)
    candidates = {"connections": "learnable", "connections_kwargs": {"num_candidates": 4}}
    bits(folder, 6, "candidates", "raw", False, **candidates)
    for network in (quantiles, conv_raw, conv_light, conv_warp):
        network(folder)


if __name__ == "__main__":
    main(sys.argv[1])
