"""The console that the command line speaks to: it may be closed, full, or know few letters."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class SteadyStream:
    """A text stream whose end does not end the work: what cannot be written is let go.

    Letters that it does not know are written as escapes. `lost` says why it was let go.
    """

    def __init__(self, stream: TextIO | None) -> None:
        if stream is None or stream.closed:  # None: closed from the first, as under pythonw
            # which takes its number, so that no file of ours gets what torch writes by itself
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
        self._stream, self.lost = stream, None

    def write(self, text: str) -> int:
        """Write what can be written; return as many letters as came."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Send on what waits in the stream's memory."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, action: Callable[..., Any], *arguments: str) -> None:
        try:
            action(*arguments)
        except OSError as error:
            self.lost = self.lost or error
            with suppress(
                OSError, ValueError
            ):  # or Python would fail with what is left, at its end
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


@contextmanager
def protect_console() -> Iterator[SteadyStream]:
    """Let printing never fail, and warnings take one line each; yield what stdout is within."""
    before = sys.stdout, sys.stderr, warnings.formatwarning
    sys.stdout, sys.stderr = steady = SteadyStream(sys.stdout), SteadyStream(sys.stderr)
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    try:
        yield steady[0]
    finally:
        for stream in steady:
            stream.flush()
        sys.stdout, sys.stderr, warnings.formatwarning = before
