"""Families of language models on tiny sizes: equal to transformers' own forward, with cells dropped and without."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_families import FAMILIES, tiny_family
from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor
from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor
from transformers.video_utils import VideoMetadata

from lavida import backbone, pixels, processing
from lavida.batch import Batch, Sample
from lavida.config import LavidaConfig
from lavida.errors import LavidaError
from lavida.modeling import Lavida
from lavida.parts.compiled import attend_in_graph
from lavida.tiny.tokenizer import load_tokenizer


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request: pytest.FixtureRequest, enliven: Callable[..., None]) -> tuple[Lavida, processing.LavidaProcessor]:
    """A Lavida of each family without density compression, and its processor."""
    config = LavidaConfig.preset("tiny", mllm_config=tiny_family(request.param), reduction_ratio=1.0)
    torch.manual_seed(0)
    model = Lavida(config)
    enliven(model)
    return model.eval(), processing.LavidaProcessor(
        load_tokenizer(), load_tokenizer(names=True), processing.Sizes.from_config(config)
    )


def scenes() -> list[Sample]:
    """An image and two clips, of which one stands still but for a corner."""
    rng = np.random.default_rng(0)
    still = np.repeat(rng.integers(0, 255, (1, 100, 140, 3), dtype=np.uint8), 6, axis=0)
    still[2:4, :30, :30] = rng.integers(0, 255, (2, 30, 30, 3), dtype=np.uint8)
    moving = rng.integers(0, 255, (4, 120, 90, 3), dtype=np.uint8)
    image = rng.integers(0, 255, (1, 90, 90, 3), dtype=np.uint8)
    return [
        Sample(still, ("cart",), key="still"),
        Sample(image, ("red car", "dog"), key="image"),
        Sample(moving, ("van", "person in blue", "bus"), key="moving"),
    ]


def test_every_file_is_a_family() -> None:
    assert backbone.known_families() == ["qwen2_5_vl", "qwen2_vl", "qwen3_vl"]
    for name in backbone.known_families():
        assert backbone.find_family(name).model_class.config_class.model_type == name


def test_unknown_family() -> None:
    with pytest.raises(LavidaError, match="language model of type 'llama'; expected one of qwen2_5_vl, qwen2_vl"):
        backbone.find_family("llama")


def test_without_compression_it_is_transformers_own_forward(pair: tuple[Lavida, processing.LavidaProcessor]) -> None:
    model, processor = pair
    batch = processor(scenes(), "score")
    model.config.static_threshold = 0.0
    clip = torch.tensor([count > 1 for count in batch.counts])
    normalised = pixels.normalise_patches(batch.patches, model.family.mean, model.family.std)
    patches = torch.split_with_sizes(normalised, batch.grids.prod(1).tolist())
    with torch.no_grad():
        own = model._run_language_model(batch).hidden
        theirs = model.mllm.model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            pixel_values=torch.cat([part for part, moves in zip(patches, clip, strict=True) if not moves]),
            pixel_values_videos=torch.cat([part for part, moves in zip(patches, clip, strict=True) if moves]),
            image_grid_thw=batch.grids[~clip],
            video_grid_thw=batch.grids[clip],
            mm_token_type_ids=batch.token_types,
        ).last_hidden_state
    real = batch.attention_mask.bool()
    torch.testing.assert_close(own[real], theirs[real], atol=1e-4, rtol=1e-4)
    assert own[real].std() > 0.1


def test_towers_compile_without_breaks_where_frames_keep_unequal_numbers_of_patches(
    pair: tuple[Lavida, processing.LavidaProcessor],
) -> None:
    model, processor = pair
    batch = processor(scenes(), "score")
    tower: torch.nn.Module = model.mllm.model.visual
    configs = [part.config for part in tower.modules() if hasattr(part, "config")]
    before = configs[0]._attn_implementation
    torch._dynamo.reset()
    with torch.no_grad():
        plain = model.family.encode_vision(model.mllm, batch.patches, batch.grids, 0.01)
        try:
            attend_in_graph(tower)
            tower.compile(backend="eager", fullgraph=True)
            compiled = model.family.encode_vision(model.mllm, batch.patches, batch.grids, 0.01)
        finally:
            tower._compiled_call_impl = None
            for config in configs:
                config._attn_implementation = before
    assert plain.lengths[0] < int(batch.grids[0].prod()) // 4
    torch.testing.assert_close(compiled.tokens, plain.tokens, atol=1e-5, rtol=1e-5)


def test_dropped_cells_leave_the_first_frame_alone(pair: tuple[Lavida, processing.LavidaProcessor]) -> None:
    """Attention stays within a temporal frame: the first one, kept whole, comes out as if nothing were dropped."""
    model, processor = pair
    batch = processor(scenes()[:1], "score")
    cells = int(batch.grids[0, 1:].prod()) // 4
    with torch.no_grad():
        whole = model.family.encode_vision(model.mllm, batch.patches, batch.grids, 0.0)
        some = model.family.encode_vision(model.mllm, batch.patches, batch.grids, 0.01)
    assert cells < some.lengths[0] < whole.lengths[0] == 3 * cells
    assert some.kept[:cells].all()
    assert int(some.kept.sum()) == some.lengths[0] == len(some.tokens)
    torch.testing.assert_close(some.tokens[:cells], whole.tokens[:cells], atol=1e-5, rtol=1e-4)
    for few, all_ in zip(some.deep, whole.deep, strict=True):
        torch.testing.assert_close(few[:cells], all_[:cells], atol=1e-5, rtol=1e-4)


def test_a_threshold_that_drops_nothing_changes_nothing(pair: tuple[Lavida, processing.LavidaProcessor]) -> None:
    model, processor = pair
    batch = processor(scenes(), "score")
    with torch.no_grad():
        whole = model.family.encode_vision(model.mllm, batch.patches, batch.grids, 0.0)
        kept = model.family.encode_vision(model.mllm, batch.patches, batch.grids, 1e-9)
    still = whole.lengths[0]
    assert kept.lengths[1:] == whole.lengths[1:]
    torch.testing.assert_close(kept.tokens[kept.lengths[0] :], whole.tokens[still:], atol=1e-5, rtol=1e-4)


def test_both_compressions_train_and_score(pair: tuple[Lavida, processing.LavidaProcessor]) -> None:
    model, processor = pair
    model.config.reduction_ratio, model.config.static_threshold = 0.5, 0.01
    try:
        with torch.no_grad():
            out = model(processor(scenes(), "score"))
            assert out.tokens_out[2] == out.tokens_in[2] // 2
            assert out.tokens_out[0] < out.tokens_in[0] // 2, "still cells went before the half of the rest"
            for number, sample in enumerate(scenes()):
                start = sum(len(one.frames) for one in scenes()[:number])
                alone = model(processor([sample], "score"))
                torch.testing.assert_close(
                    out.scores[start : start + len(sample.frames)], alone.scores, atol=1e-4, rtol=0
                )
    finally:
        model.config.reduction_ratio = 1.0


PED2 = tuple(frame / 10 for frame in range(100, 108))
"""Times of a clip of UCSD Ped2: every frame, 10 a second; it begins 10 seconds after the video."""
UCF = tuple(128 * frame / 30 for frame in range(8))
"""Times of a clip of UCF-Crime: every 128th frame, 30 a second."""
Pair = tuple[Lavida, processing.LavidaProcessor]


def timed(seconds: tuple[float, ...] | None, frames: int = 8) -> Sample:
    """A clip of noise with times."""
    pixels = np.random.default_rng(1).integers(0, 255, (frames, 60, 90, 3), dtype=np.uint8)
    return Sample(pixels, ("cart",), seconds=seconds)


def markers(pair: Pair, sample: Sample) -> list[str]:
    """The times in the text of a sample."""
    text: str = pair[1].tokenizer.decode(pair[1]([sample], "score").input_ids[0])
    return re.findall(r"<([\d.]+) seconds>", text)


def steps(pair: Pair, sample: Sample) -> list[int]:
    """Rotary positions in time of a sample's temporal frames, relative to the first."""
    batch = pair[1]([sample], "score")
    found = positions(pair, batch)[0, 0][batch.token_types[0] == 2]
    return [int(time) for time in found.unique() - found.min()]


def positions(pair: Pair, batch: Batch) -> torch.Tensor:
    """Rotary positions of a batch, (3, B, S)."""
    model = pair[0]
    return model.family.positions(
        model.mllm, batch.input_ids, batch.token_types, batch.attention_mask, batch.grids, batch.grid_seconds
    )


def test_benchmarks_of_other_rates_read_other_times(pair: Pair) -> None:
    """Every frame of Ped2 and every 128th of UCF-Crime: both were "0.2 ... 3.2 seconds" without times."""
    model, _ = pair
    if model.family.timestamps:
        assert markers(pair, timed(PED2)) == ["0.1", "0.2", "0.5", "0.6"]
        assert markers(pair, timed(UCF)) == ["2.1", "10.7", "19.2", "27.7"]
        assert markers(pair, timed((0.0, 0.1, 3.0, 3.2, 3.3, 60.0, 60.1, 61.0))) == ["0.1", "3.1", "31.6", "60.5"]
    elif model.mllm.config.model_type == "qwen2_5_vl":
        model.mllm.config.vision_config.tokens_per_second = 2  # the published weights'
        assert steps(pair, timed(UCF)) == [0, 17, 34, 51]
        assert steps(pair, timed(tuple(round(frame / 12, 6) for frame in range(8)))) == [0, 1], "6 digits of 3 * 2 / 6"
        assert steps(pair, timed(PED2)) == [0, 1]
        assert steps(pair, timed((0.0, 0.1, 3.0, 3.2, 3.3, 60.0, 60.1, 70.0))) == [0, 40, 80, 120], "the mean"
        assert steps(pair, timed((0.0, 1.0, 2.0, *[2.0] * 5))) == [0, 4, 8, 12], "a repeated frame counts as none"
        assert steps(pair, timed((5.0,) * 8)) == [0], "no time passes"


@pytest.mark.parametrize(("first", "every", "fps"), [(0, 1, 10.0), (0, 128, 30.0), (0, 2, 24.0), (0, 16, 29.97)])
@pytest.mark.parametrize("frames", [8, 3])
def test_regular_times_are_those_of_transformers(pair: Pair, first: int, every: int, fps: float, frames: int) -> None:
    model, processor = pair
    numbers = list(range(first, first + every * frames, every))
    sample = timed(tuple(number / fps for number in numbers), frames)
    batch = processor([sample], "score")
    if model.family.timestamps:
        theirs = Qwen3VLProcessor._calculate_timestamps(None, numbers, fps, processor.sizes.temporal_patch_size)
        assert markers(pair, sample) == [f"{time:.1f}" for time in theirs]
    facts = VideoMetadata(total_num_frames=every * frames, fps=fps, frames_indices=numbers)
    theirs, _ = model.mllm.model.get_rope_index(
        batch.input_ids,
        mm_token_type_ids=batch.token_types,
        video_grid_thw=batch.grids,
        attention_mask=batch.attention_mask,
        **({"second_per_grid_ts": [2 / facts.sampled_fps]} if model.mllm.config.model_type == "qwen2_5_vl" else {}),
    )
    assert torch.equal(positions(pair, batch), theirs)


def test_unknown_times_are_the_default_of_the_family(pair: Pair) -> None:
    """Positions as transformers without `second_per_grid_ts`, times as its processor samples a video: 2 a second."""
    model, processor = pair
    batch = processor([timed(None)], "score")
    theirs, _ = model.mllm.model.get_rope_index(
        batch.input_ids,
        mm_token_type_ids=batch.token_types,
        video_grid_thw=batch.grids,
        attention_mask=batch.attention_mask,
    )
    assert torch.equal(positions(pair, batch), theirs)
    assert torch.equal(positions(pair, replace(batch, grid_seconds=())), theirs)
    if model.family.timestamps:
        assert Qwen3VLVideoProcessor.fps == model.family.frames_per_second
        assert markers(pair, timed(None)) == ["0.2", "1.2", "2.2", "3.2"]


def test_a_batch_of_other_times_is_its_singles(pair: Pair) -> None:
    model, processor = pair
    samples = [timed(PED2), scenes()[1], timed(UCF), timed(None), timed(UCF[:3], 3)]
    together = processor(samples, "score")
    both = positions(pair, together)
    for number, sample in enumerate(samples):
        alone = processor([sample], "score")
        real = together.attention_mask[number].bool()
        assert torch.equal(together.input_ids[number][real], alone.input_ids[0])
        assert torch.equal(both[:, number][:, real], positions(pair, alone)[:, 0])
    with torch.no_grad():
        hidden = [model._run_language_model(processor([timed(times)], "score")).seg for times in (PED2, UCF, None)]
    reads_time = model.mllm.config.model_type != "qwen2_vl"
    assert torch.equal(hidden[0], hidden[1]) == (not reads_time)
    assert torch.equal(hidden[1], hidden[2]) == (not reads_time)


def test_sequential_positions_know_no_time(pair: Pair) -> None:
    model, processor = pair
    batches = [processor([timed(times)], "score") for times in (PED2, UCF)]
    model.config.positions = "sequential"
    try:
        with torch.no_grad():
            first, second = (model._run_language_model(batch).seg for batch in batches)
    finally:
        model.config.positions = "mrope"
    assert torch.equal(first, second) == (not model.family.timestamps), "Qwen3-VL still reads its text"


def test_qwen2_reads_no_time(processor: processing.LavidaProcessor) -> None:
    """The inputs of `tiny` are the same whatever the times: its figures cannot move."""
    plain, other = (processor([timed(times)], "score") for times in (None, UCF))
    assert all(
        torch.equal(getattr(plain, field), getattr(other, field))
        for field in ("input_ids", "token_types", "patches", "grids", "frames", "name_ids")
    )


def test_qwen3_is_reported_the_time(pair: tuple[Lavida, processing.LavidaProcessor]) -> None:
    model, processor = pair
    text = processor.tokenizer.decode(processor(scenes()[:1], "score").input_ids[0])
    assert text.count("<|vision_start|>") == (3 if model.family.timestamps else 1)
    assert ("<0.2 seconds>" in text) == model.family.timestamps
    assert ("<2.2 seconds>" in text) == model.family.timestamps
