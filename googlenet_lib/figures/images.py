"""The figures that are committed as files: which they are, their alt texts, drawing them anew."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from googlenet_lib.figures.curves import describe_curves, plot_curves
from googlenet_lib.figures.inception import describe_inception, draw_inception
from googlenet_lib.figures.network import describe_network, draw_network
from googlenet_lib.paper import ROWS
from googlenet_lib.recipes import CLASSROOM_PUBLISHED
from googlenet_lib.runs import recorded_run

_EXAMPLE = (ROWS["inception3a"], ROWS["maxpool2"].channels)


def _draw_classroom() -> Figure:
    run = recorded_run("classroom-0")
    return plot_curves(run.history, source=run.source(), reference=CLASSROOM_PUBLISHED)


def _describe_classroom() -> str:
    return describe_curves(recorded_run("classroom-0").history, reference=CLASSROOM_PUBLISHED)


# File name: what draws it, what describes it, and the arguments of both.
IMAGES: dict[str, tuple[Callable[..., Figure], Callable[..., str], tuple]] = {
    "network.svg": (draw_network, describe_network, ()),
    "inception3a.svg": (draw_inception, describe_inception, _EXAMPLE),
    "classroom_curves.svg": (_draw_classroom, _describe_classroom, ()),
}


def alt_texts() -> dict[str, str]:
    """Return the alt text of every committed figure, by file name."""
    return {name: describe(*data) for name, (_, describe, data) in IMAGES.items()}


def write_images(folder: Path) -> list[Path]:
    """Draw every committed figure into `folder` as SVG, its alt text inside, and return the paths.

    Two calls give the same bytes: there is no date inside, and ids depend on the content alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (draw, describe, data) in IMAGES.items():
        path = folder / name
        figure = draw(*data)
        metadata = {"Title": path.stem, "Description": describe(*data), "Date": None}
        with plt.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
            figure.savefig(path, metadata=metadata | {"Creator": None})
        plt.close(figure)
        paths.append(path)
    return paths
