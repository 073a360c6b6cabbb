"""What tests of exercises are made of: call an answer, compare what it gives, say what it saw."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from googlenet_lib.exercises.comparing import Misfit, describe, difference
from googlenet_lib.exercises.exercise import Kind, Wrong
from googlenet_lib.exercises.running import TooLong, own_line

DATA = (
    Tensor,
    np.ndarray,
    list,
    tuple,
    dict,
    set,
    SimpleNamespace,
)  # of these an answer gets copies


@dataclass(frozen=True)
class Case:
    """Arguments for one call. `told` stands for them in messages where they are long to print.

    `advice` is added if the answer raises on these arguments, and on them alone.
    """

    args: tuple[Any, ...]
    told: str = ""
    advice: str = ""


class Slip(NamedTuple):
    """A mistake that many make: a function that makes it too, and what to say to it."""

    makes: Callable[..., Any]
    says: str


def same_as(
    answer: Callable[..., Any],
    solution: Callable[..., Any],
    cases: Sequence[Case],
    slips: Sequence[Slip] = (),
    look: str = "",
) -> None:
    """Refuse an answer that gives something else than `solution` in one of `cases`.

    It is told about the first slip that gives the same as it does; else `look`, unless the type
    or the shape is wrong already.
    """
    for number, case in enumerate(cases):
        result = call(answer, *case.args, told=case.told, advice=case.advice)
        found = difference(result, _given(solution, case))
        if found is None:
            continue
        passed = [(earlier, _given(solution, earlier)) for earlier in cases[:number]]
        says = [slip.says for slip in slips if _makes(slip, [*passed, (case, result)])]
        seen = f"{told_call(answer, case.args, case.told)} returned {describe(result)}."
        says = says[:1] or ([found] if isinstance(found, Misfit) else [found, look])
        raise Wrong(" ".join(filter(None, [seen, *says])))


def _given(function: Callable[..., Any], case: Case) -> Any:
    return function(*map(_copied, case.args))


def _makes(slip: Slip, seen: Sequence[tuple[Case, Any]]) -> bool:
    """Whether a slip gives all that an answer gave, where it was right as where it was not."""
    try:
        return all(difference(result, _given(slip.makes, case)) is None for case, result in seen)
    except Exception:  # a mistake may well be none that runs in every case
        return False


def call(answer: Callable[..., Any], *args: Any, told: str = "", advice: str = "") -> Any:
    """What `answer` returns; Wrong if it raises, hangs, returns nothing or changes its input."""
    given = tuple(map(_copied, args))
    said = told_call(answer, args, told)
    try:
        result = answer(*given)
    except (Exception, SystemExit, TooLong) as error:
        raise Wrong(f"{fault(error, answer, said)} {advice}".strip()) from None
    if result is None:
        raise Wrong(f"{said} returned None. Is `return` missing? A `print` hands nothing back")
    if result is ...:
        raise Wrong(f"{said} returned `...`, a blank that is still to be filled")
    for before, after in zip(args, given, strict=True):
        if isinstance(before, DATA) and difference(after, before) is not None:
            raise Wrong(
                f"{said} changed its input, {describe(before)}, which its caller may still need. "
                "Make something new: no `append` or `pop` on it, no `+=`, no method that ends "
                "in `_`"
            )
    return result


def build(answer: type, *args: Any, told: str = "") -> nn.Module:
    """An object of the class `answer`, which must be an nn.Module."""
    if not issubclass(answer, nn.Module):
        raise Wrong(
            f"{answer.__name__} is no nn.Module; write `class {answer.__name__}(nn.Module)`"
        )
    said = told_call(answer, args, told)
    try:
        return answer(*args)
    except (Exception, SystemExit, TooLong) as error:
        raise Wrong(fault(error, answer, said)) from None


def fault(error: BaseException, answer: Any, said: str) -> str:
    """What went wrong inside an answer, and in which line of it."""
    line = own_line(error, answer)
    if isinstance(error, TooLong):
        return f"{said} took too long and was stopped{line}. Does every loop in it come to an end?"
    what = in_short(error)
    if isinstance(error, TypeError) and not line:
        return f"{said} cannot be called so ({what}). Keep the arguments that the task gives"
    return f"{said} raised {what}{line}."


def in_short(error: BaseException) -> str:
    """Its type and the first line of what it says."""
    message = next(iter(str(error).splitlines()), "")[:200]
    return f"{type(error).__name__}: {message}".removesuffix(": ").rstrip(".")


def expect_kind(kind: Kind, id: str, answer: Any) -> None:
    """Refuse what is no function, no class or no value where such a one is asked for."""
    is_class = isinstance(answer, type)
    if kind == "value" and (is_class or callable(answer)):
        raise Wrong(f"{describe(answer)} came, where its result is asked for: call it, or pass it")
    if kind == "function" and is_class:
        raise Wrong(f"{describe(answer)} came, where a function is asked for")
    if kind == "class" and not is_class:
        name = f"an object of {type(answer).__name__}" if isinstance(answer, nn.Module) else ""
        raise Wrong(
            f"{name or describe(answer)} came, where a class is asked for: its name alone, "
            f'without brackets, as in check("{id}", Name)'
        )
    if kind == "function" and not callable(answer):
        raise Wrong(
            f"{describe(answer)} came, where a function is asked for: its name alone, without "
            f'brackets, as in check("{id}", name)'
        )


def _copied(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, DATA) else value


def told_call(answer: Any, args: tuple[Any, ...], told: str = "") -> str:
    """The call as one reads it: "window([(3, 1)])", or "Block(...)(x)" for a Block's forward."""
    name = getattr(answer, "__name__", f"{type(answer).__name__}(...)")
    name = name.replace("<lambda>", "your lambda")
    return f"{name}({told or ', '.join(map(describe, args))})"
