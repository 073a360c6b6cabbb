"""Exercises that check themselves, with hints, and predictions that are held against what comes.

Those of a notebook are data in a module named after it, such as `nb00.py`. `checking.py` judges an
answer, with `modules.py` for networks that are built; `learner.py` is what a learner calls.
"""

from googlenet_lib.exercises.learner import check, guess, hint, reveal, summary

__all__ = ["check", "guess", "hint", "reveal", "summary"]
