"""Values beside each other: whether two are equal, and how one is told in a line."""

import math
import numbers
import reprlib
import textwrap
from collections.abc import Iterable, Iterator, MappingView
from types import GeneratorType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

LONGEST = 300  # characters of a value that is told
NAMES = {  # of what learners call otherwise than Python does
    type(None): "None",
    bool: "True or False",
    str: "a text",
    set | frozenset: "a set",
    np.ndarray: "a NumPy array",
}


class Misfit(str):
    """A difference of type or shape: whatever the numbers are, they are not the matter yet."""


def difference(result: Any, expected: Any) -> str | None:
    """None if both are equal, floats nearly; else how they differ in type, shape or size, or "".

    It says nothing from which the expected value could be had. What differs in type or shape
    comes as a Misfit. Numbers, truths and texts of NumPy count as Python's.
    """
    if isinstance(result, np.generic):
        result = result.item()
    if isinstance(expected, Tensor):
        return _tensor_difference(result, expected)
    if expected is None:
        return None if result is None else ""
    if not _fits(result, expected):
        return _misfit(result, expected)
    if isinstance(expected, bool | str):
        return None if result == expected else ""
    if isinstance(expected, numbers.Number):
        return None if _near(result, expected) else ""
    if isinstance(expected, dict):
        if list(result) != list(expected):
            return "Its keys are others, or in another order."
        return _first((key, result[key], one) for key, one in expected.items())
    if isinstance(expected, list | tuple):
        if len(result) != len(expected):
            entries = "entry" if len(result) == 1 else "entries"
            return f"It has {len(result):,} {entries}, which are not as many as there should be."
        return _first(zip(range(len(result)), result, expected, strict=True))
    if isinstance(expected, np.ndarray):
        return None if np.array_equal(result, expected) else ""
    return None if result == expected else ""


def _fits(result: Any, expected: Any) -> bool:
    """Whether the type is right, be the value what it may."""
    if isinstance(expected, bool) or isinstance(result, bool):
        return isinstance(expected, bool) and isinstance(result, bool)
    if isinstance(expected, int):
        return isinstance(result, numbers.Integral)
    if isinstance(expected, float):
        return isinstance(result, numbers.Real)
    if isinstance(expected, list | tuple):
        return isinstance(result, list | tuple)
    for kind in (str, dict, set | frozenset, np.ndarray):
        if isinstance(expected, kind):
            return isinstance(result, kind)
    return type(result) is type(expected)


def _misfit(result: Any, expected: Any) -> Misfit:
    wanted = "a plain number" if isinstance(expected, float) else _kind(expected)
    return Misfit(f"Expected is {wanted}; {_kind(result)} came.{_way(result, expected)}")


def _kind(value: Any) -> str:
    """What sort of thing it is, as a noun."""
    if isinstance(value, Tensor):
        return "a tensor" if value.numel() == 1 else f"a tensor of {value.numel():,} numbers"
    known = (name for kind, name in NAMES.items() if isinstance(value, kind))
    return next(known, an(type(value).__name__))


def _way(result: Any, expected: Any) -> str:
    """How one is made of the other, where that is a matter of the type alone."""
    many = isinstance(expected, list | tuple)
    if isinstance(result, Tensor | np.ndarray):
        single = math.prod(result.shape) == 1 and isinstance(expected, numbers.Number)
        if isinstance(expected, Tensor):
            return " `torch.from_numpy(...)` makes one of it."
        return " `.item()` makes a plain number of it." * single + " `.tolist()` makes one." * many
    if many and isinstance(result, Iterator | range | MappingView):
        other_length = isinstance(result, range) and len(result) != len(expected)
        return "" if other_length else " `list(...)` makes one of it."
    if many and isinstance(result, set | frozenset):
        return " A set has no order."
    if isinstance(expected, Tensor) and isinstance(result, list | tuple):
        return "" if _holds_tensors(result) else " `torch.tensor(...)` makes one of it."
    if type(expected) is int and isinstance(result, float):
        return " `/`, `float(...)` and `np.ceil(...)` give floats, even whole ones."
    return ""


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(
        isinstance(one, Tensor) or _holds_tensors(one) for one in value
    )


def _near(result: Any, expected: Any) -> bool:
    if isinstance(expected, int):
        return result == expected
    if math.isnan(expected):
        return math.isnan(result)
    try:
        return math.isclose(result, expected, rel_tol=1e-5, abs_tol=1e-7)
    except OverflowError:  # a whole number beyond all floats
        return False


def _tensor_difference(result: Any, expected: Tensor) -> str | None:
    if not isinstance(result, Tensor):
        return Misfit(f"Expected is a tensor; {_kind(result)} came.{_way(result, expected)}")
    if result.device != expected.device:
        return Misfit(f"It lies on the device {result.device}; expected is {expected.device}.")
    if result.layout != expected.layout:
        return Misfit(f"Its layout is {result.layout}; expected is {expected.layout}.")
    if result.shape != expected.shape:
        shapes = tuple(result.shape), tuple(expected.shape)
        return Misfit("Its shape is {}; expected is {}.".format(*shapes))
    if result.dtype != expected.dtype:
        return Misfit(f"Its type is {result.dtype}; expected is {expected.dtype}.")
    if torch.equal(result, expected):
        return None
    if not result.is_floating_point():
        return f"It is wrong at {int((result != expected).sum())} of {result.numel()} places."
    if not result.isfinite().all():
        return "There is nan or inf in it."
    if torch.allclose(result, expected, rtol=1e-4, atol=1e-6):
        return None
    return f"It is off by up to {(result - expected).abs().max().item():.2g}."


def _first(entries: Iterable[tuple[Any, Any, Any]]) -> str | None:
    """The first difference among entries (place, result, expected), a Misfit before all others."""
    found = [(place, difference(result, expected)) for place, result, expected in entries]
    for place, one in found:
        if isinstance(one, Misfit):
            return Misfit(f"In place [{place!r}]: {one[0].lower()}{one[1:]}")
    return next((one for _, one in found if one is not None), None)


class _Brief(reprlib.Repr):
    """Short, the same in every run, and with shapes in place of a tensor's numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 6
        self.maxother, self.maxstring, self.maxlevel = 100, 60, 3

    def repr1(self, value: Any, level: int) -> str:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, Tensor):
            return self._tensor(value, level)
        if isinstance(value, np.ndarray):
            return f"a NumPy array of {value.dtype} of shape {value.shape}"
        return super().repr1(value, level)

    def _tensor(self, tensor: Tensor, level: int) -> str:
        if tensor.dim() == 0 and not tensor.is_meta:
            return f"tensor({self.repr1(tensor.item(), level)})"
        kind = str(tensor.dtype).removeprefix("torch.")
        return f"{an(kind)} tensor of shape {tuple(tensor.shape)}"

    def repr_float(self, number: float, _level: int) -> str:
        return f"{number:.1f}" if number.is_integer() and abs(number) < 1e9 else f"{number:.6g}"

    def repr_instance(self, value: Any, level: int) -> str:
        if isinstance(value, type):
            return f"the class {value.__name__}"
        if isinstance(value, GeneratorType):
            return "a generator"
        if isinstance(value, nn.Module) or " at 0x" in (
            text := super().repr_instance(value, level)
        ):
            name, kind = getattr(value, "__name__", ""), an(type(value).__name__)
            return f"{name} ({kind})" if name else kind
        return " ".join(text.split())

    repr_type = repr_function = repr_builtin_function_or_method = repr_instance


def an(noun: str) -> str:
    """ "an int", "a float": a noun with its article."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def describe(value: Any) -> str:
    """A value in a line, as far as it is short."""
    text = _BRIEF.repr(value)
    return text if len(text) <= LONGEST else textwrap.shorten(text, LONGEST, placeholder=" ...")


_BRIEF = _Brief()
