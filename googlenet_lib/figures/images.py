"""The figures that are committed as files: which they are, their alt texts, drawing them anew."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from googlenet_lib.figures.cost_bars import draw_lane_costs, draw_table_costs
from googlenet_lib.figures.curves import draw_curves
from googlenet_lib.figures.four_lanes import draw_four_lanes, temple_view
from googlenet_lib.figures.head import draw_head
from googlenet_lib.figures.inception import draw_inception
from googlenet_lib.figures.kernel_sizes import draw_contenders
from googlenet_lib.figures.ladder import draw_ladder
from googlenet_lib.figures.naive_inception import draw_naive_inception
from googlenet_lib.figures.network import draw_network
from googlenet_lib.kernel_sizes import recorded
from googlenet_lib.ladder import ladder_runs
from googlenet_lib.paper import ROWS
from googlenet_lib.recipes import CLASSROOM_PUBLISHED
from googlenet_lib.runs import recorded_run

MODULE = ROWS["inception3a"], ROWS["maxpool2"].channels


def _draw_classroom() -> Figure:
    run = recorded_run("classroom-0")
    return draw_curves(run.history, source=run.source(), reference=CLASSROOM_PUBLISHED)


IMAGES: dict[str, Callable[[], Figure]] = {
    "network.svg": draw_network,
    "inception3a_naive.svg": lambda: draw_naive_inception(*MODULE),
    "inception3a.svg": lambda: draw_inception(*MODULE),
    "inception3a_costs.svg": lambda: draw_lane_costs(*MODULE),
    "table1_costs.svg": draw_table_costs,
    "auxiliary_heads.svg": draw_head,
    "four_lanes.svg": lambda: draw_four_lanes(temple_view()),
    "kernel_sizes.svg": lambda: draw_contenders(recorded()),
    "classroom_curves.svg": _draw_classroom,
    "accuracy_ladder.svg": lambda: draw_ladder(ladder_runs()),
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


def write_images(folder: Path) -> dict[Path, str]:
    """Draw every committed figure into `folder` as SVG; return each path with its alt text.

    Two calls give the same bytes: there is no date inside, and ids depend on the content alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, draw in IMAGES.items():
        path, figure = folder / name, draw()
        metadata = {"Title": path.stem, "Description": figure.alt, "Date": None, "Creator": None}
        with plt.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
            figure.savefig(path, metadata=metadata)
        plt.close(figure)
        written[path] = figure.alt
    return written


def folder_page(alts: dict[str, str]) -> str:
    """Return the page of the folder, `README.md`: every figure, its alt text, how to name it."""
    figures = (f"## {name}\n\n![{alt}]({name})\n" for name, alt in alts.items())
    return "\n".join((_PAGE, *figures))
