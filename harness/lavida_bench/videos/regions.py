"""Anomalous regions of a pixel map: connected parts above logit 0, with boxes in the video's pixels.

Letters: h w of a map, H W of the video, D regions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Floats

MAX_SIDE = 512  # side in pixels to which maps are enlarged for outlining
MIN_SHARE = 1 / 5000  # share of the frame below which a part is noise
MAX_REGIONS = 20  # regions of a frame, the highest: an untrained model's maps fall into hundreds


def enlarge(values: NDArray[np.floating], size: tuple[int, int]) -> Floats:
    """Resize a map to the size of the video by bilinear interpolation.

    Args:
        values: (h, w) floating point.
        size: (H, W), the wanted size.

    Returns:
        (H, W) float32.
    """
    import cv2

    width_height = (size[1], size[0])
    return np.asarray(cv2.resize(values.astype(np.float32), width_height, interpolation=cv2.INTER_LINEAR), np.float32)


def find_regions(values: NDArray[np.floating], frame: float, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Find the regions of a frame's map.

    A region's score is log p(frame) + log p(region), where p is the sigmoid of the frame's logit and of the region's
    mean logit: at most 0.

    Args:
        values: (h, w) logits of the pixels.
        frame: Logit of the frame.
        size: (H, W) of the video in pixels.

    Returns:
        (D, 4) float32 boxes left, top, right, bottom in the video's pixels, right and bottom exclusive; (D,) float32
        scores. D <= MAX_REGIONS.
    """
    import cv2

    if not (values > 0).any():
        return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    scale = min(1.0, MAX_SIDE / max(size))
    large = enlarge(values, (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
    number, labels, stats, _ = cv2.connectedComponentsWithStats((large > 0).view(np.uint8), connectivity=8)
    sums = np.bincount(labels.reshape(-1), weights=large.reshape(-1), minlength=number)
    areas = stats[:, 4]
    kept = np.flatnonzero(areas >= max(1.0, MIN_SHARE * large.size))
    kept = kept[kept > 0]  # 0 is the background
    left, top, width, height = stats[kept, :4].T.astype(np.float32)
    across, down = size[1] / large.shape[1], size[0] / large.shape[0]
    boxes = np.stack([left * across, top * down, (left + width) * across, (top + height) * down], axis=1)
    scores = log_sigmoid(np.asarray(sums[kept] / areas[kept])) + log_sigmoid(np.float64(frame))
    best = np.sort(np.argsort(-scores, kind="stable")[:MAX_REGIONS])
    return boxes[best].astype(np.float32), np.asarray(scores[best], np.float32)


def log_sigmoid(logits: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """Logarithm of the sigmoid, without overflow.

    Args:
        logits: Any shape.

    Returns:
        The same shape, at most 0.
    """
    return np.asarray(-np.logaddexp(0.0, -logits), np.float64)
