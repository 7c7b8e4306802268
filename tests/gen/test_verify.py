"""`verify` finds every kind of damage."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lavida_gen.building import build as builder
from lavida_gen.cli import main
from lavida_gen.commands.verify import _todo
from lavida_gen.config import recipe as recipes
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.shards import size_and_sha256
from lavida_gen.inspection.verify import find_problems, gather_scenes
from lavida_gen.inspection.verify_shard import ShardFindings
from lavida_gen.scenes import masks

PLAIN: dict[str, Any] = {
    "name": "v",
    "samples": 20,
    "val": 0.3,
    "sources": [{"name": "street", "scenes": 12, "size": [96, 128]}],
    "exposures": ["relabel", "absent"],
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("verify") / "corpus"
    builder.build(recipes.parse(json.loads(json.dumps(PLAIN))), out)
    assert find_problems(open_corpus(out)) == []
    return out


Fields = dict[str, bytes]


def rewrite_shard(path: Path, change: Callable[[str, Fields], object]) -> None:
    """Change the fields of each sample of a tar; a text that `change` returns becomes the sample's key."""
    samples: dict[str, Fields] = {}
    with tarfile.open(path) as tar:
        for info in tar:
            key, _, field = info.name.partition(".")
            samples.setdefault(key, {})[field] = tar.extractfile(info).read()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for key, fields in samples.items():
            found = change(key, fields)
            for field, data in fields.items():
                info = tarfile.TarInfo(f"{found if isinstance(found, str) else key}.{field}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def spoil(corpus: Path, change: Callable[[str, Fields], None], shard: str = "image/train-00000.tar") -> list[str]:
    """Rewrite a shard with changed fields and a matching digest; the problems that verify finds."""
    rewrite_shard(corpus / shard, change)
    manifest = json.loads((corpus / "corpus.json").read_text())
    for entry in manifest["shards"]:
        if entry["file"] == shard:
            entry["bytes"], entry["sha256"] = size_and_sha256(corpus / shard)
    (corpus / "corpus.json").write_text(json.dumps(manifest))
    return find_problems(open_corpus(corpus))


def edit(**changes: Any) -> Callable[[str, Fields], None]:
    def change(key: str, fields: Fields) -> None:
        fields["json"] = json.dumps({**json.loads(fields["json"]), **changes}).encode()

    return change


def set_field(name: str, data: bytes) -> Callable[[str, Fields], None]:
    def change(key: str, fields: Fields) -> None:
        fields[name] = data

    return change


def flip_mask(key: str, fields: Fields) -> None:
    exposed = json.loads(fields["json"])["exposed"]
    full = masks.encode(~masks.decode(masks.empty((96, 128))))
    fields["mask.png"] = masks.to_png(masks.empty((96, 128)) if exposed else full)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_field("jpg", b"nothing"), "is not a readable image"),
        (set_field("mask.png", b"nothing"), "is not a readable PNG"),
        (set_field("mask.png", masks.to_png(masks.empty((9, 9)))), "mask 0 is (9, 9); expected (96, 128)"),
        (flip_mask, "its mask is empty, but it is exposed"),
        (flip_mask, "its mask is not empty, but it is normal"),
        (edit(answer="no token"), "<SEG> occurs 0 times"),
        (edit(answer="<SEG> <SEG>"), "<SEG> occurs 2 times"),
        (edit(names=["a thing"], labels=[True]), "a name is not listed in its question"),
        (edit(labels=[True]), "labels"),
        (edit(split="val"), "is image/val; expected image/train"),
        (edit(width=64), "expected 64 x 96"),
        (edit(index=3), "holds 14 samples; expected 14 from 0 on"),
        (lambda key, fields: fields.pop("jpg"), "has no 'jpg'"),
    ],
)
def test_problems_are_found(sound: Path, tmp_path: Path, change: Callable[[str, Fields], None], message: str) -> None:
    corpus = tmp_path / "c"
    shutil.copytree(sound, corpus)
    problems = spoil(corpus, change)
    assert any(message in problem for problem in problems), problems


def test_scenes_in_two_splits_are_found(sound: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "c"
    shutil.copytree(sound, corpus)
    spoil(corpus, edit(group="street/1"))
    problems = spoil(corpus, edit(group="street/1"), "image/val-00000.tar")
    assert "scene 'street/1' is in train and in val" in problems


def test_scenes_are_held_once_for_all_shards(sound: Path) -> None:
    """As much memory for a hundred shards of the same scenes as for one."""
    entry = open_corpus(sound).manifest.shards[0]

    def peak(shards: int) -> int:
        found = (ShardFindings(entry, groups={f"source/{number}" for number in range(5000)}) for _ in range(shards))
        scenes: dict[str, set[str]] = {}
        tracemalloc.start()
        kept = list(gather_scenes(found, scenes))
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(kept) == shards
        assert len(scenes["train"]) == 5000
        return size

    assert peak(100) < 2 * peak(1)


def flip(shard: Path, at: int = 700) -> None:
    data = bytearray(shard.read_bytes())
    data[at] ^= 1
    shard.write_bytes(data)


def test_changed_bytes_and_missing_files_are_found(sound: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "c"
    shutil.copytree(sound, corpus)
    flip(corpus / "image" / "train-00000.tar")
    (problem,) = find_problems(open_corpus(corpus))
    assert problem.startswith("image/train-00000.tar: its bytes have changed (digest ")
    (corpus / "image" / "val-00000.tar").unlink()
    (corpus / "stats.parquet").unlink()
    changed, gone, table = find_problems(open_corpus(corpus))
    assert changed == problem
    assert gone == "image/val-00000.tar: is missing"
    assert table == "stats.parquet: is missing"


def test_damage_is_reported_once_and_repaired_by_the_same_build(
    sound: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "c"
    shutil.copytree(sound, corpus)
    shard = corpus / "image" / "train-00000.tar"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:9000])
    flip(corpus / "image" / "val-00000.tar", 1500)
    done = CliRunner().invoke(main, ["verify", str(corpus), "-w", "1"])
    assert done.exit_code == 1
    short, changed, verdict = done.output.splitlines()
    assert short == f"image/train-00000.tar: is truncated: 9,000 bytes; expected {len(whole):,}"
    assert changed.startswith("image/val-00000.tar: its bytes have changed")
    assert verdict == (
        f"{corpus}: 20 samples in 2 shards: 2 problems; "
        f"the same `lavida-gen build` with the same --out ({corpus}) makes it again, byte for byte"
    )
    assert capfd.readouterr().err == "", "no decoder speaks of bytes that are known to be damaged"
    builder.build(recipes.parse(json.loads(json.dumps(PLAIN))), corpus)
    assert find_problems(open_corpus(corpus)) == []
    names = sorted(path.relative_to(sound) for path in sound.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(corpus) for path in corpus.rglob("*") if path.is_file())
    made = [name for name in names if name.name != "README.md"]  # which names its place
    assert all((corpus / name).read_bytes() == (sound / name).read_bytes() for name in made)
    shard.write_bytes(whole + b"x")
    assert find_problems(open_corpus(corpus)) == [
        f"image/train-00000.tar: is too long: {len(whole) + 1:,} bytes; expected {len(whole):,}"
    ]


@pytest.mark.parametrize(
    ("damaged", "place", "todo"),
    [
        (0, "corpora/c", "build it again into a new folder"),
        (1, "hf://datasets/a/b", "publish it again"),
        (1, "s3://b/c", "remove these shards; the same `lavida-gen build` with the same --out (s3://b/c) makes it ag"),
    ],
)
def test_the_advice_depends_on_damage_and_place(damaged: int, place: str, todo: str) -> None:
    assert _todo(damaged, place).startswith(todo)


def test_wrong_totals_are_found(sound: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "c"
    shutil.copytree(sound, corpus)
    plain = json.loads((corpus / "corpus.json").read_text())
    plain.update(exposed=plain["exposed"] + 1, splits={"image/train": 20})
    (corpus / "corpus.json").write_text(json.dumps(plain))
    problems = " ".join(find_problems(open_corpus(corpus)))
    assert f"corpus.json: exposed is {plain['exposed']}; expected {plain['exposed'] - 1}, as the records" in problems
    assert "corpus.json: splits is {'image/train': 20}; expected {'image/train': 14, 'image/val': 6}" in problems
