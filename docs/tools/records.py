"""Summaries of trainings: a line for each that no lesson shows, in docs/records.json.

    python docs/tools/records.py runs/design-stem-both-0/run.json runs/rate-0.1-0/run.json

adds these runs to the file. The records that lessons draw from are whole, with every epoch, and
come with the library; of the rest the page of measurements needs no more than what stands here.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from pathlib import Path

from blocks import ROOT

from googlenet_lib.errors import UsageError
from googlenet_lib.training.checkpoint import write_atomically
from googlenet_lib.training.run import Run, read_run

RECORDS = ROOT / "docs" / "records.json"


@dataclass(frozen=True)
class Record:
    """What the page of measurements says of one training."""

    name: str  # with the seed at its end
    recipe: str
    variant: str
    data: str
    epochs: int
    training_pictures: int
    validation_pictures: int
    seed: int
    validation_accuracy: float  # of the best epoch
    test_accuracy: float
    best_epoch: int
    test_accuracy_last: float
    test_accuracy_flips: float | None
    train_accuracy: float  # in the last epoch, of pictures as they were changed
    validation_accuracy_last: float
    seconds: float
    fastest_epoch: float  # seconds
    device: str
    torch: str
    date: str
    command: str


def summarise(name: str, run: Run) -> Record:
    """Leave of a run what the page needs."""
    alike = {f.name for f in fields(Record)} & {f.name for f in fields(Run)}
    return Record(
        name=name,
        train_accuracy=run.history[-1]["train_accuracy"],
        validation_accuracy_last=run.history[-1]["val_accuracy"],
        fastest_epoch=min(epoch["seconds"] for epoch in run.history),
        torch=run.versions["torch"],
        **{field: getattr(run, field) for field in alike},
    )


def read_records() -> list[Record]:
    """Read the trainings that stand in the file alone."""
    return [Record(**record) for record in json.loads(RECORDS.read_text(encoding="utf-8"))]


def write_records(records: Iterable[Record]) -> None:
    """Write the file, a line a training, in the order of their names."""
    lines = [json.dumps(asdict(r)) for r in sorted(records, key=lambda record: record.name)]
    write_atomically(RECORDS, ("[\n" + ",\n".join(lines) + "\n]\n").encode())


def read_groups(runs: Mapping[str, Run]) -> dict[str, list[Record]]:
    """Put the library's `runs` beside those of the file; a group differs in its seed alone."""
    whole = [summarise(name, run) for name, run in runs.items()]
    records = sorted([*whole, *read_records()], key=lambda record: record.name)
    grouped = groupby(records, key=lambda record: record.name.rpartition("-")[0])
    return {group: list(found) for group, found in grouped}


def main(arguments: list[str] | None = None) -> int:
    """Add the runs whose files are named; one that is there already is replaced."""
    parser = argparse.ArgumentParser(prog="python docs/tools/records.py", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="files that train or a benchmark wrote")
    added = {}
    for path in parser.parse_args(arguments).runs:
        name = path.parent.name if path.name == "run.json" else path.stem
        try:
            added[name] = summarise(name, read_run(path))
        except UsageError as error:
            print(f"error: {error}; nothing was added", file=sys.stderr)
            return 2
    kept = [record for record in read_records() if record.name not in added]
    write_records([*kept, *added.values()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
