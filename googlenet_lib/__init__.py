"""GoogLeNet (Inception v1), built by hand, measured and checked.

from googlenet_lib import googlenet
model = googlenet("paper")

Names are imported when they are first asked for, so that what needs no torch imports none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from googlenet_lib.errors import UsageError as UsageError
    from googlenet_lib.fuse import fuse as fuse
    from googlenet_lib.model import GoogLeNet as GoogLeNet
    from googlenet_lib.model import GoogLeNetOutput as GoogLeNetOutput
    from googlenet_lib.variants import VARIANTS as VARIANTS
    from googlenet_lib.variants import Variant as Variant
    from googlenet_lib.weights import googlenet as googlenet

_MODULES = {
    "VARIANTS": "variants",
    "GoogLeNet": "model",
    "GoogLeNetOutput": "model",
    "UsageError": "errors",
    "Variant": "variants",
    "fuse": "fuse",
    "googlenet": "weights",
}
__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # kept, so that `fuse` stays the function and is not the module of that name
    globals()[name] = value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
