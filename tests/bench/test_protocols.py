"""Which frames count under a protocol: counted, and for `paper` reproduced from its description with loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from lavida_bench.evaluation.evaluate import evaluate
from lavida_bench.metrics import _base as metric
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.protocol import Official, Paper
from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError

SAMPLED_EVERY_2ND = ScoringRules(every=2)


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("no protocol reads frames")


def video(key: str, frames: int, abnormal: range = range(0), size: tuple[int, int] = (2, 2)) -> TestVideo:
    labels = np.zeros(frames, bool)
    labels[list(abnormal)] = True
    return TestVideo(key, frames, size, unread, 30.0, frame_labels=labels)


@given(st.integers(1, 200), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_official_clips_cover_every_frame_once(frames: int, spacing: int) -> None:
    clips = list(Official(spacing=spacing).windows(video("v", frames)))
    assert all(clip.shape == (8,) for clip in clips)
    once = [frame for clip in clips for frame in dict.fromkeys(clip.tolist())]
    assert sorted(once) == list(range(frames))
    for clip in clips:
        steps = np.diff(clip)
        assert set(steps[steps > 0].tolist()) <= {spacing}
        assert (steps[np.flatnonzero(steps == 0)[:1].sum() :] == 0).all() or (steps > 0).any()


def test_official_fills_the_last_clip_with_its_last_frame() -> None:
    clips = [clip.tolist() for clip in protocols.make("official").windows(video("v", 11))]
    assert clips == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 10, 10, 10, 10, 10]]
    spaced = [clip.tolist() for clip in Official(spacing=2).windows(video("v", 5))]
    assert spaced == [[0, 2, 4, 4, 4, 4, 4, 4], [1, 3, 3, 3, 3, 3, 3, 3]]


@pytest.mark.parametrize(("frames", "clips"), [(1, 0), (31, 0), (32, 1), (63, 1), (64, 2), (95, 2)])
def test_paper_drops_clips_that_do_not_fill(frames: int, clips: int) -> None:
    protocol = Paper(ScoringRules(every=4))
    windows = [clip.tolist() for clip in protocol.windows(video("v", frames))]
    assert windows == [list(range(32 * i, 32 * i + 32, 4)) for i in range(clips)]
    assert protocol.frames_to_score(video("v", frames)).tolist() == [frame for clip in windows for frame in clip]


@pytest.mark.parametrize("every", [1, 2, 128])
def test_paper_samples_with_the_step_of_the_rules(every: int) -> None:
    protocol = Paper(ScoringRules(every=every))
    assert protocol.frames_to_score(video("v", 16 * every)).tolist() == list(range(0, 16 * every, every))
    assert ("every frame" if every == 1 else f"one frame in every {every},") in protocol.describe()


def by_the_description(videos: list[tuple[str, int, list[bool], list[float]]], every: int) -> tuple[float, float]:
    """(micro, macro) by the description of protocol paper: one frame at a time."""
    all_labels, all_scores, own = [False, True], [0.0, 1.0], []
    for _, frames, labels, scores in videos:
        kept_labels, kept_scores = [False, True], [0.0, 1.0]
        clip = 0
        while (clip + 1) * 8 * every <= frames:  # the clip fills
            for sampled in range(clip * 8 * every, (clip + 1) * 8 * every, every):
                for frame in range(sampled, sampled + every):  # repeated up to the next one
                    kept_labels.append(labels[frame])
                    kept_scores.append(scores[sampled])
            clip += 1
        if clip == 0:
            continue  # too short: left out
        all_labels += kept_labels[2:]
        all_scores += kept_scores[2:]
        own.append(roc_auc_score(kept_labels, kept_scores))
    return float(roc_auc_score(all_labels, all_scores)), float(np.mean(own))


@pytest.mark.parametrize(("every", "abnormal_only"), [(4, True), (2, False), (128, False)])
def test_paper_reproduces_its_description(every: int, abnormal_only: bool) -> None:
    rng = np.random.default_rng(every)
    rows = []
    for index in range(7):
        frames = int(rng.integers(4 * every, 40 * every))
        labels = np.zeros(frames, bool)
        if index % 3:
            start = int(rng.integers(0, frames // 2))
            labels[start : start + frames // 3] = True
        scores = (rng.standard_normal(frames) * 3 + labels).astype(np.float32).round(1)
        rows.append((f"v{index}", frames, labels.tolist(), scores.tolist()))
    protocol = Paper(ScoringRules(every=every, paper_abnormal_only=abnormal_only))
    pairs = []
    for key, frames, labels_, scores_ in rows:
        one = TestVideo(key, frames, (2, 2), unread, 30.0, frame_labels=np.array(labels_))
        # A model scores the clips it is given; the scores of all other frames must not matter.
        given_ = {int(frame): scores_[frame] for clip in protocol.windows(one) for frame in clip}
        pairs.append((one, protocol.assemble(one, given_)))
    result = evaluate(pairs, protocol, ["frame_auc"])
    kept = [row for row in rows if not abnormal_only or any(row[2])]
    micro, macro = by_the_description(kept, every)
    variants = result.metrics["frame_auc"].variants
    assert variants["micro"].value == pytest.approx(micro, abs=1e-9)
    assert variants["macro"].value == pytest.approx(macro, abs=1e-9)
    scored = [frames // (8 * every) * 8 * every for _, frames, _, _ in kept]
    assert result.coverage.frames == sum(scored)
    assert result.coverage.videos == sum(number > 0 for number in scored)
    assert result.coverage.videos_total == 7
    assert result.coverage.frames_total == sum(row[1] for row in rows)
    assert result.protocol == "paper/2"
    assert "an artificial normal frame of score 0 and an abnormal one of score 1 are added (protocol)" in (
        result.metrics["frame_auc"].notes
    )


def test_paper_numbers_equal_a_calculation_by_hand() -> None:
    # Every 2nd frame is sampled: clips of 16 frames. 17 frames: the last is dropped.
    one = video("v", 17, range(8, 16))
    scores = np.arange(17, dtype=np.float32) - 7  # sampled frames 0, 2, ..., 14 score -7, -5, ..., 7
    made = metric.make("frame_auc")
    made.update(Paper(SAMPLED_EVERY_2ND).view(one, VideoScore("v", scores)))
    # Normal: -7 -7 -5 -5 -3 -3 -1 -1 and the artificial 0; abnormal: 1 1 3 3 5 5 7 7 and the artificial 1: all above.
    assert made.exact()["micro"] == 1.0
    below = metric.make("frame_auc")
    below.update(Paper(SAMPLED_EVERY_2ND).view(one, VideoScore("v", scores - 2)))
    # Abnormal: -1 -1 1 1 3 3 5 5 and 1; normal: -9 -9 -7 -7 -5 -5 -3 -3 and 0. Only the two -1 lose to the 0: 79 of 81.
    assert below.exact()["micro"] == pytest.approx(79 / 81)


def test_paper_leaves_out_normal_videos_where_the_rules_ask_for_it() -> None:
    abnormal_only = ScoringRules(paper_abnormal_only=True)
    videos = [video("normal", 64), video("abnormal", 64, range(5))]
    assert [one.key for one in Paper(abnormal_only).select(videos)] == ["abnormal"]
    assert len(Paper().select(videos)) == len(Official(abnormal_only).select(videos)) == 2


def test_paper_compares_pixels_at_the_size_of_the_rules() -> None:
    rules = ScoringRules(paper_pixel_size=(158, 238))
    masks = np.zeros((8, 240, 360), bool)
    masks[:, :120] = True
    labels = np.ones(8, bool)
    one = TestVideo("v", 8, (240, 360), unread, frame_labels=labels, mask_reader=lambda a, b: masks[a:b])
    score = VideoScore("v", np.zeros(8, np.float32), pixels=lambda a, b: masks[a:b].astype(np.float16))
    pixels = Paper(rules).view(one, score).pixel_summary
    assert pixels is not None
    assert int(pixels.positives.sum() + pixels.negatives.sum()) == 8 * 158 * 238
    native = Official(rules).view(one, score).pixel_summary
    assert native is not None
    assert int(native.positives.sum()) == 8 * 120 * 360


def test_protocols_quote_the_metrics_of_the_rules() -> None:
    both = ScoringRules(metrics=("rbdc", "tbdc"), paper_metrics=("pixel_auc", "frame_auc"))
    assert Official(both).metrics() == ("rbdc", "tbdc")
    assert Paper(both).metrics() == ("pixel_auc", "frame_auc")
    assert Paper(ScoringRules(metrics=("rbdc", "tbdc"))).metrics() == ("rbdc", "tbdc")
    assert Official().metrics() == Paper().metrics() == ("frame_auc",)


def test_assemble_marks_frames_without_a_score() -> None:
    protocol = protocols.make("official")
    score = protocol.assemble(video("v", 4), {0: 0.5, 2: -1.0})
    assert score.scored is not None
    assert score.scored.tolist() == [True, False, True, False]
    assert protocol.assemble(video("v", 2), {0: 1.0, 1: 2.0}).scored is None
    with pytest.raises(DataError, match=r"^v: a score for frame 4; expected 0\.\.3"):
        protocol.assemble(video("v", 4), {4: 1.0})


def test_paper_uses_only_the_sampled_frames_with_a_score() -> None:
    protocol = Paper(SAMPLED_EVERY_2ND)
    one = video("v", 16)
    item = protocol.view(one, protocol.assemble(one, {0: 1.0, 4: 2.0, 5: 9.0}))
    assert item.frames.tolist() == [0, 1, 4, 5]
    assert item.values.tolist() == [1.0, 1.0, 2.0, 2.0]
    assert item.pixel_frames.tolist() == [0, 4]


@pytest.mark.parametrize("name", ["official", "paper"])
def test_scores_of_another_video_or_length_are_refused(name: str) -> None:
    protocol = protocols.make(name)
    with pytest.raises(DataError, match=r"^v: 742 frame scores; expected 743, one a frame"):
        protocol.view(video("v", 743), VideoScore("v", np.zeros(742, np.float32)))
    with pytest.raises(DataError, match=r"^v: the score is of 'w'"):
        protocol.view(video("v", 3), VideoScore("w", np.zeros(3, np.float32)))
    unlabelled = TestVideo("v", 3, (2, 2), unread)
    with pytest.raises(DataError, match=r"^v: no frame labels; a video without labels can be scored but not measured"):
        protocol.view(unlabelled, VideoScore("v", np.zeros(3, np.float32)))


def test_protocols_are_named_and_versioned() -> None:
    assert protocols.make("official").id == "official/2"
    assert protocols.make("paper/2", ScoringRules(every=4)).id == "paper/2"
    assert Official(spacing=4).id == "official/2 spacing=4"
    assert (Paper(ScoringRules(every=4), every=4).id, Paper(ScoringRules(every=4), every=16).id) == (
        "paper/2",
        "paper/2 every=16",
    )
    with pytest.raises(UserError, match=r"unknown protocol 'offical'; did you mean 'official'\?"):
        protocols.make("offical")
    with pytest.raises(UserError, match=r"protocol 'paper/7': version 7; expected paper/2, the one that this code has"):
        protocols.make("paper/7")
    with pytest.raises(UserError, match=r"protocol official: spacing 0; expected 1 or more"):
        Official(spacing=0)
    with pytest.raises(UserError, match=r"protocol paper: sampling every 0 frames; expected 1 or more"):
        Paper(every=0)
