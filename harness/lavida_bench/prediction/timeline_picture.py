"""A PNG of a whole video: probability over time, threshold, segments, and thumbnails of the peaks.

Memory is that of the scores plus a hundred small thumbnails, however long the video is.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lavida_bench.prediction.segments import AnomalySegment, ScoredFrame
from lavida_bench.videos.types import Pixels
from lavida_gen.common.atomic_file import write_atomic

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

WIDTH, HEIGHT, MARGIN = 1600, 560, 70
THUMBNAIL = (232, 140)  # width, height
MOST = 6  # thumbnails in the picture
ALARM, CURVE, INK, FAINT, GROUND, MARK = "#e63946", "#2a6f97", "#1d1f24", "#c9ced6", "#ffffff", "#b98900"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)
"""Distances of the marks on the axis of time, in seconds."""


class Peak(NamedTuple):
    """A frame with a high score: its probability, its time in seconds, a thumbnail as JPEG."""

    probability: float
    seconds: float
    jpeg: bytes


class Peaks:
    """Thumbnails of the highest frames, spread over time: at most one per interval. Intervals grow with the video."""

    def __init__(self, most: int = 128) -> None:
        """Begin without frames.

        Args:
            most: Largest number of thumbnails that are kept.
        """
        self.most, self.interval = most, 1.0  # seconds
        self.kept: dict[int, Peak] = {}

    def wants(self, probability: float, seconds: float) -> bool:
        """Whether `add` would keep a frame.

        Args:
            probability: Its probability.
            seconds: Its time.
        """
        held = self.kept.get(int(seconds / self.interval))
        return held is None or held.probability < probability

    def chosen(self, rows: Iterable[ScoredFrame]) -> set[int]:
        """Choose the frames that `add` would keep after all of them.

        Args:
            rows: Frames in order of time.

        Returns:
            Their numbers in the video.
        """
        best: dict[int, ScoredFrame] = {}
        for row in rows:
            interval = int(row.seconds / self.interval)
            if interval not in best or best[interval].probability < row.probability:
                best[interval] = row
        return {row.frame for row in best.values() if self.wants(row.probability, row.seconds)}

    def add(self, probability: float, seconds: float, pixels: Pixels) -> None:
        """Offer a frame.

        Args:
            probability: Its probability.
            seconds: Its time.
            pixels: (H, W, 3) uint8 RGB.
        """
        if not self.wants(probability, seconds):
            return
        self.kept[int(seconds / self.interval)] = Peak(probability, seconds, _thumbnail(pixels))
        while len(self.kept) > self.most:
            self._double_interval()

    def _double_interval(self) -> None:
        self.interval *= 2
        older, self.kept = self.kept, {}
        for peak in older.values():
            interval = int(peak.seconds / self.interval)
            if interval not in self.kept or self.kept[interval].probability < peak.probability:
                self.kept[interval] = peak

    def best(self, segments: Sequence[AnomalySegment]) -> list[Peak]:
        """Choose the thumbnails of a picture.

        Args:
            segments: The segments of the video.

        Returns:
            At most MOST thumbnails in order of time: of the highest segments, then of other high frames.
        """
        chosen: dict[float, Peak] = {}
        for segment in sorted(segments, key=lambda segment: -segment.peak)[:MOST]:
            nearest = min(self.kept.values(), key=lambda peak: abs(peak.seconds - segment.peak_seconds))
            chosen[nearest.seconds] = nearest
        apart = max((peak.seconds for peak in self.kept.values()), default=0.0) / MOST / 2
        for peak in sorted(self.kept.values(), key=lambda peak: -peak.probability):
            if len(chosen) < MOST and all(abs(peak.seconds - seconds) >= apart for seconds in chosen):
                chosen[peak.seconds] = peak
        return [chosen[seconds] for seconds in sorted(chosen)]


def _thumbnail(pixels: Pixels) -> bytes:
    import cv2

    height, width = pixels.shape[:2]
    scale = min(THUMBNAIL[0] / width, THUMBNAIL[1] / height)
    size = max(1, int(width * scale)), max(1, int(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1])


class _Axes(NamedTuple):
    """The area of the curve, in pixels of the picture, and the length of the video in seconds."""

    left: int
    top: int
    right: int
    bottom: int
    length: float

    def x(self, seconds: float) -> float:
        """Where a moment is."""
        return self.left + (self.right - self.left) * seconds / self.length

    def y(self, probability: float) -> float:
        """Where a probability is."""
        return self.bottom - (self.bottom - self.top) * probability


def draw_timeline(
    path: Path,
    title: str,
    rows: Sequence[ScoredFrame],
    segments: Sequence[AnomalySegment],
    threshold: float,
    peaks: Peaks,
    notice: str = "",
) -> None:
    """Draw the picture of a video.

    Args:
        path: Where to write the PNG.
        title: The headline.
        rows: The sampled frames in order of time, at least one.
        segments: The segments of the video.
        threshold: Probability from which a frame is anomalous.
        peaks: Thumbnails to choose from.
        notice: A sentence at the bottom; "" = none.

    Raises:
        DataError: The disk is full.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    pen = ImageDraw.Draw(image)
    large, small = ImageFont.load_default(26), ImageFont.load_default(18)
    pen.text((MARGIN, 18), title[:110], INK, large)
    axes = _Axes(MARGIN, 60 + THUMBNAIL[1] + 60, WIDTH - 30, HEIGHT - 60, max(rows[-1].seconds, 1e-3))
    for segment in segments:
        left, right = axes.x(segment.start), axes.x(min(segment.end, axes.length))
        pen.rectangle((left, axes.top, max(right, left + 2), axes.bottom), fill="#fbe3e5")
    _draw_axes(pen, axes, threshold, small)
    _draw_curve(pen, axes, rows)
    _draw_thumbnails(image, pen, axes, peaks.best(segments), threshold, small)
    pen.text((MARGIN, HEIGHT - 2), notice, ALARM, small, anchor="ld")
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)  # half the time of the usual 6, 7 % more bytes
    write_atomic(path, buffer.getvalue())


def _draw_axes(pen: ImageDraw, axes: _Axes, threshold: float, font: Font) -> None:
    for probability in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = axes.y(probability)
        pen.line((axes.left, y, axes.right, y), fill=FAINT)
        pen.text((axes.left - 10, y), f"{probability:g}", INK, font, anchor="rm")
    step = next((step for step in TICKS if axes.length / step <= 12), axes.length / 8)
    for seconds in np.arange(0, axes.length + step * 1e-6, step):
        x = axes.x(float(seconds))
        pen.line((x, axes.bottom, x, axes.bottom + 6), fill=INK)
        pen.text((x, axes.bottom + 12), format_time(float(seconds), step), INK, font, anchor="ma")
    y = axes.y(threshold)
    pen.line((axes.left, y, axes.right, y), fill=MARK, width=2)
    pen.text((axes.right, y - 4), f"threshold {threshold:g}", MARK, font, anchor="rb")


def format_time(seconds: float, step: float = 1.0) -> str:
    """Format a time in a video.

    Args:
        seconds: The time.
        step: The precision in seconds; below 1, tenths are shown.

    Returns:
        ``0:07``, ``1:02:03``, ``0:07.5``.
    """
    whole, tenths = divmod(round(seconds * 10), 10)
    hours, minutes, second = whole // 3600, whole // 60 % 60, whole % 60
    fraction = f".{tenths}" if step < 1 else ""
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{second:02d}{fraction}"


def _draw_curve(pen: ImageDraw, axes: _Axes, rows: Sequence[ScoredFrame]) -> None:
    """The highest probability of each column of pixels."""
    columns: dict[int, float] = {}
    for row in rows:
        x = round(axes.x(row.seconds))
        columns[x] = max(columns.get(x, 0.0), row.probability)
    points: list[tuple[float, float]] = [(x, axes.y(value)) for x, value in sorted(columns.items())]
    if len(points) == 1:
        points.append((axes.right, points[0][1]))
    pen.polygon([(points[0][0], axes.bottom), *points, (points[-1][0], axes.bottom)], fill="#dbe8f1")
    pen.line(points, fill=CURVE, width=3, joint="curve")


def _draw_thumbnails(
    image: Image, pen: ImageDraw, axes: _Axes, chosen: Sequence[Peak], threshold: float, font: Font
) -> None:
    """In order of time, as near to their moments as they fit, each with a line to its moment."""
    from PIL import Image

    wanted = [axes.x(peak.seconds) - THUMBNAIL[0] / 2 for peak in chosen]
    lefts = spread_thumbnails(wanted, axes.left, axes.right - THUMBNAIL[0])
    for left, peak in zip(lefts, chosen, strict=True):
        picture = Image.open(io.BytesIO(peak.jpeg))
        image.paste(picture, (left, 60))
        colour = ALARM if peak.probability >= threshold else CURVE
        x, y = axes.x(peak.seconds), axes.y(peak.probability)
        pen.line((left + picture.width / 2, 60 + THUMBNAIL[1] + 26, x, y), fill=colour, width=2)
        pen.ellipse((x - 6, y - 6, x + 6, y + 6), fill=colour)
        label = f"{format_time(peak.seconds, 0.5)}   {peak.probability:.2f}"
        pen.text((left, 60 + picture.height + 4), label, colour, font)


def spread_thumbnails(wanted: Sequence[float], first: float, last: float) -> list[int]:
    """Place thumbnails side by side, near where they are wanted.

    Args:
        wanted: Left edges, ascending, in pixels.
        first: The smallest left edge.
        last: The largest left edge.

    Returns:
        Left edges, ascending, that do not overlap if there is enough width.
    """
    step = min(THUMBNAIL[0] + 12.0, (last - first) / max(1, len(wanted) - 1))
    edges: list[float] = []
    for edge in wanted:
        edges.append(max(edge, first, edges[-1] + step if edges else first))
    for place in reversed(range(len(edges))):
        edges[place] = min(edges[place], last - (len(edges) - 1 - place) * step)
    return [round(edge) for edge in edges]
