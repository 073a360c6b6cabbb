"""Ways to draw the weights before training starts, by name."""

from torch import nn

from googlenet_lib.errors import UsageError


def _zero_bias(layer: nn.Module) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _xavier(layer: nn.Module) -> None:
    nn.init.xavier_uniform_(layer.weight)
    _zero_bias(layer)


def _he(layer: nn.Module) -> None:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    _zero_bias(layer)


def _normal(layer: nn.Module) -> None:
    nn.init.normal_(layer.weight, std=0.01)
    _zero_bias(layer)


def _truncated_normal(layer: nn.Module) -> None:
    # as torchvision does; the bounds lie 200 standard deviations out and change nothing
    nn.init.trunc_normal_(layer.weight, mean=0.0, std=0.01, a=-2, b=2)


def _torch_default(layer: nn.Module) -> None:
    layer.reset_parameters()


INITIALISATIONS = {
    "xavier": _xavier,  # Glorot and Bengio, 2010
    "he": _he,  # He et al., 2015
    "normal": _normal,  # standard deviation 0.01
    "truncated_normal": _truncated_normal,
    "torch": _torch_default,
}


def initialise(network: nn.Module, name: str) -> None:
    """Draw the weights of every convolution and linear layer anew, in place.

    `name` is one of INITIALISATIONS; UsageError for another.
    """
    if name not in INITIALISATIONS:
        raise UsageError(f"initialisation {name!r} is unknown; use {', '.join(INITIALISATIONS)}")
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            INITIALISATIONS[name](layer)
