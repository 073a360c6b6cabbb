"""The figure of the accuracy ladder: what is drawn is what was run, and doubt is shown as doubt."""

from dataclasses import replace
from statistics import mean, median

import pytest
from matplotlib.colors import to_hex
from studied import RUN, boxes, lines, run_with, runs_with, text
from test_figures import assert_texts_fit, words

from googlenet_lib.errors import UsageError
from googlenet_lib.figures import ladder as figure_module
from googlenet_lib.figures.ladder import (
    ALONE,
    DOTS_LEFT,
    ROWS_TOP,
    describe_ladder,
    draw_ladder,
    steps,
)
from googlenet_lib.figures.seeds import ONE_SEED, WITHIN
from googlenet_lib.figures.style import GREY, INK
from googlenet_lib.ladder import LADDER, Rung, ladder_runs

NAMES = [rung.name for rung in LADDER]


def climbing(seeds=3, rungs=LADDER):
    """Runs of every rung: each gains two points, in turns more and less than its seeds differ."""
    return {
        rung.name: runs_with([0.5 + 0.02 * i + (i % 3) * 0.007 * seed for seed in range(seeds)])
        for i, rung in enumerate(rungs)
    }


# apart and up, meeting, apart and down, touching in one point
FIRST, UP, MEETS, DOWN, TOUCHES = NAMES[:5]
KINDS = {
    FIRST: runs_with([0.50, 0.52, 0.51]),
    UP: runs_with([0.60, 0.57, 0.58], seconds=(300.0, 310.0, 900.0)),
    MEETS: runs_with([0.62, 0.59, 0.64]),
    DOWN: runs_with([0.55, 0.56, 0.51]),
    TOUCHES: runs_with([0.57, 0.56, 0.58]),
}


def test_every_seed_is_a_dot_and_rungs_stand_in_order():
    runs = climbing()
    figure = draw_ladder({name: runs[name] for name in reversed(NAMES)})
    heights = []
    for name in NAMES:
        accuracies = [run.test_accuracy for run in runs[name]]
        (dots,) = lines(figure, f"seeds.{name}")
        assert list(dots.get_xdata()) == accuracies
        assert len({*dots.get_ydata()}) == 1
        heights.append(dots.get_ydata()[0])
        (tick,) = lines(figure, f"mean.{name}")
        assert list(tick.get_xdata()) == pytest.approx([mean(accuracies)] * 2)
        low, high = dots.axes.get_xlim()
        assert low < min(accuracies) <= max(accuracies) < high
    assert heights == [i + 0.5 for i in range(len(NAMES))]
    bottom, top = dots.axes.get_ylim()
    assert top == 0
    assert bottom == len(NAMES), "the first rung is on top"


def test_numbers_names_and_changes_are_printed():
    shown = words(draw_ladder(climbing()))
    for i, rung in enumerate(LADDER):
        assert shown[str(i)] == shown[rung.name] == shown[rung.change] == 1
    shown = words(draw_ladder(KINDS))
    for told in ("51.0%", "50.0 to 52.0", "58.3%", "57.0 to 60.0", "61.7%", "54.0%", "57.0%"):
        assert shown[told] == 1, told


def test_gains_are_over_the_rung_before_and_signed():
    assert [step.gain for step in steps(KINDS)] == ["", "+7.3", "+3.3", "−7.7", "+3.0"]
    shown = words(draw_ladder(KINDS))
    assert all(shown[gain] == 1 for gain in ("+7.3", "+3.3", "−7.7", "+3.0"))
    same = steps({FIRST: runs_with([0.5]), UP: runs_with([0.4999999])})
    assert same[1].gain == "+0.0"


def test_ranges_that_meet_are_told_from_those_apart():
    assert [step.doubt for step in steps(KINDS)] == ["", "", WITHIN, "", WITHIN]
    figure = draw_ladder(KINDS)
    assert words(figure)[WITHIN] == 2
    for name, gain, apart in ((UP, "+7.3", True), (MEETS, "+3.3", False), (DOWN, "−7.7", True)):
        (dots,) = lines(figure, f"seeds.{name}")
        assert to_hex(dots.get_markeredgecolor()) == (INK if apart else GREY)
        assert text(figure, gain).get_color() == (INK if apart else GREY)
        assert text(figure, gain).get_weight() == ("bold" if apart else "normal")


def test_a_band_is_the_range_of_the_rung_before():
    figure = draw_ladder(KINDS)
    assert not boxes(figure, f"before.{FIRST}")
    for before, name in zip(KINDS, [*KINDS][1:], strict=False):
        (band,) = boxes(figure, f"before.{name}")
        values = [run.test_accuracy for run in KINDS[before]]
        assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx(
            (min(values), max(values))
        )
        (dots,) = lines(figure, f"seeds.{name}")
        assert band.get_y() < dots.get_ydata()[0] < band.get_y() + band.get_height()


def test_seconds_are_the_median_epoch_of_all_seeds():
    runs = {
        FIRST: [run_with(0.5, (8.0, 8.5, 30.0)), run_with(0.6, (9.5, 10.0, 9.0), seed=1)],
        UP: [run_with(0.7, (37.0, 40.0, 35.0))],
    }
    figure = draw_ladder(runs)
    assert words(figure)["9.2"] == words(figure)["37"] == 1
    (short,), (long,) = (boxes(figure, f"seconds.{name}") for name in (FIRST, UP))
    medians = [median((8.0, 8.5, 30.0, 9.5, 10.0, 9.0)), 37]
    assert short.get_width() / long.get_width() == pytest.approx(medians[0] / medians[1])


def test_one_seed_settles_nothing():
    runs = {FIRST: runs_with([0.5]), UP: runs_with([0.7]), MEETS: runs_with([0.8, 0.81])}
    assert [step.doubt for step in steps(runs)] == ["", ONE_SEED, ONE_SEED]
    shown = words(draw_ladder(runs))
    assert shown[ONE_SEED] == 2
    assert shown["80.0 to 81.0"] == 1
    assert not shown["50.0 to 50.0"], "a single seed has no range"


def test_rungs_without_runs_are_left_out_and_no_gain_jumps_over_them():
    runs = {FIRST: KINDS[FIRST], UP: [], MEETS: KINDS[MEETS], DOWN: KINDS[DOWN]}
    assert [step.number for step in steps(runs)] == [0, 2, 3]
    assert [step.gain for step in steps(runs)] == ["", "", "−7.7"]
    assert [step.doubt for step in steps(runs)] == ["", ALONE, ""]
    figure = draw_ladder(runs)
    assert words(figure)[ALONE] == 1
    assert not words(figure)[UP]
    assert not boxes(figure, f"before.{MEETS}")


def test_the_source_is_made_of_the_runs():
    runs = {
        FIRST: [
            run_with(0.5, date="2030-01-02", device="Abacus", training_pictures=12_345, epochs=4),
            run_with(0.6, seed=1, date="2030-01-05", device="Abacus", training_pictures=12_345,
                     epochs=4),
        ],
        UP: [run_with(0.7, date="2030-01-03", device="Abacus", training_pictures=12_345, epochs=4)],
    }  # fmt: skip
    (source,) = [told for told in words(draw_ladder(runs)) if "recorded run" in told]
    assert source == (
        f"3 recorded runs, 1 to 2 seeds a rung: {RUN.data}, 12,345 training pictures, 4 epochs, "
        f"best by validation, on Abacus, torch {RUN.versions['torch']}, 2030-01-02 to 2030-01-05; "
        "seconds: the median epoch, on a processor shared with other work"
    )


def test_what_differs_between_runs_is_all_named():
    runs = {FIRST: [run_with(0.5, device="Abacus", epochs=4), run_with(0.5, device="Quipu")]}
    (source,) = [told for told in words(draw_ladder(runs)) if "recorded run" in told]
    assert f"4, {RUN.epochs} epochs, best by validation, on Abacus, Quipu, torch" in source
    assert f"{RUN.date}; " in source, "one date is no range"


@pytest.mark.parametrize("seeds", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 3, 10, 14])
def test_texts_fit(seeds, count, monkeypatch):
    long = "what a change may need to say, if it needs more room than any other of the ladder does"
    more = tuple(Rung(f"augmentation{i}", long) for i in range(14 - len(LADDER)))
    monkeypatch.setattr(figure_module, "LADDER", LADDER + more)
    runs = climbing(seeds, (LADDER + more)[:count])
    last = [*runs][-1]
    runs[last] = [replace(run, history=[{"seconds": 1111.0}] * 2) for run in runs[last]]
    assert len(steps(runs)) == count
    figure = draw_ladder(runs)
    assert_texts_fit(figure)
    places = {t: t.get_position() for t in figure.axes[0].texts}
    left = [t for t, (x, y) in places.items() if x < DOTS_LEFT and y > ROWS_TOP]
    assert len(left) == 3 * count
    assert max(t.get_window_extent().x1 for t in left) < DOTS_LEFT, "words reach the dots"


def test_runs_all_alike_can_be_drawn():
    assert_texts_fit(draw_ladder({FIRST: runs_with([0.5, 0.5]), UP: runs_with([0.5, 0.5])}))


@pytest.mark.parametrize("runs", [{}, {FIRST: []}, {"stilts": [RUN]}], ids=str)
def test_other_runs_are_refused_with_the_names_of_the_rungs(runs):
    for function in (draw_ladder, describe_ladder):
        with pytest.raises(UsageError, match=f"expected those of rungs.*{FIRST}, {UP}"):
            function(runs)


def test_alt_text_says_what_is_drawn():
    told = describe_ladder(KINDS)
    assert told.startswith("A row for each of 5 rungs of the accuracy ladder")
    assert "dots for 3 seeds" in told
    for part in (
        f"0 {FIRST}: 51.0% (50.0 to 52.0), 20 s per epoch;",
        f"1 {UP}: 58.3% (57.0 to 60.0), +7.3 points over the rung before, 310 s per epoch;",
        f"+3.3 points over the rung before, {WITHIN}, 20 s per epoch;",
        f"3 {DOWN}: 54.0% (51.0 to 56.0), −7.7 points over the rung before, 20 s per epoch;",
    ):
        assert part in told
    assert told.count(WITHIN) == 2
    one = describe_ladder({FIRST: runs_with([0.5]), MEETS: runs_with([0.6])})
    assert "dots for 1 seed:" in one
    assert f"2 {MEETS}: 60.0%, {ALONE}, 20 s per epoch" in one


def test_the_recorded_ladder_can_be_read():
    runs = ladder_runs()
    if not runs:
        pytest.skip("not run yet")
    figure = draw_ladder(runs)
    assert_texts_fit(figure)
    for name, same in runs.items():
        (dots,) = lines(figure, f"seeds.{name}")
        assert list(dots.get_xdata()) == [run.test_accuracy for run in same]
