"""CLIP and SigLIP: is a frame more like a name than like any of the listed normal prompts?

With s(text) the model's own logit of frame and text (cosine times the learned temperature, plus SigLIP's bias), a
name's score is its log-odds against the normal prompts, s(name) - log sum exp s(normal); a frame's score is
log sum exp s(names) - log sum exp s(normal): the log-odds that the frame is of one of the names under a uniform prior
over all texts. Higher = more anomalous; it is as calibrated as the model's temperature, and moves with the number of
names and of normal prompts. A maximum over raw cosines would be none of this: cosines of any texts with any frame lie
in a narrow band that does not show presence.

A pixel's score is the same of its patch: CLIP's patch tokens behind the last norm and projection, SigLIP's each pooled
alone. These models were trained for whole pictures only: their patch maps are coarse.

Frames are squashed to the model's square, since the centre crop of CLIP's processor would cut both sides of a frame;
SigLIP2 of variable size keeps the aspect. Clips are scored frame by frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, field_validator
from torch import Tensor

from lavida_bench.scorers._base import LoadSettings, PublicModel, ScorerInfo, ScorerKind, ScorerOptions
from lavida_bench.scorers._byte_tokenizer import write_byte_tokenizer
from lavida_bench.scorers._checkpoints import mark_random
from lavida_bench.scorers._model_scorer import MOST_TEXTS, ModelScorer, copied_back
from lavida_bench.scorers._pictures import CLIP_MEAN, CLIP_STD, HALF, normalised, resized
from lavida_bench.scorers._preprocessing import three_numbers
from lavida_bench.scoring.scorer import ClipScores, PendingScores, Scorer
from lavida_bench.videos.types import Pixels

NORMAL = (
    "a normal scene",
    "people walking",
    "an empty street",
    "traffic on a road",
    "a building",
    "an indoor corridor",
)
"""Prompts of what is not anomalous on any benchmark here."""


class ClipScorerOptions(ScorerOptions):
    """Options of `clip`."""

    template: str = Field(default="a picture of {}", description="what is read for a name or normal prompt")
    normal: tuple[str, ...] = Field(default=NORMAL, min_length=1, description="prompts of what is normal")

    @field_validator("template")
    @classmethod
    def _has_a_place(cls, template: str) -> str:
        if template.count("{}") != 1:
            raise ValueError("expected a text with one {} for the name")
        return template


class ClipKind(ScorerKind[ClipScorerOptions]):
    """CLIP, SigLIP and SigLIP2."""

    Options = ClipScorerOptions
    about = ScorerInfo(
        title="CLIP, SigLIP: each frame against the names and against normal prompts",
        outputs=("frames", "maps", "names"),
        models=(
            PublicModel("google/siglip2-base-patch16-naflex", 375, "Apache-2.0"),
            PublicModel("openai/clip-vit-large-patch14", 428, "not stated on its card as far as is known: read it"),
        ),
        families=("clip", "siglip", "siglip2"),
    )

    def load(self, where: str, how: LoadSettings) -> Scorer:
        """See ScorerKind."""
        return ClipScorer(self, where, how)

    def write_random(self, folder: Path, seed: int) -> None:
        """See ScorerKind: CLIP with 70,000 parameters, its tokenizer reads bytes."""
        from transformers import CLIPConfig, CLIPModel

        write_byte_tokenizer(folder)
        part = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
        text = {**part, "vocab_size": 514, "max_position_embeddings": 77, "bos_token_id": 512, "eos_token_id": 513}
        vision = {**part, "image_size": 56, "patch_size": 14}
        torch.manual_seed(seed)
        config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
        CLIPModel(config).save_pretrained(folder)
        mark_random(folder)


class ClipScorer(ModelScorer):
    """One CLIP or SigLIP as a `Scorer`."""

    def __init__(self, kind: ClipKind, where: str, how: LoadSettings) -> None:
        from transformers import AutoModel

        super().__init__(kind, where, how)
        folder = self.checkpoint.folder
        self.options: ClipScorerOptions = kind.options
        self.model: Any = self.load_model(AutoModel)
        self.vision: Any = self.model.config.vision_config
        self.tokenizer: Any = self.load_tokenizer()
        self.scale = float(self.model.logit_scale.float().exp())
        self.bias = 0.0 if self.checkpoint.family == "clip" else float(self.model.logit_bias)
        self.is_clip = self.checkpoint.family == "clip"
        mean, std = (CLIP_MEAN, CLIP_STD) if self.is_clip else (HALF, HALF)
        self.mean = three_numbers(folder, "image_mean", mean)
        self.std = three_numbers(folder, "image_std", std)
        self._texts: dict[tuple[str, ...], Tensor] = {}

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> tuple[Tensor, tuple[str, ...]]:
        """(N, 3, h, w) uint8 pictures, and the names; see `Scorer`."""
        size = self._size(clips[0].shape[1:3])
        pictures = [resized(clip, size, "bicubic" if self.is_clip else "bilinear") for clip in clips]
        return self.pinned(torch.cat(pictures)), names

    def _size(self, frame: tuple[int, ...]) -> tuple[int, int]:
        """(h, w) of the pictures: the model's square, or the most patches that keep the aspect of a frame (H, W)."""
        if self.checkpoint.family != "siglip2":
            return (self.vision.image_size, self.vision.image_size)
        most, patch = self.vision.num_patches, self.vision.patch_size
        rows = max(1, min(most, int((most * frame[0] / frame[1]) ** 0.5)))
        columns = max(
            1, most // rows if rows * frame[1] > frame[0] * (most // rows) else round(rows * frame[1] / frame[0])
        )
        return (rows * patch, columns * patch)

    @torch.inference_mode()
    def score(self, prepared: tuple[Tensor, tuple[str, ...]]) -> PendingScores:
        """See `Scorer`."""
        pictures, names = prepared
        pixels = normalised(pictures.to(self.device, non_blocking=True), self.mean, self.std).to(self.dtype)
        whole, patches = self._features(pixels)
        texts = self._text_features(names)
        frames = self._logits(whole, texts)
        cells = self._logits(patches, texts)
        odds, of_names = _log_odds(frames, len(names))
        maps, _ = _log_odds(cells, len(names))
        wait = copied_back(odds, maps, of_names)

        def scores() -> ClipScores:
            frame_scores, pixel_scores, name_scores = wait()
            return ClipScores(frame_scores, self.half_maps(pixel_scores), name_scores)

        return scores

    def _features(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the pictures (N, C), and of their patches (N, rows, columns, C)."""
        count, _, height, width = pixels.shape
        rows, columns = height // self.vision.patch_size, width // self.vision.patch_size
        if self.is_clip:
            output = self.model.get_image_features(pixels)
            hidden = self.model.vision_model.post_layernorm(output.last_hidden_state[:, 1:])
            patches = self.model.visual_projection(hidden)
            return output.pooler_output, patches.view(count, rows, columns, -1)
        if self.checkpoint.family == "siglip2":
            shapes = torch.tensor([[rows, columns]] * count, device=pixels.device)
            mask = torch.ones(count, rows * columns, dtype=torch.int32, device=pixels.device)
            output = self.model.get_image_features(_patchified(pixels, self.vision.patch_size), mask, shapes)
        else:
            output = self.model.get_image_features(pixels)
        hidden = output.last_hidden_state
        patches = self.model.vision_model.head(hidden.reshape(count * rows * columns, 1, -1))
        return output.pooler_output, patches.view(count, rows, columns, -1)

    def _text_features(self, names: tuple[str, ...]) -> Tensor:
        """(K + normal prompts, C) features of the texts, computed once for each list of names."""
        if names not in self._texts:
            if len(self._texts) >= MOST_TEXTS:
                self._texts.clear()
            texts = [self.options.template.replace("{}", text) for text in (*names, *self.options.normal)]
            longest = self.model.config.text_config.max_position_embeddings
            if self.is_clip:
                tokens = self.tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt")
                given = {"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"]}
            else:  # SigLIP was trained on padded lower case
                lower = [text.lower() for text in texts]
                tokens = self.tokenizer(
                    lower, padding="max_length", truncation=True, max_length=longest, return_tensors="pt"
                )
                given = {"input_ids": tokens["input_ids"]}
            on_device = {key: value.to(self.device) for key, value in given.items()}
            features: Tensor = self.model.get_text_features(**on_device).pooler_output
            self._texts[names] = features
        return self._texts[names]

    def _logits(self, features: Tensor, texts: Tensor) -> Tensor:
        """(..., K + normal prompts) float32 logits of features (..., C) with the texts."""
        one, other = (torch.nn.functional.normalize(part.float(), dim=-1) for part in (features, texts))
        logits: Tensor = one @ other.T * self.scale
        return logits + self.bias


def _log_odds(logits: Tensor, names: int) -> tuple[Tensor, Tensor]:
    """(...) log-odds of the names together, and (..., K) of each, of logits (..., K + normal prompts)."""
    normal = logits[..., names:].logsumexp(dim=-1)
    return logits[..., :names].logsumexp(dim=-1) - normal, logits[..., :names] - normal[..., None]


def _patchified(pixels: Tensor, patch: int) -> Tensor:
    """(N, patches, patch * patch * 3) of (N, 3, h, w): rows of patches, in each height, width, channel."""
    count, channels, height, width = pixels.shape
    cut = pixels.view(count, channels, height // patch, patch, width // patch, patch)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(count, -1, patch * patch * channels)
