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
    numbered,
    plain,
    reading_minutes,
    refreshed,
    revealed,
    rows,
    said_by,
    walk,
)

from googlenet_lib.course.kit.exercise import find_exercise, find_notebook, find_prediction

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


def plan(heading):
    """The rows of the first table below a heading of the guide."""
    return rows(section(heading))


def tables():
    """Every row of the guide that names a section, but for the tables that a program writes."""
    text = TEXT
    for name in course_map.TABLES:
        text = text.replace(block(text, name), "")
    return [row for row in course_map.ROW.findall(text) if ".ipynb" in row]


# ---- links, of the glossary too ------------------------------------------------------------------


@pytest.mark.parametrize(("label", "target"), sorted(set(LINK.findall(HERE))))
def test_links_lead_somewhere(label, target, sections):
    if target.startswith("https://"):
        return
    name, _, anchor = target.partition("#")
    assert (NOTEBOOKS / name).is_file(), target
    if anchor:
        assert target in sections, f"no heading in {name} gives {anchor!r}"
        number, title = name[:2], plain(sections[target].title)
        assert label in (title, f"{number} · {title}"), "the label is the heading"
    elif name.endswith(".ipynb"):
        first = walk(NOTEBOOKS / name)[0][0]
        assert label == first.title, "the label is the notebook's title"


def test_linked_headings_stand_once(sections):
    """JupyterLab goes to the first of two headings of one name."""
    everything = [one.target for path in notebooks() for one in walk(path)[0]]
    linked = {target for _, target in LINK.findall(HERE) if "#" in target and "http" not in target}
    assert [target for target in linked if everything.count(target) > 1] == []


def test_the_anchor_is_jupyterlabs():
    one = course_map.Section("02_x", 2, "2. The same as `nn.Linear`, or not?")
    assert one.target == "02_x.ipynb#2.-The-same-as-nn.Linear,-or-not?"


# ---- tables --------------------------------------------------------------------------------------


def test_tables_are_the_notebooks():
    assert refreshed(TEXT) == TEXT, "run python tests/course_map.py, and look at what it changed"


def test_nothing_is_left_to_fill_in():
    assert [line for line in TEXT.splitlines() if re.search(r"\| \? (?=\|)", line)] == []


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_minutes_of_the_sections_sum_to_those_of_the_notebook(path):
    minutes = {
        course_map.target_of(row[0]): row[1] for row in rows(block(TEXT, "sections"))
    }  # in the order of the notebook
    planned = [
        int(minutes[one.target])
        for one in numbered(walk(path)[0])
        if not one.title.endswith("Exercises")
    ]
    assert sum(planned) == reading_minutes(path), f"{planned} against the opening table"


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_every_prediction_and_exercise_is_listed(path):
    module = find_notebook(path.stem[:2])
    listed = {row[0] for name in ("predictions", "exercises") for row in rows(block(TEXT, name))}
    assert {one.id for one in (*module.PREDICTIONS, *module.EXERCISES)} <= listed


def test_an_answer_is_what_the_notebook_printed():
    shown = {id: answer for id, (answer, _) in revealed().items()}
    assert (shown["03.b"], shown["05.b"]) == ("4,944", "thousands of times")
    for row in rows(block(TEXT, "predictions")):
        assert row[2].startswith(shown[row[0]])


def test_every_question_is_in_the_map_and_every_mark_is_one_of_them():
    numbers = [int(row[0]) for row in rows(block(TEXT, "questions"))]
    assert numbers == list(range(1, 35))
    assert marked("questions").keys() <= set(numbers)


def test_marked_misconceptions_are_settled_where_the_guide_says():
    said = {int(row[0]): row[-1] for row in plan("Misconceptions")}
    assert list(said) == list(range(1, 21))
    for number, places in marked("myths").items():
        assert any(place.target in said[number] for place in places), number


@pytest.mark.parametrize("row", tables())
def test_figures_stand_in_the_section_that_is_linked(row, sections):
    targets = [target for _, target in LINK.findall(row)]
    text = "".join(
        sections[target].text if "#" in target else walk(NOTEBOOKS / target)[0][0].text
        for target in targets
    )
    said = ID.sub("", LINK.sub("", row.split(" | ", 1)[1]))
    for figure in FIGURE.findall(said):
        if not NUMBER.fullmatch(figure):
            assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?!\d|[.,]\d)", text), figure


# ---- plans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "minutes"), [("One lesson", 90), ("Half a day", 210), ("A recorded", 23)]
)
def test_minutes_of_a_plan_sum_to_what_it_promises(heading, minutes):
    assert sum(int(row[0]) for row in plan(heading)) == minutes


def test_four_weeks_lead_through_every_notebook():
    taught = {target.partition("#")[0] for _, target in LINK.findall(section("Four weeks"))}
    assert taught == {path.name for path in notebooks()}
    assert [row[0] for row in plan("Four weeks")] == list("11223344")


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
        "ada": "00.1 correct: lanes are stacked\n00.2 not yet: it gave 3\n00.1 correct: again\n",
        "bob": "00.1 correct: lanes are stacked\n00 predictions: 1 of 2 right, of 3 to make\n",
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


def test_what_is_counted_is_what_check_and_summary_print(capsys):
    from googlenet_lib.course.kit.learner import check, summary

    check("02.1", ([0, -1, 0], 1))
    summary("02")
    said = capsys.readouterr().out
    assert re.search(r"^02\.1 correct", said, re.MULTILINE)
    assert re.search(r"^02 predictions: .*", said, re.MULTILINE)


# ---- the program that writes the tables ----------------------------------------------------------


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Guide and notebooks of one lesson, to be changed."""
    path = tmp_path / "00_start_here.ipynb"
    path.write_bytes((NOTEBOOKS / path.name).read_bytes())
    monkeypatch.setattr(course_map, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(course_map, "GUIDE", tmp_path / GUIDE.name)
    course_map.GUIDE.write_text(refreshed(TEXT), encoding="utf-8")
    return path


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_new_section_and_a_new_answer_are_written_in(copy, capsys):
    change(copy, "## 3. GoogLeNet in one screen", "## 3. Two screens")
    change(copy, "00.a it is 853.", "00.a it is 17.")
    course_map.main()
    text = course_map.GUIDE.read_text(encoding="utf-8")
    assert "| [3. Two screens](00_start_here.ipynb#3.-Two-screens) | ? | ? |" in text
    assert "| 17 (right if within 50) |" in text
    assert "to fill in: | [3. Two screens]" in capsys.readouterr().out
    assert "| [1. A trained network at work](00_start_here.ipynb" in text
    assert "(00_start_here.ipynb#1.-A-trained-network-at-work) | ? |" not in text, "minutes kept"


def test_a_mark_counts_for_the_section_in_which_its_cell_begins(copy):
    notebook = nbformat.read(copy, as_version=4)
    cells = notebook.cells
    (at,) = [i for i, cell in enumerate(cells) if cell.source.startswith("## 3. ")]
    cells[at].source += "\n\n## 99. More\n\n<!-- questions: 33 -->"
    cells[at - 1].source += "\n# no heading, a comment"
    cells.insert(
        at, nbformat.v4.new_markdown_cell("**So.**\n\n## 98. Else\n<!-- questions: 7, 8 -->")
    )
    nbformat.write(notebook, copy)
    found = {
        number: [one.title for one in places] for number, places in marked("questions").items()
    }
    assert found == {7: ["Now you"], 8: ["Now you"], 33: ["3. GoogLeNet in one screen"]}


def test_comments_in_code_are_no_headings(copy):
    titles = [one.title for one in walk(copy)[0]]
    assert titles[0] == "00 · Start here"
    assert not [title for title in titles if title.startswith("solution of")]


def test_said_by_reads_prints_and_descriptions(copy):
    cells = nbformat.read(copy, as_version=4).cells
    said = "".join(said_by(cell) for cell in cells)
    assert "6,998,552 parameters" in said
    assert "GoogLeNet drawn from Table 1" in said
