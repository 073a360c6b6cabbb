"""The command line of a module that records what takes long: nothing is replaced unasked."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path


def run(
    record: Callable[[Path], None],
    recorded: Path,
    about: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Let `record` write what comes with the library as `recorded`, or another file.

    `about` is the module's docstring, and `recorded` is called as the module is.
    """
    recorded = Path(str(recorded))
    parser = argparse.ArgumentParser(
        prog=f"python -m googlenet_lib.{recorded.stem}", description=about.splitlines()[0]
    )
    parser.add_argument(
        "--out", type=Path, default=recorded, metavar="FILE", help=f"default: {recorded}"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    given = parser.parse_args(arguments)
    if given.out.exists() and not given.overwrite:
        parser.error(
            f"{given.out} is there already; add --overwrite to replace it, or --out FILE to write "
            "another"
        )
    if not os.access(given.out.parent, os.W_OK):
        parser.error(f"{given.out.parent} cannot be written to; give another place by --out FILE")
    record(given.out)
    print(f"wrote {given.out}")
