"""The committed drawings are up to date, carry their alt text and name whom they are from."""

import re
import runpy
from collections import Counter
from pathlib import Path

import torch
from four_lanes import CREDIT, temple_view

from googlenet_lib.lanes import lane_maps
from googlenet_lib.predict import load_network

ROOT = Path(__file__).parents[1]


def said(path: Path) -> list[str]:
    """What a file says: its alt text, every text in it, and how often each colour comes.

    Places move by a pixel with another version of the letters, and the baselines hold them.
    """
    text = path.read_text(encoding="utf-8")
    colours = Counter(re.findall("#[0-9a-f]{6}", text))
    return [*re.findall('aria-label="(.*?)"|<text.*?>(.*?)</text>', text), *sorted(colours.items())]


def test_the_committed_images_are_up_to_date_and_carry_their_alt_text(tmp_path):
    drawing = runpy.run_path(str(ROOT / "images/draw"))
    drawing["write_images"](tmp_path)
    again = "is out of date: run python images/draw"
    for path in drawing["FIGURES"]:
        assert said(ROOT / path) == said(tmp_path / path), f"{path} {again}"
    page = Path("images/README.md")
    assert (ROOT / page).read_text("utf-8") == (tmp_path / page).read_text("utf-8"), again


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
    before = lane_maps(network, noise, "inception3a")
    for lane, window in view.windows.items():
        left, top = (round(at - window.field / 2) for at in view.middle)
        inside = torch.zeros(96, 96, dtype=torch.bool)
        inside[top : top + window.field, left : left + window.field] = True
        changed = torch.where(inside, noise, noise.flip(0, 2) + 1)
        after = lane_maps(network, changed, "inception3a")
        assert torch.allclose(after[lane][0, :, 22, 14], before[lane][0, :, 22, 14], atol=1e-5)
        changed = torch.where(inside, noise + 1, noise)
        after = lane_maps(network, changed, "inception3a")
        assert not torch.allclose(after[lane][0, :, 22, 14], before[lane][0, :, 22, 14], atol=1e-3)
