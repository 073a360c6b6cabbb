"""What may happen to a training picture: a whole batch at once, every picture by its own draw."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from googlenet_lib.device import copy_to
from googlenet_lib.errors import UsageError

Draws = dict[str, Tensor]  # for each kind of change, a row a picture

GREY = (0.299, 0.587, 0.114)  # what red, green and blue weigh in a picture's brightness
RATIOS = (3 / 4, 4 / 3)  # width over height of a crop: section 6 of the paper


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training pictures. Source of crops and colours: section 6 of the paper.

    The paper says that crops keep 8% to 100% of the area and that colours are distorted after
    Howard (2013); how strongly, it doesn't say.
    """

    flip: bool = False  # mirror half of the pictures
    shift: int = 0  # pixels, in either direction, the border mirrored
    crop: float = 1.0  # the least share of the area that a crop keeps; 1 crops nothing
    colour: float = 0.0  # brightness, contrast and saturation, each times 1 - colour to 1 + colour

    def draw(self, count: int, generator: torch.Generator) -> Draws:
        """Decide what happens to `count` pictures; `generator` is a CPU one."""
        draws = {}
        if self.crop < 1:
            area = torch.empty(count).uniform_(self.crop, 1, generator=generator)
            low, high = (math.log(ratio) for ratio in RATIOS)
            ratio = torch.empty(count).uniform_(low, high, generator=generator).exp()
            size = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], 1).clamp(max=1)
            corner = torch.rand(count, 2, generator=generator) * (1 - size)
            draws["box"] = torch.cat([corner, size], 1)  # top, left, height, width: shares of 1
        if self.colour:
            low, high = 1 - self.colour, 1 + self.colour
            draws["colour"] = torch.empty(count, 3).uniform_(low, high, generator=generator)
        if self.shift:
            offsets = torch.randint(-self.shift, self.shift + 1, (2, count), generator=generator)
            draws["offset"] = offsets.T  # down, right: pixels
        if self.flip:
            draws["mirror"] = torch.rand(count, generator=generator) < 0.5
        return draws

    def __call__(self, images: Tensor, draws: Draws) -> Tensor:
        """Change (N, 3, H, W) of 0 to 255 as drawn; crops and colours give float32."""
        height, width = images.shape[2:]
        if self.shift >= min(height, width):
            raise UsageError(
                f"a shift of {self.shift} pixels came for pictures of {height}x{width}"
            )
        draws = {name: copy_to(values, images.device) for name, values in draws.items()}
        if "box" in draws:
            images = crop(images, draws["box"])
        if "colour" in draws:
            images = change_colours(images, draws["colour"])
        if "offset" in draws:
            images = shift(images, draws["offset"])
        if "mirror" in draws:
            images = torch.where(draws["mirror"].view(-1, 1, 1, 1), images.flip(3), images)
        return images


def crop(images: Tensor, boxes: Tensor) -> Tensor:
    """Cut a box out of each picture of (N, C, H, W) and bring it back to H x W, bilinearly.

    `boxes` holds (N, 4) top, left, height and width as shares of the picture.
    """
    top, left, height, width = boxes.unbind(1)
    # affine_grid counts from -1 to 1: a box of size s around the centre c spans 2c - 1 -+ s
    theta = torch.zeros(len(images), 2, 3, device=images.device)
    theta[:, 0, 0], theta[:, 0, 2] = width, 2 * (left + width / 2) - 1
    theta[:, 1, 1], theta[:, 1, 2] = height, 2 * (top + height / 2) - 1
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)  # (N, H, W, 2)
    # at the middle of the outermost pixel everything beyond it is that pixel. grid_sample's
    # padding_mode="border" does the same, but not on Apple's GPUs before torch 2.13
    for axis, side in enumerate(images.shape[:1:-1]):  # across, down
        grid[..., axis].clamp_(1 / side - 1, 1 - 1 / side)
    return F.grid_sample(images.float(), grid, align_corners=False)


def change_colours(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply brightness, contrast and saturation of (N, 3, H, W) by (N, 3), in this order."""
    brightness, contrast, saturation = (f.view(-1, 1, 1, 1) for f in factors.unbind(1))
    weights = torch.tensor(GREY, device=images.device).view(1, 3, 1, 1)

    def grey(pictures: Tensor) -> Tensor:
        return (pictures * weights).sum(1, keepdim=True)  # (N, 1, H, W)

    images = (images.float() * brightness).clamp(0, 255)
    images = torch.lerp(grey(images).mean((2, 3), keepdim=True), images, contrast).clamp(0, 255)
    return torch.lerp(grey(images), images, saturation).clamp(0, 255)


def shift(images: Tensor, offsets: Tensor) -> Tensor:
    """Move each picture of (N, C, H, W) by its own (N, 2) pixels, mirroring the border."""
    count, channels, height, width = images.shape
    down, right = offsets.unsqueeze(2).unbind(1)  # (N, 1) each
    rows = _reflect(torch.arange(height, device=images.device) + down, height)  # (N, H)
    columns = _reflect(torch.arange(width, device=images.device) + right, width)  # (N, W)
    picture = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(channels, device=images.device).view(1, -1, 1, 1)
    return images[picture, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _reflect(index: Tensor, length: int) -> Tensor:
    """Reflect indices beyond either end at the outermost pixel."""
    return (length - 1) - ((length - 1) - index.abs()).abs()
