"""A test video that lies as a video file: any frame by its number, exactly, with a decoder that goes on where it is.

reader = VideoFile(Path("vtest.avi"))
reader(100, 164, 2)                # uint8 (32, H, W, 3) RGB

Reading on decodes each frame once; reading elsewhere seeks to the key frame before and matches presentation times, so
that variable frame rates and B-frames make no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lavida_bench.videos.media import Media
from lavida_bench.videos.types import Pixels
from lavida_bench.videos.video_index import decoded_pictures, open_video, read_index
from lavida_gen.common.errors import DataError, problem

SEEK = 32
"""Seeking takes about as long as decoding so many frames."""


class VideoFile(Media):
    """Frames of a video file. It is open from the first frame read to the last, or to `close`; pickling closes it."""

    def __init__(self, path: Path) -> None:
        self.path, self.index = path, read_index(path)
        super().__init__(self.index.count, self.index.size, self.index.fps)
        if self.index.promised > self.frame_count:
            note = f"its header promises {self.index.promised:,} frames, {self.frame_count:,} are there"
            self.notes.append(note)
        self._container: Any = None
        self._scaler: Any = None  # one for the whole file: making one for each frame takes longer than the frame
        self._frames: Iterator[tuple[int, Any]] = iter(())
        self._next = self.frame_count  # the number of the frame that `_frames` gives next; the end while closed
        self._held: tuple[int, Any] | None = None  # read ahead, not used yet
        self._good: tuple[int, Any] | None = None  # the last picture that was passed on or over

    def __getstate__(self) -> dict[str, Any]:
        """Without the open file."""
        self.close()
        return self.__dict__ | {"_frames": (), "_scaler": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"_frames": iter(())})

    def _rewound(self) -> Any:
        """The video stream, with nothing left of what was read before."""
        from av.video.reformatter import VideoReformatter

        self._held = self._good = None
        if self._container is None:
            self._container, _ = open_video(self.path)
            self._scaler = VideoReformatter()
        return self._container.streams.video[0]

    def close(self) -> None:
        """See Media."""
        if self._container is not None:
            self._container.close()
        self._container = self._scaler = None  # each of the two keeps a thread for every core
        self._frames, self._next = iter(()), self.frame_count
        self._held = self._good = None

    def decoded(self, wanted: range) -> Iterator[Pixels]:
        """See Media."""
        for number in wanted:
            yield self._pixels(number, self._picture(number))
        if self._next >= self.frame_count:
            self.close()

    def _picture(self, number: int) -> Any:
        """The decoder's picture of a frame; of a broken one the nearest before it, or after it at the beginning."""
        self._approach(number)
        while True:
            at, picture = self._take()
            if picture is None or at > number:
                return self._missing(number, at, picture)
            self._good, self._next = (at, picture), at + 1
            if at == number:
                return picture

    def _take(self) -> tuple[int, Any]:
        """The next picture, or (F, None) at the end."""
        if self._held is not None:
            held, self._held = self._held, None
            return held
        return next(self._frames, (self.frame_count, None))

    def _missing(self, number: int, at: int, picture: Any) -> Any:
        """What stands for a frame that did not come: the decoder has gone on to `at`."""
        self.broken.setdefault(number, "cannot be decoded")
        if picture is not None:
            self._held = (at, picture)
        self._next = number + 1
        if self._good is None and picture is None:
            raise DataError(problem(self.path, "no picture can be decoded", "a video file", "fetch the file again"))
        return self._good[1] if self._good is not None else picture

    def _approach(self, number: int) -> None:
        """Brings the decoder to a frame at or before `number`: by reading on if that is nearer, else by seeking."""
        keys = self.index.keys
        at = int(np.searchsorted(keys, number, side="right")) - 1
        nearest = int(keys[at]) if at >= 0 else 0
        if self._next <= number and (number - self._next <= number - nearest + SEEK or not len(keys)):
            return
        while at > 0:
            if self._seek(at):
                return
            at -= 1  # the key frame itself is broken: begin at the one before
        self.close()
        self._frames, self._next = self._numbered(self._rewound()), 0

    def _seek(self, at: int) -> bool:
        """Seeks to key frame `at`; whether the first picture from there is at or before it."""
        stream = self._rewound()
        self._container.seek(int(self.index.seeks[at]), stream=stream, backward=True, any_frame=False)
        self._frames = self._numbered(stream)
        first = next(self._frames, (self.frame_count, None))
        while first[0] < self.index.keys[at]:  # open groups of pictures begin with frames that lack their references
            first = next(self._frames, (self.frame_count, None))
        if first[0] != self.index.keys[at]:
            return False
        self._held, self._next = first, first[0]
        return True

    def _numbered(self, stream: Any) -> Iterator[tuple[int, Any]]:
        """(frame number, picture) in order, each number once; pictures that the index does not know are left out."""
        times = self.index.times
        last = -1
        for count, picture in enumerate(decoded_pictures(self._container, stream)):
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

    def _pixels(self, number: int, picture: Any) -> Pixels:
        """RGB as shown: turned as the file asks, at the size of the first picture."""
        turn = self.index.turn
        height, width = self.size[::-1] if turn % 2 else self.size
        if (picture.height, picture.width) != (height, width):
            self.broken.setdefault(number, f"is {picture.width} x {picture.height} pixels, resized")
        if picture.is_corrupt:
            self.broken.setdefault(number, "is damaged, shown as the decoder mends it")
        pixels: Pixels = self._scaler.reformat(picture, format="rgb24", width=width, height=height).to_ndarray()
        return np.rot90(pixels, turn) if turn else pixels
