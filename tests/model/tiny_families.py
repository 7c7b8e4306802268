"""Configurations of language models of each family, tiny: three layers, random weights."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0}
TEXT = {
    "vocab_size": 1536, "hidden_size": 96, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 6,
    "num_key_value_heads": 3, "rope_parameters": ROPE, "eos_token_id": 2, "bos_token_id": None, "pad_token_id": 0,
}  # fmt: skip
TOKENS = {"vision_start_token_id": 3, "vision_end_token_id": 4, "image_token_id": 5, "video_token_id": 6}


def tiny_family(family: str, tied: bool = False) -> Any:
    """A language model of the family with three layers.

    Args:
        family: One of FAMILIES.
        tied: Whether the head has the weight of the embeddings.
    """
    vision: dict[str, Any] = {"depth": 2, "num_heads": 4}
    text = dict(TEXT)
    if family == "qwen2_vl":
        vision |= {"embed_dim": 64, "hidden_size": 96, "mlp_ratio": 2}
    elif family == "qwen2_5_vl":
        vision |= {"hidden_size": 64, "intermediate_size": 96, "out_hidden_size": 96, "window_size": 56}
        vision |= {"fullatt_block_indexes": [1]}
    else:
        vision |= {"hidden_size": 64, "intermediate_size": 96, "out_hidden_size": 96, "num_position_embeddings": 64}
        vision |= {"deepstack_visual_indexes": [0, 1], "patch_size": 14}
        text |= {"head_dim": 16}
    return AutoConfig.for_model(family, text_config=text, vision_config=vision, tie_word_embeddings=tied, **TOKENS)
