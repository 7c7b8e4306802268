"""The tokenizers of pretrained parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lavida.parts.check import reading


def load_tokenizer(source: str | Path) -> Any:
    """By Hub name or folder. Raises CheckpointError where there is none."""
    from transformers import AutoTokenizer

    with reading(source, "tokenizer"):
        return AutoTokenizer.from_pretrained(source)
