"""Open-vocabulary detectors: Grounding DINO, MM Grounding DINO, OWLv2. Boxes for each name.

A box's probability for a name is the sigmoid of the detector's logit (of Grounding DINO's logits, one for each token,
the highest of the name's). A name's score is the logit of its most probable box, a frame's the highest of its names',
a pixel's the logit of the most probable box over it, among those of at least `least`. Those boxes are the regions of
RBDC and TBDC, with their logits, without those that repeat a more probable one. Higher = more anomalous; 0 is a
probability of one half, though these detectors are
used at thresholds of 0.2 to 0.4. Frames are scored one by one.

OWLv2 scores names independently of each other. Grounding DINO reads all names at once, sorted: their order in the
prompt changes nothing, another list does. Lists longer than its text (256 tokens) are read in parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from lavida_bench.scorers._base import LoadSettings, PublicModel, ScorerInfo, ScorerKind, ScorerOptions
from lavida_bench.scorers._byte_tokenizer import write_byte_tokenizer
from lavida_bench.scorers._checkpoints import mark_random
from lavida_bench.scorers._model_scorer import ModelScorer, copied_back
from lavida_bench.scorers._pictures import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD, normalised, resized
from lavida_bench.scorers._preprocessing import edges, three_numbers
from lavida_bench.scoring.scorer import ClipScores, FrameRegions, PendingScores, Scorer
from lavida_bench.videos.types import Floats, Pixels

Prepared = tuple[Tensor, tuple[int, int], tuple[str, ...]]
"""Pictures (N, 3, h, w) uint8, (H, W) of the frames, names."""
OWL = "owlv2"
CELLS = 96
"""Cells of a map along the longer side of a frame."""
MOST_BOXES = 100
"""Boxes of a frame that are drawn into its map, the most probable."""
MOST_REGIONS = 20
"""Boxes of a frame that count for RBDC and TBDC, the most probable."""
FLOOR = -30.0
"""Lowest logit: of a pixel without a box, of a name that a part of the list does not have."""
SAME_BOX = 0.5
"""Overlap (IoU) from which two boxes are one."""
GREY = 128
"""OWLv2's padding."""


class DetectorScorerOptions(ScorerOptions):
    """Options of `detector`."""

    frames_at_once: int = Field(default=4, ge=1, description="frames of one forward pass: memory against time")
    least: float = Field(default=0.05, gt=0, lt=1, description="least probability of a box in maps and regions")


class DetectorKind(ScorerKind[DetectorScorerOptions]):
    """Grounding DINO and OWLv2."""

    Options = DetectorScorerOptions
    about = ScorerInfo(
        title="Grounding DINO, OWLv2: boxes for each name",
        outputs=("frames", "maps", "regions", "names"),
        models=(
            PublicModel("IDEA-Research/grounding-dino-tiny", 172, "Apache-2.0"),
            PublicModel("google/owlv2-base-patch16-ensemble", 154, "Apache-2.0"),
        ),
        families=("grounding-dino", "mm-grounding-dino", OWL),
    )

    def load(self, where: str, how: LoadSettings) -> Scorer:
        """See ScorerKind."""
        return DetectorScorer(self, where, how)

    def write_random(self, folder: Path, seed: int) -> None:
        """See ScorerKind: OWLv2 with 80,000 parameters, its tokenizer reads bytes."""
        from transformers import Owlv2Config, Owlv2ForObjectDetection

        write_byte_tokenizer(folder, 16)
        part = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
        text = {**part, "vocab_size": 514, "max_position_embeddings": 16, "bos_token_id": 512, "eos_token_id": 513}
        torch.manual_seed(seed)
        vision = {**part, "image_size": 64, "patch_size": 16}
        Owlv2ForObjectDetection(Owlv2Config(text_config=text, vision_config=vision, projection_dim=32)).save_pretrained(
            folder
        )
        mark_random(folder)


class DetectorScorer(ModelScorer):
    """One detector as a `Scorer`."""

    def __init__(self, kind: DetectorKind, where: str, how: LoadSettings) -> None:
        from transformers import AutoModelForZeroShotObjectDetection

        super().__init__(kind, where, how)
        self.model: Any = self.load_model(AutoModelForZeroShotObjectDetection)
        self.config: Any = self.model.config
        self.tokenizer: Any = self.load_tokenizer()
        self.least = math.log(kind.options.least / (1 - kind.options.least))
        self.at_once = kind.options.frames_at_once
        self.is_owl = self.checkpoint.family == OWL
        mean, std = (CLIP_MEAN, CLIP_STD) if self.is_owl else (IMAGENET_MEAN, IMAGENET_STD)
        self.mean = three_numbers(self.checkpoint.folder, "image_mean", mean)
        self.std = three_numbers(self.checkpoint.folder, "image_std", std)
        self.short, self.long = (0, 0) if self.is_owl else edges(self.checkpoint.folder, 800, 1333)

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> Prepared:
        """(N, 3, h, w) uint8 pictures, the frames' size, and the names; see `Scorer`."""
        height, width = clips[0].shape[1:3]
        pictures = torch.cat([self._picture(clip) for clip in clips])
        return self.pinned(pictures), (height, width), names

    def _picture(self, clip: Pixels) -> Tensor:
        height, width = clip.shape[1:3]
        if self.is_owl:
            side, model_side = max(height, width), self.config.vision_config.image_size
            margins = ((0, 0), (0, side - height), (0, side - width), (0, 0))
            return resized(np.pad(clip, margins, constant_values=GREY), (model_side, model_side), "bilinear")
        scale = min(self.short / min(height, width), self.long / max(height, width))
        return resized(clip, (round(height * scale), round(width * scale)), "bilinear")

    @torch.inference_mode()
    def score(self, prepared: Prepared) -> PendingScores:
        """See `Scorer`."""
        pictures, size, names = prepared
        pixels = pictures.to(self.device, non_blocking=True)
        order = sorted(range(len(names)), key=lambda place: names[place])
        ordered = tuple(names[place] for place in order)
        parts = [
            self._owl(part, ordered, size) if self.is_owl else self._dino(part, ordered)
            for part in torch.split_with_sizes(pixels, self._sizes(len(pixels)))
        ]
        logits, boxes = (torch.cat(whole) for whole in zip(*parts, strict=True))
        back = torch.tensor(order, device=self.device).argsort()
        of_names = logits.amax(dim=1)[:, back]
        of_boxes, kept = logits.amax(dim=2).topk(min(MOST_BOXES, logits.shape[1]), dim=1)
        boxes = boxes.gather(1, kept[..., None].expand(-1, -1, 4)).clamp(0, 1)
        maps = self._maps(of_boxes, boxes, size)
        wait = copied_back(of_names.amax(dim=1), maps, of_names, of_boxes, boxes)

        def scores() -> ClipScores:
            frame_scores, pixel_scores, name_scores, box_scores, corners = wait()
            regions = []
            for values, places in zip(box_scores, corners, strict=True):
                kept = [place for place in distinct_boxes(places) if values[place] >= self.least][:MOST_REGIONS]
                regions.append(FrameRegions(places[kept], values[kept]))
            return ClipScores(frame_scores, self.half_maps(pixel_scores), name_scores, regions)

        return scores

    def _sizes(self, frames: int) -> list[int]:
        """Frames of each forward pass."""
        return [min(self.at_once, frames - start) for start in range(0, frames, self.at_once)]

    def _owl(self, pixels: Tensor, names: tuple[str, ...], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Logits (N, boxes, K), and boxes (N, boxes, 4) as shares of the frame, left top right bottom."""
        values = normalised(pixels, self.mean, self.std).to(self.dtype)
        longest = self.config.text_config.max_position_embeddings
        tokens = self.tokenizer(
            list(names), padding="max_length", truncation=True, max_length=longest, return_tensors="pt"
        ).to(self.device)
        of_all = {key: tokens[key].repeat(len(values), 1) for key in ("input_ids", "attention_mask")}
        output = self.model(pixel_values=values, **of_all)
        share = torch.tensor([max(size) / size[1], max(size) / size[0]] * 2, device=self.device)
        boxes = output.pred_boxes.float()
        in_padding = (boxes[..., :2] * share[:2] > 1).any(dim=-1)
        logits = output.logits.float().clamp(min=FLOOR).masked_fill(in_padding[..., None], FLOOR)
        return logits, _corners(boxes) * share

    def _dino(self, pixels: Tensor, names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        """As `_owl`; the boxes of each part of the names are boxes of their own."""
        values = normalised(pixels, self.mean, self.std).to(self.dtype)
        count, _, height, width = values.shape
        mask = torch.ones(count, height, width, dtype=torch.int64, device=self.device)
        logits, boxes, start = [], [], 0
        for ids, spans in self._texts(names):
            given = torch.tensor([ids] * count, device=self.device)
            output = self.model(
                pixel_values=values, pixel_mask=mask, input_ids=given, attention_mask=torch.ones_like(given),
                token_type_ids=torch.zeros_like(given),
            )  # fmt: skip
            of_tokens = output.logits.float().clamp(min=FLOOR)
            of_names = [of_tokens[..., first:last].amax(dim=-1) for first, last in spans]
            here = torch.full((*of_tokens.shape[:2], len(names)), FLOOR, device=self.device)
            here[..., start : start + len(spans)] = torch.stack(of_names, dim=-1)
            logits.append(here)
            boxes.append(_corners(output.pred_boxes.float()))
            start += len(spans)
        return torch.cat(logits, dim=1), torch.cat(boxes, dim=1)

    def _texts(self, names: tuple[str, ...]) -> Iterator[tuple[list[int], list[tuple[int, int]]]]:
        """Token ids of parts of the names, "name . name .", and the first and last + 1 token of each name."""
        first, last = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        (stop,) = self.tokenizer(".", add_special_tokens=False)["input_ids"]
        ids, spans = [first], list[tuple[int, int]]()
        for name in names:
            plain = name.lower().replace(".", " ").replace("?", " ")
            words = self.tokenizer(plain, add_special_tokens=False)["input_ids"][: self.config.max_text_len - 3]
            if spans and len(ids) + len(words) + 2 > self.config.max_text_len:
                yield [*ids, last], spans
                ids, spans = [first], []
            spans.append((len(ids), len(ids) + max(1, len(words))))
            ids += [*words, stop]
        yield [*ids, last], spans

    def _maps(self, of_boxes: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, h, w) logit of the most probable box over each cell's centre, `FLOOR` without one."""
        scale = CELLS / max(size)
        rows, columns = (max(1, round(side * scale)) for side in size)
        down = (torch.arange(rows, device=self.device) + 0.5) / rows
        across = (torch.arange(columns, device=self.device) + 0.5) / columns
        shown = torch.where(of_boxes >= self.least, of_boxes, torch.full_like(of_boxes, FLOOR))
        left, top, right, bottom = (edge[..., None] for edge in boxes.unbind(-1))
        inside_rows = (down >= top) & (down < bottom)
        inside_columns = (across >= left) & (across < right)
        maps = []
        for values, vertical, horizontal in zip(shown, inside_rows, inside_columns, strict=True):
            covered = vertical[:, :, None] & horizontal[:, None, :]
            maps.append(torch.where(covered, values[:, None, None], FLOOR).amax(dim=0))
        return torch.stack(maps)


def distinct_boxes(boxes: Floats) -> list[int]:
    """Leave out boxes that repeat a more probable one: they overlap it by more than half of both together.

    Args:
        boxes: (B, 4) left, top, right, bottom, the most probable first.

    Returns:
        Numbers of the boxes that stay.
    """
    areas = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    kept: list[int] = []
    for place, box in enumerate(boxes):
        others = boxes[kept]
        sides = np.minimum(others[:, 2:], box[2:]) - np.maximum(others[:, :2], box[:2])
        common = np.prod(np.maximum(sides, 0), axis=1)
        if not (common > SAME_BOX * (areas[kept] + areas[place] - common)).any():
            kept.append(place)
    return kept


def _corners(boxes: Tensor) -> Tensor:
    """Left, top, right, bottom of boxes (..., 4) given as centre and size."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)
