"""The one kind of error that is the caller's to mend, and names in its text."""

import re


class UsageError(ValueError):
    """Says what came, what was expected and what to do; the command line prints it bare."""


def escape(name: object) -> str:
    """A name as a message shows it: in one line, not too long, and printable in UTF-8."""
    unprintable = "[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
    text = re.sub(unprintable, lambda found: ascii(found[0])[1:-1], str(name))
    return text if len(text) <= 300 else f"{text[:140]}[...]{text[-140:]}"
