"""Tables 1, 2 and 3 of the paper as data, their arithmetic, and an audit of what is printed.

Source: C. Szegedy et al., "Going deeper with convolutions", arXiv:1409.4842v1 and CVPR 2015.
The tables stand as they are printed. `table_costs` works out Table 1 from its own widths, and
`audit` compares the printed figures with the result. `googlenet.py` builds the network from
these rows. Nothing here needs torch.

One multiply-add counts as one operation, as in the paper; a FLOP counter reports twice as many.
Only convolutions and linear layers have any: adding a bias, pooling and normalising are not
counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from googlenet_lib.errors import UsageError

# ---- The tables ----------------------------------------------------------------------------------


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
MODULES: tuple[str, ...] = tuple(row.name for row in INCEPTION_ROWS)


def find_module(name: str) -> Row:
    """Find the row of the Inception module `name`. Raises UsageError if there is none."""
    if name not in MODULES:
        raise UsageError(f"module {name!r} is unknown; expected one of {', '.join(MODULES)}")
    return ROWS[name]


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

# ---- The arithmetic ------------------------------------------------------------------------------


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, ceil_mode: bool = False
) -> int:
    """Count the positions, in one direction, at which a window of `kernel` pixels stops.

    With `ceil_mode` a last window may hang over the far edge, as in Caffe's pooling. As in
    PyTorch, that window must still start inside the input or its left padding.

    Raises ValueError when an argument makes no sense or when no window fits.
    """
    given = f"size={size}, kernel={kernel}, stride={stride}, padding={padding}"
    if min(size, kernel, stride) < 1 or padding < 0:
        raise ValueError(f"got {given}; expected a padding of 0 or more, the others 1 or more")
    room = size + 2 * padding - kernel  # how far the first window can slide
    steps = -(-room // stride) if ceil_mode else room // stride
    if ceil_mode and steps * stride >= size + padding:
        steps -= 1  # that window would see nothing but padding on the right
    if steps < 0:
        raise ValueError(f"got {given}: no window fits; enlarge the input or shrink the kernel")
    return steps + 1


def conv_params(in_channels: int, out_channels: int, kernel: int, bias: bool = False) -> int:
    """Count the parameters of a convolution with a square kernel.

    `in_channels` are those that one filter sees: a single one if the convolution is depthwise.
    """
    return out_channels * in_channels * kernel**2 + bias * out_channels


def conv_macs(in_channels: int, out_channels: int, kernel: int, out_size: int) -> int:
    """Count the multiply-adds of a convolution: every weight works once per output position."""
    return conv_params(in_channels, out_channels, kernel) * out_size**2


def linear_params(in_features: int, out_features: int, bias: bool = False) -> int:
    """Count the parameters of a fully connected layer."""
    return in_features * out_features + bias * out_features


def linear_macs(in_features: int, out_features: int) -> int:
    """Count the multiply-adds of a fully connected layer: every weight works once."""
    return in_features * out_features


Field = tuple[float, float]  # receptive field and jump


def receptive_field(field: float, jump: float, kernel: int, stride: float = 1) -> Field:
    """Return receptive field and jump after one more layer, both in pixels of the picture.

    `field` is the width of what one value sees, `jump` the distance between the centres of two
    neighbours. A picture has (1, 1).
    """
    return field + (kernel - 1) * jump, jump * stride


# ---- Table 1, row by row -------------------------------------------------------------------------

Shape = tuple[int, ...]  # without the batch: (C, H, W) or (features,)


@dataclass(frozen=True)
class Cost:
    """What one row of Table 1, or one layer of a model, costs for one picture."""

    name: str
    kind: str
    shape: Shape  # of the output
    params: int
    macs: int
    field: float  # receptive field of one output value, in pixels of the picture
    jump: float  # pixels between the centres of two neighbouring fields


class Conv(NamedTuple):
    """One convolution of a row of Table 1; in a module, `name` is that of its width."""

    name: str
    in_channels: int
    out_channels: int
    kernel: int


def row_convs(row: Row, in_channels: int, naive: bool = False) -> list[Conv]:
    """List the convolutions that one row of Table 1 stands for, after `in_channels` channels.

    With `naive`, a module's row stands for the module without its 1x1 reductions (Figure 2a).
    """
    if row.kind == "conv":
        reduce = [Conv("reduce", in_channels, row.reduce, 1)] if row.reduce else []
        return [*reduce, Conv(row.name, row.reduce or in_channels, row.channels, row.kernel)]
    if row.widths is None:
        return []
    widths = row.widths
    if naive:
        return [
            Conv("out_1x1", in_channels, widths.out_1x1, 1),
            Conv("out_3x3", in_channels, widths.out_3x3, 3),
            Conv("out_5x5", in_channels, widths.out_5x5, 5),
        ]
    return [
        Conv("out_1x1", in_channels, widths.out_1x1, 1),
        Conv("reduce_3x3", in_channels, widths.reduce_3x3, 1),
        Conv("out_3x3", widths.reduce_3x3, widths.out_3x3, 3),
        Conv("reduce_5x5", in_channels, widths.reduce_5x5, 1),
        Conv("out_5x5", widths.reduce_5x5, widths.out_5x5, 5),
        Conv("pool_proj", in_channels, widths.pool_proj, 1),
    ]


def row_cost(
    row: Row,
    in_channels: int,
    in_size: int,
    field: float = 1,
    jump: float = 1,
    bias: bool = False,
    convs: list[Conv] | None = None,
) -> Cost:
    """Work out one row of Table 1 for an input of (in_channels, in_size, in_size).

    `field` and `jump` are those of the input; `convs` stands in for the row's own convolutions.
    The paper gives no padding. Its sizes come out if convolutions are padded by half their
    kernel, and pools are not padded but use `ceil_mode`.
    """
    convs = row_convs(row, in_channels) if convs is None else convs
    # No path through a row has two windows wider than one pixel: the widest one decides.
    kernel = row.kernel or max((conv.kernel for conv in convs), default=1)
    stride = row.stride or 1
    is_pool = row.kind in ("maxpool", "avgpool")
    size = output_size(in_size, kernel, stride, 0 if is_pool else kernel // 2, ceil_mode=is_pool)
    if row.kind == "linear":
        params = linear_params(in_channels, row.channels, bias)
        macs = linear_macs(in_channels, row.channels)
    else:
        params = sum(conv_params(c.in_channels, c.out_channels, c.kernel, bias) for c in convs)
        macs = sum(conv_macs(c.in_channels, c.out_channels, c.kernel, size) for c in convs)
    field, jump = receptive_field(field, jump, kernel, stride)
    return Cost(row.name, row.kind, (row.channels, size, size), params, macs, field, jump)


def table_costs(bias: bool = False) -> list[Cost]:
    """Work out all rows of Table 1, each after the one before, for a 224x224 RGB picture."""
    return read_costs(Reading(bias=bias))


def total(costs: Sequence[Cost]) -> tuple[int, int]:
    """Add up the parameters and the multiply-adds of several rows."""
    return sum(cost.params for cost in costs), sum(cost.macs for cost in costs)


# ---- The printed figures, audited ----------------------------------------------------------------

# "linear: 1000K" is 1024 x 1000 and "112K" is 112 x 1024 exactly: the table's K is 1024.
# Its ops are multiply-adds, in millions.
UNITS = {"K": 1024, "M": 10**6}
TOLERANCE = 0.005

# A depthwise 7x7 with eight filters for each colour, and a 1x1 that mixes their 24 maps: what
# BN-Inception says of its own first layer (arXiv:1502.03167, appendix).
DEPTH_MULTIPLIER = 8

# Two widths of the network that Google released later ("inception5h", as Lucent's InceptionV1.py
# has it) where it differs from Table 1.
RELEASED_WIDTHS = {"inception4a": {"out_3x3": 204}, "inception5a": {"reduce_5x5": 48}}


@dataclass(frozen=True)
class Reading:
    """One way to count Table 1. The defaults take the table as it is printed.

    The paper doesn't say how its columns "params" and "ops" were counted, so a reading is a
    guess. A reading that matches more figures fits better; none of them is known to be true.
    """

    bias: bool = False
    thousand: int = 1024  # what K means
    large_kernel: int = 5
    separable_conv1: bool = False
    released_widths: bool = False


PRINTED = Reading()


@dataclass(frozen=True)
class Comparison:
    """A figure of Table 1 beside the one computed from the row's own widths."""

    printed: float
    computed: int

    @property
    def error(self) -> float:
        """Relative error of the printed figure: -0.01 is one percent too low."""
        return self.printed / self.computed - 1

    @property
    def matches(self) -> bool:
        """Whether it is within 0.5%, or is the computed figure cut to whole millions."""
        return abs(self.error) <= TOLERANCE or self.printed == self.computed // 10**6 * 10**6


class AuditRow(NamedTuple):
    """Both printed figures of one row of Table 1, compared."""

    name: str
    params: Comparison
    ops: Comparison


def parse_figure(text: str, thousand: int = UNITS["K"]) -> float:
    """Read the number printed as "2.7K" (of 1024 parameters) or "34M" (of 10^6 multiply-adds)."""
    return float(text[:-1]) * (UNITS | {"K": thousand})[text[-1]]


def read_rows(reading: Reading) -> list[Row]:
    """Return the rows of Table 1 with the widths that `reading` gives them."""
    if not reading.released_widths:
        return list(TABLE_1)
    rows = dict(ROWS)
    for name, changed in RELEASED_WIDTHS.items():
        widths = replace(rows[name].widths, **changed)
        rows[name] = replace(rows[name], widths=widths, channels=widths.out_channels)
    return list(rows.values())


def read_convs(reading: Reading, row: Row, in_channels: int) -> list[Conv]:
    """List the convolutions that a row stands for under `reading`."""
    if row.name == "conv1" and reading.separable_conv1:
        maps = in_channels * DEPTH_MULTIPLIER  # one filter sees one colour
        return [Conv("depthwise", 1, maps, row.kernel), Conv("pointwise", maps, row.channels, 1)]
    kernels = {"out_5x5": reading.large_kernel}
    return [
        conv._replace(kernel=kernels.get(conv.name, conv.kernel))
        for conv in row_convs(row, in_channels)
    ]


def read_costs(reading: Reading) -> list[Cost]:
    """Work out all rows of Table 1 under `reading`, for a 224x224 RGB picture."""
    costs: list[Cost] = []
    channels, size, field, jump = 3, IMAGE_SIZE, 1, 1
    for row in read_rows(reading):
        convs = read_convs(reading, row, channels)
        costs.append(row_cost(row, channels, size, field, jump, reading.bias, convs))
        channels, size, _ = costs[-1].shape
        field, jump = costs[-1].field, costs[-1].jump
    return costs


def audit(reading: Reading = PRINTED) -> list[AuditRow]:
    """Compare every printed figure of Table 1 with the one computed under `reading`."""
    return [
        AuditRow(
            row.name,
            Comparison(parse_figure(row.params, reading.thousand), cost.params),
            Comparison(parse_figure(row.ops), cost.macs),
        )
        for row, cost in zip(read_rows(reading), read_costs(reading), strict=True)
        if row.params and row.ops
    ]


def count_matches(rows: list[AuditRow]) -> tuple[int, int]:
    """Count the printed figures that agree, of weights and of multiply-adds."""
    return sum(row.params.matches for row in rows), sum(row.ops.matches for row in rows)
