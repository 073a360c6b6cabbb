"""What a learner calls: check, hint, guess, reveal, summary. All of them print, in plain lines.

A wrong answer never raises, nor does an unsolved one, so that "Run All" gets to the end. UsageError
is for ids that are not there and for guesses that make no sense.
"""

import math
import numbers
import sys
import textwrap
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from googlenet_lib.course.kit.checking import judge
from googlenet_lib.course.kit.exercise import (
    Prediction,
    find_exercise,
    find_notebook,
    find_prediction,
)
from googlenet_lib.course.lessons import DIVES
from googlenet_lib.errors import UsageError

__all__ = ["check", "guess", "hint", "reveal", "summary"]

FEW = 10  # guesses, below which a calibration says next to nothing
LARGEST = sys.float_info.max
LINE = 88  # characters, beyond which JupyterLab breaks printed lines in the middle of a word


@dataclass
class Guess:
    """A prediction, how sure it was (0.5 to 1), and whether the answer had been shown before."""

    value: str | float
    confidence: float
    counts: bool = True


@dataclass
class Session:
    """Kept by id. It lasts as long as the kernel does, and nothing of it leaves the machine."""

    solved: dict[str, bool] = field(default_factory=dict)  # by the latest check; blanks are none
    hints: dict[str, int] = field(default_factory=dict)  # how many have been shown
    guesses: dict[str, Guess] = field(default_factory=dict)
    revealed: dict[str, bool | None] = field(default_factory=dict)  # right; None: no guess

    def reset(self) -> None:
        """Forget everything."""
        for kept in vars(self).values():
            kept.clear()


session = Session()


def say(text: str) -> None:
    """Print `text` in lines that fit; those that it has already, it keeps."""
    for line in text.splitlines():
        print(textwrap.fill(line, LINE, break_long_words=False, break_on_hyphens=False))


def check(id: str, answer: Any) -> None:
    """Say whether `answer` solves exercise `id`; if not, what it did and what to look at."""
    exercise = find_exercise(id)
    verdict = judge(exercise, answer)
    if verdict.outcome != "blank":
        session.solved[id] = verdict.outcome == "right"
    say(f"{id} {verdict.says}")
    if verdict.printed:
        print(verdict.printed)


def hint(id: str) -> None:
    """Show one more hint to exercise `id`, and how many are left."""
    hints = find_exercise(id, 'hint("{id}")').hints
    shown = session.hints.get(id, 0)
    if shown == len(hints):
        say(f"{id} has no more hints; the solution is folded in below. The last one was:")
    shown = session.hints[id] = min(shown + 1, len(hints))
    left = len(hints) - shown
    say(f"{id} hint {shown} of {len(hints)}: {hints[shown - 1]} ({left or 'none'} left)")


def guess(id: str, value: Any = ..., confidence: Any = ...) -> None:
    """Record what you expect, and how sure you are: 50 to 100 percent, or 0.5 to 1."""
    prediction = find_prediction(id)
    if value is ... or value is None:
        say(f"{id} no guess yet. {prediction.question} Expected: {prediction.expected}")
        return
    expected = _value(prediction, value)
    _refuse_share(prediction, value, expected)
    new = Guess(expected, _confidence(id, confidence))
    old = session.guesses.get(id)
    if id in session.revealed:
        if old and old.counts and (old.value, old.confidence) != (new.value, new.confidence):
            say(f"{id} was revealed already: your guess of {_told(old.value)} stays")
            return
        new.counts = old.counts if old else False
    session.guesses[id] = new
    late = "" if new.counts else "; it will not count, the answer has been shown already"
    say(f"{id} recorded: {_told(new.value)}, {new.confidence:.0%} sure{late}")


def reveal(id: str, actual: Any) -> None:
    """Show what came out, beside what you had guessed."""
    prediction = find_prediction(id, 'reveal("{id}", what_came_out)')
    actual = _value(prediction, actual, "what came out")
    made = session.guesses.get(id)
    if made is None:
        session.revealed[id] = None
        say(f"{id} the answer is {_told(actual)}")
        return
    if prediction.choices:
        right, margin = made.value == actual, ""
    else:
        # a little more, for what floats make of 1.05 - 1
        right = abs(made.value - actual) <= prediction.tolerance + 1e-9
        exact = not prediction.tolerance
        margin = "" if exact else f", {'' if right else 'not '}within {prediction.tolerance:g}"
    session.revealed[id] = right if made.counts else None
    say(
        f"{id} the answer is {_told(actual)}. You guessed {_told(made.value)}, "
        f"{made.confidence:.0%} sure: {'right' if right else 'wrong'}{margin}"
    )


def summary(notebook: str) -> None:
    """How far you have come in one lesson and its deep dives, and how well you guessed."""
    module = find_notebook(notebook)
    dives = sum(dive.deepens == notebook for dive in DIVES)
    if dives:
        plural = "s" if dives > 1 else ""
        say(f"Lesson {notebook} and its deep dive{plural} together, in this session:")
    ids = [exercise.id for exercise in module.EXERCISES]
    solved = sum(session.solved.get(id, False) for id in ids)
    tried = sum(id in session.solved for id in ids) - solved
    hints = sum(session.hints.get(id, 0) for id in ids)
    say(
        f"{notebook} exercises: {solved} of {len(ids)} solved, {tried} tried, "
        f"{len(ids) - solved - tried} not attempted; hints used: {hints}"
    )
    known = [one.id for one in module.PREDICTIONS]
    decided = [id for id in known if session.revealed.get(id) is not None]
    if not decided:
        say(f"{notebook} predictions: none of {len(known)} guessed and revealed")
        return
    rights = sum(session.revealed[id] is True for id in decided)
    sure = sum(session.guesses[id].confidence for id in decided) / len(decided)
    say(f"{notebook} predictions: {rights} of {len(decided)} right, of {len(known)} to make")
    say(calibration(sure, rights, len(decided)))


def calibration(sure: float, rights: int, count: int) -> str:
    """One sentence: the mean confidence against the share that was right."""
    said = f"You were {sure:.0%} sure on average and right in {rights / count:.0%}"
    if count < FEW:
        return f"{said}; {count} guess{'es are' if count > 1 else ' is'} too few to say more."
    chance = 2 * math.sqrt(sure * (1 - sure) / count)  # two standard errors, were you calibrated
    if abs(rights / count - sure) <= chance:
        return f"{said}: no further apart than chance alone may bring them."
    return f"{said}: {'surer than you were right' if sure > rights / count else 'too modest'}."


def _told(value: str | float) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def _value(prediction: Prediction, value: Any, what: str = "a guess") -> str | float:
    """`value` as one of the choices or as a float, or UsageError."""
    came = f"{value!r} came as {what}; {prediction.id} expects {prediction.expected}"
    if prediction.choices:
        known = {choice.casefold(): choice for choice in prediction.choices}
        if not isinstance(value, str) or value.strip().casefold() not in known:
            raise UsageError(came)
        return known[value.strip().casefold()]
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not prediction.least <= value <= prediction.most or abs(value) > LARGEST:
        raise UsageError(came)
    return float(value)


def _refuse_share(prediction: Prediction, value: Any, number: str | float) -> None:
    """0.9 is no guess where a number out of 100 or of 1000 is asked for: 90 or 900 is meant."""
    whole = isinstance(value, numbers.Integral)
    if prediction.out_of and not whole and 0 < number <= 1:
        raise UsageError(
            f"{value!r} came as a guess and looks like a share; {prediction.id} asks for a number "
            f"out of {prediction.out_of:g}. Write {number * prediction.out_of:g}, or 0 or 1 if so "
            "little was meant"
        )


def _confidence(id: str, confidence: Any) -> float:
    """Between 0.5 and 1, whichever way it was written, or UsageError."""
    is_number = isinstance(confidence, numbers.Real) and not isinstance(confidence, bool)
    if is_number and 0.5 <= confidence <= 1:
        return float(confidence)
    if is_number and 50 <= confidence <= 100:
        return float(confidence) / 100
    came = "nothing" if confidence is ... else repr(confidence)
    raise UsageError(
        f"{came} came as confidence; write how sure you are of {id} in percent, from 50 (a coin "
        f'would do) to 100 (certain), such as guess("{id}", value, 70)'
    )
