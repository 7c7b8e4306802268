"""Shards: equal samples give equal bytes, and no partial file stays."""

from __future__ import annotations

import errno
import io
import json
import tarfile
from pathlib import Path

import pytest

from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import DataError
from lavida_gen.corpus.shards import EncodedSample, ShardWriter, read_shard, size_and_sha256, tar_header
from lavida_gen.scenes.sample import SampleRecord


def packed(index: int, kind: str = "image", frames: int = 1) -> EncodedSample:
    texts = dict.fromkeys(SampleRecord.__annotations__, "")
    zeros = [[0, 0, 0, 0]] * frames
    record = texts | {
        "index": index, "kind": kind, "split": "train", "frames": frames, "width": 4, "height": 3, "fps": 0.0,
        "seconds": [0.0] * frames, "names": ["ü"], "labels": [False], "evidence": ["verified"], "originals": [""],
        "exposed": False, "boxes": zeros, "areas": [0.0] * frames, "edits": zeros, "seed": 0, "use": "free",
    }  # fmt: skip
    pictures = tuple(b"jpeg%d" % t for t in range(frames))
    return EncodedSample(f"{index:09d}", pictures, tuple(b"png%d" % t for t in range(frames)), record)  # type: ignore[arg-type]


JSON = json.dumps(packed(0).record).encode()
FAR = json.dumps({**packed(0, "clip", 2).record, "frames": 10**10}).encode()


@pytest.mark.parametrize(("kind", "frames"), [("image", 1), ("clip", 3)])
def test_samples_survive_writing_and_reading(tmp_path: Path, kind: str, frames: int) -> None:
    samples = [packed(n, kind, frames) for n in range(5)]
    with ShardWriter(tmp_path, f"{kind}/train-00000") as shard:
        for sample in samples:
            assert shard.write(sample) == f"{kind}/train-00000.tar"
    path = tmp_path / f"{kind}/train-00000.tar"
    assert list(read_shard(path)) == samples
    (file,) = shard.files
    assert (file.bytes, file.sha256) == size_and_sha256(path)
    assert (file.samples, file.first) == (5, 0)


def test_a_tar_has_no_time_and_no_owner(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "image/train-00000") as shard:
        shard.write(packed(3))
    with tarfile.open(tmp_path / "image/train-00000.tar") as tar:
        assert [m.name for m in tar] == ["000000003.jpg", "000000003.mask.png", "000000003.json"]
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in tar} == {(0, 0, 0, "", "", 0o644)}


@pytest.mark.parametrize("name", ["000000003.jpg", "000000003.000.mask.png", "x" * 100])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 123_456_789, 8**11 - 1])
def test_headers_are_those_of_tarfile(name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    assert tar_header(name, size) == info.tobuf(tarfile.USTAR_FORMAT)


def test_tars_are_those_of_tarfile(tmp_path: Path) -> None:
    samples = [packed(n, "clip", 30) for n in range(4)]
    with ShardWriter(tmp_path, "clip/train-00000") as shard:
        for sample in samples:
            shard.write(sample)
    with tarfile.open(tmp_path / "theirs.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            for field, data in sample.fields():
                info = tarfile.TarInfo(f"{sample.key}.{field}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    assert (tmp_path / "clip/train-00000.tar").read_bytes() == (tmp_path / "theirs.tar").read_bytes()


def test_a_full_shard_continues_in_the_next_file(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "image/train-00000", megabytes=0.005) as shard:
        for n in range(4):
            shard.write(packed(n))
    names = [file.file for file in shard.files]
    assert names == ["image/train-00000.tar", "image/train-00000x001.tar"]
    assert sorted(names) == names, "in order for whoever sorts file names"
    assert [(file.first, file.samples) for file in shard.files] == [(0, 2), (2, 2)]


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), ShardWriter(tmp_path, "image/train-00000") as shard:
        shard.write(packed(0))
        1 / 0  # noqa: B018
    assert list((tmp_path / "image").iterdir()) == []


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match="the disk is full; free some space"), ShardWriter(tmp_path, "image/a") as shard:
        shard.write(packed(0))
        monkeypatch.setattr(ShardWriter, "_add", full)
        shard.write(packed(1))
    assert list((tmp_path / "image").iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"000.txt": b"x"}, "sample 000: has no 'json'"),
        ({"000.json": b"{"}, "sample 000: its json is not valid"),
        ({"000.json": b"[" * 100_000}, "sample 000: its json is not valid"),
        ({"000.json": b"\xff"}, "sample 000: its json is not valid"),
        (
            {"000.json": b"{}"},
            r"the keys of a sample record: answer, areas, attribution, boxes, edits and 25 more missing",
        ),
        ({"000.json": JSON, "000.png": b"", "000.x": b""}, "sample 000: has no 'jpg'"),
        ({"000.json": json.dumps({**packed(0).record, "width": "4"}).encode()}, "valid .width: expected an integer"),
        ({"000.json": json.dumps({**packed(0).record, "fps": 1e999}).encode()}, "valid .fps: expected a finite number"),
        ({"000.json": json.dumps({**packed(0).record, "labels": []}).encode()}, "1 name and 0 labels"),
        ({"000.json": json.dumps({**packed(0).record, "areas": [2.0]}).encode()}, "an area is no share of a frame"),
        ({"000.json": json.dumps({**packed(0).record, "edits": [[0, 0, 9, 9]]}).encode()}, "is not within 4 x 3"),
        ({"000.json": json.dumps({**packed(0).record, "height": 10**9}).encode()}, "states a size of 4 x 1000000000"),
        ({"000.json": json.dumps({**packed(0).record, "kind": "film"}).encode()}, "is film/train; expected image or"),
        ({"000.json": FAR}, "10,000,000,000 frames and 2 boxes"),
        (
            {"000.json": json.dumps(packed(0, "clip", 2).record).encode(), "000.000.jpg": b"", "000.000.mask.png": b""},
            "states 2 frames, but has 3 fields",
        ),
    ],
)
def test_errors_name_the_broken_sample(tmp_path: Path, fields: dict[str, bytes], message: str) -> None:
    path = tmp_path / "s.tar"
    with tarfile.open(path, "w") as tar:
        for name, data in fields.items():
            (tmp_path / "x").write_bytes(data)
            tar.add(tmp_path / "x", name)
    with pytest.raises(DataError, match=message):
        list(read_shard(path))


def test_a_file_that_is_not_a_tar(tmp_path: Path) -> None:
    (tmp_path / "s.tar").write_bytes(b"x" * 2000)
    with pytest.raises(DataError, match=r"s.tar: is not a complete tar"):
        list(read_shard(tmp_path / "s.tar"))


def test_write_atomic_replaces_a_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"1")
    write_atomic(tmp_path / "a", b"22")
    assert (tmp_path / "a").read_bytes() == b"22"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(DataError, match="cannot be written"):
        write_atomic(tmp_path / "none" / "a", b"1")
