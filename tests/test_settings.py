"""Fields set from texts: in the type that they have, or refused with what was expected."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest

from googlenet_lib.errors import UsageError
from googlenet_lib.settings import apply_overrides, check_fields


@dataclass(frozen=True)
class Settings:
    name: str = "default"
    kind: str = "plain"
    count: int = 3
    share: float = 0.5
    on: bool = False
    pair: tuple[bool, bool] = (True, False)
    mixed: tuple[float, int] = (0.5, 2)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("kind=fancy", "kind", "fancy"),
        ("kind=a=b", "kind", "a=b"),
        ("count=-4", "count", -4),
        ("share=1e-3", "share", 1e-3),
        ("share=2", "share", 2.0),
        ("on=True", "on", True),
        ("on=0", "on", False),
        ("pair=false,true", "pair", (False, True)),
        ("mixed=1,4", "mixed", (1.0, 4)),
    ],
)
def test_value_is_read_in_the_type_of_the_field(text, name, value):
    settings = apply_overrides(Settings(), [text], "--set")
    assert settings == Settings(**{name: value})
    assert type(getattr(settings, name)) is type(value)


@pytest.mark.parametrize("text", ["size=1", "name=other", "", "=1", "count 3"])
def test_unknown_field_is_refused_with_those_there_are(text):
    with pytest.raises(UsageError, match=r"--vary .* kind, count, share, on, pair, mixed"):
        apply_overrides(Settings(), [text], "--vary")


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("count=1.5", "count=3"),
        ("on=yes", "on=False"),
        ("pair=true", "pair=True,False"),
        ("pair=true,false,true", "pair=True,False"),
        ("mixed=0.5,0.5", "mixed=0.5,2"),
    ],
)
def test_unreadable_value_is_refused_with_an_example(text, example):
    with pytest.raises(UsageError, match=f"a value like {example}"):
        apply_overrides(Settings(), [text], "--set")


@dataclass(frozen=True)
class Checked(Settings):
    rate: Annotated[float, (0, 1)] = 0.5
    sides: tuple[float, float] = (0.5, 0.5)

    def __post_init__(self):
        check_fields(self)


def test_numbers_of_numpy_become_python_s():
    made = Checked(
        count=np.int64(2), rate=np.float32(0.25), on=np.True_, sides=(np.float64(0.5), 1)
    )
    assert made == Checked(count=2, rate=0.25, on=True, sides=(0.5, 1))
    found = [made.count, made.rate, made.on, *made.sides]
    assert [*map(type, found)] == [int, float, bool, float, int]
    with pytest.raises(UsageError, match=r"rate=np.float64\(2.0\) came; expected 0 to 1"):
        Checked(rate=np.float64(2))
