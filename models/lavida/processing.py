"""LavidaProcessor: samples (frames, names, question, answer) to a `Batch`. Tensors only, no torchvision."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import AutoProcessor

from lavida import backbone, pixels, tokenizers
from lavida.batch import SEG, Batch, Sample
from lavida.config import LavidaConfig
from lavida.errors import LavidaError, shorten
from lavida.parts.check import reading

Use = Literal["train", "score"]
QUESTION = "Which of the following is happening or present in this scene as an anomaly: {names}? Mark it."
ANSWER = f"The anomaly, if any, is {SEG}."
FILE = "lavida_processor.json"
CLASS_FILE = "processor_config.json"
"""Where AutoProcessor reads which class opens the folder: a tokenizer's file may name the language model's own."""
NAMES_FOLDER = "names_tokenizer"
IGNORED = -100
FRAMES_PER_SECOND = 2.0
"""Pace that is told to a language model which wants the time of every frame."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the tensors depend on; budgets are fewest and most cells (merged patches) of a frame by use and kind."""

    family: str
    patch_size: int
    merge_size: int
    temporal_patch_size: int
    frame_size: int
    budgets: dict[str, list[int]]

    @classmethod
    def of(cls, config: LavidaConfig) -> Sizes:
        """The sizes that a model's configuration asks for."""
        vision = config.mllm.vision_config
        return cls(
            family=config.mllm.model_type,
            patch_size=vision.patch_size,
            merge_size=vision.spatial_merge_size,
            temporal_patch_size=vision.temporal_patch_size,
            frame_size=config.frame_size,
            budgets=dict(config.budgets or {}),
        )


@dataclass(frozen=True, slots=True)
class _Text:
    """One sequence: token ids, types (0 text, 1 image, 2 video) and labels, S each."""

    ids: list[int]
    types: list[int]
    labels: list[int]


class LavidaProcessor:
    """Makes batches. `tokenizer` is the language model's with <SEG> in it, `names_tokenizer` the text tower's."""

    def __init__(self, tokenizer: Any, names_tokenizer: Any, sizes: Sizes) -> None:
        self.tokenizer, self.names_tokenizer, self.sizes = tokenizer, names_tokenizer, sizes
        self.family = backbone.find_family(sizes.family)
        self.seg = self._id(SEG)
        self._pads = {1: self._id("<|image_pad|>"), 2: self._id("<|video_pad|>")}

    def __call__(self, samples: Sequence[Sample], use: Use = "train") -> Batch:
        """A batch on the CPU. `use` chooses the pixel budget; targets are there if the samples have masks."""
        if use not in ("train", "score"):
            raise LavidaError(f"use: {use!r}; expected train or score")
        if not samples:
            raise LavidaError("LavidaProcessor: no samples; expected at least one")
        patches, grids = zip(*(self._patches(sample, use) for sample in samples), strict=True)
        texts = [self._text(sample, grid) for sample, grid in zip(samples, grids, strict=True)]
        longest = max(len(text.ids) for text in texts)
        names = self.names_tokenizer(
            [name for sample in samples for name in sample.names], padding=True, truncation=True, return_tensors="pt"
        )
        side = self.sizes.frame_size
        targets, labelled = _field_values(samples, "masks"), _field_values(samples, "labels")
        return Batch(
            input_ids=_pad_left([text.ids for text in texts], longest, self._pad_id()),
            attention_mask=_pad_left([[1] * len(text.ids) for text in texts], longest, 0),
            token_types=_pad_left([text.types for text in texts], longest, 0),
            patches=torch.cat(patches),
            grids=torch.tensor(grids),
            frames=torch.cat([pixels.square_frames(sample.frames, side) for sample in samples]),
            counts=tuple(len(sample.frames) for sample in samples),
            name_ids=names["input_ids"],
            name_mask=names["attention_mask"],
            name_counts=tuple(len(sample.names) for sample in samples),
            labels=_pad_left([text.labels for text in texts], longest, IGNORED) if targets else None,
            masks=torch.cat([pixels.square_masks(masks, side) for masks in targets]) if targets else None,
            name_labels=torch.tensor([flag for labels in labelled for flag in labels]) if labelled else None,
            keys=tuple(sample.key for sample in samples),
        )

    def _patches(self, sample: Sample, use: Use) -> tuple[Tensor, tuple[int, int, int]]:
        """Patches of one sample within the budget of its use, and their grid."""
        sizes = self.sizes
        fewest, most = sizes.budgets[f"{use}_{'image' if len(sample.frames) == 1 else 'clip'}"]
        try:
            height, width = sample.frames.shape[1:3]
            size = pixels.target_size(height, width, sizes.patch_size * sizes.merge_size, fewest, most)
        except LavidaError as error:
            raise LavidaError(f"Sample {sample.key!r}: {error}") from error
        frames = pixels.normalise(pixels.resize(sample.frames, size, "bicubic"), self.family.mean, self.family.std)
        return pixels.patchify(frames, sizes.patch_size, sizes.merge_size, sizes.temporal_patch_size)

    def _text(self, sample: Sample, grid: tuple[int, int, int]) -> _Text:
        """The conversation: the scene and a question that lists the names, an answer with <SEG>."""
        question = sample.question or QUESTION.format(names=", ".join(sample.names))
        kind = 1 if len(sample.frames) == 1 else 2
        before, pads = self._encode(f"{self.family.system}<|im_start|>user\n"), self._vision(kind, grid)
        turn = self._encode(f"{question}<|im_end|>\n<|im_start|>assistant\n")
        answer = self._encode(f"{sample.answer or ANSWER}<|im_end|>\n")
        ids = before + pads + turn + answer
        types = [kind if token == self._pads[kind] else 0 for token in ids]
        cells = grid[0] * grid[1] * grid[2] // self.sizes.merge_size**2
        if ids.count(self.seg) != 1 or sum(map(bool, types)) != cells:
            raise LavidaError(
                f"Sample {sample.key!r}: question or names hold special tokens of the model; expected plain text, got "
                f"{question!r}"
            )
        return _Text(ids, types, [IGNORED] * (len(ids) - len(answer)) + answer)

    def _vision(self, kind: int, grid: tuple[int, int, int]) -> list[int]:
        """Placeholders of the visual tokens; a family with timestamps gets the time before each temporal frame."""
        cells = grid[1] * grid[2] // self.sizes.merge_size**2
        start, end = self._id("<|vision_start|>"), self._id("<|vision_end|>")
        if kind == 1 or not self.family.timestamps:
            return [start, *[self._pads[kind]] * (cells * grid[0]), end]
        ids: list[int] = []
        for frame in range(grid[0]):
            middle = (frame + 0.5) * self.sizes.temporal_patch_size / FRAMES_PER_SECOND - 0.5 / FRAMES_PER_SECOND
            ids += [*self._encode(f"<{middle:.1f} seconds>"), start, *[self._pads[kind]] * cells, end]
        return ids

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _id(self, token: str) -> int:
        found = self.tokenizer.convert_tokens_to_ids(token)
        if found is None or found == self.tokenizer.unk_token_id:
            raise LavidaError(f"tokenizer: no token {token}; expected a Qwen-VL tokenizer with {SEG} added")
        return int(found)

    def _pad_id(self) -> int:
        return int(self.tokenizer.pad_token_id or 0)

    def save_pretrained(self, folder: str | Path) -> None:
        """Both tokenizers and the sizes, beside the model's files."""
        folder = Path(folder)
        self.tokenizer.save_pretrained(folder)
        self.names_tokenizer.save_pretrained(folder / NAMES_FOLDER)
        (folder / FILE).write_text(json.dumps(asdict(self.sizes), indent=2) + "\n", "utf-8")
        (folder / CLASS_FILE).write_text(json.dumps({"processor_class": type(self).__name__}) + "\n", "utf-8")

    def push_to_hub(self, repo: str, private: bool | None = None, token: str | None = None) -> None:
        """What `save_pretrained` writes, to a repository on the Hub, beside what `Lavida.push_to_hub` sent."""
        from tempfile import TemporaryDirectory

        from huggingface_hub import HfApi

        hub = HfApi(token=token)
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            hub.create_repo(repo_id=repo, private=private, exist_ok=True)
            hub.upload_folder(repo_id=repo, folder_path=folder, commit_message="LavidaProcessor")

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> LavidaProcessor:
        """From a folder or a repository on the Hub that `save_pretrained` or `push_to_hub` wrote."""
        from transformers import AutoTokenizer
        from transformers.utils.hub import cached_file

        try:
            file = cached_file(str(name), FILE, **options)
        except OSError as error:
            raise LavidaError(f"{name}: no {FILE}; expected what LavidaProcessor.save_pretrained wrote") from error
        with reading(name, FILE):
            sizes = Sizes(**json.loads(Path(str(file)).read_text("utf-8")))
        with reading(name, "tokenizer"):
            tokenizer = AutoTokenizer.from_pretrained(name, **options)
            return cls(tokenizer, AutoTokenizer.from_pretrained(name, subfolder=NAMES_FOLDER, **options), sizes)

    @classmethod
    def from_preset(cls, name: str, **changes: Any) -> LavidaProcessor:
        """For the model of a preset; `tiny` needs no download, the others read the published parts' tokenizers."""
        from lavida.presets import PARTS

        if name == "tiny":
            from lavida.tiny.tokenizer import load_tokenizer

            return cls(load_tokenizer(), load_tokenizer(names=True), Sizes.of(LavidaConfig.preset(name, **changes)))
        sizes = Sizes.of(LavidaConfig.preset(name, **changes))
        return cls.from_parts(PARTS[name][0], PARTS[name][2], sizes)

    @classmethod
    def from_parts(cls, mllm: str | Path, text: str | Path, sizes: Sizes) -> LavidaProcessor:
        """From the pretrained parts' tokenizers, with <SEG> added to the language model's. Raises LavidaError."""
        own = tokenizers.load_tokenizer(mllm)
        if SEG not in own.get_vocab():
            own.add_tokens([SEG], special_tokens=True)
        return cls(own, tokenizers.load_tokenizer(text), sizes)


def _field_values(samples: Sequence[Sample], field: str) -> list[Any]:
    """A field of all samples, or nothing where none has it; some with and some without make no batch."""
    found = [value for sample in samples if (value := getattr(sample, field)) is not None]
    if found and len(found) < len(samples):
        without = [repr(sample.key) for sample in samples if getattr(sample, field) is None]
        raise LavidaError(f"samples {shorten(without)} have no {field}; expected all samples of a batch to have them")
    return found


def _pad_left(rows: Sequence[Sequence[int]], longest: int, fill: int) -> Tensor:
    """(B, S) int64 with the rows at the right."""
    return torch.tensor([[fill] * (longest - len(row)) + list(row) for row in rows])


_register: Callable[[type, type], None] = AutoProcessor.register  # transformers has no types here
_register(LavidaConfig, LavidaProcessor)
