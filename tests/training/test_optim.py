"""Optimisers and schedules against torch's own, and the moving average."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from trainings import network

from googlenet_lib import VARIANTS, GoogLeNet, UsageError, googlenet
from googlenet_lib.training.optim import (
    ITERATIONS,
    MovingAverage,
    Muon,
    make_optimiser,
    orthogonalise,
    ramp_decay,
    rate_factor,
)
from googlenet_lib.training.recipes import CLASSROOM, IMAGENET, PAPER, QUICK
from googlenet_lib.training.recipes import SCHEDULES as NAMES


def test_optimisers_are_those_of_the_recipe():
    model = network()
    adam = make_optimiser(model, replace(CLASSROOM, lr=0.02, weight_decay=0.1))
    assert type(adam) is torch.optim.Adam
    assert (adam.defaults["lr"], adam.defaults["weight_decay"]) == (0.02, 0.1)
    sgd = make_optimiser(model, replace(QUICK, momentum=0.8))
    assert type(sgd) is torch.optim.SGD
    assert (sgd.defaults["momentum"], sgd.defaults["nesterov"]) == (0.8, True)
    assert sgd.defaults["weight_decay"] == QUICK.weight_decay
    assert not make_optimiser(model, replace(QUICK, momentum=0.0)).defaults["nesterov"]
    for optimiser in (adam, sgd):
        assert len(optimiser.param_groups[0]["params"]) == len(list(model.parameters()))


@pytest.mark.parametrize("schedule", NAMES)
@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_schedules_of_any_form_stay_above_zero_and_up_to_one(schedule, warmup, steps):
    recipe = replace(QUICK, schedule=schedule, warmup=warmup, floor=0.1)
    assert all(0 < rate_factor(step, steps, recipe) <= 1 for step in range(steps))


def test_what_does_not_decay_stays_where_it_is_without_a_gradient():
    model = network()
    optimiser = make_optimiser(model, replace(QUICK, decay_norms=False, weight_decay=0.5))
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == (parameter.dim() <= 1)


# ---- schedules -----------------------------------------------------------------------------------


def test_triangle_rises_straight_to_one_and_falls_straight_to_nearly_zero():
    steps = 100
    factors = [rate_factor(step, steps, replace(QUICK, warmup=0.2)) for step in range(steps)]
    rising, falling = factors[:20], factors[20:]
    assert factors[0] == pytest.approx(1 / 20)
    assert max(factors) == 1.0
    assert factors.index(1.0) == 19
    assert all(b - a == pytest.approx(1 / 20) for a, b in pairwise(rising))
    assert all(a - b == pytest.approx(1 / 80) for a, b in pairwise(falling))
    assert factors[-1] == pytest.approx(1 / 80)
    assert rate_factor(steps, steps, QUICK) == 0


def rates_of_torch(scheduler, steps, **options):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = scheduler(optimiser, **options)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(("steps", "warmup"), [(100, 0.2), (100, 0.5), (60, 0.25), (200, 0.05)])
def test_one_cycle_is_that_of_torch(steps, warmup):
    recipe = replace(QUICK, schedule="one_cycle", warmup=warmup)
    expected = rates_of_torch(
        torch.optim.lr_scheduler.OneCycleLR, steps, max_lr=1.0, total_steps=steps, pct_start=warmup
    )
    assert [rate_factor(step, steps, recipe) for step in range(steps)] == pytest.approx(expected)


def test_restarts_are_those_of_torch():
    steps = 80
    expected = rates_of_torch(
        torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, steps, T_0=20, eta_min=5e-4
    )
    factors = [rate_factor(step, steps, IMAGENET) for step in range(steps)]
    assert factors == pytest.approx(expected)
    assert [step for step, factor in enumerate(factors) if factor == 1] == [0, 20, 40, 60]
    assert IMAGENET.lr * IMAGENET.floor == pytest.approx(5e-5)


def test_stairs_are_the_paper_s_4_percent_every_8_epochs():
    recipe = replace(PAPER, epochs=24)
    steps = 24 * 10
    factors = [rate_factor(step, steps, recipe) for step in range(steps)]
    assert factors == pytest.approx([1.0] * 80 + [0.96] * 80 + [0.96**2] * 80)


# ---- Muon ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(20, 60), (60, 20), (30, 30), (1, 9)])
def test_orthogonalised_keeps_directions_and_levels_their_strengths(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape) * torch.linspace(0.2, 5, shape[1])
    left, strengths, right = torch.linalg.svd(matrix, full_matrices=False)
    levelled = left.T @ orthogonalise(matrix) @ right.T
    off = levelled - torch.diag(levelled.diagonal())
    assert off.abs().max() < 1e-4, "other directions"
    large = strengths > strengths.max() / 5
    assert levelled.diagonal()[large].min() > 0.5
    assert levelled.diagonal().max() < 1.3


def test_muon_s_first_step_is_torch_s():
    torch.manual_seed(0)
    start = torch.randn(24, 24)
    start *= 24**0.5 / start.norm()  # the norm that ours brings it to
    gradient = torch.randn(24, 24)
    mine, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    mine.grad, theirs.grad = gradient.clone(), gradient.clone()
    Muon([{"params": [mine], "orthogonal": True}], lr=0.1, momentum=0.6, weight_decay=0).step()
    torch.optim.Muon([theirs], lr=0.1, momentum=0.6, weight_decay=0.0, ns_steps=ITERATIONS).step()
    # theirs rounds to bfloat16, and its first speed is a share of the gradient: the same direction
    torch.testing.assert_close(mine, theirs, atol=0.01, rtol=0)
    assert (mine - start).abs().max() > 0.05


def test_muon_brings_weights_to_a_norm_and_turns_them_by_the_rate():
    torch.manual_seed(0)
    weights = torch.nn.Parameter(100 * torch.randn(16, 4, 3, 3))
    weights = torch.nn.Parameter(weights.detach().to(memory_format=torch.channels_last))
    weights.grad = torch.randn(16, 4, 3, 3)
    normed = weights.detach() * 4 / weights.detach().norm()
    Muon([{"params": [weights], "orthogonal": True}], lr=0.1, momentum=0.5, weight_decay=9).step()
    step = normed - 0.1 * orthogonalise(weights.grad.flatten(1)).view(16, 4, 3, 3)
    torch.testing.assert_close(weights.detach(), step)


def test_muon_s_rest_is_torch_s_sgd():
    torch.manual_seed(0)
    start = torch.randn(7)
    mine, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    how = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    pair = [(mine, Muon([{"params": [mine]}], **how))]
    pair += [(theirs, torch.optim.SGD([theirs], nesterov=True, **how))]
    for _ in range(10):
        for weights, optimiser in pair:
            weights.grad = 2 * weights.detach() - 1
            optimiser.step()
    torch.testing.assert_close(mine, theirs)


def test_muon_takes_convolutions_with_batchnorm_and_the_rest_has_its_own_rate():
    model = network()
    recipe = replace(QUICK, optimiser="muon", lr=0.1, rest=0.3, decay_norms=False)
    turned, weights, others = make_optimiser(model, recipe).param_groups
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {names[id(p)].endswith("conv.weight") for p in turned["params"]} == {True}
    assert {p.dim() for p in turned["params"]} == {4}
    assert (turned["lr"], turned["orthogonal"]) == (0.1, True)
    assert weights["lr"] == others["lr"] == pytest.approx(0.03)
    assert not weights["orthogonal"]
    assert {p.dim() for p in weights["params"]} == {2}
    given = [id(p) for group in (turned, weights, others) for p in group["params"]]
    assert sorted(given) == sorted(names)
    heads = googlenet("classroom", 3, width=0.0625)  # whose heads have no BatchNorm
    turned = make_optimiser(heads, recipe).param_groups[0]["params"]
    assert not {id(p) for p in heads.aux1.parameters()} & {id(p) for p in turned}
    plain = GoogLeNet(replace(VARIANTS["small"], batch_norm=False, head_batch_norm=False))
    with pytest.raises(UsageError, match="optimiser=muon came for a network without BatchNorm"):
        make_optimiser(plain, recipe)


# ---- the average ---------------------------------------------------------------------------------


def test_moving_average_is_that_of_torch_to_the_bit_with_its_decay_ramped():
    assert [ramp_decay(0.5, n) for n in (1, 2, 100)] == [2 / 11, 3 / 12, 0.5]

    def update(averaged, current, count):
        get_ema_multi_avg_fn(ramp_decay(0.9, int(count)))(averaged, current, count)

    model = network()
    mine, theirs = MovingAverage(model, 0.9), AveragedModel(model, None, None, update, True)
    for _ in range(15):
        model(torch.randn(4, 3, 8, 8))  # which moves the statistics and counters of BatchNorms
        for parameter in model.parameters():
            parameter.data += torch.randn_like(parameter)
        mine.update_parameters(model)
        theirs.update_parameters(model)
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(tensor, mine.state_dict()[name]), name
