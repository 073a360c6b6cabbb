"""Notebook 04: Table 1's printed figures against the computed ones."""

from collections.abc import Sequence

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.network.table1 import (
    PRINTED,
    TOLERANCE,
    AuditRow,
    Comparison,
    Reading,
    audit,
    count_matches,
)

AGREES, DIFFERS = "✓", "✗"
MINUS = "−"
WHAT = {"params": "weights", "ops": "multiply-adds"}
UNIT = {"params": "K", "ops": "M"}
MARGIN = 34

# ---- dots ----------------------------------------------------------------------------------------

EDGE = 8.0  # percent; what lies beyond is drawn at the edge, with its number


def draw_audit(rows: Sequence[AuditRow]) -> Figure:
    """Relative error of each printed figure of Table 1, one panel a column of the table.

    A dot agrees, a cross does not; the band is the tolerance, and a dot outside is the computed
    figure cut to whole millions. What lies beyond 8% stands at the edge with its number.
    """
    with style.house_style():
        figure, panels = style.chart(430, 1, 2)
        for (column, what), axes in zip(WHAT.items(), panels, strict=True):
            axes.axvspan(-100 * TOLERANCE, 100 * TOLERANCE, color=style.LIGHT_GREY)
            axes.axvline(0, color=style.GREY, linewidth=1)
            style.name_rows(axes, [_short(row.name) for row in rows])
            axes.set(xlim=(-EDGE - 1, EDGE + 1), title=what)
            axes.set_xlabel("printed figure too low (−) or too high (+), in percent")
            axes.set_xticks([-8, -4, 0, 4, 8], ["−8", "−4", "0", "+4", "+8"])
            for y, row in enumerate(rows):
                _draw_dot(axes, y, getattr(row, column))
    figure.alt = _describe_audit(rows)
    return figure


def _describe_audit(rows: Sequence[AuditRow]) -> str:
    """The alt text of `draw_audit`, from the same rows."""
    parts = [
        f"Relative error of the printed figures of Table 1, {len(rows)} rows in two panels, with a "
        f"band of {TOLERANCE:.1%} to each side."
    ]
    for column, what in WHAT.items():
        wrong = [(row.name, getattr(row, column)) for row in rows]
        wrong = [f"{_short(n)} {signed(c.error)}" for n, c in wrong if not c.matches]
        parts.append(
            f"{what.capitalize()}: {len(rows) - len(wrong)} of {len(rows)} agree; crosses at "
            f"{', '.join(wrong) or 'none'}."
        )
    return " ".join(parts)


def _draw_dot(axes: Axes, y: float, figure: Comparison) -> None:
    error = 100 * figure.error
    x = max(-EDGE, min(EDGE, error))
    agrees = figure.matches
    axes.plot(
        x,
        y,
        "o" if agrees else "X",
        color=style.GREY if agrees else style.INK,
        markersize=8 if agrees else 11,
    )
    cut = agrees and abs(figure.error) > TOLERANCE
    label = "whole millions" if cut else "" if agrees else signed(figure.error)
    side = 1 if x < 0 and not cut else -1  # to the inside, where there is room
    if label:
        axes.text(
            x + 0.5 * side,
            y,
            label,
            fontsize=12,
            va="center",
            ha="left" if side > 0 else "right",
            color=style.GREY if agrees else style.INK,
        )


# ---- a table of verdicts -------------------------------------------------------------------------

TOP, LINE = 118, 25
BASELINE = 5  # below the middle of a line
LEFT = {"params": 130, "ops": 500}  # of each half of the table
NAME = 12  # characters in front of the first half
COLUMNS = (11, 9, 9)  # characters: computed, printed, error


def draw_verdicts(rows: Sequence[AuditRow], reading: Reading = PRINTED) -> Figure:
    """Computed, printed, error and verdict of every figure of Table 1 under one reading of it."""
    found = dict(zip(WHAT, count_matches(list(rows)), strict=True))
    with style.house_style():
        figure, axes = style.canvas(TOP + LINE * len(rows) + 12)
        title = f"{sum(found.values())} of {2 * len(rows)} printed figures agree"
        style.write(axes, MARGIN, 22, title, 18, weight="bold", ha="left")
        style.write(axes, MARGIN, 48, f"Read so: {describe_reading(reading)}", 13, ha="left")
        for column, left in LEFT.items():
            _write_columns(axes, left, TOP - 26, ("computed", "printed", "error  "), "bold")
            style.write(axes, left + 24, TOP - 46, WHAT[column], 13, ha="left", weight="bold")
        for i, row in enumerate(rows):
            y = TOP + LINE * i
            for column in WHAT:
                thousand = reading.thousand if column == "params" else 10**6
                _draw_verdict(axes, y, row.name, column, getattr(row, column), thousand)
    figure.alt = _describe_verdicts(rows, reading)
    return figure


def _describe_verdicts(rows: Sequence[AuditRow], reading: Reading = PRINTED) -> str:
    """What `draw_verdicts` shows, from the same rows."""
    weights, ops = count_matches(list(rows))
    wrong = [
        f"{_short(row.name)} {WHAT[column]} {signed(getattr(row, column).error)}"
        for row in rows
        for column in WHAT
        if not getattr(row, column).matches
    ]
    return (
        f"Table of verdicts, read so: {describe_reading(reading)}. {weights + ops} of "
        f"{2 * len(rows)} printed figures agree, {weights} of weights and {ops} of multiply-adds. "
        f"Wrong: {', '.join(wrong) or 'none'}."
    )


def describe_reading(reading: Reading) -> str:
    """A reading of Table 1 in words."""
    return ", ".join(
        (
            "biases counted" if reading.bias else "no biases",
            f"K = {reading.thousand}",
            f'{reading.large_kernel}x{reading.large_kernel} in the branch called "5x5"',
            "conv1 separable" if reading.separable_conv1 else "conv1 as drawn",
            "widths as released" if reading.released_widths else "widths as printed",
        )
    )


def signed(error: float) -> str:
    """A relative error as it is read: "+5.3%"."""
    text = f"{100 * abs(error):.0f}%" if abs(error) >= 0.1 else f"{100 * abs(error):.1f}%"
    sign = "" if text == "0.0%" else "+" if error > 0 else MINUS
    return sign + text


def _draw_verdict(
    axes: Axes, y: float, name: str, column: str, figure: Comparison, thousand: int
) -> None:
    unit, left = UNIT[column], LEFT[column]
    texts = (
        f"{figure.computed / thousand:,.2f} {unit}",
        f"{figure.printed / thousand:,.4g} {unit}",
        f"{signed(figure.error)} {AGREES if figure.matches else DIFFERS}",
    )
    if not figure.matches:
        box = Rectangle(
            (left, y - LINE / 2 + 1),
            256,
            LINE - 2,
            facecolor=style.LIGHT_GREY,
            edgecolor=style.MIDDLE_GREY,
            linewidth=1,
        )
        axes.add_patch(box)
    weight = "normal" if figure.matches else "bold"
    if column == "params":
        _write_columns(axes, MARGIN, y, texts, weight, _short(name))
    else:
        _write_columns(axes, left, y, texts, weight)


def _write_columns(
    axes: Axes, x: float, y: float, texts: Sequence[str], weight: str, name: str = ""
) -> None:
    """One text for a whole line: to draw many is what takes an explorer's time."""
    line = "".join(text.rjust(width) for text, width in zip(texts, COLUMNS, strict=True))
    line = name.ljust(NAME) + line if name else line
    style.write(
        axes,
        x,
        y + BASELINE,
        line,
        13,
        ha="left",
        va="baseline",
        family=style.MONOSPACE,
        weight=weight,
    )


def _short(name: str) -> str:
    return name.removeprefix("inception")


def explore_auditor() -> widgets.VBox:
    """Five switches, each a question of how the table was counted, above the table of verdicts."""

    def draw(**choices: bool | int) -> Figure:
        reading = Reading(**choices)
        rows = audit(reading)
        return draw_verdicts(rows, reading)

    return panel(
        draw,
        bias=_choice("biases", {"not counted": False, "counted": True}),
        thousand=_choice("K is", {"1024": 1024, "1000": 1000}),
        large_kernel=_choice('the "5x5"', {"5x5": 5, "3x3": 3}),
        separable_conv1=_choice("conv1", {"as drawn": False, "separable": True}),
        released_widths=_choice("4a and 5a", {"as printed": False, "as released": True}),
    )


def _choice(text: str, options: dict[str, bool | int]) -> widgets.Dropdown:
    layout = widgets.Layout(width="180px")
    style = {"description_width": "74px"}
    return widgets.Dropdown(
        options=list(options.items()), description=text, layout=layout, style=style
    )
