"""The committed figures: what the cost bars and the four lanes show, the files and their page."""

import re
import runpy
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from matplotlib.colors import to_hex
from test_figures import MODULES, assert_texts_fit, colour, height, patch, words

from googlenet_lib.blocks import Inception, NaiveInception
from googlenet_lib.costs import model_costs, table_costs, total
from googlenet_lib.errors import UsageError
from googlenet_lib.figures import BRANCH_COLOURS, alt_texts, draw_inception, write_images
from googlenet_lib.figures.cost_bars import (
    describe_lane_costs,
    describe_table_costs,
    draw_lane_costs,
    draw_table_costs,
    naive_convs,
)
from googlenet_lib.figures.four_lanes import (
    CREDIT,
    describe_four_lanes,
    draw_four_lanes,
    temple_view,
)
from googlenet_lib.figures.images import IMAGES, folder_page
from googlenet_lib.figures.naive_inception import draw_naive_inception
from googlenet_lib.figures.style import luminance
from googlenet_lib.lanes import lane_maps
from googlenet_lib.model import GoogLeNet
from googlenet_lib.paper import ROWS
from googlenet_lib.predict import load_network

ROOT = Path(__file__).parents[1]
COMMITTED = ROOT / "images"
PAGE = "README.md"
EXAMPLE = (ROWS["inception3a"], ROWS["maxpool2"].channels)
FIELDS = {
    "out_1x1": "1x1", "reduce_3x3": "3x3", "out_3x3": "3x3", "reduce_5x5": "5x5",
    "out_5x5": "5x5", "pool_proj": "pool",
}  # fmt: skip
NAMES = [row.name for row, _ in MODULES]


def widths(figure, start: str) -> dict[str, float]:
    """The widths of all bars whose name begins with `start`, by the rest of their names."""
    return {
        p.get_gid().removeprefix(start): p.get_width()
        for p in figure.axes[0].patches
        if p.get_gid() and p.get_gid().startswith(start)
    }


# --- cost bars: the rows of Table 1 ------------------------------------------------------------


@pytest.mark.parametrize("field", ["macs", "params"])
def test_the_rows_bars_are_as_long_as_their_costs(field):
    """Against layers counted by hooks in a network that is built."""
    figure = draw_table_costs()
    with torch.device("meta"):
        network = GoogLeNet()
    weights = {name: p.numel() for name, p in network.named_parameters() if name.endswith("weight")}
    costs = {cost.name: cost for cost in table_costs() if cost.params}
    scale = sum(widths(figure, f"{field}.conv2.").values()) / getattr(costs["conv2"], field)
    for name, cost in costs.items():
        bars = widths(figure, f"{field}.{name}.")
        assert sum(bars.values()) == pytest.approx(getattr(cost, field) * scale)
        assert len(bars) == {"inception": 6, "conv": 1 + (name == "conv2"), "linear": 1}[cost.kind]
    assert len(widths(figure, f"{field}.")) == 9 * 6 + 1 + 2 + 1
    for field_name, layer in {"out_1x1": "branch1", "out_5x5": "branch3.1"}.items():
        (count,) = (n for key, n in weights.items() if key.startswith(f"inception4c.{layer}."))
        places = 14 * 14 if field == "macs" else 1
        bar = widths(figure, f"{field}.inception4c.")[field_name]
        assert bar == pytest.approx(count * places * scale)


def test_the_rows_bars_have_the_branches_colours_and_lighter_reductions():
    figure = draw_table_costs()
    for part, branch in FIELDS.items():
        shades = {colour(figure, f"{f}.inception3b.{part}") for f in ("macs", "params")}
        assert shades == {colour(figure, f"key.{part}")}
        if part.startswith("reduce"):
            assert luminance(shades.pop()) > luminance(BRANCH_COLOURS[branch])
        else:
            assert shades == {BRANCH_COLOURS[branch]}
    assert list(widths(figure, "key.")) == list(FIELDS) == list(widths(figure, "macs.inception5b."))
    for name in ("conv1.conv1", "linear.linear"):
        red, green, blue = bytes.fromhex(colour(figure, f"macs.{name}")[1:])
        assert red == green == blue


def test_the_rows_figures_stand_behind_their_bars():
    figure = draw_table_costs()
    shown = words(figure)
    params, macs = total(table_costs())
    assert shown[f"{macs:,} multiply-adds"] == shown[f"{params:,} weights"] == 1
    for cost in table_costs():
        if cost.params:
            assert shown[f"{cost.params:,}"] >= 1
            assert shown[f"{cost.macs / 1e6:,.1f} M"] >= 1
    assert_texts_fit(figure)


def test_the_rows_alt_text():
    text = describe_table_costs()
    for part in ("conv2 359.7 M and 114,688", "5b 70.7 M and 1,442,816",
                 "1,582,671,872 multiply-adds and 6,990,272 weights",
                 "Most multiply-adds are in conv2, most weights in 5b."):  # fmt: skip
        assert part in text


# --- cost bars: the lanes of a module ----------------------------------------------------------


@pytest.mark.parametrize(("row", "channels"), MODULES, ids=NAMES)
def test_the_lanes_bars_are_what_the_blocks_cost(row, channels):
    """Counted by hooks in blocks that are built."""
    figure = draw_lane_costs(row, channels)
    blocks = {
        "naive": NaiveInception(channels, row.widths), "reduced": Inception(channels, row.widths)
    }  # fmt: skip
    scale = None
    for way, block in blocks.items():
        costs = [c for c in model_costs(block, (channels, row.size, row.size)) if c.macs]
        for number, lane in enumerate(BRANCH_COLOURS, start=1):
            parts = [c.macs for c in costs if c.name.startswith(f"branch{number}")]
            bars = widths(figure, f"macs.{way}.{lane}.")
            assert len(bars) == len(parts)
            scale = scale or sum(bars.values()) / sum(parts)
            assert list(bars.values()) == pytest.approx([macs * scale for macs in parts])
        together = widths(figure, f"macs.{way}.together.")
        assert sum(together.values()) == pytest.approx(total(costs)[1] * scale)
        out = block(torch.zeros(1, channels, 3, 3)).shape[1]
        assert words(figure)[f"{out:,}"] >= 1
        lanes = widths(figure, f"channels.{way}.together.")
        per_channel = widths(figure, "channels.naive.pool.")["pool"] / channels
        assert sum(lanes.values()) == pytest.approx(out * per_channel)
    assert_texts_fit(figure)


def test_the_lanes_bars_have_the_branches_colours():
    figure = draw_lane_costs(*EXAMPLE)
    for part, lane in FIELDS.items():
        shade = BRANCH_COLOURS[lane]
        if part.startswith("reduce"):
            shade = colour(draw_inception(*EXAMPLE), part)  # the same tint
            assert shade != BRANCH_COLOURS[lane]
        for place in (lane, "together"):
            assert colour(figure, f"macs.reduced.{place}.{part}") == shade
        for way in ("naive", "reduced"):
            assert colour(figure, f"channels.{way}.{lane}.{lane}") == BRANCH_COLOURS[lane]


def test_a_naive_kernel_reads_all_channels():
    convs = naive_convs(*EXAMPLE)
    assert [conv.name for conv in convs] == ["out_1x1", "out_3x3", "out_5x5"]
    assert {conv.in_channels for conv in convs} == {192}


def test_the_lanes_alt_text():
    text = describe_lane_costs(*EXAMPLE)
    for part in (
        "5×5 120.4 M and 12.4 M, 9.7 times less; pool 0 and 4.8 M",
        "Together 303.5 M and 128.0 M, 2.4 times less",
        "together 416 and 256",
    ):
        assert part in text


@pytest.mark.parametrize("function", [draw_lane_costs, describe_lane_costs])
def test_a_row_without_lanes_is_refused(function):
    with pytest.raises(UsageError, match=r"maxpool3.*no branches.*INCEPTION_ROWS"):
        function(ROWS["maxpool3"], 480)


# --- four lanes over one picture ---------------------------------------------------------------


def test_the_windows_and_their_enlargements_show_the_pixels_that_a_lane_sees():
    view = temple_view()
    figure = draw_four_lanes(view)
    whole, *others = figure.axes[0].images
    assert torch.equal(torch.tensor(whole.get_array()), view.image.permute(1, 2, 0))
    left, right, _, top = whole.get_extent()
    pixel = (right - left) / view.image.shape[2]
    sides = set()
    for (lane, window), crop in zip(view.windows.items(), others[::2], strict=True):
        square = patch(figure, f"window.{lane}")
        assert to_hex(square.get_edgecolor()).upper() == BRANCH_COLOURS[lane]
        column, row = (square.get_x() - left) / pixel, (square.get_y() - top) / pixel
        assert column == pytest.approx(round(column))  # whole pixels
        assert square.get_width() == pytest.approx(window.field * pixel)
        seen = view.image[:, round(row) : round(row) + window.field,
                          round(column) : round(column) + window.field]  # fmt: skip
        assert torch.equal(torch.tensor(crop.get_array()), seen.permute(1, 2, 0))
        assert crop.get_extent()[1] - crop.get_extent()[0] == pytest.approx(
            patch(figure, f"crop.{lane}").get_width()
        )
        sides.add(patch(figure, f"crop.{lane}").get_width() / window.field)
    assert max(sides) == pytest.approx(min(sides))  # enlarged alike


def test_the_maps_are_the_networks_in_the_lanes_colours():
    view = temple_view()
    figure = draw_four_lanes(view)
    for (lane, values), image in zip(view.maps.items(), figure.axes[0].images[2::2], strict=True):
        shown = torch.tensor(image.get_array())
        assert shown.shape == (*values.shape, 3)
        row, column = divmod(int(values.argmax()), values.shape[1])
        assert to_hex(shown[row, column].tolist()).upper() == BRANCH_COLOURS[lane]
        dark = shown.sum(2).flatten().argsort(descending=True)
        assert (values.flatten()[dark].diff() >= -0.01 * values.max()).all()  # more is darker
        left, right, _, top = image.get_extent()
        mark, cell = patch(figure, f"place.{lane}"), (right - left) / values.shape[1]
        at = ((mark.get_x() + mark.get_width() / 2 - left) / cell,
              (mark.get_y() + mark.get_height() / 2 - top) / cell)  # fmt: skip
        assert at == pytest.approx((14.5, 22.5))


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


def test_the_photograph_is_credited_and_texts_fit():
    figure = draw_four_lanes(temple_view())
    assert "danielbuechele, CC BY 2.0" in CREDIT
    assert words(figure)[CREDIT.replace("\n", " ")] == 1
    assert "danielbuechele" in folder_page()
    assert_texts_fit(figure)


def test_the_four_lanes_alt_text():
    text = describe_four_lanes(temple_view())
    seen = "1×1 7×7 (blue), 3×3 11×11 (orange), 5×5 15×15 (green), pool 11×11 (pink, dashed)"
    assert seen in text
    assert "map of 48×48" in text


# --- committed files ---------------------------------------------------------------------------


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
def drawn(tmp_path_factory) -> list[Path]:
    return write_images(tmp_path_factory.mktemp("images"))


@pytest.mark.usefixtures("_backend")
def test_the_command_draws_each_image_of_the_list(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["figures", str(tmp_path / "images")])
    runpy.run_module("googlenet_lib.figures", run_name="__main__")
    written = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert written == sorted([*IMAGES, PAGE])
    assert [Path(line).name for line in capsys.readouterr().out.split()] == [*IMAGES, PAGE]
    assert (tmp_path / "images" / PAGE).read_text(encoding="utf-8") == folder_page()


def test_the_same_images_come_out_again(tmp_path, drawn):
    for first, second in zip(drawn, write_images(tmp_path), strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert b"dc:date" not in first.read_bytes()


def test_the_committed_images_are_those_of_the_list_and_up_to_date(drawn):
    assert sorted(path.name for path in COMMITTED.iterdir()) == sorted([*IMAGES, PAGE])
    for path in drawn:
        again = f"{path.name} is out of date: run python -m googlenet_lib.figures images/"
        assert svg(COMMITTED / path.name) == svg(path), again


def test_the_committed_images_carry_their_alt_text():
    assert set(alt_texts()) == set(IMAGES)
    for name, text in alt_texts().items():
        assert svg(COMMITTED / name)[0] == text


def test_the_folders_page_is_up_to_date_and_shows_each_image_with_its_alt_text():
    page = (COMMITTED / PAGE).read_text(encoding="utf-8")
    assert page == folder_page(), "run python -m googlenet_lib.figures images/"
    pictures = re.findall(r"^!\[(.*?)\]\((\S+)\)$", page, flags=re.MULTILINE)
    assert {name: alt for alt, name in pictures} == alt_texts()
    for link in re.findall(r"\]\((\.\./\S+?)\)", page):
        assert (COMMITTED / link).is_file()
    assert "[CC BY 4.0](../LICENSE-TEXT.md)" in page
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (author,) = re.findall(r"^  - name: (.*)$", citation, flags=re.MULTILINE)
    assert f'name "{author}, CC BY 4.0"' in page.replace("\n", " ")


def test_the_images_are_one_page_wide_and_small():
    for name in IMAGES:
        root = ET.parse(COMMITTED / name).getroot()
        assert float(root.get("width").removesuffix("pt")) * 96 / 72 == pytest.approx(900)
        assert (COMMITTED / name).stat().st_size < 200_000


def test_the_naive_and_the_reduced_module_have_one_scale_and_one_layout():
    naive, reduced = draw_naive_inception(*EXAMPLE), draw_inception(*EXAMPLE)
    assert naive.get_size_inches() == pytest.approx(reduced.get_size_inches())
    for gid in ("input", *(f"input.{lane}" for lane in BRANCH_COLOURS), "out_3x3", "out_5x5"):
        one, other = patch(naive, gid), patch(reduced, gid)
        assert one.get_bbox().bounds == pytest.approx(other.get_bbox().bounds)
    assert height(naive, "concat.pool") / 192 == pytest.approx(height(reduced, "concat.pool") / 32)
