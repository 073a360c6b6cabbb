"""Write the numbers that explorers on pages begin from: they have no Python to ask.

python docs/tools/explorer_data.py docs/_static/explorers/data
"""

import io
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from PIL import Image

from googlenet_lib.course.kit.photographs import load_photographs, load_temple
from googlenet_lib.course.nb00.growing import SIZE
from googlenet_lib.course.nb02.bottleneck import bottleneck
from googlenet_lib.course.nb05.gradient_charts import setting_name, short_layer
from googlenet_lib.course.nb05.gradients import INITS, LAYERS, NORMS, probes_of
from googlenet_lib.network.table1 import MODULES
from googlenet_lib.training.recipes import IMAGENET


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


def list_gradients() -> dict:
    """List the recorded inner products of gradients: by setting, seed and layer."""
    products = {
        setting_name(init, norm): [
            [one.products[layer] for layer in LAYERS] for one in probes_of(init, norm)
        ]
        for init in INITS
        for norm in NORMS
    }
    return {"layers": [short_layer(layer) for layer in LAYERS], "products": products}


def list_schedule() -> dict:
    """List what the schedules of a recipe go by and no control of the explorer changes."""
    return {name: getattr(IMAGENET, name) for name in ("lr", "epochs", "drop", "drop_every")}


def draw_flower() -> Image.Image:
    """Resize the photograph of the flower as lesson 02 does."""
    _, flower = load_photographs()
    return flower.resize((96, 64))


def draw_temple() -> Image.Image:
    """Take the photograph of the temple as lesson 03 does."""
    return Image.fromarray(load_temple().permute(1, 2, 0).numpy())


DATA: dict[str, Callable[[], dict | Image.Image]] = {
    "bottlenecks.json": list_bottlenecks,
    "flower.png": draw_flower,
    "gradient_rescue.json": list_gradients,
    "growing.json": list_object,
    "schedule.json": list_schedule,
    "temple.png": draw_temple,
}


def encode(data: dict | Image.Image) -> bytes:
    """Turn data into the bytes of their file."""
    if isinstance(data, Image.Image):
        written = io.BytesIO()
        data.save(written, "png", optimize=True)
        return written.getvalue()
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{text}\n".encode()


if __name__ == "__main__":
    for name, collect in DATA.items():
        (Path(sys.argv[1]) / name).write_bytes(encode(collect()))
