"""Files of a run: whole or not at all, nothing unpickled, another run's not mistaken for ours."""

import errno
import json
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import filelock
import pytest
import torch

from googlenet_lib.checkpoints import (
    BEST,
    HISTORY,
    LAST,
    LOCK,
    RunFolder,
    flattened,
    load_checkpoint,
    random_state,
    refuse_to_resume_nothing,
    restore_random_state,
    save_checkpoint,
    write_atomically,
)
from googlenet_lib.errors import UsageError

IDENTITY = {"recipe": {"lr": 0.1, "mean": (0.5, 0.5)}, "variant": "small", "seed": 0, "data": "abc"}
CPU = torch.device("cpu")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# ---- writing -------------------------------------------------------------------------------------


def test_content_is_written_over_what_was_there(tmp_path):
    path = tmp_path / "file"
    for content in (b"first", b"second, longer", b"3", b""):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert names(tmp_path) == ["file"]


def full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def fail_to_open(monkeypatch):
    monkeypatch.setattr(Path, "open", full_disk)


def fail_to_write(monkeypatch):
    really_open = Path.open

    def opened(path, mode="r", **how):
        file = really_open(path, mode, buffering=0, **how)
        if "w" not in mode:
            return file

        class Half:
            def __enter__(self):
                return self

            def __exit__(self, *error):
                file.close()

            def write(self, content):
                file.write(content[: len(content) // 2])
                full_disk()

        return Half()

    monkeypatch.setattr(Path, "open", opened)


def fail_to_force(monkeypatch):
    monkeypatch.setattr(os, "fsync", full_disk)


def fail_to_rename(monkeypatch):
    monkeypatch.setattr(os, "replace", full_disk)
    monkeypatch.setattr(Path, "replace", full_disk)


@pytest.mark.parametrize("failure", [fail_to_open, fail_to_write, fail_to_force, fail_to_rename])
def test_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, failure):
    path = tmp_path / "last.pt"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        failure(patch)
        with pytest.raises(UsageError, match=r"could not be written \(No space left on device\)"):
            write_atomically(path, b"the new content")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["last.pt"]


def test_content_is_on_disk_before_the_old_file_is_gone(tmp_path, monkeypatch):
    happened = []
    force, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (happened.append("fsync"), force(handle)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (happened.append("rename"), rename(self, to))
    )
    write_atomically(tmp_path / "file", b"content")
    assert happened[:2] == ["fsync", "rename"]
    if os.name == "posix":
        assert happened == ["fsync", "rename", "fsync"]  # the directory's


def test_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"run\.json could not be written .* its folder is gone"):
        write_atomically(tmp_path / "missing" / "run.json", b"")


def failing(code):
    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "is as it was. Make room, then go on with --resume"),
        (errno.EROFS, "is as it was. Allow writing there, then go on with --resume"),
        (errno.ENOENT, "its folder is gone. Bring it back and go on with --resume"),
        (errno.EIO, "is as it was. Go on with --resume once that is mended"),
    ],
)
def test_failure_says_what_to_do_even_where_nothing_can_be_removed(
    tmp_path, monkeypatch, code, advice
):
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", failing(code))
        patch.setattr(Path, "unlink", failing(code))  # as on a disk that is now read-only
        with pytest.raises(UsageError) as error:
            write_atomically(tmp_path / "last.pt", b"new")
    assert f"last.pt could not be written ({os.strerror(code)}); " in str(error.value)
    assert advice in str(error.value)


def test_error_without_a_text_of_its_own_is_shown(tmp_path, monkeypatch):
    def odd(*args):
        raise OSError("the drive says no")

    monkeypatch.setattr(Path, "replace", odd)
    with pytest.raises(UsageError, match=r"could not be written \(the drive says no\)"):
        write_atomically(tmp_path / "last.pt", b"new")
    assert names(tmp_path) == []


def test_interrupted_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    (tmp_path / "last.pt").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "last.pt", b"new")
    assert (tmp_path / "last.pt").read_bytes() == b"old"
    assert names(tmp_path) == ["last.pt"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_drive_that_cannot_be_forced_is_written_to_all_the_same(tmp_path, monkeypatch, code):
    monkeypatch.setattr(os, "fsync", failing(code))
    write_atomically(tmp_path / "last.pt", b"new")
    assert (tmp_path / "last.pt").read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="only POSIX forces directories to disk")
def test_directory_that_cannot_be_opened_does_no_harm(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "open", failing(errno.EIO))
    write_atomically(tmp_path / "last.pt", b"new")
    assert (tmp_path / "last.pt").read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="only POSIX forces directories to disk")
def test_directory_that_cannot_be_forced_does_no_harm(tmp_path, monkeypatch):
    force, asked = os.fsync, []

    def fail_the_second_time(handle):
        asked.append(handle)
        if len(asked) == 2:
            failing(errno.EIO)()
        force(handle)

    monkeypatch.setattr(os, "fsync", fail_the_second_time)
    write_atomically(tmp_path / "last.pt", b"new")
    assert len(asked) == 2
    assert (tmp_path / "last.pt").read_bytes() == b"new"


# ---- checkpoints ---------------------------------------------------------------------------------


def test_checkpoint_comes_back_as_it_was(tmp_path):
    state = {
        "tensor": torch.arange(6.0).view(2, 3),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "nested": {"list": [1, 2.5, "text", None, True]},
    }
    save_checkpoint(tmp_path / "a.pt", state)
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert torch.equal(loaded["tensor"], state["tensor"])
    assert torch.equal(loaded["half"], state["half"])
    assert loaded["nested"] == state["nested"]


def test_missing_checkpoint(tmp_path):
    with pytest.raises(UsageError, match=r"was not found; expected the last\.pt of a run"):
        load_checkpoint(tmp_path / "last.pt")


def test_damaged_checkpoint_is_refused_however_it_is_damaged(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"tensor": torch.zeros(1000)})
    whole = path.read_bytes()
    for content in (b"", b"garbage", whole[:100], whole[:-1], whole[:-200], b"\0" * len(whole)):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="cannot be read as a checkpoint") as error:
            load_checkpoint(path)
        assert "weights_only" not in str(error.value)  # torch advises to unpickle what comes


def test_checkpoint_of_an_older_version_has_no_checksum(tmp_path):
    state = {"tensor": torch.arange(3)}
    torch.save(state, tmp_path / "last.pt")
    assert torch.equal(load_checkpoint(tmp_path / "last.pt")["tensor"], state["tensor"])


def test_checkpoint_that_is_not_as_it_was_written(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"tensor": torch.arange(3.0), "lr": 0.1, "nested": [{"a": 1}]})
    whole = torch.load(path, weights_only=True)
    for change in ({"lr": 0.2}, {"tensor": torch.zeros(3)}, {"nested": [{"a": 2}]}, {"more": 1}):
        torch.save(whole | change, path)
        with pytest.raises(UsageError, match=r"last\.pt .* checksum is another"):
            load_checkpoint(path)
    for content in ([1], "text", None):
        torch.save(content, path)
        with pytest.raises(UsageError, match="not written by this library: it holds a"):
            load_checkpoint(path)


@pytest.mark.parametrize("older", [True, False])
def test_no_flipped_bit_of_a_checkpoint_changes_a_number(tmp_path, older):
    path, draw = tmp_path / "last.pt", random.Random(0)
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


def test_a_lack_of_memory_is_no_damage(tmp_path, monkeypatch):
    def load(*args, **how):
        raise MemoryError

    save_checkpoint(tmp_path / "last.pt", {})
    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(UsageError, match="for lack of memory"):
        load_checkpoint(tmp_path / "last.pt")


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.mkdir, (self.marker,)


def test_checkpoint_that_carries_code_runs_nothing(tmp_path):
    marker = tmp_path / "it ran"
    torch.save({"model": Evil(marker)}, tmp_path / "last.pt")
    with pytest.raises(UsageError, match="cannot be read as a checkpoint"):
        load_checkpoint(tmp_path / "last.pt")
    assert not marker.exists()
    torch.load(tmp_path / "last.pt", weights_only=False)  # it would have run
    assert marker.exists()


def test_random_state_goes_on_where_it_was(tmp_path):
    torch.manual_seed(0)
    torch.rand(5)
    save_checkpoint(tmp_path / "a.pt", random_state())
    expected = torch.rand(5)
    torch.manual_seed(1)
    restore_random_state(load_checkpoint(tmp_path / "a.pt"))
    assert torch.equal(torch.rand(5), expected)


# ---- the folder of a run -------------------------------------------------------------------------


def saved(folder, identity=IDENTITY):
    run = RunFolder(folder, identity)
    assert run.load(resume=False, device=CPU) is None
    run.path.mkdir(parents=True, exist_ok=True)
    run.save({"epochs": 3, "history": [{"epoch": 1}]}, b"best weights")
    return run


def test_folder_is_made_and_filled(tmp_path):
    folder = tmp_path / "runs" / "new"
    with RunFolder(folder, IDENTITY):
        saved(folder)
    assert names(folder) == sorted([BEST, HISTORY, LAST])
    assert (folder / BEST).read_bytes() == b"best weights"
    assert json.loads((folder / HISTORY).read_text(encoding="utf-8")) == [{"epoch": 1}]


def test_run_is_resumed_by_the_same_identity(tmp_path):
    saved(tmp_path)
    state = RunFolder(tmp_path, dict(IDENTITY)).load(resume=True, device=CPU)
    assert state["epochs"] == 3
    assert RunFolder(tmp_path / "empty", IDENTITY).load(resume=True, device=CPU) is None


def test_folder_with_a_run_in_it_is_not_overwritten(tmp_path):
    saved(tmp_path)
    with pytest.raises(UsageError, match="already holds a run; go on with it by --resume"):
        RunFolder(tmp_path, IDENTITY).load(resume=False, device=CPU)


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("left", [[BEST], [HISTORY], ["run.json"], [BEST, HISTORY, "run.json"]])
@pytest.mark.parametrize("last", ["gone", "a link to nothing"])
def test_run_without_its_last_pt_is_not_overwritten(tmp_path, left, last, resume):
    for name in left:
        (tmp_path / name).write_bytes(b"of a finished run")
    if last != "gone":
        (tmp_path / LAST).symlink_to(tmp_path / "disk that is not mounted" / LAST)
    with pytest.raises(UsageError, match=r"of a run, but last\.pt is gone|already holds a run"):
        RunFolder(tmp_path, IDENTITY).load(resume=resume, device=CPU)
    assert all((tmp_path / name).read_bytes() == b"of a finished run" for name in left)


def test_runs_of_older_versions_lack_what_came_since(tmp_path):
    saved(tmp_path)
    newer = {**IDENTITY, "recipe": {**IDENTITY["recipe"], "clip": 0.0}}
    defaults = {"recipe": {"clip": 0.0, "lr": 9.0}}
    assert RunFolder(tmp_path, newer, defaults).load(resume=True, device=CPU)["epochs"] == 3
    newer["recipe"]["clip"] = 1.0
    with pytest.raises(UsageError, match=r"with recipe\.clip=0\.0; this one has recipe\.clip=1\.0"):
        RunFolder(tmp_path, newer, defaults).load(resume=True, device=CPU)
    with pytest.raises(UsageError, match=r"with recipe\.clip=None; this one"):
        RunFolder(tmp_path, newer).load(resume=True, device=CPU)


def test_run_of_a_newer_version_is_another_run(tmp_path):
    saved(tmp_path, {**IDENTITY, "novel": 1})
    with pytest.raises(UsageError, match="with novel=1; this one has novel=None"):
        RunFolder(tmp_path, IDENTITY).load(resume=True, device=CPU)


@pytest.mark.parametrize("identity", [None, [], "x", {"seed": torch.zeros(2)}])
def test_identity_that_is_none(tmp_path, identity):
    save_checkpoint(tmp_path / LAST, {"identity": identity})
    with pytest.raises(UsageError, match="is damaged, or not written by this library"):
        RunFolder(tmp_path, IDENTITY).load(resume=True, device=CPU)


@pytest.mark.parametrize(
    ("holds", "begun"),
    [
        (None, False),
        (["pictures"], False),
        ([], True),
        ([LOCK, f".{LAST}.4711.tmp", "tensorboard"], True),
        ([LAST], True),
        ([BEST, "notes.txt"], True),
    ],
)
def test_nothing_to_resume_is_said(tmp_path, holds, begun):
    folder = tmp_path / "run"
    if holds is not None:
        folder.mkdir()
        for name in holds:
            (folder / name).touch()
    if begun:
        refuse_to_resume_nothing(folder)
    else:
        with pytest.raises(UsageError, match=r"holds no run to go on with; check --out"):
            refuse_to_resume_nothing(folder)


@pytest.mark.parametrize(
    ("name", "change", "came", "wanted"),
    [
        ("recipe.lr", {"recipe": {"lr": 0.2, "mean": (0.5, 0.5)}}, "0.1", "0.2"),
        ("recipe.mean", {"recipe": {"lr": 0.1, "mean": (0.4, 0.5)}}, "[0.5, 0.5]", "[0.4, 0.5]"),
        ("variant", {"variant": "paper"}, "small", "paper"),
        ("seed", {"seed": 7}, "0", "7"),
        ("data", {"data": "xyz"}, "abc", "xyz"),
        ("heads", {"heads": True}, "None", "True"),
    ],
)
def test_other_run_is_refused_and_only_what_differs_is_named(tmp_path, name, change, came, wanted):
    saved(tmp_path)
    with pytest.raises(UsageError) as error:
        RunFolder(tmp_path, {**IDENTITY, **change}).load(resume=True, device=CPU)
    text = str(error.value)
    assert f"belongs to another run, with {name}={came}; this one has {name}={wanted}." in text
    assert text.count("=") == 2


def test_several_differences_are_all_named(tmp_path):
    saved(tmp_path)
    with pytest.raises(UsageError, match=r"with variant=small, seed=0; .* variant=paper, seed=7"):
        RunFolder(tmp_path, {**IDENTITY, "variant": "paper", "seed": 7}).load(
            resume=True, device=CPU
        )


def test_what_a_kill_left_unfinished_is_cleared(tmp_path):
    saved(tmp_path)
    for name in (LAST, BEST, HISTORY, "run.json"):
        (tmp_path / f".{name}.4711.tmp").write_bytes(b"half of it")
    RunFolder(tmp_path, IDENTITY).load(resume=True, device=CPU)
    assert names(tmp_path) == sorted([BEST, HISTORY, LAST])


@pytest.mark.parametrize("resume", [False, True])
def test_what_a_kill_left_before_the_first_checkpoint_is_cleared_too(tmp_path, resume):
    (tmp_path / f".{LAST}.4711.tmp").write_bytes(b"half of it")
    (tmp_path / ".somebody.else.tmp").touch()
    assert RunFolder(tmp_path, IDENTITY).load(resume=resume, device=CPU) is None
    assert names(tmp_path) == [".somebody.else.tmp"]


def test_a_file_in_the_place_of_the_folder_is_refused_before_training(tmp_path):
    (tmp_path / "taken").touch()
    for path in (tmp_path / "taken", tmp_path / "taken" / "deeper"):
        with (
            pytest.raises(UsageError, match=r"cannot be made a folder .* another --out"),
            RunFolder(path, IDENTITY),
        ):
            pass


def test_folder_that_cannot_be_written_to_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "open", failing(errno.EROFS))
    with (
        pytest.raises(UsageError, match=r"cannot be written to .* another --out"),
        RunFolder(tmp_path, IDENTITY),
    ):
        pass


def test_full_disk_at_any_of_the_three_files_leaves_whole_ones(tmp_path, monkeypatch):
    run = saved(tmp_path)
    rename = Path.replace
    state = {"epochs": 4, "history": [{"epoch": 1}, {"epoch": 2}]}
    for name in (LAST, BEST, HISTORY):

        def fail(self, to, name=name):
            if to.name == name:
                full_disk()
            return rename(self, to)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", fail)
            with pytest.raises(UsageError, match=f"{name} could not be written"):
                run.save(state, b"better weights")
        assert names(tmp_path) == sorted([BEST, HISTORY, LAST])
        assert run.load(resume=True, device=CPU)["epochs"] in (3, 4)
        assert (tmp_path / BEST).read_bytes() in (b"best weights", b"better weights")
        assert len(json.loads((tmp_path / HISTORY).read_text(encoding="utf-8"))) in (1, 2)


# ---- one process at a time -----------------------------------------------------------------------


def enter(folder):
    with RunFolder(folder, IDENTITY):
        pass


def test_second_run_in_a_folder_is_refused_until_the_first_has_ended(tmp_path):
    with RunFolder(tmp_path, IDENTITY) as first:
        said = []
        for _ in range(2):  # being refused changes nothing
            with pytest.raises(UsageError, match="is in use: ") as error:
                enter(tmp_path)
            said.append(str(error.value))
        first.save({"history": []}, b"")
    text = said[0]  # a refusal may empty the file that names the process
    assert f"{tmp_path} is in use: " in text
    assert f"process {os.getpid()} on " in text or os.name != "posix"
    assert "Wait until it has ended, stop it, or choose another --out" in text
    assert names(tmp_path) == sorted([BEST, HISTORY, LAST])
    enter(tmp_path)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, UsageError, MemoryError])
def test_folder_is_let_go_whatever_ends_the_run(tmp_path, failure):
    # the traceback is kept meanwhile, as a notebook keeps the last one
    with pytest.raises(failure) as kept, RunFolder(tmp_path, IDENTITY):
        raise failure
    enter(tmp_path)
    assert names(tmp_path) == []
    assert kept.tb


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
            enter(tmp_path)
        process.kill()
    assert (tmp_path / LOCK).exists()  # nobody was there to remove it
    assert RunFolder(tmp_path, IDENTITY).load(resume=False, device=CPU) is None  # it is no run
    enter(tmp_path)
    assert names(tmp_path) == []


def test_folder_may_vanish_before_the_run_ends(tmp_path):
    folder = tmp_path / "run"
    with RunFolder(folder, IDENTITY) as run:
        (folder / LOCK).rename(tmp_path / "elsewhere")
        folder.rmdir()
        with pytest.raises(UsageError, match=r"last\.pt could not be written .* folder is gone"):
            run.save({"history": []}, b"")
    assert not folder.exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOTSUP, "Operation not supported"),
        OSError(errno.EINVAL, "Invalid argument"),
        NotImplementedError("no flock"),  # what filelock once raised for ENOSYS
    ],
)
def test_file_system_without_locks_is_used_with_a_warning(tmp_path, monkeypatch, error):
    def refuse(self, **how):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.warns(UserWarning, match="on a file system without locks; .* is for you to see to"):
        run = RunFolder(tmp_path, IDENTITY).__enter__()
    assert names(tmp_path) == []  # nothing that would block the next run after a kill
    run.save({"history": []}, b"")
    run.__exit__()
    assert names(tmp_path) == sorted([BEST, HISTORY, LAST])


@pytest.mark.skipif(os.name != "posix", reason="flock is POSIX's")
def test_no_lock_file_takes_the_place_of_a_lock_that_the_system_lacks(tmp_path, monkeypatch):
    import fcntl

    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOSYS))
    for _ in range(2):  # filelock turns to a file that would outlast a kill
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with RunFolder(tmp_path, IDENTITY):
                assert names(tmp_path) == []
        assert ["file system without locks" in str(w.message) for w in caught] == [True]


def test_identity_is_flattened():
    assert flattened({"a": {"b": {"c": 1}, "d": (1, 2)}, "e": None}) == {
        "a.b.c": 1,
        "a.d": [1, 2],
        "e": None,
    }
