"""The machine: which device computes, in which precision, from which seed, with which versions."""

import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import random
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from tqdm.auto import tqdm

from googlenet_lib.errors import UsageError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def in_colab() -> bool:
    """True inside a Google Colab runtime."""
    return importlib.util.find_spec("google") is not None and (
        importlib.util.find_spec("google.colab") is not None
    )


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """The device called `name`: "cpu", "cuda", "mps", or "auto" for the fastest that is here."""
    name = str(name)
    count = {
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
        "cpu": 1,
    }
    if name == "auto":
        return torch.device(next(kind for kind in count if count[kind]))
    kind, _, number = name.partition(":")
    if kind not in count or not re.fullmatch(r"[a-z]+(:[0-9]+)?", name):
        raise UsageError(f"device {name!r} is unknown; use auto, cpu, cuda or mps")
    if not count[kind]:
        here = ", ".join(kind for kind in count if count[kind])
        advice = " (in Colab: Runtime, Change runtime type, T4 GPU)" if kind == "cuda" else ""
        raise UsageError(
            f"device {name!r} was asked for, but torch {torch.__version__} finds only {here} "
            f"here; use --device auto, or switch the device on{advice}"
        )
    if int(number or 0) >= count[kind]:
        raise UsageError(
            f"device {name!r} was asked for, but the last here is {kind}:{count[kind] - 1}; "
            f"use --device {kind}"
        )
    return torch.device(f"{kind}:{int(number)}" if number else kind)


@dataclass(frozen=True)
class Precision:
    """How numbers are held while the network runs. The weights themselves stay float32."""

    name: str
    device: torch.device

    @property
    def needs_scaler(self) -> bool:
        """float16 gradients underflow to zero unless the loss is scaled up first."""
        return self.name == "float16"

    def autocast(self) -> AbstractContextManager:
        """The context that a forward pass runs in; does nothing in float32."""
        return torch.autocast(
            self.device.type, dtype=DTYPES[self.name], enabled=self.name != "float32"
        )


def cpu_has_bfloat16() -> bool:
    """True where the processor itself multiplies bfloat16 (AVX512-BF16 or AMX)."""
    # torch 2.9 has no public way to ask; without an answer, float32 is the safe one.
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def pick_precision(device: torch.device, name: str = "auto") -> Precision:
    """The precision called `name`, or with "auto" the fastest that is safe on `device`.

    On CUDA that is bfloat16 where the chip has it and float16 with a loss scaler where it does
    not: a T4 says that it supports bfloat16, but emulates it, slowly.
    """
    if name == "auto":
        if device.type == "cuda":
            has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
            return Precision("bfloat16" if has_bfloat16 else "float16", device)
        if device.type == "cpu" and cpu_has_bfloat16():
            return Precision("bfloat16", device)
        return Precision("float32", device)
    if name not in DTYPES:
        raise UsageError(f"precision {name!r} is unknown; use auto, {', '.join(DTYPES)}")
    if name == "float16" and device.type == "cpu":
        raise UsageError("float16 training needs a GPU; on a CPU use float32, bfloat16 or auto")
    return Precision(name, device)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and every torch device, so that a run can be repeated."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def describe_device(device: torch.device) -> str:
    """What the device is called, for a person: "Tesla T4", or "CPU, 2 threads (AVX512)"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple {platform.machine()} GPU"
    capability = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)} ({capability})"


def list_versions() -> dict[str, str]:
    """The versions a result depends on, by package name."""
    found = {"python": platform.python_version()}
    for package in ("torch", "torchvision", "numpy", "googlenet-lib"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    if torch.version.cuda and torch.cuda.is_available():
        found["cuda"] = torch.version.cuda
    return found


def progress_bar(work: Iterable, *, shown: bool = True, **options: object) -> tqdm:
    """A bar for a terminal or a notebook, gone when done; in a log file, none."""
    terminal = sys.stderr is not None and sys.stderr.isatty()  # none under pythonw
    watched = terminal or "ipykernel" in sys.modules
    return tqdm(work, leave=False, disable=not (watched and shown), **options)


def count_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_environment_number(name: str, default: int) -> int:
    """The whole number that an environment variable holds; `default` where it holds none."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else default


def is_memory_error(error: Exception) -> bool:
    """Is this how Python or torch say that there is not enough memory?"""
    words = ("can't allocate memory", "not enough memory", "Storage size calculation overflowed")
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(text in str(error) for text in words)


# As malloc.h numbers them.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4
KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**28}
# mallopt ends glibc's adjusting of its thresholds: these are the highest that it would come to.
AFTERWARDS = {MMAP_MAX: 2**16, MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26, TOP_PAD: 2**17}


@contextmanager
def keep_freed_memory(device: torch.device) -> Iterator[None]:
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
