"""Converts Meta's single-file SAM2 checkpoints (`{"model": state}`) to the keys of transformers' Sam2VideoModel.

Meta numbers the layers of small MLPs 0, 1, 2; transformers calls them proj_in, layers.0, proj_out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoConfig, PreTrainedConfig

from lavida.errors import CheckpointError, LavidaError

RENAMES: tuple[tuple[str, str], ...] = (
    (r"^image_encoder\.trunk\.patch_embed\.proj\.", "vision_encoder.backbone.patch_embed.projection."),
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d+)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"^sam_mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^sam_mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^sam_mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    (
        r"^sam_prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$",
        "prompt_encoder.shared_embedding.positional_embedding",
    ),
    (r"^sam_prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^memory_encoder\.pix_feat_proj\.", "memory_encoder.feature_projection."),
    (r"^memory_encoder\.out_proj\.", "memory_encoder.projection."),
    (r"^memory_encoder\.fuser\.", "memory_encoder.memory_fuser."),
    (r"\.dwconv\.", ".depthwise_conv."),
    (r"\.pwconv(\d)\.", r".pointwise_conv\1."),
    (r"(memory_fuser\.layers\.\d+)\.gamma$", r"\1.scale"),
    (r"\.out_proj\.", ".o_proj."),
    (r"\.norm(\d?)\.", r".layer_norm\1."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"^obj_ptr_proj\.", "object_pointer_proj."),
    (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
    (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    (r"^no_obj_ptr$", "no_object_pointer"),
    (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
)
"""Pattern and replacement, applied one after the other."""

THREE_LAYERS = re.compile(
    r"(iou_prediction_head|output_hypernetworks_mlps\.\d+|pred_obj_score_head|object_pointer_proj)\.layers\.([012])\."
)
TWO_LAYERS = re.compile(r"\.mlp\.layers\.([01])\.")
DOWNSAMPLER = re.compile(r"mask_downsampler\.encoder\.(\d+)\.")
POINT = re.compile(r"^prompt_encoder\.point_embeddings\.(\d)\.weight$")

ENCODER_SIZES: dict[tuple[int, int], dict[str, int | list[int]]] = {
    (96, 12): {"blocks_per_stage": [1, 2, 7, 2], "global_attention_blocks": [5, 7, 9]},
    (96, 16): {"blocks_per_stage": [1, 2, 11, 2], "global_attention_blocks": [7, 10, 13]},
    (112, 24): {
        "hidden_size": 112,
        "embed_dim_per_stage": [112, 224, 448, 896],
        "num_attention_heads_per_stage": [2, 4, 8, 16],
        "blocks_per_stage": [2, 3, 16, 3],
        "global_attention_blocks": [12, 16, 20],
        "window_positional_embedding_background_size": [14, 14],
    },
    (144, 48): {
        "hidden_size": 144,
        "embed_dim_per_stage": [144, 288, 576, 1152],
        "num_attention_heads_per_stage": [2, 4, 8, 16],
        "blocks_per_stage": [2, 6, 36, 4],
        "global_attention_blocks": [23, 33, 43],
        "window_size_per_stage": [8, 4, 16, 8],
    },
}
"""Image encoders that Meta published, by width and number of blocks: tiny, small, base plus, large."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint file.

    Args:
        path: Meta's file, e.g. sam2.1_hiera_small.pt.

    Returns:
        Its state dict with transformers' keys.

    Raises:
        CheckpointError: It is not a SAM2 checkpoint.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; expected a SAM2 checkpoint as Meta has it")
    try:
        mapped = zipfile.is_zipfile(path)  # files of PyTorch before 1.6 are none, and are read whole
        whole = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:
        raise CheckpointError(f"{path}: cannot be read as a PyTorch file ({error})") from error
    if not isinstance(whole, dict) or not isinstance(whole.get("model"), dict):
        raise CheckpointError(f'{path}: no dictionary with the key "model"; expected a SAM2 checkpoint as Meta has it')
    return rename_keys(whole["model"])


def rename_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of a state dict; four point embeddings become one, the positional matrix is needed twice.

    Args:
        state: Meta's state dict.

    Returns:
        The state dict with transformers' keys.
    """
    new = {_rename(name): value for name, value in state.items()}
    matches = {name: POINT.match(name) for name in new}
    points = {int(match[1]): name for name, match in matches.items() if match}
    if points:
        new["prompt_encoder.point_embed.weight"] = torch.cat([new.pop(points[i]) for i in sorted(points)])
    matrix = new.get("prompt_encoder.shared_embedding.positional_embedding")
    if matrix is not None:
        new["shared_image_embedding.positional_embedding"] = matrix
    return new


def infer_config(state: Mapping[str, Tensor]) -> PreTrainedConfig:
    """Find the configuration of a published checkpoint by its image encoder.

    Args:
        state: State dict with transformers' keys.

    Raises:
        LavidaError: The image encoder has another size than the published ones.
    """
    matches = (re.match(r"vision_encoder\.backbone\.blocks\.(\d+)\.", name) for name in state)
    blocks = {int(match[1]) for match in matches if match}
    patch = state.get("vision_encoder.backbone.patch_embed.projection.weight")
    size = (0 if patch is None else len(patch), len(blocks))
    if size not in ENCODER_SIZES:
        known = ", ".join(f"{width} x {number}" for width, number in ENCODER_SIZES)
        raise LavidaError(
            f"SAM2 checkpoint: image encoder of width {size[0]} with {size[1]} blocks; expected one of {known}; "
            "give sam_config for another size"
        )
    encoder = ENCODER_SIZES[size]
    backbone = {"model_type": "sam2_hiera_det_model", **encoder}
    vision: dict[str, object] = {"model_type": "sam2_vision_model", "backbone_config": backbone}
    widths = encoder.get("embed_dim_per_stage")
    if isinstance(widths, list):
        vision["backbone_channel_list"] = widths[::-1]
    newer = "occlusion_spatial_embedding_parameter" in state
    return AutoConfig.for_model(
        "sam2_video",
        vision_config=vision,
        enable_occlusion_spatial_embedding=newer,
        enable_temporal_pos_encoding_for_object_pointers=newer,
    )


def _rename(name: str) -> str:
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    name = THREE_LAYERS.sub(lambda m: f"{m[1]}.{('proj_in', 'layers.0', 'proj_out')[int(m[2])]}.", name)
    name = TWO_LAYERS.sub(lambda m: f".mlp.{('proj_in', 'proj_out')[int(m[1])]}.", name)
    return DOWNSAMPLER.sub(lambda m: f"mask_downsampler.{_downsampler(int(m[1]))}.", name)


def _downsampler(number: int) -> str:
    """Layers 0 to 12: four times convolution, norm, activation, then the last convolution."""
    return "final_conv" if number == 12 else f"layers.{number // 3}.{('conv', 'layer_norm')[number % 3]}"
