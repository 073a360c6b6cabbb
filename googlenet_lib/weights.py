"""`googlenet`: a network by the name of its variant, with or without trained weights.

Weights live in safetensors files, which hold tensors and text and can run no code. The text
says which variant, classes and normalisation the tensors belong to. Some come with the library
and go by a name, such as "cifar10".
"""

import hashlib
import io
import json
import os
import warnings
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import (
    check_finite,
    check_form,
    checksum,
    damage_refused,
    described,
    is_file,
    is_folder,
    plain_names,
    read_json,
)
from googlenet_lib.model import GoogLeNet
from googlenet_lib.variants import VARIANTS, Variant, find_variant

COMMITTED = Path(str(files("googlenet_lib"))) / "assets" / "weights"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# of torchvision's file, whose name holds the first eight digits
IMAGENET_SHA256 = "1378be20a8e875cf1568b8a71654e704449655e34711a959a38b04fb34905cef"
MOST_IMAGENET_BYTES = 100_000_000
MOST_SIZE = 4096  # pixels a side, as `load` has it


@dataclass(frozen=True)
class Split:
    """Which pictures a run held back, and how to come by them again."""

    data: str
    checksum: str  # of all its pictures
    validation: str  # the first digits of that side's own digest
    test: str
    flat: bool = False  # was the test side drawn from a folder without sides, too?
    stratified: bool = False
    split_seed: int = 0
    stream: bool = False
    limit: int | None = None


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
    split: Split | None = None  # None: of an older version, or not made by `fit`

    def __post_init__(self) -> None:
        for name, fits, expected in (
            ("classes", len(self.classes) > 0, "at least one name"),
            ("mean", all(abs(one) < 1e6 for one in self.mean), "three numbers"),
            ("std", all(1e-6 <= one < 1e6 for one in self.std), "three numbers above 0"),
            ("image_size", 1 <= self.image_size <= MOST_SIZE, f"1 to {MOST_SIZE} pixels"),
            ("border", 0 <= self.border < 0.5, "a share from 0 to less than a half"),
        ):
            if not fits:
                raise UsageError(f"{name}={getattr(self, name)} came; expected {expected}")


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
    """What torchvision's file holds, once it is known to be that file, to the bit."""
    from torchvision.models import GoogLeNet_Weights

    url = GoogLeNet_Weights.IMAGENET1K_V1.url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), hash_prefix=IMAGENET_SHA256)
        with path.open("rb") as file:
            content = file.read(MOST_IMAGENET_BYTES)
        found = hashlib.sha256(content).hexdigest()
        if found != IMAGENET_SHA256:  # nothing of it is read: it may be anything
            raise OSError(f"{path} is another file, with SHA-256 {found[:16]}...: remove it")
    except (OSError, RuntimeError) as error:  # RuntimeError: something else was sent
        raise UsageError(
            f"torchvision's ImageNet weights could not be downloaded or read ({error}); go online "
            f"once, or fetch {url} elsewhere and put it into {path.parent}/"
        ) from error
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


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
    """The file of `weights`: the name of some that come with the library, a file, a run's folder.

    Of a run it is best.safetensors.
    """
    if not isinstance(weights, str | os.PathLike):
        raise UsageError(f"weights came as {weights!r}; expected a name or the path of a file")
    if weights in committed_names():
        return COMMITTED / f"{weights}.safetensors"
    return Path(weights, "best.safetensors") if is_folder(weights) else Path(weights)


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
    """A state dict and `info` as the content of a safetensors file, with their checksum."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in plain_names(state).items()}
    says = asdict(info)
    says["sha256"] = checksum([says, tensors])
    # one entry: safetensors writes several in any order, and equal weights are to be equal bytes
    return save(tensors, metadata={"googlenet": json.dumps(says)})


def read_weights(path: Path) -> tuple[dict[str, Tensor], WeightsInfo]:
    """Tensors (on the CPU) and `WeightsInfo` of a safetensors file that this library wrote."""
    return _read(path)[1:]


def read_network(path: Path) -> tuple[GoogLeNet, WeightsInfo]:
    """The network of a safetensors file that this library wrote, and what it says of itself."""
    network, tensors, info = _read(path)
    # copies, since the tensors lie in the file; half precision becomes float32
    device = torch.empty(0).device  # torch.get_default_device fails in 2.9 once one was reset
    own = {
        name: tensors[name].to(device, like.dtype, copy=True)
        for name, like in network.state_dict().items()
    }
    network.load_state_dict(own, assign=True)
    return network, info


def _read(path: Path) -> tuple[GoogLeNet, dict[str, Tensor], WeightsInfo]:
    """(The network that a file describes, not in memory yet; its tensors, which fit; its text)."""
    if not is_file(path):
        raise UsageError(
            f"{path} was not found; expected a safetensors file, such as a run's best.safetensors, "
            f"or weights by name: {', '.join(committed_names())} or imagenet"
        )
    _refuse_other_kinds(path)
    advice = "expected a file that train wrote: copy it again, or train anew"
    with damage_refused(path, "safetensors", advice), safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if "googlenet" not in metadata:
        raise UsageError(
            f"{path} does not say which variant and classes it holds; expected a file that train "
            "wrote. For tensors from elsewhere, build the variant and call load_state_dict"
        )
    with damage_refused(path, "weights", advice):
        says = with_tuples(read_json(metadata["googlenet"]))
        known = says.pop("sha256", None) if isinstance(says, dict) else None
        if known not in (None, checksum([says, tensors])):
            raise ValueError("its checksum is another, so that it is not what was written")
        info = described(WeightsInfo, says)
        tensors = plain_names(tensors)
        with torch.device("meta"):  # shapes alone: what a file claims may not fit into memory
            network = network_of(info)
            size = (1, 3, info.image_size, info.image_size)
            network._check_input(torch.empty(size))  # these are not too small for it
        check_finite(tensors)
        changed = _misfit(tensors, network)
        if changed and known is None:
            raise ValueError(changed)
    if changed:
        raise UsageError(
            f"{path} holds a network that was changed by hand after it was made: {changed}. Build "
            "it so again, then call model.load_state_dict(safetensors.torch.load_file(path))"
        )
    return network, tensors, info


def _misfit(tensors: dict[str, Tensor], network: GoogLeNet) -> str:
    try:
        check_form(tensors, network.state_dict())
    except ValueError as error:
        return str(error)
    return ""


def _refuse_other_kinds(path: Path) -> None:
    """Say what a file is that many give instead, or why it cannot be read at all."""
    try:
        with path.open("rb") as file:
            start = file.read(20)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); allow it, or mend the disk"
        ) from error
    if start.startswith((b"PK", b"\x80")):
        best = path.with_name("best.safetensors")
        way = (
            f"give {best}, which is beside it"
            if best.is_file()
            else "build its network and call model.load_state_dict(torch.load(path))"
        )
        raise UsageError(
            f"{path} cannot be read as safetensors: it is a file of torch.save, such as last.pt; "
            f"{way}"
        )
    if start.startswith(b"version https://git-"):
        raise UsageError(f"{path} is a pointer of Git LFS; run git lfs pull to get the file itself")


def with_tuples(said: Any) -> Any:
    """What JSON has made lists of was tuples."""
    if isinstance(said, dict):
        return {name: with_tuples(value) for name, value in said.items()}
    return tuple(said) if isinstance(said, list) else said


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


def network_of(info: WeightsInfo) -> GoogLeNet:
    """An untrained network of the form that `info` describes."""
    details = info.details or {}
    if info.variant in VARIANTS or not details:  # older files say less
        details = asdict(find_variant(info.variant)) | details
    variant = described(Variant, details)
    if variant.name != info.variant:
        raise UsageError(f"variant={info.variant!r} came with the details of {variant.name!r}")
    return GoogLeNet(
        variant,
        len(info.classes),
        heads=info.heads,
        width=info.width,
        transform_input=info.transform_input,
    )
