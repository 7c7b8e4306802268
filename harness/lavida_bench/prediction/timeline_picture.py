"""A PNG of a whole video: probability over time, threshold, segments, and thumbnails of the peaks.

Memory is that of the scores plus a hundred small thumbnails, however long the video is.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lavida_bench.prediction.segments import AnomalySegment, ScoredFrame
from lavida_bench.videos.types import Pixels
from lavida_gen.common.atomic_file import write_atomic

WIDTH, HEIGHT, MARGIN = 1600, 560, 70
THUMB = (232, 140)  # width, height
MOST = 6
ALARM, CURVE, INK, FAINT, GROUND, MARK = "#e63946", "#2a6f97", "#1d1f24", "#c9ced6", "#ffffff", "#b98900"


class Peaks:
    """Small pictures of the highest frames, at most `most`, spread over time: one a stretch, stretches grow."""

    def __init__(self, most: int = 128) -> None:
        self.most, self.length = most, 1.0  # seconds of a stretch
        self.kept: dict[int, tuple[float, float, bytes]] = {}

    def add(self, probability: float, seconds: float, pixels: Pixels) -> None:
        """Offers a frame."""
        place = int(seconds / self.length)
        if place in self.kept and self.kept[place][0] >= probability:
            return
        self.kept[place] = (probability, seconds, _thumbnail(pixels))
        while len(self.kept) > self.most:
            self.length *= 2
            older, self.kept = self.kept, {}
            for row in older.values():
                place = int(row[1] / self.length)
                if place not in self.kept or self.kept[place][0] < row[0]:
                    self.kept[place] = row

    def best(self, found: Sequence[AnomalySegment]) -> list[tuple[float, float, bytes]]:
        """(probability, seconds, JPEG) in order of time: of the highest segments, then of other high frames."""
        chosen: dict[float, tuple[float, float, bytes]] = {}
        for segment in sorted(found, key=lambda segment: -segment.peak)[:MOST]:
            row = min(self.kept.values(), key=lambda row: abs(row[1] - segment.peak_seconds))
            chosen[row[1]] = row
        apart = max((row[1] for row in self.kept.values()), default=0.0) / MOST / 2
        for row in sorted(self.kept.values(), key=lambda row: -row[0]):
            if len(chosen) < MOST and all(abs(row[1] - at) >= apart for at in chosen):
                chosen[row[1]] = row
        return [chosen[at] for at in sorted(chosen)]


def _thumbnail(pixels: Pixels) -> bytes:
    import cv2

    height, width = pixels.shape[:2]
    scale = min(THUMB[0] / width, THUMB[1] / height)
    small = cv2.resize(pixels, (max(1, int(width * scale)), max(1, int(height * scale))), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1])


def draw_timeline(
    path: Path, title: str, rows: Sequence[ScoredFrame], found: Sequence[AnomalySegment], threshold: float, peaks: Peaks
) -> None:
    """Writes the picture. Raises DataError for a full disk."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    pen = ImageDraw.Draw(image)
    large, small = ImageFont.load_default(26), ImageFont.load_default(18)
    length = max(rows[-1].seconds, 1e-3)
    pen.text((MARGIN, 18), title[:110], INK, large)
    top, bottom = 60 + THUMB[1] + 60, HEIGHT - 60
    box = (MARGIN, top, WIDTH - 30, bottom)
    for segment in found:
        left, right = _across(segment.start, length, box), _across(min(segment.end, length), length, box)
        pen.rectangle((left, top, max(right, left + 2), bottom), fill="#fbe3e5")
    _axes(pen, box, length, threshold, small)
    _curve(pen, box, rows, length)
    _thumbnails(image, pen, box, peaks.best(found), length, threshold, small)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    write_atomic(path, buffer.getvalue())


Box = tuple[int, int, int, int]


def _across(seconds: float, length: float, box: Box) -> float:
    return box[0] + (box[2] - box[0]) * seconds / length


def _up(probability: float, box: Box) -> float:
    return box[3] - (box[3] - box[1]) * probability


def _axes(pen: Any, box: Box, length: float, threshold: float, font: Any) -> None:
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _up(value, box)
        pen.line((box[0], y, box[2], y), fill=FAINT)
        pen.text((box[0] - 10, y), f"{value:g}", INK, font, anchor="rm")
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((step for step in steps if length / step <= 12), length / 8)
    for at in np.arange(0, length + step * 1e-6, step):
        x = _across(float(at), length, box)
        pen.line((x, box[3], x, box[3] + 6), fill=INK)
        pen.text((x, box[3] + 12), format_time(float(at), step), INK, font, anchor="ma")
    y = _up(threshold, box)
    pen.line((box[0], y, box[2], y), fill=MARK, width=2)
    pen.text((box[2], y - 4), f"threshold {threshold:g}", MARK, font, anchor="rb")


def format_time(seconds: float, step: float = 1.0) -> str:
    """0:07, 1:02:03; with a tenth where the step is smaller than a second."""
    whole, rest = divmod(round(seconds * 10), 10)
    hours, minutes, second = whole // 3600, whole // 60 % 60, whole % 60
    tail = f".{rest}" if step < 1 else ""
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{second:02d}{tail}"


def _curve(pen: Any, box: Box, rows: Sequence[ScoredFrame], length: float) -> None:
    """The highest probability of each column of pixels."""
    columns: dict[int, float] = {}
    for row in rows:
        x = round(_across(row.seconds, length, box))
        columns[x] = max(columns.get(x, 0.0), row.probability)
    points = [(x, _up(value, box)) for x, value in sorted(columns.items())]
    if len(points) == 1:
        points.append((box[2], points[0][1]))
    pen.polygon([(points[0][0], box[3]), *points, (points[-1][0], box[3])], fill="#dbe8f1")
    pen.line(points, fill=CURVE, width=3, joint="curve")


def _thumbnails(
    image: Any, pen: Any, box: Box, chosen: list[tuple[float, float, bytes]], length: float, threshold: float, font: Any
) -> None:
    """In order of time, as near to their moments as there is room, each with a line to its own."""
    from PIL import Image

    lefts = spread_thumbnails(
        [_across(row[1], length, box) - THUMB[0] / 2 for row in chosen], box[0], box[2] - THUMB[0]
    )
    for left, (probability, seconds, jpeg) in zip(lefts, chosen, strict=True):
        picture = Image.open(io.BytesIO(jpeg))
        image.paste(picture, (left, 60))
        colour = ALARM if probability >= threshold else CURVE
        x, y = _across(seconds, length, box), _up(probability, box)
        pen.line((left + picture.width / 2, 60 + THUMB[1] + 26, x, y), fill=colour, width=2)
        pen.ellipse((x - 6, y - 6, x + 6, y + 6), fill=colour)
        pen.text((left, 60 + picture.height + 4), f"{format_time(seconds, 0.5)}   {probability:.2f}", colour, font)


def spread_thumbnails(wanted: Sequence[float], first: float, last: float) -> list[int]:
    """Left edges of thumbnails, ascending, within first..last and apart from each other, near where they are wanted."""
    step = min(THUMB[0] + 12.0, (last - first) / max(1, len(wanted) - 1))
    found: list[float] = []
    for at in wanted:
        found.append(max(at, first, found[-1] + step if found else first))
    for place in reversed(range(len(found))):
        found[place] = min(found[place], last - (len(found) - 1 - place) * step)
    return [round(at) for at in found]
