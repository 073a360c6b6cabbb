"""What the README says is what the project does."""

import json
import re
import runpy
import tomllib
from html import escape
from pathlib import Path

import pytest
from command_line import parse

from googlenet_lib import googlenet
from googlenet_lib.course.kit.study import SEEDS
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import total
from googlenet_lib.training.run import recorded_names, recorded_run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]["Repository"]


def test_ci_runs_the_test_command_word_for_word():
    command = next(c for c in COMMANDS if c.endswith("python -m pytest\n") and "python3" in c)
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == command.strip()
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
    assert pictures
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
    runs = [recorded_run(run) for run in recorded_names() if run.rpartition("-")[0] == name]
    assert [run.seed for run in runs] == list(SEEDS), name
    return runs


def test_ranges_of_the_design_runs_are_the_records():
    rows = re.findall(r"^\| `(design-[\w-]+)` \| .*? \| (.*?) \|$", README, flags=re.MULTILINE)
    groups = {name[:-2] for name in recorded_names() if name.startswith("design-")}
    assert {group for group, _ in rows} == groups
    for group, said in rows:
        accuracies = [run.validation_accuracy for run in seeds_of(group)]
        assert said == f"{min(accuracies):.3f} to {max(accuracies):.3f}"


def test_recorded_figures_are_the_records():
    rows = re.findall(r"^\| `([\w-]+-\d)` \| (\S.*? \| .*? \| .*?) \|$", README, flags=re.MULTILINE)
    assert rows
    for name, rest in rows:
        run = recorded_run(name)
        data, best, last, minutes, where = rest.split(" | ")
        assert data == run.data
        assert best == f"{run.test_accuracy:.4f} (epoch {run.best_epoch})"
        assert last == f"{run.test_accuracy_last:.4f}"
        assert minutes == f"{run.seconds / 60:.0f}"
        assert where == f"{run.device}, torch {run.versions['torch']}, {run.date}"


def test_the_table_of_steps_is_the_record():
    benchmarks = ROOT / "tests" / "slow" / "benchmarks"
    step = runpy.run_path(str(benchmarks / "training_step.py"))
    report = json.loads((benchmarks / "training_step.json").read_text(encoding="utf-8"))
    assert step["table"](report) in README
