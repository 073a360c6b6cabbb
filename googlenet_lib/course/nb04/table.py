"""Table 1 to click: a row opens and shows the arithmetic of its cost.

HTML's own `details` element does the opening, so that the table works wherever it is shown: in
Jupyter, in Colab and in a page without a kernel.
"""

from html import escape

from googlenet_lib.course.kit import style
from googlenet_lib.network.table1 import TABLE_1, Cost, Row, row_convs, table_costs, total

COLUMNS = (12, 14, 12, 16)  # characters
SPACE = "\N{NO-BREAK SPACE}"
NO_WEIGHTS = {
    "maxpool": "it takes the largest value under its kernel and multiplies nothing",
    "avgpool": "a mean needs none, and the linear layer after it becomes 49 times smaller",
    "dropout": "in training it sets activations to zero at random; afterwards it does nothing",
    "softmax": "it turns scores into probabilities",
}


def table_1_html() -> str:
    """Return Table 1 as HTML: each row opens to the arithmetic of its weights and multiply-adds."""
    costs = table_costs()
    everything = total(costs)
    head, foot = (
        _line(texts)
        for texts in (
            ("row", "output", "weights", "multiply-adds"),
            ("total", "", f"{everything[0]:,}", f"{everything[1]:,}"),
        )
    )
    lines, in_channels = [_indented(f"<b>{head}</b>")], 3
    for row, cost in zip(TABLE_1, costs, strict=True):
        counted = (f"{cost.params:,}", f"{cost.macs:,}") if cost.params else ("", "")
        heading = _line((row.name, style.times(*cost.shape[::-1]), *counted))
        texts = explain_row(row, cost, in_channels)
        if cost.params:
            texts.append(
                f"{cost.params / everything[0]:.1%} of all weights, "
                f"{cost.macs / everything[1]:.1%} of all multiply-adds"
            )
        inside = "<br>".join(escape(text) for text in texts)
        lines.append(
            f"<details><summary>{heading}</summary>"
            f'<div style="padding: 2px 0 8px 24px">{inside}</div></details>'
        )
        in_channels = cost.shape[0]
    return "".join([*lines, _indented(foot)])


def explain_row(row: Row, cost: Cost, in_channels: int) -> list[str]:
    """Return the arithmetic of one row as lines of text: each convolution, then the sum."""
    if row.kind == "linear":
        product = f"{in_channels} · {row.channels} = {cost.params:,} weights"
        return [f"linear, {in_channels} → {row.channels}: {product}, each used once"]
    convs = row_convs(row, in_channels)
    if not convs:
        return [f"no weights: {NO_WEIGHTS[row.kind]}"]
    lines = []
    for conv in convs:
        weights = conv.in_channels * conv.out_channels * conv.kernel**2
        name = "" if conv.name == row.name else f"{conv.name}: "
        channels = f"{conv.in_channels} → {conv.out_channels} channels"
        product = f"{conv.kernel} · {conv.kernel} · {conv.in_channels} · {conv.out_channels}"
        lines.append(
            f"{name}{style.times(conv.kernel, conv.kernel)}, {channels}: "
            f"{product} = {weights:,} weights, at {style.times(*cost.shape[1:])} positions = "
            f"{weights * cost.shape[1] * cost.shape[2]:,}"
        )
    if len(convs) > 1:
        lines.append(f"together {cost.params:,} weights and {cost.macs:,} multiply-adds")
    return lines


def _line(cells: tuple[str, ...]) -> str:
    """Return cells in columns of a fixed width: the first to the left, the others to the right."""
    padded = [
        cell.ljust(width, SPACE) if i == 0 else cell.rjust(width, SPACE)
        for i, (cell, width) in enumerate(zip(cells, COLUMNS, strict=True))
    ]
    return f"<code>{escape(''.join(padded))}</code>"


def _indented(line: str) -> str:
    return f'<div style="padding-left: 14px">{line}</div>'
