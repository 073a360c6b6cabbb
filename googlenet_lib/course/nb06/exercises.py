"""Exercises of notebook 06: honest figures, the loss, one step, the best epoch, a checkpoint."""

from collections import defaultdict
from collections.abc import Callable, Set
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit.checking import call
from googlenet_lib.course.kit.comparing import describe, difference
from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, Wrong, slips
from googlenet_lib.course.kit.losses import (
    criterion_slips,
    same_gradients,
    some_outputs,
    weighted_loss,
)
from googlenet_lib.network.googlenet import GoogLeNetOutput

# ---- 06.1 ----------------------------------------------------------------------------------------

Pairs = list[tuple[Tensor, Tensor]]


def _hits(logits: Tensor, labels: Tensor) -> int:
    return int((logits.argmax(1) == labels).sum())


def accuracy(batches: Pairs) -> float:
    """The share of pictures of all batches whose largest logit is that of their label."""
    return sum(_hits(*batch) for batch in batches) / sum(len(labels) for _, labels in batches)


def _shares(batches: Pairs) -> list[float]:
    return [_hits(*batch) / len(batch[1]) for batch in batches]


def _batches(*counts: tuple[int, int], classes: int = 7) -> Pairs:
    """Batches with (right, all) pictures each. Neither signs nor sizes of logits tell a class."""
    batches = []
    for right, count in counts:
        rows = torch.arange(count)
        labels = rows % classes
        said = (labels + (rows >= right)) % classes  # all from `right` on are off by one
        second, least = ((said + step) % classes for step in (-1, 2))
        first, second, least = (F.one_hot(one, classes) for one in (said, second, least))
        logits = 3.0 * first + second - 9.0 * least
        batches.append((logits + 2.0 * (rows[:, None] % 5) - 6.0, labels))
    return batches


ACCURACY = Exercise(
    "06.1",
    "Accuracy over batches of different length",
    solution=accuracy,
    cases=[
        Case((_batches((2, 2), (3, 3)),), "batches of 2 and 3 with all right"),
        Case(
            (_batches((1, 3), (4, 5), (0, 2), (3, 4)),),
            "batches of 3, 5, 2 and 4 with 1, 4, 0 and 3 right",
        ),
        Case(
            (_batches((8, 8), (1, 3), (0, 1), classes=9),),
            "batches of 8, 3 and 1 with 8, 1 and 0 right",
        ),
        Case((_batches((0, 3)),), "one batch of 3 with none right"),
        Case(
            (_batches((2, 3), (0, 0)),),
            "batches of 3 and 0 with 2 and 0 right",
            "A batch may be empty: divide once, by the number of all pictures.",
        ),
    ],
    slips=slips(
        "That is the mean of the batches, in which a picture of the short one counts more. Divide "
        "once, at the end.",
        lambda batches: sum(_shares(batches)) / len(batches),
        "That is how many are right. Of how many?",
        lambda batches: sum(_hits(*batch) for batch in batches),
        "Shares of batches were added up, which can give more than 1.",
        lambda batches: sum(_shares(batches)),
        "That is the last batch alone. What has to be kept from one batch to the next?",
        lambda batches: accuracy(batches[-1:]),
        "That is the first batch alone. Is the `return` inside the loop?",
        lambda batches: accuracy(batches[:1]),
        "Hits were divided by the number of batches. Count pictures.",
        lambda batches: sum(_hits(*batch) for batch in batches) / len(batches),
        "That is in percent; a share is up to 1.",
        lambda batches: 100 * accuracy(batches),
        "What follows the point is gone, as after `//` or `int`. A share lies between 0 and 1.",
        lambda batches: accuracy(batches) // 1,
    ),
    look="All that are right, over all pictures. The network says the class of its largest logit: "
    "argmax over the classes, dim 1.",
    hints=(
        "Keep two numbers through the loop: how many were right, and how many there were.",
        "`(logits.argmax(1) == labels).sum().item()` counts the hits of one batch.",
        "Add to both in the loop, and divide once after it.",
    ),
    why="each picture counts the same, however the pictures fall into batches.",
)

# ---- 06.2 ----------------------------------------------------------------------------------------

Triple = tuple[float, float, float]


def normalise(
    images: Tensor, mean: Triple, std: Triple, shape: tuple[int, ...] = (1, 3, 1, 1)
) -> Tensor:
    """Bytes (N, 3, H, W) as numbers of mean 0 and spread 1 in every channel."""
    return (images / 255 - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def _statistics(images: Tensor) -> tuple[list[float], list[float]]:
    std, mean = torch.std_mean(images / 255, dim=(0, 2, 3))
    return mean.tolist(), std.tolist()


def _mean_undivided(images: Tensor, mean: Triple, std: Triple) -> Tensor:
    return normalise(images, (0.0, 0.0, 0.0), std) - torch.tensor(mean).view(1, 3, 1, 1)


def _images(*shape: int) -> Tensor:
    draw = torch.Generator().manual_seed(len(shape))
    return torch.randint(0, 200, shape, dtype=torch.uint8, generator=draw)


NORMALISED = Exercise(
    "06.2",
    "Bytes into numbers that a network likes",
    solution=normalise,
    cases=[
        (_images(3, 3, 3, 3), (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)),
        Case(
            (_images(1, 3, 4, 5), (0.1, 0.5, 0.3), (0.3, 0.2, 0.4)),
            advice="A tensor of 3 numbers meets the last dim; `.view(1, 3, 1, 1)` turns it to "
            "channels.",
        ),
    ],
    slips=slips(
        "Bytes go to 255, but mean and std belong to values from 0 to 1.",
        lambda images, mean, std: normalise(images * 255.0, mean, std),
        "The largest byte is 255, so 255 is to become 1.",
        lambda images, mean, std: normalise(images * (255 / 256), mean, std),
        "The three means met the three pictures. Which of the four dims holds the channels?",
        lambda images, mean, std: normalise(images, mean, std, (3, 1, 1, 1)),
        "The three means met the three columns. Which of the four dims holds the channels?",
        lambda images, mean, std: normalise(images, mean, std, (1, 1, 1, 3)),
        "The three means met the three rows. Which of the four dims holds the channels?",
        lambda images, mean, std: normalise(images, mean, std, (1, 1, 3, 1)),
        "The mean is gone, and the spread is as it was. What is std for?",
        lambda images, mean, std: normalise(images, mean, (1.0, 1.0, 1.0)),
        "It was multiplied by std. The spread is to become 1, whatever it was.",
        lambda images, mean, std: normalise(images, mean, tuple(1 / s for s in std)),
        "Division came first: the mean that is taken off was never divided. Mind the brackets.",
        _mean_undivided,
        "Nothing but 0 and 1 was left of the bytes: `//` drops what is after the point.",
        lambda images, mean, std: normalise(images // 255, mean, std),
        "`mean` and `std` have changed places.",
        lambda images, mean, std: normalise(images, std, mean),
        "Those are the mean and the spread of these images. Use `mean` and `std`: a picture is to "
        "look the same whatever comes with it.",
        lambda images, mean, std: normalise(images, *_statistics(images)),
    ),
    look="Values from 0 to 1 first, then the mean off, then the spread: in this order.",
    hints=(
        "`images / 255` makes float32 of uint8, from 0 to 1.",
        "`torch.tensor(mean)` has shape (3,). It has to meet dim 1 of (N, 3, H, W).",
        "`.view(1, 3, 1, 1)` does that, for the mean as for std. Subtract, then divide.",
    ),
    why="a network must be fed at test as it was in training: the same mean, std and order.",
)

# ---- 06.3 ----------------------------------------------------------------------------------------

BOTH, LABELS = some_outputs(6, 10)
OTHERS, THEIR_LABELS = some_outputs(9, 7)
NO_HEADS = GoogLeNetOutput(BOTH.logits, None, None)
NONE_TOLD = "A head may be None: ask `is not None` before you take its loss."
ONE_NONE, OTHER_NONE = (BOTH._replace(**{f"aux_logits{n}": None}) for n in (1, 2))
LOSS_CASES = [
    Case((BOTH, LABELS), "outputs of both heads, labels"),
    Case((OTHERS, THEIR_LABELS, 0.4), "outputs of both heads, labels, weight=0.4"),
    Case((NO_HEADS, LABELS), "outputs with both heads None, labels", NONE_TOLD),
    Case((ONE_NONE, LABELS), "outputs with aux_logits1 None, labels", NONE_TOLD),
    Case((OTHER_NONE, LABELS), "outputs with aux_logits2 None, labels", NONE_TOLD),
]


def total_loss(
    outputs: GoogLeNetOutput, labels: Tensor, weight: float = 0.3, **options: Any
) -> Tensor:
    """The main loss in full, and that of each head that is there times `weight`."""
    return weighted_loss(outputs, labels, (weight, weight), **options)


def _without(*heads: str) -> Callable[..., Tensor]:
    """The loss that leaves out the heads of these names."""
    return lambda outputs, labels, weight=0.3: total_loss(
        outputs._replace(**dict.fromkeys(heads)), labels, weight
    )


def _of_both_or_none(outputs: GoogLeNetOutput, labels: Tensor, weight: float = 0.3) -> Tensor:
    if None in (outputs.aux_logits1, outputs.aux_logits2):
        outputs = GoogLeNetOutput(outputs.logits, None, None)
    return total_loss(outputs, labels, weight)


LOSS = Exercise(
    "06.3",
    "The loss where a head may be missing",
    solution=total_loss,
    cases=LOSS_CASES,
    test=same_gradients(total_loss, LOSS_CASES),
    slips=slips(
        "All losses count in full. What are the heads' ones weighted with?",
        lambda outputs, labels, weight=0.3: total_loss(outputs, labels, 1.0),
        "The weight is on the main loss as well. It belongs to the heads alone.",
        lambda outputs, labels, weight=0.3: weight * total_loss(outputs, labels, 1.0),
        "The heads are not in it. Without them they would never learn.",
        _without("aux_logits1", "aux_logits2"),
        "The heads' losses were averaged. Each of them counts `weight` times.",
        lambda outputs, labels, weight=0.3: total_loss(outputs, labels, weight / 2),
        "One head is None, and the other was left out with it. Ask for each by itself.",
        _of_both_or_none,
        "It is 0.3 whatever `weight` says. Use the argument.",
        lambda outputs, labels, weight=0.3: total_loss(outputs, labels, 0.3),
        "Only one head is in it, and there are two.",
        *(_without("aux_logits1"), _without("aux_logits2")),
    )
    | criterion_slips(total_loss),
    look="Main loss in full, each head's times `weight`, which is 0.3 where none is given: a sum.",
    hints=(
        "Begin with the main loss: `F.cross_entropy(outputs.logits, labels)`.",
        "Go over `(outputs.aux_logits1, outputs.aux_logits2)` in a loop.",
        "For each that `is not None`, add its cross-entropy times `weight`.",
    ),
    why="one loss serves networks with heads and without, so that nothing else need know of them.",
)

# ---- 06.4 ----------------------------------------------------------------------------------------


class Network(nn.Module):
    """A tiny classifier that writes down what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(4), nn.Linear(4, 3)
        with torch.no_grad():  # large weights make large gradients: clipping them shows
            self.linear.weight.copy_(3 * torch.arange(12.0).view(3, 4).sin())
            self.linear.bias.zero_()
        self.log: list[str] = []
        self.linear.weight.register_hook(lambda _gradient: self.log.append("backward"))

    def forward(self, x: Tensor) -> Tensor:
        trains = all(module.training for module in self.modules())
        self.log.append("trains" if trains else "evaluates")
        return self.linear(self.norm(x))


class SGD(torch.optim.Optimizer):
    """With momentum, and it writes down whether a step found gradients.

    (It makes no torch.optim.SGD, which imports torch's compiler when it is made, for seconds.)
    """

    def __init__(self, network: Network) -> None:
        self.log, self.state, self.defaults = network.log, defaultdict(dict), {}
        self.param_groups = [{"params": [*network.parameters()], "lr": 0.5, "momentum": 0.9}]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for weight in self.param_groups[0]["params"]:
            if weight.grad is not None:
                weight.grad = None if set_to_none else torch.zeros_like(weight)

    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            self.log.append("step" if self._move() else "step without gradients")
        return loss

    def _move(self) -> bool:
        """Whether there were gradients to move by."""
        group, found = self.param_groups[0], False
        for weight in group["params"]:
            if weight.grad is not None:
                found = found or bool(weight.grad.any())
                speed = self.state[weight].setdefault("momentum_buffer", torch.zeros_like(weight))
                weight -= group["lr"] * speed.mul_(group["momentum"]).add_(weight.grad)
        return found


def _step(network: Any, images: Tensor, labels: Tensor, optimiser: Any) -> float:
    optimiser.zero_grad()
    return _step_on_top(network, images, labels, optimiser)


def _step_on_top(network: Any, images: Tensor, labels: Tensor, optimiser: Any) -> float:
    network.train()
    loss = F.cross_entropy(network(images), labels)
    loss.backward()
    optimiser.step()
    return loss.item()


def _two_steps(train_step: Any) -> tuple[Network, list[float]]:
    """A network after two steps on two batches, and their losses."""
    network = Network()
    optimiser, losses = SGD(network), []
    draw = torch.Generator().manual_seed(1)
    for labels, mode in ((torch.tensor([0, 1, 2, 1, 0]), False), (torch.tensor([2, 2, 1]), True)):
        images = torch.randn(len(labels), 4, generator=draw)
        network.train(mode)
        network.log.clear()
        losses.append(train_step(network, images, labels, optimiser))
        _check_log(network.log, losses[-1])
    return network, losses


def _check_log(log: list[str], loss: Any) -> None:
    calls, backwards, steps = (
        sum(entry in names for entry in log)
        for names in (("trains", "evaluates"), ("backward",), ("step", "step without gradients"))
    )
    if "evaluates" in log:
        raise Wrong(
            "the network, or a layer of it, was in evaluation mode while it trained: dropout was "
            "off, and BatchNorm learnt no statistics. `network.train()` sets all layers, in "
            "whichever mode they came"
        )
    if calls != 1:
        raise Wrong(f"the network was called {_times(calls)}; one step calls it once")
    if not backwards:
        raise Wrong("no gradient was computed: the weights do not know where to go")
    if not steps:
        raise Wrong("gradients were computed, and `optimiser` never took its step")
    if "step without gradients" in log:
        early = log.index("step without gradients") < log.index("backward")
        raise Wrong(
            "the optimiser stepped before `backward` had computed this batch's gradients"
            if early
            else "gradients were cleared between `backward` and `step`, which then had none"
        )
    if log.index("step") < log.index("backward"):
        raise Wrong("the optimiser stepped before `backward` had computed this batch's gradients")
    if backwards > 1:
        raise Wrong(f"`backward` ran {_times(backwards)}, and gradients add up: once is enough")
    if steps > 1:
        raise Wrong(f"the optimiser stepped {_times(steps)}; one step was asked for")
    if (found := difference(loss, 1.0)) not in (None, ""):
        raise Wrong(f"it returned {describe(loss)}. {found}")


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _test_step(answer: Any) -> None:
    def step(*args: Any) -> Any:
        return call(answer, *args, told="network, images, labels, optimiser")

    network, losses = _two_steps(step)
    right, expected = _two_steps(_step)
    added, _ = _two_steps(_step_on_top)
    weights = [n.linear.weight.detach() for n in (network, right, added)]
    if torch.allclose(weights[0], weights[2]):
        raise Wrong(
            "the first step is right. In the second the first batch's gradients were still there: "
            "`backward` adds to what it finds"
        )
    if not torch.allclose(weights[0], weights[1], rtol=1e-4, atol=1e-6):
        raise Wrong(
            "after two steps the weights are not where the gradients of the mean cross-entropy of "
            "these logits take them. Change neither logits nor gradients nor the rate"
        )
    if difference(losses, expected) is not None:
        raise Wrong(
            "the weights are right, but the loss that it returned is another one than that whose "
            "gradient was taken: the mean over the batch, before the step"
        )


STEP = Exercise(
    "06.4",
    "One training step",
    test=_test_step,
    hints=(
        "Seven things: training mode, forward, loss, clear, backward, step, return.",
        "`backward` adds to the gradients that are there, so they are cleared before it.",
        "`loss.backward()` comes before `optimiser.step()`, with nothing between them.",
        "Return `loss.item()`: a tensor would keep the whole graph of the batch alive.",
    ),
    why="all training is this, over and over; what notebook 07 adds stands around it.",
)

# ---- 06.5 ----------------------------------------------------------------------------------------

Record = dict[str, float]


def _best(
    history: list[Record], score: Callable[[Record], float] = lambda record: record["val_accuracy"]
) -> Record:
    return max(history, key=score)


def _history(*records: tuple[int, float, float, float]) -> Case:
    """Records of epoch, training accuracy, validation accuracy and validation loss."""
    names = ("epoch", "train_accuracy", "val_accuracy", "val_loss_main")
    epochs, accuracies = (" ".join(f"{record[place]:g}" for record in records) for place in (0, 2))
    history = [dict(zip(names, record, strict=True)) for record in records]
    return Case((history,), f"epochs {epochs} with val_accuracy {accuracies}")


def _place(history: list[Record]) -> int:
    return history.index(_best(history))


def _first_peak(history: list[Record]) -> float:
    for record, following in pairwise(history):
        if following["val_accuracy"] <= record["val_accuracy"]:
            return record["epoch"]
    return history[-1]["epoch"]


BEST_EPOCH = Exercise(
    "06.5",
    "The best epoch",
    solution=lambda history: _best(history)["epoch"],
    cases=[
        _history(
            (21, 0.40, 0.502, 1.4),
            (22, 0.60, 0.722, 1.0),
            (23, 0.70, 0.741, 0.9),
            (24, 0.80, 0.698, 0.8),
            (26, 0.83, 0.713, 0.85),
            (28, 0.85, 0.814, 0.9),
            (29, 0.99, 0.802, 1.0),
            (31, 0.95, 0.814, 1.1),
            (32, 0.97, 0.788, 1.2),
        ),
        _history(
            (1, 0.3, 0.31, 2.0), (2, 0.4, 0.36, 2.1), (4, 0.5, 0.42, 1.9), (5, 0.6, 0.44, 1.8)
        ),
        _history((3, 0.5, 0.6, 1.1), (4, 0.6, 0.5, 1.0)),
        _history((7, 0.5, 0.2, 1.1)),
    ],
    slips=slips(
        "Of equals that is the last, not the first.",
        lambda history: _best(history[::-1])["epoch"],
        "That is a place in the list, and no epoch: a history may begin later than 1, and epochs "
        "may be missing. The record says its `epoch`.",
        _place,
        lambda history: _place(history) + 1,
        lambda history: history[0]["epoch"] + _place(history),
        "That is one less than its `epoch`. Return that number as it is.",
        lambda history: _best(history)["epoch"] - 1,
        "By the training accuracy the last epoch nearly always wins. Which one was not trained "
        "for?",
        lambda history: _best(history, lambda record: record["train_accuracy"])["epoch"],
        "That one has the lowest loss. Asked is the highest accuracy; they need not agree.",
        lambda history: _best(history, lambda record: -record["val_loss_main"])["epoch"],
        "That is the accuracy. In which epoch was it reached?",
        lambda history: _best(history)["val_accuracy"],
        "That is the last epoch, however good it is.",
        lambda history: history[-1]["epoch"],
        "That is how many epochs there are.",
        len,
        "That is where the accuracy stops rising for the first time. Later it rises higher: look "
        "at all epochs.",
        _first_peak,
        "The last epoch was not looked at.",
        lambda history: _best(history[:-1])["epoch"],
        "That one has the lowest accuracy.",
        lambda history: _best(history, lambda record: -record["val_accuracy"])["epoch"],
        'That is its whole record. Which number in it says "epoch"?',
        _best,
    ),
    look="Walk through val_accuracy from the first epoch on.",
    hints=(
        'A record is a dict: `record["val_accuracy"]` decides, `record["epoch"]` is wanted.',
        "`max(history, key=...)` gives the record for which the key is highest.",
        "Of equals `max` keeps the first. In a loop of your own that takes `>`, and not `>=`.",
    ),
    why="the first of equals had trained least; validation chose it, and the test had no say.",
)

# ---- 06.6 ----------------------------------------------------------------------------------------

# What is offered, and what to say where it was left out (needed) or put in (not needed).
LEFT_OUT = {
    "weights": "the network would begin anew",
    "optimiser": "what Adam remembers of the gradients so far would be lost",
    "rate schedule": "the next epoch would run at the rate of the first",
    "random generators": "dropout and the order of pictures would be drawn anew",
    "history": "the curves would begin in the middle, and the best epoch would be forgotten",
}
PUT_IN = {
    "gradients": "the next step clears them before it uses any",
    "training pictures": "they are read from the data again",
    "last batch's loss": "nothing that comes next depends on it",
    "device": "a run may go on elsewhere, on a machine that has another one",
}


def _test_checkpoint(answer: Any) -> None:
    offered = (*LEFT_OUT, *PUT_IN)
    if not isinstance(answer, list | tuple | Set):
        raise Wrong(f'{describe(answer)} came; expected is a set of texts, such as {{"weights"}}')
    unknown = [item for item in answer if item not in offered]
    if unknown:
        raise Wrong(
            f"{describe(unknown[0])} is not among those offered: {', '.join(sorted(offered))}"
        )
    for item, because in PUT_IN.items():
        if item in answer:
            raise Wrong(f'"{item}" need not be saved: {because}')
    missing = [because for item, because in LEFT_OUT.items() if item not in answer]
    if missing:
        raise Wrong(f"a run that is resumed from this would be another one: {missing[0]}")


CHECKPOINT = Exercise(
    "06.6",
    "What a checkpoint must hold",
    kind="value",
    test=_test_checkpoint,
    hints=(
        "Ask of each: if it were lost, would the next step end in other bits?",
        "Five of the nine are needed. Section 6 counts them up.",
        "What can be read or computed again, or is cleared before it is used, stays out.",
    ),
    why="with these the resumed run is the run that was left alone, to the bit.",
)

EXERCISES = (ACCURACY, NORMALISED, LOSS, STEP, BEST_EPOCH, CHECKPOINT)

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
        "Killed after epoch 2 and resumed: does it end with the weights of the run left alone?",
        choices=("to the bit", "nearly", "no"),
    ),
    Prediction(
        "06.c",
        "Training accuracy climbs all the way. What does validation accuracy do in the end?",
        choices=("climbs too", "stands still", "falls"),
    ),
    Prediction(
        "06.d",
        "Published is a test accuracy of 0.7571. Where does the recorded run end?",
        choices=("above", "below"),
    ),
)
