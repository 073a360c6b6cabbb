"""Explorers that ask the network in the page say what the explorers in Python say."""

import html
import json
import random
import shutil
import subprocess
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from explorer_data import take_photograph
from explorer_tools import parts
from PIL import Image

from googlenet_lib.course.kit.branches import branch_maps
from googlenet_lib.course.kit.photographs import load_temple
from googlenet_lib.course.nb00.growing import draw_object, explore_growing
from googlenet_lib.course.nb03.branches import explore_branches
from googlenet_lib.data.batches import normalise
from googlenet_lib.data.shapes import SHAPES
from googlenet_lib.network.pretrained import load_network

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
STATIC = ROOT / "docs" / "_static"
WEIGHTS = ROOT / "googlenet_lib" / "assets" / "weights"
SEED = 3  # lesson 00's
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node, which runs JavaScript")


def make(name):
    """Make an explorer as its lesson does."""
    if name == "explore_growing":
        return explore_growing(*load_network("shapes"), seed=SEED)
    return explore_branches(*load_network("cifar10"), load_temple())


def list_states(controls, count=24):
    """List the first state, those at the ends of all sliders, and some drawn at random."""
    sliders = {k: c for k, c in controls.items() if not hasattr(c, "options")}
    choices = {k: c.options for k, c in controls.items() if hasattr(c, "options")}
    draw = random.Random(0)
    first = {k: c.label if k in choices else c.value for k, c in controls.items()}
    states = [first]
    for end in ("min", "max"):
        states.append(first | {k: getattr(c, end) for k, c in sliders.items()})
    while len(states) < count:
        state = {}
        for k, c in sliders.items():
            state[k] = c.min + c.step * draw.randint(0, round((c.max - c.min) / c.step))
        for k, options in choices.items():  # in turn, so that each is tried
            option = options[len(states) % len(options)]
            state[k] = option[0] if isinstance(option, tuple) else option
        states.append(state)
    return states


def run_node(script, *arguments):
    command = [NODE, HERE / script, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize("name", ["explore_growing", "explore_branches"])
def test_words_and_controls_are_those_of_python(tmp_path, name):
    controls, _, words = parts(make(name))
    states = list_states(controls)
    expected = []
    for state in states:
        for label, value in state.items():
            field = "label" if hasattr(controls[label], "options") else "value"
            setattr(controls[label], field, value)
        expected.append(html.unescape(words.value.removeprefix("<p>").removesuffix("</p>")))
    (tmp_path / "states.json").write_text(json.dumps(states), encoding="utf-8")
    told = run_node("explorers.mjs", STATIC, WEIGHTS, name, tmp_path / "states.json")
    assert told["words"] == expected
    given = [{"step": 1} | c if c["kind"] == "range" else c for c in told["controls"]]
    assert given == [describe(c, states[0]) for c in controls.values()]


def describe(control: widgets.Widget, first: dict) -> dict:
    label = control.description
    if hasattr(control, "options"):
        options = [o[0] if isinstance(o, tuple) else o for o in control.options]
        return {"kind": "select", "label": label, "options": options, "value": first[label]}
    numbers = {"min": control.min, "max": control.max, "step": control.step}
    return {"kind": "range", "label": label, **numbers, "value": first[label]}


@needs_node
def test_objects_are_drawn_alike():
    script = """
    import { readFileSync } from "node:fs";
    const [folder, shapes, radii] = process.argv.slice(1);
    const { drawObject } = await import(`${folder}/explorers/explore_growing.js`);
    const look = JSON.parse(readFileSync(new URL(`${folder}/explorers/data/growing.json`)));
    const draw = (shape) =>
      JSON.parse(radii).map((radius) => [...drawObject(look, { shape, radius })]);
    console.log(JSON.stringify(JSON.parse(shapes).map(draw)));
    """
    radii = [3, 6.5, 14]
    arguments = [STATIC.as_uri(), json.dumps(SHAPES), json.dumps(radii)]
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script, *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = np.reshape(json.loads(done.stdout), (len(SHAPES), len(radii), 3, 32, 32))
    expected = np.stack([draw_object(shape, radii, SEED).numpy() for shape in SHAPES])
    difference = np.abs(found - expected)
    assert difference.max() <= 1  # where float32 rounds another way
    assert (difference > 0).mean() < 1e-3


def test_the_photograph_is_the_lessons():
    stored = Image.open(STATIC / "explorers" / "data" / "temple.png")
    assert np.array_equal(stored, take_photograph())


@needs_node
def test_the_network_sees_the_whole_photograph(tmp_path):
    model, info = load_network("cifar10")
    pixels = load_temple()
    batch = normalise(pixels, info.mean, info.std)[None]
    branches = {
        module: {
            branch: maps[0].flatten().tolist()
            for branch, maps in branch_maps(model, batch, f"inception{module}").items()
        }
        for module in ("3a", "4c")
    }
    with torch.inference_mode():
        logits = model.eval()(batch)[0].tolist()
    told = [
        {"pixels": pixels.flatten().tolist(), "outputs": {"logits": logits}, "branches": branches}
    ]
    (tmp_path / "images.json").write_text(json.dumps(told), encoding="utf-8")
    arguments = (STATIC / "demo", WEIGHTS / "cifar10.safetensors", tmp_path / "images.json")
    assert run_node("engine.mjs", *arguments)["furthest"] < 1e-5


# ---- on their pages ------------------------------------------------------------------------------

PLACES = {
    "explore_growing": ("course/00_start_here.html", "radius", "circle, radius 8."),
    "explore_branches": ("course/03_inception_block.html", "row", "row 24, column 24."),
}


def open_explorer(page, address, name):
    page.goto(f"{address}/{PLACES[name][0]}")
    explorer = page.locator(f"course-explorer[name={name}]")
    explorer.scroll_into_view_if_needed()
    return explorer


def wait_for_change(page, explorer, words):
    changed = "([element, words]) => element.textContent !== words"
    status = explorer.locator("[role=status]")
    page.wait_for_function(changed, arg=[status.element_handle(), words])
    label = explorer.get_by_role("img").get_attribute("aria-label")
    assert label == status.text_content()
    return label


@pytest.mark.parametrize("name", PLACES)
def test_they_answer_to_keys_and_to_the_pointer(page, address, name):
    explorer = open_explorer(page, address, name)
    _, label, first = PLACES[name]
    slider = explorer.get_by_label(label, exact=True)
    slider.focus()
    words = explorer.get_by_role("img").get_attribute("aria-label")
    assert first in words
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    words = wait_for_change(page, explorer, words)
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    words = wait_for_change(page, explorer, words)
    explorer.locator("select").select_option(index=3)
    wait_for_change(page, explorer, words)
    assert page.errors == []


@pytest.mark.parametrize("page", ["light"], indirect=True)
@pytest.mark.parametrize("name", PLACES)
def test_where_data_are_dear_they_ask_first(page, server, name):
    page.add_init_script(
        "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
    )
    explorer = open_explorer(page, server.address, name)
    button = explorer.get_by_role("button", name="Start")
    button.wait_for()
    assert not any(path.endswith(".safetensors") for path, _ in server.sent)
    button.click()
    explorer.locator("canvas").wait_for()


@pytest.mark.parametrize("page", ["light"], indirect=True)
@pytest.mark.parametrize("name", PLACES)
def test_without_weights_they_lead_to_colab(page, address, name):
    page.route("**/*.safetensors", lambda route: route.abort())
    explorer = open_explorer(page, address, name)
    explorer.get_by_text("could not be loaded").wait_for()
    assert "colab" in explorer.get_by_role("link").get_attribute("href")
