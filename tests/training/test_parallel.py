"""Groups of processes that cannot be: those that can are in tests/slow."""

import pytest
import torch

from googlenet_lib.errors import UsageError
from googlenet_lib.training.parallel import SET_BY_TORCHRUN, join_group


def test_processes_cannot_share_an_apple_gpu(monkeypatch):
    for name in SET_BY_TORCHRUN:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="cannot share an Apple GPU; add --device cpu"):
        join_group(torch.device("mps")).__enter__()
