"""LavidaProcessor: turns samples (frames, names, question, answer) into a `Batch`. Needs no torchvision."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor
from transformers import AutoProcessor, PreTrainedTokenizerBase

from lavida import backbone, frame_times, pixels
from lavida.batch import SEG, Batch, Sample
from lavida.config import LavidaConfig
from lavida.errors import LavidaError, shorten
from lavida.parts import tokenizers
from lavida.parts.check import reading
from lavida.parts.trust import MAX_SIDE, check_folder

Use = Literal["train", "score"]
_Value = TypeVar("_Value")
QUESTION = "Which of the following is happening or present in this scene as an anomaly: {names}? Mark it."
ANSWER = f"The anomaly, if any, is {SEG}."
FILE = "lavida_processor.json"
CLASS_FILE = "processor_config.json"
"""Where AutoProcessor reads which class opens the folder: a tokenizer's file may name the language model's own."""
NAMES_FOLDER = "names_tokenizer"
MOST_NAMES = 10_000
"""Names whose tokens are kept; then they begin anew."""
IGNORED = -100

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that no prompt has: C0 but tab and line feed, C1, changes of the direction of writing."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes that a model's inputs depend on.

    Attributes:
        family: Family of the language model, e.g. qwen2_vl.
        patch_size: Side of a patch in pixels.
        merge_size: Side of a merged cell in patches.
        temporal_patch_size: Frames of a patch.
        frame_size: Side of SAM2's square input in pixels.
        budgets: Fewest and most cells of a frame, by use and kind: train_clip, score_image, ...
    """

    family: str
    patch_size: int
    merge_size: int
    temporal_patch_size: int
    frame_size: int
    budgets: dict[str, list[int]]

    @classmethod
    def from_config(cls, config: LavidaConfig) -> Sizes:
        """Return the sizes of a model.

        Args:
            config: Its configuration.
        """
        vision = config.mllm.vision_config
        return cls(
            family=config.mllm.model_type,
            patch_size=vision.patch_size,
            merge_size=vision.spatial_merge_size,
            temporal_patch_size=vision.temporal_patch_size,
            frame_size=config.frame_size,
            budgets=dict(config.budgets or {}),
        )

    def check(self) -> None:
        """Check the values of a file.

        Raises:
            LavidaError: A value is no size.
        """
        numbers = [self.patch_size, self.merge_size, self.temporal_patch_size, self.frame_size]
        numbers += [number for pair in self.budgets.values() for number in pair]
        if not all(type(number) is int and 0 < number <= MAX_SIDE for number in numbers):
            raise LavidaError(f"{FILE}: sizes {numbers}; expected whole numbers from 1 to {MAX_SIDE}")


@dataclass(frozen=True, slots=True)
class _Text:
    """One sequence: token ids, types (0 text, 1 image, 2 video) and labels, (S,) int64 each."""

    ids: np.ndarray
    types: np.ndarray
    labels: np.ndarray


class LavidaProcessor:
    """Makes batches of samples.

    Args:
        tokenizer: The language model's, with <SEG> in it.
        names_tokenizer: The text tower's.
        sizes: Sizes of the model.

    Raises:
        LavidaError: The tokenizer misses a special token of Qwen-VL, or <SEG>.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, names_tokenizer: PreTrainedTokenizerBase, sizes: Sizes
    ) -> None:
        self.tokenizer, self.names_tokenizer, self.sizes = tokenizer, names_tokenizer, sizes
        self.family = backbone.find_family(sizes.family)
        self._known_names: dict[str, np.ndarray] = {}
        self.seg = self._id(SEG)
        self._pads = {1: self._id("<|image_pad|>"), 2: self._id("<|video_pad|>")}

    def check_tokenizers(self, config: LavidaConfig) -> None:
        """Check that a model has an embedding for every token: those of another model's tokenizer end in an IndexError.

        Args:
            config: The model's configuration.

        Raises:
            LavidaError: A tokenizer has more tokens, or longer texts, than the model.
        """
        rows = (config.mllm.get_text_config().vocab_size, config.names.vocab_size)
        for what, tokenizer, most in zip(
            ("tokenizer", "tokenizer of the names"), (self.tokenizer, self.names_tokenizer), rows, strict=True
        ):
            highest = max(tokenizer.get_vocab().values(), default=0)
            if highest >= most:
                raise LavidaError(f"{what}: a token {highest}; expected fewer than the {most} of the model")
        longest, positions = self.names_tokenizer.model_max_length, config.names.max_position_embeddings
        if longest > positions:
            raise LavidaError(f"tokenizer of the names: texts of {longest} tokens; expected at most {positions}")

    def __call__(self, samples: Sequence[Sample], use: Use = "train") -> Batch:
        """Make a batch on the CPU; it has targets if the samples have masks.

        Args:
            samples: At least one; all or none with masks, all or none with labels.
            use: train or score: chooses the pixel budget.

        Raises:
            LavidaError: Samples do not fit together, or a prompt has special tokens of the model.
        """
        if use not in ("train", "score"):
            raise LavidaError(f"use: {use!r}; expected train or score")
        if isinstance(samples, Sample):
            raise LavidaError("LavidaProcessor: got a single Sample; expected a list of them")
        if not samples:
            raise LavidaError("LavidaProcessor: no samples; expected at least one")
        grids = [self._grid(sample, use) for sample in samples]
        texts = [self._text(sample, grid) for sample, grid in zip(samples, grids, strict=True)]
        names = self._names([name for sample in samples for name in sample.names])
        side = self.sizes.frame_size
        targets = _all_or_none(samples, "masks", [sample.masks for sample in samples])
        labelled = _all_or_none(samples, "labels", [sample.labels for sample in samples])
        return Batch(
            input_ids=_pad([text.ids for text in texts], _pad_id(self.tokenizer)),
            attention_mask=_pad([np.ones_like(text.ids) for text in texts], 0),
            token_types=_pad([text.types for text in texts], 0),
            patches=self._patches(samples, grids),
            grids=torch.tensor(grids),
            frames=pixels.square_frames([frame for sample in samples for frame in sample.frames], side),
            counts=tuple(len(sample.frames) for sample in samples),
            name_ids=_pad(names, _pad_id(self.names_tokenizer), self.names_tokenizer.padding_side),
            name_mask=_pad([np.ones_like(name) for name in names], 0, self.names_tokenizer.padding_side),
            name_counts=tuple(len(sample.names) for sample in samples),
            labels=_pad([text.labels for text in texts], IGNORED) if targets else None,
            masks=pixels.square_masks([mask for masks in targets for mask in masks], side) if targets else None,
            name_labels=torch.tensor([flag for labels in labelled for flag in labels]) if labelled else None,
            keys=tuple(sample.key for sample in samples),
            grid_seconds=tuple(
                frame_times.grid_interval(self._seconds(sample), self.sizes.temporal_patch_size) for sample in samples
            ),
        )

    def _grid(self, sample: Sample, use: Use) -> tuple[int, int, int]:
        """Temporal frames, height and width of a sample in patches, within the budget of its use."""
        sizes = self.sizes
        fewest, most = sizes.budgets[f"{use}_{'image' if len(sample.frames) == 1 else 'clip'}"]
        try:
            height, width = sample.frames.shape[1:3]
            height, width = pixels.target_size(height, width, sizes.patch_size * sizes.merge_size, fewest, most)
        except LavidaError as error:
            raise LavidaError(f"Sample {sample.key!r}: {error}") from error
        time = -(-len(sample.frames) // sizes.temporal_patch_size)
        return time, height // sizes.patch_size, width // sizes.patch_size

    def _patches(self, samples: Sequence[Sample], grids: Sequence[tuple[int, int, int]]) -> Tensor:
        """Patches of all samples, (P, C) uint8, cut into their places one temporal patch after another."""
        patch, merge, temporal = self.sizes.patch_size, self.sizes.merge_size, self.sizes.temporal_patch_size
        patches = pixels.batch_bytes((sum(map(math.prod, grids)), 3 * temporal * patch**2))
        begin = 0
        for sample, (_, height, width) in zip(samples, grids, strict=True):
            for start in range(0, len(sample.frames), temporal):
                frames = pixels.resize(
                    sample.frames[start : start + temporal], (height * patch, width * patch), "bicubic"
                )
                pixels.patchify(frames, patch, merge, temporal, out=patches[begin : begin + height * width])
                begin += height * width
        return patches

    def _text(self, sample: Sample, grid: tuple[int, int, int]) -> _Text:
        """The conversation: the scene, a question that lists the names, and an answer with <SEG>."""
        question = sample.question or QUESTION.format(names=", ".join(sample.names))
        if _CONTROL.search("".join((question, sample.answer or "", *sample.names))):
            raise LavidaError(f"Sample {sample.key!r}: control characters in {question!r}; expected plain text")
        kind = 1 if len(sample.frames) == 1 else 2
        before, turn, answer = self._encode(
            f"{self.family.system}<|im_start|>user\n",
            f"{question}<|im_end|>\n<|im_start|>assistant\n",
            f"{sample.answer or ANSWER}<|im_end|>\n",
        )
        ids = np.array([*before, *self._vision(kind, grid, self._seconds(sample)), *turn, *answer])
        types = np.where(ids == self._pads[kind], kind, 0)
        labels = np.full(len(ids), IGNORED)
        labels[len(ids) - len(answer) :] = answer
        cells = grid[0] * grid[1] * grid[2] // self.sizes.merge_size**2
        if np.count_nonzero(ids == self.seg) != 1 or np.count_nonzero(types) != cells:
            raise LavidaError(
                f"Sample {sample.key!r}: question or names have special tokens of the model; expected plain text, got "
                f"{question!r}"
            )
        return _Text(ids, types, labels)

    def _seconds(self, sample: Sample) -> Sequence[float]:
        """Times of a sample's frames; where they are unknown, as the family's own processor samples a video."""
        if sample.seconds is not None:
            return sample.seconds
        return [frame / self.family.frames_per_second for frame in range(len(sample.frames))]

    def _vision(self, kind: int, grid: tuple[int, int, int], seconds: Sequence[float]) -> list[int]:
        """Placeholders of the visual tokens; with timestamps the time comes before each temporal frame."""
        cells = grid[1] * grid[2] // self.sizes.merge_size**2
        start, end = self._id("<|vision_start|>"), self._id("<|vision_end|>")
        if kind == 1 or not self.family.timestamps:
            return [start, *[self._pads[kind]] * (cells * grid[0]), end]
        times = frame_times.grid_times(seconds, self.sizes.temporal_patch_size)
        ids: list[int] = []
        for before in self._encode(*(f"<{time:.1f} seconds>" for time in times)):
            ids += [*before, start, *[self._pads[kind]] * cells, end]
        return ids

    def _encode(self, *texts: str) -> list[list[int]]:
        """Token ids of each text, in one call: a call takes as long as a text."""
        with reading("tokenizer", "text"):
            ids: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return ids

    def _names(self, names: Sequence[str]) -> list[np.ndarray]:
        """Token ids of each name for the text tower. A name comes in many samples: it is encoded once."""
        known = self._known_names if len(self._known_names) < MOST_NAMES else {}
        if unknown := [name for name in dict.fromkeys(names) if name not in known]:
            with reading("tokenizer of the names", "text"):
                ids = self.names_tokenizer(unknown, truncation=True)["input_ids"]
            known.update(zip(unknown, map(np.array, ids), strict=True))
        self._known_names = known
        return [known[name] for name in names]

    def _id(self, token: str) -> int:
        number = self.tokenizer.convert_tokens_to_ids(token)
        if not isinstance(number, int) or number == self.tokenizer.unk_token_id:
            raise LavidaError(f"tokenizer: no token {token}; expected a Qwen-VL tokenizer with {SEG} added")
        return number

    def save_pretrained(self, folder: str | Path) -> None:
        """Save both tokenizers and the sizes.

        Args:
            folder: The model's folder.
        """
        folder = Path(folder)
        self.tokenizer.save_pretrained(folder)
        self.names_tokenizer.save_pretrained(folder / NAMES_FOLDER)
        (folder / FILE).write_text(json.dumps(asdict(self.sizes), indent=2) + "\n", "utf-8")
        (folder / CLASS_FILE).write_text(json.dumps({"processor_class": type(self).__name__}) + "\n", "utf-8")

    def push_to_hub(self, repo: str, private: bool | None = None, token: str | None = None) -> None:
        """Upload what `save_pretrained` writes to the Hub, beside what `Lavida.push_to_hub` uploads.

        Args:
            repo: OWNER/NAME.
            private: Whether a new repository is private.
            token: Access token; default: the one of `hf auth login`.
        """
        from tempfile import TemporaryDirectory

        from huggingface_hub import HfApi

        hub = HfApi(token=token)
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            hub.create_repo(repo_id=repo, private=private, exist_ok=True)
            hub.upload_folder(repo_id=repo, folder_path=folder, commit_message="LavidaProcessor")

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: object) -> LavidaProcessor:
        """Load what `save_pretrained` or `push_to_hub` wrote.

        Args:
            name: Folder, or name on the Hub.
            **options: transformers' options of downloads: revision, token, cache_dir, ...

        Raises:
            LavidaError: There is no processor, or it cannot be read.
        """
        from transformers import AutoTokenizer
        from transformers.utils.hub import cached_file

        options.pop("trust_remote_code", None)  # AutoProcessor hands it on
        check_folder(name)
        try:
            file = cached_file(str(name), FILE, **options)
        except OSError as error:
            raise LavidaError(f"{name}: no {FILE}; expected what LavidaProcessor.save_pretrained wrote") from error
        with reading(name, FILE):
            sizes = Sizes(**json.loads(Path(str(file)).read_text("utf-8")))
            sizes.check()
        with reading(name, "tokenizer"):
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False, **options)
            names = AutoTokenizer.from_pretrained(name, subfolder=NAMES_FOLDER, trust_remote_code=False, **options)
            return cls(tokenizer, names, sizes)

    @classmethod
    def from_preset(cls, name: str, **changes: object) -> LavidaProcessor:
        """Create the processor of a preset; `tiny` needs no download, the others load the parts' tokenizers.

        Args:
            name: paper, small or tiny.
            **changes: Fields of `LavidaConfig` that differ from the preset.

        Raises:
            LavidaError: The preset is unknown, a change is invalid, or a tokenizer cannot be loaded.
        """
        from lavida.presets import PARTS

        sizes = Sizes.from_config(LavidaConfig.preset(name, **changes))
        if name == "tiny":
            from lavida.tiny.tokenizer import load_tokenizer

            return cls(load_tokenizer(), load_tokenizer(names=True), sizes)
        return cls.from_parts(PARTS[name][0], PARTS[name][2], sizes)

    @classmethod
    def from_parts(cls, mllm: str | Path, text: str | Path, sizes: Sizes) -> LavidaProcessor:
        """Create a processor of pretrained parts; <SEG> is added to the language model's tokenizer if it is missing.

        Args:
            mllm: Language model: folder, or name on the Hub.
            text: Text tower: folder, or name on the Hub.
            sizes: Sizes of the model.

        Raises:
            CheckpointError: A tokenizer cannot be loaded.
        """
        tokenizer = tokenizers.load_tokenizer(mllm)
        if SEG not in tokenizer.get_vocab():
            tokenizer.add_tokens([SEG], special_tokens=True)
        return cls(tokenizer, tokenizers.load_tokenizer(text), sizes)


def _all_or_none(samples: Sequence[Sample], field: str, values: Sequence[_Value | None]) -> list[_Value]:
    """The values of a field of all samples, empty where no sample has one."""
    present = [value for value in values if value is not None]
    if present and len(present) < len(samples):
        without = [repr(sample.key) for sample, value in zip(samples, values, strict=True) if value is None]
        raise LavidaError(f"samples {shorten(without)} have no {field}; expected all samples of a batch to have them")
    return present


def _pad_id(tokenizer: PreTrainedTokenizerBase) -> int:
    return int(tokenizer.pad_token_id or 0)


def _pad(rows: Sequence[np.ndarray], fill: int, side: str = "left") -> Tensor:
    """Rows of whole numbers, padded on one side: (B, S) int64."""
    padded = np.full((len(rows), max(map(len, rows))), fill, np.int64)
    for place, row in zip(padded, rows, strict=True):
        begin = len(place) - len(row) if side == "left" else 0
        place[begin : begin + len(row)] = row
    return torch.from_numpy(padded)


_register: Callable[[type, type], None] = AutoProcessor.register  # transformers has no types here
_register(LavidaConfig, LavidaProcessor)
