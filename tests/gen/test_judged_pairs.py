"""Pairs of a picture and an absent name: drawn by a seed, guarded against changes, counted with Wilson's interval."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from miniatures import coco
from PIL import Image
from scipy.stats import binomtest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SOURCES = {"coco", "coco_json", "davis", "folder", "street"}
MODULES = ("build", "checked", "pairs", "real", "sheets")


@pytest.fixture(scope="module", name="judging")
def _judging() -> Iterator[SimpleNamespace]:
    """The modules that draw and count."""
    sys.path.insert(0, str(BENCHMARKS))
    modules = {name: importlib.import_module(f"label_truth.{name}") for name in MODULES}
    yield SimpleNamespace(**modules, script=importlib.import_module("judge_pairs"))
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module", name="corpus")
def _corpus(judging: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("coco")
    coco.draw(root)
    real = SimpleNamespace(name="drawn", sources=[{"name": "coco", "root": str(root)}])
    corpus: Path = judging.build.build_corpus(judging.real.recipe(real, 36, seed=3), root / "corpus")
    return corpus


@pytest.fixture(name="drawn")
def _drawn(judging: SimpleNamespace, corpus: Path) -> Any:
    drawn, _ = judging.pairs.draw({"coco": corpus}, {"coco": 4}, seed=5)
    return drawn


def judged(drawn: Any, *verdicts: str) -> Any:
    pairs = tuple(replace(pair, verdict=verdict) for pair, verdict in zip(drawn.pairs, verdicts, strict=True))
    return replace(drawn, pairs=pairs)


def test_a_seed_draws_the_same_pairs(judging: SimpleNamespace, corpus: Path, drawn: Any) -> None:
    again, _ = judging.pairs.draw({"coco": corpus}, {"coco": 4}, seed=5)
    others = [judging.pairs.draw({"coco": corpus}, {"coco": 2}, seed=seed)[0].pairs for seed in range(6)]
    assert again == drawn
    assert len(set(others)) > 1
    assert len({(pair.scene, pair.name) for pair in drawn.pairs}) == 4
    assert {pair.evidence for pair in drawn.pairs} == {"exhaustive"}


def test_the_file_holds_how_they_were_drawn(judging: SimpleNamespace, corpus: Path, drawn: Any) -> None:
    text = judging.pairs.write(drawn)
    manifest = (corpus / "corpus.json").read_text()
    assert judging.pairs.read(text) == drawn
    assert text.startswith("# seed 5\n# coco: lavida-gen 0.")
    (line,) = (line for line in drawn.head if line.startswith("coco"))
    assert line.split()[2].rstrip(",") in manifest
    assert len(line.split()[-1]) == 64


@pytest.mark.parametrize("change", ["leave one out", "another name", "another scene"])
def test_drawn_pairs_are_not_exchanged(change: str, judging: SimpleNamespace, drawn: Any) -> None:
    lines = judging.pairs.write(drawn).splitlines()
    if change == "leave one out":
        del lines[-1]
    else:
        cells = lines[-1].split("\t")
        cells[2 if change == "another name" else 5] = "unicorn"
        lines[-1] = "\t".join(cells)
    with pytest.raises(ValueError, match="not those that were drawn"):
        judging.pairs.read("\n".join(lines))


def test_doubtful_counts_as_wrong(judging: SimpleNamespace, drawn: Any) -> None:
    rate = judging.pairs.rate(judged(drawn, "absent", "absent", "doubtful", "present").pairs)
    assert (rate.pairs, rate.wrong) == (4, 2)


@pytest.mark.parametrize("verdict", ["", "yes"])
def test_every_pair_needs_a_verdict(verdict: str, judging: SimpleNamespace, drawn: Any) -> None:
    with pytest.raises(ValueError, match=r"pair 4 .*expected absent, present, doubtful"):
        judging.pairs.rate(judged(drawn, "absent", "absent", "absent", verdict).pairs)


@pytest.mark.parametrize(("wrong", "pairs"), [(0, 300), (1, 330), (3, 50), (50, 50)])
def test_the_interval_is_wilsons(wrong: int, pairs: int, judging: SimpleNamespace) -> None:
    expected = binomtest(wrong, pairs).proportion_ci(method="wilson")
    assert judging.pairs.wilson(wrong, pairs) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_sheets_show_every_picture_once(judging: SimpleNamespace, corpus: Path, tmp_path: Path) -> None:
    drawn, shown = judging.pairs.draw({"coco": corpus}, {"coco": 9}, seed=5)
    files = judging.sheets.write_sheets(drawn.pairs, shown, tmp_path)
    assert list(shown) == sorted({pair.picture for pair in drawn.pairs}, key=int)
    assert sum(1 for pair in drawn.pairs if pair.picture in shown) == len(drawn.pairs)
    assert [Image.open(file).format for file in files] == ["JPEG"] * len(files)


def test_the_report_is_a_page(judging: SimpleNamespace, drawn: Any, tmp_path: Path) -> None:
    done = judged(drawn, "absent", "absent", "absent", "present")
    page = judging.script.report(done, "2026-11-29")
    assert "| all | 4 | " in page
    assert "25.0% | 4.6% to 69.9% |" in page
    assert f"- coco {done.pairs[3].scene}: {done.pairs[3].name} (exhaustive): present." in page
    (tmp_path / "pairs.tsv").write_text(judging.pairs.write(drawn))
    command = [sys.executable, str(BENCHMARKS / "judge_pairs.py"), "rate", str(tmp_path / "pairs.tsv")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "verdict is nothing; expected absent, present, doubtful" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_numbers_of_each_source_are_kept_for_its_card(judging: SimpleNamespace, drawn: Any) -> None:
    own = judged(drawn, "absent", "doubtful", "absent", "present").pairs
    foreign = replace(own[3], source="everything: coco")
    users = replace(own[3], source="camvid (folder)", scene="camvid/0001")
    text = judging.checked.write("# a comment\ndavis: {pairs: 9, wrong: 9}\n", (*own, foreign, users), SOURCES)
    assert text == "# a comment\ncoco: {pairs: 4, wrong: 2}\n"
    assert judging.checked.write("# a comment\n", (foreign, users), SOURCES) == "# a comment\n{}\n"


@pytest.mark.parametrize(
    ("absent", "sentence"), [(400, "Under 1 %: `exhaustive`."), (4, "It ends under 1 % for none ")]
)
def test_under_one_percent_is_claimed_only_where_the_interval_ends_there(
    absent: int, sentence: str, judging: SimpleNamespace, drawn: Any
) -> None:
    pairs = [replace(drawn.pairs[0], verdict="absent")] * absent
    assert judging.script.under_one_percent(pairs).startswith(sentence)
