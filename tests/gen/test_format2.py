"""Corpus format 2: manifest, files beside the shards, records, the build's own files; what is refused."""

from __future__ import annotations

import io
import json
import shutil
import struct
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image
from test_verify import edit, spoil

from lavida_gen import __version__
from lavida_gen.building import build as builder
from lavida_gen.building.checked_pairs import checked_pairs
from lavida_gen.building.shard_records import read_finished, record_name
from lavida_gen.cli import main
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.manifest import FORMAT
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.inspection import preview_tar
from lavida_gen.inspection.verify import find_problems, verify_corpus
from lavida_gen.storage.places import open_storage

PLAIN: dict[str, Any] = {
    "name": "two",
    "samples": 18,
    "shard": {"samples": 6},
    "val": 0.25,
    "sources": [
        {"name": "street", "scenes": 20, "size": [96, 128], "weight": 2},
        {"name": "street", "scenes": 9, "size": [96, 128], "kind": "clip", "frames": 3, "seed": 5},
    ],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}


def recipe() -> CorpusRecipe:
    return recipes.parse(json.loads(json.dumps(PLAIN)))


@pytest.fixture(scope="module", name="whole")
def built_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("two") / "corpus"
    builder.build(recipe(), out)
    return out


@pytest.fixture(name="copy")
def copied_corpus(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "c")
    return tmp_path / "c"


def change_manifest(folder: Path, **changes: Any) -> None:
    plain = json.loads((folder / "corpus.json").read_text())
    (folder / "corpus.json").write_text(json.dumps({**plain, **changes}))


def test_the_manifest(whole: Path) -> None:
    manifest = open_corpus(whole).manifest
    assert (manifest.format, FORMAT) == (2, 2)
    (toolchain,) = manifest.toolchains
    assert toolchain["lavida-gen"] == __version__
    assert {"python", "numpy", "opencv", "pillow", "pycocotools", "pyarrow", "zlib"} <= toolchain.keys()
    assert {shard.toolchain for shard in manifest.shards} == {0}
    assert [(entry.file, entry.role) for entry in manifest.files] == [
        ("stats.parquet", "stats"),
        ("LICENSE", "licence"),
        ("preview/train-00000.tar", "preview"),
    ]
    for entry in manifest.files:
        data = (whole / entry.file).read_bytes()
        assert (entry.bytes, entry.sha256) == (len(data), sha256(data))
    rows = open_corpus(whole).rows(["evidence"])
    counts: dict[str, int] = {}
    for row in rows:
        for name in row["evidence"]:
            counts[name] = counts.get(name, 0) + 1
    assert manifest.evidence == counts
    assert manifest.sources[0].evidence == counts
    assert manifest.sources[0].checked == checked_pairs("street")
    assert find_problems(open_corpus(whole)) == []


def test_masks_are_0_and_255_for_pillow_and_datasets(whole: Path) -> None:
    from datasets import load_dataset

    values = set()
    for row in load_dataset(str(whole), "image", split="train"):
        assert row["mask.png"].mode == "L"
        values |= set(np.unique(np.asarray(row["mask.png"])).tolist())
    assert values == {0, 255}
    sample = next(iter(open_corpus(whole).samples_by_index([0])))
    assert struct.unpack(">IIBB", sample.masks[0][16:26])[2:] == (2, 0), "grey of 2 bits"
    assert np.asarray(Image.open(io.BytesIO(sample.masks[0]))).shape == (96, 128)


def test_stats_has_flat_columns(whole: Path) -> None:
    for row in pq.read_table(whole / "stats.parquet").to_pylist():
        assert row["anomalies"] == [n for n, label in zip(row["names"], row["labels"], strict=True) if label]
        assert row["area"] == max(row["areas"])
    alone = datasets.load_dataset("parquet", data_files=str(whole / "stats.parquet"), split="train")
    assert len(alone) == 18


def test_the_preview(whole: Path) -> None:
    with tarfile.open(whole / "preview" / "train-00000.tar") as tar:
        names = tar.getnames()
    assert len({name.partition(".")[0] for name in names}) == 18
    assert [name.partition(".")[2] for name in names[:10]] == [
        "jpg", "question.txt", "answer.txt", "names.txt", "evidence.txt", "source.txt", "exposure.txt", "exposed.cls",
        "area.txt", "jpg",
    ]  # fmt: skip


def test_the_preview_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lavida_gen.inspection import preview_tar

    monkeypatch.setattr(preview_tar, "LEAST", 4)
    monkeypatch.setattr(preview_tar, "ROWS", 9)
    builder.build(recipe(), tmp_path / "c")
    with tarfile.open(tmp_path / "c" / "preview" / "train-00000.tar") as tar:
        keys = {int(name.partition(".")[0]) for name in tar.getnames()}
    assert len(keys) == 4
    assert all(key % 2 == 0 for key in keys)


@pytest.mark.parametrize("streaming", [False, True])
def test_the_card_loads_the_corpus(
    whole: Path, tmp_path: Path, streaming: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    front = yaml.safe_load((whole / "README.md").read_text().split("---\n", 2)[1])
    assert [config["config_name"] for config in front["configs"]] == ["clip", "image", "preview"]
    assert front["configs"][0]["default"] is True
    usual = list(datasets.load_dataset(str(whole), split="train", streaming=streaming))
    assert all(len(row["json"]["seconds"]) == 3 for row in usual), "the first config, by default"
    shown = list(datasets.load_dataset(str(whole), "preview", split="train", streaming=streaming))
    assert len(shown) == 18
    assert {row["exposed.cls"] for row in shown} == {0, 1}
    assert {line for row in shown for line in row["evidence.txt"].split("\n")} == {"annotated", "verified"}


def test_the_snippets_of_the_card_run(whole: Path) -> None:
    text = (whole / "README.md").read_text()
    assert f'load_dataset("{whole}", "image", split="train", streaming=True)' in text
    assert f"lavida-gen build --recipe {whole} --out again" in text
    for code in [block.split("```")[0] for block in text.split("```python\n")[1:]]:
        found: dict[str, Any] = {}
        if "webdataset" in code:
            pytest.importorskip("webdataset")
        exec(code, found)
        rows = list(found["images"] if "images" in found else found["samples"])
        assert rows


def test_the_card_of_a_corpus_behind_a_url_runs() -> None:
    place = "memory://two/corpus"
    builder.build(recipe(), place)
    text = open_storage(place).read("README.md").decode()
    assert f'load_dataset("webdataset", data_files={{"train": "{place}/image/train-*.tar"}}, split="train"' in text


def test_the_card_and_the_licence(whole: Path) -> None:
    text, licence = (whole / "README.md").read_text(), (whole / "LICENSE").read_text()
    assert "arxiv:2602.19248" in text
    assert "https://arxiv.org/abs/2602.19248" in text
    assert "author  = {" in text
    assert "| verified |" in text
    assert "drawn by LAVIDA-GEN" in licence
    assert "CC0-1.0" in licence


def test_a_newer_format_is_one_sentence(copy: Path) -> None:
    change_manifest(copy, format=3, generator="0.9.0", surprise=1)
    with pytest.raises(DataError, match=r"format 3; expected a manifest of format 1 or 2; made by lavida-gen 0\.9\.0"):
        open_corpus(copy)
    (copy / "corpus.json").write_text("[]")
    with pytest.raises(DataError, match="holds a list; expected a manifest of format 1 or 2"):
        open_corpus(copy)


def test_an_old_build_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "c"
    builder.build_part(recipe(), out, slice(0, 1), builder.BuildSettings())
    plan = json.loads((out / ".build" / "plan.json").read_text())
    assert (plan["format"], plan["toolchain"]["lavida-gen"]) == (2, __version__)
    old = {**plan, "format": 1, "generator": "0.1.0"}
    (out / ".build" / "plan.json").write_text(json.dumps(old))
    for refused in (lambda: builder.build(recipe(), out), lambda: merge(tmp_path / "new", out)):
        with pytest.raises(UserError, match=r"plan\.json: begun by 0\.1\.0: finish it there, or remove it"):
            refused()


def merge(out: Path, part: Path) -> None:
    from lavida_gen.building.merge import merge_parts

    merge_parts(out, [part])


@pytest.mark.parametrize(
    "change",
    [{"files": [], "marks": [], "samples": 0}, {"samples": 5}, {"marks": []}, {"format": 1}, {"toolchain": None}],
)
def test_a_record_that_contradicts_itself_is_made_again(tmp_path: Path, change: dict[str, Any]) -> None:
    out = tmp_path / "c"
    builder.build_part(recipe(), out, slice(0, 1), builder.BuildSettings())
    part = builder.dry_run(recipe())[0]
    storage = open_storage(out)
    assert read_finished(storage, part) is not None
    first, rest = storage.read(record_name(part.name)).split(b"\n", 1)
    head = json.loads(first)
    assert (head["format"], head["toolchain"]["lavida-gen"]) == (2, __version__)
    storage.write(record_name(part.name), json.dumps({**head, **change}).encode() + b"\n" + rest)
    assert read_finished(storage, part) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(evidence=["guessed"]), "evidence 'guessed' of a name that is"),
        (edit(evidence=["annotated"] * 9), "and 9 evidence"),
        (edit(originals=[""] * 9), "and 9 originals"),
        (edit(seconds=[]), "1 frame and 0 seconds"),
        (edit(use="any"), "use is 'any'; expected free or noncommercial or forbidden"),
    ],
)
def test_wrong_values_are_found(copy: Path, change: Any, message: str) -> None:
    problems = spoil(copy, change)
    assert any(message in problem for problem in problems), problems


def test_missing_and_unknown_keys(copy: Path) -> None:
    def without(key: str, fields: dict[str, bytes]) -> None:
        record = json.loads(fields["json"])
        del record["evidence"]
        fields["json"] = json.dumps(record).encode()

    assert spoil(copy, edit(surprise=1)) == []
    report = verify_corpus(open_corpus(copy))
    assert report.notes == ["records have keys that this version does not know: surprise"]
    assert open_corpus(copy)[0].record["surprise"] == 1  # type: ignore[typeddict-item]
    assert any("does not have the keys of a sample record: evidence missing" in row for row in spoil(copy, without))


def test_counts_of_evidence_are_compared(copy: Path) -> None:
    plain = json.loads((copy / "corpus.json").read_text())
    plain["sources"][0]["evidence"]["verified"] += 1
    change_manifest(copy, evidence={"verified": 1}, sources=plain["sources"])
    problems = find_problems(open_corpus(copy))
    assert any(row.startswith("corpus.json: evidence is {'verified': 1}; expected") for row in problems)
    assert any(row.startswith("corpus.json: evidence of sources[0] (street) is") for row in problems)


def test_files_beside_the_shards_are_checked_and_repaired(whole: Path, copy: Path) -> None:
    (copy / "LICENSE").write_text("none")
    (copy / "preview" / "train-00000.tar").unlink()
    (copy / "notes.txt").write_text("mine")
    shutil.copy(copy / "image" / "val-00000.tar", copy / "image" / "val-00009.tar")
    report = verify_corpus(open_corpus(copy))
    assert any(row.startswith("LICENSE: is truncated: 4 bytes; expected ") for row in report.problems)
    assert "preview/train-00000.tar: is missing" in report.problems
    assert "image/val-00009.tar: is not in corpus.json, but `datasets` reads it; remove it" in report.problems
    assert report.notes == ["notes.txt: is not part of the corpus"]
    (copy / "image" / "val-00009.tar").unlink()
    builder.build(recipe(), copy)
    assert find_problems(open_corpus(copy)) == []
    for file in ("LICENSE", "preview/train-00000.tar", "stats.parquet", "corpus.json"):
        assert (copy / file).read_bytes() == (whole / file).read_bytes()


def test_another_licence_in_the_card_is_noted(copy: Path) -> None:
    card = copy / "README.md"
    card.write_text(card.read_text().replace("license: cc0-1.0", "license: mit"))
    done = CliRunner().invoke(main, ["verify", str(copy), "-w", "1"])
    assert done.exit_code == 0
    assert "note: README.md: license 'mit'; by corpus.json it is 'cc0-1.0'" in done.output


def test_statistics_and_the_preview_page_show_evidence(whole: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["stats", str(whole)])
    assert "evidence of listed names" in done.output
    assert "verified" in done.output
    CliRunner().invoke(main, ["preview", str(whole), "--out", str(tmp_path / "p.html")])
    assert "evidence of listed names" in (tmp_path / "p.html").read_text()


def test_a_picture_that_cannot_be_decoded_is_named_when_the_preview_is_made(tmp_path: Path) -> None:
    record = {
        "index": 7, "scene": "folder/a", "question": "", "answer": "", "names": [], "evidence": [], "source": "folder",
        "exposure": "absent", "width": 8, "height": 8, "frames": 1, "edits": [[0, 0, 0, 0]], "exposed": False, "areas": [0.0],
    }  # fmt: skip
    sample: Any = SimpleNamespace(frames=(b"junk",), masks=(b"junk",), record=record, key="000000007")
    with pytest.raises(
        DataError, match="sample 7, scene folder/a: .*is not a readable image.*take it out of the data set"
    ):
        preview_tar._readable_fields(sample)
