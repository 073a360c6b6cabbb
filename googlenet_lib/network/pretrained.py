"""`googlenet`: a network by the name of its variant, with or without trained weights.

Some weights come with the library and go by a name, such as "cifar10".
"""

import warnings
from pathlib import Path

import torch
from torch import Tensor

from googlenet_lib.device import progress_bar
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.variants import VARIANTS, find_variant
from googlenet_lib.network.weights import WeightsInfo, find_weights, read_network

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# of torchvision's file, whose name holds the first eight digits
IMAGENET_SHA256 = "1378be20a8e875cf1568b8a71654e704449655e34711a959a38b04fb34905cef"


def googlenet(
    variant: str = "paper",
    num_classes: int | None = None,
    *,
    weights: str | Path | None = None,
    heads: bool | None = None,
    width: float = 1.0,
    transform_input: bool = False,
) -> GoogLeNet:
    """Build a GoogLeNet: `variant` is "paper", "torchvision", "classroom" or "small".

    `weights` is "imagenet" (torchvision's, downloaded; for the torchvision variant), "cifar10" or
    "shapes" (ours, which come with the library; for `small`), or the path of a safetensors file.
    If `num_classes` is not the weights' own number, the last layers are replaced and the rest is
    kept. Without weights there are 1000 classes, as in the paper, and heads. torchvision's
    weights come without heads, because its heads were never trained; asking for them warns.
    `width` and `transform_input` are the weights' own.

    Raises UsageError for an unknown variant, and for weights that cannot be read or do not fit.
    """
    if weights is None:
        return GoogLeNet(
            find_variant(variant),
            1000 if num_classes is None else num_classes,
            heads=heads is not False,
            width=width,
            transform_input=transform_input,
        )
    if weights == "imagenet":
        model = _imagenet(variant, heads is True, width)
    else:
        model = _from_file(find_weights(weights), variant, heads)
    if width not in (1.0, model.width) or transform_input not in (False, model.transform_input):
        raise UsageError(
            f"width={width!r} and transform_input={transform_input!r} came, but {weights} has "
            f"{model.width!r} and {model.transform_input!r}; leave both out: they are the weights' "
            "own"
        )
    if num_classes is not None and num_classes != model.num_classes:
        model.replace_classifier(num_classes)
    return model


def _imagenet(variant: str, heads: bool, width: float) -> GoogLeNet:
    if variant != "torchvision" or width != 1.0:
        raise UsageError(
            f'weights="imagenet" came for variant {variant!r} at width {width:g}; they are '
            'torchvision\'s and fit variant "torchvision" at width 1 alone'
        )
    if heads:
        warnings.warn(
            "the heads of torchvision's ImageNet weights were never trained: their outputs are "
            "noise until you train them",
            stacklevel=3,
        )
    model = GoogLeNet(VARIANTS["torchvision"], 1000, heads=True, transform_input=True)
    model.load_state_dict(_imagenet_state(), strict=True)
    return model if heads else model.remove_heads()


def _imagenet_state() -> dict[str, Tensor]:
    """Read torchvision's file, downloaded once; any other file in its place is not read."""
    import pooch
    from torchvision.models import GoogLeNet_Weights

    url = GoogLeNet_Weights.IMAGENET1K_V1.url
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    try:
        # a total, which pooch corrects: it takes a bar of none for no bar
        with progress_bar((), total=1, unit="B", unit_scale=True) as bar:
            fetch = pooch.HTTPDownloader(progressbar=bar)
            name = url.rpartition("/")[2]
            path = pooch.retrieve(url, IMAGENET_SHA256, name, folder, downloader=fetch)
    except Exception as error:  # offline, a full disk, something else that was sent
        raise UsageError(
            f"torchvision's ImageNet weights could not be downloaded or read ({error}); go online "
            f"once, or fetch {url} elsewhere and put it into {folder}/"
        ) from error
    return torch.load(path, map_location="cpu", weights_only=True)


def imagenet_info() -> WeightsInfo:
    """Describe torchvision's ImageNet weights: the pictures that they take, their class names."""
    from torchvision.models import GoogLeNet_Weights

    classes = tuple(GoogLeNet_Weights.IMAGENET1K_V1.meta["categories"])
    return WeightsInfo(
        "torchvision",
        classes,
        IMAGENET_MEAN,
        IMAGENET_STD,
        image_size=224,
        heads=False,
        transform_input=True,
        border=1 / 16,  # as a resize to 256 and the middle 224 of it
    )


def _from_file(path: Path, variant: str, heads: bool | None) -> GoogLeNet:
    model, info = read_network(path)
    if variant != info.variant:
        raise UsageError(
            f"{path} holds a {info.variant!r} network, but variant {variant!r} was asked for; "
            f"use googlenet({info.variant!r}, weights=...)"
        )
    if heads and not info.heads:
        raise UsageError(f"{path} holds no auxiliary heads; use heads=False, or leave it out")
    return model.remove_heads() if heads is False else model


def load_network(weights: str | Path) -> tuple[GoogLeNet, WeightsInfo]:
    """Load a trained network, in evaluation mode, and the `WeightsInfo` of its weights.

    `weights` is "imagenet" (downloaded once), the name of weights that come with the library
    ("cifar10", "shapes"), the path of a safetensors file, or the folder of a run.
    """
    if weights == "imagenet":
        info = imagenet_info()
        model = googlenet(info.variant, weights=weights)
    else:
        model, info = read_network(find_weights(weights))
    # the same arithmetic in another layout in memory, twice as fast on a CPU
    return model.to(memory_format=torch.channels_last).eval(), info
