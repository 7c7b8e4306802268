"""Shards -> batches, in worker processes. Where a loader stands is one number: the step.

    loader = Loader(recipe, processor, process=0, processes=1)
    for loaded in loader.batches(start=0, stop=1000): model(loaded.batch)

Shards are plain WebDataset tars, but they are read by number (videos/shard_index.py), not as a stream: the order of
a streaming pipeline depends on the number of workers, and cannot be taken up in the middle without reading all before.
"""

from __future__ import annotations

import signal
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from lavida.batch import Batch, Sample
from lavida.errors import LavidaError
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting.datasets import MixtureDataset, open_datasets
from lavida_bench.fitting.sampling import DatasetSize, MixtureSchedule, SamplePosition
from lavida_bench.videos.shard_index import OpenShard
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.scenes.images import decode
from lavida_gen.scenes.masks import from_png

if TYPE_CHECKING:
    from lavida.processing import LavidaProcessor

OPEN_SHARDS = 64
"""Shards that a worker keeps open."""
DEAD = "DataLoader worker (pid"
"""How torch begins to tell of a worker that died; an error of the worker's own begins with its kind."""
AHEAD = 10_000
"""Steps that are looked at for one with a sound sample, where a step has none and damage is to be skipped."""


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """A step's share of one process: its batch, and what of it was damaged and left out.

    stands_in  nothing of the step's own was sound: the batch is that of a later step
    """

    step: int
    batch: Batch
    damaged: tuple[str, ...] = ()
    stands_in: bool = False

    def pin_memory(self) -> LoadedBatch:
        """For DataLoader: tensors that copy to a GPU while it computes."""
        changes: dict[str, Any] = {
            field.name: value.pin_memory()
            for field in fields(self.batch)
            if isinstance(value := getattr(self.batch, field.name), torch.Tensor)
        }
        return replace(self, batch=replace(self.batch, **changes))


def to_sample(packed: EncodedSample, key: str) -> Sample:
    """A sample with its pixels. Raises DataError that names it."""
    record = packed.record
    size = (record["height"], record["width"])
    return Sample(
        frames=np.stack([decode(frame, size, key) for frame in packed.frames]),
        names=tuple(record["names"]),
        question=record["question"],
        answer=record["answer"],
        masks=np.stack([from_png(mask, key) for mask in packed.masks]),
        labels=tuple(record["labels"]),
        key=key,
    )


class SampleReader:
    """Samples of pools by place; keeps the shards open that were read last. One for each process."""

    def __init__(self, pools: Sequence[MixtureDataset]) -> None:
        self.pools = tuple(pools)
        self._open: OrderedDict[tuple[int, int], OpenShard | DataError] = OrderedDict()

    def __getstate__(self) -> tuple[MixtureDataset, ...]:
        return self.pools

    def __setstate__(self, pools: tuple[MixtureDataset, ...]) -> None:
        self.__init__(pools)  # type: ignore[misc]  # a worker opens shards of its own

    def sample(self, place: SamplePosition) -> Sample:
        """Decoded. Raises DataError that names shard and key."""
        pool = self.pools[place.pool]
        packed = self._shard(place.pool, place.shard).sample(place.sample)
        try:
            return to_sample(packed, f"{pool.name}/{packed.key}")
        except DataError as error:
            raise DataError(f"{pool.store.folder / pool.shards[place.shard].file}: {error}") from error

    def _shard(self, pool: int, number: int) -> OpenShard:
        key = (pool, number)
        found = self._open.pop(key, None)
        if found is None:
            entry = self.pools[pool].shards[number]
            try:
                found = OpenShard(self.pools[pool].store.path(entry), entry.samples)
            except DataError as error:
                found = error
        self._open[key] = found
        while len(self._open) > OPEN_SHARDS:
            oldest = self._open.popitem(last=False)[1]
            if isinstance(oldest, OpenShard):
                oldest.close()
        if isinstance(found, DataError):
            raise found
        return found


class _StepDataset(Dataset[LoadedBatch]):
    """Item `step` is what this process computes in that step."""

    def __init__(
        self,
        reader: SampleReader,
        places: Callable[[int], Sequence[SamplePosition]],
        processor: LavidaProcessor,
        skip: bool,
    ) -> None:
        self.reader, self.places, self.processor, self.skip = reader, places, processor, skip

    def __getitem__(self, step: int) -> LoadedBatch:
        samples, damaged = self._sound(step)
        stands_in = not samples
        if stands_in:  # a process without a batch would hold up the others
            samples = self._next(step)
        if not samples:
            raise DataError(f"every sample of the batch and of those after it is damaged: {'; '.join(damaged)}")
        try:
            return LoadedBatch(step, self.processor(samples, "train"), tuple(damaged), stands_in)
        except LavidaError as error:  # a prompt with the model's own tokens, a picture out of all proportion
            raise DataError(str(error)) from error

    def _sound(self, step: int) -> tuple[list[Sample], list[str]]:
        """The samples of a step, and what is wrong with the others. Raises DataError if damage is not to be skipped."""
        samples: list[Sample] = []
        damaged: list[str] = []
        for place in self.places(step):
            try:
                samples.append(self.reader.sample(place))
            except DataError as error:
                if not self.skip:
                    raise
                damaged.append(str(error))
        return samples, damaged

    def _next(self, step: int) -> list[Sample]:
        """The samples of the next step of the same pool that has any."""
        pool = self.places(step)[0].pool
        for later in range(step + 1, step + AHEAD):
            if self.places(later)[0].pool == pool and (samples := self._sound(later)[0]):
                return samples
        return []


@dataclass(frozen=True, slots=True)
class _ProcessPart:
    """The stretch of a step's samples that one process takes."""

    schedule: MixtureSchedule
    process: int
    batch: int

    def __call__(self, step: int) -> list[SamplePosition]:
        return self.schedule.at(step)[self.process * self.batch : (self.process + 1) * self.batch]


@dataclass(frozen=True, slots=True)
class _FixedBatches:
    """Batches that are listed beforehand; after the last comes the first."""

    batches: tuple[tuple[SamplePosition, ...], ...]

    def __call__(self, step: int) -> tuple[SamplePosition, ...]:
        return self.batches[step % len(self.batches)]


class Loader:
    """Training batches of one process, and validation batches.

    Raises UserError where the recipe's corpora are not there, DataError for damaged shards (see `open_pools`).
    """

    def __init__(self, recipe: RunRecipe, processor: LavidaProcessor, process: int = 0, processes: int = 1) -> None:
        assert recipe.fit is not None, "a recipe without fit has no loader"
        self.fit, self.settings = recipe.fit, recipe.fit.loader
        self.processor, self.process, self.processes = processor, process, processes
        pools, damaged = open_datasets(recipe.data, "train", self.settings)
        held_out, more = open_datasets(recipe.data, "val", self.settings) if self.fit.validation else ([], [])
        self.damaged = damaged + more
        sizes = [DatasetSize(pool.name, pool.sizes, pool.weight) for pool in pools]
        whole = recipe.fit.batch * processes
        self.schedule = MixtureSchedule(sizes, recipe.seed, whole, self.settings.lanes, self.settings.shuffle)
        self._reader, self._held_out = SampleReader(pools), SampleReader(held_out)

    def batches(self, start: int, stop: int) -> Iterator[LoadedBatch]:
        """The batches of steps start..stop-1, in order."""
        places = _ProcessPart(self.schedule, self.process, self.fit.batch)
        return self._load(self._reader, places, range(start, stop))

    def validation(self) -> Iterator[tuple[int, LoadedBatch]]:
        """(number, batch): this process' part of the validation batches, always the same ones, all pools in turn.

        Every process gets equally many; -1 marks those that only fill up, or stand in for what is damaged, and must not
        be counted.
        """
        assert self.fit.validation is not None, "the recipe asks for no validation"
        most, size = self.fit.validation.samples, self.fit.batch
        batches = [
            batch for number, pool in enumerate(self._held_out.pools) for batch in _evenly(number, pool, most, size)
        ]
        mine = range(self.process, -(-len(batches) // self.processes) * self.processes, self.processes)
        steps = [min(step, len(batches) - 1) for step in mine]
        for number, loaded in zip(mine, self._load(self._held_out, _FixedBatches(tuple(batches)), steps), strict=True):
            yield number if number < len(batches) and not loaded.stands_in else -1, loaded

    def alone(self, step: int) -> Iterator[Batch]:
        """The samples of a step, each as a batch of its own; damaged ones are passed over."""
        for place in _ProcessPart(self.schedule, self.process, self.fit.batch)(step):
            try:
                yield self.processor([self._reader.sample(place)], "train")
            except (DataError, LavidaError):
                continue

    def _load(
        self, reader: SampleReader, places: Callable[[int], Sequence[SamplePosition]], steps: Sequence[int]
    ) -> Iterator[LoadedBatch]:
        workers = min(self.settings.workers, len(steps))
        options: dict[str, Any] = {"prefetch_factor": self.settings.prefetch} if workers else {}
        loader = DataLoader(
            _StepDataset(reader, places, self.processor, self.settings.damaged == "skip"),
            batch_size=None,
            sampler=steps,
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_leave_signals,
            generator=torch.Generator(),  # a loader draws a seed: not from the state that a checkpoint holds
            **options,
        )
        return _unwrapped(loader)


def _leave_signals(worker: int) -> None:
    """ctrl-C goes to the whole group: the main process finishes its step and needs its workers for that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _unwrapped(loader: DataLoader[LoadedBatch]) -> Iterator[LoadedBatch]:
    """A worker's DataError comes with the worker's traceback in its text: give the message alone."""
    try:
        yield from loader
    except (DataError, UserError) as error:
        mark = f"{type(error).__module__}.{type(error).__qualname__}: "
        raise type(error)(str(error).rpartition(mark)[2].strip()) from error
    except RuntimeError as error:
        if not str(error).startswith(DEAD):
            raise
        todo = "lower fit.loader.workers or fit.loader.prefetch; the last checkpoint is kept"
        raise DataError(f"a process of the loader died (killed, or out of memory); {todo}") from error


def _evenly(number: int, pool: MixtureDataset, samples: int, batch: int) -> tuple[tuple[SamplePosition, ...], ...]:
    """At most `samples` places of a pool, spread evenly over it, as batches."""
    ends = np.cumsum(pool.sizes)
    total = int(ends[-1])
    chosen = np.unique(np.linspace(0, total - 1, min(samples, total)).round().astype(np.int64))
    shards = np.searchsorted(ends, chosen, side="right")
    places = [
        SamplePosition(number, int(shard), int(at - ends[shard] + pool.sizes[shard]))
        for shard, at in zip(shards, chosen, strict=True)
    ]
    return tuple(tuple(places[at : at + batch]) for at in range(0, len(places), batch))
