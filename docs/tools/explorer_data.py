"""Write the numbers that explorers on pages begin from: they have no Python to ask.

python docs/tools/explorer_data.py docs/_static/explorers/data
"""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_sample_image

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
    return Image.fromarray(load_sample_image("flower.jpg")).resize((96, 64))


DATA: dict[str, Callable[[], dict | Image.Image]] = {
    "bottlenecks.json": list_bottlenecks,
    "flower.png": draw_flower,
    "gradient_rescue.json": list_gradients,
    "schedule.json": list_schedule,
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
