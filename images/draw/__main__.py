"""Draw the committed figures anew, with the page that shows them: `python images/draw`."""

import re
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
from cost_bars import draw_lane_costs, draw_table_costs
from four_lanes import draw_four_lanes, temple_view
from head import draw_head
from inception import draw_inception
from matplotlib.figure import Figure
from naive_inception import draw_naive_inception
from network import draw_network

from googlenet_lib.course.nb01.kernel_size_charts import draw_contenders
from googlenet_lib.course.nb01.kernel_sizes import recorded
from googlenet_lib.course.nb06.curves import draw_curves
from googlenet_lib.course.nb07.ladder import ladder_runs
from googlenet_lib.course.nb07.ladder_chart import draw_ladder
from googlenet_lib.network.table1 import ROWS
from googlenet_lib.training.recipes import CLASSROOM_PUBLISHED
from googlenet_lib.training.run import find_run

ROOT = Path(__file__).resolve().parents[2]
IMAGES, DRAWINGS = "images", "googlenet_lib/assets/drawings"
MODULE = ROWS["inception3a"], ROWS["maxpool2"].channels


def draw_classroom() -> Figure:
    """Draw the course of the recorded training of `classroom`."""
    run = find_run("classroom-0")
    return draw_curves(run.history, source=run.source(), reference=CLASSROOM_PUBLISHED)


# By the file's path from the repository's root: those that notebooks show are installed.
FIGURES: dict[str, Callable[[], Figure]] = {
    f"{DRAWINGS}/network.svg": draw_network,
    f"{DRAWINGS}/inception3a_naive.svg": lambda: draw_naive_inception(*MODULE),
    f"{DRAWINGS}/inception3a.svg": lambda: draw_inception(*MODULE),
    f"{IMAGES}/inception3a_costs.svg": lambda: draw_lane_costs(*MODULE),
    f"{IMAGES}/table1_costs.svg": draw_table_costs,
    f"{DRAWINGS}/auxiliary_heads.svg": draw_head,
    f"{IMAGES}/four_lanes.svg": lambda: draw_four_lanes(temple_view()),
    f"{IMAGES}/kernel_sizes.svg": lambda: draw_contenders(recorded()),
    f"{IMAGES}/classroom_curves.svg": draw_classroom,
    f"{IMAGES}/accuracy_ladder.svg": lambda: draw_ladder(ladder_runs()),
}

_PAGE = """# Figures

Each of these is drawn from the paper's tables, recorded runs or a trained network by
`python images/draw`, which writes this page too.

Use them in slides and texts under [CC BY 4.0](../LICENSE-TEXT.md): name "The GoogLeNet notebooks
authors, CC BY 4.0" and link to this repository; [CITATION.cff](../CITATION.cff) has the whole
entry. `four_lanes.svg` shows a
[photograph by danielbuechele](https://www.flickr.com/photos/danielbuechele/6061409035/),
[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/): name him as well.

All are 900 pixels wide and sharp at any size. Those that a notebook shows lie in
`googlenet_lib/assets/drawings/`, so that they are installed with the library.
`inception3a_naive.svg` and `inception3a.svg` have one scale and one layout: on two slides, one
behind the other, the first turns into the second. In `kernel_sizes.svg`, which belongs to notebook
01, networks that differ in what stands side by side in their layers name shapes of many sizes. The
alt text of a figure is in its file, as the description, and in the source of this page.
"""


def write_images(root: Path) -> None:
    """Draw every figure as SVG into its folder under `root`, and the page of the folder images/.

    Its alt text is in each as the label that a screen reader reads. Two calls give the same bytes:
    there is no date inside, and ids depend on the content alone. Letters stay text: they can be
    searched, and a font that is missing is replaced by one that is as wide or narrower.
    """
    page = [_PAGE]
    for name, draw in FIGURES.items():
        path, figure = root / name, draw()
        path.parent.mkdir(parents=True, exist_ok=True)
        with plt.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
            figure.savefig(path, metadata={"Date": None, "Creator": None})
        plt.close(figure)
        label = f'<svg role="img" aria-label="{escape(figure.alt)}" '
        size = f'width="{figure.bbox.width:g}" height="{figure.bbox.height:g}"'  # pixels
        text = path.read_text(encoding="utf-8").replace("<svg ", label, 1)
        text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, text, count=1)
        path.write_text(text, encoding="utf-8", newline="\n")
        link = path.name if name.startswith(IMAGES) else f"../{name}"
        page.append(f"## {path.name}\n\n![{figure.alt}]({link})\n")
    (root / IMAGES / "README.md").write_text("\n".join(page), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    plt.switch_backend("svg")  # it needs no screen
    write_images(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
