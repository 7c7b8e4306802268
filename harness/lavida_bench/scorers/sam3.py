"""SAM 3: each name is a concept that is looked for in each frame.

The probability of a name is presence x detection: sigmoid of the picture's presence logit times the highest sigmoid of
its detections. A name's score is the logit of that, a frame's the highest of its names': a name that is absent can
never raise it. A pixel's score is the logit of the highest mask over names and detections, each mask's probability
times its detection's, so that it is the union of the masks. Higher = more anomalous; 0 is SAM 3's own threshold of one
half. The names are independent of each other; frames are scored one by one, squashed to the model's square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import logsigmoid

from lavida_bench.scorers._base import LoadSettings, PublicModel, ScorerInfo, ScorerKind, ScorerOptions
from lavida_bench.scorers._byte_tokenizer import write_byte_tokenizer
from lavida_bench.scorers._checkpoints import mark_random
from lavida_bench.scorers._model_scorer import MOST_TEXTS, ModelScorer, copied_back
from lavida_bench.scorers._pictures import HALF, normalised, resized
from lavida_bench.scorers._preprocessing import three_numbers
from lavida_bench.scoring.scorer import ClipScores, PendingScores, Scorer
from lavida_bench.videos.types import Pixels

TOKENS = 32
"""Length that SAM 3's texts are padded to."""
HIGHEST_LOG = -1e-6
"""Logarithm of the highest probability: float32 hardly separates higher ones."""


class Sam3ScorerOptions(ScorerOptions):
    """Options of `sam3`."""

    names_at_once: int = Field(default=8, ge=1, description="names of one forward pass: memory against time")


class Sam3Kind(ScorerKind[Sam3ScorerOptions]):
    """SAM 3 with names as concepts."""

    Options = Sam3ScorerOptions
    about = ScorerInfo(
        title="SAM 3: each name a concept, presence x detection, union of its masks",
        outputs=("frames", "maps", "names"),
        models=(PublicModel("facebook/sam3", 840, "SAM License (no military use); gated, many requests are refused"),),
        families=("sam3", "sam3_video"),
    )

    def load(self, where: str, how: LoadSettings) -> Scorer:
        """See ScorerKind."""
        return Sam3Scorer(self, where, how)

    def write_random(self, folder: Path, seed: int) -> None:
        """See ScorerKind: SAM 3 with 270,000 parameters at 112 pixels."""
        from transformers import Sam3Config, Sam3Model

        write_byte_tokenizer(folder, TOKENS)
        side, grid, width = 112, 8, 32
        part = {"hidden_size": width, "num_attention_heads": 2}
        block = {**part, "intermediate_size": 64, "num_layers": 1}
        backbone = {
            **part, "model_type": "sam3_vit_model", "intermediate_size": 64, "num_hidden_layers": 2, "image_size": side,
            "patch_size": 14, "window_size": grid // 2, "global_attn_indexes": [1], "pretrain_image_size": side // 2,
        }  # fmt: skip
        text = {
            **part, "model_type": "clip_text_model", "vocab_size": 514, "intermediate_size": 64, "projection_dim": 16,
            "num_hidden_layers": 2, "max_position_embeddings": TOKENS, "bos_token_id": 512, "eos_token_id": 513,
            "pad_token_id": 513,
        }  # fmt: skip
        sizes = [[4 * grid] * 2, [2 * grid] * 2, [grid] * 2]
        vision = {"backbone_config": backbone, "fpn_hidden_size": width, "backbone_feature_sizes": sizes}
        torch.manual_seed(seed)
        config = Sam3Config(
            vision_config=vision, text_config=text, geometry_encoder_config=block, detr_encoder_config=block,
            detr_decoder_config={**block, "num_layers": 2, "num_queries": 10}, mask_decoder_config=part,
        )  # fmt: skip
        Sam3Model(config).save_pretrained(folder)
        mark_random(folder)


class Sam3Scorer(ModelScorer):
    """One SAM 3 as a `Scorer`."""

    def __init__(self, kind: Sam3Kind, where: str, how: LoadSettings) -> None:
        from transformers import Sam3Model

        super().__init__(kind, where, how)
        self.model: Any = self.load_model(Sam3Model)
        self.side = int(self.model.config.vision_config.backbone_config.image_size)
        self.tokenizer: Any = self.load_tokenizer()
        self.at_once = kind.options.names_at_once
        self.mean = three_numbers(self.checkpoint.folder, "image_mean", HALF)
        self.std = three_numbers(self.checkpoint.folder, "image_std", HALF)
        self._texts: dict[tuple[str, ...], tuple[Any, Tensor]] = {}

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> tuple[Tensor, tuple[str, ...]]:
        """(N, 3, h, w) uint8 pictures, and the names; see `Scorer`."""
        pictures = [resized(clip, (self.side, self.side), "bilinear") for clip in clips]
        return self.pinned(torch.cat(pictures)), names

    @torch.inference_mode()
    def score(self, prepared: tuple[Tensor, tuple[str, ...]]) -> PendingScores:
        """See `Scorer`."""
        pictures, names = prepared
        pixels = pictures.to(self.device, non_blocking=True)
        found = [self._find(pixels[place : place + 1], names) for place in range(len(pixels))]
        of_names = torch.stack([one for one, _ in found])
        maps = torch.stack([one for _, one in found])
        wait = copied_back(_logit(of_names.amax(dim=1)), _logit(maps), _logit(of_names))

        def scores() -> ClipScores:
            frame_scores, pixel_scores, name_scores = wait()
            return ClipScores(frame_scores, self.half_maps(pixel_scores), name_scores)

        return scores

    def _find(self, picture: Tensor, names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the names (K,) and of the pixels (h, w) of a picture (1, 3, H, W) uint8."""
        values = normalised(picture, self.mean, self.std).to(self.dtype)
        vision = self.model.get_vision_features(values)
        of_names, of_pixels = [], []
        for start in range(0, len(names), self.at_once):
            part = names[start : start + self.at_once]
            texts, attention = self._text_features(part)
            output = self.model(vision_embeds=_repeated(vision, len(part)), text_embeds=texts, attention_mask=attention)
            scores = logsigmoid(output.pred_logits.float()) + logsigmoid(output.presence_logits.float())
            of_names.append(scores.amax(dim=1))
            for masks, of_masks in zip(output.pred_masks, scores, strict=True):  # one name at a time: masks are large
                of_pixels.append((logsigmoid(masks.float()) + of_masks[:, None, None]).amax(dim=0))
        return torch.cat(of_names), torch.stack(of_pixels).amax(dim=0)

    def _text_features(self, names: tuple[str, ...]) -> tuple[Any, Tensor]:
        """The model's output for the names, and which tokens are no padding (K, 32); computed once for each list."""
        if names not in self._texts:
            if len(self._texts) >= MOST_TEXTS:
                self._texts.clear()
            tokens = self.tokenizer(
                list(names), padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
            ).to(self.device)
            output = self.model.get_text_features(tokens["input_ids"], tokens["attention_mask"])
            self._texts[names] = output, tokens["attention_mask"]
        return self._texts[names]


def _repeated(vision: Any, times: int) -> Any:
    """The features of one picture, for as many names."""
    return replace(
        vision,
        fpn_hidden_states=tuple(part.expand(times, -1, -1, -1) for part in vision.fpn_hidden_states),
        fpn_position_encoding=tuple(part.expand(times, -1, -1, -1) for part in vision.fpn_position_encoding),
    )


def _logit(log_probability: Tensor) -> Tensor:
    """The logit of a probability that is given by its logarithm: exact for the smallest ones."""
    below_one = log_probability.clamp(max=HIGHEST_LOG)
    return below_one - torch.log(-torch.expm1(below_one))
