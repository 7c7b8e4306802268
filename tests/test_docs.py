"""The documentation is true: its commands run, its code runs, its recipes load, its links exist.

Every fenced block of a page runs here, in order, in a folder with a small corpus, a small COCO, a video and a saved model;
`/data` stands for a folder of the test, and commands that build or train get smaller sizes (SMALLER). A block that
cannot run has a comment directly before it:

    <!-- not run: network -->        or data, GPU, weights, time; with details after a second colon

Its commands are parsed all the same: they exist, with these options. Blocks of `text` and `bibtex` are no code.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import drawing
import miniatures
import pytest
import stranger
import yaml
from click.testing import CliRunner

from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor
from lavida_bench.cli import main as lavida_bench
from lavida_bench.config import recipe as run_recipes
from lavida_gen.cli import main as lavida_gen
from lavida_gen.config import recipe as corpus_recipes

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "training" / "tiny" / "README.md",
    ROOT / "models" / "lavida" / "tiny" / "data" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LINKED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*/*.md"))]
COMMANDS = {
    "lavida-gen": lavida_gen,
    "lavida-bench": lavida_bench,
    "lavida_gen": lavida_gen,
    "lavida_bench": lavida_bench,
}
REASONS = ("data", "network", "GPU", "weights", "time")
MOST_NOT_RUN = 25

STREET = [
    "samples=24",
    "shard.samples=12",
    *(f"sources.{n}.{key}" for n in (0, 1) for key in ("scenes=30", "size=[96,128]")),
]
SMALLER = {
    "lavida-gen build --recipe street": STREET,
    "lavida-gen build --recipe coco": ["samples=8", "val=0"],
    "lavida-gen check --recipe coco": ["samples=8", "val=0"],
    "lavida-bench fit --recipe demo": ["fit.steps=1", "fit.batch=2", "fit.validation=null", "fit.warmup=0"],
    "lavida-bench score street": ["videos=2", "frames=16", "size=[96,144]"],
}
"""Settings (`--set`) that make a command quick."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: its first line, language, code, and why it is not run ("" = it runs)."""

    line: int
    language: str
    code: str
    not_run: str


def blocks(text: str) -> Iterator[Block]:
    """All fenced blocks of a page, those in lists too."""
    pattern = r"(?:^ *<!-- not run: ([^\n]*?) -->\n)?^( *)```(\w*)\n(.*?)^ *```$"
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        indent = match[2]
        code = re.sub(rf"^{indent}", "", match[4], flags=re.MULTILINE)
        yield Block(text[: match.start()].count("\n") + 1, match[3], code, match[1] or "")


def commands(code: str) -> Iterator[list[str]]:
    """The words of every command of a shell block."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


# ---- what does not run is parsed -----------------------------------------------------------------------------------


def parse(words: list[str]) -> None:
    """Raises if a command line could not be meant: unknown verb, option, file, target or extra."""
    program, *rest = words
    if program in COMMANDS or "-m" in rest:
        if program not in COMMANDS:
            program, *rest = rest[rest.index("-m") + 1 :]
        group, (verb, *arguments) = COMMANDS[program], rest
        command = group.get_command(click.Context(group), verb)
        assert command is not None, f"no command {verb!r}"
        context = click.Context(command, info_name=verb)
        command.make_parser(context).parse_args([word for word in arguments if word != "..."])
    elif program == "make":
        assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"no target {rest[0]}"
    elif program == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        for extra in re.findall(r"^\.\[(\w+)\]$", "\n".join(rest), re.MULTILINE):
            assert extra in extras
    elif "/" in program:
        assert (ROOT / program).is_file()
    else:
        assert program in ("accelerate", "hf", "export"), f"unknown program {program!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_that_do_not_run_have_a_reason_and_parse(page: Path) -> None:
    for block in blocks(page.read_text("utf-8")):
        assert block.language in ("bash", "python", "yaml", "text", "bibtex"), f"{page}:{block.line}"
        if not block.not_run:
            continue
        assert block.not_run.split(":")[0] in REASONS, f"{page}:{block.line}: reasons are {', '.join(REASONS)}"
        if block.language == "bash":
            for words in commands(block.code):
                parse(words)
        if block.language == "python":
            compile(block.code, f"{page}:{block.line}", "exec")


def test_few_blocks_do_not_run() -> None:
    every = [block for page in PAGES for block in blocks(page.read_text("utf-8")) if block.not_run]
    assert len(every) <= MOST_NOT_RUN


def test_pages_have_no_indented_commands() -> None:
    pattern = re.compile(r"^ {4}(lavida-|pip |make |python |accelerate |torchrun )", re.MULTILINE)
    assert [str(page) for page in PAGES if pattern.search(page.read_text("utf-8"))] == []


# ---- what runs -----------------------------------------------------------------------------------------------------


def invoke(words: list[str], data: Path) -> str:
    """Run a command of ours in this process; its output."""
    program, *rest = [word.replace("/data/", f"{data}/") for word in words]
    target = None
    if ">" in rest:
        target, rest = Path(rest[-1]), rest[:-2]
    short = " ".join(words)
    for start, settings in SMALLER.items():
        if re.sub(r" +", " ", short).startswith(start):
            rest += [word for setting in settings for word in ("--set", setting)]
    if rest[0] == "build":
        rest += ["--workers", "1"]
    result = CliRunner().invoke(COMMANDS[program], rest)
    assert result.exit_code == 0, f"{short}\n{result.output}\n{result.exception!r}"
    if target is not None:
        target.write_text(result.output)
    return result.output


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages take for granted: a corpus, data, a video, a model."""
    home = tmp_path_factory.mktemp("docs")
    invoke(["lavida-gen", "build", "--recipe", "street", "--out", str(home / "corpora" / "street")], home)
    shutil.copytree(home / "corpora" / "street", home / "demo" / "corpus")
    miniatures.draw("coco", home / "data" / "coco")
    drawing.video(home / "walk.mp4", 24)
    model = home / "runs" / "demo" / "fit" / "model"
    Lavida.from_preset("tiny").save_pretrained(model)
    LavidaProcessor.from_preset("tiny").save_pretrained(model)
    return home


@pytest.fixture
def home(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and the working folder."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    monkeypatch.setenv("COCO_ROOT", str(tmp_path / "data" / "coco"))
    stranger.draw(tmp_path)
    stranger.forget()
    monkeypatch.syspath_prepend(str(stranger.install(tmp_path / "site")))
    return tmp_path


def load_recipe(plain: dict[str, Any], home: Path) -> None:
    """Check a recipe of a corpus or of a run."""
    plain = json.loads(json.dumps(plain).replace("${COCO_ROOT}", str(home / "data" / "coco")))
    if "sources" in plain:
        corpus_recipes.parse(plain)
    else:
        run_recipes.parse(plain)


def run_blocks(text: str, home: Path, name: str) -> None:
    """Run all blocks of a page in order; those of Python share their names."""
    names: dict[str, Any] = {}
    for block in blocks(text):
        if block.not_run:
            continue
        if block.language == "bash":
            for words in commands(block.code):
                assert words[0] in COMMANDS, f"{name}:{block.line}: {words[0]}: run it here, or mark the block"
                invoke(words, home / "data")
        elif block.language == "python":
            exec(compile(block.code, f"{name}:{block.line}", "exec"), names)
        elif block.language == "yaml":
            load_recipe(yaml.safe_load(block.code), home)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(page: Path, home: Path) -> None:
    run_blocks(page.read_text("utf-8"), home, page.name)


def test_the_card_of_a_corpus_runs(home: Path) -> None:
    text = (home / "corpora" / "street" / "README.md").read_text("utf-8")
    card = text.split("---\n", 2)[2]
    assert len(list(blocks(card))) >= 4
    run_blocks(card, home, "card")
    again = re.findall(r"^    (lavida-gen .*)$", card, re.MULTILINE)
    assert again
    for line in again:
        invoke(shlex.split(line), home / "data")
    assert (home / "again" / "corpus.json").read_bytes() == (home / "corpora" / "street" / "corpus.json").read_bytes()


# ---- links and names of files --------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(file), f"{page}: {target}"


FOLDERS = ("generator", "harness", "models", "tests", "benchmarks", "training", "recipes", "docs")
HOMES = {"lavida_gen": "generator", "lavida_bench": "harness", "lavida": "models"}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_of_files_exist(page: Path) -> None:
    """Files of this repository that a page names, in capitals (NAME.py) where any will do."""
    if page.parent.name == "history":
        pytest.skip("a record of the past")
    pattern = rf"\b(?:{'|'.join((*FOLDERS, *HOMES))})/[\w./-]*\w\.(?:py|md|yaml|sh|txt|json)\b"
    for name in re.findall(pattern, page.read_text("utf-8")):
        if re.search(r"[A-Z]{3,}\w*\.", name) and not name.endswith("README.md"):
            continue
        top = name.split("/")[0]
        assert (ROOT / HOMES.get(top, ".") / name).exists(), f"{page}: {name}"
