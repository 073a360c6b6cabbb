"""The command line, run in this process: what it writes, prints and refuses."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from command_line import parse
from samples import noise_picture, write_class_folders

from googlenet_lib import commands
from googlenet_lib.__main__ import RecipeName, VariantName, main
from googlenet_lib.data import CIFAR10_CLASSES, load
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.variants import VARIANTS, Variant
from googlenet_lib.network.weights import read_weights, weights_to_bytes
from googlenet_lib.training.recipes import RECIPES
from googlenet_lib.training.run import find_run, read_run

CLASSES = ("cat", "cow", "dog")
TINY = ["--width", "0.0625", "--set", "batch_size=8", "--device", "cpu"]
FILES = ["best.safetensors", "history.json", "last.pt", "run.json"]


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """A folder of 8x8 pictures in three classes, with a side to test on."""
    root = tmp_path_factory.mktemp("data") / "pets"
    for side, count in (("train", 10), ("test", 6)):
        write_class_folders(root / side, CLASSES, count, size=(8, 8), seed=len(side))
    return root


@pytest.fixture(scope="module")
def trained(pets, tmp_path_factory):
    """The folder of a run that the command line made."""
    out = tmp_path_factory.mktemp("runs") / "classroom-0"
    arguments = ["train", "--recipe", "classroom", "--epochs", "2", "--seed", "3", *TINY]
    arguments += ["--vary", "init=he"]  # with logits that know the picture from the first
    assert main([*arguments, "--data", str(pets), "--out", str(out)]) == 0
    return out


def error_of(capsys, *arguments):
    """What a command that fails says, in one line of its own."""
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    (line,) = [line for line in captured.err.splitlines() if line.lower().startswith("error: ")]
    return line


# ---- train ---------------------------------------------------------------------------------------


def test_run_json_says_what_was_run(trained, pets):
    run = read_run(trained / "run.json")
    data = load(pets)
    assert (run.recipe, run.variant, run.width, run.seed) == ("classroom", "small", 0.0625, 3)
    assert run.settings["batch_size"] == 8
    assert (run.epochs, len(run.history)) == (2, 2)
    assert (run.data, run.data_checksum) == ("pets", data.checksum)
    pictures = (run.training_pictures, run.validation_pictures, run.test_pictures)
    assert pictures == (27, 3, 18)
    assert run.command.startswith("python -m googlenet_lib train --recipe classroom --epochs 2 ")
    assert run.command.endswith(f"--data {pets} --out {trained}")
    assert run.history == json.loads((trained / "history.json").read_text(encoding="utf-8"))
    assert read_weights(trained / "best.safetensors")[1].classes == CLASSES


def test_what_was_trained_is_printed(pets, tmp_path, capsys):
    arguments = ["--recipe", "classroom", "--epochs", "1", "--no-heads", "--limit", "10"]
    arguments += ["--data", str(pets), "--out", str(tmp_path), "--tensorboard"]
    assert main(["train", *arguments, *TINY]) == 0
    assert [*(tmp_path / "tensorboard").iterdir()]
    first, *epochs, last = capsys.readouterr().out.splitlines()
    assert (
        "recipe classroom on pets: 10 training, 3 validation and 10 test pictures of 8x8" in first
    )
    assert first.endswith(f"into {tmp_path}")
    assert len(epochs) == 1
    run = read_run(tmp_path / "run.json")
    assert not run.heads
    assert f"test accuracy {run.test_accuracy:.4f} (best), {run.test_accuracy_last:.4f}" in last


def test_training_on_digits_says_how_to_go_on_and_names_its_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["--epochs", "1", "--limit", "8", "--seed", "4", "--set", "precision=float32"]
    assert main(["train", *TINY, *arguments]) == 0
    assert (
        sorted(path.name for path in (tmp_path / "runs" / "quick-small-digits-4").iterdir())
        == FILES
    )
    assert "add --data cifar10" in capsys.readouterr().out.splitlines()[-1]


def test_variant_is_varied_and_that_is_recorded(pets, tmp_path, capsys):
    arguments = ["train", "--recipe", "classroom", "--epochs", "1", *TINY, "--data", str(pets)]
    arguments += ["--vary", "init=he", "--vary", "stem_pools=false,false", "--out", str(tmp_path)]
    assert main(arguments) == 0
    said = read_run(tmp_path / "run.json").variant_settings
    assert (said["name"], said["init"], said["stem_pools"]) == ("small", "he", [False, False])
    assert main(["evaluate", str(tmp_path), "--data", str(pets)]) == 0  # the file says so, too
    arguments[-3:] = ["batch_norm=false", "--out", str(tmp_path)]
    assert "variant.batch_norm=False" in error_of(capsys, *arguments, "--resume")


def test_a_run_is_gone_on_with_only_when_asked(pets, tmp_path, capsys):
    arguments = ["train", "--recipe", "classroom", "--epochs", "1", *TINY]
    arguments += ["--data", str(pets), "--out", str(tmp_path)]
    assert main(arguments) == 0
    before = (tmp_path / "last.pt").read_bytes()
    assert "already holds a run" in error_of(capsys, *arguments)
    assert "seed=0" in error_of(capsys, *arguments, "--resume", "--seed", "1")
    assert "training_side=" in error_of(capsys, *arguments, "--resume", "--stratified")
    assert main([*arguments, "--resume"]) == 0
    assert "going on after epoch 1 of 1" in capsys.readouterr().out
    assert (tmp_path / "last.pt").read_bytes() == before


def test_nothing_to_resume_is_told_unless_torchrun_has_restarted(
    pets, tmp_path, capsys, monkeypatch
):
    arguments = ["train", "--epochs", "1", *TINY, "--data", pets, "--resume", "--out"]
    line = error_of(capsys, *arguments, tmp_path / "mistyped")
    assert f"{tmp_path / 'mistyped'} holds no run to go on with; check --out" in line
    assert not (tmp_path / "mistyped").exists()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert main([*map(str, arguments), str(tmp_path / "restarted")]) == 0


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ("--recipe slow", "'classroom', 'quick'"),
        ("--speed 3", "--seed"),
        ("--epochs 0", "'--epochs'"),
        (f"--seed {2**32}", "4294967295"),
        ("--data cifar10", "CIFAR-10"),
        ("--width 1e9", "at most 8 times"),
        ("--size 2", "a size of 2 pixels"),
        ("--device cuda", "--device auto"),
        ("--set lr", "a value like lr="),
        ("--vary depth=9", "one of batch_norm"),
        ("--vary stem_stride=4 --vary min_size=1", "at least 29x29"),
        ("--set batch_size=1", "expected at least 2"),
        ("--set shift=32", "8x8"),
        ("--set lr=1e30 --set precision=float32", "step 2"),
        ("--variant paper", "at least 31x31"),
        (f"--out {'x' * 5000}", "name too long"),
    ],
)
def test_bad_input_ends_with_2_and_names_the_remedy(pets, tmp_path, capsys, options, remedy):
    out = tmp_path / "run"
    given = ["train", *TINY, "--data", pets, "--out", out, *options.split()]
    assert remedy in error_of(capsys, *given)
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize("saved", [True, False])
def test_control_c_is_no_traceback(tmp_path, monkeypatch, capsys, saved):
    def interrupted(*args, out, **kwargs):
        out.mkdir()
        if saved:
            (out / "last.pt").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "fit", interrupted)
    assert main(["train", *TINY, "--limit", "8", "--out", str(tmp_path / "run")]) == 130
    said = capsys.readouterr().err
    assert "stopped" in said
    assert ("--resume goes on from it" in said) == saved


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"),
        RuntimeError("DataLoader worker (pid 4711) is killed by signal: Killed."),
    ],
)
def test_a_lack_of_memory_is_told_in_one_line(tmp_path, monkeypatch, capsys, error):
    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr(commands, "fit", fails)
    line = error_of(capsys, "train", *TINY, "--limit", "8", "--out", tmp_path)
    assert "memory ran out; " in line
    assert "--size" in line


@pytest.mark.parametrize(
    ("data", "options", "refused"),
    [
        (".", [], False),  # into runs/, which is passed over
        (".", ["--out", "cat/x"], True),
        (".", ["--out", "../x", "--tensorboard", "board"], True),
        ("..", ["--out", "../test/x"], True),
        ("digits", [], False),
    ],
)
def test_output_that_would_be_taken_for_a_class_is_refused(
    tmp_path, monkeypatch, capsys, data, options, refused
):
    write_class_folders(tmp_path / "pets" / "train", CLASSES, 6, size=(8, 8))
    write_class_folders(tmp_path / "pets" / "test", CLASSES, 2, size=(8, 8))
    monkeypatch.chdir(tmp_path / "pets" / ("" if data == "train" else "train"))
    before = {*tmp_path.rglob("*")}
    arguments = ["train", *TINY, "--epochs", "1", "--limit", "8", "--data", data, *options]
    if refused:
        line = error_of(capsys, *arguments)
        assert "taken for some; give another place by --" in line
        assert {*tmp_path.rglob("*")} == before
    else:
        assert main(arguments) == 0


def test_a_training_outlasts_its_console(pets, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # nobody watches a progress bar
    for name in ("stdout", "stderr"):
        reader, writer = os.pipe()
        os.close(reader)
        monkeypatch.setattr(sys, name, os.fdopen(writer, "w", encoding="utf-8"))
    arguments = ["--epochs", "1", "--data", str(pets), "--out", str(tmp_path)]
    assert main(["train", *TINY, *arguments]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def full_disk():
    return Path("/dev/full").open("w", encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_answers_that_could_not_be_written_are_no_success(tmp_path, monkeypatch, capsys):
    noise_picture(0).save(tmp_path / "a.png")
    monkeypatch.setattr(sys, "stdout", full_disk())
    line = error_of(capsys, "predict", tmp_path / "a.png", "--weights", "shapes")
    assert "No space left on device" in line


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_letters_that_the_console_does_not_know_are_escaped(tmp_path, monkeypatch, encoding):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding, "strict"))
    noise_picture(0).save(tmp_path / "日本.png")
    assert main(["predict", str(tmp_path / "日本.png"), "--weights", "shapes"]) == 0
    assert ("日本" if encoding == "utf-8" else r"\u65e5") in written.getvalue().decode(encoding)


# ---- evaluate ------------------------------------------------------------------------------------


def test_evaluation_on_other_classes_is_refused(trained, capsys):
    line = error_of(capsys, "evaluate", trained, "--data", "digits")
    assert "tells cat, cow, dog apart, but digits holds 0, 1, 2" in line


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """A folder without sides, with a file that is no picture among the others."""
    root = tmp_path_factory.mktemp("flat") / "pets"
    write_class_folders(root, CLASSES, 14, size=(8, 8))
    for name in CLASSES:
        (root / name / "0000b.png").write_text("a text", encoding="utf-8")
    return root


def trained_on(flat, out, *options):
    """What run.json says of a run of one epoch."""
    arguments = ["--recipe", "classroom", "--epochs", "1", *TINY, "--vary", "init=he"]
    assert main(["train", *arguments, *options, "--data", str(flat), "--out", str(out)]) == 0
    return read_run(out / "run.json")


def measured(capsys, *arguments):
    """(pictures, side, accuracy, loss, note) as `evaluate` prints them."""
    capsys.readouterr()
    assert main(["evaluate", *map(str, arguments), "--device", "cpu"]) == 0
    printed = capsys.readouterr()
    found = re.search(
        r" on (\d+) (.*)pictures of .*accuracy ([\d.]+), .*loss ([\d.]+)", printed.out
    )
    note = re.search("note: .*", printed.err)
    return int(found[1]), found[2].strip(), found[3], float(found[4]), note[0] if note else ""


@pytest.mark.filterwarnings("ignore:.* of .* files were", "ignore:no picture of")
@pytest.mark.parametrize(
    ("folder", "options"),
    [
        ("pets", []),
        ("flat", ["--stratified", "--size", "16"]),
        ("flat", ["--stream", "--limit", "3"]),  # takes seconds: its workers are processes
    ],
)
def test_evaluation_measures_what_training_held_back(request, tmp_path, capsys, folder, options):
    data = request.getfixturevalue(folder)
    run = trained_on(data, tmp_path / "run", *options)
    count, side, accuracy, _, note = measured(capsys, tmp_path / "run", "--data", data)
    assert (count, side, note) == (run.test_pictures, "test", "")
    assert accuracy == f"{run.test_accuracy:.4f}"
    count, _, accuracy, loss, note = measured(
        capsys, tmp_path / "run" / "best.safetensors", "--data", data, "--split", "validation"
    )
    assert (count, note) == (run.validation_pictures, "")
    assert accuracy == f"{run.validation_accuracy:.4f}"
    assert loss == pytest.approx(run.history[0]["val_loss_main"], abs=2e-4)
    assert run.split == read_weights(tmp_path / "run" / "best.safetensors")[1].split


@pytest.mark.filterwarnings("ignore:.* of .* files were", "ignore:no picture of")
def test_folder_that_a_run_was_not_trained_on_is_measured_whole(flat, pets, tmp_path, capsys):
    trained_on(flat, tmp_path / "run")
    unsure = "accuracy on pictures that were seen in training is too high"
    for weights in (tmp_path / "run", tmp_path / "run" / "best.safetensors"):
        count, side, *_, note = measured(capsys, weights, "--data", pets / "test")
        assert (count, side) == (18, "")
        assert unsure in note
        assert "is not the data that" in note
    few = tmp_path / "few"
    write_class_folders(few, CLASSES, 1, size=(8, 8), seed=3)
    assert measured(capsys, tmp_path / "run", "--data", few)[0] == 3
    count, side, *_, note = measured(
        capsys, tmp_path / "run", "--data", pets / "test", "--split", "test"
    )
    assert (count, side) == (1, "test")
    assert unsure in note
    changed = shutil.copytree(flat, tmp_path / "changed")
    (changed / "cat" / "0001.png").unlink()
    count, side, *_, note = measured(capsys, tmp_path / "run", "--data", changed)
    assert (count, side) == (41, "")
    assert "or was changed since" in note


@pytest.mark.filterwarnings("ignore:.* of .* files were", "ignore:no picture of")
def test_weights_that_do_not_say_what_they_were_trained_on(flat, tmp_path, capsys):
    trained_on(flat, tmp_path)
    tensors, info = read_weights(tmp_path / "best.safetensors")
    content = weights_to_bytes(tensors, replace(info, split=None))
    (tmp_path / "best.safetensors").write_bytes(content)
    count, side, *_, note = measured(capsys, tmp_path, "--data", flat)
    assert (count, side) == (42, "")
    assert "does not say what it was trained on" in note


def test_evaluation_at_another_size_blames_no_option(trained, tmp_path, capsys):
    digits = tmp_path / "best.safetensors"
    info = read_weights(trained / "best.safetensors")[1]
    model = GoogLeNet(Variant(**info.details), 10, width=info.width)
    info = replace(info, classes=tuple("0123456789"), image_size=16, split=None)
    digits.write_bytes(weights_to_bytes(model.state_dict(), info))
    line = error_of(capsys, "evaluate", digits, "--data", "digits")
    assert "takes pictures of 16 pixels a side, but digits has pictures of 32" in line
    assert "--size" not in line


# ---- predict, doctor, help -----------------------------------------------------------------------


def test_prediction(trained, tmp_path, capsys):
    pictures = [tmp_path / "one.png", tmp_path / "two.jpg"]
    for seed, path in enumerate(pictures):
        noise_picture(seed, (30, 20)).save(path)
    weights = ["--weights", str(trained / "best.safetensors"), "--device", "cpu"]
    assert main(["predict", *map(str, pictures), *weights]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], lines[4]] == list(map(str, pictures))
    for start in (1, 5):
        shares = [
            re.fullmatch(r" +([\d.]+)%  (cat|cow|dog)", line) for line in lines[start : start + 3]
        ]
        assert {share[2] for share in shares} == set(CLASSES)
        assert sum(float(share[1]) for share in shares) == pytest.approx(100, abs=0.2)
    assert main(["predict", str(pictures[0]), *weights, "--top", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == lines[:2]


def test_terminal_codes_in_class_names_are_not_obeyed(trained, tmp_path, capsys):
    noise_picture(0).save(tmp_path / "a.png")
    tensors, info = read_weights(trained / "best.safetensors")
    path = tmp_path / "best.safetensors"
    path.write_bytes(weights_to_bytes(tensors, replace(info, classes=("\x1b[2J", "a\nb", "\x07"))))
    assert main(["predict", str(tmp_path / "a.png"), "--weights", str(path)]) == 0
    printed = capsys.readouterr().out
    for name in (r"\x1b[2J", r"a\nb", r"\x07"):
        assert name in printed
    assert "\x1b" not in printed
    assert "\x1b" not in error_of(capsys, "evaluate", path, "--data", "digits")


def test_prediction_needs_no_weights_of_your_own(tmp_path, capsys):
    noise_picture(0).save(tmp_path / "a.png")
    assert main(["predict", str(tmp_path / "a.png")]) == 0
    labels = re.findall(r"% +(\w+)$", capsys.readouterr().out, re.MULTILINE)
    assert len(labels) == 5
    assert set(labels) < set(CIFAR10_CLASSES)


def test_one_bad_picture_does_not_keep_the_others_from_their_turn(tmp_path, capsys):
    noise_picture(0).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("a text", encoding="utf-8")
    noise_picture(1).save(tmp_path / "c.png")
    paths = [str(tmp_path / name) for name in ("a.png", "b.png", "x" * 300, "y" * 5000, "c.png")]
    assert main(["predict", *paths, "--weights", "shapes"]) == 2
    printed = capsys.readouterr()
    lines = [line for line in printed.out.splitlines() if line.endswith("png")]
    assert lines == [paths[0], paths[-1]]
    assert "b.png could not be read" in printed.err
    assert "too long" in printed.err


def test_evaluation_of_committed_weights_by_name(capsys):
    assert main(["evaluate", "shapes", "--data", "shapes"]) == 0
    accuracy = re.search(r"accuracy (0\.\d+|1\.0+)", capsys.readouterr().out)[1]
    assert float(accuracy) == pytest.approx(find_run("shapes-0").test_accuracy_rounded)
    assert "tells circle" in error_of(capsys, "evaluate", "shapes", "--data", "digits")


def test_doctor_prints_every_check(capsys):
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for name in ("versions", "device", "disk", "cifar10", "network"):
        assert re.search(rf"^(ok |-> ) {name} ", printed, re.MULTILINE)
    assert "offline" in printed


COMMANDS = ["train", "evaluate", "predict", "doctor"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_plain_narrow_and_its_examples_can_be_parsed(capsys, command):
    assert main([command, "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert max(map(len, printed.splitlines())) <= 80
    examples = printed.partition("For example:")[2].partition("\n\n")[0].replace("\\\n", "")
    found = re.findall(r"python -m googlenet_lib (\w+)(.*)", examples)
    assert found
    for name, options in found:
        parse(f"{name} {options}")


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 2
    printed = capsys.readouterr()
    assert all(command in printed.err + printed.out for command in COMMANDS)


def test_names_in_the_help_are_those_that_there_are():
    assert get_args(RecipeName) == tuple(RECIPES)
    assert get_args(VariantName) == tuple(VARIANTS)


QUIET = """
import sys
from googlenet_lib.__main__ import main
main(["train", "--help"])
assert "torch" not in sys.modules
assert "matplotlib" not in sys.modules
"""


@pytest.mark.parametrize(("lacks", "status"), [("typer", 1), ("torch", 2)])
def test_what_is_not_installed_is_told_and_no_traceback(lacks, status):
    """As `doctor` finds it, after an installation that failed or with the wrong Python."""
    script = f"import runpy, sys; sys.modules[{lacks!r}] = None; sys.argv[1:] = ['doctor']\n"
    script += "runpy.run_module('googlenet_lib', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8")
    assert done.returncode == status
    assert "pip install -r requirements.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_imports_no_torch():
    subprocess.run([sys.executable, "-c", QUIET], check=True, capture_output=True)


def test_the_shell_completes():
    typed = "googlenet train --recipe cl"
    environment = os.environ | {
        "_GOOGLENET_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    script = "import sys; sys.argv[0] = 'googlenet'\n"
    script += "from googlenet_lib.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, encoding="utf-8"
    )
    assert "classroom" in done.stdout.split()
