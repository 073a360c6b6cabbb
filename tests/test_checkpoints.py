"""Files of a run: whole or not at all, nothing unpickled, another run's not mistaken for ours."""

import errno
import json
import os
from pathlib import Path

import pytest
import torch

from googlenet_lib.checkpoints import (
    BEST,
    HISTORY,
    LAST,
    RunFolder,
    flattened,
    load_checkpoint,
    random_state,
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
    with pytest.raises(UsageError, match=r"run\.json could not be written"):
        write_atomically(tmp_path / "missing" / "run.json", b"")


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
    run.save({"epochs": 3}, [{"epoch": 1}], b"best weights")
    return run


def test_folder_is_made_and_filled(tmp_path):
    folder = tmp_path / "runs" / "new"
    saved(folder)
    assert names(folder) == sorted([BEST, HISTORY, LAST])
    assert (folder / BEST).read_bytes() == b"best weights"
    assert json.loads((folder / HISTORY).read_text()) == [{"epoch": 1}]


def test_run_is_resumed_by_the_same_identity(tmp_path):
    saved(tmp_path)
    state = RunFolder(tmp_path, dict(IDENTITY)).load(resume=True, device=CPU)
    assert state["epochs"] == 3
    assert RunFolder(tmp_path / "empty", IDENTITY).load(resume=True, device=CPU) is None


def test_folder_with_a_run_in_it_is_not_overwritten(tmp_path):
    saved(tmp_path)
    with pytest.raises(UsageError, match="already holds a run; go on with it by --resume"):
        RunFolder(tmp_path, IDENTITY).load(resume=False, device=CPU)


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
    for name in (LAST, BEST):
        (tmp_path / f".{name}.4711.tmp").write_bytes(b"half of it")
    RunFolder(tmp_path, IDENTITY).load(resume=True, device=CPU)
    assert names(tmp_path) == sorted([BEST, HISTORY, LAST])


def test_a_file_in_the_place_of_the_folder_is_refused_before_training(tmp_path):
    (tmp_path / "taken").touch()
    for path in (tmp_path / "taken", tmp_path / "taken" / "deeper"):
        with pytest.raises(UsageError, match=r"cannot be made a folder .* another --out"):
            RunFolder(path, IDENTITY).load(resume=False, device=CPU)


def test_full_disk_at_any_of_the_three_files_leaves_whole_ones(tmp_path, monkeypatch):
    run = saved(tmp_path)
    rename = Path.replace
    for name in (LAST, BEST, HISTORY):

        def fail(self, to, name=name):
            if to.name == name:
                full_disk()
            return rename(self, to)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", fail)
            with pytest.raises(UsageError, match=f"{name} could not be written"):
                run.save({"epochs": 4}, [{"epoch": 1}, {"epoch": 2}], b"better weights")
        assert names(tmp_path) == sorted([BEST, HISTORY, LAST])
        assert run.load(resume=True, device=CPU)["epochs"] in (3, 4)
        assert (tmp_path / BEST).read_bytes() in (b"best weights", b"better weights")
        assert len(json.loads((tmp_path / HISTORY).read_text())) in (1, 2)


def test_identity_is_flattened():
    assert flattened({"a": {"b": {"c": 1}, "d": (1, 2)}, "e": None}) == {
        "a.b.c": 1,
        "a.d": [1, 2],
        "e": None,
    }
