"""UsageError, for input that the caller can mend, and names in its text."""

import re


class UsageError(ValueError):
    """Bad input: what came, what was expected, what to do. The command line prints it alone."""


def escape(name: object) -> str:
    """Make a name fit for a message: in one line, not too long, and printable in UTF-8."""
    unprintable = "[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
    text = re.sub(unprintable, lambda match: ascii(match[0])[1:-1], str(name))
    return text if len(text) <= 300 else f"{text[:140]}[...]{text[-140:]}"
