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
    # not innerWidth, which grows on a phone with what is too wide
    wide, screen = page.evaluate("document.documentElement.scrollWidth"), page.viewport_size
    assert wide <= screen["width"], "wider than the screen"
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
