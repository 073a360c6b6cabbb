"""Every page: its links lead somewhere, its drawings and its command lines are what is there."""

import re
import shlex
from html import escape
from importlib.util import find_spec
from pathlib import Path

import pytest
from command_line import parse

from googlenet_lib.training.recipes import RECIPES

ROOT = Path(__file__).parents[2]
# Without the landing page: its links lead to what a build of the site gathers, and that build
# refuses one that leads nowhere.
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "index.md"),
]


@pytest.fixture(params=PAGES, ids=lambda path: path.name)
def path(request):
    return request.param


@pytest.fixture
def page(path):
    return path.read_text(encoding="utf-8")


def anchors(page):
    """List where a link with # may lead: GitHub's form of each heading."""
    headings = re.findall(r"^#+ (.*)$", page, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def test_links_lead_somewhere(path, page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page):
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        assert there.is_file(), target
        assert not anchor or anchor in anchors(there.read_text(encoding="utf-8")), target


def test_drawings_carry_their_description(path, page):
    for alt, file in re.findall(r"^!\[(.*?)\]\((\S+svg)\)", page, flags=re.MULTILINE | re.DOTALL):
        drawing = (path.parent / file).read_text(encoding="utf-8")
        assert f'aria-label="{escape(alt)}"' in drawing, file


def test_command_lines_are_understood(page):
    for line in re.findall(r"^[^`\n]*-m googlenet_lib +(\w.*)$", page, flags=re.MULTILINE):
        parse(line)


def test_programs_exist(page):
    for line in re.findall(r"^python +(.*?)(?: +#.*)?$", page, flags=re.MULTILINE):
        words = shlex.split(line)
        if words[0] == "-m":
            assert find_spec(words[1]), line
            words = [word for word in words[2:] if word.endswith(".py")]
        else:
            words = words[:1]
        assert all((ROOT / word).exists() for word in words), line


def test_the_command_line_page_lists_every_command_and_recipe():
    page = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    used = set(re.findall(r"googlenet_lib +(\w+)", page))
    assert used == {"train", "evaluate", "predict", "doctor"}
    assert re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE) == [*RECIPES]
