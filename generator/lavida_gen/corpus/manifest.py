"""corpus.json, the manifest of a corpus, which is written last.

Layout of a corpus, on which other people's loaders rely:

    README.md        data set card with `configs:`, so that datasets.load_dataset(path, "image" | "clip") works
    corpus.json      this manifest
    image/train-00000.tar ...  image/val-00000.tar ...  clip/...
    stats.parquet    one row per sample: its SampleRecord, and its shard
"""

from __future__ import annotations

import json

from pydantic import Field

from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.strict_model import StrictModel

FORMAT = 1
MANIFEST = "corpus.json"
STATS = "stats.parquet"
CARD = "README.md"
STATE = ".build"
"""Folder of a running build's plan and shard records; removed when the corpus is finished."""


class ShardEntry(StrictModel):
    """One tar: path below the corpus, size in bytes, SHA-256, samples, number of its first sample."""

    file: str
    kind: str
    split: str
    bytes: int
    sha256: str
    samples: int
    first: int


class SourceEntry(StrictModel):
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


class PluginEntry(StrictModel):
    """A source or exposure from outside this project that samples were made with, and who brings it."""

    family: str
    name: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.family} {self.name} ({self.distribution} {self.version})"


class Manifest(StrictModel):
    """corpus.json. The key `plugins` is written only where it lists something."""

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
    recipe: JsonObject
    plugins: list[PluginEntry] = Field(default_factory=list)

    def text(self) -> bytes:
        """The bytes of corpus.json: indented JSON, keys in the order of the fields."""
        plain = self.model_dump(exclude=None if self.plugins else {"plugins"})
        return (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode()
