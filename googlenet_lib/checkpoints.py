"""The files of a run, which survive a crash: written whole or not at all, never unpickled."""

import errno
import io
import json
import os
import socket
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, SoftFileLock, Timeout

from googlenet_lib.errors import UsageError

BEST, LAST, HISTORY = "best.safetensors", "last.pt", "history.json"
LOCK = ".lock"  # there while a process trains into the folder, and after a kill, when it locks none
TEMPORARY = ".{name}.{process}.tmp"  # what a file is called until it is whole

NOT_OFFERED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
ADVICE = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        "what stood there before is as it was. Make room, then go on with --resume",
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "what stood there before is as it was. Allow writing there, then go on with --resume",
    ),
    **dict.fromkeys(
        (errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN, errno.ESTALE),
        "its folder is gone. Bring it back and go on with --resume, or start the run anew",
    ),
}
ANY_ADVICE = (
    "what stood there before is as it was. Go on with --resume once that is mended, or go on in a "
    "copy of the folder, named by --out"
)


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader finds the old file or the new one, never a part.

    A temporary file beside it is written, forced to disk and renamed. Where that fails, as on a
    full disk, the old file stays as it was and UsageError says what to do.
    """
    temporary = path.with_name(TEMPORARY.format(name=path.name, process=os.getpid()))
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            _force(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} could not be written ({error.strerror or error}); "
            f"{ADVICE.get(error.errno, ANY_ADVICE)}"
        ) from error
    finally:  # also when stopped by the keyboard; there is none once it was renamed
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    _force_directory(path.parent)


def _force(handle: int) -> None:
    """Bring a file to disk; where the file system cannot be asked to, it does so in its time."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise


def _force_directory(folder: Path) -> None:
    # On POSIX a rename outlasts a power cut only once its directory is on disk. Windows cannot
    # open one, nor can some network drives; the file is whole and in its place even so.
    if os.name == "posix":
        with suppress(OSError):
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
    what two runs must share to be one run: recipe, network, data and seed. In a `with` block the
    folder is this process's alone; the system lets go of it when the process is killed.
    """

    def __init__(self, path: Path | str, identity: dict[str, Any]) -> None:
        self.path = Path(path)
        self.identity = flattened(identity)

    def __enter__(self) -> "RunFolder":
        """Make the folder and keep other processes out, or raise UsageError if one is in."""
        sign = self.path / LOCK
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            sign.open("ab").close()
        except OSError as error:
            problem = "be written to" if self.path.is_dir() else "be made a folder"
            raise UsageError(
                f"{self.path} cannot {problem} ({error.strerror}); mend that, or choose another "
                "--out"
            ) from error
        self._lock = FileLock(sign)
        try:
            with warnings.catch_warnings(action="ignore"):  # filelock's; ours follows
                self._lock.acquire(timeout=0)
            offered = not isinstance(self._lock, SoftFileLock)
        except Timeout:
            offered = not isinstance(self._lock, SoftFileLock)
            if offered:
                raise UsageError(
                    f"{self.path} is in use: {_holder(sign)} trains into it. Wait until it has "
                    "ended, stop it, or choose another --out"
                ) from None
        except (OSError, NotImplementedError):
            offered = False
        if offered:
            with suppress(OSError):  # on Windows nobody else may open what is locked
                sign.write_text(
                    f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8"
                )
        else:
            # Such as a network drive. A lock file alone would outlast a kill and block the next.
            self._release()
            warnings.warn(
                f"{self.path} is on a file system without locks; that no second run uses the "
                "folder at the same time is for you to see to",
                stacklevel=3,
            )
        return self

    def __exit__(self, *error: object) -> None:
        self._release()

    def _release(self) -> None:
        with suppress(OSError):  # on Windows the lock's file goes when the lock does
            (self.path / LOCK).unlink(missing_ok=True)
        with suppress(OSError):
            self._lock.release()

    def load(self, *, resume: bool, device: torch.device) -> dict[str, Any] | None:
        """The state to go on from, or None where there is none yet.

        Raises UsageError for a folder with a run in it where none was to be resumed, or where
        the run there is another one.
        """
        last = self.path / LAST
        if last.exists() and not resume:
            raise UsageError(
                f"{self.path} already holds a run; go on with it by --resume, or choose another "
                "--out"
            )
        for name in (LAST, BEST, HISTORY, "run.json"):
            for unfinished in self.path.glob(TEMPORARY.format(name=name, process="*")):
                with suppress(OSError):  # left by a kill in the middle of a write
                    unfinished.unlink()
        if not last.exists():
            return None
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
        return state

    def save(self, state: dict[str, Any], best: bytes) -> None:
        """Write all three files; `best` is the content of `best.safetensors`."""
        save_checkpoint(self.path / LAST, {**state, "identity": self.identity})
        self.derive(state["history"], best)

    def derive(self, history: list, best: bytes) -> None:
        """Write what is made from `last.pt`: a kill may have come before this was done."""
        write_atomically(self.path / BEST, best)
        write_atomically(self.path / HISTORY, json.dumps(history, indent=1).encode())


def _holder(sign: Path) -> str:
    """Who wrote its name into the lock file, as far as it can be read."""
    with suppress(OSError, ValueError):
        return sign.read_text(encoding="utf-8") or "another process"
    return "another process"


def flattened(settings: dict[str, Any]) -> dict[str, Any]:
    """Nested settings as one level of names; tuples become lists, as a file holds them."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": v for inner, v in flattened(value).items()})
        else:
            flat[name] = list(value) if isinstance(value, tuple) else value
    return flat
