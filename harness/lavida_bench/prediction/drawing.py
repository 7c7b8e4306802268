"""A frame with its scores drawn in: outline of the anomaly, bar of its probability.

It is drawn into the planes that H.264 stores: the frame does not become RGB on the way. What several frames have in
common is drawn once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lavida_bench.prediction.bar import bar_height, draw_bar, draw_notice
from lavida_bench.prediction.segments import ScoredFrame
from lavida_bench.prediction.timeline_picture import format_time
from lavida_bench.prediction.veil import Veil, make_veil
from lavida_bench.videos.picture import Picture
from lavida_bench.videos.planes import Planes, from_rgb, stack
from lavida_bench.videos.types import Maps

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class Drawing:
    """Draws the frames of a video, in order of time, in one thread."""

    def __init__(self, threshold: float, notice: str = "") -> None:
        """Begin without frames.

        Args:
            threshold: Probability from which a frame is anomalous, marked on the bar.
            notice: A sentence below the bar; "" = none.
        """
        from av.video.reformatter import VideoReformatter

        self._threshold, self._notice, self._scaler = threshold, notice, VideoReformatter()
        self._row: ScoredFrame | None = None
        self._clock = ""
        self._veil: Veil | None = None
        self._below: Planes | None = None

    def draw(self, picture: Picture, seconds: float, row: ScoredFrame, scores: Maps | None) -> VideoFrame:
        """Draw the scores of a frame into a copy of it.

        Args:
            picture: The frame, with planes; all frames have one size.
            seconds: Its time.
            row: The sampled frame whose scores it has.
            scores: (h, w) logits of that one; the pixels above 0 are outlined where it is anomalous. None = no maps.

        Returns:
            The frame with the bar and the notice below it, and with its colour tags.
        """
        planes, space, clock = picture.planes(), picture.frame.colorspace, format_time(seconds, 0.5)
        alarm = row.probability >= self._threshold
        if row is not self._row:
            self._veil = make_veil(scores, planes.size, space) if alarm and scores is not None else None
        if row is not self._row or clock != self._clock or self._below is None:
            figures, name = f"{clock}   {row.probability:.2f}   ", row.name if alarm else ""
            self._below = from_rgb(self._draw_below(planes.size, row.probability, figures, name), space, self._scaler)
        self._row, self._clock = row, clock
        frame, whole = stack([planes, self._below])
        if self._veil is not None:
            self._veil.draw(whole)
        frame.colorspace, frame.color_range = space, picture.frame.color_range
        frame.color_primaries, frame.color_trc = picture.frame.color_primaries, picture.frame.color_trc
        return frame

    def _draw_below(self, size: tuple[int, int], probability: float, figures: str, name: str) -> np.ndarray:
        width, height = size[1], bar_height(size[0])
        parts = [draw_bar((height, width), probability, self._threshold, figures, name)]
        if self._notice:
            parts.append(draw_notice(self._notice, width, height))
        return np.concatenate(parts)
