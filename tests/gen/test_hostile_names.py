"""Names in annotations, lists and records that lead out of the data set's folder, also by links."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from miniatures import shapes
from traps import drawn, edit

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.file_names import LINKS, check_file_name, is_inside, path_inside

LEAVING = ["../a.jpg", "a/../../b.jpg", "/etc/passwd", "\\\\server\\a.jpg", "C:/a.jpg", "C:a.jpg", "..", "", "a\0b.jpg",
           "file:///a.jpg", "..\\a.jpg"]  # fmt: skip


@pytest.mark.parametrize("name", LEAVING)
def test_names_that_lead_elsewhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"list\.txt: file name .* leaves the data set's folder; .*fix the annotations"):
        path_inside(tmp_path, name, "list.txt")


@pytest.mark.parametrize("name", ["a\x1b[31m.jpg", "a\n.jpg", "a\u202egpj.exe", "a\ud800.jpg", "\x9b.jpg"])
def test_names_with_control_characters(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds control characters"):
        path_inside(tmp_path, name, "list.txt")


@pytest.mark.parametrize("name", ["a" * 256 + ".jpg", "a/" * 600 + "b"])
def test_names_that_are_too_long(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is too long") as stopped:
        path_inside(tmp_path, name, "list.txt")
    assert len(str(stopped.value)) < 300


@pytest.mark.parametrize(
    "name", ["Übergröße 1.jpg", "전기/자전거.png", "a b/(1).jpg", "~a.jpg", "...jpg", "a/.b", "a..b"]
)
def test_names_of_data_sets(name: str, tmp_path: Path) -> None:
    assert check_file_name(name) == name
    assert path_inside(tmp_path, name, "list.txt") == tmp_path / name


def test_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is itself a link is the wish of who made it; a link inside it is followed only inside."""
    outside, folder = tmp_path / "outside", tmp_path / "data"
    outside.mkdir()
    (folder / "inner").mkdir(parents=True)
    (outside / "a.jpg").touch()
    (folder / "b.jpg").touch()
    (folder / "file.jpg").symlink_to(outside / "a.jpg")
    (folder / "relative.jpg").symlink_to("../outside/a.jpg")
    (folder / "away").symlink_to(outside)
    (folder / "loop").symlink_to("loop")
    (folder / "same.jpg").symlink_to("b.jpg")
    (folder / "inner" / "up.jpg").symlink_to("../b.jpg")
    (tmp_path / "root").symlink_to(folder)
    for root in (folder, tmp_path / "root"):
        for name in ("file.jpg", "relative.jpg", "away/a.jpg", "away/sub/new.jpg"):
            with pytest.raises(DataError, match=f"a link leads to {outside}.*; expected a file inside .*{LINKS}"):
                path_inside(root, name, "list.txt")
        for name in ("b.jpg", "same.jpg", "inner/up.jpg", "loop", "missing/a.jpg"):
            assert path_inside(root, name, "list.txt") == root / name
    assert path_inside(folder / "away", "a.jpg", "list.txt").is_file()
    assert not is_inside(folder, tmp_path / "data2" / "a.jpg")
    monkeypatch.setenv(LINKS, f"relative:{tmp_path / 'other'}:{outside}")
    assert path_inside(folder, "file.jpg", "list.txt").is_file()


# ---- sources --------------------------------------------------------------------------------------------------------


def secret(tmp_path: Path) -> Path:
    """A picture of the reader, of the size that the drawn data sets have."""
    path = tmp_path / "private" / "secret.jpg"
    shapes.jpeg(path, 7)
    return path


def reads(source: Any) -> None:
    for number in range(len(source)):
        for frame in source.scene(number).frames:
            frame.pixels()


@pytest.mark.parametrize("way", ["file", "folder"])
def test_coco_through_a_link(way: str, tmp_path: Path) -> None:
    source = drawn("coco", tmp_path / "coco")
    private, images = secret(tmp_path), tmp_path / "coco" / "train2017"
    name = "link.jpg" if way == "file" else "link/secret.jpg"
    (images / "link").symlink_to(private.parent)
    (images / "link.jpg").symlink_to(private)
    edit(
        tmp_path / "coco" / "annotations" / "instances_train2017.json",
        lambda plain: plain["images"][0].update(file_name=name),
    )
    source = drawn_again("coco", tmp_path / "coco")
    with pytest.raises(DataError, match="a link leads to"):
        reads(source)


def drawn_again(name: str, root: Path, **options: Any) -> Any:
    """The source over a folder that was drawn and changed."""
    from traps import opened

    return opened(name, {"root": root, **options})


@pytest.mark.parametrize("written", ["../private/secret.jpg", "link.jpg", "link/secret.jpg", "/{private}"])
def test_labelme(written: str, tmp_path: Path) -> None:
    drawn("labelme", tmp_path / "labelme")
    private = secret(tmp_path)
    (tmp_path / "labelme" / "link.jpg").symlink_to(private)
    (tmp_path / "labelme" / "link").symlink_to(private.parent)
    file = next(path for path in sorted((tmp_path / "labelme").rglob("*.json")) if "imagePath" in path.read_text())
    shutil.copy(file, tmp_path / "labelme" / "zz.json")

    def attack(plain: Any) -> None:
        plain.update(imagePath=written.format(private=str(private)[1:]), imageData=None)

    edit(tmp_path / "labelme" / "zz.json", attack)
    source = drawn_again("labelme", tmp_path / "labelme")
    number = next(number for number in range(len(source)) if source.key(number).endswith("/zz"))
    with pytest.raises(DataError, match="where imagePath .* leads"):
        source.scene(number).frames[0].pixels()


@pytest.mark.parametrize("line", ["../private/secret.jpg", "images/link/secret.jpg", "images/link.jpg"])
def test_a_list_of_yolo(line: str, tmp_path: Path) -> None:
    drawn("yolo_seg", tmp_path / "yolo")
    private = secret(tmp_path)
    (tmp_path / "yolo" / "images").mkdir(exist_ok=True)
    (tmp_path / "yolo" / "images" / "link").symlink_to(private.parent)
    (tmp_path / "yolo" / "images" / "link.jpg").symlink_to(private)
    (tmp_path / "yolo" / "train.txt").write_text(f"{line}\n")
    data = next((tmp_path / "yolo").glob("*.yaml"))
    data.write_text("train: train.txt\nnames: [cart, person]\n")
    with pytest.raises((DataError, UserError)) as stopped:
        source = drawn_again("yolo_seg", tmp_path / "yolo")
        reads(source)
    assert "secret.jpg" not in str(stopped.value) or "no picture" in str(stopped.value)


@pytest.mark.parametrize(("name", "file"), [("youtube_vos", "meta.json"), ("mevis", "meta_expressions.json")])
@pytest.mark.parametrize("video", ["../../../private", "link"])
def test_videos_of_a_list(name: str, file: str, video: str, tmp_path: Path) -> None:
    drawn(name, tmp_path / name)
    private = tmp_path / "private"
    shapes.jpeg(private / "00000.jpg", 3)
    path = next((tmp_path / name).rglob(file))
    for folder in path.parent.iterdir():
        if folder.is_dir():
            (folder / "link").symlink_to(private)
    edit(path, lambda plain: plain["videos"].update({video: next(iter(plain["videos"].values()))}))
    with pytest.raises(DataError, match="leaves the data set's folder"):
        reads(drawn_again(name, tmp_path / name))


# ---- benchmarks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["abnormal_scene_1_/../../../private", "/abnormal_scene_1_x", "abnormal_scene_1_\x1b[31m"]
)
def test_a_list_of_ubnormal(name: str, tmp_path: Path) -> None:
    from lavida_bench.benchmarks.ubnormal import read_names, scene_of

    (tmp_path / "list.txt").write_text(f"{name}\n")
    with pytest.raises(DataError, match=r"list\.txt: file name .* (leaves the data set's folder|holds control)"):
        read_names(tmp_path / "list.txt")
    if "/" in name[1:]:
        with pytest.raises(DataError, match="expected abnormal_scene_NUMBER"):
            scene_of(name)


def test_the_name_of_a_result_is_no_path() -> None:
    from lavida_bench.results.results_json import ResultEntry

    slug: Any = ResultEntry.__dict__["slug"]
    assert slug.fget(SimpleNamespace(key=("../../private", "../official", "mine"))) == "..-..-private-..-official-mine"


def test_a_run_folder_that_names_a_model_elsewhere(tmp_path: Path) -> None:
    from lavida_bench.config import recipe as run_recipes
    from lavida_bench.runs.run import FIT, _RunJob
    from lavida_bench.runs.stages import Stage, Stages

    plain = {"name": "a", "model": {"preset": "tiny"}, "data": [{"corpus": "c"}], "fit": {"steps": 1}}
    stage = Stage(FIT, "key", 1.0, "now", "lavida-bench", {"model": "../private/model"})
    stages = Stages(tmp_path, "a", done={FIT: stage})
    job = _RunJob(run_recipes.parse(plain), tmp_path, lambda total, what: nullcontext(lambda done: None), print, stages)
    with pytest.raises(DataError, match=r"file name '\.\./private/model' leaves the run"):
        job._model_folder()
