"""What a network costs: output sizes, parameters, multiply-adds and receptive fields.

First the arithmetic by hand, then Table 1 worked out row by row, then the paper's printed figures
held against it, and at the end the same counts for any built model.

One multiply-add counts as one, as in the paper; a FLOP counter reports twice as many. Only
convolutions and linear layers have any: adding a bias, pooling and normalising are not counted.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from googlenet_lib.paper import IMAGE_SIZE, TABLE_1, Row

# ---- 1. The arithmetic, by hand ------------------------------------------------------------------


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, ceil_mode: bool = False
) -> int:
    """Positions, in one direction, at which a window of `kernel` pixels stops.

    With `ceil_mode` a last window may hang over the far edge, as Caffe's pooling does. As in
    PyTorch it must still start inside the input or its left padding.

    Raises ValueError when an argument makes no sense or when no window fits.
    """
    given = f"size={size}, kernel={kernel}, stride={stride}, padding={padding}"
    if min(size, kernel, stride) < 1 or padding < 0:
        raise ValueError(f"got {given}; expected a padding of 0 or more, the others 1 or more")
    room = size + 2 * padding - kernel  # how far the first window can slide
    steps = -(-room // stride) if ceil_mode else room // stride
    if ceil_mode and steps * stride >= size + padding:
        steps -= 1  # that window would see nothing but padding on the right
    if steps < 0:
        raise ValueError(f"got {given}: no window fits; enlarge the input or shrink the kernel")
    return steps + 1


def conv_params(in_channels: int, out_channels: int, kernel: int, bias: bool = False) -> int:
    """Parameters of a convolution with a square kernel.

    `in_channels` are those that one filter sees: a single one if the convolution is depthwise.
    """
    return out_channels * in_channels * kernel**2 + bias * out_channels


def conv_macs(in_channels: int, out_channels: int, kernel: int, out_size: int) -> int:
    """Multiply-adds of a convolution: every weight works once per output pixel."""
    return conv_params(in_channels, out_channels, kernel) * out_size**2


def linear_params(in_features: int, out_features: int, bias: bool = False) -> int:
    """Parameters of a fully connected layer."""
    return in_features * out_features + bias * out_features


def linear_macs(in_features: int, out_features: int) -> int:
    """Multiply-adds of a fully connected layer: every weight works once."""
    return in_features * out_features


Field = tuple[float, float]  # receptive field and jump


def receptive_field(field: float, jump: float, kernel: int, stride: float = 1) -> Field:
    """Receptive field and jump behind one more layer, both in pixels of the picture.

    `field` is the width of what one value sees, `jump` the distance between the centres of two
    neighbours. A picture has (1, 1).
    """
    return field + (kernel - 1) * jump, jump * stride


# ---- 2. Table 1, row by row ----------------------------------------------------------------------


Shape = tuple[int, ...]  # without the batch: (C, H, W) or (features,)


@dataclass(frozen=True)
class Cost:
    """What one row of Table 1, or one layer of a model, costs for one picture."""

    name: str
    kind: str
    shape: Shape  # of the output
    params: int
    macs: int
    field: float  # receptive field of one output value, in pixels of the picture
    jump: float  # pixels between the centres of two neighbouring fields


class Conv(NamedTuple):
    """One convolution of a row of Table 1; in a module, `name` is that of its width."""

    name: str
    in_channels: int
    out_channels: int
    kernel: int


def row_convs(row: Row, in_channels: int) -> list[Conv]:
    """The convolutions that one row of Table 1 stands for, behind `in_channels` channels."""
    if row.kind == "conv":
        reduce = [Conv("reduce", in_channels, row.reduce, 1)] if row.reduce else []
        return [*reduce, Conv(row.name, row.reduce or in_channels, row.channels, row.kernel)]
    if row.widths is None:
        return []
    widths = row.widths
    return [
        Conv("out_1x1", in_channels, widths.out_1x1, 1),
        Conv("reduce_3x3", in_channels, widths.reduce_3x3, 1),
        Conv("out_3x3", widths.reduce_3x3, widths.out_3x3, 3),
        Conv("reduce_5x5", in_channels, widths.reduce_5x5, 1),
        Conv("out_5x5", widths.reduce_5x5, widths.out_5x5, 5),
        Conv("pool_proj", in_channels, widths.pool_proj, 1),
    ]


def row_cost(
    row: Row, in_channels: int, in_size: int, field: float = 1, jump: float = 1, bias: bool = False
) -> Cost:
    """Cost of one row of Table 1 behind an input of (in_channels, in_size, in_size).

    `field` and `jump` are those of the input. The paper gives no padding; its sizes come out if
    convolutions are padded by half their kernel, and pools not at all but with `ceil_mode`.
    """
    convs = row_convs(row, in_channels)
    # No path through a row has two windows wider than one pixel: the widest one decides.
    kernel = row.kernel or max((conv.kernel for conv in convs), default=1)
    stride = row.stride or 1
    is_pool = row.kind in ("maxpool", "avgpool")
    size = output_size(in_size, kernel, stride, 0 if is_pool else kernel // 2, ceil_mode=is_pool)
    if row.kind == "linear":
        params = linear_params(in_channels, row.channels, bias)
        macs = linear_macs(in_channels, row.channels)
    else:
        params = sum(conv_params(c.in_channels, c.out_channels, c.kernel, bias) for c in convs)
        macs = sum(conv_macs(c.in_channels, c.out_channels, c.kernel, size) for c in convs)
    field, jump = receptive_field(field, jump, kernel, stride)
    return Cost(row.name, row.kind, (row.channels, size, size), params, macs, field, jump)


def table_costs(bias: bool = False) -> list[Cost]:
    """Costs of all rows of Table 1, each behind the one before, for a 224x224 RGB picture."""
    costs: list[Cost] = []
    channels, size, field, jump = 3, IMAGE_SIZE, 1, 1
    for row in TABLE_1:
        costs.append(row_cost(row, channels, size, field, jump, bias))
        channels, size, _ = costs[-1].shape
        field, jump = costs[-1].field, costs[-1].jump
    return costs


def total(costs: Sequence[Cost]) -> tuple[int, int]:
    """Parameters and multiply-adds of several rows together."""
    return sum(cost.params for cost in costs), sum(cost.macs for cost in costs)


# ---- 3. What the paper prints, audited -----------------------------------------------------------

# "linear: 1000K" is 1024 x 1000 and "112K" is 112 x 1024 exactly: the table's K is 1024.
# Its ops are multiply-adds, in millions.
UNITS = {"K": 1024, "M": 10**6}
TOLERANCE = 0.005


@dataclass(frozen=True)
class Comparison:
    """A figure of Table 1 beside the one computed from the row's own widths."""

    printed: float
    computed: int

    @property
    def error(self) -> float:
        """Relative error of the printed figure: -0.01 is one percent too low."""
        return self.printed / self.computed - 1

    @property
    def matches(self) -> bool:
        """Whether it is within 0.5%, or is the computed figure cut to whole millions."""
        return abs(self.error) <= TOLERANCE or self.printed == self.computed // 10**6 * 10**6


class AuditRow(NamedTuple):
    """Both printed figures of one row of Table 1, compared."""

    name: str
    params: Comparison
    ops: Comparison


def parse_figure(text: str) -> float:
    """The number printed as "2.7K" (of 1024 parameters) or "34M" (of 10^6 multiply-adds)."""
    return float(text[:-1]) * UNITS[text[-1]]


def audit() -> list[AuditRow]:
    """Every printed figure of Table 1 against the computed one, biases not counted."""
    return [
        AuditRow(
            row.name,
            Comparison(parse_figure(row.params), cost.params),
            Comparison(parse_figure(row.ops), cost.macs),
        )
        for row, cost in zip(TABLE_1, table_costs(), strict=True)
        if row.params and row.ops
    ]


# ---- 4. Any built model --------------------------------------------------------------------------

PICTURE = (3, IMAGE_SIZE, IMAGE_SIZE)
Call = Callable[[Tensor], Any] | None

WEIGHTED = (nn.Conv2d, nn.Linear)
WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)
LAYERS = (nn.Linear, *WINDOWED, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, *NORMS)


def model_costs(model: nn.Module, input_size: Shape = PICTURE, call: Call = None) -> list[Cost]:
    """Cost of every convolution, linear layer, pool and norm, in the order in which they run.

    `input_size` is one picture, without the batch. The model, or `call` in its stead (such as
    its method `all_outputs`), runs once on zeros in evaluation mode: what does not run then is
    not listed. A layer that runs twice has its parameters counted once.

    Receptive fields are theoretical, along the width, for tensors (N, C, H, W). A max or average
    pool that is called as a function, not as a module, does not widen them.

    Raises TypeError for a module with parameters of its own that this does not know to count.
    """
    layers = {name for name, module in model.named_modules() if isinstance(module, LAYERS)}
    return [cost for cost in _run(model, input_size, call) if cost.name in layers]


def child_costs(model: nn.Module, input_size: Shape = PICTURE, call: Call = None) -> list[Cost]:
    """The rows of `model_costs`, summed by the model's own children, such as "inception3a"."""
    costs = []
    for name, group in groupby(_run(model, input_size, call), lambda c: c.name.split(".")[0]):
        parts = list(group)
        params, macs = total(parts)
        costs.append(replace(parts[-1], name=name, params=params, macs=macs))  # the child itself
    return costs


def _run(model: nn.Module, input_size: Shape, call: Call) -> list[Cost]:
    """Costs of layers, and of the modules around them for themselves, in the order they finish."""
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
    """Lets `seen`, the pair (field, jump), travel from a function's arguments to its results.

    So concatenations, activations and reshapes need no hook; where branches meet, the widest
    field wins. Convolutions and pools with a fixed window add it in `record` above.
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
    """Behind adaptive pooling of `size` columns: the widest window, the mean distance of two."""
    window = max(-(-(i + 1) * size // out) - i * size // out for i in range(out))
    stride = (size - window) / (out - 1) if out > 1 else 1
    return receptive_field(*seen, window, stride)


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    """The tensors among `values` and in the lists and tuples there, such as torch.cat's."""
    flat = (v for value in values for v in (value if isinstance(value, list | tuple) else [value]))
    return [value for value in flat if isinstance(value, Tensor)]
