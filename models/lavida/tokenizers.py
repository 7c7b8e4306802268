"""The tokenizers of pretrained parts."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from lavida.parts.check import reading


def load_tokenizer(source: str | Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer.

    Args:
        source: Folder, or name on the Hub.

    Raises:
        CheckpointError: There is no tokenizer.
    """
    with reading(source, "tokenizer"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source)
        return tokenizer
