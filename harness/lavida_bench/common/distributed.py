"""One process of several, as `torchrun` and `accelerate launch` start them: which videos are its own, and waiting.

Nothing here is needed, and no torch is imported, while there is one process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

Found = TypeVar("Found")
Video = TypeVar("Video")
PATIENCE = timedelta(days=7)
"""So long the first process to finish waits for the last: a video may take hours."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process's number, and how many there are."""

    rank: int = 0
    world: int = 1

    @classmethod
    def current(cls) -> Processes:
        """From the environment that the launchers set."""
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def first(self) -> bool:
        """Whether it is the one that writes what is common to all."""
        return self.rank == 0

    def share(self, videos: Sequence[Video], sizes: Sequence[int]) -> list[Video]:
        """Its part of the videos, disjoint from the others' parts, in the given order.

        sizes  frames to score of each: the longest video goes to whoever has least so far
        """
        load = [0] * self.world
        mine = set()
        for at in sorted(range(len(videos)), key=lambda at: (-sizes[at], at)):
            least = min(range(self.world), key=lambda rank: (load[rank], rank))
            load[least] += sizes[at]
            if least == self.rank:
                mine.add(at)
        return [video for at, video in enumerate(videos) if at in mine]

    def gather(self, found: Found) -> list[Found]:
        """Waits for all processes; what each of them found (pickled), in their order, in every one of them."""
        if self.world == 1:
            return [found]
        import torch.distributed as dist

        gathered = [found] * self.world
        dist.all_gather_object(gathered, found, group=_group())
        return gathered


@lru_cache(maxsize=1)
def _group() -> Any:
    """All processes, with more patience than the launcher's own group has; made where all of them come by at once."""
    import torch.distributed as dist
    from accelerate import PartialState

    PartialState()  # joins the launcher's group, if nobody has yet
    return dist.new_group(backend="gloo", timeout=PATIENCE)
