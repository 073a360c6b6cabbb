"""What helps a reader of the site: tips on terms, functions, a page for what is not there."""

import re

import pytest
from built import SITE

LESSON = "course/03_inception_block.html"
TERM = "a.term[href$='#term-concatenation']"


@pytest.fixture
def lesson(page, address):
    page.goto(f"{address}/{LESSON}")
    page.locator(TERM).scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # scrolling hides a tip
    return page


def test_the_keyboard_shows_what_a_term_means(lesson):
    lesson.locator(TERM).focus()
    assert lesson.locator("#term-tip").text_content().startswith("Stacking feature maps")
    assert lesson.locator(TERM).get_attribute("aria-describedby") == "term-tip"
    lesson.keyboard.press("Escape")
    assert lesson.locator("#term-tip").is_hidden()


def test_the_pointer_shows_what_a_term_means(lesson):
    if lesson.evaluate("matchMedia('(hover: none)').matches"):
        lesson.locator(TERM).tap()
        assert lesson.url.endswith(LESSON)  # the first touch only shows it
        assert lesson.locator("#term-tip").is_visible()
    else:
        lesson.locator(TERM).hover()
        assert lesson.locator("#term-tip").is_visible()
    box, screen = lesson.locator("#term-tip").bounding_box(), lesson.viewport_size
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= screen["width"]
    assert 0 <= box["y"] <= screen["height"] - box["height"]


def test_a_term_leads_to_its_row_in_the_glossary(lesson):
    touched = lesson.evaluate("matchMedia('(hover: none)').matches")
    for _ in range(1 + touched):
        lesson.locator(TERM).tap() if touched else lesson.locator(TERM).click()
    lesson.wait_for_url("**/glossary.html#term-concatenation")
    assert lesson.locator("#term-concatenation").text_content() == "concatenation"


def test_terms_are_linked_once_a_page_and_not_in_headings_or_code():
    text = _read(LESSON)
    linked = re.findall(r'<a class="term" href="glossary.html#([^"]+)"', text)
    assert len(linked) > 20
    assert len(linked) == len(set(linked))
    for container in ("h1", "h2", "h3", "pre", "a"):
        for content in re.findall(rf"<{container}[ >].*?</{container}>", text, re.DOTALL):
            assert 'class="term"' not in content.partition(">")[2], content


@pytest.mark.parametrize("wrong", ["nothing.html", "course/nothing/here.html"])
def test_a_page_that_is_not_there_leads_home(page, address, wrong):
    page.goto(f"{address}/{wrong}")
    missing = [one for one in page.broken if not one.endswith(wrong)]
    assert (missing, page.errors) == ([], [])  # its style comes, however deep the address
    assert "not found" in page.title().lower()
    page.locator("a.navbar-brand").first.click()
    page.wait_for_url("**/index.html")


def test_functions_and_classes_are_found():
    link = 'href="network.html#googlenet_lib.network.pretrained.googlenet"'
    assert link in _read("api/index.html")
    comment = "the highest rate, where a schedule moves it"  # of a field
    assert comment in _read("api/training.html")
    objects = re.findall(r'id="(googlenet_lib\.network\.\w+\.\w+)"', _read("api/network.html"))
    assert "googlenet_lib.network.blocks.Inception" in objects
    assert not [one for one in objects if one.rpartition(".")[2].startswith("_")]


def _read(name: str) -> str:
    return (SITE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["index.html", LESSON])
def test_a_link_to_a_page_shows_a_picture_and_a_sentence(name):
    text = _read(name)
    picture = re.search(r'property="og:image" content="([^"]+)"', text)[1]
    assert (SITE / "_static" / picture.rpartition("/_static/")[2]).is_file()
    said = re.search(r'property="og:description" content="([^"]+)"', text)[1]
    assert "Open in Colab" not in said
    assert text.count('name="description"') == 1
