"""Draw the committed figures anew, with the page that shows them: `python images/draw`."""

import argparse
import re
from collections.abc import Callable
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
from cost_bars import draw_branch_costs, draw_table_costs
from four_branches import draw_four_branches, temple_view
from head import draw_head
from inception import draw_inception
from matplotlib.figure import Figure
from network import draw_network
from time_to_accuracy import draw_time_to_accuracy, read_time_to_accuracy

from googlenet_lib.course.kit.show import to_png
from googlenet_lib.course.nb01.kernel_size_charts import draw_contenders
from googlenet_lib.course.nb01.kernel_sizes import recorded
from googlenet_lib.course.nb06.figures import draw_curves
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


# By the file's name in images/.
FIGURES: dict[str, Callable[[], Figure]] = {
    "network.svg": draw_network,
    "inception3a_naive.svg": lambda: draw_inception(*MODULE, reductions=False, projection=False),
    "inception3a_no_reductions.svg": lambda: draw_inception(*MODULE, reductions=False),
    "inception3a_no_projection.svg": lambda: draw_inception(*MODULE, projection=False),
    "inception3a.svg": lambda: draw_inception(*MODULE),
    "inception3a_costs.svg": lambda: draw_branch_costs(*MODULE),
    "table1_costs.svg": draw_table_costs,
    "auxiliary_heads.svg": draw_head,
    "four_branches.svg": lambda: draw_four_branches(temple_view()),
    "kernel_sizes.svg": lambda: draw_contenders(recorded()),
    "classroom_curves.svg": draw_classroom,
    "accuracy_ladder.svg": lambda: draw_ladder(ladder_runs()),
    "time_to_accuracy.svg": lambda: draw_time_to_accuracy(read_time_to_accuracy()),
}

IN_NOTEBOOKS = (
    "network",
    "inception3a_naive",
    "inception3a_no_reductions",
    "inception3a_no_projection",
    "inception3a",
    "inception3a_costs",
    "table1_costs",
    "four_branches",
    "auxiliary_heads",
)

_PAGE = """# Figures

Each of these is drawn from the paper's tables, recorded runs or a trained network by
`python images/draw`, which writes this page too.

Use them in slides and texts under [CC BY 4.0](../LICENSE-TEXT.md): name "The GoogLeNet notebooks
authors, CC BY 4.0" and link to this repository; [CITATION.cff](../CITATION.cff) has the whole
entry. `four_branches.svg` shows a
[photograph by danielbuechele](https://www.flickr.com/photos/danielbuechele/6061409035/),
[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/): name him as well.

All are 900 pixels wide and sharp at any size. Those that a notebook shows lie in
`googlenet_lib/assets/drawings/` once more as PNG, so that they are installed with the library.
`inception3a_naive.svg` and `inception3a.svg` have one scale and one layout: on two slides, one
after the other, the first turns into the second. `kernel_sizes.svg` belongs to lesson 01: networks
with one kernel size or several classify shapes of many sizes. The alt text of a figure is in its
file, as the description, and in the source of this page.
"""


def write_images(root: Path) -> None:
    """Draw every figure as SVG into images/ under `root`, with the page that shows them.

    Its alt text is in each as the label that a screen reader reads. Two calls give the same bytes:
    there is no date inside, and ids depend on the content alone. Letters stay text: they can be
    searched, and a font that is missing is replaced by one that is as wide or narrower. What
    notebooks show is written as PNG too, since JupyterLab shows no SVG before a notebook has run.
    """
    page = [_PAGE]
    (root / DRAWINGS).mkdir(parents=True, exist_ok=True)
    (root / IMAGES).mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        path, figure = root / IMAGES / name, draw()
        with plt.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
            figure.savefig(path, metadata={"Date": None, "Creator": None})
        if path.stem in IN_NOTEBOOKS:
            (root / DRAWINGS / f"{path.stem}.png").write_bytes(to_png(figure))
        plt.close(figure)
        label = f'<svg role="img" aria-label="{escape(figure.alt)}" '
        size = f'width="{figure.bbox.width:g}" height="{figure.bbox.height:g}"'  # pixels
        text = path.read_text(encoding="utf-8").replace("<svg ", label, 1)
        text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, text, count=1)
        path.write_text(text, encoding="utf-8", newline="\n")
        page.append(f"## {name}\n\n![{figure.alt}]({name})\n")
    (root / IMAGES / "README.md").write_text("\n".join(page), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python images/draw", description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="default: the repository")
    given = parser.parse_args()
    plt.switch_backend("svg")  # it needs no screen
    write_images(given.root)
