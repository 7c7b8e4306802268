"""The rights that a manifest states, against what this installation knows about its sources."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import stranger
from click.testing import CliRunner
from test_plugins import by_class, home

from lavida_gen import UserError, build, load_recipe, open_corpus
from lavida_gen.cli import main
from lavida_gen.corpus.manifest import Manifest, SourceEntry
from lavida_gen.inspection.rights import unknown_sources, wrong_rights
from lavida_gen.inspection.verify import verify_corpus
from lavida_gen.publishing.publish import refuse_licences
from lavida_gen.sources.sa_v import SaVSource

__all__ = ["home"]  # a fixture, found by its name here
FORMAT1 = Path(__file__).parent / "data" / "format1"


def manifest(*sources: tuple[dict[str, Any], str, str, str]) -> Manifest:
    """A manifest of some rows of a recipe, with use, licence and attribution of their entries."""
    plain = open_corpus(FORMAT1).manifest
    entries = [
        SourceEntry(
            name=row["name"], title="", page="", licence=licence, use=use, attribution=attribution, cite="",
            fingerprint="f", samples=1,
        )
        for row, use, licence, attribution in sources
    ]  # fmt: skip
    rows = [row for row, *_ in sources]
    return plain.model_copy(update={"sources": entries, "recipe": {**plain.recipe, "sources": rows}})


SA_V = SaVSource.about


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (({"name": "sa_v"}, SA_V.use, SA_V.licence, SA_V.attribution), ""),
        (({"name": "sa_v"}, "forbidden", "any", "any"), ""),
        (
            ({"name": "phrasecut"}, "noncommercial", "", ""),
            "corpus.json: sources[0] (phrasecut): use is 'noncommercial'; expected 'forbidden' or stricter, as the source",
        ),
        (({"name": "sa_v"}, SA_V.use, "CC0-1.0", SA_V.attribution), "(sa_v): licence is 'CC0-1.0'; expected '"),
        (({"name": "sa_v"}, SA_V.use, SA_V.licence, "me"), "(sa_v): attribution is 'me'; expected '"),
        (({"name": "sa_co", "split": "test"}, "noncommercial", "", ""), "use is 'noncommercial'; expected 'forbidden'"),
        (({"name": "sa_co", "split": "val", "subset": "sav_val"}, "free", "", ""), "use is 'free'; expected '"),
        (({"name": "folder"}, "free", "MIT", "me"), "(folder): use is 'free'; expected 'forbidden' or stricter"),
        (({"name": "folder", "use": "free", "licence": "MIT", "attribution": "me"}, "free", "MIT", "me"), ""),
        (
            ({"name": "folder", "use": "free", "licence": "MIT", "attribution": "me"}, "free", "CC0-1.0", "me"),
            "(folder): licence is 'CC0-1.0'; expected 'MIT', as the source states",
        ),
        (({"name": "boats"}, "forbidden", "", ""), ""),
        (
            ({"name": "boats"}, "free", "MIT", "me"),
            "(boats): use is 'free', but this installation does not know the source; expected 'forbidden', as for every "
            "unknown source; install the package that provides it, or give --trust-sources if you trust whoever made",
        ),
        (({"name": "os:system"}, "free", "MIT", "me"), "(os:system): use is 'free', but this installation does not k"),
    ],
)
def test_an_entry_that_is_laxer_than_its_source(source: Any, message: str) -> None:
    found = list(wrong_rights(manifest(source), trust=False))
    assert len(found) == bool(message), found
    assert message in "".join(found)
    if "does not know" in message or "does not k" in message:
        assert list(wrong_rights(manifest(source), trust=True)) == []


def test_two_folders_of_one_source_count_together() -> None:
    own = {"name": "folder", "use": "free", "licence": "MIT", "attribution": "me"}
    other = {"name": "folder", "use": "noncommercial", "licence": "mine", "attribution": "me"}
    one = manifest((own, "noncommercial", "MIT and mine", "me"))
    both = one.model_copy(update={"recipe": {**one.recipe, "sources": [own, other]}})
    assert list(wrong_rights(both, trust=False)) == []
    lax = both.model_copy(update={"sources": [both.sources[0].model_copy(update={"use": "free"})]})
    (found,) = wrong_rights(lax, trust=False)
    assert "use is 'free'; expected 'noncommercial' or stricter" in found


def test_a_corpus_of_a_package_that_is_not_installed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(load_recipe(home / "boats.yaml", {"samples": 4, "val": 0}), home / "corpus")
    assert verify_corpus(open_corpus(home / "corpus")).problems == []
    assert unknown_sources(open_corpus(home / "corpus").manifest) == []
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(home / "site")])
    stranger.forget()
    done = CliRunner().invoke(main, ["verify", "corpus", "-w", "1"])
    assert done.exit_code == 1
    assert "use is 'free', but this installation does not know the source; expected 'forbidden'" in done.output
    assert "sources[0] (boats)" in done.output
    done = CliRunner().invoke(main, ["verify", "corpus", "-w", "1", "--trust-sources"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, ["publish", "corpus", "--repo", "me/boats", "--dry-run"])
    assert done.exit_code == 2
    assert "this installation does not know the rights of these sources; install the package that pro" in done.output
    refuse_licences(open_corpus("corpus").manifest, allow_noncommercial=False, trust_sources=True)


def test_a_class_that_a_manifest_names_is_never_imported(home: Path) -> None:
    build(load_recipe(by_class(), {"samples": 2, "val": 0}, allow_code=True), home / "corpus", allow_code=True)
    stranger.forget()
    (found,) = verify_corpus(open_corpus("corpus")).problems
    assert "(harbour.boats:Boats): use is 'free', but this installation does not know the source" in found
    assert "harbour.boats" not in sys.modules
    assert verify_corpus(open_corpus("corpus"), trust_sources=True).problems == []
    with pytest.raises(UserError, match="does not know the rights of these sources"):
        refuse_licences(open_corpus("corpus").manifest, allow_noncommercial=True)


def test_a_missing_plug_in_of_the_manifest_is_named(home: Path) -> None:
    build(load_recipe(home / "boats.yaml", {"samples": 2, "val": 0}), home / "corpus")
    plain = json.loads((home / "corpus" / "corpus.json").read_text())
    gone = plain["plugins"].pop(0)
    (home / "corpus" / "corpus.json").write_text(json.dumps(plain))
    found = verify_corpus(open_corpus("corpus")).problems
    expected = f"corpus.json: plugins: {gone['family']} {gone['name']!r} is missing; expected every plug-in of another"
    assert any(expected in text for text in found), found
    assert any(text.startswith("corpus.json: digest is ") for text in found), "they are part of the identity"
