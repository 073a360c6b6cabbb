"""Table 1 read in other ways than to the letter: which reading explains the printed figures?

The paper doesn't say how its columns "params" and "ops" were counted. A `Reading` is a guess at
that. `audit_under` works the table out as the guess has it and holds the printed figures against
the result. A reading that matches more figures fits better; none of them is known to be true.
"""

from dataclasses import dataclass, replace

from googlenet_lib.costs import (
    UNITS,
    AuditRow,
    Comparison,
    Conv,
    conv_macs,
    conv_params,
    linear_macs,
    linear_params,
    row_convs,
)
from googlenet_lib.paper import ROWS, TABLE_1, Row

# A depthwise 7x7 with eight filters for each colour, and a 1x1 that mixes their 24 maps: what
# BN-Inception says of its own first layer (arXiv:1502.03167, appendix).
DEPTH_MULTIPLIER = 8

# Two widths of the network that Google released later ("inception5h", as Lucent's InceptionV1.py
# has it) where it differs from Table 1.
RELEASED_WIDTHS = {"inception4a": {"out_3x3": 204}, "inception5a": {"reduce_5x5": 48}}


@dataclass(frozen=True)
class Reading:
    """One way to count Table 1. The defaults take it as it is printed."""

    bias: bool = False
    thousand: int = 1024  # what K means
    large_kernel: int = 5
    separable_conv1: bool = False
    released_widths: bool = False


PRINTED = Reading()


def rows_under(reading: Reading) -> list[Row]:
    """The rows of Table 1 with the widths that `reading` gives them."""
    if not reading.released_widths:
        return list(TABLE_1)
    rows = dict(ROWS)
    for name, changed in RELEASED_WIDTHS.items():
        widths = replace(rows[name].widths, **changed)
        rows[name] = replace(rows[name], widths=widths, channels=widths.out_channels)
    return list(rows.values())


def convs_under(reading: Reading, row: Row, in_channels: int) -> list[Conv]:
    """The convolutions of a row as `reading` has them."""
    if row.name == "conv1" and reading.separable_conv1:
        maps = in_channels * DEPTH_MULTIPLIER  # one filter sees one colour
        return [Conv("depthwise", 1, maps, row.kernel), Conv("pointwise", maps, row.channels, 1)]
    convs = row_convs(row, in_channels)
    kernels = {"out_5x5": reading.large_kernel}
    return [conv._replace(kernel=kernels.get(conv.name, conv.kernel)) for conv in convs]


def audit_under(reading: Reading = PRINTED) -> list[AuditRow]:
    """Every printed figure of Table 1 against the one that `reading` gives, in the table's order.

    As printed, this is `costs.audit()`.
    """
    found, channels = [], 3
    for row in rows_under(reading):
        convs = convs_under(reading, row, channels)
        if row.kind == "linear":
            params = linear_params(channels, row.channels, reading.bias)
            macs = linear_macs(channels, row.channels)
        else:
            params = sum(conv_params(*conv[1:], reading.bias) for conv in convs)
            macs = sum(conv_macs(*conv[1:], row.size) for conv in convs)
        if row.params and row.ops:
            printed = float(row.params[:-1]) * reading.thousand, float(row.ops[:-1]) * UNITS["M"]
            pair = [Comparison(*two) for two in zip(printed, (params, macs), strict=True)]
            found.append(AuditRow(row.name, *pair))
        channels = row.channels
    return found


def matches(rows: list[AuditRow]) -> tuple[int, int]:
    """How many printed figures agree, of weights and of multiply-adds."""
    return sum(row.params.matches for row in rows), sum(row.ops.matches for row in rows)
