"""Large sets: pictures stay in their files, and workers decode them while the network trains."""

import gc
import hashlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from googlenet_lib.data.augment import Draws
from googlenet_lib.data.batches import Batches
from googlenet_lib.data.folders import Findings, Listing, check_classes
from googlenet_lib.data.imageset import ImageSet
from googlenet_lib.data.pictures import PictureError, decode_picture, silence_pillow
from googlenet_lib.device import count_cores, read_environment_number
from googlenet_lib.errors import UsageError

Box = tuple[float, ...]  # top, left, height and width to cut out, as shares of a square
Planned = list[tuple[int, Box | None]]  # a batch: which pictures, and the box of each


@dataclass(frozen=True)
class PictureFiles:
    """What `ImageSet` is, for more pictures than memory holds: names of files, and labels."""

    root: Path
    names: tuple[str, ...]  # within root
    labels: Tensor  # int64 (N,)
    image_size: int  # pixels a side, once decoded

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, which: Tensor | slice) -> "PictureFiles":
        chosen = torch.arange(len(self))[which].tolist()
        names = tuple(self.names[i] for i in chosen)
        return PictureFiles(self.root, names, self.labels[which], self.image_size)

    def digest(self) -> str:
        """Return a sha256 of names, sizes in bytes and labels: pixels would take an epoch."""
        digest = hashlib.sha256()
        for name, label in zip(self.names, self.labels.tolist(), strict=True):
            size = (self.root / name).stat().st_size
            digest.update(f"{name}\0{size}\0{label}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()


def stream_pictures(
    listing: Listing, size: int, *, to_train: bool = True
) -> tuple[PictureFiles, Findings]:
    """Take the pictures of a listing as files, none decoded yet: (the files, what was noticed).

    Files that turn out to be no pictures are skipped when their batch comes.
    """
    remarks = check_classes(listing, listing.labels, [], to_train)
    labels = torch.tensor(listing.labels, dtype=torch.int64)
    files = PictureFiles(listing.root, tuple(listing.names), labels, size)
    return files, Findings(passed=listing.passed, remarks=remarks)


class StreamedBatches(Batches):
    """`Batches` for `PictureFiles`: each batch is decoded shortly before it is needed.

    Crops are cut out of the whole picture while it is decoded; all else happens on the device, a
    whole batch at a time. Order and draws are those of `Batches` for the same generator, however
    many `workers` decode: by default a process for every core, shared among those that torchrun
    has started here; 0 decodes in this process. They end with this object. Files that cannot be
    read are left out of their batch and named in one warning a pass.
    """

    def __init__(
        self, files: PictureFiles, batch_size: int, *, workers: int | None = None, **options
    ) -> None:
        super().__init__(files, batch_size, **options)
        if workers is None:
            sharing = max(1, read_environment_number("LOCAL_WORLD_SIZE", 1))
            workers = max(1, count_cores() // sharing)
        self._planned: list[Planned] = []  # the batches of one pass, made up before it begins
        self._loader = DataLoader(
            _Decoder(files),
            sampler=self._planned,
            batch_size=None,  # an item is a batch already
            num_workers=workers,
            collate_fn=tuple,  # leaves arrays as they are, while torch's makes tensors of them
            persistent_workers=workers > 0,
            worker_init_fn=_leave_alone,
            generator=torch.Generator(),  # torch's own is dropout's, whose draws are to stay
        )

    def _hold(self, files: PictureFiles, device: torch.device) -> None:
        self.files, self.labels, self.device = files, files.labels, device

    def _pictures(
        self, plan: Iterator[tuple[Tensor, Draws]]
    ) -> Iterator[tuple[Tensor, Tensor, Draws]]:
        plan = list(plan)
        self._planned[:] = [_list_boxes(*batch) for batch in plan]
        faults: list[str] = []
        batches = prefetch(map(_to_tensors, self._loader), self.device)
        for (images, labels, kept, failed), (which, draws) in zip(batches, plan, strict=True):
            faults += failed
            fewest = min(2, len(which)) if self.shuffle else 1
            if len(labels) < fewest:
                raise UsageError(
                    f"{len(labels)} of the {len(which)} pictures of a batch could be read; "
                    f"expected at least {fewest}. The first that could not: {failed[0]}"
                )
            # a box was cut out already
            yield images, labels, {name: d[kept] for name, d in draws.items() if name != "box"}
        if faults:
            warnings.warn(
                f"{len(faults):,} of {len(self.labels):,} files were left out; the first: "
                f"{faults[0]}",
                stacklevel=3,
            )


def prefetch(batches: Iterable[tuple], device: torch.device) -> Iterator[tuple]:
    """Yield batches with their first two tensors on `device`, each copied a batch ahead.

    On a GPU the copy runs beside the arithmetic, on a stream of its own. Elsewhere there is
    nothing to copy to, and batches pass through.
    """
    if device.type != "cuda":
        for images, labels, *rest in batches:
            yield images.to(device), labels.to(device), *rest
        return
    side = torch.cuda.Stream(device)
    ready = None
    for images, labels, *rest in batches:
        with torch.cuda.stream(side):
            copied = [tensor.to(device, non_blocking=True) for tensor in (images, labels)]
        if ready is not None:
            yield ready
        here = torch.cuda.current_stream(device)
        here.wait_stream(side)
        for tensor in copied:
            tensor.record_stream(here)  # or its memory would be given away while it is in use
        ready = (*copied, *rest)
    if ready is not None:
        yield ready


class _Decoder(Dataset):
    """The batches of `files`, as planned: (uint8 (N, 3, H, W), labels, positions kept, faults).

    NumPy's arrays, which workers send through a pipe: tensors would take shared memory, of which a
    container has little.
    """

    def __init__(self, files: PictureFiles) -> None:
        self.files = files

    def __getitem__(self, planned: Planned) -> tuple[np.ndarray, np.ndarray, list[int], list[str]]:
        size = self.files.image_size
        images, kept, faults = np.empty((len(planned), 3, size, size), np.uint8), [], []
        with silence_pillow():
            for position, (index, box) in enumerate(planned):
                try:
                    path = self.files.root / self.files.names[index]
                    images[len(kept)] = decode_picture(path, size, box)[0].transpose(2, 0, 1)
                    kept.append(position)
                except PictureError as error:
                    faults.append(str(error))
        labels = self.files.labels.numpy()[[planned[position][0] for position in kept]]
        return images[: len(kept)], labels, kept, faults


def _list_boxes(which: Tensor, draws: Draws) -> Planned:
    boxes = map(tuple, draws["box"].tolist()) if "box" in draws else [None] * len(which)
    return list(zip(which.tolist(), boxes, strict=True))


def _leave_alone(_worker: int) -> None:
    """Let a worker collect nothing that it has inherited, such as another loader."""
    gc.freeze()


def _to_tensors(batch: tuple) -> tuple:
    images, labels, *rest = batch
    return torch.from_numpy(images), torch.from_numpy(labels), *rest


def make_batches(images: ImageSet | PictureFiles, batch_size: int, **options) -> Batches:
    """Make batches of pictures in memory, or stream them from files, whichever these are."""
    kind = StreamedBatches if isinstance(images, PictureFiles) else Batches
    return kind(images, batch_size, **options)
