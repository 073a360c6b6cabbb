"""Four short trainings on digits that differ in one thing: three of them go wrong.

    python -m googlenet_lib.course.nb06.four_runs --overwrite

trains them anew and writes `four_runs.json`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from googlenet_lib.course.kit import recorder
from googlenet_lib.data import Data, load
from googlenet_lib.device import seed_everything
from googlenet_lib.network.pretrained import googlenet
from googlenet_lib.training.fit import fit
from googlenet_lib.training.recipes import CLASSROOM, Recipe

RECORDED = Path(__file__).with_name("four_runs.json")
IMAGES, SEED, WIDTH = 320, 0, 0.25
RECIPE = replace(CLASSROOM, epochs=24, batch_size=64)
TRUTH = {
    "A": "learning rate too low",
    "B": "training labels shuffled",
    "C": "healthy",
    "D": "validation images also in training",
}
CAUSES = ("healthy", *sorted({*TRUTH.values()} - {"healthy"}))


@dataclass(frozen=True)
class Course:
    """The accuracies of one run, epoch by epoch."""

    cause: str
    train: tuple[float, ...]
    validation: tuple[float, ...]


def set_up(cause: str) -> tuple[Data, Recipe]:
    """Return data and recipe with the one change that `cause` names."""
    digits = load("digits")
    data = replace(digits.limit(IMAGES), validation=digits.validation)
    if cause == "learning rate too low":
        return data, replace(RECIPE, lr=1e-5)
    if cause == "training labels shuffled":
        order = torch.randperm(IMAGES, generator=torch.Generator().manual_seed(SEED))
        return replace(data, train=replace(data.train, labels=data.train.labels[order])), RECIPE
    if cause == "validation images also in training":
        return replace(data, validation=data.train[: len(data.validation)]), RECIPE
    return data, RECIPE


def record(path: Path) -> None:
    """Train the four and write them to `path`."""
    courses = []
    for cause in TRUTH.values():
        data, recipe = set_up(cause)
        seed_everything(SEED)
        model = googlenet("classroom", num_classes=10, width=WIDTH)
        history = fit(model, data, recipe, seed=SEED, device="cpu", report=None).history
        accuracies = [
            tuple(round(epoch[side], 3) for epoch in history)
            for side in ("train_accuracy", "val_accuracy")
        ]
        courses.append(Course(cause, *accuracies))
    settings = {"data": "digits", "images": IMAGES, "epochs": RECIPE.epochs, "seed": SEED}
    recorder.save(path, settings, courses)


def recorded() -> dict[str, Course]:
    """Load the recorded runs, by their letters."""
    courses = {course.cause: course for course in recorder.load(RECORDED, Course)[1]}
    return {letter: courses[cause] for letter, cause in TRUTH.items()}


if __name__ == "__main__":
    recorder.run(record, RECORDED, __doc__)
