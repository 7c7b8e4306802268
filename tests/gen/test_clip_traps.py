"""Traps in layouts of videos: gaps, hidden objects, ids, names that leave the folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import miniatures
import numpy as np
import pytest
from miniatures import ref_youtube_vos, sa_v, shapes, youtube_vos
from PIL import Image
from traps import BOX, Plain, drawn, edit, named, opened

from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError
from lavida_gen.common.findings import Finding
from lavida_gen.config.recipe import SOURCES
from lavida_gen.exposures import _candidates as candidates
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name, Scene
from lavida_gen.sources._base import Source

# ---- clips -----------------------------------------------------------------------------------------------------


def moving(root: Path, frames: list[int], annotated: list[int]) -> Plain:
    """A YouTube-VOS video whose white box moves; only some of its frames have masks."""
    for number in frames:
        box = shapes.track(number, (2, 4), (1, 1))
        pixels = np.where(shapes.bits(box)[:, :, None], 255, 0).repeat(3, axis=2).astype(np.uint8)
        shapes.save(root / "train" / "JPEGImages" / "v" / f"{number:05d}.jpg", pixels, quality=95)
        if number in annotated:
            shapes.palette(root / "train" / "Annotations" / "v" / f"{number:05d}.png", shapes.plane({1: box}))
    one = {"category": "dog", "frames": [f"{number:05d}" for number in annotated]}
    shapes.write(root / "train" / "meta.json", {"videos": {"v": {"objects": {"1": one}}}})
    return {"root": root}


def check_frames_match_masks(scene: Scene) -> None:
    """Each frame is bright where its own mask is."""
    for time, frame in enumerate(scene.frames):
        pixels = frame.pixels().astype(int).mean(axis=2)
        mask = scene.regions[0].masks[time]
        assert mask is not None
        assert pixels[masks.decode(mask)].mean() > 220
        assert pixels[~masks.decode(mask)].mean() < 20


def test_frames_without_a_mask_are_never_used_and_gaps_are_kept(tmp_path: Path) -> None:
    plain = moving(tmp_path, list(range(30)), [0, 5, 8, 13, 28])
    source = opened("youtube_vos", {**plain, "frames": 5})
    (scene,) = [source.scene(number) for number in range(len(source))]
    assert [Path(frame.where).stem for frame in scene.frames] == ["00000", "00005", "00008", "00013", "00028"]
    assert all(mask is not None for mask in scene.regions[0].masks)
    assert scene.fps == pytest.approx(30 * 4 / 28)
    check_frames_match_masks(scene)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_videos(tmp_path: Path, count: int) -> None:
    plain = moving(tmp_path, list(range(6)), [0, 5, 3][:count])
    source = opened("youtube_vos", {**plain, "frames": 4})
    if count == 1:
        assert len(source) == 0, "a still is no clip"
        assert list(source.findings()) == [Finding("note", "video v: left out, 1 annotated frame")]
        return
    scene = source.scene(0)
    shown = ["00000", "00005", "00005", "00005"] if count == 2 else ["00000", "00003", "00005", "00005"]
    assert [Path(frame.where).stem for frame in scene.frames] == shown
    check_frames_match_masks(scene)
    assert scene.fps == pytest.approx(30 / 5 * (count - 1))
    assert len(opened("youtube_vos", {**plain, "frames": 4, "short": "drop"})) == 0


def test_an_object_that_is_hidden_for_a_while(tmp_path: Path) -> None:
    source = drawn("youtube_vos", tmp_path)
    scene = next(s for s in (source.scene(n) for n in range(len(source))) if youtube_vos.HIDDEN[0] in s.key)
    (panda,) = named(scene, "giant_panda")
    assert [mask is None for mask in panda.masks] == [False, False, True]
    assert panda.candidate


def test_an_object_without_annotated_masks_is_never_the_anomaly(tmp_path: Path) -> None:
    """As in valid: every object has a mask in its first frame only, but meta.json lists it in all frames."""
    youtube_vos.draw(tmp_path)
    folder = tmp_path / "train" / "Annotations" / "003234408d"
    shapes.palette(folder / "00000.png", shapes.plane({1: BOX}))
    shapes.palette(folder / "00005.png", shapes.plane({2: BOX}))
    for frame in ("00010", "00015", "00020", "00025"):
        (folder / f"{frame}.png").unlink()
    source = opened("youtube_vos", {"root": tmp_path, "frames": 2})
    scene = source.scene(0)
    assert [(r.category, r.candidate) for r in scene.regions] == [("penguin", False), ("giant_panda", False)]
    assert candidates.anomaly_names(scene.regions) == []


def test_an_object_without_a_name(tmp_path: Path) -> None:
    youtube_vos.draw(tmp_path)
    edit(tmp_path / "train" / "meta.json", lambda plain: plain["videos"]["003234408d"]["objects"].pop("2"))
    with pytest.raises(DataError, match="003234408d: object 2 has no name"):
        opened("youtube_vos", {"root": tmp_path}).scene(0)


@pytest.mark.parametrize("kind", [str, int])
def test_object_ids_are_strings_or_numbers(tmp_path: Path, kind: type) -> None:
    ref_youtube_vos.draw(tmp_path)
    (tmp_path / "train" / "meta.json").unlink()

    def change(plain: Plain) -> None:
        for video in plain["videos"].values():
            for one in video["expressions"].values():
                one["obj_id"] = kind(one["obj_id"])

    edit(tmp_path / "meta_expressions" / "train" / "meta_expressions.json", change)
    scene = opened("ref_youtube_vos", {"root": tmp_path, "frames": 3}).scene(0)
    assert [r.names for r in scene.regions] == [
        ("a penguin walking to the right in film 0", "the one that is walking"),
        ("a giant panda coming from the right in film 0",),
    ]
    assert {r.category for r in scene.regions} == {""}, "without meta.json no category is known"


@pytest.mark.parametrize("ident", ["one", "", None, "1.5"])
def test_invalid_object_ids(tmp_path: Path, ident: Any) -> None:
    ref_youtube_vos.draw(tmp_path)
    file = tmp_path / "meta_expressions" / "train" / "meta_expressions.json"
    edit(file, lambda plain: plain["videos"]["003234408d"]["expressions"]["0"].update(obj_id=ident))
    source = opened("ref_youtube_vos", {"root": tmp_path})
    (finding,) = source.left_out()
    assert "meta_expressions.json: video '003234408d' expression '0': object id" in finding.text
    assert {video.name for video in source.videos} == {"0043f083b5"}


def test_many_broken_videos_are_counted(tmp_path: Path) -> None:
    plain = youtube_vos.draw(tmp_path)
    edit(
        tmp_path / "train" / "meta.json",
        lambda p: p["videos"].update({f"v{at:02d}": {"objects": {}} for at in range(30)}),
    )
    found = list(opened("youtube_vos", plain).left_out())
    assert (len(found), sum(finding.scenes for finding in found)) == (11, 30)
    assert found[-1] == Finding("dropped", "... and 20 more videos", 20)


def test_expressions_inside_the_split_are_found_too(tmp_path: Path) -> None:
    ref_youtube_vos.draw(tmp_path)
    (tmp_path / "meta_expressions").rename(tmp_path / "train" / "meta_expressions")
    assert len(opened("ref_youtube_vos", {"root": tmp_path, "frames": 3})) == 3


def test_data_sets_over_the_same_videos_share_their_groups(tmp_path: Path) -> None:
    one, two = drawn("youtube_vos", tmp_path / "1"), drawn("ref_youtube_vos", tmp_path / "2")
    assert {one.group(n) for n in range(len(one))} == {two.group(n) for n in range(len(two))}


@pytest.mark.parametrize("name", ["../v", "/v", "C:\\v", "a/../../v"])
def test_videos_that_leave_the_folder(tmp_path: Path, name: str) -> None:
    youtube_vos.draw(tmp_path)
    edit(tmp_path / "train" / "meta.json", lambda plain: plain["videos"].update({name: {"objects": {}}}))
    with pytest.raises(DataError, match=r"meta\.json: file name .* leaves the data set's folder"):
        opened("youtube_vos", {"root": tmp_path})


def test_a_video_without_masks_is_left_out(tmp_path: Path) -> None:
    plain = youtube_vos.draw(tmp_path)
    whole = opened("youtube_vos", plain)
    shutil.rmtree(tmp_path / "train" / "Annotations" / "003234408d")
    source = opened("youtube_vos", plain)
    (finding,) = source.left_out()
    assert "meta.json: video '003234408d' has no folder" in finding.text
    assert len(source) + finding.scenes == len(whole)
    edit(tmp_path / "train" / "meta.json", lambda plain: plain["videos"].update(gone={"objects": {}}))
    assert [finding.scenes for finding in opened("youtube_vos", plain).left_out()] == [2, 1]


@pytest.mark.parametrize("name", ["youtube_vos", "mevis"])
def test_frames_may_be_png(tmp_path: Path, name: str) -> None:
    whole = drawn(name, tmp_path).scene(0)
    for path in (tmp_path / "train" / "JPEGImages").rglob("*.jpg"):
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    source = drawn_again(name, tmp_path)
    assert list(source.findings()) == []
    scene = source.scene(0)
    for frame, jpeg in zip(scene.frames, whole.frames, strict=True):
        assert Path(frame.where) == Path(jpeg.where).with_suffix(".png")
        assert frame.pixels().shape == (*whole.size, 3)


def drawn_again(name: str, root: Path) -> Source:
    return opened(name, {"root": root, "frames": 3, **({"stride": 1} if name == "mevis" else {})})


def test_an_expression_without_an_object_id_is_left_out(tmp_path: Path) -> None:
    plain = ref_youtube_vos.draw(tmp_path)
    file = tmp_path / "meta_expressions" / "train" / "meta_expressions.json"
    edit(file, lambda p: p["videos"]["003234408d"]["expressions"]["2"].pop("obj_id"))
    source = opened("ref_youtube_vos", plain)
    (finding,) = source.left_out()
    assert "video '003234408d' expression '2': has no 'obj_id'" in finding.text
    assert "a giant panda coming from the right in film 0" not in {name.text for name in source.vocabulary()}


def test_ref_davis_refers_to_what_makes_its_file(tmp_path: Path) -> None:
    drawn("ref_davis", tmp_path)
    (tmp_path / "meta_expressions" / "train" / "meta_expressions.json").unlink()
    with pytest.raises(DataError, match=r"no file .*meta_expressions\.json.*convert_davis_to_ytvos\.py makes it of"):
        opened("ref_davis", {"root": tmp_path})


def test_sa_v_masks_and_frames_are_aligned_in_time(tmp_path: Path) -> None:
    source = drawn("sa_v", tmp_path, masklets="manual")
    assert [source.key(number) for number in range(2)] == ["sa_v/sav_000001/0of2", "sa_v/sav_000001/1of2"]
    for number in range(2):
        scene = source.scene(number)
        assert scene.fps == 6.0
        assert scene.frames[0].where.endswith(f"sav_000001.mp4 frame {sa_v.EVERY * 2 * number}")
        for time, frame in enumerate(scene.frames):
            mask = scene.regions[0].masks[time]
            assert mask is not None
            pixels = frame.pixels().astype(int).mean(axis=2)
            assert pixels[masks.decode(mask)].mean() > 235
            assert pixels[:, :64][~masks.decode(mask)[:, :64]].mean() < 20


def test_sa_v_masklets_of_both_kinds_and_hidden_ones(tmp_path: Path) -> None:
    source = drawn("sa_v", tmp_path)
    assert [[mask is None for mask in r.masks] for r in source.scene(0).regions] == [
        [False] * 4,
        [True, True, False, False],
    ]
    assert source.vocabulary() == [Name("object", "object")]
    (tmp_path / "sav_000" / "sav_000001_auto.json").unlink()
    assert len(source.scene(0).regions) == 1, "some videos have no automatic masklets"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p["masklet"][2].pop(), r"sav_000001_manual\.json: 'masklet' is ragged or empty"),
        (lambda p: p.update(masklet=[]), "'masklet' is ragged or empty"),
        (lambda p: p.update(masklet=[3]), "'masklet' is ragged or empty"),
        (lambda p: p.update(video_height=None), "'video_height' is None; expected an integer"),
        (lambda p: p.update(video_height=97), r"sav_000001: masklet 0 annotated frame 0: run lengths sum up to"),
        (lambda p: p.update(masklet=p["masklet"][:1]), "sav_000001: has 1 annotated frames; expected at least"),
    ],
)
def test_sa_v_malformed_masklets(tmp_path: Path, change: Any, message: str) -> None:
    plain = sa_v.draw(tmp_path)
    shapes.write(tmp_path / "sav_000" / "sav_000001_manual.json", sa_v.masklets([0, 0]))
    edit(tmp_path / "sav_000" / "sav_000001_manual.json", change)
    with pytest.raises(DataError, match=message):
        opened("sa_v", {**plain, "masklets": "manual"}).scene(0)


def test_sa_v_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"root: no \*_manual\.json in"):
        opened("sa_v", {"root": tmp_path})
    (tmp_path / "JPEGImages_24fps").mkdir()
    with pytest.raises(DataError, match=r"expected the training set: val and test \(JPEGImages_24fps\) are not read"):
        opened("sa_v", {"root": tmp_path})


@pytest.mark.parametrize("name", sorted(set(plugins.names(SOURCES)) - {"street", "hf"}))
def test_an_empty_or_missing_folder_refers_to_the_expected_layout(tmp_path: Path, name: str) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        needed = {"annotations": "gold.json"} if name == "sa_co_images" else {}
        with pytest.raises(DataError, match=r"no (folder|file|\*)"):
            opened(name, {"root": root, **needed})


MISSING = {
    "ade20k": ["annotations/training", "images/training", "objectInfo150.txt"],
    "cityscapes": ["leftImg8bit/train", "gtFine/train"],
    "mapillary": ["training/images", "training/instances", "config.json"],
    "youtube_vos": ["train/JPEGImages", "train/Annotations", "train/meta.json"],
    "mevis": ["train/JPEGImages", "train/meta_expressions.json", "train/mask_dict.json"],
    "ref_youtube_vos": ["train/JPEGImages", "train/Annotations", "meta_expressions/train/meta_expressions.json"],
    "ref_davis": ["train/JPEGImages", "train/Annotations", "meta_expressions/train/meta_expressions.json"],
}


@pytest.mark.parametrize("name", MISSING)
def test_all_missing_files_are_reported_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as caught:
        opened(name, {"root": tmp_path})
    lines = str(caught.value).splitlines()
    assert len(lines) == len(MISSING[name])
    for line, missing in zip(lines, MISSING[name], strict=True):
        assert str(tmp_path / missing) in line
        assert f"see `lavida-gen sources {name}`" in line


@pytest.mark.parametrize("name", ["youtube_vos", "mevis", "ade20k"])
def test_a_root_one_folder_too_high_or_low(tmp_path: Path, name: str) -> None:
    plain = miniatures.draw(name, tmp_path / "data" / "inner")
    inner = sorted(path for path in (tmp_path / "data" / "inner").iterdir() if path.is_dir())[0]
    for wrong in (tmp_path / "data", inner):
        with pytest.raises(DataError, match=rf"it is in {tmp_path / 'data' / 'inner'}: give that as `root`"):
            opened(name, {**plain, "root": wrong})
