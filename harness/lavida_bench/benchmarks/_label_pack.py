"""Label packs: frame counts, labels, masks and tracks of a benchmark in one small file, without its videos.

    pack = write_pack(benchmark, report, Path("ucsd_ped2.labels.json.gz"))
    benchmark = open_pack(Path("ucsd_ped2.labels.json.gz"))      # videos that can be measured, not decoded

A pack is JSON, compressed by gzip. Frame labels are runs, masks COCO's run lengths of the frames that have anomalous
pixels. It states what it was made from, its counts, the defects of the files, and a SHA-256 of all that.
Letters: F frames of a video, H W pixels.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import ValidationError

from lavida_bench.benchmarks import _base as benchmark_base
from lavida_bench.benchmarks._base import Benchmark, find_class
from lavida_bench.benchmarks._check import CheckReport
from lavida_bench.benchmarks._defects import Defect, DefectLog
from lavida_bench.benchmarks._pack_content import PackContent, PackedTrack, PackedVideo
from lavida_bench.videos.no_frames import NoFrames
from lavida_bench.videos.types import Bits, TestVideo, Track
from lavida_gen import __version__
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError, UserError, problem, validation_text
from lavida_gen.common.input_file import MAX_JSON, MAX_TEXT, check_pixels, parsing, read_input
from lavida_gen.common.json_file import parse_json
from lavida_gen.scenes.masks import RLE, decode, encode, from_counts

SUFFIX = ".labels.json.gz"
FORMAT = 1
PORTION = 64  # frames whose masks are read at once


def write_pack(benchmark: Benchmark, report: CheckReport, path: Path) -> PackContent:
    """Write the labels of a benchmark.

    Args:
        benchmark: The benchmark on disk.
        report: What the gate found; its defects go into the pack.
        path: The file, ``NAME.labels.json.gz``.

    Returns:
        What was written.

    Raises:
        DataError: A mask cannot be read, or the disk is full.
    """
    about = benchmark.about
    options = benchmark.options.model_dump(mode="json", exclude_unset=True, exclude={"root", "frame_counts", "tracks"})
    defects = [_without_folders(defect, benchmark.root) for defect in report.defects]
    plain: dict[str, Any] = {
        "format": FORMAT, "benchmark": benchmark.name, "options": options, "licence": about.licence,
        "source": about.page, "made_by": f"lavida-bench {__version__}", "counts": asdict(report.found),
        "defects": [asdict(defect) for defect in defects],
        "videos": [_pack_video(video) for video in benchmark.videos()],
    }  # fmt: skip
    plain["sha256"] = _digest(plain)
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    write_atomic(path, gzip.compress(text.encode(), mtime=0))
    return PackContent.model_validate_json(text)


def _without_folders(defect: Defect, root: Path) -> Defect:
    """A defect that names no folder of this machine."""
    where, what, *items = (text.replace(str(root), root.name) for text in (defect.where, defect.what, *defect.items))
    return replace(defect, where=where, what=what, items=tuple(items))


def _digest(plain: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in plain.items() if name != "sha256"}
    return sha256(json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _pack_video(video: TestVideo) -> dict[str, Any]:
    labels, tracks = video.frame_labels, video.tracks
    return {
        "key": video.key, "frames": video.frame_count, "size": list(video.size), "fps": video.fps,
        "names": list(video.names), "abnormal": None if labels is None else _runs(labels),
        "masks": dict(_masks(video)) if video.has_pixels else None,
        "tracks": None if tracks is None else [_pack_track(track) for track in tracks],
        **({} if video.measured is None else {"measured": _runs(video.measured)}),
    }  # fmt: skip


def _runs(labels: Bits) -> list[list[int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], labels, [False]]).astype(np.int8)))
    return [[int(start), int(stop)] for start, stop in edges.reshape(-1, 2)]


def _masks(video: TestVideo) -> Iterator[tuple[str, str]]:
    for start in range(0, video.frame_count, PORTION):
        masks = video.read_masks(start, min(start + PORTION, video.frame_count))
        assert masks is not None, video.key
        for row, mask in enumerate(masks):
            if mask.any():
                yield str(start + row), encode(mask).counts.decode("ascii")


def _pack_track(track: Track) -> dict[str, Any]:
    return {
        "name": track.name, "frames": track.frames.tolist(), "boxes": track.boxes.tolist(),
        "masks": [mask.counts.decode("ascii") for mask in track.masks],
    }  # fmt: skip


def read_pack(path: Path) -> PackContent:
    """Read a pack.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        DataError: It is no pack, is damaged, or of another format.
    """
    todo = "make it again with `lavida-bench labels make`"
    data = read_input(path, MAX_TEXT, "a label pack", todo)
    with parsing(path, "a label pack (JSON, compressed by gzip)", todo):
        unpacker = zlib.decompressobj(wbits=31)
        text = unpacker.decompress(data, MAX_JSON)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise DataError(problem(path, "is cut short, or larger than a label pack can be", "a label pack", todo))
    plain = parse_json(text, path, "a label pack", todo)
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        got = f"format {plain.get('format')!r}" if isinstance(plain, dict) else "no object"
        raise DataError(problem(path, got, f"a label pack of format {FORMAT}", todo))
    if plain.get("sha256") != _digest(plain):
        raise DataError(problem(path, "its SHA-256 does not fit its content", "a whole label pack", todo))
    try:
        return PackContent.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(problem(f"{path}, {place}", validation_text(first["msg"]), "a label pack", todo)) from error


class _Packed(Benchmark):
    """A benchmark whose videos come from a pack."""

    content: ClassVar[PackContent]

    def prepare(self) -> None:
        """Nothing to do: the pack was read."""

    def annotated(self) -> None:
        """Not known: the pack states what was found."""
        return

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The packed videos."""
        log.defects += [
            Defect(d.where, d.what, d.action, d.fatal, tuple(d.items), d.lost)
            for d in self.content.defects
            if not d.what.endswith("videos are missing")  # counted anew
        ]
        return [_unpack_video(video, self.root) for video in self.content.videos]


def open_pack(path: Path, name: str = "", settings: Mapping[str, object] | None = None) -> Benchmark:
    """Open a pack as the benchmark that it was made from.

    Args:
        path: The file.
        name: The benchmark's name that the user gave; "" = whatever the pack is of.
        settings: Options that the user gave; they must be those of the pack.

    Returns:
        The benchmark; its videos have labels and no frames.

    Raises:
        UserError: The pack is of another benchmark, or was made with other options.
        DataError: The pack is damaged, or two of its videos have one key.
    """
    content = read_pack(path)
    if name and name != content.benchmark:
        raise UserError(problem(path, f"labels of {content.benchmark}", f"labels of {name}"))
    for key, value in (settings or {}).items():
        if key != "names" and content.options.get(key) != value:
            got = f"option {key}: {value!r}"
            raise UserError(
                problem(path, got, f"{content.options.get(key)!r}, as the pack was made", "make another one")
            )
    keys = [video.key for video in content.videos]
    if len(set(keys)) < len(keys):
        raise DataError(problem(path, "two videos of one key", "each video once"))
    cls = find_class(content.benchmark)
    packed: type[Benchmark] = type(cls.__name__, (_Packed, cls), {"content": content, "__doc__": cls.__doc__})
    names = {key: value for key, value in (settings or {}).items() if key == "names"}
    return packed(cls.Options.model_validate({**content.options, **names, "root": path}), content.benchmark)


def open_benchmark(
    name: str, root: Path | str | None, settings: Mapping[str, object] | None = None, allow_code: bool = False
) -> Benchmark:
    """Open a benchmark from its folder or from a label pack, for what needs no frames.

    Args:
        name: Its name, or ``package.module:Class`` if code is allowed.
        root: Its folder, or a label pack; None = NAME below ``$LAVIDA_BENCH_DATA``, or below data/.
        settings: Its other options.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        The benchmark.

    Raises:
        UserError: The name or an option is unknown, or the pack is of another benchmark.
        DataError: The pack is damaged.
    """
    if root is not None and str(root).endswith(SUFFIX):
        return open_pack(Path(root), name, settings)
    return benchmark_base.make(name, root, settings, allow_code)


def _unpack_video(video: PackedVideo, path: Path) -> TestVideo:
    where = f"{path}, {video.key}"
    check_pixels(video.size[1], video.size[0], where)
    labels = _unpack_runs(video.abnormal, video.frames, f"{where}, abnormal")
    measured = _unpack_runs(video.measured, video.frames, f"{where}, measured")
    masks = None if video.masks is None else _PackedMasks(video, where)
    tracks = None if video.tracks is None else tuple(_unpack_track(track, video.size, where) for track in video.tracks)
    reader = NoFrames(video.key, video.frames, video.size, video.fps)
    return TestVideo(
        video.key, video.frames, video.size, reader, video.fps, tuple(video.names), labels, masks, tracks,
        measured=measured,
    )  # fmt: skip


def _unpack_runs(runs: list[tuple[int, int]] | None, frames: int, where: str) -> Bits | None:
    """(F,) bool, True in the runs; None without any list. Raises DataError for a run outside the video."""
    if runs is None:
        return None
    marks = np.zeros(frames, np.bool_)
    for start, stop in runs:
        if not 0 <= start < stop <= frames:
            raise DataError(problem(where, f"frames {start} to {stop}", f"within 0..{frames}"))
        marks[start:stop] = True
    return marks


def _unpack_track(track: PackedTrack, size: tuple[int, int], where: str) -> Track:
    masks = tuple(from_counts(counts, size, where) for counts in track.masks)
    return Track(track.name, np.array(track.frames, np.int64), np.array(track.boxes).reshape(-1, 4), masks)


class _PackedMasks:
    """A mask_reader of run-length masks by frame number."""

    def __init__(self, video: PackedVideo, where: str) -> None:
        self.size = video.size
        self.masks: dict[int, RLE] = {
            number: from_counts(counts, video.size, f"{where}, frame {number}")
            for number, counts in (video.masks or {}).items()
        }

    def __call__(self, start: int, stop: int) -> Bits:
        masks = np.zeros((stop - start, *self.size), np.bool_)
        for number in range(start, stop):
            if number in self.masks:
                masks[number - start] = decode(self.masks[number])
        return masks
