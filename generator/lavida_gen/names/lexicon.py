"""Relations between names: could one name describe what another name describes?

A name may be listed as absent only if it conflicts with no name of anything annotated in the scene. Two names conflict
if they have the same wording (the same words, whatever the order, articles, plural), are synonyms, or one is a kind of
the other (man, person), or a part of it (roof, building); expressions conflict by the kind of thing that they name. The
hand-made tables are in data/lexicon.yaml; WordNet stands behind them for categories.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import NamedTuple

from lavida_gen.names import wordnet
from lavida_gen.names.tables import tables
from lavida_gen.names.wording import head_phrase, tokens
from lavida_gen.scenes.scene import Name


class Meaning(NamedTuple):
    """The meaning of a name.

    Attributes:
        words: Its content words.
        things: Those words (or phrases) that name a kind of thing, synonyms resolved.
    """

    words: frozenset[str]
    things: frozenset[str]


@lru_cache(maxsize=400_000)
def parse_name(text: str) -> Meaning:
    """Find the content words of a name and the kinds of things that it names.

    Args:
        text: A name.

    Returns:
        Its meaning; all words are content words if there are no others.
    """
    known, words = tables(), tokens(text)
    things: list[str] = []
    start = 0
    while start < len(words):
        for length in range(min(known.max_words, len(words) - start), 0, -1):
            phrase = " ".join(words[start : start + length])
            if phrase in known.things:
                things.append(known.synonyms.get(phrase, phrase))
                start += length
                break
        else:
            start += 1
    content = frozenset(word for word in words if word not in known.stop_words)
    return Meaning(content or frozenset(words), frozenset(things))


def _is_related(one: str, two: str) -> bool:
    """Are both the same thing, or is one a kind of the other?"""
    hypernyms = tables().hypernyms
    return one == two or two in hypernyms.get(one, ()) or one in hypernyms.get(two, ())


@lru_cache(maxsize=1 << 17)
def same_wording(one: str, two: str) -> bool:
    """Do two names have equal content words, or equal ones except for words of related things?

    Args:
        one: A name.
        two: Another name.

    Returns:
        Whether they mean the same, as far as their words show.
    """
    a, b = parse_name(one), parse_name(two)
    if a.words == b.words or (a.things and a.things == b.things and a.words - a.things == b.words - b.things):
        return True
    left, right = a.words - b.words, b.words - a.words
    return len(left) == len(right) == 1 and _is_related(*map(_resolve, (*left, *right)))


@lru_cache(maxsize=400_000)
def without_colours(text: str) -> str:
    """Remove the words of colours, so that "person in red" and "person in blue" become one.

    Args:
        text: A name.

    Returns:
        Its other words, joined by spaces.
    """
    return " ".join(word for word in tokens(text) if word not in tables().colours)


def entails(text: str, name: str) -> bool:
    """Has `text` the wording of `name`, with every qualifier of place and action that `name` has?

    A thing called "person walking" may be called "person", but not "person running".

    Args:
        text: A name that is true of a thing.
        name: Another name.

    Returns:
        Whether `name` is true of the thing as well.
    """
    return same_wording(text, name) and tables().qualifiers.intersection(tokens(name)).issubset(tokens(text))


def _resolve(word: str) -> str:
    return tables().synonyms.get(word, word)


class Category(NamedTuple):
    """A category, looked up once.

    Attributes:
        words: Its words, singular.
        whole: The same as a table has them, synonyms resolved.
        things: The kinds of things that it names: itself where a table or WordNet knows it as a whole ("tea bag" is no
            bag), else what it ends in ("bike lane" is a lane).
        reading: The senses in WordNet that it may stand for.
        is_stated: Whether the data set states its sense: that alone is `reading`.
    """

    words: str
    whole: str
    things: frozenset[str]
    reading: wordnet.Reading
    is_stated: bool

    @property
    def is_known(self) -> bool:
        """Whether WordNet knows it as a whole: "tank top" is not a tank in some place."""
        return self.is_stated or not self.reading.is_compound


@lru_cache(maxsize=100_000)
def look_up(text: str, synset: str = "") -> Category:
    """Look a category up.

    Args:
        text: Its name.
        synset: The synset that its data set states ("dog.n.01"), "" if it states none.

    Returns:
        What is known of it.
    """
    table, words = tables(), " ".join(tokens(text))
    whole = _resolve(words)
    stated = wordnet.synset(synset)
    if stated.senses:
        return Category(words, whole, frozenset({whole}), stated, is_stated=True)
    reading = wordnet.read(" ".join(text.lower().split()))
    known = words in table.things or whole in table.hypernyms or not reading.is_compound
    things = frozenset({whole} if known else _last_thing(head_phrase(text)))
    return Category(words, whole, things, reading, is_stated=False)


def _last_thing(head: str) -> set[str]:
    """The longest entry of a table that a name ends in: "traffic sign" of "the big traffic sign"."""
    words = [word for word in tokens(head) if word not in tables().stop_words]
    endings = (" ".join(words[start:]) for start in range(len(words)))
    known = (ending for ending in endings if ending in tables().things or ending in tables().hypernyms)
    return {_resolve(ending) for ending in itertools.islice(known, 1)}


def _is_related_by_table(a: Category, b: Category) -> bool:
    """The tables relate words: "pitcher" to "person", though never where a data set states that it means the vessel."""
    if (a.is_stated or b.is_stated) and not wordnet.live_alike(a.reading, b.reading):
        return False
    return _is_related(a.whole, b.whole) or any(_is_related(x, y) for x in a.things for y in b.things)


@lru_cache(maxsize=1 << 15)
def same_kind(one: str, two: str, synset_one: str = "", synset_two: str = "") -> bool:
    """Could a thing of category `one` be called `two` as well: equal, synonym, or a kind of the other?

    The hand-made tables decide first, in both directions; then WordNet: by the synsets that the data sets state, else
    by the senses of the words that a picture can show.

    Args:
        one: A category.
        two: Another category.
        synset_one: The synset that its data set states for `one` ("dog.n.01"), "" if it states none.
        synset_two: That of `two`.

    Returns:
        Whether they are related. Symmetric.
    """
    a, b = look_up(one, synset_one), look_up(two, synset_two)
    if a.words == b.words or (not (a.is_known and b.is_known) and same_wording(one, two)):
        return True
    if _is_unrelated(a, b):
        return False
    return _is_overlap(a, b) or _is_related_by_table(a, b) or wordnet.is_kin(a.reading, b.reading)


def _is_unrelated(a: Category, b: Category) -> bool:
    return frozenset((a.words, b.words)) in tables().unrelated or frozenset((a.whole, b.whole)) in tables().unrelated


def _is_overlap(a: Category, b: Category) -> bool:
    return frozenset((a.words, b.words)) in tables().overlaps


def relation(one: Name, two: Name) -> str:
    """Why two categories conflict, in words: for lists that people read.

    Args:
        one: The name of a category.
        two: That of another one.

    Returns:
        "same wording", "overlap", "kind, by table", "kind, by WordNet", "part", or "" where they do not conflict.
    """
    if parse_name(one.text).words == parse_name(two.text).words:
        return "same wording"
    if same_kind(one.text, two.text, one.synset, two.synset):
        a, b = look_up(one.text, one.synset), look_up(two.text, two.synset)
        if _is_overlap(a, b):
            return "overlap"
        by_table = same_wording(one.text, two.text) or _is_related_by_table(a, b)
        return "kind, by table" if by_table else "kind, by WordNet"
    return "part" if conflict(one, two) else ""


@lru_cache(maxsize=1 << 15)
def is_part(one: str, two: str, synset_one: str = "", synset_two: str = "") -> bool:
    """Does a thing of category `one` belong to a thing of category `two`: a roof to a building, a hand to a person?

    Args:
        one: The category of a part.
        two: The category of a whole.
        synset_one: The synset that its data set states for `one`, "" if it states none.
        synset_two: That of `two`.

    Returns:
        Whether it is one. Not symmetric.
    """
    table, part, whole = tables(), look_up(one, synset_one), look_up(two, synset_two)
    if _is_unrelated(part, whole):
        return False
    owners = table.wholes.get(part.whole, frozenset())
    if not owners.isdisjoint({whole.whole, *table.hypernyms.get(whole.whole, ())}):
        return True
    is_meant = part.is_stated or table.no_parts.isdisjoint((part.words, part.whole))
    return is_meant and wordnet.is_part(part.reading, whole.reading)


def conflict(one: Name, two: Name) -> bool:
    """Could `one` describe what `two` describes? Then it is no safe negative where `two` is annotated.

    Known categories decide: things of unrelated categories conflict only if their names have the same wording; things
    of related categories always conflict, for an expression may be true of a thing that it was not written for; so do
    categories of which one is a part of the other: where a building is annotated, its roof is there as well. Where a
    category is unknown, the kinds of things in the wording decide, and where it names none, any shared content word.

    Args:
        one: A name.
        two: Another name.

    Returns:
        Whether they conflict. Symmetric.
    """
    if one.category and two.category:  # the cheap and common case first
        if same_kind(one.category, two.category, one.synset, two.synset):
            return True
        if is_part(one.category, two.category, one.synset, two.synset):
            return True
        if is_part(two.category, one.category, two.synset, one.synset):
            return True
        both_categories = one.text == one.category and two.text == two.category
        return not both_categories and same_wording(one.text, two.text)
    if same_wording(one.text, two.text):
        return True
    a, b = _things(one), _things(two)
    if a and b:
        return any(_is_related(x, y) for x in a for y in b)
    return bool(parse_name(one.text).words & parse_name(two.text).words)


def _things(name: Name) -> frozenset[str]:
    if not name.category:
        return parse_name(name.text).things
    return parse_name(name.category).things or frozenset({_resolve(name.category)})
