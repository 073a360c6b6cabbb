"""`fit`: a `Trainer` run to its end, its files kept so that any crash can be gone on from.

Notebook 06 builds the loop in it by hand and shows that it ends with the same weights.
"""

import copy
import operator
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from googlenet_lib.data import Data, load
from googlenet_lib.device import keep_freed_memory, pick_device, seed_everything
from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import (
    check_finite,
    check_form,
    match_names,
    refuse_damage,
    strip_wrapper_names,
    unwrap,
)
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.pretrained import IMAGENET_MEAN
from googlenet_lib.network.variants import Variant
from googlenet_lib.network.weights import Split, WeightsInfo, network_of, weights_to_bytes
from googlenet_lib.training.checkpoint import ANEW, LAST, RunFolder
from googlenet_lib.training.loop import Diverged, History, Metrics, Trainer
from googlenet_lib.training.parallel import ALONE, Group
from googlenet_lib.training.recipes import Recipe, find_recipe
from googlenet_lib.training.tensorboard import Board

DIGITS = 12  # of a side's digest
FORMER_FIELDS = {"alternate": False}  # of recipes: runs that have them so still go on


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


def format_epoch(record: dict[str, float]) -> str:
    """One epoch in one line."""
    return (
        f"epoch {record['epoch']:3d}  "
        f"train loss {record['train_loss']:.4f} acc {record['train_accuracy']:.4f}  "
        f"val loss {record['val_loss']:.4f} (main {record['val_loss_main']:.4f}) "
        f"acc {record['val_accuracy']:.4f}  {record['seconds']:.1f} s"
    )


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
    resumed ends with the same weights, bit for bit. A folder that another process trains into is
    refused. Raises `Diverged` when the loss is no longer a number.
    """
    data = load(data) if isinstance(data, str | Path) else data
    recipe = find_recipe(recipe) if isinstance(recipe, str) else recipe
    seed, out, report = check_seed(seed), Path(out) if out else None, report or _silent
    refuse_untrainable(model, data, recipe)
    device = pick_device(device)
    trainer = Trainer(model, data, recipe, seed=seed, device=device, group=group)
    model = unwrap(model)
    info = describe_weights(model, data, recipe)
    if out:
        _warn_of_changes_by_hand(model, info)
    seed_everything(seed + group.rank)  # each process drops out other activations
    with keep_freed_memory(device), ExitStack() as stack:
        folder = None
        if out and group.is_main:
            folder = stack.enter_context(_run_folder(out, trainer, data, seed))
        run = _Run(trainer, data, info, out, folder, report, board)
        run.begin(resume)
        run.train()
        return run.test()


def _run_folder(out: Path, trainer: Trainer, data: Data, seed: int) -> RunFolder:
    """The folder of this run, and what makes it this run and no other."""
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
    defaults = {"recipe": _defaults(Recipe) | FORMER_FIELDS, "variant": _defaults(Variant)}
    return RunFolder(out, identity, defaults)


@dataclass
class _Run:
    """A trainer on its way, and all that is told of it. `folder` is the main process's alone."""

    trainer: Trainer
    data: Data
    info: WeightsInfo
    out: Path | None
    folder: RunFolder | None
    report: Callable[[str], None]
    board: Board | None
    best: dict[str, Tensor] = field(default_factory=dict)  # weights of the best epoch

    def begin(self, resume: bool) -> None:
        """Go on from the checkpoint, if there is one and it is to be gone on from."""
        trainer = self.trainer
        device = trainer.precision.device
        state = trainer.group.from_main(
            lambda: self.folder.load(resume=resume, device=device) if self.folder else None
        )
        if state:
            self.best = _going_on(trainer, state, self.out / LAST)
            self.report(f"going on after epoch {len(trainer.history)} of {trainer.recipe.epochs}")
            if self.folder:
                self.folder.derive(trainer.history, weights_to_bytes(self.best, self.info))
        elif resume and self.out:
            self.report(f"{self.out} holds no run to go on with; a new one starts there")
        if self.board:
            self.board.start(trainer.model, trainer.some_pictures(), len(trainer.history))

    def train(self) -> None:
        """Train to the last epoch, with a checkpoint after each."""
        trainer = self.trainer
        while len(trainer.history) < trainer.recipe.epochs:
            try:
                record = trainer.run_epoch()
            except Diverged as error:
                raise Diverged(f"{error}. {_last_good(self.out, trainer.history)}") from None
            state = trainer.state_dict()
            if best_epoch(trainer.history) == len(trainer.history):
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
        return Result(history, best_epoch(history), test_best, test_last, test_flips)


def check_seed(seed: int) -> int:
    """A seed that every generator takes, or UsageError."""
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**32:
        raise UsageError(f"seed={seed!r} came; expected a whole number from 0 to {2**32 - 1}")
    return number


def _silent(line: str) -> None:
    """Report nothing."""


def _defaults(kind: type) -> dict[str, Any]:
    """What the fields of a dataclass are in files that do not name them."""
    return {one.name: one.default for one in fields(kind) if one.default is not MISSING}


# ---- the network as somebody brings it -----------------------------------------------------------


def refuse_untrainable(model: nn.Module, data: Data, recipe: Recipe) -> None:
    """Raise UsageError for what cannot be trained together, before anything is."""
    network = unwrap(model)
    for name, value, kind, advice in (
        ("model", network, GoogLeNet, "a GoogLeNet of this library, such as googlenet('small')"),
        ("data", data, Data, "what load returns, or a name or folder that it takes"),
        ("recipe", recipe, Recipe, "a Recipe, or the name of one"),
    ):
        if not isinstance(value, kind):
            raise UsageError(f"{name} came as {type(value).__name__}; expected {advice}")
    parameters = list(network.parameters())
    if other := {p.dtype for p in parameters} - {torch.float32}:
        raise UsageError(
            f"the network's weights are {min(map(str, other))}; training keeps float32: call "
            "model.float() first (the recipe's precision decides how it calculates)"
        )
    if not any(parameter.requires_grad for parameter in parameters):
        raise UsageError(
            "every parameter of the network is frozen, so that nothing is to be trained; call "
            "requires_grad_(True) on what is to learn, such as model.fc (fuse() also freezes: "
            "train first, then fuse)"
        )
    _refuse_other_classes(network, data)
    if any(parameter.is_inference() for parameter in parameters):
        raise UsageError(
            "the network was made within torch.inference_mode(), so that it cannot be trained; "
            "make it outside"
        )
    if network.transform_input and recipe.mean != IMAGENET_MEAN:
        warnings.warn(
            f"the network has transform_input=True, which expects pictures of ImageNet's mean, but "
            f"recipe {recipe.name} normalises by mean {recipe.mean}; set "
            "model.transform_input = False, or use the mean and std of recipe imagenet",
            stacklevel=5,  # two decorators and `fit` lie between
        )


def _refuse_other_classes(network: GoogLeNet, data: Data) -> None:
    """Ask the network itself, whose last layers may have been replaced by hand."""
    training, wanted = network.training, len(data.classes)
    size, like = data.image_size, next(network.parameters())
    try:
        with torch.no_grad():
            outputs = network.eval().all_outputs(like.new_zeros(1, 3, size, size))
    except RuntimeError as error:
        raise UsageError(
            f"the network cannot take the pictures of {data.name}, {size} pixels a side: {error}"
        ) from error
    network.train(training)
    for name, logits in outputs._asdict().items():
        if logits is not None and logits.shape != (1, wanted):
            which = (
                "" if name == "logits" else f" in its head (model.{name.replace('_logits', '')})"
            )
            raise UsageError(
                f"the network tells {logits.shape[-1]} classes apart{which}, but {data.name} has "
                f"{wanted}; use num_classes={wanted}, or model.replace_classifier({wanted})"
            )


def _warn_of_changes_by_hand(network: GoogLeNet, info: WeightsInfo) -> None:
    try:
        with torch.device("meta"):
            check_form(strip_wrapper_names(network.state_dict()), network_of(info).state_dict())
        if type(network) is not GoogLeNet:
            raise ValueError(f"it is a {type(network).__name__}")
    except ValueError as error:
        warnings.warn(
            f"the network was changed by hand after it was made ({error}): it is trained and "
            "saved, but its weights can only be loaded into a network that was changed so again, "
            "by load_state_dict",
            stacklevel=5,  # two decorators and `fit` lie between
        )


# ---- going on from a checkpoint ------------------------------------------------------------------

MOMENTS = {"adam": {"step", "exp_avg", "exp_avg_sq"}, "sgd": {"momentum_buffer"}, "muon": {"speed"}}
RECORD = {
    "epoch": 1,
    "lr": 0.0,
    **{f"{side}_{f.name}": 0.0 for side in ("train", "val") for f in fields(Metrics)},
    "seconds": 0.0,
}


def _going_on(trainer: Trainer, state: dict[str, Any], path: Path) -> dict[str, Tensor]:
    """Let `trainer` go on from what `path` held; the weights of the best epoch.

    Raises UsageError where that does not fit, before anything is made from it.
    """
    fresh = {**trainer.state_dict(), "best": trainer.trained.state_dict()}
    with refuse_damage(path, "a checkpoint", ANEW):
        check_form(dict.fromkeys(state, 0), dict.fromkeys([*fresh, "identity"], 0))
        check_finite(state)
        for name in ("model", "average", "best"):
            if state[name] and fresh[name]:
                state[name] = match_names(state[name], fresh[name])
            check_form(state[name], fresh[name], name)
        check_form(state["order"], fresh["order"], "order")
        cpu = [[{"cpu": one["cpu"]} for one in side["random"]] for side in (state, fresh)]
        check_form(*cpu, "random")  # another device has generators of its own beside it
        _check_history(state["history"], trainer)
        steps = len(state["history"]) * len(trainer.train_batches)
        at = {"last_epoch": steps, "_step_count": steps + 1, "_last_lr": None}
        _check_settings(state["scheduler"], fresh["scheduler"], at, "scheduler")
        _check_optimiser(state["optimiser"], fresh["optimiser"], trainer)
        state["scaler"] = state["scaler"] or fresh["scaler"]  # of another device: a new one
        trainer.load_state_dict(state)
    return state["best"]


def _check_history(history: list[dict[str, float]], trainer: Trainer) -> None:
    check_form(history, [RECORD] * len(history), "history")
    epochs = [record["epoch"] for record in history]
    if (
        not history
        or epochs != [*range(1, len(history) + 1)]
        or len(history) > trainer.recipe.epochs
    ):
        raise ValueError(f"its history is of epochs {epochs}")


def _check_settings(found: dict, fresh: dict, moved: dict[str, Any], name: str) -> None:
    """Refuse settings other than those of this run; other versions of torch may have fewer.

    `moved` are those that training moves, each with where it has come to or None.
    """
    for key in fresh:
        if key in found or not (fresh[key] is None or fresh[key] is False):
            check_form(found.get(key), fresh[key], f"{name} {key!r}")
            expected = moved.get(key, fresh[key])
            if found[key] != expected and expected is not None:
                raise ValueError(f"{name} {key!r} is {found[key]}; expected {expected}")


def _check_optimiser(found: dict, fresh: dict, trainer: Trainer) -> None:
    groups = found["param_groups"]
    if len(groups) != len(fresh["param_groups"]):
        raise ValueError(f"its optimiser has {len(groups)} groups")
    for group, expected in zip(groups, fresh["param_groups"], strict=True):
        _check_settings(group, expected, {"lr": None}, "optimiser")
    parameters = [p for group in trainer.optimiser.param_groups for p in group["params"]]
    for index, moments in found["state"].items():
        if (
            index not in range(len(parameters))
            or moments.keys() != MOMENTS[trainer.recipe.optimiser]
        ):
            raise ValueError(f"its optimiser keeps {[*moments]} of parameter {index}")
        for name, moment in moments.items():
            like = torch.tensor(0.0) if name == "step" else parameters[index]
            check_form(moment, like, f"optimiser {index} {name!r}")


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
        split=describe_split(data),
    )


def describe_split(data: Data) -> Split:
    """Which pictures are held back, as a later evaluation has to know."""
    digests = (side.digest()[:DIGITS] for side in (data.validation, data.test))
    return Split(data.name, data.checksum, *digests, flat=data.flat, **data.how)


def _last_good(out: Path | None, history: History) -> str:
    if out is None or not history:
        return "No checkpoint had been written"
    return f"The last good checkpoint is {out / LAST}, after epoch {len(history)}"
