"""Write the tables of lessons, on the README's page and in lesson 00.

    python docs/tools/course_table.py

Titles and questions are those of `lessons.py`, minutes those that each notebook gives in its
opening. A notebook that is not there yet gets no link, and "?" for its minutes.
"""

import json
import re
from collections.abc import Iterable

from blocks import ROOT, refresh, table

from googlenet_lib.course.lessons import CORE, DIVES, Lesson

README, START = ROOT / "README.md", ROOT / "notebooks" / "00_start_here.ipynb"
TIME = re.compile(r"\*\*Time\*\* \| (\d+) minutes")


def minutes_of(lesson: Lesson) -> str:
    """Return the minutes that a notebook gives in its opening, or "?"."""
    path = ROOT / "notebooks" / f"{lesson.name}.ipynb"
    if not path.is_file():
        return "?"
    opening = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]
    found = TIME.search("".join(opening))
    return found[1] if found else "?"


def rows(lessons: Iterable[Lesson], folder: str) -> list[list[str]]:
    """List number, title, question and minutes; `folder` stands before a notebook's name."""
    listed = []
    for lesson in lessons:
        path = f"{lesson.name}.ipynb"
        exists = (ROOT / "notebooks" / path).is_file()
        title = f"[{lesson.title}]({folder}{path})" if exists else lesson.title
        listed.append([lesson.number, title, lesson.question, minutes_of(lesson)])
    return listed


def make_blocks(folder: str = "") -> dict[str, str]:
    """Return the tables by the names of their places."""
    return {
        "course": table(["", "lesson", "question", "minutes"], rows(CORE, folder)),
        "dives": table(["after", "deep dive", "question", "minutes"], rows(DIVES, folder)),
    }


def refresh_notebook(text: str) -> str:
    """Return a notebook's file with the tables in its cells as they are now."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = refresh("".join(cell["source"]), make_blocks())
            cell["source"] = source.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    """Rewrite both files."""
    page = refresh(README.read_text(encoding="utf-8"), make_blocks("notebooks/"))
    README.write_text(page, encoding="utf-8")
    START.write_text(refresh_notebook(START.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
