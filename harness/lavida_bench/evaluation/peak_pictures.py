"""Pictures of a video where its score peaks: the frame, what of it scored highest, and the annotated anomaly.

Letters: H W pixels of the video, h w of a picture on the page.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lavida_bench.evaluation.curve import peaks
from lavida_bench.protocols.histogram import refuse_infinite
from lavida_bench.videos.types import Bits, Counts, Floats, Maps, TestVideo, VideoScore
from lavida_gen.scenes import images

LONGEST = 260  # side of a picture, in pixels
MOST = 3  # pictures of a video
COLOURED = 0.1  # share of the pixels, those that score highest, that are coloured
QUALITY = 76


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """One frame on a page.

    image, map  data URIs of JPEGs (h, w); `map` with the pixels that score highest coloured, None without pixel maps
    outline     SVG path of the annotated anomaly in the picture's pixels, "" if there is none
    abnormal    the frame's label, None without labels
    """

    frame: int
    score: float
    abnormal: bool | None
    width: int
    height: int
    image: str
    map: str | None = None
    outline: str = ""


def peak_thumbnails(video: TestVideo, score: VideoScore, frames: Counts, values: Floats) -> tuple[Thumbnail, ...]:
    """The peaks of the scores `values` (n,) of `frames` (n,). Reads only these frames. Raises DataError."""
    chosen = peaks(frames, values, MOST, max(1, video.frame_count // 8))
    maps = [_map(score, frame) for frame in chosen] if score.pixels else []
    floor = _floor(maps)
    made = []
    for at, frame in enumerate(chosen):
        pixels = _small(video.read(frame, frame + 1)[0])
        value = float(values[np.searchsorted(frames, frame)])
        masks = video.read_masks(frame, frame + 1)
        height, width = pixels.shape[:2]
        made.append(
            Thumbnail(
                frame, float(f"{value:.6g}"), None if video.frame_labels is None else bool(video.frame_labels[frame]),
                width, height, _uri(pixels), _uri(highlight_pixels(pixels, maps[at], *floor)) if maps else None,
                "" if masks is None else outline_path(masks[0], width / video.size[1]),
            )
        )  # fmt: skip
    return tuple(made)


def _map(score: VideoScore, frame: int) -> Maps:
    """(h, w) of one frame. Raises DataError for scores that are not finite."""
    maps = score.read_pixels(frame, frame + 1)
    refuse_infinite(score.key, maps, frame)
    found: Maps = maps[0]
    return found


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    scale = min(1.0, LONGEST / max(pixels.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _uri(pixels: NDArray[np.uint8]) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(images.encode_jpeg(pixels, QUALITY)).decode()


def _floor(maps: list[NDArray[np.float16]]) -> tuple[float, float]:
    """The score above which a pixel is coloured, and the highest one, over all maps of a video's pictures.

    By rank, not by size: like AUC it does not change when scores are bent, and a gate's -1024 does no harm.
    """
    if not maps:
        return 0.0, 0.0
    everything = np.concatenate([one.reshape(-1) for one in maps]).astype(np.float32)
    return float(np.quantile(everything, 1 - COLOURED)), float(everything.max())


def highlight_pixels(
    pixels: NDArray[np.uint8], scores: NDArray[np.float16], low: float, high: float
) -> NDArray[np.uint8]:
    """(h, w, 3) with the pixels whose map (h', w') is above `low` tinted from yellow to red at `high`."""
    import cv2

    height, width = pixels.shape[:2]
    large = cv2.resize(scores.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    strength = np.clip((large - low) / max(high - low, 1e-12), 0, 1)[..., None]
    tint = np.concatenate([np.full_like(strength, 255), 210 * (1 - strength), np.zeros_like(strength)], axis=2)
    share = np.where(strength > 0, 0.3 + 0.45 * strength, 0)
    return np.asarray(pixels * (1 - share) + tint * share, np.uint8)


def outline_path(mask: Bits, scale: float) -> str:
    """The border of (H, W) True pixels as an SVG path, coordinates times `scale`; "" where nothing is True."""
    import cv2

    if not mask.any():
        return ""
    lines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts = []
    for line in lines:
        corners = (cv2.approxPolyDP(line, 0.5 / scale, True)[:, 0, :] + 0.5) * scale
        parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + "Z")
    return "".join(parts)
