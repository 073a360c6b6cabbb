"""The built site in a browser: nothing asked of other hosts, readable, usable without a mouse.

pip install -r docs/requirements.txt playwright axe-playwright-python pytest
sphinx-build -W docs site/ && python -m pytest tests/slow/site -n 0
"""

import pytest
from built import PAGES


@pytest.mark.parametrize("name", PAGES)
def test_every_page(page, address, name):
    page.goto(f"{address}/{name}")
    page.wait_for_timeout(300)
    assert (page.outside, page.broken, page.errors) == ([], [], [])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than it"
    without = page.evaluate("[...document.querySelectorAll('main img')].filter(i => !i.alt).length")
    assert without == 0
    unsized = "i => !i.hasAttribute('width') || !i.hasAttribute('height')"
    assert (
        page.evaluate(f"[...document.querySelectorAll('main img')].filter({unsized}).length") == 0
    )


@pytest.mark.parametrize("name", ["index.html", "course/03_inception_block.html"])
def test_axe_finds_nothing_serious(page, address, name):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.goto(f"{address}/{name}")
    page.wait_for_timeout(1000)
    found = axe.Axe().run(page).response["violations"]
    # the theme's search button carries a label of its own
    known = "label-content-name-mismatch"
    bad = [
        (one["id"], one["nodes"][0]["html"][:160])
        for one in found
        if one["impact"] in ("serious", "critical") and one["id"] != known
    ]
    assert bad == []


# ---- the network in the page ---------------------------------------------------------------------


@pytest.fixture
def demo(page, address):
    page.goto(f"{address}/index.html")
    page.locator("#demo-root").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('#demo-guesses li').length === 5")
    return page


def _read_image(page):
    return page.evaluate("document.getElementById('demo-image').toDataURL()")


def test_keys_move_and_resize_the_object(demo):
    for key in ("ArrowLeft", "ArrowDown", "+", "-"):
        before = _read_image(demo)
        demo.focus("#demo-image")
        demo.keyboard.press(key)
        demo.wait_for_function(
            "before => document.getElementById('demo-image').toDataURL() !== before", arg=before
        )


def test_a_pointer_moves_the_object(demo):
    before = _read_image(demo)
    box = demo.locator("#demo-image").bounding_box()
    demo.mouse.move(box["x"] + 40, box["y"] + 40)
    demo.mouse.down()
    demo.mouse.move(box["x"] + 120, box["y"] + 90)
    demo.mouse.up()
    demo.wait_for_timeout(300)
    assert _read_image(demo) != before


def test_samples_branches_and_modules(demo):
    demo.locator(".demo-samples button", has=demo.get_by_alt_text("a cat")).click()
    demo.wait_for_function(
        "document.querySelector('#demo-guesses li')?.textContent.startsWith('cat')"
    )
    assert "early exit after 4a" in demo.text_content("#demo-heads")
    demo.select_option("#demo-module", "4c")
    demo.locator("#demo-branch-3x3").click()
    demo.wait_for_function(
        "document.getElementById('demo-channels-title').textContent.includes('128 channels')"
    )
    demo.wait_for_function(
        "document.getElementById('demo-status').textContent.startsWith('The network says: cat')"
    )


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("notes.jpg", b"no picture at all", "no picture that this browser can read"),
        ("IMG_1.HEIC", b"neither", "saved as JPEG first"),
    ],
)
def test_files_that_are_no_pictures(demo, name, content, told):
    demo.set_input_files("#demo-file", {"name": name, "mimeType": "image/jpeg", "buffer": content})
    demo.wait_for_function(
        "words => document.getElementById('demo-status').textContent.includes(words)", arg=told
    )


def test_plain_javascript_takes_over(page, address):
    page.goto(f"{address}/index.html?plain")
    page.locator("#demo-root").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('#demo-guesses li').length === 5")
