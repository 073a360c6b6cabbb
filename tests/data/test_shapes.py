"""Drawn shapes: different from each other, as large as asked for, inside, and seen."""

import math

import pytest
import torch

from googlenet_lib.data import SHAPES, draw_shapes
from googlenet_lib.data.shapes import DISTANCES, REACH, draw_random_shapes
from googlenet_lib.errors import UsageError

EVERY_LABEL = torch.arange(len(SHAPES))


def objects(labels, radii, *, size=32, seed=0, **how):
    """Where the objects are, (N, size, size): what changes once they have shrunk to nothing."""
    drawn = draw_shapes(labels, radii, size=size, seed=seed, **how).int()
    nothing = draw_shapes(labels, torch.full_like(radii, 1e-3), size=size, seed=seed, **how).int()
    return (drawn - nothing).abs().amax(1) > 40  # of 255: noise is the same in both


def centred(labels, size):
    return torch.full((len(labels), 2), size / 2)


def areas(radii, labels=EVERY_LABEL, size=32):
    masks = objects(labels, radii, size=size, centres=centred(labels, size))
    return masks.sum((1, 2)).double()


def exact_areas():
    """Areas in units of the squared radius, from the distances themselves."""
    line = torch.linspace(-1.5, 1.5, 601)
    u, v = torch.meshgrid(line, line, indexing="xy")
    inside = [(distance(u, v) <= 0).double().mean() * 9 for distance in DISTANCES.values()]
    return torch.stack(inside)


def test_area_is_that_of_the_shape():
    for radius in (8.0, 14.0):
        measured = areas(torch.full((10,), radius)) / radius**2
        # a mask of pixels is off by a part of the outline
        assert (measured / exact_areas() - 1).abs().max() < 3 / radius


def test_areas_of_simple_shapes_by_hand():
    by_hand = {
        "circle": math.pi,
        "ring": math.pi * (1 - 0.5**2),
        "square": 1.7**2,
        "frame": 1.7**2 - 0.9**2,
        "diamond": 2 * 0.6,
        "plus": 4 * 0.6 - 0.6**2,
        "triangle": 3 * math.sqrt(3) / 4,
    }
    for name, area in zip(SHAPES, exact_areas().tolist(), strict=True):
        assert area == pytest.approx(by_hand.get(name, area), rel=0.02), name


@pytest.mark.parametrize("size", [16, 32])
def test_objects_keep_their_reach_from_the_border(size):
    labels = torch.zeros(400, dtype=torch.int64)  # circles
    radius = 0.2 * size
    masks = objects(labels, torch.full((400,), radius), size=size).double()
    for axis in (1, 2):
        profile = masks.sum(3 - axis)  # (N, size)
        centre = (profile * (torch.arange(size) + 0.5)).sum(1) / profile.sum(1)
        assert REACH * radius - 0.3 < centre.min() < REACH * radius + 1
        assert size - REACH * radius - 1 < centre.max() < size - REACH * radius + 0.3


def test_centres_are_where_they_were_asked_for():
    centres = torch.tensor([[8.0, 24.0], [20.0, 10.0]])  # column and row
    masks = objects(torch.zeros(2, dtype=torch.int64), torch.full((2,), 5.0), centres=centres)
    for mask, (column, row) in zip(masks, centres.tolist(), strict=True):
        rows, columns = mask.nonzero().double().T
        assert rows.mean() + 0.5 == pytest.approx(row, abs=0.3)
        assert columns.mean() + 0.5 == pytest.approx(column, abs=0.3)


def test_object_and_ground_differ_in_brightness():
    labels = torch.zeros(200, dtype=torch.int64)  # circles
    radii = torch.full((200,), 10.0)
    pictures = draw_shapes(labels, radii, centres=centred(labels, 32)).double().mean(1)
    thing, ground = pictures[:, 12:20, 12:20].mean((1, 2)), pictures[:, :3].mean((1, 2))
    contrast = (thing - ground).abs()
    assert contrast.min() > 0.2 * 255
    assert pictures[:, :3].std((1, 2)).max() < 0.1 * contrast.min()  # noise does not hide it
    brighter = (thing > ground).double().mean()
    assert 0.35 < brighter < 0.65  # brightness does not tell the object


def test_colours_do_not_tell_the_class():
    pictures, labels, _ = draw_random_shapes(5000, size=16)
    means = torch.stack([pictures[labels == label].double().mean((0, 2, 3)) for label in range(10)])
    assert (means.amax(0) - means.amin(0)).max() < 0.08 * 255


def test_seed_decides_everything():
    radii = torch.full((10,), 9.0)
    drawn = draw_shapes(EVERY_LABEL, radii, seed=3)
    assert torch.equal(drawn, draw_shapes(EVERY_LABEL, radii, seed=3))
    other = draw_shapes(EVERY_LABEL, radii, seed=4)
    assert all(not torch.equal(*pair) for pair in zip(drawn, other, strict=True))
    torch.manual_seed(0)
    state = torch.get_rng_state()
    draw_shapes(EVERY_LABEL, radii)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "radii",
    [[0.0, 5.0], [5.0, 16.1], [math.nan, 5.0], [5.0]],
)
def test_radii_that_make_no_sense_are_refused(radii):
    with pytest.raises(UsageError, match="expected 2 values above 0, up to 16 pixels"):
        draw_shapes(torch.zeros(2, dtype=torch.int64), torch.tensor(radii))


def test_what_makes_no_sense_is_refused():
    for label in (-1, 10):
        with pytest.raises(UsageError, match="labels must lie in 0 to 9"):
            draw_shapes(torch.tensor([0, label]), torch.full((2,), 5.0))
    for how in ({"factor": 0.5}, {"size": 7}):
        with pytest.raises(UsageError, match="expected at least 1 and 8"):
            draw_random_shapes(5, **how)


# ---- many at random ------------------------------------------------------------------------------


def test_random_shapes_have_all_kinds_and_spread_over_the_factor():
    pictures, labels, radii = draw_random_shapes(500, size=24, factor=4.0, seed=1)
    assert pictures.shape == (500, 3, 24, 24)
    assert set(labels.tolist()) == set(range(10))
    largest = 0.45 * 24
    assert (radii <= largest).all()
    assert (radii >= largest / 4 - 1e-4).all()
    steps = torch.log(largest / radii) / math.log(4)  # even on the scale of logarithms
    assert steps.histc(4, 0, 1).min() > 90
