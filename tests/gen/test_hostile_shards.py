"""Corpora that are meant to exhaust or confuse who reads them: an error that names the shard and the sample."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from tests.gen.test_hostile_pictures import grey_png
from tests.gen.test_shards import packed as sound

from lavida_gen.cli import main
from lavida_gen.common.errors import DataError
from lavida_gen.corpus import decoded, shards
from lavida_gen.corpus.decoded import decode_sample
from lavida_gen.corpus.reader import open_corpus, read_manifest
from lavida_gen.corpus.shards import read_shard
from lavida_gen.corpus.tar_files import tar_members
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import encode_jpeg

SIZE = (20, 30)
Fields = dict[str, bytes]


def sample(**values: object) -> Fields:
    """The files of a sound sample, with some values of its record changed."""
    plain = {**sound(0).record, "height": SIZE[0], "width": SIZE[1], **values}
    return {
        "0.jpg": encode_jpeg(np.full((*SIZE, 3), 90, np.uint8)),
        "0.mask.png": masks.to_png(masks.empty(SIZE)),
        "0.json": json.dumps(plain).encode(),
    }


def packed(fields: Fields, form: int = tarfile.USTAR_FORMAT) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in fields.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out


def read(fields: Fields) -> None:
    for one in read_shard(packed(fields), "x.tar"):
        decode_sample(one, "x.tar: sample 0")


def test_a_sound_sample_is_read() -> None:
    read(sample())
    read(sample(more="keys of later versions"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frames": 10**10, "kind": "clip"}, "10,000,000,000 frames"),
        ({"frames": 1e999}, "frames"),
        ({"height": 60_000, "width": 60_000}, "has 3,600,000,000 pixels; expected at most 512,000,000 in all frames"),
        ({"width": 31}, "is 30 x 20 pixels; expected 31 x 20"),
    ],
)
def test_what_a_record_states_is_compared_with_its_files(values: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=rf"x\.tar: sample 0.*{message}"):
        read(sample(**values))


def without(name: str) -> Fields:
    return {key: value for key, value in sample().items() if key != name}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (without("0.json"), "has no 'json'"),
        (without("0.jpg"), "has no 'jpg'"),
        (without("0.mask.png"), "has no 'mask.png'"),
        ({**sample(), "0.json": b"[" * 100_000}, "its json"),
        ({**sample(), "0.json": b"\xff"}, "its json"),
        ({**sample(), "0.mask.png": grey_png(30_000, 30_000)}, "30000 x 30000 pixels; expected at most"),
        ({**sample(), "0.mask.png": grey_png(50_000, 50_000)}, "50000 x 50000 pixels; expected at most"),
        ({**sample(), "0.mask.png": grey_png(300, 200)}, "has a mask of 300 x 200 pixels; expected 30 x 20"),
        ({**sample(), "0.jpg": grey_png(9000, 9000)}, "is 9000 x 9000 pixels; expected 30 x 20"),
        ({**sample(), "0.jpg": b""}, "is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_of_a_sample_are_checked_before_they_are_decoded(fields: Fields, message: str) -> None:
    began = time.monotonic()
    with pytest.raises(DataError, match=rf"x\.tar: sample 0.*{message}"):
        read(fields)
    assert time.monotonic() - began < 1


def test_a_clip_of_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded, "MAX_SAMPLE_PIXELS", 599)
    with pytest.raises(DataError, match=r"x\.tar: sample 0: has 600 pixels; expected at most 599 in all frames"):
        read(sample())
    monkeypatch.setattr(shards, "MAX_SAMPLE", 100)
    with pytest.raises(DataError, match=r"x\.tar: 0\.jpg: is of a sample of more than 100 bytes"):
        read(sample())


def test_a_file_with_holes() -> None:
    """The header of GNU tar for 6 GB of holes."""
    data = bytearray(packed({"0.jpg": b"x" * 512}, tarfile.GNU_FORMAT).getvalue())
    data[156:157] = b"S"
    data[483:495] = b"%011o\0" % (6 * 2**30)
    fresh_sum(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getmember("0.jpg").size == 6 * 2**30, "so much `tarfile` would give"
    with pytest.raises(DataError, match=r"x\.tar: 0\.jpg: is stored with holes; expected only files in a shard"):
        list(read_shard(io.BytesIO(data), "x.tar"))


def fresh_sum(data: bytearray, at: int = 0) -> None:
    header = data[at : at + 512]
    header[148:156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(header)


@pytest.mark.parametrize(
    "size",
    [b"77777777777\0", b"-0000001000\0", b"\xff" * 12, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", b"0o000000777\0"],
)
def test_sizes_that_no_file_has(size: bytes) -> None:
    for kind in b"0xLgS":
        data = bytearray(packed({"0.jpg": b"x" * 512, "0.json": b"{}"}).getvalue())
        data[124:136], data[156] = size, kind
        fresh_sum(data)
        began = time.monotonic()
        with pytest.raises(DataError, match=r"x\.tar"):
            list(read_shard(io.BytesIO(data), "x.tar"))
        assert time.monotonic() - began < 1


def test_a_size_that_another_header_changes() -> None:
    for size in ("-512", "99999999999999", "x"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            info = tarfile.TarInfo("0.jpg")
            info.size, info.pax_headers = 512, {"size": size}
            tar.addfile(info, io.BytesIO(b"x" * 512))
        with pytest.raises(DataError, match=r"x\.tar"):
            list(read_shard(out, "x.tar"))


def test_a_damaged_header_does_not_end_a_shard_silently() -> None:
    data = bytearray(packed({"0.jpg": b"x", "1.jpg": b"x"}).getvalue())
    data[1024 + 3] ^= 1
    with pytest.raises(DataError, match=r"x\.tar: is not a complete tar"):
        list(tar_members(io.BytesIO(data), "x.tar"))


PLACES: dict[str, Callable[[Path], object]] = {
    "it is a FIFO": os.mkfifo,
    "it is a device": lambda path: path.symlink_to("/dev/zero"),
    "it is a folder": Path.mkdir,
}


@pytest.mark.parametrize("place", PLACES)
def test_shards_and_manifests_are_regular_files(place: str, tmp_path: Path) -> None:
    PLACES[place](tmp_path / "x.tar")
    with pytest.raises(DataError, match=rf"x\.tar: cannot be read \({place}"):
        list(read_shard(tmp_path / "x.tar"))
    PLACES[place](tmp_path / "corpus.json")
    with pytest.raises(DataError, match=rf"corpus\.json.*({place}|the corpus)"):
        open_corpus(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"{" * 5,
        b"[]",
        b"\xff",
        b'{"format": 1e999}',
        b'{"format": "2"}',
        b'{"format": 2}',
        b'{"format": true}',
    ],
)
def test_manifests_that_are_none(text: bytes) -> None:
    with pytest.raises(DataError, match="corpus.json"):
        read_manifest(text, "corpus.json")


def test_mistakes_of_ours_behind_the_readers_stay_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: object) -> Any:
        raise KeyError("ours")

    monkeypatch.setattr(shards, "parse_record", mistake)
    with pytest.raises(KeyError, match="ours"):
        read(sample())


def test_a_whole_picture_that_no_decoder_reads() -> None:
    out = cv2.imencode(".jpg", np.zeros((*SIZE, 3), np.uint8))[1].tobytes()
    with pytest.raises(DataError, match="sample 0"):
        read({**sample(), "0.mask.png": out})


def test_verify_does_not_wait_for_a_fifo(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    shutil.copytree(Path(__file__).with_name("data") / "format1", corpus)
    shard = corpus / "image" / "train-00000.tar"
    shard.unlink()
    os.mkfifo(shard)
    done = CliRunner().invoke(main, ["verify", str(corpus)])
    assert done.exit_code == 1
    assert "image/train-00000.tar: cannot be read (it is a FIFO, not a regular file)" in done.output
