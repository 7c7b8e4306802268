"""What is odd in a recipe's data, as far as it can be found without a build, for `lavida-gen check`.

Every source is opened and reports what it finds; its names are counted; some of its scenes are read as a build would;
and some samples of the corpus are made in memory. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lavida_gen.building.read_trial import BrokenScene, broken_scenes, damaged_pictures, read_scenes
from lavida_gen.building.trial import run_trial
from lavida_gen.common.errors import LavidaGenError
from lavida_gen.common.findings import Finding, under_stop
from lavida_gen.common.text import counted
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.inspection import name_counts
from lavida_gen.inspection.audit import SourceAudit, audit_source
from lavida_gen.inspection.name_counts import NameCounts
from lavida_gen.sampling.open_source import OpenSource
from lavida_gen.sampling.planner import SamplePlanner

TRIAL = 100
"""Samples that are made by default."""
LEAST = 8
"""Least scenes of a source that are read for the trial."""
OFTEN = 100
"""Samples of one scene, on average, that deserve a remark."""


@dataclass(slots=True)
class RecipeCheck:
    """What was found in the data of a recipe.

    Attributes:
        recipe: The recipe.
        trial: How many samples to make; 0 for none, which decodes no picture either.
        advance: Called with the number of scenes or samples looked at since the last call.
        findings: Everything odd, none of it "dropped" where the recipe stops at broken data.
        audits: The names of each source that could be opened.
        opened: Those sources, by their entry in the recipe.
    """

    recipe: CorpusRecipe
    trial: int = TRIAL
    advance: Callable[[int], None] = lambda done: None
    findings: list[Finding] = field(default_factory=list)
    audits: list[SourceAudit] = field(default_factory=list)
    opened: dict[str, OpenSource] = field(default_factory=dict)

    def run(self) -> None:
        """Open every data set and look into it. A source that cannot be opened does not hide what others have."""
        usable = [number for number in range(len(self.recipe.sources)) if self._opens(number)]
        planner = self._plan(usable)
        if planner is None:
            return
        whole = len(usable) == len(self.recipe.sources)
        if whole:
            self.findings += [Finding("note", text) for text in planner.notes()]
            self.findings += [Finding("note", text) for text in _often_used(planner)]
        for number, opened in zip(usable, planner.sources, strict=True):
            self._look_into(number, opened)
        if self.trial and whole:
            known = [finding.text for finding in self.findings if finding.severity != "note"]
            self.findings += run_trial(planner, self.trial, known, self.advance).findings()

    def _where(self, number: int) -> str:
        return f"sources[{number}] ({self.recipe.sources[number].name})"

    def _opens(self, number: int) -> bool:
        """Open a source by itself and keep what it reports. Returns whether a build can open it too."""
        entry, stops = self.recipe.sources[number], self.recipe.broken == "stop"
        try:
            source = entry.find_class()(entry.options)
            self._add(number, source.findings())
            return not (stops and any(source.left_out()))
        except LavidaGenError as error:
            self._add(number, (Finding("error", line) for line in str(error).splitlines()))
            return False

    def _add(self, number: int, findings: Iterator[Finding]) -> None:
        seen = under_stop(findings) if self.recipe.broken == "stop" else findings
        for finding in seen:
            self.findings.append(replace(finding, text=f"{self._where(number)}: {finding.text}"))

    def _plan(self, usable: list[int]) -> SamplePlanner | None:
        """Open the usable sources as a build does; None if that fails."""
        if not usable:
            return None
        recipe = self.recipe.model_copy(update={"sources": [self.recipe.sources[number] for number in usable]})
        try:
            return SamplePlanner.open(recipe)
        except LavidaGenError as error:
            if len(usable) == len(self.recipe.sources):
                self.findings.append(Finding("error", str(error)))
            return None

    def _look_into(self, number: int, opened: OpenSource) -> None:
        """Count the names of a source and read some of its scenes."""
        total = len(opened.source)
        counts, is_cheap = NameCounts(total), name_counts.names_are_cheap(opened.source)
        seconds = name_counts.SECONDS / len(self.recipe.sources) / (4 if _is_drawn(opened) else 1)
        if is_cheap:
            name_counts.count_cheap_names(opened, counts, seconds, self.advance)
        decoded = frozenset(name_counts.spread(total, self._trial_scenes(opened)))
        others = () if is_cheap else name_counts.scenes_with_masks(opened, seconds / 2)
        broken, damages = [], []
        for found in read_scenes(opened, sorted(decoded.union(others)), decoded, self.advance):
            if isinstance(found, BrokenScene):
                broken.append(found)
                continue
            counts.look(found.scene)
            damages += [found.damage] if found.damage else []
            if not is_cheap:
                counts.count(found.number, found.names)
        name_counts.look_at_examples(opened, counts, self.advance)
        where = f"{self._where(number)}: "
        own = (row.text for row in self.findings if row.severity != "note" and row.text.startswith(where))
        self._add(number, broken_scenes(broken, list(own)))
        self._add(number, damaged_pictures(damages))
        stated = self.recipe.sources[number].absent_names
        self.audits.append(audit_source(self._where(number), opened, counts, stated))
        self.opened[self._where(number)] = opened

    def _trial_scenes(self, opened: OpenSource) -> int:
        """How many scenes of a source are decoded."""
        if not self.trial:
            return 0
        return LEAST if _is_drawn(opened) else max(LEAST, self.trial // len(self.recipe.sources))


def check_data(recipe: CorpusRecipe, trial: int = TRIAL) -> list[Finding]:
    """Everything odd in the data of a recipe.

    Args:
        recipe: The recipe.
        trial: How many samples to make; 0 for none.

    Returns:
        The findings.
    """
    check = RecipeCheck(recipe, trial)
    check.run()
    return check.findings


def _is_drawn(opened: OpenSource) -> bool:
    """Whether scenes are drawn: slow to make, but there is no file that could be broken."""
    return opened.source.absence == "verified"


def _often_used(planner: SamplePlanner) -> Iterator[str]:
    """Remarks on sources of few scenes that give very many samples."""
    samples = planner.recipe.samples
    total = sum(opened.weight for opened in planner.sources)
    for number, opened in enumerate(planner.sources):
        own, scenes = round(samples * opened.weight / total), len(opened.source)
        if own > OFTEN * scenes:
            text = f"{counted(scenes, 'scene')} for about {own:,} samples, {own // scenes:,} of each"
            yield f"sources[{number}] ({opened.name}): {text}; more samples will hardly add anything"
