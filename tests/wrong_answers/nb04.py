"""Answers to the exercises of notebook 04: wrong ones that no slip makes, and right ones."""

import copy
from functools import partial

import numpy as np
from torch import nn

from googlenet_lib.course.nb04.exercises import agrees, longest_path


def in_numpy(printed, computed, tolerance):
    value = np.float64(printed[:-1]) * {"K": 1024, "M": 10**6}[printed[-1]]
    return np.abs(value / computed - 1) <= tolerance or value == computed // 10**6 * 10**6


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


WRONG = (
    ("04.1", lambda n, k, s, c: (n - k) // s + 2, "How many steps, rounded which way"),
    ("04.2", lambda rows: longest_path(rows[:-1]), "Go through the rows"),
    (
        "04.4",
        lambda printed, c, t: agrees(printed, c, t) and c < 1e8,
        "Turn the text into a number",
    ),
    ("04.3", the_last_alone, "`aux1.fc2` has weights for 1000 classes, where 10"),
    ("04.3", heads_expected, "Without heads, `aux1` and `aux2` are None"),
    ("04.3", lambda model, classes: adapted(model, 10), "10 classes, where 3 are asked for"),
    ("04.3", lambda model, classes: adapted(model, classes).double(), "have changed"),
    ("04.3", lambda model, classes: adapted(model, classes).fc, "`fc` is gone"),
    ("04.3", lambda model, classes: model.replace_classifier(classes), "write it out"),
    *(
        ("04.3", partial(adapted, edit=edit), words)
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
    ("04.1", lambda n, k, s, c: (n - k + c * (s - 1)) // s + 1),
    ("04.3", adapted),
    ("04.3", lambda model, num_classes: adapted(copy.deepcopy(model), num_classes)),
    ("04.4", in_numpy),
)
