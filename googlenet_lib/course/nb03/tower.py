"""Notebook 03: nine modules with and without their 1x1 convolutions, and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import INCEPTION_ROWS, ROWS, Row, conv_params, row_convs

# Which branch each convolution of a module belongs to, by the names of Widths.
BRANCH_OF = {
    "out_1x1": "1x1",
    "reduce_3x3": "3x3",
    "out_3x3": "3x3",
    "reduce_5x5": "5x5",
    "out_5x5": "5x5",
    "pool_proj": "pool",
}

COLUMNS = (("channels", "channels out"), ("params", "weights"), ("macs", "multiply-adds"))


@dataclass(frozen=True)
class Level:
    """One module of a tower that reads `in_channels`; its figures by branch."""

    name: str
    in_channels: int
    channels: dict[str, int]
    params: dict[str, int]
    macs: dict[str, int]

    @property
    def out_channels(self) -> int:
        """Count the channels after the four branches are concatenated."""
        return sum(self.channels.values())


def build_tower(
    changed: int = 0, *, reductions: bool = False, projection: bool = False
) -> list[Level]:
    """Count the nine modules of Table 1, where the first `changed` lack some of their 1x1s.

    A changed module keeps the reductions before its 3x3 and 5x5 only with `reductions`, and the
    1x1 after its pool only with `projection`. Each module reads what the one below it gives.
    Biases are not counted. Raises UsageError for less than 0 or more than 9 modules.
    """
    if not 0 <= changed <= len(INCEPTION_ROWS):
        raise UsageError(f"{changed} changed modules came; expected 0 to {len(INCEPTION_ROWS)}")
    levels, channels = [], ROWS["maxpool2"].channels
    for i, row in enumerate(INCEPTION_ROWS):
        as_printed = i >= changed
        levels.append(_level(row, channels, reductions or as_printed, projection or as_printed))
        channels = levels[-1].out_channels
    return levels


def add_up(levels: Sequence[Level]) -> tuple[int, int, int]:
    """Return the channels at the top, and weights and multiply-adds of all modules together."""
    weights = sum(sum(level.params.values()) for level in levels)
    return levels[-1].out_channels, weights, sum(sum(level.macs.values()) for level in levels)


def draw_tower(levels: Sequence[Level], title: str) -> Figure:
    """Draw channels, weights and multiply-adds of each module, in the colours of its branches.

    Bars keep one scale whatever the tower, that of nine naive modules; a vertical line marks the
    module as the paper has it.
    """
    paper, widest = build_tower(), build_tower(len(INCEPTION_ROWS))
    names = [level.name.removeprefix("inception") for level in levels]
    totals = (f"{levels[-1].out_channels:,}", *map(_shorten, add_up(levels)[1:]))
    with style.house_style():
        figure, panels = style.chart(430, 1, 3, sharey=True)
        style.headline(figure, title)
        for axes, (field, label), total in zip(panels, COLUMNS, totals, strict=True):
            axes.set_title(f"{total} {label}")
            style.name_rows(axes, names)
            starts = [0] * len(levels)
            for branch, colour in style.BRANCH_COLOURS.items():
                values = [getattr(level, field)[branch] for level in levels]
                axes.barh(range(len(levels)), values, 0.6, left=starts, color=colour)
                starts = [start + value for start, value in zip(starts, values, strict=True)]
            marks = [sum(getattr(level, field).values()) for level in paper]
            axes.plot(marks, range(len(levels)), "|", color=style.INK, markersize=22)
            most = max(sum(getattr(level, field).values()) for level in widest)
            axes.set(xticks=[], xlim=(0, 1.3 * most))
            axes.spines["bottom"].set_visible(False)
            for y, (end, mark) in enumerate(zip(starts, marks, strict=True)):
                text = f"{end:,}" if field == "channels" else _shorten(end)
                beside = {"textcoords": "offset points", "va": "center", "fontsize": 12}
                axes.annotate(text, (max(end, mark), y), (6, 0), **beside)
        text = "Blue 1×1, orange 3×3, green 5×5, pink pool; vertical line: the paper's module."
        style.footnote(figure, text)
    figure.alt = _describe_tower(levels, title)
    return figure


def _describe_tower(levels: Sequence[Level], title: str) -> str:
    """Return the alt text of `draw_tower`, from the same levels."""
    channels, weights, macs = add_up(levels)
    rows = "; ".join(
        f"{level.name.removeprefix('inception')} {level.out_channels:,} "
        f"({level.channels['pool']:,} of them from the pool)"
        for level in levels
    )
    return (
        f"{title}: rows of bars. Channels out: {rows}. Together {_shorten(weights)} weights and "
        f"{_shorten(macs)} multiply-adds, {channels:,} channels at the top."
    )


def _level(row: Row, in_channels: int, reductions: bool, projection: bool) -> Level:
    without = row_convs(row, in_channels, naive=True)
    full = row_convs(row, in_channels)
    convs = [conv for conv in (full if reductions else without) if conv.name != "pool_proj"]
    if projection:
        convs.append(full[-1])
    channels, params = (dict.fromkeys(style.BRANCH_COLOURS, 0) for _ in range(2))
    channels["pool"] = in_channels  # unless a 1x1 follows the pool
    for conv in convs:
        branch = BRANCH_OF[conv.name]
        channels[branch] = conv.out_channels  # the branch's last convolution comes last
        params[branch] += conv_params(*conv[1:])
    macs = {branch: count * row.size**2 for branch, count in params.items()}
    return Level(row.name, in_channels, channels, params, macs)


def _shorten(count: int) -> str:
    """Write a count as it is read: 92.5 M, 12.09 G."""
    return f"{count / 1e9:.2f} G" if count >= 1e9 else f"{count / 1e6:.1f} M"


def explore_tower(changed: int = 9) -> widgets.VBox:
    """Make a slider for how many modules lose 1x1s, and two boxes for which ones they keep."""

    def draw(changed: int, reductions: bool, projection: bool) -> Figure:
        levels = build_tower(changed, reductions=reductions, projection=projection)
        lost = [
            name
            for name, kept in (("reductions", reductions), ("projection", projection))
            if not kept
        ]
        title = f"{changed} of {len(levels)} modules without {' and '.join(lost)}"
        return draw_tower(levels, title if changed and lost else "The paper's nine modules")

    slider = widgets.IntSlider(value=changed, min=0, max=len(INCEPTION_ROWS), description="modules")
    return panel(
        draw,
        changed=slider,
        reductions=widgets.Checkbox(value=False, description="keep the reductions"),
        projection=widgets.Checkbox(value=False, description="keep the projection"),
    )
