"""Compares an image of a published ONNX network with onnxruntime.

    python onnx_models.py LEAFGATE DATA

LEAFGATE is the command, DATA the folder with mnist and mnist_models. The network reads pixels as 0 to 1. Exits with 1 if its accuracy in real
numbers is another than onnxruntime's, or the image's is more than half a point from it, on the 10,000 digits.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime


def main(command, data):
    data = pathlib.Path(data)
    model = data / "mnist_models/onnx2c_mnist_pytorch.onnx"
    read = lambda name, skip: np.frombuffer(gzip.open(data / "mnist" / name).read()[skip:], np.uint8)
    images, labels = read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784), read("t10k-labels-idx1-ubyte.gz", 8)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    scores = [session.run(None, {name: image[None].astype(np.float32) / np.float32(255)})[0].ravel() for image in images]
    want = 100 * (np.argmax(scores, 1) == labels).mean()
    with tempfile.TemporaryDirectory() as folder:
        words = [command, "convert", "--quiet", "--format", "json", model, "-o", f"{folder}/model.leaf"]
        words += ["--input-scale", str(1 / 255), "--input-zero-point", "-128"]
        words += ["--calib", data / "mnist/train-images-idx3-ubyte.gz", "--eval", data / "mnist/t10k-images-idx3-ubyte.gz"]
        words += ["--labels-file", data / "mnist/t10k-labels-idx1-ubyte.gz"]
        report = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    accuracy = report["accuracy"]
    print(json.dumps(accuracy))
    return abs(accuracy["float"] - want) > 0.001 or abs(accuracy["integer"] - want) > 0.5


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1], sys.argv[2]) else 0)
