"""The files of a run, which survive a crash: written whole or not at all, never unpickled."""

import errno
import io
import json
import os
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from googlenet_lib.device import is_memory_error
from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import compute_checksum, is_file, is_folder, refuse_damage

BEST, LAST, HISTORY = "best.safetensors", "last.pt", "history.json"
RUN_FILE = "run.json"
LOCK = ".lock"  # there while a process trains into the folder, and after a kill, when it locks none
TEMPORARY = ".{name}.{process}.tmp"  # what a file is called until it is whole

ANEW = "bring back a copy of it, or start the run anew in another --out"


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader finds the old file or the new one, never a part.

    Write a temporary file beside it, force it to disk and rename it. Raises UsageError where that
    fails, as on a full disk; the old file is then as it was.
    """
    temporary = path.with_name(TEMPORARY.format(name=path.name, process=os.getpid()))
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            _force_to_disk(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} could not be written ({error.strerror or error}); what stood there before is "
            "as it was. Mend that, then go on with --resume"
        ) from error
    finally:  # also when stopped by the keyboard; there is none once it was renamed
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    # A rename outlasts a power cut only once its directory is on disk. Windows and some network
    # drives cannot open one; the file is whole and in its place even so.
    with suppress(OSError):
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _force_to_disk(handle: int) -> None:
    """Force a file to disk, unless its file system (some network drives) has no such order."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, texts, lists and dicts of them) atomically to `path`."""
    buffer = io.BytesIO()
    torch.save({**state, "sha256": compute_checksum(state)}, buffer)
    write_atomically(path, buffer.getbuffer())


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, its tensors on `device`."""
    if not is_file(path):
        raise UsageError(f"{path} was not found; expected the last.pt of a run that was stopped")
    with refuse_damage(path, "a checkpoint", ANEW):
        state = _unpack(path, device)
        if not isinstance(state, dict):
            raise ValueError(f"it holds a {type(state).__name__}, expected a dict")
        known = state.pop("sha256", None)  # None in older files
        if known not in (None, compute_checksum(state)):
            raise ValueError("its checksum is another, so that it is not what was written")
    return state


def _unpack(path: Path, device: torch.device | str) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(part.file_size for part in archive.infolist())
            if claimed > path.stat().st_size or archive.testzip():
                raise ValueError("a part of it is not as it was written")
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # many kinds; and a text that advises to unpickle what comes
        if is_memory_error(error):
            raise
        raise ValueError(f"it is no whole file of torch.save ({type(error).__name__})") from error


def clear_unfinished(folder: Path, *names: str) -> None:
    """Remove what kills in the middle of writing files of these names have left in `folder`."""
    for name in names:
        for unfinished in folder.glob(TEMPORARY.format(name=name, process="*")):
            with suppress(OSError):
                unfinished.unlink()


def get_random_state() -> dict[str, Any]:
    """Return the state of torch's generators, which dropout draws from."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(state: dict[str, Any]) -> None:
    """Put torch's generators back to what `get_random_state` returned, where there are any."""
    torch.set_rng_state(state["cpu"].cpu())
    if torch.cuda.is_available():  # perhaps with fewer GPUs than there were
        for number, one in enumerate(state.get("cuda", ())[: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(one.cpu(), number)
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"].cpu())


class RunFolder:
    """The folder of one run: `last.pt`, `best.safetensors` and `history.json`.

    `last.pt` alone decides how the run goes on; the other two are made from it. `identity` is
    what two runs must share to be one run: recipe, network, data and seed. `defaults` is what
    parts of it are in runs of older versions, which do not name them. In a `with` block the folder
    is this process's alone; the system lets go of it when the process is killed.
    """

    def __init__(
        self, path: Path | str, identity: dict[str, Any], defaults: dict[str, Any] | None = None
    ) -> None:
        self.path = Path(path)
        self.identity = flatten(identity)
        self.defaults = flatten(defaults or {})

    def __enter__(self) -> "RunFolder":
        """Make the folder and keep other processes out, or raise UsageError if one is in."""
        sign = self.path / LOCK
        self._lock = FileLock(sign)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            sign.open("ab").close()
            if not _has_locks(sign):  # filelock would take the file itself for a lock
                sign.unlink()  # which would outlast a kill and block the next run
                warnings.warn(
                    f"{self.path} is on a file system without locks; take care yourself that no "
                    "second run uses the folder at the same time",
                    stacklevel=3,
                )
                return self
            self._lock.acquire(timeout=0)
        except (Timeout, BlockingIOError):
            raise UsageError(
                f"{self.path} is in use: another process trains into it. Wait until it has ended, "
                "stop it, or choose another --out"
            ) from None
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be the folder of a run ({error.strerror or error}); mend "
                "that, or choose another --out"
            ) from error
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # on Windows the lock's file goes when the lock does
            (self.path / LOCK).unlink(missing_ok=True)
        with suppress(OSError):
            self._lock.release()

    def load(self, *, resume: bool, device: torch.device) -> dict[str, Any] | None:
        """Load the state to go on from, or None where there is none yet.

        Raises UsageError for a folder with a run in it where none was to be resumed, or where
        the run there is another one, damaged, or has lost its `last.pt`.
        """
        last = self.path / LAST
        files = list_run_files(self.path)
        if files and not resume:
            raise UsageError(
                f"{self.path} already holds a run; go on with it by --resume, or choose another "
                "--out"
            )
        if files and not last.exists():
            raise UsageError(
                f"{self.path} holds {', '.join(files)} of a run, but {LAST} is gone, from which "
                "alone it could go on. Bring it back, or choose another --out"
            )
        clear_unfinished(self.path, LAST, BEST, HISTORY, RUN_FILE)
        if not files:
            return None
        state = load_checkpoint(last, device)
        with refuse_damage(last, "a checkpoint", ANEW):
            if not isinstance(state.get("identity"), dict):
                raise ValueError("it does not say which run it is of")
            # plain values, nothing else
            theirs = self.defaults | json.loads(json.dumps(state["identity"]))
        ours = self.identity
        names = [name for name in ours | theirs if theirs.get(name) != ours.get(name)]
        if names:
            came, expected = (
                ", ".join(f"{name}={side.get(name)}" for name in names) for side in (theirs, ours)
            )
            raise UsageError(
                f"{last} belongs to another run, with {came}; this one has {expected}. Repeat the "
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


def list_run_files(folder: Path) -> list[str]:
    """List the files of a run in `folder`; a link counts that leads nowhere at the moment."""
    return [name for name in (LAST, BEST, HISTORY, RUN_FILE) if os.path.lexists(folder / name)]


def refuse_to_resume_nothing(folder: Path) -> None:
    """Raise UsageError where no run has begun in `folder`, whose name may be mistyped.

    A run that was stopped before its first checkpoint leaves a folder that holds nothing else.
    """
    made = {"tensorboard"}
    if list_run_files(folder) or (
        is_folder(folder)
        and all(path.name in made or path.name.startswith(".") for path in folder.iterdir())
    ):
        return
    raise UsageError(
        f"--resume came, but {folder} holds no run to go on with; check --out, or leave out "
        "--resume to start a new run there"
    )


def _has_locks(sign: Path) -> bool:
    """Ask the system for a lock, which some network drives refuse.

    Raises BlockingIOError if another process holds it. (filelock says so too, but some of its
    versions empty the file before.)
    """
    if os.name != "posix":
        return True
    import fcntl

    try:
        with sign.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def flatten(settings: dict[str, Any]) -> dict[str, Any]:
    """Bring nested settings to one level of names; tuples become lists, as a file holds them."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": v for inner, v in flatten(value).items()})
        else:
            flat[name] = list(value) if isinstance(value, tuple) else value
    return flat
