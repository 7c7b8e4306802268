"""The whole tiny model: shapes, losses, batches, compression on and off, gradients, precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from lavida.batch import Batch, Sample
from lavida.errors import LavidaError
from lavida.modeling import Lavida
from lavida.parts.trainable import group_of, set_trainable
from lavida.processing import LavidaProcessor

Make = Callable[..., Lavida]


def test_training_gives_three_candidates_and_losses(
    model: Lavida, processor: LavidaProcessor, samples: list[Sample]
) -> None:
    batch = processor(samples)
    try:
        out = model.train()(batch)
    finally:
        model.eval()
    frames, side = sum(batch.counts), model.config.frame_size // 4
    assert out.masks.shape == (frames, 3, side, side)
    assert out.ious.shape == (frames, 3)
    assert out.scores.shape == (frames,)
    assert out.names.shape == (frames, 5)
    assert set(out.losses) == {"focal", "dice", "iou", "object", "names", "text"}
    weights = asdict(model.config.weights)
    assert float(out.loss.detach()) == pytest.approx(
        sum(weights[name] * float(loss.detach()) for name, loss in out.losses.items()), rel=1e-5
    )
    # Cells of 28 pixels: 4 temporal frames of 3 x 4, an image of 5 x 4, 2 of 3 x 5 (12 to 16 fit a frame); half stay.
    assert out.tokens_in == (48, 20, 30, 48)
    assert out.tokens_out == (24, 10, 15, 24)


def test_scoring_gives_one_mask_and_no_loss(model: Lavida, processor: LavidaProcessor, samples: list[Sample]) -> None:
    bare = [replace(sample, masks=None, labels=None) for sample in samples]
    with torch.no_grad():
        out = model(processor(bare, "score"))
    side = model.config.frame_size // 4
    assert out.masks.shape == (20, 1, side, side)
    assert out.loss is None
    assert out.losses == {}
    assert out.names[8:9, 2:].isneginf().all(), "the image has two names only"
    assert out.names[:8, :3].isfinite().all()


@pytest.mark.parametrize("memory", ["none", "causal"])
def test_a_batch_is_its_samples(lively: Make, processor: LavidaProcessor, samples: list[Sample], memory: str) -> None:
    model = lively(memory=memory)
    with torch.no_grad():
        whole = model(processor(samples))
        start = 0
        for sample in samples:
            alone = model(processor([sample]))
            rows = slice(start, start + len(sample.frames))
            start = rows.stop
            torch.testing.assert_close(whole.masks[rows], alone.masks, atol=1e-4, rtol=0)
            torch.testing.assert_close(whole.scores[rows], alone.scores, atol=1e-4, rtol=0)
            torch.testing.assert_close(whole.names[rows, : len(sample.names)], alone.names, atol=1e-4, rtol=0)
    assert whole.masks.std() > 1e-2
    assert whole.scores.std() > 1e-2, "frames differ, or the test would show nothing"


def test_the_prompt_matters(model: Lavida, processor: LavidaProcessor, samples: list[Sample]) -> None:
    with torch.no_grad():
        first = model(processor([samples[0]]))
        other = model(processor([replace(samples[0], names=("blue square", "zebra", "cart"))]))
    assert (first.scores - other.scores).abs().max() > 1e-3


def test_an_image_is_a_clip_of_one_frame(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    with torch.no_grad():
        batch = processor([samples[1]])
        none, causal = lively()(batch), lively(memory="causal")(batch)
        still = np.repeat(samples[1].frames, 2, axis=0)
        clip = processor([replace(samples[1], frames=still, masks=None, labels=None)])
    assert torch.equal(none.masks, causal.masks)
    assert batch.grids[0, 0] == clip.grids[0, 0] == 1, "one frame fills a temporal patch as two equal ones do"


def test_memory_reads_earlier_frames_only(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    batch = processor([samples[0]])
    later = batch.frames.clone()
    later[5:] = later[5:].flip(-1)
    none, causal = lively(), lively(memory="causal")
    with torch.no_grad():
        alone, seen = none(batch).masks, causal(batch).masks
        torch.testing.assert_close(alone[0], seen[0])
        assert (alone[1:] - seen[1:]).flatten(1).abs().amax(1).min() > 1e-4, "memory changes every later frame"
        changed = causal(replace(batch, frames=later)).masks
        torch.testing.assert_close(seen[:5], changed[:5])
        assert (seen[5:] - changed[5:]).abs().max() > 1e-3


def test_memory_trains(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    model = lively(memory="causal", trainable={"memory": "full"}).train()
    set_trainable(model)
    model(processor([samples[2]])).loss.backward()
    grads = {name for name, one in model.named_parameters() if one.grad is not None and one.grad.abs().sum() > 0}
    assert any("memory_attention" in name for name in grads)
    assert any("memory_encoder" in name for name in grads)


def test_static_cells_are_dropped_in_scoring_only(lively: Make, processor: LavidaProcessor) -> None:
    rng = np.random.default_rng(0)
    frames = np.repeat(rng.integers(0, 255, (1, 128, 128, 3), dtype=np.uint8), 8, axis=0)
    frames[4:, :40, :40] = rng.integers(0, 255, (4, 40, 40, 3), dtype=np.uint8)
    batch = processor([Sample(frames, ("car",))], "score")
    model = lively(reduction_ratio=1.0)
    with torch.no_grad():
        scored = model(batch)
        assert scored.tokens_in == (64,)
        assert 16 < scored.tokens_out[0] < 40, "the first frame whole, of the others what moved"
        assert model.train()(batch).tokens_out == (64,)
        model.eval()
        model.config.static_threshold = 0.0
        assert model(batch).tokens_out == (64,)


def test_gradients_reach_what_trains_and_nothing_else(
    lively: Make, processor: LavidaProcessor, samples: list[Sample]
) -> None:
    groups = {"vision": "frozen", "names": "frozen", "image_encoder": "frozen"}
    model = lively(trainable=groups, loss={"names": 1.0, "name_maps": 1.0}).train()
    rows = {row.group: row for row in set_trainable(model)}
    model(processor(samples)).loss.backward()
    moved: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        moved[group_of(name)] = moved.get(group_of(name), 0) + int(
            parameter.grad is not None and parameter.grad.abs().sum() > 0
        )
    assert all((moved[group] > 0) == (row.trained > 0) for group, row in rows.items())


def test_compression_gradient_switch(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    def vision_moves(gradient: bool) -> bool:
        model = lively(compression_gradient=gradient).train()
        model(processor([samples[0]])).loss.backward()
        return any(one.grad is not None and one.grad.abs().sum() > 0 for one in model.mllm.model.visual.parameters())

    assert vision_moves(True)
    assert not vision_moves(False)


def test_gate(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    with torch.no_grad():
        batch, model = processor(samples), lively()
        model.sam.mask_decoder.pred_obj_score_head.proj_out.bias -= model(batch).scores.median()
        open_ = model(batch)
        model.config.gate_masks = True
        gated = model(batch)
    shut = gated.scores <= 0
    assert 0 < int(shut.sum()) < len(shut), "some frames of each kind"
    assert (gated.masks[shut] == -1024).all()
    assert torch.equal(gated.masks[~shut], open_.masks[~shut])


def test_names_are_encoded_once(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    model = lively(trainable={"names": "frozen"})
    set_trainable(model)
    ran: list[int] = []
    model.names.tower.register_forward_hook(lambda _, __, out: ran.append(len(out.pooler_output)))
    with torch.no_grad():
        first = model(processor(samples)).names
        again = model(processor(samples)).names
    assert ran == [1] * 5, "five distinct names among 3 + 2 + 5 + 3, each alone"
    assert torch.equal(first, again)
    with torch.no_grad():
        model.names.tower.embeddings.token_embedding.weight.mul_(2)
        assert not torch.equal(model(processor(samples)).names, first), "changed weights empty the cache"


@pytest.mark.parametrize("maps", ["coarse", "fine"])
@pytest.mark.parametrize("prompt", [False, True])
def test_maps_of_names_and_mask_prompt(
    lively: Make, processor: LavidaProcessor, samples: list[Sample], maps: str, prompt: bool
) -> None:
    model = lively(name_maps=maps, prompt_maps=prompt, loss={"names": 1.0, "name_maps": 1.0}).train()
    out = model(processor(samples[:2]))
    out.loss.backward()
    assert out.losses["name_maps"].item() > 0
    assert (model.projector.fine is None) == (maps == "coarse")
    drawn = model.sam.prompt_encoder.mask_embed.conv1.weight.grad
    assert (drawn is not None and bool(drawn.abs().sum() > 0)) == prompt


def test_the_score_hears_the_names_where_asked(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    """By the sum of their odds; names that are other samples' padding do not count."""
    torch.manual_seed(0)
    deaf = lively(score_names=False)
    hears = lively(score_names=True)
    hears.load_state_dict(deaf.state_dict())
    batch = processor(samples)
    with torch.no_grad():
        without, out = deaf(batch), hears(batch)
        alone = hears(processor(samples[1:2])).scores
    torch.testing.assert_close(out.names, without.names)
    torch.testing.assert_close(out.scores - without.scores, out.names.exp().sum(dim=1).log(), atol=1e-5, rtol=1e-5)
    start = batch.counts[0]
    torch.testing.assert_close(out.scores[start : start + batch.counts[1]], alone, atol=1e-4, rtol=1e-4)


def test_scoring_before_training_leaves_no_trace(
    lively: Make, processor: LavidaProcessor, samples: list[Sample]
) -> None:
    """What is remembered in inference mode (names, positions) may be used where gradients are."""
    model = lively(trainable={"names": "frozen"})
    set_trainable(model)
    batch = processor(samples[:2])
    with torch.inference_mode():
        model(batch)
    model.train()(batch).loss.backward()
    gradient = model.projector.prompt_out.weight.grad
    assert gradient is not None
    assert float(gradient.abs().sum()) > 0


def test_a_name_counts_as_absent_where_its_anomaly_is_out_of_view(
    model: Lavida, processor: LavidaProcessor, samples: list[Sample]
) -> None:
    from lavida import objective

    sample = samples[0]
    assert sample.masks is not None
    masks = sample.masks.copy()
    masks[4:] = False
    batch = processor([replace(sample, masks=masks)])
    logits = torch.zeros(8, 3)
    logits[:4, 0], logits[4:, 0], logits[:, 1:] = 50.0, -50.0, -50.0
    found = objective.name_losses(batch, logits, torch.zeros(8, 3, 8, 8), model.config.weights)
    assert found["names"].tolist() == pytest.approx([0, 0], abs=1e-6)


def test_gradient_checkpointing_changes_nothing(
    lively: Make, processor: LavidaProcessor, samples: list[Sample]
) -> None:
    batch = processor([samples[0], samples[1]])

    def gradients(checkpointing: bool) -> dict[str, torch.Tensor]:
        model = lively().train()
        if checkpointing:
            model.gradient_checkpointing_enable()
            assert model.mllm.model.language_model.gradient_checkpointing
        model(batch).loss.backward()
        return {name: one.grad for name, one in model.named_parameters() if one.grad is not None}

    plain, saved = gradients(False), gradients(True)
    assert plain.keys() == saved.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(saved[name], gradient, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(lively: Make, processor: LavidaProcessor, samples: list[Sample], dtype: torch.dtype) -> None:
    model = lively().to(dtype)
    with torch.no_grad():
        out = model(processor(samples))
    assert out.masks.dtype == dtype
    assert out.masks.isfinite().all()
    assert all(loss.dtype == torch.float32 for loss in out.losses.values())
    if dtype == torch.bfloat16:
        model.train()(processor(samples[:2])).loss.backward()
        assert all(one.grad.isfinite().all() for one in model.parameters() if one.grad is not None)


@pytest.mark.parametrize("memory", ["none", "causal"])
def test_mixed_precision(lively: Make, processor: LavidaProcessor, samples: list[Sample], memory: str) -> None:
    model = lively(memory=memory, loss={"name_maps": 1.0}).train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(processor(samples[1:3])).loss
        loss.backward()
    assert loss.dtype == torch.float32
    assert all(one.grad.isfinite().all() for one in model.parameters() if one.grad is not None)


def test_attention_implementations_agree(lively: Make, processor: LavidaProcessor, samples: list[Sample]) -> None:
    batch, model = processor(samples), lively()
    with torch.no_grad():
        model.set_attn_implementation("eager")
        eager = model(batch)
        assert model.mllm.model.language_model.config._attn_implementation == "eager"
        model.set_attn_implementation("sdpa")
        sdpa = model(batch)
    torch.testing.assert_close(eager.masks, sdpa.masks, atol=1e-4, rtol=0)
    torch.testing.assert_close(eager.scores, sdpa.scores, atol=1e-4, rtol=0)


def test_seg_must_be_there_once(model: Lavida, processor: LavidaProcessor, samples: list[Sample]) -> None:
    batch = processor(samples[:2])
    ids = batch.input_ids.clone()
    ids[1][ids[1] == model.config.seg_token_id] = 9
    with pytest.raises(LavidaError, match=r"<SEG> \(token 7\) occurs 'drawn/1' 0 times; expected once"):
        model(replace(batch, input_ids=ids))


def test_placeholders_must_fit_the_patches(model: Lavida, processor: LavidaProcessor, samples: list[Sample]) -> None:
    batch = processor([samples[1]])
    types = batch.token_types.clone()
    types[0, -3] = 1
    with pytest.raises(LavidaError, match="sample 'drawn/1' has 21 visual tokens for 20 cells by its grid"):
        model(replace(batch, token_types=types))


def test_batch_moves_what_the_device_needs(processor: LavidaProcessor, samples: list[Sample]) -> None:
    moved: Batch = processor(samples).to("meta")
    assert moved.frames.is_meta
    assert moved.masks is not None
    assert moved.masks.is_meta
    assert not moved.grids.is_meta
    assert not moved.name_ids.is_meta
