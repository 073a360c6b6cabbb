"""The notebooks as guide and glossary speak of them: sections, predictions, exercises, questions.

    python tests/course_map.py

rewrites the guide's tables from the notebooks as they are committed. What only a person can say,
such as minutes and the words of a question, is kept; where it is missing stands "?", which the
tests refuse.
"""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from googlenet_lib.course.kit.exercise import find_exercise, find_prediction
from googlenet_lib.course.lessons import LESSONS

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
GUIDE = NOTEBOOKS / "teaching_guide.md"
GLOSSARY = NOTEBOOKS / "glossary.md"

REVEALED = re.compile(r"^(\d\d\.[a-z]) it is (.*)\. You had made no guess$", re.MULTILINE)
CHECKED = re.compile(r'^check\("(\d\d\.\d+)"', re.MULTILINE)
MARK = re.compile(r"<!-- (questions|myths): ([\d, ]+) -->")
READING = re.compile(r"\*\*Minutes on two CPU cores\*\* \| \d+ to run, (\d+) to read")
ROW = re.compile(r"^\| (.*) \|$", re.MULTILINE)


@dataclass
class Section:
    """A heading of a notebook, with what stands below it."""

    notebook: str  # its file's name without suffix
    level: int
    title: str
    text: str = ""  # up to the next heading of the same or a higher level

    @property
    def target(self) -> str:
        """Where a link to it goes. JupyterLab's anchor: the words, spaces made hyphens."""
        return f"{self.notebook}.ipynb#{plain(self.title).replace(' ', '-')}"

    def link(self, numbered: bool = True) -> str:
        """The link in Markdown, with the notebook's number or without."""
        number = f"{self.notebook[:2]} · " if numbered else ""
        return f"[{number}{plain(self.title)}]({self.target})"


@dataclass
class Place:
    """A cell, by the section in which it begins."""

    section: Section
    cell: nbformat.NotebookNode


def plain(title: str) -> str:
    """A heading without its markup."""
    return re.sub(r"[`*]", "", title)


def notebooks() -> list[Path]:
    """The notebooks that exist, in reading order."""
    return [path for lesson in LESSONS if (path := NOTEBOOKS / f"{lesson.name}.ipynb").is_file()]


def walk(path: Path) -> tuple[list[Section], list[Place]]:
    """Every section of a notebook, and every cell with the section in which it begins."""
    sections: list[Section] = []
    open_ones: list[Section] = []
    places = []
    for cell in nbformat.read(path, as_version=4).cells:
        begins_in = open_ones[-1] if open_ones else None
        for at, (heading, text) in enumerate(_pieces(cell)):
            if heading:
                level, title = heading
                open_ones = [one for one in open_ones if one.level < level]
                open_ones.append(Section(path.stem, level, title))
                sections.append(open_ones[-1])
                if at == 0:
                    begins_in = open_ones[-1]
            for one in open_ones:
                one.text += text
        places.append(Place(begins_in, cell))
    return sections, places


def _pieces(cell: nbformat.NotebookNode) -> Iterator[tuple[tuple[int, str] | None, str]]:
    """A cell cut before each heading: (level and title, or None) and the text from there on."""
    if cell.cell_type != "markdown":
        yield None, f"{cell.source}\n{said_by(cell)}\n"
        return
    heading, lines, fenced = None, [], False
    for line in cell.source.splitlines():
        fenced ^= line.startswith("```")
        found = None if fenced else re.match(r"(#+) (.*)", line)
        if found:
            if lines:
                yield heading, "\n".join(lines) + "\n"
            heading, lines = (len(found[1]), found[2].strip()), []
        lines.append(line)
    yield heading, "\n".join(lines) + "\n"


def said_by(cell: nbformat.NotebookNode) -> str:
    """The text that a code cell printed, with the texts of its figures."""
    said = []
    for output in cell.get("outputs", []):
        said.append(output.get("text", ""))
        said.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(said)


def all_sections() -> dict[str, Section]:
    """Every section of every notebook, by the target of its link."""
    return {one.target: one for path in notebooks() for one in walk(path)[0]}


def numbered(sections: list[Section]) -> list[Section]:
    """Those that a lesson is planned by: "1. ..." and the exercises."""
    return [one for one in sections if one.level == 2 and re.match(r"\d+\. |Exercises$", one.title)]


def marked(kind: str) -> dict[int, list[Section]]:
    """Where the notebooks' marks say that a question or a myth is settled, by its number."""
    found: dict[int, list[Section]] = {}
    for path in notebooks():
        for place in walk(path)[1]:
            for which, listed in MARK.findall(place.cell.source):
                for number in listed.split(",") if which == kind else []:
                    found.setdefault(int(number), []).append(place.section)
    return found


def revealed() -> dict[str, tuple[str, Section]]:
    """What each prediction came to, by id, and the section that shows it."""
    return {
        id: (answer.strip('"'), place.section)
        for path in notebooks()
        for place in walk(path)[1]
        for id, answer in REVEALED.findall(said_by(place.cell))
    }


def reading_minutes(path: Path) -> int:
    """The minutes that a notebook's opening table plans for reading."""
    opening = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells[:2])
    return int(READING.search(opening)[1])


# ---- the guide's tables --------------------------------------------------------------------------


def block(text: str, name: str) -> str:
    """The guide's table called `name`, as it stands."""
    return re.search(_between(name), text, re.DOTALL)[0]


def _between(name: str) -> str:
    return rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)"


def rows(table: str) -> list[list[str]]:
    """The cells of each row, the two lines of the head left out."""
    return [row.split(" | ") for row in ROW.findall(table)][1:]


def section_table(former: str) -> str:
    """Every section with minutes and purpose, which are kept from `former`."""
    kept = {target_of(row[0]): row[1:] for row in rows(former)}
    lines = ["| section | minutes | what it is for |", "|---|---|---|"]
    for path in notebooks():
        sections = walk(path)[0]
        lines.append(f"| **{sections[0].title}** | **{reading_minutes(path)}** | in all |")
        for one in numbered(sections):
            said = kept.get(one.target, ["?", "?"])
            lines.append(f"| {one.link(numbered=False)} | {' | '.join(said)} |")
    return "\n".join(lines) + "\n"


def prediction_table(former: str) -> str:
    """Every prediction with its answer, from the notebooks alone."""
    lines = ["| | what is asked | what comes out | shown in |", "|---|---|---|---|"]
    for id, (answer, section) in revealed().items():
        prediction = find_prediction(id)
        if not prediction.choices:
            margin = f"within {prediction.tolerance:g}" if prediction.tolerance else "exact"
            answer = f"{answer} (right if {margin})"
        lines.append(f"| {id} | {prediction.question} | {answer} | {section.link(False)} |")
    return "\n".join(lines) + "\n"


def exercise_table(former: str) -> str:
    """Every exercise, from the notebooks alone."""
    lines = ["| | exercise | you hand in a | in |", "|---|---|---|---|"]
    for path in notebooks():
        for place in walk(path)[1]:
            if place.cell.cell_type == "code":
                for id in CHECKED.findall(place.cell.source):
                    one = find_exercise(id)
                    where = place.section.link(numbered=False)
                    lines.append(f"| {id} | {one.title} | {one.kind} | {where} |")
    return "\n".join(lines) + "\n"


def question_table(former: str) -> str:
    """Learners' questions, in the words of `former`, and where they are answered."""
    words = {int(row[0]): row[1] for row in rows(former)}
    answered = marked("questions")
    lines = ["| | question | answered in |", "|---|---|---|"]
    for number in sorted(words.keys() | answered.keys()):
        where = ", ".join(one.link() for one in answered.get(number, [])) or "in preparation"
        lines.append(f"| {number} | {words.get(number, '?')} | {where} |")
    return "\n".join(lines) + "\n"


TABLES: dict[str, Callable[[str], str]] = {
    "sections": section_table,
    "predictions": prediction_table,
    "exercises": exercise_table,
    "questions": question_table,
}


def refreshed(text: str) -> str:
    """The guide with its tables as the notebooks have them now."""
    for name, make in TABLES.items():
        table = make(block(text, name))
        text = re.sub(_between(name), lambda _, new=table: new, text, flags=re.DOTALL)
    return text


def target_of(cell: str) -> str:
    """Where the link in a table's cell goes, or the cell itself where it has none."""
    found = re.search(r"\]\((.*?)\)", cell)
    return found[1] if found else cell


def main() -> None:
    """Rewrite the guide, and say what a person has to fill in."""
    text = refreshed(GUIDE.read_text(encoding="utf-8"))
    GUIDE.write_text(text, encoding="utf-8")
    for line in text.splitlines():
        if "| ? |" in line:
            print("to fill in:", line)


if __name__ == "__main__":
    sys.exit(main())
