"""Frames as the input of vision models, without torchvision.

Letters: N frames, H W of a frame, h w of the model's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lavida_bench.videos.types import Pixels

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


def resized(frames: Pixels, size: tuple[int, int], mode: Literal["bilinear", "bicubic"]) -> Tensor:
    """Resize with antialiasing, to whole grey values as the models' own processors do (they may differ by 1).

    Args:
        frames: (N, H, W, 3) uint8 RGB.
        size: (h, w) in pixels.
        mode: Interpolation.

    Returns:
        (N, 3, h, w) uint8.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    if tuple(pixels.shape[2:]) == size:
        return pixels
    large = functional.interpolate(pixels.float(), size, mode=mode, antialias=True, align_corners=False)
    return large.round_().clamp_(0, 255).to(torch.uint8)


def normalised(pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Scale to 0..1 and normalise.

    Args:
        pixels: (N, 3, h, w) uint8.
        mean: Of each channel.
        std: Of each channel.

    Returns:
        (N, 3, h, w) float32.
    """
    shape = (1, 3, 1, 1)
    values = pixels.float() / 255
    shift, scale = (torch.tensor(one, device=pixels.device).view(shape) for one in (mean, std))
    return (values - shift) / scale
