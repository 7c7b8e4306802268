"""data.yaml of a YOLO data set: its classes, and where the pictures of a split lie below the root.

The paths in it are often those of another machine. They are looked for as the trainer does, and below the root only.
https://docs.ultralytics.com/datasets/segment
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from lavida_gen.annotations import files
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.common.file_names import is_file_name, is_inside
from lavida_gen.common.input_file import MAX_TEXT, read_text
from lavida_gen.common.yaml_text import load_yaml

SPLITS = ("train", "val", "test")
FORMAT = "Ultralytics' data.yaml (names, train, val)"


@dataclass(frozen=True, slots=True)
class YoloData:
    """What a data.yaml states.

    Attributes:
        file: The file.
        names: Name of each class number.
        splits: Paths of each split, as written.
        path: What they are relative to, as written; "" if it is not stated.
    """

    file: Path
    names: Mapping[int, str]
    splits: Mapping[str, list[str]]
    path: str


def read(file: Path) -> YoloData:
    """Read a data.yaml.

    Args:
        file: The file.

    Returns:
        What it states.

    Raises:
        DataError: It cannot be read, is no YAML, has no classes, or is of another task.
    """
    text = read_text(file, MAX_TEXT, FORMAT)
    try:
        plain = load_yaml(text)
    except yaml.YAMLError as error:
        got = " ".join(str(error).split())[:200]
        raise DataError(problem(file, f"is no YAML ({got})", FORMAT)) from error
    if not isinstance(plain, dict):
        raise DataError(problem(file, "is no mapping", FORMAT))
    if "kpt_shape" in plain:
        raise DataError(problem(file, "has kpt_shape: its labels are key points", "labels of segmentation"))
    plain.setdefault("val", plain.get("validation"))  # as the trainer does
    splits = {split: _texts(plain[split], f"{file}: {split}") for split in SPLITS if plain.get(split)}
    return YoloData(file, _names(plain, file), splits, str(plain.get("path") or ""))


def _names(plain: Mapping[str, Any], file: Path) -> dict[int, str]:
    """Classes by number, from 0. Raises DataError."""
    given = plain.get("names")
    if isinstance(given, list):
        given = dict(enumerate(given))
    if not isinstance(given, dict) or not given:
        raise DataError(problem(file, f"names is {str(given)[:40]!r}", "a list of names, or numbers from 0 with names"))
    names = {}
    for number, name in given.items():
        if not str(number).isdecimal():
            raise DataError(problem(f"{file}: names", f"{number!r} is no class number", "numbers from 0"))
        if not isinstance(name, str) or not name.strip():  # YAML reads no, off and null as other things than texts
            todo = f"quote it: '{name}'" if type(name) is int else "quote it: 'no'"
            raise DataError(problem(f"{file}: names", f"class {number} is {name!r}", "a text", todo))
        names[int(number)] = name.strip()
    count = plain.get("nc")
    if count is not None and str(count) != str(len(names)):
        got = f"nc is {count!r}, and there are {len(names)} names"
        raise DataError(problem(file, got, "as many names as classes", "correct the one that is wrong"))
    return names


def _texts(value: object, where: str) -> list[str]:
    """A text or a list of texts. Raises DataError."""
    given = value if isinstance(value, list) else [value]
    texts = [text for text in given if isinstance(text, str) and text]
    if len(texts) < len(given):
        raise DataError(problem(where, f"is {str(value)[:40]!r}", "a folder, a list of folders, or a list of pictures"))
    return texts


def list_pictures(data: YoloData, split: str, root: Path, suffixes: tuple[str, ...]) -> list[str]:
    """The pictures of a split.

    Args:
        data: What data.yaml states.
        split: train, val or test.
        root: Folder of the data set.
        suffixes: Suffixes of pictures, in lower case.

    Returns:
        Sorted paths below `root`, with "/" between folders.

    Raises:
        DataError: A folder or list does not exist below the root, or there is no picture.
        UserError: data.yaml has no such split.
    """
    if split not in data.splits:
        raise UserError(problem(f"split, {data.file}", unknown_name("split", split, data.splits)))
    found: set[str] = set()
    for entry in data.splits[split]:
        where = f"{data.file}: {split}"
        place = _find(entry, data.path, root)
        if place is None:
            got = f"{entry!r} does not exist below {root}"
            todo = "correct it: a path relative to data.yaml, below the root"
            raise DataError(problem(where, got, "a folder of pictures, or a text file that lists them", todo))
        is_folder = (root / place).is_dir()
        found.update(_pictures(place, root, suffixes) if is_folder else _listed(root / place, root))
    if not found:
        raise DataError(problem(f"{data.file}: {split}", "there are no pictures", f"files *{', *'.join(suffixes)}"))
    return sorted(found)


def label_path(picture: str) -> str:
    """The label file of a picture: labels/ for the last images/ of its path, and .txt.

    Args:
        picture: Path of a picture below the root.
    """
    return _labels_of(PurePosixPath(picture)).with_suffix(".txt").as_posix()


def _labels_of(path: PurePosixPath) -> PurePosixPath:
    parts = list(path.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return PurePosixPath(*parts)


def _pictures(folder: str, root: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    """The pictures of a folder, and those that are missing although they have a label file, as .jpg."""
    stems = set()
    for name in files.list_files(root / folder, ""):
        if name.lower().endswith(suffixes):
            stems.add(PurePosixPath(name).with_suffix(""))
            yield (PurePosixPath(folder) / name).as_posix()
    labels = _labels_of(PurePosixPath(folder))
    if labels == PurePosixPath(folder) or not (root / labels).is_dir():
        return
    for name in files.list_files(root / labels, ".txt"):
        if PurePosixPath(name) not in stems and PurePosixPath(name).name != "classes":  # labelImg's list of classes
            yield (PurePosixPath(folder) / f"{name}.jpg").as_posix()


def _listed(file: Path, root: Path) -> Iterator[str]:
    """Pictures that a text file lists, one a line. Raises DataError."""
    lines = read_text(file, MAX_TEXT, "a list of pictures, one a line").splitlines()
    folder = file.parent.relative_to(root).as_posix()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            place = (
                _find(line.strip(), folder, root)
                or _find(f"/{line.strip()}", folder, root)  # CVAT writes data/images/a.jpg, and packs no data/
                or posixpath.normpath(posixpath.join(folder, _unified(line.strip())))
            )
            if not is_file_name(place) or not is_inside(root, root / place):
                got = f"no picture {line.strip()!r} below {root}"
                raise DataError(problem(f"{file}:{number}", got, "one a line", "fetch it, or remove the line"))
            yield place


def _find(entry: str, base: str, root: Path) -> str | None:
    """Where a path leads below the root: relative to `base` or to the root, without leading ../, else by its end.

    Exports write ../train/images for train/images beside data.yaml; absolute paths are those of another machine.
    """
    parts = [part for part in PurePosixPath(_unified(entry)).parts if part not in ("/", ".")]
    while parts and parts[0] == "..":
        parts.pop(0)
    ends = [parts[start:] for start in range(len(parts))] if _is_absolute(entry) else [parts]
    bases = [_unified(base), ""] if base and not _is_absolute(base) else [""]
    for end in ends:
        for start in bases:
            path = posixpath.normpath(posixpath.join(start, *end))
            below = path == "." or (is_file_name(path) and is_inside(root, root / path))
            if below and (root / path).exists():
                return path
    return None


def _unified(path: str) -> str:
    return re.sub(r"^[A-Za-z]:", "", path.replace("\\", "/"))


def _is_absolute(path: str) -> bool:
    return _unified(path).startswith("/") or bool(re.match(r"[A-Za-z]:", path))
