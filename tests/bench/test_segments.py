"""What a prediction makes of scores: segments, samples that stay small, the timeline's peaks and thumbnails, the bar."""

from __future__ import annotations

import numpy as np
import pytest

from lavida_bench.prediction import bar
from lavida_bench.prediction.segments import AnomalySegment, ScoredFrame, ScoredFrames, SegmentFinder, sigmoid
from lavida_bench.prediction.timeline_picture import MOST, Peaks, format_time, spread_thumbnails
from lavida_bench.videos.picture import even_size


def sampled(*values: tuple[int, float]) -> list[ScoredFrame]:
    return [ScoredFrame(frame, frame / 10, 0.0, probability, f"n{frame}") for frame, probability in values]


def find_segments(
    rows: list[ScoredFrame], threshold: float, join: float, spacing: tuple[int, float], frames: int
) -> list[AnomalySegment]:
    finder = SegmentFinder(threshold, join, spacing)
    ended = [*map(finder.add, rows), finder.end(frames)]
    assert finder.end(frames) is None
    return [segment for segment in ended if segment is not None]


def test_a_segment_ends_when_nothing_can_be_joined_to_it() -> None:
    rows = sampled((0, 0.9), (2, 0.1), (4, 0.1), (6, 0.1), (8, 0.9), (10, 0.1))
    finder = SegmentFinder(0.5, 0.3, (2, 0.2))
    ended = [finder.add(row) for row in rows]
    assert [segment is not None for segment in ended] == [False, False, False, True, False, False]
    last = finder.end(12)
    assert last is not None
    assert (last.start_frame, last.end_frame) == (8, 10)


def test_segments_bridge_short_gaps() -> None:
    rows = sampled((0, 0.9), (2, 0.7), (4, 0.1), (6, 0.8), (8, 0.1), (10, 0.1), (12, 0.1), (14, 0.5))
    found = find_segments(rows, 0.5, 0.2, (2, 0.2), 16)
    assert [(s.start_frame, s.end_frame, s.start, s.end) for s in found] == [(0, 8, 0.0, 0.8), (14, 16, 1.4, 1.6)]
    assert (found[0].peak, found[0].peak_seconds, found[0].name) == (0.9, 0.0, "n0")
    assert found[0].mean == pytest.approx(0.8)
    assert len(find_segments(rows, 0.5, 0.0, (2, 0.2), 16)) == 3
    assert len(find_segments(rows, 0.5, 9.0, (2, 0.2), 16)) == 1
    assert find_segments(rows, 0.95, 1.0, (2, 0.2), 16) == []
    last = find_segments(rows, 0.5, 0.2, (2, 0.2), 15)[-1]
    assert (last.end_frame, last.end) == (15, 1.5), "the video ends there"


def test_samples_are_kept_small_and_come_back() -> None:
    kept = ScoredFrames(("a", "b"))
    kept.add(3, 0.3, 2.0, 1)
    kept.add(4, 0.4, -800.0)
    assert kept[0] == ScoredFrame(3, 0.3, 2.0, pytest.approx(0.880797), "b")
    assert kept[1].probability == 0.0
    assert [row.name for row in kept[:]] == ["b", ""]
    assert (sigmoid(0.0), sigmoid(1000.0)) == (0.5, 1.0)


def test_peaks_stay_few_and_keep_the_highest() -> None:
    peaks, picture = Peaks(most=16), np.zeros((20, 30, 3), np.uint8)
    for second in range(1000):
        peaks.add(0.99 if second == 777 else (second % 10) / 20, float(second), picture)
    assert len(peaks.kept) <= 16
    chosen = peaks.best([])
    assert len(chosen) == MOST
    assert (0.99, 777.0) in [row[:2] for row in chosen]
    assert [row[1] for row in chosen] == sorted(row[1] for row in chosen)


def test_thumbnails_stay_apart_and_inside() -> None:
    lefts = spread_thumbnails([10.0, 20.0, 30.0, 1500.0, 1501.0, 1502.0], 70, 1338)
    assert lefts == sorted(lefts)
    assert min(np.diff(lefts)) >= 232
    assert lefts[0] >= 70
    assert lefts[-1] <= 1338


@pytest.mark.parametrize(
    ("seconds", "step", "text"),
    [(7, 1, "0:07"), (59.96, 0.5, "1:00.0"), (3723, 60, "1:02:03"), (2.44, 0.1, "0:02.4")],
)
def test_clock(seconds: float, step: float, text: str) -> None:
    assert format_time(seconds, step) == text


def test_the_bar_grows_with_the_probability() -> None:
    lengths = []
    for probability in (0.0, 0.25, 0.5, 1.0):
        below = bar.draw_bar((24, 400), probability, 0.6, "0:01", "")
        middle = below[below.shape[0] // 2].astype(int)
        lengths.append(int((abs(middle - bar.ALARM).sum(1) < 9).sum() + (abs(middle - bar.CALM).sum(1) < 9).sum()))
    assert lengths[0] == 0
    assert lengths[3] > 190
    assert lengths[1] * 2 == pytest.approx(lengths[2], abs=3)


def test_pictures_for_h264_have_even_sides() -> None:
    assert even_size((1081, 1921), 960) == (540, 960)
    assert even_size((101, 151), 960) == (100, 150)
