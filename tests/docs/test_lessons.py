"""The course as data agrees with the notebooks that are there."""

import re
from pathlib import Path

import nbformat
import pytest

from googlenet_lib.course.lessons import CORE, DIVES, LESSONS

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_core_lessons_are_numbered_in_order():
    assert [lesson.number for lesson in CORE] == [f"{n:02}" for n in range(len(CORE))]


def test_dives_deepen_a_core_lesson():
    assert {dive.deepens for dive in DIVES} <= {lesson.number for lesson in CORE}
    assert all(dive.name.startswith("deep_") for dive in DIVES)


def test_lessons_are_the_notebooks_that_exist():
    names = [lesson.name for lesson in LESSONS]
    assert sorted(names) == sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_notebook_opens_with_its_heading_and_its_question(lesson):
    opening = nbformat.read(NOTEBOOKS / f"{lesson.name}.ipynb", as_version=4).cells[0].source
    assert opening.startswith(f"# {lesson.heading}\n")
    assert re.search(rf"\*\*{re.escape(lesson.question)}\*\*", opening)
