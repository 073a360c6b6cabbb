"""Answers to the exercises of notebook 05: wrong ones that no slip makes, and right ones."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from googlenet_lib.course.kit.losses import weighted_loss
from googlenet_lib.course.nb05.exercises import gradient_norm, leaky_std


def heads_expected(outputs, labels, weights=(0.3, 0.3)):
    heads = (outputs.aux_logits1, outputs.aux_logits2)
    parts = [w * F.cross_entropy(z, labels) for w, z in zip(weights, heads, strict=True)]
    return F.cross_entropy(outputs.logits, labels) + sum(parts)


def heads_by(how):
    """A loss with the right number, whose heads' parts come from `how`."""

    def total_loss(outputs, labels, weights=(0.3, 0.3)):
        heads = zip(weights, outputs[:0:-1], strict=True)
        parts = [weight * how(logits, labels) for weight, logits in heads if logits is not None]
        return F.cross_entropy(outputs.logits, labels) + sum(parts)

    return total_loss


def cut_off(name):
    def total_loss(outputs, labels, weights=(0.3, 0.3)):
        logits = getattr(outputs, name)
        detached = None if logits is None else logits.detach()
        return weighted_loss(outputs._replace(**{name: detached}), labels, weights)

    return total_loss


def trains_already(retain_graph):
    def total_loss(outputs, labels, weights=(0.3, 0.3)):
        total = weighted_loss(outputs, labels, weights)
        total.backward(retain_graph=retain_graph)
        return total

    return total_loss


def pushed(outputs, labels, weights=(0.3, 0.3)):
    push = outputs.logits.sum()
    return weighted_loss(outputs, labels, weights) + push - push.detach()


def after(change):
    """The right length, by an answer that then does `change` to the network."""

    def length(network, name):
        found = gradient_norm(network, name)
        change(network)
        return found

    return length


def none_forgotten(network, name):
    squares = [p.grad.pow(2).sum() for p in network.get_submodule(name).parameters()]
    return float(sum(squares)) ** 0.5


def clipped(network, name):
    return nn.utils.clip_grad_norm_(network.get_submodule(name).parameters(), 1.0).item()


def norm_of_norms(network, name):
    parameters = network.get_submodule(name).parameters()
    lengths = [p.grad.norm() for p in parameters if p.grad is not None]
    return torch.stack(lengths).norm().item() if lengths else 0.0


def by_full_name(network, name):
    named = [p for full, p in network.named_parameters() if full.startswith(name + ".")]
    return math.sqrt(sum(float((p.grad**2).sum()) for p in named if p.grad is not None))


WRONG = (
    ("05.1", lambda n, slope: (1 - slope / 2) * leaky_std(n, 0.0), "returned"),
    ("05.3", heads_expected, "A head may be None"),
    ("05.3", heads_by(lambda *a: F.cross_entropy(*a).item()), "no gradient reaches `aux_logits"),
    ("05.3", cut_off("aux_logits2"), "no gradient reaches `aux_logits2`"),
    ("05.3", cut_off("logits"), "no gradient reaches `logits`"),
    ("05.3", trains_already(retain_graph=True), "`backward` was called in it"),
    ("05.3", pushed, "the gradient that reaches `logits` is not the one"),
    ("05.3", lambda o, y, w=(0.1, 0.2): weighted_loss(o, y, w), "0.3 where no weights are given"),
    ("05.2", none_forgotten, "`.grad` is None"),
    ("05.2", lambda n, name: gradient_norm(getattr(n, name), ""), "may be a path"),
    ("05.2", clipped, "afterwards the gradients of the network"),
)

RIGHT = (
    ("05.1", lambda n, slope: (0.5 * n * (1 + slope * slope)) ** -0.5),
    ("05.1", lambda n, slope: nn.init.calculate_gain("leaky_relu", slope) / math.sqrt(n)),
    ("05.3", heads_by(lambda z, y: F.nll_loss(z.log_softmax(1), y))),
    ("05.2", norm_of_norms),
    ("05.2", by_full_name),
)
