"""Videos whose work is done keep no file and no thread, however many there are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import drawing
import numpy as np
import pytest

from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.benchmarks._check import check
from lavida_bench.evaluation.measure import MeasureSettings, measure
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.prompt_names import parse_prompt_names
from lavida_bench.results.provenance import current_provenance
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.scoring.score import ScoringSettings, score
from lavida_bench.scoring.scorer import ClipScores, PendingScores
from lavida_bench.videos.media import TruncatedVideo
from lavida_bench.videos.types import Pixels, TestVideo
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.common.errors import DataError

FRAMES = 45  # not whole clips: protocol paper leaves out the last ones
MANY = 12
TASKS = Path("/proc/self/task")
needs_proc = pytest.mark.skipif(not TASKS.is_dir(), reason="counts threads and open files in /proc")


class Rising:
    """Scores the frames of each batch 0, 1, ..."""

    name = "rising"

    def __init__(self) -> None:
        self.identity = {"rising": 1}

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> Any:
        return sum(len(clip) for clip in clips)

    def score(self, prepared: Any) -> PendingScores:
        return lambda: ClipScores(np.arange(prepared, dtype=np.float32))


def folder(root: Path, videos: int) -> Path:
    first = drawing.video(root / "videos" / "v0.mp4", FRAMES)
    for number in range(1, videos):
        shutil.copy(first, root / "videos" / f"v{number}.mp4")
    lines = [f"v{number},10,20" for number in range(videos)]
    drawing.text(root / "labels.csv", "\n".join(["video,start,end", *lines, ""]))
    return root


def held(root: Path) -> list[str]:
    """Open files below a folder."""
    files = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return [place for file in files if file.is_symlink() and (place := os.readlink(file)).startswith(str(root))]


def lets_go(video: TestVideo) -> bool:
    reader = video.reader
    assert isinstance(reader, VideoFile)
    return reader._container is None and reader._scaler is None


def used(root: Path, videos: int, protocol: str) -> int:
    """Scores and measures so many videos; gives the number of threads while their readers still live."""
    opened = benchmark.make("folder", folder(root, videos))
    chosen = protocols.make(protocol, opened.rules)
    store = ScoreStore.create(root / "scores", {"model": "rising"})
    found = score(Rising(), opened.videos(), chosen, parse_prompt_names("benchmark"), store, ScoringSettings(readers=2))
    assert len(found.scored) == videos, found.failed
    assert held(root) == []
    assert all(map(lets_go, opened.videos()))
    for baselines in ((), ("frame_difference",)):
        pairs = ((video, store.read(video)) for video in opened.videos())
        how = MeasureSettings(bootstrap=Bootstrap(10), baselines=baselines, allow_partial=True)
        made = measure(opened, chosen, pairs, "rising", current_provenance({}, "do it"), how=how)
        assert all(view.thumbnails for view in made.views), "pictures are read at the peaks"
        assert held(root) == []
        assert all(map(lets_go, opened.videos()))
    return len(list(TASKS.iterdir()))


@needs_proc
@pytest.mark.parametrize("protocol", ["official", "paper"])
def test_files_and_threads_do_not_grow_with_the_videos(protocol: str, tmp_path: Path) -> None:
    few = used(tmp_path / "few", 1, protocol)
    assert used(tmp_path / "many", MANY, protocol) < few + MANY  # each would keep one a core


@needs_proc
def test_a_video_that_cannot_be_scored_is_closed(tmp_path: Path) -> None:
    class Picky(Rising):
        def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> Any:
            raise DataError("not this one")

    videos = benchmark.make("folder", folder(tmp_path, 3)).videos()
    store = ScoreStore.create(tmp_path / "scores", {"model": "picky"})
    found = score(
        Picky(),
        videos,
        protocols.make("official"),
        parse_prompt_names("benchmark"),
        store,
        ScoringSettings(batch=1, readers=2),
    )
    assert len(found.failed) == 3
    assert held(tmp_path) == []
    assert all(map(lets_go, videos))


@needs_proc
def test_a_check_closes_what_it_reads_in_part(tmp_path: Path) -> None:
    opened = benchmark.make("folder", folder(tmp_path, 2))
    for video in opened.videos():
        object.__setattr__(video, "reader", TruncatedVideo(video.reader, FRAMES))
        object.__setattr__(video, "frame_count", FRAMES - 9)
        object.__setattr__(video, "frame_labels", None)
    assert not check(opened).defects
    assert held(tmp_path) == []


def test_a_closed_truncated_video_reads_again(tmp_path: Path) -> None:
    whole = VideoFile(drawing.video(tmp_path / "v.mp4", FRAMES))
    part = TruncatedVideo(whole, 20)
    before = part(3, 11, 2)
    assert whole._container is not None
    part.close()
    assert whole._container is None
    assert whole._scaler is None
    part.close()
    assert (part(3, 11, 2) == before).all()


def test_plain_functions_need_no_close() -> None:
    video = TestVideo("v", 1, (2, 2), lambda start, stop, step: np.zeros((1, 2, 2, 3), np.uint8))
    video.close()
    assert video.read(0, 1).shape == (1, 2, 2, 3)
