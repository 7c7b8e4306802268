"""Files of a tar by its headers alone: the same as `tarfile` reads, and errors for the rest."""

from __future__ import annotations

import io
import tarfile

import pytest

from lavida_gen.common.errors import DataError
from lavida_gen.corpus.shards import read_shard
from lavida_gen.corpus.tar_files import tar_members


def tar(*names: str, form: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = 300 * number
            made.addfile(info, io.BytesIO(bytes([number]) * info.size))
    return out.getvalue()


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (("000000000.jpg", "000000000.000.mask.png", "000000001.json", "000000002.jpg"), tarfile.USTAR_FORMAT),
        (("000000000.jpg", "a" * 150 + ".jpg", "000000001.json", "000000002.jpg"), tarfile.PAX_FORMAT),
        (("000000000.jpg", "a" * 150 + ".jpg", "000000001.json", "000000002.jpg"), tarfile.GNU_FORMAT),
        (("a" * 60 + "/" + "b" * 60 + ".jpg", "000000000.jpg"), tarfile.USTAR_FORMAT),
    ],
    ids=["plain", "pax", "gnu", "prefix"],
)
def test_it_finds_what_tarfile_finds(names: tuple[str, ...], form: int) -> None:
    data = tar(*names, form=form)
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        expected = [(info.name, info.offset_data, info.size) for info in opened]
    assert [tuple(member) for member in tar_members(io.BytesIO(data), "x.tar")] == expected
    some = tar_members(io.BytesIO(data), "x.tar", {"000000000", "000000002"})
    assert [tuple(member) for member in some] == [row for row in expected if row[0][:9] in ("000000000", "000000002")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a complete tar"),
        (tar("a.jpg", "b.jpg")[:1200], r"is cut off in b\.jpg"),
        (b"x" * 1024, "is not a complete tar"),
    ],
    ids=["empty", "cut off", "no tar"],
)
def test_what_is_no_tar(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"x\.tar: {message}.*; expected a WebDataset shard; build or fetch it again"):
        list(tar_members(io.BytesIO(data), "x.tar"))


def test_a_sample_that_is_cut_off_is_reported() -> None:
    data = tar("000000000.jpg", "000000001.jpg", "000000002.jpg")
    with pytest.raises(DataError, match="is cut off in 00000000"):
        list(read_shard(io.BytesIO(data[: len(data) // 4]), "x.tar", {"000000002", "000000000"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
@pytest.mark.parametrize("keys", [None, {"000000000"}])
def test_only_files_are_read(kind: bytes, keys: set[str] | None) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as made:
        info = tarfile.TarInfo("000000000.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        made.addfile(info)
    with pytest.raises(DataError, match=r"000000000\.jpg.*: is not a file; expected only files in a shard"):
        list(read_shard(io.BytesIO(out.getvalue()), "x.tar", keys))
