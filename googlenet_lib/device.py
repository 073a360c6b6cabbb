"""The machine: which device computes, how precisely, from which seed, with how much memory."""

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
from torch import Tensor
from tqdm.auto import tqdm

from googlenet_lib.errors import UsageError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


# ---- devices -------------------------------------------------------------------------------------


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device called `name`: "cpu", "cuda", "mps", or "auto" for the fastest here.

    Raises UsageError for a device that torch does not find.
    """
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


def describe_device(device: torch.device) -> str:
    """Name the device for a person: "Tesla T4", or "CPU, 2 threads (AVX512)"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple {platform.machine()} GPU"
    capability = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)} ({capability})"


def copy_to(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor of the CPU to `device`, without waiting for what a GPU still computes."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and every torch device, so that a run can be repeated."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


# ---- precision -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Precision:
    """How numbers are held while the network runs. The weights themselves stay float32."""

    name: str
    device: torch.device

    @property
    def needs_scaler(self) -> bool:
        """Tell whether gradients underflow to zero unless the loss is scaled up first."""
        return self.name == "float16"

    def autocast(self) -> AbstractContextManager:
        """Return the context that a forward pass runs in; in float32 it switches autocast off."""
        enabled = self.name != "float32"
        dtype = DTYPES[self.name] if enabled else None  # torch 2.9 warns of float32 on MPS
        return torch.autocast(self.device.type, dtype=dtype, enabled=enabled)


def pick_precision(device: torch.device, name: str = "auto") -> Precision:
    """Return the precision called `name`, or with "auto" the fastest that is safe on `device`.

    On CUDA that is bfloat16 where the chip has it and float16 with a loss scaler where it does
    not: a T4 says that it supports bfloat16, but emulates it, slowly. Raises UsageError for a
    precision that is unknown or cannot train on `device`.
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


def cpu_has_bfloat16() -> bool:
    """Tell whether the processor itself multiplies bfloat16 (AVX512-BF16 or AMX)."""
    # torch 2.9 has no public way to ask; without an answer, float32 is the safe one.
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


# ---- memory --------------------------------------------------------------------------------------

# As malloc.h numbers them.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4
KEEP = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**28}
# mallopt ends glibc's adjusting of its thresholds: these are the highest that it would come to.
GIVE_BACK = {MMAP_MAX: 2**16, MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26, TOP_PAD: 2**17}


@contextmanager
def keep_freed_memory(device: torch.device) -> Iterator[None]:
    """Keep what a CPU's steps free until the end, for the next step, then give it back.

    A step takes the same memory as the one before, and each page that the system hands out anew
    costs time. Does nothing without glibc. Source: mallopt(3).
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if device.type != "cpu" or not hasattr(library, "gnu_get_libc_version"):
        yield
        return
    _set_malloc(library, KEEP)
    try:
        yield
    finally:
        _set_malloc(library, GIVE_BACK)
        library.malloc_trim(0)


def _set_malloc(library: ctypes.CDLL, options: dict[int, int]) -> None:
    for option, value in options.items():
        library.mallopt(option, value)


def is_memory_error(error: Exception) -> bool:
    """Tell whether Python or torch say by `error` that there is not enough memory."""
    words = (
        "allocate memory",
        "not enough memory",
        "out of memory",
        "ALLOC_FAILED",
        "Storage size calculation overflowed",
    )
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(text in str(error) for text in words)


# ---- the process and its surroundings ------------------------------------------------------------


def in_colab() -> bool:
    """Tell whether this is a Google Colab runtime, and not Kaggle, whose image is made of it."""
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
        return False
    return importlib.util.find_spec("google") is not None and (
        importlib.util.find_spec("google.colab") is not None
    )


def list_versions() -> dict[str, str]:
    """Return the versions that a result depends on, by package name."""
    versions = {"python": platform.python_version()}
    for package in ("torch", "torchvision", "numpy", "googlenet-lib"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    if torch.version.cuda and torch.cuda.is_available():
        versions["cuda"] = torch.version.cuda
    return versions


def count_cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_environment_number(name: str, default: int) -> int:
    """Return the whole number that an environment variable holds; `default` where it holds none."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else default


def progress_bar(work: Iterable, *, enabled: bool = True, **options: object) -> tqdm:
    """Show a bar in a terminal or a notebook, gone when done; in a log file, none."""
    terminal = sys.stderr is not None and sys.stderr.isatty()  # none under pythonw
    watched = terminal or "ipykernel" in sys.modules
    return tqdm(work, leave=False, disable=not (watched and enabled), **options)
