"""The doctor says what works and what to do, and never falls ill itself."""

import errno
import importlib
import importlib.util
import socket
import tempfile
from types import SimpleNamespace

import pytest
import torch
from samples import write_class_folders

from googlenet_lib import doctor
from googlenet_lib.doctor import format_report, run_checks

NAMES = ["versions", "torchvision", "notebooks", "device", "disk", "cifar10", "network"]


def check(name):
    return next(check for check in run_checks() if check.name == name)


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


def test_everything_is_looked_at_and_advice_stands_below(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "ROOM", 2**80)
    lines = format_report().splitlines()
    assert [line.split()[1] for line in lines if line.startswith(("ok ", "-> "))] == NAMES
    assert torch.__version__.partition("+")[0] in lines[0]
    disk = next(i for i, line in enumerate(lines) if " disk " in line)
    assert lines[disk].startswith("-> ")
    assert "make room" in lines[disk + 1]
    assert list(tmp_path.iterdir()) == []  # nothing is left of what was tried


@pytest.mark.parametrize(
    ("name", "place", "attribute", "value", "found", "remedy"),
    [
        (
            "torchvision",
            importlib,
            "import_module",
            failing(RuntimeError("operator torchvision::nms is missing")),
            "nms is missing",
            "both in one command",
        ),
        (
            "notebooks",
            importlib.util,
            "find_spec",
            lambda name: None if name in ("nbval", "google") else name,
            "not installed: nbval",
            "pip install -r requirements.txt",
        ),
        ("device", doctor, "in_colab", lambda: True, "CPU", "Runtime > Change runtime type"),
        (
            "disk",
            tempfile,
            "TemporaryFile",
            failing(PermissionError(errno.EACCES, "Permission denied")),
            "nothing can be written there (Permission denied)",
            "folder of your own",
        ),
    ],
)
def test_what_is_amiss_comes_with_a_remedy(
    monkeypatch, name, place, attribute, value, found, remedy
):
    if name == "device" and torch.accelerator.is_available():
        pytest.skip("here is a GPU")
    assert not check(name).advice
    monkeypatch.setattr(place, attribute, value)
    ill = check(name)
    assert found in ill.found
    assert remedy in ill.advice


def test_cifar10_missing_and_found(tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLENET_DATA", str(tmp_path))
    assert "not found" in check("cifar10").found
    assert "digits and shapes need nothing" in check("cifar10").advice
    write_class_folders(tmp_path / "cifar10-png" / "train")
    assert check("cifar10").found == f"in {tmp_path / 'cifar10-png'}"
    assert not check("cifar10").advice


def test_network_is_told_and_needs_no_advice(monkeypatch):
    places = ("https://nowhere.invalid/a.tar.gz", "https://there.invalid/a.tar.gz")
    monkeypatch.setattr(doctor, "CIFAR10_PLACES", places)
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def connect(address, timeout):
        if "nowhere" in address[0]:
            raise socket.gaierror(-3, "later")
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(socket, "create_connection", connect)
    assert check("network").found.startswith("online; CIFAR-10 can be had from there.invalid")
    for proxy in ("http://me:secret@proxy.invalid:8080", "proxy.invalid:8080"):
        monkeypatch.setenv("https_proxy", proxy)
        assert check("network").found == "online; by proxy proxy.invalid"
    monkeypatch.setattr(socket, "create_connection", failing(TimeoutError()))
    assert "offline" in check("network").found
    assert not check("network").advice
