"""The deep dive into Table 1: its printed numbers against computed ones, under any reading."""

from collections.abc import Sequence

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

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

WHAT = {"params": "weights", "ops": "multiply-adds"}
EDGE, SIDE = 8, 10  # percent: errors beyond the edge are drawn at it; where the axis ends
LOOKS = {  # marker, colour, face
    "within the tolerance": ("o", style.GREY, style.GREY),
    "cut to whole millions": ("o", style.GREY, style.PAPER),
    "does not agree": ("X", style.INK, style.INK),
}


def draw_audit(rows: Sequence[AuditRow], reading: Reading = PRINTED) -> Figure:
    """Draw the relative error of each printed number of Table 1, one panel for each column of it.

    Errors of more than 8 percent are drawn at the edge, as a triangle.
    """
    with style.house_style():
        figure, panels = style.chart(470, 1, 2)
        found = sum(count_matches(list(rows)))
        style.headline(figure, f"{found} of {2 * len(rows)} printed numbers agree")
        for (column, what), axes in zip(WHAT.items(), panels, strict=True):
            axes.axvspan(-100 * TOLERANCE, 100 * TOLERANCE, color=style.LIGHT_GREY)
            style.name_rows(axes, [row.name.removeprefix("inception") for row in rows])
            axes.set(xlim=(-SIDE, SIDE), title=what)
            axes.set_xticks([-8, -4, 0, 4, 8], ["−8%", "−4%", "0", "+4%", "+8%"])
            axes.set_xlabel("printed number: too low (−), too high (+)")
            for y, row in enumerate(rows):
                _draw_number(axes, y, getattr(row, column))
        keys = [
            Line2D([], [], linestyle="", marker=marker, color=colour, markerfacecolor=face, label=n)
            for n, (marker, colour, face) in LOOKS.items()
        ]
        far = Line2D([], [], linestyle="", marker="<", color=style.INK, label=f"by over {EDGE}%")
        keys += [far, Patch(color=style.LIGHT_GREY, label=f"±{TOLERANCE:.1%}: the tolerance")]
        figure.legend(handles=keys, loc="outside lower left", ncols=5, frameon=False, fontsize=12)
    figure.alt = describe_audit(rows, reading)
    return figure


def describe_audit(rows: Sequence[AuditRow], reading: Reading = PRINTED) -> str:
    """Return the alt text of `draw_audit`, from the same rows."""
    parts = [
        f"Table 1 read so: {describe_reading(reading)}. {sum(count_matches(list(rows)))} of "
        f"{2 * len(rows)} printed numbers agree with the computed ones, within {TOLERANCE:.1%} or "
        "cut to whole millions."
    ]
    for column, what in WHAT.items():
        wrong = [(row.name, getattr(row, column)) for row in rows]
        wrong = [
            f"{n.removeprefix('inception')} {signed(c.error)}" for n, c in wrong if not c.matches
        ]
        parts.append(f"{what.capitalize()} do not agree in {', '.join(wrong) or 'no row'}.")
    return " ".join(parts)


def describe_reading(reading: Reading) -> str:
    """Return a reading of Table 1 in words."""
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
    """Return a relative error as it is read: "+5.3%"."""
    text = f"{100 * abs(error):.0f}%" if abs(error) >= 0.1 else f"{100 * abs(error):.1f}%"
    sign = "" if text == "0.0%" else "+" if error > 0 else "−"
    return sign + text


def _draw_number(axes: Axes, y: float, number: Comparison) -> None:
    error = 100 * number.error
    near = abs(number.error) <= TOLERANCE
    verdict = "within the tolerance" if near else "cut to whole millions"
    marker, colour, face = LOOKS[verdict if number.matches else "does not agree"]
    if abs(error) > EDGE:
        marker, error = ("<", -EDGE - 1) if error < 0 else (">", EDGE + 1)
    axes.plot(error, y, marker, color=colour, markerfacecolor=face, markersize=9)
    weight = "normal" if number.matches else "bold"
    style.beside(axes, y, signed(number.error), color=colour, weight=weight)


def explore_auditor() -> widgets.VBox:
    """Return five switches, each a question of how the table was counted, above its audit."""

    def draw(**choices: bool | int) -> Figure:
        reading = Reading(**choices)
        figure = draw_audit(audit(reading), reading)
        figure.set_layout_engine(None)  # laid out by hand, it is drawn in half the time
        figure.subplots_adjust(0.06, 0.17, 0.93, 0.87, wspace=0.32)
        return figure

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
    look = {"description_width": "74px"}
    return widgets.Dropdown(
        options=list(options.items()), description=text, layout=layout, style=look
    )
