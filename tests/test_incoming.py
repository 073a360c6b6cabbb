"""What comes out of files: what is let in, what is refused and in which words."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import (
    check_finite,
    check_form,
    compute_checksum,
    is_file,
    is_folder,
    match_names,
    parse_dataclass,
    read_json,
    refuse_damage,
    strip_wrapper_names,
    unwrap,
)

NAN, INFINITE = float("nan"), float("inf")


@dataclass(frozen=True)
class Inner:
    count: int


@dataclass(frozen=True)
class Thing:
    name: str
    size: tuple[float, float]
    words: tuple[str, ...] = ()
    table: list[dict[str, float]] = field(default_factory=list)
    inner: Inner | None = None
    free: dict[str, Any] | None = None
    flag: bool = False


# ---- descriptions --------------------------------------------------------------------------------

GOOD = {"name": "a", "size": [1, 2.5]}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, Thing("a", (1, 2.5))),
        ({"words": ["b", "c"]}, Thing("a", (1, 2.5), ("b", "c"))),
        ({"table": [{"x": 1}]}, Thing("a", (1, 2.5), table=[{"x": 1}])),
        ({"inner": {"count": 3}}, Thing("a", (1, 2.5), inner=Inner(3))),
        ({"inner": None, "free": {"any": [None]}}, Thing("a", (1, 2.5), free={"any": [None]})),
    ],
)
def test_what_fits_becomes_the_dataclass(more, expected):
    assert parse_dataclass(Thing, {**GOOD, **more}) == expected


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([], "description was expected"),
        ({"size": [1, 2]}, "no field 'name'"),
        ({**GOOD, "novel": 1}, "field 'novel', which this version does not know"),
        ({**GOOD, "name": 3}, "name=3 came; expected str"),
        ({**GOOD, "flag": 1}, "flag=1 came"),
        ({**GOOD, "size": [1]}, "size="),
        ({**GOOD, "size": [1, NAN]}, "size=nan"),
        ({**GOOD, "size": [1, 10**400]}, "size="),
        ({**GOOD, "size": [True, 1]}, "size=True"),
        ({**GOOD, "words": ["a", None]}, "words=None"),
        ({**GOOD, "table": [{"x": "y"}]}, "table.x='y'"),
        ({**GOOD, "inner": {"count": 1.0}}, "count=1.0"),
        ({**GOOD, "inner": {}}, "no field 'count'"),
    ],
)
def test_what_does_not_fit_is_refused(said, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_dataclass(Thing, said)


@pytest.mark.parametrize("text", ["{", "[NaN]", "[" * 100_000, b"\xff"])
def test_text_that_is_no_json(text):
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


# ---- tensors and numbers -------------------------------------------------------------------------

STATE = {"w": torch.ones(2, 3), "n": torch.tensor(4), "list": [1, 2.0, None], "text": "x"}


@pytest.mark.parametrize(
    "found",
    [STATE, {**STATE, "w": torch.zeros(2, 3).half()}, {**STATE, "list": (7.5, 1, None)}],
)
def test_form_that_fits(found):
    check_form(found, STATE)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], "it is []; expected"),
        ({**STATE, "more": 1}, "it has 'more', which"),
        ({"w": STATE["w"]}, "it lacks 'list', 'n', 'text'"),
        ({**STATE, "w": torch.ones(3, 2)}, "'w' is torch.float32 of shape (3, 2); expected"),
        ({**STATE, "w": torch.ones(2, 3).int()}, "'w' is torch.int32"),
        ({**STATE, "n": torch.tensor(4.0)}, "'n' is torch.float32"),
        ({**STATE, "list": [1, 2.0]}, "'list' is [1, 2.0]"),
        ({**STATE, "list": [1, True, None]}, "'list'[1] is True"),
        ({**STATE, "text": b"x"}, "'text' is b'x'"),
    ],
)
def test_form_that_does_not_fit(found, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        check_form(found, STATE)


@pytest.mark.parametrize("bad", [NAN, INFINITE, -INFINITE])
def test_numbers_that_are_none(bad):
    check_finite(STATE)
    check_finite({"large": torch.full((100,), 3e38)})  # whose sum is beyond float32
    for value in (bad, [{"x": bad}], torch.tensor([1.0, bad]), torch.tensor([bad]).half()):
        with pytest.raises(ValueError, match="'part'"):
            check_finite({"good": 1.0, "part": value})
    with pytest.raises(ValueError, match="finite"):  # as float32, which it becomes
        check_finite({"w": torch.tensor([1e300], dtype=torch.float64)})


def test_checksum_knows_every_change_and_no_other():
    known = compute_checksum(STATE)
    assert compute_checksum(dict(reversed(STATE.items()))) == known
    assert compute_checksum({**STATE, "w": STATE["w"].clone()}) == known
    assert compute_checksum({**STATE, "w": torch.ones(3, 2).T}) == known  # another layout in memory
    assert compute_checksum(json.loads(json.dumps(["a", 0.1, (1, None)]))) == compute_checksum(
        ["a", 0.1, [1, None]]
    )
    turned = STATE["w"].clone()
    turned.view(torch.int32)[1, 2] ^= 1
    changes = [
        {"w": turned},
        {"w": torch.ones(3, 2)},
        {"w": torch.ones(2, 3).half()},
        {"n": torch.tensor(5)},
        {"n": torch.tensor([4])},
        {"list": [1, 2, None]},
        {"text": "y"},
        {"more": None},
    ]
    sums = {compute_checksum({**STATE, **change}) for change in changes}
    assert len(sums | {known}) == len(changes) + 1


def test_checksum_of_a_tensor_that_claims_more_than_there_is():
    with pytest.raises(ValueError, match="more numbers than there are"):
        compute_checksum(torch.ones(1).expand(1_000_000, 1_000_000))


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."]
)
def test_names_without_what_wrappers_added(prefix):
    state = {f"{prefix}conv1.weight": 1, f"{prefix}fc.bias": 2}
    assert strip_wrapper_names(state) == {"conv1.weight": 1, "fc.bias": 2}
    inner = {"a._orig_mod.weight": 3, "module.weight": 4}  # a compiled part, a layer called so
    assert strip_wrapper_names(inner) == {"a.weight": 3, "module.weight": 4}
    assert match_names({"a.weight": 3, "module.weight": 4}, inner) == inner
    assert match_names(state, {"conv1.weight": 0, "fc.bias": 0}) == strip_wrapper_names(state)


def test_network_out_of_its_wrappers():
    network = nn.Linear(2, 2)
    network.module = nn.Linear(1, 1)  # a layer called so is no wrapper's
    wrapped = torch.compile(nn.DataParallel(network), backend="eager")
    assert unwrap(wrapped) is unwrap(network) is network


# ---- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("odd"), "is damaged, or not written by this library: odd; do this"),
        (KeyError("a"), "is damaged, or not written by this library: 'a'; do this"),
        (RecursionError(), "library: RecursionError; do this"),
        (UsageError("\x1b[2J"), r"library: \x1b[2J; do this"),
        (MemoryError(), "lack of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), "lack of memory"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), "lack of memory"),
        (RuntimeError("MPS backend out of memory"), "lack of memory"),
    ],
)
def test_what_is_amiss_becomes_one_error(error, said):
    with (
        pytest.raises(UsageError, match=re.escape(said)) as caught,
        refuse_damage(Path("file"), "weights", "do this"),
    ):
        raise error
    assert str(caught.value).startswith("file ")


@pytest.mark.parametrize("name", ["missing", "x" * 300, "x" * 5000, "a\0b"])
def test_names_of_nothing(tmp_path, name):
    assert not is_file(tmp_path / name)
    assert not is_folder(tmp_path / name)
    assert is_folder(tmp_path)
