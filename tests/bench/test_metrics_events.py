"""Detection delay and false alarms an hour: worked by hand and against a plain loop over frames."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lavida_bench.metrics import _base as metric
from lavida_bench.metrics._base import Metric
from lavida_bench.metrics.detection_delay import DetectionDelay
from lavida_bench.metrics.false_alarms_per_hour import FalseAlarmsPerHour
from lavida_bench.protocols import protocol as protocols
from lavida_bench.videos.types import TestVideo, VideoScore

Rows = list[tuple[bool, int]]


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("no metric of scores reads frames")


def feed(made: Metric, *videos: Rows, fps: float | None = 10.0) -> Metric:
    for index, rows in enumerate(videos):
        labels, scores = np.array([y for y, _ in rows]), np.array([s for _, s in rows], np.float32)
        video = TestVideo(f"v{index}", len(rows), (2, 2), unread, fps, frame_labels=labels)
        made.update(protocols.make("official").view(video, VideoScore(video.key, scores)))
    return made


def rows(labels: str, scores: str) -> Rows:
    return [(label == "x", int(score)) for label, score in zip(labels, scores, strict=True)]


def test_delay_equals_a_calculation_by_hand() -> None:
    # 10 normal frames, one of them at 5: at a rate of 10 % the lowest threshold that lets one in is 4 (not 3).
    video = rows(".....xxxx...xx..", "5333312433333333")
    made = feed(DetectionDelay(false_alarm_rate=0.1), video).exact()
    # The first event reaches 4 after 2 frames, the second never: its whole 2 frames count. 10 frames a second.
    assert made == {"delay": pytest.approx((0.2 + 0.2) / 2), "missed": 0.5}


def test_no_false_alarm_allowed_means_above_every_normal_frame() -> None:
    video = rows("..xx", "5555")
    assert feed(DetectionDelay(false_alarm_rate=0.0), video).exact() == {"delay": pytest.approx(0.2), "missed": 1.0}


def test_alarms_equal_a_calculation_by_hand() -> None:
    # Both events must be found: threshold 4. Normal runs at or above it: "9", "46", and "4" after the event.
    video = rows("......xx...x", "091046344039")
    made = feed(FalseAlarmsPerHour(recall=1.0), video)
    assert made.exact()["alarms"] == pytest.approx(3 / (9 / 10 / 3600))
    assert made.counts()["events"] == 2
    # Half of the events: 9 is enough, one normal run reaches it.
    assert feed(FalseAlarmsPerHour(recall=0.5), video).exact()["alarms"] == pytest.approx(1 / (9 / 10 / 3600))


@pytest.mark.parametrize("name", ["detection_delay", "false_alarms_per_hour"])
def test_undefined_without_events_or_normal_frames(name: str) -> None:
    for label in (".", "x"):
        values = feed(metric.make(name), rows(label * 4, "0123")).exact().values()
        assert all(math.isnan(value) for value in values)


@pytest.mark.parametrize("name", ["detection_delay", "false_alarms_per_hour"])
def test_a_video_without_a_frame_rate_is_left_out_and_named(name: str) -> None:
    made = feed(metric.make(name), rows("..xx", "0123"), fps=None)
    assert made.left_out == ["v0"]
    assert "1 videos have no frame rate or no scored frame and are left out" in made.notes()


def test_a_frame_without_a_score_splits_a_run() -> None:
    protocol, labels = protocols.make("official"), np.array([True, True, True, False, False, False])
    video = TestVideo("v", 6, (2, 2), unread, 10.0, frame_labels=labels)
    item = protocol.view(video, protocol.assemble(video, {0: 1.0, 2: 1.0, 3: 1.0, 5: 1.0}))
    made = FalseAlarmsPerHour()
    made.update(item)
    assert made.counts()["events"] == 2
    assert made.exact()["alarms"] == pytest.approx(2 / (2 / 10 / 3600))


def plain_events(video: Rows) -> list[list[int]]:
    """Scores of each run of abnormal frames."""
    found: list[list[int]] = []
    for index, (label, score) in enumerate(video):
        if label:
            if index == 0 or not video[index - 1][0]:
                found.append([])
            found[-1].append(score)
    return found


VIDEOS = st.lists(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=25), min_size=1, max_size=3
)


@given(VIDEOS, st.sampled_from([0.0, 0.1, 0.3, 1.0]))
@settings(max_examples=80, deadline=None)
def test_delay_agrees_with_the_definition(videos: list[Rows], rate: float) -> None:
    normal = [score for video in videos for label, score in video if not label]
    events = [event for video in videos for event in plain_events(video)]
    made = feed(DetectionDelay(false_alarm_rate=rate), *videos).exact()
    if not normal or not events:
        assert math.isnan(made["delay"])
        return
    # Only scores that occur, and one above all, make a difference.
    thresholds = [*sorted({score for video in videos for _, score in video}), 99]
    chosen = next(t for t in thresholds if sum(score >= t for score in normal) <= rate * len(normal))
    delays = [next((i for i, score in enumerate(event) if score >= chosen), len(event)) for event in events]
    assert made["delay"] == pytest.approx(np.mean(delays) / 10)
    assert made["missed"] == pytest.approx(np.mean([max(event) < chosen for event in events]))


@given(VIDEOS, st.sampled_from([0.2, 0.5, 0.8, 1.0]))
@settings(max_examples=80, deadline=None)
def test_alarms_agree_with_the_definition(videos: list[Rows], recall: float) -> None:
    normal = [score for video in videos for label, score in video if not label]
    events = [event for video in videos for event in plain_events(video)]
    made = feed(FalseAlarmsPerHour(recall=recall), *videos).exact()["alarms"]
    if not normal or not events:
        assert math.isnan(made)
        return
    thresholds = sorted({score for video in videos for _, score in video}, reverse=True)
    chosen = next(t for t in thresholds if sum(max(event) >= t for event in events) >= recall * len(events) - 1e-9)
    alarms = 0
    for video in videos:
        ringing = False
        for label, score in video:
            rings = not label and score >= chosen
            alarms += rings and not ringing
            ringing = rings
    assert made == pytest.approx(alarms / (len(normal) / 10 / 3600))
