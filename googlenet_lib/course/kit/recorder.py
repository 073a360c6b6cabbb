"""Recorded experiments: one file format for all of them, and the command that writes a file.

A file is a JSON object with a `head`, which says how the rows came about, and `rows`, one in each
line, so that a change of one row is a change of one line.
"""

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, make_dataclass
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

from googlenet_lib.incoming import parse_dataclass, read_json, refuse_damage
from googlenet_lib.training.checkpoint import write_atomically

Row, Head = TypeVar("Row"), TypeVar("Head")


def save(path: Path, head: Any, rows: Iterable[Any]) -> None:
    """Write `head`, a dict or a dataclass, and `rows`, dataclasses, to `path`, or nothing at all.

    Raises ValueError for NaN and infinities, which JSON doesn't have.
    """
    head = head if isinstance(head, dict) else asdict(head)
    entries = ",\n".join(f"{_dump(name)}: {_dump(value)}" for name, value in head.items())
    lines = ",\n".join(_dump(asdict(row)) for row in rows)
    write_atomically(path, f'{{"head": {{\n{entries}\n}},\n"rows": [\n{lines}\n]}}\n'.encode())


def load(
    path: Path, row: type[Row], head: type[Head] = dict[str, Any]
) -> tuple[Head, tuple[Row, ...]]:
    """Read what `save` has written: the head as a `head`, and each row as a `row`.

    Raises UsageError for a file that is damaged, or whose fields are others.
    """
    form = make_dataclass("Recording", [("head", head), ("rows", tuple[row, ...])])
    advice = "take it from the repository again, or record it anew"
    with refuse_damage(path, "a recorded experiment", advice):
        recording = parse_dataclass(form, read_json(path.read_bytes()))
    return recording.head, recording.rows


def command_of(record: FunctionType) -> str:
    """Return the command that calls `record`, which is its module's own."""
    return f"python -m {record.__globals__['__spec__'].name}"


def run(
    record: FunctionType,
    recorded: Path,
    about: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Read the command line, and let `record` write to `recorded` or the file that `--out` names.

    A file that is there is replaced with `--overwrite` only. `about` is the module's docstring.
    """
    parser = argparse.ArgumentParser(prog=command_of(record), description=about.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=recorded, metavar="FILE", help=f"default: {recorded}"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    options = parser.parse_args(arguments)
    if options.out.exists() and not options.overwrite:
        parser.error(
            f"{options.out} is there already; name another by --out FILE, or add --overwrite to "
            "replace it"
        )
    if not os.access(options.out.parent, os.W_OK):
        parser.error(f"{options.out.parent} cannot be written to; name another place by --out FILE")
    record(options.out)
    print(f"wrote {options.out}")


def _dump(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
