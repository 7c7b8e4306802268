"""Parts of a build, joined: the same corpus as one build makes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lavida_gen.building import build as builder
from lavida_gen.building.build import BuildSettings
from lavida_gen.building.merge import merge_parts
from lavida_gen.cli import main
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.sampling.parts import CorpusPart, cut_into_shards

PLAIN = {
    "name": "parts",
    "samples": 16,
    "shard": {"samples": 4},
    "val": 0.25,
    "sources": [{"name": "street", "scenes": 20, "size": [96, 128]}],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("parts") / "parts.yaml"
    file.write_text(json.dumps(PLAIN))
    return file


@pytest.fixture(scope="module")
def whole(recipe: Path) -> Path:
    builder.build(recipes.load(str(recipe)), recipe.parent / "whole")
    return recipe.parent / "whole"


def tree(folder: Path) -> dict[str, str]:
    """Digest of every file; the place that the card names does not count."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    contents = {path: path.read_bytes().replace(str(folder).encode(), b"") for path in files}
    return {str(path.relative_to(folder)): hashlib.sha256(data).hexdigest() for path, data in contents.items()}


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def test_parts_in_one_place(recipe: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    for part in ("2:4", "0:2"):
        text = run("build", "-r", recipe, "-o", out, "-w", 1, "--shards", part)
        assert text == f"{out}: 2 shards are finished; when all are: lavida-gen merge {out}\n"
        assert not (out / "corpus.json").exists()
    assert "16 samples" in run("merge", out)
    assert tree(out) == tree(whole)
    assert "16 samples" in run("merge", out), "the same command again has nothing to do"
    assert tree(out) == tree(whole)
    shard = next(out.glob("image/*.tar"))
    shard.write_bytes(shard.read_bytes()[:-1])
    assert f"{shard.name}: is damaged or missing, and the corpus is finished" in run("merge", out, code=1)


def test_parts_in_several_places_are_joined_without_the_data(recipe: Path, whole: Path, tmp_path: Path) -> None:
    made = recipes.load(str(recipe))
    for number, part in enumerate((slice(0, 1), slice(1, 3), slice(3, 9))):
        builder.build_part(made, tmp_path / f"part{number}", part, BuildSettings())
    plain = json.loads(run("merge", tmp_path / "c", *sorted(tmp_path.glob("part*")), "--json"))
    assert plain["digest"] == open_corpus(whole).manifest.digest
    assert tree(tmp_path / "c") == tree(whole)
    assert len(list(tmp_path.glob("part*/image/*.tar"))) == 4, "parts are kept"


def test_missing_shards_are_named(recipe: Path, tmp_path: Path) -> None:
    builder.build_part(recipes.load(str(recipe)), tmp_path, slice(1, 2), BuildSettings())
    with pytest.raises(DataError, match=r"1 of 4 shards exist; build --shards 0:1, 2:4 of the same recipe, then"):
        merge_parts(tmp_path)
    (tmp_path / "image" / "train-00001.tar").write_bytes(b"cut")
    with pytest.raises(DataError, match=r"0 of 4 shards exist; .*missing or damaged; build --shards 0:4 of"):
        merge_parts(tmp_path)


def test_parts_of_another_recipe_are_refused(recipe: Path, tmp_path: Path) -> None:
    builder.build_part(recipes.load(str(recipe)), tmp_path / "a", slice(0, 1), BuildSettings())
    builder.build_part(recipes.load(str(recipe), ["seed=9"]), tmp_path / "b", slice(1, 2), BuildSettings())
    with pytest.raises(
        UserError, match=r"b: is a part of recipe 'parts' \(\w{12}\); expected 'parts' \(\w{12}\) as in"
    ):
        merge_parts(tmp_path / "a", [tmp_path / "b"])
    with pytest.raises(UserError, match=r"nothing: holds no part of a build; expected a folder that `build --shards`"):
        merge_parts(tmp_path / "a", [tmp_path / "nothing"])
    with pytest.raises(UserError, match=r"nothing: holds no part of a build"):
        merge_parts(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("part", "message"),
    [("1-3", "--shards 1-3: expected A:B"), ("4:9", "--shards 4:9: recipe parts has shards 0 to 3")],
)
def test_invalid_parts(recipe: Path, tmp_path: Path, part: str, message: str) -> None:
    assert message in run("build", "-r", recipe, "-o", tmp_path / "c", "--shards", part, code=2)
    assert not (tmp_path / "c").exists()


def test_a_dry_run_numbers_the_shards(recipe: Path, tmp_path: Path) -> None:
    assert "      3  image/val-00000.tar  samples 12 to 15" in run("build", "-r", recipe, "-o", tmp_path, "--dry-run")


def test_a_part_and_a_whole_build_cannot_run_together(recipe: Path, tmp_path: Path) -> None:
    import fcntl

    made = recipes.load(str(recipe))
    (tmp_path / ".build").mkdir()
    with open(tmp_path / ".build" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # as another part does
        assert builder.build_part(made, tmp_path, slice(0, 1), BuildSettings()) == 1
        with pytest.raises(UserError, match="another build is writing here"):
            builder.build(made, tmp_path)


@pytest.mark.parametrize("shards", [4500, 4510, 1_000_000])
def test_no_folder_holds_too_many_files(shards: int) -> None:
    parts = [CorpusPart("image", "train", 0, shards * 9), CorpusPart("image", "val", shards * 9, shards)]
    names = [one.name for one in cut_into_shards(parts, 10)]
    assert len(set(names)) == len(names) == shards
    assert sorted(names) == names, "in order for whoever sorts file names"
    entries: dict[str, set[str]] = {}
    for name in names:
        way = name.split("/")
        for depth in range(1, len(way)):
            entries.setdefault("/".join(way[:depth]), set()).add(way[depth])
    assert max(map(len, entries.values())) <= 5000, "a range may become two files, and the Hub's limit is 10,000"
