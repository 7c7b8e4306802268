"""The part of `verify` that looks at the files beside the shards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from lavida_gen import __version__
from lavida_gen.common.errors import problem
from lavida_gen.common.yaml_text import load_yaml
from lavida_gen.corpus.manifest import CARD, LICENCE, MANIFEST, STATE, STATS, FileEntry, ShardEntry
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.shards import size_and_sha256
from lavida_gen.inspection.licences import licence_fields, licence_text, used_sources
from lavida_gen.processes.leftovers import PARTIAL

READ_BY_DATASETS = ("image", "clip", "preview")
"""Folders whose tars `datasets` reads by a pattern, whether corpus.json lists them or not."""
_OF_THE_HUB = re.compile(r"\.gitattributes|samples/\d{9}\.jpg")
"""Files that the Hub and `publish` add."""


def damage(path: Path, entry: ShardEntry | FileEntry) -> str | None:
    """Compare size and digest of a file with its entry in the manifest.

    Args:
        path: The file.
        entry: What the manifest states.

    Returns:
        How the file differs, None if it does not.

    Raises:
        FileNotFoundError: There is no such file.
        DataError: It cannot be read, or is no regular file.
    """
    size, sha256 = size_and_sha256(path)
    if size != entry.bytes:
        return f"{'is truncated' if size < entry.bytes else 'is too long'}: {size:,} bytes; expected {entry.bytes:,}"
    if sha256 != entry.sha256:
        return f"its bytes have changed (digest {sha256[:12]}; expected {entry.sha256[:12]})"
    return None


def damaged_files(corpus: Corpus) -> dict[str, str]:
    """Check size and digest of every file beside the shards.

    Args:
        corpus: The corpus.

    Returns:
        Problems by name of the file.
    """
    found: dict[str, str] = {}
    for entry in corpus.manifest.files:
        try:
            with corpus.local_copy(entry.file, entry.bytes) as path:
                wrong = damage(path, entry)
        except FileNotFoundError:
            wrong = "is missing"
        if wrong:
            found[entry.file] = f"{entry.file}: {wrong}"
    return found


def wrong_licence_file(corpus: Corpus) -> Iterator[str]:
    """Compare the text of LICENSE with the manifest: all of it, or its facts if another version wrote it.

    Args:
        corpus: The corpus.

    Yields:
        Problems.
    """
    manifest = corpus.manifest
    lines = corpus.storage.read(LICENCE).decode("utf-8", "replace").splitlines()
    expected = licence_text(manifest).splitlines()
    if manifest.generator != __version__:
        words = [
            word for source in used_sources(manifest) for word in (source.licence, source.attribution, source.page)
        ]
        text = " ".join(lines)
        yield from (problem(LICENCE, "does not state its sources", repr(word)) for word in words if word not in text)
        return
    for line in [line for line in expected if line not in lines]:
        yield problem(LICENCE, "misses a line", f"{line.strip()!r}, by corpus.json")
    for line in [line for line in lines if line not in expected]:
        yield problem(LICENCE, f"has the line {line.strip()[:80]!r}", "only what corpus.json states")


def unlisted_files(corpus: Corpus) -> tuple[list[str], list[str]]:
    """Find the files that the manifest does not list.

    Args:
        corpus: The corpus.

    Returns:
        Problems (shards, which `datasets` reads all the same), and notes (other files).
    """
    manifest = corpus.manifest
    known = {
        MANIFEST,
        CARD,
        STATS,
        *(entry.file for entry in manifest.shards),
        *(entry.file for entry in manifest.files),
    }
    left = [name for name in corpus.storage.names() if name not in known and not _OF_THE_HUB.fullmatch(name)]
    shards = [name for name in left if name.endswith(".tar") and name.split("/")[0] in READ_BY_DATASETS]
    problems = [f"{name}: is not in corpus.json, but `datasets` reads it; remove it" for name in shards]
    return problems, [f"{name}: {_leftover(name)}" for name in left if name not in shards]


def _leftover(name: str) -> str:
    """What a file is that is not part of a corpus."""
    if PARTIAL in name:
        return "is a part of a file, left by a killed process; remove it"
    if name.startswith(f"{STATE}/"):
        return "is left of a build; the same build removes it"
    return "is not part of the corpus"


def card_licence(corpus: Corpus) -> Iterator[str]:
    """Compare the licence in the card's front matter, which people and the Hub edit, with the manifest.

    Args:
        corpus: The corpus.

    Yields:
        Notes.
    """
    if corpus.storage.size(CARD) is None:
        return
    parts = corpus.storage.read(CARD).decode("utf-8", "replace").split("---\n", 2)
    try:
        front = load_yaml(parts[1]) if len(parts) == 3 and not parts[0] else {}
    except yaml.YAMLError:
        front = None
    if not isinstance(front, dict):
        yield f"{CARD}: its front matter is no YAML mapping"
        return
    expected = licence_fields(corpus.manifest)["license"]
    if front.get("license") != expected:
        yield f"{CARD}: license {front.get('license')!r}; by corpus.json it is {expected!r}"
