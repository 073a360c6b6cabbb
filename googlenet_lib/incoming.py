"""Check once what comes out of a file: it may be damaged, of another version, or not ours.

The checks raise ValueError with the reason alone. `refuse_damage` around them says which file it
is and what to do.
"""

import hashlib
import json
import math
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn

from googlenet_lib.device import is_memory_error
from googlenet_lib.errors import UsageError, escape

T = TypeVar("T")
FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}


@contextmanager
def refuse_damage(path: Path, kind: str, advice: str) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read as a `kind` into one UsageError."""
    try:
        yield
    except Exception as error:  # readers of files raise many kinds, each of which means the same
        if is_memory_error(error):
            raise UsageError(
                f"{escape(path)} could not be read for lack of memory; close other programs and "
                "try again"
            ) from error
        reason = escape(f"{error}" or type(error).__name__)
        raise UsageError(
            f"{escape(path)} cannot be read as {kind}. It is damaged, or not written by this "
            f"library: {reason}; {advice}"
        ) from error


def is_file(path: str | Path) -> bool:
    """Tell whether a file is there. A name that is too long, or may not be looked at, is none."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: str | Path) -> bool:
    """Tell whether a folder is there; as `is_file` does."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def compute_checksum(value: Any) -> str:
    """Return a sha256 of what dicts and lists of tensors, numbers and texts hold."""
    digest = hashlib.sha256()
    for part in _list_parts(value):
        digest.update(part)
    return digest.hexdigest()


def _list_parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, Tensor):
        if value.nbytes > value.untyped_storage().nbytes():
            raise ValueError("a tensor claims more numbers than there are")
        yield f"{value.dtype} {tuple(value.shape)}".encode()
        yield value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
    elif isinstance(value, dict):
        yield f"dict of {len(value)}".encode()
        for key in sorted(value, key=repr):
            yield repr(key).encode()
            yield from _list_parts(value[key])
    elif isinstance(value, list | tuple):
        yield f"list of {len(value)}".encode()
        for item in value:
            yield from _list_parts(item)
    else:
        yield repr(value).encode()


def read_json(text: str | bytes) -> Any:
    """Parse JSON text. Raises ValueError also for NaN and infinities, which are no JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} stands where a number was expected")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None


def parse_dataclass(kind: type[T], values: Any) -> T:
    """Make the dataclass `kind` from what JSON holds.

    Raises ValueError unless each field is there, and of its type.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{_describe(values)} stands where a description was expected")
    hints = get_type_hints(kind)
    if unknown := [name for name in values if name not in hints]:
        raise ValueError(
            f"it has a field {unknown[0]!r}, which this version does not know; a newer "
            "googlenet_lib may"
        )
    needed = [f.name for f in fields(kind) if f.default is f.default_factory is MISSING]
    if missing := [name for name in needed if name not in values]:
        raise ValueError(f"it has no field {missing[0]!r}")
    return kind(**{name: _convert(values[name], hints[name], name) for name in values})


def _convert(value: Any, hint: Any, name: str) -> Any:
    """Return `value` as `hint` says, or raise ValueError; JSON's lists fit tuples."""
    inner = get_args(hint)
    origin = get_origin(hint) or hint
    if origin is types.UnionType:  # something | None
        return None if value is None else _convert(value, inner[0], name)
    if origin is Any:
        return value
    if is_dataclass(origin):
        return parse_dataclass(origin, value)
    if origin is float and _is_number(value):
        return value
    if origin in (int, str, bool) and type(value) is origin:
        return value
    if origin is dict and isinstance(value, dict):
        return {key: _convert(item, inner[1], f"{name}.{key}") for key, item in value.items()}
    if origin in (list, tuple) and isinstance(value, list | tuple):
        kinds = inner if origin is tuple and ... not in inner else inner[:1] * len(value)
        if len(kinds) == len(value):
            pairs = zip(value, kinds, strict=True)
            return origin(_convert(item, kind, name) for item, kind in pairs)
    raise ValueError(f"{name}={_describe(value)} came; expected {getattr(hint, '__name__', hint)}")


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -1e300 < value < 1e300  # NaN is not, either


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."


def check_form(value: Any, expected: Any, name: str = "") -> None:
    """Raise ValueError where `value` has other keys, kinds, lengths or shapes than `expected`.

    Tensors of weights may have any precision.
    """
    if isinstance(expected, Tensor):
        kinds = FLOATS if expected.dtype in FLOATS else {expected.dtype}
        same = isinstance(value, Tensor) and value.shape == expected.shape and value.dtype in kinds
    elif isinstance(expected, dict):
        same = isinstance(value, dict)
    elif isinstance(expected, list | tuple):
        same = isinstance(value, list | tuple) and len(value) == len(expected)
    elif type(expected) in (int, float):
        same = type(value) in (int, float)
    else:
        same = type(value) is type(expected)
    if not same:
        raise ValueError(f"{name or 'it'} is {_describe(value)}; expected {_describe(expected)}")
    if isinstance(expected, dict):
        if unknown := value.keys() - expected.keys():
            raise ValueError(f"{name or 'it'} has {_list_names(unknown)}, which was not expected")
        if missing := expected.keys() - value.keys():
            raise ValueError(f"{name or 'it'} lacks {_list_names(missing)}")
        for key in expected:
            check_form(value[key], expected[key], f"{name} {key!r}".strip())
    elif isinstance(expected, list | tuple):
        for number, pair in enumerate(zip(value, expected, strict=True)):
            check_form(*pair, f"{name}[{number}]")


def check_finite(value: Any, name: str = "") -> None:
    """Raise ValueError for NaN and infinities in dicts and lists of tensors and numbers."""
    if isinstance(value, dict):
        for key, item in value.items():
            check_finite(item, f"{name} {key!r}".strip())
    elif isinstance(value, list | tuple):
        for item in value:
            check_finite(item, name)
    elif isinstance(value, Tensor) and value.is_floating_point():
        numbers = value.float()  # which is what they will be
        # a sum is soon made, and finite where they are; if it is not, a look at each decides
        if not (numbers.sum().isfinite() or numbers.isfinite().all()):
            raise ValueError(f"{name} holds values that are no finite numbers")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {value}")


def _list_names(names: Iterable[Any]) -> str:
    names = sorted(map(repr, names))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


def strip_wrapper_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict by the network's own names, without what wrappers put in front of them.

    The wrappers are torch.compile ("_orig_mod."), DataParallel and its relatives ("module.").
    """
    plain = {name.replace("_orig_mod.", ""): tensor for name, tensor in state.items()}
    while plain and all(name.startswith("module.") for name in plain):
        plain = {name.removeprefix("module."): tensor for name, tensor in plain.items()}
    return state if plain.keys() == state.keys() else plain


def match_names(state: dict[str, Tensor], like: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return `state` by the names that `like` has for the same tensors, whatever wrappers added."""
    names = dict(zip(strip_wrapper_names(like), like, strict=True))
    fitting = {names.get(name, name): tensor for name, tensor in strip_wrapper_names(state).items()}
    return state if fitting.keys() == state.keys() else fitting


def unwrap(network: nn.Module) -> nn.Module:
    """Take a network out of what torch.compile, DataParallel and their like put around it."""
    if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return unwrap(network.module)
    return unwrap(network._orig_mod) if hasattr(network, "_orig_mod") else network
