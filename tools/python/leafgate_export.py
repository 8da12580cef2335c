"""Writes a logic-gate network of difflogic or torchlogix as a Leafgate graph file.

    from leafgate_export import export
    export(model, "model.safetensors")

or, for a module that `torch.save(model, path)` wrote,

    leafgate-export model.pt model.safetensors

The file holds the gates, their wiring, the thresholds in front and the group sum behind: all that `leafgate convert` needs. Of a
weight the gate that evaluation takes is written; convolutions and pooling are unrolled. Before the file is written, its gates are
evaluated on random inputs beside the model in evaluation mode; a difference is an error.
"""

import argparse
import contextlib
import copy
import io
import json
import os
import sys
import types

import numpy as np
import torch
from safetensors.numpy import save

__all__ = ["ExportError", "export"]

#: Gates of an unrolled network; `leafgate convert` has the same limit.
MAX_GATES = 1 << 20


class ExportError(ValueError):
    """The model cannot be written; the message says why, and nothing was written."""


def export(
    model,
    path,
    *,
    input_shape=None,
    scale=None,
    zero_point=None,
    minimum=None,
    maximum=None,
    thresholds=None,
    order="threshold",
    name=None,
    labels=None,
    check=256,
):
    """Writes `model` to `path`, and returns the description in it as a dict.

    model: a Sequential (nested ones are opened), a module around one, or a list of modules: binarization, LogicLayer, LogicDense,
        LogicConv2d, OrPooling2d, Flatten, GroupSum. The group sum is the last.
    input_shape: (features,) or (channels, height, width) of one sample [default: what the first layer of gates reads].
    scale, zero_point: the number that the model was trained on is `scale * (byte - zero_point)` for a signed byte [default: 1 and 0
        where the input is bits already, else 1/255 and -128: pixels on 0 to 1, the byte is the pixel minus 128].
    minimum, maximum: of the bytes [default: 0 and 1 for bits, else -128 and 127].
    thresholds: of a model whose inputs are thresholded outside of it, as with difflogic: (n,), or (channels or features, n). Bit `i`
        of an element is `element > thresholds[i]`.
    order: how the bits follow each other then: "threshold" (all elements for the first threshold, then all for the second:
        `torch.cat([x > t for t in thresholds], dim=1)`), "channel" (the bits of a channel together), "element" (of an element).
    labels: names of the classes.
    check: random inputs on which the file is compared with the model.
    """
    layers = list(_layers(model))
    encoder = _encoder(layers, thresholds)
    input_shape = tuple(input_shape) if input_shape is not None else _input_shape(layers, encoder)
    feature, threshold, shape = _encode(encoder, input_shape, order if thresholds is not None else None)

    gates, total = [], 0
    group_sum = None
    for module in layers:
        kind = type(module).__name__
        if group_sum is not None:
            raise ExportError(f"{kind} follows the group sum, which must be the last layer")
        if kind == "GroupSum":
            group_sum = module
        elif kind == "Flatten":
            shape = (int(np.prod(shape)),)
        elif kind in _UNROLL:
            for gate, a, b in _UNROLL[kind](module, shape):
                total += len(gate)
                gates.append((gate, a, b))
            shape = _SHAPE[kind](module, shape)
        _limit(total)
    if group_sum is None or not gates:
        raise ExportError("the model has no GroupSum at its end, or no layer of gates before it")
    groups, tau, beta = int(group_sum.k), float(group_sum.tau), float(getattr(group_sum, "beta", 0.0))
    if len(gates[-1][0]) % groups:
        raise ExportError(f"{len(gates[-1][0])} gates are no multiple of {groups} groups")

    is_bits = encoder is None
    scale = (1.0 if is_bits else 1 / 255) if scale is None else float(scale)
    zero_point = (0.0 if is_bits else -128.0) if zero_point is None else float(zero_point)
    minimum = (0 if is_bits else -128) if minimum is None else int(minimum)
    maximum = (1 if is_bits else 127) if maximum is None else int(maximum)
    tensors = {"thermometer.feature": feature.astype(np.int32), "thermometer.threshold": threshold}
    layers_json = [{"op": "thermometer", "prefix": "thermometer."}]
    for i, (gate, a, b) in enumerate(gates):
        prefix = f"gates.{i}."
        layers_json.append({"op": "gates", "prefix": prefix, "wiring": "gathered"})
        for key, value in (("gate", gate.astype(np.uint8)), ("a", a.astype(np.int32)), ("b", b.astype(np.int32))):
            tensors[prefix + key] = value
    layers_json.append({"op": "group_sum", "prefix": "group_sum.", "groups": groups, "tau": tau})
    if beta:
        tensors["group_sum.bias"] = np.full(groups, beta, np.float32)
    # A view of another layout would be written as the memory behind it.
    tensors = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
    graph = {
        "format": "leafgate.graph/1",
        "name": name or os.path.splitext(os.path.basename(os.fspath(path)))[0],
        "input": {"len": int(np.prod(input_shape)), "scale": scale, "zero_point": zero_point, "min": minimum, "max": maximum},
        "labels": list(labels or []),
        "layers": [*layers_json, {"op": "argmax"}],
    }
    if check:
        _compare(model, layers, graph, tensors, gates, thresholds is not None, input_shape, check)
    partial = f"{os.fspath(path)}.part"
    with open(partial, "wb") as file:
        file.write(save(tensors, metadata={"leafgate.graph": json.dumps(graph)}))
    os.replace(partial, path)
    return graph


# The model as a chain of layers.

_BINARIZATIONS = ("FixedBinarization", "SoftBinarization", "LearnableBinarization")
_NOTHING = ("Dropout", "Identity", "DummyBinarization")


def _layers(model):
    """The known layers of a model in the order they run."""
    if isinstance(model, (list, tuple, torch.nn.Sequential)):
        for module in model:
            yield from _layers(module)
        return
    kind = type(model).__name__
    if kind in _NOTHING:
        return
    if kind in _UNROLL or kind in _BINARIZATIONS or kind in ("Flatten", "GroupSum"):
        yield model
        return
    if not isinstance(model, torch.nn.Module):
        raise ExportError(f"{kind} is no module; a state dict does not hold how its layers follow each other: save the whole module")
    children = list(model.children())
    if len(children) == 1 and isinstance(children[0], torch.nn.Sequential):
        yield from _layers(children[0])
        return
    known = ", ".join([*_UNROLL, *_BINARIZATIONS, *_NOTHING, "Flatten", "GroupSum", "Sequential"])
    raise ExportError(f"{kind} cannot be exported; what can: {known}. Give a list of the layers in the order they run")


def _encoder(layers, thresholds):
    """What makes bits of the input: a module, which leaves `layers`, or thresholds; None if the input is bits."""
    modules = [module for module in layers if type(module).__name__ in _BINARIZATIONS]
    if not modules:
        return None if thresholds is None else torch.as_tensor(thresholds, dtype=torch.float32)
    if thresholds is not None or len(modules) > 1 or layers[0] is not modules[0]:
        raise ExportError("thresholds are given once: by the first layer of the model, or by `thresholds`")
    return layers.pop(0)


def _thresholds(encoder):
    return encoder if isinstance(encoder, torch.Tensor) else encoder.get_thresholds().detach().cpu().float()


def _input_shape(layers, encoder):
    """The shape of a sample, from the first layer that reads it."""
    per_element = 1 if encoder is None else _thresholds(encoder).shape[-1]
    for module in layers:
        kind = type(module).__name__
        if kind == "LogicConv2d":
            return (module.channels // per_element, *module.in_dim)
        if kind in _UNROLL and hasattr(module, "in_dim"):
            return (module.in_dim // per_element,)
        if kind != "Flatten":
            break
    raise ExportError("the shape of the input is not known: give `input_shape`")


def _encode(encoder, shape, order):
    """Element and threshold of each bit, and the shape of the bits."""
    index = torch.arange(int(np.prod(shape))).reshape(1, *shape, 1)
    if encoder is None:
        flat = index.reshape(-1).numpy()
        return flat, np.full(flat.shape, 0.5, np.float32), shape
    values = _thresholds(encoder)
    if values.dim() == 2 and index.dim() == 5:
        values = values.view(1, -1, 1, 1, values.shape[1])
    try:
        index, values = torch.broadcast_tensors(index, values)
    except RuntimeError as error:
        raise ExportError(f"thresholds of shape {tuple(values.shape)} do not fit an input of shape {shape}") from error
    if tuple(index.shape[:-1]) != (1, *shape):
        raise ExportError(f"thresholds of shape {tuple(values.shape)} do not fit an input of shape {shape}")
    if not bool(torch.isfinite(values).all()):
        raise ExportError("a threshold is not a finite number")
    if order == "threshold":
        index, values = (t.movedim(-1, 1).flatten(1, 2) for t in (index, values))
    else:
        at = {None: getattr(encoder, "feature_dim", -2), "channel": 1, "element": -2}.get(order)
        if at is None:
            raise ExportError(f"order {order!r} is none of threshold, channel, element")
        at = at % index.dim()
        index, values = (t.movedim(-1, at + 1).flatten(at, at + 1) for t in (index, values))
    return index.reshape(-1).numpy(), values.reshape(-1).float().numpy(), tuple(index.shape[1:])


# Layers as layers of two-input gates (function, operand a, operand b), each on the bits of the one before.


def _limit(total):
    if total > MAX_GATES:
        raise ExportError(f"the network has {total} gates when unrolled, the limit is {MAX_GATES}")


def _wiring(indices, inputs, module):
    a, b = (np.asarray(index.detach().cpu()).astype(np.int64) for index in indices)
    if min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= inputs:
        raise ExportError(f"{type(module).__name__} reads bits that its input of {inputs} does not have")
    return a, b


def _vector(module, shape):
    if len(shape) != 1 or shape[0] != module.in_dim:
        raise ExportError(f"{type(module).__name__} reads {module.in_dim} bits, but its input has shape {shape}: is a Flatten missing?")
    return shape[0]


def _finite(weight):
    if not bool(torch.isfinite(weight).all()):
        raise ExportError("a weight is not a finite number")
    return weight.detach()


def _logic_layer(module, shape):
    """difflogic's layer: the gate is the largest of 16 weights."""
    gate = _finite(module.weights).argmax(-1).cpu().numpy()
    yield (gate, *_wiring(module.indices, _vector(module, shape), module))


def _tables(module, weight, operands, contraction):
    """Gate ids by evaluating the parametrization on the four pairs of operands."""
    if module.lut_rank != 2:
        raise ExportError(f"{type(module).__name__} has tables of {module.lut_rank} inputs, wanted 2")
    with torch.no_grad():
        rows = module.parametrization.forward(operands, _finite(weight).to(operands.device), False, contraction)
    gate = 8 * rows[0] + 4 * rows[1] + 2 * rows[2] + rows[3]
    return gate.cpu().numpy().astype(np.int64)


_PAIRS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def _logic_dense(module, shape):
    operands = _PAIRS.to(module.weight).unsqueeze(-1).expand(4, 2, len(module.weight))
    gate = _tables(module, module.weight, operands, "n,bn->bn")
    connections = module.connections
    indices = connections.resolve_connections() if hasattr(connections, "resolve_connections") else connections.indices
    yield (gate, *_wiring(indices, _vector(module, shape), module))


def _logic_conv(module, shape):
    """A tree of gates at every position: the lowest level reads the image, the others the level below."""
    if shape != (module.channels, *module.in_dim):
        raise ExportError(f"LogicConv2d reads {(module.channels, *module.in_dim)}, but its input has shape {shape}")
    kernels, positions = module.num_kernels, module.n_kernel_positions
    _limit(kernels * positions * (2**module.tree_depth - 1))
    channels, height, width = shape
    below = 0
    for level, weight in enumerate(module.tree_weights):
        nodes = len(weight)
        operands = _PAIRS.to(weight).reshape(4, 2, 1, 1, 1).expand(4, 2, kernels, 1, nodes)
        gate = _tables(module, weight, operands, "fc,bcsf->bcsf")
        gate = np.broadcast_to(gate, (kernels, positions, nodes))
        indices = module.connections.indices[level].detach().cpu().numpy()
        if level == 0:
            y, x, channel = (indices[..., i] - pad for i, pad in ((0, module.padding), (1, module.padding), (2, 0)))
            outside = (y < 0) | (y >= height) | (x < 0) | (x >= width)
            gate = np.where(outside[0], (gate >> 3 & 1) * 0b1010 + (gate >> 2 & 1) * 0b0101, gate)
            gate = np.where(outside[1], (gate >> 3 & 1) * 0b1100 + (gate >> 1 & 1) * 0b0011, gate)
            operand = np.where(outside, 0, (channel * height + y) * width + x)
        else:
            first = np.arange(kernels * positions).reshape(kernels, positions, 1) * below
            operand = indices[:, None, None, :] + first
        below = nodes
        yield gate.reshape(-1), operand[0].reshape(-1), operand[1].reshape(-1)


def _conv_shape(module, shape):
    return (module.num_kernels, *module.kernel_positions)


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _pool_shape(module, shape):
    if len(shape) != 3:
        raise ExportError(f"OrPooling2d reads images, but its input has shape {shape}")
    sides = zip(shape[1:], _pair(module.kernel_size), _pair(module.stride), _pair(module.padding))
    return (shape[0], *((side + 2 * pad - kernel) // stride + 1 for side, kernel, stride, pad in sides))


def _or_pool(module, shape):
    """OR of each window, as a tree: of the signals of a window two become one, an odd one stays."""
    channels, high, wide = _pool_shape(module, shape)
    (kh, kw), (sh, sw), (ph, pw) = (_pair(value) for value in (module.kernel_size, module.stride, module.padding))
    windows = []
    for channel, y, x in np.ndindex(channels, high, wide):
        ys = range(max(y * sh - ph, 0), min(y * sh - ph + kh, shape[1]))
        xs = range(max(x * sw - pw, 0), min(x * sw - pw + kw, shape[2]))
        windows.append([(channel * shape[1] + i) * shape[2] + j for i in ys for j in xs])
    while max(len(window) for window in windows) > 1:
        gate, a, b, halved = [], [], [], []
        for window in windows:
            halved.append(list(range(len(gate), len(gate) + (len(window) + 1) // 2)))
            for first in range(0, len(window), 2):
                pair = window[first : first + 2]
                gate.append(7 if len(pair) == 2 else 3)
                a.append(pair[0])
                b.append(pair[-1])
        windows = halved
        yield np.array(gate), np.array(a), np.array(b)
    if not all(window == [i] for i, window in enumerate(windows)):
        order = np.array([window[0] for window in windows])
        yield np.full(len(order), 3), order, order


_UNROLL = {"LogicLayer": _logic_layer, "LogicDense": _logic_dense, "LogicConv2d": _logic_conv, "OrPooling2d": _or_pool}
_SHAPE = {
    "LogicLayer": lambda module, shape: (module.out_dim,),
    "LogicDense": lambda module, shape: (module.out_dim,),
    "LogicConv2d": _conv_shape,
    "OrPooling2d": _pool_shape,
}


# The file beside the model.


def _evaluate(graph, tensors, gates, q):
    """Bits of the thermometer, and the counts of the groups."""
    spec = graph["input"]
    x = (spec["scale"] * (q - spec["zero_point"])).astype(np.float32)
    bits = x[:, tensors["thermometer.feature"]] > tensors["thermometer.threshold"]
    signals = bits.astype(np.int64)
    for gate, a, b in gates:
        signals = gate >> (3 - 2 * signals[:, a] - signals[:, b]) & 1
    groups = next(layer["groups"] for layer in graph["layers"] if layer["op"] == "group_sum")
    return x, bits, signals.reshape(len(q), groups, -1).sum(-1)


def _compare(model, layers, graph, tensors, gates, is_encoded, shape, count):
    spec, last = graph["input"], layers[-1]
    q = np.random.default_rng(1).integers(spec["min"], spec["max"] + 1, (count, spec["len"]))
    x, bits, counts = _evaluate(graph, tensors, gates, q)
    chain = torch.nn.Sequential(*model) if isinstance(model, (list, tuple)) else model
    chain = copy.deepcopy(chain).cpu().eval()
    for module in chain.modules():
        if getattr(module, "implementation", None) == "cuda":
            module.implementation = "python"
        if type(module).__name__ == "LogicLayer":
            module.indices = tuple(index.cpu() for index in module.indices)
    given = bits.astype(np.float32) if is_encoded else x
    given = torch.from_numpy(given.reshape(count, *(() if is_encoded else shape), *((-1,) if is_encoded else ())))
    # difflogic prints the types of its indices on every call.
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        scores = chain(given)
    beta = float(getattr(last, "beta", 0.0))
    want = np.rint(scores.double().numpy() * float(last.tau) - beta).astype(np.int64)
    if want.shape != counts.shape or not np.array_equal(want, counts):
        raise ExportError("the layers do not compute what the model computes: does its `forward` do more than run them in order?")


def _arguments():
    parser = argparse.ArgumentParser(prog="leafgate-export", description="Writes a pickled difflogic or torchlogix module as a graph file.")
    numbers = lambda kind: lambda text: tuple(kind(part) for part in text.split(","))  # noqa: E731
    parser.add_argument("model", help="what torch.save(model, path) wrote; loading it runs code in it: open only files that you trust")
    parser.add_argument("output", help="the .safetensors file to write")
    parser.add_argument("--input-shape", type=numbers(int), metavar="C,H,W")
    parser.add_argument("--scale", type=float, metavar="X")
    parser.add_argument("--zero-point", type=float, metavar="Q")
    parser.add_argument("--min", type=int, metavar="Q", dest="minimum")
    parser.add_argument("--max", type=int, metavar="Q", dest="maximum")
    parser.add_argument("--thresholds", type=numbers(float), metavar="T,..", help="of a model whose inputs are thresholded outside of it")
    parser.add_argument("--order", choices=("threshold", "channel", "element"), default="threshold")
    parser.add_argument("--name")
    parser.add_argument("--labels", type=numbers(str), metavar="A,B,..")
    return vars(parser.parse_args())


def main():
    """The command `leafgate-export`."""
    arguments = _arguments()
    model, output = arguments.pop("model"), arguments.pop("output")
    try:
        import difflogic_cuda  # noqa: F401
    except ImportError:
        # difflogic asks for its CUDA kernels when it is imported; gates and wiring are there without.
        sys.modules["difflogic_cuda"] = types.ModuleType("difflogic_cuda")
    try:
        loaded = torch.load(model, map_location="cpu", weights_only=False)
    except Exception as error:  # noqa: BLE001: whatever the pickle does
        sys.exit(f"leafgate-export: {model} cannot be loaded: {error}")
    try:
        graph = export(loaded, output, **arguments)
    except (ExportError, OSError) as error:
        sys.exit(f"leafgate-export: {error}")
    gates = sum(layer["op"] == "gates" for layer in graph["layers"])
    print(f"{output}: {graph['input']['len']} inputs, {gates} layers of gates")


if __name__ == "__main__":
    main()
