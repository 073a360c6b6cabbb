"""What the README promises at its start holds; links, drawings and commands: test_pages.py."""

import re
import tomllib
from pathlib import Path

import course_table

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
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert "bash .ci/run" in workflow


def test_both_commands_set_up_everything_and_have_a_windows_form():
    setup = "-m venv .venv && {} && pip install -r requirements.txt && "
    for activate, python in (
        (". .venv/bin/activate", "python3"),
        (r".venv\Scripts\activate", "py"),
    ):
        for job in ("jupyter lab notebooks/", "python -m pytest"):
            assert f"{python} {setup.format(activate)}{job}" in README


def test_the_pythons_are_those_of_the_package_and_of_ci():
    said = re.findall(r"\b3\.\d\d\b", re.search("You need Python (.*?)[.] ", README)[1])
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert said == re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert f"python: {said}".replace("'", '"') in workflow


def test_it_is_cloned_and_opened_in_colab_from_the_one_address():
    assert f"git clone {REPOSITORY}\ncd {REPOSITORY.rpartition('/')[2]}\n" in README
    opened = re.findall(r"jupyter lab (\S+\.ipynb)", README)
    colab = REPOSITORY.replace("https://github.com/", "https://colab.research.google.com/github/")
    opened += re.findall(rf"\({re.escape(colab)}/blob/main/(\S+)\)", README)
    assert len(opened) == 5  # at first and later, on two kinds of shell; and in Colab
    assert {*opened} == {"notebooks/00_start_here.ipynb"}
    assert (ROOT / opened[0]).is_file()


def test_the_tables_of_lessons_are_up_to_date():
    again = "run python docs/tools/course_table.py"
    start = course_table.START.read_text(encoding="utf-8")
    for text, blocks, new in (
        (README, course_table.make_blocks("notebooks/"), None),
        (start, {}, course_table.refresh_notebook(start)),
    ):
        assert text == (new or course_table.refresh(text, blocks)), again
        for table in course_table.make_blocks():
            assert f"<!-- {table} -->" in text
