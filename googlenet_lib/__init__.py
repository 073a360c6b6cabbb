"""GoogLeNet (Inception v1), built by hand, measured and checked.

from googlenet_lib import googlenet
model = googlenet("paper")
"""

from googlenet_lib.errors import UsageError
from googlenet_lib.fuse import fuse
from googlenet_lib.model import GoogLeNet, GoogLeNetOutput
from googlenet_lib.variants import VARIANTS, Variant
from googlenet_lib.weights import googlenet

__all__ = [
    "VARIANTS",
    "GoogLeNet",
    "GoogLeNetOutput",
    "UsageError",
    "Variant",
    "fuse",
    "googlenet",
]
