"""Makes small TensorFlow Lite networks from a seed, runs them with LiteRT, and writes both.

    python tflite.py FOLDER

Each NAME.tflite gets a NAME.json: {"inputs": [[..]], "outputs": [[..]]}, what LiteRT's default interpreter (its XNNPACK delegate
is asserted to be active where the operators allow it) gives; by how much the double-rounding reference kernels differ is printed. Integers stand as they are, real numbers as the shortest text that
gives the same f32.
"""

import json
import pathlib
import sys
import warnings

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

F32, I32, U8, I8 = (getattr(schema.TensorType, name) for name in ("FLOAT32", "INT32", "UINT8", "INT8"))
warnings.filterwarnings("ignore", message=".*preserve_all_tensors.*")
NUMPY = {F32: np.float32, I32: np.int32, U8: np.uint8, I8: np.int8}


class Net:
    """A network under construction: one subgraph, tensors by index."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, element, shape, scale=None, zero=0, data=None, axis=0):
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.shape = f"t{len(self.graph.tensors)}", element, list(shape)
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scales
            tensor.quantization.zeroPoint = np.full(len(scales), zero, np.int64)
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, NUMPY[element]).tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def op(self, name, inputs, output, options=None, version=1):
        number = getattr(schema.BuiltinOperator, name)
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes)
        operator.inputs, operator.outputs = list(inputs), [output]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.model.operatorCodes.append(code)
        self.graph.operators.append(operator)
        return output

    def options(self, kind, activation="NONE"):
        options = getattr(schema, kind + "OptionsT")()
        if hasattr(options, "fusedActivationFunction"):
            options.fusedActivationFunction = getattr(schema.ActivationFunctionType, activation)
        return options

    def dense_i8(self, x, rows, cols, x_scale, y, per_row=False, activation="NONE", bias=True):
        y_scale, y_zero = y
        scale = self.rng.uniform(0.002, 0.02, rows if per_row else 1)
        weights = self.rng.integers(-127, 128, (rows, cols))
        w = self.tensor(I8, (rows, cols), scale, 0, weights)
        b = self.tensor(I32, (rows,), scale * x_scale, 0, self.rng.integers(-4000, 4001, rows)) if bias else -1
        out = self.tensor(I8, (1, rows), y_scale, y_zero)
        return self.op("FULLY_CONNECTED", (x, w, b), out, self.options("FullyConnected", activation), 4 if bias else 6)

    def dense_f32(self, x, rows, cols, activation="NONE"):
        w = self.tensor(F32, (rows, cols), data=self.rng.normal(0, 1 / np.sqrt(cols), (rows, cols)))
        b = self.tensor(F32, (rows,), data=self.rng.normal(0, 0.2, rows))
        out = self.tensor(F32, (1, rows))
        return self.op("FULLY_CONNECTED", (x, w, b), out, self.options("FullyConnected", activation))

    def finish(self, x, y):
        self.graph.inputs, self.graph.outputs = [x], [y]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def dense(activation, per_row):
    net = Net(1)
    x = net.tensor(I8, (1, 12), 0.05, -3)
    y = net.dense_i8(x, 9, 12, 0.05, (0.3, -20), per_row, activation)
    return net.finish(x, y)


def deep():
    net = Net(2)
    x = net.tensor(I8, (1, 20), 0.02, -128)
    h = net.dense_i8(x, 33, 20, 0.02, (0.11, -128), True, "RELU")
    h = net.dense_i8(h, 17, 33, 0.11, (0.2, 5), False, "RELU6", bias=False)
    return net.finish(x, net.dense_i8(h, 10, 17, 0.2, (0.6, 11)))


def unary(name, y):
    net = Net(3)
    x = net.tensor(I8, (1, 256), 0.05, -7)
    return net.finish(x, net.op(name, (x,), net.tensor(I8, (1, 256), *y), version=2 if name == "QUANTIZE" else 1))


def add(activation):
    net = Net(4)
    x = net.tensor(I8, (1, 16), 0.05, -7)
    a = net.dense_i8(x, 16, 16, 0.05, (0.21, 3), True)
    b = net.dense_i8(x, 16, 16, 0.05, (0.34, -9), True, "RELU")
    return net.finish(x, net.op("ADD", (a, b), net.tensor(I8, (1, 16), 0.5, 2), net.options("Add", activation), 2))


def constant(name):
    net = Net(5)
    x = net.tensor(I8, (1, 16), 0.05, -7)
    c = net.tensor(I8, (1, 16), 0.03, 4, net.rng.integers(-128, 128, (1, 16)))
    out = net.tensor(I8, (1, 16), 0.07, -1)
    return net.finish(x, net.op(name, (x, c), out, net.options(name.capitalize()), 2))


def pair(y):
    """Two layers of one input."""
    net = Net(8)
    x = net.tensor(I8, (1, 16), 0.05, -7)
    return net, x, net.dense_i8(x, 16, 16, 0.05, y, True), net.dense_i8(x, 16, 16, 0.05, y, True, "RELU")


def mul(activation):
    net, x, a, b = pair((0.2, 3))
    return net.finish(x, net.op("MUL", (a, b), net.tensor(I8, (1, 16), 1.7, -5), net.options("Mul", activation), 2))


def twice(name):
    net, x, a, _ = pair((0.2, 3))
    return net.finish(x, net.op(name, (a, a), net.tensor(I8, (1, 16), 0.9, -5), net.options(name.capitalize()), 2))


def hard_swish():
    net, x, a, _ = pair((0.08, 3))
    return net.finish(x, net.op("HARD_SWISH", (a,), net.tensor(I8, (1, 16), 0.04, -112)))


def joined():
    net, x, a, b = pair((0.2, 3))
    options = net.options("Concatenation")
    options.axis = -1
    both = net.op("CONCATENATION", (a, b, a), net.tensor(I8, (1, 48), 0.2, 3), options, 2)
    shape = net.tensor(I32, (3,), data=[1, 3, 16])
    rows = net.op("RESHAPE", (both, shape), net.tensor(I8, (1, 3, 16), 0.2, 3))
    order = net.tensor(I32, (3,), data=[0, 2, 1])
    turned = net.op("TRANSPOSE", (rows, order), net.tensor(I8, (1, 16, 3), 0.2, 3), schema.TransposeOptionsT(), 2)
    begin, size = net.tensor(I32, (3,), data=[0, 5, 0]), net.tensor(I32, (3,), data=[1, 7, 3])
    part = net.op("SLICE", (turned, begin, size), net.tensor(I8, (1, 7, 3), 0.2, 3), schema.SliceOptionsT(), 2)
    flat = net.op("RESHAPE", (part, net.tensor(I32, (2,), data=[1, 21])), net.tensor(I8, (1, 21), 0.2, 3))
    return net.finish(x, net.dense_i8(flat, 6, 21, 0.2, (1.1, 4)))


def gated():
    net = Net(9)
    x = net.tensor(F32, (1, 10))
    gate = net.op("LOGISTIC", (net.dense_f32(x, 8, 10),), net.tensor(F32, (1, 8)))
    product = net.op("MUL", (gate, net.dense_f32(x, 8, 10)), net.tensor(F32, (1, 8)), net.options("Mul", "RELU6"))
    swish = net.op("HARD_SWISH", (net.dense_f32(x, 5, 10),), net.tensor(F32, (1, 5)))
    options = net.options("Concatenation")
    options.axis = 1
    both = net.op("CONCATENATION", (product, swish), net.tensor(F32, (1, 13)), options)
    return net.finish(x, net.dense_f32(both, 4, 13))


def classifier():
    """A float network around integers, as quantisation after training leaves it."""
    net = Net(6)
    x = net.tensor(F32, (1, 4, 4, 1))
    q = net.op("QUANTIZE", (x,), net.tensor(I8, (1, 4, 4, 1), 0.0078125, 0))
    shape = net.tensor(I32, (2,), data=[1, 16])
    flat = net.op("RESHAPE", (q, shape), net.tensor(I8, (1, 16), 0.0078125, 0))
    h = net.dense_i8(flat, 24, 16, 0.0078125, (0.02, -128), True, "RELU")
    y = net.dense_i8(h, 5, 24, 0.02, (0.1, 7))
    real = net.op("DEQUANTIZE", (y,), net.tensor(F32, (1, 5)), version=2)
    return net.finish(x, net.op("SOFTMAX", (real,), net.tensor(F32, (1, 5)), net.softmax())), y


def softmax(self):
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return options


Net.softmax = softmax


def real():
    net = Net(7)
    x = net.tensor(F32, (1, 10))
    h = net.dense_f32(x, 14, 10, "RELU")
    h = net.op("TANH", (net.dense_f32(h, 8, 14),), net.tensor(F32, (1, 8)))
    h = net.dense_f32(h, 8, 8, "RELU6")
    return net.finish(x, net.dense_f32(h, 3, 8))


def networks():
    """Name, file, the tensor to compare if it is not the output, and whether XNNPACK takes every operator."""
    for activation in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"):
        for per_row in (False, True):
            yield f"dense_{activation.lower()}_{'rows' if per_row else 'tensor'}", dense(activation, per_row), None
    yield "deep", deep(), None
    yield "logistic", unary("LOGISTIC", (1 / 256, -128)), None
    yield "tanh", unary("TANH", (1 / 128, 0)), None
    yield "requantise", unary("QUANTIZE", (0.08, 20)), None
    yield "add", add("NONE"), None
    yield "add_relu", add("RELU"), None
    yield "add_constant", constant("ADD"), None
    yield "mul_constant", constant("MUL"), None
    yield ("classifier", *classifier())
    yield "real", real(), None
    yield "mul", mul("NONE"), None
    yield "mul_relu6", mul("RELU6"), None
    yield "square", twice("MUL"), None
    yield "double", twice("ADD"), None
    yield "hard_swish", hard_swish(), None
    yield "joined", joined(), None
    yield "gated", gated(), None


def run(model, compare, reference=False):
    kind = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=kind, experimental_preserve_all_tensors=compare is not None)
    interpreter.allocate_tensors()
    names = [op["op_name"] for op in interpreter._get_ops_details()]
    assert reference or "DELEGATE" in names, f"XNNPACK is not active: {names}"
    entry, leave = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    size = int(np.prod(entry["shape"]))
    rng = np.random.default_rng(9)
    # Bytes as the image takes them; a network in real numbers is given what they stand for.
    inputs = rng.integers(-128, 128, (48, size))
    inputs[:2] = [[-128], [127]]
    if size == 256:
        inputs = np.arange(-128, 128)[None]
    scale, zero = {"classifier": (0.0078125, 0)}.get(compare and "classifier", (2 / 255, -0.5))
    outputs = []
    for q in inputs:
        x = q if entry["dtype"] is np.int8 else np.float32(scale) * (q - np.float32(zero))
        interpreter.set_tensor(entry["index"], x.astype(entry["dtype"]).reshape(entry["shape"]))
        interpreter.invoke()
        at = leave["index"] if compare is None else compare
        outputs.append(interpreter.get_tensor(at).ravel().tolist())
    return {"inputs": inputs.tolist(), "outputs": outputs}


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, model, compare in networks():
        (folder / f"{name}.tflite").write_bytes(model)
        made = run(model, compare)
        (folder / f"{name}.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
        other = run(model, compare, reference=True)
        off = np.abs(np.subtract(made["outputs"], other["outputs"]))
        print(f"{name}: {len(model)} bytes; the reference kernels are off by at most {off.max():.3g}, in {(off > 0).mean():.1%} of the outputs")


if __name__ == "__main__":
    main(sys.argv[1])
