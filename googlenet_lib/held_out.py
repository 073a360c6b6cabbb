"""The pictures that a run kept from training, found again to measure its weights on."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from googlenet_lib.data import Data, ImageSet, PictureFiles, load
from googlenet_lib.data.load import OtherSize, is_flat, load_whole, name_of
from googlenet_lib.errors import UsageError
from googlenet_lib.network.weights import Split, WeightsInfo
from googlenet_lib.training.describe import DIGITS

OPTIONS = ("stratified", "split_seed", "stream")  # the options of `load` that decide the sides


@dataclass(frozen=True)
class HeldOut:
    """Pictures to measure weights on, what they are called, and what a reader must know of them."""

    pictures: ImageSet | PictureFiles
    classes: tuple[str, ...]
    title: str  # such as "test pictures of pets"
    note: str = ""


def load_held_out(
    path: Path, info: WeightsInfo, name: str | Path, side: str | None = None
) -> HeldOut:
    """Load what the run behind the weights in `path` kept from training, out of the data `name`.

    The sides are drawn as that run drew them; without a `side` it is the test side. A folder
    without sides that the run was not trained on is taken whole, unless a side is asked for.
    Raises UsageError where this version draws another side than the run had.
    """
    split = info.split
    whole = side is None and is_flat(name)
    side = side or "test"
    data, remarks = None, []
    if not whole or (split and split.flat):
        with warnings.catch_warnings(record=True) as remarks:
            data = _split_again(info, split, name, whole)
    own = data is not None and split is not None and data.checksum == split.checksum
    if own or not whole:  # else what was remarked is of a split that is not used
        for remark in remarks:
            warnings.warn(remark.message, stacklevel=2)
    unsure = f"{path} does not say what it was trained on"
    if split:
        unsure = f"{name} is not the data that {path} was trained on, or was changed since"
    unsure += ": an accuracy on pictures that were seen in training is too high"
    if whole and not own:
        classes, pictures = load_whole(Path(name), size=info.image_size)
        return HeldOut(pictures, classes, f"pictures of {name_of(name)}", unsure)
    if own and split.limit:
        data = data.limit(split.limit)
    pictures, note = getattr(data, side), ""
    if not own:
        if split or data.flat or side == "validation":
            note = unsure
    elif side != "train" and pictures.digest()[:DIGITS] != getattr(split, side):
        raise UsageError(
            f"the {side} side of {name} cannot be found again: this version draws another one "
            f"than the run of {path} had; evaluate it by the version that trained it"
        )
    return HeldOut(pictures, data.classes, f"{side} pictures of {data.name}", note)


def _split_again(
    info: WeightsInfo, split: Split | None, name: str | Path, whole: bool
) -> Data | None:
    """Split the data `name` as a run split its own; None where they are too few and `whole`."""
    how = {option: getattr(split, option) for option in OPTIONS} if split else {}
    try:
        return load(name, size=info.image_size, **how)
    except OtherSize:
        return load(name, **how)
    except UsageError:
        if whole:
            return None
        raise
