"""The video of frames with their scores drawn in."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from lavida_gen.common.atomic_file import partial_path, write_error

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

TICKS = 90_000  # units of presentation time per second
ENCODING = {"crf": "24", "preset": "superfast", "x264-params": "b-adapt=0:mbtree=0"}
"""Options of libx264 (docs/measurements/predict.md compares some): half the time of `veryfast` with CRF 23, a tenth
more bytes. Its mbtree reads memory that nobody has written (core 165): other bytes at each run."""


class OverlayWriter:
    """Writes an H.264 mp4, which gets its final name with `finish`; without it nothing stays."""

    def __init__(self, path: Path, fps: float, live: bool = False) -> None:
        """Prepare a file; it begins with the first frame.

        Args:
            path: Its final name.
            fps: Frames per second.
            live: Whether it can be played while it is written.
        """
        self.path, self.partial = path, partial_path(path)
        self._rate, self._live = Fraction(fps).limit_denominator(1001), live
        self._output: tuple[OutputContainer, VideoStream] | None = None
        self._last = -1

    def __enter__(self) -> OverlayWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import av

        if self._output is not None:  # not finished
            with suppress(OSError, av.error.FFmpegError):
                self._output[0].close()
        self.partial.unlink(missing_ok=True)

    def _open(self, first: VideoFrame) -> tuple[OutputContainer, VideoStream]:
        import av

        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof" if self._live else "faststart"}
        container = av.open(str(self.partial), "w", format="mp4", options=options)
        stream = container.add_stream("libx264", rate=self._rate, options=ENCODING)
        stream.height, stream.width, stream.pix_fmt = first.height, first.width, first.format.name
        encoder = stream.codec_context
        encoder.time_base = Fraction(1, TICKS)
        encoder.colorspace, encoder.color_range = first.colorspace, first.color_range
        encoder.color_primaries, encoder.color_trc = first.color_primaries, first.color_trc
        return container, stream

    def write(self, frame: VideoFrame, seconds: float) -> None:
        """Write a frame.

        Args:
            frame: The frame, with planes; the colour tags of the first one are those of the video.
            seconds: The time from which it is shown.

        Raises:
            DataError: The disk is full.
        """
        import av

        try:
            if self._output is None:
                self._output = self._open(frame)
            container, stream = self._output
            self._last = max(self._last + 1, round(seconds * TICKS))
            frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        except (OSError, av.error.FFmpegError) as error:
            raise write_error(self.path, error) from error

    def finish(self) -> None:
        """Close the file and rename it.

        Raises:
            DataError: The disk is full.
        """
        import av

        if self._output is None:
            return
        (container, stream), self._output = self._output, None
        try:
            container.mux(stream.encode())
            container.close()
            self.partial.replace(self.path)
        except (OSError, av.error.FFmpegError) as error:
            raise write_error(self.path, error) from error
