"""The size to which a frame is brought for the language model's vision tower, and the tokens of a clip.

Authors' code: dataset/video/base.py and dataset/image/base.py hand pixel limits to `smart_resize` of Qwen's
qwen_vl_utils, which takes them as the limits of ONE frame: 32*28*28*8 pixels are 256 cells of 28x28, and so on.
"""

from __future__ import annotations

import math

CELL = 28
FRAMES_TOGETHER = 2

# Merged cells of one frame, (least, most).
TRAIN_CLIP = (256, 512)
SCORE_CLIP = (1280, 1536)
IMAGE = (32, 1024)


def resized(height: int, width: int, budget: tuple[int, int]) -> tuple[int, int]:
    """Height and width in pixels, multiples of 28 whose product lies in the budget, the sides' ratio nearly kept."""
    least, most = (cells * CELL * CELL for cells in budget)
    rows, columns = max(1, round(height / CELL)), max(1, round(width / CELL))
    if rows * columns * CELL * CELL > most:
        shrink = math.sqrt(height * width / most)
        rows, columns = max(1, math.floor(height / shrink / CELL)), max(1, math.floor(width / shrink / CELL))
    elif rows * columns * CELL * CELL < least:
        grow = math.sqrt(least / (height * width))
        rows, columns = math.ceil(height * grow / CELL), math.ceil(width * grow / CELL)
    return rows * CELL, columns * CELL


def cells(height: int, width: int, budget: tuple[int, int]) -> int:
    """Merged cells of one frame."""
    tall, wide = resized(height, width, budget)
    return tall * wide // CELL**2


def clip_tokens(height: int, width: int, budget: tuple[int, int], frames: int = 8) -> int:
    """Visual tokens of a clip before any compression; two frames share a token."""
    return cells(height, width, budget) * -(-frames // FRAMES_TOGETHER)
