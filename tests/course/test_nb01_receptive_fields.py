"""Theoretical windows agree with the counts elsewhere, and gradients stay inside them."""

from dataclasses import replace

import pytest
import torch

from googlenet_lib.course.kit.branches import BRANCHES, branch_windows
from googlenet_lib.course.nb01.receptive_fields import (
    DEPTHS,
    KERNELS,
    MODULES,
    NETWORKS,
    SEEDS,
    STRIDED,
    TILE,
    Stack,
    branch_gradients,
    build_stack,
    mass_width,
    measure_module,
    pack_map,
    recorded,
    stack_gradient,
)
from googlenet_lib.course.nb01.receptive_growth import explore_stack
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.variants import PAPER, TORCHVISION


@pytest.fixture(scope="module")
def paper():
    torch.manual_seed(0)
    return GoogLeNet(PAPER, heads=False, width=0.5)  # wide: a few channels may all be silent


# ---- stacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stack", "field"),
    [(Stack(1, 7), 7), (Stack(2, 3), 5), (Stack(10, 3), 21), (Stack(3, 3, 1), 11),
     (Stack(3, 5, 2), 29), (Stack(6, 1, 2), 1)],
)  # fmt: skip
def test_a_picture_as_large_as_the_field_leaves_one_place(stack, field):
    assert stack.field == field
    if stack.kernel > 1:  # a 1x1 with stride 2 skips pixels: any picture leaves one place or more
        assert build_stack(stack)(torch.zeros(1, 3, field, field)).shape == (1, 8, 1, 1)
        with pytest.raises(RuntimeError, match="Kernel size"):
            build_stack(stack)(torch.zeros(1, 3, field - 1, field - 1))


def test_a_gradient_fills_its_field_and_the_middle_counts_more_than_the_rim():
    gradient = stack_gradient(Stack(10, 3))
    assert gradient.shape == (21, 21)
    assert float(gradient.sum()) == pytest.approx(1)
    assert bool((gradient > 0).all())
    assert float(gradient[8:13, 8:13].mean()) > 20 * float(gradient[0].mean())


def test_measuring_leaves_the_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    stack_gradient(Stack(2, 3))
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("wrong", [(0, 3, 0), (2, 0, 0), (2, 3, 3)])
def test_impossible_stacks_are_refused(wrong):
    with pytest.raises(UsageError, match="expected a depth and a kernel of 1 or more"):
        Stack(*wrong)


def test_more_strided_layers_than_layers_count_as_all_of_them():
    controls, _, words = explore_stack(depth=1, strided=0).children
    controls.children[2].value = 2
    assert f"the field is {Stack(1, 3, 1).field} pixels wide" in words.value


# ---- widths --------------------------------------------------------------------------------------


def test_the_width_of_an_even_map_is_the_root_of_its_share():
    flat = torch.ones(21, 21)
    assert mass_width(flat, 1) == 21
    assert mass_width(flat, 0.5) == 15  # 13 x 13 are 38%, 15 x 15 are 51%
    assert mass_width(7 * flat, 0.5) == 15


def test_the_width_is_counted_around_a_centre():
    spot = torch.zeros(11, 11)
    spot[2, 8] = 1
    assert mass_width(spot) == 7
    assert mass_width(spot, centre=(2, 8)) == 1
    assert mass_width(spot, centre=(2.5, 8.5)) == 2


@pytest.mark.parametrize(
    ("mass", "share"),
    [
        (torch.zeros(3, 3), 0.9),
        (-torch.ones(3, 3), 0.9),
        (torch.ones(3), 0.9),
        (torch.ones(3, 3), 0),
    ],
)
def test_maps_without_mass_are_refused(mass, share):
    with pytest.raises(UsageError, match="share"):
        mass_width(mass, share)


# ---- GoogLeNet's branches ------------------------------------------------------------------------


def test_torchvision_s_window_and_what_makes_it_smaller():
    def field(variant):
        model = GoogLeNet(variant, heads=False, width=0.1)
        return branch_windows(model, "inception5b")["5x5"].field

    assert field(NETWORKS["torchvision"]) == field(TORCHVISION) == 379
    assert field(replace(PAPER, large_kernel=3)) == 395


@pytest.mark.parametrize("module", ["inception3a", "inception4a"])
def test_the_gradient_fills_the_window_and_nothing_else(paper, module):
    torch.manual_seed(0)
    windows = branch_windows(paper, module)
    place = 4 if module == "inception3a" else 6
    side = 96 if module == "inception3a" else 240
    pictures = torch.randn(6, 3, side, side)
    for branch, gradient in branch_gradients(paper, module, pictures, place).items():
        window = windows[branch]
        reach = (window.field - 1) / 2
        touched = gradient.nonzero()
        first, last = window.centre(place) - reach, window.centre(place) + reach
        assert touched.min(0).values.tolist() == [first, first], branch
        assert touched.max(0).values.tolist() == [last, last], branch


def test_unknown_branches_are_refused():
    with pytest.raises(UsageError, match="is not recorded"):
        recorded().branch("inception3a", "7x7")
    with pytest.raises(UsageError, match="is not recorded"):
        recorded().stack_width(Stack(11, 3))


# ---- the record ----------------------------------------------------------------------------------


def test_the_record_is_whole():
    found = recorded()
    settings = [(n, m, branch) for n in NETWORKS for m in MODULES for branch in BRANCHES]
    assert [(one.network, one.module, one.branch) for one in found.branches] == settings
    for one in found.branches:
        assert one.map.shape == (TILE, TILE)
        assert one.map.sum() == pytest.approx(1)
        assert len(one.widths) == len(SEEDS)
        assert max(one.widths) - min(one.widths) <= 0.1 * one.width  # seeds agree
        assert one.width < one.window.field
    stacks = [Stack(d, k, s) for k in KERNELS for s in STRIDED for d in DEPTHS if s <= d]
    assert [*found.stack_widths] == stacks


@pytest.mark.parametrize("stack", [Stack(10, 3), Stack(5, 5, 1), Stack(4, 7), Stack(3, 1)])
def test_stacks_are_recorded_as_they_are_measured(stack):
    assert abs(recorded().stack_width(stack) - mass_width(stack_gradient(stack))) <= 2


def test_a_packed_map_is_unpacked():
    mass = torch.rand(TILE, TILE, generator=torch.Generator().manual_seed(0)) ** 4
    branch = replace(recorded().branches[0], packed=pack_map(mass))
    assert abs(branch.map - (mass / mass.sum()).numpy()).max() < 0.01 * branch.map.max()
    with pytest.raises(ValueError, match="not 32x32"):
        replace(branch, packed=branch.packed[:400])


def test_branches_are_recorded_as_they_are_measured():
    for one in measure_module("paper", "inception3a"):
        kept = recorded().branch("inception3a", one.branch)
        assert kept.window == one.window
        assert abs(kept.width - one.width) <= 2
        assert abs(kept.map - one.map).max() < 0.1 * one.map.max()
