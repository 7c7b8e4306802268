"""Qwen3-VL (arXiv 2511.21631): learned positions, DeepStack features, a time before every frame of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor
from transformers import PreTrainedModel, Qwen3VLForConditionalGeneration
from transformers.vision_utils import get_vision_interpolation_indices_and_weights

from lavida.backbone import Backbone
from lavida.interfaces import MllmConfig


class Family(Backbone):
    """Adapter for Qwen3-VL. Where tokens are merged, a kept token has its own deep features."""

    model_class: ClassVar[type[PreTrainedModel]] = Qwen3VLForConditionalGeneration

    mean: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)
    std: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)
    timestamps: ClassVar[bool] = True
    reads_time: ClassVar[bool] = True
    system: ClassVar[str] = ""

    def tower_inputs(self, config: MllmConfig, grids: Tensor, kept_P: Tensor | None) -> dict[str, Tensor | int]:
        """Positions and segments as Qwen2-VL's, and where the learned positions are interpolated."""
        vision = config.vision_config
        indices, weights = get_vision_interpolation_indices_and_weights(
            grids,
            num_grid_per_side=int(vision.num_position_embeddings**0.5),
            align_corners=True,
            spatial_merge_size=vision.spatial_merge_size,
        )
        if kept_P is not None:
            indices, weights = indices[kept_P], weights[kept_P]
        more: dict[str, Tensor | int] = {"interp_indices": indices, "interp_weights": weights}
        return super().tower_inputs(config, grids, kept_P) | more

    def deep_inputs(self, visual_BS: Tensor, deep: Sequence[Tensor]) -> dict[str, Tensor | list[Tensor]]:
        """The features for the first layers, and the positions of the visual tokens."""
        return {"visual_pos_masks": visual_BS, "deepstack_visual_embeds": list(deep)}
