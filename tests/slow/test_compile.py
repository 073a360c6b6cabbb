"""torch.export, torch.compile and TorchScript take every variant whole, and change nothing."""

import copy
import warnings

import pytest
import torch
from networks import enliven, error, pictures
from torch import nn

from googlenet_lib import VARIANTS, GoogLeNet

SIZE = 40
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=VARIANTS)
def network(request):
    return enliven(GoogLeNet(VARIANTS[request.param], 10, width=0.25))


@pytest.fixture(autouse=True)
def forget_compiled_graphs():
    yield
    torch._dynamo.reset()


def compiled(network):
    """Traced and differentiated as for any backend; a graph break is an error."""
    return torch.compile(network, backend="aot_eager", fullgraph=True)


def trainable(name):
    """A network in training mode whose dropout leaves everything through."""
    network = enliven(GoogLeNet(VARIANTS[name], 10, width=0.1)).train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


@torch.no_grad()
def test_compiled_network_is_the_eager_one(network):
    x = pictures(2, SIZE)
    assert error(compiled(network)(x), network(x)) < TOLERANCE


@torch.no_grad()
def test_exported_network_is_the_eager_one(network):
    x = pictures(2, SIZE)
    program = torch.export.export(network, (x,))
    assert error(program.module()(x), network(x)) < TOLERANCE


@torch.no_grad()
def test_scripted_network_is_the_eager_one(network):
    x = pictures(2, SIZE)
    with warnings.catch_warnings():  # newer versions of torch call TorchScript deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        scripted = torch.jit.script(network)
    assert error(scripted(x).logits, network(x)) < TOLERANCE


def test_compiled_training_step_is_the_eager_one():
    eager = trainable("small")
    copied = copy.deepcopy(eager)
    x = pictures(4, 32)
    losses = []
    for forward in (eager, torch.compile(copied, backend="eager", fullgraph=True)):
        losses.append(sum(logits.square().mean() for logits in forward(x)))
        losses[-1].backward()
    torch.testing.assert_close(losses[1], losses[0])
    after = dict(eager.named_buffers())
    for name, tensor in copied.named_buffers():
        torch.testing.assert_close(tensor, after[name], rtol=1e-4, atol=1e-5, msg=name)
    for name, parameter in copied.named_parameters():
        expected = eager.get_parameter(name).grad
        assert (parameter.grad - expected).abs().max() <= 1e-3 * expected.abs().max(), name
