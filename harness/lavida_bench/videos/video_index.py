"""Where the pictures of a video file are: counted by reading its packets, which decodes nothing.

The number of packets is the number of frames of a sound file, whatever its header says, and it also counts frames that
are broken: those keep their numbers. Files whose packets carry no or ambiguous times are counted by decoding.
An index is made once a file and kept in lavida_gen's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Counts
from lavida_gen.common.errors import DataError, problem
from lavida_gen.storage import cache

VERSION = 1


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """Frames of a video file.

    times     (F,) int64 ascending presentation times in the stream's time base; (0,) if frames must be counted
    keys      (k,) int64 frame numbers at which decoding can begin, ascending
    seeks     (k,) int64 the keys' decoding times, to seek to
    count     F
    promised  frames that the container's header claims, 0 if it does not say
    size      (H, W) as shown;  fps the mean rate, None if unknown
    turn      quarter turns counterclockwise that the file asks for
    """

    times: Counts
    keys: Counts
    seeks: Counts
    count: int
    promised: int
    size: tuple[int, int]
    fps: float | None
    turn: int


def read_index(path: Path) -> VideoIndex:
    """The index of a file, from the cache if the file is unchanged. Raises DataError for what is no video."""
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "a video file")) from error
    parts = [str(path.resolve()), str(stat.st_size), str(stat.st_mtime_ns)]
    found = cache.cached_arrays("video-index", VERSION, parts, lambda: _arrays(path))
    count, promised, height, width, turn = (int(n) for n in found["facts"])
    rate = float(found["rate"][0])
    times, keys, seeks = (np.asarray(found[name]) for name in ("times", "keys", "seeks"))
    return VideoIndex(times, keys, seeks, count, promised, (height, width), rate or None, turn)


def open_error(error: Exception, path: Path | None) -> str:
    """Why FFmpeg does not open a file or an address, without naming it: the message that holds this does."""
    if path is not None and path.is_file() and not path.stat().st_size:
        return "empty file"
    return f"cannot be opened ({ffmpeg_message(error)})"


def ffmpeg_message(error: Exception) -> str:
    """FFmpeg's own words, but for those of a line that was silent for too long: "Immediate exit requested"."""
    import av

    silent = isinstance(error, av.error.ExitError)
    return "nothing came for too long" if silent else str(getattr(error, "strerror", None) or error)


def open_video(path: Path) -> tuple[Any, Any]:
    """(container, its first video stream) of PyAV, decoding on all cores. Raises DataError for what is no video."""
    import av

    try:
        container = av.open(str(path), metadata_errors="replace")  # titles in Latin-1, say
    except (OSError, av.error.FFmpegError) as error:
        todo = "fetch the file again: it is damaged or only partly there"
        raise DataError(problem(path, open_error(error, path), "a video file", todo)) from error
    if not container.streams.video:
        container.close()
        raise DataError(problem(path, "has no video stream", "a video file"))
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return container, stream


def decoded_pictures(container: Any, stream: Any, broke_off: Callable[[str], None] = lambda why: None) -> Iterator[Any]:
    """Frames in order of presentation from where the container stands; what cannot be decoded is left out.

    broke_off   is told why, if the packets end with an error
    """
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError as error:  # give what the decoder still holds
            broke_off(ffmpeg_message(error))
            yield from _flushed(stream)
            return
        try:
            yield from packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            continue


def _flushed(stream: Any) -> Iterator[Any]:
    import av

    try:
        yield from stream.codec_context.decode(None)
    except av.error.FFmpegError:
        return


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    import av

    container, stream = open_video(path)
    with container:
        rows: list[tuple[int | None, int | None, bool]] = []
        try:
            for packet in container.demux(stream):
                if packet.size and not packet.is_discard:
                    rows.append((packet.pts, packet.dts, packet.is_keyframe))
        except av.error.FFmpegError:
            pass  # the file breaks off here: what came before counts, `promised` tells how much is missing
        promised, rate = int(stream.frames), float(stream.average_rate or 0)
    shown = [pts for pts, _, _ in rows if pts is not None]
    clear = len(shown) == len(rows) == len(set(shown))
    height, width, turn, decoded = _look(path, count=not clear)
    order = sorted((pts, dts if dts is not None else pts, key) for pts, dts, key in rows if pts is not None)
    keys = [at for at, row in enumerate(order) if row[2]] if clear else []
    count = len(rows) if clear else decoded
    if count == 0:
        raise DataError(problem(path, "holds no picture", "a video file", "fetch the file again"))
    return {
        "times": np.array([row[0] for row in order] if clear else [], np.int64),
        "keys": np.array(keys, np.int64),
        "seeks": np.array([order[at][1] for at in keys], np.int64),
        "facts": np.array([count, promised, height, width, turn], np.int64),
        "rate": np.array([rate], np.float64),
    }


def _look(path: Path, count: bool) -> tuple[int, int, int, int]:
    """(H, W, quarter turns) of the first picture that decodes, and with `count` how many decode."""
    container, stream = open_video(path)
    height = width = turn = number = 0
    with container:
        for frame in decoded_pictures(container, stream):
            number += 1
            if number == 1:
                height, width, turn = frame.height, frame.width, round(frame.rotation / 90) % 4
            if not count and number:
                break
    if not number:
        raise DataError(problem(path, "no picture can be decoded", "a video file", "fetch the file again"))
    return (width, height, turn, number) if turn % 2 else (height, width, turn, number)
