"""Exercises and predictions of lesson 01, why many scales, and of its two deep dives."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from googlenet_lib.course.kit.comparing import describe
from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, Wrong, slips

# ---- 01.1 ----------------------------------------------------------------------------------------

DOWNWARDS = ((1, 2, 6), (1, 5, 6), (1, 2, 99), (1, 98, 99))  # brightness of the three rows


def _horizontal_edges(answer: Any) -> None:
    kernel = _kernel_of(answer)
    small = 1e-5 * kernel.abs().max().clamp(min=1e-30).item()

    def output(rows: Tensor) -> float:
        return float((kernel * rows).sum())

    flat = output(torch.full((3, 3), 5.0))
    if abs(flat) > small:
        raise Wrong(
            f"where all nine pixels are 5, your kernel gives {flat:g}. Where nothing changes there "
            "is no edge: what must the nine weights add up to?"
        )
    for columns, side in (((1.0, 2.0, 6.0), "right"), ((6.0, 2.0, 1.0), "left")):
        vertical = output(torch.tensor([columns] * 3))
        if abs(vertical) > small:
            told = ", ".join(f"{value:g}" for value in columns)
            raise Wrong(
                f"rows of {told} get brighter to the {side} and your kernel gives {vertical:g}: "
                "it sees vertical edges too. Each column on its own must not count"
            )
    levels = {values: output(torch.tensor([values] * 3).T) for values in DOWNWARDS}
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
    raise Wrong(f"columns of {told} get brighter downwards and your kernel gives {level:g}: {says}")


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


HORIZONTAL_EDGES = Exercise(
    "01.1",
    "A kernel for horizontal edges",
    kind="value",
    test=_horizontal_edges,
    hints=(
        "The kernel of the figure finds vertical edges. What has to be turned?",
        "Where every pixel is equal the output must be 0: the weights add up to 0.",
        "Brighter downwards: the last row counts for it, the first row against it, and all three "
        "columns do the same.",
    ),
    why="a kernel is a small picture of what it looks for.",
)

# ---- 01.2 ----------------------------------------------------------------------------------------


def convolve(image: Tensor, kernel: Tensor, padding: int = 0) -> Tensor:
    """Convolve one channel (H, W) with a kernel (k, k)."""
    return F.conv2d(image[None, None], kernel[None, None], padding=padding)[0, 0]


def _images_and_kernels() -> list[tuple[Tensor, Tensor]]:
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
    cases=_images_and_kernels(),
    any_float=True,
    slips=slips(
        "You have turned the kernel by half a turn, as mathematics does. PyTorch's convolution "
        "leaves it as it is.",
        lambda image, kernel: convolve(image, kernel.flip(0, 1)),
        "Rows and columns of the kernel are exchanged.",
        lambda image, kernel: convolve(image, kernel.T),
        "The last position, at the far border, is missing in both directions. How many positions "
        "are there along 6 pixels for a kernel of 3?",
        lambda image, kernel: convolve(image, kernel)[:-1, :-1],
        "That is the sum of the pixels alone; where are the weights?",
        lambda image, kernel: convolve(image, torch.ones_like(kernel)),
        "Zeros have been put around the image; here the kernel stays inside it.",
        lambda image, kernel: convolve(image, kernel, padding=len(kernel) // 2),
    ),
    look="At one position: multiply each pixel by its weight, add, store. Then go to the next.",
    hints=(
        "At how many positions does a kernel of k pixels fit along `size` pixels? size - k + 1.",
        "`image[row : row + k, column : column + k]` are the pixels under the kernel.",
        "Make `torch.empty(rows, columns)`, and put `(pixels * kernel).sum()` at each position.",
    ),
    why="that is all that nn.Conv2d computes on one channel; it is only faster.",
)

# ---- 01.3 ----------------------------------------------------------------------------------------

LAYERS = Exercise(
    "01.3",
    "How many layers it takes",
    solution=lambda kernel, pixels: -(-(pixels - 1) // (kernel - 1)),
    cases=[(3, 5), (3, 22), (3, 224), (5, 224), (4, 224), (7, 31), (11, 12), (6, 3), (5, 1)],
    slips=slips(
        "Kernels were laid end to end. But each layer only adds the pixels around the field that "
        "was there before.",
        lambda k, p: math.ceil(p / k),
        "Rounded down, the last layers do not reach all of the pixels.",
        lambda k, p: (p - 1) // (k - 1),
        "Sometimes that is one too many: before any layer, the field already has one pixel.",
        lambda k, p: -(-p // (k - 1)),
        "A kernel of k adds fewer than k pixels: its middle one was seen already.",
        lambda k, p: -(-(p - 1) // k),
        "A kernel reaches to both sides of its middle.",
        lambda k, p: -(-(p - 1) // ((k - 1) // 2)),
        "Every kernel was taken for one of 3.",
        lambda k, p: -(-(p - 1) // 2),
        "For pixels=1 no layer is needed: before any layer, the field already has one pixel.",
        lambda k, p: max(1, -(-(p - 1) // (k - 1))),
        "There is no half layer: round up.",
        lambda k, p: (p - 1) / (k - 1),
    ),
    look="How wide is the field after one layer, two, three? By how much does each widen it?",
    hints=(
        "With stride 1, a layer with a kernel of k widens the field by k - 1 pixels.",
        "Before the first layer the field is 1 pixel.",
        "Add layers in a loop until the field is wide enough, and count them.",
    ),
    why="without strides, fields grow slowly; that is one reason for pools and strides.",
)

# ---- 01.4, in the dive on fair comparisons -------------------------------------------------------

SMALLEST_P = Exercise(
    "01.4",
    "The smallest p that you can get",
    solution=lambda first, second: 1 / math.comb(first + second, first) * (1 + (first == second)),
    cases=[(5, 5), (3, 3), (2, 2), (4, 4), (3, 5), (5, 3), (2, 6), (7, 7), (1, 1), (1, 4)],
    slips=slips(
        "With groups of equal size, swapping the two groups gives the same difference with the "
        "other sign. Two divisions are as extreme, not one.",
        lambda a, b: 1 / math.comb(a + b, a),
        "With groups of unequal size, only the observed division itself is sure to be as extreme. "
        "Its mirror image would need groups of the other sizes.",
        lambda a, b: 2 / math.comb(a + b, a),
        "You count orders. The order inside a group changes nothing.",
        lambda a, b: (1 + (a == b)) / math.factorial(a + b),
        "You let every value choose its group freely; but the sizes of the groups stay.",
        lambda a, b: (1 + (a == b)) / 2 ** (a + b),
        "That is how many divisions there are. What share of them is the most extreme?",
        lambda a, b: math.comb(a + b, a),
    ),
    look="In how many ways can the values be divided into two groups of these sizes? How many of "
    "these ways are as extreme as complete separation?",
    hints=(
        "`math.comb(n, k)` counts the ways to choose k of n.",
        "The best case: all values of one group lie above all values of the other.",
        "If both groups have the same size, the division with the groups swapped is as extreme.",
    ),
    why="three seeds against three can never get below 0.05, however clear the result is.",
)

# ---- 01.5 ----------------------------------------------------------------------------------------

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
    """Return the share of True in each bin; its lower edge belongs to it, its upper does not."""
    inside = [above(radii, low) & below(radii, high) for low, high in pairwise(edges)]
    return [right[one].float().mean().item() if one.any() else None for one in inside]


def _counts(right: Tensor, radii: Tensor, edges: Sequence[float]) -> list[int]:
    bins = pairwise(edges)
    return [int((right & (radii >= low) & (radii < high)).sum()) for low, high in bins]


def _each(change: Callable[[float], Any], empty: Any = None) -> Callable[..., list[Any]]:
    """Return the right shares, each changed, and `empty` where there is none."""
    return lambda *args: [empty if s is None else change(s) for s in accuracy_by_size(*args)]


BY_SIZE = Exercise(
    "01.5",
    "Accuracy by size",
    solution=accuracy_by_size,
    cases=[
        Case((RIGHT, RADII, edges), f"right, radii, {edges}", "Bins may be empty, and few.")
        for edges in (*BINS, [2.5, 3.5], [6, 9])
    ],
    slips=slips(
        "You divide by all objects; divide by those in the bin.",
        lambda right, radii, edges: [n / len(right) for n in _counts(right, radii, edges)],
        "Those are counts of right answers. Out of how many each?",
        _counts,
        "An object that lies on an edge was counted in two bins: the lower edge belongs to a bin, "
        "the upper one to the next.",
        lambda *args: accuracy_by_size(*args, below=torch.le),
        "An object that lies on an edge is in the bin below: the lower edge belongs to a bin, "
        "the upper one does not.",
        lambda *args: accuracy_by_size(*args, above=torch.gt, below=torch.le),
        "A bin without any object has no accuracy; 0 would say that all were wrong. Give None.",
        _each(float, empty=0.0),
        "A bin without any object has no accuracy: 0 divided by 0 is nan. Give None.",
        _each(float, empty=math.nan),
        "A bin in which all are wrong has the accuracy 0. None is for one without any object.",
        _each(lambda share: share or None),
    ),
    look="For each pair of neighbouring edges: which objects lie in it, and how many of them are "
    "right?",
    hints=(
        "`zip(edges, edges[1:])` gives each bin's two edges.",
        "`inside = (radii >= low) & (radii < high)` chooses; `right[inside]` are its objects.",
        "`.float().mean().item()` is their share; `inside.any()` tells whether there are any.",
    ),
    why="one number for all sizes hides who fails where.",
)

# ---- 01.6, in the dive on receptive fields -------------------------------------------------------


def effective_width(mass: Sequence[float], share: float = 0.9, whole: float | None = None) -> int:
    """Return the width of the centred window that holds `share` of `mass`, or of `whole`."""
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
    """Count how many values from the beginning on hold `share` of the sum."""
    enough = (n for n in range(1, len(mass)) if sum(mass[:n]) >= share * sum(mass) - 1e-9)
    return next(enough, len(mass))


WIDTH = Exercise(
    "01.6",
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
        "One is missing: the value in the middle belongs to it as well.",
        lambda mass, share=0.9: effective_width(mass, share) - 1,
        "`mass[a:b]` ends before b. Is the last value of your window in it?",
        _cut,
        "You begin at the border; begin in the middle and grow to both sides.",
        _first_that_hold,
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

EXERCISES = (HORIZONTAL_EDGES, CONVOLUTION, LAYERS, SMALLEST_P, BY_SIZE, WIDTH)

PREDICTIONS = (
    Prediction(
        "01.a",
        "How many weights, without biases, has a layer of four 3x3 filters over three channels?",
        least=0,
        most=10_000,
    ),
    Prediction(
        "01.b",
        "Four branches of equal width against one 3x3 convolution with as many channels: how many "
        "times as many multiply-adds?",
        tolerance=0.05,
        least=0,
        most=100,
    ),
    Prediction(
        "01.c",
        "At equal multiply-adds, which network has the highest test accuracy?",
        choices=("only 1x1", "only 3x3", "only 5x5", "mixed", "mixed, no pool", "3x3 and pool"),
    ),
    Prediction(
        "01.d",
        "Ten layers of 3x3 have a field of 21 pixels. How many pixels wide is the square that "
        "holds 90 percent of the gradient?",
        tolerance=2,
        least=1,
        most=21,
    ),
    Prediction(
        "01.e",
        "The last module's field is 715 pixels wide. How many pixels wide is the square that holds "
        "90 percent of the gradient?",
        tolerance=50,
        least=1,
        most=715,
    ),
)
