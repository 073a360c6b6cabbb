"""What tests of exercises share: a notebook's blanks and solutions, taken out by exercise id.

A solution stands in a Markdown cell as a ```python block whose first line is the comment
`# solution of 00.1`; a blank is the code cell that calls `check("00.1", name)`.
"""

import ast
import builtins
import functools
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import nbformat

from googlenet_lib.course.kit import learner
from googlenet_lib.course.lessons import LESSONS

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SOLUTION = re.compile(r"^```python\n# solution of (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)


def notebooks_of(number: str) -> list[Path]:
    """List a lesson's file and those of the dives that deepen it, as far as they are written."""
    paths = [NOTEBOOKS / f"{one.name}.ipynb" for one in LESSONS if one.number == number]
    return [path for path in paths if path.is_file()]


def notebook_of(id: str) -> Path:
    """Return the file of the notebook, of a lesson or of a dive, that checks exercise `id`."""
    return next(path for path in notebooks_of(id[:2]) if id in blanks(path))


def solutions(path: Path) -> dict[str, str]:
    """Return the source of every solution in a notebook, by exercise id."""
    sources: dict[str, str] = {}
    for cell in _cells(path):
        if cell.cell_type == "markdown":
            for id, source in SOLUTION.findall(cell.source):
                assert id not in sources, f"two solutions of {id}"
                sources[id] = source
    return sources


def blanks(path: Path) -> dict[str, tuple[str, str]]:
    """Return the code cell of each blank, and the expression that it hands to `check`, by id."""
    cells: dict[str, tuple[str, str]] = {}
    for source in _code(path):
        for call in ast.walk(ast.parse(source)):
            name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
            if name == "check" and isinstance(call.args[0], ast.Constant):
                id = call.args[0].value
                assert id not in cells, f"two checks of {id}"
                cells[id] = (source, ast.unparse(call.args[1]))
    return cells


def surroundings(path: Path) -> dict:
    """Return what the notebook imports and defines, without running anything else of it.

    Cells with a check are left out: they would define their own blanks.
    """
    names: dict = {"__name__": "__main__"}
    checked = {source for source, _ in blanks(path).values()}
    for source in _code(path):
        if source in checked:
            continue
        kept = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
        body = [node for node in ast.parse(source).body if isinstance(node, kept)]
        exec(compile(ast.Module(body, []), path.name, "exec"), names)
    return names


def answer(source: str, expression: str, names: dict) -> object:
    """Evaluate `expression` after `source`, a cell or a solution, has run."""
    names = {**names, "check": lambda *_: None}
    exec(source, names)
    return eval(expression, names)


def _code(path: Path) -> list[str]:
    return [MAGIC.sub(r"\1pass", c.source) for c in _cells(path) if c.cell_type == "code"]


@functools.cache
def _cells(path: Path) -> list[nbformat.NotebookNode]:
    return nbformat.read(path, as_version=4).cells


def names_before(path: Path, id: str) -> set[str]:
    """Return what a notebook has imported, defined or assigned up to the cell that checks `id`."""
    names = {*vars(builtins)}
    for source in _code(path):
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Import() | ast.ImportFrom():
                    names |= {(name.asname or name.name).split(".")[0] for name in node.names}
                case ast.FunctionDef() | ast.ClassDef():
                    names.add(node.name)
                    names |= {arg.arg for arg in ast.walk(node) if isinstance(arg, ast.arg)}
                case ast.Name(ctx=ast.Store()):
                    names.add(node.id)
        if f'check("{id}"' in source:
            return names
    raise AssertionError(f"no check of {id}")


def recommended(text: str) -> set[str]:
    """Return the modules and the functions of the exercises that `text` makes use of."""
    known = {*learner.__all__, "F", "nn", "np", "plt"}
    names = {*re.findall(r"\b([A-Za-z_]\w*)(?:\.[A-Za-z_]|\()", text)}
    return {name for name in names if name in known or importlib.util.find_spec(name)}


def prompts(path: Path, id: str) -> list[str]:
    """List the Markdown cells that set exercise `id`."""
    set_here = re.compile(rf"(\*\*|# )(Exercise )?{re.escape(id)}\b")
    texts = [cell.source for cell in _cells(path) if cell.cell_type == "markdown"]
    return [text for text in texts if set_here.search(text)]


def question_of(id: str) -> str:
    """Return the Markdown cell that asks for prediction `id`."""
    for path in notebooks_of(id[:2]):
        asked = ""
        for cell in _cells(path):
            if "**Predict" in cell.source:
                asked = cell.source
            elif f'guess("{id}"' in cell.source:
                return asked
    raise KeyError(id)


def edited(right: type, edit: Callable) -> type:
    """The class `right`, to each object of which `edit` does something once it is made."""

    class Edited(right):
        def __init__(self, *args):
            super().__init__(*args)
            edit(self)

    Edited.__module__ = edit.__module__
    return Edited


def computed(right: type, forward: Callable) -> type:
    """The class `right` with another `forward`."""
    return type("Computed", (right,), {"forward": forward, "__module__": forward.__module__})
