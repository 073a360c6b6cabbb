"""Predict the labels of pictures: files, arrays or tensors in, probable labels out."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from googlenet_lib.data.batches import normalise
from googlenet_lib.data.pictures import PictureError, convert_to_rgb, open_picture
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.weights import WeightsInfo

BATCH = 50  # pictures at a time: enough to keep the processor busy, few enough for its cache
Picture = str | Path | bytes | BinaryIO | Image.Image | np.ndarray | Tensor


@dataclass(frozen=True)
class Prediction:
    """One class and the probability, of 0 to 1, that the network gives it."""

    label: str
    probability: float


def prepare(picture: Picture, info: WeightsInfo) -> Tensor:
    """Bring a picture to what the network takes: (3, size, size), normalised as `info` says.

    `picture` is the path of a file, its content as bytes or as an open file, a PIL image, a uint8
    array (H, W, 3) or (H, W), or a uint8 tensor (3, H, W). The middle square is taken and resized.
    Raises UsageError for what cannot be read as a picture.
    """
    picture = _to_image(picture)
    size = (info.image_size, info.image_size)
    if picture.size != size or info.border:
        picture = ImageOps.fit(picture, size, Image.Resampling.BILINEAR, bleed=info.border)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)  # (3, S, S)
    return normalise(pixels, info.mean, info.std)


def _to_image(picture: Picture) -> Image.Image:
    if isinstance(picture, str | Path):
        return open_picture(Path(picture))
    if isinstance(picture, Image.Image):
        return _convert_image(picture)
    if isinstance(picture, Tensor):
        fits = picture.ndim == 3 and len(picture) == 3
        return _convert_array(picture, fits, "(3, height, width)")
    if isinstance(picture, np.ndarray):
        fits = picture.ndim == 2 or picture.shape[2:] == (3,)
        return _convert_array(picture, fits, "(height, width, 3)")
    try:
        content = picture.read() if hasattr(picture, "read") else picture
    except (OSError, ValueError) as error:  # a closed file, or one of text
        raise UsageError(
            f"an open file could not be read as a picture ({error}); open it by open(path, 'rb')"
        ) from error
    if isinstance(content, bytes | bytearray | memoryview):
        return _decode_bytes(content)
    raise UsageError(
        f"a picture came as {type(picture).__name__}; expected a path, a PIL image, a uint8 array "
        "(height, width, 3), a uint8 tensor (3, height, width), or the bytes of a file"
    )


def _decode_bytes(content: bytes) -> Image.Image:
    with TemporaryDirectory() as folder:  # so that all pictures come in by one door
        path = Path(folder) / "picture"
        path.write_bytes(content)
        try:
            return open_picture(path)
        except PictureError as error:
            raise UsageError(
                f"{len(content)} bytes could not be read as a picture: {error.reason}; give those "
                "of a JPEG, PNG or another picture file"
            ) from error


def _convert_array(picture: np.ndarray | Tensor, fits: bool, shape: str) -> Image.Image:
    kind = torch.uint8 if isinstance(picture, Tensor) else np.dtype(np.uint8)
    if picture.dtype != kind or not fits or 0 in picture.shape:
        raise UsageError(
            f"a picture came as {picture.dtype} with shape {tuple(picture.shape)}; expected "
            f"{kind} with shape {shape} and values of 0 to 255, not yet normalised"
        )
    if isinstance(picture, Tensor):
        picture = picture.permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(picture).convert("RGB")


def _convert_image(picture: Image.Image) -> Image.Image:
    if 0 in picture.size:
        raise UsageError(f"a PIL image of {picture.width}x{picture.height} came; it has no pixels")
    try:
        return convert_to_rgb(picture)
    except Exception as error:  # an image that is still to be read from a damaged or closed file
        raise UsageError(
            f"a PIL image of mode {picture.mode} could not be read ({error}); give one that "
            'picture.convert("RGB") can turn into colours'
        ) from error


@torch.inference_mode()
def predict(
    model: GoogLeNet, info: WeightsInfo, pictures: Picture | Iterable[Picture], top: int = 5
) -> list[list[Prediction]]:
    """Return the `top` most probable classes of each picture, the most probable first.

    One picture alone is answered by a list of one. Of fewer classes than `top` all are given.
    """
    if not isinstance(top, int | np.integer) or top < 1:
        raise UsageError(f"the top {top} came; expected 1 to {len(info.classes)}, the classes")
    pictures = [pictures] if _is_single(pictures) else list(pictures)
    answers = []
    for start in range(0, len(pictures), BATCH):
        prepared = [prepare(picture, info) for picture in pictures[start : start + BATCH]]
        batch = torch.stack(prepared).to(next(model.parameters()))
        probabilities = model.eval()(batch).float().softmax(1)  # (N, classes)
        _refuse_no_answer(probabilities, info)
        best, labels = probabilities.topk(min(int(top), len(info.classes)))  # (N, top) each
        answers += [
            [Prediction(info.classes[label], p) for p, label in zip(*pair, strict=True)]
            for pair in zip(best.tolist(), labels.tolist(), strict=True)
        ]
    return answers


def _is_single(pictures: Picture | Iterable[Picture]) -> bool:
    """Tell a picture from several. Arrays of four dimensions are several."""
    if isinstance(pictures, np.ndarray | Tensor):
        return pictures.ndim < 4
    return (
        hasattr(pictures, "read")
        or not isinstance(pictures, Iterable)
        or isinstance(pictures, str | bytes | bytearray | memoryview)
    )


def _refuse_no_answer(probabilities: Tensor, info: WeightsInfo) -> None:
    if probabilities.shape[1] != len(info.classes):
        raise UsageError(
            f"the network tells {probabilities.shape[1]} classes apart, but names for "
            f"{len(info.classes)} came; expected the info that belongs to its weights"
        )
    if not probabilities.isfinite().all():
        raise UsageError(
            "the network answers with numbers that are not finite, so that its weights, or the "
            "mean and std of its info, are damaged; load them again, or train anew"
        )
