"""The licences of a corpus: whose pictures are in it, and what they permit."""

from __future__ import annotations

from lavida_gen.common import plugins
from lavida_gen.config.recipe import EXPOSURES
from lavida_gen.corpus.manifest import LICENCE, Manifest, SourceEntry
from lavida_gen.exposures._base import Exposure

KNOWN_LICENCES = ("cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "apache-2.0", "mit")
"""Licences for which the Hub has an identifier."""

ALLOWED = {"free": "freely", "noncommercial": "not commercially", "forbidden": "not passed on"}
"""How samples may be used, by `SourceEntry.use`."""

LICENCE_INTRODUCTION = """\
Each sample is under the licences of the pictures that it was made from (where a thing was pasted: of both). The keys
`licence`, `attribution` and `use` of its record state them. The pictures come from these data sets:"""


def used_sources(manifest: Manifest) -> list[SourceEntry]:
    """The sources whose pictures are in a corpus.

    Args:
        manifest: The corpus.

    Returns:
        The sources with samples; all sources of the recipe if an exposure copies pixels from other scenes.
    """
    borrowed = any(borrows(entry["name"]) for entry in manifest.recipe.get("exposures", ()))
    return [source for source in manifest.sources if source.samples or borrowed]


def borrows(exposure: str) -> bool:
    """Whether an exposure copies pixels of other scenes.

    Args:
        exposure: Its name in a recipe.
    """
    if exposure not in plugins.built_in(EXPOSURES):
        return True  # of another package: a card imports no code of others, so it assumes that pixels are copied
    return plugins.find(EXPOSURES, Exposure, exposure).borrows


def licence_fields(manifest: Manifest) -> dict[str, str]:
    """The licence of a corpus as the front matter of its card states it.

    Args:
        manifest: The corpus.

    Returns:
        An identifier of the Hub where all pictures have the same licence, else `other` with name and link.
    """
    found = {licence.lower() for licence in manifest.licences} | {
        source.licence.lower() for source in used_sources(manifest)
    }
    if len(found) == 1 and found <= set(KNOWN_LICENCES):
        return {"license": found.pop()}
    fields = {"license": "other", "license_name": "several-see-below"}
    if any(entry.role == "licence" for entry in manifest.files):
        fields["license_link"] = LICENCE
    return fields


def licence_text(manifest: Manifest) -> str:
    """The text of the file LICENSE: licence and attribution of every source whose pictures are in a corpus.

    Args:
        manifest: The corpus.
    """
    parts = [f"{manifest.name}\n\n{LICENCE_INTRODUCTION}"]
    for source in used_sources(manifest):
        rows = (
            ("source", f"{source.title} ({source.name})"), ("page", source.page), ("licence", source.licence),
            ("samples of it", ALLOWED[source.use]), ("attribution", source.attribution),
        )  # fmt: skip
        parts.append("\n".join(f"{key + ':':<15}{value}" for key, value in rows))
    parts.append("\n".join(["licences of single pictures:", *(f"  {name}" for name in manifest.licences)]))
    return "\n\n".join(parts) + "\n"
