"""Execute notebooks and save their outputs as they are to be committed.

    python tests/run_notebooks.py notebooks/06_train_on_cifar10.ipynb

Runs as the tests do: without a GPU, without CIFAR-10 and without a network, so that what is
committed is what nbval will see again. Views of widgets are left out: they are dead in a file. So
are outputs of cells that wait for a reader's answer (tag "remove-output").
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.append(str(Path(__file__).parents[1]))
import conftest  # noqa: F401 (hides GPU, CIFAR-10 and network from the kernels)

WIDGET = "application/vnd.jupyter.widget-view+json"


def run(path: Path) -> float:
    """Execute one notebook in place; the seconds that it took."""
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute()
    seconds = time.perf_counter() - start
    for cell in notebook.cells:
        if cell.cell_type == "code":
            waits = "remove-output" in cell.metadata.get("tags", [])
            kept = [] if waits else cell.outputs
            cell.outputs = [o for o in kept if WIDGET not in o.get("data", {})]
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)
    return seconds


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {run(Path(name)):.1f} s")
