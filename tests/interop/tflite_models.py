"""Compares images of published TensorFlow Lite models with LiteRT, output by output.

    python tflite_models.py LEAFGATE DATA

LEAFGATE is the command, DATA the folder with mlperf_tiny, tflm, mnist and mnist_models. Inputs are 1,000 random vectors; the windows of the
spectrogram that comes with the anomaly detector; every byte of the one-input network; 2,000 digits. Exits with 1 if fewer than 99.9 %
of the outputs of a model are equal, or one is off by more than 1. Differences from the double-rounding reference kernels are printed.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

warnings.filterwarnings("ignore", message=".*preserve_all_tensors.*")


def litert(model, inputs, tensor, reference=False):
    """Outputs of `tensor` (or of the network) for rows of bytes."""
    kind = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    interpreter = Interpreter(str(model), experimental_op_resolver_type=kind, experimental_preserve_all_tensors=tensor is not None)
    interpreter.allocate_tensors()
    names = [op["op_name"] for op in interpreter._get_ops_details()]
    assert reference or "DELEGATE" in names, f"XNNPACK is not active: {names}"
    entry = interpreter.get_input_details()[0]
    at = interpreter.get_output_details()[0]["index"] if tensor is None else tensor
    outputs = []
    for q in inputs:
        # A network that takes real numbers is given pixels of 0 to 1.
        x = q if entry["dtype"] is np.int8 else (q.astype(np.float32) + 128) / 255
        interpreter.set_tensor(entry["index"], x.astype(entry["dtype"]).reshape(entry["shape"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(at).ravel().copy())
    return np.array(outputs).astype(int)


def leafgate(command, model, inputs):
    with tempfile.TemporaryDirectory() as folder:
        image, samples = f"{folder}/model.leaf", pathlib.Path(folder) / "samples.bin"
        samples.write_bytes((inputs.astype(int) + 128).astype(np.uint8).tobytes())
        subprocess.run([command, "convert", "--quiet", model, "-o", image], check=True, stdout=subprocess.DEVNULL)
        words = [command, "run", "--quiet", image, "--input", samples, "--format", "json"]
        report = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    return np.array([sample["values"] for sample in report["samples"]])


def spectrogram(data):
    """Windows of five frames of 128 bands, quantised as the model's input is (scale 0.391015, zero point 89)."""
    frames = np.frombuffer((data / "mlperf_tiny/ad01_normal_id_01_00000000_hist_librosa.bin").read_bytes(), np.float32)
    frames = frames.reshape(-1, 128)
    windows = np.stack([frames[i : i + 5].ravel() for i in range(len(frames) - 4)])
    return np.clip(np.round(windows / np.float32(0.3910152316093445)) + 89, -128, 127).astype(np.int8)


def digits(data):
    pixels = np.frombuffer(gzip.open(data / "mnist/t10k-images-idx3-ubyte.gz").read()[16:], np.uint8)
    return (pixels.reshape(-1, 784)[:2000].astype(int) - 128).astype(np.int8)


def main(command, data):
    data = pathlib.Path(data)
    rng = np.random.default_rng(1)
    detector = data / "mlperf_tiny/ad01_int8.tflite"
    cases = [
        ("ad01_int8, random", detector, rng.integers(-128, 128, (1000, 640)).astype(np.int8), None),
        ("ad01_int8, spectrogram", detector, spectrogram(data), None),
        ("hello_world_int8, every byte", data / "tflm/hello_world_int8.tflite", np.arange(-128, 128, dtype=np.int8)[:, None], None),
        # Tensor 13 holds the integers that a DEQUANTIZE and a LOG_SOFTMAX follow.
        ("lenet-300-100, digits", data / "mnist_models/tinyengine_ptq_mnist_lenet-300-100.tflite", digits(data), 13),
    ]
    bad = 0
    for name, model, inputs, tensor in cases:
        have = leafgate(command, model, inputs)
        want = litert(model, inputs, tensor)
        off = np.abs(have - want)
        other = np.abs(have - litert(model, inputs, tensor, reference=True))
        equal, largest = (off == 0).mean(), off.max()
        print(f"{name}: {len(inputs)} inputs, {100 * equal:.4f} % of {off.size} outputs equal, off by at most {largest};", end=" ")
        print(f"reference kernels: {100 * (other == 0).mean():.4f} % equal, off by at most {other.max()}")
        bad += equal < 0.999 or largest > 1
    return bad


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1], sys.argv[2]) else 0)
