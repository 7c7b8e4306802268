"""Videos of which only the number of frames is known: labels without pictures, for scores that others computed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from lavida_bench.videos.media import Media, TruncatedVideo, without_suffix
from lavida_bench.videos.types import Pixels
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_text

NO_SIZE = (1, 1)
"""(H, W) where the size in pixels is not known."""
MOST_FRAMES = 10**8


class NoFrames(Media):
    """A reader that has no frames to read.

    Args:
        key: The video's key, for the message.
        frame_count: F.
        size: (H, W) in pixels.
        fps: Frames a second, None if unknown.
    """

    def __init__(self, key: str, frame_count: int, size: tuple[int, int] = NO_SIZE, fps: float | None = None) -> None:
        super().__init__(frame_count, size, fps)
        self.key = key

    def decoded(self, numbers: range) -> Iterator[Pixels]:
        """Raises DataError."""
        todo = "use the benchmark's own files; labels alone serve `lavida-bench score-files`"
        raise DataError(problem(self.key, "has labels and no frames", "frames", todo))


def has_frames(reader: object) -> bool:
    """Whether a video's reader has frames to read.

    Args:
        reader: `TestVideo.reader`.
    """
    while isinstance(reader, TruncatedVideo):
        reader = reader.whole
    return not isinstance(reader, NoFrames)


def read_frame_counts(path: Path) -> dict[str, int]:
    """Read the number of frames of each video.

    Args:
        path: A CSV file with the head ``video,frames``; suffixes of videos in the names are dropped by the caller.

    Returns:
        Name without folder -> F, in the order of the file.

    Raises:
        DataError: The file cannot be read, or a line is invalid.
    """
    counts: dict[str, int] = {}
    seen: set[str] = set()
    rows = csv.reader(read_text(path, expected="a CSV file video,frames").splitlines())
    for number, cells in enumerate(rows, start=1):
        row = [cell.strip() for cell in cells]
        if not row or (number == 1 and [cell.lower() for cell in row] == ["video", "frames"]):
            continue
        if len(row) != 2 or not row[1].isascii() or not row[1].isdigit() or not 0 < int(row[1]) <= MOST_FRAMES:
            raise DataError(problem(f"{path}, line {number}", ",".join(row)[:80], "video,frames"))
        name = row[0].replace("\\", "/").rpartition("/")[2]
        if without_suffix(name) in seen:
            raise DataError(problem(f"{path}, line {number}", f"{row[0]} appears again", "one line a video"))
        seen.add(without_suffix(name))
        counts[name] = int(row[1])
    if not counts:
        raise DataError(problem(path, "holds no video", "lines video,frames"))
    return counts
