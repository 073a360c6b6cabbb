"""Run All in an imitation of Colab: its Python, its packages, an empty folder, one notebook.

    python tests/slow/colab/imitate.py [--env FOLDER] [--working-tree] [notebooks/06_....ipynb ...]

What is imitated: packages of the versions that Colab has, so far as the notebooks meet them; a
kernel that has imported google.colab; one notebook alone, without the repository beside it. Its
set-up cell installs for real; the repository's address leads to a local copy of HEAD (or of the
working tree). Pip must have added torchinfo and googlenet-lib and touched nothing else, every cell
must run, and a second set-up must install nothing. Where all notebooks run, every control of every
explorer is then moved under that ipywidgets, by code. It needs git, Python 3.13, a package index
and, without a ready --env, several gigabytes. Exit status 1 says that something failed.
"""

import argparse
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
PYTHON = "3.13"
# Colab's own list, as of 2026-08-19 (github.com/googlecolab/backend-info, pip-freeze.txt).
VERSIONS = {
    "torch": "2.11.0",
    "torchvision": "0.26.0",
    "numpy": "2.1.3",
    "matplotlib": "3.10.0",
    "ipython": "7.34.0",
    "ipykernel": "6.17.1",
    "ipywidgets": "7.7.1",
}
# There too, in versions that follow Colab's images.
UNPINNED = (
    *("tqdm", "safetensors", "scikit-learn", "pillow", "filelock", "tensorboard"),
    *("nbformat", "nbclient", "typer", "pooch", "scipy"),
)
INSTALLED_BY_SET_UP = ("googlenet-lib", "torchinfo")
# What would let the surroundings show through.
UNSET = ("PYTHONPATH", "MPLBACKEND", "VIRTUAL_ENV", "GOOGLENET_DATA", "JUPYTER_PATH")


def main() -> int:
    """Imitate, print a table, and say by the exit status whether all is well."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("notebooks", nargs="*", type=Path, help="default: all of them")
    options.add_argument("--env", type=Path, help="a virtual environment to make, or to use again")
    options.add_argument(
        "--working-tree", action="store_true", help="with what is not committed yet"
    )
    options = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="colab-") as scratch:
        scratch = Path(scratch)
        python = ready_environment(options.env or scratch / "env")
        served = snapshot(scratch / "served", working_tree=options.working_tree)
        environment = surroundings(scratch, served)
        names = [p.name for p in options.notebooks] or sorted(
            p.name for p in (served / "notebooks").glob("*.ipynb")
        )
        failed = []
        print(f"{'notebook':26} {'seconds':>7}  {'added':25} {'second set-up':14} verdict")
        for name in names:
            row, faults = imitate(served / "notebooks" / name, python, environment, scratch)
            print(row, "failed" if faults else "ok", flush=True)
            failed += [f"\n{name}: {fault}" for fault in faults]
        if not options.notebooks:
            failed += explorers(served, python, environment, scratch)
    print(*failed, sep="\n")
    return bool(failed)


def ready_environment(folder: Path) -> Path:
    """The Python of a virtual environment with Colab's packages, made where there is none."""
    python = folder.absolute() / "bin" / "python"
    if not python.exists():
        if platform.python_version().rpartition(".")[0] != PYTHON:
            sys.exit(
                f"Colab has Python {PYTHON}, this is {platform.python_version()}: start with it"
            )
        print(f"making an environment in {folder}; this takes minutes", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pinned = [f"{name}=={version}" for name, version in VERSIONS.items()]
        install = [python, "-m", "pip", "install", "--quiet", *pinned, *UNPINNED]
        subprocess.run(install, check=True)
    here = packages(python, dict(os.environ))
    other = [
        f"{name} {here.get(name, 'not installed')} (Colab: {version})"
        for name, version in VERSIONS.items()
        if here.get(name, "").partition("+")[0] != version
    ]
    asked = [python, "-c", "import platform; print(platform.python_version())"]
    version = subprocess.run(
        asked, stdout=subprocess.PIPE, encoding="utf-8", check=True
    ).stdout.strip()
    if version.rpartition(".")[0] != PYTHON:
        other.append(f"python {version} (Colab: {PYTHON})")
    if other:
        sys.exit(f"{folder} does not imitate Colab: {', '.join(other)}; choose another --env")
    return python


def snapshot(folder: Path, *, working_tree: bool) -> Path:
    """A repository in `folder` of one commit: HEAD, or the working tree as git would add it."""
    folder.mkdir()
    if working_tree:
        listing = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, listing.decode().split("\0")):
            if (ROOT / name).is_file():  # not deleted
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name)
    else:
        with tarfile.open(fileobj=io.BytesIO(git(ROOT, "archive", "HEAD"))) as archive:
            archive.extractall(folder, filter="data")
    git(folder, "init", "--quiet")
    git(folder, "config", "uploadpack.allowFilter", "true")  # pip asks for a partial clone
    git(folder, "add", "--all")
    author = ("-c", "user.name=imitate", "-c", "user.email=imitate@localhost")
    git(folder, *author, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "as it is")
    return folder


def git(folder: Path, *arguments: str) -> bytes:
    """What git prints."""
    return subprocess.run(
        ["git", "-C", folder, *arguments], stdout=subprocess.PIPE, check=True
    ).stdout


def surroundings(scratch: Path, served: Path) -> dict[str, str]:
    """The environment variables of a Colab kernel, whose git finds the repository in `served`."""
    startup = scratch / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-colab.py").write_text("import google.colab\n", encoding="utf-8")
    project = tomllib.loads((served / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {name: value for name, value in os.environ.items() if name not in UNSET} | {
        "PYTHONPATH": str(HERE / "stub"),
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_DATA_DIR": str(scratch / "jupyter"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{served.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": project["urls"]["Repository"],
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def imitate(
    notebook: Path, python: Path, environment: dict[str, str], scratch: Path
) -> tuple[str, list[str]]:
    """A fresh runtime with one notebook: its row in the table, and what went wrong."""
    uninstall = [python, "-m", "pip", "uninstall", "--yes", "--quiet", *INSTALLED_BY_SET_UP]
    subprocess.run(uninstall, env=environment, check=True, capture_output=True)
    before = packages(python, environment)
    content = Path(tempfile.mkdtemp(prefix="content-", dir=scratch))
    shutil.copy(notebook, content)
    run = subprocess.run(
        [python, HERE / "run_all.py", notebook.name],
        cwd=content,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    if run.returncode:
        return f"{notebook.stem:26} {'':49}", [f"the kernel died:\n{run.stderr}"]
    found = json.loads(run.stdout.splitlines()[-1])
    after = packages(python, environment)
    added = sorted(after.keys() - before.keys())
    touched = sorted(name for name in before if after.get(name) != before[name])
    faults = [found["error"]] if found["error"] else []
    if tuple(added) != INSTALLED_BY_SET_UP or touched:
        faults.append(
            f"set-up was to add {', '.join(INSTALLED_BY_SET_UP)}; it added "
            f"{', '.join(added) or 'nothing'} and touched {', '.join(touched) or 'nothing'}. It "
            f"said:\n{found['first']}"
        )
    if found["second"]:
        faults.append(f"a second set-up was to do nothing; it said:\n{found['second']}")
    faults += unmet(python, environment)
    second = "not run" if found["error"] else "something" if found["second"] else "nothing"
    seconds = found["seconds"]
    row = f"{notebook.stem:26} {seconds:7.1f}  {', '.join(added) or 'nothing':25} {second:14}"
    return row, faults


def explorers(served: Path, python: Path, environment: dict[str, str], scratch: Path) -> list[str]:
    """What does not answer when each explorer is moved, with the library that set-up installed."""
    moved = subprocess.run(
        [python, served / "tests" / "benchmarks" / "explorers.py", "--rounds", "1"],
        cwd=scratch,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    print(moved.stdout)
    return [f"\nexplorers: see the table\n{moved.stderr}"] if moved.returncode else []


def packages(python: Path, environment: dict[str, str]) -> dict[str, str]:
    """Installed packages and their versions."""
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=json"],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return {entry["name"].lower(): entry["version"] for entry in json.loads(listed.stdout)}


def unmet(python: Path, environment: dict[str, str]) -> list[str]:
    """What our package asks for and Colab does not have, since --no-deps leaves it out."""
    checked = subprocess.run(
        [python, "-m", "pip", "check"], env=environment, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return [line for line in checked.stdout.splitlines() if line.startswith("googlenet-lib ")]


if __name__ == "__main__":
    sys.exit(main())
