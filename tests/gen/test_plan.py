"""The plan: sample number -> source, scene, exposure. Pure, in the recipe's shares, no scene in two splits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.sampling.planner import SCENES_PER_EXPOSURE, SamplePlanner
from lavida_gen.scenes.scene import Scene


def planner(**changes: Any) -> SamplePlanner:
    plain: dict[str, Any] = {
        "name": "p",
        "samples": 1000,
        "val": 0.2,
        "sources": [{"name": "street", "scenes": 50, "size": [96, 128]}],
        "exposures": ["relabel", "absent", {"name": "near_miss", "weight": 3}],
    }
    return SamplePlanner.open(recipes.parse({**plain, **changes}))


TWO = [
    {"name": "street", "scenes": 40, "size": [96, 128], "weight": 3},
    {"name": "street", "scenes": 30, "size": [96, 128], "kind": "clip", "seed": 5, "names_per_prompt": 4},
]


def chosen(planner: SamplePlanner, index: int, attempt: int = 0) -> tuple[Any, ...]:
    step = planner.spec(index, attempt)
    return step.opened.source.key(step.number), step.exposure_name, step.task.exposed, step.task.rng.random()


def test_a_sample_depends_on_its_number_alone() -> None:
    one, two = planner(sources=TWO), planner(sources=TWO, samples=1000)
    forwards = [chosen(one, n) for n in range(200)]
    backwards = [chosen(two, n) for n in reversed(range(200))]
    assert forwards == backwards[::-1]


def test_another_seed_gives_other_samples() -> None:
    assert [chosen(planner(), n) for n in range(9)] != [chosen(planner(seed=1), n) for n in range(9)]


def test_attempts_change_the_scene_but_not_the_shares() -> None:
    one = planner()
    for n in range(50):
        steps = [one.spec(n, attempt) for attempt in range(5)]
        assert len({(s.exposure_name, s.task.exposed, s.opened.name) for s in steps}) == 1
    assert len({one.spec(3, attempt).number for attempt in range(20)}) > 1


def test_an_exposure_that_can_do_nothing_gives_way_to_another() -> None:
    one = planner(exposures=["relabel", "absent", {"name": "near_miss", "weight": 3}, "context"])
    for n in range(200):
        first = one.spec(n, 0)
        turns = [one.spec(n, attempt) for attempt in range(0, 4 * SCENES_PER_EXPOSURE, SCENES_PER_EXPOSURE)]
        assert one.spec(n, SCENES_PER_EXPOSURE - 1).exposure_name == first.exposure_name
        assert one.spec(n, SCENES_PER_EXPOSURE).exposure_name == one.spec(n, 2 * SCENES_PER_EXPOSURE - 1).exposure_name
        assert {step.task.exposed for step in turns} == {first.task.exposed}
        able = {"relabel", "context"} if first.task.exposed else {"absent", "near_miss", "context"}
        assert {step.exposure_name for step in turns[: len(able)]} == able, "each has its turn"
        assert turns[len(able) % 4].exposure_name == first.exposure_name


def test_parts_fill_the_corpus() -> None:
    one = planner(sources=TWO, shard={"samples": 64})
    assert [(p.kind, p.split, p.start, p.count) for p in one.parts] == [
        ("image", "train", 0, 600),
        ("image", "val", 600, 150),
        ("clip", "train", 750, 200),
        ("clip", "val", 950, 50),
    ]
    covered = [n for r in one.ranges() for n in range(r.start, r.stop)]
    assert covered == list(range(1000))
    assert len({r.name for r in one.ranges()}) == len(list(one.ranges()))


def test_prompts_of_a_scene_follow_each_other_and_differ() -> None:
    one = planner(sources=TWO, prompts_per_scene=3)
    for part in one.parts:
        numbers = range(part.start, part.start + part.count)
        for attempt in (0, 1):
            keys = [chosen(one, n, attempt)[0] for n in numbers]
            assert all(len(set(keys[at : at + 3])) == 1 for at in range(0, len(keys), 3)), "also after a drop"
        assert len({chosen(one, n)[-1] for n in numbers}) == part.count, "each has chances of its own"
    steps = [one.spec(n, 0) for n in range(600)]
    assert abs(sum(step.task.exposed for step in steps) / 600 - 0.5) < 0.07
    assert any(len({step.task.exposed for step in steps[at : at + 3]}) == 2 for at in range(0, 600, 3))


def test_a_shared_scene_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = planner(prompts_per_scene=4)
    (opened,) = one.sources
    read: list[int] = []
    plain = opened.source.scene
    monkeypatch.setattr(opened.source, "scene", lambda number: (read.append(number), plain(number))[1])
    scenes = [one.spec(n, 0).scene() for n in range(8)]
    assert len(read) == 2
    assert scenes[0] is scenes[3]
    assert scenes[0].key != scenes[4].key


def test_a_broken_donor_is_drawn_anew_where_broken_scenes_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def donors(broken: str, bad: range) -> list[str]:
        one = planner(broken=broken)
        (opened,) = one.sources
        plain = opened.source.scene

        def scene(number: int) -> Scene:
            if number in bad:
                raise DataError(f"scene {number} is broken")
            return plain(number)

        monkeypatch.setattr(opened.source, "scene", scene)
        tasks = [one.spec(n, 0).task for n in range(40)]
        return [task.other_scene(task.rng).key for task in tasks]

    whole, mended = donors("stop", range(0)), donors("drop", range(10))
    bad = {planner().sources[0].source.key(number) for number in range(10)}
    assert whole == donors("drop", range(0))
    assert not bad & set(mended)
    assert all(old == new for old, new in zip(whole, mended, strict=True) if old not in bad)
    assert mended == donors("drop", range(10)) != whole
    with pytest.raises(DataError, match="scene [0-9] is broken"):
        donors("stop", range(10))
    with pytest.raises(DataError, match="scene [0-9]+ is broken"):
        donors("drop", range(50))


def test_shares_are_the_recipes() -> None:
    one = planner(samples=20_000, anomaly_ratio=0.3)
    steps = [one.spec(n, 0) for n in range(0, 16_000, 4)]
    exposed = sum(s.task.exposed for s in steps) / len(steps)
    assert abs(exposed - 0.3) < 0.03
    normal = Counter(s.exposure_name for s in steps if not s.task.exposed)
    assert abs(normal["near_miss"] / normal.total() - 0.75) < 0.03


def test_no_scene_in_two_splits() -> None:
    one = planner(sources=TWO)
    seen: dict[str, set[str]] = {"train": set(), "val": set()}
    for part in one.parts:
        for n in range(part.start, part.start + part.count):
            step = one.spec(n, 0, part)
            seen[part.split].add(step.opened.source.group(step.number))
    assert not seen["train"] & seen["val"]
    assert seen["val"]


def test_the_same_photo_in_two_sources_stays_in_one_split() -> None:
    twice = [{"name": "street", "scenes": 60, "size": [96, 128]}, {"name": "street", "scenes": 40, "size": [96, 128]}]
    one = planner(sources=twice)
    held = [{o.source.group(int(n)) for n in o.scenes["val"]} for o in one.sources]
    kept = [{o.source.group(int(n)) for n in o.scenes["train"]} for o in one.sources]
    assert not held[0] & kept[1]
    assert not held[1] & kept[0]


@pytest.mark.parametrize("val", [0.0, 0.01, 0.5, 0.99])
def test_a_few_scenes_still_make_two_splits(val: float) -> None:
    one = planner(sources=[{"name": "street", "scenes": 3, "size": [96, 128]}], val=val)
    (opened,) = one.sources
    assert len(opened.scenes["train"]) + len(opened.scenes["val"]) == 3
    assert len(opened.scenes["train"]) >= 1
    assert bool(len(opened.scenes["val"])) == (val > 0)


def test_what_can_not_be_planned_is_said() -> None:
    with pytest.raises(
        UserError, match=r"exposures: none of them makes an anomaly from image scenes; add one \(such as rel"
    ):
        planner(exposures=["absent"])
    with pytest.raises(
        UserError,
        match=r"exposures: none of them makes samples without an anomaly from image scenes.*anomaly_ratio to 1",
    ):
        planner(exposures=["relabel"])
    planner(exposures=["relabel"], anomaly_ratio=1)
    with pytest.raises(UserError, match="no image scene is left for split '(val|train)'; give more scenes"):
        planner(sources=[{"name": "street", "scenes": 1, "size": [96, 128]}])
    with pytest.raises(UserError, match="sample 1000: the corpus has samples 0 to 999"):
        planner().spec(1000, 0)
    with pytest.raises(DataError, match=r"sources\[0\] \(coco\): .*nowhere"):
        planner(sources=[{"name": "coco", "root": "/nowhere/coco"}])
