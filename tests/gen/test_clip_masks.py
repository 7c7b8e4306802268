"""The kept run lengths of a clip's masks: equal to decoding, found again, checked, made anew where anything differs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from lavida_gen.annotations import clip_masks, index_masks
from lavida_gen.annotations.clip_masks import ClipMask
from lavida_gen.common.errors import DataError
from lavida_gen.scenes import masks


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "cache"))


def decoded(paths: Sequence[Path]) -> list[ClipMask]:
    """What `clip_masks.read` returns, by the plain way: every mask decoded, every time."""
    planes = [index_masks.read(path) for path in paths]
    found = [masks.from_values(plane, path) for plane, path in zip(planes, paths, strict=True)]
    return [
        ClipMask((plane.shape[0], plane.shape[1]), {value: rle for value, rle in values.items() if value != 0})
        for plane, values in zip(planes, found, strict=True)
    ]


def clip(folder: Path, frames: int = 3) -> list[Path]:
    """Palette masks of a thing that moves, with a border of 255."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for frame in range(frames):
        plane = np.zeros((20, 30), np.uint8)
        plane[2:9, frame : frame + 6], plane[12:, 4:9], plane[-1] = 1, 7, 255
        image = Image.fromarray(plane)
        image.putpalette([(37 * index + 11) % 256 for index in range(768)])
        paths.append(folder / f"{frame:05d}.png")
        image.save(paths[-1])
    return paths


def record(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache" / clip_masks.KIND).iterdir()
    return found


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forbids decoding from the call on."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a mask was decoded")

    return lambda: monkeypatch.setattr(index_masks, "read_bytes", refuse)


@pytest.mark.parametrize("kind", ["palette", "grey of 16 bits", "empty", "bits"])
def test_found_again_as_decoded(tmp_path: Path, no_decoding: Callable[[], None], kind: str) -> None:
    paths = clip(tmp_path)
    if kind == "grey of 16 bits":
        Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(paths[1])
    elif kind != "palette":
        Image.fromarray(np.eye(9, 5, dtype=bool) & (kind == "bits")).save(paths[1])
    expected = decoded(paths)
    assert clip_masks.read(paths) == expected
    no_decoding()
    assert clip_masks.read(paths) == expected
    assert [list(mask.values) for mask in clip_masks.read(paths)] == [list(mask.values) for mask in expected]


def test_a_changed_mask_is_decoded_whatever_its_time_and_size(tmp_path: Path) -> None:
    paths = clip(tmp_path)
    for path in paths:
        Image.open(path).save(path.with_suffix(".bmp"))
    paths = [path.with_suffix(".bmp") for path in paths]
    clip_masks.read(paths)
    before = paths[1].stat()
    paths[1].write_bytes(paths[0].read_bytes())
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert paths[1].stat().st_size == before.st_size
    found = clip_masks.read(paths)
    assert found == decoded(paths)
    assert found[1] == found[0]
    assert record(tmp_path), "in the place of the earlier one"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"7"', b'"8"', 1)),
        lambda path: path.write_bytes(b"ffffffff[]"),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), os.mkfifo(path)),
    ],
)
def test_damaged_records_are_made_again(
    tmp_path: Path, damage: Callable[[Path], object], no_decoding: Callable[[], None]
) -> None:
    paths = clip(tmp_path)
    expected = clip_masks.read(paths)
    whole = record(tmp_path).read_bytes()
    damage(record(tmp_path))
    assert clip_masks.read(paths) == expected
    assert record(tmp_path).read_bytes() == whole
    no_decoding()
    assert clip_masks.read(paths) == expected


def test_a_damaged_mask_is_named_each_time_and_nothing_is_kept(tmp_path: Path) -> None:
    paths = clip(tmp_path)
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[: len(whole) // 2])
    for _ in range(2):
        with pytest.raises(DataError, match=r"00001\.png: cannot be read as a mask \(.*\); expected a complete PNG"):
            clip_masks.read(paths)
    paths[1].unlink()
    with pytest.raises(DataError, match=r"00001\.png: the mask file does not exist; .*fetch the annotations again"):
        clip_masks.read(paths)
    assert not (tmp_path / "cache").exists()
    paths[1].write_bytes(whole)
    clip_masks.read(paths)
    paths[1].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"00001\.png: cannot be read as a mask"):
        clip_masks.read(paths)


def test_masks_of_too_many_stretches_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "MAX_RUNS", 10)
    with pytest.raises(DataError, match=r"00000\.png: its values change \d+ times; expected at most 10 stretches"):
        clip_masks.read(clip(tmp_path))


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"cache .*: cannot be written \(.*\); .* or set LAVIDA_GEN_CACHE to another"):
        clip_masks.read(clip(tmp_path))


def test_many_at_once_leave_one_whole_record(tmp_path: Path) -> None:
    paths = clip(tmp_path)
    expected = decoded(paths)
    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(clip_masks.read, [paths] * 40))
    assert clip_masks.read(paths) == expected
    assert record(tmp_path).suffix == ".json", "no temporary file is left"


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 4)))
def test_the_union_of_all_values_is_the_mask_of_what_is_not_0(plane: np.ndarray) -> None:
    """Which is how the foreground of DAVIS 2016 is made."""
    parts = [rle for value, rle in masks.from_values(plane).items() if value]
    assert not parts or masks.union(parts) == masks.encode(plane != 0)
