"""One file with the scores of all videos: names to arrays, a long table, or one array over all videos.

DIR/scores.npz, .json, .mat     video -> scores; a list of lists or a cell array: one a video, in their order
DIR/scores.csv                  video,frame,score
DIR/scores.npy                  the scores of all videos, one after the other in the benchmark's order
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lavida_bench.common.mat_file import read_variables
from lavida_bench.results.joined_scores import Content, Joined, split_joined
from lavida_bench.results.matlab_scores import SCORES, unwrapped
from lavida_bench.results.score_formats import (
    NUMBERS,
    READERS,
    Array,
    arrays_of,
    as_content,
    read_archive,
)
from lavida_bench.results.score_table import LABEL, by_video, parse_table
from lavida_bench.results.video_names import match_names
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, read_text
from lavida_gen.common.json_file import read_json
from lavida_gen.common.text import shorten

SHOWN = 5  # names listed in an error


def read_collection(
    path: Path, videos: Sequence[TestVideo], expand: str
) -> tuple[dict[str, Content], tuple[str, ...], tuple[str, ...]]:
    """Read a file with the scores of all videos.

    Args:
        path: The file.
        videos: The test videos, in the benchmark's order.
        expand: `--expand`, for one array over all videos.

    Returns:
        Key of a video -> its content as `score_formats` gives it, sentences about how it was read, and the names of
        no video.

    Raises:
        DataError: The file cannot be read, or names none of the videos.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return *split_joined(READERS[suffix](path)["frames"], path, videos, expand), ()
    by_name = _BY_NAME[suffix](path)
    keys = [video.key for video in videos]
    joined = _joined(by_name, keys)
    if joined is not None:
        return *split_joined(joined, path, videos, expand), ()
    aliases = {name: key for key in keys for name in _matlab_names(key)} if suffix == ".mat" else {}
    renamed = {name if name in keys else aliases.get(name, name): content for name, content in by_name.items()}
    matched, notes = match_names(renamed, keys)
    if not matched:
        got = f"scores of none of the {len(videos)} videos; there are {shorten(list(by_name), SHOWN)}"
        raise DataError(problem(path, got, f"names as {keys[0] if keys else 'KEY'}"))
    for key, names in matched.items():
        if len(names) > 1:
            raise DataError(problem(f"{path}, {key}", f"scores under {names[0]!r} and under {names[1]!r}", "one"))
    found = {key: renamed.pop(name) for key, (name,) in matched.items()}
    extra = f"; {len(renamed)} of no test video were ignored: {shorten(list(renamed), SHOWN)}" if renamed else ""
    return found, (f"scores of {len(found)} videos are read from {path.name}{extra}", *notes), tuple(renamed)


def _joined(by_name: Mapping[str, Content], keys: Sequence[str]) -> Joined | None:
    """The one array of scores, or one for each video in their order, perhaps beside labels; None if names are keys."""
    names = [name for name in by_name if name.lower() not in (*LABEL, "frame_labels")]
    if len(names) != 1 or names[0] in keys or names[0].lower() not in SCORES:
        return None
    content = by_name[names[0]]
    return content["frames"] if set(content) == {"frames"} else None


def _npz(path: Path) -> dict[str, Content]:
    return {name: {"frames": array} for name, array in read_archive(path).items()}


def _json(path: Path) -> dict[str, Content]:
    data = read_json(path, "a JSON object of videos", unique=True)
    if isinstance(data, list):
        if any(isinstance(item, dict) for item in data):
            raise DataError(problem(path, "a list of objects", "video -> list of scores, or a list for each video"))
        data = {"frames": data}
    if not isinstance(data, dict):
        raise DataError(problem(path, f"holds a {type(data).__name__}", "video -> list of scores"))
    return {str(name): _one(value, path) for name, value in _inner(data).items()}


def _inner(data: dict[str, object]) -> dict[str, object]:
    """The object of videos that stands alone among facts such as the method's name; `data` where there is none."""
    objects = [value for value in data.values() if isinstance(value, dict)]
    facts = [value for value in data.values() if value is None or isinstance(value, str | int | float)]
    if len(objects) != 1 or not facts or len(facts) + 1 < len(data):
        return data
    inner = objects[0]
    of_videos = all(isinstance(value, list | dict) for value in inner.values()) and not {*inner} & {*SCORES}
    return inner if of_videos else data


def _one(value: object, path: Path) -> Content:
    if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
        if len(value) > 1 and all(len(item) == 1 for item in value):  # (F, 1)
            return arrays_of({"frames": [item[0] for item in value]}, path)
        cells = np.empty(len(value), np.object_)
        cells[:] = [arrays_of({"frames": item}, path)["frames"] for item in value]
        return {"frames": cells}
    return arrays_of(as_content(value, path) if isinstance(value, dict) else {"frames": value}, path)


def _table(path: Path) -> dict[str, Content]:
    table = parse_table(read_text(path, MAX_STREAM, "a table of scores"), path)
    if table.videos is None:
        if table.unused:
            todo = "call it video if it names the videos, or remove it"
            raise DataError(problem(path, f"a column {table.unused!r} that is not used", "a column called video", todo))
        numbers = np.arange(len(table.scores)) if table.numbers is None else table.numbers
        unique = len(np.unique(numbers)) == len(numbers)  # over all videos; else each video has its own
        return {"frames": {"frames": table.scores[np.argsort(numbers)] if unique else table.scores}}
    return {
        name: {"frames": rows.scores} if rows.numbers is None else {"frames": rows.scores, NUMBERS: rows.numbers}
        for name, rows in by_video(table, path).items()
    }


def _mat(path: Path) -> dict[str, Content]:
    variables = read_variables(path)
    texts = {name: text for name, variable in variables.items() if (text := _texts(variable))}
    variables = {name: variable for name, variable in variables.items() if name not in texts}
    cells = next((v.reshape(-1) for name, v in variables.items() if v.dtype == np.object_), None)
    keys = next((text for text in texts.values() if cells is not None and len(text) == len(cells)), None)
    if cells is not None and keys is not None and len(set(keys)) == len(keys):
        return {key: {"frames": cell} for key, cell in zip(keys, cells, strict=True)}
    found: dict[str, Content] = {}
    for name, variable in variables.items():
        if records := _records(variable):
            found |= records
            continue
        arrays = unwrapped(variable)  # of a struct its fields, one a video
        named = {name: arrays} if isinstance(arrays, np.ndarray) else arrays
        found |= {video: {"frames": array} for video, array in named.items()}
    return found


def _records(variable: Array) -> dict[str, Content]:
    """Video -> scores of a struct array with a field of names; {} for another variable."""
    fields = variable.dtype.names or ()
    names = next((texts for field in fields if (texts := _texts(variable[field]))), [])
    scores = next((variable[field].reshape(-1) for field in fields if field.lower() in SCORES), None)
    if scores is None or len(set(names)) != len(scores):
        return {}
    return {name: {"frames": np.asarray(cell)} for name, cell in zip(names, scores, strict=True)}


def _texts(variable: Array) -> list[str]:
    """The texts of a cell array of texts; [] for another variable."""
    cells = [np.asarray(cell) for cell in variable.reshape(-1)] if variable.dtype == np.object_ else []
    return [str(cell.item()) for cell in cells] if all(c.dtype.kind == "U" and c.size == 1 for c in cells) else []


def _matlab_names(key: str) -> tuple[str, str]:
    """What MATLAB makes of a key that is no variable name."""
    plain = re.sub(r"\W", "_", key)
    return plain, f"x{plain}"


_BY_NAME = {".npz": _npz, ".json": _json, ".csv": _table, ".tsv": _table, ".txt": _table, ".mat": _mat}
