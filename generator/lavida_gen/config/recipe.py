"""Recipes: typed descriptions of a corpus. All problems are found before any work, and each is reported with its key.

    recipe = load("street", settings=["samples=500", "sources.0.scenes=200"])

`${NAME}` and `${NAME:-default}` are replaced from the environment in paths of this machine, and nowhere else; relative
paths are relative to the working directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SerializeAsAny, ValidationError

from lavida_gen.common import plugins
from lavida_gen.common.digests import sha256_json
from lavida_gen.common.errors import UserError
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.common.text import control_character
from lavida_gen.config.augment import Augmentation, ImageSettings
from lavida_gen.config.prompts import PromptBank
from lavida_gen.exposures._base import Exposure, ExposureOptions, Limits
from lavida_gen.recipe_files.kinds import CORPUS
from lavida_gen.recipe_files.plugin_names import permission, plugin_name
from lavida_gen.recipe_files.reading import (
    apply_setting,
    combined_error,
    expand_variables,
    read_recipe_file,
    validation_messages,
)
from lavida_gen.sources._base import LocalOnly, Source, SourceOptions
from lavida_gen.storage.places import is_url

SOURCES = "lavida_gen.sources"
EXPOSURES = "lavida_gen.exposures"


AskedEvidence = Literal["verified", "exhaustive", "stated", "any"]
"""The weakest evidence with which a name may be listed as absent; "any": also where it is merely not mentioned."""
NameTable = dict[str, tuple[str, ...]]
"""A name -> names."""


class SourceConfig(StrictModel):
    """One entry of `sources:`; all its other keys are options of that source."""

    name: Annotated[str, plugin_name(SOURCES)] = Field(description="name of the source, see `lavida-gen sources`")
    weight: float = Field(default=1.0, gt=0, description="share of the samples, relative to the other sources")
    names_per_prompt: int | None = Field(default=None, ge=1, le=500, description="instead of the recipe's own")
    absent_evidence: AskedEvidence | None = Field(default=None, description="instead of the recipe's own")
    absent_names: tuple[str, ...] = Field(
        default=(),
        description="names that you state to be in none of its scenes; listed as absent (`stated`)",
    )
    other_names: bool = Field(
        default=False, description="also list names of the recipe's other sources, with evidence `unannotated`"
    )
    keep_names: tuple[str, ...] = Field(
        default=(), description="names to keep though they seem to name nothing, such as `other`"
    )
    options: SerializeAsAny[SourceOptions]

    def find_class(self) -> type[Source]:
        """The source's class. An entry that names code was allowed to do so when the recipe was read."""
        return plugins.find(SOURCES, Source, self.name, allow_code=True)


class ExposureConfig(StrictModel):
    """One entry of `exposures:`; all its other keys are options of that exposure."""

    name: Annotated[str, plugin_name(EXPOSURES)] = Field(description="name of the exposure, see `lavida-gen exposures`")
    weight: float = Field(default=1.0, gt=0, description="relative to the exposures of the same outcome")
    options: SerializeAsAny[ExposureOptions]

    def find_class(self) -> type[Exposure]:
        """The exposure's class. An entry that names code was allowed to do so when the recipe was read."""
        return plugins.find(EXPOSURES, Exposure, self.name, allow_code=True)


class ShardSize(StrictModel):
    """When a shard is full: at so many samples or megabytes, whichever comes first."""

    samples: int = Field(default=1000, ge=1)
    megabytes: float = Field(default=500.0, gt=0, description="10^6 bytes")


class CorpusRecipe(StrictModel):
    """The description of a corpus. Together with the data that it names, it determines every byte of the corpus."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="lower case, digits, - and _")
    about: str = Field(default="", description="a sentence for the corpus' card")
    seed: int = Field(default=0, ge=0, lt=2**63)
    samples: int = Field(ge=1, le=10**12, description="number of samples, train and val together")
    val: float = Field(default=0.1, ge=0, lt=1, description="share of SCENES and samples kept for validation")
    shard: ShardSize = ShardSize()
    sources: list[SourceConfig] = Field(min_length=1)
    exposures: list[ExposureConfig] = Field(min_length=1)
    anomaly_ratio: float = Field(default=0.5, ge=0, le=1, description="share of samples that show an anomaly")
    names_per_prompt: int = Field(default=30, ge=1, le=500, description="most names a prompt lists")
    prompts_per_scene: int = Field(
        default=1, ge=1, le=1000, description="samples in a row that share a scene, each with a prompt of its own"
    )
    limits: Limits = Limits()
    image: ImageSettings = ImageSettings()
    augmentations: list[Augmentation] = Field(default_factory=list)
    prompts: Annotated[PromptBank, Field(description="path of a prompt bank, or the bank itself")] = Field(
        default_factory=lambda: PromptBank.load(None)
    )
    absent_evidence: AskedEvidence | None = Field(
        default=None,
        description="weakest evidence with which a name may be listed as absent: verified (the data set states it), "
        "exhaustive (of a vocabulary annotated completely), stated (your `absent_names`), any (also where it is "
        "merely not mentioned) [of each source the best that it has]",
    )
    synonyms: tuple[tuple[str, ...], ...] = Field(default=(), description="families of names for the same thing")
    kinds: NameTable = Field(default_factory=dict, description="name -> names that are kinds of it")
    parts: NameTable = Field(default_factory=dict, description="name -> names of its parts")
    broken: Literal["stop", "drop"] = Field(
        default="stop", description="a broken image or annotation stops the build, or is dropped and counted"
    )

    def published(self) -> JsonObject:
        """The recipe as plain data, without options that apply only to this machine (paths of data).

        Returns:
            The keys of a recipe file, all of them.
        """
        plain = self.model_dump(mode="json")
        entries: list[SourceConfig | ExposureConfig] = [*self.sources, *self.exposures]
        for row, entry in zip([*plain["sources"], *plain["exposures"]], entries, strict=True):
            options = row.pop("options")
            local = local_options(type(entry.options))
            row.update({key: value for key, value in options.items() if key not in local})
        return plain

    def digest(self) -> str:
        """SHA-256 of the published form: equal recipes have equal digests, on any machine."""
        return sha256_json(self.published())


def local_options(options: type[BaseModel]) -> set[str]:
    """Options that locate data on this machine."""
    return {
        key
        for key, field in options.model_fields.items()
        if any(isinstance(mark, LocalOnly) for mark in field.metadata)
    }


def missing_paths(published: JsonObject) -> list[str]:
    """The paths that a published recipe needs on this machine before it can be built again.

    Args:
        published: A published recipe.

    Returns:
        Keys such as ``sources.0.root``, of built-in sources only: the options of other sources are unknown without
        importing their code.
    """
    keys = []
    for number, row in enumerate(published["sources"]):
        if row["name"] not in plugins.built_in(SOURCES):
            continue  # reading a published recipe imports no code of others
        options = plugins.find(SOURCES, Source, row["name"]).Options
        required = (key for key in sorted(local_options(options)) if options.model_fields[key].is_required())
        keys += [f"sources.{number}.{key}" for key in required]
    return keys


def built_in() -> dict[str, Path]:
    """Built-in recipes by name."""
    return CORPUS.built_in()


def find(name: str) -> Path:
    """Find the file of a recipe.

    Args:
        name: Name of a built-in recipe, path of a YAML file, or folder of a finished corpus.

    Returns:
        The file.

    Raises:
        UserError: There is no such recipe.
    """
    manifest = Path(name).expanduser() / "corpus.json"
    return manifest if name not in built_in() and manifest.is_file() else CORPUS.find(name)


def names_code(published: JsonObject) -> bool:
    """Whether a published recipe names ``package.module:Class``, so that it needs `--allow-code`.

    Args:
        published: A published recipe.
    """
    return any(":" in row["name"] for key in ("sources", "exposures") for row in published.get(key, ()))


_OF_SOURCE = re.compile(r"sources\[(\d+)\]\.(\w+)")


def _names_a_local_place(raw: JsonObject, place: str, allow_code: bool) -> bool:
    """Whether a text of a recipe is a path of this machine, which is not published."""
    if place == "prompts":
        return True
    found = _OF_SOURCE.match(place)
    if found is None:
        return False
    entry = raw["sources"][int(found[1])]
    try:
        options = plugins.find(SOURCES, Source, str(entry.get("name")), allow_code).Options
    except UserError:
        return found[2] == "root"  # the unknown name is reported elsewhere
    return found[2] in local_options(options)


def load(name: str, settings: Sequence[str] = (), allow_code: bool = False) -> CorpusRecipe:
    """Read a recipe, with settings on top.

    Args:
        name: Name of a built-in recipe, path of a YAML file, or folder or URL of a finished corpus.
        settings: Changes, each as ``key.path=value``.
        allow_code: Whether the recipe may name sources and exposures as ``package.module:Class``, which imports them.

    Raises:
        UserError: Lists every problem with its place.
    """
    where, raw = _read(name)
    problems: list[str] = []
    for setting in settings:
        problems.extend(apply_setting(raw, setting))
    return parse(raw, where, problems, allow_code, expand=not _is_of_corpus(where))


def _is_of_corpus(where: str) -> bool:
    return is_url(where) or Path(where).name == "corpus.json"


def _read(name: str) -> tuple[str, JsonObject]:
    """The file or URL of a recipe, and its plain data."""
    if is_url(name):
        from lavida_gen.corpus.reader import open_corpus

        return name, open_corpus(name).manifest.recipe
    path = find(name)
    raw = read_recipe_file(path, CORPUS.keys)
    if path.name == "corpus.json" and "recipe" in raw:
        return str(path), raw["recipe"]
    CORPUS.refuse_others(raw, name)
    return str(path), raw


def parse(
    raw: JsonObject, where: str = "recipe", problems: Sequence[str] = (), allow_code: bool = False, expand: bool = True
) -> CorpusRecipe:
    """A recipe from plain data.

    Args:
        raw: The keys of a recipe file.
        where: What error messages call the recipe.
        problems: Problems that are known already, to be listed with the others.
        allow_code: As for `load`.
        expand: Whether `${NAME}` is replaced; not in a corpus.json, which somebody else may have written.

    Raises:
        UserError: Lists every problem with its place.
    """
    messages = list(problems)
    if found := control_character(raw):
        messages.append(found)
    if expand:
        unread = raw
        raw = expand_variables(raw, messages, lambda place: _names_a_local_place(unread, place, allow_code))
    messages.extend(_normalise_entries(raw, "sources", SOURCES, Source, allow_code))
    messages.extend(_normalise_entries(raw, "exposures", EXPOSURES, Exposure, allow_code))
    if isinstance(raw.get("prompts"), str):
        try:
            raw["prompts"] = PromptBank.load(Path(raw["prompts"]).expanduser())
        except ValueError as error:
            messages.append(f"prompts: {error}")
            del raw["prompts"]
    recipe = None
    try:
        recipe = CorpusRecipe.model_validate(raw, context=permission(allow_code))
    except ValidationError as error:
        messages.extend(validation_messages(error, "", CorpusRecipe))
    if recipe is None or messages:
        raise combined_error(where, messages)
    return recipe


def _normalise_entries(
    raw: JsonObject, key: str, package: str, base: type[Source] | type[Exposure], allow_code: bool
) -> Iterator[str]:
    """Split each entry of a list into its own keys and the plug-in's typed `options`. Yields problems."""
    entries = raw.get(key)
    if not isinstance(entries, list):
        return
    own = set(SourceConfig.model_fields if base is Source else ExposureConfig.model_fields) - {"options"}
    for number, entry in enumerate(entries):
        if isinstance(entry, str):
            entry = {"name": entry}
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            yield f"{key}[{number}]: expected a mapping with `name`, got {entry!r}"
            entries[number] = {"name": "?", "options": SourceOptions() if base is Source else ExposureOptions()}
            continue
        options = {k: v for k, v in entry.items() if k not in own}
        entries[number] = kept = {k: v for k, v in entry.items() if k in own}
        try:
            found: type[Source | Exposure] = plugins.find(package, base, entry["name"], allow_code)
        except UserError as error:
            yield f"{key}[{number}].name: {error}"
            kept["name"] = "?"
            kept["options"] = SourceOptions() if base is Source else ExposureOptions()
            continue
        model: type[BaseModel] = found.Options
        try:
            kept["options"] = model.model_validate(options)
        except ValidationError as error:
            yield from validation_messages(error, f"{key}[{number}]", model, entry["name"], extra=own)
            kept["options"] = model.model_construct()
