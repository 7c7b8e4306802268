"""A picture of one sample: its frames with the anomaly outlined, question and answer.

Letters: T frames, H W pixels.
"""

from __future__ import annotations

import textwrap

import numpy as np

from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.scenes import images, masks
from lavida_gen.scenes.images import Pixels

OUTLINE = (255, 64, 64)
EDIT = (64, 160, 255)
INK, PAPER = (24, 24, 28), (250, 250, 248)


def outlined_frame(frame: bytes, mask: bytes, edit: list[int]) -> Pixels:
    """Draw the anomaly on a frame.

    Args:
        frame: JPEG file.
        mask: PNG file of the size of the frame; all 0 for a normal sample.
        edit: Box (x, y, width, height) that the exposure has edited, in pixels; all 0 for none.

    Returns:
        (H, W, 3) RGB, uint8: the anomaly tinted and outlined in red, the box in blue.
    """
    import cv2

    pixels = images.decode(frame, None, "frame").copy()
    bits = masks.from_png(mask)
    thick = max(1, round(max(pixels.shape) / 400))
    if bits.any():
        pixels[bits] = (pixels[bits] * 0.9 + np.array(OUTLINE) * 0.1).astype(np.uint8)
        outlines, _ = cv2.findContours(bits.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(pixels, outlines, -1, PAPER, thick + 2, cv2.LINE_AA)  # so that red things are outlined too
        cv2.drawContours(pixels, outlines, -1, OUTLINE, thick, cv2.LINE_AA)
    if any(edit):
        x, y, w, h = edit
        cv2.rectangle(pixels, (x, y), (x + w - 1, y + h - 1), EDIT, thick)
    return pixels


def sample_picture(sample: EncodedSample, width: int = 960) -> Pixels:
    """A poster (H, `width`, 3): the frames side by side (a clip in two rows), question and answer below."""
    record, sheet = sample.record, contact_sheet(sample, width)
    anomalies = [name for name, label in zip(record["names"], record["labels"], strict=True) if label]
    caption = f"anomaly: {', '.join(anomalies)}" if anomalies else "anomaly: none of the names listed"
    lines = [caption, f"Q: {record['question']}", f"A: {record['answer']}"]
    return np.concatenate([sheet, _text_area(lines, sheet.shape[1])], axis=0)


def contact_sheet(sample: EncodedSample, width: int) -> Pixels:
    """The frames of a sample with the anomaly outlined, up to four in a row.

    Args:
        sample: The sample.
        width: Width of the picture in pixels, at most.

    Returns:
        (H, W, 3) RGB, uint8.
    """
    import cv2

    record = sample.record
    tiles = [
        outlined_frame(frame, mask, edit)
        for frame, mask, edit in zip(sample.frames, sample.masks, record["edits"], strict=True)
    ]
    columns = 1 if len(tiles) == 1 else min(4, len(tiles))
    tile_width = width // columns
    tile_height = round(tile_width * record["height"] / record["width"])
    small = [cv2.resize(tile, (tile_width, tile_height), interpolation=cv2.INTER_AREA) for tile in tiles]
    if missing := -len(small) % columns:
        small += [np.full((tile_height, tile_width, 3), PAPER, np.uint8)] * missing
    rows = [np.concatenate(small[start : start + columns], axis=1) for start in range(0, len(small), columns)]
    return np.concatenate(rows, axis=0)


def _text_area(lines: list[str], width: int) -> Pixels:
    """Lines of text, wrapped, as pixels (H, width, 3). Letters that are missing in OpenCV's fonts become '?'."""
    import cv2

    scale, advance, margin = 0.5, 22, 14
    wrapped = [part for line in lines for part in textwrap.wrap(line, max(20, (width - 2 * margin) // 9)) or [""]]
    area = np.full((advance * len(wrapped) + 2 * margin, width, 3), PAPER, np.uint8)
    for number, line in enumerate(wrapped):
        position = (margin, margin + 15 + number * advance)
        text = line.encode("ascii", "replace").decode()
        ink = OUTLINE if number == 0 else INK
        cv2.putText(area, text, position, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)
    return area


def encode_picture(pixels: Pixels, suffix: str) -> bytes:
    """Encode a picture.

    Args:
        pixels: (H, W, 3) RGB, uint8.
        suffix: Suffix of the file: ``.jpg`` or ``.jpeg`` for JPEG, else PNG.

    Returns:
        The file's content.
    """
    if suffix.lower() in (".jpg", ".jpeg"):
        return images.encode_jpeg(pixels, 90)
    import cv2

    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    assert done, "cv2 could not encode a picture"
    return bytes(data)
