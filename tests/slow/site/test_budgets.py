"""What a page may cost: bytes until it can be read, text that moves, seconds until an answer."""

import time

import pytest
from built import PAGES

PAGE_BYTES, DEMO_BYTES = 1.5e6, 6e6
MOST_SHIFT = 0.1  # of the window, as the web's vitals count it
NETWORK = (".safetensors", ".wasm")  # what the demo loads when it starts

WATCH_SHIFTS = """
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("page", ["light", "phone"], indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_small_and_keeps_still(page, server, name):
    server.wait = 0.3  # pictures come late, as they do on a slow line
    page.goto("about:blank")
    watched = page.evaluate("PerformanceObserver.supportedEntryTypes.includes('layout-shift')")
    if watched:
        page.add_init_script(WATCH_SHIFTS)
    page.goto(f"{server.address}/{name}", wait_until="networkidle")
    sent = sum(size for path, size in server.sent if not path.endswith(NETWORK))
    assert sent < PAGE_BYTES
    if watched:  # Chromium alone measures it
        assert page.evaluate("window.shift") < MOST_SHIFT


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_the_demo_answers_from_few_bytes(page, server):
    page.goto(f"{server.address}/index.html?")
    start = time.perf_counter()
    page.locator("#demo-root").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('#demo-guesses li').length === 5")
    seconds = time.perf_counter() - start
    sent = sum(size for _, size in server.sent)
    print(f"\nthe demo's first result: {seconds:.2f} s, {sent / 1e6:.2f} MB with its page")
    assert sent < DEMO_BYTES
