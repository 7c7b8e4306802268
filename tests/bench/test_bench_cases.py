"""Small folders as people have them, each with the number or the kind of answer that is right: shared/data/cases/bench."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from lavida_bench.cli import main

CASES = Path(__file__).resolve().parents[3] / "shared" / "data" / "cases" / "bench"
TABLE = CASES / "cases.tsv"


def rows() -> list[dict[str, str]]:
    if not TABLE.is_file():
        return []
    with TABLE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def arguments(row: dict[str, str]) -> list[str]:
    words = ["--root", str(CASES / row["root"])]
    for option in filter(None, row["options"].strip("{} ").split(",")):
        key, _, value = (part.strip() for part in option.partition(":"))
        if key == "allow_partial":
            words.append("--allow-partial")
        else:
            words += ["--set", f"{key}={CASES / value if (CASES / value).exists() else value}"]
    return words


@pytest.mark.skipif(not TABLE.is_file(), reason="needs the shared cases beside the checkout")
@pytest.mark.parametrize("row", rows(), ids=lambda row: row["folder"])
def test_a_case_is_right(row: dict[str, str]) -> None:
    wanted, options = row["expected"], arguments(row)
    if row["scores"] == "-":
        done = CliRunner().invoke(main, ["check", row["benchmark"], *options, "--json"])
        counts = re.match(r"check: (\d+) videos?, (\d+) frames, (\d+) abnormal", wanted)
        if counts:
            found = json.loads(done.stdout)["found"]
            assert [found["videos"], found["frames"], found["abnormal_frames"]] == [*map(int, counts.groups())]
        elif row["folder"] != "folder3":
            assert done.exit_code == 1
        return
    words = ["score-files", "-b", row["benchmark"], "-s", str(CASES / row["scores"]), *options]
    done = CliRunner().invoke(main, [*words, "--baseline", "none", "--resamples", "0", "--json"])
    assert not done.exception or isinstance(done.exception, SystemExit), done.output
    if wanted.startswith("refused") or "never taken" in wanted or "Refused by `auto`" in wanted:
        assert done.exit_code == 1, done.output
        return
    assert done.exit_code == 0, done.output
    metrics = json.loads(done.stdout)["entries"][0]["result"]["metrics"]
    for name in ("frame AUC", "pixel AUC", "pixel AP", "RBDC", "TBDC"):
        number = re.search(rf"(?<!\w ){name} (\d\.\d{{4}})", wanted)
        if number:
            key = name.lower().replace(" ", "_")
            assert metrics[key]["variants"]["micro"]["value"] == pytest.approx(float(number[1]), abs=6e-5), name
