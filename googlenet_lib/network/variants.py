"""Four networks called GoogLeNet, as data: this table holds all that differs between them.

`paper` is Table 1 with the LRN of Figure 3. `torchvision` is what torchvision ships: TF-Slim's
port, with BatchNorm. `classroom` is the Colab walkthrough's. `small` is ours, for pictures of
32x32.
"""

from dataclasses import dataclass, replace
from itertools import count
from typing import Annotated

from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import output_size
from googlenet_lib.settings import check_fields

# Types of fields with their bounds: whole numbers, or the lowest and the highest value. A network
# of 8 times Table 1's channels takes 3 GB, four times that while it is trained.
WIDEST = 8
Width = Annotated[float, (1e-3, WIDEST)]
Share = Annotated[float, (0, 1)]
Kernel = Annotated[int, range(1, 32, 2)]  # an even one would move the map by half a pixel


@dataclass(frozen=True)
class Variant:
    """One network called GoogLeNet: every choice in which it may differ from the others."""

    name: str
    batch_norm: bool
    eps: Annotated[float, (1e-12, 1)]  # BatchNorm's
    conv_bias: bool
    local_response_norm: bool
    large_kernel: Kernel  # of the branch that the paper calls 5x5
    stem_kernel: Kernel
    stem_stride: Annotated[int, range(1, 33)]
    stem_pools: tuple[bool, bool]  # is there a maxpool1, a maxpool2?
    maxpool4_kernel: Annotated[int, range(1, 17)]
    adaptive_head_pool: bool  # to 4x4 from any size; else the paper's average pool 5x5/3
    head_batch_norm: bool
    dropout: Share
    head_dropout: Share
    init: str  # a name in INITIALISATIONS
    min_size: Annotated[int, range(1, 10_001)]  # pixels a side that leave something to pool
    width: Width = 1.0  # channels, as a multiple of Table 1's
    reduction: Width = 1.0  # a further multiple, of the 1x1 reductions before 3x3 and 5x5

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def smallest(self) -> int:
        """The smallest picture, in pixels a side: `min_size`, or more if its layers need more."""
        return next(side for side in count(self.min_size) if self.last_map(side))

    def last_map(self, side: int) -> int:
        """Work out the side of the last maps for pictures of `side` pixels; 0 if none is left."""
        pools = [3 for pool in self.stem_pools if pool] + [3, self.maxpool4_kernel]
        try:
            side = output_size(side, self.stem_kernel, self.stem_stride, self.stem_kernel // 2)
            for kernel in pools:
                side = output_size(side, kernel, 2, ceil_mode=True)
        except ValueError:  # no window fits
            return 0
        return side


PAPER = Variant(
    name="paper",
    batch_norm=False,  # BatchNorm is of 2015
    eps=1e-5,
    conv_bias=True,
    local_response_norm=True,
    large_kernel=5,
    stem_kernel=7,
    stem_stride=2,
    stem_pools=(True, True),
    maxpool4_kernel=3,
    adaptive_head_pool=False,
    head_batch_norm=False,
    dropout=0.4,
    head_dropout=0.7,
    init="xavier",  # the paper is silent; Caffe's copy has a filler of this name
    min_size=31,
)
TORCHVISION = Variant(
    name="torchvision",
    batch_norm=True,
    eps=1e-3,
    conv_bias=False,
    local_response_norm=False,
    large_kernel=3,  # inherited from TF-Slim together with its weights
    stem_kernel=7,
    stem_stride=2,
    stem_pools=(True, True),
    maxpool4_kernel=2,
    adaptive_head_pool=True,
    head_batch_norm=True,
    dropout=0.2,
    head_dropout=0.7,
    init="truncated_normal",
    min_size=15,
)
CLASSROOM = replace(
    TORCHVISION,
    name="classroom",
    eps=1e-5,
    conv_bias=True,
    large_kernel=5,
    maxpool4_kernel=3,
    head_batch_norm=False,
    dropout=0.4,
    init="torch",
    min_size=31,
)
SMALL = replace(
    TORCHVISION,
    name="small",
    large_kernel=5,
    stem_kernel=3,
    stem_stride=1,
    stem_pools=(False, True),  # chosen among four stems of equal cost: docs/measurements.md
    maxpool4_kernel=3,
    init="torch",  # better than torchvision's in each of three runs: docs/measurements.md
    min_size=8,
    width=0.5,
)
VARIANTS: dict[str, Variant] = {v.name: v for v in (PAPER, TORCHVISION, CLASSROOM, SMALL)}
"""The four variants by their names."""


def find_variant(name: str) -> Variant:
    """Find the variant called `name`. Raises UsageError if there is none."""
    if name not in VARIANTS:
        raise UsageError(f"variant {name!r} is unknown; expected one of {', '.join(VARIANTS)}")
    return VARIANTS[name]
