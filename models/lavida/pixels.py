"""Frames to pixels, in torch: patches for the language model in Qwen's order, squares for SAM2, masks for the losses.

Letters: T frames, H W pixels, P patches, C values of one patch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lavida.errors import LavidaError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MAX_ASPECT_RATIO = 200


def target_size(height: int, width: int, factor: int, fewest: int, most: int) -> tuple[int, int]:
    """Size that a frame gets: multiples of `factor` near its own shape, `fewest` to `most` factor x factor cells."""
    if max(height, width) > MAX_ASPECT_RATIO * min(height, width):
        raise LavidaError(
            f"frame of {height} x {width} pixels; expected sides that differ by at most {MAX_ASPECT_RATIO} times"
        )
    low, high = fewest * factor**2, most * factor**2
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if rows * columns > high:
        shrink = math.sqrt(height * width / high)
        rows = max(factor, math.floor(height / shrink / factor) * factor)
        columns = max(factor, math.floor(width / shrink / factor) * factor)
    elif rows * columns < low:
        grow = math.sqrt(low / (height * width))
        rows = math.ceil(height * grow / factor) * factor
        columns = math.ceil(width * grow / factor) * factor
    return rows, columns


def resize(frames_THWC: np.ndarray, size: Sequence[int], mode: str) -> Tensor:
    """Frames (T, H, W, 3) uint8 to (T, 3, *size) uint8, antialiased, rounded as PIL does."""
    frames = torch.from_numpy(np.ascontiguousarray(frames_THWC)).permute(0, 3, 1, 2)
    if tuple(frames.shape[-2:]) == tuple(size):
        return frames
    return F.interpolate(frames, size=tuple(size), mode=mode, antialias=True, align_corners=False)


def normalise(frames_TCHW: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Frames uint8 to float32 where they are, 0..1 less the mean over the deviation of each channel."""
    shift, scale = torch.tensor(mean), torch.tensor(std)
    factors, shifts = (1 / (255 * scale)).tolist(), (shift / scale).tolist()  # plain numbers: a GPU waits for no copy
    frames = frames_TCHW.to(torch.float32, copy=True)  # in place from here on: one pass of memory less is half the time
    for channel, (factor, shift_by) in enumerate(zip(factors, shifts, strict=True)):
        frames[:, channel].mul_(factor).sub_(shift_by)
    return frames


def patchify(frames_TCHW: Tensor, patch: int, merge: int, temporal: int) -> tuple[Tensor, tuple[int, int, int]]:
    """Patches (P, C) in Qwen's order, the merge * merge of a cell one after another, and the grid (t, height, width).

    Frames that do not fill the last temporal patch are made up by the last frame.
    """
    short = -len(frames_TCHW) % temporal
    frames = torch.cat([frames_TCHW, frames_TCHW[-1:].expand(short, -1, -1, -1)])
    time, channels, height, width = frames.shape
    grid = (time // temporal, height // patch, width // patch)
    split = frames.reshape(grid[0], temporal, channels, grid[1] // merge, merge, patch, grid[2] // merge, merge, patch)
    flat = split.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(math.prod(grid), -1)
    return flat, grid


def square_frames(frames_THWC: np.ndarray, side: int) -> Tensor:
    """Frames for SAM2, (T, 3, side, side) uint8: a quarter of what they take once `for_sam` has normalised them."""
    return resize(frames_THWC, (side, side), "bilinear")


def normalise_for_sam(frames_NCHW: Tensor) -> Tensor:
    """Frames uint8 to float32 as SAM2 reads them, normalised where they are: on the GPU, if there is one."""
    return normalise(frames_NCHW, IMAGENET_MEAN, IMAGENET_STD)


def square_masks(masks_THW: np.ndarray, side: int) -> Tensor:
    """Masks (T, H, W) bool to (T, side, side) bool: pixels half covered; a mask too small for that, pixels touched."""
    masks = torch.from_numpy(np.ascontiguousarray(masks_THW))[:, None].float()
    share = F.interpolate(masks, size=(side, side), mode="area")[:, 0]
    half, touched = share >= 0.5, share > 0
    lost = ~half.flatten(1).any(dim=1)
    return torch.where(lost[:, None, None], touched, half)
