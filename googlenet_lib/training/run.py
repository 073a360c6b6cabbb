"""The record of a training run: what was measured, on what, when. One JSON file a run.

Reading one needs neither the training loop nor the data.
"""

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import parse_dataclass, read_json, refuse_damage
from googlenet_lib.network.weights import Split
from googlenet_lib.training.checkpoint import write_atomically

RECORDED = files("googlenet_lib") / "assets" / "runs"

History = list[dict[str, float]]  # a record an epoch


@dataclass(frozen=True)
class Result:
    """What `fit` returns: a record an epoch, and the test accuracies once training has ended."""

    history: History
    best_epoch: int  # highest validation accuracy, the first of equals
    test_accuracy: float  # of the best epoch's weights
    test_accuracy_last: float
    test_accuracy_flips: float | None = None  # best epoch, each picture with its mirror image


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
    history: History
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
        """Return one line to print below a figure: where its numbers come from."""
        return (
            f"recorded run: recipe {self.recipe}, variant {self.variant}, {self.data}, "
            f"seed {self.seed}, {self.epochs} epochs in {self.seconds / 60:.0f} minutes on "
            f"{self.device}, torch {self.versions['torch']}, {self.date}"
        )


def find_best_epoch(history: History) -> int:
    """Return the epoch of the highest validation accuracy; the first, where several are equal."""
    return int(max(history, key=lambda record: record["val_accuracy"])["epoch"])


def read_run(path: Path) -> Run:
    """Read the run that a JSON file holds. Raises UsageError for a file that holds none."""
    advice = "expected the run.json that train wrote"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read as a recorded run ({error.strerror}); {advice}"
        ) from error
    with refuse_damage(path, "a recorded run", advice):
        run = parse_dataclass(Run, read_json(content))
        for name, fits in (
            ("best_epoch", 1 <= run.best_epoch <= len(run.history)),
            ("history", all("val_accuracy" in record for record in run.history)),
            ("versions", "torch" in run.versions),
        ):
            if not fits:
                raise ValueError(f"{name} is not that of a run: {getattr(run, name)}")
    return run


def find_run(name: str) -> Run:
    """Read a run that comes with the library, such as "classroom-0"."""
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        raise UsageError(f"no recorded run is called {name!r}; there are {', '.join(list_runs())}")
    return read_run(path)


def list_runs() -> list[str]:
    """List the names of the runs that come with the library."""
    return sorted(p.name.removesuffix(".json") for p in RECORDED.iterdir() if p.suffix == ".json")
