"""Files of a run: whole or not at all, nothing unpickled, another run's not mistaken for ours."""

import errno
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from samples import CAN_LINK

from googlenet_lib.errors import UsageError
from googlenet_lib.training.checkpoint import (
    BEST,
    HISTORY,
    LAST,
    LOCK,
    RunFolder,
    get_random_state,
    load_checkpoint,
    refuse_to_resume_nothing,
    restore_random_state,
    save_checkpoint,
    write_atomically,
)

IDENTITY = {"recipe": {"lr": 0.1, "mean": (0.5, 0.5)}, "variant": "small", "seed": 0, "data": "abc"}
CPU = torch.device("cpu")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# ---- writing -------------------------------------------------------------------------------------


def fail(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupt(*args):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("place", "name", "failure", "raised"),
    [
        (Path, "open", fail, UsageError),
        (os, "fsync", fail, UsageError),
        (Path, "replace", fail, UsageError),
        (os, "fsync", interrupt, KeyboardInterrupt),
    ],
)
def test_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path, monkeypatch, place, name, failure, raised
):
    path = tmp_path / LAST
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(place, name, failure)
        with pytest.raises(raised) as error:
            write_atomically(path, b"the new content")
    if raised is UsageError:
        assert "could not be written (No space left on device)" in str(error.value)
        assert "--resume" in str(error.value)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == [LAST]


def test_content_is_on_disk_before_the_old_file_is_gone(tmp_path, monkeypatch):
    happened = []
    force, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (happened.append("fsync"), force(handle)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (happened.append("rename"), rename(self, to))
    )
    for content in (b"first", b"second, longer", b""):
        happened.clear()
        write_atomically(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
        # the last is the directory's
        assert happened == ["fsync", "rename"] + ["fsync"] * (os.name == "posix")


# ---- checkpoints ---------------------------------------------------------------------------------


def test_checkpoint_comes_back_as_it_was(tmp_path):
    state = {
        "tensor": torch.arange(6.0).view(2, 3),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "nested": {"list": [1, 2.5, "text", None, True]},
    }
    save_checkpoint(tmp_path / "new.pt", state)
    torch.save(state, tmp_path / "older.pt")  # which had no checksum
    for name in ("new.pt", "older.pt"):
        loaded = load_checkpoint(tmp_path / name)
        assert torch.equal(loaded["tensor"], state["tensor"])
        assert torch.equal(loaded["half"], state["half"])
        assert loaded["nested"] == state["nested"]


def test_damaged_and_foreign_checkpoints_are_refused(tmp_path):
    path = tmp_path / LAST
    with pytest.raises(UsageError, match="was not found"):
        load_checkpoint(path)
    save_checkpoint(path, {"tensor": torch.arange(1000.0), "lr": 0.1})
    whole, state = path.read_bytes(), torch.load(path, weights_only=True)
    damaged = [b"", b"garbage", whole[:100], whole[:-1], whole[:-200], b"\0" * len(whole)]
    for other in ({**state, "lr": 0.2}, {**state, "more": 1}, [1], "text", None):
        torch.save(other, path)
        damaged.append(path.read_bytes())
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(UsageError, match="cannot be read as a checkpoint") as error:
            load_checkpoint(path)
        assert "weights_only" not in str(error.value)  # torch advises to unpickle what comes


@pytest.mark.parametrize("older", [True, False])
def test_no_flipped_bit_of_a_checkpoint_changes_a_number(tmp_path, older):
    path, draw = tmp_path / LAST, random.Random(0)
    state = {"tensor": torch.rand(2000), "nested": [{"lr": 0.1}]}
    torch.save(state, path) if older else save_checkpoint(path, state)
    whole, noticed = path.read_bytes(), 0
    for _ in range(60):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        try:
            found = load_checkpoint(path)
        except UsageError:
            noticed += 1
        else:
            assert torch.equal(found["tensor"], state["tensor"])
            assert found["nested"] == state["nested"]
    assert noticed > 40  # the rest hit what nobody reads


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.mkdir, (self.marker,)


def test_checkpoint_that_carries_code_runs_nothing(tmp_path):
    marker = tmp_path / "it ran"
    torch.save({"model": Evil(marker)}, tmp_path / LAST)
    with pytest.raises(UsageError, match="cannot be read as a checkpoint"):
        load_checkpoint(tmp_path / LAST)
    assert not marker.exists()
    torch.load(tmp_path / LAST, weights_only=False)  # it would have run
    assert marker.exists()


def test_generators_of_gpus_that_are_not_there_are_left_out(monkeypatch):
    """A run of two GPUs may go on with one; a tensor says here what a generator was set to."""
    found = {}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(
        torch.cuda, "set_rng_state", lambda one, number: found.update({number: one})
    )
    state = {"cpu": torch.get_rng_state(), "cuda": [torch.tensor(1), torch.tensor(2)]}
    restore_random_state(state)
    assert found == {0: torch.tensor(1)}


def test_generator_of_an_apple_gpu_is_kept(monkeypatch):
    found = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: torch.tensor(3))
    monkeypatch.setattr(torch.mps, "set_rng_state", found.append)
    restore_random_state(get_random_state())
    assert found == [torch.tensor(3)]


# ---- the folder of a run -------------------------------------------------------------------------


def saved(folder, identity=IDENTITY):
    run = RunFolder(folder, identity)
    assert run.load(resume=False, device=CPU) is None
    run.path.mkdir(parents=True, exist_ok=True)
    run.save({"epochs": 3, "history": [{"epoch": 1}]}, b"best weights")
    return run


def resumed(folder, identity=IDENTITY, *defaults):
    return RunFolder(folder, identity, *defaults).load(resume=True, device=CPU)


def test_folder_is_filled_and_gone_on_with_only_when_asked(tmp_path):
    folder = tmp_path / "runs" / "new"
    assert resumed(folder) is None
    with RunFolder(folder, IDENTITY):
        saved(folder)
    assert names(folder) == sorted([BEST, HISTORY, LAST])
    assert (folder / BEST).read_bytes() == b"best weights"
    assert json.loads((folder / HISTORY).read_text(encoding="utf-8")) == [{"epoch": 1}]
    assert resumed(folder)["epochs"] == 3
    with pytest.raises(UsageError, match="already holds a run; go on with it by --resume"):
        RunFolder(folder, IDENTITY).load(resume=False, device=CPU)


@pytest.mark.parametrize(
    ("left", "last", "resume"),
    [
        ([BEST], "gone", True),
        ([BEST], "a link to nothing", True),
        (["run.json"], "gone", False),
    ],
)
def test_run_without_its_last_pt_is_not_overwritten(tmp_path, left, last, resume):
    for name in left:
        (tmp_path / name).write_bytes(b"of a finished run")
    if last != "gone":
        if not CAN_LINK:
            pytest.skip("no links here")
        (tmp_path / LAST).symlink_to(tmp_path / "disk that is not mounted" / LAST)
    with pytest.raises(UsageError, match=r"of a run, but last\.pt is gone|already holds a run"):
        RunFolder(tmp_path, IDENTITY).load(resume=resume, device=CPU)
    assert all((tmp_path / name).read_bytes() == b"of a finished run" for name in left)


def test_runs_of_older_versions_lack_what_came_since(tmp_path):
    saved(tmp_path)
    newer = {**IDENTITY, "recipe": {**IDENTITY["recipe"], "clip": 0.0}}
    defaults = {"recipe": {"clip": 0.0, "lr": 9.0}}
    assert resumed(tmp_path, newer, defaults)["epochs"] == 3
    newer["recipe"]["clip"] = 1.0
    with pytest.raises(UsageError, match=r"with recipe\.clip=0\.0; this one has recipe\.clip=1\.0"):
        resumed(tmp_path, newer, defaults)


@pytest.mark.parametrize(
    ("change", "came", "wanted"),
    [
        ({"recipe": {"lr": 0.2, "mean": (0.5, 0.5)}}, "recipe.lr=0.1", "recipe.lr=0.2"),
        ({"variant": "paper", "seed": 7}, "variant=small, seed=0", "variant=paper, seed=7"),
        ({"novel": 1}, "novel=None", "novel=1"),
    ],
)
def test_what_differs_from_another_run_is_named(tmp_path, change, came, wanted):
    saved(tmp_path / "a")
    saved(tmp_path / "b", {**IDENTITY, **change})
    for folder, identity in (("a", {**IDENTITY, **change}), ("b", IDENTITY)):
        with pytest.raises(UsageError, match="belongs to another run") as error:
            resumed(tmp_path / folder, identity)
        assert came in str(error.value)
        assert wanted in str(error.value)
        assert "lr" not in str(error.value) or "lr" in came


@pytest.mark.parametrize("identity", [None, [], "x", {"seed": torch.zeros(2)}])
def test_identity_that_is_none(tmp_path, identity):
    save_checkpoint(tmp_path / LAST, {"identity": identity})
    with pytest.raises(UsageError, match="is damaged, or not written by this library"):
        resumed(tmp_path)


def test_nothing_to_resume_is_said(tmp_path):
    for number, names in enumerate(([LOCK, f".{LAST}.4711.tmp", "tensorboard"], [BEST, "notes"])):
        (tmp_path / str(number)).mkdir()
        for name in names:
            (tmp_path / str(number) / name).touch()
        refuse_to_resume_nothing(tmp_path / str(number))
    for folder in (tmp_path, tmp_path / "mistyped"):
        with pytest.raises(UsageError, match=r"holds no run to go on with; check --out"):
            refuse_to_resume_nothing(folder)


def test_what_a_kill_left_unfinished_is_cleared(tmp_path):
    for left in (LAST, "somebody.else"):
        (tmp_path / f".{left}.4711.tmp").write_bytes(b"half of it")
    saved(tmp_path)
    for name in (LAST, BEST, HISTORY, "run.json"):
        (tmp_path / f".{name}.4711.tmp").write_bytes(b"half of it")
    resumed(tmp_path)
    assert names(tmp_path) == sorted([BEST, HISTORY, LAST, ".somebody.else.4711.tmp"])


@pytest.mark.parametrize("place", ["taken", "taken/deeper"])
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, place):
    (tmp_path / "taken").touch()
    with pytest.raises(UsageError, match="choose another --out"):
        RunFolder(tmp_path / place, IDENTITY).__enter__()


# ---- one process at a time -----------------------------------------------------------------------


def test_second_run_is_refused_until_the_first_has_ended_however_it_ends(tmp_path):
    def first():
        with RunFolder(tmp_path, IDENTITY) as run:
            with pytest.raises(UsageError, match="is in use: another process trains into it"):
                RunFolder(tmp_path, IDENTITY).__enter__()
            run.save({"history": []}, b"")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as kept:
        first()
    with RunFolder(tmp_path, IDENTITY):
        pass
    assert names(tmp_path) == sorted([BEST, HISTORY, LAST])
    assert kept.tb  # the traceback is kept meanwhile, as a notebook keeps the last one


HOLD = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock_of_another_process_holds_until_it_is_killed(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / LOCK)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline().strip() == b"held"
        with pytest.raises(UsageError, match="is in use: another process trains into it"):
            RunFolder(tmp_path, IDENTITY).__enter__()
        process.kill()
    assert (tmp_path / LOCK).exists()  # nobody was there to remove it
    assert RunFolder(tmp_path, IDENTITY).load(resume=False, device=CPU) is None  # it is no run
    with RunFolder(tmp_path, IDENTITY):
        pass
    assert names(tmp_path) == []


def refuse(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.skipif(os.name != "posix", reason="flock is POSIX's")
def test_file_system_without_locks_is_used_with_a_warning(tmp_path, monkeypatch):
    """Twice: filelock would turn to a file, which outlasts a kill."""
    monkeypatch.setattr("fcntl.flock", refuse(errno.ENOSYS))
    for _ in range(2):
        run = RunFolder(tmp_path / "run", IDENTITY)
        with pytest.warns(UserWarning, match="on a file system without locks"), run:
            assert list(run.path.iterdir()) == []


def test_file_system_without_fsync_is_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", refuse(errno.EINVAL))
    write_atomically(tmp_path / "file", b"all")
    assert (tmp_path / "file").read_bytes() == b"all"
