"""Recorded runs: what was measured, on what, when. One JSON file a run."""

import datetime
import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from googlenet_lib.checkpoints import write_atomically
from googlenet_lib.data import Data
from googlenet_lib.errors import UsageError
from googlenet_lib.fitting import Result
from googlenet_lib.model import GoogLeNet
from googlenet_lib.platforms import device_name, versions
from googlenet_lib.recipes import Recipe

RUN_FILE = "run.json"
RECORDED = files("googlenet_lib") / "assets" / "runs"


@dataclass(frozen=True)
class Run:
    """One training run. Accuracies are shares of 1; `seconds` is the time spent in epochs."""

    recipe: str
    settings: dict[str, Any]  # every field of the recipe, as it was run
    variant: str
    variant_settings: dict[str, Any]  # every field of the variant
    width: float
    heads: bool
    parameters: int
    data: str
    data_checksum: str
    note: str
    training_pictures: int
    validation_pictures: int
    test_pictures: int
    seed: int
    epochs: int
    device: str
    versions: dict[str, str]
    date: str
    seconds: float
    command: str
    history: list[dict[str, float]]
    best_epoch: int
    validation_accuracy: float
    test_accuracy: float  # of the best validation epoch
    test_accuracy_last: float
    weights: str = ""  # the name of the weights that came of it, where they are committed
    weights_sha256: str = ""  # of their file
    test_accuracy_rounded: float | None = None  # of those weights, which are float16
    # of the best epoch, each picture together with its mirror image, where training saw these
    test_accuracy_flips: float | None = None

    def save(self, path: Path) -> None:
        """Write the run as JSON, whole or not at all."""
        write_atomically(path, (json.dumps(asdict(self), indent=1) + "\n").encode())

    def source(self) -> str:
        """Where a figure's numbers come from, in one line to print below it."""
        return (
            f"recorded run: recipe {self.recipe}, variant {self.variant}, {self.data}, "
            f"seed {self.seed}, {self.epochs} epochs in {self.seconds / 60:.0f} minutes on "
            f"{self.device}, torch {self.versions['torch']}, {self.date}"
        )


def read_run(path: Path) -> Run:
    """The run that a JSON file holds."""
    try:
        return Run(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:  # no file, no JSON, not these fields
        raise UsageError(
            f"{path} cannot be read as a recorded run ({error}); expected the run.json that train "
            "wrote"
        ) from error


def recorded_run(name: str) -> Run:
    """A run that comes with the library, such as "classroom-0"."""
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        here = ", ".join(recorded_names())
        raise UsageError(f"no recorded run is called {name!r}; there are {here}")
    return read_run(path)


def recorded_names() -> list[str]:
    """The names of the runs that come with the library."""
    return sorted(p.name.removesuffix(".json") for p in RECORDED.iterdir() if p.suffix == ".json")


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
    """A finished run as it will be kept, dated today."""
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
        device=device_name(device),
        versions=versions(),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        seconds=sum(epoch["seconds"] for epoch in result.history),
        command=command,
        history=result.history,
        best_epoch=result.best_epoch,
        validation_accuracy=result.history[result.best_epoch - 1]["val_accuracy"],
        test_accuracy=result.test_accuracy,
        test_accuracy_last=result.test_accuracy_last,
        test_accuracy_flips=result.test_accuracy_flips,
    )
