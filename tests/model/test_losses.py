"""Losses against cases worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lavida import losses, objective
from lavida.batch import Sample
from lavida.losses import Weights
from lavida.processing import LavidaProcessor


def grid(*values: float) -> torch.Tensor:
    """One frame, one candidate, one row of pixels."""
    return torch.tensor(values, dtype=torch.float32).view(1, 1, 1, -1)


def test_focal_at_even_odds() -> None:
    # p = 1/2 everywhere: alpha_t * (1/2)^2 * ln 2, with alpha_t 1/4 on the object and 3/4 beside it.
    got = losses.focal_loss(grid(0, 0, 0, 0), grid(1, 0, 0, 0))
    assert got.shape == (1, 1)
    assert float(got) == pytest.approx((0.25 + 3 * 0.75) / 4 * 0.25 * math.log(2), rel=1e-6)


def test_focal_of_one_pixel() -> None:
    # logit ln 3: p = 3/4. On the object: 1/4 * (1/4)^2 * -ln(3/4).
    got = losses.focal_loss(grid(math.log(3)), grid(1))
    assert float(got) == pytest.approx(0.25 * 0.0625 * -math.log(0.75), rel=1e-5)


def test_dice() -> None:
    # p = 1/2 on two pixels, one of them wanted: overlap 1/2, areas 1 + 1: 1 - (1 + 1) / (2 + 1).
    assert float(losses.dice_loss(grid(0, 0), grid(1, 0))) == pytest.approx(1 / 3, rel=1e-6)
    assert float(losses.dice_loss(grid(50, -50), grid(1, 0))) == pytest.approx(0, abs=1e-6)


def test_true_iou() -> None:
    assert float(losses.true_iou(grid(1, 1, -1, -1), grid(0, 1, 1, 0))) == pytest.approx(1 / 3)
    assert float(losses.true_iou(grid(-1, -1), grid(0, 0))) == 0


def test_object_score() -> None:
    got = losses.object_loss(torch.tensor([0.0, math.log(3)]), torch.tensor([1.0, 0.0]))
    assert got.tolist() == pytest.approx([math.log(2), math.log(4)], rel=1e-6)


def frames() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two frames of two pixels, two candidates: the second frame's target is empty."""
    masks = torch.tensor([[[[0.0, 0.0]], [[50.0, -50.0]]], [[[9.0, 9.0]], [[9.0, 9.0]]]])
    ious = torch.tensor([[0.9, 0.25], [0.5, 0.5]])
    scores = torch.tensor([0.0, math.log(3)])
    target = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])
    return masks, ious, scores, target


def test_best_of_candidates_and_normaliser() -> None:
    got = losses.frame_losses(*frames(), Weights())
    # The perfect candidate of frame 0 is chosen; its IoU is 1 and 0.25 was predicted; frame 1 counts for the object only.
    assert float(got["focal"]) == pytest.approx(0, abs=1e-6)
    assert float(got["dice"]) == pytest.approx(0, abs=1e-6)
    assert float(got["iou"]) == pytest.approx(0.75 / 2)
    assert float(got["object"]) == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_predicted_ious_of_all_candidates() -> None:
    got = losses.frame_losses(*frames(), Weights(ious=1.0))
    # Frame 0: the candidates' IoUs are 0 (no logit above 0) and 1; frame 1 is empty and counts in the normaliser only.
    assert float(got["ious"]) == pytest.approx((0.9 + 0.75) / 2 / 2)
    assert "ious" not in losses.frame_losses(*frames(), Weights())


def test_empty_targets_cost_nothing_but_the_object_score() -> None:
    masks, ious, scores, target = frames()
    masks.requires_grad_(True)
    got = losses.frame_losses(masks, ious, scores, target * 0, Weights())
    assert got["focal"] == got["dice"] == got["iou"] == 0
    (got["focal"] + got["dice"]).backward()
    assert masks.grad is not None
    assert not masks.grad.any()


def test_logits_take_the_size_of_the_target() -> None:
    masks, ious, scores, _ = frames()
    target = torch.zeros(2, 4, 8)
    target[0, :, :4] = 1
    assert losses.frame_losses(masks, ious, scores, target, Weights())["dice"] < 0.4


def test_paper_weights() -> None:
    assert Weights() == Weights(focal=20, dice=2, iou=1, object=2, text=1, names=0)


def test_text() -> None:
    logits = torch.zeros(2, 8)
    logits[0, 3] = 100.0
    assert float(losses.text_loss(logits[:1], torch.tensor([3]))) == pytest.approx(0, abs=1e-6)
    assert float(losses.text_loss(logits, torch.tensor([3, 2]))) == pytest.approx(math.log(8) / 2, rel=1e-6)
    assert float(losses.text_loss(logits[:0], torch.tensor([], dtype=torch.long))) == 0


def test_text_loss_is_of_the_next_token_at_labelled_positions() -> None:
    hidden = torch.zeros(1, 4, 8)
    hidden[0, 1, 3] = 100.0
    head = torch.nn.Identity()
    assert float(objective.text_losses(head, hidden, torch.tensor([[-100, -100, 3, -100]]))["text"]) == pytest.approx(
        0, abs=1e-6
    )
    got = objective.text_losses(head, hidden, torch.tensor([[-100, 2, -100, -100]]))["text"]
    assert float(got) == pytest.approx(math.log(8), rel=1e-6)
    assert float(objective.text_losses(head, hidden, torch.full((1, 4), -100))["text"]) == 0
    assert objective.text_losses(head, hidden, None) == {}


def test_name_maps() -> None:
    # Two names, one of them the anomaly, two pixels, the first covered; logits 0: BCE ln 2 each, dice 1/3 for the anomaly.
    maps, target = torch.zeros(1, 2, 2), torch.tensor([[1.0, 0.0]])
    labels, real = torch.tensor([[1.0, 0.0]]), torch.ones(1, 2, dtype=torch.bool)
    got = losses.name_map_loss(maps, target, labels, real)
    assert float(got.mean()) == pytest.approx(math.log(2) + (1 / 3) / 2, rel=1e-6)
    right = torch.tensor([[[50.0, -50.0], [-50.0, -50.0]]])
    assert float(losses.name_map_loss(right, target, labels, real).mean()) == pytest.approx(0, abs=1e-6)
    wrong = torch.tensor([[[50.0, -50.0], [50.0, -50.0]]])
    assert float(losses.name_map_loss(wrong, target, labels, real).mean()) == pytest.approx(25 / 2, rel=1e-5)
    assert float(losses.name_map_loss(wrong, target, labels, torch.tensor([[True, False]])).mean()) == pytest.approx(
        0, abs=1e-6
    )


def test_counts_of_what_each_loss_is_over(processor: LavidaProcessor) -> None:
    masks = np.zeros((2, 8, 8), np.bool_)
    masks[0, :4] = True  # out of view in the second frame
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    one = Sample(frames, ("car", "dog", "sky"), masks=masks, labels=(True, False, False), answer="It is <SEG>.")
    two = Sample(frames, ("car", "dog"), masks=masks, labels=(True, True), answer="<SEG>")
    batch = processor([one, two], "train")
    assert batch.labels is not None
    tokens = int((batch.labels != -100).sum())
    got = dict(zip(losses.LOSSES, objective.loss_counts(batch).tolist(), strict=True))
    assert got["text"] == [tokens, tokens]
    assert got["focal"] == got["object"] == [4, 4]
    assert got["names"] == [3, 7], "the frames with an anomaly show 1 and 2 names; 3 + 3 and 2 + 2 names in all"
    assert got["name_maps"] == [1, 7], "two anomalies in one mask have no map each"
    bare = processor([replace(two, masks=None, labels=None)], "score")
    assert not objective.loss_counts(bare).any()


def test_total_is_weighted_and_leaves_weight_zero_out() -> None:
    found = {"dice": torch.tensor(3.0), "names": torch.tensor(float("nan"))}
    assert float(losses.total_loss(found, Weights()) or 0) == 6
    assert losses.total_loss({}, Weights()) is None


def test_names_count_both_sides_half() -> None:
    logits = torch.tensor([[0.0, math.log(3), math.log(3), 99.0]])
    labels = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    real = torch.tensor([[True, True, True, False]])
    got = losses.name_loss(logits, labels, real)
    assert got.tolist() == pytest.approx([math.log(2), math.log(4)], rel=1e-6)
    assert float(losses.loss_values({"names": got})["names"]) == pytest.approx(
        (math.log(2) + math.log(4)) / 2, rel=1e-6
    )
    assert losses.name_loss(logits, labels * 0, real)[0] == 0, "no anomaly"
