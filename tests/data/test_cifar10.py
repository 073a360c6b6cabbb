"""CIFAR-10's official batches: no other one is opened, for such a file may run any program."""

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from samples import BATCHES, CAN_LINK, CAN_PIPE, take_as_official, write_cifar10_batches
from torchvision.datasets import CIFAR10

from googlenet_lib.data import cifar10
from googlenet_lib.data.cifar10 import CIFAR10_BATCHES, find_batches, read_cifar10_batches
from googlenet_lib.errors import UsageError


@pytest.mark.parametrize("numpy_1", [True, False], ids=["numpy 1", "numpy 2"])
def test_official_batches(tmp_path, monkeypatch, numpy_1):
    pixels = write_cifar10_batches(tmp_path / "batches", per_batch=10, numpy_1=numpy_1)
    take_as_official(monkeypatch, tmp_path / "batches")
    module = b"numpy.core.multiarray" if numpy_1 else b"numpy._core.multiarray"
    assert module in (tmp_path / "batches" / "data_batch_1").read_bytes()
    train, test = read_cifar10_batches(tmp_path / "batches")
    assert torch.equal(train.images, torch.from_numpy(pixels[:50]))
    assert torch.equal(test.images, torch.from_numpy(pixels[50:]))
    assert train.labels.tolist() == list(range(10)) * 5
    assert test.labels.tolist() == list(range(10))


def test_folder_that_only_has_the_name_may_hold_them_within(tmp_path):
    outer = tmp_path / CIFAR10_BATCHES
    assert find_batches(outer) == outer
    (outer / CIFAR10_BATCHES).mkdir(parents=True)
    assert find_batches(outer) == outer / CIFAR10_BATCHES
    (outer / "data_batch_1").touch()
    assert find_batches(outer) == outer


def test_official_sums_are_those_of_torchvision():
    assert dict(map(tuple, CIFAR10.train_list + CIFAR10.test_list)) == cifar10.OFFICIAL_MD5
    assert tuple(cifar10.OFFICIAL_MD5) == BATCHES


class Evil:
    """What it becomes when unpickled: the call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("lock", ["MD5", "allowed names"])
def test_pickle_that_carries_code_runs_nothing(tmp_path, monkeypatch, lock):
    write_cifar10_batches(tmp_path)
    marker = tmp_path / "it ran"
    attacks = {
        "mkdir": Evil(Path.mkdir, marker),
        "eval": Evil(eval, f"open({str(marker)!r}, 'w')"),
        "copy": Evil(shutil.copy, tmp_path / "data_batch_1", marker),
        "numpy": Evil(np.save, str(marker), [1]),
    }
    for attack in attacks.values():
        content = pickle.dumps({b"data": attack, b"labels": [0]}, 2)
        (tmp_path / "data_batch_1").write_bytes(content)
        if lock == "MD5":
            with pytest.raises(UsageError, match="data_batch_1 is not the official batch"):
                read_cifar10_batches(tmp_path)
        else:
            take_as_official(monkeypatch, tmp_path)
            with pytest.raises(pickle.UnpicklingError, match="which no picture needs"):
                read_cifar10_batches(tmp_path)
        assert not marker.exists()
        pickle.loads(content)  # it would have run
        created = [path for path in tmp_path.iterdir() if path.name.startswith(marker.name)]
        assert created
        for path in created:
            path.rmdir() if path.is_dir() else path.unlink()


class Array:
    """A pickle of names that an array needs, which make an array of Python objects anywhere."""

    def __init__(self, dtype, content):
        self.arguments = ((1,), dtype, content)

    def __reduce__(self):
        return np.ndarray, self.arguments


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(2**26),
        pickle.dumps({b"data": Array("O", bytes([0x41] * 8)), b"labels": [0]}, 2),
        pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": [0] * 4}, 2),
    ],
    ids=range(4),
)
def test_no_other_batch_is_opened(tmp_path, monkeypatch, content):
    write_cifar10_batches(tmp_path)
    take_as_official(monkeypatch, tmp_path)
    (tmp_path / "data_batch_1").write_bytes(content)
    monkeypatch.setattr(cifar10, "_ArraysOnly", lambda *_, **__: pytest.fail("it was opened"))
    message = r"data_batch_1 is not the official batch .*any program.*expected [0-9a-f]{32}; remove"
    with pytest.raises(UsageError, match=message):
        read_cifar10_batches(tmp_path)


def test_official_batch_under_the_name_of_another(tmp_path, monkeypatch):
    write_cifar10_batches(tmp_path)
    take_as_official(monkeypatch, tmp_path)
    shutil.copy(tmp_path / "data_batch_2", tmp_path / "test_batch")
    with pytest.raises(UsageError, match="test_batch is not the official batch"):
        read_cifar10_batches(tmp_path)


@pytest.mark.parametrize("name", ["data_batch_1", "data_batch_5", "test_batch"])
def test_batch_that_is_missing_or_no_plain_file_is_named(tmp_path, monkeypatch, name):
    write_cifar10_batches(tmp_path)
    take_as_official(monkeypatch, tmp_path)
    path = tmp_path / name
    path.unlink()
    with pytest.raises(UsageError, match=rf"{name} is missing; .* unpack the official cifar-10-p"):
        read_cifar10_batches(tmp_path)
    pipes = [lambda: os.mkfifo(path)] if CAN_PIPE else []
    links = [lambda: path.symlink_to("/dev/zero")] if CAN_LINK else []
    for make in (path.mkdir, *pipes, *links):
        make()
        with pytest.raises(UsageError, match=f"{name} is no plain file; remove"):
            read_cifar10_batches(tmp_path)
        path.rmdir() if path.is_dir() else path.unlink()
    if not CAN_LINK:
        return
    path.symlink_to(name)
    with pytest.raises(UsageError, match=f"{name} cannot be read"):
        read_cifar10_batches(tmp_path)
