"""A tokenizer for models of random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_byte_tokenizer(folder: Path, longest: int = 77) -> None:
    """Write CLIP's tokenizer with an alphabet of bytes and no merges: any text is read letter by letter.

    Args:
        folder: Where.
        longest: Tokens of the longest text.
    """
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    alphabet: Any = bytes_to_unicode
    letters = list(alphabet().values())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocab, merges = folder / "vocab.json", folder / "merges.txt"
    vocab.write_text(json.dumps({word: number for number, word in enumerate(words)}), "utf-8")
    merges.write_text("#version: 0.2\n", "utf-8")
    CLIPTokenizer(str(vocab), str(merges), model_max_length=longest).save_pretrained(folder)
