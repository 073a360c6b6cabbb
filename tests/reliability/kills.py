"""Kill training runs at moments of chance, resume them, and compare what they end with.

    python tests/reliability/kills.py [--kills 100] [--seed 0] [--workers 1] [--json FILE]

Every run is a tiny one of the command line's `train`, forked from a process that has loaded torch
and the data, so that it takes about a second; where there is no fork, each is a fresh process. A
run that was killed (SIGKILL), met a full disk, or shared its folder with a second process must end
with the files of one left alone: best.safetensors to the byte; model, optimiser, random state and
history in last.pt to the bit, the seconds that epochs took left aside. Prints one table; the exit
code is 1 if any run ended otherwise.
"""

import argparse
import datetime
import functools
import json
import multiprocessing
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: a fork copies one thread alone
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from googlenet_lib import __main__ as command_line  # noqa: E402
from googlenet_lib import checkpoints, runs  # noqa: E402
from googlenet_lib.checkpoints import BEST, HISTORY, LAST, load_checkpoint  # noqa: E402
from googlenet_lib.platforms import device_name, versions  # noqa: E402

FORKS = "fork" in multiprocessing.get_all_start_methods()
PROCESSES = multiprocessing.get_context("fork" if FORKS else "spawn")
POSIX = os.name == "posix"

EPOCHS = 4
WRITES = 3 * EPOCHS + 1  # last.pt, best.safetensors and history.json an epoch, then run.json
TINY = ["train", "--data", "digits", "--limit", "32", "--width", "0.0625", "--device", "cpu"]
TINY += ["--set", "batch_size=16", "--epochs", str(EPOCHS), "--seed", "2"]
RECIPES = (  # Adam at a constant rate; SGD, a schedule, a moving average and shifted pictures
    ["--recipe", "classroom"],
    ["--recipe", "quick", "--set", "average_decay=0.9", "--set", "precision=float32"],
)
KILLS_OF_A_RUN = (1, 1, 1, 2, 2, 3)  # drawn from

PLACES = ("before the first checkpoint", "during an epoch", "during a save", "after the last epoch")
BEFORE, EPOCH, SAVE, AFTER = PLACES


# ---- one process ---------------------------------------------------------------------------------


def run_command(arguments: list[str], log: Path, each_write=None) -> None:
    """What a child does: the command line with its output in `log`.

    Every file is written within `each_write(content)`.
    """
    with log.open("a", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if each_write:
        write = checkpoints.write_atomically

        def watched(path: Path, content: bytes) -> None:
            with each_write(content):
                write(path, content)

        checkpoints.write_atomically = runs.write_atomically = watched
    sys.exit(command_line.main(arguments))


class Announce:
    """Tells another process of every write, through a pipe."""

    def __init__(self, pipe) -> None:
        self.pipe = pipe

    @contextmanager
    def __call__(self, content: bytes) -> Iterator[None]:
        self.pipe.send_bytes(b"write")
        yield


class LimitSize:
    """Lets the system refuse the second half of write `number` (from 1), by a limit on sizes."""

    def __init__(self, number: int) -> None:
        self.left = number

    @contextmanager
    def __call__(self, content: bytes) -> Iterator[None]:
        import resource  # which Windows has not

        self.left -= 1
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        limit = (len(content) // 2, resource.RLIM_INFINITY) if self.left == 0 else unlimited
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


class FillDisk:
    """Fills the file system of `ballast` so that half of write `number` (from 1) has room."""

    def __init__(self, number: int, ballast: Path) -> None:
        self.left, self.ballast = number, ballast

    @contextmanager
    def __call__(self, content: bytes) -> Iterator[None]:
        self.left -= 1
        if self.left == 0:
            disk = os.statvfs(self.ballast.parent)
            blocks = disk.f_bavail - len(content) // 2 // disk.f_frsize
            with self.ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, blocks * disk.f_frsize)
        yield


def started(arguments: list[str], log: Path, each_write=None):
    process = PROCESSES.Process(target=run_command, args=(arguments, log, each_write))
    process.start()
    return process


def ended(process) -> int:
    process.join()
    return process.exitcode


# ---- what a run left -----------------------------------------------------------------------------


def epochs_written(folder: Path) -> tuple[int, int]:
    """Epochs in last.pt, and in history.json, which is written last."""
    last, history = folder / LAST, folder / HISTORY
    return (
        len(load_checkpoint(last)["history"]) if last.exists() else 0,
        len(json.loads(history.read_text(encoding="utf-8"))) if history.exists() else 0,
    )


def where(folder: Path, process_id: int, before: tuple[int, int]) -> str:
    """Where the kill of a process fell, which found `before` (`epochs_written`) when it began."""
    if list(folder.glob(checkpoints.TEMPORARY.format(name="*", process=process_id))):
        return SAVE
    last, history = now = epochs_written(folder)
    if now != before and last != history:
        return SAVE
    return BEFORE if last == 0 else AFTER if last == EPOCHS else EPOCH


def differences(one, other, name: str = "") -> list[str]:
    """What two nested states do not share, bit for bit; the seconds of epochs are left aside."""
    if type(one) is not type(other):
        return [f"{name}: {type(one).__name__} and {type(other).__name__}"]
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return [f"{name}: {sorted(map(str, one.keys() ^ other.keys()))} on one side only"]
        parts = [(key, one[key], other[key]) for key in one if key != "seconds"]
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            return [f"{name}: {len(one)} and {len(other)} entries"]
        parts = zip(range(len(one)), one, other, strict=True)
    elif isinstance(one, torch.Tensor):
        same = one.dtype == other.dtype and torch.equal(one, other)
        return [] if same else [f"{name}: other numbers"]
    else:
        return [] if one == other else [f"{name}: {one} and {other}"]
    return [text for key, a, b in parts for text in differences(a, b, f"{name}.{key}".strip("."))]


def run_differences(folder: Path, whole: Path) -> list[str]:
    """In what the folder of a finished run differs from that of one left alone."""
    names, expected = ({path.name for path in place.iterdir()} for place in (folder, whole))
    if names != expected:
        return [f"the folder holds {sorted(names)}, expected {sorted(expected)}"]
    found = []
    if (folder / BEST).read_bytes() != (whole / BEST).read_bytes():
        found.append(f"{BEST}: other bytes")
    found += differences(*(load_checkpoint(place / LAST) for place in (folder, whole)), LAST)
    for name in (HISTORY, runs.RUN_FILE):
        one, other = (
            json.loads((place / name).read_text(encoding="utf-8")) for place in (folder, whole)
        )
        if name == runs.RUN_FILE:
            for run in (one, other):
                del run["command"], run["date"]
        found += differences(one, other, name)
    return found


# ---- the measurements ----------------------------------------------------------------------------


@dataclass
class Row:
    """One line of the table: `equal` of `times` ended as a run left alone."""

    kind: str
    times: int = 0
    places: dict[str, int] = field(default_factory=dict)
    equal: int = 0
    runs: int = 0
    runs_killed_again: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def add(self, places: list[str], found: list[str], log: Path) -> None:
        """Count one run that was disturbed at `places` and in the end differed by `found`."""
        self.times += len(places)
        self.runs += 1
        self.runs_killed_again += len(places) > 1
        self.places = dict(Counter(self.places) + Counter(places))
        if found:
            output = log.read_text(encoding="utf-8")[-2000:] if log.exists() else ""
            self.problems.append(f"{self.kind}, {', '.join(places)}: {'; '.join(found)}\n{output}")
        else:
            self.equal += len(places)

    def join(self, other: "Row") -> None:
        """Count what another worker found as well."""
        self.times += other.times
        self.equal += other.equal
        self.runs += other.runs
        self.runs_killed_again += other.runs_killed_again
        self.seconds = max(self.seconds, other.seconds)  # they worked side by side
        self.places = dict(Counter(self.places) + Counter(other.places))
        self.problems += other.problems


class Bench:
    """A folder to work in, with runs that were left alone: one a recipe, their length measured."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.count = 0
        self.lengths = []  # of a run, in seconds, by recipe
        self.write_length = 0.0  # of one file
        for recipe in range(len(RECIPES)):
            seconds = [self.length(recipe, self.scratch / f"whole-{recipe}-{n}") for n in range(3)]
            self.lengths.append(statistics.median(seconds))
        content = (self.whole(0) / LAST).read_bytes()
        start = time.perf_counter()
        for _ in range(10):
            checkpoints.write_atomically(self.scratch / "probe", content)
        self.write_length = (time.perf_counter() - start) / 10

    def length(self, recipe: int, folder: Path) -> float:
        """Seconds that a run takes which is left alone; all such runs must be equal."""
        start = time.perf_counter()
        found = self.finish(recipe, folder, resume=False)
        seconds = time.perf_counter() - start
        if found := found or run_differences(folder, self.whole(recipe)):
            sys.exit(f"two runs that were left alone differ: {found}")
        return seconds

    def whole(self, recipe: int) -> Path:
        return self.scratch / f"whole-{recipe}-0"

    def new(self, root: Path | None = None) -> tuple[int, Path, Path]:
        """A recipe in turn, a folder for the next run and a file for what it prints."""
        self.count += 1
        name = f"run-{os.getpid()}-{self.count}"
        return (
            self.count % len(RECIPES),
            (root or self.scratch) / name,
            self.scratch / f"{name}.log",
        )

    def command(self, recipe: int, folder: Path, resume: bool = True) -> list[str]:
        resume = resume and folder.is_dir()  # a kill may have come before that was made
        return [*TINY, *RECIPES[recipe], "--out", str(folder), *(["--resume"] if resume else [])]

    def finish(self, recipe: int, folder: Path, resume: bool = True) -> list[str]:
        """Let a run end; what it then differs by."""
        log = self.scratch / f"{folder.name}.log"
        if code := ended(started(self.command(recipe, folder, resume), log)):
            return [f"ended with exit code {code}"]
        return run_differences(folder, self.whole(recipe)) if resume else []


def killed(process, delay: float) -> bool:
    """Kill a process after `delay` seconds; False if it had ended by itself."""
    time.sleep(delay)
    process.kill()
    code = ended(process)
    if POSIX and code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"a run ended by itself with exit code {code}")
    return code != 0


def kill_any_time(bench: Bench, recipe: int, folder: Path, log: Path, chance: random.Random):
    """Kill within the length of a run left alone; the process's id, None if it had ended."""
    process = started(bench.command(recipe, folder), log)
    return process.pid if killed(process, chance.uniform(0, bench.lengths[recipe])) else None


def kill_in_a_write(bench: Bench, recipe: int, folder: Path, log: Path, chance: random.Random):
    """Kill within the length of a write, counted from the beginning of one of them."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = started(bench.command(recipe, folder), log, Announce(there))
    there.close()
    try:
        for _ in range(chance.randint(1, WRITES)):
            here.recv_bytes()
    except EOFError:  # a resumed run has fewer
        pass
    return process.pid if killed(process, chance.uniform(0, bench.write_length)) else None


def measure_kills(bench: Bench, kind: str, kill, kills: int, chance: random.Random) -> Row:
    """Kill `kills` times, some runs more than once, and let every one of them end."""
    row, start = Row(kind), time.perf_counter()
    while row.times < kills:
        recipe, folder, log = bench.new()
        if row.runs % 5 == 4:  # the machine may be busier or less so by now
            bench.lengths[recipe] = bench.length(recipe, folder)
            shutil.rmtree(folder)
        places = []
        for _ in range(min(chance.choice(KILLS_OF_A_RUN), kills - row.times)):
            before = epochs_written(folder)
            process_id = kill(bench, recipe, folder, log, chance)
            if process_id is None:
                break
            places.append(where(folder, process_id, before))
        found = bench.finish(recipe, folder)
        if places or found:
            row.add(places, found, log)
        shutil.rmtree(folder)
    row.seconds = time.perf_counter() - start
    return row


def measure_command_line(bench: Bench, kills: int, chance: random.Random) -> Row:
    """The same from outside: fresh processes, killed after they have said what they train."""
    row, start = Row("killed on the command line, in fresh processes"), time.perf_counter()

    def begun(arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "googlenet_lib", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        process.stdout.readline()
        return process

    if kills:
        recipe, folder, _ = bench.new()
        with begun(bench.command(recipe, folder)) as process:
            first_line = time.perf_counter()
            process.stdout.read()
        length = time.perf_counter() - first_line
    while row.times < kills:
        recipe, folder, log = bench.new()
        process = begun(bench.command(recipe, folder))
        time.sleep(chance.uniform(0, length))
        process.kill()
        process.communicate()
        places = [where(folder, process.pid, (0, 0))] if process.returncode else []
        with begun(bench.command(recipe, folder)) as process:
            log.write_bytes(process.stdout.read())
        code = process.returncode
        found = [f"ended with exit code {code}"] if code else []
        found = found or run_differences(folder, bench.whole(recipe))
        if places or found:
            row.add(places, found, log)
        shutil.rmtree(folder)
    row.seconds = time.perf_counter() - start
    return row


def measure_full_disk(bench: Bench, kind: str, fault, root: Path, make_room) -> Row:
    """Let every write of a run fail once, each in a run of its own; then resume it."""
    row, start = Row(kind), time.perf_counter()
    for number in range(1, WRITES + 1):
        recipe, folder, log = bench.new(root)
        code = ended(started(bench.command(recipe, folder, False), log, fault(number)))
        make_room()
        name = runs.RUN_FILE if number == WRITES else (LAST, BEST, HISTORY)[(number - 1) % 3]
        found = []
        if code != 2 or f"{name} could not be written" not in log.read_text(encoding="utf-8"):
            found.append(f"exit code {code}, and nothing said of {name}")
        if list(folder.glob(".*")):
            found.append(f"left {[path.name for path in folder.glob('.*')]}")
        if (folder / BEST).exists():
            load_file(folder / BEST)  # fails unless it is whole, as does reading the other two
        last, history = epochs_written(folder)
        done = (number - 1) // 3
        if (last, history) != (done + (name in (BEST, HISTORY)), done):
            found.append(f"last.pt held {last} epochs, history.json {history}")
        row.add([name], found + bench.finish(recipe, folder), log)
        shutil.rmtree(folder)
    row.seconds = time.perf_counter() - start
    return row


def measure_two_processes(bench: Bench, times: int, chance: random.Random) -> Row:
    """Start a second run in the folder of one that is held still meanwhile."""
    row, start = Row("a second process on the folder"), time.perf_counter()
    while row.times < times:
        recipe, folder, log = bench.new()
        first = started(bench.command(recipe, folder), log)
        while not (folder / checkpoints.LOCK).exists():
            time.sleep(0.005)
        time.sleep(chance.uniform(0, bench.lengths[recipe] / 2))
        os.kill(first.pid, signal.SIGSTOP)  # so that it cannot end before the second came
        resume, second_log = row.times % 2 == 0, log.with_suffix(".second")
        code = ended(started(bench.command(recipe, folder, resume), second_log))
        os.kill(first.pid, signal.SIGCONT)
        said, found = second_log.read_text(encoding="utf-8"), []
        if code != 2 or f"{folder} is in use" not in said:
            found.append(f"the second ended with exit code {code} and said {said}")
        if code := ended(first):
            found.append(f"the first ended with exit code {code}")
        place = f"refused {'with' if resume else 'without'} --resume"
        row.add([place], found or run_differences(folder, bench.whole(recipe)), log)
        shutil.rmtree(folder)
    row.seconds = time.perf_counter() - start
    return row


# ---- all of it -----------------------------------------------------------------------------------


def share_of_kills(share: tuple[int, int, int, int]) -> list[Row]:
    """One worker's kills: (at any time, in a write, on the command line, seed)."""
    any_time, in_a_write, from_outside, seed = share
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        bench = Bench(Path(scratch))
        return [
            measure_kills(bench, "killed at any moment", kill_any_time, any_time, chance),
            measure_kills(
                bench, "killed at a moment of a write", kill_in_a_write, in_a_write, chance
            ),
            measure_command_line(bench, from_outside, chance),
        ]


def all_kills(kills: int, seed: int, workers: int) -> list[Row]:
    """The kills, shared among workers, and their sum."""
    from_outside, in_a_write = kills // 20, kills // 4
    totals = (kills - from_outside - in_a_write, in_a_write, from_outside)
    shares = [
        (*(n // workers + (worker < n % workers) for n in totals), seed * 1000 + worker)
        for worker in range(workers)
    ]
    if workers == 1:
        found = [share_of_kills(shares[0])]
    else:
        with ProcessPoolExecutor(workers, mp_context=PROCESSES) as pool:
            found = list(pool.map(share_of_kills, shares))
    rows = found[0]
    for others in found[1:]:
        for row, other in zip(rows, others, strict=True):
            row.join(other)
    total = Row("all kills")
    for row in rows:
        seconds = total.seconds + row.seconds
        total.join(row)
        total.seconds = seconds
    total.problems = []  # which stand in the rows
    return [*(row for row in rows if row.times), total]


def faults(seed: int) -> list[Row]:
    """Full disks and second processes."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        bench = Bench(Path(scratch))
        if POSIX:
            kind = "disk full, simulated by a limit on the size of a file"
            rows.append(measure_full_disk(bench, kind, LimitSize, bench.scratch, lambda: None))
        small = bench.scratch / "small"
        small.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)]
        may_mount = sys.platform == "linux" and os.geteuid() == 0
        if may_mount and subprocess.run(mount, capture_output=True).returncode == 0:
            ballast = small / "ballast"
            try:
                rows.append(
                    measure_full_disk(
                        bench,
                        "disk full, a file system of 8 MB",
                        functools.partial(FillDisk, ballast=ballast),
                        small,
                        functools.partial(ballast.unlink, missing_ok=True),
                    )
                )
            finally:
                subprocess.run(["umount", str(small)], check=True)
        if POSIX:
            rows.append(measure_two_processes(bench, 10, random.Random(seed)))
    return rows


def table(report: dict) -> str:
    """What was measured, as Markdown."""
    lines = ["| what happened | times | where | ended equal | seconds |", "|---|---|---|---|---|"]
    for row in report["rows"]:
        known = [place for place in PLACES if place in row["places"]] or row["places"]
        places = ", ".join(f"{row['places'][place]} {place}" for place in known)
        lines.append(
            f"| {row['kind']} | {row['times']} | {places} | {row['equal']} of {row['times']} | "
            f"{row['seconds']:.0f} |"
        )
    everything = next(row for row in report["rows"] if row["kind"] == "all kills")
    again = everything["runs_killed_again"]
    return "\n".join(
        [
            *lines,
            "",
            f"{everything['runs']} runs were killed, {again} of them more than once. Seed "
            f"{report['seed']}, {report['device']}, torch {report['versions']['torch']}, Python "
            f"{report['versions']['python']}, {report['system']}, {report['date']}.",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes side by side; default: 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there too")
    options = parser.parse_args(arguments)
    if options.kills < 1 or options.workers < 1:
        parser.error("--kills and --workers are at least 1")
    torch.set_num_threads(1)
    command_line.load = functools.cache(command_line.load)  # children inherit what was loaded
    command_line.load("digits", size=None, stratified=False)
    for optimiser in (torch.optim.SGD, torch.optim.Adam):  # and what torch imports on first use
        weight = torch.nn.Parameter(torch.zeros(1))
        weight.grad = torch.zeros(1)
        optimiser([weight], lr=0.1).step()

    rows = all_kills(options.kills, options.seed, options.workers) + faults(options.seed)
    report = {
        "kills": options.kills,
        "seed": options.seed,
        "rows": [asdict(row) for row in rows],
        "device": device_name(torch.device("cpu")),
        "versions": versions(),
        "system": sys.platform,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    print(table(report))
    for row in rows:
        print("".join(f"\nDIFFERS: {problem}" for problem in row.problems), end="")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(any(row.problems for row in rows))


if __name__ == "__main__":
    sys.exit(main())
