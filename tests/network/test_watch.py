"""What passes through a network's parts is kept, and no hook stays behind."""

import pytest
import torch
from torch import nn

from googlenet_lib.network.watch import watch


def test_every_part_leaves_what_it_is_asked_for():
    network = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    vectors = torch.randn(5, 3)
    parts = {"last": network[1], "first": network[0]}
    with watch(parts) as outputs, watch(parts, keep=lambda given, _output: given) as inputs:
        result = network(vectors)
    assert list(outputs) == list(inputs) == ["first", "last"]  # as they ran
    assert inputs["first"] is vectors
    assert inputs["last"] is outputs["first"]
    assert outputs["last"] is result


def test_no_hook_stays_after_a_network_that_fails():
    layer = nn.Linear(3, 2)
    with pytest.raises(RuntimeError), watch({"layer": layer}):
        layer(torch.randn(5, 4))
    assert not layer._forward_hooks
