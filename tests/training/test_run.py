"""Recorded runs: written and read back, and those that come with the library agree with it."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
import torch
from command_line import parse
from samples import tiny_data

from googlenet_lib import googlenet
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.variants import VARIANTS, Variant
from googlenet_lib.settings import apply_overrides
from googlenet_lib.training.describe import describe_run
from googlenet_lib.training.recipes import CLASSROOM, RECIPES
from googlenet_lib.training.run import (
    RECORDED,
    Result,
    find_run,
    list_runs,
    read_run,
)

HISTORY = [
    {"epoch": n, "val_accuracy": a, "seconds": 60.0} for n, a in enumerate((0.5, 0.7, 0.6), start=1)
]
RESULT = Result(
    HISTORY, best_epoch=2, test_accuracy=0.625, test_accuracy_last=0.5, test_accuracy_flips=0.75
)


def described(**changes):
    how = {
        "model": googlenet("small", 3, width=0.0625, heads=False),
        "data": replace(tiny_data(train=24, validation=12, test=6), note="JPEG q75"),
        "recipe": replace(CLASSROOM, epochs=3, lr=0.5),
        "result": RESULT,
        "seed": 7,
        "device": torch.device("cpu"),
        "command": "python -m googlenet_lib train --seed 7",
    } | changes
    return describe_run(**how)


def test_run_comes_back_from_its_file(tmp_path):
    run = described()
    run.save(tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["seed"] == 7
    back = read_run(tmp_path / "run.json")
    # JSON has lists only, where a recipe has tuples
    assert asdict(back) == json.loads(json.dumps(asdict(run)))
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("content", [b"{", b"[1, 2]", b'{"recipe": "x"}', b"\xff\xfe\x00 no text"])
def test_unreadable_run_is_refused(tmp_path, content):
    with pytest.raises(UsageError, match="no recorded run is called 'classroom-99'; there are"):
        find_run("classroom-99")
    with pytest.raises(UsageError, match="cannot be read as a recorded run"):
        read_run(tmp_path / "missing.json")
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.json cannot be read as a recorded run"):
        read_run(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", "7"),
        ("seconds", float("nan")),
        ("versions", {}),
        ("history", []),
        ("history", [{"epoch": 1}]),
        ("history", [{"val_accuracy": "high"}]),
        ("best_epoch", 0),
        ("best_epoch", 4),
        ("split", {"data": "x"}),
        ("novel", 1),
    ],
)
def test_run_with_a_field_that_is_none_is_refused(tmp_path, name, value):
    described().save(tmp_path / "run.json")
    said = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    (tmp_path / "run.json").write_text(json.dumps(said | {name: value}), encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"is damaged, or not written by this library: .+; expected"
    ):
        read_run(tmp_path / "run.json")


# ---- the runs that come with the library ---------------------------------------------------------


def as_tuples(settings):
    return {n: tuple(value) if isinstance(value, list) else value for n, value in settings.items()}


@pytest.fixture(scope="module")
def recorded():
    """Each recorded run, with its command as the command line reads it."""
    runs = {name: find_run(name) for name in list_runs()}
    assert len(runs) == len([*Path(str(RECORDED)).glob("*.json")]) > 50
    return {name: (run, parse(run.command)) for name, run in runs.items()}


def test_recorded_accuracies_are_those_of_their_own_history(recorded):
    for name, (run, _) in recorded.items():
        assert [record["epoch"] for record in run.history] == [*range(1, run.epochs + 1)], name
        assert run.epochs == run.settings["epochs"], name
        accuracies = [record["val_accuracy"] for record in run.history]
        assert run.validation_accuracy == max(accuracies), name
        assert run.best_epoch == accuracies.index(max(accuracies)) + 1, name
        assert run.seconds == pytest.approx(sum(record["seconds"] for record in run.history)), name
        if run.best_epoch == run.epochs:
            assert run.test_accuracy == run.test_accuracy_last, name


def test_recorded_settings_are_those_that_the_command_gives(recorded):
    for name, (run, given) in recorded.items():
        assert run.command.startswith("python -m googlenet_lib train "), name
        named = (given.recipe, given.variant, given.seed, given.width, not given.no_heads)
        assert named == (run.recipe, run.variant, run.seed, run.width, run.heads), name
        recipe = RECIPES[run.recipe].override(given.set)
        if given.epochs is not None:
            recipe = replace(recipe, epochs=given.epochs)
        settings = {**as_tuples(run.settings), "source": recipe.source}
        assert settings.pop("alternate", False) is False, name  # recipes no longer have it
        # what recipes could not say yet when the run was made, it did not do
        unsaid = {f.name: f.default for f in fields(recipe) if f.name not in settings}
        assert unsaid | settings == asdict(recipe), name


def test_recorded_network_is_the_variant_that_the_command_gives(recorded):
    counts = {}
    for name, (run, given) in recorded.items():
        variant = Variant(**as_tuples(run.variant_settings))
        assert apply_overrides(variant, given.vary, "--vary") == variant, name
        if run.variant != "small":  # ours, which may change after a run; the record stays
            assert variant == apply_overrides(VARIANTS[run.variant], given.vary, "--vary"), name
        key = (variant, run.width, run.heads)
        if key not in counts:
            model = GoogLeNet(variant, 10, width=run.width, heads=run.heads)
            counts[key] = sum(parameter.numel() for parameter in model.parameters())
        assert run.parameters == counts[key], name


def test_recorded_runs_on_cifar10_name_their_pictures(recorded):
    for name, (run, given) in recorded.items():
        if "CIFAR-10" in run.data:
            pictures = (run.training_pictures, run.validation_pictures, run.test_pictures)
            most = given.limit or 45_000
            assert pictures == tuple(min(most, side) for side in (45_000, 5_000, 10_000)), name
