"""The whole of GoogLeNet on one page, drawn from Table 1. Thickness is always channels."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle

from googlenet_lib.course.kit.style import (
    BRANCH_COLOURS,
    GREY,
    HEAD_COLOUR,
    LIGHT_GREY,
    PAPER,
    WIDTH,
    canvas,
    house_style,
    ink_on,
    times,
    tint,
    write,
)
from googlenet_lib.network.table1 import (
    DROPOUT,
    HEADS,
    IMAGE_SIZE,
    ROWS,
    TABLE_1,
    Head,
    Row,
    Widths,
)

# All in pixels of a page that is as wide as a README.
HEIGHT = 660
MARGIN = 16
SCALE = 0.13  # per channel
BRANCH_GAP = 3
MODULE, BAR, PICTURE = 66, 14, 34  # widths of what stands on the page
HEADS_TOP, HEAD_BOX, HEAD_BOX_HEIGHT, HEAD_GAP = 376, 62, 52, 8
# Figure 3 has a local response normalisation (LRN) beside either pool of the stem; Table 1 has not.
NORMALISED = {"maxpool1": "{}\nthen LRN", "maxpool2": "LRN, then\n{}"}
TURNS = (187, 460)  # where the flow goes back to the left, between two lines


@dataclass(frozen=True)
class Line:
    """One of the page's lines: its first row, where it begins, its middle, its links' length."""

    first: str
    x: float
    y: float
    link: float


LINES = (
    Line("conv1", MARGIN + PICTURE, 130, 71),
    Line("inception4a", MARGIN, 296, 58),
    Line("inception5a", MARGIN, 580, 78),
)
SECTIONS = (  # name, first and last step, y of its heading
    ("Stem", "conv1", "maxpool2", 50),
    ("Stage 3", "inception3a", "inception3b", 50),
    ("Stage 4", "inception4a", "inception4e", 208),
    ("Stage 5", "inception5a", "inception5b", 478),
    ("Classifier", "avgpool", "softmax", 478),
)


@dataclass(frozen=True)
class Step:
    """One thing on the page, and the maps that flow out of it."""

    name: str
    label: str
    size: int
    channels: int
    width: float = BAR
    widths: Widths | None = None

    @property
    def thickness(self) -> float:
        return self.channels * SCALE

    @property
    def shape(self) -> str:
        return f"{times(self.size, self.size)}\n×{self.channels}"


def branch_widths(widths: Widths) -> dict[str, int]:
    """Return the output channels of the four branches, in the order of concatenation."""
    channels = (widths.out_1x1, widths.out_3x3, widths.out_5x5, widths.pool_proj)
    return dict(zip(BRANCH_COLOURS, channels, strict=True))


def draw_network() -> Figure:
    """Draw GoogLeNet from Table 1: stem, nine modules in three stages, two heads, classifier.

    The thickness of every band and branch is proportional to its channels. Source: the paper,
    Table 1 and, for the heads, section 5.
    """
    with house_style():
        figure, axes = canvas(HEIGHT)
        write(axes, MARGIN, 20, "GoogLeNet", 18, weight="bold", ha="left")
        write(axes, 138, 21, "Thickness shows channels.", 13, ha="left")
        before = Step("picture", "picture", IMAGE_SIZE, 3, PICTURE)
        _draw_picture(axes, before)
        spans: dict[str, tuple[float, float]] = {}
        for i, (line, steps) in enumerate(zip(LINES, _lines(), strict=True)):
            x = line.x
            for step in steps:
                _draw_link(axes, x, line, before, before.shape)
                x += line.link
                _draw_step(axes, x, line.y, step)
                spans[step.name] = (x, x + step.width)
                x, before = x + step.width, step
            if i < len(TURNS):
                _draw_turn(axes, x, line.y, TURNS[i], LINES[i + 1].y)
            else:
                _draw_link(axes, x, line, before, f"{before.channels}\nclasses")
        for name, first, last, y in SECTIONS:
            _draw_heading(axes, name, spans[first][0], spans[last][1], y)
        for head in HEADS:
            _draw_head(axes, spans[head.after][1] + LINES[1].link / 2, head)
        _draw_scale(axes, 800, LINES[-1].y)
        _draw_legend(axes, 800, SECTIONS[-1][-1] + 8)
    figure.alt = _describe_network()
    return figure


def _describe_network() -> str:
    """Return the alt text of `draw_network`, from the same rows."""
    shapes = {row.name: times(row.size, row.size, row.channels) for row in TABLE_1}
    first, last = (ROWS[name].channels for name in ("inception3a", "inception5b"))
    modules = ", ".join(
        f"{row.name.removeprefix('inception')} {shapes[row.name]}" for row in TABLE_1 if row.widths
    )
    heads = " and ".join(head.after.removeprefix("inception") for head in HEADS)
    return (
        "GoogLeNet drawn from Table 1 in three lines, read from left to right; bands and branches "
        "are as thick as their channels. "
        f"Stem: a picture of {times(IMAGE_SIZE, IMAGE_SIZE, 3)} becomes {shapes['conv1']} after "
        f"conv1, {shapes['conv2']} after conv2 and {shapes['maxpool2']} after the second max "
        "pool. Nine Inception modules, each four coloured branches (1×1 blue, 3×3 orange, 5×5 "
        f"green, pool pink), follow in stages 3, 4 and 5, a max pool between stages: {modules}. "
        f"They grow from {first} channels to {last}, and no branch is thicker than the 3×3 one. "
        f"Classifier: average pooling to {shapes['avgpool']}, dropout of {DROPOUT:.0%}, a linear "
        f"layer and softmax over {ROWS['linear'].channels} classes. Two auxiliary heads, used in "
        f"training only, hang off {heads}."
    )


def _lines() -> list[list[Step]]:
    """Return the steps of each line of the page."""
    lines: list[list[Step]] = []
    for row in TABLE_1:
        if row.name in [line.first for line in LINES]:
            lines.append([])
        lines[-1].extend(_steps(row))
    return lines


def _steps(row: Row) -> list[Step]:
    if row.widths:
        label = row.name.removeprefix("inception")
        return [Step(row.name, label, row.size, row.channels, MODULE, row.widths)]
    label = {"maxpool": "max pool", "avgpool": "avg pool"}.get(row.kind, row.kind)
    if row.kernel:
        label += f" {times(row.kernel, row.kernel)}"
    if row.stride and row.stride > 1:
        label += f"\nstride {row.stride}"
    if row.kind == "dropout":
        label += f" {DROPOUT:.0%}"
    label = NORMALISED.get(row.name, "{}").format(label)
    step = Step(row.name, label, row.size, row.channels)
    if row.reduce:
        return [Step(f"{row.name}.reduce", "conv 1×1", row.size, row.reduce), step]
    return [step]


def _draw_picture(axes: Axes, picture: Step) -> None:
    top = LINES[0].y - PICTURE / 2
    look = {"facecolor": PAPER, "edgecolor": GREY, "linewidth": 1.5}  # its height is no channels
    axes.add_patch(Rectangle((MARGIN, top), PICTURE, PICTURE, **look))
    write(axes, MARGIN + PICTURE / 2, top - 10, picture.label)


def _draw_link(axes: Axes, x: float, line: Line, step: Step, text: str) -> None:
    half, body, y = step.thickness / 2, line.link - 7, line.y
    corners = [(0, -half), (body, -half), (line.link, 0), (body, half), (0, half)]
    corners = [(x + dx, y + dy) for dx, dy in corners]
    # The outline keeps three channels from vanishing.
    axes.add_patch(Polygon(corners, color=LIGHT_GREY, linewidth=1, gid=f"{step.name}.out"))
    inside = half > 15
    write(
        axes,
        x + body / 2 + (1 if step.channels > 3 else 8),  # clear of the picture
        y if inside else y + half + 5,
        text,
        13,
        va="center" if inside else "top",
    )


def _draw_step(axes: Axes, x: float, y: float, step: Step) -> None:
    middle, top = x + step.width / 2, y - step.thickness / 2
    if step.widths:
        _draw_module(axes, x, top - 1.5 * BRANCH_GAP, step.name, step.widths)
        write(axes, middle, top - 15, step.label, 15, weight="bold")
    else:
        bar = Rectangle((x, top), step.width, step.thickness, color=GREY, linewidth=0)
        bar.set_gid(step.name)
        axes.add_patch(bar)
        write(axes, middle, top - 6, step.label, va="bottom")


def _draw_module(axes: Axes, x: float, top: float, name: str, widths: Widths) -> None:
    for branch, channels in branch_widths(widths).items():
        colour, thickness = BRANCH_COLOURS[branch], channels * SCALE
        axes.add_patch(Rectangle((x, top), MODULE, thickness, color=colour, linewidth=0))
        if thickness > 12:  # room for its name
            write(
                axes,
                x + MODULE / 2,
                top + thickness / 2,
                branch.replace("x", "×"),
                13,
                color=ink_on(colour),
            )
        top += thickness + BRANCH_GAP


def _draw_turn(axes: Axes, x: float, above: float, turn: float, below: float) -> None:
    """Lead the flow from the end of a line to the beginning of the next."""
    left, right = 7, WIDTH - 8
    xs = (x, right, right, left, left, MARGIN)
    ys = (above, above, turn, turn, below, below)
    axes.add_line(Line2D(xs, ys, color=LIGHT_GREY, linewidth=5, solid_joinstyle="round"))


def _draw_heading(axes: Axes, name: str, left: float, right: float, y: float) -> None:
    axes.add_line(Line2D((left, right), (y, y), color=GREY, linewidth=1))
    write(
        axes,
        left,
        y,
        name + " ",
        14,
        ha="left",
        color=GREY,
        weight="bold",
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
    )


def _draw_head(axes: Axes, x: float, head: Head) -> None:
    window = times(head.pool_kernel, head.pool_kernel)
    labels = (
        f"avg pool\n{window}\nstride {head.pool_stride}",
        f"conv 1×1\n{times(head.pooled_size, head.pooled_size)}\n×{head.conv_channels}",
        f"linear\n{head.hidden}",
        f"dropout\n{head.dropout:.0%}",
        f"linear\n{ROWS['linear'].channels}\nsoftmax",
    )
    bottom_of_flow = LINES[1].y + ROWS[head.after].channels * SCALE / 2
    left, middle = x - 22, HEADS_TOP + HEAD_BOX_HEIGHT / 2
    last = left + (len(labels) - 1) * (HEAD_BOX + HEAD_GAP)
    line = {"color": HEAD_COLOUR, "linewidth": 3, "zorder": 0.9}  # behind the boxes
    axes.add_line(Line2D((x, x), (bottom_of_flow, middle), **line))
    axes.add_line(Line2D((left + HEAD_BOX, last), (middle, middle), **line))
    text = f"auxiliary head: in training only, its loss counts × {head.loss_weight}"
    write(axes, left, HEADS_TOP + HEAD_BOX_HEIGHT + 14, text, ha="left")
    for i, label in enumerate(labels):
        x = left + i * (HEAD_BOX + HEAD_GAP)
        box = FancyBboxPatch(
            (x, HEADS_TOP),
            HEAD_BOX,
            HEAD_BOX_HEIGHT,
            linewidth=1.5,
            boxstyle="round,pad=0,rounding_size=4",
            edgecolor=HEAD_COLOUR,
            facecolor=tint(HEAD_COLOUR, 0.8),
        )
        box.set_gid(f"{head.after}.head.{i}")
        axes.add_patch(box)
        write(axes, x + HEAD_BOX / 2, middle, label, 11)


def _draw_scale(axes: Axes, x: float, y: float, channels: int = 256) -> None:
    half = channels * SCALE / 2
    axes.add_patch(Rectangle((x, y - half), BAR, 2 * half, color=LIGHT_GREY, linewidth=0))
    write(axes, x + BAR + 6, y, f"{channels}\nchannels", ha="left")


def _draw_legend(axes: Axes, x: float, y: float) -> None:
    for i, (branch, colour) in enumerate(BRANCH_COLOURS.items()):
        top = y + 18 * i
        axes.add_patch(Rectangle((x, top), BAR, 13, color=colour, linewidth=0))
        write(axes, x + BAR + 6, top + 6.5, branch.replace("x", "×"), ha="left")
