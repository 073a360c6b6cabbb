"""Recipes: source A's as it is, fields set from texts, nonsense refused."""

from dataclasses import FrozenInstanceError, replace

import pytest

from googlenet_lib.errors import UsageError
from googlenet_lib.recipes import CLASSROOM, QUICK, RECIPES, find_recipe


def test_classroom_is_the_walkthrough_s():
    assert (CLASSROOM.optimiser, CLASSROOM.lr, CLASSROOM.weight_decay) == ("adam", 1e-3, 0)
    assert (CLASSROOM.epochs, CLASSROOM.batch_size) == (15, 128)
    assert CLASSROOM.schedule == "constant"
    assert CLASSROOM.aux_weights == (0.3, 0.3)
    assert CLASSROOM.mean == CLASSROOM.std == (0.5, 0.5, 0.5)
    assert (CLASSROOM.flip, CLASSROOM.shift) == (False, 0)
    assert (CLASSROOM.label_smoothing, CLASSROOM.average_decay) == (0, 0)
    assert CLASSROOM.precision == "float32"


def test_recipes_are_found_by_their_own_names_and_name_their_source():
    assert set(RECIPES) == {"classroom", "quick"}
    for name, recipe in RECIPES.items():
        assert find_recipe(name) is recipe
        assert recipe.name == name
        assert len(recipe.source) > 20


def test_unknown_recipe_is_refused():
    with pytest.raises(UsageError, match="recipe 'slow' is unknown; expected one of classroom, q"):
        find_recipe("slow")


def test_recipes_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        QUICK.lr = 1.0


def test_fields_are_set_from_texts_in_their_own_types():
    changed = CLASSROOM.changed(
        ["lr=0.05", "flip=true", "mean=0.1,0.2,0.3", "epochs=3", "precision=bfloat16", "shift=2"]
    )
    assert changed == replace(
        CLASSROOM, lr=0.05, flip=True, mean=(0.1, 0.2, 0.3), epochs=3, precision="bfloat16", shift=2
    )
    assert type(changed.epochs) is int
    assert type(changed.flip) is bool
    assert CLASSROOM.lr == 1e-3


@pytest.mark.parametrize(
    ("text", "expected"), [("TRUE", True), ("1", True), ("false", False), ("0", False)]
)
def test_yes_and_no(text, expected):
    assert QUICK.changed([f"flip={text}"]).flip is expected


def test_last_of_two_settings_counts_and_none_changes_nothing():
    assert CLASSROOM.changed(["lr=1", "lr=2"]).lr == 2
    assert CLASSROOM.changed([]) == CLASSROOM


@pytest.mark.parametrize("setting", ["rate=0.1", "name=other", "=3", "lr 0.1", ""])
def test_what_is_no_field_is_refused_with_the_fields_there_are(setting):
    with pytest.raises(UsageError, match=r"names no field of recipe; .*epochs, batch_size") as e:
        CLASSROOM.changed([setting])
    assert repr(setting) in str(e.value)


@pytest.mark.parametrize(
    ("setting", "example"),
    [
        ("lr=fast", "lr=0.001"),
        ("lr", "lr=0.001"),
        ("epochs=1.5", "epochs=15"),
        ("flip=maybe", "flip=False"),
        ("mean=0.5", "mean=0.5,0.5,0.5"),
        ("mean=0.5,0.5,x", "mean=0.5,0.5,0.5"),
        ("aux_weights=0.3,0.3,0.3", "aux_weights=0.3,0.3"),
    ],
)
def test_unreadable_value_is_refused_with_an_example(setting, example):
    with pytest.raises(UsageError, match=f"cannot be read; expected a value like {example}"):
        CLASSROOM.changed([setting])


@pytest.mark.parametrize(
    "setting",
    [
        "epochs=0",
        "batch_size=0",
        "batch_size=-1",
        "lr=-0.1",
        "lr=nan",
        "momentum=1.5",
        "momentum=-0.1",
        "weight_decay=-1",
        "weight_decay=nan",
        "label_smoothing=1.1",
        "average_decay=2",
        "warmup=-0.1",
        "shift=-1",
        "std=0,0.5,0.5",
        "std=0.5,-0.5,0.5",
        "aux_weights=0.3,-0.3",
        "aux_weights=nan,0.3",
    ],
)
def test_value_out_of_range_is_refused(setting):
    name = setting.partition("=")[0]
    with pytest.raises(UsageError, match=f"{name}=.* came; expected .* to "):
        CLASSROOM.changed([setting])


@pytest.mark.parametrize("setting", ["optimiser=adamw", "schedule=cosine", "optimiser="])
def test_value_not_among_the_choices_is_refused(setting):
    with pytest.raises(UsageError, match=r"came; expected one of (adam, sgd|constant, triangle)"):
        CLASSROOM.changed([setting])


def test_ranges_hold_for_recipes_made_in_code():
    with pytest.raises(UsageError, match="epochs=0 came"):
        replace(CLASSROOM, epochs=0)
