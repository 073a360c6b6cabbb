"""What the README says is what the project does."""

import json
import re
import runpy
import tomllib
from html import escape
from pathlib import Path
from statistics import mean

import pytest
from command_line import parse

from googlenet_lib import googlenet
from googlenet_lib.course.kit.study import SEEDS
from googlenet_lib.course.nb07.ladder import ladder_runs
from googlenet_lib.course.nb07.ladder_chart import steps
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import total
from googlenet_lib.network.variants import find_variant
from googlenet_lib.training.recipes import FAST
from googlenet_lib.training.run import find_run, list_runs

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]["Repository"]


def test_ci_runs_the_test_command_word_for_word():
    command = next(c for c in COMMANDS if c.endswith("python -m pytest\n") and "python3" in c)
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-2] == command.strip()
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "test.yml").read_text(
        encoding="utf-8"
    )


def test_both_commands_set_up_everything_and_have_a_windows_form():
    setup = "-m venv .venv && {} && pip install -r requirements.txt && "
    for activate, python in (
        (". .venv/bin/activate", "python3"),
        (r".venv\Scripts\activate", "py"),
    ):
        for job in ("jupyter lab notebooks/", "python -m pytest"):
            assert f"{python} {setup.format(activate)}{job}" in README


def test_the_notebook_it_opens_exists():
    for name in set(re.findall(r"jupyter lab (\S+\.ipynb)", README)):
        assert (ROOT / name).is_file()


def test_command_lines_are_understood():
    lines = re.findall(r"^python -m googlenet_lib (\w+)(.*)$", README, flags=re.MULTILINE)
    assert {command for command, _ in lines} == {"train", "evaluate", "predict", "doctor"}
    for command, options in lines:
        parse(f"{command} {options}")


def test_pictures_exist_and_carry_their_description():
    pictures = re.findall(r"^!\[(.*?)\]\((\S+svg)\)", README, flags=re.MULTILINE | re.DOTALL)
    assert len(pictures) >= 6
    for alt, path in pictures:
        assert f'aria-label="{escape(alt)}"' in (ROOT / path).read_text(encoding="utf-8")


def test_the_course_table_links_what_is_there():
    rows = re.findall(r"^\| (\d\d) \| (.*?) \| .*? \| (.*?) \|$", README, flags=re.MULTILINE)
    assert [number for number, _, _ in rows] == [f"{n:02}" for n in range(11)]
    colab = REPOSITORY.replace("https://github.com/", "https://colab.research.google.com/github/")
    linked = set()
    for number, title, last in rows:
        link = re.search(r"\((notebooks/\S+\.ipynb)\)", title)
        if link is None:
            assert last == "in preparation"
            continue
        linked.add(link[1])
        assert Path(link[1]).name.startswith(f"{number}_")
        assert f"({colab}/blob/main/{link[1]})" in last
    assert linked == {f"notebooks/{p.name}" for p in (ROOT / "notebooks").glob("*.ipynb")}


@pytest.mark.parametrize("variant", ["paper", "torchvision", "classroom", "small"])
def test_costs_of_the_variants(variant):
    row = re.search(rf"^\| `{variant}` \| (.*?) \|$", README, flags=re.MULTILINE)[1].split(" | ")
    size = int(row[3].split("x")[0])
    classes = 1000 if size == 224 else 10
    network = googlenet(variant, classes, heads=False).eval()
    parameters, macs = total(model_costs(network, (3, size, size)))
    heads = sum(p.numel() for p in googlenet(variant, classes).parameters())
    assert row[:3] == [f"{parameters:,}", f"{heads:,}", f"{macs / 1e6:,.1f} M"]


def seeds_of(name):
    """The three runs that differ in their seed alone, such as those of fast-10min."""
    runs = [find_run(run) for run in list_runs() if run.rpartition("-")[0] == name]
    assert [run.seed for run in runs] == list(SEEDS), name
    return runs


def test_ranges_of_the_design_runs_are_the_records():
    rows = re.findall(r"^\| `(design-[\w-]+)` \| .*? \| (.*?) \|$", README, flags=re.MULTILINE)
    groups = {name[:-2] for name in list_runs() if name.startswith("design-")}
    assert {group for group, _ in rows} == groups
    for group, said in rows:
        accuracies = [run.validation_accuracy for run in seeds_of(group)]
        assert said == f"{min(accuracies):.3f} to {max(accuracies):.3f}"


def test_what_is_said_of_the_design_runs_holds():
    def accuracies(name):
        return [run.validation_accuracy for run in seeds_of(f"design-{name}")]

    others = ("stem-pool1", "stem-pool2", "stem-both")
    assert max(accuracies("stem-seven")) < min(min(accuracies(name)) for name in others)
    assert min(accuracies("init-torch")) > max(accuracies("stem-pool2"))
    assert find_variant("small").stem_pools == (False, True)
    assert find_variant("small").init == "torch"


def test_recorded_figures_are_the_records():
    rows = re.findall(r"^\| `([\w-]+-\d)` \| (\S.*? \| .*? \| .*?) \|$", README, flags=re.MULTILINE)
    assert rows
    for name, rest in rows:
        run = find_run(name)
        data, best, last, minutes, where = rest.split(" | ")
        assert data == run.data
        assert best == f"{run.test_accuracy:.4f} (epoch {run.best_epoch})"
        assert last == f"{run.test_accuracy_last:.4f}"
        assert minutes == f"{run.seconds / 60:.0f}"
        assert where == f"{run.device}, torch {run.versions['torch']}, {run.date}"


def test_every_recorded_run_is_named():
    for name in list_runs():
        family = name.split("-")[0]
        assert f"`{name}`" in README or f"`{family}-...`" in README, name


def test_what_is_said_of_ten_minutes_of_fast_is_the_record():
    slow = find_run("small-10min-0")
    runs = seeds_of("fast-10min")
    average = mean(run.test_accuracy for run in runs)
    gain = 100 * (average - slow.test_accuracy)
    assert f"a mean of {average:.4f} over three seeds, {gain:.1f} points above it" in README
    flipped = mean(run.test_accuracy_flips for run in runs)
    assert f"mirror image as well, the mean is {flipped:.4f}" in README
    assert {(run.epochs, run.training_pictures) for run in runs} == {(4, 41_000)}
    assert {run.device for run in runs} == {"CPU, 2 threads (AVX512)"}
    minutes = [run.seconds / 60 for run in runs]
    assert f"{min(minutes):.1f} to {max(minutes):.1f} minutes of two cores" in README
    assert max(minutes) < 10


def test_what_is_said_of_an_hour_of_fast_is_the_record():
    runs = seeds_of("fast-60min")
    assert {(run.epochs, run.training_pictures) for run in runs} == {(22, 45_000)}
    alone = runs[2]
    assert "2 threads" in alone.device
    assert f"Seed 2 had two cores and took {alone.seconds / 60:.0f} minutes" in README
    assert alone.seconds < 3600
    assert all("1 thread " in run.device for run in runs[:2])
    for kind in ("test_accuracy", "test_accuracy_flips"):
        shares = [getattr(run, kind) for run in runs]
        assert f"{min(shares):.4f} to {max(shares):.4f}" in README
    average = mean(run.test_accuracy for run in runs)
    gain = 100 * (average - find_run("small-60min-0").test_accuracy)
    assert f"a mean of {average:.4f}, {gain:.1f} points above `small-60min-0`" in README
    seen = mean(run.history[-1]["train_accuracy"] for run in runs)
    unseen = mean(run.history[-1]["val_accuracy"] for run in runs)
    told = f"{seen:.0%} of the training pictures are right, and {unseen:.0%} of those held back"
    assert told in README
    best = max(runs, key=lambda run: run.validation_accuracy)
    assert best.weights == "cifar10"
    assert f"`fast-60min-{best.seed}`, the best of its seeds on validation" in README


def test_the_rate_of_fast_is_the_best_of_those_recorded():
    runs = {rate: find_run(f"rate-{rate}-1") for rate in (0.1, 0.05, 0.025, 0.0125)}
    accuracies = {rate: run.validation_accuracy for rate, run in runs.items()}
    assert max(accuracies, key=accuracies.get) == FAST.lr
    for rate, run in runs.items():
        assert re.findall("--set (\\S+)", run.command) == [f"lr={rate}"]
    one = {(run.recipe, run.seed, run.epochs, run.training_pictures) for run in runs.values()}
    assert one == {(FAST.name, 1, 6, 45_000)}
    *rates, last = map(str, accuracies)
    *shares, least = (f"{accuracy:.4f}" for accuracy in accuracies.values())
    told = f"At rates {', '.join(rates)} and {last} the accuracy on validation was "
    assert f"{told}{', '.join(shares)} and {least}." in README
    step = steps(ladder_runs())[-1]
    assert step.rung.recipe == {"lr": FAST.lr}
    for run in ladder_runs()[step.rung.name]:
        assert run.epochs * run.training_pictures * 3 < 6 * 45_000
    assert f"halving 0.1 changed the mean of three seeds by {step.gain}." in README


def test_the_table_of_steps_is_the_record():
    benchmarks = ROOT / "tests" / "slow" / "benchmarks"
    step = runpy.run_path(str(benchmarks / "training_step.py"))
    report = json.loads((benchmarks / "training_step.json").read_text(encoding="utf-8"))
    assert step["table"](report) in README
    ways = {way["way"]: way for way in report["ways"]}
    ratio = ways["ours, fastest precision"]["ratio"]
    assert f"Ours does {ratio:.2f} times as many pictures a second" in README
    assert all(way["waiting"] < 0.02 for name, way in ways.items() if name.startswith("ours"))


def test_what_is_said_of_the_committed_weights_is_the_record():
    for run in map(find_run, list_runs()):
        if run.weights:
            assert f'`weights="{run.weights}"` ({run.test_accuracy_rounded:.4f}' in README
    pace = min(epoch["seconds"] for epoch in find_run("small-60min-0").history)
    assert f"epochs that had both cores to themselves took {pace:.0f} seconds" in README
    assert 16 * pace < 3600
    shorter = find_run("small-10min-0")  # training and a third as much work for validation
    pictures = shorter.training_pictures + shorter.validation_pictures / 3
    assert shorter.epochs * pictures / (45_000 + 5_000 / 3) * pace < 600
