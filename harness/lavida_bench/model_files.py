"""The files of a saved model, without loading them."""

from __future__ import annotations

from pathlib import Path

from lavida_bench.score_store import digest
from lavida_gen import cache

PARTS = (".json", ".safetensors", ".bin", ".model", ".txt", ".jinja")


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of a model's files, each read once and then remembered. Raises DataError."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in PARTS)
    return digest([(path.relative_to(folder).as_posix(), cache.file_digest(path)) for path in files])
