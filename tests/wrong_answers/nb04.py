"""Answers to the exercises of notebook 04: wrong ones that no slip makes, and right ones."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from googlenet_lib.model import GoogLeNet
from googlenet_lib.paper import ROWS


def conv(inputs, outputs, kernel, bias=True):
    return kernel * kernel * inputs * outputs + bias * outputs


def params(c, w, large=5, bias=True):
    lanes = conv(c, w.out_1x1, 1, bias) + conv(c, w.pool_proj, 1, bias)
    lanes += conv(c, w.reduce_3x3, 1, bias) + conv(w.reduce_3x3, w.out_3x3, 3, bias)
    return lanes + conv(c, w.reduce_5x5, 1, bias) + conv(w.reduce_5x5, w.out_5x5, large, bias)


def pool_lane_forgotten(c, w):
    return params(c, w) - conv(c, w.pool_proj, 1)


def number(printed, thousand=1024):
    return float(printed[:-1]) * {"K": thousand, "M": 10**6}[printed[-1]]


def agrees(value, computed, tolerance):
    return abs(value / computed - 1) <= tolerance or value == computed // 10**6 * 10**6


def in_numpy(printed, computed, tolerance):
    value = np.float64(printed[:-1]) * {"K": 1024, "M": 10**6}[printed[-1]]
    return np.abs(value / computed - 1) <= tolerance or value == computed // 10**6 * 10**6


def layers(rows, conv1=1, conv2=2, module=2, linear=1, pool=0):
    each = {"inception": module, "linear": linear, "maxpool": pool, "avgpool": pool}
    return sum(
        (conv2 if row.reduce else conv1) if row.kind == "conv" else each.get(row.kind, 0)
        for row in rows
    )


def field(rows, large=5, stride_first=False, pools=True, start=1):
    seen, jump = start, 1
    for row in rows:
        if row.kind == "maxpool" and not pools:
            continue
        kernel = large if row.kind == "inception" else row.kernel or 1
        if stride_first:
            jump *= row.stride or 1
        seen += (kernel - 1) * jump
        if not stride_first:
            jump *= row.stride or 1
    return seen


class Right(nn.Module):
    """Right, but for what a subclass changes."""

    share = 0.4

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.dropout = nn.Dropout(self.share)
        self.linear = nn.Linear(in_channels * self.places(), num_classes)

    def places(self):
        return 1

    def forward(self, x):
        return self.linear(self.dropout(x.mean((2, 3))))


class Largest(Right):
    def forward(self, x):
        return self.linear(self.dropout(x.amax((2, 3))))


class Squeezed(Right):
    def forward(self, x):
        x = nn.functional.adaptive_avg_pool2d(x, 1).squeeze()
        return self.linear(self.dropout(x))


class Softmaxed(Right):
    def forward(self, x):
        return super().forward(x).softmax(1)


class Rectified(Right):
    def forward(self, x):
        return super().forward(x).relu()


class OfThePositive(Right):
    def forward(self, x):
        return super().forward(x.relu())


class Undropped(Right):
    def forward(self, x):
        return self.linear(x.mean((2, 3)))


class HeadsDropout(Right):
    share = 0.7


class DroppedBehind(Right):
    def forward(self, x):
        return self.dropout(self.linear(x.mean((2, 3))))


class DroppedInFront(Right):
    def forward(self, x):
        return self.linear(self.dropout(x).mean((2, 3)))


class AlwaysDropped(Right):
    def forward(self, x):
        return self.linear(F.dropout(x.mean((2, 3)), 0.4))


class AlphaDropped(Right):
    def __init__(self, *widths):
        super().__init__(*widths)
        self.dropout = nn.AlphaDropout(0.4)


class WholePicturesDropped(Right):
    def __init__(self, *widths):
        super().__init__(*widths)
        self.dropout = nn.Dropout1d(0.4)


class NoBias(Right):
    def __init__(self, in_channels, num_classes):
        super().__init__(in_channels, num_classes)
        self.linear = nn.Linear(in_channels, num_classes, bias=False)


class NeverCalled(Right):
    def __init__(self, in_channels, num_classes):
        super().__init__(in_channels, num_classes)
        self.spare = nn.LazyLinear(3)


class SevenBySeven(Right):
    def forward(self, x):
        return self.linear(self.dropout(nn.AvgPool2d(7)(x).flatten(1)))


def adapted(model, num_classes):
    for part, name in ((model, "fc"), (model.aux1, "fc2"), (model.aux2, "fc2")):
        if part is not None:
            old = getattr(part, name)
            setattr(part, name, nn.Linear(old.in_features, num_classes))
    return model


def the_last_alone(model, num_classes):
    model.fc = nn.Linear(model.fc.in_features, num_classes)
    return model


def heads_expected(model, num_classes):
    the_last_alone(model, num_classes)
    for head in (model.aux1, model.aux2):
        head.fc2 = nn.Linear(head.fc2.in_features, num_classes)
    return model


def of_1024(model, num_classes):
    adapted(model, num_classes).fc = nn.Linear(1024, num_classes)
    return model


def started_anew(model, num_classes):
    adapted(model, num_classes)
    nn.init.normal_(model.conv1.conv.weight)
    return model


def frozen(model, num_classes):
    for parameter in adapted(model, num_classes).parameters():
        parameter.requires_grad = False
    return model


def shared(model, num_classes):
    adapted(model, num_classes)
    if model.aux1 is not None:
        model.aux2.fc2 = model.aux1.fc2
    return model


def statistics_reset(model, num_classes):
    for module in adapted(model, num_classes).modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
    return model


def all_learn(model, num_classes):
    for parameter in adapted(model, num_classes).parameters():
        parameter.requires_grad = True
    return model


def last_layers_frozen(model, num_classes):
    adapted(model, num_classes).fc.requires_grad_(False)
    return model


def less_dropout(model, num_classes):
    adapted(model, num_classes).dropout.p = 0.1
    return model


def two_behind_each_other(model, num_classes):
    model.fc = nn.Sequential(model.fc, nn.Linear(1000, num_classes))
    return model


def first_rows_kept(model, num_classes):
    model = adapted(model, num_classes)
    model.fc.weight = nn.Parameter(model.fc.weight[:7])
    return model


def no_bias(model, num_classes):
    adapted(model, num_classes)
    model.fc = nn.Linear(model.fc.in_features, num_classes, bias=False)
    return model


class Pooled(nn.Module):
    """Another way to write it: all in one Sequential."""

    def __init__(self, in_channels, num_classes):
        super().__init__()
        steps = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4)
        self.all = nn.Sequential(*steps, nn.Linear(in_channels, num_classes))

    def forward(self, x):
        return self.all(x)


class Functional(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.last = nn.LazyLinear(num_classes)

    def forward(self, x):
        return self.last(F.dropout(x.mean((2, 3)), 0.4, self.training))


class OnMaps(nn.Sequential):
    """Maps of 1x1 to the end, and a 1x1 convolution as the linear layer."""

    def __init__(self, in_channels, num_classes):
        steps = nn.AdaptiveAvgPool2d(1), nn.Dropout2d(0.4), nn.Conv2d(in_channels, num_classes, 1)
        super().__init__(*steps, nn.Flatten())


class MeanOfTheFlat(nn.Module):
    """Pixels in one dimension, then their mean."""

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.drop = nn.Dropout(p=0.4)
        self.last = nn.Linear(in_channels, num_classes)

    def forward(self, x):
        return self.last(self.drop(torch.flatten(x, 2).mean(2)))


WRONG = (
    ("04.1", pool_lane_forgotten, "Write down six convolutions"),
    ("04.1", lambda c, w: params(c, w) if c > 100 else 0, "out_1x1=7"),
    ("04.2", lambda p, c, t: agrees(round(number(p), -6), c, t), "Turn the text into a number"),
    ("04.3", lambda rows: layers(rows, linear=0), "Go through the rows"),
    ("04.3", lambda rows: layers(rows, 1, 1) + sum(r.name == "conv2" for r in rows), "reduced"),
    ("04.4", lambda rows: field(rows, start=0), "Start with (1, 1)"),
    ("04.4", lambda rows: field([ROWS.get(row.name, rows[0]) for row in rows]), "Start with"),
    ("04.4", lambda rows: field([r for r in rows if r.kind != "avgpool"]), "avgpool"),
    ("04.5", Largest, "the paper takes the mean"),
    ("04.5", Squeezed, "Its shape is (10,)"),
    ("04.5", Softmaxed, "These are probabilities"),
    ("04.5", Rectified, "A ReLU too many stands after the last layer"),
    ("04.5", OfThePositive, "A ReLU too many stands in front"),
    ("04.5", Undropped, "nothing is dropped"),
    ("04.5", HeadsDropout, "drops 70% of the features"),
    ("04.5", DroppedBehind, "The dropout stands after the last layer"),
    ("04.5", DroppedInFront, "directly in front of that layer"),
    ("04.5", AlwaysDropped, "In evaluation mode two calls"),
    ("04.5", AlphaDropped, "It reads something else"),
    ("04.5", WholePicturesDropped, "It reads something else"),
    ("04.5", NoBias, "no bias in its last layer"),
    ("04.5", NeverCalled, "a lazy layer that its forward never calls"),
    ("04.5", SevenBySeven, "(3, 1024, 4, 9)"),
    ("04.6", the_last_alone, "`aux1.fc2` has weights for 1000 classes, where 10"),
    ("04.6", heads_expected, "Without heads, `aux1` and `aux2` are None"),
    ("04.6", of_1024, "`in_features`"),
    ("04.6", started_anew, "have changed: `conv1.conv.weight`. Only"),
    ("04.6", frozen, "`fc` does not learn"),
    ("04.6", last_layers_frozen, "`fc` does not learn"),
    ("04.6", all_learn, "frozen or set free: `conv1.conv.weight` and 2 more"),
    ("04.6", shared, "`aux1.fc2` and `aux2.fc2` share their weights"),
    ("04.6", statistics_reset, "`conv1.bn.running_mean` and"),
    ("04.6", lambda model, classes: adapted(model, classes).eval(), "evaluation mode"),
    ("04.6", lambda model, classes: adapted(model, classes).train(), "evaluation mode"),
    ("04.6", lambda model, classes: adapted(model, classes).double(), "have changed"),
    ("04.6", less_dropout, "other settings: `dropout`"),
    ("04.6", lambda model, classes: adapted(model, 10), "10 classes, where 3 are asked for"),
    ("04.6", first_rows_kept, "`fc` has weights for 7 classes"),
    ("04.6", two_behind_each_other, "`fc` is a Sequential"),
    ("04.6", lambda model, classes: adapted(model, classes).fc, "`fc` is gone"),
    ("04.6", lambda model, classes: model.replace_classifier(classes), "write it out"),
    ("04.6", lambda model, classes: GoogLeNet.replace_classifier(model, classes), "write it out"),
    ("04.6", no_bias, "`fc` has lost its bias"),
)

RIGHT = (
    ("04.1", params),
    ("04.2", lambda p, c, t: agrees(number(p), c, t)),
    ("04.2", in_numpy),
    (
        "04.2",
        lambda p, c, t: abs(number(p) - c) / c <= t or (p[-1] == "M" and int(p[:-1]) == c // 10**6),
    ),
    ("04.3", layers),
    ("04.4", field),
    ("04.5", Right),
    ("04.5", Pooled),
    ("04.5", MeanOfTheFlat),
    ("04.5", Functional),
    ("04.5", OnMaps),
    ("04.6", adapted),
    ("04.6", lambda model, num_classes: adapted(copy.deepcopy(model), num_classes)),
)
