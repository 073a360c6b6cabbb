"""On the CPU: memory that a training step frees is kept for the next one.

Every step asks for blocks of the same sizes. glibc gives large ones back to the system when they
are freed, and gets them anew as pages that the system first has to find and to fill with zeros.
`tests/benchmarks/allocator.py` measures what that costs.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# As malloc.h numbers them.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4
KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**28}
# mallopt ends glibc's adjusting of its thresholds: these are the highest that it would come to.
AFTERWARDS = {MMAP_MAX: 2**16, MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26, TOP_PAD: 2**17}


@contextmanager
def freed_memory_kept(device: torch.device) -> Iterator[None]:
    """Keep what is freed until the end, then give it back. Where there is no glibc: do nothing.

    Source: mallopt(3).
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if device.type != "cpu" or not hasattr(library, "gnu_get_libc_version"):
        yield
        return
    _set(library, KEEPING)
    try:
        yield
    finally:
        _set(library, AFTERWARDS)
        library.malloc_trim(0)


def _set(library: ctypes.CDLL, options: dict[int, int]) -> None:
    for option, value in options.items():
        library.mallopt(option, value)
