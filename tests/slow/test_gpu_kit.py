"""The kit for a GPU, rehearsed without one: it must work at the first go where minutes are lent."""

import copy
import json
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest
import torch
from samples import tiny_data, write_class_folders

from googlenet_lib.network.weights import read_weights
from googlenet_lib.training.recipes import FAST

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE / "benchmarks")]

import gpu  # noqa: E402
import gpu_budget  # noqa: E402
import gpu_trainings  # noqa: E402
import gpu_turns  # noqa: E402
import gpu_ways  # noqa: E402
from gpu_budget import Clock, Item  # noqa: E402
from gpu_scale import TINY, Kit  # noqa: E402
from gpu_turns import Turns, Way, race  # noqa: E402
from training_step import Step  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """CIFAR-10's classes, a handful of pictures each."""
    folder = tmp_path_factory.mktemp("pictures") / "cifar10"
    for side, count in (("train", 5), ("test", 2)):
        write_class_folders(folder / side, count=count, suffix=".jpg")
    return folder


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory, pictures):
    """The folder that a rehearsal of all items leaves. Seconds, for every line of the kit."""
    out = tmp_path_factory.mktemp("rehearsed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", lambda model, **_: model)  # three seconds, tested elsewhere
        options = ["--rehearse", "--seconds", "3000", "--only", "a,b,c,d,e,f,g,h"]
        assert gpu.main([*options, "--data", str(pictures), "--out", str(out)]) == 0
    return out


def summary(out):
    return json.loads((out / "summary.json").read_bytes())


def rows(out, name):
    return json.loads((out / gpu.PLAN[name].file).read_bytes())["rows"]


def results(out, name):
    return [row for row in rows(out, name) if "reason" not in row]


def test_a_rehearsal_goes_through_everything(rehearsed):
    said = summary(rehearsed)
    assert {name: item["state"] for name, item in said["items"].items()} == dict.fromkeys(
        "abcdefgh", "finished"
    )
    assert "CPU rehearsal" in said["rehearsal"]
    for name, item in gpu.PLAN.items():
        content = json.loads((rehearsed / item.file).read_bytes())
        for key in ("device", "versions", "rehearsal", "data", "setup", "date", "seconds"):
            assert key in content, key
        # without a GPU nothing fails but what needs one
        assert all("need CUDA" in row.get("reason", "need CUDA") for row in content["rows"]), name
        assert results(rehearsed, name), name
    assert "epoch" in (rehearsed / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", "cdef")
def test_a_row_of_a_training_can_be_traced(rehearsed, name):
    found = results(rehearsed, name)
    data = summary(rehearsed)["data"]
    for row in found:
        assert row["epochs"] == len(row["history"]) == row["recipe"]["epochs"]
        assert row["data_checksum"] == data["checksum"]
        assert (row["test_accuracy"] is None) == (name == "c")  # validation alone chooses
        for key, value in row["settings"].items():
            assert row["recipe"].get(key, value) == value
    seeds = {"c": [0, 0, 0], "d": [0, 1, 2], "e": [0, 1, 2], "f": [0, 0]}[name]
    assert [row["seed"] for row in found] == seeds
    kept = [row["weights"] for row in found if "weights" in row]
    assert bool(kept) == (name != "c")
    for file in kept:
        tensors, info = read_weights(rehearsed / file)
        assert not info.heads
        assert tensors["fc.weight"].dtype == torch.float16


def test_without_torchvision_only_its_own_rows_are_left_out(tmp_path, pictures, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    options = ["--rehearse", "--only", "a", "--data", str(pictures), "--out", str(tmp_path)]
    assert gpu.main(options) == 0
    for row in rows(tmp_path, "a"):
        if row["way"].startswith("ours") and gpu.GRAPHED not in row["way"]:
            assert row["ms"] > 0
        elif not row["way"].startswith("ours"):
            assert "torchvision" in row["reason"]


# What may go wrong on the way


def plan(monkeypatch, **items):
    """Put items in the place of the plan's: a name and what yields its rows."""
    made = [Item(name, "x", "", work, 1, 0.1, 100) for name, work in items.items()]
    monkeypatch.setattr(gpu, "ITEMS", made)
    monkeypatch.setattr(gpu, "PLAN", {item.name: item for item in made})
    monkeypatch.setattr(gpu, "TINY", replace(TINY, patience=1.0))
    return ["--only", ",".join(items)]


def good(kit):
    yield {"way": "good"}


def states(out):
    return {name: item["state"] for name, item in summary(out)["items"].items()}


def test_an_error_in_an_item_stops_no_other(tmp_path, pictures, monkeypatch):
    def bad(kit):
        yield {"way": "before it"}
        raise RuntimeError("a kernel failed\nand much more")

    def full(kit):
        _, reason = kit.attempt("too much", lambda: (_ for _ in ()).throw(MemoryError("full")))
        yield {"way": "too much", "reason": reason}

    options = plan(monkeypatch, a=bad, b=full, c=good)
    options += ["--data", str(pictures), "--out", str(tmp_path)]
    assert gpu.main(options) == 1
    assert states(tmp_path) == {"a": "failed", "b": "failed", "c": "finished"}
    assert summary(tmp_path)["items"]["a"]["reason"] == "RuntimeError: a kernel failed"
    assert summary(tmp_path)["items"]["b"]["reason"] == "MemoryError: full"
    assert rows(tmp_path, "a") == [{"way": "before it"}]
    assert "Traceback" in (tmp_path / "log.txt").read_text(encoding="utf-8")

    # the same command again does what is missing
    done = (tmp_path / "c-x.json").read_bytes()
    plan(monkeypatch, a=good, b=good, c=bad)
    assert gpu.main(options) == 0
    assert set(states(tmp_path).values()) == {"finished"}
    assert (tmp_path / "c-x.json").read_bytes() == done


def test_a_budget_that_ends_early(tmp_path, pictures, monkeypatch):
    def slow(kit):
        while kit.left() > 0:
            time.sleep(0.01)
        yield {"way": "as long as it may"}

    options = plan(monkeypatch, a=slow, b=slow, c=good)
    last = replace(gpu.ITEMS[2], least=1000)
    monkeypatch.setattr(gpu, "ITEMS", [*gpu.ITEMS[:2], last])
    options += ["--data", str(pictures), "--out", str(tmp_path), "--seconds", "2"]
    begun = time.monotonic()
    assert gpu.main(options, begun=begun) == 1
    assert time.monotonic() - begun < 4
    assert states(tmp_path) == {"a": "finished", "b": "finished", "c": "not started"}
    assert "it needs 1000" in summary(tmp_path)["items"]["c"]["reason"]


def item(share, least, most):
    return Item("a", "x", "", good, share, least, most)


@pytest.mark.parametrize(
    ("left", "this", "later", "seconds"),
    [
        (400, item(1, 10, 999), [], 400),  # the last has what is left
        (400, item(1, 10, 999), [item(3, 10, 999)], 100),  # its share
        (400, item(1, 150, 999), [item(3, 10, 999)], 150),  # the more valuable one goes first
        (400, item(1, 10, 60), [item(1, 10, 999)], 60),  # no more than is of use
        (9, item(1, 10, 999), [], 0),
    ],
)
def test_the_time_that_an_item_gets(left, this, later, seconds):
    assert gpu_budget.allowance(this, later, left) == seconds


def clock(seconds, out=Path()):
    return Clock(out=out, device=CPU, deadline=time.monotonic() + seconds)


def test_what_takes_too_long_is_interrupted_whatever_it_catches(monkeypatch):
    def stubborn():
        for _ in range(4):
            with suppress(Exception):
                time.sleep(1)

    monkeypatch.setattr(gpu_budget, "GRACE", 0.1)
    begun = time.monotonic()
    assert clock(0.1).attempt("stubborn", stubborn)[1].startswith("OutOfTime")
    outer = clock(0.3)
    # one inside the other: the outer one's end holds
    _, reason = outer.attempt("both", lambda: (clock(0.1).attempt("", stubborn), time.sleep(4)))
    assert reason.startswith("OutOfTime")
    assert time.monotonic() - begun < 2
    assert outer.attempt("too late", stubborn) == (None, gpu_budget.NO_TIME)


def test_a_signal_leaves_a_summary(tmp_path, pictures, monkeypatch):
    def stopped(kit):
        yield {"way": "before it"}
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)

    options = plan(monkeypatch, a=good, b=stopped, c=good)
    before = signal.getsignal(signal.SIGTERM)
    assert gpu.main([*options, "--data", str(pictures), "--out", str(tmp_path)]) == 130
    assert signal.getsignal(signal.SIGTERM) == before
    assert states(tmp_path) == {"a": "finished", "b": "cut off", "c": "not started"}
    assert "SIGTERM" in summary(tmp_path)["items"]["b"]["reason"]
    assert rows(tmp_path, "b") == [{"way": "before it"}]


KILLED = """
import sys, time
for name in ("torchvision", "matplotlib", "pooch", "typer"):  # as on a machine that lacks them
    sys.modules[name] = None
import gpu

def rows(kit):
    yield {"way": "before it"}
    time.sleep(60)

gpu.ITEMS = tuple(gpu.replace(item, rows=rows, least=0.0) for item in gpu.ITEMS)
gpu.main(sys.argv[1:])
"""


def test_a_kill_leaves_a_summary(tmp_path, pictures):
    # A process of its own, which imports torch: three seconds.
    options = ["--seconds", "3600", "--data", str(pictures), "--out", str(tmp_path)]
    command = [sys.executable, "-c", KILLED, *options]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL) as process:
        file = tmp_path / "a-step.json"
        try:
            while not (file.is_file() and json.loads(file.read_bytes())["rows"]):
                assert process.poll() is None, "it ended by itself"
                time.sleep(0.02)
        finally:
            process.kill()
    assert states(tmp_path) == {"a": "cut off"} | dict.fromkeys("bcd", "not started")
    assert rows(tmp_path, "a") == [{"way": "before it"}]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seconds", "nan"], "--seconds nan"),
        (["--only", "a,z"], "'z' is none of"),
        (["--device", "cuda"], "finds only"),
        (["--data", "no/folder"], "no/folder"),
    ],
)
def test_a_mistake_in_the_command(tmp_path, capsys, options, said):
    assert gpu.main(["--out", str(tmp_path), *options]) == 2
    assert said in capsys.readouterr().err
    assert gpu.main(options) == 2  # without --out


# How steps are compared


def way(name, seconds, first=0.0, loss=1.0):
    """A way whose step takes a known time, and whose first call takes longer."""
    calls = []

    def update(images, labels):
        calls.append(1)
        time.sleep(seconds if len(calls) > 1 else first)
        return torch.tensor(loss)

    return Way(name, {}, lambda: Step(repeat((torch.zeros(8), torch.zeros(8))), update, CPU))


def test_ways_take_turns_and_are_compared_with_the_first():
    def failing():
        raise RuntimeError("out of memory")

    ways = [
        way("first", 0.06),
        way("half", 0.03, first=0.2),
        Way("no", {"about": 1}, failing),
        way("lost", 0.01, loss=math.nan),
    ]
    first, half, no, lost = race(clock(60), Turns(rounds=3, seconds=0.12, untimed=1), ways)
    assert first["times_the_first"] == 1
    assert half["times_the_first"] == pytest.approx(2, rel=0.3)
    assert half["ms"] < 100  # without its first call
    assert half["first_call_s"] > 0.2
    assert half["steps_a_round"] > first["steps_a_round"] >= 1
    assert no == {"way": "no", "about": 1, "reason": "RuntimeError: out of memory"}
    assert lost["loss"] == "nan"
    assert json.loads(json.dumps(lost, allow_nan=False)) == lost


# CUDA graphs, as far as they can be tried without CUDA


@pytest.fixture
def imitated(monkeypatch):
    """The sizes that are captured. A capture runs on noise, a replay is the network itself."""
    sizes = []

    def capture(trainer, sample):
        sizes.append(sample.shape[-1])
        assert trainer.model.training
        trainer.model(sample * 5)
        return lambda images: trainer.model(images)

    monkeypatch.setattr(gpu_ways, "_in_graphs", capture)
    return sizes


class Imitated:
    """A stream, an event and a graph of a GPU whose work is done when it is asked for."""

    replays = 0

    def __init__(self, *_, **__):
        self.at = None

    def wait_stream(self, other):
        assert isinstance(other, Imitated)

    def record(self):
        self.at = time.perf_counter()

    def synchronize(self):
        assert self.at

    def elapsed_time(self, end):
        return 1000 * (end.at - self.at)

    def replay(self):
        Imitated.replays += 1


@pytest.fixture
def imitated_cuda(monkeypatch):
    """What the kit asks of torch.cuda, on the CPU: that every name is there and called rightly."""
    for name in ("Stream", "Event", "CUDAGraph", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, Imitated)
    for name in ("stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, nullcontext)
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", lambda module, sample: module)
    monkeypatch.setattr(gpu_ways, "_cuda", lambda trainer: CPU)
    monkeypatch.setattr(gpu_turns, "synchronise", lambda device: None)


def test_every_way_of_ours_steps(imitated_cuda):
    recipe = replace(FAST, batch_size=8, precision="bfloat16")
    ways = gpu_ways.training_ways(
        gpu_ways.WAYS | gpu_ways.MORE_WAYS, some_kit().data, recipe, CPU, variant="small", width=0.1
    )
    found = {row["way"]: row for row in race(clock(60), Turns(1, 0.0, 1, ready=1), ways)}
    assert not [row["reason"] for row in found.values() if "reason" in row]
    assert all(math.isfinite(row["loss"] or 0) for row in found.values())
    assert Imitated.replays == 4  # the first step, an untimed one, one to be ready and a timed one


def some_kit(seconds=60):
    data = tiny_data(30, 12, 12, classes=10, size=32)
    return Kit(
        out=Path(),
        device=CPU,
        deadline=time.monotonic() + seconds,
        scale=TINY,
        data=data,
        files=data,
    )


def test_captures_leave_the_network_as_it_was(imitated):
    recipe = replace(FAST, batch_size=8, epochs=1)
    trainer = gpu_ways.trainer_of(some_kit().data, recipe, CPU, variant="small", width=0.1)
    before = copy.deepcopy(trainer.model.state_dict())
    trainer.model.eval()  # as a look at validation leaves it
    gpu_ways.InGraphs(trainer, [24, 32])
    after = trainer.model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_training_in_graphs_is_the_same_training(imitated, monkeypatch):
    trained = []
    for name in (gpu_ways.EAGER, gpu_ways.GRAPHED):
        pace = {"way": name, "epoch": 0.5}
        monkeypatch.setattr(gpu_trainings, "pace_of", lambda *_, pace=pace: pace)
        row, _ = gpu_trainings.trained(
            some_kit(), some_kit().data, FAST, TINY.settings, seed=0, seconds=1.2
        )
        assert (row["epochs"], row["way"]) == (2, name)
        trained.append([epoch["val_loss"] for epoch in row["history"]])
    assert imitated == [24, 32]  # both sizes of FAST; the last, shorter batch of an epoch is not
    assert trained[0] == pytest.approx(trained[1], rel=1e-3)


def test_a_training_stops_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(gpu_trainings, "pace_of", lambda *_: {"way": "eager", "epoch": 0.0001})
    kit = some_kit(seconds=0.5)
    row, _ = gpu_trainings.trained(kit, kit.data, FAST, TINY.settings, seed=0, seconds=1)
    assert row["cut_short"]
    assert 0 < row["epochs"] < row["recipe"]["epochs"]
