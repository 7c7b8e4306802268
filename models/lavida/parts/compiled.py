"""The heavy stages under torch.compile: vision tower, language model, image encoder, mask decoder.

Each stage is a module that takes and returns tensors; what depends on data on the host (grids, lengths of frames,
which tokens stay) is computed between the stages. `compile_stages` compiles them in place: parameters, their names and
what is saved stay as they are.

The vision tower attends within each frame. transformers splits the packed patches by frame on the host, which no graph
can; here they are gathered into a padded batch of frames instead (`attend_within_frames`), with the same result.

Letters: P packed patches, F frames, M patches of the longest frame, H heads, C channels of a head.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface

STAGES = ("mllm.model.visual", "mllm.model.language_model", "sam.vision_encoder", "sam.mask_decoder")
"""Modules that are compiled; everything between them depends on sizes in the data and stays eager."""

FRAMES = "lavida_flash_frames"
"""Name of `attend_within_frames` in transformers, which hands the frames' lengths to implementations named flash."""


def attend_within_frames(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    dropout: float,
    cu_seq_lens_q: Tensor,
    max_length_q: int,
    **_: object,
) -> tuple[Tensor, None]:
    """Attend within each frame of packed patches, without a step on the host.

    Args:
        module: The attention layer; not used.
        query: (1, H, P, C).
        key: (1, H, P, C).
        value: (1, H, P, C).
        attention_mask: None.
        scaling: Factor of the products.
        dropout: Dropout of the weights.
        cu_seq_lens_q: (F + 1,) int32 first patch of each frame, then P.
        max_length_q: M.

    Returns:
        (1, P, H, C), and no weights.
    """
    patches = query.shape[2]
    starts, ends = cu_seq_lens_q[:-1].long(), cu_seq_lens_q[1:].long()
    column = torch.arange(max_length_q, device=query.device)
    patch_FM = (starts[:, None] + column).clamp(max=patches - 1)
    real_FM = column < (ends - starts)[:, None]
    query, key, value = (part[0][:, patch_FM].transpose(0, 1) for part in (query, key, value))
    out_FHMC = F.scaled_dot_product_attention(query, key, value, real_FM[:, None, None], dropout, scale=scaling)
    number = torch.arange(patches, device=query.device)
    frame = torch.bucketize(number, ends, right=True)
    return out_FHMC[frame, :, number - starts[frame]][None], None


def attend_in_graph(tower: nn.Module) -> None:
    """Let a vision tower attend by `attend_within_frames`, unless it already uses flash attention.

    Args:
        tower: The tower, changed in place; its saved configuration is not.
    """
    AttentionInterface.register(FRAMES, attend_within_frames)
    for part in tower.modules():
        config = getattr(part, "config", None)
        if config is not None and "flash" not in (config._attn_implementation or ""):
            config._attn_implementation = FRAMES


def compile_stages(
    model: nn.Module, backend: str | Callable[..., Any] = "inductor", dynamic: bool | None = None
) -> None:
    """Compile the heavy stages in place, each as one graph without breaks; the first calls take minutes.

    Args:
        model: A `Lavida`, with LoRA if it gets any, on its device.
        backend: torch.compile's backend; aot_eager traces without generating code.
        dynamic: See torch.compile; default: sizes become dynamic when they change.
    """
    attend_in_graph(model.get_submodule(STAGES[0]))
    for name in STAGES:
        model.get_submodule(name).compile(backend=backend, fullgraph=True, dynamic=dynamic)
