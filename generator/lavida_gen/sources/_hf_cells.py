"""Masks as datasets of the Hugging Face Hub keep them: images, bytes, lists of numbers, run lengths, objects.

A cell holds either one index per pixel, or several masks with a label each. Letters: H W pixels, N masks.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lavida_gen.annotations import binary_masks, index_masks
from lavida_gen.annotations.index_masks import Indices
from lavida_gen.annotations.json_file import whole_numbers
from lavida_gen.coco.segmentation import segmentation
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.input_file import MAX_PICTURE, read_input
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE

LABELS = ("category_id", "category", "label", "labels", "class", "class_id", "category_ids", "categories", "classes")
"""Keys of an object's label."""
MASKS = ("segmentation", "mask", "masks", "rle", "polygon", "polygons")
"""Keys of an object's mask."""
SHAPES = "a plane of H x W numbers, or N x H x W masks"

Label = int | str
Size = Callable[[], tuple[int, int]]
"""Returns (H, W) of the row's picture."""


@dataclass(frozen=True, slots=True)
class LabelledMask:
    """One of several masks of a cell.

    Attributes:
        mask: The mask; None if nothing of it is drawn.
        label: Number or name of its class, None if the cell states none.
    """

    mask: RLE | None
    label: Label | None = None


def with_files(cell: object, folders: Sequence[Path], where: object) -> object:
    """A cell whose images are all in it: those that are named by a path are read, from the table's own folders alone.

    Args:
        cell: What the table holds, which somebody else wrote.
        folders: Folders of the table; relative paths begin in the first one.
        where: Names the cell in errors.

    Returns:
        The cell, with ``{"bytes": ..., "path": ...}`` for ``{"bytes": None, "path": ...}``.

    Raises:
        DataError: A path leads out of the folders, or its file cannot be read.
    """
    if isinstance(cell, Mapping):
        if cell.get("bytes") is None and isinstance(cell.get("path"), str) and cell["path"]:
            return {**cell, "bytes": read_input(_own_file(cell["path"], folders, where), MAX_PICTURE, "an image file")}
        return {key: with_files(value, folders, where) for key, value in cell.items()}
    if isinstance(cell, list) and any(isinstance(part, Mapping) for part in cell):
        return [with_files(part, folders, where) for part in cell]
    return cell


def _own_file(path: str, folders: Sequence[Path], where: object) -> Path:
    """The file of a path in a cell. Raises DataError if it is not below one of the folders."""
    todo = "embed the images in the table (`Dataset.save_to_disk` does it)"
    if not path.startswith("/"):
        return path_inside(folders[0], path, where, todo, "the table's folder")
    for folder in folders:
        if path.startswith(f"{folder}/"):
            return path_inside(folder, path.removeprefix(f"{folder}/"), where, todo, "the table's folder")
    raise DataError(problem(where, f"names the file {path!r}", f"an image in the cell, or below {folders[0]}", todo))


def image_bytes(cell: object, where: object) -> bytes:
    """The encoded image in a cell.

    Args:
        cell: What the table holds: ``{"bytes": ..., "path": ...}``, bytes, or the base64 text of an image.
        where: Names the cell in errors.

    Returns:
        The encoded image.

    Raises:
        DataError: The cell is empty, or no image.
    """
    if isinstance(cell, bytes | bytearray):
        return bytes(cell)
    if isinstance(cell, str):
        return _base64(cell, where)
    data = cell.get("bytes") if isinstance(cell, Mapping) else None
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    raise DataError(problem(where, "is empty", "an image in every row", "`broken: drop` leaves the row out"))


def read_masks(cell: object, size: Size, binary: bool, where: object) -> Indices | list[LabelledMask]:
    """The masks in a cell.

    Args:
        cell: What the table holds.
        size: (H, W) of the row's picture, asked for by polygons only.
        binary: Whether images are black and white, so that they may be JPEGs.
        where: Names the cell in errors.

    Returns:
        (H, W) with one index per pixel, or masks with their labels.

    Raises:
        DataError: The cell is empty, or what it holds is no mask.
    """
    if isinstance(cell, Mapping):
        if "bytes" in cell or "path" in cell:
            return _index_image(cell, binary, where)
        if "counts" in cell:
            return [LabelledMask(_run_lengths(cell, where))]
        return _objects(_rows_of(cell), size, where)
    if isinstance(cell, bytes | bytearray | str):
        return _index_image(cell, binary, where)
    if cell is None:
        raise DataError(problem(where, "is empty", "masks in every row", "`broken: drop` leaves the row out"))
    if not isinstance(cell, Sequence):
        raise DataError(problem(where, f"is a {type(cell).__name__}", f"an image, {SHAPES}, or objects"))
    return _of_list(cell, size, where)


def _index_image(cell: object, binary: bool, where: object) -> Indices:
    data = image_bytes(cell, where)
    if data[:2] == b"\xff\xd8" and not binary:
        raise DataError(problem(where, "is a JPEG, which changes indices", "PNG", "only `binary` masks may be JPEG"))
    return index_masks.read_bytes(data, where, binary)


def _of_list(cell: Sequence[object], size: Size, where: object) -> Indices | list[LabelledMask]:
    """What a list holds: numbers, images, run lengths or objects. Raises DataError."""
    first = next((part for part in cell if part is not None), None)
    if first is None:
        return []
    if isinstance(first, Mapping) and not {"bytes", "path"} & first.keys():
        return _objects(cell, size, where)
    if isinstance(first, Mapping | bytes | str):
        return [
            LabelledMask(
                _binary(index_masks.read_bytes(image_bytes(part, where), where, shown=True), f"{where} mask {number}")
            )
            for number, part in enumerate(cell)
        ]
    return _of_numbers(cell, where)


def _of_numbers(cell: Sequence[object], where: object) -> Indices | list[LabelledMask]:
    """A plane, or N planes. Raises DataError."""
    try:
        plane = np.asarray(cell)
    except ValueError as error:
        raise DataError(problem(where, "holds lists of unequal lengths", SHAPES, "give objects with labels")) from error
    if plane.dtype.kind not in "biuf" or plane.ndim not in (2, 3) or not plane.size:
        got = f"holds a list of shape {' x '.join(map(str, plane.shape))} of {plane.dtype}"
        raise DataError(problem(where, got, SHAPES))
    if plane.dtype.kind == "f":
        if not np.array_equal(plane, np.rint(plane)):
            raise DataError(problem(where, "holds fractions", "whole numbers: indices, or 0 and 1"))
        plane = plane.astype(np.int32)
    if plane.ndim == 3 and plane.shape[2] == 1:
        plane = plane[:, :, 0]
    elif plane.ndim == 3 and plane.shape[0] == 1:
        plane = plane[0]
    if plane.ndim == 2:
        return plane.astype(np.uint8) if plane.dtype == np.bool_ else plane
    if plane.shape[2] <= 4 < plane.shape[0]:
        raise DataError(problem(where, f"holds pixels of {plane.shape[2]} channels", SHAPES, "export index masks"))
    return [LabelledMask(_binary(part, f"{where} mask {number}")) for number, part in enumerate(plane)]


def _objects(rows: Sequence[object], size: Size, where: object) -> list[LabelledMask]:
    """Objects in COCO's form. Raises DataError."""
    found = []
    for number, row in enumerate(rows):
        place = f"{where} object {number}"
        if not isinstance(row, Mapping):
            raise DataError(problem(place, f"is a {type(row).__name__}", "an object with `segmentation`"))
        labels = [row[key] for key in LABELS if key in row]
        label = labels[0] if labels and isinstance(labels[0], int | str) else None
        found.append(LabelledMask(_segmentation(row, size, place), label))
    return found


def _segmentation(row: Mapping[str, object], size: Size, where: str) -> RLE | None:
    """The mask of an object: present without a mask if it is null. Raises DataError."""
    if "counts" in row:
        return _run_lengths(row, where)
    key = next((key for key in MASKS if key in row), None)
    if key is None:
        got = f"has {', '.join(map(str, row)) or 'no keys'}"
        raise DataError(problem(where, got, "`segmentation` (polygons or run lengths)", "boxes alone are no masks"))
    value = row[key]
    if value is None:
        return None
    if isinstance(value, Mapping) and "counts" in value:
        return _run_lengths(value, where)
    if isinstance(value, Mapping | bytes | str):
        return _binary(index_masks.read_bytes(image_bytes(value, where), where, shown=True), where)
    if isinstance(value, list) and value and isinstance(value[0], int | float):
        value = [value]  # one polygon, not in a list
    try:
        return segmentation(value, size())[0]
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _run_lengths(value: Mapping[str, object], where: object) -> RLE | None:
    """A mask of COCO's run lengths, with its own size. Raises DataError."""
    size, counts = whole_numbers(value.get("size")), value.get("counts")
    if size is None or len(size) != 2 or min(size) < 1:
        raise DataError(problem(where, f"run lengths of size {str(value.get('size'))[:40]}", "[height, width]"))
    height, width = size
    if isinstance(counts, bytes):
        counts = counts.decode("ascii", "replace")
    if isinstance(counts, str):
        mask = masks.from_counts(counts, (height, width), where)
    elif (runs := whole_numbers(counts)) is not None:
        mask = masks.from_runs(runs, (height, width), where)
    else:
        raise DataError(problem(where, f"counts are {str(counts)[:40]!r}", "whole numbers, or COCO's compressed text"))
    return mask if masks.area(mask) else None


def _binary(plane: Indices, where: str) -> RLE | None:
    mask = masks.encode(binary_masks.to_bits(plane, where))
    return mask if masks.area(mask) else None


def _rows_of(columns: Mapping[str, object]) -> list[dict[str, object]]:
    """Objects of a dict of lists, as `datasets` stores lists of objects; one object if they are no lists."""
    lists = {key: value for key, value in columns.items() if isinstance(value, list)}
    labels = [lists[key] for key in LABELS if key in lists]
    if not lists or (not labels and any(key in columns for key in LABELS)):
        return [dict(columns)]  # one object, whose label is no list
    count = max((len(value) for value in lists.values()), default=0)
    whole = {key: value for key, value in lists.items() if len(value) == count}
    return [{key: value[number] for key, value in whole.items()} for number in range(count)]


def _base64(text: str, where: object) -> bytes:
    """The bytes of a base64 text, also of ``data:image/png;base64,...``. Raises DataError."""
    try:
        return base64.b64decode(text.rpartition("base64,")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        got, todo = f"is the text {text[:40]!r}", "cast the column to the Image feature if it holds paths"
        raise DataError(problem(where, got, "an image, or its base64", todo)) from error
