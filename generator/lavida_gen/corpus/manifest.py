"""corpus.json, the manifest of a corpus, which is written last.

Layout of a corpus, on which other people's loaders rely:

    README.md        data set card with `configs:`, so that datasets.load_dataset(path, "image" | "clip") works
    LICENSE          licence and attribution of every source
    corpus.json      this manifest
    image/train-00000.tar ...  image/val-00000.tar ...  clip/...
    preview/train-00000.tar    some samples as flat columns: a picture with the anomaly outlined, texts
    stats.parquet    one row per sample: its SampleRecord, its shard, names and largest area of its anomalies

Format 1 has no LICENSE and no preview, and its manifest has none of the keys that have a default here.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field

from lavida_gen.common.file_names import CorpusFileName
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.corpus.stored_recipe import PublishedRecipe
from lavida_gen.scenes.evidence import Pictures, Use

FORMAT = 2
READABLE = (1, 2)
MANIFEST = "corpus.json"
STATS = "stats.parquet"
CARD = "README.md"
LICENCE = "LICENSE"
PREVIEW = "preview/train-00000.tar"
STATE = ".build"
"""Folder of a running build's plan and shard records; removed when the corpus is finished."""

Count = Annotated[int, Field(ge=0, lt=2**63)]
"""A number of bytes, samples, names, ..."""


class ShardEntry(StrictModel):
    """One tar of a corpus.

    Attributes:
        file: Name relative to the corpus.
        kind: "image" or "clip".
        split: "train" or "val".
        bytes: Size.
        sha256: SHA-256, hexadecimal.
        samples: Number of samples.
        first: Number of its first sample.
        toolchain: Its place in the manifest's `toolchains`, -1 if it was not recorded.
    """

    file: CorpusFileName
    kind: Literal["image", "clip"]
    split: Literal["train", "val"]
    bytes: Count
    sha256: str
    samples: Count
    first: Count
    toolchain: int = Field(default=-1, ge=-1)


class FileEntry(StrictModel):
    """A file beside the shards.

    Attributes:
        file: Name relative to the corpus.
        bytes: Size.
        sha256: SHA-256, hexadecimal.
        role: "stats", "licence" or "preview".
    """

    file: CorpusFileName
    bytes: Count
    sha256: str
    role: Literal["stats", "licence", "preview"]


class CheckedPairs(StrictModel):
    """Pairs of a picture and a listed absent name that were judged one by one from the picture.

    Attributes:
        pairs: How many.
        wrong: How many of the names were in the picture after all.
    """

    pairs: Count
    wrong: Count


class SourceEntry(StrictModel):
    """A data set of which samples were made, with what its licence requires.

    Attributes:
        name: Name of the source.
        title: Name of the data set.
        page: Its home page.
        licence: Its licence.
        use: "free", "noncommercial" or "forbidden", see SourceInfo.
        attribution: How its authors ask to be named.
        cite: BibTeX of its paper, "" if there is none.
        pictures: "drawn", "photographed" or "unknown", see SourceInfo; "unknown" in older corpora.
        fingerprint: Digest of the annotations.
        samples: Number of samples of it.
        evidence: Names that its samples list, by class of evidence.
        checked: Pairs of a picture and a listed absent name that were judged; None if none was.
    """

    name: str
    title: str
    page: str
    licence: str
    use: Use
    attribution: str
    cite: str
    pictures: Pictures = "unknown"
    fingerprint: str
    samples: Count
    evidence: dict[str, Count] = Field(default_factory=dict)
    checked: CheckedPairs | None = None


class PluginEntry(StrictModel):
    """A source or exposure of another package.

    Attributes:
        family: "source" or "exposure".
        name: Its name in the recipe.
        distribution: The package that provides it.
        version: Version of the package.
    """

    family: str
    name: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.family} {self.name} ({self.distribution} {self.version})"


class Manifest(StrictModel):
    """The content of corpus.json.

    Attributes:
        format: Version of the corpus format.
        name: Name of the recipe.
        about: What the corpus is, in a sentence.
        digest: Digest of everything that determines the bytes, see `corpus_digest`.
        seed: Seed of the recipe.
        generator: Version of lavida-gen.
        samples: Number of samples.
        exposed: Samples that show an anomaly.
        splits: Samples by ``kind/split``.
        drops: Attempts at a sample that failed, by reason; another scene was drawn then.
        licences: Samples by licence of the picture.
        sources: The data sets.
        shards: The tars, in sample order.
        recipe: The recipe without paths of the machine.
        plugins: Plug-ins of other packages; the key is left out of the file if there are none.
        toolchains: Versions of the packages that shards were built with, by name; [] in format 1.
        files: Files beside the shards; [] in format 1.
        evidence: Names that all samples list, by class of evidence; {} in format 1.
        scenes: Number of different scenes that the samples show; 0 in format 1.
        broken: Number of different scenes that could not be read and were left out.
    """

    format: int = FORMAT
    name: str
    about: str
    digest: str
    seed: int
    generator: str
    samples: Count
    exposed: Count
    splits: dict[str, Count]
    drops: dict[str, Count]
    licences: dict[str, Count]
    sources: list[SourceEntry] = Field(min_length=1)
    shards: list[ShardEntry] = Field(min_length=1)
    recipe: PublishedRecipe
    plugins: list[PluginEntry] = Field(default_factory=list)
    toolchains: list[dict[str, str]] = Field(default_factory=list)
    files: list[FileEntry] = Field(default_factory=list)
    evidence: dict[str, Count] = Field(default_factory=dict)
    scenes: Count = 0
    broken: Count = 0

    @property
    def samples_per_scene(self) -> float:
        """How many samples show the same scene, on average; 0 if it was not counted."""
        return self.samples / self.scenes if self.scenes else 0.0

    def text(self) -> bytes:
        """The bytes of corpus.json: indented JSON, keys in the order of the fields."""
        plain = self.model_dump(exclude=None if self.plugins else {"plugins"})
        return (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode()
