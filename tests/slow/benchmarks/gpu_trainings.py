"""Trainings that end in time: as many epochs as fit, by a pace that was measured before."""

import copy
import time
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch
from gpu_budget import Row, free, in_a_line, log
from gpu_scale import Kit
from gpu_turns import arithmetic
from gpu_ways import EAGER, GRAPHED, InGraphs, trainer_of
from torch.nn import functional as F
from training_step import synchronise

from googlenet_lib.data import Data, ImageSet
from googlenet_lib.device import keep_freed_memory
from googlenet_lib.network.weights import round_to_half, weights_to_bytes
from googlenet_lib.training.checkpoint import write_atomically
from googlenet_lib.training.describe import describe_weights
from googlenet_lib.training.fit import format_epoch
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import Recipe
from googlenet_lib.training.run import History

TARGET = 0.94
MOST_EPOCHS = 10_000


def recipe_of(base: Recipe, settings: Row) -> tuple[Recipe, float]:
    """(`base` with `settings`, the width among them)."""
    changes = dict(settings)
    width = changes.pop("width")
    return replace(base, **changes), width


def pace_of(kit: Kit, data: Data, base: Recipe, settings: Row, variant: str) -> Row:
    """Seconds that an epoch takes, as it is and in CUDA graphs. Measured once for each kind."""
    recipe, width = recipe_of(base, settings)
    kind = (variant, width, data.image_size, recipe.batch_size)
    if kind not in kit.paces:
        kit.paces[kind] = measured_pace(kit, data, recipe, width, variant)
    return kit.paces[kind]


def measured_pace(kit: Kit, data: Data, recipe: Recipe, width: float, variant: str) -> Row:
    """The pace of a few steps in each way, and of one look at validation."""
    some = replace(data, train=data.train[: kit.scale.pace_steps * recipe.batch_size])
    once = replace(recipe, epochs=1)
    trainer = trainer_of(some, once, kit.device, variant=variant, width=width)

    def training() -> float:
        trainer.scheduler.last_epoch = 0  # small pictures first, as in a whole training
        begun = time.perf_counter()
        trainer.train_epoch()  # waits at its end
        return (time.perf_counter() - begun) * len(data.train) / len(some.train)

    def validation() -> float:
        begun = time.perf_counter()
        trainer.evaluate(trainer.validation_batches)
        return time.perf_counter() - begun

    training(), validation()  # to warm up
    look = validation()
    pace = {EAGER: training() + look, GRAPHED: None, "way": EAGER}
    network, reason = kit.attempt(GRAPHED, lambda: InGraphs(trainer, sizes_of(recipe, data)))
    if network:
        trainer.network = network
        training()
        pace[GRAPHED] = training() + look
        pace["way"] = min((EAGER, GRAPHED), key=pace.get)
    return pace | {"epoch": pace[pace["way"]], "why_not_in_graphs": reason}


def sizes_of(recipe: Recipe, data: Data) -> list[int]:
    """The sizes that the network sees in a training."""
    return [*([recipe.shrink] if recipe.shrink else []), data.image_size]


def trained(
    kit: Kit,
    data: Data,
    base: Recipe,
    settings: Row,
    *,
    seed: int,
    variant: str = "small",
    **options: Any,
) -> tuple[Row, Trainer | None]:
    """A row of one training, and its trainer where it went well."""
    free(kit.device)  # graphs of a training before this one hold on to their memory
    work = partial(train, kit, data, base, settings, seed=seed, variant=variant, **options)
    found, reason = kit.attempt(f"training by {settings}, seed {seed}", work)
    row, trainer = found or ({"reason": reason}, None)
    return {"variant": variant, "settings": settings, "seed": seed, **row}, trainer


def train(
    kit: Kit,
    data: Data,
    base: Recipe,
    settings: Row,
    *,
    seed: int,
    variant: str,
    seconds: float,
    most: int = MOST_EPOCHS,
    test: bool = False,
) -> tuple[Row, Trainer]:
    """Train for as many epochs as fit into `seconds`; test once, at the end, where asked to."""
    recipe, width = recipe_of(base, settings)
    pace = pace_of(kit, data, base, settings, variant)
    recipe = replace(recipe, epochs=min(most, max(1, int(seconds / pace["epoch"]))))
    trainer = trainer_of(data, recipe, kit.device, variant=variant, width=width, seed=seed)
    way = pace["way"]
    if way == GRAPHED:
        network, _ = kit.attempt(GRAPHED, lambda: InGraphs(trainer, sizes_of(recipe, data)))
        trainer.network, way = (network, way) if network else (trainer.network, EAGER)
    history, last = trainer.history, 0.0
    synchronise(kit.device)
    with keep_freed_memory(kit.device):
        while len(history) < recipe.epochs and kit.left() > last:
            log.debug(format_epoch(trainer.run_epoch()))
            last = history[-1]["seconds"]
    row = {
        "way": way,
        "validation_accuracy": history[-1]["val_accuracy"],
        "test_accuracy": trainer.test_accuracy(data.test) if test else None,
        "seconds": sum(epoch["seconds"] for epoch in history),
        "seconds_to_target": seconds_to(TARGET, history),
        "epochs": len(history),
        "cut_short": len(history) < recipe.epochs,
        "pace": pace,
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        **arithmetic(trainer.precision.name, recipe.channels_last, kit.device),
        "data": data.name,
        "data_checksum": data.checksum,
        "recipe": asdict(recipe),
        "history": history,
    }
    return row, trainer


def better(best: Row | None, row: Row) -> Row | None:
    """The row of two that has the higher validation accuracy; none that was cut short."""
    if "reason" in row or row["cut_short"]:
        return best
    name = "validation_accuracy"
    return row if best is None or row[name] > best[name] else best


def seconds_to(accuracy: float, history: History) -> float | None:
    """Seconds of training and validation until validation first reached `accuracy`."""
    seconds = 0.0
    for epoch in history:
        seconds += epoch["seconds"]
        if epoch["val_accuracy"] >= accuracy:
            return seconds
    return None


def keep_weights(kit: Kit, trainer: Trainer, data: Data, stem: str) -> str:
    """Write the network without heads, in float16: the name of its file, or why there is none."""
    name = f"{stem}.safetensors"
    try:
        model = copy.deepcopy(trainer.trained).remove_heads()
        info = describe_weights(model, data, trainer.recipe)
        write_atomically(kit.out / name, weights_to_bytes(round_to_half(model.state_dict()), info))
    except Exception as error:  # of any kind: the row is worth more
        return in_a_line(error)
    return name


def enlarged(data: Data, size: int) -> Data:
    """The pictures brought to `size` pixels a side, where they are."""
    if size == data.image_size:
        return data
    sides = {}
    for name in ("train", "validation", "test"):
        side = getattr(data, name)
        parts = [
            F.interpolate(part.float(), (size, size), mode="bilinear").round().to(torch.uint8)
            for part in side.images.split(1000)
        ]
        sides[name] = ImageSet(torch.cat(parts), side.labels)
    return replace(data, name=f"{data.name}, enlarged to {size} pixels", **sides)
