"""Trainings that no lesson shows are summarised in one file."""

import shutil

import pytest
import records

from googlenet_lib.training.run import RECORDED, find_run, list_runs


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file, to be written to."""
    copy = tmp_path / "records.json"
    shutil.copy(records.RECORDS, copy)
    monkeypatch.setattr(records, "RECORDS", copy)
    return copy


def test_no_training_is_recorded_twice():
    names = [record.name for record in records.read_records()]
    assert len(set(names)) == len(names)
    assert names == sorted(names)
    assert not set(names) & set(list_runs())


def test_a_summary_says_what_the_run_says():
    run = find_run("classroom-0")
    record = records.summarise("classroom-0", run)
    assert (record.name, record.torch) == ("classroom-0", run.versions["torch"])
    assert (record.test_accuracy, record.command) == (run.test_accuracy, run.command)
    assert record.validation_accuracy_last == run.history[-1]["val_accuracy"]
    assert record.fastest_epoch == min(epoch["seconds"] for epoch in run.history)


@pytest.mark.parametrize("place", ["new-0.json", "new-0/run.json"])
def test_a_run_is_added_under_its_name_once(file, tmp_path, place):
    before = records.read_records()
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    for source in ("classroom-0", "classroom-1"):
        shutil.copy(RECORDED / f"{source}.json", path)
        assert records.main([str(path)]) == 0
    added = [record for record in records.read_records() if record not in before]
    assert added == [records.summarise("new-0", find_run("classroom-1"))]
    assert set(before) < set(records.read_records())


def test_what_is_no_run_is_named_and_adds_nothing(file, tmp_path, capsys):
    before, path = file.read_bytes(), tmp_path / "empty.json"
    path.write_text("{}")
    assert records.main([str(RECORDED / "classroom-0.json"), str(path)]) == 2
    assert f"{path} cannot be read as a recorded run" in capsys.readouterr().err
    assert file.read_bytes() == before
