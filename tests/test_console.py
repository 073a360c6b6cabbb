"""Consoles that end, fill up, are closed or know few letters: what is printed ends no work."""

import io
import os
import sys
import warnings
from pathlib import Path

import pytest

from googlenet_lib.console import protect_console


def ended_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", encoding="utf-8")


def full_disk():
    return Path("/dev/full").open("w", encoding="utf-8")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


ENDINGS = {"pipe": ended_pipe, "full": full_disk, "closed": closed, "none": lambda: None}
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")


endings = pytest.mark.parametrize(
    "ending", ["pipe", pytest.param("full", marks=needs_full), "closed", "none"]
)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@endings
def test_printing_never_fails(monkeypatch, name, ending):
    stream = ENDINGS[ending]()
    monkeypatch.setattr(sys, name, stream)
    with protect_console() as output:
        for flush in (True, False, True):
            print("a line" * 10_000, file=getattr(sys, name), flush=flush)
        print("what is left in memory at the end", file=getattr(sys, name))
    assert getattr(sys, name) is stream
    assert (output.lost is not None) == (name == "stdout" and ending in ("pipe", "full"))
    if stream is not None:
        stream.close()  # as Python does at its end


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-8"])
def test_letters_that_the_console_does_not_know_are_escaped(monkeypatch, encoding):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding, "strict"))
    with protect_console():
        print("caf\udce9.png, 日本.png, naïve.png")
    said = written.getvalue().decode(encoding)
    assert "caf\\udce9.png" in said
    assert ("日本" in said) == (encoding in ("gbk", "utf-8"))


def test_warnings_are_one_line_and_only_within():
    warning = UserWarning("two files were skipped"), UserWarning, "load.py", 3, "warn(text)"
    with protect_console():
        assert warnings.formatwarning(*warning) == "warning: two files were skipped\n"
    assert "load.py:3" in warnings.formatwarning(*warning)


def test_what_a_stream_can_do_it_still_can(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    with protect_console():
        assert sys.stderr.encoding == "utf-8"
        assert not sys.stderr.isatty()
