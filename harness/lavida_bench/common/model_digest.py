"""Identity of a saved model: SHA-256 over its files."""

from __future__ import annotations

from pathlib import Path

from lavida_gen.common.digests import sha256_json
from lavida_gen.storage.cache import file_digest

MODEL_FILES = (".json", ".safetensors", ".model", ".txt", ".jinja")


def model_digest(folder: Path) -> str:
    """Compute a digest of the names and contents of a model's files. A file is read once and then remembered.

    Args:
        folder: What `save_pretrained` wrote; files with endings beside `MODEL_FILES` are never read and do not count.

    Returns:
        64 hexadecimal digits.

    Raises:
        DataError: A file cannot be read.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in MODEL_FILES)
    return sha256_json([(path.relative_to(folder).as_posix(), file_digest(path)) for path in files])
