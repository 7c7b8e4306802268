"""What all labelme files of a folder hold, without their masks: read once, kept in the cache."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lavida_gen.annotations import files, labelme_json
from lavida_gen.common.digests import sha256, sha256_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_JSON
from lavida_gen.common.text import counted
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 3


@dataclass(frozen=True, slots=True)
class LabelmeIndex:
    """The files of a folder.

    Attributes:
        names: Their paths below the folder, without ``.json``; other JSON files are left out.
        pictures: For each the path of its picture, as written; None where the picture is embedded.
        sizes: For each (H, W) of its picture; None where the file does not state it.
        labels: All labels, sorted.
        broken: Messages about files that are broken; they are among `names`.
        notes: Messages about what is no region.
        digest: Digest of all files.
    """

    names: list[str]
    pictures: list[str | None]
    sizes: list[tuple[int, int] | None]
    labels: list[str]
    broken: list[str]
    notes: list[str]
    digest: str


def open_index(root: Path) -> LabelmeIndex:
    """Open the index of a folder; the first call, and one after a file was changed, makes it.

    Args:
        root: The folder.

    Returns:
        The index.

    Raises:
        DataError: There is no JSON of labelme below the folder.
    """
    listed = files.list_files(root, ".json")
    if not listed:
        raise DataError(problem(f"root, {root}", "has no *.json", "labelme's JSON beside each picture"))
    parts = [str(root.resolve()), *files.marks(root, listed, ".json")]
    arrays = cache.cached_arrays("labelme", VERSION, parts, lambda: _read(root, listed))
    texts = {key: PackedTexts(arrays[key], arrays[f"{key}_at"])[:] for key in _TEXTS}
    pictures = [None if text == _EMBEDDED else text for text in texts["pictures"]]
    if not texts["names"]:
        got = f"none of {counted(len(listed), 'JSON file')} has `shapes`, such as {listed[0]}.json"
        todo = "for a COCO JSON use source `coco_json`; export other formats as one of the two"
        raise DataError(problem(f"root, {root}", got, "labelme's JSON beside each picture", todo))
    sizes = [(height, width) if height else None for height, width in arrays["sizes"].tolist()]
    return LabelmeIndex(
        texts["names"], pictures, sizes, texts["labels"], texts["broken"], texts["notes"], texts["digest"][0]
    )


_TEXTS = ("names", "pictures", "labels", "broken", "notes", "digest")
_EMBEDDED = "\0"
"""Stands for a picture in imageData: no path has this character."""


def _read(root: Path, listed: list[str]) -> Arrays:
    names, pictures, broken, sizes = list[str](), list[str](), list[str](), list[tuple[int, int]]()
    labels, unusable, digests = set[str](), Counter[str](), list[str]()
    for name in listed:
        path = files.as_written(root / f"{name}.json")
        try:
            digests.append(f"{name} {sha256_file(path, MAX_JSON)}")
            file = labelme_json.read(path)
        except OSError as error:
            raise DataError(problem(path, f"cannot be read ({error.strerror})", "a file of labelme")) from error
        except DataError as error:
            names.append(name)
            pictures.append(_EMBEDDED)
            sizes.append((0, 0))
            broken.append(str(error))
            continue
        if file is None:
            unusable["JSON file without `shapes`"] += 1
            continue
        names.append(name)
        pictures.append(_EMBEDDED if file.embedded else file.picture)
        sizes.append(file.size or (0, 0))
        labels.update(shape.label for shape in file.shapes)
        unusable.update(_why_no_region(shape) for shape in file.shapes if not shape.has_extent)
    texts = {"names": names, "pictures": pictures, "labels": sorted(labels), "broken": broken}
    texts["notes"] = [f"{counted(count, what)}: no regions" for what, count in sorted(unusable.items())]
    texts["digest"] = [sha256("\n".join(digests))]
    made: Arrays = {"sizes": np.array(sizes, np.int32).reshape(-1, 2)}
    for key, column in texts.items():
        made[key], made[f"{key}_at"] = PackedTexts.pack(column)
    return made


def _why_no_region(shape: labelme_json.Shape) -> str:
    return shape.type if shape.is_line else f"{shape.type} without extent"
