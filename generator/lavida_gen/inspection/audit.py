"""Every name of every source of a recipe: how often, what it is, what it conflicts with, how its absence is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lavida_gen.common.json_file import JsonObject
from lavida_gen.inspection.name_counts import NameCounts
from lavida_gen.inspection.name_pairs import Pairs, compared, conflicting_pairs, doubtful_pairs
from lavida_gen.names import lexicon
from lavida_gen.sampling.open_source import OpenSource
from lavida_gen.scenes.scene import Name

MOST_EXPRESSIONS = 5000
"""Expressions of a source that are listed, the most frequent first; there may be hundreds of thousands."""
NOTHING, STATED, UNSEEN, NEVER = "names nothing", "stated by the recipe", "not seen", "never annotated"
ONLY_ABSENT = "only stated as absent"


@dataclass(frozen=True, slots=True)
class NameRow:
    """What the audit knows of a name.

    Attributes:
        text: The name as prompts have it.
        original: The data set's own wording, "" if it is the same.
        category: The category of an expression, "" for categories.
        scenes: Number of scenes that hold it.
        is_exact: Whether every scene was counted, or `scenes` is an estimate.
        role: "thing", "stuff", "part", ..., with ", never the anomaly" where that holds.
        absence: How its absence is known.
        is_listed: Whether the recipe may list it as absent.
        verified: Number of scenes, of those read with masks, whose annotations state that it is absent.
        conflicts: Names with which it conflicts, and why.
        examples: Numbers of some scenes that hold it.
    """

    text: str
    original: str
    category: str
    scenes: int
    is_exact: bool
    role: str
    absence: str
    is_listed: bool
    verified: int
    conflicts: tuple[tuple[str, str], ...]
    examples: tuple[int, ...]

    def plain(self) -> JsonObject:
        """For `--json` and for the page."""
        row: JsonObject = {"name": self.text, "scenes": self.scenes, "exact": self.is_exact, "role": self.role}
        row |= {"absence": self.absence, "listed": self.is_listed, "conflicts": [list(pair) for pair in self.conflicts]}
        extra = {"original": self.original, "category": self.category, "verified": self.verified}
        return row | {key: value for key, value in extra.items() if value}


@dataclass(frozen=True, slots=True)
class SourceAudit:
    """The names of one source.

    Attributes:
        where: Its entry in the recipe: ``sources[0] (coco)``.
        title: Title of the data set.
        scenes: Number of its scenes.
        counted: Number of those whose names were counted.
        rows: Its names, the most frequent first.
        pairs: Pairs of names that a person should read, and why.
        compared: Number of categories whose conflicts are known; None if those of all are.
        unlisted: Number of expressions that are not among `rows`.
    """

    where: str
    title: str
    scenes: int
    counted: int
    rows: tuple[NameRow, ...]
    pairs: tuple[tuple[str, str, str], ...]
    compared: int | None
    unlisted: int

    def plain(self) -> JsonObject:
        """For `--json` and for the page."""
        return {
            "source": self.where,
            "title": self.title,
            "scenes": self.scenes,
            "counted": self.counted,
            "names": [row.plain() for row in self.rows],
            "doubtful": [list(pair) for pair in self.pairs],
            "compared": self.compared,
            "more_expressions": self.unlisted,
        }


def audit_source(where: str, opened: OpenSource, counts: NameCounts, stated: Sequence[str]) -> SourceAudit:
    """Put together what is known of the names of a source.

    Args:
        where: Its entry in the recipe.
        opened: The source.
        counts: What its scenes hold.
        stated: The recipe's `absent_names` for it.

    Returns:
        The audit.
    """
    categories = sorted(opened.names.categories, key=lambda text: -counts.scenes[text])
    synsets = {text: name.synset for text, name in opened.names.categories.items()}
    names = [Name(text, text, synset=synsets[text]) for text in categories]
    names += [Name(text, text) for text in stated if text not in synsets]
    conflicting = conflicting_pairs(names, opened.names.related)
    conflicts = _by_name(conflicting)
    make = _RowMaker(opened, counts, conflicts, frozenset(stated))
    expressions = list(_expressions(opened, counts))
    rows = [make.row(Name(name.text, name.category)) for name in names]
    rows += [make.row(Name(text, text)) for text in opened.names.left_out]
    rows += [make.row(name) for name in expressions[:MOST_EXPRESSIONS]]
    return SourceAudit(
        where=where,
        title=opened.source.rights().title,
        scenes=counts.total,
        counted=counts.read,
        rows=tuple(sorted(rows, key=lambda row: -row.scenes)),
        pairs=tuple(doubtful_pairs(names, conflicting)),
        compared=compared(len(names)) if compared(len(names)) < len(names) else None,
        unlisted=max(0, len(expressions) - MOST_EXPRESSIONS),
    )


def _by_name(pairs: Pairs) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (one, two), reason in pairs.items():
        found[one].append((two, reason))
        found[two].append((one, reason))
    return found


def _expressions(opened: OpenSource, counts: NameCounts) -> Iterator[Name]:
    """The names that are no categories, the most frequent first; also those that only scenes have."""
    others = set(counts.scenes).difference(opened.names.categories, opened.names.left_out)
    names = dict.fromkeys(sorted(others), "")
    names |= {row.text: row.category for row in opened.names.rows if row.text != row.category}
    known = (text for text in names if not opened.names.is_nothing(text))
    return (Name(text, names[text]) for text in sorted(known, key=lambda text: -counts.scenes[text]))


@dataclass(frozen=True, slots=True)
class _RowMaker:
    opened: OpenSource
    counts: NameCounts
    conflicts: dict[str, list[tuple[str, str]]]
    stated: frozenset[str]

    def row(self, name: Name) -> NameRow:
        names, rules, text = self.opened.names, self.opened.absence, name.text
        is_nothing = text in names.left_out
        return NameRow(
            text=text,
            original=names.originals.get(text, ""),
            category=name.category if name.category != text else "",
            scenes=self.counts.estimate(text),
            is_exact=self.counts.is_exact,
            role=NOTHING if is_nothing else self._role(text),
            absence="" if is_nothing else rules.evidence(text, ()),
            is_listed=not is_nothing and rules.accepts(name),
            verified=self.counts.verified[text],
            conflicts=tuple(self.conflicts.get(text, ())),
            examples=tuple(sorted(self.counts.examples.get(text, ()))),
        )

    def _role(self, text: str) -> str:
        seen = self.counts.roles.get(text)
        if seen:
            kind = "thing" if any(kind == "thing" for kind, _ in seen) else "stuff"
            if any(candidate for _, candidate in seen):
                return kind
            return f"{'part' if self._is_part(text) else kind}, never the anomaly"
        if text in self.counts.parts:
            return "part"
        if self.counts.scenes[text]:
            return "annotated"
        if text in self.stated and text not in self.opened.names.categories:
            return STATED
        if self.counts.verified[text]:
            return ONLY_ABSENT
        return NEVER if self.counts.is_exact else UNSEEN

    def _is_part(self, text: str) -> bool:
        """Whether a category is a part of another one of the vocabulary."""
        categories = self.opened.names.categories
        wholes = [other for other, reason in self.conflicts.get(text, ()) if reason.startswith("part")]
        synset = {name: categories[name].synset if name in categories else "" for name in (text, *wholes)}
        return any(lexicon.is_part(text, whole, synset[text], synset[whole]) for whole in wholes)
