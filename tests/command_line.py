"""Command lines as the library's own parser reads them, for tests."""

import shlex
from types import SimpleNamespace

import typer

from googlenet_lib.__main__ import PROGRAM, app


def parse(line: str) -> SimpleNamespace:
    """Read "python -m googlenet_lib train --seed 1", with or without its first words."""
    name, *words = shlex.split(line.removeprefix(PROGRAM))
    command = typer.main.get_command(app).commands[name]
    return SimpleNamespace(**command.make_context(name, words).params)
