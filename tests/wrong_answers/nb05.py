"""Answers to the exercises of notebook 05: wrong ones that no slip makes, and right ones."""

import math

import torch
from exercise_tools import computed, edited
from torch import nn
from torch.nn import functional as F

from googlenet_lib.course.kit.losses import weighted_loss
from googlenet_lib.course.nb05.exercises import gradient_norm, head_share, head_weight, main_logits


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


class Head(nn.Module):
    """Right."""

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.pool, self.conv = nn.AvgPool2d(5, stride=3), nn.Conv2d(in_channels, 128, 1)
        self.fc1, self.fc2 = nn.Linear(2048, 1024), nn.Linear(1024, num_classes)
        self.act1, self.act2, self.drop = nn.ReLU(), nn.ReLU(), nn.Dropout(0.7)

    def forward(self, x):
        x = self.act1(self.conv(self.pool(x))).flatten(1)
        return self.fc2(self.drop(self.act2(self.fc1(x))))


def pools_late(head, x):
    x = head.pool(head.act1(head.conv(x))).flatten(1)
    return head.fc2(head.drop(head.act2(head.fc1(x))))


def pixel_by_pixel(head, x):
    """Right: flattened in another order; the pool after the 1x1, and the ReLU after both."""
    x = F.relu(head.pool(head.conv(x))).permute(0, 2, 3, 1).flatten(1)
    return head.fc2(F.relu(F.dropout(head.fc1(x), 0.7, head.training)))


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


def count(part):
    return sum(p.numel() for p in part.parameters())


def share(model):
    return sum(count(head) for head in (model.aux1, model.aux2) if head is not None) / count(model)


def heads_taken_off(model):
    found = head_share(model)
    model.aux1 = model.aux2 = None
    return found


WRONG = (
    ("05.2", heads_expected, "A head may be None"),
    ("05.2", heads_by(lambda *a: F.cross_entropy(*a).item()), "no gradient reaches `aux_logits"),
    ("05.2", cut_off("aux_logits2"), "no gradient reaches `aux_logits2`"),
    ("05.2", cut_off("logits"), "no gradient reaches `logits`"),
    ("05.2", trains_already(retain_graph=True), "`backward` was called in it"),
    ("05.2", pushed, "the gradient that reaches `logits` is not the one"),
    ("05.2", lambda o, y, w=(0.1, 0.2): weighted_loss(o, y, w), "0.3 where no weights are given"),
    ("05.3", edited(Head, lambda h: setattr(h, "pool", nn.AdaptiveAvgPool2d(4))), "are 4 wide"),
    ("05.3", edited(Head, lambda h: setattr(h, "act1", nn.Identity())), "after the 1x1 is missing"),
    ("05.3", edited(Head, lambda h: setattr(h, "act2", nn.Tanh())), "A Tanh stands where a ReLU"),
    ("05.3", computed(Head, pools_late), "The pool comes after the 1x1"),
    ("05.4", none_forgotten, "`.grad` is None"),
    ("05.4", lambda n, name: gradient_norm(getattr(n, name), ""), "may be a path"),
    ("05.4", clipped, "afterwards the gradients of the network"),
    ("05.5", lambda m: (count(m.aux1) + count(m.aux2)) / count(m), "`aux1` and `aux2` are None"),
    ("05.5", heads_taken_off, "afterwards the layers of the network"),
    ("05.6", lambda o: o.logits.argmax(1), "which has no `.logits`"),
    ("05.6", lambda o: (o[0] if len(o) == 3 else o).argmax(-1), "logits of three pictures"),
    ("05.6", lambda o: main_logits(o).argmax(1).squeeze(), "logits of one picture"),
    ("05.6", lambda o: main_logits(o).relu().argmax(1), "by the main output"),
    ("05.6", lambda o: main_logits(o)[:, :3].argmax(1), "logits of five classes"),
    ("05.7", lambda n, of, first=0.5: head_weight(n, of, first), "(0, 100) returned 0.5"),
)

RIGHT = (
    ("05.1", lambda c: -math.log(1 / c)),
    ("05.2", heads_by(lambda z, y: F.nll_loss(z.log_softmax(1), y))),
    ("05.3", Head),
    ("05.3", computed(Head, pixel_by_pixel)),
    ("05.4", norm_of_norms),
    ("05.4", by_full_name),
    ("05.5", share),
    ("05.6", lambda o: (o[0] if isinstance(o, tuple) else o).softmax(1).max(1).indices),
    ("05.7", lambda n, of, first=0.3: max(0, first * (of - 2 * n) / of)),
)
