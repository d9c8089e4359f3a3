#!/usr/bin/env python3
"""Exports small networks from PyTorch, in every way that its users do, into exported/ with what ONNX Runtime gives.

    python3 export_torch.py [FOLDER]    needs torch, onnx, onnxscript and onnxruntime

Weights are random but the same each time. `trace` is the exporter of PyTorch's older releases, with constants folded or
raw; `dynamo` the one of its present releases, which by default keeps weights in a file beside the model. What it notes of
the source (paths, lines) is taken out of the files.
With FOLDER, every network is exported in every way into it, for a wider comparison than the committed files.
"""
import contextlib
import io
import logging
import pathlib
import sys
import warnings

import onnx
import torch
import torch.nn.functional as F
from torch import nn

import record

IMAGES = 3


def conv_norm(channels, filters, stride=1, activation=nn.ReLU):
    return nn.Sequential(nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters), activation())


class Plain(nn.Module):
    """The network of every tutorial; view() with the batch size, which exporters write as a chain of shapes."""
    shape = (1, 12, 12)

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_norm(1, 6), nn.MaxPool2d(2), nn.Dropout(0.2), conv_norm(6, 8), nn.MaxPool2d(2))
        self.classes = nn.Linear(8 * 9, 5)

    def forward(self, x):
        x = self.features(x)
        return self.classes(x.view(x.size(0), -1))


class Lenet(nn.Module):
    """Means as pools, a batch norm after a dense layer, log-softmax."""
    shape = (1, 16, 16)

    def __init__(self):
        super().__init__()
        self.all = nn.Sequential(
            nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 8, 5), nn.ReLU(), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(32, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 5), nn.LogSoftmax(1))

    def forward(self, x):
        return self.all(x)


class Block(nn.Module):
    def __init__(self, channels, filters, stride, projection):
        super().__init__()
        self.first = conv_norm(channels, filters, stride)
        self.second = nn.Sequential(nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters))
        self.grows = stride != 1
        self.padding = (filters - channels) // 2
        if self.grows and projection:
            self.projection = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        y = self.second(self.first(x))
        if self.grows and hasattr(self, "projection"):
            x = self.projection(x)
        elif self.grows:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding), "constant", 0)
        return F.relu(y + x)


class Resnet(nn.Module):
    """Residual as for CIFAR, projections on the shortcuts (the paper's option B)."""
    shape = (3, 13, 13)
    projection = True

    def __init__(self):
        super().__init__()
        blocks = [Block(6, 6, 1, self.projection), Block(6, 8, 2, self.projection), Block(8, 12, 2, self.projection)]
        self.blocks = nn.Sequential(conv_norm(3, 6), *blocks)
        self.classes = nn.Linear(12, 5)

    def forward(self, x):
        return self.classes(torch.flatten(F.adaptive_avg_pool2d(self.blocks(x), 1), 1))


class ResnetA(Resnet):
    """Shortcuts by slicing and padding (option A)."""
    projection = False

    def forward(self, x):
        x = self.blocks(x)
        x = F.avg_pool2d(x, x.size()[3])
        return self.classes(x.view(x.size(0), -1))


class Preactivated(nn.Module):
    """Norms that come before their convolution; the mean over both sides."""
    shape = (3, 11, 11)

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3, 1, 1), nn.BatchNorm2d(8)
        self.second, self.last = nn.Conv2d(8, 8, 3, 1, 1), nn.BatchNorm2d(8)
        self.classes = nn.Linear(8, 5)

    def forward(self, x):
        x = self.first(x)
        x = F.relu(self.last(x + self.second(F.relu(self.norm(x)))))
        return F.softmax(self.classes(x.mean(dim=(2, 3))), dim=1)


class Mobile(nn.Module):
    """Depthwise separable, ReLU6."""
    shape = (3, 14, 14)

    def __init__(self):
        super().__init__()

        def separable(channels, filters, stride):
            return nn.Sequential(
                nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False), nn.BatchNorm2d(channels),
                nn.ReLU6(), nn.Conv2d(channels, filters, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU6())

        self.features = nn.Sequential(conv_norm(3, 8, 2, nn.ReLU6), separable(8, 16, 1), separable(16, 20, 2),
                                      nn.AdaptiveAvgPool2d(1))
        self.classes = nn.Linear(20, 5)

    def forward(self, x):
        return self.classes(self.features(x).squeeze(-1).squeeze(-1))


class Pools(nn.Module):
    """Windows that reach over the border, counted and not."""
    shape = (2, 15, 13)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 6, 3)
        self.counted = nn.AvgPool2d(3, 2, 1, ceil_mode=True)
        self.uncounted = nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)
        self.maximum = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.rest = nn.Sequential(nn.AvgPool2d(2, 2, ceil_mode=True), nn.MaxPool2d((2, 1)), nn.AvgPool2d(3, 1, 1))
        self.classes = nn.Linear(18 * 2 * 3, 4)

    def forward(self, x):
        x = self.conv(x)
        x = self.rest(torch.cat([self.counted(x), self.uncounted(x), self.maximum(x)], 1))
        return self.classes(x.reshape(x.shape[0], -1))


class Padded(nn.Module):
    """Normalisation within the graph, padding apart from its convolution, other constants, maxima over both sides."""
    shape = (3, 15, 14)

    def __init__(self):
        super().__init__()
        self.first, self.pad = nn.Conv2d(3, 6, 3, 2), nn.ZeroPad2d((0, 1, 1, 2))
        self.second, self.third = nn.Conv2d(6, 8, 3, 2, padding="valid"), nn.Conv2d(8, 8, 3, padding="same")
        self.fourth, self.classes = nn.Conv2d(8, 6, 4, padding="same"), nn.Linear(6, 4)
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1))

    def forward(self, x):
        x = F.relu(self.first(F.pad((x - self.mean) / self.deviation, (0, 1, 0, 1))))
        x = torch.clamp(self.third(self.second(self.pad(x)) * 0.5 + 0.1), -1, 1)
        x = F.max_pool2d(F.pad(self.fourth(x), (1, 1, 1, 1)), 3, 1)
        return self.classes(x.amax(dim=(2, 3)))


class Concatenated(nn.Module):
    """Densely connected."""
    shape = (3, 12, 12)

    def __init__(self):
        super().__init__()

        def grow(channels):
            return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 4, 3, 1, 1, bias=False))

        self.first, self.one, self.two = nn.Conv2d(3, 8, 3, 1, 1), grow(8), grow(12)
        self.transition = nn.Sequential(nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 6, 1, bias=False), nn.AvgPool2d(2))
        self.classes = nn.Linear(6 * 36, 5)

    def forward(self, x):
        x = self.first(x)
        x = torch.cat([x, self.one(x)], 1)
        x = torch.cat([x, self.two(x)], 1)
        return self.classes(F.relu(self.transition(x)).flatten(1))


class Flat(nn.Module):
    """Grey images without a dimension for channels; groups and dilation; one side's mean after the other's."""
    shape = (14, 14)

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 6, 5, stride=2), nn.Conv2d(6, 12, 3, 1, 2, dilation=2, groups=3)
        self.third = nn.Conv2d(12, 5, (1, 3), padding=(0, 1))

    def forward(self, x):
        return self.third(F.relu(self.second(F.relu(self.first(x.unsqueeze(1)))))).mean(3).mean(2)


class Dense(nn.Module):
    shape = (1, 10, 10)

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.classes = nn.Linear(100, 16), nn.BatchNorm1d(16), nn.Linear(16, 5)

    def forward(self, x):
        return self.classes(F.relu(self.norm(self.first(x.view(-1, 100)))))


def forget_source(path):
    """Takes out what the exporter notes of where the network was written down."""
    model = onnx.load(path, load_external_data=False)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output,
                 *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    path.write_bytes(model.SerializeToString())


NETWORKS = (Plain, Lenet, Resnet, ResnetA, Preactivated, Mobile, Pools, Padded, Concatenated, Flat, Dense)

# The way's name: exporter, operator set (None: as PyTorch likes), constants folded or weights outside, free batch.
WAYS = {f"trace{opset}{'' if fold else 'raw'}": ("trace", opset, fold, True)
        for opset in (11, 13, 17, 18, 20) for fold in (True, False)}
WAYS |= {f"dynamo{opset}": ("dynamo", opset, False, True) for opset in (18, 20, 21)}
WAYS |= {"trace13one": ("trace", 13, True, False), "dynamo18one": ("dynamo", 18, False, False),
         "default": ("dynamo", None, True, False)}

COMMITTED = [(Plain, "trace11raw"), (Plain, "default"), (Lenet, "trace13"), (Resnet, "trace17raw"), (Resnet, "dynamo21"),
             (ResnetA, "trace13raw"), (ResnetA, "dynamo18"), (Preactivated, "dynamo20"), (Mobile, "trace18"),
             (Mobile, "dynamo21"), (Pools, "trace20"), (Padded, "dynamo18one"), (Padded, "trace11raw"),
             (Concatenated, "trace17"), (Flat, "dynamo20"), (Dense, "trace13one")]


def export(network, way):
    exporter, opset, option, free = WAYS[way]
    name = f"torch-{network.__name__.lower()}-{way}"
    torch.manual_seed(1)
    model = network().eval()
    for part in model.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            for tensor, low, high in ((part.running_mean, -0.3, 0.3), (part.running_var, 0.5, 2), (part.weight, 0.5, 1.5),
                                      (part.bias, -0.3, 0.3)):
                nn.init.uniform_(tensor, low, high)
    images = torch.randn(IMAGES, *network.shape)
    options = {"input_names": ["image"], "output_names": ["scores"], "dynamo": exporter == "dynamo"}
    if opset:
        options["opset_version"] = opset
    if exporter == "trace":
        options["do_constant_folding"] = option
    else:
        options["external_data"] = option
    if free and exporter == "trace":
        options["dynamic_axes"] = {"image": {0: "batch"}, "scores": {0: "batch"}}
    elif free:
        options["dynamic_shapes"] = ({0: torch.export.Dim("batch")},)
    path = record.HERE / f"{name}.onnx"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(model, (images[:2 if free else 1],), str(path), **options)
    forget_source(path)
    record.record(name, images.numpy(), IMAGES if free else 1)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    record.HERE = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else record.HERE / "exported"
    for network, way in [(n, w) for n in NETWORKS for w in WAYS] if len(sys.argv) > 1 else COMMITTED:
        export(network, way)
