"""Fields of a frozen dataclass, set from the "name=value" texts of a command line."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, TypeVar

from googlenet_lib.errors import UsageError

Settings = TypeVar("Settings")


def changed(settings: Settings, texts: Iterable[str], option: str) -> Settings:
    """`settings` with fields set from `texts`, such as "lr=0.05" or "stem_pools=true,false".

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
            values[name] = _parsed(value, like)
        except (KeyError, ValueError):
            example = ",".join(map(str, like)) if isinstance(like, tuple) else like
            raise UsageError(
                f"{option} {text} cannot be read; expected a value like {name}={example}"
            ) from None
    return replace(settings, **values)


def _parsed(text: str, like: Any) -> Any:
    if isinstance(like, bool):
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    if isinstance(like, tuple):
        return tuple(_parsed(p, one) for p, one in zip(text.split(","), like, strict=True))
    return type(like)(text)
