"""The training loop: loss, one step, one epoch, evaluation.

Notebook 06 builds this loop by hand, notebook 07 what each field of a recipe adds to it.
"""

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import update_bn

from googlenet_lib.data import Augmentation, Batches, Data, ImageSet, make_batches
from googlenet_lib.device import pick_precision, progress_bar
from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import unwrap
from googlenet_lib.network.googlenet import GoogLeNet, GoogLeNetOutput
from googlenet_lib.training.checkpoint import get_random_state, restore_random_state
from googlenet_lib.training.optim import MovingAverage, make_optimiser, rate_factor
from googlenet_lib.training.parallel import ALONE, Group
from googlenet_lib.training.recipes import Recipe, advise_on_rate
from googlenet_lib.training.run import History

CHECK_EVERY = 20  # steps between looks at the loss: each look makes a GPU wait
EVALUATION_BATCH = 500
STATISTICS_BATCHES = 50  # that the average's BatchNorm is measured on, anew for each evaluation


@dataclass(frozen=True)
class Metrics:
    """Means over every picture seen. `loss` includes the heads, `loss_main` does not."""

    loss: float
    loss_main: float
    accuracy: float
    top5: float  # the share of labels among the five highest logits


def combined_loss(
    outputs: GoogLeNetOutput,
    labels: Tensor,
    aux_weights: tuple[float, float] = (0.3, 0.3),
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Return (the training loss, the main output's cross-entropy): two scalars.

    The training loss adds the heads' cross-entropies, each by its weight. Heads that are None are
    left out. Source: section 5 of the paper, weights of 0.3.
    """
    cross_entropy = partial(F.cross_entropy, label_smoothing=label_smoothing)
    main = cross_entropy(outputs.logits, labels)
    total = main
    for weight, logits in zip(aux_weights, (outputs.aux_logits1, outputs.aux_logits2), strict=True):
        if logits is not None:
            total = total + weight * cross_entropy(logits, labels)
    return total, main


class Tally:
    """Sums over batches, on the device; means over pictures, however long the last batch is."""

    def __init__(self) -> None:
        self.sums = torch.zeros(5)

    def add(self, total: Tensor, main: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count one batch: its two mean losses, and how many labels its logits hit."""
        count = len(labels)
        best = logits.topk(min(5, logits.shape[1])).indices == labels.unsqueeze(1)  # (N, 5)
        hits, hits5 = best[:, 0].sum(), best.sum()
        pictures = torch.full_like(hits, count)
        batch = [total.detach() * count, main.detach() * count, hits, hits5, pictures]
        self.sums = self.sums.to(logits.device) + torch.stack(batch)

    def metrics(self, group: Group = ALONE) -> Metrics:
        """Return the means so far, over the pictures of all processes."""
        *sums, pictures = group.all_reduce(self.sums).tolist()
        return Metrics(*(value / pictures for value in sums))


@torch.no_grad()
def evaluate(
    model: GoogLeNet,
    batches: Iterable[tuple[Tensor, Tensor]],
    aux_weights: tuple[float, float] = (0.3, 0.3),
    *,
    flips: bool = False,
    group: Group = ALONE,
) -> Metrics:
    """Measure loss and accuracy over `batches`, in evaluation mode. Labels are not smoothed here.

    With `flips`, outputs are the means of those of a picture and of its mirror image.
    """
    model.eval()
    tally = Tally()
    for images, labels in batches:
        outputs = model.all_outputs(images)
        if flips:
            mirrored = model.all_outputs(images.flip(3))
            pairs = zip(outputs, mirrored, strict=True)
            outputs = GoogLeNetOutput(*(a if a is None else (a + b) / 2 for a, b in pairs))
        tally.add(*combined_loss(outputs, labels, aux_weights), outputs.logits, labels)
    return tally.metrics(group)


class Diverged(UsageError):
    """The loss is no longer a number."""


class Trainer:
    """A network in training, and all that a checkpoint must keep of it."""

    def __init__(
        self,
        model: GoogLeNet,
        data: Data,
        recipe: Recipe,
        *,
        seed: int,
        device: torch.device,
        group: Group = ALONE,
    ) -> None:
        wrapped, model = model, unwrap(model)  # what is saved has the network's own names
        if recipe.shrink and not model.variant.smallest <= recipe.shrink < data.image_size:
            raise UsageError(
                f"shrink={recipe.shrink} came for pictures of {data.image_size} pixels a side; "
                f"expected fewer, and for {model.variant.name} at least {model.variant.smallest}"
            )
        self.recipe = recipe
        self.image_size = data.image_size
        self.group = group
        self.precision = pick_precision(device, recipe.precision)
        memory_format = torch.channels_last if recipe.channels_last else torch.contiguous_format
        self.model = model.to(device, memory_format=memory_format)
        self._batches = partial(
            make_batches,
            device=device,
            mean=recipe.mean,
            std=recipe.std,
            channels_last=recipe.channels_last,
            rank=group.rank,
            world_size=group.world_size,
        )
        self.order = torch.Generator().manual_seed(seed)
        self.train_batches = self._batches(
            data.train,
            recipe.batch_size,
            augment=Augmentation(
                flip=recipe.flip and data.mirrors,
                shift=recipe.shift,
                crop=recipe.crop,
                colour=recipe.colour,
            ),
            shuffle=True,
            generator=self.order,
        )
        self._refuse_lone_pictures(data)
        self.validation_batches = self._batches(data.validation, EVALUATION_BATCH)
        self.network = DistributedDataParallel(model) if group.world_size > 1 else wrapped
        self.optimiser = make_optimiser(model, recipe)
        self.steps = recipe.epochs * len(self.train_batches)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, partial(rate_factor, steps=self.steps, recipe=recipe)
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision.needs_scaler)
        decay = recipe.average_decay
        self.average = MovingAverage(model, decay) if decay else None
        self.history: History = []

    @property
    def trained(self) -> GoogLeNet:
        """Return the network to evaluate and to keep: the moving average where there is one."""
        return self.average.module if self.average else self.model

    def train_epoch(self) -> Metrics:
        """Make one pass over the training pictures."""
        self.model.train()
        tally, unchecked = Tally(), []
        epoch = len(self.history) + 1
        title = f"epoch {epoch}/{self.recipe.epochs}"
        sizes = self.train_batches.sizes()
        batches = progress_bar(self.train_batches, desc=title, enabled=self.group.is_main)
        for (images, labels), size in zip(batches, sizes, strict=True):
            total, main, logits = self.step(self.shrink(images), labels, size)
            tally.add(total, main, logits, labels)
            unchecked.append(total)
            if len(unchecked) == CHECK_EVERY:
                self._refuse_non_finite(unchecked)
                so_far = tally.metrics()  # this process's
                batches.set_postfix_str(f"loss {so_far.loss:.3f}, accuracy {so_far.accuracy:.3f}")
        self._refuse_non_finite(unchecked)
        return tally.metrics(self.group)

    def step(
        self, images: Tensor, labels: Tensor, size: int | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Update the weights once, from one batch: (total loss, main loss, main logits).

        `size` is the number of pictures in the batch of all processes. With the recipe's
        `accumulate`, parts of the batch follow one another, and their gradients add up to the
        batch's.
        """
        size = size or len(labels) * self.group.world_size
        self.optimiser.zero_grad()
        total, main, logits = 0.0, 0.0, []
        # as many for each process, of two pictures at least, which BatchNorm needs
        parts = max(1, min(self.recipe.accumulate, size // self.group.world_size // 2))
        pairs = zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True)
        for part, targets in pairs:
            with self.precision.autocast():
                outputs = self.network(part)
                losses = combined_loss(
                    outputs, targets, self.recipe.aux_weights, self.recipe.label_smoothing
                )
            # a mean over the whole batch: of its parts, and of the processes that share it
            weight = len(targets) * self.group.world_size / size
            self.scaler.scale(losses[0] * weight).backward()
            total, main = (
                before + loss.detach() * (len(targets) / len(labels))
                for before, loss in zip((total, main), losses, strict=True)
            )
            logits.append(outputs.logits.detach())
        if self.recipe.clip:
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.scheduler.step()
        if self.average:
            self.average.update_parameters(self.model)
        return total, main, torch.cat(logits)

    def size_at(self, step: int) -> int:
        """Return how many pixels a side the pictures of a step have; steps count from 0.

        Small ones first: most of what is learnt early shows in them. Source: Howard, 2018, in
        fast.ai's entry to DAWNBench.
        """
        shrink, until = self.recipe.shrink, self.recipe.shrink_for * self.steps
        return shrink if shrink and step < until else self.image_size

    def shrink(self, images: Tensor) -> Tensor:
        """Bring pictures to the size that is due at this step."""
        size = self.size_at(self.scheduler.last_epoch)
        if images.shape[-1] == size:
            return images
        return F.interpolate(images, (size, size), mode="bilinear", antialias=True)

    def evaluate(self, batches: Batches, *, flips: bool = False) -> Metrics:
        """Measure loss and accuracy of the trained network, in the precision of training."""
        self.group.broadcast(self.trained.buffers())  # each has seen other pictures
        with self.precision.autocast():
            return evaluate(
                self.trained, batches, self.recipe.aux_weights, flips=flips, group=self.group
            )

    def test_accuracy(self, test: ImageSet, *, flips: bool = False) -> float:
        """Return the share of `test` that the trained network gets right."""
        return self.evaluate(self._batches(test, EVALUATION_BATCH), flips=flips).accuracy

    def sample_batch(self) -> Tensor:
        """Return pictures as the network will see them, without moving what draws batches."""
        with self._preserve_draws():
            images, _ = next(iter(self.train_batches))
        return images

    def settle_average(self) -> None:
        """Measure the average's BatchNorm statistics anew, on training pictures.

        Those it gathered are of other weights: in a short run they cost more than the average
        gains. What draws batches and dropout is left as it was.
        """
        if not self.average:
            return
        batches = islice((images for images, _ in self.train_batches), STATISTICS_BATCHES)
        with self._preserve_draws(), self.precision.autocast():
            update_bn(batches, self.average.module)

    @contextmanager
    def _preserve_draws(self) -> Iterator[None]:
        """Let a look at training pictures leave what draws batches and dropout as it was."""
        order, random = self.order.get_state(), get_random_state()
        yield
        self.order.set_state(order)
        restore_random_state(random)

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch, validate, and add a record to the history."""
        start = time.perf_counter()
        rate = self.scheduler.get_last_lr()[0]
        train = self.train_epoch()
        self.settle_average()
        validation = self.evaluate(self.validation_batches)
        # the last step's update shows only here
        self._refuse_non_finite([torch.tensor(validation.loss)])
        record = {
            "epoch": len(self.history) + 1,
            "lr": rate,
            **{f"train_{name}": value for name, value in vars(train).items()},
            **{f"val_{name}": value for name, value in vars(validation).items()},
            "seconds": time.perf_counter() - start,
        }
        self.history.append(record)
        return record

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides how training goes on: resumed from it, a run ends the same."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "optimiser": self.optimiser.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict(),
            "order": self.order.get_state(),
            "random": self.group.all_gather(get_random_state()),
            "history": self.history,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.model.load_state_dict(state["model"])
        if self.average:
            self.average.load_state_dict(state["average"])
        for name in ("optimiser", "scheduler", "scaler"):
            getattr(self, name).load_state_dict(state[name])
        self.order.set_state(state["order"].cpu())
        restore_random_state(state["random"][self.group.rank])
        self.history = state["history"]

    def _refuse_lone_pictures(self, data: Data) -> None:
        """Raise UsageError where BatchNorm would train on one value of a channel."""
        variant, side = self.model.variant, self.recipe.shrink or data.image_size
        needed = 2 * self.group.world_size
        if not variant.batch_norm or variant.last_map(side) > 1:
            return
        if min(self.train_batches.sizes()) < needed:
            raise UsageError(
                f"batch_size={self.recipe.batch_size} came for {len(data.train)} training pictures "
                f"of {side}x{side}; expected at least {needed} of both: the last maps of "
                f"{variant.name} are 1x1, and BatchNorm needs two values of each channel"
            )

    def _refuse_non_finite(self, losses: list[Tensor]) -> None:
        """Look at the losses of the latest steps, and forget them: all processes see the same."""
        if not losses:
            return
        values = self.group.all_reduce(torch.stack(losses)).tolist()  # one wait for a GPU, not 20
        for step, loss in enumerate(values, start=self.scheduler.last_epoch - len(values) + 1):
            if not math.isfinite(loss):
                rate = self.recipe.lr * self.scheduler.lr_lambdas[0](step - 1)
                raise Diverged(
                    f"the loss became {loss} at step {step} (epoch {len(self.history) + 1}), at a "
                    f"rate of {rate:.4g}; {advise_on_rate(self.recipe)}"
                )
        losses.clear()
