"""Weights out to a file and in again, torchvision's ImageNet weights, and what is refused."""

import copy
import json
import os
import pickle
import urllib.error
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import torchvision
from networks import enliven, error, pictures
from safetensors.torch import save_file
from torchvision.models import GoogLeNet_Weights

from googlenet_lib import VARIANTS, GoogLeNet, UsageError, googlenet
from googlenet_lib.weights import (
    WeightsInfo,
    imagenet_info,
    network_of,
    read_weights,
    weights_to_bytes,
)

CLASSES = ("ant", "bee", "cat", "dog", "elk")
INFO = WeightsInfo(
    variant="small",
    classes=CLASSES,
    mean=(0.1, 0.2, 0.3),
    std=(0.4, 0.5, 0.6),
    image_size=32,
    width=0.1,
    heads=True,
)


@pytest.fixture(scope="module")
def network():
    return enliven(GoogLeNet(VARIANTS["small"], len(CLASSES), width=0.1))


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "best.safetensors"
    path.write_bytes(weights_to_bytes(network.state_dict(), INFO))
    return path


def refusal(*args, **options):
    """The message of the error that `googlenet` answers with."""
    with pytest.raises(UsageError) as caught:
        googlenet(*args, **options)
    return str(caught.value)


def same_tensors(state, expected, but=()):
    assert set(state) == set(expected)
    for name, tensor in expected.items():
        assert name.startswith(but) or torch.equal(state[name], tensor), name


# ---- without weights -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", VARIANTS)
def test_network_by_name(name):
    network = googlenet(name, 7, width=0.1)
    assert network.variant is VARIANTS[name]
    assert network.num_classes == 7
    assert network.aux1 is not None
    assert network.aux2 is not None
    assert not network.transform_input


def test_defaults_are_the_papers():
    network = googlenet()
    assert network.variant is VARIANTS["paper"]
    assert (network.num_classes, network.width) == (1000, 1.0)
    assert network.aux1 is not None


def test_options_reach_the_network():
    network = googlenet("small", 3, heads=False, width=0.2, transform_input=True)
    assert network.aux1 is None
    assert network.aux2 is None
    assert network.width == 0.2
    assert network.transform_input


def test_unknown_variant_is_refused():
    message = refusal("resnet50")
    assert "'resnet50' is unknown" in message
    assert "paper, torchvision, classroom, small" in message


@pytest.mark.parametrize("classes", [0, "10", True])
def test_bad_class_counts_are_refused(classes, saved):
    assert "num_classes came as" in refusal("small", classes, width=0.1)
    assert "num_classes came as" in refusal("small", classes, weights=saved)


# ---- out and in again ----------------------------------------------------------------------------


def test_file_holds_tensors_and_info(saved, network):
    tensors, info = read_weights(saved)
    assert info == INFO
    same_tensors(tensors, network.state_dict())


@torch.no_grad()
@pytest.mark.parametrize("kind", [str, Path])
def test_network_comes_back(saved, network, kind):
    loaded = googlenet("small", weights=kind(saved))
    same_tensors(loaded.state_dict(), network.state_dict())
    assert (loaded.variant, loaded.width, loaded.num_classes) == (VARIANTS["small"], 0.1, 5)
    x = pictures(2, 32)
    assert torch.equal(loaded.eval()(x), network(x))


def test_changed_variant_comes_back(tmp_path):
    """An ablation's network, whose variant is not the one in the table any more."""
    variant = replace(VARIANTS["small"], dropout=0.5, stem_pools=(True, True), min_size=16)
    network = enliven(GoogLeNet(variant, 5, width=0.1, transform_input=True))
    info = replace(INFO, details=asdict(variant), transform_input=True)
    path = tmp_path / "best.safetensors"
    path.write_bytes(weights_to_bytes(network.state_dict(), info))
    assert read_weights(path)[1] == info
    loaded = googlenet("small", weights=path)
    assert loaded.variant == variant
    assert loaded.transform_input
    x = pictures(2, 32)
    assert torch.equal(loaded.eval()(x), network(x))
    assert network_of(info).variant == variant


def test_files_of_older_versions_still_load(tmp_path, network):
    """They say what was known then, of the file and of the variant, and no more."""
    state = {name: tensor for name, tensor in network.state_dict().items() if "aux" not in name}
    first = ("variant", "classes", "mean", "std", "image_size", "width", "heads")
    known = {name: value for name, value in asdict(INFO).items() if name in first}
    path = tmp_path / "old.safetensors"
    save_file(state, path, metadata={"googlenet": json.dumps({**known, "heads": False})})
    loaded = googlenet("small", weights=path)
    assert loaded.aux1 is None
    assert loaded.variant == VARIANTS["small"]
    assert not loaded.transform_input
    partly = replace(INFO, details={"name": "small", "dropout": 0.1})
    assert network_of(partly).variant == replace(VARIANTS["small"], dropout=0.1)


@torch.no_grad()
def test_half_precision_is_loaded_as_float32(tmp_path, network):
    state = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    path = tmp_path / "half.safetensors"
    path.write_bytes(weights_to_bytes(state, INFO))
    loaded = googlenet("small", weights=path).eval()
    assert all(parameter.dtype == torch.float32 for parameter in loaded.parameters())
    assert 0 < error(loaded(pictures(2, 32)), network(pictures(2, 32))) < 0.01


def test_any_memory_layout_can_be_saved(network):
    turned = copy.deepcopy(network).to(memory_format=torch.channels_last)
    expected = weights_to_bytes(network.state_dict(), INFO)
    assert weights_to_bytes(turned.state_dict(), INFO) == expected


# ---- loaded otherwise than saved -----------------------------------------------------------------


@torch.no_grad()
def test_heads_can_be_left_behind(saved, network):
    loaded = googlenet("small", weights=saved, heads=False).eval()
    assert loaded.aux1 is None
    assert loaded.aux2 is None
    assert torch.equal(loaded(pictures(2, 32)), network(pictures(2, 32)))
    assert googlenet("small", weights=saved, heads=True).aux1 is not None


def test_heads_that_a_file_lacks_are_refused(tmp_path, network):
    state = {name: tensor for name, tensor in network.state_dict().items() if "aux" not in name}
    path = tmp_path / "headless.safetensors"
    path.write_bytes(weights_to_bytes(state, replace(INFO, heads=False)))
    assert googlenet("small", weights=path).aux1 is None
    message = refusal("small", weights=path, heads=True)
    for part in (str(path), "no auxiliary heads", "heads=False"):
        assert part in message


def test_other_classes_replace_the_last_layers_alone(saved, network):
    loaded = googlenet("small", 9, weights=saved)
    assert loaded.num_classes == loaded.aux1.fc2.out_features == loaded.aux2.fc2.out_features == 9
    last = ("fc.", "aux1.fc2.", "aux2.fc2.")
    same_tensors(loaded.state_dict(), network.state_dict(), but=last)
    kept = googlenet("small", 5, weights=saved)
    same_tensors(kept.state_dict(), network.state_dict())


def test_other_variant_than_the_files_is_refused(saved):
    message = refusal("classroom", weights=saved)
    for part in (str(saved), "'small' network", "'classroom'", "googlenet('small'"):
        assert part in message


def test_width_and_normalisation_are_the_files_own(saved):
    assert googlenet("small", weights=saved, width=0.1).width == 0.1
    message = refusal("small", weights=saved, width=0.5)
    for part in ("width=0.5", "0.1", "leave both out"):
        assert part in message
    assert "transform_input=True" in refusal("small", weights=saved, transform_input=True)


# ---- files that are none -------------------------------------------------------------------------


def test_no_such_file(tmp_path):
    for path in (tmp_path / "best.safetensors", tmp_path):
        message = refusal("small", weights=path)
        assert f"{path} was not found; expected a safetensors file" in message


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_half_a_file(tmp_path, saved, share):
    content = saved.read_bytes()
    path = tmp_path / "best.safetensors"
    path.write_bytes(content[: int(share * len(content))])
    message = refusal("small", weights=path)
    for part in (str(path), "cannot be read as safetensors", "train wrote"):
        assert part in message


class Mischief:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_pickle_under_another_name_is_not_unpickled(tmp_path):
    path, trace = tmp_path / "best.safetensors", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Mischief(trace)))
    assert "cannot be read as safetensors" in refusal("small", weights=path)
    assert not trace.exists()
    torch.save({"fc.bias": torch.zeros(5)}, path)
    assert "cannot be read as safetensors" in refusal("small", weights=path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_tensors_from_elsewhere(tmp_path, network, metadata):
    path = tmp_path / "theirs.safetensors"
    save_file(network.state_dict(), path, metadata=metadata)
    message = refusal("small", weights=path)
    for part in (str(path), "does not say which variant", "load_state_dict"):
        assert part in message


# ---- torchvision's ImageNet weights, without the network -----------------------------------------


@pytest.fixture(scope="module")
def imagenet_state():
    """What a download would bring, but random."""
    network = torchvision.models.googlenet(weights=None, init_weights=False)
    return enliven(network).state_dict()


@pytest.fixture
def online(monkeypatch, imagenet_state):
    """The calls that would have gone to the network."""
    calls = []

    def get_state_dict(self, *args, **options):
        calls.append((self.name, options))
        return imagenet_state

    monkeypatch.setattr(GoogLeNet_Weights, "get_state_dict", get_state_dict)
    return calls


def test_imagenet_weights_make_torchvisions_network(online, imagenet_state):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = googlenet("torchvision", weights="imagenet")
    assert online == [("IMAGENET1K_V1", {"progress": True, "check_hash": True})]
    assert ours.transform_input
    assert ours.aux1 is None
    assert ours.aux2 is None
    assert ours.num_classes == 1000
    theirs = torchvision.models.googlenet(weights=GoogLeNet_Weights.IMAGENET1K_V1)
    same_tensors(ours.state_dict(), theirs.state_dict())
    x = pictures(2, 96)
    with torch.no_grad():
        assert error(ours.eval()(x), theirs.eval()(x)) < 1e-5


def test_heads_of_imagenet_weights_come_with_a_warning(online, imagenet_state):
    with pytest.warns(UserWarning, match="never trained") as caught:
        network = googlenet("torchvision", weights="imagenet", heads=True)
    assert [warning.filename for warning in caught] == [__file__]  # at the caller's line
    same_tensors(network.state_dict(), imagenet_state)


def test_imagenet_weights_fit_other_classes(online, imagenet_state):
    network = googlenet("torchvision", 10, weights="imagenet")
    assert network.num_classes == 10
    assert network.transform_input
    expected = {name: tensor for name, tensor in imagenet_state.items() if "aux" not in name}
    same_tensors(network.state_dict(), expected, but="fc.")


@pytest.mark.parametrize(("variant", "width"), [("paper", 1.0), ("torchvision", 0.5)])
def test_imagenet_weights_fit_nothing_else(online, variant, width):
    message = refusal(variant, weights="imagenet", width=width)
    for part in (repr(variant), f"width {width:g}", 'variant "torchvision" at width 1'):
        assert part in message
    assert not online  # refused before 50 MB are downloaded


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """An empty cache and no network; returns where torch looks for the file."""

    def urlopen(*args, **options):
        raise urllib.error.URLError("the cable is out")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", urlopen)
    return tmp_path / "hub" / "checkpoints" / Path(GoogLeNet_Weights.IMAGENET1K_V1.url).name


def test_offline_says_which_file_goes_where(offline, imagenet_state):
    message = refusal("torchvision", weights="imagenet")
    for part in ("the cable is out", GoogLeNet_Weights.IMAGENET1K_V1.url, f"{offline.parent}/"):
        assert part in message
    torch.save(imagenet_state, offline)  # and where it says, it works
    network = googlenet("torchvision", weights="imagenet", num_classes=10)
    assert torch.equal(network.conv1.conv.weight, imagenet_state["conv1.conv.weight"])


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", b"PK\x03\x04 half a file"])
def test_something_else_in_the_files_place(offline, content):
    offline.parent.mkdir(parents=True)
    offline.write_bytes(content)
    message = refusal("torchvision", weights="imagenet")
    for part in ("downloaded or read", GoogLeNet_Weights.IMAGENET1K_V1.url, str(offline.parent)):
        assert part in message


def test_imagenet_info_is_torchvisions():
    info = imagenet_info()
    weights = GoogLeNet_Weights.IMAGENET1K_V1
    preset = weights.transforms()
    assert list(info.classes) == weights.meta["categories"]
    assert (list(info.mean), list(info.std)) == (preset.mean, preset.std)
    assert [info.image_size] == preset.crop_size
    (resized,) = preset.resize_size
    assert info.border == (resized - info.image_size) / 2 / resized
    assert (info.variant, info.heads, info.transform_input) == ("torchvision", False, True)
