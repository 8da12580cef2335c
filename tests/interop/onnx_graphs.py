"""Makes small ONNX networks from a seed, runs them with onnxruntime, and writes both.

    python onnx_graphs.py FOLDER

Each NAME.onnx gets a NAME.json: {"inputs": [[..]], "outputs": [[..]]}, what onnxruntime gives for bytes as the image takes them. A network in
real numbers is given 2 / 255 * (q + 0.5) for the byte q. Networks that no importer should take go to FOLDER/bad.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

F32, F16, BF16, F64, I64 = (getattr(TensorProto, name) for name in ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE", "INT64"))
SAMPLES = 12


class Net:
    """A graph under construction. The input `x` is (1, `width`) unless `shape` says otherwise."""

    def __init__(self, seed, opset=13, width=8, shape=None, element=F32):
        self.rng = np.random.default_rng(seed)
        self.opset, self.nodes, self.constants = opset, [], []
        self.inputs = [helper.make_tensor_value_info("x", element, shape or [1, width])]
        self.count = 0

    def const(self, value, dtype=np.float32):
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def op(self, kind, *inputs, outputs=1, domain="", **attributes):
        self.count += 1
        names = [f"t{self.count}" + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind.lower()}_{self.count}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def matrix(self, rows, cols):
        return self.rng.normal(0, 1.2 / np.sqrt(cols), (rows, cols))

    def dense(self, x, rows, cols):
        return self.op("Gemm", x, self.const(self.matrix(rows, cols)), self.const(self.rng.normal(0, 0.3, rows)), transB=1)

    def model(self, *outputs, elements=F32):
        outputs = [helper.make_tensor_value_info(name, elements, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "net", self.inputs, outputs, self.constants)
        sets = [helper.make_opsetid("", self.opset)]
        if any(node.domain for node in self.nodes):
            sets.append(helper.make_opsetid("com.microsoft", 1))
        return helper.make_model(graph, opset_imports=sets, ir_version=7 if self.opset < 15 else 10)

    # Integers.

    def quantize(self, x, scale, zero, dtype):
        return self.op("QuantizeLinear", x, self.const(scale), self.const(zero, dtype))

    def dequantize(self, q, scale, zero, dtype, **attributes):
        return self.op("DequantizeLinear", q, self.const(scale), self.const(zero, dtype), **attributes)

    def qdq(self, x, scale, zero, dtype):
        return self.dequantize(self.quantize(x, scale, zero, dtype), scale, zero, dtype)

    def dense_qdq(self, x, rows, cols, x_scale, per_row, dtype=np.int8, bias=True):
        scale = self.rng.uniform(0.004, 0.02, rows if per_row else ())
        q = self.rng.integers(-127, 128, (rows, cols))
        zero = np.full(scale.shape, 128 if dtype == np.uint8 else 0)
        axis = {"axis": 0} if per_row else {}
        w = self.dequantize(self.const(q + (128 if dtype == np.uint8 else 0), dtype), scale, zero, dtype, **axis)
        inputs = [x, w]
        if bias:
            b = self.const(self.rng.integers(-2000, 2001, rows), np.int32)
            s = self.const((np.float32(x_scale) * scale.astype(np.float32)) if per_row else np.float32(x_scale) * np.float32(scale))
            inputs.append(self.op("DequantizeLinear", b, s, **axis))
        return self.op("Gemm", *inputs, transB=1)


def real_networks():
    """Name, network, names of the outputs that are compared if they are not the network's."""
    net = Net(1, 11)
    h = net.op("Gemm", "x", net.const(net.matrix(8, 6)), net.const([[0.5]]), alpha=0.5, beta=2.0)
    yield "gemm", net, net.op("Gemm", h, net.const(net.matrix(5, 6)), transB=1), None

    net = Net(2, 9)
    h = net.op("Add", net.op("MatMul", "x", net.const(net.matrix(8, 7))), net.const(net.rng.normal(0, 0.3, 7)))
    part = [net.const(f(7)) for f in (lambda n: net.rng.normal(1, 0.2, n), lambda n: net.rng.normal(0, 0.2, n))]
    part += [net.const(net.rng.normal(0, 0.3, 7)), net.const(net.rng.uniform(0.2, 2, 7))]
    h = net.op("Relu", net.op("BatchNormalization", h, *part, epsilon=1e-3))
    yield "batch_normalization", net, net.dense(h, 4, 7), None

    net = Net(3, 13)
    h = net.op("MatMul", net.const(net.matrix(6, 8)), net.op("Transpose", "x", perm=[1, 0]))
    yield "matmul_column", net, net.dense(net.op("Reshape", h, net.const([1, -1], np.int64)), 3, 6), None

    for name, opset, attributes in [("Relu", 9, {}), ("Sigmoid", 13, {}), ("Tanh", 13, {}), ("HardSwish", 14, {}), ("HardSigmoid", 9, {"alpha": 0.25, "beta": 0.4}), ("Gelu", 20, {})]:
        net = Net(4, opset)
        yield name.lower(), net, net.dense(net.op(name, net.dense("x", 9, 8), **attributes), 4, 9), None

    net = Net(5, 9)
    h = net.op("Clip", net.dense("x", 9, 8), min=-0.5, max=0.75)
    yield "clip_attributes", net, net.dense(h, 4, 9), None
    net = Net(5, 13)
    h = net.op("Clip", net.dense("x", 9, 8), net.const(-0.5), net.const(0.75))
    h = net.op("Clip", net.dense(h, 9, 9), "", net.const(0.5))
    yield "clip", net, net.dense(net.op("Max", net.op("Min", h, net.const(0.4)), net.const([-0.3])), 4, 9), None

    # GELU, SiLU and hard swish in the pieces that exporters write.
    for order in range(3):
        net = Net(6, 13)
        x = net.dense("x", 9, 8)
        inner = net.op("Div", x, net.const(np.sqrt(2))) if order < 2 else net.op("Mul", x, net.const(np.sqrt(0.5)))
        e = net.op("Add", net.op("Erf", inner), net.const(1.0))
        h = [
            lambda: net.op("Mul", net.op("Mul", x, e), net.const(0.5)),
            lambda: net.op("Mul", net.op("Mul", x, net.const(0.5)), e),
            lambda: net.op("Mul", x, net.op("Mul", net.const(0.5), e)),
        ][order]()
        yield f"gelu_pieces_{order}", net, net.dense(h, 4, 9), None
    net = Net(7, 13)
    x = net.dense("x", 9, 8)
    h = net.dense(net.op("Mul", x, net.op("Sigmoid", x)), 9, 9)
    h = net.op("Mul", net.op("HardSigmoid", h, alpha=1 / 6, beta=0.5), h)
    h = net.dense(h, 9, 9)
    clip = net.op("Clip", net.op("Add", h, net.const(3.0)), net.const(0.0), net.const(6.0))
    yield "silu_and_hard_swish_pieces", net, net.dense(net.op("Div", net.op("Mul", h, clip), net.const(6.0)), 4, 9), None

    net = Net(8, 13)
    h = net.op("Div", net.op("Sub", "x", net.const(net.rng.normal(0, 0.3, 8))), net.const(net.rng.uniform(0.5, 2, (1, 8))))
    h = net.op("Relu", net.dense(h, 9, 8))
    h = net.op("Sub", net.const(1.0), net.op("Mul", net.const(net.rng.normal(0, 1, 9)), h))
    h = net.op("Neg", net.op("Tanh", h))
    yield "constants", net, net.dense(net.op("Add", h, net.const([[0.25]])), 4, 9), None

    net = Net(9, 13)
    a = net.op("Relu", net.dense("x", 8, 8))
    b = net.op("Add", net.dense(a, 8, 8), a)
    c = net.op("Sub", net.op("Tanh", net.dense(b, 8, 8)), b)
    yield "residual", net, net.dense(net.op("Add", c, c), 4, 8), None

    net = Net(10, 13)
    a, b = net.dense("x", 8, 8), net.op("Sigmoid", net.dense("x", 8, 8))
    yield "gated", net, net.dense(net.op("Mul", a, b), 4, 8), None

    net = Net(11, 13)
    a, b = net.op("Relu", net.dense("x", 5, 8)), net.op("Tanh", net.dense("x", 3, 8))
    yield "concat", net, net.dense(net.op("Concat", a, b, "x", axis=1), 4, 16), None

    net = Net(12, 13)
    a, b = net.op("Split", net.dense("x", 8, 8), net.const([3, 5], np.int64), outputs=2, axis=1)
    c = net.op("Slice", b, net.const([1], np.int64), net.const([-1], np.int64), net.const([1], np.int64))
    d = net.op("Gather", net.dense("x", 6, 8), net.const([2, 3, 4], np.int64), axis=1)
    yield "cut", net, net.dense(net.op("Concat", a, c, d, axis=-1), 4, 9), None

    net = Net(13, 13, shape=[1, 3, 4])
    h = net.op("Transpose", "x", perm=[0, 2, 1])
    yield "turned", net, net.dense(net.op("Flatten", h), 4, 12), None

    # Views, with sizes computed in the graph, for any batch.
    net = Net(14, 13, shape=["batch", 2, 4])
    size = net.op("Gather", net.op("Shape", "x"), net.const(0, np.int64), axis=0)
    shape = net.op("Concat", net.op("Unsqueeze", size, net.const([0], np.int64)), net.const([-1], np.int64), axis=0)
    h = net.op("Reshape", "x", shape)
    h = net.op("Dropout", net.op("Identity", net.dense(h, 9, 8)))
    h = net.op("Unsqueeze", h, net.const([0, 3], np.int64))
    h = net.op("Squeeze", net.op("Cast", net.op("Transpose", h, perm=[3, 1, 2, 0]), to=F32), net.const([0, 3], np.int64))
    yield "views", net, net.dense(net.op("Flatten", h, axis=1), 4, 9), None
    net = Net(14, 9, shape=[1, 2, 4, 1])
    h = net.op("Squeeze", net.op("Unsqueeze", net.op("Flatten", "x"), axes=[0]), axes=[0])
    yield "views_attributes", net, net.dense(net.op("Dropout", h, ratio=0.5), 4, 8), None

    # Weights that are computed from constants.
    net = Net(15, 13)
    w = net.op("Transpose", net.op("Reshape", net.const(net.matrix(9, 8).ravel()), net.const([9, 8], np.int64)), perm=[1, 0])
    constant = net.op("Constant", value=numpy_helper.from_array(net.rng.normal(0, 0.3, 9).astype(np.float32)))
    h = net.op("Add", net.op("MatMul", "x", w), net.op("Mul", constant, net.op("Constant", value_float=0.5)))
    half = net.op("Cast", net.const(net.matrix(9, 9), np.float16), to=F32)
    h = net.op("MatMul", net.op("Relu", h), half)
    name = "bf16"
    net.constants.append(helper.make_tensor(name, BF16, (9, 4), net.matrix(9, 4).ravel()))
    yield "weights_of_constants", net, net.op("MatMul", h, net.op("Cast", name, to=F32)), None

    net = Net(16, 13, element=F64)
    w, b = net.const(net.matrix(5, 8), np.float64), net.const(net.rng.normal(0, 0.3, 5), np.float64)
    yield "double", net, net.op("Gemm", "x", w, b, transB=1), None

    net = Net(17, 13, element=TensorProto.UINT8)
    h = net.op("Div", net.op("Cast", "x", to=F32), net.const(255.0))
    yield "pixels", net, net.dense(net.op("Relu", net.dense(h, 9, 8)), 4, 9), None

    for name, opset in [("Softmax", 9), ("LogSoftmax", 13)]:
        net = Net(18, opset)
        scores = net.dense(net.op("Relu", net.dense("x", 9, 8)), 5, 9)
        yield name.lower(), net, net.op(name, scores), scores
    net = Net(19, 13)
    scores = net.dense(net.op("Relu", net.dense("x", 9, 8)), 5, 9)
    yield "argmax", net, net.op("Cast", net.op("ArgMax", scores, axis=1, keepdims=0), to=TensorProto.INT32), None
    net = Net(20, 13)
    scores = net.dense("x", 5, 8)
    yield "topk", net, net.op("TopK", scores, net.const([3], np.int64), outputs=2)[1], None

    yield from experts()


def experts():
    def tables(net, turned):
        sizes = [(6, 5, 8), (6, 5), (6, 7, 5), (6, 7)]
        w1, b1, w2, b2 = (net.rng.normal(0, 0.4, size) for size in sizes)
        if not turned:
            w1, w2 = w1.transpose(0, 2, 1), w2.transpose(0, 2, 1)
        return [net.const(table) for table in (w1, b1, w2, b2)]

    def choose(net, k):
        scores = net.dense("x", 6, 8)
        return net.op("TopK", scores, net.const([k], np.int64), outputs=2)

    # As torch.einsum is exported by way of TorchScript.
    net = Net(30, 17)
    w1, b1, w2, b2 = tables(net, False)
    values, chosen = choose(net, 2)
    h = net.op("Einsum", "x", net.op("Gather", w1, chosen), equation="bi,bkih->bkh")
    h = net.op("Relu", net.op("Add", h, net.op("Gather", b1, chosen)))
    y = net.op("Einsum", h, net.op("Gather", w2, chosen), equation="bkh,bkho->bko")
    y = net.op("Add", y, net.op("Gather", b2, chosen))
    gate = net.op("Unsqueeze", net.op("Sigmoid", values), net.const([-1], np.int64))
    yield "experts_einsum", net, net.op("ReduceSum", net.op("Mul", y, gate), net.const([1], np.int64), keepdims=0), None

    # As torch.matmul is exported by way of torch.export; every expert weighs one, and other layers stand around.
    net = Net(31, 18)
    w1, b1, w2, b2 = tables(net, False)
    x = net.op("Relu", net.dense("x", 8, 8))
    router = net.op("Add", net.op("MatMul", x, net.const(net.matrix(8, 6))), net.const(net.rng.normal(0, 0.3, 6)))
    _, chosen = net.op("TopK", router, net.const([3], np.int64), outputs=2, axis=-1)
    at = net.op("Unsqueeze", chosen, net.const([-1], np.int64))
    wide = net.op("Unsqueeze", x, net.const([1, 2], np.int64))
    bias = [net.op("Unsqueeze", net.op("GatherND", b, at), net.const([-2], np.int64)) for b in (b1, b2)]
    h = net.op("Tanh", net.op("Add", net.op("MatMul", wide, net.op("GatherND", w1, at)), bias[0]))
    y = net.op("Add", net.op("MatMul", h, net.op("GatherND", w2, at)), bias[1])
    y = net.op("ReduceSum", net.op("Squeeze", y, net.const([-2], np.int64)), net.const([1], np.int64), keepdims=0)
    yield "experts_matmul", net, net.dense(y, 4, 7), None

    # Weights as torch.nn.Linear has them, one expert, no biases.
    net = Net(32, 13)
    w1, _, w2, _ = tables(net, True)
    scores = net.op("Sigmoid", net.dense("x", 6, 8))
    value, chosen = net.op("TopK", scores, net.const([1], np.int64), outputs=2)
    column = net.op("Unsqueeze", "x", net.const([1, 3], np.int64))
    h = net.op("Relu", net.op("MatMul", net.op("Gather", w1, chosen), column))
    y = net.op("Squeeze", net.op("MatMul", net.op("Gather", w2, chosen), h), net.const([3], np.int64))
    y = net.op("Mul", y, net.op("Unsqueeze", value, net.const([2], np.int64)))
    yield "experts_one", net, net.op("ReduceSum", y, net.const([1], np.int64), keepdims=0), None


def quantised_networks():
    """Name, network, output, what is compared if not the output, and the quantisation of the input."""
    u8, i8 = np.uint8, np.int8
    for name, dtype, per_row in [("qdq_u8", u8, False), ("qdq_i8_rows", i8, True), ("qdq_u8_weights_u8", u8, False)]:
        net = Net(40, 13, 12)
        zero = 120 if dtype == u8 else -8
        x = net.qdq("x", 0.01, zero, dtype)
        weights = u8 if name.endswith("weights_u8") else i8
        h = net.op("Relu", net.dense_qdq(x, 17, 12, 0.01, per_row, weights))
        h = net.qdq(h, 0.02, 0 if dtype == u8 else -128, dtype)
        h = net.dense_qdq(h, 9, 17, 0.02, per_row, weights)
        yield name, net, net.qdq(h, 0.05, zero, dtype), None, (0.01, zero - (128 if dtype == u8 else 0))

    # Real numbers at the end, a Softmax, a bias in a step of its own and one in real numbers.
    net = Net(41, 13, 12)
    x = net.qdq("x", 0.01, 3, i8)
    w = net.dequantize(net.const(net.rng.integers(-127, 128, (12, 9)), i8), 0.01, 0, i8)
    h = net.op("Add", net.op("MatMul", x, w), net.const(net.rng.normal(0, 0.2, 9)))
    h = net.qdq(net.op("Clip", h, net.const(0.0), net.const(6.0)), 0.03, -128, i8)
    w = net.op("Transpose", net.dequantize(net.const(net.rng.integers(-127, 128, (5, 9)), i8), 0.01, 0, i8), perm=[1, 0])
    scores = net.op("Gemm", h, w, net.const(net.rng.normal(0, 0.2, 5)))
    yield "qdq_scores", net, net.op("Softmax", scores), scores, (0.01, 3)

    net = Net(42, 13, 256)
    h = net.qdq(net.op("Sigmoid", net.qdq("x", 0.05, -7, i8)), 1 / 256, -128, i8)
    yield "qdq_sigmoid", net, h, None, (0.05, -7)

    net = Net(43, 13, 16)
    x = net.qdq("x", 0.02, 128, u8)
    a = net.qdq(net.dense_qdq(x, 16, 16, 0.02, True), 0.06, 131, u8)
    b = net.qdq(net.op("Relu", net.dense_qdq(x, 16, 16, 0.02, True)), 0.05, 0, u8)
    c = net.qdq(net.op("Add", a, b), 0.09, 100, u8)
    d = net.op("Mul", net.dequantize(net.const(net.rng.integers(-127, 128, 16), i8), 0.01, 0, i8), c)
    d = net.qdq(d, 0.08, 128, u8)
    yield "qdq_add", net, net.qdq(net.op("Relu", net.op("Add", c, d)), 0.15, 0, u8), None, (0.02, 0)

    net = Net(44, 13, 16)
    x = net.qdq("x", 0.02, 0, i8)
    a = net.qdq(net.dense_qdq(x, 16, 16, 0.02, False), 0.06, 11, i8)
    b = net.qdq(net.op("Sigmoid", net.qdq(net.dense_qdq(x, 16, 16, 0.02, False), 0.07, -3, i8)), 1 / 256, -128, i8)
    yield "qdq_mul", net, net.qdq(net.op("Mul", a, b), 0.05, 5, i8), None, (0.02, 0)

    # Operators on integers.
    net = Net(45, 13, 12, element=TensorProto.UINT8)
    parts = [net.const(0.01), net.const(120, u8), net.const(net.rng.integers(0, 256, (12, 9)), u8), net.const(0.01), net.const(128, u8)]
    h = net.op("QLinearMatMul", "x", *parts, net.const(0.03), net.const(128, u8))
    w, scale = net.const(net.rng.integers(-127, 128, (5, 9)), i8), net.const(net.rng.uniform(0.005, 0.02, 5))
    bias = net.const(net.rng.integers(-2000, 2001, 5), np.int32)
    parts = [net.const(0.03), net.const(128, u8), w, scale, net.const(np.zeros(5), i8), bias, net.const(0.09), net.const(120, u8)]
    yield "integer_operators", net, net.op("QGemm", h, *parts, domain="com.microsoft", transB=1), None, (0.01, -8)


def partly():
    """Quantised but for an activation in real numbers: no integers of its own."""
    net = Net(46, 20, 12)
    x = net.qdq("x", 0.01, 0, np.int8)
    h = net.qdq(net.op("Gelu", net.dense_qdq(x, 9, 12, 0.01, False)), 0.05, -120, np.int8)
    return net.model(net.op("Gemm", h, net.const(net.matrix(5, 9)), transB=1))


class Reader(CalibrationDataReader):
    """Samples for the quantiser of onnxruntime."""

    def __init__(self, rng, width):
        self.rows = iter([{"x": rng.uniform(-1, 1, (1, width)).astype(np.float32)} for _ in range(32)])

    def get_next(self):
        return next(self.rows, None)


def static(folder, per_row):
    """A float network that onnxruntime has quantised."""
    net = Net(47, 13, 12)
    h = net.op("Relu", net.dense("x", 20, 12))
    model = net.model(net.dense(net.op("Sigmoid", net.dense(h, 9, 20)), 5, 9))
    path = folder / "static.tmp"
    element = QuantType.QInt8 if per_row else QuantType.QUInt8
    quantize_static(
        model, str(path), Reader(np.random.default_rng(3), 12), quant_format=QuantFormat.QDQ, per_channel=per_row,
        activation_type=element, weight_type=QuantType.QInt8,
    )
    made = onnx.load(path)
    path.unlink()
    return made


def bad():
    """Name and bytes of what is to be refused."""

    def dense(**options):
        net = Net(60, **options)
        return net, net.dense("x", 4, 8)

    net, y = dense()
    net.nodes[0].input[0] = "late"
    net.op("Relu", y)
    net.nodes[-1].output[0] = "late"
    yield "cyclic", net.model(y)
    net, y = dense()
    net.nodes.append(net.nodes[0])
    yield "written_twice", net.model(y)
    net, y = dense()
    net.constants.append(net.constants[0])
    yield "duplicate_constant", net.model(y)
    net, y = dense()
    net.constants[0].dims[:] = [1 << 40, 1 << 40]
    yield "absurd_dimensions", net.model(y)
    net, y = dense()
    net.constants[0].dims[:] = [0, 8]
    yield "zero_dimension", net.model(y)
    net, y = dense()
    net.constants[0].dims[:] = [-4, -8]
    yield "negative_dimension", net.model(y)
    net, y = dense()
    net.constants[0].raw_data = net.constants[0].raw_data[:-3]
    yield "short_constant", net.model(y)
    net, y = dense()
    net.constants[0].raw_data = np.full((4, 8), np.nan, np.float32).tobytes()
    yield "nan_weights", net.model(y)
    for name, scale in [("nan_scale", np.nan), ("zero_scale", 0.0), ("negative_scale", -1.0)]:
        net = Net(61)
        yield name, net.model(net.dense_qdq(net.qdq("x", scale, 0, np.int8), 4, 8, 0.1, False))
    net, y = dense()
    net.inputs.append(helper.make_tensor_value_info("second", F32, [1, 8]))
    yield "two_inputs", net.model(y)
    net, y = dense()
    yield "two_outputs", net.model(y, net.op("Relu", y))
    net, y = dense(shape=[1, "features"])
    yield "open_dimension", net.model(y)
    net, y = dense(shape=[3, 8])
    yield "batch_of_three", net.model(y)
    net, y = dense(opset=8)
    yield "opset_8", net.model(y)
    net, y = dense(opset=22)
    yield "opset_22", net.model(y)
    net = Net(62, 17, shape=[1, 1, 8, 8])
    h = net.op("Conv", "x", net.const(np.ones((2, 1, 3, 3))))
    h = net.op("LayerNormalization", net.op("Flatten", h), net.const(np.ones(72)))
    h = net.op("Einsum", h, net.const(np.ones((72, 9))), equation="bi,io->bo")
    yield "unsupported", net.model(net.op("LeakyRelu", net.dense(h, 4, 9)))
    net = Net(63, 17)
    x = net.dense("x", 4, 8)
    yield "erf_alone", net.model(net.op("Erf", x))
    net = Net(64, 13)
    values, chosen = net.op("TopK", net.dense("x", 6, 8), net.const([2], np.int64), outputs=2)
    h = net.op("Einsum", "x", net.op("Gather", net.const(np.ones((6, 8, 5))), chosen), equation="bi,bkih->bkh")
    h = net.op("Einsum", net.op("Relu", h), net.op("Gather", net.const(np.ones((6, 5, 7))), chosen), equation="bkh,bkho->bko")
    y = net.op("Mul", h, net.op("Unsqueeze", net.op("Softmax", values), net.const([-1], np.int64)))
    yield "experts_by_softmax", net.model(net.op("ReduceSum", y, net.const([1], np.int64), keepdims=0))
    for name, location in [("outside", "../weights.bin"), ("absolute", "/etc/hostname"), ("missing", "nowhere.bin")]:
        net, y = dense()
        keep_outside(net.constants[0], location, 0)
        yield name, net.model(y)


def keep_outside(tensor, location, offset):
    """Moves a tensor's content into another file; returns it."""
    content = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", len(content))):
        tensor.external_data.add(key=key, value=str(value))
    return content


def run(model, compare, quantisation):
    """Inputs in bytes, and what onnxruntime gives for them."""
    element = model.graph.input[0].type.tensor_type.elem_type
    sizes = [dim.dim_value or 1 for dim in model.graph.input[0].type.tensor_type.shape.dim]
    width = int(np.prod(sizes))
    if compare is not None:
        model = onnx.ModelProto.FromString(model.SerializeToString())
        model.graph.output[0].name = compare
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = np.random.default_rng(9).integers(-128, 128, (SAMPLES, width))
    inputs[:2] = [[-128], [127]]
    if width == 256:
        inputs = np.arange(-128, 128)[None]
    scale, zero = quantisation or (2 / 255, -0.5)
    outputs = []
    for q in inputs:
        dtype = helper.tensor_dtype_to_np_dtype(element)
        x = q + 128 if element == TensorProto.UINT8 else np.float32(scale) * (q - np.float32(zero))
        y = session.run(None, {"x": x.astype(dtype).reshape(sizes)})[0]
        # The shortest text that gives the same number.
        outputs.append([int(v) if y.dtype.kind in "iu" else float(str(np.float32(v))) for v in y.ravel()])
    return {"inputs": inputs.tolist(), "outputs": outputs}


def write(folder, name, model, expected):
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    (folder / f"{name}.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


def main(folder):
    folder = pathlib.Path(folder)
    (folder / "bad").mkdir(parents=True, exist_ok=True)
    for name, net, output, compare in real_networks():
        element = {"argmax": TensorProto.INT32, "topk": I64, "double": F64}.get(name, F32)
        model = net.model(output, elements=element)
        write(folder, name, model, run(model, compare, None))
    for name, net, output, compare, quantisation in quantised_networks():
        # What a DequantizeLinear at the end means is compared in bytes.
        element = {"integer_operators": TensorProto.UINT8}.get(name, F32)
        model = net.model(output, elements=element)
        write(folder, name, model, run(model, compare, quantisation))
    model = partly()
    write(folder, "quantised_in_part", model, run(model, None, (0.01, 0)))
    for name, per_row in [("static_u8", False), ("static_i8_rows", True)]:
        model = static(folder, per_row)
        first = next(node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "x")
        values = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
        scale, zero = float(values[first.input[1]]), int(values[first.input[2]])
        write(folder, name, model, run(model, None, (scale, zero if per_row else zero - 128)))
    net = Net(50)
    model = net.model(net.dense("x", 4, 8))
    expected = run(model, None, None)
    content = keep_outside(model.graph.initializer[0], "weights.bin", 16)
    (folder / "weights.bin").write_bytes(bytes(16) + content)
    write(folder, "external", model, expected)
    for name, model in bad():
        (folder / "bad" / f"{name}.onnx").write_bytes(model.SerializeToString())
    print(len(list(folder.glob("*.onnx"))), "networks,", len(list((folder / "bad").iterdir())), "to be refused")


if __name__ == "__main__":
    main(sys.argv[1])
