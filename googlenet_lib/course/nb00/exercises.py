"""Notebook 00 has predictions alone: what an exercise needs is taught in the lessons after it."""

from googlenet_lib.course.kit.exercise import Exercise, Prediction

EXERCISES: tuple[Exercise, ...] = ()

PREDICTIONS = (
    Prediction(
        "00.a",
        "Of 1000 new drawings, some far smaller than any in training, how many are classified "
        "correctly?",
        tolerance=50,
        least=0,
        most=1000,
    ),
    Prediction(
        "00.b",
        "From which radius on, in pixels, does the output of the 5x5 branch no longer change?",
        tolerance=1,
        least=3,
        most=15,
    ),
    Prediction(
        "00.c",
        "A network of ten classes gets a flower, which is none of them. How many percent does its "
        "first choice get?",
        tolerance=10,
        least=10,
        most=100,
    ),
)
