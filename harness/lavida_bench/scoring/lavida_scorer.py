"""LAVIDA as a Scorer, loaded from a folder, the Hub or a preset: frames in, logits of frames and pixels out.

Torch is imported with this module: import it where a model is really needed.
Letters: N frames of a batch, h w of a map, D names of a prompt.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from transformers.utils import logging

from lavida.batch import Batch, Output, Sample
from lavida.errors import LavidaError
from lavida.frame_times import valid_or_unknown
from lavida.modeling import Lavida
from lavida.parts.compiled import compile_stages
from lavida.presets import PRESETS
from lavida.processing import ANSWER, QUESTION, LavidaProcessor, Sizes
from lavida_bench.common.model_digest import MODEL_FILES, model_digest
from lavida_bench.scoring.devices import DTYPES, find_device, place, resolve_precision
from lavida_bench.scoring.scorer import ClipScores, ClipTimes, PendingScores, Precision
from lavida_bench.videos.types import Pixels
from lavida_gen.common.digests import sha256, sha256_json
from lavida_gen.common.errors import DataError, UserError, problem

MODEL_FOLDERS = ("fit/model", "model")
"""Where the folders of a run and of a fit have their model."""
UNSCORED_KEYS = ("_name_or_path", "architectures", "dtype", "loss", "transformers_version")
"""Keys of a configuration that do not change scores."""
LIMIT = 65504.0
"""The largest float16."""


class LavidaScorer:
    """One model on one device, as a `Scorer`.

    Args:
        model: The model; moved to the device and cast.
        processor: Its processor.
        name: Name in reports.
        weights: Digest of the weights.
        precision: fp32, bf16 or fp16.
        device: Where it runs.
    """

    def __init__(
        self, model: Lavida, processor: LavidaProcessor, name: str, weights: str, precision: str, device: torch.device
    ) -> None:
        place(model, device, DTYPES[precision])
        module: torch.nn.Module = model
        self.model = module.eval().requires_grad_(False)
        self.processor, self.device, self.dtype, self.name = processor, device, DTYPES[precision], name
        self.fitted_on = model.fitted_on
        self.identity: Mapping[str, object] = {
            "weights": weights, "precision": precision, "question": QUESTION, "answer": ANSWER,
        } | ({"times": "seconds"} if processor.family.reads_time else {})  # fmt: skip
        if precision != "fp32":
            self.identity = {**self.identity, "rotary": "fp32"}
        self.compiled = False
        self._thread = threading.local()

    def compile(self) -> None:
        """Compile the heavy stages (`lavida.parts.compiled`) on a GPU, once. Scores differ by rounding."""
        if self.compiled or self.device.type == "cpu":
            return
        compile_stages(self.model)
        self.compiled, self.identity = True, {**self.identity, "compiled": True}

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> Batch:
        """Make a batch of clips of unknown times; see `Scorer`."""
        return self.prepare_timed(clips, names, [None] * len(clips))

    def prepare_timed(self, clips: Sequence[Pixels], names: tuple[str, ...], seconds: Sequence[ClipTimes]) -> Batch:
        """Make a batch, in pinned memory for a GPU; see `TimedScorer`. Times that cannot be right are unknown.

        Raises:
            DataError: The model cannot take a frame, e.g. because of its aspect ratio.
        """
        if not hasattr(self._thread, "processor"):
            self._thread.processor = copy.deepcopy(self.processor)  # tokenizers are not thread-safe
        try:
            samples = [
                Sample(clip, names, seconds=valid_or_unknown(times)) for clip, times in zip(clips, seconds, strict=True)
            ]
            batch: Batch = self._thread.processor(samples, use="score")
        except LavidaError as error:
            raise DataError(str(error).removeprefix("Sample '': ")) from error
        return replace(batch, labels=None).map_tensors(self._to_device_format)

    def _to_device_format(self, tensor: Tensor) -> Tensor:
        tensor = tensor.to(self.dtype) if tensor.is_floating_point() else tensor
        return tensor.pin_memory() if self.device.type == "cuda" else tensor

    @torch.inference_mode()
    def score(self, prepared: Batch) -> PendingScores:
        """Start the forward pass and the copies of its results; see `Scorer`."""
        output: Output = self.model(prepared.to(self.device))
        maps = output.masks[:, 0].float()
        if self.dtype != torch.float32:  # float16 holds all digits of bfloat16
            maps = maps.clamp(-LIMIT, LIMIT).half()
        back = [part.to("cpu", non_blocking=True) for part in (output.scores.float(), maps, output.names.float())]
        done = torch.cuda.current_stream(self.device).record_event() if self.device.type == "cuda" else None

        def wait() -> ClipScores:
            if done is not None:
                done.synchronize()
            scores, pixels, names = (part.numpy() for part in back)
            return ClipScores(scores, pixels, names)

        return wait


def load_scorer(where: str, precision: Precision = "auto", device: str | None = None, seed: int = 0) -> LavidaScorer:
    """Load a model.

    Args:
        where: Preset, folder, or OWNER/NAME on the Hub.
        precision: auto = bf16 on a GPU, else fp32.
        device: torch's name of the device; default: this process' GPU if there is one.
        seed: Seed of the random weights of a preset.

    Raises:
        UserError: There is no such model or device.
        LavidaError: The checkpoint does not fit.
    """
    folder = locate_model(where)
    if folder is None:
        torch.manual_seed(seed)
        return scorer_from_model(
            Lavida.from_preset(where), LavidaProcessor.from_preset(where), where, precision, device
        )
    target = find_device(device)
    chosen = resolve_precision(precision, target)
    if not sys.stderr.isatty():
        disable_progress_bar: Callable[[], None] = logging.disable_progress_bar
        disable_progress_bar()
    model = Lavida.from_pretrained(folder, dtype=DTYPES[chosen])
    processor = LavidaProcessor.from_pretrained(folder)
    processor.sizes = Sizes.from_config(model.config)
    processor.check_tokenizers(model.config)
    return LavidaScorer(model, processor, where, model_digest(folder), chosen, target)


def scorer_from_model(
    model: Lavida, processor: LavidaProcessor, name: str, precision: Precision = "auto", device: str | None = None
) -> LavidaScorer:
    """Make a scorer of a model in memory; its identity is a digest of its weights and configuration.

    Args:
        model: The model.
        processor: Its processor.
        name: Name in reports.
        precision: auto = bf16 on a GPU, else fp32.
        device: torch's name of the device; default: this process' GPU if there is one.

    Raises:
        UserError: There is no such device.
    """
    target = find_device(device)
    config = {name: value for name, value in model.config.to_dict().items() if name not in UNSCORED_KEYS}
    digests = [[name, _tensor_digest(value)] for name, value in model.state_dict().items()]
    weights = sha256_json([digests, config])
    return LavidaScorer(model, processor, name, weights, resolve_precision(precision, target), target)


def _tensor_digest(tensor: Tensor) -> str:
    return sha256(tensor.detach().float().contiguous().cpu().numpy().tobytes())


def locate_model(where: str) -> Path | None:
    """Find the folder of a model; a model on the Hub is downloaded.

    Call it before anything else is opened or created.

    Args:
        where: Preset, folder, or OWNER/NAME on the Hub.

    Returns:
        The folder, None for a preset.

    Raises:
        UserError: There is no such model.
    """
    if where in PRESETS:
        return None
    path = Path(where).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            inner = [path / below for below in MODEL_FOLDERS if (path / below / "config.json").is_file()]
            todo = f"did you mean {inner[0]}?" if inner else ""
            raise UserError(problem(path, "no config.json in it", "a folder that Lavida.save_pretrained wrote", todo))
        return path
    if where.count("/") != 1 or path.is_absolute() or where.startswith("."):
        raise UserError(problem(f"model {where}", "no such folder", f"a folder, OWNER/NAME, or {', '.join(PRESETS)}"))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(where, allow_patterns=[f"*{ending}" for ending in MODEL_FILES]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        what = str(error).splitlines()[0]
        raise UserError(
            problem(f"model {where}", f"no such folder, and not on the Hub ({what})", "a saved model")
        ) from error
