"""A test video stored as a folder of images, one a frame.

reader = FrameFolder.from_folder(Path("Test001"), first=1)
reader(100, 164, 2)                # uint8 (32, H, W, 3) RGB
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lavida_bench.videos.media import IMAGES, MAX_FRAMES, Media, numbered_files
from lavida_bench.videos.types import Pixels
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PICTURE, read_input
from lavida_gen.scenes.image_decoders import colours_by_pillow, header_by_pillow
from lavida_gen.scenes.images import decode, probe


class FrameFolder(Media):
    """Images by frame number; a number below `frame_count` without a file is a lost frame.

    Args:
        files: 0-based frame number -> image, at least one.
        frame_count: F; None = up to the highest number.
        fps: Frames a second, None if unknown.

    Raises:
        DataError: No image has a readable header.
    """

    def __init__(self, files: dict[int, Path], frame_count: int | None = None, fps: float | None = None) -> None:
        assert files, "a video of no frame"
        super().__init__(frame_count or max(files) + 1, _first_size(files), fps)
        self.files = files
        self._last: tuple[int, Pixels] | None = None  # number and pixels of the last good frame

    @classmethod
    def from_folder(cls, folder: Path, first: int | None = None, fps: float | None = None) -> FrameFolder:
        """The images of a folder in the order of their numbers.

        Args:
            folder: A folder of image files, each with the frame's number in its name.
            first: The number of frame 0, where the numbers count every frame: a gap is then a lost frame. None = the
                numbers only give the order.
            fps: Frames a second, None if unknown.

        Returns:
            The reader.

        Raises:
            DataError: No image in the folder, two of the same number, or a number below `first`.
        """
        files = numbered_files(folder)
        if not files:
            raise DataError(problem(folder, "holds no image", f"frames ({', '.join(IMAGES)})"))
        if first is not None and min(files) < first:
            raise DataError(problem(files[min(files)], f"number {min(files)}", f"frames numbered from {first}"))
        if first is None:
            return cls(dict(enumerate(files.values())), fps=fps)
        if max(files) - first >= MAX_FRAMES:
            got = f"frame {max(files) - first:,}"
            raise DataError(problem(files[max(files)], got, f"at most {MAX_FRAMES:,} frames", "rename the file"))
        return cls({number - first: path for number, path in files.items()}, fps=fps)

    def decoded(self, numbers: range) -> Iterator[Pixels]:
        """Each frame, or the nearest good one for a broken one."""
        return (self._frame(number) for number in numbers)

    def check_files(self) -> None:
        """Add lost frames to `broken`, without decoding."""
        for number in range(self.frame_count):
            if number not in self.files:
                self.broken[number] = "no file"

    def _frame(self, number: int) -> Pixels:
        """The frame; else the nearest good one before it, or at the beginning after it."""
        for nearest in (*range(number, -1, -1), *range(number + 1, self.frame_count)):
            if self._last is not None and self._last[0] == nearest:
                return self._last[1]
            pixels = self._image(nearest)
            if pixels is not None:
                self._last = (nearest, pixels)
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
    return read_input(path, MAX_PICTURE, "an image file")


def decode_file(path: Path, size: tuple[int, int] | None) -> Pixels:
    """Decode an image file.

    Args:
        path: An image file.
        size: The expected (H, W); None = any size.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: The file is broken, truncated or of another size.
    """
    data = _bytes(path)
    return _decode_tiff(data, size, path) if path.suffix.lower() in (".tif", ".tiff") else decode(data, size, path)


def _decode_tiff(data: bytes, size: tuple[int, int] | None, path: Path) -> Pixels:
    """Decode by Pillow, which refuses truncated files; OpenCV fills in what is missing."""
    found = header_by_pillow(data, path).size
    if size is not None and found != size:  # before it is decoded
        got = f"{found[1]} x {found[0]} pixels"
        raise DataError(problem(path, got, f"{size[1]} x {size[0]}, as the other frames"))
    return colours_by_pillow(data, path)
