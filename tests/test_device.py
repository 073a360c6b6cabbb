"""Devices and precisions that this machine has and that it lacks, seeds, versions, Colab."""

import random
import sys

import numpy as np
import pytest
import torch

from googlenet_lib import UsageError, device
from googlenet_lib.device import (
    Precision,
    cpu_has_bfloat16,
    describe_device,
    in_colab,
    pick_device,
    pick_precision,
    progress_bar,
    read_environment_number,
    seed_everything,
)

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


@pytest.fixture
def accelerators(monkeypatch):
    """Sets which accelerators torch claims to find."""

    def choose(*, cuda, mps):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 if cuda else 0)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return choose


# ---- Colab ---------------------------------------------------------------------------------------


@pytest.fixture
def google(monkeypatch, tmp_path):
    """An empty package called google, in front of any that is installed."""
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, None)  # so that what is imported goes again
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "google").mkdir()
    (tmp_path / "google" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "google"


def test_colab_is_known_by_its_module(google, monkeypatch):
    assert not in_colab()
    (google / "colab.py").touch()
    assert in_colab()
    assert "google.colab" not in sys.modules  # asked for, not imported
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")  # whose image holds it too
    assert not in_colab()


# ---- devices -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(False, False, "cpu"), (False, True, "mps"), (True, False, "cuda"), (True, True, "cuda")],
)
def test_auto_is_the_fastest_that_is_here(accelerators, cuda, mps, expected):
    accelerators(cuda=cuda, mps=mps)
    assert pick_device() == pick_device("auto") == torch.device(expected)


def test_device_by_name(accelerators):
    accelerators(cuda=True, mps=False)
    assert pick_device("cpu") == CPU
    assert pick_device(CPU) == CPU
    assert pick_device("cuda:1") == torch.device("cuda", 1)
    assert pick_device("cpu:0").type == "cpu"


@pytest.mark.parametrize(("name", "advice"), [("cuda:1", True), ("mps", False)])
def test_absent_device_is_refused(accelerators, name, advice):
    accelerators(cuda=False, mps=False)
    with pytest.raises(UsageError) as refusal:
        pick_device(name)
    message = str(refusal.value)
    for part in (repr(name), "finds only cpu here", "--device auto", torch.__version__):
        assert part in message
    assert ("T4 GPU" in message) == advice


@pytest.mark.parametrize(
    "name",
    [
        *("gpu", "", "CPU", "meta", "auto:0", "cpu:", "cpu:-1", "cpu:²"),
    ],
)
def test_unknown_device_is_refused(accelerators, name):
    accelerators(cuda=True, mps=False)
    with pytest.raises(UsageError) as refusal:
        pick_device(name)
    assert str(refusal.value) == f"device {name!r} is unknown; use auto, cpu, cuda or mps"


@pytest.mark.parametrize(("name", "last"), [("cuda:2", "cuda:1"), ("cpu:1", "cpu:0")])
def test_device_number_that_is_not_here_is_refused(accelerators, name, last):
    accelerators(cuda=True, mps=False)
    with pytest.raises(UsageError, match=f"device '{name}' .* the last here is {last}"):
        pick_device(name)


def test_device_has_a_name_for_people(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Tesla T4 on {device}")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert describe_device(CUDA) == "Tesla T4 on cuda"
    capability = torch.backends.cpu.get_cpu_capability()
    assert describe_device(CPU) == f"CPU, 3 threads ({capability})"
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert describe_device(CPU) == f"CPU, 1 thread ({capability})"
    assert describe_device(MPS).startswith("Apple ")


# ---- precisions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("in_hardware", "name", "needs_scaler"),
    [(False, "float16", True), (True, "bfloat16", False)],
    ids=["T4", "Ampere"],
)
def test_bfloat16_on_cuda_where_the_chip_has_it(monkeypatch, in_hardware, name, needs_scaler):
    def is_bf16_supported(including_emulation=True):
        return in_hardware or including_emulation  # a T4 says yes, and emulates it

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_bf16_supported)
    precision = pick_precision(CUDA)
    assert (precision.name, precision.needs_scaler) == (name, needs_scaler)
    assert precision.device == CUDA


@pytest.mark.parametrize(
    ("capabilities", "name"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": False, "avx512_f": True}, "float32"),
        ({}, "float32"),
    ],
)
def test_bfloat16_on_a_cpu_that_multiplies_it(monkeypatch, capabilities, name):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert cpu_has_bfloat16() == (name == "bfloat16")
    assert pick_precision(CPU).name == name


def test_float16_is_for_gpus():
    assert pick_precision(CUDA, "float16").needs_scaler
    for name, advice in (("float16", "needs a GPU; on a CPU use float32"), ("fp8", "use auto, fl")):
        with pytest.raises(UsageError, match=advice):
            pick_precision(CPU, name)


@pytest.mark.parametrize(
    ("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_autocast_multiplies_in_that_precision(name, dtype):
    square = torch.ones(2, 2)
    with Precision(name, CPU).autocast():
        assert (square @ square).dtype == dtype
    assert (square @ square).dtype == torch.float32


def test_float32_holds_within_a_caller_s_autocast():
    square = torch.ones(2, 2)
    with torch.autocast("cpu", torch.bfloat16), Precision("float32", CPU).autocast():
        assert (square @ square).dtype == torch.float32


# ---- the rest ------------------------------------------------------------------------------------


def draws():
    return random.random(), np.random.random(), torch.rand(1).item()


def test_seed_repeats_every_generator():
    seed_everything(3)
    first = draws()
    seed_everything(3)
    assert draws() == first
    seed_everything(4)
    assert not any(one == other for one, other in zip(draws(), first, strict=True))


@pytest.mark.parametrize(
    ("text", "number"), [("3", 3), ("0", 0), ("", 7), ("x", 7), ("-1", 7), (None, 7)]
)
def test_numbers_of_the_environment(monkeypatch, text, number):
    monkeypatch.delenv("NUMBER", raising=False)
    if text is not None:
        monkeypatch.setenv("NUMBER", text)
    assert read_environment_number("NUMBER", 7) == number


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("notebook", [True, False])
def test_progress_is_shown_to_whoever_watches(monkeypatch, terminal, notebook):
    monkeypatch.setattr(device.sys.stderr, "isatty", lambda: terminal, raising=False)
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    if not notebook:
        monkeypatch.delitem(sys.modules, "ipykernel")
    bar = progress_bar([1, 2, 3], desc="work")
    assert bar.disable == (not terminal and not notebook)
    assert list(bar) == [1, 2, 3]
