"""The course as data agrees with the notebooks that are there, and with the README."""

import re
from pathlib import Path

from googlenet_lib.course.lessons import LESSONS

ROOT = Path(__file__).parents[2]


def test_lessons_are_numbered_in_order():
    assert [lesson.number for lesson in LESSONS] == [f"{n:02}" for n in range(11)]


def test_ready_are_the_notebooks_that_exist():
    ready = {lesson.name for lesson in LESSONS if lesson.ready}
    assert ready == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_the_readme_asks_the_same_questions():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (\d\d) \| \[?([\w ]+?)\]?(?:\(.*?\))? \| (.*?) \|", readme, re.MULTILINE
    )
    assert rows == [(lesson.number, lesson.title, lesson.question) for lesson in LESSONS]
