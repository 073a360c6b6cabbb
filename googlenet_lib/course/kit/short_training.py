"""The short training that the lessons' own experiments share: a seed gives the same bits again."""

from collections.abc import Iterator
from itertools import chain, islice, repeat

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from googlenet_lib.data import Batches, ImageSet
from googlenet_lib.network.googlenet import GoogLeNetOutput


def shuffle(
    images: ImageSet, batch_size: int, seed: int, *, channels_last: bool = False
) -> Batches:
    """Return batches of `images` in another order in each pass; `seed` decides the orders."""
    order = torch.Generator().manual_seed(seed)
    return Batches(images, batch_size, shuffle=True, generator=order, channels_last=channels_last)


def train(
    network: nn.Module,
    batches: Batches,
    optimiser: Optimizer,
    steps: int,
    *,
    schedule: LRScheduler | None = None,
    head_weight: float = 0.0,
    clip: float | None = None,
) -> Iterator[list[float]]:
    """Train for `steps` steps; after each, yield the losses of its batch before the update.

    They are the main loss, then those of the heads at 4a and at 4d where the network has heads,
    each of which counts `head_weight`. `clip` is the longest gradient that a step may take.
    """
    network.train()
    for images, labels in islice(chain.from_iterable(repeat(batches)), steps):
        outputs = network(images)
        if isinstance(outputs, GoogLeNetOutput):
            logits = (outputs.logits, outputs.aux_logits1, outputs.aux_logits2)
        else:
            logits = (outputs,)
        losses = [F.cross_entropy(one, labels) for one in logits if one is not None]
        optimiser.zero_grad()
        (losses[0] + head_weight * sum(losses[1:])).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimiser.step()
        if schedule is not None:
            schedule.step()
        yield [loss.item() for loss in losses]


@torch.inference_mode()
def find_right(network: nn.Module, batches: Batches) -> Tensor:
    """Find whether the network, in evaluation mode, names each picture rightly: (N,), bool."""
    network.eval()
    return torch.cat([network(images).argmax(1) == labels for images, labels in batches])
