"""`fit` given what people bring: networks of their own, names, checkpoints that are damaged."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from samples import tiny_data
from torch import nn
from trainings import Stopped, network, same_bits

from googlenet_lib import VARIANTS, GoogLeNet, UsageError
from googlenet_lib.network.fuse import fuse
from googlenet_lib.network.pretrained import load_network
from googlenet_lib.network.weights import read_weights
from googlenet_lib.training.checkpoint import BEST, HISTORY, LAST, load_checkpoint
from googlenet_lib.training.fit import fit
from googlenet_lib.training.recipes import CLASSROOM, FAST, IMAGENET

SHORT = replace(CLASSROOM, epochs=2, batch_size=8)
ONE = replace(SHORT, epochs=1)
DATA = tiny_data()


def train(model, recipe=SHORT, data=DATA, **how):
    return fit(model, data, recipe, **({"device": "cpu", "report": None} | how))


class WithMore(GoogLeNet):
    def __init__(self):
        super().__init__(VARIANTS["small"], 3, width=0.0625)
        self.module = nn.Linear(2, 2)  # as wrappers call what they hold


def changed(change, **how):
    def make():
        model = network(**how)
        change(model)
        return model

    return make


# ---- networks of one's own -----------------------------------------------------------------------


class Compiled(nn.Module):
    """What torch.compile puts around a network, without the seconds that it takes."""

    def __init__(self, model):
        super().__init__()
        self._orig_mod = model

    def forward(self, x):
        return self._orig_mod(x)


def compiled_part(model):
    model.inception3a = Compiled(model.inception3a)


def head_alone(model):
    model.requires_grad_(False)
    model.fc.requires_grad_(True)


@pytest.mark.parametrize(
    ("make", "recipe"),
    [
        (changed(lambda m: m.replace_classifier(3), classes=10), ONE),
        (lambda: Compiled(nn.DataParallel(network())), replace(ONE, average_decay=0.9)),
        (changed(compiled_part), ONE),
        (changed(head_alone), replace(FAST, epochs=1, batch_size=8, shrink=0)),
        (lambda: GoogLeNet(replace(VARIANTS["small"], name="mine"), 3, width=0.0625), ONE),
    ],
    ids=["classifier", "wrapped twice", "compiled part", "frozen muon", "variant"],
)
def test_network_that_is_trained_saved_resumed_and_loaded(tmp_path, make, recipe):
    model = make()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        result = train(model, recipe, out=tmp_path)
    names = {*network(heads=getattr(model, "aux1", True) is not None).state_dict()}
    tensors, _ = read_weights(tmp_path / BEST)
    assert set(tensors) == names
    loaded, _ = load_network(tmp_path)
    assert same_bits(loaded.state_dict(), tensors)
    again = make()
    assert train(again, recipe, out=tmp_path, resume=True) == result
    assert same_bits(again.state_dict(), model.state_dict())


def test_a_rate_of_numpy_is_resumed(tmp_path):
    recipe = replace(ONE, lr=np.float64(0.1))
    result = train(GoogLeNet(VARIANTS["small"], 3, width=np.float64(0.0625)), recipe, out=tmp_path)
    again = GoogLeNet(VARIANTS["small"], 3, width=0.0625)
    assert train(again, recipe, out=tmp_path, resume=True) == result
    assert load_network(tmp_path)[0].width == 0.0625


def test_resuming_needs_a_folder():
    with pytest.raises(UsageError, match="resume=True came without out"):
        train(network(), resume=True)


def test_shrink_fits_the_heads_too():
    paper = GoogLeNet(VARIANTS["paper"], 3, width=0.0625)
    data = tiny_data(size=224)
    with pytest.raises(UsageError, match="shrink=64 came: an auxiliary head got a map of 4x4"):
        fit(paper, data, replace(ONE, shrink=64), device="cpu")
    with pytest.raises(UsageError, match="shrink=9000 came for pictures of 224 pixels"):
        fit(paper, data, replace(ONE, shrink=9000), device="cpu")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (changed(lambda m: setattr(m, "fc", nn.Sequential(nn.Dropout(), m.fc))), "'fc.1.bias'"),
        (changed(lambda m: setattr(m, "aux1", None)), "'aux2.conv.bn.bias'"),
        (WithMore, "'module.bias'"),
        (lambda: fuse(network().eval()).requires_grad_(True), "'conv1.conv.bias'"),
    ],
    ids=["sequential", "aux1", "subclass", "fused"],
)
def test_network_that_was_changed_by_hand_trains_and_says_how_it_is_loaded(tmp_path, make, said):
    model = make()
    with pytest.warns(UserWarning, match="was changed by hand .* by load_state_dict") as caught:
        result = train(model, ONE, out=tmp_path)
    assert said in str(caught[0].message)
    assert caught[0].filename == __file__  # at the caller's line
    with pytest.raises(UsageError, match="that was changed by hand are loaded"):
        load_network(tmp_path)
    again = make()
    with pytest.warns(UserWarning, match="changed by hand"):
        assert train(again, ONE, out=tmp_path, resume=True) == result
    assert same_bits(again.state_dict(), model.state_dict())


def out_of_order(model):
    model.conv1.conv = nn.Conv2d(3, 7, 3, padding=1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: network(4), "tells 4 classes apart, but tiny has 3"),
        (changed(lambda m: setattr(m, "fc", nn.Linear(32, 3)), classes=10), "(model.aux2)"),
        (changed(lambda m: m.requires_grad_(False)), "every parameter of the network is frozen"),
        (lambda: fuse(network().eval()), "train first, then fuse"),
        (changed(lambda m: m.fc.half()), "float16; training keeps float32"),
        (changed(out_of_order), "cannot take the pictures of tiny"),
        (lambda: nn.Linear(3, 3), "model came as Linear; expected a GoogLeNet"),
        (lambda: None, "model came as NoneType"),
    ],
)
def test_network_that_cannot_be_trained_says_what_to_do(tmp_path, make, said):
    with pytest.raises(UsageError) as error:
        train(make(), out=tmp_path / "run")
    assert said in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_gradients_are_switched_on_for_training(around):
    expected = network()
    train(expected, ONE)
    model = network()
    with around():
        train(model, ONE, data=tiny_data())
        assert not torch.is_grad_enabled()
    assert same_bits(model.state_dict(), expected.state_dict())


def test_normalisation_that_a_network_does_not_expect_is_said():
    with pytest.warns(UserWarning, match="transform_input=True, which expects") as caught:
        train(network(transform_input=True), ONE)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        train(network(transform_input=True), replace(IMAGENET, epochs=1, batch_size=8))


# ---- other arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"data": "nowhere"}, "'nowhere' is neither a data set"),
        ({"data": (1, 2)}, "data came as tuple"),
        ({"recipe": "slow"}, "recipe 'slow' is unknown"),
        ({"recipe": {}}, "recipe came as dict"),
        ({"seed": 1.5}, "seed=1.5 came; expected a whole number from 0"),
        ({"seed": -1}, "seed=-1 came"),
        ({"seed": 2**32}, "seed=4294967296 came"),
        ({"seed": "0"}, "seed='0' came"),
    ],
)
def test_arguments_that_are_refused(how, said):
    with pytest.raises(UsageError) as error:
        train(network(), **how)
    assert said in str(error.value)


def test_nothing_to_resume_is_said_and_begun(tmp_path):
    said = []
    train(network(), ONE, out=str(tmp_path / "run"), resume=True, report=said.append)
    assert said[0] == f"{tmp_path / 'run'} holds no run to go on with; a new one starts there"
    assert (tmp_path / "run" / LAST).exists()


# ---- checkpoints that are damaged ----------------------------------------------------------------


def stop(line):
    raise Stopped


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was stopped after the first of its two epochs."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(Stopped):
        train(network(), out=folder, report=stop)
    return folder


def at(*path, put=None, remove=False):
    """Damage to a state: what lies at `path` becomes `put`, or is taken away."""

    def damage(state):
        for name in path[:-1]:
            state = state[name]
        if remove:
            del state[path[-1]]
        else:
            state[path[-1]] = put(state[path[-1]]) if callable(put) else put

    return damage


DAMAGES = {
    **{f"no {part}": at(part, remove=True) for part in ("model", "optimiser", "identity")},
    **{f"{part} is a text": at(part, put="x") for part in ("optimiser", "random", "identity")},
    "a new part": lambda state: state.update(novel=1),
    "best of another shape": at("best", "fc.weight", put=torch.zeros(1)),
    "best is NaN": at("best", "fc.weight", put=lambda t: t * math.nan),
    "best is empty": at("best", put={}),
    "model is of integers": at("model", "fc.bias", put=torch.zeros(3, dtype=torch.int64)),
    "no epochs": at("history", put=[]),
    "too many epochs": at("history", put=lambda h: h * 3),
    "an accuracy that is none": at("history", 0, "val_accuracy", put="high"),
    "other generators": at("order", put=torch.zeros(7, dtype=torch.uint8)),
    "generators of nobody": at("random", put=[]),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_checkpoint_is_refused_and_replaces_nothing(stopped, tmp_path, damage):
    """As an older version, which kept no checksum, or somebody else may have written it."""
    for name in (BEST, HISTORY):
        (tmp_path / name).write_bytes((stopped / name).read_bytes())
    state = load_checkpoint(stopped / LAST)
    damage(state)
    torch.save(state, tmp_path / LAST)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match=r"last\.pt .*is damaged, or not written by this library"):
        train(network(), out=tmp_path, resume=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def older(state):
    """What an older version wrote of a compiled network, on a machine with a GPU."""
    for part in ("model", "best"):
        state[part] = {f"_orig_mod.{name}": tensor for name, tensor in state[part].items()}
    del state["identity"]["recipe.clip"], state["identity"]["variant.reduction"]
    assert state["identity"].pop("recipe.alternate") is False  # a field that recipes no longer have
    state["random"][0]["cuda"] = []


def test_checkpoint_of_an_older_version_goes_on_to_the_same_bits(stopped, tmp_path):
    whole = network()
    train(whole)
    state = load_checkpoint(stopped / LAST)
    older(state)
    torch.save(state, tmp_path / LAST)
    (tmp_path / BEST).write_bytes(b"of the epoch before")
    resumed = network()
    train(resumed, out=tmp_path, resume=True)
    assert same_bits(resumed.state_dict(), whole.state_dict())
    assert set(read_weights(tmp_path / BEST)[0]) == set(whole.state_dict())
    state["identity"]["recipe.alternate"] = True
    torch.save(state, tmp_path / LAST)
    with pytest.raises(UsageError, match=r"another run, with recipe\.alternate=True; this one"):
        train(network(), out=tmp_path, resume=True)
