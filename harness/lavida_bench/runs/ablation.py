"""Ablations of the corpus: arms that each add exposures to the arm before, everything else held fixed.

    ablate(load("exposures"), Path("runs/exposures"), 4, progress, print)

    OUT/ARM/corpus/     what the arm learns from          OUT/ARM/run/    fit, scores and report of the arm
    OUT/ablation.md     one row per arm: values with intervals, paired differences to the arm before
    OUT/ablation.json   the same for machines

A finished arm is left as it is: stopped at any moment, the same command goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from lavida_bench.common.progress import Bar
from lavida_bench.config import recipe as run_recipes
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.runs.ablation_table import ArmRun, write_table
from lavida_bench.runs.option_hint import option_hint
from lavida_gen.common.errors import UserError, problem
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.config import recipe as corpus_recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.recipe_files.kinds import ABLATION
from lavida_gen.recipe_files.reading import apply_setting, combined_error, validation_messages

ExposureEntry = str | dict[str, object]
"""An exposure as a recipe of a corpus lists it: its name, or its name with options."""


class ArmSettings(StrictModel):
    """The exposures that one arm adds."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="lower case, digits, - and _")
    exposures: list[ExposureEntry] = Field(min_length=1, description="as in a recipe of a corpus")


class Ablation(StrictModel):
    """An ablation as its YAML file describes it: a corpus without exposures, arms, a run without data."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="lower case, digits, - and _")
    about: str = ""
    corpus: dict[str, object] = Field(description="a recipe of a corpus, without name and exposures")
    arms: list[ArmSettings] = Field(min_length=2)
    run: dict[str, object] = Field(description="a recipe of a run, without name and data")

    @field_validator("arms")
    @classmethod
    def _refuse_equal_names(cls, arms: list[ArmSettings]) -> list[ArmSettings]:
        names = [arm.name for arm in arms]
        if len(set(names)) < len(names):
            raise ValueError(f"two arms have one name: {', '.join(names)}")
        return arms


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm with its own recipes.

    Attributes:
        name: Its name.
        corpus: The recipe of its corpus.
        run: The recipe of its run.
        exposures: Names of all exposures that it has.
    """

    name: str
    corpus: CorpusRecipe
    run: RunRecipe
    exposures: tuple[str, ...]


def load(name: str, settings: Sequence[str] = ()) -> Ablation:
    """Read an ablation.

    Args:
        name: Name of a built-in ablation, or path of a YAML file.
        settings: ``key.path=value`` arguments that change it.

    Returns:
        The ablation.

    Raises:
        UserError: There is no such file, or it is invalid. The message lists every problem.
    """
    path = ABLATION.find(name)
    raw = ABLATION.read(path, name)
    problems = [message for setting in settings for message in apply_setting(raw, setting)]
    try:
        ablation = Ablation.model_validate(raw)
    except ValidationError as error:
        raise combined_error(str(path), [*problems, *validation_messages(error, "", Ablation)]) from error
    if problems:
        raise combined_error(str(path), problems)
    return ablation


def resolve_arms(ablation: Ablation, out: Path, allow_code: bool = False) -> list[Arm]:
    """Make the recipes of every arm, before any work.

    Args:
        ablation: The ablation.
        out: Its folder.
        allow_code: Whether plug-ins may be named ``package.module:Class``.

    Returns:
        The arms in order.

    Raises:
        UserError: The recipe of an arm is invalid.
    """
    arms: list[Arm] = []
    exposures: list[ExposureEntry] = []
    for settings in ablation.arms:
        exposures += settings.exposures
        where = f"{ablation.name}, arm {settings.name}"
        corpus = _deep_copy({**ablation.corpus, "name": settings.name, "exposures": exposures})
        data = [{"corpus": str(out / settings.name / "corpus")}]
        run = {**ablation.run, "name": settings.name, "data": data}
        arms.append(
            Arm(
                settings.name,
                corpus_recipes.parse(corpus, f"{where}: corpus", allow_code=allow_code),
                run_recipes.parse(run, f"{where}: run", hint=option_hint, allow_code=allow_code),
                tuple(entry if isinstance(entry, str) else str(entry.get("name")) for entry in exposures),
            )
        )
    _refuse_ambiguous(arms[0].run, f"{ablation.name}: run")  # the same in all arms
    return arms


def _deep_copy(plain: Mapping[str, object]) -> dict[str, object]:
    """A copy of plain JSON, so that parsing an arm cannot change the next one."""
    copied: dict[str, object] = json.loads(json.dumps(plain))
    return copied


def _refuse_ambiguous(run: RunRecipe, where: str) -> None:
    """Raises UserError for two entries of `score` that would share a table."""
    tasks = [(entry.benchmark, entry.protocol.partition("/")[0]) for entry in run.score]  # one version of each is known
    for task in tasks:
        if tasks.count(task) > 1:
            got = f"score has {' under '.join(task)} {tasks.count(task)} times"
            todo = "keep one of them; an ablation of its own compares the other"
            raise UserError(problem(where, got, "each benchmark and protocol once", todo))


def ablate(
    ablation: Ablation, out: Path, workers: int, bar: Bar, log: Callable[[str], None], allow_code: bool = False
) -> Path:
    """Build, run and compare every arm.

    Args:
        ablation: The ablation.
        out: Its folder.
        workers: Processes that build a corpus.
        bar: Opens a progress bar.
        log: Prints a line about the progress.
        allow_code: Whether plug-ins may be named ``package.module:Class``.

    Returns:
        The path of the table, ablation.md.

    Raises:
        UserError: A recipe is invalid.
        DataError: Data is missing or broken, or the disk is full.
    """
    from lavida_bench.runs.preflight import refuse_unscorable
    from lavida_bench.runs.run import run
    from lavida_gen.building.build import build
    from lavida_gen.storage.output_folder import make_output_folder

    arms = resolve_arms(ablation, out, allow_code)
    refuse_unscorable(arms[0].run, f"{ablation.name}: run", bar)  # the same in all arms
    make_output_folder(out)
    finished = []
    for arm in arms:
        log(f"arm {arm.name}: {', '.join(arm.exposures)}")
        build(arm.corpus, out / arm.name / "corpus", workers)
        run(arm.run, out / arm.name / "run", bar, log)
        finished.append(ArmRun(arm.name, arm.exposures, out / arm.name / "run"))
    return write_table(ablation.name, ablation.about, finished, out, log, allow_code)
