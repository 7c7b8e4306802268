"""The build plan, `.build/plan.json`: everything about a corpus that is known before a sample is made.

With it the parts of a build on several machines are joined without opening the data again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from lavida_gen import __version__
from lavida_gen.building.checked_pairs import checked_pairs
from lavida_gen.building.toolchain import Toolchain, current_toolchain
from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError, UserError, problem, validation_text
from lavida_gen.common.json_file import parse_json
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.common.text import control_character
from lavida_gen.config.recipe import EXPOSURES, SOURCES, CorpusRecipe
from lavida_gen.corpus.identity import identity
from lavida_gen.corpus.manifest import FORMAT, STATE, Count, PluginEntry, SourceEntry
from lavida_gen.corpus.stored_recipe import PublishedRecipe
from lavida_gen.inspection.rights import combined_rights
from lavida_gen.sampling.parts import CorpusPart, ShardRange, cut_into_shards
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.sources._base import SourceInfo

PLAN = f"{STATE}/plan.json"
MOST_SHARDS = 1_000_000
"""Shards of a plan that is read: merging lists them all."""


class PartEntry(StrictModel):
    """Samples of one kind and split.

    Attributes:
        kind: "image" or "clip".
        split: "train" or "val".
        start: Number of the first sample.
        count: Number of samples.
    """

    kind: Literal["image", "clip"]
    split: Literal["train", "val"]
    start: Count
    count: Annotated[int, Field(ge=1, le=10**12)]


class BuildPlan(StrictModel):
    """The content of plan.json.

    Attributes:
        format: Version of the corpus format.
        name: Name of the recipe.
        about: What the corpus is, in a sentence.
        digest: Digest of everything that determines the bytes.
        seed: Seed of the recipe.
        generator: Version of lavida-gen.
        samples: Number of samples.
        shard_samples: Samples of one range.
        parts: Samples by kind and split.
        sources: The data sets; their samples are not counted yet.
        recipe: The recipe without paths of the machine.
        plugins: Plug-ins of other packages.
    """

    format: int = FORMAT
    name: str
    about: str
    digest: str
    seed: int
    generator: str
    samples: Count
    shard_samples: Annotated[int, Field(ge=1)]
    parts: Annotated[list[PartEntry], Field(min_length=1, max_length=4)]
    sources: Annotated[list[SourceEntry], Field(min_length=1)]
    recipe: PublishedRecipe
    plugins: list[PluginEntry] = Field(default_factory=list)
    toolchain: Toolchain

    @classmethod
    def of(cls, planner: SamplePlanner) -> BuildPlan:
        """Make the plan of a recipe.

        Args:
            planner: The recipe with its data sets opened.

        Returns:
            The plan.
        """
        recipe = planner.recipe
        external = external_plugins(recipe)
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
            plugins=external,
            toolchain=current_toolchain(recipe, external),
        )

    @classmethod
    def read(cls, data: bytes, where: str) -> BuildPlan:
        """Parse a plan.json.

        Args:
            data: Its content.
            where: Its path or URL, for messages.

        Returns:
            The plan.

        Raises:
            UserError: It is not a plan of this version.
        """
        refuse_old_plan(data, where)
        todo = "remove it, or give another --out"
        try:
            plan = cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key, text = ".".join(map(str, first["loc"])), validation_text(first["msg"])
            got = f"is not a build plan of this version ({key + ': ' if key else ''}{text})"
            raise UserError(problem(where, got, todo=todo)) from error
        shards = sum(-(-part.count // plan.shard_samples) for part in plan.parts)
        starts = [0, *accumulate(part.count for part in plan.parts)]
        if [*(part.start for part in plan.parts), plan.samples] != starts:
            raise UserError(problem(where, "its parts are not its samples", "parts one after the other", todo))
        if shards > MOST_SHARDS:
            raise UserError(problem(where, f"states {shards:,} shards", f"at most {MOST_SHARDS:,}", todo))
        if found := control_character(plan.model_dump()):
            raise UserError(problem(where, found, "plain text", todo))
        return plan

    def ranges(self) -> Iterator[ShardRange]:
        """All ranges of samples, in order. Each becomes one shard, or more where the size limit is reached."""
        return cut_into_shards([CorpusPart(p.kind, p.split, p.start, p.count) for p in self.parts], self.shard_samples)


def refuse_old_plan(data: bytes, where: str) -> None:
    """Check the format of a plan.json before anything else in it.

    Args:
        data: Its content; what is no JSON object is left to others.
        where: Its path or URL, for messages.

    Raises:
        UserError: A version with another corpus format began this build.
    """
    try:
        plain = parse_json(data, where)
    except DataError:
        return
    if isinstance(plain, dict) and plain.get("format", FORMAT) != FORMAT:
        begun = f"begun by {plain.get('generator', 'another version')}"
        raise UserError(f"{where}: {begun}: finish it there, or remove it (corpus format {plain['format']})")


def corpus_digest(planner: SamplePlanner) -> str:
    """The identity of the corpus of a recipe, built by this version.

    Args:
        planner: The recipe with its data sets opened.

    Returns:
        64 hexadecimal digits.
    """
    fingerprints = [opened.source.fingerprint() for opened in planner.sources]
    return identity(FORMAT, __version__, planner.recipe.digest(), fingerprints, external_plugins(planner.recipe))


def external_plugins(recipe: CorpusRecipe) -> list[PluginEntry]:
    """The sources and exposures of a recipe that other packages provide.

    Args:
        recipe: The recipe.

    Returns:
        Each of them once, in the order of the recipe.
    """
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
    infos: dict[str, SourceInfo] = {}
    fingerprints: dict[str, list[str]] = {}
    for opened in planner.sources:
        info = opened.source.rights()
        infos[opened.name] = combined_rights(infos.get(opened.name, info), info)
        fingerprints.setdefault(opened.name, []).append(opened.source.fingerprint())
    return [
        SourceEntry(
            name=name,
            title=info.title,
            page=info.page,
            licence=info.licence,
            use=info.use,
            attribution=info.attribution,
            cite=info.cite,
            pictures=info.pictures,
            fingerprint=" ".join(fingerprints[name]),
            samples=0,
            checked=checked_pairs(name),
        )
        for name, info in infos.items()
    ]
