"""Label files of YOLO segmentation: ``class x1 y1 x2 y2 ...`` a line, one object each, coordinates from 0 to 1.

A line of exactly five numbers is a box (class, centre, size) and no polygon: what it shows is present, without a mask.
The rules are those of the trainer, which refuses negative numbers, numbers above 1 and unknown classes, and counts
repeated lines once. Letters: H W pixels. https://docs.ultralytics.com/datasets/segment
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lavida_gen.annotations import files
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_TEXT, read_regular, read_text
from lavida_gen.common.text import counted
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 2
ROUNDING = 1e-3
"""Numbers may lie outside 0..1 by this much, since exports round."""


@dataclass(frozen=True, slots=True)
class YoloObject:
    """One line.

    Attributes:
        number: Number of the class.
        polygon: x1, y1, x2, y2, ... as fractions of width and height; empty for a box.
    """

    number: int
    polygon: tuple[float, ...]

    def draw(self, size: tuple[int, int]) -> RLE | None:
        """Draw the polygon.

        Args:
            size: (H, W) of the picture.

        Returns:
            The mask; None for a box, and where the polygon covers no pixel.
        """
        if not self.polygon:
            return None
        corners = np.clip(np.reshape(self.polygon, (-1, 2)), 0, 1) * size[::-1]
        mask = masks.from_polygons([corners.ravel().tolist()], size)
        return mask if masks.area(mask) else None


def read(path: Path, classes: Collection[int]) -> list[YoloObject]:
    """Read a label file.

    Args:
        path: The file. If there is none, nothing is in the picture.
        classes: The numbers of all classes.

    Returns:
        The objects in the order of the file, repeated lines once.

    Raises:
        DataError: A line is malformed.
    """
    try:
        text = read_text(path, MAX_TEXT, "lines of numbers", "export it again")
    except DataError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return []
        raise
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return list(dict.fromkeys(_object(words, classes, f"{path}:{number}") for number, words in lines))


def _object(words: Sequence[str], classes: Collection[int], where: str) -> YoloObject:
    """Raises DataError."""
    values = [_number(word, where) for word in words]
    number, coordinates = values[0], values[1:]
    if number not in classes:
        raise DataError(problem(where, f"class is {words[0]}", f"one of `names`, from 0 to {max(classes)}"))
    outside = next((x for x in coordinates if not -ROUNDING <= x <= 1 + ROUNDING), None)
    if outside is not None:
        todo = "divide x by the picture's width and y by its height"
        raise DataError(problem(where, f"has the coordinate {outside:g}", "0 to 1", todo))
    if len(coordinates) == 4:
        return YoloObject(int(number), ())
    if len(coordinates) < 6 or len(coordinates) % 2:
        got = f"has {len(coordinates)} coordinates"
        raise DataError(problem(where, got, "an even count of at least 6 (or 4 of a box)", "export it again"))
    return YoloObject(int(number), tuple(coordinates))


def _number(word: str, where: str) -> float:
    """Raises DataError."""
    try:
        return float(word)
    except ValueError as error:
        got = f"is no line of numbers: {word[:40]!r}"
        raise DataError(problem(where, got, "class x1 y1 x2 y2 ...")) from error


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """What all label files of a split hold.

    Attributes:
        broken: A message for each file that is malformed.
        polygons: Number of polygons.
        boxes: Number of boxes.
        notes: Messages about what is odd, but harmless.
        digest: Digest of all files.
    """

    broken: list[str]
    polygons: int
    boxes: int
    notes: list[str]
    digest: str


def summarize(root: Path, labels: Sequence[str], classes: Collection[int]) -> LabelSummary:
    """Read all label files, on the first call and after one was changed.

    Args:
        root: Folder of the data set.
        labels: Paths of the label files below `root`; some may not exist.
        classes: The numbers of all classes.

    Returns:
        What they hold.

    Raises:
        DataError: The cache cannot be written.
    """
    parts = [str(root.resolve()), ",".join(map(str, sorted(classes))), *files.marks(root, labels)]
    arrays = cache.cached_arrays("yolo", VERSION, parts, lambda: _summarize(root, labels, classes))
    texts = {key: PackedTexts(arrays[key], arrays[f"{key}_at"])[:] for key in ("broken", "notes", "digest")}
    polygons, boxes = arrays["counts"].tolist()
    return LabelSummary(texts["broken"], polygons, boxes, texts["notes"], texts["digest"][0])


def _summarize(root: Path, labels: Sequence[str], classes: Collection[int]) -> Arrays:
    broken, digests, count, missing = list[str](), list[str](), Counter[str](), 0
    for name in labels:
        path = root / name
        try:
            digests.append(f"{name} {sha256(read_regular(path, MAX_TEXT))}")
        except OSError:
            digests.append(name)
            missing += not path.exists()
        try:
            found = read(path, classes)
        except DataError as error:
            broken.append(str(error))
            continue
        count["boxes"] += sum(not thing.polygon for thing in found)
        count["polygons"] += sum(bool(thing.polygon) for thing in found)
        count["of four corners"] += sum(len(thing.polygon) == 8 for thing in found)
    notes = []
    if missing:
        notes.append(f"{counted(missing, 'picture')} of {len(labels):,} without a label file: nothing is in them")
    if count["boxes"]:
        notes.append(f"{counted(count['boxes'], 'line')} of five numbers (boxes): present, but never the anomaly")
    if 20 <= count["polygons"] == count["of four corners"]:
        notes.append(f"all {count['polygons']:,} polygons have four corners: are they oriented boxes?")
    texts = {"broken": broken, "notes": notes, "digest": [sha256("\n".join(digests))]}
    made: Arrays = {"counts": np.array([count["polygons"], count["boxes"]], np.int64)}
    for key, column in texts.items():
        made[key], made[f"{key}_at"] = PackedTexts.pack(column)
    return made
