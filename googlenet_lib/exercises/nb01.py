"""Exercises and predictions of notebook 01, why many scales."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.exercises.comparing import counted
from googlenet_lib.exercises.exercise import Exercise, Prediction, Wrong
from googlenet_lib.exercises.tools import (
    Case,
    Slip,
    build,
    call,
    describe,
    refuse_hidden_layers,
    same_as,
)

# ---- 01.1 a kernel that answers to level edges ---------------------------------------------------


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
    if max(levels.values()) < -small:
        values, level = DOWNWARDS[0], levels[DOWNWARDS[0]]
        says = "it finds the edge, with the other sign"
    elif level < -small:
        says = (
            "there it is below 0. It must be above 0 wherever every row is brighter than the last"
        )
    else:
        says = "it is blind to the edge that you look for"
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


# ---- 01.2 a convolution by loops -----------------------------------------------------------------


def _valid(picture: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(picture[None, None], kernel[None, None])[0, 0]


def _one_less(picture: Tensor, kernel: Tensor) -> Tensor:
    return _valid(picture, kernel)[:-1, :-1]


def _means(picture: Tensor, kernel: Tensor) -> Tensor:
    return _valid(picture, kernel) / kernel.numel()


def _sums(picture: Tensor, kernel: Tensor) -> Tensor:
    return _valid(picture, torch.ones_like(kernel))


def _convolve(answer: Callable) -> None:
    draw = torch.Generator().manual_seed(1)
    cases = [
        Case((torch.randn(height, width, generator=draw), torch.randn(k, k, generator=draw)))
        for height, width, k in ((6, 6, 3), (5, 8, 3), (7, 4, 2), (4, 4, 1), (5, 5, 5))
    ]
    same_as(
        answer,
        _valid,
        cases,
        slips=(
            Slip(
                lambda p, k: _valid(p, k.flip(0, 1)),
                "You have turned the kernel round by half a turn, as mathematics does. PyTorch's "
                "convolution leaves it as it is.",
            ),
            Slip(
                lambda p, k: _valid(p, k.T),
                "Rows and columns of the kernel are exchanged.",
            ),
            Slip(_one_less, "The last window, flush with the far edge, is missing in both "
                 "directions. How many places are there along 6 pixels for 3?"),
            Slip(_sums, "That is the sum of the pixels alone; where are the weights?"),
            Slip(_means, "You divide by the number of taps; a convolution only adds."),
            Slip(
                lambda p, k: F.conv2d(p[None, None], k[None, None], padding=len(k) // 2)[0, 0],
                "Zeros have been put around the picture; here the window stays inside it.",
            ),
        ),
        look="At one place: multiply pixel by weight under the window, add, store. Then the next.",
        any_float=True,
    )  # fmt: skip


# ---- 01.3 weights --------------------------------------------------------------------------------


def _layer_weights(answer: Callable) -> None:
    cases = [Case(args) for args in ((3, 96, 11), (192, 32, 5), (64, 64, 1), (1, 1, 3))]
    same_as(
        answer,
        lambda inputs, outputs, kernel: outputs * (inputs * kernel**2 + 1),
        cases,
        slips=(
            Slip(lambda i, o, k: o * i * k**2, "Each filter has a bias too, one number."),
            Slip(
                lambda i, o, k: o * i * (k**2 + 1),
                "There is one bias for each filter, not one for each slice of it.",
            ),
            Slip(
                lambda i, o, k: o * (k**2 + 1),
                "That would be enough if a filter saw a single channel; it sees all that come in.",
            ),
            Slip(lambda i, o, k: o * (i * k + 1), "A kernel has a height and a width."),
            Slip(lambda i, o, k: i * k**2 + 1, "That is one filter. How many are there?"),
            Slip(
                lambda i, o, k: o * i * k**2 + 1,
                "There is one bias for each filter, not one in all.",
            ),
        ),
        look="How many numbers has one filter, with its bias? How many filters are there?",
    )  # fmt: skip


# ---- 01.4 accuracy by size -----------------------------------------------------------------------


def _shares(right: Tensor, radii: Tensor, edges: Sequence[float]) -> list[float | None]:
    return _within(low_in=True, high_in=False)(right, radii, edges)


def _filled(shares: Sequence[float | None]) -> list[float | None]:
    return [0.0 if share is None else share for share in shares]


def _of_all(right: Tensor, radii: Tensor, edges: Sequence[float]) -> list[float | None]:
    pairs = pairwise(edges)
    return [
        float((right & (radii >= low) & (radii < high)).sum()) / len(right) for low, high in pairs
    ]


def _up_to(right: Tensor, radii: Tensor, edges: Sequence[float]) -> list[float | None]:
    return [right[radii < high].float().mean().item() for high in edges[1:]]


def _counts(right: Tensor, radii: Tensor, edges: Sequence[float]) -> list[int]:
    pairs = pairwise(edges)
    return [int((right & (radii >= low) & (radii < high)).sum()) for low, high in pairs]


def _within(low_in: bool, high_in: bool) -> Callable:
    """The shares of bins that begin with their lower edge or behind it, and end alike."""

    def shares(right: Tensor, radii: Tensor, edges: Sequence[float]) -> list[float | None]:
        found = []
        for low, high in pairwise(edges):
            above = radii >= low if low_in else radii > low
            inside = above & (radii <= high if high_in else radii < high)
            found.append(right[inside].float().mean().item() if inside.any() else None)
        return found

    return shares


def _closed(right: Tensor, radii: Tensor, edges: Sequence[float]) -> list[float | None]:
    """As a histogram does it, the last bin with its upper edge."""
    *inner, last = edges
    return _shares(right, radii, [*inner, last + 1e-3])


def _rounded(digits: int) -> Callable:
    def shares(*args: Any) -> list[float | None]:
        return [None if one is None else round(one, digits) for one in _shares(*args)]

    return shares


def _accuracy_by_size(answer: Callable) -> None:
    radii = torch.tensor([4.0, 4.5, 6.0, 6.0, 7.0, 9.0, 9.5, 3.0, 8.0, 15.0, 10.0, 12.0])
    right = torch.tensor([1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0], dtype=torch.bool)
    bins = ([4.0, 6.0, 9.0, 10.0], [3.0, 4.0, 16.0], [10.0, 12.0, 15.0], [4.0, 5.0, 5.5, 9.0],
            [2.5, 3.5], [6, 9])  # fmt: skip
    cases = [
        Case((right, radii, edges), f"right, radii, {edges}", "Bins may be empty, and few.")
        for edges in bins
    ]
    same_as(
        answer,
        _shares,
        cases,
        slips=(
            Slip(_of_all, "You divide by all pictures; divide by those of the bin."),
            Slip(_up_to, "Each bin holds all that is smaller too: it needs a lower edge."),
            Slip(_counts, "Those are counts of right answers. Out of how many each?"),
            Slip(_within(True, True), "An object that lies on an edge was counted in two bins: the "
                 "lower edge belongs to a bin, the upper one to the next."),
            Slip(_within(False, True), "An object that lies on an edge went into the bin below: "
                 "the lower edge belongs to a bin, the upper one does not."),
            Slip(_within(False, False), "An object that lies on an edge is in no bin: the lower "
                 "edge belongs to a bin."),
            Slip(_closed, "An object on the last edge was counted. No upper edge belongs to its "
                 "bin, the last one neither."),
            Slip(lambda *args: _filled(_shares(*args)),
                 "A bin without any object has no accuracy; 0 would say that all were wrong. Give "
                 "None."),
            Slip(lambda *args: [share or None for share in _shares(*args)],
                 "A bin in which all are wrong has the accuracy 0. None is for one without any "
                 "object."),
            Slip(lambda *args: [share for share in _shares(*args) if share is not None],
                 "A bin without any object was left out. It gets None, so that every bin has its "
                 "place."),
            Slip(lambda *args: [s if s is None else 1 - s for s in _shares(*args)],
                 "That is how many were wrong."),
            Slip(lambda *args: [None if s is None else 100 * s for s in _shares(*args)],
                 "Those are percent; give shares from 0 to 1."),
            Slip(_rounded(2), "They are rounded. `round` is for what is shown."),
            Slip(_rounded(3), "They are rounded. `round` is for what is shown."),
        ),
        look="For each pair of neighbouring edges: which objects lie in it, and how many of them "
        "are right?",
    )  # fmt: skip


# ---- 01.5 three kernels side by side -------------------------------------------------------------


KERNELS = (1, 3, 5)


def _side_by_side(answer: type) -> None:
    for inputs, width, height, across in ((3, 4, 9, 9), (5, 2, 8, 11), (2, 2, 10, 9)):
        block = build(answer, inputs, width)
        refuse_hidden_layers(block)
        x = torch.randn(2, inputs, height, across)
        result = call(block, x)
        _look_at_maps(result, x, width)
        _look_at_layers(block, f"{answer.__name__}({inputs}, {width})", inputs)
        if result.min() >= 0:
            raise Wrong("a ReLU came into it; this block has none, its outputs may be negative")
        _keep_from_zero(block)
        _look_at_windows(block, inputs, width)
        _look_at_values(block, x)
        _look_at_weights(block, inputs, width)


def _look_at_maps(result: Any, x: Tensor, width: int) -> None:
    shape = (len(x), 3 * width, *x.shape[2:])
    if not isinstance(result, Tensor):
        raise Wrong(f"forward returned {describe(result)}; expected is one tensor")
    if tuple(result.shape) != shape:
        raise Wrong(
            f"{tuple(x.shape)} came out as {tuple(result.shape)}, where {shape} is expected: "
            "each kernel reads the block's input and gives `width` channels, and the maps keep "
            "their size"
        )


def _look_at_layers(block: nn.Module, made: str, inputs: int) -> None:
    """What the layers themselves tell, where they are nn.Conv2d."""
    convs = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]
    reads = [conv.in_channels for conv in convs if conv.in_channels != inputs]
    if reads:
        raise Wrong(
            f"{made} has a convolution that reads {counted(reads[0], 'channel')}, where {inputs} "
            "come in: each kernel reads the block's input, none reads what another gives"
        )
    kernels = sorted(conv.kernel_size for conv in convs)
    if convs and kernels != [(kernel, kernel) for kernel in KERNELS]:
        told = ", ".join(f"{high}x{wide}" for high, wide in kernels)
        raise Wrong(
            f"{made} holds convolutions with kernels {told}; expected are three: 1x1, 3x3 and 5x5"
        )


@torch.no_grad()
def _keep_from_zero(block: nn.Module) -> None:
    """Weights so far from 0 that none can be overlooked."""
    for parameter in block.parameters():
        parameter.add_(torch.where(parameter < 0, -0.1, 0.1))


def _look_at_windows(block: nn.Module, inputs: int, width: int) -> None:
    """Each channel must see as many pixels as its kernel has, of each channel that comes in."""
    seen = (_taps(block, inputs) != 0).sum((2, 3))  # (3 * width, inputs)
    found = [group.unique().tolist() for group in seen.split(width)]
    expected = [[kernel**2] for kernel in KERNELS]
    if found == expected:
        return
    if sorted(found) == expected:
        raise Wrong("the three maps are there, in another order: 1x1, 3x3, 5x5 is asked for")
    told = "; ".join(" or ".join(map(str, counts)) for counts in found)
    raise Wrong(
        f"how many pixels the first {width} channels see, the next and the last: {told}. With a "
        "1x1, a 3x3 and a 5x5 over the same input they see 1, 9 and 25"
    )


def _look_at_values(block: nn.Module, x: Tensor) -> None:
    """With its own weights, three convolutions padded with zeros must give the same."""
    result = block(x)
    bias = block(torch.zeros_like(x))[0, :, 4, 4]
    expected = F.conv2d(x, _taps(block, x.shape[1]), bias, padding=2)
    wrong = (result - expected).abs() > 1e-3
    if wrong[..., 2:-2, 2:-2].any():
        raise Wrong(
            "it is no sum of weights times pixels: something else than three convolutions is in it"
        )
    if wrong.any():
        raise Wrong("its values are right but for the rim: there, the padding is no frame of zeros")
    if not torch.allclose(block.eval()(x), result, atol=1e-4):
        raise Wrong("in evaluation mode it gives something else; convolutions do not")


def _look_at_weights(block: nn.Module, inputs: int, width: int) -> None:
    numbers = sum(parameter.numel() for parameter in block.parameters())
    biases = numbers - sum(kernel**2 for kernel in KERNELS) * inputs * width
    if biases not in range(0, 3 * width + 1, width):
        raise Wrong(
            f"for {inputs} channels in and a width of {width} it has {numbers:,} parameters, which "
            "are not those of a 1x1, a 3x3 and a 5x5"
        )


@torch.no_grad()
def _taps(block: nn.Module, inputs: int) -> Tensor:
    """The weights that lead from 9 x 9 pixels to the one in the middle, by trying each pixel."""
    bright = torch.eye(inputs * 81).reshape(-1, inputs, 9, 9)
    answers = block(bright)[..., 4, 4] - block(torch.zeros(1, inputs, 9, 9))[..., 4, 4]
    taps = answers.T.reshape(-1, inputs, 9, 9)
    return torch.where(taps.abs() > 1e-3, taps, 0)[..., 2:7, 2:7]


# ---- 01.6 how many layers ------------------------------------------------------------------------


def _layers_needed(answer: Callable) -> None:
    cases = [
        Case(args)
        for args in (
            (3, 5),
            (3, 22),
            (3, 224),
            (5, 224),
            (4, 224),
            (7, 31),
            (11, 12),
            (6, 3),
            (5, 1),
        )
    ]
    same_as(
        answer,
        lambda kernel, pixels: -(-(pixels - 1) // (kernel - 1)),
        cases,
        slips=(
            Slip(
                lambda k, p: math.ceil(p / k),
                "Kernels were laid end to end; in a stack each reaches round the field of the one "
                "before, and one pixel of it is shared.",
            ),
            Slip(
                lambda k, p: (p - 1) // (k - 1),
                "Rounded down, the last layers do not reach all of the pixels.",
            ),
            Slip(
                lambda k, p: -(-p // (k - 1)),
                "Sometimes that is one too many: the value itself already sees one pixel, before "
                "any kernel widens that.",
            ),
            Slip(
                lambda k, p: -(-(p - 1) // k),
                "A kernel of k adds fewer than k pixels: its middle one was seen already.",
            ),
            Slip(
                lambda k, p: -(-(p - 1) // ((k - 1) // 2)),
                "A kernel reaches on both sides of its middle.",
            ),
            Slip(
                lambda k, p: -(-(p // 2) // (k // 2)),
                "An even kernel has no middle: it adds an odd number of pixels, and half of an odd "
                "number is none.",
            ),
            Slip(
                lambda k, p: (p - 1) / (k - 1),
                "There is no half layer: round up.",
            ),
            Slip(
                lambda k, p: round((p - 1) / (k - 1)),
                "Rounded to the nearest, the last layers may not reach all of the pixels.",
            ),
        ),
        look="How wide is the field behind one layer, two, three? By how much does each widen it?",
    )


# ---- 01.7 the width of a blob --------------------------------------------------------------------


def _width(mass: Sequence[float], share: float = 0.9) -> int:
    middle = len(mass) // 2
    for reach in range(middle + 1):
        if sum(mass[middle - reach : middle + reach + 1]) >= share * sum(mass) - 1e-9:
            return 2 * reach + 1
    return len(mass)


def _half_width(mass: Sequence[float], share: float = 0.9) -> int:
    return _width(mass, share) // 2


def _above_tenth(mass: Sequence[float], share: float = 0.9) -> int:
    return sum(value >= (1 - share) * max(mass) for value in mass)


def _unscaled(mass: Sequence[float], share: float = 0.9) -> int:
    middle = len(mass) // 2
    for reach in range(middle + 1):
        if sum(mass[middle - reach : middle + reach + 1]) >= share:
            return 2 * reach + 1
    return len(mass)


def _beyond(mass: Sequence[float], share: float = 0.9) -> int:
    return _width(mass, math.nextafter(share, 1) + 1e-6)


def _last_before(mass: Sequence[float], share: float = 0.9) -> int:
    return max(_width(mass, share) - 2, 0)


def _one_sided(mass: Sequence[float], share: float = 0.9) -> int:
    for count in range(1, len(mass) + 1):
        if sum(mass[:count]) >= share * sum(mass) - 1e-9:
            return count
    return len(mass)


def _fewest(mass: Sequence[float], share: float = 0.9) -> int:
    held = 0.0
    for count, value in enumerate(sorted(mass, reverse=True), start=1):
        held += value
        if held >= share * sum(mass) - 1e-9:
            return count
    return len(mass)


def _effective_width(answer: Callable) -> None:
    cases = [
        Case(args)
        for args in (
            ([0.0, 0.6, 0.6, 10.0, 0.6, 5.0, 0.0], 0.95),
            ([1.0, 4.0, 10.0, 4.0, 1.0], 0.5),
            ([0.0, 0.0, 1.0, 2.0, 6.0, 2.0, 1.0, 0.0, 0.0], 0.95),
            ([2.0, 2.0, 2.0, 2.0, 2.0], 1.0),
            ([0.1, 0.0, 0.0, 0.2, 0.3, 0.4, 0.0], 0.8),
            ([5.0], 0.9),
            ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 0.5),
            ([1.0, 1.0, 5.0, 1.0, 1.0],),
            ([0.0, 1.0, 8.0, 1.0, 0.0],),
        )
    ]
    same_as(
        answer,
        _width,
        cases,
        slips=(
            Slip(_half_width, "That is how far it reaches to one side; the width has two sides and "
                 "the middle."),
            Slip(_unscaled, "The values need not add up to 1: compare with a share of their sum."),
            Slip(lambda mass, share=0.9: _width(mass), "That is the width for 0.9, whatever "
                 "`share` says."),
            Slip(_beyond, "A window that holds just `share` is wide enough."),
            Slip(_last_before, "That is the last window which holds too little."),
            Slip(_above_tenth, "You count values that are not small. Asked is how much of the sum "
                 "lies inside."),
            Slip(_one_sided, "You begin at the rim; begin at the middle and grow to both sides."),
            Slip(_fewest, "You take the largest values wherever they lie; the window is centred "
                 "and has no gaps."),
        ),
        look="Start with the middle value alone. Is the share reached? If not, reach one further "
        "on both sides.",
    )  # fmt: skip


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "01.1",
        "A kernel for level edges",
        _level_edges,
        hints=(
            "The kernel of the figure finds upright edges. What has to be turned?",
            "Where every pixel is equal the answer must be 0: the weights add up to 0.",
            "Brighter downwards: the last row counts for it, the first against it, and all columns "
            "do the same.",
        ),
        why="a kernel is a small picture of what it looks for.",
        kind="value",
    ),
    Exercise(
        "01.2",
        "A convolution by loops",
        _convolve,
        hints=(
            "How often does a window of k pixels fit along `size` pixels? size - k + 1 times.",
            "`picture[row : row + k, column : column + k]` is what lies under the window.",
            "Make `torch.empty(rows, columns)`, and put `(window * kernel).sum()` at each place.",
        ),
        why="that is all that nn.Conv2d computes on one channel; it only is faster.",
    ),
    Exercise(
        "01.3",
        "What a layer has to learn",
        _layer_weights,
        hints=(
            "One filter has a slice of kernel x kernel weights for every channel that comes in.",
            "And one bias.",
            "There are as many filters as channels that go out.",
        ),
        why="the map's size does not count: the same weights serve every place.",
    ),
    Exercise(
        "01.4",
        "Accuracy by size",
        _accuracy_by_size,
        hints=(
            "`zip(edges, edges[1:])` gives each bin's two edges.",
            "`inside = (radii >= low) & (radii < high)` chooses; `right[inside]` are its answers.",
            "`.float().mean().item()` is their share; `inside.any()` says whether there are any.",
        ),
        why="one number for all sizes hides who fails where.",
    ),
    Exercise(
        "01.5",
        "Three kernels side by side",
        _side_by_side,
        hints=(
            "Three `nn.Conv2d`, each from `in_channels` to `width`, with kernels 1, 3 and 5.",
            "A kernel of k keeps the size with `padding=k // 2`.",
            "`torch.cat([a, b, c], dim=1)` stacks maps along the channels.",
        ),
        why="equal sizes by padding, stacked channels: three of the four lanes of GoogLeNet.",
        kind="class",
    ),
    Exercise(
        "01.6",
        "How many layers it takes",
        _layers_needed,
        hints=(
            "With stride 1, a layer of kernel k widens the field by k - 1 pixels.",
            "Before the first layer a value sees 1 pixel.",
            "`a // b` rounds down; `-(-a // b)` rounds up.",
        ),
        why="without strides, fields grow slowly; that is what pools and strides are for.",
    ),
    Exercise(
        "01.7",
        "How wide a blob is",
        _effective_width,
        hints=(
            "`middle = len(mass) // 2`; a window that reaches r further has 2 r + 1 values.",
            "`sum(mass[middle - r : middle + r + 1])` is what it holds.",
            "Return the first width whose sum is at least `share * sum(mass)`.",
        ),
        why="that is the dashed square of the figures, in one direction.",
    ),
)

PREDICTIONS: tuple[Prediction, ...] = (
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
