"""Answers to the exercises of notebook 06: wrong ones, and right ones."""

import numpy as np
import torch
from torch.nn import functional as F

from googlenet_lib.course.nb06.four_runs import TRUTH


def loop_of(
    *, clears=True, trains="epoch", evaluates=True, by_image=True, steps=1, order="cbs", times=1
):
    """A training loop with the bugs that are asked for."""

    def mended(network, train, validation, optimiser, epochs):
        accuracies = []
        if trains == "once":
            network.train()
        for _ in range(epochs):
            if trains == "epoch":
                network.train()
            for images, labels in train:
                loss = F.cross_entropy(network(images), labels)
                for part in order:
                    if part == "c" and clears:
                        optimiser.zero_grad()
                    elif part == "b":
                        loss.backward(retain_graph=True)
                    elif part == "s":
                        optimiser.step()
            if evaluates:
                network.eval()
            with torch.no_grad():
                hits = [int((network(x).argmax(1) == y).sum()) for x, y in validation]
            sizes = [len(y) for _, y in validation]
            share = sum(hits) / sum(sizes)
            if not by_image:
                share = sum(h / n for h, n in zip(hits, sizes, strict=True)) / len(sizes)
            accuracies.append(times * share)
        return accuracies

    return mended


def last_only(*args):
    return loop_of()(*args)[-1]


def hits_only(*args):
    return [10 * share for share in loop_of()(*args)]


def arrives_in_evaluation_mode(network, *args):
    network.eval()
    return loop_of(trains="never")(network, *args)


def evaluates_first(network, train, validation, optimiser, epochs):
    """Leave the network in training mode, and begin in the mode that it came in."""
    accuracies = []
    for _ in range(epochs):
        (share,) = loop_of(trains="never")(network, train, validation, optimiser, 1)
        network.train()
        accuracies.append(share)
    return accuracies


def first_of_equals(runs):
    tests = []
    for run in runs:
        best = -1.0
        for validation, test in run:
            if validation > best:
                best, chosen = validation, test
        tests.append(chosen)
    return [torch.tensor(tests).double().mean().item(), torch.tensor(tests).double().std().item()]


def in_one_array(runs):
    runs = np.array(runs)  # works where all have as many epochs
    best = [run[run[:, 0].argmax(), 1] for run in runs]
    return np.mean(best), np.std(best, ddof=1)


SWAPPED = TRUTH | {"C": TRUTH["D"], "D": TRUTH["C"]}

WRONG = (
    ("06.1", loop_of(clears=False), "`backward` adds to what is there"),
    ("06.1", loop_of(clears=False, evaluates=False, by_image=False), "while it was validated"),
    ("06.1", loop_of(evaluates=False), "while it was validated"),
    ("06.1", loop_of(trains="once"), "nothing switched it back"),
    ("06.1", arrives_in_evaluation_mode, "it may come in either mode"),
    ("06.1", evaluates_first, "it may come in either mode"),
    ("06.1", loop_of(by_image=False), "of them counts twice"),
    ("06.1", loop_of(order="bcs"), "the weights have not moved"),
    ("06.1", loop_of(order="cb"), "the weights have not moved"),
    ("06.1", loop_of(order="cbss"), "the weights end elsewhere"),
    ("06.1", loop_of(times=100), "in percent"),
    ("06.1", hits_only, "Of how many?"),
    ("06.1", last_only, "a list of plain numbers"),
    ("06.1", lambda *args: [0.5], "saw 0 training batches"),
    ("06.1", lambda *args: loop_of()(*args)[:1], "once for each epoch"),
    ("06.2", SWAPPED, 'For "healthy"'),
    ("06.2", TRUTH | {"A": TRUTH["B"], "B": TRUTH["A"]}, "even the training accuracy hardly moves"),
    ("06.2", TRUTH | {"A": "healthy"}, "one cause stands twice"),
    ("06.2", TRUTH | {"A": "overfitting"}, "'overfitting' of A is none of"),
    ("06.2", "A", "expected is a dict"),
    ("06.3", lambda runs: first_of_equals(runs)[0], "tuple"),
    ("06.3", lambda runs: first_of_equals(runs)[::-1], "One test accuracy for each run"),
    ("06.3", in_one_array, "may have different numbers of epochs"),
)

RIGHT = (
    ("06.1", loop_of()),
    ("06.1", loop_of(order="bsc")),
    ("06.1", lambda *args: [torch.tensor(share) for share in loop_of()(*args)]),
    ("06.1", lambda *args: tuple(map(np.float64, loop_of()(*args)))),
    ("06.2", TRUTH),
    ("06.3", first_of_equals),
)
