"""What TensorBoard is given, read back by TensorBoard's own reader."""

import sys
from dataclasses import replace

import pytest
import torch
from samples import SLASH, tiny_data
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from trainings import Stopped, network

from googlenet_lib.errors import UsageError
from googlenet_lib.training.fit import fit
from googlenet_lib.training.recipes import QUICK
from googlenet_lib.training.tensorboard import Board

SHORT = replace(QUICK, epochs=2, batch_size=8, precision="float32", lr=0.01)


def train(folder=None, report=lambda line: None, **how):
    model = network()
    board = Board(folder) if folder else None
    try:
        result = fit(model, tiny_data(), SHORT, device="cpu", report=report, board=board, **how)
    finally:
        if board:
            board.close()
    return model, result


def read(folder):
    events = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    return events


def test_curves_rate_graph_and_pictures_are_there_and_change_nothing(tmp_path):
    watched, result = train(tmp_path)
    for name, tensor in train()[0].state_dict().items():
        assert torch.equal(watched.state_dict()[name], tensor)
    events = read(tmp_path)
    for tag, name in [
        ("loss/train", "train_loss"),
        ("loss/val", "val_loss"),
        ("loss_main/val", "val_loss_main"),
        ("accuracy/train", "train_accuracy"),
        ("accuracy/val", "val_accuracy"),
        ("top5/val", "val_top5"),
        ("lr", "lr"),
    ]:
        scalars = events.Scalars(tag)
        assert [scalar.step for scalar in scalars] == [1, 2]
        assert [s.value for s in scalars] == pytest.approx([r[name] for r in result.history])
    assert len(events.Images("pictures, augmented")) > 0
    nodes = {node.name for node in events.Graph().node}
    assert any("inception3a" in name for name in nodes)
    assert any("inception5b" in name for name in nodes)


def test_a_resumed_run_goes_on_with_its_curves(tmp_path):
    def stop(line):
        if line.startswith("epoch   1"):
            raise Stopped

    with pytest.raises(Stopped):
        train(tmp_path / "board", out=tmp_path / "run", report=stop)
    train(tmp_path / "board", out=tmp_path / "run", resume=True)
    assert [scalar.step for scalar in read(tmp_path / "board").Scalars("loss/val")] == [1, 2]


def test_a_folder_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(
        UsageError, match=rf"TensorBoard's folder .*file{SLASH}board cannot be written to"
    ):
        Board(tmp_path / "file" / "board")


def test_without_tensorboard_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match="run pip install tensorboard, or leave"):
        Board(tmp_path)
