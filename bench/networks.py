"""The networks of the model benchmark as ONNX files: the trainer's architectures with random weights, which take the
same time as trained ones. Batch normalisations are nodes of their own, as frameworks export them."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, CLASSES = 28, 10


class Network:
    def __init__(self):
        self.random = np.random.default_rng(1)
        self.nodes, self.weights = [], []

    def weight(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def node(self, op, *inputs, **attributes):
        name = f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def convolution(self, x, channels, filters, kernel, stride=1, pad=None, relu=True, norm=True):
        pad = kernel // 2 if pad is None else pad
        scale = np.sqrt(2 / (channels * kernel * kernel))
        x = self.node("Conv", x, self.weight(self.random.normal(0, scale, (filters, channels, kernel, kernel))),
                      *([] if norm else [self.weight(self.random.normal(0, 0.1, filters))]),
                      kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)
        if norm:
            spread = self.random.uniform(0.8, 1.2, (4, filters))
            x = self.node("BatchNormalization", x, self.weight(spread[0]), self.weight(spread[1] - 1),
                          self.weight(spread[2] - 1), self.weight(spread[3]))
        return self.node("Relu", x) if relu else x

    def block(self, x, channels, filters, stride):
        shortcut = x if channels == filters else self.convolution(x, channels, filters, 1, stride, relu=False)
        x = self.convolution(x, channels, filters, 3, stride)
        x = self.convolution(x, filters, filters, 3, relu=False)
        return self.node("Relu", self.node("Add", x, shortcut))

    def dense(self, x, inputs, outputs):
        return self.node("Gemm", x, self.weight(self.random.normal(0, np.sqrt(1 / inputs), (outputs, inputs))),
                         self.weight(np.zeros(outputs)), transB=1)

    def max_pool(self, x):
        return self.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])

    def head(self, x, channels):
        return self.dense(self.node("Flatten", self.node("GlobalAveragePool", x)), channels, CLASSES)

    def save(self, path, output):
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, SIDE, SIDE])
        scores = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", CLASSES])
        graph = helper.make_graph(self.nodes, path.stem, [image], [scores], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def resnet(network, blocks):
    x, channels = network.convolution("image", 1, 16, 3), 16
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(blocks):
            x = network.block(x, channels, filters, 2 if stage > 0 and block == 0 else 1)
            channels = filters
    return network.head(x, channels)


def fast(network):
    x = network.max_pool(network.convolution("image", 1, 16, 5, pad=0))
    x = network.block(network.convolution(x, 16, 32, 3), 32, 32, 1)
    x = network.block(network.convolution(network.max_pool(x), 32, 64, 3), 64, 64, 1)
    return network.head(x, 64)


def lenet(network):
    x = network.max_pool(network.convolution("image", 1, 6, 5, norm=False))
    x = network.max_pool(network.convolution(x, 6, 16, 5, pad=0, norm=False))
    x = network.node("Flatten", x)
    for inputs, outputs in ((400, 120), (120, 84)):
        x = network.node("Relu", network.dense(x, inputs, outputs))
    return network.dense(x, 84, CLASSES)


NETWORKS = {"resnet20": lambda n: resnet(n, 3), "resnet32": lambda n: resnet(n, 5), "fast": fast, "lenet": lenet}


def write(folder):
    """Writes NAME.onnx of each into the folder; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, build in NETWORKS.items():
        network = Network()
        paths.append(folder / f"{name}.onnx")
        network.save(paths[-1], build(network))
    return paths
