"""Checks whether a checkpoint fits a model: missing keys, unexpected keys, sizes that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from logging import ERROR
from typing import TypedDict

from lavida.config import LavidaConfig
from lavida.errors import CheckpointError, LavidaError, shorten

Mismatch = tuple[str, Sequence[int], Sequence[int]]
"""Key, size in the checkpoint, size in the model."""
PARTS = ("mllm_config", "sam_config", "names_config")
PROJECTOR_SIZES = ("projector_hidden", "qformer_queries", "qformer_blocks", "qformer_mlp", "name_maps")


class LoadingInfo(TypedDict):
    """What transformers returns for `output_loading_info`."""

    missing_keys: Iterable[str]
    unexpected_keys: Iterable[str]
    mismatched_keys: Iterable[Mismatch]


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' report of keys: `check_keys` raises an error instead."""
    from transformers.utils import (
        logging,  # registers this package's classes as it is imported, which import this module
    )

    before = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def reading(where: object, what: str) -> Iterator[None]:
    """Turn every exception about files that are missing, truncated or of another format into a CheckpointError.

    Args:
        where: Folder or name on the Hub.
        what: What is read there, for the message.

    Raises:
        CheckpointError: The block raised an exception.
    """
    try:
        yield
    except CheckpointError:
        raise
    except LavidaError as error:
        raise CheckpointError(f"{where}: {error}") from error
    except BaseException as error:  # transformers reads arbitrary files: a KeyError, an AttributeError, anything
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # of its parts in Rust
            raise
        why = str(error).strip().split("\n")[0][:300]
        why = why if isinstance(error, OSError) else f"{type(error).__name__}: {why}"
        todo = "expected a folder of save_pretrained, or a name on the Hub"
        raise CheckpointError(f"{where}: no {what} can be read ({why}); {todo}") from error


def check_keys(where: str, missing: Iterable[str], unexpected: Iterable[str], sizes: Iterable[Mismatch]) -> None:
    """Check that a checkpoint has exactly the model's keys and sizes.

    Args:
        where: The checkpoint, for the message.
        missing: Keys that only the model has.
        unexpected: Keys that only the checkpoint has.
        sizes: Keys of different sizes.

    Raises:
        CheckpointError: There are any; the message names them.
    """
    problems = [
        f"{len(names)} {what} ({shorten(names)})"
        for what, names in (("keys missing", sorted(missing)), ("unexpected keys", sorted(unexpected)))
        if names
    ]
    wrong = [f"{name} {tuple(got)}, the model has {tuple(want)}" for name, got, want in sorted(sizes)]
    if wrong:
        problems.append(f"{len(wrong)} of another size ({shorten(wrong, 3)})")
    if problems:
        raise CheckpointError(f"{where}: {'; '.join(problems)}; expected the weights of exactly this model")


def check_fits(config: LavidaConfig) -> None:
    """Check that the parts' sizes fit each other; each part alone fits its weights either way.

    Args:
        config: The whole configuration.

    Raises:
        LavidaError: They do not; the message names them.
    """
    vision, sam = config.mllm.vision_config, config.to_dict()["sam_config"]
    encoder, prompt, decoder = (sam[f"{part}_config"] for part in ("vision", "prompt_encoder", "mask_decoder"))
    side, levels = prompt["image_size"], encoder["backbone_feature_sizes"]
    pairs = {
        "mllm vision_config hidden_size": (
            getattr(vision, "out_hidden_size", None) or getattr(vision, "hidden_size", None),
            config.mllm.get_text_config().hidden_size,
        ),
        "sam prompt_encoder_config.hidden_size": (prompt["hidden_size"], encoder["fpn_hidden_size"]),
        "sam mask_decoder_config.hidden_size": (decoder["hidden_size"], encoder["fpn_hidden_size"]),
        "sam image_size": (sam["image_size"], side),
        "sam vision_config.backbone_feature_sizes": (
            [list(level) for level in levels],
            [[side // stride] * 2 for stride in (4, 8, 16)],
        ),
    }
    wrong = [f"{name} {got}, the other parts need {want}" for name, (got, want) in pairs.items() if got != want]
    if wrong:
        raise LavidaError(f"config: parts that do not fit each other: {shorten(wrong, 5)}; expected one model's sizes")


def check_same_sizes(where: str, saved: LavidaConfig, wanted: LavidaConfig) -> None:
    """Check that a checkpoint's configuration has the wanted sizes.

    Args:
        where: The checkpoint, for the message.
        saved: Its configuration.
        wanted: The wanted one.

    Raises:
        CheckpointError: Sizes differ; the message names them.
    """
    of_saved, of_wanted = _sizes(saved), _sizes(wanted)
    different = [
        f"{name} {of_saved.get(name)}, wanted {of_wanted.get(name)}"
        for name in sorted(of_saved | of_wanted)
        if of_saved.get(name) != of_wanted.get(name)
    ]
    if different:
        raise CheckpointError(
            f"{where}: the checkpoint is of another size: {shorten(different, 6)}; "
            "use its own configuration, or another preset"
        )


def _sizes(config: LavidaConfig) -> dict[str, object]:
    plain = config.to_dict()
    sizes: dict[str, object] = {name: plain[name] for name in PROJECTOR_SIZES}
    for part in PARTS:
        sizes |= _integers(plain[part], part.removesuffix("_config"))
    return sizes


def _integers(value: object, path: str) -> dict[str, object]:
    """Integers and lists of them in nested dictionaries, by their path; token ids are no sizes."""
    if isinstance(value, dict):
        found: dict[str, object] = {}
        for name, child in value.items():
            if not str(name).endswith(("_id", "_ids")) and name not in ("id2label", "label2id"):
                found |= _integers(child, f"{path}.{str(name).removesuffix('_config')}")
        return found
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    is_list = isinstance(value, list) and all(isinstance(item, int) for item in value)
    return {path: value} if is_integer or is_list else {}
