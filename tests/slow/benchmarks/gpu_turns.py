"""How ways are compared on a device that works on its own while Python goes on.

- Events on the device's own clock stand around many steps, and there is one wait, at the end. A
  clock in Python without a wait measures how fast work is handed over, not how fast it is done; a
  wait in every step stops what would overlap.
- The first call loads kernels, and may choose algorithms, compile or capture. It is timed apart
  ("first_call_s"), and a few more steps pass untimed.
- Before each turn a few steps pass untimed, which use up the batches that worker processes have
  prepared meanwhile.
- The ways take turns, round after round, so that heat or a neighbour slows all of them alike.
  "times_the_first" is the median of the rounds' ratios; "least_ms" and "most_ms" say how far the
  rounds lie apart.
- Each row names its arithmetic: autocast, layout in memory, what float32 convolutions and products
  are rounded to (TF32), whether cuDNN tries its algorithms out.
- "loading_ms" is what a batch takes alone, "loss" the last step's: fast nonsense shows.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from gpu_budget import Clock, Row, free
from training_step import READY, Step, float32_convolutions, synchronise

MOST_STEPS = 200  # in a turn


@dataclass(frozen=True)
class Way:
    """One of several that are compared. It is built when its turn comes."""

    name: str
    about: Row
    build: Callable[[], Step]


@dataclass(frozen=True)
class Turns:
    """How long the comparison takes."""

    rounds: int
    seconds: float  # a way's turn in a round
    untimed: int  # steps after the first
    ready: int = READY  # and before each turn


@dataclass
class Racer:
    """A way that is warm."""

    step: Step
    pictures: int
    first_call: float
    calls: int = 1  # steps in a turn
    loss: Any = None
    times: list[float] = field(default_factory=list)  # seconds of a step, a round each
    loading: float | None = None  # until it is timed

    def once(self) -> None:
        self.loss = self.step.update(*next(self.step.batches))


def race(clock: Clock, turns: Turns, ways: list[Way]) -> list[Row]:
    """A row for each way; all take turns, and are compared with the first."""
    rows = _raced(clock, turns, ways)
    free(clock.device)  # here, where no way is alive any more
    return rows


def _raced(clock: Clock, turns: Turns, ways: list[Way]) -> list[Row]:
    rows: dict[str, Row] = {}
    racers: dict[str, Racer] = {}
    for way in ways:
        racer, reason = clock.attempt(way.name, partial(warmed, way, turns, clock.device))
        rows[way.name] = {"way": way.name, **way.about, **({"reason": reason} if reason else {})}
        if racer:
            racers[way.name] = racer
    _, reason = clock.attempt("taking turns", partial(take_turns, racers.values(), turns, clock))
    base = racers[ways[0].name].times if ways[0].name in racers else []
    for name, racer in racers.items():
        ended = {"ended_early": reason} if reason else {}
        rows[name] |= timing(racer, base) | ended if racer.times else {"reason": reason}
    return [*rows.values()]


def warmed(way: Way, turns: Turns, device: torch.device) -> Racer:
    """Build a way and run it: the first call apart, some more to see how long one takes."""
    begun = time.perf_counter()
    step = way.build()
    images, labels = next(step.batches)
    loss = step.update(images, labels)
    synchronise(device)
    racer = Racer(step, len(labels), time.perf_counter() - begun, loss=loss)
    seconds = seconds_each(racer.once, turns.untimed, device)
    racer.calls = min(MOST_STEPS, max(1, round(turns.seconds / max(seconds, 1e-9))))
    return racer


def take_turns(racers: Iterable[Racer], turns: Turns, clock: Clock) -> None:
    """Time all, round after round; what loads batches alone, once."""
    begun = time.monotonic()
    for number in range(turns.rounds):
        if number > 1 and clock.left() < (time.monotonic() - begun) / number:
            break
        for racer in racers:
            for _ in range(turns.ready):
                racer.once()
            racer.times.append(seconds_each(racer.once, racer.calls, clock.device))
    for racer in racers:
        load_one = partial(next, racer.step.batches)
        racer.loading = seconds_each(load_one, min(20, racer.calls), clock.device)


def seconds_each(call: Callable[[], object], count: int, device: torch.device) -> float:
    """Seconds of each of `count` calls, by the device's own clock where it has one."""
    synchronise(device)  # what was asked for before is done
    if device.type == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(count):
            call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1000 / count
    begun = time.perf_counter()
    for _ in range(count):
        call()
    synchronise(device)
    return (time.perf_counter() - begun) / count


def timing(racer: Racer, base: list[float]) -> Row:
    """What the rounds say, in milliseconds."""
    median = statistics.median(racer.times)
    ratios = [b / own for b, own in zip(base, racer.times, strict=False)]  # none without a base
    return {
        "ms": 1000 * median,
        "least_ms": 1000 * min(racer.times),
        "most_ms": 1000 * max(racer.times),
        "times_the_first": statistics.median(ratios) if ratios else None,
        "pictures_per_second": racer.pictures / median,
        "loading_ms": None if racer.loading is None else 1000 * racer.loading,
        "first_call_s": racer.first_call,
        "rounds": len(racer.times),
        "steps_a_round": racer.calls,
        "loss": finite(racer.loss),
    }


def finite(value: Any) -> float | str | None:
    """A number for JSON, which knows no others."""
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else str(value)


def arithmetic(precision: str, channels_last: bool, device: torch.device) -> Row:
    """What numbers are held in and multiplied in."""
    tf32 = device.type == "cuda" and torch.backends.cuda.matmul.allow_tf32
    return {
        "autocast": precision if precision in ("bfloat16", "float16") else "none",
        "memory_format": "channels_last" if channels_last else "contiguous",
        "float32_convolutions": float32_convolutions(device),
        "float32_products": "tf32" if tf32 else "float32",
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
    }
