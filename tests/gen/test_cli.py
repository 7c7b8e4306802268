"""The command line."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import cv2
import miniatures
import pytest
from click.testing import CliRunner

from lavida_gen.cli import main
from lavida_gen.common import plugins
from lavida_gen.common.text import counted
from lavida_gen.config import recipe as recipes

RECIPE = {
    "name": "cli",
    "samples": 16,
    "shard": {"samples": 8},
    "sources": [
        {"name": "street", "scenes": 20, "size": [96, 128]},
        {"name": "street", "kind": "clip", "frames": 3, "scenes": 9, "size": [96, 128], "seed": 2},
    ],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}


def run(*command: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, list(command))
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recipe") / "cli.yaml"
    file.write_text(json.dumps(RECIPE))
    return file


@pytest.fixture(scope="module")
def corpus(recipe: Path) -> Path:
    out = recipe.parent / "corpus"
    text = run("build", "-r", str(recipe), "-o", str(out), "-w", "1")
    assert "16 samples" in text
    assert "digest " in text
    return out


@pytest.mark.parametrize("command", [[], *([name] for name in plugins.names("lavida_gen.commands"))])
def test_help_explains_every_option(command: list[str]) -> None:
    text = run(*command, "--help")
    assert "Usage: " in text
    assert len(text.splitlines()) > 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["biuld"], "unknown command 'biuld'; did you mean 'build'?"),
        (["build", "-r", "street", "--samples", "9"], "is a key of the recipe or data set, give --set samples=VALUE."),
        (["build", "-r", "street", "--workres", "2"], "--workers"),
    ],
)
def test_misspelt_arguments_get_a_hint(words: list[str], message: str) -> None:
    assert message in run(*words, code=2)


def test_a_picture_has_a_suffix_that_can_be_written(corpus: Path, tmp_path: Path) -> None:
    text = run("show", str(corpus), "1", "--out", str(tmp_path / "x.gif"), code=2)
    assert "x.gif: suffix '.gif'; expected .png, .jpg, .jpeg" in text
    assert not list(tmp_path.iterdir())


def test_a_second_build_prints_the_same(recipe: Path, corpus: Path) -> None:
    plain = json.loads(run("build", "-r", str(recipe), "-o", str(corpus), "--json"))
    assert plain["samples"] == 16
    assert plain["digest"] in (corpus / "corpus.json").read_text()


def test_a_dry_run_writes_nothing(recipe: Path, tmp_path: Path) -> None:
    text = run("build", "-r", str(recipe), "-o", str(tmp_path / "no"), "--dry-run")
    assert "image/train-00000.tar  samples 0 to" in text
    assert not (tmp_path / "no").exists()


def test_every_kind_of_build_prints_json(recipe: Path, corpus: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "part")
    plan = json.loads(run("build", "-r", str(recipe), "-o", out, "--dry-run", "--json"))
    held = json.loads((corpus / "corpus.json").read_text())["shards"]
    assert plan == {"corpus": out, "shards": [{k: s[k] for k in ("file", "samples", "first")} for s in held]}
    made = json.loads(run("build", "-r", str(recipe), "-o", out, "--shards", "0:1", "-w", "1", "--json"))
    assert made == {"corpus": out, "there": 1}
    one = json.loads(run("build", "-r", str(recipe), "-o", str(tmp_path / "one"), "--only", "0", "--json"))
    assert [Path(file).suffix for file in one["files"]] == [".jpg", ".png", ".json"]
    assert all(Path(file).is_file() for file in one["files"])


def test_verify_prints_sound_or_the_problems(corpus: Path, tmp_path: Path) -> None:
    assert run("verify", str(corpus), "-w", "1").endswith("sound\n")
    assert json.loads(run("verify", str(corpus), "-w", "1", "--json")) == {"sound": True, "faults": []}
    run("verify", str(tmp_path), code=2)


def test_stats_as_text_and_json(corpus: Path) -> None:
    text = run("stats", str(corpus))
    assert "relabel" in text
    assert "street" in text
    plain = json.loads(run("stats", str(corpus), "--json"))
    assert plain["samples"] == 16
    assert sum(plain["areas"].values()) == plain["exposed"]
    assert sum(count["samples"] for count in plain["splits"].values()) == 16


@pytest.mark.parametrize("index", [0, 15])
def test_show_writes_a_picture_and_prints_a_working_command(corpus: Path, tmp_path: Path, index: int) -> None:
    picture = tmp_path / "p.png"
    shown = json.loads(run("show", str(corpus), str(index), "-o", str(picture), "--json"))
    assert cv2.imread(str(picture)).shape[1] == 960
    words = shown["again"].split()
    assert words[0] == "lavida-gen"
    words[words.index("--out") + 1] = str(tmp_path / "again")
    run(*words[1:])
    record = json.loads(next((tmp_path / "again").glob("*.json")).read_text())
    assert record == {key: shown[key] for key in record}
    assert "question" in run("show", str(corpus), str(index), "-o", str(picture))


def test_show_quotes_a_path_with_spaces(corpus: Path, tmp_path: Path) -> None:
    place = tmp_path / "my  corpora" / "c"
    shutil.copytree(corpus, place)
    shown = json.loads(run("show", str(place), "3", "-o", str(tmp_path / "p.png"), "--json"))
    words = ["lavida-gen", "build", "--recipe", str(place), "--only", "3", "--out", "sample-3"]
    assert shlex.split(shown["again"]) == words
    assert f"again     {shown['again']}\n" in run("show", str(place), "3", "-o", str(tmp_path / "p.png"))


def test_show_of_a_missing_sample(corpus: Path) -> None:
    assert "sample 16: " in run("show", str(corpus), "16", code=2)


def test_check(recipe: Path) -> None:
    text = run("check", "-r", str(recipe))
    assert text.startswith("sources[0] (street): 20 scenes, 228 names\n  name ")
    assert text.endswith("recipe cli: sound\n")
    text = run("check", "-r", str(recipe), "--set", "sources.0={name: coco, root: /nowhere/x}", code=1)
    assert "sources[0] (coco): " in text
    assert "/nowhere/x" in text


def test_check_of_data_with_holes(recipe: Path, tmp_path: Path) -> None:
    """A missing photo stops `broken: stop`; `broken: drop` builds without it. An empty polygon is a note."""

    def check(*words: str, code: int = 0) -> str:
        return run("check", "-r", str(recipe), "--trial", "0", "--names", "0", *words, code=code)

    options = miniatures.draw("coco", tmp_path)
    entry = f"sources.0={{name: coco, root: {options['root']}}}"
    file = tmp_path / "annotations" / "instances_train2017.json"
    plain = json.loads(file.read_text())
    plain["annotations"][0]["segmentation"].append([])
    file.write_text(json.dumps(plain))
    text = check("--set", entry)
    assert text.splitlines()[-1] == "recipe cli: sound, 1 note"
    assert f"\nnote: sources[0] (coco): {file}: annotations[0] (id 1): 1 of 2 polygons" in text
    photo = tmp_path / "train2017" / "000000000285.jpg"
    photo.unlink()
    text = check("--set", entry, code=1)
    assert (
        f"no file {photo}; fetch it again, or check `images`; `broken: drop` leaves it out and loses 1 scene\n" in text
    )
    assert text.splitlines()[-1] == "recipe cli: 1 problem, 1 note"
    text = check("--set", entry, "--set", "broken=drop")
    assert (
        f"dropped: sources[0] (coco): {file}: image id 285: no file {photo}; fetch it again, or check `images`\n"
        in text
    )
    assert text.splitlines()[-1] == "recipe cli: sound, `broken: drop` leaves out 1 scene for 1 reason, 1 note"
    shown = json.loads(check("--set", entry, "--set", "broken=drop", "--json"))
    assert shown["sound"] is True
    assert [(row["severity"], row["scenes"]) for row in shown["findings"]] == [("note", 0), ("dropped", 1)]


def test_build_counts_scenes_and_attempts_apart(recipe: Path, tmp_path: Path) -> None:
    """A broken photo is one scene that is left out, however often it was drawn; other scenes were tried in vain."""
    options = miniatures.draw("coco", tmp_path / "data")
    (tmp_path / "data" / "train2017" / "000000000285.jpg").write_bytes(b"")
    entry = f"sources=[{{name: coco, root: {options['root']}}}]"
    build = ("build", "-r", str(recipe), "-o", str(tmp_path / "c"), "-w", "1", "--set", entry, "--set", "broken=drop")
    more = ("--set", "samples=120", "--set", "val=0", "--set", "exposures=[relabel]", "--set", "anomaly_ratio=1")
    text = run(*build, *more)
    assert ": 120 samples of 1 scene (120 with an anomaly) in " in text
    assert (
        "\n  each scene is in 120 samples on average: more scenes teach more\n  left out 1 scene: broken file\n" in text
    )
    counts = dict(re.findall(r"\n  (\d+) attempts failed: (.*)", text))
    assert set(counts.values()) == {"relabel: broken file", "relabel: nothing that could be the anomaly"}
    assert min(map(int, counts)) > 10
    stats = run("stats", str(tmp_path / "c"))
    assert stats.startswith("120 samples of 1 scene, 120 with an anomaly\n1 scene could not be read and was left out\n")
    card = (tmp_path / "c" / "README.md").read_text("utf-8")
    assert (
        "| different scenes | 1, 120.0 samples of each on average |\n| scenes that cannot be read, left out | 1 |"
        in card
    )
    again = json.loads(run(*build, *more, "--json"))
    assert (again["scenes"], again["broken"]) == (1, 1)


@pytest.mark.parametrize("name", plugins.names(recipes.SOURCES))
def test_every_source_is_described(name: str) -> None:
    assert name in run("sources")
    text = run("sources", name)
    for head in ("page", "licence", "How to get it", "Layout of its folder", "Options in a recipe"):
        assert head in text
    assert "None" not in text
    assert json.loads(run("sources", name, "--json"))["name"] == name


def test_errors_of_the_operating_system_are_one_sentence() -> None:
    text = run("build", "--recipe", "x" * 400, code=1)
    assert text == f"error: {'x' * 400}/corpus.json: File name too long; --debug shows where\n"
    assert isinstance(CliRunner().invoke(main, ["build", "--recipe", "x" * 400, "--debug"]).exception, OSError)


def test_defaults_are_printed_as_yaml() -> None:
    text = run("sources", "street")
    assert re.search(r"size +default \[360, 480\]  \[height, width\] in pixels", text)
    assert re.search(r"closeup +default false ", text)
    assert re.search(r"places {10,}only these of street", text), "no default, nothing printed"
    text = run("sources", "folder")
    assert re.search(r"suffix +default '' ", text)
    assert re.search(r"void +default \[255\] ", text)
    assert "root         required " in text
    assert "blend  default either  soft edge" in run("exposures", "paste")


@pytest.mark.parametrize("name", plugins.names(recipes.EXPOSURES))
def test_every_exposure_is_described(name: str) -> None:
    assert name in run("exposures")
    assert "Options in a recipe" in run("exposures", name)


def test_printed_recipes_can_be_built(tmp_path: Path) -> None:
    assert "street" in run("recipes")
    text: Any = run("recipes", "street")
    (tmp_path / "mine.yaml").write_text(text)
    assert recipes.load(str(tmp_path / "mine.yaml")).digest() == recipes.load("street").digest()


@pytest.mark.parametrize("command", ["sources", "exposures", "recipes"])
def test_unknown_names(command: str) -> None:
    assert "unknown" in run(command, "relabell", code=2)


@pytest.mark.parametrize(
    "command",
    ["stats", "verify", "preview", "show {} 0", "publish --repo some/one", "publish --repo some/one --dry-run"],
)
def test_a_missing_folder(command: str, tmp_path: Path) -> None:
    verb, *more = (command if "{}" in command else f"{command} {{}}").format(tmp_path / "no").split()
    todo = f"no such folder; build it: `lavida-gen build --recipe ... --out {tmp_path / 'no'}`"
    assert f"{tmp_path / 'no'}: {todo}" in run(verb, *more, code=2)


def test_counts_have_the_right_number(recipe: Path, tmp_path: Path) -> None:
    assert counted(1, "problem") == "1 problem"
    assert counted(0, "problem") == "0 problems"
    assert counted(1000, "entry", "entries") == "1,000 entries"
    fewer = ["--set", "samples=1", "--set", "val=0", "--set", "sources=[{name: street, scenes: 3, size: [96, 128]}]"]
    assert ": 1 sample of 1 scene (" in run("build", "-r", str(recipe), "-o", str(tmp_path / "c"), "-w", "1", *fewer)
    assert "1 sample in 1 shard: sound" in run("verify", str(tmp_path / "c"), "-w", "1")
    text = run("check", "-r", str(recipe), "--set", "sources=[{name: coco_panoptic, root: /nowhere/x}]", code=1)
    assert text.splitlines()[-1] == f"recipe cli: {counted(len(text.splitlines()) - 1, 'problem')}"


def test_unfinished_and_foreign_folders(tmp_path: Path) -> None:
    assert "holds no corpus.json" in run("stats", str(tmp_path), code=2)
    (tmp_path / ".build").mkdir()
    (tmp_path / ".build" / "plan.json").write_text("{}")
    assert "is not finished; run the same `lavida-gen build`" in run("stats", str(tmp_path), code=1)
    (tmp_path / "corpus.json").write_text('{"format": 1}')
    assert "a manifest of format 1" in run("stats", str(tmp_path), code=1)
