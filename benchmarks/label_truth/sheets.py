"""Contact sheets: pages of pictures with their numbers, and beside each the names that are listed as absent from it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from label_truth.pairs import Pair
from label_truth.samples import StoredSample

PAGE = (1500, 2000)
"""Width, and the height that a page should not exceed."""
PICTURE = (860, 960)
"""Largest picture; of a clip both frames together."""
LINE = 26
MARGIN = 14


def write_sheets(pairs: Sequence[Pair], shown: Mapping[str, StoredSample], folder: Path) -> list[Path]:
    """Write JPEG pages.

    Args:
        pairs: The pairs, in the order of their pictures.
        shown: The sample that shows each picture, by number.
        folder: Where the pages go.

    Returns:
        Their files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, blocks in enumerate(_pages(pairs, shown), start=1):
        page = Image.new("RGB", (PAGE[0], sum(block.height for block in blocks)), "white")
        top = 0
        for block in blocks:
            page.paste(block, (0, top))
            top += block.height
        files.append(folder / f"page-{number:03d}.jpg")
        page.save(files[-1], quality=88)
    return files


def _pages(pairs: Sequence[Pair], shown: Mapping[str, StoredSample]) -> Iterator[list[Image.Image]]:
    page: list[Image.Image] = []
    for picture, sample in shown.items():
        block = _block(picture, sample, [pair for pair in pairs if pair.picture == picture])
        if page and sum(other.height for other in page) + block.height > PAGE[1]:
            yield page
            page = []
        page.append(block)
    if page:
        yield page


def _block(number: str, sample: StoredSample, pairs: Sequence[Pair]) -> Image.Image:
    """A picture with the keys and names of its pairs beside it."""
    picture = montage(sample.pictures)
    picture.thumbnail(PICTURE)
    fit = picture.height // LINE - 1
    columns = 1 if len(pairs) <= fit else 2  # long expressions need the whole width
    rows = ceil(len(pairs) / columns)
    height = max(picture.height, (rows + 1) * LINE) + 2 * MARGIN
    block = Image.new("RGB", (PAGE[0], height), "white")
    block.paste(picture, (MARGIN, MARGIN))
    pen, font = ImageDraw.Draw(block), ImageFont.load_default(19)
    left = MARGIN + PICTURE[0] + MARGIN
    pen.text((left, MARGIN), f"picture {number}: {pairs[0].source}", fill="#b00020", font=font)
    width = (PAGE[0] - left - MARGIN) // columns
    for place, pair in enumerate(pairs):
        column, row = divmod(place, rows)
        corner = (left + column * width, MARGIN + (row + 1) * LINE)
        pen.text(corner, f"{pair.key}  {pair.name}", fill="black", font=font)
    pen.line((0, height - 1, PAGE[0], height - 1), fill="#888888")
    return block


def montage(pictures: Sequence[bytes]) -> Image.Image:
    """An image; of a clip the first frame above the last one."""
    frames = [Image.open(io.BytesIO(data)).convert("RGB") for data in dict.fromkeys((pictures[0], pictures[-1]))]
    whole = Image.new("RGB", (frames[0].width, sum(frame.height for frame in frames)))
    for number, frame in enumerate(frames):
        whole.paste(frame, (0, number * frames[0].height))
    return whole
