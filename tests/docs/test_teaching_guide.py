"""What the teaching guide says of the notebooks is what stands in them."""

import re

import nbformat
import pytest
from command_line import parse
from course_map import (
    GLOSSARY,
    GUIDE,
    TO_FILL_IN,
    Section,
    all_sections,
    block,
    marked,
    notebooks,
    plain,
    refreshed,
    rows,
    walk,
)

from googlenet_lib.course.kit.exercise import find_exercise, find_prediction
from googlenet_lib.course.lessons import LESSONS

TEXT = GUIDE.read_text(encoding="utf-8")
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in (GUIDE, GLOSSARY)}
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
ID = re.compile(r"\b0\d\.(?:\d+|[a-z])\b")
HEADINGS = {f"{lesson.name}.ipynb": lesson.heading for lesson in LESSONS}


@pytest.fixture(scope="module")
def sections():
    return all_sections()


# ---- links, of the glossary too ------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page, sections):
    for label, target in set(LINK.findall(PAGES[page])):
        if target.startswith("https://"):
            continue
        if "#" in target:
            assert target in sections, f"no heading is at {target!r}"
            title = plain(sections[target].title)
            assert label == title or label.endswith(f" · {title}"), "the label is the heading"
        else:
            assert label == HEADINGS[target], "the label is the notebook's heading"


def test_linked_headings_stand_once():
    """JupyterLab goes to the first of two headings of one name."""
    everything = [one.target for path in notebooks() for one in walk(path)[0]]
    linked = {target for page in PAGES.values() for _, target in LINK.findall(page)}
    assert [target for target in linked if everything.count(target) > 1] == []


def test_the_anchor_is_jupyterlabs():
    heading = Section("02_x", 2, "2. The same as `nn.Linear`, or not?")
    assert heading.target == "02_x.ipynb#2.-The-same-as-nn.Linear,-or-not?"


# ---- tables --------------------------------------------------------------------------------------


def test_tables_and_links_are_the_notebooks():
    assert refreshed(TEXT) == TEXT, "run python tests/course_map.py, and look at what it changed"


def test_a_link_follows_the_number_of_its_section():
    link = "[06 · 4. An old heading](06_train_on_cifar10.ipynb#4.-An-old-heading)"
    there = "[06 · 4. The loop, by hand](06_train_on_cifar10.ipynb#4.-The-loop,-by-hand)"
    assert refreshed(TEXT + link).endswith(there)
    assert TO_FILL_IN.search(refreshed(f"{TEXT}[06 · 99. Gone](x)"))


def test_nothing_is_left_to_fill_in():
    assert [line for line in TEXT.splitlines() if TO_FILL_IN.search(line)] == []


@pytest.mark.parametrize("kind", ["questions", "myths"])
def test_every_mark_of_the_notebooks_has_its_row(kind):
    numbers = [int(row[0]) for row in rows(block(TEXT, kind))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {*marked(kind)} <= {*numbers}


def test_exercises_and_predictions_that_are_named_exist():
    for id in set(ID.findall(TEXT)):
        (find_exercise if id[3].isdigit() else find_prediction)(id)


@pytest.mark.parametrize(("plan", "minutes"), [("Ninety minutes", 90), ("Half a day", 210)])
def test_a_plan_takes_its_time(plan, minutes):
    text = re.search(rf"^## {plan}\n(.*?)^## ", TEXT, re.MULTILINE | re.DOTALL)[1]
    assert sum(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE))) == minutes


# ---- what a teacher types ------------------------------------------------------------------------


def test_command_lines_are_understood():
    lines = re.findall(r"python -m googlenet_lib (\w+)(.*?)[`\n]", TEXT)
    assert lines
    for command, options in lines:
        parse(f"{command} {options}")


def test_switches_are_off_and_are_named():
    for path in notebooks():
        code = path.read_text(encoding="utf-8")
        for switch, value in re.findall(r'^ *"(RUN_[A-Z]+) = (\w+)', code, re.MULTILINE):
            assert value == "False", switch
            assert f"`{switch}`" in TEXT


def test_handed_in_notebooks_are_counted(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "handed_in").mkdir()
    for name, said in {
        "ada": "00.1 correct: branches are stacked\n00.2 not yet: it gave 3\n00.1 correct: again\n",
        "bob": "00.1 correct: branches are stacked\n00 predictions: 1 of 2 right, of 3 to make\n",
    }.items():
        cell = nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("stream", text=said)])
        notebook = nbformat.v4.new_notebook(cells=[cell])
        nbformat.write(notebook, tmp_path / "handed_in" / f"{name}.ipynb")
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert capsys.readouterr().out.splitlines() == [
        "ada solved 00.1 |",
        "bob solved 00.1 | 00 predictions: 1 of 2 right, of 3 to make",
        "solved by how many: {'00.1': 2}",
    ]
