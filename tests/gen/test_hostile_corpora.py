"""Corpora of strangers behind a URL: whatever the server lists, names or sends, nothing outside is read or written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hub_server
import pytest
from click.testing import CliRunner
from hostile_server import Site, serving
from publishing import stand_in_hub  # noqa: F401  # the fixture `hub`

from lavida_gen.building.build import build
from lavida_gen.cli import main
from lavida_gen.common.errors import DataError, LavidaGenError
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.storage import remote
from lavida_gen.storage.places import open_storage

RECIPE = load_recipe(
    "street", {"samples": 4, "val": 0.5, "sources": [{"name": "street", "scenes": 6, "size": [96, 128]}]}
)
NAMES = ["../evil.tar", "/tmp/evil.tar", "image/../../evil.tar", "image/%2e%2e/%2e%2e/evil.tar", "\x1b[31m.tar"]

VERBS = ("stats", "preview", "show", "fit")


@pytest.fixture(name="built", scope="module")
def built_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "corpus"
    build(RECIPE, out)
    return out


@pytest.fixture(name="site")
def site_of_a_stranger(built: Path) -> Iterator[Site]:
    pytest.importorskip("aiohttp", reason="fsspec[http] is not installed")
    files = {f"/corpus/{p.relative_to(built)}": p.read_bytes() for p in built.rglob("*") if p.is_file()}
    with serving(Site(files)) as site:
        yield site


def rewrite(site: Site, change: Any) -> None:
    plain = json.loads(site.files["/corpus/corpus.json"])
    change(plain)
    site.files["/corpus/corpus.json"] = json.dumps(plain).encode()


def below(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def run(*words: str) -> Any:
    return CliRunner().invoke(main, [*words, *(["-w", "1"] if words[0] == "verify" else [])])


def test_a_corpus_of_a_web_server_is_read_as_from_a_folder(site: Site, tmp_path: Path) -> None:
    done = run("verify", site.url)
    assert (done.exit_code, "sound" in done.output) == (0, True), done.output
    assert run("stats", site.url).exit_code == 0
    assert run("preview", site.url, "--out", str(tmp_path / "page.html")).exit_code == 0
    assert run("show", site.url, "1", "--out", str(tmp_path / "shown.png")).exit_code == 0


@pytest.mark.parametrize(
    ("verb", "name"), [*(("verify", name) for name in NAMES), *((verb, NAMES[0]) for verb in VERBS)]
)
def test_a_manifest_that_names_files_elsewhere(name: str, verb: str, site: Site, tmp_path: Path) -> None:
    rewrite(site, lambda plain: plain["shards"][0].update(file=name))
    before = below(tmp_path.parent)
    if verb == "fit":
        from lavida_bench.config.recipe import DataEntry, LoaderSettings
        from lavida_bench.fitting.datasets import open_datasets

        with pytest.raises(DataError, match=r"no name inside a corpus|control character"):
            open_datasets([DataEntry(corpus=site.url)], "train", LoaderSettings(cache=str(tmp_path / "cache")))
    else:
        words = {"show": ["1"]}.get(verb, [])
        done = run(verb, site.url, *words)
        assert done.exit_code == 1
        assert re.search(r"no name inside a corpus|control character", done.output)
        assert "\x1b" not in done.output
    assert below(tmp_path.parent) == before
    assert not any("evil" in path for path in site.asked)


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_corpus_on_the_hub_that_names_files_elsewhere(name: str, hub: Any, built: Path, tmp_path: Path) -> None:
    from lavida_bench.fitting.datasets import locate_corpus

    plain = json.loads((built / "corpus.json").read_text())
    plain["shards"][0]["file"] = name
    files = {"corpus.json": hub_server.File(json.dumps(plain).encode(), False)}
    hub.repos["someone/corpus"] = hub_server.Repo(branches={"main": [hub_server.Commit("1" * 40, files)]})
    with pytest.raises(DataError, match="no name inside a corpus"):
        open_corpus("hf://datasets/someone/corpus")
    with pytest.raises(DataError, match="no name inside a corpus"):
        locate_corpus("hf://datasets/someone/corpus", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_server_that_lists_names_elsewhere(site: Site) -> None:
    links = ["../../secret.tar", "/etc/passwd", "http://other.example/x.tar", "image/..%2f..%2fx.tar", "a?C=N;O=D"]
    site.links = {"/corpus": ["corpus.json", *links]}
    expected = ["a", "corpus.json", "image/..%2f..%2fx.tar"]  # the last is one name: only the server could decode it
    assert open_storage(site.url).names() == expected
    assert set(open_storage(site.url).entries()) == {"a", "corpus.json", "..%2f..%2fx.tar"}


def test_a_server_whose_folders_have_no_end(site: Site) -> None:
    site.links = {"*": ["deeper/", "file.tar"]}
    assert len(open_storage(site.url).names()) <= remote.MOST_DEEP + 1
    assert len(site.asked) < 40


def test_a_file_that_has_no_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MOST_BYTES", 1000)
    with pytest.raises(DataError, match=r"corpus\.json: does not end; expected at most 1,000 bytes"):
        open_corpus(site.url)


def test_a_shard_that_is_longer_than_the_manifest_has_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lavida_bench.fitting import datasets
    from lavida_bench.fitting.datasets import locate_corpus

    monkeypatch.setattr(datasets, "PAUSE", 0.0)
    shard = open_corpus(site.url).manifest.shards[0]
    site.files[f"/corpus/{shard.file}"] += bytes(50_000_000)
    done = run("verify", site.url)
    assert f"{shard.file}: is too long: {shard.bytes + 1:,} bytes" in done.output
    local = locate_corpus(site.url, tmp_path)
    with pytest.raises(DataError, match=f"is longer than the {shard.bytes:,} bytes of corpus.json"):
        local.path(shard)
    assert not [path for path in below(tmp_path) if path.suffix == ".tar"]


def test_a_secret_in_a_url_reaches_the_server_and_nothing_else(site: Site, tmp_path: Path) -> None:
    """User, password and query are sent, and neither shown nor stored."""
    from lavida_bench.fitting.datasets import locate_corpus

    url = site.url.replace("://", "://ann:hunter2@") + "?sig=topsecret"
    done = run("verify", url)
    assert done.exit_code == 0, done.output
    assert any("sig=topsecret" in path and "corpus.json" in path for path in site.asked)
    local = locate_corpus(url, tmp_path / "cache")
    local.path(open_corpus(url).manifest.shards[0])
    assert local.folder == locate_corpus(site.url, tmp_path / "cache").folder
    del site.files["/corpus/stats.parquet"]
    del site.files["/corpus/corpus.json"]
    failures = [run(verb, url, *more).output for verb, more in (("verify", ()), ("stats", ()), ("show", ("1",)))]
    stored = " ".join(str(path) for path in below(tmp_path)).encode()
    stored += b"".join(path.read_bytes() for path in below(tmp_path) if path.is_file())
    for secret in ("hunter2", "ann", "topsecret"):
        assert secret not in "".join([done.output, *failures]).replace("channel", "")
        assert secret.encode() not in stored or secret == "ann"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_in_a_corpus_leads_out_of_it(kind: str, built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "corpus"
    shutil.copytree(built, copy)
    shard = copy / open_corpus(copy).manifest.shards[0].file
    outside = tmp_path / "outside"
    outside.mkdir()
    moved = shard if kind == "file" else shard.parent
    shutil.move(moved, outside / moved.name)
    moved.symlink_to(outside / moved.name)
    done = run("verify", str(copy))
    assert done.exit_code == 1
    assert "a link leads to" in done.output
    from lavida_bench.fitting.datasets import locate_corpus

    local = locate_corpus(str(copy), tmp_path)
    with pytest.raises(DataError, match="leaves the corpus: a link leads to"):
        local.path(open_corpus(copy).manifest.shards[0])


def test_links_that_the_reader_allows(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The corpus itself as a link, a snapshot of the Hub's cache, and folders that the user names."""
    (tmp_path / "link").symlink_to(built)
    assert run("verify", str(tmp_path / "link")).exit_code == 0
    repo = tmp_path / "datasets--a--b"
    shutil.copytree(built, repo / "snapshots" / "0123")
    shard = repo / "snapshots" / "0123" / open_corpus(built).manifest.shards[0].file
    for folder in ("refs", "blobs"):
        (repo / folder).mkdir()
    shutil.move(shard, repo / "blobs" / "abc")
    shard.symlink_to(repo / "blobs" / "abc")
    assert run("verify", str(repo / "snapshots" / "0123")).exit_code == 0
    (tmp_path / "disk").mkdir()
    shutil.move(repo / "blobs" / "abc", tmp_path / "disk" / "abc")
    shard.unlink()
    shard.symlink_to(tmp_path / "disk" / "abc")
    assert run("verify", str(repo / "snapshots" / "0123")).exit_code == 1
    monkeypatch.setenv("LAVIDA_GEN_LINKS", f"/nowhere:{tmp_path / 'disk'}")
    assert run("verify", str(repo / "snapshots" / "0123")).exit_code == 0


def test_a_table_that_names_a_shard_elsewhere(built: Path, tmp_path: Path) -> None:
    """`stats.parquet` has the shard of each sample; a benchmark of a corpus opens what it names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lavida_bench.benchmarks._defects import DefectLog
    from lavida_bench.benchmarks.corpus import CorpusBenchmark

    copy = tmp_path / "corpus"
    shutil.copytree(built, copy)
    shutil.copy(built / open_corpus(built).manifest.shards[0].file, tmp_path / "evil.tar")
    table = pq.read_table(copy / "stats.parquet")
    position = table.column_names.index("shard")
    table = table.set_column(position, "shard", pa.array(["../evil.tar"] * len(table)))
    pq.write_table(table, copy / "stats.parquet")
    benchmark = CorpusBenchmark(CorpusBenchmark.Options.model_validate({"root": copy, "split": "train"}))
    with pytest.raises(DataError, match=r"file name '\.\./evil\.tar' leaves the corpus"):
        benchmark.load(DefectLog())


@pytest.mark.parametrize("name", [".build", "image", "README.md"])
def test_a_build_into_a_folder_of_a_stranger_writes_nothing_outside(name: str, built: Path, tmp_path: Path) -> None:
    """The folder holds links; the build that goes on in it follows none that leads out of it."""
    outside, out = tmp_path / "outside", tmp_path / "corpus"
    outside.mkdir()
    out.mkdir()
    (outside / "mine.partial-0123456789ab").write_text("keep")
    if name == "README.md":
        shutil.copytree(built, out, dirs_exist_ok=True)
        (out / name).unlink()
        (outside / name).write_text("private")
    (out / name).symlink_to(outside / name if name == "README.md" else outside)
    before = {path: path.read_bytes() for path in outside.iterdir()}
    with pytest.raises(LavidaGenError, match=r"leaves the corpus: a link leads to|is not empty and holds no corpus"):
        build(RECIPE, out)
    assert {path: path.read_bytes() for path in outside.iterdir()} == before
