"""Exercises and predictions of notebook 01, why many scales."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit.comparing import describe
from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, Wrong, slips
from googlenet_lib.course.kit.modules import Build, same_layers

# ---- 01.1 ----------------------------------------------------------------------------------------

DOWNWARDS = ((1, 2, 6), (1, 5, 6), (1, 2, 99), (1, 98, 99))  # brightness of the three rows


def _level_edges(answer: Any) -> None:
    kernel = _kernel_of(answer)
    small = 1e-5 * kernel.abs().max().clamp(min=1e-30).item()

    def answers(rows: Tensor) -> float:
        return float((kernel * rows).sum())

    flat = answers(torch.full((3, 3), 5.0))
    if abs(flat) > small:
        raise Wrong(
            f"under the window every pixel is 5, and your kernel answers {flat:g}. Where nothing "
            "changes there is no edge: what must the nine weights add up to?"
        )
    for columns, side in (((1.0, 2.0, 6.0), "right"), ((6.0, 2.0, 1.0), "left")):
        upright = answers(torch.tensor([columns] * 3))
        if abs(upright) > small:
            told = ", ".join(f"{value:g}" for value in columns)
            raise Wrong(
                f"rows of {told} get brighter to the {side} and your kernel answers {upright:g}: "
                "it sees upright edges too. Each column on its own must not count"
            )
    levels = {values: answers(torch.tensor([values] * 3).T) for values in DOWNWARDS}
    values, level = min(levels.items(), key=lambda one: one[1])
    if level > small:
        return
    says = "it is blind to the edge that you look for"
    if max(levels.values()) < -small:
        values, level = DOWNWARDS[0], levels[DOWNWARDS[0]]
        says = "it finds the edge, with the other sign"
    elif level < -small:
        says = (
            "there it is below 0. It must be above 0 wherever every row is brighter than the last"
        )
    told = ", ".join(map(str, values))
    raise Wrong(
        f"columns of {told} get brighter downwards and your kernel answers {level:g}: {says}"
    )


def _kernel_of(answer: Any) -> Tensor:
    try:
        kernel = torch.as_tensor(answer, dtype=torch.float64, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError):  # what has no values on this device among them
        raise Wrong(f"{describe(answer)} came; expected three rows of three numbers") from None
    if tuple(kernel.shape) != (3, 3):
        raise Wrong(
            f"a kernel of shape {tuple(kernel.shape)} came; expected three rows of three numbers"
        )
    if not kernel.isfinite().all():
        raise Wrong("there is nan or inf in the kernel; expected are nine plain numbers")
    return kernel


LEVEL_EDGES = Exercise(
    "01.1",
    "A kernel for level edges",
    kind="value",
    test=_level_edges,
    hints=(
        "The kernel of the figure finds upright edges. What has to be turned?",
        "Where every pixel is equal the answer must be 0: the weights add up to 0.",
        "Brighter downwards: the last row counts for it, the first against it, and all columns do "
        "the same.",
    ),
    why="a kernel is a small picture of what it looks for.",
)

# ---- 01.2 ----------------------------------------------------------------------------------------


def convolve(picture: Tensor, kernel: Tensor, padding: int = 0) -> Tensor:
    """The convolution of one channel (height, width) with a kernel (k, k)."""
    return F.conv2d(picture[None, None], kernel[None, None], padding=padding)[0, 0]


def _pictures_and_kernels() -> list[tuple[Tensor, Tensor]]:
    draw = torch.Generator().manual_seed(1)
    sizes = ((6, 6, 3), (5, 8, 3), (7, 4, 2), (4, 4, 1), (5, 5, 5))
    return [
        (torch.randn(height, width, generator=draw), torch.randn(k, k, generator=draw))
        for height, width, k in sizes
    ]


CONVOLUTION = Exercise(
    "01.2",
    "A convolution by loops",
    solution=convolve,
    cases=_pictures_and_kernels(),
    any_float=True,
    slips=slips(
        "You have turned the kernel round by half a turn, as mathematics does. PyTorch's "
        "convolution leaves it as it is.",
        lambda picture, kernel: convolve(picture, kernel.flip(0, 1)),
        "Rows and columns of the kernel are exchanged.",
        lambda picture, kernel: convolve(picture, kernel.T),
        "The last window, flush with the far edge, is missing in both directions. How many places "
        "are there along 6 pixels for 3?",
        lambda picture, kernel: convolve(picture, kernel)[:-1, :-1],
        "That is the sum of the pixels alone; where are the weights?",
        lambda picture, kernel: convolve(picture, torch.ones_like(kernel)),
        "You divide by the number of taps; a convolution only adds.",
        lambda picture, kernel: convolve(picture, kernel) / kernel.numel(),
        "Zeros have been put around the picture; here the window stays inside it.",
        lambda picture, kernel: convolve(picture, kernel, padding=len(kernel) // 2),
    ),
    look="At one place: multiply pixel by weight under the window, add, store. Then the next.",
    hints=(
        "How often does a window of k pixels fit along `size` pixels? size - k + 1 times.",
        "`picture[row : row + k, column : column + k]` is what lies under the window.",
        "Make `torch.empty(rows, columns)`, and put `(window * kernel).sum()` at each place.",
    ),
    why="that is all that nn.Conv2d computes on one channel; it only is faster.",
)

WEIGHTS = Exercise(
    "01.3",
    "What a layer has to learn",
    solution=lambda inputs, outputs, kernel: outputs * (inputs * kernel**2 + 1),
    cases=[(3, 96, 11), (192, 32, 5), (64, 64, 1), (1, 1, 3)],
    slips=slips(
        "Each filter has a bias too, one number.",
        lambda i, o, k: o * i * k**2,
        "There is one bias for each filter, not one for each slice of it.",
        lambda i, o, k: o * i * (k**2 + 1),
        "That would be enough if a filter saw a single channel; it sees all that come in.",
        lambda i, o, k: o * (k**2 + 1),
        "A kernel has a height and a width.",
        lambda i, o, k: o * (i * k + 1),
        "That is one filter. How many are there?",
        lambda i, o, k: i * k**2 + 1,
        "There is one bias for each filter, not one in all.",
        lambda i, o, k: o * i * k**2 + 1,
    ),
    look="How many numbers has one filter, with its bias? How many filters are there?",
    hints=(
        "One filter has a slice of kernel x kernel weights for every channel that comes in.",
        "And one bias.",
        "There are as many filters as channels that go out.",
    ),
    why="the map's size does not count: the same weights serve every place.",
)

# ---- 01.4 ----------------------------------------------------------------------------------------

Shares = list[float | None]
RADII = torch.tensor([4.0, 4.5, 6.0, 6.0, 7.0, 9.0, 9.5, 3.0, 8.0, 15.0, 10.0, 12.0])
RIGHT = torch.tensor([1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0], dtype=torch.bool)
BINS = ([4.0, 6.0, 9.0, 10.0], [3.0, 4.0, 16.0], [10.0, 12.0, 15.0], [4.0, 5.0, 5.5, 9.0])


def accuracy_by_size(
    right: Tensor,
    radii: Tensor,
    edges: Sequence[float],
    above: Callable[[Tensor, float], Tensor] = torch.ge,
    below: Callable[[Tensor, float], Tensor] = torch.lt,
) -> Shares:
    """The share of right answers in each bin; its lower edge belongs to it, its upper does not."""
    inside = [above(radii, low) & below(radii, high) for low, high in pairwise(edges)]
    return [right[one].float().mean().item() if one.any() else None for one in inside]


def _counts(right: Tensor, radii: Tensor, edges: Sequence[float]) -> list[int]:
    bins = pairwise(edges)
    return [int((right & (radii >= low) & (radii < high)).sum()) for low, high in bins]


def _closed(right: Tensor, radii: Tensor, edges: Sequence[float]) -> Shares:
    """As a histogram does it, the last bin with its upper edge."""
    return accuracy_by_size(right, radii, [*edges[:-1], edges[-1] + 1e-3])


def _each(change: Callable[[float], Any], empty: Any = None) -> Callable[..., list[Any]]:
    """The right shares, each changed, and `empty` where there is none."""
    return lambda *args: [empty if s is None else change(s) for s in accuracy_by_size(*args)]


BY_SIZE = Exercise(
    "01.4",
    "Accuracy by size",
    solution=accuracy_by_size,
    cases=[
        Case((RIGHT, RADII, edges), f"right, radii, {edges}", "Bins may be empty, and few.")
        for edges in (*BINS, [2.5, 3.5], [6, 9])
    ],
    slips=slips(
        "You divide by all pictures; divide by those of the bin.",
        lambda right, radii, edges: [n / len(right) for n in _counts(right, radii, edges)],
        "Each bin holds all that is smaller too: it needs a lower edge.",
        lambda right, radii, edges: [right[radii < one].float().mean().item() for one in edges[1:]],
        "Those are counts of right answers. Out of how many each?",
        _counts,
        "An object that lies on an edge was counted in two bins: the lower edge belongs to a bin, "
        "the upper one to the next.",
        lambda *args: accuracy_by_size(*args, below=torch.le),
        "An object that lies on an edge went into the bin below: the lower edge belongs to a bin, "
        "the upper one does not.",
        lambda *args: accuracy_by_size(*args, above=torch.gt, below=torch.le),
        "An object that lies on an edge is in no bin: the lower edge belongs to a bin.",
        lambda *args: accuracy_by_size(*args, above=torch.gt),
        "An object on the last edge was counted. No upper edge belongs to its bin, the last one "
        "neither.",
        _closed,
        "A bin without any object has no accuracy; 0 would say that all were wrong. Give None.",
        _each(float, empty=0.0),
        "A bin without any object has no accuracy: 0 divided by 0 is nan. Give None.",
        _each(float, empty=math.nan),
        "So many lie in each bin. How many of them are right?",
        lambda right, radii, edges: _counts(right == right, radii, edges),
        "A bin in which all are wrong has the accuracy 0. None is for one without any object.",
        _each(lambda share: share or None),
        "A bin without any object was left out. It gets None, so that every bin has its place.",
        lambda *args: [share for share in accuracy_by_size(*args) if share is not None],
        "That is how many were wrong.",
        _each(lambda share: 1 - share),
        "Those are percent; give shares from 0 to 1.",
        _each(lambda share: 100 * share),
        "They are rounded. `round` is for what is shown.",
        _each(lambda share: round(share, 2)),
        _each(lambda share: round(share, 3)),
    ),
    look="For each pair of neighbouring edges: which objects lie in it, and how many of them are "
    "right?",
    hints=(
        "`zip(edges, edges[1:])` gives each bin's two edges.",
        "`inside = (radii >= low) & (radii < high)` chooses; `right[inside]` are its answers.",
        "`.float().mean().item()` is their share; `inside.any()` says whether there are any.",
    ),
    why="one number for all sizes hides who fails where.",
)

# ---- 01.5 ----------------------------------------------------------------------------------------


def _build(inputs: int, width: int, *sizes: tuple[int, int]) -> Build:
    branches = {f"{k}x{k}": [nn.Conv2d(inputs, width, k, padding=k // 2)] for k in (1, 3, 5)}
    shapes = [(2, inputs, *size) for size in sizes]
    return Build((inputs, width), f"{inputs}, {width}", branches, shapes)


SIDE_BY_SIDE = Exercise(
    "01.5",
    "Three kernels side by side",
    kind="class",
    test=same_layers(_build(3, 4, (9, 9), (6, 11)), _build(5, 2, (8, 11)), _build(2, 2, (10, 9))),
    hints=(
        "Three `nn.Conv2d`, each from `in_channels` to `width`, with kernels 1, 3 and 5.",
        "A kernel of k keeps the size with `padding=k // 2`.",
        "`torch.cat([a, b, c], dim=1)` stacks maps along the channels.",
    ),
    why="equal sizes by padding, stacked channels: three of the four branches of GoogLeNet.",
)

LAYERS = Exercise(
    "01.6",
    "How many layers it takes",
    solution=lambda kernel, pixels: -(-(pixels - 1) // (kernel - 1)),
    cases=[
        *((3, 5), (3, 22), (3, 224), (5, 224), (4, 224), (7, 31), (11, 12), (6, 3), (5, 1)),
    ],
    slips=slips(
        "Kernels were laid end to end; in a stack each reaches round the field of the one before, "
        "and one pixel of it is shared.",
        lambda k, p: math.ceil(p / k),
        "Rounded down, the last layers do not reach all of the pixels.",
        lambda k, p: (p - 1) // (k - 1),
        "Sometimes that is one too many: the value itself already sees one pixel, before any "
        "kernel widens that.",
        lambda k, p: -(-p // (k - 1)),
        "A kernel of k adds fewer than k pixels: its middle one was seen already.",
        lambda k, p: -(-(p - 1) // k),
        "A kernel reaches on both sides of its middle.",
        lambda k, p: -(-(p - 1) // ((k - 1) // 2)),
        "An even kernel has no middle: it adds an odd number of pixels, and half of an odd number "
        "is none.",
        lambda k, p: -(-(p // 2) // (k // 2)),
        "How many pixels does a value see before the first layer?",
        lambda k, p: max(1, -(-(p - 1) // (k - 1))),
        "Every kernel was taken for one of 3.",
        lambda k, p: -(-(p - 1) // 2),
        "There is no half layer: round up.",
        lambda k, p: (p - 1) / (k - 1),
        "Rounded to the nearest, the last layers may not reach all of the pixels.",
        lambda k, p: round((p - 1) / (k - 1)),
    ),
    look="How wide is the field after one layer, two, three? By how much does each widen it?",
    hints=(
        "With stride 1, a layer of kernel k widens the field by k - 1 pixels.",
        "Before the first layer a value sees 1 pixel.",
        "`a // b` rounds down; `-(-a // b)` rounds up.",
    ),
    why="without strides, fields grow slowly; that is what pools and strides are for.",
)

# ---- 01.7 ----------------------------------------------------------------------------------------


def effective_width(mass: Sequence[float], share: float = 0.9, whole: float | None = None) -> int:
    """The width of the centred window that holds `share` of `mass`, or of `whole`."""
    wanted = share * (sum(mass) if whole is None else whole) - 1e-9
    middle = len(mass) // 2
    for reach in range(middle + 1):
        if sum(mass[middle - reach : middle + reach + 1]) >= wanted:
            return 2 * reach + 1
    return len(mass)


def _cut(mass: Sequence[float], share: float = 0.9) -> int:
    middle = len(mass) // 2
    for reach in range(middle + 1):
        if sum(mass[middle - reach : middle + reach]) >= share * sum(mass):
            return 2 * reach + 1
    return len(mass)


def _first_that_hold(mass: Sequence[float], share: float = 0.9) -> int:
    """How many values from the beginning on hold `share` of the sum."""
    enough = (n for n in range(1, len(mass)) if sum(mass[:n]) >= share * sum(mass) - 1e-9)
    return next(enough, len(mass))


WIDTH = Exercise(
    "01.7",
    "How wide a blob is",
    solution=effective_width,
    cases=[
        ([0.0, 0.6, 0.6, 10.0, 0.6, 5.0, 0.0], 0.95),
        ([1.0, 4.0, 10.0, 4.0, 1.0], 0.5),
        ([0.0, 0.0, 1.0, 2.0, 6.0, 2.0, 1.0, 0.0, 0.0], 0.95),
        ([2.0, 2.0, 2.0, 2.0, 2.0], 1.0),
        ([0.1, 0.0, 0.0, 0.2, 0.3, 0.4, 0.0], 0.8),
        ([5.0], 0.9),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 0.5),
        ([1.0, 1.0, 5.0, 1.0, 1.0],),
        ([0.0, 1.0, 8.0, 1.0, 0.0],),
    ],
    slips=slips(
        "That is how far it reaches to one side; the width has two sides and the middle.",
        lambda mass, share=0.9: effective_width(mass, share) // 2,
        "The values need not add up to 1: compare with a share of their sum.",
        lambda mass, share=0.9: effective_width(mass, share, whole=1),
        "That is the width for 0.9, whatever `share` says.",
        lambda mass, share=0.9: effective_width(mass),
        "A window that holds just `share` is wide enough.",
        lambda mass, share=0.9: effective_width(mass, share + 1e-6),
        "That is the last window which holds too little.",
        lambda mass, share=0.9: max(effective_width(mass, share) - 2, 0),
        "One is missing: the value in the middle belongs to it as well.",
        lambda mass, share=0.9: effective_width(mass, share) - 1,
        "`mass[a:b]` ends before b. Does your window have its last value?",
        _cut,
        "You count values that are not small. Asked is how much of the sum lies inside.",
        lambda mass, share=0.9: sum(value >= (1 - share) * max(mass) for value in mass),
        "You begin at the rim; begin at the middle and grow to both sides.",
        _first_that_hold,
        "You take the largest values wherever they lie; the window is centred and has no gaps.",
        lambda mass, share=0.9: _first_that_hold(sorted(mass, reverse=True), share),
    ),
    look="Start with the middle value alone. Is the share reached? If not, reach one further on "
    "both sides.",
    hints=(
        "`middle = len(mass) // 2`; a window that reaches r further has 2 r + 1 values.",
        "`sum(mass[middle - r : middle + r + 1])` is what it holds.",
        "Return the first width whose sum is at least `share * sum(mass)`.",
    ),
    why="that is the dashed square of the figures, in one direction.",
)

EXERCISES = (LEVEL_EDGES, CONVOLUTION, WEIGHTS, BY_SIZE, SIDE_BY_SIDE, LAYERS, WIDTH)

PREDICTIONS = (
    Prediction(
        "01.a",
        "How many weights, without biases, has a layer of 3x3 kernels from 3 channels to 4?",
        least=0,
        most=10_000,
    ),
    Prediction(
        "01.b",
        "At equal multiply-adds, which net has the highest test accuracy?",
        choices=("only 1x1", "only 3x3", "only 5x5", "mixed", "mixed, no pool", "3x3 and pool"),
    ),
    Prediction(
        "01.c",
        "Ten layers of 3x3 have a field of 21 pixels. How many pixels wide is the square that "
        "holds 90 percent of the gradient?",
        tolerance=2,
        least=1,
        most=21,
    ),
    Prediction(
        "01.d",
        "The last module's field is 715 pixels wide. Within how many pixels lie 90 percent of the "
        "gradient?",
        tolerance=50,
        least=1,
        most=715,
    ),
)
