#!/usr/bin/env python3
"""Writes the small models of this folder and, beside each, inputs and what ONNX Runtime makes of them.

    python3 record.py          needs numpy, onnx and onnxruntime

NAME.onnx, NAME.input and NAME.output; the latter two are 32-bit little-endian floats, a few images of the shapes that
the model names. Weights are random but the same each time. Together the models use every operator that weft computes.
"""
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
IMAGES = 3


def record(name, images, batch):
    """Writes the images and what ONNX Runtime makes of them, in batches of so many, beside NAME.onnx."""
    path = HERE / f"{name}.onnx"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Its optimiser (1.31.1) moves a Pad with zeros into the MaxPool behind it, where padding means less than any number.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name
    outputs = [session.run(None, {entry: images[i:i + batch]})[0] for i in range(0, len(images), batch)]
    (HERE / f"{name}.input").write_bytes(images.astype("<f4").tobytes())
    (HERE / f"{name}.output").write_bytes(np.concatenate(outputs).astype("<f4").tobytes())
    print(f"{name}: {path.stat().st_size} bytes")


class Model:
    """Collects nodes and weights; every method gives the name of what it adds."""

    def __init__(self, name, input_shape, opset=13, typed=False, batch="N"):
        self.name, self.opset, self.typed, self.batch = name, opset, typed, batch
        self.random = np.random.default_rng(sum(map(ord, name)))
        self.shape, self.nodes, self.weights, self.metadata = input_shape, [], [], {}
        self.weights_are_inputs = False

    def constant(self, array, name=None):
        array = np.asarray(array)
        name = name or f"w{len(self.weights)}"
        if self.typed and array.dtype == np.float32:
            tensor = helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.flatten().tolist())
        else:
            tensor = numpy_helper.from_array(array, name)
        self.weights.append(tensor)
        return name

    def normal(self, *shape, scale=None):
        scale = scale or 1.4 / np.sqrt(np.prod(shape[1:]) or 1)
        return self.random.normal(0, scale, shape).astype(np.float32)

    def node(self, op, *inputs, outputs=None, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        outputs = outputs or [f"{name}_out"]
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name=name, **attributes))
        return outputs[0]

    def conv(self, x, filters, channels, kernel, bias=True, **attributes):
        weights = self.constant(self.normal(filters, channels, kernel, kernel))
        inputs = [x, weights] + ([self.constant(self.normal(filters, scale=0.2))] if bias else [])
        return self.node("Conv", *inputs, kernel_shape=[kernel, kernel], **attributes)

    def norm(self, x, channels):
        parts = [self.random.uniform(0.5, 1.5, channels), self.normal(channels, scale=0.2),
                 self.normal(channels, scale=0.2), self.random.uniform(0.5, 2, channels)]
        return self.node("BatchNormalization", x, *(self.constant(p.astype(np.float32)) for p in parts), epsilon=1e-3)

    def gemm(self, x, inputs, outputs, **attributes):
        return self.node("Gemm", x, self.constant(self.normal(outputs, inputs)),
                         self.constant(self.normal(outputs, scale=0.2)), transB=1, **attributes)

    def relu(self, x):
        return self.node("Relu", x)

    def write(self, output, classes):
        entry = helper.make_tensor_value_info("image", TensorProto.FLOAT, [self.batch, *self.shape])
        inputs = [entry]
        if self.weights_are_inputs:
            inputs += [helper.make_tensor_value_info(w.name, w.data_type, list(w.dims)) for w in self.weights]
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, [self.batch, classes])
        graph = helper.make_graph(self.nodes, self.name, inputs, [result], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], producer_name="record.py")
        model.ir_version = 8
        helper.set_model_props(model, self.metadata)
        onnx.checker.check_model(model, full_check=True)
        path = HERE / f"{self.name}.onnx"
        path.write_bytes(model.SerializeToString())
        images = self.random.uniform(-1, 2, (IMAGES, *self.shape)).astype(np.float32)
        record(self.name, images, IMAGES if isinstance(self.batch, str) else self.batch)


FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def lenet():
    m = Model("lenet", (1, 28, 28))
    x = m.relu(m.conv("image", 6, 1, 5, pads=[2, 2, 2, 2]))
    x = m.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = m.relu(m.conv(x, 16, 6, 5))
    x = m.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = m.relu(m.gemm(m.node("Flatten", x), 400, 30))
    m.metadata = {"weft.name": "lenet-test", "weft.version": "3", "weft.labels": json.dumps(FASHION),
                  "weft.input.mean": "0.286", "weft.input.std": "0.353", "weft.dataset": "none",
                  "weft.accuracy": "0.125"}
    m.write(m.gemm(x, 30, 10), 10)


def residual():
    """Batch norms, additions on both sides, a strided projection; weights as float_data and listed as inputs."""
    m = Model("residual", (3, 15, 17), opset=17, typed=True)
    m.weights_are_inputs = True
    same = {"pads": [1, 1, 1, 1], "bias": False}
    x = m.relu(m.norm(m.conv("image", 8, 3, 3, **same), 8))
    y = m.norm(m.conv(m.relu(m.norm(m.conv(x, 8, 8, 3, **same), 8)), 8, 8, 3, **same), 8)
    x = m.relu(m.node("Add", y, x))
    y = m.norm(m.conv(m.relu(m.norm(m.conv(x, 20, 8, 3, strides=[2, 2], **same), 20)), 20, 20, 3, **same), 20)
    x = m.relu(m.node("Add", m.norm(m.conv(x, 20, 8, 1, bias=False, strides=[2, 2]), 20), y))
    x = m.norm(m.relu(x), 20)
    x = m.node("Flatten", m.node("GlobalAveragePool", x))
    m.metadata = {"weft.input.mean": "[0.4, 0.5, 0.6]", "weft.input.std": "0.2, 0.25, 0.3"}
    m.write(m.node("Softmax", m.gemm(x, 20, 5), axis=1), 5)


def wide():
    """Enough channels for whole vectors: additions, a pool between, a norm that nothing takes in, Concat, means."""
    m = Model("wide", (3, 14, 13))
    same = {"pads": [1, 1, 1, 1]}
    x = m.relu(m.conv("image", 16, 3, 3, **same))
    y = m.node("Add", m.conv(m.relu(m.conv(x, 16, 16, 3, **same)), 16, 16, 3, **same), x)
    z = m.node("MaxPool", m.relu(m.conv(y, 8, 16, 5, pads=[2, 2, 2, 2])), kernel_shape=[2, 2], strides=[2, 2])
    y = m.node("AveragePool", m.relu(m.norm(y, 16)), kernel_shape=[2, 2], strides=[2, 2])
    x = m.node("Concat", y, z, axis=1)
    y = m.conv(m.relu(m.conv(x, 20, 24, 3, strides=[2, 2], **same)), 20, 20, 3, **same)
    x = m.relu(m.node("Add", m.conv(x, 20, 24, 1, strides=[2, 2]), y))
    x = m.node("Flatten", m.node("GlobalAveragePool", x))
    m.write(m.gemm(x, 20, 6), 6)


def mixed():
    """What the others leave out: odd paddings, groups, dilation, Clip, means, Concat, constants of every kind."""
    m = Model("mixed", (2, 13, 11), opset=13)
    bounds = [m.constant(np.float32(v)) for v in (-0.5, 0.75)]
    a = m.node("Clip", m.conv("image", 6, 2, 3, auto_pad="SAME_UPPER", strides=[2, 2]), *bounds)
    a = m.node("Add", a, m.constant(m.normal(1, 6, 1, 1)))
    b = m.conv("image", 8, 1, 4, group=2, pads=[0, 1, 3, 2], strides=[2, 2])
    b = m.node("Clip", b, "", bounds[1])
    b = m.node("MaxPool", b, kernel_shape=[3, 2], strides=[1, 1], pads=[1, 0, 0, 0])
    x = m.node("Concat", a, m.node("AveragePool", b, kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
               axis=1)
    x = m.relu(m.conv(x, 14, 1, 3, group=14, pads=[2, 2, 2, 2], dilations=[2, 2]))
    y = m.conv(x, 14, 14, 3, strides=[3, 3], pads=[1, 1, 1, 1])
    x = m.node("AveragePool", x, kernel_shape=[3, 3], strides=[3, 3], ceil_mode=1)
    x = m.node("Add", x, m.node("MaxPool", m.relu(y), kernel_shape=[1, 1]))
    x = m.node("Dropout", m.node("Identity", x))
    x = m.node("Reshape", x, m.constant(np.array([0, -1], np.int64)))
    shape = helper.make_tensor("value", TensorProto.FLOAT, [], [0.125])
    x = m.node("Add", m.node("Constant", value=shape), x)
    x = m.node("MatMul", x, m.constant(m.normal(7, 84).T.copy()))
    x = m.node("Add", x, m.constant(m.normal(7, scale=0.3)))
    m.write(m.node("LogSoftmax", x, axis=-1), 7)


def keras():
    """Channels last, as Keras writes: transpositions at both ends, MatMul with Add."""
    m = Model("keras", (12, 10, 3), opset=15, batch="unk__1")
    x = m.node("Transpose", "image", perm=[0, 3, 1, 2])
    x = m.relu(m.conv(x, 8, 3, 3, auto_pad="SAME_LOWER"))
    x = m.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID")
    x = m.relu(m.conv(x, 12, 8, 3, auto_pad="VALID"))
    x = m.node("Transpose", x, perm=[0, 2, 3, 1])
    x = m.node("Reshape", x, m.constant(np.array([-1, 144], np.int64)))
    x = m.node("MatMul", x, m.constant(m.normal(16, 144).T.copy()))
    x = m.relu(m.node("Add", x, m.constant(m.normal(16, scale=0.2))))
    x = m.node("MatMul", x, m.constant(m.normal(4, 16).T.copy()))
    m.write(m.node("Softmax", m.node("Add", x, m.constant(m.normal(4, scale=0.2)))), 4)


def perceptron():
    """Vectors instead of images, batch fixed at one, operator set 11 with Clip's and Softmax's old forms."""
    m = Model("perceptron", (8, 8), opset=11, batch=1)
    x = m.node("Reshape", "image", m.constant(np.array([1, -1], np.int64)))
    x = m.norm(m.node("Gemm", x, m.constant(m.normal(20, 64).T.copy()), m.constant(m.normal(1, scale=0.2)), alpha=0.5,
                      beta=2.0), 20)
    x = m.node("Clip", x, m.constant(np.float32(0)), m.constant(np.float32(6)))
    m.write(m.node("Softmax", m.node("Gemm", x, m.constant(m.normal(3, 20)), transB=1)), 3)


def trivial():
    """Next to no arithmetic: for measuring all that is around it."""
    m = Model("trivial", (1, 28, 28))
    x = m.node("Flatten", m.node("GlobalAveragePool", "image"))
    m.metadata = {"weft.name": "trivial", "weft.version": "1", "weft.labels": json.dumps(FASHION)}
    m.write(m.node("Gemm", x, m.constant(m.normal(10, 1)), m.constant(m.normal(10, scale=0.2)), transB=1), 10)


if __name__ == "__main__":
    for build in (lenet, residual, wide, mixed, keras, perceptron, trivial):
        build()
