"""One file with the scores of all videos: names to arrays, a long table, or one array over all videos.

DIR/scores.npz, .json, .mat     video -> scores
DIR/scores.csv                  video,frame,score
DIR/scores.npy                  the scores of all videos, one after the other in the benchmark's order
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lavida_bench.common.mat_file import read_variables
from lavida_bench.results.joined_scores import Content, split_joined
from lavida_bench.results.score_formats import (
    NUMBERS,
    READERS,
    arrays_of,
    as_content,
    read_npz,
)
from lavida_bench.results.score_table import by_video, parse_table
from lavida_bench.videos.media import VIDEOS
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, read_text
from lavida_gen.common.json_file import read_json
from lavida_gen.common.text import shorten

SHOWN = 5  # names listed in an error


def spellings(key: str) -> list[str]:
    """The names that the scores of a video may have.

    Args:
        key: The video's key.

    Returns:
        The key, with "/" as "%2F", with the suffix of a video.
    """
    encoded = key.replace("%", "%25").replace("/", "%2F")
    return list(dict.fromkeys(name + suffix for name in (key, encoded) for suffix in ("", *VIDEOS)))


def read_collection(path: Path, videos: Sequence[TestVideo], expand: str) -> tuple[dict[str, Content], tuple[str, ...]]:
    """Read a file with the scores of all videos.

    Args:
        path: The file.
        videos: The test videos, in the benchmark's order.
        expand: `--expand`, for one array over all videos.

    Returns:
        Key of a video -> its content as `score_formats` gives it, and sentences about how it was read.

    Raises:
        DataError: The file cannot be read, or names none of the videos.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return split_joined(READERS[suffix](path)["frames"], path, videos, expand)
    by_name = _BY_NAME[suffix](path)
    joined = by_name.get("frames")
    if joined is not None and len(by_name) == 1:
        return split_joined(np.asarray(joined["frames"]), path, videos, expand)
    found = {}
    for video in videos:
        names = [*spellings(video.key), *(_matlab_names(video.key) if suffix == ".mat" else ())]
        name = next((name for name in names if name in by_name), None)
        if name is not None:
            found[video.key] = by_name.pop(name)
    if not found:
        got = f"scores of none of the {len(videos)} videos; there are {shorten(list(by_name), SHOWN)}"
        raise DataError(problem(path, got, f"names as {videos[0].key if videos else 'KEY'}"))
    extra = f"; {len(by_name)} of no test video were ignored: {shorten(list(by_name), SHOWN)}" if by_name else ""
    return found, (f"scores of {len(found)} videos are read from {path.name}{extra}",)


def _npz(path: Path) -> dict[str, Content]:
    return {name: {"frames": array} for name, array in read_npz(path).items()}


def _json(path: Path) -> dict[str, Content]:
    data = read_json(path, "a JSON object of videos")
    if isinstance(data, list):
        return {"frames": arrays_of({"frames": data}, path)}
    if not isinstance(data, dict):
        raise DataError(problem(path, f"holds a {type(data).__name__}", "video -> list of scores"))
    return {str(name): arrays_of(_one(value, path), path) for name, value in data.items()}


def _one(value: object, path: Path) -> dict[str, Any]:
    return as_content(value, path) if isinstance(value, dict) else {"frames": value}


def _table(path: Path) -> dict[str, Content]:
    table = parse_table(read_text(path, MAX_STREAM, "a table of scores"), path)
    if table.videos is None:
        return {"frames": {"frames": table.scores}}
    return {
        name: {"frames": rows.scores} if rows.numbers is None else {"frames": rows.scores, NUMBERS: rows.numbers}
        for name, rows in by_video(table, path).items()
    }


def _mat(path: Path) -> dict[str, Content]:
    return {name: {"frames": array} for name, array in read_variables(path).items()}


def _matlab_names(key: str) -> tuple[str, str]:
    """What MATLAB makes of a key that is no variable name."""
    plain = re.sub(r"\W", "_", key)
    return plain, f"x{plain}"


_BY_NAME = {".npz": _npz, ".json": _json, ".csv": _table, ".tsv": _table, ".txt": _table, ".mat": _mat}
