"""Files that somebody else made, one kind after the other: each is one error or right, at once and in little memory."""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import tarfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from lavida_bench.benchmarks import _avenue, _tracks, folder, ubnormal, ucf_crime, xd_violence
from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._gate import cached_check
from lavida_bench.benchmarks._ucsd import read_ranges
from lavida_bench.common import mat_file
from lavida_bench.prediction.predict_many import finished_prediction
from lavida_bench.protocols.prompt_names import read_names_file
from lavida_bench.reporting import run_folder
from lavida_bench.results import results_json, score_formats
from lavida_bench.videos import video_index
from lavida_bench.videos.frame_folder import FrameFolder, decode_file
from lavida_bench.videos.mask_files import read_grey
from lavida_bench.videos.media import find_videos
from lavida_bench.videos.shard_index import read_members
from lavida_bench.videos.stream import Stream
from lavida_gen.common.errors import DataError, LavidaGenError

Read = Callable[[Path], object]
TEXTS: dict[str, Read] = {
    "ucf_crime": ucf_crime.read_annotations,
    "xd_violence": xd_violence.read_annotations,
    "ubnormal names": ubnormal.read_names,
    "ubnormal spans": ubnormal.read_spans,
    "tracks": lambda path: _tracks.read_tracks(path, 100, DefectLog()),
    "labels.csv": folder.read_labels,
    "names": read_names_file,
    "boxes": score_formats.read_boxes,
}
OTHERS: dict[str, Read] = {
    "ucsd": read_ranges,
    "avenue masks": lambda path: _avenue.read_masks(path, (4, 4)),
    "avenue intervals": _avenue.read_intervals,
    "mask": lambda path: read_grey(path, None),
    "frame.jpg": lambda path: decode_file(path, None),
    "frame.tif": lambda path: decode_file(path, None),
    "video.mp4": video_index.read_index,
    "shard.tar": read_members,
    "scores.npy": score_formats.read_npy,
    "scores.npz": score_formats.read_npz,
    "maps.npz": score_formats.read_maps_header,
    "scores.json": score_formats.read_json,
}
READERS = TEXTS | OTHERS


def peak() -> int:
    """The most memory so far, in kB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("kind", READERS)
def test_what_never_ends_is_not_opened(tmp_path: Path, kind: str) -> None:
    fifo, zero = tmp_path / f"fifo-{kind}", tmp_path / f"zero-{kind}"
    os.mkfifo(fifo)
    zero.symlink_to("/dev/zero")
    for path, what in ((fifo, "no such file|FIFO"), (zero, "no such file|device")):
        with pytest.raises(LavidaGenError, match=what):
            READERS[kind](path)


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_texts_in_other_encodings_are_one_sentence(tmp_path: Path, kind: str, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Straße__#1_label_A 1 2\n".encode(encoding))
    with pytest.raises(LavidaGenError, match=r"a\.txt: is not UTF-8 text \(.*; expected"):
        TEXTS[kind](path)


@pytest.mark.parametrize("kind", READERS)
def test_bytes_of_nothing(tmp_path: Path, kind: str) -> None:
    for number, data in enumerate(
        (b"", b"\0" * 600, b"PK\3\4" + b"\xff" * 90, b"\x93NUMPY\1\0\xff\xff" + b"(" * 70_000)
    ):
        path = tmp_path / f"{number}-{kind}"
        path.write_bytes(data)
        with suppress(LavidaGenError):
            READERS[kind](path)


def test_pictures_that_are_larger_than_the_memory(tmp_path: Path) -> None:
    """A PNG of 30,000 x 30,000 pixels, as mask and as frame."""
    path = tmp_path / "mask.png"
    rows = zlib.compress(b"\0" * 1_000_000)
    size = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", size), (b"IDAT", rows), (b"IEND", b"")]
    made = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(made))
    before = peak()
    for read in (OTHERS["mask"], OTHERS["frame.jpg"]):
        with pytest.raises(DataError, match="pixels"):
            read(path)
    assert peak() - before < 200_000


def test_matlab_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + b"\x89HDF\r\n" * 9)
    with pytest.raises(DataError, match=r"expected a MATLAB file of version 5 to 7 with gt; save it with -v7"):
        _avenue.read_intervals(path)
    savemat(path, {"gt": np.zeros(50_000_000, np.uint8)}, do_compression=True)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(mat_file, "MAX_UNPACKED", 40_000_000)
    before = peak()
    with pytest.raises(DataError, match="unpacks to too much; expected at most 40,000,000 bytes"):
        _avenue.read_intervals(path)
    assert peak() - before < 45_000
    for value in (np.array([[np.nan], [1.0]]), np.array([["a"], ["b"]]), np.array([[np.inf], [2.0]])):
        cells = np.empty((1, 21), object)
        cells[0, :] = [value] * 21
        savemat(path, {"gt": cells})
        with pytest.raises(DataError, match=r"video 1: .* of shape .*; expected 2 x N first and last frames"):
            _avenue.read_intervals(path)


def film(path: Path, size: tuple[int, int] = (64, 48), codec: str = "mpeg4") -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(5))
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(3):
            pixels = np.full((size[1], size[0], 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    "text", ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile '{}'\n"]
)
@pytest.mark.parametrize("read", [video_index.read_index, Stream])
def test_playlists_are_no_videos(tmp_path: Path, text: str, read: Read) -> None:
    """They name other files of this machine, or addresses."""
    film(tmp_path / "secret.ts", (640, 480), "mpeg2video")
    assert video_index.read_index(tmp_path / "secret.ts").count == 3
    (tmp_path / "list.mp4").write_text(text.format("secret.ts"))
    with pytest.raises(DataError, match=r"list\.mp4: cannot be opened"):
        read(tmp_path / "list.mp4")


def test_videos_with_pictures_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film(tmp_path / "a.mkv")
    monkeypatch.setattr(video_index, "_PIXELS", {"max_pixels": "3000"})
    with pytest.raises(DataError, match=r"no picture can be decoded"):
        video_index.read_index(tmp_path / "a.mkv")
    monkeypatch.setattr("lavida_gen.common.input_file.MAX_PIXELS", 3000)
    with pytest.raises(DataError, match="64 x 48 pixels; expected at most 3,000 pixels"):
        video_index.open_video(tmp_path / "a.mkv")


def test_videos_with_too_many_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film(tmp_path / "b.mkv")
    monkeypatch.setattr(video_index, "MAX_FRAMES", 2)
    with pytest.raises(DataError, match="has too many frames; expected at most 2"):
        video_index.read_index(tmp_path / "b.mkv")


def test_a_frame_number_of_billions(tmp_path: Path) -> None:
    for number in (1, 10**10):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match=r"10000000000\.png: frame 9,999,999,999; expected at most 5,000,000 frames"):
        FrameFolder.from_folder(tmp_path, first=1)
    assert FrameFolder.from_folder(tmp_path).frame_count == 2


def test_folders_that_contain_themselves(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4")
    for name in ("one", "two", "three"):
        (tmp_path / name).symlink_to(tmp_path)
    assert find_videos(tmp_path) == {"a": [tmp_path / "a.mp4"]}
    assert cached_check(benchmarks.make("folder", tmp_path)).found.videos == 1


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE])
def test_members_of_shards_that_are_no_files(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("000.jpg")
    info.type, info.linkname = kind, "/etc/hostname"
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(info, io.BytesIO())
    with pytest.raises(DataError, match=r"a\.tar.*expected "):
        read_members(tmp_path / "a.tar")


def test_results_that_are_not_finite(tmp_path: Path) -> None:
    (tmp_path / results_json.FILE).write_text('{"schema": 1, "entries": [{"names": [NaN]}]}')
    with pytest.raises(DataError, match="holds a number that is not finite|not valid JSON"):
        results_json.read(tmp_path)
    (tmp_path / results_json.FILE).write_text("[" * 100_000)
    with pytest.raises(DataError, match="not valid JSON|nested"):
        results_json.read(tmp_path)


def test_run_folders_with_files_that_never_end(tmp_path: Path) -> None:
    (tmp_path / results_json.FILE).write_text(json.dumps({"schema": 1, "entries": []}))
    os.mkfifo(tmp_path / run_folder.RECIPE)
    assert run_folder.render(tmp_path).is_file(), "the folder's name stands for the recipe's"
    os.mkfifo(tmp_path / "result.json")
    assert finished_prediction(tmp_path, "key") is None


def test_a_mistake_of_ours_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the door, where nothing of the file is parsed any more, no exception is turned into a DataError."""

    def wrong(*args: object) -> object:
        raise KeyError("ours")

    (tmp_path / "a.csv").write_text("video,start,end\na,1,2\n")
    monkeypatch.setattr(folder, "checked_interval", wrong)
    with pytest.raises(KeyError, match="ours"):
        folder.read_labels(tmp_path / "a.csv")
    (tmp_path / "b.txt").write_text("Abuse_x264 Abuse 1 2 -1 -1\n")
    monkeypatch.setattr(ucf_crime, "checked_interval", wrong)
    with pytest.raises(KeyError, match="ours"):
        ucf_crime.read_annotations(tmp_path / "b.txt")
    film(tmp_path / "c.mp4")
    monkeypatch.setattr(video_index, "_Packet", wrong)
    with pytest.raises(KeyError, match="ours"):
        video_index.read_index(tmp_path / "c.mp4")
