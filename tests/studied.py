"""What tests of studies share."""

from googlenet_lib.studies import SEEDS


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
