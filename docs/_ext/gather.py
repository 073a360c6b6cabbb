"""Bring what the site shows into its folder: lessons, glossary, guide, figures, a map."""

import json
import re
import shutil
import sys
from pathlib import Path

# Where each came from, by its folder in docs/. Git ignores these folders; each build fills them.
FOLDERS = {"course": "notebooks", "figures": "images"}
# What the demo reads, from googlenet_lib/assets/.
ASSETS = ("weights/cifar10.safetensors", "weights/shapes.safetensors", "drawings/four_branches.png")
BLOB = "https://github.com/googlenet-notebooks/googlenet-notebooks/blob/main/"


def gather(root: Path, docs: Path) -> None:
    """Copy the course's pages and figures from the repository's `root` into `docs`."""
    for name, source in FOLDERS.items():
        folder = docs / name
        folder.mkdir(exist_ok=True)
        wanted = set()
        for path in sorted((root / source).iterdir()):
            target = folder / path.name.replace("README.md", "index.md")
            if path.suffix == ".md":
                _write(target, lead_home(path.read_text(encoding="utf-8")))
            elif path.suffix in {".ipynb", ".svg"}:
                _write(target, path.read_text(encoding="utf-8"))
            else:
                continue
            wanted.add(target)
        if name == "course":
            _write(folder / "index.md", draw_map(root))
            wanted.add(folder / "index.md")
        for path in folder.iterdir():
            if path not in wanted:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    demo = docs / "_static" / "demo"
    for asset in ASSETS:
        shutil.copy(root / "googlenet_lib" / "assets" / asset, demo)


def _write(path: Path, text: str) -> None:
    """Write `text` unless it stands there: Sphinx reads again what is newer than its last build."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def lead_home(text: str) -> str:
    """Turn links to files of the repository into links that the site has, or to the repository."""
    text = re.sub(r"\]\(\.\./docs/", "](../", text)
    text = re.sub(r"\]\(\.\./notebooks/", "](../course/", text)
    return re.sub(r"\]\(\.\./(?=LICENSE|CITATION|README|googlenet_lib|tests)", f"]({BLOB}", text)


def draw_map(root: Path) -> str:
    """Write the page that lists the lessons as cards, and tells Sphinx their order."""
    sys.path.insert(0, str(root))
    from googlenet_lib.course.lessons import CORE, DIVES

    def cards(lessons: tuple) -> str:
        return "\n".join(
            f":::{{grid-item-card}} {lesson.title if lesson.deepens else lesson.heading}\n"
            f":link: {lesson.name}\n:link-type: doc\n\n"
            f"{lesson.question}\n\n{read_minutes(root, lesson.name)}\n:::\n"
            for lesson in lessons
        )

    return f"""# The course

Nine lessons build on one another. Five deep dives are for the curious; nobody needs them to go on.

## Core lessons

::::{{grid}} 1 2 3 3
:gutter: 3

{cards(CORE)}
::::

## Deep dives

::::{{grid}} 1 2 3 3
:gutter: 3

{cards(DIVES)}
::::
"""


def read_minutes(root: Path, name: str) -> str:
    """Read how long a lesson takes from its opening."""
    notebook = json.loads((root / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    opening = "".join(notebook["cells"][0]["source"])
    found = re.search(r"\*\*Time\*\* \| (\d+ minutes)", opening)
    return found[1] if found else ""
