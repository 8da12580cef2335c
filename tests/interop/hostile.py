"""Writes the corpora of the importers: small model files, and some that are wrong in one way each (`refused-*`).

    python hostile.py tests/fuzz/importers

The sound TensorFlow Lite files are copies of fixtures that `tflite.py` makes.
"""

import json
import pathlib
import struct
import sys

import numpy as np
from tflite import F32, I8, Net

rng = np.random.default_rng(1)


def f32(*shape):
    return "F32", rng.normal(0, 0.5, shape).astype(np.float32)


def i32(limit, count):
    return "I32", rng.integers(0, limit, count).astype(np.int32)


def gates(count):
    return "U8", rng.integers(0, 16, count).astype(np.uint8)


def safetensors(tensors, layers=None):
    header, data = {}, b""
    for name, (dtype, array) in tensors.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += np.ascontiguousarray(array).tobytes()
    if layers is not None:
        graph = {"format": "leafgate.graph/1", "input": {"len": 3, "scale": 0.25, "zero_point": 0.0}, "layers": layers}
        header["__metadata__"] = {"leafgate.graph": json.dumps(graph, separators=(",", ":"))}
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def fff(prefix):
    shapes = {"node_weights": (3, 3), "node_biases": (3, 1), "w1s": (4, 3, 2), "b1s": (4, 2), "w2s": (4, 2, 2), "b2s": (4, 2)}
    return {prefix + "depth": ("I64", np.array(2, np.int64)), **{prefix + name: f32(*shape) for name, shape in shapes.items()}}


def graph_files():
    dense = {"a.weight": f32(4, 3), "a.bias": f32(4), "n.gain": f32(4), "n.bias": f32(4), "b.weight": ("F16", rng.normal(0, 0.5, (2, 4)).astype(np.float16))}
    layers = [{"op": "linear", "prefix": "a.", "activation": "gelu"}, {"op": "affine", "prefix": "n."}, {"op": "clamp", "min": -1, "max": 2.5}]
    yield "dense", safetensors(dense, [*layers, {"op": "linear", "prefix": "b.", "activation": "none"}, {"op": "argmax"}])
    layers = [
        {"op": "linear", "prefix": "g.", "activation": "hard_swish", "id": "g"},
        {"op": "linear", "prefix": "u.", "activation": "none", "input": "input", "id": "u"},
        {"op": "mul", "inputs": ["g", "u"], "id": "p"},
        {"op": "add", "inputs": ["p", "u"], "id": "s"},
        {"op": "concat", "inputs": ["s", "g"]},
        {"op": "transpose", "rows": 2, "cols": 4},
        {"op": "slice", "start": 1, "len": 5},
        {"op": "activation", "function": "tanh"},
        {"op": "top_k", "k": 2},
    ]
    yield "branches", safetensors({"g.weight": f32(4, 3), "u.weight": f32(4, 3)}, layers)
    master = {"f.magic_w1": f32(1, 3, 2), "f.magic_b1": f32(1, 2), "f.magic_w2": f32(1, 2, 2), "f.magic_b2": f32(1, 2), "f.k": f32()}
    yield "fff", safetensors({**fff("f."), **master}, [{"op": "fff", "prefix": "f.", "activation": "relu"}])
    experts = {"router.weight": f32(3, 3), "router.bias": f32(3), "w1s": f32(3, 3, 2), "b1s": f32(3, 2), "w2s": f32(3, 2, 3), "b2s": f32(3, 3)}
    shared = {"shared.w1": f32(3, 2), "shared.b1": f32(2), "shared.w2": f32(2, 3), "shared.b2": f32(3)}
    yield "experts", safetensors({**experts, **shared}, [{"op": "moe", "activation": "silu", "top_k": 2, "gate": "sigmoid", "residual": True}])
    path = {"linear_in.weight": f32(6, 3), "linear_in.bias": f32(6), "linear_out.weight": f32(2, 6)}
    yield "path", safetensors(path, [{"op": "ultrafast", "activation": "gelu", "trees": 2, "depth": 1}])
    bits = {"feature": i32(3, 40), "threshold": f32(40), "g.gate": gates(32), "h.gate": gates(9), "h.a": i32(32, 9), "h.b": i32(32, 9), "bias": f32(3)}
    wiring = {f"g.{x}_{what}": i32(limit, 1) for x in "ab" for what, limit in (("word", 2), ("rot", 32))}
    layers = [{"op": "thermometer"}, {"op": "gates", "prefix": "g.", "wiring": "word"}, {"op": "gates", "prefix": "h.", "wiring": "gathered"}]
    yield "gates", safetensors({**bits, **wiring}, [*layers, {"op": "group_sum", "groups": 3, "tau": 1.5}])


def pickle(tensors, before=b""):
    """Of an ordered dict of (name, storage, shape), as torch.save writes it; `before` are instructions that come first."""

    def text(words):
        return b"X" + struct.pack("<I", len(words)) + words.encode()

    def number(value):
        return b"J" + struct.pack("<I", value & 0xFFFFFFFF)

    made = b"\x80\x02" + before + b"ccollections\nOrderedDict\n)R("
    for key, (name, storage, shape) in enumerate(tensors):
        made += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + f"ctorch\n{storage}\n".encode()
        made += text(str(key)) + text("cpu") + number(int(np.prod(shape))) + b"tQ" + number(0)
        for dims in (shape, [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]):
            made += b"(" + b"".join(map(number, dims)) + b"t"
        made += b"\x89ccollections\nOrderedDict\n)RtR"
    return made + b"u."


def pickles():
    shapes = {"node_weights": [3, 3], "node_biases": [3, 1], "w1s": [4, 3, 2], "b1s": [4, 2], "w2s": [4, 2, 2], "b2s": [4, 2]}
    tiny = [("depth", "LongStorage", []), *((name, "FloatStorage", shape) for name, shape in shapes.items())]
    yield "fff", pickle(tiny)
    yield "refused-code", pickle(tiny, b"cposix\nsystem\n(X\x04\0\0\0truetR")
    yield "refused-missing", pickle(tiny[:-1])
    yield "refused-huge", pickle([*tiny[:3], ("w1s", "FloatStorage", [4, 3, 100_000_000]), *tiny[4:]])
    yield "refused-overflow", pickle([*tiny[:3], ("w1s", "FloatStorage", [0, 2**31 - 1, 2**31 - 1]), *tiny[4:]])
    yield "refused-negative", pickle([*tiny[:3], ("w1s", "FloatStorage", [-4, 3, -2]), *tiny[4:]])


def tflite(scale=0.3, shape=(1, 9), cycle=False, twice=False, itself=False, weights=True):
    net = Net(1)
    x = net.tensor(I8, (1, 12), 0.05, -3)
    y = net.dense_i8(x, 9, 12, 0.05, (0.3, -20))
    net.graph.tensors[y].quantization.scale = np.array([scale], np.float32)
    net.graph.tensors[y].shape = list(shape)
    out = net.op("LOGISTIC", (y,), net.tensor(I8, (1, 9), 1 / 256, -128))
    operators = net.graph.operators
    if cycle:
        operators[0].inputs[0] = out
    if twice:
        operators[1].outputs = [y]
    if itself:
        operators[1].inputs = [out]
    if not weights:
        net.model.buffers[1].data = net.model.buffers[1].data[:50]
    return net.finish(x, out)


def tflites():
    yield "refused-scale-nan", tflite(scale=np.nan)
    yield "refused-scale-zero", tflite(scale=0)
    yield "refused-dimension-zero", tflite(shape=(0, 9))
    yield "refused-dimension-negative", tflite(shape=(-1, 9))
    yield "refused-product", tflite(shape=(2**31 - 1, 2**31 - 1, 2**31 - 1))
    yield "refused-product-to-nothing", tflite(shape=(2**16, 2**16, 2**16, 2**16))
    yield "refused-cycle", tflite(cycle=True)
    yield "refused-written-twice", tflite(twice=True)
    yield "refused-reads-itself", tflite(itself=True)
    yield "refused-weights-cut", tflite(weights=False)
    net = Net(1)
    x = net.tensor(F32, (1, 10))
    yield "refused-nothing-computed", net.finish(x, x)


def main(folder):
    groups = {"graph-file": (graph_files(), "safetensors"), "pickle": (pickles(), "pkl"), "tflite": (tflites(), "tflite")}
    groups["state-dict"] = ([("fff", safetensors(fff("module.")))], "safetensors")
    for importer, (files, ending) in groups.items():
        for name, data in files:
            path = pathlib.Path(folder) / importer / f"{name}.{ending}"
            path.write_bytes(data)
            print(path, len(data), "bytes")


if __name__ == "__main__":
    main(sys.argv[1])
