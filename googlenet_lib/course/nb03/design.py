"""Widths of one's own in the place of a module of Table 1, and what they cost.

The budget is what the paper's own widths cost in that place, in multiply-adds for one picture.
Biases are not counted.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import (
    ROWS,
    Widths,
    conv_params,
    find_module,
    receptive_field,
    row_convs,
    table_costs,
)

# The convolutions of each branch by the names of Widths, and the widest window in it. The pool's
# window is its own: the 1x1 after it adds nothing.
BRANCH_LAYERS: dict[str, tuple[tuple[str, ...], int]] = {
    "1x1": (("out_1x1",), 1),
    "3x3": (("reduce_3x3", "out_3x3"), 3),
    "5x5": (("reduce_5x5", "out_5x5"), 5),
    "pool": (("pool_proj",), 3),
}


class Place(NamedTuple):
    """The input of a module of Table 1: channels, pixels a side, and the window of one value."""

    in_channels: int
    size: int
    field: float  # in pixels of a 224x224 picture
    jump: float


class Branch(NamedTuple):
    """One branch of a design. A branch that is left out has no window and costs nothing."""

    params: tuple[int, ...]  # of each of its convolutions, the reduction first
    macs: tuple[int, ...]
    channels: int
    window: int  # pixels a side, of the map that the module reads


@dataclass(frozen=True)
class Design:
    """Six widths in the place of a module of Table 1.

    A branch with a width of 0 is left out, all of it. Raises UsageError for a module that Table 1
    does not have, and for widths that are not whole numbers of 0 or more.
    """

    module: str
    widths: Widths

    def __post_init__(self) -> None:
        find_module(self.module)
        wrong = {k: v for k, v in vars(self.widths).items() if not isinstance(v, int) or v < 0}
        if wrong:
            raise UsageError(f"widths {wrong} came; expected whole numbers, 0 for no such branch")

    @property
    def place(self) -> Place:
        """Return the input that the module gets."""
        return find_place(self.module)

    @property
    def branches(self) -> dict[str, Branch]:
        """Return the four branches in the order in which they are stacked."""
        place, branches = self.place, {}
        row = replace(ROWS[self.module], widths=self.widths)
        convs = {conv.name: conv for conv in row_convs(row, place.in_channels)}
        for name, (layers, window) in BRANCH_LAYERS.items():
            widths = [getattr(self.widths, layer) for layer in layers]
            if 0 in widths:
                branches[name] = Branch((0,) * len(layers), (0,) * len(layers), 0, 0)
                continue
            params = tuple(conv_params(*convs[layer][1:]) for layer in layers)
            macs = tuple(count * place.size**2 for count in params)
            branches[name] = Branch(params, macs, widths[-1], window)
        return branches

    @property
    def params(self) -> int:
        """Count the weights of all branches."""
        return sum(sum(branch.params) for branch in self.branches.values())

    @property
    def macs(self) -> int:
        """Count the multiply-adds of all branches for one picture."""
        return sum(sum(branch.macs) for branch in self.branches.values())

    @property
    def out_channels(self) -> int:
        """Count the channels after the branches are stacked."""
        return sum(branch.channels for branch in self.branches.values())

    @property
    def window(self) -> int:
        """Return the largest window, in pixels a side of the module's input; 0 for no branch."""
        return max(branch.window for branch in self.branches.values())

    @property
    def field(self) -> int:
        """Return the largest window, in pixels a side of a 224x224 picture; 0 for no branch."""
        place = self.place
        if not self.window:
            return 0
        return round(receptive_field(place.field, place.jump, self.window)[0])

    @property
    def budget(self) -> int:
        """Count the multiply-adds of the paper's own widths in this place."""
        return paper_design(self.module).macs

    @property
    def over(self) -> int:
        """Count the multiply-adds beyond the budget; below 0, that many are left."""
        return self.macs - self.budget


def paper_design(module: str = "inception3a") -> Design:
    """Return the design that Table 1 has in the place of `module`."""
    return Design(module, find_module(module).widths)


@cache
def find_place(module: str) -> Place:
    """Return the input that `module` of Table 1 gets."""
    costs = {cost.name: (before, cost) for before, cost in pairwise(table_costs())}
    before, own = costs[find_module(module).name]
    return Place(before.shape[0], own.shape[1], before.field, before.jump)
