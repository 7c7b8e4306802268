"""A whole run: fit on shards, score each benchmark, report. Stages that are done and unchanged are skipped.

RUN/recipe.yaml        the recipe as it was resolved       RUN/run.json    the finished stages (stages.py)
RUN/README.md          a summary of the run                RUN/fit/        checkpoints, log, the fitted model
RUN/scores/LABEL/      scores by video (score_store.py)    RUN/results.json, report.md, report.html

run(load("demo"), Path("runs/demo"), progress, print)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lavida_bench.common.distributed import Processes
from lavida_bench.common.progress import Bar
from lavida_bench.config.recipe import LAVIDA, RunRecipe, ScoreEntry
from lavida_bench.reporting import run_folder
from lavida_bench.results.score_store import HEADER, ScoreStore
from lavida_bench.runs.preflight import refuse_unscorable
from lavida_bench.runs.readme import run_readme
from lavida_bench.runs.score_stage import SCORES, ScoreJob, run_entry
from lavida_bench.runs.stages import FIT_MARKER, Stages
from lavida_bench.scorers import _base as scorers
from lavida_bench.scorers._open_entry import open_scorer
from lavida_bench.scoring.score import ScoringSettings
from lavida_bench.scoring.scorer import Precision, Scorer
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.digests import sha256_file, sha256_json
from lavida_gen.common.errors import UserError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.recipe_files.diff import describe_changes
from lavida_gen.recipe_files.kinds import RUN
from lavida_gen.recipe_files.reading import read_recipe_file
from lavida_gen.storage.cache import file_digest
from lavida_gen.storage.output_folder import make_output_folder

Log = Callable[[str], None]
"""Prints a line about the progress of a run."""
FIT = "fit"
LABELS = "labels"


def run(recipe: RunRecipe, out: Path, bar: Bar, log: Log, single_file: bool = False) -> Path:
    """Run the stages of a recipe that are not done. A benchmark that cannot be scored is an error before the fit.

    Args:
        recipe: The recipe.
        out: The run folder.
        bar: Opens a progress bar.
        log: Prints a line about the progress.
        single_file: Whether the pictures of report.html are in the page itself, instead of beside it.

    Returns:
        The path of report.html; of README.md where nothing is scored.

    Raises:
        UserError: The recipe is invalid, or the folder is that of another fit.
        DataError: Data is missing or broken, or the disk is full.
    """
    refuse_fit(out)
    refuse_unscorable(recipe, f"recipe {recipe.name}", bar)
    first = Processes.current().first
    job = _RunJob(recipe, out, bar, log if first else lambda message: None, Stages.open(out, recipe.name, first))
    job.refuse_other_fit()
    if first:
        job.write_recipe()
    job.fit()
    for entry in recipe.score:
        job.score(entry)
    return job.report(single_file)


def refuse_fit(out: Path) -> None:
    """Refuse a folder that `lavida-bench fit` writes to.

    Args:
        out: The run folder.

    Raises:
        UserError: It holds a fit.
    """
    if (out / FIT_MARKER.name).is_file():
        raise UserError(problem(out, "holds a fit", "the folder of a run, or a new one", "give another --out"))


@dataclass(slots=True)
class _RunJob:
    """The stages of one recipe in one folder."""

    recipe: RunRecipe
    out: Path
    bar: Bar
    log: Log
    stages: Stages
    _scorers: dict[str, Scorer] = field(default_factory=dict)

    def refuse_other_fit(self) -> None:
        """Raises UserError, with the keys that differ, for a folder that another recipe fits or has fitted."""
        if self.recipe.fit is None:
            return
        from lavida_bench.fitting import fit_folder

        earlier, changed = self.stages.done.get(FIT), fit_folder.changed_settings(self.recipe, self.out / FIT)
        if changed or (earlier is not None and earlier.key != self.recipe.fit_identity()):
            what = f"was fitted by another recipe: {changed or 'model, data or fit differ'}"
            raise UserError(problem(self.out, what, todo="give another --out for the changed recipe"))

    def write_recipe(self) -> None:
        """Make the folder, log what has changed since the last run, write the recipe."""
        path, plain = make_output_folder(self.out) / run_folder.RECIPE, self.recipe.stored()
        if path.is_file():
            with suppress(UserError):  # changed by hand: it is written again
                changes = describe_changes(read_recipe_file(path, RUN.keys), plain)
                if changes:
                    self.log(f"the recipe has changed: {changes}")
        write_atomic(path, yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).encode())

    def fit(self) -> None:
        """Stage `fit`; nothing for a recipe without it."""
        if self.recipe.fit is None:
            return
        from lavida_bench.fitting import fit_folder

        earlier = self.stages.done.get(FIT)
        if earlier is not None and fit_folder.is_finished(self.recipe, self.out / FIT):
            self.log(f"fit: done {earlier.finished}, {earlier.facts['model']}")
            return

        def work() -> Mapping[str, str]:
            from lavida_bench.fitting.trainer import fit

            model = fit(self.recipe, self.out / FIT, self.log)
            return {"model": str(model.relative_to(self.out))}

        self.log("fit: begins, or goes on where it stopped")
        stage = self.stages.run_stage(FIT, self.recipe.fit_identity(), work)
        self.log(f"fit: done in {stage.seconds:,.0f} s, {stage.facts['model']}")

    def score(self, entry: ScoreEntry) -> None:
        """Stage `score LABEL`."""
        name = f"score {entry.slug}"
        key = sha256_json([entry.facts(), self._model_key(entry)])
        if self.stages.is_done(name, key) and self._is_scored(entry, self.stages.done[name].facts.get(LABELS, "")):
            self.log(f"{name}: done {self.stages.done[name].finished}")
            return

        def work() -> Mapping[str, str]:
            named = entry.model_copy(update={"method": self._method(entry)})
            effort = ScoringSettings(batch=entry.batch)
            run_entry(self._scorer(entry), named, self.out, effort, True, self.bar)
            return {"scores": f"{SCORES}/{entry.slug}", LABELS: ScoreJob.open(entry, self.out).labels()}

        self.log(f"{name}: begins, or goes on where it stopped")
        stage = self.stages.run_stage(name, key, work)
        self.log(f"{name}: done in {stage.seconds:,.0f} s")

    def _method(self, entry: ScoreEntry) -> str:
        """The recipe's name, or the scorer's; in brackets what distinguishes entries of one benchmark and protocol."""
        return entry.method_of(self.recipe.name if entry.has_run_model else self._scorer(entry).name)

    def _is_scored(self, entry: ScoreEntry, labels: str) -> bool:
        """Whether the scores are there, of the videos as they are now, and were measured against their labels."""
        job = ScoreJob.open(entry, self.out)
        folder = self.out / SCORES / entry.slug
        if not (folder / HEADER).is_file() or not (self.out / run_folder.HTML).is_file():
            return False
        if job.labels() != labels:
            if labels:
                self.log(f"score {entry.slug}: the labels have changed")
            return False
        store = ScoreStore.open(folder)
        return all(store.has(video) for video in job.videos)

    def report(self, single_file: bool) -> Path:
        """Stage `report`: the pages, and README.md."""
        page = self.out / "README.md"
        if self.recipe.score and self.stages.writes:
            page = self.out / run_folder.HTML
            key = sha256_file(self.out / "results.json") + (" single file" if single_file else "")
            if single_file or not (self.stages.is_done("report", key) and page.is_file()):
                self.stages.run_stage("report", key, lambda: {"page": run_folder.render(self.out, single_file).name})
        if self.stages.writes:
            write_atomic(self.out / "README.md", run_readme(self.recipe, self.out, self.stages).encode())
        return page

    def _model_folder(self) -> Path | None:
        """The folder of the model to score; None for one that is built from the recipe."""
        if self.recipe.fit is not None:
            made = str(self.stages.done[FIT].facts["model"])
            return path_inside(self.out, made, self.out, "remove it, and run again", "the run")
        model = self.recipe.own_model
        return Path(model.path).expanduser() if model.path is not None and not model.config else None

    def _model_key(self, entry: ScoreEntry) -> str:
        """Digest of the model's files, or of the recipe's description of it."""
        from lavida_bench.common.model_digest import model_digest

        if not entry.has_run_model:
            own = None if entry.model is None else Path(entry.model).expanduser()
            return model_digest(own) if own is not None and own.is_dir() else sha256_json(["scorer", entry.model])
        folder, path = self._model_folder(), self.recipe.own_model.path
        if folder is not None and folder.is_dir():
            return model_digest(folder)
        start = Path(path).expanduser() if path is not None else None
        files = model_digest(start) if start is not None and start.is_dir() else self._shipped_weights()
        return sha256_json([self.recipe.own_model.model_dump(mode="json"), self.recipe.seed, files])

    def _shipped_weights(self) -> str:
        """Digest of the weights that come with this package; "" for a model that does not start from them."""
        if self.recipe.own_model.preset != "tiny" or self.recipe.own_model.random:
            return ""
        from lavida.tiny.weights import FILE

        return file_digest(FILE)

    def _scorer(self, entry: ScoreEntry) -> Scorer:
        """The model, loaded once for each scorer and precision, compiled or not."""
        kind = sha256_json([entry.scorer, entry.model, entry.scorer_options, entry.precision, entry.compile])
        if kind not in self._scorers:
            if not entry.has_run_model:
                self._scorers[kind] = open_scorer(entry, self.recipe.seed)
                return self._scorers[kind]
            own = self._load_scorer(entry.precision)
            if entry.compile:
                scorers.make(LAVIDA).compile(own)
            self._scorers[kind] = own
        return self._scorers[kind]

    def _load_scorer(self, precision: Precision) -> Scorer:
        folder = self._model_folder()
        if folder is not None:
            return scorers.make(LAVIDA).open(str(folder), scorers.LoadSettings(precision))
        import torch

        from lavida_bench.fitting.model_init import make_model
        from lavida_bench.scoring import lavida_scorer

        torch.manual_seed(self.recipe.seed)
        model, processor = make_model(self.recipe, self.log)
        return lavida_scorer.scorer_from_model(model, processor, self.recipe.name, precision)
