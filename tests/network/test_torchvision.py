"""The torchvision variant against torchvision's network: names, numbers, training and scripting."""

import io
import warnings
from contextlib import contextmanager

import pytest
import torch
import torchvision
from networks import enliven, error, parameters, pictures

from googlenet_lib import GoogLeNetOutput, googlenet

BATCH = {224: 2, 96: 2, 32: 4}  # BatchNorm over maps of one pixel wants a few pictures
TOLERANCE = 1e-5


def torchvision_net(heads, transform_input=False):
    return torchvision.models.googlenet(
        weights=None, init_weights=False, aux_logits=heads, transform_input=transform_input
    )


@pytest.fixture(scope="module")
def state():
    """The state dict of torchvision's network, random throughout."""
    return enliven(torchvision_net(heads=True)).state_dict()


@pytest.fixture(scope="module", params=[True, False], ids=["heads", "no heads"])
def heads(request):
    return request.param


@pytest.fixture(scope="module", params=[True, False], ids=["transform_input", "as it comes"])
def built(request, heads):
    return (
        torchvision_net(heads, request.param),
        googlenet("torchvision", heads=heads, transform_input=request.param),
    )


@pytest.fixture
def both(built, state):
    """torchvision's network and ours with the same state, in evaluation mode."""
    for network in built:
        own = {name: state[name] for name in network.state_dict()}
        network.load_state_dict(own, strict=True)
        network.eval()
    return built


@contextmanager
def no_deprecation():
    """Newer versions of torch call TorchScript deprecated; torchvision's network has it still."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


def script(network):
    with no_deprecation():
        return torch.jit.script(network)


def through_a_file(scripted):
    file = io.BytesIO()
    with no_deprecation():
        torch.jit.save(scripted, file)
        file.seek(0)
        return torch.jit.load(file)


def seeded(network, x):
    """The outputs, with the dropout of one and the same seed."""
    torch.manual_seed(1)
    return network(x)


def same_outputs(outputs, expected):
    for logits, wanted in zip(outputs, expected, strict=True):
        if wanted is None:
            assert logits is None
        else:
            assert error(logits, wanted) < TOLERANCE


def test_state_dict_fits_both_ways(both):
    theirs, ours = both
    ours.load_state_dict(theirs.state_dict(), strict=True)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())  # in their order, too
    assert parameters(ours) == parameters(theirs)
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name


@pytest.mark.parametrize("size", BATCH)
@torch.no_grad()
def test_evaluation_is_torchvisions(both, size):
    theirs, ours = both
    x = pictures(BATCH[size], size)
    logits = ours(x)
    assert type(logits) is torch.Tensor
    assert error(logits, theirs(x)) < TOLERANCE


@pytest.mark.parametrize("size", BATCH)
def test_training_step_is_torchvisions(both, heads, size):
    theirs, ours = both
    x = pictures(BATCH[size], size)
    results = []
    for network in both:
        network.train()
        outputs = seeded(network, x)
        if heads:
            results.append(outputs)
        else:  # there, torchvision returns a tensor
            results.append(outputs if network is ours else (outputs, None, None))
        loss = sum(logits.square().mean() for logits in results[-1] if logits is not None)
        optimiser = torch.optim.SGD(network.parameters(), lr=1e-3)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    expected, outputs = results
    assert isinstance(outputs, GoogLeNetOutput)
    same_outputs(outputs, expected)
    after = ours.state_dict()
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(after[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def test_outputs_have_torchvisions_names():
    assert GoogLeNetOutput._fields == torchvision.models.GoogLeNetOutputs._fields


def test_scripted_network_is_the_eager_one(heads):
    ours = enliven(googlenet("torchvision", heads=heads, transform_input=True, width=0.25))
    x = pictures(2, 64)
    scripted = script(ours)
    with torch.no_grad():
        same_outputs(scripted(x), (ours(x), None, None))  # the tuple, as torchvision's
        same_outputs(through_a_file(scripted)(x), (ours(x), None, None))
        before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
        outputs = seeded(scripted.train(), x)
        ours.load_state_dict(before)  # both hold the same tensors
        expected = seeded(ours.train(), x)
    assert (expected.aux_logits1 is not None) == heads
    same_outputs(outputs, expected)
