"""Masks as PNG files that every decoder reads as 0 and 255: grey, 2 bits a pixel, values 0 and 3.

A decoder widens 2 bits to 8 by repeating them, so 3 becomes 255 in Pillow, OpenCV, `datasets` and webdataset alike;
from a 1-bit file Pillow makes booleans instead. Rows are filtered by "up" (most rows of a mask equal the one above) and
compressed at level 1: half the time of OpenCV's encoder, at the size of its 1-bit files.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.input_file import MAX_PIXELS

SIGNATURE = b"\x89PNG\r\n\x1a\n"
NONE, UP = 0, 2
"""Filter types of rows (PNG specification, 9.2)."""
_SPREAD = np.array(
    [sum(3 << (14 - 2 * place) for place in range(8) if byte >> (7 - place) & 1) for byte in range(256)], ">u2"
)
"""Eight pixels of 1 bit as eight pixels of 2 bits, both with the leftmost in the highest bits."""


def encode(mask: NDArray[np.bool_]) -> bytes:
    """The PNG file of a mask.

    Args:
        mask: (H, W) bool, True = anomalous.
    """
    height, width = mask.shape
    rows = _SPREAD[np.packbits(mask, axis=1)].view(np.uint8)[:, : (width + 3) // 4]
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[0, 0], filtered[1:, 0] = NONE, UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return _file(filtered, width)


_WEIGHTS = np.array([192, 48, 12, 3], np.uint8)
"""Value of a set pixel in its byte, by column modulo 4."""


def encode_runs(borders: NDArray[np.int64], size: tuple[int, int]) -> bytes:
    """The PNG file of a mask that is given by its runs: equal to `encode` of its pixels, without making them.

    The filter "up" stores differences to the row above, and those are zero except where a run of a column begins or
    ends.

    Args:
        borders: int64 (R,), as `run_lengths.borders` returns them.
        size: (H, W) in pixels.
    """
    height, width = size
    row = 1 + (width + 3) // 4  # bytes: the filter's type, then 4 pixels each
    filtered = np.zeros((height, row), np.uint8)
    flat = filtered.ravel()
    runs = borders[: len(borders) & ~1].reshape(-1, 2)
    runs = runs[runs[:, 0] < runs[:, 1]]  # programs may write empty ones
    column, y = np.divmod(runs.ravel(), height)
    weight = _WEIGHTS[column & 3]
    weight[1::2] *= 255  # -1: where a run ends
    has_row = y > 0
    has_row[::2] = True  # what ends at the bottom of a column has no row below
    np.add.at(flat, (y * row + (column >> 2) + 1)[has_row], weight[has_row])
    entered = _entered_columns(runs, size)
    if len(entered):
        np.add.at(flat, 1 + (entered >> 2), _WEIGHTS[entered & 3])
    filtered[1:, 0] = UP  # NONE is 0
    return _file(filtered, width)


def _entered_columns(runs: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.int64]:
    """Columns at whose top a run goes on that began in an earlier one."""
    height, width = size
    first, last = runs[:, 0] // height, (runs[:, 1] - 1) // height
    crossing = last > first
    if not crossing.any():
        return np.flatnonzero(crossing)  # none
    steps = np.zeros(width + 1, np.int64)
    np.add.at(steps, first[crossing] + 1, 1)
    np.subtract.at(steps, last[crossing] + 1, 1)
    return np.flatnonzero(np.cumsum(steps[:width]))


def _file(filtered: NDArray[np.uint8], width: int) -> bytes:
    """The file of filtered rows (H, 1 + bytes of a row)."""
    return _head(width, len(filtered)) + _chunk(b"IDAT", zlib.compress(filtered.data, 1)) + _END


def _head(width: int, height: int) -> bytes:
    """Signature and header, 33 bytes."""
    return SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 2, 0, 0, 0, 0))  # 2 bits, grey, by rows


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_END = _chunk(b"IEND", b"")


_LONGEST = 65_535
"""Pixels of a side; a decoder may refuse more."""


_SET = np.array([sum(1 << 8 * place for place in range(4) if byte >> 6 - 2 * place & 3) for byte in range(256)], "<u4")
"""Four pixels of 2 bits as four bool, each in a byte of its own."""


def decode(png: bytes) -> NDArray[np.bool_] | None:
    """The mask of a file of the form that `encode` writes, in a quarter of a decoder's time.

    Args:
        png: The PNG, which somebody else may have written.

    Returns:
        (H, W) bool, True where a pixel is not 0. None for any other PNG, and for a damaged one.
    """
    stored = stored_rows(png)
    if stored is None:
        return None
    differences, (_, width) = stored
    pixels = np.zeros(differences.shape, _SET.dtype)
    changed = np.flatnonzero(differences.any(axis=0))
    if changed.size:  # few bytes of a row have anything set in any row
        columns = slice(int(changed[0]), int(changed[-1]) + 1)
        pixels[:, columns] = _SET.take(np.add.accumulate(differences[:, columns], axis=0, dtype=np.uint8))
    return np.ascontiguousarray(pixels.view(np.bool_)[:, :width])


def stored_rows(png: bytes) -> tuple[NDArray[np.uint8], tuple[int, int]] | None:
    """The rows of a file of the form that `encode` writes, checked as a decoder does.

    Args:
        png: The PNG, which somebody else may have written.

    Returns:
        (H, bytes of a row) uint8, each row as the difference to the one above, of 2 bits a pixel; and (H, W) in pixels.
        None for any other PNG, and for a damaged one.
    """
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    if not (0 < width <= _LONGEST and 0 < height <= _LONGEST and width * height <= MAX_PIXELS):
        return None
    head = _head(width, height)
    body = png[len(head) + 8 : -len(_END) - 4]
    if png != head + _chunk(b"IDAT", body) + _END:
        return None
    row = 1 + (width + 3) // 4
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(body, height * row + 1)
    except zlib.error:
        return None
    if len(data) != height * row or not engine.eof or engine.unused_data:
        return None
    rows = np.frombuffer(data, np.uint8).reshape(height, row)
    if rows[0, 0] != NONE or (rows[1:, 0] != UP).any():
        return None
    return rows[:, 1:], (height, width)
