"""The drawing of a design: bars as long as what they cost, the budget, and the paper's beside."""

from dataclasses import replace

import matplotlib
import pytest

matplotlib.use("Agg")

from matplotlib.colors import to_hex
from test_figures import assert_texts_fit, words

from googlenet_lib.designs import Design, paper_design
from googlenet_lib.figures.design import BAR_LEFT, BAR_ROOM, describe_design, draw_design
from googlenet_lib.figures.style import BRANCH_COLOURS, MIDDLE_GREY
from googlenet_lib.paper import ROWS, Widths

OVER = Design("inception3a", replace(ROWS["inception3a"].widths, out_5x5=64, pool_proj=0))


def bars(figure):
    return {bar.get_gid(): bar for bar in figure.axes[0].patches if bar.get_gid()}


def all_at(module, width):
    return Design(module, Widths(*[width] * 6))


@pytest.mark.parametrize("design", [paper_design("inception4d"), OVER], ids=["paper's", "over"])
def test_bars_are_as_long_as_what_they_cost(design):
    drawn = bars(draw_design(design))
    scale = BAR_ROOM / max(design.macs, design.budget)
    paper = paper_design(design.module)
    for name, lane in design.lanes.items():
        parts = ("reduction", "large") if lane.macs[1:] else ("all",)
        for part, macs in zip(parts, lane.macs, strict=True):
            for gid in (f"{name}.{part}", f"together.{name}.{part}"):
                assert drawn[gid].get_width() == pytest.approx(macs * scale)
        assert to_hex(drawn[f"{name}.{parts[-1]}"].get_facecolor()).upper() == BRANCH_COLOURS[name]
        theirs = drawn[f"paper.{name}"]
        assert theirs.get_width() == pytest.approx(sum(paper.lanes[name].macs) * scale)
        assert to_hex(theirs.get_facecolor()).upper() == MIDDLE_GREY
    ends = [bar.get_x() + bar.get_width() for gid, bar in drawn.items() if "together." in gid]
    assert max(ends) == pytest.approx(BAR_LEFT + design.macs * scale)
    budget = drawn["budget"]
    middle = budget.get_x() + budget.get_width() / 2
    assert middle == pytest.approx(BAR_LEFT + design.budget * scale)


def test_what_lies_beyond_the_budget_is_hatched_and_said():
    assert "beyond" not in bars(draw_design(paper_design()))
    figure = draw_design(OVER)
    scale = BAR_ROOM / OVER.macs
    assert bars(figure)["beyond"].get_width() == pytest.approx(OVER.over * scale)
    over = 25 * 16 * 32 * 784 - 192 * 32 * 784  # 32 channels more in the 5x5, no pool
    assert OVER.over == over == 5_218_304
    said = "OVER THE BUDGET by 5,218,304 (4.1%): 133,267,456 of 128,049,152 multiply-adds spent"
    assert said in words(figure)
    assert said in describe_design(OVER)
    assert "pool left out" in describe_design(OVER)
    assert "left out" in words(figure)


def test_the_words_hold_what_is_left_and_the_paper_s_beside():
    design = Design("inception3a", replace(ROWS["inception3a"].widths, out_5x5=0))
    said = describe_design(design)
    assert "Within the budget, 12,443,648 (9.7%) left" in said
    assert "5×5 left out" in said
    assert "1×1 9,633,792 (the paper's 9,633,792)" in said
    assert "147,456 weights (the paper's 163,328), 224 channels out (the paper's 256)" in said
    assert "largest window 3×3 of the map, 43 pixels of the picture" in said
    assert "Exactly the budget: 128,049,152 of 128,049,152" in describe_design(paper_design())


@pytest.mark.parametrize("module", ["inception3b", "inception4e", "inception5b"])
def test_no_text_is_cut_or_overlaps(module):
    for width in (0, paper_design(module).place.in_channels):  # all that the sliders go to
        assert_texts_fit(draw_design(all_at(module, width)))


def test_the_paper_s_own_fits_too():
    figure = draw_design(paper_design("inception5b"))
    assert_texts_fit(figure)
    shown = words(figure)
    assert shown["70,697,984"] == 1  # yours, which the paper's is as well
    assert words(draw_design(all_at("inception5b", 8)))["70,697,984"] == 1  # below yours, in grey
    assert "1,442,816 weights, the paper's 1,442,816" in " ".join(shown)
    assert "In the place of 5b: 832 channels in, a map of 7×7" in shown
