"""Weights that come with the library: rounded, measured, recorded; and how they are released."""

import contextlib
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from release import MOST_BYTES, release
from samples import tiny_data

from googlenet_lib import googlenet
from googlenet_lib.errors import UsageError
from googlenet_lib.network.pretrained import load_network
from googlenet_lib.network.weights import (
    committed_names,
    find_weights,
    read_weights,
    round_to_half,
    weights_to_bytes,
)
from googlenet_lib.prediction import predict
from googlenet_lib.training.checkpoint import BEST, RUN_FILE
from googlenet_lib.training.describe import describe_run
from googlenet_lib.training.fit import fit
from googlenet_lib.training.recipes import CLASSROOM
from googlenet_lib.training.run import (
    find_run,
    list_runs,
    read_run,
)

SMALLER = {"shapes": 4_000_000}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two epochs, finished: (its folder, its data)."""
    folder = tmp_path_factory.mktemp("runs") / "tiny-0"
    data = tiny_data(size=16)
    model = googlenet("small", 3, width=0.0625, heads=False)
    recipe = replace(CLASSROOM, epochs=2, batch_size=8)
    result = fit(model, data, recipe, out=folder, device="cpu", report=lambda line: None)
    run = describe_run(
        model, data, recipe, result, seed=0, device=torch.device("cpu"), command="train"
    )
    run.save(folder / RUN_FILE)
    return folder, data


def places(root):
    return {"weights": root / "weights", "runs": root / "runs"}


def test_release_measures_the_rounded_weights(trained, tmp_path):
    folder, data = trained
    run = release(folder, "tiny", data, weights=tmp_path, runs=tmp_path)
    assert read_run(tmp_path / "tiny-0.json") == run
    model, info = load_network(tmp_path / "tiny.safetensors")
    guesses = [answer[0].label for answer in predict(model, info, list(data.test.images), 1)]
    truth = [data.classes[label] for label in data.test.labels]
    hits = sum(guess == label for guess, label in zip(guesses, truth, strict=True))
    assert run.test_accuracy_rounded == pytest.approx(hits / len(truth))


@pytest.mark.parametrize("killed_at", range(1, 4))
@pytest.mark.parametrize("before", [True, False], ids=["before a rename", "after it"])
def test_release_that_is_killed_leaves_no_record_of_other_weights(
    trained, tmp_path, monkeypatch, killed_at, before
):
    class Killed(BaseException):
        """What no `except` catches."""

    folder, data = trained
    release(shutil.copytree(folder, tmp_path / "a-0"), "tiny", data, **places(tmp_path))
    better = shutil.copytree(folder, tmp_path / "b-0")
    tensors, info = read_weights(better / BEST)
    tensors["fc.bias"] += 1
    (better / BEST).write_bytes(weights_to_bytes(tensors, info))
    rename, times = Path.replace, []

    def killed(self, to):
        times.append(to)
        if before and len(times) == killed_at:
            raise Killed
        rename(self, to)
        if len(times) == killed_at:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        patch.setattr(Path, "unlink", lambda *args, **how: None)  # nor does it tidy up
        with contextlib.suppress(Killed):
            release(better, "tiny", data, **places(tmp_path))
    digest = hashlib.sha256((tmp_path / "weights" / "tiny.safetensors").read_bytes()).hexdigest()
    claims = [run for run in map(read_run, (tmp_path / "runs").glob("*.json")) if run.weights]
    assert [run.weights_sha256 for run in claims] in ([], [digest])
    released = release(better, "tiny", data, **places(tmp_path))
    assert read_run(tmp_path / "runs" / "b-0.json") == released
    assert not read_run(tmp_path / "runs" / "a-0.json").weights
    assert not list(tmp_path.glob("*/.*"))


def test_release_refuses_other_data(trained, tmp_path):
    folder, data = trained
    with pytest.raises(UsageError, match="was trained on tiny"):
        release(folder, "x", replace(data, checksum="1" * 64), weights=tmp_path, runs=tmp_path)
    assert not list(tmp_path.iterdir())


def test_rounding_refuses_what_does_not_fit():
    with pytest.raises(UsageError, match=r"fc\.weight reaches 100000, beyond float16's 65504"):
        round_to_half({"fc.weight": torch.tensor([1.0, -1e5])})
    kept = round_to_half({"bn.num_batches_tracked": torch.tensor(7)})
    assert kept["bn.num_batches_tracked"].dtype == torch.int64


# ---- the weights that are committed --------------------------------------------------------------


@pytest.fixture(params=committed_names())
def name(request):
    return request.param


def test_committed_weights_are_small_and_float16(name):
    path = find_weights(name)
    assert path.stat().st_size < SMALLER.get(name, MOST_BYTES)
    tensors, _ = read_weights(path)
    assert {t.dtype for t in tensors.values() if t.is_floating_point()} == {torch.float16}


def test_committed_weights_have_the_record_of_their_run(name):
    runs = [run for run in map(find_run, list_runs()) if run.weights == name]
    digest = hashlib.sha256(find_weights(name).read_bytes()).hexdigest()
    assert [run.weights_sha256 for run in runs] == [digest]


def test_committed_weights_make_the_network_of_their_run(name):
    run = next(run for run in map(find_run, list_runs()) if run.weights == name)
    model = googlenet(run.variant, weights=name)
    assert sum(p.numel() for p in model.parameters()) == run.parameters
    assert (model.aux1 is not None) == run.heads
    assert model.fc.weight.dtype == torch.float32
    assert run.test_accuracy_rounded == pytest.approx(run.test_accuracy, abs=0.002)


def test_the_network_for_shapes_knows_shapes():
    from googlenet_lib.data.shapes import SHAPES, draw_random_shapes

    model, info = load_network("shapes")
    assert info.classes == SHAPES
    images, labels, _ = draw_random_shapes(100, seed=77)
    guesses = [answer[0].label for answer in predict(model, info, list(images), 1)]
    hits = [guess == SHAPES[label] for guess, label in zip(guesses, labels, strict=True)]
    assert sum(hits) >= 97
