"""The map of the course: its notebooks in four stages, those that exist in solid lines."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from googlenet_lib.course import LESSONS, Lesson
from googlenet_lib.figures.style import (
    BRANCH_COLOURS,
    GREY,
    INK,
    PAPER,
    WIDTH,
    canvas,
    house_style,
    px,
    tint,
    write,
)

# All in pixels of a page that is as wide as a README.
MARGIN, LABEL, TOP = 14, 106, 12
BOX_WIDTH, BOX_HEIGHT, GAP, ROW_GAP = 141, 100, 14, 18
TITLE_CHARACTERS, CHARACTERS = 12, 18  # in a line of a box
STAGES = tuple(dict.fromkeys(lesson.stage for lesson in LESSONS))
COLOURS = dict(zip(STAGES, BRANCH_COLOURS.values(), strict=True))


def draw_course() -> Figure:
    """Draw every notebook as a box with its question, a row for each stage of the course."""
    with house_style():
        figure, axes = canvas(2 * TOP + len(STAGES) * (BOX_HEIGHT + ROW_GAP) - ROW_GAP)
        for row, stage in enumerate(STAGES):
            y = TOP + row * (BOX_HEIGHT + ROW_GAP)
            write(axes, MARGIN, y + BOX_HEIGHT / 2, stage, 15, ha="left", weight="bold")
            for column, lesson in enumerate(_lessons(stage)):
                x = MARGIN + LABEL + column * (BOX_WIDTH + GAP)
                if column:
                    _draw_arrow(axes, x - GAP, y + BOX_HEIGHT / 2)
                _draw_lesson(axes, x, y, lesson)
        text = "solid: there to read\ndashed: in preparation"
        write(axes, WIDTH - MARGIN, TOP + BOX_HEIGHT / 2, text, 13, ha="right", color=GREY)
    figure.alt = _describe_course()
    return figure


def _describe_course() -> str:
    """Return the alt text of `draw_course`, from the same lessons."""

    def said(lesson: Lesson) -> str:
        later = "" if lesson.ready else " (in preparation)"
        return f"{lesson.number} {lesson.title}{later}: {lesson.question}"

    stages = [f"{stage}. {' '.join(map(said, _lessons(stage)))}" for stage in STAGES]
    return f"Map of the course in {len(STAGES)} stages. " + " ".join(stages)


def _lessons(stage: str) -> list[Lesson]:
    return [lesson for lesson in LESSONS if lesson.stage == stage]


def _draw_arrow(axes: Axes, x: float, y: float) -> None:
    arrow = FancyArrowPatch((x, y), (x + GAP, y), arrowstyle="-|>", mutation_scale=px(12),
                            color=GREY, linewidth=px(1.5), shrinkA=1, shrinkB=1)  # fmt: skip
    axes.add_patch(arrow)


def _draw_lesson(axes: Axes, x: float, y: float, lesson: Lesson) -> None:
    colour = COLOURS[lesson.stage] if lesson.ready else GREY
    box = FancyBboxPatch(
        (x, y), BOX_WIDTH, BOX_HEIGHT, boxstyle="round,pad=0,rounding_size=6", edgecolor=colour,
        facecolor=tint(colour, 0.85) if lesson.ready else PAPER, gid=lesson.name,
        linewidth=px(2 if lesson.ready else 1.3), linestyle="-" if lesson.ready else (0, (4, 3)),
    )  # fmt: skip
    axes.add_patch(box)
    title = textwrap.fill(lesson.title, TITLE_CHARACTERS)
    lines = title.count("\n") + 1
    write(axes, x + 9, y + 10, lesson.number, 14, ha="left", va="top", weight="bold", color=INK)
    write(axes, x + 35, y + 11, title, 13, ha="left", va="top", weight="bold")
    question = textwrap.fill(lesson.question, CHARACTERS)
    write(axes, x + 9, y + 18 + 16 * lines, question, 12, ha="left", va="top")
