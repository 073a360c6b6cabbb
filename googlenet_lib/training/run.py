"""Recorded runs: what was measured, on what, when. One JSON file a run."""

import datetime
import json
import warnings
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from googlenet_lib.data import Data, ImageSet, PictureFiles, load
from googlenet_lib.data.load import OtherSize, is_flat, load_whole
from googlenet_lib.device import describe_device, list_versions
from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import parse_dataclass, read_json, refuse_damage
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.weights import Split, WeightsInfo
from googlenet_lib.training.checkpoint import RUN_FILE, write_atomically
from googlenet_lib.training.fit import DIGITS, Result, describe_split
from googlenet_lib.training.recipes import Recipe

HOW = ("stratified", "split_seed", "stream")  # the options of `load` that decide the sides
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
    split: Split | None = None  # which pictures were held back; None in records of older versions

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
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read as a recorded run ({error.strerror}); expected the run.json "
            "that train wrote"
        ) from error
    with refuse_damage(path, "a recorded run", "expected the run.json that train wrote"):
        return _check(parse_dataclass(Run, read_json(content)))


def _check(run: Run) -> Run:
    for name, fits in (
        ("best_epoch", 1 <= run.best_epoch <= len(run.history)),
        ("history", all("val_accuracy" in epoch for epoch in run.history)),
        ("versions", "torch" in run.versions),
    ):
        if not fits:
            raise ValueError(f"{name} is not that of a run: {getattr(run, name)}")
    return run


def find_run(name: str) -> Run:
    """A run that comes with the library, such as "classroom-0"."""
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        here = ", ".join(list_runs())
        raise UsageError(f"no recorded run is called {name!r}; there are {here}")
    return read_run(path)


def list_runs() -> list[str]:
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
        device=describe_device(device),
        versions=list_versions(),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        seconds=sum(epoch["seconds"] for epoch in result.history),
        command=command,
        history=result.history,
        best_epoch=result.best_epoch,
        validation_accuracy=result.history[result.best_epoch - 1]["val_accuracy"],
        test_accuracy=result.test_accuracy,
        test_accuracy_last=result.test_accuracy_last,
        test_accuracy_flips=result.test_accuracy_flips,
        split=describe_split(data),
    )


@dataclass(frozen=True)
class HeldOut:
    """Pictures to measure weights on, what they are called, and what a reader must know of them."""

    pictures: ImageSet | PictureFiles
    classes: tuple[str, ...]
    says: str  # such as "test pictures of pets"
    note: str = ""


def load_held_out(
    path: Path, info: WeightsInfo, name: str | Path, side: str | None = None
) -> HeldOut:
    """What the run behind the weights in `path` kept from training, out of the data `name`.

    The sides are drawn as that run drew them; without a `side` it is the test side. A folder
    without sides that the run was not trained on is taken whole, unless a side is asked for.
    """
    split = info.split or _describe_older_split(path)
    whole = side is None and is_flat(name)
    side = side or "test"
    data, told = None, []
    if not whole or (split and split.flat):
        with warnings.catch_warnings(record=True) as told:
            data = _split_again(info, split, name, whole)
    own = data is not None and split is not None and data.checksum == split.checksum
    if own or not whole:  # else what was said is of a split that is not used
        for one in told:
            warnings.warn(one.message, stacklevel=2)
    unsure = f"{path} does not say what it was trained on"
    if split:
        unsure = f"{name} is not the data that {path} was trained on, or was changed since"
    unsure += ": an accuracy on pictures that were seen in training is too high"
    if whole and not own:
        classes, pictures = load_whole(Path(name), size=info.image_size)
        return HeldOut(pictures, classes, f"pictures of {Path(name).name}", unsure)
    if own and split.limit:
        data = data.limit(split.limit)
    pictures, note = getattr(data, side), ""
    if not own:
        if split or data.flat or side == "validation":
            note = unsure
    elif not split.validation:
        if data.flat or side == "validation":
            note = (
                f"{path} is of an older version, which did not keep how it split its data: the "
                f"{side} side is the one of train without --stratified and --stream"
            )
    elif side != "train" and pictures.digest()[:DIGITS] != getattr(split, side):
        raise UsageError(
            f"the {side} side of {name} cannot be found again: this version draws another one "
            f"than the run of {path} had; evaluate it by the version that trained it"
        )
    return HeldOut(pictures, data.classes, f"{side} pictures of {data.name}", note)


def _split_again(
    info: WeightsInfo, split: Split | None, name: str | Path, whole: bool
) -> Data | None:
    """The data `name`, split as a run split its own; None where they are too few and `whole`."""
    how = {option: getattr(split, option) for option in HOW} if split else {}
    try:
        return load(name, size=info.image_size, **how)
    except OtherSize:
        return load(name, **how)
    except UsageError:
        if whole:
            return None
        raise


def _describe_older_split(path: Path) -> Split | None:
    """What the record beside weights of an older version says of their data."""
    try:
        run = read_run(path.with_name(RUN_FILE))
    except UsageError:
        return None
    most = max(run.training_pictures, run.validation_pictures, run.test_pictures)
    return Split(run.data, run.data_checksum, "", "", flat=True, limit=most)
