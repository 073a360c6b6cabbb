"""A fork's address is written wherever the former one stands, and nothing else is touched."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import nbformat
import pytest
import test_notebooks

from googlenet_lib import UsageError
from googlenet_lib.__main__ import main
from googlenet_lib.colab import set_up_cell
from googlenet_lib.fork import fork

ROOT = Path(__file__).parents[1]
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]["Repository"]
HERE = REPOSITORY.removeprefix("https://github.com/")
TEACHER = "teacher/googlenet-class"
TEACHERS = f"https://github.com/{TEACHER}"


def contents(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture
def copy(tmp_path):
    """The texts of this repository."""
    root = tmp_path / "course"
    for name in ("googlenet_lib", "notebooks", "tests", ".github", ".ci"):
        bulk = shutil.ignore_patterns("__pycache__", "assets", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, root / name, ignore=bulk)
    for path in ROOT.iterdir():
        if path.suffix in (".md", ".toml", ".cff", ".txt"):
            shutil.copy(path, root)
    return root


@pytest.fixture
def small(tmp_path):
    """A repository of few lines, of owner/name."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "googlenet-lib"\n'
        '[project.urls]\nRepository = "https://github.com/owner/name"\n',
        encoding="utf-8",
    )
    return tmp_path


# ---- the repository itself -----------------------------------------------------------------------


def test_every_address_is_the_forks(copy):
    former, changes = fork(TEACHER, copy)
    assert former == {HERE}
    notebooks = {path.relative_to(copy) for path in (copy / "notebooks").glob("*.ipynb")}
    assert {Path("pyproject.toml"), Path("README.md"), Path("CITATION.cff")} <= changes.keys()
    assert notebooks <= changes.keys()
    for path, content in contents(copy).items():
        assert HERE.encode() not in content, path
        assert content.count(TEACHER.encode()) >= changes.get(path, 0), path


def test_a_fork_passes_the_checks_of_the_address(copy, monkeypatch):
    fork(TEACHER, copy)
    monkeypatch.setattr(test_notebooks, "REPOSITORY", TEACHERS)
    for path in sorted((copy / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        test_notebooks.test_is_a_valid_notebook(notebook)
        test_notebooks.test_opens_with_title_badge_and_objectives(path, notebook)
        test_notebooks.test_set_up_cell_is_the_one_text(notebook)
    badges = re.findall(
        r"https://colab\.research\.google\.com/github/([^)\s]*)",
        (copy / "README.md").read_text(encoding="utf-8"),
    )
    assert badges
    assert all(badge.startswith(f"{TEACHER}/blob/main/notebooks/") for badge in badges)
    project = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Repository"] == TEACHERS


def test_forking_back_restores_every_byte(copy):
    before = contents(copy)
    _, changes = fork(TEACHER, copy)
    forked = contents(copy)
    assert {path for path in before if before[path] != forked[path]} == changes.keys()
    fork(HERE, copy)
    assert contents(copy) == before


def test_a_notebook_changes_in_its_addresses_alone(copy):
    path = copy / "notebooks" / "06_train_on_cifar10.ipynb"
    before = path.read_text(encoding="utf-8").splitlines(keepends=True)
    _, changes = fork(TEACHER, copy)
    after = path.read_text(encoding="utf-8").splitlines(keepends=True)
    differing = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert len(differing) == changes[path.relative_to(copy)]
    assert all(new == old.replace(HERE, TEACHER) for old, new in differing)


def test_doing_it_again_changes_nothing(copy):
    fork(TEACHER, copy)
    once = contents(copy)
    assert fork(TEACHER, copy) == (set(), {})
    assert contents(copy) == once


# ---- cases ---------------------------------------------------------------------------------------


def test_addresses_in_all_their_forms(small):
    (small / "README.md").write_text(
        "https://github.com/owner/name, git@github.com:owner/name.git\n"
        "https://colab.research.google.com/github/owner/name/blob/main/a.ipynb\n"
        "https://raw.githubusercontent.com/owner/name/main/a.png\n"
        "https://mybinder.org/v2/gh/owner/name/main See https://owner.github.io/name/.\n"
        "The end: https://github.com/owner/name.",
        encoding="utf-8",
    )
    assert fork("New/n.w", small)[1][Path("README.md")] == 7
    assert (small / "README.md").read_text(encoding="utf-8") == (
        "https://github.com/New/n.w, git@github.com:New/n.w.git\n"
        "https://colab.research.google.com/github/New/n.w/blob/main/a.ipynb\n"
        "https://raw.githubusercontent.com/New/n.w/main/a.png\n"
        "https://mybinder.org/v2/gh/New/n.w/main See https://New.github.io/n.w/.\n"
        "The end: https://github.com/New/n.w."
    )


def test_what_is_no_address_of_it_stays(small):
    text = (
        "owner/name is a path; github.com/owner/name-2, github.com/owner/names, "
        "github.com/another-owner/name, github.com/owner/name.py, other-owner.github.io/name"
    )
    (small / "README.md").write_text(text, encoding="utf-8")
    assert fork(TEACHER, small)[1] == {Path("pyproject.toml"): 1}
    assert (small / "README.md").read_text(encoding="utf-8") == text


def test_line_ends_and_bytes_are_kept(small):
    path = small / "notebooks" / "a.ipynb"
    path.write_bytes('{"é": "github.com/owner/name\\n",\r\n "x": 1}'.encode())
    fork(TEACHER, small)
    assert path.read_bytes() == f'{{"é": "github.com/{TEACHER}\\n",\r\n "x": 1}}'.encode()


def test_a_notebook_merged_from_the_original_is_forked_too(small):
    fork(TEACHER, small)
    merged = small / "notebooks" / "11_new.ipynb"
    badge = "https://colab.research.google.com/github/owner/name/blob/main/notebooks/11_new.ipynb"
    source = [f"[badge]({badge})\n", set_up_cell("https://github.com/owner/name")]
    merged.write_text(json.dumps({"cells": [{"source": source}]}), encoding="utf-8")
    former, changes = fork(TEACHER, small)
    assert former == {"owner/name"}
    assert changes == {Path("notebooks", "11_new.ipynb"): 2}
    assert "owner/name" not in merged.read_text(encoding="utf-8")


def test_data_runs_and_environments_are_left_alone(small):
    places = ["data/a.md", "runs/a/b.md", ".git/config.md", ".venv/a.md", "mine/lib/a.md"]
    for place in places:
        (small / place).parent.mkdir(parents=True)
        (small / place).write_text("https://github.com/owner/name", encoding="utf-8")
    (small / "mine" / "pyvenv.cfg").touch()
    (small / "lib" / "data").mkdir(parents=True)  # a package of the library is no data folder
    (small / "lib" / "data" / "a.py").write_text(
        "# https://github.com/owner/name", encoding="utf-8"
    )
    changes = fork(TEACHER, small)[1]
    assert changes.keys() == {Path("lib", "data", "a.py"), Path("pyproject.toml")}


def test_the_project_file_is_written_last(small, monkeypatch):
    """So that a command that was stopped halfway can be repeated."""
    for name in ("README.md", "zebra.md"):
        (small / name).write_text("https://github.com/owner/name", encoding="utf-8")
    assert list(fork(TEACHER, small)[1])[-1] == Path("pyproject.toml")


# ---- refusals and the command --------------------------------------------------------------------

MALFORMED = [
    *("teacher", "teacher/", "/class", "a/b/c", "tea cher/class", "teacher/cl ass", "-t/class"),
    *("https://github.com/teacher/class", "teacher/class.git", "teacher/..", "teacher/.", ""),
]


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_names_are_refused(small, name):
    before = contents(small)
    with pytest.raises(UsageError, match="expected OWNER/NAME as GitHub shows it, such as"):
        fork(name, small)
    assert contents(small) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "it holds no pyproject.toml"),
        ('[project]\nname = "other"\n', "its project is called other"),
        ('[project]\nname = "googlenet-lib"\n', "lacks 'urls'"),
        ("[build]\n", "lacks 'project'"),
        ("not TOML", "its pyproject.toml lacks"),
    ],
)
def test_another_folder_is_refused(tmp_path, text, says):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=says) as refusal:
        fork(TEACHER, tmp_path)
    assert str(tmp_path) in str(refusal.value)
    assert "--root" in str(refusal.value)


def test_an_address_that_is_none_is_refused(small):
    text = (
        (small / "pyproject.toml")
        .read_text(encoding="utf-8")
        .replace("https://github.com/owner/", "ftp://")
    )
    (small / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="'ftp://name'; expected https:"):
        fork(TEACHER, small)


def test_command_tells_what_it_did(small, capsys):
    (small / "README.md").write_text(
        "github.com/owner/name and github.com/owner/name", encoding="utf-8"
    )
    assert main(["fork", TEACHER, "--root", str(small)]) == 0
    first, *files, last = capsys.readouterr().out.splitlines()
    assert first == f"https://github.com/owner/name -> {TEACHERS}"
    assert files == ["   2 in README.md", "   1 in pyproject.toml"]
    assert last.startswith("commit these files")
    assert main(["fork", TEACHER, "--root", str(small)]) == 0
    assert capsys.readouterr().out == f"every address is {TEACHERS} already; nothing was changed\n"


def test_command_works_in_the_folder_it_is_called_in(small, monkeypatch, capsys):
    monkeypatch.chdir(small)
    assert main(["fork", TEACHER]) == 0
    assert main(["fork", "teacher"]) == 2
    assert capsys.readouterr().err.startswith("error: 'teacher' came; expected OWNER/NAME")
