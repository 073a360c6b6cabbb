"""The work of the commands of `python -m googlenet_lib`; `__main__` has their options."""

import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from googlenet_lib.data import Data, load, make_batches
from googlenet_lib.data.cifar10 import find_batches
from googlenet_lib.data.folders import shorten
from googlenet_lib.data.load import BUILT_IN, SIDES
from googlenet_lib.device import describe_device, pick_device, seed_everything
from googlenet_lib.errors import UsageError, escape
from googlenet_lib.held_out import load_held_out
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.pretrained import load_network
from googlenet_lib.network.variants import find_variant
from googlenet_lib.network.weights import find_weights
from googlenet_lib.prediction import predict as predict_pictures
from googlenet_lib.settings import apply_overrides
from googlenet_lib.training.checkpoint import LAST, RUN_FILE, refuse_to_resume_nothing
from googlenet_lib.training.describe import describe_run
from googlenet_lib.training.fit import fit
from googlenet_lib.training.loop import EVALUATION_BATCH
from googlenet_lib.training.loop import evaluate as evaluate_network
from googlenet_lib.training.parallel import is_restart, join_group
from googlenet_lib.training.recipes import find_recipe
from googlenet_lib.training.run import Run
from googlenet_lib.training.tensorboard import Board


def train(
    *,
    command: str,
    recipe: str,
    variant: str,
    data: str,
    epochs: int | None,
    seed: int,
    out: Path | None,
    resume: bool,
    limit: int | None,
    device: str,
    set: list[str],
    vary: list[str],
    width: float,
    no_heads: bool,
    size: int | None,
    tensorboard: str | None,
    stream: bool,
    stratified: bool,
    note: str,
) -> None:
    """Train a network and record the run; under torchrun, together with its other processes.

    `command` is the command line that the record keeps.
    """
    chosen = find_recipe(recipe).override(set)
    if epochs is not None:
        chosen = replace(chosen, epochs=epochs)
    architecture = apply_overrides(find_variant(variant), vary, "--vary")
    out = Path(out or f"runs/{recipe}-{variant}-{Path(data).resolve().name}-{seed}")
    _refuse_output_as_data(data, out, tensorboard)
    with join_group(pick_device(device)) as (group, own_device):
        report = _say if group.is_main else (lambda line: None)
        if resume and not is_restart():
            refuse_to_resume_nothing(out)
        read = partial(load, data, size=size, stratified=stratified, stream=stream)
        pictures = read() if group.is_main else None
        group.barrier()  # what the first has downloaded, the others find
        pictures = pictures or read()
        if note:
            pictures = pictures.with_note(note)
        if limit is not None:
            pictures = pictures.limit(limit)
        seed_everything(seed)
        model = GoogLeNet(architecture, len(pictures.classes), heads=not no_heads, width=width)
        together = f"{group.world_size} processes on " if group.world_size > 1 else ""
        _report_start(
            report, model, pictures, chosen, f"{together}{describe_device(own_device)}", out
        )
        board = None
        if tensorboard is not None and group.is_main:
            board = Board(tensorboard or out / "tensorboard")
        try:
            result = fit(
                model,
                pictures,
                chosen,
                seed=seed,
                device=own_device,
                out=out,
                resume=resume or is_restart(),
                report=report,
                group=group,
                board=board,
            )
        except KeyboardInterrupt as stop:
            if (out / LAST).exists():
                stop.args = ("what was saved stays, and --resume goes on from it",)
            raise
        finally:
            if board:
                board.close()
        if group.is_main:
            run = describe_run(
                model, pictures, chosen, result, seed=seed, device=own_device, command=command
            )
            run.save(out / RUN_FILE)
            _report_end(report, run)


def _say(line: str) -> None:
    """Print at once, as a log file should show it; a full or closed one ends no training."""
    with suppress(OSError):
        print(line, flush=True)


def _report_start(report, model: GoogLeNet, data: Data, recipe, device: str, out: Path) -> None:
    report(
        f"{model.variant.name} ({sum(p.numel() for p in model.parameters()):,} parameters) by "
        f"recipe {recipe.name} on {data.name}: {len(data.train):,} training, "
        f"{len(data.validation):,} validation and {len(data.test):,} test pictures of "
        f"{data.image_size}x{data.image_size}, {recipe.epochs} epochs on {device}, into {out}"
    )
    if len(data.train) < recipe.batch_size:
        report(
            f"each epoch is a single step, since a batch takes {recipe.batch_size} pictures; "
            f"--set batch_size={max(2, len(data.train) // 8)} makes more of them"
        )


def _report_end(report, run: Run) -> None:
    flips = run.test_accuracy_flips
    report(
        f"validation accuracy {run.validation_accuracy:.4f} (epoch {run.best_epoch})  "
        f"test accuracy {run.test_accuracy:.4f} (best), {run.test_accuracy_last:.4f} (last)"
        + ("" if flips is None else f", {flips:.4f} (best, averaged over mirror images)")
    )
    if run.data == "digits":
        report(
            "next, real pictures: add --data cifar10, which downloads them into data/ once; "
            "python -m googlenet_lib train --help shows more"
        )


def _refuse_output_as_data(data: str, out: Path, tensorboard: str | None) -> None:
    """Raise UsageError for output among class folders, where it may be taken for a class."""
    root = Path(data).resolve()
    if data in BUILT_IN or not root.is_dir() or find_batches(root):
        return
    names = {name for names in SIDES.values() for name in names}
    sides = [place for place in root.iterdir() if place.name.lower() in names]
    for option, output in (("--out", out), ("--tensorboard", tensorboard)):
        path = Path(output).resolve() if output else Path()
        for place in sides or [root]:
            if place in path.parents and path.relative_to(place).parts[0] != "runs":
                elsewhere = os.path.relpath(root.parent / "runs" / path.name)
                raise UsageError(
                    f"{output} is among the pictures of {data}, and would be taken for "
                    f"some; give another place by {option}, such as {elsewhere}"
                )


def evaluate(*, weights: str, data: str, split: str | None, flips: bool, device: str) -> None:
    """Measure the accuracy of a trained network, on what its run held back."""
    path = find_weights(weights)
    model, info = load_network(weights)
    held = load_held_out(path, info, data, split)
    if held.classes != info.classes:
        raise UsageError(
            f"{path} tells {escape(shorten(info.classes))} apart, but {data} holds "
            f"{escape(shorten(held.classes))}; evaluate it on data with its own classes"
        )
    if held.pictures.image_size != info.image_size:
        raise UsageError(
            f"{path} takes pictures of {info.image_size} pixels a side, but {data} has "
            f"pictures of {held.pictures.image_size}; evaluate it on the data it was trained on"
        )
    if held.note:
        print(f"note: {held.note}", file=sys.stderr)
    own = pick_device(device)
    batches = make_batches(
        held.pictures, EVALUATION_BATCH, device=own, mean=info.mean, std=info.std
    )
    metrics = evaluate_network(model.to(own), batches, flips=flips)
    mirrored = ", each with its mirror image" if flips else ""
    print(
        f"{path} on {len(batches.labels):,} {held.title}{mirrored}: accuracy "
        f"{metrics.accuracy:.4f}, top 5 {metrics.top5:.4f}, loss {metrics.loss_main:.4f}",
        flush=True,  # a full disk is an error now, and not after the end
    )


def predict(*, pictures: list[str], weights: str, top: int, device: str) -> None:
    """Say what is on each picture; one that cannot be read does not stop the others."""
    model, info = load_network(weights)
    model.to(pick_device(device))
    faults = []
    for path in pictures:
        try:
            guesses = predict_pictures(model, info, [path], top)[0]
        except (UsageError, OSError) as error:
            faults.append(str(error))
            continue
        print(path)
        for guess in guesses:
            print(f"  {guess.probability:6.1%}  {escape(guess.label)}", flush=True)
    if faults:
        raise UsageError("\n".join(dict.fromkeys(faults)))
