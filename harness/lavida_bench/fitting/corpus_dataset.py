"""A corpus as a torch data set, for training loops of your own.

    dataset = CorpusDataset("corpora/street")
    loader = DataLoader(dataset.part(rank, world), batch_size=4, shuffle=True, num_workers=4, collate_fn=processor)

`lavida-bench fit` has a loader of its own on the same reader, whose order does not depend on processes or workers.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from os import PathLike
from typing import Literal

from torch.utils.data import Dataset

from lavida.batch import Sample
from lavida_bench.config.recipe import DataEntry, LoaderSettings
from lavida_bench.fitting.datasets import Check, open_datasets
from lavida_bench.fitting.loader import SampleReader
from lavida_bench.fitting.sampling import SamplePosition
from lavida_gen.common.errors import UserError, index_in, unknown_name

CorpusPlace = str | PathLike[str]
"""Folder or URL of a finished corpus."""


class CorpusDataset(Dataset[Sample]):
    """All samples of one split of one or several corpora, by number: clips before images, in order.

    An item is a `lavida.Sample`: frames (T, H, W, 3) uint8 RGB, masks (T, H, W) bool, names, labels, question, answer,
    times of the frames.
    A `LavidaProcessor` makes a batch of a list of them, so it can be a DataLoader's `collate_fn`; or give ``list``.

    It can be pickled, also for workers that are spawned; each process opens shards of its own, at most 64 at a time.

    Attributes:
        damaged: One message for each damaged shard that was left out.
    """

    def __init__(
        self,
        corpora: CorpusPlace | Sequence[CorpusPlace],
        split: Literal["train", "val"] = "train",
        kind: Literal["image", "clip"] | None = None,
        *,
        check: Check = "size",
        skip_damaged: bool = False,
        cache: str | None = None,
    ) -> None:
        """Open the corpora.

        Args:
            corpora: Folder or URL of a corpus, or several of them.
            split: Which samples.
            kind: Only images or only clips; None = both.
            check: How shards are compared with corpus.json at first: ``digest`` reads every byte, ``size`` none.
            skip_damaged: Leave out damaged shards instead of raising an error.
            cache: Folder for shards that are fetched from a URL; None = the user's cache.

        Raises:
            UserError: There is no such corpus, it has no such samples, or `split` or `kind` is unknown.
            DataError: A shard is damaged.
        """
        for option, value, known in (("split", split, ("train", "val")), ("kind", kind or "image", ("image", "clip"))):
            if value not in known:
                raise UserError(unknown_name(option, value, known))
        places = [corpora] if isinstance(corpora, str | PathLike) else list(corpora)
        entries = [DataEntry(corpus=str(place), kind=kind) for place in places]
        settings = LoaderSettings(check=check, damaged="skip" if skip_damaged else "stop", cache=cache)
        datasets, damaged = open_datasets(entries, split, settings)
        self._name = f"{', '.join(map(str, places))}: {split}"
        self.damaged = tuple(damaged)
        self._reader = SampleReader(datasets)
        self._shards = [
            (number, shard) for number, dataset in enumerate(datasets) for shard in range(len(dataset.sizes))
        ]
        self._ends = list(accumulate(datasets[number].sizes[shard] for number, shard in self._shards))
        self._indices = range(self._ends[-1])

    def __repr__(self) -> str:
        return f"CorpusDataset({self._name}, {len(self)} samples)"

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Sample:
        """Read and decode one sample.

        Args:
            index: Its number; negative ones count from the end.

        Raises:
            IndexError: There is no such sample.
            DataError: The sample or its shard is damaged.
        """
        number = index_in(self._indices, index, repr(self))
        place = bisect_right(self._ends, number)
        dataset, shard = self._shards[place]
        first = self._ends[place] - self._reader.datasets[dataset].sizes[shard]
        return self._reader.sample(SamplePosition(dataset, shard, number - first))

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def part(self, process: int, processes: int) -> CorpusDataset:
        """The part of one of several processes: a stretch of neighbouring samples, so that it reads few shards.

        All parts have the same length, as gradient synchronisation needs it: up to `processes` - 1 samples at the end
        are in no part. Workers of a DataLoader share a part by themselves.

        Args:
            process: Number of the process (rank), 0..processes-1.
            processes: Number of processes (world size).

        Returns:
            The part, a data set too.

        Raises:
            UserError: There is no such process, or fewer samples than processes.
        """
        if not 0 <= process < processes:
            raise UserError(f"process {process} of {processes}; expected 0 to {processes - 1}")
        size = len(self) // processes
        if not size:
            raise UserError(f"{len(self)} samples for {processes} processes; expected at least one for each")
        part = copy.copy(self)
        part._indices = self._indices[process * size : (process + 1) * size]
        return part
