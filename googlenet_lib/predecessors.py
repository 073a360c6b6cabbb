"""The two winners before GoogLeNet, as their papers print them: one kernel size a layer.

Nothing here is computed. AlexNet: Krizhevsky et al., 2012 (NIPS), section 3.5. ZF: Zeiler and
Fergus, 2013 (arXiv:1311.2901), the figure of its architecture and "Architecture Selection".
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One convolution. `seen` is how many channels one filter sees: AlexNet's were split in two."""

    name: str
    kernel: int
    stride: int
    seen: int
    channels: int


@dataclass(frozen=True)
class Predecessor:
    """A network before GoogLeNet, with the year of its contest."""

    name: str
    year: int
    layers: tuple[Layer, ...]


ALEXNET = Predecessor(
    "AlexNet",
    2012,
    (
        Layer("conv1", 11, 4, 3, 96),
        Layer("conv2", 5, 1, 48, 256),
        Layer("conv3", 3, 1, 256, 384),
        Layer("conv4", 3, 1, 192, 384),
        Layer("conv5", 3, 1, 192, 256),
    ),
)
ZF = Predecessor(
    "ZF",
    2013,
    (
        Layer("conv1", 7, 2, 3, 96),
        Layer("conv2", 5, 2, 96, 256),
        Layer("conv3", 3, 1, 256, 384),
        Layer("conv4", 3, 1, 384, 384),
        Layer("conv5", 3, 1, 384, 256),
    ),
)
PREDECESSORS: tuple[Predecessor, ...] = (ALEXNET, ZF)

# What AlexNet's paper says of itself: inputs and outputs of its three fully connected layers
# (the last map is 6x6 pixels of 256 channels), all its parameters, the picture's size, and the
# values in the maps of its convolutions (abstract and section 3.5).
ALEXNET_FULLY_CONNECTED = ((256 * 6 * 6, 4096), (4096, 4096), (4096, 1000))
ALEXNET_PARAMETERS = 60_000_000
ALEXNET_PICTURE = 224
ALEXNET_NEURONS = (253_440, 186_624, 64_896, 64_896, 43_264)
