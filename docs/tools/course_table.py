"""Write the tables of lessons, on the README's page and in lesson 00.

    python docs/tools/course_table.py

Titles and questions are those of `lessons.py`, minutes those that each notebook gives in its
opening. A notebook that is not there yet gets no link, and "?" for its minutes.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

from googlenet_lib.course.lessons import CORE, DIVES, Lesson

ROOT = Path(__file__).parents[2]
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


def link_to(lesson: Lesson, folder: str) -> str:
    """Return a lesson's title, linked where its notebook exists."""
    path = f"{lesson.name}.ipynb"
    exists = (ROOT / "notebooks" / path).is_file()
    return f"[{lesson.title}]({folder}{path})" if exists else lesson.title


def course_table(folder: str) -> str:
    """List the core lessons; `folder` stands before each notebook's name."""
    rows = ["| | lesson | its question | minutes |", "|---|---|---|---|"]
    for lesson in CORE:
        cells = (lesson.number, link_to(lesson, folder), lesson.question, minutes_of(lesson))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def dive_table(folder: str) -> str:
    """List the deep dives, each with the lesson that it deepens."""
    rows = ["| after | deep dive | its question | minutes |", "|---|---|---|---|"]
    for dive in DIVES:
        cells = (dive.deepens, link_to(dive, folder), dive.question, minutes_of(dive))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


TABLES: dict[str, Callable[[str], str]] = {"course": course_table, "dives": dive_table}


def refresh(text: str, folder: str = "") -> str:
    """Return `text` with the tables between its marks as they are now."""
    for name, make in TABLES.items():
        marks = rf"(<!-- {name} -->\n).*?(\n?<!-- /{name} -->)"
        table = make(folder)
        text = re.sub(marks, lambda m, new=table: f"{m[1]}{new}\n{m[2].strip()}", text, flags=re.S)
    return text


def refresh_notebook(text: str) -> str:
    """Return a notebook's file with the tables in its cells as they are now."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = refresh("".join(cell["source"])).splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    """Rewrite both files."""
    README.write_text(refresh(README.read_text(encoding="utf-8"), "notebooks/"), encoding="utf-8")
    START.write_text(refresh_notebook(START.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
