"""A list of things to measure under one budget of time, on a machine that may go at any moment.

Each item has a share of the time and stops itself; an error in it stops nothing else. Every row is
on disk as soon as it is there, and a summary says what became of each item.
"""

import gc
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import torch

from googlenet_lib.errors import UsageError
from googlenet_lib.training.checkpoint import write_atomically

Row = dict[str, Any]
T = TypeVar("T")

GRACE = 5.0  # seconds after its time is over in which work may still end by itself
NO_TIME = "no time was left for it"
AT_WORK = "it was at work when this was written; if no process is, it was cut off then"
SUMMARY, LOG = "summary.json", "log.txt"
FINISHED, FAILED, CUT_OFF, NOT_STARTED = "finished", "failed", "cut off", "not started"
SHOWN = (  # of a row, in the log
    "way",
    "size",
    "width",
    "batch",
    "settings",
    "seed",
    "ms",
    "times_the_first",
    "pictures_per_second",
    "loading_ms",
    "first_call_s",
    "loss",
    "epochs",
    "seconds",
    "seconds_to_target",
    "validation_accuracy",
    "test_accuracy",
    "reason",
)
log = logging.getLogger("gpu")


class OutOfTime(BaseException):
    """Work took longer than it had. No Exception: what catches those on the way must not eat it."""


class Stopped(BaseException):
    """A signal asked this process to end."""


@dataclass(kw_only=True)
class Clock:
    """How much time the item at work has, and a guard for what it tries."""

    out: Path
    device: torch.device
    deadline: float = 0.0  # of time.monotonic()

    def left(self) -> float:
        """Seconds until the item's time is over."""
        return self.deadline - time.monotonic()

    def attempt(self, what: str, work: Callable[[], T]) -> tuple[T | None, str]:
        """(what `work` gives, ""), or where it fails or takes too long (None, why)."""
        if self.left() <= 0:
            return None, NO_TIME
        try:
            with alarm(self.left() + GRACE):
                return work(), ""
        except (Exception, OutOfTime) as error:
            reason = in_a_line(error)
            log.warning("%s: %s", what, reason, exc_info=not isinstance(error, UsageError))
        free(self.device)  # only here: the error's traceback held on to tensors
        return None, reason


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the middle of whatever Python does, once `seconds` are over."""
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield  # no such thing here: items look at the clock all the same
        return

    def ring(*_: object) -> None:
        raise OutOfTime("it took longer than the time that it had")

    begun, handler = time.monotonic(), signal.signal(signal.SIGALRM, ring)
    before, again = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if before:  # an alarm around this one
            rest = before - (time.monotonic() - begun)
            signal.setitimer(signal.ITIMER_REAL, max(rest, 0.01), again)


@contextmanager
def told_to_stop() -> Iterator[None]:
    """Turn signals that would end the process into `Stopped`, so that the summary is written."""

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one would disturb the writing
        raise Stopped(signal.Signals(number).name)

    before = {}
    for number in (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")):
        # ignored: as nohup has it
        if number and signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free(device: torch.device) -> None:
    """Give the GPU's memory back, and end what a failed capture has left open."""
    if device.type != "cuda":
        return
    gc.collect()  # graphs lie in cycles
    try:
        torch.cuda.empty_cache()
        _end_capture(device)
    except RuntimeError as error:  # the next item's own error will say more
        log.warning("the GPU does not answer as it should: %s", in_a_line(error))


def _end_capture(device: torch.device) -> None:
    """Let dropout draw again.

    A capture that failed can leave the generator in the midst of it, which then refuses every
    draw; one that goes well ends that.
    """
    try:
        torch.rand(1, device=device)
    except RuntimeError:
        with torch.cuda.graph(torch.cuda.CUDAGraph()):
            torch.zeros(1, device=device).add_(1)


def in_a_line(error: BaseException) -> str:
    """What went wrong, for a table."""
    said = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {said}"[:300]


@dataclass(frozen=True)
class Item:
    """One thing to measure, and how much of the time it gets."""

    name: str
    title: str
    says: str
    rows: Callable[[Any], Iterator[Row]]
    share: float
    least: float  # seconds; with fewer it is not started
    most: float  # seconds; more are of no use to it

    @property
    def stem(self) -> str:
        """What its files are called, without their suffix."""
        return f"{self.name}-{self.title}"

    @property
    def file(self) -> str:
        """Where its rows are."""
        return f"{self.stem}.json"


def allowance(item: Item, later: list[Item], left: float) -> float:
    """The seconds that an item gets of those that are left; 0 where it had better not start."""
    if left < item.least:
        return 0.0
    share = left * item.share / sum(one.share for one in (item, *later))
    return min(item.most, left, max(item.least, share))


class Summary:
    """What became of every item: `head` and a state each, on disk at any moment."""

    def __init__(self, out: Path, head: Row, items: list[Item]) -> None:
        self.out, self.head = out, head
        self.states: dict[str, Row] = earlier(out / SUMMARY, head)
        for item in items:
            if not self.finished(item):
                self.note(item, NOT_STARTED, "it had no turn yet")

    def finished(self, item: Item) -> bool:
        """Is there nothing to do any more, perhaps since an earlier go?"""
        return self.states.get(item.name, {}).get("state") == FINISHED

    def note(self, item: Item, state: str, reason: str, **more: Any) -> None:
        """Write down a state, and with `rows` what was measured so far."""
        entry = {"what": item.says, "state": state, "reason": reason, **more}
        rows = entry.pop("rows", None)
        if rows is not None:
            entry |= {"file": item.file, "date": now(), "rows": len(rows)}
            entry["rows_without_result"] = sum("reason" in row for row in rows)
            write_json(self.out / item.file, {**self.head, **entry, "rows": rows})
        self.states[item.name] = entry
        write_json(self.out / SUMMARY, {**self.head, "items": dict(sorted(self.states.items()))})


def earlier(path: Path, head: Row) -> dict[str, Row]:
    """What an earlier go left in this folder; UsageError where it was one of another kind."""
    if not path.is_file():
        return {}
    try:
        before = json.loads(path.read_bytes())
        kinds = [
            [found[name] for name in ("device", "rehearsal", "source")] for found in (before, head)
        ]
        states = before["items"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} cannot be read ({in_a_line(error)}); expected what this program wrote. "
            "Choose another --out"
        ) from error
    if kinds[0] != kinds[1]:
        raise UsageError(f"{path} is of {kinds[0]}, this go of {kinds[1]}; choose another --out")
    return states


def write_json(path: Path, content: Row) -> None:
    """Whole or not at all."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def go_through(clock: Clock, items: list[Item], end: float, summary: Summary) -> None:
    """Item after item, for as long as there is time."""
    todo = [item for item in items if not summary.finished(item)]
    if kept := [item.name for item in items if item not in todo]:
        log.info("finished in an earlier go, and kept: %s", ", ".join(kept))
    for number, item in enumerate(todo):
        left = end - time.monotonic()
        seconds = allowance(item, todo[number + 1 :], left)
        if seconds:
            log.info("%s: %s, for %.0f s", item.name, item.says, seconds)
            clock.deadline = time.monotonic() + seconds
            work_on(item, clock, summary)
        else:
            needs = f"{left:.0f} s were left, and it needs {item.least:g}"
            summary.note(item, NOT_STARTED, needs)


def work_on(item: Item, clock: Clock, summary: Summary) -> None:
    """Write each row as soon as it is there, and what becomes of the item in the end."""
    begun, allowed, rows = time.monotonic(), clock.left(), []

    def note(state: str, reason: str) -> None:
        seconds = time.monotonic() - begun
        summary.note(item, state, reason, seconds=seconds, seconds_allowed=allowed, rows=rows)

    note(CUT_OFF, AT_WORK)
    try:
        for row in item.rows(clock):
            rows.append(row)
            log.info("%s  %s", item.name, in_short(row))
            note(CUT_OFF, AT_WORK)
        reasons = [row.get("reason", "") for row in rows]
        note(FINISHED, "") if not all(reasons) else note(FAILED, [*reasons, NO_TIME][0])
    except Exception as error:
        log.exception("%s failed", item.name)
        note(FAILED, in_a_line(error))
    except (Stopped, KeyboardInterrupt) as error:
        note(CUT_OFF, in_a_line(error))
        raise
    free(clock.device)


def in_short(row: Row) -> str:
    """A row for the log."""
    shown = {name: row[name] for name in SHOWN if row.get(name) is not None}
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in shown.items()
    )


@contextmanager
def logged(out: Path) -> Iterator[None]:
    """What is said goes to the terminal and, with each epoch of a training, into the folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(out / LOG, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--out {out} cannot be written to ({error.strerror}); choose another folder"
        ) from error
    log.setLevel(logging.DEBUG)
    terminal = logging.StreamHandler(sys.stdout)
    terminal.setLevel(logging.INFO)
    log.handlers = [terminal, file]
    for handler in log.handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    try:
        yield
    finally:
        file.close()
        log.handlers = []
