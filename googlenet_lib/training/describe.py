"""What a run says of itself: to whoever loads its weights, evaluates them, or reads its record."""

import datetime
from dataclasses import asdict

import torch

from googlenet_lib.data.imageset import Data
from googlenet_lib.device import describe_device, list_versions
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.weights import Split, WeightsInfo
from googlenet_lib.training.recipes import Recipe
from googlenet_lib.training.run import Result, Run

DIGITS = 12  # of a side's digest


def describe_split(data: Data) -> Split:
    """Say which pictures are held back, as a later evaluation has to know."""
    digests = (side.digest()[:DIGITS] for side in (data.validation, data.test))
    return Split(data.name, data.checksum, *digests, flat=data.flat, **data.how)


def describe_weights(model: GoogLeNet, data: Data, recipe: Recipe) -> WeightsInfo:
    """Say what somebody who loads the weights of this run has to know."""
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


def describe_run(
    model: GoogLeNet,
    data: Data,
    recipe: Recipe,
    result: Result,
    *,
    seed: int,
    device: torch.device,
    command: str,
) -> Run:
    """Make the record of a finished run, dated today."""
    return Run(
        recipe=recipe.name,
        settings=asdict(recipe),
        variant=model.variant.name,
        variant_settings=asdict(model.variant),
        width=model.width,
        heads=model.aux1 is not None,
        parameters=sum(p.numel() for p in model.parameters()),
        data=data.name,
        data_checksum=data.checksum,
        note=data.note,
        training_pictures=len(data.train),
        validation_pictures=len(data.validation),
        test_pictures=len(data.test),
        seed=seed,
        epochs=recipe.epochs,
        device=describe_device(device),
        versions=list_versions(),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        seconds=sum(epoch["seconds"] for epoch in result.history),
        command=command,
        validation_accuracy=result.history[result.best_epoch - 1]["val_accuracy"],
        split=describe_split(data),
        **vars(result),
    )
