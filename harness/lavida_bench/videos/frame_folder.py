"""A test video that lies as a folder of images, one a frame.

reader = FrameFolder.of(Path("Test001"), first=1)
reader(100, 164, 2)                # uint8 (32, H, W, 3) RGB
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lavida_bench.videos.media import IMAGES, Media, numbered_files
from lavida_bench.videos.types import Pixels
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.images import decode, probe


class FrameFolder(Media):
    """Images by 0-based frame number; a number below `frame_count` without a file is a lost frame."""

    def __init__(self, files: dict[int, Path], frame_count: int | None = None, fps: float | None = None) -> None:
        assert files, "a video of no frame"
        super().__init__(frame_count or max(files) + 1, _first_size(files), fps)
        self.files = files
        self._last: tuple[int, Pixels] | None = None

    @classmethod
    def of(cls, folder: Path, first: int | None = None, fps: float | None = None) -> FrameFolder:
        """The images of `folder` in the order of their numbers.

        first  the number of frame 0, where the numbers count every frame: a gap is then a lost frame. None: the numbers
               only give the order.
        Raises DataError for a folder without images, for equal numbers, for a number below `first`.
        """
        found = numbered_files(folder)
        if not found:
            raise DataError(problem(folder, "holds no image", f"frames ({', '.join(IMAGES)})"))
        if first is not None and min(found) < first:
            raise DataError(problem(found[min(found)], f"number {min(found)}", f"frames numbered from {first}"))
        rows = enumerate(found.values()) if first is None else ((n - first, path) for n, path in found.items())
        return cls(dict(rows), fps=fps)

    def decoded(self, wanted: range) -> Iterator[Pixels]:
        """See Media."""
        return (self._frame(number) for number in wanted)

    def check_files(self) -> None:
        """Notes lost frames as broken, without decoding."""
        for number in range(self.frame_count):
            if number not in self.files:
                self.broken[number] = "no file"

    def _frame(self, number: int) -> Pixels:
        """The frame; else the nearest good one before it, or at the beginning after it."""
        for at in (*range(number, -1, -1), *range(number + 1, self.frame_count)):
            if self._last is not None and self._last[0] == at:
                return self._last[1]
            pixels = self._image(at)
            if pixels is not None:
                self._last = (at, pixels)
                return pixels
        raise DataError(problem(next(iter(self.files.values())).parent, "no frame can be decoded", "image files"))

    def _image(self, number: int) -> Pixels | None:
        if number in self.broken:
            return None
        path = self.files.get(number)
        if path is None:
            self.broken[number] = "no file"
            return None
        try:
            return decode_file(path, self.size)
        except DataError as error:
            self.broken[number] = str(error)
            return None


def _first_size(files: dict[int, Path]) -> tuple[int, int]:
    """Size of the first image whose header can be read."""
    first: DataError | None = None
    for path in files.values():
        try:
            return probe(_bytes(path), path).size
        except DataError as error:
            first = first or error
    assert first is not None, "no file"
    raise first


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "an image file")) from error


def decode_file(path: Path, size: tuple[int, int] | None) -> Pixels:
    """Pixels (H, W, 3) uint8 RGB of an image file. Raises DataError if it is broken, truncated or of another size."""
    data = _bytes(path)
    return _decode_tiff(data, size, path) if path.suffix.lower() in (".tif", ".tiff") else decode(data, size, path)


def _decode_tiff(data: bytes, size: tuple[int, int] | None, path: Path) -> Pixels:
    """By Pillow, which refuses truncated files; OpenCV fills up what is missing."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(
            problem(path, f"cannot be decoded ({error})", "a whole TIFF", "fetch the file again")
        ) from error
    if size is not None and pixels.shape[:2] != size:
        got = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
        raise DataError(problem(path, got, f"{size[1]} x {size[0]}, as the other frames"))
    return pixels
