"""Table 1 to click: a row opens and shows how its cost comes about.

HTML's own `details` element does the opening, so that the table works wherever it is shown: in
Jupyter, in Colab and in a page without a kernel.
"""

from functools import cache
from html import escape

from googlenet_lib.course.kit import style
from googlenet_lib.network.table1 import (
    TABLE_1,
    AuditRow,
    Comparison,
    Cost,
    Row,
    audit,
    row_convs,
    table_costs,
    total,
)

COLUMNS = (12, 14, 12, 16, 9, 9)  # characters
AGREES, DIFFERS = "✓", "✗"
SPACE = "\N{NO-BREAK SPACE}"


def table_1_html() -> str:
    """Table 1 of the paper, every row of it a line that opens to the arithmetic of its cost."""
    costs = table_costs()
    everything = total(costs)
    lines = [_line(("row", "output", "weights", "multiply-adds", "printed", "printed"))]
    in_channels = 3
    for row, cost in zip(TABLE_1, costs, strict=True):
        counted = (f"{cost.params:,}", f"{cost.macs:,}") if cost.params else ("", "")
        heading = _line((row.name, style.times(*cost.shape[::-1]), *counted, *_printed(row)))
        inside = "<br>".join(escape(text) for text in explain_row(row, cost, in_channels))
        inside += f"<br>{escape(_share(cost, everything))}" if cost.params else ""
        lines.append(
            f"<details><summary>{heading}</summary>"
            f'<div style="padding: 2px 0 8px 24px">{inside}</div></details>'
        )
        in_channels = cost.shape[0]
    total_line = _line(("total", "", f"{everything[0]:,}", f"{everything[1]:,}", "", ""))
    lines.append(f'<div style="padding-left: 14px">{total_line}</div>')
    lines[0] = f'<div style="padding-left: 14px"><b>{lines[0]}</b></div>'
    return "".join(lines)


def explain_row(row: Row, cost: Cost, in_channels: int) -> list[str]:
    """The arithmetic of one row as lines of text: each convolution, the sum, and the audit."""
    places = style.times(*cost.shape[1:])
    if row.kind == "linear":
        return [
            f"linear, {in_channels} → {row.channels}: {in_channels} · {row.channels} = "
            f"{cost.params:,} weights, each used once",
            _verdict(row),
        ]
    convs = row_convs(row, in_channels)
    if not convs:
        reason = {
            "maxpool": "the largest of a window is chosen, nothing is multiplied by a weight",
            "avgpool": "a mean has no weights; it spares a linear layer over the whole map",
            "dropout": "silences channels at random in training, and does nothing after it",
            "softmax": "turns scores into probabilities",
        }[row.kind]
        return [f"no weights: {reason}"]
    lines = []
    for conv in convs:
        weights = conv.in_channels * conv.out_channels * conv.kernel**2
        size = style.times(conv.kernel, conv.kernel)
        name = "" if conv.name == row.name else f"{conv.name}: "
        channels = f"{conv.in_channels} → {conv.out_channels} channels"
        product = f"{conv.kernel} · {conv.kernel} · {conv.in_channels} · {conv.out_channels}"
        lines.append(
            f"{name}{size}, {channels}: {product} = {weights:,} weights, "
            f"at {places} places = {weights * cost.shape[1] * cost.shape[2]:,}"
        )
    if len(convs) > 1:
        lines.append(f"together {cost.params:,} weights and {cost.macs:,} multiply-adds")
    return [*lines, _verdict(row)]


def _printed(row: Row) -> tuple[str, str]:
    """What the paper prints for weights and multiply-adds, each with its verdict."""
    if row.params is None or row.ops is None:
        return "", ""
    found = _audited(row)
    pairs = ((row.params, found.params), (row.ops, found.ops))
    marked = [f"{text} {AGREES if one.matches else DIFFERS}" for text, one in pairs]
    return marked[0], marked[1]


def _verdict(row: Row) -> str:
    """What the paper prints for a row, and whether it is what the row's own widths give."""
    found = _audited(row)

    def said(text: str, comparison: Comparison) -> str:
        if comparison.matches:
            return f"{text} agrees"
        return (
            f"{text} is {abs(comparison.error):.1%} too {'low' if comparison.error < 0 else 'high'}"
        )

    weights, work = said(str(row.params), found.params), said(str(row.ops), found.ops)
    return f"The paper prints {row.params} weights and {row.ops} multiply-adds: {weights}, {work}."


def _audited(row: Row) -> AuditRow:
    return _audit()[row.name]


@cache
def _audit() -> dict[str, AuditRow]:
    return {audited.name: audited for audited in audit()}


def _share(cost: Cost, everything: tuple[int, int]) -> str:
    return (
        f"{cost.params / everything[0]:.1%} of all weights, "
        f"{cost.macs / everything[1]:.1%} of all multiply-adds"
    )


def _line(cells: tuple[str, ...]) -> str:
    """Cells in columns of a fixed width: the first to the left, the others to the right."""
    padded = [
        cell.ljust(width, SPACE) if i == 0 else cell.rjust(width, SPACE)
        for i, (cell, width) in enumerate(zip(cells, COLUMNS, strict=True))
    ]
    return f"<code>{escape(''.join(padded))}</code>"
