"""Invalid input of the command: a clear error, exit code 2 (arguments) or 1 (data), nothing under a final name."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from lavida_gen.cli import main
from lavida_gen.corpus import shards

SIZE = (48, 64)
RECIPE = {
    "name": "bad",
    "samples": 12,
    "val": 0,
    "anomaly_ratio": 1,
    "limits": {"min_pixels": 1},
    "exposures": ["relabel"],
}
Coco = dict[str, Any]


def coco(root: Path) -> Coco:
    """A sound little COCO data set of three pictures."""
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    images, annotations = [], []
    for number in range(1, 4):
        cv2.imwrite(str(root / "val2017" / f"{number}.jpg"), np.full((*SIZE, 3), 40 * number, np.uint8))
        images.append({"id": number, "file_name": f"{number}.jpg", "height": SIZE[0], "width": SIZE[1]})
        for kind in (1, 2):
            polygon = [5 * kind, 5, 5 * kind + 20, 5, 5 * kind + 20, 30]
            annotations.append(
                {
                    "id": 10 * number + kind,
                    "image_id": number,
                    "category_id": kind,
                    "iscrowd": 0,
                    "segmentation": [polygon],
                }
            )
    categories = [{"id": k, "name": n, "supercategory": "s"} for k, n in ((1, "person"), (2, "bicycle"), (3, "car"))]
    return {"images": images, "annotations": annotations, "categories": categories}


def write(root: Path, plain: Coco) -> None:
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(plain))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "cache"))


def run(tmp_path: Path, source: dict[str, Any], *more: str, **recipe: Any) -> Result:
    file = tmp_path / "bad.yaml"
    file.write_text(json.dumps({**RECIPE, "sources": [source], **recipe}))
    command = ["build", "--recipe", str(file), "--out", str(tmp_path / "out"), "--workers", "1", *more]
    return CliRunner().invoke(main, command)


def assert_clean(tmp_path: Path) -> None:
    """Nothing half-done: no shard, no manifest, no temporary file."""
    left = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name not in ("plan.json", "lock")]
    assert left == []


def truncated(root: Path, plain: Coco) -> None:
    for path in (root / "val2017").glob("*.jpg"):
        path.write_bytes(path.read_bytes()[:-200])


def resized(root: Path, plain: Coco) -> None:
    for path in (root / "val2017").glob("*.jpg"):
        cv2.imwrite(str(path), np.zeros((10, 10, 3), np.uint8))


def missing(root: Path, plain: Coco) -> None:
    for path in (root / "val2017").glob("*.jpg"):
        path.unlink()


def bomb(root: Path, plain: Coco) -> None:
    import struct
    import zlib

    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    for path in (root / "val2017").glob("*.jpg"):
        path.write_bytes(data)


def wrong_rle(root: Path, plain: Coco) -> None:
    for one in plain["annotations"]:
        one.update(iscrowd=1, segmentation={"size": list(SIZE), "counts": [10, 10]})


def other_rle(root: Path, plain: Coco) -> None:
    for one in plain["annotations"]:
        one.update(iscrowd=1, segmentation={"size": [5, 5], "counts": [25]})


def leaves(name: str) -> Callable[[Path, Coco], None]:
    def change(root: Path, plain: Coco) -> None:
        for image in plain["images"]:
            image["file_name"] = name

    return change


def orphan(root: Path, plain: Coco) -> None:
    plain["annotations"][0]["image_id"] = 99


def cut(root: Path, plain: Coco) -> None:
    path = root / "annotations" / "instances_val2017.json"
    path.write_text(path.read_text()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (truncated, "jpg: is truncated; expected a complete JPEG"),
        (resized, "jpg: is 10 x 10 pixels; expected 64 x 48"),
        (missing, "jpg: cannot be read (No such file"),
        (bomb, "60000 x 60000 pixels; expected at most"),
        (wrong_rle, "sum up to 20; expected 3072"),
        (other_rle, "run lengths of size [5, 5]; expected [48, 64]"),
        (leaves("../../secret.jpg"), "leaves the data set's folder"),
        (leaves("/etc/passwd"), "leaves the data set's folder"),
        (orphan, "annotations[0] (id 11): image_id 99 is not an image of this file"),
        (cut, "instances_val2017.json:1:"),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_broken_coco(tmp_path: Path, change: Callable[[Path, Coco], None], message: str) -> None:
    root = tmp_path / "coco"
    plain = coco(root)
    if change is cut:
        write(root, plain)
        change(root, plain)
    else:
        change(root, plain)
        write(root, plain)
    result = run(tmp_path, {"name": "coco", "root": str(root), "split": "val2017"})
    assert result.exit_code == 1, result.output
    assert message in result.output
    assert "Traceback" not in result.output
    assert_clean(tmp_path)


def test_a_valid_data_set_is_built(tmp_path: Path) -> None:
    write(tmp_path / "coco", coco(tmp_path / "coco"))
    result = run(tmp_path, {"name": "coco", "root": str(tmp_path / "coco"), "split": "val2017"})
    assert result.exit_code == 0, result.output
    verified = CliRunner().invoke(main, ["verify", str(tmp_path / "out"), "--workers", "1"])
    assert verified.exit_code == 0, verified.output
    photos = {path.read_bytes() for path in (tmp_path / "coco" / "val2017").iterdir()}
    samples = [sample for shard in (tmp_path / "out").glob("image/*.tar") for sample in shards.read_shard(shard)]
    assert len(samples) == 12
    assert all(sample.frames[0] in photos for sample in samples), "bytes that nobody changed pass through"


def test_broken_files_can_be_skipped_and_are_counted(tmp_path: Path) -> None:
    root = tmp_path / "coco"
    write(root, coco(root))
    path = root / "val2017" / "1.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    result = run(tmp_path, {"name": "coco", "root": str(root), "split": "val2017"}, broken="drop")
    assert result.exit_code == 0, result.output
    assert "relabel: broken file" in result.output


def test_missing_root(tmp_path: Path) -> None:
    result = run(tmp_path, {"name": "coco", "root": str(tmp_path / "nowhere")})
    assert result.exit_code == 1
    assert "nowhere" in result.output
    assert_clean(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "invalid YAML"),
        ("name: x\nsamples: 3\nexposures: [relabel]\nsources: [kitty]", "unknown source 'kitty'"),
    ],
)
def test_invalid_recipes(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    result = CliRunner().invoke(main, ["build", "--recipe", str(file), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out").exists()


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch HACKED",)


def test_a_pickle_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "ref"
    (root / "refcoco").mkdir(parents=True)
    plain = coco(tmp_path / "unused")
    (root / "refcoco" / "instances.json").write_text(json.dumps(plain))
    (root / "refcoco" / "refs(unc).p").write_bytes(pickle.dumps([Evil()], protocol=2))
    (root / "images" / "train2014").mkdir(parents=True)
    result = run(tmp_path, {"name": "refcoco", "root": str(root), "dataset": "refcoco"})
    assert result.exit_code == 1, result.output
    assert "system" in result.output
    assert not (tmp_path / "HACKED").exists()
    assert_clean(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB, if this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_finished_shards(tmp_path: Path, small_disk: Path) -> None:
    """The build stops with an error, keeps finished shards, and continues when there is space."""
    recipe = {
        **RECIPE,
        "samples": 60,
        "shard": {"samples": 10},
        "sources": [{"name": "street", "scenes": 30, "size": [120, 160]}],
    }
    file = tmp_path / "full.yaml"
    file.write_text(json.dumps(recipe))
    out = small_disk / "corpus"
    result = CliRunner().invoke(main, ["build", "-r", str(file), "-o", str(out), "-w", "1"])
    assert result.exit_code == 1, result.output
    assert "the disk is full" in result.output or "No space left" in result.output
    assert not (out / "corpus.json").exists()
    assert not list(out.rglob("*.partial-*"))
    finished = sorted(out.rglob("*.tar"))
    assert finished, "some shards fit"
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    before = {path: path.stat().st_mtime_ns for path in finished}
    again = CliRunner().invoke(main, ["build", "-r", str(file), "-o", str(out), "-w", "1"])
    assert again.exit_code == 0, again.output
    assert {path: path.stat().st_mtime_ns for path in finished} == before, "finished shards are kept"
    assert CliRunner().invoke(main, ["verify", str(out), "-w", "1"]).exit_code == 0


def test_tracebacks_need_debug(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["build", "--recipe", "nowhere"])
    assert result.exit_code == 2
    assert result.output.startswith("error: unknown recipe 'nowhere'")
    debugged = CliRunner().invoke(main, ["--debug", "build", "--recipe", "nowhere"])
    assert isinstance(debugged.exception, ValueError)
