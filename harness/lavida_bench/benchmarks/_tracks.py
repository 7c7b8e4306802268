"""Annotated tracks as the field writes them: ``track,frame,left,top,right,bottom`` a line, frames 0-based.

The form of the annotations that come with AED (Georgescu et al., TPAMI 2021) for Avenue and ShanghaiTech, and of
UBnormal's own scripts; one file a video, ``VIDEO.txt``, right and bottom exclusive. Letters: n regions of a track.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from lavida_bench.benchmarks._base import DefectLog
from lavida_bench.benchmarks._intervals import parse_whole_number
from lavida_bench.videos.types import Track
from lavida_gen.common.errors import DataError, problem

RegionRow = tuple[int, float, float, float, float]


def read_tracks(path: Path, frame_count: int, log: DefectLog) -> tuple[Track, ...]:
    """The tracks of a file in the order of their numbers, () for an empty one. Raises DataError with the line.

    Regions without extent and regions outside the video's frames are left out, which `log` says.
    """
    rows: dict[int, dict[int, RegionRow]] = defaultdict(dict)
    odd: list[int] = []
    for line, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not text.strip():
            continue
        track, row = _row(text, f"{path}, line {line}")
        if not 0 <= row[0] < frame_count or row[3] <= row[1] or row[4] <= row[2]:
            odd.append(line)
        elif rows[track].setdefault(row[0], row) is not row:
            raise DataError(
                problem(f"{path}, line {line}", f"frame {row[0]} of track {track} again", "one region each")
            )
    if odd:
        what = f"{len(odd)} regions without extent or outside the video's {frame_count} frames"
        log.add(path, what, "left out", items=[f"line {line}" for line in odd])
    return tuple(_track(number, found) for number, found in sorted(rows.items()) if found)


def _row(text: str, where: str) -> tuple[int, RegionRow]:
    cells = re.split(r"[,\s]+", text.strip())
    if len(cells) != 6:
        raise DataError(problem(where, f"{len(cells)} numbers", "track,frame,left,top,right,bottom"))
    try:
        left, top, right, bottom = (float(cell) for cell in cells[2:])
    except ValueError as error:
        raise DataError(problem(where, f"{text.strip()!r}", "six numbers")) from error
    return parse_whole_number(cells[0], where), (parse_whole_number(cells[1], where), left, top, right, bottom)


def _track(number: int, rows: dict[int, RegionRow]) -> Track:
    ordered = np.array([rows[frame] for frame in sorted(rows)], np.float64)
    return Track(str(number), ordered[:, 0].astype(np.int64), ordered[:, 1:].astype(np.float32))


def folder_tracks(
    folder: Path | None, key: str, frame_count: int, abnormal: bool, log: DefectLog
) -> tuple[Track, ...] | None:
    """The tracks of video `key` in a folder of such files; () for a normal video without a file, else None."""
    if folder is None:
        return None
    path = folder / f"{key}.txt"
    if path.is_file():
        return read_tracks(path, frame_count, log)
    if not abnormal:
        return ()
    log.add(path, "no tracks of an abnormal video", "left out of RBDC and TBDC")
    return None
