"""A whole run: fit on shards, score each benchmark, report. What is done and unchanged is left out.

RUN/recipe.yaml        the recipe as it was resolved       RUN/run.json    the stages that are done (stages.py)
RUN/README.md          the story of the run                RUN/fit/        checkpoints, log, the fitted model
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
from lavida_bench.config.recipe import RunRecipe, ScoreEntry
from lavida_bench.reporting import run_folder as report
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.runs import score_stage as score_run
from lavida_bench.runs.preflight import refuse_unscorable
from lavida_bench.runs.readme import run_readme
from lavida_bench.runs.stages import OWNED, Stages
from lavida_bench.scoring.score import ScoringSettings
from lavida_bench.scoring.scorer import Precision, Scorer
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.digests import sha256_file, sha256_json
from lavida_gen.common.errors import UserError, problem
from lavida_gen.recipe_files.diff import describe_changes
from lavida_gen.recipe_files.kinds import RUN
from lavida_gen.recipe_files.reading import read_recipe_file
from lavida_gen.storage import output_folder as out_folder
from lavida_gen.storage.cache import file_digest

Say = Callable[[str], None]
FIT = "fit"
LABELS = "labels"


def run(recipe: RunRecipe, out: Path, bar: Bar, say: Say) -> Path:
    """Does what is missing; gives the path of the report (of README.md where nothing is scored).

    Raises UserError for words that are off and for a folder that another recipe fitted, DataError for data that is;
    a benchmark that cannot be scored is told before anything is fitted.
    """
    refuse_fit(out)
    refuse_unscorable(recipe, f"recipe {recipe.name}")
    first = Processes.current().first
    work = _RunJob(recipe, out, bar, say if first else lambda text: None, Stages.open(out, recipe.name, first))
    work.refuse_changed()
    if first:
        work.begin()
    work.fit()
    for entry in recipe.score:
        work.score(entry)
    return work.report()


def refuse_fit(out: Path) -> None:
    """Raises UserError for a folder that `lavida-bench fit` writes to."""
    if (out / OWNED.name).is_file():
        raise UserError(problem(out, "holds a fit", "the folder of a run, or a new one", "give another --out"))


@dataclass(slots=True)
class _RunJob:
    """The stages of one recipe in one folder."""

    recipe: RunRecipe
    out: Path
    bar: Bar
    say: Say
    stages: Stages
    _scorers: dict[Precision, Scorer] = field(default_factory=dict)

    def refuse_changed(self) -> None:
        """Raises UserError, with the keys that differ, for a folder that another recipe fits or has fitted."""
        if self.recipe.fit is None:
            return
        from lavida_bench.fitting import fit_folder

        before, changed = self.stages.done.get(FIT), fit_folder.changed_settings(self.recipe, self.out / FIT)
        if changed or (before is not None and before.key != self.recipe.fit_identity()):
            what = f"was fitted by another recipe: {changed or 'model, data or fit differ'}"
            raise UserError(problem(self.out, what, todo="give another --out for the changed recipe"))

    def begin(self) -> None:
        """Make the folder, tell what has changed since it was last written to, note the recipe."""
        path, plain = out_folder.make_output_folder(self.out) / report.RECIPE, self.recipe.model_dump(mode="json")
        if path.is_file():
            with suppress(UserError):  # changed by hand: it is written anew
                if changed := describe_changes(read_recipe_file(path, RUN.keys), plain):
                    self.say(f"the recipe has changed: {changed}")
        write_atomic(path, yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).encode())

    def fit(self) -> None:
        """Stage `fit`; nothing for a recipe without it."""
        if self.recipe.fit is None:
            return
        from lavida_bench.fitting import fit_folder

        key, before = self.recipe.fit_identity(), self.stages.done.get(FIT)
        if before is not None and fit_folder.is_finished(self.recipe, self.out / FIT):
            self.say(f"fit: done {before.finished}, {before.facts['model']}")
            return

        def work() -> Mapping[str, str]:
            from lavida_bench.fitting.trainer import fit

            model = fit(self.recipe, self.out / FIT, self.say)
            return {"model": str(model.relative_to(self.out))}

        self.say("fit: begins, or goes on where it stopped")
        stage = self.stages.do(FIT, key, work)
        self.say(f"fit: done in {stage.seconds:,.0f} s, {stage.facts['model']}")

    def score(self, entry: ScoreEntry) -> None:
        """Stage `score LABEL`."""
        name = f"score {entry.slug}"
        key = sha256_json([entry.model_dump(mode="json"), self._model_key()])
        if self.stages.fresh(name, key) and self._scored(entry, self.stages.done[name].facts.get(LABELS, "")):
            self.say(f"{name}: done {self.stages.done[name].finished}")
            return

        def work() -> Mapping[str, str]:
            named = entry.model_copy(update={"method": entry.method or self._method(entry)})
            effort = ScoringSettings(batch=entry.batch)
            score_run.run_entry(self._scorer(entry.precision), named, self.out, effort, True, self.bar)
            return {
                "scores": f"{score_run.SCORES}/{entry.slug}",
                LABELS: score_run.ScoreJob.open(entry, self.out).labels(),
            }

        self.say(f"{name}: begins, or goes on where it stopped")
        stage = self.stages.do(name, key, work)
        self.say(f"{name}: done in {stage.seconds:,.0f} s")

    def _method(self, entry: ScoreEntry) -> str:
        """The recipe's name, and in brackets what tells two entries of one benchmark and protocol apart."""
        odd = entry.label or entry.named
        return self.recipe.name + (f" ({odd})" if odd else "")

    def _scored(self, entry: ScoreEntry, labels: str) -> bool:
        """Whether the scores are there, of the videos as they are now, and were measured against their labels."""
        task = score_run.ScoreJob.open(entry, self.out)
        folder = self.out / score_run.SCORES / entry.slug
        if not (folder / "score.json").is_file() or not (self.out / report.HTML).is_file():
            return False
        if task.labels() != labels:
            if labels:
                self.say(f"score {entry.slug}: the labels have changed")
            return False
        store = ScoreStore.open(folder)
        return all(store.has(video) for video in task.protocol.select(task.benchmark.videos()))

    def report(self) -> Path:
        """Stage `report`: the pages, and the story of the run."""
        page = self.out / "README.md"
        if self.recipe.score and self.stages.writes:
            page = self.out / report.HTML
            key = sha256_file(self.out / "results.json")
            if not (self.stages.fresh("report", key) and page.is_file()):
                self.stages.do("report", key, lambda: {"page": report.render(self.out).name})
        if self.stages.writes:
            write_atomic(self.out / "README.md", run_readme(self.recipe, self.out, self.stages).encode())
        return page

    def _model(self) -> Path | None:
        """The folder of the model to score; None for one that is made as the recipe says."""
        if self.recipe.fit is not None:
            return self.out / self.stages.done[FIT].facts["model"]
        model = self.recipe.model
        return Path(model.path).expanduser() if model.path is not None and not model.config else None

    def _model_key(self) -> str:
        """Digest of the model's files, or of what the recipe says of it."""
        from lavida_bench.common.model_digest import model_digest

        folder, path = self._model(), self.recipe.model.path
        if folder is not None and folder.is_dir():
            return model_digest(folder)
        begins = Path(path).expanduser() if path is not None else None
        files = model_digest(begins) if begins is not None and begins.is_dir() else self._shipped()
        return sha256_json([self.recipe.model.model_dump(mode="json"), self.recipe.seed, files])

    def _shipped(self) -> str:
        """Digest of the weights that come with this program, "" for a model that does not begin with them."""
        if self.recipe.model.preset != "tiny" or self.recipe.model.random:
            return ""
        from lavida.tiny.weights import FILE

        return file_digest(FILE)

    def _scorer(self, precision: Precision) -> Scorer:
        """The model, loaded once for each precision."""
        if precision not in self._scorers:
            self._scorers[precision] = self._loaded(precision)
        return self._scorers[precision]

    def _loaded(self, precision: Precision) -> Scorer:
        from lavida_bench.scoring import lavida_scorer

        folder = self._model()
        if folder is not None:
            return lavida_scorer.load_scorer(str(folder), precision)
        import torch

        from lavida_bench.fitting.model_init import make_model

        torch.manual_seed(self.recipe.seed)
        model, processor = make_model(self.recipe, self.say)
        return lavida_scorer.scorer_from_model(model, processor, self.recipe.name, precision)
