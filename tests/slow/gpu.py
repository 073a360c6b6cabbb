"""What a GPU makes of GoogLeNet in seven minutes: steps, throughput, seconds to 94% on CIFAR-10.

    python tests/slow/gpu.py --seconds 420 --out FOLDER [--data cifar10] [--only a,b]
    python tests/slow/gpu.py --list

One process goes through a plan, the most valuable first; --list shows it. Each item has its share
of the time and stops itself. Each result is written as soon as it is there: a machine that is taken
away leaves what was finished. Afterwards the folder holds

    summary.json          what is finished, failed, cut off or not started, and why
    a-step.json, ...      an item's rows; one that could not be measured gives its reason
    d-94.safetensors, ... weights of the best seed on validation, without heads, in float16
    log.txt               what was said on the way, and errors in full

The same command again does what is missing. torch, numpy, Pillow, safetensors, filelock and tqdm
are needed, pooch and a network only where --data cifar10 has to fetch its pictures; without
torchvision the rows that need it are left out. --rehearse goes through everything in small; without
a GPU nothing else is done.

How steps are timed and compared stands in gpu_turns.py, what keeps to the budget in gpu_budget.py.
A training measures its pace first, before its clock starts, and from that takes as many epochs as
fit, so that its schedule ends in time. Rate, width and batch are chosen on validation; the test
side is looked at once, after a training's last epoch, without averaging over mirror images.
"""
# ruff: noqa: E402 (the budget counts from here, while importing torch takes seconds)

import time

START = time.monotonic()

import argparse
import json
import math
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE / "benchmarks")]  # nothing has to be installed

import torch
from gpu_budget import (
    NO_TIME,
    Item,
    Row,
    Stopped,
    Summary,
    go_through,
    in_a_line,
    log,
    logged,
    now,
    told_to_stop,
)
from gpu_scale import REAL, TINY, Kit, Scale
from gpu_trainings import (
    MOST_EPOCHS,
    TARGET,
    better,
    enlarged,
    keep_weights,
    pace_of,
    trained,
)
from gpu_turns import Way, arithmetic, race
from gpu_ways import (
    EAGER,
    GRAPHED,
    MORE_WAYS,
    WAYS,
    compiled,
    eager,
    graphed_with_loading,
    inference_ways,
    noise,
    training_ways,
    with_loading,
)
from training_step import all_ways, save_pictures, synchronise

from googlenet_lib import UsageError
from googlenet_lib.data import ImageSet, load
from googlenet_lib.device import describe_device, list_versions, pick_device
from googlenet_lib.training.recipes import CLASSROOM, FAST, IMAGENET

SEEDS = (0, 1, 2)
MORE_TIME = 0.3  # the share of throughput's time that is kept for more ways at one size
FILLED = 0.9  # the share of a training's time for its epochs; the rest is to begin and to test
IMAGENET_PICTURES, IMAGENET_EPOCHS = 1_281_167, 90


# What is measured: each yields rows


def steps(kit: Kit) -> Iterator[Row]:
    """Ours against the ways of others, in blocks with a network each."""
    scale, device = kit.scale, kit.device
    # seconds that would otherwise count as the first way's; who needs it says so if it is missing
    kit.attempt("torchvision", partial(import_module, "torchvision.models"))
    with tempfile.TemporaryDirectory() as folder:
        save_pictures(kit.files, Path(folder))
        blocks = all_ways(kit.files, Path(folder), device, batch=scale.batch, width=scale.width)
        for number, block in enumerate(blocks):
            ways = []
            for way in block:
                about = {"block": number, "variant": way.variant, "batch": scale.batch}
                about |= arithmetic(way.precision, way.channels_last, device)
                ways.append(Way(way.name, about, way.build))
            if number == 0:
                recipe = replace(CLASSROOM, batch_size=scale.batch, precision="auto")
                runs = {f"ours, {GRAPHED}": graphed_with_loading}
                network = {"variant": "classroom", "width": scale.width}
                ways += training_ways(runs, kit.files, recipe, device, **network)
            yield from race(kit, scale.turns, ways)


def throughput(kit: Kit) -> Iterator[Row]:
    """Pictures a second of `small` in training, by width and batch; then more ways, once."""
    scale, longest, reserve = kit.scale, 0.0, MORE_TIME * kit.left()
    kinds = corners_first(scale.batches, scale.widths)
    for batch, width in kinds:
        if kit.left() - longest < reserve:
            yield {"batch": batch, "width": width, "reason": NO_TIME}
            continue
        begun = time.monotonic()
        yield from raced(kit, batch, width, WAYS)
        longest = max(longest, time.monotonic() - begun)
    yield from raced(kit, *kinds[0], {EAGER: eager} | MORE_WAYS)


def corners_first(batches: Sequence[int], widths: Sequence[float]) -> list[tuple[int, float]]:
    """All pairs, those at the ends of both first: where time ends, the grid is known by them."""
    corners = product((batches[0], batches[-1]), (widths[0], widths[-1]))
    return list(dict.fromkeys([*corners, *product(batches, widths)]))


def raced(kit: Kit, batch: int, width: float, runs: dict[str, Callable]) -> list[Row]:
    """Ways to train `small`, at one width and one size of batch."""
    recipe = replace(FAST, batch_size=batch, schedule="constant")
    data = noise(2 * batch, 32, 10, kit.device)
    network = {"variant": "small", "width": width}
    return race(kit, kit.scale.turns, training_ways(runs, data, recipe, kit.device, **network))


def compilation(kit: Kit) -> Iterator[Row]:
    """The network through torch.compile, which may take minutes, against the step as it is."""
    runs = {EAGER: eager, "compiled": partial(compiled, backend=kit.scale.backend)}
    yield from raced(kit, kit.scale.batches[0], kit.scale.widths[0], runs)


def choice(kit: Kit) -> Iterator[Row]:
    """Short trainings of equal time: change one thing, and keep it if validation says so."""
    scale, best = kit.scale, None
    low, high = scale.try_seconds
    seconds = min(high, max(low, 0.55 * kit.left() / (1 + len(scale.tries))))
    for change in ({}, *({name: value} for name, value in scale.tries)):
        settings = {**(best["settings"] if best else scale.settings), **change}
        if kit.left() < seconds:
            yield {"settings": settings, "reason": NO_TIME}
            continue
        row = trained(kit, kit.data, FAST, settings, seed=0, seconds=seconds)[0]
        best = better(best, row)
        yield row


def chosen(kit: Kit) -> Row:
    """The row that validation chose; a row of settings alone where nothing was tried."""
    path, best = kit.out / PLAN["c"].file, None
    for row in json.loads(path.read_bytes())["rows"] if path.is_file() else []:
        best = better(best, row)
    return best or {"settings": kit.scale.settings, "validation_accuracy": 0.0}


def target(kit: Kit) -> Iterator[Row]:
    """94% in the least time. As many epochs as were enough for a try are enough here."""
    tried, seconds = chosen(kit), kit.scale.target_seconds
    enough = tried["epochs"] if tried["validation_accuracy"] >= TARGET else MOST_EPOCHS
    yield from seeds(kit, tried["settings"], seconds, PLAN["d"], enough)


def best_in_minutes(kit: Kit) -> Iterator[Row]:
    """As accurate as five minutes make it, or as many as there are."""
    settings = chosen(kit)["settings"]
    wider = {"width": max(settings["width"], kit.scale.best["width"])}
    yield from seeds(kit, settings | kit.scale.best | wider, kit.scale.best_seconds, PLAN["e"])


def seeds(
    kit: Kit, settings: Row, at_most: float, item: Item, epochs: int = MOST_EPOCHS
) -> Iterator[Row]:
    """The same training with each seed, each of the same number of epochs."""
    kit.attempt("pace", partial(pace_of, kit, kit.data, FAST, settings, "small"))
    seconds, best = min(at_most, FILLED * kit.left() / len(SEEDS)), None
    for seed in SEEDS:
        if kit.left() < seconds:
            yield {"settings": settings, "seed": seed, "reason": NO_TIME}
            continue
        options = {"seconds": seconds, "most": epochs, "test": True}
        row, trainer = trained(kit, kit.data, FAST, settings, seed=seed, **options)
        if trainer and better(best, row) is row:
            if best:
                best.pop("weights", None)  # their file is written anew
            best = row
            row["weights"] = keep_weights(kit, trainer, kit.data, item.stem)
        del trainer
        yield row


def classroom(kit: Kit) -> Iterator[Row]:
    """The walkthrough's network, recipe and epochs, on small and on enlarged pictures."""
    settings, sizes = kit.scale.classroom, kit.scale.classroom_sizes
    for number, size in enumerate(sizes):
        data = enlarged(kit.data, size)
        kit.attempt("pace", partial(pace_of, kit, data, CLASSROOM, settings, "classroom"))
        row, trainer = trained(
            kit,
            data,
            CLASSROOM,
            settings,
            seed=0,
            variant="classroom",
            seconds=FILLED * kit.left() / (len(sizes) - number),
            most=kit.scale.classroom_epochs,
            test=True,
        )
        if trainer:
            row["weights"] = keep_weights(kit, trainer, data, f"{PLAN['f'].stem}-{size}")
        del trainer
        yield {"size": size, **row}


def imagenet(kit: Kit) -> Iterator[Row]:
    """Pictures of 224 pixels a second, and how long ImageNet would take if they came as fast."""
    scale, size = kit.scale, kit.scale.imagenet_size
    runs = {**WAYS, f"{EAGER}, with loading": with_loading}
    network = {"variant": "torchvision", "width": scale.width}
    for batch in scale.imagenet_batches:
        data, recipe = noise(2 * batch, size, 1000, kit.device), replace(IMAGENET, batch_size=batch)
        ways = training_ways(runs, data, recipe, kit.device, **network)
        for row in race(kit, scale.turns, ways):
            if "ms" in row:
                hours = IMAGENET_PICTURES * IMAGENET_EPOCHS / row["pictures_per_second"] / 3600
                row[f"hours_of_{IMAGENET_EPOCHS}_epochs"] = hours
            yield {"size": size, **row}
        for row in race(kit, scale.turns, inference_ways(size, batch, scale.width, kit.device)):
            yield {"size": size, **row}


# The plan, and the command line

ITEMS = (  # name, title, what it says, rows, share, seconds at least, at most
    Item("a", "step", "a step: ours against the ways of others", steps, 60, 15, 120),
    Item("b", "throughput", "small in training, by width and batch", throughput, 110, 15, 180),
    Item("c", "recipe", "short trainings choose rate, width and batch", choice, 100, 25, 160),
    Item("d", "94", f"{TARGET:.0%} in the least time, three seeds", target, 130, 30, 170),
    Item("e", "best", "the best in five minutes, three seeds", best_in_minutes, 200, 60, 1100),
    Item("f", "classroom", "classroom at 32 and 96 pixels", classroom, 150, 40, 500),
    Item("g", "imagenet", "224 pixels, training and inference", imagenet, 60, 15, 120),
    Item("h", "compile", "small through torch.compile", compilation, 120, 60, 240),
)
PLAN = {item.name: item for item in ITEMS}
AT_FIRST = "a,b,c,d"  # what one go of seven minutes has time for


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=420, help="in all; default: 420")
    options.add_argument("--note", default="", help="on the data, such as 'JPEG q75'")
    options.add_argument("--out", type=Path, metavar="FOLDER", help="where results go")
    options.add_argument(
        "--data",
        metavar="DATA",
        help="cifar10, as train takes it, or its folder: class folders or the official batches",
    )
    options.add_argument(
        "--only", default=AT_FIRST, metavar="NAMES", help=f"such as e,f,g; default: {AT_FIRST}"
    )
    options.add_argument("--device", default="auto", help="auto (the default), cuda or cpu")
    options.add_argument("--rehearse", action="store_true", help="everything, in small")
    options.add_argument("--list", action="store_true", help="show the plan and end")
    return options


def main(arguments: list[str] | None = None, begun: float | None = None) -> int:
    """0 where all that was asked for is finished, 1 where not, 2 for a mistake in the command."""
    begun = time.monotonic() if begun is None else begun
    given = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(given)
    if options.list:
        print(listing())
        return 0
    try:
        if not 0 < options.seconds < math.inf:
            raise UsageError(f"--seconds {options.seconds:g} came; expected a number above 0")
        if options.out is None:
            raise UsageError("--out is missing; expected a folder for the results")
        items = wanted(options.only)
        with told_to_stop(), logged(options.out):
            return measure(options, items, shlex.join(given), begun)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (Stopped, KeyboardInterrupt) as error:
        print(f"stopped ({in_a_line(error)}); {options.out} holds what was done", file=sys.stderr)
        return 130


def listing() -> str:
    """The plan as a table."""
    lines = [f"{'name':6}{'share':>5}{'least':>7}{'most':>6} s  {'file':21}"]
    for item in ITEMS:
        numbers = f"{item.name:6}{item.share:5.0f}{item.least:7.0f}{item.most:6.0f}"
        lines.append(f"{numbers}    {item.file:21}{item.says}")
    return "\n".join([*lines, f"without --only: {AT_FIRST}"])


def wanted(names: str) -> list[Item]:
    """The items to go through, in the plan's order."""
    asked = [name.strip() for name in names.split(",")]
    if unknown := set(asked) - set(PLAN):
        raise UsageError(f"--only {names} came; {min(unknown)!r} is none of {', '.join(PLAN)}")
    return [item for item in ITEMS if item.name in asked]


def measure(options: argparse.Namespace, items: list[Item], command: str, begun: float) -> int:
    """Get everything ready, and go through the items."""
    device = pick_device(options.device)
    scale = TINY if options.rehearse or device.type == "cpu" else REAL
    items = [replace(item, least=item.least * scale.patience) for item in items]
    head = {
        "command": f"python tests/slow/gpu.py {command}",
        "began": now(),
        "rehearsal": ", ".join(why_rehearsal(device, scale, options.data)),
        "device": describe_device(device),
        "source": options.data or "shapes",
        "versions": list_versions(),
        "gpu": about_the_gpu(device),
    }
    summary = Summary(options.out, head, items)
    said = ", ".join(f"{name} {version}" for name, version in list_versions().items())
    log.info("%s, %s", head["device"], said)
    if head["rehearsal"]:
        log.warning("these will be no measurements: %s", head["rehearsal"])
    kit = prepared(options, device, scale, head)
    head["setup"]["before_the_first_item_s"] = time.monotonic() - begun
    go_through(kit, items, begun + options.seconds, summary)
    for name, state in summary.states.items():
        log.info("%s %s %s", name, state["state"], state["reason"])
    return 0 if all(summary.finished(item) for item in items) else 1


def why_rehearsal(device: torch.device, scale: Scale, data: str | None) -> list[str]:
    """Why results are no measurements; nothing where they are."""
    reasons = {
        "CPU rehearsal": device.type == "cpu",
        "tiny limits": scale is TINY,
        "built-in shapes in the place of CIFAR-10": data is None,
    }
    return [reason for reason, holds in reasons.items() if holds]


def about_the_gpu(device: torch.device) -> Row:
    """What tells one GPU from another; nothing elsewhere."""
    if device.type != "cuda":
        return {}
    found = torch.cuda.get_device_properties(device)
    return {
        "capability": f"{found.major}.{found.minor}",
        "memory_gib": found.total_memory / 2**30,
        "multiprocessors": found.multi_processor_count,
        "cudnn": torch.backends.cudnn.version(),
    }


def prepared(options: argparse.Namespace, device: torch.device, scale: Scale, head: Row) -> Kit:
    """Decode the pictures once and put them on the device; add to `head` what took how long."""
    begun = time.perf_counter()
    data = load(options.data or "shapes")
    data = data.with_note(options.note) if options.note else data
    if len(data.classes) != 10 or not isinstance(data.train, ImageSet) or data.image_size != 32:
        raise UsageError(
            f"--data {options.data} holds {len(data.classes)} classes; expected CIFAR-10, ten "
            "classes of pictures of 32x32"
        )
    data = data.limit(scale.pictures)
    decoded = time.perf_counter()
    names = ("train", "validation", "test")
    sides = {name: on_device(getattr(data, name), device) for name in names}
    synchronise(device)
    there = time.perf_counter()
    head["setup"] = {"decoding_s": decoded - begun, "to_the_device_s": there - decoded}
    head["data"] = {
        "name": data.name,
        "checksum": data.checksum,
        "note": data.note,
        **{f"{name}_pictures": len(sides[name]) for name in names},
    }
    log.info("%s: %s", data.name, head["setup"])
    return Kit(
        out=options.out,
        device=device,
        scale=scale,
        data=replace(data, **sides),
        files=data.limit(scale.files),
    )


def on_device(side: ImageSet, device: torch.device) -> ImageSet:
    return ImageSet(side.images.to(device), side.labels.to(device))


if __name__ == "__main__":
    sys.exit(main(begun=START))
