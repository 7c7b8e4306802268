"""Labels, masks and frames that somebody else wrote: no regular file, another encoding, a size that fills the memory."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import drawing
import numpy as np
import pytest
from PIL import Image

from lavida_bench.benchmarks import _avenue, _frame_labels, _tracks, _ucsd, folder, ubnormal, ucf_crime, xd_violence
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.protocols.prompt_names import read_names_file
from lavida_bench.results import published, score_formats
from lavida_bench.videos.frame_folder import decode_file
from lavida_bench.videos.mask_files import read_grey
from lavida_bench.videos.video_index import read_index
from lavida_gen.common.errors import DataError, LavidaGenError, UserError
from lavida_gen.scenes import image_header

TEXTS: dict[str, Callable[[Path], Any]] = {
    "tracks.txt": lambda path: _tracks.read_tracks(path, 9, DefectLog()),
    "spans.txt": ubnormal.read_spans, "names.txt": ubnormal.read_names, "ucf.txt": ucf_crime.read_annotations,
    "xd.txt": xd_violence.read_annotations, "labels.csv": folder.read_labels, "scores.csv": score_formats.read_rows,
    "prompt.txt": read_names_file,
}  # fmt: skip
OTHERS: dict[str, Callable[[Path], Any]] = {
    "ucsd.m": _ucsd.read_ranges, "gt.mat": _avenue.read_intervals, "mask.png": lambda path: read_grey(path, (48, 64)),
    "frame.tif": lambda path: decode_file(path, (48, 64)), "frame.png": lambda path: decode_file(path, (48, 64)),
    "walk.mp4": read_index, "s.npy": score_formats.read_npy, "s.npz": score_formats.read_npz,
}  # fmt: skip
ALL = TEXTS | OTHERS


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kind", ["FIFO", "device", "folder", "link to itself", "nothing"])
def test_no_regular_file(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to itself":
        path.symlink_to(name)
    with pytest.raises(LavidaGenError, match=f"{name}: (cannot be read|no such file)"):
        ALL[name](path)


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"scores.csv", "prompt.txt"}))  # lines of these may be anything
@pytest.mark.parametrize("data", ["a 1 2\n".encode("utf-16"), b"\xff\xfe\x00", b"\x00" * 600, b"(((((((" * 90])
def test_bytes_that_mean_nothing(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(LavidaGenError, match=name):
        ALL[name](tmp_path / name)


def test_labels_with_a_cell_too_long_and_a_row_too_short(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(f"video,start,end\n{'x' * 200_000},1,2\n")
    with pytest.raises(DataError, match=r"labels\.csv: cannot be read \(Error: field larger than field limit"):
        folder.read_labels(tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("start,end,video\n1,2\n")
    with pytest.raises(DataError, match=r"labels\.csv, line 2: no video; expected video,start,end"):
        folder.read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_size_of_masks_and_frames_is_compared_before_they_are_decoded(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x{suffix}"
    Image.fromarray(drawing.mask(0, (64, 64))).save(path)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    for read in (read_grey, decode_file):
        with pytest.raises(DataError, match="64 x 64"):
            read(path, (48, 64))


def test_a_mask_that_states_many_pixels(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"m\.png: .*pixels; expected at most 128,000,000"):
        read_grey(path, None)


def test_names_of_prompts_hold_no_control_characters(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("fight\n\x1b[31mred\n")
    with pytest.raises(UserError, match=r"prompt\.txt: holds the control character U\+001B"):
        read_names_file(tmp_path / "prompt.txt")


def test_published_numbers_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "published.yaml").write_text("- {method: x}\n")
    monkeypatch.setattr(published, "FILE", tmp_path / "published.yaml")
    published.published_numbers.cache_clear()
    with pytest.raises(DataError, match=r"published\.yaml: cannot be read .*expected methods with their numbers"):
        published.published_numbers()
    published.published_numbers.cache_clear()


def test_frames_beyond_any_video(tmp_path: Path) -> None:
    (tmp_path / "spans.txt").write_text("1,2,99999999999999999999\n")
    with pytest.raises(DataError, match=r"spans\.txt, line 1: '9{20}'; expected at most 100,000,000"):
        ubnormal.read_spans(tmp_path / "spans.txt")


@pytest.mark.parametrize("dtype", [[("a", "f4"), ("b", "i8")], "M8[s]"])
def test_arrays_of_no_numbers(dtype: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.zeros(12, dtype))
    with pytest.raises(DataError, match=r"labels\.npy: is not an array \(holds (records|times) .*, not numbers\)"):
        _frame_labels.read_frame_labels(tmp_path / "labels.npy")


def test_a_picture_on_a_disk_that_fails(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("/proc/self/mem")  # a regular file of 0 bytes that cannot be read
    with pytest.raises(DataError, match=r"a\.jpg: cannot be read \(Input/output error\)"):
        image_header.inspect(tmp_path / "a.jpg")
