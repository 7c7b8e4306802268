"""Frames: unchanged bytes are passed on; unusual images become RGB; broken ones are named in the error."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lavida_gen.common.errors import DataError
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
    with pytest.raises(DataError, match=r"here.jpg: is not a readable image; expected JPEG"):
        frame(data).jpeg()


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(DataError, match=r"60000 x 60000 pixels; expected at most 100,000,000"):
        frame(bomb, (60_000, 60_000)).jpeg()


def test_bytes_after_the_end_are_harmless() -> None:
    data = saved(Image.fromarray(picture()), "JPEG") + b"\0" * 100
    assert frame(data).jpeg() == data


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.jpg: cannot be read \(No such file"):
        Frame.file(tmp_path / "gone.jpg", SIZE).jpeg()


def test_drawn_pixels_are_encoded_and_close() -> None:
    drawn = Frame.drawn(picture, SIZE, "drawn")
    assert np.abs(decode(drawn.jpeg(), SIZE, "x").astype(int) - picture()).max() <= 6
    assert drawn.jpeg() == drawn.jpeg() == encode_jpeg(picture())
