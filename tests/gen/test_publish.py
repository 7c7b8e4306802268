"""Publishing over real HTTP to a stand-in for the Hub: what is sent, what is not, and what fails."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import hub_server
import pytest
from publishing import REPO, changed, entry, invoke, manifest, own, published_folder, sent, stand_in_hub

from lavida_gen.common.errors import UserError
from lavida_gen.corpus.reader import Corpus, open_corpus
from lavida_gen.publishing import hub as hubs
from lavida_gen.publishing import publish as publisher
from lavida_gen.publishing import upload_plan
from lavida_gen.publishing.hub import HubRepository
from lavida_gen.publishing.publish import PublishOptions
from lavida_gen.publishing.repo_files import HubFile, UploadFile

pytest.importorskip("huggingface_hub")
__all__ = ["published_folder", "stand_in_hub"]  # fixtures, found by their names here


def test_a_new_repository(folder: Path, hub: Any) -> None:
    text = sent(folder)
    held = hub.repos[REPO].files()
    assert {name: held[name] for name in own(folder)} == own(folder)
    assert set(held) - set(own(folder)) == {".gitattributes", "README.md"} | {
        n for n in held if n.startswith("samples/")
    }
    assert not hub.repos[REPO].private
    assert len(hub.repos[REPO].branches["main"]) == 2, "the Hub's own commit, and one for everything"
    assert "in 1 commit, read back\n0 files were there already" in text
    assert f"lavida-gen stats hf://datasets/{REPO}" in text


def test_publishing_again_sends_nothing(folder: Path, hub: Any) -> None:
    sent(folder)
    hub.log.clear()
    assert "nothing to send" in sent(folder)
    assert not hub.asked("PUT")
    assert not hub.asked(f"POST /api/datasets/{REPO}/commit")


def test_only_a_changed_shard_is_sent(folder: Path, hub: Any, tmp_path: Path) -> None:
    sent(folder)
    hub.log.clear()
    new = changed(folder, tmp_path / "corpus")
    sent(new)
    oid = hashlib.sha256((new / "image" / "train-00000.tar").read_bytes()).hexdigest()
    assert oid in " ".join(hub.asked("PUT"))
    lfs = [name for name in hub.asked("PUT") if oid not in name]
    pictures = {
        hashlib.sha256(data).hexdigest() for name, data in hub.repos[REPO].files().items() if "samples/" in name
    }
    assert {line.removeprefix("PUT /lfs/") for line in lfs} <= pictures
    last = hub.repos[REPO].branches["main"][-1]
    assert {op["value"]["path"] for op in last.operations if not op["value"]["path"].startswith("samples/")} == {
        "image/train-00000.tar",
        "corpus.json",
    }
    assert hub.repos[REPO].files()["corpus.json"] == (new / "corpus.json").read_bytes()


def test_removed_shards_are_deleted_and_other_files_kept(folder: Path, hub: Any) -> None:
    sent(folder)
    head = hub.repos[REPO].branches["main"][-1]
    head.files["image/train-00077.tar"] = hub_server.File(b"old", True)
    head.files["notes.txt"] = hub_server.File(b"mine", False)
    sent(folder)
    assert "image/train-00077.tar" not in hub.repos[REPO].files()
    assert hub.repos[REPO].files()["notes.txt"] == b"mine"


def test_a_dry_run_prints_exactly_what_would_be_sent(folder: Path, hub: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("HF_TOKEN")
    plain = json.loads(sent(folder, "--dry-run", "--json"))
    assert hub.repos == {}
    text = sent(folder, "--dry-run")
    assert text.startswith(f"{folder}: sound, may be published (CC0-1.0); ")
    assert f"would send to {REPO}, a new repository:\n  commit 1  image/train-00000.tar  " in text
    monkeypatch.setenv("HF_TOKEN", hub_server.WRITE)
    done = json.loads(sent(folder, "--json"))
    assert done["sent"] is True
    assert plain["sent"] is False
    assert done["commits"] == plain["commits"]
    files = hub.repos[REPO].files()
    for one in (one for commit in plain["commits"] for one in commit):
        assert hashlib.sha256(files[one["file"]]).hexdigest() == one["sha256"]
    text = sent(changed(folder, tmp_path / "corpus"), "--dry-run")
    assert "image/train-00000.tar" in text
    assert "image/train-00001.tar" not in text


def test_a_private_repository_on_a_branch(folder: Path, hub: Any) -> None:
    sent(folder, "--private", "--revision", "v1")
    assert hub.repos[REPO].private
    assert set(hub.repos[REPO].files()) == {".gitattributes"}
    assert hub.repos[REPO].files("v1")["corpus.json"] == (folder / "corpus.json").read_bytes()
    assert b'revision="v1"' in hub.repos[REPO].files("v1")["README.md"]
    assert "20 samples" in invoke("stats", f"hf://datasets/{REPO}@v1").output


# ---- what goes wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("POST /api/repos", 500), ("GET /api/", 503), ("PUT /lfs/", 500), ("PUT /lfs/", 0),
        (f"POST /api/datasets/{REPO}/preupload", 429), (f"POST /api/datasets/{REPO}/commit", 429),
        (f"POST /api/datasets/{REPO}/commit", 0),
    ],
)  # fmt: skip
def test_failed_calls_are_retried(folder: Path, hub: Any, where: str, status: int) -> None:
    hub.fail(where, times=2, status=status, Retry_After="0")
    sent(folder)
    assert {name: hub.repos[REPO].files()[name] for name in own(folder)} == own(folder)


def test_the_same_command_continues_after_a_cut_connection(
    folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_plan, "PER_COMMIT", 2)
    monkeypatch.setattr(publisher, "TOGETHER", 1)
    third = hashlib.sha256((folder / "image" / "train-00002.tar").read_bytes()).hexdigest()
    hub.fail(f"PUT /lfs/{third}", times=1000)
    text = sent(folder, code=1)
    assert f"{REPO}: the Hub cannot be reached (" in text
    assert "run the same command again: uploaded files are not sent again" in text
    assert "signature" not in text
    files = hub.repos[REPO].files()
    assert "image/train-00001.tar" in files
    assert "corpus.json" not in files, "a repository with a corpus.json is whole"
    hub.problems.clear()
    hub.log.clear()
    text = sent(folder)
    assert "2 files were there already" in text
    again = {line.removeprefix("PUT /lfs/") for line in hub.asked("PUT")}
    assert again.isdisjoint(hashlib.sha256(files[f"image/train-0000{n}.tar"]).hexdigest() for n in (0, 1))
    assert {name: hub.repos[REPO].files()[name] for name in own(folder)} == own(folder)


def test_a_commit_with_a_lost_answer_is_not_repeated(folder: Path, hub: Any, tmp_path: Path) -> None:
    sent(folder)
    hub.repos[REPO].branches["main"][-1].files["image/train-00077.tar"] = hub_server.File(b"old", True)
    hub.fail(f"POST /api/datasets/{REPO}/commit", status=hub_server.LOST)
    sent(changed(folder, tmp_path / "corpus"))
    assert len(hub.repos[REPO].branches["main"]) == 3
    assert "image/train-00077.tar" not in hub.repos[REPO].files()


def test_an_update_in_several_commits_has_no_manifest_in_between(
    folder: Path, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(folder)
    monkeypatch.setattr(upload_plan, "PER_COMMIT", 1)
    sent(changed(folder, tmp_path / "corpus"))
    *_, before, between, after = hub.repos[REPO].branches["main"]
    assert ["corpus.json" in commit.files for commit in (before, between, after)] == [True, False, True]


def test_the_manifest_is_sent_again_if_shards_were_removed(
    folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(folder)
    files = hub.repos[REPO].branches["main"][-1].files
    shards = [name for name in files if name.endswith(".tar")]
    for name in shards:
        del files[name]
    monkeypatch.setattr(upload_plan, "PER_COMMIT", 2)
    assert f"{len(files) - 2} files were there already" in sent(folder), "all but .gitattributes and corpus.json"
    assert {name: hub.repos[REPO].files()[name] for name in own(folder)} == own(folder)


def test_a_bad_token(folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrongwrongwrong")
    text = sent(folder, code=2)
    assert "the Hub does not accept the token; create a token with write access at" in text
    assert "hf_wrong" not in text


def test_a_token_without_write_access(folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", hub_server.READ)
    text = sent(folder, code=2)
    assert f"{REPO}: the token may not create the repository here; use a token of OWNER with write access" in text
    assert hub_server.READ not in text


def test_no_token(folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert "the Hub requires a token with write access; `hf auth login`, or set HF_TOKEN" in sent(folder, code=2)
    assert hub.log == []


def test_no_network(folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    text = sent(folder, code=1)
    assert f"http://127.0.0.1:9: {REPO}: the Hub cannot be reached (" in text


def test_a_dry_run_without_network_prints_what_needs_none(
    folder: Path, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    text = sent(folder, "--dry-run", code=1)
    first, *files, error = text.splitlines()
    assert first.startswith(f"{folder}: sound, may be published (CC0-1.0); {len(files)} files, ")
    assert {line.split()[0] for line in files} >= {*own(folder), "README.md"}
    assert f"{REPO}: the Hub cannot be reached (" in error
    assert error.endswith("; its present files are unknown, so all of these files may be sent; nothing was sent")
    assert len(sent(folder, "--dry-run", "--json", code=1).splitlines()) == 1
    shutil.copytree(folder, tmp_path / "c")
    (tmp_path / "c" / "image" / "val-00000.tar").unlink()
    assert "1 problem, nothing was sent: image/val-00000.tar: is missing" in sent(tmp_path / "c", "--dry-run", code=1)


def test_a_hub_that_keeps_failing(folder: Path, hub: Any) -> None:
    hub.fail("POST /api/repos", times=1000, status=500)
    assert "the Hub could not create the repository (" in sent(folder, code=1)


def test_an_upload_that_is_refused_shows_no_signed_address(folder: Path, hub: Any) -> None:
    hub.fail("PUT /lfs/", times=1000, status=403)
    text = sent(folder, code=2)
    assert "the token may not upload here" in text
    hub.problems.clear()
    hub.fail("PUT /lfs/", times=1000, status=500)
    text = sent(folder, code=1)
    assert "the Hub could not upload (" in text
    assert "/lfs/" in text
    assert "signature" not in text


def test_the_wait_that_the_hub_asks_for(folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("lavida_gen.publishing.hub.time.sleep", waited.append)
    hub.fail(f"POST /api/datasets/{REPO}/commit", status=429, Retry_After="1800")
    assert "the Hub asks to wait 1800 s" in sent(folder)
    assert waited == [1800.0]


def test_a_difference_in_the_files_read_back(folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = hub_server._Routes.resolve

    def spoilt(self: Any, name: str, revision: str, path: str) -> Any:
        status, data, headers = real(self, name, revision, path)
        return (status, data[:-1] + b"x", headers) if path == "corpus.json" else (status, data, headers)

    monkeypatch.setattr(hub_server._Routes, "resolve", spoilt)
    monkeypatch.setattr(hub_server, "ROUTES", [(p, spoilt if f is real else f) for p, f in hub_server.ROUTES])
    text = sent(folder, code=1)
    assert f"/datasets/{REPO}: 1 file is not what was sent: corpus.json; run the same command again" in text


def test_a_damaged_corpus_is_not_sent(folder: Path, hub: Any, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "c")
    shard = tmp_path / "c" / "image" / "val-00000.tar"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    assert "1 problem, nothing was sent: image/val-00000.tar: its bytes have changed (digest " in sent(
        tmp_path / "c", code=1
    )
    assert not hub.log


def test_a_repository_with_other_files_is_refused(folder: Path, hub: Any) -> None:
    sent(folder)
    head = hub.repos[REPO].branches["main"][-1]
    del head.files["corpus.json"]
    head.files["thesis.csv"] = hub_server.File(b"1,2", False)
    assert "the repository holds other files (thesis.csv) and no corpus; give another one" in sent(folder, code=2)


@pytest.mark.parametrize(
    ("repo", "message"), [("corpus", "has no owner; expected OWNER/NAME"), ("a/b c", "--repo a/b c: ")]
)
def test_invalid_repository_names(folder: Path, hub: Any, repo: str, message: str) -> None:
    done = invoke("publish", folder, "--repo", repo)
    assert done.exit_code == 2
    assert message in done.output


# ---- licences, limits ------------------------------------------------------------------------------------------


def test_licences_that_forbid_publishing(folder: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"must not be redistributed; build without them, .* your own\n  ade20k \(The forbidden set\), 3",
    ):
        publisher.refuse_licences(manifest(folder, entry("free"), entry("forbidden")), True)
    with pytest.raises(UserError, match=r"non-commercial use only; .*--allow-noncommercial.*\n  sa_v \(The non"):
        publisher.refuse_licences(manifest(folder, entry("free"), entry("noncommercial")), False)
    publisher.refuse_licences(manifest(folder, entry("free"), entry("noncommercial")), True)
    publisher.refuse_licences(manifest(folder, entry("free"), entry("forbidden", 0)), False)


def items(count: int) -> list[UploadFile]:
    return [UploadFile(f"image/train-{n:05d}.tar", 1, f"{n:064x}", fetch=lambda: None) for n in range(count)]


@pytest.mark.parametrize(("shards", "commits"), [(1, 1), (99, 1), (100, 2), (5_000, 51), (99_999, 100)])
def test_commits_stay_below_the_hubs_quota(shards: int, commits: int) -> None:
    many, rest = items(shards), [UploadFile("corpus.json", 1, "0" * 64, b"{")]
    found = upload_plan.make_upload_plan(many, rest, None)
    assert len(found.commits) == commits <= 128
    assert found.items == [*many, *rest], "all of them, once, the manifest last"


def test_a_manifest_deleted_first_is_sent_last() -> None:
    rest = [UploadFile(name, 1, name) for name in ("README.md", "corpus.json", "stats.parquet")]
    found = upload_plan.make_upload_plan(items(150), rest, {item.path: HubFile(1, item.sha256, "") for item in rest})
    assert [len(commit) for commit in found.commits] == [100, 50, 1]
    assert found.stale
    assert found.items[-1].path == "corpus.json"
    assert found.unchanged == 2


@pytest.mark.slow
def test_commits_of_5000_shards_over_http(hub: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """5,000 files all the way: what the LFS store holds is not put again; commits, tree in pages, digests."""
    monkeypatch.setattr(publisher, "TOGETHER", 100)
    monkeypatch.setattr(hub_server, "PAGE", 1000)
    many = [publisher._made(f"image/train-{number:05d}.tar", b"%d" % number) for number in range(5000)]
    hub.objects.update({item.sha256: item.data for item in many[1:]})
    one, last = hubs.HubRepository(REPO, "main"), [publisher._made("corpus.json", b"{}")]
    one.create(False)
    head = publisher._send(
        one, upload_plan.make_upload_plan(many, last, one.files()), open_corpus(folder).manifest, lambda count: None
    )
    assert len(hub.asked(f"POST /api/datasets/{REPO}/commit")) == 51
    assert len(hub.asked("PUT /lfs/")) == 1
    there = one.files(head)
    assert there is not None
    assert all(item.same(there[item.path]) for item in (*many, *last))
    assert upload_plan.make_upload_plan(many, last, there).commits == ()


def test_too_many_files_are_refused_before_they_are_verified(folder: Path, hub: Any) -> None:
    corpus = open_corpus(folder)
    shards = [corpus.manifest.shards[0]] * 10_000
    crowded = Corpus(corpus.storage, corpus.manifest.model_copy(update={"shards": shards}))
    with pytest.raises(UserError, match=r"10,000 shards, 10,000 in one folder; expected fewer than 100,000 and 10,000"):
        publisher.prepare_files(crowded, HubRepository(REPO, "main"), PublishOptions())


def test_small_files_are_compared_by_gits_digest() -> None:
    data = b"hello"
    there = HubFile(5, None, hashlib.sha1(b"blob 5\0hello").hexdigest())
    assert UploadFile("a", 5, "0" * 64, data).same(there)
    assert not UploadFile("a", 5, "0" * 64, b"hallo").same(there)
