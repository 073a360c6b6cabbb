"""Who rescues the gradient? Three losses, taken back through the paper's network layer by layer.

    python -m googlenet_lib.course.nb05.gradients --overwrite

computes the recorded grid anew and writes it into `gradients.json`, or with `--out FILE` into
another file.

A gradient is linear in the loss: that of L + w1 L1 + w2 L2 is g + w1 g1 + w2 g2. So the six inner
products of g, g1 and g2 give its length for any two weights, and no slider has to wait.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit import recorder
from googlenet_lib.device import progress_bar
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import IMAGE_SIZE, INCEPTION_ROWS
from googlenet_lib.network.variants import PAPER, Variant
from googlenet_lib.network.watch import watch

RECORDED = Path(__file__).with_name("gradients.json")

LAYERS = ("conv1", "conv2", "conv3", *(row.name for row in INCEPTION_ROWS))
INITS = ("normal", "xavier", "he", "torch")
NORMS = ("none", "batch")
SEEDS = (0, 1, 2)
BATCH = 2
CLASSES = 1000


@dataclass(frozen=True)
class Probe:
    """One untrained network, one batch of noise: what arrives, forwards and backwards.

    `activations` are means of absolute values after each layer, `products` the inner products
    (g·g, g·g1, g·g2, g1·g1, g1·g2, g2·g2) of the gradients at each layer's convolution weights.
    """

    init: str
    norm: str
    seed: int
    losses: tuple[float, float, float]  # of the classifier, the head at 4a, the head at 4d
    activations: dict[str, float]
    products: dict[str, tuple[float, ...]]

    def length(self, layer: str, at_4a: float = 0.0, at_4d: float = 0.0) -> float:
        """Work out the length of the gradient of L + at_4a L1 + at_4d L2 at one of LAYERS."""
        if layer not in self.products:
            raise UsageError(f"layer {layer!r} is unknown; use one of {', '.join(self.products)}")
        gg, g1, g2, g11, g12, g22 = self.products[layer]
        square = gg + 2 * (at_4a * g1 + at_4d * g2 + at_4a * at_4d * g12)
        return math.sqrt(max(square + at_4a**2 * g11 + at_4d**2 * g22, 0.0))

    def rescue(self, layer: str, at_4a: float = 0.3, at_4d: float = 0.3) -> float:
        """Work out how many times longer the heads make the gradient."""
        return self.length(layer, at_4a, at_4d) / self.length(layer)


def set_norm(variant: Variant, norm: str) -> Variant:
    """Return the variant as it is ("none"), or with BatchNorm after each convolution."""
    if norm not in NORMS:
        raise UsageError(f"normalisation {norm!r} is unknown; use one of {', '.join(NORMS)}")
    if norm == "none":
        return variant
    return replace(variant, batch_norm=True, conv_bias=False, local_response_norm=False)


def probe(
    init: str = "xavier",
    norm: str = "none",
    seed: int = 0,
    *,
    batch: int = BATCH,
    size: int = IMAGE_SIZE,
    width: float = 1.0,
) -> Probe:
    """Build the paper's network, send noise through it once, and take three losses back.

    `init` is a name in INITIALISATIONS, `norm` one of NORMS. Takes half a second on one core.
    """
    torch.manual_seed(seed)
    network = GoogLeNet(replace(set_norm(PAPER, norm), init=init), CLASSES, width=width).train()
    pictures, labels = torch.randn(batch, 3, size, size), torch.randint(CLASSES, (batch,))
    layers = {name: network.get_submodule(name) for name in LAYERS}
    with watch(layers, keep=_mean_absolute) as activations:
        outputs = network(pictures)
    logits = (outputs.logits, outputs.aux_logits1, outputs.aux_logits2)
    losses = [F.cross_entropy(one, labels) for one in logits]
    return Probe(
        init, norm, seed, tuple(loss.item() for loss in losses), activations,
        gradient_products(network, losses),
    )  # fmt: skip


def gradient_products(network: nn.Module, losses: Sequence[Tensor]) -> dict[str, tuple]:
    """Compute, for each of LAYERS, the inner products of every two of the losses' gradients."""
    weights = {name: conv_weights(network.get_submodule(name)) for name in LAYERS}
    flat = [weight for group in weights.values() for weight in group]
    gradients = [
        torch.autograd.grad(loss, flat, retain_graph=loss is not losses[-1], allow_unused=True)
        for loss in losses
    ]
    products, start = {}, 0
    for name, group in weights.items():
        parts = [_join(one[start : start + len(group)], group) for one in gradients]
        start += len(group)
        pairs = [(i, j) for i in range(len(parts)) for j in range(i, len(parts))]
        products[name] = tuple(float(parts[i] @ parts[j]) for i, j in pairs)
    return products


def conv_weights(layer: nn.Module) -> list[nn.Parameter]:
    """List the weights, without biases, of all convolutions in a layer."""
    return [part.weight for part in layer.modules() if isinstance(part, nn.Conv2d)]


@cache
def recorded_probes() -> tuple[Probe, ...]:
    """Load the recorded probes: every setting with three seeds."""
    return recorder.load(RECORDED, Probe)[1]


def probes_of(init: str, norm: str) -> tuple[Probe, ...]:
    """Find the recorded probes of one setting, a seed each."""
    chosen = tuple(one for one in recorded_probes() if (one.init, one.norm) == (init, norm))
    if not chosen:
        raise UsageError(
            f"{init!r} with norm {norm!r} is not recorded; there are {', '.join(INITS)} with "
            f"{' and '.join(NORMS)}"
        )
    return chosen


def record(path: Path) -> None:
    """Probe all settings with all seeds, and write them to `path`."""
    jobs = [(init, norm, seed) for init in INITS for norm in NORMS for seed in SEEDS]
    probes = [_round_probe(probe(*job)) for job in progress_bar(jobs, desc="probes")]
    recorder.save(path, {"batch": BATCH}, probes)


def _round_probe(one: Probe) -> Probe:
    """Keep five digits, and nine of the products, whose differences count."""
    return replace(
        one,
        losses=tuple(map(_round, one.losses)),
        activations={name: _round(value) for name, value in one.activations.items()},
        products={
            name: tuple(_round(product, 9) for product in group)
            for name, group in one.products.items()
        },
    )


def _mean_absolute(_given: Tensor, output: Tensor) -> float:
    return float(output.detach().abs().mean())


def _join(gradients: Sequence[Tensor | None], weights: Sequence[Tensor]) -> Tensor:
    """Join gradients in float64: squares of what is left at depth don't fit into float32."""
    pairs = zip(gradients, weights, strict=True)
    filled = [torch.zeros_like(weight) if g is None else g for g, weight in pairs]
    return torch.cat([one.flatten() for one in filled]).double()


def _round(number: float, digits: int = 5) -> float:
    return float(f"{number:.{digits}g}")


if __name__ == "__main__":
    recorder.run(record, RECORDED, __doc__)
