"""The committed drawings are up to date, carry their alt text and name whom they are from."""

import re
import runpy
from html import unescape
from pathlib import Path

import torch
from four_branches import CREDIT, temple_view
from matplotlib.text import Text
from PIL import Image

from googlenet_lib.course.kit.branches import branch_maps
from googlenet_lib.course.kit.show import DRAWINGS
from googlenet_lib.network.pretrained import load_network

ROOT = Path(__file__).parents[2]


def test_the_committed_images_say_what_they_would_say_now():
    drawing = runpy.run_path(str(ROOT / "images/draw"))
    page = (ROOT / "images/README.md").read_text(encoding="utf-8")
    for name, draw in drawing["FIGURES"].items():
        figure, again = draw(), f"{name} is out of date: run python images/draw"
        svg = unescape((ROOT / "images" / name).read_text(encoding="utf-8"))
        assert f'aria-label="{figure.alt}"' in svg, again
        assert figure.alt in page, again
        for text in (line for one in figure.findobj(Text) for line in one.get_text().split("\n")):
            assert text.strip() in svg, f"{again} ({text!r})"
        if Path(name).stem in drawing["IN_NOTEBOOKS"]:
            installed = DRAWINGS / f"{Path(name).stem}.png"
            assert Image.open(installed).text["Description"] == figure.alt, again


def test_the_folders_page_says_whom_to_name():
    page = (ROOT / "images/README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http)(\S+?)\)", page):
        assert (ROOT / "images" / link).is_file()
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (author,) = re.findall(r"^  - name: (.*)$", citation, flags=re.MULTILINE)
    assert f'name "{author}, CC BY 4.0"' in page.replace("\n", " ")
    assert "danielbuechele, CC BY 2.0" in CREDIT
    assert "danielbuechele" in page


def test_only_what_the_window_holds_reaches_the_value_that_is_marked():
    view = temple_view()
    network, _ = load_network("cifar10")
    noise = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    before = branch_maps(network, noise, "inception3a")
    for branch, window in view.windows.items():
        left, top = (round(at - window.field / 2) for at in view.middle)
        inside = torch.zeros(96, 96, dtype=torch.bool)
        inside[top : top + window.field, left : left + window.field] = True
        changed = torch.where(inside, noise, noise.flip(0, 2) + 1)
        after = branch_maps(network, changed, "inception3a")
        assert torch.allclose(after[branch][0, :, 22, 14], before[branch][0, :, 22, 14], atol=1e-5)
        changed = torch.where(inside, noise + 1, noise)
        after = branch_maps(network, changed, "inception3a")
        assert not torch.allclose(
            after[branch][0, :, 22, 14], before[branch][0, :, 22, 14], atol=1e-3
        )
