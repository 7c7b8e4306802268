"""The keys of the recipe in a manifest that readers use.

Somebody else may have written it, with a plug-in or version that is not installed here, so it is not read as a recipe
that is to be built.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lavida_gen.common.json_file import JsonObject


class _Part(BaseModel):
    """Keys of other versions and of plug-ins are kept out."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class StoredEntry(_Part):
    """One entry of `sources:` or `exposures:`."""

    name: str


class StoredShardSize(_Part):
    """When a shard is full."""

    samples: int = Field(default=1000, ge=1)


class StoredPrompts(_Part):
    """The bank of prompts."""

    questions: list[str] = Field(min_length=1)
    answers: list[str] = Field(min_length=1)


class StoredRecipe(_Part):
    """What `verify` compares with the samples; the meaning of a key is that of CorpusRecipe."""

    name: str
    about: str = ""
    seed: int = Field(default=0, ge=0, lt=2**63)
    samples: int = Field(ge=1)
    val: float = Field(default=0.1, ge=0, lt=1)
    shard: StoredShardSize = StoredShardSize()
    sources: Annotated[list[StoredEntry], Field(min_length=1)]
    exposures: Annotated[list[StoredEntry], Field(min_length=1)]
    anomaly_ratio: float = Field(default=0.5, ge=0, le=1)
    prompts: StoredPrompts


def _readable(recipe: JsonObject) -> JsonObject:
    StoredRecipe.model_validate(recipe)
    return recipe


PublishedRecipe = Annotated[JsonObject, AfterValidator(_readable)]
"""A recipe as a manifest holds it, with the keys of StoredRecipe."""
