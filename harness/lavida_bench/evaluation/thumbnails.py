"""Thumbnails of a video where its score peaks: the frame, its highest pixel scores, and the annotated anomaly.

Letters: H W pixels of the video, h w pixels of a thumbnail, n scored frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lavida_bench.evaluation.curve import peaks
from lavida_bench.protocols.histogram import check_finite
from lavida_bench.videos.types import Bits, Counts, Floats, Maps, Pixels, TestVideo, VideoScore

LONGEST = 240  # longest side of a thumbnail, in pixels
MOST = 3  # thumbnails per video
HIGHLIGHTED = 0.1  # share of the pixels that are highlighted: those with the highest scores
QUALITY = 60  # of WebP, at half the bytes of a JPEG that looks the same
LOSSLESS = 101  # OpenCV's number for it
LEVELS = 15  # shades of a highlight: few of them take few bytes


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """One frame on a page.

    Attributes:
        frame: Its number in the video.
        score: Its score, a logit.
        abnormal: Its label, None without labels.
        width: w, in pixels.
        height: h, in pixels.
        image: The frame as a WebP file.
        map: What lies over it to highlight the highest pixel scores, a transparent WebP file; None without pixel maps.
        outline: SVG path of the annotated anomaly in pixels of the thumbnail; "" if there is none.
    """

    frame: int
    score: float
    abnormal: bool | None
    width: int
    height: int
    image: bytes
    map: bytes | None = None
    outline: str = ""


def peak_thumbnails(video: TestVideo, score: VideoScore, frames: Counts, values: Floats) -> tuple[Thumbnail, ...]:
    """Make thumbnails of the highest scores of a video. Only these frames are read.

    Args:
        video: The test video.
        score: The method's scores of it, for the pixel maps.
        frames: (n,) int64 numbers of the frames to choose from, ascending.
        values: (n,) scores of these frames.

    Returns:
        At most MOST thumbnails, in order of time.

    Raises:
        DataError: The frames or maps cannot be read, or a pixel score is not finite.
    """
    chosen = peaks(frames, values, MOST, max(1, video.frame_count // 8))
    if not score.pixels:
        return tuple(_thumbnail(video, frame, _value_of(frame, frames, values)) for frame in chosen)
    maps = [_read_map(score, frame) for frame in chosen]
    scale = _highlight_range(maps)
    return tuple(
        _thumbnail(video, frame, _value_of(frame, frames, values), scores, scale)
        for frame, scores in zip(chosen, maps, strict=True)
    )


def _value_of(frame: int, frames: Counts, values: Floats) -> float:
    return float(values[np.searchsorted(frames, frame)])


def _thumbnail(
    video: TestVideo,
    frame: int,
    value: float,
    scores: Maps | None = None,
    scale: tuple[float, float] = (0.0, 0.0),
) -> Thumbnail:
    pixels = _shrink(video.read(frame, frame + 1)[0])
    masks = video.read_masks(frame, frame + 1)
    height, width = pixels.shape[:2]
    return Thumbnail(
        frame=frame,
        score=float(f"{value:.6g}"),
        abnormal=None if video.frame_labels is None else bool(video.frame_labels[frame]),
        width=width,
        height=height,
        image=_webp(pixels[..., ::-1], QUALITY),
        map=None if scores is None else _webp(highlight(scores, (height, width), *scale)[..., [2, 1, 0, 3]], LOSSLESS),
        outline="" if masks is None else outline_path(masks[0], width / video.size[1]),
    )


def _read_map(score: VideoScore, frame: int) -> Maps:
    """The (h', w') pixel scores of one frame. Raises DataError for scores that are not finite."""
    maps = score.read_pixels(frame, frame + 1)
    check_finite(score.key, maps, frame)
    first: Maps = maps[0]
    return first


def _shrink(pixels: Pixels) -> Pixels:
    import cv2

    scale = min(1.0, LONGEST / max(pixels.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _webp(pixels: Pixels, quality: int) -> bytes:
    """A WebP file of (h, w, 3) BGR or (h, w, 4) BGRA."""
    import cv2

    done, data = cv2.imencode(".webp", np.ascontiguousarray(pixels), [cv2.IMWRITE_WEBP_QUALITY, quality])
    assert done, "cv2 could not encode a thumbnail"
    return bytes(data)


def _highlight_range(maps: list[Maps]) -> tuple[float, float]:
    """The score above which a pixel is highlighted, and the highest score, over all maps of a video's thumbnails.

    By rank, not by size: like AUC it does not change under a monotonic transform of the scores, and the -1024 of a gate
    does no harm.
    """
    if not maps:
        return 0.0, 0.0
    scores = np.concatenate([scores.reshape(-1) for scores in maps]).astype(np.float64)
    return float(np.quantile(scores, 1 - HIGHLIGHTED)), float(scores.max())


def highlight(scores: Maps, size: tuple[int, int], low: float, high: float) -> Pixels:
    """Colour the pixels with high scores from yellow (just above `low`) to red (`high` and above), others not at all.

    Args:
        scores: (h', w') pixel scores.
        size: (h, w) of the thumbnail that it lies over, which a browser enlarges it to by nearest neighbour.
        low: The score above which a pixel is coloured.
        high: The score at which it is red.

    Returns:
        (min(h, h'), min(w, w'), 4) uint8 RGBA: more pixels than the thumbnail has, nobody sees.
    """
    import cv2

    height, width = (min(sides) for sides in zip(size, scores.shape, strict=True))
    small = cv2.resize(scores.astype(np.float64), (width, height), interpolation=cv2.INTER_NEAREST)
    strength = np.ceil(LEVELS * np.clip((small - low) / max(high - low, 1e-12), 0, 1)) / LEVELS
    shown = strength > 0
    found = np.zeros((height, width, 4), np.float64)
    found[..., 0], found[..., 1] = 255 * shown, 210 * (1 - strength) * shown
    found[..., 3] = 255 * (0.3 + 0.45 * strength) * shown
    return np.asarray(found.round(), np.uint8)


def outline_path(mask: Bits, scale: float) -> str:
    """Trace the border of a mask.

    Args:
        mask: (H, W) bool.
        scale: Factor from pixels of the mask to pixels of the thumbnail.

    Returns:
        An SVG path; "" for an empty mask.
    """
    import cv2

    if not mask.any():
        return ""
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts = []
    for contour in contours:
        corners = (cv2.approxPolyDP(contour, 0.5 / scale, True)[:, 0, :] + 0.5) * scale
        parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + "Z")
    return "".join(parts)
