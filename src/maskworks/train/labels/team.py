"""Distributed training: the processes that torchrun starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import distributed


@dataclass(frozen=True)
class Team:
    """The `rank` of one process among `size`; the leader, rank 0, judges, writes and reports."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """The accelerator of this process, or the processor."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))

    def agreed(self, value: float) -> float:
        """Return the leader's value in every process."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, 0)
        return float(shared[0])

    def gathered(self, value: object) -> list[Any]:
        """Return the values of all processes in order of rank."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, value)
        return found


def device_name(device: torch.device) -> str:
    """Return what a device is called: "cpu", or the name of the accelerator."""
    return "cpu" if device.type == "cpu" else torch.cuda.get_device_name(device)


ALONE = Team()
"""One process that has nobody to agree with."""


def join_team() -> Team:
    """Join the processes that torchrun started; alone where it did not."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Team()
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Team(distributed.get_rank(), distributed.get_world_size())


def leave_team() -> None:
    """Leave it, so that the processes end together."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
