"""Clips: which frames, in which order, at which rate; and frames of a video file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from miniatures import sa_v

from lavida_gen.common.errors import DataError
from lavida_gen.scenes import video_file
from lavida_gen.scenes.video_file import VideoStills
from lavida_gen.sources._clips import ClipOptions, clip_positions, sort_frames


@given(
    count=st.integers(0, 200),
    frames=st.integers(2, 16),
    stride=st.integers(1, 30),
    hop=st.none() | st.integers(1, 40),
    short=st.sampled_from(["repeat", "drop"]),
)
def test_clip_positions_hold_for_every_video(count: int, frames: int, stride: int, hop: int | None, short: str) -> None:
    found = clip_positions(count, ClipOptions(frames=frames, stride=stride, hop=hop, short=short))
    assert bool(found) == (count >= 2 and (count >= frames or short == "repeat"))
    assert len({window[0] for window in found}) == len(found), "keys name clips by their first frame"
    for window in found:
        assert len(window) == frames
        assert all(0 <= at < count for at in window)
        steps = np.diff(window)
        if count >= frames:
            assert set(steps.tolist()) == {min(stride, (count - 1) // (frames - 1))}
        else:
            assert window == (*range(count), *[count - 1] * (frames - count))
    if hop is None:
        used = [at for window in found for at in set(window)]
        assert len(used) == len(set(used)), "clips of a video do not overlap"


@pytest.mark.parametrize(
    ("count", "options", "found"),
    [
        (1, {}, []),
        (2, {"frames": 4}, [(0, 1, 1, 1)]),
        (2, {"frames": 4, "short": "drop"}, []),
        (2, {"frames": 2}, [(0, 1)]),
        (9, {"frames": 3}, [(0, 1, 2), (3, 4, 5), (6, 7, 8)]),
        (9, {"frames": 3, "stride": 2}, [(0, 2, 4)]),
        (9, {"frames": 3, "stride": 2, "hop": 2}, [(0, 2, 4), (2, 4, 6), (4, 6, 8)]),
        (9, {"frames": 3, "stride": 100}, [(0, 4, 8)]),
    ],
)
def test_clip_positions_by_example(count: int, options: dict[str, object], found: list[tuple[int, ...]]) -> None:
    assert clip_positions(count, ClipOptions.model_validate(options)) == found


def test_frames_are_in_order_of_time() -> None:
    assert sort_frames(["10", "9", "100"]) == ("9", "10", "100")
    assert sort_frames(["00010", "00005"]) == ("00005", "00010")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 frames; the right half of frame n is 8 n bright."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    sa_v.film(path, 30, key_frames=7)
    return path


@pytest.mark.parametrize("numbers", [[0], [29], [7, 8], [13, 3, 3, 28], list(range(30)), [6, 20]])
def test_the_requested_frames_of_a_video_are_decoded(film: Path, numbers: list[int]) -> None:
    found = video_file.decode_frames(film, numbers, sa_v.SIZE)
    assert set(found) == set(numbers)
    for number, pixels in found.items():
        assert pixels.shape == (*sa_v.SIZE, 3)
        assert abs(float(pixels[70:, 80:].mean()) - 8 * number) < 3


def test_a_video_is_decoded_once_and_lazily(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = video_file.decode_frames
    monkeypatch.setattr(video_file, "decode_frames", lambda *args: calls.append(args) or real(*args))
    frames = VideoStills(film, [2, 4, 4], sa_v.SIZE).frames()
    assert calls == []
    shown = [frame.pixels() for frame in frames]
    assert len(calls) == 1
    assert np.array_equal(shown[1], shown[2])
    assert frames[0].where == f"{film} frame 2"


@pytest.mark.parametrize(
    ("numbers", "size", "message"),
    [
        ([28, 30], sa_v.SIZE, r"film\.mp4: ends before frame 30; expected all frames that are annotated"),
        ([0], (96, 96), r"film\.mp4: is 128 x 96; expected 96 x 96"),
    ],
)
def test_a_video_of_another_size_or_length(film: Path, numbers: list[int], size: tuple[int, int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        video_file.decode_frames(film, numbers, size)


@pytest.mark.parametrize(
    ("file", "size"), [("vtest.avi", (576, 768)), ("bedroom.mp4", (540, 960)), ("cutie_example.mp4", (480, 640))]
)
def test_frames_of_real_videos(shared_data: Path, file: str, size: tuple[int, int]) -> None:
    """Seeking gives the same frames as decoding from the start."""
    path = shared_data / "videos" / file
    whole = video_file.decode_frames(path, range(41), size)
    for number in (0, 1, 17, 40):
        assert np.array_equal(video_file.decode_frames(path, [number], size)[number], whole[number])
