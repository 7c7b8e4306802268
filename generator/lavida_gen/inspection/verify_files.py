"""The part of `verify` that looks at the files beside the shards."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from lavida_gen.common.yaml_text import load_yaml
from lavida_gen.corpus.manifest import CARD, MANIFEST, STATE, STATS, FileEntry, ShardEntry
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.shards import size_and_sha256
from lavida_gen.inspection.licences import licence_fields

READ_BY_DATASETS = ("image", "clip", "preview")
"""Folders whose tars `datasets` reads by a pattern, whether corpus.json lists them or not."""
HUB_FILE = ".gitattributes"


def damage(size: int, sha256: str, entry: ShardEntry | FileEntry) -> str:
    """Describe a file whose size or digest is not that of its entry in the manifest.

    Args:
        size: Its size in bytes.
        sha256: Its SHA-256.
        entry: What the manifest states.
    """
    if size == entry.bytes:
        return f"its bytes have changed (digest {sha256[:12]}; expected {entry.sha256[:12]})"
    return f"{'is truncated' if size < entry.bytes else 'is too long'}: {size:,} bytes; expected {entry.bytes:,}"


def damaged_files(corpus: Corpus) -> Iterator[str]:
    """Check size and digest of every file beside the shards.

    Args:
        corpus: The corpus.

    Yields:
        Problems.
    """
    for entry in corpus.manifest.files:
        try:
            with corpus.local_copy(entry.file, entry.bytes) as path:
                size, sha256 = size_and_sha256(path)
        except FileNotFoundError:
            if entry.file != STATS:  # reading its rows reports it
                yield f"{entry.file}: is missing"
            continue
        if (size, sha256) != (entry.bytes, entry.sha256):
            yield f"{entry.file}: {damage(size, sha256, entry)}"


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
    left = [name for name in corpus.storage.names() if name not in known and not name.startswith(f"{STATE}/")]
    shards = [name for name in left if name.endswith(".tar") and name.split("/")[0] in READ_BY_DATASETS]
    problems = [f"{name}: is not in corpus.json, but `datasets` reads it; remove it" for name in shards]
    others = [name for name in left if name not in shards and name != HUB_FILE and not name.startswith("samples/")]
    return problems, [f"{name}: is not part of the corpus" for name in others]


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
