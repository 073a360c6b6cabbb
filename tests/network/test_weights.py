"""Weights out to a file and in again, torchvision's ImageNet weights, and what is refused."""

import copy
import hashlib
import io
import json
import math
import os
import pickle
import random
import shutil
import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import pooch
import pytest
import torch
import torchvision
from networks import enliven, error, pictures
from safetensors import safe_open
from safetensors.torch import save, save_file
from torchvision.models import GoogLeNet_Weights

from googlenet_lib import VARIANTS, GoogLeNet, UsageError, googlenet
from googlenet_lib.network import pretrained
from googlenet_lib.network.pretrained import imagenet_info
from googlenet_lib.network.weights import WeightsInfo, network_of, read_weights, weights_to_bytes

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


def test_defaults_are_the_papers():
    network = googlenet()
    assert network.variant is VARIANTS["paper"]
    assert (network.num_classes, network.width) == (1000, 1.0)
    assert network.aux1 is not None


def test_unknown_variant_is_refused():
    message = refusal("resnet50")
    assert "'resnet50' is unknown" in message
    assert "paper, torchvision, classroom, small" in message


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


def test_network_comes_back_after_a_default_device_was_reset(saved):
    torch.set_default_device("cpu")
    torch.set_default_device(None)
    assert next(googlenet("small", weights=saved).parameters()).device.type == "cpu"


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
def test_heads_can_be_left_after(saved, network):
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
    for given in (tmp_path / "best.safetensors", tmp_path):  # a run's folder holds such a file
        message = refusal("small", weights=given)
        assert (
            f"{tmp_path / 'best.safetensors'} was not found; expected a safetensors file" in message
        )


@pytest.mark.parametrize("share", [0.0, 0.5])
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


def described(path):
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["googlenet"])


def rewritten(path, says=None, tensors=None):
    """The content of a file that an older version wrote, without a checksum, or somebody else."""
    state, _ = read_weights(path)
    said = {name: value for name, value in described(path).items() if name != "sha256"}
    text = says if isinstance(says, str) else json.dumps({**said, **(says or {})})
    return save({**state, **(tensors or {})}, metadata={"googlenet": text})


def detail(**fields):
    return {"details": {**asdict(VARIANTS["small"]), **fields}}


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("{", ""),
        ("[]", "a description was expected"),
        ("[" * 100_000, "nested too deeply"),
        ({"novel": 1}, "'novel', which this version does not know; a newer googlenet_lib may"),
        ({"classes": []}, "classes=()"),
        ({"classes": ["a"] * 6}, "'aux1.fc2.weight' is"),
        ({"classes": [str(n) for n in range(100_000)]}, "'aux1.fc2.weight' is"),
        ({"classes": "abcde"}, "classes='abcde'"),
        ({"mean": [0.1, 0.2]}, "mean="),
        ({"mean": [0.1, 0.2, 1e300]}, "mean="),
        ({"std": [1, 1, "1"]}, "std='1'"),
        ({"image_size": 0}, "image_size=0"),
        ({"image_size": 4}, "at least 8x8"),
        ({"image_size": 10**9}, "image_size=1000000000"),
        ({"image_size": 32.5}, "image_size=32.5"),
        ({"border": 0.5}, "border=0.5"),
        ({"width": 4}, "of shape"),
        ({"width": 40}, "at most 8 times"),
        ({"width": 1e6}, ""),
        ({"width": None}, "width=None"),
        ({"heads": False}, "'aux1.conv.bn.bias'"),
        ({"heads": "yes"}, "heads='yes'"),
        ({"variant": "huge"}, "'huge' is unknown"),
        ({"variant": "paper"}, "'aux1.conv.bn.bias'"),
        ({"variant": "\x1b[2J"}, "is unknown"),
        ({"transform_input": 1}, "transform_input=1"),
        ({"split": {}}, "no field 'data'"),
        ({"details": {"novel": 1}}, "'novel'"),
        (detail(name="paper"), "'small' came with the details of 'paper'"),
        (detail(init="magic"), "'magic' is unknown"),
        (detail(dropout="0.5"), "dropout='0.5'"),
        (detail(stem_kernel=5), "conv1.conv.weight"),
        (detail(reduction=-1.0), ""),
    ],
    ids=lambda value: str(value)[:30],
)
def test_description_that_is_untrue(saved, tmp_path, says, reason):
    path = tmp_path / "best.safetensors"
    path.write_bytes(rewritten(saved, says))
    message = refusal("small", weights=path)
    for part in (str(path), "is damaged, or not written by this library: ", "train anew"):
        assert part in message
    assert reason in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("name", "bad"), [("fc.weight", math.nan), ("conv1.bn.running_var", math.inf)]
)
def test_weights_that_are_no_numbers(saved, tmp_path, name, bad):
    tensor = read_weights(saved)[0][name].clone()
    tensor.view(-1)[-1] = bad
    path = tmp_path / "best.safetensors"
    path.write_bytes(rewritten(saved, tensors={name: tensor}))
    assert f"not written by this library: '{name}' holds values that are no finite" in refusal(
        "small", weights=path
    )


@pytest.mark.parametrize(
    "damage",
    [
        {"fc.weight": torch.zeros(5, 49)},
        {"fc.bias": torch.zeros(5, dtype=torch.int64)},
        {"fc.bias": torch.zeros(5).to(torch.float8_e4m3fn)},
        {"conv1.bn.num_batches_tracked": torch.tensor(1.0)},
        {"fc.biar": torch.zeros(5)},
    ],
)
def test_tensors_that_do_not_fit(saved, tmp_path, damage):
    path = tmp_path / "best.safetensors"
    path.write_bytes(rewritten(saved, tensors=damage))
    message = refusal("small", weights=path)
    assert "is damaged, or not written by this library: " in message
    assert next(iter(damage)) in message


@pytest.mark.skipif(sys.platform != "linux", reason="others do not say how much is in use")
def test_a_file_claims_no_memory_that_it_does_not_fill(saved, tmp_path):
    import resource

    path = tmp_path / "best.safetensors"
    path.write_bytes(rewritten(saved, {"width": 8}))  # a network of 1.6 GB
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    room = pages * resource.getpagesize() + 500_000_000
    resource.setrlimit(resource.RLIMIT_AS, (room, hard))
    try:
        assert "not written by this library" in refusal("small", weights=path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_every_flipped_bit_is_noticed(saved, tmp_path):
    whole, draw = saved.read_bytes(), random.Random(0)
    path = tmp_path / "best.safetensors"
    head = 8 + int.from_bytes(whole[:8], "little")
    for end in [head] * 20 + [len(whole)] * 20:
        content = bytearray(whole)
        content[draw.randrange(end)] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"best\.safetensors "):
            read_weights(path)


@pytest.mark.parametrize("name", ["module.", "_orig_mod.module."])
def test_names_of_wrapped_networks_are_the_networks_own(network, saved, tmp_path, name):
    wrapped = {f"{name}{tensor}": value for tensor, value in network.state_dict().items()}
    path = tmp_path / "best.safetensors"
    path.write_bytes(weights_to_bytes(wrapped, INFO))
    assert path.read_bytes() == saved.read_bytes()
    path.write_bytes(save(wrapped, metadata={"googlenet": json.dumps(asdict(INFO))}))  # of others
    same_tensors(googlenet("small", weights=path).state_dict(), network.state_dict())
    fresh = googlenet("small", 5, width=0.1)
    fresh.load_state_dict(wrapped)
    same_tensors(fresh.state_dict(), network.state_dict())


def test_network_that_was_changed_by_hand_says_how_to_load_it(tmp_path, network):
    changed = copy.deepcopy(network)
    changed.fc = torch.nn.Sequential(changed.fc)
    path = tmp_path / "best.safetensors"
    path.write_bytes(weights_to_bytes(changed.state_dict(), INFO))
    message = refusal("small", weights=path)
    for part in ("changed by hand", "'fc.0.bias', 'fc.0.weight'", "load_state_dict"):
        assert part in message


def test_files_that_many_give_instead_are_named(tmp_path, network, saved):
    other = tmp_path / "other.pth"
    for zipped in (True, False):
        torch.save(network.state_dict(), other, _use_new_zipfile_serialization=zipped)
        message = refusal("small", weights=other)
        assert "a file of torch.save, such as last.pt; build its network" in message
    shutil.copy(saved, tmp_path)
    assert f"give {tmp_path / 'best.safetensors'}" in refusal("small", weights=other)
    other.write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    assert "run git lfs pull" in refusal("small", weights=other)


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


@pytest.fixture(scope="module")
def imagenet_content(imagenet_state):
    buffer = io.BytesIO()
    torch.save(imagenet_state, buffer)
    return buffer.getvalue()


@pytest.fixture
def online(monkeypatch, tmp_path, imagenet_content):
    """An empty cache; the calls that would have gone to the network."""
    calls = []

    def download(self, url, path, pooch):
        calls.append(url)
        Path(path).write_bytes(imagenet_content)

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    known = hashlib.sha256(imagenet_content).hexdigest()
    monkeypatch.setattr(pretrained, "IMAGENET_SHA256", known)
    return calls


def test_sum_of_the_imagenet_weights_is_the_one_in_their_name():
    assert f"-{pretrained.IMAGENET_SHA256[:8]}.pth" in GoogLeNet_Weights.IMAGENET1K_V1.url


def test_imagenet_weights_make_torchvisions_network(online, imagenet_state):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = googlenet("torchvision", weights="imagenet")
    assert online == [GoogLeNet_Weights.IMAGENET1K_V1.url]
    assert ours.transform_input
    assert ours.aux1 is None
    assert ours.aux2 is None
    assert ours.num_classes == 1000
    theirs = torchvision.models.googlenet(weights=None, init_weights=False, transform_input=True)
    theirs.load_state_dict(imagenet_state)
    theirs.aux1 = theirs.aux2 = None
    same_tensors(ours.state_dict(), theirs.state_dict())
    x = pictures(2, 96)
    with torch.no_grad():
        assert error(ours.eval()(x), theirs.eval()(x)) < 1e-5


def test_options_of_imagenet_weights(online, imagenet_state):
    with pytest.warns(UserWarning, match="never trained") as caught:
        network = googlenet("torchvision", weights="imagenet", heads=True)
    assert [warning.filename for warning in caught] == [__file__]  # at the caller's line
    same_tensors(network.state_dict(), imagenet_state)
    network = googlenet("torchvision", 10, weights="imagenet")
    assert len(online) == 1  # the second comes from the cache
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

    def get(*args, **options):
        raise ConnectionError("the cable is out")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("requests.get", get)
    return tmp_path / "hub" / "checkpoints" / Path(GoogLeNet_Weights.IMAGENET1K_V1.url).name


def test_offline_says_which_file_goes_where(offline, monkeypatch, imagenet_content):
    message = refusal("torchvision", weights="imagenet")
    for part in ("the cable is out", GoogLeNet_Weights.IMAGENET1K_V1.url, f"{offline.parent}/"):
        assert part in message
    offline.write_bytes(imagenet_content)  # and where it says, it works
    known = hashlib.sha256(imagenet_content).hexdigest()
    monkeypatch.setattr(pretrained, "IMAGENET_SHA256", known)
    assert googlenet("torchvision", weights="imagenet", num_classes=10).num_classes == 10


@pytest.mark.parametrize("kind", ["page", "half", "pickle", "torch.save", "legacy", "folder"])
def test_other_file_in_the_place_of_imagenet_weights_is_not_opened(offline, kind, tmp_path):
    offline.parent.mkdir(parents=True)
    mischief = Mischief(tmp_path / "trace")
    if kind == "folder":
        offline.mkdir()
    elif kind in ("torch.save", "legacy"):
        torch.save(mischief, offline, _use_new_zipfile_serialization=kind != "legacy")
    else:
        contents = {"page": b"<html>Please log in</html>", "half": b"PK\x03\x04 half a file"}
        offline.write_bytes(contents.get(kind, pickle.dumps(mischief)))
    message = refusal("torchvision", weights="imagenet")
    for part in ("downloaded or read", GoogLeNet_Weights.IMAGENET1K_V1.url, str(offline.parent)):
        assert part in message
    assert not (tmp_path / "trace").exists()


def test_even_the_expected_file_could_run_nothing(offline, monkeypatch, tmp_path):
    offline.parent.mkdir(parents=True)
    torch.save(Mischief(tmp_path / "trace"), offline)
    known = hashlib.sha256(offline.read_bytes()).hexdigest()
    monkeypatch.setattr(pretrained, "IMAGENET_SHA256", known)
    with pytest.raises(pickle.UnpicklingError):
        googlenet("torchvision", weights="imagenet")
    assert not (tmp_path / "trace").exists()


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
