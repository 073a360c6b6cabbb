"""The figures of notebook 00: lanes over a picture, the map of the course, Table 1 to click."""

import re
from html.parser import HTMLParser

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from test_figures import assert_texts_fit, colour, patch, words

from googlenet_lib.costs import audit, table_costs, total
from googlenet_lib.course import LESSONS
from googlenet_lib.figures import (
    BRANCH_COLOURS,
    LaneView,
    describe_course,
    describe_distances,
    describe_growth,
    describe_lane_view,
    draw_course,
    draw_growth,
    draw_lane_view,
    plot_distances,
    table_1_html,
)
from googlenet_lib.figures.table import AGREES, DIFFERS, explain_row
from googlenet_lib.lanes import Window
from googlenet_lib.paper import ROWS, TABLE_1
from googlenet_lib.predict import Prediction

WINDOWS = {
    lane: Window(field, 2) for lane, field in zip(BRANCH_COLOURS, (7, 11, 15, 11), strict=True)
}


def view(title="circle, radius 8", factor=1.0):
    draw = torch.Generator().manual_seed(0)
    return LaneView(
        title=title,
        image=torch.randint(0, 256, (3, 32, 32), generator=draw, dtype=torch.uint8),
        middle=(15.5, 15.5),
        windows=WINDOWS,
        maps={lane: factor * torch.rand(16, 16, generator=draw) for lane in BRANCH_COLOURS},
        guesses=[
            Prediction("circle", 0.75),
            Prediction("ring", 0.2),
            Prediction("hourglass", 0.05),
        ],
    )


# ---- lanes ---------------------------------------------------------------------------------------


def pictures_of(figure):
    return [image.get_array() for image in figure.axes[0].images]


def test_a_view_shows_the_picture_and_the_four_maps_as_they_are():
    shown = view()
    image, *maps = pictures_of(draw_lane_view(shown))
    assert torch.equal(torch.tensor(image), shown.image.permute(1, 2, 0))
    for drawn, given in zip(maps, shown.maps.values(), strict=True):
        assert torch.equal(torch.tensor(drawn), given)


def test_windows_are_drawn_to_scale_around_the_middle():
    figure = draw_lane_view(view())
    (left, right, bottom, top) = figure.axes[0].images[0].get_extent()
    pixel = (right - left) / 32
    for lane, window in WINDOWS.items():
        box = patch(figure, f"window.{lane}")
        assert box.get_width() == pytest.approx(window.field * pixel)
        assert box.get_x() + box.get_width() / 2 == pytest.approx(left + 15.5 * pixel)
        assert box.get_y() + box.get_height() / 2 == pytest.approx(min(top, bottom) + 15.5 * pixel)
        assert matplotlib.colors.to_hex(box.get_edgecolor()).upper() == BRANCH_COLOURS[lane]


def test_bars_of_the_guesses_are_as_long_as_their_probabilities():
    figure = draw_lane_view(view())
    lengths = [patch(figure, f"guess.{label}").get_width() for label in ("circle", "ring")]
    assert lengths[0] / lengths[1] == pytest.approx(0.75 / 0.2)
    assert {"circle", "75%", "hourglass", "5%"} <= set(words(figure))


def test_columns_of_growth_share_one_scale_per_lane():
    figure = draw_growth([view("radius 3", 0.5), view("radius 8", 2.0)])
    for image in figure.axes[0].images[2:]:  # two pictures, then the maps row by row
        assert image.get_clim()[1] == pytest.approx(2.0, rel=0.05)
    assert len(figure.axes[0].images) == 2 * 5


@pytest.mark.parametrize("count", [1, 5])
def test_texts_of_the_lanes_fit(count):
    assert_texts_fit(draw_lane_view(view()))
    assert_texts_fit(draw_growth([view(f"hourglass, radius {n}") for n in range(count)]))


def test_distances_are_the_lines_and_end_where_windows_are_filled():
    radii = [3.0, 5.0, 9.0, 14.0]
    distances = {lane: [4.0 - i, 1.0, 0.5, 0.0] for i, lane in enumerate(BRANCH_COLOURS)}
    full = {"1x1": 4.9, "3x3": 7.8, "5x5": 10.6, "pool": 7.8}
    figure = plot_distances(radii, distances, full)
    lines = {line.get_gid() or str(line): line for line in figure.axes[0].lines}
    for lane, values in distances.items():
        assert list(lines[lane].get_xdata()) == radii
        assert list(lines[lane].get_ydata()) == values
        assert lines[lane].get_color() == BRANCH_COLOURS[lane]
    others = [line for gid, line in lines.items() if gid not in BRANCH_COLOURS]
    dashed = {round(line.get_xdata()[0], 1) for line in others}
    assert dashed == {4.9, 7.8, 10.6}
    assert "3×3 and pool filled" in words(figure)
    assert_texts_fit(figure)
    assert "5x5 from 2.00 to 0.00" in describe_distances(radii, distances, full)


def test_lanes_alt_texts():
    text = describe_growth([view("radius 3"), view("radius 8")])
    assert "1x1 7 pixels, 3x3 11 pixels, 5x5 15 pixels, pool 11 pixels" in text
    assert "radius 8: circle 75%" in text
    assert "circle 75%, ring 20%" in describe_lane_view(view())


# ---- the course ----------------------------------------------------------------------------------


def test_the_map_shows_every_lesson_and_whether_it_is_there():
    figure = draw_course()
    shown = words(figure)
    for lesson in LESSONS:
        assert {lesson.number, lesson.title, lesson.question} <= set(shown)
        solid = patch(figure, lesson.name).get_linestyle() in ("-", "solid")
        assert solid == lesson.ready
    assert_texts_fit(figure)


def test_the_lessons_texts_stay_in_their_boxes():
    figure = draw_course()
    figure.canvas.draw()
    boxes = {lesson.number: patch(figure, lesson.name).get_window_extent() for lesson in LESSONS}
    for text in figure.axes[0].texts:
        if text.get_text().replace("\n", " ") in {
            s for x in LESSONS for s in (x.title, x.question)
        }:
            extent = text.get_window_extent()
            assert any(
                box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0
                and extent.y1 <= box.y1 for box in boxes.values()
            ), text.get_text()  # fmt: skip


def test_the_maps_alt_text():
    text = describe_course()
    assert "06 train on cifar10: Can I train it myself?" in text
    later = next(lesson for lesson in LESSONS if not lesson.ready)
    assert f"{later.number} {later.title} (in preparation): {later.question}" in text


def test_stages_have_colours_that_differ():
    figure = draw_course()
    ready = [lesson for lesson in LESSONS if lesson.ready]
    assert len({colour(figure, lesson.name) for lesson in ready}) == len({x.stage for x in ready})


# ---- Table 1 to click ----------------------------------------------------------------------------


class Table(HTMLParser):
    """Takes the table apart: the heading of each row, and what opens below it."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.where = [], [], None
        self.feed(table_1_html())

    def handle_starttag(self, tag, attributes):
        if tag != "br":
            self.open.append(tag)
        if tag == "details":
            self.rows.append({"heading": "", "inside": ""})

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "details" in self.open:
            self.rows[-1]["heading" if "summary" in self.open else "inside"] += data


def test_the_table_is_whole_and_well_formed():
    table = Table()
    assert table.open == []
    assert [row["heading"].split()[0] for row in table.rows] == [row.name for row in TABLE_1]
    assert all(row["inside"] for row in table.rows)


def test_rows_say_what_is_computed_and_what_is_printed():
    costs = {cost.name: cost for cost in table_costs()}
    audited = {found.name: found for found in audit()}
    for row, shown in zip(TABLE_1, Table().rows, strict=True):
        heading = shown["heading"].split()
        cost = costs[row.name]
        assert heading[1] == "×".join(map(str, (*cost.shape[1:], cost.shape[0])))
        if row.params is None:
            assert len(heading) == 2
            continue
        assert heading[2:4] == [f"{cost.params:,}", f"{cost.macs:,}"]
        marks = [AGREES if one.matches else DIFFERS for one in audited[row.name][1:]]
        assert heading[4:] == [row.params, marks[0], row.ops, marks[1]]
        assert f"The paper prints {row.params} weights and {row.ops}" in shown["inside"]
    params, macs = total(table_costs())
    assert f"{params:,}" in table_1_html()
    assert f"{macs:,}" in table_1_html()


def test_the_arithmetic_of_a_row_adds_up():
    """The products that a row shows are multiplied here once more."""
    channels = 3
    for row, cost in zip(TABLE_1, table_costs(), strict=True):
        text = "\n".join(explain_row(row, cost, channels))
        shown = re.findall(r"((?:\d+ · )+\d+) = ([\d,]+) weights", text)
        products = []
        for factors, weights in shown:
            product = 1
            for factor in factors.split(" · "):
                product *= int(factor)
            assert f"{product:,}" == weights
            products.append(product)
        assert sum(products) == cost.params
        channels = cost.shape[0]


def test_a_misprint_is_said_with_its_direction():
    conv1 = "\n".join(explain_row(ROWS["conv1"], table_costs()[0], 3))
    assert "2.7K is 70.6% too low, 34M is 71.2% too low" in conv1
    cost = next(cost for cost in table_costs() if cost.name == "inception5a")
    assert "54M is 5.7% too high" in "\n".join(explain_row(ROWS["inception5a"], cost, 832))
