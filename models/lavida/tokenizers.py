"""The tokenizers of pretrained parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lavida.errors import LavidaError


def read(source: str | Path) -> Any:
    """By Hub name or folder. Raises LavidaError where there is none."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise LavidaError(f"{source}: no tokenizer to be read there ({error})") from error
