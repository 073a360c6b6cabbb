"""A design against its budget: multiply-adds lane by lane, beside the paper's own widths."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from googlenet_lib.designs import Design, paper_design
from googlenet_lib.figures import style

# All in pixels of a page that is as wide as a README.
HEIGHT, MARGIN, HEADER, TOP, ROW = 424, 14, 62, 84, 54
BAR_LEFT, BAR_ROOM, BAR, PAPER_BAR = 92, 430, 20, 8
NUMBERS_X, COLUMNS = (
    (676, 800, 886),
    ("multiply-adds", "channels out", "window"),
)
REDUCTION_TINT = 0.55


def draw_design(design: Design) -> Figure:
    """Draw what each lane of a design spends, all of them against the budget.

    Coloured bars and bold numbers are the design's, a reduction in a lighter tint of its lane;
    grey bars below them are those of the paper's own widths, and so are grey numbers, where they
    differ. An upright line marks the budget, and what lies beyond it is hatched.
    """
    paper = paper_design(design.module)
    scale = BAR_ROOM / max(design.macs, design.budget)
    with style.house_style():
        figure, axes = style.canvas(HEIGHT)
        channels, size, *_ = design.place
        place = f"{channels} channels in, a map of {style.times(size, size)}"
        title = f"In the place of {_short(design)}: {place}"
        style.write(axes, MARGIN, 24, title, 17, ha="left", weight="bold")
        style.write(
            axes,
            BAR_LEFT,
            HEADER + 4,
            "yours in colour, the paper's in grey",
            13,
            ha="left",
            va="baseline",
            color=style.GREY,
        )
        for x, name in zip(NUMBERS_X, COLUMNS, strict=True):
            style.write(axes, x, HEADER + 4, name, 13, ha="right", va="baseline", color=style.GREY)

        _draw_total(axes, design, paper, scale)
        for i, (name, lane) in enumerate(design.lanes.items(), start=1):
            y, colour = TOP + i * ROW, style.BRANCH_COLOURS[name]
            style.write(
                axes,
                MARGIN,
                y + BAR / 2,
                name.replace("x", "×"),
                15,
                ha="left",
                weight="bold",
                color=colour,
            )
            x = BAR_LEFT
            for macs, shade in zip(lane.macs, _shades(name, lane.macs), strict=True):
                _draw_bar(axes, x, y, macs * scale, BAR, shade)
                x += macs * scale
            theirs = paper.lanes[name]
            _draw_bar(
                axes, BAR_LEFT, y + BAR + 3, sum(theirs.macs) * scale, PAPER_BAR, style.MIDDLE_GREY
            )
            if not lane.channels:
                style.write(
                    axes, BAR_LEFT + 4, y + BAR / 2, "left out", 13, ha="left", color=style.GREY
                )
            _write_numbers(
                axes, y, *((sum(one.macs), one.channels, one.window) for one in (lane, theirs))
            )
        style.write(axes, MARGIN, HEIGHT - 50, _told_budget(design), 15, ha="left", weight="bold")
        weights = f"{design.params:,} weights, the paper's {paper.params:,}"
        key = "upright line: the budget; lighter: reductions"
        style.write(axes, MARGIN, HEIGHT - 24, f"{weights}; {key}", 13, ha="left", color=style.GREY)
    figure.alt = _describe_design(design)
    return figure


def _describe_design(design: Design) -> str:
    """Return the alt text of `draw_design`, from the same data."""
    paper = paper_design(design.module)
    lanes = "; ".join(
        f"{name.replace('x', '×')} {sum(lane.macs):,} (the paper's {sum(other.macs):,})"
        if lane.channels
        else f"{name.replace('x', '×')} left out"
        for (name, lane), other in zip(design.lanes.items(), paper.lanes.values(), strict=True)
    )
    window = f"{style.times(design.window, design.window)} of the map" if design.window else "none"
    seen = f", {design.field} pixels of the picture" if design.window else ""
    return (
        f"A design in the place of {_short(design)}. {_told_budget(design)}. By lane: {lanes}. "
        f"{design.params:,} weights (the paper's {paper.params:,}), {design.out_channels:,} "
        f"channels out (the paper's {paper.out_channels:,}), largest window {window}{seen}."
    )


def _short(design: Design) -> str:
    return design.module.removeprefix("inception")


def _told_budget(design: Design) -> str:
    """Plainly: over the budget by how much, or how much is left."""
    spent = f"{design.macs:,} of {design.budget:,} multiply-adds spent"
    share = f"{abs(design.over):,} ({abs(design.over) / design.budget:.1%})"
    if design.over > 0:
        return f"OVER THE BUDGET by {share}: {spent}"
    if design.over == 0:
        return f"Exactly the budget: {spent}"
    return f"Within the budget, {share} left: {spent}"


def _shades(lane: str, macs: tuple[int, ...]) -> tuple[str, ...]:
    colour = style.BRANCH_COLOURS[lane]
    return (style.tint(colour, REDUCTION_TINT), colour) if macs[1:] else (colour,)


def _draw_total(axes: Axes, design: Design, paper: Design, scale: float) -> None:
    style.write(axes, MARGIN, TOP + BAR / 2, "together", 14, ha="left", weight="bold")
    x, end = BAR_LEFT, BAR_LEFT + design.budget * scale
    for name, lane in design.lanes.items():
        for macs, shade in zip(lane.macs, _shades(name, lane.macs), strict=True):
            _draw_bar(axes, x, TOP, macs * scale, BAR, shade)
            x += macs * scale
    if design.over > 0:
        beyond = Rectangle(
            (end, TOP),
            x - end,
            BAR,
            facecolor="none",
            edgecolor=style.INK,
            hatch="////",
            linewidth=0,
        )
        axes.add_artist(beyond)
    _draw_bar(axes, BAR_LEFT, TOP + BAR + 3, design.budget * scale, PAPER_BAR, style.MIDDLE_GREY)
    _draw_bar(axes, end - 1, TOP - 5, 2, BAR + PAPER_BAR + 13, style.INK)
    _write_numbers(
        axes,
        TOP,
        (design.macs, design.out_channels, design.window),
        (paper.macs, paper.out_channels, paper.window),
    )


def _draw_bar(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    bar = Rectangle((x, y), width, height, facecolor=colour, linewidth=0)
    axes.add_artist(bar)  # add_patch would work out limits that stay as they are


def _write_numbers(axes: Axes, y: float, yours: tuple[int, ...], theirs: tuple[int, ...]) -> None:
    """Multiply-adds, channels and window; the paper's below where they are others."""
    for x, mine, other in zip(NUMBERS_X, _told(yours), _told(theirs), strict=True):
        style.write(axes, x, y + BAR / 2 - 1, mine, 14, ha="right", weight="bold")
        if mine != other:
            style.write(axes, x, y + BAR + 8, other, 12, ha="right", color=style.GREY)


def _told(numbers: tuple[int, ...]) -> tuple[str, ...]:
    macs, channels, window = numbers
    return f"{macs:,}", f"{channels:,}", style.times(window, window) if window else "none"
