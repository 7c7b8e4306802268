"""Frames of anything that FFmpeg opens, one after another and never all at once: a file, a URL, a camera, a pipe.

for frame in Stream("rtsp://camera/1"): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

from lavida_bench.videos.picture import Picture
from lavida_bench.videos.pipe import Pipe
from lavida_bench.videos.video_index import FILE_OPTIONS, decoded_pictures, has_times, open_error, prepare
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.text import without_secrets
from lavida_gen.common.video_titles import any_titles

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

TIMEOUT = (10.0, 10.0)
"""Seconds to wait for a stream to open, and for its next packet."""
USUAL_FPS = 25.0
ARRIVING = "mpjpeg"
"""FFmpeg's name of the format in which cameras send JPEGs by HTTP as they take them. Of raw H.264 it reads
seconds ahead to find out what it is, so that arrival has no meaning."""


@dataclass(frozen=True, slots=True, eq=False)
class StreamFrame:
    """One frame of a stream.

    Attributes:
        number: From 0.
        seconds: Time from the first frame: of presentation, or of arrival where a camera sends pictures without times.
        picture: What the frame shows.
        timed: False where the source has no times, and `seconds` only counts frames at a usual rate.
    """

    number: int
    seconds: float
    picture: Picture
    timed: bool = True


class Stream:
    """One pass over a source; all frames have the size of the first.

    Attributes:
        name: Name of the source, for messages.
        live: True unless the source is the path of a file: its length is unknown, and it cannot be read again.
        fps: Frames a second, as the source claims, else 25.
        broken: Number of frames so far that were damaged.
        lost: Why the stream ended early (a camera that fell silent), "" if it did not.

    Args:
        source: A file, a URL, a camera's device file, or an open binary file.

    Raises:
        DataError: The source cannot be opened or has no video stream.
    """

    def __init__(self, source: str | Path | BinaryIO) -> None:
        self.name = without_secrets(getattr(source, "name", source))
        address = str(source) if isinstance(source, str | Path) else ""
        self.live = not Path(address).is_file()
        self.broken = 0
        self.lost = ""
        self._pipe = Pipe.of(source)
        self._container = _open(source, address, self.name) if self._pipe is None else self._open_pipe(self._pipe)
        self._video = self._container.streams.video[0]
        prepare(self._video, self.name)
        rate = self._video.average_rate or self._video.guessed_rate
        self.fps = float(rate or USUAL_FPS)
        self._has_times = has_times(self._container)
        self._has_rate = self._has_times and bool(rate)
        self._arrives = self._container.format.name == ARRIVING
        if self._arrives:
            self._video.thread_type = "SLICE"  # threads for frames hold pictures back, one for every core

    def _open_pipe(self, pipe: Pipe) -> InputContainer:
        """In a thread: PyAV ignores ctrl-C while it reads, and this one reads until it knows what comes."""
        with ThreadPoolExecutor(1) as threads:
            try:
                return threads.submit(_open, pipe, "", self.name).result()
            except BaseException:
                pipe.stop()
                pipe.close()
                raise

    def __iter__(self) -> Iterator[StreamFrame]:
        """The frames; damaged ones as the decoder repairs them, those that cannot be decoded are left out."""
        size: tuple[int, int] | None = None
        first: float | None = None
        seconds = 0.0
        for number, picture in enumerate(decoded_pictures(self._container, self._video, self._note_break)):
            size = size or (picture.height, picture.width)
            self.broken += bool(picture.is_corrupt)
            time = self._time(picture)
            if time is None:  # a camera's first frames may have no time
                seconds = seconds + 1 / self.fps if number else 0.0
            else:
                first = time - number / self.fps if first is None else first
                seconds = max(0.0, time - first)
            timed = self._has_rate if time is None else self._has_times or self._arrives
            turn = round(picture.rotation / 90) % 4
            yield StreamFrame(number, seconds, Picture(picture, size, turn), timed)
        if size is None:
            raise DataError(problem(self.name, "no picture can be decoded", "a video"))

    def _time(self, picture: VideoFrame) -> float | None:
        """Seconds since any moment; None if unknown."""
        if self._arrives:
            return monotonic()
        if picture.pts is None or self._video.time_base is None:
            return None
        return float(picture.pts * self._video.time_base)

    def _note_break(self, why: str) -> None:
        self.lost = why

    def stop(self) -> None:
        """End the frames soon, from another thread than the one that reads them: a pipe may be silent for hours."""
        if self._pipe:
            self._pipe.stop()

    def close(self) -> None:
        """Close the source."""
        self._container.close()
        if self._pipe:
            self._pipe.close()


def _open(source: str | Path | BinaryIO | Pipe, address: str, name: str) -> InputContainer:
    """`address` is "" for an open file. Raises DataError for a source without a video stream."""
    import av

    remote = "://" in address
    limits = FILE_OPTIONS if address and Path(address).is_file() else {}
    try:
        container: InputContainer = av.open(
            address or source,
            mode="r",
            format="v4l2" if address.startswith("/dev/video") else None,
            options={"rtsp_transport": "tcp"} if address.startswith("rtsp") else {},
            timeout=TIMEOUT if remote else None,
            **any_titles(),
            **limits,
        )
    except (OSError, av.error.FFmpegError) as error:
        todo = "is the address right, and does the camera send?" if remote else "is it a video file?"
        got = without_secrets(open_error(error, Path(address) if address else None))
        raise DataError(problem(name, got, "a video", todo)) from error
    if not container.streams.video:
        container.close()
        raise DataError(problem(name, "has no video stream", "a video"))
    return container
