"""Frames: unchanged bytes are passed on; unusual images become RGB; broken ones are named in the error."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from lavida_gen.common.errors import DataError
from lavida_gen.scenes.image_header import inspect
from lavida_gen.scenes.images import Frame, decode, encode_jpeg, probe

SIZE = (24, 32)


def picture() -> np.ndarray:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.stack([x * 7, y * 9, (x + y) * 4], axis=2).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def frame(data: bytes, size: tuple[int, int] = SIZE) -> Frame:
    return Frame.encoded_by(lambda: data, size, "here.jpg")


def test_a_plain_jpeg_is_passed_on_unchanged() -> None:
    data = saved(Image.fromarray(picture()), "JPEG", quality=90)
    assert frame(data).jpeg() == data
    assert probe(data, "x") == ("jpeg", SIZE, True, 1)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_grey_and_colour_decode_to_rgb(mode: str) -> None:
    data = saved(Image.fromarray(picture()).convert(mode), "JPEG", quality=95)
    assert frame(data).pixels().shape == (*SIZE, 3)


def test_cmyk_palette_and_16_bit_become_8_bit_rgb() -> None:
    image = Image.fromarray(picture())
    cmyk = saved(image.convert("CMYK"), "JPEG", quality=95)
    palette = saved(image.convert("P"), "PNG")
    deep = saved(Image.fromarray(picture()[:, :, 0].astype(np.uint16) * 257), "PNG")
    for data in (cmyk, palette, deep):
        again = frame(data).jpeg()
        assert again != data
        assert probe(again, "x") == ("jpeg", SIZE, True, 1)
    assert np.abs(frame(cmyk).pixels().astype(int) - picture()).mean() < 12
    assert np.abs(frame(deep).pixels()[:, :, 0].astype(int) - picture()[:, :, 0]).max() <= 1


def test_exif_orientation_follows_the_size_of_the_masks() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: viewers show it 32 high, 24 wide
    data = saved(Image.fromarray(picture()), "JPEG", quality=95, exif=exif)
    assert probe(data, "x").orientation == 6
    stored, turned = frame(data).pixels(), frame(data, (SIZE[1], SIZE[0])).pixels()
    assert stored.shape == (*SIZE, 3)
    assert np.abs(np.rot90(stored, -1).astype(int) - turned).max() < 8
    assert probe(frame(data).jpeg(), "x").orientation == 1, "a viewer must not rotate it again"


def test_another_size_than_annotated() -> None:
    data = saved(Image.fromarray(picture()), "JPEG")
    with pytest.raises(DataError, match=r"here.jpg: is 32 x 24 pixels; expected 40 x 24.*belong together"):
        frame(data, (24, 40)).jpeg()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_truncated(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    data = saved(Image.fromarray(noise), kind)
    with pytest.raises(DataError, match=r"here.jpg: .*(truncated|no readable)"):
        frame(data[: len(data) * 2 // 3]).jpeg()


@pytest.mark.parametrize("data", [b"", b"no picture at all", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"])
def test_data_that_is_not_an_image(data: bytes) -> None:
    with pytest.raises(DataError, match=r"here.jpg: is (not a readable image|empty); expected JPEG"):
        frame(data).jpeg()


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(DataError, match=r"60000 x 60000 pixels; expected at most 128,000,000"):
        frame(bomb, (60_000, 60_000)).jpeg()


@pytest.mark.parametrize("more", [100, 5000, 70_000])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\0\0 a thumbnail \xff\xd8\xff\xd9"}])
def test_bytes_after_the_end_are_harmless(more: int, options: dict[str, Any]) -> None:
    data = saved(Image.fromarray(picture()), "JPEG", **options)
    assert frame(data + b"\0" * more).jpeg() == data
    with pytest.raises(DataError, match="truncated"):
        frame(data[: len(data) // 2] + b"\0" * more).jpeg()


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("size", [(24, 16), (16, 16)])
def test_exif_orientation_is_applied_or_not(orientation: int, size: tuple[int, int]) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(image, "JPEG", exif=exif, quality=100, subsampling=0)
    stored = np.asarray(Image.open(io.BytesIO(data)))
    shown = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.abs(decode(data, size, "x", "as_stored").astype(int) - stored).max() < 3
    assert np.abs(decode(data, shown.shape[:2], "x", "apply").astype(int) - shown).max() < 3
    assert probe(data, "x").shown == shown.shape[:2]
    if shown.shape == stored.shape:
        with pytest.raises(DataError, match=rf"x: has EXIF orientation {orientation}, .*`exif: apply` if"):
            decode(data, size, "x", "stop")
    else:
        assert np.abs(decode(data, shown.shape[:2], "x", "stop").astype(int) - shown).max() < 3
        with pytest.raises(DataError, match="x: is 16 x 24 pixels; expected 24 x 16"):
            decode(data, shown.shape[:2], "x", "as_stored")


@pytest.mark.parametrize("orientation", [3, 6])
def test_exif_orientation_of_webp(orientation: int) -> None:
    image = Image.fromarray(picture())
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(image, "WEBP", exif=exif, lossless=True)
    shown = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert probe(data, "x").shown == shown.shape[:2]
    assert np.array_equal(decode(data, shown.shape[:2], "x", "apply"), shown)
    assert np.array_equal(decode(data, SIZE, "x", "as_stored"), picture())


def test_inspect_finds_what_decoding_would(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    data = saved(Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)), "JPEG")
    assert len(data) > 1 << 16
    for content in (data, data + b"\0" * 9000):
        path.write_bytes(content)
        assert inspect(path) == probe(data, path)
    for content, message in (
        (data[:-5000], "is truncated"),
        (b"", "is empty"),
        (b"<html>", "is not a readable image"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"a\.jpg: {message}"):
            inspect(path)
    with pytest.raises(DataError, match=r"none\.jpg: cannot be read"):
        inspect(tmp_path / "none.jpg")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.jpg: cannot be read \(No such file"):
        Frame.file(tmp_path / "gone.jpg", SIZE).jpeg()


def test_drawn_pixels_are_encoded_and_close() -> None:
    drawn = Frame.drawn(picture, SIZE, "drawn")
    assert np.abs(decode(drawn.jpeg(), SIZE, "x").astype(int) - picture()).max() <= 6
    assert drawn.jpeg() == drawn.jpeg() == encode_jpeg(picture())
