"""A test video stored as a video file: any frame by its number, exactly, with a decoder that continues where it is.

reader = VideoFile(Path("vtest.avi"))
reader(100, 164, 2)                # uint8 (32, H, W, 3) RGB

Reading on decodes each frame once. Reading at another position seeks to the key frame before it and matches
presentation times, so that variable frame rates and B-frames make no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lavida_bench.videos.media import Media
from lavida_bench.videos.types import Counts, Pixels
from lavida_bench.videos.video_index import decoded_pictures, open_video, read_index
from lavida_gen.common.errors import DataError, problem

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

SEEK = 32
"""Seeking takes about as long as decoding this number of frames."""

Numbered = tuple[int, "VideoFrame"]
"""Frame number and picture."""


class VideoFile(Media):
    """Frames of a video file. It is open from the first frame read to the last, or to `close`; pickling closes it.

    Args:
        path: A video file.

    Raises:
        DataError: The file cannot be read or is no video.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = read_index(path)
        super().__init__(self.index.count, self.index.size, self.index.fps)
        if self.index.promised > self.frame_count:
            note = f"its header claims {self.index.promised:,} frames, the file has {self.frame_count:,}"
            self.notes.append(note)
        self._container: InputContainer | None = None
        self._scaler: VideoReformatter | None = None  # one a file: making one takes longer than a frame
        self._frames: Iterator[Numbered] = iter(())
        self._next = self.frame_count  # the number of the frame that `_frames` gives next; the end while closed
        self._held: Numbered | None = None  # read ahead, not used yet
        self._good: Numbered | None = None  # the last picture that was used or skipped

    def __getstate__(self) -> dict[str, Any]:
        """Without the open file."""
        self.close()
        return self.__dict__ | {"_frames": (), "_scaler": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"_frames": iter(())})

    def _rewound(self) -> tuple[InputContainer, VideoStream]:
        """The container and its video stream, without pictures from what was read before."""
        from av.video.reformatter import VideoReformatter

        self._held = self._good = None
        if self._container is None:
            self._container, _ = open_video(self.path)
            self._scaler = VideoReformatter()
        return self._container, self._container.streams.video[0]

    def close(self) -> None:
        """Close the file and its decoder."""
        if self._container is not None:
            self._container.close()
        self._container = None  # each of the two keeps a thread for every core
        self._scaler = None
        self._frames, self._next = iter(()), self.frame_count
        self._held = self._good = None

    def decoded(self, numbers: range) -> Iterator[Pixels]:
        """Each frame, or the nearest good one for a broken one."""
        for number in numbers:
            yield self._pixels(number, self._picture(number))
        if self._next >= self.frame_count:
            self.close()

    def seconds(self, numbers: Counts) -> list[float] | None:
        """Presentation times; where pictures have none, by the mean rate."""
        if not len(self.index.times):
            return super().seconds(numbers)
        times: list[float] = ((self.index.times[numbers] - self.index.times[0]) * self.index.tick).tolist()
        return times if self.index.tick else None

    def _picture(self, number: int) -> VideoFrame:
        """The decoder's picture of a frame; of a broken one the nearest before it, or after it at the beginning."""
        self._approach(number)
        while True:
            decoded = self._take()
            if decoded is None or decoded[0] > number:
                return self._stand_in(number, decoded)
            self._good, self._next = decoded, decoded[0] + 1
            if decoded[0] == number:
                return decoded[1]

    def _take(self) -> Numbered | None:
        """The next picture; None at the end."""
        if self._held is not None:
            held, self._held = self._held, None
            return held
        return next(self._frames, None)

    def _stand_in(self, number: int, following: Numbered | None) -> VideoFrame:
        """The picture shown in place of a frame that cannot be decoded; `following` is the next one that can."""
        self.broken.setdefault(number, "cannot be decoded")
        if following is not None:
            self._held = following
        self._next = number + 1
        nearest = following if self._good is None else self._good
        if nearest is None:
            raise DataError(problem(self.path, "no picture can be decoded", "a video file", "fetch the file again"))
        return nearest[1]

    def _approach(self, number: int) -> None:
        """Bring the decoder to a frame at or before `number`: by reading on if that is nearer, else by seeking."""
        keys = self.index.keys
        key = int(np.searchsorted(keys, number, side="right")) - 1
        nearest = int(keys[key]) if key >= 0 else 0
        if self._next <= number and (number - self._next <= number - nearest + SEEK or not len(keys)):
            return
        while key > 0:
            if self._seek(key):
                return
            key -= 1  # the key frame itself is broken: begin at the one before
        self.close()
        container, stream = self._rewound()
        self._frames, self._next = self._numbered(container, stream), 0

    def _seek(self, key: int) -> bool:
        """Seek to key frame number `key`; False if it cannot be decoded."""
        container, stream = self._rewound()
        container.seek(int(self.index.seeks[key]), stream=stream, backward=True, any_frame=False)
        self._frames = self._numbered(container, stream)
        for decoded in self._frames:
            # An open group of pictures begins with frames that refer to earlier ones.
            if decoded[0] < self.index.keys[key]:
                continue
            if decoded[0] != self.index.keys[key]:
                return False
            self._held, self._next = decoded, decoded[0]
            return True
        return False

    def _numbered(self, container: InputContainer, stream: VideoStream) -> Iterator[Numbered]:
        """Number and picture in order, each number once; pictures that are not in the index are left out."""
        times = self.index.times
        last = -1
        for count, picture in enumerate(decoded_pictures(container, stream)):
            number = count
            if len(times):
                if picture.pts is None:
                    continue
                number = int(np.searchsorted(times, picture.pts))
                if number == len(times) or times[number] != picture.pts:
                    continue
            if last < number < self.frame_count:
                last = number
                yield number, picture

    def _pixels(self, number: int, picture: VideoFrame) -> Pixels:
        """(H, W, 3) uint8 RGB: turned as the file asks, at the size of the first picture."""
        assert self._scaler is not None, "open while pictures are read"
        turn = self.index.turn
        height, width = self.size[::-1] if turn % 2 else self.size
        if (picture.height, picture.width) != (height, width):
            self.broken.setdefault(number, f"is {picture.width} x {picture.height} pixels, resized")
        if picture.is_corrupt:
            self.broken.setdefault(number, "is damaged, shown as the decoder repairs it")
        scaled = self._scaler.reformat(picture, format="rgb24", width=width, height=height)
        pixels: Pixels = np.asarray(scaled.to_ndarray(), np.uint8)
        return np.rot90(pixels, turn) if turn else pixels
