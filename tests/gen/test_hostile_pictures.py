"""Pictures and masks that state more than the memory holds, or make their decoder fail: an error before decoding."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lavida_gen.annotations import index_masks
from lavida_gen.common.errors import DataError
from lavida_gen.scenes import image_decoders, masks
from lavida_gen.scenes.image_header import inspect
from lavida_gen.scenes.images import Frame, decode


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def grey_png(width: int, height: int) -> bytes:
    """A whole PNG of one grey, 1 bit a pixel: 30,000 x 30,000 pixels are 112 kB."""
    packer = zlib.compressobj(1)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row * 100) for _ in range(height // 100)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header states another size than it was encoded with."""
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, "JPEG")
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp_of(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "BMP")
    data = bytearray(out.getvalue())
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


TOO_LARGE = {
    "png": grey_png(30_000, 30_000),
    "png beyond OpenCV": grey_png(50_000, 50_000),
    "jpeg": jpeg_of(60_000, 60_000),
    "bmp": bmp_of(12_000, 12_000),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
@pytest.mark.filterwarnings("ignore:Image size")
def test_pixels_are_counted_before_a_picture_or_mask_is_decoded(kind: str, tmp_path: Path) -> None:
    data = TOO_LARGE[kind]
    path = tmp_path / "picture"
    path.write_bytes(data)
    began = time.monotonic()
    for read in (
        lambda: decode(data, None, path),
        lambda: Frame.file(path, (8, 8)).jpeg(),
        lambda: inspect(path),
        lambda: index_masks.read(path),
        lambda: index_masks.read_bytes(data, path),
        lambda: masks.from_png(data, path) if kind.startswith("png") else index_masks.read_colours(path),
    ):
        with pytest.raises(
            DataError, match=r"picture: (\d+ x \d+|too many) pixels; expected at most 128,000,000 pixels"
        ):
            read()
    assert time.monotonic() - began < 2


def test_a_decoder_that_fails_is_a_data_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV refuses more than 2**30 pixels by an exception; with our own limit away, that is reached."""
    monkeypatch.setattr("lavida_gen.common.input_file.MAX_PIXELS", 10**12)
    data = grey_png(50_000, 50_000)
    with pytest.raises(DataError, match="mask 3: cannot be decoded"):
        masks.from_png(data, "mask 3")
    with pytest.raises(DataError, match="here: cannot be decoded"):
        decode(data, None, "here")


def test_mistakes_of_ours_behind_the_decoder_stay_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(image_decoders, "check_pixels", mistake)
    with pytest.raises(KeyError, match="ours"):
        index_masks.read_bytes(grey_png(100, 100), "mask")


def test_only_formats_of_pictures_are_opened(tmp_path: Path) -> None:
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    with Image.open(io.BytesIO(eps)) as image:
        assert image.format == "EPS", "Pillow would start Ghostscript"
    with pytest.raises(DataError, match=r"x: is not a readable image; expected JPEG, PNG, TIFF, BMP or WebP"):
        decode(eps, None, "x")
    with pytest.raises(DataError, match=r"x: cannot be read as a mask; expected a complete PNG"):
        index_masks.read_bytes(eps, "x")


def test_a_mask_has_the_size_of_its_picture_and_is_whole() -> None:
    data = masks.to_png(masks.encode(np.ones((20, 30), np.bool_)))
    assert masks.from_png(data, "m", (20, 30)).all()
    with pytest.raises(DataError, match=r"m: has a mask of 30 x 20 pixels; expected 20 x 30, the size of its picture"):
        masks.from_png(data, "m", (30, 20))
    with pytest.raises(DataError, match="m: is truncated"):
        masks.from_png(data[:-12], "m")


PLACES: dict[str, Callable[[Path], None]] = {
    "FIFO": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("kind", PLACES)
def test_pictures_and_masks_are_regular_files(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    PLACES[kind](path)
    frame = Frame.file(path, (8, 8))
    for read in (lambda: frame.jpeg(), lambda: inspect(path), lambda: index_masks.read(path)):
        with pytest.raises(DataError, match=rf"a\.png: cannot be read \(it is a {kind}, not a regular file\)"):
            read()


def test_run_lengths_of_a_mask_larger_than_any_picture_are_refused() -> None:
    message = r"m: \d+ x \d+ pixels; expected at most 128,000,000 pixels"
    with pytest.raises(DataError, match=message):
        masks.from_runs([10**18], (10**9, 10**9), "m")
    with pytest.raises(DataError, match=message):
        masks.from_counts("0", (1, 10**9), "m")


def test_a_number_without_end_in_compressed_run_lengths() -> None:
    began = time.monotonic()
    with pytest.raises(DataError, match="m: a number in compressed run lengths is too long; expected at most 35 bits"):
        masks.from_counts("o" * 3_000_000, (100, 100), "m")
    assert time.monotonic() - began < 1
