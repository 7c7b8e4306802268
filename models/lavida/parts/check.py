"""Does a checkpoint fit a model? Its faults by name: missing keys, foreign keys, sizes that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from logging import ERROR
from typing import Any

from transformers.utils import logging

from lavida.config import LavidaConfig
from lavida.errors import CheckpointError, LavidaError, shorten

Mismatch = tuple[str, Sequence[int], Sequence[int]]
PARTS = ("mllm_config", "sam_config", "names_config")
PROJECTOR_SIZES = ("projector_hidden", "qformer_queries", "qformer_blocks", "qformer_mlp", "name_maps")


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without transformers' own report of keys: `check` says what is wrong."""
    before = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def reading(where: object, what: str) -> Iterator[None]:
    """Whatever is raised for files that are missing, broken off or of another shape is a CheckpointError."""
    try:
        yield
    except CheckpointError:
        raise
    except LavidaError as error:
        raise CheckpointError(f"{where}: {error}") from error
    except Exception as error:  # transformers reads other people's files: a KeyError, an AttributeError, anything
        why = str(error).strip().split("\n")[0][:300]
        why = why if isinstance(error, OSError) else f"{type(error).__name__}: {why}"
        todo = "expected a folder of save_pretrained, or a name on the Hub"
        raise CheckpointError(f"{where}: no {what} to be read there ({why}); {todo}") from error


def check_keys(where: str, missing: Iterable[str], foreign: Iterable[str], sizes: Iterable[Mismatch]) -> None:
    """Raise CheckpointError that names the keys which do not fit; silent where all do."""
    said = [
        f"{len(names)} {what} ({shorten(names)})"
        for what, names in (("keys missing", sorted(missing)), ("foreign keys", sorted(foreign)))
        if names
    ]
    wrong = [f"{name} {tuple(got)}, the model has {tuple(want)}" for name, got, want in sorted(sizes)]
    if wrong:
        said.append(f"{len(wrong)} of another size ({shorten(wrong, 3)})")
    if said:
        raise CheckpointError(f"{where}: {'; '.join(said)}; expected the weights of exactly this model")


def check_same_sizes(where: str, saved: LavidaConfig, wanted: LavidaConfig) -> None:
    """Raise CheckpointError that says which sizes differ between a checkpoint's configuration and the wanted one."""
    there, here = _sizes(saved), _sizes(wanted)
    differ = [
        f"{name} {there.get(name)}, wanted {here.get(name)}"
        for name in sorted(there | here)
        if there.get(name) != here.get(name)
    ]
    if differ:
        raise CheckpointError(
            f"{where}: the checkpoint is of another size: {shorten(differ, 6)}; "
            "use its own configuration, or another preset"
        )


def _sizes(config: LavidaConfig) -> dict[str, Any]:
    plain = config.to_dict()
    found = {name: plain[name] for name in PROJECTOR_SIZES}
    for part in PARTS:
        _collect(plain[part], part.removesuffix("_config"), found)
    return found


def _collect(value: Any, path: str, found: dict[str, Any]) -> None:
    """Whole numbers and lists of them, by their path; token ids are no sizes."""
    if isinstance(value, dict):
        for name, child in value.items():
            if not str(name).endswith(("_id", "_ids")) and name not in ("id2label", "label2id"):
                _collect(child, f"{path}.{str(name).removesuffix('_config')}", found)
    elif (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, list) and all(isinstance(one, int) for one in value)
    ):
        found[path] = value
