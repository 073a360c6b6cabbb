"""Parts of a page that a program writes: between `<!-- name -->` and `<!-- /name -->`."""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path

ROOT = Path(__file__).parents[2]


def refresh(text: str, blocks: Mapping[str, str]) -> str:
    """Return `text` with each of its blocks as `blocks` has it now."""
    for name, new in blocks.items():
        marks = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(marks, lambda m, new=new: f"{m[1]}{new}\n{m[2]}", text, flags=re.DOTALL)
    return text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)


def drawing(name: str, folder: str = "../images/") -> str:
    """Return the line that shows a drawing of images/, with its own description."""
    svg = (ROOT / "images" / name).read_text(encoding="utf-8")
    description = unescape(re.search(r'aria-label="(.*?)"', svg, re.DOTALL)[1])
    return f"![{description}]({folder}{name})"
