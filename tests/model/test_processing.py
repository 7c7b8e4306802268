"""LavidaProcessor: equal to transformers' image processor, the conversation, targets, budgets, errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from lavida import pixels, processing
from lavida.batch import Batch, Sample
from lavida.config import LavidaConfig
from lavida.errors import LavidaError
from lavida.processing import ANSWER, IGNORED, LavidaProcessor, Sizes
from lavida.tiny import tokenizer as tiny_tokenizer

Draw = Callable[..., Sample]


def paper() -> LavidaProcessor:
    """The paper's pixel budgets, with the tiny tokenizer."""
    sizes = Sizes.from_config(LavidaConfig.preset("tiny"))
    paper = LavidaConfig(sam_config={"model_type": "sam2_video"}, mllm_config={"model_type": "qwen2_vl"}).budgets
    return LavidaProcessor(
        tiny_tokenizer.load_tokenizer(),
        tiny_tokenizer.load_tokenizer(names=True),
        replace(sizes, budgets=dict(paper or {})),
    )


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth picture with edges and some noise, (1, H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = 120 + 80 * np.sin(x / 17 + seed) * np.cos(y / 23)
    out = np.stack([waves, np.roll(waves, 5, 0), 255 - waves], -1) + rng.normal(0, 8, (height, width, 3))
    out[height // 4 : height // 2, width // 3 : width // 2] = (230, 30, 60)
    return out.clip(0, 255).astype(np.uint8)[None]


@pytest.mark.parametrize("size", [(240, 320), (101, 333), (1080, 1920), (30, 30)])
@pytest.mark.parametrize("use", ["train", "score"])
def test_images_equal_transformers_processor(size: tuple[int, int], use: Any) -> None:
    processor = paper()
    frames = picture(*size)
    low, high = processor.sizes.budgets[f"{use}_image"]
    theirs = Qwen2VLImageProcessorPil(min_pixels=low * 28 * 28, max_pixels=high * 28 * 28)(
        [frames[0]], return_tensors="pt"
    )
    own = processor([Sample(frames, ("car",))], use)
    assert torch.equal(own.grids, theirs["image_grid_thw"])
    normalised = pixels.normalise_patches(own.patches, processor.family.mean, processor.family.std)
    gap = (normalised - theirs["pixel_values"]).abs() * 255 * 0.27
    assert gap.max() < 1.1, "PIL and torch round a value to neighbouring integers at most"
    assert (gap > 0.5).float().mean() < 0.01


def test_a_clip_of_equal_frames_has_the_patches_of_the_image() -> None:
    processor = paper()
    image = picture(200, 300)
    one = replace(processor.sizes, budgets={name: [32, 64] for name in processor.sizes.budgets})
    processor.sizes = one
    single = processor([Sample(image, ("car",))])
    clip = processor([Sample(np.repeat(image, 3, axis=0), ("car",))])
    assert clip.grids.tolist() == [[2, *single.grids[0, 1:].tolist()]], "three frames: the last one fills up"
    assert torch.equal(clip.patches, torch.cat([single.patches] * 2))


@pytest.mark.parametrize("patch", [14, 16])
@pytest.mark.parametrize("frames", [1, 4, 5])
def test_patches_of_bytes_are_patches_of_normalised_frames(frames: int, patch: int) -> None:
    """To the bit: one permutation of all values in floats, as before patches were handed over as bytes."""
    drawn = np.random.default_rng(frames).integers(0, 256, (frames, patch * 4, patch * 6, 3), np.uint8)
    processor = paper()
    budgets = {name: [6, 6] for name in processor.sizes.budgets}
    processor.sizes = replace(processor.sizes, patch_size=patch, budgets=budgets)
    batch = processor([Sample(drawn, ("car",))])
    mean, std = processor.family.mean, processor.family.std
    assert batch.patches.dtype == torch.uint8
    assert batch.grids.tolist() == [[-(-frames // 2), 4, 6]]
    floats = pixels.normalise(torch.from_numpy(drawn).permute(0, 3, 1, 2), mean, std)
    whole = torch.cat([floats, floats[-1:].expand(frames % 2, -1, -1, -1)])
    split = whole.reshape(-1, 2, 3, 2, 2, patch, 3, 2, patch)
    want = split.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(len(batch.patches), -1)
    assert torch.equal(pixels.normalise_patches(batch.patches, mean, std), want)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 64), st.integers(0, 400))
def test_fit_is_smart_resize(height: int, width: int, fewest: int, more: int) -> None:
    most = fewest + more
    if max(height, width) / min(height, width) > 200:
        with pytest.raises(LavidaError, match="expected sides that differ by at most 200 times"):
            pixels.target_size(height, width, 28, fewest, most)
    else:
        want = smart_resize(height, width, 28, fewest * 784, most * 784)
        assert pixels.target_size(height, width, 28, fewest, most) == want


def test_paper_budgets() -> None:
    processor = paper()
    clip = Sample(np.repeat(picture(240, 360), 8, axis=0), ("car",))
    for use, low, high in (("train", 32, 64), ("score", 160, 192)):
        grid = processor([clip], use).grids[0]
        assert grid[0] == 4
        assert low <= int(grid[1] * grid[2]) // 4 <= high


def test_sam_frames_are_squares_normalised() -> None:
    white = np.full((2, 60, 90, 3), 255, dtype=np.uint8)
    squares = pixels.square_frames(white, 128)
    assert squares.shape == (2, 3, 128, 128)
    assert squares.dtype == torch.uint8
    frames = pixels.normalise_for_sam(squares)
    want = (1 - torch.tensor(pixels.IMAGENET_MEAN)) / torch.tensor(pixels.IMAGENET_STD)
    torch.testing.assert_close(frames.mean((0, 2, 3)), want, atol=1e-5, rtol=0)


def test_frames_of_all_sizes_are_resized_as_torch_does() -> None:
    frames = [picture(60, 90)[0], picture(64, 64)[0], picture(200, 31)[0]]
    got = pixels.square_frames(frames, 64)
    for frame, square in zip(frames, got, strict=True):
        planes = torch.from_numpy(frame).permute(2, 0, 1)[None]
        want = functional.interpolate(planes, size=(64, 64), mode="bilinear", antialias=True, align_corners=False)
        assert torch.equal(square, want[0])


class _Batches(Dataset[tuple[Batch, list[bool]]]):
    """One batch, and whether its large tensors lie in shared memory where it is made."""

    def __init__(self, processor: LavidaProcessor, samples: list[Sample]) -> None:
        self.processor, self.samples = processor, samples

    def __getitem__(self, index: int) -> tuple[Batch, list[bool]]:
        batch = self.processor(self.samples)
        assert batch.masks is not None
        return batch, [part.is_shared() for part in (batch.patches, batch.frames, batch.masks)]


def test_a_worker_makes_the_same_batch_in_shared_memory(processor: LavidaProcessor, draw: Draw) -> None:
    made = _Batches(processor, [draw(8, 0), draw(1, 1)])
    batch, shared = made[0]
    assert shared == [False] * 3
    other, shared = next(iter(DataLoader(made, batch_size=None, sampler=[0], num_workers=1)))
    assert shared == [True] * 3
    for name in ("patches", "frames", "masks"):
        assert torch.equal(getattr(batch, name), getattr(other, name))
        assert getattr(batch, name).stride() == getattr(other, name).stride()


@pytest.mark.parametrize("side", ["left", "right"])
def test_names_that_were_seen_before_have_the_tokens_of_the_tokenizer(
    side: str, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "MOST_NAMES", 5)
    made = LavidaProcessor.from_preset("tiny")
    made.names_tokenizer.padding_side = side
    lists = [
        ("car", "a person who rides a bicycle"),
        ("car",),
        ("dog", "car", "dog"),
        ("cart " * 90, "cat", "bin"),
        ("bus",),
    ]
    for names in [*lists, *lists]:
        batch = made([replace(draw(1, 0), names=names, labels=None)])
        want = made.names_tokenizer(list(names), padding=True, truncation=True, return_tensors="pt")
        assert torch.equal(batch.name_ids, want["input_ids"])
        assert torch.equal(batch.name_mask, want["attention_mask"])


def test_masks_keep_their_place_and_small_ones_stay() -> None:
    masks = np.zeros((3, 256, 512), dtype=bool)
    masks[0, :128, :256] = True
    masks[1, 77, 300] = True
    got = pixels.square_masks(masks, 64)
    want = torch.zeros(64, 64, dtype=torch.bool)
    want[:32, :32] = True
    assert torch.equal(got[0], want)
    assert got[1].nonzero().tolist() == [[19, 37]]
    assert not got[2].any()


def averaged_masks(masks: np.ndarray, side: int) -> torch.Tensor:
    """The shares of covered pixels by torch's adaptive pooling, in floats: what `square_masks` counts in whole numbers."""
    share = functional.interpolate(torch.from_numpy(masks)[:, None].float(), size=(side, side), mode="area")[:, 0]
    half, touched = share >= 0.5, share > 0
    lost = ~half.flatten(1).any(dim=1)
    return torch.where(lost[:, None, None], touched, half)


@pytest.mark.parametrize("side", [1, 7, 64, 100])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (63, 65), (64, 64), (128, 192), (97, 301), (5, 400)])
def test_masks_are_those_of_averaging(size: tuple[int, int], side: int) -> None:
    height, width = size
    masks = np.zeros((10, *size), np.bool_)
    masks[1] = True
    masks[2, 0, 0] = masks[3, 0, -1] = masks[4, -1, 0] = masks[5, -1, -1] = True
    masks[6, height // 2] = masks[7, :, width // 2] = True  # lines, one pixel wide
    masks[8] = np.indices(size).sum(axis=0) % 2 == 0  # where bins are even, every one is half covered
    masks[9, ::3, 1::2] = True
    assert torch.equal(pixels.square_masks(masks, side), averaged_masks(masks, side))
    assert pixels.square_masks(masks[:0], side).shape == (0, side, side)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 70), st.integers(0, 2**32 - 1), st.data())
def test_any_masks_are_those_of_averaging(height: int, width: int, side: int, seed: int, data: st.DataObject) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom, right = data.draw(st.integers(top + 1, height)), data.draw(st.integers(left + 1, width))
    masks = np.zeros((2, height, width), np.bool_)
    density = data.draw(st.sampled_from([0.02, 0.5, 0.95]))
    box = np.random.default_rng(seed).random((2, bottom - top, right - left)) < density
    masks[:, top:bottom, left:right] = box
    assert torch.equal(pixels.square_masks(masks, side), averaged_masks(masks, side))


def test_the_conversation(processor: LavidaProcessor, draw: Draw) -> None:
    clip = draw(8, 0)
    asked = replace(clip, question="Where is red square, blue square, green square?", answer="See <SEG>.")
    batch = processor([asked])
    text = processor.tokenizer.decode(batch.input_ids[0])
    assert text == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|>"
        + "<|video_pad|>" * 48
        + "<|vision_end|>Where is red square, blue square, green square?<|im_end|>\n"
        "<|im_start|>assistant\nSee <SEG>.<|im_end|>\n"
    )
    assert batch.labels is not None
    counted = batch.labels[0] != IGNORED
    assert processor.tokenizer.decode(batch.input_ids[0][counted]) == "See <SEG>.<|im_end|>\n"
    assert torch.equal(batch.labels[0][counted], batch.input_ids[0][counted])
    assert (batch.token_types == 2).sum() == 48


def test_scoring_asks_and_answers_by_itself(processor: LavidaProcessor, draw: Draw) -> None:
    batch = processor([replace(draw(1, 0), masks=None, labels=None)], "score")
    text = processor.tokenizer.decode(batch.input_ids[0])
    assert "an anomaly: red square, blue square, green square? Mark it." in text
    assert ANSWER in text
    assert batch.labels is batch.masks is batch.name_labels is None


def test_padding_is_left(processor: LavidaProcessor, samples: list[Sample]) -> None:
    batch = processor(samples)
    lengths = batch.attention_mask.sum(1)
    assert lengths.min() < lengths.max() == batch.input_ids.shape[1]
    for row, length in zip(batch.attention_mask, lengths.tolist(), strict=True):
        assert row[-length:].all()
        assert not row[:-length].any() or length == len(row)
    assert batch.name_counts == (3, 2, 5, 3)
    assert batch.name_ids[0][: batch.name_mask[0].sum()].tolist()[:: batch.name_mask[0].sum() - 1] == [1, 2]
    assert batch.name_labels is not None
    assert batch.name_labels.tolist() == [n == 0 for k in (3, 2, 5, 3) for n in range(k)]
    assert batch.keys == tuple(sample.key for sample in samples)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": np.zeros((2, 4, 4), dtype=np.uint8)}, r"'x': frames are uint8 \(2, 4, 4\); expected uint8 \(T, H, W, 3\)"),
        ({"frames": np.zeros((2, 4, 4, 3), dtype=np.float32)}, "frames are float32"),
        ({"masks": np.zeros((1, 120, 160), dtype=bool)}, r"masks are bool \(1, 120, 160\); expected bool \(2, 120, 160\)"),
        ({"names": ()}, "expected at least one, none of them empty"),
        ({"names": ("a", " ", "b")}, "none of them empty"),
        ({"labels": (True,)}, "1 labels for 3 names"),
        ({"answer": "Nothing."}, "answer 'Nothing.'; expected <SEG> exactly once"),
        ({"question": "Where is <SEG>?"}, "expected no <SEG>"),
        ({"seconds": (0.0,)}, r"'x': seconds are \(0.0,\); expected 2 finite numbers, one a frame, that never go down"),
        ({"seconds": (1.0, 0.5)}, "expected 2 finite numbers"),
        ({"seconds": (0.0, float("nan"))}, "expected 2 finite numbers"),
        ({"seconds": (float("inf"), float("inf"))}, "expected 2 finite numbers"),
        ({"seconds": (0.0, 2e9)}, "expected 2 finite numbers"),
    ],
)  # fmt: skip
def test_samples_that_do_not_fit(draw: Draw, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LavidaError, match=message):
        replace(draw(2, 0), **({"key": "x"} | changes))


def test_special_tokens_in_a_name(processor: LavidaProcessor, draw: Draw) -> None:
    for name in ("<SEG>", "a <|video_pad|> car"):
        sample = replace(draw(2, 0), names=("dog", name, "cat"))
        with pytest.raises(LavidaError, match="'drawn/0': question or names have special tokens of the model"):
            processor([sample])


@pytest.mark.parametrize("text", ["a \x1b[31mdog", "\u202egod", "dog\x00", "\x9b1m"])
def test_control_characters_in_a_prompt(text: str, processor: LavidaProcessor, draw: Draw) -> None:
    for changes in ({"names": ("dog", text, "cat")}, {"question": text}, {"answer": f"{text} <SEG>"}):
        with pytest.raises(LavidaError, match="'drawn/0': control characters in '.*'; expected plain text"):
            processor([replace(draw(2, 0), **changes)])


def test_targets_of_all_or_of_none(processor: LavidaProcessor, draw: Draw) -> None:
    with pytest.raises(LavidaError, match="samples 'drawn/1' have no masks; expected all samples"):
        processor([draw(2, 0), replace(draw(2, 1), masks=None)])


def test_calls_that_do_not_fit(processor: LavidaProcessor, draw: Draw) -> None:
    with pytest.raises(LavidaError, match="no samples; expected at least one"):
        processor([])
    with pytest.raises(LavidaError, match="use: 'test'; expected train or score"):
        processor([draw(1, 0)], "test")  # type: ignore[arg-type]  # that is the point
    thin = Sample(np.zeros((1, 2, 500, 3), dtype=np.uint8), ("car",), key="thin")
    with pytest.raises(LavidaError, match="Sample 'thin': frame of 2 x 500 pixels"):
        processor([thin])


def test_round_trip(processor: LavidaProcessor, samples: list[Sample], tmp_path: Path) -> None:
    processor.save_pretrained(tmp_path)
    again = LavidaProcessor.from_pretrained(tmp_path)
    assert again.sizes == processor.sizes
    one, other = processor(samples), again(samples)
    assert torch.equal(one.input_ids, other.input_ids)
    assert torch.equal(one.name_ids, other.name_ids)
    assert torch.equal(one.name_mask, other.name_mask)
    with pytest.raises(LavidaError, match=r"no lavida_processor\.json; expected what LavidaProcessor\.save_pretrained"):
        LavidaProcessor.from_pretrained(tmp_path / "names_tokenizer")
    for odd in ("{", "{}"):
        (tmp_path / "names_tokenizer" / "tokenizer.json").write_text(odd)
        with pytest.raises(LavidaError, match=rf"^{tmp_path}: no tokenizer can be read \("):
            LavidaProcessor.from_pretrained(tmp_path)
    (tmp_path / "lavida_processor.json").write_text('{"unknown": 3}')
    with pytest.raises(LavidaError, match=r"no lavida_processor\.json can be read \(.*unknown"):
        LavidaProcessor.from_pretrained(tmp_path)


def test_a_tokenizer_without_seg(processor: LavidaProcessor) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
    with pytest.raises(LavidaError, match="no token <SEG>; expected a Qwen-VL tokenizer with <SEG> added"):
        LavidaProcessor(bare, bare, processor.sizes)


def test_the_shipped_tokenizer_is_the_trained_one() -> None:
    import json

    assert json.loads(tiny_tokenizer.train_tokenizer().to_str()) == json.loads(tiny_tokenizer.FILE.read_text("utf-8"))


def test_the_tiny_tokenizer_knows_its_words(processor: LavidaProcessor) -> None:
    encode = processor.tokenizer.encode
    assert [processor.tokenizer.convert_tokens_to_ids(token) for token in tiny_tokenizer.SPECIAL] == list(range(8))
    for word in (" bicycle", " person", " red", " anomaly"):
        assert len(encode(word)) <= 3
    strange = "Überholspur 車 🚗"
    assert processor.tokenizer.decode(encode(strange)) == strange, "byte-level BPE"
    assert len(processor.tokenizer) <= 1536
