"""The folder of a fit: whose it is, whether it is done, and what is written when it is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lavida_bench.fitting.checkpoint import BEST, RECIPE, Progress
from lavida_bench.results.score_store import folder_digest
from lavida_gen.common.atomic_file import partial_path, write_atomic, write_error
from lavida_gen.common.errors import LavidaGenError, UserError, problem
from lavida_gen.common.json_file import read_json_object, write_json
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.recipe_files.diff import describe_changes

if TYPE_CHECKING:
    from torch import Tensor

    from lavida.modeling import Lavida
    from lavida.processing import LavidaProcessor
    from lavida_bench.config.recipe import RunRecipe

MODEL, DONE, OWNER = "model", "fit.json", ".fit.json"


def is_finished(recipe: RunRecipe, out: Path) -> bool:
    """Whether the folder holds the finished fit of this recipe. Raises UserError if what it began with has changed.

    What is gone has not changed: a fitted model outlives its corpus.
    """
    done, held = _read(out / DONE, "identity"), _read(out / OWNER, "facts", "inputs")
    if done is None or done["identity"] != recipe.fit_identity() or not (out / MODEL).is_dir():
        return False
    if held is not None:
        _compare(held["inputs"], _inputs(recipe, gone=True))
    return True


def mark_begun(recipe: RunRecipe, out: Path) -> None:
    """Mark the folder as this recipe's. Raises UserError if it is another's, or if what it began with has changed."""
    facts, inputs = recipe.fit_facts(), _inputs(recipe)
    held = _read(out / OWNER, "facts", "inputs")
    if held is None:
        write_json(out / OWNER, {"facts": facts, "inputs": inputs})
    else:
        differ = describe_changes(held["facts"], facts)
        if differ:
            todo = "give another --out, or remove the folder"
            raise UserError(problem(out, f"holds a fit of another recipe: {differ}", todo=todo))
        _compare(held["inputs"], inputs)
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_atomic(out / RECIPE, text.encode())


def changed_settings(recipe: RunRecipe, out: Path) -> str:
    """What of the recipe differs from that which the folder was begun with; "" for nothing and for a new folder."""
    held = _read(out / OWNER, "facts", "inputs")
    return "" if held is None else describe_changes(held["facts"], recipe.fit_facts())


def _inputs(recipe: RunRecipe, gone: bool = False) -> dict[str, str]:
    """Digests of the corpora and of the model that a fit begins with; `gone`: those that are not there are left out."""
    found: dict[str, str] = {}
    for entry in recipe.data:
        try:
            found[entry.corpus] = open_corpus(entry.corpus).manifest.digest
        except LavidaGenError:
            if not gone:
                raise
    model = recipe.model.path
    if model is not None and Path(model).expanduser().is_dir():
        found[model] = folder_digest(Path(model).expanduser())
    return found


def _compare(held: Mapping[str, str], inputs: Mapping[str, str]) -> None:
    for what, digest in inputs.items():
        if held.get(what) != digest:
            todo = "give another --out to fit anew"
            raise UserError(problem(what, "is another one than this fit began with", todo=todo))


def write_result(
    out: Path,
    recipe: RunRecipe,
    model: Lavida,
    processor: LavidaProcessor,
    weights: Mapping[str, Tensor],
    progress: Progress,
    damaged_shards: int,
) -> None:
    """Write the model with the best weights, if any were kept, and last of all fit.json. Raises DataError.

    damaged_shards  how many the loader left out from the beginning
    """
    best = _best(out / BEST) if (out / BEST).is_file() else {}
    partial = partial_path(out / MODEL)
    try:
        shutil.rmtree(partial, ignore_errors=True)
        model.save_pretrained(partial, state_dict={**weights, **best})
        processor.save_pretrained(partial)
        shutil.rmtree(out / MODEL, ignore_errors=True)
        partial.rename(out / MODEL)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        resume = "run the same command again: the last checkpoint is kept"
        raise write_error(out / MODEL, error, resume) from error
    summary = {
        "identity": recipe.fit_identity(),
        "recipe": recipe.name,
        **asdict(progress),
        "damaged_shards": damaged_shards,
    }
    write_json(out / DONE, summary)


def _best(file: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(str(file))


def _read(path: Path, *keys: str) -> dict[str, Any] | None:
    """A file of this folder, None if it is not there. Raises DataError for what is damaged or lacks a key."""
    if not path.exists():
        return None
    expected = f"an object with {' and '.join(keys)}"
    return read_json_object(path, expected, "remove the folder, or give another", keys)
