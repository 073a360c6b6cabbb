"""The ablation of the heads as a figure: accuracy with them and without, seed by seed."""

from dataclasses import dataclass

from matplotlib.figure import Figure

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.kit.statistics import Difference, compare_means
from googlenet_lib.course.nb05.heads import HEADS, INITS, arm_name
from googlenet_lib.data import CIFAR10_CLASSES

CHANCE = 1 / len(CIFAR10_CLASSES)
INIT_NAMES = {"normal": "N(0, 0.01)", "xavier": "Xavier", "he": "He"}
NORM_NAMES = {False: "no BatchNorm", True: "BatchNorm"}
KINDS = {True: "with heads", False: "without"}


@dataclass(frozen=True)
class Pair:
    """One network as it was run with the heads and without: accuracies, empty where it was not."""

    init: str
    norm: bool
    heads: tuple[float, ...]
    none: tuple[float, ...]

    @property
    def gain(self) -> Difference | None:
        """The mean with the heads minus the one without; None where one of the two is missing."""
        return compare_means(self.heads, self.none) if self.heads and self.none else None


def pairs(runs: seeds.Runs) -> list[Pair]:
    """List what was run, without BatchNorm first. Raises UsageError for none, or other names."""
    seeds.check_runs_of(HEADS.name, [arm.name for arm in HEADS.arms], runs)
    every = [
        Pair(
            init,
            norm,
            seeds.accuracies(runs, arm_name(init, norm, True)),
            seeds.accuracies(runs, arm_name(init, norm, False)),
        )
        for norm in NORM_NAMES
        for init in INITS
    ]
    return [pair for pair in every if pair.heads or pair.none]


def draw_heads(runs: seeds.Runs) -> Figure:
    """Draw for each initialisation, with BatchNorm and without, what the heads change.

    `runs` holds the runs of each arm of HEADS by its name. A dot is a seed: filled with the heads,
    hollow without. Each row says what the heads add, with its 95% interval.
    """
    rows = pairs(runs)
    with style.house_style():
        figure, axes = style.chart(130 + 64 * len(rows))
        limits = seeds.room([*(pair.heads + pair.none for pair in rows), (CHANCE,)])
        axes.set_xlim(limits)
        seeds.in_percent(axes.xaxis)
        axes.set_xlabel("accuracy on test pictures: a dot a seed, a line their mean")
        names = [f"{INIT_NAMES[pair.init]}\n{NORM_NAMES[pair.norm]}" for pair in rows]
        style.name_rows(axes, names)
        axes.axvline(CHANCE, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(" guessing", (CHANCE, -0.6), fontsize=12, color=style.GREY)
        style.beside(axes, -0.65, "heads add, points", shift=225, color=style.GREY)
        for y, pair in enumerate(rows):
            for values, kind, shift, colour, face in (
                (pair.heads, True, -0.2, style.HEAD_COLOUR, None),
                (pair.none, False, 0.2, style.INK, style.PAPER),
            ):
                if values:
                    seeds.draw_seeds(axes, values, y + shift, colour=colour, face=face)
                    text = f"{KINDS[kind]} {seeds.span(values)}"
                    style.beside(axes, y + shift, text, color=colour)
            seeds.write_difference(axes, y, pair.gain, 225)
        style.headline(figure, "With the auxiliary heads and without, from three initialisations")
        style.footnote(figure, seeds.source(runs, "an arm"))
    figure.alt = _describe_heads(runs)
    return figure


def _describe_heads(runs: seeds.Runs) -> str:
    """Return the alt text of `draw_heads`, from the same data."""
    parts = []
    for pair in pairs(runs):
        told = [
            f"{KINDS[heads]} {seeds.span(values)}"
            for heads, values in ((True, pair.heads), (False, pair.none))
            if values
        ]
        if pair.gain:
            told.append(f"the heads add {pair.gain}")
        name = f"{INIT_NAMES[pair.init]}, {NORM_NAMES[pair.norm]}"
        parts.append(f"{name}: {', '.join(told)}")
    return (
        f"A row for each network, {len(parts)} in all, with dots for {seeds.count(runs.values())}: "
        "mean test accuracy with the auxiliary heads and without, its range, and what the heads "
        f"add, with its 95% interval. {'; '.join(parts)}. A dashed line marks guessing, "
        f"{CHANCE:.0%}."
    )
