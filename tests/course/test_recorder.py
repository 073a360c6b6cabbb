"""Modules that are commands: arguments are read, and nothing is replaced unless that is asked."""

import importlib
import runpy
import sys
from pathlib import Path

import pytest

import googlenet_lib
from googlenet_lib.course.kit import recorder

PACKAGE = Path(googlenet_lib.__file__).parent
COMMANDS = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__main__")
    for path in PACKAGE.rglob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
)
RECORDERS = ("gradients", "kernel_sizes", "plateau", "receptive_fields")


def test_commands_were_found():
    assert {f"googlenet_lib.{name}" for name in (*RECORDERS, "ladder", "release")} < {*COMMANDS}


@pytest.mark.timeout(60)  # not as long as a recording takes
@pytest.mark.filterwarnings("ignore:.* found in sys.modules")
@pytest.mark.parametrize("argument", ["--help", "--no-such-option"])
@pytest.mark.parametrize("command", COMMANDS)
def test_arguments_are_read_and_nothing_is_done(command, argument, monkeypatch, capsys):
    def refuse(*args, **kwargs):
        raise AssertionError("a file would have been written")

    for name in ("write_text", "write_bytes"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr(sys, "argv", [command, argument])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(command, run_name="__main__")
    printed = capsys.readouterr()
    assert end.value.code == (0 if argument == "--help" else 2)
    assert (printed.out + printed.err).lower().startswith("usage: ")


@pytest.mark.parametrize("name", RECORDERS)
def test_a_recorder_s_command_is_called_as_its_record_is(name):
    module = importlib.import_module(f"googlenet_lib.{name}")
    assert Path(str(module.RECORDED)).name == f"{name}.json"


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
