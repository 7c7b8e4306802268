"""Exposures that change pixels or phrasing: paste, swap, motion, several, context; and the tools they share."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from lavida_gen.common import plugins
from lavida_gen.config.recipe import EXPOSURES
from lavida_gen.exposures import _backgrounds as backgrounds
from lavida_gen.exposures import _perspective as perspective
from lavida_gen.exposures import _planes as planes
from lavida_gen.exposures._base import Exposure, ExposureTask, Limits
from lavida_gen.names.vocabulary import Vocabulary
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame, Pixels
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Region, Scene

SIZE = (120, 160)
NAMES = [Name(text, text) for text in ("person", "dog", "car", "ball", "kite", "bench", "bin", "cone", "cup", "tree")]
COLOURS = {
    "bench": (120, 60, 200),
    "person": (200, 30, 30),
    "dog": (30, 30, 200),
    "car": (20, 160, 20),
    "ball": (220, 220, 20),
}


def bits(top: int, left: int, height: int, width: int) -> masks.Bits:
    plane = np.zeros(SIZE, bool)
    plane[top : top + height, left : left + width] = True
    return plane


def ground() -> Pixels:
    rows = np.linspace(90, 150, SIZE[0]).astype(np.uint8)
    return np.repeat(np.repeat(rows[:, None, None], SIZE[1], 1), 3, 2)


def scene(things: dict[str, list[tuple[int, int, int, int]]], frames: int = 1) -> Scene:
    """Things as coloured blocks (top, left, height, width) a frame on a plain ground."""
    pictures = [ground() for _ in range(frames)]
    regions = []
    for name, boxes in things.items():
        planes = [bits(*box) for box in boxes]
        for picture, plane in zip(pictures, planes, strict=True):
            picture[plane] = COLOURS[name]
        regions.append(Region((name,), tuple(masks.encode(plane) for plane in planes), name))
    shown = tuple(Frame.drawn(lambda one=one: one, SIZE, "toy") for one in pictures)  # type: ignore[misc]
    return Scene("toy/0", shown, SIZE, tuple(regions), "CC0-1.0")


WALK = scene({"person": [(40, 20 + 12 * t, 30, 12) for t in range(6)], "car": [(80, 100, 20, 40)] * 6}, frames=6)


def expose(
    name: str, one: Scene, seed: int = 0, exposed: bool = True, names: int = 4, **more: Any
) -> Draft | Rejection:
    found = plugins.find(EXPOSURES, Exposure, name)
    other = more.pop("other", scene({"bench": [(50, 50, 20, 20)]}))
    vocabulary = Vocabulary(more.pop("vocabulary", NAMES))
    task = ExposureTask(exposed, np.random.default_rng(seed), vocabulary, names, Limits(), lambda rng: other)
    made: Draft | Rejection = found(found.Options(**more)).expose(one, task)
    return made


def draft(name: str, one: Scene, seed: int = 0, exposed: bool = True, **more: Any) -> Draft:
    made = expose(name, one, seed, exposed, **more)
    assert isinstance(made, Draft), made
    return made


def anomalies(made: Draft) -> list[str]:
    return [text for text, label in zip(made.names, made.labels, strict=True) if label]


def boxes(made: Draft) -> list[masks.Box]:
    return [masks.box(mask) for mask in made.masks if mask is not None]


# ---- tools ---------------------------------------------------------------------------------------------------------


def test_holes_are_filled_from_other_frames() -> None:
    frames = [frame.pixels() for frame in WALK.frames]
    person = [masks.decode(mask) for mask in WALK.regions[0].masks if mask is not None]
    blocked = [planes.thing_bits(WALK, time) for time in range(6)]
    filled = backgrounds.fill_holes(frames, person, blocked)
    assert filled is not None
    for now, plane in zip(filled, person, strict=True):
        assert np.array_equal(now[plane], ground()[plane])


def test_a_hole_that_is_too_large_to_inpaint_is_refused() -> None:
    noisy = np.random.default_rng(0).integers(0, 255, (*SIZE, 3)).astype(np.uint8)
    hole = bits(5, 5, 110, 150)
    assert backgrounds.fill_holes([noisy], [hole], [hole]) is None


def test_things_that_stand_lower_or_have_more_depth_are_nearer() -> None:
    one = scene({"person": [(40, 20, 30, 12)], "car": [(80, 100, 20, 40)]})
    everywhere = slice(0, SIZE[0]), slice(0, SIZE[1])
    assert planes.nearer_bits(one, 0, 75, everywhere, ()).sum() == 800
    assert planes.nearer_bits(one, 0, 60, everywhere, ()).sum() == 800 + 360
    assert not planes.nearer_bits(one, 0, 110, everywhere, ()).any()
    far = Region(("car",), one.regions[1].masks, "car", depth=-9.0)
    behind = Scene("k", one.frames, SIZE, (far,), "CC0-1.0")
    assert not planes.nearer_bits(behind, 0, 10, everywhere, (), depth=-3.0).any()


def test_perspective_grows_downwards() -> None:
    two = scene({"person": [(40, 20, 17, 8)], "car": [(70, 100, 30, 50)]})
    view = perspective.estimate_perspective(two)
    assert view is not None
    assert view.scale(57) == pytest.approx(10, rel=0.01)
    assert view.scale(100) == pytest.approx(20, rel=0.01)
    assert perspective.estimate_perspective(scene({})) is None
    assert perspective.usual_height("taxi") == 1.5
    assert perspective.usual_height("no such thing") is None


# ---- paste and swap ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blend", ["feather", "poisson"])
@pytest.mark.parametrize("one", [scene({"person": [(40, 20, 30, 12)]}), WALK], ids=["image", "clip"])
def test_a_paste_is_foreign_and_named(one: Scene, blend: str) -> None:
    for seed in range(6):
        made = draft("paste", one, seed, blend=blend)
        assert anomalies(made) == ["bench"]
        assert made.masks == made.edits
        for frame, before, mask in zip(made.frames, one.frames, made.masks, strict=True):
            if mask is not None:
                assert (frame.pixels()[masks.decode(mask)] != before.pixels()[masks.decode(mask)]).any()


def test_an_unnamed_paste_is_no_anomaly() -> None:
    made = draft("paste", WALK, exposed=False)
    assert not made.exposed
    assert "bench" not in made.names
    assert any(made.edits)


def test_an_unnamed_paste_has_another_foreign_thing_named_in_its_place() -> None:
    """Otherwise every prompt with something foreign would be one with an anomaly."""
    other = scene({"bench": [(50, 50, 20, 20)], "dog": [(80, 100, 20, 20)]})
    seen = [{"bench", "dog"} & {*draft("paste", WALK, seed, False, other=other).names} for seed in range(8)]
    assert all(len(one) == 1 for one in seen), "the one that was not pasted"
    assert set().union(*seen) == {"bench", "dog"}


def test_a_kind_that_is_in_the_scene_is_not_foreign() -> None:
    one = scene({"bench": [(50, 50, 20, 20)]})
    assert expose("paste", one) == Rejection("nothing foreign in the other scene")
    cut_off = scene({"dog": [(0, 0, 20, 20)]})
    assert expose("paste", one, other=cut_off) == Rejection("nothing foreign in the other scene")


def test_a_foreign_thing_is_not_named_by_where_it_stood() -> None:
    other = scene({"bench": [(50, 50, 20, 20)]})
    [bench] = other.regions
    for names, expected in ((("bench on the left", "old bench"), "old bench"), (("left bench",), None)):
        unnamed = Scene("k", other.frames, SIZE, (Region(names, bench.masks),), "CC0-1.0")
        made = expose("paste", scene({"person": [(40, 20, 30, 12)]}), other=unnamed)
        assert (anomalies(made) if isinstance(made, Draft) else None) == (expected and [expected])


def test_swapped_things_stand_where_the_other_stood() -> None:
    one = scene({"person": [(40, 20, 30, 15)], "dog": [(50, 100, 20, 20)]})
    made = draft("swap", one)
    assert sorted(anomalies(made)) == ["dog in the wrong place", "person in the wrong place"]
    assert made.masks[0] is not None
    now, mask = made.frames[0].pixels(), masks.decode(made.masks[0])
    assert mask[65, 27]
    assert mask[60, 110]
    assert np.array_equal(now[60, 27], COLOURS["dog"])
    assert np.array_equal(now[60, 110], COLOURS["person"])
    assert not (now[mask.copy() ^ True] == COLOURS["person"]).all(-1).any(), "nothing is left of the old places"


def test_in_a_normal_sample_of_swap_the_things_that_stayed_are_named() -> None:
    """ "person in the wrong place" is listed where persons are in place, not only where they are absent."""
    one = scene({"person": [(40, 20, 30, 15)], "dog": [(50, 100, 20, 20)], "bench": [(90, 60, 20, 25)]})
    stayed = set()
    for seed in range(20):
        made = draft("swap", one, seed, exposed=False)
        now = made.frames[0].pixels()
        still = {r.category for r in one.regions if (now[_bits(r)] == COLOURS[r.category]).all()}
        listed = {text.removesuffix(" in the wrong place") for text in made.names} & {*COLOURS} - {"car", "ball"}
        assert listed == still
        stayed |= still
    assert stayed == {"person", "dog", "bench"}


def _bits(region: Region) -> masks.Bits:
    mask = region.masks[0]
    assert mask is not None
    return masks.decode(mask)


def test_swap_needs_two_free_things() -> None:
    assert expose("swap", scene({"dog": [(50, 100, 20, 20)]})) == Rejection("no two things that could change places")
    assert expose("swap", WALK, names=1) == Rejection("too few names for the prompt")


# ---- motion --------------------------------------------------------------------------------------------------------


def test_motions_match_their_names() -> None:
    seen = {}
    for seed in range(40):
        made = draft("motion", WALK, seed)
        [name] = anomalies(made)
        seen[name] = boxes(made)
    rows = {name: [box.x for box in track] for name, track in seen.items()}
    old = [20 + 12 * t for t in range(6)]
    assert rows["a person moving backwards"] == old[::-1]
    assert len(set(rows["a person frozen in the middle of a motion"])) == 1
    assert max(np.diff(rows["a person moving unnaturally fast"])) >= 20
    jitter = np.sign(np.diff(np.array(rows["a person jittering"]) - old))
    assert jitter.any()
    assert len(seen) == 4


def test_another_motion_is_no_anomaly() -> None:
    for seed in range(20):
        true, false = draft("motion", WALK, seed), draft("motion", WALK, seed, exposed=False)
        assert not set(anomalies(true)) & set(false.names)
        persons = [sum(text.startswith("a person ") for text in made.names) for made in (true, false)]
        assert persons[0] == persons[1] >= 1, "the mover is named as often without the anomaly"


def test_where_the_last_frame_is_repeated_nothing_is_named_frozen() -> None:
    steps = [min(t, 2) for t in range(6)]
    short = scene({"person": [(40, 20 + 30 * t, 30, 12) for t in steps]}, frames=6)
    for exposed in (True, False):
        names = {name for seed in range(30) for name in draft("motion", short, seed, exposed).names}
        assert not any("frozen" in name for name in names)
        assert {"a person jittering", "a person moving backwards"} < names


def test_nothing_moves() -> None:
    still = scene({"car": [(80, 100, 20, 40)] * 4}, frames=4)
    assert expose("motion", still) == Rejection("nothing moves on its own")


# ---- several and context -------------------------------------------------------------------------------------------


def test_several_are_masked_together() -> None:
    one = scene({"person": [(40, 20, 30, 12)], "dog": [(50, 100, 20, 20)], "ball": [(90, 60, 10, 10)]})
    for seed in range(20):
        made = draft("several", one, seed, names=6)
        areas = {"person": 360, "dog": 400, "ball": 100}
        assert made.masks[0] is not None
        assert masks.area(made.masks[0]) == sum(areas[name] for name in anomalies(made))
        assert 2 <= len(anomalies(made)) <= 3
        assert made.frames is one.frames
    assert expose("several", scene({"dog": [(50, 100, 20, 20)]})) == Rejection("fewer than two that could be anomalies")


def test_the_label_follows_the_words() -> None:
    one = scene({"person": [(40, 20, 30, 12)], "dog": [(50, 100, 20, 20)]})
    rules = set()
    for seed in range(40):
        made = draft("context", one, seed)
        thing = next(name for name in ("person", "dog") if name in anomalies(made)[0])
        assert thing in forbidden(made)
        assert made.masks[0] is not None
        normal = draft("context", one, seed, exposed=False)
        assert any(thing in text for text in normal.names), "the same thing is listed, but another one is forbidden"
        assert not normal.exposed
        [other] = [name.text for name in NAMES if re.search(rf"\b{name.text}\b", forbidden(normal))]
        assert other not in ("person", "dog")
        assert any(other in text for text in normal.names), "the forbidden thing is listed, present or absent"
        rules |= {("true", _allows(made.rule)), ("false", _allows(normal.rule))}
    assert len(rules) == 4, "every other rule allows something else"
    assert expose("context", one, exposed=False, vocabulary=NAMES[:2]) == Rejection("no name that is absent")


def forbidden(made: Draft) -> str:
    """The sentence of the rule that forbids."""
    [sentence] = [sentence for sentence in re.split(r"(?<=\.) ", made.rule) if not _allows(sentence)]
    return sentence


def _allows(rule: str) -> bool:
    return any(word in rule for word in ("welcome", "permit every", "allowed.", "quite usual"))
