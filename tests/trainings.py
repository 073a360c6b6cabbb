"""What the tests of training share: a network that takes no time, equality, an end like a kill."""

import torch
from torch import Tensor

from googlenet_lib import GoogLeNet, googlenet


class Stopped(Exception):
    """Stands in for a kill; tests/slow/test_kill_and_resume.py kills in earnest."""


def network(classes: int = 3, seed: int = 0, **how: object) -> GoogLeNet:
    """The narrowest `small`, the same one for the same seed."""
    torch.manual_seed(seed)
    return googlenet("small", classes, width=0.0625, **how)


def same_bits(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
