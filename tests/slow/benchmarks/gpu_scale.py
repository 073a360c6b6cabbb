"""How large everything is that the GPU kit measures, and what its items work with."""

from dataclasses import dataclass, field, replace

from gpu_budget import Clock, Row
from gpu_turns import Turns
from training_step import BATCH

from googlenet_lib.data import Data
from googlenet_lib.training.recipes import CLASSROOM


@dataclass(frozen=True)
class Scale:
    """How large everything is. `Row`s of settings hold a width and fields of a recipe."""

    patience: float  # what items need at least, as a multiple of what the plan says
    turns: Turns
    pictures: int  # of the data, a side, at most
    files: int  # pictures that lie on disk for the ways that read them there
    batch: int  # of the step benchmark, and its networks' width
    width: float
    widths: tuple[float, ...]  # of small, for its throughput
    batches: tuple[int, ...]
    backend: str  # of torch.compile
    pace_steps: int
    settings: Row  # the first try of a recipe for the GPU
    tries: tuple[tuple[str, float], ...]  # what is changed, one thing after the other
    try_seconds: tuple[float, float]  # at least, at most
    target_seconds: float
    best: Row  # what more minutes change
    best_seconds: float
    classroom: Row
    classroom_sizes: tuple[int, ...]
    classroom_epochs: int
    imagenet_size: int
    imagenet_batches: tuple[int, ...]


REAL = Scale(
    patience=1.0,
    turns=Turns(rounds=5, seconds=0.15, untimed=3),
    pictures=10**9,
    files=100 * BATCH,
    batch=BATCH,
    width=1.0,
    widths=(1.0, 2.0, 3.0, 4.0),
    batches=(256, 512, 1024, 2048),
    backend="inductor",
    pace_steps=10,
    settings={"width": 2.0, "batch_size": 512, "lr": 0.1},  # wider costs a large GPU little time
    tries=(("lr", 0.05), ("lr", 0.2), ("batch_size", 1024), ("width", 3.0), ("width", 1.0)),
    try_seconds=(10.0, 20.0),
    target_seconds=40.0,
    best={"width": 2.0},
    best_seconds=300.0,
    classroom={"width": 1.0, "precision": "auto"},
    classroom_sizes=(32, 96),
    classroom_epochs=CLASSROOM.epochs,
    imagenet_size=224,
    imagenet_batches=(128, 256, 512),
)
TINY = replace(
    REAL,
    patience=0.01,
    turns=Turns(rounds=2, seconds=0.0, untimed=1, ready=1),
    pictures=32,
    files=32,
    batch=4,
    width=0.1,
    widths=(0.1,),
    batches=(4,),
    backend="eager",
    pace_steps=2,
    settings={"width": 0.1, "batch_size": 16, "lr": 0.1},
    tries=(("lr", 0.05), ("width", 0.2)),
    try_seconds=(0.01, 0.01),
    target_seconds=0.01,
    best={"width": 0.2},
    best_seconds=0.01,
    classroom={"width": 0.1, "precision": "auto", "batch_size": 16},
    classroom_sizes=(32, 40),
    classroom_epochs=1,
    imagenet_size=40,
    imagenet_batches=(2,),
)


@dataclass(kw_only=True)
class Kit(Clock):
    """What items work with."""

    scale: Scale
    data: Data  # on the device
    files: Data  # what goes to disk, on the CPU
    paces: dict[tuple, Row] = field(default_factory=dict)
