"""Answers to the exercises of notebook 06: wrong ones that no slip makes, and right ones."""

import torch
from torch import nn
from torch.nn import functional as F

from googlenet_lib.exercises.nb06 import LEFT_OUT

NEEDED = {*LEFT_OUT}


def hits(logits, labels):
    return (logits.argmax(1) == labels).sum().item()


def over_pictures(batches):
    right = sum((logits.argmax(0)[:1] == labels).sum().item() for logits, labels in batches)
    return right / sum(len(labels) for _, labels in batches)


def all_in_one(batches):
    logits, labels = (torch.cat(one) for one in zip(*batches, strict=True))
    return (logits.argmax(1) == labels).float().mean().item()


def by_sign(batches):
    hot = [((z > 0) == F.one_hot(y, z.shape[1]).bool()).all(1).sum().item() for z, y in batches]
    return sum(hot) / sum(len(labels) for _, labels in batches)


def weighted_means(batches):
    pictures = sum(len(labels) for _, labels in batches)
    return sum(hits(*batch) / len(batch[1]) * len(batch[1]) / pictures for batch in batches)


def channels(numbers):
    return torch.tensor(numbers).view(1, 3, 1, 1)


def not_viewed(images, mean, std):
    return (images / 255 - torch.tensor(mean)) / torch.tensor(std)


def viewed_only_if_square(images, mean, std):
    if images.shape[2] == images.shape[3]:
        return right_normalise(images, mean, std)
    return not_viewed(images, mean, std)


def right_normalise(images, mean, std):
    return (images / 255 - channels(mean)) / channels(std)


def head_losses(outputs, labels):
    heads = [h for h in (outputs.aux_logits1, outputs.aux_logits2) if h is not None]
    return sum(F.cross_entropy(head, labels) for head in heads)


def main_loss(outputs, labels):
    return F.cross_entropy(outputs.logits, labels)


def of_cifar10(images, mean, std):
    return right_normalise(images, (0.49, 0.48, 0.45), (0.25, 0.24, 0.26))


def loss_by(criterion):
    def total_loss(outputs, labels, weight=0.3):
        parts = ((1, outputs.logits), (weight, outputs.aux_logits1), (weight, outputs.aux_logits2))
        return sum(part * criterion(z, labels) for part, z in parts if z is not None)

    return total_loss


def other_default(outputs, labels, weight=0.4):
    return main_loss(outputs, labels) + weight * head_losses(outputs, labels)


def step_without(*forgotten, order=("train", "forward", "clear", "backward", "step")):
    """A training step that forgets some of its parts, or takes them in another order."""

    def train_step(network, images, labels, optimiser):
        loss = None
        for part in order:
            if part in forgotten:
                continue
            if part == "train":
                network.train()
            elif part == "forward":
                loss = F.cross_entropy(network(images), labels)
            elif part == "clear":
                optimiser.zero_grad()
            elif part == "backward":
                loss.backward()
            else:
                optimiser.step()
        return loss.item()

    return train_step


def step_by(prepare=lambda network: None, between=lambda *_: None, after=lambda *_: None):
    """A right step, but for what comes first, before the optimiser's step and behind it."""

    def train_step(network, images, labels, optimiser):
        prepare(network)
        loss = F.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward(retain_graph=True)
        between(network, optimiser, loss)
        optimiser.step()
        after(network, optimiser, loss)
        return loss.item()

    return train_step


def toggle(network):
    network.train(not network.training)


def set_the_flag_alone(network):
    network.training = True


def clear_to_zeros(network, optimiser, loss):
    optimiser.zero_grad(set_to_none=False)


def clip(network, optimiser, loss):
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)


def by_hand(network, images, labels, optimiser):
    network.train()
    network.zero_grad()
    loss = F.cross_entropy(network(images), labels)
    loss.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= optimiser.param_groups[0]["lr"] * parameter.grad
    return loss.item()


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


def loss_of_afterwards(network, images, labels, optimiser):
    step_without()(network, images, labels, optimiser)
    return F.cross_entropy(network.linear(images), labels).item()


def summed(network, images, labels, optimiser):
    network.train()
    loss = F.cross_entropy(network(images), labels, reduction="sum")
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def first_above(history):
    return next((r["epoch"] for r in history if r["val_accuracy"] > 0.7), history[0]["epoch"])


CLEAR_LATE = ("train", "forward", "backward", "clear", "step")
STEP_EARLY = ("train", "forward", "clear", "step", "backward")


def without_view(images, mean, std):
    columns = (torch.as_tensor(n, dtype=torch.float32)[:, None, None] for n in (mean, std))
    mean, std = columns
    return images.float().div(255).sub(mean).div(std)


def clears_afterwards(network, images, labels, optimiser):
    network.train()
    loss = nn.CrossEntropyLoss()(network(images), labels)
    loss.backward()
    optimiser.step()
    network.zero_grad()
    return loss.item()


def loops(history):
    epoch, highest = 0, -1.0
    for record in history:
        if record["val_accuracy"] > highest:
            epoch, highest = record["epoch"], record["val_accuracy"]
    return epoch


WRONG = (
    ("06.1", over_pictures, "argmax over the classes"),
    ("06.1", by_sign, "largest logit"),
    ("06.1", weighted_means, "A batch may be empty"),
    ("06.2", viewed_only_if_square, "turns it to channels"),
    ("06.2", of_cifar10, "off by up to"),
    ("06.3", other_default, "0.3 where none is given"),
    ("06.4", step_without("train"), "in evaluation mode while it trained"),
    ("06.4", step_without("clear"), "`backward` adds to what it finds"),
    ("06.4", step_without("backward"), "no gradient was computed"),
    ("06.4", step_without("step"), "gradients were computed, and"),
    ("06.4", step_without(order=CLEAR_LATE), "which then had none"),
    ("06.4", step_without(order=STEP_EARLY), "stepped before `backward` had"),
    ("06.4", loss_of_afterwards, "the loss that it returned is another one"),
    ("06.4", summed, "gradients of the mean cross-entropy"),
    ("06.4", step_by(nn.Module.train, after=lambda *a: a[1].step()), "stepped twice"),
    ("06.4", step_by(nn.Module.train, lambda *a: a[2].backward()), "`backward` ran twice"),
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
    ("06.4", step_by(toggle), "in evaluation mode while it trained"),
    ("06.4", step_by(set_the_flag_alone), "`network.train()` sets all layers"),
    ("06.4", step_by(nn.Module.train, lambda *a: a[0].zero_grad()), "which then had none"),
    ("06.4", step_by(nn.Module.train, clear_to_zeros), "which then had none"),
    ("06.4", step_by(nn.Module.train, clip), "Change neither logits nor gradients"),
    ("06.4", by_hand, "`optimiser` never took its step"),
)

RIGHT = (
    ("06.1", all_in_one),
    ("06.2", without_view),
    ("06.3", loss_by(nn.CrossEntropyLoss())),
    ("06.4", step_without()),
    ("06.4", step_without(order=("clear", "train", "forward", "backward", "step"))),
    ("06.4", clears_afterwards),
    ("06.4", with_a_closure),
    ("06.4", step_by(nn.Module.train, after=lambda network, *_: network.eval())),
    ("06.5", loops),
    ("06.6", NEEDED),
    ("06.6", [*NEEDED]),
    ("06.6", (*NEEDED, "weights")),
    ("06.6", dict.fromkeys(NEEDED).keys()),
)
