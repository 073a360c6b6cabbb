"""The files of a run, which survive a crash: written whole or not at all, never unpickled."""

import io
import json
import os
from pathlib import Path
from typing import Any

import torch

from googlenet_lib.errors import UsageError

BEST, LAST, HISTORY = "best.safetensors", "last.pt", "history.json"


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader finds the old file or the new one, never a part.

    A temporary file beside it is written, forced to disk and renamed. A full disk leaves the old
    file as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(
            f"{path} could not be written ({error.strerror}); what stood there before is as it "
            "was. Make room or choose another --out, then go on with --resume"
        ) from error
    _force_directory(path.parent)


def _force_directory(folder: Path) -> None:
    # On POSIX a rename is on disk only once its directory is; Windows cannot open one.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, texts, lists and dicts of them) atomically to `path`."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(path, buffer.getbuffer())


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, its tensors on `device`."""
    if not path.is_file():
        raise UsageError(f"{path} was not found; expected the last.pt of a run that was stopped")
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # many kinds; and a text that advises to unpickle what comes
        raise UsageError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}); start the run "
            "anew in another --out"
        ) from error


def random_state() -> dict[str, Any]:
    """The state of torch's generators, which dropout draws from."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_random_state(state: dict[str, Any]) -> None:
    """Put torch's generators back to `random_state`."""
    torch.set_rng_state(state["cpu"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([s.cpu() for s in state["cuda"]])


class RunFolder:
    """The folder of one run: `last.pt`, `best.safetensors` and `history.json`.

    `last.pt` alone decides how the run goes on; the other two are made from it. `identity` is
    what two runs must share to be one run: recipe, network, data and seed.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path = path
        self.identity = flattened(identity)

    def load(self, *, resume: bool, device: torch.device) -> dict[str, Any] | None:
        """The state to go on from, or None where there is none yet. Makes the folder.

        Raises UsageError for a folder with a run in it where none was to be resumed, or where
        the run there is another one.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be made a folder ({error.strerror}); choose another --out"
            ) from error
        last = self.path / LAST
        if not last.exists():
            return None
        if not resume:
            raise UsageError(
                f"{self.path} already holds a run; go on with it by --resume, or choose another "
                "--out"
            )
        state = load_checkpoint(last, device)
        found = state.get("identity", {})
        differing = [name for name in self.identity if found.get(name) != self.identity[name]]
        if differing:
            came = ", ".join(f"{name}={found.get(name)}" for name in differing)
            wanted = ", ".join(f"{name}={self.identity[name]}" for name in differing)
            raise UsageError(
                f"{last} belongs to another run, with {came}; this one has {wanted}. Repeat the "
                "command that began it, or choose another --out"
            )
        for unfinished in self.path.glob(".*.tmp"):  # left by a kill in the middle of a write
            unfinished.unlink()
        return state

    def save(self, state: dict[str, Any], history: list, best: bytes) -> None:
        """Write all three files; `best` is the content of `best.safetensors`."""
        save_checkpoint(self.path / LAST, {**state, "identity": self.identity})
        self.derive(history, best)

    def derive(self, history: list, best: bytes) -> None:
        """Write what is made from `last.pt`: a kill may have come before this was done."""
        write_atomically(self.path / BEST, best)
        write_atomically(self.path / HISTORY, json.dumps(history, indent=1).encode())


def flattened(settings: dict[str, Any]) -> dict[str, Any]:
    """Nested settings as one level of names; tuples become lists, as a file holds them."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": v for inner, v in flattened(value).items()})
        else:
            flat[name] = list(value) if isinstance(value, tuple) else value
    return flat
