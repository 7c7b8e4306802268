"""Tables of scores as people write them: CSV with commas, semicolons or tabs, text with blanks, with or without a head.

    parse_table(text, path)     one video: scores, perhaps with frame numbers
    by_video(table, path)       the rows of each video of a table video,frame,score

The column of scores is the one that is called so, or the only one that is neither index, frame, label nor video. What
is ambiguous is an error that asks for a head. Letters: n rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_bench.results.frame_numbers import stated_number
from lavida_gen.common.errors import DataError, problem

SCORE = ("score", "scores", "anomaly_score", "anomaly score", "pred", "prediction", "prob", "probability", "logit")
FRAME = ("frame", "frames", "frame_id", "frame_idx", "frame_index", "frame_number", "frame number", "frame_no")
INDEX = ("", "index", "idx", "id", "unnamed: 0")
LABEL = ("label", "labels", "gt", "ground_truth", "target", "y_true", "annotation", "anomaly")
TIME = ("time", "times", "timestamp", "time_stamp", "t", "sec", "secs", "second", "seconds", "ms", "msec", "pts", "fps")
START = ("start", "begin", "start_frame", "frame_start", "first", "first_frame", "from")
END = ("end", "stop", "end_frame", "frame_end", "last", "last_frame", "to")
VIDEO = (
    "video", "videos", "video_id", "video_name", "video name", "name", "key", "clip", "file", "filename", "image",
    "image_path", "img", "img_path", "path", "frame_path",
)  # fmt: skip
DELIMITERS = ("\t", ";", ",")  # a comma last: beside the others it is that of 0,5
COMMENT = "#"  # np.savetxt begins its head with it
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234 may be a thousand
PICTURE = re.compile(r"\.(jpe?g|png|bmp|tiff?|webp)$", re.IGNORECASE)
MOST_FRAMES = 100_000_000
WIDEST = 4  # columns; a single line of more numbers is a list of scores
FORM = "one score a line, frame,score, or a head that names the columns"


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """The rows of a table.

    Attributes:
        scores: (n,) float64.
        numbers: (n,) float64 frame numbers as written; None if the table has none.
        videos: (n,) names of the videos; None if the table has none.
        unused: Name of a column that is not used and may name videos; "" if there is none.
    """

    scores: NDArray[np.float64]
    numbers: NDArray[np.float64] | None = None
    videos: tuple[str, ...] | None = None
    unused: str = ""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Places of the columns."""

    score: int
    number: int | None = None
    video: int | None = None
    end: int | None = None


def parse_table(text: str, path: Path) -> ScoreTable:
    """Parse a table.

    Args:
        text: The file's content.
        path: The file, for messages.

    Returns:
        Its rows.

    Raises:
        DataError: With the line that cannot be read, or the columns between which a head must decide.
    """
    rows = _rows(text)
    if not rows:
        raise DataError(problem(path, "empty file", FORM))
    if len(rows) == 1 and len(rows[0][1]) > WIDEST and None not in map(_as_float, rows[0][1]):
        rows = [(rows[0][0], [cell]) for cell in rows[0][1]]  # all scores in one line
    head = rows[0][1] if _is_head(rows[0][1]) else None
    body = rows[1:] if head is not None else rows
    if not body:
        raise DataError(problem(path, "a head without rows", FORM))
    columns = _named_columns(head, path) if head is not None else _unnamed_columns(body, path)
    width = len(rows[0][1])
    for number, cells in body:
        if len(cells) != width:
            raise DataError(
                problem(f"{path}, line {number}", f"{len(cells)} columns", f"{width}, as in the first line")
            )
    scores = _numbers(body, columns.score, path)
    numbers = None if columns.number is None else _frame_numbers(body, columns.number, path)
    videos = None if columns.video is None else tuple(cells[columns.video] for _, cells in body)
    if columns.end is not None and numbers is not None:
        return _spread(scores, numbers, _frame_numbers(body, columns.end, path), videos, path)
    if videos is not None and numbers is None and all(PICTURE.search(name) for name in videos):
        parts = [name.replace("\\", "/").rpartition("/") for name in videos]  # VIDEO/000012.jpg
        numbers = np.array([_number(name, path) for *_, name in parts])
        videos = tuple(folder for folder, *_ in parts) if any(folder for folder, *_ in parts) else None
    return ScoreTable(scores, numbers, videos, _unused_names(head or (), body, columns, numbers))


def _unused_names(
    head: Sequence[str], body: Sequence[tuple[int, list[str]]], columns: _Columns, numbers: NDArray[np.float64] | None
) -> str:
    """Name of a column that is not used and may name videos: several texts, or one number for each run of frames."""
    runs = 0 if numbers is None else 1 + int((np.diff(numbers) < 0).sum())
    for place, name in enumerate(head):
        values = {cells[place] for _, cells in body}
        used = place in (columns.score, columns.number, columns.video) or name.lower() in LABEL
        if not used and len(values) > 1 and (None in map(_as_float, values) or len(values) <= runs):
            return name
    return ""


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Number and cells of each line that is neither blank nor a comment; without a last column that is empty."""
    lines = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    lines = [(n, line) for n, line in lines if not line.lstrip().startswith(COMMENT)]
    delimiter = _delimiter([line for _, line in lines[:20]])
    rows = [(n, _cells(line, delimiter)) for n, line in lines]
    most = max((len(cells) for _, cells in rows), default=0)
    if most > 1 and all(len(cells) < most or not cells[-1] for _, cells in rows[1:] or rows):
        rows = [(n, cells[: most - 1] if not cells[-1] else cells) for n, cells in rows]
    return rows


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that cuts every line into the same number of columns, "" for blanks."""
    for delimiter in DELIMITERS:
        counts = {line.count(delimiter) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return delimiter
    return next((delimiter for delimiter in DELIMITERS if all(delimiter in line for line in lines)), "")


def _cells(line: str, delimiter: str) -> list[str]:
    if not delimiter:
        return [cell.strip("\"'") for cell in line.split()]
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]


def _is_head(cells: Sequence[str]) -> bool:
    """Whether a first line names columns: its last cell is no number, or its first one is a known name."""
    return _as_float(cells[-1]) is None or cells[0].lower() in (*INDEX, *FRAME, *VIDEO, *SCORE)


def _as_float(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return float(cell.replace(",", ".")) if DECIMAL_COMMA.fullmatch(cell) else None


def _named_columns(head: Sequence[str], path: Path) -> _Columns:
    names = [cell.lower() for cell in head]

    def places(known: Sequence[str]) -> list[int]:
        return [place for place, name in enumerate(names) if name in known]

    videos, frames, indices = places(VIDEO), places(FRAME), places(INDEX)
    scores = places(SCORE)
    starts, ends = places(START), places(END)
    if not scores and len(names) > 1:
        other = {*videos, *frames, *indices, *places(LABEL), *places(TIME), *starts, *ends}
        scores = [place for place in range(len(names)) if place not in other]
    if len(names) == 1:
        scores = [0]
    if len(scores) != 1:
        got = f"{len(scores)} columns of scores in the head {', '.join(map(repr, head))}"
        raise DataError(problem(f"{path}, line 1", got, f"one, called {SCORE[0]}"))
    if starts and ends:
        return _Columns(scores[0], starts[0], videos[0] if videos else None, ends[0])
    number = next(iter([*frames, *(() if videos else indices)]), None)
    return _Columns(scores[0], number, videos[0] if videos else None)


def _unnamed_columns(body: Sequence[tuple[int, list[str]]], path: Path) -> _Columns:
    width = len(body[0][1])
    if width == 1:
        return _Columns(0)
    firsts = [_as_float(cells[0]) for _, cells in body]
    if width == 2 and all(PICTURE.search(cells[0]) for _, cells in body):
        return _Columns(1, video=0)
    whole = all(value is not None and value == np.floor(value) for value in firsts)
    if width == 2 and whole and len(set(firsts)) == len(firsts):
        return _Columns(1, 0)
    if width == 3 and None in firsts:
        return _Columns(2, 1, 0)
    number, cells = body[0]
    got = f"{width} columns without a head ({', '.join(cells[:4])})"
    raise DataError(problem(f"{path}, line {number}", got, FORM, "add a first line such as frame,score"))


def _frame_numbers(body: Sequence[tuple[int, list[str]]], place: int, path: Path) -> NDArray[np.float64]:
    """Numbers, or those in the names of pictures."""
    named = [stated_number(cells[place]) for _, cells in body]
    if None in named:
        return _numbers(body, place, path)
    return np.array(named, np.float64)


def _number(name: str, path: Path) -> float:
    number = stated_number(name)
    if number is None:
        raise DataError(problem(path, f"picture {name!r}", "a number in its name"))
    return number


def _spread(
    scores: NDArray[np.float64], starts: NDArray[np.float64], ends: NDArray[np.float64],
    videos: tuple[str, ...] | None, path: Path,
) -> ScoreTable:  # fmt: skip
    """A score for each frame of ranges that follow each other; ends are exclusive where one is the next start.

    Raises DataError for ranges that overlap, leave frames out, or are no frames.
    """
    order = np.lexsort((starts, np.unique(videos, return_inverse=True)[1])) if videos else np.argsort(starts)
    scores, starts, ends = scores[order], starts[order], ends[order]
    names = None if videos is None else [videos[row] for row in order]
    follows = [row for row in range(1, len(starts)) if names is None or names[row] == names[row - 1]]
    gaps = {float(starts[row] - ends[row - 1]) for row in follows}
    whole = all(np.isfinite(n).all() and (n == np.floor(n)).all() for n in (starts, ends))
    inclusive = gaps == {1.0}
    lengths = ends - starts + inclusive
    if not whole or not (gaps <= {0.0} or inclusive) or (lengths < 1).any() or lengths.sum() > MOST_FRAMES:
        todo = "give one score a frame: of windows that overlap the mean or the maximum, as the method has it"
        raise DataError(problem(path, "scores of ranges of frames", "ranges that follow each other without gaps", todo))
    counts = lengths.astype(np.int64)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    spread = None if names is None else tuple(np.repeat(names, counts).tolist())
    return ScoreTable(np.repeat(scores, counts), np.repeat(starts, counts) + within, spread)


def _numbers(body: Sequence[tuple[int, list[str]]], place: int, path: Path) -> NDArray[np.float64]:
    with_comma = [(number, cells[place]) for number, cells in body if "," in cells[place]]
    if with_comma and (all(GROUPED.fullmatch(cell) for _, cell in with_comma) or any("." in c[place] for _, c in body)):
        number, cell = with_comma[0]
        expected = "one sign for decimals: in other cells it is a point, or each comma may divide thousands"
        raise DataError(problem(f"{path}, line {number}", f"{cell!r}", expected, "write numbers as 1234.5"))
    values = np.empty(len(body))
    for row, (number, cells) in enumerate(body):
        value = _as_float(cells[place])
        if value is None:
            raise DataError(problem(f"{path}, line {number}", f"{cells[place]!r}", "a number", FORM))
        values[row] = value
    return values


def by_video(table: ScoreTable, path: Path) -> dict[str, ScoreTable]:
    """The rows of each video of a table of all videos.

    Args:
        table: A table with names of videos.
        path: The file, for the message.

    Returns:
        Name -> its rows, in the order of the file.

    Raises:
        DataError: The table has no column of videos.
    """
    if table.videos is None:
        raise DataError(problem(path, "no column of videos", "video,frame,score", "add a head"))
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(table.videos):
        rows.setdefault(name, []).append(row)
    numbers = table.numbers
    return {
        name: ScoreTable(table.scores[places], None if numbers is None else numbers[places])
        for name, places in rows.items()
    }
