"""Fields of a frozen dataclass: set from "name=value" texts, and kept within their domains."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Annotated, Any, TypeVar, get_args, get_origin

import numpy as np

from googlenet_lib.errors import UsageError

Settings = TypeVar("Settings")
# Whole numbers, or (lowest, highest) of any numbers, or the texts to choose from.
Domain = range | tuple[float, float] | tuple[str, ...]


def apply_overrides(settings: Settings, texts: Iterable[str], option: str) -> Settings:
    """Return `settings` with fields set from `texts`, such as "lr=0.05" or "stem_pools=true,false".

    A value is read as the type that the field has now. `option` is the command-line option that
    the texts came with, for the errors; the field `name` cannot be set.
    """
    values: dict[str, Any] = {}
    names = [field.name for field in fields(settings) if field.name != "name"]
    for text in texts:
        name, _, value = text.partition("=")
        if name not in names:
            raise UsageError(
                f"{option} {text!r} names no field of {type(settings).__name__.lower()}; expected "
                f"name=value with one of {', '.join(names)}"
            )
        like = getattr(settings, name)
        try:
            values[name] = _parse(value, like)
        except (KeyError, ValueError):
            example = ",".join(map(str, like)) if isinstance(like, tuple) else like
            raise UsageError(
                f"{option} {text} cannot be read; expected a value like {name}={example}"
            ) from None
    return replace(settings, **values)


def check_fields(settings: Any) -> None:
    """Raise UsageError for a value that is not of its field's type or not in its domain.

    A domain stands in the field's type, as Annotated[float, (0, 1)]. Infinities and what is no
    number (NaN) are in no domain. Numbers of NumPy's become Python's, which files can hold.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        kind, domain = field.type, None
        if get_origin(kind) is Annotated:
            kind, domain = get_args(kind)
        types = get_args(kind)
        values = value if types and isinstance(value, tuple | list) else (value,)
        values = [v.item() if isinstance(v, np.generic) else v for v in values]
        types = types or (kind,)
        if len(values) != len(types) or not all(map(_is_a, values, types)):
            names = ", ".join(kind.__name__ for kind in types)
            raise UsageError(f"{field.name}={value!r} came; expected {names}")
        if domain is not None and not all(_lies_within(v, domain) for v in values):
            raise UsageError(f"{field.name}={value!r} came; expected {_describe(domain)}")
        plain = type(value)(values) if get_args(kind) else values[0]
        object.__setattr__(settings, field.name, plain)  # also where it is frozen


def _parse(text: str, like: Any) -> Any:
    if isinstance(like, bool):
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    if isinstance(like, tuple):
        return tuple(_parse(*pair) for pair in zip(text.split(","), like, strict=True))
    return type(like)(text)


def _is_a(value: Any, kind: type) -> bool:
    """Tell whether this is a `kind`: whole numbers are floats too, but True is no number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _lies_within(value: Any, domain: Domain) -> bool:
    if isinstance(domain, range) or isinstance(domain[0], str):
        return value in domain
    low, high = domain
    return low <= value <= high


def _describe(domain: Domain) -> str:
    if isinstance(domain, range):
        odd = "an odd number of " if domain.step == 2 else ""
        return f"{odd}{domain[0]} to {domain[-1]}"
    if isinstance(domain[0], str):
        return f"one of {', '.join(domain)}"
    return f"{domain[0]:g} to {domain[1]:g}"
