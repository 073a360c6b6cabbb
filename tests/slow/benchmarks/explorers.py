"""Milliseconds that each movement of every explorer takes in the kernel, beside the target.

    python tests/slow/benchmarks/explorers.py [--rounds 3]

Every public explorer of the library is built as the notebooks build it, and each of its controls
visits its values by code: drawing the figure, saving it and saying it in words, all but the
browser (tests/slow/browser/explorers.py sees that, too). The verdict is on the processor's own
milliseconds, on one thread: what the movement takes on a machine that does nothing else. What a
button computes gets none. Exit status 1 says that words did not change; ipywidgets 7 and 8 serve.
"""

import argparse
import importlib
import inspect
import pkgutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import ipywidgets as widgets
import matplotlib
import torch

from googlenet_lib import course
from googlenet_lib.device import describe_device, list_versions, pick_device
from googlenet_lib.network.pretrained import load_network

TARGET = 200  # milliseconds: an answer that is felt to come at once, with the browser's share
VISITS = 5  # values of a slider that a round visits


def main() -> int:
    """Move everything, print a table; 1 if a control was not answered."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    matplotlib.use("Agg")
    torch.set_num_threads(1)
    given = arguments()
    print(f"{describe_device(pick_device('cpu'))}, ipywidgets {widgets.__version__},", end=" ")
    print(", ".join(f"{name} {version}" for name, version in list_versions().items()))
    print(f"\n{'explorer':26}{'control':22}{'moves':>6}{'median':>8}{'worst':>8}{'of CPU':>8}  ms")
    dead, late = [], []
    for name, build in explorers().items():
        missing = [key for key in required(build) if key not in given]
        if missing:
            sys.exit(f"{name} takes {', '.join(missing)}; say in arguments() what that is")
        box = build(**{key: given[key] for key in required(build)})
        for control, moves in movements(box, options.rounds):
            took, busy, said = [], [], {words_of(box)}
            for move in moves:
                start, start_busy = time.perf_counter(), time.process_time()
                move()
                took.append(1000 * (time.perf_counter() - start))
                busy.append(1000 * (time.process_time() - start_busy))
                said.add(words_of(box))
            median, cpu = statistics.median(took), statistics.median(busy)
            button = control.startswith("button")
            verdict = "computes" if button else "within" if cpu <= TARGET else "over"
            late += [f"{name}, {control}"] if verdict == "over" else []
            dead += [f"{name}, {control}"] if len(said) == 1 else []
            print(
                f"{name:26}{control[:21]:22}{len(took):6}{median:8.0f}{max(took):8.0f}{cpu:8.0f}"
                f"  {verdict}",
                flush=True,
            )
    print(f"\ntarget {TARGET} ms of CPU, as a median; over it: {'; '.join(late) or 'none'}")
    if dead:
        print(f"the words did not change: {'; '.join(dead)}")
    return bool(dead)


def explorers() -> dict[str, Callable[..., widgets.VBox]]:
    """Return all functions of the course that are called explore_something, by name."""
    explorers = {}
    for module in pkgutil.walk_packages(course.__path__, f"{course.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.startswith("explore_"):
                explorers[name] = value
    return explorers


def required(build: Callable[..., widgets.VBox]) -> list[str]:
    """The arguments that have no default."""
    parameters = inspect.signature(build).parameters.values()
    return [one.name for one in parameters if one.default is one.empty]


def arguments() -> dict[str, object]:
    """What explorers are given in the notebooks, by the argument's name, in the same sizes."""
    model, info = load_network("shapes")
    draw = torch.Generator().manual_seed(0)
    return {
        "model": model,
        "info": info,
        "picture": torch.randint(0, 256, (3, 64, 96), generator=draw, dtype=torch.uint8),
        "image": torch.randint(0, 256, (3, 96, 96), generator=draw, dtype=torch.uint8),
    }


def movements(box: widgets.VBox, rounds: int) -> Iterator[tuple[str, list[Callable[[], None]]]]:
    """Each control that is seen, by its label, and its movements: to other values, and back."""
    for control in [*controls_of(box)]:
        if control.layout.display == "none":
            continue
        if isinstance(control, widgets.Button):
            yield f"button {control.description}", [control.click]
            continue
        trait, values = values_of(control)
        first = getattr(control, trait)
        visits = [*(value for value in values if value != first), first] * rounds
        yield control.description, [partial(setattr, control, trait, value) for value in visits]


def controls_of(box: widgets.Box) -> Iterator[widgets.Widget]:
    """What can be moved."""
    shows = widgets.Image | widgets.HTML | widgets.Label | widgets.Output | widgets.IntProgress
    return (one for one in leaves(box) if not isinstance(one, shows))


def words_of(box: widgets.Box) -> str:
    """All that is said in words."""
    return "\n".join(one.value for one in leaves(box) if isinstance(one, widgets.HTML))


def leaves(box: widgets.Box) -> Iterator[widgets.Widget]:
    """Widgets in boxes within boxes, as they stand now."""
    for child in box.children:
        if isinstance(child, widgets.Box):
            yield from leaves(child)
        else:
            yield child


def values_of(control: widgets.Widget) -> tuple[str, list[object]]:
    """The trait that moves, and its values: every option, both states, or a slider's places."""
    if hasattr(control, "options"):
        return "index", [*range(len(control.options))]
    if isinstance(control.value, bool):
        return "value", [False, True]
    steps = round((control.max - control.min) / control.step)
    places = [round(steps * visit / (VISITS - 1)) for visit in range(VISITS)]
    return "value", [control.min + step * control.step for step in places]


if __name__ == "__main__":
    sys.exit(main())
