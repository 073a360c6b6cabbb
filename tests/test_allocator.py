"""Freed memory is kept while training lasts, and given back afterwards."""

import ctypes
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from googlenet_lib import googlenet
from googlenet_lib.allocator import freed_memory_kept
from googlenet_lib.data import load
from googlenet_lib.fitting import fit
from googlenet_lib.recipes import CLASSROOM

CPU = torch.device("cpu")
BYTES, PAGE = 33 * 2**20, 4096  # just above what glibc may keep by its own rule
MANY = 10  # even of pages of 2 MB these bytes take 16
HAS_GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
glibc = pytest.mark.skipif(not HAS_GLIBC, reason="this system has no glibc")


def new_pages():
    """The pages that the system hands out to fill bytes that were just freed: fewest of many."""
    import resource

    counts = [0]
    for _ in range(20):
        torch.ones(BYTES, dtype=torch.uint8)
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    # at first another free block may come back, which was not filled before
    return min(after - before for before, after in pairwise(counts[1:]))


def resident():
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@glibc
def test_what_was_freed_is_there_again_and_goes_back_at_the_end():
    assert new_pages() > MANY
    with freed_memory_kept(CPU):
        assert new_pages() < MANY
        kept = resident()
    assert resident() < kept - BYTES / 2


@glibc
def test_it_is_given_back_behind_an_error_too():
    kept = []

    def fails():
        with freed_memory_kept(CPU):
            new_pages()
            kept.append(resident())
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert resident() < kept[0] - BYTES / 2


@glibc
def test_training_keeps_it():
    seen = []
    torch.manual_seed(0)
    model = googlenet("small", num_classes=10, width=0.125)
    recipe = CLASSROOM.changed(["epochs=1", "batch_size=20"])
    data = load("digits").limited(40)
    fit(model, data, recipe, device="cpu", report=lambda _: seen.append(new_pages()))
    assert len(seen) == 1
    assert max(seen) < MANY


@pytest.mark.parametrize("lacking", ["glibc", "linux", "cpu"])
def test_without_glibc_or_the_cpu_nothing_is_done(monkeypatch, lacking):
    class Other:
        def mallopt(self, *_):
            raise AssertionError("called")

    class Glibc(Other):
        gnu_get_libc_version = malloc_trim = None

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Other() if lacking == "glibc" else Glibc())
    monkeypatch.setattr(sys, "platform", "darwin" if lacking == "linux" else "linux")
    inside = []
    with freed_memory_kept(torch.device("cuda" if lacking == "cpu" else "cpu")):
        inside.append(lacking)
    assert inside
