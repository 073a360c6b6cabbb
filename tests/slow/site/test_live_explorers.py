"""Explorers that pages run in JavaScript have the controls and the words of those in Python."""

import html
import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure
from node import needs_node, run_script

from googlenet_lib.course.nb02.bottleneck import explore_bottleneck
from googlenet_lib.course.nb02.mixer import SHADES, explore_mixer
from googlenet_lib.course.nb05.gradient_charts import explore_gradient_rescue
from googlenet_lib.course.nb07.charts import explore_schedule

ROOT = Path(__file__).parents[3]
EXPLORERS = ROOT / "docs" / "_static" / "explorers"
sys.path.insert(0, str(ROOT / "docs" / "tools"))

from explorer_data import DATA, draw_flower, encode  # noqa: E402
from explorers import describe_control, list_values  # noqa: E402

STATES = 200  # of each explorer


def read_json(name):
    return json.loads((EXPLORERS / "data" / name).read_text(encoding="utf-8"))


def flower():
    return torch.from_numpy(np.array(draw_flower())).permute(2, 0, 1)


def flower_in_javascript():
    pixels = np.array(draw_flower())
    return {"width": 96, "height": 64, "pixels": pixels.flatten().tolist()}


# Each with the arguments that its lesson gives it, and with what the JavaScript begins from.
LIVE = {
    "explore_bottleneck": (explore_bottleneck, lambda: read_json("bottlenecks.json")),
    "explore_mixer": (
        lambda: explore_mixer(flower(), row=(2.0, -2.0, 0.0), at=(50, 30)),
        flower_in_javascript,
    ),
    "explore_gradient_rescue": (
        explore_gradient_rescue,
        lambda: read_json("gradient_rescue.json"),
    ),
    "explore_schedule": (explore_schedule, lambda: read_json("schedule.json")),
}


def specify(control):
    """Describe a control as the JavaScript's CONTROLS do."""
    told = {key: value for key, value in describe_control(control).items() if key != "options"}
    if told["kind"] == "select":
        options = describe_control(control)["options"]
        return told | {"options": options, "value": options[control.index]}
    if told["kind"] == "check":
        return told | {"value": control.value}
    step = {} if isinstance(control.step, int) else {"step": control.step}
    return told | {"min": control.min, "max": control.max, "value": control.value} | step


def read_state(names, controls):
    values = [getattr(control, "label", control.value) for control in controls]
    return dict(zip(names, values, strict=True))


def walk_randomly(box, names):
    """Move one control after the other by chance; yield each state and its words."""
    draw = random.Random(0)
    controls = box.children[0].children
    for _ in range(STATES):
        words = box.children[2].value.removeprefix("<p>").removesuffix("</p>")
        yield read_state(names, controls), html.unescape(words)
        control = draw.choice(controls)
        control.value = draw.choice(list_values(control))


@needs_node
@pytest.mark.parametrize("name", LIVE)
def test_controls_and_words_are_those_of_python(name, tmp_path, monkeypatch):
    monkeypatch.setattr(Figure, "savefig", lambda *_arguments, **_options: None)  # words alone
    make, data = LIVE[name]
    box = make()
    module = (EXPLORERS / f"{name}.js").as_uri()
    controls = run_script(
        "const { CONTROLS } = await import(process.argv[1]);console.log(JSON.stringify(CONTROLS));",
        module,
    )
    assert list(controls.values()) == [specify(one) for one in box.children[0].children]

    states, words = zip(*walk_randomly(box, list(controls)), strict=True)
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"data": data(), "states": states}), encoding="utf-8")
    found = run_script(
        """
        import { readFileSync } from "node:fs";
        const [module, file] = process.argv.slice(1);
        const { describe } = await import(module);
        const { data, states } = JSON.parse(readFileSync(file));
        console.log(JSON.stringify(states.map((values) => describe(data, values))));
        """,
        module,
        given,
    )
    assert len(set(words)) > STATES / 4
    for state, python, javascript in zip(states, words, found, strict=True):
        assert javascript == python, state


@pytest.mark.parametrize("name", DATA)
def test_data_are_those_of_today(name):
    stored = (EXPLORERS / "data" / name).read_bytes()
    assert stored == encode(DATA[name]()), "run python docs/tools/explorer_data.py"


@needs_node
def test_numbers_are_written_as_python_writes_them():
    draw = random.Random(0)
    numbers = [k / 16 for k in range(-80, 80)]  # halves among them
    numbers += [draw.uniform(-1, 1) * 10 ** draw.randint(-9, 9) for _ in range(500)]
    found = run_script(
        """
        const [module, numbers] = process.argv.slice(1);
        const { fixed, general, percent, scientific } = await import(module);
        const write = (x) => [fixed(x, 0), fixed(x, 2), fixed(x, 3), percent(x), scientific(x, 1),
          general(x), general(x, 2)];
        console.log(JSON.stringify(JSON.parse(numbers).map(write)));
        """,
        (EXPLORERS / "words.js").as_uri(),
        json.dumps(numbers),
    )
    for x, texts in zip(numbers, found, strict=True):
        python = [f"{x:.0f}", f"{x:.2f}", f"{x:.3f}", f"{x:.0%}", f"{x:.1e}", f"{x:g}", f"{x:.2g}"]
        assert texts == python, x


@needs_node
def test_the_mixer_has_the_colours_of_its_figure():
    numbers = np.linspace(-1.2, 1.2, 97)
    found = run_script(
        """
        const [module, numbers] = process.argv.slice(1);
        const { shade } = await import(module);
        console.log(JSON.stringify(JSON.parse(numbers).map(shade)));
        """,
        (EXPLORERS / "explore_mixer.js").as_uri(),
        json.dumps(numbers.tolist()),
    )
    expected = colormaps[SHADES]((numbers + 1) / 2)[:, :3] * 255
    assert np.abs(np.array(found) - expected).max() < 3  # it has 256 steps
