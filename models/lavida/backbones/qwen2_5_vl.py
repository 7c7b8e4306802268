"""Qwen2.5-VL (arXiv 2502.13923): as Qwen2-VL, windows in most blocks of the vision tower, seconds in positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from transformers import PreTrainedModel, Qwen2_5_VLForConditionalGeneration
from transformers.vision_utils import get_vision_window_index

from lavida.backbone import Backbone, cumulative_lengths
from lavida.interfaces import MllmConfig


class Family(Backbone):
    """Adapter for Qwen2.5-VL. Dropped cells leave their windows, the others stay in theirs."""

    model_class: ClassVar[type[PreTrainedModel]] = Qwen2_5_VLForConditionalGeneration
    reads_time: ClassVar[bool] = True

    def tower_inputs(self, config: MllmConfig, grids: Tensor, kept_P: Tensor | None) -> dict[str, Tensor | int]:
        """Positions and segments as Qwen2-VL's, and the order of the cells by windows."""
        vision = config.vision_config
        merge = vision.spatial_merge_size
        order, edges = get_vision_window_index(grids, merge, vision.window_size, vision.patch_size)
        if kept_P is not None:
            kept = kept_P.view(-1, merge**2)[:, 0]
            windows = torch.repeat_interleave(torch.arange(len(edges) - 1), edges.diff().long() // merge**2)
            stays = kept[order]
            order = (kept.cumsum(0) - 1)[order[stays]]
            edges = cumulative_lengths(torch.bincount(windows[stays], minlength=len(edges) - 1) * merge**2)
        longest = int(edges.diff().max())
        more: dict[str, Tensor | int] = {
            "window_index": order,
            "cu_window_seqlens": edges,
            "max_window_seqlen": longest,
        }
        return super().tower_inputs(config, grids, kept_P) | more

    def time_inputs(self, seconds: Sequence[float]) -> dict[str, list[float]]:
        """The positions of a clip advance by `tokens_per_second` each second."""
        return {"second_per_grid_ts": list(seconds)}
