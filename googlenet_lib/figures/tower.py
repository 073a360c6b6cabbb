"""A tower of Inception modules of which some have lost their 1x1 reductions."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from googlenet_lib.costs import Conv, row_convs
from googlenet_lib.errors import UsageError
from googlenet_lib.figures import style
from googlenet_lib.paper import INCEPTION_ROWS, ROWS, Row

# Which branch each convolution of a module belongs to, by the names of Widths.
BRANCH_OF = {
    "out_1x1": "1x1",
    "reduce_3x3": "3x3",
    "out_3x3": "3x3",
    "reduce_5x5": "5x5",
    "out_5x5": "5x5",
    "pool_proj": "pool",
}

# All in pixels of a page that is as wide as a README.
HEIGHT, TOP, ROW_HEIGHT, BAR = 424, 112, 33, 20
COLUMNS_X, BAR_ROOM = (132, 404, 660), 172
COLUMNS = (("channels", "channels out"), ("params", "weights"), ("macs", "multiply-adds"))


@dataclass(frozen=True)
class Level:
    """One module of a tower behind `in_channels`; its figures by branch."""

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
    with style.house_style():
        figure, axes = style.canvas(HEIGHT)
        title = f"{naive} of {len(levels)} modules without their 1×1 reductions"
        style.write(axes, 14, 22, title, 18, ha="left", weight="bold")
        for x, (branch, colour) in zip(
            (14, 62, 110, 158), style.BRANCH_COLOURS.items(), strict=True
        ):
            style.write(
                axes, x, 48, branch.replace("x", "×"), 14, ha="left", weight="bold", color=colour
            )
        text = "An upright grey line stands where the paper's module ends."
        style.write(axes, 216, 48, text, 13, ha="left")
        totals = (f"{levels[-1].out_channels:,}", *map(_short, tower_totals(levels)[1:]))
        for x, (_, label), total in zip(COLUMNS_X, COLUMNS, totals, strict=True):
            style.write(axes, x, TOP - 36, label, 13, ha="left", color=style.GREY)
            style.write(axes, x, TOP - 9, total, 18, ha="left", weight="bold", va="baseline")
        for i, level in enumerate(levels):
            y = TOP + i * ROW_HEIGHT + 6
            name = level.name.removeprefix("inception")
            style.write(axes, 14, y + BAR / 2, name, 14, ha="left", weight="bold")
            if level.naive:
                style.write(axes, 46, y + BAR / 2, "naive", 13, ha="left", color=style.GREY)
            for x, (field, _) in zip(COLUMNS_X, COLUMNS, strict=True):
                scale = BAR_ROOM / max(sum(getattr(one, field).values()) for one in widest)
                left = x
                for branch, value in getattr(level, field).items():
                    bar = Rectangle(
                        (left, y),
                        value * scale,
                        BAR,
                        color=style.BRANCH_COLOURS[branch],
                        linewidth=0,
                    )
                    axes.add_artist(bar)  # add_patch would work out limits that stay as they are
                    left += value * scale
                mark = x + sum(getattr(paper[i], field).values()) * scale
                line = Rectangle(
                    (mark - 1, y - 4), 2, BAR + 8, color=style.tint(style.INK, 0.25), linewidth=0
                )
                axes.add_artist(line)
                value = sum(getattr(level, field).values())
                shown = f"{value:,}" if field == "channels" else _short(value)
                style.write(axes, max(left, mark) + 6, y + BAR / 2, shown, 12, ha="left")
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
    convs = row_convs(row, in_channels)
    if naive:
        convs = [
            Conv(name, in_channels, out, kernel)
            for name, _, out, kernel in convs
            if name.startswith("out_")
        ]
    channels, params = (
        dict.fromkeys(style.BRANCH_COLOURS, 0),
        dict.fromkeys(style.BRANCH_COLOURS, 0),
    )
    for conv in convs:
        branch = BRANCH_OF[conv.name]
        channels[branch] = conv.out_channels  # the branch's last convolution comes last
        params[branch] += conv.in_channels * conv.out_channels * conv.kernel**2
    if naive:
        channels["pool"] = in_channels
    macs = {branch: count * row.size**2 for branch, count in params.items()}
    return Level(row.name, naive, in_channels, channels, params, macs)


def _short(count: int) -> str:
    """A count as it is read: 92.5 M, 12.09 G."""
    return f"{count / 1e9:.2f} G" if count >= 1e9 else f"{count / 1e6:.1f} M"
