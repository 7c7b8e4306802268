"""Files of a tar by its headers alone: the same as `tarfile` reads, and None for what is not plain."""

from __future__ import annotations

import io
import tarfile

import pytest

from lavida_gen.common.errors import DataError
from lavida_gen.corpus.shards import read_shard
from lavida_gen.corpus.tar_offsets import plain_members


def tar(*names: str, form: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = 300 * number
            made.addfile(info, io.BytesIO(bytes([number]) * info.size))
    return out.getvalue()


def test_it_finds_what_tarfile_finds() -> None:
    data = tar("000000000.jpg", "000000000.000.mask.png", "000000001.json", "000000002.jpg")
    found = plain_members(io.BytesIO(data), {"000000000", "000000002"})
    assert found is not None
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        expected = [(info.name, info.offset_data, info.size) for info in opened if "1.json" not in info.name]
    assert [tuple(member) for member in found] == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        tar("a.jpg", "b.jpg")[:700],
        tar("a" * 150 + ".jpg", form=tarfile.PAX_FORMAT),
        tar("a" * 60 + "/" + "b" * 60 + ".jpg"),
        b"x" * 1024,
    ],
    ids=["empty", "cut off", "pax", "prefix", "no tar"],
)
def test_what_is_not_plain_is_left_to_tarfile(data: bytes) -> None:
    assert plain_members(io.BytesIO(data), {"a"}) is None


def test_a_sample_that_is_cut_off_is_reported() -> None:
    data = tar("000000000.jpg", "000000001.jpg", "000000002.jpg")
    with pytest.raises(DataError, match="is not a complete tar|has no 'json'"):
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
