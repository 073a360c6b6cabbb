"""Telling an answer that was not begun from one that is wrong."""

import dis
import inspect
from functools import partial
from types import CodeType
from typing import Any

NO_STEPS = {"RESUME", "NOP", "CACHE", "COPY_FREE_VARS"}
UNWRITTEN = {*vars(type("Empty", (), {})), "__firstlineno__", "__static_attributes__"}


def is_blank(answer: Any) -> bool:
    """Whether `answer` still is what the notebook printed.

    Blank are `...` and None; a function whose body is `...`, `pass`, a docstring or `return ...`;
    a class without a body, or with a method that is blank; a list, set or dict with a blank in it.
    """
    if answer is None or answer is ...:
        return True
    if isinstance(answer, dict):
        return any(map(is_blank, answer.values()))
    if isinstance(answer, list | tuple | set | frozenset):
        return any(one is ... for one in answer)
    if isinstance(answer, type):
        own = {name: one for name, one in vars(answer).items() if name not in UNWRITTEN}
        return not own or any(_does_nothing(one) for one in own.values() if inspect.isfunction(one))
    return _does_nothing(answer)


def _does_nothing(function: Any) -> bool:
    """By its compiled code, so that neither comments nor layout nor a lost source matter."""
    while isinstance(function, partial):
        function = function.func
    code = getattr(inspect.unwrap(function), "__code__", None)
    if not isinstance(code, CodeType):
        return False
    if _steps(code) == INIT_ALONE:
        return code.co_argcount + code.co_kwonlyargcount > 1  # it takes widths and uses none
    return _steps(code) in BLANKS


def _steps(code: CodeType) -> list[tuple[str, str]]:
    steps = [step for step in dis.get_instructions(code) if step.opname not in NO_STEPS]
    return [(step.opname, step.argrepr) for step in steps]


def _nothing() -> None: ...


def _ellipsis() -> Any:
    return ...


class _Init:
    def __init__(self) -> None:
        super().__init__()


BLANKS = (_steps(_nothing.__code__), _steps(_ellipsis.__code__))
INIT_ALONE = _steps(_Init.__init__.__code__)
