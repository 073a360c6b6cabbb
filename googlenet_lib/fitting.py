"""`fit`: a `Trainer` run to its end, its files kept so that any crash can be gone on from.

Notebook 06 builds the loop in it by hand and shows that it ends with the same weights.
"""

import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from googlenet_lib.allocator import freed_memory_kept
from googlenet_lib.checkpoints import LAST, RunFolder
from googlenet_lib.data import Data
from googlenet_lib.distributed import ALONE, WorkerLost, Workers
from googlenet_lib.model import GoogLeNet
from googlenet_lib.platforms import pick_device, seed_everything
from googlenet_lib.recipes import Recipe
from googlenet_lib.tensorboard import Board
from googlenet_lib.training import Diverged, History, Trainer
from googlenet_lib.weights import WeightsInfo, weights_to_bytes


@dataclass(frozen=True)
class Result:
    """What `fit` leaves: a record an epoch, and the test accuracies once training has ended."""

    history: History
    best_epoch: int  # highest validation accuracy, the first of equals
    test_accuracy: float  # of the best epoch's weights
    test_accuracy_last: float
    test_accuracy_flips: float | None = None  # best epoch, each picture with its mirror image


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
    workers: Workers = ALONE,
    board: Board | None = None,
) -> Result:
    """Train `model` by `recipe`, in place, and test it once at the end.

    With `out`, a folder, `last.pt` (all that resuming needs) and `best.safetensors` (weights of
    the best validation epoch) are written there after every epoch; with `resume` training goes
    on from `last.pt` if there is one. A CPU run that was killed and resumed ends with the same
    weights, bit for bit. A folder that another process trains into is refused. Raises `Diverged`
    when the loss is no longer a number.
    """
    device = pick_device(device)
    trainer = Trainer(model, data, recipe, seed=seed, device=device, workers=workers)
    identity = {
        "recipe": asdict(recipe),
        "variant": asdict(model.variant),
        "width": model.width,
        "heads": model.aux1 is not None,
        "seed": seed,
        "processes": workers.count,
        "data": data.checksum,
        "training_pictures": len(data.train),
        "training_side": data.train.digest()[:12],  # the split, which the checksum leaves out
    }
    seed_everything(seed + workers.rank)  # each process drops out other activations
    best: dict[str, Tensor] = {}
    info = describe_weights(model, data, recipe)
    kept = RunFolder(out, identity) if out and workers.first else nullcontext()
    with freed_memory_kept(device), kept as folder:
        state = workers.from_first(
            lambda: folder.load(resume=resume, device=device) if folder else None
        )
        if state:
            trainer.load_state_dict(state)
            best = state["best"]
            report(f"going on after epoch {len(trainer.history)} of {recipe.epochs}")
        if state and folder:
            folder.derive(trainer.history, weights_to_bytes(best, info))
        if board:
            board.start(model, trainer.some_pictures(), len(trainer.history))
        while len(trainer.history) < recipe.epochs:
            try:
                record = trainer.run_epoch()
                state = trainer.state_dict()
            except (Diverged, WorkerLost) as error:
                raise type(error)(f"{error}. {_last_good(out, trainer.history)}") from None
            if best_epoch(trainer.history) == len(trainer.history):
                best = copy.deepcopy(trainer.trained.state_dict())
            if folder:
                folder.save({**state, "best": best}, weights_to_bytes(best, info))
            if board:
                board.add(record)
            report(epoch_line(record))
        test_last = trainer.test_accuracy(data.test)
        last = copy.deepcopy(trainer.trained.state_dict())
        trainer.trained.load_state_dict(best)
        test_best = trainer.test_accuracy(data.test)
        # a network that has seen no mirror images is not asked about them
        mirrored = recipe.flip and data.mirrors
        test_flips = trainer.test_accuracy(data.test, flips=True) if mirrored else None
        model.load_state_dict(last)
    return Result(trainer.history, best_epoch(trainer.history), test_best, test_last, test_flips)


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


def _last_good(out: Path | None, history: History) -> str:
    if out is None or not history:
        return "No checkpoint had been written"
    return f"The last good checkpoint is {out / LAST}, after epoch {len(history)}"
