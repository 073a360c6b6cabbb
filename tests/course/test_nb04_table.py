"""Table 1 to click: it is whole, and each row's arithmetic adds up."""

import re
from html.parser import HTMLParser

from googlenet_lib.course.nb04.table import explain_row, table_1_html
from googlenet_lib.network.table1 import TABLE_1, table_costs, total


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


def test_rows_say_what_is_computed():
    for cost, shown in zip(table_costs(), Table().rows, strict=True):
        heading = shown["heading"].split()
        assert heading[1] == "×".join(map(str, (*cost.shape[1:], cost.shape[0])))
        assert heading[2:] == ([f"{cost.params:,}", f"{cost.macs:,}"] if cost.params else [])
    for count in total(table_costs()):
        assert f"{count:,}" in table_1_html()


def test_a_row_reads_what_the_row_above_gives():
    channels = 3
    for row, cost, shown in zip(TABLE_1, table_costs(), Table().rows, strict=True):
        for text in explain_row(row, cost, channels):
            assert text in shown["inside"], row.name
        channels = cost.shape[0]


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
