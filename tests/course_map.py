"""The notebooks as guide and glossary speak of them: sections, predictions, exercises, questions.

    python tests/course_map.py

rewrites the guide's tables and the links to numbered sections from the notebooks as they are
committed. The words of a question or a misconception are a person's, and are kept; where they are
missing stands "?", which the tests refuse.
"""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nbformat import NotebookNode, read

from googlenet_lib.course.kit.exercise import find_exercise, find_prediction
from googlenet_lib.course.lessons import LESSONS

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
GUIDE = NOTEBOOKS / "teaching_guide.md"
GLOSSARY = NOTEBOOKS / "glossary.md"

REVEALED = re.compile(r"^(\d\d\.[a-z]) the answer is (.*)$", re.MULTILINE)
OPEN = re.compile(r"^### Open exercise: (.*)$", re.MULTILINE)
NUMBERED = re.compile(r"\[(\d\d) · (\d+)\. [^\]]*\]\([^)\s]*\)")  # a link to a numbered section
CHECKED = re.compile(r'^check\("(\d\d\.\d+)"', re.MULTILINE)
MARK = re.compile(r"<!-- (questions|myths): ([\d, ]+) -->")
READING = re.compile(r"\*\*Time\*\* \| (\d+) minutes")
TO_FILL_IN = re.compile(r"\| \? \||\]\(\?\)")
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
    """A cell, or what of it stands below one heading, with its text and its section."""

    section: Section
    cell: NotebookNode
    text: str  # of a code cell, also what it printed


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
    """List every section of a notebook, and every piece of a cell with its section."""
    sections: list[Section] = []
    above: list[Section] = []  # the section in which we are, after those that hold it
    places = []
    for cell in read(path, as_version=4).cells:
        for heading, text in _pieces(cell):
            if heading:
                level, title = heading
                sections.append(Section(path.stem, level, title))
                above = [*(section for section in above if section.level < level), sections[-1]]
            for section in above:
                section.text += text
            places.append(Place(above[-1] if above else None, cell, text))
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
    """List every piece of a cell of every notebook."""
    return [place for path in notebooks() for place in walk(path)[1]]


def marked(kind: str) -> dict[int, list[Section]]:
    """Find where the notebooks' marks say that a question or a myth is settled, by its number."""
    sections: dict[int, list[Section]] = {}
    for place in all_places():
        for which, numbers in MARK.findall(place.text):
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


def _table(head: str, lines: Iterable[Sequence[object]]) -> str:
    columns = head.count("|") + 1
    body = "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
    return f"| {head} |\n{'|---' * columns}|\n{body}"


def lesson_table(former: str) -> str:
    """List every lesson with its minutes, its exercises and its open exercise."""
    lines = []
    for path in notebooks():
        heading = next(lesson.heading for lesson in LESSONS if lesson.name == path.stem)
        texts = [place.text for place in walk(path)[1]]
        minutes = READING.search(texts[0])
        source = "\n".join(texts)
        tasks = [f"{id} {find_exercise(id).title}" for id in CHECKED.findall(source)]
        task = ", ".join(OPEN.findall(source)) or "–"
        link = f"[{heading}]({path.name})"
        lines.append((link, minutes[1] if minutes else "–", "; ".join(tasks) or "–", task))
    return _table("lesson | minutes | exercises that check themselves | open exercise", lines)


def prediction_table(former: str) -> str:
    """List every prediction with its answer, from the notebooks alone."""
    lines = []
    for place in all_places():
        for id, answer in REVEALED.findall(place.text):
            prediction, answer = find_prediction(id), answer.strip('"')
            if not prediction.choices:
                margin = f"within {prediction.tolerance:g}" if prediction.tolerance else "exact"
                answer = f"{answer} (right if {margin})"
            lines.append((id, prediction.question, answer, place.section.link))
    return _table("id | what is asked | what comes out | shown in", sorted(lines))


def settled_table(kind: str, head: str, former: str) -> str:
    """List questions or myths in the words of `former`, with the sections that settle them."""
    words = {int(row[0]): row[1:-1] for row in rows(former)}
    settled = marked(kind)
    lines = []
    for number in sorted(words.keys() | settled.keys()):
        links = [
            section.link.replace("[", f"[{_short(section.notebook)} · ", 1)
            for section in settled.get(number, [])
        ]
        said = words.get(number, ["?"] * (head.count("|") - 1))
        lines.append((number, *said, ", ".join(links) or "no section yet"))
    return _table(head, lines)


def _short(notebook: str) -> str:
    """Return a lesson's number, or a dive's name."""
    return notebook[:2] if notebook[0].isdigit() else notebook


TABLES: dict[str, Callable[[str], str]] = {
    "lessons": lesson_table,
    "predictions": prediction_table,
    "myths": partial(settled_table, "myths", "no. | you hear | what holds | settled in"),
    "questions": partial(settled_table, "questions", "no. | question | answered in"),
}


def refreshed(text: str) -> str:
    """Return the guide with its tables and its links to sections as the notebooks have them now."""
    for name, make in TABLES.items():
        table = make(block(text, name))
        text = re.sub(_between(name), lambda _, new=table: new, text, flags=re.DOTALL)
    numbered = {
        (section.notebook[:2], match[1]): section
        for section in all_sections().values()
        if section.level == 2 and (match := re.match(r"(\d+)\. ", section.title))
    }

    def link(match: re.Match[str]) -> str:
        section = numbered.get(match.groups())
        if section is None:
            return f"[{match[1]} · {match[2]}. ?](?)"
        return section.link.replace("[", f"[{match[1]} · ", 1)

    return NUMBERED.sub(link, text)


def main() -> None:
    """Rewrite the guide, and say what a person has to fill in."""
    text = refreshed(GUIDE.read_text(encoding="utf-8"))
    GUIDE.write_text(text, encoding="utf-8")
    for line in text.splitlines():
        if TO_FILL_IN.search(line):
            print("to fill in:", line)


if __name__ == "__main__":
    sys.exit(main())
