"""What the library's page says of the variants is what they are."""

import re
from pathlib import Path

import pytest

from googlenet_lib import googlenet
from googlenet_lib.course.kit.photographs import load_photographs
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import total
from googlenet_lib.network.variants import VARIANTS

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", PAGE, flags=re.MULTILINE))


def test_every_variant_has_a_row():
    assert [*ROWS] == [*VARIANTS]


@pytest.mark.parametrize("variant", VARIANTS)
def test_costs_of_the_variants(variant):
    row = ROWS[variant].split(" | ")
    size = int(row[3].split("x")[0])
    classes = 1000 if size == 224 else 10
    network = googlenet(variant, classes, heads=False).eval()
    parameters, macs = total(model_costs(network, (3, size, size)))
    heads = sum(p.numel() for p in googlenet(variant, classes).parameters())
    assert row[:3] == [f"{parameters:,}", f"{heads:,}", f"{macs / 1e6:,.1f} M"]


def test_the_code_runs(tmp_path, monkeypatch, capsys):
    """The lines that download torchvision's weights excepted."""
    monkeypatch.chdir(tmp_path)
    next(iter(load_photographs())).save("picture.jpg")
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        exec("\n".join(line for line in block.splitlines() if "imagenet" not in line), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert re.fullmatch(r"\d+\.\d% \w+", lines[0])
