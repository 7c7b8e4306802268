"""What the miniatures of benchmarks are drawn with: small videos, frames and masks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (48, 64)  # H, W


def pictures(frames: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """(F, H, W, 3): a grey level from which the frame's number follows, a square that moves; codecs keep both apart."""
    found = np.zeros((frames, *size, 3), np.uint8)
    for frame in range(frames):
        found[frame] = 20 + (frame * 37) % 200
        at = frame * 3 % (size[1] - 16)
        found[frame, 8:24, at : at + 16] = (255, 255 - frame * 5 % 250, 40)
    return found


def mask(frame: int, size: tuple[int, int] = SIZE, value: int = 255) -> NDArray[np.uint8]:
    """(H, W): `value` where the square of `pictures` is."""
    found = np.zeros(size, np.uint8)
    at = frame * 3 % (size[1] - 16)
    found[8:24, at : at + 16] = value
    return found


def video(
    path: Path, frames: int, size: tuple[int, int] = SIZE, fps: int = 25, codec: str = "", gop: int = 6, bframes: int = 0,
    times: list[int] | None = None, title: bytes = b"",
) -> Path:  # fmt: skip
    """Writes `pictures`; times are presentation times in 1/fps seconds, for a rate that varies; a title in any encoding."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = codec or ("mpeg4" if path.suffix == ".avi" else "libx264")
    stand_in = "~" * len(title)  # PyAV writes UTF-8 alone
    with av.open(str(path), "w") as container:
        if title:
            container.metadata["title"] = stand_in
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = gop, bframes
        stream.codec_context.time_base = Fraction(1, fps)
        for number, pixels in enumerate(pictures(frames, size)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number if times is None else times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if title:
        data = path.read_bytes()
        assert data.count(stand_in.encode()) == 1
        path.write_bytes(data.replace(stand_in.encode(), title))
    return path


def images(folder: Path, names: list[str], size: tuple[int, int] = SIZE) -> None:
    """`pictures`, one file a name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in zip(names, pictures(len(names), size), strict=True):
        Image.fromarray(pixels).save(folder / name)


def image(path: Path, values: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
