"""The training loop: loss, one epoch, evaluation, and `fit`, which ties them together.

Notebook 06 builds this loop by hand and shows that it ends with the same weights.
"""

import copy
import math
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from googlenet_lib.checkpoints import LAST, RunFolder, random_state, restore_random_state
from googlenet_lib.data import Augmentation, Batches, Data, ImageSet
from googlenet_lib.errors import UsageError
from googlenet_lib.model import GoogLeNet, GoogLeNetOutput
from googlenet_lib.platforms import pick_device, pick_precision, progress_bar, seed_everything
from googlenet_lib.recipes import Recipe
from googlenet_lib.weights import WeightsInfo, weights_to_bytes

CHECK_EVERY = 20  # steps between looks at the loss: each look makes a GPU wait
EVALUATION_BATCH = 500

History = list[dict[str, float]]


@dataclass(frozen=True)
class Metrics:
    """Means over every picture seen. `loss` includes the heads, `loss_main` does not."""

    loss: float
    loss_main: float
    accuracy: float


@dataclass(frozen=True)
class Result:
    """What `fit` leaves: a record an epoch, and the test accuracies once training has ended."""

    history: History
    best_epoch: int  # highest validation accuracy, the first of equals
    test_accuracy: float  # of the best epoch's weights
    test_accuracy_last: float


def combined_loss(
    outputs: GoogLeNetOutput,
    labels: Tensor,
    aux_weights: tuple[float, float] = (0.3, 0.3),
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the main output plus weighted ones of the heads: (total, main alone).

    Heads that are None are left out. Source: section 5 of the paper, weights of 0.3.
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
        self.pictures = 0
        self.sums = torch.zeros(3)

    def add(self, total: Tensor, main: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count one batch: its two mean losses, and how many labels its logits hit."""
        count = len(labels)
        hits = (logits.argmax(1) == labels).sum()
        batch = torch.stack([total.detach() * count, main.detach() * count, hits])
        self.sums = self.sums.to(batch.device) + batch
        self.pictures += count

    def metrics(self) -> Metrics:
        """The means so far."""
        return Metrics(*(self.sums / self.pictures).tolist())


@torch.no_grad()
def evaluate(
    model: GoogLeNet,
    batches: Iterable[tuple[Tensor, Tensor]],
    aux_weights: tuple[float, float] = (0.3, 0.3),
) -> Metrics:
    """Loss and accuracy over `batches`, in evaluation mode. Labels are not smoothed here."""
    model.eval()
    tally = Tally()
    for images, labels in batches:
        outputs = model.all_outputs(images)
        tally.add(*combined_loss(outputs, labels, aux_weights), outputs.logits, labels)
    return tally.metrics()


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over all of the model's parameters."""
    if recipe.optimiser == "adam":
        return torch.optim.Adam(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(
        model.parameters(),
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )


def rate_factor(step: int, steps: int, recipe: Recipe) -> float:
    """What the highest rate is multiplied by at `step` of `steps`."""
    if recipe.schedule == "constant":
        return 1.0
    peak = recipe.warmup * steps
    rising = (step + 1) / max(peak, 1)
    falling = (steps - step) / max(steps - peak, 1)
    return max(0.0, min(rising, falling, 1.0))


def moving_average(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and BatchNorm statistics.

    The decay of update n is min(decay, (1 + n) / (10 + n)), so that the first, untrained weights
    are soon forgotten.
    """

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        ramped = min(decay, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(ramped)(averaged, current, count)

    return AveragedModel(model, multi_avg_fn=update, use_buffers=True)


class Diverged(UsageError):
    """The loss is no longer a number."""


class Trainer:
    """A network in training, and all that a checkpoint must keep of it."""

    def __init__(
        self, model: GoogLeNet, data: Data, recipe: Recipe, *, seed: int, device: torch.device
    ) -> None:
        if model.num_classes != len(data.classes):
            raise UsageError(
                f"the network tells {model.num_classes} classes apart, but {data.name} has "
                f"{len(data.classes)}; use num_classes={len(data.classes)}"
            )
        self.recipe = recipe
        self.precision = pick_precision(device, recipe.precision)
        memory_format = torch.channels_last if recipe.channels_last else torch.contiguous_format
        self.model = model.to(device, memory_format=memory_format)
        self._batches = partial(
            Batches,
            device=device,
            mean=recipe.mean,
            std=recipe.std,
            channels_last=recipe.channels_last,
        )
        self.order = torch.Generator().manual_seed(seed)
        self.train_batches = self._batches(
            data.train,
            recipe.batch_size,
            augment=Augmentation(flip=recipe.flip and data.mirrors, shift=recipe.shift),
            shuffle=True,
            generator=self.order,
        )
        self.validation_batches = self._batches(data.validation, EVALUATION_BATCH)
        self.optimiser = make_optimiser(model, recipe)
        steps = recipe.epochs * len(self.train_batches)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, partial(rate_factor, steps=steps, recipe=recipe)
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision.needs_scaler)
        self.average = moving_average(model, recipe.average_decay) if recipe.average_decay else None
        self.history: History = []

    @property
    def trained(self) -> GoogLeNet:
        """The network to evaluate and to keep: the moving average where there is one."""
        return self.average.module if self.average else self.model

    def train_epoch(self) -> Metrics:
        """One pass over the training pictures."""
        self.model.train()
        tally, unchecked = Tally(), []
        epoch = len(self.history) + 1
        title = f"epoch {epoch}/{self.recipe.epochs}"
        for images, labels in progress_bar(self.train_batches, desc=title):
            total, main, logits = self.step(images, labels)
            tally.add(total, main, logits, labels)
            unchecked.append(total.detach())
            if len(unchecked) == CHECK_EVERY:
                self._refuse_non_finite(unchecked)
        self._refuse_non_finite(unchecked)
        return tally.metrics()

    def step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One update of the weights from one batch: (total loss, main loss, main logits)."""
        with self.precision.autocast():
            outputs = self.model(images)
            total, main = combined_loss(
                outputs, labels, self.recipe.aux_weights, self.recipe.label_smoothing
            )
        self.optimiser.zero_grad()
        self.scaler.scale(total).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.scheduler.step()
        if self.average:
            self.average.update_parameters(self.model)
        return total, main, outputs.logits

    def evaluate(self, batches: Batches) -> Metrics:
        """Loss and accuracy of the trained network, in the precision of training."""
        with self.precision.autocast():
            return evaluate(self.trained, batches, self.recipe.aux_weights)

    def test_accuracy(self, test: ImageSet) -> float:
        """The share of `test` that the trained network gets right."""
        return self.evaluate(self._batches(test, EVALUATION_BATCH)).accuracy

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch, validate, and add a record to the history."""
        start = time.perf_counter()
        rate = self.scheduler.get_last_lr()[0]
        train = self.train_epoch()
        validation = self.evaluate(self.validation_batches)
        self._refuse_non_finite([validation.loss])  # the last step's update shows only here
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
        """All that decides how training goes on: resumed from it, a run ends the same."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "optimiser": self.optimiser.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict(),
            "order": self.order.get_state(),
            "random": random_state(),
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
        restore_random_state(state["random"])
        self.history = state["history"]

    def _refuse_non_finite(self, losses: list[Tensor | float]) -> None:
        """Look at the losses of the latest steps, and forget them."""
        for step, loss in enumerate(losses, start=self.scheduler.last_epoch - len(losses) + 1):
            if not math.isfinite(loss):
                rate = self.recipe.lr * self.scheduler.lr_lambdas[0](step - 1)
                raise Diverged(
                    f"the loss became {float(loss)} at step {step} (epoch "
                    f"{len(self.history) + 1}), at a rate of {rate:.4g}; a lower one, such as "
                    f"--set lr={self.recipe.lr / 10:g}, often mends it"
                )
        losses.clear()


def best_epoch(history: History) -> int:
    """The epoch of the highest validation accuracy; the first, where several are equal."""
    return int(max(history, key=lambda record: record["val_accuracy"])["epoch"])


def epoch_line(record: dict[str, float]) -> str:
    """One epoch in one line."""
    return (
        f"epoch {record['epoch']:3d}  "
        f"train loss {record['train_loss']:.4f} acc {record['train_accuracy']:.4f}  "
        f"val loss {record['val_loss']:.4f} (main {record['val_loss_main']:.4f}) "
        f"acc {record['val_accuracy']:.4f}  {record['seconds']:.1f} s"
    )


def fit(
    model: GoogLeNet,
    data: Data,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: torch.device | str = "auto",
    out: Path | None = None,
    resume: bool = False,
    report: Callable[[str], None] = print,
) -> Result:
    """Train `model` by `recipe`, in place, and test it once at the end.

    With `out`, a folder, `last.pt` (all that resuming needs) and `best.safetensors` (weights of
    the best validation epoch) are written there after every epoch; with `resume` training goes
    on from `last.pt` if there is one. A CPU run that was killed and resumed ends with the same
    weights, bit for bit. A folder that another process trains into is refused. Raises `Diverged`
    when the loss is no longer a number.
    """
    device = pick_device(device)
    trainer = Trainer(model, data, recipe, seed=seed, device=device)
    identity = {
        "recipe": asdict(recipe),
        "variant": asdict(model.variant),
        "width": model.width,
        "heads": model.aux1 is not None,
        "seed": seed,
        "data": data.checksum,
        "training_pictures": len(data.train),
        "training_side": data.train.digest()[:12],  # the split, which the checksum leaves out
    }
    seed_everything(seed)
    best: dict[str, Tensor] = {}
    info = describe_weights(model, data, recipe)
    with RunFolder(out, identity) if out else nullcontext() as folder:
        state = folder.load(resume=resume, device=device) if folder else None
        if state:
            trainer.load_state_dict(state)
            best = state["best"]
            folder.derive(trainer.history, weights_to_bytes(best, info))
            report(f"going on after epoch {len(trainer.history)} of {recipe.epochs}")
        while len(trainer.history) < recipe.epochs:
            try:
                record = trainer.run_epoch()
            except Diverged as error:
                raise Diverged(f"{error}. {_last_good(folder, trainer.history)}") from None
            if best_epoch(trainer.history) == len(trainer.history):
                best = copy.deepcopy(trainer.trained.state_dict())
            if folder:
                folder.save({**trainer.state_dict(), "best": best}, weights_to_bytes(best, info))
            report(epoch_line(record))
        test_last = trainer.test_accuracy(data.test)
        last = copy.deepcopy(trainer.trained.state_dict())
        trainer.trained.load_state_dict(best)
        test_best = trainer.test_accuracy(data.test)
        model.load_state_dict(last)
    return Result(trainer.history, best_epoch(trainer.history), test_best, test_last)


def describe_weights(model: GoogLeNet, data: Data, recipe: Recipe) -> WeightsInfo:
    """What somebody who loads the weights of this run has to know."""
    return WeightsInfo(
        variant=model.variant.name,
        classes=data.classes,
        mean=recipe.mean,
        std=recipe.std,
        image_size=data.image_size,
        width=model.width,
        heads=model.aux1 is not None,
        details=asdict(model.variant),
        transform_input=model.transform_input,
    )


def _last_good(folder: RunFolder | None, history: History) -> str:
    if folder is None or not history:
        return "No checkpoint had been written"
    return f"The last good checkpoint is {folder.path / LAST}, after epoch {len(history)}"
