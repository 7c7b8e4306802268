"""Recipes of runs: which model, fitted on which corpora, scored on which benchmarks. All problems are reported at once.

    recipe = load("demo", settings=["fit.steps=200", "data.0.corpus=corpora/street"])

`${NAME}` and `${NAME:-default}` in paths of this machine are taken from the environment; relative paths are relative to
the working directory. Without `score` there is nothing to score, without `fit` the model is scored as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from lavida_gen.common.digests import sha256
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.common.text import control_character, map_texts, without_secrets
from lavida_gen.recipe_files.kinds import RUN
from lavida_gen.recipe_files.plugin_names import permission, plugin_name
from lavida_gen.recipe_files.reading import apply_setting, combined_error, expand_variables, validation_messages

KeyHint = Callable[[JsonObject, tuple[int | str, ...]], str]
"""Explains an unknown key of a recipe by the recipe's plain data and the key's location."""
BENCHMARKS = "lavida_bench.benchmarks"
SCORERS = "lavida_bench.scorers"
LAVIDA = "lavida"
"""The scorer of a run's own model."""
SLUG_NAMES = 60
"""Longest part of a folder's name that comes from the names of a prompt, in letters."""


class ModelSettings(StrictModel):
    """Where the model comes from: preset, path or parts; parts take the options of a preset, `paper` unless named."""

    preset: Literal["paper", "paper-ours", "small", "tiny"] | None = Field(default=None, description="a size of LAVIDA")
    path: str | None = Field(default=None, description="a saved Lavida: a folder, or OWNER/NAME on the Hub")
    parts: dict[str, str] = Field(default_factory=dict, description="mllm, sam, text: pretrained parts instead")
    random: bool = Field(default=False, description="a preset without its pretrained parts, to measure speed")
    config: JsonObject = Field(default_factory=dict, description="changed fields of LavidaConfig: loss, trainable, ...")

    @model_validator(mode="after")
    def _one_place(self) -> ModelSettings:
        if (self.path is not None) == (self.preset is not None or bool(self.parts)):
            raise ValueError("expected a preset, parts (of a preset), or a path")
        if self.parts and self.preset == "tiny":
            raise ValueError("preset tiny has parts of its own; expected parts with preset paper, paper-ours or small")
        unknown = set(self.parts) - {"mllm", "sam", "text"}
        if unknown:
            raise ValueError(f"parts: unknown {', '.join(sorted(unknown))}; expected mllm, sam, text")
        if self.parts and len(self.parts) < 3:
            raise ValueError(f"parts: only {', '.join(self.parts)}; expected mllm, sam and text")
        return self


class DataEntry(StrictModel):
    """One corpus of the training mixture."""

    corpus: str = Field(description="folder or URL (http, hf, s3, ...) of a finished corpus")
    kind: Literal["image", "clip"] | None = Field(default=None, description="only this kind [default: both]")
    weight: float = Field(default=1.0, gt=0, description="share of the steps; kinds share it by their samples")


class LoaderSettings(StrictModel):
    """How shards become batches. Only `shuffle` and `lanes` change which samples a step sees."""

    workers: int = Field(default=2, ge=0, le=256, description="decoding processes of each training process")
    prefetch: int = Field(default=4, ge=1, description="batches that each worker keeps ready")
    shuffle: int = Field(default=2000, ge=1, description="samples that a lane shuffles at a time")
    lanes: int = Field(default=32, ge=1, description="most positions in a corpus that are read at the same time")
    damaged: Literal["stop", "skip"] = Field(default="stop", description="damaged shards stop the run or are left out")
    check: Literal["digest", "size", "none"] = Field(default="digest", description="how shards are checked first")
    cache: str | None = Field(default=None, description="folder for shards fetched from a URL [default: user's cache]")


class CheckpointSettings(StrictModel):
    """When checkpoints are saved."""

    every: int = Field(default=500, ge=1, description="steps")
    keep: int = Field(default=2, ge=1, description="checkpoints kept, the newest")


class ValidationSettings(StrictModel):
    """Choice of the best weights: by the corpora's own validation shards, never by a test set."""

    every: int = Field(default=500, ge=1, description="steps")
    samples: int = Field(default=256, ge=1, description="most samples of each corpus and kind")
    by: str = Field(default="loss", description="loss, one of the losses, frame_auc, pixel_auc or mask_iou")


def half_frozen_problem(precision: str) -> str:
    """Describe why `half_frozen` is refused: only autocast's bf16 lets torch multiply bf16 weights with other numbers.

    Args:
        precision: The precision of the fit.
    """
    return f"half_frozen needs precision bf16; got {precision}; set one of the two"


class FitSettings(StrictModel):
    """How the model is trained. Recipe `paper` has the authors' values, `paper-ours` ours."""

    steps: int = Field(default=16000, ge=1, description="optimiser steps")
    batch: int = Field(default=2, ge=1, description="samples of a micro-batch in one process")
    accumulation: int = Field(default=2, ge=1, description="micro-batches of one optimiser step")
    lr: float = Field(default=1e-5, gt=0)
    lr_of: dict[str, float] = Field(default_factory=dict, description="another learning rate, by group of parameters")
    weight_decay: float = Field(default=0.0, ge=0, description="of matrices")
    decay_vectors: bool = Field(default=False, description="weight decay of vectors (biases, norms), too")
    betas: tuple[float, float] = (0.9, 0.999)
    warmup: int = Field(default=100, ge=0, description="steps from 0 to the full learning rate")
    schedule: Literal["linear", "cosine", "constant"] = Field(default="linear", description="after the warm-up")
    schedule_steps: int | None = Field(default=None, ge=1, description="steps of the schedule [default: `steps`]")
    schedule_advance: Literal["one", "processes"] = Field(
        default="one", description="steps of the schedule at each optimiser step: one, or one for each process"
    )
    clip: float | None = Field(default=1.0, gt=0, description="norm that gradients are clipped to")
    precision: Literal["no", "bf16", "fp16"] | None = Field(default=None, description="[default: accelerate's config]")
    half_frozen: bool = Field(default=False, description="frozen language model in bf16; for precision bf16")
    gradient_checkpointing: bool = False
    compile: bool = Field(default=False, description="torch.compile of the heavy stages; on a GPU only")
    ema: float | None = Field(default=None, gt=0, lt=1, description="decay of averaged weights, e.g. 0.999")
    unused_parameters: bool = Field(
        default=True, description="DDP searches for weights that a step leaves out (in SAM2)"
    )
    loader: LoaderSettings = LoaderSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    validation: ValidationSettings | None = ValidationSettings()
    log_every: int = Field(default=10, ge=1, description="steps between two lines of the log")

    @field_validator("lr_of")
    @classmethod
    def _rates(cls, rates: dict[str, float]) -> dict[str, float]:
        for group, rate in rates.items():
            if rate <= 0:
                raise ValueError(f"{group}: a rate of {rate}; to freeze a group set model.config.trainable")
        return rates

    @model_validator(mode="after")
    def _half_frozen_needs_bf16(self) -> FitSettings:
        if self.half_frozen and self.precision not in (None, "bf16"):
            raise ValueError(half_frozen_problem(str(self.precision)))
        return self


_LATER_SETTINGS = ("schedule_steps", "schedule_advance", "decay_vectors", "compile")
"""Settings that older fits do not record: left out of the facts at their defaults, so that those fits continue."""


class ScoreEntry(StrictModel):
    """One benchmark to score."""

    benchmark: Annotated[str, plugin_name(BENCHMARKS)] = Field(description="`lavida-bench benchmarks` lists them")
    scorer: Annotated[str, plugin_name(SCORERS)] = Field(
        default=LAVIDA, description="`lavida-bench scorers` lists them"
    )
    model: str | None = Field(default=None, description="of the scorer [default: the run's, or the scorer's first]")
    scorer_options: JsonObject = Field(default_factory=dict, description="options of the scorer")
    root: str | None = Field(default=None, description="its folder [default: as for `lavida-bench check`]")
    protocol: str = Field(default="official", description="official or paper")
    names: str = Field(default="benchmark", description="benchmark, generic, names by commas, or a file, one a line")
    options: JsonObject = Field(default_factory=dict, description="options of the benchmark")
    absent: tuple[str, ...] = Field(default=(), description="names of absent things for the prompt check")
    label: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="folder of the scores")
    method: str | None = Field(default=None, description="what the report calls the model")
    smoothing: float | None = Field(default=None, gt=0, description="sigma in frames; reported beside the raw number")
    allow_partial: bool = Field(default=False, description="measure although videos are missing; marked in the report")
    allow_defects: bool = Field(default=False, description="measure although `check` fails; marked +defects")
    exact: bool = Field(default=False, description="sort pixels on disk; no error of counting")
    batch: int = Field(default=4, ge=1, description="clips of one forward pass")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(default="auto", description="auto: bf16 on a GPU")
    compile: bool = Field(default=False, description="torch.compile of the heavy stages; on a GPU only")

    @property
    def names_slug(self) -> str:
        """The names as part of a folder's name; "" for the benchmark's own, the stem of a file."""
        if self.names == "benchmark":
            return ""
        text = self.names if "," in self.names else Path(self.names).stem
        return re.sub(r"[^\w.-]+", "-", text).strip("-")[:SLUG_NAMES]

    @property
    def slug(self) -> str:
        """Name of the folder of the scores: the label, or the benchmark and what differs from the defaults."""
        official = self.protocol.partition("/")[0] == "official"
        scorer = "" if self.scorer == LAVIDA else self.scorer
        parts = [self.benchmark, scorer, "" if official else self.protocol, self.names_slug]
        return self.label or "-".join(part.replace("/", "-").replace(":", "-") for part in parts if part)

    def method_of(self, name: str) -> str:
        """What reports call a method: its name, in brackets what distinguishes entries of one benchmark and protocol.

        Args:
            name: The scorer's or the recipe's.
        """
        distinction = self.label or self.names_slug
        return self.method or (f"{name} ({distinction})" if distinction else name)

    @property
    def has_run_model(self) -> bool:
        """Whether it is scored by the model of the recipe."""
        return self.scorer == LAVIDA and self.model is None

    def facts(self) -> JsonObject:
        """Return everything that determines the stage, as plain data; keys that came later only where they are set."""
        plain = self.model_dump(mode="json")
        for key in ("scorer", "model", "scorer_options"):
            if plain[key] == ScoreEntry.model_fields[key].get_default(call_default_factory=True):
                del plain[key]
        return plain


class RunRecipe(StrictModel):
    """A run: model, fit, and benchmarks to score."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="lower case, digits, - and _")
    about: str = ""
    seed: int = Field(default=44, ge=0, lt=2**31)
    model: ModelSettings | None = Field(
        default=None, description="to fit, and for entries of `score` without their own"
    )
    data: list[DataEntry] = Field(default_factory=list)
    fit: FitSettings | None = None
    score: list[ScoreEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_complete(self) -> RunRecipe:
        if self.fit is not None and not self.data:
            raise ValueError("fit without data; expected at least one corpus under `data`")
        if self.model is None and (self.fit is not None or not self.score or any(e.has_run_model for e in self.score)):
            raise ValueError("model is missing; expected `model:` with a preset, a path or parts")
        slugs = [entry.slug for entry in self.score]
        repeated = [slug for slug in slugs if slugs.count(slug) > 1]
        if repeated:
            raise ValueError(f"two entries of score are {repeated[0]!r}; give one a label")
        return self

    @property
    def own_model(self) -> ModelSettings:
        """The model to fit and to score; only for recipes that have one."""
        assert self.model is not None, "checked where the recipe is read"
        return self.model

    def with_exact_pixels(self) -> RunRecipe:
        """Return the recipe with `exact` in all entries of `score`."""
        return self.model_copy(update={"score": [entry.model_copy(update={"exact": True}) for entry in self.score]})

    def stored(self) -> JsonObject:
        """Return the recipe as plain data as it is stored: URLs without user, password and query."""
        return map_texts(self.model_dump(mode="json"), without_secrets)

    def fit_facts(self) -> JsonObject:
        """Return everything that determines the fitted weights, as plain data."""
        plain = {key: value for key, value in self.stored().items() if key in ("seed", "model", "data", "fit")}
        if self.fit is not None:
            for key in ("checkpoint", "log_every", "unused_parameters"):
                del plain["fit"][key]
            for key in _LATER_SETTINGS:
                if plain["fit"][key] == FitSettings.model_fields[key].default:
                    del plain["fit"][key]
            plain["fit"]["validation"] = self.fit.validation and self.fit.validation.by  # it chooses the best weights
            plain["fit"]["loader"] = {key: plain["fit"]["loader"][key] for key in ("shuffle", "lanes", "damaged")}
        return plain

    def fit_identity(self) -> str:
        """Return the SHA-256 of `fit_facts`: recipes of the same identity give the same weights."""
        return sha256(json.dumps(self.fit_facts(), sort_keys=True))


_LOCAL = re.compile(
    r"model\.(path|parts\.\w+)|data\[\d+\]\.corpus|fit\.loader\.cache|"
    r"score\[\d+\]\.(root|model|options\.(tracks|intervals))"
)
"""Texts that may name a place on this machine; others are published with results, or sent to a server."""


def _names_on_the_hub(raw: JsonObject, expanded: JsonObject) -> Iterator[str]:
    """Problems: variables of the environment in what would be asked for on the Hub."""
    texts: dict[str, tuple[object, object]] = {}
    before, after = raw.get("model"), expanded.get("model")
    if isinstance(before, dict) and isinstance(after, dict):
        texts["model.path"] = (before.get("path"), after.get("path"))
        if isinstance(before.get("parts"), dict):
            texts.update({f"model.parts.{key}": (text, after["parts"][key]) for key, text in before["parts"].items()})
    entries, others = raw.get("score"), expanded.get("score")
    if isinstance(entries, list) and isinstance(others, list):
        for number, (entry, other) in enumerate(zip(entries, others, strict=True)):
            if isinstance(entry, dict) and isinstance(other, dict):
                texts[f"score[{number}].model"] = (entry.get("model"), other.get("model"))
    for place, (text, found) in texts.items():
        if text != found and not str(found).startswith(("/", "./", "../", "~")):
            yield f"{place}: {text!r} is no absolute path when its variable is replaced; expected a folder"


def built_in() -> dict[str, Path]:
    """Built-in recipes of runs: name -> file."""
    return RUN.built_in()


def find(name: str) -> Path:
    """Find the file of a recipe.

    Args:
        name: Name of a built-in recipe, or path of a YAML file.

    Raises:
        UserError: There is no such recipe.
    """
    return RUN.find(name)


def load(name: str, settings: Sequence[str] = (), hint: KeyHint | None = None, allow_code: bool = False) -> RunRecipe:
    """Read a recipe by name or path.

    Args:
        name: Name of a built-in recipe, or path of a YAML file.
        settings: Changes on top of it, `key.path=value` each, e.g. `fit.steps=200`.
        hint: See `parse`.
        allow_code: Whether benchmarks may be ``package.module:Class``, which is imported when it is scored.

    Raises:
        UserError: The recipe or a setting is invalid; the message lists every problem with its place.
    """
    path = find(name)
    raw = RUN.read(path, name)
    problems = [problem for setting in settings for problem in apply_setting(raw, setting)]
    return parse(raw, str(path), problems, hint, allow_code)


def parse(
    raw: JsonObject,
    where: str = "recipe",
    problems: Sequence[str] = (),
    hint: KeyHint | None = None,
    allow_code: bool = False,
) -> RunRecipe:
    """Read a recipe from plain data.

    Args:
        raw: What the YAML file holds.
        where: File or name that error messages start with.
        problems: Problems found before, reported with those found here.
        hint: Explains an unknown key: gets `raw` and the key's location, returns a sentence, "" for none.
        allow_code: As for `load`.

    Raises:
        UserError: The recipe is invalid; the message lists every problem with its place.
    """
    found = list(problems)
    if control := control_character(raw):
        found.append(control)
    expanded = expand_variables(raw, found, lambda place: _LOCAL.fullmatch(place) is not None)
    found += _names_on_the_hub(raw, expanded)
    raw = expanded
    try:
        recipe = RunRecipe.model_validate(raw, context=permission(allow_code))
    except ValidationError as error:
        explain = (lambda location: hint(raw, location)) if hint else (lambda location: "")
        found.extend(validation_messages(error, "", RunRecipe, hint=explain))
    else:
        if not found:
            return recipe
    raise combined_error(where, found)
