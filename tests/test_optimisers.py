"""Optimisers and schedules against torch's own, and the moving average by hand."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from googlenet_lib import googlenet
from googlenet_lib.optimisers import (
    SCHEDULES,
    make_optimiser,
    moving_average,
    parameter_groups,
    rate_factor,
)
from googlenet_lib.recipes import CLASSROOM, IMAGENET, PAPER, QUICK
from googlenet_lib.recipes import SCHEDULES as NAMES


def network():
    torch.manual_seed(0)
    return googlenet("small", 3, width=0.0625)


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


def test_weights_alone_decay_where_norms_do_not():
    model = network()
    (everything,) = parameter_groups(model, QUICK)
    assert len(everything["params"]) == len(list(model.parameters()))
    optimiser = make_optimiser(model, replace(QUICK, decay_norms=False, weight_decay=0.5))
    weights, others = optimiser.param_groups
    assert (weights["weight_decay"], others["weight_decay"]) == (0.5, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    modules = dict(model.named_modules())
    assert {names[id(p)].rsplit(".", 1)[1] for p in weights["params"]} == {"weight"}
    for parameter in weights["params"]:
        holder = modules[names[id(parameter)].rsplit(".", 1)[0]]
        assert isinstance(holder, nn.Conv2d | nn.Linear)
    assert len(weights["params"]) + len(others["params"]) == len(names)


def test_biases_of_norms_learn_faster_and_decay_as_they_would_have():
    model = network()
    recipe = replace(QUICK, bias_rate=4.0, lr=0.1, weight_decay=0.01, momentum=0.0)
    biases = [m.bias for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    others, fast = make_optimiser(model, recipe).param_groups
    assert [id(p) for p in fast["params"]] == [id(p) for p in biases]
    assert fast["lr"] == pytest.approx(0.4)
    assert fast["lr"] * fast["weight_decay"] == pytest.approx(others["lr"] * others["weight_decay"])
    assert len(others["params"]) + len(biases) == len(list(model.parameters()))
    groups = parameter_groups(model, replace(recipe, decay_norms=False))
    assert [group.get("weight_decay") for group in groups] == [None, 0.0, 0.0]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_what_is_frozen_is_left_out():
    model = network()
    model.conv1.conv.weight.requires_grad_(False)
    for recipe in (QUICK, replace(QUICK, decay_norms=False), replace(QUICK, bias_rate=2.0)):
        given = {id(p) for group in parameter_groups(model, recipe) for p in group["params"]}
        assert given == {id(p) for p in model.parameters()} - {id(model.conv1.conv.weight)}


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


def test_every_schedule_that_a_recipe_may_name_is_there():
    assert tuple(SCHEDULES) == NAMES


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


@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_triangle_of_any_form_stays_above_zero_and_up_to_one(warmup, steps):
    factors = [rate_factor(step, steps, replace(QUICK, warmup=warmup)) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)


def test_constant_rate_is_constant():
    assert {rate_factor(step, 10, CLASSROOM) for step in range(10)} == {1.0}


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


@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_one_cycle_of_any_form_stays_above_zero_and_up_to_one(warmup, steps):
    recipe = replace(QUICK, schedule="one_cycle", warmup=warmup)
    assert all(0 < rate_factor(step, steps, recipe) <= 1 for step in range(steps))


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


# ---- the average ---------------------------------------------------------------------------------


def test_moving_average_copies_first_then_leans_on_what_was():
    model = torch.nn.BatchNorm1d(1)
    average = moving_average(model, decay=0.5)

    def update(value):
        with torch.no_grad():
            model.weight.fill_(value)
            model.running_mean.fill_(10 * value)
        average.update_parameters(model)
        return average.module.weight.item(), average.module.running_mean.item()

    assert update(1.0) == (1.0, 10.0)
    expected = 1.0
    # the decay is ramped: 2/11, 3/12, ... and then held at what was asked for
    decays = [(1 + n) / (10 + n) for n in range(1, 12)]
    assert decays[0] < 0.2
    assert decays[-1] > 0.5
    for number, decay in enumerate(decays):
        value = float(number % 3)
        expected = min(decay, 0.5) * expected + (1 - min(decay, 0.5)) * value
        assert update(value) == pytest.approx((expected, 10 * expected))
