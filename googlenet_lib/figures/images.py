"""The figures that are committed as files: which they are, their alt texts, drawing them anew."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from googlenet_lib.figures.cost_bars import (
    describe_lane_costs,
    describe_table_costs,
    draw_lane_costs,
    draw_table_costs,
)
from googlenet_lib.figures.curves import describe_curves, plot_curves
from googlenet_lib.figures.four_lanes import describe_four_lanes, draw_four_lanes, temple_view
from googlenet_lib.figures.head import describe_head, draw_head
from googlenet_lib.figures.inception import describe_inception, draw_inception
from googlenet_lib.figures.kernel_sizes import describe_contenders, draw_contenders
from googlenet_lib.figures.ladder import describe_ladder, draw_ladder
from googlenet_lib.figures.naive_inception import describe_naive_inception, draw_naive_inception
from googlenet_lib.figures.network import describe_network, draw_network
from googlenet_lib.kernel_sizes import recorded
from googlenet_lib.ladder import ladder_runs
from googlenet_lib.paper import ROWS, Row
from googlenet_lib.recipes import CLASSROOM_PUBLISHED
from googlenet_lib.runs import Run, recorded_run


def _draw_classroom(run: Run) -> Figure:
    return plot_curves(run.history, source=run.source(), reference=CLASSROOM_PUBLISHED)


def _describe_classroom(run: Run) -> str:
    return describe_curves(run.history, reference=CLASSROOM_PUBLISHED)


def _nothing() -> tuple[()]:
    """Figures of Table 1 read it themselves."""
    return ()


def _module() -> tuple[Row, int]:
    return ROWS["inception3a"], ROWS["maxpool2"].channels


# File name: what draws it, what describes it, and what gives the arguments of both.
IMAGES: dict[str, tuple[Callable[..., Figure], Callable[..., str], Callable[[], tuple]]] = {
    "network.svg": (draw_network, describe_network, _nothing),
    "inception3a_naive.svg": (draw_naive_inception, describe_naive_inception, _module),
    "inception3a.svg": (draw_inception, describe_inception, _module),
    "inception3a_costs.svg": (draw_lane_costs, describe_lane_costs, _module),
    "table1_costs.svg": (draw_table_costs, describe_table_costs, _nothing),
    "auxiliary_heads.svg": (draw_head, describe_head, _nothing),
    "four_lanes.svg": (draw_four_lanes, describe_four_lanes, lambda: (temple_view(),)),
    "kernel_sizes.svg": (draw_contenders, describe_contenders, lambda: (recorded(),)),
    "classroom_curves.svg": (
        _draw_classroom,
        _describe_classroom,
        lambda: (recorded_run("classroom-0"),),
    ),
    "accuracy_ladder.svg": (draw_ladder, describe_ladder, lambda: (ladder_runs(),)),
}

_PAGE = """# Figures

Each of these is drawn from the paper's tables, recorded runs or a trained network by
`python -m googlenet_lib.figures images/`, which writes this page too.

Use them in slides and texts under [CC BY 4.0](../LICENSE-TEXT.md): name "The GoogLeNet notebooks
authors, CC BY 4.0" and link to this repository; [CITATION.cff](../CITATION.cff) has the whole
entry. `four_lanes.svg` shows a
[photograph by danielbuechele](https://www.flickr.com/photos/danielbuechele/6061409035/),
[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/): name him as well.

All are 900 pixels wide and sharp at any size; letters are outlines, so that no font is missing.
`inception3a_naive.svg` and `inception3a.svg` have one scale and one layout: on two slides, one
behind the other, the first turns into the second. In `kernel_sizes.svg`, which belongs to notebook
01, networks that differ in what stands side by side in their layers name shapes of many sizes. The
alt text of a figure is in its file, as the description, and in the source of this page.
"""


def alt_texts() -> dict[str, str]:
    """Return the alt text of every committed figure, by file name."""
    return {name: describe(*data()) for name, (_, describe, data) in IMAGES.items()}


def write_images(folder: Path) -> list[Path]:
    """Draw every committed figure into `folder` as SVG, its alt text inside, and return the paths.

    Two calls give the same bytes: there is no date inside, and ids depend on the content alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (draw, describe, data) in IMAGES.items():
        path = folder / name
        arguments = data()
        figure = draw(*arguments)
        metadata = {"Title": path.stem, "Description": describe(*arguments), "Date": None}
        with plt.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
            figure.savefig(path, metadata=metadata | {"Creator": None})
        plt.close(figure)
        paths.append(path)
    return paths


def folder_page() -> str:
    """Return the page of the folder, `README.md`: every figure, its alt text, how to name it."""
    figures = (f"## {name}\n\n![{alt}]({name})\n" for name, alt in alt_texts().items())
    return "\n".join((_PAGE, *figures))
