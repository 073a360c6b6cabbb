"""Explorers that ask the network in the page say what the explorers in Python say."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from node import needs_node, run_file, run_script
from test_live_explorers import specify, walk_randomly

from googlenet_lib.course.kit.branches import branch_maps
from googlenet_lib.course.kit.photographs import load_temple
from googlenet_lib.course.nb00.growing import draw_object, explore_growing
from googlenet_lib.course.nb03.branches import explore_branches
from googlenet_lib.data.batches import normalise
from googlenet_lib.data.shapes import SHAPES
from googlenet_lib.network.pretrained import load_network

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "docs" / "_static"
WEIGHTS = ROOT / "googlenet_lib" / "assets" / "weights"
SEED = 3  # lesson 00's

# Each as its lesson makes it.
EXPLORERS = {
    "explore_growing": lambda: explore_growing(*load_network("shapes"), seed=SEED),
    "explore_branches": lambda: explore_branches(*load_network("cifar10"), load_temple()),
}


@needs_node
@pytest.mark.parametrize("name", EXPLORERS)
def test_controls_and_words_are_those_of_python(tmp_path, monkeypatch, name):
    monkeypatch.setattr(Figure, "savefig", lambda *_arguments, **_options: None)  # words alone
    box = EXPLORERS[name]()
    controls = run_script(
        "const { CONTROLS } = await import(process.argv[1]);console.log(JSON.stringify(CONTROLS));",
        (STATIC / "explorers" / f"{name}.js").as_uri(),
    )
    assert list(controls.values()) == [specify(one) for one in box.children[0].children]
    states, words = zip(*walk_randomly(box, list(controls)), strict=True)
    given = tmp_path / "states.json"
    given.write_text(json.dumps(states), encoding="utf-8")
    found = run_file("explorers.mjs", STATIC, WEIGHTS, name, given)
    assert len(set(words)) > len(words) / 4
    for state, python, javascript in zip(states, words, found, strict=True):
        assert javascript == python, state


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
    arguments = STATIC.as_uri(), json.dumps(SHAPES), json.dumps(radii)
    found = np.reshape(run_script(script, *arguments), (len(SHAPES), len(radii), 3, 32, 32))
    expected = np.stack([draw_object(shape, radii, SEED).numpy() for shape in SHAPES])
    difference = np.abs(found - expected)
    assert difference.max() <= 1  # where float32 rounds another way
    assert (difference > 0).mean() < 1e-3


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
    assert run_file("engine.mjs", *arguments)["furthest"] < 1e-5


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
    for _ in range(4):  # positions lie up to four pixels apart
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
def test_without_weights_they_lead_to_colab(page, server, name):
    server.replaced |= {"shapes.safetensors": None, "cifar10.safetensors": None}
    explorer = open_explorer(page, server.address, name)
    explorer.get_by_text("could not be loaded").wait_for()
    assert "colab" in explorer.get_by_role("link").get_attribute("href")
