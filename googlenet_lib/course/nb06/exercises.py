"""Exercises of notebook 06: repair a training loop, tell four runs apart, report a result."""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean, pstdev, stdev
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit.checking import call
from googlenet_lib.course.kit.comparing import describe
from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, Wrong, slips
from googlenet_lib.course.nb06.four_runs import CAUSES, TRUTH

# ---- 06.1 ----------------------------------------------------------------------------------------

Pairs = Iterable[tuple[Tensor, Tensor]]
EPOCHS = 3


class Observed(nn.Module):
    """A tiny classifier that notes, for each batch, its size and whether the network trained."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(4), nn.Linear(4, 3)
        with torch.no_grad():
            self.linear.weight.copy_(torch.arange(12.0).view(3, 4).sin())
            self.linear.bias.zero_()
        self.seen: list[tuple[int, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        """Return three logits for each row."""
        self.seen.append((len(x), self.norm.training))
        return self.linear(self.norm(x))


class Descent:
    """Gradient descent without more. (torch.optim imports a compiler first, for seconds.)"""

    def __init__(self, network: nn.Module) -> None:
        self.weights = [*network.parameters()]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients."""
        for weight in self.weights:
            weight.grad = None

    def step(self) -> None:
        """Move each weight against its gradient."""
        with torch.no_grad():
            for weight in self.weights:
                if weight.grad is not None:
                    weight -= 0.5 * weight.grad


def _data() -> tuple[list[tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]]]:
    """Make training batches of 6 and validation batches of 4, 4 and 2."""
    draw = torch.Generator().manual_seed(6)
    sizes = [6, 6, 6, 4, 4, 2]
    pairs = [(torch.randn(n, 4, generator=draw), torch.arange(n) * 2 % 3) for n in sizes]
    return pairs[:3], pairs[3:]


def repaired(
    network: nn.Module, train: Pairs, validation: Pairs, optimiser: Any, *, clears: bool = True
) -> list[tuple[list[int], list[int]]]:
    """Train for EPOCHS; return for each epoch how many are right, and of how many, by batch."""
    counts = []
    for _ in range(EPOCHS):
        network.train()
        for images, labels in train:
            if clears:
                optimiser.zero_grad()
            F.cross_entropy(network(images), labels).backward()
            optimiser.step()
        network.eval()
        right = [int((network(x).argmax(1) == y).sum()) for x, y in validation]
        counts.append((right, [len(y) for _, y in validation]))
    return counts


def _run(loop: Callable[..., Any]) -> tuple[Observed, Any]:
    network = Observed().eval()  # as it may come
    return network, loop(network, *_data(), Descent(network))


def _test_loop(answer: Any) -> None:
    told = "network, train, validation, optimiser, epochs"
    network, accuracies = _run(lambda *args: call(answer, *args, EPOCHS, told=told))
    right, counts = _run(repaired)
    added, _ = _run(lambda *args: repaired(*args, clears=False))
    trained = [trains for size, trains in network.seen if size == 6]
    validated = [trains for size, trains in network.seen if size != 6]
    if len(trained) != 3 * EPOCHS or len(validated) != 3 * EPOCHS:
        raise Wrong(
            f"the network saw {len(trained)} training batches and {len(validated)} validation "
            f"batches; {EPOCHS} epochs of 3 and 3 batches were given. Keep the loops as they are"
        )
    if any(validated):
        raise Wrong(
            "the network was in training mode while it was validated: dropout would drop, and "
            "BatchNorm would use, and change, the statistics of the validation batches"
        )
    if not all(trained):
        raise Wrong(
            "from the second epoch on the network trained in evaluation mode: validation switched "
            "the mode, and nothing switched it back"
            if trained[0]
            else "the network trained in evaluation mode: it may come in either mode"
        )
    weights = [n.linear.weight.detach() for n in (network, right, added, Observed())]
    if torch.allclose(weights[0], weights[3]):
        raise Wrong("the weights have not moved. One batch: forward, clear, backward, step")
    if torch.allclose(weights[0], weights[2], rtol=1e-4):
        raise Wrong(
            "the gradients of earlier batches are still in it: `backward` adds to what is there"
        )
    if not torch.allclose(weights[0], weights[1], rtol=1e-4, atol=1e-6):
        raise Wrong(
            "the weights end elsewhere. For each batch: clear the gradients, `backward`, one "
            "step; all three once, and in this order"
        )
    _compare_accuracies(accuracies, counts)


def _compare_accuracies(given: Any, counts: list[tuple[list[int], list[int]]]) -> None:
    expected = [sum(right) / sum(sizes) for right, sizes in counts]
    means = [
        sum(hits / size for hits, size in zip(right, sizes, strict=True)) / len(sizes)
        for right, sizes in counts
    ]
    if isinstance(given, list | tuple):
        given = [one.item() if getattr(one, "shape", None) == () else one for one in given]
    if not isinstance(given, list) or not all(isinstance(one, int | float) for one in given):
        raise Wrong(f"it returned {describe(given)}; a list of plain numbers is asked for")
    for values, words in (
        (means, "each accuracy is the mean of three batches, and the last holds two images: each "
         "of them counts twice. Count images"),
        ([100 * one for one in expected], "the accuracies are in percent; a share goes up to 1"),
        ([sum(right) for right, _ in counts], "that is how many are right. Of how many?"),
    ):  # fmt: skip
        if len(given) == EPOCHS and torch.allclose(torch.tensor(given).double(), _row(values)):
            raise Wrong(words)
    if len(given) != EPOCHS or not torch.allclose(_row(given), _row(expected)):
        raise Wrong(
            f"the training is right, but the accuracies are {describe(given)}. An accuracy is the "
            f"number of images classified correctly over the number of images, once for each epoch"
        )


def _row(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


LOOP = Exercise(
    "06.1",
    "Find three bugs in a training loop",
    test=_test_loop,
    hints=(
        "Ask of each line what it leaves behind for the next batch, and for the next epoch.",
        "Two belong to the mode and the gradients. The third only shows with a short last batch.",
        "`network.train()` belongs into the epoch's loop, and `network.eval()` before validation.",
        "Keep two numbers, `correct` and `count`, through all validation batches.",
    ),
    why="none of the three bugs raises an error, and with each of them the loss still falls.",
)

# ---- 06.2 ----------------------------------------------------------------------------------------

CLUES = {
    "healthy": "only there training is ahead and validation still follows it, late and most of the "
    "way",
    "learning rate too low": "look for the run in which even the training accuracy hardly moves",
    "training labels shuffled": "look for the run that memorises what has no rule",
    "validation images also in training": "look for the run in which validation ends as high as "
    "training, which is too good to be true",
}


def _test_runs(answer: Any) -> None:
    if not isinstance(answer, dict) or answer.keys() != TRUTH.keys():
        raise Wrong(f"{describe(answer)} came; expected is a dict with the keys A, B, C and D")
    for run, cause in answer.items():
        if cause not in CAUSES:
            raise Wrong(f"{describe(cause)} of {run} is none of: {'; '.join(CAUSES)}")
    if len({*answer.values()}) < len(TRUTH):
        raise Wrong("one cause stands twice; each belongs to one run")
    right = sum(answer[run] == cause for run, cause in TRUTH.items())
    for cause, clue in CLUES.items():
        run = next(run for run in answer if answer[run] == cause)
        if TRUTH[run] != cause:
            raise Wrong(f'{right} of 4 are right. For "{cause}", {clue}')


RUNS = Exercise(
    "06.2",
    "Which run is which?",
    kind="value",
    test=_test_runs,
    hints=(
        "Begin with the training accuracy: in which run is nothing learnt at all?",
        "Of the other three, compare where validation ends: at chance, below training, or with it.",
        "Chance is 10%. Images that were trained on are no test.",
    ),
    why="training alone shows whether it learns; only validation shows whether it learnt a rule.",
)

# ---- 06.3 ----------------------------------------------------------------------------------------

Tested = Sequence[Sequence[tuple[float, float]]]  # runs, their epochs: validation and test


def honest(runs: Tested) -> tuple[float, float]:
    """Mean and standard deviation of the test accuracies of the best epochs by validation."""
    return _report([max(run, key=lambda pair: pair[0])[1] for run in runs])


def _report(tests: list[float], spread: Callable[[list[float]], float] = stdev) -> tuple:
    return mean(tests), spread(tests)


CLIMBING = [(0.52, 0.50), (0.70, 0.68), (0.66, 0.72)]  # best on test in another epoch than here
TIED = [(0.61, 0.58), (0.74, 0.66), (0.74, 0.71), (0.74, 0.69), (0.63, 0.60)]
EARLY = [(0.71, 0.65), (0.55, 0.59), (0.58, 0.62)]

HONEST = Exercise(
    "06.3",
    "An honest number",
    solution=honest,
    cases=[
        ([CLIMBING, EARLY],),
        Case(([CLIMBING, TIED, EARLY],), advice="Runs may have different numbers of epochs."),
        ([TIED, EARLY[::-1]],),
    ],
    slips=slips(
        "The test split chose the epoch. Then its accuracy is no fair forecast any more.",
        lambda runs: _report([max(test for _, test in run) for run in runs]),
        "Of epochs that are equally good on validation, the test split chose: `max` compares whole "
        "pairs. Give it a `key`.",
        lambda runs: _report([max(run)[1] for run in runs]),
        "Those are the last epochs. The best one by validation is asked for.",
        lambda runs: _report([run[-1][1] for run in runs]),
        "Those are validation accuracies. They chose the epoch; report the test's.",
        lambda runs: _report([max(run)[0] for run in runs]),
        "The runs are a sample, so the standard deviation divides by n - 1, as `stdev` does.",
        lambda runs: _report([max(run, key=lambda pair: pair[0])[1] for run in runs], pstdev),
    ),
    look="One test accuracy for each run, from the epoch that validation chose. Then mean, stdev.",
    hints=(
        "Which split may choose, and which one only reports?",
        "Choose in each run one pair, by its first number.",
        "`max(run, key=...)` returns the first of equals. The key is a function of a pair.",
    ),
    why="a number that was chosen by what it measures looks better than it is.",
)

EXERCISES = (LOOP, RUNS, HONEST)

PREDICTIONS = (
    Prediction(
        "06.a",
        "What is the cross-entropy of a network of ten classes that has learnt nothing yet?",
        tolerance=0.3,
        least=0,
        most=100,
    ),
    Prediction(
        "06.b",
        "Beside the weights, which of these must a checkpoint hold?",
        choices=("gradients", "training images", "optimiser"),
    ),
    Prediction(
        "06.c",
        "Killed after epoch 2 and resumed: does it end with the weights of the undisturbed run?",
        choices=("to the bit", "nearly", "no"),
    ),
    Prediction(
        "06.d",
        "Training accuracy climbs all the way. What does validation do from epoch 11 to 15?",
        choices=("climbs too", "stands still", "falls"),
    ),
    Prediction(
        "06.e",
        "A test accuracy of 0.7571 was published. How many of our three seeds reach it?",
        least=0,
        most=3,
    ),
)
