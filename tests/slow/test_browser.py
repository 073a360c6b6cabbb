"""What the browser's test expects of a notebook, and what it says where no browser is."""

import importlib
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def explorers(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "slow" / "browser")
    yield importlib.import_module("explorers")
    del sys.modules["explorers"]


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("sources", "shown"),
    [
        (("explore_a(1)",), {0: ["explore_a"]}),
        (("x = library.explore_a()\nx",), {0: ["explore_a"]}),
        (("x = explore_a()", "%pip install y\nx"), {1: ["explore_a"]}),
        (("display(explore_a(), explore_b())\n1",), {0: ["explore_a", "explore_b"]}),
        (("x = explore_a()\nx\nx.children",), {}),
        (("x = explore_a()\nx = 1\nx",), {}),
        (("from library import explore_a\nexplore(1)",), {}),
    ],
)
def test_explorers_that_a_cell_shows(explorers, sources, shown):
    assert explorers.shown_explorers(notebook(*sources)) == shown


def test_notebooks_with_explorers_are_opened(explorers):
    opened = {path.stem.split("_")[0] for path in explorers.chosen(None)}
    assert {"00", "02", "03", "04", "05"} <= opened


def test_another_notebook_is_refused(explorers, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["explorers.py", "--notebook", "99_absent.ipynb"])
    assert explorers.main() == 2
    assert "99_absent.ipynb came; expected one of 00_start_here.ipynb" in capsys.readouterr().err


def test_it_says_what_to_install(explorers, monkeypatch, capsys):
    for name in ("playwright", "playwright.sync_api"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(sys, "argv", ["explorers.py"])
    assert explorers.main() == 2
    said = capsys.readouterr().err
    assert "pip install playwright && playwright install chromium" in said


def test_the_words_that_differ_are_shown(explorers):
    assert explorers.difference("the radius is 8, so", "the radius is 12") == "8, so → 12"


def test_the_workflow_runs_it():
    workflow = (ROOT / ".github" / "workflows" / "browser.yml").read_text(encoding="utf-8")
    assert "run: python tests/slow/browser/explorers.py" in workflow
