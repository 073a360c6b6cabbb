"""One picture in, its most probable labels out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from googlenet_lib.data.folders import open_picture, upright
from googlenet_lib.errors import UsageError
from googlenet_lib.model import GoogLeNet
from googlenet_lib.weights import (
    WeightsInfo,
    googlenet,
    imagenet_info,
    read_weights,
    trained_network,
)

Picture = str | Path | Image.Image | Tensor


@dataclass(frozen=True)
class Prediction:
    """One class and the probability, of 0 to 1, that the network gives it."""

    label: str
    probability: float


def load_network(weights: str | Path) -> tuple[GoogLeNet, WeightsInfo]:
    """A trained network in evaluation mode and what its weights expect: "imagenet" or a file."""
    if weights == "imagenet":
        info = imagenet_info()
        return googlenet(info.variant, weights=weights).eval(), info
    tensors, info = read_weights(Path(weights))
    return trained_network(tensors, info).eval(), info


def prepare(picture: Picture, info: WeightsInfo) -> Tensor:
    """A picture as the network wants it: (3, size, size), normalised by the weights' figures.

    `picture` is the path of a file, a PIL image, or a uint8 tensor (3, H, W). The middle square
    is taken and resized.
    """
    if isinstance(picture, Tensor):
        picture = _from_tensor(picture)
    elif isinstance(picture, Image.Image):
        picture = upright(picture)
    else:
        picture = open_picture(Path(picture))
    size = (info.image_size, info.image_size)
    if picture.size != size or info.border:
        picture = ImageOps.fit(picture, size, Image.Resampling.BILINEAR, bleed=info.border)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)  # (3, S, S)
    mean = torch.tensor(info.mean).view(3, 1, 1)
    std = torch.tensor(info.std).view(3, 1, 1)
    return (pixels / 255 - mean) / std


def _from_tensor(picture: Tensor) -> Image.Image:
    if picture.dtype != torch.uint8 or picture.dim() != 3 or picture.shape[0] != 3:
        raise UsageError(
            f"a picture came as {picture.dtype} with shape {tuple(picture.shape)}; expected "
            "torch.uint8 with shape (3, height, width) and values of 0 to 255, not yet normalised"
        )
    return Image.fromarray(picture.permute(1, 2, 0).cpu().numpy())


@torch.inference_mode()
def predict(
    model: GoogLeNet, info: WeightsInfo, pictures: Sequence[Picture], top: int = 5
) -> list[list[Prediction]]:
    """The `top` most probable classes of each picture, the most probable first."""
    if not 1 <= top <= len(info.classes):
        raise UsageError(f"the top {top} came; expected 1 to {len(info.classes)}, the classes")
    if not pictures:
        return []
    device = model.fc.weight.device
    batch = torch.stack([prepare(picture, info) for picture in pictures]).to(device)
    probabilities, labels = model.eval()(batch).softmax(1).topk(top)  # (N, top) each
    return [
        [Prediction(info.classes[label], p) for p, label in zip(*pair, strict=True)]
        for pair in zip(probabilities.tolist(), labels.tolist(), strict=True)
    ]
