"""What Table 1 costs as bars: row by row, and branch by branch against a naive module."""

from inception import REDUCTION_TINT, row_module
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from googlenet_lib.course.kit.style import (
    BRANCH_COLOURS,
    GREY,
    LIGHT_GREY,
    MONOSPACE,
    canvas,
    house_style,
    ink_on,
    times,
    tint,
    write,
)
from googlenet_lib.course.nb03.tower import BRANCH_OF
from googlenet_lib.network.table1 import (
    IMAGE_SIZE,
    TABLE_1,
    Conv,
    Row,
    conv_macs,
    conv_params,
    row_convs,
    table_costs,
    total,
)

MARGIN = 34  # all in pixels of a page that is as wide as a README

# ---- the rows of Table 1 -------------------------------------------------------------------------

KEY_Y, KEY_WIDTH = 84, 92
ROWS_TOP, ROW_HEIGHT, BAR = 164, 30, 20
ROW_COLUMNS = {"macs": (156, "multiply-adds"), "params": (534, "weights")}
SIZES_X, ROW_ROOM = 146, 256  # where sizes end; the longest bar


def draw_table_costs() -> Figure:
    """Draw multiply-adds and weights of each row of Table 1, modules in their branches' colours.

    Biases are not counted. Source: the paper, Table 1.
    """
    costs = [cost for cost in table_costs() if cost.params]
    totals = dict(zip(("params", "macs"), total(costs), strict=True))
    with house_style():
        figure, axes = canvas(ROWS_TOP + ROW_HEIGHT * len(costs) + 2)
        write(axes, MARGIN, 24, "Where GoogLeNet's cost lies", 18, weight="bold", ha="left")
        text = f"Rows of Table 1, for one picture of {times(IMAGE_SIZE, IMAGE_SIZE)}, no biases."
        write(axes, MARGIN, 50, text, 13, ha="left")
        _draw_key(axes)
        for field, (x, label) in ROW_COLUMNS.items():
            heading = f"{totals[field]:,} {label}"
            write(axes, x, ROWS_TOP - 30, heading, 15, weight="bold", ha="left")
        for i, cost in enumerate(costs):
            y = ROWS_TOP + ROW_HEIGHT * i
            name = cost.name.removeprefix("inception")
            write(axes, MARGIN, y, name, 14, weight="bold", ha="left")
            write(axes, SIZES_X, y, times(*cost.shape[1:]), 12, ha="right", color=GREY)
            for field, (x, _) in ROW_COLUMNS.items():
                scale = ROW_ROOM / max(getattr(one, field) for one in costs)
                end = x
                for part, value in _parts(cost.name)[field].items():
                    gid = f"{field}.{cost.name}.{part}"
                    end = _draw_bar(axes, end, y, value * scale, BAR, _shade(part), gid)
                value = getattr(cost, field)
                shown = f"{value:,}" if field == "params" else _millions(value)
                write(axes, end + 7, y, shown, 12, ha="left")
    figure.alt = _describe_table_costs()
    return figure


def _describe_table_costs() -> str:
    """Return the alt text of `draw_table_costs`, from the same data."""
    costs = [cost for cost in table_costs() if cost.params]
    params, macs = total(costs)
    rows = "; ".join(
        f"{cost.name.removeprefix('inception')} {_millions(cost.macs)} and {cost.params:,}"
        for cost in costs
    )
    dearest = max(costs, key=lambda cost: cost.macs).name.removeprefix("inception")
    largest = max(costs, key=lambda cost: cost.params).name.removeprefix("inception")
    return (
        "Two bars for each row of Table 1 that has weights: its multiply-adds and its weights, "
        "biases not counted. A module's bars have the colours of its branches, the 1×1 reductions "
        f"a lighter one. {rows}. Together {macs:,} multiply-adds and {params:,} weights. "
        f"Most multiply-adds are in {dearest}, most weights in {largest}."
    )


def _draw_key(axes: Axes) -> None:
    """The parts of a module's bar, in their order, each labelled with its name in Table 1."""
    write(axes, MARGIN, KEY_Y, "a module's bar:", 12, ha="left")
    x = ROW_COLUMNS["macs"][0]
    for part in BRANCH_OF:
        shade = _shade(part)
        x = _draw_bar(axes, x, KEY_Y, KEY_WIDTH, BAR + 2, shade, f"key.{part}")
        write(axes, x - KEY_WIDTH / 2, KEY_Y, part, 12, family=MONOSPACE, color=ink_on(shade))
    write(axes, x + 12, KEY_Y, "grey: other layers", 12, ha="left")


def _parts(name: str) -> dict[str, dict[str, int]]:
    """Multiply-adds and weights of each layer of a row of Table 1, by name."""
    position = [row.name for row in TABLE_1].index(name)
    row, before = TABLE_1[position], TABLE_1[position - 1]
    if row.kind == "linear":
        convs = [Conv(name, before.channels, row.channels, 1)]  # as a 1x1 on a single pixel
    else:
        convs = row_convs(row, before.channels if position else 3)
    return {
        "params": {c.name: conv_params(*c[1:]) for c in convs},
        "macs": {c.name: conv_macs(*c[1:], row.size) for c in convs},
    }


# ---- the branches of a module, naive and reduced -------------------------------------------------

BRANCHES_TOP, BRANCH_HEIGHT, BRANCH_BAR, PAIR = 128, 62, 18, 11
NAMES_X, COSTS_X, COSTS_ROOM = 166, 176, 340
CHANNELS_X, CHANNELS_ROOM = 640, 190
TOGETHER = "together"


def draw_branch_costs(row: Row, in_channels: int) -> Figure:
    """Draw what each branch of a module costs and gives, without and with the 1x1 reductions.

    `in_channels` is what the row before gives: 192 for inception3a. Raises UsageError for a row
    without branches. Source: the paper, Figure 2 and Table 1.
    """
    _, name = row_module(row)
    costs, channels = _branch_costs(row, in_channels), _branch_channels(row, in_channels)
    most = max(sum(parts.values()) for way in costs.values() for parts in way.values())
    widest = max(sum(way.values()) for way in channels.values())
    with house_style():
        figure, axes = canvas(BRANCHES_TOP + BRANCH_HEIGHT * (len(BRANCH_COLOURS) + 1) - 8)
        title = f"Inception {name}: what the 1×1 reductions save"
        write(axes, MARGIN, 24, title, 18, weight="bold", ha="left")
        text = (
            f"Maps of {times(row.size, row.size)}; every weight is used at each position, so that "
            "weights compare as multiply-adds do."
        )
        write(axes, MARGIN, 50, text, 13, ha="left")
        heading = {"size": 13, "weight": "bold", "ha": "left", "va": "baseline"}
        write(axes, COSTS_X, 93, "multiply-adds (light: the 1×1 before)", **heading)
        write(axes, CHANNELS_X, 93, "channels out", **heading)
        for i, branch in enumerate((*BRANCH_COLOURS, TOGETHER)):
            middle = BRANCHES_TOP + BRANCH_HEIGHT * i
            if branch == TOGETHER:
                middle += 8
                line = middle - BRANCH_HEIGHT / 2 - 2
                axes.plot((MARGIN, 866), (line, line), color=LIGHT_GREY, linewidth=1.5)
            write(axes, MARGIN, middle, branch.replace("x", "×"), 15, weight="bold", ha="left")
            for way, y in zip(costs, (middle - PAIR, middle + PAIR), strict=True):
                write(axes, NAMES_X, y, way, 12, ha="right", color=GREY)
                end = COSTS_X
                for part, value in costs[way][branch].items():
                    gid = f"macs.{way}.{branch}.{part}"
                    width = value * COSTS_ROOM / most
                    end = _draw_bar(axes, end, y, width, BRANCH_BAR, _shade(part), gid)
                write(axes, end + 7, y, _saving(costs, way, branch), 12, ha="left")
                outs = channels[way] if branch == TOGETHER else {branch: channels[way][branch]}
                end = CHANNELS_X
                for part, value in outs.items():
                    gid = f"channels.{way}.{branch}.{part}"
                    width = value * CHANNELS_ROOM / widest
                    end = _draw_bar(axes, end, y, width, BRANCH_BAR, BRANCH_COLOURS[part], gid)
                write(axes, end + 7, y, f"{sum(outs.values()):,}", 12, ha="left")
    figure.alt = _describe_branch_costs(row, in_channels)
    return figure


def _describe_branch_costs(row: Row, in_channels: int) -> str:
    """Return the alt text of `draw_branch_costs`, from the same data."""
    _, name = row_module(row)
    costs, channels = _branch_costs(row, in_channels), _branch_channels(row, in_channels)
    branches = "; ".join(
        f"{branch.replace('x', '×')} {_saving(costs, 'naive', branch)} and "
        f"{_saving(costs, 'reduced', branch)}"
        for branch in BRANCH_COLOURS
    )
    naive, reduced = (sum(way.values()) for way in channels.values())
    return (
        f"Two bars for each branch of Inception {name}, naive and reduced: its multiply-adds. "
        f"{branches}. Together {_saving(costs, 'naive', TOGETHER)} and "
        f"{_saving(costs, 'reduced', TOGETHER)}. Beside them its channels: "
        f"the pool gives {channels['naive']['pool']} naive and {channels['reduced']['pool']} "
        f"reduced, the other branches as many either way, together {naive} and {reduced}."
    )


def _branch_costs(row: Row, in_channels: int) -> dict[str, dict[str, dict[str, int]]]:
    """Multiply-adds of each convolution, by way (naive, reduced) and branch, and together."""
    costs = {}
    for way in ("naive", "reduced"):
        convs = row_convs(row, in_channels, naive=way == "naive")
        macs = {conv.name: conv_macs(*conv[1:], row.size) for conv in convs}
        costs[way] = {
            branch: {name: value for name, value in macs.items() if BRANCH_OF[name] == branch}
            for branch in BRANCH_COLOURS
        } | {TOGETHER: macs}
    return costs


def _branch_channels(row: Row, in_channels: int) -> dict[str, dict[str, int]]:
    """Channels out of each branch, by way. A naive pool passes on all that come in."""
    widths, _ = row_module(row)
    outs = (widths.out_1x1, widths.out_3x3, widths.out_5x5)
    return {
        way: dict(zip(BRANCH_COLOURS, (*outs, pooled), strict=True))
        for way, pooled in (("naive", in_channels), ("reduced", widths.pool_proj))
    }


def _saving(costs: dict[str, dict[str, dict[str, int]]], way: str, branch: str) -> str:
    """What is written behind a bar: its figure, and how many times less it is than the naive."""
    naive, value = (sum(costs[each][branch].values()) for each in ("naive", way))
    if value < naive:
        return f"{_millions(value)}, {naive / value:.1f} times less"
    return _millions(value) if value else "0"


# ---- both ----------------------------------------------------------------------------------------


def _shade(part: str) -> str:
    """The colour of a layer: its branch's, lighter for a reduction; grey outside of modules."""
    colour = BRANCH_COLOURS[BRANCH_OF[part]] if part in BRANCH_OF else GREY
    return tint(colour, REDUCTION_TINT) if part.startswith("reduce") else colour


def _draw_bar(
    axes: Axes, x: float, y: float, width: float, height: float, colour: str, gid: str
) -> float:
    """Draw a bar from `x` around `y`; return where it ends."""
    corner = (x, y - height / 2)
    axes.add_patch(Rectangle(corner, width, height, color=colour, linewidth=0, gid=gid))
    return x + width


def _millions(count: int) -> str:
    return f"{count / 1e6:,.1f} M"
