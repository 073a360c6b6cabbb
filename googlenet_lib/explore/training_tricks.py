"""Choose a schedule of the rate, or the decay of a moving average, and see what follows."""

from dataclasses import replace

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.training_tricks import (
    draw_first_shares,
    draw_rate,
)
from googlenet_lib.recipes import IMAGENET, SCHEDULES, Recipe

STEPS = 400
# What each schedule goes by, beside the number of steps.
USED = {
    "constant": (),
    "triangle": ("warm-up",),
    "one_cycle": ("warm-up",),
    "restarts": ("cycles", "floor"),
    "stairs": (),
}
UPDATES = {"100": 100, "1,000": 1_000, "10,000": 10_000, "100,000": 100_000}


def explore_schedule(recipe: Recipe = IMAGENET) -> widgets.VBox:
    """A choice of schedule, with its warm-up, its cycles and how far down each of them goes."""

    def draw(schedule: str, warmup: float, cycles: int, floor: float) -> Figure:
        chosen = replace(recipe, schedule=schedule, warmup=warmup, cycles=cycles, floor=floor)
        given = {"warm-up": f"{warmup:.2f}", "cycles": cycles, "floor": f"{floor:.2f}"}
        figure = draw_rate(chosen, STEPS)
        figure.alt += f" {_left(schedule, given)}"
        return figure

    return _wrapped(
        panel(
            draw,
            schedule=_choice("schedule", list(SCHEDULES), recipe.schedule),
            warmup=_slider("warm-up", recipe.warmup, 0.0, 1.0, 0.05),
            cycles=widgets.IntSlider(
                value=recipe.cycles, min=1, max=8, description="cycles", layout=_layout()
            ),
            floor=_slider("floor", recipe.floor, 0.0, 0.5, 0.05),
        )
    )


def explore_average() -> widgets.VBox:
    """The nines of a decay, a number of updates, and whether the decay is ramped."""

    def draw(nines: float, updates: int, ramped: bool) -> Figure:
        return draw_first_shares([round(1 - 10**-nines, 6)], updates, ramped=ramped)

    return _wrapped(
        panel(
            draw,
            nines=_slider("nines", 3.0, 1.0, 5.0, 0.5),
            updates=_choice("updates", list(UPDATES.items()), 1_000),
            ramped=widgets.Checkbox(value=False, description="ramped", layout=_layout()),
        )
    )


def _left(schedule: str, given: dict[str, object]) -> str:
    """What is set but makes no difference, so that nobody waits for it to make one."""
    unused = [f"{name} {value}" for name, value in given.items() if name not in USED[schedule]]
    return f"Makes no difference to it: {', '.join(unused)}."


def _wrapped(box: widgets.VBox) -> widgets.VBox:
    box.children[0].layout.flex_flow = "row wrap"
    return box


def _layout() -> widgets.Layout:
    return widgets.Layout(width="290px")


def _slider(name: str, value: float, low: float, high: float, step: float) -> widgets.FloatSlider:
    return widgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=name, layout=_layout()
    )


def _choice(name: str, options: list, value: object) -> widgets.Dropdown:
    return widgets.Dropdown(options=options, value=value, description=name, layout=_layout())
