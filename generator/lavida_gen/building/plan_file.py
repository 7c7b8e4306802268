"""All of a corpus that is known before a sample is made: `.build/plan.json`.

With it the parts of a build that ran on many machines are joined without opening the data again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, ValidationError

from lavida_gen import __version__
from lavida_gen.common import plugins
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import UserError, problem
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.config.recipe import EXPOSURES, SOURCES, CorpusRecipe
from lavida_gen.corpus.manifest import FORMAT, STATE, PluginEntry, SourceEntry
from lavida_gen.sampling.parts import CorpusPart, ShardRange, cut_into_shards
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.sources._base import SourceInfo

PLAN = f"{STATE}/plan.json"


class PartEntry(StrictModel):
    """Samples of one kind and split: numbers start .. start+count-1."""

    kind: Literal["image", "clip"]
    split: Literal["train", "val"]
    start: int
    count: int


class BuildPlan(StrictModel):
    """plan.json. `sources` count no samples yet."""

    format: int = FORMAT
    name: str
    about: str
    digest: str
    seed: int
    generator: str
    samples: int
    shard_samples: int
    parts: list[PartEntry]
    sources: list[SourceEntry]
    recipe: dict[str, Any]
    plugins: list[PluginEntry] = Field(default_factory=list)

    @classmethod
    def of(cls, planner: SamplePlanner) -> BuildPlan:
        """The outline of a recipe whose data is open."""
        recipe = planner.recipe
        return cls(
            name=recipe.name,
            about=recipe.about,
            digest=corpus_digest(planner),
            seed=recipe.seed,
            generator=__version__,
            samples=recipe.samples,
            shard_samples=recipe.shard.samples,
            parts=[PartEntry(kind=p.kind, split=p.split, start=p.start, count=p.count) for p in planner.parts],
            sources=_sources(planner),
            recipe=recipe.published(),
            plugins=external_plugins(recipe),
        )

    @classmethod
    def read(cls, data: bytes, where: str) -> BuildPlan:
        """From plan.json. Raises UserError if it is none."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            todo = "remove it, or give another --out"
            raise UserError(problem(where, "is no plan of a build of this version", todo=todo)) from error

    def ranges(self) -> Iterator[ShardRange]:
        """All ranges of samples, in order; each becomes a shard (or a few, where a size limit bites)."""
        return cut_into_shards([CorpusPart(p.kind, p.split, p.start, p.count) for p in self.parts], self.shard_samples)


def corpus_digest(planner: SamplePlanner) -> str:
    """Digest of all that determines the bytes: recipe, annotations of its sources, versions of generator and plug-ins.

    A corpus that only uses what this project brings has the digest that it always had.
    """
    parts = [__version__, planner.recipe.digest(), *(one.source.fingerprint() for one in planner.sources)]
    parts += [str(plugin) for plugin in external_plugins(planner.recipe)]
    return sha256("\n".join(parts))


def external_plugins(recipe: CorpusRecipe) -> list[PluginEntry]:
    """The sources and exposures of a recipe that other packages bring, each once, in the order of the recipe."""
    named = [(SOURCES, entry.name) for entry in recipe.sources]
    named += [(EXPOSURES, entry.name) for entry in recipe.exposures]
    entries = []
    for package, name in dict.fromkeys(named):
        brought = plugins.provider(package, name)
        if brought is not None:
            family = plugins.family_of(package)
            entries.append(
                PluginEntry(family=family, name=name, distribution=brought.distribution, version=brought.version)
            )
    return entries


def _sources(planner: SamplePlanner) -> list[SourceEntry]:
    abouts: dict[str, tuple[SourceInfo, list[str]]] = {}
    for one in planner.sources:
        about, prints = abouts.get(one.name, (one.source.rights(), []))
        abouts[one.name] = (_stricter(about, one.source.rights()), [*prints, one.source.fingerprint()])
    return [
        SourceEntry(
            name=name,
            title=about.title,
            page=about.page,
            licence=about.licence,
            use=about.use,
            attribution=about.attribution,
            cite=about.cite,
            fingerprint=" ".join(prints),
            samples=0,
        )
        for name, (about, prints) in abouts.items()
    ]


def _stricter(one: SourceInfo, other: SourceInfo) -> SourceInfo:
    """What holds for two data sets that one source reads (two folders): both licences, both names, the least use."""
    uses = ("free", "noncommercial", "forbidden")
    strict = max(one, other, key=lambda about: uses.index(about.use))
    licence = " and ".join(dict.fromkeys([one.licence, other.licence]))
    attribution = " and ".join(dict.fromkeys([one.attribution, other.attribution]))
    return replace(strict, licence=licence, attribution=attribution)
