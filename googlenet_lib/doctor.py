"""Look at what works here, and say what to do about the rest."""

import importlib
import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

from googlenet_lib.colab import SWITCH_ON_A_GPU
from googlenet_lib.data import find_cifar10
from googlenet_lib.data.download import CIFAR10_PLACES
from googlenet_lib.device import (
    describe_device,
    in_colab,
    list_versions,
    pick_device,
    pick_precision,
)
from googlenet_lib.errors import UsageError

NOTEBOOK_PACKAGES = ("jupyterlab", "ipywidgets", "matplotlib", "torchinfo", "nbval")
ROOM = 2 * 2**30  # bytes for data and a few runs


class Check(NamedTuple):
    """A look at one thing: what was found and, where something is amiss, what to do."""

    name: str
    found: str
    advice: str = ""


def run_checks() -> Iterator[Check]:
    """Look at everything that the course or a training run leans on. Nothing is changed."""
    tested = (3, 11) <= sys.version_info[:2] <= (3, 13)
    found = ", ".join(f"{name} {version}" for name, version in list_versions().items())
    yield Check("versions", found, "" if tested else "the course is tested on Python 3.11 to 3.13")
    yield _check_torchvision()
    missing = [name for name in NOTEBOOK_PACKAGES if importlib.util.find_spec(name) is None]
    yield Check(
        "notebooks",
        f"not installed: {', '.join(missing)}" if missing else "all packages are here",
        "run pip install -r requirements.txt; to train from the command line, none is needed"
        if missing
        else "",
    )
    device = pick_device()
    to_switch = in_colab() and device.type == "cpu"
    precision = pick_precision(device).name
    yield Check(
        "device",
        f"{describe_device(device)}, in {precision}; every notebook runs on it",
        f"for a GPU: {SWITCH_ON_A_GPU}" if to_switch else "",
    )
    yield _check_disk()
    yield _check_cifar10()
    yield _check_network()


def format_report() -> str:
    """Put all checks into lines of text, each piece of advice below what it is about."""
    lines = []
    for name, found, advice in run_checks():
        lines.append(f"{'-> ' if advice else 'ok '} {name:12} {found}")
        lines += [f"{'':16}{advice}"] if advice else []
    return "\n".join(lines)


def _check_torchvision() -> Check:
    # torch and torchvision of different builds import apart, and fail at the first operator
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError) as error:
        advice = "install torch and torchvision again, both in one command"
        return Check("torchvision", f"does not import: {error}", advice)
    return Check("torchvision", "fits torch")


def _check_disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    found = f"{free / 2**30:.1f} GiB free in {Path.cwd()}"
    try:
        with tempfile.TemporaryFile(dir=Path.cwd()) as file:
            file.write(b"0" * 2**16)
    except OSError as error:
        found += f", but nothing can be written there ({error.strerror})"
        return Check("disk", found, "go to a folder of your own, or give one to train by --out")
    return Check("disk", found, "" if free > ROOM else "make room: a run needs about 2 GiB")


def _check_cifar10() -> Check:
    try:
        return Check("cifar10", f"in {find_cifar10()}")
    except UsageError:
        found = f"not found in {os.environ.get('GOOGLENET_DATA') or 'data'}"
        advice = "--data cifar10 downloads it once; the built-in digits and shapes need nothing"
        return Check("cifar10", found, advice)


def _check_network() -> Check:
    proxies = getproxies()  # through which downloads go, where there are any
    proxy = proxies.get("https") or proxies.get("all")
    for place in [proxy] if proxy else CIFAR10_PLACES:
        try:
            host = urlsplit(place if "://" in place else f"http://{place}")
            port = host.port or (80 if host.scheme == "http" else 443)
            socket.create_connection((host.hostname, port), timeout=3).close()
        except (OSError, ValueError):  # nobody there; an address that is none
            continue
        found = f"CIFAR-10 can be had from {host.hostname}"
        return Check("network", f"online; {f'by proxy {host.hostname}' if proxy else found}")
    return Check("network", "offline; everything but downloads works")
