"""One file format for recorded experiments, and commands that replace nothing unless asked."""

import importlib
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import googlenet_lib
from googlenet_lib.course.kit import recorder
from googlenet_lib.errors import UsageError

PACKAGE = Path(googlenet_lib.__file__).parent
COMMANDS = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__main__")
    for path in PACKAGE.rglob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
)
RECORDERS = [name for name in COMMANDS if hasattr(importlib.import_module(name), "recorder")]


@pytest.mark.timeout(60)  # not as long as a recording takes
@pytest.mark.filterwarnings("ignore:.* found in sys.modules")
@pytest.mark.parametrize("argument", ["--help", "--no-such-option"])
@pytest.mark.parametrize("command", COMMANDS)
def test_arguments_are_read_and_nothing_is_done(command, argument, monkeypatch, capsys):
    def refuse(*args, **kwargs):
        raise AssertionError("a file would have been written")

    for name in ("write_text", "write_bytes", "open"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr(sys, "argv", [command, argument])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(command, run_name="__main__")
    printed = capsys.readouterr()
    assert end.value.code == (0 if argument == "--help" else 2)
    assert (printed.out + printed.err).lower().startswith("usage: ")
    if command in RECORDERS:
        assert f"python -m {command}" in printed.out + printed.err


def test_recorders_stand_beside_their_records():
    assert RECORDERS
    for name in RECORDERS:
        module = importlib.import_module(name)
        assert Path(module.__file__).with_suffix(".json") == module.RECORDED


def test_a_file_is_replaced_only_when_asked(tmp_path, capsys):
    path = tmp_path / "some.json"

    def run(*arguments):
        recorder.run(lambda path: path.write_bytes(b"new"), path, "About.\n", list(arguments))

    run()
    assert path.read_bytes() == b"new"
    path.write_bytes(b"old")
    with pytest.raises(SystemExit):
        run()
    assert "add --overwrite to replace it" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("--out", str(tmp_path / "no" / "folder.json"))
    assert "cannot be written to" in capsys.readouterr().err
    run("--out", str(tmp_path / "other.json"))
    assert path.read_bytes() == b"old"
    assert (tmp_path / "other.json").read_bytes() == b"new"
    run("--overwrite")
    assert path.read_bytes() == b"new"


# ---- the file ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    name: str
    losses: tuple[float, ...]
    test: float | None
    sizes: dict[str, int]


RUNS = (Run("a", (2.5, 1e-30), None, {"x": 1}), Run("é", (), 0.5, {}))


def test_a_recording_is_read_back_as_it_was(tmp_path):
    path = tmp_path / "runs.json"
    recorder.save(path, {"batch": 2, "stages": [1.0]}, RUNS)
    assert recorder.load(path, Run) == ({"batch": 2, "stages": [1.0]}, RUNS)
    recorder.save(path, RUNS[0], RUNS)
    assert recorder.load(path, Run, Run) == (RUNS[0], RUNS)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + 4 + 2 + len(RUNS) + 1
    with pytest.raises(ValueError, match="JSON compliant"):
        recorder.save(path, {}, [Run("a", (float("nan"),), None, {})])
    assert recorder.load(path, Run)[1] == RUNS  # as it was


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"rows"', '"lines"', "field 'lines'"),
        ("2.5", '"2.5"', "losses="),
        ("2.5", "NaN", "NaN"),
        ('"test": 0.5, ', "", "no field 'test'"),
        ("]}", "", "delimiter"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, before, after, words):
    path = tmp_path / "runs.json"
    recorder.save(path, {"batch": 2}, RUNS)
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    with pytest.raises(UsageError, match=rf"runs\.json cannot be read .*{words}.*record it anew"):
        recorder.load(path, Run)
    with pytest.raises(UsageError, match="cannot be read"):
        recorder.load(tmp_path / "none.json", Run)
