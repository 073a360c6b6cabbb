"""A training run as TensorBoard shows it: curves, the rate, the network's graph, some pictures."""

import warnings
from pathlib import Path

import torch
from torch import Tensor

from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet

PICTURES = 32  # that are shown, eight in a row


class Board:
    """A writer of what `tensorboard --logdir folder` shows.

    Raises UsageError where TensorBoard is not installed or the folder cannot be written to.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError(
                f"TensorBoard is not installed ({error}); run pip install tensorboard, or leave "
                "out --tensorboard"
            ) from error
        self._writer_of, self._writer = SummaryWriter, None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UsageError(
                f"TensorBoard's folder {self.folder} cannot be written to "
                f"({error.strerror}); mend that, or name another by --tensorboard FOLDER"
            ) from error

    def start(self, model: GoogLeNet, images: Tensor, epochs_before: int = 0) -> None:
        """Begin, with the network's graph and (N, 3, H, W) pictures as it will see them.

        A resumed run says how many epochs came before it: what was written of later ones goes.
        """
        self._writer = self._writer_of(str(self.folder), purge_step=epochs_before + 1)
        if epochs_before:
            return
        first = images[:PICTURES].float().cpu()
        low, high = first.amin((1, 2, 3), keepdim=True), first.amax((1, 2, 3), keepdim=True)
        pictures = (first - low) / (high - low).clamp(min=1e-6)
        self._writer.add_images("pictures, augmented", pictures)
        training = model.training
        model.eval()
        with warnings.catch_warnings(action="ignore"), torch.no_grad():  # tracing warns of asserts
            self._writer.add_graph(model, images[:1])
        model.train(training)

    def add(self, record: dict[str, float]) -> None:
        """Write what `fit` records of one epoch; training and validation share a picture."""
        epoch = int(record["epoch"])
        for name, value in record.items():
            if name != "epoch":
                side, _, kind = name.partition("_")
                title = f"{kind}/{side}" if side in ("train", "val") else name
                self._writer.add_scalar(title, value, epoch)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer:
            self._writer.close()
