"""A corpus at a URL: the same bytes as in a folder, complete or absent, and builds that continue."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from click.testing import CliRunner

from lavida_gen.building import build as builder
from lavida_gen.cli import main
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.shards import ShardWriter
from lavida_gen.inspection.stats import count_corpus
from lavida_gen.inspection.verify import find_problems
from lavida_gen.storage.folder import LocalFolder
from lavida_gen.storage.places import open_storage
from lavida_gen.storage.remote import RemoteStorage

PLAIN: dict[str, Any] = {
    "name": "stored",
    "samples": 18,
    "shard": {"samples": 5},
    "sources": [
        {"name": "street", "scenes": 20, "size": [96, 128], "weight": 2},
        {"name": "street", "scenes": 9, "size": [96, 128], "kind": "clip", "frames": 3, "seed": 5},
    ],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}


def recipe(**changes: Any) -> CorpusRecipe:
    return recipes.parse(json.loads(json.dumps({**PLAIN, **changes})))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("stored") / "corpus"
    builder.build(recipe(), out)
    return out


@pytest.fixture
def url() -> Iterator[str]:
    place = f"memory://{uuid.uuid4().hex}/corpus"
    yield place
    files = fsspec.filesystem("memory")
    if files.exists(place):
        files.rm(place, recursive=True)


def bytes_at(place: str | Path) -> dict[str, bytes]:
    """Every file but the card, which names its place."""
    storage = open_storage(place)
    return {name: storage.read(name) for name in storage.names() if name != "README.md"}


def test_memory_and_folder_hold_the_same_bytes(folder: Path, url: str) -> None:
    manifest = builder.build(recipe(), url, workers=2)
    assert manifest == open_corpus(folder).manifest
    assert bytes_at(url) == bytes_at(folder)
    assert find_problems(open_corpus(url), workers=2) == []
    assert count_corpus(open_corpus(url)) == count_corpus(open_corpus(folder))


def test_a_file_url_is_a_folder(folder: Path) -> None:
    assert isinstance(open_storage(f"file://{folder}"), LocalFolder)
    assert open_corpus(f"file://{folder}").manifest == open_corpus(folder).manifest


def test_a_finished_corpus_is_kept_or_restored(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    builder.build(recipe(), url)
    monkeypatch.setattr(ShardWriter, "write", None)
    assert builder.build(recipe(), url) == open_corpus(folder).manifest
    for name in ("stats.parquet", "README.md"):
        open_storage(url).write(name, open_storage(url).read(name)[:100])
        builder.build(recipe(), url)
        assert bytes_at(url) == bytes_at(folder), "restored from the shards"


def test_a_failed_upload_leaves_nothing_and_the_build_continues(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    real, calls = RemoteStorage.put, []

    def flaky(self: RemoteStorage, local: Path, name: str) -> None:
        calls.append(name)
        if len(calls) == 3:
            with self._doing(name, "written"):
                raise ConnectionResetError("the bucket hung up")
        real(self, local, name)

    with monkeypatch.context() as patch:
        patch.setattr(RemoteStorage, "put", flaky)
        with pytest.raises(
            DataError, match=r"image/train-00002.tar: cannot be written \(the bucket hung up\); run the"
        ):
            builder.build(recipe(), url)
    storage = open_storage(url)
    assert storage.names("image") == ["image/train-00000.tar", "image/train-00001.tar"]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="is not finished; run the same"):
        open_corpus(url)
    calls.clear()
    monkeypatch.setattr(
        RemoteStorage, "put", lambda self, local, name: (calls.append(name), real(self, local, name))[1]
    )
    builder.build(recipe(), url)
    assert "image/train-00000.tar" not in calls
    assert bytes_at(url) == bytes_at(folder)


@pytest.mark.parametrize("part", [False, True])
def test_the_next_build_removes_files_of_a_killed_one(
    url: str, part: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = f"""
import os, signal, tempfile
tempfile.tempdir = {str(tmp_path)!r}
from lavida_gen.storage.places import open_storage
storage = open_storage({url!r})
storage.write("a", b"x")
storage.temporary_file("image/train-00000.tar").write_bytes(b"half a shard")
with storage.local_copy("a"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    running = open_storage(url).temporary_file("image/train-00001.tar")
    foreign = tmp_path / f"lavida-gen-{socket.gethostname()}@mine.partial"
    foreign.write_text("of a user who likes such names")
    if part:
        builder.build_part(recipe(), url, slice(0, 1), builder.BuildSettings())
    else:
        builder.build(recipe(), url)
    assert sorted(tmp_path.iterdir()) == sorted([running, foreign])


def test_a_lost_object_is_made_again(folder: Path, url: str) -> None:
    builder.build(recipe(), url)
    open_storage(url).remove("image/train-00001.tar")
    assert find_problems(open_corpus(url)) != []
    builder.build(recipe(), url)
    assert bytes_at(url) == bytes_at(folder)


def test_foreign_places_are_refused(url: str) -> None:
    open_storage(url).write("thesis.txt", b"do not lose me")
    with pytest.raises(UserError, match="is not empty and holds no corpus"):
        builder.build(recipe(), url)
    assert bytes_at(url) == {"thesis.txt": b"do not lose me"}


def test_another_recipes_corpus_is_refused(url: str) -> None:
    builder.build(recipe(), url)
    before = bytes_at(url)
    with pytest.raises(UserError, match="holds a corpus of recipe 'stored'"):
        builder.build(recipe(seed=1), url)
    assert bytes_at(url) == before


def test_every_command_reads_a_url(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    builder.build(recipe(), url)
    for words, text in (
        (["verify", url], "sound"), (["stats", url], "18 samples"), (["preview", url], "preview: stored-preview.html"),
        (["show", url, "3"], "question"), (["build", "-r", url, "-o", str(tmp_path / "again")], "digest"),
    ):  # fmt: skip
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        assert text in done.output
    assert bytes_at(tmp_path / "again") == bytes_at(url)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere://x/corpus", r"nowhere://x/corpus: .*[Pp]rotocol.*; expected a folder, or a URL such as s3://"),
        ("memory://nothing/here", r"holds no corpus.json; expected the folder or URL of a finished corpus"),
    ],
)
def test_invalid_places(place: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_corpus(place)


def test_a_file_system_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(UserError, match=r"s3://bucket/c: s3fs is not installed: pip install s3fs"):
        open_storage("s3://bucket/c")


def test_a_build_into_the_hub_is_refused() -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(UserError, match=r"limits commits per hour, so not one per file; build into a folder .*publish"):
        open_storage("hf://datasets/someone/corpus").write("corpus.json", b"{}")


def test_a_corpus_at_a_url_has_no_path(url: str) -> None:
    builder.build(recipe(), url)
    with pytest.raises(UserError, match="is a URL; expected a folder; download the corpus first"):
        _ = open_corpus(url).path


def test_the_bytes_do_not_identify_the_machine(folder: Path, url: str) -> None:
    builder.build(recipe(), url)
    words = {os.path.expanduser("~"), os.uname().nodename, os.environ.get("USER", ""), str(folder.parent), url}
    for name, data in bytes_at(url).items():
        assert not [word for word in words if len(word) > 4 and word.encode() in data], name
