"""Two networks called GoogLeNet beside each other: their choices, and what their rows cost."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.costs import total
from googlenet_lib.differences import differences, variant_costs
from googlenet_lib.figures import style
from googlenet_lib.paper import IMAGE_SIZE

MARGIN, TOP, LINE, HEIGHT = 16, 118, 24, 460
BASELINE = 5  # below the middle of a line
CHOICE_X = (MARGIN, 172, 288)
ROW_X, ROW_WIDTH, COLUMNS = 418, 462, (8, 13, 10, 15, 10)  # pixels, pixels, characters


def draw_variants(one: str, other: str, size: int = IMAGE_SIZE) -> Figure:
    """Draw what differs between two variants and, row by row, the cost of both. Heads left out.

    Rows that cost something else have a grey ground. `size` is that of the pictures, in pixels.
    """
    with style.house_style():
        figure, axes = style.canvas(HEIGHT)
        style.write(axes, MARGIN, 22, f"{one} and {other}", 18, weight="bold", ha="left")
        _draw_choices(axes, one, other)
        _draw_costs(axes, one, other, size)
    figure.alt = _describe_variants(one, other, size)
    return figure


def _describe_variants(one: str, other: str, size: int = IMAGE_SIZE) -> str:
    """What `draw_variants` shows, in words."""
    differ = [f"{what}: {a} and {b}" for what, (a, b) in differences(one, other).items()]
    counted = [total(variant_costs(name, size)) for name in (one, other)]
    sums = [
        f"{name} {params:,} parameters and {macs / 1e6:,.1f} M multiply-adds"
        for name, (params, macs) in zip((one, other), counted, strict=True)
    ]
    same = sum(a[:2] == b[:2] for a, b in _pairs(one, other, size))
    return (
        f"{one} and {other}, for pictures of {size} pixels, heads left out. "
        f"{len(differ)} choices differ: {'; '.join(differ) or 'none'}. {' and '.join(sums)}. "
        f"{same} of {len(_pairs(one, other, size))} rows cost the same in both."
    )


def _pairs(one: str, other: str, size: int) -> list[tuple[tuple, tuple]]:
    both = (variant_costs(one, size), variant_costs(other, size))
    return [
        tuple((cost.params, cost.macs, cost.shape) for cost in pair)
        for pair in zip(*both, strict=True)
    ]


def _draw_choices(axes: Axes, one: str, other: str) -> None:
    style.write(axes, MARGIN, 58, "What differs", 14, weight="bold", ha="left")
    found = differences(one, other)
    columns = zip(*((what, *values) for what, values in found.items()), strict=True)
    for x, name, texts in zip(CHOICE_X, ("", one, other), columns, strict=False):
        style.write(
            axes, x, TOP - LINE + BASELINE, name, 13, weight="bold", ha="left", va="baseline"
        )
        for i, text in enumerate(texts):
            style.write(axes, x, TOP + LINE * i + BASELINE, text, ha="left", va="baseline")
    if not found:
        style.write(axes, MARGIN, TOP, "Nothing: choose two of different names.", 13, ha="left")


def _draw_costs(axes: Axes, one: str, other: str, size: int) -> None:
    text = f"Parameters and million multiply-adds, at {style.times(size, size)}"
    style.write(axes, ROW_X, 58, text, 14, weight="bold", ha="left")
    _write_columns(axes, TOP - LINE, ("", one, "", other, ""), "bold")
    both = [variant_costs(name, size) for name in (one, other)]
    for i, pair in enumerate(zip(*both, strict=True)):
        counts = [(cost.params, cost.macs) for cost in pair]
        _draw_row(axes, TOP + LINE * i, pair[0].name, counts, "normal")
    bottom = TOP + LINE * (len(both[0]) + 0.4)
    _draw_row(axes, bottom, "total", [total(costs) for costs in both], "bold")


def _draw_row(
    axes: Axes, y: float, name: str, counts: Sequence[tuple[int, int]], weight: str
) -> None:
    if counts[0] != counts[1]:
        size = ROW_WIDTH, LINE - 2
        style.box(axes, ROW_X - 8, y - LINE / 2 + 1, *size, facecolor=style.LIGHT_GREY)
    texts = [name.removeprefix("inception")]
    for params, macs in counts:
        texts += [f"{params:,}", f"{macs / 1e6:,.1f}"]
    _write_columns(axes, y, texts, weight)


def _write_columns(axes: Axes, y: float, texts: Sequence[str], weight: str) -> None:
    """One text for a whole line: to draw many is what takes an explorer's time."""
    first, *others = [text.rjust(width) for text, width in zip(texts, COLUMNS, strict=True)]
    line = first.strip().ljust(COLUMNS[0]) + "".join(others)
    style.write(
        axes,
        ROW_X,
        y + BASELINE,
        line.rstrip(),
        13,
        ha="left",
        va="baseline",
        family=style.MONOSPACE,
        weight=weight,
    )
