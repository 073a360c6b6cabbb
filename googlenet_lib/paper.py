"""What the paper prints: Tables 1, 2 and 3 and the facts of its training, as data.

Source: C. Szegedy et al., "Going deeper with convolutions", arXiv:1409.4842v1 and CVPR 2015.
Nothing here is computed and nothing is corrected. What the figures should have been is worked
out in `costs.py`, and the network itself is built from these rows in `model.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Widths:
    """Output channels of every convolution in one Inception module, by the names of Table 1."""

    out_1x1: int
    reduce_3x3: int
    out_3x3: int
    reduce_5x5: int
    out_5x5: int
    pool_proj: int

    @property
    def out_channels(self) -> int:
        """Channels after the four branches are concatenated."""
        return self.out_1x1 + self.out_3x3 + self.out_5x5 + self.pool_proj


@dataclass(frozen=True)
class Row:
    """One row of Table 1. Sizes are in pixels for a 224x224 picture.

    `params` and `ops` are the figures as the paper prints them ("159K", "128M"); the paper
    counts one multiply-add as one operation. They are None where the table has no entry.
    """

    name: str
    kind: str  # conv, maxpool, inception, avgpool, dropout, linear, softmax
    size: int
    channels: int
    depth: int
    kernel: int | None = None
    stride: int | None = None
    reduce: int | None = None  # the 1x1 in front of the second convolution
    widths: Widths | None = None
    params: str | None = None
    ops: str | None = None


def _inception(name: str, size: int, widths: Widths, params: str, ops: str) -> Row:
    return Row(
        name, "inception", size, widths.out_channels, 2, widths=widths, params=params, ops=ops
    )


IMAGE_SIZE = 224

# The columns of Widths: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
TABLE_1: tuple[Row, ...] = (
    Row("conv1", "conv", 112, 64, 1, kernel=7, stride=2, params="2.7K", ops="34M"),
    Row("maxpool1", "maxpool", 56, 64, 0, kernel=3, stride=2),
    Row("conv2", "conv", 56, 192, 2, kernel=3, stride=1, reduce=64, params="112K", ops="360M"),
    Row("maxpool2", "maxpool", 28, 192, 0, kernel=3, stride=2),
    _inception("inception3a", 28, Widths(64, 96, 128, 16, 32, 32), "159K", "128M"),
    _inception("inception3b", 28, Widths(128, 128, 192, 32, 96, 64), "380K", "304M"),
    Row("maxpool3", "maxpool", 14, 480, 0, kernel=3, stride=2),
    _inception("inception4a", 14, Widths(192, 96, 208, 16, 48, 64), "364K", "73M"),
    _inception("inception4b", 14, Widths(160, 112, 224, 24, 64, 64), "437K", "88M"),
    _inception("inception4c", 14, Widths(128, 128, 256, 24, 64, 64), "463K", "100M"),
    _inception("inception4d", 14, Widths(112, 144, 288, 32, 64, 64), "580K", "119M"),
    _inception("inception4e", 14, Widths(256, 160, 320, 32, 128, 128), "840K", "170M"),
    Row("maxpool4", "maxpool", 7, 832, 0, kernel=3, stride=2),
    _inception("inception5a", 7, Widths(256, 160, 320, 32, 128, 128), "1072K", "54M"),
    _inception("inception5b", 7, Widths(384, 192, 384, 48, 128, 128), "1388K", "71M"),
    Row("avgpool", "avgpool", 1, 1024, 0, kernel=7, stride=1),
    Row("dropout", "dropout", 1, 1024, 0),
    Row("linear", "linear", 1, 1000, 1, params="1000K", ops="1M"),
    Row("softmax", "softmax", 1, 1000, 0),
)

ROWS: dict[str, Row] = {row.name: row for row in TABLE_1}
INCEPTION_ROWS: tuple[Row, ...] = tuple(row for row in TABLE_1 if row.widths is not None)

DROPOUT = 0.4  # Table 1's row "dropout (40%)"


@dataclass(frozen=True)
class Head:
    """An auxiliary classifier, as section 5 of the paper lists its layers."""

    after: str
    pool_kernel: int = 5
    pool_stride: int = 3
    pooled_size: int = 4
    conv_channels: int = 128
    hidden: int = 1024
    dropout: float = 0.7
    loss_weight: float = 0.3


HEADS: tuple[Head, Head] = (Head(after="inception4a"), Head(after="inception4d"))


@dataclass(frozen=True)
class Contestant:
    """One row of Table 2: top-5 error in percent on the ILSVRC classification task."""

    team: str
    year: int
    place: str
    top5_error: float
    external_data: str


TABLE_2: tuple[Contestant, ...] = (
    Contestant("SuperVision", 2012, "1st", 16.4, "no"),
    Contestant("SuperVision", 2012, "1st", 15.3, "ImageNet 22k"),
    Contestant("Clarifai", 2013, "1st", 11.7, "no"),
    Contestant("Clarifai", 2013, "1st", 11.2, "ImageNet 22k"),
    Contestant("MSRA", 2014, "3rd", 7.35, "no"),
    Contestant("VGG", 2014, "2nd", 7.32, "no"),
    Contestant("GoogLeNet", 2014, "1st", 6.67, "no"),
)


@dataclass(frozen=True)
class Ensemble:
    """One row of Table 3: what more models and more crops buy. Errors are top-5, in percent."""

    models: int
    crops: int
    cost: int
    top5_error: float
    compared_to_base: float | None  # as printed; the last one does not add up


TABLE_3: tuple[Ensemble, ...] = (
    Ensemble(1, 1, 1, 10.07, None),
    Ensemble(1, 10, 10, 9.15, -0.92),
    Ensemble(1, 144, 144, 7.89, -2.18),
    Ensemble(7, 1, 7, 8.09, -1.98),
    Ensemble(7, 10, 70, 7.62, -2.45),
    Ensemble(7, 144, 1008, 6.67, -3.45),
)


@dataclass(frozen=True)
class Training:
    """Section 6 of the paper: everything it says about training, and no more.

    The base rate, the batch size, the initialisation and the number of epochs are not given.
    """

    momentum: float = 0.9
    rate_drop: float = 0.04  # the rate falls by 4% ...
    rate_drop_every: int = 8  # ... every 8 epochs
    polyak_averaging: bool = True
    crop_area: tuple[float, float] = (0.08, 1.0)
    crop_aspect: tuple[float, float] = (3 / 4, 4 / 3)
    photometric_distortions: bool = True


TRAINING = Training()
