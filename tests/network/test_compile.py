"""torch.compile and torch.export take the network whole; every variant, in tests/slow.

TorchScript takes it in test_torchvision.py.
"""

import pytest
import torch
from networks import enliven, error, pictures

from googlenet_lib import VARIANTS, GoogLeNet, UsageError, fuse

SIZE = 40
TOLERANCE = 1e-5


@pytest.fixture(autouse=True)
def forget_compiled_graphs():
    yield
    torch._dynamo.reset()


@torch.no_grad()
def test_exported_network_takes_any_number_of_pictures():
    network = enliven(GoogLeNet(VARIANTS["small"], 10, width=0.1))
    count = torch.export.Dim("count")
    program = torch.export.export(network, (pictures(2, SIZE),), dynamic_shapes=({0: count},))
    x = pictures(5, SIZE)
    assert error(program.module()(x), network(x)) < TOLERANCE


@torch.no_grad()
def test_papers_heads_compile_without_a_break():
    network = enliven(GoogLeNet(VARIANTS["paper"], 10, width=0.1)).train()
    for dropout in (network.dropout, network.aux1.dropout, network.aux2.dropout):
        dropout.p = 0.0
    x = pictures(2, 224)
    outputs = torch.compile(network, backend="eager", fullgraph=True)(x)
    for logits, wanted in zip(outputs, network(x), strict=True):
        assert error(logits, wanted) < TOLERANCE


@torch.no_grad()
def test_folded_network_compiles_too():
    network = fuse(enliven(GoogLeNet(VARIANTS["small"], 10, width=0.1)))
    x = pictures(2, SIZE)
    outputs = torch.compile(network, backend="eager", fullgraph=True)(x)
    assert error(outputs, network(x)) < TOLERANCE


@torch.no_grad()
def test_compiled_network_refuses_what_the_eager_one_does():
    network = enliven(GoogLeNet(VARIANTS["small"], 10, width=0.1))
    with pytest.raises(UsageError, match=r"add the batch: x\[None\]"):
        torch.compile(network, backend="eager")(pictures(2, SIZE)[0])
