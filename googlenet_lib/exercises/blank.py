"""Telling an answer that was not begun from one that is wrong."""

import dis
import inspect
from collections.abc import Iterable
from dataclasses import is_dataclass
from functools import partial
from types import CodeType, SimpleNamespace
from typing import Any

NO_STEPS = {"RESUME", "NOP", "CACHE", "COPY_FREE_VARS"}
DEEPEST = 20  # levels of lists in lists; one may hold itself
UNWRITTEN = {*vars(type("Empty", (), {})), "__firstlineno__", "__static_attributes__"}


def is_blank(answer: Any) -> bool:
    """Whether `answer` still is what the notebook printed.

    Blank are `...` and None; a function whose body is `...`, `pass`, a docstring or `return ...`;
    a class without a body, or with a blank `__init__` or `forward`, whatever else it has; a list,
    set, dict or record with a blank in it.
    """
    if answer is None or holds_blank(answer):
        return True
    if isinstance(answer, dict):
        return any(map(is_blank, answer.values()))
    return _is_blank_class(answer) if isinstance(answer, type) else _does_nothing(answer)


def holds_blank(value: Any, depth: int = 0) -> bool:
    """Whether it is `...`, or has one in it at any depth."""
    if value is ...:
        return True
    if isinstance(value, list | tuple | set | frozenset):
        held: Iterable[Any] = value
    elif isinstance(value, dict):
        held = value.values()
    elif isinstance(value, SimpleNamespace) or (is_dataclass(value) and hasattr(value, "__dict__")):
        held = () if isinstance(value, type) else vars(value).values()
    else:
        return False
    return depth < DEEPEST and any(holds_blank(one, depth + 1) for one in held)


def _is_blank_class(answer: type) -> bool:
    """By `__init__` and `forward`, if it or a base of it that is not torch's has them."""
    own: dict[str, Any] = {}
    for base in reversed(answer.__mro__):
        if base is answer or base.__module__.split(".")[0] not in ("builtins", "torch"):
            own |= {name: one for name, one in vars(base).items() if name not in UNWRITTEN}
    asked = {name: own[name] for name in ("__init__", "forward") if name in own} or own
    return not own or any(_does_nothing(one) for one in asked.values() if inspect.isfunction(one))


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
