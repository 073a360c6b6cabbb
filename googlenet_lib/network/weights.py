"""Weights in files: safetensors, which hold tensors and text and can run no code.

The text says which variant, classes and normalisation the tensors belong to.
"""

import json
import os
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
    compute_checksum,
    is_file,
    is_folder,
    parse_dataclass,
    read_json,
    refuse_damage,
    strip_wrapper_names,
)
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.variants import VARIANTS, Variant, find_variant

COMMITTED = Path(str(files("googlenet_lib"))) / "assets" / "weights"
MOST_SIZE = 4096  # pixels a side, as `load` has it


@dataclass(frozen=True)
class Split:
    """Which pictures a run held back, and how to find them again."""

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
    """The text in a weights file: which network its tensors are of, which pictures it takes."""

    variant: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    image_size: int
    width: float = 1.0
    heads: bool = True
    details: dict[str, Any] | None = None  # every field of the variant at that time
    transform_input: bool = False
    border: float = 0.0  # share of the side that is cut off at each edge before resizing
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


def committed_names() -> list[str]:
    """List the names of the weights that come with the library."""
    return sorted(path.stem for path in COMMITTED.glob("*.safetensors"))


def find_weights(weights: str | Path) -> Path:
    """Find the file of `weights`: a name such as "cifar10", a file, or a run's folder.

    In a run's folder it is best.safetensors. The file may be missing: reading it says so.
    """
    if not isinstance(weights, str | os.PathLike):
        raise UsageError(f"weights came as {weights!r}; expected a name or the path of a file")
    if weights in committed_names():
        return COMMITTED / f"{weights}.safetensors"
    return Path(weights, "best.safetensors") if is_folder(weights) else Path(weights)


def round_to_half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Round a state dict to float16, half the bytes. Raises UsageError if a number does not fit."""
    half = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
    for name, tensor in half.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise UsageError(
                f"{name} reaches {state[name].abs().max():g}, beyond float16's 65504; expected "
                "weights of a run that went well"
            )
    return half


def weights_to_bytes(state: dict[str, Tensor], info: WeightsInfo) -> bytes:
    """Pack a state dict and `info` as the content of a safetensors file, with their checksum."""
    tensors = {
        name: tensor.cpu().contiguous() for name, tensor in strip_wrapper_names(state).items()
    }
    says = asdict(info)
    says["sha256"] = compute_checksum([says, tensors])
    # one entry: safetensors writes several in any order, and equal weights are to be equal bytes
    return save(tensors, metadata={"googlenet": json.dumps(says)})


def read_weights(path: Path) -> tuple[dict[str, Tensor], WeightsInfo]:
    """Read the tensors (on the CPU) and the `WeightsInfo` of a file that this library wrote.

    Raises UsageError for a file that is missing, damaged or of another origin.
    """
    return _read(path)[1:]


def read_network(path: Path) -> tuple[GoogLeNet, WeightsInfo]:
    """Read the network of a file that this library wrote, and its `WeightsInfo`.

    Raises UsageError as `read_weights` does.
    """
    network, tensors, info = _read(path)
    # torch.get_default_device fails in 2.9 once one was reset
    network.to_empty(device=torch.empty(0).device)
    network.load_state_dict(tensors)  # half precision becomes float32
    return network, info


def _read(path: Path) -> tuple[GoogLeNet, dict[str, Tensor], WeightsInfo]:
    """Return a file's network (shapes alone, no memory), its tensors, which fit, and its text."""
    if not is_file(path):
        raise UsageError(
            f"{path} was not found; expected a safetensors file, such as a run's best.safetensors, "
            f"or weights by name: {', '.join(committed_names())} or imagenet"
        )
    _refuse_other_kinds(path)
    advice = (
        "expected a file that train wrote: copy it again, or train anew. The weights of a network "
        "that was changed by hand are loaded into one that is changed so again, by "
        "model.load_state_dict(safetensors.torch.load_file(path))"
    )
    with refuse_damage(path, "safetensors", advice), safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if "googlenet" not in metadata:
        raise UsageError(
            f"{path} does not say which variant and classes it holds; expected a file that train "
            "wrote. For tensors from elsewhere, build the variant and call load_state_dict"
        )
    with refuse_damage(path, "weights", advice):
        says = with_tuples(read_json(metadata["googlenet"]))
        known = says.pop("sha256", None) if isinstance(says, dict) else None
        if known not in (None, compute_checksum([says, tensors])):
            raise ValueError("its checksum is another, so that it is not what was written")
        info = parse_dataclass(WeightsInfo, says)
        tensors = strip_wrapper_names(tensors)
        with torch.device("meta"):  # shapes alone: what a file claims may not fit into memory
            network = network_of(info)
            size = (1, 3, info.image_size, info.image_size)
            network._check_input(torch.empty(size))  # these are not too small for it
        check_finite(tensors)
        check_form(tensors, network.state_dict())
    return network, tensors, info


def _refuse_other_kinds(path: Path) -> None:
    """Name the kinds of file that are often given instead, or say why a file cannot be read."""
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
    """Turn the lists that JSON makes of tuples back into tuples."""
    if isinstance(said, dict):
        return {name: with_tuples(value) for name, value in said.items()}
    return tuple(said) if isinstance(said, list) else said


def network_of(info: WeightsInfo) -> GoogLeNet:
    """Build an untrained network of the form that `info` describes."""
    details = info.details or {}
    if info.variant in VARIANTS or not details:  # older files say less
        details = asdict(find_variant(info.variant)) | details
    variant = parse_dataclass(Variant, details)
    if variant.name != info.variant:
        raise UsageError(f"variant={info.variant!r} came with the details of {variant.name!r}")
    return GoogLeNet(
        variant,
        len(info.classes),
        heads=info.heads,
        width=info.width,
        transform_input=info.transform_input,
    )
