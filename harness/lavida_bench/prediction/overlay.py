"""A frame with its scores drawn in: outline of the anomaly, bar of its probability; and the video of such frames.

Letters: H W of the picture, h w of a map.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from lavida_bench.videos import regions
from lavida_bench.videos.types import Maps, Pixels
from lavida_gen.common.atomic_file import partial_path, write_error

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from PIL.ImageFont import FreeTypeFont, ImageFont

ALARM, CALM, INK, GROUND, MARK = (230, 57, 70), (69, 160, 120), (245, 245, 245), (24, 26, 30), (250, 204, 21)
TICKS = 90_000  # units of presentation time per second
ENCODING = {"crf": "23", "preset": "veryfast", "x264-params": "mbtree=0"}
"""Options of libx264. Its mbtree reads memory that nobody has written (core 165): other bytes at each run."""


def draw_overlay(
    pixels: Pixels, scores: Maps | None, probability: float, threshold: float, label: str, notice: str = ""
) -> Pixels:
    """Draw the scores of a frame into it.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        scores: (h, w) logits; the pixels above 0 are outlined where the frame is anomalous. None = no maps.
        probability: The frame's probability, drawn as a bar below it.
        threshold: Probability from which a frame is anomalous, marked on the bar.
        label: Text in the bar.
        notice: A sentence below the bar; "" = none.

    Returns:
        (H + bar + notice, W, 3) uint8 RGB.
    """
    import cv2

    height, width = pixels.shape[:2]
    bar = bar_height(height)
    below = [_bar(width, bar, probability, threshold, label)]
    if notice:
        below.append(_render_notice(notice, width, bar))
    whole = np.concatenate([pixels, *below])
    picture = whole[:height]
    if probability >= threshold and scores is not None:
        inside = regions.enlarge(scores, (height, width)) > 0
        mask = inside.view(np.uint8)
        left, top, across, down = cv2.boundingRect(mask)
        around = slice(top, top + down), slice(left, left + across)
        if across:
            cv2.copyTo(cv2.LUT(picture[around], _tint()), mask[around], picture[around])
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        thickness = max(2, round(height / 180))
        cv2.drawContours(picture, contours, -1, INK, thickness + 2, cv2.LINE_AA)
        cv2.drawContours(picture, contours, -1, ALARM, thickness, cv2.LINE_AA)
    return whole


@cache
def _tint() -> Pixels:
    """(1, 256, 3): what each value of a channel becomes where it is anomalous, three tenths of it red."""
    return (np.arange(256)[None, :, None] * 0.7 + np.array(ALARM) * 0.3).astype(np.uint8)


def bar_height(height: int) -> int:
    """Compute the height of the bar below a picture.

    Args:
        height: Height of the picture, in pixels.

    Returns:
        An even number of pixels, large enough to read the text.
    """
    return max(24, round(height * 0.07) // 2 * 2)


def _bar(width: int, height: int, probability: float, threshold: float, label: str) -> Pixels:
    """(height, width, 3): the label on the left, the bar of the probability on the right."""
    bar = _empty_bar(width, height).copy()
    left, right, top, bottom = _track(width, height)
    end = left + round((right - left) * float(np.clip(probability, 0, 1)))
    bar[top:bottom, left:end] = ALARM if probability >= threshold else CALM
    mark = left + round((right - left) * threshold)
    bar[top - height // 8 : bottom + height // 8, max(mark - 1, 0) : mark + 1] = MARK
    text = _render_text(label, height)
    text_width = min(text.shape[1], max(left - height // 3, 0))
    bar[:, height // 4 : height // 4 + text_width] = text[:, :text_width]
    return bar


def _track(width: int, height: int) -> tuple[int, int, int, int]:
    """Left, right, top, bottom of the bar of the probability."""
    return round(width * 0.45), width - height // 3, round(height * 0.3), round(height * 0.7)


@lru_cache(maxsize=4)
def _empty_bar(width: int, height: int) -> Pixels:
    left, right, top, bottom = _track(width, height)
    bar = np.full((height, width, 3), GROUND, np.uint8)
    bar[top:bottom, left:right] = (58, 61, 68)
    return bar


@lru_cache(maxsize=4)
def _font(size: float) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


@lru_cache(maxsize=64)
def _render_text(text: str, height: int) -> Pixels:
    """The text on the bar's ground, (height, w, 3)."""
    from PIL import Image, ImageDraw

    font = _font(height * 0.55)
    width = max(1, round(font.getlength(text)))
    image = Image.new("RGB", (width, height), GROUND)
    ImageDraw.Draw(image).text((0, height / 2), text, INK, font, anchor="lm")
    return np.asarray(image, np.uint8)


@lru_cache(maxsize=4)
def _render_notice(text: str, width: int, height: int) -> Pixels:
    """The text in as many lines as it needs at a size that can be read, (h, width, 3), h even."""
    from PIL import Image, ImageDraw, ImageFont

    size = max(
        10.0, min(height * 0.5, 0.92 * height * 0.5 * width / ImageFont.load_default(height * 0.5).getlength(text))
    )
    font, lines = ImageFont.load_default(size), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width - size or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    step = round(size * 1.3)
    image = Image.new("RGB", (width, max(height, step * len(lines) + 4) // 2 * 2), GROUND)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((size / 2, image.height / 2 + (number - (len(lines) - 1) / 2) * step), line, MARK, font, anchor="lm")
    return np.asarray(image, np.uint8)


class OverlayWriter:
    """Writes an H.264 mp4, which gets its final name with `finish`; without it nothing stays."""

    def __init__(self, path: Path, fps: float, live: bool = False) -> None:
        """Prepare a file; it begins with the first frame.

        Args:
            path: Its final name.
            fps: Frames per second.
            live: Whether it can be played while it is written.
        """
        self.path, self.partial = path, partial_path(path)
        self._rate, self._live = Fraction(fps).limit_denominator(1001), live
        self._output: tuple[OutputContainer, VideoStream] | None = None
        self._last = -1

    def __enter__(self) -> OverlayWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import av

        if self._output is not None:  # not finished
            with suppress(OSError, av.error.FFmpegError):
                self._output[0].close()
        self.partial.unlink(missing_ok=True)

    def _open(self, height: int, width: int) -> tuple[OutputContainer, VideoStream]:
        import av

        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof" if self._live else "faststart"}
        container = av.open(str(self.partial), "w", format="mp4", options=options)
        stream = container.add_stream("libx264", rate=self._rate, options=ENCODING)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        return container, stream

    def write(self, pixels: Pixels, seconds: float) -> None:
        """Write a frame.

        Args:
            pixels: (H, W, 3) uint8 RGB, sides of even length.
            seconds: The time from which it is shown.

        Raises:
            DataError: The disk is full.
        """
        import av

        try:
            if self._output is None:
                self._output = self._open(*pixels.shape[:2])
            container, stream = self._output
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            self._last = max(self._last + 1, round(seconds * TICKS))
            frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        except (OSError, av.error.FFmpegError) as error:
            raise write_error(self.path, error) from error

    def finish(self) -> None:
        """Close the file and rename it.

        Raises:
            DataError: The disk is full.
        """
        import av

        if self._output is None:
            return
        (container, stream), self._output = self._output, None
        try:
            container.mux(stream.encode())
            container.close()
            self.partial.replace(self.path)
        except (OSError, av.error.FFmpegError) as error:
            raise write_error(self.path, error) from error
