"""Samples of a corpus, read from its tar files with nothing but the standard library."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StoredSample:
    """A sample as the files of a shard: its record, and T pictures and T masks as bytes."""

    record: dict[str, Any]
    pictures: tuple[bytes, ...]
    masks: tuple[bytes, ...]


def read_samples(corpus: Path) -> Iterator[StoredSample]:
    """Every sample of a corpus, shard by shard."""
    for shard in sorted(path for path in corpus.rglob("*.tar") if path.parent.name != "preview"):
        fields: dict[str, bytes] = {}
        key = ""
        with tarfile.open(shard) as tar:
            for member in tar:
                own, _, name = Path(member.name).name.partition(".")
                if own != key and fields:
                    yield _sample(fields)
                    fields = {}
                key = own
                file = tar.extractfile(member)
                assert file is not None, f"{shard}: {member.name} is no file"
                fields[name] = file.read()
        if fields:
            yield _sample(fields)


def _sample(fields: dict[str, bytes]) -> StoredSample:
    pictures = tuple(data for name, data in sorted(fields.items()) if name.endswith("jpg"))
    masks = tuple(data for name, data in sorted(fields.items()) if name.endswith("mask.png"))
    return StoredSample(json.loads(fields["json"]), pictures, masks)


def manifest(corpus: Path) -> dict[str, Any]:
    """Its corpus.json."""
    plain: dict[str, Any] = json.loads((corpus / "corpus.json").read_bytes())
    return plain
