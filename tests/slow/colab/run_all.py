"""Run All, and then the set-up cell once more; prints what came of it as JSON.

    python run_all.py NOTEBOOK

imitate.py starts this with the Python of the imitated Colab, which the kernel then runs on.
"""

import json
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def text_of(cell) -> str:
    """What a cell printed."""
    return "".join(output.get("text", "") for output in cell.outputs)


def run_all(path: str) -> dict[str, object]:
    """Seconds, the error that stopped the run, and what set-up said the first and second time."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", store_widget_state=False)
    index = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    set_up = notebook.cells[index]
    found = {"error": "", "first": "", "second": ""}
    start = time.perf_counter()
    try:
        with client.setup_kernel():
            for i, cell in enumerate(notebook.cells):
                client.execute_cell(cell, i)
                if i == index:
                    found["first"] = text_of(set_up)
            found["seconds"] = time.perf_counter() - start
            client.execute_cell(set_up, index)
            found["second"] = text_of(set_up)
    except CellExecutionError as error:
        found["error"] = str(error)
        found["seconds"] = time.perf_counter() - start
    return found


if __name__ == "__main__":
    print(json.dumps(run_all(sys.argv[1])))
