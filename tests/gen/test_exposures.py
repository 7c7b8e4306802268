"""Exposures: one contract for all of them, found by their files; and the properties of each."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lavida_gen.common import plugins
from lavida_gen.config.recipe import EXPOSURES
from lavida_gen.exposures._base import Exposure, ExposureTask, Limits
from lavida_gen.exposures._candidates import AMBIGUOUS, Candidate, find_candidate
from lavida_gen.names import lexicon
from lavida_gen.names.vocabulary import Vocabulary
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import Source
from lavida_gen.testing.exposures import check_exposure, street

SIZE = (40, 60)
CATEGORIES = [Name(t, t, g) for t, g in (("person", "person"), ("dog", "animal"), ("cat", "animal"), ("car", "vehicle"), ("bus", "vehicle"), ("kite", "sport"))]  # fmt: skip


def block(top: int, left: int, height: int = 10, width: int = 10) -> masks.RLE:
    bits = np.zeros(SIZE, bool)
    bits[top : top + height, left : left + width] = True
    return masks.encode(bits)


def scene(*regions: Region, frames: int = 1, absent: Sequence[str] = ()) -> Scene:
    shown = tuple(Frame.drawn(lambda: np.zeros((*SIZE, 3), np.uint8), SIZE, "toy") for _ in range(frames))
    return Scene("toy/0", shown, SIZE, regions, "CC0-1.0", absent=lambda: iter(absent))


def region(category: str, mask: masks.RLE | None, *names: str, **more: Any) -> Region:
    return Region((category, *names), (mask,), category, **more)


def task(
    seed: int = 0, exposed: bool = True, names: int = 4, vocabulary: Sequence[Name] = CATEGORIES, **limits: Any
) -> ExposureTask:
    rng = np.random.default_rng(seed)
    return ExposureTask(
        exposed, rng, Vocabulary(vocabulary), names, Limits(**limits), lambda rng: scene(region("dog", block(5, 5)))
    )


def make(name: str) -> Exposure:
    found = plugins.find(EXPOSURES, Exposure, name)
    return found(found.Options())


def draft(name: str, example: Scene, asked: ExposureTask) -> Draft:
    made = make(name).expose(example, asked)
    assert isinstance(made, Draft), made
    return made


# ---- the contract --------------------------------------------------------------------------------------------------


WORKS_ON = [(name, kind) for name in plugins.names(EXPOSURES) for kind in sorted(plugins.find(EXPOSURES, Exposure, name).kinds)]  # fmt: skip


@functools.cache
def drawn_once(kind: Kind) -> Source:
    """Street scenes that are drawn once for all exposures."""
    source = street(kind)
    source.scene = functools.cache(source.scene)
    return source


@pytest.mark.parametrize(("name", "kind"), WORKS_ON)
def test_contract(name: str, kind: Kind) -> None:
    check_exposure(plugins.find(EXPOSURES, Exposure, name), source=drawn_once(kind))


# ---- relabel -------------------------------------------------------------------------------------------------------


def test_a_category_means_all_of_its_kind() -> None:
    example = scene(
        region("dog", block(0, 0)), region("dog", block(20, 20)), region("dog", block(0, 40), candidate=True)
    )
    made = draft("relabel", example, task())
    assert made.masks[0] is not None
    assert masks.area(made.masks[0]) == 300
    assert Counter(made.labels)[True] == 1
    assert made.names[made.labels.index(True)] == "dog"


def test_an_expression_means_those_that_have_it() -> None:
    example = scene(region("dog", block(0, 0), "brown dog"), region("dog", block(20, 20), "white dog"))
    for seed in range(10):
        made = draft("relabel", example, task(seed))
        assert made.names[made.labels.index(True)] in ("brown dog", "white dog")
        assert made.masks[0] is not None
        assert masks.area(made.masks[0]) == 100


def test_an_action_of_only_one_person_is_not_ambiguous() -> None:
    runner, walker = (
        region("person", block(0, 20 * number), f"person {does}") for number, does in enumerate(("running", "walking"))
    )
    left, carried = (
        region("dog", block(20, 20 * number), text) for number, text in enumerate(("left dog", "small dog"))
    )
    for name in ("person running", "person walking", "left dog", "small dog"):
        found = find_candidate(scene(runner, walker, left, carried), name, Limits())
        assert isinstance(found, Candidate), name
        assert len(found.regions) == 1
    both = scene(region("person", block(0, 0), "man"), region("person", block(0, 20), "man standing"))
    assert find_candidate(both, "man", Limits()) == AMBIGUOUS
    assert isinstance(find_candidate(both, "man standing", Limits()), Candidate)


def test_a_name_that_fits_another_thing_too_is_ambiguous() -> None:
    vehicle = Region(("vehicle",), (block(0, 0),), "vehicle")
    made = make("relabel").expose(scene(vehicle, region("car", block(20, 20), candidate=False)), task())
    assert made == Rejection("another thing could be called so too")


@pytest.mark.parametrize(
    ("example", "limits", "reason"),
    [
        (scene(), {}, "nothing that could be the anomaly"),
        (scene(region("dog", block(0, 0), candidate=False)), {}, "nothing that could be the anomaly"),
        (scene(region("dog", block(0, 0, 2, 2))), {}, "too small"),
        (scene(region("dog", block(0, 0))), {"min_area": 0.1}, "too small"),
        (scene(region("dog", block(0, 0, 40, 60))), {}, "too large"),
        (scene(region("dog", None)), {}, "too small"),
        (
            scene(Region(("dog",), (block(0, 0), None, None, None), "dog"), frames=4),
            {},
            "seen in too few frames",
        ),
    ],
)
def test_limits(example: Scene, limits: dict[str, Any], reason: str) -> None:
    assert make("relabel").expose(example, task(**limits)) == Rejection(reason)


def test_another_candidate_is_chosen_if_one_breaks_the_limits() -> None:
    example = scene(region("dog", block(0, 0, 2, 2)), region("car", block(20, 20)))
    for seed in range(8):
        made = draft("relabel", example, task(seed))
        assert made.names[made.labels.index(True)] == "car"


# ---- absent and near_miss ------------------------------------------------------------------------------------------

NAMES = st.lists(st.sampled_from([n.text for n in CATEGORIES]), max_size=4)


@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from(["relabel", "absent", "near_miss"]))
def test_no_negative_is_in_the_scene(present: list[str], seed: int, count: int, name: str) -> None:
    example = scene(*(region(text, block(3 * number, 8 * number)) for number, text in enumerate(present)))
    made = make(name).expose(example, task(seed, name == "relabel", count))
    if isinstance(made, Rejection):
        return
    for text, label in zip(made.names, made.labels, strict=True):
        assert label == (text in present)
    assert 1 <= len(made.names) <= count


def test_every_name_is_drawn_and_every_count() -> None:
    example = scene(region("kite", block(0, 0)))
    drafts = [draft("absent", example, task(seed, False)) for seed in range(300)]
    listed = Counter(text for made in drafts for text in made.names)
    assert set(listed) == {n.text for n in CATEGORIES} - {"kite"}
    assert max(listed.values()) < 2 * min(listed.values())
    assert set(Counter(len(made.names) for made in drafts)) == {1, 2, 3, 4}


def test_a_scene_full_of_everything_has_no_absent_name() -> None:
    example = scene(*(region(n.text, block(0, 8 * number)) for number, n in enumerate(CATEGORIES)))
    assert make("absent").expose(example, task(0, False)) == Rejection("no name that is absent")
    assert make("near_miss").expose(example, task(0, False)) == Rejection("no name that is close")


def test_near_misses_come_from_the_same_group_first() -> None:
    example = scene(region("dog", block(0, 0)))
    for seed in range(20):
        made = draft("near_miss", example, task(seed, False, names=1))
        assert made.names == ("cat",)


def test_near_misses_differ_in_one_word() -> None:
    example = scene(region("dog", block(0, 0), "brown dog"))
    words = [*CATEGORIES, Name("white bus", "bus")]
    tasks = [task(seed, False, names=1, vocabulary=words) for seed in range(60)]
    seen = {text for each in tasks for text in draft("near_miss", example, each).names}
    assert "white dog" in seen
    assert not {"brown dog", "silver dog"} & seen, "no name of this data set is silver: that would give it away"


def test_a_colour_is_replaced_only_if_all_colours_are_annotated() -> None:
    partly = scene(region("dog", block(0, 0), "brown dog"), region("dog", block(20, 20), "sleepy dog"))
    fully = scene(region("dog", block(0, 0), "brown dog"), region("dog", block(20, 20), "white dog"))
    for seed in range(40):
        assert not [t for t in draft("near_miss", partly, task(seed, False)).names if t.endswith(" dog")]
        assert not {"brown dog", "white dog"} & set(draft("near_miss", fully, task(seed, False)).names)


def test_names_annotated_as_absent_are_used() -> None:
    example = scene(region("dog", block(0, 0)), absent=["the third cow"])
    assert any("the third cow" in draft("near_miss", example, task(seed, False)).names for seed in range(5))
    assert any("the third cow" in draft("absent", example, task(seed, False)).names for seed in range(30))


def test_near_duplicates_are_listed_once() -> None:
    vocabulary = [Name(t, "cup") for t in ("red cup", "the red cup", "cup, red", "cups that are red")]
    example = scene(region("dog", block(0, 0)))
    for seed in range(20):
        made = draft("absent", example, task(seed, False, vocabulary=vocabulary))
        pairs = [(a, b) for number, a in enumerate(made.names) for b in made.names[:number]]
        assert not any(lexicon.same_wording(a, b) for a, b in pairs)


def test_a_large_vocabulary_is_not_walked_through() -> None:
    class Huge(Sequence[Name]):
        touched = 0

        def __len__(self) -> int:
            return 10**7

        def __getitem__(self, number: Any) -> Any:
            type(self).touched += 1
            return Name(f"thing number{number}", f"kind{number % 1000}")

    draft("absent", scene(region("dog", block(0, 0))), task(0, False, names=30, vocabulary=Huge()))
    assert Huge.touched <= 400
