"""Notebook 05's exercises refuse plausible wrong answers, each with a message of its own."""

import math

import pytest
import torch
from exercise_tools import assert_refused, assert_several_wrong_answers
from torch import nn
from torch.nn import functional as F

from googlenet_lib.exercises.checks import judge
from googlenet_lib.exercises.nb05 import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def loss(outputs, labels, weights=(0.3, 0.3)):
    total = F.cross_entropy(outputs.logits, labels)
    if outputs.aux_logits1 is not None:
        total = total + weights[0] * F.cross_entropy(outputs.aux_logits1, labels)
    if outputs.aux_logits2 is not None:
        total = total + weights[1] * F.cross_entropy(outputs.aux_logits2, labels)
    return total


def by_place(outputs, labels, weights=(0.3, 0.3)):
    heads = [logits for logits in outputs[1:] if logits is not None]
    parts = [w * F.cross_entropy(z, labels) for w, z in zip(weights, heads, strict=False)]
    return F.cross_entropy(outputs[0], labels) + sum(parts)


def heads_expected(outputs, labels, weights=(0.3, 0.3)):
    heads = (outputs.aux_logits1, outputs.aux_logits2)
    parts = [w * F.cross_entropy(z, labels) for w, z in zip(weights, heads, strict=True)]
    return F.cross_entropy(outputs.logits, labels) + sum(parts)


def detached(outputs, labels, weights=(0.3, 0.3)):
    return loss(outputs, labels, weights).detach()


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


class Largest(Head):
    def __init__(self, *widths):
        super().__init__(*widths)
        self.pool = nn.MaxPool2d(5, 3)


class NoReluBehindTheConvolution(Head):
    def forward(self, x):
        return self.fc2(self.dropout(F.relu(self.fc1(self.conv(self.pool(x)).flatten(1)))))


class NoReluBehindTheLinear(Head):
    def forward(self, x):
        return self.fc2(self.dropout(self.fc1(F.relu(self.conv(self.pool(x))).flatten(1))))


class Softmaxed(Head):
    def forward(self, x):
        return super().forward(x).softmax(1)


class Narrow(Head):
    hidden = 512


class HalfDropped(Head):
    share = 0.5


class DroppedBehind(Head):
    def forward(self, x):
        x = F.relu(self.conv(self.pool(x))).flatten(1)
        return self.dropout(self.fc2(F.relu(self.fc1(x))))


class DroppedBeforeTheFirst(Head):
    def forward(self, x):
        x = self.dropout(F.relu(self.conv(self.pool(x))).flatten(1))
        return self.fc2(F.relu(self.fc1(x)))


class AlwaysDropped(Head):
    def forward(self, x):
        x = F.relu(self.conv(self.pool(x))).flatten(1)
        return self.fc2(F.dropout(F.relu(self.fc1(x)), 0.7))


class ConvolutionFirst(Head):
    def forward(self, x):
        x = self.pool(F.relu(self.conv(x))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x))))


class OneTanh(Head):
    def forward(self, x):
        x = F.relu(self.conv(self.pool(x))).flatten(1)
        return self.fc2(self.dropout(torch.tanh(self.fc1(x))))


class TenClasses(Head):
    def __init__(self, in_channels, num_classes):
        super().__init__(in_channels, 10)


class OfThirtyTwo(Head):
    def __init__(self, in_channels, num_classes):
        super().__init__(32, num_classes)


class SmallWindows(Head):
    def __init__(self, *widths):
        super().__init__(*widths)
        self.pool = nn.AvgPool2d(3, stride=3)


class WithBatchNorm(Head):
    def __init__(self, *widths):
        super().__init__(*widths)
        self.conv = nn.Sequential(self.conv, nn.BatchNorm2d(128))


class Undropped(Head):
    def forward(self, x):
        return self.fc2(F.relu(self.fc1(F.relu(self.conv(self.pool(x))).flatten(1))))


class Biasless(Head):
    def __init__(self, *widths):
        super().__init__(*widths)
        self.conv = nn.Conv2d(widths[0], 128, 1, bias=False)


def gradients(network, name):
    return [p.grad for p in network.get_submodule(name).parameters() if p.grad is not None]


def norm(network, name):
    return math.sqrt(sum(float((g * g).sum()) for g in gradients(network, name)))


def none_forgotten(network, name):
    squares = [p.grad.pow(2).sum() for p in network.get_submodule(name).parameters()]
    return float(sum(squares)) ** 0.5


def of_weights(network, name):
    weights = network.get_submodule(name).parameters()
    return math.sqrt(sum(float((p * p).sum().detach()) for p in weights))


def weight_alone(network, name):
    return float(network.get_submodule(name).weight.grad.norm())


def count(part):
    return sum(p.numel() for p in part.parameters())


def share(model):
    return sum(count(h) for h in (model.aux1, model.aux2) if h is not None) / count(model)


def share_without_none(model):
    return (count(model.aux1) + count(model.aux2)) / count(model)


def vote(output):
    if isinstance(output, torch.Tensor):
        return output.argmax(1)
    return sum(one.softmax(1) for one in output if one is not None).argmax(1)


def predicted(output):
    return getattr(output, "logits", output).argmax(1)


def faded(step, steps, first=0.3):
    return 0.0 if 2 * step >= steps else first - first * step / (steps / 2)


WRONG = (
    ("05.1", lambda c: -math.log(c), "not negative"),
    ("05.1", lambda c: math.log2(c), "natural logarithm"),
    ("05.1", lambda c: 1 / c, "probability of the right class"),
    ("05.1", lambda c: 1 - 1 / c, "how often it errs"),
    ("05.1", lambda c: 2.303, "minus the log"),
    ("05.2", by_place, "The weights are swapped"),
    ("05.2", lambda o, y, w=(0.3, 0.3): loss(o, y, w[::-1]), "The weights are swapped"),
    ("05.2", lambda o, y, w=(0.3, 0.3): F.cross_entropy(o.logits, y), "heads are not in it"),
    ("05.2", lambda o, y, w=(0.3, 0.3): loss(o, y, (1, 1)), "count in full"),
    ("05.2", lambda o, y, w=(0.3, 0.3): loss(o, y), "whatever `weights` says"),
    ("05.2", heads_expected, "A head may be None"),
    ("05.2", detached, "no gradient can go back"),
    ("05.3", Adaptive, "whose windows are 4 wide"),
    ("05.3", Largest, "That is a max pool"),
    ("05.3", SmallWindows, "an AvgPool2d with kernel_size=3"),
    ("05.3", ConvolutionFirst, "The pool comes after the 1x1"),
    ("05.3", NoReluBehindTheConvolution, "The ReLU after the 1x1 is missing"),
    ("05.3", NoReluBehindTheLinear, "The ReLU after the first linear layer is missing"),
    ("05.3", OneTanh, "A Tanh stands where a ReLU belongs"),
    ("05.3", Softmaxed, "These are probabilities"),
    ("05.3", Narrow, "a linear layer from 2048 to 512"),
    ("05.3", HalfDropped, "drops 50% of the features"),
    ("05.3", Undropped, "nothing is dropped"),
    ("05.3", DroppedBehind, "The dropout stands after the last layer"),
    ("05.3", DroppedBeforeTheFirst, "directly in front of that layer"),
    ("05.3", AlwaysDropped, "In evaluation mode two calls"),
    ("05.3", Biasless, "no bias in its 1x1"),
    ("05.3", WithBatchNorm, "a BatchNorm2d"),
    ("05.3", TenClasses, "expected is (2, 7)"),
    ("05.3", OfThirtyTwo, "to have 32 channels, but got 20"),
    ("05.4", lambda n, name: sum(float(g.norm()) for g in gradients(n, name)), "their squares do"),
    ("05.4", lambda n, name: norm(n, name) ** 2, "The root is missing"),
    ("05.4", of_weights, "Those are the weights"),
    ("05.4", lambda n, name: norm(n, ""), "the whole network"),
    ("05.4", none_forgotten, "`.grad` is None"),
    ("05.4", lambda n, name: gradients(n, name)[0].norm(), "`.item()`"),
    ("05.4", weight_alone, "Square every entry"),
    ("05.5", lambda m: count(m.aux1) / count(m), "there are two"),
    ("05.5", lambda m: share(m) / (1 - share(m)), "Divided by the network without heads"),
    ("05.5", lambda m: 100 * share(m), "no percentage"),
    ("05.5", lambda m: count(m.aux1) + count(m.aux2), "Of how many?"),
    ("05.5", share_without_none, "`aux1` and `aux2` are None"),
    ("05.6", vote, "The heads voted"),
    ("05.6", lambda o: o.aux_logits1.argmax(1), "the head at 4a says"),
    ("05.6", lambda o: o[0].argmax(-1), "its first picture"),
    ("05.6", lambda o: o.logits.argmax(1), "which has no `.logits`"),
    ("05.6", lambda o: getattr(o, "logits", o).argmax(0), "the best class for each picture"),
    ("05.6", lambda o: getattr(o, "logits", o).max(1).values, "the largest logits"),
    ("05.7", lambda n, of, first=0.3: first * (1 - 2 * n / of), "Below 0 the heads"),
    ("05.7", lambda n, of, first=0.3: first * abs(1 - 2 * n / of), "yours rises again"),
    ("05.7", lambda n, of, first=0.3: first * (1 - n / of), "reaches 0 at the end"),
    ("05.7", lambda n, of, first=0.3: first * (n < of / 2), "That is a switch"),
    ("05.7", lambda n, of, first=0.3: first * (1 - n // (of / 2)), "half-way to the middle"),
    ("05.7", lambda n, of, first=0.3: faded(n, of), "whatever `first` says"),
    ("05.7", lambda n, of, first=0.3: max(0, first - 2 * n / of), "the same for every `first`"),
    ("05.7", lambda n, of, first=0.3: min(first, 2 * n * first / of), "begins at 0 and rises"),
    ("05.7", lambda n, of, first=0.3: first, "never changes"),
    ("05.7", lambda n, of: faded(n, of), "Keep the arguments that the task gives"),
)


@pytest.mark.parametrize(("id", "given", "words"), WRONG, ids=[f"{w[0]} {w[2]}" for w in WRONG])
def test_a_wrong_answer_is_refused_for_its_mistake(id, given, words):
    assert_refused(BY_ID[id], given, words)


def test_every_exercise_has_several_wrong_answers():
    assert_several_wrong_answers(BY_ID, WRONG)


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


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("05.1", lambda c: -math.log(1 / c)),
        ("05.2", loss),
        ("05.3", Head),
        ("05.3", InOne),
        ("05.3", OtherOrder),
        ("05.4", norm),
        ("05.4", norm_of_norms),
        ("05.5", share),
        ("05.6", predicted),
        ("05.7", faded),
        ("05.7", lambda n, of, first=0.3: max(0, first * (of - 2 * n) / of)),
    ],
)
def test_another_way_is_right_as_well(id, given):
    verdict = judge(BY_ID[id], given)
    assert verdict.outcome == "right", verdict.says
