"""Write the numbers that explorers on pages begin from: they have no Python to ask.

python docs/tools/explorer_data.py docs/_static/explorers/data
"""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from PIL import Image

from googlenet_lib.course.kit.photographs import load_temple
from googlenet_lib.course.nb00.growing import SIZE
from googlenet_lib.course.nb02.bottleneck import bottleneck
from googlenet_lib.network.table1 import MODULES


def list_bottlenecks() -> dict:
    """List the branches of Table 1 that have a 1x1 before a large kernel."""
    return {
        module: {f"{kernel}x{kernel}": asdict(bottleneck(module, kernel)) for kernel in (5, 3)}
        for module in MODULES
    }


def list_object(seed: int = 3) -> dict:
    """List how lesson 00's growing object looks: what `draw_shapes` draws at random from a seed.

    It draws in this order and by these formulas; of the noise, five digits change no pixel.
    """
    draw = torch.Generator().manual_seed(seed)
    _place, tilt, phase, period, stripe_angle = torch.rand(5, 2, 1, generator=draw)
    colours = torch.rand(1, 2, 3, 1, 1, generator=draw)
    noise = torch.randn(1, 3, SIZE, SIZE, generator=draw)
    light, dark = 0.65 + 0.35 * colours[0, 0].flatten(), 0.35 * colours[0, 1].flatten()
    thing, ground = (light, dark) if tilt[1] < 0.5 else (dark, light)
    return {
        "object": thing.tolist(),
        "ground": ground.tolist(),
        "tilt": math.radians(30) * (float(tilt[0]) - 0.5),
        "stripes": {
            "angle": math.pi * float(stripe_angle[0]),
            "wavelength": 3 + 5 * float(period[0]),
            "phase": float(phase[0]),
        },
        "noise": [round(value, 5) for value in (0.04 * noise).flatten().tolist()],
    }


def take_photograph() -> Image.Image:
    """Take the photograph that lesson 03's explorer looks at."""
    return Image.fromarray(load_temple().permute(1, 2, 0).numpy())


DATA: dict[str, Callable[[], dict]] = {
    "bottlenecks.json": list_bottlenecks,
    "growing.json": list_object,
}


def write_json(data: dict) -> str:
    """Write data as a file holds them."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    take_photograph().save(Path(sys.argv[1]) / "temple.png", optimize=True)
    for name, collect in DATA.items():
        (Path(sys.argv[1]) / name).write_text(write_json(collect()), encoding="utf-8")
