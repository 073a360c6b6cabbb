"""Recipes: source A's as it is, fields set from texts, nonsense refused."""

from dataclasses import fields, replace
from typing import Annotated, get_args, get_origin

import pytest

from googlenet_lib.errors import UsageError
from googlenet_lib.training.recipes import (
    CLASSROOM,
    QUICK,
    Recipe,
    advise_on_rate,
    find_recipe,
)


def test_classroom_is_the_walkthrough_s():
    assert (CLASSROOM.optimiser, CLASSROOM.lr, CLASSROOM.weight_decay) == ("adam", 1e-3, 0)
    assert (CLASSROOM.epochs, CLASSROOM.batch_size) == (15, 128)
    assert CLASSROOM.schedule == "constant"
    assert CLASSROOM.aux_weights == (0.3, 0.3)
    assert CLASSROOM.mean == CLASSROOM.std == (0.5, 0.5, 0.5)
    assert (CLASSROOM.flip, CLASSROOM.shift) == (False, 0)
    assert (CLASSROOM.label_smoothing, CLASSROOM.average_decay) == (0, 0)
    assert CLASSROOM.precision == "float32"


def test_unknown_recipe_is_refused():
    with pytest.raises(UsageError, match="recipe 'slow' is unknown; expected one of classroom, q"):
        find_recipe("slow")


def test_fields_are_set_from_texts():
    changed = CLASSROOM.override(["lr=0.05", "flip=true", "mean=0.1,0.2,0.3", "epochs=3"])
    assert changed == replace(CLASSROOM, lr=0.05, flip=True, mean=(0.1, 0.2, 0.3), epochs=3)


@pytest.mark.parametrize(
    "setting",
    [
        *("epochs=0", "epochs=1000000000", "batch_size=-1", "lr=-0.1", "lr=nan", "lr=1e308"),
        *("momentum=1.5", "weight_decay=1e300", "rest=inf", "std=0,0.5,0.5", "mean=125,122,113"),
        *("aux_weights=0.3,-0.3", "aux_weights=nan,0.3", "crop=0", "cycles=0", "accumulate=0"),
    ],
)
def test_value_out_of_range_is_refused(setting):
    name = setting.partition("=")[0]
    with pytest.raises(UsageError, match=f"{name}=.* came; expected .* to "):
        CLASSROOM.override([setting])


@pytest.mark.parametrize("setting", ["optimiser=adamw", "schedule=steep", "optimiser="])
def test_value_not_among_the_choices_is_refused(setting):
    with pytest.raises(
        UsageError, match=r"came; expected one of (adam, sgd|constant, triangle, one_cycle)"
    ):
        CLASSROOM.override([setting])


def test_parts_of_a_batch_hold_two_pictures_at_least():
    assert replace(CLASSROOM, batch_size=8, accumulate=4).accumulate == 4
    with pytest.raises(UsageError, match=r"accumulate=5 came for a batch of 8; expected at most 4"):
        replace(CLASSROOM, batch_size=8, accumulate=5)
    assert replace(CLASSROOM, batch_size=1).batch_size == 1


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("epochs", 0, "1 to 10000"),
        ("epochs", 1.5, "int"),
        ("batch_size", True, "int"),
        ("lr", "0.1", "float"),
        ("flip", 1, "bool"),
        ("mean", (0.5, 0.5), "float, float, float"),
        ("mean", 0.5, "float, float, float"),
        ("optimiser", None, "str"),
    ],
)
def test_types_and_ranges_hold_for_recipes_made_in_code(field, value, expected):
    with pytest.raises(UsageError, match=f"{field}=.* came; expected {expected}$"):
        replace(CLASSROOM, **{field: value})


def test_lists_are_as_good_as_tuples():
    """As JSON has them: fields of a recorded run."""
    assert replace(CLASSROOM, mean=[0.1, 0.2, 0.3]).mean == [0.1, 0.2, 0.3]
    with pytest.raises(UsageError, match=r"mean=\[0.1, 2\] came"):
        replace(CLASSROOM, mean=[0.1, 2])


def test_every_number_has_a_domain():
    for field in fields(Recipe):
        if get_origin(field.type) is not Annotated:
            assert not {int, float} & {field.type, *get_args(field.type)}, field.name


@pytest.mark.parametrize(
    ("recipe", "rate", "advice"),
    [
        (QUICK, 1e30, "--set lr=0.1,"),
        (CLASSROOM, 3.0, "--set lr=0.001,"),
        (replace(QUICK, name="mine"), 1e6, "--set lr=0.1,"),
        (QUICK, 1e-300, "low already"),
    ],
)
def test_advise_on_rates_is_one_that_may_work(recipe, rate, advice):
    assert advice in advise_on_rate(replace(recipe, lr=rate))
