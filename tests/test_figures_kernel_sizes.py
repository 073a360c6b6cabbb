"""The figures of the comparison of kernel sizes: what is drawn is what was recorded."""

from functools import cache
from statistics import mean

import pytest
from matplotlib.colors import to_hex
from studied import lines
from test_figures import assert_texts_fit, words

from googlenet_lib.figures.kernel_sizes import (
    COLOURS,
    NAMES,
    describe_by_size,
    describe_contenders,
    draw_by_size,
    draw_contenders,
)
from googlenet_lib.figures.style import BRANCH_COLOURS
from googlenet_lib.kernel_sizes import SEEDS, recorded

FIGURES = {
    "contenders": (draw_contenders, describe_contenders),
    "sizes": (draw_by_size, describe_by_size),
}


@cache
def drawn_by(draw):
    """Drawn once: a figure that is closed can still be asked."""
    return draw(recorded())


@pytest.mark.parametrize("which", FIGURES)
def test_texts_fit_and_the_source_is_printed(which):
    draw, _ = FIGURES[which]
    figure = drawn_by(draw)
    assert_texts_fit(figure)
    assert words(figure)[recorded().source()] == 1


def test_each_contender_has_the_colour_of_its_branch():
    for kernel in ("1x1", "3x3", "5x5"):
        assert COLOURS[f"only {kernel}"] == BRANCH_COLOURS[kernel]
    assert len({*COLOURS.values()}) == len(COLOURS) == len(NAMES)
    for name in NAMES:
        (line,) = lines(drawn_by(draw_by_size), f"mean.{name}")
        assert to_hex(line.get_color()).upper() == COLOURS[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_seed_is_a_dot_and_training_stands_beside_test(name):
    figure, trials = drawn_by(draw_contenders), recorded().final_of(name)
    assert len(trials) == len(SEEDS)
    for gid, drawn, filled in (
        ("test", [one.test_accuracy for one in trials], True),
        ("training", [one.train_accuracy for one in trials], False),
    ):
        (dots,) = lines(figure, f"seeds.{gid}.{name}")
        assert list(dots.get_xdata()) == drawn
        assert (to_hex(dots.get_markerfacecolor()).upper() == COLOURS[name]) is filled
        (tick,) = lines(figure, f"mean.{gid}.{name}")
        assert tick.get_xdata()[0] == pytest.approx(mean(drawn))
        low, high = dots.axes.get_xlim()
        assert low < min(drawn) <= max(drawn) < high
    shown = words(figure)
    assert shown[f"{recorded().entry(name).params:,}"] >= 1
    assert shown[f"{recorded().entry(name).macs / 1e6:.2f} M"] >= 1
    assert shown[f"{recorded().entry(name).field} px"] >= 1


def test_rows_do_not_share_a_height():
    figure = drawn_by(draw_contenders)
    heights = [lines(figure, f"seeds.{gid}.{n}")[0].get_ydata()[0] for n in NAMES
               for gid in ("training", "test")]  # fmt: skip
    assert heights == sorted(heights)
    assert len({*heights}) == len(heights)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_are_drawn_seed_by_seed_with_their_range(name):
    figure, trials = drawn_by(draw_by_size), recorded().final_of(name)
    drawn = [list(line.get_ydata()) for line in lines(figure, f"seeds.{name}")]
    assert drawn == [[one.accuracy for one in trial.by_size] for trial in trials]
    (line,) = lines(figure, f"mean.{name}")
    assert list(line.get_ydata()) == pytest.approx(
        [mean(same) for same in zip(*drawn, strict=True)]
    )
    for x, one in zip(line.get_xdata(), trials[0].by_size, strict=True):
        assert one.low < x < one.high
    (band,) = [c for c in line.axes.collections if c.get_gid() == f"range.{name}"]
    ys = band.get_paths()[0].vertices[:, 1]
    assert (min(ys), max(ys)) == (min(map(min, drawn)), max(map(max, drawn)))
    others = {gid for one in line.axes.lines if (gid := one.get_gid()).startswith("other.")}
    assert others == {f"other.{other}" for other in NAMES if other != name}
    ends = [mean([seed[i] for seed in drawn]) for i in (0, -1)]
    assert words(figure)[f"smallest {ends[0]:.0%} largest {ends[1]:.0%}"] == 1
    low, high = line.axes.get_ylim()
    assert low < min(ys) <= max(ys) < high


def test_panels_have_one_scale():
    assert len({axes.get_ylim() for axes in drawn_by(draw_by_size).axes}) == 1


def test_alt_texts_say_what_is_drawn():
    read = recorded()
    costs, sizes = (describe(read) for _, describe in FIGURES.values())
    for name in NAMES:
        accuracies = [one.test_accuracy for one in read.final_of(name)]
        span = f"{100 * min(accuracies):.1f} to {100 * max(accuracies):.1f}"
        assert f"test accuracy {mean(accuracies):.1%} ({span})" in costs
        smallest = mean([one.by_size[0].accuracy for one in read.final_of(name)])
        assert f"{name}: {smallest:.0%}, " in sizes
    assert f"{len(SEEDS)} seeds" in costs
    assert f"{len(SEEDS)} seeds" in sizes
