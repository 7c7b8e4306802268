"""Benchmarks in the layouts that people have: unpacked as distributed, frames instead of videos, other names and numbers."""

from __future__ import annotations

from pathlib import Path

import drawing
import numpy as np
import pytest
from benchmark_miniatures import avenue, shanghaitech, ucf_crime, ucsd_ped2
from scipy.io import savemat

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._check import split_size
from lavida_bench.benchmarks.ucf_crime import FILE
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_gen.common.errors import DataError


def sizes(name: str, root: Path, **settings: object) -> tuple[int, int | None, int | None]:
    found = split_size(benchmarks.make(name, root, settings).loaded())
    return found.videos, found.frames, found.abnormal_frames


def test_avenue_as_it_unpacks(tmp_path: Path) -> None:
    avenue.draw(tmp_path, drawing)
    (tmp_path / "Avenue Dataset").mkdir()
    (tmp_path / "testing_videos").rename(tmp_path / "Avenue Dataset" / "testing_videos")
    assert sizes("avenue", tmp_path) == avenue.TOTALS


def extract(root: Path) -> None:
    """Replace the videos by folders of their frames."""
    for video in benchmarks.make("avenue", root).videos():
        folder = root / "testing" / "frames" / video.key
        drawing.images(folder, [f"{n:04d}.jpg" for n in range(video.frame_count)])
    for path in (root / "testing_videos").iterdir():
        path.unlink()
    (root / "testing_videos").rmdir()


def test_avenue_as_extracted_frames(tmp_path: Path) -> None:
    avenue.draw(tmp_path, drawing)
    extract(tmp_path)
    assert sizes("avenue", tmp_path) == avenue.TOTALS
    assert all(isinstance(video.reader, FrameFolder) for video in benchmarks.make("avenue", tmp_path).videos())
    for path in (tmp_path / "ground_truth_demo" / "testing_label_mask").iterdir():
        path.unlink()
    with pytest.raises(
        DataError, match=r"its \d+ frames are there, its labels are missing: no testing_label_mask/1_label"
    ):
        benchmarks.make("avenue", tmp_path).videos()


def test_avenue_with_intervals_and_without_masks(tmp_path: Path) -> None:
    avenue.draw(tmp_path, drawing)
    frames = [video.frame_count for video in benchmarks.make("avenue", tmp_path).videos()]
    for path in (tmp_path / "ground_truth_demo" / "testing_label_mask").iterdir():
        path.unlink()
    gt = np.empty((1, len(frames)), object)
    for place in range(len(frames)):
        gt[0, place] = np.array([[2], [4]])
    savemat(tmp_path / "avenue.mat", {"gt": gt})
    assert sizes("avenue", tmp_path, labels="intervals") == (len(frames), sum(frames), 3 * len(frames))
    assert not any(v.has_pixels for v in benchmarks.make("avenue", tmp_path, {"labels": "intervals"}).videos())


def renumber(folder: Path, by: int) -> None:
    for path in sorted(folder.iterdir(), reverse=by > 0):
        if path.stem.isdigit():
            path.rename(path.with_name(f"{int(path.stem) + by:0{len(path.stem)}d}{path.suffix}"))


def test_ped2_numbered_from_0(tmp_path: Path) -> None:
    ucsd_ped2.draw(tmp_path, drawing)
    for folder in (tmp_path / "UCSDped2" / "Test").iterdir():
        if folder.is_dir():
            renumber(folder, -1)
    opened = benchmarks.make("ucsd_ped2", tmp_path)
    assert sizes("ucsd_ped2", tmp_path) == ucsd_ped2.TOTALS
    first = opened.videos()[0]
    masks = first.read_masks(0, first.frame_count)
    assert masks is not None
    np.testing.assert_array_equal(masks.any(axis=(1, 2)), first.frame_labels)


def test_shanghaitech_numbered_from_1(tmp_path: Path) -> None:
    shanghaitech.draw(tmp_path, drawing)
    wanted = sizes("shanghaitech", tmp_path)
    for folder in (tmp_path / "testing" / "frames").iterdir():
        renumber(folder, 1)
    assert sizes("shanghaitech", tmp_path) == wanted


@pytest.mark.parametrize("name", ["Temporal_Anomaly_Annotation.txt", "Temporal_Anomaly_Annotation_New.txt", FILE])
@pytest.mark.parametrize("count", ["", " 99"])
def test_ucf_annotations_under_other_names_and_with_lengths(tmp_path: Path, name: str, count: str) -> None:
    ucf_crime.draw(tmp_path, drawing)
    (path,) = tmp_path.rglob(FILE)
    lines = [line + count for line in path.read_text().splitlines() if line.strip()]
    path.unlink()
    path.with_name(name).write_text("\n".join(lines))
    assert sizes("ucf_crime", tmp_path) == ucf_crime.TOTALS
    notes = [d for d in benchmarks.make("ucf_crime", tmp_path).log.defects if "annotated as 99 frames" in d.what]
    assert len(notes) == (ucf_crime.TOTALS[0] if count else 0)


def test_ucf_names_that_copies_write_differently(tmp_path: Path) -> None:
    ucf_crime.draw(tmp_path, drawing)
    (path,) = tmp_path.rglob(FILE)
    path.write_text(path.read_text().replace("Normal_Videos_", "Normal_Videos"))
    assert sizes("ucf_crime", tmp_path) == ucf_crime.TOTALS
    (note,) = [d for d in benchmarks.make("ucf_crime", tmp_path).log.defects if "has no line" in d.what]
    assert note.where.startswith("Normal_Videos")


def test_drawn_tracks_are_the_tight_boxes_of_what_is_drawn(tmp_path: Path) -> None:
    """Alone in its picture, a thing's box must be that of the mask, exclusive ends inside and inclusive in the file."""
    videos = benchmarks.make("street", tmp_path / "s", {"videos": 4, "frames": 40, "size": [120, 160]}).videos()
    compared = 0
    for video in videos:
        assert video.tracks is not None
        places = [(frame, box) for track in video.tracks for frame, box in zip(track.frames, track.boxes, strict=True)]
        counts = {frame: sum(other == frame for other, _ in places) for frame, _ in places}
        for frame, box in places:
            masks = video.read_masks(frame, frame + 1)
            if counts[frame] == 1 and masks is not None:
                rows, columns = masks[0].any(axis=1).nonzero()[0], masks[0].any(axis=0).nonzero()[0]
                assert box.tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
                compared += 1
    assert compared
