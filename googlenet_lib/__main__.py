"""The command line: python -m googlenet_lib train, evaluate, predict, doctor.

This module knows the options; `commands` does the work. Only the work imports torch, so that the
help and the shell's completion answer at once.
"""

import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Literal

try:
    import typer
except ModuleNotFoundError:  # the wrong Python, or an installation that failed
    sys.exit(
        f"error: {sys.executable} lacks what this course needs. Is the environment activated? In "
        "the course's folder: . .venv/bin/activate (on Windows: .venv\\Scripts\\activate). If it "
        "is, run python -m pip install -r requirements.txt"
    )

from googlenet_lib.errors import UsageError

# As RECIPES and VARIANTS say, whose modules import torch.
RecipeName = Literal["classroom", "quick", "fast", "paper", "imagenet"]
VariantName = Literal["paper", "torchvision", "classroom", "small"]

SCRIPT = "googlenet"  # what pip installs: a shell completes commands by their first word
PROGRAM = "python -m googlenet_lib"
NEXT_LINES = "\n\n\b\n"  # below it the help keeps lines as they are


def _format_examples(*lines: str, more: str = "") -> str:
    shown = "\n".join(["For example:", *(f"  {PROGRAM} {line}" for line in lines)])
    return f"\b\n{shown}" + (f"{NEXT_LINES}{more}" if more else "")


app = typer.Typer(
    help="GoogLeNet from the command line.",
    epilog=_format_examples("train", "predict picture.jpg", "train --help"),
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: for any console, at any width, in a log file
    pretty_exceptions_enable=False,
)

DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DATA",
        help="digits (scanned, built in), shapes (drawn, built in), cifar10, or a folder of class "
        "folders, with or without train/ and test/ or val/.",
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")
]


@app.command(
    epilog=_format_examples(
        "train",
        "train --recipe classroom --variant classroom \\\n      --data data/cifar10 "
        "--out runs/classroom-0",
        "train --set lr=0.05 --set flip=true --vary init=he",
        more="The folder of a run holds best.safetensors (weights of the best validation\nepoch), "
        "last.pt (all that --resume needs), history.json and, at the end,\nrun.json.",
    )
)
def train(
    context: typer.Context,
    recipe: Annotated[RecipeName, typer.Option("--recipe", help="How to train.")] = "quick",
    variant: Annotated[
        VariantName,
        typer.Option("--variant", help="Which GoogLeNet; small is for pictures of 32x32."),
    ] = "small",
    data: DataOption = "digits",
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", min=1, metavar="N", help="Passes over the data; default: the recipe's."
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", min=0, max=2**32 - 1, metavar="N", help="Decides weights, order and dropout."
        ),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Default: runs/RECIPE-VARIANT-DATA-SEED."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out after it was stopped.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, metavar="N", help="Use at most N pictures a side, for a quick try."
        ),
    ] = None,
    device: DeviceOption = "auto",
    set: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Change a field of the recipe, such as lr=0.05; may be repeated; is recorded.",
        ),
    ] = [],  # noqa: B006
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary",
            metavar="FIELD=VALUE",
            help="Change a field of the variant, such as init=he; may be repeated; is recorded.",
        ),
    ] = [],  # noqa: B006
    width: Annotated[
        float, typer.Option("--width", metavar="FACTOR", help="Multiplies the variant's channels.")
    ] = 1.0,
    no_heads: Annotated[
        bool, typer.Option("--no-heads", help="Train without the auxiliary heads.")
    ] = False,
    size: Annotated[
        int | None,
        typer.Option(
            "--size", metavar="PIXELS", help="The side of shapes and of pictures in folders."
        ),
    ] = None,
    tensorboard: Annotated[
        str | None,
        typer.Option(
            "--tensorboard",
            metavar="[FOLDER]",
            help="Write what tensorboard --logdir FOLDER shows; without FOLDER, tensorboard/ in "
            "the run's.",
        ),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream",
            help="Decode pictures in folders while training, as is done for those that would take "
            "more than 4 GiB.",
        ),
    ] = False,
    stratified: Annotated[
        bool, typer.Option("--stratified", help="The same share of every class for validation.")
    ] = False,
    note: Annotated[
        str,
        typer.Option("--note", metavar="TEXT", help="On the data, such as JPEG q75; is recorded."),
    ] = "",
) -> None:
    """Train a network and record the run."""
    with _report_mistakes(", or use a smaller --width, --size, --limit or --set batch_size"):
        from googlenet_lib import commands

        commands.train(**context.params, command=context.obj)


@app.command(epilog=_format_examples("evaluate runs/classroom-0 --data data/cifar10"))
def evaluate(
    context: typer.Context,
    weights: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="The folder of a run, a safetensors file, or a name: cifar10, shapes.",
        ),
    ],
    data: DataOption = "digits",
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        typer.Option(
            "--split",
            help="Default: test; of a folder without sides that it was not trained on, all of it.",
        ),
    ] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="Average over each picture and its mirror image.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Measure the accuracy of a trained network."""
    with _report_mistakes():
        from googlenet_lib import commands

        commands.evaluate(**context.params)


@app.command(
    epilog=_format_examples("predict cat.jpg dog.jpg", "predict cat.jpg --weights runs/classroom-0")
)
def predict(
    context: typer.Context,
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE", help="Picture files.")],
    weights: Annotated[
        str,
        typer.Option(
            "--weights",
            metavar="WEIGHTS",
            help="cifar10 (ours, ten classes), shapes (ours), imagenet (torchvision's, 1000 "
            "classes, downloaded once), the folder of a run or a safetensors file.",
        ),
    ] = "cifar10",
    top: Annotated[int, typer.Option("--top", min=1, metavar="N", help="How many labels.")] = 5,
    device: DeviceOption = "auto",
) -> None:
    """Say what is on a picture."""
    with _report_mistakes():
        from googlenet_lib import commands

        commands.predict(**context.params)


@app.command(epilog=_format_examples("doctor"))
def doctor() -> None:
    """Say what works here, and what to do about the rest."""
    with _report_mistakes():
        from googlenet_lib.doctor import format_report

        print(format_report())


@contextmanager
def _report_mistakes(use_less: str = "") -> Iterator[None]:
    """End with 2 and one line for what the caller can mend, and with 130 for Control-C.

    `use_less` says how the command takes less memory.
    """
    try:
        yield
    except UsageError as error:
        complaint = str(error)
    except ModuleNotFoundError as error:
        complaint = (
            f"{error.name} is not installed; in the course's folder run {sys.executable} -m pip "
            "install -r requirements.txt"
        )
    except KeyboardInterrupt as stop:
        print("; ".join(["\nstopped", *map(str, stop.args)]), file=sys.stderr)
        raise typer.Exit(130) from None
    except OSError as error:  # a name too long, a disk that is gone, no right to read
        place = f"{str(error.filename)[:200]}: " if error.filename else ""
        complaint = f"{place}{error.strerror or error}; mend that, and repeat the command"
    except (MemoryError, RuntimeError) as error:
        from googlenet_lib.device import is_memory_error

        if "DataLoader worker" in str(error):  # torch has no class of its own for this
            complaint = (
                f"a process that decodes pictures was ended ({error}), most often because memory "
                "ran out; go on with --resume, in a smaller --size if this comes again"
            )
        elif is_memory_error(error):
            complaint = f"memory ran out; close what else takes it{use_less}"
        else:
            raise
    else:
        return
    print(f"error: {complaint}", file=sys.stderr)
    raise typer.Exit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 for a mistake that the caller can mend."""
    given = sys.argv[1:] if arguments is None else arguments
    as_script = Path(sys.argv[0]).stem == SCRIPT or "completion" in "".join(given[:1])
    with _plain_console():
        try:
            app(
                _fill_tensorboard_folder(given),
                prog_name=SCRIPT if as_script else PROGRAM,
                obj=f"{PROGRAM} {shlex.join(given)}",
            )
        except SystemExit as end:
            return int(end.code or 0)


@contextmanager
def _plain_console() -> Iterator[None]:
    """Write letters that the console does not know as escapes, and warnings in one line each."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


def _fill_tensorboard_folder(words: list[str]) -> list[str]:
    """Give `--tensorboard` an empty value where no folder follows: Typer wants one."""
    expanded = []
    for word, after in zip_longest(words, words[1:], fillvalue="--"):
        expanded += [word, ""] if word == "--tensorboard" and after.startswith("-") else [word]
    return expanded


if __name__ == "__main__":
    sys.exit(main())
