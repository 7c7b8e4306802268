"""Ablations of the corpus: arms that each add exposures to the arm before, everything else held fixed.

    ablate(load("exposures"), Path("runs/exposures"), progress, print)

    OUT/ARM/corpus/     what the arm learns from          OUT/ARM/run/    fit, scores and report of the arm
    OUT/ablation.md     one row an arm: values with intervals, paired differences to the arm before
    OUT/ablation.json   the same for machines

An arm that is done is left as it is: stopped at any moment, the same command goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from lavida_bench.common.progress import Bar
from lavida_bench.config import recipe as runs
from lavida_bench.runs import ablation_table
from lavida_bench.runs.option_hint import option_hint
from lavida_gen.common.errors import UserError, problem
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.config import recipe as corpora
from lavida_gen.recipe_files.kinds import ABLATION
from lavida_gen.recipe_files.reading import apply_setting, combined_error, expand_variables, validation_messages


class ArmSettings(StrictModel):
    """What one arm adds."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="lower case, digits, - and _")
    exposures: list[str | dict[str, Any]] = Field(min_length=1, description="as in a recipe of a corpus")


class Ablation(StrictModel):
    """An ablation, described: a corpus without exposures, arms, a run without data."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="lower case, digits, - and _")
    about: str = ""
    corpus: dict[str, Any] = Field(description="a recipe of a corpus, without name and exposures")
    arms: list[ArmSettings] = Field(min_length=2)
    run: dict[str, Any] = Field(description="a recipe of a run, without name and data")

    @field_validator("arms")
    @classmethod
    def _distinct(cls, arms: list[ArmSettings]) -> list[ArmSettings]:
        names = [arm.name for arm in arms]
        if len(set(names)) < len(names):
            raise ValueError(f"two arms have one name: {', '.join(names)}")
        return arms


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm, resolved: its corpus, its run, all exposures that it has."""

    name: str
    corpus: corpora.CorpusRecipe
    run: runs.RunRecipe
    exposures: tuple[str, ...]


def load(name: str, settings: Sequence[str] = ()) -> Ablation:
    """Read an ablation by name or path, with `key.path=value` on top. Raises UserError with every fault."""
    path = ABLATION.find(name)
    raw = ABLATION.read(path, name)
    problems = [one for setting in settings for one in apply_setting(raw, setting)]
    raw = expand_variables(raw, "", problems)
    try:
        made = Ablation.model_validate(raw)
    except ValidationError as error:
        raise combined_error(str(path), [*problems, *validation_messages(error, "", Ablation)]) from error
    if problems:
        raise combined_error(str(path), problems)
    return made


def resolve_arms(ablation: Ablation, out: Path, allow_code: bool = False) -> list[Arm]:
    """Every arm with its own recipes. Raises UserError for any fault in any of them, before any work."""
    found: list[Arm] = []
    exposures: list[str | dict[str, Any]] = []
    for arm in ablation.arms:
        exposures += arm.exposures
        where = f"{ablation.name}, arm {arm.name}"
        plain = json.loads(json.dumps(ablation.corpus | {"name": arm.name, "exposures": exposures}))
        data = [{"corpus": str(out / arm.name / "corpus")}]
        found.append(
            Arm(
                arm.name,
                corpora.parse(plain, f"{where}: corpus", allow_code=allow_code),
                runs.parse(
                    ablation.run | {"name": arm.name, "data": data},
                    f"{where}: run",
                    hint=option_hint,
                    allow_code=allow_code,
                ),
                tuple(one if isinstance(one, str) else str(one.get("name")) for one in exposures),
            )
        )
    _refuse_twice(found[0].run, f"{ablation.name}: run")  # the same in all arms
    return found


def _refuse_twice(run: runs.RunRecipe, where: str) -> None:
    """Raises UserError for two entries of `score` between which the table could not choose."""
    keys = [(entry.benchmark, entry.protocol.partition("/")[0]) for entry in run.score]  # only one version is known
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        got = f"score has {' under '.join(twice)} {keys.count(twice)} times"
        todo = "keep one of them; an ablation of its own compares the other"
        raise UserError(problem(where, got, "each benchmark and protocol once", todo))


def ablate(
    ablation: Ablation, out: Path, workers: int, bar: Bar, say: Callable[[str], None], allow_code: bool = False
) -> Path:
    """Build, run and compare every arm; gives the path of the table. Raises UserError or DataError."""
    from lavida_bench.runs.preflight import refuse_unscorable
    from lavida_bench.runs.run import run
    from lavida_gen.building.build import build
    from lavida_gen.storage import output_folder as out_folder

    made = resolve_arms(ablation, out, allow_code)
    refuse_unscorable(made[0].run, f"{ablation.name}: run")  # the same in all arms
    out_folder.make_output_folder(out)
    for arm in made:
        say(f"arm {arm.name}: {', '.join(arm.exposures)}")
        build(arm.corpus, out / arm.name / "corpus", workers)
        run(arm.run, ablation_table.run_folder(out, arm.name), bar, say)
    told = [(arm.name, arm.exposures) for arm in made]
    return ablation_table.write(ablation.name, ablation.about, told, out, say)
