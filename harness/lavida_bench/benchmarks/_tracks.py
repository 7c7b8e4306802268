"""Annotated tracks as the field writes them: ``track,frame,left,top,right,bottom`` a line, frames 0-based.

The form of the annotations that come with AED (Georgescu et al., TPAMI 2021) for Avenue and ShanghaiTech, and of
UBnormal's own scripts; one file a video, ``VIDEO.txt``. Right and bottom are INCLUSIVE, as the authors' script takes
them: 1 is added here. As there, a region without extent counts as one that nothing finds, and of two regions of a track
in one frame the later line counts. Street Scene writes its lines in another way (`read_tracks(..., row)`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import parse_whole_number
from lavida_bench.videos.types import Bits, Track
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_text

RegionRow = tuple[int, float, float, float, float]
"""Frame, left, top, right, bottom; right and bottom exclusive, and not before left and top."""


def track_row(text: str, where: str) -> tuple[int, RegionRow]:
    """Read a line ``track,frame,left,top,right,bottom``.

    Args:
        text: The line.
        where: File and line, for the message.

    Returns:
        Number of the track, and its region.

    Raises:
        DataError: The line is no such line.
    """
    cells = re.split(r"[,\s]+", text.strip())
    if len(cells) != 6:
        raise DataError(problem(where, f"{len(cells)} numbers", "track,frame,left,top,right,bottom"))
    left, top, right, bottom = finite_numbers(cells[2:], where, text)
    frame = parse_whole_number(cells[1], where)
    return parse_whole_number(cells[0], where), (frame, left, top, max(left, right + 1), max(top, bottom + 1))


def finite_numbers(cells: list[str], where: str, text: str) -> list[float]:
    """Read the numbers of a region.

    Args:
        cells: Each number.
        where: File and line, for the message.
        text: The line, for the message.

    Returns:
        The numbers.

    Raises:
        DataError: One is no number, infinite or NaN.
    """
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError as error:
        raise DataError(problem(where, f"{text.strip()!r}", "six numbers")) from error
    if not np.isfinite(numbers).all():
        raise DataError(problem(where, f"{text.strip()!r}", "six finite numbers"))
    return numbers


def read_tracks(
    path: Path, frame_count: int, log: DefectLog, row: Callable[[str, str], tuple[int, RegionRow]] = track_row
) -> tuple[Track, ...]:
    """Read a file of tracks.

    Args:
        path: The file.
        frame_count: F of the video.
        log: Gets the regions outside the video's frames, which are left out, those without extent, and repeated ones.
        row: Reads a line: (text, where) -> number of the track, and its region.

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
        track, region = row(text, f"{path}, line {line}")
        if not 0 <= region[0] < frame_count:
            outside.append(line)
            continue
        if region[3] <= region[1] or region[4] <= region[2]:
            flat.append(line)
        if region[0] in rows[track]:
            repeated.append(line)
        rows[track][region[0]] = region
    for lines, what, done in (
        (outside, f"regions outside the video's {frame_count} frames", "left out"),
        (flat, "regions without extent", "counted, and never found"),
        (repeated, "regions of a track in a frame that has one", "take the place of the earlier ones"),
    ):
        if lines:
            log.add(path, f"{len(lines)} {what}", done, items=[f"line {line}" for line in lines])
    return tuple(_track(number, regions) for number, regions in sorted(rows.items()) if regions)


def _track(number: int, rows: dict[int, RegionRow]) -> Track:
    ordered = np.array([rows[frame] for frame in sorted(rows)], np.float64)
    return Track(str(number), ordered[:, 0].astype(np.int64), ordered[:, 1:])


def folder_tracks(folder: Path | None, key: str, labels: Bits, log: DefectLog) -> tuple[Track, ...] | None:
    """Read the tracks of a video from a folder of such files.

    Args:
        folder: The folder; None if there is none.
        key: The video's key: the file is KEY.txt.
        labels: (F,) bool, the abnormal frames of the video.
        log: Gets an abnormal video without a file, the regions that are left out, and those in normal frames.

    Returns:
        The tracks; () for a normal video without a file; None without a folder or for an abnormal video without a file.

    Raises:
        DataError: A line is invalid; the message names it.
    """
    if folder is None:
        return None
    path = folder / f"{key}.txt"
    if path.is_file():
        tracks = read_tracks(path, len(labels), log)
        frames = np.concatenate([track.frames for track in tracks]) if tracks else np.zeros(0, np.int64)
        normal = int((~labels[frames]).sum())
        if normal:
            what = f"{normal} of {len(frames)} regions are in frames that are labelled normal"
            log.add(path, what, "count in RBDC and TBDC as annotated: do frames count from 0 in this file?")
        return tracks
    if not labels.any():
        return ()
    log.add(path, "no tracks of an abnormal video", "left out of RBDC and TBDC")
    return None
