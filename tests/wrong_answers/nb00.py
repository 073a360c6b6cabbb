"""Notebook 00 has no exercises."""

WRONG = ()
RIGHT = ()
