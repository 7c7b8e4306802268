"""What LAVIDA needs of a language model that sees: one family each in lavida.backbones, found by its `model_type`.

Letters: P patches of the whole batch, G merged cells of the whole batch (P / merge^2, one visual token each), L visual
tokens that the tower made, B samples, S tokens of a sequence, Z hidden width.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.vision_utils import get_vision_position_ids

from lavida.compression import moving_patches
from lavida.errors import LavidaError

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class VisualTokens:
    """What the vision tower made of a batch.

    tokens   (L, Z) of all samples, one after another    lengths  B tokens of each sample
    kept     (G,) bool on the device: the cells that have a token (all of them unless static ones were dropped)
    deep     (L, Z) each: features for the first layers of the language model (Qwen3-VL), else empty
    """

    tokens: Tensor
    lengths: tuple[int, ...]
    kept: Tensor
    deep: tuple[Tensor, ...] = ()


class Backbone:
    """Glue to one family of language models; a file in lavida.backbones has one subclass, named `Family`.

    The base is Qwen2-VL's behaviour; others override what differs. `mean` and `std` normalise its pixels; with
    `timestamps` every temporal frame of a clip is a vision segment of its own behind its time; `system` is the
    system turn that the family was trained with.
    """

    mean: ClassVar[tuple[float, float, float]] = CLIP_MEAN
    std: ClassVar[tuple[float, float, float]] = CLIP_STD
    timestamps: ClassVar[bool] = False
    system: ClassVar[str] = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"

    model_class: ClassVar[type[PreTrainedModel]]
    """The family's model with language head."""

    def tower_inputs(self, config: Any, grids: Tensor, kept_P: Tensor | None) -> dict[str, Tensor]:
        """What the tower works out from the grids, for the kept patches only (None = all), on the host."""
        merge = config.vision_config.spatial_merge_size
        positions = get_vision_position_ids(grids, merge)
        sizes = torch.repeat_interleave(grids[:, 1] * grids[:, 2], grids[:, 0])
        if kept_P is not None:
            positions = positions[kept_P]
            sizes = torch.stack([part.sum() for part in torch.split_with_sizes(kept_P, sizes.tolist())])
        return {"position_ids": positions, "cu_seqlens": cumulative_lengths(sizes)}

    def look(self, mllm: Any, patches_PC: Tensor, grids: Tensor, threshold: float) -> VisualTokens:
        """Visual tokens of a batch; cells that stand still are dropped where `threshold` > 0."""
        visual, merge = mllm.model.visual, mllm.config.vision_config.spatial_merge_size
        patches = patches_PC.to(visual.dtype)
        kept_P = self._moving(visual, patches, grids, threshold, merge)
        inputs = self.tower_inputs(mllm.config, grids, None if kept_P is None else kept_P.cpu())
        cells = (grids.prod(dim=1) // merge**2).tolist()
        if kept_P is None:
            kept = torch.ones(sum(cells), dtype=torch.bool, device=patches.device)
            lengths = tuple(cells)
        else:
            patches, kept = patches[kept_P], kept_P.view(-1, merge**2)[:, 0]
            lengths = tuple(int(part.sum()) for part in torch.split_with_sizes(kept, cells))
        moved = {name: value.to(patches.device) for name, value in inputs.items()}
        out = visual(patches, grid_thw=grids, return_dict=True, **moved)
        return VisualTokens(out.pooler_output, lengths, kept, tuple(getattr(out, "deepstack_features", None) or ()))

    def _moving(self, visual: Any, patches: Tensor, grids: Tensor, threshold: float, merge: int) -> Tensor | None:
        if threshold <= 0 or int(grids[:, 0].max()) == 1:
            return None
        embedded = visual.patch_embed(patches)
        parts = torch.split_with_sizes(embedded, grids.prod(dim=1).tolist())
        kept = [moving_patches(part, grid.tolist(), threshold, merge) for part, grid in zip(parts, grids, strict=True)]
        return torch.cat(kept)

    def positions(self, mllm: Any, ids_BS: Tensor, types_BS: Tensor, mask_BS: Tensor, grids: Tensor) -> Tensor:
        """Rotary positions (3, B, S) of whole sequences."""
        clip = is_clip(types_BS)
        grids = grids.to(ids_BS.device)
        found, _ = mllm.model.get_rope_index(
            ids_BS,
            mm_token_type_ids=types_BS,
            image_grid_thw=grids[~clip],
            video_grid_thw=grids[clip],
            attention_mask=mask_BS,
        )
        positions: Tensor = found
        return positions

    def read(
        self,
        mllm: Any,
        embeds_BSZ: Tensor,
        mask_BS: Tensor,
        positions: Tensor,
        visual_BS: Tensor,
        deep: Sequence[Tensor],
    ) -> Tensor:
        """Last hidden states, (B, S, Z)."""
        out = mllm.model.language_model(
            inputs_embeds=embeds_BSZ,
            attention_mask=mask_BS,
            position_ids=positions,
            use_cache=False,
            **self.deep_inputs(visual_BS, deep),
        )
        hidden: Tensor = out.last_hidden_state
        return hidden

    def deep_inputs(self, visual_BS: Tensor, deep: Sequence[Tensor]) -> dict[str, Any]:
        """What the language model gets of the tower's deep features, by its own names for it."""
        return {}


def cumulative_lengths(sizes: Tensor) -> Tensor:
    """Cumulative borders (n + 1,) int32 of segments; empty ones leave no border."""
    return F.pad(sizes[sizes > 0].cumsum(0), (1, 0)).to(torch.int32)


def is_clip(types_BS: Tensor) -> Tensor:
    """Which samples are clips, (B,) bool."""
    return (types_BS == 2).any(dim=1)


def known_families() -> list[str]:
    """Names of the families that there are."""
    return sorted(path.stem for path in (Path(__file__).parent / "backbones").glob("[a-z]*.py"))


def find_family(model_type: str) -> Backbone:
    """The glue of a family by its `model_type`."""
    if model_type not in known_families():
        raise LavidaError(f"language model of type {model_type!r}; expected one of {', '.join(known_families())}")
    family: Backbone = importlib.import_module(f"lavida.backbones.{model_type}").Family()
    return family
