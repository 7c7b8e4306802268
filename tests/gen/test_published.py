"""A published corpus as others read it: card, datasets, webdataset, our commands; nothing identifies the machine."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import hub_server
import pytest
from publishing import PLAIN, REPO, entry, invoke, manifest, own, published_folder, sent, stand_in_hub

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.publishing import hub as hubs
from lavida_gen.publishing import publish as publisher
from lavida_gen.publishing.publish import PublishOptions, publish
from lavida_gen.storage.places import open_storage

pytest.importorskip("huggingface_hub")
__all__ = ["published_folder", "stand_in_hub"]  # fixtures, found by their names here


def downloaded(hub: Any, where: Path) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(REPO, repo_type="dataset", local_dir=where, endpoint=hub.endpoint))


def test_the_card_is_valid_and_complete(folder: Path, hub: Any) -> None:
    from datasets import Features
    from huggingface_hub import DatasetCard

    sent(folder)
    files = hub.repos[REPO].files()
    text = files["README.md"].decode()
    card = DatasetCard(text)
    if "constants.ENDPOINT" in inspect.getsource(DatasetCard.validate):  # older versions ask the real Hub
        card.validate(repo_type="dataset")
    data = card.data.to_dict()
    assert data["license"] == "cc0-1.0"
    assert "video-anomaly-detection" in data["tags"]
    assert data["size_categories"] == ["n<1K"]
    assert [config["config_name"] for config in data["configs"]] == ["clip", "image", "preview"]
    assert [config.get("default", False) for config in data["configs"]] == [True, False, False]
    assert "arxiv:2602.19248" in data["tags"]
    corpus = open_corpus(folder)
    for info in data["dataset_info"]:
        Features._from_yaml_list(info["features"])
        for split in info.get("splits", ()):
            assert split["num_examples"] == corpus.manifest.splits[f"{info['config_name']}/{split['name']}"]
    for words in (
        PLAIN["about"],
        corpus.manifest.digest,
        "min_area: 0.02",
        "## Attempts that failed",
        "arxiv",
        "CC0",
    ):
        assert words.lower() in text.lower()
    assert f"lavida-gen build --recipe hf://datasets/{REPO} --out again" in text
    pictures = [name for name in files if name.startswith("samples/")]
    assert len(pictures) == publisher.PICTURES
    assert all(f"]({name})" in text for name in pictures)


def test_the_card_names_every_licence(folder: Path) -> None:
    from lavida_gen.building.card import card, metadata
    from lavida_gen.building.card_place import CardPlace

    one = manifest(folder, entry("free"), entry("noncommercial").model_copy(update={"cite": "@misc{them}"}))
    found = metadata(one, {"image": 1, "clip": 3})
    assert (found["license"], found["license_name"]) == ("other", "several-see-below")
    assert found["license_link"] == "LICENSE"
    text = card(one, {"image": 1, "clip": 3}, CardPlace.of("corpora/c"))
    assert "| [The noncommercial set](https://example.org) | 3 | its own | not commercially | them |" in text
    assert "@misc{them}" in text


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["image", "clip"])
def test_datasets_reads_the_published_samples(
    folder: Path, hub: Any, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    sent(folder)
    where = downloaded(hub, tmp_path / "download")
    ours = {s.key: s for s in open_corpus(folder).samples_by_index(range(20)) if s.record["kind"] == kind}
    for split in ("train", "val"):
        rows = list(datasets.load_dataset(str(where), kind, split=split, cache_dir=str(tmp_path / "cache")))
        assert rows
        plain = datasets.load_dataset(str(where), kind, split=split, streaming=True)
        assert [row["__key__"] for row in plain] == [row["__key__"] for row in rows]
        for row in rows:
            sample = ours.pop(row["__key__"])
            assert row["json"] == sample.record
            assert row["jpg" if kind == "image" else "002.jpg"].size == (128, 96)
    assert ours == {}


@pytest.mark.slow
def test_datasets_reads_the_preview(folder: Path, hub: Any, tmp_path: Path) -> None:
    import datasets

    sent(folder)
    where = downloaded(hub, tmp_path / "download")
    rows = list(datasets.load_dataset(str(where), "preview", split="train", cache_dir=str(tmp_path / "cache")))
    streamed = list(datasets.load_dataset(str(where), "preview", split="train", streaming=True))
    assert len(rows) == len(streamed) == 20
    ours = {sample.key: sample.record for sample in open_corpus(folder).samples_by_index(range(20))}
    for row in (*rows, *streamed):
        record = ours[row["__key__"]]
        assert row["question.txt"] == record["question"]
        assert row["names.txt"].split("\n") == record["names"]
        assert row["evidence.txt"].split("\n") == record["evidence"]
        assert row["exposed.cls"] == record["exposed"]
        assert float(row["area.txt"]) == pytest.approx(max(record["areas"]))
        assert row["jpg"].width <= 480


@pytest.mark.slow
def test_every_command_reads_from_the_hub(
    folder: Path, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sent(folder)
    url = f"hf://datasets/{REPO}"
    assert "sound" in invoke("verify", url, "-w", 1).output
    assert "20 samples" in invoke("stats", url).output
    assert "preview: published-preview.html" in invoke("preview", url).output
    assert invoke("show", url, "3").exit_code == 0
    assert invoke("build", "--recipe", url, "--out", "again", "-w", 1).exit_code == 0
    assert own(tmp_path / "again") == own(folder)
    head = hub.repos[REPO].branches["main"][-1]
    head.files["image/train-00001.tar"] = hub_server.File(head.files["image/train-00001.tar"].data[:-1] + b"x", True)
    done = invoke("verify", url, "-w", 1)
    assert done.exit_code == 1
    assert "image/train-00001.tar: its bytes have changed (digest " in done.output


def test_training_reads_from_the_hub(folder: Path, hub: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from lavida_bench.config.recipe import DataEntry, LoaderSettings
    from lavida_bench.fitting.datasets import open_datasets

    sent(folder)
    settings = LoaderSettings(cache=str(tmp_path / "cache"))
    pools, damaged = open_datasets([DataEntry(corpus=f"hf://datasets/{REPO}")], "train", settings)
    shards = [(pool, shard) for pool in pools for shard in pool.shards]
    assert {pool.kind for pool, _ in shards} == {"image", "clip"}
    assert not damaged
    for pool, shard in shards:
        assert pool.corpus.path(shard).read_bytes() == (folder / shard.file).read_bytes()


def test_a_missing_repository(hub: Any) -> None:
    done = invoke("stats", "hf://datasets/someone/nothing")
    assert done.exit_code == 2
    assert "hf://datasets/someone/nothing: holds no corpus.json" in done.output


@pytest.mark.slow
def test_the_webdataset_example_of_the_card_works(folder: Path, hub: Any) -> None:
    pytest.importorskip("webdataset")
    sent(folder)
    text = hub.repos[REPO].files()["README.md"].decode()
    code = text.split("```python")[2].split("```")[0].replace("https://huggingface.co", hub.endpoint)
    code = code.replace('"pil"', '"rgb8"').replace("WebDataset(urls", "WebDataset(['pipe:curl -s ' + u for u in urls]")
    found: dict[str, Any] = {}
    if shutil.which("curl") is None:
        pytest.skip("webdataset fetches with curl")
    exec(code, found)
    keys = {sample["__key__"] for sample in found["samples"]}
    assert keys == {
        s.key
        for s in open_corpus(folder).samples_by_index(range(20))
        if s.record["kind"] == "clip" and s.record["split"] == "train"
    }


def test_published_files_do_not_identify_the_machine(folder: Path, hub: Any) -> None:
    sent(folder)
    words = {
        os.path.expanduser("~"),
        os.uname().nodename,
        os.environ.get("USER", ""),
        str(folder.parent),
        hub_server.WRITE,
    }
    for name, data in hub.repos[REPO].files().items():
        assert not [word for word in words if len(word) > 4 and word.encode() in data], name
    assert not [c.message for c in hub.repos[REPO].branches["main"] if str(folder.parent) in c.message]


@pytest.mark.slow
def test_the_command_with_a_users_environment(folder: Path, hub: Any, tmp_path: Path) -> None:
    """HF_ENDPOINT and a token file, in a process of its own."""
    home = tmp_path / "hf"
    home.mkdir()
    (home / "token").write_text(hub_server.WRITE)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment = {**inherited, "HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "lavida_gen"]
    done = subprocess.run(
        [*command, "--debug", "publish", str(folder), "--repo", REPO, "-w", "1"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert hub_server.WRITE not in done.stdout + done.stderr
    done = subprocess.run(
        [*command, "verify", f"hf://datasets/{REPO}", "-w", "2"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "sound" in done.stdout


def test_a_corpus_in_a_bucket_is_published(folder: Path, hub: Any) -> None:
    memory = open_storage("memory://bucket/corpus")
    for name, data in own(folder).items():
        memory.write(name, data)
    publish(open_corpus("memory://bucket/corpus"), REPO, PublishOptions())
    assert {name: hub.repos[REPO].files()[name] for name in own(folder)} == own(folder)


def test_without_huggingface_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"publishing: needs huggingface_hub: pip install 'lavida-gen\[hub\]'"):
        hubs.HubRepository(REPO, "main")


def test_data_errors_are_not_user_errors() -> None:
    assert DataError.exit_code != UserError.exit_code
