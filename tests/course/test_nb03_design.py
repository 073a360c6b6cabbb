"""What a design of six widths costs against the paper's budget, and its short trial."""

from dataclasses import replace

import pytest
import torch

from googlenet_lib.course.nb03.design import (
    MODULES,
    SHRINK,
    Board,
    Design,
    Trial,
    paper_design,
    small_network,
    try_design,
)
from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import Inception
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import ROWS, Widths, table_costs, total

WIDTHS = Widths(out_1x1=8, reduce_3x3=16, out_3x3=24, reduce_5x5=40, out_5x5=48, pool_proj=56)


def with_widths(module="inception3a", **changed):
    return Design(module, replace(ROWS[module].widths, **changed))


# ---- costs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_the_paper_s_own_design_costs_what_table_1_costs(module):
    design = paper_design(module)
    cost = next(cost for cost in table_costs() if cost.name == module)
    assert (design.params, design.macs, design.out_channels) == (
        cost.params,
        cost.macs,
        cost.shape[0],
    )
    assert design.field == cost.field
    assert design.over == 0


@pytest.mark.parametrize("module", ["inception3a", "inception4e", "inception5b"])
def test_any_design_costs_what_a_built_module_costs(module):
    design = Design(module, WIDTHS)
    place = design.place
    shape = (place.in_channels, place.size, place.size)
    built = model_costs(Inception(place.in_channels, WIDTHS).to("meta"), shape)
    convs = [cost for cost in built if cost.kind == "Conv2d"]
    assert (design.params, design.macs) == total(convs)
    assert design.out_channels == 8 + 24 + 48 + 56
    counts = [count for lane in design.lanes.values() for count in lane.params]
    assert counts == [cost.params for cost in convs]
    assert [lane.channels for lane in design.lanes.values()] == [8, 24, 48, 56]


def test_over_the_budget_by_what_was_added():
    wider = with_widths(out_1x1=72)
    assert wider.over == 8 * 192 * 28 * 28
    assert wider.budget == 128_049_152 == wider.macs - wider.over
    assert with_widths(pool_proj=24).over == -8 * 192 * 28 * 28


@pytest.mark.parametrize("width", ["reduce_5x5", "out_5x5"])
def test_a_lane_with_a_width_of_0_is_left_out_whole(width):
    design = with_widths(**{width: 0})
    assert design.lanes["5x5"] == ((0, 0), (0, 0), 0, 0)
    assert design.out_channels == 256 - 32
    assert design.params == 163_328 - 15_872
    assert (design.window, design.field) == (3, 27 + 2 * 8)
    assert (paper_design().window, paper_design().field) == (5, 27 + 4 * 8)


def test_the_largest_window_follows_the_lanes_that_are_left():
    alone = {"out_1x1": 0, "out_3x3": 0, "out_5x5": 0, "pool_proj": 0}
    windows = {"out_1x1": 1, "out_3x3": 3, "out_5x5": 5, "pool_proj": 3}
    for name, window in windows.items():
        assert with_widths(**{**alone, name: 8}).window == window
    nothing = with_widths(**alone)
    assert (nothing.window, nothing.field, nothing.macs, nothing.out_channels) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Design("inception6a", WIDTHS), "'inception6a' came; expected one of inception3a"),
        (lambda: paper_design("conv1"), "'conv1' came"),
        (lambda: with_widths(out_1x1=-8), r"\{'out_1x1': -8\} came; expected whole numbers"),
        (lambda: with_widths(pool_proj=8.5), "8.5"),
        (lambda: small_network(with_widths(out_1x1=0, out_3x3=0, out_5x5=0, pool_proj=0)),
         "no lane"),
        (lambda: try_design(paper_design(), steps=0), "steps=0 came; expected 1 or more"),
    ],
)  # fmt: skip
def test_what_makes_no_design_is_refused(make, words):
    with pytest.raises(UsageError, match=words):
        make()


# ---- the trial -----------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["inception3a", "inception5b"])
def test_the_small_network_has_an_eighth_of_the_channels(module):
    network = small_network(paper_design(module))
    shape = (paper_design(module).place.in_channels // SHRINK, 8, 8)
    convs = [c for c in model_costs(network, (3, 32, 32)) if c.name.startswith("2.lanes")]
    weights = sum(c.params for c in convs if c.kind == "Conv2d")
    assert weights * SHRINK**2 == paper_design(module).params  # every share is kept
    assert network[:2](torch.zeros(2, 3, 32, 32)).shape[1:] == shape
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_the_small_network_s_module_is_an_inception_module():
    """With the library's weights in it, it gives what the library's gives."""
    torch.manual_seed(0)
    mine = small_network(paper_design())[2]
    shrunk = Widths(
        **{name: width // SHRINK for name, width in vars(ROWS["inception3a"].widths).items()}
    )
    library = Inception(24, shrunk)
    library.load_state_dict(
        dict(zip(library.state_dict(), mine.state_dict().values(), strict=True))
    )
    x = torch.randn(2, 24, 8, 8)
    torch.testing.assert_close(mine.eval()(x), library.eval()(x))


def test_a_lane_that_is_left_out_is_not_built():
    network = small_network(with_widths(out_5x5=0, reduce_3x3=0))
    kernels = {m.kernel_size for m in network[2].modules() if isinstance(m, torch.nn.Conv2d)}
    assert kernels == {(1, 1)}
    assert network[2].out_channels == (64 + 32) // SHRINK


def test_a_trial_can_be_had_again_and_leaves_the_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    ticks = []
    one = try_design(paper_design(), seed=1, steps=3, tick=lambda: ticks.append(1))
    assert torch.equal(torch.rand(1), expected)
    assert len(ticks) == 3
    assert one == try_design(paper_design(), seed=1, steps=3)
    assert one[:2] == (1, 3)
    assert one != try_design(paper_design(), seed=2, steps=3)


def test_a_trial_learns_something():
    assert try_design(paper_design("inception4a"), steps=50).accuracy > 0.25  # guessing gets 0.1


# ---- the board -----------------------------------------------------------------------------------


def test_the_board_keeps_each_design_once_and_puts_those_over_the_budget_last():
    board = Board("inception3a")
    wide, lean = with_widths(out_1x1=192), with_widths(out_3x3=0, pool_proj=192)
    assert board.find(wide) is None
    assert [board.keep(one).name for one in (wide, lean, wide)] == ["yours 1", "yours 2", "yours 1"]
    assert len(board.entries) == 3
    assert board.find(paper_design()).name == "the paper's"
    assert wide.over > 0 > lean.over
    assert lean.out_channels > paper_design().out_channels
    assert [one.name for one in board.standings()] == ["yours 2", "the paper's", "yours 1"]


def test_the_verdict_says_how_little_is_decided():
    board = Board()
    assert "No design has been tried" in board.verdict()
    paper = board.entries[0]
    paper.trials.append(Trial(0, 200, 0.8))
    board.keep(with_widths(out_1x1=72)).trials.append(Trial(0, 200, 0.9))
    assert "One short run with one seed decides nothing" in board.verdict()
    paper.trials.append(Trial(1, 200, 0.75))
    assert paper.accuracies == (0.75, 0.8)
    assert "differ by up to 0.050" in board.verdict()
