"""Presets: `paper` (Qwen2-VL-7B, SAM2.1 small, CLIP B/32), `small` (Qwen2-VL-2B), `tiny` (random, runs on a CPU).

`paper` and `small` set every option as the authors' code does (`AUTHORS`); `paper-ours` is `paper` with our choices.

The sizes of the published parts are their configurations' as published; `from_parts` reads the parts' own files.
"""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, CLIPTextConfig, PreTrainedConfig

from lavida.errors import LavidaError
from lavida.groups import GROUPS

PARTS = {
    "paper": ("Qwen/Qwen2-VL-7B-Instruct", "facebook/sam2.1-hiera-small", "openai/clip-vit-base-patch32"),
    "paper-ours": ("Qwen/Qwen2-VL-7B-Instruct", "facebook/sam2.1-hiera-small", "openai/clip-vit-base-patch32"),
    "small": ("Qwen/Qwen2-VL-2B-Instruct", "facebook/sam2.1-hiera-small", "openai/clip-vit-base-patch32"),
}
"""Hub names of the pretrained parts: language model, SAM2, text tower."""

TINY_VOCABULARY = 1536
TINY_SIDE = 256
"""Pixels: at 128 a bicycle as a street camera sees it is too small to be distinguished from a person."""
PRESETS = ("paper", "paper-ours", "small", "tiny")

AUTHORS: dict[str, object] = {
    "qformer_wiring": "authors",
    "projector_init": "torch",
    "positions": "sequential",
    "static_rule": "concatenated",
    "empty_centres": "mean",
    "input_embeddings": "cut",
    "compression_gradient": False,
    "no_memory_images": False,
}
"""Options as the authors' code has them (VitaminCreed/LAVIDA on GitHub: LLM.py, Qformer.py, model.py in model/)."""

OURS: dict[str, object] = {"projector_init": "torch"}
"""Options of `paper-ours` beside the defaults: prompts begin at the scale of SAM2's own (rms 0.6, not 3.8)."""

BUDGETS = {
    "train_clip": [256, 512],
    "score_clip": [1280, 1536],
    "train_image": [32, 1024],
    "score_image": [32, 1024],
}
"""Fewest and most cells of 28 x 28 pixels of each frame, of the authors' code: it resizes the frames of a clip one by
one, with budgets of 32*28*28*8 to 64*28*28*8 pixels in training and 160*28*28*8 to 192*28*28*8 in scoring."""


def preset_values(name: str) -> dict[str, object]:
    """Return the arguments of LavidaConfig for a preset.

    Args:
        name: paper, paper-ours, small or tiny.

    Raises:
        LavidaError: The name is unknown.
    """
    if name not in PRESETS:
        raise LavidaError(f"unknown preset {name!r}; expected one of {', '.join(PRESETS)}")
    if name == "tiny":
        return _tiny()
    parts = {"mllm_config": _qwen(name), "sam_config": _sam_small(), "names_config": CLIPTextConfig(eos_token_id=49407)}
    return {**parts, **preset_options(name)}


def preset_options(name: str) -> dict[str, object]:
    """Return the options of a preset with pretrained parts, without its parts' configurations.

    Args:
        name: paper, paper-ours or small.

    Raises:
        LavidaError: The name is unknown.
    """
    if name not in PARTS:
        raise LavidaError(f"options of preset {name!r}; expected one of {', '.join(PARTS)}")
    return {**(OURS if name == "paper-ours" else AUTHORS), "budgets": BUDGETS}


def _qwen(name: str) -> PreTrainedConfig:
    """Qwen2-VL 2B (small) and 7B (the others)."""
    paper = name != "small"
    hidden = 3584 if paper else 1536
    text = {
        "vocab_size": 152064 if paper else 151936,
        "hidden_size": hidden,
        "intermediate_size": 18944 if paper else 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 28 if paper else 12,
        "num_key_value_heads": 4 if paper else 2,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1_000_000.0},
    }
    return AutoConfig.for_model(
        "qwen2_vl", text_config=text, vision_config={"hidden_size": hidden}, tie_word_embeddings=not paper
    )


def _sam_small() -> PreTrainedConfig:
    """SAM2.1 hiera small at 1024 pixels."""
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 96,
        "blocks_per_stage": [1, 2, 11, 2],
        "embed_dim_per_stage": [96, 192, 384, 768],
        "num_attention_heads_per_stage": [1, 2, 4, 8],
        "window_size_per_stage": [8, 4, 14, 7],
        "global_attention_blocks": [7, 10, 13],
        "window_positional_embedding_background_size": [7, 7],
    }
    vision = {"model_type": "sam2_vision_model", "backbone_config": backbone}
    return AutoConfig.for_model("sam2_video", vision_config=vision)


def _tiny() -> dict[str, object]:
    """256 pixels, from random weights: everything trains but the memory, which `memory: none` leaves out.

    Per-name maps are SAM2's mask prompt: with them a small model learns to read names (training/tiny).
    """
    return {
        "mllm_config": AutoConfig.for_model("qwen2_vl", **_tiny_qwen()),
        "sam_config": AutoConfig.for_model("sam2_video", **_tiny_sam()),
        "names_config": _tiny_names(),
        "seg_token_id": 7,
        "projector_hidden": 96,
        "projector_heads": 4,
        "qformer_queries": 4,
        "qformer_blocks": 2,
        "qformer_heads": 4,
        "qformer_mlp": 192,
        "budgets": {"train_clip": [12, 16], "score_clip": [12, 16], "train_image": [16, 36], "score_image": [16, 36]},
        "qformer_wiring": "sam",
        "projector_init": "normal",
        "name_maps": "fine",
        "prompt_maps": True,
        "score_names": True,
        "gate_masks": False,  # random weights start with object score 0: the gate would stop the masks' gradient
        "trainable": dict.fromkeys(GROUPS, "full") | {"memory": "frozen"},
    }


def _tiny_qwen() -> dict[str, Any]:
    text = {
        "vocab_size": TINY_VOCABULARY,
        "hidden_size": 96,
        "intermediate_size": 192,
        "num_hidden_layers": 3,
        "num_attention_heads": 6,
        "num_key_value_heads": 3,
        "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0},
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    vision = {"depth": 2, "embed_dim": 64, "hidden_size": 96, "num_heads": 4, "mlp_ratio": 2}
    return {
        "text_config": text,
        "vision_config": vision,
        "vision_start_token_id": 3,
        "vision_end_token_id": 4,
        "image_token_id": 5,
        "video_token_id": 6,
    }


def _tiny_names() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=TINY_VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        projection_dim=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=77,
        hidden_act="gelu",
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )


def _tiny_sam() -> dict[str, Any]:
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 16,
        "image_size": [TINY_SIDE, TINY_SIDE],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [16, 32, 64, 128],
        "num_attention_heads_per_stage": [1, 2, 4, 8],
        "window_size_per_stage": [8, 4, 4, 4],
        "global_attention_blocks": [3],
    }
    return {
        "vision_config": {
            "model_type": "sam2_vision_model",
            "backbone_config": backbone,
            "backbone_channel_list": [128, 64, 32, 16],
            "backbone_feature_sizes": [[TINY_SIDE // stride] * 2 for stride in (4, 8, 16)],
            "fpn_hidden_size": 64,
        },
        "prompt_encoder_config": {"hidden_size": 64, "image_size": TINY_SIDE},
        "mask_decoder_config": {
            "hidden_size": 64,
            "mlp_dim": 128,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 64,
        },
        "image_size": TINY_SIDE,
        "memory_attention_hidden_size": 64,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 128,
        "memory_attention_rope_feat_sizes": [TINY_SIDE // 16] * 2,
        "memory_attention_dropout": 0.0,
        "memory_attention_rope_dropout": 0.0,
        "memory_encoder_hidden_size": 64,
        "memory_encoder_output_channels": 64,  # transformers fixes it
        "mask_downsampler_embed_dim": 64,
        "memory_fuser_embed_dim": 64,
        "memory_fuser_intermediate_dim": 32,
    }
