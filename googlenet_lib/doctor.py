"""What works here, and what to do about the rest."""

import importlib
import importlib.util
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import torch

from googlenet_lib.colab import SWITCH_ON_A_GPU
from googlenet_lib.data import find_cifar10
from googlenet_lib.download import CIFAR10_PLACES
from googlenet_lib.errors import UsageError
from googlenet_lib.platforms import (
    device_name,
    in_colab,
    pick_device,
    pick_precision,
    usable_cores,
    versions,
)

NOTEBOOK_PACKAGES = ("jupyterlab", "ipywidgets", "matplotlib", "torchinfo", "nbval")
ROOM = 2 * 2**30  # bytes for data and a few runs


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found and, where something is amiss, what to do."""

    name: str
    found: str
    advice: str = ""


def checks() -> list[Check]:
    """Everything that a course or a training run leans on. Nothing is changed."""
    return [
        _python(),
        Check("versions", ", ".join(f"{k} {v}" for k, v in versions().items() if k != "python")),
        _torchvision(),
        _packages(),
        _device(),
        Check("precision", _precision()),
        _disk(),
        _data(),
        _network(),
    ]


def report() -> str:
    """All checks as lines of text, each piece of advice below what it is about."""
    lines = []
    for check in checks():
        lines.append(f"{'ok ' if not check.advice else '-> '} {check.name:12} {check.found}")
        if check.advice:
            lines.append(f"{'':16}{check.advice}")
    return "\n".join(lines)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3])) + (" in Colab" if in_colab() else "")
    tested = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check("python", found, "" if tested else "the course is tested on Python 3.11 to 3.13")


def _torchvision() -> Check:
    # torch and torchvision of different builds import apart, and fail at the first operator
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError) as error:
        return Check(
            "torchvision",
            f"does not import: {error}",
            "install torch and torchvision again, both in one command",
        )
    return Check("torchvision", "fits torch")


def _packages() -> Check:
    missing = [name for name in NOTEBOOK_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        return Check(
            "notebooks",
            f"not installed: {', '.join(missing)}",
            "run pip install -r requirements.txt; to train from the command line, none is needed",
        )
    return Check("notebooks", "all packages are here")


def _device() -> Check:
    device = pick_device()
    found = device_name(device)
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
        return Check("device", f"{found}, {memory / 2**30:.0f} GiB")
    if in_colab():
        return Check("device", found, f"for a GPU: {SWITCH_ON_A_GPU}")
    return Check("device", f"{found}, {usable_cores()} cores; every notebook runs on it")


def _precision() -> str:
    precision = pick_precision(pick_device())
    return precision.name + (" with a loss scaler" if precision.needs_scaler else "")


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    found = f"{free / 2**30:.1f} GiB free in {Path.cwd()}"
    return Check("disk", found, "" if free > ROOM else "make room: a run needs about 2 GiB")


def _data() -> Check:
    root = os.environ.get("GOOGLENET_DATA", "data")
    try:
        where = find_cifar10()
    except UsageError:
        return Check(
            "cifar10",
            f"not found in {root}",
            "--data cifar10 downloads it once; the built-in digits and shapes need nothing",
        )
    return Check("cifar10", f"in {where}")


def _network() -> Check:
    for place in CIFAR10_PLACES:
        where = urlsplit(place)
        try:
            socket.create_connection((where.hostname, where.port or 443), timeout=3).close()
        except OSError:
            continue
        return Check("network", f"online; CIFAR-10 can be had from {where.hostname}")
    return Check("network", "offline; everything but downloads works")
