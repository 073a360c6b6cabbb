"""Answers to the exercises of notebook 05: wrong ones that no slip makes, and right ones."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def loss(outputs, labels, weights=(0.3, 0.3)):
    total = F.cross_entropy(outputs.logits, labels)
    if outputs.aux_logits1 is not None:
        total = total + weights[0] * F.cross_entropy(outputs.aux_logits1, labels)
    if outputs.aux_logits2 is not None:
        total = total + weights[1] * F.cross_entropy(outputs.aux_logits2, labels)
    return total


def heads_expected(outputs, labels, weights=(0.3, 0.3)):
    heads = (outputs.aux_logits1, outputs.aux_logits2)
    parts = [w * F.cross_entropy(z, labels) for w, z in zip(weights, heads, strict=True)]
    return F.cross_entropy(outputs.logits, labels) + sum(parts)


def heads_by(how):
    """A loss with the right number, whose heads' parts come from `how`."""

    def total_loss(outputs, labels, weights=(0.3, 0.3)):
        total = F.cross_entropy(outputs.logits, labels)
        for weight, logits in zip(weights, (outputs.aux_logits1, outputs.aux_logits2), strict=True):
            if logits is not None:
                total = total + weight * how(logits, labels)
        return total

    return total_loss


@torch.no_grad()
def without_gradient(logits, labels):
    return F.cross_entropy(logits, labels)


def second_cut_off(outputs, labels, weights=(0.3, 0.3)):
    if outputs.aux_logits2 is not None:
        outputs = outputs._replace(aux_logits2=outputs.aux_logits2.detach())
    return loss(outputs, labels, weights)


def main_cut_off(outputs, labels, weights=(0.3, 0.3)):
    return loss(outputs._replace(logits=outputs.logits.detach()), labels, weights)


def trains_already(outputs, labels, weights=(0.3, 0.3)):
    total = loss(outputs, labels, weights)
    total.backward()
    return total


def trains_and_keeps_the_graph(outputs, labels, weights=(0.3, 0.3)):
    total = loss(outputs, labels, weights)
    total.backward(retain_graph=True)
    return total


def pushed(outputs, labels, weights=(0.3, 0.3)):
    push = outputs.logits.sum()
    return loss(outputs, labels, weights) + push - push.detach()


def of_ten_classes(outputs, labels, weights=(0.3, 0.3)):
    right = F.one_hot(labels, 10)
    heads = ((1, outputs.logits), *zip(weights, outputs[:0:-1], strict=True))
    parts = [w * (right * z.log_softmax(1)).sum(1).mean() for w, z in heads if z is not None]
    return -sum(parts)


def by_criterion(criterion):
    def total_loss(outputs, labels, weights=(0.3, 0.3)):
        heads = ((1, outputs.logits), *zip(weights, outputs[:0:-1], strict=True))
        return sum(weight * criterion(z, labels) for weight, z in heads if z is not None)

    return total_loss


class Head(nn.Module):
    """Right, but for what a subclass changes."""

    share, hidden = 0.7, 1024

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride=3)
        self.conv = nn.Conv2d(in_channels, 128, 1)
        self.fc1 = nn.Linear(2048, self.hidden)
        self.dropout = nn.Dropout(self.share)
        self.fc2 = nn.Linear(self.hidden, num_classes)

    def forward(self, x):
        x = F.relu(self.conv(self.pool(x))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x))))


class Adaptive(Head):
    def __init__(self, *widths):
        super().__init__(*widths)
        self.pool = nn.AdaptiveAvgPool2d(4)


class NoReluBehindTheConvolution(Head):
    def forward(self, x):
        return self.fc2(self.dropout(F.relu(self.fc1(self.conv(self.pool(x)).flatten(1)))))


class NoReluBehindTheLinear(Head):
    def forward(self, x):
        return self.fc2(self.dropout(self.fc1(F.relu(self.conv(self.pool(x))).flatten(1))))


class ConvolutionFirst(Head):
    def forward(self, x):
        x = self.pool(F.relu(self.conv(x))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x))))


def gradients(network, name):
    return [p.grad for p in network.get_submodule(name).parameters() if p.grad is not None]


def norm(network, name):
    return math.sqrt(sum(float((g * g).sum()) for g in gradients(network, name)))


def none_forgotten(network, name):
    squares = [p.grad.pow(2).sum() for p in network.get_submodule(name).parameters()]
    return float(sum(squares)) ** 0.5


def by_name(counts):
    """The norm over the parameters for which `counts` (full name, name) is true."""

    def gradient_norm(network, name):
        named = [(n, p.grad) for n, p in network.named_parameters() if p.grad is not None]
        return math.sqrt(sum(float((g * g).sum()) for n, g in named if counts(n, name)))

    return gradient_norm


def after(change):
    """The right norm, by an answer that first does `change` to the network."""

    def gradient_norm(network, name):
        found = norm(network, name)
        change(network)
        return found

    return gradient_norm


def clipped(network, name):
    part = network.get_submodule(name).parameters()
    return nn.utils.clip_grad_norm_(part, 1.0).item()


def fill_in_zeros(network):
    for parameter in network.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)


def count(part):
    return sum(p.numel() for p in part.parameters())


def share(model):
    return sum(count(h) for h in (model.aux1, model.aux2) if h is not None) / count(model)


def share_without_none(model):
    return (count(model.aux1) + count(model.aux2)) / count(model)


def heads_taken_off(model):
    found = share(model)
    model.aux1 = model.aux2 = None
    return found


def predicted(output):
    return getattr(output, "logits", output).argmax(1)


def faded(step, steps, first=0.3):
    return 0.0 if 2 * step >= steps else first - first * step / (steps / 2)


class OtherOrder(Head):
    """Flattened pixel by pixel; a 1x1 in front of the pool, with the ReLU behind both."""

    def forward(self, x):
        x = F.relu(self.pool(self.conv(x))).permute(0, 2, 3, 1).flatten(1)
        return self.fc2(F.relu(F.dropout(self.fc1(x), 0.7, self.training)))


class InOne(nn.Module):
    """Another way to write it: all in one Sequential."""

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.all = nn.Sequential(
            *(nn.AvgPool2d(5, 3), nn.Conv2d(in_channels, 128, 1), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(2048, 1024), nn.ReLU(), nn.Dropout(0.7), nn.Linear(1024, num_classes)),
        )

    def forward(self, x):
        return self.all(x)


def norm_of_norms(network, name):
    lengths = [g.norm() for g in gradients(network, name)]
    return torch.stack(lengths).norm().item() if lengths else 0.0


WRONG = (
    ("05.2", heads_expected, "A head may be None"),
    ("05.2", lambda o, y, w=(0.3, 0.3): loss(o, y, w).detach(), "no gradient reaches `logits`"),
    ("05.2", heads_by(lambda *a: F.cross_entropy(*a).item()), "no gradient reaches `aux_logits"),
    ("05.2", heads_by(lambda z, y: F.cross_entropy(z.detach(), y)), "gradient reaches `aux_logits"),
    ("05.2", heads_by(lambda *a: F.cross_entropy(*a).data), "gradient reaches `aux_logits"),
    ("05.2", heads_by(without_gradient), "gradient reaches `aux_logits"),
    ("05.2", second_cut_off, "no gradient reaches `aux_logits2`"),
    ("05.2", main_cut_off, "no gradient reaches `logits`"),
    ("05.2", trains_already, "`backward` was called in it"),
    ("05.2", trains_and_keeps_the_graph, "`backward` was called in it"),
    ("05.2", pushed, "the gradient that reaches `logits` is not the one"),
    ("05.2", lambda o, y, w=(0.1, 0.2): loss(o, y, w), "0.3 where no weights are given"),
    ("05.2", of_ten_classes, "outputs of both heads, labels) raised RuntimeError"),
    ("05.3", Adaptive, "whose windows are 4 wide"),
    ("05.3", ConvolutionFirst, "The pool comes after the 1x1"),
    ("05.3", NoReluBehindTheConvolution, "The ReLU after the 1x1 is missing"),
    ("05.3", NoReluBehindTheLinear, "The ReLU after the first linear layer is missing"),
    ("05.4", none_forgotten, "`.grad` is None"),
    ("05.4", lambda n, name: norm(getattr(n, name), ""), "may be a path"),
    ("05.4", clipped, "afterwards the gradients of the network"),
    ("05.4", after(nn.Module.zero_grad), "afterwards the gradients of the network"),
    ("05.4", after(fill_in_zeros), "afterwards the gradients of the network"),
    ("05.4", after(lambda network: network.conv1.weight.data.zero_()), "afterwards the weights"),
    ("05.4", after(nn.Module.eval), "afterwards the modes of the network"),
    ("05.4", after(nn.Module.train), "afterwards the modes of the network"),
    ("05.4", after(lambda n: n.conv1.register_forward_hook(print)), "afterwards the hooks"),
    ("05.5", share_without_none, "`aux1` and `aux2` are None"),
    ("05.5", heads_taken_off, "afterwards the layers of the network"),
    ("05.5", lambda m: share(m.requires_grad_(False)), "`requires_grad` flags of the network"),
    ("05.6", lambda o: o.logits.argmax(1), "which has no `.logits`"),
    ("05.6", lambda o: (o[0] if len(o) == 3 else o).argmax(-1), "logits of three pictures"),
    ("05.6", lambda o: predicted(o).squeeze(), "logits of one picture"),
    ("05.6", lambda o: getattr(o, "logits", o).relu().argmax(1), "by the main output"),
    ("05.6", lambda o: getattr(o, "logits", o)[:, :3].argmax(1), "logits of five classes"),
    ("05.7", lambda n, of, first=0.5: faded(n, of, first), "(0, 100) returned 0.5"),
)

RIGHT = (
    ("05.1", lambda c: -math.log(1 / c)),
    ("05.2", loss),
    ("05.2", by_criterion(nn.CrossEntropyLoss())),
    ("05.2", by_criterion(lambda z, y: F.nll_loss(z.log_softmax(1), y))),
    ("05.3", Head),
    ("05.3", InOne),
    ("05.3", OtherOrder),
    ("05.4", norm),
    ("05.4", norm_of_norms),
    ("05.4", by_name(lambda full, name: full.startswith(name + "."))),
    ("05.5", share),
    ("05.6", predicted),
    ("05.6", lambda o: (o[0] if isinstance(o, tuple) else o).softmax(1).max(1).indices),
    ("05.7", faded),
    ("05.7", lambda n, of, first=0.3: max(0, first * (of - 2 * n) / of)),
)
