"""CIFAR-10's official batches, which may run no code."""

import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from samples import write_cifar10_batches

from googlenet_lib.data.cifar10 import read_cifar10_batches
from googlenet_lib.errors import UsageError


@pytest.mark.parametrize("numpy_1", [True, False], ids=["numpy 1", "numpy 2"])
def test_official_batches(tmp_path, numpy_1):
    pixels = write_cifar10_batches(tmp_path / "batches", per_batch=10, numpy_1=numpy_1)
    module = b"numpy.core.multiarray" if numpy_1 else b"numpy._core.multiarray"
    assert module in (tmp_path / "batches" / "data_batch_1").read_bytes()
    train, test = read_cifar10_batches(tmp_path / "batches")
    assert torch.equal(train.images, torch.from_numpy(pixels[:50]))
    assert torch.equal(test.images, torch.from_numpy(pixels[50:]))
    assert train.labels.tolist() == list(range(10)) * 5
    assert test.labels.tolist() == list(range(10))


class Evil:
    """What it becomes when unpickled: the call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickle_that_carries_code_runs_nothing(tmp_path, protocol):
    write_cifar10_batches(tmp_path)
    marker = tmp_path / "it ran"
    attacks = {
        "mkdir": Evil(Path.mkdir, marker),
        "eval": Evil(eval, f"open({str(marker)!r}, 'w')"),
        "copy": Evil(shutil.copy, tmp_path / "data_batch_1", marker),
        "numpy": Evil(np.save, str(marker), [1]),
    }
    for attack in attacks.values():
        content = pickle.dumps({b"data": attack, b"labels": [0]}, protocol)
        (tmp_path / "data_batch_3").write_bytes(content)
        with pytest.raises(UsageError, match=r"data_batch_3 is not a batch .*which no picture"):
            read_cifar10_batches(tmp_path)
        assert not marker.exists()
        pickle.loads(content)  # it would have run
        created = [path for path in tmp_path.iterdir() if path.name.startswith(marker.name)]
        assert created
        for path in created:
            path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize("name", ["data_batch_5", "test_batch"])
def test_missing_batch_is_named(tmp_path, name):
    write_cifar10_batches(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UsageError, match=rf"{name} is missing; .* unpack cifar-10-python\.tar\.gz"):
        read_cifar10_batches(tmp_path)


def test_truncated_batch_is_refused_wherever_it_ends(tmp_path):
    write_cifar10_batches(tmp_path)
    whole = (tmp_path / "data_batch_2").read_bytes()
    for length in (0, 1, 20, 60, 200, len(whole) // 2, len(whole) - 1):
        (tmp_path / "data_batch_2").write_bytes(whole[:length])
        with pytest.raises(UsageError, match="data_batch_2 is not a batch of CIFAR-10"):
            read_cifar10_batches(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG no pickle",
        pickle.dumps([1, 2, 3]),
        pickle.dumps({b"data": np.zeros((4, 3072), np.uint8)}, 2),
        pickle.dumps({b"data": np.zeros((4, 100), np.uint8), b"labels": [0] * 4}, 2),
        pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": [0] * 5}, 2),
        pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": ["cat"] * 4}, 2),
        b"\x80\x02X" + struct.pack("<I", 2**31) + b"a text that never comes",
        b"\x80\x02]q\x00a.",  # append to an empty stack
        b"\x80\x02}q\x00K\x01a.",  # append to a dictionary
    ],
)
def test_what_is_no_batch_is_refused(tmp_path, content):
    write_cifar10_batches(tmp_path)
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(UsageError, match="test_batch is not a batch of CIFAR-10"):
        read_cifar10_batches(tmp_path)
