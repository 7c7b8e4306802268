"""Shared by the tests of publishing: a small corpus, the stand-in for the Hub, the command.

Loaded by conftest.py under the name `publishing`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hub_server
import pytest
from click.testing import CliRunner, Result

from lavida_gen.building import build as builder
from lavida_gen.cli import main
from lavida_gen.config import recipe as recipes
from lavida_gen.corpus.manifest import Manifest, SourceEntry
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.shards import size_and_sha256
from lavida_gen.publishing import hub as hubs

REPO = "someone/corpus"
PLAIN: dict[str, Any] = {
    "name": "published",
    "about": 'Drawn for tests: ünïcode, "quotes" and a | in a sentence.',
    "samples": 20,
    "shard": {"samples": 4},
    "val": 0.25,
    "sources": [
        {"name": "street", "scenes": 20, "size": [96, 128], "weight": 2},
        {"name": "street", "scenes": 9, "size": [96, 128], "kind": "clip", "frames": 3, "seed": 5},
    ],
    "exposures": ["relabel", "absent"],
    "limits": {"min_area": 0.02},
    "names_per_prompt": 5,
}


@pytest.fixture(scope="module", name="folder")
def published_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("published") / "corpus"
    builder.build(recipes.parse(json.loads(json.dumps(PLAIN))), out)
    return out


@pytest.fixture(name="hub")
def stand_in_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    from huggingface_hub import constants

    with hub_server.Stand() as stand:
        monkeypatch.setattr(constants, "ENDPOINT", stand.endpoint)
        template = stand.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setenv("HF_TOKEN", hub_server.WRITE)
        monkeypatch.setattr(hubs, "WAITS", (0.01, 0.01, 0.01))
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
        yield stand


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def sent(folder: Path, *more: object, code: int = 0) -> str:
    done = invoke("publish", folder, "--repo", REPO, "-w", 1, *more)
    assert done.exit_code == code, done.output
    assert hub_server.WRITE not in done.output
    return done.output


def own(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "README.md"
    }


def changed(folder: Path, where: Path) -> Path:
    """A copy of the corpus with another first shard: its JPEGs state another density, which changes no pixel."""
    shutil.copytree(folder, where)
    shard = where / "image" / "train-00000.tar"
    data = shard.read_bytes()
    density = b"JFIF\0\1\1\0\0\1\0\1"
    assert data.count(density) > 0
    shard.write_bytes(data.replace(density, b"JFIF\0\1\1\0\0\2\0\2"))
    plain = json.loads((where / "corpus.json").read_text())
    plain["shards"][0]["bytes"], plain["shards"][0]["sha256"] = size_and_sha256(shard)
    (where / "corpus.json").write_text(json.dumps(plain))
    return where


NAMES = {"free": "street", "noncommercial": "sa_v", "forbidden": "ade20k"}
"""Sources that this installation knows, by what the tests have them allow."""


def entry(use: str, samples: int = 3) -> SourceEntry:
    return SourceEntry(
        name=NAMES[use], title=f"The {use} set", page="https://example.org", licence="its own", use=use, attribution="them",
        cite="", fingerprint="f", samples=samples,
    )  # fmt: skip


def manifest(folder: Path, *sources: SourceEntry) -> Manifest:
    return open_corpus(folder).manifest.model_copy(update={"sources": list(sources)})
