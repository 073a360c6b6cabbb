"""What passes through the parts of a network while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def watch(
    parts: dict[str, nn.Module],
    keep: Callable[[Tensor, Tensor], Any] = lambda _given, output: output,
) -> Iterator[dict[str, Any]]:
    """Give a dictionary in which every part that runs inside leaves `keep(input, output)`.

    By its name in `parts`, in the order in which they run; the hooks are gone at the end.
    """
    kept: dict[str, Any] = {}
    hooks = [
        part.register_forward_hook(
            lambda _part, given, output, name=name: kept.update({name: keep(given[0], output)})
        )
        for name, part in parts.items()
    ]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()
