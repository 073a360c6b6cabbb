"""Answers to the exercises of notebook 04: wrong ones that no slip makes, and right ones."""

import copy
from functools import partial

import numpy as np
import torch
from exercise_tools import computed, edited
from torch import nn
from torch.nn import functional as F

from googlenet_lib.course.nb04.exercises import agrees, field_after, longest_path, row_params


def in_numpy(printed, computed, tolerance):
    value = np.float64(printed[:-1]) * {"K": 1024, "M": 10**6}[printed[-1]]
    return np.abs(value / computed - 1) <= tolerance or value == computed // 10**6 * 10**6


class Right(nn.Module):
    """All in one Sequential."""

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.drop, self.last = nn.Dropout(0.4), nn.Linear(in_channels, num_classes)

    def forward(self, x):
        return self.last(self.drop(self.pool(x)))


def set_part(name, part):
    return lambda head: setattr(head, name, part)


def no_bias(head):
    head.last.bias = None


def adapted(model, num_classes, edit=lambda model: None):
    for part, name in ((model, "fc"), (model.aux1, "fc2"), (model.aux2, "fc2")):
        if part is not None:
            old = getattr(part, name)
            setattr(part, name, nn.Linear(old.in_features, num_classes))
    edit(model)
    return model


def heads_expected(model, num_classes):
    for part, name in ((model, "fc"), (model.aux1, "fc2"), (model.aux2, "fc2")):
        setattr(part, name, nn.Linear(getattr(part, name).in_features, num_classes))
    return model


def the_last_alone(model, num_classes):
    model.fc = nn.Linear(model.fc.in_features, num_classes)
    return model


def reset_statistics(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()


def share(model):
    if model.aux1 is not None:
        model.aux2.fc2 = model.aux1.fc2


def keep_seven_rows(model):
    model.fc.weight = nn.Parameter(model.fc.weight[:7])


def cut_off_bias(model):
    model.fc.bias = None


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
    ("04.1", lambda c, w: row_params(c, w) - c * w.pool_proj, "Write down six convolutions"),
    (
        "04.2",
        lambda printed, c, t: agrees(printed, c, t) and c < 1e8,
        "Turn the text into a number",
    ),
    ("04.3", lambda rows: longest_path(rows[:-1]), "Go through the rows"),
    ("04.4", lambda rows: field_after(rows) - 1, "Start with (1, 1)"),
    *(
        ("04.5", edited(Right, edit), words)
        for edit, words in (
            (lambda head: setattr(head.pool, "0", nn.AdaptiveMaxPool2d(1)), "takes the mean"),
            (lambda head: setattr(head.pool, "0", nn.AvgPool2d(7)), "(3, 1024, 4, 9)"),
            (set_part("drop", nn.Identity()), "nothing is dropped"),
            (set_part("drop", nn.Dropout(0.7)), "drops 70% of the features"),
            (set_part("drop", nn.AlphaDropout(0.4)), "It reads something else"),
            (set_part("spare", nn.LazyLinear(3)), "a lazy layer that its forward never calls"),
            (no_bias, "no bias in its last layer"),
        )
    ),
    *(
        ("04.5", computed(Right, forward), words)
        for forward, words in (
            (lambda head, x: head.last(head.drop(x.mean((2, 3)).squeeze())), "Its shape is (10,)"),
            (lambda head, x: Right.forward(head, x).softmax(1), "These are probabilities"),
            (lambda head, x: Right.forward(head, x).relu(), "stands after the last layer"),
            (lambda head, x: Right.forward(head, x.relu()), "A ReLU too many stands in front"),
            (lambda head, x: head.drop(head.last(head.pool(x))), "stands after the last layer"),
            (lambda head, x: head.last(head.pool(head.drop(x))), "directly in front of that layer"),
            (lambda head, x: head.last(F.dropout(head.pool(x), 0.4)), "In evaluation mode two"),
        )
    ),
    ("04.6", the_last_alone, "`aux1.fc2` has weights for 1000 classes, where 10"),
    ("04.6", heads_expected, "Without heads, `aux1` and `aux2` are None"),
    ("04.6", lambda model, classes: adapted(model, 10), "10 classes, where 3 are asked for"),
    ("04.6", lambda model, classes: adapted(model, classes).double(), "have changed"),
    ("04.6", lambda model, classes: adapted(model, classes).fc, "`fc` is gone"),
    ("04.6", lambda model, classes: model.replace_classifier(classes), "write it out"),
    *(
        ("04.6", partial(adapted, edit=edit), words)
        for edit, words in (
            (lambda model: setattr(model, "fc", nn.Linear(1024, 10)), "`in_features`"),
            (lambda model: setattr(model, "fc", nn.Sequential(model.fc)), "`fc` is a Sequential"),
            (keep_seven_rows, "`fc` has weights for 7 classes"),
            (cut_off_bias, "`fc` has lost its bias"),
            (share, "`aux1.fc2` and `aux2.fc2` share their weights"),
            (lambda model: model.fc.requires_grad_(False), "`fc` does not learn"),
            (lambda model: model.requires_grad_(True), "frozen or set free: `conv1.conv.weight`"),
            (lambda model: nn.init.ones_(model.conv1.conv.weight), "have changed: `conv1.conv.wei"),
            (reset_statistics, "`conv1.bn.running_mean` and"),
            (nn.Module.eval, "evaluation mode"),
            (nn.Module.train, "evaluation mode"),
            (lambda model: setattr(model.dropout, "p", 0.1), "other settings: `dropout`"),
        )
    ),
)

RIGHT = (
    ("04.2", in_numpy),
    *(("04.5", one) for one in (Right, MeanOfTheFlat, Functional, OnMaps)),
    ("04.6", adapted),
    ("04.6", lambda model, num_classes: adapted(copy.deepcopy(model), num_classes)),
)
