"""Multi-scale semantic projector of LAVIDA (arXiv 2602.19248): names attend to pixels.

Then queries attend to <SEG> and the names.

Letters: N frames, D names of the longest prompt, C channels of SAM2, X text width, Z hidden width of the language
model, Q queries, E hidden width of the projector, h w SAM2's lowest resolution. The attention blocks are SAM2's, as
transformers implements them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, Sam2VideoMaskDecoderConfig
from transformers import initialization as init
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoAttention, Sam2VideoTwoWayAttentionBlock

from lavida.config import LavidaConfig, ProjectorInit
from lavida.decoder import Features
from lavida.parts.full_precision import ScoreLinear

NAME_BIAS = -3.0
"""Initial bias of the maps: nearly empty."""
QUERY_STD = 0.02
PROMPT_LIMIT = 10.0
_Attention: Callable[[PreTrainedConfig], nn.Module] = Sam2VideoAttention


@dataclass(frozen=True, slots=True)
class Projected:
    """Output of the projector.

    Attributes:
        prompt: (N, 1, C) one sparse prompt for SAM2 in each frame.
        names: (N, D, C) embeddings of the names in that frame.
    """

    prompt: Tensor
    names: Tensor


class Projector(nn.Module):
    """Turns <SEG>, the names and a frame's features into one sparse prompt for SAM2's mask decoder.

    Args:
        config: Widths and sizes; the projector's are `projector_*` and `qformer_*`.
    """

    def __init__(self, config: LavidaConfig) -> None:
        super().__init__()
        width, channels = config.projector_hidden, config.sam.mask_decoder_config.hidden_size
        attention = config.sam._attn_implementation
        self.name_in = nn.Linear(config.names.hidden_size, width)
        self.pixel_in = nn.Linear(channels, width)
        self.seg_in = nn.Linear(config.mllm.get_text_config().hidden_size, width)
        self.look = _Attention(_attention_config(width, config.projector_heads, config.qformer_mlp, attention))
        self.look_norm = nn.LayerNorm(width)
        self.look_out = nn.Linear(width, width)
        blocks = _attention_config(width, config.qformer_heads, config.qformer_mlp, attention)
        self.queries = nn.Parameter(torch.empty(config.qformer_queries, width))
        self.key_positions = config.qformer_wiring == "authors"
        self.blocks = nn.ModuleList(
            [
                Sam2VideoTwoWayAttentionBlock(blocks, skip_first_layer_pe=i == 0 and not self.key_positions)
                for i in range(config.qformer_blocks)
            ]
        )
        self.prompt_out = nn.Linear(config.qformer_queries * width, channels)
        self.name_out = nn.Linear(width, channels)
        self.name_score = ScoreLinear(channels, 1)
        self.name_bias = nn.Parameter(torch.full((), NAME_BIAS))
        self.name_scale = nn.Parameter(torch.zeros(()))
        self.fine = FinePixels(channels) if config.name_maps == "fine" else None

    @torch.no_grad()
    def init_weights(self, how: ProjectorInit) -> None:
        """Initialise what `Lavida._init_weights`, N(0, 0.02) for every linear layer, leaves or does otherwise.

        With `torch` the prompt of the paper's sizes begins at a root mean square of about 0.56, near SAM2's own point
        encodings; with `normal` at about 3.8, since 48 queries of 768 channels are summed.

        Args:
            how: See `LavidaConfig.projector_init`.
        """
        init.normal_(self.queries, std=1.0 if how == "torch" else QUERY_STD)
        init.constant_(self.name_bias, NAME_BIAS)
        init.zeros_(self.name_scale)
        if how == "torch":
            for module in self.modules():
                if isinstance(module, nn.Linear | nn.Conv2d):
                    bound = 1 / math.sqrt(module.weight[0].numel())
                    init.uniform_(module.weight, -bound, bound)
                    assert module.bias is not None
                    init.uniform_(module.bias, -bound, bound)

    def forward(self, seg_NZ: Tensor, names_NDX: Tensor, real_ND: Tensor, pixels_NPC: Tensor) -> Projected:
        """Compute one prompt per frame.

        Args:
            seg_NZ: (N, Z) state of <SEG> of each frame's sample.
            names_NDX: (N, D, X) text features of its names.
            real_ND: (N, D) bool, False = padding.
            pixels_NPC: (N, P, C) features plus position encoding of SAM2's lowest resolution, P = h * w.
        """
        frame_names = self._names_in_frame(names_NDX, pixels_NPC)
        keys = torch.cat([self.seg_in(seg_NZ)[:, None], frame_names], dim=1)[:, None]
        real = torch.cat([real_ND.new_ones(len(real_ND), 1), real_ND], dim=1)
        bias = torch.zeros(real.shape, dtype=keys.dtype, device=keys.device).masked_fill(
            ~real, torch.finfo(keys.dtype).min
        )
        start = self.queries.to(keys.dtype).expand(len(keys), 1, -1, -1)
        queries, key_positions = start, keys if self.key_positions else torch.zeros_like(keys)
        for block in self.blocks:
            queries, keys, _ = block(
                queries=queries,
                keys=keys,
                query_point_embedding=start,
                key_point_embedding=key_positions,
                attention_similarity=bias[:, None, None].expand(-1, 1, start.shape[2], -1),
            )
        return Projected(self.prompt_out(queries.flatten(2)), self.name_out(keys[:, 0, 1:]))

    def _names_in_frame(self, names_NDX: Tensor, pixels_NPC: Tensor) -> Tensor:
        names = self.name_in(names_NDX)
        pixels = self.pixel_in(pixels_NPC)[:, None]
        seen, _ = self.look(query=names[:, None], key=pixels, value=pixels)
        out: Tensor = self.look_out(self.look_norm(names + seen[:, 0]))
        return out

    def name_maps(self, names_NDC: Tensor, features: Features) -> Tensor:
        """Compute how similar each pixel is to each name: scaled dot products.

        Args:
            names_NDC: (N, D, C) embeddings of the names.
            features: SAM2's features of the frames.

        Returns:
            (N, D, h, w) logits; with `name_maps: fine` in SAM2's finest resolution.
        """
        pixels = features.maps[-1] + features.position if self.fine is None else self.fine(features)
        scale = self.name_scale.exp() / names_NDC.shape[-1] ** 0.5
        maps: Tensor = scale * torch.einsum("ndc,nchw->ndhw", names_NDC, pixels) + self.name_bias
        return maps

    def name_logits(self, names_NDC: Tensor, maps_NDHW: Tensor) -> Tensor:
        """Compute whether the name is in the frame: its embedding's score plus the smooth maximum of its map.

        Args:
            names_NDC: (N, D, C) embeddings of the names.
            maps_NDHW: (N, D, H, W) logits.

        Returns:
            (N, D) float32 logits.
        """
        flat = maps_NDHW.float().flatten(2)
        score: Tensor = self.name_score(names_NDC)[..., 0].float()
        return score + flat.logsumexp(dim=-1) - math.log(flat.shape[-1])


class FinePixels(nn.Module):
    """Combines SAM2's three maps at its finest resolution.

    Args:
        channels: C of the coarsest map; the others have C / 4 and C / 8.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fine_in = nn.Conv2d(channels // 8, channels, 1)
        self.mid_in = nn.Conv2d(channels // 4, channels, 1)
        self.coarse_in = nn.Conv2d(channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Features) -> Tensor:
        """Return pixel features (N, C, H, W) of the finest map's size.

        Args:
            features: SAM2's features.
        """
        fine, middle, coarse = features.maps
        size = fine.shape[-2:]
        mixed = self.fine_in(fine)
        for level in (self.mid_in(middle), self.coarse_in(coarse)):
            mixed = mixed + F.interpolate(level, size=size, mode="bilinear", align_corners=False)
        pixels: Tensor = self.out(F.gelu(mixed))
        return pixels


def mask_prompt(maps_NDHW: Tensor, real_ND: Tensor, size: Sequence[int]) -> Tensor:
    """Turn the strongest name at each pixel into a mask prompt for SAM2.

    Args:
        maps_NDHW: (N, D, H, W) logits.
        real_ND: (N, D) bool, False = padding.
        size: (height, width) of SAM2's mask prompt.

    Returns:
        (N, 1, *size) logits within +-10.
    """
    hidden = maps_NDHW.masked_fill(~real_ND[..., None, None], -PROMPT_LIMIT)
    strongest = hidden.amax(dim=1, keepdim=True).clamp(-PROMPT_LIMIT, PROMPT_LIMIT)
    return F.interpolate(strongest, size=tuple(size), mode="bilinear", align_corners=False)


def log_odds(names_ND: Tensor, real_ND: Tensor) -> Tensor:
    """Compute the log of the names' summed odds: is any of them in the frame?

    Args:
        names_ND: (N, D) logits.
        real_ND: (N, D) bool, False = padding.

    Returns:
        (N,) float32 logits.
    """
    return names_ND.float().masked_fill(~real_ND, -torch.inf).logsumexp(dim=1)


def _attention_config(width: int, heads: int, mlp: int, attention: str | None) -> Sam2VideoMaskDecoderConfig:
    config = Sam2VideoMaskDecoderConfig(
        hidden_size=width, num_attention_heads=heads, mlp_dim=mlp, attention_downsample_rate=2
    )
    config._attn_implementation = attention
    return config
