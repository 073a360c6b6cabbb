"""Judging an answer: run the cases, compare with the solution, say what was seen."""

import ast
import copy
import inspect
import textwrap
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from types import CodeType, SimpleNamespace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from googlenet_lib.course.kit.comparing import Misfit, describe, difference
from googlenet_lib.course.kit.exercise import Case, Exercise, Kind, NotBegun, Wrong
from googlenet_lib.course.kit.networks import Lent, changed_parts, state
from googlenet_lib.course.kit.running import (
    Printed,
    TooLong,
    kept_apart,
    own_line,
    own_modules,
    settings_kept,
    time_limit,
)

DATA = (Tensor, np.ndarray, list, tuple, dict, set, SimpleNamespace)  # an answer gets copies
LONG = 200  # characters of an error's message, beyond which it is told in part
DEEPEST = 20  # levels of lists in lists; one may hold itself
TO_FILL = "there is a `...` still to be filled"
SAME_EVERYWHERE = "It is the same whatever goes in."
UNUSABLE = (
    "what came back cannot be compared with what is asked for. Look at its type and its shape"
)


@dataclass(frozen=True)
class Verdict:
    """What a check found, and the first lines of what the answer printed on its way."""

    outcome: Literal["blank", "wrong", "right"]
    says: str
    printed: str = ""


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Test `answer` without printing and without recording."""
    blank, printed = Verdict("blank", "not attempted yet"), Printed()
    if answer is None:
        return blank
    if holds_blank(answer):
        return Verdict("blank", f"not yet: {TO_FILL}") if holds_more(answer) else blank
    try:
        _test(exercise, answer, printed)
    except NotBegun:
        return blank
    except Wrong as wrong:
        return Verdict("wrong", f"not yet: {wrong}", printed.shown())
    return Verdict("right", f"correct: {exercise.why}", printed.shown())


def _test(exercise: Exercise, answer: Any, printed: Printed) -> None:
    try:
        expect_kind(exercise.kind, exercise.id, answer)
        with kept_apart(printed), time_limit(exercise.seconds, own_modules(answer)):
            if exercise.solution is not None:
                compare(exercise, answer)
            if exercise.test is not None:
                exercise.test(answer)
    except (Wrong, NotBegun, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, TooLong) or own_line(error, answer):
            raise refusal(error, answer, "it") from None
        raise Wrong(UNUSABLE) from None


def holds_blank(value: Any, depth: int = 0) -> bool:
    """Whether it is `...`, or has one in it at any depth."""
    if value is ...:
        return True
    held = _held(value) or ()
    return depth < DEEPEST and any(holds_blank(one, depth + 1) for one in held)


def holds_more(value: Any, depth: int = 0) -> bool:
    """Whether it is, or holds at any depth, something else than `...`."""
    held = _held(value)
    if held is None:
        return value is not ...
    return depth < DEEPEST and any(holds_more(one, depth + 1) for one in held)


def _held(value: Any) -> Iterable[Any] | None:
    """What a list, a dict or the like holds; None if it is no such thing."""
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, dict):
        return value.values()
    if is_dataclass(value) and not isinstance(value, type):
        return vars(value).values()
    return None


# ---- Against the solution ------------------------------------------------------------------------


class Seen(NamedTuple):
    """What an answer gave in one case, what is right, and how the two differ, or None."""

    case: Case
    result: Any
    expected: Any
    found: str | None


def compare(exercise: Exercise, answer: Callable[..., Any]) -> None:
    """Refuse an answer that gives something else than the solution in one of the cases.

    It is told about the slip that it makes; else where to look, unless the type or the shape is
    wrong already.
    """
    seen: list[Seen] = []
    changed: list[str] = []
    for case in exercise.calls:
        try:
            result = call(answer, *case.args, told=case.told, advice=case.advice, changed=changed)
        except (Wrong, NotBegun):
            if not any(one.found is not None for one in seen):
                raise
            break  # an earlier case was wrong already
        expected = _given(exercise.solution, case)
        if isinstance(result, np.generic):
            result = result.item()
        if exercise.any_float and getattr(result, "dtype", None) == torch.float64:
            expected = expected.double()
        seen.append(Seen(case, result, expected, difference(result, expected)))
    wrong = [one for one in seen if one.found is not None]
    if not wrong and changed:
        raise Wrong(
            f"the result is right, but afterwards {changed[0]} of the network are not as before. "
            "Leave it as it came: whoever lent it may still need it"
        )
    if not wrong:
        return
    shown, words = _slip_made(seen, exercise.slips) or (wrong[0], "")
    if words:
        says = [words]
    elif isinstance(shown.found, Misfit):
        says = [shown.found]
    else:
        says = [shown.found, SAME_EVERYWHERE * _is_constant(seen), exercise.look]
    told = f"{told_call(answer, shown.case.args, shown.case.told)} returned"
    raise Wrong(" ".join(filter(None, [f"{told} {describe(shown.result)}.", *says])))


def _given(function: Callable[..., Any], case: Case) -> Any:
    ours = (one.ours if isinstance(one, Lent) else _copied(one) for one in case.args)
    return function(*ours)


def _slip_made(
    seen: Sequence[Seen], slips: Mapping[str, Sequence[Callable]]
) -> tuple[Seen, str] | None:
    """The words for the first slip that gives the same in every case where it runs.

    With them a case that shows it.
    """
    for words, makers in slips.items():
        for makes in makers:
            alike = [_alike(makes, one) for one in seen]
            pairs = zip(seen, alike, strict=True)
            shown = [one for one, same in pairs if same and one.found is not None]
            if shown and False not in alike:
                return shown[0], words
    return None


def _alike(makes: Callable[..., Any], one: Seen) -> bool | None:
    """Whether a slip gives what the answer gave, of the same type if that is what is wrong.

    None if the slip does not run in this case: it says nothing about it.
    """
    try:
        made = _given(makes, one.case)
        if getattr(one.expected, "dtype", None) == torch.float64:  # as the answer is
            made = made.double()
        both = (difference(one.result, made) is None, difference(made, one.result) is None)
    except Exception:
        return None
    return all(both) if isinstance(one.found, Misfit) else any(both)


def _is_constant(seen: Sequence[Seen]) -> bool:
    """Whether the same came every time, of several."""
    if len(seen) < 2:
        return False
    if any(isinstance(one.found, Misfit) for one in seen):
        return False  # what is of another kind or device can't be compared with itself either
    return all(difference(one.result, seen[0].result) is None for one in seen[1:])


# ---- Calling an answer ---------------------------------------------------------------------------


def call(
    answer: Callable[..., Any],
    *args: Any,
    told: str = "",
    advice: str = "",
    changed: list[str] | None = None,
) -> Any:
    """What `answer` returns; Wrong if it raises, hangs, returns nothing or changes its input.

    What it changes in a network that it is lent is added to `changed`.
    """
    given = [one.made() if isinstance(one, Lent) else _copied(one) for one in args]
    lent = [(one, state(one)) for one, arg in zip(given, args, strict=True) if type(arg) is Lent]
    said = told_call(answer, args, told)
    try:
        with settings_kept():
            result = answer(*given)
    except BaseException as error:
        raise refusal(error, answer, said, advice) from None
    if result is None:
        raise Wrong(f"{said} returned None. Is `return` missing? A `print` hands nothing back")
    if holds_blank(result):
        raise Wrong(f"{said} returned {describe(result)}: {TO_FILL}")
    for before, after in zip(args, given, strict=True):
        if isinstance(before, DATA) and difference(after, before) is not None:
            raise Wrong(
                f"{said} changed its input, {describe(before)}, which its caller may still need. "
                "Make something new: no `append` or `pop` on it, no `+=`, no `x[...] = ...`, no "
                "method that ends in `_`"
            )
    for network, before in lent if changed is not None else ():
        changed.extend(changed_parts(before, state(network)))
    return result


def build(answer: type, *args: Any, told: str = "", **named: Any) -> nn.Module:
    """An object of the class `answer`, which must be an nn.Module."""
    if not issubclass(answer, nn.Module):
        raise Wrong(
            f"{answer.__name__} is no nn.Module; write `class {answer.__name__}(nn.Module)`"
        )
    said = told_call(answer, args, told, **named)
    try:
        with settings_kept():
            return answer(*args, **named)
    except BaseException as error:
        raise refusal(error, answer, said) from None


def refusal(error: BaseException, answer: Any, said: str, advice: str = "") -> BaseException:
    """Wrong, with what went wrong inside an answer and in which line; NotBegun for a blank.

    An interrupt from the keyboard stays what it is.
    """
    if isinstance(error, KeyboardInterrupt):
        return error
    if isinstance(error, NotImplementedError) and not error.args:
        if not _is_begun(error, answer):
            return NotBegun()
        line = own_line(error, answer)
        return Wrong(f"{said} still meets the blank{line}. Put your answer in its place")
    return Wrong(f"{_fault(error, answer, said)} {advice}".strip())


def _is_begun(error: BaseException, answer: Any) -> bool:
    """Whether the function that raised has other lines than a blank has: its own and `raise`.

    Of a module, `__init__` may be written while `forward` is still blank.
    """
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    code = frame.f_code
    most = 3 if code.co_name == "__init__" else 2  # with `super().__init__()`
    if _count_lines(code) > most or _goes_on(code, line):
        return True
    own_init = vars(type(answer)).get("__init__") if isinstance(answer, nn.Module) else None
    return own_init is not None and _count_lines(own_init.__code__) > 2


def _count_lines(code: CodeType) -> int:
    return len({line for *_, line in code.co_lines() if line})


def _goes_on(code: CodeType, line: int) -> bool:
    """Whether statements stand after the blank, which Python leaves out: they are never run."""
    try:
        source = textwrap.dedent(inspect.getsource(code))
        body = ast.parse(source).body[0].body
    except (OSError, SyntaxError, AttributeError, IndexError):  # no source; a lambda
        return False
    return body[-1].lineno > line - code.co_firstlineno + 1


def _fault(error: BaseException, answer: Any, said: str) -> str:
    line = own_line(error, answer)
    if isinstance(error, TooLong):
        return (
            f"{said} took too long and was stopped{line}. Does every loop in it come to an end? If "
            "so, the machine is busy: run the cell again."
        )
    what = in_short(error)
    if isinstance(error, TypeError) and not line:
        return f"{said} cannot be called so ({what}). Keep the arguments that the task gives"
    return f"{said} raised {what}{line}."


def in_short(error: BaseException) -> str:
    """Its type and the first line of what it says, or the beginning of that."""
    try:
        message = next(iter(str(error).splitlines()), "")
    except BaseException:  # its own __str__ raises
        message = ""
    message = textwrap.shorten(message.rstrip("."), LONG, placeholder=" ...")
    return f"{type(error).__name__}: {message}".removesuffix(": ")


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


def told_call(answer: Any, args: tuple[Any, ...], told: str = "", **named: Any) -> str:
    """The call as one reads it: "window([(3, 1)])", or "Block(...)(x)" for a Block's forward."""
    name = getattr(answer, "__name__", f"{type(answer).__name__}(...)")
    name = name.replace("<lambda>", "your lambda")
    shown = [*map(describe, args), *(f"{one}={describe(value)}" for one, value in named.items())]
    return f"{name}({told or ', '.join(shown)})"
