"""Answers to the exercises of notebook 06: wrong ones that no slip makes, and right ones."""

import torch
from torch import nn
from torch.nn import functional as F

from googlenet_lib.course.nb06.exercises import LEFT_OUT, accuracy, normalise, total_loss

NEEDED = {*LEFT_OUT}


def all_in_one(batches):
    logits, labels = (torch.cat(one) for one in zip(*batches, strict=True))
    return (logits.argmax(1) == labels).float().mean().item()


def loss_by(criterion):
    def total_loss(outputs, labels, weight=0.3):
        parts = ((1, outputs.logits), (weight, outputs.aux_logits1), (weight, outputs.aux_logits2))
        return sum(part * criterion(z, labels) for part, z in parts if z is not None)

    return total_loss


def step_of(*parts, criterion=F.cross_entropy):
    """A training step that does these parts in this order, by name or by a function."""

    def train_step(network, images, labels, optimiser):
        loss = None
        for part in parts:
            if part == "train":
                network.train()
            elif part == "forward":
                loss = criterion(network(images), labels)
            elif part == "clear":
                optimiser.zero_grad()
            elif part == "backward":
                loss.backward(retain_graph=True)
            elif part == "step":
                optimiser.step()
            else:
                part(network, optimiser)
        return loss.item()

    return train_step


SUM = nn.CrossEntropyLoss(reduction="sum")
BEFORE = ("train", "forward", "clear", "backward")


def clip(network, optimiser):
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)


def loss_of_afterwards(network, images, labels, optimiser):
    step_of(*BEFORE, "step")(network, images, labels, optimiser)
    return F.cross_entropy(network.linear(images), labels).item()


def one_mean_after_another(batches):
    return sum(accuracy([batch]) * len(batch[1]) for batch in batches) / sum(
        len(labels) for _, labels in batches
    )


def by_sign(batches):
    return accuracy([((logits > 0).float(), labels) for logits, labels in batches])


def with_a_closure(network, images, labels, optimiser):
    def closure():
        optimiser.zero_grad()
        loss = F.cross_entropy(network(images), labels)
        loss.backward()
        return loss

    network.train()
    return optimiser.step(closure).item()


def closure_and_step(network, images, labels, optimiser):
    loss = with_a_closure(network, images, labels, optimiser)
    with_a_closure(network, images, labels, optimiser)
    return loss


def first_above(history):
    return next((r["epoch"] for r in history if r["val_accuracy"] > 0.7), history[0]["epoch"])


def without_view(images, mean, std):
    columns = (torch.as_tensor(n, dtype=torch.float32)[:, None, None] for n in (mean, std))
    mean, std = columns
    return images.float().div(255).sub(mean).div(std)


def loops(history):
    epoch, highest = 0, -1.0
    for record in history:
        if record["val_accuracy"] > highest:
            epoch, highest = record["epoch"], record["val_accuracy"]
    return epoch


WRONG = (
    ("06.1", by_sign, "largest logit"),
    ("06.1", one_mean_after_another, "A batch may be empty"),
    ("06.2", lambda images, *args: normalise(images, (0.49, 0.48, 0.45), args[1]), "off by up to"),
    ("06.3", lambda outputs, labels, weight=0.4: total_loss(outputs, labels, weight), "none is gi"),
    ("06.4", step_of("forward", "clear", "backward", "step"), "in evaluation mode while it train"),
    ("06.4", step_of("train", "forward", "backward", "step"), "`backward` adds to what it finds"),
    ("06.4", step_of("train", "forward", "clear", "step"), "no gradient was computed"),
    ("06.4", step_of(*BEFORE), "gradients were computed, and"),
    ("06.4", step_of("train", "forward", "backward", "clear", "step"), "which then had none"),
    ("06.4", step_of("train", "forward", "clear", "step", "backward"), "before `backward` had"),
    ("06.4", step_of(*BEFORE, "step", "step"), "stepped twice"),
    ("06.4", step_of(*BEFORE, "backward", "step"), "`backward` ran twice"),
    ("06.4", step_of(*BEFORE, clip, "step"), "Change neither logits nor gradients"),
    ("06.4", step_of(*BEFORE, "step", criterion=SUM), "gradients of the mean cross-entropy"),
    ("06.4", loss_of_afterwards, "the loss that it returned is another one"),
    ("06.4", closure_and_step, "the network was called twice"),
    ("06.5", first_above, "Walk through val_accuracy"),
    ("06.6", NEEDED - {"optimiser"}, "what Adam remembers"),
    ("06.6", NEEDED - {"random generators"}, "drawn anew"),
    ("06.6", set(), "the network would begin anew"),
    ("06.6", ["weights", *NEEDED - {"history"}], "the curves would begin in the middle"),
    ("06.6", NEEDED - {"rate schedule"}, "at the rate of the first"),
    ("06.6", NEEDED | {"gradients"}, '"gradients" need not be saved: the next step clears them'),
    ("06.6", [*NEEDED, "training pictures"], "read from the data again"),
    ("06.6", NEEDED | {"model"}, "'model' is not among those offered"),
    ("06.6", "weights", "expected is a set of texts"),
    ("06.6", dict.fromkeys(NEEDED, True), "expected is a set of texts"),
    ("06.6", [[*NEEDED]], "is not among those offered"),
)

RIGHT = (
    ("06.1", all_in_one),
    ("06.2", without_view),
    ("06.3", loss_by(nn.CrossEntropyLoss())),
    ("06.4", step_of(*BEFORE, "step")),
    ("06.4", step_of("clear", "train", "forward", "backward", "step")),
    ("06.4", step_of("train", "forward", "backward", "step", "clear")),
    ("06.4", with_a_closure),
    ("06.4", step_of(*BEFORE, "step", lambda network, _: network.eval())),
    ("06.5", loops),
    ("06.6", NEEDED),
    ("06.6", [*NEEDED]),
    ("06.6", (*NEEDED, "weights")),
    ("06.6", dict.fromkeys(NEEDED).keys()),
)
