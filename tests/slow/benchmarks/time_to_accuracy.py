"""How long each way of training a GoogLeNet takes to 70%, 75.7% and 85% on CIFAR-10.

    python tests/slow/benchmarks/time_to_accuracy.py --data cifar10 --out runs/time-to-accuracy

All ways train in one process on the same cores and images. They take turns, so that a busy machine
slows all of them alike; a clock runs only while its way trains. After every tenth of an epoch the
accuracy is measured on the 5,000 validation images, with the clock stopped. A way ends where it
has reached `--until`, where its recipe ends, or after `--minutes` of its own. Beside the minutes
stand the multiply-adds of training until then, three times those of the forward passes,
heads included, at the size that the images had: no machine changes them.

Each turn is written at once. The same command again goes on where this was cut off, and with more
`--minutes` or other `--ways` it goes further: images are drawn in a new order, and the rest is as
it was. It refuses to go on where the processor, the threads, the packages or the seed are others.

A few seeds more, as far as the accuracy that the walkthrough publishes:

    python tests/slow/benchmarks/time_to_accuracy.py --seed 1 --until 0.757 \
        --ways walkthrough "fast, 1 epoch" "fast, 2 epochs" --out runs/time-to-accuracy-1

    walkthrough            the Colab walkthrough's network and loop, each image made one by one
    ImageNet script        the script's loop on that network, its errors mended, its rate of 0.1,
                           image files read by two processes
    torchvision            torchvision's network in a plain loop, images ready in memory
    full resolution        the popular GoogLeNet whose stem is one 3x3 (kuangliu/pytorch-cifar)
    tutorial               the reduced GoogLeNet of UvA's deep learning tutorial 5
    fast, N epochs         ours: `small` by recipe `fast`, whose schedule ends after N epochs
    fast-128, N epochs     the same with batches of 128 images at a rate of 0.05

The two networks of others are rebuilt in small_nets.py, and follow their published recipes.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import torch
from small_nets import build_full_resolution, build_tutorial
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import (
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    ToTensor,
)
from training_step import (
    BATCH,
    SIZE,
    InMemory,
    Step,
    forever,
    save_pictures,
    the_scripts_way,
    the_walkthroughs_way,
    torchvisions_way,
    training_macs,
)

from googlenet_lib import googlenet
from googlenet_lib.data import Data, ImageSet, load, normalise
from googlenet_lib.device import (
    describe_device,
    keep_freed_memory,
    list_versions,
    pick_precision,
    seed_everything,
)
from googlenet_lib.training.checkpoint import write_atomically
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import FAST

TARGETS = (0.70, 0.757, 0.85)  # the second is what the walkthrough publishes
CPU = torch.device("cpu")
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET_STATISTICS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LOOKS = 10  # at validation, in each epoch
TIME_OVER = "its minutes were over"
count_macs = cache(training_macs)  # of a network at a size, asked at every step


@dataclass
class Training:
    """A step that is made again and again, until its recipe ends, and what its images look like."""

    step: Step
    statistics: tuple[tuple[float, ...], tuple[float, ...]]  # mean and std of its images
    precision: str = "float32"
    last: float = math.inf  # steps
    side: Callable[[int], int] = lambda step: SIZE  # of its images at a step, in pixels

    def macs(self, step: int) -> int:
        """Return the multiply-adds of one image's training at a step."""
        return count_macs(self.step.model, self.side(step))

    def accuracy(self, images: ImageSet) -> float:
        """Return the share of `images` that the network gets right."""
        model, right = self.step.model.eval(), 0
        with torch.inference_mode(), pick_precision(CPU, self.precision).autocast():
            for start in range(0, len(images), 250):
                some = images[start : start + 250]
                logits = model(normalise(some.images, *self.statistics))
                right += (logits.argmax(1) == some.labels).sum().item()
        model.train()
        return right / len(images)


@dataclass
class Record:
    """What is known of a way so far, as it is written."""

    way: str
    parameters: int
    machine: str
    seed: int = 0
    seconds: float = 0.0
    images: int = 0
    macs: int = 0
    steps: int = 0
    looks: list[dict[str, float]] = field(default_factory=list)
    ended: str = ""

    def reached(self, target: float) -> dict[str, float] | None:
        """Return the first look that reached `target`, or None."""
        return next((look for look in self.looks if look["accuracy"] >= target), None)


def describe_machine() -> str:
    """Say what a clock depends on: threads, vector units, torch."""
    found = getattr(torch.cpu, "get_capabilities", dict)()
    units = [name for name in ("avx512_bf16", "amx_bf16") if found.get(name)]
    return ", ".join([describe_device(CPU), *units, f"torch {torch.__version__}"])


# ---- the ways --------------------------------------------------------------------------------


def walkthrough(data: Data, folder: Path, seed: int) -> Training:
    return Training(the_walkthroughs_way(data, 0, BATCH, 1.0, CPU), HALF)


def imagenet_script(data: Data, folder: Path, seed: int) -> Training:
    save_pictures(data, folder)
    return Training(the_scripts_way(folder, "auto", BATCH, 1.0, CPU), IMAGENET_STATISTICS, "auto")


def torchvisions(data: Data, folder: Path, seed: int) -> Training:
    return Training(torchvisions_way(data, BATCH, CPU, init_weights=True), HALF)


def full_resolution(data: Data, folder: Path, seed: int) -> Training:
    statistics = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
    changes = [RandomCrop(32, padding=4), RandomHorizontalFlip()]
    model = build_full_resolution()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=200)
    step = plain_step(data, changes, statistics, model, optimiser, scheduler)
    return Training(step, statistics)


def tutorial(data: Data, folder: Path, seed: int) -> Training:
    statistics = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    crop = RandomResizedCrop(32, scale=(0.8, 1.0), ratio=(0.9, 1.1))
    model = build_tutorial()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones=[100, 150])
    changes = [RandomHorizontalFlip(), crop]
    step = plain_step(data, changes, statistics, model, optimiser, scheduler)
    return Training(step, statistics)


def plain_step(
    data: Data,
    changes: list[Callable],
    statistics: tuple[tuple[float, ...], tuple[float, ...]],
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
) -> Step:
    """A step of the plainest loop, in float32, whose rate changes after each epoch."""
    images = InMemory(data, Compose([*changes, ToTensor(), Normalize(*statistics)]))
    loader = DataLoader(images, BATCH, shuffle=True, num_workers=2, persistent_workers=True)

    def batches() -> Iterator:
        while True:
            yield from loader
            scheduler.step()

    def update(images, labels):
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        (logits.argmax(1) == labels).sum().item()
        return loss.item()

    parts = {"optimiser": optimiser, "scheduler": scheduler}
    return Step(batches(), update, CPU, model, parts)


def fast(data: Data, folder: Path, seed: int, *, epochs: int, **settings) -> Training:
    recipe = replace(FAST, epochs=epochs, **settings)
    trainer = Trainer(googlenet("small", 10), data, recipe, seed=seed, device=CPU)

    def update(images, labels):
        return trainer.step(trainer.shrink(images), labels)[0]

    parts = {"optimiser": trainer.optimiser, "scheduler": trainer.scheduler}
    step = Step(forever(trainer.train_batches), update, CPU, trainer.model, parts)
    return Training(
        step, (recipe.mean, recipe.std), recipe.precision, trainer.steps, trainer.size_at
    )


def name_epochs(way: str, epochs: int) -> str:
    return f"{way}, {epochs} epoch{'s' if epochs > 1 else ''}"


WAYS: dict[str, Callable[[Data, Path, int], Training]] = {
    "walkthrough": walkthrough,
    "ImageNet script": imagenet_script,
    "torchvision": torchvisions,
    "full resolution": full_resolution,
    "tutorial": tutorial,
    **{name_epochs("fast", n): partial(fast, epochs=n) for n in (1, 2, 4)},
    **{
        name_epochs("fast-128", n): partial(fast, epochs=n, batch_size=128, lr=0.05)
        for n in (1, 2, 4)
    },
}


# ---- taking turns ----------------------------------------------------------------------------


def train_for(training: Training, record: Record, seconds: float, until: int) -> None:
    """Train until `seconds` are over or the record counts `until` images; the clock goes on."""
    begun = time.perf_counter()
    with keep_freed_memory(CPU):
        while record.images < until and time.perf_counter() - begun < seconds:
            macs, count = training.macs(record.steps), training.step().pictures
            record.images += count
            record.macs += count * macs
            record.steps += 1
            if record.steps == training.last:
                record.ended = "its recipe ended"
                break
    record.seconds += time.perf_counter() - begun


def look_at_validation(training: Training, record: Record, data: Data) -> float:
    accuracy = training.accuracy(data.validation)
    now = {name: getattr(record, name) for name in ("seconds", "images", "macs")}
    record.looks.append({**now, "accuracy": accuracy})
    return accuracy


def take_turn(
    training: Training,
    record: Record,
    data: Data,
    *,
    seconds: float,
    minutes: float,
    until: float,
) -> None:
    """Give a way its turn; look at validation where a tenth of an epoch is complete."""
    step = len(data.train) // LOOKS
    due = (len(record.looks) + 1) * step
    train_for(training, record, seconds, due)
    if record.images >= due or record.ended:
        accuracy = look_at_validation(training, record, data)
        if accuracy >= until:
            record.ended = f"it reached {until:.1%}"
    if not record.ended and record.seconds >= 60 * minutes:
        record.ended = TIME_OVER


def save(out: Path, name: str, training: Training, record: Record) -> None:
    state = {"model": training.step.model.state_dict()}
    state |= {key: part.state_dict() for key, part in training.step.parts.items()}
    torch.save(state, out / "unfinished.pt")
    (out / "unfinished.pt").replace(out / f"{name}.pt")
    text = json.dumps(asdict(record), indent=1)
    write_atomically(out / f"{name}.json", text.encode())


def resume(out: Path, training: Training, record: Record, minutes: float) -> None:
    """Go on from what `out` holds of this way, if it holds any and it comes from this machine."""
    path = out / f"{record.way}.json"
    if not path.is_file():
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["machine"] != record.machine:
        raise SystemExit(
            f"{path} was measured on {found['machine']}; this is {record.machine}, whose minutes "
            "do not compare with those. Give --out another folder"
        )
    if found.get("seed", 0) != record.seed:
        raise SystemExit(
            f"{path} is a training of seed {found.get('seed', 0)}, but --seed {record.seed} came. "
            "Give --out another folder"
        )
    state = torch.load(path.with_suffix(".pt"), weights_only=True)
    training.step.model.load_state_dict(state["model"])
    for key, part in training.step.parts.items():
        part.load_state_dict(state[key])
    for key, value in found.items():
        setattr(record, key, value)
    if record.ended == TIME_OVER and record.seconds < 60 * minutes:
        record.ended = ""


def describe(records: list[Record]) -> str:
    """Write the table: minutes and multiply-adds to each target."""
    heads = "".join(f" {target:.1%} |" for target in TARGETS)
    lines = [f"| way | images a second |{heads} best |", "|---|---|" + "---|" * (len(TARGETS) + 1)]
    for record in records:
        cells = []
        for target in TARGETS:
            look = record.reached(target)
            cells.append(
                f"{look['seconds'] / 60:.1f} min, {look['macs'] / 1e12:.0f} T"
                if look
                else "not reached"
            )
        pace = f"{record.images / record.seconds:,.0f}" if record.seconds else "not begun"
        best = max((look["accuracy"] for look in record.looks), default=0.0)
        whole = f"{best:.1%} in {record.seconds / 60:.1f} min ({record.ended or 'cut off'})"
        lines.append(f"| {record.way} | {pace} | {' | '.join(cells)} | {whole} |")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", default="cifar10")
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--note", default="", help="on the data, as train takes it")
    options.add_argument("--minutes", type=float, default=30, help="of training, for each way")
    options.add_argument("--turn", type=float, default=20, help="seconds of training in a turn")
    options.add_argument("--limit", type=int, help="of images, for a rehearsal")
    options.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--until", type=float, default=TARGETS[-1], help="this accuracy is seen")
    options = options.parse_args()
    seed_everything(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    data = load(options.data)
    data = data.with_note(options.note) if options.note else data
    if options.limit:
        some = data.validation[: options.limit // 10]
        data = replace(data, train=data.train[: options.limit], validation=some)
    with tempfile.TemporaryDirectory() as folder:
        trainings, records = {}, {}
        for name in options.ways:
            training = trainings[name] = WAYS[name](data, Path(folder), options.seed)
            training.step.model.train()
            weights = sum(weight.numel() for weight in training.step.model.parameters())
            record = records[name] = Record(name, weights, describe_machine(), options.seed)
            resume(options.out, training, record, options.minutes)
            training.step.model.train()
        while waiting := [name for name in options.ways if not records[name].ended]:
            for name in waiting:
                training, record = trainings[name], records[name]
                take_turn(
                    training,
                    record,
                    data,
                    seconds=options.turn,
                    minutes=options.minutes,
                    until=options.until,
                )
                save(options.out, name, training, record)
            print(describe(list(records.values())), flush=True)
    found = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": list_versions(),
        "data": data.name,
        "targets": TARGETS,
        "seed": options.seed,
        "ways": [asdict(record) for record in records.values()],
    }
    text = json.dumps(found, indent=1)
    write_atomically(options.out / "time_to_accuracy.json", text.encode())


if __name__ == "__main__":
    main()
