"""Ways to run a step of ours on a GPU: as it is, handed over in CUDA graphs, compiled."""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any

import torch
from gpu_turns import Way, arithmetic
from torch import Tensor, nn
from training_step import Step, forever

from googlenet_lib import UsageError, googlenet
from googlenet_lib.data import Data, ImageSet
from googlenet_lib.device import DTYPES, Precision, pick_precision, seed_everything
from googlenet_lib.network.fuse import fuse
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import Recipe

EAGER, GRAPHED = "eager", "passes in CUDA graphs"


def trainer_of(
    data: Data, recipe: Recipe, device: torch.device, *, variant: str, width: float, seed: int = 0
) -> Trainer:
    """A network and its trainer, seeded."""
    seed_everything(seed)
    model = googlenet(variant, len(data.classes), width=width)
    trainer = Trainer(model, data, recipe, seed=seed, device=device)
    trainer.model.train()
    return trainer


class InGraphs:
    """A network's passes forward and backward as CUDA graphs, a pair for each size of picture.

    All that a pass launches is then handed over at once. A batch of another shape, such as an
    epoch's last, takes the usual way.
    """

    def __init__(self, trainer: Trainer, sizes: Iterable[int]) -> None:
        self.network, self.passes = trainer.model.train(), {}
        kept = copy.deepcopy(self.network.state_dict())
        try:
            for size in sizes:
                sample = torch.randn(trainer.recipe.batch_size, 3, size, size)
                self.passes[tuple(sample.shape)] = _in_graphs(trainer, sample)
        finally:
            self.network.load_state_dict(kept)  # BatchNorm's statistics are now of noise

    def __call__(self, images: Tensor) -> Any:
        return self.passes.get(tuple(images.shape), self.network)(images)


class _UnderAutocast(nn.Module):
    """A network in the precision of its training, to be captured: its own forward stays as it is.

    Weights that autocast had cached would be those of the capture for ever.
    """

    def __init__(self, network: nn.Module, precision: Precision) -> None:
        super().__init__()
        self.network, self.precision = network, precision

    def forward(self, images: Tensor) -> Any:
        name, device = self.precision.name, self.precision.device.type
        with torch.autocast(device, DTYPES[name], enabled=name != "float32", cache_enabled=False):
            return self.network(images)


def _in_graphs(trainer: Trainer, sample: Tensor) -> Callable[[Tensor], Any]:
    sample = sample.to(_cuda(trainer), memory_format=trainer.train_batches.memory_format)
    passes = _UnderAutocast(trainer.model, trainer.precision)
    return torch.cuda.make_graphed_callables(passes, (sample,))


def _cuda(trainer: Trainer) -> torch.device:
    device = trainer.precision.device
    if device.type != "cuda":
        raise UsageError(f"CUDA graphs were asked for on {device.type}; they need CUDA")
    return device


def eager(trainer: Trainer, batches: Iterator | None = None) -> Step:
    """The step as it is, by default on the same batch for ever: loading stays out."""

    def update(images: Tensor, labels: Tensor) -> Tensor:
        return trainer.step(images, labels)[0]

    batches = batches or repeat(next(iter(trainer.train_batches)))
    return Step(batches, update, trainer.precision.device)


def with_loading(trainer: Trainer) -> Step:
    """The step on batches that are drawn and augmented as in a training."""
    return eager(trainer, forever(trainer.train_batches))


def graphed(trainer: Trainer) -> Step:
    """The step with the passes through the network in CUDA graphs."""
    trainer.network = InGraphs(trainer, [trainer.train_batches.images.shape[-1]])
    return eager(trainer)


def graphed_with_loading(trainer: Trainer) -> Step:
    """The same, on batches that are drawn and augmented."""
    graphed(trainer)
    return with_loading(trainer)


def whole_step(trainer: Trainer) -> Step:
    """All of a step in one CUDA graph: what would be left if Python did nothing.

    No way to train as yet: the rate of the step that was captured stays.
    """
    device, step = _cuda(trainer), eager(trainer)
    if trainer.scaler.is_enabled():
        raise UsageError("float16's scaler looks at gradients in Python, which no graph can hold")
    batch = next(step.batches)
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):  # what a first call sets up must not be captured
        for _ in range(3):
            step.update(*batch)
    torch.cuda.current_stream(device).wait_stream(side)
    trainer.optimiser.zero_grad()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step.update(*batch)

    def update(*_: Tensor) -> Tensor:
        graph.replay()
        return loss

    return replace(step, update=update)


def optimiser_alone(trainer: Trainer) -> Step:
    """The optimiser's part: the same gradient again and again."""
    step = eager(trainer)
    step.update(*next(step.batches))
    return replace(step, update=lambda *_: trainer.optimiser.step())


def compiled(trainer: Trainer, backend: str) -> Step:
    """The step with the network through torch.compile, whose work is the first call's."""
    trainer.network = torch.compile(trainer.model, backend=backend, dynamic=False)
    return eager(trainer)


WAYS = {EAGER: eager, GRAPHED: graphed}
MORE_WAYS = {
    f"{EAGER}, with loading": with_loading,
    f"{GRAPHED}, with loading": graphed_with_loading,
    "the whole step in a CUDA graph": whole_step,
    "the optimiser alone": optimiser_alone,
}


def training_ways(
    ways: dict[str, Callable[[Trainer], Step]],
    data: Data,
    recipe: Recipe,
    device: torch.device,
    **network: Any,
) -> list[Way]:
    """Each way with a trainer of its own. `network` is its variant and width."""
    about = {
        **network,
        "batch": recipe.batch_size,
        "optimiser": recipe.optimiser,
        **arithmetic(pick_precision(device, recipe.precision).name, recipe.channels_last, device),
    }

    def build(run: Callable[[Trainer], Step]) -> Step:
        return run(trainer_of(data, recipe, device, **network))

    return [Way(name, about, partial(build, run)) for name, run in ways.items()]


def inference_ways(size: int, batch: int, width: float, device: torch.device) -> list[Way]:
    """torchvision's network in evaluation: as it is, at its fastest, and folded too."""
    fastest = pick_precision(device).name

    def build(precision: str, last: bool, folded: bool) -> Step:
        model = googlenet("torchvision", heads=False, width=width).to(device).eval()
        layout = torch.channels_last if last else torch.contiguous_format
        model = (fuse(model) if folded else model).to(memory_format=layout)
        images = torch.randn(batch, 3, size, size).to(device, memory_format=layout)

        @torch.inference_mode()
        def answer(images: Tensor, _: Tensor) -> None:
            with pick_precision(device, precision).autocast():
                model(images)

        return Step(repeat((images, torch.zeros(batch))), answer, device)

    forms = {
        "as it is": ("float32", False, False),
        "channels_last": (fastest, True, False),
        "channels_last, folded": (fastest, True, True),
    }
    return [
        Way(
            f"inference, {name}",
            {"batch": batch, **arithmetic(precision, last, device)},
            partial(build, precision, last, folded),
        )
        for name, (precision, last, folded) in forms.items()
    ]


def noise(count: int, size: int, classes: int, device: torch.device) -> Data:
    """Pictures of noise, on the device."""
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 3, size, size), dtype=torch.uint8, generator=draw)
    labels = torch.randint(classes, (count,), generator=draw)
    side = ImageSet(images.to(device), labels.to(device))
    return Data("noise", tuple(map(str, range(classes))), side, side[:1], side[:1], checksum="")
