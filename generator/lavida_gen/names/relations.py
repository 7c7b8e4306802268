"""Relations of categories that a data set or a recipe states, beside those of the lexicon.

A supercategory that is a category as well ("pets" over "dog"), a class for groups of things ("person group"), and the
recipe's own `synonyms:`, `kinds:` and `parts:`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lavida_gen.names.wording import tokens
from lavida_gen.scenes.scene import Name


class Relations:
    """Which categories may be true of a thing of another category, and which come with it as parts."""

    def __init__(
        self,
        names: Iterable[Name] = (),
        related: Mapping[str, Iterable[str]] | None = None,
        synonyms: Iterable[Sequence[str]] = (),
        kinds: Mapping[str, Sequence[str]] | None = None,
        parts: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Collect the relations.

        Args:
            names: Categories with their groups; a group that is a category as well is a kind of thing.
            related: Category -> other categories that may be true of the same thing.
            synonyms: Families of words for the same thing.
            kinds: Kind -> what falls under it.
            parts: Whole -> its parts.
        """
        self._wording: dict[str, str] = {}
        self._synonyms: dict[str, set[str]] = {}
        self._kinds: dict[str, set[str]] = {}
        self._members: dict[str, set[str]] = {}
        self._direct: dict[str, set[str]] = {}
        self._parts: dict[str, set[str]] = {}
        categories = {name.category: name.group for name in names if name.category}
        by_key = {self._key(category): category for category in categories}
        for category, group in categories.items():
            for key in dict.fromkeys((_key(group), _key(group.rpartition("--")[2]))):
                if key and key in by_key and by_key[key] != category:
                    self._add_kind(by_key[key], category)
        for family in synonyms:
            for one in family:
                self._synonyms.setdefault(self._key(one), set()).update(map(self._key, family))
        for kind, members in (kinds or {}).items():
            for member in members:
                self._add_kind(kind, member)
        for category, others in (related or {}).items():
            for other in others:
                _link(self._direct, self._key(category), self._key(other))
        for whole, pieces in (parts or {}).items():
            for piece in pieces:
                _link(self._parts, self._key(whole), self._key(piece))
        self._known: dict[str, tuple[str, ...]] = {}

    def _key(self, text: str) -> str:
        key = _key(text)
        self._wording.setdefault(key, text)
        return key

    def _add_kind(self, kind: str, member: str) -> None:
        above, below = self._key(kind), self._key(member)
        self._kinds.setdefault(below, set()).add(above)
        self._members.setdefault(above, set()).add(below)

    def __bool__(self) -> bool:
        return bool(self._synonyms or self._kinds or self._direct or self._parts)

    def may_be(self, category: str) -> tuple[str, ...]:
        """Other categories that may be true of a thing of this one: synonyms, kinds, members, stated relations.

        Args:
            category: A category.

        Returns:
            Their wordings, in a stable order. Symmetric; siblings are not related.
        """
        if category not in self._known:
            key = _key(category)
            above, below = self._reach(key, self._kinds), self._reach(key, self._members)
            found = above | below | {other for one in above | below for other in self._direct.get(one, ())}
            self._known[category] = tuple(sorted(self._wording[other] for other in found - {key}))
        return self._known[category]

    def parts(self, category: str) -> tuple[str, ...]:
        """Categories of which a thing of this one is a part, or which are its parts.

        Args:
            category: A category.

        Returns:
            Their wordings, in a stable order.
        """
        family = self._synonyms.get(_key(category), {_key(category)})
        return tuple(sorted(self._wording[other] for one in family for other in self._parts.get(one, ())))

    def _reach(self, start: str, step: Mapping[str, set[str]]) -> set[str]:
        """Everything that steps and synonyms lead to."""
        found, remaining = {start}, [start]
        while remaining:
            here = remaining.pop()
            for other in (*self._synonyms.get(here, ()), *step.get(here, ())):
                if other not in found:
                    found.add(other)
                    remaining.append(other)
        return found


def _key(text: str) -> str:
    return " ".join(tokens(text))


def _link(graph: dict[str, set[str]], one: str, two: str) -> None:
    graph.setdefault(one, set()).add(two)
    graph.setdefault(two, set()).add(one)
