"""The states of explorers that pages show have the words that the explorers give today."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "docs" / "tools"))

from explorers import EXPLORERS, describe_control, walk_states  # noqa: E402


@pytest.mark.parametrize("name", EXPLORERS)
def test_states_have_the_words_of_today(name):
    folder = ROOT / "docs" / "_static" / "explorers" / name
    stored = json.loads((folder / "states.json").read_text(encoding="utf-8"))
    box = EXPLORERS[name]()
    controls = [describe_control(control) for control in box.children[0].children]
    assert controls == stored["controls"]
    words = [text for _, text in walk_states(box)]
    assert words == [text for _, text in stored["states"]], "run python docs/tools/explorers.py"
    assert all((folder / file).is_file() for file, _ in stored["states"])
