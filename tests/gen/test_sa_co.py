"""sa_co: phrases with masklets and without, test data, frames, and malformed files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import traps
from miniatures import sa_co, shapes

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.scenes.scene import Name
from lavida_gen.sources.sa_co import TEST, SaCoSource

SMALL = shapes.run_lengths(shapes.bits((1, 1, 3, 3), (24, 32)))
"""A mask of another size than the videos."""
JSON = "annotation/saco_veval_sav_val.json"


def opened(root: Path, plain: dict[str, Any] | None = None, **options: Any) -> SaCoSource:
    """The miniature, with another JSON if one is given."""
    if not (root / JSON).is_file():
        sa_co.draw(root)
    if plain is not None:
        shapes.write(root / JSON, plain)
    return SaCoSource(SaCoSource.Options.model_validate({"root": root, "frames": 3, **options}))


def test_phrases_without_masklets_are_verified_absent(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert [list(source.scene(number).absent()) for number in (0, 2)] == [["the gold watch"], ["a red car", "a monkey"]]
    assert {source.evidence_of_absence(name) for name in source.vocabulary()} == {"unannotated"}


def test_phrases_of_other_subsets_are_no_names(tmp_path: Path) -> None:
    texts = [name.text for name in opened(tmp_path).vocabulary()]
    assert texts == ["a red car", "a man", "the gold watch", "a monkey"]
    assert opened(tmp_path).vocabulary()[0] == Name("a red car")


def test_masklets_of_the_same_masks_are_one_thing(tmp_path: Path) -> None:
    """The man's watch and one of the men: an annotator drew the same masks for both phrases."""
    scene = opened(tmp_path).scene(3)
    assert [(region.names, traps.area(region)) for region in scene.regions] == [
        (("a man",), [168, 168, 168]), (("a man", "the gold watch"), [168, 168, 168]),
    ]  # fmt: skip


def test_what_a_clip_does_not_show_is_present_all_the_same(tmp_path: Path) -> None:
    source = opened(tmp_path, frames=2)
    scene = source.scene(0)
    assert [(region.names, region.candidate) for region in scene.regions] == [
        (("a red car",), True), (("a man",), False),
    ]  # fmt: skip
    assert anomaly_names(scene.regions) == ["a red car"]


def test_a_phrase_whose_masklets_are_missing_is_neither_anomaly_nor_absent(tmp_path: Path) -> None:
    plain = sa_co.plain()
    plain["video_np_pairs"][2]["num_masklets"] = 1
    scene = opened(tmp_path, plain).scene(0)
    assert [region.names for region in scene.regions if not region.candidate] == [("the gold watch",)]
    assert list(scene.absent()) == []


def test_pairs_may_not_count_their_masklets(tmp_path: Path) -> None:
    """As in an older version: a pair is negative if it has no annotation."""
    plain = sa_co.plain()
    for pair in plain["video_np_pairs"]:
        del pair["num_masklets"]
    source = opened(tmp_path, plain)
    assert [list(source.scene(number).absent()) for number in (0, 2)] == [["the gold watch"], ["a red car", "a monkey"]]


def test_a_phrase_with_masklets_is_present_whatever_its_pair_counts(tmp_path: Path) -> None:
    plain = sa_co.plain()
    plain["video_np_pairs"][0]["num_masklets"] = 0
    source = opened(tmp_path, plain)
    assert "a red car" not in list(source.scene(0).absent())


def test_ids_of_videos_may_be_texts(tmp_path: Path) -> None:
    plain = sa_co.plain()
    names = {3: "sav_000208", 9: "sav_000425"}
    for video in plain["videos"]:
        video["id"] = names[video["id"]]
    for row in (*plain["annotations"], *plain["video_np_pairs"]):
        row["video_id"] = names[row["video_id"]]
    before = [opened(tmp_path).scene(number).regions for number in range(4)]
    assert [opened(tmp_path, plain).scene(number).regions for number in range(4)] == before


def test_masks_may_be_uncompressed(tmp_path: Path) -> None:
    plain = sa_co.plain()
    height, width = shapes.SIZE
    runs = {"size": [height, width], "counts": [height * 10 + 4, 8, height * (width - 10) - 12]}
    plain["annotations"][0]["segmentations"] = [runs] * sa_co.FRAMES
    assert traps.area(opened(tmp_path, plain).scene(0).regions[0]) == [8, 8, 8]


def test_times_count_24_frames_a_second(tmp_path: Path) -> None:
    scene = opened(tmp_path).scene(0)
    assert scene.fps == pytest.approx(6.0)
    assert scene.seconds == pytest.approx((0, 4 / 24, 8 / 24))
    assert Path(scene.frames[1].where).name == "00004.jpg"


def test_videos_of_sa_v_are_one_group(tmp_path: Path) -> None:
    from miniatures import sa_v

    from lavida_gen.sources.sa_v import SaVSource

    other = SaVSource(SaVSource.Options.model_validate(sa_v.draw(tmp_path / "sav")))
    assert other.group(0).rpartition("/")[0] == opened(tmp_path / "saco").group(0).rpartition("/")[0] == "sa-v-video"
    assert opened(tmp_path / "saco").group(0) == "sa-v-video/sav_000208"


def test_samples_of_test_are_marked(tmp_path: Path) -> None:
    source = opened(tmp_path)
    assert (source.rights().use, TEST in source.rights().licence) == ("noncommercial", False)
    (tmp_path / JSON).rename(tmp_path / JSON.replace("_val", "_test"))
    source = SaCoSource(SaCoSource.Options(root=tmp_path, split="test", frames=3))
    assert source.rights().use == "forbidden"
    assert TEST in source.rights().licence
    assert TEST in source.scene(0).licence


@pytest.mark.parametrize(
    ("subset", "folder", "use", "group"),
    [
        ("yt1b", "saco_yt1b/JPEGImages_6fps", "forbidden", "youtube-video/sav_000208"),
        ("yt1b", "sa_yt1b/JPEGImages_6fps", "forbidden", "youtube-video/sav_000208"),
        ("smartglasses", "saco_sg/JPEGImages_6fps", "free", "saco-sg-video/sav_000208"),
    ],
)
def test_other_subsets(subset: str, folder: str, use: str, group: str, tmp_path: Path) -> None:
    sa_co.draw(tmp_path)
    (tmp_path / JSON).rename(tmp_path / JSON.replace("_sav_", f"_{subset}_"))
    target = tmp_path / "media" / folder
    target.parent.mkdir()
    (tmp_path / "media" / "saco_sav" / "JPEGImages_24fps").rename(target)
    source = SaCoSource(SaCoSource.Options.model_validate({"root": tmp_path, "subset": subset, "frames": 3}))
    assert list(source.findings()) == []
    assert (source.rights().use, source.group(0)) == (use, group)
    assert source.key(0) == f"sa_co/{subset}/val/sav_000208/00000"
    shapes.jpeg(target / "sav_000208" / "00099.jpg", 1)
    notes = [finding.text for finding in source.findings()]
    assert notes == (
        [f"{target / 'sav_000208'}: has 7 frames; expected 6: masks may not fit its pictures; "
         "extract the frames with the authors' script"] if subset == "yt1b" else []
    )  # fmt: skip


def change(plain: dict[str, Any], member: str, number: int, **values: Any) -> dict[str, Any]:
    """An element with other members; None removes one."""
    element = {**plain[member][number], **values}
    plain[member][number] = {key: value for key, value in element.items() if value is not None}
    return plain


@pytest.mark.parametrize(
    ("member", "values", "message"),
    [
        ("videos", {"file_names": []}, r"videos\[1\]: file_names is \[\]; expected the names of its frames"),
        ("videos", {"id": None}, r"videos\[1\]: id is 'None'; expected a number or a text"),
        ("videos", {"height": None}, r"videos\[1\]: 'height' is None; expected an integer"),
        ("annotations", {"video_id": 77}, r"annotations\[1\]: video_id 77 is no video of this file"),
        ("annotations", {"noun_phrase": " "}, r"annotations\[1\]: has a blank noun_phrase"),
        ("annotations", {"noun_phrase": None}, r"annotations\[1\]: has no 'noun_phrase'"),
        (
            "annotations",
            {"segmentations": [None]},
            r"annotations\[1\]: has 1 masks; expected 6, the frames of its video",
        ),
        (
            "annotations",
            {"segmentations": [{"size": [48], "counts": ""}]},
            r"annotations\[1\] frame 0: size is \[48\]; expected \[height, width\]",
        ),
        (
            "annotations",
            {"segmentations": [{"size": [48, 64], "counts": "1"}] * 6},
            r"annotations\[1\] frame 0: run lengths sum up to 1; expected 3072",
        ),
        (
            "annotations",
            {"segmentations": [SMALL] + [None] * 5},
            r"annotations\[1\]: masks of size \(24, 32\); expected \(48, 64\)",
        ),
        (
            "annotations",
            {"segmentations": [None, shapes.run_lengths(shapes.bits((1, 1, 3, 3))), SMALL, None, None, None]},
            r"annotations\[1\] frame 2: size \(24, 32\); expected \(48, 64\), as in earlier frames",
        ),
        ("video_np_pairs", {"video_id": "x"}, r"video_np_pairs\[1\]: video_id x is no video of this file"),
    ],
)
def test_malformed_elements_are_left_out(member: str, values: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Each costs itself alone; the man whose masks are lost is there all the same."""
    source = opened(tmp_path, change(sa_co.plain(), member, 1, **values))
    found = [finding for finding in source.left_out() if re.search(message, finding.text)]
    assert [(finding.severity, finding.scenes) for finding in found] == [("dropped", int(member == "videos"))]
    scene = source.scene(0)
    assert [region.names for region in scene.regions if region.candidate] == [
        names for names in [("a red car",), ("a man",)] if member != "annotations" or names == ("a red car",)
    ]
    assert "a man" in {region.names[0] for region in scene.regions}
    assert list(scene.absent()) == ["the gold watch"]
    assert len(source) == (2 if member == "videos" else 4)


def test_a_masklet_without_a_name_makes_uncounted_pairs_unsure(tmp_path: Path) -> None:
    plain = change(sa_co.plain(), "annotations", 1, noun_phrase=None)
    for pair in plain["video_np_pairs"]:
        del pair["num_masklets"]
    source = opened(tmp_path, plain)
    assert [list(source.scene(number).absent()) for number in (0, 2)] == [[], ["a red car", "a monkey"]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"id": 3}, r"videos\[1\]: id 3 is used twice; expected unique ids"),
        ({"file_names": ["a.jpg"] * 6}, r"file_names 'a\.jpg', \.\.\. lie in no folder of their own"),
        ({"file_names": [f"sav_000208/{n}.jpg" for n in range(6)]}, r"two videos in the folder 'sav_000208'"),
    ],
)
def test_videos_that_are_not_distinct(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        opened(tmp_path, change(sa_co.plain(), "videos", 1, **values))


def test_files_of_something_else(tmp_path: Path) -> None:
    from miniatures import coco

    sa_co.draw(tmp_path)
    coco.draw(tmp_path / "coco")
    (tmp_path / "coco" / "annotations" / "instances_train2017.json").rename(tmp_path / JSON)
    with pytest.raises(DataError, match=r"has no 'videos'; expected a JSON in the form of SA-Co/VEval"):
        opened(tmp_path)
    with pytest.raises(DataError) as error:
        SaCoSource(SaCoSource.Options(root=tmp_path, subset="yt1b", split="test"))
    assert "saco_veval_yt1b_test.json" in str(error.value)
    assert "saco_yt1b/JPEGImages_6fps" in str(error.value)


def test_nothing_outside_the_media_is_read(tmp_path: Path) -> None:
    names = [f"../../secret/{number}.jpg" for number in range(6)]
    source = opened(tmp_path, change(sa_co.plain(), "videos", 0, file_names=names))
    with pytest.raises(DataError, match="leaves the data set's folder"):
        source.scene(0)
