"""Which names a source's prompts may list as absent, and how the absence of each is known.

The weakest evidence that counts is the recipe's `absent_evidence:`; without it the best that the source has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.config.recipe import AskedEvidence, SourceConfig
from lavida_gen.names import lexicon
from lavida_gen.names.name_rows import JoinedNames
from lavida_gen.names.vocabulary import Vocabulary
from lavida_gen.sampling.readable_names import ReadableNames
from lavida_gen.scenes.evidence import EVIDENCE, FALSE_EVIDENCE, FalseEvidence
from lavida_gen.scenes.scene import Name
from lavida_gen.sources._base import Source

COPIED = 4096
"""Largest vocabulary that is copied and filtered once; of a larger one (expressions) each name is judged when drawn."""
SCENES_ASKED = 64
"""Scenes that are asked whether the data set states names as absent."""


class AbsenceRules:
    """What may be listed as absent from the scenes of one source.

    Attributes:
        minimum: The weakest evidence with which a name may be listed; the user's `absent_names:` count beside it.
    """

    def __init__(self, source: Source, names: ReadableNames, entry: SourceConfig, asked: AskedEvidence | None) -> None:
        """Compare what the recipe asks for with what the source has.

        Args:
            source: The source.
            names: Its readable names.
            entry: Its entry in the recipe.
            asked: The entry's or the recipe's `absent_evidence`.

        Raises:
            UserError: The source cannot meet it.
        """
        self._source, self._names = source, names
        self._is_drawn = source.absence == "verified"
        overrides = type(source).evidence_of_absence is not Source.evidence_of_absence
        self._declares = overrides or source.absence != "unannotated"
        self._stated = frozenset(entry.absent_names)
        self._lists_others = entry.other_names
        self._declared_of: dict[str, FalseEvidence] = {}
        self._accepted: dict[str, bool] = {}  # categories
        best = self._best()
        self.minimum: FalseEvidence = best if asked is None else "unannotated" if asked == "any" else asked
        if asked is None:
            return
        self._lists_others = entry.other_names and self.minimum == "unannotated"
        if _rank("stated") > _rank(self.minimum):
            self._stated = frozenset()
        if _rank(best) > _rank(self.minimum) and not self._stated and not self._some_scene_states_names():
            got = f"its data set has {best!r} names at best"
            todo = f"give this entry `absent_evidence: {'any' if best == 'unannotated' else best}`, or take it out"
            raise UserError(problem("absent_evidence", got, f"{asked!r}, as the recipe asks", todo))

    def _best(self) -> FalseEvidence:
        """The best evidence for the absence of a name of the vocabulary, or what the source asks for itself."""
        if self._source.least_evidence is not None:
            return self._source.least_evidence
        if self._is_drawn:
            return "verified"
        declared = (self._declared(Name(category, category)) for category in self._names.categories)
        return min(declared, key=_rank, default="unannotated")

    def _some_scene_states_names(self) -> bool:
        numbers = range(0, len(self._source), max(1, len(self._source) // SCENES_ASKED))
        return any(self._states_names(number) for number in numbers)

    def _states_names(self, number: int) -> bool:
        try:
            return next(iter(self._source.scene(number).absent()), None) is not None
        except DataError:
            return False  # reported where the scene is drawn

    def vocabulary(self, others: Sequence[ReadableNames] = ()) -> Vocabulary:
        """The names that may be listed as absent.

        Args:
            others: Names of the recipe's other sources; listed if the entry has `other_names: true`.
        """
        stated = [Name(text, text) for text in sorted(self._stated)]
        borrowed = [other.rows for other in others if self._lists_others]
        names = JoinedNames([stated, self._names.rows, *borrowed])
        if len(names) > COPIED:
            return Vocabulary(names, self.accepts)
        return Vocabulary([name for name in dict.fromkeys(names) if self.accepts(name)])

    def accepts(self, name: Name) -> bool:
        """Whether a name may be listed as absent: it names something, and the evidence suffices.

        Args:
            name: A readable name, of this source or of another one.
        """
        if name.text != name.category:
            return self._judge(name)
        accepted = self._accepted.get(name.text)
        if accepted is None:
            accepted = self._accepted[name.text] = self._judge(name)
        return accepted

    @cached_property
    def restricts_anomalies(self) -> bool:
        """Whether there are categories that may not be the anomaly."""
        return not all(map(self.may_be_anomaly, self._names.categories))

    def may_be_anomaly(self, category: str) -> bool:
        """Whether things of a category may be the anomaly: a name that no prompt lists as absent would give them away.

        That concerns the few classes of a data set that are not annotated completely as the others are.

        Args:
            category: A readable category, "" if unknown.
        """
        if self.minimum != "exhaustive" or not category:
            return True
        accepted = self._accepted.get(category)
        return self.accepts(Name(category, category)) if accepted is None else accepted

    def _judge(self, name: Name) -> bool:
        if self._names.is_nothing(name.text):
            return False
        if self._lists_others and name.is_stuff and not self._is_own(name):
            return False  # a data set of things mentions neither sky nor road in any scene
        if self.minimum == "unannotated" or name.text in self._stated:
            return True
        if self._lists_others and not self._is_own(name):
            return True
        return _rank(self._declared(name)) <= _rank(self.minimum)

    def _is_own(self, name: Name) -> bool:
        return name.category in self._names.categories if name.category else name.text in self._categories_of

    def _declared(self, name: Name) -> FalseEvidence:
        """What the source declares about the absence of a name; nothing about names of other data sets."""
        if self._is_drawn:  # everything in a drawn scene is known
            return "verified"
        if not self._declares or not self._is_own(name):
            return "unannotated"
        raw = self._names.categories.get(name.category, name)
        text = raw.category if name.text == name.category else name.text
        return self._source.evidence_of_absence(Name(text, raw.category, raw.group, raw.synset))

    def evidence(self, text: str, there: Collection[str]) -> FalseEvidence:
        """How it is known that a listed name is absent from a scene which does not itself state it.

        Args:
            text: The name.
            there: The categories of what is annotated in the scene.

        Returns:
            The weakest class over all categories that the name has in the vocabulary. "unannotated" for a name of a
            kind of thing that is there: nobody states that it is true of none of them.
        """
        own = self._declared_of.get(text)
        if own is None:
            own = self._declared_of[text] = self._weakest(text)
        if own not in ("verified", "unannotated") and self._is_of_a_kind_in(text, there):
            own = "unannotated"
        return "stated" if text in self._stated and _rank("stated") < _rank(own) else own

    @cached_property
    def evidence_of_category(self) -> dict[str, FalseEvidence]:
        """How it is known that a category is absent from a scene that shows no thing of that category."""
        texts = [text for text in self._names.categories if text not in self._stated]
        return {text: self._weakest(text) for text in texts}

    def _weakest(self, text: str) -> FalseEvidence:
        if self._is_drawn:
            return "verified"
        categories = self._categories_of.get(text, ()) if self._declares else ()
        classes = [self._declared(Name(text, category)) for category in categories]
        return max(classes, key=_rank) if classes else "unannotated"

    def _is_of_a_kind_in(self, text: str, there: Collection[str]) -> bool:
        """Categories that may be listed are of no kind that is there (`pick_absent`); expressions may be."""
        if text in self._names.categories:
            return text in there
        return any(lexicon.same_kind(category, other) for category in self._categories_of[text] for other in there)

    def suffices(self, text: str, evidence: str) -> bool:
        """Whether a name that an exposure listed has the evidence asked for.

        Args:
            text: The name.
            evidence: How its absence is known.
        """
        if evidence == "verified" or text in self._stated:
            return True
        if self._lists_others and not self._categories_of.get(text):
            return True
        return EVIDENCE.index(evidence) <= EVIDENCE.index(self.minimum)

    @cached_property
    def _categories_of(self) -> dict[str, tuple[str, ...]]:
        """Categories of every name of the vocabulary."""
        found: dict[str, tuple[str, ...]] = {}
        for name in self._names.rows:
            known = found.get(name.text, ())
            if name.category not in known:
                found[name.text] = (*known, name.category)
        return found


def _rank(evidence: FalseEvidence) -> int:
    """0 for the strongest evidence."""
    return FALSE_EVIDENCE.index(evidence)
