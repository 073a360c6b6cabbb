"""Freed memory is kept while training lasts, and given back afterwards.

Each look at pages has a process of its own: in one that has run other tests, free blocks lie about.
"""

import ctypes
import json
import subprocess
import sys

import pytest
import torch

from googlenet_lib.device import keep_freed_memory

HAS_GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
glibc = pytest.mark.skipif(not HAS_GLIBC, reason="this system has no glibc")

BYTES, PAGE = 33 * 2**20, 4096  # just above what glibc may keep by its own rule
MANY = 10  # even of pages of 2 MB these bytes take 16
LOOKING = f"""
import json, resource
from itertools import pairwise
from pathlib import Path
import torch
from googlenet_lib.device import keep_freed_memory

CPU = torch.device("cpu")


def new_pages():
    # those that the system hands out to fill bytes that were just freed; the fewest of many, for
    # at first another free block may come back, which was not filled before
    counts = []
    for _ in range(20):
        torch.ones({BYTES}, dtype=torch.uint8)
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    return min(after - before for before, after in pairwise(counts))


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * {PAGE}


seen = {{"outside": new_pages()}}
"""


def look(code):
    """What `code` has put into `seen`, in a fresh process."""
    script = f"{LOOKING}{code}\nprint(json.dumps(seen))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@glibc
def test_what_was_freed_is_there_again_and_goes_back_at_the_end():
    seen = look("""
try:
    with keep_freed_memory(CPU):
        seen |= {"inside": new_pages(), "kept": resident()}
        raise KeyError
except KeyError:
    seen["afterwards"] = resident()
""")
    assert seen["outside"] > MANY > seen["inside"]
    assert seen["afterwards"] < seen["kept"] - BYTES / 2


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_without_glibc_nothing_is_done(monkeypatch, system):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())  # which has no mallopt
    monkeypatch.setattr(sys, "platform", system)
    with keep_freed_memory(torch.device("cpu")):
        pass
