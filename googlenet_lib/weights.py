"""`googlenet`: a network by the name of its variant, with or without trained weights.

Weights live in safetensors files, which hold tensors and text and can run no code. The text
says which variant, classes and normalisation the tensors belong to. Some come with the library
and go by a name, such as "cifar10".
"""

import json
import pickle
import warnings
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from googlenet_lib.errors import UsageError
from googlenet_lib.model import GoogLeNet
from googlenet_lib.variants import VARIANTS, find_variant

COMMITTED = Path(str(files("googlenet_lib"))) / "assets" / "weights"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says of itself."""

    variant: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    image_size: int
    width: float = 1.0
    heads: bool = True
    details: dict[str, Any] | None = None  # every field of the variant, as it was then
    transform_input: bool = False
    border: float = 0.0  # share of a picture that is cut off at each edge before resizing


def googlenet(
    variant: str = "paper",
    num_classes: int | None = None,
    *,
    weights: str | Path | None = None,
    heads: bool | None = None,
    width: float = 1.0,
    transform_input: bool = False,
) -> GoogLeNet:
    """A GoogLeNet: `variant` is "paper", "torchvision", "classroom" or "small".

    `weights` is "imagenet" (torchvision's, downloaded; for the torchvision variant), "cifar10" or
    "shapes" (ours, which come with the library; for `small`), or the path of a safetensors file.
    With other than the weights' own number of classes, the classifier and the heads are replaced
    and the rest is kept. Without weights there are 1000 classes, as in the paper, and heads;
    torchvision's weights come without heads, because those that they hold were never trained:
    asking for them warns. `width` and `transform_input` are the weights' own.
    """
    chosen = find_variant(variant)
    if weights is None:
        return GoogLeNet(
            chosen,
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
    from torchvision.models import GoogLeNet_Weights

    try:
        state = GoogLeNet_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    # OSError: offline; RuntimeError: half a file; UnpicklingError: a log-in page in its place.
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise UsageError(
            f"torchvision's ImageNet weights could not be downloaded or read ({error}); go online "
            f"once, or fetch {GoogLeNet_Weights.IMAGENET1K_V1.url} elsewhere and put it into "
            f"{torch.hub.get_dir()}/checkpoints/"
        ) from error
    model = GoogLeNet(VARIANTS["torchvision"], 1000, heads=True, transform_input=True)
    model.load_state_dict(state, strict=True)
    return model if heads else model.remove_heads()


def imagenet_info() -> WeightsInfo:
    """What torchvision's ImageNet weights expect, and their class names."""
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


def committed_names() -> list[str]:
    """The names of the weights that come with the library."""
    return sorted(path.stem for path in COMMITTED.glob("*.safetensors"))


def find_weights(weights: str | Path) -> Path:
    """The file that holds `weights`: the name of one that comes with the library, or a path."""
    return COMMITTED / f"{weights}.safetensors" if weights in committed_names() else Path(weights)


def rounded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in float16, half the bytes. Raises UsageError where a number does not fit."""
    half = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
    for name, tensor in half.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise UsageError(
                f"{name} reaches {state[name].abs().max():g}, beyond float16's 65504; expected "
                "weights of a run that went well"
            )
    return half


def weights_to_bytes(state: dict[str, Tensor], info: WeightsInfo) -> bytes:
    """A state dict and `info` as the content of a safetensors file."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in state.items()}
    return save(tensors, metadata={"googlenet": json.dumps(asdict(info))})


def read_weights(path: Path) -> tuple[dict[str, Tensor], WeightsInfo]:
    """Tensors (on the CPU) and `WeightsInfo` of a safetensors file that this library wrote."""
    if not path.is_file():
        raise UsageError(
            f"{path} was not found; expected a safetensors file, such as a run's best.safetensors, "
            f"or weights by name: {', '.join(committed_names())} or imagenet"
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = (file.metadata() or {}).get("googlenet")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UsageError(
            f"{path} cannot be read as safetensors ({error}); expected a file that train wrote, "
            "such as best.safetensors"
        ) from error
    if metadata is None:
        raise UsageError(
            f"{path} does not say which variant and classes it holds; expected a file that train "
            "wrote. For tensors from elsewhere, build the variant and call load_state_dict"
        )
    try:
        return tensors, WeightsInfo(**with_tuples(json.loads(metadata)))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{path} describes itself in a way that this version cannot read ({error}); expected a "
            "file of this version or an older one: update googlenet_lib, or train anew"
        ) from error


def with_tuples(said: Any) -> Any:
    """What JSON has made lists of was tuples."""
    if isinstance(said, dict):
        return {name: with_tuples(value) for name, value in said.items()}
    return tuple(said) if isinstance(said, list) else said


def _from_file(path: Path, variant: str, heads: bool | None) -> GoogLeNet:
    tensors, info = read_weights(path)
    if variant != info.variant:
        raise UsageError(
            f"{path} holds a {info.variant!r} network, but variant {variant!r} was asked for; "
            f"use googlenet({info.variant!r}, weights=...)"
        )
    if heads and not info.heads:
        raise UsageError(f"{path} holds no auxiliary heads; use heads=False, or leave it out")
    model = trained_network(tensors, info)
    return model.remove_heads() if heads is False else model


def trained_network(tensors: dict[str, Tensor], info: WeightsInfo) -> GoogLeNet:
    """The network that `read_weights` found in a file."""
    model = network_of(info)
    model.load_state_dict(tensors, strict=True)  # half precision becomes float32 here
    return model


def network_of(info: WeightsInfo) -> GoogLeNet:
    """An untrained network of the form that `info` describes."""
    return GoogLeNet(
        replace(VARIANTS[info.variant], **(info.details or {})),
        len(info.classes),
        heads=info.heads,
        width=info.width,
        transform_input=info.transform_input,
    )
