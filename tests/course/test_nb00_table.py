"""Table 1 to click: it is whole, and each row's arithmetic adds up."""

import re
from html.parser import HTMLParser

from googlenet_lib.course.nb00.table import AGREES, DIFFERS, explain_row, table_1_html
from googlenet_lib.network.table1 import ROWS, TABLE_1, audit, table_costs, total


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
