"""Builds: the same bytes with any number of workers and after kill -9; no partial file under a final name."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import miniatures
import numpy as np
import pytest

from lavida_gen.building import build as builder
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.inspection.verify import find_problems
from lavida_gen.scenes.masks import from_png

SOURCES = [
    {"name": "street", "scenes": 40, "size": [96, 128], "weight": 3},
    {"name": "street", "scenes": 20, "size": [96, 128], "kind": "clip", "frames": 3, "seed": 5},
]
PLAIN: dict[str, Any] = {
    "name": "tiny",
    "samples": 48,
    "shard": {"samples": 7},
    "sources": SOURCES,
    "exposures": ["relabel", "absent", "near_miss"],
    "names_per_prompt": 6,
}


def recipe(**changes: Any) -> CorpusRecipe:
    return recipes.parse(json.loads(json.dumps({**PLAIN, **changes})))


def tree(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder; the place that the card names does not count."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes().replace(str(folder).encode(), b"")).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "corpus"
    builder.build(recipe(), out)
    return out


def test_a_corpus_is_complete_and_sound(built: Path) -> None:
    corpus = open_corpus(built)
    assert corpus.manifest.samples == 48
    assert find_problems(corpus) == []
    assert not (built / builder.STATE).exists()
    assert {path.split("/")[0] for path in tree(built)} == {
        "README.md",
        "LICENSE",
        "preview",
        "corpus.json",
        "stats.parquet",
        "image",
        "clip",
    }


def test_masks_are_0_or_255(built: Path) -> None:
    for sample in open_corpus(built).samples_by_index(range(48)):
        for png in sample.masks:
            assert png[:8] == b"\x89PNG\r\n\x1a\n"
            assert (png[24], png[25]) == (2, 0), "bit depth 2, gray"


def test_limits_hold_for_stored_masks(tmp_path: Path) -> None:
    """Pictures of half the size: an anomaly that is too small then is none."""
    builder.build(recipe(samples=24, image={"size": {"longest": 64}}, limits={"min_pixels": 60}), tmp_path / "c")
    corpus = open_corpus(tmp_path / "c")
    sizes = [from_png(png, "").sum() for sample in corpus.samples_by_index(range(24)) for png in sample.masks]
    seen = [size for size in sizes if size]
    assert len(seen) > 5
    assert min(seen) >= 60
    assert corpus.manifest.drops["relabel: lost by augmentation"] > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_same_bytes_with_any_number_of_workers(built: Path, tmp_path: Path, workers: int) -> None:
    builder.build(recipe(), tmp_path / "again", workers)
    assert tree(tmp_path / "again") == tree(built)


def test_a_single_sample_has_the_same_bytes(built: Path, tmp_path: Path) -> None:
    from lavida_gen.sampling.make_sample import make_sample
    from lavida_gen.sampling.planner import SamplePlanner

    one = recipe()
    (stored,) = open_corpus(built).samples_by_index([41])
    assert make_sample(SamplePlanner.open(one), 41, one.digest()).sample == stored


def test_prompts_of_a_shared_scene_have_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    """Shards cut through the five of a scene, and a sample alone knows its scene too."""
    from lavida_gen.sampling.make_sample import make_sample
    from lavida_gen.sampling.planner import SamplePlanner

    one = recipe(prompts_per_scene=5)
    for workers in (1, 2):
        builder.build(one, tmp_path / str(workers), workers)
    assert tree(tmp_path / "1") == tree(tmp_path / "2")
    corpus = open_corpus(tmp_path / "1")
    assert find_problems(corpus) == []
    (stored,) = corpus.samples_by_index([8])
    assert make_sample(SamplePlanner.open(one), 8, one.digest()).sample == stored
    rows = [record for record in corpus.rows() if (record["kind"], record["split"]) == ("image", "train")]
    prompts = {(row["scene"], row["question"]) for row in rows}
    assert len({scene for scene, _ in prompts}) < len(rows) / 3 < len(prompts)


@pytest.mark.long  # `make kill` ends a build at many moments
@pytest.mark.slow
def test_the_same_command_continues_after_kill_9(built: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(json.dumps(PLAIN))
    rng = np.random.default_rng(0)
    kept = 0
    for round_ in range(4):
        out = tmp_path / f"corpus{round_}"
        command = [sys.executable, "-m", "lavida_gen", "build", "--recipe", str(file), "--out", str(out), "-w", "2"]
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _wait_for_shards(process, out, int(rng.integers(0, 5)))
        time.sleep(float(rng.uniform(0, 0.05)))
        whole = round_ % 2 == 0  # the parent alone, or its workers too
        (os.killpg if whole else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
        kept += len(list(out.glob("*/*.tar")))
        assert not (out / "corpus.json").is_file() or find_problems(open_corpus(out)) == []
        # orphaned workers may live half a second more: they hold no lock, and what they write has names of its own
        subprocess.run(command, check=True, capture_output=True)
        assert tree(out) == tree(built), f"round {round_}"
    assert kept > 0, "no round was killed in the middle of its shards"


def _wait_for_shards(process: subprocess.Popen[bytes], out: Path, count: int) -> None:
    while process.poll() is None and len(list(out.glob("*/*.tar"))) < count:
        time.sleep(0.005)


def test_finished_shards_are_kept_and_damaged_ones_made_again(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    shutil.copytree(built, out)
    shard = sorted(out.glob("image/*.tar"))[1]
    shard.write_bytes(shard.read_bytes()[:-100] + b"x" * 100)
    builder.build(recipe(), out)
    assert tree(out) == tree(built)


@pytest.mark.parametrize("megabytes", [0.001, 500.0])
def test_statistics_and_card_are_restored_from_the_shards(
    tmp_path: Path, megabytes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, out = recipe(samples=24, shard={"samples": 7, "megabytes": megabytes}), tmp_path / "c"
    builder.build(one, out)
    monkeypatch.setattr(builder, "make_shard", None)  # no shard is made again
    before, stats, card = tree(out), out / "stats.parquet", out / "README.md"
    whole, text = stats.read_bytes(), card.read_bytes()
    middle = whole[:9] + bytes(len(whole) // 2) + whole[9 + len(whole) // 2 :]
    for damaged in (None, b"", whole[:200], middle):
        stats.unlink() if damaged is None else stats.write_bytes(damaged)
        builder.build(one, out)
        assert tree(out) == before
    for damaged in (None, b"", text[:300], text[:300] + bytes(len(text) - 300)):
        card.unlink() if damaged is None else card.write_bytes(damaged)
        builder.build(one, out)
        assert tree(out) == before


def test_statistics_of_other_samples_are_replaced(built: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    shutil.copytree(built, tmp_path / "c")
    table = pq.read_table(built / "stats.parquet")
    for other in (table.slice(1), table.slice(0, 9), table.drop_columns(["scene"])):
        pq.write_table(other, tmp_path / "c" / "stats.parquet")
        builder.build(recipe(), tmp_path / "c")
        made, expected = tree(tmp_path / "c"), tree(built)
        assert made.pop("README.md") != expected.pop("README.md"), (
            "the copy's card, which names the first place, is kept"
        )
        assert made == expected


def test_an_edited_card_is_kept(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path / "c")
    text = (built / "README.md").read_text() + "\nAsk me.\n"
    (tmp_path / "c" / "README.md").write_text(text)
    builder.build(recipe(), tmp_path / "c")
    assert (tmp_path / "c" / "README.md").read_text() == text


def test_a_finished_corpus_is_left_as_it_is(built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*")}
    builder.build(recipe(), built)
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*") if path != built} == {
        path: time for path, time in before.items() if path != built
    }


def test_a_corpus_of_another_recipe_is_refused_and_unchanged(built: Path) -> None:
    before = tree(built)
    with pytest.raises(UserError, match=r"holds a corpus of recipe 'tiny', not of this one: seed 0 -> 1; give another"):
        builder.build(recipe(seed=1), built)
    assert tree(built) == before


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    with pytest.raises(UserError, match="is not empty and holds no corpus"):
        builder.build(recipe(), tmp_path)
    with pytest.raises(UserError, match="is a file"):
        builder.build(recipe(), tmp_path / "thesis.txt")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "corpus.json").write_text("{")
    with pytest.raises(UserError, match="is not the manifest of a corpus"):
        builder.build(recipe(), tmp_path / "c")
    assert set(tree(tmp_path)) == {"thesis.txt", "c/corpus.json"}
    assert (tmp_path / "thesis.txt").read_text() == "do not lose me"


def test_an_unknown_engine_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown engine 'lokal'; did you mean 'local'\?"):
        builder.build(recipe(), tmp_path / "c", engine="lokal")
    assert not (tmp_path / "c").exists()


def test_two_builds_of_one_folder_are_refused(tmp_path: Path) -> None:
    import fcntl

    out = tmp_path / "c"
    (out / builder.STATE).mkdir(parents=True)
    with open(out / builder.STATE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another build is writing here"):
            builder.build(recipe(), out)


def test_the_bytes_do_not_identify_the_machine(built: Path) -> None:
    secrets = {os.path.expanduser("~"), str(built.parent), os.uname().nodename}
    for path in built.rglob("*.*"):
        data = path.read_bytes()
        if path.name == "README.md":
            data = data.replace(str(built).encode(), b"")  # the place that its snippets read
        assert not [word for word in secrets if len(word) > 4 and word.encode() in data], path


def test_webdataset_reads_a_corpus(built: Path) -> None:
    wds = pytest.importorskip("webdataset")
    shards = [str(path) for path in sorted(built.glob("image/train-*.tar"))]
    samples = list(wds.WebDataset(shards, shardshuffle=False, empty_check=False).decode("rgb8"))
    assert [s["json"]["index"] for s in samples] == sorted(s["json"]["index"] for s in samples)
    for sample in samples:
        assert sample["jpg"].shape == (96, 128, 3)
        assert (sample["mask.png"] > 0).any() == sample["json"]["exposed"]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("kind", ["image", "clip"])
@pytest.mark.slow
def test_datasets_reads_a_corpus(
    built: Path, tmp_path: Path, kind: str, streaming: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    data = datasets.load_dataset(str(built), kind, split="train", streaming=streaming, cache_dir=str(tmp_path))
    rows = list(data)
    ours = {s.key: s for s in open_corpus(built).samples_by_index(range(48)) if s.record["kind"] == kind}
    wanted = [s for s in ours.values() if s.record["split"] == "train"]
    assert [row["__key__"] for row in rows] == [s.key for s in wanted]
    for row, sample in zip(rows, wanted, strict=True):
        assert row["json"]["question"] == sample.record["question"]
        assert row["json"]["names"] == sample.record["names"]
        mask = row["mask.png" if kind == "image" else "000.mask.png"]
        assert mask.size == (128, 96)
        assert set(np.unique(np.asarray(mask.convert("L")))) <= {0, 255}


def test_the_error_of_an_impossible_recipe_gives_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lavida_gen.sampling.make_sample.ATTEMPTS", 20)
    with pytest.raises(
        DataError, match=r"sample 0: 20 attempts in a row with scenes of 'street' failed: relabel: .* loosen"
    ):
        builder.build(recipe(limits={"min_area": 0.9, "max_area": 0.95}, anomaly_ratio=1), tmp_path / "c")
    assert not list(tmp_path.rglob("*.tar"))


@pytest.mark.parametrize("there", [False, True])
def test_a_failed_build_leaves_nothing(tmp_path: Path, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lavida_gen.sampling.make_sample.ATTEMPTS", 5)
    out = tmp_path / "corpora" / "c"
    if there:
        out.mkdir(parents=True)
    impossible = recipe(limits={"min_area": 0.9, "max_area": 0.95}, anomaly_ratio=0.5)  # its normal samples are made
    with pytest.raises(DataError, match="5 attempts in a row with scenes of 'street' failed"):
        builder.build(impossible, out)
    assert list(out.iterdir() if there else tmp_path.iterdir()) == []


def test_manifest_and_shards_must_agree(built: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    shutil.copytree(built, tmp_path / "c")
    plain = json.loads((tmp_path / "c" / "corpus.json").read_bytes())
    (tmp_path / "c" / "corpus.json").write_text(json.dumps(plain | {"shards": plain["shards"][1:]}))
    with pytest.raises(DataError, match=r"corpus\.json: cannot be read \(no shard holds sample 3\)"):
        list(open_corpus(tmp_path / "c").samples_by_index([3, 20]))
    table = pq.read_table(tmp_path / "c" / "stats.parquet").drop_columns(["source"])
    pq.write_table(table, tmp_path / "c" / "stats.parquet")
    with pytest.raises(DataError, match=r"stats\.parquet: cannot be read \(no column 'source'\); build or fetch"):
        open_corpus(tmp_path / "c").rows(["index", "source"])


def test_rejected_scenes_are_counted(built: Path, tmp_path: Path) -> None:
    manifest = builder.build(recipe(limits={"min_area": 0.02}), tmp_path / "c")
    assert sum(manifest.drops.values()) > 0
    assert all(reason.split(": ")[0] in ("relabel", "absent", "near_miss") for reason in manifest.drops)
    assert open_corpus(built).manifest.exposed == sum(row["exposed"] for row in open_corpus(built).rows())


def test_the_record_is_the_same_in_shard_and_statistics(built: Path) -> None:
    corpus = open_corpus(built)
    rows = {row["index"]: row for row in corpus.rows()}
    assert Counter(row["shard"] for row in rows.values()) == {s.file: s.samples for s in corpus.manifest.shards}
    for sample in corpus.samples_by_index(range(48)):
        row = dict(rows[sample.record["index"]])
        for added in ("shard", "anomalies", "area"):
            row.pop(added)
        assert row == sample.record


def test_data_that_changed_in_the_same_process_is_noticed(tmp_path: Path) -> None:
    """As in a notebook: the data sets are opened anew for every build."""
    options = miniatures.draw("folder", tmp_path / "data")
    plain = {
        "name": "own",
        "samples": 4,
        "val": 0,
        "sources": [{"name": "folder", **options}],
        "exposures": ["relabel"],
    }
    recipe = recipes.parse(json.loads(json.dumps({**plain, "anomaly_ratio": 1}, default=str)))
    builder.build(recipe, tmp_path / "corpus")
    names = tmp_path / "data" / "names.txt"
    names.write_text(
        names.read_text() + "\n200 zebra\n"
        if " " in names.read_text().split("\n")[0]
        else names.read_text() + "zebra\n"
    )
    with pytest.raises(UserError, match="the annotations of folder have changed"):
        builder.build(recipe, tmp_path / "corpus")
