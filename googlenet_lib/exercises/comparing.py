"""Values beside each other: whether two are equal, and how one is told in a line."""

import math
import numbers
import reprlib
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Misfit(str):
    """A difference of type or shape: whatever the numbers are, they are not the matter yet."""


def difference(result: Any, expected: Any) -> str | None:
    """None if both are equal, floats nearly; else how they differ in type, shape or size, or "".

    It says nothing from which the expected value could be had. What differs in type or shape
    comes as a Misfit.
    """
    if isinstance(expected, Tensor):
        return _tensor_difference(result, expected)
    if isinstance(result, Tensor) and not isinstance(expected, np.ndarray):
        return Misfit("That is a tensor; `.item()` makes a plain number of it.")
    if isinstance(expected, bool | str | type(None)):
        return None if type(result) is type(expected) and result == expected else ""
    if isinstance(expected, numbers.Number):
        return _number_difference(result, expected)
    if isinstance(expected, dict) and isinstance(result, dict):
        if list(result) != list(expected):
            return "Its keys are others, or in another order."
        return _first(difference(result[key], expected[key]) for key in expected)
    if isinstance(expected, list | tuple) and isinstance(result, list | tuple):
        if len(result) != len(expected):
            return f"It has {len(result)} entries, which are not as many as there should be."
        return _first(map(difference, result, expected))
    if isinstance(expected, np.ndarray) and isinstance(result, np.ndarray):
        return None if np.array_equal(result, expected) else ""
    return None if type(result) is type(expected) and result == expected else ""


def _number_difference(result: Any, expected: Any) -> str | None:
    if isinstance(result, bool) or not isinstance(result, numbers.Number):
        return Misfit("Expected is a plain number.")
    if isinstance(expected, int) and not isinstance(result, numbers.Integral):
        return Misfit("Expected is an int: `//` divides without a remainder, `/` gives a float.")
    if isinstance(expected, int):
        return None if result == expected else ""
    return None if math.isclose(result, expected, rel_tol=1e-5, abs_tol=1e-7) else ""


def _tensor_difference(result: Any, expected: Tensor) -> str | None:
    if not isinstance(result, Tensor):
        return Misfit(f"Expected is a tensor, and a {type(result).__name__} came.")
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


def _first(found: Any) -> str | None:
    return next((one for one in found if one is not None), None)


class _Brief(reprlib.Repr):
    """Short, the same in every run, and with shapes in place of a tensor's numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 6
        self.maxother, self.maxstring = 100, 60

    def repr1(self, value: Any, level: int) -> str:
        return self._tensor(value) if isinstance(value, Tensor) else super().repr1(value, level)

    def _tensor(self, tensor: Tensor) -> str:
        kind = str(tensor.dtype).removeprefix("torch.")
        if tensor.dim() == 0 and not tensor.is_meta:
            return f"tensor({tensor.item():.4g})"
        return f"a {kind} tensor of shape {tuple(tensor.shape)}"

    def repr_float(self, number: float, _level: int) -> str:
        return f"{number:.6g}"

    def repr_instance(self, value: Any, level: int) -> str:
        if isinstance(value, type):
            return f"the class {value.__name__}"
        if isinstance(value, nn.Module) or " at 0x" in (
            text := super().repr_instance(value, level)
        ):
            name = getattr(value, "__name__", "")
            return f"{name} (a {type(value).__name__})" if name else f"a {type(value).__name__}"
        return " ".join(text.split())

    repr_type = repr_function = repr_builtin_function_or_method = repr_instance


describe = _Brief().repr
