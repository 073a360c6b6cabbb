"""Colab: the set-up cell of a notebook, a look at the machine, a place for runs."""

import importlib
from dataclasses import dataclass
from pathlib import Path

import torch

from googlenet_lib.device import describe_device, in_colab, pick_device
from googlenet_lib.errors import UsageError

# --no-deps, always: pip must never replace Colab's torch, numpy or ipywidgets.
SET_UP_CELL = """\
# In Colab this installs what is missing there. Anywhere else it installs nothing.
import importlib.util
import sys

REPOSITORY = "git+https://github.com/OWNER/NAME"
sources = {"torchinfo": "torchinfo", "googlenet_lib": REPOSITORY}
missing = [name for name in sources if importlib.util.find_spec(name) is None]
if missing and "google.colab" in sys.modules:
    wanted = " ".join(sources[name] for name in missing)
    %pip install --quiet --no-deps {wanted}
elif missing:
    print("Missing:", *missing, "- in the course's folder run, for this kernel,")
    print(f"{sys.executable} -m pip install -r requirements.txt")"""

SWITCH_ON_A_GPU = "Runtime > Change runtime type > T4 GPU > Save, then Runtime > Run all"

MOUNT_POINT = Path("/content/drive")
ON_DRIVE = Path("MyDrive", "googlenet", "runs")
LOCAL_RUNS = Path("runs")


def make_set_up_cell(repository: str) -> str:
    """Return the first code cell of every notebook; `repository` is its address on GitHub.

    It runs where nothing of this project is installed yet. Run again, it installs nothing.
    """
    return SET_UP_CELL.replace("https://github.com/OWNER/NAME", repository)


@dataclass(frozen=True)
class Minutes:
    """How long a part of a notebook runs; `t4` is None until somebody has measured it."""

    cpu: float
    t4: float | None = None

    def __str__(self) -> str:
        t4 = "not measured" if self.t4 is None else f"{max(self.t4, 1):.0f} min"
        return f"{max(self.cpu, 1):.0f} min on two CPU cores; on a T4: {t4}"


def preflight(live: Minutes | None = None) -> torch.device:
    """Print what this machine is, and return the device to use.

    `live` is how long the notebook's live training takes, where it has one: without a GPU, the
    way to a free one is then printed too.
    """
    device = pick_device()
    print(f"This machine: {describe_device(device)}{', in Colab' if in_colab() else ''}.")
    if live is not None:
        print(f"Training live takes {live}.")
        if device.type == "cpu":
            way = "" if in_colab() else ", open this notebook in Colab by its badge, and there"
            print(f"Nothing else needs a GPU. To train live on a free one{way}:\n{SWITCH_ON_A_GPU}")
    return device


def choose_runs_folder(*, use_drive: bool) -> Path:
    """Choose the folder for training runs: on Google Drive in Colab if asked for, else `runs`.

    Prints which, where that needs saying. Raises UsageError where Drive was asked for in Colab
    and could not be mounted: a fallback would be lost with the runtime, and the training with it.
    """
    if in_colab() and use_drive:
        folder = _mount_drive() / ON_DRIVE
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _make_drive_error(error) from error
        print(f"Runs are kept on your Google Drive, in {folder}.")
        return folder
    if in_colab():
        print(
            "Runs are kept in this Colab runtime: when it ends, they are lost. "
            "USE_DRIVE = True keeps them on your Google Drive."
        )
    elif use_drive:
        print(
            f"USE_DRIVE is for Colab, and this is another place: runs are kept in {LOCAL_RUNS}/, "
            "here on this computer."
        )
    return LOCAL_RUNS


def _mount_drive() -> Path:
    try:
        importlib.import_module("google.colab.drive").mount(str(MOUNT_POINT))
    except Exception as error:  # of many kinds: declined, timed out, not in a notebook
        raise _make_drive_error(error) from error
    # A folder made under a mount point that holds no Drive would be lost with the runtime.
    if not (MOUNT_POINT / "MyDrive").is_dir():
        raise _make_drive_error(FileNotFoundError(f"{MOUNT_POINT} holds no MyDrive"))
    return MOUNT_POINT


def _make_drive_error(error: Exception) -> UsageError:
    return UsageError(
        f"Google Drive was asked for and could not be used ({type(error).__name__}: {error}); "
        "run this cell again and allow the access, or set USE_DRIVE = False, which keeps runs "
        "in this Colab runtime until it ends"
    )
