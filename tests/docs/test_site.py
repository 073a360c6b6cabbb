"""What the site is built from; the built pages are tested in tests/slow/site, in a browser."""

import re
import sys
from pathlib import Path

import pytest
from card import CARD, HEIGHT, WIDTH, describe_card
from course_table import minutes_of
from PIL import Image

from googlenet_lib.course.lessons import CORE, LESSONS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_ext"))

from gather import (  # noqa: E402
    draw_map,
    drop_kernel_remarks,
    fill_landing_page,
    gather,
    lead_home,
)


def test_the_landing_page_lists_every_lesson_in_order():
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^course/(\d\d_\w+|deep_\w+)$", text, re.MULTILINE)
    assert listed == [lesson.name for lesson in LESSONS]


def test_the_map_tells_question_and_minutes_of_every_lesson():
    text = draw_map()
    for lesson in LESSONS:
        assert lesson.question in text
    assert len(re.findall(r"\d+&nbsp;minutes\.$", text, re.MULTILINE)) == len(LESSONS)


def test_the_landing_page_shows_the_lessons_and_the_result():
    text = fill_landing_page((DOCS / "index.md").read_text(encoding="utf-8"))
    assert all(f":link: /course/{lesson.name}\n" in text for lesson in LESSONS)
    assert "](measurements.md)" in text
    assert not re.findall(r"<!-- (\w+) -->", text)


def test_the_landing_page_adds_up_the_hours():
    hours = round(sum(int(minutes_of(lesson)) for lesson in CORE) / 60)
    words = {7: "seven", 8: "eight", 9: "nine"}
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    assert f"The nine lessons take about {words[hours]} hours." in text


def test_the_landing_pages_surprise_is_the_audits():
    """The deep dive counts both networks; its outputs are compared when it runs."""
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    alexnet, googlenet = re.search(
        r"has ([\d,]+) parameters, GoogLeNet has ([\d,]+)", text
    ).groups()
    audit = (ROOT / "notebooks" / "deep_table1_audit.ipynb").read_text(encoding="utf-8")
    assert f"AlexNet {alexnet}, GoogLeNet {googlenet}" in audit
    ratio = int(alexnet.replace(",", "")) / int(googlenet.replace(",", ""))
    assert f"**{ratio:.1f} times**" in text


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("](../docs/measurements.md)", "](../measurements.md)"),
        ("](../notebooks/glossary.md)", "](../course/glossary.md)"),
        ("](../LICENSE)", "/blob/main/LICENSE)"),
        ("](03_inception_block.ipynb)", "](03_inception_block.ipynb)"),
    ],
)
def test_links_lead_to_the_site_or_to_the_repository(link, leads_to):
    assert lead_home(link, "../").endswith(leads_to)


def test_pages_do_not_say_that_controls_need_a_kernel():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert "running kernel" not in drop_kernel_remarks(path.read_text(encoding="utf-8"))
    assert drop_kernel_remarks("Move it. (The controls need a running kernel.)") == "Move it."


def test_gathering_twice_writes_once(tmp_path):
    """Sphinx reads again what is newer than its last build."""
    (tmp_path / "_static" / "demo").mkdir(parents=True)
    gather(ROOT, tmp_path)
    page = tmp_path / "course" / "glossary.md"
    written = page.stat().st_mtime_ns
    (tmp_path / "course" / "gone.ipynb").write_text("{}", encoding="utf-8")
    gather(ROOT, tmp_path)
    assert page.stat().st_mtime_ns == written
    assert not (tmp_path / "course" / "gone.ipynb").exists()


def test_the_card_counts_the_lessons_of_today():
    """Its picture is not compared: letters differ a little from one computer to the next."""
    card = Image.open(CARD)
    assert card.size == (WIDTH, HEIGHT)
    assert card.text["Description"] == describe_card()


def test_actions_are_pinned_by_commit():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for action in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8")):
            assert re.search(r"@[0-9a-f]{40}$", action), f"{path.name}: {action}"
