"""The figures of notebook 04: the audit, receptive fields, two variants beside each other."""

import matplotlib
import pytest

matplotlib.use("Agg")

from test_figures import assert_texts_fit, words

from googlenet_lib.costs import TOLERANCE, Cost, audit, table_costs, total
from googlenet_lib.differences import differences, variant_costs
from googlenet_lib.figures.audit import (
    AGREES,
    DIFFERS,
    EDGE,
    describe_audit,
    describe_verdicts,
    draw_verdicts,
    plot_audit,
    signed,
)
from googlenet_lib.figures.receptive import describe_receptive_fields, plot_receptive_fields
from googlenet_lib.figures.style import BRANCH_COLOURS
from googlenet_lib.figures.variants import describe_variants, draw_variants
from googlenet_lib.readings import Reading, audit_under, matches

READINGS = (Reading(), Reading(True, 1000, 3, True, True), Reading(separable_conv1=True))


def lines(figure):
    return {line.get_gid(): line for axes in figure.axes for line in axes.lines if line.get_gid()}


# ---- the audit -----------------------------------------------------------------------------------


def test_dots_stand_at_their_errors_and_crosses_are_misses():
    rows, dots = audit(), lines(plot_audit(audit()))
    for row in rows:
        for column in ("params", "ops"):
            figure, dot = getattr(row, column), dots[f"{column}.{row.name}"]
            expected = max(-EDGE, min(EDGE, 100 * figure.error))
            assert dot.get_xdata()[0] == pytest.approx(expected)
            assert dot.get_marker() == ("o" if figure.matches else "X")
    assert len(dots) == 24


def test_the_band_is_the_tolerance():
    figure = plot_audit(audit())
    for axes, column in zip(figure.axes, ("params", "ops"), strict=True):
        (band,) = [p for p in axes.patches if p.get_gid() == f"band.{column}"]
        assert (band.get_x(), band.get_width()) == pytest.approx((-0.5, 1.0))
    assert TOLERANCE == 0.005


def test_what_is_off_the_scale_says_how_far():
    said = words(plot_audit(audit()))
    assert said["−71%"] == 2
    assert said["−6.9%"] == 1
    assert said["whole millions"] == 2  # 4a's and the linear layer's work


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_the_table_marks_what_misses_and_counts_what_agrees(reading):
    rows = audit_under(reading)
    figure = draw_verdicts(rows, reading)
    count = sum(matches(rows))
    assert f"{count} of 24 printed figures agree" in words(figure)
    text = " ".join(words(figure))
    assert (DIFFERS in text, AGREES in text) == (count < 24, count > 0)
    marked = {p.get_gid() for p in figure.axes[0].patches if p.get_gid()}
    assert marked == {
        f"wrong.{column}.{row.name}"
        for row in rows
        for column in ("params", "ops")
        if not getattr(row, column).matches
    }
    assert_texts_fit(figure)


def test_the_table_shows_printed_and_computed():
    said = [" ".join(text.split()) for text in words(draw_verdicts(audit()))]
    assert "conv1 9.19 K 2.7 K −71% ✗" in said
    assert "73.61 M 73 M −0.8% ✓" in said
    assert "5a 1,018.00 K 1,072 K +5.3% ✗" in said


def test_texts_of_the_audit_fit():
    assert_texts_fit(plot_audit(audit()))


def test_errors_as_they_are_read():
    assert [signed(e) for e in (0.0571, -0.0074, -0.706, 0.0001, 0)] == [
        "+5.7%", "−0.7%", "−71%", "0.0%", "0.0%"
    ]  # fmt: skip


def test_audit_alt_texts():
    assert "Weights: 5 of 12 agree; crosses at conv1 −71%" in describe_audit(audit())
    reading = Reading(bias=True, thousand=1000, separable_conv1=True)
    text = describe_verdicts(audit_under(reading), reading)
    assert "biases counted, K = 1000" in text
    assert "conv1 separable, widths as printed" in text
    assert f"{sum(matches(audit_under(reading)))} of 24" in text


# ---- receptive fields ----------------------------------------------------------------------------


def some_rows(*fields):
    names = ("conv1", "maxpool1", "inception3a")
    return [Cost(n, "", (1, 1, 1), 0, 0, field, 1) for n, field in zip(names, fields, strict=True)]


def test_lines_are_the_fields_in_the_colour_of_their_kernel():
    costs = {"paper": some_rows(7, 11, 300), "torchvision": some_rows(7, 11, 43)}
    figure = plot_receptive_fields(costs, ("5x5", "3x3"))
    drawn = lines(figure)
    assert list(drawn["paper"].get_ydata()) == [7, 11, 300]
    assert list(drawn["torchvision"].get_ydata()) == [7, 11, 43]
    assert drawn["paper"].get_color() == BRANCH_COLOURS["5x5"]
    assert drawn["torchvision"].get_color() == BRANCH_COLOURS["3x3"]
    assert drawn["picture"].get_ydata()[0] == 224
    assert {"conv1", "pool1", "3a", "paper 300 pixels"} <= {*words(figure)}
    text = describe_receptive_fields(costs)
    assert (
        "paper from 7 behind conv1 to 300 behind inception3a, wider than the picture from" in text
    )
    assert "43 behind inception3a, wider than the picture from nowhere on" in text


def test_texts_of_receptive_fields_fit():
    rows = [cost for cost in table_costs() if cost.kind in ("conv", "maxpool", "inception")]
    assert_texts_fit(plot_receptive_fields({"paper": rows}, ("5x5",)))


# ---- two variants --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "size"),
    [("paper", "torchvision", 224), ("paper", "small", 224), ("small", "small", 32)],
)
def test_two_variants_show_choices_rows_and_sums(one, other, size):
    figure = draw_variants(one, other, size)
    said = words(figure)
    assert all(what in said for what in differences(one, other))
    text = " ".join(said)
    for name in (one, other):
        params, macs = total(variant_costs(name, size))
        assert f"{params:,}" in text
        assert f"{macs / 1e6:,.1f}" in text
    pairs = zip(variant_costs(one, size), variant_costs(other, size), strict=True)
    differ = {f"differs.{a.name}" for a, b in pairs if (a.params, a.macs) != (b.params, b.macs)}
    marked = {p.get_gid() for p in figure.axes[0].patches if p.get_gid()}
    assert marked - {"differs.total"} == differ
    assert_texts_fit(figure)


def test_variants_alt_text():
    text = describe_variants("paper", "torchvision")
    assert "maxpool4: 3x3 and 2x2" in text
    assert "paper 6,998,552 parameters and 1,582.7 M multiply-adds" in text
    assert "1 of 12 rows cost the same" in text
    assert "0 choices differ: none" in describe_variants("small", "small", 32)
