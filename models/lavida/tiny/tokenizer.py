"""The tiny preset's tokenizer: byte-level BPE trained on the texts in data/texts.txt; the trained one is shipped.

python -m lavida.tiny.tokenizer     trains it again and writes data/tokenizer.json; the same bytes every time
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lavida.batch import SEG
from lavida.presets import TINY_VOCABULARY

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

DATA = Path(__file__).parent / "data"
FILE = DATA / "tokenizer.json"
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    SEG,
)
"""Qwen's special tokens and <SEG>, with the ids 0 to 7."""


def train_tokenizer() -> Tokenizer:
    """Train the tokenizer on the texts, each of them with and without a leading space."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    lines = (DATA / "texts.txt").read_text("utf-8").splitlines()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TINY_VOCABULARY,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text for line in lines for text in (line, f" {line}")], trainer)
    return tokenizer


def load_tokenizer(names: bool = False) -> PreTrainedTokenizerBase:
    """Load the shipped tokenizer.

    Args:
        names: Load the text tower's: it puts <|im_start|> and <|im_end|> around a text and pads on the right.
    """
    from tokenizers import Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer.from_file(str(FILE))
    if names:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{SPECIAL[1]} $A {SPECIAL[2]}", special_tokens=[(SPECIAL[1], 1), (SPECIAL[2], 2)]
        )
    wrap: Callable[..., PreTrainedTokenizerBase] = PreTrainedTokenizerFast
    return wrap(
        tokenizer_object=tokenizer,
        eos_token=SPECIAL[2],
        bos_token=SPECIAL[1],
        pad_token=SPECIAL[0],
        padding_side="right" if names else "left",
        model_max_length=77 if names else 4096,
    )


if __name__ == "__main__":
    train_tokenizer().save(str(FILE), pretty=False)
    print(FILE)
