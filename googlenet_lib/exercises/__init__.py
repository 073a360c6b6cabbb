"""Exercises that check themselves, with hints, and predictions that are held against what comes.

Every notebook closes with a few; their tests stand in a module named after it, such as `nb00.py`.
"""

from googlenet_lib.exercises.learner import check, guess, hint, reveal, summary

__all__ = ["check", "guess", "hint", "reveal", "summary"]
