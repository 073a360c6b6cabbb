"""`fit`: train a network to its end, and keep files from which a stopped run goes on.

Notebook 06 builds the loop in it by hand and shows that it ends with the same weights.
"""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from googlenet_lib.data import Data, load
from googlenet_lib.device import keep_freed_memory, pick_device, seed_everything
from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import unwrap
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.variants import Variant
from googlenet_lib.network.weights import WeightsInfo, weights_to_bytes
from googlenet_lib.training.admission import (
    check_seed,
    refuse_untrainable,
    warn_of_changes_by_hand,
)
from googlenet_lib.training.checkpoint import LAST, RunFolder
from googlenet_lib.training.describe import DIGITS, describe_weights
from googlenet_lib.training.loop import Diverged, Trainer
from googlenet_lib.training.parallel import ALONE, Group
from googlenet_lib.training.recipes import Recipe, find_recipe
from googlenet_lib.training.resume import resume as resume_training
from googlenet_lib.training.run import History, Result, find_best_epoch
from googlenet_lib.training.tensorboard import Board

FORMER_FIELDS = {"alternate": False}  # of recipes: runs that have them so still go on


@torch.inference_mode(False)
@torch.enable_grad()  # as everything that trains; a caller may have switched gradients off
def fit(
    model: GoogLeNet,
    data: Data | str | Path,
    recipe: Recipe | str,
    *,
    seed: int = 0,
    device: torch.device | str = "auto",
    out: Path | str | None = None,
    resume: bool = False,
    report: Callable[[str], None] | None = print,
    group: Group = ALONE,
    board: Board | None = None,
) -> Result:
    """Train `model` by `recipe`, in place, and test it once at the end.

    `data` and `recipe` may also be named, as `load` and the command line take them; `report` gets
    a line after each epoch. With `out`, a folder, `last.pt` (all that resuming needs) and
    `best.safetensors` (weights of the best validation epoch) are written there after every epoch;
    with `resume` training goes on from `last.pt` if there is one. A CPU run that was killed and
    resumed ends with the same weights, bit for bit. Raises UsageError for what cannot be trained
    and for a folder that another process trains into, `Diverged` when the loss is no longer a
    number.
    """
    if resume and not out:
        raise UsageError("resume=True came without out; name the folder of the run to go on with")
    data = load(data) if isinstance(data, str | Path) else data
    recipe = find_recipe(recipe) if isinstance(recipe, str) else recipe
    seed, out = check_seed(seed), Path(out) if out else None
    refuse_untrainable(model, data, recipe)
    device = pick_device(device)
    trainer = Trainer(model, data, recipe, seed=seed, device=device, group=group)
    info = describe_weights(unwrap(model), data, recipe)
    if out:
        warn_of_changes_by_hand(unwrap(model), info)
    seed_everything(seed + group.rank)  # each process drops out other activations
    with keep_freed_memory(device), ExitStack() as stack:
        folder = None
        if out and group.is_main:
            folder = stack.enter_context(_make_folder(out, trainer, data, seed))
        run = _Run(trainer, data, info, out, folder, report or (lambda line: None), board)
        run.begin(resume)
        run.train()
        return run.test()


def format_epoch(record: dict[str, float]) -> str:
    """Put the record of one epoch into one line."""
    return (
        f"epoch {record['epoch']:3d}  "
        f"train loss {record['train_loss']:.4f} acc {record['train_accuracy']:.4f}  "
        f"val loss {record['val_loss']:.4f} (main {record['val_loss_main']:.4f}) "
        f"acc {record['val_accuracy']:.4f}  {record['seconds']:.1f} s"
    )


@dataclass
class _Run:
    """A trainer on its way, and all that reports on it. Only the main process has a `folder`."""

    trainer: Trainer
    data: Data
    info: WeightsInfo
    out: Path | None
    folder: RunFolder | None
    report: Callable[[str], None]
    board: Board | None
    best: dict[str, Tensor] = field(default_factory=dict)  # weights of the best epoch

    def begin(self, resume: bool) -> None:
        """Go on from the checkpoint, if there is one and the caller wants that."""
        trainer, folder, device = self.trainer, self.folder, self.trainer.precision.device
        state = trainer.group.from_main(
            lambda: folder.load(resume=resume, device=device) if folder else None
        )
        if state:
            self.best = resume_training(trainer, state, self.out / LAST)
            self.report(f"going on after epoch {len(trainer.history)} of {trainer.recipe.epochs}")
            if folder:
                folder.derive(trainer.history, weights_to_bytes(self.best, self.info))
        elif resume:
            self.report(f"{self.out} holds no run to go on with; a new one starts there")
        if self.board:
            self.board.start(trainer.model, trainer.sample_batch(), len(trainer.history))

    def train(self) -> None:
        """Train to the last epoch, with a checkpoint after each."""
        trainer = self.trainer
        while len(trainer.history) < trainer.recipe.epochs:
            try:
                record = trainer.run_epoch()
            except Diverged as error:
                raise Diverged(f"{error}. {_name_last_good(self.out, trainer.history)}") from None
            state = trainer.state_dict()
            if find_best_epoch(trainer.history) == len(trainer.history):
                self.best = copy.deepcopy(trainer.trained.state_dict())
            if self.folder:
                content = weights_to_bytes(self.best, self.info)
                self.folder.save({**state, "best": self.best}, content)
            if self.board:
                self.board.add(record)
            self.report(format_epoch(record))

    def test(self) -> Result:
        """Test the last weights and the best ones; the network is left with the last."""
        trainer, test = self.trainer, self.data.test
        test_last = trainer.test_accuracy(test)
        last = copy.deepcopy(trainer.trained.state_dict())
        trainer.trained.load_state_dict(self.best)
        test_best = trainer.test_accuracy(test)
        # a network that has seen no mirror images is not asked about them
        mirrored = trainer.recipe.flip and self.data.mirrors
        test_flips = trainer.test_accuracy(test, flips=True) if mirrored else None
        trainer.model.load_state_dict(last)
        history = trainer.history
        return Result(history, find_best_epoch(history), test_best, test_last, test_flips)


def _make_folder(out: Path, trainer: Trainer, data: Data, seed: int) -> RunFolder:
    """Make the folder of this run, with all that makes it this run and no other."""
    model = trainer.model
    identity = {
        "recipe": asdict(trainer.recipe) | FORMER_FIELDS,
        "variant": asdict(model.variant),
        "width": model.width,
        "heads": model.aux1 is not None,
        "seed": seed,
        "processes": trainer.group.world_size,
        "data": data.checksum,
        "training_pictures": len(data.train),
        "training_side": data.train.digest()[:DIGITS],  # the split, which the checksum leaves out
    }
    defaults = {
        "recipe": _list_defaults(Recipe) | FORMER_FIELDS,
        "variant": _list_defaults(Variant),
    }
    return RunFolder(out, identity, defaults)


def _list_defaults(kind: type) -> dict[str, Any]:
    """Return what the fields of a dataclass are in files that do not name them."""
    return {f.name: f.default for f in fields(kind) if f.default is not MISSING}


def _name_last_good(out: Path | None, history: History) -> str:
    if out is None or not history:
        return "No checkpoint had been written"
    return f"The last good checkpoint is {out / LAST}, after epoch {len(history)}"
