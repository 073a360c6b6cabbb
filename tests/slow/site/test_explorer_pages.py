"""Explorers on pages: they answer to keys and to the pointer, speak at the end, and fit."""

import pytest

LESSONS = {
    "explore_bottleneck": "02_one_by_one_convolutions",
    "explore_mixer": "02_one_by_one_convolutions",
    "explore_gradient_rescue": "05_auxiliary_heads",
    "explore_schedule": "07_train_like_imagenet",
    "explore_tower": "03_inception_block",  # of drawn states
}
CHARTS = ("explore_bottleneck", "explore_gradient_rescue", "explore_schedule")
PICTURE = ":is(img, [role=img])"


def open_explorer(page, address, name):
    page.goto(f"{address}/course/{LESSONS[name]}.html")
    explorer = page.locator(f"course-explorer[name={name}]")
    explorer.scroll_into_view_if_needed()
    explorer.locator("[role=status]:not(:empty)").wait_for()
    return explorer


@pytest.fixture(params=LESSONS)
def explorer(page, address, request):
    return open_explorer(page, address, request.param)


def read_picture(explorer):
    """Read the words that a screen reader has for the picture."""
    picture = explorer.locator(PICTURE)
    return picture.get_attribute("alt") or picture.get_attribute("aria-label")


def wait_for_change(explorer, before):
    """Wait until the picture shows something else, and until the words follow."""
    explorer.page.wait_for_function(
        """([element, picture, before]) => {
          const shown = element.querySelector(picture);
          const words = shown.alt || shown.getAttribute("aria-label");
          return words !== before && element.querySelector("[role=status]").textContent === words;
        }""",
        arg=[explorer.element_handle(), PICTURE, before],
    )


def test_keys_and_pointer_move_every_control(explorer):
    controls = explorer.locator("input, select")
    for i in range(controls.count()):
        control, before = controls.nth(i), read_picture(explorer)
        kind = control.get_attribute("type") or "select"
        if kind == "range":
            value = float(control.input_value())
            at_end = value == float(control.get_attribute("max"))
            control.press("ArrowLeft" if at_end else "ArrowRight")
            wait_for_change(explorer, before)
            assert float(control.input_value()) != value
            before, box = read_picture(explorer), control.bounding_box()
            share = 0.3 if at_end else 0.8  # beside the thumb
            control.click(position={"x": share * box["width"], "y": box["height"] / 2})
        elif kind == "checkbox":
            control.press("Space")
        else:
            control.select_option(index=1)
        wait_for_change(explorer, before)
    assert explorer.page.errors == []


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_words_are_spoken_where_a_movement_ends(page, address):
    explorer = open_explorer(page, address, "explore_schedule")
    words = explorer.locator("[role=status]").text_content()
    spoken = page.evaluate(
        """(explorer) => new Promise((resolve) => {
          const changes = [], line = explorer.querySelector("[role=status]");
          const note = () => changes.push(line.textContent);
          new MutationObserver(note).observe(line, { childList: true });
          const cycles = explorer.querySelectorAll("input")[1];
          for (const number of [5, 6, 7]) {
            cycles.value = number;
            cycles.dispatchEvent(new Event("input"));
          }
          setTimeout(() => resolve(changes), 1000);
        })""",
        explorer.element_handle(),
    )
    assert len(spoken) == 1
    assert spoken[0] != words
    assert "jumps back up 6 times" in spoken[0]


@pytest.mark.parametrize("page", ["light", "phone"], indirect=True)
@pytest.mark.parametrize("name", CHARTS)
def test_nothing_in_a_chart_is_cut_or_covered(page, address, name):
    explorer = open_explorer(page, address, name)
    controls = explorer.locator("select, input[type=range]")
    for i in range(controls.count()):
        for end in ("End", "Home"):
            controls.nth(i).press(end)
            faults = explorer.evaluate(
                """(explorer) => {
                  const page = explorer.querySelector("svg").getBoundingClientRect();
                  const lines = [...explorer.querySelectorAll("svg tspan")]
                    .filter((line) => line.textContent.trim())
                    .map((line) => [line.textContent, line.getBoundingClientRect()]);
                  const cut = lines.filter(([, { left, right, top, bottom }]) =>
                    left < page.left - 1 || right > page.right + 1 ||
                    top < page.top - 1 || bottom > page.bottom + 1);
                  const meet = ([, one], [, two]) =>
                    one.left < two.right - 1 && two.left < one.right - 1 &&
                    one.top < two.bottom - 3 && two.top < one.bottom - 3;
                  const covered = lines.flatMap((one, i) => lines.slice(i + 1)
                    .filter((two) => meet(one, two)).map(([text]) => `${one[0]} | ${text}`));
                  return [...cut.map(([text]) => text), ...covered];
                }"""
            )
            assert faults == []


@pytest.mark.parametrize("name", ["explore_mixer", "explore_gradient_rescue", "explore_schedule"])
def test_axe_finds_nothing_serious(page, address, name):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    open_explorer(page, address, name)
    found = axe.Axe().run(page, "course-explorer").response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("page", ["light"], indirect=True)
@pytest.mark.parametrize("lost", ["explore_schedule.js", "controls.js", "schedule.json"])
def test_what_cannot_be_loaded_leads_to_colab(page, address, lost):
    page.route(f"**/{lost}", lambda route: route.abort())
    page.goto(f"{address}/course/07_train_like_imagenet.html")
    explorer = page.locator("course-explorer")
    explorer.scroll_into_view_if_needed()
    explorer.get_by_text("could not be loaded").wait_for()
    assert "/07_train_like_imagenet.ipynb" in explorer.locator("a").get_attribute("href")


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_saved_data_are_asked_for(page, address):
    page.add_init_script(
        "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
    )
    module = "export const bytes = 5.24e6; export const build = (e) => (e.textContent = 'here');"
    page.route(
        "**/explore_schedule.js",
        lambda route: route.fulfill(body=module, content_type="text/javascript"),
    )
    page.goto(f"{address}/course/07_train_like_imagenet.html")
    explorer = page.locator("course-explorer")
    explorer.scroll_into_view_if_needed()
    button = explorer.get_by_role("button", name="Start (loads 5.2 MB)")
    button.wait_for()
    button.press("Enter")
    explorer.get_by_text("here").wait_for()


@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_what_trains_leads_to_colab(page, address):
    page.goto(f"{address}/course/03_inception_block.html")
    cell = page.locator("div.cell", has_text="explore_design(")
    line = cell.get_by_text("This explorer trains networks")
    assert "colab" in line.locator("a").get_attribute("href")
