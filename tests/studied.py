"""What tests of studies and of their figures share."""

from dataclasses import replace

from googlenet_lib.course.kit.study import SEEDS
from googlenet_lib.network.variants import VARIANTS
from googlenet_lib.settings import apply_overrides
from googlenet_lib.training.run import find_run

RUN = find_run("classroom-0")


def settled(arm):
    """(The variant that an arm's options come to, with heads or without)."""
    words = arm.options
    vary = [words[i + 1] for i, word in enumerate(words) if word == "--vary"]
    return apply_overrides(VARIANTS["classroom"], vary, "--vary"), "--no-heads" not in words


def assert_runs_are_of(study, arm):
    """The arm's recorded runs are of its options, a seed each, on the same data."""
    runs = study.runs()[arm.name]
    assert [run.seed for run in runs] == list(SEEDS[: len(runs)])
    for run in runs:
        assert " ".join(arm.options) in run.command
        assert (run.training_pictures, run.epochs) == (study.pictures, study.epochs)
        # nothing of the machine that it was made on
        assert "--data data/cifar10-jpeg " in run.command
        assert f"--out runs/{study.folder(arm, run.seed)} " in run.command
    every = [run for found in study.runs().values() for run in found]
    assert len({run.data_checksum for run in every}) == 1


# ---- runs that are made up -----------------------------------------------------------------------


def run_with(accuracy, seconds=(20.0, 10.0, 40.0), seed=0, **changes):
    """A recorded run as it might have ended, with epochs that took so long."""
    history = [RUN.history[0] | {"epoch": i, "seconds": s} for i, s in enumerate(seconds, start=1)]
    return replace(RUN, test_accuracy=accuracy, history=history, seed=seed, **changes)


def runs_with(accuracies, **changes):
    return [run_with(a, seed=seed, **changes) for seed, a in enumerate(accuracies)]


# ---- what a figure shows -------------------------------------------------------------------------


def lines(figure, gid):
    """All lines of that name, wherever on the page."""
    return [line for axes in figure.axes for line in axes.lines if line.get_gid() == gid]


def boxes(figure, gid):
    """All rectangles of that name, wherever on the page."""
    return [p for axes in figure.axes for p in axes.patches + axes.artists if p.get_gid() == gid]


def text(figure, content):
    (found,) = [t for axes in figure.axes for t in axes.texts if t.get_text() == content]
    return found
