"""Every test, and every process that one starts, sees no GPU, no CIFAR-10 and no network.

Notebook kernels inherit this, so that the outputs that they are compared with hold anywhere. It
lies here and not in tests/ so that it also holds when notebooks alone are tested.
"""

import os
import sys
import tempfile
from pathlib import Path

OFFLINE = Path(__file__).parent / "tests" / "offline"
NO_DATA = tempfile.TemporaryDirectory(prefix="googlenet-tests-")

# Before anything imports torch, which reads these once.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["GOOGLENET_DATA"] = NO_DATA.name
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])]
)
# Kernels choose their own backend, which shows figures in the notebook.
os.environ.pop("MPLBACKEND", None)
# Tests serve their own downloads, which a proxy would not find.
for name in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)

sys.path.append(str(OFFLINE))
import block_network  # noqa: E402, F401
import matplotlib  # noqa: E402
import pytest  # noqa: E402

matplotlib.use("Agg")
if "PYTEST_XDIST_WORKER" not in os.environ:
    # on a new machine the list of fonts is made first, or several kernels would, and say so
    import matplotlib.font_manager


def pytest_configure(config: pytest.Config) -> None:
    """Find the patterns of outputs from any folder that pytest is started in."""
    if getattr(config.option, "nbval_sanitize_with", "") is None:
        patterns = Path(__file__).parent / "tests" / "nbval_sanitize.cfg"
        config.option.nbval_sanitize_with = str(patterns)


@pytest.fixture(autouse=True)
def _close_figures():
    """No figure outlives its test. Few tests draw any: the others load nothing for it."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def _backend():
    """Agg draws again after a test that has loaded another backend."""
    yield
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    pyplot.ioff()
