"""Shards of another toolchain: refused on resume, in parts, on merging and in workers, or mixed on purpose and recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lavida_gen.building import build as builder
from lavida_gen.building.build import BuildSettings, build, build_part
from lavida_gen.building.card import card
from lavida_gen.building.card_place import CardPlace
from lavida_gen.building.make_shard import ShardJob, make_shard
from lavida_gen.building.merge import merge_parts
from lavida_gen.building.toolchain import current_toolchain, differences
from lavida_gen.building.toolchain_bound import toolchain_bounds
from lavida_gen.cli import main
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.corpus.reader import open_corpus

SETTINGS = {"samples": 8, "shard.samples": 2, "val": 0, "sources.0.scenes": 8, "sources.1.scenes": 8, "seed": 5}
RECIPE = load_recipe("street", {**SETTINGS, "sources.0.size": [96, 128], "sources.1.size": [96, 128]})
HERE = current_toolchain(RECIPE, [])
OLD = {**HERE, "opencv": "4.1.0"}


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus of which the first shard was made by an older OpenCV."""
    with monkeypatch.context() as patched:
        for module in ("build", "make_shard"):
            patched.setattr(f"lavida_gen.building.{module}.current_toolchain", lambda recipe, plugins: OLD)
        build_part(RECIPE, tmp_path / "corpus", slice(0, 1), BuildSettings())
    return tmp_path / "corpus"


def test_versions_that_differ() -> None:
    assert differences({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == "b 2 -> 3, c none -> 4"
    assert differences(HERE, HERE) == ""


def test_resume_is_refused_and_loses_nothing(begun: Path) -> None:
    before = {path: path.read_bytes() for path in begun.rglob("*.tar")}
    with pytest.raises(UserError, match=rf"opencv 4\.1\.0 -> {HERE['opencv']}.*--mixed-toolchain"):
        build(RECIPE, begun)
    with pytest.raises(UserError, match="another toolchain"):
        build_part(RECIPE, begun, slice(0, 2), BuildSettings())
    assert {path: path.read_bytes() for path in begun.rglob("*.tar")} == before


def test_a_mixture_on_purpose_is_recorded(begun: Path) -> None:
    manifest = build(RECIPE, begun, mixed_toolchain=True)
    assert manifest.toolchains == [OLD, HERE]
    assert [shard.toolchain for shard in manifest.shards] == [0, 1, 1, 1]
    assert open_corpus(begun).manifest.toolchains == [OLD, HERE]


def test_parts_of_two_toolchains_are_not_merged(begun: Path, tmp_path: Path) -> None:
    build_part(RECIPE, tmp_path / "other", slice(1, 4), BuildSettings())
    result = CliRunner().invoke(main, ["merge", str(begun), str(tmp_path / "other")])
    assert result.exit_code == 2
    assert f"opencv {HERE['opencv']} -> 4.1.0" in result.output or f"opencv 4.1.0 -> {HERE['opencv']}" in result.output
    assert len(merge_parts(begun, [tmp_path / "other"], mixed_toolchain=True).toolchains) == 2


def test_a_worker_with_other_versions_makes_nothing(tmp_path: Path) -> None:
    plan = builder.dry_run(RECIPE)
    job = ShardJob(RECIPE, str(tmp_path / "corpus"), plan[0], toolchain=OLD)
    with pytest.raises(DataError, match=r"a worker has other versions.*opencv 4\.1\.0"):
        make_shard(job, lambda: None)
    assert not list(tmp_path.rglob("*.tar"))


def test_the_card_promises_what_was_measured(begun: Path) -> None:
    """Once for corpora without augmentations, once with them; the figures stand in one file."""
    manifest = build(RECIPE, begun, mixed_toolchain=True)
    text = (begun / "README.md").read_text()
    assert f"{toolchain_bounds().plain.text} (measured on {toolchain_bounds().measured}" in text
    assert f"OpenCV {toolchain_bounds().oldest['opencv-python-headless']} and " in text
    assert "opencv 4.1.0" in text
    assert f"opencv {HERE['opencv']}" in text, "both toolchains of a mixture"
    augmented = manifest.model_copy(update={"recipe": {**manifest.recipe, "augmentations": [{"name": "rain"}]}})
    assert toolchain_bounds().augmented.text in card(augmented, {"image": 1, "clip": 8}, CardPlace.of(str(begun)))
