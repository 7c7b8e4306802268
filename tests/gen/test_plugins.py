"""Plug-ins of other packages: found by entry point or by package.module:Class, never imported unasked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stranger
import yaml
from click.testing import CliRunner

from lavida_gen import DataError, Sampler, Source, UserError, __version__, build, load_recipe, open_corpus
from lavida_gen.cli import main
from lavida_gen.common import plugins
from lavida_gen.config.recipe import EXPOSURES, SOURCES
from lavida_gen.engines._base import pack_task, unpack_task
from lavida_gen.exposures._base import Exposure
from lavida_gen.inspection import describe
from lavida_gen.testing import check_exposure, check_source
from lavida_gen.testing.sources import SourceCase, check_broken_files

DOTTED = "harbour.boats:Boats"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with the package on sys.path, its data, and boats.yaml."""
    stranger.draw(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(stranger.install(tmp_path / "site")))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), *sys.path]))
    stranger.forget()
    yield tmp_path
    stranger.forget()


CARELESS = """
from harbour.boats import Boats
class Careless(Boats):
    def _read(self, path):
        path.read_text("ascii")
        return super()._read(path)
    def scene(self, number):
        self.files[number].read_text("ascii")
        return super().scene(number)
"""


def by_class() -> dict[str, Any]:
    """The recipe with a class instead of an entry point."""
    recipe: dict[str, Any] = yaml.safe_load(stranger.files()["boats.yaml"])
    recipe["sources"][0]["name"] = DOTTED
    return recipe


def command(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    return result.output


def test_the_contract_tests_pass(home: Path) -> None:
    from harbour.boats import Boats
    from harbour.turned import Turned

    check_source(Boats, home / "photos")
    check_exposure(Turned)
    check_exposure(Turned, source=Boats(Boats.Options(root=home / "photos")))


def test_the_contract_test_reports_an_error_that_is_no_data_error(home: Path) -> None:
    (home / "site" / "harbour" / "careless.py").write_text(CARELESS)
    from harbour.careless import Careless

    with pytest.raises(AssertionError, match="a broken or missing file raises UnicodeDecodeError .*expected a DataErr"):
        check_broken_files(SourceCase(Careless, home / "photos", {"root": home / "photos"}), home / "copy")


def test_the_traceback_of_a_plug_in_names_the_sample(home: Path) -> None:
    (home / "site" / "harbour" / "careless.py").write_text(CARELESS)
    recipe = {**by_class(), "sources": [{"name": "harbour.careless:Careless", "root": "photos"}]}
    sampler = Sampler(recipe, allow_code=True)
    for path in (home / "photos").glob("*.json"):
        path.write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError) as caught:
        sampler[3]
    (note,) = caught.value.__notes__
    assert note.startswith("while making sample 3: source harbour.careless:Careless, exposure ")


def test_lists_say_where_plug_ins_come_from(home: Path) -> None:
    listing = describe.list_sources()
    assert listing.plain["boats"]["from"] == "my-harbour 1.2"
    assert listing.plain["coco"]["from"] == "built in"
    assert describe.list_exposures().plain["turned"]["from"] == "my-harbour 1.2"
    assert "Boats of my harbour" in command("sources", "boats")
    assert "Boats of my harbour" in command("sources", DOTTED, "--allow-code")
    assert plugins.provider(SOURCES, DOTTED) == plugins.Provider("my-harbour", "1.2")


def test_a_corpus_notes_its_plug_ins_and_is_built_by_workers(home: Path) -> None:
    corpus = build("boats.yaml", "corpora/boats", settings={"shard.samples": 3}, workers=2)
    noted = [(one.family, one.name, one.distribution, one.version) for one in corpus.manifest.plugins]
    assert noted == [("source", "boats", "my-harbour", "1.2"), ("exposure", "turned", "my-harbour", "1.2")]
    card = (corpus.path / "README.md").read_text()
    assert "| source `boats` is from | my-harbour 1.2 |" in card
    assert f"lavida-gen {__version__}, with my-harbour 1.2 makes the same bytes" in card
    assert open_corpus("corpora/boats").manifest == corpus.manifest
    alone = build("boats.yaml", "corpora/alone", settings={"shard.samples": 3})
    assert alone.manifest == corpus.manifest
    assert {sample["source"] for sample in corpus.rows(["source"])} == {"boats"}


def test_built_in_corpora_have_no_key_for_plug_ins(tmp_path: Path) -> None:
    corpus = build("street", tmp_path / "c", settings={"samples": 4, "sources.0.scenes": 8, "sources.1.scenes": 4})
    assert "plugins" not in json.loads((tmp_path / "c" / "corpus.json").read_text())
    assert corpus.manifest.plugins == []


def test_another_version_is_another_corpus(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build("boats.yaml", "corpora/boats")
    (info,) = (home / "site").glob("*.dist-info")
    (info / "METADATA").write_text((info / "METADATA").read_text().replace("Version: 1.2", "Version: 1.3"))
    plugins._entry_points.cache_clear()
    with pytest.raises(UserError, match="source boats: my-harbour 1.2 -> my-harbour 1.3"):
        build("boats.yaml", "corpora/boats")
    assert build("boats.yaml", "corpora/newer").manifest.digest != first.manifest.digest


# ---- code is not imported unasked ----------------------------------------------------------------------------------


def test_a_strangers_recipe_imports_nothing_without_the_flag(home: Path) -> None:
    (home / "evil").mkdir()
    (home / "evil" / "__init__.py").write_text(f"open({str(home / 'ran')!r}, 'w')")
    recipe = by_class() | {"exposures": ["evil:Exposure", "absent"]}
    recipe["sources"][0]["name"] = "evil:Source"
    (home / "evil.yaml").write_text(json.dumps(recipe))
    refused = (
        r"sources\[0\]\.name: source 'evil:Source' is Python code from outside .*add --allow-code \(in Python: allow"
    )
    for call in (load_recipe, Sampler, lambda recipe: build(recipe, "c")):
        for given in (recipe, "evil.yaml"):
            with pytest.raises(UserError, match=refused) as caught:
                call(given)
            assert "exposures[0].name: exposure 'evil:Exposure' is Python code" in str(caught.value)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(home), *sys.path])}
    for words in (["build", "-r", "evil.yaml"], ["check", "-r", "evil.yaml"], ["sources", "evil:Source"]):
        done = subprocess.run(
            [sys.executable, "-m", "lavida_gen", *words], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 2, done.stderr
        assert "--allow-code" in done.stderr
    assert not (home / "ran").exists()


def test_a_published_corpus_obeys_the_same_rule(home: Path) -> None:
    corpus = build(by_class(), "corpora/boats", allow_code=True)
    assert corpus.manifest.recipe["sources"][0]["name"] == DOTTED
    assert corpus.manifest.plugins[0].distribution == "my-harbour"
    with pytest.raises(UserError, match="add --allow-code"):
        load_recipe("corpora/boats")
    again = json.loads(command("show", "corpora/boats", "3", "--json"))["again"]
    assert "--allow-code" in again
    assert "--allow-code" in (corpus.path / "README.md").read_text()
    assert load_recipe("corpora/boats", {"sources.0.root": "photos"}, allow_code=True).samples == 12
    assert Sampler(by_class(), allow_code=True)[3].record == corpus[3].record


def test_help_explains_the_flag() -> None:
    text = " ".join(command("build", "--help").split())
    assert "run with your rights: only for recipes you trust" in text


# ---- what cannot be used -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.at_all:X", r"there is no module nowhere; install the package that holds nowhere \(pip install"),
        ("harbour.missing:X", "there is no module harbour.missing; install the package that holds harbour"),
        ("harbour.boats:Ships", "module harbour.boats has no class 'Ships'"),
        ("harbour.turned:Turned", "is another class; got Turned, expected a concrete subclass of lavida_gen.Source"),
        ("harbour.broken:X", r"cannot be imported \(ZeroDivisionError: division by zero\)"),
        ("harbour.needy:X", "needs module scipyy, which is not installed"),
        ("harbour.boats", "unknown source 'harbour.boats'; expected package.module:Class, e.g. harbour.boats:MyClass"),
        ("harbour.half:Half", "does not define __len__, fingerprint, key, kind, scene, vocabulary"),
    ],
)
def test_what_cannot_be_imported_says_why(home: Path, name: str, message: str) -> None:
    package = home / "site" / "harbour"
    (package / "broken.py").write_text("1 / 0\n")
    (package / "needy.py").write_text("import scipyy\n")
    (package / "half.py").write_text("from lavida_gen import Source\nclass Half(Source): pass\n")
    with pytest.raises(UserError, match=message):
        plugins.find(SOURCES, Source, name, allow_code=True)


def test_entry_points_that_clash_are_told(home: Path) -> None:
    (info,) = (home / "site").glob("*.dist-info")
    with (info / "entry_points.txt").open("a") as file:
        file.write("\n[lavida_gen.engines]\nnothing = harbour.nothing:X\n")
    text = (info / "entry_points.txt").read_text()
    (info / "entry_points.txt").write_text(text.replace("boats =", "coco = harbour.boats:Boats\nboats ="))
    plugins._entry_points.cache_clear()
    listing = describe.list_sources().text
    assert "cannot be used: coco of my-harbour 1.2: has the name of a built-in one: rename the entry point" in listing
    assert plugins.find(SOURCES, Source, "coco").__module__ == "lavida_gen.sources.coco"
    other = home / "site" / "other-2.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Name: other\nVersion: 2\n")
    (other / "entry_points.txt").write_text("[lavida_gen.sources]\nboats = other:Boats\n")
    plugins._entry_points.cache_clear()
    with pytest.raises(UserError, match="source 'boats' is brought by my-harbour 1.2 and other 2; uninstall one"):
        plugins.find(SOURCES, Source, "boats")
    assert "cannot be used: boats: source 'boats' is brought by" in describe.list_sources().text


def test_a_module_without_a_distribution_is_known_by_its_source(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "loose_boats.py").write_text((home / "site" / "harbour" / "boats.py").read_text())
    monkeypatch.syspath_prepend(str(home))
    owner = plugins.provider(SOURCES, "loose_boats:Boats")
    assert owner is not None
    assert owner.distribution == "loose_boats"
    assert owner.version.startswith("sha256:")


def test_a_scorer_is_found_by_its_methods(home: Path) -> None:
    from lavida_bench.scoring.scorer import ScorerOf

    (home / "site" / "harbour" / "model.py").write_text(
        "class Model:\n    def prepare(self, clips, names): ...\n    def score(self, prepared): ...\n"
    )
    found = plugins.find("lavida_bench.scorers", ScorerOf, "harbour.model:Model", allow_code=True)
    assert found.__name__ == "Model"
    with pytest.raises(UserError, match="unknown scorer 'model'; known: clip, detector, "):
        plugins.find("lavida_bench.scorers", ScorerOf, "model")
    with pytest.raises(UserError, match="is another class"):
        plugins.find("lavida_bench.scorers", ScorerOf, "harbour.boats:Boats", allow_code=True)


def test_a_worker_says_what_it_cannot_import(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe("boats.yaml")
    work = pack_task(print, recipe)
    assert unpack_task(work)[1] == recipe
    for name in [name for name in sys.modules if name.partition(".")[0] == "harbour"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(home / "site")])
    with pytest.raises(DataError, match="a worker cannot import harbour, which the recipe needs; install the package"):
        unpack_task(work)


@pytest.mark.slow
def test_ray_tasks_import_the_package(home: Path) -> None:
    pytest.importorskip("ray")
    ray = build("boats.yaml", "corpora/ray", settings={"shard.samples": 6}, workers=2, engine="ray")
    assert ray.manifest == build("boats.yaml", "corpora/local", settings={"shard.samples": 6}).manifest


def test_exposures_are_found_too(home: Path) -> None:
    assert plugins.find(EXPOSURES, Exposure, "turned").__module__ == "harbour.turned"
