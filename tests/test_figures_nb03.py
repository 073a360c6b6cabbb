"""The figures of notebook 03: the naive block, the tower, pooling's windows, lanes at a place."""

import matplotlib
import pytest
import torch
from torch import nn

matplotlib.use("Agg")

from test_figures import MODULES, assert_texts_fit, colour, height, patch, words

from googlenet_lib.blocks import NaiveInception
from googlenet_lib.costs import model_costs, table_costs, total
from googlenet_lib.errors import UsageError
from googlenet_lib.figures.lanes_window import (
    Answer,
    Box,
    Span,
    WindowView,
    describe_windows,
    draw_windows,
)
from googlenet_lib.figures.naive_inception import describe_naive_inception, draw_naive_inception
from googlenet_lib.figures.pooling import (
    MODES,
    describe_pooling,
    draw_pooling,
    pool_windows,
)
from googlenet_lib.figures.style import BRANCH_COLOURS, LIGHT_GREY
from googlenet_lib.figures.tower import describe_tower, draw_tower, tower, tower_totals
from googlenet_lib.paper import INCEPTION_ROWS, ROWS

ROW_3A = ROWS["inception3a"]
PI = (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4)


# ---- the naive block -----------------------------------------------------------------------------


def test_the_naive_block_is_as_thick_as_its_channels():
    figure = draw_naive_inception(ROW_3A, 192)
    one = height(figure, "input") / 192
    for field, channels in (("out_1x1", 64), ("out_3x3", 128), ("out_5x5", 32), ("pooled", 192)):
        assert height(figure, field) == pytest.approx(channels * one)
    for branch, channels in zip(BRANCH_COLOURS, (64, 128, 32, 192), strict=True):
        assert height(figure, f"concat.{branch}") == pytest.approx(channels * one)
        assert colour(figure, f"concat.{branch}") == BRANCH_COLOURS[branch]
    assert "28×28 ×416" in words(figure)


def test_nothing_is_reduced_in_the_naive_block():
    shown = " ".join(words(draw_naive_inception(ROW_3A, 192)))
    assert "reduce" not in shown.replace("Nothing reduces", "")
    assert "pool_proj" not in shown


@pytest.mark.parametrize(("row", "channels"), MODULES, ids=[row.name for row, _ in MODULES])
def test_texts_of_the_naive_block_fit(row, channels):
    assert_texts_fit(draw_naive_inception(row, channels))
    out = NaiveInception(channels, row.widths)(torch.zeros(1, channels, 3, 3)).shape[1]
    assert f"×{out}" in describe_naive_inception(row, channels)


def test_a_row_without_branches_is_refused():
    with pytest.raises(UsageError, match="maxpool1 is a row of kind maxpool"):
        draw_naive_inception(ROWS["maxpool1"], 64)


# ---- the tower -----------------------------------------------------------------------------------


def test_the_paper_s_tower_is_table_1():
    costs = [cost for cost in table_costs() if cost.kind == "inception"]
    for level, cost in zip(tower(0), costs, strict=True):
        assert (level.name, level.out_channels) == (cost.name, cost.shape[0])
        assert sum(level.params.values()) == cost.params
        assert sum(level.macs.values()) == cost.macs
    assert tower_totals(tower(0))[1:] == total(costs)


def test_the_naive_tower_is_what_naive_blocks_cost():
    """Counted by hooks in blocks that are built, one behind the other."""
    channels, params, macs = 192, 0, 0
    for row, level in zip(INCEPTION_ROWS, tower(9), strict=True):
        costs = model_costs(NaiveInception(channels, row.widths), (channels, 1, 1))
        weights = sum(cost.params for cost in costs if cost.kind == "Conv2d")
        assert (level.in_channels, sum(level.params.values())) == (channels, weights)
        params, macs = params + weights, macs + total(costs)[1] * row.size**2
        channels = level.out_channels
    assert tower_totals(tower(9)) == (channels, params, macs) == (4944, 92_451_840, 12_085_441_536)


def test_what_stands_on_a_naive_module_pays_too():
    paper, two = tower(0), tower(2)
    assert [level.naive for level in two] == [True] * 2 + [False] * 7
    assert two[2].in_channels == 832 > paper[2].in_channels
    assert sum(two[2].macs.values()) > sum(paper[2].macs.values())
    assert two[3] == paper[3]


@pytest.mark.parametrize("naive", [-1, 10])
def test_a_tower_has_nine_modules(naive):
    with pytest.raises(UsageError, match="expected 0 to 9"):
        tower(naive)


@pytest.mark.parametrize("naive", range(10))
def test_the_tower_s_bars_are_its_figures(naive):
    levels, widest = tower(naive), tower(9)
    figure = draw_tower(levels)
    for field in ("channels", "params", "macs"):
        full = max(sum(getattr(level, field).values()) for level in widest)
        for level, paper in zip(levels, tower(0), strict=True):
            bars = {b: patch(figure, f"{field}.{level.name}.{b}") for b in BRANCH_COLOURS}
            for branch, bar in bars.items():
                assert bar.get_width() == pytest.approx(
                    172 * getattr(level, field)[branch] / full, abs=0.01
                )
                assert colour(figure, f"{field}.{level.name}.{branch}") == (BRANCH_COLOURS[branch])
            mark = patch(figure, f"paper.{field}.{level.name}")
            start = bars["1x1"].get_x()
            value = sum(getattr(paper, field).values())
            assert mark.get_x() + 1 - start == pytest.approx(172 * value / full)
    assert words(figure)["naive"] == naive
    assert_texts_fit(figure)


def test_the_tower_s_alt_text():
    text = describe_tower(tower(9))
    assert "5b 4,944 (4,048 of them from the pool)" in text
    assert "92.5 M weights and 12.09 G multiply-adds, 4,944 channels at the top" in text


# ---- pooling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_windows_find_what_torch_finds(mode):
    settings = vars(MODES[mode])
    for size in range(3, 25):
        row = torch.tensor([PI[:size]], dtype=torch.float32)
        found = nn.MaxPool1d(3, 2, **settings)(row)[0].tolist()
        assert [window.maximum for window in pool_windows(PI[:size], mode)] == found


def test_padding_moves_every_window_and_ceil_adds_one():
    starts = {mode: [w.start for w in pool_windows(PI[:14], mode)] for mode in MODES}
    assert starts["pad"] == [start - 1 for start in starts["floor"]] + [11]
    assert starts["ceil"] == [*starts["floor"], 12]


def test_windows_stand_under_their_cells():
    figure = draw_pooling(PI[:14])
    for mode in MODES:
        cells = [patch(figure, f"cell.{mode}.{i}") for i in range(14)]
        for window in pool_windows(PI[:14], mode):
            bar = patch(figure, f"window.{mode}.{window.start}")
            middle = bar.get_x() + bar.get_width() / 2
            cell = cells[0].get_x() + (window.start + 1.5) * cells[0].get_width()
            assert middle == pytest.approx(cell)
            usual = window.start >= 0 and window.start % 2 == 0 and window.start <= 11
            expected = LIGHT_GREY if usual else BRANCH_COLOURS["pool"]
            assert colour(figure, f"window.{mode}.{window.start}") == expected
    assert {"14 → 6", "14 → 7"} <= set(words(figure))


def test_what_hangs_over_is_drawn_dashed():
    figure = draw_pooling(PI[:14])
    outside = {p.get_gid() for p in figure.axes[0].patches if str(p.get_gid()).startswith("outs")}
    assert outside == {"outside.pad.-1", "outside.ceil.14"}


@pytest.mark.parametrize("size", [3, 14, 15, 24])
def test_texts_of_pooling_fit(size):
    assert_texts_fit(draw_pooling(PI[:size]))
    assert_texts_fit(draw_pooling(PI[:size], ("ceil",)))


def test_what_pooling_cannot_draw_is_refused():
    with pytest.raises(UsageError, match="expected one of floor, pad, ceil"):
        pool_windows(PI[:14], "same")
    with pytest.raises(UsageError, match="2 cells came; expected 3 to 24"):
        draw_pooling(PI[:2])


def test_pooling_s_alt_text():
    text = describe_pooling(PI[:5], ("ceil",))
    assert "5 cells that hold 3, 1, 4, 1, 5" in text
    assert "2 windows from cells 0, 2, which find 4, 5" in text


# ---- the lanes at one place ----------------------------------------------------------------------


def view(module="inception3a", place=(3, 4), maps=(8, 8)):
    draw = torch.Generator().manual_seed(0)
    spans = {"1x1": (6, 9), "3x3": (4, 11), "5x5": (0, 14), "pool": (4, 11)}
    boxes = {
        lane: Box(Span(a, b), Span(a + 1, b + 1, 2 if lane == "5x5" else 0))
        for lane, (a, b) in spans.items()
    }
    return WindowView(
        module=module,
        image=torch.randint(0, 200, (3, 16, 16), generator=draw, dtype=torch.uint8),
        place=place,
        maps={lane: torch.rand(*maps, generator=draw) for lane in BRANCH_COLOURS},
        boxes=boxes,
        answers={lane: Answer(64, 10 + i, 0.25 * i) for i, lane in enumerate(BRANCH_COLOURS)},
    )


def test_windows_frame_their_pixels():
    shown = view()
    figure = draw_windows([shown])
    left, right, bottom, top = figure.axes[0].images[0].get_extent()
    pixel = (right - left) / 16
    for lane, box in shown.boxes.items():
        square = patch(figure, f"window.inception3a.{lane}")
        assert square.get_x() == pytest.approx(left + box.columns.first * pixel)
        assert square.get_width() == pytest.approx(
            (box.columns.last - box.columns.first + 1) * pixel
        )
        assert square.get_y() == pytest.approx(min(top, bottom) + box.rows.first * pixel)
        assert matplotlib.colors.to_hex(square.get_edgecolor()).upper() == BRANCH_COLOURS[lane]


def test_only_what_a_lane_sees_is_lit():
    shown = view()
    drawn = torch.tensor(draw_windows([shown]).axes[0].images[0].get_array())
    pixels = shown.image.permute(1, 2, 0) / 255
    assert torch.allclose(drawn[0:15, 1:16].float(), pixels[0:15, 1:16])  # the 5x5 lane's
    assert (drawn[15] > pixels[15]).all()
    assert (drawn[:, 0] > pixels[:, 0]).all()


def test_maps_are_shown_as_they_are_and_the_place_is_marked():
    shown = view()
    figure = draw_windows([shown])
    for image, (lane, values) in zip(figure.axes[0].images[1:], shown.maps.items(), strict=True):
        assert torch.equal(torch.tensor(image.get_array()), values)
        left, right, bottom, top = image.get_extent()
        mark = patch(figure, f"place.inception3a.{lane}")
        assert mark.get_x() + mark.get_width() / 2 == pytest.approx(left + 4.5 * (right - left) / 8)
        middle = mark.get_y() + mark.get_height() / 2
        assert middle == pytest.approx(min(top, bottom) + 3.5 * abs(bottom - top) / 8)


@pytest.mark.parametrize("count", [1, 3])
def test_texts_of_the_windows_fit(count):
    views = [view(module) for module in ("inception3a", "inception4a", "inception4d")[:count]]
    figure = draw_windows(views)
    assert_texts_fit(figure)
    assert "rows 4 to 11 columns 5 to 12 11 of 64 answer mean 0.250" in words(figure)


def test_the_windows_alt_text():
    text = describe_windows([view()])
    assert "inception3a, row 3 and column 4 of its 8×8 map" in text
    assert "3x3 sees rows 4 to 11, columns 5 to 12 and answers in 11 of 64 channels" in text
    assert "5x5 sees rows 0 to 14, columns 1 to 15 (cut at the rim)" in text
