"""Where the two auxiliary heads hang, and what is in them, drawn from the paper's data."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from googlenet_lib.course.kit.style import (
    GREY,
    HEAD_COLOUR,
    INK,
    MIDDLE_GREY,
    canvas,
    house_style,
    times,
    tint,
    write,
)
from googlenet_lib.network.table1 import (
    HEADS,
    INCEPTION_ROWS,
    ROWS,
    Head,
    conv_params,
    linear_params,
)

# All in pixels of a page that is as wide as a README.
HEIGHT, TRUNK_Y, BOX_WIDTH, BOX_HEIGHT, TRUNK_LEFT, TRUNK_STEP = 370, 98, 52, 34, 34, 72
HEAD_Y = 240  # the middle of the first head
LEFT, STEP, SLAB, THICKEST = 60, 142, 24, 92
SECOND = (686, 284, 188, 70)  # the second head: left, top, width, height
MOST = 1024  # features: the thickest slab
BAND_TINT, FADED = 0.78, 0.45


@dataclass(frozen=True)
class Step:
    """A layer of a head, what comes out of it, and its parameters, biases counted."""

    label: str
    shape: tuple[int, ...]
    params: int

    @property
    def channels(self) -> int:
        """Channels or features: how thick it is drawn."""
        return self.shape[-1]


def head_steps(head: Head, classes: int = ROWS["linear"].channels) -> list[Step]:
    """The layers of a head, in order, from the map that comes in. Source: section 5."""
    row = ROWS[head.after]
    side, conv, hidden = head.pooled_size, head.conv_channels, head.hidden
    pool = f"average pool\n{times(head.pool_kernel, head.pool_kernel)}, stride {head.pool_stride}"
    return [
        Step(f"after {_short(head.after)}", (row.size, row.size, row.channels), 0),
        Step(pool, (side, side, row.channels), 0),
        Step("conv 1×1\nReLU", (side, side, conv), conv_params(row.channels, conv, 1, True)),
        Step("fully connected\nReLU", (hidden,), linear_params(side * side * conv, hidden, True)),
        Step(
            f"dropout {head.dropout:.0%}\nlinear", (classes,), linear_params(hidden, classes, True)
        ),
    ]


def draw_head() -> Figure:
    """Draw the trunk with its two heads; slabs are as thick as channels or features are many."""
    with house_style():
        figure, axes = canvas(HEIGHT)
        write(
            axes,
            TRUNK_LEFT,
            24,
            "Two auxiliary heads, in training only",
            18,
            weight="bold",
            ha="left",
        )
        text = "Small classifiers on the maps in the middle. Thickness shows channels or features."
        write(axes, TRUNK_LEFT, 50, text, 13, ha="left")
        places = _draw_trunk(axes)
        _draw_head(axes, HEADS[0], places[HEADS[0].after])
        _draw_second(axes, HEADS[1], places[HEADS[1].after])
    figure.alt = _describe_head()
    return figure


def _describe_head() -> str:
    """Return the alt text of `draw_head`, from the same data."""
    texts = []
    for head in HEADS:
        first, *steps = head_steps(head)
        chain = "; ".join(
            f"{step.label.replace(chr(10), ', ')} to {times(*step.shape)}"
            + (f" ({step.params:,} parameters)" if step.params else "")
            for step in steps
        )
        texts.append(
            f"{first.label}, where the map is {times(*first.shape)}: {chain}; together "
            f"{sum(step.params for step in steps):,} parameters, softmax loss weighted by "
            f"{head.loss_weight}"
        )
    names = ", ".join(_short(row.name) for row in INCEPTION_ROWS)
    return (
        f"The trunk from left to right, stem, {names}, classifier, and two heads in orange that "
        f"hang from it. " + ". ".join(text[0].upper() + text[1:] for text in texts) + "."
    )


def _short(name: str) -> str:
    return name.removeprefix("inception")


def _draw_trunk(axes: Axes) -> dict[str, float]:
    """Boxes from the stem to the loss; the middle of each, by name."""
    names = ["stem", *(row.name for row in INCEPTION_ROWS), "classifier"]
    hung = {head.after for head in HEADS}
    arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
    places, x = {}, TRUNK_LEFT
    for name in names:
        width = BOX_WIDTH + (26 if name == "classifier" else 0)
        shade = MIDDLE_GREY if name in hung else tint(MIDDLE_GREY, FADED)
        corner = (x, TRUNK_Y - BOX_HEIGHT / 2)
        axes.add_patch(
            Rectangle(corner, width, BOX_HEIGHT, color=shade, linewidth=0, gid=f"trunk.{name}")
        )
        write(
            axes,
            x + width / 2,
            TRUNK_Y,
            _short(name),
            13,
            weight="bold" if name in hung else "normal",
        )
        places[name] = x + width / 2
        axes.annotate(
            "",
            (x + width + TRUNK_STEP - BOX_WIDTH, TRUNK_Y),
            (x + width, TRUNK_Y),
            arrowprops=arrow,
        )
        x += width + TRUNK_STEP - BOX_WIDTH
    write(axes, x + 4, TRUNK_Y, "L", 16, ha="left", weight="bold")
    return places


def _draw_head(axes: Axes, head: Head, hangs_at: float) -> None:
    scale, y = THICKEST / MOST, HEAD_Y
    steps = head_steps(head)
    first, corner = LEFT + SLAB / 2, y - THICKEST / 2 - 34
    way = [(hangs_at, TRUNK_Y + BOX_HEIGHT / 2), (hangs_at, corner), (first, corner)]
    way += [(first, y - steps[0].channels * scale / 2)]
    axes.plot(*zip(*way, strict=True), color=HEAD_COLOUR, linewidth=2, solid_capstyle="butt")
    before = None
    for i, step in enumerate(steps):
        x, thickness = LEFT + i * STEP, step.channels * scale
        if before is not None:
            left = x - STEP + SLAB
            corners = [
                (left, y - before / 2),
                (x, y - thickness / 2),
                (x, y + thickness / 2),
                (left, y + before / 2),
            ]
            axes.add_patch(Polygon(corners, color=tint(HEAD_COLOUR, BAND_TINT), linewidth=0))
            label = step.label.replace("fully connected", "fully\nconnected")
            # where the band widens, its middle has no room for the text
            write(axes, (left + x) / 2 + (18 if thickness > 2 * before else 0), y, label, 12.5)
        shade = HEAD_COLOUR if i else MIDDLE_GREY
        axes.add_patch(Rectangle((x, y - thickness / 2), SLAB, thickness, color=shade, linewidth=0))
        text = times(*step.shape) + (f"\n{step.params:,}\nparameters" if step.params else "")
        write(axes, x + SLAB / 2, y + thickness / 2 + 8, text, 12.5, va="top")
        before = thickness
    write(axes, first + 12, y - steps[0].channels * scale / 2 - 14, steps[0].label, 12.5, ha="left")
    x = LEFT + (len(steps) - 1) * STEP + SLAB + 14
    total = sum(step.params for step in steps)
    text = f"softmax, loss L1 × {head.loss_weight}"
    write(axes, x, y - 22, text, 15, ha="left", weight="bold", color=HEAD_COLOUR)
    write(axes, x, y + 4, f"aux1: {total:,} parameters", 13, ha="left", color=INK)


def _draw_second(axes: Axes, head: Head, hangs_at: float) -> None:
    """A box: its layers are those of the first head."""
    x, y, width, height = SECOND
    first, *steps = head_steps(head)
    total = sum(step.params for step in steps)
    around = TRUNK_Y + BOX_HEIGHT / 2 + 20, x + width + 14
    way = [(hangs_at, TRUNK_Y + BOX_HEIGHT / 2), (hangs_at, around[0]), (around[1], around[0])]
    way += [(around[1], y + height / 2), (x + width, y + height / 2)]
    axes.plot(*zip(*way, strict=True), color=HEAD_COLOUR, linewidth=2, solid_capstyle="butt")
    shade = tint(HEAD_COLOUR, BAND_TINT)
    axes.add_patch(Rectangle((x, y), width, height, color=shade, linewidth=0))
    middle = x + width / 2
    write(axes, middle, y + 18, f"loss L2 × {head.loss_weight}", 15, weight="bold",
          color=HEAD_COLOUR)  # fmt: skip
    write(axes, middle, y + 38, f"same layers, on {times(*first.shape)}", 12)
    write(axes, middle, y + 56, f"aux2: {total:,} parameters", 12)
