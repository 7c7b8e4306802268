"""Relations between names: which may not be listed as absent where another one is annotated."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lavida_gen.names import lexicon, wording
from lavida_gen.names.listed_names import ListedNames
from lavida_gen.names.tables import tables
from lavida_gen.names.variants import one_word_variants
from lavida_gen.scenes.scene import Name


def cat(text: str) -> Name:
    return Name(text, text)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("dog", "dogs"),
        ("man", "person"),
        ("boy", "person"),
        ("people", "person"),
        ("couch", "sofa"),
        ("tv", "television receiver"),
        ("motorbike", "motorcycle"),
        ("bike", "bicycle"),
        ("taxi", "vehicle"),
        ("cell phone", "mobile phone"),
        ("puppy", "animal"),
        ("baby carriage", "stroller"),
        ("traffic light", "light"),
        ("palm", "tree"),
        ("chandelier", "lamp"),
        ("stairway", "stairs"),
        ("step", "stairs"),
        ("bookcase", "shelf"),
        ("screen door", "door"),
        ("waterfall", "water"),
        ("hovel", "house"),
        ("countertop", "counter"),
        ("bannister", "railing"),
        ("stone", "rock"),
        ("broccoli", "vegetable"),
        ("salad", "food"),
        ("towel", "textile"),
        ("clothes", "textile"),
        ("brick wall", "wall"),
        ("wood floor", "floor"),
        ("leaves", "plant"),
        ("clouds", "sky"),
    ],
)
def test_related_categories_conflict(one: str, two: str) -> None:
    assert lexicon.conflict(cat(one), cat(two))
    assert lexicon.conflict(cat(two), cat(one))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("dog", "cat"),
        ("car", "bus"),
        ("hot dog", "dog"),
        ("traffic light", "traffic cone"),
        ("man", "woman"),
        ("pool table", "swimming pool"),
        ("brick wall", "wood wall"),
        ("собака", "кошка"),
        ("狗", "马"),
        ("कुत्ता", "कता"),
        ("vélo", "vole"),
    ],
)
def test_unrelated_categories_do_not_conflict(one: str, two: str) -> None:
    assert not lexicon.conflict(cat(one), cat(two))


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("the man in a red shirt", "man in red shirt", True),
        ("man in red shirt.", "Red-shirt man", True),
        ("guy in red shirt", "man in red shirt", True),
        ("man in red shirt", "man in blue shirt", False),
        ("left dog", "right dog", True),
        ("a dog", "a cat", False),
    ],
)
def test_same_wording(one: str, two: str, same: bool) -> None:
    assert lexicon.same_wording(one, two) == same


def test_expressions_conflict_by_the_kind_they_name() -> None:
    assert lexicon.conflict(Name("guy with umbrella", "person"), Name("woman in red", "person"))
    assert not lexicon.conflict(Name("red one on the left", "car"), Name("red one on the left side table", "chair"))
    assert lexicon.conflict(Name("a man who jumps"), cat("person")), "without a category the words decide"
    assert not lexicon.conflict(Name("a dog that runs"), Name("a man who runs"))
    assert lexicon.conflict(Name("zorb rolling"), Name("the zorb")), "unknown words: any shared one"


def test_variants_leave_out_colours_that_could_be_true_of_other_clothes() -> None:
    assert not one_word_variants("person in red")
    assert "person in blue jacket" in {variant.text for variant in one_word_variants("person in red jacket")}
    assert "person with a ball" in {variant.text for variant in one_word_variants("person with an umbrella")}
    assert "person with an umbrella" in {variant.text for variant in one_word_variants("person with a ball")}


def test_words_of_any_script() -> None:
    assert wording.tokens("Красная СОБАКА, слева") == ("красная", "собака", "слева")
    assert wording.tokens("vélos d'été") == lexicon.tokens(unicodedata.normalize("NFD", "Vélos d'été"))
    assert wording.tokens("vélos d'été") == ("vélo", "d", "été")
    assert wording.tokens("कुत्ता") == ("कुत्ता",), "its vowels are marks"
    assert wording.tokens("the man’s hat - café") == ("the", "man", "s", "hat", "café")
    assert lexicon.same_wording("собака слева", "слева собака")
    assert lexicon.same_wording("vélo", "vélos")


def test_the_surroundings_of_a_thing_do_not_determine_its_kind() -> None:
    """Kinds of surroundings hold between whole names; expressions that name one go by the words they share."""
    assert lexicon.conflict(Name("stone wall"), Name("wall"))
    assert lexicon.conflict(Name("a panther near the wall"), Name("the panther on a branch"))


@pytest.mark.parametrize(
    ("text", "name", "entailed"),
    [
        ("person", "person running", False),
        ("person running", "person", True),
        ("person running", "running person", True),
        ("man on the left", "left man", True),
        ("right man", "left man", False),
        ("suitcase", "left suitcase", False),
        ("dog", "cat", False),
    ],
)
def test_entails(text: str, name: str, entailed: bool) -> None:
    assert lexicon.entails(text, name) is entailed


def test_variants_change_one_word_of_a_family() -> None:
    variants = one_word_variants("man in Red shirt")
    assert "man in blue shirt" in [variant.text for variant in variants]
    for variant in variants:
        assert variant.word in variant.text.split()
        assert variant.word in variant.family
    assert one_word_variants("the left one") == [], "positions are never replaced"


@given(st.text(max_size=40))
def test_any_text_has_the_same_wording_as_itself(text: str) -> None:
    assert lexicon.same_wording(text, text)
    assert lexicon.conflict(Name(text or "x"), Name(text or "x"))


@given(st.text("abc dogs'", max_size=20), st.text("abc dogs'", max_size=20))
def test_conflict_is_symmetric(one: str, two: str) -> None:
    assert lexicon.conflict(Name(one), Name(two)) == lexicon.conflict(Name(two), Name(one))
    assert lexicon.same_kind(one, two) == lexicon.same_kind(two, one)


WORDS = sorted({"red", "left", "the", "in", "man", "men", "kid", "taxi", *list(tables().synonyms)[::9]})
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)


@given(st.lists(TEXTS, max_size=6), TEXTS, st.sampled_from(WORDS))
def test_a_listed_wording_is_found_as_by_comparing_each_pair(texts: list[str], text: str, word: str) -> None:
    """Names that differ in one word are related by it: those are tried as well."""
    others = [*texts, " ".join([word, *text.split()[1:]])]
    listed = ListedNames(others)
    for asked in (text, *texts):
        assert listed.has_wording_of(asked) == any(lexicon.same_wording(asked, other) for other in others)
    assert not ListedNames([]).has_wording_of(text)
