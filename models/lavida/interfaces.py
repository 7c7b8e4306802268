"""What LAVIDA uses of transformers' models: their attributes and calls, with types and shapes.

Letters: B samples, S tokens of a sequence, L visual tokens, Z hidden width of the language model, N frames, Q sparse
prompts, M candidate masks, C channels of SAM2, h w its lowest resolution, P = h * w, R rows of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

# ---- the multimodal language model (Qwen2-VL, Qwen2.5-VL, Qwen3-VL) ----


class VisionConfig(Protocol):
    """Configuration of a vision tower; `window_size` is Qwen2.5-VL's, `num_position_embeddings` Qwen3-VL's."""

    patch_size: int
    temporal_patch_size: int
    spatial_merge_size: int
    window_size: int
    num_position_embeddings: int


class TextConfig(Protocol):
    """Configuration of a language model."""

    hidden_size: int
    vocab_size: int


class MllmConfig(Protocol):
    """Configuration of a multimodal language model."""

    model_type: str
    tie_word_embeddings: bool
    vision_config: VisionConfig

    def get_text_config(self) -> TextConfig:
        """Return the configuration of the language model alone."""


class VisionOutput(Protocol):
    """Output of a vision tower: (L, Z) merged visual tokens."""

    pooler_output: Tensor


class VisionTower(Protocol):
    """Vision tower: patches to visual tokens."""

    dtype: torch.dtype
    patch_embed: Callable[[Tensor], Tensor]

    def __call__(self, patches: Tensor, *, grid_thw: Tensor, return_dict: bool, **inputs: Tensor | int) -> VisionOutput:
        """Run the tower."""


class TextOutput(Protocol):
    """Output of a language model: (B, S, Z) states after the last layer."""

    last_hidden_state: Tensor


class MllmCore(Protocol):
    """A multimodal language model without its head."""

    visual: VisionTower
    language_model: Callable[..., TextOutput]

    def get_rope_index(self, input_ids: Tensor, **inputs: Tensor | list[float]) -> tuple[Tensor, Tensor]:
        """Return rotary positions (3, B, S), and offsets for generation."""


class Mllm(Protocol):
    """A multimodal language model with its head."""

    config: MllmConfig
    model: MllmCore
    lm_head: nn.Module

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embedding."""

    def get_output_embeddings(self) -> nn.Module:
        """Return the language head."""


# ---- SAM2 ----


class ImageFeatures(Protocol):
    """Output of SAM2's image encoder: maps and position encodings, (H_i * W_i, N, C_i) each, finest first."""

    fpn_hidden_states: Sequence[Tensor]
    fpn_position_encoding: Sequence[Tensor]


class PromptEncoder(Protocol):
    """SAM2's prompt encoder: sparse (N, 1, Q, C) and dense (N, C, h, w) embeddings."""

    mask_input_size: tuple[int, int]

    def __call__(
        self,
        *,
        input_points: Tensor | None,
        input_labels: Tensor | None,
        input_boxes: Tensor | None,
        input_masks: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Encode prompts."""


class PromptEncoderConfig(Protocol):
    """Configuration of SAM2's prompt encoder; `image_size` is the side of its square input in pixels."""

    image_size: int


class MaskDecoderConfig(Protocol):
    """Configuration of SAM2's mask decoder."""

    hidden_size: int


class Sam2Config(Protocol):
    """Configuration of SAM2 for videos."""

    prompt_encoder_config: PromptEncoderConfig
    mask_decoder_config: MaskDecoderConfig
    _attn_implementation: str | None
    max_object_pointers_in_encoder: int
    sigmoid_scale_for_mem_enc: float
    sigmoid_bias_for_mem_enc: float


class Sam2(Protocol):
    """transformers' Sam2VideoModel.

    Attributes:
        mask_decoder: Gives masks (N, 1, M, 4h, 4w), IoUs (N, 1, M), tokens (N, 1, M, C), object scores (N, 1, 1).
        memory_encoder: Gives a memory and its position encoding, (N, C', h, w) each.
        memory_attention: Gives the features (1, N, P, C) after attention to R rows of memory.
    """

    config: Sam2Config
    dtype: torch.dtype
    image_size: int
    num_maskmem: int
    backbone_feature_sizes: Sequence[Sequence[int]]
    no_memory_embedding: Tensor
    no_object_pointer: Tensor
    memory_temporal_positional_encoding: Tensor
    occlusion_spatial_embedding_parameter: Tensor | None
    vision_encoder: nn.Module
    prompt_encoder: PromptEncoder
    mask_decoder: Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]]
    memory_encoder: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    memory_attention: Callable[..., Tensor]
    object_pointer_proj: Callable[[Tensor], Tensor]

    def get_image_features(self, pixel_values: Tensor, *, return_dict: bool) -> ImageFeatures:
        """Encode frames (N, 3, H, W)."""

    def get_image_wide_positional_embeddings(self) -> Tensor:
        """Return the position encoding of the lowest resolution, (1, C, h, w)."""

    def _process_object_pointers(
        self,
        temporal_offsets: list[int],
        pointer_tokens: list[Tensor],
        max_object_pointers_to_use: int,
        batch_size: int,
        num_channels: int,
        device: torch.device,
    ) -> tuple[Tensor, Tensor]:
        """Return pointer tokens and their position encodings, (R, N, C') each."""
