"""Notebook 05's probe, its recorded grid, and the short trainings."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from googlenet_lib.course.nb05 import gradients
from googlenet_lib.course.nb05.gradients import (
    INITS,
    LAYERS,
    NORMS,
    SEEDS,
    Probe,
    gradient_products,
    probe,
    probes_of,
    recorded_probes,
)
from googlenet_lib.course.nb05.plateau import SEEDS as TRAINING_SEEDS
from googlenet_lib.course.nb05.plateau import (
    SETTINGS,
    STEPS,
    WINDOW,
    Training,
    means,
    narrow_network,
    recorded_trainings,
    train_narrow,
    trainings_of,
    wake_up,
)
from googlenet_lib.data import load
from googlenet_lib.errors import UsageError

# ---- the probe -----------------------------------------------------------------------------------


def test_products_are_those_of_the_three_gradients():
    torch.manual_seed(0)
    network = narrow_network("xavier").train()
    pictures, labels = torch.randn(2, 3, 32, 32), torch.tensor([1, 2])
    outputs = network(pictures)
    logits = (outputs.logits, outputs.aux_logits1, outputs.aux_logits2)
    losses = [F.cross_entropy(one, labels) for one in logits]
    found = Probe("xavier", "none", 0, (0, 0, 0), {}, gradient_products(network, losses))

    outputs = network(pictures)
    total = F.cross_entropy(outputs.logits, labels)
    total = total + 0.7 * F.cross_entropy(outputs.aux_logits1, labels)
    total = total + 0.2 * F.cross_entropy(outputs.aux_logits2, labels)
    total.backward()
    for name in LAYERS:
        convs = [m for m in network.get_submodule(name).modules() if isinstance(m, nn.Conv2d)]
        whole = torch.cat([conv.weight.grad.flatten() for conv in convs]).norm().item()
        assert found.length(name, 0.7, 0.2) == pytest.approx(whole, rel=1e-4), name
    assert found.rescue("inception5b", 5, 5) == 1
    assert found.products["inception4b"][3] == 0  # the head at 4a doesn't reach it
    assert found.products["inception4b"][5] > 0  # the head at 4d does
    with pytest.raises(UsageError, match=r"'fc' is unknown; use one of conv1"):
        found.length("fc")


@pytest.mark.parametrize(("init", "norm"), [("normal", "none"), ("he", "batch")])
def test_the_recorded_grid_is_what_the_probe_gives(init, norm):
    live, recorded = probe(init, norm, 0), probes_of(init, norm)[0]
    assert live.losses == pytest.approx(recorded.losses, rel=1e-2)
    for name in LAYERS:
        assert live.activations[name] == pytest.approx(recorded.activations[name], rel=5e-2)
        assert live.length(name) == pytest.approx(recorded.length(name), rel=5e-2)
        assert live.rescue(name) == pytest.approx(recorded.rescue(name), rel=5e-2)


def test_the_grid_is_whole():
    probes = recorded_probes()
    settings = [(init, norm, seed) for init in INITS for norm in NORMS for seed in SEEDS]
    assert [(one.init, one.norm, one.seed) for one in probes] == settings
    assert all(tuple(one.products) == LAYERS == tuple(one.activations) for one in probes)


def test_probes_are_rounded_and_kept(tmp_path, monkeypatch):
    live = probe("he", "batch", 7, width=1 / 16)
    monkeypatch.setattr(gradients, "probe", lambda *_: live)
    gradients.record(tmp_path / "grid.json")
    monkeypatch.setattr(gradients, "RECORDED", tmp_path / "grid.json")
    kept = recorded_probes.__wrapped__()
    assert len(kept) == len(INITS) * len(NORMS) * len(SEEDS)
    assert kept[0].length("conv1", 0.3, 1) == pytest.approx(live.length("conv1", 0.3, 1), rel=1e-4)
    assert kept[0].losses == pytest.approx(live.losses, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: probe("glorot"), "'glorot' is unknown; use xavier"),
        (lambda: probe("he", "layer"), "'layer' is unknown; use one of none, batch"),
        (lambda: probes_of("truncated_normal", "none"), "is not recorded; there are normal"),
        (lambda: narrow_network("glorot"), "'glorot' is unknown"),
        (lambda: train_narrow(None, steps=3), "steps=3 came; expected 10 or more"),
    ],
)
def test_what_there_is_not_is_refused(call, words):
    with pytest.raises(UsageError, match=words):
        call()


# ---- short trainings -----------------------------------------------------------------------------


def test_a_training_keeps_every_loss_and_can_be_had_again():
    digits = load("digits").train
    training = train_narrow(digits, steps=10)
    assert len(training.main) == len(training.aux1) == len(training.aux2) == 1
    kept = trainings_of("xavier", "none", 0.3)[0]
    for part in ("main", "aux1", "aux2"):
        assert getattr(training, part)[0] == pytest.approx(getattr(kept, part)[0], abs=0.01)
    without = train_narrow(digits, head_weight=0, steps=10)
    assert without.aux1 == without.aux2 == ()


def test_the_recorded_trainings_are_whole():
    trainings = recorded_trainings()
    assert [(one.init, one.norm, one.head_weight, one.seed) for one in trainings] == [
        (*setting, seed) for setting in SETTINGS for seed in TRAINING_SEEDS
    ]
    for one in trainings:
        assert len(one.main) == STEPS // WINDOW
        assert len(one.aux1) == len(one.aux2) == (STEPS // WINDOW if one.head_weight else 0)


def average(*losses):
    return Training("he", "none", 0.0, 0, losses, every=10)


def test_waking_up_is_for_good():
    low, high = math.log(10) - 0.2, math.log(10)
    assert wake_up(average(high, high, low, low)) == 30
    assert wake_up(average(high, low, high, low)) == 40
    assert wake_up(average(high, low, high)) is None
    assert wake_up(average(low)) == 10
    assert wake_up(average(low, math.nan)) is None
    assert means([1.0, 3.0, 5.0], 2) == (2.0,)
