"""Adapters for multimodal language models: one family each in lavida.backbones, found by its `model_type`.

Letters: P patches of the whole batch, G merged cells of the whole batch (P / merge^2, one visual token each), L visual
tokens after dropping static cells, B samples, S tokens of a sequence, Z hidden width.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.vision_utils import get_vision_position_ids

from lavida import pixels
from lavida.compression import moving_patches
from lavida.errors import LavidaError
from lavida.interfaces import Mllm, MllmConfig, VisionTower

if TYPE_CHECKING:
    from lavida.config import StaticRule

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class VisualTokens:
    """What the vision tower computes for a batch.

    Attributes:
        tokens: (L, Z) of all samples, one after another.
        lengths: Tokens of each sample.
        kept: (G,) bool: cells that have a token (all of them unless static ones were dropped).
        deep: (L, Z) each: features for the first layers of the language model (Qwen3-VL's DeepStack), else empty.
    """

    tokens: Tensor
    lengths: tuple[int, ...]
    kept: Tensor
    deep: tuple[Tensor, ...] = ()


class Backbone:
    """Adapter for one family of language models; a file in lavida.backbones has one subclass, named `Family`.

    The base class is Qwen2-VL (arXiv 2409.12191); other families override what differs.

    Attributes:
        mean: Mean of the pixels' normalisation, RGB in [0, 1].
        std: Its standard deviation.
        timestamps: Whether every temporal frame of a clip is a vision segment of its own after its time.
        reads_time: Whether the time of a clip's frames changes its inputs.
        frames_per_second: The rate at which the family's own processor samples a video, for clips of unknown times.
        system: The system turn that the family was trained with.
        model_class: The family's model with language head.
    """

    mean: ClassVar[tuple[float, float, float]] = CLIP_MEAN
    std: ClassVar[tuple[float, float, float]] = CLIP_STD
    timestamps: ClassVar[bool] = False
    reads_time: ClassVar[bool] = False
    frames_per_second: ClassVar[float] = 2.0
    system: ClassVar[str] = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    model_class: ClassVar[type[PreTrainedModel]]

    def tower_inputs(self, config: MllmConfig, grids: Tensor, kept_P: Tensor | None) -> dict[str, Tensor | int]:
        """Compute the vision tower's inputs that depend on the grids, on the CPU.

        Args:
            config: The language model's configuration.
            grids: (B, 3) int64: temporal frames, height, width in patches.
            kept_P: (P,) bool, True = the patch stays; None = all.

        Returns:
            Arguments of the tower by name.
        """
        merge = config.vision_config.spatial_merge_size
        positions = get_vision_position_ids(grids, merge)
        sizes = torch.repeat_interleave(grids[:, 1] * grids[:, 2], grids[:, 0])
        if kept_P is not None:
            positions = positions[kept_P]
            sizes = torch.stack([part.sum() for part in torch.split_with_sizes(kept_P, sizes.tolist())])
        return {"position_ids": positions, "cu_seqlens": cumulative_lengths(sizes), "max_seqlen": int(sizes.max())}

    def encode_vision(
        self, mllm: Mllm, patches_PC: Tensor, grids: Tensor, threshold: float, rule: StaticRule = "mean"
    ) -> VisualTokens:
        """Run the vision tower on a batch.

        Args:
            mllm: The language model with its vision tower.
            patches_PC: (P, C) uint8 pixels in Qwen's patch order; they are normalised here, on their device.
            grids: (B, 3) int64, on the CPU.
            threshold: Cells that move less are dropped (`compression.moving_patches`); 0 = none.
            rule: How far a cell moves, see there.
        """
        visual, config = mllm.model.visual, mllm.config
        merge = config.vision_config.spatial_merge_size
        patches = pixels.normalise_patches(patches_PC, self.mean, self.std).to(visual.dtype)
        kept_P = self._moving(visual, patches, grids, threshold, merge, rule)
        inputs = self.tower_inputs(config, grids, None if kept_P is None else kept_P.cpu())
        cells = (grids.prod(dim=1) // merge**2).tolist()
        if kept_P is None:
            kept = torch.ones(sum(cells), dtype=torch.bool, device=patches.device)
            lengths = tuple(cells)
        else:
            patches, kept = patches[kept_P], kept_P.view(-1, merge**2)[:, 0]
            lengths = tuple(int(part.sum()) for part in torch.split_with_sizes(kept, cells))
        moved = {
            name: value.to(patches.device) if isinstance(value, Tensor) else value for name, value in inputs.items()
        }
        out = visual(patches, grid_thw=grids, return_dict=True, **moved)
        return VisualTokens(out.pooler_output, lengths, kept, tuple(getattr(out, "deepstack_features", None) or ()))

    def _moving(
        self, visual: VisionTower, patches: Tensor, grids: Tensor, threshold: float, merge: int, rule: StaticRule
    ) -> Tensor | None:
        if threshold <= 0 or int(grids[:, 0].max()) == 1:
            return None
        embedded = visual.patch_embed(patches)
        parts = torch.split_with_sizes(embedded, grids.prod(dim=1).tolist())
        pairs = zip(parts, grids.tolist(), strict=True)
        return torch.cat([moving_patches(part, grid, threshold, merge, rule) for part, grid in pairs])

    def positions(
        self,
        mllm: Mllm,
        ids_BS: Tensor,
        types_BS: Tensor,
        mask_BS: Tensor,
        grids: Tensor,
        grid_seconds: Sequence[float] = (),
    ) -> Tensor:
        """Compute the multimodal rotary positions (M-RoPE, arXiv 2409.12191) of whole sequences.

        Args:
            mllm: The language model.
            ids_BS: (B, S) int64 token ids.
            types_BS: (B, S) int64: 0 text, 1 image, 2 video.
            mask_BS: (B, S) int64, 0 = padding.
            grids: (B, 3) int64.
            grid_seconds: B: seconds from one temporal frame to the next; () = the family's default.

        Returns:
            (3, B, S) int64: time, height, width.
        """
        clip = is_clip(types_BS)
        times = [seconds for seconds, moves in zip(grid_seconds, clip.tolist(), strict=False) if moves]
        grids = grids.to(ids_BS.device)
        positions, _ = mllm.model.get_rope_index(
            ids_BS,
            mm_token_type_ids=types_BS,
            image_grid_thw=grids[~clip],
            video_grid_thw=grids[clip],
            attention_mask=mask_BS,
            **(self.time_inputs(times) if grid_seconds else {}),
        )
        return positions

    def time_inputs(self, seconds: Sequence[float]) -> dict[str, list[float]]:
        """Return the arguments for the time of clips in rotary positions; none for most families.

        Args:
            seconds: Of each clip from one temporal frame to the next.
        """
        return {}

    def hidden_states(
        self,
        mllm: Mllm,
        embeds_BSZ: Tensor,
        mask_BS: Tensor,
        positions: Tensor,
        visual_BS: Tensor,
        deep: Sequence[Tensor],
    ) -> Tensor:
        """Run the language model.

        Args:
            mllm: The language model.
            embeds_BSZ: (B, S, Z) embeddings with the visual tokens in their places.
            mask_BS: (B, S) int64, 0 = padding.
            positions: (3, B, S) int64 rotary positions.
            visual_BS: (B, S) bool, True = visual token.
            deep: See `VisualTokens.deep`.

        Returns:
            (B, S, Z) last hidden states.
        """
        out = mllm.model.language_model(
            inputs_embeds=embeds_BSZ,
            attention_mask=mask_BS,
            position_ids=positions,
            use_cache=False,
            **self.deep_inputs(visual_BS, deep),
        )
        return out.last_hidden_state

    def deep_inputs(self, visual_BS: Tensor, deep: Sequence[Tensor]) -> dict[str, Tensor | list[Tensor]]:
        """Return the language model's arguments for the tower's deep features; none for most families.

        Args:
            visual_BS: (B, S) bool, True = visual token.
            deep: See `VisualTokens.deep`.
        """
        return {}


def cumulative_lengths(sizes: Tensor) -> Tensor:
    """Compute cumulative sequence lengths, as flash attention takes them.

    Args:
        sizes: (n,) lengths; empty segments are left out.

    Returns:
        (n + 1,) int32, beginning with 0.
    """
    return F.pad(sizes[sizes > 0].cumsum(0), (1, 0)).to(torch.int32)


def is_clip(types_BS: Tensor) -> Tensor:
    """Return which samples are clips, (B,) bool.

    Args:
        types_BS: (B, S) token types, 2 = video.
    """
    return (types_BS == 2).any(dim=1)


def known_families() -> list[str]:
    """Return the names of all families."""
    return sorted(path.stem for path in (Path(__file__).parent / "backbones").glob("[a-z]*.py"))


def find_family(model_type: str) -> Backbone:
    """Find the adapter of a family: a file in backbones/, or an installed package's entry point.

    Args:
        model_type: transformers' name of the family, e.g. qwen2_vl; the entry point in group ``lavida.backbones`` has
            this name.

    Raises:
        LavidaError: The family is unknown.
    """
    if model_type not in known_families():
        for entry in metadata.entry_points(group="lavida.backbones", name=model_type):
            adapter: Backbone = entry.load()()
            return adapter
        raise LavidaError(f"language model of type {model_type!r}; expected one of {', '.join(known_families())}")
    family: Backbone = importlib.import_module(f"lavida.backbones.{model_type}").Family()
    return family
