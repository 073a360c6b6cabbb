"""The doctor says what works and what to do, and never falls ill itself."""

import importlib.util
import shutil
import socket
import sys
from collections import namedtuple

import pytest
import torch
from samples import write_class_folders

from googlenet_lib import doctor
from googlenet_lib.doctor import checks, report

NAMES = [
    "python",
    "versions",
    "torchvision",
    "notebooks",
    "device",
    "precision",
    "disk",
    "cifar10",
    "network",
]


def check(name):
    return next(check for check in checks() if check.name == name)


def test_everything_is_looked_at_and_found():
    found = checks()
    assert [check.name for check in found] == NAMES
    assert all(check.found for check in found)
    assert torch.__version__.partition("+")[0] in check("versions").found


def test_report_has_a_line_each_and_advice_below(monkeypatch):
    monkeypatch.setattr(doctor, "ROOM", 2**80)
    lines = report().splitlines()
    assert [line.split()[1] for line in lines if line.startswith(("ok ", "-> "))] == NAMES
    disk = next(i for i, line in enumerate(lines) if " disk " in line)
    assert lines[disk].startswith("-> ")
    assert lines[disk + 1].strip().startswith("make room")


def test_offline_is_told_and_needs_no_advice():
    assert "offline" in check("network").found
    assert not check("network").advice


def test_online_is_told(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        places = ("https://nowhere.invalid/a.tar.gz", f"https://127.0.0.1:{port}/a.tar.gz")
        monkeypatch.setattr(doctor, "CIFAR10_PLACES", places)
        assert check("network").found.startswith("online; CIFAR-10 can be had from 127.0.0.1")


@pytest.mark.parametrize(
    "error", [TimeoutError(), socket.gaierror(-3, "later"), OSError(101, "no")]
)
def test_every_way_of_being_offline(monkeypatch, error):
    def refuse(*args, **kwargs):
        raise error

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert "offline" in check("network").found


def test_cifar10_missing_and_found(tmp_path, monkeypatch):
    assert "not found" in check("cifar10").found
    assert "digits and shapes need nothing" in check("cifar10").advice
    monkeypatch.setenv("GOOGLENET_DATA", str(tmp_path))
    write_class_folders(tmp_path / "cifar10-png" / "train")
    assert check("cifar10").found == f"in {tmp_path / 'cifar10-png'}"
    assert not check("cifar10").advice


def test_torchvision_of_another_build(monkeypatch):
    for error in (ImportError("no module"), RuntimeError("operator torchvision::nms is missing")):

        def fail(name, error=error):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(doctor.importlib, "import_module", fail)
            assert str(error) in check("torchvision").found
            assert "both in one command" in check("torchvision").advice


def test_packages_that_are_missing_are_named(monkeypatch):
    find = importlib.util.find_spec
    missing = ("nbval", "torchinfo")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in missing else find(name)
    )
    assert "torchinfo, nbval" in check("notebooks").found
    assert "pip install -r requirements.txt" in check("notebooks").advice


def test_python_that_was_not_tested(monkeypatch):
    version = namedtuple("version", "major minor micro")
    for minor, fine in ((10, False), (11, True), (13, True), (14, False)):
        monkeypatch.setattr(sys, "version_info", version(3, minor, 0))
        assert check("python").found.startswith(f"3.{minor}.0")
        assert bool(check("python").advice) != fine


def test_disk(monkeypatch):
    usage = namedtuple("usage", "total used free")
    for free, fine in ((2**30, False), (2**32, True)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage(2**40, 0, free))
        assert check("disk").found.startswith(f"{free / 2**30:.1f} GiB free")
        assert bool(check("disk").advice) != fine
