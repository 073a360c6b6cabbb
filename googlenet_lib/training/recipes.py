"""Hyper-parameters as data: how a network is trained, each recipe naming its source."""

from dataclasses import dataclass, replace
from typing import Annotated

from googlenet_lib.errors import UsageError
from googlenet_lib.settings import apply_overrides, check_fields

OPTIMISERS = ("adam", "sgd", "muon")
SCHEDULES = ("constant", "triangle", "one_cycle", "restarts", "stairs")
# Types of fields, with what a value may be: whole numbers, or the lowest and the highest. Products
# of the rates and decays are below 3e38, float32's largest.
Count = Annotated[int, range(1, 10_001)]
Pictures = Annotated[int, range(1, 1_000_001)]
Pixels = Annotated[int, range(10_001)]
Share = Annotated[float, (0, 1)]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run, apart from the network, the data and the seed."""

    name: str
    source: str
    epochs: Count
    batch_size: Pictures
    optimiser: Annotated[str, OPTIMISERS]
    lr: Annotated[float, (0, 1e30)]  # the highest rate, where a schedule moves it
    schedule: Annotated[str, SCHEDULES] = "constant"  # see optim.py
    momentum: Share = 0.9
    nesterov: bool = True
    weight_decay: Annotated[float, (0, 1000)] = 0.0
    decay_norms: bool = True  # or weights alone, not biases and BatchNorm
    rest: Annotated[float, (0, 10_000)] = 2.0  # times lr: the rate of what muon leaves to SGD
    warmup: Share = 0.2  # the share of a triangle or of one_cycle that goes up
    cycles: Count = 4  # of restarts
    floor: Share = 0.0  # where each of them ends, as a share of lr
    drop: Share = 0.96  # a stair's factor
    drop_every: Count = 8  # epochs a stair
    clip: Annotated[float, (0, 1e30)] = 0.0  # the longest gradient; 0 clips none
    accumulate: Pictures = 1  # parts of a batch that go through the network one after the other
    aux_weights: Annotated[tuple[float, float], (0, 1000)] = (0.3, 0.3)  # of aux1's and aux2's loss
    label_smoothing: Share = 0.0
    average_decay: Share = 0.0  # of the moving average of the weights; 0 keeps none
    mean: Annotated[tuple[float, float, float], (0, 1)] = (0.5, 0.5, 0.5)
    std: Annotated[tuple[float, float, float], (1e-6, 1e6)] = (0.5, 0.5, 0.5)
    flip: bool = False
    shift: Pixels = 0
    crop: Annotated[float, (0.01, 1)] = 1.0  # the least share of the area that a crop keeps
    shrink: Pixels = 0  # pixels a side at first, which takes less time; 0: as they are
    shrink_for: Share = 0.6  # the share of the steps that this is for
    colour: Share = 0.0  # how far brightness, contrast and saturation are changed; 0 not at all
    precision: str = "float32"
    channels_last: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        if self.accumulate > 1 and self.batch_size < 2 * self.accumulate:
            raise UsageError(
                f"accumulate={self.accumulate} came for a batch of {self.batch_size}; expected at "
                f"most {self.batch_size // 2}, for parts of two pictures, which BatchNorm needs"
            )

    def override(self, texts: list[str]) -> "Recipe":
        """Return the recipe with fields set from "name=value" texts, as --set gives them."""
        return apply_overrides(self, texts, "--set")


CLASSROOM_PUBLISHED = 0.7571  # test accuracy, as the walkthrough's author shows it
CLASSROOM = Recipe(
    name="classroom",
    source="a GoogLeNet walkthrough for CIFAR-10 on Colab, which reports a test accuracy of "
    f"{CLASSROOM_PUBLISHED}",
    epochs=15,
    batch_size=128,
    optimiser="adam",
    lr=1e-3,
    channels_last=True,  # a layout in memory: the same arithmetic, sooner done
)
QUICK = Recipe(
    name="quick",
    source="chosen for this course: SGD with Nesterov's momentum under a triangular rate, as in "
    "the speed records on CIFAR-10 (Page, 2018; Jordan, 2024)",
    epochs=10,
    batch_size=128,
    optimiser="sgd",
    lr=0.1,
    schedule="triangle",
    weight_decay=5e-4,
    label_smoothing=0.1,
    flip=True,
    shift=2,
    precision="auto",
    channels_last=True,
)
FAST = replace(
    QUICK,
    name="fast",
    source="chosen for this course, for the best accuracy per second of small: quick with Muon, as "
    "in the speed records on CIFAR-10 (Jordan et al., 2024), and with small pictures first, as in "
    "fast.ai's entry to DAWNBench (Howard, 2018)",
    epochs=20,
    batch_size=256,
    optimiser="muon",
    momentum=0.6,
    shrink=24,
)
PAPER = Recipe(
    name="paper",
    source="section 6 of the paper: SGD with momentum 0.9, the rate down by 4% every 8 epochs, "
    "weights averaged, crops of 8% to 100% of the area, photometric distortions. Chosen here, "
    "since the paper is silent: epochs, batch, the rate itself, decay, the average's decay, how "
    "strongly colours change",
    epochs=60,
    batch_size=128,
    optimiser="sgd",
    lr=0.01,
    schedule="stairs",
    nesterov=False,
    weight_decay=2e-4,
    average_decay=0.999,
    flip=True,
    crop=0.08,
    colour=0.4,
)
IMAGENET = Recipe(
    name="imagenet",
    source="a public GoogLeNet training script for ImageNet, which reports a top-1 error of "
    "30.2%: SGD, a cosine with four restarts, weights averaged, smoothed labels. Chosen here: the "
    "number of epochs, Nesterov's momentum, and that the rate moves with every step",
    epochs=100,
    batch_size=128,
    optimiser="sgd",
    lr=0.1,
    schedule="restarts",
    weight_decay=2e-5,
    cycles=4,
    floor=5e-5 / 0.1,
    label_smoothing=0.1,
    average_decay=0.99998,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    flip=True,
    crop=0.08,
    precision="auto",
    channels_last=True,
)
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (CLASSROOM, QUICK, FAST, PAPER, IMAGENET)
}


def find_recipe(name: str) -> Recipe:
    """Return the recipe called `name`, or raise UsageError that names those there are."""
    if name not in RECIPES:
        raise UsageError(f"recipe {name!r} is unknown; expected one of {', '.join(RECIPES)}")
    return RECIPES[name]


def advise_on_rate(recipe: Recipe) -> str:
    """Say what to do where a training by `recipe` came to a loss that is no number."""
    lower = min(recipe.lr / 10, RECIPES[recipe.name].lr if recipe.name in RECIPES else 0.1)
    if lower < 1e-6:
        return "that is low already: look at weight_decay, std, aux_weights and precision"
    return f"a lower one, such as --set lr={lower:g}, often mends it"
