"""What scorers with a model of transformers share: identity, marks, device and precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lavida.parts import trust
from lavida.parts.check import check_keys, quiet_transformers, reading
from lavida.parts.tokenizers import load_tokenizer
from lavida_bench.scorers._base import LoadSettings, ScorerKind
from lavida_bench.scorers._checkpoints import Checkpoint, find_checkpoint
from lavida_bench.scoring.devices import DTYPES, find_device, place, resolve_precision

HIGHEST = 65504.0
"""The largest float16."""
MOST_TEXTS = 32
"""Lists of names whose features are kept."""


class ModelScorer:
    """Base of the scorers of one checkpoint.

    Args:
        kind: The kind, with its options.
        where: Folder, or OWNER/NAME on the Hub.
        how: Precision and device.

    Attributes:
        name: Name in reports: the kind's and the model's.
        mark: "random weights" for a model that nobody has trained.
        notice: A sentence about it for the top of reports.
        identity: Digest of the model, precision and options.
    """

    def __init__(self, kind: ScorerKind, where: str, how: LoadSettings) -> None:
        self.checkpoint: Checkpoint = find_checkpoint(where, kind.name, kind.about.families)
        self.device = find_device(how.device)
        precision = resolve_precision(how.precision, self.device)
        self.dtype = DTYPES[precision]
        given = self.checkpoint.name
        self.name = f"{kind.name} {Path(given).name if Path(given).is_dir() else given}"
        self.mark, self.notice = self.checkpoint.mark, self.checkpoint.notice
        options = kind.options.model_dump(mode="json")
        self.identity: Mapping[str, object] = {
            "scorer": kind.name, "weights": self.checkpoint.digest(), "precision": precision, "options": options,
        }  # fmt: skip

    def load_model(self, kind: Any) -> Any:
        """Load the checkpoint: the model on the device, cast, without gradients.

        Args:
            kind: transformers' class of the model, or an Auto class.

        Returns:
            The model.

        Raises:
            CheckpointError: It needs code of its own, has pickles instead of safetensors, describes sizes that its
                files do not have, leaves weights out, or cannot be read.
        """
        from transformers import AutoConfig

        folder = self.checkpoint.folder
        with reading(folder, self.checkpoint.family):
            trust.check_folder(folder, weights=True)
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            trust.check_config(config)
            trust.check_memory(folder, lambda: getattr(kind, "from_config", kind)(config))
            with quiet_transformers():
                model, info = kind.from_pretrained(
                    folder, trust_remote_code=False, use_safetensors=True, output_loading_info=True
                )
            check_keys(str(folder), info["missing_keys"], (), info["mismatched_keys"])
        place(model, self.device, self.dtype)
        return model.eval().requires_grad_(False)

    def load_tokenizer(self) -> Any:
        """Load the checkpoint's tokenizer.

        Raises:
            CheckpointError: There is none, or one that needs code of its own.
        """
        return load_tokenizer(self.checkpoint.folder)

    def pinned(self, tensor: Tensor) -> Tensor:
        """The tensor where copies to a GPU are fast.

        Args:
            tensor: On the CPU.
        """
        return tensor.pin_memory() if self.device.type == "cuda" else tensor

    def half_maps(self, maps: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Maps as they are stored: float16, which holds all digits of bfloat16, unless the model runs in float32.

        Args:
            maps: (N, h, w) logits.
        """
        return maps if self.dtype == torch.float32 else maps.clip(-HIGHEST, HIGHEST).astype(np.float16)


def copied_back(*parts: Tensor) -> Callable[[], list[NDArray[np.float32]]]:
    """Start to copy results from the device.

    Args:
        parts: Tensors on one device.

    Returns:
        Waits, and returns them as float32 arrays.
    """
    device = parts[0].device
    back = [part.float().to("cpu", non_blocking=True) for part in parts]
    done = torch.cuda.current_stream(device).record_event() if device.type == "cuda" else None

    def wait() -> list[NDArray[np.float32]]:
        if done is not None:
            done.synchronize()
        return [part.numpy() for part in back]

    return wait
