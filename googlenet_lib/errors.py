"""The one kind of error that is the caller's to mend."""


class UsageError(ValueError):
    """Says what came, what was expected and what to do; the command line prints it bare."""
