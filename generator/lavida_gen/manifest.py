"""corpus.json and the rest of what stands beside the shards: typed, written last.

Layout of a corpus (a contract: other people's loaders read it):

    README.md        data set card with `configs:`, so that datasets.load_dataset(path, "image" | "clip") works
    corpus.json      this manifest
    image/train-00000.tar ...  image/val-00000.tar ...  clip/...
    stats.parquet    one row per sample: its Record, and the shard it lies in
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from lavida_gen import __version__
from lavida_gen.plan import Deck
from lavida_gen.source import About

FORMAT = 1
MANIFEST = "corpus.json"
STATS = "stats.parquet"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ShardEntry(_Strict):
    """One tar: path below the corpus, size in bytes, SHA-256, samples, number of its first sample."""

    file: str
    kind: str
    split: str
    bytes: int
    sha256: str
    samples: int
    first: int


class SourceEntry(_Strict):
    """A data set that samples were made from, with what its licence asks for."""

    name: str
    title: str
    page: str
    licence: str
    use: str
    attribution: str
    cite: str
    fingerprint: str
    samples: int


class Manifest(_Strict):
    """corpus.json."""

    format: int = FORMAT
    name: str
    about: str
    digest: str
    seed: int
    generator: str
    samples: int
    exposed: int
    splits: dict[str, int]
    drops: dict[str, int]
    licences: dict[str, int]
    sources: list[SourceEntry]
    shards: list[ShardEntry]
    recipe: dict[str, Any]

    def text(self) -> bytes:
        """As it is written: stable order, readable."""
        return (json.dumps(self.model_dump(), indent=1, ensure_ascii=False) + "\n").encode()


def identity(deck: Deck) -> str:
    """Digest of all that determines the bytes: recipe, annotations of its sources, version of the generator."""
    parts = [__version__, deck.recipe.digest(), *(one.source.fingerprint() for one in deck.sources)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def manifest(deck: Deck, shards: Sequence[ShardEntry], rows: Iterable[dict[str, Any]], drops: Counter[str]) -> Manifest:
    """The manifest of a finished corpus. `rows` are its records."""
    exposed, per_source, splits, licences = 0, Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        exposed += row["exposed"]
        per_source[row["source"]] += 1
        splits[f"{row['kind']}/{row['split']}"] += 1
        licences[row["licence"]] += 1
    abouts: dict[str, tuple[About, list[str]]] = {}
    for one in deck.sources:
        abouts.setdefault(one.name, (one.source.about, []))[1].append(one.source.fingerprint())
    sources = [
        SourceEntry(
            name=name,
            title=about.title,
            page=about.page,
            licence=about.licence,
            use=about.use,
            attribution=about.attribution,
            cite=about.cite,
            fingerprint=" ".join(prints),
            samples=per_source[name],
        )
        for name, (about, prints) in abouts.items()
    ]
    return Manifest(
        name=deck.recipe.name,
        about=deck.recipe.about,
        digest=identity(deck),
        seed=deck.recipe.seed,
        generator=__version__,
        samples=deck.recipe.samples,
        exposed=exposed,
        splits=dict(sorted(splits.items())),
        drops=dict(sorted(drops.items())),
        licences=dict(sorted(licences.items())),
        sources=sources,
        shards=list(shards),
        recipe=deck.recipe.published(),
    )
