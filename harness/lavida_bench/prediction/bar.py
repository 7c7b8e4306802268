"""What stands below a frame of the overlay: time, probability, name, and a notice.

Letters: H W of the frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lavida_bench.videos.types import Pixels

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

ALARM, CALM, INK, GROUND, MARK = (230, 57, 70), (69, 160, 120), (245, 245, 245), (24, 26, 30), (250, 204, 21)


def bar_height(height: int) -> int:
    """Compute the height of the bar below a picture.

    Args:
        height: Height of the picture, in pixels.

    Returns:
        An even number of pixels, large enough to read the text.
    """
    return max(24, round(height * 0.07) // 2 * 2)


def draw_bar(size: tuple[int, int], probability: float, threshold: float, figures: str, name: str) -> Pixels:
    """Draw the bar: text on the left, the probability on the right.

    Args:
        size: Height, which is even, and width.
        probability: The frame's probability.
        threshold: Probability from which a frame is anomalous.
        figures: Text of figures, which stand apart from each other: each of them is rendered once.
        name: Text behind it.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    height, width = size
    bar = _empty_bar(width, height).copy()
    left, right, top, bottom = _track(width, height)
    end = left + round((right - left) * float(np.clip(probability, 0, 1)))
    bar[top:bottom, left:end] = ALARM if probability >= threshold else CALM
    mark = left + round((right - left) * threshold)
    bar[top - height // 8 : bottom + height // 8, max(mark - 1, 0) : mark + 1] = MARK
    text = np.concatenate([_render_text(part, height) for part in (*figures, name)], axis=1)
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
def draw_notice(text: str, width: int, height: int) -> Pixels:
    """Draw a sentence in as many lines as it needs at a size that can be read.

    Args:
        text: The sentence.
        width: Width of the frame, which is even.
        height: Height of the bar: the notice is at least as high.

    Returns:
        (h, width, 3) uint8 RGB on the bar's ground, h even.
    """
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
