"""How `verify` looks at pictures and masks: in less time than the plain way, with the same words."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lavida_gen.common.errors import DataError
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.inspection import verify_pictures
from lavida_gen.inspection.verify_pictures import PictureCheck
from lavida_gen.scenes import images, mask_png, masks
from lavida_gen.scenes.mask_measure import measure

SIZE = (48, 64)


def decoded_plainly(png: bytes, where: str) -> NDArray[np.bool_]:
    """The mask by OpenCV's decoder."""
    with patch.object(mask_png, "decode", return_value=None):
        return masks.from_png(png, where)


def plain_problems(sample: EncodedSample) -> Iterator[str]:
    """The plain way: every picture and every mask is decoded whole, boxes are those of run lengths."""
    record, size = sample.record, (sample.record["height"], sample.record["width"])
    shown = False
    for time, (frame, mask) in enumerate(zip(sample.frames, sample.masks, strict=True)):
        try:
            images.decode(frame, size, f"frame {time}")
            bits = decoded_plainly(mask, f"mask {time}")
        except DataError as error:
            yield str(error)
            continue
        if bits.shape != size:
            yield f"mask {time} is {bits.shape}; expected {size}"
            continue
        area = int(np.count_nonzero(bits))
        box = list(masks.box(masks.encode(bits))) if area else [0, 0, 0, 0]
        shown |= area > 0
        if box != record["boxes"][time]:
            yield f"mask {time} does not fill its box {record['boxes'][time]}"
        share = round(area / bits.size, 6)
        if share != record["areas"][time]:
            yield f"mask {time} covers {share} of its frame; its record states {record['areas'][time]}"
    if shown != record["exposed"]:
        yield "its mask is empty, but it is exposed" if record["exposed"] else "its mask is not empty, but it is normal"


def jpeg(mode: str, **options: Any) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 255, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(SIZE[::-1]).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


JPEGS = (
    jpeg("RGB"), jpeg("RGB", subsampling=0, quality=95), jpeg("RGB", progressive=True), jpeg("L"), jpeg("CMYK"),
    jpeg("RGB", restart_marker_blocks=3), jpeg("RGB", keep_rgb=True), jpeg("L", progressive=True),
)  # fmt: skip


def changed(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes with one to five of them changed, taken out or put in, or cut off; half of the places are in the head."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        place = int(rng.integers(len(found) if rng.random() < 0.5 else min(len(found), 700)))
        kind = rng.integers(5)
        if kind == 0:
            found[place] = int(rng.integers(256))
        elif kind == 1:
            del found[place : place + int(rng.integers(1, 20))]
        elif kind == 2:
            found[place:place] = rng.bytes(3)
        elif kind == 3:
            found[place : place + 2] = bytes([0xFF, int(rng.integers(0xC0, 0xE0))])
        else:
            found = found[: place + 4] + b"\xff\xd9"
    return bytes(found)


def verdict(look: Any, data: bytes) -> str:
    try:
        look(data, None, "picture")
    except DataError as error:
        return str(error)
    return ""


def test_pictures_are_refused_as_if_they_were_decoded_whole(capfd: pytest.CaptureFixture[str]) -> None:
    """`images.check` decodes JPEGs at an eighth of their size; both give the same verdict in the same words."""
    rng, refused = np.random.default_rng(5), 0
    for number in range(1200):
        data = changed(JPEGS[number % len(JPEGS)], rng)
        expected = verdict(images.decode, data)
        assert verdict(images.check, data) == expected, data.hex()
        refused += bool(expected)
    capfd.readouterr()  # messages of the decoder about broken files
    assert 300 < refused < 900, "both kinds must occur"
    with pytest.raises(DataError, match="p: is 64 x 48 pixels; expected 9 x 9"):
        images.check(JPEGS[0], (9, 9), "p")


def measured_plainly(png: bytes) -> Any:
    try:
        bits = decoded_plainly(png, "m")
    except DataError as error:
        return str(error)
    assert np.array_equal(masks.from_png(png, "m"), bits)
    return bits.shape, int(np.count_nonzero(bits)), masks.box(masks.encode(bits))


def measured(png: bytes) -> Any:
    try:
        return tuple(measure(png, "m"))
    except DataError as error:
        return str(error)


def test_masks_are_measured_as_if_they_were_decoded() -> None:
    rng = np.random.default_rng(1)
    for size in ((1, 1), (1, 9), (9, 1), (7, 4), (30, 31), SIZE):
        planes = [rng.random(size) < share for share in (0, 0.01, 0.5, 1)]
        for _ in range(10):
            top, left = (int(rng.integers(side)) for side in size)
            planes.append(np.zeros(size, bool))
            planes[-1][top : top + int(rng.integers(1, 20)), left : left + int(rng.integers(1, 20))] = True
        for bits in planes:
            png = masks.to_png(masks.encode(bits))
            assert mask_png.stored_rows(png) is not None
            assert measured(png) == measured_plainly(png), (size, np.argwhere(bits))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def grey_png(rows: NDArray[np.uint8], width: int, end: bytes = b"", depth: int = 2) -> bytes:
    """A grey PNG of filtered rows, its checksums right."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), depth, 0, 0, 0, 0))
    return mask_png.SIGNATURE + head + chunk(b"IDAT", zlib.compress(rows.tobytes()) + end) + chunk(b"IEND", b"")


def test_masks_of_other_forms_are_decoded() -> None:
    """Each is nearly a mask of ours: another filter, other values, bits beside the pixels, more or fewer bytes."""
    rng, ours = np.random.default_rng(4), 0
    for number in range(300):
        width = int(rng.integers(1, 14))
        rows = rng.choice(np.array([0, 0, 0, 3, 12, 48, 192, 253], np.uint8), (6, 1 + (width + 3) // 4))
        rows[:, 0] = mask_png.UP
        rows[0, 0] = mask_png.NONE
        if number % 3 == 0:
            rows[int(rng.integers(6)), 0] = rng.integers(0, 6)
        rows = rows[: 6 - (number % 7 == 0)] if number % 2 else rows
        png = grey_png(rows, width, b"x" * (number % 11 == 0), 1 if number % 13 == 0 else 2)
        if number % 5 == 0:
            png = changed(png, rng)
        ours += mask_png.stored_rows(png) is not None
        assert measured(png) == measured_plainly(png), png.hex()
    assert 30 < ours < 270
    full = np.full((2, 2), 0xFF, np.uint8)
    full[0, 0], full[1] = 0, (2, 0)
    assert measured(grey_png(full, 3)) == ((2, 3), 6, (0, 0, 3, 2)), "a fourth pixel, which does not exist, is set"


def test_a_mask_that_swells_is_not_unpacked() -> None:
    png = grey_png(np.zeros((2, 2), np.uint8), 4)
    bomb = png[:33] + chunk(b"IDAT", zlib.compress(bytes(50_000_000))) + chunk(b"IEND", b"")
    assert mask_png.stored_rows(bomb) is None


def sample(frames: list[bytes], pngs: list[bytes], **record: Any) -> EncodedSample:
    found = {"kind": "clip", "height": SIZE[0], "width": SIZE[1], "exposed": False, **record}
    found.setdefault("boxes", [[0, 0, 0, 0]] * len(frames))
    found.setdefault("areas", [0.0] * len(frames))
    return EncodedSample("000000000", tuple(frames), tuple(pngs), found)  # type: ignore[arg-type]


def test_samples_have_the_problems_of_the_plain_way() -> None:
    bits = np.zeros(SIZE, bool)
    bits[3:9, 5:20] = True
    empty, full, thing = (masks.to_png(masks.encode(plane)) for plane in (bits & False, bits | True, bits))
    good, small = JPEGS[0], masks.to_png(masks.empty((9, 9)))
    share = round(6 * 15 / (48 * 64), 6)
    thing_record = {"boxes": [[5, 3, 15, 6]] * 2, "areas": [share] * 2}
    cases = [
        sample([good] * 2, [empty] * 2),
        sample([good] * 2, [empty] * 2, exposed=True),
        sample([good] * 2, [thing] * 2, exposed=True, **thing_record),
        sample([good] * 2, [thing, empty], exposed=True, **thing_record),
        sample([good] * 2, [thing, full], **thing_record),
        sample([good] * 2, [empty, small]),
        sample([good] * 2, [small, small], exposed=True),
        sample([good, good[:300]], [empty, empty]),
        sample([good, b"nothing"], [thing, empty[:40]], exposed=True),
        sample([good] * 2, [empty, b"\x89PNG" + empty[4:-20]]),
        sample([good] * 2, [empty] * 2, width=9, boxes=[[1, 1, 1, 1]] * 2),
    ]
    check = PictureCheck(set())
    found = [list(check.problems(case)) for case in cases]
    assert found == [list(plain_problems(case)) for case in cases]
    assert [len(problems) > 0 for problems in found].count(False) == 2


def test_equal_pictures_and_equal_empty_masks_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    check_picture = images.check
    monkeypatch.setattr(images, "check", lambda data, *more: seen.append(data) or check_picture(data, *more))
    monkeypatch.setattr(verify_pictures, "measure", lambda png, where: seen.append(png) or measure(png, where))
    empty, full = (masks.to_png(masks.encode(np.full(SIZE, value))) for value in (False, True))
    broken = JPEGS[0][:200]
    decoded: set[int] = set()
    case = sample([JPEGS[0], JPEGS[0], JPEGS[1], broken], [empty, full, empty, full], exposed=True)
    for check in (PictureCheck(decoded), PictureCheck(decoded)):  # of two shards
        for _ in range(3):
            found = list(check.problems(case))
            assert [text.split(":")[0] for text in found] == [
                "mask 1 does not fill its box [0, 0, 0, 0]",
                "mask 1 covers 1.0 of its frame; its record states 0.0",
                "frame 3",
            ]
    assert [seen.count(data) for data in (JPEGS[0], JPEGS[1], broken)] == [1, 1, 6]
    assert [seen.count(png) for png in (empty, full)] == [2, 6]
    other = sample([JPEGS[0]], [empty], width=9)
    assert "is 64 x 48 pixels; expected 9 x 48" in next(PictureCheck(decoded).problems(other)), "of another size"
