"""What tests of studies and of their figures share."""

from dataclasses import replace
from pathlib import Path

from command_line import parse

from googlenet_lib.network.variants import find_variant
from googlenet_lib.settings import apply_overrides
from googlenet_lib.training.recipes import find_recipe
from googlenet_lib.training.run import find_run

RUN = find_run("classroom-0")


def assert_runs_are_of(study, arm):
    """The arm's recorded runs are of its network and recipe, a seed each, on the same data."""
    runs = study.runs()[arm.name]
    assert [run.seed for run in runs] == list(range(len(runs)))
    for run in runs:
        options = parse(run.command)
        assert find_recipe(options.recipe).override(options.set) == arm.recipe
        assert apply_overrides(find_variant(options.variant), options.vary, "--vary") == arm.variant
        assert options.no_heads != arm.heads
        assert (run.training_pictures, run.epochs) == (study.pictures, study.epochs)
        # nothing of the machine that it was made on
        assert options.data == "data/cifar10-jpeg"
        assert Path(options.out) == Path("runs") / study.run_name(arm, run.seed)
    every = [run for found in study.runs().values() for run in found]
    assert len({run.data_checksum for run in every}) == 1


# ---- runs that are made up -----------------------------------------------------------------------


def run_with(accuracy, seconds=(20.0, 10.0, 40.0), seed=0, **changes):
    """A recorded run as it might have ended, with epochs that took so long."""
    history = [RUN.history[0] | {"epoch": i, "seconds": s} for i, s in enumerate(seconds, start=1)]
    return replace(
        RUN,
        test_accuracy=accuracy,
        validation_accuracy=accuracy,
        history=history,
        seed=seed,
        **changes,
    )


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
