"""Readers of videos and image folders: exact counts, exact random access, broken frames repeated and reported."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import av
import drawing
import numpy as np
import pytest
from numpy.typing import NDArray

from lavida_bench.videos import media
from lavida_bench.videos.frame_folder import FrameFolder, decode_file
from lavida_bench.videos.mask_files import MaskFiles, read_grey
from lavida_bench.videos.media import TruncatedVideo, find_videos, frame_number, numbered_files
from lavida_bench.videos.stream import Stream
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.common.errors import DataError
from lavida_gen.scenes import video_file

FRAMES = 40
# steps between frames of a video whose rate varies
UNEVEN = [0, 1, 2, 5, 6, 10, 11, 12, 20, 21, *range(30, 60)]


def greys(frames: NDArray[np.uint8]) -> list[int]:
    """The grey level of the background, from which the frame's number follows."""
    return [round(float(frame[30:, :].mean())) for frame in frames]


def wanted(numbers: range) -> list[int]:
    return [20 + number * 37 % 200 for number in numbers]


Maker = Callable[[Path], Path]
MAKERS: dict[str, Maker] = {
    "avi": lambda folder: drawing.video(folder / "v.avi", FRAMES),
    "mp4": lambda folder: drawing.video(folder / "v.mp4", FRAMES),
    "b-frames": lambda folder: drawing.video(folder / "v.mp4", FRAMES, bframes=3, gop=12),
    "one key frame": lambda folder: drawing.video(folder / "v.mp4", FRAMES, bframes=2, gop=500),
    "mkv, uneven": lambda folder: drawing.video(folder / "v.mkv", FRAMES, bframes=2, times=UNEVEN),
    "mp4, uneven": lambda folder: drawing.video(folder / "v.mp4", FRAMES, bframes=2, times=UNEVEN),
    "no times": lambda folder: drawing.video(folder / "v.h264", FRAMES, codec="libx264"),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_random_access_is_exact(kind: str, tmp_path: Path) -> None:
    video = VideoFile(MAKERS[kind](tmp_path))
    assert (video.frame_count, video.size) == (FRAMES, drawing.SIZE)
    whole = video(0, FRAMES)
    assert np.abs(np.subtract(greys(whole), wanted(range(FRAMES)))).max() <= 4
    rng = np.random.default_rng(1)
    for _ in range(25):
        start = int(rng.integers(FRAMES))
        stop, step = int(rng.integers(start, FRAMES)) + 1, int(rng.integers(1, 9))
        assert (video(start, stop, step) == whole[start:stop:step]).all(), (start, stop, step)
    assert not video.broken
    assert not video.notes


def test_reading_on_does_not_seek(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = VideoFile(drawing.video(tmp_path / "v.mp4", FRAMES, gop=50, bframes=2))
    rewound: list[int] = []
    one = VideoFile._rewound
    monkeypatch.setattr(VideoFile, "_rewound", lambda self: rewound.append(1) or one(self))
    for start in range(0, FRAMES, 8):
        video(start, start + 8, 2)
    assert len(rewound) == 1


def test_a_reader_can_be_pickled_while_it_is_open(tmp_path: Path) -> None:
    video = VideoFile(drawing.video(tmp_path / "v.mp4", FRAMES))
    video(0, 5)
    copy = pickle.loads(pickle.dumps(video))
    assert (copy(7, 12) == video(7, 12)).all()


def test_fps_is_the_mean_where_it_varies(tmp_path: Path) -> None:
    assert VideoFile(drawing.video(tmp_path / "even.mp4", FRAMES, fps=30)).fps == pytest.approx(30)
    uneven = VideoFile(drawing.video(tmp_path / "uneven.mp4", FRAMES, times=UNEVEN)).fps
    assert uneven == pytest.approx(25 * FRAMES / 60, rel=0.05)


def packets(path: Path) -> list[tuple[int, int]]:
    """(offset, size) of each picture in the file."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def damage(path: Path, numbers: list[int]) -> None:
    places = packets(path)
    data = bytearray(path.read_bytes())
    for number in numbers:
        offset, size = places[number]
        data[offset : offset + size] = b"\0" * size
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("lost", [[5], [5, 6, 7], [FRAMES - 1]])
def test_broken_frames_are_repeated_and_reported(lost: list[int], tmp_path: Path) -> None:
    path = drawing.video(tmp_path / "v.mp4", FRAMES, gop=1)
    damage(path, lost)
    video = VideoFile(path)
    whole = video(0, FRAMES)
    assert video.frame_count == FRAMES
    assert sorted(video.broken) == lost
    for number in lost:
        assert (whole[number] == whole[lost[0] - 1]).all()
    sound = [n for n in range(FRAMES) if n not in lost]
    assert np.abs(np.subtract(greys(whole[sound]), [20 + n * 37 % 200 for n in sound])).max() <= 4
    for number in range(FRAMES):
        assert (VideoFile(path)(number, number + 1)[0] == whole[number]).all(), number


def test_a_broken_first_frame_is_shown_as_the_next(tmp_path: Path) -> None:
    path = drawing.video(tmp_path / "v.mp4", FRAMES, gop=1)
    damage(path, [0])
    video = VideoFile(path)
    whole = video(0, 3)
    assert (whole[0] == whole[1]).all()
    assert list(video.broken) == [0]
    assert (video(0, 3) == whole).all()


def test_a_truncated_file_has_the_frames_before_the_cut(tmp_path: Path) -> None:
    path = drawing.video(tmp_path / "v.avi", FRAMES)
    offset, _ = packets(path)[20]
    path.write_bytes(path.read_bytes()[:offset])
    video = VideoFile(path)
    assert video.frame_count == 20
    assert video.notes == ["its header claims 40 frames, the file has 20"]
    assert np.abs(np.subtract(greys(video(0, 20)), wanted(range(20)))).max() <= 4


def test_files_that_are_no_video_are_refused(tmp_path: Path) -> None:
    cut = drawing.video(tmp_path / "cut.mp4", FRAMES)
    cut.write_bytes(cut.read_bytes()[:900])
    (tmp_path / "text.mp4").write_text("not a video")
    for name in ("cut.mp4", "text.mp4"):
        with pytest.raises(
            DataError, match=rf"{name}: cannot be opened .*; expected a video file; fetch the file again"
        ):
            VideoFile(tmp_path / name)
    with pytest.raises(DataError, match="none.mp4: cannot be read"):
        VideoFile(tmp_path / "none.mp4")
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(DataError, match="has no video stream"):
        VideoFile(tmp_path / "sound.wav")


def test_a_title_in_latin_1_is_accepted(tmp_path: Path) -> None:
    path = drawing.video(tmp_path / "v.mp4", FRAMES, title="Café square".encode("latin-1"))
    with pytest.raises(UnicodeDecodeError), av.open(str(path)):
        pass
    assert np.abs(np.subtract(greys(VideoFile(path)(0, FRAMES)), wanted(range(FRAMES)))).max() <= 4
    assert sum(1 for _ in Stream(path)) == FRAMES
    assert len(video_file.decode_frames(path, [0, 9], drawing.SIZE)) == 2


def test_a_turned_video_is_shown_upright(tmp_path: Path) -> None:
    path = drawing.video(tmp_path / "v.mp4", 4)
    whole = VideoFile(path)(0, 4)
    data = path.read_bytes()
    one = 1 << 16
    still = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    quarter = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)  # a quarter clockwise, as phones write it
    at = data.index(still, data.index(b"tkhd"))
    turned_path = tmp_path / "turned.mp4"
    turned_path.write_bytes(data[:at] + quarter + data[at + len(quarter) :])
    turned = VideoFile(turned_path)
    assert turned.size == drawing.SIZE[::-1]
    assert (turned(0, 4) == np.rot90(whole, -1, axes=(1, 2))).all()


def test_the_index_is_cached_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lavida_bench.videos import video_index

    path = drawing.video(tmp_path / "v.mp4", 10)
    made: list[Path] = []
    one = video_index._arrays
    monkeypatch.setattr(video_index, "_arrays", lambda file: made.append(file) or one(file))
    assert [video_index.read_index(path).count for _ in range(3)] == [10, 10, 10]
    assert len(made) == 1
    drawing.video(path, 13)
    assert video_index.read_index(path).count == 13


def folder(tmp_path: Path, names: list[str]) -> Path:
    drawing.images(tmp_path / "frames", names)
    return tmp_path / "frames"


def test_a_folder_reads_by_number(tmp_path: Path) -> None:
    frames = FrameFolder.from_folder(folder(tmp_path, [f"{n}.png" for n in range(12)]))  # 10 comes after 9
    assert (frames(0, 12, 3) == drawing.pictures(12)[::3]).all()


def test_lost_and_broken_images_are_repeated_and_reported(tmp_path: Path) -> None:
    place = folder(tmp_path, [f"{n:03d}.tif" for n in range(1, 9)])
    (place / "003.tif").unlink()
    (place / "006.tif").write_bytes((place / "006.tif").read_bytes()[:300])
    drawing.image(place / "007.tif", np.zeros((5, 5, 3), np.uint8))
    frames = FrameFolder.from_folder(place, first=1)
    frames.check_files()
    assert list(frames.broken) == [2]
    shown, drawn = frames(0, 8), drawing.pictures(8)
    assert (shown == drawn[[0, 1, 1, 3, 4, 4, 4, 7]]).all()
    assert sorted(frames.broken) == [2, 5, 6]
    assert frames.broken[2] == "no file"
    assert "cannot be decoded" in frames.broken[5]
    assert "5 x 5 pixels; expected 64 x 48, as the other frames" in frames.broken[6]
    assert (FrameFolder.from_folder(place, first=1)(6, 7)[0] == drawn[4]).all()


def test_gaps_in_free_numbers_are_no_lost_frames(tmp_path: Path) -> None:
    frames = FrameFolder.from_folder(folder(tmp_path, ["f010.png", "f020.png", "f040.png"]))
    assert frames.frame_count == 3
    assert not frames.broken


def test_invalid_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: holds no image; expected frames \(.jpg"):
        FrameFolder.from_folder(tmp_path / "empty")
    place = folder(tmp_path, ["000.png", "001.png"])
    with pytest.raises(DataError, match="number 0; expected frames numbered from 1"):
        FrameFolder.from_folder(place, first=1)
    (place / "1.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match=r"has the number of 001.png; expected one file a frame"):
        numbered_files(place)
    with pytest.raises(DataError, match="no number in its name"):
        frame_number(Path("frame.png"))
    for name in ("000.png", "001.png"):
        (place / name).write_bytes(b"x")
    (place / "1.jpg").unlink()
    with pytest.raises(DataError, match="not a readable image"):
        FrameFolder.from_folder(place)


def test_a_video_without_any_good_frame_is_an_error(tmp_path: Path) -> None:
    place = folder(tmp_path, ["000.png"])
    data = (place / "000.png").read_bytes()
    (place / "000.png").write_bytes(data[:60])
    with pytest.raises(DataError, match="no frame can be decoded"):
        FrameFolder.from_folder(place)(0, 1)
    with pytest.raises(DataError, match="cannot be read"):
        decode_file(place / "gone.png", None)


def test_stray_files_are_no_frames(tmp_path: Path) -> None:
    place = folder(tmp_path, ["000.png"])
    for name in ("._000.png", ".DS_Store", "Thumbs.db"):
        (place / name).write_text("x")
        assert media.is_stray(name)
    assert list(numbered_files(place).values()) == [place / "000.png"]
    (place / "._a.mp4").write_text("x")
    assert find_videos(place) == {}


def test_a_truncated_video_is_the_beginning_of_the_whole(tmp_path: Path) -> None:
    whole = FrameFolder.from_folder(folder(tmp_path, [f"{n}.png" for n in range(6)]))
    part = TruncatedVideo(whole, 4)
    assert part.frame_count == 4
    assert (part(1, 4) == whole(1, 4)).all()


def test_masks_from_files(tmp_path: Path) -> None:
    drawing.image(tmp_path / "1.png", drawing.mask(1, value=7))
    masks = MaskFiles({1: tmp_path / "1.png"}, drawing.SIZE)(0, 3)
    assert (masks.any(axis=(1, 2)) == [False, True, False]).all()
    assert (masks[1] == (drawing.mask(1) > 0)).all()
    picked = MaskFiles({1: tmp_path / "1.png"}, drawing.SIZE, lambda values, frame: values == 7 * frame)(1, 2)
    assert (picked[0] == masks[1]).all()
    with pytest.raises(DataError, match="64 x 48 pixels; expected 9 x 9, the size of the video"):
        read_grey(tmp_path / "1.png", (9, 9))
    (tmp_path / "2.png").write_text("x")
    with pytest.raises(DataError, match="is not a readable image"):
        read_grey(tmp_path / "2.png", None)
