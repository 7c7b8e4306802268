"""Relations between names: could one name describe what another name describes?

A name may be listed as absent only if it conflicts with no name of anything annotated in the scene. Two names conflict
if they have the same wording (the same words, whatever the order, articles, plural), are synonyms, or one is a kind of
the other (man, person), or a part of it (roof, building); expressions conflict by the kind of thing that they name. The
hand-made tables are in data/lexicon.yaml; WordNet stands behind them for categories.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

from lavida_gen.names import wordnet
from lavida_gen.names.wording import head_phrase, lexicon_file, tokens
from lavida_gen.scenes.scene import Name


class _Tables(NamedTuple):
    stop_words: frozenset[str]  # glue words and qualifiers
    qualifiers: frozenset[str]
    synonyms: dict[str, str]  # word -> the first word of its family
    things: frozenset[str]  # what an expression may name: all words of synonyms and hyponyms
    hypernyms: dict[str, frozenset[str]]  # thing -> everything it is a kind of, transitively, synonyms resolved
    max_words: int  # words of the longest table entry
    wholes: dict[str, frozenset[str]]  # a part -> what it may belong to
    unrelated: frozenset[frozenset[str]]  # pairs that WordNet relates and a picture does not
    no_parts: frozenset[str]  # words whose first sense in WordNet is a part that nobody means
    colours: frozenset[str]
    variants: dict[str, tuple[str, ...]]  # word -> those that may replace it


@cache
def _tables() -> _Tables:
    plain = lexicon_file()
    synonyms = {word: family[0] for family in plain["synonyms"] for word in family}
    parents: dict[str, set[str]] = {}
    things = set(synonyms)
    for section in ("hyponyms", "whole_names"):
        for kind, members in plain[section].items():
            for member in members:
                child, parent = synonyms.get(member, member), synonyms.get(kind, kind)
                parents.setdefault(child, set()).add(parent)
                if section == "hyponyms":
                    things.update((child, parent))
    wholes: dict[str, set[str]] = {}
    for whole, members in plain["parts"].items():
        for member in members:
            wholes.setdefault(synonyms.get(member, member), set()).add(synonyms.get(whole, whole))
    qualifiers = frozenset(plain["qualifiers"])
    families = plain["swaps"].values()
    return _Tables(
        stop_words=qualifiers.union(plain["glue"]),
        qualifiers=qualifiers,
        synonyms=synonyms,
        things=frozenset(things),
        hypernyms={word: frozenset(_ancestors(word, parents)) for word in parents},
        max_words=max(len(entry.split()) for entry in things),
        wholes={part: frozenset(owners) for part, owners in wholes.items()},
        unrelated=frozenset(frozenset(pair) for pair in plain["unrelated"]),
        no_parts=frozenset(plain["no_parts"]),
        colours=frozenset(plain["swaps"]["colour"]),
        variants={word: tuple(other for other in family if other != word) for family in families for word in family},
    )


def _ancestors(word: str, parents: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    remaining = [word]
    while remaining:
        for parent in parents.get(remaining.pop(), ()):
            if parent not in found:
                found.add(parent)
                remaining.append(parent)
    return found


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
    tables, words = _tables(), tokens(text)
    things: list[str] = []
    start = 0
    while start < len(words):
        for length in range(min(tables.max_words, len(words) - start), 0, -1):
            phrase = " ".join(words[start : start + length])
            if phrase in tables.things:
                things.append(tables.synonyms.get(phrase, phrase))
                start += length
                break
        else:
            start += 1
    content = frozenset(word for word in words if word not in tables.stop_words)
    return Meaning(content or frozenset(words), frozenset(things))


def _is_related(one: str, two: str) -> bool:
    """Are both the same thing, or is one a kind of the other?"""
    hypernyms = _tables().hypernyms
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
    return " ".join(word for word in tokens(text) if word not in _tables().colours)


def entails(text: str, name: str) -> bool:
    """Has `text` the wording of `name`, with every qualifier of place and action that `name` has?

    A thing called "person walking" may be called "person", but not "person running".

    Args:
        text: A name that is true of a thing.
        name: Another name.

    Returns:
        Whether `name` is true of the thing as well.
    """
    return same_wording(text, name) and _tables().qualifiers.intersection(tokens(name)).issubset(tokens(text))


def _resolve(word: str) -> str:
    return _tables().synonyms.get(word, word)


class _Category(NamedTuple):
    """A category, looked up once.

    Attributes:
        whole: Its words as a table has them, synonyms resolved.
        things: The kinds of things that it names: itself where a table or WordNet knows it as a whole ("tea bag" is no
            bag), else those in its words.
        reading: The senses in WordNet that it may stand for.
    """

    whole: str
    things: frozenset[str]
    reading: wordnet.Reading


@lru_cache(maxsize=100_000)
def _category(text: str) -> _Category:
    tables, words = _tables(), " ".join(tokens(text))
    whole = _resolve(words)
    plain = " ".join(text.lower().split())
    reading = wordnet.read(plain)
    known = words in tables.things or whole in tables.hypernyms or not reading.is_compound
    things = frozenset({whole}) if known else parse_name(head_phrase(text)).things
    return _Category(whole, things, reading)


@lru_cache(maxsize=200_000)
def same_kind(one: str, two: str) -> bool:
    """Could a thing of category `one` be called `two` as well: equal, synonym, or a kind of the other?

    The hand-made tables decide first, in both directions; then WordNet.

    Args:
        one: A category.
        two: Another category.

    Returns:
        Whether they are related. Symmetric.
    """
    if same_wording(one, two):
        return True
    a, b = _category(one), _category(two)
    if frozenset((a.whole, b.whole)) in _tables().unrelated:
        return False
    if _is_related(a.whole, b.whole) or any(_is_related(x, y) for x in a.things for y in b.things):
        return True
    return wordnet.is_kin(a.reading, b.reading)


def relation(one: str, two: str) -> str:
    """Why two categories conflict, in words: for lists that people read.

    Args:
        one: A category.
        two: Another category.

    Returns:
        "same wording", "kind, by table", "kind, by WordNet", "part", or "" where they do not conflict.
    """
    if parse_name(one).words == parse_name(two).words:
        return "same wording"
    if same_kind(one, two):
        a, b = _category(one), _category(two)
        by_table = same_wording(one, two) or any(
            _is_related(x, y) for x in (a.whole, *a.things) for y in (b.whole, *b.things)
        )
        return "kind, by table" if by_table else "kind, by WordNet"
    return "part" if is_part(one, two) or is_part(two, one) else ""


@lru_cache(maxsize=200_000)
def is_part(one: str, two: str) -> bool:
    """Does a thing of category `one` belong to a thing of category `two`: a roof to a building, a hand to a person?

    Args:
        one: The category of a part.
        two: The category of a whole.

    Returns:
        Whether it is one. Not symmetric.
    """
    tables, part, whole = _tables(), _category(one), _category(two)
    owners = tables.wholes.get(part.whole, frozenset())
    if not owners.isdisjoint({whole.whole, *tables.hypernyms.get(whole.whole, ())}):
        return True
    return part.whole not in tables.no_parts and wordnet.is_part(part.reading, whole.reading)


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
        if same_kind(one.category, two.category):
            return True
        if is_part(one.category, two.category) or is_part(two.category, one.category):
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


class Variant(NamedTuple):
    """An expression with one word replaced.

    Attributes:
        text: The new expression.
        word: The word that replaces another one.
        family: All words of which one may stand there, the replaced one among them.
    """

    text: str
    word: str
    family: frozenset[str]


def one_word_variants(text: str) -> list[Variant]:
    """Expressions that differ from `text` in one word (colour, clothes, action, ...): close to it, but another thing.

    Args:
        text: An expression.

    Returns:
        The variants; none for an expression without a word that may be replaced.
    """
    words = text.split()
    found = []
    for position, word in enumerate(words):
        bare = word.strip(".,;:!?").lower()
        others = _tables().variants.get(bare, ())
        family = frozenset((bare, *others))
        if bare in _tables().colours and words[position - 1 : position] == ["in"] and position == len(words) - 1:
            continue  # "person in red" may wear brown trousers
        for other in others:
            before = words[:position]
            if before and before[-1] in ("a", "an"):
                before[-1] = "an" if other[0] in "aeiou" else "a"
            changed = " ".join([*before, word.lower().replace(bare, other), *words[position + 1 :]])
            found.append(Variant(changed, other, family))
    return found
