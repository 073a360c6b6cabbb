"""Count what any built model costs: parameters, multiply-adds and receptive fields, layer by layer.

The units are those of `table1.py`, so that a model can be compared with the paper's table.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from googlenet_lib.network.table1 import IMAGE_SIZE, Cost, Field, Shape, receptive_field, total

PICTURE = (3, IMAGE_SIZE, IMAGE_SIZE)
Call = Callable[[Tensor], Any] | None

WEIGHTED = (nn.Conv2d, nn.Linear)
WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)
LAYERS = (nn.Linear, *WINDOWED, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, *NORMS)


def model_costs(model: nn.Module, input_size: Shape = PICTURE, call: Call = None) -> list[Cost]:
    """Count every convolution, linear layer, pool and norm of a model, in the order they run.

    `input_size` is one picture, without the batch. The model, or `call` in its place (such as
    its method `all_outputs`), runs once on zeros in evaluation mode. A layer that does not run
    then is not listed; a layer that runs twice has its parameters counted once.

    Receptive fields are theoretical, along the width, for tensors (N, C, H, W). A max or average
    pool that is called as a function, not as a module, does not widen them.

    Raises TypeError for a module with parameters of its own that this does not know to count.
    """
    layers = {name for name, module in model.named_modules() if isinstance(module, LAYERS)}
    return [cost for cost in _run(model, input_size, call) if cost.name in layers]


def child_costs(model: nn.Module, input_size: Shape = PICTURE, call: Call = None) -> list[Cost]:
    """Sum the rows of `model_costs` by the model's own children, such as "inception3a"."""
    costs = []
    for name, group in groupby(_run(model, input_size, call), lambda c: c.name.split(".")[0]):
        parts = list(group)
        params, macs = total(parts)
        costs.append(replace(parts[-1], name=name, params=params, macs=macs))  # the child itself
    return costs


def _run(model: nn.Module, input_size: Shape, call: Call) -> list[Cost]:
    """List layers, and the modules around them by themselves, in the order they finish."""
    for name, module in model.named_modules():
        if not isinstance(module, LAYERS) and list(module.parameters(recurse=False)):
            raise TypeError(
                f"{name or 'the model'} came as {type(module).__name__} with parameters of its "
                f"own; build from what is counted: {', '.join(kind.__name__ for kind in LAYERS)}"
            )
    costs: list[Cost] = []
    counted: set[nn.Module] = set()

    def record(name: str, module: nn.Module, inputs: tuple, output: Any) -> None:
        if not isinstance(output, Tensor):
            return
        if isinstance(module, WINDOWED):
            window = (module.kernel_size, module.stride, getattr(module, "dilation", 1))
            kernel, stride, dilation = (n[-1] if isinstance(n, tuple) else n for n in window)
            output.seen = receptive_field(*output.seen, dilation * (kernel - 1) + 1, stride)
        # Every output value costs one multiply-add per weight of its filter.
        macs = output.numel() * module.weight[0].numel() if isinstance(module, WEIGHTED) else 0
        own = [] if module in counted else module.parameters(recurse=False)
        counted.add(module)
        shape, params = tuple(output.shape[1:]), sum(p.numel() for p in own)
        costs.append(Cost(name, type(module).__name__, shape, params, macs, *output.seen))

    hooks = [
        module.register_forward_hook(partial(record, name))
        for name, module in model.named_modules()
        if isinstance(module, LAYERS) or (name and list(module.children()))
    ]
    modes = {module: module.training for module in model.modules()}
    picture = next(model.parameters(), torch.empty(0)).new_zeros((1, *input_size))
    picture.seen = (1, 1)
    try:
        model.eval()
        with torch.no_grad(), _PassOn():
            (call or model)(picture)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
    return costs


class _PassOn(TorchFunctionMode):
    """Pass `seen`, the pair (field, jump), from a function's arguments to its results.

    An advanced tool of torch: with it, concatenations, activations and reshapes need no hook.
    Where branches meet, the widest field wins. Convolutions and pools add their own window in
    `record` above.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        sources = [t for t in _tensors([*args, *kwargs.values()]) if hasattr(t, "seen")]
        source = max(sources, key=lambda tensor: tensor.seen, default=None)
        for tensor in _tensors([result]) if sources else []:
            tensor.seen = source.seen
            if source.dim() == 4 and tensor.dim() <= 2:  # flattened: one value sees the whole map
                tensor.seen = _pooled(source.seen, source.shape[-1], 1)
            elif func in (F.adaptive_avg_pool2d, F.adaptive_max_pool2d):
                tensor.seen = _pooled(source.seen, source.shape[-1], tensor.shape[-1])
        return result


def _pooled(seen: Field, size: int, out: int) -> Field:
    """Add an adaptive pool of `size` columns: its widest window, the mean distance of two."""
    window = max(-(-(i + 1) * size // out) - i * size // out for i in range(out))
    stride = (size - window) / (out - 1) if out > 1 else 1
    return receptive_field(*seen, window, stride)


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    """List the tensors in `values` and in the lists and tuples there, such as torch.cat's."""
    flat = (v for value in values for v in (value if isinstance(value, list | tuple) else [value]))
    return [value for value in flat if isinstance(value, Tensor)]
