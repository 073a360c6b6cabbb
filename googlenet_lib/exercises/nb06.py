"""Exercises of notebook 06: honest figures, the loss, one step, the best epoch, a checkpoint."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.exercises.comparing import describe, difference
from googlenet_lib.exercises.exercise import Exercise, Prediction, Wrong
from googlenet_lib.exercises.tools import Case, Slip, call, same_as
from googlenet_lib.model import GoogLeNetOutput

# ---- 06.1 Accuracy -------------------------------------------------------------------------------

Pairs = list[tuple[Tensor, Tensor]]


def _hits(logits: Tensor, labels: Tensor) -> int:
    return int((logits.argmax(1) == labels).sum())


def _accuracy(batches: Pairs) -> float:
    return sum(_hits(*batch) for batch in batches) / sum(len(labels) for _, labels in batches)


def _batches(*counts: tuple[int, int]) -> Pairs:
    """Batches with (right, all) pictures each, of seven classes."""
    batches = []
    for right, count in counts:
        labels = torch.arange(count) % 7
        said = (labels + (torch.arange(count) >= right)) % 7  # all from `right` on are off by one
        batches.append((F.one_hot(said, 7) * 3.0 - 1.5, labels))
    return batches


def _test_accuracy(answer: Any) -> None:
    slips = (
        Slip(
            lambda batches: sum(_hits(*b) / len(b[1]) for b in batches) / len(batches),
            "That is the mean of the batches, in which a picture of the short one counts more. "
            "Divide once, at the end.",
        ),
        Slip(
            lambda batches: sum(_hits(*batch) for batch in batches),
            "That is how many are right. Of how many?",
        ),
        Slip(
            lambda batches: sum(_hits(*b) / len(b[1]) for b in batches),
            "Shares of batches were added up, which can give more than 1.",
        ),
        Slip(
            lambda batches: _accuracy(batches[-1:]),
            "That is the last batch alone. What has to be kept from one batch to the next?",
        ),
        Slip(
            lambda batches: _accuracy(batches[:1]),
            "That is the first batch alone. Is the `return` inside the loop?",
        ),
        Slip(
            lambda batches: sum(_hits(*b) for b in batches) / len(batches),
            "Hits were divided by the number of batches. Count pictures.",
        ),
        Slip(lambda batches: 100 * _accuracy(batches), "That is in percent; a share is up to 1."),
    )
    cases = [
        Case((_batches((3, 4), (3, 4), (0, 2)),), "batches of 4, 4 and 2 with 3, 3 and 0 right"),
        Case((_batches((5, 8), (1, 1)),), "batches of 8 and 1 with 5 and 1 right"),
        Case((_batches((0, 3)),), "one batch of 3 with none right"),
    ]
    look = "The network says the class of its largest logit: argmax over the classes, dim 1."
    same_as(answer, _accuracy, cases, slips, look)


# ---- 06.2 Normalising ----------------------------------------------------------------------------


def _normalise(images: Tensor, mean: tuple, std: tuple, shape: tuple = (1, 3, 1, 1)) -> Tensor:
    return (images / 255 - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def _test_normalise(answer: Any) -> None:
    slips = (
        Slip(
            lambda images, mean, std: _normalise(images * 255.0, mean, std),
            "Bytes go to 255, but mean and std belong to values from 0 to 1.",
        ),
        Slip(
            lambda images, mean, std: _normalise(images, mean, std, (1, 1, 1, 3)),
            "The three means met the three columns. Which of the four dims holds the channels?",
        ),
        Slip(
            lambda images, mean, std: _normalise(images, mean, std, (1, 1, 3, 1)),
            "The three means met the three rows. Which of the four dims holds the channels?",
        ),
        Slip(
            lambda images, mean, std: _normalise(images, mean, (1.0, 1.0, 1.0)),
            "The mean is gone, and the spread is as it was. What is std for?",
        ),
        Slip(
            lambda images, mean, std: _normalise(images, mean, tuple(1 / s for s in std)),
            "It was multiplied by std. The spread is to become 1, whatever it was.",
        ),
        Slip(
            lambda images, mean, std: (
                _normalise(images, (0.0, 0.0, 0.0), std) - torch.tensor(mean).view(1, 3, 1, 1)
            ),
            "Division came first: the mean that is taken off was never divided. Mind the brackets.",
        ),
        Slip(
            lambda images, mean, std: _normalise(images // 255, mean, std),
            "Nothing but 0 and 1 was left of the bytes: `//` drops what is behind the point.",
        ),
    )
    statistics = ((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
    draw = torch.Generator().manual_seed(0)
    square, wide = (
        torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw)
        for shape in ((2, 3, 3, 3), (1, 3, 4, 5))
    )
    advice = "A tensor of 3 numbers meets the last dim; `.view(1, 3, 1, 1)` turns it to channels."
    cases = [Case((square, *statistics)), Case((wide, *statistics), advice=advice)]
    look = "Values from 0 to 1 first, then the mean off, then the spread: in this order."
    same_as(answer, _normalise, cases, slips, look)


# ---- 06.3 The loss of three outputs --------------------------------------------------------------


def _loss(outputs: GoogLeNetOutput, labels: Tensor, weight: float = 0.3) -> Tensor:
    heads = [h for h in (outputs.aux_logits1, outputs.aux_logits2) if h is not None]
    aux = sum(F.cross_entropy(head, labels) for head in heads)
    return F.cross_entropy(outputs.logits, labels) + weight * aux


def _loss_of_both_or_none(outputs: GoogLeNetOutput, labels: Tensor, weight: float = 0.3) -> Tensor:
    if outputs.aux_logits1 is None or outputs.aux_logits2 is None:
        outputs = GoogLeNetOutput(outputs.logits, None, None)
    return _loss(outputs, labels, weight)


def _test_loss(answer: Any) -> None:
    slips = (
        Slip(
            lambda outputs, labels, weight=0.3: _loss(outputs, labels, 1.0),
            "All losses count in full. What are the heads' ones weighted with?",
        ),
        Slip(
            lambda outputs, labels, weight=0.3: (
                weight * _loss(outputs, labels, 1.0)  # the bracket also holds the main loss
            ),
            "The weight is on the main loss as well. It belongs to the heads alone.",
        ),
        Slip(
            lambda outputs, labels, weight=0.3: F.cross_entropy(outputs.logits, labels),
            "The heads are not in it. Without them they would never learn.",
        ),
        Slip(
            _loss_of_both_or_none,
            "One head is None, and the other was left out with it. Ask for each by itself.",
        ),
        Slip(
            lambda outputs, labels, weight=0.3: _loss(outputs, labels, 0.3),
            "It is 0.3 whatever `weight` says. Use the argument.",
        ),
        Slip(
            lambda outputs, labels, weight=0.3: _loss(outputs._replace(aux_logits1=None), labels),
            "Only one head is in it, and there are two.",
        ),
        Slip(
            lambda outputs, labels, weight=0.3: _loss(outputs._replace(aux_logits2=None), labels),
            "Only one head is in it, and there are two.",
        ),
    )
    draw = torch.Generator().manual_seed(0)
    main, aux1, aux2 = (
        torch.randn(6, 10, generator=draw).mul_(scale).requires_grad_() for scale in (1, 2, 3)
    )
    labels = torch.arange(6)
    both, one, other, none = (
        GoogLeNetOutput(main, aux2, aux1),
        GoogLeNetOutput(main, aux2, None),
        GoogLeNetOutput(main, None, aux1),
        GoogLeNetOutput(main, None, None),
    )
    advice = "A head may be None: ask `is not None` before you take its loss."
    cases = [
        Case((both, labels), "outputs of both heads, labels"),
        Case((both, labels, 0.5), "outputs of both heads, labels, weight=0.5"),
        Case((none, labels), "outputs with both heads None, labels", advice),
        Case((one, labels), "outputs with aux_logits1 None, labels", advice),
        Case((other, labels), "outputs with aux_logits2 None, labels", advice),
    ]
    same_as(answer, _loss, cases, slips, "Main loss in full, each head's times the weight: a sum.")
    if not call(answer, both, labels, told="outputs of both heads, labels").requires_grad:
        raise Wrong(
            "the number is right, but no gradient can go back through it. Keep the tensors: no "
            "`.item()`, `.detach()`, `.data` or `no_grad` on the way"
        )


# ---- 06.4 One training step ----------------------------------------------------------------------


class _Network(nn.Module):
    """A tiny classifier that writes down what is done to it, as does its optimiser."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.log: list[str] = []
        self.linear.weight.register_hook(lambda _gradient: self.log.append("backward"))

    def forward(self, x: Tensor) -> Tensor:
        self.log.append("trains" if self.training else "evaluates")
        return self.linear(x)


class _Optimiser:
    """Plain gradient descent. (torch.optim imports its compiler on first use, for seconds.)"""

    def __init__(self, network: _Network, lr: float = 0.5) -> None:
        self.network, self.lr = network, lr
        self.param_groups = [{"params": list(network.parameters()), "lr": lr}]

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.network.log.append("zero_grad")
        self.network.zero_grad(set_to_none)

    @torch.no_grad()
    def step(self) -> None:
        self.network.log.append("step")
        for parameter in self.network.parameters():
            if parameter.grad is not None:
                parameter -= self.lr * parameter.grad


def _step(
    network: Any, images: Tensor, labels: Tensor, optimiser: Any, forget: bool = True
) -> float:
    network.train()
    loss = F.cross_entropy(network(images), labels)
    if forget:
        optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def _two_steps(train_step: Any, network: _Network, **options: Any) -> list[float]:
    """The losses of two steps on two batches, the network left as they leave it."""
    draw = torch.Generator().manual_seed(1)
    optimiser, losses = _Optimiser(network), []
    for labels in (torch.tensor([0, 1, 2, 1, 0]), torch.tensor([2, 2, 1])):
        images = torch.randn(len(labels), 4, generator=draw)
        network.eval()  # as a validation leaves it
        losses.append(train_step(network, images, labels, optimiser, **options))
        if not losses[1:] and train_step is not _step:
            _check_first_step(network, losses[0])
    return losses


def _check_first_step(network: _Network, loss: Any) -> None:
    log = network.log
    if "evaluates" in log:
        raise Wrong(
            "the network was in evaluation mode while it trained: dropout was off, and BatchNorm "
            "learnt no statistics. An evaluation before had left it so"
        )
    if log.count("trains") != 1:
        raise Wrong(f"the network was called {log.count('trains')} times; one step calls it once")
    if "backward" not in log:
        raise Wrong("no gradient was computed: the weights do not know where to go")
    if "step" not in log:
        raise Wrong("gradients were computed, and nobody moved the weights")
    if log.index("step") < log.index("backward"):
        raise Wrong("the optimiser stepped before there were gradients, or with those of yesterday")
    if "zero_grad" in log[log.index("backward") : log.index("step")]:
        raise Wrong("gradients were cleared between `backward` and `step`, which then had none")
    if (found := difference(loss, 1.0)) not in (None, ""):
        raise Wrong(f"it returned {describe(loss)}. {found}")


def _test_step(answer: Any) -> None:
    network = _Network()
    right, added = (_Network() for _ in range(2))
    for other in (right, added):
        other.load_state_dict(network.state_dict())
    expected = _two_steps(_step, right)
    _two_steps(_step, added, forget=False)

    def step(*args: Any) -> Any:
        return call(answer, *args, told="network, images, labels, optimiser")

    losses = _two_steps(step, network)
    weights = [n.linear.weight.detach() for n in (network, right, added)]
    if torch.allclose(weights[0], weights[2]):
        raise Wrong(
            "the first step is right. In the second the first batch's gradients were still there: "
            "`backward` adds to what it finds"
        )
    if not torch.allclose(weights[0], weights[1]):
        raise Wrong("after two steps the weights are not where gradient descent takes them")
    if difference(losses, expected) is not None:
        raise Wrong(
            "the weights are right, but the loss that it returned is another one than that whose "
            "gradient was taken: the mean over the batch, before the step"
        )


# ---- 06.5 The best epoch -------------------------------------------------------------------------


def _best(history: list[dict], score: Any = lambda record: record["val_accuracy"]) -> int:
    return max(history, key=score)["epoch"]


def _history(*figures: tuple[float, float, float]) -> list[dict]:
    names = ("train_accuracy", "val_accuracy", "val_loss_main")
    return [
        {"epoch": i, **dict(zip(names, f, strict=True))} for i, f in enumerate(figures, start=1)
    ]


def _test_best(answer: Any) -> None:
    slips = (
        Slip(lambda history: _best(history[::-1]), "Of equals that is the last, not the first."),
        Slip(
            lambda history: _best(history) - 1,
            "That is a place in the list, which begins at 0. Epochs begin at 1.",
        ),
        Slip(
            lambda history: _best(history, lambda record: record["train_accuracy"]),
            "By the training accuracy the last epoch nearly always wins. Which one was not trained "
            "for?",
        ),
        Slip(
            lambda history: _best(history, lambda record: -record["val_loss_main"]),
            "That one has the lowest loss. Asked is the highest accuracy; they need not agree.",
        ),
        Slip(
            lambda history: max(record["val_accuracy"] for record in history),
            "That is the accuracy. In which epoch was it reached?",
        ),
        Slip(lambda history: len(history), "That is the last epoch."),
        Slip(
            lambda history: history[_best(history) - 1],
            'That is its whole record. Which number in it says "epoch"?',
        ),
    )
    three = _history(
        *((0.4, 0.50, 1.4), (0.6, 0.66, 1.0), (0.7, 0.71, 0.9), (0.8, 0.70, 0.8)),
        *((0.9, 0.71, 0.9), (0.95, 0.69, 1.1)),
    )
    first = _history((0.5, 0.6, 1.1), (0.6, 0.5, 1.0))
    cases = [
        Case((three,), "a history of 6 epochs with val_accuracy 0.50 0.66 0.71 0.70 0.71 0.69"),
        Case((first,), "a history of 2 epochs with val_accuracy 0.6 0.5"),
    ]
    same_as(answer, _best, cases, slips, "Walk through val_accuracy from the first epoch on.")


# ---- 06.6 A checkpoint ---------------------------------------------------------------------------

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
    if isinstance(answer, str) or not isinstance(answer, list | tuple | set | frozenset):
        raise Wrong(f'{describe(answer)} came; expected is a set of texts, such as {{"weights"}}')
    unknown = [item for item in answer if item not in offered]
    if unknown:
        raise Wrong(f"{describe(unknown[0])} is not among those offered: {', '.join(offered)}")
    for item, because in PUT_IN.items():
        if item in answer:
            raise Wrong(f'"{item}" need not be saved: {because}')
    missing = [because for item, because in LEFT_OUT.items() if item not in answer]
    if missing:
        raise Wrong(f"a run resumed from {len(answer)} things would be another one: {missing[0]}")


EXERCISES = (
    Exercise(
        "06.1",
        "Accuracy over batches of different length",
        _test_accuracy,
        (
            "Keep two numbers through the loop: how many were right, and how many there were.",
            "`(logits.argmax(1) == labels).sum().item()` counts the hits of one batch.",
            "Add to both in the loop, and divide once behind it.",
        ),
        "each picture counts the same, however the pictures fall into batches.",
    ),
    Exercise(
        "06.2",
        "Bytes into numbers that a network likes",
        _test_normalise,
        (
            "`images / 255` makes float32 of uint8, from 0 to 1.",
            "`torch.tensor(mean)` has shape (3,). It has to meet dim 1 of (N, 3, H, W).",
            "`.view(1, 3, 1, 1)` does that, for the mean as for std. Subtract, then divide.",
        ),
        "a network must be fed at test as it was in training: the same mean, std and order.",
    ),
    Exercise(
        "06.3",
        "The loss where a head may be missing",
        _test_loss,
        (
            "Begin with the main loss: `F.cross_entropy(outputs.logits, labels)`.",
            "Go over `(outputs.aux_logits1, outputs.aux_logits2)` in a loop.",
            "For each that `is not None`, add its cross-entropy times `weight`.",
        ),
        "one loss serves networks with heads and without, so that nothing else need know of them.",
    ),
    Exercise(
        "06.4",
        "One training step",
        _test_step,
        (
            "Seven things: training mode, forward, loss, clear, backward, step, return.",
            "`backward` adds to the gradients that are there, so they are cleared before it.",
            "`loss.backward()` comes before `optimiser.step()`, with nothing between them.",
            "Return `loss.item()`: a tensor would keep the whole graph of the batch alive.",
        ),
        "all training is this, over and over; what notebook 07 adds stands around it.",
    ),
    Exercise(
        "06.5",
        "The best epoch",
        _test_best,
        (
            'A record is a dict: `record["val_accuracy"]` decides, `record["epoch"]` is wanted.',
            "`max(history, key=...)` gives the record for which the key is highest.",
            "Of equals `max` keeps the first. In a loop of your own that takes `>`, and not `>=`.",
        ),
        "the first of equals had trained least; validation chose it, and the test had no say.",
    ),
    Exercise(
        "06.6",
        "What a checkpoint must hold",
        _test_checkpoint,
        (
            "Ask of each: if it were lost, would the next step end in other bits?",
            "Five of the nine are needed. Section 6 counts them up.",
            "What can be read or computed again, or is cleared before it is used, stays out.",
        ),
        "with these the resumed run is the run that was left alone, to the bit.",
        kind="value",
    ),
)

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
