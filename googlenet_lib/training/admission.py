"""What `fit` accepts: refused before anything is trained, or trained with a warning."""

import operator
import warnings

import torch
from torch import nn

from googlenet_lib.data.imageset import Data
from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import check_form, strip_wrapper_names, unwrap
from googlenet_lib.network.googlenet import GoogLeNet, GoogLeNetOutput
from googlenet_lib.network.pretrained import IMAGENET_MEAN
from googlenet_lib.network.weights import WeightsInfo, network_of
from googlenet_lib.training.recipes import Recipe

AT_THE_CALLER = 5  # the stack level of who calls `fit`: two decorators and `fit` lie between


def check_seed(seed: int) -> int:
    """Return a seed that every generator takes, or raise UsageError."""
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**32:
        raise UsageError(f"seed={seed!r} came; expected a whole number from 0 to {2**32 - 1}")
    return number


def refuse_untrainable(model: nn.Module, data: Data, recipe: Recipe) -> None:
    """Raise UsageError for what cannot be trained together; warn of what may be a mistake."""
    network = unwrap(model)
    for name, value, kind, advice in (
        ("model", network, GoogLeNet, "a GoogLeNet of this library, such as googlenet('small')"),
        ("data", data, Data, "what load returns, or a name or folder that it takes"),
        ("recipe", recipe, Recipe, "a Recipe, or the name of one"),
    ):
        if not isinstance(value, kind):
            raise UsageError(f"{name} came as {type(value).__name__}; expected {advice}")
    parameters = list(network.parameters())
    if dtypes := {p.dtype for p in parameters} - {torch.float32}:
        raise UsageError(
            f"the network's weights are {min(map(str, dtypes))}; training keeps float32: call "
            "model.float() first (the recipe's precision decides how it calculates)"
        )
    if not any(parameter.requires_grad for parameter in parameters):
        raise UsageError(
            "every parameter of the network is frozen, so that nothing is to be trained; call "
            "requires_grad_(True) on what is to learn, such as model.fc (fuse() also freezes: "
            "train first, then fuse)"
        )
    _refuse_other_classes(network, data)
    _refuse_small_heads(network, data, recipe)
    if network.transform_input and recipe.mean != IMAGENET_MEAN:
        warnings.warn(
            f"the network has transform_input=True, which expects pictures of ImageNet's mean, but "
            f"recipe {recipe.name} normalises by mean {recipe.mean}; set "
            "model.transform_input = False, or use the mean and std of recipe imagenet",
            stacklevel=AT_THE_CALLER,
        )


def warn_of_changes_by_hand(network: GoogLeNet, info: WeightsInfo) -> None:
    """Warn where `info`, which is saved with the weights, does not describe `network`."""
    try:
        with torch.device("meta"):
            check_form(strip_wrapper_names(network.state_dict()), network_of(info).state_dict())
        if type(network) is not GoogLeNet:
            raise ValueError(f"it is a {type(network).__name__}")
    except ValueError as error:
        warnings.warn(
            f"the network was changed by hand after it was made ({error}): it is trained and "
            "saved, but its weights can only be loaded into a network that was changed so again, "
            "by load_state_dict",
            stacklevel=AT_THE_CALLER,
        )


def _answer(network: GoogLeNet, size: int) -> GoogLeNetOutput:
    """Return what the network says of one grey picture of this size."""
    training, weights = network.training, next(network.parameters())
    try:
        with torch.no_grad():
            return network.eval().all_outputs(weights.new_zeros(1, 3, size, size))
    finally:
        network.train(training)


def _refuse_small_heads(network: GoogLeNet, data: Data, recipe: Recipe) -> None:
    """Ask heads that take few sizes for the size that pictures are shrunk to."""
    if not network.variant.smallest <= recipe.shrink < data.image_size:
        return  # none, or one that the trainer refuses
    try:
        _answer(network, recipe.shrink)
    except UsageError as error:
        raise UsageError(f"shrink={recipe.shrink} came: {error}, or shrink=0") from None


def _refuse_other_classes(network: GoogLeNet, data: Data) -> None:
    """Ask the network itself, whose last layers may have been replaced by hand."""
    expected, size = len(data.classes), data.image_size
    try:
        outputs = _answer(network, size)
    except RuntimeError as error:
        raise UsageError(
            f"the network cannot take the pictures of {data.name}, {size} pixels a side: {error}"
        ) from error
    for name, logits in outputs._asdict().items():
        if logits is not None and logits.shape != (1, expected):
            head = "" if name == "logits" else f" in its head (model.{name.replace('_logits', '')})"
            raise UsageError(
                f"the network tells {logits.shape[-1]} classes apart{head}, but {data.name} has "
                f"{expected}; use num_classes={expected}, or model.replace_classifier({expected})"
            )
