"""A frame with what the model says of it: outline of the anomaly, bar of its probability; and the video of such frames.

Letters: H W of the picture, h w of a map.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos import regions
from lavida_bench.videos.types import Maps, Pixels
from lavida_gen.common.atomic_file import partial_path, write_error

ALARM, CALM, INK, GROUND, MARK = (230, 57, 70), (69, 160, 120), (245, 245, 245), (24, 26, 30), (250, 204, 21)
TICKS = 90_000  # of presentation time a second


def draw_overlay(pixels: Pixels, values: Maps | None, probability: float, threshold: float, words: str) -> Pixels:
    """(H + bar, W, 3): the picture, where the probability reaches the threshold its anomaly outlined, a bar below."""
    import cv2

    picture = pixels.copy()
    height, width = picture.shape[:2]
    alarm = probability >= threshold
    if alarm and values is not None:
        inside = regions.enlarge(values, (height, width)) > 0
        picture[inside] = (picture[inside] * 0.7 + np.array(ALARM) * 0.3).astype(np.uint8)
        lines, _ = cv2.findContours(inside.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        thick = max(2, round(height / 180))
        cv2.drawContours(picture, lines, -1, INK, thick + 2, cv2.LINE_AA)
        cv2.drawContours(picture, lines, -1, ALARM, thick, cv2.LINE_AA)
    return np.concatenate([picture, _bar(width, height, probability, threshold, words)])


def bar_height(height: int) -> int:
    """Of a picture of `height`: even, and large enough to read."""
    return max(24, round(height * 0.07) // 2 * 2)


def _bar(width: int, height: int, probability: float, threshold: float, words: str) -> Pixels:
    tall = bar_height(height)
    bar = np.full((tall, width, 3), GROUND, np.uint8)
    left, right = round(width * 0.45), width - tall // 3
    top, bottom = round(tall * 0.3), round(tall * 0.7)
    bar[top:bottom, left:right] = (58, 61, 68)
    end = left + round((right - left) * float(np.clip(probability, 0, 1)))
    bar[top:bottom, left:end] = ALARM if probability >= threshold else CALM
    at = left + round((right - left) * threshold)
    bar[top - tall // 8 : bottom + tall // 8, max(at - 1, 0) : at + 1] = MARK
    text = _words(words, tall)
    room = left - tall // 3
    wide = min(text.shape[1], max(room, 0))
    bar[:, tall // 4 : tall // 4 + wide] = text[:, :wide]
    return bar


@lru_cache(maxsize=64)
def _words(words: str, tall: int) -> Pixels:
    """The text on the bar's ground, (tall, w, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(tall * 0.55)
    width = max(1, round(font.getlength(words)))
    image = Image.new("RGB", (width, tall), GROUND)
    ImageDraw.Draw(image).text((0, tall / 2), words, INK, font, anchor="lm")
    return np.asarray(image, np.uint8)


def shrink(pixels: Pixels, longest: int) -> Pixels:
    """At most so long a side, both sides even, as H.264 wants them."""
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = (max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2))
    if size == (width, height):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


class OverlayWriter:
    """An H.264 mp4 under its final name once it is whole. `live`: playable at any time while it is written."""

    def __init__(self, path: Path, fps: float, live: bool = False) -> None:
        self.path, self.partial = path, partial_path(path)
        self._rate, self._live = Fraction(fps).limit_denominator(1001), live
        self._container: Any = None
        self._stream: Any = None
        self._last = -1

    def __enter__(self) -> OverlayWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.finish()
        elif self._container is not None:
            self._container.close()
            self.partial.unlink(missing_ok=True)

    def _begin(self, height: int, width: int) -> None:
        import av

        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof" if self._live else "faststart"}
        self._container = av.open(str(self.partial), "w", format="mp4", options=options)
        self._stream = self._container.add_stream(
            "libx264", rate=self._rate, options={"crf": "23", "preset": "veryfast"}
        )
        self._stream.height, self._stream.width, self._stream.pix_fmt = height, width, "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, TICKS)

    def write(self, pixels: NDArray[np.uint8], seconds: float) -> None:
        """One more frame, shown from `seconds` on. Raises DataError for a full disk."""
        import av

        try:
            if self._container is None:
                self._begin(*pixels.shape[:2])
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            self._last = max(self._last + 1, round(seconds * TICKS))
            frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
            self._container.mux(self._stream.encode(frame))
        except (OSError, av.error.FFmpegError) as error:
            raise write_error(self.path, error) from error

    def finish(self) -> None:
        """Closes the file and gives it its name. Raises DataError for a full disk."""
        import av

        if self._container is None:
            return
        try:
            self._container.mux(self._stream.encode())
            self._container.close()
            self.partial.replace(self.path)
        except (OSError, av.error.FFmpegError) as error:
            raise write_error(self.path, error) from error
