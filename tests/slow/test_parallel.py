"""Two processes under torchrun: the same training as one, one set of files, lost workers said."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from googlenet_lib.errors import UsageError
from googlenet_lib.network.weights import read_weights
from googlenet_lib.training.checkpoint import BEST, HISTORY, LAST, load_checkpoint
from googlenet_lib.training.parallel import ALONE, Group, is_restart, join_group

# Norm-free, without dropout and augmentation: what two processes do is what one does, to rounding.
EXACT = [
    *("--variant", "paper", "--width", "0.0625", "--data", "digits", "--limit", "45"),
    *("--vary", "stem_kernel=3", "--vary", "stem_pools=false,true"),
    *("--vary", "adaptive_head_pool=true", "--vary", "local_response_norm=false"),
    *("--vary", "dropout=0", "--vary", "head_dropout=0"),
    *("--set", "precision=float32", "--set", "shift=0", "--set", "batch_size=16"),
]
SMALL = ["--variant", "small", "--width", "0.0625", "--data", "digits", "--limit", "48"]
SMALL += ["--set", "precision=float32", "--set", "batch_size=16"]


def command(*arguments, processes=1, restarts=0):
    start = [sys.executable, "-m"]
    if processes > 1:
        start += ["torch.distributed.run", "--nproc-per-node", str(processes)]
        start += ["--max-restarts", str(restarts), "--rdzv-backend", "c10d"]
        start += ["--rdzv-endpoint", "localhost:0", "-m"]
    return [*start, "googlenet_lib", "train", *map(str, arguments)]


def train(*arguments, **how):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.run(
        command(*arguments, **how),
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def history(folder):
    return json.loads((folder / HISTORY).read_text(encoding="utf-8"))


# ---- one process ---------------------------------------------------------------------------------


def test_without_torchrun_a_process_is_alone():
    with join_group(torch.device("cpu")) as (group, device):
        assert group == ALONE == Group(rank=0, world_size=1)
        assert device == torch.device("cpu")
    tensor = torch.ones(2)
    assert group.is_main
    assert group.all_reduce(tensor) is tensor
    assert group.all_gather(3) == [3]
    assert group.from_main(lambda: 4) == 4
    group.barrier()
    group.broadcast([tensor])


@pytest.mark.parametrize(
    "left_over", [{"WORLD_SIZE": "2"}, {"WORLD_SIZE": ""}, {"WORLD_SIZE": "x", "RANK": "0"}]
)
def test_what_torchrun_did_not_say_is_passed_over(monkeypatch, left_over):
    for name, value in left_over.items():
        monkeypatch.setenv(name, value)
    with join_group(torch.device("cpu")) as (group, _):
        assert group == ALONE


@pytest.mark.parametrize(
    "wrong", [{"RANK": "x"}, {"MASTER_PORT": "x"}, {"MASTER_PORT": "99999999"}]
)
def test_processes_that_cannot_meet_are_told_in_one_line(monkeypatch, wrong):
    told = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"} | wrong
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="start them by torchrun, or unset WORLD_SIZE, RANK"):
        join_group(torch.device("cpu")).__enter__()


def test_a_restart_is_known_by_torchrun_s_count(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT", raising=False)
    assert not is_restart()
    for count in (0, 2):
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(count))
        assert is_restart() == (count > 0)


# ---- two -----------------------------------------------------------------------------------------


def test_two_processes_train_as_one_does(tmp_path):
    """40 pictures: batches of 16, 16 and 8. Twice as many steps would show twice the rounding."""
    one = train(*EXACT, "--epochs", 2, "--out", tmp_path / "one")
    two = train(*EXACT, "--epochs", 2, "--out", tmp_path / "two", processes=2)
    assert one.returncode == two.returncode == 0, two.stderr
    for alone, together in zip(*map(history, (tmp_path / "one", tmp_path / "two")), strict=True):
        assert alone.keys() == together.keys()
        for name in alone.keys() - {"seconds"}:
            assert together[name] == pytest.approx(alone[name], rel=1e-5), name
    for name in (BEST,):
        weights, expected = (read_weights(tmp_path / run / name)[0] for run in ("two", "one"))
        for key, tensor in expected.items():
            torch.testing.assert_close(weights[key], tensor, rtol=1e-3, atol=1e-5)
    # one process speaks and writes
    assert two.stdout.count("epoch   1") == two.stdout.count("epoch   2") == 1
    assert "2 epochs on 2 processes on CPU" in two.stdout
    names = {path.name for path in (tmp_path / "two").iterdir()}
    assert names == {BEST, LAST, HISTORY, "run.json"}
    results = [
        json.loads((tmp_path / run / "run.json").read_text(encoding="utf-8"))
        for run in ("one", "two")
    ]
    assert results[0]["test_accuracy"] == pytest.approx(results[1]["test_accuracy"])


def test_a_dead_worker_ends_the_run_and_a_restart_goes_on(tmp_path):
    """With BatchNorm and dropout. One process is killed; torchrun starts both again, once."""
    out, environment = tmp_path / "run", os.environ | {"OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(
        command(*SMALL, "--epochs", 300, "--out", out, processes=2, restarts=1),
        env=environment | {"GLOO_SOCKET_IFNAME": "lo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        epochs = []
        for kill in (True, True):  # the second is one restart too many
            before = len(epochs)
            while len(epochs) < before + 2:
                line = started.stdout.readline()
                assert line, started.stderr.read()
                if line.startswith("epoch"):
                    epochs.append(int(line.split()[1]))
            if kill:
                os.kill(children(started.pid)[-1], signal.SIGKILL)
        output, errors = started.communicate(timeout=120)
    finally:
        started.kill()
    assert started.returncode != 0
    assert "ChildFailedError" in errors or "another process of this run has ended" in errors
    state = load_checkpoint(out / LAST)  # whole, and of the last epoch that was said
    seen = epochs + [int(line.split()[1]) for line in output.splitlines() if line[:5] == "epoch"]
    assert len(state["history"]) >= seen[-1]
    assert seen == [*range(1, seen[-1] + 1)]  # the restart went on where the first had stopped
    assert len(state["random"]) == 2
    assert not torch.equal(*(one["cpu"] for one in state["random"]))


def children(parent):
    """Process numbers of torchrun's workers, by their place in the process table."""
    for _ in range(50):
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True)
        if len(found := [int(pid) for pid in listed.stdout.split()]) >= 2:
            return found
        time.sleep(0.1)
    raise AssertionError("torchrun has no two workers")


def test_losses_that_are_no_numbers_end_all_processes_alike(tmp_path):
    done = train(*EXACT, "--epochs", 3, "--set", "lr=1e30", "--out", tmp_path, processes=2)
    assert done.returncode != 0
    assert "the loss became" in done.stderr
    assert not (tmp_path / "run.json").exists()
