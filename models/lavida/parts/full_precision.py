"""Parts that compute in float32 whatever the rest does: SAM2's position encodings, its heads of scores, a name's score.

bfloat16 has 8 bits: of 20,000 object scores 2,043 values stay apart, and position encodings are off by up to 0.08. The
parts are small. Autocast is off inside them, and `module.to(torch.bfloat16)` leaves their weights alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoFeedForward, Sam2VideoPositionalEmbedding

from lavida.interfaces import Sam2

HALVES = (torch.float16, torch.bfloat16)


def _no_autocast(tensor: Tensor) -> AbstractContextManager[object]:
    """Autocast off for a tensor's device; the meta device, on which costs are counted, has none."""
    device = tensor.device.type
    return nullcontext() if device == "meta" else torch.autocast(device, enabled=False)


class FullPrecision(nn.Module):
    """Base of a module whose float32 weights stay float32 when a model that holds it is cast."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        def move(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            halved = tensor.dtype == torch.float32 and moved.dtype in HALVES
            return tensor.to(moved.device) if halved else moved

        apply: Callable[..., nn.Module] = super()._apply
        return apply(move, recurse)


class ScoreHead(FullPrecision, Sam2VideoFeedForward):
    """SAM2's head of object scores or of predicted IoUs."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Return scores in the weights' dtype.

        Args:
            hidden_states: (..., C) states of the token.
        """
        forward: Callable[..., Tensor] = super().forward
        with _no_autocast(hidden_states):
            return forward(hidden_states.to(self.proj_in.weight.dtype))


class PointPositions(FullPrecision, Sam2VideoPositionalEmbedding):
    """SAM2's random Fourier features of points and of the coarsest map's pixels."""

    def forward(self, input_coords: Tensor, input_shape: tuple[int, int] | None = None) -> Tensor:
        """Return position encodings in the matrix' dtype.

        Args:
            input_coords: (..., 2) x and y, in pixels, or within [0, 1] where `input_shape` is None.
            input_shape: Height and width in pixels.
        """
        forward: Callable[..., Tensor] = super().forward
        with _no_autocast(input_coords):
            return forward(input_coords.to(self.positional_embedding.dtype), input_shape)


class ScoreLinear(FullPrecision, nn.Linear):
    """A linear layer that gives scores."""

    def forward(self, input: Tensor) -> Tensor:
        """Return scores in the weights' dtype.

        Args:
            input: (..., C) features.
        """
        with _no_autocast(input):
            return super().forward(input.to(self.weight.dtype))


def keep_full_precision(sam: Sam2) -> None:
    """Let SAM2's position matrices and heads compute in float32, in place: only their class changes.

    Args:
        sam: The model.
    """
    for parent, name, kind in (
        (sam, "shared_image_embedding", PointPositions),
        (sam.prompt_encoder, "shared_embedding", PointPositions),
        (sam.mask_decoder, "iou_prediction_head", ScoreHead),
        (sam.mask_decoder, "pred_obj_score_head", ScoreHead),
    ):
        getattr(parent, name).__class__ = kind


def full_precision_modules(module: nn.Module) -> Iterator[str]:
    """Yield the names of the modules that stay float32.

    Args:
        module: The whole model.
    """
    for name, part in module.named_modules():
        if isinstance(part, FullPrecision):
            yield name
