"""SAM2's pieces against transformers' own paths, and the choice of masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

from lavida import decoder
from lavida.modeling import Lavida


@pytest.fixture(scope="module")
def sam(model: Lavida) -> Any:
    return model.sam


@pytest.fixture(scope="module")
def frames(model: Lavida) -> torch.Tensor:
    """Six frames of a bright square that moves."""
    side = model.config.frame_size
    pixels = torch.randn(6, 3, side, side, generator=torch.Generator().manual_seed(0)) * 0.3
    unit = side // 16
    for number in range(6):
        pixels[number, :, 4 * unit : 9 * unit, (2 + number) * unit : (7 + number) * unit] += 2
    return pixels


def no_prompt(sam: Any, frames: int) -> torch.Tensor:
    return torch.zeros(frames, 0, sam.config.mask_decoder_config.hidden_size)


@pytest.mark.parametrize("candidates", [True, False])
def test_without_prompts_it_is_the_single_frame_path(sam: Any, frames: torch.Tensor, candidates: bool) -> None:
    with torch.no_grad():
        own = decoder.decode_masks(
            sam,
            decoder.encode_frames(sam, frames),
            no_prompt(sam, 6),
            [1] * 6 if not candidates else [6],
            "none",
            candidates,
        )
        theirs = [sam._single_frame_forward(one[None], multimask_output=candidates) for one in frames]
    masks = decoder.gate_masks(own.masks, own.scores)
    best = own.ious.argmax(1) if candidates else torch.zeros(6, dtype=torch.long)
    for number, their in enumerate(theirs):
        torch.testing.assert_close(masks[number, best[number]], their.pred_masks[0, 0], atol=1e-4, rtol=0)
        torch.testing.assert_close(own.ious[number], their.iou_scores[0, 0], atol=1e-5, rtol=0)
        torch.testing.assert_close(own.scores[number], their.object_score_logits[0, 0, 0], atol=1e-4, rtol=0)
    assert own.masks.std() > 0.1


def test_a_prompt_of_zeros_is_one_more_token(sam: Any, frames: torch.Tensor) -> None:
    """What the projector's prompt is to the mask decoder: one more sparse token beside SAM2's own."""
    features = decoder.encode_frames(sam, frames)
    coarse = features.maps[-1] + sam.no_memory_embedding.view(1, -1, 1, 1)
    empty, dense = sam.prompt_encoder(torch.zeros(6, 1, 1, 2), -torch.ones(6, 1, 1, dtype=torch.int32), None, None)
    masks, _, _, _ = sam.mask_decoder(
        image_embeddings=coarse,
        image_positional_embeddings=sam.get_image_wide_positional_embeddings().repeat(6, 1, 1, 1),
        sparse_prompt_embeddings=torch.cat([empty, torch.zeros(6, 1, 1, 64)], dim=2),
        dense_prompt_embeddings=dense,
        multimask_output=True,
        high_resolution_features=list(features.maps[:-1]),
    )
    own = decoder.decode_masks(sam, features, torch.zeros(6, 1, 64), [6], "none", True)
    torch.testing.assert_close(own.masks, masks[:, 0], atol=1e-5, rtol=0)


def test_causal_memory_is_transformers_tracking(sam: Sam2VideoModel, frames: torch.Tensor) -> None:
    """Frame 0 conditions, later frames are tracked; transformers keeps its memories in bfloat16, hence the tolerance."""
    height, width = frames.shape[-2:]
    session = Sam2VideoInferenceSession(video=frames, video_height=height, video_width=width, dtype=torch.float32)
    session.obj_id_to_idx(1)
    theirs = []
    with torch.no_grad():
        for number in range(6):
            out = sam._run_single_frame_inference(session, number, 0, 1, number == 0, None, None, False)
            out["object_pointer"] = out["object_pointer"][:, 0]  # done there by a reshape that tiny sizes do not need
            theirs.append(out)
            session.store_output(0, number, output_value=out, is_conditioning_frame=number == 0)
            high, score = [out["high_res_masks"]], [out["object_score_logits"]]
            sam._batch_encode_memories(session, number, [0], high, score, [False])
        features = decoder.encode_frames(sam, frames)
        own = decoder.decode_masks(sam, features, no_prompt(sam, 6), [6], "causal", candidates=False)
        alone = decoder.decode_masks(sam, features, no_prompt(sam, 6), [6], "none", candidates=False)
    masks = decoder.gate_masks(own.masks, own.scores)
    for number, their in enumerate(theirs):
        gap = (own.scores[number] - their["object_score_logits"][0, 0, 0]).abs()
        assert gap < 0.02
        if number:
            assert (own.scores[number] - alone.scores[number]).abs() > 5 * gap, "memory matters more than bfloat16"
        torch.testing.assert_close(masks[number, 0], their["pred_masks"][0, 0], atol=0.1, rtol=0.05)


def test_clips_of_unequal_length_with_memory_are_decoded_each_for_itself(sam: Any, frames: torch.Tensor) -> None:
    prompt = torch.randn(6, 1, 64, generator=torch.Generator().manual_seed(1))
    counts, start = [2, 1, 3], 0
    with torch.no_grad():
        features = decoder.encode_frames(sam, frames)
        whole = decoder.decode_masks(sam, features, prompt, counts, "causal", False)
        for count in counts:
            rows = torch.arange(start, start + count)
            start += count
            one = decoder.decode_masks(sam, features.select(rows), prompt[rows], [count], "causal", False)
            torch.testing.assert_close(whole.masks[rows], one.masks, atol=1e-4, rtol=0)
            torch.testing.assert_close(whole.scores[rows], one.scores, atol=1e-4, rtol=0)


def test_scoring_takes_the_best_of_a_clip_and_the_single_mask_of_an_image(sam: Any, frames: torch.Tensor) -> None:
    with torch.no_grad():
        features = decoder.encode_frames(sam, frames)
        prompt = no_prompt(sam, 6)
        every = decoder.decode_masks(sam, features, prompt, [6], "none", True)
        mixed = decoder.decode_masks(sam, features, prompt, [4, 1, 1], "none", False)
        single = decoder.decode_masks(sam, features, prompt, [1] * 6, "none", False)
    best = every.ious.argmax(1)
    for number in range(4):
        torch.testing.assert_close(mixed.masks[number, 0], every.masks[number, best[number]], atol=1e-5, rtol=0)
        torch.testing.assert_close(mixed.ious[number, 0], every.ious[number].max(), atol=1e-5, rtol=0)
    torch.testing.assert_close(mixed.masks[4:], single.masks[4:], atol=1e-5, rtol=0)


def test_gate_lets_no_gradient_through() -> None:
    masks = torch.randn(2, 3, 4, 4, requires_grad=True)
    gated = decoder.gate_masks(masks, torch.tensor([0.0, 0.1]))
    gated.sum().backward()
    assert (gated[0] == -1024).all()
    assert masks.grad is not None
    assert not masks.grad[0].any()
    assert masks.grad[1].all()


def test_gradients_reach_prompt_and_mask_prompt(sam: Any, frames: torch.Tensor, lively: Callable[..., Lavida]) -> None:
    side = frames.shape[-1] // 4
    prompt, drawn = torch.zeros(6, 1, 64, requires_grad=True), torch.zeros(6, 1, side, side, requires_grad=True)
    out = decoder.decode_masks(sam, decoder.encode_frames(sam, frames), prompt, [6], "none", True, drawn)
    (out.masks.sum() + out.scores.sum()).backward()
    assert prompt.grad is not None
    assert (prompt.grad.flatten(1).abs().sum(1) > 0).all()
    assert drawn.grad is not None
    assert (drawn.grad.flatten(1).abs().sum(1) > 0).all()
    sam.zero_grad()
