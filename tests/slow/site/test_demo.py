"""The network in the first page: by pointer, keys, files and camera, and where things go wrong."""

import pytest
from built import CHROMIUM, SITE

WEIGHTS = "shapes.safetensors"


def start(page, address, query=""):
    page.goto(f"{address}/index.html{query}")
    page.locator("#demo-root").scroll_into_view_if_needed()


def wait_for_answer(page, seconds=90):
    page.wait_for_function(
        "document.querySelectorAll('#demo-guesses li').length === 5", timeout=1000 * seconds
    )


def wait_for_words(page, words, part="status"):
    page.wait_for_function(
        "([part, words]) => document.getElementById(`demo-${part}`).textContent.includes(words)",
        arg=[part, words],
    )


@pytest.fixture
def demo(page, address):
    start(page, address)
    wait_for_answer(page)
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
    wait_for_words(demo, "128 channels", "channels-title")
    wait_for_words(demo, "The network says: cat")


# ---- a picture of one's own ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("notes.jpg", b"no picture at all", "no picture that this browser can read"),
        ("IMG_1.HEIC", b"neither", "saved as JPEG first"),
    ],
)
def test_files_that_are_no_pictures(demo, name, content, told):
    demo.set_input_files("#demo-file", {"name": name, "mimeType": "image/jpeg", "buffer": content})
    wait_for_words(demo, told)


def start_camera(demo):
    if demo.context.browser.browser_type.name != "chromium":
        pytest.skip("only Chromium can imitate a camera")
    demo.click("#demo-camera")
    demo.wait_for_selector("#demo-video", state="visible")


def test_the_camera_gives_a_picture_and_stops(demo):
    before = _read_image(demo)
    start_camera(demo)
    demo.evaluate("window.track = document.getElementById('demo-video').srcObject.getTracks()[0]")
    assert demo.evaluate("track.readyState") == "live"
    demo.click("#demo-camera-take")
    assert demo.evaluate("track.readyState") == "ended"
    assert demo.is_hidden("#demo-video")
    wait_for_words(demo, "early exit after 4a", "heads")  # the network of photographs answers
    assert _read_image(demo) != before


def test_the_camera_stops_without_a_picture(demo):
    before = _read_image(demo)
    start_camera(demo)
    demo.click("#demo-camera-stop")
    assert demo.evaluate("document.getElementById('demo-video').srcObject") is None
    assert demo.is_hidden("#demo-video")
    assert demo.is_visible("#demo-camera")
    assert _read_image(demo) == before


@pytest.mark.parametrize("page", ["light"], indirect=True)
@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("NotAllowedError", "no permission"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "in use by another program"),
        ("AbortError", "The camera could not be started"),
    ],
)
def test_a_camera_that_gives_nothing_is_told(page, address, error, told):
    refuse = f"() => Promise.reject(new DOMException('nothing', '{error}'))"
    devices = f"{{ value: {{ getUserMedia: {refuse} }} }}"
    page.add_init_script(f"Object.defineProperty(navigator, 'mediaDevices', {devices})")
    start(page, address)
    wait_for_answer(page)
    page.click("#demo-camera")
    wait_for_words(page, told)
    assert page.is_visible("#demo-camera")


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_without_a_camera_there_is_no_button(page, address):
    page.add_init_script(
        "Object.defineProperty(navigator, 'mediaDevices', { get: () => undefined })"
    )
    start(page, address)
    wait_for_answer(page)
    assert page.is_hidden("#demo-camera")


# ---- where things go wrong -----------------------------------------------------------------------


@pytest.fixture
def chromium_with(browser):
    """Start another Chromium, with one more switch, for the length of a test."""
    if browser.browser_type.name != "chromium":
        pytest.skip("a switch of Chromium")
    started = []

    def launch(switch):
        started.append(
            browser.browser_type.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", *switch.split()]
            )
        )
        return started[-1].new_page()

    yield launch
    for one in started:
        one.close()


def test_a_refused_permission_is_told(chromium_with, address):
    page = chromium_with("--use-fake-device-for-media-stream --use-fake-ui-for-media-stream=deny")
    start(page, address)
    wait_for_answer(page)
    page.click("#demo-camera")
    wait_for_words(page, "no permission")


def test_without_webassembly_plain_javascript_takes_over(chromium_with, address):
    page = chromium_with("--js-flags=--jitless")  # as browsers in a lockdown mode are
    start(page, address)
    wait_for_answer(page, seconds=120)  # nothing is compiled there
    assert page.evaluate("typeof WebAssembly") == "undefined"
    wait_for_words(page, "in plain JavaScript", "speed")


def test_a_kernel_that_does_not_come_is_replaced(page, server):
    server.replaced["kernel.wasm"] = None
    start(page, server.address)
    wait_for_answer(page)
    wait_for_words(page, "in plain JavaScript", "speed")


def test_webassembly_is_used_where_it_is(demo):
    assert "plain" not in demo.text_content("#demo-speed")


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_weights_cut_short_are_told_and_loaded_anew(page, server):
    whole = SITE / "_static" / "demo" / WEIGHTS
    server.replaced[WEIGHTS] = whole.read_bytes()[:100_000]
    start(page, server.address)
    wait_for_words(page, "damaged or was cut short")
    server.replaced.clear()
    page.focus("#demo-image")
    page.keyboard.press("ArrowLeft")
    wait_for_answer(page)


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_weights_that_do_not_come_are_told(page, server):
    server.replaced[WEIGHTS] = None
    start(page, server.address)
    wait_for_words(page, "shapes.safetensors could not be loaded")
