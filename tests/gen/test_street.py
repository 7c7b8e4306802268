"""Drawn scenes: pure, exact, in perspective, and true to their names."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Scene
from lavida_gen.sources.street import StreetSource
from lavida_gen.street import draws, layouts, phrases, place
from lavida_gen.street.actors import Actor, draw_appearances
from lavida_gen.street.acts import ACTS, KINDS
from lavida_gen.street.camera import Camera
from lavida_gen.street.film import Film


def street(**options: Any) -> StreetSource:
    return StreetSource(StreetSource.Options(**{"size": (120, 160), **options}))


def empty_square(seed: int = 0, size: tuple[int, int] = (180, 240)) -> place.Place:
    rng = np.random.default_rng(seed)
    return place.draw_place(rng, "square", Camera(size, 240.0, 2.5, 60.0))


def actor(act: str, x: float = 0.0, z: float = 9.0, **more: Any) -> Actor:
    rng = np.random.default_rng(1)
    plain: dict[str, Any] = {"pace": (0.0, 0.0), "motion": "stand"}
    return Actor(act, (x, z), appearances=draw_appearances(rng, act), **{**plain, **more})


def digest(scene: Scene) -> str:
    import hashlib

    text = hashlib.sha256()
    for frame in scene.frames:
        text.update(frame.pixels().tobytes())
    text.update(repr(scene.regions).encode())
    return text.hexdigest()


def test_at_least_twenty_kinds_that_all_appear() -> None:
    assert len(KINDS) >= 20
    assert {kind for act in ACTS.values() for kind, _ in act.parts} == set(KINDS)
    seen = Counter(region.category for n in range(120) for region in street().scene(n).regions)
    assert set(seen) == set(KINDS)


def test_a_scene_is_a_pure_function_in_any_process() -> None:
    here = [digest(street().scene(n)) for n in (3, 8)]
    assert here == [digest(street().scene(n)) for n in (3, 8)]
    code = (
        "import sys; sys.path.insert(0, 'tests/gen'); from test_street import digest, street\n"
        "print(*(digest(street().scene(n)) for n in (3, 8)))"
    )
    root = Path(__file__).parents[2]
    other_process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert other_process.stdout.split() == here


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"kind": "clip"}, {"things": (1, 2)}, {"size": (121, 160)}, {"closeup": True}]
)
def test_other_options_other_scenes_and_keys(change: dict[str, Any]) -> None:
    assert street(**change).key(3) != street().key(3)
    assert street(**change).fingerprint() != street().fingerprint()


def test_new_options_move_no_scene() -> None:
    assert street().key(3) == "street/image-0-2d919a/000003"
    assert street(closeup=False).fingerprint() == street().fingerprint()


@pytest.mark.parametrize("kind", ["image", "clip"])
def test_closeups_show_two_or_three_large_things(kind: str) -> None:
    def heights(**options: Any) -> list[float]:
        found = []
        for n in range(30):
            for region in street(kind=kind, **options).scene(n).regions:
                middle = region.masks[len(region.masks) // 2]
                if middle is not None:
                    found.append(float(np.ptp(np.flatnonzero(masks.decode(middle).any(axis=1)))) / 120)
        return found

    near = heights(closeup=True)
    assert max(near) <= 0.75
    assert np.median(near) > 1.5 * np.median(heights())
    assert {len(street(closeup=True).actors(n)) for n in range(30)} == {2, 3}
    acts = {one.act for n in range(60) for one in street(closeup=True, kinds=("person", "suitcase")).actors(n)}
    assert acts <= {name for name, act in ACTS.items() if {kind for kind, _ in act.parts} <= {"person", "suitcase"}}


def test_masks_do_not_overlap_and_depth_orders_them() -> None:
    for n in range(10):
        scene = street().scene(n)
        total = np.zeros(scene.size, int)
        for region in scene.regions:
            assert region.masks[0] is not None
            total += masks.decode(region.masks[0])
        assert total.max(initial=0) <= 1


@pytest.mark.parametrize("act", ACTS)
def test_a_mask_is_where_the_picture_changes(act: str) -> None:
    """The pictures with and without a thing differ by its mask, its soft edge and its shadow on the ground."""
    view = empty_square()
    without = Film(view, [], seed=4).render(0).pixels.astype(int)
    frame = Film(view, [actor(act)], seed=4).render(0)
    mask = frame.owner >= 0
    assert mask.sum() > 12
    changed = np.abs(frame.pixels.astype(int) - without).max(axis=2) > 12
    assert changed[mask].mean() > 0.6, "a thing is visible"
    rows = np.flatnonzero(mask.any(axis=1))
    above = changed & ~_grown(mask)
    above[int(view.back) :] = False  # shadows fall on the ground alone
    assert not above.any()
    assert not changed[: rows[0] - 2].any()


def _grown(mask: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def test_what_is_nearer_is_larger_and_in_front() -> None:
    view = empty_square()
    near, far = actor("person", z=7.0), actor("person", z=16.0, x=1.5)
    film = Film(view, [near, far], seed=0)
    frame = film.render(0)
    heights = [np.flatnonzero(frame.mask(n).any(axis=1)).size for n in (0, 1)]
    assert heights[0] / heights[1] == pytest.approx(16 / 7, rel=0.15)
    car = actor("car", z=12.0)
    alone = Film(view, [car], seed=0).render(0).mask(0).sum()
    hidden = Film(view, [car, actor("person", z=6.0)], seed=0).render(0)
    assert 0 < hidden.mask(0).sum() < alone, "nearer things hide others"
    swapped = Film(view, [actor("person", z=6.0), car], seed=0).render(0)
    assert np.array_equal(hidden.mask(1), swapped.mask(0)), "the order of the actors has no meaning"


def centre(mask: np.ndarray) -> tuple[float, float]:
    y, x = np.nonzero(mask)
    return float(x.mean()), float(y.mean())


@pytest.mark.parametrize(("motion", "speed"), [("walk", 1.3), ("run", 3.4)])
def test_walkers_move_smoothly(motion: str, speed: float) -> None:
    film = Film(empty_square(), [actor("person", x=-3, pace=(speed, 0.0), motion=motion)], seed=0)
    at = [centre(film.render(t / 6).mask(0))[0] for t in range(8)]
    steps = np.diff(at)
    wanted = speed / 6 * 240 / 9
    assert np.allclose(steps, wanted, atol=1.6)
    shapes = {film.render(t / 6).mask(0).sum() for t in range(8)}
    assert len(shapes) > 3, "legs move"


def test_a_person_who_falls_lies_in_the_end() -> None:
    film = Film(empty_square(), [actor("person", pace=(0.3, 0.0), motion="fall", moment=0.4)], seed=0)
    tall = [np.ptp(np.flatnonzero(film.render(t).mask(0).any(axis=1))) for t in (0.0, 2.0)]
    wide = [np.ptp(np.flatnonzero(film.render(t).mask(0).any(axis=0))) for t in (0.0, 2.0)]
    assert tall[1] < tall[0] / 2
    assert wide[1] > 1.5 * wide[0]


def test_a_thrown_ball_rises_and_comes_down() -> None:
    film = Film(empty_square(), [actor("ball", x=-2, pace=(3.0, 0.0), motion="fly", moment=0.0)], seed=0)
    heights = [-centre(film.render(t).mask(0))[1] for t in (0.0, 0.4, 1.2)]
    assert heights[1] > heights[0] > heights[2]


def test_actors_come_and_go() -> None:
    film = Film(empty_square(), [actor("suitcase", visible=(1.0, 2.0))], seed=0)
    assert [bool(film.render(t).mask(0).any()) for t in (0.5, 1.0, 1.9, 2.0)] == [False, True, True, False]


def test_clips_keep_masks_and_frames_in_time() -> None:
    source = street(kind="clip", frames=5, things=(2, 3))
    for n in range(4):
        scene, film = source.scene(n), source.film(n)
        for time in range(5):
            frame = film.render(time / source.options.fps)
            assert np.array_equal(scene.frames[time].pixels(), frame.pixels)
            drawn = sum(masks.area(mask) for r in scene.regions if (mask := r.masks[time]) is not None)
            assert drawn == (frame.owner >= 0).sum()
        assert scene.fps == source.options.fps


def test_choices_are_those_of_numpy() -> None:
    own, numpy = np.random.default_rng(3), np.random.default_rng(3)
    for count in range(1, 30):
        options = [f"option {number}" for number in range(count)]
        weights = tuple(own.random(count).tolist())
        shares = numpy.random(count)
        for _ in range(40):
            assert draws.pick(own, options) == numpy.choice(options)
            assert draws.pick_weighted(own, options, weights) == numpy.choice(options, p=shares / shares.sum())


@pytest.mark.parametrize("options", [{}, {"kind": "clip", "things": (6, 9)}, {"closeup": True}])
def test_masks_are_those_of_a_picture_in_which_everything_is_painted(options: dict[str, Any]) -> None:
    """Masks paint no scenery that hides nobody."""
    margin = 1500  # sprites reach out of the picture
    for n in range(12):
        film = street(**options).film(n)
        scenery = [(depth, -1, [(-1, painting)]) for depth, painting in film.place.scenery]
        owner = np.full((120 + 2 * margin, 160 + 2 * margin), -1, np.int16)
        for _, _, parts in sorted([*scenery, *film._actor_layers(0.5)], key=lambda layer: (-layer[0], layer[1])):
            for part, painting in parts:
                sprite = painting.sprite
                (left, top), (height, width) = (margin + sprite.left, margin + sprite.top), sprite.alpha.shape
                owner[top : top + height, left : left + width][sprite.alpha > 0.5] = part
                assert painting.sheet == (sprite.left, sprite.top, width, height)
        assert np.array_equal(film.render(0.5).owner, owner[margin:-margin, margin:-margin])


def test_masks_are_drawn_before_the_ground_is_painted() -> None:
    film = street().film(1)
    frame = film.render(0.0)
    assert "_background" not in vars(film)
    assert frame.pixels.shape == (120, 160, 3)
    assert "_background" in vars(film)


def test_names_are_in_the_vocabulary_and_true() -> None:
    known = {name.text: name.category for name in street().vocabulary()}
    assert len(known) == len(street().vocabulary())
    with_expressions = 0
    for n in range(30):
        scene = street().scene(n)
        for region in scene.regions:
            assert all(known[text] == region.category for text in region.names)
            with_expressions += len(region.names) > 1
    assert with_expressions > 20
    film = street().film(1)
    for part, (kind, expressions) in enumerate(phrases.part_names(film.actors)):
        actor, number = film.parts[part]
        colour = film.actors[actor].appearances[number].colour
        assert kind == film.kind(part)
        assert expressions[0].split()[-1 if kind == "person" else 0] == colour


def test_things_alone_are_left_and_actions_are_named_with_and_without_the_person() -> None:
    left, carried, running = 0, 0, 0
    for n in range(400):
        for actor in street().actors(n):
            for kind, expressions in phrases.part_names([actor]):
                left += kind == "suitcase" and actor.act == "suitcase" and "left suitcase" in expressions
                carried += kind == "suitcase" and actor.act != "suitcase" and "left suitcase" not in expressions
                running += {"person running", "running"} <= set(expressions)
                assert ("left suitcase" in expressions) == (kind == "suitcase" and actor.act == "suitcase")
                assert ("running" in expressions) == (
                    kind == "person" and actor.act == "person" and actor.motion == "run"
                )
    assert min(left, carried, running) > 20


def test_untrue_expressions_are_true_of_nobody() -> None:
    all_untrue, deserted = set[str](), 0
    known = {name.text: name.category for name in street().vocabulary()}
    for n in range(120):
        actors = street().actors(n)
        parts = phrases.part_names(actors)
        kinds = {kind for kind, _ in parts}
        deserted += "person" not in kinds
        untrue = phrases.untrue_expressions(actors)
        if n < 6:
            assert list(street().scene(n).absent()) == untrue
        all_untrue.update(untrue)
        acts = {actor.act for actor in actors}
        for text in untrue:
            assert all(text not in expressions for _, expressions in parts)
            assert known[text] in kinds
            assert not text.startswith("person in") or text.split()[-1] not in (
                "blue",
                "black",
                "gray",
                "brown",
                "white",
            )
            assert text not in ("person walking", "person standing", "walking", "standing")
        if "umbrella" in acts or "umbrella" in kinds:
            assert "person with an umbrella" not in untrue
    assert {"person falling", "falling", "person in red", "red car", "left suitcase", "skateboarder"} <= all_untrue
    assert 15 < deserted < 50, "a quarter of the scenes has no people"


def test_names_are_known_without_drawing() -> None:
    for options in ({}, {"kind": "clip", "frames": 3}, {"size": (300, 128)}):
        for n in range(8):
            bare = [(one.category, one.names[1:]) for one in street(**options).annotations_without_masks(n)]
            film = street(**options).film(n)
            assert bare == [
                (kind, expressions if n % 2 else ()) for kind, expressions in phrases.part_names(film.actors)
            ]


@pytest.mark.parametrize("name", layouts.LAYOUTS)
def test_only_the_places_and_kinds_of_the_options(name: str) -> None:
    source = street(places=(name,), kinds=("person", "dog", "ball"))
    assert source.film(0).place.name == name
    assert {r.category for n in range(6) for r in source.scene(n).regions} <= {"person", "dog", "ball"}
    assert {n.category for n in source.vocabulary()} == {"person", "dog", "ball"}


@pytest.mark.parametrize("size", [(96, 96), (128, 128), (360, 480), (96, 400), (300, 128)])
def test_any_size(size: tuple[int, int]) -> None:
    scene = street(size=size).scene(5)
    assert scene.frames[0].pixels().shape == (*size, 3)


@pytest.mark.parametrize("closeup", [False, True])
def test_kinds_that_need_a_person_have_one_in_every_scene(closeup: bool) -> None:
    source = street(kinds=("person", "wheelchair"), closeup=closeup)
    for n in range(12):  # a quarter would be deserted
        assert {region.category for region in source.scene(n).regions} <= {"person", "wheelchair"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("dgo",)}, r"unknown kind 'dgo'; did you mean 'dog'\?"),
        ({"places": ("beach",)}, "unknown place 'beach'"),
        ({"kinds": ()}, "is empty; known: person"),
        ({"kinds": ("wheelchair", "stroller")}, "none of these kinds is ever drawn alone; add person"),
        ({"size": (10, 10)}, "96 to 2160"),
        ({"things": (5, 2)}, "fewest <= most"),
        ({"frames": 1}, "greater than or equal to 2"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        street(**options)


def test_nothing_stands_on_a_road_or_behind_the_walls() -> None:
    source = street(places=layouts.ROADS, things=(8, 12))
    stood = 0
    for n in range(25):
        film = source.film(n)
        for one in film.actors:
            x, _, z = one.position(0.0)
            assert z < film.place.camera.depth_at(film.place.back)
            if ACTS[one.act].ground == "walk" and one.motion in ("stand", "fall") and one.act != "traffic cone":
                stood += 1
                assert not film.place.on_road(x, z), one.act
    assert stood > 20


def test_overlapping_shadows_do_not_add_up() -> None:
    view = empty_square()
    crowd = [actor("person", x=0.02 * n, z=9.0 + 0.01 * n) for n in range(6)]
    ground = Film(view, [], seed=4, grain=0).render(0).pixels.astype(float)
    both = [Film(view, those, seed=4, grain=0).render(0) for those in (crowd[:1], crowd)]
    darkest = [np.min(((frame.pixels + 2) / (ground + 2))[~_grown(frame.owner >= 0)]) for frame in both]
    assert darkest[1] == pytest.approx(darkest[0], abs=0.06)


def test_a_part_keeps_its_number_and_shape_among_other_actors() -> None:
    mover = actor("cyclist", x=-2.0, pace=(2.0, 0.0), motion="ride")
    alone, together = Film(empty_square(), [mover]), Film(empty_square(), [mover, actor("bench", x=6.0, z=12.0)])
    for time in (0.0, 0.5, 1.0):
        assert np.array_equal(alone.render(time).mask(0), together.render(time).mask(0))
    assert [alone.kind(part) for part in (0, 1)] == ["bicycle", "person"]


@pytest.mark.parametrize("colour", ["red", "blue", "yellow", "white", "black"])
def test_a_mask_shows_the_colour_of_its_name(colour: str) -> None:
    """The paint of a car is close to the colour of its expression, in any light."""
    from lavida_gen.street.actors import draw_appearance
    from lavida_gen.street.paint import COLOURS

    for seed in range(4):
        rng = np.random.default_rng(seed)
        car = Actor("car", (0.0, 9.0), (0.0, 0.0), "stand", (draw_appearance(rng, "car", colour),))
        frame = Film(empty_square(seed), [car]).render(0)
        pixels = frame.pixels[frame.mask(0)].astype(float)
        wanted = np.array(COLOURS[colour])
        near = np.abs(pixels - wanted).sum(axis=1) < 150
        assert near.mean() > 0.3, (seed, near.mean())


def test_the_sheet_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    from lavida_gen.inspection import street_sheet as sheet

    monkeypatch.setattr(sys, "argv", ["street", "--out", str(tmp_path / "sheet.png")])
    sheet.main()
    drawn = cv2.imread(str(tmp_path / "sheet.png"))
    assert drawn is not None
    assert drawn.shape == (1800, 1440, 3)
