"""A server of the built site and a browser: Chromium, or the one that SITE_BROWSER names."""

import functools
import os
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from built import CHROMIUM, LOOKS, PREFIX, SITE

WANTED = os.environ.get("SITE_BROWSER")  # chromium, firefox or webkit
# A camera that shows a test picture, and nobody asked whether it may be used.
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


class Server(ThreadingHTTPServer):
    """Serves the site as GitHub Pages does, and remembers what it has sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=SITE))
        self.sent: list[tuple[str, int]] = []  # paths and bytes
        self.wait = 0.0  # seconds until a picture is sent
        self.replaced: dict[str, bytes | None] = {}  # what is sent for a file; None: nothing
        self.address = f"http://127.0.0.1:{self.server_port}{PREFIX}"

    def handle_error(self, *_arguments: object) -> None:
        """A browser that leaves a page hangs up while it is served: no error."""


class Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".wasm": "application/wasm",
        ".js": "text/javascript",
    }

    def log_message(self, *_arguments: object) -> None:
        pass

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix(PREFIX))

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        if name.endswith((".png", ".svg", ".jpg")):
            time.sleep(self.server.wait)
        if name not in self.server.replaced:
            super().do_GET()
        elif (content := self.server.replaced[name]) is None:
            self.send_error(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def send_error(self, code: int, *_arguments: object, **_options: object) -> None:
        """Answer with the site's own page for what is not there, as GitHub Pages does."""
        content = (SITE / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Length":
            self.server.sent.append((self.path.partition("?")[0], int(value)))
        super().send_header(keyword, value)


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def server(_server):
    _server.sent, _server.wait, _server.replaced = [], 0.0, {}
    return _server


@pytest.fixture
def address(server):
    return server.address


@pytest.fixture(scope="session")
def browser():
    if not any(SITE.glob("*.html")):
        pytest.skip("build it first: sphinx-build -W docs site/")
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with sync_api.sync_playwright() as playwright:
        try:
            if (WANTED or "chromium") == "chromium":
                made = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", *CAMERA]
                )
            else:
                made = getattr(playwright, WANTED).launch()
        except sync_api.Error as error:
            if WANTED:
                raise
            pytest.skip(f"no Chromium: {error}")
        yield made
        made.close()


@pytest.fixture(params=LOOKS)
def page(browser, request):
    look = dict(LOOKS[request.param])
    if browser.browser_type.name == "firefox":
        look.pop("is_mobile", None)  # which Firefox does not imitate
    context = browser.new_context(**look)
    context.set_default_timeout(90_000)  # milliseconds: machines are busy
    made = context.new_page()
    made.outside, made.broken, made.errors = [], [], []
    made.on("request", lambda r: _is_ours(r.url) or made.outside.append(r.url))
    made.on("response", lambda r: r.status < 400 or made.broken.append(r.url))
    made.on("pageerror", lambda error: made.errors.append(str(error)))
    yield made
    context.close()


def _is_ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "data:", "blob:"))
