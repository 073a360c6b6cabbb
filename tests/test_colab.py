"""Colab without Colab: what the set-up cell would install, what preflight says, where runs go."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from googlenet_lib import UsageError, colab
from googlenet_lib.colab import Minutes, choose_runs_folder, make_set_up_cell, preflight

ROOT = Path(__file__).parents[1]
STUB = ROOT / "tests" / "slow" / "colab" / "stub"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
INSTALL = "install --quiet --no-deps"
OURS = f"git+{REPOSITORY}"


@pytest.fixture
def kernel_of_colab(monkeypatch):
    """The stub of google.colab, imported, as it is in Colab before the first cell."""
    for name in ("google", "google.colab", "google.colab.drive"):
        monkeypatch.setitem(sys.modules, name, None)  # so that what is imported goes again
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(STUB)
    return importlib.import_module("google.colab")


# ---- the set-up cell -----------------------------------------------------------------------------


class Shell:
    """An IPython shell whose %pip writes down what it would have been asked to do."""

    def __init__(self, monkeypatch, hidden=()):
        self.hidden = set(hidden)
        self.commands = []
        self.shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        self.shell.register_magic_function(self.pip, magic_name="pip")
        find = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name in self.hidden else find(name)
        )

    def pip(self, line):
        self.commands.append(line)
        self.hidden.clear()

    def run(self, cell):
        self.shell.run_cell(cell).raise_error()


@pytest.fixture
def shell(monkeypatch):
    """Makes shells; what they put in place for the whole process goes back afterwards."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    for hook in ("displayhook", "excepthook"):
        monkeypatch.setattr(sys, hook, getattr(sys, hook))
    return lambda *hidden: Shell(monkeypatch, hidden)


@pytest.fixture
def set_up():
    """The cell of every notebook, which test_notebooks.py compares with this text."""
    return make_set_up_cell(REPOSITORY)


@pytest.mark.parametrize(
    ("hidden", "commands"),
    [
        ((), []),
        (("googlenet_lib",), [f"{INSTALL} {OURS}"]),
        (("torchinfo", "googlenet_lib"), [f"{INSTALL} torchinfo {OURS}"]),
    ],
    ids=["nothing", "googlenet_lib", "both"],
)
def test_colab_gets_what_is_missing_and_only_once(
    set_up, shell, kernel_of_colab, capsys, hidden, commands
):
    fresh = shell(*hidden)
    fresh.run(set_up)
    assert fresh.commands == commands
    fresh.run(set_up)  # Run All once more
    assert fresh.commands == commands
    assert capsys.readouterr().out == ""


def test_nothing_is_installed_elsewhere(set_up, shell, capsys):
    assert "google.colab" not in sys.modules
    complete = shell()
    complete.run(set_up)
    assert capsys.readouterr().out == ""
    bare = shell("googlenet_lib")
    bare.run(set_up)
    assert bare.commands == complete.commands == []
    line, command = capsys.readouterr().out.splitlines()
    assert line.startswith("Missing: googlenet_lib ")
    assert command == f"{sys.executable} -m pip install -r requirements.txt"
    assert "pip install -r requirements.txt" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_colab_is_a_kernel_that_imported_its_package(shell, monkeypatch, capsys):
    """Not a machine on which a package of that name lies about."""
    monkeypatch.syspath_prepend(STUB)
    bare = shell("googlenet_lib")
    bare.run(make_set_up_cell(REPOSITORY))
    assert bare.commands == []
    assert "Missing" in capsys.readouterr().out


# ---- preflight -----------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch):
    """Sets where the code believes it runs."""

    def choose(device, *, in_colab):
        monkeypatch.setattr(colab, "pick_device", lambda: torch.device(device))
        monkeypatch.setattr(colab, "describe_device", lambda device: f"a {device.type}")
        monkeypatch.setattr(colab, "in_colab", lambda: in_colab)

    return choose


@pytest.mark.parametrize("in_colab", [True, False])
def test_preflight_says_how_to_get_a_gpu(machine, capsys, in_colab):
    machine("cpu", in_colab=in_colab)
    assert preflight(live=Minutes(44)) == torch.device("cpu")
    first, minutes, said, way = capsys.readouterr().out.splitlines()
    assert (", in Colab" in first) == in_colab
    assert "44 min" in minutes
    assert said.startswith("Nothing else needs a GPU.")
    assert ("open this notebook in Colab" in said) != in_colab
    assert way == "Runtime > Change runtime type > T4 GPU > Save, then Runtime > Run all"


def test_preflight_advises_no_gpu_where_nothing_needs_one(machine, capsys):
    machine("cpu", in_colab=False)
    preflight()
    assert capsys.readouterr().out == "This machine: a cpu.\n"


# ---- where runs are kept -------------------------------------------------------------------------


@pytest.fixture
def mount_point(monkeypatch, tmp_path, kernel_of_colab):
    monkeypatch.setattr(colab, "MOUNT_POINT", tmp_path / "drive")
    return tmp_path / "drive"


def test_on_drive_if_asked_for(mount_point, capsys):
    folder = choose_runs_folder(use_drive=True)
    assert folder == mount_point / "MyDrive" / "googlenet" / "runs"
    assert folder.is_dir()
    (folder / "classroom-0").mkdir()
    assert f"Runs are kept on your Google Drive, in {folder}." in capsys.readouterr().out
    assert choose_runs_folder(use_drive=True) == folder  # a second runtime finds what is there
    assert (folder / "classroom-0").is_dir()


def test_in_colab_without_drive_runs_are_lost_and_it_says_so(mount_point, capsys):
    assert choose_runs_folder(use_drive=False) == Path("runs")
    (line,) = capsys.readouterr().out.splitlines()
    assert "when it ends, they are lost" in line
    assert "USE_DRIVE = True" in line
    assert not mount_point.exists()


def test_elsewhere_runs_are_local(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert choose_runs_folder(use_drive=False) == Path("runs")
    assert capsys.readouterr().out == ""
    assert choose_runs_folder(use_drive=True) == Path("runs")
    (line,) = capsys.readouterr().out.splitlines()
    assert "USE_DRIVE is for Colab" in line
    assert "runs/" in line


def file_in_the_way(mountpoint):
    Path(mountpoint, "MyDrive").mkdir(parents=True)
    Path(mountpoint, "MyDrive", "googlenet").touch()


def fails(error):
    def mount(mountpoint):
        raise error

    return mount


@pytest.mark.parametrize(
    ("mount", "says"),
    [
        (fails(RuntimeError("access was declined")), "access was declined"),
        (lambda mountpoint: None, "holds no MyDrive"),
        (file_in_the_way, "NotADirectoryError"),
    ],
    ids=["declined", "empty", "file in the way"],
)
def test_drive_that_cannot_be_used_is_no_secret(mount_point, monkeypatch, mount, says):
    drive = ModuleType("google.colab.drive")
    drive.mount = mount
    monkeypatch.setitem(sys.modules, "google.colab.drive", drive)
    with pytest.raises(UsageError, match=re.escape(says)) as refusal:
        choose_runs_folder(use_drive=True)
    assert "set USE_DRIVE = False" in str(refusal.value)
