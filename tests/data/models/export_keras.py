#!/usr/bin/env python3
"""Exports small networks from Keras into exported/ with what ONNX Runtime gives.

    python3 export_keras.py [FOLDER]    needs tensorflow-cpu, tf2onnx, onnx and onnxruntime

Weights are random but the same each time. The ways are tf2onnx with an operator set, and Keras's own export().
With FOLDER, every network is exported in every way into it, for a wider comparison than the committed files.
"""
import contextlib
import io
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

import record

IMAGES = 3


def plain():
    return keras.Sequential([
        layers.Input((14, 14, 1)), layers.Rescaling(1 / 255.0), layers.Conv2D(6, 3, activation="relu"),
        layers.MaxPooling2D(), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.BatchNormalization(),
        layers.MaxPooling2D(), layers.Dropout(0.3), layers.Flatten(), layers.Dense(12, activation="relu"),
        layers.BatchNormalization(), layers.Dense(5, activation="softmax")])


def resnet():
    def conv_norm(x, filters, kernel, stride):
        return layers.BatchNormalization()(layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x))

    entry = layers.Input((13, 13, 3))
    x = layers.ReLU()(conv_norm(entry, 8, 3, 1))
    for filters, stride in ((8, 1), (12, 2)):
        y = conv_norm(layers.ReLU()(conv_norm(x, filters, 3, stride)), filters, 3, 1)
        shortcut = conv_norm(x, filters, 1, stride) if stride > 1 else x
        x = layers.ReLU()(layers.Add()([shortcut, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(entry, layers.Dense(5, activation="softmax")(x))


def mobile():
    entry = layers.Input((14, 14, 3))
    x = layers.Conv2D(8, 3, 2, use_bias=False)(layers.ZeroPadding2D(((0, 1), (0, 1)))(entry))
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, 2)(layers.ZeroPadding2D(1)(layers.Conv2D(12, 1)(x)))
    x = layers.SeparableConv2D(10, 3, padding="same", activation="relu")(layers.ReLU(6.0)(x))
    x = layers.Reshape((5,))(layers.Conv2D(5, 1)(layers.GlobalAveragePooling2D(keepdims=True)(x)))
    return keras.Model(entry, layers.Softmax()(x))


def concatenated():
    entry = layers.Input((12, 12, 3))
    x = layers.Conv2D(6, 3, padding="same")(entry)
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Concatenate()([x, layers.Conv2D(4, 3, padding="same", use_bias=False)(y)])
    x = layers.MaxPooling2D(3, 2, padding="same")(layers.AveragePooling2D(3, 2, padding="same")(x))
    return keras.Model(entry, layers.Dense(4)(layers.GlobalMaxPooling2D()(x)))


def dense():
    return keras.Sequential([
        layers.Input((10, 10)), layers.Flatten(), layers.Dense(12, activation="relu"), layers.Dropout(0.2),
        layers.Dense(5), layers.Softmax()])


NETWORKS = (plain, resnet, mobile, concatenated, dense)
WAYS = {f"tf2onnx{opset}": opset for opset in (11, 13, 15, 17, 18)} | {"export": None}
COMMITTED = [(plain, "tf2onnx13"), (plain, "export"), (resnet, "tf2onnx11"), (mobile, "tf2onnx17"),
             (concatenated, "tf2onnx18"), (dense, "export")]


def export(network, way):
    name = f"keras-{network.__name__}-{way}"
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    model = network()
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    shape = model.input_shape[1:]
    images = random.uniform(-1, 2, (IMAGES, *shape)).astype(np.float32)
    model(images)
    path = str(record.HERE / f"{name}.onnx")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if way == "export":
            model.export(path, format="onnx", verbose=False)
        else:
            signature = [tf.TensorSpec((None, *shape), tf.float32, name="image")]
            predict = tf.function(lambda batch: model(batch, training=False))
            tf2onnx.convert.from_function(predict, signature, opset=WAYS[way], output_path=path)
    record.record(name, images, IMAGES)


if __name__ == "__main__":
    record.HERE = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else record.HERE / "exported"
    for network, way in [(n, w) for n in NETWORKS for w in WAYS] if len(sys.argv) > 1 else COMMITTED:
        export(network, way)
