"""One picture in, its most probable labels out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from googlenet_lib.data.pictures import open_picture, upright
from googlenet_lib.errors import UsageError
from googlenet_lib.model import GoogLeNet
from googlenet_lib.weights import (
    WeightsInfo,
    find_weights,
    googlenet,
    imagenet_info,
    read_network,
)

BATCH = 50  # pictures at a time: enough to keep the processor busy, few enough for its cache
Picture = str | Path | Image.Image | Tensor


@dataclass(frozen=True)
class Prediction:
    """One class and the probability, of 0 to 1, that the network gives it."""

    label: str
    probability: float


def load_network(weights: str | Path) -> tuple[GoogLeNet, WeightsInfo]:
    """A trained network in evaluation mode, and what its weights expect.

    `weights` is "imagenet" (downloaded once), the name of weights that come with the library
    ("cifar10", "shapes"), or the path of a safetensors file.
    """
    if weights == "imagenet":
        info = imagenet_info()
        model = googlenet(info.variant, weights=weights)
    else:
        model, info = read_network(find_weights(weights))
    # the same arithmetic in another layout in memory, twice as fast on a CPU
    return model.to(memory_format=torch.channels_last).eval(), info


def prepare(picture: Picture, info: WeightsInfo) -> Tensor:
    """A picture as the network wants it: (3, size, size), normalised by the weights' figures.

    `picture` is the path of a file, a PIL image, or a uint8 tensor (3, H, W). The middle square
    is taken and resized. Raises UsageError for what cannot be read as a picture.
    """
    if isinstance(picture, Tensor):
        picture = _from_tensor(picture)
    elif isinstance(picture, Image.Image):
        picture = _from_image(picture)
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


def _from_image(picture: Image.Image) -> Image.Image:
    try:
        return upright(picture)
    except Exception as error:  # an image that is still to be read from a damaged or closed file
        raise UsageError(
            f"a PIL image of mode {picture.mode} could not be read ({error}); give one that "
            'picture.convert("RGB") can turn into colours'
        ) from error


@torch.inference_mode()
def predict(
    model: GoogLeNet, info: WeightsInfo, pictures: Sequence[Picture], top: int = 5
) -> list[list[Prediction]]:
    """The `top` most probable classes of each picture, the most probable first."""
    if not 1 <= top <= len(info.classes):
        raise UsageError(f"the top {top} came; expected 1 to {len(info.classes)}, the classes")
    answers = []
    for start in range(0, len(pictures), BATCH):
        some = [prepare(picture, info) for picture in pictures[start : start + BATCH]]
        batch = torch.stack(some).to(model.fc.weight.device)
        probabilities, labels = model.eval()(batch).softmax(1).topk(top)  # (N, top) each
        answers += [
            [Prediction(info.classes[label], p) for p, label in zip(*pair, strict=True)]
            for pair in zip(probabilities.tolist(), labels.tolist(), strict=True)
        ]
    return answers
