"""The committed drawings are up to date, carry their alt text and name whom they are from."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch

from googlenet_lib.figures.four_lanes import CREDIT, temple_view
from googlenet_lib.figures.images import IMAGES, folder_page, write_images
from googlenet_lib.lanes import lane_maps
from googlenet_lib.predict import load_network

ROOT = Path(__file__).parents[1]
COMMITTED = ROOT / "images"
PAGE = "README.md"
AGAIN = "run python -m googlenet_lib.figures images/"


def svg(path: Path) -> tuple[str, list[str], dict[str, tuple[list[float], str]]]:
    """What a file shows: its description, its texts, and the outline and colour of named parts.

    matplotlib draws texts as outlines and keeps their words as comments.
    """
    namespace = "{http://www.w3.org/2000/svg}"
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    root = ET.parse(path, parser).getroot()
    (description,) = root.iter("{http://purl.org/dc/elements/1.1/}description")
    texts = [element.text.strip() for element in root.iter() if element.tag is ET.Comment]
    parts = {}
    for group in root.iter(f"{namespace}g"):
        # matplotlib's own names are like patch_12; the others are those that the figure gave.
        if "id" in group.attrib and not re.fullmatch(r"[a-z0-9]+_\d+", group.get("id")):
            outline = group.find(f"{namespace}path")
            if outline is None:  # an axis, whose ticks and labels are groups of their own
                continue
            numbers = [round(float(n), 1) for n in re.findall(r"[\d.]+", outline.get("d"))]
            fill = re.search(r"fill: (#?\w+)", outline.get("style")).group(1)
            parts[group.get("id")] = (numbers, fill)
    return description.text, texts, parts


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> dict[Path, str]:
    return write_images(tmp_path_factory.mktemp("images"))


def test_the_committed_images_are_up_to_date_and_carry_their_alt_text(drawn):
    assert sorted(path.name for path in COMMITTED.iterdir()) == sorted([*IMAGES, PAGE])
    for path, alt in drawn.items():
        committed = COMMITTED / path.name
        assert svg(committed) == svg(path), f"{path.name} is out of date: {AGAIN}"
        assert svg(committed)[0] == alt
        assert b"dc:date" not in path.read_bytes(), "the same images come out again"
        assert committed.stat().st_size < 200_000


def test_the_folders_page_is_up_to_date_and_shows_each_image(drawn):
    page = (COMMITTED / PAGE).read_text(encoding="utf-8")
    assert page == folder_page({path.name: alt for path, alt in drawn.items()}), AGAIN
    for link in re.findall(r"\]\((\.\./\S+?)\)", page):
        assert (COMMITTED / link).is_file()
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
