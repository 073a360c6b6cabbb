"""The cost of six widths against the paper's budget, their short trials, and the explorer."""

import html
import re
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from googlenet_lib.course.nb03 import design_explorer
from googlenet_lib.course.nb03.design import Design, paper_design
from googlenet_lib.course.nb03.design_explorer import explore_design
from googlenet_lib.course.nb03.design_figure import draw_design
from googlenet_lib.course.nb03.design_trials import SHRINK, Board, Trial, small_network, try_design
from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import Inception
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import MODULES, ROWS, Widths, table_costs, total

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
    counts = [count for branch in design.branches.values() for count in branch.params]
    assert counts == [cost.params for cost in convs]
    assert [branch.channels for branch in design.branches.values()] == [8, 24, 48, 56]


def test_over_the_budget_by_what_was_added():
    assert with_widths(out_1x1=72).over == 8 * 192 * 28 * 28
    assert with_widths(pool_proj=24).over == -8 * 192 * 28 * 28


@pytest.mark.parametrize("width", ["reduce_5x5", "out_5x5"])
def test_a_branch_with_a_width_of_0_is_left_out_whole(width):
    design = with_widths(**{width: 0})
    assert design.branches["5x5"] == ((0, 0), (0, 0), 0, 0)
    assert design.out_channels == 256 - 32
    assert design.params == 163_328 - 15_872
    assert (design.window, design.field) == (3, 27 + 2 * 8)
    assert (paper_design().window, paper_design().field) == (5, 27 + 4 * 8)


@pytest.mark.parametrize(
    ("width", "window"), [("out_1x1", 1), ("out_3x3", 3), ("out_5x5", 5), ("pool_proj", 3)]
)
def test_the_largest_window_follows_the_branches_that_are_left(width, window):
    alone = {"out_1x1": 0, "out_3x3": 0, "out_5x5": 0, "pool_proj": 0}
    assert with_widths(**{**alone, width: 8}).window == window
    nothing = with_widths(**alone)
    assert (nothing.window, nothing.field, nothing.macs, nothing.out_channels) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: paper_design("conv1"), "'conv1' is unknown; expected one of inception3a"),
        (lambda: with_widths(out_1x1=-8), r"\{'out_1x1': -8\} came; expected whole numbers"),
        (lambda: with_widths(pool_proj=8.5), "8.5"),
        (lambda: small_network(with_widths(out_1x1=0, out_3x3=0, out_5x5=0, pool_proj=0)),
         "no branch"),
    ],
)  # fmt: skip
def test_what_makes_no_design_is_refused(make, words):
    with pytest.raises(UsageError, match=words):
        make()


# ---- the trial -----------------------------------------------------------------------------------


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


def test_a_branch_that_is_left_out_is_not_built():
    network = small_network(with_widths(out_5x5=0, reduce_3x3=0))
    kernels = {m.kernel_size for m in network[2].modules() if isinstance(m, torch.nn.Conv2d)}
    assert kernels == {(1, 1)}
    assert network[2].out_channels == (64 + 32) // SHRINK


def test_a_trial_can_be_had_again_and_leaves_the_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    ticks = []
    trial = try_design(paper_design(), seed=1, steps=3, tick=lambda: ticks.append(1))
    assert torch.equal(torch.rand(1), expected)
    assert len(ticks) == trial.steps == 3
    assert trial == try_design(paper_design(), seed=1, steps=3)
    assert trial.accuracy != try_design(paper_design(), seed=2, steps=3).accuracy


def test_a_trial_learns_something():
    assert try_design(paper_design("inception4a"), steps=40).accuracy > 0.2  # guessing gets 0.1


# ---- the board -----------------------------------------------------------------------------------


def test_the_board_keeps_each_design_once_and_puts_those_over_the_budget_last():
    board = Board("inception3a")
    wide, lean = with_widths(out_1x1=192), with_widths(out_3x3=0, pool_proj=192)
    assert board.find(wide) is None
    assert [board.keep(one).name for one in (wide, lean, wide)] == ["yours 1", "yours 2", "yours 1"]
    assert board.find(paper_design()).name == "the paper's"
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


# ---- the explorer --------------------------------------------------------------------------------


@pytest.fixture
def box():
    """The explorer's parts by name."""
    controls, buttons, _, words, message, board = explore_design(steps=2).children
    place, *sliders, _ = controls.children
    sliders = dict(zip(vars(WIDTHS), sliders, strict=True))
    keep, train, back = buttons.children
    return SimpleNamespace(**{k: v for k, v in locals().items() if k != "controls"})


def rows(box):
    """The board's rows, each a list of cells."""
    found = re.findall(r"<tr>(.*?)</tr>", box.board.value)[1:]
    return [[html.unescape(cell) for cell in re.findall(r">([^<]+)</td>", r)] for r in found]


def test_it_begins_with_the_paper_s_design_and_returns_to_it(box):
    start = box.words.value
    assert rows(box)[0][:3] == ["the paper's", "64 | 96→128 | 16→32 | 32", "100.0%"]
    box.sliders["out_1x1"].value = 192
    assert "OVER THE BUDGET by" in box.words.value
    box.back.click()
    assert box.words.value == start


def test_another_place_draws_once_and_brings_its_budget_its_widths_and_its_board(box, monkeypatch):
    drawn = []
    monkeypatch.setattr(design_explorer, "draw_design", lambda d: drawn.append(d) or draw_design(d))
    box.sliders["out_1x1"].value = 8
    box.keep.click()
    box.place.value = "inception5b"
    assert drawn[1:] == [paper_design("inception5b")]  # seven controls moved, one picture
    assert len(rows(box)) == 1
    assert {slider.max for slider in box.sliders.values()} == {832}
    box.place.value = "inception3a"
    assert len(rows(box)) == 2


def test_designs_stand_on_the_board_once_with_their_trials(box):
    box.train.click()
    assert "after 2 steps, with seed 0" in box.message.value
    assert rows(box)[0][-1].endswith(", one run")
    box.train.click()
    assert "with seed 1" in box.message.value
    assert rows(box)[0][-1].endswith(", 2 runs")
    assert "From seed to seed" in box.board.value
    box.sliders["out_1x1"].value = 72  # not kept before: training keeps it
    box.train.click()
    assert "Yours 1: accuracy" in box.message.value
    box.keep.click()
    assert "On the board already: yours 1" in box.message.value
    assert rows(box)[1][2] == "100.9%, over by 1,204,224"


@pytest.mark.parametrize("error", [RuntimeError("<out of memory>"), KeyboardInterrupt()])
def test_the_buttons_rest_while_it_trains_and_come_back_when_it_breaks_off(box, monkeypatch, error):
    all_buttons = (box.keep, box.train, box.back)
    seen = []

    def trial(_design, *, seed, steps, tick):
        tick()
        bar = box.buttons.children[-1]
        seen.append((bar.value, bar.max, [button.disabled for button in all_buttons]))
        raise error

    monkeypatch.setattr(design_explorer, "try_design", trial)
    with nullcontext() if isinstance(error, RuntimeError) else pytest.raises(KeyboardInterrupt):
        box.train.click()
        assert "RuntimeError: &lt;out of memory&gt;" in box.message.value
    assert seen == [(1, 2, [True] * 3)]
    assert rows(box)[0][-1] == "not tried"
    assert box.buttons.children == all_buttons
    assert not any(button.disabled for button in all_buttons)


def test_a_design_without_branches_is_told_why_it_is_not_trained(box):
    for slider in box.sliders.values():
        slider.value = 0
    assert "largest kernel none" in box.words.value
    box.train.click()
    assert "Not trained: the design has no branch" in box.message.value
    assert len(rows(box)) == 1
