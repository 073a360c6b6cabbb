"""Notebook 03: naive modules in a tower, and what their growth costs."""

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
    """One module of a tower after `in_channels`; its figures by branch."""

    name: str
    naive: bool
    in_channels: int
    channels: dict[str, int]
    params: dict[str, int]
    macs: dict[str, int]

    @property
    def out_channels(self) -> int:
        """Channels after the four branches are concatenated."""
        return sum(self.channels.values())


def tower(naive: int) -> list[Level]:
    """The nine modules of Table 1, the first `naive` of them without their 1x1 reductions.

    Biases are not counted. A naive module passes on all its input by its pool, so that whatever
    stands on top of it, naive or not, has more channels to read.
    """
    if not 0 <= naive <= len(INCEPTION_ROWS):
        raise UsageError(f"{naive} naive modules came; expected 0 to {len(INCEPTION_ROWS)}")
    levels, channels = [], ROWS["maxpool2"].channels
    for i, row in enumerate(INCEPTION_ROWS):
        levels.append(_level(row, channels, i < naive))
        channels = levels[-1].out_channels
    return levels


def tower_totals(levels: Sequence[Level]) -> tuple[int, int, int]:
    """Channels at the top, weights and multiply-adds of all modules together."""
    weights = sum(sum(level.params.values()) for level in levels)
    return levels[-1].out_channels, weights, sum(sum(level.macs.values()) for level in levels)


def draw_tower(levels: Sequence[Level]) -> Figure:
    """Draw channels, weights and multiply-adds of each module, in the colours of its branches.

    Bars keep one scale whatever the tower, that of nine naive modules; an upright line marks
    the module as the paper has it.
    """
    paper, widest = tower(0), tower(len(INCEPTION_ROWS))
    naive = sum(level.naive for level in levels)
    names = [
        level.name.removeprefix("inception") + (", naive" if level.naive else "")
        for level in levels
    ]
    totals = (f"{levels[-1].out_channels:,}", *map(_short, tower_totals(levels)[1:]))
    with style.house_style():
        figure, panels = style.chart(430, 1, 3, sharey=True)
        title = f"{naive} of {len(levels)} modules without their 1×1 reductions"
        style.headline(figure, title)
        for axes, (field, label), total in zip(panels, COLUMNS, totals, strict=True):
            axes.set_title(f"{total} {label}")
            style.name_rows(axes, names)
            starts = [0] * len(levels)
            for branch, colour in style.BRANCH_COLOURS.items():
                values = [getattr(level, field)[branch] for level in levels]
                axes.barh(range(len(levels)), values, 0.6, left=starts, color=colour)
                starts = [start + value for start, value in zip(starts, values, strict=True)]
            marks = [sum(getattr(one, field).values()) for one in paper]
            axes.plot(marks, range(len(levels)), "|", color=style.INK, markersize=22)
            axes.set(
                xticks=[], xlim=(0, 1.3 * max(sum(getattr(w, field).values()) for w in widest))
            )
            axes.spines["bottom"].set_visible(False)
            for y, (end, mark) in enumerate(zip(starts, marks, strict=True)):
                shown = f"{end:,}" if field == "channels" else _short(end)
                axes.annotate(
                    shown,
                    (max(end, mark), y),
                    (6, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=12,
                )
        text = "Blue 1×1, orange 3×3, green 5×5, pink pool; an upright line: the paper's module."
        style.footnote(figure, text)
    figure.alt = _describe_tower(levels)
    return figure


def _describe_tower(levels: Sequence[Level]) -> str:
    """Return the alt text of `draw_tower`, from the same levels."""
    channels, weights, macs = tower_totals(levels)
    naive = sum(level.naive for level in levels)
    rows = "; ".join(
        f"{level.name.removeprefix('inception')} {level.out_channels:,} "
        f"({level.channels['pool']:,} of them from the pool)"
        for level in levels
    )
    return (
        f"Nine modules as rows of bars, the first {naive} without their 1×1 reductions. Channels "
        f"out: {rows}. Together {_short(weights)} weights and {_short(macs)} multiply-adds, "
        f"{channels:,} channels at the top."
    )


def _level(row: Row, in_channels: int, naive: bool) -> Level:
    channels, params = (dict.fromkeys(style.BRANCH_COLOURS, 0) for _ in range(2))
    for conv in row_convs(row, in_channels, naive):
        branch = BRANCH_OF[conv.name]
        channels[branch] = conv.out_channels  # the branch's last convolution comes last
        params[branch] += conv_params(*conv[1:])
    if naive:
        channels["pool"] = in_channels
    macs = {branch: count * row.size**2 for branch, count in params.items()}
    return Level(row.name, naive, in_channels, channels, params, macs)


def _short(count: int) -> str:
    """A count as it is read: 92.5 M, 12.09 G."""
    return f"{count / 1e9:.2f} G" if count >= 1e9 else f"{count / 1e6:.1f} M"


def explore_tower(naive: int = 0) -> widgets.VBox:
    """A slider for how many modules, from the first on, lose their 1x1 reductions."""

    def draw(naive: int) -> Figure:
        levels = tower(naive)
        return draw_tower(levels)

    return panel(
        draw,
        naive=widgets.IntSlider(
            value=naive,
            min=0,
            max=len(INCEPTION_ROWS),
            description="naive",
            layout=widgets.Layout(width="420px"),
        ),
    )
