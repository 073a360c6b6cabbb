"""Ten textured shapes, drawn on the fly in any size: data that needs no download.

Each shape is a signed distance in units of its radius, negative inside; so that one drawing
routine serves all shapes, all sizes and soft edges.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from googlenet_lib.errors import UsageError

Distance = Callable[[Tensor, Tensor], Tensor]


def _circle(u: Tensor, v: Tensor) -> Tensor:
    return torch.hypot(u, v) - 1.0


def _ring(u: Tensor, v: Tensor) -> Tensor:
    return (torch.hypot(u, v) - 0.75).abs() - 0.25


def _square(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) - 0.85


def _frame(u: Tensor, v: Tensor) -> Tensor:
    return (torch.maximum(u.abs(), v.abs()) - 0.65).abs() - 0.2


def _triangle(u: Tensor, v: Tensor) -> Tensor:
    slope = math.sqrt(3) / 2 * u.abs() - 0.5 * v
    return torch.maximum(slope, v) - 0.5


def _diamond(u: Tensor, v: Tensor) -> Tensor:
    return 0.5 * (u.abs() / 0.6 + v.abs() - 1.0)


def _plus(u: Tensor, v: Tensor) -> Tensor:
    upright = torch.maximum(u.abs() - 0.3, v.abs() - 1.0)
    level = torch.maximum(v.abs() - 0.3, u.abs() - 1.0)
    return torch.minimum(upright, level)


def _star(u: Tensor, v: Tensor) -> Tensor:
    fifth = 2 * math.pi / 5
    angle = torch.remainder(torch.atan2(u, -v), fifth)
    towards_notch = torch.minimum(angle, fifth - angle) / (fifth / 2)  # 0 at a tip, 1 between
    return 0.6 * (torch.hypot(u, v) - (1.0 - 0.6 * towards_notch))


def _crescent(u: Tensor, v: Tensor) -> Tensor:
    bite = torch.hypot(u - 0.5, v) - 0.8
    return torch.maximum(_circle(u, v), -bite)


def _hourglass(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(0.75 * (u.abs() - 0.9 * v.abs() - 0.05), v.abs() - 0.9)


DISTANCES: dict[str, Distance] = {
    "circle": _circle,
    "ring": _ring,
    "square": _square,
    "frame": _frame,
    "triangle": _triangle,
    "diamond": _diamond,
    "plus": _plus,
    "star": _star,
    "crescent": _crescent,
    "hourglass": _hourglass,
}
SHAPES: tuple[str, ...] = tuple(DISTANCES)
REACH = 1.1  # the corners of the widest shape, tilted, lie this many radii from its centre


def draw_shapes(
    labels: Tensor,
    radii: Tensor,
    *,
    size: int = 32,
    centres: Tensor | None = None,
    seed: int = 0,
) -> Tensor:
    """Draw one shape a picture: uint8 (N, 3, size, size).

    `labels` are int64 (N,), positions in `SHAPES`; `radii` are in pixels (N,). `centres` (N, 2)
    holds column and row in pixels; without it each shape lies at random, wholly inside. Colours,
    stripes, tilt and noise are drawn from `seed`, whatever the radii: the same seed with another
    radius is the same object, larger or smaller. Raises UsageError for labels and radii out of
    range.
    """
    count = len(labels)
    if radii.shape != labels.shape or not bool(((radii > 0) & (radii <= size / 2)).all()):
        raise UsageError(
            f"radii came with shape {tuple(radii.shape)}, from {float(radii.min()):g} to "
            f"{float(radii.max()):g}; expected {count} values above 0, up to {size / 2:g} pixels"
        )
    if count and not 0 <= int(labels.min()) <= int(labels.max()) < len(SHAPES):
        raise UsageError(f"labels must lie in 0 to {len(SHAPES) - 1}, one for each of {SHAPES}")
    draw = torch.Generator().manual_seed(seed)
    place, tilt, phase, period, stripe_angle = torch.rand(5, 2, count, generator=draw)
    colours = torch.rand(count, 2, 3, 1, 1, generator=draw)  # of object and ground
    noise = torch.randn(count, 3, size, size, generator=draw)

    margin = (REACH * radii).clamp(max=size / 2)
    if centres is None:
        centres = (margin + place * (size - 2 * margin)).T  # (N, 2)
    grid = torch.arange(size, dtype=torch.float32) + 0.5
    x = grid.view(1, 1, size) - centres[:, 0].view(-1, 1, 1)  # (N, 1, size)
    y = grid.view(1, size, 1) - centres[:, 1].view(-1, 1, 1)  # (N, size, 1)
    angle = ((tilt[0] - 0.5) * math.radians(30)).view(-1, 1, 1)
    radius = radii.view(-1, 1, 1)
    u = (x * angle.cos() - y * angle.sin()) / radius  # (N, size, size)
    v = (x * angle.sin() + y * angle.cos()) / radius

    distance = torch.empty(count, size, size)
    for label, name in enumerate(SHAPES):
        members = labels == label
        distance[members] = DISTANCES[name](u[members], v[members])
    coverage = (0.5 - distance * radius).clamp(0, 1).unsqueeze(1)  # (N, 1, size, size)

    direction = (stripe_angle[0] * math.pi).view(-1, 1, 1)
    wavelength = (3 + 5 * period[0]).view(-1, 1, 1)  # pixels
    along = (x * direction.cos() + y * direction.sin()) / wavelength + phase[0].view(-1, 1, 1)
    stripes = 0.15 * torch.sin(2 * math.pi * along).unsqueeze(1)  # (N, 1, size, size)

    # object and ground differ in brightness by half the range at the least
    brighter = (tilt[1] < 0.5).view(-1, 1, 1, 1)
    light = 0.65 + 0.35 * colours[:, 0]
    dark = 0.35 * colours[:, 1]
    thing = torch.where(brighter, light, dark) + stripes
    ground = torch.where(brighter, dark, light)
    pictures = ground + (thing - ground) * coverage + 0.04 * noise
    return (pictures.clamp(0, 1) * 255).round().to(torch.uint8)  # (N, 3, size, size)


def draw_random_shapes(
    count: int, *, size: int = 32, factor: float = 3.0, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw shapes of every kind, their radii spread over a `factor`: (pictures, labels, radii).

    Pictures are uint8 (count, 3, size, size), radii in pixels (count,). The largest reach across
    0.9 of the picture; the smallest are `factor` times smaller.
    """
    if factor < 1 or size < 8:
        raise UsageError(f"factor {factor} and size {size} came; expected at least 1 and 8")
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(len(SHAPES), (count,), generator=draw)
    largest = 0.45 * size
    radii = largest / factor ** torch.rand(count, generator=draw)
    # drawn some at a time: the distances take fifty times the memory of the finished pictures
    seeds = torch.randint(2**31, (count,), generator=draw)
    parts = [
        draw_shapes(labels[part], radii[part], size=size, seed=int(seeds[part[0]]))
        for part in torch.arange(count).split(500)
    ]
    return torch.cat(parts), labels, radii
