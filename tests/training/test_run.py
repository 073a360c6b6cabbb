"""Recorded runs: written and read back, and those that come with the library agree with it."""

import datetime
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
    Run,
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


def test_run_is_described_by_what_was_run():
    run = described()
    assert (run.recipe, run.settings["lr"], run.settings["epochs"]) == ("classroom", 0.5, 3)
    assert (run.variant, run.width, run.heads) == ("small", 0.0625, False)
    assert run.variant_settings == asdict(VARIANTS["small"])
    model = googlenet("small", 3, width=0.0625, heads=False)
    assert run.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert (run.data, run.data_checksum, run.note) == ("tiny", "0" * 64, "JPEG q75")
    pictures = (run.training_pictures, run.validation_pictures, run.test_pictures)
    assert pictures == (24, 12, 6)
    assert (run.seed, run.epochs, run.seconds) == (7, 3, 180.0)
    assert (run.best_epoch, run.validation_accuracy) == (2, 0.7)
    assert (run.test_accuracy, run.test_accuracy_last) == (0.625, 0.5)
    assert run.test_accuracy_flips == 0.75
    assert run.command == "python -m googlenet_lib train --seed 7"
    assert run.history == HISTORY
    assert run.device.startswith("CPU")
    assert run.versions["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    today = datetime.datetime.now(datetime.UTC).date()
    assert (today - datetime.date.fromisoformat(run.date)).days in (0, 1)


def test_run_comes_back_from_its_file(tmp_path):
    run = described()
    run.save(tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["seed"] == 7
    back = read_run(tmp_path / "run.json")
    # JSON has lists only, where a recipe has tuples
    assert asdict(back) == json.loads(json.dumps(asdict(run)))
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_source_names_what_a_reader_must_know():
    source = described().source()
    for part in ("classroom", "small", "tiny", "seed 7", "3 epochs", "3 minutes", "CPU", "torch"):
        assert part in source
    assert "\n" not in source


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1, 2]",
        b'{"recipe": "classroom"}',
        b"\xff\xfe\x00 no text",
        b'{"other": 1}',
        b"[" * 100_000,
    ],
)
def test_unreadable_run_is_refused(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.json cannot be read as a recorded run"):
        read_run(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", "7"),
        ("seed", None),
        ("heads", 1),
        ("seconds", float("nan")),
        ("test_accuracy", [0.5]),
        ("settings", []),
        ("versions", {"torch": 2}),
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


def test_missing_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read as a recorded run"):
        read_run(tmp_path / "run.json")


# ---- the runs that come with the library ---------------------------------------------------------


@pytest.fixture(params=sorted(Path(str(RECORDED)).glob("*.json")), ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def run(path):
    return read_run(path)


def test_recorded_run_is_found_by_its_name(path, run):
    assert path.stem in list_runs()
    assert find_run(path.stem) == run


def test_recorded_run_has_all_fields_in_their_types(run):
    for name, kind in Run.__annotations__.items():
        value = getattr(run, name)
        kind = getattr(kind, "__origin__", kind)
        assert isinstance(value, (int, float) if kind is float else kind), (name, value)
    assert len(run.data_checksum) == 64
    assert {"python", "torch", "torchvision", "numpy"} <= set(run.versions)
    assert datetime.date(2024, 1, 1) < datetime.date.fromisoformat(run.date)
    assert run.device


def test_recorded_accuracies_are_those_of_its_own_history(run):
    assert [record["epoch"] for record in run.history] == list(range(1, run.epochs + 1))
    assert run.epochs == run.settings["epochs"]
    accuracies = [record["val_accuracy"] for record in run.history]
    assert run.validation_accuracy == max(accuracies)
    assert run.best_epoch == accuracies.index(max(accuracies)) + 1
    assert run.seconds == pytest.approx(sum(record["seconds"] for record in run.history))
    for share in (run.test_accuracy, run.test_accuracy_last, *accuracies):
        assert 1 / 20 < share <= 1
    if run.best_epoch == run.epochs:
        assert run.test_accuracy == run.test_accuracy_last


def options_of(run):
    """The command that made it, as the command line reads it."""
    assert run.command.startswith("python -m googlenet_lib train ")
    return parse(run.command)


def as_tuples(settings):
    return {n: tuple(value) if isinstance(value, list) else value for n, value in settings.items()}


def test_recorded_command_names_what_was_run(run):
    options = options_of(run)
    assert (options.recipe, options.variant, options.seed) == (run.recipe, run.variant, run.seed)
    assert (options.width, not options.no_heads) == (run.width, run.heads)


def test_recorded_settings_are_the_recipe_s_with_what_the_command_changed(run):
    options = options_of(run)
    recipe = RECIPES[run.recipe].override(options.set)
    if options.epochs is not None:
        recipe = replace(recipe, epochs=options.epochs)
    said = {**as_tuples(run.settings), "source": recipe.source}
    assert said.pop("alternate", False) is False  # a field that recipes no longer have
    wanted = asdict(recipe)
    assert said == {name: wanted[name] for name in said}
    # what recipes could not say yet when the run was made, it did not do
    unsaid = {field.name: field.default for field in fields(recipe) if field.name not in said}
    assert unsaid == {name: wanted[name] for name in unsaid}


def test_recorded_network_is_the_variant_with_what_the_command_changed(run):
    variant = Variant(**as_tuples(run.variant_settings))
    # what the command names was set; nothing is left to set
    assert apply_overrides(variant, options_of(run).vary, "--vary") == variant
    if run.variant != "small":  # ours, which measurements may change after a run; the record stays
        assert variant == apply_overrides(VARIANTS[run.variant], options_of(run).vary, "--vary")
    classes = 10  # CIFAR-10, digits and shapes alike
    model = GoogLeNet(variant, classes, width=run.width, heads=run.heads)
    assert run.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_recorded_run_on_cifar10_names_its_pictures(run):
    if "CIFAR-10" not in run.data:
        pytest.skip("another data set")
    pictures = (run.training_pictures, run.validation_pictures, run.test_pictures)
    options = options_of(run)
    most = options.limit or 45_000
    assert pictures == tuple(min(most, side) for side in (45_000, 5_000, 10_000))
    if run.note:
        assert run.data == f"CIFAR-10, {run.note}"


def test_unknown_recorded_run_is_refused():
    with pytest.raises(UsageError, match="no recorded run is called 'classroom-99'; there are"):
        find_run("classroom-99")
