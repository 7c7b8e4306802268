"""The processes of a job, as `torchrun` and `accelerate launch` start them: sharing videos, and waiting for each other.

With a single process nothing here imports torch.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

Value = TypeVar("Value")
Video = TypeVar("Video")
PATIENCE = timedelta(days=7)
"""Timeout for waiting: the first process to finish waits for the last one, and a video may take hours."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process and its job.

    Attributes:
        rank: Number of this process, from 0.
        world: Number of processes of the job.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def current(cls) -> Processes:
        """Read rank and world size from the environment that the launchers set."""
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def first(self) -> bool:
        """Whether this is the process that writes what all processes share."""
        return self.rank == 0

    def share(self, videos: Sequence[Video], sizes: Sequence[int]) -> list[Video]:
        """Choose the videos of this process. Every video belongs to exactly one process.

        Args:
            videos: All videos.
            sizes: Number of frames to score of each. The longest videos are assigned first, each to the process with
                the fewest frames so far.

        Returns:
            The videos of this process, in the given order.
        """
        load = [0] * self.world
        own = set()
        for index in sorted(range(len(videos)), key=lambda index: (-sizes[index], index)):
            least = min(range(self.world), key=lambda rank: (load[rank], rank))
            load[least] += sizes[index]
            if least == self.rank:
                own.add(index)
        return [video for index, video in enumerate(videos) if index in own]

    def gather(self, value: Value) -> list[Value]:
        """Wait for all processes and exchange values.

        Args:
            value: The value of this process; it is pickled.

        Returns:
            The values of all processes by rank, in every process.
        """
        if self.world == 1:
            return [value]
        import torch.distributed as dist

        gathered = [value] * self.world
        dist.all_gather_object(gathered, value, group=_process_group())
        return gathered


@cache
def _process_group() -> ProcessGroup:
    """A group of all processes with a longer timeout than the launcher's. Made once, when all call it together."""
    import torch.distributed as dist
    from accelerate import PartialState

    PartialState()  # joins the launcher's group, if nobody has yet
    group: ProcessGroup = dist.new_group(backend="gloo", timeout=PATIENCE)
    atexit.register(_leave)  # threads of a group that nobody destroys may abort an interpreter that ends
    return group


def _leave() -> None:
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()
