"""Every program for maintainers starts, and contributing.md gives lines that it understands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
LINES = re.findall(r"^python (tests/\S+\.py)(.*?)(?: +#.*)?$", PAGE, flags=re.MULTILINE)
PROGRAMS = {
    str(path.relative_to(ROOT))
    for path in (ROOT / "tests").rglob("*.py")
    if "ArgumentParser(" in path.read_text(encoding="utf-8") and path.name != "test_scripts.py"
}


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_a_program_starts_and_the_page_gives_options_that_it_has(program):
    asked = subprocess.run(
        [sys.executable, program, "--help"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert asked.returncode == 0, asked.stderr
    given = [word for path, rest in LINES if path == program for word in shlex.split(rest)]
    assert all(word in asked.stdout for word in given if word.startswith("--"))


def test_the_page_names_them_all():
    named = {path for path, _ in LINES}
    assert named >= PROGRAMS
    assert all((ROOT / path).is_file() for path in named)
