"""What all readers of test videos share: frames by number, lost and broken ones reported, never silently replaced.

A picture that cannot be decoded is shown as the one before it, and `broken` then says so: frames keep their numbers, on
which the annotations rest. Letters: n frames of one reading, F frames of the video, H W pixels.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lavida_bench.videos.types import Pixels
from lavida_gen.common.errors import DataError, problem

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg")
STRAY = ("thumbs.db", "desktop.ini")


class Media(ABC):
    """Frames of one video by number.

    frame_count  F, exact
    size         (H, W)
    fps          frames a second (the mean, where the rate varies), None if unknown
    broken       frame number -> what is wrong with it, of the frames that were decoded so far
    notes        what is odd about the whole
    """

    def __init__(self, frame_count: int, size: tuple[int, int], fps: float | None) -> None:
        self.frame_count, self.size, self.fps = frame_count, size, fps
        self.broken: dict[int, str] = {}
        self.notes: list[str] = []

    def __call__(self, start: int, stop: int, step: int = 1) -> Pixels:
        """Frames start, start + step, ... below stop: uint8 (n, H, W, 3) RGB. Raises DataError if none decodes."""
        assert 0 <= start < stop <= self.frame_count, f"frames {start}..{stop} of {self.frame_count}"
        wanted = range(start, stop, step)
        frames = np.empty((len(wanted), *self.size, 3), np.uint8)
        for row, pixels in zip(range(len(wanted)), self.decoded(wanted), strict=True):
            frames[row] = pixels
        return frames

    @abstractmethod
    def decoded(self, wanted: range) -> Iterator[Pixels]:
        """(H, W, 3) uint8 RGB of each wanted frame, in order."""

    def close(self) -> None:  # noqa: B027  # most readers hold nothing open
        """Lets go of open files and decoders; the next reading opens them again. Not while another thread reads."""


class TruncatedVideo(Media):
    """The first `frame_count` frames of another one, for a benchmark that cuts its videos."""

    def __init__(self, whole: Media, frame_count: int) -> None:
        assert frame_count <= whole.frame_count, f"{frame_count} of {whole.frame_count} frames"
        super().__init__(frame_count, whole.size, whole.fps)
        self.whole, self.broken, self.notes = whole, whole.broken, whole.notes

    def decoded(self, wanted: range) -> Iterator[Pixels]:
        """See Media."""
        return self.whole.decoded(wanted)

    def close(self) -> None:
        """See Media."""
        self.whole.close()


def is_stray(name: str) -> bool:
    """Whether a file is what desktops leave behind (``._x``, ``.DS_Store``, ``Thumbs.db``)."""
    return name.startswith(".") or name.lower() in STRAY


def frame_number(path: Path) -> int:
    """The last number in a file's stem: frame001.bmp -> 1. Raises DataError if there is none."""
    digits = re.findall(r"\d+", path.stem)
    if not digits:
        raise DataError(problem(path, "no number in its name", "a frame number", "rename or remove the file"))
    return int(digits[-1])


def numbered_files(folder: Path, suffixes: Sequence[str] = IMAGES) -> dict[int, Path]:
    """Frame number -> file, ascending, without stray files. Raises DataError if two files have one number."""
    files = [f for f in folder.iterdir() if f.suffix.lower() in suffixes and not is_stray(f.name)]
    found: dict[int, Path] = {}
    for number, path in sorted((frame_number(file), file) for file in files):
        if (other := found.setdefault(number, path)) != path:
            raise DataError(problem(path, f"has the number of {other.name}", "one file a frame", "remove one of them"))
    return found


def find_videos(root: Path) -> dict[str, list[Path]]:
    """Stem -> video files of that stem anywhere below `root`, each list and the whole sorted; no stray files."""
    found: dict[str, list[Path]] = {}
    for folder, _, files in os.walk(root, followlinks=True):
        for name in files:
            path = Path(folder, name)
            if path.suffix.lower() in VIDEOS and not is_stray(name):
                found.setdefault(path.stem, []).append(path)
    return {stem: sorted(paths) for stem, paths in sorted(found.items())}
