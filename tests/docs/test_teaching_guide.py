"""What the teaching guide says of the notebooks is what stands in them."""

import re

import course_map
import nbformat
import pytest
from command_line import parse
from course_map import (
    GLOSSARY,
    GUIDE,
    NOTEBOOKS,
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

TEXT = GUIDE.read_text(encoding="utf-8")
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
FIGURE = re.compile(r"(?<![\w.,])\d(?:[\d,.]*\d)(?!\w)")  # of two digits at least
ID = re.compile(r"\b0\d\.(?:\d+|[a-z])\b")
NUMBER = re.compile(r"0\d")  # of a notebook
HERE = f"{TEXT}\n{GLOSSARY.read_text(encoding='utf-8')}"


@pytest.fixture(scope="module")
def sections():
    return all_sections()


def section(heading):
    """The text of the guide below a heading that begins so, up to the next."""
    return re.search(rf"^## {heading}.*?\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def tables():
    """Every row of the guide that names a section, but for the tables that a program writes."""
    text = TEXT
    for name in course_map.TABLES:
        text = text.replace(block(text, name), "")
    return [row for row in course_map.ROW.findall(text) if ".ipynb" in row]


# ---- links, of the glossary too ------------------------------------------------------------------


def test_links_lead_somewhere(sections):
    for label, target in set(LINK.findall(HERE)):
        name, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        assert (NOTEBOOKS / name).is_file(), target
        if anchor:
            assert target in sections, f"no heading in {name} gives {anchor!r}"
            title = plain(sections[target].title)
            assert label in (title, f"{name[:2]} · {title}"), "the label is the heading"
        elif name.endswith(".ipynb"):
            assert label == walk(NOTEBOOKS / name)[0][0].title, "the label is the notebook's title"


def test_linked_headings_stand_once(sections):
    """JupyterLab goes to the first of two headings of one name."""
    everything = [one.target for path in notebooks() for one in walk(path)[0]]
    linked = {target for _, target in LINK.findall(HERE) if "#" in target and "http" not in target}
    assert [target for target in linked if everything.count(target) > 1] == []


def test_the_anchor_is_jupyterlabs():
    heading = course_map.Section("02_x", 2, "2. The same as `nn.Linear`, or not?")
    assert heading.target == "02_x.ipynb#2.-The-same-as-nn.Linear,-or-not?"


# ---- tables --------------------------------------------------------------------------------------


def test_tables_are_the_notebooks():
    assert refreshed(TEXT) == TEXT, "run python tests/course_map.py, and look at what it changed"


def test_nothing_is_left_to_fill_in():
    assert [line for line in TEXT.splitlines() if re.search(r"\| \? (?=\|)", line)] == []


def test_marked_misconceptions_are_settled_where_the_guide_says():
    answers = {int(row[0]): row[-1] for row in rows(section("Misconceptions"))}
    for number, places in marked("myths").items():
        assert any(place.target in answers[number] for place in places), number


def test_figures_stand_in_the_section_that_is_linked(sections):
    for row in tables():
        targets = [target for _, target in LINK.findall(row)]
        text = "".join(
            sections[target].text if "#" in target else walk(NOTEBOOKS / target)[0][0].text
            for target in targets
        )
        for figure in FIGURE.findall(ID.sub("", LINK.sub("", row.split(" | ", 1)[1]))):
            if not NUMBER.fullmatch(figure):
                stands = re.search(rf"(?<![\d.,]){re.escape(figure)}(?!\d|[.,]\d)", text)
                assert stands, f"{figure} of {row}"


def test_exercises_and_predictions_that_are_named_exist():
    for id in set(ID.findall(TEXT)):
        (find_exercise if id[3].isdigit() else find_prediction)(id)


# ---- what a teacher types ------------------------------------------------------------------------


def test_command_lines_are_understood():
    lines = re.findall(r"python -m googlenet_lib (\w+)(.*?)[`\n]", TEXT)
    assert {command for command, _ in lines} == {"train", "doctor"}
    for command, options in lines:
        parse(f"{command} {options}")


def test_switches_that_download_are_off():
    for number, switch in (("04", "RUN_IMAGENET"), ("06", "RUN_FULL")):
        (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
        assert f"{switch} = False" in walk(path)[0][0].text
        assert f"`{switch}` in notebook {number}" in TEXT


def test_handed_in_notebooks_are_counted(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "handed_in").mkdir()
    for name, said in {
        "ada": "00.1 correct: branches are stacked\n00.2 not yet: it gave 3\n00.1 correct: again\n",
        "bob": "00.1 correct: branches are stacked\n00 predictions: 1 of 2 right, of 3 to make\n",
    }.items():
        cell = nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("stream", text=said)])
        nbformat.write(
            nbformat.v4.new_notebook(cells=[cell]), tmp_path / "handed_in" / f"{name}.ipynb"
        )
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert capsys.readouterr().out.splitlines() == [
        "ada solved 00.1 |",
        "bob solved 00.1 | 00 predictions: 1 of 2 right, of 3 to make",
        "solved by how many: {'00.1': 2}",
    ]
