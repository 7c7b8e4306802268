"""Files are predicted in batches and drawn in another thread: with the same scores, bounded memory, and errors as before."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from test_predict import NAMES, SIZE, Grey, film

from lavida_bench.prediction import clips
from lavida_bench.prediction.clips import BATCH, DEPTH, ClipReader
from lavida_bench.prediction.overlay import OverlayWriter
from lavida_bench.prediction.predict import predict
from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.videos.picture import Picture
from lavida_bench.videos.stream import Stream
from lavida_gen.common.errors import DataError

SHARES = DEPTH + 3
FRAME = SIZE[0] * SIZE[1] * 3 // 2
"""Bytes of a frame of `film` that waits."""


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as made:
        return [frame.to_ndarray(format="rgb24") for frame in made.decode(video=0)]


@pytest.mark.parametrize(("share", "count", "packed"), [(10**9, 4, False), (36, 3, False), (8, 1, False), (7, 1, True)])
def test_what_waits_is_bounded_in_bytes_and_changes_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: int, count: int, packed: bool
) -> None:
    """`share` frames fit into the share of a batch: it has as many clips as fit, one alone waits as JPEG if it does not."""
    video = film(tmp_path / "v.mp4")
    predict(Grey(), Stream(video), NAMES, tmp_path / "usual", PredictionSettings(every=1))
    monkeypatch.setattr(clips, "WAITING", share * FRAME * SHARES)
    batches = list(ClipReader(Grey(), NAMES, PredictionSettings(every=1), 1).read(Stream(video)))
    assert [len(batch.clips) for batch in batches] == [min(count, 8 - n) for n in range(0, 8, count)]
    kept = {type(frame.kept) for batch in batches for clip in batch.clips for frame in clip.waiting}
    assert kept == {bytes if packed else Picture}
    predict(Grey(), Stream(video), NAMES, tmp_path / "bounded", PredictionSettings(every=1))
    for name in ("scores.csv", "segments.csv"):
        assert (tmp_path / "bounded" / name).read_bytes() == (tmp_path / "usual" / name).read_bytes()
    both = [pictures(tmp_path / name / "overlay.mp4") for name in ("usual", "bounded")]
    assert len(both[0]) == len(both[1]) == 60
    assert max(float(np.abs(one.astype(int) - other).mean()) for one, other in zip(*both, strict=True)) < 3


def test_without_an_overlay_only_sampled_frames_wait(tmp_path: Path) -> None:
    reader = ClipReader(Grey(), NAMES, PredictionSettings(overlay=False), 4)
    (batch,) = reader.read(Stream(film(tmp_path / "v.mp4")))
    assert [(len(clip.waiting), clip.frames) for clip in batch.clips] == [(8, 32), (7, 28)]


def test_a_live_source_has_one_clip_a_batch(tmp_path: Path) -> None:
    read, write = os.pipe()
    data = film(io.BytesIO(), kind="mpegts").getvalue()
    with os.fdopen(write, "wb") as pipe:
        threading.Thread(target=lambda: (pipe.write(data), pipe.close()), daemon=True).start()
        with os.fdopen(read, "rb") as source:
            batches = list(ClipReader(Grey(), NAMES, PredictionSettings(), 2).read(Stream(source)))
    assert [len(batch.clips) for batch in batches] == [1, 1, 1, 1]
    assert BATCH > 1


def test_a_full_disk_ends_a_prediction_while_it_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, names = OverlayWriter.write, set()

    def full(self: OverlayWriter, frame: Any, seconds: float) -> None:
        names.add(threading.current_thread().name)
        if seconds > 2:
            raise DataError("overlay.mp4: No space left on device")
        write(self, frame, seconds)

    monkeypatch.setattr(OverlayWriter, "write", full)
    with pytest.raises(DataError, match=r"^overlay\.mp4: No space left on device$"):
        predict(Grey(), Stream(film(tmp_path / "v.mp4", 160)), NAMES, tmp_path / "o", PredictionSettings(every=1))
    assert names == {"pictures_0"}
    assert not list((tmp_path / "o").iterdir())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("pictures", "reader"))]


def test_a_model_that_fails_leaves_no_thread_that_draws(tmp_path: Path) -> None:
    class Broken(Grey):
        def score(self, prepared: Any) -> Any:
            if self.prepared - self.ahead:
                raise DataError("broken")
            return super().score(prepared)

    with pytest.raises(DataError, match="broken"):
        predict(Broken(), Stream(film(tmp_path / "v.mp4", 160)), NAMES, tmp_path / "o", PredictionSettings(every=1))
    assert not list((tmp_path / "o").iterdir())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("pictures", "reader"))]


@pytest.mark.parametrize(
    ("kind", "error"), [("yuv420p", 4), ("yuvj420p", 4), ("yuv420p10le", 5), ("rgb24", 4), ("gray", 4)]
)
def test_a_shrunk_picture_has_the_colours_of_the_whole_one(kind: str, error: int) -> None:
    """Areas of two by two, so that chroma of half the size is the same."""
    from av.video.reformatter import Colorspace

    ground = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    drawn = av.VideoFrame.from_ndarray(ground, format="rgb24")
    for space in (Colorspace.ITU601, Colorspace.ITU709):
        frame = VideoReformatter().reformat(drawn, format=kind, dst_colorspace=space)
        for turn in (0, 1):
            whole = Picture(frame, (96, 128), turn)
            small = whole.shrink(VideoReformatter(), 64)
            assert small.size == (48, 64)
            assert sum(plane.buffer_size for plane in small.frame.planes) == whole.small_bytes(64)
            want, got = whole.pixels(VideoReformatter()).astype(int), small.pixels(VideoReformatter())
            inner = np.zeros(8, bool)
            inner[3:5] = True
            rows, columns = np.resize(inner, got.shape[0]), np.resize(inner, got.shape[1])
            assert np.abs(want[::2, ::2] - got)[rows][:, columns].max() <= error
            same = whole.shrink(VideoReformatter(), 128).pixels(VideoReformatter())
            assert np.abs(same - want)[rows.repeat(2)][:, columns.repeat(2)].max() <= (
                0 if kind == "yuv420p" else error
            )
