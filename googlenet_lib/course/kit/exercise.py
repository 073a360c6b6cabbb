"""What an exercise and a prediction are, and where those of a notebook are found.

A notebook's own stand in `exercises.py` of its folder (`nb00/`), as two tuples: EXERCISES and
PREDICTIONS. `checking.py` judges answers to them; a learner calls what is in `learner.py`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from googlenet_lib.errors import UsageError

Kind = Literal["function", "class", "value"]


class Wrong(Exception):
    """What an answer did and what to look at, as sentences. Never what would have been right."""


class NotBegun(Exception):
    """The answer still is the blank that the notebook printed."""


@dataclass(frozen=True)
class Case:
    """Arguments for one call. `told` stands for them in messages where they are long to print.

    `advice` is added if the answer raises on these arguments, and on them alone.
    """

    args: tuple[Any, ...]
    told: str = ""
    advice: str = ""


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A task that a notebook sets, as data.

    An answer is right if it gives what `solution` gives in all `cases`, and if `test`, where there
    is one, does not raise Wrong. A wrong answer is told about the slip that it makes, else `look`.
    `hints` go from a nudge to nearly all of it; `why` is the one sentence that a right answer
    earns.
    """

    id: str = field(kw_only=False)  # notebook and number: "00.1"
    title: str = field(kw_only=False)
    hints: tuple[str, ...]
    why: str
    solution: Callable[..., Any] | None = None
    cases: Sequence[Case | tuple[Any, ...]] = ()
    slips: Mapping[str, Sequence[Callable[..., Any]]] = field(default_factory=dict)
    look: str = ""
    test: Callable[[Any], None] | None = None
    kind: Kind = "function"
    any_float: bool = False  # whether a tensor of float64 is as good as one of float32
    seconds: float = 10.0  # after which the answer is taken to loop for ever

    @property
    def calls(self) -> list[Case]:
        """Its cases; one that is plain arguments is told as these."""
        return [case if isinstance(case, Case) else Case(case) for case in self.cases]


def slips(*words_and_answers: str | Callable[..., Any]) -> dict[str, list[Callable[..., Any]]]:
    """Mistakes that many make: each text is what to say to the wrong answers that follow it."""
    found: dict[str, list[Callable[..., Any]]] = {}
    for one in words_and_answers:
        if isinstance(one, str):
            makes = found.setdefault(one, [])
        else:
            makes.append(one)
    return found


@dataclass(frozen=True)
class Prediction:
    """A question that is answered before a cell decides it: by a number, or by one of `choices`.

    A number is right if it is within `tolerance` of the actual one, 0 for exactly that; `least`
    and `most` are what it can be at all.
    """

    id: str  # notebook and letter: "00.a"
    question: str
    choices: tuple[str, ...] = ()
    tolerance: float = 0.0
    least: float = float("-inf")
    most: float = float("inf")

    @property
    def out_of(self) -> float:
        """100 if percent are asked for, 1000 if it is how many "Of 1000 ..."; 0 for all else."""
        in_percent = re.search(r"how many percent|percentage", self.question, re.IGNORECASE)
        of_many = re.match(r"Of .*\bhow many\b", self.question)
        return 100 if in_percent else self.most if of_many else 0

    @property
    def expected(self) -> str:
        """What a guess has to be, in words."""
        if self.choices:
            return "one of " + ", ".join(f'"{choice}"' for choice in self.choices)
        bounds = (self.least, self.most)
        limits = f" from {self.least:g} to {self.most:g}" if max(map(abs, bounds)) < 1e308 else ""
        right = f"within {self.tolerance:g}" if self.tolerance else "exact"
        return f"a number{limits}, right if {right}"


def notebooks() -> tuple[str, ...]:
    """The numbers of the notebooks that have exercises: "00", "06" and so on."""
    files = Path(__file__).parents[1].glob("nb[0-9][0-9]/exercises.py")
    return tuple(sorted(path.parent.name.removeprefix("nb") for path in files))


def find_notebook(number: str) -> ModuleType:
    """The module with the exercises of notebook `number`, or UsageError."""
    if number not in notebooks():
        raise UsageError(
            f"{number!r} came as a notebook's number; there are exercises in "
            f'{", ".join(notebooks())}, written as text: "{notebooks()[0]}"'
        )
    return import_module(f"googlenet_lib.course.nb{number}.exercises")


def find_exercise(id: str, usage: str = 'check("{id}", your_answer)') -> Exercise:
    """The exercise called `id`, or UsageError with those there are and the `usage`."""
    return _find(id, "EXERCISES", "exercises", usage)


def find_prediction(id: str, usage: str = 'guess("{id}", value, confidence)') -> Prediction:
    """The prediction called `id`, or UsageError with those there are and the `usage`."""
    return _find(id, "PREDICTIONS", "predictions", usage)


def _find(id: str, name: str, what: str, usage: str) -> Any:
    if not isinstance(id, str):
        known = ", ".join(notebooks())
        raise UsageError(
            f"the id comes first and is text, such as {usage.format(id='00.1')}; "
            f"{type(id).__name__} came in its place (notebooks with exercises: {known})"
        )
    known = {one.id: one for one in getattr(find_notebook(id.split(".")[0]), name)}
    if id not in known:
        first = next(iter(known), "")
        raise UsageError(
            f'"{id}" is not among the {what} of this notebook: {", ".join(known)}. '
            f"Write {usage.format(id=first)}"
        )
    return known[id]
