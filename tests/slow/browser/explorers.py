"""Run notebooks in a browser, move every control of their explorers, and see the words change.

    python tests/slow/browser/explorers.py [--notebook notebooks/02_...] [--keep-screenshots D]

JupyterLab serves copies of the notebooks, without outputs, to a Chromium that has no window. Each
is run from top to bottom and must show no error. Then every control that the page shows is moved
there and back, by keys or by clicks, and each time the words under the figure must change. How
many explorers a cell shows is read from its source and held against the page. Prints a table; its
milliseconds, of the slower way, are those of the page, from the key or click to the changed words.

It needs playwright and a Chromium. Exit status 1 says that something failed, 2 that one is missing.
"""

import argparse
import ast
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))
import conftest  # noqa: E402, F401 (hides GPU, CIFAR-10 and network from server and kernels)
from googlenet_lib.errors import UsageError  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Seconds. A shared machine with two cores runs a notebook in a minute or two.
START, RUN, ANSWER = 120, 300, 60
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is on the page
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

WIDGET = ".jp-OutputArea-output:has(> .jupyter-widgets)"
ERROR = '[data-mime-type="application/vnd.jupyter.stderr"]'  # errors, and what is printed there
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
READY = '#jp-main-statusbar :text("| Idle")'  # the page has its kernel
SLIDER, CHECKBOX, SELECTS = ".widget-slider", ".widget-checkbox", ".widget-dropdown, .widget-select"
TOGGLES, RADIO = ".widget-toggle-buttons", ".widget-radio"
BUTTON = f"button.jupyter-button:not({TOGGLES} *)"
CONTROLS = f"{SLIDER}, {CHECKBOX}, {SELECTS}, {TOGGLES}, {RADIO}, {BUTTON}"

# Every code cell has its number, or an error stopped the rest. A collapsed cell shows none.
RAN = """error => {
    const dialog = document.querySelector(".jp-Dialog");
    if (dialog) throw new Error(`JupyterLab asks: ${dialog.innerText}`);
    const prompts = [...document.querySelectorAll(
        ".jp-CodeCell:not(:has(.jp-Placeholder)) .jp-InputPrompt")];
    const said = prompts.map(prompt => prompt.textContent);
    if (said.some(text => text.includes("*"))) return false;
    return said.every(text => /\\d/.test(text)) || document.querySelector(error) !== null;
}"""
# What one could move, and CONTROLS does not name.
STRAYS = """(area, controls) =>
    [...area.querySelectorAll("input, select, textarea, button, [contenteditable=true]")]
        .filter(element => element.checkVisibility() && !element.closest(controls))
        .map(element => element.closest(".jupyter-widgets").className)
"""
# Its label, or what stands on it. Where there is no label, ipywidgets writes a space of no width.
NAME = """control =>
    [...control.querySelectorAll(".widget-label, .widget-label-basic"), control]
        .map(element => element.textContent.replaceAll("\u200b", "").trim())
        .find(text => text) ?? "without a name"
"""
# Returns the words; window.answer gets the changed ones, and when they came.
WATCH = """area => {
    const texts = () => [...area.querySelectorAll(".widget-html-content")];
    const words = () => texts().map(text => text.textContent.trim()).join(" ");
    const before = words();
    let moved = null;
    for (const event of ["keydown", "click", "input"]) {
        const note = () => { moved ??= performance.now(); };
        area.addEventListener(event, note, {capture: true, once: true});
    }
    window.answer = null;
    const observer = new MutationObserver(() => {
        if (moved === null || words() === before) return;
        window.answer = {milliseconds: performance.now() - moved, words: words()};
        observer.disconnect();
    });
    observer.observe(area, {subtree: true, childList: true, characterData: true});
    return before;
}"""
PICTURES_SHOW = """area =>
    [...area.querySelectorAll("img")].every(image => image.complete && image.naturalWidth > 0)
"""


@dataclass(frozen=True)
class Movement:
    """A control that was moved, and how the words answered."""

    explorer: str
    control: str
    before: str
    after: str
    milliseconds: float
    computes: bool  # a button, which may well take its time


def main() -> int:
    """Open, run, move, print a table; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--notebook", nargs="+", type=Path, help="default: all that show an explorer"
    )
    options.add_argument("--keep-screenshots", type=Path, metavar="DIR")
    options = options.parse_args()
    try:
        paths = chosen(options.notebook)
        with browser() as chromium, tempfile.TemporaryDirectory(prefix="browser-") as scratch:
            return look_at(paths, chromium, Path(scratch), options.keep_screenshots)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2


def chosen(notebooks: list[Path] | None) -> list[Path]:
    """The notebooks to open: those named, else all in which an explorer is shown."""
    here = sorted(NOTEBOOKS.glob("*.ipynb"))
    if notebooks is None:
        return [path for path in here if shown_explorers(nbformat.read(path, as_version=4))]
    for path in notebooks:
        if path.name not in {one.name for one in here}:
            names = ", ".join(one.name for one in here)
            raise UsageError(f"notebook {path} came; expected one of {names}")
    return [NOTEBOOKS / path.name for path in notebooks]


def shown_explorers(notebook: nbformat.NotebookNode) -> dict[int, list[str]]:
    """The explorers that each code cell shows, by name: its last expression, or by display()."""
    made: dict[str, str] = {}  # by the variable that holds it
    shown: dict[int, list[str]] = {}
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for number, source in enumerate(cells):
        body = ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)).body
        for statement in body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                made[statement.targets[0].id] = _explorer(statement.value, made)
            elif isinstance(statement, ast.Expr):
                value = statement.value
                displayed = isinstance(value, ast.Call) and _name(value) == "display"
                values = value.args if displayed else [value] if statement is body[-1] else []
                names = [name for one in values if (name := _explorer(one, made))]
                if names:
                    shown.setdefault(number, []).extend(names)
    return shown


def _explorer(value: ast.expr, made: dict[str, str]) -> str:
    """The name of the function that made an explorer, "" for anything else."""
    if isinstance(value, ast.Name):
        return made.get(value.id, "")
    name = _name(value) if isinstance(value, ast.Call) else ""
    return name if name.startswith("explore_") else ""


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


# ---- server and browser --------------------------------------------------------------------------


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium without a window: playwright's own, else the system's."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise UsageError(
            "playwright is not installed, and a browser is steered with it; run: "
            "pip install playwright && playwright install chromium"
        ) from None
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch()
        except Error as error:
            path = next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)
            if path is None:
                raise UsageError(
                    f"no browser can be started; run `playwright install chromium`, or put one of "
                    f"{', '.join(SYSTEM_BROWSERS)} on the PATH. Playwright said: "
                    f"{error.message.splitlines()[0]}"
                ) from None
            chromium = playwright.chromium.launch(executable_path=path)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def jupyterlab(folder: Path, scratch: Path) -> Iterator[tuple[str, str]]:
    """JupyterLab on the notebooks in `folder`, as nobody has set it up: its address and token."""
    for name, content in SETTINGS.items():
        path = scratch / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    token = secrets.token_hex()
    own = {
        "JUPYTER_TOKEN": token,
        "JUPYTERLAB_SETTINGS_DIR": str(scratch / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
        "JUPYTER_DATA_DIR": str(scratch / "data"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "IPYTHONDIR": str(scratch / "ipython"),
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}"]
    log = scratch / "server.log"
    with log.open("w", encoding="utf-8") as file:
        server = subprocess.Popen(
            command, env=os.environ | own, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + START
        while not listens(port):
            if server.poll() is not None or time.monotonic() > end:
                raise UsageError(
                    f"JupyterLab did not start; it said:\n{log.read_text(encoding='utf-8')[-2000:]}"
                )
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}", token
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def listens(port: int) -> bool:
    """Whether something on this machine answers at `port`."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


# ---- one notebook after the other ----------------------------------------------------------------


def look_at(paths: list[Path], chromium: Any, scratch: Path, pictures: Path | None) -> int:
    """Run and move; 1 if anything failed."""
    folder = scratch / "notebooks"
    folder.mkdir()
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    tools = ("jupyterlab", "ipywidgets", "playwright")
    print(*(f"{name} {version(name)}," for name in tools), f"chromium {chromium.version}\n")
    print(f"{'notebook':28}{'explorer':25}{'control':24}{'ms':>6}  words")
    movements, faults = [], []
    with jupyterlab(folder, scratch) as (address, token):
        for path in paths:
            found = Visit(path, chromium, pictures)
            try:
                found.run(folder, address, token)
            finally:
                found.leave(address, token)
            movements += found.movements
            faults += [f"{path.stem}: {fault}" for fault in found.faults]
    quick = [one for one in movements if not one.computes]
    slowest = max(quick, key=lambda one: one.milliseconds, default=None)
    if slowest:
        print(
            f"\n{len(movements)} controls answered; the slowest that is no button is "
            f"{slowest.control} of {slowest.explorer}, {slowest.milliseconds:.0f} ms"
        )
    print(*(f"\nFAILED {fault}" for fault in faults), sep="")
    return bool(faults)


class Visit:
    """One notebook in one page of the browser: what moved, and what went wrong."""

    def __init__(self, path: Path, chromium: Any, pictures: Path | None) -> None:
        self.path, self.pictures = path, pictures
        self.page = chromium.new_page(viewport={"width": 1400, "height": 1300})
        self.movements: list[Movement] = []
        self.faults: list[str] = []

    def run(self, folder: Path, address: str, token: str) -> None:
        """Run All, then move every control of every explorer."""
        from playwright.sync_api import Error, TimeoutError

        notebook = nbformat.read(self.path, as_version=4)
        expected = shown_explorers(notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, folder / self.path.name)
        page = self.page
        try:
            page.goto(f"{address}/lab/tree/{self.path.name}?reset&token={token}")
            page.wait_for_selector(READY, timeout=1000 * START)
            page.click('.lm-MenuBar-itemLabel:text-is("Run")')
            page.click('.lm-Menu-item[data-command="runmenu:run-all"]')
            page.wait_for_function(RAN, arg=ERROR, timeout=1000 * RUN)
            self.settle()
        except Error as error:
            self.fail(f"Run All did not end: {error.message.splitlines()[0]}", page)
            return
        for error in page.locator(ERROR).all():
            self.fail(f"a cell shows an error or a warning:\n{error.text_content()[-1500:]}", page)
        with suppress(TimeoutError):  # then the counts say so
            drawn = "([area, least]) => document.querySelectorAll(area).length >= least"
            least = sum(len(names) for names in expected.values())
            page.wait_for_function(drawn, arg=[WIDGET, least], timeout=1000 * ANSWER)
        for number, cell in enumerate(page.locator(".jp-CodeCell").all()):
            areas = [one for one in cell.locator(WIDGET).all() if one.locator(CONTROLS).count()]
            names = expected.get(number, [])
            if len(areas) != len(names):
                self.fail(
                    f"code cell {number + 1} was to show {', '.join(names) or 'no explorer'}; "
                    f"the page has {len(areas)} with controls there",
                    cell,
                )
            for name, area in zip(names, areas, strict=False):
                self.explore(name, area)

    def explore(self, explorer: str, area: Any) -> None:
        """Move all controls of one explorer, each there and back."""
        from playwright.sync_api import Error

        self.keep(area, explorer)
        for stray in area.evaluate(STRAYS, CONTROLS):
            self.fail(f"{explorer} has a control that this script cannot move yet: {stray}", area)
        controls = [one for one in area.locator(CONTROLS).all() if one.is_visible()]
        if not controls:
            self.fail(f"no control of {explorer} can be seen", area)
        for control in controls:
            name = control.evaluate(NAME)
            try:
                answers = [self.move(area, way, name) for way in ways_of(control)]
            except Error as error:
                self.fail(
                    f"{explorer}: {name} did not answer: {error.message.splitlines()[0]}", area
                )
                continue
            before, after, _ = answers[0]
            slower = max(milliseconds for *_, milliseconds in answers)
            computes = len(answers) == 1
            row = Movement(explorer, name, before, after, slower, computes)
            self.movements.append(row)
            print(
                f"{self.path.stem:28}{explorer:25}{name[:22]:24}{slower:6.0f}  "
                f"{difference(before, after)}",
                flush=True,
            )
            if not area.evaluate(PICTURES_SHOW):
                self.fail(f"{explorer}: after {name} its picture is broken", area)

    def move(self, area: Any, way: Callable[[], object], name: str) -> tuple[str, str, float]:
        """One movement: the words before, those that answer, and the milliseconds between."""
        before = area.evaluate(WATCH)
        way()
        self.page.wait_for_function("window.answer", timeout=1000 * ANSWER)
        self.settle()  # so that nothing late is taken for the next answer
        answer = self.page.evaluate("window.answer")
        self.keep(area, name)
        return before, answer["words"], answer["milliseconds"]

    def settle(self) -> None:
        """Wait until the kernel has nothing more to do."""
        self.page.wait_for_selector(IDLE, timeout=1000 * ANSWER)
        self.page.wait_for_timeout(50)

    def fail(self, fault: str, where: Any) -> None:
        """Note what went wrong, with a picture of where."""
        self.faults.append(fault)
        self.keep(where, "failed")

    def keep(self, where: Any, name: str) -> None:
        """A screenshot, if they are wanted: numbered in the order in which they were taken."""
        if self.pictures:
            number = len([*self.pictures.glob(f"{self.path.stem}-*.png")])
            name = re.sub(r"\W+", "_", name)
            where.screenshot(path=self.pictures / f"{self.path.stem}-{number:02}-{name}.png")

    def leave(self, address: str, token: str) -> None:
        """End the kernel, whose memory the next one needs, and close the page."""
        head = {"Authorization": f"token {token}"}
        for kernel in self.page.request.get(f"{address}/api/kernels", headers=head).json():
            self.page.request.delete(f"{address}/api/kernels/{kernel['id']}", headers=head)
        self.page.close()


def ways_of(control: Any) -> list[Callable[[], object]]:
    """How to move a control there and back; a button that is pressed has no way back."""

    def is_a(selector: str) -> bool:
        return control.evaluate("(control, selector) => control.matches(selector)", selector)

    if is_a(SLIDER):
        handle = control.locator(".noUi-handle").first
        now, most = (float(handle.get_attribute(f"aria-value{which}")) for which in ("now", "max"))
        keys = ("PageUp", "PageDown") if now < most else ("PageDown", "PageUp")  # several steps
        return [partial(handle.press, key) for key in keys]
    if is_a(SELECTS):
        box = control.locator("select")
        at, options = box.evaluate("box => [box.selectedIndex, box.length]")
        return [partial(box.select_option, index=index) for index in ((at + 1) % options, at)]
    if is_a(CHECKBOX):
        return [control.locator("input").click] * 2
    if is_a(f"{TOGGLES}, {RADIO}"):
        options = control.locator("button, input")
        on = "option => option.checked ?? option.classList.contains('mod-active')"
        at = next(i for i, option in enumerate(options.all()) if option.evaluate(on))
        return [options.nth(index).click for index in ((at + 1) % options.count(), at)]
    return [control.click] * (2 if is_a(".widget-toggle-button") else 1)


def difference(before: str, after: str, width: int = 34) -> str:
    """Where two texts part, from the word on that differs."""
    pairs = enumerate(zip(before, after, strict=False))
    parted = next((i for i, (one, other) in pairs if one != other), min(len(before), len(after)))
    start = before.rfind(" ", 0, parted) + 1
    return " → ".join(text[start : start + width].strip() for text in (before, after))


if __name__ == "__main__":
    sys.exit(main())
