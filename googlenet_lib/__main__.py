"""The command line: python -m googlenet_lib train, evaluate, predict, doctor."""

import argparse
import os
import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from googlenet_lib.checkpoints import LAST, refuse_to_resume_nothing
from googlenet_lib.console import steady_console
from googlenet_lib.data import load, make_batches
from googlenet_lib.data.cifar10 import batches_in
from googlenet_lib.data.folders import shorten
from googlenet_lib.data.load import BUILT_IN, SIDES
from googlenet_lib.distributed import Workers, joined, restarted
from googlenet_lib.doctor import report
from googlenet_lib.errors import UsageError, shown
from googlenet_lib.fitting import fit
from googlenet_lib.model import GoogLeNet
from googlenet_lib.platforms import (
    device_name,
    pick_device,
    ran_out_of_memory,
    seed_everything,
)
from googlenet_lib.predict import load_network, predict
from googlenet_lib.recipes import QUICK, RECIPES, Recipe, find_recipe
from googlenet_lib.runs import RUN_FILE, describe_run, held_back
from googlenet_lib.settings import changed
from googlenet_lib.tensorboard import Board
from googlenet_lib.training import EVALUATION_BATCH, evaluate
from googlenet_lib.variants import VARIANTS, find_variant
from googlenet_lib.weights import find_weights

DEVICE_HELP = "auto (the default), cpu, cuda or mps"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 for a mistake that the caller can mend."""
    given = sys.argv[1:] if arguments is None else arguments
    with steady_console() as output:
        options = parser().parse_args(given)
        options.command_line = "python -m googlenet_lib " + shlex.join(given)
        code = _run(options)
        output.flush()
        if code == 0 and output.lost and not isinstance(output.lost, BrokenPipeError):
            trained = options.run is train  # whose results are in its folder
            kind, code = ("warning", 0) if trained else ("error", 2)
            reason = output.lost.strerror
            print(f"{kind}: what this command says was not written ({reason})", file=sys.stderr)
    return code


def _run(options: argparse.Namespace) -> int:
    try:
        options.run(options)
    except UsageError as error:
        _complain(error)
        return 2
    except KeyboardInterrupt:
        saved = options.run is train and options.out and (options.out / LAST).exists()
        more = "; what was saved stays, and --resume goes on from it" if saved else ""
        print(f"\nstopped{more}", file=sys.stderr)
        return 130
    except OSError as error:  # a name too long, a disk that is gone, no right to read
        place = f"{str(error.filename)[:200]}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}; mend that, and repeat the command")
        return 2
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
        less = ", or use a smaller --width, --size, --limit or --set batch_size"
        _complain(f"memory ran out; close what else takes it{less * (options.run is train)}")
        return 2
    return 0


def _complain(what: object) -> None:
    print(f"error: {what}", file=sys.stderr)


def train(options: argparse.Namespace) -> None:
    """Train a network and record the run; under torchrun, together with its other processes."""
    recipe = find_recipe(options.recipe).changed(options.set)
    if options.epochs is not None:
        recipe = replace(recipe, epochs=options.epochs)
    if not 0 <= options.seed < 2**32:
        raise UsageError(f"--seed {options.seed} came; expected 0 to {2**32 - 1}")
    with joined(pick_device(options.device)) as (workers, device):
        # at once, so that a log file shows each epoch as it ends
        say = partial(print, flush=True) if workers.first else (lambda line: None)
        _train(options, recipe, workers, device, say)


def _train(options, recipe: Recipe, workers: Workers, device: torch.device, say) -> None:
    named = f"{recipe.name}-{options.variant}-{Path(options.data).resolve().name}-{options.seed}"
    _refuse_output_as_data(options)
    out = options.out = options.out or Path("runs") / named
    if options.resume and not restarted():
        refuse_to_resume_nothing(out)
    read = partial(
        load,
        options.data,
        size=options.size,
        stratified=options.stratified,
        stream=options.stream,
    )
    data = read() if workers.first else None
    workers.wait()  # what the first has downloaded, the others find
    data = data or read()
    if options.note:
        data = data.noted(options.note)
    if options.limit is not None:
        data = data.limited(options.limit)
    seed_everything(options.seed)
    model = GoogLeNet(
        changed(find_variant(options.variant), options.vary, "--vary"),
        len(data.classes),
        heads=not options.no_heads,
        width=options.width,
    )
    together = f"{workers.count} processes on " if workers.count > 1 else ""
    say(
        f"{options.variant} ({sum(p.numel() for p in model.parameters()):,} parameters) by recipe "
        f"{recipe.name} on {data.name}: {len(data.train):,} training, {len(data.validation):,} "
        f"validation and {len(data.test):,} test pictures of {data.image_size}x{data.image_size}, "
        f"{recipe.epochs} epochs on {together}{device_name(device)}, into {out}"
    )
    if len(data.train) < recipe.batch_size:
        say(
            f"each epoch is a single step, since a batch takes {recipe.batch_size} pictures; "
            f"--set batch_size={max(2, len(data.train) // 8)} makes more of them"
        )
    board = None
    if options.tensorboard is not None and workers.first:
        board = Board(options.tensorboard or out / "tensorboard")
    try:
        result = fit(
            model,
            data,
            recipe,
            seed=options.seed,
            device=device,
            out=out,
            resume=options.resume or restarted(),
            report=say,
            workers=workers,
            board=board,
        )
    finally:
        if board:
            board.close()
    if not workers.first:
        return
    run = describe_run(
        model, data, recipe, result, seed=options.seed, device=device, command=options.command_line
    )
    run.save(out / RUN_FILE)
    flips = run.test_accuracy_flips
    say(
        f"validation accuracy {run.validation_accuracy:.4f} (epoch {run.best_epoch})  "
        f"test accuracy {run.test_accuracy:.4f} (best), {run.test_accuracy_last:.4f} (last)"
        + ("" if flips is None else f", {flips:.4f} (best, averaged over mirror images)")
    )
    if options.data == "digits":
        say(
            "next, real pictures: add --data cifar10, which downloads them into data/ once; "
            "python -m googlenet_lib train --help shows more"
        )


def _refuse_output_as_data(options: argparse.Namespace) -> None:
    """What lies among class folders may be taken for a class, but for the usual runs/."""
    data = Path(options.data).resolve()
    if options.data in BUILT_IN or not data.is_dir() or batches_in(data):
        return
    names = {name for names in SIDES.values() for name in names}
    sides = [place for place in data.iterdir() if place.name.lower() in names]
    for option, output in (("--out", options.out), ("--tensorboard", options.tensorboard)):
        path = Path(output).resolve() if output else Path()
        for place in sides or [data]:
            if place in path.parents and path.relative_to(place).parts[0] != "runs":
                elsewhere = os.path.relpath(data.parent / "runs" / path.name)
                raise UsageError(
                    f"{output} is among the pictures of {options.data}, and would be taken for "
                    f"some; give another place by {option}, such as {elsewhere}"
                )


def evaluate_run(options: argparse.Namespace) -> None:
    """Measure the best weights of a run once more."""
    path = find_weights(options.weights)
    model, info = load_network(options.weights)
    data = held_back(path, info, options.data, options.split)
    if data.classes != info.classes:
        raise UsageError(
            f"{path} tells {shown(shorten(info.classes))} apart, but {options.data} holds "
            f"{shown(shorten(data.classes))}; evaluate it on data with its own classes"
        )
    if data.pictures.image_size != info.image_size:
        raise UsageError(
            f"{path} takes pictures of {info.image_size} pixels a side, but {options.data} has "
            f"pictures of {data.pictures.image_size}; evaluate it on the data it was trained on"
        )
    if data.note:
        print(f"note: {data.note}", file=sys.stderr)
    device = pick_device(options.device)
    batches = make_batches(
        data.pictures, EVALUATION_BATCH, device=device, mean=info.mean, std=info.std
    )
    metrics = evaluate(model.to(device), batches, flips=options.flips)
    mirrored = ", each with its mirror image" if options.flips else ""
    print(
        f"{path} on {len(batches.labels):,} {data.says}{mirrored}: accuracy "
        f"{metrics.accuracy:.4f}, top 5 {metrics.top5:.4f}, loss {metrics.loss_main:.4f}"
    )


def predict_pictures(options: argparse.Namespace) -> None:
    """Say what is on each picture."""
    model, info = load_network(options.weights)
    model.to(pick_device(options.device))
    faults = []
    for path in options.pictures:
        try:
            guesses = predict(model, info, [path], options.top)[0]
        except (UsageError, OSError) as error:  # the others are to have their turn
            faults.append(str(error))
            continue
        print(path)
        for guess in guesses:
            print(f"  {guess.probability:6.1%}  {shown(guess.label)}")
    if faults:
        raise UsageError("\n".join(dict.fromkeys(faults)))


def doctor(options: argparse.Namespace) -> None:
    """Say what works here, and what to do about the rest."""
    print(report())


def parser() -> argparse.ArgumentParser:
    """The commands and their options; the help is meant to teach."""
    top = argparse.ArgumentParser(
        prog="python -m googlenet_lib",
        description="GoogLeNet from the command line.",
        epilog="Start with: python -m googlenet_lib train",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands)
    evaluation = _command(
        commands,
        "evaluate",
        evaluate_run,
        "measure the accuracy of a trained network",
        "python -m googlenet_lib evaluate runs/classroom-0 --data data/cifar10",
    )
    evaluation.add_argument(
        "weights",
        metavar="RUN",
        help="the folder of a run, a safetensors file, or a name: cifar10, shapes",
    )
    _add_data(evaluation)
    evaluation.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        help="default: test; of a folder without sides that it was not trained on, all of it",
    )
    evaluation.add_argument(
        "--flips", action="store_true", help="average over each picture and its mirror image"
    )
    prediction = _command(
        commands,
        "predict",
        predict_pictures,
        "say what is on a picture",
        "python -m googlenet_lib predict cat.jpg\n"
        "  python -m googlenet_lib predict cat.jpg --weights runs/classroom-0/best.safetensors",
    )
    prediction.add_argument("pictures", nargs="+", metavar="PICTURE")
    prediction.add_argument(
        "--weights",
        default="cifar10",
        metavar="WEIGHTS",
        help="cifar10 (ours, ten classes; the default), shapes (ours), imagenet (torchvision's, "
        "1000 classes, downloaded once), the folder of a run or a safetensors file",
    )
    prediction.add_argument("--top", type=int, default=5, help="how many labels; default: 5")
    for command in (evaluation, prediction):
        command.add_argument("--device", default="auto", help=DEVICE_HELP)
    _command(
        commands,
        "doctor",
        doctor,
        "say what works here, and what to do about the rest",
        "python -m googlenet_lib doctor",
    )
    return top


def _command(commands, name: str, run, summary: str, example: str) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"For example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data",
        default="digits",
        metavar="DATA",
        help="digits (scanned, built in; the default), shapes (drawn, built in), cifar10, or a "
        "folder of class folders, with or without train/ and test/ or val/",
    )


def _add_train(commands) -> None:
    command = _command(
        commands,
        "train",
        train,
        "train a network and record the run",
        "python -m googlenet_lib train\n"
        "  python -m googlenet_lib train --recipe classroom --variant classroom "
        "--data data/cifar10 --out runs/classroom-0\n\n"
        "The folder of a run holds best.safetensors (weights of the best validation epoch),\n"
        "last.pt (all that --resume needs), history.json and, at the end, run.json.",
    )
    command.add_argument(
        "--recipe",
        default=QUICK.name,
        metavar="NAME",
        help=f"how to train: {', '.join(RECIPES)}; default: {QUICK.name}",
    )
    command.add_argument(
        "--variant",
        default="small",
        metavar="NAME",
        help=f"which GoogLeNet: {', '.join(VARIANTS)}; default: small, for 32x32 pictures",
    )
    _add_data(command)
    command.add_argument("--epochs", type=int, help="passes over the data; default: the recipe's")
    command.add_argument(
        "--seed", type=int, default=0, help="decides weights, order and dropout; default: 0"
    )
    command.add_argument(
        "--out", type=Path, metavar="FOLDER", help="default: runs/RECIPE-VARIANT-DATA-SEED"
    )
    command.add_argument(
        "--resume", action="store_true", help="go on with the run in --out after it was stopped"
    )
    command.add_argument(
        "--limit", type=int, metavar="N", help="use at most N pictures a side, for a quick try"
    )
    command.add_argument("--device", default="auto", help=DEVICE_HELP)
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change one field of the recipe, such as lr=0.05; may be repeated; is recorded",
    )
    command.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change one field of the variant, such as init=he; may be repeated; is recorded",
    )
    command.add_argument(
        "--width", type=float, default=1.0, help="multiplies the variant's channels; default: 1"
    )
    command.add_argument(
        "--no-heads", action="store_true", help="train without the auxiliary heads"
    )
    command.add_argument(
        "--size", type=int, metavar="PIXELS", help="of shapes and of pictures in folders"
    )
    command.add_argument(
        "--tensorboard",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="write what tensorboard --logdir FOLDER shows; default: tensorboard/ in the run's",
    )
    command.add_argument(
        "--stream",
        action="store_true",
        help="decode pictures in folders while training, as is done for those that would take "
        "more than 4 GiB",
    )
    command.add_argument(
        "--note", default="", metavar="TEXT", help="on the data, such as JPEG q75; is recorded"
    )
    command.add_argument(
        "--stratified", action="store_true", help="the same share of every class for validation"
    )


if __name__ == "__main__":
    sys.exit(main())
