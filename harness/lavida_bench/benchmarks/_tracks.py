"""Annotated tracks as the field writes them: ``track,frame,left,top,right,bottom`` a line, frames 0-based.

The form of the annotations that come with AED (Georgescu et al., TPAMI 2021) for Avenue and ShanghaiTech, and of
UBnormal's own scripts; one file a video, ``VIDEO.txt``. Right and bottom are INCLUSIVE, as the authors' script takes
them: 1 is added here. As there, a region without extent counts as one that nothing finds, and of two regions of a track
in one frame the later line counts. Letters: n regions of a track.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import parse_whole_number
from lavida_bench.videos.types import Track
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_text

RegionRow = tuple[int, float, float, float, float]
"""Frame, left, top, right, bottom; right and bottom exclusive, and not before left and top."""


def read_tracks(path: Path, frame_count: int, log: DefectLog) -> tuple[Track, ...]:
    """Read a file of tracks.

    Args:
        path: The file.
        frame_count: F of the video.
        log: Gets the regions outside the video's frames, which are left out, those without extent, and repeated ones.

    Returns:
        The tracks in the order of their numbers, () for an empty file.

    Raises:
        DataError: A line is invalid; the message names it.
    """
    rows: dict[int, dict[int, RegionRow]] = defaultdict(dict)
    outside: list[int] = []
    flat: list[int] = []
    repeated: list[int] = []
    for line, text in enumerate(read_text(path, expected="tracks, one region a line").splitlines(), start=1):
        if not text.strip():
            continue
        track, row = _row(text, f"{path}, line {line}")
        if not 0 <= row[0] < frame_count:
            outside.append(line)
            continue
        if row[3] <= row[1] or row[4] <= row[2]:
            flat.append(line)
        if row[0] in rows[track]:
            repeated.append(line)
        rows[track][row[0]] = row
    for lines, what, done in (
        (outside, f"regions outside the video's {frame_count} frames", "left out"),
        (flat, "regions without extent", "counted, and never found"),
        (repeated, "regions of a track in a frame that has one", "take the place of the earlier ones"),
    ):
        if lines:
            log.add(path, f"{len(lines)} {what}", done, items=[f"line {line}" for line in lines])
    return tuple(_track(number, regions) for number, regions in sorted(rows.items()) if regions)


def _row(text: str, where: str) -> tuple[int, RegionRow]:
    cells = re.split(r"[,\s]+", text.strip())
    if len(cells) != 6:
        raise DataError(problem(where, f"{len(cells)} numbers", "track,frame,left,top,right,bottom"))
    try:
        left, top, right, bottom = (float(cell) for cell in cells[2:])
    except ValueError as error:
        raise DataError(problem(where, f"{text.strip()!r}", "six numbers")) from error
    if not np.isfinite([left, top, right, bottom]).all():
        raise DataError(problem(where, f"{text.strip()!r}", "six finite numbers"))
    frame = parse_whole_number(cells[1], where)
    return parse_whole_number(cells[0], where), (frame, left, top, max(left, right + 1), max(top, bottom + 1))


def _track(number: int, rows: dict[int, RegionRow]) -> Track:
    ordered = np.array([rows[frame] for frame in sorted(rows)], np.float64)
    return Track(str(number), ordered[:, 0].astype(np.int64), ordered[:, 1:])


def folder_tracks(
    folder: Path | None, key: str, frame_count: int, abnormal: bool, log: DefectLog
) -> tuple[Track, ...] | None:
    """Read the tracks of a video from a folder of such files.

    Args:
        folder: The folder; None if there is none.
        key: The video's key: the file is KEY.txt.
        frame_count: F of the video.
        abnormal: Whether a frame of the video is abnormal.
        log: Gets an abnormal video without a file, and the regions that are left out.

    Returns:
        The tracks; () for a normal video without a file; None without a folder or for an abnormal video without a file.

    Raises:
        DataError: A line is invalid; the message names it.
    """
    if folder is None:
        return None
    path = folder / f"{key}.txt"
    if path.is_file():
        return read_tracks(path, frame_count, log)
    if not abnormal:
        return ()
    log.add(path, "no tracks of an abnormal video", "left out of RBDC and TBDC")
    return None
