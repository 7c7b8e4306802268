"""SAM2 (arXiv 2408.00714) with a prompt from text: frames in; mask logits, predicted IoUs, object score logits out.

Works on the parts of transformers' Sam2VideoModel. Letters: N frames of the batch, T frames of a clip, M candidate
masks, C channels, h w SAM2's lowest resolution, P = h * w.

`memory: none` decodes all frames of all clips in one call, each with SAM2's no-memory embedding (this is what the
authors' code does: every frame is an initial conditioning frame; their single images are decoded without it,
`no_memory_images: False`). `memory: causal` decodes clips frame after frame; a
frame attends to the memories and object pointers of the earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lavida.config import Memory
from lavida.interfaces import Sam2
from lavida.parts.full_precision import keep_full_precision

NO_OBJECT = -1024.0
"""SAM2's mask logits of a frame without the object."""


@dataclass(frozen=True, slots=True)
class Features:
    """SAM2's image features of N frames.

    Attributes:
        maps: (N, C_i, H_i, W_i) each, finest first.
        position: (N, C, h, w) position encoding of the coarsest map.
    """

    maps: tuple[Tensor, ...]
    position: Tensor

    @property
    def pixels_NPC(self) -> Tensor:
        """Coarsest map plus its position encoding, (N, P, C), as the projector reads it."""
        return (self.maps[-1] + self.position).flatten(2).transpose(1, 2)

    def select(self, frames: Tensor) -> Features:
        """Return the features of some frames.

        Args:
            frames: Their numbers (int64), or (N,) bool.
        """
        return Features(tuple(level[frames] for level in self.maps), self.position[frames])


@dataclass(frozen=True, slots=True)
class DecodedMasks:
    """Output of SAM2's mask decoder.

    Attributes:
        masks: (N, M, 4h, 4w) logits before gating.
        ious: (N, M) predicted IoUs.
        scores: (N,) object score logits.
        tokens: (N, M, C) output tokens of the masks.
    """

    masks: Tensor
    ious: Tensor
    scores: Tensor
    tokens: Tensor


@dataclass(slots=True)
class _MemoryBank:
    """Memories of earlier frames, by frame number: (features, position) of (P, B, C) each, and pointers (B, C)."""

    memories: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    pointers: list[Tensor] = field(default_factory=list)


class CachedPositions(nn.Module):
    """SAM2's sine position encoding, computed once for one frame, in float32, and expanded to all frames of a batch.

    transformers computes it anew for every level and frame: at 1024 pixels half a gigabyte for a clip of 8; and in the
    map's dtype: in bfloat16 its phases are wrong by up to 0.016.

    Args:
        inner: transformers' position encoding.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self._cache: dict[tuple[object, ...], Tensor] = {}

    def forward(self, shape: Sequence[int], device: torch.device, dtype: torch.dtype) -> Tensor:
        """Return the position encoding of a map.

        Args:
            shape: (frames, C, H, W) of the map.
            device: Its device.
            dtype: dtype of the result.
        """
        key = (*shape[2:], device, dtype)
        if key not in self._cache:
            with torch.inference_mode(False), torch.no_grad():
                precise = torch.promote_types(dtype, torch.float32)
                self._cache[key] = self.inner(torch.Size((1, *shape[1:])), device, precise).to(dtype, copy=True)
        return self._cache[key].expand(shape[0], -1, -1, -1)


def prepare(sam: Sam2) -> Sam2:
    """Cache SAM2's sine position encodings, and let its encodings and heads compute in float32, in place.

    Args:
        sam: The model.

    Returns:
        The same model.
    """
    for part in (sam.vision_encoder.get_submodule("neck"), cast("nn.Module", sam.memory_encoder)):
        part.position_encoding = CachedPositions(part.get_submodule("position_encoding"))
    keep_full_precision(sam)
    return sam


def encode_frames(sam: Sam2, frames_NCHW: Tensor) -> Features:
    """Run SAM2's image encoder.

    Args:
        sam: The model.
        frames_NCHW: (N, 3, H, W) normalised frames.
    """
    seen = sam.get_image_features(frames_NCHW.to(sam.dtype), return_dict=True)
    sizes = sam.backbone_feature_sizes
    maps = tuple(_unflatten(level, size) for level, size in zip(seen.fpn_hidden_states, sizes, strict=True))
    return Features(maps, _unflatten(seen.fpn_position_encoding[-1], sizes[-1]).expand_as(maps[-1]))


@dataclass(frozen=True, slots=True)
class _Prompt:
    """sparse (N, Q, C); mask (N, 1, 4h, 4w) logits, None = SAM2's embedding of no mask."""

    sparse: Tensor
    mask: Tensor | None

    def select(self, frames: Tensor) -> _Prompt:
        return _Prompt(self.sparse[frames], None if self.mask is None else self.mask[frames])


def decode_masks(
    sam: Sam2,
    features: Features,
    prompt_NQC: Tensor,
    counts: Sequence[int],
    memory: Memory,
    candidates: bool,
    mask_prompt: Tensor | None = None,
    no_memory_images: bool = True,
) -> DecodedMasks:
    """Decode the masks of N frames from Q sparse prompts each, after SAM2's empty point (label -1).

    Args:
        sam: The model.
        features: Features of the frames.
        prompt_NQC: (N, Q, C) sparse prompts.
        counts: Frames of each clip; 1 = image.
        memory: none or causal, see the module's docstring.
        candidates: True returns three masks (training). False returns one: of clips the one of highest predicted IoU,
            of images SAM2's single mask with its dynamic choice by stability.
        mask_prompt: (N, 1, 4h, 4w) logits of a mask prompt.
        no_memory_images: Whether single images get the no-memory embedding, too.
    """
    prompt = _Prompt(prompt_NQC, mask_prompt)
    fresh = _without_memory(sam, features, None if no_memory_images else counts)
    if memory == "none" or max(counts) == 1:
        return _decode_frames(sam, fresh, prompt, counts, candidates)
    return _decode_causally(sam, features, fresh, prompt, counts, candidates)


def gate_masks(masks_NMHW: Tensor, scores_N: Tensor) -> Tensor:
    """Set the mask logits to -1024 in every frame whose object score is <= 0; no gradient reaches those frames.

    Args:
        masks_NMHW: (N, M, H, W) logits.
        scores_N: (N,) object score logits.
    """
    return torch.where((scores_N > 0)[:, None, None, None], masks_NMHW, NO_OBJECT)


def _unflatten(level_PNC: Tensor, size: Sequence[int]) -> Tensor:
    pixels, frames, channels = level_PNC.shape
    assert pixels == size[0] * size[1]
    return level_PNC.permute(1, 2, 0).reshape(frames, channels, int(size[0]), int(size[1]))


def _without_memory(sam: Sam2, features: Features, counts: Sequence[int] | None) -> Features:
    """Add the no-memory embedding to every frame; with `counts` not to clips of one frame, which are images."""
    embedding = sam.no_memory_embedding.view(1, -1, 1, 1)
    if counts is not None and min(counts) == 1:
        clip = [float(count > 1) for count in counts for _ in range(count)]
        embedding = embedding * torch.tensor(clip, dtype=embedding.dtype, device=embedding.device).view(-1, 1, 1, 1)
    return Features((*features.maps[:-1], features.maps[-1] + embedding), features.position)


def _decode_frames(
    sam: Sam2, features: Features, prompt: _Prompt, counts: Sequence[int], candidates: bool
) -> DecodedMasks:
    """Call the mask decoder once, or twice for scoring where both images and clips are in the batch."""
    if candidates or min(counts) > 1:
        every = _mask_decoder(sam, features, prompt, True)
        return every if candidates else _best_candidate(every)
    single = torch.tensor([count == 1 for count in counts for _ in range(count)], device=prompt.sparse.device)
    images = _mask_decoder(sam, features.select(single), prompt.select(single), False)
    if bool(single.all()):
        return images
    clips = _best_candidate(_mask_decoder(sam, features.select(~single), prompt.select(~single), True))
    return DecodedMasks(
        *(_interleave(single, getattr(images, name), getattr(clips, name)) for name in DecodedMasks.__slots__)
    )


def _interleave(from_first: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Rows of two tensors in one: those of `first` where `from_first`, (N,) bool, is True."""
    out = first.new_empty(len(from_first), *first.shape[1:])
    out[from_first], out[~from_first] = first, second
    return out


def _best_candidate(every: DecodedMasks) -> DecodedMasks:
    """Of each frame's candidates the one of highest predicted IoU."""
    frames, best = torch.arange(len(every.ious), device=every.ious.device)[:, None], every.ious.argmax(1, keepdim=True)
    return DecodedMasks(every.masks[frames, best], every.ious[frames, best], every.scores, every.tokens[frames, best])


def _mask_decoder(sam: Sam2, features: Features, prompt: _Prompt, candidates: bool) -> DecodedMasks:
    size, sparse = len(prompt.sparse), prompt.sparse[:, None]
    point = sparse.new_zeros(size, 1, 1, 2)
    label = torch.full((size, 1, 1), -1, dtype=torch.int32, device=point.device)
    empty, dense = sam.prompt_encoder(input_points=point, input_labels=label, input_boxes=None, input_masks=prompt.mask)
    positions = sam.get_image_wide_positional_embeddings().to(features.maps[-1].dtype)
    masks, ious, tokens, scores = sam.mask_decoder(
        image_embeddings=features.maps[-1],
        image_positional_embeddings=positions.expand(size, -1, -1, -1),
        sparse_prompt_embeddings=torch.cat([empty.to(sparse.dtype), sparse], dim=2),
        dense_prompt_embeddings=dense,
        multimask_output=candidates,
        high_resolution_features=list(features.maps[:-1]),
    )
    return DecodedMasks(masks[:, 0], ious[:, 0], scores[:, 0, 0], tokens[:, 0])


def _decode_causally(
    sam: Sam2, features: Features, fresh: Features, prompt: _Prompt, counts: Sequence[int], candidates: bool
) -> DecodedMasks:
    """Decode frame after frame; clips of equal length are decoded together. `fresh`: the features of first frames."""
    starts = torch.tensor([sum(counts[:i]) for i in range(len(counts))], device=prompt.sparse.device)
    order: list[Tensor] = []
    parts: list[DecodedMasks] = []
    for length in sorted(set(counts)):
        first = starts[torch.tensor([count == length for count in counts], device=prompt.sparse.device)]
        bank = _MemoryBank()
        for number in range(length):
            rows = first + number
            seen = features.select(rows)
            if number == 0:
                conditioned = fresh.select(rows)
            else:
                conditioned = _attend_to_memory(sam, seen, bank, number, length)
            decoded = _decode_frames(sam, conditioned, prompt.select(rows), [length] * len(rows), candidates)
            if number + 1 < length:
                _add_to_memory(sam, seen, decoded, bank)
            order.append(rows)
            parts.append(decoded)
    back = torch.cat(order).argsort()
    return DecodedMasks(*(torch.cat([getattr(part, name) for part in parts])[back] for name in DecodedMasks.__slots__))


def _attend_to_memory(sam: Sam2, seen: Features, bank: _MemoryBank, number: int, length: int) -> Features:
    """Features of frame `number` after attention to the memories of frame 0 and of the latest num_maskmem - 1 frames.

    Offsets, pointers and their order are SAM2's: frame 0 is the conditioning frame.
    """
    size, channels, height, width = seen.maps[-1].shape
    chosen = [(0, 0)] + [(back, number - back) for back in range(sam.num_maskmem - 1, 0, -1) if number - back > 0]
    memory = [bank.memories[frame][0] for _, frame in chosen]
    position = [
        bank.memories[frame][1] + sam.memory_temporal_positional_encoding[offset - 1].to(memory[0].dtype)
        for offset, frame in chosen
    ]
    most = min(length, sam.config.max_object_pointers_in_encoder)
    offsets = [number] + [back for back in range(1, most) if number - back > 0]
    pointers, pointer_position = sam._process_object_pointers(
        offsets, [bank.pointers[number - back] for back in offsets], most, size, channels, seen.position.device
    )
    fused = sam.memory_attention(
        current_vision_features=seen.maps[-1].flatten(2).permute(2, 0, 1),
        current_vision_position_embeddings=seen.position.flatten(2).permute(2, 0, 1),
        memory=torch.cat([*memory, pointers]),
        memory_posision_embeddings=torch.cat([*position, pointer_position]),
        num_object_pointer_tokens=len(pointers),
    )
    coarse = fused.reshape(size, height * width, channels).transpose(1, 2).reshape(size, channels, height, width)
    return Features((*seen.maps[:-1], coarse), seen.position)


def _add_to_memory(sam: Sam2, seen: Features, decoded: DecodedMasks, bank: _MemoryBank) -> None:
    """Add a frame's mask and pointer to the bank; a frame without the object adds SAM2's no-object embeddings."""
    best = _best_candidate(decoded)
    present = (best.scores > 0)[:, None]
    mask = F.interpolate(gate_masks(best.masks, best.scores).float(), size=(sam.image_size,) * 2, mode="bilinear")
    scaled = mask.sigmoid() * sam.config.sigmoid_scale_for_mem_enc + sam.config.sigmoid_bias_for_mem_enc
    memory, position = sam.memory_encoder(seen.maps[-1], scaled.to(seen.maps[-1].dtype))
    if sam.occlusion_spatial_embedding_parameter is not None:
        memory = memory + (~present)[..., None, None] * sam.occlusion_spatial_embedding_parameter[..., None, None]
    bank.memories.append((memory.flatten(2).permute(2, 0, 1), position.flatten(2).permute(2, 0, 1)))
    bank.pointers.append(torch.where(present, sam.object_pointer_proj(best.tokens[:, 0]), sam.no_object_pointer))
