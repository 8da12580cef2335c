"""What the fixtures of difflogic and torchlogix have in common: inputs from a seed, and files.

Of a network NAME there are

    NAME.pt or NAME.safetensors       its state dict
    NAME.graph.json or .safetensors   the graph file for it (docs/importing.md)
    NAME.export.safetensors           what leafgate_export.py makes of the module
    NAME.json                         what the package computes: sums of the groups of the first inputs, and a checksum of every 500
"""

import json
import pathlib
import sys
import zlib

import numpy as np
import torch
from safetensors.numpy import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/python"))
import leafgate_export  # noqa: E402

SAMPLES, BLOCK, SHOWN = 10_000, 500, 4
BITS = {"scale": 1.0, "zero_point": 0.0, "min": 0, "max": 1}
PIXELS = {"scale": 1 / 255, "zero_point": -128.0, "min": -128, "max": 127}
TENTHS = {"scale": 0.1, "zero_point": 0.0, "min": -128, "max": 127}


def inputs(seed, length, low, high):
    """Rows of bytes: splitmix64, so that a test makes the same."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, SAMPLES * length + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (low + ((z >> np.uint64(33)) % np.uint64(high - low + 1)).astype(np.int64)).reshape(SAMPLES, length)


def numbers(q, spec):
    """What training sees of bytes: they are divided as they usually are, not multiplied."""
    if spec is TENTHS:
        return q.astype(np.float32) / np.float32(10)
    return (q + 128).astype(np.float32) / np.float32(255) if spec is PIXELS else q.astype(np.float32)


def expect(folder, name, model, x, last, seed, spec):
    """Runs the package on the numbers `x` and writes its sums."""
    with torch.no_grad():
        scores = model.eval()(torch.from_numpy(x)).double().numpy()
    sums = scores * last.tau
    assert np.abs(sums - np.rint(sums)).max() < 1e-3, "sums of bits are whole numbers"
    sums = np.rint(sums).astype("<i2")
    assert len(np.unique(sums, axis=0)) > 100, f"{name} computes next to nothing"
    blocks = [zlib.crc32(sums[at : at + BLOCK].tobytes()) for at in range(0, SAMPLES, BLOCK)]
    text = {"seed": seed, "samples": SAMPLES, "tau": last.tau, "first": sums[:SHOWN].tolist(), "crc32": blocks}
    (folder / f"{name}.json").write_text(json.dumps(text) + "\n")
    print(name, len(np.unique(sums, axis=0)), "different outputs")


def save(tensors, path, **options):
    """As every file is saved: readable by all."""
    save_file(tensors, path, **options)
    path.chmod(0o644)


def save_state(folder, name, model, as_pickle):
    state = model.state_dict()
    if as_pickle:
        torch.save(state, folder / f"{name}.pt")
    else:
        tensors = {key: np.ascontiguousarray(value.numpy()) for key, value in state.items()}
        save(tensors, folder / f"{name}.safetensors")


def save_graph(folder, name, length, spec, layers, tensors=None):
    """The graph file of a state dict; with tensors it is a safetensors file."""
    text = json.dumps({"format": "leafgate.graph/1", "name": name, "input": {"len": length, **spec}, "layers": [*layers, {"op": "argmax"}]})
    if tensors is None:
        (folder / f"{name}.graph.json").write_text(text + "\n")
    else:
        save(tensors, folder / f"{name}.graph.safetensors", metadata={"leafgate.graph": text})


def save_export(folder, name, model, spec, **options):
    path = folder / f"{name}.export.safetensors"
    keys = {"minimum": spec["min"], "maximum": spec["max"], "scale": spec["scale"], "zero_point": spec["zero_point"]}
    leafgate_export.export(model, path, name=name, **keys, **options)
