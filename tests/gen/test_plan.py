"""The planner: sample number -> source, scene, exposure. Pure, in the recipe's shares, no scene in two splits."""

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


def chosen(planner: SamplePlanner, index: int, retry: int = 0) -> tuple[Any, ...]:
    spec = planner.spec(index, retry)
    return spec.opened.source.key(spec.number), spec.exposure_name, spec.task.exposed, spec.task.rng.random()


def test_a_sample_depends_on_its_number_alone() -> None:
    first, second = planner(sources=TWO), planner(sources=TWO, samples=1000)
    forwards = [chosen(first, n) for n in range(200)]
    backwards = [chosen(second, n) for n in reversed(range(200))]
    assert forwards == backwards[::-1]


def test_another_seed_gives_other_samples() -> None:
    assert [chosen(planner(), n) for n in range(9)] != [chosen(planner(seed=1), n) for n in range(9)]


def test_retries_change_the_scene_but_not_the_shares() -> None:
    planned = planner()
    for n in range(50):
        specs = [planned.spec(n, retry) for retry in range(5)]
        assert len({(spec.exposure_name, spec.task.exposed, spec.opened.name) for spec in specs}) == 1
    assert len({planned.spec(3, retry).number for retry in range(20)}) > 1


def test_after_some_scenes_another_exposure_is_drawn() -> None:
    planned = planner(exposures=["relabel", "absent", {"name": "near_miss", "weight": 3}, "context"])
    for n in range(200):
        first = planned.spec(n, 0)
        turns = [planned.spec(n, retry) for retry in range(0, 4 * SCENES_PER_EXPOSURE, SCENES_PER_EXPOSURE)]
        assert planned.spec(n, SCENES_PER_EXPOSURE - 1).exposure_name == first.exposure_name
        assert (
            planned.spec(n, SCENES_PER_EXPOSURE).exposure_name
            == planned.spec(n, 2 * SCENES_PER_EXPOSURE - 1).exposure_name
        )
        assert {spec.task.exposed for spec in turns} == {first.task.exposed}
        fitting = {"relabel", "context"} if first.task.exposed else {"absent", "near_miss", "context"}
        assert {spec.exposure_name for spec in turns[: len(fitting)]} == fitting, "each has its turn"
        assert turns[len(fitting) % 4].exposure_name == first.exposure_name


def test_parts_fill_the_corpus() -> None:
    planned = planner(sources=TWO, shard={"samples": 64})
    assert [(p.kind, p.split, p.start, p.count) for p in planned.parts] == [
        ("image", "train", 0, 600),
        ("image", "val", 600, 150),
        ("clip", "train", 750, 200),
        ("clip", "val", 950, 50),
    ]
    covered = [n for r in planned.ranges() for n in range(r.start, r.stop)]
    assert covered == list(range(1000))
    assert len({r.name for r in planned.ranges()}) == len(list(planned.ranges()))


def test_prompts_of_a_scene_follow_each_other_and_differ() -> None:
    planned = planner(sources=TWO, prompts_per_scene=3)
    for part in planned.parts:
        numbers = range(part.start, part.start + part.count)
        for retry in (0, 1):
            keys = [chosen(planned, n, retry)[0] for n in numbers]
            assert all(len(set(keys[start : start + 3])) == 1 for start in range(0, len(keys), 3)), (
                "also after a rejection"
            )
        assert len({chosen(planned, n)[-1] for n in numbers}) == part.count, "each has its own random numbers"
    specs = [planned.spec(n, 0) for n in range(600)]
    assert abs(sum(spec.task.exposed for spec in specs) / 600 - 0.5) < 0.07
    assert any(len({spec.task.exposed for spec in specs[start : start + 3]}) == 2 for start in range(0, 600, 3))


def test_a_shared_scene_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = planner(prompts_per_scene=4)
    (opened,) = planned.sources
    read: list[int] = []
    plain = opened.source.scene
    monkeypatch.setattr(opened.source, "scene", lambda number: (read.append(number), plain(number))[1])
    scenes = [planned.spec(n, 0).scene() for n in range(8)]
    assert len(read) == 2
    assert scenes[0] is scenes[3]
    assert scenes[0].key != scenes[4].key


def test_another_donor_is_drawn_for_a_broken_one_if_the_recipe_drops_those(monkeypatch: pytest.MonkeyPatch) -> None:
    def donors(broken: str, bad: range) -> list[str]:
        planned = planner(broken=broken)
        (opened,) = planned.sources
        plain = opened.source.scene

        def scene(number: int) -> Scene:
            if number in bad:
                raise DataError(f"scene {number} is broken")
            return plain(number)

        monkeypatch.setattr(opened.source, "scene", scene)
        tasks = [planned.spec(n, 0).task for n in range(40)]
        return [task.other_scene(task.rng).key for task in tasks]

    intact, replaced = donors("stop", range(0)), donors("drop", range(10))
    bad = {planner().sources[0].source.key(number) for number in range(10)}
    assert intact == donors("drop", range(0))
    assert not bad & set(replaced)
    assert all(old == new for old, new in zip(intact, replaced, strict=True) if old not in bad)
    assert replaced == donors("drop", range(10)) != intact
    with pytest.raises(DataError, match="scene [0-9] is broken"):
        donors("stop", range(10))
    with pytest.raises(DataError, match="scene [0-9]+ is broken"):
        donors("drop", range(50))


def test_shares_are_the_recipes() -> None:
    planned = planner(samples=20_000, anomaly_ratio=0.3)
    specs = [planned.spec(n, 0) for n in range(0, 16_000, 4)]
    exposed = sum(spec.task.exposed for spec in specs) / len(specs)
    assert abs(exposed - 0.3) < 0.03
    normal = Counter(spec.exposure_name for spec in specs if not spec.task.exposed)
    assert abs(normal["near_miss"] / normal.total() - 0.75) < 0.03


def test_no_scene_in_two_splits() -> None:
    planned = planner(sources=TWO)
    seen: dict[str, set[str]] = {"train": set(), "val": set()}
    for part in planned.parts:
        for n in range(part.start, part.start + part.count):
            spec = planned.spec(n, 0, part)
            seen[part.split].add(spec.opened.source.group(spec.number))
    assert not seen["train"] & seen["val"]
    assert seen["val"]


def test_the_same_photo_in_two_sources_stays_in_one_split() -> None:
    twice = [{"name": "street", "scenes": 60, "size": [96, 128]}, {"name": "street", "scenes": 40, "size": [96, 128]}]
    planned = planner(sources=twice)
    held_out = [{o.source.group(int(n)) for n in o.scenes["val"]} for o in planned.sources]
    train = [{o.source.group(int(n)) for n in o.scenes["train"]} for o in planned.sources]
    assert not held_out[0] & train[1]
    assert not held_out[1] & train[0]


@pytest.mark.parametrize("val", [0.0, 0.01, 0.5, 0.99])
def test_a_few_scenes_still_make_two_splits(val: float) -> None:
    planned = planner(sources=[{"name": "street", "scenes": 3, "size": [96, 128]}], val=val)
    (opened,) = planned.sources
    assert len(opened.scenes["train"]) + len(opened.scenes["val"]) == 3
    assert len(opened.scenes["train"]) >= 1
    assert bool(len(opened.scenes["val"])) == (val > 0)


def test_recipes_that_cannot_be_planned_are_reported() -> None:
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
