"""The notebooks as guide and glossary speak of them: sections, predictions, exercises, questions.

    python tests/course_map.py

rewrites the guide's tables from the notebooks as they are committed. What only a person can say,
such as minutes and the words of a question, is kept; where it is missing stands "?", which the
tests refuse.
"""

import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nbformat import NotebookNode, read

from googlenet_lib.course.kit.exercise import find_exercise, find_prediction
from googlenet_lib.course.lessons import LESSONS

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
GUIDE = NOTEBOOKS / "teaching_guide.md"
GLOSSARY = NOTEBOOKS / "glossary.md"

REVEALED = re.compile(r"^(\d\d\.[a-z]) the answer is (.*)$", re.MULTILINE)
CHECKED = re.compile(r'^check\("(\d\d\.\d+)"', re.MULTILINE)
MARK = re.compile(r"<!-- (questions|myths): ([\d, ]+) -->")
READING = re.compile(r"\*\*Time\*\* \| (\d+) minutes")
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

    @property
    def link(self) -> str:
        """The link in Markdown."""
        return f"[{plain(self.title)}]({self.target})"


class Place(NamedTuple):
    """A cell, and the section in which it begins."""

    section: Section
    cell: NotebookNode


def estimate_minutes(notebook: NotebookNode) -> int:
    """Estimate how long a lesson takes: 130 words or 5 lines a minute, 5 minutes an exercise.

    The set-up cell, guards, guesses and folded solutions are not read; an open exercise has its own
    minutes.
    The sum is rounded up to five.
    """
    words = lines = exercises = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            unread = r"<details>.*?</details>|<!--.*?-->|### Open exercise.*"
            text = re.sub(unread, "", cell.source, flags=re.DOTALL)
            words += len(re.findall(r"\w[\w'’.,]*", re.sub(r"\]\(\S+\)", "]", text)))
        elif CHECKED.search(cell.source):
            exercises += len(CHECKED.findall(cell.source))
        elif not {"guards", "remove-output"} & {*tags} and "import importlib" not in cell.source:
            code = (line.strip() for line in cell.source.splitlines())
            lines += sum(bool(line) and not line.startswith("#") for line in code)
    minutes = words / 130 + lines / 5 + 5 * exercises
    return 5 * math.ceil(minutes / 5)


def plain(title: str) -> str:
    """Return a heading without its markup."""
    return re.sub(r"[`*]", "", title)


def notebooks() -> list[Path]:
    """List the notebooks that exist, in reading order."""
    return [path for lesson in LESSONS if (path := NOTEBOOKS / f"{lesson.name}.ipynb").is_file()]


def walk(path: Path) -> tuple[list[Section], list[Place]]:
    """List every section of a notebook, and every cell with the section in which it begins."""
    sections: list[Section] = []
    above: list[Section] = []  # the section in which we are, after those that hold it
    places = []
    for cell in read(path, as_version=4).cells:
        begins_in = above[-1] if above else None
        for i, (heading, text) in enumerate(_pieces(cell)):
            if heading:
                level, title = heading
                sections.append(Section(path.stem, level, title))
                above = [*(section for section in above if section.level < level), sections[-1]]
                if i == 0:
                    begins_in = sections[-1]
            for section in above:
                section.text += text
        places.append(Place(begins_in, cell))
    return sections, places


def _pieces(cell: NotebookNode) -> Iterator[tuple[tuple[int, str] | None, str]]:
    """Cut a cell before each heading: (level and title, or None) and the text from there on."""
    if cell.cell_type != "markdown":
        yield None, f"{cell.source}\n{printed(cell)}\n"
        return
    heading, lines, fenced = None, [], False
    for line in cell.source.splitlines():
        fenced ^= line.startswith("```")
        match = None if fenced else re.match(r"(#+) (.*)", line)
        if match:
            if lines:
                yield heading, "\n".join(lines) + "\n"
            heading, lines = (len(match[1]), match[2].strip()), []
        lines.append(line)
    yield heading, "\n".join(lines) + "\n"


def printed(cell: NotebookNode) -> str:
    """Return the text that a code cell printed, with the texts of its figures."""
    outputs = cell.get("outputs", [])
    return "\n".join(
        text
        for output in outputs
        for text in (output.get("text", ""), output.get("data", {}).get("text/plain", ""))
    )


def all_sections() -> dict[str, Section]:
    """Return every section of every notebook, by the target of its link."""
    return {section.target: section for path in notebooks() for section in walk(path)[0]}


def all_places() -> list[Place]:
    """List every cell of every notebook."""
    return [place for path in notebooks() for place in walk(path)[1]]


def marked(kind: str) -> dict[int, list[Section]]:
    """Find where the notebooks' marks say that a question or a myth is settled, by its number."""
    sections: dict[int, list[Section]] = {}
    for place in all_places():
        for which, numbers in MARK.findall(place.cell.source):
            for number in numbers.split(",") if which == kind else []:
                sections.setdefault(int(number), []).append(place.section)
    return sections


# ---- the guide's tables --------------------------------------------------------------------------


def block(text: str, name: str) -> str:
    """Return the guide's table called `name`, as it stands."""
    return re.search(_between(name), text, re.DOTALL)[0]


def _between(name: str) -> str:
    return rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)"


def rows(table: str) -> list[list[str]]:
    """List the cells of each row, the two lines of the head left out."""
    return [row.split(" | ") for row in ROW.findall(table)][1:]


def section_table(former: str) -> str:
    """List every section with minutes and purpose, which are kept from `former`."""
    kept = {_target_of(row[0]): row[1:] for row in rows(former)}
    lines = ["| section | minutes | what it is for |", "|---|---|---|"]
    for path in notebooks():
        sections, places = walk(path)
        opening = "\n".join(place.cell.source for place in places[:2])
        minutes = READING.search(opening)[1]
        lines.append(f"| **{sections[0].title}** | **{minutes}** | in all |")
        for section in sections:
            if section.level == 2 and re.match(r"\d+\. |Exercises$", section.title):
                words = kept.get(section.target, ["?", "?"])
                lines.append(f"| {section.link} | {' | '.join(words)} |")
    return "\n".join(lines) + "\n"


def prediction_table(former: str) -> str:
    """List every prediction with its answer, from the notebooks alone."""
    lines = ["| | what is asked | what comes out | shown in |", "|---|---|---|---|"]
    for place in all_places():
        for id, answer in REVEALED.findall(printed(place.cell)):
            prediction, answer = find_prediction(id), answer.strip('"')
            if not prediction.choices:
                margin = f"within {prediction.tolerance:g}" if prediction.tolerance else "exact"
                answer = f"{answer} (right if {margin})"
            lines.append(f"| {id} | {prediction.question} | {answer} | {place.section.link} |")
    return "\n".join(lines) + "\n"


def exercise_table(former: str) -> str:
    """List every exercise, from the notebooks alone."""
    lines = ["| | exercise | you hand in a | in |", "|---|---|---|---|"]
    for place in all_places():
        for id in CHECKED.findall(place.cell.source) if place.cell.cell_type == "code" else ():
            exercise = find_exercise(id)
            lines.append(f"| {id} | {exercise.title} | {exercise.kind} | {place.section.link} |")
    return "\n".join(lines) + "\n"


def question_table(former: str) -> str:
    """List learners' questions, in the words of `former`, and where they are answered."""
    words = {int(row[0]): row[1] for row in rows(former)}
    answered = marked("questions")
    lines = ["| | question | answered in |", "|---|---|---|"]
    for number in sorted(words.keys() | answered.keys()):
        links = [
            section.link.replace("[", f"[{section.notebook[:2]} · ", 1)
            for section in answered.get(number, [])
        ]
        where = ", ".join(links) or "in preparation"
        lines.append(f"| {number} | {words.get(number, '?')} | {where} |")
    return "\n".join(lines) + "\n"


TABLES: dict[str, Callable[[str], str]] = {
    "sections": section_table,
    "predictions": prediction_table,
    "exercises": exercise_table,
    "questions": question_table,
}


def refreshed(text: str) -> str:
    """Return the guide with its tables as the notebooks have them now."""
    for name, make in TABLES.items():
        table = make(block(text, name))
        text = re.sub(_between(name), lambda _, new=table: new, text, flags=re.DOTALL)
    return text


def _target_of(cell: str) -> str:
    """Return where the link in a table's cell goes, or the cell itself where it has none."""
    link = re.search(r"\]\((.*?)\)", cell)
    return link[1] if link else cell


def main() -> None:
    """Rewrite the guide, and say what a person has to fill in."""
    text = refreshed(GUIDE.read_text(encoding="utf-8"))
    GUIDE.write_text(text, encoding="utf-8")
    for line in text.splitlines():
        if "| ? |" in line:
            print("to fill in:", line)


if __name__ == "__main__":
    sys.exit(main())
