"""The ablation of the heads as a figure: accuracy with them and without, seed by seed."""

from dataclasses import dataclass

from matplotlib.figure import Figure

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.kit.statistics import Difference, compare_means
from googlenet_lib.course.nb05.heads import HEADS, INITS, arm_name
from googlenet_lib.data import CIFAR10_CLASSES

CHANCE = 1 / len(CIFAR10_CLASSES)
INIT_NAMES = {"normal": "std 0.01", "xavier": "Xavier", "he": "He"}
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

    @property
    def guesses(self) -> bool:
        """Whether no run is better than chance."""
        return {*self.heads, *self.none} == {CHANCE}


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
    hollow without. Each row says what the heads add, with its 95% interval. A row in which all
    runs guess says so in words, so that the others have room.
    """
    rows = pairs(runs)
    with style.house_style():
        figure, axes = style.chart(130 + 64 * len(rows))
        learnt = [pair.heads + pair.none for pair in rows if not pair.guesses]
        axes.set_xlim(seeds.room(learnt or [(CHANCE,)]))
        seeds.in_percent(axes.xaxis)
        axes.set_xlabel("accuracy on test images: one dot per seed, the bar is the mean")
        names = [f"{INIT_NAMES[pair.init]}\n{NORM_NAMES[pair.norm]}" for pair in rows]
        style.name_rows(axes, names)
        style.beside(axes, -0.65, "heads add, points", shift=225, color=style.GREY)
        for y, pair in enumerate(rows):
            if pair.guesses:
                text = f"all runs at {CHANCE:.0%}, with the heads and without: they guess"
                axes.annotate(text, (0.02, y), va="center", xycoords=("axes fraction", "data"),
                              color=style.GREY)  # fmt: skip
                continue
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
        f"add, with its 95% interval. {'; '.join(parts)}."
    )
