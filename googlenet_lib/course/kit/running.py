"""Running somebody else's code: with a limit of time, its printing kept, settings given back."""

import ctypes
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from io import TextIOBase
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

MOST_KEPT = 2_000  # characters of what an answer prints
MOST_SHOWN, WIDE = 3, 80  # lines of them, and characters of a line
PATIENCE = 1.0  # seconds until an answer that has caught the alarm gets the next one
OFTEN = 5e-5  # seconds between alarms, once an answer has caught one
CHECKER = __name__.rpartition(".")[0]


class TooLong(BaseException):
    """The time is up. No Exception, so that an answer's own `except Exception` lets it pass."""


class Printed(TextIOBase):
    """Takes what is printed and keeps its beginning; however much comes, memory does not grow."""

    def __init__(self) -> None:
        self.text, self.lines = "", 0

    def write(self, text: str) -> int:
        self.lines += text.count("\n")
        if len(self.text) < MOST_KEPT:
            self.text += text[:MOST_KEPT]
        return len(text)

    def shown(self) -> str:
        """One line that repeats the first lines, and says how many more there were."""
        lines = self.text.splitlines()[:MOST_SHOWN]
        first = [line if len(line) <= WIDE else line[: WIDE - 3] + "..." for line in lines]
        if not first:
            return ""
        more = max(self.lines, 1) - len(first)
        rest = f" | and {more:,} more" if more > 0 else ""
        return "your code printed: " + " | ".join(first) + rest


# ---- What an answer may have changed -------------------------------------------------------------


def _device() -> torch.device | None:
    """The default device; None stands for the processor, which needs no setting."""
    device = torch.empty(0).device
    return None if device.type == "cpu" else device


def _folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it has been deleted
        return None


SETTINGS = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (_device, torch.set_default_device),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (_folder, lambda folder: folder and os.chdir(folder)),
)


@contextmanager
def settings_kept() -> Iterator[None]:
    """Whatever settings are changed inside are afterwards as they were."""
    before = [get() for get, _ in SETTINGS]
    try:
        yield
    finally:
        for (get, put), value in zip(SETTINGS, before, strict=True):
            if get() != value:
                put(value)


@contextmanager
def _draws_kept() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextmanager
def kept_apart(printed: Printed) -> Iterator[None]:
    """Prints go to `printed`; draws begin at seed 0; whatever is changed is put back afterwards.

    Inside, torch makes float32 on the processor and keeps gradients, whatever the notebook chose.
    """
    with redirect_stdout(printed), _draws_kept(), settings_kept():
        torch.set_default_dtype(torch.float32)
        if _device() is not None:
            torch.set_default_device(None)
        torch.set_grad_enabled(True)
        torch.default_generator.manual_seed(0)
        yield


# ---- The limit of time ---------------------------------------------------------------------------


@contextmanager
def time_limit(seconds: float, own: Collection[str | None] = ("__main__",)) -> Iterator[None]:
    """Raise TooLong in what is inside once `seconds` have passed; `own` are the answer's modules.

    A loop in Python is stopped, also one that catches everything; a single long call into a library
    only when it returns.
    """
    main = threading.current_thread() is threading.main_thread()
    limit = _by_signal if main and hasattr(signal, "setitimer") else _by_thread
    with limit(seconds, own):
        yield


@contextmanager
def _by_signal(seconds: float, own: Collection[str | None]) -> Iterator[None]:
    raised, idle = 0, True

    def stop(_number: int, frame: FrameType | None) -> None:
        nonlocal idle
        if idle:  # else this alarm came while an earlier one is looked at, or when all is over
            idle = False
            try:
                look(frame)
            finally:
                idle = True

    def look(frame: FrameType | None) -> None:
        nonlocal raised
        raised += 1
        if raised == 2:  # it was caught: one of many will meet the answer outside of its `try`
            signal.setitimer(signal.ITIMER_REAL, OFTEN, OFTEN)
        if raised == 1 or _in_answer(frame, own):
            raise TooLong

    handler = signal.signal(signal.SIGALRM, stop)
    start = time.monotonic()
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds, PATIENCE)
    try:
        yield
    finally:
        idle = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if remaining:  # somebody else's alarm, such as a test runner's, goes on
            left = max(remaining - (time.monotonic() - start), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


@contextmanager
def _by_thread(seconds: float, own: Collection[str | None]) -> Iterator[None]:
    """Windows has no such timer, and signals reach no thread but the first."""
    thread, lock, over = ctypes.c_ulong(threading.get_ident()), threading.Lock(), threading.Event()

    def frame() -> FrameType | None:
        return sys._current_frames().get(thread.value)

    def stop() -> None:
        first = True
        while not over.is_set():
            with lock:
                if not over.is_set() and (first or _in_answer(frame(), own)):
                    raise_in(thread, ctypes.py_object(TooLong))
            first = False
            over.wait(PATIENCE)

    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over.set()
            raise_in(thread, None)  # take back one that is on its way


def _in_answer(frame: FrameType | None, own: Collection[str | None]) -> bool:
    """Whether the answer is at work, or what it calls; not the check that calls the answer."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module in own:
            return True
        if module.startswith(CHECKER):
            return False
        frame = frame.f_back
    return False


def own_modules(answer: Any) -> set[str | None]:
    """Where the learner's code stands: in the notebook, and where the answer was written."""
    return {"__main__", getattr(answer, "__module__", None)}


def own_line(error: BaseException, answer: Any) -> str:
    """ ", in your line 4: `return total / 0`", the deepest one that the learner wrote, or ""."""
    own = own_modules(answer)
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [frame.f_globals.get("__name__") for frame, _ in frames]
    summary = traceback.StackSummary.extract(iter(frames))
    lines = [line for line, name in zip(summary, names, strict=True) if name in own]
    if not lines:
        return ""
    source = f": `{lines[-1].line}`" if lines[-1].line else ""
    return f", in your line {lines[-1].lineno}{source}"
