"""The figures of the ablations: what is drawn is what was run, and doubt is shown as doubt."""

from dataclasses import asdict
from functools import cache
from statistics import mean

import pytest
import torch
from matplotlib.colors import to_hex
from studied import RUN, boxes, lines, run_with, runs_with, settled, text
from test_figures import assert_texts_fit, words
from torch.utils.flop_counter import FlopCounterMode

from googlenet_lib.ablations import HEADS, REDUCTIONS
from googlenet_lib.data import CIFAR10_CLASSES
from googlenet_lib.errors import UsageError
from googlenet_lib.figures.ablations import (
    ACCURACY_TOP,
    DOTS_LEFT,
    ROWS_TOP,
    describe_heads,
    describe_reductions,
    draw_heads,
    draw_reductions,
    pairs,
    widths,
)
from googlenet_lib.figures.seeds import ONE_SEED, WITHIN
from googlenet_lib.figures.style import GREY, HEAD_COLOUR, INK, PAPER, WIDTH
from googlenet_lib.model import GoogLeNet

# stuck, apart and up, meeting; apart and down, touching in one point, meeting
ACCURACIES = {
    "normal-plain": ([0.1, 0.1, 0.1], [0.1, 0.1, 0.1]),
    "xavier-plain": ([0.46, 0.47, 0.45], [0.42, 0.43, 0.44]),
    "he-plain": ([0.48, 0.49, 0.45], [0.47, 0.44, 0.48]),
    "normal-norm": ([0.50, 0.51, 0.49], [0.53, 0.54, 0.52]),
    "xavier-norm": ([0.51, 0.52, 0.53], [0.55, 0.53, 0.54]),
    "he-norm": ([0.52, 0.50, 0.55], [0.51, 0.56, 0.52]),
}
HEADS_RUNS = {
    f"{name}-{kind}": runs_with(values)
    for name, both in ACCURACIES.items()
    for kind, values in zip(("heads", "none"), both, strict=True)
}
NAMES = ["N(0, 0.01)", "Xavier", "He"]


def reductions(values):
    """Runs of each arm of REDUCTIONS in `values`, as its options would have had them recorded."""
    return {
        arm.name: runs_with(values[arm.name], variant_settings=asdict(settled(arm)[0]))
        for arm in REDUCTIONS.arms
        if arm.name in values
    }


# apart and down, touching, itself, meeting, apart and up
REDUCTIONS_RUNS = reductions(
    {
        "x0.25": [0.43, 0.45, 0.44],
        "x0.5": [0.45, 0.47, 0.46],
        "x1": [0.47, 0.49, 0.48],
        "x2": [0.48, 0.49, 0.46],
        "x4": [0.51, 0.50, 0.52],
    }
)
PLACES = {"x0.25": -2, "x0.5": -1, "x1": 0, "x2": 1, "x4": 2}


# Drawn once: a figure that is closed can still be asked.
@cache
def heads():
    return draw_heads(HEADS_RUNS)


@cache
def both_charts():
    return draw_reductions(REDUCTIONS_RUNS)


def accuracies(runs):
    return [run.test_accuracy for run in runs]


def below(figure, content):
    """How far down the page each text of that content stands, in pixels."""
    return [
        figure.bbox.height - t.get_window_extent().get_points().mean(0)[1]
        for axes in figure.axes
        for t in axes.texts
        if t.get_text() == content
    ]


# ---- heads ---------------------------------------------------------------------------------------


def test_every_seed_is_a_dot_filled_with_heads_and_hollow_without():
    assert {*HEADS_RUNS} == {arm.name for arm in HEADS.arms}
    for name, runs in HEADS_RUNS.items():
        (dots,) = lines(heads(), f"seeds.{name}")
        assert list(dots.get_xdata()) == accuracies(runs)
        colours = (HEAD_COLOUR, HEAD_COLOUR) if name.endswith("heads") else (PAPER, INK)
        found = (dots.get_markerfacecolor(), dots.get_markeredgecolor())
        assert tuple(to_hex(colour).upper() for colour in found) == colours
        (tick,) = lines(heads(), f"mean.{name}")
        assert list(tick.get_xdata()) == pytest.approx([mean(accuracies(runs))] * 2)
        low, high = dots.axes.get_xlim()
        assert low < min(accuracies(runs)) <= max(accuracies(runs)) < high


def test_rows_stand_in_two_groups_and_each_with_its_name_and_numbers():
    figure = draw_heads(dict(reversed(HEADS_RUNS.items())))
    assert_texts_fit(figure)  # draws, so that places are known
    names = {name: below(figure, name) for name in NAMES}
    (plain,), (norm,) = below(figure, "no BatchNorm"), below(figure, "BatchNorm")
    order = [plain, *(names[n][0] for n in NAMES), norm, *(names[n][1] for n in NAMES)]
    assert order == sorted(order), "no BatchNorm first"
    rows = [y for y in order if y not in (plain, norm)]
    with_heads, without = below(figure, "with heads"), below(figure, "without")
    for i, name in enumerate(ACCURACIES):
        for kind, written in (("heads", with_heads), ("none", without)):
            (dots,) = lines(figure, f"seeds.{name}-{kind}")
            y = ROWS_TOP + dots.get_ydata()[0]
            assert len({*dots.get_ydata()}) == 1
            assert written[i] == pytest.approx(y, abs=2), "the words stand beside their dots"
            assert (y < rows[i]) == (kind == "heads"), "with heads above"
            assert abs(y - rows[i]) < 20, "the name stands beside its dots"


def test_means_and_ranges_are_printed_beside_their_dots():
    figure = heads()
    assert_texts_fit(figure)
    for name, runs in HEADS_RUNS.items():
        values = accuracies(runs)
        y = ROWS_TOP + lines(figure, f"seeds.{name}")[0].get_ydata()[0]
        for told in (
            f"{mean(values):.1%}",
            f"{100 * min(values):.1f} to {100 * max(values):.1f}",
        ):
            assert any(found == pytest.approx(y, abs=2) for found in below(figure, told)), told


def test_gains_are_of_the_heads_over_none_and_signed():
    gains = ["+0.0", "+3.0", "+1.0", "−3.0", "−2.0", "−0.7"]
    assert [pair.gain for pair in pairs(HEADS_RUNS)] == gains
    shown = words(heads())
    assert all(shown[gain] == 1 for gain in gains)


def test_ranges_that_meet_are_told_from_those_apart():
    found = [pair.doubt for pair in pairs(HEADS_RUNS)]
    assert found == [WITHIN, "", WITHIN, "", WITHIN, WITHIN]
    assert words(heads())[WITHIN] == 4
    for gain, apart in (("+0.0", False), ("+3.0", True), ("+1.0", False), ("−3.0", True)):
        assert text(heads(), gain).get_color() == (INK if apart else GREY)
        assert text(heads(), gain).get_weight() == ("bold" if apart else "normal")


def test_a_dashed_line_marks_guessing_wherever_the_dots_are():
    far = {"he-norm-heads": runs_with([0.8, 0.81]), "he-norm-none": runs_with([0.02, 0.03])}
    for runs in (HEADS_RUNS, far, {"he-norm-heads": runs_with([0.9])}):
        figure = draw_heads(runs)
        (line,) = lines(figure, "chance")
        assert list(line.get_xdata()) == [1 / len(CIFAR10_CLASSES)] * 2
        assert line.get_linestyle() == "--"
        low, high = line.axes.get_xlim()
        assert low < 0.1 < high
        assert words(figure)["guessing"] == 1


def test_one_of_both_is_shown_without_a_difference():
    runs = {
        name: HEADS_RUNS[name]
        for name in ("he-norm-heads", "he-norm-none", "xavier-norm-none", "normal-plain-heads")
    }
    found = pairs(runs | {"xavier-norm-heads": []})
    assert [(pair.init, pair.norm) for pair in found] == [
        ("normal", False),
        ("xavier", True),
        ("he", True),
    ]
    assert [pair.gain for pair in found] == ["", "", "−0.7"]
    assert [pair.doubt for pair in found] == ["", "", WITHIN]
    figure = draw_heads(runs)
    assert_texts_fit(figure)
    shown = words(figure)
    assert (shown["with heads"], shown["without"], shown[WITHIN]) == (2, 2, 1)
    assert not lines(figure, "seeds.xavier-norm-heads")
    assert not words(draw_heads({"he-norm-none": HEADS_RUNS["he-norm-none"]}))["no BatchNorm"]


def test_one_seed_settles_nothing():
    one = {name: runs[:1] for name, runs in HEADS_RUNS.items()}
    one["he-norm-none"] = HEADS_RUNS["he-norm-none"]
    figure = draw_heads(one)
    assert_texts_fit(figure)
    assert [pair.doubt for pair in pairs(one)] == [ONE_SEED] * 6
    shown = words(figure)
    assert shown[ONE_SEED] == 6
    assert sum(" to " in told and "runs" not in told for told in shown) == 1
    assert "1 to 3 seeds an arm" in next(told for told in shown if "runs" in told)


def test_alt_text_of_heads_says_what_is_drawn():
    told = describe_heads(HEADS_RUNS)
    assert told.startswith("A row for each network, 6 in all, with dots for 3 seeds:")
    for part in (
        "N(0, 0.01), no BatchNorm: with heads 10.0% (10.0 to 10.0), without 10.0% (10.0 to 10.0), "
        f"the heads add +0.0 points, {WITHIN};",
        "Xavier, no BatchNorm: with heads 46.0% (45.0 to 47.0), without 43.0% (42.0 to 44.0), "
        "the heads add +3.0 points;",
        f"the heads add −0.7 points, {WITHIN}. A dashed line marks guessing, 10%.",
    ):
        assert part in told
    assert told.count(WITHIN) == 4
    alone = describe_heads({"he-norm-none": runs_with([0.5])})
    assert "1 in all, with dots for 1 seed:" in alone
    assert "He, BatchNorm: without 50.0%. A" in alone


# ---- reductions ----------------------------------------------------------------------------------


def test_every_seed_is_a_dot_over_its_width():
    assert {*REDUCTIONS_RUNS} == {arm.name for arm in REDUCTIONS.arms}
    for name, runs in REDUCTIONS_RUNS.items():
        (dots,) = lines(both_charts(), f"seeds.{name}")
        assert list(dots.get_ydata()) == accuracies(runs)
        assert {*dots.get_xdata()} == {PLACES[name]}, "a doubling takes the same room everywhere"
        (tick,) = lines(both_charts(), f"mean.{name}")
        assert list(tick.get_ydata()) == pytest.approx([mean(accuracies(runs))] * 2)
        low, high = dots.axes.get_ylim()
        assert low < min(accuracies(runs)) <= max(accuracies(runs)) < high
    (means,) = lines(both_charts(), "means")
    expected = [mean(accuracies(runs)) for runs in REDUCTIONS_RUNS.values()]
    assert list(means.get_ydata()) == pytest.approx(expected)


def test_costs_are_those_of_the_networks_that_the_arms_ask_for():
    shown = words(both_charts())
    for point, arm in zip(widths(REDUCTIONS_RUNS), REDUCTIONS.arms, strict=True):
        with torch.device("meta"):
            network = GoogLeNet(settled(arm)[0], len(CIFAR10_CLASSES), heads=False).eval()
            with FlopCounterMode(display=False) as counter:
                network(torch.empty(1, 3, 32, 32))
        macs = counter.get_total_flops() // 2
        assert point.macs == macs
        (bar,) = boxes(both_charts(), f"macs.{arm.name}")
        assert bar.get_height() == macs
        assert bar.get_x() + bar.get_width() / 2 == pytest.approx(PLACES[arm.name])
        assert bar.axes.get_ylim()[0] == 0
        assert shown[f"{macs / 10**6:.1f} million"] == 1


def test_both_charts_share_their_ticks_and_table_1_is_marked():
    figure = both_charts()
    assert_texts_fit(figure)
    labels = {t.get_text(): t for t in figure.axes[2].get_xticklabels()}
    assert [*labels] == ["1/4", "1/2", "1", "2", "4"]
    ticks = [list(axes.get_xticks()) for axes in figure.axes[1:]]
    assert ticks == [[-2, -1, 0, 1, 2]] * 2
    assert figure.axes[1].get_xlim() == figure.axes[2].get_xlim()
    middle = labels["1"].get_window_extent().get_points().mean(0)[0]
    (band,) = boxes(figure, "table-1")
    for found in (text(figure, "Table 1"), band):
        assert found.get_window_extent().get_points().mean(0)[0] == pytest.approx(middle, abs=1)
    assert band.get_window_extent().y0 < labels["1"].get_window_extent().y1 + 10
    assert figure.bbox.height - band.get_window_extent().y1 < ACCURACY_TOP


def test_differences_are_from_table_1_and_doubt_is_shown():
    found = widths(REDUCTIONS_RUNS)
    assert [point.gain for point in found] == ["−4.0", "−2.0", "", "−0.3", "+3.0"]
    assert [point.doubt for point in found] == ["", WITHIN, "", WITHIN, ""]
    figure = both_charts()
    shown = words(figure)
    assert shown[WITHIN] == 2
    for gain, apart in (("−4.0", True), ("−2.0", False), ("−0.3", False), ("+3.0", True)):
        assert text(figure, gain).get_color() == (INK if apart else GREY)
        assert text(figure, gain).get_weight() == ("bold" if apart else "normal")
    for point in found:
        assert shown[f"{mean(point.accuracies):.1%}"] == 1
    for told in ("43.0 to 45.0", "45.0 to 47.0", "47.0 to 49.0", "46.0 to 49.0", "50.0 to 52.0"):
        assert shown[told] == 1


def test_widths_without_runs_are_left_out():
    runs = {name: REDUCTIONS_RUNS[name] for name in ("x4", "x0.5")} | {"x1": []}
    found = widths(runs)
    assert [(point.factor, point.gain, point.doubt) for point in found] == [
        (0.5, "", ""),
        (4, "", ""),
    ]
    figure = draw_reductions(runs)
    assert_texts_fit(figure)
    assert not lines(figure, "seeds.x1")
    assert words(figure)["Table 1"] == 1


def test_one_seed_of_each_width_settles_nothing():
    figure = draw_reductions({name: runs[:1] for name, runs in REDUCTIONS_RUNS.items()})
    assert_texts_fit(figure)
    shown = words(figure)
    assert shown[ONE_SEED] == 4
    assert not any(" to " in told and "runs" not in told for told in shown)


def test_alt_text_of_reductions_says_what_is_drawn():
    told = describe_reductions(REDUCTIONS_RUNS)
    shown = words(both_charts())
    for point, name in zip(widths(REDUCTIONS_RUNS), ("1/4", "1/2", "", "2", "4"), strict=True):
        part = f"{name} times: " if name else "as in Table 1: "
        low, high = min(point.accuracies), max(point.accuracies)
        part += f"{mean(point.accuracies):.1%} ({100 * low:.1f} to {100 * high:.1f}), "
        part += f"{point.gain} points against Table 1, " if point.gain else ""
        part += f"{WITHIN}, " if point.doubt else ""
        cost = f"{point.macs / 10**6:.1f} million"
        assert shown[cost] == 1
        assert f"{part}{cost} multiply-adds" in told
    assert told.count(WITHIN) == 2
    assert "dots for 3 seeds" in told


# ---- both ----------------------------------------------------------------------------------------


def test_texts_fit_and_pages_are_as_wide_as_a_readme():
    for figure in (heads(), both_charts()):
        assert_texts_fit(figure)
        assert figure.bbox.width == WIDTH
    left = [t for t in heads().axes[0].texts if t.get_text() in (*NAMES, "no BatchNorm")]
    assert max(t.get_window_extent().x1 for t in left) <= DOTS_LEFT + 4, "words reach the dots"


def test_accuracies_all_alike_can_be_drawn():
    assert_texts_fit(draw_heads({name: runs_with([0.1, 0.1]) for name in HEADS_RUNS}))
    assert_texts_fit(draw_reductions(reductions({name: [0.1, 0.1] for name in REDUCTIONS_RUNS})))


def test_the_source_is_made_of_the_runs():
    changes = {"device": "Abacus", "training_pictures": 12_345, "epochs": 4}
    runs = [run_with(0.5, date="2030-01-05", **changes), run_with(0.6, date="2030-01-02")]
    (source,) = [told for told in words(draw_heads({"he-norm-none": runs})) if "recorded" in told]
    assert source == (
        f"2 recorded runs, 2 seeds an arm: {RUN.data}, 12,345, {RUN.training_pictures:,} training "
        f"pictures, 4, {RUN.epochs} epochs, best by validation, on Abacus, {RUN.device}, torch "
        f"{RUN.versions['torch']}, 2030-01-02 to 2030-01-05"
    )
    (source,) = [told for told in words(both_charts()) if "recorded" in told]
    assert source.startswith(f"15 recorded runs, 3 seeds a width: {RUN.data}, ")


@pytest.mark.parametrize(
    ("functions", "study"),
    [((draw_heads, describe_heads), HEADS), ((draw_reductions, describe_reductions), REDUCTIONS)],
    ids=["heads", "reductions"],
)
def test_other_runs_are_refused_with_the_names_of_the_arms(functions, study):
    first, second = (arm.name for arm in study.arms[:2])
    for function in functions:
        for runs in ({}, {first: []}, {first: [RUN], "stilts": [RUN]}):
            came = ", ".join(runs) or "no arm"
            message = (
                f"runs of {came} came; expected those of arms.*{study.name}.*{first}, {second}"
            )
            with pytest.raises(UsageError, match=message):
                function(runs)


def test_the_recorded_runs_can_be_read():
    for draw, study in ((draw_heads, HEADS), (draw_reductions, REDUCTIONS)):
        runs = study.runs()
        if not runs:
            continue
        figure = draw(runs)
        assert_texts_fit(figure)
        for name, same in runs.items():
            (dots,) = lines(figure, f"seeds.{name}")
            along = dots.get_xdata() if study is HEADS else dots.get_ydata()
            assert list(along) == accuracies(same)
