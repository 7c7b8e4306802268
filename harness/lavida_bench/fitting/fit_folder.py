"""The folder of a fit: which recipe it belongs to, whether the fit is finished, and its result."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from lavida_bench.common.model_digest import model_digest
from lavida_bench.fitting.checkpoint import BEST, RECIPE, Progress
from lavida_bench.fitting.optimiser import tied_names, trainable_parameters
from lavida_bench.fitting.tensor_files import read_tensors
from lavida_gen.common.atomic_file import partial_path, write_atomic, write_error
from lavida_gen.common.errors import LavidaGenError, UserError, problem
from lavida_gen.common.json_file import JsonObject, check_json_object, read_json_object, write_json
from lavida_gen.common.text import without_secrets
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.recipe_files.diff import describe_changes

if TYPE_CHECKING:
    from torch import Tensor

    from lavida.modeling import Lavida
    from lavida.processing import LavidaProcessor
    from lavida_bench.config.recipe import RunRecipe

MODEL, DONE, OWNER = "model", "fit.json", ".fit.json"
_OTHER_FOLDER = "remove the folder, or give another"


def is_finished(recipe: RunRecipe, out: Path) -> bool:
    """Return whether the folder holds the finished fit of this recipe.

    Args:
        recipe: Recipe with a `fit`.
        out: Run folder. Corpora that do not exist any more count as unchanged: a model outlives its corpus.

    Raises:
        UserError: A corpus or the initial model has changed since the fit began.
        DataError: A file of the folder is damaged.
    """
    done, begun = _read(out / DONE, "identity"), _read_owner(out)
    if done is None or done["identity"] != recipe.fit_identity() or not (out / MODEL).is_dir():
        return False
    if begun is not None:
        _refuse_changed_inputs(begun["inputs"], _inputs(recipe, allow_missing=True))
    return True


def mark_begun(recipe: RunRecipe, out: Path) -> None:
    """Mark the folder as this recipe's and write the resolved recipe into it.

    Args:
        recipe: Recipe with a `fit`.
        out: Run folder.

    Raises:
        UserError: The folder belongs to another recipe, or a corpus or the initial model has changed.
        DataError: A corpus is damaged, or the folder cannot be written.
    """
    facts, inputs = recipe.fit_facts(), _inputs(recipe)
    begun = _read_owner(out)
    if begun is None:
        write_json(out / OWNER, {"facts": facts, "inputs": inputs})
    else:
        difference = describe_changes(begun["facts"], facts)
        if difference:
            todo = "give another --out, or remove the folder"
            raise UserError(problem(out, f"holds a fit of another recipe: {difference}", todo=todo))
        _refuse_changed_inputs(begun["inputs"], inputs)
    text = yaml.safe_dump(recipe.stored(), sort_keys=False, allow_unicode=True)
    write_atomic(out / RECIPE, text.encode())


def changed_settings(recipe: RunRecipe, out: Path) -> str:
    """Describe how a recipe differs from the one that the folder belongs to.

    Args:
        recipe: Recipe with a `fit`.
        out: Run folder.

    Returns:
        `fit.lr 0.001 -> 0.002, ...`; "" if nothing differs or the folder is new.
    """
    begun = _read_owner(out)
    return "" if begun is None else describe_changes(begun["facts"], recipe.fit_facts())


def _inputs(recipe: RunRecipe, allow_missing: bool = False) -> dict[str, str]:
    """Digests of the corpora and of the initial model; with `allow_missing` those that do not exist are left out."""
    digests: dict[str, str] = {}
    for entry in recipe.data:
        try:
            digests[without_secrets(entry.corpus)] = open_corpus(entry.corpus).manifest.digest
        except LavidaGenError:
            if not allow_missing:
                raise
    model = recipe.own_model.path
    if model is not None and Path(model).expanduser().is_dir():
        digests[model] = model_digest(Path(model).expanduser())
    return digests


def _refuse_changed_inputs(begun: Mapping[str, str], inputs: Mapping[str, str]) -> None:
    for name, digest in inputs.items():
        if begun.get(name) != digest:
            todo = "give another --out to start a new fit"
            raise UserError(problem(name, "has changed since this fit began", todo=todo))


def write_result(
    out: Path,
    recipe: RunRecipe,
    model: Lavida,
    processor: LavidaProcessor,
    weights: Mapping[str, Tensor],
    progress: Progress,
    damaged_shards: int,
) -> None:
    """Write the fitted model and then fit.json, which marks the fit as finished.

    Args:
        out: Run folder; the weights in its best.safetensors, if any, replace those of the same names in `weights`.
        recipe: Recipe of the fit.
        model: Gives the configuration.
        processor: Saved beside the model.
        weights: The last weights by name.
        progress: Goes into fit.json.
        damaged_shards: Shards that the loader left out from the beginning.

    Raises:
        DataError: The folder cannot be written, or best.safetensors is damaged.
    """
    best = _best_weights(out / BEST, model, weights) if (out / BEST).exists() else {}
    tied = tied_names(model)  # a tensor with two names is saved by its first, and tied again when it is loaded
    state = {name: value for name, value in {**weights, **best}.items() if name not in tied}
    partial = partial_path(out / MODEL)
    try:
        model.save_pretrained(partial, state_dict=state)
        processor.save_pretrained(partial)
        shutil.rmtree(out / MODEL, ignore_errors=True)
        partial.rename(out / MODEL)
    except OSError as error:
        resume = "run the same command again: the last checkpoint is kept"
        raise write_error(out / MODEL, error, resume) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    summary = {
        "identity": recipe.fit_identity(),
        "recipe": recipe.name,
        **asdict(progress),
        "damaged_shards": damaged_shards,
    }
    write_json(out / DONE, summary)


def _best_weights(file: Path, model: Lavida, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    shapes = {name: tuple(weights[name].shape) for name in trainable_parameters(model)}
    return read_tensors(
        file, shapes, expected="the best weights", todo="remove it, and the last weights are the result"
    )


def _read_owner(out: Path) -> JsonObject | None:
    """Facts of the recipe and digests of its inputs that a fit began with, None if the folder is new."""
    begun = _read(out / OWNER, "facts", "inputs")
    if begun is not None:
        for key, value in begun.items():
            check_json_object(value, f"{out / OWNER}: {key}", todo=_OTHER_FOLDER)
    return begun


def _read(path: Path, *keys: str) -> JsonObject | None:
    """A JSON object of this folder, None if the file does not exist."""
    if not path.exists():
        return None
    expected = f"an object with {' and '.join(keys)}"
    return read_json_object(path, expected, _OTHER_FOLDER, keys)
