"""Running somebody else's code: with a limit of time, its printing kept, randomness given back."""

import ctypes
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import TextIOBase
from types import FrameType
from typing import Any

import torch

MOST_KEPT = 2_000  # characters of what an answer prints
MOST_SHOWN = 3  # lines of them
PATIENCE, LOOKS = 1.0, 30  # an import that the limit meets is looked at so often, so far apart


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
        first = [line[:80] for line in self.text.splitlines()[:MOST_SHOWN]]
        if not first:
            return ""
        more = max(self.lines, 1) - len(first)
        rest = f" | and {more:,} more" if more > 0 else ""
        return "your code printed: " + " | ".join(first) + rest


@contextmanager
def kept_apart(printed: Printed) -> Iterator[None]:
    """Prints go to `printed`; torch draws from seed 0, and afterwards goes on where it was."""
    with redirect_stdout(printed), torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(0)
        yield


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLong in what is inside once `seconds` have passed.

    A loop in Python is stopped; a single long call into a library only when it returns.
    """
    main = threading.current_thread() is threading.main_thread()
    with _by_signal(seconds) if main and hasattr(signal, "setitimer") else _by_thread(seconds):
        yield


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    looks = iter(range(LOOKS))

    def stop(_number: int, frame: FrameType | None) -> None:
        if _importing(frame) and next(looks, None) is not None:
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        else:
            raise TooLong

    handler = signal.signal(signal.SIGALRM, stop)
    start = time.monotonic()
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if remaining:  # somebody else's alarm, such as a test runner's, goes on
            left = max(remaining - (time.monotonic() - start), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """Windows has no such timer, and signals reach no thread but the first."""
    thread, lock, over = ctypes.c_ulong(threading.get_ident()), threading.Lock(), threading.Event()

    def stop() -> None:
        for _ in range(LOOKS):
            if not _importing(sys._current_frames().get(thread.value)):
                break
            over.wait(PATIENCE)
        with lock:
            if not over.is_set():
                raise_in(thread, ctypes.py_object(TooLong))

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


def _importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported: stopped halfway, it would stay broken."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def own_line(error: BaseException, answer: Any) -> str:
    """ ", in your line 4: `return total / 0`", the deepest one that the learner wrote, or ""."""
    own = {"__main__", getattr(answer, "__module__", None)}
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [frame.f_globals.get("__name__") for frame, _ in frames]
    summary = traceback.StackSummary.extract(iter(frames))
    lines = [line for line, name in zip(summary, names, strict=True) if name in own]
    if not lines:
        return ""
    source = f": `{lines[-1].line}`" if lines[-1].line else ""
    return f", in your line {lines[-1].lineno}{source}"
