"""How soon each way of training a GoogLeNet reaches an accuracy, as its benchmark recorded it."""

import json
from itertools import accumulate
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from googlenet_lib.course.kit import style

REPORT = Path(__file__).parents[2] / "tests/slow/benchmarks/time_to_accuracy.json"


def read_time_to_accuracy() -> dict:
    """Read what tests/slow/benchmarks/time_to_accuracy.py recorded."""
    return json.loads(REPORT.read_text(encoding="utf-8"))


def draw_time_to_accuracy(report: dict) -> Figure:
    """Draw the highest accuracy that each way has shown after each minute of training.

    `fast` with smaller batches lies too close to `fast` to be drawn beside it.
    """
    ways = [way for way in report["ways"] if way["looks"] and "fast-" not in way["way"]]
    with style.house_style():
        figure, axes = style.chart(440)
        axes.set(xlabel="minutes of training", ylim=(0, 1))
        axes.set_ylabel("highest validation accuracy so far")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        for target in report["targets"]:
            axes.axhline(target, color=style.LIGHT_GREY, lw=1.3, zorder=0)
        told = []
        for way in ways:
            minutes = [look["seconds"] / 60 for look in way["looks"]]
            highest = [*accumulate((look["accuracy"] for look in way["looks"]), max)]
            ours = way["way"].startswith("fast")
            line, text = (style.INK, style.INK) if ours else (style.MIDDLE_GREY, style.GREY)
            axes.step(minutes, highest, where="post", color=line, lw=2.4 if ours else 1.8)
            end = minutes[-1], highest[-1]
            look = {"fontsize": 12, "color": text, "textcoords": "offset points"}
            if ours:  # above, where no other line passes
                axes.annotate(way["way"].removeprefix("fast, "), end, (-8, 9), ha="center", **look)
            else:
                down = -14 if way["way"] == "torchvision" else 0  # below the walkthrough's line
                axes.annotate(way["way"], end, (6, down), va="center", **look)
            told.append(f"{way['way']} {highest[-1]:.1%} after {minutes[-1]:.1f}")
        axes.set_xlim(0, 1.15 * axes.get_xlim()[1])
        style.headline(figure, "How soon each way of training is accurate")
        axes.annotate("fast", (0.15, 0.93), fontsize=12, weight="bold")
        style.footnote(
            figure, f"One training of each way on {report['data']}. {report['machine']}."
        )
    figure.alt = (
        "The highest validation accuracy that each way of training has shown, over its minutes. "
        f"At their ends: {'; '.join(told)}."
    )
    return figure
