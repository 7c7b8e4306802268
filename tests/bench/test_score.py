"""Scoring with a scorer that can be checked by hand: what reaches the disk, what is kept, what happens when it breaks."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lavida_bench.common.distributed import Processes
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols import windows
from lavida_bench.protocols.prompt_names import PromptNames
from lavida_bench.protocols.protocol import Official, Paper
from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.scoring.score import ScoringResult, ScoringSettings, merge_results, score, videos_of_process
from lavida_bench.scoring.scorer import ClipScores, PendingScores
from lavida_bench.testing import check_scorer
from lavida_bench.videos import prefetch, regions
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, UserError

SIZE = (16, 24)
NAMES = PromptNames("given", ("bicycle", "cart"))
OFFICIAL = protocols.make("official")


def pixels(frame: int) -> NDArray[np.uint8]:
    """(16, 24, 3): the frame's number is its brightness, the upper left two of six cells are 30 brighter."""
    made = np.full((*SIZE, 3), frame, np.uint8)
    made[:8, :16] += 30
    return made


def video(key: str, frames: int, read: Callable[[int], NDArray[np.uint8]] = pixels, masks: bool = True) -> TestVideo:
    labels = np.arange(frames) % 2 == 1
    mask = np.zeros(SIZE, bool)
    mask[:8, :16] = True

    def reader(start: int, stop: int, step: int) -> NDArray[np.uint8]:
        return np.stack([read(frame) for frame in range(start, stop, step)])

    def mask_reader(start: int, stop: int) -> NDArray[np.bool_]:
        return np.stack([mask & labels[frame] for frame in range(start, stop)])

    return TestVideo(key, frames, SIZE, reader, 10.0, ("thing",), labels, mask_reader if masks else None)


class Toy:
    """Score of a frame: its mean brightness minus 10 for each name. Map: brightness of 8 x 8 cells minus the score."""

    name = "toy"

    def __init__(self, stop_after: int | None = None) -> None:
        self.identity = {"toy": 1}
        self.batches: list[int] = []
        self.stop_after = stop_after

    def prepare(self, clips: Sequence[NDArray[np.uint8]], names: tuple[str, ...]) -> Any:
        return np.concatenate(clips), len(names)

    def score(self, prepared: Any) -> PendingScores:
        if self.stop_after is not None and len(self.batches) >= self.stop_after:
            raise RuntimeError("the machine is on fire")
        frames, names = prepared
        self.batches.append(len(frames))
        grey = frames.astype(np.float32).mean(axis=3)
        scores = grey.mean(axis=(1, 2)) - 10 * names
        cells = grey.reshape(len(frames), 2, 8, 3, 8).mean(axis=(2, 4))
        maps = (cells - grey.mean(axis=(1, 2))[:, None, None]).astype(np.float16)
        return lambda: ClipScores(scores.astype(np.float32), maps)


def run(
    folder: Path, videos: Sequence[TestVideo], toy: Toy | None = None, **effort: Any
) -> tuple[ScoreStore, ScoringResult]:
    store = ScoreStore.create(folder, {"model": "toy"})
    store.write_header()
    return store, score(toy or Toy(), videos, OFFICIAL, NAMES, store, ScoringSettings(**effort))


def expected(frame: int) -> float:
    return frame + 10 - 20


def test_contract_of_the_toy() -> None:
    check_scorer(Toy(), SIZE)


def test_every_frame_has_its_score_and_its_map(tmp_path: Path) -> None:
    store, found = run(tmp_path, [video("a/b", 19), video("c", 1)], batch=2)
    assert (found.frames, sorted(found.scored), found.failed) == (20, ["a/b", "c"], {})
    read = store.read(video("a/b", 19))
    assert read is not None
    assert read.scored is None
    np.testing.assert_allclose(read.frames, [expected(n) for n in range(19)])
    maps = read.read_pixels(17, 19)
    assert maps.shape == (2, 2, 3)  # as the model made them
    assert maps[1, 0, 0] == np.float16(20.0)
    assert maps[1, -1, -1] == np.float16(-10.0)
    assert sorted(path.name for path in (tmp_path / "videos").iterdir()) == [
        "a%2Fb.maps.npy", "a%2Fb.npz", "c.maps.npy", "c.npz",
    ]  # fmt: skip


def test_detections_are_the_regions_above_zero(tmp_path: Path) -> None:
    store, _ = run(tmp_path, [video("a", 12)])
    read = store.read(video("a", 12))
    assert read is not None
    found = read.detections
    assert found is not None
    assert sorted(found.frames.tolist()) == list(range(12))
    assert (found.boxes[:, :2] == 0).all()
    assert (abs(found.boxes[:, 2] - 16) <= 3).all()
    assert (abs(found.boxes[:, 3] - 8) <= 3).all()
    assert (np.diff(found.scores[np.argsort(found.frames)]) > 0).all(), "a frame that scores higher ranks higher"


def test_regions_are_reported_apart_and_specks_are_left_out() -> None:
    values = np.full((100, 100), -5.0, np.float32)
    values[10:20, 30:50] = 2.0
    values[60:90, 5:15] = 6.0
    values[0, 99] = 9.0
    boxes, scores = regions.find_regions(values, 1.0, (100, 100))
    assert boxes.tolist() == [[30, 10, 50, 20], [5, 60, 15, 90]]
    assert scores[1] > scores[0]
    assert np.allclose(np.exp(scores), 1 / (1 + np.exp(-1)) / (1 + np.exp([-2.0, -6.0])))
    assert len(regions.find_regions(np.full((4, 4), -1024, np.float16), -3.0, (10, 10))[0]) == 0


def test_of_many_regions_the_highest_are_kept() -> None:
    values = np.full((90, 90), -1.0, np.float32)
    for place in range(64):
        row, column = divmod(place, 8)
        values[row * 11 + 1 : row * 11 + 7, column * 11 + 1 : column * 11 + 7] = 1 + place / 64
    boxes, scores = regions.find_regions(values, 0.0, (90, 90))
    assert len(boxes) == regions.MAX_REGIONS == len(scores)
    assert boxes[:, 1].min() >= 5 * 11 + 1


@given(st.integers(1, 90), st.integers(1, 5), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_no_frame_is_decoded_twice(frames: int, spacing: int, batch: int) -> None:
    decoded: list[int] = []

    def read(frame: int) -> NDArray[np.uint8]:
        decoded.append(frame)
        return pixels(frame)

    protocol = Official(spacing=spacing)
    for some in windows.read_clips(video("v", frames, read), protocol, batch):
        assert len(some) <= batch
        for clip in some:
            assert (clip.frames[:, -1, -1, 0] == clip.numbers).all()
    if batch % spacing == 0 or batch < spacing:
        assert sorted(decoded) == list(range(frames))


def test_paper_samples_are_read_with_their_step(tmp_path: Path) -> None:
    decoded: list[int] = []
    one = video("v", 70, lambda frame: (decoded.append(frame), pixels(frame))[1])
    protocol = Paper(ScoringRules(every=4))
    store = ScoreStore.create(tmp_path, {"model": "toy"})
    score(Toy(), [one], protocol, NAMES, store)
    assert decoded == list(range(0, 64, 4))
    read = store.read(one)
    assert read is not None
    assert read.scored is not None
    assert np.flatnonzero(read.scored).tolist() == decoded
    np.testing.assert_allclose(read.frames[decoded], [expected(n) for n in decoded])


def test_what_is_done_is_kept_and_what_changed_is_scored_again(tmp_path: Path) -> None:
    videos = [video("a", 12), video("b", 9)]
    run(tmp_path, videos)
    toy = Toy()
    _, found = run(tmp_path, videos, toy)
    assert (toy.batches, found.kept, found.frames) == ([], ["a", "b"], 0)
    _, found = run(tmp_path, [videos[0], replace(videos[1], names=("other",))], toy)
    assert (found.kept, found.scored) == (["a"], ["b"])
    (tmp_path / "videos" / "a.npz").write_bytes(b"PK damaged")
    _, found = run(tmp_path, videos[:1], toy)
    assert found.scored == ["a"]
    (tmp_path / "videos" / "a.maps.npy").unlink()
    assert run(tmp_path, videos[:1], toy)[1].scored == ["a"]


def test_maps_that_were_not_stored_are_made_when_wanted(tmp_path: Path) -> None:
    run(tmp_path, [video("a", 9)], maps=False)
    store, found = run(tmp_path, [video("a", 9)], maps=False)
    assert found.kept == ["a"]
    read = store.read(video("a", 9))
    assert read is not None
    assert read.pixels is None
    assert run(tmp_path, [video("a", 9)], maps=True)[1].scored == ["a"]


def test_scores_of_another_model_are_not_mixed_in(tmp_path: Path) -> None:
    ScoreStore.create(tmp_path, {"model": "one", "names": "x"}).write_header()
    with pytest.raises(UserError, match=r"holds scores made otherwise \(differs: model\); .*--replace"):
        ScoreStore.create(tmp_path, {"model": "two", "names": "x"})
    ScoreStore.create(tmp_path, {"model": "two", "names": "x"}, replace=True).write_header()
    assert ScoreStore.open(tmp_path).identity == {"model": "two", "names": "x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ('{"format": 99}', "format 99; expected 1, whole; remove the folder and score again"),
        ('{"format": 1, "about": {}}', "format 1; expected 1, whole"),
        ("5", "holds a int; expected what `lavida-bench score` wrote"),
        ("[]", "holds a list; expected what `lavida-bench score` wrote"),
    ],
)
def test_a_broken_score_json_is_reported(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "score.json").write_text(text)
    with pytest.raises(DataError, match=message):
        ScoreStore.open(tmp_path)


def broken_at(frame: int) -> Callable[[int], NDArray[np.uint8]]:
    def read(number: int) -> NDArray[np.uint8]:
        if number >= frame:
            raise DataError(f"v.mp4, frame {number}: cannot be decoded")
        return pixels(number)

    return read


def test_a_video_that_breaks_in_the_middle_is_reported_and_the_others_are_scored(tmp_path: Path) -> None:
    videos = [video("a", 30), video("b", 60, broken_at(40)), video("c", 20)]
    store, found = run(tmp_path, videos, batch=1, readers=1)
    assert found.failed == {"b": "v.mp4, frame 40: cannot be decoded"}
    assert sorted(found.scored) == ["a", "c"]
    assert store.read(videos[1]) is None
    assert sorted(path.name[0] for path in (tmp_path / "videos").iterdir()) == ["a", "a", "c", "c"]


def test_a_crash_keeps_what_is_finished_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    videos = [video("a", 16), video("b", 80), video("c", 8)]
    with pytest.raises(RuntimeError, match="on fire"):
        run(tmp_path, videos, Toy(stop_after=5), batch=1, readers=1)
    assert sorted(path.name for path in (tmp_path / "videos").iterdir()) == ["a.maps.npy", "a.npz"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader-")]
    _, found = run(tmp_path, videos)
    assert (found.kept, sorted(found.scored)) == (["a"], ["b", "c"])


def test_scores_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    class Bad(Toy):
        def score(self, prepared: Any) -> PendingScores:
            scores = np.zeros(len(prepared[0]), np.float32)
            scores[3] = np.nan
            return lambda: ClipScores(scores)

    with pytest.raises(DataError, match="v, frame 3: score nan; expected a finite score"):
        run(tmp_path, [video("v", 8)], Bad())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 kB, if this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


class Large(Toy):
    """Maps of 4 kB a frame."""

    def score(self, prepared: Any) -> PendingScores:
        made = super().score(prepared)()
        assert made.maps is not None
        return lambda: replace(made, maps=np.repeat(np.repeat(made.maps, 22, 1), 16, 2))


def test_a_full_disk_is_reported_keeps_the_finished_and_resumes(small_disk: Path) -> None:
    videos = [video("a", 8), video("b", 60), video("c", 4)]
    with pytest.raises(DataError, match=r"b\.maps\.npy: the disk is full; free some space and run the same command"):
        run(small_disk / "s", videos, Large(), batch=1, readers=1)
    assert sorted(path.name for path in (small_disk / "s" / "videos").iterdir()) == ["a.maps.npy", "a.npz"]
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    _, found = run(small_disk / "s", videos, Large(), batch=1, readers=1)
    assert (found.kept, sorted(found.scored)) == (["a"], ["b", "c"])


# ---- readers -------------------------------------------------------------------------------------------------------


def test_readers_stay_within_the_depth_and_stop_when_left() -> None:
    made: list[int] = []

    def work(job: int) -> Iterator[int]:
        for piece in range(100):
            made.append(piece)
            yield piece

    items = prefetch.read_ahead(range(5), work, readers=2, depth=3)
    next(items)
    ready = threading.Event()
    ready.wait(0.2)
    assert len(made) <= 1 + 3 + 2 * 2
    items.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader-")]


def test_each_job_comes_whole_and_in_order() -> None:
    found: dict[int, list[int]] = {}
    done = []
    for item in prefetch.read_ahead(range(20), lambda job: iter(range(job)), readers=3, depth=2):
        if isinstance(item, prefetch.JobPiece):
            found.setdefault(item.job, []).append(item.piece)
        else:
            done.append(item.job)
    assert sorted(done) == list(range(20))
    assert found == {job: list(range(job)) for job in range(1, 20)}


def test_an_error_that_is_not_of_the_data_reaches_the_caller() -> None:
    def work(job: int) -> Iterator[int]:
        yield 1 // job

    with pytest.raises(ZeroDivisionError):
        list(prefetch.read_ahead([0], work))


def test_ctrl_c_between_two_readers_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun = threading.Thread.start, list[threading.Thread]()

    def interrupted(thread: threading.Thread) -> None:
        if begun:
            raise KeyboardInterrupt
        begun.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(prefetch.read_ahead([0], lambda job: itertools.count(), readers=2, depth=1))
    (reader,) = begun
    assert not reader.is_alive()


# ---- several processes -----------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 500), max_size=40), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_shares_are_disjoint_whole_and_even(sizes: list[int], world: int) -> None:
    videos = [video(str(at), size) for at, size in enumerate(sizes)]
    shares = [videos_of_process(videos, OFFICIAL, Processes(rank, world)) for rank in range(world)]
    assert sorted(v.key for part in shares for v in part) == sorted(v.key for v in videos)
    loads = [sum(v.frame_count for v in part) for part in shares]
    assert max(loads) - min(loads) <= max(sizes, default=0)


def test_what_processes_did_adds_up() -> None:
    one = ScoringResult(["a"], ["k"], {}, 5, {"model": 2.0})
    two = ScoringResult(["b"], [], {"c": "broken"}, 7, {"model": 3.0, "write": 1.0})
    whole = merge_results([one, two])
    assert whole == ScoringResult(["a", "b"], ["k"], {"c": "broken"}, 12, {"model": 3.0, "write": 1.0})


def test_readers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(24)))
    assert ScoringSettings().readers == 8
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "6")
    assert ScoringSettings().readers == 4
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "24")
    assert ScoringSettings().readers == 2


def test_one_process_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert Processes.current() == Processes(2, 3)
    assert not Processes.current().first
    assert Processes().gather("x") == ["x"]
