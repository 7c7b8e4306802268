"""Vision language models that are asked yes or no: Qwen2-VL, Qwen2.5-VL, Qwen3-VL, Qwen3.5 and InternVL.

The model sees a clip and the question whether any of the names, sorted, is happening or visible. The score of all
frames of the clip is the log-odds of yes against no at the position of the answer, each the sum over its spellings:
one forward pass, nothing is generated. Higher = more anomalous, 0 = yes and no are as probable; language models are
known to lean to one of the two, so that 0 is no calibrated threshold. With `each` every name is a question of its own:
a name's score is that of its question, a frame's the highest of its names'; it costs a forward pass a name.

The times of the frames are true: as Qwen2.5-VL's interval, in the text of Qwen3-VL, Qwen3.5 and InternVL. Of unknown
times the family's own sampling is assumed, two frames a second. Qwen3.5 thinks before it answers unless its thoughts
are given as empty, as here; that text follows Qwen3's template and was not compared with a public checkpoint's.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from lavida.frame_times import grid_interval, grid_times, valid_or_unknown
from lavida.pixels import patchify, resize, target_size
from lavida_bench.scorers._base import LoadSettings, PublicModel, ScorerInfo, ScorerKind, ScorerOptions
from lavida_bench.scorers._byte_tokenizer import write_byte_tokenizer
from lavida_bench.scorers._checkpoints import mark_random
from lavida_bench.scorers._model_scorer import ModelScorer, copied_back
from lavida_bench.scorers._pictures import CLIP_MEAN, CLIP_STD, HALF, IMAGENET_MEAN, IMAGENET_STD, normalised, resized
from lavida_bench.scorers._preprocessing import three_numbers
from lavida_bench.scoring.scorer import ClipScores, ClipTimes, PendingScores, Scorer
from lavida_bench.videos.types import Pixels
from lavida_gen.common.errors import DataError, problem

QUESTION = "Is any of the following happening or visible in the video: {}? Answer yes or no."
YES, NO = ("yes", "Yes", " yes", " Yes", "YES"), ("no", "No", " no", " No", "NO")
ASSUMED_RATE = 2.0
"""Frames a second of a clip of unknown times, as the families sample a video."""
FEWEST_CELLS = 4
INTERNVL = "internvl"
VIDEO_TYPE = 2
"""Of a visual token of a video, in `mm_token_type_ids`."""


@dataclass(frozen=True, slots=True)
class _Style:
    """How a Qwen family takes a clip: normalisation, times before temporal patches, system turn, start of answers."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    times_in_text: bool
    system: str
    answer: str = ""


_OLD = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
STYLES = {
    "qwen2_vl": _Style(CLIP_MEAN, CLIP_STD, False, _OLD),
    "qwen2_5_vl": _Style(CLIP_MEAN, CLIP_STD, False, _OLD),
    "qwen3_vl": _Style(HALF, HALF, True, ""),
    "qwen3_5": _Style(HALF, HALF, True, "", "<think>\n\n</think>\n\n"),
}


class VlmScorerOptions(ScorerOptions):
    """Options of `vlm`."""

    each: bool = Field(default=False, description="a question for each name, instead of one for all")
    cells: int = Field(default=256, ge=4, le=16384, description="most tokens of a frame (Qwen families)")


class VlmKind(ScorerKind[VlmScorerOptions]):
    """Vision language models, yes or no."""

    Options = VlmScorerOptions
    about = ScorerInfo(
        title="vision language models: P(yes) to whether any of the names is in the clip",
        outputs=("frames",),
        models=(
            PublicModel("Qwen/Qwen3-VL-2B-Instruct", 2000, "Apache-2.0, by its derivatives: read its card"),
            PublicModel("Qwen/Qwen2.5-VL-7B-Instruct", 7000, "Apache-2.0"),
            PublicModel("OpenGVLab/InternVL3-1B-hf", 1000, "MIT or Apache-2.0, sources differ: read its card"),
        ),
        families=(*STYLES, INTERNVL),
    )

    def load(self, where: str, how: LoadSettings) -> Scorer:
        """See ScorerKind."""
        return VlmScorer(self, where, how)

    def write_random(self, folder: Path, seed: int) -> None:
        """See ScorerKind: Qwen2.5-VL with 200,000 parameters, its tokenizer reads bytes."""
        from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

        write_byte_tokenizer(folder, 4096)
        rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}
        text = {
            "vocab_size": 520, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "eos_token_id": 513,
            "num_attention_heads": 4, "num_key_value_heads": 2, "rope_parameters": rope, "pad_token_id": 513,
            "bos_token_id": None,
        }  # fmt: skip
        vision = {
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64,
            "fullatt_block_indexes": [1], "window_size": 56,
        }  # fmt: skip
        ids: dict[str, Any] = {
            "vision_start_token_id": 514,
            "vision_end_token_id": 515,
            "image_token_id": 516,
            "video_token_id": 517,
        }
        torch.manual_seed(seed)
        config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **ids)
        Qwen2_5_VLForConditionalGeneration(config).save_pretrained(folder)
        mark_random(folder)


@dataclass(frozen=True, slots=True, eq=False)
class VlmBatch:
    """Clips and questions about them.

    Attributes:
        inputs: For each question the arguments of the model by name, on the CPU, a row for each clip.
        pixels: (P, C) uint8 patches of Qwen families, (N, 3, h, w) uint8 pictures of InternVL.
        frames: T of each clip.
    """

    inputs: tuple[dict[str, Any], ...]
    pixels: Tensor
    frames: tuple[int, ...]


class VlmScorer(ModelScorer):
    """One vision language model as a `Scorer`."""

    def __init__(self, kind: VlmKind, where: str, how: LoadSettings) -> None:
        from transformers import AutoModelForImageTextToText

        super().__init__(kind, where, how)
        self.model: Any = self.load_model(AutoModelForImageTextToText)
        self.config: Any = self.model.config
        self.tokenizer: Any = self.load_tokenizer()
        self.options: VlmScorerOptions = kind.options
        self.style = STYLES.get(self.checkpoint.family)
        mean, std = (IMAGENET_MEAN, IMAGENET_STD) if self.style is None else (self.style.mean, self.style.std)
        self.mean = three_numbers(self.checkpoint.folder, "image_mean", mean)
        self.std = three_numbers(self.checkpoint.folder, "image_std", std)
        self._thread = threading.local()
        yes, no = self._first_tokens(YES), self._first_tokens(NO)
        self.yes, self.no = sorted(yes - no), sorted(no - yes)  # a space alone may begin both " yes" and " no"
        if not self.yes or not self.no:
            what, wanted = "its tokenizer begins yes and no alike", "words with first tokens of their own"
            raise DataError(problem(self.checkpoint.folder, what, wanted))

    def _first_tokens(self, words: Sequence[str]) -> set[int]:
        """First token of each spelling."""
        return {self._ids(word)[0] for word in words}

    def _ids(self, text: str) -> list[int]:
        if not hasattr(self._thread, "tokenizer"):
            self._thread.tokenizer = copy.deepcopy(self.tokenizer)  # tokenizers are not thread-safe
        ids: list[int] = self._thread.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> VlmBatch:
        """Make a batch of clips of unknown times; see `Scorer`."""
        return self.prepare_timed(clips, names, [None] * len(clips))

    def prepare_timed(self, clips: Sequence[Pixels], names: tuple[str, ...], seconds: Sequence[ClipTimes]) -> VlmBatch:
        """Make a batch; see `TimedScorer`."""
        each = self.options.each
        questions = [QUESTION.format(name) for name in (names if each else [", ".join(sorted(names))])]
        times = [self._times(len(clip), given) for clip, given in zip(clips, seconds, strict=True)]
        pair = self._qwen if self.style is not None else self._internvl
        return pair(clips, questions, times)

    @staticmethod
    def _times(frames: int, given: ClipTimes) -> list[float]:
        known = valid_or_unknown(given)
        return [number / ASSUMED_RATE for number in range(frames)] if known is None else list(known)

    def _qwen(self, clips: Sequence[Pixels], questions: Sequence[str], times: Sequence[list[float]]) -> VlmBatch:
        assert self.style is not None
        vision = self.config.vision_config
        patch, merge, temporal = vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size
        patches: list[Tensor] = []
        cells, grids = [], []
        for clip in clips:
            height, width = clip.shape[1:3]
            size = target_size(height, width, patch * merge, FEWEST_CELLS, self.options.cells)
            frames = resize(clip, size, "bicubic")
            starts = range(0, len(frames), temporal)
            patches += [patchify(frames[start : start + temporal], patch, merge, temporal) for start in starts]
            cells.append(len(patches[-1]) // merge**2)
            grids.append([len(starts), size[0] // patch, size[1] // patch])
        inputs = []
        for question in questions:
            rows = [
                self._qwen_text(question, count, grid_times(seconds, temporal))
                for count, seconds in zip(cells, times, strict=True)
            ]
            given = self._padded(rows, self.config.video_token_id)
            given["video_grid_thw"] = torch.tensor(grids)
            if self.checkpoint.family == "qwen2_5_vl":
                given["second_per_grid_ts"] = torch.tensor([grid_interval(seconds, temporal) for seconds in times])
            inputs.append(given)
        return VlmBatch(tuple(inputs), self.pinned(torch.cat(patches)), tuple(map(len, clips)))

    def _qwen_text(self, question: str, cells: int, seconds: Sequence[float]) -> list[int]:
        """Tokens of a question about a clip; each temporal patch is a segment of its own where times are text."""
        assert self.style is not None
        config = self.config
        video = [config.video_token_id] * cells
        ids = self._ids(f"{self.style.system}<|im_start|>user\n")
        if self.style.times_in_text:
            for second in seconds:
                ids += self._ids(f"<{second:.1f} seconds>")
                ids += [config.vision_start_token_id, *video, config.vision_end_token_id]
        else:
            ids += [config.vision_start_token_id, *video * len(seconds), config.vision_end_token_id]
        return ids + self._ids(f"{question}<|im_end|>\n<|im_start|>assistant\n{self.style.answer}")

    def _internvl(self, clips: Sequence[Pixels], questions: Sequence[str], times: Sequence[list[float]]) -> VlmBatch:
        image = self.config.vision_config.image_size
        size = (image, image) if isinstance(image, int) else (int(image[0]), int(image[1]))
        inputs = []
        for question in questions:
            rows = []
            for seconds in times:
                ids = self._ids("<|im_start|>user\n")
                for second in seconds:
                    ids += self._ids(f"Frame at {second - seconds[0]:.1f} seconds: <img>")
                    ids += [self.config.image_token_id] * self.config.image_seq_length
                    ids += self._ids("</img>\n")
                rows.append(ids + self._ids(f"{question}<|im_end|>\n<|im_start|>assistant\n"))
            inputs.append(self._padded(rows, None))
        pictures = torch.cat([resized(clip, size, "bicubic") for clip in clips])
        return VlmBatch(tuple(inputs), self.pinned(pictures), tuple(map(len, clips)))

    def _padded(self, rows: Sequence[list[int]], video: int | None) -> dict[str, Any]:
        """Ids and mask (B, S), padded on the left; types of tokens for families with a `video` token."""
        longest = max(map(len, rows))
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        if video is not None:
            inputs["mm_token_type_ids"] = torch.where(ids == video, VIDEO_TYPE, 0) * mask
        return inputs

    @torch.inference_mode()
    def score(self, prepared: VlmBatch) -> PendingScores:
        """See `Scorer`."""
        pixels = prepared.pixels.to(self.device, non_blocking=True)
        if self.style is not None:
            visual = {"pixel_values_videos": self._normalised_patches(pixels).to(self.dtype)}
        else:
            visual = {"pixel_values": normalised(pixels, self.mean, self.std).to(self.dtype)}
        with self._one_look():
            wait = copied_back(torch.stack([self._odds({**given, **visual}) for given in prepared.inputs], dim=1))

        def scores() -> ClipScores:
            (of_questions,) = wait()
            spread = np.repeat(of_questions, prepared.frames, axis=0)
            return ClipScores(spread.max(axis=1), names=spread if self.options.each else None)

        return scores

    @contextmanager
    def _one_look(self) -> Iterator[None]:
        """All questions about the same clips: the vision tower runs for the first one alone."""
        tower: Any = getattr(self.model.model, "visual", None) or self.model.model.vision_tower
        forward: Callable[..., object] = tower.forward
        seen: list[object] = []

        def look(*values: object, **named: object) -> object:
            if not seen:
                seen.append(forward(*values, **named))
            return copy.copy(seen[0])  # transformers replaces entries of it

        tower.forward = look
        try:
            yield
        finally:
            del tower.forward  # the class' own again

    def _odds(self, given: dict[str, Any]) -> Tensor:
        """(B,) log-odds of yes against no to one question about each clip."""
        inputs = {key: value.to(self.device) if isinstance(value, Tensor) else value for key, value in given.items()}
        logits = self.model(**inputs, use_cache=False, logits_to_keep=1).logits[:, -1].float()
        odds: Tensor = logits[:, self.yes].logsumexp(dim=1) - logits[:, self.no].logsumexp(dim=1)
        return odds

    def _normalised_patches(self, patches: Tensor) -> Tensor:
        """(P, C) float32 of (P, C) uint8; a patch has one channel after another."""
        assert self.style is not None
        cut = patches.view(len(patches), 3, -1, 1)
        return normalised(cut, self.mean, self.std).flatten(1)
