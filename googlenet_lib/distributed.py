"""Several processes that train one network: who this one is, and what they tell each other.

    torchrun --nproc-per-node 2 -m googlenet_lib train --data cifar10 ...

torchrun starts the processes and tells each its number. Each takes its share of every batch;
DistributedDataParallel averages their gradients, so that all make the same step.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from googlenet_lib.errors import UsageError
from googlenet_lib.platforms import environment_number

# What torchrun tells each process. A WORLD_SIZE without the others was left over.
TORCHRUNS = ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT")
T = TypeVar("T")


class WorkerLost(UsageError):
    """Another process has ended in the middle of the work."""


@contextmanager
def talking() -> Iterator[None]:
    """Around what processes do together: WorkerLost where one of them has ended.

    These are the processes that torchrun has started, and those that decode pictures.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error).lower():
            raise WorkerLost("another process of this run has ended") from error
        if "DataLoader worker" in str(error):  # torch has no class of its own for this
            raise WorkerLost(
                f"a process that decodes pictures was ended ({error}), most often because memory "
                "ran out; go on with --resume, in a smaller --size if this comes again"
            ) from error
        raise


@dataclass(frozen=True)
class Workers:
    """This process among those that train together: number `rank` of `count`."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Is this the one process that writes files and speaks?"""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of what each process has in its `tensor`."""
        if self.count == 1:
            return tensor
        summed = tensor.to(_device(), copy=True)  # NCCL knows GPUs alone
        with talking():
            dist.all_reduce(summed)
        return summed

    def gather(self, value: T) -> list[T]:
        """What each process has as its `value`, in the order of their numbers."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        with talking():
            dist.all_gather_object(values, value)
        return values

    def from_first(self, value: Callable[[], T]) -> T:
        """What `value()` gives in the first process; it is called in that one alone."""
        if self.count == 1:
            return value()
        values = [value() if self.first else None]
        with talking():
            dist.broadcast_object_list(values)
        return values[0]

    def wait(self) -> None:
        """Until every process has come this far."""
        if self.count > 1:
            with talking():
                dist.barrier()

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Put the first process's `tensors` in the place of everyone's."""
        if self.count > 1:
            with talking():
                for tensor in tensors:
                    dist.broadcast(tensor, 0)


ALONE = Workers()


def restarted() -> bool:
    """True where torchrun has started these processes anew, after one of them had ended."""
    return _restarts() > 0


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[Workers, torch.device]]:
    """Join the processes that torchrun has started: (which this is, its own device).

    Without torchrun this process is alone, on `device`. On GPUs each process takes its own and
    they talk by NCCL, on CPUs by gloo.
    """
    if environment_number("WORLD_SIZE", 1) <= 1 or not all(map(os.environ.get, TORCHRUNS)):
        with talking():
            yield ALONE, device
        return
    if device.type == "cuda":
        local = environment_number("LOCAL_RANK", 0)
        if local >= torch.cuda.device_count():
            raise UsageError(
                f"process {local} found {torch.cuda.device_count()} GPUs; start as many processes "
                f"as there are, by --nproc-per-node {torch.cuda.device_count()}, or add "
                "--device cpu"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    try:
        store, rank, count = next(dist.rendezvous("env://"))
    except (ValueError, RuntimeError) as error:  # numbers that are none; nobody who answers
        raise UsageError(
            f"the other processes of this run cannot be reached ({error}); start them by torchrun, "
            f"or unset {', '.join(TORCHRUNS)}"
        ) from error
    # torchrun keeps one store through all restarts: what an earlier one left, such as the addresses
    # of processes that have ended, must not be found
    store = dist.PrefixStore(f"restart {_restarts()}", store)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=count)
    before = signal.signal(signal.SIGTERM, _stopped)  # what torchrun sends once one has ended
    try:
        with talking():
            yield Workers(dist.get_rank(), dist.get_world_size()), device
    finally:
        signal.signal(signal.SIGTERM, before)
        dist.destroy_process_group()


def _restarts() -> int:
    return environment_number("TORCHELASTIC_RESTART_COUNT", 0)


def _device() -> str:
    return "cuda" if dist.get_backend() == "nccl" else "cpu"


def _stopped(_signal: int, _frame: object) -> None:
    raise WorkerLost("torchrun has stopped this process, since another of the run has ended")
