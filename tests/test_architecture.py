"""The library stays small enough to read, and each module knows only those before it."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

import googlenet_lib

PACKAGE = Path(googlenet_lib.__file__).parent

# The reading order: a module imports from those in front of it, and from no other.
ORDER = (
    *("errors", "incoming", "settings", "platforms", "paper", "predecessors", "costs", "readings"),
    *("blocks", "variants", "initialisation", "model", "differences", "weights", "fuse"),
    *("download", "data"),
    *("recipes", "muon", "optimisers", "checkpoints", "parallel", "training", "tensorboard"),
    *("allocator", "fitting", "predict", "hooks", "lanes", "recording", "receptive_fields"),
    *("bottlenecks",),
    *("designs", "gradients", "plateau", "kernel_sizes", "runs", "studies", "ladder", "ablations"),
    *("release", "course", "colab", "doctor", "figures", "explore", "exercises"),
    *("console", "commands", "__main__"),
)
TO_READ = ("paper", "costs", "blocks", "variants", "initialisation", "model", "training")
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")

NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(source: str) -> int:
    """Lines that hold code: not those of docstrings and comments, and no blank ones."""
    documented = set()
    for node in ast.walk(ast.parse(source)):
        holds = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if holds and ast.get_docstring(node) is not None:
            documented |= {*range(node.body[0].lineno, node.body[0].end_lineno + 1)}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines |= {*range(token.start[0], token.end[0] + 1)}
    return len(lines - documented)


def length(modules):
    return sum(code_lines((PACKAGE / f"{name}.py").read_text(encoding="utf-8")) for name in modules)


def imported(source: str, package: str = "googlenet_lib") -> set[str]:
    """The modules of the library that `source` imports, wherever it does; "" is the library."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full, so that this test can read them"
            if node.module == package:
                names += [f"{package}.{alias.name}" for alias in node.names]
            else:
                names.append(node.module)
    parts = [name.split(".") for name in names]
    return {part[1] if part[1:] else "" for part in parts if part[0] == package}


def test_code_lines_are_counted_as_meant():
    source = '"""Doc."""\n\n# comment\nx = """a\nb"""  # code\n\n\ndef f():\n    """Doc\n    """\n'
    assert code_lines(source) == 3
    assert code_lines(source + "    return (\n        1\n    )\n") == 6


def test_what_a_learner_reads_stays_under_1050_lines():
    assert length(TO_READ) < 1050


def test_the_network_stays_under_350_lines():
    assert length(("blocks", "initialisation", "model")) <= 350


def test_imports_are_found_wherever_they_are():
    source = (
        "import googlenet_lib\nimport googlenet_lib.data.load\nfrom torch import nn\n"
        "from googlenet_lib import paper\ndef f():\n    from googlenet_lib.costs import total\n"
    )
    assert imported(source) == {"", "data", "paper", "costs"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_from_those_before_it(path):
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert name in ORDER, f"give {name} its place in the reading order"
    before = {*ORDER[: ORDER.index(name)]}
    own = {name} if path.parent != PACKAGE else set()  # within a package
    assert imported(path.read_text(encoding="utf-8")) <= before | own


def test_library_was_found_whole():
    assert {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in SOURCES} == {*ORDER}


def in_the_locale_s_encoding(source: str) -> list[int]:
    """The lines that read or write a text without saying in which encoding."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            said = {keyword.arg for keyword in node.keywords}
            name = node.func.attr
            reads = name == "read_text" and not node.args
            writes = name == "write_text" and len(node.args) == 1
            listens = name in ("run", "Popen", "check_output") and "text" in said
            if "encoding" not in said and (reads or writes or listens):
                lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("folder", ["googlenet_lib", "tests"])
def test_texts_are_read_and_written_in_an_encoding_that_is_said(folder):
    """In the locale's, the same file would be another one in Shanghai."""
    found = {
        str(path.relative_to(PACKAGE.parent)): lines
        for path in (PACKAGE.parent / folder).rglob("*.py")
        if (lines := in_the_locale_s_encoding(path.read_text(encoding="utf-8")))
    }
    assert found == {}
    assert in_the_locale_s_encoding("a.read_text()\nsubprocess.run([], text=True)") == [1, 2]
