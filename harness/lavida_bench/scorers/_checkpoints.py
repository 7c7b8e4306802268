"""Models in transformers' formats on disk: found or downloaded; their family is checked before torch is loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lavida_bench.common.model_digest import MODEL_FILES, model_digest
from lavida_gen.common.errors import UserError, problem
from lavida_gen.common.json_file import read_json, read_json_object, write_json

TOKENIZERS = {"tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model"}
"""Files of which a tokenizer has at least one."""
MARK = "random_weights"
"""Key of a config.json: nobody has trained this model."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's folder.

    Attributes:
        name: What the user called it, for reports.
        folder: Where its files are.
        family: transformers' `model_type`.
        is_random: Whether its weights are random.
    """

    name: str
    folder: Path
    family: str
    is_random: bool

    @property
    def mark(self) -> str:
        """What follows its name in every row of a table; "" for a trained model."""
        return "random weights" if self.is_random else ""

    @property
    def notice(self) -> str:
        """The sentence for the top of a report; "" for a trained model."""
        return f"{self.name} has random weights: its numbers prove the wiring, not the method." if self.mark else ""

    def digest(self) -> str:
        """SHA-256 over its files."""
        return model_digest(self.folder)


def find_checkpoint(where: str, scorer: str, families: Sequence[str]) -> Checkpoint:
    """Find a model on disk, or download it from the Hub.

    Args:
        where: A folder, or OWNER/NAME on the Hub.
        scorer: Name of the kind of scorer, for errors.
        families: The values of `model_type` that it takes.

    Returns:
        The model's folder; nothing but its config.json was read.

    Raises:
        UserError: There is no such model, access to it is refused, or it is of another family.
        DataError: Its config.json cannot be read.
    """
    folder = Path(where).expanduser()
    if not folder.is_dir():
        folder = _downloaded(where, scorer)
    path = folder / "config.json"
    if not path.is_file():
        raise UserError(problem(folder, "no config.json in it", "a folder that transformers' save_pretrained wrote"))
    names = {file.name for file in folder.iterdir()}
    if not any(name.endswith(".safetensors") for name in names):
        todo = "save it by save_pretrained where you trust it, or take another model"
        raise UserError(problem(folder, "no weights as safetensors", "*.safetensors", todo))
    if not names & TOKENIZERS:
        raise UserError(problem(folder, "no tokenizer", " or ".join(sorted(TOKENIZERS))))
    config = read_json(path)
    family = config.get("model_type") if isinstance(config, dict) else None
    if family not in families:
        got = f"model_type {json.dumps(family)}, which scorer {scorer} does not take"
        raise UserError(problem(path, got, " or ".join(families), "see `lavida-bench scorers`"))
    is_random = isinstance(config, dict) and config.get(MARK) is True
    return Checkpoint(f"tiny {family}" if is_random else where, folder, str(family), is_random)


def _downloaded(where: str, scorer: str) -> Path:
    if where.count("/") != 1 or where.startswith((".", "/", "~")):
        known = "a folder, OWNER/NAME on the Hub, or random (random weights, to try the wiring)"
        raise UserError(problem(f"model {where}", "no such folder", known, f"see `lavida-bench scorers {scorer}`"))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(where, allow_patterns=[f"*{ending}" for ending in MODEL_FILES]))
    except GatedRepoError as error:
        todo = "ask for access on its page, then `hf auth login`; or give a model that you have"
        raise UserError(problem(f"model {where}", "the Hub refuses access: it is gated", "", todo)) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        what = f"no such folder, and not on the Hub ({str(error).splitlines()[0]})"
        raise UserError(problem(f"model {where}", what, "a folder that save_pretrained wrote")) from error


def mark_random(folder: Path) -> None:
    """Mark a model that was written with random weights.

    Args:
        folder: What `save_pretrained` wrote.
    """
    path = folder / "config.json"
    write_json(path, {**read_json_object(path), MARK: True})
