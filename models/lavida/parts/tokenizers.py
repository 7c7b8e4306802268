"""The tokenizers of pretrained parts."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from lavida.parts.check import reading
from lavida.parts.trust import check_folder


def load_tokenizer(source: str | Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer.

    Args:
        source: Folder, or name on the Hub.

    Raises:
        CheckpointError: There is no tokenizer, or one that needs code of its own.
    """
    with reading(source, "tokenizer"):
        check_folder(source)
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        return tokenizer
