"""A fork gets its own address: in pyproject.toml, badges, set-up cells and wherever it stands."""

import os
import re
import tomllib
from pathlib import Path

from googlenet_lib.errors import UsageError

PROJECT = "googlenet-lib"
TEXTS = {".cfg", ".cff", ".ipynb", ".md", ".py", ".rst", ".toml", ".txt", ".yaml", ".yml"}
MADE_HERE = {"build", "data", "dist", "runs"}  # beside pyproject.toml, and no part of it
KEPT_HIDDEN = {".ci", ".github"}  # of the folders whose name begins with a dot

OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?"
NAME = r"[A-Za-z0-9._-]{1,100}"
GITHUB = "https://github.com/"


def fork(fork_name: str, root: Path) -> tuple[set[str], dict[Path, int]]:
    """Write the address of `fork_name` ("OWNER/NAME" on GitHub) into every text under `root`.

    Replaced are the address in pyproject.toml and those that the notebooks install from: after
    a merge from the original, its new notebooks still carry the original's. Nothing but these
    addresses is touched. Returns the names replaced, and how often in which file (relative to
    `root`). Raises UsageError for a malformed name and for a folder that is not this project.
    """
    _refuse_malformed(fork_name)
    project_file = root / "pyproject.toml"
    former = {_address_in(project_file, root)} | _installed_from(root / "notebooks")
    former.discard(fork_name)
    changes = {}
    for path in _texts(root, last=project_file):
        text = path.read_bytes().decode()
        count = 0
        for name in sorted(former):
            text, replaced = _replaced(text, name, fork_name)
            count += replaced
        if count:
            _write(path, text)
            changes[path.relative_to(root)] = count
    return former, changes


def _refuse_malformed(name: str) -> None:
    shaped = re.fullmatch(f"{OWNER}/{NAME}", name)
    if not shaped or name.endswith((".git", "/.", "/..")):
        raise UsageError(
            f"{name!r} came; expected OWNER/NAME as GitHub shows it, such as "
            "teacher/googlenet-class"
        )


def _address_in(project_file: Path, root: Path) -> str:
    try:
        project = tomllib.loads(project_file.read_text(encoding="utf-8"))["project"]
        if project["name"] != PROJECT:
            raise UsageError(_not_here(root, f"its project is called {project['name']}"))
        address = project["urls"]["Repository"]
    except OSError:
        raise UsageError(_not_here(root, "it holds no pyproject.toml")) from None
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise UsageError(_not_here(root, f"its pyproject.toml lacks {error}")) from error
    found = re.fullmatch(f"{GITHUB}({OWNER}/{NAME})", address)
    if not found:
        raise UsageError(
            f"{project_file} gives the address {address!r}; expected {GITHUB}OWNER/NAME. Mend it "
            "there first"
        )
    return found[1]


def _not_here(root: Path, why: str) -> str:
    return (
        f"{root.absolute()} is not the folder of this course: {why}. Go into the folder that "
        "git clone made, or name it by --root"
    )


def _installed_from(notebooks: Path) -> set[str]:
    """The names in the set-up cells' addresses."""
    install = re.compile(rf"git\+{GITHUB}({OWNER}/{NAME})")
    return {
        name
        for path in notebooks.glob("*.ipynb")
        for name in install.findall(path.read_text(encoding="utf-8"))
    }


def _texts(root: Path, last: Path) -> list[Path]:
    """The texts of the repository; `last`, which names the former address, at the end.

    So a run that was stopped halfway can simply be repeated.
    """
    found = []
    for name, subfolders, files in os.walk(root):
        folder = Path(name)
        subfolders[:] = sorted(sub for sub in subfolders if _belongs(folder / sub, root))
        found += [folder / file for file in sorted(files) if Path(file).suffix in TEXTS]
    return [path for path in found if path != last] + [last]


def _belongs(folder: Path, root: Path) -> bool:
    hidden = folder.name.startswith(".") and folder.name not in KEPT_HIDDEN
    made = folder.parent == root and folder.name in MADE_HERE
    return not (hidden or made or (folder / "pyvenv.cfg").is_file())


def _replaced(text: str, old: str, new: str) -> tuple[str, int]:
    """`text` with addresses of repository `old` made those of `new`, and how many they were.

    Only addresses: a bare a/b may be a path. Badges (.../github/OWNER/NAME), raw files, Binder
    (.../gh/OWNER/NAME) and pages (OWNER.github.io/NAME) are addresses.
    """
    end = r"(?![\w-]|\.(?!git\b)\w)"  # not the beginning of a longer name
    hosts = r"(github\.com[/:]|githubusercontent\.com/|/github/|/gh/)"
    text, links = re.subn(hosts + re.escape(old) + end, lambda found: found[1] + new, text)
    page = ".github.io/".join(old.split("/"))
    text, pages = re.subn(
        r"(?<![\w.-])" + re.escape(page) + end, ".github.io/".join(new.split("/")), text
    )
    return text, links + pages


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise UsageError(
            f"{path} could not be written ({error.strerror}); make it writable and repeat the "
            "command, which does what is left"
        ) from error
