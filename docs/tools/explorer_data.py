"""Write the numbers that explorers on pages begin from: they have no Python to ask.

python docs/tools/explorer_data.py docs/_static/explorers/data
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from googlenet_lib.course.nb02.bottleneck import bottleneck
from googlenet_lib.network.table1 import MODULES


def list_bottlenecks() -> dict:
    """List the branches of Table 1 that have a 1x1 before a large kernel."""
    return {
        module: {f"{kernel}x{kernel}": asdict(bottleneck(module, kernel)) for kernel in (5, 3)}
        for module in MODULES
    }


DATA: dict[str, Callable[[], dict]] = {
    "bottlenecks.json": list_bottlenecks,
}


def write_json(data: dict) -> str:
    """Write data as a file holds them."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    for name, collect in DATA.items():
        (Path(sys.argv[1]) / name).write_text(write_json(collect()), encoding="utf-8")
