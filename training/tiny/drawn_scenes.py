"""Drawn scenes with two or three acts, near enough to read: what training/tiny/train.py learns and is tested on.

Scene number i of a seed is a pure function of both. Scenes are drawn once into arrays, for drawing costs as much as a
training step; by several processes and into a folder of their own, if asked. `street` gives scenes of the source `street` in the same form. Letters: N scenes, H W pixels.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lavida.parts.fitted_on import FittedCorpus, FittedSource, PastFit
from lavida_gen.scenes import masks
from lavida_gen.sources.street import StreetSource
from lavida_gen.street import closeup, layouts, phrases, place, population
from lavida_gen.street.acts import KINDS
from lavida_gen.street.film import Film

HELD_OUT_KINDS = ("horse", "chair", "ladder", "fire hydrant")
HELD_OUT_PLACE = "campus"
"""Never trained on: what `make demo` has for itself, and the place of the benchmark `street`."""

TRAINED_KINDS = tuple(kind for kind in KINDS if kind not in HELD_OUT_KINDS)
TRAINED_PLACES = tuple(name for name in layouts.LAYOUTS if name != HELD_OUT_PLACE)
TRAINED_ACTS = tuple(population.possible_acts(TRAINED_KINDS))

WALKERS = ("person", "suitcase", "umbrella")
"""Kinds of scenes with people only: what one does among many others who do not."""
SHARED_PLACE = 3
"""Scenes that share a place, which costs most of the drawing."""
CHUNK = 500
"""Scenes that one process draws at a time; a test of so many is what it was before there were pieces."""

SMALLEST = 0.008
"""Share of the picture that an act (a rider with the bicycle) must at least take."""
VISIBLE = 24
"""Pixels of a thing below which its names are neither asked for nor ruled out."""

_SOURCE = FittedSource(name="street", licence=StreetSource.about.licence, use="free", pictures="drawn")
FIT = PastFit(recipe="training/tiny", corpora=(FittedCorpus(name="drawn scenes", sources=(_SOURCE,)),))
"""What a model that was trained on these scenes carries (fitted_on.json)."""

Pixels = NDArray[np.uint8]
Captions = tuple[tuple[str, ...], ...]
"""For each thing of a scene everything that is true of it, its kind first."""


@dataclass(frozen=True, slots=True)
class Scenes:
    """frames uint8 RGB (N, H, W, 3); owner uint8 (N, H, W): number of the thing seen there + 1, 0 = none; captions: N."""

    frames: Pixels
    owner: Pixels
    captions: tuple[Captions, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def shown(self, number: int) -> NDArray[np.bool_]:
        """Which of the things are large enough to be asked for, bool (things,)."""
        return np.bincount(self.owner[number].ravel(), minlength=len(self.captions[number]) + 1)[1:] >= VISIBLE

    def mask(self, number: int, name: str) -> NDArray[np.bool_]:
        """Where the things are that `name` is true of, bool (H, W)."""
        things = [thing + 1 for thing, captions in enumerate(self.captions[number]) if name in captions]
        return np.isin(self.owner[number], things)


def near(count: int, seed: int, side: int, places: Sequence[str] = TRAINED_PLACES, pool: Pool | None = None) -> Scenes:
    """`count` scenes of side x side pixels with two or three acts side by side: things, people, people with things."""
    return (pool or Pool()).scenes(Wanted("near", count, seed, side, tuple(places)))


def street(count: int, seed: int, side: int, kinds: Sequence[str] = TRAINED_KINDS, pool: Pool | None = None) -> Scenes:
    """`count` scenes of the source `street`, many things, near and far: drawn half as wide again, then squeezed."""
    return (pool or Pool()).scenes(Wanted("street", count, seed, side, tuple(kinds)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Scenes to draw: `near` in these places, or `street` with these kinds."""

    what: str
    count: int
    seed: int
    side: int
    words: tuple[str, ...]

    def chunks(self) -> list[Chunk]:
        """In pieces that are drawn each by itself."""
        starts = range(0, self.count, CHUNK)
        return [Chunk(self, number, min(CHUNK, self.count - start)) for number, start in enumerate(starts)]


@dataclass(frozen=True, slots=True)
class Chunk:
    """`count` scenes of a piece, the first ones of it."""

    wanted: Wanted
    number: int
    count: int

    @property
    def file(self) -> str:
        """Its name in a cache; more of the same scenes have another one."""
        words = hashlib.sha256(" ".join(self.wanted.words).encode()).hexdigest()[:8]
        return f"{self.wanted.what}-{self.wanted.seed}-{self.wanted.side}-{words}-{self.number}-{self.count}.npz"

    def draw(self) -> Scenes:
        """The scenes. Piece 0 of `near` has the seed itself, so that a small test stays what it is."""
        wanted, number = self.wanted, self.number
        if wanted.what == "near":
            seeds = [wanted.seed, number] if number else wanted.seed
            return _collect(self.count, wanted.side, _near(np.random.default_rng(seeds), wanted.side, wanted.words))
        return _collect(self.count, wanted.side, _street(wanted.seed, wanted.side, wanted.words, number * CHUNK))


@dataclass(frozen=True, slots=True)
class Pool:
    """Who draws: `workers` processes, which keep what they drew in the folder `cache` where there is one."""

    workers: int = 1
    cache: Path | None = None

    def scenes(self, wanted: Wanted) -> Scenes:
        """All of it, the same whoever draws."""
        chunks = wanted.chunks()
        there = self.cache is not None and all((self.cache / chunk.file).is_file() for chunk in chunks)
        if self.workers == 1 or there:
            return joined(*map(self.one, chunks))
        with ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn")) as pool:
            return joined(*pool.map(self.one, chunks))

    def one(self, chunk: Chunk) -> Scenes:
        """Drawn, or from the cache."""
        if self.cache is None:
            return chunk.draw()
        path = self.cache / chunk.file
        if not path.is_file():
            made = chunk.draw()
            self.cache.mkdir(parents=True, exist_ok=True)
            own = path.with_suffix(f".{os.getpid()}.npz")
            np.savez(own, frames=made.frames, owner=made.owner, captions=np.array(json.dumps(made.captions)))
            own.rename(path)
            return made
        with np.load(path) as file:
            captions = tuple(tuple(map(tuple, things)) for things in json.loads(str(file["captions"])))
            return Scenes(file["frames"], file["owner"], captions)


def joined(*some: Scenes) -> Scenes:
    """All of them in one."""
    if len(some) == 1:
        return some[0]
    frames, owner = np.concatenate([one.frames for one in some]), np.concatenate([one.owner for one in some])
    return Scenes(frames, owner, tuple(captions for one in some for captions in one.captions))


def four(scenes: Scenes, count: int, seed: int) -> Scenes:
    """`count` pictures of four of the scenes side by side, each at half its size: small things among many."""
    rng, side = np.random.default_rng(seed), scenes.frames.shape[1]
    half = side // 2
    frames = np.empty((count, side, side, 3), np.uint8)
    owner = np.zeros((count, side, side), np.uint8)
    captions = []
    for number in range(count):
        names: Captions = ()
        for corner, row in enumerate(rng.integers(len(scenes), size=4)):
            y, x = corner // 2 * half, corner % 2 * half
            part = np.s_[y : y + half, x : x + half]
            frames[number][part] = cv2.resize(scenes.frames[row], (half, half), interpolation=cv2.INTER_AREA)
            small = cv2.resize(scenes.owner[row], (half, half), interpolation=cv2.INTER_NEAREST)
            owner[number][part] = np.where(small > 0, small + len(names), 0)
            names += scenes.captions[row]
        captions.append(names)
    return Scenes(frames, owner, tuple(captions))


def _collect(count: int, side: int, drawn: Iterator[tuple[Pixels, Pixels, Captions]]) -> Scenes:
    frames = np.empty((count, side, side, 3), np.uint8)
    owner = np.empty((count, side, side), np.uint8)
    captions = []
    for number in range(count):
        frames[number], owner[number], names = next(drawn)
        captions.append(names)
    return Scenes(frames, owner, tuple(captions))


def _near(rng: np.random.Generator, side: int, places: Sequence[str]) -> Iterator[tuple[Pixels, Pixels, Captions]]:
    while True:
        camera = closeup.draw_camera(rng, (side, side))
        view = place.draw_place(rng, str(rng.choice(places)), camera)
        found = 0
        while found < SHARED_PLACE:
            film = Film(view, closeup.populate_closeup(rng, camera, TRAINED_ACTS), seed=int(rng.integers(2**31)))
            shot = film.render(0.0)
            areas = np.bincount(shot.owner.ravel() + 1, minlength=len(film.parts) + 1)[1:]
            taken = np.bincount([actor for actor, _ in film.parts], areas)
            if min(areas) < VISIBLE or min(taken) < SMALLEST * shot.owner.size:
                continue
            found += 1
            more = [part.expressions for part in phrases.part_names(film.actors)]
            captions = tuple((film.kind(part), *more[part]) for part in range(len(film.parts)))
            yield shot.pixels, (shot.owner + 1).astype(np.uint8), captions


def _street(seed: int, side: int, kinds: Sequence[str], first: int) -> Iterator[tuple[Pixels, Pixels, Captions]]:
    size = (side, side * 3 // 2)
    source = StreetSource(
        StreetSource.Options(size=size, seed=seed, kinds=tuple(kinds), places=TRAINED_PLACES, scenes=10**9)
    )
    number = 2 * first + 1
    while True:  # odd numbers: those have expressions
        scene = source.scene(number)
        number += 2
        owner = np.zeros(size, np.uint8)
        for thing, region in enumerate(scene.regions):
            if region.masks[0] is not None:
                owner[masks.decode(region.masks[0])] = thing + 1
        pixels = cv2.resize(scene.frames[0].pixels(), (side, side), interpolation=cv2.INTER_AREA)
        small = cv2.resize(owner, (side, side), interpolation=cv2.INTER_NEAREST)
        yield np.asarray(pixels, np.uint8), np.asarray(small, np.uint8), tuple(region.names for region in scene.regions)
