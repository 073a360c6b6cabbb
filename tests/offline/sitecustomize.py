"""Python imports this at its start, since conftest.py puts its folder first on PYTHONPATH."""

import runpy
import sys
from pathlib import Path

import block_network  # noqa: F401

# the sitecustomize.py that this one hides, if there is one
for folder in sys.path:
    hidden = Path(folder, "sitecustomize.py")
    if hidden.is_file() and not hidden.samefile(__file__):
        runpy.run_path(str(hidden))
        break
