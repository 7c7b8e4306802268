"""Features of names: each name its own, and those of a published CLIP as CLIP pools them."""

from __future__ import annotations

import torch
from transformers import CLIPTextConfig, CLIPTextModel

from lavida.modeling import Lavida
from lavida.names import NameEncoder
from lavida.processing import LavidaProcessor
from lavida_gen.street import phrases


def test_names_that_differ_have_features_that_differ() -> None:
    """Whatever ids their words have: "blue car" and "blue truck" differ in the second word only."""
    names = [text for text, _, _ in phrases.vocabulary()]
    tokens = LavidaProcessor.from_preset("tiny").names_tokenizer(names, padding=True, return_tensors="pt")
    with torch.no_grad():
        found = Lavida.from_preset("tiny").names(tokens["input_ids"], tokens["attention_mask"])
    apart = torch.pdist(found)
    assert len(names) > 200
    assert apart.min() > 1e-3 * apart.median()


def test_a_name_has_the_same_bits_alone_and_in_any_list() -> None:
    """Whatever was encoded before, whatever stands beside it, however wide the padding is."""
    tokenizer = LavidaProcessor.from_preset("tiny").names_tokenizer

    def encoded(model: Lavida, *names: str) -> torch.Tensor:
        tokens = tokenizer(list(names), padding=True, return_tensors="pt")
        found: torch.Tensor = model.names(tokens["input_ids"], tokens["attention_mask"])
        return found

    fresh = [Lavida.from_preset("tiny").requires_grad_(False) for _ in range(4)]
    alone = encoded(fresh[0], "dog")[0]
    lists = [
        encoded(fresh[1], "dog", "bicycle")[0],
        encoded(fresh[2], "a long name of a thing", "bicycle", "dog")[2],
        encoded(fresh[3], "bicycle", "horse", "dog", "cat", "dog", "person with an umbrella")[4],
        encoded(fresh[1], "horse", "dog")[1],
    ]
    assert all(torch.equal(alone, other) for other in lists)


def test_features_are_those_that_clip_pools() -> None:
    """The end of text has the highest id and pads as well, as in the published checkpoints."""
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, eos_token_id=49
    )
    tower = CLIPTextModel(config).eval().requires_grad_(False)
    ids = torch.tensor([[48, 7, 9, 49], [48, 11, 49, 49]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    found = NameEncoder(tower)(ids, mask)
    torch.testing.assert_close(found, tower(input_ids=ids, attention_mask=mask).pooler_output)
