"""Several processes that train one network: which of them this is, and what they exchange.

    torchrun --nproc-per-node 2 -m googlenet_lib train --data cifar10 ...

torchrun starts the processes, gives each its rank, and ends the others when one fails. Each takes
its share of every batch; DistributedDataParallel averages their gradients, so that all make the
same step.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from googlenet_lib.device import read_environment_number
from googlenet_lib.errors import UsageError

# What torchrun sets for each process. A WORLD_SIZE without the others was left over.
SET_BY_TORCHRUN = ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT")
T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The processes that train together, as one of them sees it."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Tell whether this is the one process that writes files and speaks."""
        return self.rank == 0

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Sum what each process has in its `tensor`; all get the sum."""
        if self.world_size == 1:
            return tensor
        # NCCL knows GPUs alone
        summed = tensor.to("cuda" if dist.get_backend() == "nccl" else "cpu", copy=True)
        dist.all_reduce(summed)
        return summed

    def all_gather(self, value: T) -> list[T]:
        """Collect the `value` of every process, in the order of their ranks."""
        values: list[Any] = [value] * self.world_size
        if self.world_size > 1:
            dist.all_gather_object(values, value)
        return values

    def from_main(self, value: Callable[[], T]) -> T:
        """Call `value` in the main process alone; all get what it returns."""
        values = [value() if self.is_main else None]
        if self.world_size > 1:
            dist.broadcast_object_list(values)
        return values[0]

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Put the main process's `tensors` in the place of everyone's."""
        if self.world_size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def barrier(self) -> None:
        """Wait until every process has come this far."""
        if self.world_size > 1:
            dist.barrier()


ALONE = Group()


def is_restart() -> bool:
    """Tell whether torchrun has started these processes anew, after one of them had ended."""
    return _count_restarts() > 0


def _count_restarts() -> int:
    return read_environment_number("TORCHELASTIC_RESTART_COUNT", 0)


@contextmanager
def join_group(device: torch.device) -> Iterator[tuple[Group, torch.device]]:
    """Join the processes that torchrun has started: (the group, this one's own device).

    Without torchrun this process is alone, on `device`. On GPUs each process takes its own and
    they talk by NCCL, on CPUs by gloo. Raises UsageError where the others cannot be reached, or
    where one of them ends within.
    """
    if read_environment_number("WORLD_SIZE", 1) <= 1 or not all(
        map(os.environ.get, SET_BY_TORCHRUN)
    ):
        yield ALONE, device
        return
    if device.type == "mps":
        raise UsageError("several processes cannot share an Apple GPU; add --device cpu")
    if device.type == "cuda":
        local = read_environment_number("LOCAL_RANK", 0)
        if local >= torch.cuda.device_count():
            raise UsageError(
                f"process {local} found {torch.cuda.device_count()} GPUs; start as many processes "
                f"as there are, by --nproc-per-node {torch.cuda.device_count()}, or add "
                "--device cpu"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    try:
        store, rank, world_size = next(dist.rendezvous("env://"))
        # torchrun keeps one store through all restarts: what an earlier start left there, such as
        # the addresses of processes that have ended, must not be found
        store = dist.PrefixStore(f"restart {_count_restarts()}", store)
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            store=store,
            rank=rank,
            world_size=world_size,
        )
    except (ValueError, RuntimeError) as error:  # numbers that are none; nobody who answers
        raise UsageError(
            f"the other processes of this run cannot be reached ({error}); start them by torchrun, "
            f"or unset {', '.join(SET_BY_TORCHRUN)}"
        ) from error
    try:
        yield Group(rank, world_size), device
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error).lower():
            raise UsageError(
                "another process of this run has ended; go on from the last checkpoint with "
                "--resume"
            ) from error
        raise
    finally:
        dist.destroy_process_group()
