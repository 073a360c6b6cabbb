"""GoogLeNet (Inception v1), built by hand, measured and checked.

from googlenet_lib import googlenet
model = googlenet("paper")

The names below load their modules when they are first used, so that parts which need no torch,
such as `googlenet_lib.network.table1`, can be imported without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from googlenet_lib.data.load import load as load
    from googlenet_lib.errors import UsageError as UsageError
    from googlenet_lib.network.fuse import fuse as fuse
    from googlenet_lib.network.googlenet import GoogLeNet as GoogLeNet
    from googlenet_lib.network.googlenet import GoogLeNetOutput as GoogLeNetOutput
    from googlenet_lib.network.pretrained import googlenet as googlenet
    from googlenet_lib.network.variants import VARIANTS as VARIANTS
    from googlenet_lib.network.variants import Variant as Variant
    from googlenet_lib.prediction import predict as predict
    from googlenet_lib.training.fit import fit as fit

_HOMES = {
    "GoogLeNet": "network.googlenet",
    "GoogLeNetOutput": "network.googlenet",
    "UsageError": "errors",
    "VARIANTS": "network.variants",
    "Variant": "network.variants",
    "fit": "training.fit",
    "fuse": "network.fuse",
    "googlenet": "network.pretrained",
    "load": "data.load",
    "predict": "prediction",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
