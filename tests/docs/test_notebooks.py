"""The rules that every notebook keeps (nbval executes them; this reads them as committed)."""

import json
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
from course_map import estimate_minutes

from googlenet_lib.colab import make_set_up_cell

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]["Repository"]
LONGEST_CELL, MOST_BYTES = 25, 400_000


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def markdown(notebook):
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def tags(cell):
    return cell.metadata.get("tags", [])


def is_compared(cell):
    """Whether nbval holds the cell's output against the committed one."""
    return "nbval-ignore-output" not in tags(cell)


def test_is_a_valid_notebook(notebook):
    nbformat.validate(notebook)


def test_is_small_enough_to_be_read_on_a_phone(path, notebook):
    assert path.stat().st_size < MOST_BYTES
    for cell in code_cells(notebook):
        assert "guards" in tags(cell) or len(cell.source.splitlines()) <= LONGEST_CELL, cell.source


def test_was_executed_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_holds_no_error_and_no_warning(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", f"{cell.source}\nprinted {output.get('text')}"


def test_compares_no_version_of_a_library(notebook):
    for cell in code_cells(notebook):
        assert not is_compared(cell) or "__version__" not in cell.source, cell.source


def test_saves_no_widget_state(notebook):
    assert "widgets" not in notebook.metadata
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


def test_pictures_have_alt_text(notebook):
    assert not re.findall(r"!\[\s*\]\(", markdown(notebook))
    assert not re.findall(r"<img(?![^>]*\balt=)", markdown(notebook))
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                alt = output.metadata["image/png"]["alt"]
                assert len(alt.split()) >= 8, f"no more than {alt!r} describes:\n{cell.source}"


def test_hot_links_no_picture(notebook):
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", markdown(notebook))
    for picture in pictures:
        badge = picture.startswith("https://colab.research.google.com/assets/")
        assert badge or not picture.startswith("http"), picture
        assert badge or not picture.startswith(("../", "images/")), f"{picture} is lost in Colab"


def test_opens_with_its_badge_and_its_honest_minutes(path, notebook):
    opening = notebook.cells[0].source
    colab = REPOSITORY.replace("https://github.com/", "https://colab.research.google.com/github/")
    assert f"({colab}/blob/main/notebooks/{path.name})" in opening
    minutes, most = estimate_minutes(notebook), 30 if path.stem.startswith("00") else 60
    assert f"**Time** | {minutes} minutes" in opening
    assert minutes <= most or path.stem.startswith("deep_")


def test_set_up_cell_is_the_one_text(notebook):
    """What that text does is tested in test_colab.py."""
    assert code_cells(notebook)[0].source == make_set_up_cell(REPOSITORY)
    others = "\n".join(cell.source for cell in code_cells(notebook)[1:])
    assert not re.search(r"\b(pip|conda|uv) install\b", others)


def test_live_training_can_be_kept_on_drive(notebook):
    code = "\n".join(cell.source for cell in code_cells(notebook))
    if "RUN_FULL = False" in code:
        assert "device = preflight(live=" in code
        assert 'USE_DRIVE = False  # @param {type:"boolean"}' in code
        assert "runs_folder(use_drive=USE_DRIVE)" in code
        assert "resume=True" in code


def test_ends_with_links_to_its_neighbours_and_with_its_guards(notebook):
    *_, closing, guards = notebook.cells
    assert "**Next:**" in closing.source
    assert {"guards", "remove-cell"} <= set(tags(guards))
    assert guards.metadata["jupyter"]["source_hidden"]
    assert not guards.outputs, "guards are silent"


def test_what_waits_for_an_answer_shows_no_output(notebook):
    for cell in code_cells(notebook):
        if re.search(r"^(check|guess|summary)\(", cell.source, re.MULTILINE):
            assert {"remove-output", "nbval-ignore-output"} <= set(tags(cell)), cell.source
        if "remove-output" in tags(cell):
            assert not cell.outputs


def test_a_lesson_speaks_to_people(notebook):
    for cell in code_cells(notebook):
        assert "noqa" not in cell.source, cell.source


def test_linked_notebooks_exist(notebook):
    for target in re.findall(r"\]\((\w+\.ipynb)[)#]", markdown(notebook)):
        assert (ROOT / "notebooks" / target).is_file(), target


def test_is_plain_markdown(notebook):
    """MyST's directives would show as raw text in Colab."""
    assert not re.search(r"^(:::|```\{)", markdown(notebook), flags=re.MULTILINE)


def test_names_no_home_folder(path):
    text = json.dumps(json.loads(path.read_text(encoding="utf-8")))
    assert not re.search(r"/(home|Users|root|work)/\w", text)
