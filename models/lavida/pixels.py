"""Pixel preprocessing in torch: patches for the language model in Qwen's order, squares for SAM2, masks for the losses.

Letters: T frames, H W pixels, P patches, C values of one patch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import get_worker_info

from lavida.errors import LavidaError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MAX_ASPECT_RATIO = 200


def target_size(height: int, width: int, factor: int, fewest: int, most: int) -> tuple[int, int]:
    """Compute the size that a frame is resized to, as Qwen2-VL's `smart_resize`.

    Args:
        height: The frame's height in pixels.
        width: Its width.
        factor: Side of a cell in pixels; both sides become multiples of it.
        fewest: Least number of cells.
        most: Largest number of cells.

    Returns:
        (height, width) in pixels.

    Raises:
        LavidaError: The aspect ratio is above `MAX_ASPECT_RATIO`.
    """
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
    """Resize frames with antialiasing by torch, in whole numbers. PIL gives other values here and there, mostly by 1.

    Args:
        frames_THWC: (T, H, W, 3) uint8.
        size: (height, width).
        mode: bilinear or bicubic.

    Returns:
        (T, 3, height, width) uint8.
    """
    plain = np.ascontiguousarray(frames_THWC).ravel().reshape(frames_THWC.shape)  # frame[None] has a stride of 0
    frames = torch.from_numpy(plain).permute(0, 3, 1, 2)  # which torch resizes in its slow way: six times as long
    if tuple(frames.shape[-2:]) == tuple(size):
        return frames
    return F.interpolate(frames, size=tuple(size), mode=mode, antialias=True, align_corners=False)


def normalise(pixels_NCX: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Normalise pixels on their device: (pixels / 255 - mean) / std.

    Args:
        pixels_NCX: (N, 3, ...) uint8.
        mean: Of each channel, in [0, 1].
        std: Of each channel.

    Returns:
        (N, 3, ...) float32.
    """
    shift, scale = torch.tensor(mean), torch.tensor(std)
    factors, shifts = (1 / (255 * scale)).tolist(), (shift / scale).tolist()  # plain numbers: no copy to a GPU
    normalised = pixels_NCX.to(torch.float32, copy=True)  # a copy, changed in place below: half the time
    for channel, (factor, shift_by) in enumerate(zip(factors, shifts, strict=True)):
        normalised[:, channel].mul_(factor).sub_(shift_by)
    return normalised


def normalise_patches(patches_PC: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Normalise patches on their device, as `normalise` does frames: a patch has one channel after another.

    Args:
        patches_PC: (P, C) uint8, as `patchify` cuts them.
        mean: Of each channel, in [0, 1].
        std: Of each channel.

    Returns:
        (P, C) float32.
    """
    return normalise(patches_PC.view(len(patches_PC), 3, -1), mean, std).flatten(1)


def patchify(frames_TCHW: Tensor, patch: int, merge: int, temporal: int, out: Tensor | None = None) -> Tensor:
    """Cut the frames of one temporal patch in Qwen2-VL's order: the merge * merge patches of a cell are consecutive.

    Args:
        frames_TCHW: (T, 3, H, W) uint8, at most `temporal` of them: the last one is repeated. Height and width are
            multiples of patch * merge.
        patch: Side of a patch in pixels.
        merge: Side of a cell in patches.
        temporal: Frames of a patch.
        out: (P, C) uint8, contiguous: where to write them; None = into new memory.

    Returns:
        (P, C) uint8.
    """
    height, width = (side // (patch * merge) for side in frames_TCHW.shape[2:])
    if out is None:
        out = torch.empty(height * width * merge**2, 3 * temporal * patch**2, dtype=torch.uint8)
    planes = out.numpy().view(f"V{patch**2}").reshape(-1, 3, temporal)  # each is moved as one element
    count = len(frames_TCHW)
    for number, frame in enumerate(frames_TCHW.permute(0, 2, 3, 1).numpy()):
        rows = frame.reshape(height * merge * patch, -1).view(f"V{3 * patch}")  # so is a patch's row in three channels
        cells = rows.reshape(height, merge, patch, width, merge).transpose(0, 3, 1, 4, 2)
        patches = np.ascontiguousarray(cells).view(np.uint8).reshape(-1, patch**2, 3)
        places = slice(number, number + 1 if number + 1 < count else temporal)
        for channel, plane in enumerate(cv2.split(patches)):
            planes[:, channel, places] = plane.view(planes.dtype)
    return out


def batch_bytes(shape: Sequence[int]) -> Tensor:
    """Allocate bytes of a batch.

    In a worker of a DataLoader they lie in shared memory from the start, as torch's own `default_collate` has it: made
    elsewhere, they would be copied there to be handed over.

    Args:
        shape: Any shape.

    Returns:
        Any bytes in that shape, uint8.
    """
    if get_worker_info() is None:
        return torch.empty(*shape, dtype=torch.uint8)
    new_shared: Callable[[int], torch.UntypedStorage] = torch.UntypedStorage._new_shared  # torch has no types here
    return torch.empty(0, dtype=torch.uint8).set_(new_shared(math.prod(shape))).view(*shape)


def square_frames(frames: Sequence[np.ndarray], side: int) -> Tensor:
    """Resize frames for SAM2, one by one into their places: a copy of them all would cost as much as resizing them.

    Args:
        frames: T of (H, W, 3) uint8, of any sizes.
        side: Side in pixels.

    Returns:
        (T, 3, side, side) uint8, the channels last in memory.
    """
    squares = batch_bytes((len(frames), side, side, 3)).permute(0, 3, 1, 2)
    for frame, square in zip(frames, squares, strict=True):
        square.copy_(resize(frame[None], (side, side), "bilinear")[0])
    return squares


def normalise_for_sam(frames_NCHW: Tensor) -> Tensor:
    """Normalise frames for SAM2 on their device.

    Args:
        frames_NCHW: (N, 3, H, W) uint8.

    Returns:
        (N, 3, H, W) float32.
    """
    return normalise(frames_NCHW, IMAGENET_MEAN, IMAGENET_STD)


def square_masks(masks: Sequence[np.ndarray], side: int) -> Tensor:
    """Resize masks: pixels that are at least half covered, or all touched pixels of a mask that has no such pixel.

    What a pixel covers is counted in whole numbers, by an integral image of the mask's box: pixels outside stay unset.

    Args:
        masks: T of (H, W) bool, of any sizes.
        side: Side in pixels.

    Returns:
        (T, side, side) bool.
    """
    planes = batch_bytes((len(masks), side, side)).zero_()
    for mask, square in zip(masks, planes.numpy().view(np.bool_), strict=True):
        rows = np.flatnonzero(mask.any(axis=1))
        if not rows.size:
            continue
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        columns = np.flatnonzero(mask[top:bottom].any(axis=0))
        left, right = int(columns[0]), int(columns[-1]) + 1
        sums = cv2.integral(mask[top:bottom, left:right].view(np.uint8))  # (rows + 1, columns + 1) int32
        down, along = _cover(mask.shape[0], side, top, bottom), _cover(mask.shape[1], side, left, right)
        strips = sums.take(along.stops, axis=1) - sums.take(along.starts, axis=1)
        counts = strips.take(down.stops, axis=0) - strips.take(down.starts, axis=0)
        half = 2 * counts >= np.outer(down.lengths, along.lengths)
        square[down.pixels, along.pixels] = half if half.any() else counts > 0
    return planes.view(torch.bool)


class _Cover(NamedTuple):
    """What the pixels of a resized side cover, of those that touch a stretch of the original side.

    Attributes:
        pixels: The pixels of the resized side that touch the stretch.
        starts: First place that each of them covers, counted from the stretch's begin and not before it.
        stops: Place after the last one, not after the stretch's end.
        lengths: Places that each of them covers, those outside of the stretch counted as well; int32.
    """

    pixels: slice
    starts: np.ndarray
    stops: np.ndarray
    lengths: np.ndarray


def _cover(length: int, side: int, low: int, high: int) -> _Cover:
    """Pixel i covers floor(i * length / side) to ceil((i + 1) * length / side), as in torch's adaptive pooling."""
    pixels = np.arange(side)
    starts, stops = pixels * length // side, -(-(pixels + 1) * length // side)
    touching = slice(int(np.searchsorted(stops, low, "right")), int(np.searchsorted(starts, high)))
    starts, stops = starts[touching], stops[touching]
    lengths = (stops - starts).astype(np.int32)
    return _Cover(touching, np.maximum(starts, low) - low, np.minimum(stops, high) - low, lengths)
