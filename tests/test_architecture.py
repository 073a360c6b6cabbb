"""The rooms of the library import in one direction, and what needs no torch loads none."""

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import googlenet_lib


def test_rooms_import_in_one_direction():
    """The contracts stand in pyproject.toml."""
    config = Path(__file__).parents[1] / "pyproject.toml"
    assert lint_imports(config_filename=str(config), cache_dir=None) == 0


NO_TORCH = (
    "googlenet_lib",
    "googlenet_lib.network.table1",
    "googlenet_lib.network.variants",
    "googlenet_lib.course.lessons",
    "googlenet_lib.course.nb03.design",
    "googlenet_lib.course.nb03.tower",
    "googlenet_lib.course.nb04.pooling",
    "googlenet_lib.course.nb04.audit",
)


@pytest.mark.parametrize(
    "names",
    [
        *((module, "torch") for module in NO_TORCH),
        # the record of a run is read without what trains, and without data
        ("googlenet_lib.training.run", "googlenet_lib.training.loop", "googlenet_lib.data"),
    ],
)
def test_modules_load_nothing_that_they_do_not_need(names):
    module, *unneeded = names
    code = f"import sys, {module}; print([n for n in {unneeded} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", googlenet_lib.__all__)
def test_public_names_are_there(name):
    assert getattr(googlenet_lib, name).__name__ == name if name != "VARIANTS" else True
    assert name in dir(googlenet_lib)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="'googlenet_lib' has no attribute 'GoogleNet'"):
        _ = googlenet_lib.GoogleNet
