"""The positions of the pictures in a video file, found by reading its packets, which decodes nothing.

The number of packets is the number of frames of an intact file, whatever its header claims, and it also counts broken
frames: these keep their numbers. Files whose packets have no or ambiguous times are counted by decoding. An index is
made once for each file and kept in lavida_gen's cache.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.media import MAX_FRAMES
from lavida_bench.videos.types import Counts
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PIXELS, MAX_STREAM, check_pixels, open_input
from lavida_gen.common.video_titles import any_titles
from lavida_gen.storage import cache

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

VERSION = 2
WITHOUT_TIMES = 0x80
"""FFmpeg's flag AVFMT_NOTIMESTAMPS of formats that hold pictures alone (raw H.264, JPEGs): it invents 25 a second."""
FORMATS = (
    "3gp apng asf av1 avi dv flv gif h264 hevc ivf matroska mjpeg mov mp4 mpeg mpegts mpegvideo mxf nut obu ogg rm webm"
    " aac flac mp3 wav"  # which have no picture, and a message of their own
)
"""Formats of video files by FFmpeg's names. It knows more, such as playlists, which name other files and addresses."""
_PIXELS = {"max_pixels": str(MAX_PIXELS)}
FILE_OPTIONS: dict[str, Any] = {"container_options": {"format_whitelist": ",".join(FORMATS.split())}}
"""Arguments of `av.open` for files that somebody else may have made."""


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """Frames of a video file. F frames, k key frames.

    Attributes:
        times: (F,) int64, ascending presentation times in the stream's time base; (0,) if frames must be counted.
        keys: (k,) int64, numbers of the frames at which decoding can begin, ascending.
        seeks: (k,) int64, decoding times of these frames, to seek to.
        count: F.
        promised: Number of frames that the container's header claims; 0 if it claims none.
        size: (H, W) in pixels, as shown.
        fps: Mean rate in frames a second, None if unknown.
        tick: Seconds of a unit of `times`, 0.0 if unknown.
        turn: Quarter turns counterclockwise by which the file asks to be shown.
    """

    times: Counts
    keys: Counts
    seeks: Counts
    count: int
    promised: int
    size: tuple[int, int]
    fps: float | None
    tick: float
    turn: int


def read_index(path: Path) -> VideoIndex:
    """Index a video file, or take the index from the cache if the file is unchanged.

    Args:
        path: A video file.

    Returns:
        The index.

    Raises:
        DataError: The file cannot be read or is no video.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "a video file")) from error
    parts = [str(path.resolve()), str(stat.st_size), str(stat.st_mtime_ns)]
    arrays = cache.cached_arrays("video-index", VERSION, parts, lambda: _arrays(path))
    count, promised, height, width, turn = (int(n) for n in arrays["facts"])
    rate, tick = (float(n) for n in arrays["rate"])
    times, keys, seeks = (np.asarray(arrays[name]) for name in ("times", "keys", "seeks"))
    return VideoIndex(times, keys, seeks, count, promised, (height, width), rate or None, tick, turn)


def open_error(error: Exception, path: Path | None) -> str:
    """Why FFmpeg does not open a file or an address.

    Args:
        error: FFmpeg's error.
        path: The file; None for an address.

    Returns:
        The reason, without the file's name: the message that contains the reason names it.
    """
    if path is not None and path.is_file() and not path.stat().st_size:
        return "empty file"
    if path is not None and path.is_file() and getattr(error, "errno", None) == errno.EINVAL:
        return "cannot be opened (its format is none of video files)"
    return f"cannot be opened ({ffmpeg_message(error)})"


def ffmpeg_message(error: Exception) -> str:
    """FFmpeg's own message, except for a connection that was silent for too long.

    Args:
        error: FFmpeg's error.

    Returns:
        The message; in place of FFmpeg's "Immediate exit requested" that nothing came for too long.
    """
    import av

    if isinstance(error, av.error.ExitError):
        return "nothing came for too long"
    return str(getattr(error, "strerror", None) or error)


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a video file with PyAV, to be decoded on all cores.

    Args:
        path: A video file.

    Returns:
        The container and its first video stream.

    Raises:
        DataError: The file cannot be opened or has no video stream.
    """
    import av

    todo = "fetch the file again: it is damaged or only partly there"
    open_input(path, MAX_STREAM, "a video file", todo).close()  # a regular file
    try:
        container = av.open(str(path), **any_titles(), **FILE_OPTIONS)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise DataError(problem(path, open_error(error, path), "a video file", todo)) from error
    if not container.streams.video:
        container.close()
        raise DataError(problem(path, "has no video stream", "a video file"))
    stream = container.streams.video[0]
    prepare(stream, path)
    return container, stream


def prepare(stream: VideoStream, where: object) -> None:
    """Let a stream be decoded on all cores, and no picture be larger than `MAX_PIXELS`.

    Args:
        stream: A stream whose decoder is not open yet.
        where: Names it in errors.

    Raises:
        DataError: Its header states larger pictures.
    """
    if stream.width and stream.height:  # a live stream may not know them yet
        check_pixels(stream.width, stream.height, where)
    stream.thread_type = "AUTO"
    stream.codec_context.options = _PIXELS


def has_times(container: InputContainer) -> bool:
    """Whether the format of a container has the times of its pictures.

    Args:
        container: An open container.
    """
    return not container.format.flags & WITHOUT_TIMES


def decoded_pictures(
    container: InputContainer, stream: VideoStream, on_break: Callable[[str], None] = lambda why: None
) -> Iterator[VideoFrame]:
    """Decode a stream from the current position of its container.

    Args:
        container: An open container.
        stream: One of its video streams.
        on_break: Called with the reason if the packets end with an error.

    Yields:
        The pictures in order of presentation; what cannot be decoded is left out.
    """
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError as error:  # yield what the decoder still holds
            on_break(ffmpeg_message(error))
            yield from _flushed(stream)
            return
        try:
            yield from packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            continue


def _flushed(stream: VideoStream) -> Iterator[VideoFrame]:
    """The pictures that the decoder still holds."""
    import av

    try:
        yield from stream.codec_context.decode(None)
    except av.error.FFmpegError:
        return


class _Packet(NamedTuple):
    """Presentation time, decoding time, and whether decoding can begin here."""

    pts: int | None
    dts: int | None
    is_key: bool


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[_Packet]:
    """The packets with a picture; a file that breaks off ends where it breaks off."""
    import av

    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                yield _Packet(packet.pts, packet.dts, packet.is_keyframe)
    except av.error.FFmpegError:
        return


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The index as the cache stores it."""
    container, stream = open_video(path)
    with container:
        packets = list(islice(_packets(container, stream), MAX_FRAMES + 1))
        if len(packets) > MAX_FRAMES:
            raise DataError(problem(path, "has too many frames", f"at most {MAX_FRAMES:,}", "cut it into parts"))
        promised = int(stream.frames)
        rate, tick = (float(stream.average_rate or 0), float(stream.time_base or 0)) if has_times(container) else (0, 0)
    times = [packet.pts for packet in packets if packet.pts is not None]
    unambiguous = len(times) == len(packets) == len(set(times))
    first = _first_picture(path, count=not unambiguous)
    if unambiguous:
        order = sorted(
            (packet.pts, packet.pts if packet.dts is None else packet.dts, packet.is_key)
            for packet in packets
            if packet.pts is not None
        )
        keys = [number for number, (_, _, is_key) in enumerate(order) if is_key]
        count = len(packets)
    else:
        order, keys, count = [], [], first.decoded
    if count == 0:
        raise DataError(problem(path, "holds no picture", "a video file", "fetch the file again"))
    return {
        "times": np.array([pts for pts, _, _ in order], np.int64),
        "keys": np.array(keys, np.int64),
        "seeks": np.array([order[number][1] for number in keys], np.int64),
        "facts": np.array([count, promised, first.height, first.width, first.turn], np.int64),
        "rate": np.array([rate, tick], np.float64),
    }


class _FirstPicture(NamedTuple):
    """Size in pixels as shown and quarter turns of the first picture that decodes; `decoded`: how many decode."""

    height: int
    width: int
    turn: int
    decoded: int


def _first_picture(path: Path, count: bool) -> _FirstPicture:
    """Without `count`, decoding stops at the first picture."""
    container, stream = open_video(path)
    with container:
        pictures = decoded_pictures(container, stream)
        first = next(pictures, None)
        if first is None:
            raise DataError(problem(path, "no picture can be decoded", "a video file", "fetch the file again"))
        turn = round(first.rotation / 90) % 4
        height, width = (first.width, first.height) if turn % 2 else (first.height, first.width)
        decoded = 1 + sum(1 for _ in pictures) if count else 1
    return _FirstPicture(height, width, turn, decoded)
