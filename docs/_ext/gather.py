"""Bring what the site shows into its folder: lessons, glossary, guide, figures, a map."""

import re
import shutil
import tomllib
from pathlib import Path

from blocks import ROOT
from course_table import minutes_of

from googlenet_lib.course.lessons import CORE, DIVES, Lesson

# Where each came from, by its folder in docs/. Git ignores these folders; each build fills them.
FOLDERS = {"course": "notebooks", "figures": "images"}
# What the demo reads, from googlenet_lib/assets/.
ASSETS = ("weights/cifar10.safetensors", "weights/shapes.safetensors", "drawings/four_branches.png")
# The repository's address stands in pyproject.toml; a project's site has its owner's and its name.
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
OWNER, NAME = REPOSITORY.split("/")[-2:]
SITE = f"https://{OWNER}.github.io/{NAME}/"


def gather(root: Path, docs: Path) -> None:
    """Copy the course's pages and figures from the repository's `root` into `docs`."""
    for name, source in FOLDERS.items():
        folder = docs / name
        folder.mkdir(exist_ok=True)
        wanted = set()
        for path in sorted((root / source).iterdir()):
            target = folder / path.name.replace("README.md", "index.md")
            if path.suffix == ".md":
                write_anew(target, lead_home(path.read_text(encoding="utf-8"), "../"))
            elif path.suffix in {".ipynb", ".svg"}:
                write_anew(target, drop_kernel_remarks(path.read_text(encoding="utf-8")))
            else:
                continue
            wanted.add(target)
        if name == "course":
            write_anew(folder / "index.md", draw_map())
            wanted.add(folder / "index.md")
        for path in folder.iterdir():
            if path not in wanted:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    demo = docs / "_static" / "demo"
    for asset in ASSETS:
        shutil.copy(root / "googlenet_lib" / "assets" / asset, demo)


def write_anew(path: Path, text: str) -> None:
    """Write `text` unless it stands there: Sphinx reads again what is newer than its last build."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def lead_home(text: str, up: str) -> str:
    """Turn links to files beside a page's folder into links that the site has.

    `up` leads from the page to the site's root: "../" from a folder, "" from the root itself. What
    the site does not have is linked in the repository.
    """

    def lead(match: re.Match) -> str:
        source, _, rest = match[1].partition("/")
        if source == "docs":
            return f"]({up}{rest}"
        for name, gathered in FOLDERS.items():
            if source == gathered:
                return f"]({up}{name}/{rest.replace('README.md', 'index.md')}"
        return f"]({REPOSITORY}/blob/main/{match[1]}"

    return re.sub(r"\]\(\.\./([^)\s]+)", lead, text)


def drop_kernel_remarks(text: str) -> str:
    """Drop remarks such as "(The controls need a running kernel.)": on a page they need none."""
    return re.sub(r" \((The controls|Controls|they) need a running kernel[^)]*\)", "", text)


def draw_cards(lessons: tuple[Lesson, ...]) -> str:
    """Write lessons as cards: the question, what you do, the minutes."""
    cards = "\n".join(
        f":::{{grid-item-card}} {lesson.title if lesson.deepens else lesson.heading}\n"
        f":link: /course/{lesson.name}\n:link-type: doc\n\n"
        f"**{lesson.question}**\n\nYou {lesson.does}. {minutes_of(lesson)}&nbsp;minutes.\n:::\n"
        for lesson in lessons
    )
    return f"::::{{grid}} 1 2 3 3\n:gutter: 3\n\n{cards}\n::::"


def draw_map() -> str:
    """Write the page that lists the lessons as cards."""
    return f"""# The course

Nine lessons build on one another. Five deep dives go further into one of them. You can skip them.

## Core lessons

{draw_cards(CORE)}

## Deep dives

{draw_cards(DIVES)}
"""


def fill_landing_page(text: str) -> str:
    """Put the lessons' cards and the README's line of results into the landing page."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    result = re.search(r"<!-- result -->\n(.*?)\n<!-- /result -->", readme, re.DOTALL)[1]
    for mark, content in {
        "core": draw_cards(CORE),
        "dives": draw_cards(DIVES),
        "result": result.replace("](docs/", "]("),
    }.items():
        text = text.replace(f"<!-- {mark} -->", content)
    return text
