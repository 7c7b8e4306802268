"""The base of all readers of test videos: frames by number; lost and broken ones are reported, never silently replaced.

A picture that cannot be decoded is shown as the one before it and listed in `broken`: frames keep their numbers, to
which the annotations refer. Letters: n frames of one call, F frames of the video, H W pixels.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lavida_bench.videos.types import Counts, Pixels
from lavida_gen.common.errors import DataError, problem

MAX_FRAMES = 5_000_000
"""Frames of a video: two days at 25 a second. Numbers beyond that are none of frames."""
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg")
STRAY = ("thumbs.db", "desktop.ini")


class Media(ABC):
    """Frames of one video by number.

    Attributes:
        frame_count: F, exact.
        size: (H, W) in pixels.
        fps: Frames a second (the mean, where the rate varies), None if unknown.
        broken: Frame number -> the problem with it, of the frames that were decoded so far.
        notes: Problems of the whole video.
    """

    def __init__(self, frame_count: int, size: tuple[int, int], fps: float | None) -> None:
        self.frame_count, self.size, self.fps = frame_count, size, fps
        self.broken: dict[int, str] = {}
        self.notes: list[str] = []

    def __call__(self, start: int, stop: int, step: int = 1) -> Pixels:
        """Decode the frames start, start + step, ... below stop.

        Args:
            start: First frame number.
            stop: End, exclusive; at most F.
            step: At least 1.

        Returns:
            (n, H, W, 3) uint8 RGB.

        Raises:
            DataError: No frame can be decoded.
        """
        assert 0 <= start < stop <= self.frame_count, f"frames {start}..{stop} of {self.frame_count}"
        numbers = range(start, stop, step)
        frames = np.empty((len(numbers), *self.size, 3), np.uint8)
        for row, pixels in zip(range(len(numbers)), self.decoded(numbers), strict=True):
            frames[row] = pixels
        return frames

    def seconds(self, numbers: Counts) -> list[float] | None:
        """Return the time of each of some frames, since any moment; None if unknown.

        Args:
            numbers: (n,) int64 frame numbers.
        """
        return None if self.fps is None else (numbers / self.fps).tolist()

    @abstractmethod
    def decoded(self, numbers: range) -> Iterator[Pixels]:
        """(H, W, 3) uint8 RGB of each of the frames `numbers`, in order."""

    def close(self) -> None:  # noqa: B027  # most readers hold nothing open
        """Close open files and decoders; the next call opens them again. Not while another thread reads."""


class TruncatedVideo(Media):
    """The first frames of another reader, for a benchmark that cuts its videos.

    Args:
        whole: The reader of the uncut video; `broken` and `notes` are shared with it.
        frame_count: F, at most that of `whole`.
    """

    def __init__(self, whole: Media, frame_count: int) -> None:
        assert frame_count <= whole.frame_count, f"{frame_count} of {whole.frame_count} frames"
        super().__init__(frame_count, whole.size, whole.fps)
        self.whole, self.broken, self.notes = whole, whole.broken, whole.notes

    def decoded(self, numbers: range) -> Iterator[Pixels]:
        """Frames of the uncut video."""
        return self.whole.decoded(numbers)

    def seconds(self, numbers: Counts) -> list[float] | None:
        """Times in the uncut video."""
        return self.whole.seconds(numbers)

    def close(self) -> None:
        """Close the uncut video."""
        self.whole.close()


def is_stray(name: str) -> bool:
    """Whether a file name is one that desktops create (``._x``, ``.DS_Store``, ``Thumbs.db``)."""
    return name.startswith(".") or name.lower() in STRAY


def frame_number(path: Path) -> int:
    """The last number in a file's stem: frame001.bmp -> 1.

    Args:
        path: An image file.

    Returns:
        The number.

    Raises:
        DataError: There is none.
    """
    digits = re.findall(r"\d+", path.stem)
    if not digits:
        raise DataError(problem(path, "no number in its name", "a frame number", "rename or remove the file"))
    return int(digits[-1])


def without_suffix(name: str) -> str:
    """A name without the suffix of a video, in upper or lower case.

    Args:
        name: The name of a file or of a video.

    Returns:
        The name up to the suffix.
    """
    suffix = next((suffix for suffix in VIDEOS if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def numbered_files(folder: Path, suffixes: Sequence[str] = IMAGES) -> dict[int, Path]:
    """Find the frames in a folder.

    Args:
        folder: A folder of image files, each with the frame's number in its name.
        suffixes: Suffixes of the files, in lower case; others are ignored.

    Returns:
        Frame number -> file, ascending, without stray files.

    Raises:
        DataError: A file has no number, or two files have the same.
    """
    files = [f for f in folder.iterdir() if f.suffix.lower() in suffixes and not is_stray(f.name)]
    numbered: dict[int, Path] = {}
    for number, path in sorted((frame_number(file), file) for file in files):
        if number in numbered:
            got = f"has the number of {numbered[number].name}"
            raise DataError(problem(path, got, "one file a frame", "remove one of them"))
        numbered[number] = path
    return numbered


def walk(root: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder, sorted by name within each.

    Args:
        root: The folder; links to folders are followed, each folder once: a link to a folder above it has no end.

    Yields:
        The files, and links that lead nowhere.
    """
    seen: set[tuple[int, int]] = set()
    for folder, below, files in os.walk(root, followlinks=True):
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) in seen:
            below.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        below.sort()
        yield from (Path(folder, name) for name in sorted(files))


def find_videos(root: Path) -> dict[str, list[Path]]:
    """Find the video files anywhere below a folder.

    Args:
        root: The folder; links to folders are followed, each folder once.

    Returns:
        Stem -> files of that stem, without stray files; the stems and each list are sorted.
    """
    videos: dict[str, list[Path]] = {}
    for path in walk(root):
        if path.suffix.lower() in VIDEOS and not is_stray(path.name):
            videos.setdefault(path.stem, []).append(path)
    return {stem: sorted(paths) for stem, paths in sorted(videos.items())}
